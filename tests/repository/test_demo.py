"""`make demo` as a newcomer runs it: the whole example, twice."""

import os
import re
import shutil
import sqlite3
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
from conftest import REPOSITORY
from support.databases.prefect import Template
from support.forked import SILENT, Origin
from support.prefect_shared import Shared

COLUMNS = {"COLUMNS": "100"}
NEWCOMERS = "29"
"""The days of `make demo`."""


@dataclass
class Demo:
    """What a demo said, and what it left: the rows of every table, the bytes of every file."""

    said: str
    rows: dict[str, list[tuple[object, ...]]]
    files: dict[str, bytes]


def lived_through(done: subprocess.CompletedProcess[str], var: Path) -> Demo:
    assert (done.returncode, done.stderr) == (0, "")
    with sqlite3.connect(var / "tenggat.db") as database:
        names = database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        rows = {
            name: database.execute(f'SELECT * FROM "{name}" ORDER BY 1').fetchall()
            for (name,) in names
        }
    kept = [*(var / "mailbox").iterdir(), *(var / "reports").iterdir()]
    return Demo(done.stdout, rows, {path.name: path.read_bytes() for path in kept})


@pytest.fixture(scope="module", params=["2", pytest.param(NEWCOMERS, marks=pytest.mark.thorough)])
def days(request: pytest.FixtureRequest) -> str:
    """How many days it runs in time-lapse."""
    return str(request.param)


@pytest.fixture(scope="module")
def var(days: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo") / "var"


@pytest.fixture(scope="module")
def first(
    days: str,
    var: Path,
    tmp_path_factory: pytest.TempPathFactory,
    request: pytest.FixtureRequest,
) -> Demo:
    """The long form runs as a newcomer runs it, with a Prefect server of its own.

    Only Prefect's migrations are left out: its database was made before.
    """
    if days != NEWCOMERS:
        return seen(days, var, request)
    database = tmp_path_factory.mktemp("prefect") / "prefect.db"
    shutil.copyfile(Template.made(), database)
    where = {"PREFECT_SERVER_DATABASE_CONNECTION_URL": f"sqlite+aiosqlite:///{database}"}
    done = subprocess.run(
        [sys.executable, "scripts/demo.py"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=300,
        env={**os.environ, "TENGGAT_VAR": str(var), **COLUMNS, **where},
        check=False,
    )
    return lived_through(done, var)


@pytest.fixture(scope="module")
def second(days: str, var: Path, first: Demo, request: pytest.FixtureRequest) -> Demo:
    """Once more."""
    return seen(days, var, request)


def seen(days: str, var: Path, request: pytest.FixtureRequest) -> Demo:
    """Run a demo that is seen by a server that stands."""
    shared: Shared = request.getfixturevalue("shared")
    origin: Origin = request.getfixturevalue("origin")
    done = origin.run("scripts/demo.py", "--days", days, **shared.seen(var), **SILENT, **COLUMNS)
    return lived_through(done, var)


def test_what_it_leaves_is_its_owners_alone(first, var):
    assert first.files
    assert var.stat().st_mode & 0o077 == 0


def test_it_ends_with_a_table_of_what_it_did(first, days):
    assert "time-lapse" in first.said
    assert f"{days}/{days}" in first.said
    closing = first.said.partition("Pemerintah Kabupaten Contoh, 2026-11-24 08:00")[2]
    assert re.search(r"complaints +6\d\d in all, \d+ rows in quarantine", closing)
    assert re.search(r"this morning, lapor +\d+ new, \d+ updated, \d+ quarantined", closing)
    assert re.search(r"deadlines +\d+ running, \d+ paused, \d+ breached, \d+ met", closing)
    assert re.search(r"mails sent in all +\d+ liaison, \d+ head_of_unit", closing)
    for command in ("tenggat mail list", "tenggat explain TICKET", "make up"):
        assert command in closing


def test_the_mail_and_the_summary_that_it_names_are_there(first):
    named = re.findall(r"^  (?:a mail|the summary) +(.*)$", first.said, re.MULTILINE)
    assert len(named) == 2
    assert all(Path(place).is_file() for place in named)


def test_the_mails_it_counts_are_in_the_mailbox(first):
    counted = re.search(r"mails sent in all +((?:.|\n +)*?)\n +this morning", first.said)
    total = sum(int(number) for number in re.findall(r"(\d+)\s+[a-z]", counted[1]))
    assert total == len([name for name in first.files if name.endswith(".eml")])
    assert total == len(first.rows["message"])


def test_the_second_time_it_changes_nothing_and_says_so(first, second):
    assert "nothing has changed" not in first.said
    assert "nothing has changed" in second.said
    assert "already done" in second.said
    assert second.files == first.files
    for table in first.rows.keys() - {"flow_run"}:
        assert second.rows[table] == first.rows[table], table
    assert len(second.rows["flow_run"]) == len(first.rows["flow_run"])


def test_nothing_of_it_runs_on(var, second):
    def belongs(process: psutil.Process) -> bool:
        return str(var) in (process.info["environ"] or {}).get("PREFECT_HOME", "")

    assert [p for p in psutil.process_iter(["environ"]) if belongs(p)] == []


@pytest.mark.parametrize(
    ("environment", "step"),
    [
        ({"TENGGAT_SITE": "/no/site"}, "settings"),
        ({"PREFECT_API_URL": "http://127.0.0.1:1/api", "TENGGAT_DATABASE_URL": "?"}, "database"),
    ],
)
def test_a_step_that_fails_is_named(origin, tmp_path, environment, step):
    environment = {"TENGGAT_VAR": str(tmp_path / "var"), **SILENT, **COLUMNS, **environment}
    done = origin.run("scripts/demo.py", **environment)
    assert (done.returncode, done.stderr) == (1, "")
    last = done.stdout.splitlines()[-1]
    assert last.startswith(f"failed in step '{step}': ")
