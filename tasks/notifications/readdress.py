"""Readdress: a mail goes to the person who holds the office when it leaves.

A mail may wait for days. If an office has changed hands since it was queued, or an address bounces
now, its notices move to the mail of the present holder. Mails that are due to one person together
become one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from db import notices
from db.lives import MessageStatus
from db.locks import advisory_lock
from db.mailbox import bounces
from db.mails import mail_items, outbox
from db.models import MessageItem, MessageKind, MessageRow
from sla.directory import OfficeHolder, Role
from tasks.common.context import RunContext
from tasks.notifications.enqueue import mail_to
from tasks.notifications.message_ids import message_id_header


def readdress(run: RunContext, limit: int) -> None:
    """Move the notices of mails due at `now` to the present holders of the offices.

    A correction goes to the person who got the wrong notice, and a mail sent again by hand to the
    address that a person named: neither moves. The lock comes before the rows, in the order of a
    deadlines run.
    """
    without = bounces.suppressed_addresses(run.session)
    found = outbox.due(run.session, run.now, limit)
    moving = _elsewhere(run, found, without)
    mail_items.load_items(run.session, [message for message in found if message.id in moving])
    if not any(_changed(run, message, without, moving) for message in found):
        return
    advisory_lock(run.session, "outbox")
    for message in outbox.locked(run.session, [message.id for message in found]):
        if message.kind == MessageKind.NOTICES:
            moves = _moves(run, message, without) if message.id in moving else ()
            for item, holders in list(moves):
                _move(run, message, item, holders)
        elif (holder := _new_reader(run, message, without)) is not None:
            message.recipient, message.recipient_name = holder.email, holder.name
            message.unit, message.locale = holder.unit, holder.locale
    run.session.flush()


def join_due_mails(run: RunContext) -> None:
    """Join the mails due to one person at `now` that wait separately.

    New notices join a waiting mail. They could not if it was held by a storm that is released now,
    or was just being sent. The oldest mail gets the items of the others.
    """
    people = outbox.people_with_several_due(run.session, run.now)
    if not people:
        return
    advisory_lock(run.session, "outbox")
    for first, *others in outbox.due_together(run.session, people, run.now):
        for other in others:
            mail_items.move_items(run.session, other.id, first.id)
            first.detail = {**first.detail, **_marks(other)}
            other.status, other.next_attempt_at = MessageStatus.CANCELLED, None


def _marks(message: MessageRow) -> dict[str, bool]:
    """Return the marks of a mail that another one with its notices gets as well."""
    return {mark: True for mark in ("urgent", "weekly") if message.detail.get(mark)}


def _elsewhere(
    run: RunContext, found: Sequence[MessageRow], without: frozenset[str]
) -> frozenset[int]:
    """Return the mails to an office that their recipient does not hold now.

    The items of the others need not be loaded: the mails of a first run may have a million.
    """
    present: dict[tuple[str, str], tuple[OfficeHolder, ...]] = {}
    offices = mail_items.offices(run.session, [message.id for message in found])
    for role, unit in {office for each in offices.values() for office in each}:
        holders = run.site.directory.holders(Role(role), unit or None, run.today, without)
        present[role, unit] = holders.offices
    return frozenset(
        message.id
        for message in found
        if not all(
            _has(present[office], message.recipient) for office in offices.get(message.id, ())
        )
    )


def _changed(
    run: RunContext, message: MessageRow, without: frozenset[str], moving: frozenset[int]
) -> bool:
    if message.kind == MessageKind.NOTICES:
        return message.id in moving and any(True for _ in _moves(run, message, without))
    return _new_reader(run, message, without) is not None


def _moves(
    run: RunContext, message: MessageRow, without: frozenset[str]
) -> Iterator[tuple[MessageItem, list[OfficeHolder]]]:
    """Yield each item of a mail with the present holders, if the recipient is none of them."""
    if message.resent_of is not None:
        return
    today, directory = run.today, run.site.directory
    present: dict[tuple[str, str], tuple[OfficeHolder, ...]] = {}
    for item in message.items:
        if item.correction:
            continue
        unit, office = item.notice.unit or None, (item.role, item.notice.unit)
        if office not in present:
            present[office] = directory.holders(Role(item.role), unit, today, without).offices
        holders = present[office]
        if _has(holders, message.recipient):
            continue
        lost = notices.without_answer(run.session, [item.notice_id]).get(
            item.notice_id, frozenset()
        )
        if lost:
            holders = directory.holders(Role(item.role), unit, today, without | lost).offices
        reachable = [each for each in holders if each.email.casefold() not in lost]
        if reachable and not _has(reachable, message.recipient):
            yield item, reachable


def _move(
    run: RunContext, message: MessageRow, item: MessageItem, holders: list[OfficeHolder]
) -> None:
    """Put an item into the waiting mails of these people, or into new ones."""
    role = Role(item.role)
    for holder in holders:
        key = message_id_header(run.context, "moved", message.message_id_header, holder.email)
        send_at = message.next_attempt_at or run.now
        there = mail_to(run, replace(holder, role=role), key, None, send_at)
        there.detail = {**there.detail, **_marks(message)}
        if item.notice_id not in {each.notice_id for each in there.items}:
            there.items.append(
                MessageItem(notice_id=item.notice_id, role=role, copied=item.copied, included=None)
            )
    message.items.remove(item)
    run.session.delete(item)
    run.session.flush()
    if not message.items and message.status == MessageStatus.QUEUED:
        message.status, message.next_attempt_at = MessageStatus.CANCELLED, None


def _new_reader(
    run: RunContext, message: MessageRow, without: frozenset[str]
) -> OfficeHolder | None:
    """Return the new recipient of an alert or a report, or None if it has the right one."""
    if message.resent_of is not None:
        return None
    today = run.today
    holders = run.site.directory.holders(Role(message.role), None, today, without).offices
    if not holders or _has(holders, message.recipient):
        return None
    return holders[0]


def _has(holders: tuple[OfficeHolder, ...] | list[OfficeHolder], address: str) -> bool:
    return any(holder.email.casefold() == address.casefold() for holder in holders)
