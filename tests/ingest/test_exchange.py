"""Two installations that feed each other: the same complaints, events and verdicts on both sides.

November 2026 has no holiday: 2, 9, 16 and 23 are Mondays. LAPOR! writes UTC, the site is 8 h ahead.
"""

import json
import os
import shutil
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path

import pytest
from conftest import ON_BOTH, ON_SQLITE_FIRST, REPOSITORY, kind_of_database, wita
from sqlalchemy import select
from support.small_site import (
    ANONYMOUS,
    FORMULA,
    LATE,
    NAME,
    REPORT,
    STATUS,
    TICKET,
    TITLE,
    UNIT,
    small_site,
)
from support.small_site import export as drop

from db import complaints, questions
from db.models import Base, Complaint, EventRow, OpenQuestion, Origin, QuarantineRow, QuestionRole
from settings.errors import SettingsError
from settings.site import load_site
from settings.sources import ExchangeSource, read_sources
from tasks.common.context import SiteContext
from tasks.deadlines import evaluate_and_notify
from tasks.evaluation.explain import as_text, explanations
from tasks.evaluation.known_words import known_words
from tasks.evaluation.loader import load_and_evaluate
from tasks.ingest.answers import WrongAnswer, answer, meaning_of
from tasks.ingest.exchange.writer import export
from tasks.ingest.quarantine_retry import retry
from tasks.intake import pull
from tasks.notifications.questions import meaning_key
from tasks.reports.builder import report_view
from tasks.sources.base import SourceError


@pytest.fixture
def database_url(request: pytest.FixtureRequest) -> str:
    """What is tested here hangs on no database but where a test is marked."""
    return kind_of_database(request)


INFORMATION = "sp4n-guideline/information"
MAPPING = """
[kab]
type = "folder"
folder = "inbox/kab"
layout = "exchange"
"""
NOW = wita("2026-11-24 08:00")


@pytest.fixture
def ours(tmp_path, monkeypatch, sqlite_template):
    """The installation that has the complaints: a small site after two mornings."""
    monkeypatch.setenv("TENGGAT_VAR", str(tmp_path / "ours"))
    (tmp_path / "ours").mkdir(mode=0o700)
    shutil.copyfile(sqlite_template, tmp_path / "ours" / "tenggat.db")
    context = SiteContext.open(small_site(tmp_path / "site"))
    known = context.site.sources["lapor"].constants
    known["category"], known["channel"] = REPORT["Kategori"], REPORT["Sumber Laporan"]
    pull(context, "lapor", NOW)
    yield context
    context.close()


@pytest.fixture
def theirs(tmp_path, monkeypatch, database_url, ours):
    """Another installation with the same law, that knows of nothing but what it is given."""
    folder = tmp_path / "theirs"
    shutil.copytree(
        REPOSITORY / "examples" / "kabupaten-contoh", folder, ignore=shutil.ignore_patterns("inbox")
    )
    (folder / "sources.toml").write_text(MAPPING, encoding="utf-8")
    (folder / "inbox" / "kab").mkdir(parents=True)
    monkeypatch.setenv("TENGGAT_DATABASE_URL", database_url)
    context = SiteContext.open(folder)
    monkeypatch.delenv("TENGGAT_DATABASE_URL")
    yield context
    context.close()


def give(ours: SiteContext, theirs: SiteContext, now=NOW, **options) -> Path:
    """Write what we have into their folder."""
    path = theirs.site.folder / "inbox" / "kab" / f"dari_{now:%Y%m%d%H%M%S}.jsonl"
    export(ours, path, now, **({"since": None, "titles": False} | options))
    return path


def write(theirs: SiteContext, *lines: object, name: str = "a.jsonl") -> Path:
    """Lines as another system might write them."""
    path = theirs.site.folder / "inbox" / "kab" / name
    texts = (line if isinstance(line, str) else json.dumps(line) for line in lines)
    path.write_text("".join(f"{text}\n" for text in texts), encoding="utf-8")
    written = (NOW - timedelta(minutes=1)).timestamp()
    os.utime(path, (written, written))
    return path


def facts(context: SiteContext, prefix: str = "") -> dict[tuple[str, str], tuple[object, ...]]:
    """Complaints by source and ticket, and what is known of them; words as our site knows them."""
    with context.transaction() as session:
        words = known_words(session, context.site, NOW)

        def shown(role: QuestionRole, text: str | None) -> str | None:
            return text if prefix else words.shown(role, text) or None

        return {
            (row.source.removeprefix(prefix), row.ticket): (
                row.received_at,
                row.classification,
                shown(QuestionRole.CATEGORY, row.category),
                shown(QuestionRole.CHANNEL, row.channel),
                shown(QuestionRole.PLACE, row.place),
                row.rating,
                row.unit,
                row.anonymous,
                row.secret,
                row.promised_due,
            )
            for row in session.scalars(select(Complaint))
        }


def events(context: SiteContext, prefix: str = "") -> list[tuple[object, ...]]:
    """All events that a source tells of, without when each side has learnt them."""
    lapsing = context.site.evaluation_context.law.lapsing
    with context.transaction() as session:
        rows = session.execute(
            select(Complaint.ticket, EventRow)
            .join(EventRow, EventRow.complaint_id == Complaint.id)
            .order_by(Complaint.ticket, EventRow.id)
        ).all()
        return [
            (
                ticket,
                e.source.removeprefix(prefix),
                e.kind,
                e.latest,
                e.earliest,
                e.knowledge,
                e.unit,
                e.source_field,
                e.retracted,
            )
            for ticket, e in rows
            if e.source not in lapsing
        ]


def verdicts(context: SiteContext, now, prefix: str = "") -> dict[tuple[str, str], list[object]]:
    """What the judge says of every complaint."""
    with context.transaction() as session:
        rows = session.scalars(select(Complaint)).all()
        return {
            (known.complaint.source.removeprefix(prefix), known.complaint.ticket): [
                (
                    each.rule.id,
                    each.clock,
                    each.unit,
                    each.started,
                    each.due,
                    each.stopped,
                    each.state,
                    each.paused,
                    each.by_policy,
                    each.reasons,
                )
                for each in judged.deadlines
            ]
            for known, judged in load_and_evaluate(session, context, rows, now)
        }


def dump(context: SiteContext) -> dict[str, list[tuple[object, ...]]]:
    with context.transaction() as session:
        return {
            table.name: [
                tuple(r) for r in session.execute(select(table).order_by(*table.primary_key))
            ]
            for table in Base.metadata.sorted_tables
            if table.name not in ("source_import", "origin")
        }


def same(ours: SiteContext, theirs: SiteContext, now) -> None:
    assert facts(theirs, "kab/") == facts(ours)
    assert events(theirs, "kab/") == events(ours)
    said = verdicts(ours, now)
    assert verdicts(theirs, now, "kab/") == said
    assert {state for rows in said.values() for *_, state, _, _, _ in rows}


# --- there and back -------------------------------------------------------------------------------


@pytest.mark.thorough
@ON_BOTH
def test_the_other_side_has_the_same_complaints_events_and_verdicts(ours, theirs):
    give(ours, theirs)
    count = pull(theirs, "kab", NOW + timedelta(minutes=1))
    assert (count.new, count.quarantined, count.rows) == (4, 0, 4)
    for later in (timedelta(minutes=5), timedelta(days=30)):
        same(ours, theirs, NOW + later)
    states = {
        state
        for rows in verdicts(theirs, NOW + timedelta(minutes=2)).values()
        for *_, state, _, _, _ in rows
    }
    assert "breached" in states


@pytest.mark.thorough
def test_a_whole_example_site_is_judged_alike_on_both_sides(tmp_path, monkeypatch, theirs):
    """The last mornings of the example: observed intervals, histories, corrections, lapses."""
    monkeypatch.setenv("TENGGAT_VAR", str(tmp_path / "example"))
    folder = tmp_path / "example-site"
    shutil.copytree(REPOSITORY / "examples" / "kabupaten-contoh", folder)
    for source, keep in (("lapor", 4), ("register", 6)):
        for old in sorted((folder / "inbox" / source).iterdir())[:-keep]:
            old.unlink()
    context = SiteContext.open(folder)
    try:
        for source in ("lapor", "register"):
            pull(context, source, NOW)
        evaluate_and_notify(context, NOW, "run")  # puts lapses on record, which are not exported
        give(context, theirs)
        assert pull(theirs, "kab", NOW + timedelta(minutes=1)).quarantined == 0
        assert len(facts(theirs)) > 450
        same(context, theirs, NOW + timedelta(minutes=2))
        assert (
            len(
                {
                    s
                    for rows in verdicts(theirs, NOW + timedelta(minutes=2)).values()
                    for *_, s, _, _, _ in rows
                }
            )
            > 5
        )
    finally:
        context.close()


@ON_SQLITE_FIRST
def test_giving_the_same_again_changes_nothing(ours, theirs):
    give(ours, theirs)
    pull(theirs, "kab", NOW + timedelta(minutes=1))
    before = dump(theirs)
    give(ours, theirs, NOW + timedelta(minutes=2))
    count = pull(theirs, "kab", NOW + timedelta(minutes=3))
    assert (count.new, count.updated, count.unchanged) == (0, 0, 4)
    after = dump(theirs)
    for table in ("event", "past_facts", "quarantine"):
        assert after[table] == before[table]


def test_only_what_was_learnt_since_a_time_is_given_and_corrections_arrive(ours, theirs):
    give(ours, theirs)
    pull(theirs, "kab", NOW + timedelta(minutes=1))
    drop(
        ours.site.folder,
        "2026-11-25 07:00",
        {STATUS: "Terverifikasi"},
        LATE,
        LATE | {TICKET: "7", UNIT: "Dinas Sosial"},
        ANONYMOUS,
        FORMULA,
    )
    tomorrow = wita("2026-11-25 08:00")
    pull(ours, "lapor", tomorrow)
    path = give(ours, theirs, tomorrow, since=tomorrow)
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert [line.get("ticket") for line in lines] == [None, None, "5010653", "7"]
    count = pull(theirs, "kab", tomorrow + timedelta(minutes=1))
    assert (count.new, count.updated) == (1, 1)
    same(ours, theirs, tomorrow + timedelta(minutes=2))


@pytest.mark.thorough
def test_what_is_no_longer_shown_here_is_unknown_there_as_well(ours, theirs):
    give(ours, theirs)
    pull(theirs, "kab", NOW + timedelta(minutes=1))
    drop(ours.site.folder, "2026-11-25 07:00", {STATUS: "Terverifikasi"}, ANONYMOUS, FORMULA)
    tomorrow = wita("2026-11-25 08:00")
    assert pull(ours, "lapor", tomorrow).absent == 1
    path = give(ours, theirs, tomorrow, since=tomorrow)
    assert f'"ticket": "{LATE[TICKET]}"' in path.read_text(encoding="utf-8")
    count = pull(theirs, "kab", tomorrow + timedelta(minutes=1))
    assert (count.updated, count.quarantined) == (2, 0)
    same(ours, theirs, tomorrow + timedelta(minutes=2))


@pytest.mark.thorough
def test_an_older_file_read_late_takes_nothing_back(ours, theirs, tmp_path):
    old = give(ours, theirs)
    kept = tmp_path / "kept.jsonl"
    shutil.move(old, kept)
    drop(ours.site.folder, "2026-11-25 07:00", {STATUS: "Terverifikasi"}, LATE)
    tomorrow = wita("2026-11-25 08:00")
    pull(ours, "lapor", tomorrow)
    give(ours, theirs, tomorrow)
    pull(theirs, "kab", tomorrow + timedelta(minutes=1))
    shutil.move(kept, old)
    pull(theirs, "kab", tomorrow + timedelta(minutes=2))
    same(ours, theirs, tomorrow + timedelta(minutes=3))


def test_a_report_that_becomes_secret_is_given_again(ours, theirs):
    give(ours, theirs, titles=True)
    pull(theirs, "kab", NOW + timedelta(minutes=1))
    drop(
        ours.site.folder,
        "2026-11-25 07:00",
        {STATUS: "Ditutup oleh Admin", "Tipe Laporan (Anonim/Rahasia)": "Rahasia"},
        LATE,
    )
    tomorrow = wita("2026-11-25 08:00")
    pull(ours, "lapor", tomorrow)
    give(ours, theirs, tomorrow, since=tomorrow)
    pull(theirs, "kab", tomorrow + timedelta(minutes=1))
    assert facts(theirs, "kab/")["lapor", "5010653"][-2] is True


def test_what_was_given_is_not_given_back(ours, theirs, tmp_path):
    give(ours, theirs)
    pull(theirs, "kab", NOW + timedelta(minutes=1))
    path = tmp_path / "back.jsonl"
    assert export(theirs, path, NOW + timedelta(minutes=2), since=None, titles=True) == 0
    assert path.read_text(encoding="utf-8") == ""


@pytest.mark.thorough
@ON_BOTH
def test_a_past_view_knows_what_was_given_by_then(ours, theirs):
    early, late = NOW + timedelta(minutes=1), wita("2026-12-10 08:00")
    give(ours, theirs)
    pull(theirs, "kab", early)
    before = verdicts(theirs, early)
    drop(ours.site.folder, "2026-12-10 07:00", {STATUS: "Terverifikasi"})
    pull(ours, "lapor", late)
    give(ours, theirs, late)
    pull(theirs, "kab", late + timedelta(minutes=1))
    assert verdicts(theirs, early) == before
    with theirs.transaction() as session:
        assert len(session.scalars(select(Origin)).all()) == 4


# --- whom it concerns -----------------------------------------------------------------------------


@pytest.mark.thorough
def test_titles_are_given_only_where_both_sides_ask_for_them(ours, theirs):
    plain = give(ours, theirs).read_text(encoding="utf-8")
    assert REPORT[TITLE] not in plain
    assert '"title"' not in plain
    path = give(ours, theirs, NOW + timedelta(seconds=1), titles=True)
    text = path.read_text(encoding="utf-8")
    assert REPORT[TITLE] in text
    assert NAME not in text  # the anonymous report has no title at all
    pull(theirs, "kab", NOW + timedelta(minutes=1))
    with theirs.transaction() as session:
        assert set(session.scalars(select(Complaint.title))) == {None}
    toml = theirs.site.folder / "sources.toml"
    toml.write_text(f'{MAPPING}fields = {{ title = "title" }}\n', encoding="utf-8")
    again = SiteContext.open(theirs.site.folder)
    try:
        give(ours, again, NOW + timedelta(minutes=2), titles=True)
        pull(again, "kab", NOW + timedelta(minutes=3))
        with again.transaction() as session:
            titles = set(session.scalars(select(Complaint.title)))
    finally:
        again.close()
    assert titles == {None, REPORT[TITLE]}


def test_a_category_or_channel_that_is_no_known_word_stays_here(ours, theirs):
    """A file of the site names the channel; a word that is learned later is a change."""
    known = ours.site.sources["lapor"].constants
    known["channel"] = "Loket"
    with ours.transaction() as session:
        rows = session.scalars(select(Complaint).order_by(Complaint.id)).all()
        for row, channel in zip(rows, ("loket", "Budi 0812", None, "Loket"), strict=True):
            row.category, row.channel = "Siti Rahasiawati", channel
        rows[3].category = "Pasar"

    def given(now, **options) -> list[tuple[str, str | None]]:
        lines = give(ours, theirs, now, **options).read_text(encoding="utf-8").splitlines()
        told = [json.loads(line) for line in lines]
        return [(line["category"], line["channel"]) for line in told if "ticket" in line]

    other = "lainnya"
    assert given(NOW) == [(other, "Loket"), (other, other), (other, None), (other, "Loket")]
    later = NOW + timedelta(minutes=1)
    assert given(later, since=later) == []
    with ours.transaction() as session:
        learned = OpenQuestion(source="lapor", column="Kategori", role="category")
        learned.value, learned.value_hash = "Pasar", "0" * 64
        learned.first_seen_at = learned.recorded_at = NOW
        learned.answer, learned.answered_at = "Pasar", later
        session.add(learned)
    assert given(later, since=later) == [("Pasar", "Loket")]
    assert given(later, since=later + timedelta(minutes=1)) == []


def test_a_place_is_given_as_a_known_word_and_a_rating_as_a_number(ours, theirs):
    with ours.transaction() as session:
        rows = session.scalars(select(Complaint).order_by(Complaint.id)).all()
        for row, place, rating in zip(
            rows, ("Sukamaju", "rumah Budi", None, "Sukamaju"), (5, None, 1, 3), strict=True
        ):
            row.place, row.rating = place, rating
        learned = OpenQuestion(source="lapor", column="Kecamatan", role="place")
        learned.value, learned.value_hash = "Sukamaju", "0" * 64
        learned.first_seen_at = learned.recorded_at = learned.answered_at = NOW
        learned.answer = "Sukamaju"
        session.add(learned)
    give(ours, theirs)
    pull(theirs, "kab", NOW)
    with theirs.transaction() as session:
        kept = session.execute(
            select(Complaint.place, Complaint.rating).order_by(Complaint.id)
        ).all()
    assert kept == [("Sukamaju", 5), ("lainnya", None), (None, 1), ("Sukamaju", 3)]


# --- what others write ----------------------------------------------------------------------------

LINE = {
    "ticket": "A-1",
    "source": "desa",
    "received": "2026-11-16T08:30:00+08:00",
    "classification": "information_request",
    "unit": "Dinas Sosial",
    "events": [
        {"kind": "verified", "at": "2026-11-16T01:00:00Z"},
        {"kind": "assigned", "at": "2026-11-16T02:00:00Z", "unit": "dinsos"},
        {"kind": "settled", "at": "2026-11-19T02:00:00Z"},
    ],
}


@pytest.mark.thorough
def test_a_plain_file_of_another_system_needs_no_more_than_the_complaints(theirs):
    write(theirs, LINE, LINE | {"ticket": "A-2", "events": []})
    count = pull(theirs, "kab", NOW)
    assert (count.new, count.quarantined) == (2, 0)
    states = {rule: state for rule, *_, state, _, _, _ in verdicts(theirs, NOW)["kab/desa", "A-1"]}
    assert states["sp4n-guideline/information"] == "met"
    kinds = [kind for ticket, _, kind, *_ in events(theirs) if ticket == "A-1"]
    assert kinds == ["received", "verified", "assigned", "settled"]


def test_equal_tickets_of_different_sources_do_not_meet(theirs):
    write(theirs, LINE, LINE | {"source": "kota"}, LINE | {"source": ""})
    assert pull(theirs, "kab", NOW).new == 3
    assert set(facts(theirs)) == {("kab/desa", "A-1"), ("kab/kota", "A-1"), ("kab", "A-1")}


def test_bad_lines_wait_with_their_line_and_the_rest_comes_in(theirs):
    bad: Iterable[tuple[object, str]] = (
        ("{", "no_object"),
        ("[1]", "no_object"),
        ("<html>", "no_object"),
        (LINE | {"ticket": ""}, "missing_ticket"),
        (LINE | {"category": "another"}, "duplicate_ticket"),
        (LINE | {"ticket": "X", "received": ""}, "missing_date"),
        (LINE | {"ticket": "X", "received": "2026-11-16T08:30:00"}, "bad_date"),
        (LINE | {"ticket": "X", "received": "2027-11-16T08:30:00Z"}, "in_the_future"),
        (LINE | {"ticket": "X", "source": "x" * 70}, "too_long"),
    )
    good = (LINE | {"ticket": f"G-{n}"} for n in range(30))
    write(theirs, LINE, *(line for line, _ in bad), *good)
    assert pull(theirs, "kab", NOW).new == 31
    with theirs.transaction() as session:
        rows = session.scalars(select(QuarantineRow).order_by(QuarantineRow.line)).all()
    assert [(row.line, row.reason) for row in rows] == [
        (line, reason) for line, (_, reason) in enumerate(bad, start=2)
    ]
    assert not [row for row in rows if "<html>" in row.value + json.dumps(row.cells)]
    future = next(row for row in rows if row.reason == "in_the_future")
    assert future.value == "2027-11-16T08:30:00Z"  # as it is written


AT = "2026-11-19T02:00:00Z"
FOLLOW_UP = "sp4n/first-follow-up"


@pytest.mark.parametrize(
    ("event", "doubt", "value"),
    [
        ({"kind": "setled", "at": AT}, "any", "setled stated"),
        ({"kind": ["settled"], "at": AT}, "any", "['settled'] stated"),
        ("settled", "any", "str"),
        ({"kind": "settled"}, "settled", "settled None"),
        ({"kind": "settled", "at": "19/11/2026"}, "settled", "settled 19/11/2026"),
        ({"kind": "settled", "at": AT, "knowledge": "observed"}, "settled", f"settled {AT}"),
        (
            {"kind": "settled", "at": AT, "after": "2026-11-20T02:00:00Z"},
            "settled",
            f"settled {AT}",
        ),
        ({"kind": "settled", "at": AT, "retracted": True}, "settled", f"settled {AT}"),
        (
            {"kind": "settled", "at": "2026-11-01T02:00:00Z"},
            "settled",
            "settled 2026-11-01T02:00:00+00:00",
        ),
        (
            {"kind": "settled", "at": "2027-11-01T02:00:00Z"},
            "settled",
            "settled 2027-11-01T02:00:00+00:00",
        ),
    ],
)
def test_a_line_with_one_bad_event_is_watched_and_that_step_is_unknown(theirs, event, doubt, value):
    """The information of the 16th is due at the end of the 23rd, so without the step it is late."""

    def state() -> str:
        found = verdicts(theirs, NOW + timedelta(hours=3))["kab/desa", "A-1"]
        return next(state for rule, *_, state, _, _, _ in found if rule == INFORMATION)

    others = LINE["events"][:2]
    write(theirs, LINE | {"events": [*others, event]})
    assert pull(theirs, "kab", NOW).new == 1
    kinds = [kind for _, _, kind, *_ in events(theirs)]
    assert kinds == ["received", "verified", "assigned", doubt]
    assert state() == "unknown"
    with theirs.transaction() as session:
        assert not session.scalars(select(QuarantineRow)).all()
        (asked,) = questions.open_questions(session)
        assert (asked.question.column, asked.question.value) == ("events", value)
        said = "kosong" if doubt == "any" else "2026-11-20 10:00"  # no date fits an unknown kind
        meaning = meaning_of(theirs.site, asked.question, said)
        answer(session, theirs, asked.question, meaning, "test", NOW + timedelta(hours=1))
    assert state() == ("breached" if doubt == "any" else "met")
    write(theirs, LINE | {"events": [*others, event], "channel": "Loket"}, name="b.jsonl")
    assert pull(theirs, "kab", NOW + timedelta(hours=2)).updated == 1
    assert state() == ("breached" if doubt == "any" else "met")  # the answer stays


@pytest.mark.parametrize(
    ("day", "doubts", "state"),
    [("17", ["follow_up_published"], "unknown"), ("18", [], "met"), ("19", [], "met")],
)
def test_an_event_before_the_one_that_it_follows_is_a_question(theirs, day, doubts, state):
    """Else a follow-up dated before the assignment would count as none."""
    steps = [
        {"kind": "assigned", "at": "2026-11-18T02:00:00Z", "unit": "dinsos"},
        {"kind": "follow_up_published", "at": f"2026-11-{day}T01:00:00Z"},
    ]
    write(theirs, LINE | {"classification": "complaint", "events": steps})
    assert pull(theirs, "kab", NOW).quarantined == 0
    found = verdicts(theirs, NOW + timedelta(hours=3))["kab/desa", "A-1"]
    assert next(each for rule, *_, each, _, _, _ in found if rule == FOLLOW_UP) == state
    assert [
        kind for _, _, kind, _, _, known, *_ in events(theirs) if known == "unreadable"
    ] == doubts


@pytest.mark.thorough
def test_an_event_that_becomes_readable_ends_the_doubt(theirs):
    bad = {"kind": "settled", "at": "19/11/2026"}
    write(theirs, LINE | {"events": [*LINE["events"][:2], bad]})
    pull(theirs, "kab", NOW)
    write(theirs, LINE, name="b.jsonl")
    assert pull(theirs, "kab", NOW + timedelta(hours=1)).updated == 1
    found = verdicts(theirs, NOW + timedelta(hours=2))["kab/desa", "A-1"]
    assert next(state for rule, *_, state, _, _, _ in found if rule == INFORMATION) == "met"
    with theirs.transaction() as session:
        assert questions.open_questions(session) == []


EARLY = [
    {"kind": "received", "at": "2026-11-20T02:00:00Z"},
    {"kind": "verified", "at": "2026-11-19T02:00:00Z"},
]


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("events_given", "value"),
    [("?", "str"), ({"kind": "settled"}, "dict"), (3, "int"), (EARLY, "before the receipt")],
)
def test_a_line_without_readable_events_is_watched_and_any_step_may_be_missing(
    theirs, events_given, value
):
    write(theirs, LINE | {"events": events_given})
    assert pull(theirs, "kab", NOW).new == 1
    assert [kind for _, _, kind, *_ in events(theirs)] == ["received", "any"]
    with theirs.transaction() as session:
        assert not session.scalars(select(QuarantineRow)).all()
        (asked,) = questions.open_questions(session)
        assert (asked.question.column, asked.question.value) == ("events", value)
    write(theirs, LINE, name="b.jsonl")
    assert pull(theirs, "kab", NOW + timedelta(hours=1)).updated == 1
    found = verdicts(theirs, NOW + timedelta(hours=2))["kab/desa", "A-1"]
    assert next(state for rule, *_, state, _, _, _ in found if rule == INFORMATION) == "met"


@pytest.mark.parametrize(
    ("bad", "doubt"),
    [({"unit": "Dinas Lama"}, "assignee"), ({"promised_due": "20/11/2026"}, "promised_due")],
)
def test_a_line_that_becomes_readable_ends_the_doubt_about_another_field(theirs, bad, doubt):
    theirs_own = {
        "kind": doubt,
        "at": "2026-11-17T02:00:00Z",
        "after": "2026-11-16T02:00:00Z",
        "knowledge": "unreadable",
        "source": "desa",
        "source_field": f"question/{next(iter(bad))}",
    }
    line = LINE | {"events": [*LINE["events"], theirs_own]}
    write(theirs, line | bad)
    assert pull(theirs, "kab", NOW).new == 1
    write(theirs, line, name="b.jsonl")
    assert pull(theirs, "kab", NOW + timedelta(hours=1)).updated == 1
    with theirs.transaction() as session:
        assert questions.open_questions(session) == []
        found = session.scalars(
            select(EventRow).where(EventRow.kind == doubt).order_by(EventRow.id)
        )
        told = [(each.latest > wita("2026-11-20"), each.retracted) for each in found]
    assert told == [(False, False), (True, False), (True, True)]
    write(theirs, line | {"channel": "Loket"}, name="c.jsonl")
    pull(theirs, "kab", NOW + timedelta(hours=2))
    assert len(events(theirs)) == 7


@pytest.mark.thorough
def test_an_unknown_classification_is_a_question(theirs):
    words = ("permintaan", "aspiration", "undetermined", "")
    write(theirs, *(LINE | {"ticket": f"A-{n}", "classification": w} for n, w in enumerate(words)))
    assert pull(theirs, "kab", NOW).new == 4
    found = facts(theirs)
    expected = ["undetermined", "aspiration", "undetermined", None]
    assert [found["kab/desa", f"A-{n}"][1] for n in range(4)] == expected
    with theirs.transaction() as session:
        (asked,) = questions.open_questions(session)
        assert (asked.question.column, asked.question.value, asked.waiting) == (
            "classification",
            "permintaan",
            1,
        )
        meaning = meaning_of(theirs.site, asked.question, "information_request")
        answer(session, theirs, asked.question, meaning, "test", NOW + timedelta(hours=1))
    assert facts(theirs)["kab/desa", "A-0"][1] == "information_request"


def test_a_report_stays_hidden_until_a_person_opens_it_here(theirs):
    """The other installation may have lost its database with all that it had hidden."""
    write(theirs, LINE | {"ticket": "T", "secret": True})
    pull(theirs, "kab", NOW)
    write(theirs, LINE | {"ticket": "T", "secret": False, "title": "Pungli"}, name="b.jsonl")
    (told,) = pull(theirs, "kab", NOW + timedelta(minutes=1)).still_hidden
    assert told["ticket"] == "T"
    assert facts(theirs)["kab/desa", "T"][-2] is True
    assert "Pungli" not in str(dump(theirs))
    write(theirs, LINE | {"ticket": "T", "secret": False, "title": "Pungli"}, name="c.jsonl")
    again = pull(theirs, "kab", NOW + timedelta(minutes=2))
    assert (again.updated, again.still_hidden) == (0, [])


@pytest.mark.thorough
def test_privacy_that_nobody_understands_is_kept_to_ourselves(theirs):
    words = {"false": False, "true": True, "ya": True, "": False}
    lines = [LINE | {"ticket": word or "-", "secret": word} for word in words]
    write(theirs, *lines, LINE | {"ticket": "T", "secret": True})
    pull(theirs, "kab", NOW)
    found = facts(theirs)
    assert [found["kab/desa", word or "-"][-2] for word in words] == list(words.values())
    assert found["kab/desa", "T"][-2] is True


@pytest.mark.thorough
@ON_BOTH
def test_an_unknown_unit_is_a_question_that_an_answer_settles(theirs):
    event = {"kind": "assigned", "at": "2026-11-19T02:00:00Z", "unit": "Dinas Lama", "slot": "a/b"}
    line = LINE | {"unit": "Dinas Lama", "events": [event]}
    write(theirs, line, line | {"source": "kota"})
    assert pull(theirs, "kab", NOW).new == 2
    with theirs.transaction() as session:
        (asked,) = questions.open_questions(session)
        assert (asked.question.column, asked.question.value, asked.waiting) == (
            "unit",
            "Dinas Lama",
            2,
        )
        meaning = meaning_of(theirs.site, asked.question, "Dinas Sosial")
        done = answer(session, theirs, asked.question, meaning, "test", NOW + timedelta(hours=1))
        assert done.complaints == 2
    with theirs.transaction() as session:
        rows = session.scalars(select(Complaint).order_by(Complaint.id)).all()
        last = [complaints.events_of(session, [row.id])[row.id][-1] for row in rows]
    assert [row.unit for row in rows] == ["dinsos"] * 2
    assert [(event.kind, event.unit) for event in last] == [("assigned", "dinsos")] * 2


def test_a_file_that_is_no_exchange_is_refused(theirs):
    write(theirs, *(f"<p>{n}</p>" for n in range(30)))
    with pytest.raises(SourceError, match="30 of 30 rows cannot be read"):
        pull(theirs, "kab", NOW)


# --- its mapping and its command ------------------------------------------------------------------


def test_an_exchange_mapping_needs_no_fields_dates_or_events(tmp_path):
    path = tmp_path / "sources.toml"
    path.write_text(MAPPING, encoding="utf-8")
    source = read_sources(path)["kab"]
    assert isinstance(source, ExchangeSource)
    assert source.pattern == "*.jsonl"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            f'{MAPPING}constants = {{ unit = "x" }}',
            "the exchange format has its own events and facts",
        ),
        (f'{MAPPING}field = "x"', "did you mean `fields`?"),
        (MAPPING.replace('"folder"', '"open311"'), "kab.layout: Input should be"),
        (
            MAPPING.replace('"folder"', '"sql"') + 'url_variable = "X"\nquery = "select 1"\n'
            'zone = "UTC"\nfields = {ticket = "a", received = "b"}',
            "only files in a folder",
        ),
    ],
)
def test_a_wrong_exchange_mapping_is_refused(tmp_path, text, told):
    path = tmp_path / "sources.toml"
    lines = [line for line in text.splitlines() if "sql" not in text or "folder =" not in line]
    path.write_text("\n".join(lines), encoding="utf-8")
    with pytest.raises(SettingsError) as error:
        read_sources(path)
    assert told in str(error.value)


@pytest.fixture
def tenggat(ours, monkeypatch, call_tenggat):
    """Call the command line on our site."""
    monkeypatch.setenv("TENGGAT_SITE", str(ours.site.folder))
    return call_tenggat


def test_the_command_writes_the_documented_form(tenggat, tmp_path):
    path = tmp_path / "out.jsonl"
    code, out, errors = tenggat("export", path, "--now", "2026-11-24T08:00", "--titles")
    assert (code, out) == (0, "")
    assert "4 complaints written to" in errors
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    about = [line for line in lines if "ticket" not in line]
    assert [line["source"] for line in about] == ["lapor", "register"]
    assert set(about[0]) == {
        "source",
        "system",
        "sees",
        "shown_later",
        "imported_until",
        "exported_at",
    }
    assert about[0]["imported_until"] == "2026-11-23T23:00:00+00:00"
    complaint = next(line for line in lines if line.get("ticket") == "5010653")
    assert set(complaint) == {
        "ticket",
        "source",
        "received",
        "classification",
        "category",
        "channel",
        "place",
        "rating",
        "unit",
        "anonymous",
        "secret",
        "promised_due",
        "events",
        "title",
    }
    assert set(complaint["events"][0]) == {
        "kind",
        "at",
        "after",
        "knowledge",
        "unit",
        "recorded",
        "source",
        "source_field",
        "retracted",
    }
    assert [path.name for path in tmp_path.iterdir() if "part" in path.name] == []


def test_the_command_says_what_is_wrong(tenggat, tmp_path):
    assert tenggat("export", tmp_path / "out.json")[0] == 2
    assert "cannot write" in tenggat("export", "/nowhere/out.jsonl")[2]
    assert tenggat("export", tmp_path / "out.jsonl", "--since", "x")[0] == 2


@pytest.mark.thorough
def test_a_source_of_the_exchange_form_can_be_checked_and_learnt(tenggat, ours, theirs):
    path = give(ours, theirs)
    code, out, _ = tenggat(
        "source", "check", "kab", "--site", theirs.site.folder, "--now", "2026-11-24T09:00"
    )
    assert code == 0
    assert "4 rows of " in out
    assert "verified" in out
    code, out, _ = tenggat("source", "learn", path, "--name", "kab")
    assert code == 0
    assert 'layout = "exchange"' in out


@pytest.mark.thorough
def test_a_summary_tells_of_each_source_of_the_other_side_what_it_cannot_show(ours, theirs):
    give(ours, theirs)
    pull(theirs, "kab", NOW + timedelta(minutes=1))
    as_of = NOW + timedelta(minutes=2)

    def blind(context: SiteContext, prefix: str = "") -> tuple[object, ...]:
        with context.transaction() as session:
            notes = report_view(session, context, "2026-11", as_of).notes
        told = [(name.removeprefix(prefix), rules) for name, rules in notes.not_evaluated]
        return told, [(name.removeprefix(prefix), days) for name, days in notes.shown_later]

    assert blind(theirs, "kab/") == blind(ours)
    assert blind(ours)[1] == [("lapor", 10)]


def test_lines_come_in_by_retry_under_the_source_that_they_tell(theirs):
    long = "A-1" + "0" * 30
    write(theirs, LINE | {"ticket": long}, LINE | {"ticket": long, "source": "x"}, LINE)
    toml = theirs.site.folder / "sources.toml"
    toml.write_text(f"{MAPPING}max_cell = 30\nmax_bad_share = 1\n", "utf-8")
    pull(SiteContext(load_site(theirs.site.folder), theirs.engine), "kab", NOW)
    retried = retry(theirs, "kab", NOW + timedelta(hours=1))
    assert (retried.resolved, retried.new, retried.unreadable, retried.gone) == (2, 2, 0, [])
    assert set(facts(theirs)) == {("kab/desa", long), ("kab/x", long), ("kab/desa", "A-1")}
    corrected = theirs
    assert retry(corrected, "kab", NOW + timedelta(hours=2)).resolved == 0


@pytest.mark.parametrize(
    "about",
    [
        {"sees": ["assigned", "settled", "follow_up_published", "verified"]},
        {},
        None,
    ],
)
def test_a_source_that_does_not_name_the_receipt_or_any_kind_is_judged_all_the_same(theirs, about):
    """Every complaint has a receipt: what starts with it must not be left out in silence."""
    until = "2026-11-23T07:00:00+08:00"
    lines = [] if about is None else [about | {"source": "desk", "imported_until": until}]
    assigned = {"kind": "assigned", "at": "2026-11-02T09:00:00+08:00", "unit": "dinsos"}
    complaint = {"ticket": "X/1", "source": "desk", "received": "2026-11-02T08:00:00+08:00"}
    complaint |= {"classification": "information_request", "events": [assigned]}
    write(theirs, *lines, complaint)
    assert pull(theirs, "kab", NOW).new == 1
    (judged,) = verdicts(theirs, NOW).values()
    assert {rule: state for rule, _, _, _, _, _, state, *_ in judged if rule == INFORMATION} == {
        INFORMATION: "breached"
    }


def test_an_event_from_another_installation_is_not_explained_as_a_lapse(theirs):
    assigned = {"kind": "assigned", "at": "2026-11-02T09:00:00+08:00", "unit": "dinsos"}
    complaint = {"ticket": "X-1", "source": "desk", "received": "2026-11-02T08:00:00+08:00"}
    write(theirs, complaint | {"events": [assigned]})
    assert pull(theirs, "kab", NOW).new == 1
    with theirs.transaction() as session:
        (explanation,) = explanations(session, theirs, "X-1", NOW)
    shown = as_text(theirs.site, explanation)
    assert "(didisposisikan kepada perangkat daerah)" in shown
    assert "lewat waktu" not in shown


@pytest.mark.parametrize(
    ("told", "no_step"),
    [
        ("rusak", True),
        ([{"kind": "ditutup", "at": "2026-11-03T09:00:00+08:00"}], True),
        ([{"kind": "settled", "at": "kemarin"}], False),
    ],
)
def test_a_date_is_no_answer_about_a_step_of_an_unknown_kind(theirs, told, no_step):
    """It would end the question, and say nothing about the step that may be missing."""
    complaint = {"ticket": "X-1", "source": "desk", "received": "2026-11-02T08:00:00+08:00"}
    write(theirs, complaint | {"events": told})
    pull(theirs, "kab", NOW)
    with theirs.transaction() as session:
        (asked,) = questions.open_questions(session)
        assert meaning_key(theirs.site, asked.question) == ("unknown_step" if no_step else "step")
        assert meaning_of(theirs.site, asked.question, "kosong") == ""
        if no_step:
            with pytest.raises(WrongAnswer, match="no date fits a step of an unknown kind"):
                meaning_of(theirs.site, asked.question, "2026-11-03 09:00")
        else:
            assert meaning_of(theirs.site, asked.question, "2026-11-03 09:00")
