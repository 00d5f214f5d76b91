"""The columns of the printed tables: as wide as their longest word, as Typst sets it."""

import io
import json
from dataclasses import replace

import pypdf
import pytest
import typst
from conftest import WITA
from support.synthetic_reports import view

from tasks.reports.formats.pdf.font_metrics import font_folder, width_em
from tasks.reports.formats.pdf.report import printed
from tasks.reports.formats.pdf.tables import (
    LEAST_NAME,
    PAGE_PT,
    SMALL,
    table_shown,
)
from tasks.reports.formats.pdf.typesetting import typeset
from tasks.reports.formats.sections import Section, Shown, sections
from tasks.reports.labels import Name

WORDS = (
    "dinilai",
    "1.129",
    "66,7%",
    "60–80 %",
    "dikembalikan",
    "AVATAR",
    "Wfi",
    "(7)",
    "Σ ≥ 0",
    "",
)


@pytest.mark.parametrize("bold", [False, True])
def test_a_word_is_as_wide_as_typst_sets_it_or_a_little_less(bold):
    fonts = typst.Fonts(
        include_system_fonts=False, include_embedded_fonts=False, font_paths=[font_folder()]
    )
    weight = "bold" if bold else "regular"
    program = f"""
        #set text(font: "DejaVu Sans", size: 100pt, weight: "{weight}")
        #let words = json(bytes(sys.inputs.words))
        #context [#metadata(words.map(word => measure(word).width.pt())) <widths>]
    """
    compiler = typst.Compiler(
        program.encode(),
        font_paths=fonts,
        ignore_system_fonts=True,
        sys_inputs={"words": json.dumps(WORDS)},
    )
    [widths] = json.loads(compiler.query("<widths>", field="value"))
    for word, width in zip(WORDS, widths, strict=True):
        own = 100 * width_em(word, bold=bold)
        assert width - 0.01 <= own <= width * 1.08, word


def narrow_tables(locale: str) -> list[Section]:
    """Return the tables in small letters of a report of 50 units."""
    report = view(locale, units=50, count=300)
    return [each for each in sections(report, WITA, 50) if table_shown(each)["small"]]


@pytest.mark.parametrize("locale", ["id", "en"])
def test_each_column_holds_its_longest_word_and_the_first_has_the_rest(locale):
    tables = narrow_tables(locale)
    assert len(tables) >= 5
    for section in tables:
        shown = table_shown(section)
        first, *others = shown["widths"]
        assert first + sum(others) == pytest.approx(100, abs=0.1)
        assert first >= LEAST_NAME
        for at, width in enumerate(others, start=1):
            room = width / 100 * PAGE_PT - SMALL.left - SMALL.right
            for row in shown["lines"]:
                text = row["cells"][at]
                words = (text if isinstance(text, str) else text["text"]).split()
                assert all(width_em(word) * SMALL.letters <= room for word in words), words
            head = shown["head"][at]
            if isinstance(head, str):
                assert all(width_em(word, bold=True) * SMALL.heads <= room for word in head.split())


def test_columns_of_long_words_leave_room_for_the_names():
    section = next(each for each in narrow_tables("id") if each.key == "by_unit")
    cells = tuple(Shown("pertanggungjawaban") for _ in section.columns)
    lines = tuple(replace(line, cells=cells) for line in section.lines)
    first, *others = table_shown(replace(section, lines=lines))["widths"]
    assert first == pytest.approx(LEAST_NAME, abs=0.1)
    assert len(others) == len(section.columns)
    assert max(others) < 1.2 * min(others)


def places_of_texts(pdf: bytes) -> list[tuple[int, str, float, float]]:
    """Return each text of a PDF with its page and its place on it, in points."""
    found = []
    for number, page in enumerate(pypdf.PdfReader(io.BytesIO(pdf)).pages):

        def note(text, _, place, *rest, number=number):
            if text.strip():
                found.append((number, text, place[4], place[5]))

        page.extract_text(visitor_text=note)
    return found


@pytest.mark.thorough
def test_the_heights_of_rows_are_those_that_typst_finds():
    report = view("id", units=12, count=60)
    told = json.loads(printed(report, WITA, {}))
    heights = [each for section in told["sections"] for each in section["heights"]]
    assert sum(each is not None for each in heights) > len(heights) / 3
    for section in told["sections"]:
        section["heights"] = [None] * len(section["heights"])
    found, known = (
        places_of_texts(typeset("report.typ", data, report.as_of))
        for data in (json.dumps(told), printed(report, WITA, {}))
    )
    assert len(found) == len(known) > 500
    for one, other in zip(found, known, strict=True):
        assert one[:2] == other[:2]
        assert one[2:] == pytest.approx(other[2:], abs=0.2), one


def test_the_height_of_a_row_with_signs_of_another_font_is_left_to_typst():
    section = next(each for each in narrow_tables("id") if each.key == "by_unit")
    names = [Name("Dinas"), Name("局")]
    lines = tuple(replace(section.lines[0], name=name) for name in names)
    plain, other = table_shown(replace(section, lines=lines))["heights"]
    assert plain is not None
    assert other is None
