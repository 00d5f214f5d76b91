"""`make bench`: what it costs to take in a file, against a plain insert of the same rows.

Prints ratios; nothing here passes or fails. `--rows N` measures a smaller file. Invented complaints
with the times of their steps are read from a CSV file and from a workbook into a new database, on
SQLite and on PostgreSQL. The baseline puts the same rows into one table with SQLAlchemy Core, each
column in its type; it gets them from memory, not from the file, already parsed. Every part runs in
a process of its own, one after another.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import random
import resource
import shutil
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from zoneinfo import ZoneInfo

from bench.databases import databases, in_a_process

CONFIG = Path(__file__).parent.parent / "examples" / "kabupaten-contoh"
ZONE = ZoneInfo("Asia/Makassar")
MADE = datetime(2026, 11, 24, 7, 0, tzinfo=ZONE)
NOW = MADE + timedelta(days=30)
ROWS = 200_000
HEADER = (
    "No",
    "Masuk",
    "Klasifikasi",
    "Kategori",
    "Perihal",
    "Kerahasiaan",
    "Kanal",
    "Diverifikasi",
    "Unit",
    "Diteruskan",
    "Selesai",
)
SOURCE = """
[desk]
folder = "inbox"
layout = "history"
zone = "Asia/Makassar"
dates = ["%d/%m/%Y %H:%M"]
observed = { file_name = "e_%Y-%m-%d_%H%M.csv" }

[desk.fields]
ticket = "No"
received = "Masuk"
classification = "Klasifikasi"
category = "Kategori"
title = "Perihal"
privacy = "Kerahasiaan"
channel = "Kanal"

[desk.values.classification]
"Pengaduan" = "complaint"
"Permintaan Informasi" = "information_request"

[[desk.events]]
column = "Diverifikasi"
kind = "verified"

[[desk.events]]
column = "Diteruskan"
kind = "assigned"
unit = "Unit"

[[desk.events]]
column = "Selesai"
kind = "settled"
"""


def invented(count: int) -> Iterator[tuple[str, ...]]:
    """Complaints of three years; four in five are verified and assigned, half are settled."""
    chance = random.Random(20261124)  # noqa: S311
    units = ("Dinas Sosial", "Disdukcapil", "Dinas Sosial Kab. Contoh")
    for number in range(count):
        came = MADE - timedelta(minutes=chance.randrange(1_000_000, 2_500_000))
        steps = ["", "", "", ""]
        if chance.random() < 0.8:
            verified = came + timedelta(minutes=chance.randrange(5_000))
            moved = verified + timedelta(minutes=chance.randrange(1_000))
            steps[:3] = (
                f"{verified:%d/%m/%Y %H:%M}",
                chance.choice(units),
                f"{moved:%d/%m/%Y %H:%M}",
            )
            if chance.random() < 0.625:
                done = moved + timedelta(minutes=chance.randrange(50_000))
                steps[3] = f"{done:%d/%m/%Y %H:%M}"
        yield (
            f"FD-{number:06}",
            f"{came:%d/%m/%Y %H:%M}",
            chance.choice(("Pengaduan", "Permintaan Informasi")),
            chance.choice(("Jalan", "Air bersih", "Kependudukan")),
            f"Jalan rusak di depan pasar {number}",
            chance.choice(("", "", "Anonim")),
            chance.choice(("Situs", "Tatap Muka")),
            *steps,
        )


def write_files(folder: Path, rows: int) -> None:
    """The files that are read: all rows as CSV, and half of them as CSV and as a workbook."""
    import xlsxwriter  # noqa: PLC0415

    for name, count in (("all", rows), ("some", rows // 2)):
        with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([HEADER, *invented(count)])
    with xlsxwriter.Workbook(folder / "some.xlsx", {"constant_memory": True}) as book:
        sheet = book.add_worksheet()
        for number, cells in enumerate([HEADER, *invented(rows // 2)]):
            sheet.write_row(number, 0, cells)


def plain(url: str, folder: Path, count: int, times: str) -> dict[str, float]:
    """The baseline: the rows into one table, in one transaction; times as text or as times."""
    from sqlalchemy import Column, Integer, MetaData, String, Table, insert  # noqa: PLC0415

    from db.engine import open_engine  # noqa: PLC0415
    from db.models import UtcDateTime  # noqa: PLC0415

    moments = ("Masuk", "Diverifikasi", "Diteruskan", "Selesai") if times else ()
    engine = open_engine(url)
    columns = [
        Column(f"c{n}", UtcDateTime if name in moments else String(255))
        for n, name in enumerate(HEADER)
    ]
    table = Table(f"plain{times}", MetaData(), Column("id", Integer, primary_key=True), *columns)
    table.metadata.create_all(engine)

    def value(name: str, text: str) -> object:
        if name not in moments:
            return text
        return datetime.strptime(text, "%d/%m/%Y %H:%M").replace(tzinfo=ZONE) if text else None

    rows = [
        {f"c{n}": value(name, text) for n, (name, text) in enumerate(zip(HEADER, row, strict=True))}
        for row in invented(count)
    ]
    began = time.perf_counter()
    with engine.begin() as connection:
        source = iter(rows)
        while some := list(islice(source, 2_000)):
            connection.execute(insert(table), some)
    taken = time.perf_counter() - began
    engine.dispose()
    return {"first": taken}


def ours(url: str, folder: Path, rows: int, file: str) -> dict[str, float]:
    """The file from the folder to committed complaints and events; then again."""
    os.environ["TENGGAT_DATABASE_URL"] = url
    os.environ["TENGGAT_VAR"] = str(folder / "var")
    from tasks.common.context import SiteContext  # noqa: PLC0415
    from tasks.intake import pull  # noqa: PLC0415

    site = folder / f"site-{uuid.uuid4().hex}"
    shutil.copytree(CONFIG, site, ignore=shutil.ignore_patterns("inbox", "boston"))
    (site / "sources.toml").write_text(SOURCE, encoding="utf-8")
    (site / "inbox").mkdir()
    context = SiteContext.open(site)
    taken = {}
    suffix = Path(file).suffix
    shutil.copy(folder / file, site / "inbox" / f"e_{MADE:%Y-%m-%d_%H%M}{suffix}")
    os.utime(site / "inbox" / f"e_{MADE:%Y-%m-%d_%H%M}{suffix}", (MADE.timestamp(),) * 2)
    for name in ("first", "same"):
        began = time.perf_counter()
        count = pull(context, "desk", NOW)
        taken[name] = time.perf_counter() - began
        assert count.quarantined == 0
        assert name == "same" or count.new == rows
    if file == "all.csv":
        text = (folder / file).read_text(encoding="utf-8")
        later = MADE + timedelta(days=1)
        (site / "inbox" / f"e_{later:%Y-%m-%d_%H%M}.csv").write_text(text + "\n", encoding="utf-8")
        began = time.perf_counter()
        count = pull(context, "desk", NOW + timedelta(days=1))
        taken["unchanged"] = time.perf_counter() - began
        assert count.unchanged == rows
    context.close()
    return taken


def part(kind: str, url: str, folder: str, rows: str, detail: str) -> None:
    """One measurement in this process; prints it with the peak of its memory."""
    measure = plain if kind == "plain" else ours
    taken = measure(url, Path(folder), int(rows), detail)
    taken["memory"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps(taken))


def main() -> None:
    """Measure, and print each figure beside its baseline."""
    given = argparse.ArgumentParser(description=__doc__)
    given.add_argument("--rows", type=int, default=ROWS)
    rows = given.parse_args().rows
    all_rows, half = str(rows), str(rows // 2)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        write_files(folder, rows)
        with databases(folder, 4) as kinds:
            for kind, (base, whole, some, book) in kinds.items():
                baseline = in_a_process(__file__, "plain", base, place, all_rows, "_times")["first"]
                as_text = in_a_process(__file__, "plain", base, place, all_rows, "")["first"]
                read = in_a_process(__file__, "ours", whole, place, all_rows, "all.csv")
                text = in_a_process(__file__, "ours", some, place, half, "some.csv")
                workbook = in_a_process(__file__, "ours", book, place, half, "some.xlsx")
                print(f"{kind}: {rows:,} rows of a CSV file, wall seconds; rate vs. plain insert")
                show(baseline, as_text, read)
                print(f"  {rows // 2:,} rows as CSV  {text['first']:25.2f}")
                ratio = workbook["first"] / text["first"]
                print(f"  the same as a workbook {workbook['first']:25.2f}   {ratio:8.2f} x")
                print(f"  peak memory of that process {workbook['memory']:20.0f} MB")


def show(baseline: float, as_text: float, read: dict[str, float]) -> None:
    """Print the times of the whole file beside the baseline."""
    for label, seconds in (
        ("plain Core insert, one table (baseline)", baseline),
        ("the same with its times as mere text", as_text),
        ("file to complaints and events", read["first"]),
        ("the same file again", read["same"]),
        ("a later file without a change", read["unchanged"]),
    ):
        print(f"  {label:<40} {seconds:7.2f}   {100 * baseline / seconds:8.0f} %")
    print(f"  peak memory of that process              {read['memory']:7.0f} MB")


if __name__ == "__main__":
    if sys.argv[1:2] in (["plain"], ["ours"]):
        part(*sys.argv[1:])
    else:
        main()
