"""Shared by all commands: options, output and error messages."""

from __future__ import annotations

import csv
import errno
import io
import json
import os
import pwd
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, time
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from cli.language.translation import translated
from cli.language.words import lookup, near, say, value_word, value_words
from settings.site import Site
from sla.error_text import first_line
from sla.plain_text import escaped_control, formula_safe, terminal_safe
from tasks.common.whole_files import whole_file

if TYPE_CHECKING:  # load Rich, and Prefect (several seconds): imported only when needed
    from rich.console import Console

    from tasks.common.context import SiteContext

_FULL = ("disk is full", os.strerror(errno.ENOSPC))
"""What SQLite and PostgreSQL say on a full disk."""

_UNWRITTEN = ("disk I/O error", "readonly database")
"""What SQLite says if it cannot write, whatever the cause: a full disk, a damaged one, or one that
can only be read."""

_UNOPENED = ("unable to open database file",)
"""What SQLite says if it cannot open the file or make one beside it: also on such a disk."""

GOOD, TROUBLE, USAGE = 0, 1, 2
"""Exit codes: success; a fault was found; the call or a file of the site is wrong."""

WIDE = 240
"""Width in columns without a terminal: output to a file or a program is not folded at 80."""

terminal = sys.stdout.isatty() or "COLUMNS" in os.environ
Chosen = TypeVar("Chosen", bound=StrEnum)


class Output:
    """A console that loads Rich when something is first printed to it.

    A run that finds nothing to do prints with :func:`print_plain`: to load Rich would take a
    thirtieth of it.
    """

    def __init__(self, **options: Any) -> None:
        self._options = options

    @cached_property
    def console(self) -> Console:
        """Return the console of Rich."""
        from cli.output.plain_console import PlainConsole  # noqa: PLC0415

        return PlainConsole(highlight=False, **self._options)

    def print(self, *objects: Any, **options: Any) -> None:
        """Print texts with Rich's markup, tables and the like."""
        self.console.print(*objects, **options)


out = Output(width=None if terminal else WIDE)
err = Output(stderr=True, soft_wrap=True)


def escape(text: str) -> str:
    """Return a text without the meaning of Rich's markup in it."""
    from rich.markup import escape as escaped  # noqa: PLC0415

    return escaped(text)


def print_plain(text: str) -> None:
    """Print one text without markup, and without Rich."""
    typer.echo(terminal_safe(text))


SiteOption = Annotated[
    Path | None,
    typer.Option(
        "--site",
        help="Folder of the site (else TENGGAT_SITE, else examples/kabupaten-contoh/).",
        metavar="DIR",
    ),
]
SitesOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--site",
        help="Folder of a site, or of several (else TENGGAT_SITE, else examples/kabupaten-contoh/);"
        " repeatable.",
        metavar="DIR",
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
def context_of(site: Site | Path | None, *, finish: bool = True) -> Iterator[SiteContext]:
    """Open the site context with its database for the length of the block.

    With `finish`, a restore that ended before its last step is finished first.
    """
    os.environ.setdefault("PREFECT_LOGGING_LEVEL", "WARNING")
    from db.audit import AuditActor  # noqa: PLC0415
    from tasks.common.context import SiteContext  # noqa: PLC0415

    context = SiteContext.open(site)
    context.by = AuditActor(caller())
    try:
        if finish:
            _finish_restores(context)
        yield context
    finally:
        context.close()


def _finish_restores(context: SiteContext) -> None:
    from db.runs import unsettled_restores  # noqa: PLC0415

    with context.consistent_read() as session:
        unfinished = unsettled_restores(session)
    if unfinished:
        from tasks.notifications.after_restore import finish_restores  # noqa: PLC0415

        finish_restores(context, datetime.now(UTC))
        err.print(say("console.restore_finished", file=escape(unfinished[-1])))


def caller() -> str:
    """Name the caller for the audit: the user of this process, and the user behind sudo."""
    try:
        user = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # in a container a user need not have a name
        user = str(os.getuid())
    before = os.environ.get("SUDO_USER", user)
    return f"command line of {user}" + (f", called by {before}" if before != user else "")


def moment(text: str | None, site: Site) -> datetime:
    """Parse a time, local if it has no zone; None means now."""
    if text is None:
        return datetime.now(UTC)
    try:
        written = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(say("console.no_time", text=text)) from None
    return written.replace(tzinfo=site.zone) if written.tzinfo is None else written


def day(text: str) -> date:
    """Parse a day as YYYY-MM-DD, or as people write it, the day before the month."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        pass
    from tasks.common.flexible_dates import DAY_FIRST, parse_flexible  # noqa: PLC0415

    try:
        moment = parse_flexible(text, DAY_FIRST)
    except ValueError:
        moment = None
    if moment is None or moment.time() != time.min:
        raise UsageError(say("console.no_day", text=text))
    return moment.date()


def known_source(site: Site, name: str) -> str:
    """Return the name if the site has such a source; raises :class:`UsageError` otherwise."""
    if name not in site.sources:
        raise UsageError(say("console.no_source", name=name, near=near(name, site.sources)))
    return name


def chosen(kinds: type[Chosen], name: str, text: str | None) -> Chosen | None:
    """Return the member of `kinds` with this text or word, or None for no text.

    Raises :class:`UsageError` for another text; `name` is a kind of value in console.toml and in
    values.toml.
    """
    if text is None:
        return None
    words = {value_word(name, each): each for each in kinds}
    known = {word: each for each in kinds for word in value_words(name, each)}
    found = known.get(text.strip().lower(), text)
    if found not in set(kinds):
        raise UsageError(say(f"console.no_{name}", text=text, near=near(text, words, kinds)))
    return kinds(found)


def print_json(value: Any) -> None:
    """Print a value for a program; times are written as text, control characters as `\\uXXXX`."""
    from rich.highlighter import JSONHighlighter  # noqa: PLC0415

    text = json.dumps(value, ensure_ascii=False, indent=2, default=str)
    out.print(JSONHighlighter()(escaped_control(text)), soft_wrap=True)


def print_table(
    columns: Sequence[str],
    rows: Iterable[Iterable[str]],
    values: Mapping[str, str] | None = None,
) -> None:
    """Print a table with headings in the language of the call.

    The first column is input for other commands and is never folded. `values` names the columns
    with a value of the program, and its kind in values.toml; they are printed in words.
    """
    from rich.table import Table  # noqa: PLC0415

    kinds = [(values or {}).get(column) for column in columns]
    table = Table(box=None, header_style="bold", pad_edge=False)
    for number, column in enumerate(columns):
        heading = lookup("columns", column) or column
        table.add_column(heading, overflow="fold", no_wrap=not number)
    for row in rows:
        cells = (
            value_word(kind, cell) if kind else cell for kind, cell in zip(kinds, row, strict=True)
        )
        table.add_row(*map(escape, cells))
    out.print(table)


def print_text(text: str) -> None:
    """Print a text from a template; lines without indentation are headings."""
    for line in text.splitlines():
        out.print(escape(line), style="bold" if line[:1].strip() else "", soft_wrap=True)


def show_rows(
    columns: Sequence[str],
    rows: Sequence[dict[str, str]],
    total: str,
    csv_file: Path | None,
    *,
    as_json: bool,
    values: Mapping[str, str] | None = None,
) -> None:
    """Print rows as a table or JSON, or write CSV without formulas for a spreadsheet.

    `total` is the key of the text with their number, `values` as in :func:`print_table`.
    """
    if csv_file is not None:
        text = io.StringIO(newline="")
        writer = csv.DictWriter(text, columns)
        writer.writeheader()
        writer.writerows({k: formula_safe(v) for k, v in row.items()} for row in rows)
        with writing(csv_file), whole_file(csv_file) as file:
            file.write(text.getvalue().encode())
        rows_text = say(total, n=len(rows))
        err.print(say("console.rows_written", rows=rows_text, file=escape(str(csv_file))))
    elif as_json:
        print_json(rows)
    else:
        cells = ([short_time(row[column]) for column in columns] for row in rows)
        print_table(columns, cells, values)
        out.print(say(total, n=len(rows)))


def short_time(text: str) -> str:
    """Format a time in ISO 8601 as '2026-11-24 08:00'; any other text stays unchanged."""
    try:
        return f"{datetime.fromisoformat(text):%Y-%m-%d %H:%M}" if "T" in text else text
    except ValueError:
        return text


def confirm(question: str) -> bool:
    """Ask until the answer is yes or no, in either language; no answer means no."""
    words = {
        answer: meaning
        for meaning, key in ((True, "console.confirm.yes"), (False, "console.confirm.no"))
        for answer in say(key).split()
    }
    choices = say("console.confirm.choices")
    while True:
        text = typer.prompt(f"{question} [{choices}]", default="", show_default=False)
        if not text.strip():
            return False
        if (answer := words.get(text.strip().lower())) is not None:
            return answer
        err.print(say("console.confirm.again"))


def waits(file: Mapping[str, str]) -> str:
    """Return a sentence about a file that is left to a later run."""
    since = short_time(file["taken_from"])
    name = translated(file["name"]) if file["reason"] == "other" else file["name"]
    return say(f"console.waits.{file['reason']}", file=name, since=since)


def write_html(path: Path, html: str) -> None:
    """Write a page to a file, and print its path."""
    write_bytes(path, html.encode())


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file that appears whole or not at all, for its owner only, and print its path."""
    with writing(path), whole_file(path) as file:
        file.write(content)
    err.print(say("console.written", file=escape(str(path))))


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Wrap the writing of a file; raises :class:`UsageError` if it cannot be written."""
    try:
        yield
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        key = "console.disk_full" if full else "console.cannot_write"
        raise UsageError(say(key, file=path, error=translated(error.strerror or ""))) from None


def check_writable(path: Path) -> None:
    """Raise :class:`UsageError` if a new file of this name cannot be written; leave no file."""
    if path.exists() and not path.is_file():
        return
    with writing(path), tempfile.TemporaryFile(dir=path.resolve().parent):
        pass


def reason(error: Exception) -> str:
    """Explain an error in one line: the cause and the remedy."""
    from sqlalchemy.exc import ArgumentError, DatabaseError, IntegrityError  # noqa: PLC0415

    text = str(error) or type(error).__name__
    if isinstance(error, ArgumentError | DatabaseError) and not isinstance(error, IntegrityError):
        from db.engine import database_reason  # noqa: PLC0415

        what, said = translated(database_reason(error)), str(getattr(error, "orig", ""))
        if any(sign in said for sign in _FULL):
            return say("console.database_full", error=what)
        if any(sign in said for sign in _UNWRITTEN):
            return say("console.database_unwritten", error=what)
        if any(sign in said for sign in _UNOPENED):
            return say("console.database_unopened", error=what)
        return say("console.database_unusable", error=what)
    return first_line(text)


def site_folders(given: list[Path] | None) -> list[Path | None]:
    """Return the folders of sites: those given, or the sites inside a given folder."""
    found: list[Path | None] = []
    for folder in given or []:
        inner = sorted(path.parent for path in folder.glob("*/site.toml"))
        found += [folder] if (folder / "site.toml").is_file() or not inner else inner
    return found or [None]
