"""Encoding: texts and headers in the 7-bit form in which any mail server takes them.

`EmailMessage` takes most of the time of a mail for this: it looks at each byte of a text in Python,
and measures a header anew after each character. Texts are encoded by `binascii` instead.
"""

from __future__ import annotations

from binascii import b2a_base64, b2a_qp
from collections.abc import Callable, Iterator
from email import base64mime, quoprimime
from email.charset import Charset
from email.header import Header
from functools import lru_cache
from types import ModuleType

CRLF = "\r\n"

LONGEST_LINE = 78
"""Limit of a line's length, without its end."""

BASE64_LINE = 76
"""Length of a line of base64."""

WORD_FRAME = len("=?utf-8?q??=")
"""Length of an encoded word of a header without its text."""


def encode_text(text: str) -> tuple[str, str]:
    """Return the Content-Transfer-Encoding of a text, and the text encoded by it, with CRLF.

    Short ASCII lines stay as they are. Otherwise it is quoted-printable, or base64 if that is
    shorter.
    """
    lines = text.encode().splitlines()
    if text.isascii() and max(map(len, lines), default=0) <= LONGEST_LINE:
        return "7bit", "".join(line.decode("ascii") + CRLF for line in lines) or CRLF
    quoted = "".join(map(_quoted, lines))
    if _base64_length(sum(map(len, lines)) + len(CRLF) * len(lines)) < len(quoted):
        return "base64", encode_bytes(b"".join(line + b"\r\n" for line in lines))
    return "quoted-printable", quoted


@lru_cache(maxsize=1024)
def _quoted(line: bytes) -> str:
    """Return a line as quoted-printable, with CRLF: most lines of a page come again in the next."""
    return b2a_qp(line + b"\r\n").decode("ascii")


def encode_bytes(content: bytes) -> str:
    """Return a content as base64, in lines with CRLF."""
    text = b2a_base64(content, newline=False).decode("ascii")
    lines = (text[start : start + BASE64_LINE] for start in range(0, len(text), BASE64_LINE))
    return "".join(line + CRLF for line in lines)


def _base64_length(size: int) -> int:
    """Return the length of so many bytes as :func:`encode_bytes` encodes them."""
    characters = 4 * -(-size // 3)
    return characters + len(CRLF) * -(-characters // BASE64_LINE)


def _fitting(text: str, room: int, measure: Callable[[bytes], int]) -> int:
    """Return how many characters of a text fit into a room as encoded, by bisection."""
    fits, most = 0, len(text)
    if measure(text.encode()) <= room:
        return most
    while fits < most:
        middle = (fits + most + 1) // 2
        if measure(text[:middle].encode()) <= room:
            fits = middle
        else:
            most = middle - 1
    return fits


class _Utf8(Charset):
    """The charset UTF-8 for headers; it finds the end of each line by bisection."""

    def __init__(self) -> None:
        super().__init__("utf-8")

    def header_encode_lines(self, string: str, maxlengths: Iterator[int]) -> list[str | None]:
        """Return a text as encoded words that fit into these lengths.

        The first one is None if nothing fits into the first line.
        """
        encoder = _shorter(string.encode())
        words: list[str | None] = []
        while string:
            room = next(maxlengths) - WORD_FRAME
            fits = _fitting(string, room, encoder.header_length)
            if not fits and not words:
                words.append(None)
                continue
            end = fits or 1
            words.append(encoder.header_encode(string[:end].encode(), "utf-8"))
            string = string[end:]
        return words


_UTF8 = _Utf8()


def encode_header(text: str, header: str) -> str:
    """Encode a text for a header: folded, and encoded as in RFC 2047 if it is not ASCII."""
    is_plain = text.isascii() and "=?" not in text
    if not is_plain and (word := _only_word(text, header)):
        return word
    charset = "us-ascii" if is_plain else _UTF8
    folded = Header(text, charset, header_name=header).encode(linesep=CRLF)
    if not folded[:1].isspace():
        return folded
    return Header(text, _UTF8, header_name=header).encode(linesep=CRLF)  # one very long word


def _only_word(text: str, header: str) -> str:
    """Return a text as one encoded word if it fits into the first line of a header, else ''.

    :class:`Header` gives the same word, and takes several times as long for it.
    """
    content = text.encode()
    encoder = _shorter(content)
    room = LONGEST_LINE - len(header) - len(": ") - WORD_FRAME
    fits = text.isprintable() and encoder.header_length(content) <= room
    return encoder.header_encode(content, "utf-8") if fits else ""


def _shorter(content: bytes) -> ModuleType:
    """Return the module of the shorter encoding of a text in a header."""
    shorter = base64mime.header_length(content) < quoprimime.header_length(content)
    return base64mime if shorter else quoprimime
