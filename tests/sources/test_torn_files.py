"""Text files as clerks and portals make them: which rows are read, and which lines wait why.

Every CSV file has the same six columns. `Nama` is not mapped: nothing of it may be kept.
"""

import json
from pathlib import Path

import pytest
from conftest import WITA, wita

from db.quarantine import ticket_hash
from settings.sources import ExchangeSource, FolderSource
from sla.directory import Directory, Unit
from tasks.ingest.records import ComplaintRecord
from tasks.ingest.row_parser import ParserInputs
from tasks.ingest.row_validator import RejectedRow, RowValidator
from tasks.sources.base import UnreadableFile, WrongMapping
from tasks.sources.files.reader import read_sheet

MAPPING = {
    "folder": ".",
    "layout": "history",
    "zone": "Asia/Makassar",
    "header": "No",
    "dates": ["%d/%m/%Y", "%d/%m/%Y %H:%M"],
    "fields": {"ticket": "No", "received": "Masuk", "title": "Perihal", "unit": "Unit"},
    "events": [{"column": "Selesai", "kind": "settled"}],
}
HEAD = "No;Masuk;Perihal;Unit;Selesai;Nama"
NAME = "Rekawati Contohnia"
DIRECTORY = Directory([Unit("dinsos", "Dinas Sosial", "unit", None)], [])


def validated(path: Path, **more: object) -> list[tuple[int, ComplaintRecord | RejectedRow]]:
    source = FolderSource.model_validate(MAPPING | more)
    sheet = read_sheet(path, source)
    validator = RowValidator(ParserInputs("desk", source, DIRECTORY), wita("2026-11-24 08:00"))
    return list(validator.validate(sheet.header, sheet.rows))


def outcome(path: Path, **more: object) -> tuple[list[str], list[str]]:
    """The tickets that are read, and the rejected rows as line and reason."""
    good, bad = [], []
    for line, found in validated(path, **more):
        if isinstance(found, RejectedRow):
            kept = (found.value, found.ticket, found.cells)
            assert NAME not in repr(kept)
            bad.append(f"{line} {found.reason}")
        else:
            assert found.title is None or NAME not in found.title
            good.append(found.ticket)
    return good, bad


def row(ticket: object, title: str = "Jalan rusak", settled: str = "") -> str:
    return f"{ticket};02/11/2026;{title};Dinas Sosial;{settled};{NAME}"


def file(folder: Path, *lines: str, head: str = HEAD, end: str = "\n") -> Path:
    path = folder / "a.csv"
    path.write_text("\n".join((head, *lines)) + end, encoding="utf-8")
    return path


OPENED, CLOSED = '"Jalan rusak', 'Lampu mati"'


@pytest.mark.parametrize(
    ("lines", "good", "bad"),
    [
        pytest.param(
            [row(1), row(2, OPENED), row(3), row(4), row(5, CLOSED), row(6)],
            ["1", "3", "4", "5", "6"],
            ["3 torn_row"],
            id="closed-rows-later",
        ),
        pytest.param(
            [row(1), row(2, OPENED), row(3), row(4)], ["1", "3", "4"], ["3 torn_row"], id="unclosed"
        ),
        pytest.param([row(1), row(2, OPENED)], ["1"], ["3 torn_row"], id="unclosed-in-last-row"),
        pytest.param(
            [row('="1"'), row("'2", OPENED), row('="3"')],
            ["1", "3"],
            ["3 torn_row"],
            id="tickets-marked-as-text",
        ),
        pytest.param(
            [row(1, OPENED), row(2, OPENED), row(3)],
            ["3"],
            ["2 torn_row", "3 torn_row"],
            id="two-rows-with-one-mark-each",
        ),
        pytest.param(
            [row(1, OPENED), "dan berlubang", row(2)], ["2"], ["2 torn_row"], id="with-a-fragment"
        ),
        pytest.param(
            [f'1;02/11/2026;"Jalan;Dinas Sosial;;"{NAME}', 'Contohnia"', row(2)],
            ["2"],
            ["2 short_row", "3 short_row"],
            id="before-a-real-break",
        ),
        pytest.param(
            [row(1, '"Jalan rusak\ndi depan; pasar"'), row(2)], ["1", "2"], [], id="a-real-break"
        ),
        pytest.param(
            [row(1, '"Jalan\n\n02/11/2026; rusak"'), row(2)], ["1", "2"], [], id="a-date-in-a-title"
        ),
        pytest.param([row(1, 'Jalan "rusak"'), row(2)], ["1", "2"], [], id="a-mark-within"),
        pytest.param(
            ["1;02/11/2026;Jalan rusak", f"di Salo;Dinas Sosial;;{NAME}", row(2)],
            ["2"],
            ["2 short_row", "3 short_row"],
            id="a-line-break-without-marks",
        ),
        pytest.param(
            # the rest of the row looks like a row: 'Sosial' as ticket, a date of a step as receipt
            ["1;02/11/2026;Jalan rusak;Dinas", f"Sosial;05/11/2026;{NAME}", row(2)],
            ["2"],
            ["2 short_row", "3 short_row"],
            id="a-line-break-before-a-date",
        ),
        pytest.param(
            [row(1, "Jalan; rusak"), row(2)], ["2"], ["2 long_row"], id="a-delimiter-in-a-title"
        ),
        pytest.param(
            [f"1;02/11/2026;Jalan; rusak;Dinas Sosial;{NAME}", row(2)],
            ["2"],
            ["2 torn_row"],
            id="a-delimiter-in-a-title-and-one-field-fewer",
        ),
        pytest.param(
            [f"1;02/11/2026;Jalan;05/11/2026;{NAME};", row(2)],
            ["2"],
            ["2 torn_row"],
            id="a-field-lost",
        ),
        pytest.param(
            [f"1;02/11/2026;Jalan;Dinas Sosial;{NAME};", row(2)],
            ["2"],
            ["2 torn_row"],
            id="a-name-in-a-column-with-dates",
        ),
    ],
)
def test_torn_rows_wait_by_their_line_and_the_rest_is_read(tmp_path, lines, good, bad):
    assert outcome(file(tmp_path, *lines)) == (good, bad)


def test_a_torn_row_does_not_take_over_the_dates_of_another(tmp_path):
    path = file(tmp_path, row(1, OPENED), row(2, settled="05/11/2026"), row(3, CLOSED))
    records = [found for _, found in validated(path) if isinstance(found, ComplaintRecord)]
    assert [(each.ticket, len(each.steps)) for each in records] == [("2", 1), ("3", 0)]


def test_a_torn_row_is_known_by_the_hash_of_its_ticket_and_keeps_no_cell(tmp_path):
    (_, torn), (_, other), *_ = validated(file(tmp_path, row(1, OPENED), row(2), row(1)))
    assert isinstance(torn, RejectedRow)
    assert (torn.ticket, torn.value, torn.cells, bool(torn.ticket_hash)) == ("", "", {}, True)
    assert NAME not in repr(torn)
    assert isinstance(other, ComplaintRecord)


@pytest.mark.parametrize(
    ("head", "lines", "good", "bad"),
    [
        pytest.param(HEAD, [row(1) + ";", row(2) + ";;;"], ["1", "2"], [], id="rows-longer"),
        pytest.param(HEAD, [row(1) + ";x"], [], ["2 long_row"], id="not-empty"),
        pytest.param(
            HEAD,
            [row(1, settled="03/11/2026") + ";", row(2, settled="03/11/2026"), row(3)],
            ["2", "3"],
            ["2 long_row"],
            id="one-row-longer-with-a-date-that-may-be-moved",
        ),
        pytest.param(
            HEAD,
            [row(1, settled="03/11/2026") + ";", row(2, settled="03/11/2026") + ";"],
            ["1", "2"],
            [],
            id="every-row-longer",
        ),
        pytest.param(HEAD + ";", [row(1), row(2) + ";"], ["1", "2"], [], id="header-longer"),
        pytest.param(HEAD + ";;", [row(1), row(2)], ["1", "2"], [], id="header-longer-by-two"),
        pytest.param(
            HEAD, ["1;02/11/2026;Jalan;;", row(2)], ["1", "2"], [], id="one-delimiter-fewer"
        ),
        pytest.param(
            HEAD,
            ["1;02/11/2026;Jalan", "2;02/11/2026;Jalan;Dinas Sosial", row(3)],
            ["1", "2", "3"],
            [],
            id="empty-cells-left-out-in-the-whole-file",
        ),
        pytest.param(
            HEAD,
            ["1;02/11/2026;Jalan", "2;02/11/2026;Jalan;;;"],
            ["2"],
            ["2 short_row"],
            id="empty-cells-left-out-in-one-row",
        ),
    ],
)
def test_empty_cells_more_or_less_at_the_end_change_nothing(tmp_path, head, lines, good, bad):
    assert outcome(file(tmp_path, *lines, head=head)) == (good, bad)


@pytest.mark.parametrize(
    "head",
    [
        pytest.param(HEAD.replace("Unit", '"Unit'), id="in-the-middle"),
        pytest.param(f'"{HEAD}', id="at-the-beginning"),
        pytest.param(HEAD.replace("Nama", '"Nama'), id="at-the-end"),
        pytest.param('"No";"Masuk;"Perihal";"Unit";"Selesai";"Nama"', id="one-of-many"),
        pytest.param(f'"REGISTER PENGADUAN;;;;;\n{HEAD}', id="above-the-header"),
        pytest.param('No;Masuk;Perihal;"Unit;Tgl;\n;;;;Selesai;Nama', id="in-two-lines"),
    ],
)
def test_an_open_quotation_mark_in_the_header_tears_no_row(tmp_path, head):
    below = head.count("\n") + 3
    lines = [row(1), row(2, OPENED), row(3, '"Jalan\nrusak"')]
    assert outcome(file(tmp_path, *lines, head=head)) == (["1", "3"], [f"{below} torn_row"])


def test_a_title_with_a_line_break_is_one_title(tmp_path):
    head = HEAD.replace("Perihal", '"Perihal\nAduan"')
    mapped = MAPPING["fields"] | {"title": "Perihal Aduan"}
    assert outcome(file(tmp_path, row(1), head=head), fields=mapped) == (["1"], [])


OTHER_ORDER = "No;Nama;Selesai;Masuk;Unit;Perihal"
BLANKS = (" ; ; ; ; ; ", "\u00a0;;;;;", "-;-;-;-;-;-", "----------", "======", "\t")


@pytest.mark.parametrize(
    ("lines", "good", "bad"),
    [
        pytest.param([row(1), *BLANKS * 50, row(2), *BLANKS], ["1", "2"], [], id="blank-rows"),
        pytest.param(["1;2;3;4;5;6", row(1)], ["1"], [], id="numbers-of-the-columns"),
        pytest.param(["(1);(2);(3);(4);(5);(6)", row(1)], ["1"], [], id="numbers-in-brackets"),
        pytest.param(["1;3;2;4;5;6", row(1)], ["1"], ["2 bad_date"], id="other-numbers"),
        pytest.param([row(1), HEAD, row(2)], ["1", "2"], [], id="header-repeated"),
        pytest.param([row(1), f"\ufeff{HEAD}", row(2)], ["1", "2"], [], id="two-files-with-mark"),
        pytest.param([row(1), HEAD.upper(), row(2)], ["1", "2"], [], id="other-letter-case"),
        pytest.param(
            [row(1), OTHER_ORDER, f"2;{NAME};05/11/2026;02/11/2026;Dinas Sosial;Jalan"],
            ["1", "2"],
            [],
            id="header-in-another-order",
        ),
    ],
)
def test_rows_without_data_and_repeated_headers_do_no_harm(tmp_path, lines, good, bad):
    assert outcome(file(tmp_path, *lines)) == (good, bad)


def test_rows_below_a_header_in_another_order_keep_their_columns(tmp_path):
    moved = f"2;{NAME};05/11/2026;02/11/2026;Dinas Sosial;Lampu"
    _, (_, found) = validated(file(tmp_path, row(1), OTHER_ORDER, moved))
    assert isinstance(found, ComplaintRecord)
    assert (found.unit, found.title, len(found.steps)) == ("dinsos", "Lampu", 1)


def test_a_later_header_without_a_mapped_column_is_refused_by_name(tmp_path):
    path = file(tmp_path, row(1), HEAD.replace("Selesai", "Akhir"), row(2))
    with pytest.raises(WrongMapping, match="no column 'Selesai'"):
        outcome(path)


LETTERS = "No Surat;Tgl Terima;Asal;Selesai;Perihal;Nama"
LETTER = f"S-1;02/11/2026;Kantor pos;05/11/2026;Surat;{NAME}"


@pytest.mark.parametrize(
    ("lines", "good", "bad"),
    [
        pytest.param([LETTERS, LETTER, LETTER], ["1"], ["4 other_table", "5 other_table"], id="a"),
        pytest.param([LETTERS, "S-1;x;y;z;;", HEAD, row(2)], ["1", "2"], ["4 other_table"], id="b"),
        pytest.param(
            [LETTERS, "Jumlah;2;;;;", ";;Salo, 3 November 2026;;;"], ["1"], [], id="no-complaint"
        ),
        pytest.param(["No;Masukk;Perihall;Unitt;Selesay;", row(2)], ["1", "2"], ["3"], id="typing"),
        pytest.param(["menyusul;belum;ada tanggal;;;", row(2)], ["1", "2"], ["3"], id="words"),
        pytest.param(
            ["Unit;Jumlah;Tgl;;;", "Dinas Sosial;3;2;;;"], ["1"], ["4 text_line"], id="recap"
        ),
    ],
)
def test_rows_below_the_header_of_another_table_wait(tmp_path, lines, good, bad):
    found, rejected = outcome(file(tmp_path, row(1), *lines))
    assert (found, [each[: len(text)] for each, text in zip(rejected, bad, strict=True)]) == (
        good,
        bad,
    )


def test_a_file_that_ends_within_a_row_leaves_that_row_waiting(tmp_path):
    path = file(tmp_path, row(1), "2;02/11/2026;Jalan;Dinas", end="")
    assert outcome(path) == (["1"], ["3 short_row"])


@pytest.mark.parametrize(("line", "ticket"), [("2;02/11/2026;Jalan;Din", "2"), ("2;02/11", "")])
def test_a_row_cut_after_its_date_is_known_by_the_hash_of_its_ticket(tmp_path, line, ticket):
    """So a later export that shows the ticket resolves the row."""
    *_, (_, cut) = validated(file(tmp_path, row(1), line, end=""))
    assert isinstance(cut, RejectedRow)
    assert cut.ticket_hash == ticket_hash(ticket)
    assert (cut.ticket, cut.cells) == ("", {})


# --- signs for 'nothing' --------------------------------------------------------------------------

SIGNS = ["-", "–", "--", ".", "n/a", "N/A", "null", "0", "00/00/0000", "0000-00-00", "belum", " "]


@pytest.mark.parametrize(
    "sign",
    [
        *SIGNS,
        "00/00/0000 00:00",
        "Belum ada",
        "'-",
        "(null)",
        "NaT",
        "blm",
        "belum ditindaklanjuti",
        "00/01/1900 00:00",
        "30/12/1899",
        "1899-12-30 00:00:00",
        "01/01/0001",
        "01-01-0001 00:00:00",
        "0001-01-01 00:00:00",
    ],
)
def test_a_sign_for_nothing_in_a_column_with_dates_is_an_empty_cell(tmp_path, sign):
    ((_, found),) = validated(file(tmp_path, row(1, settled=sign)))
    assert isinstance(found, ComplaintRecord)
    assert (found.steps, found.unmapped) == ((), ())


@pytest.mark.parametrize("cell", ["belum 05/11/2026", "01/01/1900"])
def test_other_cells_in_a_column_with_dates_are_a_question(tmp_path, cell):
    ((_, found),) = validated(file(tmp_path, row(1, settled=cell)))
    assert isinstance(found, ComplaintRecord)
    assert [each.value for each in found.unmapped] == [cell]


@pytest.mark.parametrize(
    ("cells", "settled"),
    [
        ("\ufeff1;02/11/2026\u200b;x;Dinas\u00a0Sosial\u200e;\u202a05/11/2026\u202c;", "05"),
        ("'1;'02/11/2026;x;'Dinas Sosial;'05/11/2026;", "05"),
    ],
)
def test_signs_that_nobody_sees_and_marks_of_text_change_no_cell(tmp_path, cells, settled):
    ((_, found),) = validated(file(tmp_path, cells))
    assert isinstance(found, ComplaintRecord)
    assert (found.ticket, found.unit, found.unmapped) == ("1", "dinsos", ())
    assert [f"{step.moment.astimezone(WITA):%d}" for step in found.steps] == [settled]


@pytest.mark.parametrize("sign", ["-", "–", "n/a", "NULL", "."])
def test_a_sign_for_nothing_in_a_column_with_units_is_an_empty_cell(tmp_path, sign):
    ((_, found),) = validated(file(tmp_path, f"1;02/11/2026;{sign};{sign};;{NAME}"))
    assert isinstance(found, ComplaintRecord)
    assert (found.unit, found.title) == (None, sign)  # a title is free text


@pytest.mark.parametrize(
    ("line", "bad"),
    [
        ("-;02/11/2026;Jalan;;;", "2 missing_ticket"),
        ("1;-;Jalan;;;", "2 missing_date"),
        ("1;00/00/0000;Jalan;;;", "2 missing_date"),
    ],
)
def test_a_sign_for_nothing_is_no_ticket_and_no_date_of_receipt(tmp_path, line, bad):
    assert outcome(file(tmp_path, line)) == ([], [bad])


def test_the_words_for_nothing_are_those_of_the_source(tmp_path):
    path = file(tmp_path, row(1, settled="nanti"), row(2, settled="belum"), row(3, settled="-"))
    found = [record for _, record in validated(path, empty=["Nanti"])]
    assert [[cell.value for cell in record.unmapped] for record in found] == [[], ["belum"], []]


def test_a_word_of_the_mapping_is_never_a_sign_for_nothing(tmp_path):
    given = {"values": {"unit": {"Kosong": "dinsos"}}}
    ((_, found),) = validated(file(tmp_path, "1;02/11/2026;Jalan;Kosong;;"), **given)
    assert isinstance(found, ComplaintRecord)
    assert found.unit == "dinsos"


def test_midnight_in_a_column_of_its_own_is_a_time(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("No;Hari;Jam;Selesai\n1;02/11/2026;00:00;\n2;-;-;\n", encoding="utf-8")
    fields = {"ticket": "No", "received": ["Hari", "Jam"]}
    assert outcome(path, fields=fields) == (["1"], ["3 missing_date"])


# --- encodings ------------------------------------------------------------------------------------

CAFE = row(1, "Café di Salo")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig", "utf-8", "cp1252"])
@pytest.mark.parametrize("first", ["", "sep=;\n"])
def test_every_usual_encoding_is_read_with_and_without_its_delimiter_stated(
    tmp_path, encoding, first
):
    path = tmp_path / "a.csv"
    path.write_bytes(f"{first}{HEAD}\r\n{CAFE}\r\n".encode(encoding))
    ((line, found),) = validated(path)
    assert isinstance(found, ComplaintRecord)
    assert (line, found.title) == (3 if first else 2, "Café di Salo")


def test_utf_16_with_the_other_byte_order_is_read(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(b"\xfe\xff" + f"{HEAD}\n{CAFE}\n".encode("utf-16-be"))
    assert outcome(path) == (["1"], [])


def test_the_first_line_states_the_delimiter(tmp_path):
    path = tmp_path / "a.csv"
    lines = ("sep=|", HEAD.replace(";", "|"), row(1, "Jalan; rusak, lagi").replace(";", "|", 2))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    path.write_text(path.read_text().replace(";Dinas Sosial;;", "|Dinas Sosial||"))
    ((_, found),) = validated(path)
    assert isinstance(found, ComplaintRecord)
    assert found.title == "Jalan; rusak, lagi"


@pytest.mark.parametrize("bad", [b"\xff", b"\xc3", b"\xe2\x82"])
def test_one_bad_byte_costs_one_row_and_not_the_letters_of_the_others(tmp_path, bad):
    lines = [CAFE.encode(), row(2).encode().replace(b"rusak", bad), row(3, "Señor").encode()]
    path = tmp_path / "a.csv"
    path.write_bytes(b"\n".join([HEAD.encode(), *lines, b""]))
    found = validated(path)
    assert outcome(path) == (["1", "3"], ["3 undecodable"])
    assert [each.title for _, each in found if isinstance(each, ComplaintRecord)] == [
        "Café di Salo",
        "Señor",
    ]


# --- columns that occur twice ---------------------------------------------------------------------


def test_a_mapped_column_that_occurs_twice_is_refused_by_its_name(tmp_path):
    path = file(tmp_path, f"{row(1)};05/11/2026", head=f"{HEAD};Selesai")
    with pytest.raises(UnreadableFile) as error:
        outcome(path)
    assert str(error.value) == (
        "a.csv, line 1: the column 'Selesai' occurs 2 times. Rename or remove all but one of them"
        " in the file or in the system that makes it"
    )


@pytest.mark.parametrize(
    ("head", "why"),
    [(HEAD.replace("Selesai", "Tuntas"), "no column 'Selesai'"), (f"{HEAD};Selesai", "2 times")],
)
def test_a_wrong_column_is_named_whatever_the_delimiter(tmp_path, head, why):
    path = file(tmp_path, row(1).replace(";", "\t"), head=head.replace(";", "\t"))
    with pytest.raises(UnreadableFile, match=why):
        outcome(path)


def test_a_column_that_is_not_mapped_may_occur_twice(tmp_path):
    assert outcome(file(tmp_path, f"{row(1)};x", head=f"{HEAD};Nama")) == (["1"], [])


# --- JSON Lines -----------------------------------------------------------------------------------

LINE = {"ticket": "X-1", "source": "lapor", "received": "2026-11-02T08:00:00+08:00"}
EXCHANGE = ExchangeSource.model_validate(
    {"folder": ".", "layout": "exchange", "fields": {"title": "title"}}
)


def json_outcome(path: Path) -> list[str]:
    """The title of each complaint, or the reason why its line waits."""
    return [
        f"{line} {found.reason if isinstance(found, RejectedRow) else found.title}"
        for line, found in read_json(path)
    ]


def read_json(path: Path) -> list[tuple[int, ComplaintRecord | RejectedRow]]:
    sheet = read_sheet(path, EXCHANGE)
    validator = RowValidator(ParserInputs("kab", EXCHANGE, DIRECTORY), wita("2026-11-24 08:00"))
    return list(validator.validate(sheet.header, sheet.rows))


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (json.dumps(LINE | {"title": "\ud83d rusak"}), "1 \ufffd rusak"),
        (json.dumps(LINE | {"title": "\U0001f6a7 rusak"}), "1 \U0001f6a7 rusak"),
        ('["X-1"]', "1 no_object"),
        ('{"ticket": "X-1"', "1 no_object"),
        (json.dumps(LINE | {"other": float("nan")}), "1 no_object"),
        ("[" * 100_000, "1 no_object"),
        (json.dumps(LINE)[:-1] + ', "ticket": "X-2"}', "1 repeated_key"),
        (json.dumps(LINE)[:-1] + ', "events": [{"kind": "a", "kind": "b"}]}', "1 repeated_key"),
        (json.dumps(LINE | {"title": "a"})[:-1] + ', "other": 1, "other": 2}', "1 a"),
        (json.dumps(LINE | {"title": "x" * 5_000_000}), "1 long_line"),
    ],
    ids=[
        *("half-character", "emoji", "list", "cut", "nan", "deep"),
        *("key-twice", "key-twice-within", "other-key-twice", "long"),
    ],
)
def test_a_fault_in_a_line_costs_that_line(tmp_path, line, told):
    path = tmp_path / "a.jsonl"
    good = json.dumps(LINE | {"ticket": "X-9", "title": "biasa"})
    path.write_text(f"{line}\n{good}\n", encoding="utf-8")
    assert json_outcome(path) == [told, "2 biasa"]


def test_a_bad_byte_costs_its_line_of_json(tmp_path):
    path = tmp_path / "a.jsonl"
    lines = (json.dumps(LINE | {"ticket": n, "title": "é"}, ensure_ascii=False) for n in "12")
    first, second = (line.encode() for line in lines)
    path.write_bytes(first + b"\n" + second.replace(b"\xc3", b"") + b"\n")
    assert json_outcome(path) == ["1 é", "2 undecodable"]


def test_a_bad_byte_changes_no_key_of_json(tmp_path):
    """All other bytes are ASCII, so another encoding would fit the file."""
    path = tmp_path / "a.jsonl"
    line = json.dumps(LINE | {"title": "biasa"}).encode()
    path.write_bytes(line + b"\n" + line.replace(b"source", b"s\x94urce") + b"\n")
    assert json_outcome(path) == ["1 biasa", "2 undecodable"]


def test_a_broken_line_names_the_tickets_that_are_readable_in_it(tmp_path):
    path = tmp_path / "a.jsonl"
    one, other, last = (json.dumps(LINE | {"ticket": f"X-{n}"}) for n in (1, 2, 3))
    path.write_text(f"{one[:-2]}\n{one}{other}\n{last[:-5]}", encoding="utf-8")
    found = [bad for _, bad in read_json(path) if isinstance(bad, RejectedRow)]
    assert [(each.line, each.key) for each in found] == [
        (1, "lapor/X-1"),
        (2, "lapor/X-1"),
        (2, "lapor/X-2"),
        (3, "lapor/X-3"),
        (3, ""),  # the file is cut: what else it had is unknown
    ]
