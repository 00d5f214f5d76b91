"""A first run over a large backlog costs few statements and keeps few objects in memory."""

from __future__ import annotations

import email
import email.policy
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest
from conftest import ON_SQLITE_FIRST, wita
from sqlalchemy import event, func, select
from support.live_sites import back_to_trial
from support.pipeline import (
    BEGUN,
    BREACHED,
    at,
    begin,
    decide,
    deliver,
    register,
    write_register,
)

from db.audit import AuditKind
from db.mails import mail_items, outbox
from db.models import AuditRow, Complaint, MessageItem, MessageRow, NoticeRow
from tasks import deadlines
from tasks.common.context import SiteContext
from tasks.deadlines import evaluate_and_notify
from tasks.delivery import send_owed
from tasks.ingest import counted_rows
from tasks.intake import pull
from tasks.notifications import sender, workbook_attachment
from tasks.notifications.composing.compose import Composer, compose_all, in_groups
from tasks.notifications.desk import Case, DeskLoader, DeskReader
from tasks.notifications.rate_limit import RunClock
from tasks.notifications.unlisted import DeskEntry
from tasks.notifications.views import Desk
from tasks.notifications.workbook_attachment import Workbooks

LATER = "2026-11-24 09:00"

LATE = 150
STATEMENTS = 100
"""More than a run over a handful of complaints needs, and fewer than one for each of `LATE`."""


@contextmanager
def statements(context: SiteContext) -> Iterator[list[object]]:
    """The statements that are executed in the block; many rows of one statement count once."""
    executed: list[object] = []

    def note(*given: object) -> None:
        executed.append(given[2])

    event.listen(context.engine, "before_cursor_execute", note)
    yield executed
    event.remove(context.engine, "before_cursor_execute", note)


@contextmanager
def made(*kinds: type) -> Iterator[list[object]]:
    """The names of the objects of the ORM that are made or loaded in the block."""
    found: list[object] = []

    def note(target: object, *_: object) -> None:
        found.append(type(target).__name__)

    for kind in kinds:
        event.listen(kind, "init", note)
        event.listen(kind, "load", note)
    yield found
    for kind in kinds:
        event.remove(kind, "init", note)
        event.remove(kind, "load", note)


def backlog(context: SiteContext) -> None:
    """Register complaints that are all late today."""
    units = ("Dinas Sosial", "DLH", "Dinas Kesehatan")
    entries = (at(units[n % 3], f"FD-{n:04}") for n in range(LATE))
    register(context, BREACHED, *entries)


@pytest.mark.thorough
def test_a_backlog_costs_statements_by_the_batch_and_not_by_the_complaint(context):
    backlog(context)
    with statements(context) as executed:
        count = decide(context, BREACHED)
    assert (count.evaluated, count.breached, sum(count.notices.values())) == (LATE,) * 3
    assert len(executed) < STATEMENTS


@ON_SQLITE_FIRST
def test_the_pending_notices_of_a_backlog_are_no_objects_of_the_orm(context):
    backlog(context)
    with made(NoticeRow, MessageItem) as found:
        decide(context, BREACHED)
    assert found == []
    with context.transaction() as session:
        notices = session.scalar(select(func.count()).select_from(NoticeRow)) or 0
        items = session.scalar(select(func.count()).select_from(MessageItem)) or 0
        kinds = session.scalars(select(AuditRow.kind)).all()
        assert notices >= LATE
        assert items >= LATE
        assert kinds.count(AuditKind.NOTICE_QUEUED) == LATE


@pytest.mark.thorough
def test_a_long_run_reports_its_progress(context, monkeypatch):
    monkeypatch.setattr(deadlines, "BATCH", 20)
    monkeypatch.setattr(deadlines, "PROGRESS", 50)
    backlog(context)
    reported: list[tuple[int, int]] = []
    evaluate_and_notify(
        context,
        wita(BREACHED),
        "a test",
        progress=lambda done, total: reported.append((done, total)),
    )
    assert reported == [(60, LATE), (100, LATE)]


@pytest.mark.thorough
def test_the_mails_of_a_backlog_are_composed_in_groups(context, monkeypatch):
    """The mails of a unit are in one group, because they are about the same complaints."""
    backlog(context)
    decide(context, BREACHED)
    monkeypatch.setattr(mail_items, "GROUP", LATE * 2 // 3)
    with context.transaction() as session:
        due = outbox.take_due(session, wita(BREACHED), 100, items=False)
        groups = list(mail_items.in_groups(session, due))
        about = [mail_items.complaints_in(session, [each.id for each in group]) for group in groups]
        assert not any("items" in each.__dict__ for each in due)
    assert sum(map(len, groups)) == len(due)
    assert all(len(complaints) <= mail_items.GROUP for complaints in about)
    assert sum(map(len, about)) == LATE
    assert len(groups) > 1
    deliver(context, BREACHED)
    with context.transaction() as session:
        included = session.scalars(select(MessageItem.included)).all()
        assert len(included) == 2 * LATE
        assert all(included)
        assert set(session.scalars(select(NoticeRow.status))) == {"sent"}


def test_composing_a_backlog_loads_each_complaint_once_and_no_other_objects_of_the_orm(
    context, monkeypatch
):
    """The liaison officer and the head of a unit read about the same complaints."""
    backlog(context)
    decide(context, BREACHED)
    monkeypatch.setattr(mail_items, "GROUP", LATE // 3)
    with made(NoticeRow, MessageItem, Complaint) as found:
        assert deliver(context, BREACHED).sent == 6
    assert found == ["Complaint"] * LATE


def test_the_digest_of_a_trial_over_a_backlog_loads_no_items(context):
    back_to_trial(context)
    backlog(context)
    decide(context, BREACHED)
    with made(NoticeRow, MessageItem) as found:
        assert deliver(context, BREACHED).in_trial == 6
    assert found == []
    with context.transaction() as session:
        assert set(session.scalars(select(NoticeRow.status))) == {"trial"}
        assert all(session.scalars(select(MessageItem.included)))


def test_mails_that_take_long_to_compose_leave_before_the_others_are_composed(context, monkeypatch):
    """Six mails of two minutes each are more than a run may take, and each has to leave fresh."""
    backlog(context)
    decide(context, BREACHED)
    spent = [timedelta(0)]
    compose = Composer.compose

    def slowly(composer: Composer, message: MessageRow) -> bytes | None:
        spent[0] += timedelta(minutes=2)
        return compose(composer, message)

    class Slow(RunClock):
        def moment(self) -> datetime:
            return super().moment() + spent[0]

    monkeypatch.setattr(Composer, "compose", slowly)
    sent = []
    for number in range(3):
        spent[0] = timedelta(0)
        now = wita(BREACHED) + timedelta(hours=number)
        sent.append(send_owed(context, now, f"run {number}", Slow).sent)
    assert sent == [2, 2, 2]


def test_a_delivery_and_an_import_report_how_far_they_are(context, monkeypatch):
    monkeypatch.setattr(sender, "PROGRESS", timedelta(0))
    monkeypatch.setattr(counted_rows, "PROGRESS", 60)
    begin(context, "register", wita(BEGUN))
    write_register(
        context, wita(BREACHED), *(at("Dinas Sosial", f"FD-{n:04}") for n in range(LATE))
    )
    read: list[tuple[str, int]] = []
    pull(context, "register", wita(BREACHED), lambda *given: read.append(given))
    assert read == [("register", 60), ("register", 120)]
    decide(context, BREACHED)
    composed: list[tuple[int, int]] = []
    send_owed(context, wita(BREACHED), "a test", progress=lambda *given: composed.append(given))
    assert composed == [(1, 2), (2, 2)]


def test_the_mails_to_people_who_see_every_unit_share_all_complaints(context, monkeypatch):
    """The regional secretary and the inspector read these mails as heads of their own units. Of the
    other units they read a number alone: their complaints are evaluated for these units only.
    """
    entries = [at("Dinas Sosial", f"FD-{number}") for number in range(20)]
    own = (at("Sekretariat Daerah", "FD-20"), at("Inspektorat", "FD-21"))
    register(context, BREACHED, *entries, *own)
    decide(context, BREACHED)
    monkeypatch.setattr(mail_items, "GROUP", 1)
    with made(Complaint) as found:
        assert deliver(context, BREACHED).sent == 6
    of_superiors, at_the_units = 2, 22
    assert len(found) == of_superiors + at_the_units


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_sqlite_finds_many_keys_by_an_index(context):
    """Without one, each statement of a run over a backlog reads a whole table."""
    executed: dict[str, Any] = {}

    def note(*given: Any) -> None:
        if "json_each" in given[2]:
            executed[given[2]] = given[3]

    event.listen(context.engine, "before_cursor_execute", note)
    backlog(context)
    decide(context, BREACHED)
    deliver(context, BREACHED)
    decide(context, LATER)
    event.remove(context.engine, "before_cursor_execute", note)
    assert len(executed) >= 8
    with context.engine.connect() as connection:
        for statement, parameters in executed.items():
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
            scanned = {step.split()[1] for *_, step in plan if step.startswith("SCAN ")}
            assert scanned <= {"json_each", "bounce"}, statement


def everyones_mails(context: SiteContext, now: str = BREACHED) -> dict[str, bytes]:
    """The mails over a backlog as they would be sent, by their recipients; nothing is stored."""
    with context.run(wita(now), "a test") as run:
        due = outbox.take_due(run.session, run.now, 100, items=False)
        found = {
            message.recipient: mime
            for group in in_groups(run, due)
            for message, mime in compose_all(run, group)
            if isinstance(mime, bytes)
        }
        run.session.rollback()
    return found


@pytest.fixture
def with_superiors(context: SiteContext, monkeypatch: pytest.MonkeyPatch) -> SiteContext:
    """A backlog of which the secretary and the inspector read most only in a number."""
    units = ("Dinas Sosial", "DLH", "Sekretariat Daerah", "Inspektorat")
    register(context, BREACHED, *(at(units[n % 4], f"FD-{n:04}") for n in range(40)))
    decide(context, BREACHED)
    monkeypatch.setattr(mail_items, "GROUP", 1)
    monkeypatch.setattr("tasks.notifications.render.MOST_IN_BODY", 3)
    return context


def test_what_readers_of_one_unit_share_changes_no_mail(with_superiors, monkeypatch):
    made_workbooks: list[int] = []
    entries: list[int] = []
    workbook, entry = workbook_attachment.notices_workbook, DeskLoader._entry

    def counted_workbook(view: Desk, *given: Any) -> bytes:
        made_workbooks.append(view.total)
        return workbook(view, *given)

    def counted_entry(loader: DeskLoader, reader: DeskReader, case: Case) -> DeskEntry:
        entries.append(case[0].id)
        return entry(loader, reader, case)

    monkeypatch.setattr(workbook_attachment, "notices_workbook", counted_workbook)
    monkeypatch.setattr(DeskLoader, "_entry", counted_entry)
    shared = everyones_mails(with_superiors)
    few = len(made_workbooks), len(entries)
    made_workbooks.clear()
    entries.clear()
    monkeypatch.setattr(DeskLoader, "_shared_entry", counted_entry)
    monkeypatch.setattr(Workbooks, "of", lambda self, *given: counted_workbook(*given))
    assert everyones_mails(with_superiors) == shared
    assert few[0] < len(made_workbooks)
    assert few[1] < len(entries)


def test_what_superiors_read_only_in_a_number_is_counted_and_not_kept(with_superiors, monkeypatch):
    kept: list[int] = []
    load = DeskLoader.__init__

    def noted(loader: DeskLoader, *given: Any, **named: Any) -> None:
        load(loader, *given, **named)
        kept.append(len(loader.cases))

    monkeypatch.setattr(DeskLoader, "__init__", noted)
    counted = everyones_mails(with_superiors)
    assert max(kept) == 20
    monkeypatch.setattr(DeskLoader, "_to_evaluate", lambda loader, keys: keys)
    assert everyones_mails(with_superiors) == counted
    assert max(kept) == 20
    monkeypatch.setattr(DeskLoader, "_only_in_a_number", lambda *given: False)
    assert everyones_mails(with_superiors) == counted
    assert max(kept) == 40
    secretary = email.message_from_bytes(
        counted["sekda@contohkab.example"], policy=email.policy.default
    )
    body = secretary.get_body(("plain",))
    assert body is not None
    assert "20" in body.get_content()


UNCERTAIN = {
    "it is not shown any more": None,
    "it was withdrawn and not evaluated since": {"Dicabut": "24/11/2026 08:30"},
    "a duty is not late": {"Jenis": "Pengaduan", "Diteruskan": "23/11/2026 09:00"},
    "it came to another unit": {"Unit": "DLH"},
    "its unit is not known": {"Unit": "Dinas Perikanan Darat"},
}
"""What the register of `LATER` says of a complaint that was late before."""


@pytest.mark.parametrize("change", UNCERTAIN.values(), ids=UNCERTAIN)
@pytest.mark.parametrize("evaluated", [True, False])
def test_only_certainly_late_duties_are_counted_without_an_evaluation(
    context, monkeypatch, change, evaluated
):
    others = (at("Dinas Sosial", "FD-2"), at("Sekretariat Daerah", "FD-3"))
    register(context, BREACHED, at("Dinas Sosial"), *others)
    decide(context, BREACHED)
    changed = () if change is None else (at("Dinas Sosial") | change,)
    begin(context, "register", wita(BEGUN))
    write_register(context, wita(LATER), *changed, *others)
    pull(context, "register", wita(LATER))
    if evaluated:
        decide(context, LATER)
    to_evaluate = DeskLoader._to_evaluate
    evaluated_for_superiors: set[int] = set()

    def noted(loader: DeskLoader, keys: Iterable[int]) -> list[int]:
        found = list(to_evaluate(loader, keys))
        if loader._units_of_others is not None:
            evaluated_for_superiors.update(found)
        return found

    monkeypatch.setattr(mail_items, "GROUP", 1)
    monkeypatch.setattr(DeskLoader, "_to_evaluate", noted)
    counted = everyones_mails(context, LATER)
    monkeypatch.setattr(DeskLoader, "_to_evaluate", lambda loader, keys: keys)
    assert everyones_mails(context, LATER) == counted
    with context.transaction() as session:
        rows = session.execute(select(Complaint.id, Complaint.ticket)).tuples().all()
    asked = {ticket for key, ticket in rows if key in evaluated_for_superiors}
    assert asked <= {"FD-1"}
    assert asked or evaluated
