"""`make bench`: deadlines of 10,000 complaints that are due, among 1,000,000 and among 100,000.

Prints seconds and ratios; nothing here passes or fails. Invented complaints are evaluated by a
first run and copied in the database with their events, deadlines and notices; then 10,000 of them
come due at once and are evaluated again. The baseline is the run among the fewer. Every part runs
in a process of its own. Arguments name the two numbers.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from bench.big_site import LAST, fill, multiply, site
from bench.databases import databases, in_a_process

FEW, MANY, DUE, ORIGINALS = 100_000, 1_000_000, 10_000, 20_000
ROUNDS = 2


def as_of(zone: Any) -> datetime:
    """The evening of the year's last day."""
    return datetime(LAST.year, LAST.month, LAST.day, 18, tzinfo=zone)


def prepare(folder: str, url: str, count: str) -> dict[str, Any]:
    """A year of complaints, evaluated."""
    from tasks.deadlines import evaluate_and_notify  # noqa: PLC0415

    context = site(Path(folder), url)
    fill(context, ORIGINALS)
    evaluate_and_notify(context, as_of(context.site.zone), "bench")
    multiply(context, ["complaint", "event", "deadline", "notice"], int(count) // ORIGINALS)
    context.close()
    return {}


def sweep(folder: str, url: str) -> dict[str, Any]:
    """Runs in which so many complaints are due, evenly spread over all; the best of them counts."""
    from sqlalchemy import func, select, update  # noqa: PLC0415

    from db.models import Complaint  # noqa: PLC0415
    from tasks.deadlines import evaluate_and_notify  # noqa: PLC0415
    from tasks.evaluation.status import site_status  # noqa: PLC0415

    context = site(Path(folder), url)
    seconds = []
    for number in range(ROUNDS):
        now = as_of(context.site.zone) + timedelta(minutes=1 + number)
        with context.transaction() as session:
            total = session.scalar(select(func.count()).select_from(Complaint)) or 0
            due = Complaint.id % (total // DUE) == number
            session.execute(update(Complaint).where(due).values(next_action_at=now))
        before = time.perf_counter()
        count = evaluate_and_notify(context, now, f"bench {number}")
        site_status(context, now)
        seconds.append(time.perf_counter() - before)
        assert count.evaluated >= DUE, count.evaluated
    context.close()
    return {"seconds": min(seconds), "evaluated": count.evaluated}


PARTS: dict[str, Callable[..., Any]] = {"prepare": prepare, "sweep": sweep}


def main(few: int = FEW, many: int = MANY) -> None:
    """Measure on both databases, and print the larger beside the smaller."""
    with tempfile.TemporaryDirectory() as place, databases(Path(place), 2) as kinds:
        for kind, urls in kinds.items():
            print(f"{kind}: a run of deadlines with {DUE:,} complaints due, wall seconds")
            taken = []
            for url, size in zip(urls, (few, many), strict=True):
                folder = f"{place}/{kind}{size}"
                in_a_process(__file__, "prepare", folder, url, str(size))
                taken.append(in_a_process(__file__, "sweep", folder, url)["seconds"])
            print(f"  among {few:>9,} (baseline)   {taken[0]:7.2f}")
            print(f"  among {many:>9,}              {taken[1]:7.2f}   {taken[1] / taken[0]:5.2f} x")


if __name__ == "__main__":
    if sys.argv[1:] and sys.argv[1] in PARTS:
        print(json.dumps(PARTS[sys.argv[1]](*sys.argv[2:])))
    else:
        main(*map(int, sys.argv[1:]))
