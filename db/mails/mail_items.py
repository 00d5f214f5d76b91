"""Mail items: the notices of each mail, how they are loaded to compose it, and their outcome."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from typing import Any, cast

from sqlalchemy import ColumnElement, Table, Update, bindparam, delete, func, select, update
from sqlalchemy.orm import InstrumentedAttribute, Session, selectinload
from sqlalchemy.orm.attributes import set_committed_value

from db.bulk import AT_ONCE, chunked, is_one_of
from db.mails.outbox import take_due
from db.models import Base, MessageItem, MessageRow, NoticeRow

_ITEM = cast(Table, MessageItem.__table__)

GROUP = 10_000
"""Number of complaints of mails that are in memory together, unless the mails of one unit have
more."""


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


def corrected_complaints(session: Session, messages: Iterable[int]) -> frozenset[int]:
    """Return the ids of the complaints of which these mails have a correction."""
    corrections = MessageItem.correction.is_(True)
    return frozenset(_once(session, NoticeRow.complaint_id, messages, corrections))


def _once(
    session: Session,
    column: InstrumentedAttribute[int],
    messages: Iterable[int],
    *conditions: ColumnElement[bool],
) -> list[int]:
    found: dict[int, None] = {}
    joined = NoticeRow.id == MessageItem.notice_id
    query = select(column).select_from(MessageItem).join(NoticeRow, joined)
    query = query.where(*conditions).distinct()
    for batch in chunked(messages):
        rows = session.scalars(query.where(MessageItem.message_id.in_(batch)))
        found.update(dict.fromkeys(rows))
    return list(found)


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


def move_items(session: Session, source: int, target: int) -> None:
    """Move all items of a mail to another one, which has to be composed then.

    A notice in both is there once. It is a correction if one of both is.
    """
    moved, there = MessageItem.message_id == source, MessageItem.message_id == target
    corrected = select(MessageItem.notice_id).where(moved, MessageItem.correction)
    known = select(MessageItem.notice_id).where(there)
    for change in (
        update(MessageItem)
        .where(there, MessageItem.notice_id.in_(corrected))
        .values(correction=True, included=None, left_out=None),
        delete(MessageItem).where(moved, MessageItem.notice_id.in_(known)),
        update(MessageItem).where(moved).values(message_id=target, included=None, left_out=None),
    ):
        session.execute(change.execution_options(synchronize_session=False))


def load_items(session: Session, messages: Sequence[MessageRow]) -> None:
    """Load the items of these mails, with notices and complaints."""
    by_message: dict[int, list[MessageItem]] = {message.id: [] for message in messages}
    for batch in chunked(by_message):
        for item in session.scalars(_ITEMS_OF, {"keys": batch}):
            by_message[item.message_id].append(item)
    for message in messages:
        set_committed_value(message, "items", by_message[message.id])


_ITEMS_OF = (
    select(MessageItem)
    .where(is_one_of(MessageItem.message_id))
    .order_by(MessageItem.message_id, MessageItem.notice_id)
    .options(selectinload(MessageItem.notice).selectinload(NoticeRow.complaint))
)


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
    decided_at: datetime
    taken_back_at: datetime | None
    regulation: str | None


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
        NoticeRow.decided_at,
        NoticeRow.taken_back_at,
        NoticeRow.regulation,
    )
    .join(NoticeRow, NoticeRow.id == MessageItem.notice_id)
    .where(MessageItem.message_id.in_(bindparam("mails", expanding=True)))
    .order_by(MessageItem.message_id, MessageItem.notice_id)
)


IN_PARTS = {"yield_per": AT_ONCE}
"""The rows of a mail with hundreds of thousands of items are in memory in parts."""


def items_of(session: Session, messages: Iterable[int]) -> dict[int, list[MailItem]]:
    """Load the items of these mails with their notices, by mail."""
    known: dict[str, str] = {}
    text = known.setdefault  # the items have few different texts, each many times
    found: dict[int, list[MailItem]] = {}
    for batch in chunked(messages):
        found.update((key, []) for key in batch)
        rows = session.execute(_MAIL_ITEMS, {"mails": batch}, execution_options=IN_PARTS)
        for mail, role, copied, correction, included, left_out, *columns in rows:
            key, complaint, rule, clock, unit, rung, repeat, kind, *times, regulation = columns
            reached_at, decided_at, taken_back_at = times
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
                decided_at,
                taken_back_at,
                regulation and text(regulation, regulation),
            )
            marks = copied, correction, included, left_out
            found[mail].append(MailItem(text(role, role), *marks, notice))
    return found


MailContents = Sequence[tuple[MessageRow, Sequence[MailItem]]]
"""Mails with their items, those in the order of their notices."""


def take_apart(session: Session, now: datetime, limit: int) -> MailContents:
    """Load the queued mails that are due at `now` with their items, and take them out of the
    session.

    :func:`store_sent` writes what becomes of them.
    """
    messages = take_due(session, now, limit, items=False)
    items = items_of(session, [message.id for message in messages])
    for message in messages:
        session.expunge(message)
    return [(message, items[message.id]) for message in messages]


def store_sent(session: Session, contents: MailContents) -> None:
    """Write the outcome of mails that are apart from the session, and of their items."""
    mails = [
        {
            "_id": message.id,
            "new_status": str(message.status),
            "new_next_attempt_at": message.next_attempt_at,
            "new_sent_at": message.sent_at,
        }
        for message, _ in contents
    ]
    outcomes = [_outcome(message, item) for message, items in contents for item in items]
    session.flush()
    for statement, values in ((_STORE_MAIL, mails), (_STORE_ITEM, outcomes)):
        if values:
            session.execute(statement, values)


def _outcome(message: MessageRow, item: MailItem) -> dict[str, Any]:
    """Return the parameters of `_STORE_ITEM` for an item of a mail."""
    return {
        "_message_id": message.id,
        "_notice_id": item.notice.id,
        "new_included": item.included,
        "new_left_out": item.left_out,
    }


Outcome = tuple[bool | None, str | None]
"""Whether a mail reports an item, and if not, why it leaves it out."""

Outcomes = Mapping[Outcome, Sequence[int]]
"""The notices of all items of a mail, by the outcome of the item."""


def outcomes_of(items: Iterable[MailItem]) -> Outcomes:
    """Return the outcomes of the items of a mail."""
    found: dict[Outcome, list[int]] = {}
    for item in items:
        found.setdefault((item.included, item.left_out), []).append(item.notice.id)
    return found


def store_items(session: Session, contents: Sequence[tuple[MessageRow, Outcomes]]) -> None:
    """Store which of their items these mails report, and why they leave others out.

    Nearly all items have the same outcome: those of all such mails take few statements.
    """
    alike: dict[Outcome, tuple[list[int], dict[int, None]]] = {}
    for message, outcomes in contents:
        for outcome, keys in outcomes.items():
            if len(outcomes) == 1:
                mails, known = alike.setdefault(outcome, ([], {}))
                mails.append(message.id)
                known.update(dict.fromkeys(keys))
            else:
                _store_outcome(session, outcome, [message.id], keys)
    for outcome, (mails, known) in alike.items():
        _store_outcome(session, outcome, mails, known)
    for message, outcomes in contents:
        if "items" in message.__dict__:
            stored = {key: outcome for outcome, keys in outcomes.items() for key in keys}
            for row in message.items:
                if row.notice_id in stored:
                    included, left_out = stored[row.notice_id]
                    set_committed_value(row, "included", included)
                    set_committed_value(row, "left_out", left_out)


def _store_outcome(
    session: Session, outcome: Outcome, mails: Sequence[int], keys: Iterable[int]
) -> None:
    """Store the outcome of the items of these mails with these notices."""
    included, left_out = outcome
    in_mails = _ITEM.c.message_id.in_(mails)
    for batch in chunked(keys, AT_ONCE):
        these = in_mails & is_one_of(_ITEM.c.notice_id, batch)
        session.execute(update(_ITEM).where(these).values(included=included, left_out=left_out))
