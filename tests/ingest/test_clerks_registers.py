"""Twenty registers as clerks keep them: a mapping is learnt with which every row is imported."""

from __future__ import annotations

import re
import tomllib
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from settings.site import EXAMPLE
from settings.sources import FolderSource
from sla.directory import Directory, Unit
from tasks.ingest.inference.proposal import Learned, learn
from tasks.ingest.inference.unlearnable import UnlearnableFile
from tasks.ingest.row_parser import ParserInputs
from tasks.ingest.row_validator import RejectedRow, RowValidator
from tasks.sources.files.reader import read_sheet
from tests.support.registers import registers

NOW = datetime(2026, 11, 30, tzinfo=UTC)
EXPORT = EXAMPLE / "inbox" / "lapor" / "Laporan_Ringkas_2026-11-24_0700.xlsx"
WIB = ZoneInfo("Asia/Jakarta")
ALL = {register.name: register for register in registers()}


@pytest.fixture(scope="module")
def learned_of(tmp_path_factory):
    """Learn a register once for all tests; gives its file and what was learned."""
    folder = tmp_path_factory.mktemp("registers")

    @cache
    def of(name: str) -> tuple[Path, Learned]:
        path = ALL[name].write(folder)
        return path, learn(path, "register", None)

    return of


LEARNABLE = [name for name, each in ALL.items() if not each.refused]

ENGLISH = re.compile(r"\b(the|of|is|are|row|not|its|look|with|no|a|by|times?|read|unknown)\b")


@pytest.mark.parametrize("name", [*LEARNABLE, "lapor"])
def test_the_comments_of_a_proposal_are_in_the_language_of_the_site(learned_of, name):
    learned = learn(EXPORT, None, None) if name == "lapor" else learned_of(name)[1]
    text = learned.text_in("id")
    assert tomllib.loads(text) == tomllib.loads(learned.text)
    comments = [re.sub(r'"[^"]*"|`[^`]*`', "", line) for line in text.splitlines() if "#" in line]
    assert [line for line in comments if ENGLISH.search(line.partition("#")[2])] == []


@pytest.mark.parametrize("name", LEARNABLE)
def test_every_row_is_imported_with_the_proposal(learned_of, name):
    register = ALL[name]
    path, learned = learned_of(name)
    assert set(learned.units) == register.units
    source = FolderSource.model_validate(tomllib.loads(learned.text)["register"])
    units = [Unit(word, word, "opd", None) for word in register.units]
    sheet = read_sheet(path, source)
    validator = RowValidator(ParserInputs("register", source, Directory(units, ())), NOW)
    found = [each for row in sheet.rows for _, each in validator.validate(sheet.header, [row])]
    rejected = [each for each in found if isinstance(each, RejectedRow)]
    assert [each for each in rejected if not each.is_note] == []  # a signature is only a note
    found = [each for each in found if not isinstance(each, RejectedRow)]
    assert {each.ticket: each.received.astimezone(WIB).replace(tzinfo=None) for each in found} == (
        register.expected
    )
    assert len(found) == len(register.expected)
    assert all(each.classification for each in found)  # else no rule would apply
    assert [cell for each in found for cell in each.unmapped] == []


@pytest.mark.parametrize("name", [name for name, each in ALL.items() if each.refused])
def test_a_register_that_cannot_be_read_is_refused_in_the_words_of_a_clerk(tmp_path, name):
    with pytest.raises(UnlearnableFile) as refused:
        learn(ALL[name].write(tmp_path), "register", None)
    assert ALL[name].refused in refused.value.text("id")
    assert str(refused.value) == refused.value.text("en")


@pytest.mark.parametrize(
    ("name", "steps"),
    [
        ("01-book-with-titles", []),  # the end is only in the remarks: the status decides
        ("07-date-and-hour-apart", ["Tgl assigned", "Tgl Selesai settled"]),
        ("13-short-months", ["Tgl Penerusan assigned", "Tgl Penyelesaian settled"]),
        ("18-inspectorate", []),
        ("19-unicode-text", ["Tgl. Diserahkan ke SKPD assigned", "Tgl. Jawaban SKPD responded"]),
    ],
)
def test_the_columns_with_the_times_of_steps_are_found(learned_of, name, steps):
    _, learned = learned_of(name)
    source = FolderSource.model_validate(tomllib.loads(learned.text)["register"])
    assert [f"{event.column} {event.kind}" for event in source.events] == steps
    assert source.layout == ("history" if steps else "snapshot")


@pytest.mark.parametrize(
    ("name", "doubts"),
    [
        ("01-book-with-titles", ["row_numbers", "no_privacy", "status_decides"]),
        (
            "06-dates-without-hour",
            ["no_privacy", "only_complaints"],
        ),  # 13-11-2026 has only one reading
        ("04-dash-for-nothing", ["day_first", "no_privacy", "only_complaints"]),
        ("18-inspectorate", ["no_privacy", "unclear_dates"]),
    ],
)
def test_what_a_person_should_check_is_said(learned_of, name, doubts):
    _, learned = learned_of(name)
    assert [each.key for each in learned.doubts] == doubts
    assert all(each.text("id") != each.text("en") for each in learned.doubts)


def test_an_unknown_status_is_left_to_a_question(tmp_path):
    path = tmp_path / "a.csv"
    rows = "A-1,5/11/2026,Selesai\nA-2,13/11/2026,Beres Total\nA-3,14/11/2026,Proses\n"
    path.write_text(f"No Aduan,Tanggal,Status\n{rows}", encoding="utf-8")
    learned = learn(path, "register", None)
    source = FolderSource.model_validate(tomllib.loads(learned.text)["register"])
    assert {word.word for word in source.status} == {"Selesai", "Proses"}
    assert '# word = "Beres Total"' in learned.text.splitlines()
