"""The marks of secrecy in any cell of a row: each of them hides its report."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from settings.sources import FolderSource
from sla.directory import Directory, Unit
from tasks.ingest.records import ComplaintRecord
from tasks.ingest.row_parser import ParserInputs
from tasks.ingest.row_validator import RowValidator

UNIT = Unit("dinsos", "Dinas Sosial", "opd", None)
DIRECTORY = Directory((UNIT,), ())
ROW = {
    "Nomor": "001/ADU/2026",
    "Masuk": "02/11/2026",
    "Nama Pelapor": "Zulaikha Tandibone",
    "Perihal": "Jalan rusak di Salo",
    "Kerahasiaan": "",
    "Kategori": "Jalan",
    "Kanal": "Web",
    "Kecamatan": "Masamba",
    "Status": "Proses",
    "Ket": "",
    "Unit Tujuan": "Dinas Sosial",
    "Diteruskan": "03/11/2026",
}
SOURCE = FolderSource.model_validate(
    {
        "folder": "inbox",
        "layout": "history",
        "zone": "Asia/Makassar",
        "dates": ["%d/%m/%Y"],
        "observed": {"file_name": "e_%Y-%m-%d.csv"},
        "fields": {
            **{"ticket": "Nomor", "received": "Masuk", "title": "Perihal"},
            **{"privacy": "Kerahasiaan", "category": "Kategori", "channel": "Kanal"},
            **{"place": "Kecamatan", "status": "Status", "remarks": "Ket"},
        },
        "events": [{"column": "Diteruskan", "kind": "assigned", "unit": "Unit Tujuan"}],
    }
)
NOW = datetime(2026, 11, 24, tzinfo=UTC)


def record_of(**cells: str) -> ComplaintRecord:
    """Return the record of a row that differs in these cells; `_` in a title is a space."""
    row = ROW | {name.replace("_", " "): cell for name, cell in cells.items()}
    validator = RowValidator(ParserInputs("register", SOURCE, DIRECTORY), NOW)
    ((_, found),) = validator.validate(tuple(row), [(2, tuple(row.values()))])
    assert isinstance(found, ComplaintRecord), found
    return found


def is_hidden(record: ComplaintRecord) -> bool:
    hidden = record.anonymous or record.secret
    assert (record.title is None) == hidden
    return hidden


def test_a_row_without_a_mark_is_open():
    assert not is_hidden(record_of())


@pytest.mark.parametrize(
    ("column", "cell"),
    [
        ("Perihal", "[RAHASIA] pungli SMA"),
        ("Perihal", "pungli, mohon nama pelapor dirahasiakan"),
        ("Kategori", "Jalan (rahasia)"),
        ("Kanal", "Whistleblowing System"),
        ("Kanal", "Web - Anonim"),
        ("Kanal", "Surat rahasia"),
        ("Kecamatan", "Masamba (dirahasiakan)"),
        ("Status", "Proses (rahasia)"),
        ("Ket", "jangan sampai kades tahu"),
        ("Nomor", "001-RHS"),
        ("Nomor", "5001/RHS/2026"),
        ("Nomor", "RAHASIA-001"),
        ("Nama_Pelapor", "Dirahasiakan"),
        ("Nama_Pelapor", "Hamba Allah"),
        ("Nama_Pelapor", "NN"),
        ("Nama_Pelapor", "Zulaikha (rahasia)"),
        ("Kerahasiaan", "?"),
        ("Kerahasiaan", "??"),
        ("Kerahasiaan", "rahasia?"),
    ],
)
def test_a_mark_in_any_cell_hides_its_report(column, cell):
    assert is_hidden(record_of(**{column: cell}))


@pytest.mark.parametrize("cell", ["tidak rahasia", "tdk rahasia", "Normal", "Non-Anonim", "", "-"])
def test_a_word_of_privacy_that_denies_it_hides_nothing(cell):
    assert not is_hidden(record_of(Kerahasiaan=cell))


@pytest.mark.parametrize("column", ["Perihal", "Kategori", "Ket", "Nama_Pelapor"])
@pytest.mark.parametrize("cell", ["tidak ada rahasia", "pelapor sudah ditelepon"])
def test_a_text_that_only_resembles_a_mark_hides_nothing(column, cell):
    assert not is_hidden(record_of(**{column: cell}))


@pytest.mark.parametrize("cell", ["02/11/2026 (rahasia)", "02/11/2026 RHS", "RHS 02/11/2026"])
@pytest.mark.parametrize("column", ["Masuk", "Diteruskan"])
def test_a_date_with_a_mark_is_read_and_hides_its_report(column, cell):
    found = record_of(**{column: cell})
    assert is_hidden(found)
    assert found.received == record_of().received
    assert not found.unmapped
    assert [step.kind for step in found.steps] == ["assigned"]


def test_a_word_with_a_mark_is_the_known_word():
    marked = record_of(
        Kategori="Jalan (rahasia)", Kecamatan="Masamba (dirahasiakan)", Kanal="Web - Anonim"
    )
    usual = record_of()
    assert (marked.category, marked.place, marked.channel) == ("Jalan", "Masamba", "Web")
    assert marked.unmapped == usual.unmapped
    found = record_of(Unit_Tujuan="Dinas Sosial (rahasia)")
    assert is_hidden(found)
    assert [step.unit for step in found.steps] == ["dinsos"]
    assert not found.unmapped


def test_a_name_of_a_complainant_is_not_kept_with_a_rejected_row():
    row = ROW | {"Masuk": "99/11/2026"}
    validator = RowValidator(ParserInputs("register", SOURCE, DIRECTORY), NOW)
    ((_, found),) = validator.validate(tuple(row), [(2, tuple(row.values()))])
    assert not isinstance(found, ComplaintRecord)
    assert ROW["Nama Pelapor"] not in str(found)
