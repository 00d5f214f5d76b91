"""The outbox: mails are queued, claimed for sending, and updated with the outcome."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Any, cast

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Select,
    Table,
    Update,
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
from sqlalchemy.orm import InstrumentedAttribute, Session, defer, selectinload
from sqlalchemy.orm.attributes import set_committed_value

from db import notices
from db.bulk_insert import insert_rows, new_ids
from db.complaints import AT_ONCE, chunked, is_one_of
from db.lives import MessageStatus, NoticeStatus, statuses_before
from db.models import (
    Base,
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

GROUP = 10_000
"""Number of complaints of mails that are in memory together, unless the mails of one unit have
more."""

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
    """Return the waiting mail with notices for each person that no server has received yet.

    It waits for the morning, for the next delivery run, or for an unreachable server. With `storm`
    it is the mail held by that storm. New notices can join it.
    """
    found: dict[str, MessageRow] = {}
    query, which = (_WAITING, {}) if storm is None else (_HELD, {"storm": storm.id})
    for batch in chunked(recipients):
        for message in session.scalars(query, {"recipients": batch, **which}):
            found.setdefault(message.recipient, message)
    return found


TRIED = MessageRow.attempts.any(DeliveryAttempt.outcome != "unavailable")
"""A server may have the mail, or has deferred it."""

_MAILS_TO = (
    select(MessageRow)
    .where(
        MessageRow.kind == MessageKind.NOTICES,
        MessageRow.recipient.in_(bindparam("recipients", expanding=True)),
    )
    .order_by(MessageRow.id)
    .with_for_update()
)

_WAITING = _MAILS_TO.where(
    MessageRow.status == MessageStatus.QUEUED, MessageRow.resent_of.is_(None), ~TRIED
)

_HELD = _MAILS_TO.where(
    MessageRow.status == MessageStatus.HELD, MessageRow.storm_id == bindparam("storm")
)


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
    return session.scalars(_due(now, limit)).all()


def count_due(session: Session, now: datetime) -> int:
    """Count the queued mails that are due at `now`."""
    query = select(func.count()).where(
        MessageRow.status == MessageStatus.QUEUED, MessageRow.next_attempt_at <= now
    )
    return session.scalar(query) or 0


def offices(session: Session, messages: Iterable[int]) -> dict[int, set[tuple[str, str]]]:
    """Return the offices to which each of these mails goes: role and unit; without corrections."""
    found: dict[int, set[tuple[str, str]]] = {}
    for batch in chunked(messages):
        rows = session.execute(
            select(MessageItem.message_id, MessageItem.role, NoticeRow.unit)
            .join(NoticeRow, NoticeRow.id == MessageItem.notice_id)
            .where(MessageItem.message_id.in_(batch), MessageItem.correction.is_(False))
            .distinct()
        )
        for message, role, unit in rows:
            found.setdefault(message, set()).add((role, unit))
    return found


def load_items(session: Session, messages: Sequence[MessageRow]) -> None:
    """Load the items of these mails, with notices and complaints."""
    notice = selectinload(MessageItem.notice).selectinload(NoticeRow.complaint)
    _load_items(session, messages, _ITEMS_OF.options(notice))


def _load_items(
    session: Session, messages: Sequence[MessageRow], query: Select[tuple[MessageItem]]
) -> None:
    by_message: dict[int, list[MessageItem]] = {message.id: [] for message in messages}
    for batch in chunked(by_message):
        for item in session.scalars(query, {"keys": batch}):
            by_message[item.message_id].append(item)
    for message in messages:
        set_committed_value(message, "items", by_message[message.id])


_ITEMS_OF = (
    select(MessageItem)
    .where(MessageItem.message_id.in_(bindparam("keys", expanding=True)))
    .order_by(MessageItem.message_id, MessageItem.notice_id)
)


def take_apart(session: Session, now: datetime, limit: int) -> list[MessageRow]:
    """Load the queued mails that are due at `now` with their items, and take them out of the
    session.

    :func:`store_sent` writes what becomes of them. The notices of the items are not loaded.
    """
    messages = take_due(session, now, limit, items=False)
    _load_items(session, messages, _ITEMS_OF)
    for message in messages:
        for item in message.items:
            session.expunge(item)
        session.expunge(message)
    return messages


def _update_of(model: type[Base], keys: Sequence[str], columns: Sequence[str]) -> Update:
    """Build the update of these columns of a row with these keys."""
    table = cast(Table, model.__table__)
    return (
        update(table)
        .where(*(table.c[name] == bindparam(f"_{name}") for name in keys))
        .values({name: bindparam(f"new_{name}") for name in columns})
    )


_STORE_MAIL = _update_of(MessageRow, ["id"], ["status", "next_attempt_at", "sent_at"])
_STORE_ITEM = _update_of(MessageItem, ["message_id", "notice_id"], ["included", "left_out"])


def store_sent(session: Session, messages: Sequence[MessageRow]) -> None:
    """Write the outcome of mails that are apart from the session, and of their items."""
    mails = [
        {
            "_id": message.id,
            "new_status": str(message.status),
            "new_next_attempt_at": message.next_attempt_at,
            "new_sent_at": message.sent_at,
        }
        for message in messages
    ]
    items = [
        _outcome(item.message_id, item.notice_id, item)
        for message in messages
        for item in message.items
    ]
    session.flush()
    for statement, values in ((_STORE_MAIL, mails), (_STORE_ITEM, items)):
        if values:
            session.execute(statement, values)


@dataclass(slots=True)
class MailedNotice:
    """A notice in a mail: those columns of `NoticeRow` by which the mail is composed."""

    id: int
    complaint_id: int
    rule: str
    clock: int
    unit: str
    rung: str
    repeat: int
    kind: str
    reached_at: datetime
    taken_back_at: datetime | None


@dataclass(slots=True)
class MailItem:
    """An item of a mail with its notice, while the mail is composed.

    A mail of a first run may have hundreds of thousands. Objects of the ORM take six times the
    memory. :func:`store_items` writes `included` and `left_out`.
    """

    role: str
    copied: bool
    correction: bool
    included: bool | None
    left_out: str | None
    notice: MailedNotice


_MAIL_ITEMS = (
    select(
        MessageItem.message_id,
        MessageItem.role,
        MessageItem.copied,
        MessageItem.correction,
        MessageItem.included,
        MessageItem.left_out,
        NoticeRow.id,
        NoticeRow.complaint_id,
        NoticeRow.rule,
        NoticeRow.clock,
        NoticeRow.unit,
        NoticeRow.rung,
        NoticeRow.repeat,
        NoticeRow.kind,
        NoticeRow.reached_at,
        NoticeRow.taken_back_at,
    )
    .join(NoticeRow, NoticeRow.id == MessageItem.notice_id)
    .where(MessageItem.message_id.in_(bindparam("mails", expanding=True)))
    .order_by(MessageItem.message_id, MessageItem.notice_id)
)


def items_of(session: Session, messages: Iterable[int]) -> dict[int, list[MailItem]]:
    """Load the items of these mails with their notices, by mail."""
    known: dict[str, str] = {}
    text = known.setdefault  # the items have few different texts, each many times
    found: dict[int, list[MailItem]] = {}
    for batch in chunked(messages):
        found.update((key, []) for key in batch)
        for mail, role, copied, correction, included, left_out, *columns in session.execute(
            _MAIL_ITEMS, {"mails": batch}
        ):
            key, complaint, rule, clock, unit, rung, repeat, kind, reached_at, taken_back_at = (
                columns
            )
            notice = MailedNotice(
                key,
                complaint,
                text(rule, rule),
                clock,
                text(unit, unit),
                text(rung, rung),
                repeat,
                text(kind, kind),
                reached_at,
                taken_back_at,
            )
            marks = copied, correction, included, left_out
            found[mail].append(MailItem(text(role, role), *marks, notice))
    return found


_Outcome = tuple[bool | None, str | None]


def _outcome(mail: int, notice: int, item: MessageItem | MailItem) -> dict[str, Any]:
    """Return the parameters of `_STORE_ITEM` for an item of a mail."""
    return {
        "_message_id": mail,
        "_notice_id": notice,
        "new_included": item.included,
        "new_left_out": item.left_out,
    }


def store_items(
    session: Session, contents: Sequence[tuple[MessageRow, Sequence[MailItem]]]
) -> None:
    """Store which of the items of these mails each mail reports, and why it leaves others out.

    Nearly all items have the same outcome: those of all such mails take few statements.
    """
    alike: dict[_Outcome, tuple[list[int], dict[int, None]]] = {}
    others: list[dict[str, Any]] = []
    for message, items in contents:
        outcomes = {(item.included, item.left_out) for item in items}
        if len(outcomes) == 1:
            mails, keys = alike.setdefault(outcomes.pop(), ([], {}))
            mails.append(message.id)
            keys.update((item.notice.id, None) for item in items)
            continue
        others += [_outcome(message.id, item.notice.id, item) for item in items]
    connection = session.connection()
    for (included, left_out), (mails, keys) in alike.items():
        in_mails = _ITEM.c.message_id.in_(mails)
        for batch in chunked(keys, AT_ONCE):
            these = in_mails & is_one_of(connection, _ITEM.c.notice_id, batch)
            session.execute(update(_ITEM).where(these).values(included=included, left_out=left_out))
    if others:
        session.execute(_STORE_ITEM, others)
    for message, items in contents:
        if "items" in message.__dict__:
            stored = {item.notice.id: item for item in items}
            for row in message.items:
                if (known := stored.get(row.notice_id)) is not None:
                    set_committed_value(row, "included", known.included)
                    set_committed_value(row, "left_out", known.left_out)


def roles_of(session: Session, message: MessageRow) -> Sequence[str]:
    """Return the roles to which a mail is addressed, each once; without corrections."""
    query = select(MessageItem.role).where(
        MessageItem.message_id == message.id, MessageItem.correction.is_(False)
    )
    return session.scalars(query.distinct()).all()


def notices_in(session: Session, messages: Iterable[int]) -> list[int]:
    """Return the ids of the notices in these mails, each once."""
    return _once(session, MessageItem.notice_id, messages)


def complaints_in(session: Session, messages: Iterable[int]) -> list[int]:
    """Return the ids of the complaints in these mails, each once."""
    return _once(session, NoticeRow.complaint_id, messages)


def _once(
    session: Session, column: InstrumentedAttribute[int], messages: Iterable[int]
) -> list[int]:
    found: dict[int, None] = {}
    joined = NoticeRow.id == MessageItem.notice_id
    query = select(column).select_from(MessageItem).join(NoticeRow, joined).distinct()
    for batch in chunked(messages):
        rows = session.scalars(query.where(MessageItem.message_id.in_(batch)))
        found.update(dict.fromkeys(rows))
    return list(found)


def in_groups(
    session: Session,
    messages: Sequence[MessageRow],
    sees: Callable[[MessageRow], str | None] = attrgetter("unit"),
) -> Iterator[list[MessageRow]]:
    """Yield mails in groups, to be composed together.

    The mails of one unit are about the same complaints, so they are in one group; `sees` returns
    the unit of a mail, or another mark of what its reader sees. A group has at most :data:`GROUP`
    complaints, or the mails of one unit. Its contents are released before the next one: the mails
    of a first run may have more than a million items.
    """
    counts = item_counts(session, [message.id for message in messages])
    for group in _groups(messages, counts, sees):
        yield group
        session.flush()
        for message in group:
            session.expire(message, ["items", "mime"])


def item_counts(session: Session, messages: Iterable[int]) -> dict[int, int]:
    """Return the number of items of each of these mails; a mail without any is left out."""
    counts: dict[int, int] = {}
    for batch in chunked(messages):
        query = (
            select(MessageItem.message_id, func.count())
            .where(MessageItem.message_id.in_(batch))
            .group_by(MessageItem.message_id)
        )
        counts.update(session.execute(query).tuples().all())
    return counts


def _groups(
    messages: Iterable[MessageRow],
    counts: Mapping[int, int],
    sees: Callable[[MessageRow], str | None],
) -> Iterator[list[MessageRow]]:
    by_unit: dict[str | None, list[MessageRow]] = {}
    for message in messages:
        by_unit.setdefault(sees(message), []).append(message)
    group: list[MessageRow] = []
    complaints = 0
    for some in by_unit.values():
        most = max(counts.get(message.id, 0) for message in some)
        if group and complaints + most > GROUP:
            yield group
            group, complaints = [], 0
        group += some
        complaints += most
    if group:
        yield group


def locked(session: Session, messages: Iterable[int]) -> list[MessageRow]:
    """Lock those of these mails that are still queued, and load them as they are now."""
    query = (
        select(MessageRow)
        .where(MessageRow.id.in_(list(messages)), MessageRow.status == MessageStatus.QUEUED)
        .order_by(MessageRow.id)
        .options(defer(MessageRow.mime))
        .execution_options(populate_existing=True)
        .with_for_update(of=MessageRow)
    )
    return list(session.scalars(query))


def of_alert(alert: str | None) -> Sequence[ColumnElement[bool]]:
    """Return the conditions for the alerts of one kind; none for None: all mails."""
    if alert is None:
        return ()
    kind: ColumnElement[str] = MessageRow.detail["alert"].as_string()
    return (MessageRow.kind == MessageKind.ALERT, kind == alert)


def _due(now: datetime, limit: int) -> Select[tuple[MessageRow]]:
    return (
        select(MessageRow)
        .where(MessageRow.status == MessageStatus.QUEUED, MessageRow.next_attempt_at <= now)
        .order_by(MessageRow.next_attempt_at, MessageRow.id)
        .limit(limit)
        .options(defer(MessageRow.mime))
    )


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
    query = _due(now, limit).where(*of_alert(alert))
    if items:
        each = selectinload(MessageRow.items).selectinload(MessageItem.notice)
        query = query.options(each.selectinload(NoticeRow.complaint))
    query = query.with_for_update(skip_locked=True, of=MessageRow)
    kind: ColumnElement[str] = MessageRow.detail["alert"].as_string()
    if officials:
        to_officials = MessageRow.kind != MessageKind.ALERT
        return list(session.scalars(query.where(or_(to_officials, kind.in_(list(notes))))))
    kinds = list(first)
    if kinds:
        urgent = query.where(MessageRow.kind == MessageKind.ALERT, kind.in_(kinds))
        found = list(session.scalars(urgent))
        if found:
            return found
    found = list(session.scalars(query.where(MessageRow.kind != MessageKind.SUMMARY)))
    return found or list(session.scalars(query))


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
