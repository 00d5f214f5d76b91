"""Find the words of a reply that its sender wrote, without quoted mails and signature."""

from __future__ import annotations

import re

from tasks.sources.imap.message import bodies, one_line, page_text

LONGEST_TEXT = 20_000

_QUOTE_IN_HTML = re.compile(
    r"<blockquote|<(?:div|span|hr|table)[^>]{0,200}(?:gmail_quote|divRplyFwdMsg|appendonsend"
    r"|moz-cite-prefix|yahoo_quoted|OLK_SRC_BODY_SECTION)",
    re.IGNORECASE,
)
_QUOTE_BEGINS = re.compile(
    r"^(?:-{2,}\s*(?:original message|pesan asli|forwarded message|pesan terusan)\s*-{2,}"
    r"|_{10,}"
    r"|(?:on|pada)\b.{0,300}\b(?:wrote|menulis)\s*:"
    r"|(?:from|dari)\s*:.{0,300}\S"
    r"|tenggat - .*"
    r"|begin forwarded message:)\s*$",
    re.IGNORECASE,
)
_HALF_OF_A_QUOTE_LINE = re.compile(r"^(?:on|pada)\b.{5,300}$", re.IGNORECASE)
_SIGNATURE_BEGINS = re.compile(
    r"^(?:--|—|sent from my .*|dikirim dari .*|get outlook for .*|dapatkan outlook .*"
    r"|(?:disclaimer|penafian|confidentiality notice|pernyataan kerahasiaan)\b.*"
    r"|this (?:e-?mail|message)\b.{0,80}\b(?:confidential|intended)\b.*"
    r"|(?:e-?mail|surel|pesan) ini\b.{0,80}\b(?:rahasia|ditujukan)\b.*)$",
    re.IGNORECASE,
)


def own_text(raw: bytes) -> str:
    """Return the sender's own words in a mail: one line for each line written.

    Quoted text and signatures are left out. An answer below the quoted text counts if there is none
    above it.
    """
    plain, pages = bodies(raw)
    if not plain.strip():
        plain = "\n".join(page_text(_QUOTE_IN_HTML.split(page, maxsplit=1)[0]) for page in pages)
    lines = [one_line(line) for line in plain[:LONGEST_TEXT].splitlines()]
    above = _until_quote(lines)
    if not above and any(line.startswith(">") for line in lines):
        last = max(place for place, line in enumerate(lines) if line.startswith(">"))
        above = _until_quote(lines[last + 1 :])
    return "\n".join(above)


def _until_quote(lines: list[str]) -> list[str]:
    """Return the lines before a quoted mail or a signature, without single quoted lines."""
    found = []
    for line, following in zip(lines, [*lines, ""][1:], strict=True):
        wrapped = _HALF_OF_A_QUOTE_LINE.match(line) and _QUOTE_BEGINS.match(f"{line} {following}")
        if _QUOTE_BEGINS.match(line) or _SIGNATURE_BEGINS.match(line) or wrapped:
            break
        if line and not line.startswith(">"):
            found.append(line)
    return found
