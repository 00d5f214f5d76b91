"""Envelope: add headers to a rendered mail, and compose a complete alert.

This is separate from `tasks.composing`, so that an alert can be sent without the code for
evaluation.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from email.utils import format_datetime
from typing import Any

from db.models import MessageRow
from settings import Site
from tasks.mime import CRLF, Attachment, as_mime, mailbox
from tasks.mime import words as words_of_header
from tasks.rendering import RenderedMail, alert_mail, moment_text, watch_mail
from tasks.views import AlertMail, Ill, WatchMail

WATCH = "watch"
"""The kind of an alert about several incidents at once."""


def alert_mime(site: Site, message: MessageRow, now: datetime) -> bytes:
    """Compose a mail to the administrator about the pipeline itself, ready to send."""
    locale = message.locale or site.locale
    if message.detail["alert"] == WATCH:
        told = watch_view(site, message.recipient_name, message.detail, now)
        return in_envelope(site, message, watch_mail(told, locale, site.zone), now)
    facts = tuple((key, str(value)) for key, value in message.detail.items() if key != "alert")
    alert = AlertMail(
        site.name,
        message.recipient_name,
        now,
        message.detail["alert"],
        _named(site, facts, locale),
    )
    return in_envelope(site, message, alert_mail(alert, locale, site.zone), now)


def watch_view(site: Site, recipient: str, detail: Mapping[str, Any], now: datetime) -> WatchMail:
    """Return the content of a watchdog mail."""
    new, again, well = (
        tuple(Ill(each["kind"], each["facts"]) for each in detail.get(part, ()))
        for part in ("new", "again", "well")
    )
    return WatchMail(site.name, recipient, now, new, again, well)


def _named(
    site: Site, facts: Sequence[tuple[str, str]], locale: str
) -> tuple[tuple[str, str], ...]:
    """Return the facts of an alert for display: the name of a unit, a time in words."""

    def told(key: str, value: str) -> str:
        if key in ("since", "restored"):
            return moment_text(datetime.fromisoformat(value), locale, site.zone)
        return site.directory.name_of(value) if key == "unit" else value

    return tuple((key, told(key, value)) for key, value in facts)


def in_envelope(
    site: Site,
    message: MessageRow,
    rendered: RenderedMail,
    now: datetime,
    *attachments: Attachment,
    thread: Sequence[str] = (),
) -> bytes:
    """Return a rendered mail with its headers; store its subject in the outbox."""
    mail = site.file.mail
    administrator = site.administrator_address(now.astimezone(site.zone).date())
    message.subject = rendered.subject
    headers = {
        "From": mailbox(mail.sender_name, mail.sender, "From"),
        "To": mailbox(message.recipient_name, message.recipient, "To"),
        "Reply-To": administrator,
        "Subject": words_of_header(rendered.subject, "Subject"),
        "Date": format_datetime(now.astimezone(site.zone)),
        "Message-ID": message.message_id,
    }
    if thread:
        headers |= {"In-Reply-To": thread[-1], "References": f"{CRLF} ".join(thread)}
    headers |= {
        "Auto-Submitted": "auto-generated",
        "X-Auto-Response-Suppress": "All",
        "List-Id": f"<{mail.list_id}>",
    }
    return as_mime(headers, rendered.text, rendered.html, attachments)
