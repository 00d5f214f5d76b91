"""Private folders for the data of a site."""

from __future__ import annotations

from pathlib import Path


def make_private(folder: Path) -> None:
    """Create a folder and its missing parents with mode 0700 (only the owner has access).

    Folders already present keep their mode.
    """
    for each in (*reversed(folder.parents), folder):
        if not each.is_dir():
            each.mkdir(mode=0o700, exist_ok=True)


def is_open_to_others(folder: Path) -> bool:
    """Check whether every user of the machine may list or enter this folder.

    They may not if a folder above it is closed to them.
    """
    try:
        others = folder.stat().st_mode & 0o005
        return bool(others) and all(above.stat().st_mode & 0o001 for above in folder.parents)
    except OSError:
        return False
