"""Compose: what a mail still has to tell becomes text, HTML and headers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from email import policy
from email.header import Header
from email.message import EmailMessage
from email.utils import format_datetime, formataddr
from pathlib import Path
from urllib.parse import quote
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from db import outbox
from db.models import Complaint, MessageKind, MessageRow, NoticeRow, Report
from sla.deadline import Deadline, State
from tasks.agenda import agenda
from tasks.knowing import judged_of
from tasks.office import Office
from tasks.queueing import message_id
from tasks.rendering import (
    RenderedMail,
    alert_mail,
    moment_text,
    notice_mail,
    summary_html,
    summary_mail,
    words,
)
from tasks.summary import summary_view
from tasks.views import AlertMail, Duty, NoticeItem, NoticeMail, told_by_role
from tasks.workbook import notices_workbook

CRLF = "\r\n"

SEVEN_BIT = policy.SMTP.clone(cte_type="7bit", refold_source="none")
"""CRLF, and nothing that a server without 8BITMIME could spoil."""

LONGEST_THREAD = 10
"""Mails. References that grow for ever help no reader."""

XLSX = ("application", "vnd.openxmlformats-officedocument.spreadsheetml.sheet")


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that goes with a mail."""

    name: str
    maintype: str
    subtype: str
    content: bytes


def compose(session: Session, office: Office, message: MessageRow, now: datetime) -> bytes | None:
    """The mail as it goes out, or None where nothing that it was to tell is still true.

    Marks each item with whether the mail tells of it.
    """
    if message.kind == MessageKind.NOTICES:
        view = _notice_view(session, office, message, now)
        if view is None:
            return None
        locale, zone = office.site.locale, office.site.zone
        rendered = notice_mail(view, locale, zone)
        attached = list(_attached(view, rendered, locale, zone))
        thread = _thread(session, message, now)
        return _mime(office, message, rendered, now, *attached, thread=thread)
    if message.kind == MessageKind.SUMMARY:
        report = session.get(Report, message.detail["report"])
        if report is None:
            return None
        summary = summary_view(session, office, report.period, report.as_of)
        rendered = summary_mail(
            summary, message.recipient_name, message.role, office.site.locale, office.site.zone
        )
        page = summary_html(summary, office.site.locale, office.site.zone)
        whole = Attachment(Path(report.path).name, "text", "html", page.encode())
        return _mime(office, message, rendered, now, whole)
    facts = tuple((key, str(value)) for key, value in message.detail.items() if key != "alert")
    alert = AlertMail(
        office.site.name, message.recipient_name, now, message.detail["alert"],
        _named(office, facts),
    )  # fmt: skip
    return _mime(office, message, alert_mail(alert, office.site.locale, office.site.zone), now)


def _attached(
    view: NoticeMail, rendered: RenderedMail, locale: str, zone: ZoneInfo
) -> Iterator[Attachment]:
    """What goes with a mail: all complaints where it lists not all, and what is still to come."""
    if rendered.left_out:
        name = words(locale)("workbook.file", day=f"{view.now.astimezone(zone):%Y-%m-%d}")
        yield Attachment(name, *XLSX, notices_workbook(view, locale, zone))
    coming = agenda(view, locale, zone)
    if coming is not None:
        yield Attachment(words(locale)("agenda.file"), "text", "calendar", coming)


def _thread(session: Session, message: MessageRow, now: datetime) -> list[str]:
    """The earlier mails to this person that a mail about one complaint answers."""
    concerned = {item.notice.complaint_id for item in message.items if item.told}
    if len(concerned) != 1:
        return []
    return outbox.earlier(session, message.recipient, concerned.pop(), now)[-LONGEST_THREAD:]


def _named(office: Office, facts: Sequence[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """The facts of an alert as people read them: a unit by its name, a time in words."""
    site = office.site

    def told(key: str, value: str) -> str:
        if key == "since":
            return moment_text(datetime.fromisoformat(value), site.locale, site.zone)
        return site.directory.name_of(value) if key == "unit" else value

    return tuple((key, told(key, value)) for key, value in facts)


def _notice_view(
    session: Session, office: Office, message: MessageRow, now: datetime
) -> NoticeMail | None:
    rows = [item.notice.complaint for item in message.items]
    keys = [complaint.id for complaint in rows]
    concerned = list({complaint.id: complaint for complaint in rows}.values())
    judged = {
        known.complaint.id: found.deadlines
        for known, found in judged_of(session, office, concerned, now)
    }
    before = outbox.told(session, keys, now - timedelta(microseconds=1))  # not this very run
    found: dict[tuple[int, str | None], tuple[Complaint, dict[tuple[str, int], Duty]]] = {}
    for item, complaint in zip(message.items, rows, strict=True):
        deadline = _still_true(item.notice, judged[complaint.id])
        item.told = deadline is not None
        if deadline is not None:
            clock = (item.notice.rule, item.notice.clock)
            told = before.get((complaint.id, *clock), [])
            group = found.setdefault((complaint.id, deadline.unit), (complaint, {}))
            uid = message_id(office, complaint.source, complaint.ticket, *clock).strip("<>")
            # two notices may tell of one clock
            group[1][clock] = _duty(office, deadline, told, uid)
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
    )


def _still_true(notice: NoticeRow, deadlines: Sequence[Deadline]) -> Deadline | None:
    """The deadline of a notice while its clock ticks at the same unit; else nothing is owed."""
    for deadline in deadlines:
        if (deadline.rule.id, deadline.clock) == (notice.rule, notice.clock):
            return deadline if deadline.ticking and (deadline.unit or "") == notice.unit else None
    return None


def _duty(
    office: Office, deadline: Deadline, told: Sequence[tuple[str, datetime]], uid: str
) -> Duty:
    rule, locale = deadline.rule, office.site.locale
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
        told=told_by_role(told),
        uid=uid,
    )


def _item(
    office: Office, complaint: Complaint, unit: str | None, duties: Sequence[Duty]
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
    """What is late first, the longest late before the others; then what is due soonest."""
    return not duty.late, duty.working_days_left, duty.due


def _mime(
    office: Office,
    message: MessageRow,
    rendered: RenderedMail,
    now: datetime,
    *attachments: Attachment,
    thread: Sequence[str] = (),
) -> bytes:
    mail = office.site.file.mail
    administrator = office.site.administrator_address(office.local(now).date())
    message.subject = rendered.subject
    composed = EmailMessage(policy=SEVEN_BIT)
    composed.set_raw("From", _mailbox(mail.sender_name, mail.sender))
    composed.set_raw("To", _mailbox(message.recipient_name, message.recipient))
    composed["Reply-To"] = administrator
    composed["Subject"] = rendered.subject
    composed["Date"] = format_datetime(office.local(now))
    composed["Message-ID"] = message.message_id
    if thread:
        composed["In-Reply-To"] = thread[-1]
        composed["References"] = " ".join(thread)
    composed["Auto-Submitted"] = "auto-generated"
    composed["X-Auto-Response-Suppress"] = "All"
    composed.set_raw("List-Id", f"<{mail.list_id}>")  # folding would encode a long one
    composed.set_content(rendered.text)
    composed.add_alternative(rendered.html, subtype="html")
    for each in attachments:
        composed.add_attachment(
            each.content, maintype=each.maintype, subtype=each.subtype, filename=each.name
        )
    return composed.as_bytes()


def _mailbox(name: str, address: str) -> str:
    """A name with its address, ready for a header.

    `EmailMessage` forgets the quotes of a name beyond ASCII (CVE-2025-1795): each of its commas
    would begin another address.
    """
    plain = "".join(c for c in name if c.isprintable())
    if plain.isascii() and "=?" not in plain:
        return formataddr((plain, address))
    address.encode("ascii")
    return f"{Header(plain, 'utf-8', header_name='From').encode(linesep=CRLF)}{CRLF} <{address}>"
