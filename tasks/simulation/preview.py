"""Preview: the mails that would leave now and on the next working morning.

The code of the real runs decides and composes; everything is rolled back. A site in trial is shown
as if its trial ended now.
"""

from __future__ import annotations

import base64
import email
import email.policy
import zlib
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from email.message import EmailMessage
from pathlib import Path

from db import notices
from db.decisions import mode
from db.lives import MessageStatus
from db.mails import mail_items, outbox
from db.models import MessageRow
from tasks.common.context import RunContext, SiteContext
from tasks.common.rolled_back import rolled_back
from tasks.common.whole_files import whole_files
from tasks.deadlines import evaluate_and_notify
from tasks.notifications.composing.compose import compose_all, in_groups
from tasks.notifications.readdress import readdress
from tasks.notifications.sender import leaves_at
from tasks.notifications.transport.smtp import Uncomposable
from tasks.notifications.trial.digest import entry_of
from tasks.notifications.trial.mode_text import mode_text
from tasks.notifications.views import TrialEntry
from tasks.text.templates import render

MOST = 1000
"""Most mails of one moment."""

MORNING = time(8)
"""The next working morning of a site without mail hours."""


@dataclass(frozen=True, slots=True)
class PreviewedMail:
    """A mail as it would leave at a moment: for a list, and as it is sent."""

    at: datetime
    entry: TrialEntry
    mime: bytes


def preview(context: SiteContext, now: datetime) -> list[PreviewedMail]:
    """Return the mails that would leave now and on the next working morning; change nothing."""
    with rolled_back(context) as tried:
        with tried.transaction() as session:
            if not mode.of_site(session).live:
                mode.start(session, now, "preview", effective_from=now)
        found = _mails_at(tried, now)
        return found + _mails_at(tried, next_morning(context, now))


def next_morning(context: SiteContext, now: datetime) -> datetime:
    """Return the start of the next mail hours after now; if they are open, those of another day."""
    opens = context.send_after(now)
    if opens > now:
        return opens
    midnight = context.local(now).replace(hour=0, minute=0, second=0, microsecond=0)
    tomorrow = midnight + timedelta(days=1)
    if context.site.mail_hours is not None:
        return context.send_after(tomorrow)
    calendar = context.site.evaluation_context.calendar
    while not calendar.counts(tomorrow.date()):
        tomorrow += timedelta(days=1)
    return datetime.combine(tomorrow.date(), MORNING, tzinfo=context.site.zone)


def write_preview(context: SiteContext, mails: list[PreviewedMail], folder: Path) -> Path:
    """Write each mail as a page and as a file for a mail program, and an index; return the index.

    All files are for their owner only.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    site = context.site
    index = folder / "index.html"
    days = sorted({mail.at for mail in mails})
    with context.consistent_read() as session:
        site_mode = mode.of_site(session)
    page = render(
        "report/preview.html.j2",
        locale=site.locale,
        zone=site.zone,
        site=site.name,
        trial="" if site_mode.live else mode_text(site_mode, site.locale, site.zone),
        days=[(day, [(n, m) for n, m in enumerate(mails, 1) if m.at == day]) for day in days],
    )
    with whole_files() as write:
        write(index, page.encode())
        for number, mail in enumerate(mails, 1):
            write(folder / f"{number:03}.html", page_of(mail.mime).encode())
            write(folder / f"{number:03}.eml", mail.mime)
    return index


def page_of(mime: bytes) -> str:
    """Return the HTML body of a mail with its pictures inside."""
    message = email.message_from_bytes(mime, policy=email.policy.default)
    body = message.get_body(("html", "plain"))
    html = str(body.get_content()) if body is not None else ""
    for part in message.walk():
        cid = part.get("Content-ID")
        if cid and isinstance(part, EmailMessage):
            content = base64.b64encode(bytes(part.get_content())).decode()
            source = f"data:{part.get_content_type()};base64,{content}"
            html = html.replace(f"cid:{str(cid).strip('<> ')}", source)
    return html


def _mails_at(context: SiteContext, moment: datetime) -> list[PreviewedMail]:
    """Decide and compose as the runs of this moment would; the mails then count as sent."""
    run_id = f"preview {moment.isoformat()}"
    evaluate_and_notify(context, moment, run_id)
    with context.run(moment, run_id) as run:
        readdress(run, MOST)
    with context.run(moment, run_id) as run:
        return _sent(run)


def _sent(run: RunContext) -> list[PreviewedMail]:
    due = outbox.take_due(run.session, run.now, MOST, items=False)
    site_mode = run.mode
    leaving = [m for m in due if leaves_at(run.context, m, run.now, site_mode) <= run.now]
    locale = run.site.locale
    found: dict[int, PreviewedMail] = {}
    for group in in_groups(run, leaving):
        for message, mime in compose_all(run, group, run.now):
            if mime is None or isinstance(mime, Uncomposable):
                continue
            message.mime = zlib.compress(mime, 1)
            found[message.id] = PreviewedMail(run.now, entry_of(run, message, locale), mime)
            _count_as_sent(run, message)
    return [found[message.id] for message in leaving if message.id in found]


def _count_as_sent(run: RunContext, message: MessageRow) -> None:
    message.status, message.next_attempt_at = MessageStatus.SENDING, None
    message.status, message.sent_at = MessageStatus.SENT, run.now
    run.session.flush()
    notices.settle(run.session, mail_items.notices_in(run.session, [message.id]), run.now)
