"""Time passes on the site of a soak: exports, mischief, outages, kills; then all is well again."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from pathlib import Path
from random import Random
from threading import Thread
from time import monotonic, sleep
from typing import Any

from crash_tests.complaints import ZONE
from crash_tests.databases import Database, PostgresDatabase
from crash_tests.mail_server import Post, PostOffice, post_office
from crash_tests.model import SILENCE, Fault, Weather
from crash_tests.plan import FIRST_DAY
from crash_tests.player import HOURS_UNTIL_WELL, REPOSITORY, SETTLED, TESTS
from sqlalchemy import create_engine, func, select
from support.live_sites import set_live
from support.servers.open311_server import serving
from support.servers.smtp_servers import DROP

from db.engine import open_engine
from db.models import MessageRow
from settings.site import load_site
from soak_tests.mischief import City, Desk, TornFolder
from soak_tests.site import DESK_URL, HEALTHY, Office, make_site
from tasks.common.context import SiteContext

BEGIN = datetime.combine(FIRST_DAY, time(0), ZONE)

HOURS = (7, 9, 11, 13, 15, 17, 20)
"""When a cycle runs on each day."""

KILLED, AWAY, BAD = 0.15, 0.1, 0.7
"""How often a cycle is killed, the database is away in it, and each bad source does something."""

LONGEST_OUTAGE = 3.0
"""Seconds for which the database is away; the worker waits for less."""

ANSWERS = (
    Fault("MAIL", "450 4.3.0 Try again later"),
    Fault("RCPT", "451 4.7.1 Greylisted"),
    Fault("DATA", "421 4.3.2 Shutting down"),
    Fault("DATA", DROP),
    Fault("DATA", SILENCE),
    Fault("MAIL", DROP),
)

Give = Callable[[dict[str, Any]], dict[str, Any]]
"""Gives an order to the worker, and returns its answer."""


@dataclass
class Soaked:
    """What happened: cycles, errors, and what the worker needed after each cycle."""

    end: datetime = BEGIN
    cycles: int = 0
    days: int = 0
    killed: set[str] = field(default_factory=set)  # the runs
    outages: int = 0
    weathers: Counter[str] = field(default_factory=Counter)
    failures: Counter[str] = field(default_factory=Counter)  # of sources
    wrong: list[str] = field(default_factory=list)
    needs: list[dict[str, int]] = field(default_factory=list)


class Soak:
    """See the module."""

    def __init__(
        self,
        site: Path,
        database: Database,
        mail: PostOffice,
        bad: tuple[TornFolder | City | Desk, ...],
        dice: Random,
        give: Give,
    ) -> None:
        self.site, self.database, self.mail, self.bad = site, database, mail, bad
        self.dice, self.give = dice, give
        self.offices = [Office(site, name, Random(dice.random())) for name in HEALTHY]
        self.torn = next(each.office for each in bad if isinstance(each, TornFolder))
        self.soaked = Soaked()

    @property
    def post(self) -> Post:
        """The mail server, with all that has arrived."""
        return self.mail.post

    def play(self, *, go_on: Callable[[Soaked], bool]) -> Soaked:
        """Let days pass as long as `go_on` says so, then let all be well."""
        day, soaked = FIRST_DAY, self.soaked
        self._end_trial()
        while go_on(soaked):
            for office in (*self.offices, self.torn):
                office.day(day)
            for hour in HOURS:
                minutes = timedelta(minutes=self.dice.randrange(30))
                self._cycle(datetime.combine(day, time(hour), ZONE) + minutes)
            soaked.days += 1
            day += timedelta(days=1)
        self._let_all_be_well(datetime.combine(day, time(9), ZONE))
        return soaked

    def _end_trial(self) -> None:
        engine = open_engine(self.database.url)
        set_live(engine)
        engine.dispose()

    def _cycle(self, now: datetime) -> None:
        for office in self.offices:
            office.export(now)
        for each in self.bad:
            if self.dice.random() < BAD:
                each.misbehave(now)
        self._turn_weather()
        killed = self.dice.random() < KILLED
        after = self.dice.uniform(0.02, 1.0) if killed else None
        with self._outage(away=self.dice.random() < AWAY) as away:
            self._order(now, kill_after=after, away=away)
        if killed:
            self.database.bury()

    def _turn_weather(self) -> None:
        chance, weather = self.dice.random(), Weather()
        if chance < 0.15:
            weather = Weather(way="down" if chance < 0.1 else "mute")
        elif chance < 0.35:
            faults = {n: self.dice.choice(ANSWERS) for n in self.dice.sample(range(1, 9), 2)}
            weather = Weather(faults=faults, mails_per_connection=self.dice.choice((0, 0, 2)))
        self.soaked.weathers["well" if weather.fine else weather.way] += 1
        self.post.turn(weather)

    def _order(
        self,
        now: datetime,
        *,
        kill_after: float | None = None,
        away: bool = False,
        steps: tuple[str, ...] | None = None,
    ) -> None:
        soaked = self.soaked
        soaked.cycles, soaked.end = soaked.cycles + 1, now
        run = f"run-{soaked.cycles}.example"
        order: dict[str, Any] = {"now": now.isoformat(), "run": run, "kill_after": kill_after}
        order["mail_url"] = self.mail.url()
        answer = self.give(order | ({"steps": steps} if steps else {}))
        if answer["ended"] == "killed":
            soaked.killed.add(run)
        for name, kind, text in answer["errors"]:
            if kind == "failed" and name not in HEALTHY and "unexpected error" not in text:
                soaked.failures[name] += 1
            elif kind != "lost" or not away:
                soaked.wrong.append(f"{run}, {now:%m-%d %H:%M}, {name}: {kind}: {text}")
        if kill_after is None and "megabytes" in answer:
            soaked.needs.append({key: answer[key] for key in ("megabytes", "files", "threads")})

    @contextmanager
    def _outage(self, *, away: bool) -> Iterator[bool]:
        """Take the database away for some time in a cycle."""
        if not away:
            yield False
            return
        self.soaked.outages += 1
        begins, lasts = self.dice.uniform(0, 0.5), self.dice.uniform(0.1, LONGEST_OUTAGE)
        outage = _lock_out if isinstance(self.database, PostgresDatabase) else _lock
        thread = Thread(target=outage, args=(self.database, begins, lasts))
        thread.start()
        try:
            yield True
        finally:
            thread.join()

    def _let_all_be_well(self, now: datetime) -> None:
        """Work once without any trouble, then send until nothing is owed."""
        self.post.turn(Weather())
        for office in self.offices:
            office.export(now)
        self._order(now)
        engine = open_engine(self.database.url)
        for hours in HOURS_UNTIL_WELL:
            self._order(now + timedelta(hours=hours), steps=("delivery",))
            context = SiteContext(load_site(self.site), engine)
            with context.transaction() as session:
                query = select(func.count()).where(MessageRow.status.not_in(SETTLED))
                if not session.scalar(query):
                    break
        engine.dispose()
        self.soaked.end = now


def _lock(database: Database, begins: float, lasts: float) -> None:
    """Write in the file for so long that nobody else can."""
    sleep(begins)
    engine = create_engine(database.url, connect_args={"timeout": 30})
    with engine.connect() as connection:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        sleep(lasts)
    engine.dispose()


def _lock_out(database: PostgresDatabase, begins: float, lasts: float) -> None:
    """Throw all clients out, and let none in."""
    sleep(begins)
    server, name = database.server, database.name
    server.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
    database.inside.close()
    server.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,)
    )
    sleep(lasts)
    server.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')


@contextmanager
def worker(site: Path, database: Database, environment: dict[str, str]) -> Iterator[Give]:
    """Start the process that works."""
    command = [sys.executable, "-m", "soak_tests.worker", str(site), database.url]
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment,
        cwd=REPOSITORY,
        text=True,
    ) as process:

        def give(order: dict[str, Any]) -> dict[str, Any]:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(json.dumps(order) + "\n")
            process.stdin.flush()
            answer: dict[str, Any] = json.loads(process.stdout.readline())
            return answer

        yield give
        assert process.stdin is not None
        process.stdin.close()
        process.wait(30)


@contextmanager
def soak(
    folder: Path, database: Database, seed: int, give: Callable[[Path], Give] | None = None
) -> Iterator[Soak]:
    """Set up a soak. `give` makes a worker in this process; by default it is one of its own."""
    dice = Random(seed)
    with serving() as city, post_office() as mail:
        site = make_site(folder / "site", city.url)
        torn = Office(site, "torn", Random(dice.random()))
        desk = folder / "desk.db"
        bad = (TornFolder(torn, dice), City(city, dice), Desk(desk, dice))
        environment = os.environ | {
            "PYTHONPATH": os.pathsep.join((str(REPOSITORY), str(TESTS))),
            "OPENBLAS_NUM_THREADS": "1",
            "PREFECT_LOGGING_LEVEL": "ERROR",
            "TENGGAT_VAR": str(folder / "var"),
            DESK_URL: f"sqlite:///{desk}",
        }
        if give is not None:
            yield Soak(site, database, mail, bad, dice, give(site))
            return
        with worker(site, database, environment) as ordered:
            yield Soak(site, database, mail, bad, dice, ordered)


def for_minutes(minutes: float) -> Callable[[Soaked], bool]:
    """Let days begin for so many minutes."""
    ends = monotonic() + minutes * 60
    return lambda soaked: monotonic() < ends
