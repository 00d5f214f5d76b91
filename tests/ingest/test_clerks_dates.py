"""Dates, ticket numbers and lines beside the table as clerks write them. All data are invented."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from settings.sources import FolderSource
from sla.directory import Directory, Unit
from tasks.common.flexible_dates import date_order, parse_flexible, parse_serial
from tasks.common.table_lines import has_only_totals
from tasks.ingest.records import ComplaintRecord, RowError, value_hash
from tasks.ingest.row_parser import ParserInputs, RowParser
from tasks.ingest.row_validator import RejectedRow, RowValidator
from tasks.ingest.swapped_dates import exchanged, out_of_order, swapped, swapped_receipts
from tasks.text.withheld import withheld
from tasks.workbook_reader.covered import CoveredCell

WITA = ZoneInfo("Asia/Makassar")
NOW = datetime(2026, 11, 24, tzinfo=UTC)
HEADER = ("No", "Masuk", "Bidang", "Selesai")


def source(*dates: str, **more: object) -> FolderSource:
    return FolderSource.model_validate(
        {
            "folder": ".",
            "layout": "history",
            "zone": "Asia/Makassar",
            "dates": dates or ["%d/%m/%Y %H:%M"],
            "fields": {"ticket": "No", "received": "Masuk", "category": "Bidang"},
            "events": [{"column": "Selesai", "kind": "settled"}],
        }
        | more
    )


def results(given: FolderSource, *rows: tuple[str, ...]) -> list[str]:
    """Each row as its ticket and local time of receipt, or as the reason and the value."""
    told = []
    for line, found in RowValidator(ParserInputs("x", given, Directory((), ())), NOW).validate(
        HEADER, enumerate(rows, start=2)
    ):
        if isinstance(found, RejectedRow):
            told.append(f"{line} {found.reason} {found.column} {found.value}".rstrip())
        else:
            told.append(f"{found.ticket} {found.received.astimezone(WITA):%d-%m-%y %H:%M:%S}")
    return told


DAY_FIRST, MONTH_FIRST, YEAR_FIRST = "%d/%m/%Y %H:%M", "%m/%d/%Y", "%Y-%m-%d %H:%M:%S"
UNREADABLE = "unreadable"


@pytest.mark.parametrize(
    ("text", "form", "expected"),
    [
        ("05/11/2026 08.00", DAY_FIRST, "2026-11-05T08:00:00"),
        ("05/11/2026 08.00.15", DAY_FIRST, "2026-11-05T08:00:15"),
        ("05/11/2026, 8:00 PM", DAY_FIRST, "2026-11-05T20:00:00"),
        ("5 Nopember 2026", DAY_FIRST, "2026-11-05T00:00:00"),
        ("Kamis, 5 November 2026 pukul 08.00 WIB", DAY_FIRST, "2026-11-05T08:00:00+07:00"),
        ("5 Nov 2026 08:00 WITA", DAY_FIRST, "2026-11-05T08:00:00+08:00"),
        ("5 Agt. 2026 08:00 (WIT)", YEAR_FIRST, "2026-08-05T08:00:00+09:00"),
        ("Kamis / 5 Nopember 2026", DAY_FIRST, "2026-11-05T00:00:00"),
        ("Jum\u2019at, 6/11/2026", DAY_FIRST, "2026-11-06T00:00:00"),
        ("Kam,5/11/2026", DAY_FIRST, "2026-11-05T00:00:00"),
        ("hari Kamis tgl. 5 November 2026", DAY_FIRST, "2026-11-05T00:00:00"),
        ("Tanggal 5-11-2026", DAY_FIRST, "2026-11-05T00:00:00"),
        # the 9th is a Monday
        ("Senin, 9 November 2026", DAY_FIRST, "2026-11-09T00:00:00"),
        ("Senin, 10 November 2026", DAY_FIRST, UNREADABLE),
        ("Senin 10 November 2026", DAY_FIRST, UNREADABLE),
        ("hari Senin tgl. 10/11/2026 08.30 WITA", DAY_FIRST, UNREADABLE),
        ("Sen, 10-11-26", DAY_FIRST, UNREADABLE),
        ("Monday, 2026-11-10 08:00", DAY_FIRST, UNREADABLE),
        ("Mon, Nov 10, 2026", YEAR_FIRST, UNREADABLE),
        ("Jum\u2019at, 5/11/2026", DAY_FIRST, UNREADABLE),
        ("Ahad, 8 Nov 2026 jam 8 pagi", DAY_FIRST, "2026-11-08T08:00:00"),
        ("Seinn, 10 November 2026", DAY_FIRST, UNREADABLE),
        ("5 November 2026.", DAY_FIRST, "2026-11-05T00:00:00"),
        ("5 Nov 2026 (08.30)", DAY_FIRST, "2026-11-05T08:30:00"),
        ("5 Nov 2026 / pkl 08.30 WITA", DAY_FIRST, "2026-11-05T08:30:00+08:00"),
        ("05/11/2026 08.30 pagi", DAY_FIRST, "2026-11-05T08:30:00"),
        ("Nov 5, 2026", YEAR_FIRST, "2026-11-05T00:00:00"),
        ("05-11-26", DAY_FIRST, "2026-11-05T00:00:00"),
        ("05-11-99", DAY_FIRST, "2099-11-05T00:00:00"),
        ("5-Nov-26", DAY_FIRST, "2026-11-05T00:00:00"),
        ("5 Nov '26", DAY_FIRST, "2026-11-05T00:00:00"),
        ("05.11.26/08.30", DAY_FIRST, "2026-11-05T08:30:00"),
        ("05.11.26/jam 10", DAY_FIRST, "2026-11-05T10:00:00"),
        ("05.11.26/-", DAY_FIRST, "2026-11-05T00:00:00"),
        ("05/11/2026 -", DAY_FIRST, "2026-11-05T00:00:00"),
        ("5 Nop \u201926 pkl 08.30", DAY_FIRST, "2026-11-05T08:30:00"),
        ("Kamis, 5-11-'26", DAY_FIRST, "2026-11-05T00:00:00"),
        ("5 Nov '26", YEAR_FIRST, UNREADABLE),
        ("2026-11-05", DAY_FIRST, "2026-11-05T00:00:00"),
        ("2026-11-05 08:00:00", DAY_FIRST, "2026-11-05T08:00:00"),
        ("2026-11-05T08:00:00Z", DAY_FIRST, "2026-11-05T08:00:00+00:00"),
        ("2026-11-05", "%Y-%d-%m", "2026-05-11T00:00:00"),
        ("05/11/2026", MONTH_FIRST, "2026-05-11T00:00:00"),
        ("05/11/2026", "%d %b %Y", "2026-11-05T00:00:00"),
        ("2026-11-05 08:00:00+08", YEAR_FIRST, "2026-11-05T08:00:00+08:00"),
        ("2026-11-05 08:00:00.12-05", YEAR_FIRST, "2026-11-05T08:00:00-05:00"),
        ("05/11/2026 - 08.00", DAY_FIRST, "2026-11-05T08:00:00"),
        ("5 November 2026 (08.00 WITA)", DAY_FIRST, "2026-11-05T08:00:00+08:00"),
        ("5 November 2026 (08.00)", DAY_FIRST, "2026-11-05T08:00:00"),
        ("Tgl. 05/11/2026", DAY_FIRST, "2026-11-05T00:00:00"),
        ("05/11/2026 08:00-10:00", DAY_FIRST, UNREADABLE),
        ("05/11/2026 - 06/11/2026", DAY_FIRST, UNREADABLE),
        ("05/11/2026", YEAR_FIRST, UNREADABLE),
        ("25/11/2026", YEAR_FIRST, UNREADABLE),
        ("25/11/2026", MONTH_FIRST, UNREADABLE),
        ("5 Nov 26", YEAR_FIRST, UNREADABLE),
        ("31/02/2026", DAY_FIRST, UNREADABLE),
        ("13/13/2026", DAY_FIRST, UNREADABLE),
        ("05/11/2026 24.00", DAY_FIRST, UNREADABLE),
        ("05/11/2026 kira-kira", DAY_FIRST, UNREADABLE),
        ("5 Foo 2026", DAY_FIRST, UNREADABLE),
        ("5 Nopmber 2026", DAY_FIRST, "2026-11-05T00:00:00"),
        ("5 Oktoberr 2026 pkl 8", DAY_FIRST, "2026-10-05T08:00:00"),
        ("5 Agsutus 2026", DAY_FIRST, "2026-08-05T00:00:00"),
        ("5 Febuari 2026", DAY_FIRST, "2026-02-05T00:00:00"),
        ("5 Jui 2026", DAY_FIRST, UNREADABLE),
        ("5 Anggota 2026", DAY_FIRST, UNREADABLE),
        ("5 Selesai 2026", DAY_FIRST, UNREADABLE),
        ("5 Nov 2026 s.d. 6 Nov 2026", DAY_FIRST, UNREADABLE),
        ("5-6 November 2026", DAY_FIRST, UNREADABLE),
        ("5.11.2026 - 6.11.26", DAY_FIRST, UNREADABLE),
        ("5.11.2026 / 6.11.26", DAY_FIRST, UNREADABLE),
        ("05/11/2026 08.30 malam", DAY_FIRST, "2026-11-05T20:30:00"),
        ("5 Nov 2026 jam 8 pagi", DAY_FIRST, "2026-11-05T08:00:00"),
        ("5 Nov 2026 / jam 8 pagi WITA", DAY_FIRST, "2026-11-05T08:00:00+08:00"),
        ("05/11/2026 pukul 14", DAY_FIRST, "2026-11-05T14:00:00"),
        ("05/11/2026 (2 siang)", DAY_FIRST, "2026-11-05T14:00:00"),
        ("05/11/2026 jam 12 siang", DAY_FIRST, "2026-11-05T12:00:00"),
        ("05/11/2026 14.30 sore", DAY_FIRST, "2026-11-05T14:30:00"),
        ("05/11/2026 jam 12 malam", DAY_FIRST, UNREADABLE),
        ("05/11/2026 9 siang", DAY_FIRST, UNREADABLE),
        ("05/11/2026 8", DAY_FIRST, UNREADABLE),
        ("5 Nov 26 pagi", DAY_FIRST, UNREADABLE),
        ("5.1.2026 7.30", DAY_FIRST, "2026-01-05T07:30:00"),
        ("05/11/2026 00.25", DAY_FIRST, "2026-11-05T00:25:00"),
        ("2026-11-05T08:00:00.5+08", YEAR_FIRST, "2026-11-05T08:00:00+08:00"),
        ("05/11/2026 7.5", DAY_FIRST, UNREADABLE),
        ("5 Nov 2026 pukul 16.3", DAY_FIRST, UNREADABLE),
        ("05/11/2026 0.25", DAY_FIRST, UNREADABLE),
        ("November 2026", DAY_FIRST, UNREADABLE),
    ],
)
def test_a_date_is_read_in_the_order_of_the_mapping_and_never_guessed(text, form, expected):
    try:
        found = parse_flexible(text, date_order([form])).isoformat()
    except ValueError:
        found = UNREADABLE
    assert found == expected


def test_formats_that_contradict_each_other_give_no_order():
    order = date_order([DAY_FIRST, MONTH_FIRST])
    with pytest.raises(ValueError, match="either number may be the month"):
        parse_flexible("05.11.2026", order)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("46331", "2026-11-05T00:00:00"),
        ("46331.3333333", "2026-11-05T08:00:00"),
        ("46331,3333333", "2026-11-05T08:00:00"),
        ("46330.9999999", "2026-11-05T00:00:00"),
        ("2026", UNREADABLE),
        ("120", UNREADABLE),
        ("73051", UNREADABLE),
    ],
)
def test_a_serial_number_is_rounded_to_the_second_and_lies_in_this_century(text, expected):
    try:
        found = parse_serial(text).isoformat()
    except ValueError:
        found = UNREADABLE
    assert found == expected


def test_a_number_in_a_date_column_is_a_date_only_if_the_mapping_says_so():
    row = ("A-1", "46331.25", "", "")
    assert results(source(), row) == ["2 unformatted_date Masuk 46331.25"]
    assert results(source(serial=True), row) == ["A-1 05-11-26 06:00:00"]
    assert results(source("%Y%m%d"), ("A-1", "20261105", "", "")) == ["A-1 05-11-26 00:00:00"]
    assert results(source(serial=True), ("A-1", "12", "", "")) == ["2 bad_date Masuk 12"]


def test_a_zone_after_a_time_is_the_zone_of_that_time():
    rows = (("1", "05/11/2026 08.00 WIB", "", ""), ("2", "05/11/2026 08.00", "", ""))
    assert results(source(), *rows) == ["1 05-11-26 09:00:00", "2 05-11-26 08:00:00"]


def test_a_date_and_a_time_in_two_columns_are_read_together():
    given = source(fields={"ticket": "No", "received": ["Masuk", "Bidang"]})
    rows = (("1", "2026-11-05", "08:00:00", ""), ("2", "5 Nov 2026", "8.15", ""))
    assert results(given, *rows) == ["1 05-11-26 08:00:00", "2 05-11-26 08:15:00"]


CLOCKS = ["08.30", "8:30 WITA", "pkl 08.30 WITA", "08:30:00", "pukul 08.30", "8.30 pagi"]
UNREAD_CLOCKS = [
    "",
    "0.354166667",
    "08.30-09.00",
    "24.30",
    "\u00b1 08.30",
    "8",
    "#N/A",
    "13.30 s/d selesai",
    "pagi",
    "8.3O",
    *("7.5", "16.3", "0.25"),  # numbers of a spreadsheet
]


@pytest.mark.parametrize(
    ("clock", "zone", "expected"),
    [
        *((clock, "Asia/Makassar", "05-11-26 08:30:00") for clock in CLOCKS),
        *((clock, "Asia/Makassar", "05-11-26 00:00:00") for clock in UNREAD_CLOCKS),
        ("24.00", "Asia/Makassar", "06-11-26 00:00:00"),
        ("24:00:00 WIB", "Asia/Makassar", "06-11-26 01:00:00"),
        ("24.00", "UTC", "06-11-26 08:00:00"),
        ("24.30", "UTC", "06-11-26 07:59:59"),
        ("01:00", "UTC", "05-11-26 09:00:00"),
    ],
)
def test_an_unreadable_time_of_day_loses_no_complaint(clock, zone, expected):
    """In UTC the day ends here on the next morning, so only its end accuses nobody too early."""
    for form in ("%Y-%m-%d %H:%M", "%Y-%m-%d %H.%M"):
        fields = {"ticket": "No", "received": ["Masuk", "Bidang"]}
        given = source(form, zone=zone, fields=fields)
        assert results(given, ("1", "2026-11-05", clock, "")) == [f"1 {expected}"]


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        ("5 Nov 2026 pagi", ["1 05-11-26 00:00:00"]),
        ("Kamis, 5/11/2026 jam ??", ["1 05-11-26 00:00:00"]),
        ("Senin, 5/11/2026 jam ??", ["2 bad_date Masuk Senin, 5/11/2026 jam ??"]),
        ("Senin, 5/11/2026 08.30", ["2 bad_date Masuk Senin, 5/11/2026 08.30"]),
        ("05/11/2026 24:30", ["1 05-11-26 00:00:00"]),
        ("05/11/2026 24:00", ["1 06-11-26 00:00:00"]),
        ("Kamis, 5 November 2026 pukul 24.00 WITA", ["1 06-11-26 00:00:00"]),
        ("Senin, 5/11/2026 24:00", ["2 bad_date Masuk Senin, 5/11/2026 24:00"]),
        ("05/11/2026 8.3O", ["1 05-11-26 00:00:00"]),
        ("05/11/2026 7.5", ["1 05-11-26 00:00:00"]),
        ("05.11.26/8.3O", ["1 05-11-26 00:00:00"]),
        ("05/11/2026 (12 malam)", ["1 05-11-26 00:00:00"]),
        ("31/11/2026 pagi", ["2 bad_date Masuk 31/11/2026 pagi"]),
        ("05/11/2026 kira-kira", ["2 bad_date Masuk 05/11/2026 kira-kira"]),
        ("05/11/2026 - 06/11/2026", ["2 bad_date Masuk 05/11/2026 - 06/11/2026"]),
    ],
)
def test_a_date_with_an_hour_that_cannot_be_read_counts_without_an_hour(moment, expected):
    assert results(source(), ("1", moment, "", "")) == expected


def test_the_hours_that_cannot_be_read_are_named_without_possible_names():
    given = source(fields={"ticket": "No", "received": ["Masuk", "Bidang"]})
    validator = RowValidator(ParserInputs("x", given, Directory((), ())), NOW)
    rows = (
        ("1", "05/11/2026", "8.3O", "06/11/2026 sore"),
        ("2", "05/11/2026", "", ""),
        ("3", "05/11/2026", "8.30", ""),
        ("4", "05/11/2026", "-", ""),
        ("5", "5 Nop 2026", "Zulaikha", ""),
        ("6", "31/11/2026", "pagi", ""),
    )
    assert len(list(validator.validate(HEADER, enumerate(rows)))) == len(rows)
    assert validator.reader.shown_hours == {
        "Bidang": ["8.3O", "..."],
        "Selesai": ["06/11/2026 sore"],
    }


def test_a_day_that_is_not_over_ends_with_the_import():
    given = source(zone="UTC", fields={"ticket": "No", "received": ["Masuk", "Bidang"]})
    assert results(given, ("1", "2026-11-24", "24.00", "")) == ["1 24-11-26 08:00:00"]


@pytest.mark.parametrize(
    ("masuk", "selesai", "expected"),
    [
        ("05/11/2026 08:30", "05/11/2026", "05-11 08:30"),
        ("05/11/2026 08:30", "2026-11-05", "05-11 08:30"),
        ("05/11/2026 08:30", "06/11/2026", "06-11 00:00"),
        ("05/11/2026", "05/11/2026", "05-11 00:00"),
        ("05/11/2026 08:30", "05/11/2026 08:00", "before the receipt"),
        ("05/11/2026 08:30", "04/11/2026", "before the receipt"),
        # a receipt at 24:00 is on the next day, a step is on the named one
        ("05/11/2026 24:00", "05/11/2026 24:00", "06-11 00:00"),
        ("05/11/2026 24.00", "05/11/2026", "06-11 00:00"),
        ("05/11/2026 24:00", "05/11/2026 08:00", "before the receipt"),
        ("06/11/2026 00:00", "05/11/2026", "before the receipt"),
        ("05/11/2026 08:30", "05/11/2026 24:00", "05-11 08:30"),
        ("05/11/2026 08:30", "09/11/2026 24:00", "09-11 00:00"),
    ],
)
def test_a_step_on_the_day_of_receipt_without_a_time_is_not_before_the_receipt(
    masuk, selesai, expected
):
    parser = RowParser(ParserInputs("x", source(), Directory((), ())))
    record = parser.record(parser.cells(HEADER, ("1", masuk, "", selesai)), NOW)
    found = [f"{step.moment.astimezone(WITA):%d-%m %H:%M}" for step in record.steps]
    assert (found or ["before the receipt"]) == [expected]
    assert len(record.unmapped) == (0 if found else 1)


STEP_HEADER = ("No", "Masuk", "Bidang", "Diteruskan", "Selesai")
YEAR_END = datetime(2026, 12, 31, tzinfo=UTC)


def steps_of(received: str, assigned: str, settled: str, **answer: str) -> tuple[str, list[str]]:
    """The steps of a row with these dates, and the cells that are questions."""
    columns = {"Diteruskan": "assigned", "Selesai": "settled"}
    events = [{"column": column, "kind": kind} for column, kind in columns.items()]
    answers = {(column, value_hash(assigned)): text for column, text in answer.items()}
    given = source(events=events)
    parser = RowParser(ParserInputs("x", given, Directory((), ()), answers=answers))
    cells = parser.cells(STEP_HEADER, ("1", received, "", assigned, settled))
    record = parser.record(cells, YEAR_END)
    found = (f"{step.kind} {step.moment.astimezone(WITA):%d-%m}" for step in record.steps)
    return ", ".join(found), [cell.value for cell in record.unmapped if cell.answer is None]


@pytest.mark.parametrize(
    ("assigned", "settled", "steps"),
    [
        ("11/12/2026", "", "assigned 11-12"),
        ("11/12/2026", "14/12/2026", "assigned 11-12, settled 14-12"),
        ("12/12/2026", "16/11/2026", "settled 16-11, assigned 12-12"),  # has no other reading
        ("10/12/2026", "16/11/2026", "settled 16-11, assigned 10-12"),  # 12 October is no better
        ("11 Des 2026", "16/11/2026", "settled 16-11, assigned 11-12"),
    ],
)
def test_a_step_that_can_be_as_it_is_is_no_question(assigned, settled, steps):
    assert steps_of("09/11/2026", assigned, settled) == (steps, [])


def test_a_step_after_the_end_of_its_complaint_is_a_question_if_it_may_be_swapped():
    row = ("09/11/2026", "11/12/2026", "16/11/2026")  # 12 November is before the end
    assert steps_of(*row) == ("settled 16-11", ["11/12/2026"])
    right = {"Diteruskan": "2026-11-12T00:00:00+08:00"}
    assert steps_of(*row, **right) == ("assigned 12-11, settled 16-11", [])
    as_it_is = {"Diteruskan": "2026-12-11T00:00:00+08:00"}
    assert steps_of(*row, **as_it_is) == ("settled 16-11, assigned 11-12", [])


REMARKS = (
    *(
        "proses",
        "dlm proses",
        "sudah",
        "ditolak",
        "Minggu depan",
        "v",
        "TMS",
        "sda",
    ),
    *("\u2713", "\u2705", "\U0001f44d", "\u221a", '"', "\u3003", "-//-", "menunggu jawaban OPD"),
)


@pytest.mark.parametrize("remark", REMARKS)
def test_a_remark_or_a_sign_for_done_in_a_column_with_dates_is_a_question(remark):
    """The column beside it is not mapped, so any other word may be a name: the row is torn."""
    header = (*HEADER, "Keterangan")
    row = ("1", "05/11/2026 08:30", "", remark, "")
    parser = RowParser(ParserInputs("x", source(), Directory((), ())))
    record = parser.record(parser.cells(header, row), NOW)
    assert [(cell.column, cell.value) for cell in record.unmapped] == [("Selesai", remark)]


@pytest.mark.parametrize("name", ["Zulaikha", "proses Zulaikha", "Pak Lurah"])
def test_a_possible_name_in_a_column_with_dates_tears_the_row(name):
    parser = RowParser(ParserInputs("x", source(), Directory((), ())))
    with pytest.raises(RowError, match="torn_row"):
        parser.cells((*HEADER, "Keterangan"), ("1", "05/11/2026 08:30", "", name, ""))


CONTACTS = (
    *("sudah ditelp", "selesai via telp", "via WA", "WA", "lisan", "sdh dihubungi lewat hp"),
    *("telp", "Dijelaskan lisan", "tatap muka"),
)


def desk(header: str, row: str) -> tuple[RowParser, dict[str, str]]:
    """A row of a register with known units, and columns without a mapping: `Nama`, `Petugas`."""
    given = source(
        fields={"ticket": "No", "received": "Masuk", "category": "Bidang", "title": "Hal"}
        | ({"classification": "Jenis"} if "Jenis" in header else {}),
        values={"classification": {"Aduan": "complaint"}},
        events=[
            {"column": "Disposisi", "kind": "assigned", "unit": "OPD"},
            {"column": "Selesai", "kind": "settled"},
        ],
    )
    units = (Unit("dinkes", "Dinas Kesehatan", "opd", None), Unit("dlh", "DLH", "opd", None))
    titles, cells = (tuple(map(str.strip, line.split("|"))) for line in (header, row))
    parser = RowParser(ParserInputs("x", given, Directory(units, ())))
    return parser, parser.cells(titles, cells)


def desk_cells(header: str, row: str) -> dict[str, str]:
    return desk(header, row)[1]


def desk_record(header: str, row: str) -> ComplaintRecord:
    parser, cells = desk(header, row)
    return parser.withhold(parser.record(cells, NOW), cells, "a.csv", "2")


@pytest.mark.parametrize("remark", CONTACTS)
@pytest.mark.parametrize(
    ("header", "row"),
    [
        (
            "No|Masuk|Hal|OPD|Bidang|Disposisi|Selesai|Petugas",
            "1|05/11/2026 08:30|Air|Dinas Kesehatan|Air|{}|{}|",
        ),
        (
            "No|Masuk|Hal|Bidang|Disposisi|Selesai|Petugas|OPD",
            "1|05/11/2026 08:30|||06/11/2026 09:00|{}|x|Dinas Kesehatan",
        ),
    ],
)
def test_how_a_clerk_reached_a_person_is_a_remark_between_known_words(header, row, remark):
    assert desk_cells(header, row.format(remark, remark))["Selesai"] == remark


@pytest.mark.parametrize(
    ("header", "row"),
    [
        # a cell too many before the name, or one too few
        (
            "No|Masuk|Hal|OPD|Nama|Bidang|Kanal|Selesai|Disposisi",
            "1|05/11/2026 08:30||Dinas Kesehatan||Zulaikha|Air|via WA|",
        ),
        (
            "No|Masuk|Hal|OPD|Bidang|Nama|Selesai|Ket|Disposisi",
            "1|05/11/2026 08:30||Dinas Kesehatan|Zulaikha||via WA||",
        ),
        (
            "No|Masuk|OPD|Kanal|Selesai|Petugas|Bidang|Disposisi|Hal",
            "1|05/11/2026 08:30|Dinas Kesehatan||lisan|06/11/2026 09:00|Zulaikha||",
        ),
        (
            "No|Masuk|OPD|Hal|Bidang|Selesai|Ket|Disposisi",
            "1|05/11/2026 08:30|Dinas Kesehatan||Zulaikha minta air|telp||",
        ),
        (
            "No|Masuk|Hal|Bidang|Nama|OPD|Selesai|Petugas|Disposisi",
            "1|05/11/2026 08:30||||Zulaikha|WA||",
        ),
        (
            "No|Masuk|Hal|Bidang|Nama|Jenis|OPD|Selesai|Petugas|Disposisi",
            "1|05/11/2026 08:30||||Zulaikha||Via||",
        ),
    ],
)
def test_a_channel_that_may_have_moved_with_a_name_is_a_question_and_stores_no_text(header, row):
    """The complaint is watched; the name is in no field, and no question shows it."""
    record = desk_record(header, row)
    assert record.ticket == "1"
    assert "Zulaikha" not in str(replace(record, unmapped=()))
    shown = {cell.column: cell.withheld or cell.value for cell in record.unmapped}
    remark = row.split("|")[header.split("|").index("Selesai")]
    assert shown["Selesai"] == (withheld("a.csv", "2") if remark == "Via" else remark)
    assert "Zulaikha" not in str(shown)


@pytest.mark.parametrize("remark", ["Via", "via WA", "lisan"])
def test_a_remark_far_from_known_words_costs_no_text_beyond_them(remark):
    header = "No|Masuk|Hal|OPD|Bidang|Nama|Disposisi|Selesai|Petugas"
    record = desk_record(header, f"1|05/11/2026 08:30|Air|DLH|Sumur|||{remark}|")
    assert (record.title, record.category) == ("Air", None)  # `Sumur` may be moved
    assert record.unit is None  # a history: the unit is that of the step
    assert [step.unit for step in record.steps] == ["dlh"]


DAY = "06/11/2026 09:00"


@pytest.mark.parametrize(
    ("cells", "asked", "category"),
    [
        ({"OPD": "Aduan"}, "OPD", None),
        ({"Jenis": "DLH"}, "Jenis", "Zulaikha"),  # the unit between them has not moved
        ({"Disposisi": "DLH"}, "Disposisi", None),
        ({"Jenis": DAY, "Disposisi": DAY, "Selesai": DAY}, "Jenis", "Zulaikha"),
    ],
)
def test_a_word_of_another_column_that_has_its_own_is_a_question(cells, asked, category):
    """A clerk wrote it: a moved cell would be missing in its own column."""
    row = {"No": "1", "Masuk": "05/11/2026 08:30", "Jenis": "Aduan", "OPD": "Dinas Kesehatan"}
    row |= {"Nama": "", "Bidang": "Zulaikha", "Hal": "", "Disposisi": "", "Selesai": ""} | cells
    record = desk_record("|".join(row), "|".join(row.values()))
    assert asked in [cell.column for cell in record.unmapped]
    assert record.category == category


@pytest.mark.parametrize(
    "cells", [{"Jenis": "DLH", "OPD": ""}, {"Jenis": DAY}, {"OPD": "Aduan", "Jenis": ""}]
)
def test_a_word_of_another_column_that_has_none_tears_the_row(cells):
    row = {"No": "1", "Masuk": "05/11/2026 08:30", "Jenis": "Aduan", "OPD": "DLH"}
    words = row | {"Disposisi": "", "Selesai": "", "Bidang": "", "Hal": ""} | cells
    with pytest.raises(RowError, match="torn_row"):
        desk_cells("|".join(words), "|".join(words.values()))


def test_a_unit_in_a_wrong_column_tears_the_row_if_no_column_of_units_is_mapped():
    """The unit may have moved from a column without a mapping, and a name with it."""
    given = source(
        fields={"ticket": "No", "received": "Masuk", "classification": "Jenis", "category": "Hal"},
        values={"classification": {"Aduan": "complaint"}},
    )
    directory = Directory((Unit("dlh", "DLH", "opd", None),), ())
    parser = RowParser(ParserInputs("x", given, directory))
    header = ("No", "Masuk", "Jenis", "OPD", "Nama", "Hal", "Selesai")
    with pytest.raises(RowError, match="torn_row"):
        parser.cells(header, ("1", "05/11/2026 08:30", "DLH", "", "", "Zulaikha", ""))


@pytest.mark.parametrize("name", ["Wa Ode Zulaikha", "via Zulaikha", "Via Agus", "Ditelp Mei"])
def test_a_name_among_such_words_tears_the_row_and_its_column_is_named(name):
    row = f"1|05/11/2026 08:30|Dinas Kesehatan||||{name}|"
    with pytest.raises(RowError, match="torn_row") as refused:
        desk_cells("No|Masuk|OPD|Bidang|Hal|Disposisi|Selesai|Petugas", row)
    assert (refused.value.column, refused.value.value) == ("Selesai", "")


@pytest.mark.parametrize("sign", ["-", "\u2013", "...", "\u2026", "/ /", "?", "00/00/0000", "0"])
def test_other_punctuation_in_a_column_with_dates_means_no_date(sign):
    parser = RowParser(ParserInputs("x", source(), Directory((), ())))
    cells = parser.cells(HEADER, ("1", "05/11/2026 08:30", "", sign))
    assert cells["Selesai"] == ""


def test_ditto_marks_are_no_ticket_and_no_date_of_receipt():
    assert results(source(), ('"', "05/11/2026", "", "")) == ["2 missing_ticket No"]
    assert results(source(), ("1", '"', "", "")) == ['2 bad_date Masuk "']


GOOD = "05/11/2026 08:00"


@pytest.mark.parametrize(
    ("ticket", "expected"),
    [
        ("5010653", ["5010653 05-11-26 08:00:00"]),
        ("5010653.0", ["5010653 05-11-26 08:00:00"]),
        ("'5010653", ["5010653 05-11-26 08:00:00"]),
        ("'5010653'", ["5010653 05-11-26 08:00:00"]),
        ('="5010653"', ["5010653 05-11-26 08:00:00"]),
        ('="0005"', ["0005 05-11-26 08:00:00"]),
        ("=1+1", ["=1+1 05-11-26 08:00:00"]),
        ("1.5", ["1.5 05-11-26 08:00:00"]),
        ("A-1.0", ["A-1.0 05-11-26 08:00:00"]),
        ("2E5", ["2E5 05-11-26 08:00:00"]),
        ("1234567890123456", ["1234567890123456 05-11-26 08:00:00"]),
        ("5.01065E+11", ["2 ticket_as_number No 5.01065E+11"]),
        ("5,01065E+11", ["2 ticket_as_number No 5,01065E+11"]),
        ("1.23456789012346E+17", ["2 ticket_as_number No 1.23456789012346E+17"]),
        ("#N/A", ["2 error_cell No #N/A"]),
        ("#FORMULA!", ["2 error_cell No #FORMULA!"]),
    ],
)
def test_a_ticket_is_the_same_as_number_and_as_text(ticket, expected):
    assert results(source(), (ticket, GOOD, "", "")) == expected


def test_one_ticket_in_two_spellings_is_one_complaint():
    rows = tuple((text, GOOD, "", "") for text in ("5010653", "5010653.0", "'5010653"))
    assert results(source(), *rows) == ["5010653 05-11-26 08:00:00"]


def test_a_formula_error_is_named_where_a_meaning_is_needed_and_left_out_elsewhere():
    assert results(source(), ("1", "#REF!", "", "")) == ["2 error_cell Masuk #REF!"]
    parser = RowParser(ParserInputs("x", source(), Directory((), ())))
    step = parser.record(parser.cells(HEADER, ("1", GOOD, "", "#N/A")), NOW)
    assert [(cell.column, cell.value) for cell in step.unmapped] == [("Selesai", "#N/A")]
    cells = parser.cells(HEADER, ("1", GOOD, "#N/A", ""))
    assert parser.record(cells, NOW).category is None


@pytest.mark.parametrize(
    ("row", "passed_over"),
    [
        (("Jumlah", "", "", ""), True),
        (("", "TOTAL", "12", "7"), True),
        (("Total laporan: 12", "", "", ""), True),
        (("", "60", "", "12,5 %"), True),
        (("", "", "", "Grand Total 1.200"), True),
        (("Jumlah", "12"), True),
        (("Jumlah", "10 pengaduan", "", "4"), True),
        (("Jumlah: 10 laporan masuk", "", "4 kasus"), True),
        (("10 pengaduan", "", "", "4"), False),
        (("Jumlah", "10 November 2026"), False),
        (("Jumlah", "10 pengaduan, 3 selesai"), False),
        (("Jumlah", "#FORMULA!", "", "#REF!"), True),
        (("#FORMULA!", "", "", ""), False),
        (("", "#REF!", "", ""), False),
        (("(1)", "(2)", "(3)", "(4)"), True),
        (("1", "2", "3", "4"), True),
        (("A", "B", "", "D"), True),
        (("1", "2", "3 = 1+2", "4"), True),
        (("BULAN NOVEMBER 2026", "", "", ""), True),
        (("Minggu ke-2", "", "", ""), True),
        (("II. PENGADUAN MELALUI SMS", "", "", ""), True),
        (("", "BULAN NOVEMBER", "", ""), True),
        (("", "", "", "Salo, 30 November 2026"), True),
        (("Mengetahui,", "", "", ""), True),
        (("NIP. 19780101 200501 1 002", "", "", ""), True),
        (("Mengetahui,", "", "", "Pengelola Pengaduan"), True),
        (("NIP. 19780101", "", "", "NIP. 19900202"), True),
        (("", "", "Salo,      November 2026", ""), True),
        (("", "", "Kepala Dinas Sosial", ""), False),
        (("17", "", "", ""), False),
        (("", GOOD, "", ""), False),
        (("", "05.11.2026", "", ""), False),
        (("", "", "Jalan", ""), False),
        (("Jumlah", "", "Jalan rusak", ""), False),
        (("Totalitas", "", "", ""), False),
        (("4", "2", "9", ""), False),
        (("1", "", "3", "5/11/2026"), False),
        (("FD-12/2026", "", "", ""), False),
        (("12 Tahun 2026 A", "", "", ""), False),
        (("", "", "", "05/11/2026"), False),
        (("", "", "BULAN NOVEMBER", ""), False),
    ],
)
def test_lines_that_are_no_complaints_are_passed_over_and_nothing_else(row, passed_over):
    assert (results(source(), row) == []) == passed_over


def test_a_signature_in_the_column_of_units_is_no_row_and_ends_with_the_next_complaint():
    below = [
        ("", "", text, "")
        for text in ("Salo, 30-11-2026", "Kepala", "Dinas Sosial", "Zulaikha, S.Sos", "NRP. 7")
    ]
    good, loose = ("A-1", "05/11/2026", "Jalan", ""), ("", "", "Jalan rusak", "")
    assert results(source(), good, *below, loose) == ["A-1 05-11-26 00:00:00"]
    assert results(source(), *below, good, loose)[1:] == ["8 text_line"]


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (("", "", "Jalan rusak", ""), "text_line"),
        (("", "", "Jalan rusak, sejak 2026", ""), "missing_ticket No"),
        (("", "Kepala Dinas", "Pengelola", ""), "text_line"),
        (("Dinas Sosial", "3", "1", "2"), "text_line"),
        (("FD-7", "", "Jalan rusak", ""), "missing_date Masuk"),
        (("FD-7", "kemarin", "Jalan rusak", ""), "bad_date Masuk"),
        (("", "05/11/2026", "Jalan rusak", ""), "missing_ticket No"),
        (("", "", "Jalan rusak", "05/11/2026"), "missing_ticket No"),
        (("Catatan: nomor 003 dirahasiakan, pelapor Tono Fiksi", "", "", ""), "secrecy_line"),
        (("Catatan: 3 laporan atas nama Ratna Rekaan digabung", "", "", ""), "text_line"),
        (("* Pelapor Q-02 a.n. Ratna Rekaan HP 081234567890", "", "", ""), "text_line"),
        (("Sumber: loket 1 (petugas Joko)", "", "lihat hal. 2 berkas ini", ""), "text_line"),
        (("Ket: 2 dicabut", "kemarin", "Jalan", ""), "text_line"),
        (("3 laporan Ratna Rekaan digabung", "", "", ""), "text_line"),
        (("NB 3 laporan " + "a.n. Ratna Rekaan, " * 20, "", "", ""), "text_line"),
        (("Catatan 3 laporan", "", "", "06/11/2026"), "missing_date Masuk"),
        (("4/P/2026", "", "", ""), "missing_date Masuk"),
        (("REG 003/XI/2026 Dinsos", "", "", ""), "missing_date Masuk"),
        (("Aduan no. 12", "", "", ""), "missing_date Masuk"),
        (("Surat Kepala Desa Salo No. 5 Tahun 2026", "", "", ""), "missing_date Masuk"),
        (("*12 (susulan)", "", "", ""), "missing_date Masuk"),
        (("Info 12", "", "", ""), "missing_date Masuk"),
    ],
)
def test_a_line_of_text_or_of_a_summary_waits_as_what_it_is(row, expected):
    (found,) = results(source(), row)
    assert found.removesuffix(" kemarin") == f"2 {expected}"


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        (("", "", ""), []),
        (("", "", "uraian kedua"), []),
        (("Jalan", "", ""), ["3 duplicate_ticket No A-1"]),
        (("", "07/11/2026", ""), ["3 duplicate_ticket No A-1"]),
    ],
)
def test_a_row_that_continues_a_merged_one_is_no_second_row(more, expected):
    """Its ticket and date of receipt are merged with those above; the last column is not mapped."""
    header, first = (*HEADER, "Uraian"), ("A-1", "05/11/2026", "Lampu", "06/11/2026", "uraian")
    second = (CoveredCell("A-1"), CoveredCell("05/11/2026"), *more)
    validator = RowValidator(ParserInputs("x", source(), Directory((), ())), NOW)
    found = [row for _, row in validator.validate(header, [(2, first), (3, second)])]
    assert [f"{row.line} {row.reason} {row.column} {row.ticket}" for row in found[1:]] == expected
    copied = tuple(str(cell) for cell in second)
    again = RowValidator(ParserInputs("x", source(), Directory((), ())), NOW)
    found = [row for _, row in again.validate(header, [(2, first), (3, copied)])]
    assert [row.reason for row in found[1:]] == ["duplicate_ticket"]


@pytest.mark.parametrize(
    ("row", "above"),
    [
        (("", "", "depan pasar", "07/11/2026"), "A-1"),
        (("", "", "", "selesai"), "A-1"),
        (("", "", "depan pasar", ""), ""),
        (("", "06/11/2026", "Lampu", "07/11/2026"), ""),
        (("A-2", "", "Lampu", "07/11/2026"), ""),
        (("", CoveredCell("05/11/2026"), "", "07/11/2026"), "A-1"),
    ],
)
def test_a_row_without_number_and_receipt_may_be_the_rest_of_the_one_above(row, above):
    first = ("A-1", "05/11/2026", "Jalan", "")
    validator = RowValidator(ParserInputs("x", source(), Directory((), ())), NOW)
    found = [row for _, row in validator.validate(HEADER, [(2, first), (3, row)])]
    assert [row.continues for row in found if isinstance(row, RejectedRow)] == [above]


@pytest.mark.parametrize(
    ("row", "line", "above"),
    [
        (("", "", "", "", "Kesehatan"), 3, "missing_ticket A-1"),
        (("", "", "habis no. 5", "", "Kesehatan"), 3, "missing_ticket A-1"),
        (("", "", "", "", "Kepala Bidang"), 4, "text_line "),
        (("", "", "habis", "", ""), 3, "text_line "),
        (("", "", "", "", "3 lembar"), 3, "missing_ticket "),
        (("", "", "", "", "Mengetahui,"), 3, ""),
        (("", "", "", "", "Bulan November 2026"), 3, "text_line "),
        (("", "", "", "", "Jumlah"), 3, ""),
        (("", "", "2", "", "Dinas Sosial"), 3, "missing_ticket "),
        (("", "", "habis", "", CoveredCell("Dinas")), 3, "text_line "),
    ],
)
def test_a_unit_on_two_lines_makes_the_complaint_above_unsure(row, line, above):
    given = source(
        fields={"ticket": "No", "received": "Masuk", "category": "Bidang", "unit": "Unit"}
    )
    first = ("A-1", "05/11/2026", "Obat", "", "Dinas")
    validator = RowValidator(ParserInputs("x", given, Directory((), ())), NOW)
    found = [row for _, row in validator.validate((*HEADER, "Unit"), [(2, first), (line, row)])]
    rejected = (row for row in found if isinstance(row, RejectedRow))
    assert " ".join(f"{row.reason} {row.continues}" for row in rejected) == above


def test_a_unit_continues_a_row_of_several_physical_lines():
    given = source(fields={"ticket": "No", "received": "Masuk", "unit": "Bidang"})
    rows = [(2, ("A-1", "05/11/2026", "Dinas", "", "a\nb")), (4, ("", "", "Kesehatan", "", ""))]
    validator = RowValidator(ParserInputs("x", given, Directory((), ())), NOW)
    _, (_, found) = validator.validate((*HEADER, "Uraian"), rows)
    assert isinstance(found, RejectedRow)
    assert found.continues == "A-1"


def test_a_numbered_row_is_not_the_rest_of_the_one_above():
    first, row = ("1", "A-1", "05/11/2026", "", ""), ("2", "", "", "", "07/11/2026")
    validator = RowValidator(ParserInputs("x", source(), Directory((), ())), NOW)
    _, (_, found) = validator.validate(("Urut", *HEADER), [(2, first), (3, row)])
    assert isinstance(found, RejectedRow)
    assert (found.reason, found.continues) == ("missing_ticket", "")


def test_a_row_with_nothing_in_a_mapped_column_is_no_lost_row():
    validator = RowValidator(ParserInputs("x", source(), Directory((), ())), NOW)
    row = ("", "", "", "", "catatan 5", "06/11/2026", "petugas", "12")
    ((_, found),) = validator.validate((*HEADER, "a", "b", "c", "d"), [(2, row)])
    assert (found.reason, found.is_note, found.cells) == ("text_line", True, {})


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        (("", "Jalan, 2 titik", ""), "missing_date"),
        (("99/11/2026", "Jalan", "06/11/2026"), "bad_date"),
        (("05/12/2027", "Jalan", ""), "in_the_future"),
    ],
)
def test_a_remark_as_the_ticket_of_a_row_is_not_kept(more, reason):
    validator = RowValidator(ParserInputs("x", source(), Directory((), ())), NOW)
    row = ("Aduan 12 a.n. Ratna Rekaan", *more)
    ((_, found),) = validator.validate(HEADER, [(2, row)])
    assert isinstance(found, RejectedRow)
    assert (found.reason, found.is_note) == (reason, False)
    assert "Ratna" not in f"{found.ticket} {found.value} {found.cells}"
    assert found.key == row[0]  # the complaint is known to be unreadable


def test_a_remark_with_a_date_of_receipt_is_a_complaint():
    assert results(source(), ("Catatan: 3 laporan a.n. Ratna", GOOD, "", "")) == [
        "Catatan: 3 laporan a.n. Ratna 05-11-26 08:00:00"
    ]


def test_a_row_with_a_ticket_and_a_date_is_never_a_total():
    assert results(source(), ("12", GOOD, "3", "")) == ["12 05-11-26 08:00:00"]
    assert results(source(), ("Total", GOOD, "3", "")) == ["Total 05-11-26 08:00:00"]
    assert not has_only_totals(("", ""))


def test_a_column_with_date_cells_and_dates_as_text_is_named():
    validator = RowValidator(ParserInputs("x", source(), Directory((), ())), NOW)
    rows = (("1", GOOD, "", "06/11/2026 08:00"), ("2", "2026-11-05 08:00:00", "", ""))
    assert len(list(validator.validate(HEADER, enumerate(rows)))) == 2
    assert validator.reader.mixed_dates == {"Masuk"}


def test_a_short_day_and_a_year_of_two_digits_are_no_date_cell():
    validator = RowValidator(ParserInputs("x", source(), Directory((), ())), NOW)
    rows = (("1", "5-10-26", "", ""), ("2", "12 Nov 2026", "", ""))
    assert len(list(validator.validate(HEADER, enumerate(rows)))) == 2
    assert validator.reader.mixed_dates == frozenset()


@pytest.mark.parametrize(
    ("written", "made", "doubtful"),
    [
        # the 28th and 30th of October, the 9th to 13th of November in a spreadsheet in English
        (
            "28/10/2026 30/10/2026 2026-09-11 2026-10-11 2026-11-11 13/11/2026",
            "2026-11-13",
            [2, 3],
        ),
        ("2026-02-11 2026-03-11 2026-04-11", "2026-11-05", [0, 1, 2]),
        ("2026-10-30 2026-02-11 2026-03-11 2026-04-11", "2026-11-05", []),
        ("2026-11-02 2026-11-03 2026-11-04", "2026-11-05", []),
        ("13/11/2026 2026-11-02 2026-11-03 16/11/2026", "2026-11-17", []),
        ("13/11/2026 09/11/2026 2026-09-11 2026-10-11", "2026-11-17", []),
        ("13/11/2026 14/11/2026 2026-11-10 2026-11-11", "2026-11-17", []),
        ("2026-10-11", "2026-11-17", []),
        ("", "2026-11-17", []),
    ],
)
def test_day_and_month_swapped_by_a_spreadsheet_are_found_by_their_pattern(written, made, doubtful):
    texts = written.split()
    days = [parse_flexible(text, date_order([DAY_FIRST])).date() for text in texts]
    assert swapped(texts, days, date.fromisoformat(made)) == doubtful


@pytest.mark.parametrize(
    ("written", "doubtful"),
    [
        ("13/10 26/10 11/02 10/11 26/11", [2]),  # 2 November
        ("13/10 26/10 11/09 10/11 26/11", [2]),  # less than 90 days away
        ("26/10 11/02 11/03 11/04 10/11 26/11", [1, 2, 3]),
        ("2/10 13/10 26/10 11/02", [3]),
        ("20/10 24/10 26/10 11/02", [3]),
        ("26/11 10/11 11/02 26/10 13/10", [2]),  # the newest first
        ("5/1 7/2 10/3 4/5 2/6 9/7 1/8 3/9 1/10 2/11", []),  # a whole year
        ("2/11 9/11 10/11 20/11 1/10 2/10 5/10 20/10", []),  # a sheet for each month
        ("13/1 25/10 2/2 22/11 7/3 3/6 1/9 5/2", []),  # in no order
        ("13/10 26/10 25/9 10/11 26/11", []),  # has no other reading
        ("13/10 26/10 2/9 10/11 26/11", []),  # the other reading is in February
        ("26/10 11/02 10/11", []),  # too few rows
    ],
)
def test_day_and_month_swapped_by_a_clerk_are_found_by_the_order_of_the_rows(written, doubtful):
    texts = [f"{text}/2026" for text in written.split()]
    days = [parse_flexible(text, date_order([DAY_FIRST])).date() for text in texts]
    others = [exchanged(text, day, source()) for text, day in zip(texts, days, strict=True)]
    assert out_of_order(days, others, date(2026, 11, 30)) == doubtful


@pytest.mark.parametrize(
    ("text", "pattern", "other"),
    [
        ("11/02/2026 7.5", "*.csv", "2026-11-02"),
        ("11.02.26", "*.csv", "2026-11-02"),
        ("11/02/'26", "*.csv", "2026-11-02"),
        ("2026-02-11 08:00:00", "*.xlsx", "2026-11-02"),
        ("2026-02-11 08:00:00", "*.csv", None),  # a program wrote it
        ("11 Feb 2026", "*.csv", None),
        ("11/2/1026", "*.csv", None),  # is not the day as read
    ],
)
def test_only_a_date_in_numbers_has_another_reading(text, pattern, other):
    day = date(2026, 2, 11) if "1026" not in text else date(2026, 1, 6)
    found = exchanged(text, day, source(pattern=pattern))
    assert found == (date.fromisoformat(other) if other else None)


def test_a_text_file_written_with_the_year_first_has_no_swapped_days():
    rows = tuple((f"{n}", f"2026-0{n}-11 08:00:00", "", "") for n in (2, 3, 4))
    every = [0, 1, 2]
    for form, pattern, doubtful in (
        (DAY_FIRST, "*.csv", every),
        (YEAR_FIRST, "*.csv", []),
        (YEAR_FIRST, "*.xlsx", every),
    ):
        parser = RowParser(ParserInputs("x", source(form, pattern=pattern), Directory((), ())))
        records = [parser.record(parser.cells(HEADER, row), NOW) for row in rows]
        assert swapped_receipts(records, parser.source, date(2026, 11, 5)) == doubtful
