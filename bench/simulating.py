"""`make bench`: what it costs to replay a year, for so many complaints (1,000, or the argument).

Prints seconds; nothing here passes or fails. Invented complaints come in through a year, most are
dealt with in time, and each step is recorded on the next morning. They are put into a new database
directly, and then replayed by the rules and the ladder of the example site.
"""

from __future__ import annotations

import os
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import date, datetime, timedelta, tzinfo
from pathlib import Path

CONFIG = Path(__file__).parent.parent / "config"
FIRST, LAST = date(2025, 11, 24), date(2026, 11, 23)
COMPLAINTS = 1_000
UNITS = ("dinsos", "dlh", "dinkes", "pupr", "satpolpp", "perkim", "dukcapil", "disdik", "rsud")
STEPS = {"verified": 1.5, "assigned": 0.1, "responded": 4, "follow_up_published": 3, "settled": 9}


def invented(
    count: int, zone: tzinfo
) -> Iterator[tuple[datetime, str, str, list[tuple[str, datetime]]]]:
    """Complaints: when they came in, unit, classification, and the steps that were taken."""
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


def main() -> None:
    """Fill a site, replay its year, and print what it took."""
    os.environ["PREFECT_LOGGING_LEVEL"] = "WARNING"
    from db import complaints  # noqa: PLC0415
    from db.models import Look  # noqa: PLC0415
    from sla.events import Event  # noqa: PLC0415
    from tasks.office import Office  # noqa: PLC0415
    from tasks.simulating import simulate  # noqa: PLC0415

    count = int(sys.argv[1]) if len(sys.argv) > 1 else COMPLAINTS
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(CONFIG, f"{folder}/site", ignore=shutil.ignore_patterns("inbox", "boston"))
        os.environ["TENGGAT_VAR"] = f"{folder}/var"
        office = Office.open(f"{folder}/site")
        zone = office.site.zone

        def morning(moment: datetime) -> datetime:
            later = moment.astimezone(zone) + timedelta(days=1)
            return later.replace(hour=7, minute=0, second=0, microsecond=0)

        rows, events = [], []
        for number, (came, unit, classification, steps) in enumerate(invented(count, zone)):
            rows.append(
                {
                    "source": "register", "ticket": str(number), "received_at": came,
                    "recorded_at": morning(came), "classification": classification,
                    "anonymous": False, "secret": False, "next_action_at": morning(came),
                }
            )  # fmt: skip
            events += [
                (
                    str(number),
                    Event(
                        kind, at, morning(at), "register", unit=unit if kind == "assigned" else None
                    ),
                )
                for kind, at in (("received", came), *steps)
            ]
        with office.transaction() as session:
            ids = complaints.add(session, rows)
            complaints.add_events(session, ((ids[ticket], event) for ticket, event in events))
            for day in range((LAST - FIRST).days):
                at = morning(
                    datetime(FIRST.year, FIRST.month, FIRST.day, tzinfo=zone) + timedelta(day)
                )
                session.add(
                    Look(
                        source="register", name=str(day), sha256=str(day), observed_at=at,
                        recorded_at=at, rows=0, new=0, updated=0, unchanged=0, quarantined=0,
                    )
                )  # fmt: skip
        before, wall = time.process_time(), time.monotonic()
        (outcome,) = simulate(office.site, None, FIRST, LAST).outcomes
        office.close()
    notices, mails = len({t.notice for t in outcome.told}), len({t.mail for t in outcome.told})
    print(
        f"a year of {count:,} complaints replayed: {time.process_time() - before:.0f} s of CPU,"
        f" {time.monotonic() - wall:.0f} s in all; {notices:,} notices in {mails:,} mails,"
        f" {outcome.missed:,} of {outcome.due:,} deadlines missed"
    )


if __name__ == "__main__":
    main()
