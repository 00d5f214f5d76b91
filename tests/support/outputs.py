"""What people get: reports and mails as their readers see them."""

import io
from email import message_from_bytes, policy
from pathlib import Path

from pypdf import PdfReader
from python_calamine import CalamineWorkbook


def printed(path: Path) -> str:
    """A report as its reader sees it."""
    if path.suffix == ".pdf":
        return "".join(page.extract_text() for page in PdfReader(path).pages)
    if path.suffix == ".xlsx":
        return cells(path.read_bytes())
    return path.read_text("utf-8")


def cells(workbook: bytes) -> str:
    """All cells of a workbook."""
    book = CalamineWorkbook.from_filelike(io.BytesIO(workbook))
    return "".join(str(book.get_sheet_by_name(name).to_python()) for name in book.sheet_names)


def read(raw: bytes) -> str:
    """A mail as its reader sees it: subject and every part, decoded."""
    mail = message_from_bytes(raw, policy=policy.default)
    parts = [str(mail["Subject"]), str(mail["To"])]
    for part in mail.walk():
        if part.get_content_maintype() == "text":
            parts.append(part.get_content())
        elif (part.get_filename() or "").endswith(".xlsx"):
            parts.append(cells(part.get_content()))
    return "\n".join(parts)
