"""`tenggat database copy`: copy the whole database to another, as from SQLite to PostgreSQL."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import Annotated

import typer

from cli import console
from cli.console import SiteOption, UsageError, escape
from cli.language.translation import translated
from cli.language.words import say
from settings.site import load_site

database_app = typer.Typer(help="Move the database to another server.", no_args_is_help=True)


@database_app.callback()
def database() -> None:
    """Move the database to another server."""


@database_app.command("copy")
def copy(
    to: Annotated[
        str,
        typer.Option(
            help="Target, as a URL of SQLAlchemy. A password in a command line is visible to every"
            " user of the machine; in the variable it is not.",
            envvar="TENGGAT_COPY_TO",
            metavar="URL",
        ),
    ],
    site: SiteOption = None,
) -> None:
    """Copy the whole database into an empty one.

    The direction is from SQLite to PostgreSQL or back; all row numbers are kept. Stop the service
    first. The copy is read back and compared. Then the old database is marked as left, and runs on
    it are refused.
    """
    place = load_site(site)
    from sqlalchemy import make_url  # noqa: PLC0415
    from sqlalchemy.exc import ArgumentError  # noqa: PLC0415

    from db.audit import AuditActor  # noqa: PLC0415
    from db.backup.copy_database import copy as copy_all  # noqa: PLC0415

    variable = "TENGGAT_COPY_TO" if os.environ.get("TENGGAT_COPY_TO") == to else "--to"
    new = place.file.database.address(to, place.var, place.folder, variable=variable)
    try:
        kind = make_url(to).get_backend_name()
    except (ArgumentError, ValueError):  # its text would repeat the password
        kind = ""
    if kind not in ("postgresql", "sqlite"):
        raise UsageError(say("database.no_url"))
    done = copy_all(
        place.database_url,
        new,
        datetime.now(UTC),
        AuditActor(console.caller()),
        lock=place.var / "service.lock",
        say=lambda text: console.err.print(escape(translated(text))),
    )
    fault = done.audit.fault
    lines = [
        say("database.copied", rows=sum(done.rows.values()), tables=len(done.rows)),
        say("database.intact", n=done.audit.rows)
        if fault is None
        else say("database.as_before", row=str(fault.seq), fault=translated(fault.wrong)),
        say("database.switch"),
        say("database.only_one"),
    ]
    console.out.print(escape("\n".join(lines)), soft_wrap=True)
