"""Compose: what a mail still has to tell becomes text, HTML and headers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from email import policy
from email.message import EmailMessage
from email.utils import format_datetime, formataddr
from pathlib import Path

from sqlalchemy.orm import Session

from db import complaints, outbox
from db.models import Complaint, MessageItem, MessageKind, MessageRow, NoticeRow, Report
from sla.clock import Deadline, State, judge
from tasks.deadlines import facts_of
from tasks.office import Office
from tasks.rendering import RenderedMail, alert_mail, notice_mail, summary_mail
from tasks.summary import summary_view
from tasks.views import AlertMail, NoticeItem, NoticeMail, Told

MOST_IN_BODY = 50
"""More items than this are counted in the mail, not listed."""


def compose(session: Session, office: Office, message: MessageRow, now: datetime) -> bytes | None:
    """The mail as it goes out, or None where nothing that it was to tell is still true.

    Marks each item with whether the mail tells of it.
    """
    if message.kind == MessageKind.NOTICES:
        view = _notice_view(session, office, message, now)
        if view is None:
            return None
        rendered = notice_mail(view, office.site.locale, office.site.zone)
        return _mime(office, message, rendered, now)
    if message.kind == MessageKind.SUMMARY:
        report = session.get(Report, message.detail["report"])
        if report is None:
            return None
        summary = summary_view(session, office, report.period, report.as_of)
        rendered = summary_mail(
            summary, message.recipient_name, message.role, office.site.locale, office.site.zone
        )
        return _mime(office, message, rendered, now, attachment=Path(report.path))
    facts = tuple((key, str(value)) for key, value in message.detail.items() if key != "alert")
    alert = AlertMail(
        office.site.name, message.recipient_name, now, message.detail["alert"],
        _named(office, facts),
    )  # fmt: skip
    return _mime(office, message, alert_mail(alert, office.site.locale, office.site.zone), now)


def _named(office: Office, facts: Sequence[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """The facts of an alert with a unit's name in place of its id."""
    name = office.site.directory.name_of
    return tuple((key, name(value) if key == "unit" else value) for key, value in facts)


def _notice_view(
    session: Session, office: Office, message: MessageRow, now: datetime
) -> NoticeMail | None:
    rows = [item.notice.complaint for item in message.items]
    keys = [complaint.id for complaint in rows]
    events = complaints.events_of(session, keys)
    before = outbox.told(session, keys, now)
    found: list[tuple[NoticeItem, Deadline]] = []
    for item, complaint in zip(message.items, rows, strict=True):
        history = events.get(complaint.id, [])
        deadlines = judge(facts_of(office, complaint), history, office.site.bench, now)
        deadline = _still_true(item.notice, deadlines)
        item.told = deadline is not None
        if deadline is not None:
            told = before.get((complaint.id, item.notice.rule, item.notice.clock), [])
            found.append((_item(office, complaint, item, deadline, told), deadline))
    if not found:
        return None
    found.sort(key=lambda pair: (pair[0].working_days_left, pair[0].due, pair[0].ticket))
    late = [item for item, deadline in found if deadline.state is State.BREACHED]
    coming = [item for item, deadline in found if deadline.state is not State.BREACHED]
    shown = late[:MOST_IN_BODY], coming[: max(0, MOST_IN_BODY - len(late))]
    return NoticeMail(
        site=office.site.name,
        recipient=message.recipient_name,
        role=message.role,
        unit=office.site.directory.name_of(message.unit),
        now=now,
        late=tuple(shown[0]),
        coming=tuple(shown[1]),
        late_count=len(late),
        coming_count=len(coming),
        administrator=office.site.administrator_address(office.local(now).date()),
    )


def _still_true(notice: NoticeRow, deadlines: Sequence[Deadline]) -> Deadline | None:
    """The deadline of a notice while its clock ticks at the same unit; else nothing is owed."""
    for deadline in deadlines:
        if (deadline.rule.id, deadline.clock) == (notice.rule, notice.clock):
            ticking = deadline.state in (State.RUNNING, State.BREACHED) and not deadline.paused
            return deadline if ticking and deadline.unit == notice.unit else None
    return None


def _item(
    office: Office,
    complaint: Complaint,
    item: MessageItem,
    deadline: Deadline,
    told: Sequence[MessageRow],
) -> NoticeItem:
    site, rule = office.site, deadline.rule
    assert deadline.due is not None
    assert deadline.working_days_left is not None
    hidden = complaint.anonymous or complaint.secret
    link = site.file.ticket_link
    return NoticeItem(
        ticket=complaint.ticket,
        title="" if hidden else (complaint.title or "")[:160],
        category=complaint.category or "",
        classification=complaint.classification or "",
        privacy="secret" if complaint.secret else "anonymous" if complaint.anonymous else "",
        unit=site.directory.name_of(deadline.unit),
        rule=rule.label[site.locale],
        citation=rule.citation,
        to_be_confirmed=rule.certainty.to_be_confirmed,
        consequence=rule.consequence.get(site.locale, ""),
        received=complaint.received_at,
        due=deadline.due,
        exact=rule.promised,
        working_days_left=deadline.working_days_left,
        kind=item.notice.kind,
        by_policy=deadline.by_policy,
        told=tuple(Told(row.role, row.recipient_name, row.sent_at) for row in told if row.sent_at),
        link=link.format(ticket=complaint.ticket) if link else "",
    )


def _mime(
    office: Office,
    message: MessageRow,
    rendered: RenderedMail,
    now: datetime,
    *,
    attachment: Path | None = None,
) -> bytes:
    mail = office.site.file.mail
    administrator = office.site.administrator_address(office.local(now).date())
    message.subject = rendered.subject
    composed = EmailMessage(policy=policy.SMTP)
    composed["From"] = formataddr((mail.sender_name, mail.sender))
    composed["To"] = formataddr((_plain(message.recipient_name), message.recipient))
    composed["Reply-To"] = administrator
    composed["Subject"] = rendered.subject
    composed["Date"] = format_datetime(office.local(now))
    composed["Message-ID"] = message.message_id
    composed["Auto-Submitted"] = "auto-generated"
    composed["X-Auto-Response-Suppress"] = "All"
    composed["List-Id"] = f"<{mail.list_id}>"
    composed.set_content(rendered.text)
    composed.add_alternative(rendered.html, subtype="html")
    if attachment is not None and attachment.is_file():
        composed.add_attachment(
            attachment.read_text(encoding="utf-8"), subtype="html", filename=attachment.name
        )
    return composed.as_bytes()


def _plain(name: str) -> str:
    return "".join(c for c in name if c.isprintable())
