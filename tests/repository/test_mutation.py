"""`make faults`, on an invented project of one module and a few tests.

See the package `mutation` for how it works.
"""

from __future__ import annotations

import ast
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from faults import main
from mutation.candidates import possible
from mutation.coverage_map import mapped
from mutation.fault import COMPARISON, CONDITION, OFF_BY_ONE, SPLIT
from mutation.report import GONE, entry, read, write
from mutation.search import FOUND, LEFT, MISSED, UNCOVERED, Verdict
from mutation.selection import choose, locate
from mutation.writers import writers
from sqlalchemy import text
from sqlalchemy.orm import Session

from db.engine import open_engine

DUES = '''"""When a complaint is late."""

LIMIT = 3


def late(days: int, paused: bool) -> bool:
    """Tell whether more than 3 days have passed."""
    return days > LIMIT and not paused


def rounded(days: float) -> int:
    if days in (1, 2):
        return 0
    return int(days)


def printed(days: int) -> None:
    print(days + 5)


def shared(days: int) -> int:
    return days + 7


def never_called(days: int) -> int:
    return days + 1
'''

TESTS = """
import os
import subprocess
import sys

import pytest

from sla import dues


@pytest.fixture(scope="module")
def once():
    return dues.shared(1)


def test_one(once):
    assert once


def test_two(once):
    assert once


def test_killed():
    dies = "import os; from sla import dues; dues.printed(1); os.kill(os.getpid(), 9)"
    assert subprocess.run([sys.executable, "-c", dies]).returncode == -9


def test_without_environment():
    place = os.path.dirname(os.path.dirname(dues.__file__))
    reads = f"import sys; sys.path.insert(0, {place!r}); from sla import dues; dues.printed(1)"
    assert subprocess.run([sys.executable, "-I", "-c", reads], env={}).returncode == 0


def test_late():
    assert dues.late(4, False)
    assert not dues.late(3, False)


@pytest.mark.thorough
def test_rounded():
    assert dues.rounded(7.5) >= 7


def test_that_passes_only_at_first():
    assert dues.rounded(7.5) >= 7
    assert "FAULTS_RECORD" in os.environ
"""


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the map of the suite is kept: it is made once."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def suite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout with one package and its tests."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")  # the plugins here are not needed
    monkeypatch.setenv("PYTEST_PLUGINS", "")
    folder = tmp_path / "suite"
    for name, content in (
        ("sla/__init__.py", ""),
        ("sla/dues.py", DUES),
        ("tests/test_dues.py", TESTS),
    ):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content, encoding="utf-8")
    return folder


COMPARED = "a is b <= c"
EITHER = "a and (b or c)"


@pytest.mark.parametrize(
    ("kind", "source", "changed"),
    [
        (COMPARISON, "a < b", ["a <= b"]),
        (COMPARISON, "(a) == (b)", ["(a) != (b)"]),
        (COMPARISON, "é not  in b", ["é in b"]),
        (COMPARISON, COMPARED, ["a is not b <= c", "a is b < c"]),
        (OFF_BY_ONE, "a[0]", ["a[1]"]),
        (OFF_BY_ONE, "len(a)", ["(len(a) + 1)"]),
        (OFF_BY_ONE, "a // b", ["(a // b + 1)"]),
        (CONDITION, EITHER, ["(b or c)", "a", "b", "c"]),
        (CONDITION, "not a", ["(a)"]),
        (CONDITION, "if a: b()", ["if False", "if True"]),
        (CONDITION, "[a for a in b if a]", ["if True"]),
    ],
)
def test_each_kind_changes_one_place(kind, source, changed):
    faults = [f for f in possible("sla/some.py", source.encode()) if f.kind == kind]
    assert [fault.new for fault in faults] == changed
    assert len({fault.applied(source.encode()) for fault in faults}) == len(changed)


@pytest.mark.parametrize(
    "source",
    [
        '"""1 < 2"""',
        "a: Annotated[int, Field(1)]",
        "assert a < 1",
        "log.info('%s', 1)",
        "f'{a:1}'",
        "def __repr__(self): return 1",
        "if TYPE_CHECKING: a = 1",
        "@lru_cache(1)\ndef a(): ...",
        "lru_cache(maxsize=1)",
    ],
)
def test_what_changes_no_result_is_left_alone(source):
    assert possible("sla/some.py", source.encode()) == []


SPLITTABLE = """
def work(office):
    with office.transaction() as session:
        write(session, "first")
        read(session)
        write(session, "second")
"""


def test_a_split_transaction_keeps_what_was_written_before(tmp_path):
    engine = open_engine(f"sqlite:///{tmp_path}/a.db")
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE words (word TEXT)"))

    class Office:
        @staticmethod
        @contextmanager
        def transaction():
            with Session(engine) as session, session.begin():
                yield session

    def write(session: Session, word: str) -> None:
        session.execute(text("INSERT INTO words VALUES (:word)"), {"word": word})
        if word == "second":
            raise OSError("killed")

    def kept(source: bytes) -> list[str]:
        names = {"write": write, "read": lambda session: session.execute(text("SELECT 1"))}
        exec(source, names)
        with pytest.raises(OSError, match="killed"):
            names["work"](Office)
        with engine.connect() as connection:
            return list(connection.execute(text("SELECT word FROM words")).scalars())

    source = SPLITTABLE.encode()
    faults = possible("tasks/some.py", source, frozenset({"write"}))
    assert [f.new for f in faults if f.kind == SPLIT] == [
        "commit; read(session)",
        'commit; write(session, "second")',
    ]
    assert kept(source) == []
    assert kept(faults[0].applied(source)) == ["first"]
    assert possible("tasks/some.py", source) == [], "nothing is known to write"
    engine.dispose()


def test_a_function_writes_that_gives_its_session_to_one_that_does():
    source = """
def add(session): session.add(1)
def queue(session): outbox.add(session, 2)
def tell(session): session.scalar(3)
"""
    assert writers([ast.parse(source)]) == {"add", "queue"}


def test_a_seed_makes_one_choice(suite):
    chosen = choose(suite, 3, 13)
    assert chosen == choose(suite, 3, 13) != choose(suite, 3, 14)
    assert {f.kind for f in chosen} == {COMPARISON, OFF_BY_ONE, CONDITION}
    assert len({f.header for f in chosen}) == len(chosen)


def test_a_fault_is_located_in_code_that_has_changed(suite):
    late, rounded, called = (
        next(f for f in possible("sla/dues.py", DUES.encode()) if f.new == new)
        for new in ("days >= LIMIT", "days not in (1, 2)", "days + 2")
    )
    changed = "import math\n" + DUES.replace("if days in", "if math and days in")
    (suite / "sla/dues.py").write_text(changed.replace("days + 1", "days + 3"), encoding="utf-8")
    found = locate([vars(fault) for fault in (late, rounded, called)], suite)
    assert [fault and (fault.line, fault.new) for fault in found] == [
        (late.line + 1, late.new),
        (rounded.line + 1, rounded.new),
        None,
    ]


@pytest.mark.thorough
def test_faults_are_found_as_far_as_the_tests_go(suite, cache, tmp_path, capsys):
    faults = possible("sla/dues.py", DUES.encode())
    expected = {
        "days >= LIMIT": (FOUND, "tests/test_dues.py::test_late"),
        "LIMIT = 4": (FOUND, "tests/test_dues.py::test_late"),
        "days not in (1, 2)": (FOUND, "tests/test_dues.py::test_rounded"),
        "(int(days) + 1)": (MISSED, ""),
        "days + 2": (UNCOVERED, ""),
    }
    given, out = tmp_path / "given.json", tmp_path / "out.json"
    wanted = [next(f for f in faults if f.new == new) for new in expected]
    gone = replace(wanted[0], function="nowhere")
    untried = Verdict(LEFT)
    entries = [entry(n, fault, untried) for n, fault in enumerate([*wanted, gone], start=1)]
    write(given, {}, entries)
    folders = ["--suite", suite, "--cache", cache, "--out", out, "--faults", given]
    assert main([*map(str, folders), "--workers", "1", "--jobs", "1"]) == 0
    results = [(each["result"], each["by"]) for each in read(out)[1]]
    assert results == [*expected.values(), (GONE, "")]
    said = capsys.readouterr().out
    assert "3 of 5 faults found\n1 of them only by `make thorough`: 3\n" in said
    assert (suite / "sla/dues.py").read_text(encoding="utf-8") == DUES


def test_lines_of_shared_fixtures_and_of_killed_processes_belong_to_their_tests(suite, cache):
    known = mapped(suite, cache, workers=1)
    assert not known.failed, "a process without an environment runs as ever"
    faults = {fault.new: fault for fault in possible("sla/dues.py", DUES.encode())}

    def tests(new: str) -> set[str]:
        return {test.name.partition("::")[2] for test in known.tests_for(faults[new])}

    assert tests("days + 8") == {"test_one", "test_two"}
    assert tests("days + 6") == {"test_killed"}
    assert tests("days >= LIMIT") == {"test_late"}
    assert tests("days + 2") == set()


def test_a_suite_that_finds_fewer_fails(tmp_path, capsys):
    fault = possible("sla/dues.py", DUES.encode())[0]
    files = [tmp_path / "old.json", tmp_path / "new.json"]
    for file, results in zip(files, [(FOUND, FOUND, MISSED), (FOUND, MISSED, LEFT)], strict=True):
        faults = [replace(fault, nth=n) for n in range(3)]
        entries = [entry(f.nth, f, Verdict(r)) for f, r in zip(faults, results, strict=True)]
        write(file, {}, entries)
    assert main(["--compare", *map(str, files)]) == 1
    said = capsys.readouterr().out
    assert "of 2 faults put into both, the old tests found 2, the new ones 1" in said
    assert "only the old tests found: 1" in said
    assert "1 faults were not put into both" in said
    assert main(["--compare", *map(str, reversed(files))]) == 0
