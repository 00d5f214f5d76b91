"""What the machine says: room on its disks, and who may read what is kept."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from settings import Site
from tasks.causes import free_megabytes
from tasks.health.finding import Finding
from tasks.oauth2_file import open_to_all

FOLDERS = ("mailbox", "reports", "backups", "logs", "prefect")
"""What the folder of working files holds that is not for everybody."""


def clock(site: Site, now: datetime) -> Iterator[Finding]:
    """What time it is at the site: a clock or a zone that is wrong is seen at once."""
    local = now.astimezone(site.zone)
    yield Finding("good", f"it is {local:%Y-%m-%d %H:%M} at the site ({site.zone.key})")


def disks(site: Site) -> Iterator[Finding]:
    """Room for the working files and for a database that is a file."""
    floor = site.file.watch.disk_free_mb
    try:
        free = free_megabytes(site)
    except ArgumentError:  # of the database's URL, of which the database tells
        return
    for place, left in free.items():
        if left < floor:
            yield Finding(
                "trouble",
                f"{left} MB are left for {place}, less than {floor}",
                "make room; when nothing is left everything stops",
            )
        else:
            yield Finding("good", f"{left / 1000:,.0f} GB are left for {place}")


def readers(site: Site) -> Iterator[Finding]:
    """Files and folders with complaints or secrets that every user of the machine may read."""
    for file in _kept(site):
        folder = file.parent
        if open_to_all(file) and folder.stat().st_mode & 0o001:
            yield Finding(
                "note", f"every user of the machine may read {file}", f"chmod o= {folder}"
            )
    if _others(site.var) & 0o001:
        inside = [name for name in FOLDERS if _others(site.var / name)]
        if inside:
            yield Finding(
                "note",
                f"every user of the machine may look into {', '.join(inside)} in {site.var}",
                f"chmod o= {site.var}",
            )
    if not site.backups.is_relative_to(site.var) and _others(site.backups):
        yield Finding(
            "note",
            f"every user of the machine may look into the backups in {site.backups}",
            f"chmod o= {site.backups}",
        )


def _others(folder: Path) -> int:
    """What those may do with a folder who are neither its owner nor of its group; 0: nothing."""
    try:
        return folder.stat().st_mode & 0o007
    except OSError:
        return 0


def _kept(site: Site) -> Iterator[Path]:
    try:
        url = make_url(site.database_url)
    except ArgumentError:
        return
    if url.get_backend_name() == "sqlite" and url.database:
        yield Path(url.database)
    yield from sorted(site.backups.glob("*"))[:1]
    yield from sorted(site.folder.glob("*.env"))
