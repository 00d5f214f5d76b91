"""A real export of LAPOR!, read once, years after its reports were closed.

Nothing of it is known but the receipt and the present state: every row must come in or wait in
quarantine, each on its right local day, and nobody may be called late, or on time, without proof.
"""

import csv
import re
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from conftest import ON_SQLITE_FIRST, kind_of_database
from python_calamine import CalamineWorkbook
from sqlalchemy import select

from db import questions
from db.models import Complaint, DeadlineRow, EventRow, NoticeRow, QuarantineRow
from settings.directory import OFFICER_COLUMNS, UNIT_COLUMNS
from tasks.deadlines import evaluate_and_notify
from tasks.intake import pull

pytestmark = pytest.mark.real_data

ROWS = 821
NAME = "lapor_kab_bandung_2021_2022.xlsx"
NOW = datetime.fromisoformat("2025-11-15T08:00+07:00")  # the morning after it was exported
UNIT, STATUS = "Instansi Terdisposisi", "Status Laporan"
CLOSED = ("Ditutup oleh Sistem", "Ditutup oleh Admin", "Ditutup oleh Pelapor")


@pytest.fixture
def database_url(request: pytest.FixtureRequest) -> str:
    """What the export says hangs on no database; that its rows are kept may."""
    return kind_of_database(request)


@pytest.fixture
def sheet(real_data: Path) -> list[dict[str, str]]:
    """The export, read by hand."""
    table = CalamineWorkbook.from_path(real_data / NAME).get_sheet_by_index(0).to_python()
    header = next(number for number, row in enumerate(table) if row[0] == "Tracking ID")
    return [dict(zip(table[header], row, strict=True)) for row in table[header + 1 :]]


def units(names: set[str]) -> list[list[str]]:
    """The spellings of each unit: 'Kab.' and 'Kabupaten' are the same."""
    found: dict[str, list[str]] = {}
    for name in sorted(names):
        found.setdefault(re.sub(r"\bkab\. ", "kabupaten ", name.casefold()), []).append(name)
    return list(found.values())


def in_district(name: str) -> bool:
    """The districts (kecamatan) are left out of the directory, so that something waits."""
    return name.startswith("Kecamatan")


@pytest.fixture
def bandung(site_folder: Path, real_data: Path, sheet, monkeypatch, open_context):
    """A site of its own for the export: its units, its zone, and where its time stands."""
    names = {row[UNIT] for row in sheet} - {""}
    office = "diskominfo,administrator,Admin,admin@kab.example,,,"
    officers = f"{','.join(OFFICER_COLUMNS)}\n{office}\n"
    (site_folder / "officers.csv").write_text(officers, encoding="utf-8")
    with (site_folder / "units.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(UNIT_COLUMNS)
        writer.writerow(["diskominfo", "Administrator", "dinas", "", ""])
        listed = [name for name in names if not in_district(name)]
        for number, (name, *others) in enumerate(units(set(listed))):
            writer.writerow([f"u{number}", name, "dinas", "", "|".join(others)])
    for file, pattern, new in (
        ("site.toml", "Asia/Makassar", "Asia/Jakarta"),
        ("sources.toml", r'file_name = "Laporan.*\n', 'cell = "Tanggal Generate"\n'),
        ("sources.toml", 'zone = "Asia/Makassar"', 'zone = "Asia/Jakarta"'),
        ("sources.toml", r'(folder = "inbox/lapor")', r'\1\nfolder_variable = "TENGGAT_LAPOR"'),
        ("sources.toml", r'word = "([^"]+)"', lambda found: f'word = "{found[1].upper()}"'),
    ):
        path = site_folder / file
        text, changed = re.subn(pattern, new, path.read_text(encoding="utf-8"))
        assert changed, f"{file} no longer holds {pattern}"
        path.write_text(text, encoding="utf-8")
    monkeypatch.setenv("TENGGAT_LAPOR", str(real_data))
    return open_context()


def test_unit_names_come_in_several_spellings(sheet):
    names = {row[UNIT] for row in sheet} - {""}
    assert any(len(spellings) > 1 for spellings in units(names))


@ON_SQLITE_FIRST
def test_every_row_is_watched_and_an_unknown_unit_is_a_question(bandung, sheet):
    count = pull(bandung, "lapor", NOW)
    waiting = [row for row in sheet if in_district(row[UNIT])]
    assert len(sheet) == count.rows == count.new == ROWS
    assert count.questions[UNIT] == len({row[UNIT] for row in waiting})
    with bandung.transaction() as session:
        assert session.scalars(select(QuarantineRow)).all() == []
        known = session.scalars(select(Complaint)).all()
        open_now = questions.open_questions(session)
        asked = {q.question.value: q.waiting for q in open_now if q.question.role == "unit"}
        words = [q.question.role for q in open_now if q.question.role != "unit"]
    assert Counter(words) == {"category": 5}  # the rare channels are those of hidden reports alone
    assert asked == Counter(row[UNIT] for row in waiting)
    unknown = {row["Tracking ID"] for row in waiting}
    administrator = bandung.site.evaluation_context.administrator_unit
    assert {row.unit for row in known if row.ticket in unknown} == {administrator}
    by_ticket = {row["Tracking ID"]: row for row in sheet}
    for row in known:
        said = by_ticket[row.ticket]
        text = f"{said['Tanggal Laporan Masuk']} {said['Waktu Laporan Masuk']} +0000"
        moment = datetime.strptime(text, "%d %b %Y %H:%M:%S %z")
        local = (moment + timedelta(hours=7)).replace(tzinfo=None)
        assert bandung.local(row.received_at).replace(tzinfo=None) == local
        assert row.state == said[STATUS].upper()
        assert (row.unit is None) == (said[UNIT] == "")
        kind = said["Tipe Laporan (Anonim/Rahasia)"]
        assert (row.anonymous, row.secret) == ("Anonim" in kind, "Rahasia" in kind)
        assert (row.title is None) == bool(kind)
    moved = sum(bandung.local(row.received_at).date() != row.received_at.date() for row in known)
    assert moved > ROWS / 10  # read as local time, these would lie a day too early


def test_nobody_is_judged_by_a_history_that_nobody_knows(bandung, sheet):
    pull(bandung, "lapor", NOW)
    decided = evaluate_and_notify(bandung, NOW, "run")
    with bandung.transaction() as session:
        pairs = session.execute(
            select(Complaint.state, DeadlineRow).join(
                Complaint, Complaint.id == DeadlineRow.complaint_id
            )
        ).all()
        stated = set(session.scalars(select(EventRow.kind).where(EventRow.knowledge == "stated")))
        notices = session.scalars(select(NoticeRow.kind)).all()
    assert stated == {"received"}
    assert decided.not_evaluated == []
    states: dict[str, Counter[str]] = {}
    for word, deadline in pairs:
        states.setdefault(word, Counter())[deadline.state] += 1
    for word in CLOSED:
        assert set(states[word.upper()]) == {"unknown"}
    everything = sum(states.values(), Counter())
    assert not {"met", "met_late", "breached"} & set(everything)
    assert notices == []


def test_reading_it_again_changes_nothing(bandung):
    assert pull(bandung, "lapor", NOW).files == 1
    assert pull(bandung, "lapor", NOW + timedelta(days=1)).files == 0


def test_it_waits_until_the_day_on_which_it_was_made(bandung):
    early = datetime.fromisoformat("2025-11-13T23:59+07:00")
    assert [file.name for file in pull(bandung, "lapor", early).waiting] == [NAME]
    assert pull(bandung, "lapor", early + timedelta(minutes=2)).new > 0
