"""Find out from the content of a file why it is no readable workbook."""

from __future__ import annotations

import zipfile
from pathlib import Path

ZIPPED, COMPOUND = b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
"""The first bytes of XLSX and ODS, and of XLS."""

OTHER_FORMATS = {
    b"%PDF": "it is a PDF",
    b"\x89PNG": "it is a picture",
    b"\xff\xd8\xff": "it is a picture",
    b"Rar!": "it is a RAR archive",
    b"7z\xbc\xaf": "it is a 7-Zip archive",
    b"{\\rtf": "it is a document in RTF",
    b"MIME-Version:": "it is a web archive (MHTML); open it and save it as .xlsx",
}

HEAD = 4096
"""Number of bytes at the start of a file that show its kind."""

_DOCUMENTS = {"word/": "it is a Word document", "ppt/": "it is a presentation"}

_MANIFEST = 1 << 20
"""Number of bytes read of the list of parts of an ODS file."""

_ENCRYPTED_STREAM = "EncryptedPackage".encode("utf-16-le")


def why_no_workbook(path: Path, error: Exception) -> str:
    """Return the reason a workbook cannot be opened, in words for its owner."""
    with path.open("rb") as file:
        head = file.read(HEAD)
    if not head:
        return "the file is empty"
    for begin, what in OTHER_FORMATS.items():
        if head.startswith(begin):
            return what
    if b"schemas-microsoft-com:office:spreadsheet" in head:
        return "it is an 'XML Spreadsheet 2003'; save it as .xlsx"
    if type(error).__name__ == "PasswordError" or _is_protected(path, head):
        return "it is protected by a password; save it without one"
    if head.startswith(ZIPPED) and not zipfile.is_zipfile(path):
        return "its end is missing; copy or download it again"
    if what := _document(path):
        return what
    if not head.strip(b"\0"):
        return "it has only empty bytes; copy or download it again"
    return str(error) or type(error).__name__


def _document(path: Path) -> str:
    """Return what a packed document of an office program is; empty for another file."""
    try:
        with zipfile.ZipFile(path) as packed:
            folders = {f"{name.partition('/')[0]}/" for name in packed.namelist()}
    except (OSError, zipfile.BadZipFile, ValueError):
        return ""
    return next((what for folder, what in _DOCUMENTS.items() if folder in folders), "")


def _is_protected(path: Path, head: bytes) -> bool:
    try:
        if head.startswith(COMPOUND):
            return _ENCRYPTED_STREAM in path.read_bytes()
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as packed, packed.open("META-INF/manifest.xml") as manifest:
                return b"encryption-data" in manifest.read(_MANIFEST)
    except (OSError, KeyError, zipfile.BadZipFile, RuntimeError):
        return False
    return False
