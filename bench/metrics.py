"""`make bench`: the figures of a year of 1,000,000 complaints, and of a tenth of them.

Prints seconds, memory and ratios; nothing here passes or fails. Invented complaints are evaluated
by a run of deadlines and then copied in the database, so that each figure must be so many times
that of the few: this is checked. The baseline reads the same rows, id, ticket and kept figures,
and does nothing with them. Every part runs in a process of its own. An argument names the number.
"""

from __future__ import annotations

import json
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from bench.big_site import LAST, fill, multiply, site
from bench.databases import databases, in_a_process

COMPLAINTS, FEW = 1_000_000, 20_000
PERIOD = "2025-11-24..2026-11-23"


def prepare(folder: str, url: str, count: str) -> dict[str, Any]:
    """A year of complaints, evaluated, and their notices sent."""
    from sqlalchemy import update  # noqa: PLC0415

    from db.lives import MessageStatus  # noqa: PLC0415
    from db.models import MessageItem, MessageRow  # noqa: PLC0415
    from tasks.deadlines import evaluate_and_notify  # noqa: PLC0415

    context = site(Path(folder), url)
    fill(context, FEW)
    now = as_of(context.site.zone)
    evaluate_and_notify(context, now, "bench")
    with context.transaction() as session:
        session.execute(update(MessageRow).values(status=MessageStatus.SENT, sent_at=now))
        session.execute(update(MessageItem).values(included=True))
    received = figures(folder, url)["received"]
    multiply(context, ["complaint"], int(count) // FEW)
    context.close()
    return {"received": received}


def as_of(zone: Any) -> datetime:
    """The evening of the year's last day."""
    return datetime(LAST.year, LAST.month, LAST.day, 18, tzinfo=zone)


def figures(folder: str, url: str) -> dict[str, Any]:
    """All tables of the year."""
    from sla.periods import parse  # noqa: PLC0415
    from tasks.reports.compute import compute_tables  # noqa: PLC0415

    context = site(Path(folder), url)
    moment = as_of(context.site.zone) + timedelta(minutes=5)
    before = time.perf_counter()
    with context.transaction() as session:
        tables = compute_tables(session, context, parse(PERIOD, moment.date()), moment)
    taken = time.perf_counter() - before
    context.close()
    (received,) = (row.cells[0] for row in tables[0].rows if row.key == "received")
    late = next(len(table.rows) for table in tables if table.key == "late")
    return {"seconds": taken, "memory": memory(), "received": received, "late": late}


def plain(folder: str, url: str) -> dict[str, Any]:
    """The baseline: the same rows, read and let go."""
    from sqlalchemy import select  # noqa: PLC0415

    from db.models import Complaint  # noqa: PLC0415

    context = site(Path(folder), url)
    before = time.perf_counter()
    with context.transaction() as session:
        query = select(Complaint.id, Complaint.ticket, Complaint.metrics)
        for _ in session.execute(query.execution_options(yield_per=20_000)).partitions():
            pass
    taken = time.perf_counter() - before
    context.close()
    return {"seconds": taken, "memory": memory()}


def memory() -> float:
    """The most memory that this process has had, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


PARTS: dict[str, Callable[..., Any]] = {"prepare": prepare, "figures": figures, "plain": plain}


def main(count: int) -> None:
    """Measure, and print each figure beside its baseline."""
    sizes = (count // 10, count)
    with tempfile.TemporaryDirectory() as place, databases(Path(place), len(sizes)) as kinds:
        for kind, urls in kinds.items():
            print(f"{kind}: the figures of a year, wall seconds")
            each = []
            for url, size in zip(urls, sizes, strict=True):
                folder = f"{place}/{kind}{size}"
                few = in_a_process(__file__, "prepare", folder, url, str(size))
                base = in_a_process(__file__, "plain", folder, url)
                found = in_a_process(__file__, "figures", folder, url)
                assert found["received"] == few["received"] * (size // FEW)
                each.append(found["seconds"] / size)
                print(
                    f"  {size:>9,} complaints, {found['late']:,} late {found['seconds']:7.2f}"
                    f"   {found['seconds'] / base['seconds']:5.2f} x their mere reading"
                    f"   {found['memory']:5.0f} MB"
                )
            print(f"  a complaint of the many costs {each[1] / each[0]:4.2f} of one of the few")


if __name__ == "__main__":
    if sys.argv[1:] and sys.argv[1] in PARTS:
        print(json.dumps(PARTS[sys.argv[1]](*sys.argv[2:])))
    else:
        main(int(sys.argv[1]) if sys.argv[1:] else COMPLAINTS)
