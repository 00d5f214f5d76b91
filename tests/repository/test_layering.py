"""The shape of the project: which part may know which, and what may stand nowhere."""

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from importlib import import_module
from importlib.metadata import PackageNotFoundError, distribution
from importlib.util import find_spec
from pathlib import Path

import pytest
import yaml
from conftest import REPOSITORY
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from support.code_files import EVERYTHING, LAYERS, files_of, imported, nodes, tree

from tasks.monitoring.failed_runs import FLOWS

READS_THE_CLOCK = {"flows", "cli", "service", "scripts"}
CLOCKS = {
    "datetime.now",
    "datetime.utcnow",
    "datetime.today",
    "date.today",
    "dt.datetime.now",
    "time.time",
    "time.time_ns",
    "time.localtime",
    "time.gmtime",
    "time.strftime",
}


def in_git() -> list[Path]:
    """Every file of the project, also those that are new."""
    try:
        listed = subprocess.run(
            ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
            cwd=REPOSITORY,
            capture_output=True,
            text=True,
            check=True,
        ).stdout.splitlines()
    except OSError:
        pytest.skip("no git; apt install git")
    except subprocess.CalledProcessError:
        pytest.skip("not a git repository: its files cannot be told from what lies beside them")
    return [path for name in listed if (path := REPOSITORY / name).is_file()]


@pytest.mark.parametrize("part", LAYERS)
def test_imports_run_one_way(part):
    assert files_of(part)
    wrong = [
        f"{path.relative_to(REPOSITORY)}:{line}: {module}"
        for path in files_of(part)
        for line, module in imported(path)
        if (top := module.partition(".")[0]) in LAYERS and top not in LAYERS[part] | {part}
    ]
    assert wrong == []


def test_the_domain_knows_no_scheduler_no_database_and_no_mail():
    foreign = {"prefect", "sqlalchemy", "alembic", "jinja2", "yagmail", "email", "pydantic", "os"}
    wrong = [
        f"{path.name}:{line}: {module}"
        for path in files_of("sla")
        for line, module in imported(path)
        if module.partition(".")[0] in foreign | {"time", "socket", "subprocess", "random"}
    ]
    assert wrong == []


def test_only_the_rim_reads_the_clock():
    def wrong() -> Iterator[str]:
        for path in EVERYTHING:
            place = path.relative_to(REPOSITORY)
            if place.parts[0] in READS_THE_CLOCK:
                continue
            for node in nodes(path):
                if isinstance(node, ast.Attribute) and ast.unparse(node) in CLOCKS:
                    line = path.read_text(encoding="utf-8").splitlines()[node.lineno - 1]
                    if "noqa: DTZ011" not in line:  # says there why the day does not matter
                        yield f"{place}:{node.lineno}: {ast.unparse(node)}"

    assert list(wrong()) == []


def test_the_connection_to_the_mail_server_is_left_to_yagmail():
    known = {path: {name for _, name in imported(path)} for path in EVERYTHING}
    assert [path.name for path, names in known.items() if "smtplib" in names] == []
    assert [path.name for path, names in known.items() if "yagmail" in names] == ["smtp.py"]


def test_what_is_public_says_what_it_means():
    def silent() -> Iterator[str]:
        for part in ("sla", "settings", "db", "tasks", "flows", "cli"):
            for path in files_of(part):
                if "migrations" in path.parts:
                    continue
                module = tree(path)
                assert ast.get_docstring(module), path
                public = [
                    node
                    for node in nodes(path)
                    if isinstance(node, ast.FunctionDef | ast.ClassDef)
                    and not node.name.startswith(("_", "handle_"))
                ]
                inner = {
                    child
                    for node in nodes(path)
                    if isinstance(node, ast.FunctionDef)
                    or (isinstance(node, ast.ClassDef) and node.name.startswith("_"))
                    for child in ast.walk(node)
                    if child is not node
                }
                for node in public:
                    if node not in inner and not ast.get_docstring(node):
                        yield f"{path.relative_to(REPOSITORY)}:{node.lineno}: {node.name}"

    assert list(silent()) == []


def test_the_lock_names_versions_and_no_places():
    lines = (REPOSITORY / "requirements.lock").read_text(encoding="utf-8").splitlines()
    assert lines
    form = r'[a-zA-Z0-9._-]+==[0-9][\w.+!]*( ; python(_full)?_version (<|>=) "3[.\d]+")?'
    odd = [line for line in lines if not re.fullmatch(form, line)]
    assert odd == []


@cache
def requirements_of(package: str) -> list[Requirement]:
    """What an installed package requires; nothing of one that is for another Python than this."""
    with suppress(PackageNotFoundError):
        return [Requirement(line) for line in distribution(package).requires or []]
    return []


@pytest.mark.parametrize("python", ["3.11.0", "3.11.2", "3.11.3", "3.12.0", "3.13.0", "3.14.0"])
def test_the_lock_has_what_each_python_needs(python):
    """Debian 12 has 3.11.2 and Debian 13 has 3.13; pip installs from the lock what is in it."""
    here = default_environment()
    here |= {"python_full_version": python, "python_version": python.rpartition(".")[0]}

    def applies(each: Requirement, extra: str) -> bool:
        return each.marker is None or each.marker.evaluate(here | {"extra": extra})

    lines = (REPOSITORY / "requirements.lock").read_text(encoding="utf-8").splitlines()
    locked = {canonicalize_name(r.name) for r in map(Requirement, lines) if applies(r, "")}
    waiting, seen = [("tenggat", ""), ("tenggat", "dev")], set()
    while waiting:
        name, extra = package = waiting.pop()
        if package in seen:
            continue
        seen.add(package)
        for each in requirements_of(name):
            if applies(each, extra):
                waiting += [(canonicalize_name(each.name), e) for e in ("", *each.extras)]
    assert {name for name, _ in seen} - locked == {"tenggat"}


def test_no_file_names_a_package_registry():
    """Which registry packages come from is the machine's business: pip's own settings say it."""
    words = ("pypi" + ".org", "pythonhosted" + ".org", "index" + "-url", "find" + "-links")
    named = [
        f"{path.relative_to(REPOSITORY)}: {word}"
        for path in in_git()
        for word in words
        if word.encode() in path.read_bytes()
    ]
    assert named == []


def test_deployments_lead_to_flows_that_are_there():
    text = (REPOSITORY / "prefect.yaml").read_text(encoding="utf-8")
    deployments = yaml.safe_load(text)["deployments"]
    for deployment in deployments:
        file, _, name = deployment["entrypoint"].partition(":")
        module = import_module(file.removesuffix(".py").replace("/", "."))
        flow = getattr(module, name)
        assert flow.name == deployment["name"]
        assert set(deployment["parameters"]) <= set(flow.parameters.properties)
    assert (
        {d["name"] for d in deployments}
        == set(FLOWS)
        == {
            "intake",
            "deadlines",
            "delivery",
            "watchdog",
            "maintenance",
            "summary",
            "storm",
        }
    )


def test_a_wheel_is_refused_with_the_reason(tmp_path):
    """It would lack templates/, regulations/ and prefect.yaml, and fail when it is used."""
    done = subprocess.run(
        [sys.executable, "setup.py", "--quiet", "bdist_wheel", "--dist-dir", str(tmp_path)],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "Tenggat is installed from its checkout: run `make install`" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_every_module_is_packed():
    """An editable installation finds each package by its name in pyproject.toml."""
    text = (REPOSITORY / "pyproject.toml").read_text(encoding="utf-8")
    packed = tomllib.loads(text)["tool"]["setuptools"]
    folders = (path.parent for part in LAYERS for path in (REPOSITORY / part).rglob("__init__.py"))
    there = {str(folder.relative_to(REPOSITORY)).replace("/", ".") for folder in folders}
    assert set(packed["packages"]) == there
    assert "py-modules" not in packed


TASK_LAYERS = (
    {"common", "text", "workbook_reader"},
    {"sources", "evaluation"},
    {"reports", "ingest"},
    {"notifications", "setup"},
    {"the steps", "monitoring"},
    {"simulation"},
)
"""The packages of tasks/ from the lowest up: each imports from lower layers and from itself."""


def part_of_tasks(module: str) -> str:
    """The package of tasks/ in which a module lies, or the steps, which lie in tasks/ itself."""
    parts = module.split(".")
    packages = set().union(*TASK_LAYERS)
    return parts[1] if len(parts) > 1 and parts[1] in packages else "the steps"


def test_imports_in_tasks_run_one_way():
    rank = {part: number for number, layer in enumerate(TASK_LAYERS) for part in layer}
    wrong = []
    for path in files_of("tasks"):
        place = path.relative_to(REPOSITORY)
        own = part_of_tasks(".".join(place.with_suffix("").parts))
        wrong += [
            f"{place}:{line}: {module}"
            for line, module in imported(path)
            if module.startswith("tasks.")
            and (other := part_of_tasks(module)) != own
            and rank[other] >= rank[own]
        ]
    assert wrong == []


def test_every_package_of_tasks_has_its_layer():
    there = {path.parent.name for path in (REPOSITORY / "tasks").glob("*/__init__.py")}
    assert there | {"the steps"} == set().union(*TASK_LAYERS)


def test_no_folder_is_crowded():
    """At most 24 modules, so that a list of their names can be read."""
    folders = {path.parent for path in in_git() if path.suffix == ".py"}
    crowded = {
        str(folder.relative_to(REPOSITORY)): count
        for folder in folders
        if (count := sum(file.name != "__init__.py" for file in folder.glob("*.py"))) > 24
    }
    assert crowded == {}


@cache
def face_of(package: str) -> list[str] | None:
    """What a package offers to others: `__all__` of its `__init__.py`, modules included."""
    file = REPOSITORY.joinpath(*package.split("."), "__init__.py")
    if not file.is_file():
        return None
    named = [
        ast.literal_eval(node.value)
        for node in tree(file).body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"
    ]
    return named[0] if named else []


def opened(path: Path) -> Iterator[tuple[int, str, str]]:
    """Line, package and name for each package through which an import reaches its target."""
    for node in nodes(path):
        for alias in node.names if isinstance(node, ast.Import | ast.ImportFrom) else ():
            start = node.module if isinstance(node, ast.ImportFrom) else None
            parts = ".".join(filter(None, (start, alias.name))).split(".")
            for depth in range(1, len(parts)):
                package = ".".join(parts[:depth])
                if parts[0] in LAYERS and face_of(package) is not None:
                    yield node.lineno, package, parts[depth]


def test_a_package_is_used_through_its_face():
    """`__all__` lists modules as well as names: to name a module costs nothing at import.

    Names copied into `__init__.py` would make each user of one module load all of them.
    """
    wrong = {
        f"{place}:{line}: {name} is not in __all__ of {package}"
        for path in EVERYTHING
        for place in [path.relative_to(REPOSITORY)]
        for line, package, name in opened(path)
        if not ".".join(place.parts).startswith(f"{package}.") and name not in face_of(package)
    }
    assert sorted(wrong) == []


def test_a_face_says_what_its_package_is_for_and_lists_what_is_there():
    faces = [path for path in EVERYTHING if path.name == "__init__.py"]
    faces = [path for path in faces if "migrations" not in path.parts]
    assert len(faces) >= 30
    for path in faces:
        text = ast.get_docstring(tree(path))
        assert len(text.splitlines()) >= 3, path
        package = ".".join(path.relative_to(REPOSITORY).parent.parts)
        named = face_of(package)
        assert named, path
        module = import_module(package)
        missing = [name for name in named if not hasattr(module, name)]
        assert [name for name in missing if not find_spec(f"{package}.{name}")] == [], path
