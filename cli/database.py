"""`tenggat database copy`: copy the whole database to another, as from SQLite to PostgreSQL."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.markup import escape

from cli import console
from cli.console import SiteOption, UsageError
from settings import load_site

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
    first. The database used by the site stays unchanged. The copy is read back and compared.
    """
    place = load_site(site)
    from sqlalchemy import make_url  # noqa: PLC0415
    from sqlalchemy.exc import ArgumentError  # noqa: PLC0415

    from db.audit import AuditActor  # noqa: PLC0415
    from db.backup.copy_database import copy as copy_all  # noqa: PLC0415

    try:
        kind = make_url(to).get_backend_name()
    except ArgumentError:  # its text would repeat the password
        kind = ""
    if kind not in ("postgresql", "sqlite"):
        raise UsageError(
            "--to is no URL of a database; write postgresql+psycopg://user:password@host/database"
        )
    new = place.file.database.address(to, place.var)
    done = copy_all(
        place.database_url,
        new,
        datetime.now(UTC),
        AuditActor(console.caller()),
        lock=place.var / "service.lock",
        say=lambda text: console.err.print(escape(text)),
    )
    fault = done.audit.fault
    lines = [
        f"copied {sum(done.rows.values()):,} rows of {len(done.rows)} tables, read back and the"
        " same",
        f"audit: {done.audit.rows} rows, none touched"
        if fault is None
        else f"audit: as before, row {fault.seq}: {fault.wrong}",
        "now let TENGGAT_DATABASE_URL name the new database, run `tenggat doctor`, and start the"
        " service",
        "use only one of the two databases: each would send its queued mail",
    ]
    console.out.print(escape("\n".join(lines)), soft_wrap=True)
