"""Invented complaints of a year, put into a new database directly; and as many copies as wanted."""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta, tzinfo
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tasks.common.context import SiteContext

CONFIG = Path(__file__).parent.parent / "examples" / "kabupaten-contoh"
FIRST, LAST = date(2025, 11, 24), date(2026, 11, 23)
UNITS = ("dinsos", "dlh", "dinkes", "pupr", "satpolpp", "perkim", "dukcapil", "disdik", "rsud")
STEPS = {"verified": 1.5, "assigned": 0.1, "responded": 4, "follow_up_published": 3, "settled": 9}
CATEGORIES, CHANNELS = ("Jalan", "Air bersih", "Kependudukan", "Sampah"), ("Situs", "SMS", "Loket")

History = tuple[datetime, str, str, list[tuple[str, datetime]]]
"""When a complaint came in, its unit, its classification, and the steps that were taken."""


def invented(count: int, zone: tzinfo) -> Iterator[History]:
    """Complaints that come in through the year; most are dealt with in time."""
    chance = random.Random(20261124)  # noqa: S311
    begin = datetime(FIRST.year, FIRST.month, FIRST.day, tzinfo=zone)
    for _ in range(count):
        moment = came = begin + timedelta(minutes=chance.randrange(360 * 24 * 60))
        steps = []
        for kind, days in STEPS.items():
            moment += timedelta(days=chance.expovariate(1 / days), minutes=5)
            if moment < begin + timedelta(days=364):
                steps.append((kind, moment))
        yield came, chance.choice(UNITS), chance.choice(("complaint", "information_request")), steps


def copied(folder: Path) -> None:
    """Copy the example site without its complaints; its working files are in the copy."""
    shutil.copytree(CONFIG, folder, ignore=shutil.ignore_patterns("inbox"))
    for name in ("lapor", "register"):
        (folder / "inbox" / name).mkdir(parents=True)
    settings = (folder / "site.toml").read_text("utf-8")
    (folder / "site.toml").write_text(settings.replace('var = "../../var"', 'var = "var"'), "utf-8")


def site(folder: Path, url: str = "") -> SiteContext:
    """The example site in a folder of its own, on this database or a SQLite file of its own."""
    from tasks.common.context import SiteContext  # noqa: PLC0415

    place = folder / "site"
    if not place.exists():
        shutil.copytree(CONFIG, place, ignore=shutil.ignore_patterns("inbox", "boston"))
        for name in ("lapor", "register"):
            (place / "inbox" / name).mkdir(parents=True)
    os.environ["TENGGAT_VAR"] = str(folder / "var")
    if url:
        os.environ["TENGGAT_DATABASE_URL"] = url
    context = SiteContext.open(place)
    go_live(context)
    return context


def go_live(context: SiteContext) -> None:
    """End the trial of a new site: a benchmark sends its mails."""
    from tasks.notifications.trial.start import start_site  # noqa: PLC0415

    start_site(context, datetime(2000, 1, 1, tzinfo=context.site.zone), "the benchmark")


def fill(context: SiteContext, count: int) -> None:
    """Put so many complaints and their steps on record, each on the morning after it happened."""
    from db import complaints  # noqa: PLC0415
    from db.models import SourceImport  # noqa: PLC0415
    from sla.events import Event  # noqa: PLC0415

    zone = context.site.zone

    def morning(moment: datetime) -> datetime:
        later = moment.astimezone(zone) + timedelta(days=1)
        return later.replace(hour=7, minute=0, second=0, microsecond=0)

    rows, events = [], []
    for number, (came, unit, classification, steps) in enumerate(invented(count, zone)):
        rows.append(
            {
                "source": "register",
                "ticket": f"{number:07}",
                "received_at": came,
                "recorded_at": morning(came),
                "classification": classification,
                "category": CATEGORIES[number % 4],
                "channel": CHANNELS[number % 3],
                "anonymous": False,
                "secret": False,
                "next_action_at": morning(came),
            }
        )
        events += [
            (
                f"{number:07}",
                Event(kind, at, morning(at), "register", unit=unit if kind == "assigned" else None),
            )
            for kind, at in (("received", came), *steps)
        ]
    with context.transaction() as session:
        ids = complaints.add(session, rows)
        complaints.add_events(session, ((ids[ticket], event) for ticket, event in events))
        for day in range((LAST - FIRST).days):
            at = morning(datetime(FIRST.year, FIRST.month, FIRST.day, tzinfo=zone) + timedelta(day))
            session.add(
                SourceImport(
                    source="register",
                    name=str(day),
                    sha256=str(day),
                    observed_at=at,
                    recorded_at=at,
                    rows=0,
                    new=0,
                    updated=0,
                    unchanged=0,
                    quarantined=0,
                )
            )


def multiply(context: SiteContext, tables: Sequence[str], by: int) -> None:
    """Copy the rows of these tables until there are so many times as many.

    The tables are `complaint` and such as have a `complaint_id`; a copy has its own ids.
    """
    from sqlalchemy import Integer, String, cast, func, insert, literal, select, text  # noqa: PLC0415

    from db.models import Base  # noqa: PLC0415

    with context.transaction() as session:
        step = session.scalar(select(func.max(Base.metadata.tables["complaint"].c.id))) or 0
        for name in tables:
            table = Base.metadata.tables[name]
            rows = session.scalar(select(func.max(table.c.id))) or 0
            for copy in range(1, by):
                shift = {"id": copy * rows, "complaint_id": copy * step}
                columns = [
                    column + literal(shift[column.name], Integer)
                    if column.name in shift
                    else column + literal(f"-{copy:02}", String)
                    if column.name == "ticket"
                    else column
                    for column in table.columns
                ]
                query = select(*columns).where(table.c.id <= rows)
                session.execute(insert(table).from_select(list(table.columns), query))
            if session.get_bind().dialect.name == "postgresql":
                place = cast(func.pg_get_serial_sequence(name, "id"), String)
                session.execute(select(func.setval(place, rows * by)))
    tidy = "ANALYZE" if context.engine.dialect.name == "sqlite" else "VACUUM ANALYZE"
    with context.engine.connect() as connection:  # or PostgreSQL would do it in the middle
        connection.execution_options(isolation_level="AUTOCOMMIT").execute(text(tidy))
