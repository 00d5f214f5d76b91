"""Queue mail: the notices of a run become one mail for each recipient."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from db import audit, notices, runs
from db.lives import MessageStatus
from db.locks import advisory_lock
from db.mailbox import bounces, replies
from db.mails import earlier_mails, outbox
from db.models import MessageItem, MessageKind, MessageRow, Storm
from db.notices import NewNotice
from sla.directory import OfficeHolder, Role
from sla.mail_hours import next_weekly
from tasks.common.context import RunContext
from tasks.evaluation.corrections import PendingCorrection
from tasks.evaluation.notices import Audience, PendingNotice
from tasks.notifications import storms
from tasks.notifications.message_ids import message_id_header
from tasks.notifications.views import (
    UNREAD_REPLIES,
    VACANCIES,
    VACANCY,
    office_of,
    vacancies_in,
)

WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Queued:
    """The result of queueing: the number of mails, the vacancies, and the key of a storm if any."""

    mails: int
    vacancies: list[tuple[str, str]]
    storm: int | None = None


@dataclass(frozen=True, slots=True)
class _Recipient:
    """A recipient of notices in a role; `copied` means for information only."""

    holder: OfficeHolder
    role: Role
    copied: bool


@dataclass(frozen=True, slots=True)
class _OutboxEntry:
    """One notice for one recipient."""

    recipient: _Recipient
    owed: PendingNotice


def enqueue_notices(run: RunContext, owed: Sequence[PendingNotice]) -> Queued:
    """Queue one mail per recipient for all notices of this run.

    Outside the mail hours of the site a mail waits for the next working morning, unless a notice in
    it is urgent; notices of later runs until then join it.

    If a role has no holder at the unit, or the holder's mail bounces, the notice goes to the parent
    unit or to the administrator. The administrators are notified of each vacancy once. A notice
    without any recipient is marked failed. More mails than the site allows, or mails about more
    complaints, are a storm: all of them wait for a decision of the administrator. So do mails that
    may have been sent before a restore. In a trial there is no storm, because nothing is sent. The
    inventory of a first import is no storm: it is one mail
    a person, and only the units get it.
    """
    run.session.flush()
    if owed:
        advisory_lock(run.session, "outbox")
    perhaps_sent, owed = storms.divided(run, owed)
    again, empty = _addressed(run, perhaps_sent)
    inventory = [each for each in owed if each.inherited]
    listed, missing = _addressed(run, inventory)
    boxes, vacancies = _addressed(run, [e for e in owed if not e.inherited])
    held = None
    if again or storms.left_by_restore(run):
        held = storms.hold(run, len(again))
    owed_in_boxes = (entry.owed for entries in boxes.values() for entry in entries)
    about = {each.notice.complaint_id for each in owed_in_boxes}
    live = run.mode.live
    storm = storms.check(run, mails=len(boxes), complaints=len(about)) if live else None
    for mails, waits in ((again, held), (listed, None), (boxes, storm)):
        waiting = outbox.waiting(run.session, mails, waits)
        queued = [
            _queued(run, address, entries, waits, waiting.get(address))
            for address, entries in mails.items()
        ]
        outbox.add_items(run.session, queued)
    vacancies = list(dict.fromkeys(empty + missing + vacancies))
    _tell_of_vacancies(run, vacancies)
    if held is not None:
        tell_of_restored(run, held)
    if storm is not None:
        facts = {"storm": storm.id, "mails": storm.mails, "mail_limit": storm.mail_limit}
        enqueue_alert(run, "storm", facts, same=("storm",))
    decided = storm or held
    together = listed.keys() | boxes.keys() if storm is None else (*listed, *boxes)
    return Queued(len(again) + len(together), vacancies, decided.id if decided else None)


def enqueue_corrections(
    run: RunContext,
    corrections: Sequence[PendingCorrection],
) -> int:
    """Queue the corrections: each person gets those of this run in the next mail.

    If no mail to this person waits, a correction causes one of its own, within the mail hours. It
    goes to the address that got the wrong notice. Return the number of people.
    """
    if not corrections:
        return 0
    without = run.once(bounces.suppressed_addresses)
    boxes: dict[str, list[PendingCorrection]] = {}
    for each in corrections:
        if each.recipient.casefold() not in without:
            boxes.setdefault(each.recipient, []).append(each)
    for address, entries in boxes.items():
        first = entries[0]
        holder = OfficeHolder(
            first.unit or "",
            Role(first.role),
            first.recipient_name,
            address,
            locale=first.locale,
        )
        keys = sorted(each.notice.id for each in entries)
        cause = message_id_header(run.context, run.id, address, "correction", *keys)
        message = mail_to(run, holder, cause, None, run.context.send_after(run.now))
        items = {item.notice_id: item for item in message.items}
        for each in entries:
            if (known := items.get(each.notice.id)) is not None:
                known.correction = True  # the mail would have repeated the notice
                continue
            message.items.append(
                MessageItem(
                    notice_id=each.notice.id,
                    role=each.role,
                    copied=each.copied,
                    correction=True,
                    included=None,
                )
            )
    return len(boxes)


def tell_of_restored(run: RunContext, storm: Storm) -> None:
    """Notify the administrators once that mails wait after a restore from a backup."""
    restored = runs.last_restore(run.session)
    facts = {"restored": restored and restored.isoformat(), "storm": storm.id, "mails": storm.mails}
    enqueue_alert(run, "restore_hold", facts, same=("restored", "storm"))


def _addressed(
    run: RunContext, owed: Sequence[PendingNotice]
) -> tuple[dict[str, list[_OutboxEntry]], list[tuple[str, str]]]:
    """Return the notices for each address, and the vacancies found."""
    boxes: dict[str, list[_OutboxEntry]] = {}
    vacancies: dict[tuple[str, str], None] = {}
    if not owed:
        return boxes, []
    known = [each.notice.id for each in owed if not isinstance(each.notice, NewNotice)]
    unreached = notices.without_answer(run.session, known)  # a new notice has no mail yet
    audiences: dict[tuple[Audience, str, frozenset[str]], list[_Recipient]] = {}
    failed: list[PendingNotice] = []
    for each in owed:
        key = each.audience, each.notice.unit, unreached.get(each.notice.id, frozenset())
        recipients = audiences.get(key)
        if recipients is None:
            recipients = audiences[key] = _recipients(run, *key, vacancies)
        for recipient in recipients:
            boxes.setdefault(recipient.holder.email, []).append(_OutboxEntry(recipient, each))
        if not recipients:
            failed.append(each)
    _mark_failed(run, failed)
    return boxes, list(vacancies)


def _recipients(
    run: RunContext,
    audience: Audience,
    unit: str,
    lost: frozenset[str],
    vacancies: dict[tuple[str, str], None],
) -> list[_Recipient]:
    """Return the people who get a notice of a unit, each once; add the vacancies found.

    `lost` are the addresses at which earlier mails about the notice failed.
    """
    without = run.once(bounces.suppressed_addresses)
    found: dict[str, _Recipient] = {}
    addressed = [(role, False) for role in audience.to]
    addressed += [(role, True) for role in audience.cc]
    for role, copied in addressed:
        holders = run.site.directory.holders(role, unit or None, run.today, without | lost)
        if holders.vacancy is not None and not _held(run, role, holders.vacancy):
            vacancies[office_of(holders.vacancy, role)] = None
        for holder in holders.offices:
            if holder.email.casefold() not in lost:
                found.setdefault(holder.email, _Recipient(holder, role, copied))
    return list(found.values())


def _mark_failed(run: RunContext, failed: Sequence[PendingNotice]) -> None:
    """Mark notices without any recipient as failed, and record it."""
    what, why = audit.AuditKind.NOTICE_FAILED, "nobody holds an office to be notified"
    for each in failed:
        audit.note_notice(run.session, what, each.notice, run.now, why, run.id)
    notices.set_failed(run.session, [each.notice.id for each in failed])


def _held(run: RunContext, role: Role, unit: str) -> bool:
    """Check whether a role has a holder, even one without working mail (reported separately)."""
    return run.site.directory.holders(role, unit or None, run.today).vacancy is None


def _queued(
    run: RunContext,
    address: str,
    entries: Sequence[_OutboxEntry],
    storm: Storm | None,
    waiting: MessageRow | None,
) -> tuple[MessageRow | outbox.NewMail, list[outbox.NewItem]]:
    """Return the mail for these notices with its new items: the waiting mail, or a new one."""
    urgent = any(entry.owed.urgent for entry in entries)
    weekdays = _weekdays(run, address, [entry.owed for entry in entries])
    send_at = run.now if urgent else _send_at(run, address, weekdays)
    keys = sorted(entry.owed.notice.id for entry in entries)
    recipients = [entry.recipient for entry in entries]
    first = next((each for each in recipients if not each.copied), recipients[0])
    holder = replace(first.holder, role=first.role)
    cause = message_id_header(run.context, run.id, address, *keys)
    message = (
        _new_mail(run, holder, cause, storm, send_at)
        if waiting is None
        else _joined(waiting, send_at)
    )
    marks = {"urgent": urgent, "weekly": weekdays != {None}}
    message.detail = {**message.detail, **{mark: True for mark, given in marks.items() if given}}
    return message, [
        (entry.owed.notice.id, str(entry.recipient.role), entry.recipient.copied)
        for entry in entries
    ]


def _weekdays(run: RunContext, address: str, owed: Sequence[PendingNotice]) -> set[int | None]:
    """Return the days of the week for which notices to a person wait; None for one that does not
    wait.
    """
    asked = [each.notice.id for each in owed if each.new_at_once]
    repeated = notices.notified_before(run.session, asked, address)
    return {
        None if each.new_at_once and each.notice.id not in repeated else each.weekly
        for each in owed
    }


def _send_at(run: RunContext, address: str, weekdays: Iterable[int | None]) -> datetime:
    """Return the send time of a mail: in the mail hours, and on the day of the week if all its
    notices are weekly.
    """
    site, moments = run.site, []
    for weekday in weekdays:
        if weekday is None:
            return run.context.send_after(run.now)
        last = earlier_mails.last_weekly(run.session, address, run.now - WEEK, run.now)
        hours, evaluation_context = site.mail_hours, site.evaluation_context
        moments.append(next_weekly(weekday, run.now, hours, evaluation_context, last))
    return min(moments)


def mail_to(
    run: RunContext,
    holder: OfficeHolder,
    key: str,
    storm: Storm | None,
    send_at: datetime,
) -> MessageRow:
    """Return the mail with notices that waits for this person, or a new one.

    The waiting mail is sent at the earlier of both times.
    """
    waiting = outbox.waiting(run.session, [holder.email], storm).get(holder.email)
    if waiting is not None:
        message = _joined(waiting, send_at)
    else:
        message = enqueue(run, MessageKind.NOTICES, holder, key, send_at=send_at)
        if storm is not None:
            message.status, message.storm_id = MessageStatus.HELD, storm.id
    run.session.flush()
    return message


def _new_mail(
    run: RunContext, holder: OfficeHolder, key: str, storm: Storm | None, send_at: datetime
) -> outbox.NewMail:
    """Return a new mail with notices; a storm holds it."""
    return outbox.NewMail(
        message_id_header=key,
        recipient=holder.email,
        recipient_name=holder.name,
        role=holder.role,
        unit=holder.unit,
        locale=holder.locale,
        created_at=run.now,
        run_id=run.id,
        status=MessageStatus.QUEUED if storm is None else MessageStatus.HELD,
        next_attempt_at=send_at,
        storm_id=None if storm is None else storm.id,
        detail={},
    )


def _joined(waiting: MessageRow, send_at: datetime) -> MessageRow:
    """Let a waiting mail leave at the earlier of both times."""
    if waiting.next_attempt_at is not None:
        waiting.next_attempt_at = min(waiting.next_attempt_at, send_at)
    return waiting


def enqueue_alert(
    run: RunContext,
    kind: str,
    facts: Mapping[str, Any],
    *,
    same: Iterable[str] | None = None,
    to: Iterable[OfficeHolder] | None = None,
) -> None:
    """Queue an alert to the administrators, once: the same cause gives the same Message-ID.

    The kind and the facts identify the cause, or only the facts named in `same`. `facts` must never
    contain data from a complainant. `to` are the administrators concerned, else all of them.
    """
    cause = sorted((key, facts[key]) for key in (facts if same is None else same))
    for holder in _administrators(run) if to is None else to:
        key = message_id_header(run.context, "alert", kind, holder.email, *cause)
        if not earlier_mails.knows(run.session, key):
            detail = {"alert": kind, **facts}
            enqueue(run, MessageKind.ALERT, holder, key, detail=detail)


def _administrators(run: RunContext) -> Sequence[OfficeHolder]:
    """Return the administrators whose addresses can be reached."""
    without = bounces.suppressed_addresses(run.session)
    return run.site.directory.holders(Role.ADMINISTRATOR, None, run.today, without).offices


def _tell_of_vacancies(run: RunContext, vacancies: Sequence[tuple[str, str]]) -> None:
    """Notify each administrator of the vacancies not named to them before, in one mail.

    The first run of a new site finds a vacancy at most units.
    """
    for holder in _administrators(run) if vacancies else ():
        alerts = earlier_mails.alerts_to(run.session, holder.email, (VACANCY, VACANCIES))
        named = {office for detail in alerts for office in vacancies_in(detail)}
        new = [each for each in vacancies if each not in named]
        if len(new) == 1:
            [(unit, role)] = new
            enqueue_alert(run, VACANCY, {"unit": unit, "role": role}, to=[holder])
        elif new:
            facts = {"offices": [list(each) for each in new]}
            enqueue_alert(run, VACANCIES, facts, to=[holder])


def tell_of_unread_replies(run: RunContext) -> None:
    """Notify each administrator once a day of answers to notices that are no clear statements.

    They name no choice, or leave it in doubt. Their senders get no mail. An alert has all answers
    since the one before, by unit and ticket, without their words.
    """
    newest = replies.newest_unclear(run.session)
    for holder in _administrators(run) if newest is not None else ():
        alerts = earlier_mails.alerts_to(run.session, holder.email, (UNREAD_REPLIES,))
        since = (each.get("read_until") or each["since"] for each in alerts)
        told = max(map(datetime.fromisoformat, since), default=None)
        if found := replies.unclear(run.session, told):
            about = dict.fromkeys((reply.unit, ticket or "") for reply, ticket in found)
            facts = {
                "replies": len(found),
                "arrived": max(reply.received_at for reply, _ in found).isoformat(),
                "about": [list(each) for each in about],
                "read_until": found[-1][0].recorded_at.isoformat(),
                "day": str(run.today),
            }
            enqueue_alert(run, UNREAD_REPLIES, facts, same=("day",), to=[holder])


def tell_of_lost_address(run: RunContext, kind: str, message: MessageRow, answer: str) -> None:
    """Notify the administrators of an address that is suppressed from now on.

    Nobody is notified if the mails to every administrator are lost.
    """
    marked = bounces.suppressed_addresses(run.session)
    administrators = run.site.directory.holders(Role.ADMINISTRATOR, None, run.today)
    if any(holder.email.casefold() not in marked for holder in administrators.offices):
        facts = {"recipient": message.recipient, "answer": answer[:200], "mail": message.id}
        enqueue_alert(run, kind, facts)


def enqueue_summary(run: RunContext, report: int) -> int:
    """Queue a report for the roles named by the site; return the number of mails."""
    without = bounces.suppressed_addresses(run.session)
    queued = 0
    reached: set[str] = set()
    for role in run.site.file.summary.to:
        for holder in run.site.directory.holders(role, None, run.today, without).offices:
            key = message_id_header(run.context, "summary", report, holder.email)
            if holder.email in reached or earlier_mails.knows(run.session, key):
                continue
            reached.add(holder.email)
            detail = {"report": report}
            enqueue(run, MessageKind.SUMMARY, holder, key, detail=detail)
            queued += 1
    return queued


def enqueue(
    run: RunContext,
    kind: MessageKind,
    holder: OfficeHolder,
    key: str,
    *,
    role: Role | None = None,
    send_at: datetime | None = None,
    detail: Mapping[str, Any] | None = None,
) -> MessageRow:
    """Add a new mail for an office holder to the outbox, in the holder's language.

    `send_at` is the earliest send time (default: now).
    """
    message = MessageRow(
        message_id_header=key,
        kind=kind,
        recipient=holder.email,
        recipient_name=holder.name,
        role=role or holder.role,
        unit=holder.unit,
        locale=holder.locale,
        created_at=run.now,
        run_id=run.id,
        status=MessageStatus.QUEUED,
        next_attempt_at=send_at or run.now,
        detail=dict(detail or {}),
        items=[],
    )
    run.session.add(message)
    return message
