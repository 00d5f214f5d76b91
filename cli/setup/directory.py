"""`tenggat directory`: the units and officials of a site as a workbook."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from cli import console
from cli.console import SiteOption, UsageError
from cli.language.words import say
from settings import SettingsError, Site, load_site
from settings.directory import directory_tables
from sla.directory import Directory
from tasks.common.whole_files import whole_file

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
        read = read_directory_workbook(file, place.locale)
    except UnreadableFile as error:
        raise UsageError(str(error)) from None
    _replace(place, read.directory)
    _report(place.directory, read.directory, read.empty_offices)


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


def _replace(place: Site, directory: Directory) -> None:
    """Write both files of the directory; keep the earlier ones if the site could not be loaded."""
    tables = directory_tables(directory)
    before = {name: (place.folder / name).read_bytes() for name in tables}
    for name, text in tables.items():
        _write(place.folder / name, text.encode())
    try:
        load_site(place.folder)
    except SettingsError:
        for name, content in before.items():
            _write(place.folder / name, content)
        raise


def _write(path: Path, content: bytes) -> None:
    with whole_file(path) as file:
        file.write(content)


def _report(before: Directory, after: Directory, empty: int) -> None:
    """Print the numbers, and the units that were added and removed."""
    numbers = {"units": len(after.units), "officials": len(after.offices)}
    lines = [say("directory.imported", **numbers)]
    for key, one, other in (("added", after, before), ("removed", before, after)):
        names = [unit.name for unit in one.units.values() if unit.id not in other.units]
        if names:
            lines.append(say(f"directory.{key}", n=len(names), names=", ".join(names)))
    if empty:
        lines.append(say("directory.empty", n=empty))
    console.out.print(escape("\n".join(lines)), soft_wrap=True)
