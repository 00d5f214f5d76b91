"""Compose: the text, HTML and headers of a mail, from the items that are still true."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from urllib.parse import quote
from zoneinfo import ZoneInfo

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from db import outbox
from db.models import Complaint, MessageKind, MessageRow, NoticeRow
from sla.engine.deadline import Deadline, State
from tasks.common.context import SiteContext
from tasks.common.notified import notified_by_role
from tasks.evaluation.loader import load_and_evaluate
from tasks.notifications.calendar_attachment import agenda
from tasks.notifications.enqueue import message_id_header
from tasks.notifications.message import Attachment, alert_mime, in_envelope
from tasks.notifications.questions import QUESTIONS, questions_mime
from tasks.notifications.render import RenderedMail, notice_mail
from tasks.notifications.summary_mail import SummaryMailComposer
from tasks.notifications.transport.smtp import Uncomposable
from tasks.notifications.views import Duty, NoticeItem, NoticeMail, by_unit
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
    return {message.id: _view(office, message, judged, before, now) for message in messages}


def _view(
    office: SiteContext,
    message: MessageRow,
    judged: Mapping[int, Sequence[Deadline]],
    before: Mapping[tuple[int, str, int], Sequence[tuple[str, datetime]]],
    now: datetime,
) -> NoticeMail | None:
    locale = message.locale or office.site.locale
    found: dict[tuple[int, str | None], tuple[Complaint, dict[tuple[str, int], Duty]]] = {}
    for item in message.items:
        complaint = item.notice.complaint
        deadline = _still_true(item.notice, judged[complaint.id])
        item.included = deadline is not None
        if deadline is not None:
            clock = (item.notice.rule, item.notice.clock)
            told = before.get((complaint.id, *clock), [])
            group = found.setdefault((complaint.id, deadline.unit), (complaint, {}))
            uid = message_id_header(office, complaint.source, complaint.ticket, *clock).strip("<>")
            # two notices may be about the same clock
            group[1][clock] = _duty(deadline, told, uid, locale)
    if not found:
        return None
    items = [
        _item(office, complaint, unit, list(duties.values()))
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
    )


def _still_true(notice: NoticeRow, deadlines: Sequence[Deadline]) -> Deadline | None:
    """Return the deadline of a notice if its clock still runs at the same unit, else None."""
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
    office: SiteContext, complaint: Complaint, unit: str | None, duties: Sequence[Duty]
) -> NoticeItem:
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
    )


def _urgency(duty: Duty) -> tuple[bool, int, datetime]:
    """Return a sort key: late deadlines first, the latest of them at the top, then the
    soonest due.
    """
    return not duty.late, duty.working_days_left, duty.due
