"""The documentation says what the program does: the reference, the examples, the links."""

import ast
import importlib.util
import re
import tomllib
from pathlib import Path
from types import ModuleType

import pytest
from conftest import REPOSITORY

import cli
from cli.language.words import table, use_language
from settings.calendar import Removal, Renaming
from settings.errors import Strict
from settings.escalation import HoldTable
from settings.sources import read_sources

DOCS = REPOSITORY / "docs"
PAGES = sorted([REPOSITORY / "README.md", *DOCS.glob("*.md")])
CODE = ("cli", "db", "flows", "service", "settings", "tasks")


def script(name: str) -> ModuleType:
    """Load a script of the project, which is no package."""
    spec = importlib.util.spec_from_file_location(name, REPOSITORY / "scripts" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def maker() -> ModuleType:
    return script("make_reference")


@pytest.fixture(scope="module")
def reference() -> str:
    return (DOCS / "configuration.md").read_text("utf-8")


def every_model(model: type[Strict] = Strict) -> list[type[Strict]]:
    found = [each for one in model.__subclasses__() for each in (one, *every_model(one))]
    return [each for each in found if each.__module__.startswith("settings.")]


@pytest.mark.thorough
def test_the_reference_is_what_the_models_say(maker):
    maker.Translation.used.clear()
    for locale, name in maker.PAGES.items():
        page = (DOCS / name).read_text("utf-8")
        assert page == maker.page(locale), f"run `make reference` and commit docs/{name}"
        assert maker.Translation.missing() == [], "add a pair to configuration.toml"
    pairs = {pair["en"] for pair in table("configuration")["pair"]}
    assert pairs - maker.Translation.used == set()  # a text that was changed or removed
    maker.Translation.texts = None


@pytest.mark.thorough
def test_the_pages_of_commands_are_what_the_commands_say():
    maker = script("make_cli_reference")
    for locale, name in maker.PAGES.items():
        page = (DOCS / name).read_text("utf-8")
        assert page == maker.page(locale), f"run `make reference`, commit docs/{name}"
    use_language("en")


def test_every_key_of_every_model_has_a_meaning(maker):
    missing = [
        f"{model.__name__}.{key}"
        for model in every_model()
        for key in model.model_fields
        if key not in maker.meanings(model)
    ]
    assert missing == []


def test_every_key_stands_in_the_reference(reference):
    missing = [
        f"{model.__name__}.{key}"
        for model in every_model()
        for key, field in model.model_fields.items()
        if f"\n| `{field.alias or key}` |" not in reference
        and not re.search(rf"^### `\[+{key}\]+`$", reference, re.MULTILINE)
    ]
    assert missing == []


@pytest.mark.thorough
def test_every_variable_that_the_program_reads_stands_in_the_reference(reference):
    """Constants of the code that begin so; what a site's own files name is not ours."""
    found = set()
    for place in CODE:
        path = REPOSITORY / place
        for file in [path] if path.is_file() else path.rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text("utf-8"))):
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    found |= set(re.findall(r"\ATENGGAT_[A-Z]+(?:_[A-Z]+)*\Z", node.value))
    # of the service, for its own processes
    found -= {"TENGGAT_SERVICE", "TENGGAT_SERVED_SITES", "TENGGAT_PARENT", "TENGGAT_SERVER_SOCKET"}
    found -= {"TENGGAT_IGNORED_PROXIES", "TENGGAT_WORKS_ELSEWHERE"}
    assert "TENGGAT_COPY_TO" in found
    missing = sorted(name for name in found if f"| {name} |" not in reference)
    assert missing == []


def test_the_examples_that_no_site_has_are_sound(maker):
    models = {"hold": HoldTable, "remove": Removal, "rename": Renaming}
    assert set(models) == set(maker.EXAMPLES)
    for name, model in models.items():
        (table,) = tomllib.loads(maker.EXAMPLES[name])[name]
        model.model_validate(table)


def test_every_example_is_toml():
    for page in PAGES:
        for example in re.findall(r"```toml\n(.*?)```", page.read_text("utf-8"), re.DOTALL):
            assert tomllib.loads(example), page


@pytest.mark.parametrize("page", ["sources.md", "sumber.md"])
def test_every_source_of_the_documentation_can_be_read(page, tmp_path):
    examples = re.findall(r"```toml\n(.*?)```", (DOCS / page).read_text("utf-8"), re.DOTALL)
    assert len(examples) > 3
    for number, example in enumerate(examples):
        file = tmp_path / f"{number}.toml"
        file.write_text(example, encoding="utf-8")
        assert read_sources(file)


def outline(page: str) -> list[object]:
    """The level of each heading, the rows of tables, the items of lists, and the examples."""
    text = (DOCS / page).read_text("utf-8")
    found: list[object] = []
    for part in re.split(r"(```.*?```)", text, flags=re.DOTALL):
        if part.startswith("```toml\n"):
            found.append(tomllib.loads(part.removeprefix("```toml\n").removesuffix("```")))
        elif part.startswith("```"):
            found.append(part.count("\n"))
        else:
            found += re.findall(r"^(?:#+|\||\s*[-*] )", part, flags=re.MULTILINE)
    return found


@pytest.mark.parametrize(
    ("english", "indonesian"),
    [
        ("configuration.md", "konfigurasi.md"),
        ("sources.md", "sumber.md"),
        ("reports.md", "laporan.md"),
    ],
)
def test_the_two_languages_of_a_page_have_the_same_parts(english, indonesian):
    """A row, an item or an example that only one of them has was forgotten in the other."""
    assert outline(english) == outline(indonesian)


def anchors(page: Path) -> set[str]:
    """The names under which a page's headings can be linked to, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text("utf-8"), re.MULTILINE)
    bare = [re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings]
    return {name.replace(" ", "-") for name in bare}


def test_every_link_leads_somewhere():
    wrong = []
    for page in PAGES:
        for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text("utf-8")):
            if link.startswith(("http://", "https://")):
                continue
            path, _, anchor = link.partition("#")
            target = (page.parent / path).resolve() if path else page
            if not target.exists() or (anchor and anchor not in anchors(target)):
                wrong.append(f"{page.name}: {link}")
    assert wrong == []


NAMED_PATH = re.compile(r"`([\w./-]+(?:\.(?:py|toml|yaml|md|csv)|/))`")
ELSEWHERE = {"sources.toml", "holidays.toml", "watch.json", "escalation.toml", "var/"}
"""Files of a site, not of the project."""


@pytest.mark.parametrize("page", ["architecture.md", "verification.md"])
def test_every_path_that_a_page_for_engineers_names_is_there(page):
    """A path may leave out its first folders: `ingest/importer.py`."""
    skipped = {".git", ".venv", "node_modules", "var"}
    tops = [each for each in REPOSITORY.iterdir() if each.name not in skipped]
    paths = [*tops, *(path for top in tops if top.is_dir() for path in top.rglob("*"))]
    there = {f"/{path.relative_to(REPOSITORY)}{'/' if path.is_dir() else ''}" for path in paths}
    named = set(NAMED_PATH.findall((DOCS / page).read_text("utf-8"))) - ELSEWHERE
    named = {name for name in named if "KIND" not in name}  # stands for the name of a kind
    gone = [name for name in named if not any(path.endswith(f"/{name}") for path in there)]
    assert sorted(gone) == []


def test_every_name_of_the_code_in_the_architecture_is_there():
    names = set(
        re.findall(r"`(_?[A-Za-z]+(?:_[A-Za-z]+)*)`", (DOCS / "architecture.md").read_text())
    )
    parts = (*CODE, "sla", "scripts")
    files = [path for part in parts for path in (REPOSITORY / part).rglob("*.py")]
    words = {"scripts"}.union(*(re.findall(r"\w+", path.read_text("utf-8")) for path in files))
    assert len(names) > 60
    assert sorted(names - words) == []


def test_the_front_page_is_short_and_leads_to_every_page():
    front = (REPOSITORY / "README.md").read_text("utf-8")
    assert len(front.splitlines()) <= 200
    missing = [page.name for page in DOCS.glob("*.md") if f"(docs/{page.name}" not in front]
    assert missing == []


@pytest.mark.parametrize(
    ("locale", "page"),
    [("en", "operations.md"), ("id", "operations.md"), ("id", "surel-administrator.md")],
)
def test_every_mail_to_the_administrator_is_explained(locale, page):
    told = (DOCS / page).read_text("utf-8")
    file = REPOSITORY / "templates" / "words" / f"{locale}.toml"
    words = tomllib.loads(file.read_text("utf-8"))
    titles = [
        each["title"]
        for group in ("alert", "watch")
        for each in words[group].values()
        if isinstance(each, dict) and "title" in each
    ]
    assert len(titles) > 15
    missing = [
        title
        for title in titles
        if next(filter(None, (part.strip(" :") for part in re.split(r"\{\w+\}", title))))
        not in told
    ]
    assert missing == []


def test_every_command_that_the_documentation_names_is_there():
    app = cli.app_of()
    groups = {command.name: command for command in app.registered_groups}
    commands = {command.name for command in app.registered_commands}
    wrong = []
    for page in PAGES:
        for name, inner in re.findall(r"`tenggat ([a-z]+)(?: ([a-z]+))?", page.read_text("utf-8")):
            if name in groups:
                typer = groups[name].typer_instance
                assert typer is not None
                known = {each.name for each in typer.registered_commands}
                if typer.info.invoke_without_command is True or (
                    typer.registered_callback is not None
                    and typer.registered_callback.invoke_without_command is True
                ):
                    known.add("")
                wrong += [f"{page.name}: {name} {inner}"] if inner not in known else []
            elif name not in commands:
                wrong.append(f"{page.name}: {name}")
    assert wrong == []
