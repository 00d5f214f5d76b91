"""Private folders for the data of a site, and the owner of the files in them."""

from __future__ import annotations

import grp
import os
import pwd
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

_used: set[Path] = set()
"""Folders used by this process if it is root."""


def make_private(folder: Path) -> None:
    """Create a folder and its missing parents with mode 0700 (only the owner has access).

    Folders already present keep their mode.
    """
    if os.geteuid() == 0:
        _used.add(folder)
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


def user_name(uid: int) -> str:
    """Return the name of a user of this machine, or the number of one without a name."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def group_name(gid: int) -> str:
    """Return the name of a group of this machine, or the number of one without a name."""
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return str(gid)


def not_ours(path: Path) -> str:
    """Return the reason why this user may not open a file or a folder, and the remedy."""
    with suppress(OSError):
        while not os.path.lexists(path):
            path = path.parent
        owner, me = user_name(path.lstat().st_uid), user_name(os.geteuid())
        return f"{path} belongs to {owner}, and {me} may not open it; run: chown {me} {path}"
    return f"{path} may not be opened"


def entries(folder: Path) -> Iterator[tuple[Path, int, os.stat_result]]:
    """Yield everything in a folder: its path, the open folder above it, and its own properties."""
    for place, folders, files, above in os.fwalk(folder):
        for name in (*folders, *files):
            with suppress(OSError):
                yield Path(place, name), above, os.stat(name, dir_fd=above, follow_symlinks=False)


def give_to_owner(folder: Path) -> int:
    """Give files of root in a folder to the owner of the folder; return their number.

    Only root can do this, and in a folder of root nothing happens. Links are left alone: the owner
    may have put one there to get a file of root.
    """
    try:
        owner = folder.stat()
    except OSError:
        return 0
    if os.geteuid() != 0 or owner.st_uid == 0:
        return 0
    given = 0
    for path, above, found in entries(folder):
        is_link = not stat.S_ISDIR(found.st_mode) and (
            not stat.S_ISREG(found.st_mode) or found.st_nlink > 1
        )
        if found.st_uid == 0 and not is_link:
            os.chown(path.name, owner.st_uid, owner.st_gid, dir_fd=above, follow_symlinks=False)
            given += 1
    return given


def give_back_all() -> None:
    """Give the files that this process of root has made to the owners of their folders.

    The service, which is another user, could not open them.
    """
    for folder in sorted(_used):
        give_to_owner(folder)
    _used.clear()
