"""`make bench`: what a first run costs over a large backlog, of which most is late.

Prints CPU seconds, peak memory and ratios; nothing here passes or fails. `--complaints N` measures
another backlog than 20,000, `--database PostgreSQL` only one database, `--live` a site whose trial
has ended, and `--no-delivery` leaves the mails queued. Invented complaints of three years are
imported from a CSV file and evaluated in one run, and the mails of this run are sent to the local
mailbox. The baseline puts the rows that the run of deadlines has written (deadlines, notices,
audit, items of mails) into tables of the same columns with SQLAlchemy Core, 2,000 at a time. Every
part runs in a process of its own, with a helper for each further core. The memory is the peak of
this process and that of its largest helper together. The CPU time of helpers and of PostgreSQL's
server is not in the figures, but it is in the wall seconds.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.big_site import go_live
from bench.databases import databases, in_a_process
from bench.intake import CONFIG, HEADER, MADE, SOURCE, invented

if TYPE_CHECKING:
    from tasks.common.context import SiteContext

COMPLAINTS = 20_000
NOW = MADE + timedelta(hours=1)
MEASURED = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
"""The process that is measured, and the largest of its helpers."""

WRITTEN = ("deadline", "notice", "audit", "message_item")


def prepare(folder: Path, count: int, url: str, *, live: bool) -> None:
    """Write a site with one file of complaints in its inbox."""
    os.environ["TENGGAT_DATABASE_URL"] = url
    site = folder / "site"
    shutil.copytree(CONFIG, site, ignore=shutil.ignore_patterns("inbox", "boston"))
    source = SOURCE.replace("[desk]\n", f"[desk]\nmax_rows = {2 * count}\n", 1)
    (site / "sources.toml").write_text(source, encoding="utf-8")
    (site / "inbox").mkdir()
    file = site / "inbox" / f"e_{MADE:%Y-%m-%d_%H%M}.csv"
    with file.open("w", encoding="utf-8", newline="") as out:
        csv.writer(out).writerow(HEADER)
        csv.writer(out).writerows(of_all_units(count))
    os.utime(file, (MADE.timestamp(),) * 2)
    if live:
        context = opened(folder)
        go_live(context)
        context.close()


def of_all_units(count: int) -> Iterator[tuple[str, ...]]:
    """The complaints that intake.py invents, handed on to all units of the example site in turn."""
    place = HEADER.index("Unit")
    with (CONFIG / "units.csv").open(encoding="utf-8", newline="") as file:
        units = [row["name"] for row in csv.DictReader(file)][1:]
    for number, cells in enumerate(invented(count)):
        unit = cells[place] and units[number % len(units)]
        yield (*cells[:place], unit, *cells[place + 1 :])


def opened(folder: Path) -> SiteContext:
    """Open the site; its working files are beside it."""
    from tasks.common.context import SiteContext  # noqa: PLC0415

    os.environ["TENGGAT_VAR"] = str(folder / "var")
    return SiteContext.open(folder / "site")


def import_file(context: SiteContext) -> dict[str, int]:
    """Import the file."""
    from tasks.intake import pull  # noqa: PLC0415

    return {"complaints": pull(context, "desk", NOW).new}


def evaluate(context: SiteContext) -> dict[str, int]:
    """Evaluate all complaints and queue their mails."""
    from tasks.common.helpers import spare_cores  # noqa: PLC0415
    from tasks.deadlines import evaluate_and_notify  # noqa: PLC0415

    count = evaluate_and_notify(context, NOW, "bench", helpers=spare_cores())
    return {
        "complaints": count.evaluated,
        "notices": sum(count.notices.values()),
        "mails": count.messages,
    }


def deliver(context: SiteContext) -> dict[str, int]:
    """Compose the queued mails and put them into the local mailbox."""
    from tasks.common.helpers import spare_cores  # noqa: PLC0415
    from tasks.delivery import send_owed  # noqa: PLC0415

    later = NOW + timedelta(days=1)
    return {"mails": send_owed(context, later, "bench", helpers=spare_cores()).sent}


def insert_plainly(context: SiteContext) -> dict[str, Any]:
    """The baseline: the written rows into tables of their own, in one transaction."""
    from sqlalchemy import Column, MetaData, Table, insert, select  # noqa: PLC0415

    from db.models import Base  # noqa: PLC0415

    rows, taken = 0, 0.0
    for name in WRITTEN:
        table = Base.metadata.tables[name]
        columns = [Column(column.name, column.type) for column in table.columns]
        plain = Table(f"plain_{name}", MetaData(), *columns)
        plain.metadata.create_all(context.engine)
        with context.engine.connect() as reading, context.engine.connect() as connection:
            found = [dict(row._mapping) for row in reading.execute(select(*table.columns))]
            reading.rollback()
            before, source = time.process_time(), iter(found)
            with connection.begin():
                while some := list(islice(source, 2_000)):
                    connection.execute(insert(plain), some)
            taken += time.process_time() - before
        rows += len(found)
        plain.drop(context.engine)
    return {"rows": rows, "cpu": taken}


PARTS: dict[str, Callable[[SiteContext], dict[str, Any]]] = {
    "import": import_file,
    "evaluate": evaluate,
    "deliver": deliver,
    "plain": insert_plainly,
}


def part(name: str, folder: str, url: str) -> None:
    """One measurement in this process; prints it with its CPU time and its peak memory."""
    os.environ["TENGGAT_DATABASE_URL"] = url
    context = opened(Path(folder))
    cpu, wall = time.process_time(), time.perf_counter()
    found = PARTS[name](context)
    taken = {"cpu": time.process_time() - cpu, "wall": time.perf_counter() - wall}
    context.close()
    memory = sum(resource.getrusage(whose).ru_maxrss for whose in MEASURED) / 1024
    print(json.dumps({**taken, "memory": memory, **found}))


def main() -> None:
    """Measure on each database, and print every part beside the baseline."""
    given = argparse.ArgumentParser(description=__doc__)
    given.add_argument("--complaints", type=int, default=COMPLAINTS)
    given.add_argument("--database", choices=("SQLite", "PostgreSQL"))
    given.add_argument("--live", action="store_true")
    given.add_argument("--no-delivery", action="store_true")
    asked = given.parse_args()
    with tempfile.TemporaryDirectory() as place, databases(Path(place), 1) as kinds:
        for kind, (url,) in kinds.items():
            if asked.database in (None, kind):
                prepare(Path(place) / kind, asked.complaints, url, live=asked.live)
                names = [name for name in PARTS if name != "deliver" or not asked.no_delivery]
                show(kind, measured(Path(place) / kind, url, names))


def measured(folder: Path, url: str, parts: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Measure these parts on one database."""
    return {name: in_a_process(__file__, name, str(folder), url) for name in parts}


def show(kind: str, parts: dict[str, dict[str, Any]]) -> None:
    """Print the parts beside the baseline."""
    done, base = parts["evaluate"], parts["plain"]
    complaints = done["complaints"]
    print(
        f"{kind}: a first run over {complaints:,} complaints, {done['notices']:,} notices,"
        f" {done['mails']:,} mails"
    )
    print(f"  {'':<42}   CPU s   wall s   ms each   vs. baseline   peak MB")
    print(f"  plain Core insert of {base['rows']:>9,} rows (baseline) {base['cpu']:9.1f}")
    for name, each in parts.items():
        if name == "plain":
            continue
        print(
            f"  {name:<42} {each['cpu']:7.1f}  {each['wall']:7.1f}"
            f"  {1000 * each['cpu'] / complaints:8.3f}"
            f"   {each['cpu'] / base['cpu']:10.2f} x   {each['memory']:7.0f}"
        )


if __name__ == "__main__":
    if sys.argv[1:2] and sys.argv[1] in PARTS:
        part(*sys.argv[1:])
    else:
        main()
