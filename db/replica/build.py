"""A replica: a copy of a site's data for simulations, in memory or, if large, in an unnamed file.

The site's database is only read. Data entered by complainants and the mails as sent are not copied.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import Any, cast

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    StaticPool,
    Table,
    create_engine,
    event,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.orm import Session

from db import notices
from db.bulk import chunked, insert_rows
from db.complaints import EVENT_COLUMNS
from db.decisions.mode import Mode
from db.lives import MessageStatus, NoticeStatus
from db.migrations.schema import SCHEMA
from db.models import (
    Base,
    Complaint,
    DeliveryAttempt,
    EventRow,
    FlowRunRecord,
    MessageItem,
    MessageKind,
    MessageRow,
    ModeChange,
    NoticeRow,
    Origin,
    PastFacts,
    SourceImport,
)
from db.replica import replay_queue

AT_ONCE = 10_000
"""Number of rows kept in memory at a time."""

COMPLAINT = (
    "id",
    "source",
    "ticket",
    "received_at",
    "recorded_at",
    "classification",
    "category",
    "channel",
    "place",
    "rating",
    "promised_due",
)
"""Columns of a complaint needed for an evaluation. Nothing else of it is copied."""

PAST_FACTS = (
    "id",
    "complaint_id",
    "superseded_at",
    "classification",
    "category",
    "channel",
    "place",
    "rating",
    "promised_due",
)
NOTICE = (
    "id",
    "complaint_id",
    "rule",
    "clock",
    "rung",
    "repeat",
    "episode",
    "kind",
    "unit",
    "reached_at",
    "decided_at",
    "taken_back_at",
    "status",
    "run_id",
    "regulation",
)
MESSAGE = (
    "id",
    "message_id_header",
    "kind",
    "recipient",
    "recipient_name",
    "role",
    "unit",
    "locale",
    "created_at",
    "run_id",
    "status",
    "next_attempt_at",
    "sent_at",
)
ITEM = ("message_id", "notice_id", "role", "copied", "correction", "included", "left_out")
SOURCE_IMPORT = (
    "id",
    "source",
    "name",
    "sha256",
    "observed_at",
    "recorded_at",
    "rows",
    "new",
    "updated",
    "unchanged",
    "quarantined",
    "period_from",
    "period_until",
)

RUNS = 800
"""Number of deadlines runs to copy: no question about past runs looks back further."""


def empty_replica() -> Engine:
    """Create a database with all tables and no rows. It disappears when the engine is disposed of.

    SQLite keeps a database without a name in memory up to its cache size, and the rest in an
    unnamed file.
    """
    engine = create_engine(
        "sqlite://",
        creator=lambda: sqlite3.connect("", isolation_level=None),
        poolclass=StaticPool,
        hide_parameters=True,
    )

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: Any) -> None:
        for pragma in ("journal_mode=MEMORY", "synchronous=OFF", "cache_size=-131072"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Any) -> None:
        connection.exec_driver_sql("BEGIN")

    SCHEMA.create_all(engine)
    replay_queue.replica_only.create_all(engine)
    return engine


def clone(replica: Engine) -> Engine:
    """Create another replica with the same rows."""
    other = empty_replica()
    with replica.connect() as one, other.connect() as two:
        from_here, to_there = one.connection.driver_connection, two.connection.driver_connection
        assert isinstance(from_here, sqlite3.Connection)
        assert isinstance(to_there, sqlite3.Connection)
        from_here.backup(to_there)
    return other


def copy_known(
    source: Connection,
    session: Session,
    *,
    begin: datetime,
    end: datetime,
    derived: Collection[str],
) -> None:
    """Copy all data recorded before `end` that an evaluation from `begin` on may use.

    Data recorded from `begin` on go to the replay queue (`db.replica.replay_queue`). `derived` are
    the sources of events that deadlines runs add themselves: those added from `begin` on are left
    out.
    """
    hidden = {"anonymous": False, "secret": False}  # needed only for the text of a mail
    _copy(source, session, Complaint, COMPLAINT, Complaint.recorded_at < end, **hidden)
    lapses = EventRow.source.in_(list(derived)) & (EventRow.recorded_at >= begin)
    _copy(source, session, EventRow, ("id", *EVENT_COLUMNS), (EventRow.recorded_at < end) & ~lapses)
    _copy(source, session, PastFacts, PAST_FACTS, PastFacts.superseded_at >= begin)
    _copy(source, session, SourceImport, SOURCE_IMPORT, SourceImport.recorded_at < end)
    _copy_whole(source, session, Origin, Origin.recorded_at < end)
    _set_live(session)
    replay_queue.enqueue(session, begin, end)


def _set_live(session: Session) -> None:
    """Let the replica be live since long ago: a simulation sends, also of a site in trial."""
    long_ago = datetime(1970, 1, 1, tzinfo=UTC)
    session.add(
        ModeChange(
            mode=Mode.LIVE,
            decided_at=long_ago,
            decided_by="simulation",
            effective_from=long_ago,
            activated_at=long_ago,
        )
    )


def copy_done(source: Connection, session: Session, *, begin: datetime, send_at: datetime) -> None:
    """Copy the notices and mails from before `begin`, in their state at that time.

    A mail waiting at `begin` is queued for its real time of sending, or for `send_at` if it was
    never sent.
    """
    before = (MessageRow.created_at < begin) & (MessageRow.status != MessageStatus.TRIAL)
    decided = (NoticeRow.decided_at < begin) & (NoticeRow.status != NoticeStatus.TRIAL)
    _copy(source, session, NoticeRow, NOTICE, decided)
    session.execute(
        update(NoticeRow).where(NoticeRow.taken_back_at >= begin).values(taken_back_at=None)
    )
    kinds = MessageRow.kind != MessageKind.SUMMARY
    _copy(source, session, MessageRow, MESSAGE, before & kinds, detail="{}")
    of_notices = select(NoticeRow.id).where(decided)
    of_mails = select(MessageRow.id).where(before)
    both = MessageItem.notice_id.in_(of_notices) & MessageItem.message_id.in_(of_mails)
    _copy(source, session, MessageItem, ITEM, both)
    runs = select(FlowRunRecord).where(FlowRunRecord.flow == "deadlines", FlowRunRecord.now < begin)
    _insert_whole(
        source, session, FlowRunRecord, runs.order_by(FlowRunRecord.now.desc()).limit(RUNS)
    )
    _as_it_stood(source, session, begin, send_at)


def _as_it_stood(source: Connection, session: Session, begin: datetime, send_at: datetime) -> None:
    """Reset the copied mails to their state at `begin`; alerts count as sent."""
    is_alert = MessageRow.kind == MessageKind.ALERT
    _reset(session, is_alert, status=MessageStatus.SENT, next_attempt_at=None)
    died = (
        select(DeliveryAttempt.message_id)
        .join(MessageRow, MessageRow.id == DeliveryAttempt.message_id)
        .where(
            MessageRow.kind == MessageKind.NOTICES,
            MessageRow.status == MessageStatus.DEAD,
            MessageRow.created_at < begin,
        )
        .group_by(DeliveryAttempt.message_id)
        .having(func.max(DeliveryAttempt.attempted_at) >= begin)
    )
    stuck = (MessageStatus.QUEUED, MessageStatus.SENDING, MessageStatus.HELD)
    later = MessageRow.sent_at >= begin
    waiting = set(session.scalars(select(MessageRow.id).where(MessageRow.status.in_(stuck))))
    waiting |= set(source.scalars(died))
    went = set(session.scalars(select(MessageRow.id).where(later, ~is_alert)))
    queued: dict[str, Any] = {"status": MessageStatus.QUEUED, "sent_at": None, "storm_id": None}
    for batch in chunked(waiting - went):
        _reset(session, MessageRow.id.in_(batch), **queued, next_attempt_at=send_at)
    for batch in chunked(went):
        _reset(session, MessageRow.id.in_(batch), **queued, next_attempt_at=MessageRow.sent_at)
    concerned: set[int] = set()
    for batch in chunked(waiting | went):
        of_these = MessageItem.message_id.in_(batch)
        concerned.update(session.scalars(select(MessageItem.notice_id).where(of_these)))
        session.execute(update(MessageItem).where(of_these).values(included=None, left_out=None))
    session.expire_all()
    notices.settle(session, concerned, begin)
    session.flush()


def _reset(session: Session, which: ColumnElement[bool], **values: Any) -> None:
    """Set mails of the replica back in time, against the direction that `MAIL_LIFE` allows."""
    session.execute(
        update(MessageRow)
        .where(which)
        .values(**values)
        .execution_options(synchronize_session=False)
    )


def _copy(
    source: Connection,
    session: Session,
    model: type[Base],
    columns: Sequence[str],
    where: ColumnElement[bool],
    **constant: object,
) -> None:
    """Copy these columns of rows in chunks, and set others to a constant value."""
    table = cast(Table, model.__table__)
    query = select(*(table.c[name] for name in columns)).where(where)
    found = source.execute(query.execution_options(yield_per=AT_ONCE))
    names, extra = (*columns, *constant), tuple(constant.values())
    for rows in _some(found):
        insert_rows(session, table, names, ((*row, *extra) for row in rows))


def _some(rows: Iterable[Any]) -> Iterable[list[Any]]:
    source = iter(rows)
    while batch := list(islice(source, AT_ONCE)):
        yield batch


def _copy_whole(
    source: Connection, session: Session, model: type[Base], where: ColumnElement[bool]
) -> None:
    """Copy rows with all columns: only for short tables."""
    _insert_whole(source, session, model, select(model).where(where))


def _insert_whole(source: Connection, session: Session, model: type[Base], query: Any) -> None:
    rows = [dict(row) for row in source.execute(query).mappings()]
    if rows:
        session.execute(insert(model), rows)
