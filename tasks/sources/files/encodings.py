"""Open a file as text: find its encoding, unpack gzip, and limit the length of its lines."""

from __future__ import annotations

import codecs
import gzip
import io
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO

from settings.sources import FolderSource
from tasks.sources.base import UnreadableFile

CHUNK = 1 << 20

LONGEST_LINE = 1 << 22
"""Limit of characters in a line."""

START = 16
"""Number of bytes at the beginning of a file that show its encoding."""

BAD_BYTE = "\udcff"
"""Stands for a byte that does not belong to the encoding. No encoding produces it."""

MARK = "tenggat-mark"
"""The name of the error handler that puts `BAD_BYTE` in the place of such a byte."""

BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def _mark(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeDecodeError)
    return BAD_BYTE, error.end


codecs.register_error(MARK, _mark)


@dataclass(frozen=True, slots=True)
class _Decoded:
    """The result of decoding a file: its characters beyond ASCII, and its bad bytes."""

    encoding: str
    beyond_ascii: int
    bad: int


class LongLine(str):
    """The beginning of a line that is longer than `LONGEST_LINE`."""

    __slots__ = ()


def text_of(path: Path, source: FolderSource, encodings: tuple[str, ...] = ()) -> io.TextIOWrapper:
    """Open a file as text, in the encoding of its byte order mark, or else in one of `encodings`
    (default: those of the source).

    The first of these encodings that fits all of the file is used. A file in UTF-8 with a
    few bad bytes is still read as UTF-8: `BAD_BYTE` takes the place of each of them. Raises
    :class:`UnreadableFile` if most of the file is not text.
    """
    encodings = encodings or source.encodings
    candidates = _candidates(path, encodings)
    chosen = _choose([_decoded(path, each, source) for each in candidates])
    if chosen.bad > max(chosen.beyond_ascii, _lines_in(path) // 2, 1):
        raise UnreadableFile(f"{path.name}: not in {' or '.join(encodings)} (encodings)")
    errors = MARK if chosen.bad else "strict"
    return io.TextIOWrapper(binary(path), encoding=chosen.encoding, errors=errors, newline="")


def _candidates(path: Path, encodings: tuple[str, ...]) -> tuple[str, ...]:
    try:
        with binary(path) as file:
            start = file.read(START)
    except (OSError, EOFError, zlib.error) as error:
        raise UnreadableFile(f"{path.name}: cannot be opened ({error})") from None
    marked = tuple(encoding for mark, encoding in BYTE_ORDER_MARKS if start.startswith(mark))
    if marked or not _is_utf_16(start):
        return marked or encodings
    expected = [each for each in encodings if codecs.lookup(each).name.startswith("utf-16")]
    if not expected:
        order = "be" if start.startswith(b"\0") else "le"
        raise UnreadableFile(
            f"{path.name}: it is in UTF-16 without the mark at its beginning. Save it as 'CSV"
            f' UTF-8\', or add "utf-16-{order}" to `encodings` in sources.toml'
        )
    return tuple(expected)


def _is_utf_16(start: bytes) -> bool:
    """Check whether every second of the first bytes is NUL, and no other."""
    even, odd = start[0::2], start[1::2]
    return len(start) == START and (
        (not any(even) and 0 not in odd) or (not any(odd) and 0 not in even)
    )


def _choose(results: list[_Decoded]) -> _Decoded:
    """Return the best encoding: the first without a fault, or UTF-8 with few faults before it."""
    for each in results:
        unicode = codecs.lookup(each.encoding).name.startswith("utf")
        mostly = unicode and each.beyond_ascii >= each.bad
        if not each.bad or mostly:
            return each
    return min(results, key=lambda each: each.bad)


def _decoded(path: Path, encoding: str, source: FolderSource) -> _Decoded:
    decoder = codecs.getincrementaldecoder(encoding)(MARK)
    size = beyond_ascii = bad = 0
    try:
        with binary(path) as file:
            while chunk := file.read(CHUNK):
                size += len(chunk)
                if size > source.max_unpacked_mb << 20:
                    raise UnreadableFile(
                        f"{path.name}: more than {source.max_unpacked_mb} MB unpacked"
                        " (max_unpacked_mb)"
                    )
                text = decoder.decode(chunk)
                if not text.isascii():
                    marks = text.count(BAD_BYTE)
                    bad += marks
                    beyond_ascii += len(text) - marks - len(text.encode("ascii", "ignore"))
        bad += decoder.decode(b"", final=True).count(BAD_BYTE)
    except (OSError, EOFError, zlib.error) as error:
        raise UnreadableFile(f"{path.name}: cannot be opened ({error})") from None
    return _Decoded(encoding, beyond_ascii, bad)


def has_more_lines(path: Path, most: int, source: FolderSource) -> bool:
    """Check cheaply whether a text file has more lines than `most`, before it is parsed.

    The answer is False for a file in UTF-16, and for one that is too large unpacked: the reader of
    its text finds out.
    """
    if path.suffix.lower() != ".gz" and path.stat().st_size <= most:
        return False
    lines = size = 0
    try:
        with binary(path) as file:
            while chunk := file.read(CHUNK):
                size += len(chunk)
                if b"\0" in chunk or size > source.max_unpacked_mb << 20:
                    return False
                lines += chunk.count(b"\n")
                if lines > most:
                    return True
    except (OSError, EOFError, zlib.error) as error:
        raise UnreadableFile(f"{path.name}: cannot be opened ({error})") from None
    return False


def _lines_in(path: Path) -> int:
    with binary(path) as file:
        return sum(chunk.count(b"\n") for chunk in iter(partial(file.read, CHUNK), b""))


def binary(path: Path) -> BinaryIO:
    """Open a file for reading its bytes, unpacked."""
    if path.suffix.lower() == ".gz":
        return gzip.open(path, "rb")  # type: ignore[return-value]
    return path.open("rb")


def limited_lines(text: io.TextIOWrapper) -> Iterator[str]:
    """Yield the lines of a text; of a line that would fill the memory only its beginning."""
    read = partial(text.readline, LONGEST_LINE)
    for line in iter(read, ""):
        if len(line) < LONGEST_LINE or line.endswith("\n"):
            yield line
            continue
        for more in iter(read, ""):
            if len(more) < LONGEST_LINE or more.endswith("\n"):
                break
        yield LongLine(line)


def short_lines(path: Path, text: io.TextIOWrapper) -> Iterator[str]:
    """Yield the lines of a text; raise :class:`UnreadableFile` for one that is too long."""
    for line in limited_lines(text):
        if type(line) is LongLine:
            raise UnreadableFile(f"{path.name}: a line of more than {LONGEST_LINE} characters")
        yield line
