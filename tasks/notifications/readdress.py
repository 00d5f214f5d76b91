"""Readdress: a mail goes to the person who holds the office when it leaves.

A mail may wait for days. If an office has changed hands since it was queued, or an address bounces
now, its notices move to the mail of the present holder.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from sqlalchemy.orm import Session

from db import outbox
from db.locks import advisory_lock
from db.mailbox import bounces
from db.models import MessageItem, MessageKind, MessageRow, MessageStatus
from sla.directory import OfficeHolder, Role
from tasks.common.context import SiteContext
from tasks.notifications.enqueue import mail_to, message_id_header


def readdress(
    session: Session, office: SiteContext, limit: int, now: datetime, run_id: str
) -> None:
    """Move the notices of mails due at `now` to the present holders of the offices.

    A correction goes to the person who got the wrong notice, and a mail sent again by hand to the
    address that a person named: neither moves. The lock comes before the rows, in the order of a
    deadlines run.
    """
    without = bounces.suppressed_addresses(session)
    found = outbox.due(session, now, limit)
    if not any(_changed(session, office, message, without, now) for message in found):
        return
    advisory_lock(session, "outbox")
    for message in outbox.locked(session, [message.id for message in found]):
        if message.kind == MessageKind.NOTICES:
            for item, holders in list(_moves(session, office, message, without, now)):
                _move(session, office, message, item, holders, now, run_id)
        elif (holder := _new_reader(office, message, without, now)) is not None:
            message.recipient, message.recipient_name = holder.email, holder.name
            message.unit, message.locale = holder.unit, holder.locale
    session.flush()


def _changed(
    session: Session,
    office: SiteContext,
    message: MessageRow,
    without: frozenset[str],
    now: datetime,
) -> bool:
    if message.kind == MessageKind.NOTICES:
        return any(True for _ in _moves(session, office, message, without, now))
    return _new_reader(office, message, without, now) is not None


def _moves(
    session: Session,
    office: SiteContext,
    message: MessageRow,
    without: frozenset[str],
    now: datetime,
) -> Iterator[tuple[MessageItem, list[OfficeHolder]]]:
    """Yield each item of a mail with the present holders, if the recipient is none of them."""
    if message.resent_of is not None:
        return
    today, directory = office.local(now).date(), office.site.directory
    for item in message.items:
        if item.correction:
            continue
        unit = item.notice.unit or None
        holders = directory.holders(Role(item.role), unit, today, without).offices
        if _has(holders, message.recipient):
            continue
        lost = outbox.without_answer(session, item.notice_id)
        if lost:
            holders = directory.holders(Role(item.role), unit, today, without | lost).offices
        reachable = [each for each in holders if each.email.casefold() not in lost]
        if reachable and not _has(reachable, message.recipient):
            yield item, reachable


def _move(
    session: Session,
    office: SiteContext,
    message: MessageRow,
    item: MessageItem,
    holders: list[OfficeHolder],
    now: datetime,
    run_id: str,
) -> None:
    """Put an item into the waiting mails of these people, or into new ones."""
    role = Role(item.role)
    for holder in holders:
        key = message_id_header(office, "moved", message.message_id_header, holder.email)
        turn = message.next_attempt_at or now
        there = mail_to(session, replace(holder, role=role), key, None, now, run_id, turn)
        marks = {mark: True for mark in ("urgent", "weekly") if message.detail.get(mark)}
        there.detail = {**there.detail, **marks}
        if item.notice_id not in {each.notice_id for each in there.items}:
            there.items.append(
                MessageItem(notice_id=item.notice_id, role=role, copied=item.copied, included=None)
            )
    message.items.remove(item)
    session.delete(item)
    session.flush()
    if not message.items and message.status == MessageStatus.QUEUED:
        message.status, message.next_attempt_at = MessageStatus.CANCELLED, None


def _new_reader(
    office: SiteContext, message: MessageRow, without: frozenset[str], now: datetime
) -> OfficeHolder | None:
    """Return the new recipient of an alert or a report, or None if it has the right one."""
    if message.resent_of is not None:
        return None
    today = office.local(now).date()
    holders = office.site.directory.holders(Role(message.role), None, today, without).offices
    if not holders or _has(holders, message.recipient):
        return None
    return holders[0]


def _has(holders: tuple[OfficeHolder, ...] | list[OfficeHolder], address: str) -> bool:
    return any(holder.email.casefold() == address.casefold() for holder in holders)
