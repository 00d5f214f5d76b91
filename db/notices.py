"""Notices: their mails, the people whom those reached, and their status after each outcome."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from typing import Any, NamedTuple, cast

from sqlalchemy import (
    ColumnElement,
    Row,
    Select,
    Table,
    Update,
    bindparam,
    case,
    false,
    func,
    literal,
    or_,
    select,
    update,
)
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased, defer
from sqlalchemy.orm.attributes import set_committed_value
from sqlalchemy.orm.util import identity_key

from db import audit
from db.bulk import AT_ONCE, chunked, insert_rows, is_one_of, new_ids
from db.lives import NOTICE_LIFE, MessageStatus, NoticeStatus, check_change
from db.mails.listed_duties import TAKEN_BACK_SINCE
from db.models import Bounce, Complaint, LeftOut, ListedDuty, MessageItem, MessageRow, NoticeRow
from sla.ladders import SUPERIORS

MAY_STILL_REACH = (MessageStatus.QUEUED, MessageStatus.SENDING, MessageStatus.HELD)
"""Statuses of mails that may still reach a person."""


NOTICE_COLUMNS = (
    "id",
    "complaint_id",
    "rule",
    "clock",
    "unit",
    "rung",
    "repeat",
    "episode",
    "kind",
    "reached_at",
    "decided_at",
    "status",
    "run_id",
    "regulation",
)


@dataclass(slots=True)
class NewNotice:
    """A notice that a run has decided on and that no earlier run knows: the columns of `NoticeRow`.

    The first run over a large backlog keeps hundreds of thousands until their mails are queued. A
    row of the ORM takes ten times the memory. `id` is set by :func:`add`.
    """

    complaint_id: int
    rule: str
    clock: int
    unit: str
    rung: str
    repeat: int
    episode: int
    kind: str
    reached_at: datetime
    decided_at: datetime
    status: str
    run_id: str
    regulation: str | None = None
    id: int = 0
    taken_back_at: datetime | None = None


def add(session: Session, new: Sequence[NewNotice]) -> None:
    """Insert notices and set their ids."""
    if not new:
        return
    session.flush()
    table = cast(Table, NoticeRow.__table__)
    for notice, key in zip(new, new_ids(session, table, len(new)), strict=True):
        notice.id = key
    insert_rows(session, table, NOTICE_COLUMNS, map(attrgetter(*NOTICE_COLUMNS), new))


_OF_COMPLAINTS = select(NoticeRow).where(is_one_of(NoticeRow.complaint_id)).order_by(NoticeRow.id)


def of_complaints(session: Session, complaints: Iterable[int]) -> dict[int, list[NoticeRow]]:
    """Load all notices about these complaints, by complaint id."""
    found: dict[int, list[NoticeRow]] = {}
    for batch in chunked(complaints, AT_ONCE):
        for row in session.scalars(_OF_COMPLAINTS, {"keys": batch}):
            found.setdefault(row.complaint_id, []).append(row)
    return found


_NEWER = select(NoticeRow).where(NoticeRow.id > bindparam("key")).order_by(NoticeRow.id)


def newer(session: Session, key: int) -> Sequence[NoticeRow]:
    """Load the notices with ids above `key`, oldest first."""
    return session.scalars(_NEWER, {"key": key}).all()


def evaluation_of(notices: Any) -> Update:
    """Build the statement that schedules an evaluation of the complaints of these notices, with the
    parameter `at`.

    Their next rungs depend on the outcome of the mail: superiors follow after the unit, and a
    notice that reached no person goes to the next in line.
    """
    notice = cast(Table, NoticeRow.__table__)
    return evaluation_of_complaints(select(notice.c.complaint_id).where(notice.c.id.in_(notices)))


def evaluation_of_complaints(concerned: Any) -> Update:
    """Build the statement that schedules an evaluation of these complaints, with the parameter
    `at`.
    """
    complaint = cast(Table, Complaint.__table__)
    return (
        update(complaint)
        .where(complaint.c.id.in_(concerned))
        .values(next_action_at=bindparam("at"))
    )


_EVALUATION = evaluation_of(bindparam("notices", expanding=True))


def _reached(before: datetime, message: type[MessageRow] = MessageRow) -> ColumnElement[bool]:
    """Build the condition: a mail was sent until a moment and had not bounced by then."""
    came_back = (
        select(Bounce.id)
        .where(Bounce.message_id == message.id, Bounce.recorded_at <= before)
        .exists()
    )
    went = message.status.in_((MessageStatus.SENT, MessageStatus.BOUNCED))
    return went & (message.sent_at <= before) & ~came_back


class Notification(NamedTuple):
    """A sent mail about a clock: the role of its recipient, the time, and the person.

    `unit` is the responsible unit of the notice, and `kind` its kind.
    """

    role: str
    sent_at: datetime
    name: str = ""
    recipient: str = ""
    unit: str = ""
    kind: str = ""


def notified(
    session: Session,
    complaints: Iterable[int],
    before: datetime,
    known_at: datetime | None = None,
) -> dict[tuple[int, str, int], list[Notification]]:
    """Return the notifications about each clock until a moment, oldest first.

    The keys are (complaint, rule, clock). Notices taken back by then, or by the later moment
    `known_at`, do not count.
    """
    found: dict[tuple[int, str, int], list[Notification]] = {}
    wanted = is_one_of(NoticeRow.complaint_id)
    columns = MessageRow.recipient, NoticeRow.unit, NoticeRow.kind
    query = _notifications(before, *columns, known_at=known_at)
    query = query.where(wanted)
    for batch in chunked(complaints, AT_ONCE):
        rows = session.execute(query, {"keys": batch})
        for complaint, rule, clock, role, sent_at, name, recipient, unit, kind in rows:
            if sent_at is not None:
                mail = Notification(role, sent_at, name, recipient, unit, kind)
                found.setdefault((complaint, rule, clock), []).append(mail)
    return found


LISTED = "listed"
"""The kind of a mail that only listed a duty as late."""


class ComplaintMail(NamedTuple):
    """A sent mail about a duty of a complaint: what it was about, the person, and its Message-ID.

    The notice is about the unit `about` and addressed to `role`. The mail is addressed to an office
    of `unit`. `instead` is set if the person has another office, that of `role`, and got the notice
    in the place of the one to which it was addressed. A `correction` takes an earlier mail back.
    `taken_back_at` is the time at which the notice proved wrong.
    """

    rule: str
    clock: int
    kind: str
    role: str
    unit: str | None
    name: str
    sent_at: datetime
    message_id_header: str
    correction: bool
    taken_back_at: datetime | None
    recipient: str = ""
    about: str = ""
    instead: str = ""


def mails_about(session: Session, complaint: int, before: datetime) -> list[ComplaintMail]:
    """Return every mail about a complaint that reached its person until a moment, oldest first.

    Corrections and notices taken back are included, and so are mails that only listed a duty as
    late (`LISTED`), each as the first one of its recipient.
    """
    query = _reached_people(
        before,
        NoticeRow.rule,
        NoticeRow.clock,
        NoticeRow.kind,
        MessageItem.role,
        MessageRow.unit,
        MessageRow.recipient_name,
        MessageRow.sent_at,
        MessageRow.message_id_header,
        MessageItem.correction,
        NoticeRow.taken_back_at,
        MessageRow.recipient,
        NoticeRow.unit,
    ).where(NoticeRow.complaint_id == complaint)
    found = [ComplaintMail(*row) for row in session.execute(query)]
    found += _mails_that_listed(session, complaint, before)
    return sorted(found, key=lambda mail: mail.sent_at)


def _mails_that_listed(session: Session, complaint: int, before: datetime) -> list[ComplaintMail]:
    """Return the mails that listed a duty of a complaint as late, without a notice about it."""
    taken_back = select(func.min(NoticeRow.taken_back_at)).where(TAKEN_BACK_SINCE).scalar_subquery()
    query = (
        select(
            ListedDuty.rule,
            ListedDuty.clock,
            literal(LISTED),
            MessageRow.role,
            MessageRow.unit,
            MessageRow.recipient_name,
            MessageRow.sent_at,
            MessageRow.message_id_header,
            false(),
            taken_back,
            MessageRow.recipient,
            func.coalesce(MessageRow.unit, ""),
        )
        .join(MessageRow, MessageRow.id == ListedDuty.message_id)
        .where(ListedDuty.complaint_id == complaint, ListedDuty.late, _reached(before))
        .order_by(MessageRow.sent_at, MessageRow.id)
    )
    return [ComplaintMail(*row) for row in session.execute(query)]


def notification_mails(session: Session, before: datetime) -> Iterator[Sequence[Row[Any]]]:
    """Yield all notifications until a moment in batches, oldest first: complaint, rule, clock,
    role, time, name and address of the person, unit of the notice, and Message-ID. Notices taken
    back by then do not count.
    """
    person = MessageRow.recipient, NoticeRow.unit
    query = _notifications(before, *person, MessageRow.message_id_header)
    yield from session.execute(query.execution_options(yield_per=20_000)).partitions()


def _notifications(
    before: datetime, *more: InstrumentedAttribute[str], known_at: datetime | None = None
) -> Select[Any]:
    """Build the query of the notifications until a moment, oldest first; `more` are its last
    columns. Notices taken back by `known_at` do not count; without it, by the same moment.
    """
    return _reached_people(
        before,
        NoticeRow.complaint_id,
        NoticeRow.rule,
        NoticeRow.clock,
        MessageItem.role,
        MessageRow.sent_at,
        MessageRow.recipient_name,
        *more,
    ).where(
        MessageItem.correction.is_(False),
        or_(NoticeRow.taken_back_at.is_(None), NoticeRow.taken_back_at > (known_at or before)),
    )


def _reached_people(before: datetime, *columns: InstrumentedAttribute[Any]) -> Select[Any]:
    """Build the query of what mails said that reached their person until a moment, oldest first."""
    return (
        select(*columns)
        .join(MessageItem, MessageItem.notice_id == NoticeRow.id)
        .join(MessageRow, MessageRow.id == MessageItem.message_id)
        .where(_reached(before), MessageItem.included.is_(True))
        .order_by(MessageRow.sent_at, MessageRow.id, NoticeRow.id)
    )


@dataclass(frozen=True, slots=True)
class Acceptance:
    """A mail about a notice, accepted by the server and not returned: its role and its time."""

    notice: int
    role: str
    at: datetime


_ACCEPTANCES = (
    select(MessageItem.notice_id, MessageItem.role, MessageRow.sent_at, MessageRow.status)
    .join(MessageRow, MessageRow.id == MessageItem.message_id)
    .where(
        is_one_of(MessageItem.notice_id),
        MessageItem.included.is_(True),
        MessageItem.correction.is_(False),
    )
)
"""With conditions on the mail, SQLite without statistics would read every sent mail of the site."""


def acceptances(
    session: Session, notices: Iterable[int], before: datetime
) -> dict[int, list[Acceptance]]:
    """Return the accepted mails about these notices until a moment, by the key of the notice."""
    found: dict[int, list[Acceptance]] = {}
    for batch in chunked(notices, AT_ONCE):
        for notice, role, sent_at, status in session.execute(_ACCEPTANCES, {"keys": batch}):
            if status == MessageStatus.SENT and sent_at is not None and sent_at <= before:
                found.setdefault(notice, []).append(Acceptance(notice, role, sent_at))
    for each in found.values():
        each.sort(key=lambda acceptance: acceptance.at)
    return found


def without_answer(session: Session, notices: Iterable[int]) -> dict[int, frozenset[str]]:
    """Return the addresses, in lower case, to which mails about each notice were given up or
    returned. Notices without such mails are left out.
    """
    lost = (MessageStatus.DEAD, MessageStatus.BOUNCED)
    found: dict[int, frozenset[str]] = {}
    for batch in chunked(notices):
        rows = session.execute(
            select(MessageItem.notice_id, MessageRow.recipient)
            .join(MessageRow, MessageRow.id == MessageItem.message_id)
            .where(MessageItem.notice_id.in_(batch), MessageRow.status.in_(lost))
        )
        for notice, recipient in rows:
            found[notice] = found.get(notice, frozenset()) | {recipient.casefold()}
    return found


_EARLIER = aliased(NoticeRow)

_EARLIER_MAILS = (
    select(NoticeRow.id, MessageRow.recipient, MessageRow.status)
    .join(
        _EARLIER,
        (_EARLIER.complaint_id == NoticeRow.complaint_id)
        & (_EARLIER.rule == NoticeRow.rule)
        & (_EARLIER.clock == NoticeRow.clock)
        & (_EARLIER.id != NoticeRow.id),
    )
    .join(MessageItem, MessageItem.notice_id == _EARLIER.id)
    .join(MessageRow, MessageRow.id == MessageItem.message_id)
    .where(_EARLIER.taken_back_at.is_(None), MessageItem.included.is_not(False))
)
"""With conditions on the mail, SQLite without statistics would read all mails to the person."""


def notified_before(session: Session, notices: Iterable[int], recipient: str) -> set[int]:
    """Return those of these notices about whose clock another mail has gone to a person, or waits.

    One statement answers for thousands of notices: the first run over a backlog asks about all.
    """
    lost = (
        MessageStatus.DEAD,
        MessageStatus.BOUNCED,
        MessageStatus.CANCELLED,
        MessageStatus.DISCARDED,
    )
    found: set[int] = set()
    for batch in chunked(notices, AT_ONCE):
        wanted = is_one_of(NoticeRow.id, batch)
        rows = session.execute(_EARLIER_MAILS.where(wanted))
        found.update(key for key, to, status in rows if to == recipient and status not in lost)
    return found


def set_failed(session: Session, notices: Iterable[int]) -> None:
    """Mark notices that nobody gets as failed."""
    for batch in chunked(notices):
        _set_status(session, batch, NoticeStatus.FAILED)


_STATUS = (
    update(NoticeRow)
    .where(is_one_of(NoticeRow.id))
    .values(status=bindparam("to"))
    .execution_options(synchronize_session=False)
)


def _set_status(session: Session, notices: Sequence[int], status: NoticeStatus) -> None:
    """Set the status of notices, in the rows loaded by the session too.

    SQLAlchemy would look for these among all objects of the session.
    """
    session.execute(_STATUS, {"keys": notices, "to": str(status)})
    for key in notices:
        row = session.identity_map.get(identity_key(NoticeRow, key))
        if row is not None:
            set_committed_value(row, "status", str(status))


def uncorrected(session: Session, notices: Iterable[int]) -> list[tuple[MessageRow, MessageItem]]:
    """Return the accepted mails with one of these notices, and its item, one for each recipient
    without a correction.
    """
    wanted = list(notices)
    found: dict[tuple[int, str], tuple[MessageRow, MessageItem]] = {}
    for batch in chunked(wanted):
        rows = session.execute(
            select(MessageRow, MessageItem)
            .join(MessageItem, MessageItem.message_id == MessageRow.id)
            .where(
                MessageItem.notice_id.in_(batch),
                MessageItem.correction.is_(False),
                MessageItem.included.is_(True),
            )
            .order_by(MessageRow.id)
            .options(defer(MessageRow.mime))
        )
        for message, item in rows:
            if message.status == MessageStatus.SENT:
                found.setdefault((item.notice_id, message.recipient.casefold()), (message, item))
    done = corrected(session, wanted)
    return [each for key, each in found.items() if key not in done]


def corrected(session: Session, notices: Iterable[int]) -> set[tuple[int, str]]:
    """Return the corrections of these notices: each with the address in lower case.

    A correction that its mail left out, because the deadline was late again, does not count.
    """
    found: set[tuple[int, str]] = set()
    for batch in chunked(notices):
        rows = session.execute(
            select(MessageItem.notice_id, MessageRow.recipient)
            .join(MessageRow, MessageRow.id == MessageItem.message_id)
            .where(
                MessageItem.notice_id.in_(batch),
                MessageItem.correction.is_(True),
                MessageItem.included.is_not(False),
            )
        )
        found.update((notice, recipient.casefold()) for notice, recipient in rows)
    return found


@dataclass(frozen=True, slots=True)
class NotificationRecord:
    """The first notification of any person about a rung of a complaint, and its time.

    `to_superiors` is true if the rung is addressed to superiors, not only for their information.
    """

    complaint: int
    rung: str
    kind: str
    at: datetime
    to_superiors: bool


def first_notifications(
    session: Session, begin: datetime, end: datetime, as_of: datetime
) -> list[NotificationRecord]:
    """Return the first notification of each notice from `begin` to `end`, as known at `as_of`."""
    at = func.min(MessageRow.sent_at)
    to_superior = MessageItem.role.in_(SUPERIORS) & MessageItem.copied.is_(False)
    to_superiors = func.max(case((to_superior, 1), else_=0))
    item, message = aliased(MessageItem), aliased(MessageRow)
    before = (
        select(item.notice_id)
        .join(message, message.id == item.message_id)
        .where(
            item.notice_id == NoticeRow.id,
            item.included.is_(True),
            item.correction.is_(False),
            message.sent_at < begin,
            _reached(as_of, message),
        )
        .exists()
    )
    rows = session.execute(
        select(NoticeRow.complaint_id, NoticeRow.rung, NoticeRow.kind, at, to_superiors)
        .join(MessageItem, MessageItem.notice_id == NoticeRow.id)
        .join(MessageRow, MessageRow.id == MessageItem.message_id)
        .where(
            MessageRow.sent_at >= begin,
            MessageRow.sent_at <= end,
            MessageItem.included.is_(True),
            MessageItem.correction.is_(False),
            _reached(as_of),
            ~before,
        )
        .group_by(NoticeRow.id, NoticeRow.complaint_id, NoticeRow.rung, NoticeRow.kind)
        .order_by(at, NoticeRow.id)
    )
    return [
        NotificationRecord(complaint, rung, kind, at, bool(to_superiors))
        for complaint, rung, kind, at, to_superiors in rows
    ]


GIVEN_UP = {
    NoticeStatus.DISCARDED: (
        audit.AuditKind.NOTICE_DISCARDED,
        "a person dropped its mail, or the storm that it was part of",
    ),
    NoticeStatus.FAILED: (
        audit.AuditKind.NOTICE_FAILED,
        "no mail that tells of it could be delivered",
    ),
}
"""Audit entry and reason for a notice that reached no person, by its final status."""

WITHDRAWN: Mapping[str, str] = {
    LeftOut.OVER: "before it reached anybody, its clock had stopped or paused, or its unit had"
    " changed",
    LeftOut.MOVED: "before it reached anybody, its day had moved to a later one",
    LeftOut.TAKEN_BACK: "before it reached anybody, the deadline proved not to be late",
    LeftOut.UNIT_FIRST: "the responsible unit was not notified before, or has not had its time",
    LeftOut.TRIAL: "the trial of the site ended; only its digest had shown the notice",
    LeftOut.FALSE_TIME: "before it reached anybody, the machine's clock proved to be ahead",
}
"""Audit reason for a withdrawn notice, by the reason for which its last mail left it out."""


_OUTCOMES = (
    select(
        NoticeRow.id,
        NoticeRow.status,
        MessageRow.status,
        MessageItem.included,
        MessageItem.left_out,
    )
    .join(MessageItem, MessageItem.notice_id == NoticeRow.id)
    .join(MessageRow, MessageRow.id == MessageItem.message_id)
    .where(is_one_of(NoticeRow.id), MessageItem.correction.is_(False))
    .order_by(MessageRow.id)
)


def settle(session: Session, notices: Iterable[int], now: datetime) -> list[int]:
    """Set the status of each notice from the outcomes of its mails.

    It is `sent` if at least one person got it, `queued` while a mail still waits or is held, and
    `trial` if only the administrator has seen it in the digest of a trial. Otherwise it is
    `withdrawn` if it no longer applied and was left out of a mail, `discarded` if a person dropped
    its storm or withdrew its mail, and in all other cases `failed`. A failed notice causes another
    evaluation: it goes to the next in line. Return the notices that have failed now.
    """
    failed: list[int] = []
    for batch in chunked(notices):
        before: dict[int, str] = {}
        outcomes: dict[int, list[tuple[str, bool | None]]] = {}
        left_out: dict[int, str] = {}
        for key, status, mail, included, reason in session.execute(_OUTCOMES, {"keys": batch}):
            before[key] = status
            outcomes.setdefault(key, []).append((mail, included))
            if reason is not None:
                left_out[key] = reason
        changed: dict[int, NoticeStatus] = {}
        for key, status in before.items():
            outcome = _outcome(outcomes[key])
            if status != outcome:
                check_change(NOTICE_LIFE, status, outcome)
                changed[key] = outcome
        _note_outcomes(session, changed, left_out, now)
        for outcome in set(changed.values()):
            keys = [key for key, each in changed.items() if each is outcome]
            _set_status(session, keys, outcome)
            if outcome is NoticeStatus.FAILED:
                failed += keys
    for batch in chunked(failed):
        session.execute(_EVALUATION, {"notices": batch, "at": now})
    return failed


def _note_outcomes(
    session: Session,
    outcomes: Mapping[int, NoticeStatus],
    left_out: Mapping[int, str],
    now: datetime,
) -> None:
    """Record in the audit which notices reached no person, with the reason."""
    lost = (NoticeStatus.WITHDRAWN, *GIVEN_UP)
    keys = [key for key, outcome in outcomes.items() if outcome in lost]
    if not keys or not audit.records(session):
        return
    rows = {row.id: row for row in session.scalars(select(NoticeRow).where(NoticeRow.id.in_(keys)))}
    for key in keys:
        if outcomes[key] is NoticeStatus.WITHDRAWN:
            kind = audit.AuditKind.NOTICE_WITHDRAWN
            reason = WITHDRAWN[left_out.get(key, LeftOut.OVER)]
        else:
            kind, reason = GIVEN_UP[outcomes[key]]
        audit.note_notice(session, kind, rows[key], now, reason)


def _outcome(outcomes: list[tuple[str, bool | None]]) -> NoticeStatus:
    if any(status == MessageStatus.SENT and included for status, included in outcomes):
        return NoticeStatus.SENT
    if any(status in MAY_STILL_REACH for status, _ in outcomes):
        return NoticeStatus.QUEUED
    if any(status == MessageStatus.TRIAL and included for status, included in outcomes):
        return NoticeStatus.TRIAL
    if any(included is False for _, included in outcomes):
        return NoticeStatus.WITHDRAWN
    if any(status == MessageStatus.DISCARDED for status, _ in outcomes):
        return NoticeStatus.DISCARDED
    return NoticeStatus.FAILED
