"""Categories and channels: known ones are shown, every other text is counted under 'lainnya'."""

import zlib

import pytest
from conftest import wita
from sqlalchemy import select
from support.pipeline import deliver, register

from db import questions
from db.models import MessageRow, QuestionRole
from tasks.deadlines import evaluate_and_notify
from tasks.evaluation.known_words import known_words, may_be_word
from tasks.ingest.answers import WrongAnswer, answer, meaning_of
from tasks.reports.builder import report_view
from tasks.reports.public_edition import public_edition

NAMED = "Budi 081234511111 k@mail.example"
FIRST, SECOND, THIRD = "2026-11-20 07:15", "2026-11-23 07:15", "2026-11-24 07:15"


@pytest.fixture
def database_url(sqlite_url):
    """Nothing here depends on the kind of database."""
    return sqlite_url


def entries(**counts: int) -> list[dict[str, str]]:
    """Return so many entries of each category; '_' in a name is a blank."""
    words = [name.replace("_", " ") for name, count in counts.items() for _ in range(count)]
    return [{"No Register": f"A-{n}", "Kategori": word} for n, word in enumerate(words)]


def asked(office) -> list[tuple[str, str, int]]:
    with office.transaction() as session:
        waiting = questions.open_questions(session)
        return [(each.question.role, each.question.value, each.waiting) for each in waiting]


def received(office, table: str, at: str, *, public: bool = False) -> dict[str, object]:
    with office.transaction() as session:
        view = report_view(session, office, "2026-11", wita(at))
    found = (public_edition(view) if public else view).table(table)
    return {view.names(found.of, row.key).text: row.cells[0] for row in found.rows}


def test_a_first_export_with_forty_categories_asks_about_the_rare_ones_only(office):
    common = {f"Kategori_{n}": 5 for n in range(35)}
    register(
        office, FIRST, *entries(**common, Budi_Santoso=1, Jalan_Desa=3, Air=2, Pasar=4, Sawah=1)
    )
    assert asked(office) == [
        ("category", "Pasar", 4),
        ("category", "Jalan Desa", 3),
        ("category", "Air", 2),
    ]
    shown = received(office, "by_category", "2026-11-20 08:00")
    assert shown.pop("lainnya") == 11
    assert set(shown.values()) == {5}
    assert len(shown) == 35


def test_a_rare_word_becomes_known_by_an_answer_or_by_more_complaints(office):
    register(office, FIRST, *entries(Jalan=98, Pasar=4, Budi_Santoso=2, Air=3))
    with office.transaction() as session:
        numbers = {q.value: q.id for q in questions.of_source(session, "register")}
        for value, text in (("Budi Santoso", "kosong"), ("Air", "benar")):
            question = questions.get(session, numbers[value])
            meaning = meaning_of(office.site, question, text)
            assert answer(session, office, question, meaning, "test", wita(SECOND)).complaints == 0
        with pytest.raises(WrongAnswer, match="'Entah' is not a category of the site's files"):
            meaning_of(office.site, question, "Entah")
    assert asked(office) == [("category", "Pasar", 4)]
    assert received(office, "by_category", SECOND) == {"Jalan": 98, "lainnya": 6, "Air": 3}
    register(office, THIRD, *entries(Jalan=98, Pasar=6, Budi_Santoso=7, Air=3))
    assert asked(office) == []
    later = {"Jalan": 98, "lainnya": 7, "Pasar": 6, "Air": 3}
    assert received(office, "by_category", "2026-11-24 08:00") == later
    # a report made again shows the words that were known then
    assert received(office, "by_category", SECOND) == {"Jalan": 98, "lainnya": 6, "Air": 3}


def test_a_small_source_asks_nothing_and_a_text_is_never_a_word(office):
    register(
        office,
        FIRST,
        *entries(Jalan=5, Air=2),
        *({"No Register": f"B-{n}", "Kategori": NAMED, "Kanal": NAMED} for n in range(9)),
    )
    assert asked(office) == []
    assert received(office, "by_category", "2026-11-20 08:00") == {"lainnya": 11, "Jalan": 5}
    assert received(office, "by_channel", "2026-11-20 08:00") == {"lainnya": 9, "Tatap Muka": 7}
    assert not any(map(may_be_word, (NAMED, "x" * 81, "[NIK]", "62812", "a\x1b[31m", "")))


def test_nothing_that_leaves_shows_the_category_of_a_secret_report(office):
    one = {"Kategori": "Budi Rahasiawan", "Kanal": "Budi Kanal", "Kerahasiaan": "Rahasia"}
    register(office, FIRST, one)
    evaluate_and_notify(office, wita("2026-11-20 08:00"), "run")
    deliver(office, "2026-11-20 08:00")
    with office.transaction() as session:
        mails = [zlib.decompress(mime) for mime in session.scalars(select(MessageRow.mime)) if mime]
        view = report_view(session, office, "2026-11", wita("2026-11-24 08:00"))
    assert mails
    out = [*map(bytes.decode, mails)]
    assert not any("Budi" in text for text in (*out, str(view.tables)))
    assert any("lainnya" in text for text in out)


def test_words_of_the_sites_files_are_known_without_a_complaint(office):
    office.site.sources["register"].constants["channel"] = "Loket"
    with office.transaction() as session:
        known = known_words(session, office.site, wita(FIRST))
    shown = [known.shown(QuestionRole.CHANNEL, each) for each in ("loket", "Budi", "", None)]
    assert shown == ["Loket", "lainnya", "", ""]
