"""Categories and channels: known ones are shown, every other text is counted under 'lainnya'."""

import zlib

import pytest
from conftest import wita
from sqlalchemy import select
from support.pipeline import PERBUP, deliver, register

from db import questions
from db.models import DeadlineRow, MessageRow, QuestionRole
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


def asked(context) -> list[tuple[str, str, int]]:
    with context.transaction() as session:
        waiting = questions.open_questions(session)
        return [(each.question.role, each.question.value, each.waiting) for each in waiting]


def received(context, table: str, at: str, *, public: bool = False) -> dict[str, object]:
    with context.transaction() as session:
        view = report_view(session, context, "2026-11", wita(at))
    found = (public_edition(view) if public else view).table(table)
    return {view.names(found.of, row.key).text: row.cells[0] for row in found.rows}


@pytest.mark.parametrize("kind", ["Anonim", "Rahasia"])
def test_a_rare_word_that_only_hidden_reports_show_is_no_question(context, kind):
    given = entries(Jalan=120, Air=3, Ibu_Ratna_Rekaan=2)
    for entry in given:
        if "Ratna" in entry["Kategori"]:
            entry["Kerahasiaan"] = kind
    given[120]["Kerahasiaan"] = kind  # the other reports about this word are open
    register(context, FIRST, *given)
    assert asked(context) == [("category", "Air", 3)]
    assert received(context, "by_category", "2026-11-20 08:00") == {"Jalan": 120, "lainnya": 5}


def rule_of_channel(channel: str, days: int) -> str:
    """Return a rule of the site for requests that came in this way."""
    (_, rule) = PERBUP.split("[[rule]]")
    lines = [line for line in rule.splitlines() if not line.startswith(("overrides", "basis"))]
    lines = [line.replace('id = "information"', f'id = "by-{days}"') for line in lines]
    lines = [line.replace("length = 3", f"length = {days}") for line in lines]
    asked = f'{{ channel = ["{channel}"], classification'
    return "\n".join(["[[rule]]", *lines]).replace("{ classification", asked)


def test_the_channel_of_a_hidden_report_decides_its_rule_and_no_unknown_one_takes_another(
    site_folder, open_context
):
    """Nobody is asked about them. The rules read the channel as it is written."""
    (site_folder / "perbup").mkdir()
    (head, _) = PERBUP.split("[[rule]]")
    rules = [rule_of_channel("WhatsApp", 2), rule_of_channel("Surat", 10)]
    text = "\n".join([head.replace("2026-11-18", "2026-11-01"), *rules])
    (site_folder / "perbup" / "perbup.toml").write_text(text, encoding="utf-8")
    file = site_folder / "site.toml"
    named = file.read_text("utf-8").replace("[database]", 'regulations = ["perbup"]\n[database]', 1)
    file.write_text(named, encoding="utf-8")
    context = open_context()
    secret = {"Kerahasiaan": "Rahasia"}
    channels = {"B-1": "WhatsApp", "B-2": "Surat Ibu Ratna", "B-3": "WA Ibu Ratna", "B-4": ""}
    hidden = [{"No Register": n, "Kanal": word} | secret for n, word in channels.items()]
    register(context, "2026-11-17 07:15", *entries(Jalan=120), *hidden)
    evaluate_and_notify(context, wita("2026-11-17 08:00"), "run")
    assert asked(context) == []
    with context.transaction() as session:
        rows = session.scalars(select(DeadlineRow).where(DeadlineRow.complaint.has(secret=True)))
        running = {(row.complaint.ticket, row.rule) for row in rows if row.state == "running"}
    national = {(ticket, "sp4n-guideline/information") for ticket in channels}
    assert running == national | {("B-1", "perbup-3-2026/by-2")}


def test_a_first_export_with_forty_categories_asks_about_the_rare_ones_only(context):
    common = {f"Kategori_{n}": 5 for n in range(35)}
    register(
        context, FIRST, *entries(**common, Budi_Santoso=1, Jalan_Desa=3, Air=2, Pasar=4, Sawah=1)
    )
    assert asked(context) == [
        ("category", "Pasar", 4),
        ("category", "Jalan Desa", 3),
        ("category", "Air", 2),
    ]
    shown = received(context, "by_category", "2026-11-20 08:00")
    assert shown.pop("lainnya") == 11
    assert set(shown.values()) == {5}
    assert len(shown) == 35


@pytest.mark.thorough
def test_a_rare_word_becomes_known_by_an_answer_or_by_more_complaints(context):
    register(context, FIRST, *entries(Jalan=98, Pasar=4, Budi_Santoso=2, Air=3))
    with context.transaction() as session:
        numbers = {q.value: q.id for q in questions.of_source(session, "register")}
        for value, text in (("Budi Santoso", "kosong"), ("Air", "benar")):
            question = questions.get(session, numbers[value])
            meaning = meaning_of(context.site, question, text)
            assert answer(session, context, question, meaning, "test", wita(SECOND)).complaints == 0
        with pytest.raises(WrongAnswer, match="'Entah' is not a category of the site's files"):
            meaning_of(context.site, question, "Entah")
    assert asked(context) == [("category", "Pasar", 4)]
    assert received(context, "by_category", SECOND) == {"Jalan": 98, "lainnya": 6, "Air": 3}
    register(context, THIRD, *entries(Jalan=98, Pasar=6, Budi_Santoso=7, Air=3))
    assert asked(context) == []
    later = {"Jalan": 98, "lainnya": 7, "Pasar": 6, "Air": 3}
    assert received(context, "by_category", "2026-11-24 08:00") == later
    # a report made again shows the words that were known then
    assert received(context, "by_category", SECOND) == {"Jalan": 98, "lainnya": 6, "Air": 3}


def test_a_small_source_asks_nothing_and_a_text_is_never_a_word(context):
    register(
        context,
        FIRST,
        *entries(Jalan=5, Air=2),
        *({"No Register": f"B-{n}", "Kategori": NAMED, "Kanal": NAMED} for n in range(9)),
    )
    assert asked(context) == []
    assert received(context, "by_category", "2026-11-20 08:00") == {"lainnya": 11, "Jalan": 5}
    assert received(context, "by_channel", "2026-11-20 08:00") == {"lainnya": 9, "Tatap Muka": 7}
    assert not any(map(may_be_word, (NAMED, "x" * 81, "[NIK]", "62812", "a\x1b[31m", "")))


def test_nothing_that_leaves_shows_the_category_of_a_secret_report(context):
    one = {"Kategori": "Budi Rahasiawan", "Kanal": "Budi Kanal", "Kerahasiaan": "Rahasia"}
    register(context, FIRST, one)
    evaluate_and_notify(context, wita("2026-11-20 08:00"), "run")
    deliver(context, "2026-11-20 08:00")
    with context.transaction() as session:
        mails = [zlib.decompress(mime) for mime in session.scalars(select(MessageRow.mime)) if mime]
        view = report_view(session, context, "2026-11", wita("2026-11-24 08:00"))
    assert mails
    out = [*map(bytes.decode, mails)]
    assert not any("Budi" in text for text in (*out, str(view.tables)))
    assert any("lainnya" in text for text in out)


def test_words_of_the_sites_files_are_known_without_a_complaint(context):
    context.site.sources["register"].constants["channel"] = "Loket"
    with context.transaction() as session:
        known = known_words(session, context.site, wita(FIRST))
    shown = [known.shown(QuestionRole.CHANNEL, each) for each in ("loket", "Budi", "", None)]
    assert shown == ["Loket", "lainnya", "", ""]
