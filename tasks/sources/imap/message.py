"""Parse one mail into a row, however broken the mail is."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from email import message_from_bytes
from email.errors import MessageError
from email.header import decode_header
from email.message import Message
from email.utils import getaddresses, parsedate_to_datetime
from functools import partial
from html import unescape
from typing import TypeVar
from zoneinfo import ZoneInfo

Read = TypeVar("Read")

IN_THE_BODY = frozenset({"text", "attachments"})
"""Columns for which the header of a mail is not enough."""

MOST_PARTS = 1_000
LONGEST_HEADER = 4_000
"""Most characters of a header: a hostile mail could make the standard library's parsers slow."""

MOST_FORWARDED = 20
"""Most texts of forwarded mails, with their subjects."""

LONGEST_THREAD = 20_000
MOST_REFERENCES = 20

_IN_BRACKETS = re.compile(r"<[^<>\s]{1,250}>")
_TAG = re.compile(r"/?[a-z][a-z0-9]*|[!?]", re.IGNORECASE)
_TNEF = frozenset({"application/ms-tnef", "application/vnd.ms-tnef"})
_SILENT = frozenset({"head", "script", "style", "template", "title"})
_BLOCKS = frozenset({"p", "div", "br", "li", "tr", "table", "h1", "h2", "h3", "blockquote"})

_MESSAGE_ID = re.compile(
    rb"^message-id:(?:[ \t]|\r?\n[ \t])*<?([^<>\s]{1,250})>?[ \t]*\r?$",
    re.IGNORECASE | re.MULTILINE,
)


def message_id(header: bytes) -> str:
    """Return the Message-ID without brackets; empty if none is usable as a ticket."""
    found = _MESSAGE_ID.search(header)
    return one_line(found[1].decode("utf-8", "replace")) if found else ""


def answered_ids(mail: Message) -> tuple[str, ...]:
    """Return the Message-IDs of the answered mails with brackets, the nearest first."""
    found = _IN_BRACKETS.findall(str(mail.get("In-Reply-To", ""))[:LONGEST_THREAD])
    references = _IN_BRACKETS.findall(str(mail.get("References", ""))[:LONGEST_THREAD])
    return tuple(dict.fromkeys([*found, *reversed(references)]))[:MOST_REFERENCES]


def sender_name(mail: Message) -> str:
    """Return the display name of the sender; it is personal data and must not be stored."""
    found = getaddresses([_raw(mail, "From")])
    return one_line(_decoded_words(found[0][0])) if found else ""


def substitute_id(mail: bytes) -> str:
    """Return an identifier for a mail without Message-ID: the hash of its bytes."""
    return f"sha256-{hashlib.sha256(mail).hexdigest()[:32]}"


def content_key(parsed: Message, name: str) -> str:
    """Return a hash of a mail's content: equal for two copies of the mail, also in another mailbox.

    `name` is its Message-ID. Subject, sender, date and text count, and no other header: a server
    that moves a mail adds one.
    """
    text, pages = _quietly(lambda: _bodies(parsed), _NO_TEXT)
    written = text.strip() or "\n".join(map(page_text, pages))
    named = [_quietly(partial(_header, parsed, key), "") for key in ("From", "Date", "Subject")]
    parts = (name, *named, " ".join(written[:LONGEST_THREAD].split()))
    return hashlib.sha256("\x1f".join(parts).encode("utf-8", "replace")).hexdigest()


_NO_TEXT: tuple[str, list[str]] = ("", [])


def _quietly(read: Callable[[], Read], otherwise: Read) -> Read:
    try:
        return read()
    except Exception:  # the standard library's parser raises nearly any error on broken mails
        return otherwise


def parse_mail(mail: bytes) -> Message:
    """Parse a mail or its header; a mail that cannot be parsed is an empty one."""
    try:
        return message_from_bytes(mail)
    except (MessageError, ValueError, LookupError, RecursionError):
        return Message()


def cells(
    mail: bytes, columns: frozenset[str], zone: ZoneInfo, longest: int, winmail: str = ""
) -> dict[str, str]:
    """Return these columns of a mail; `mail` may be its header only. See :func:`cells_of`."""
    return cells_of(parse_mail(mail), columns, zone, longest, winmail)


def cells_of(
    parsed: Message, columns: frozenset[str], zone: ZoneInfo, longest: int, winmail: str = ""
) -> dict[str, str]:
    """Return these columns of a parsed mail.

    `longest` is the most characters of a cell, `winmail` the text for a mail with its text inside
    winmail.dat. An unreadable column is empty: even a broken mail is a complaint.
    """
    readers = {
        "subject": lambda: _header(parsed, "Subject"),
        "date": lambda: _date(parsed, zone),
        "from": lambda: _addresses(parsed, "From"),
        "to": lambda: _addresses(parsed, "To"),
        "text": lambda: _text(parsed, winmail),
        "attachments": lambda: "; ".join(_attachments(parsed)),
    }
    found = {}
    for column in columns & readers.keys():
        try:
            found[column] = readers[column]()[:longest]
        except Exception:  # the standard library's parser raises nearly any error on broken mails
            found[column] = ""
    return found


def one_line(text: str) -> str:
    """Return the text on one line, without invisible characters and text-direction marks."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def _raw(mail: Message, name: str) -> str:
    """Return a header on one line, 8-bit characters decoded, encoded words (RFC 2047) not yet."""
    found = next((value for key, value in mail.raw_items() if key.lower() == name.lower()), "")
    raw = str(found)[:LONGEST_HEADER].encode("utf-8", "surrogateescape")
    return one_line(_decoded(raw, "utf-8"))


def _header(mail: Message, name: str) -> str:
    """Return a header decoded for people."""
    return one_line(_decoded_words(_raw(mail, name)))


def _decoded_words(text: str) -> str:
    try:
        parts = decode_header(text)
    except (MessageError, ValueError):  # broken base64
        return text
    return "".join(
        part
        if isinstance(part, str)
        else _decoded(part, charset)
        if charset
        else part.decode("raw-unicode-escape", "replace")
        for part, charset in parts
    )


def _decoded(raw: bytes, charset: str | None) -> str:
    """Decode bytes with their charset, else as UTF-8, else as cp1252 (usual in old mail)."""
    for name in (charset or "utf-8", "utf-8"):
        try:
            return raw.decode(name)
        except (LookupError, ValueError):
            continue
    return raw.decode("cp1252", "replace")


def _date(mail: Message, zone: ZoneInfo) -> str:
    moment: datetime = parsedate_to_datetime(_raw(mail, "Date"))
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return moment.astimezone(zone).isoformat(timespec="seconds")


def sender_addresses(mail: Message) -> str:
    """Return the addresses in From, separated by commas; empty if the header is broken."""
    return _quietly(lambda: _addresses(mail, "From"), "")


def _addresses(mail: Message, name: str) -> str:
    """Return the bare addresses; display names are personal data and not needed."""
    return ", ".join(address for _, address in getaddresses([_raw(mail, name)]) if address)


def _parts(mail: Message) -> Iterator[Message]:
    """Yield the parts of a mail in order, without the parts of attached mails."""
    waiting, seen = [mail], 0
    while waiting and seen < MOST_PARTS:
        part = waiting.pop()
        seen += 1
        inner = part.get_payload()
        if part.get_content_maintype() == "multipart" and isinstance(inner, list):
            waiting += [each for each in reversed(inner) if isinstance(each, Message)]
        else:
            yield part


def _file_name(part: Message) -> str | None:
    """Return the file name of a part with 8-bit characters decoded, or None."""
    headers = Message()
    for name in ("Content-Disposition", "Content-Type"):
        if raw := _raw(part, name):
            headers[name] = raw
    return headers.get_filename()


def _is_attached(part: Message) -> bool:
    return (
        part.get_content_disposition() == "attachment"
        or _file_name(part) is not None
        or part.get_content_maintype() not in ("text", "multipart")
    )


def _attachments(mail: Message) -> Iterator[str]:
    for part in _parts(mail):
        if _is_attached(part):
            name = one_line(_decoded_words(_file_name(part) or ""))
            yield name[:200] or part.get_content_type()


def _text(mail: Message, winmail: str) -> str:
    """Return the text of a mail and of the mails forwarded in it.

    It is the plain text, or the text of the HTML if there is no plain text. Of a forwarded mail the
    subject comes first. `winmail` is appended if Outlook has hidden text in winmail.dat.
    """
    found = [_own_lines(mail)]
    waiting = list(_forwarded(mail))
    while waiting and len(found) < MOST_FORWARDED:
        inner = waiting.pop(0)
        found += [_header(inner, "Subject"), _own_lines(inner)]
        waiting += _forwarded(inner)
    if winmail and any(_is_winmail(part) for part in _parts(mail)):
        found.append(winmail)
    return "\n".join(filter(None, found))


def _own_lines(mail: Message) -> str:
    plain, pages = _bodies(mail)
    text = plain.strip() or "\n".join(page_text(page) for page in pages)
    lines = (one_line(line) for line in text.splitlines())
    return "\n".join(line for line in lines if line)


def _forwarded(mail: Message) -> Iterator[Message]:
    """Yield the mails that are attached to a mail (message/rfc822)."""
    for part in _parts(mail):
        inner = part.get_payload()
        if part.get_content_type() == "message/rfc822" and isinstance(inner, list):
            yield from (each for each in inner if isinstance(each, Message))


def _is_winmail(part: Message) -> bool:
    name = (_file_name(part) or "").lower()
    return part.get_content_type() in _TNEF or name == "winmail.dat"


def bodies(mail: bytes) -> tuple[str, list[str]]:
    """Return the plain text of a mail and its HTML pages, both empty if the mail is broken."""
    try:
        return _bodies(message_from_bytes(mail))
    except Exception:  # the standard library's parser raises nearly any error on broken mails
        return "", []


def _bodies(mail: Message) -> tuple[str, list[str]]:
    """Return the plain text and the HTML pages of a mail, without its attachments."""
    texts: dict[str, list[str]] = {"plain": [], "html": []}
    for part in _parts(mail):
        if not _is_attached(part):
            raw = part.get_payload(decode=True)
            charset = part.get_param("charset", "utf-8")
            name = charset if isinstance(charset, str) else str(charset[-1])
            kind = "html" if part.get_content_subtype() == "html" else "plain"
            texts[kind].append(_decoded(raw if isinstance(raw, bytes) else b"", name))
    return "\n".join(texts["plain"]), texts["html"]


def _without_comments(page: str) -> str:
    first, *rest = page.split("<!--")
    return first + "".join(piece.partition("-->")[2] for piece in rest)


def page_text(page: str) -> str:
    """Return the visible text of an HTML page.

    The standard library's parser takes minutes on some hostile pages of 100 kB. This parser reads
    each character once.
    """
    first, *rest = _without_comments(page).split("<")
    pieces, hidden = [_flat(first)], ""
    for piece in rest:
        tag, closed, text = piece.partition(">")
        named = _TAG.match(tag)
        name = named[0].lower() if named and closed else ""
        if hidden and name not in (f"/{hidden}", "body"):
            continue
        hidden = name if name in _SILENT else ""
        if name.lstrip("/") in _BLOCKS:
            pieces.append("\n")
        if not hidden:
            pieces.append(_flat(text) if name else _flat(f"<{piece}"))
    return unescape("".join(pieces))


def _flat(text: str) -> str:
    return text.replace("\r", " ").replace("\n", " ")
