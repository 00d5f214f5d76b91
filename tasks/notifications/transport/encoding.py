"""Encoding: texts and headers in the 7-bit form in which any mail server takes them.

The results are those of the standard library, which takes most of the time of a mail for them: it
looks at each byte in Python, and measures a header anew after each character.
"""

from __future__ import annotations

from base64 import encodebytes
from binascii import b2a_base64
from collections.abc import Callable, Iterator, Sequence
from email import base64mime, quoprimime
from email.charset import Charset
from email.header import Header

CRLF = "\r\n"

LONGEST_LINE = 78
"""Limit of a line's length, without its end."""

SAMPLE = 10
"""Number of lines by whose length an encoding is chosen, as in the standard library."""

WORD_FRAME = len("=?utf-8?q??=")
"""Length of an encoded word of a header without its text."""

_UNQUOTED = b"\t\n" + bytes(range(ord(" "), ord("~") + 1))


def encode_text(text: str) -> tuple[str, str]:
    """Return the Content-Transfer-Encoding of a text, and the text encoded by it, with CRLF.

    Short ASCII lines stay as they are. Otherwise it is quoted-printable, or base64 if that is
    shorter for the first lines.
    """
    lines = text.encode().splitlines()
    if text.isascii() and max(map(len, lines), default=0) <= LONGEST_LINE:
        return "7bit", _joined(lines).decode("ascii") or CRLF
    sample = _quoted_printable(lines[:SAMPLE])
    if len(sample) > len(b2a_base64(_joined(lines[:SAMPLE]))):
        return "base64", encode_bytes(_joined(lines))
    quoted = sample + _quoted_printable(lines[SAMPLE:])
    return "quoted-printable", quoted.replace("\n", CRLF)


def encode_bytes(content: bytes) -> str:
    """Return a content as base64, in lines with CRLF."""
    return encodebytes(content).decode("ascii").replace("\n", CRLF)


def _joined(lines: Sequence[bytes]) -> bytes:
    return b"".join(line + b"\r\n" for line in lines)


def _quoted_printable(lines: Sequence[bytes]) -> str:
    """Return lines as quoted-printable, the long ones broken into several."""
    content = b"".join(line + b"\n" for line in lines).replace(b"=", b"=3D")
    for octet in set(content.translate(None, _UNQUOTED)):
        content = content.replace(bytes([octet]), b"=%02X" % octet)
    pieces: list[str] = []
    for line in content.decode("ascii").splitlines():
        if len(line) < LONGEST_LINE - 1 and not line.endswith((" ", "\t")):
            pieces.append(line)
        else:
            pieces += _broken(line)
    return "".join(f"{piece}\n" for piece in pieces)


def _broken(line: str) -> list[str]:
    """Break a quoted line into pieces that are not too long and do not end with a space.

    Each piece but the last one ends with `=`. No quoted byte is broken.
    """
    pieces, start, length = [], 0, len(line)
    while length - start > LONGEST_LINE:
        stop = start + LONGEST_LINE - 1
        if line[stop - 2] == "=":
            stop -= 2
        elif line[stop - 1] == "=":
            stop -= 1
        pieces.append(f"{line[start:stop]}=")
        start = stop
    rest = line[start:]
    if not rest.endswith((" ", "\t")):
        return [*pieces, rest]
    if len(rest) == LONGEST_LINE - 1:
        return [*pieces, f"{rest}=", ""]
    quoted = f"={ord(rest[-1]):02X}"
    if len(rest) == LONGEST_LINE:
        return [*pieces, f"{rest[:-1]}=", quoted]
    return [*pieces, rest[:-1] + quoted]


def _fitting(text: str, room: int, measure: Callable[[bytes], int]) -> int:
    """Return how many characters of a text fit into a room as encoded, by bisection."""
    fits, most = 0, len(text)
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
        content = string.encode()
        shorter = base64mime.header_length(content) < quoprimime.header_length(content)
        encoder = base64mime if shorter else quoprimime
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
    charset = "us-ascii" if text.isascii() and "=?" not in text else _UTF8
    folded = Header(text, charset, header_name=header).encode(linesep=CRLF)
    if not folded[:1].isspace():
        return folded
    return Header(text, _UTF8, header_name=header).encode(linesep=CRLF)  # one very long word
