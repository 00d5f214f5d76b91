"""`tenggat backup`, `restore`, `adopt`: copy the database, restore it, go on with it elsewhere."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from cli import console
from cli.console import SiteOption, escape
from cli.language.words import language, say, value_word
from settings.site import load_site


def backup(
    to: Annotated[
        Path | None,
        typer.Option(
            "--to", help="Folder for it, else that of site.toml (var/backups).", metavar="FOLDER"
        ),
    ] = None,
    site: SiteOption = None,
) -> None:
    """Copy the database into one file.

    The service may keep running. PostgreSQL needs its own pg_dump. Files of the site, the mailbox
    and the reports are not included.
    """
    from db.backup.create import backup as make  # noqa: PLC0415
    from tasks.text.numbers import size_text  # noqa: PLC0415

    place = load_site(site)
    made = make(place.database_url, to or place.backups, datetime.now(UTC))
    console.out.print(
        say("backup.made", file=escape(str(made)), size=size_text(made.stat().st_size, language())),
        soft_wrap=True,
    )


def restore(
    file: Annotated[Path, typer.Argument(help="A file made by `tenggat backup`.")],
    force: Annotated[
        bool, typer.Option("--force", help="Replace a database with content; a copy of it is kept.")
    ] = False,
    site: SiteOption = None,
) -> None:
    """Restore the database from a backup.

    Stop the service first. Mails still queued in the backup may have been sent since: they are
    held, and `tenggat mail release` sends or drops them.
    """
    from db.backup.create import made_at  # noqa: PLC0415
    from db.backup.restore import restore as put_back  # noqa: PLC0415

    place = load_site(site)
    now = datetime.now(UTC)
    done = put_back(
        file, place.database_url, place.backups, now, lock=place.var / "service.lock", force=force
    )
    with console.context_of(site, finish=False) as context:
        from tasks.notifications.after_restore import settle  # noqa: PLC0415

        settled = settle(context, now, file.name, made_at(file))
    lines = [say("backup.restored", file=file, revision=done.revision)]
    if done.replaced is not None:
        lines.append(say("backup.replaced", file=done.replaced))
    if settled.files:
        lines.append(say("backup.files_again", n=settled.files))
    if settled.held:
        lines.append(say("backup.held", n=settled.held))
    lines += [
        say("backup.later_held"),
        f"  tenggat mail list --status {value_word('status', 'held')}",
        "  tenggat mail release [--drop]",
    ]
    console.out.print(escape("\n".join(lines)), soft_wrap=True)


def adopt(
    site: SiteOption = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask; for a script.")] = False,
) -> None:
    """Go on in place of another installation.

    For a database that belongs to another installation: working files that were moved or copied to
    another machine or folder. Stop the other installation first, or its mails are sent twice.
    Unsent mails are held, as after a restore.
    """
    from db.backup.restore import exclusive_access  # noqa: PLC0415

    place = load_site(site)
    with exclusive_access(place.var / "service.lock"), console.context_of(site) as context:
        from db.installation import record  # noqa: PLC0415
        from db.installation.identity import here, read_key  # noqa: PLC0415
        from tasks.notifications.after_restore import adopt as go_on  # noqa: PLC0415

        with context.transaction() as session:
            row = record.recorded(session)
        if row is None or record.belongs(row, here(place.var), read_key(place.var)):
            console.out.print(say("backup.adopt.own"))
            return
        since = console.short_time(context.local(row.since).isoformat(timespec="minutes"))
        copied = row.key in record.COPY_MARKS
        which = row.key if copied else "other"
        lines = say(f"backup.adopt.{which}", host=row.host, path=row.path, since=since)
        console.out.print(escape(lines), soft_wrap=True)
        question = say("backup.adopt.confirm_left" if copied else "backup.adopt.confirm")
        if not yes and not console.confirm(question):
            raise typer.Exit(console.TROUBLE)
        held = go_on(context, datetime.now(UTC))
        done = say("backup.adopt.done", n=held) if held else say("backup.adopt.done_empty")
        console.out.print(escape(done), soft_wrap=True)
