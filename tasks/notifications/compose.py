"""Compose: the text, HTML and headers of a mail, from the items that are still true."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from urllib.parse import quote
from zoneinfo import ZoneInfo

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from db import imports, outbox
from db.models import Complaint, MessageKind, MessageRow, NoticeRow
from sla.directory import OF_A_UNIT, Role
from sla.engine.deadline import Deadline, State
from tasks.common.context import SiteContext
from tasks.common.notified import notified_by_role
from tasks.evaluation.corrections import LATE
from tasks.evaluation.loader import load_and_evaluate
from tasks.notifications.calendar_attachment import agenda
from tasks.notifications.enqueue import message_id_header
from tasks.notifications.message import Attachment, alert_mime, in_envelope
from tasks.notifications.questions import QUESTIONS, questions_mime
from tasks.notifications.render import RenderedMail, notice_mail
from tasks.notifications.replies.links import with_replies
from tasks.notifications.summary_mail import SummaryMailComposer
from tasks.notifications.transport.smtp import Uncomposable
from tasks.notifications.views import (
    Correction,
    Duty,
    NoticeItem,
    NoticeMail,
    StandIn,
    by_unit,
)
from tasks.notifications.workbook_attachment import notices_workbook
from tasks.text.catalog import catalog

XLSX = ("application", "vnd.openxmlformats-officedocument.spreadsheetml.sheet")

LONGEST_THREAD = 10
"""Limit of mails in References: a list without a limit helps no reader."""


def compose_all(
    session: Session,
    office: SiteContext,
    messages: Sequence[MessageRow],
    now: datetime,
    began: datetime | None = None,
) -> Iterator[tuple[MessageRow, bytes | Uncomposable | None]]:
    """Compose each mail; yield the bytes to send, or None if none of its items is still true.

    If a mail cannot be composed, the function yields
    :class:`tasks.notifications.transport.smtp.Uncomposable` in its place. That error names only the
    type of the cause, because an error text may contain personal data of a complainant. The
    function stores in each item whether the mail reports it. A mail of the same run, sent since
    `began`, does not count as an earlier mail.
    """
    views = notice_views(session, office, messages, now, began)
    threads = _threads(session, messages, began or now)
    bringing = SummaryMailComposer(session, office)
    for message in messages:
        try:
            view, thread = views.get(message.id), threads.get(message.id, [])
            yield message, _composed(session, office, message, now, view, thread, bringing)
        except SQLAlchemyError:  # the database failed; the mail itself is not at fault
            raise
        except Exception as error:
            yield message, Uncomposable(f"cannot be composed: {type(error).__name__}")


def compose(
    session: Session, office: SiteContext, message: MessageRow, now: datetime
) -> bytes | None:
    """Compose one mail; return the bytes to send, or None if none of its items is still true."""
    view = notice_views(session, office, [message], now).get(message.id)
    thread = _threads(session, [message], now).get(message.id, [])
    return _composed(session, office, message, now, view, thread)


def _composed(
    session: Session,
    office: SiteContext,
    message: MessageRow,
    now: datetime,
    view: NoticeMail | None,
    thread: Sequence[str],
    bringing: SummaryMailComposer | None = None,
) -> bytes | None:
    locale, zone = message.locale or office.site.locale, office.site.zone
    if message.kind == MessageKind.NOTICES:
        if view is None:
            return None
        offer = not view.copied
        late, coming = (
            with_replies(session, office, message, items, now, offer=offer)
            for items in (view.late, view.coming)
        )
        view = replace(view, late=late, coming=coming)
        rendered = notice_mail(view, locale, zone)
        attached = list(_attached(view, rendered, locale, zone))
        return in_envelope(office.site, message, rendered, now, *attached, thread=thread)
    if message.kind == MessageKind.SUMMARY:
        brought = (bringing or SummaryMailComposer(session, office)).composed(message)
        if brought is None:
            return None
        return in_envelope(office.site, message, brought[0], now, *brought[1])
    if message.detail["alert"] == QUESTIONS:
        return questions_mime(session, office, message, now)
    return alert_mime(office.site, message, now)


def _attached(
    view: NoticeMail, rendered: RenderedMail, locale: str, zone: ZoneInfo
) -> Iterator[Attachment]:
    """Yield the attachments of a mail.

    These are a workbook of all complaints if the body lists only some, and the calendar of coming
    deadlines.
    """
    if rendered.left_out:
        name = catalog(locale)("workbook.file", day=f"{view.now.astimezone(zone):%Y-%m-%d}")
        yield Attachment(name, *XLSX, notices_workbook(view, locale, zone))
    coming = agenda(view, locale, zone)
    if coming is not None:
        yield Attachment(catalog(locale)("agenda.file"), "text", "calendar", coming)


def _threads(
    session: Session, messages: Sequence[MessageRow], now: datetime
) -> dict[int, list[str]]:
    """Return the Message-IDs of the earlier mails that each mail answers, by key of the mail.

    Only a mail about exactly one complaint has a thread: the earlier mails about it to the same
    address.
    """
    about = {}
    for message in messages:
        concerned = {item.notice.complaint_id for item in message.items if item.included}
        if len(concerned) == 1:
            about[message.id] = (message.recipient, concerned.pop())
    earlier = outbox.earlier(session, set(about.values()), now)
    return {key: earlier.get(pair, [])[-LONGEST_THREAD:] for key, pair in about.items()}


def notice_views(
    session: Session,
    office: SiteContext,
    messages: Sequence[MessageRow],
    now: datetime,
    began: datetime | None = None,
) -> dict[int, NoticeMail | None]:
    """Return the content of each notice mail by its key, or None if no item is still true.

    All their complaints are evaluated together. The function stores in each item whether the mail
    reports it.
    """
    messages = [message for message in messages if message.kind == MessageKind.NOTICES]
    concerned = {
        item.notice.complaint_id: item.notice.complaint
        for message in messages
        for item in message.items
    }
    judged = {
        known.complaint.id: found.deadlines
        for known, found in load_and_evaluate(session, office, list(concerned.values()), now)
    }
    earlier = (began or now) - timedelta(microseconds=1)  # excludes this run itself
    before = outbox.notified(session, concerned, earlier)
    first = imports.first_of_each(session)
    return {message.id: _view(office, message, judged, before, first, now) for message in messages}


def _view(
    office: SiteContext,
    message: MessageRow,
    judged: Mapping[int, Sequence[Deadline]],
    before: Mapping[tuple[int, str, int], Sequence[tuple[str, datetime]]],
    first_imports: Mapping[str, datetime],
    now: datetime,
) -> NoticeMail | None:
    locale = message.locale or office.site.locale
    corrections: dict[tuple[int, str, int], Correction] = {}
    found: dict[tuple[int, str | None], tuple[Complaint, dict[tuple[str, int], Duty]]] = {}
    for item in message.items:
        complaint = item.notice.complaint
        if item.correction:
            correction = _correction(office, item.notice, judged[complaint.id], locale)
            item.included = correction is not None
            if correction is not None:
                corrections[complaint.id, item.notice.rule, item.notice.clock] = correction
            continue
        deadline = _still_true(item.notice, judged[complaint.id])
        item.included = deadline is not None
        if deadline is not None:
            clock = (item.notice.rule, item.notice.clock)
            told = before.get((complaint.id, *clock), [])
            group = found.setdefault((complaint.id, deadline.unit), (complaint, {}))
            uid = message_id_header(office, complaint.source, complaint.ticket, *clock).strip("<>")
            # two notices may be about the same clock
            group[1][clock] = _duty(deadline, told, uid, locale)
    if not found and not corrections:
        return None
    items = [
        _item(office, complaint, unit, list(duties.values()), first_imports)
        for (_, unit), (complaint, duties) in found.items()
    ]
    items.sort(key=lambda item: (*_urgency(item.worst), item.ticket))
    late = [item for item in items if item.worst.late]
    coming = [item for item in items if not item.worst.late]
    return NoticeMail(
        site=office.site.name,
        recipient=message.recipient_name,
        role=message.role,
        unit=office.site.directory.name_of(message.unit),
        now=now,
        late=tuple(late),
        coming=tuple(coming),
        late_count=len(late),
        coming_count=len(coming),
        administrator=office.site.administrator_address(office.local(now).date()),
        copied=all(item.copied for item in message.items if item.included),
        units=by_unit(items),
        corrections=tuple(sorted(corrections.values(), key=lambda each: each.ticket)),
        stand_ins=_stand_ins(office, message, now),
    )


def _correction(
    office: SiteContext, notice: NoticeRow, deadlines: Sequence[Deadline], locale: str
) -> Correction | None:
    """Return the correction of a notice, or None if its deadline is late again."""
    clock = (notice.rule, notice.clock)
    deadline = next((d for d in deadlines if (d.rule.id, d.clock) == clock), None)
    if deadline is not None and deadline.state in LATE:
        return None
    law = office.site.evaluation_context.law
    rule = law.last(notice.rule) if notice.rule in law.ids else None
    return Correction(
        ticket=notice.complaint.ticket,
        unit=office.site.directory.name_of(notice.unit or None),
        rule=rule.label[locale] if rule else notice.rule,
        citation=rule.citation if rule else "",
        state=str(deadline.state) if deadline is not None else "",
    )


def _stand_ins(office: SiteContext, message: MessageRow, now: datetime) -> tuple[StandIn, ...]:
    """Return the offices, vacant or out of reach, in the place of which the recipient is told."""
    if message.resent_of is not None:
        return ()
    today, directory = office.local(now).date(), office.site.directory
    address = message.recipient.casefold()
    own = [h for h in directory.offices if h.email.casefold() == address and h.in_office_on(today)]
    above = next((holder for holder in own if holder.role not in OF_A_UNIT), None)
    reader = (above or own[0]).role if own else Role(message.role)
    found: dict[StandIn, None] = {}
    for item in message.items:
        if not item.included or item.correction:
            continue
        role, unit = Role(item.role), item.notice.unit or None
        regular = directory.holders(role, unit, today)
        holds = any(holder.email.casefold() == address for holder in regular.offices)
        if regular.vacancy is not None or not holds:
            vacant = regular.vacancy is not None
            found[StandIn(role, directory.name_of(unit), reader, vacant)] = None
    return tuple(found)


def _still_true(notice: NoticeRow, deadlines: Sequence[Deadline]) -> Deadline | None:
    """Return the deadline of a notice if its clock still runs at the same unit, else None.

    A notice that was taken back stays so, even if the deadline is late again.
    """
    if notice.taken_back_at is not None:
        return None
    for deadline in deadlines:
        if (deadline.rule.id, deadline.clock) == (notice.rule, notice.clock):
            return deadline if deadline.ticking and (deadline.unit or "") == notice.unit else None
    return None


def _duty(deadline: Deadline, told: Sequence[tuple[str, datetime]], uid: str, locale: str) -> Duty:
    rule = deadline.rule
    assert deadline.due is not None
    assert deadline.working_days_left is not None
    return Duty(
        rule=rule.label[locale],
        citation=rule.citation,
        to_be_confirmed=rule.certainty.to_be_confirmed,
        consequence=rule.consequence.get(locale, ""),
        due=deadline.due,
        exact=rule.promised,
        working_days_left=deadline.working_days_left,
        late=deadline.state is State.BREACHED,
        by_policy=deadline.by_policy,
        told=notified_by_role(told),
        uid=uid,
    )


def _item(
    office: SiteContext,
    complaint: Complaint,
    unit: str | None,
    duties: Sequence[Duty],
    first_imports: Mapping[str, datetime],
) -> NoticeItem:
    first = first_imports.get(complaint.source.partition("/")[0])
    hidden = complaint.anonymous or complaint.secret
    link = office.site.file.ticket_link
    return NoticeItem(
        ticket=complaint.ticket,
        title="" if hidden else (complaint.title or "")[:160],
        category=complaint.category or "",
        classification=complaint.classification or "",
        privacy="secret" if complaint.secret else "anonymous" if complaint.anonymous else "",
        unit=office.site.directory.name_of(unit),
        received=complaint.received_at,
        duties=tuple(sorted(duties, key=_urgency)),
        link=link.format(ticket=quote(complaint.ticket, safe="")) if link else "",
        inherited=first is not None
        and complaint.recorded_at <= first
        and any(duty.late and duty.due < first for duty in duties),
        complaint=complaint.id,
        unit_id=unit or "",
    )


def _urgency(duty: Duty) -> tuple[bool, int, datetime]:
    """Return a sort key: late deadlines first, the latest of them at the top, then the
    soonest due.
    """
    return not duty.late, duty.working_days_left, duty.due
