"""MIME: build the bytes of a mail from its text, headers and attachments.

The standard library's `EmailMessage` puts the parts together. This module writes the headers itself
and does not parse them again, because the parsing took most of the time of a mail.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from email.header import Header
from email.message import EmailMessage
from email.policy import EmailPolicy
from email.utils import formataddr

CRLF = "\r\n"


class _AsGiven(EmailPolicy):
    """Keeps headers as given: ASCII, folded or not, and exactly one header each."""

    def header_store_parse(self, name: str, value: str) -> tuple[str, str]:
        lines = value.split(CRLF)
        if not value.isascii() or any("\r" in line or "\n" in line for line in lines):
            raise ValueError(f"the header {name} cannot be sent as it is")
        if not all(line[:1] in (" ", "\t") and line.strip() for line in lines[1:]):
            raise ValueError(f"the header {name} would begin another one")
        return name, value

    def header_fetch_parse(self, name: str, value: str) -> str:
        return value


POLICY = _AsGiven(linesep=CRLF, cte_type="7bit", refold_source="none")
"""CRLF line ends, and only bytes that survive a server without 8BITMIME."""


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file attached to a mail."""

    name: str
    maintype: str
    subtype: str
    content: bytes


def as_mime(
    headers: Mapping[str, str], text: str, html: str, attachments: Sequence[Attachment] = ()
) -> bytes:
    """Build the whole mail: text first, then HTML, then the attachments.

    Raises ValueError for a header that cannot be sent.
    """
    mail = EmailMessage(policy=POLICY)
    for name, value in headers.items():
        mail[name] = value
    mail.set_content(text)
    mail.add_alternative(html, subtype="html")
    for each in attachments:
        mail.add_attachment(
            each.content, maintype=each.maintype, subtype=each.subtype, filename=each.name
        )
    mark = hashlib.sha256(headers["Message-ID"].encode()).hexdigest()[:32]
    for number, part in enumerate(part for part in mail.walk() if part.is_multipart()):
        part.set_boundary(f"=_{mark}_{number}")  # no encoded line can begin like this
    return mail.as_bytes()


def words(text: str, header: str) -> str:
    """Encode a text for a header: folded, and encoded as in RFC 2047 if it is not ASCII."""
    charset = "us-ascii" if text.isascii() and "=?" not in text else "utf-8"
    folded = Header(text, charset, header_name=header).encode(linesep=CRLF)
    if not folded[:1].isspace():
        return folded
    return Header(text, "utf-8", header_name=header).encode(linesep=CRLF)  # one very long word


def mailbox(name: str, address: str, header: str) -> str:
    """Encode a name with its address for a header.

    `EmailMessage` forgets the quotes of a non-ASCII name (CVE-2025-1795): each comma in the name
    would begin another address. Raises UnicodeEncodeError for a non-ASCII address.
    """
    plain = "".join(c for c in name if c.isprintable())
    if plain.isascii() and "=?" not in plain:
        return formataddr((plain, address))
    address.encode("ascii")
    return f"{words(plain, header)}{CRLF} <{address}>"
