"""`tenggat directory`: the units and officials of a site as a workbook."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

import typer

from cli import console
from cli.console import SiteOption, UsageError, escape
from cli.language.words import say
from settings.directory import directory_tables
from settings.errors import SettingsError
from settings.site import Site, load_site
from sla.directory import Directory
from tasks.common.whole_files import whole_files

directory_app = typer.Typer(help="Units and officials in a workbook.", no_args_is_help=True)


@directory_app.command("import")
def import_directory(
    file: Annotated[Path, typer.Argument(help="The workbook.", metavar="FILE")],
    site: SiteOption = None,
) -> None:
    """Read units and officials from a workbook.

    Writes units.csv and officers.csv. Checks all of it at once and names each mistake with sheet,
    row, column and remedy. With a mistake nothing is changed.
    """
    from tasks.setup.workbook_reader import read_directory_workbook  # noqa: PLC0415
    from tasks.sources.base import UnreadableFile  # noqa: PLC0415

    place = load_site(site)
    if not file.is_file():
        raise UsageError(say("directory.no_file", file=file))
    try:
        kinds = {*place.directory.kinds().values(), *place.file.no_officers_needed}
        read = read_directory_workbook(file, place.locale, sorted(kinds), place.directory)
    except UnreadableFile as error:
        raise UsageError(str(error)) from None
    _report(place, _replace(place, read.directory), read.empty_offices)


@directory_app.command("export")
def export_directory(
    file: Annotated[Path, typer.Argument(help="The workbook to write.", metavar="FILE")] = Path(
        "direktori.xlsx"
    ),
    site: SiteOption = None,
) -> None:
    """Write units and officials as a workbook.

    Each vacant office gets an empty row.
    """
    from tasks.setup.workbook_writer import write_directory  # noqa: PLC0415

    place = load_site(site)
    with console.writing(file):
        write_directory(file, place.directory, place.locale)
    numbers = {"units": len(place.directory.units), "officials": len(place.directory.offices)}
    console.out.print(escape(say("directory.written", file=file, **numbers)), soft_wrap=True)


def _replace(place: Site, directory: Directory) -> Site:
    """Write both files of the directory, and return the new site.

    The earlier files come back if the site cannot be loaded with the new ones.
    """
    tables = directory_tables(directory)
    before = {name: (place.folder / name).read_bytes() for name in tables}
    _write(place.folder, {name: text.encode() for name, text in tables.items()})
    try:
        return load_site(place.folder)
    except SettingsError:
        _write(place.folder, before)
        raise


def _write(folder: Path, contents: Mapping[str, bytes]) -> None:
    with whole_files() as write:
        for name, content in contents.items():
            write(folder / name, content)


def _units_with_complaints(site: Site, units: Sequence[str]) -> frozenset[str]:
    """Return those of these units that complaints are stored under; none without a database."""
    from sqlalchemy.exc import SQLAlchemyError  # noqa: PLC0415
    from sqlalchemy.orm import Session  # noqa: PLC0415

    from db.complaints import units_with_complaints  # noqa: PLC0415
    from db.engine import NotReady, reading  # noqa: PLC0415

    try:
        with reading(site.database_url) as connection, Session(connection) as session:
            return units_with_complaints(session, units)
    except NotReady:
        return frozenset()
    except (SQLAlchemyError, OSError):
        return frozenset(units)  # perhaps there are some


def _report(old: Site, new: Site, empty: int) -> None:
    """Print the numbers, and what else is new: units, and who is responsible for verification.

    A unit that is gone may be a spelling of another one now. What happens to complaints is said
    only of units under which any are stored.
    """
    before, after = old.directory, new.directory
    numbers = {"units": len(after.units), "officials": len(after.offices)}
    lines = [say("directory.imported", **numbers)]
    added = [unit.name for unit in after.units.values() if unit.id not in before.units]
    gone = [unit for unit in before.units.values() if unit.id not in after.units]
    stored = _units_with_complaints(new, [unit.id for unit in gone]) if gone else frozenset()
    named: dict[str, list[str]] = {"added": added}
    for unit in gone:
        other = after.unit_called(unit.name)
        key = "removed" if other is None else "merged"
        name = unit.name if other is None else f"{unit.name} -> {after.name_of(other)}"
        named.setdefault(f"{key}_with_complaints" if unit.id in stored else key, []).append(name)
    lines += (
        say(f"directory.{key}", n=len(names), names=", ".join(names))
        for key, names in named.items()
        if names
    )
    if new.administrator_unit != old.administrator_unit:
        responsible = after.name_of(new.administrator_unit)
        lines.append(say("directory.administrator_unit", unit=responsible))
    if empty:
        lines.append(say("directory.empty", n=empty))
    console.out.print(escape("\n".join(lines)), soft_wrap=True)
