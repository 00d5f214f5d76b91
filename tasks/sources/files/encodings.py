"""Open a file as text: find its encoding, unpack gzip, and limit the length of its lines."""

from __future__ import annotations

import codecs
import gzip
import io
import zlib
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import BinaryIO

from settings.sources import FolderSource
from tasks.sources.base import UnreadableFile

CHUNK = 1 << 20

LONGEST_LINE = 1 << 22
"""Limit of characters in a line."""


def text_of(path: Path, source: FolderSource) -> io.TextIOWrapper:
    """Open a file as text in the first of the source's encodings that fits all of it."""
    for encoding in source.encodings:
        if _fits(path, encoding, source):
            return io.TextIOWrapper(binary(path), encoding=encoding, newline="")
    raise UnreadableFile(f"{path.name}: not in {' or '.join(source.encodings)} (encodings)")


def _fits(path: Path, encoding: str, source: FolderSource) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    size = 0
    try:
        with binary(path) as file:
            while chunk := file.read(CHUNK):
                size += len(chunk)
                if size > source.max_unpacked_mb << 20:
                    raise UnreadableFile(
                        f"{path.name}: more than {source.max_unpacked_mb} MB unpacked"
                        " (max_unpacked_mb)"
                    )
                decoder.decode(chunk)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    except (OSError, EOFError, zlib.error) as error:
        raise UnreadableFile(f"{path.name}: cannot be opened ({error})") from None
    return True


def binary(path: Path) -> BinaryIO:
    """Open a file for reading its bytes, unpacked."""
    if path.suffix.lower() == ".gz":
        return gzip.open(path, "rb")  # type: ignore[return-value]
    return path.open("rb")


def short_lines(path: Path, text: io.TextIOWrapper) -> Iterator[str]:
    """Yield the lines of a text; raise :class:`UnreadableFile` for one that would fill the
    memory.
    """
    for line in iter(partial(text.readline, LONGEST_LINE), ""):
        if len(line) == LONGEST_LINE:
            raise UnreadableFile(f"{path.name}: a line of more than {LONGEST_LINE} characters")
        yield line
