"""`report.toml`: the letterhead of a report and its signature. The file may be absent."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import Field, ValidationError, field_validator

from settings.errors import SettingsError, Strict, explained, read_toml

PICTURES = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".svg": "image/svg+xml",
}
"""The allowed file endings of a logo, with their media types."""

LARGEST_LOGO = 2_000_000
"""The largest size of a logo in bytes: every copy of every report contains it."""

Line = Annotated[str, Field(min_length=1, max_length=200)]


class LetterheadTable(Strict):
    """`[letterhead]`: `lines` are printed in large letters, `address` in small letters below
    them.
    """

    logo: str | None = None
    """A .png, .jpg or .svg file in the site's folder, at most 2 MB. Mails about complaints and
    reports show it in small."""
    lines: tuple[Line, ...] = ()
    """The lines in large letters."""
    address: tuple[Line, ...] = ()
    """The lines in small letters below them."""


class SignatureTable(Strict):
    """`[signature]`: the person who signs the report. A regent, for example, has no NIP."""

    place: Line
    """The place, printed before the day of the report."""
    title: Line
    """The office of the signatory."""
    name: Line
    """The name of the signatory."""
    on_behalf: str = ""
    """The office on behalf of which the person signs, for example `a.n. Bupati Contoh`."""
    rank: str = ""
    """The rank (pangkat)."""
    nip: str | None = None
    """The NIP, 18 digits. Omit it if the signatory has none."""

    @field_validator("nip")
    @classmethod
    def _eighteen_digits(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(r"\d{18}", re.sub(r"\s", "", value)):
            raise ValueError(f"'{value}' is no NIP; it has 18 digits")
        return value


class ReportFile(Strict):
    """The keys of `report.toml`."""

    letterhead: LetterheadTable = LetterheadTable()
    """The head of a report."""
    signature: SignatureTable | None = None
    """The signature of a report. If it is not set, reports are not signed."""


@dataclass(frozen=True, slots=True)
class Signature:
    """The signature of a report: `title` is the office, `on_behalf` the superior ('a.n. Bupati
    Contoh').
    """

    place: str
    title: str
    name: str
    on_behalf: str = ""
    rank: str = ""
    nip: str | None = None


@dataclass(frozen=True, slots=True)
class Letterhead:
    """The head and the signature of a report; `logo` is a file in the folder of the site."""

    logo: Path | None = None
    lines: tuple[str, ...] = ()
    address: tuple[str, ...] = ()
    signature: Signature | None = None


def read_letterhead(path: Path) -> Letterhead:
    """Read and check the file; return an empty letterhead if it is absent.

    Raises :class:`SettingsError` with every mistake.
    """
    if not path.exists():
        return Letterhead()
    data = read_toml(path, "it holds the letterhead of reports")
    try:
        file = ReportFile.model_validate(data)
    except ValidationError as error:
        raise SettingsError(explained(path, error, ReportFile)) from None
    head, signed = file.letterhead, file.signature
    return Letterhead(
        logo=_logo(path, head.logo) if head.logo is not None else None,
        lines=head.lines,
        address=head.address,
        signature=Signature(**signed.model_dump()) if signed else None,
    )


def _logo(path: Path, name: str) -> Path:
    """Check the file of a logo and return its path.

    It must be in the folder of the site, of an allowed kind, and not too large. Raises
    :class:`SettingsError` otherwise.
    """
    folder, found = path.parent.resolve(), (path.parent / name).resolve()
    key = f"{path}: letterhead.logo:"
    if not found.is_relative_to(folder):
        raise SettingsError(f"{key} '{name}' lies outside the site's folder; copy it there")
    if found.suffix.lower() not in PICTURES:
        raise SettingsError(f"{key} '{name}' is no picture; name a .png, .jpg or .svg file")
    if not found.is_file():
        raise SettingsError(f"{key} no file '{name}' in {folder}")
    if found.stat().st_size > LARGEST_LOGO:
        raise SettingsError(f"{key} '{name}' is larger than 2 MB; make it smaller")
    return found
