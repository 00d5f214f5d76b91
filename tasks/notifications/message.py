"""MIME: build the bytes of a mail from its text, headers and attachments.

The standard library's `EmailMessage` encodes each file. This module writes the headers and puts the
parts together itself, because the standard library takes most of the time of a mail for that: it
parses each header again, and copies each part once for every multipart around it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.policy import EmailPolicy
from email.utils import format_datetime, formataddr
from functools import lru_cache
from typing import Any

from db.models import MessageRow
from settings.site import Site
from tasks.notifications.coat_of_arms import CoatOfArms
from tasks.notifications.render import RenderedMail, alert_mail, watch_mail
from tasks.notifications.transport.encoding import CRLF, encode_bytes, encode_header, encode_text
from tasks.notifications.views import (
    UNREAD_REPLIES,
    VACANCIES,
    AlertMail,
    WatchMail,
    vacancies_in,
)
from tasks.text.catalog import catalog
from tasks.text.formats import moment_text
from tasks.text.incidents import IncidentView
from tasks.text.translation import translated


class _AsGiven(EmailPolicy):
    """Keeps headers as given: ASCII, folded or not."""

    def header_store_parse(self, name: str, value: str) -> tuple[str, str]:
        _check_header(name, value)
        return name, value

    def header_fetch_parse(self, name: str, value: str) -> str:
        return value


def _check_header(name: str, value: str) -> None:
    """Raise ValueError for a header that cannot be sent as it is: ASCII, folded or not."""
    if value.isascii() and value.isprintable():
        return
    lines = value.split(CRLF)
    if not value.isascii() or any("\r" in line or "\n" in line for line in lines):
        raise ValueError(f"the header {name} cannot be sent as it is")
    if not all(line[:1] in (" ", "\t") and line.strip() for line in lines[1:]):
        raise ValueError(f"the header {name} would begin another one")


POLICY = _AsGiven(linesep=CRLF, cte_type="7bit", refold_source="none")
"""CRLF line ends, and only bytes that survive a server without 8BITMIME."""


VERSION = "MIME-Version: 1.0"


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file attached to a mail; a text is in UTF-8.

    `parameters` are further parameters of its media type, each with its value.
    """

    name: str
    maintype: str
    subtype: str
    content: bytes
    parameters: tuple[tuple[str, str], ...] = ()


def as_mime(
    headers: Mapping[str, str],
    text: str,
    html: str,
    attachments: Sequence[Attachment] = (),
    coat: CoatOfArms | None = None,
) -> bytes:
    """Build the whole mail: text first, then HTML with its picture, then the attachments.

    Raises ValueError for a header that cannot be sent.
    """
    for name, value in headers.items():
        _check_header(name, value)
    mark = hashlib.sha256(headers["Message-ID"].encode()).hexdigest()[:32]
    boundaries = [f"=_{mark}_{number}" for number in range(3)]  # no encoded line begins like this
    first = [*(f"{name}: {value}" for name, value in headers.items()), VERSION]
    files = [_file(each) for each in attachments]
    outer = boundaries.pop(0) if files else ""
    inner = boundaries.pop(0)
    page, encoded = _text(html, "html")
    if coat is None:
        body = _written([*page, VERSION], encoded)
    else:
        parts = [_written(page, encoded), _picture(coat)]
        body = _multipart([VERSION], "related", boundaries.pop(0), parts)
    texts = [_written(*_text(text, "plain")), body]
    if not files:
        return _multipart(first, "alternative", inner, texts).encode("ascii")
    parts = [_multipart([], "alternative", inner, texts), *files]
    return _multipart(first, "mixed", outer, parts).encode("ascii")


def _text(text: str, subtype: str) -> tuple[list[str], str]:
    """Return the headers of a text without its version, and the text as encoded for a mail."""
    encoding, encoded = encode_text(text)
    content_type = f'Content-Type: text/{subtype}; charset="utf-8"'
    return [content_type, f"Content-Transfer-Encoding: {encoding}"], encoded


def _file(attachment: Attachment) -> str:
    """Return the part with an attachment."""
    headers = _file_headers(
        attachment.name, attachment.maintype, attachment.subtype, attachment.parameters
    )
    return _written(headers, encode_bytes(attachment.content))


@lru_cache(maxsize=16)
def _file_headers(
    name: str, maintype: str, subtype: str, parameters: tuple[tuple[str, str], ...]
) -> list[str]:
    """Return the headers of an attachment: the same ones for many mails.

    Without a charset a text would be read as ASCII (RFC 2045, 5.2).
    """
    part = EmailMessage(policy=POLICY)
    charset = {"charset": "utf-8"} if maintype == "text" else {}
    part.set_content(
        b"",
        maintype=maintype,
        subtype=subtype,
        filename=name,
        disposition="attachment",
        params={**charset, **dict(parameters)},
    )
    return _headers(part)


@lru_cache(maxsize=4)
def _picture(coat: CoatOfArms) -> str:
    """Return the part with the picture of the HTML body: the same one in all mails of a site."""
    part = EmailMessage(policy=POLICY)
    part.set_content(b"", "image", "png", cid=f"<{coat.cid}>")
    part["Content-Disposition"] = "inline"
    return _written(_headers(part), encode_bytes(coat.png))


def _headers(part: EmailMessage) -> list[str]:
    return [f"{name}: {value}" for name, value in part.raw_items()]


def _written(headers: Sequence[str], payload: str) -> str:
    """Return a part as it stands in a mail."""
    return CRLF.join([*headers, "", payload])


def _multipart(headers: Sequence[str], kind: str, boundary: str, parts: Sequence[str]) -> str:
    """Return parts as one multipart, as :class:`email.generator.BytesGenerator` writes it."""
    content_type = f'Content-Type: multipart/{kind}; boundary="{boundary}"'
    pieces = [CRLF.join([*headers, content_type, "", ""])]
    for each in parts:
        pieces += (f"--{boundary}{CRLF}", each, CRLF)
    pieces.append(f"--{boundary}--{CRLF}")
    return "".join(pieces)


@lru_cache(maxsize=256)
def format_mailbox(name: str, address: str, header: str) -> str:
    """Encode a name with its address for a header.

    `EmailMessage` forgets the quotes of a non-ASCII name (CVE-2025-1795): each comma in the name
    would begin another address. Raises UnicodeEncodeError for a non-ASCII address.
    """
    plain = "".join(c for c in name if c.isprintable())
    if plain.isascii() and "=?" not in plain:
        return formataddr((plain, address))
    address.encode("ascii")
    return f"{encode_header(plain, header)}{CRLF} <{address}>"


WATCH = "watch"
"""The kind of an alert about several incidents at once."""


def alert_mime(site: Site, message: MessageRow, now: datetime) -> bytes:
    """Compose a mail to the administrator about one event of the pipeline, ready to send."""
    locale = message.locale or site.locale
    alert = alert_view(site, message, locale, now)
    return in_envelope(site, message, alert_mail(alert, locale, site.zone), now)


def alert_view(site: Site, message: MessageRow, locale: str, now: datetime) -> AlertMail:
    """Return the content of an alert."""
    facts = tuple((key, str(value)) for key, value in message.detail.items() if key != "alert")
    named = _named(site, facts, locale)
    if message.detail["alert"] == VACANCIES:
        named = tuple(_offices(site, message.detail, locale))
    elif message.detail["alert"] == UNREAD_REPLIES:
        named = tuple(_unread(site, message.detail, locale))
    return AlertMail(site.name, message.recipient_name, now, message.detail["alert"], named)


def _offices(site: Site, detail: Mapping[str, Any], locale: str) -> Iterator[tuple[str, str]]:
    """Yield each unit of an alert about vacancies as a fact, with its offices.

    An office of the whole site is a fact of its own.
    """
    roles: dict[str, list[str]] = {}
    for unit, role in vacancies_in(detail):
        roles.setdefault(unit, []).append(role)
    for unit, vacant in roles.items():
        if unit:
            named = ", ".join(catalog(locale)(f"role.{role}") for role in vacant)
            yield "unit", f"{site.directory.name_of(unit)} ({named})"
        else:
            yield from (("role", role) for role in vacant)


def _unread(site: Site, detail: Mapping[str, Any], locale: str) -> Iterator[tuple[str, str]]:
    """Yield the facts of an alert about answers: number, newest arrival, and tickets by unit.

    An alert of an earlier version knows only the number.
    """
    yield "replies", str(detail["replies"])
    if "arrived" in detail:
        arrived = datetime.fromisoformat(detail["arrived"])
        yield "arrived", moment_text(arrived, locale, site.zone)
    tickets: dict[str, list[str]] = {}
    for unit, ticket in detail.get("about", ()):
        tickets.setdefault(unit, []).append(ticket or catalog(locale)("alert.several_complaints"))
    for unit, about in tickets.items():
        named = ", ".join(about)
        yield ("unit", f"{site.directory.name_of(unit)} ({named})") if unit else ("ticket", named)


def watch_mime(site: Site, message: MessageRow, now: datetime) -> bytes:
    """Compose a mail of the watchdog to the administrator, ready to send."""
    view = watch_view(site, message.recipient_name, message.detail, now)
    rendered = watch_mail(view, message.locale or site.locale, site.zone)
    return in_envelope(site, message, rendered, now)


def watch_view(site: Site, recipient: str, detail: Mapping[str, Any], now: datetime) -> WatchMail:
    """Return the content of a watchdog mail."""
    opened, ongoing, resolved = (
        tuple(IncidentView(each["kind"], each["facts"]) for each in detail.get(part, ()))
        for part in ("opened", "ongoing", "resolved")
    )
    return WatchMail(site.name, recipient, now, opened, ongoing, resolved)


def _named(
    site: Site, facts: Sequence[tuple[str, str]], locale: str
) -> tuple[tuple[str, str], ...]:
    """Return the facts of an alert for display: the name of a unit, a time in words, an error.

    An office of the whole site has no unit.
    """

    def told(key: str, value: str) -> str:
        if key in ("since", "restored", "made", "same_as", "compared_with"):
            return moment_text(datetime.fromisoformat(value), locale, site.zone)
        if key == "trouble":
            return translated(value, locale)
        return site.directory.name_of(value) if key == "unit" else value

    return tuple((key, told(key, value)) for key, value in facts if value or key != "unit")


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
        "From": format_mailbox(mail.sender_name, mail.sender, "From"),
        "To": format_mailbox(message.recipient_name, message.recipient, "To"),
        "Reply-To": administrator,
        "Subject": encode_header(rendered.subject, "Subject"),
        "Date": format_datetime(now.astimezone(site.zone)),
        "Message-ID": message.message_id_header,
    }
    if thread:
        headers |= {"In-Reply-To": thread[-1], "References": f"{CRLF} ".join(thread)}
    headers |= {
        "Auto-Submitted": "auto-generated",
        "X-Auto-Response-Suppress": "All",
        "List-Id": f"<{mail.list_id}>",
    }
    return as_mime(headers, rendered.text, rendered.html, attachments, rendered.coat)
