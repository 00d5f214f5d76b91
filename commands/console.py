"""What all commands share: their options, what they print, and how they say what is wrong."""

from __future__ import annotations

import csv
import difflib
import json
import os
import pwd
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from settings import Site, load_site

if TYPE_CHECKING:  # loads Prefect, which takes seconds: only where it is needed
    from tasks.office import Office

GOOD, TROUBLE, USAGE = 0, 1, 2
"""Exit codes: done, something is wrong, the call or a file of the site is wrong."""

WIDE = 240
"""Columns where there is no terminal: what goes to a file or a program is not folded at 80."""

terminal = sys.stdout.isatty() or "COLUMNS" in os.environ
out = Console(highlight=False, width=None if terminal else WIDE)
err = Console(stderr=True, highlight=False, soft_wrap=True)

SiteOption = Annotated[
    Path | None,
    typer.Option(
        "--site", help="Folder of the site (else TENGGAT_SITE, else config/).", metavar="DIR"
    ),
]
NowOption = Annotated[
    str | None,
    typer.Option(
        "--now",
        help="Act as if it were this time, e.g. 2026-11-24T08:00 (the site's zone).",
        metavar="ISO",
    ),
]
CsvOption = Annotated[
    Path | None, typer.Option("--csv", help="Write CSV to this file.", metavar="FILE")
]
HtmlOption = Annotated[
    Path | None, typer.Option("--html", help="Write a page to print or to send.", metavar="FILE")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for a program to read.")]


class UsageError(ValueError):
    """The call cannot be understood; the message says what to write."""


@contextmanager
def office_of(site: Path | None) -> Iterator[Office]:
    """The site with its database open, as long as the block lasts."""
    os.environ.setdefault("PREFECT_LOGGING_LEVEL", "WARNING")
    load_site(site)  # what is wrong with it is said before Prefect is loaded, which takes seconds
    from db.audit import By  # noqa: PLC0415
    from tasks.office import Office  # noqa: PLC0415

    office = Office.open(site)
    office.by = By(caller())
    try:
        yield office
    finally:
        office.close()


def caller() -> str:
    """Who calls, for the audit: the user of this process, and who took that user's part."""
    try:
        user = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # in a container a user need not have a name
        user = str(os.getuid())
    before = os.environ.get("SUDO_USER", user)
    return f"command line of {user}" + (f", called by {before}" if before != user else "")


def moment(text: str | None, site: Site) -> datetime:
    """The time that was written, local where it bears no zone; now, if none was."""
    if text is None:
        return datetime.now(UTC)
    try:
        written = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"'{text}' is no time; write 2026-11-24T08:00") from None
    return written.replace(tzinfo=site.zone) if written.tzinfo is None else written


def day(text: str) -> date:
    """The day that was written as YYYY-MM-DD."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise UsageError(f"'{text}' is no day; write 2026-11-24") from None


def known_source(site: Site, name: str) -> str:
    """The name of a source that the site has; any other name is a UsageError."""
    if name not in site.sources:
        raise UsageError(f"no source '{name}' in sources.toml{nearest(name, site.sources)}")
    return name


def nearest(word: str, known: Iterable[str], also: Iterable[str] = ()) -> str:
    """'; did you mean ...?' where a known word is close, else the known words."""
    listed = [str(one) for one in known]
    close = difflib.get_close_matches(word, [*listed, *also], n=1)
    return f"; did you mean '{close[0]}'?" if close else f"; known are {', '.join(listed)}"


def print_json(value: Any) -> None:
    """A value for a program; times in it as text."""
    out.print_json(json.dumps(value, ensure_ascii=False, default=str))


def print_table(columns: Sequence[str], rows: Iterable[Iterable[str]]) -> None:
    """The first column is what one types into another command: it is never folded."""
    table = Table(box=None, header_style="bold", pad_edge=False)
    for number, column in enumerate(columns):
        table.add_column(column, overflow="fold", no_wrap=not number)
    for row in rows:
        table.add_row(*map(escape, row))
    out.print(table)


def print_text(text: str) -> None:
    """A text from a template: lines that are not indented are headings."""
    for line in text.splitlines():
        out.print(escape(line), style="bold" if line[:1].strip() else "", soft_wrap=True)


def show_rows(
    columns: Sequence[str],
    rows: Sequence[dict[str, str]],
    what: str,
    csv_file: Path | None,
    *,
    as_json: bool,
) -> None:
    """Rows as a table, as JSON, or in a CSV file that no spreadsheet runs."""
    from tasks.listing import formula_safe  # noqa: PLC0415

    if csv_file is not None:
        with writing(csv_file), csv_file.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, columns)
            writer.writeheader()
            writer.writerows({k: formula_safe(v) for k, v in row.items()} for row in rows)
        err.print(f"{len(rows)} {what} written to {escape(str(csv_file))}")
    elif as_json:
        print_json(rows)
    else:
        print_table(columns, ([short_time(row[column]) for column in columns] for row in rows))
        out.print(f"{len(rows)} {what}")


def short_time(text: str) -> str:
    """'2026-11-24 08:00' of a time in ISO 8601; any other text as it is."""
    try:
        return f"{datetime.fromisoformat(text):%Y-%m-%d %H:%M}" if "T" in text else text
    except ValueError:
        return text


def write_html(path: Path, html: str) -> None:
    """A page into a file, and where it lies."""
    with writing(path):
        path.write_text(html, encoding="utf-8")
    err.print(f"written to {escape(str(path))}")


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """A block that writes this file; where it cannot be written, the call was wrong."""
    try:
        yield
    except OSError as error:
        raise UsageError(
            f"cannot write {path} ({error.strerror}); name a file in a folder that exists"
        ) from None


def reason(error: Exception) -> str:
    """What to tell about an error in one line: what is wrong and what to do."""
    from sqlalchemy.exc import ArgumentError, DatabaseError, IntegrityError  # noqa: PLC0415

    text = str(error) or type(error).__name__
    if isinstance(error, ArgumentError | DatabaseError) and not isinstance(error, IntegrityError):
        what = first_line(str(getattr(error, "orig", None) or error))
        return (
            f"the database cannot be used ({what});"
            " check [database] in site.toml or TENGGAT_DATABASE_URL"
        )
    return first_line(text)


def first_line(text: str) -> str:
    """The first line that is not blank."""
    return next((line.strip() for line in text.splitlines() if line.strip()), "")
