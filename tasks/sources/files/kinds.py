"""Detect the kind of a file by its content, because its name may be wrong."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path, PurePath

from tasks.sources.base import UnreadableFile
from tasks.workbook_reader.formats import COMPOUND, HEAD, OTHER_FORMATS, ZIPPED

WORKBOOKS = (".xlsx", ".xlsm", ".xls", ".ods")

_UTF_16 = (b"\xff\xfe", b"\xfe\xff")


class FileKind(StrEnum):
    """The kinds of files that can be read."""

    WORKBOOK = "workbook"
    WEB_PAGE = "web page"
    JSON_LINES = "json lines"
    DELIMITED = "delimited"


def kind_of(path: Path) -> FileKind:
    """Return the kind of a file: by its content, and by its name where the content may be either.

    Many systems write a web page or CSV and name it `.xls`. Raises :class:`UnreadableFile` if the
    file cannot be opened, or if it is a workbook packed with gzip.
    """
    suffix = suffix_of(path)
    packed = path.suffix.lower() == ".gz"
    if suffix in WORKBOOKS and packed:
        raise UnreadableFile(f"{path.name}: a workbook is compressed already; unpack it")
    if suffix == ".jsonl":
        return FileKind.JSON_LINES
    if packed:
        return FileKind.DELIMITED
    head = _head(path)
    if head.startswith((ZIPPED, COMPOUND)):
        return FileKind.WORKBOOK
    if _is_web_page(head):
        return FileKind.WEB_PAGE
    if suffix in WORKBOOKS and not _is_text(head):
        return FileKind.WORKBOOK
    return FileKind.DELIMITED


def suffix_of(path: Path) -> str:
    """Return the kind of a file by its name, compressed or not."""
    return PurePath(path.name.lower().removesuffix(".gz")).suffix


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(HEAD)
    except OSError as error:
        raise UnreadableFile(f"{path.name}: cannot be opened ({error.strerror})") from None


def _is_web_page(head: bytes) -> bool:
    begin = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if head.startswith(_UTF_16):
        begin = head[2:].replace(b"\0", b"").lstrip()
    begin = begin.lower()
    if begin.startswith(b"<?xml") and b"office:spreadsheet" in begin:
        return False
    return begin.startswith(b"<") and any(
        tag in begin for tag in (b"<html", b"<table", b"<!doctype html", b"<meta", b"<body")
    )


def _is_text(head: bytes) -> bool:
    """Check whether the first bytes may be text; an XML spreadsheet is not read as text."""
    if not head or head.startswith(tuple(OTHER_FORMATS)) or head.lstrip().startswith(b"<?xml"):
        return False
    return head.startswith(_UTF_16) or b"\0" not in head
