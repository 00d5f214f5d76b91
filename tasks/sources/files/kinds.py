"""Tell the kind of a file by its content, because its name may be wrong."""

from __future__ import annotations

import zipfile
from enum import StrEnum
from pathlib import Path, PurePath

from tasks.sources.base import UnreadableFile

WORKBOOKS = (".xlsx", ".xlsm", ".xls", ".ods")

ZIPPED, COMPOUND = b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
"""The first bytes of XLSX and ODS, and of XLS."""

_HEAD = 4096
_OTHERS = {
    b"%PDF": "it is a PDF",
    b"\x89PNG": "it is a picture",
    b"\xff\xd8\xff": "it is a picture",
    b"Rar!": "it is a RAR archive",
    b"7z\xbc\xaf": "it is a 7-Zip archive",
}
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
_ENCRYPTED_STREAM = "EncryptedPackage".encode("utf-16-le")


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


def why_no_workbook(path: Path, error: Exception) -> str:
    """Return the reason a workbook cannot be opened, in words for its owner."""
    head = _head(path)
    if not head:
        return "the file is empty"
    for begin, what in _OTHERS.items():
        if head.startswith(begin):
            return what
    if b"schemas-microsoft-com:office:spreadsheet" in head:
        return "it is an 'XML Spreadsheet 2003'; save it as .xlsx"
    if type(error).__name__ == "PasswordError" or _is_protected(path, head):
        return "it is protected by a password; save it without one"
    if head.startswith(ZIPPED) and not zipfile.is_zipfile(path):
        return "its end is missing; copy or download it again"
    if not head.strip(b"\0"):
        return "it has only empty bytes; copy or download it again"
    return str(error) or type(error).__name__


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_HEAD)
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
    if not head or head.startswith(tuple(_OTHERS)) or head.lstrip().startswith(b"<?xml"):
        return False
    return head.startswith(_UTF_16) or b"\0" not in head


def _is_protected(path: Path, head: bytes) -> bool:
    try:
        if head.startswith(COMPOUND):
            return _ENCRYPTED_STREAM in path.read_bytes()
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as packed:
                return b"encryption-data" in packed.read("META-INF/manifest.xml")
    except (OSError, KeyError, zipfile.BadZipFile, RuntimeError):
        return False
    return False
