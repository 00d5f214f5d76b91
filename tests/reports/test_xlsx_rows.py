"""Rows of plain cells in a workbook: the same file as with a call for each cell."""

import io
from datetime import date, datetime

import pytest
import xlsxwriter
from python_calamine import CalamineWorkbook
from xlsxwriter.worksheet import Worksheet

from tasks.reports.formats.xlsx_rows import LONGEST_CELL, RowSheet

ROWS = [
    ("5010001", "Dinas Sosial", 3, date(2026, 11, 24), None),
    (None, " spasi di tepi\n", 0.25, date(1900, 1, 1), -1),
    ('=1+1 & <b> "x"', "_x0041_ \x01 \r \x7f", 2**53, None, date(2031, 2, 28)),
    (),
    (None, None),
    ("\uffff\ufffe", "x" * LONGEST_CELL, "\U0001f600" * LONGEST_CELL, "", "\u3000"),
    *(("sama", "sama", number, date(2026, 1, 1), None) for number in range(30)),
]


def book_of(rows, sheet_class, write, head="Kepala"):
    """A workbook with a head and these rows; the second sheet has the same rows."""
    kept = io.BytesIO()
    with xlsxwriter.Workbook(kept, {"constant_memory": True}) as book:
        book.set_properties({"created": datetime(2026, 11, 24)})
        bold, day = book.add_format({"bold": True}), book.add_format({"num_format": "d mmm yyyy"})
        for name in ("satu", "dua"):
            sheet = book.add_worksheet(name, sheet_class)
            sheet.write_string(0, 1, head, bold)
            sheet.set_row(0, 30)
            for number, row in enumerate(rows, 1):
                write(sheet, number, row, day)
            sheet.write_formula(len(rows) + 1, 0, '=COUNTIFS($A$2:$A$9,"sama")', day, 7)
            sheet.autofilter(0, 0, len(rows), 4)
    return kept.getvalue()


def cell_by_cell(sheet, number, row, day):
    for place, value in enumerate(row):
        if isinstance(value, str):
            sheet.write_string(number, place, value)
        elif isinstance(value, date):
            sheet.write_datetime(number, place, value, day)
        elif value is not None:
            sheet.write_number(number, place, value)


@pytest.mark.parametrize("rows", [ROWS, [], [(1,)], [()]])
def test_a_row_at_once_gives_the_same_file_as_cell_by_cell(rows):
    plain = book_of(rows, Worksheet, cell_by_cell)
    assert book_of(rows, RowSheet, RowSheet.write_plain_row) == plain
    assert book_of(rows, RowSheet, cell_by_cell) == plain


@pytest.mark.parametrize("text", ["<r>&</r>", "<r><t>x</t></r>"])
@pytest.mark.parametrize("write", [RowSheet.write_plain_row, cell_by_cell])
def test_a_text_that_looks_like_xml_is_shown_as_it_is(text, write):
    made = io.BytesIO(book_of([(text,)], RowSheet, write))
    assert CalamineWorkbook.from_filelike(made).get_sheet_by_index(0).to_python()[1][0] == text


def test_no_text_in_a_formula_is_taken_for_a_function():
    kept = io.BytesIO()
    with xlsxwriter.Workbook(kept, {"constant_memory": True}) as book:
        sheet = book.add_worksheet("satu", RowSheet)
        formula = '=COUNTIFS($A$1:$A$9,"Unit DROP(1)")'
        assert sheet._prepare_formula(formula) == formula[1:]
        assert sheet._prepare_formula(f"{{{formula}}}") == formula[1:]


@pytest.mark.parametrize("number", [0, 1, 1_048_576])
def test_a_row_must_be_below_all_rows_written(number):
    with xlsxwriter.Workbook(io.BytesIO(), {"constant_memory": True}) as book:
        sheet = book.add_worksheet("satu", RowSheet)
        sheet.write_plain_row(1, ("a",))
        with pytest.raises(ValueError, match=f"row {number} is outside"):
            sheet.write_plain_row(number, ("b",))
