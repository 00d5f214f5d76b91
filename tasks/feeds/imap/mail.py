"""One mail as a row: what is read of it, however broken, and what is not."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from email import message_from_bytes
from email.errors import MessageError
from email.header import decode_header
from email.message import Message
from email.utils import getaddresses, parsedate_to_datetime
from html import unescape
from zoneinfo import ZoneInfo

IN_THE_BODY = frozenset({"text", "attachments"})
"""The columns for which more than a mail's header is needed."""

MOST_PARTS = 1_000
LONGEST_HEADER = 4_000
"""In characters: what a hostile mail could make the standard library's parsers labour at."""

_TAG = re.compile(r"/?[a-z][a-z0-9]*|[!?]", re.IGNORECASE)
_SILENT = frozenset({"head", "script", "style", "template", "title"})
_BLOCKS = frozenset({"p", "div", "br", "li", "tr", "table", "h1", "h2", "h3", "blockquote"})

_MESSAGE_ID = re.compile(
    rb"^message-id:(?:[ \t]|\r?\n[ \t])*<?([^<>\s]{1,250})>?[ \t]*\r?$",
    re.IGNORECASE | re.MULTILINE,
)


def message_id(header: bytes) -> str:
    """The Message-ID without its brackets; empty where there is none that could be a ticket."""
    found = _MESSAGE_ID.search(header)
    return one_line(found[1].decode("utf-8", "replace")) if found else ""


def substitute_id(mail: bytes) -> str:
    """What a mail without Message-ID is known by: its content."""
    return f"sha256-{hashlib.sha256(mail).hexdigest()[:32]}"


def cells(mail: bytes, columns: frozenset[str], zone: ZoneInfo, longest: int) -> dict[str, str]:
    """These columns of a mail, of which there may be no more than its header.

    A column that cannot be read is empty: no mail is so broken that it is no complaint.
    """
    try:
        parsed = message_from_bytes(mail)
    except (MessageError, ValueError, LookupError, RecursionError):
        parsed = Message()
    readers = {
        "subject": lambda: _header(parsed, "Subject"),
        "date": lambda: _date(parsed, zone),
        "from": lambda: _addresses(parsed, "From"),
        "to": lambda: _addresses(parsed, "To"),
        "text": lambda: _text(parsed),
        "attachments": lambda: "; ".join(_attachments(parsed)),
    }
    found = {}
    for column in columns & readers.keys():
        try:
            found[column] = readers[column]()[:longest]
        except Exception:  # the standard library's parser has raised about everything on such
            found[column] = ""
    return found


def one_line(text: str) -> str:
    """The text on one line, without characters that print nothing or turn the line around."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def _raw(mail: Message, name: str) -> str:
    """A header on one line, its 8-bit characters decoded, its encoded words not yet."""
    found = next((value for key, value in mail.raw_items() if key.lower() == name.lower()), "")
    raw = str(found)[:LONGEST_HEADER].encode("utf-8", "surrogateescape")
    return one_line(_decoded(raw, "utf-8"))


def _header(mail: Message, name: str) -> str:
    """A header as people read it."""
    return one_line(_decoded_words(_raw(mail, name)))


def _decoded_words(text: str) -> str:
    try:
        parts = decode_header(text)
    except (MessageError, ValueError):  # broken base64
        return text
    return "".join(
        part if isinstance(part, str)
        else _decoded(part, charset) if charset
        else part.decode("raw-unicode-escape", "replace")
        for part, charset in parts
    )  # fmt: skip


def _decoded(raw: bytes, charset: str | None) -> str:
    """Bytes as text: in their charset, else as UTF-8, else as what most old mail is in."""
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


def _addresses(mail: Message, name: str) -> str:
    """The bare addresses; the names beside them are nobody's business."""
    return ", ".join(address for _, address in getaddresses([_raw(mail, name)]) if address)


def _parts(mail: Message) -> Iterator[Message]:
    """The parts of a mail in order, without those of a mail that is attached to it."""
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
    """The name of a part, its 8-bit characters decoded; None where it has none."""
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


def _text(mail: Message) -> str:
    """The plain text, or the text of the HTML where there is no other."""
    texts: dict[str, list[str]] = {"plain": [], "html": []}
    for part in _parts(mail):
        if not _is_attached(part):
            raw = part.get_payload(decode=True)
            charset = part.get_param("charset", "utf-8")
            name = charset if isinstance(charset, str) else str(charset[-1])
            kind = "html" if part.get_content_subtype() == "html" else "plain"
            texts[kind].append(_decoded(raw if isinstance(raw, bytes) else b"", name))
    plain = "\n".join(texts["plain"]).strip()
    text = plain or "\n".join(_page_text(page) for page in texts["html"])
    lines = (one_line(line) for line in text.splitlines())
    return "\n".join(line for line in lines if line)


def _without_comments(page: str) -> str:
    first, *rest = page.split("<!--")
    return first + "".join(piece.partition("-->")[2] for piece in rest)


def _page_text(page: str) -> str:
    """What a person reads on a page.

    The standard library's parser takes minutes on some hostile pages of 100 kB; here each
    character is looked at once.
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
