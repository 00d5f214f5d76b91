"""`tenggat clock back`: after a clock that was ahead, runs work again, and the rest is undone."""

import json
from datetime import datetime

import pytest
from conftest import ON_BOTH, kind_of_database, wita
from sqlalchemy import select
from support.outgoing_mail.watch_mails import HOUR
from support.pipeline import at, decide, deliver, messages, register

from cli import clock as clock_command
from db import runs
from db.audit_verify import verify
from db.false_time.shift import KEPT, OBSERVED, RECORDED
from db.lives import MessageStatus
from db.models import (
    AuditRow,
    Base,
    Complaint,
    Cursor,
    EventRow,
    MessageItem,
    NoticeRow,
    SourceImport,
    UtcDateTime,
)
from tasks.common.context import SiteContext
from tasks.monitoring.false_time import set_back

RIGHT, FALSE, AGAIN = "2026-11-20 08:00", "2026-12-15 08:00", "2026-11-20 12:00"
TRULY_LATE = "2026-11-24 08:00"


@pytest.fixture
def database_url(request: pytest.FixtureRequest) -> str:
    return kind_of_database(request)


def run(context: SiteContext, now: str, *, sends: bool = True) -> None:
    """A run of deadlines and of delivery, and their records."""
    decide(context, now)
    if sends:
        deliver(context, now)
    with context.transaction() as session:
        for flow in ("deadlines", "delivery"):
            runs.finished(session, f"{flow} {now}", flow, wita(now), {})


def statuses(context: SiteContext) -> dict[str, str]:
    with context.transaction() as session:
        found = session.execute(select(NoticeRow.rung, NoticeRow.status, NoticeRow.episode))
        return {f"{row.rung}/{row.episode}": row.status for row in found}


def later_than(context: SiteContext, now: datetime) -> list[str]:
    """The columns, without the kept ones, with a time after now."""
    with context.transaction() as session:
        return [
            str(column)
            for column in (*OBSERVED, *RECORDED)
            if session.scalar(select(column).where(column > now).limit(1)) is not None
        ]


def test_every_time_of_the_database_is_moved_or_kept_with_a_reason():
    moved = {f"{each.class_.__tablename__}.{each.key}" for each in (*OBSERVED, *RECORDED)}
    assert moved & KEPT == set()
    every = {
        f"{table.name}.{column.name}"
        for table in Base.metadata.tables.values()
        for column in table.columns
        if isinstance(column.type, UtcDateTime)
    }
    assert moved | KEPT == every


@pytest.mark.thorough
@ON_BOTH
def test_a_clock_weeks_ahead_is_undone(context, call_tenggat, monkeypatch):
    monkeypatch.setattr(clock_command, "real_time", lambda: wita(AGAIN))
    register(context, "2026-11-20 07:00", at("Dinas Sosial"))
    run(context, RIGHT)
    before = statuses(context)
    sent = len(messages(context, "notices"))
    register(context, FALSE, at("Dinas Sosial"))
    run(context, FALSE)
    told = messages(context, "notices")[sent:]
    assert {mail.status for mail in told} == {MessageStatus.SENT}
    run(context, "2026-12-18 08:00", sends=False)
    with context.transaction() as session:
        session.add(Cursor(source="lapor", value="2026-12-15"))

    code, out, _ = call_tenggat("clock", "back", "--yes", "--site", context.site.folder)
    assert code == 0
    assert "last right  2026-11-20 08:00" in out
    assert "4 runs, " in out
    assert later_than(context, wita(AGAIN)) == []
    waiting = {MessageStatus.QUEUED, MessageStatus.SENDING, MessageStatus.HELD}
    assert waiting.isdisjoint(mail.status for mail in messages(context, "notices"))
    with context.transaction() as session:
        assert runs.last(session) == wita(AGAIN)
        assert verify(session.connection()).fault is None
        (row,) = session.scalars(select(AuditRow).where(AuditRow.kind == "clock.undone"))
        assert json.loads(row.subject)["mails_sent"] == len(told)

    run(context, "2026-11-20 12:05")
    corrections = [
        mail for mail in messages(context, "notices") if any_correction(context, mail.id)
    ]
    assert {mail.recipient for mail in corrections} == {mail.recipient for mail in told}
    assert {mail.status for mail in corrections} == {MessageStatus.SENT}
    assert before.items() <= statuses(context).items()
    register(context, "2026-11-24 07:00", at("Dinas Sosial"))
    run(context, TRULY_LATE)
    assert statuses(context)["breach/1"] == "sent"  # the ladder begins anew at the unit


@pytest.mark.thorough
def test_what_was_not_sent_leaves_no_trace_in_later_decisions(context):
    right, now = wita(RIGHT), wita(AGAIN)
    register(context, "2026-11-20 07:00", at("Dinas Sosial"))
    run(context, RIGHT)
    before, mails = statuses(context), len(messages(context, "notices"))
    register(context, FALSE, at("Dinas Sosial"))
    run(context, FALSE, sends=False)
    done = set_back(context, right, now, since=now, by="a person")
    assert (done.mails_cancelled > 0, done.mails_sent) == (True, 0)
    withdrawn = {name: status for name, status in statuses(context).items() if name not in before}
    assert withdrawn == {"breach/0": "withdrawn"}
    run(context, "2026-11-20 12:05")
    assert {each.status for each in messages(context, "notices")[mails:]} == {"cancelled"}
    register(context, "2026-11-24 07:00", at("Dinas Sosial"))
    run(context, TRULY_LATE)
    assert statuses(context)["breach/1"] == "sent"  # the next episode: the first was taken back


def any_correction(context: SiteContext, message: int) -> bool:
    with context.transaction() as session:
        items = session.scalars(select(MessageItem).where(MessageItem.message_id == message))
        return any(item.correction for item in items)


def test_what_was_imported_at_a_false_time_is_known_at_the_right_one(context):
    right, now = wita(RIGHT), wita(AGAIN)
    register(context, "2026-11-20 07:00", at("Dinas Sosial"))
    run(context, RIGHT)
    register(context, FALSE, at("Dinas Sosial"), at("DLH", "FD-2"))
    done = set_back(context, right, now, since=now, by="a person")
    assert done.imports == 1
    with context.transaction() as session:
        newest = session.scalars(select(SourceImport).order_by(SourceImport.id)).all()[-1]
        assert right < newest.observed_at < right + HOUR < newest.recorded_at <= now
        assert {row.recorded_at <= now for row in session.scalars(select(EventRow))} == {True}
        complaints = session.scalars(select(Complaint).order_by(Complaint.ticket)).all()
        assert [row.ticket for row in complaints] == ["FD-1", "FD-2"]
        assert {row.next_action_at for row in complaints} == {now}
    assert decide(context, "2026-11-20 12:05").evaluated == 2


def test_without_a_right_run_the_time_must_be_named(context, call_tenggat, monkeypatch):
    monkeypatch.setattr(clock_command, "real_time", lambda: wita(RIGHT))
    with context.transaction() as session:
        runs.finished(session, "intake", "intake", wita(FALSE), {})
    back = ("clock", "back", "--yes", "--site", context.site.folder)
    code, _, error = call_tenggat(*back)
    assert (code, "name the last right time with --at" in error) == (1, True)
    code, _, error = call_tenggat(*back, "--at", AGAIN)
    assert (code, "--at is later than the clock" in error) == (2, True)
    assert call_tenggat(*back, "--at", "2026-11-19 08:00")[0] == 0
    with context.transaction() as session:
        assert runs.last(session) == wita(RIGHT)
