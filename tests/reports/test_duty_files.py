"""The list of duties in its CSV file: an independent count of the figures, people, and its absence.

`recounted` reads nothing but the CSV file and uses nothing of Tenggat.
"""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from datetime import date
from pathlib import Path
from statistics import median

import pytest
from conftest import wita
from support.pipeline import UNITS, at, decide, deliver, register

from tasks.reports.formats.duty_cells import HEADS
from tasks.reports.formats.xlsx_duties import MOST_DUTIES
from tasks.summary import SummaryRequest, make_summary

EVENING = "2026-11-30 18:00"
NOVEMBER = ("2026-11-01", "2026-11-30")


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """What a report says hangs on no database: one kind is enough."""
    return sqlite_url


def entries() -> list[dict[str, str]]:
    """A register of two months: many units, every outcome of a complaint."""
    found = []
    kinds = ("Permintaan Informasi", "Pengaduan", "Aspirasi")
    for number in range(44):
        month, day = 10 + number % 2, 2 + number % 19
        received = f"{day:02}/{month}/2026"
        more = {
            "Tanggal Masuk": f"{received} 08:30",
            "Klasifikasi": kinds[number % 3],
            "Kanal": ("Tatap Muka", "Telepon", "Surat")[number % 5 % 3],
            "Diverifikasi": f"{received} 08:40",
            "Diteruskan": f"{received} 08:45",
            "Tindak Lanjut Pertama": f"{received} 09:00" if number % 4 else "",
        }
        if number % 3 == 1:
            more["Selesai"] = f"{min(day + 3 + number % 9, 22):02}/{month}/2026 10:00"
        found.append(at(UNITS[number % 11], f"FD-{number:02}", **more))
    return found


def rows(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_text("utf-8"))))


def share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def recounted(found: list[dict[str, str]], first: str, last: str) -> dict[tuple[str, ...], object]:
    """Count the figures of a period from the rows of the list alone."""

    def inside(row: dict[str, str], column: str) -> bool:
        return first <= row[column] <= last  # ISO days are in the order of their texts

    duties = [row for row in found if row["Jenis baris"] == "kewajiban"]
    complaints = list({r["Pengaduan"]: r for r in reversed(found) if r["Diterima"]}.values())
    due = [row for row in duties if inside(row, "Dihitung pada")]
    late = [r for r in duties if r["Penilaian"] == "terlambat" and not r["Berhenti"]]
    received = [row for row in complaints if inside(row, "Diterima")]
    settled = [row for row in complaints if inside(row, "Penyelesaian akhir")]
    evaluated = {"tepat waktu": "met", "selesai terlambat": "met_late", "terlambat": "breached"}
    figures: dict[tuple[str, ...], object] = {
        ("headline", "received"): len(received),
        ("headline", "settled"): len(settled),
        ("headline", "open"): sum(row["Pengaduan terbuka"] == "1" for row in complaints),
        ("headline", "late"): len({row["Pengaduan"] for row in late}),
        ("headline", "late_duties"): len(late),
        ("headline", "followed_up_share"): share(
            sum(row["Sudah ditindaklanjuti"] == "1" for row in received), len(received)
        ),
        ("headline", "on_time"): share(
            sum(row["Penilaian"] == "tepat waktu" for row in due),
            sum(row["Penilaian"] in evaluated for row in due),
        ),
        ("headline", "median_days_to_settlement"): median(
            [int(r["Hari kerja sampai selesai"]) for r in settled if r["Hari kerja sampai selesai"]]
        ),
    }
    for table, column in (
        ("by_rule", "Kode aturan"),
        ("by_unit", "Kode perangkat daerah yang dinilai"),
        ("by_channel", "Kanal"),
    ):
        for row in due:
            key = (table, row[column])
            state = evaluated.get(row["Penilaian"])
            for name in ("verdicts", state) if state else ():
                figures[(*key, name)] = int(str(figures.get((*key, name), 0))) + 1
    for unit, number in Counter(
        unit for unit, _ in {(row["Kode perangkat daerah"], row["Pengaduan"]) for row in late}
    ).items():
        figures["by_unit", unit, "late"] = number
    return figures


@pytest.mark.thorough
def test_an_independent_count_of_the_list_gives_the_figures_of_the_report(context, tmp_path):
    register(context, "2026-11-23 07:00", *entries())
    for day in ("2026-11-23 08:00", "2026-11-27 08:00", EVENING):
        decide(context, day)
        deliver(context, day)
    made = make_summary(
        context,
        SummaryRequest("2026-11", wita(EVENING), mail=False, out=tmp_path),
        wita(EVENING),
        "r",
    )
    listed = made.paths[-1]
    assert listed.name == "tenggat-2026-11_2026-11-30_1800_tenggat.csv"
    found = rows(listed)
    heads = listed.read_text("utf-8").partition("\n")[0]
    assert len(found[0]) == len(HEADS)  # no two columns have the same head
    assert not set(heads) & set("{}_")
    report = json.loads(next(p for p in made.paths if p.suffix == ".json").read_text("utf-8"))
    tables = {table["key"]: table for table in report["tables"]}
    again = recounted(found, *NOVEMBER)
    compared = 0
    for (table, key, *column), value in again.items():
        cells = next(row["cells"] for row in tables[table]["rows"] if row["key"] == key)
        assert cells[column[0] if column else "value"] == pytest.approx(value, abs=1e-6), (
            table,
            key,
            column,
        )
        compared += 1
    assert compared > 60
    shown = {
        (table, row["key"], column)
        for table in ("by_rule", "by_unit", "by_channel")
        for row in tables[table]["rows"]
        for column in ("verdicts", "met", "met_late", "breached")
        if row["cells"][column]
    }
    assert shown <= set(again)
    late = [row for row in found if row["Kewajiban terlambat"] == "1"]
    listed_late = {(row["cells"]["ticket"], row["cells"]["rule"]) for row in tables["late"]["rows"]}
    assert {(row["Pengaduan"], row["Kode aturan"]) for row in late} == listed_late
    for row in late:
        due = date.fromisoformat(row["Batas waktu"])
        assert int(row["Hari kalender terlambat"]) == (date(2026, 11, 30) - due).days
    people = [row["Sudah diberi tahu (nama, jabatan, tanggal, Message-ID)"] for row in late]
    assert any("Pejabat Penghubung, 24 Nov 2026, <" in told for told in people) or any(
        "Pejabat Penghubung, 23 Nov 2026, <" in told for told in people
    )


@pytest.mark.thorough
def test_the_list_is_the_same_again_and_not_in_the_public_edition(context, tmp_path, monkeypatch):
    register(context, "2026-11-23 07:00", *entries()[:6])
    decide(context, "2026-11-23 08:00")

    def made(folder: str, **more: bool) -> dict[str, bytes]:
        now = wita(EVENING)
        summary = make_summary(
            context,
            SummaryRequest(
                "2026-11", now, mail=False, out=tmp_path / folder, formats={"csv", "xlsx"}, **more
            ),
            now,
            "r",
        )
        return {path.name: path.read_bytes() for path in summary.paths}

    first = made("a")
    assert first == made("b")
    assert len(first) == 3
    assert [name for name in made("c", public=True) if "tenggat.csv" in name] == []
    assert MOST_DUTIES == 200_000
    monkeypatch.setattr("tasks.reports.formats.xlsx.MOST_DUTIES", 5)
    (book,) = (data for name, data in made("d").items() if name.endswith("xlsx"))
    assert len(book) < len(next(data for name, data in first.items() if name.endswith("xlsx")))
