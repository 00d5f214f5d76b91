"""When the law or the calendar changes, deadlines are counted anew and what moved is listed."""

from dataclasses import replace
from datetime import date

import pytest
from conftest import ON_BOTH, ON_SQLITE_FIRST, kind_of_database, wita
from sqlalchemy import func, select
from support.pipeline import alerts, at, change_law, decide, deliver, register, since

from cli.listings import change_rows
from db.models import (
    Complaint,
    DeadlineChange,
    DeadlineRow,
    MessageItem,
    MessageRow,
    NoticeRow,
    Ruleset,
)
from sla import periods
from sla.calendar import DayOff
from sla.engine.context import Policy
from sla.fingerprint import fingerprint
from sla.holds import Hold
from tasks.deadlines import evaluate_and_notify
from tasks.reports.compute import compute_report


@pytest.fixture
def database_url(request: pytest.FixtureRequest) -> str:
    """What is tested here hangs on no database but where a test is marked."""
    return kind_of_database(request)


RULE = "sp4n-guideline/information"  # received on Monday 16 November, due on Monday the 23rd


NOV_24 = wita("2026-11-24 23:59")


@pytest.fixture
def judged(context):
    """The front desk's entry, judged and reminded of on the morning before its last day."""
    register(context, "2026-11-20 07:15", {})
    evaluate_and_notify(context, wita("2026-11-20 08:00"), "r1")
    return context


def decree(context, day: date) -> None:
    """A holiday decreed yesterday."""
    calendar = context.site.evaluation_context.calendar
    off = {**calendar.days_off, day: DayOff("Cuti bersama", "SKB 9/2026")}
    longer = type(calendar)(calendar.first, calendar.last, days_off=off)
    context.site.evaluation_context = replace(context.site.evaluation_context, calendar=longer)


def due(context) -> str:
    with context.transaction() as session:
        row = session.scalars(select(DeadlineRow).where(DeadlineRow.rule == RULE)).one()
    return f"{context.local(row.due):%Y-%m-%d}"


def notices(context) -> list[tuple[str, str]]:
    with context.transaction() as session:
        rows = session.scalars(select(NoticeRow).where(NoticeRow.rule == RULE))
        return sorted((row.rung, row.status) for row in rows)


@ON_SQLITE_FIRST
def test_a_holiday_decreed_late_moves_open_deadlines_and_says_which(judged):
    before = notices(judged)
    decree(judged, date(2026, 11, 23))
    count = evaluate_and_notify(judged, wita("2026-11-20 09:00"), "r2")
    assert count.moved == 1
    assert due(judged) == "2026-11-24"
    with judged.transaction() as session:
        (row,) = change_rows(session, judged)
    assert (row["ticket"], row["rule"]) == ("FD-1", RULE)
    assert row["due_before"].startswith("2026-11-23T23:59:59")
    assert row["due_after"].startswith("2026-11-24T23:59:59")
    assert row["change"] == "moved"
    assert notices(judged) == before


@pytest.mark.parametrize(
    ("before", "after", "change"),
    [
        ((None, None), (NOV_24, "running"), "new"),
        ((NOV_24, "running"), (None, None), "not_applicable"),
        ((NOV_24, "breached"), (NOV_24, "met_late"), "other_state"),
        ((NOV_24, "running"), (None, "paused"), "moved"),
    ],
)
def test_a_new_duty_has_not_moved(judged, before, after, change):
    with judged.transaction() as session:
        (complaint,) = session.scalars(select(Complaint.id))
        ruleset = session.scalar(select(func.max(Ruleset.id)))
        row = DeadlineChange(
            ruleset_id=ruleset,
            complaint_id=complaint,
            rule=RULE,
            clock=1,
            due_before=before[0],
            state_before=before[1],
            due_after=after[0],
            state_after=after[1],
        )
        session.add(row)
        session.flush()
        assert [each["change"] for each in change_rows(session, judged)] == [change]


# --- reminders of a day that moved to a later one -------------------------------------------------


def told(context) -> list[tuple[str, str]]:
    """The mails about the notices of the rule that were sent to the liaison: rung and time."""
    query = (
        select(NoticeRow.rung, MessageRow.sent_at)
        .join(MessageItem, MessageItem.notice_id == NoticeRow.id)
        .join(MessageRow, MessageRow.id == MessageItem.message_id)
        .where(NoticeRow.rule == RULE, MessageItem.included, MessageItem.role == "liaison")
        .order_by(MessageRow.sent_at)
    )
    with context.transaction() as session:
        rows = session.execute(query).all()
    return [(rung, f"{context.local(at):%d %H:%M}") for rung, at in rows]


def run(context, *times: str) -> None:
    """A run at each of these times in November: what it decides and what it sends."""
    for time in times:
        decide(context, f"2026-11-{time}")
        deliver(context, f"2026-11-{time}")


@ON_BOTH
def test_the_last_day_is_told_again_if_it_moves_to_a_later_one(judged, server):
    run(judged, "20 08:10", "23 08:00")
    decree(judged, date(2026, 11, 23))
    run(judged, "23 10:00", "23 11:00", "24 08:00", "24 09:00")
    assert told(judged)[1:] == [("last-day", "23 08:00"), ("last-day", "24 08:00")]
    parts = server.letters[-1].mail.walk()
    agendas = [part.get_content() for part in parts if part.get_content_type() == "text/calendar"]
    assert any("DTSTART;VALUE=DATE:20261124" in agenda for agenda in agendas)
    register(judged, "2026-11-25 07:00", {})
    run(judged, "25 08:00")
    assert told(judged)[3:] == [("breach", "25 08:00")]


def test_only_a_reminder_with_a_new_day_still_to_come_is_told_again(judged, server):
    run(judged, "20 08:10", "23 08:00")
    decree(judged, date(2026, 11, 19))  # `half` moves to the 20th, `day-before` to the 23rd
    run(judged, "23 10:00", "23 11:00", "24 08:00", "24 09:00")
    assert told(judged) == [
        ("day-before", "20 08:10"),
        ("last-day", "23 08:00"),
        ("day-before", "23 10:00"),
        ("last-day", "24 08:00"),
    ]


def test_a_reminder_that_waits_when_its_day_moves_is_told_on_the_new_day_only(judged, server):
    run(judged, "20 08:10")
    decide(judged, "2026-11-23 06:00")
    decree(judged, date(2026, 11, 19))
    run(judged, "23 06:30", "23 09:00", "24 08:00", "24 09:00")
    assert told(judged)[1:] == [("day-before", "23 09:00"), ("last-day", "24 08:00")]


def test_a_day_that_moves_to_and_fro_is_told_once(judged, server):
    run(judged, "20 08:10", "23 08:00")
    known = judged.site.evaluation_context
    decree(judged, date(2026, 11, 23))
    decided_on = judged.site.evaluation_context
    run(judged, "23 09:00")
    judged.site.evaluation_context = known
    run(judged, "23 10:00")
    judged.site.evaluation_context = decided_on
    run(judged, "23 11:00", "24 08:00", "24 09:00")
    assert told(judged)[1:] == [("last-day", "23 08:00"), ("last-day", "24 08:00")]


def test_a_due_day_that_moves_before_any_reminder_is_told_once(judged, server):
    run(judged, "20 08:10")
    decree(judged, date(2026, 11, 23))
    run(judged, "20 10:00", "23 08:00", "24 08:00", "24 09:00")
    assert told(judged) == [("day-before", "20 08:10"), ("last-day", "24 08:00")]


def test_without_a_change_nothing_is_judged_again(judged):
    count = evaluate_and_notify(judged, wita("2026-11-20 09:00"), "r2")
    assert (count.evaluated, count.moved) == (0, None)


def test_the_same_change_is_listed_once(judged):
    decree(judged, date(2026, 11, 23))
    evaluate_and_notify(judged, wita("2026-11-20 09:00"), "r2")
    count = evaluate_and_notify(judged, wita("2026-11-20 10:00"), "r3")
    assert (count.evaluated, count.moved) == (0, None)


def test_what_comes_in_after_a_change_was_never_judged_otherwise(judged):
    decree(judged, date(2026, 11, 23))
    evaluate_and_notify(judged, wita("2026-11-20 09:00"), "r2")
    register(judged, "2026-11-20 09:30", {}, {"No Register": "FD-2"})
    count = evaluate_and_notify(judged, wita("2026-11-20 10:00"), "r3")
    assert (count.evaluated, count.moved) == (1, None)


def test_the_fingerprint_tells_law_calendar_policy_and_sources_apart(context):
    evaluation_context, sources = context.site.evaluation_context, context.source_facts
    same = fingerprint(evaluation_context, sources)
    assert fingerprint(replace(evaluation_context), dict(sources)) == same
    strict = replace(evaluation_context, policy=Policy.STRICT)
    blind = {name: replace(facts, sees=frozenset()) for name, facts in sources.items()}
    rule = evaluation_context.law.rules[0]
    law = type(evaluation_context.law)(
        [replace(rule, length=rule.length + 1), *evaluation_context.law.rules[1:]]
    )
    decree(context, date(2026, 11, 23))
    others = {
        fingerprint(strict, sources),
        fingerprint(evaluation_context, blind),
        fingerprint(replace(evaluation_context, law=law), sources),
        fingerprint(context.site.evaluation_context, sources),
    }
    assert len(others | {same}) == 5


# --- deadlines that a change of the law makes late ------------------------------------------------

CHANGED = "2026-11-20 09:00"


@pytest.fixture
def changed(context, open_context, server):
    """The first import is on 20 November. Then FD-1 was not late yet and FD-2 was. By a change of
    the law on this day FD-1 was due on the 19th.
    """
    early = at("Dinas Kesehatan", "FD-2", **since("05/11/2026"))
    register(context, "2026-11-20 07:15", at("Dinas Sosial"), early, begun=None)
    decide(context, "2026-11-20 08:00")
    deliver(context, "2026-11-20 08:00")
    change_law(context.site.folder, "2026-11-01")
    opened = open_context()
    opened.site.mail_url = context.site.mail_url
    return opened


def texts(letters, unit: str) -> list[str]:
    mails = [letter.mail for letter in letters if f".{unit}@" in letter.recipient]
    return [" ".join(mail.get_body(("plain",)).get_content().split()) for mail in mails]


@ON_SQLITE_FIRST
@pytest.mark.parametrize("held_back", [False, True])
def test_the_unit_reads_that_the_law_has_changed_and_not_that_its_source_is_new(
    changed, server, held_back
):
    """Also if the mail is decided in a later run than the one that finds the change."""
    if held_back:
        changed.site.holds = [Hold(("dinsos",), "banjir", last=date(2026, 11, 20))]
    count = decide(changed, CHANGED)
    assert (count.breached, count.inherited) == (1, {})
    assert alerts(changed) == ["inventory"]  # of FD-2, at the first import
    earlier, now = len(server.letters), "2026-11-23 08:00" if held_back else CHANGED
    changed.site.holds = []
    decide(changed, now)
    deliver(changed, now)
    of_source = "1 pengaduan sudah lewat batas waktu sebelum sumber datanya"
    assert of_source in texts(server.letters[:earlier], "dinkes")[0]
    told = texts(server.letters[earlier:], "dinsos")
    for each in told:
        assert "sumber datanya" not in each
        assert (
            "Pada 1 pengaduan ada kewajiban yang terlambat karena ketentuan batas waktu berubah"
            " pada Jumat, 20 November 2026" in each
        )
    assert told
    with changed.transaction() as session:
        period = periods.parse("2026-11", wita(now).date())
        computed = compute_report(session, changed, period, wita(now))
    tickets = computed.cases.tickets[computed.cases.d_case[computed.inherited]]
    assert tickets.tolist() == ["FD-2"]
