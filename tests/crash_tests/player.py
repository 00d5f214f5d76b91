"""Where runs are played, one after another: a site, a database, the mail server, the zygote."""

from __future__ import annotations

import csv
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from pathlib import Path
from random import Random
from time import monotonic
from typing import Any

import trustme
from sqlalchemy import func, select
from support.live_sites import set_live
from support.servers.smtp_servers import trusted

from crash_tests.complaints import ZONE, Case
from crash_tests.databases import Database
from crash_tests.mail_server import Kept, PostOffice, post_office
from crash_tests.model import DEADLINES, DELIVERY, INTAKE, Fault, Plan, Process, Step
from crash_tests.plan import FIRST_DAY
from db.engine import open_engine
from db.models import MessageRow
from settings.site import load_site
from tasks.common.context import SiteContext

TESTS = Path(__file__).parent.parent
REPOSITORY = TESTS.parent

PATIENCE = 0.3
"""Seconds for which a process waits for the mail server."""

SETTLED = {"sent", "dead", "cancelled", "discarded", "bounced"}
"""What a mail can end as; whatever else it is, it is pending."""

HOURS_UNTIL_WELL = (
    *(0.02, 0.4, 0.8, 2, 4, 7, 23, 27, 31, 47, 51, 71, 75, 95),
    *(119, 123, 143, 147, 167, 171, 191),
)
"""When deliveries run after the last restart: a claim goes stale in minutes, a wait lasts hours, a
weekly notice waits for Monday."""


@dataclass(frozen=True)
class Life:
    """What became of a process: how it ended, where, and what it heard."""

    name: str
    process: Process
    ended: str  # "exit 0", or the signal
    at: str  # the crossing at which its fate was, "" where it did not get there
    stalled: bool
    committed: int  # how often it has committed
    heard: tuple[int, ...]  # which mails it knows to be kept, by number
    notified_before: tuple[int, ...]  # those of them of before it stood still
    error: str
    companions: tuple[str, ...]  # who ran at the same time

    @property
    def killed(self) -> bool:
        """Whether it met its fate."""
        return self.ended == "SIGKILL"


@dataclass
class Played:
    """A run that has been played: every process in order, the mailbox, what the server did."""

    plan: Plan
    lives: list[Life] = field(default_factory=list)
    mailbox: list[Kept] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    pending: int = 0
    seconds: float = 0.0


class Stage:
    """See the module."""

    def __init__(
        self,
        folder: Path,
        database: Database,
        post_office: PostOffice,
        zygote: subprocess.Popen[str],
    ) -> None:
        self.folder, self.database, self.post_office = folder, database, post_office
        self.zygote = zygote
        self.site = load_site(folder)
        self.inbox = folder / "inbox" / "register"
        self._warm_up()

    def _warm_up(self) -> None:
        """Let the zygote read, judge and send once itself: what it learns its children know."""
        self.database.empty()
        now = datetime.combine(FIRST_DAY, time(9), ZONE)
        cases = [Case.new(Random(number), number, FIRST_DAY) for number in range(8)]
        self._write(tuple(case.columns for case in cases), now)
        for work in (INTAKE, DEADLINES, DELIVERY):
            self._give([self._order("warm", Process(work, now))])

    @contextmanager
    def play(self, plan: Plan) -> Iterator[tuple[Played, SiteContext]]:
        """Play a run; its database lasts as long as the block."""
        begun = monotonic()
        for path in self.inbox.iterdir():
            path.unlink()
        post = self.post_office.post
        post.mailbox, post.faults_met = [], []
        self.database.empty()
        engine = open_engine(self.database.url)
        try:
            set_live(engine)
            engine.dispose()  # a client that stays would be taken for a dead one
            context = SiteContext(self.site, engine)
            played = Played(plan, mailbox=post.mailbox, faults=post.faults_met)
            for step in plan.steps:
                self._take(step, played)
            self._let_all_be_well(context, played)
            played.seconds = monotonic() - begun
            yield played, context
        finally:
            engine.dispose()

    def _let_all_be_well(self, context: SiteContext, played: Played) -> None:
        """The last restart: judge once more, then send until nothing is owed."""
        end = played.plan.end + timedelta(minutes=5)
        self._take(Step((Process(DEADLINES, end),)), played)
        for hours in HOURS_UNTIL_WELL:
            self._take(Step((Process(DELIVERY, end + timedelta(hours=hours)),)), played)
            with context.transaction() as session:
                query = select(func.count()).where(MessageRow.status.not_in(SETTLED))
                played.pending = session.scalar(query) or 0
            if not played.pending:
                return

    def _take(self, step: Step, played: Played) -> None:
        self.post_office.post.turn(step.weather)
        if step.register is not None:
            made = next(p.now for p in step.processes if p.work == INTAKE)
            self._write(step.register, made)
        names = [f"p{len(played.lives) + n}.example" for n in range(len(step.processes))]
        orders = [
            self._order(name, process) for name, process in zip(names, step.processes, strict=True)
        ]
        if step.overlapping:  # until the second has run
            asleep = step.processes[-1].now - step.processes[0].now
            orders[0]["asleep"] = max(0.0, asleep.total_seconds())
        answers = self._give(orders, overlapping=step.overlapping)
        lives = [
            _life(name, process, answer, tuple(other for other in names if other != name))
            for name, process, answer in zip(names, step.processes, answers, strict=True)
        ]
        played.lives += lives
        if any(life.killed for life in lives):
            self.database.bury()

    def _order(self, name: str, process: Process) -> dict[str, Any]:
        return {
            "work": process.work,
            "now": process.now.isoformat(),
            "run": f"{process.work} {process.now:%m-%dT%H:%M:%S} {name}",
            "name": name,
            "fate": process.fate and vars(process.fate),
            "asleep": 0.0,
            "mail_url": self.post_office.url(),
        }

    def _give(
        self, orders: list[dict[str, Any]], *, overlapping: bool = False
    ) -> list[dict[str, Any]]:
        assert self.zygote.stdin is not None
        assert self.zygote.stdout is not None
        self.zygote.stdin.write(
            json.dumps({"processes": orders, "overlapping": overlapping}) + "\n"
        )
        self.zygote.stdin.flush()
        line = self.zygote.stdout.readline()
        if not line:
            raise RuntimeError(f"the zygote has died: {self.zygote.wait()}")
        answers: list[dict[str, Any]] = json.loads(line)
        return answers

    def _write(self, rows: tuple[dict[str, str], ...], now: datetime) -> None:
        path = self.inbox / f"register_{now:%Y-%m-%d_%H%M}.csv"
        with path.open("w", encoding="utf-8", newline="") as file:
            columns = self.site.sources["register"].columns
            writer = csv.DictWriter(file, columns, restval="", delimiter=";")
            writer.writeheader()
            writer.writerows(rows)


@contextmanager
def stage(folder: Path, database: Database) -> Iterator[Stage]:
    """Set a stage up in this folder, and take it down again."""
    site = _site(folder / "site")
    environment = {k: v for k, v in os.environ.items() if not k.startswith("TENGGAT_")} | {
        "PYTHONPATH": os.pathsep.join((str(REPOSITORY), str(TESTS))),
        "OPENBLAS_NUM_THREADS": "1",  # a process with threads cannot be forked well
        "PREFECT_LOGGING_LEVEL": "ERROR",
        "TENGGAT_VAR": str(folder / "var"),
    }
    with (
        post_office() as post,
        subprocess.Popen(
            [sys.executable, "-m", "crash_tests.fork_server", str(site), database.url],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
            cwd=REPOSITORY,
            text=True,
        ) as zygote,
    ):
        yield Stage(site, database, post, zygote)
        assert zygote.stdin is not None
        zygote.stdin.close()
        zygote.wait(30)


def _site(folder: Path) -> Path:
    """The example site with an impatient mail client and a rung that waits for no morning.

    One authority to trust is read faster than all of the machine's.
    """
    shutil.copytree(
        REPOSITORY / "examples" / "kabupaten-contoh", folder, ignore=shutil.ignore_patterns("inbox")
    )
    (folder / "inbox" / "register").mkdir(parents=True)
    (folder / "inbox" / "lapor").mkdir()
    authority = trusted(trustme.CA(), folder)
    mail = f'timeout_seconds = {PATIENCE}\nca_file = "{authority}"\n'
    for name, old, new in (
        ("site.toml", "give_up_after_hours", f"{mail}give_up_after_hours"),
        ("escalation.toml", 'kind = "breach"\n', 'kind = "breach"\nurgent = true\n'),
    ):
        text = (folder / name).read_text(encoding="utf-8")
        assert old in text
        (folder / name).write_text(text.replace(old, new, 1), encoding="utf-8")
    return folder


def _life(name: str, process: Process, answer: dict[str, Any], companions: tuple[str, ...]) -> Life:
    told = answer["told"]
    place = next((number for number, fact in enumerate(told) if "at" in fact), len(told))

    def heard(facts: list[dict[str, Any]]) -> tuple[int, ...]:
        return tuple(fact["heard"] for fact in facts if "heard" in fact)

    return Life(
        name,
        process,
        answer["ended"],
        at=next((fact["at"] for fact in told if "at" in fact), ""),
        stalled=answer["stalled"],
        committed=sum("committed" in fact for fact in told),
        heard=heard(told),
        notified_before=heard(told[:place]),
        error=next((fact["error"] for fact in told if "error" in fact), ""),
        companions=companions,
    )
