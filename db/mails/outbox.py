"""The outbox: mails are queued, claimed for sending, and updated with the outcome."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Integer,
    Select,
    Table,
    and_,
    bindparam,
    exists,
    func,
    insert,
    or_,
    select,
    true,
    update,
)
from sqlalchemy.engine import CursorResult
from sqlalchemy.orm import Session, defer, selectinload

from db import notices
from db.bulk import AT_ONCE, chunked, insert_rows, new_ids
from db.lives import MessageStatus, NoticeStatus, statuses_before
from db.models import (
    DeliveryAttempt,
    LeftOut,
    ListedDuty,
    MessageItem,
    MessageKind,
    MessageRow,
    NoticeRow,
    Storm,
)

STALE_CLAIM = timedelta(minutes=15)
"""Age of a claim after which its process is considered dead, and the mail is tried again."""


IN_MAIL_HOURS = frozenset({MessageKind.NOTICES, MessageKind.SUMMARY})
"""The kinds of mails that leave in the mail hours only."""

PENDING = (MessageStatus.QUEUED, MessageStatus.SENDING)
"""Statuses of mails still to be sent."""

_MESSAGE = cast(Table, MessageRow.__table__)
_NOTICE = cast(Table, NoticeRow.__table__)
_ITEM = cast(Table, MessageItem.__table__)
_ATTEMPT = cast(Table, DeliveryAttempt.__table__)


def waiting(
    session: Session, recipients: Iterable[str], storm: Storm | None = None
) -> dict[str, MessageRow]:
    """Return the waiting mail with notices for each person that new notices can join.

    It waits for the morning, for the next delivery run, for an unreachable server, or after a
    server has deferred it. A mail that a server may have received is none. With `storm` it is the
    mail held by that storm.
    """
    found: dict[str, MessageRow] = {}
    query, which = (_WAITING, {}) if storm is None else (_HELD, {"storm": storm.id})
    for batch in chunked(recipients):
        for message in session.scalars(query, {"recipients": batch, **which}):
            found.setdefault(message.recipient, message)
    return found


NOT_RECEIVED = ("unavailable", "deferred")
"""The outcomes of attempts after which no server has the mail. A server that answers 4xx to MAIL,
RCPT or DATA has not taken it (RFC 5321, 4.2.1 and 4.2.5)."""

PERHAPS_RECEIVED = MessageRow.attempts.any(DeliveryAttempt.outcome.not_in(NOT_RECEIVED))
"""A server may have the mail. It may drop the copy, because that has the same Message-ID, and new
notices in the copy would be lost."""

_CAN_BE_JOINED = and_(
    MessageRow.status == MessageStatus.QUEUED,
    MessageRow.resent_of.is_(None),
    ~PERHAPS_RECEIVED,
)

_MAILS_TO = (
    select(MessageRow)
    .where(
        MessageRow.kind == MessageKind.NOTICES,
        MessageRow.recipient.in_(bindparam("recipients", expanding=True)),
    )
    .order_by(MessageRow.id)
    .with_for_update()
)

_WAITING = _MAILS_TO.where(_CAN_BE_JOINED)

_HELD = _MAILS_TO.where(
    MessageRow.status == MessageStatus.HELD, MessageRow.storm_id == bindparam("storm")
)

_SEVERAL_DUE = (
    select(MessageRow.recipient)
    .where(
        MessageRow.kind == MessageKind.NOTICES,
        MessageRow.status == MessageStatus.QUEUED,
        MessageRow.next_attempt_at <= bindparam("now"),
    )
    .group_by(MessageRow.recipient)
    .having(func.count() > 1)
)


def people_with_several_due(session: Session, now: datetime) -> Sequence[str]:
    """Return the people to whom more than one mail with notices is due at `now`."""
    return session.scalars(_SEVERAL_DUE, {"now": now}).all()


def due_together(
    session: Session, recipients: Iterable[str], now: datetime
) -> list[list[MessageRow]]:
    """Load the mails due at `now` that can be one mail, by person and oldest first, locked."""
    found: dict[str, list[MessageRow]] = {}
    query = _WAITING.where(MessageRow.next_attempt_at <= now).options(defer(MessageRow.mime))
    for batch in chunked(recipients):
        for message in session.scalars(query, {"recipients": batch}):
            found.setdefault(message.recipient, []).append(message)
    return [mails for mails in found.values() if len(mails) > 1]


MAIL_COLUMNS = (
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
    "storm_id",
    "detail",
)


@dataclass(slots=True)
class NewMail:
    """A new mail with notices, not stored yet: the columns of `MessageRow`.

    A run queues one for each person. A row of the ORM takes several times as long. `id` is set by
    :func:`add_items`.
    """

    message_id_header: str
    recipient: str
    recipient_name: str
    role: str
    unit: str | None
    locale: str | None
    created_at: datetime
    run_id: str
    status: MessageStatus
    next_attempt_at: datetime
    storm_id: int | None
    detail: dict[str, Any]
    id: int = 0


def _add(session: Session, new: Sequence[NewMail]) -> None:
    """Insert mails and set their ids."""
    session.flush()
    table = cast(Table, MessageRow.__table__)
    for mail, key in zip(new, new_ids(session, table, len(new)), strict=True):
        mail.id = key
    insert_rows(
        session,
        table,
        MAIL_COLUMNS,
        (
            (
                mail.id,
                mail.message_id_header,
                str(MessageKind.NOTICES),
                mail.recipient,
                mail.recipient_name,
                str(mail.role),
                mail.unit,
                mail.locale,
                mail.created_at,
                mail.run_id,
                str(mail.status),
                mail.next_attempt_at,
                mail.storm_id,
                json.dumps(mail.detail),
            )
            for mail in new
        ),
    )


ITEM_COLUMNS = ("message_id", "notice_id", "role", "copied", "correction")


NewItem = tuple[int, str, bool]
"""An item to add: the id of a notice, the role of the recipient, and whether it is for information
only."""


_ITEMS = select(MessageItem.message_id, MessageItem.notice_id).where(
    MessageItem.message_id.in_(bindparam("keys", expanding=True))
)


def add_items(
    session: Session, items: Sequence[tuple[MessageRow | NewMail, Sequence[NewItem]]]
) -> None:
    """Add notices to different mails, except those that a mail already has; store new mails."""
    new_mails = [message for message, _ in items if isinstance(message, NewMail)]
    old = [message.id for message, _ in items if isinstance(message, MessageRow)]
    if new_mails:
        _add(session, new_mails)
    session.flush()
    known: set[tuple[int, int]] = set()
    for batch in chunked(old):
        rows = session.execute(_ITEMS, {"keys": batch})
        known.update((row[0], row[1]) for row in rows)
    new = (
        (message.id, *item, False)
        for message, each in items
        for item in each
        if (message.id, item[0]) not in known
    )
    for added in chunked(new, AT_ONCE):
        insert_rows(session, cast(Table, MessageItem.__table__), ITEM_COLUMNS, added)
    for message, _ in items:
        if isinstance(message, MessageRow):
            session.expire(message, ["items"])


def release_stale_claims(session: Session, now: datetime) -> int:
    """Release mails that a dead process had claimed back to the queue."""
    stale = session.scalars(
        select(MessageRow.id).where(_has_stale_claim(now)).with_for_update(skip_locked=True)
    ).all()
    _queue_again(session, stale, now, "claimed, and no answer on record")
    return len(stale)


def release_unanswered(session: Session, token: str, messages: Iterable[int], now: datetime) -> int:
    """Release the mails that `token` handed over to the server without waiting for its answer."""
    query = select(MessageRow.id).where(_ours(token), MessageRow.id.in_(list(messages)))
    unanswered = session.scalars(query.with_for_update()).all()
    _queue_again(session, unanswered, now, "stopped before the server answered")
    return len(unanswered)


def _queue_again(session: Session, messages: Iterable[int], now: datetime, reason: str) -> None:
    """Queue claimed mails that the server may already have, with the same Message-ID.

    This counts as an attempt with a lost answer, and no notice may join the mail after it.
    """
    for batch in chunked(messages):
        _changed(
            session,
            MessageRow.id.in_(batch) & (MessageRow.status == MessageStatus.SENDING),
            MessageStatus.QUEUED,
            claim=None,
            next_attempt_at=now,
        )
        session.execute(
            insert(DeliveryAttempt),
            [
                {
                    "message_id": key,
                    "attempted_at": now,
                    "outcome": "lost",
                    "code": None,
                    "answer": reason,
                }
                for key in batch
            ],
        )


def any_stale_claim(session: Session, now: datetime) -> bool:
    """Check whether a mail is claimed by a process that has probably died."""
    return session.scalar(select(MessageRow.id).where(_has_stale_claim(now)).limit(1)) is not None


def _has_stale_claim(now: datetime) -> ColumnElement[bool]:
    return and_(
        MessageRow.status == MessageStatus.SENDING, MessageRow.claimed_at < now - STALE_CLAIM
    )


_NEXT_SEND_TIME = select(func.min(MessageRow.next_attempt_at)).where(
    MessageRow.status == MessageStatus.QUEUED
)


def next_send_time(session: Session, alert: str | None = None) -> datetime | None:
    """Return the earliest send time of all queued mails, or of the alerts of one kind."""
    query = _NEXT_SEND_TIME
    return session.scalar(query if alert is None else query.where(*of_alert(alert)))


def due(session: Session, now: datetime, limit: int) -> Sequence[MessageRow]:
    """Load the queued mails that are due at `now`, oldest first, without a lock."""
    return session.scalars(_DUE, {"now": now, "limit": limit}).all()


def count_due(session: Session, now: datetime) -> int:
    """Count the queued mails that are due at `now`."""
    query = select(func.count()).where(
        MessageRow.status == MessageStatus.QUEUED, MessageRow.next_attempt_at <= now
    )
    return session.scalar(query) or 0


def due_to_units(
    session: Session, now: datetime, superiors: Iterable[str], limit: int
) -> Sequence[int]:
    """Return the keys of the notice mails that are due at `now`, oldest first; without those to an
    office of these `superiors`.
    """
    to_units = MessageRow.role.not_in(list(superiors))
    query = _DUE.where(MessageRow.kind == MessageKind.NOTICES, to_units)
    query_of_ids = query.with_only_columns(MessageRow.id)
    return session.scalars(query_of_ids, {"now": now, "limit": limit}).all()


def queued(session: Session, messages: Iterable[int]) -> Sequence[MessageRow]:
    """Load those of these mails that are still queued, oldest first, without a lock."""
    query = _still_queued(messages).order_by(MessageRow.next_attempt_at, MessageRow.id)
    return session.scalars(query).all()


def locked(
    session: Session, messages: Iterable[int], *, skip_locked: bool = False
) -> list[MessageRow]:
    """Lock those of these mails that are still queued, and load them as they are now.

    With `skip_locked` mails locked by another delivery are left out.
    """
    query = (
        _still_queued(messages)
        .order_by(MessageRow.id)
        .execution_options(populate_existing=True)
        .with_for_update(of=MessageRow, skip_locked=skip_locked)
    )
    return list(session.scalars(query))


def _still_queued(messages: Iterable[int]) -> Select[tuple[MessageRow]]:
    return (
        select(MessageRow)
        .where(MessageRow.id.in_(list(messages)), MessageRow.status == MessageStatus.QUEUED)
        .options(defer(MessageRow.mime))
    )


def of_alert(alert: str | None) -> Sequence[ColumnElement[bool]]:
    """Return the conditions for the alerts of one kind; none for None: all mails."""
    if alert is None:
        return ()
    kind: ColumnElement[str] = MessageRow.detail["alert"].as_string()
    return (MessageRow.kind == MessageKind.ALERT, kind == alert)


_DUE = (
    select(MessageRow)
    .where(
        MessageRow.status == MessageStatus.QUEUED, MessageRow.next_attempt_at <= bindparam("now")
    )
    .order_by(MessageRow.next_attempt_at, MessageRow.id)
    .limit(bindparam("limit", type_=Integer))
    .options(defer(MessageRow.mime))
)
"""The queued mails that are due at `now`, oldest first."""

_NO_REPORT = MessageRow.kind != MessageKind.SUMMARY


def take_due(
    session: Session,
    now: datetime,
    limit: int,
    alert: str | None = None,
    first: Iterable[str] = (),
    *,
    officials: bool = False,
    notes: Iterable[str] = (),
    items: bool = True,
) -> list[MessageRow]:
    """Load the queued mails that are due at `now`, oldest first, locked for this transaction.

    The caller composes them. Without `items` these are not loaded. With `alert` only
    alerts of this kind are loaded. While an alert of one of the kinds `first` is due, only these
    alerts are loaded. With `officials` only the alerts of the kinds `notes` are loaded: alerts go
    to the administrators. Reports are loaded only if nothing else is due: they may name a unit
    whose notice leaves in the same run. Mails locked by another delivery are skipped if the
    database supports it.
    """
    which = {"now": now, "limit": limit}
    query = _DUE.where(*of_alert(alert))
    if items:
        each = selectinload(MessageRow.items).selectinload(MessageItem.notice)
        query = query.options(each.selectinload(NoticeRow.complaint))
    query = query.with_for_update(skip_locked=True, of=MessageRow)
    kind: ColumnElement[str] = MessageRow.detail["alert"].as_string()
    if officials:
        to_officials = MessageRow.kind != MessageKind.ALERT
        return list(session.scalars(query.where(or_(to_officials, kind.in_(list(notes)))), which))
    kinds = list(first)
    if kinds:
        urgent = query.where(MessageRow.kind == MessageKind.ALERT, kind.in_(kinds))
        found = list(session.scalars(urgent, which))
        if found:
            return found
    found = list(session.scalars(query.where(_NO_REPORT), which))
    return found or list(session.scalars(query, which))


@dataclass(frozen=True, slots=True)
class Claimed:
    """A mail claimed by this delivery for sending."""

    id: int
    recipient: str
    role: str
    mime: bytes


def claim(
    session: Session,
    token: str,
    messages: Collection[int],
    now: datetime,
    *,
    alerts_only: bool = False,
) -> list[Claimed]:
    """Claim mails for sending with `token`, and return the claimed ones.

    Each mail is claimed by an update of exactly one row, so of two concurrent deliveries only one
    finds it still queued. Rows that the other is about to claim are skipped if the database
    supports it (PostgreSQL). A mail is left for another time if notices were added after it was
    composed, or if its send time is after `now`, because another delivery has tried it. With
    `alerts_only` a mail to an official is left as well.
    """
    joined = (
        select(MessageItem.notice_id)
        .where(MessageItem.message_id == MessageRow.id, MessageItem.included.is_(None))
        .exists()
    )
    allowed = MessageRow.kind == MessageKind.ALERT if alerts_only else true()
    found: list[Claimed] = []
    for batch in chunked(messages):
        free = session.scalars(
            select(MessageRow.id)
            .where(MessageRow.id.in_(batch), MessageRow.status == MessageStatus.QUEUED, ~joined)
            .where(allowed, MessageRow.next_attempt_at <= now)
            .with_for_update(skip_locked=True)
        ).all()
        _changed(
            session,
            MessageRow.id.in_(free) & (MessageRow.status == MessageStatus.QUEUED),
            MessageStatus.SENDING,
            claim=token,
            claimed_at=now,
        )
        rows = session.execute(
            select(MessageRow.id, MessageRow.recipient, MessageRow.role, MessageRow.mime)
            .where(_ours(token), MessageRow.id.in_(free))
            .order_by(MessageRow.next_attempt_at, MessageRow.id)
        )
        found += [Claimed(key, to, role, mime or b"") for key, to, role, mime in rows]
    return found


def withdraw(session: Session, mails: Sequence[MessageRow], prefix: str, why: LeftOut) -> list[int]:
    """Take all matters out of these mails; return the ids of their notices, without corrections.

    Each gets another Message-ID, which begins with `prefix`: the same mail may become due again.
    """
    concerned: dict[int, None] = {}
    for mail in mails:
        mail.message_id_header = f"<{prefix}.{mail.id}.{mail.message_id_header.lstrip('<')}"[:255]
    session.flush()
    for batch in chunked(mail.id for mail in mails):
        these = MessageItem.message_id.in_(batch)
        notices_only = these & MessageItem.correction.is_(False)
        session.execute(update(MessageItem).where(these).values(included=False))
        session.execute(update(MessageItem).where(notices_only).values(left_out=why))
        rows = session.scalars(select(MessageItem.notice_id).where(notices_only).distinct())
        concerned.update(dict.fromkeys(rows))
    return list(concerned)


def give_back(
    session: Session, token: str, messages: Iterable[int], send_at: datetime | None = None
) -> None:
    """Release claimed but untried mails to the queue; optionally for a later send time."""
    later = {} if send_at is None else {"next_attempt_at": send_at}
    for batch in chunked(messages):
        _changed(
            session,
            _ours(token) & MessageRow.id.in_(batch),
            MessageStatus.QUEUED,
            claim=None,
            claimed_at=None,
            **later,
        )


def claimed(session: Session, token: str, messages: Iterable[int]) -> list[MessageRow]:
    """Load those of the mails still claimed by `token`, with items and notices, oldest first."""
    found: list[MessageRow] = []
    for batch in chunked(messages):
        found += session.scalars(
            select(MessageRow)
            .where(_ours(token), MessageRow.id.in_(batch))
            .order_by(MessageRow.next_attempt_at, MessageRow.id)
            .options(
                selectinload(MessageRow.items)
                .selectinload(MessageItem.notice)
                .selectinload(NoticeRow.complaint)
            )
        )
    return found


_THESE: BindParameter[Any] = bindparam("mails", expanding=True)
_LISTED = cast(Table, ListedDuty.__table__)


def _has(*conditions: ColumnElement[bool]) -> ColumnElement[bool]:
    """Build the condition that another table has such a row for a mail of an update."""
    return exists().where(*conditions).correlate(_MESSAGE)


_ACCEPTED = (
    update(_MESSAGE)
    .where(
        _MESSAGE.c.claim == bindparam("token"),
        _MESSAGE.c.status == MessageStatus.SENDING,
        _MESSAGE.c.status.in_(statuses_before(MessageStatus.SENT)),
        _MESSAGE.c.id.in_(_THESE),
    )
    .values(status=MessageStatus.SENT, claim=None, sent_at=bindparam("at"), next_attempt_at=None)
    .returning(
        _MESSAGE.c.id,
        _has(
            _ITEM.c.message_id == _MESSAGE.c.id,
            _ITEM.c.correction.is_(False),
            _ITEM.c.included.is_(False),
        ),
        _has(_LISTED.c.message_id == _MESSAGE.c.id, _LISTED.c.late),
    )
)
"""It also returns whether the mail leaves a notice out, and whether it lists a late duty. Most do
neither: the statements about these are left out then."""
_ATTEMPT_COLUMNS = ("message_id", "attempted_at", "outcome", "code", "answer")
_REPORTED = select(_ITEM.c.notice_id).where(
    _ITEM.c.message_id.in_(_THESE),
    _ITEM.c.correction.is_(False),
    _ITEM.c.included.is_(True),
)
_LEFT_OUT = select(_ITEM.c.notice_id).where(
    _ITEM.c.message_id.in_(_THESE),
    _ITEM.c.correction.is_(False),
    _ITEM.c.included.is_(False),
)
_SENT_NOTICES = (
    update(_NOTICE)
    .where(
        _NOTICE.c.id.in_(_REPORTED),
        _NOTICE.c.status.in_(statuses_before(NoticeStatus.SENT)),
    )
    .values(status=NoticeStatus.SENT)
)
_EVALUATION = notices.evaluation_of(_REPORTED)
_LISTED_WRONGLY = notices.evaluation_of_complaints(
    select(_LISTED.c.complaint_id)
    .join(_MESSAGE, _MESSAGE.c.id == _LISTED.c.message_id)
    .join(
        _NOTICE,
        (_NOTICE.c.complaint_id == _LISTED.c.complaint_id)
        & (_NOTICE.c.rule == _LISTED.c.rule)
        & (_NOTICE.c.clock == _LISTED.c.clock),
    )
    .where(
        _LISTED.c.message_id.in_(_THESE),
        _LISTED.c.late,
        _NOTICE.c.taken_back_at > _MESSAGE.c.composed_at,
    )
)
"""The statements of :func:`sent`. To build them anew for each mail would take longer than to
execute them."""


def sent(session: Session, token: str, answers: Mapping[int, str], now: datetime) -> frozenset[int]:
    """Record that the server accepted these mails; returns those still claimed by `token`.

    The claims of the others had expired, and another delivery claimed them. `answers` are the
    server's answers by mail id.
    """
    connection = session.connection()
    accepted = connection.execute(_ACCEPTED, {"token": token, "mails": list(answers), "at": now})
    found = accepted.tuples().all()
    ours = frozenset(key for key, _, _ in found)
    if not ours:
        return ours
    attempts = [(key, now, "sent", 250, said) for key, said in answers.items() if key in ours]
    insert_rows(session, _ATTEMPT, _ATTEMPT_COLUMNS, attempts)
    mails = {"mails": list(ours)}
    connection.execute(_SENT_NOTICES, mails)
    if leaving_out := [key for key, leaves_out, _ in found if leaves_out]:
        notices.settle(session, session.scalars(_LEFT_OUT, {"mails": leaving_out}), now)
    connection.execute(_EVALUATION, {**mails, "at": now})
    if listing := [key for key, _, lists_late in found if lists_late]:
        connection.execute(_LISTED_WRONGLY, {"mails": listing, "at": now})
    return ours


def _ours(token: str) -> ColumnElement[bool]:
    return (MessageRow.claim == token) & (MessageRow.status == MessageStatus.SENDING)


def _changed(
    session: Session, condition: ColumnElement[bool], status: MessageStatus, **values: Any
) -> int:
    result = session.execute(
        update(MessageRow)
        .where(condition, MessageRow.status.in_(statuses_before(status)))
        .values(status=status, **values)
        .execution_options(synchronize_session=False)
    )
    assert isinstance(result, CursorResult)
    return result.rowcount
