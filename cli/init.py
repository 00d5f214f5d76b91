"""`tenggat init`: begin a site with the settings of the example site."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from cli import console
from cli.console import UsageError
from settings import load_site
from settings.site import EXAMPLE

INBOX = "inbox"


def init(
    folder: Annotated[Path, typer.Argument(help="Folder of the new site.", metavar="DIR")],
) -> None:
    """Begin a site with the example's settings.

    Copies the settings files of examples/kabupaten-contoh/ without its invented complaints, and
    makes an empty folder for the files of each source. Refuses a folder with files in it.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(f"{folder} exists already; choose a new folder")
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns(INBOX), dirs_exist_ok=True)
    _set_working_folder(folder)
    for source in sorted(each.name for each in (EXAMPLE / INBOX).iterdir() if each.is_dir()):
        (folder / INBOX / source).mkdir(parents=True)
    load_site(folder)
    lines = [
        f"{folder} has the settings of the example site. Change them, in this order:",
        "  site.toml        name, time zone, sender of mail",
        "  sources.toml     where complaints come from (`tenggat source learn FILE` proposes it)",
        "  units.csv        units, their parents and other spellings",
        "  officers.csv     office holders: every person in it is invented",
        "  escalation.toml  who is notified when",
        f"Then run `tenggat doctor --site {folder}`.",
    ]
    console.out.print(escape("\n".join(lines)), soft_wrap=True)


def _set_working_folder(site: Path) -> None:
    """Put the working files of a new site beside its folder: the example's lie elsewhere."""
    file = site / "site.toml"
    text = file.read_text(encoding="utf-8")
    before, _, rest = text.partition('\nvar = "')
    _, _, after = rest.partition('"')
    if not after:
        raise UsageError(f"{EXAMPLE}/site.toml names no working folder; restore it from git")
    changed = f'{before}\nvar = "../{site.resolve().name}-var"{after}'
    file.write_text(changed, encoding="utf-8")
