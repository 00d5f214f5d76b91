"""Parts that end are started again, later each time; logs do not grow for ever."""

import os
import re
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from threading import Event

import pytest
from alembic import command
from conftest import THIS_REVISION, wita
from sqlalchemy import Engine, create_engine, text
from support.wait import until

from db.backup.create import backups
from db.engine import open_engine
from db.migrate import alembic_config
from db.migrations.revisions import newest_revision, revision
from service.database_upgrade import prepare
from service.environment import LOOPBACK, SERVER_PORTS, free_port, is_free
from service.errors import ServiceError, Unready
from service.logs import saying
from service.process import Child
from service.restarts import (
    LONGEST_WAIT,
    PATIENCE,
    STARTING,
    WELL_AFTER,
    SupervisedProcess,
    SupervisedThread,
)
from settings.site import load_site

NOW = wita("2026-11-24 08:00")


class Clock:
    """A clock that the test turns."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


class Part:
    """A part whose processes are real ones, and what is said of it."""

    def __init__(self, folder: Path, program: str, answers: Callable[[], bool] | None = None):
        self.clock, self.said = Clock(), list[str]()
        self.log = folder / "part.log"
        self.starts = 0
        self.program = program
        self.kept = SupervisedProcess(
            "part", self.start, self.said.append, answers=answers, clock=self.clock
        )

    def start(self) -> Child:
        self.starts += 1
        return Child("part", [sys.executable, "-c", self.program], {}, self.log)

    def ends(self) -> None:
        """Let the process come to its end, and look."""
        assert self.kept.child is not None
        self.kept.child.process.wait(30)
        self.kept.tend()


@pytest.mark.thorough
def test_what_ends_is_started_again_later_each_time(tmp_path):
    part = Part(tmp_path, "raise SystemExit(3)")
    waits = []
    for _ in range(9):
        part.kept.tend()
        part.ends()
        waits.append(int(re.search(r"again in (\d+) s", part.said[-1])[1]))
        begun = part.starts
        part.clock.seconds += waits[-1] - 0.5
        part.kept.tend()
        assert part.starts == begun  # not yet
        part.clock.seconds += 0.5
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    assert waits[-1] == LONGEST_WAIT
    assert part.said[0] == f"part ended with 3; starting it again in 1 s; see {part.log}"


def test_what_ran_well_for_a_while_begins_with_the_first_wait(tmp_path):
    part = Part(tmp_path, "pass")
    for _ in range(3):
        part.kept.tend()
        part.ends()
        part.clock.seconds += LONGEST_WAIT
    part.kept.tend()
    part.clock.seconds += WELL_AFTER
    part.ends()
    assert part.said[-1].startswith("part ended with 0; starting it again in 1 s")


def test_what_stands_still_is_ended_and_started_again(tmp_path):
    well = True
    part = Part(tmp_path, "import time; time.sleep(600)", answers=lambda: well)
    part.kept.tend()
    assert part.kept.tend()
    first = part.kept.child.process
    well = False
    part.clock.seconds += PATIENCE - 1
    assert not part.kept.tend()
    assert first.poll() is None
    part.clock.seconds += 2
    part.kept.tend()
    assert first.poll() is not None
    assert "has not answered for 61 s" in part.said[-1]
    part.clock.seconds += 1
    part.kept.tend()
    part.clock.seconds += STARTING - 1  # one that starts has longer
    part.kept.tend()
    assert part.kept.child.process.poll() is None
    part.kept.stop()


def test_a_program_that_is_missing_is_tried_again(tmp_path):
    said: list[str] = []
    clock = Clock()
    missing = SupervisedProcess(
        "part",
        lambda: Child("part", ["/no/such/program"], {}, tmp_path / "log"),
        said.append,
        clock=clock,
    )
    for _ in range(3):
        missing.tend()
        clock.seconds += LONGEST_WAIT
    assert [line.rpartition(" in ")[2] for line in said] == ["1 s", "2 s", "4 s"]
    assert "/no/such/program" in said[0]


def test_a_thread_begins_again_after_an_error_and_ends_with_the_service():
    said: list[str] = []
    begun: list[Event] = []

    def work(ended: Event) -> None:
        begun.append(ended)
        if len(begun) > 1:
            ended.wait()

    part = SupervisedThread("watch", work, said.append)
    part.tend()
    until(lambda: not part.is_alive())
    part.tend()
    part.tend()
    assert part.is_alive()
    part.stop()
    assert not part.is_alive()
    assert (len(begun), said) == (2, ["watch has ended; starting it again"])


@pytest.mark.thorough
def test_a_log_begins_anew_before_it_is_too_large(tmp_path, monkeypatch):
    monkeypatch.setattr("service.logs.MOST_BYTES", 10_000)
    program = "for n in range(20_000): print(f'line {n:06}')"
    child = Child("part", [sys.executable, "-c", program], {}, tmp_path / "part.log")
    assert child.process.wait(60) == 0
    log = tmp_path / "part.log"
    until(lambda: log.exists() and log.read_text().endswith("line 019999\n"))
    child.kill()
    files = sorted(tmp_path.glob("part.log*"))
    assert [path.name for path in files] == ["part.log", *(f"part.log.{n}" for n in range(1, 6))]
    assert all(path.stat().st_size <= 10_000 for path in files)
    assert (tmp_path / "part.log.1").read_text() < log.read_text()


def test_what_the_service_says_is_kept_with_its_time(tmp_path):
    heard: list[str] = []
    saying(heard.append, tmp_path / "logs" / "tenggat.log")("worker ended with 1")
    assert heard == ["worker ended with 1"]
    kept = (tmp_path / "logs" / "tenggat.log").read_text()
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d{4} worker ended with 1\n", kept)


def test_a_disk_too_full_for_its_words_does_not_end_the_service(tmp_path):
    with Path("/dev/full").open("w", encoding="utf-8", buffering=1) as full:
        say = saying(lambda text: print(text, file=full), tmp_path / "tenggat.log")
        say("worker ended with 1")
        say("worker ended with 1")
        with pytest.raises(OSError, match="No space left"):
            full.flush()
        os.dup2(os.open(os.devnull, os.O_WRONLY), full.fileno())  # or it could not be closed
    assert (tmp_path / "tenggat.log").read_text().count("worker ended with 1") == 2


def test_no_connection_of_a_client_takes_the_port_of_a_server_that_is_started_again():
    ports = {free_port() for _ in range(50)}
    assert ports <= set(SERVER_PORTS)
    assert len(ports) > 25
    assert all(is_free(LOOPBACK, port) for port in ports)
    with socket.create_server((LOOPBACK, 0)) as server:
        given = set()
        for _ in range(50):
            with socket.create_connection(server.getsockname()) as client:
                given.add(client.getsockname()[1])
                assert not is_free(LOOPBACK, client.getsockname()[1])
    assert given.isdisjoint(SERVER_PORTS)


# --- the database, before the parts ---------------------------------------------------------------


@pytest.fixture
def site(site_folder, tmp_path, empty_database_url, monkeypatch):
    monkeypatch.setenv("TENGGAT_VAR", str(tmp_path / "var"))
    monkeypatch.setenv("TENGGAT_DATABASE_URL", empty_database_url)
    return load_site(site_folder)


def version(engine: Engine) -> str | None:
    with engine.connect() as connection:
        return revision(connection)


def set_back(url: str, revision: str = THIS_REVISION) -> None:
    """As if the database were of an older Tenggat."""
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = :r"), {"r": revision})
    engine.dispose()


def test_an_empty_database_is_made_and_one_that_is_new_is_left_alone(site):
    said: list[str] = []
    prepare(site, NOW, said.append)
    assert said == [f"{site.name}: database brought from nothing to revision {newest_revision()}"]
    prepare(site, NOW, said.append)
    assert len(said) == 1
    assert backups(site.var / "backups") == []


def test_an_upgrade_is_backed_up_first(site, empty_database_url, later_revision):
    engine = open_engine(empty_database_url)
    command.upgrade(alembic_config(engine), THIS_REVISION)
    engine.dispose()
    said: list[str] = []
    prepare(site, NOW, said.append)
    (copy,) = backups(site.var / "backups")
    assert said == [
        f"{site.name}: backup before the upgrade: {copy}",
        f"{site.name}: database brought from {THIS_REVISION} to revision {later_revision}",
    ]
    assert "before-upgrade" in copy.name


def test_without_a_backup_there_is_no_upgrade_unless_it_is_said(
    site, empty_database_url, later_revision
):
    engine = open_engine(empty_database_url)
    command.upgrade(alembic_config(engine), THIS_REVISION)
    (site.var / "backups").parent.mkdir(parents=True, exist_ok=True)
    (site.var / "backups").write_text("in the way")
    with pytest.raises(ServiceError, match="--no-backup upgrades it without one"):
        prepare(site, NOW, print)
    with engine.connect() as connection:
        version = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    assert version == THIS_REVISION
    prepare(site, NOW, lambda line: None, copy=False)
    with engine.connect() as connection:
        version = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    engine.dispose()
    assert version == later_revision


def test_a_database_of_a_newer_tenggat_is_refused(site, empty_database_url):
    prepare(site, NOW, lambda line: None)
    set_back(empty_database_url, "9999")
    with pytest.raises(ServiceError, match="was it used by a newer one"):
        prepare(site, NOW, lambda line: None)


def test_a_database_out_of_reach_is_waited_for(site, monkeypatch):
    monkeypatch.setattr(site, "database_url", "postgresql+psycopg://nobody@127.0.0.1:1/none")
    with pytest.raises(Unready, match="does not answer"):
        prepare(site, NOW, lambda line: None)
