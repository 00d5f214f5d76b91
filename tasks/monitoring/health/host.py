"""Check the machine: space on its disks, and access to the site's files by other users."""

from __future__ import annotations

import codecs
import importlib.util
import json
import locale
import os
import tempfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from db.private_dirs import entries, group_name, is_open_to_others, user_name
from settings.site import LOOPBACK, Site
from tasks.monitoring.health.finding import Finding
from tasks.monitoring.incidents import free_megabytes
from tasks.notifications.transport.oauth2_file import open_to_all

FOLDERS = ("mailbox", "reports", "backups", "logs", "prefect")
"""Folders in the folder of working files not meant for everybody."""


def clock(site: Site, now: datetime) -> Iterator[Finding]:
    """Report the time at the site, so a wrong clock or a wrong zone is noticed."""
    local = now.astimezone(site.zone)
    yield Finding("good", f"it is {local:%Y-%m-%d %H:%M} at the site ({site.zone.key})")


def working_files(site: Site) -> Iterator[Finding]:
    """Report a folder of working files that does not exist yet: perhaps its name is wrong."""
    if site.var_is_given and not site.var.is_dir():
        yield Finding(
            "note",
            f"TENGGAT_VAR names a folder that does not exist: {site.var}",
            "check the name; the next run makes it, with an empty database",
        )


def ui(site: Site) -> Iterator[Finding]:
    """Compare the address of the UI in mails with the port of the running service."""
    try:
        state = json.loads((site.var / "service.json").read_text(encoding="utf-8"))
        port = urlsplit(str(state["api"])).port
        known = urlsplit(site.ui_url or "")
        named = known.port or {"https": 443}.get(known.scheme, 80)
    except (OSError, ValueError, KeyError, TypeError):  # the service does not run
        return
    if known.hostname in LOOPBACK and port is not None and named != port:
        yield Finding(
            "trouble",
            f"links in mails lead to port {named}, the Prefect UI has port {port}",
            f"set TENGGAT_UI_URL=http://127.0.0.1:{port}, or ui_url under [watch] in site.toml",
        )


def disks(site: Site) -> Iterator[Finding]:
    """Check the space for the working files and for a SQLite database."""
    floor = site.file.watch.disk_free_mb
    try:
        free = free_megabytes(site)
    except ArgumentError:  # the database's URL is wrong; the check of the database reports it
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


def surroundings() -> Iterator[Finding]:
    """Report what the environment of this process lacks; none of it stops a run."""
    wanted, used = os.environ.get("TMPDIR"), _temporary()
    if used is None:
        yield Finding(
            "trouble",
            "no temporary folder can be written; workbooks and reports need one",
            "make room in /tmp or /var/tmp, or let TMPDIR name a folder with room",
        )
    elif wanted and Path(wanted).absolute() != used:
        yield Finding(
            "note",
            f"TMPDIR {wanted} cannot be written; {used} is used in its place",
            "make room there",
        )
    home = Path.home()
    if not os.access(home, os.W_OK):
        yield Finding(
            "note",
            f"the home folder {home} cannot be written; only the first plots of a report take"
            " longer",
            "nothing, or let MPLCONFIGDIR name a folder",
        )
    encoding = locale.getpreferredencoding(do_setlocale=False)
    if codecs.lookup(encoding).name != "utf-8":
        yield Finding(
            "note",
            f"the encoding of the terminal is {encoding}; other signs are shown as ?",
            "set LANG=C.UTF-8",
        )
    elif locale.setlocale(locale.LC_CTYPE) in ("C", "POSIX"):
        yield Finding("good", "the locale is C; texts and files are in UTF-8 all the same")
    if not _has_fonts():
        yield Finding(
            "trouble",
            "the fonts of matplotlib are missing; no PDF can be made",
            "install the package matplotlib again",
        )


def _temporary() -> Path | None:
    try:
        return Path(tempfile.gettempdir()).absolute()
    except FileNotFoundError:
        return None


def _has_fonts() -> bool:
    """Check for the fonts of reports without loading matplotlib. The machine's own are unused."""
    found = importlib.util.find_spec("matplotlib")
    if found is None or found.origin is None:
        return False
    return Path(found.origin).with_name("mpl-data").joinpath("fonts/ttf/DejaVuSans.ttf").is_file()


def readers(site: Site) -> Iterator[Finding]:
    """Report files and folders with complaints or secrets readable by every user of the machine."""
    if _others(site.folder) & 0o005 and _reachable(site.folder):
        yield Finding(
            "note",
            f"every user of the machine may read the site's folder {site.folder}",
            f"chmod o= {site.folder}",
        )
    for file in _kept(site):
        folder = file.parent
        if open_to_all(file) and folder.stat().st_mode & 0o001:
            yield Finding(
                "note", f"every user of the machine may read {file}", f"chmod o= {folder}"
            )
    if is_open_to_others(site.var):
        yield Finding(
            "trouble",
            f"every user of the machine may read {site.var}; no run starts",
            f"chmod o= {site.var}",
        )
    elif _others(site.var) & 0o001:
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


def owners(site: Site) -> Iterator[Finding]:
    """Report working files of another user than their folder, such as root: no run can open them.

    Also reported is that this process may not use the folder itself.
    """
    var = site.var
    if not var.is_dir():
        return
    if not os.access(var, os.R_OK | os.W_OK | os.X_OK):
        if os.statvfs(var).f_flag & os.ST_RDONLY:
            yield Finding(
                "trouble",
                f"the disk of {var} can only be read",
                "look whether it is damaged, then mount it for writing",
            )
            return
        owner = user_name(var.stat().st_uid)
        yield Finding(
            "trouble",
            f"{var} belongs to {owner}, and {user_name(os.geteuid())} may not use it",
            f"run commands as that user: sudo -u {owner} tenggat ...",
        )
        return
    own, group = var.stat().st_uid, var.stat().st_gid
    strange = [(path, found.st_uid) for path, _, found in entries(var) if found.st_uid != own]
    if strange:
        path, other = strange[0]
        who = f"{user_name(own)}:{group_name(group)}"
        yield Finding(
            "trouble",
            f"{len(strange)} working files belong to {user_name(other)} and not to"
            f" {user_name(own)}, the first is {path}; the service may be unable to open them",
            f"chown -R {who} {var}",
        )


def _others(folder: Path) -> int:
    """Return the rights of other users on a folder: neither its owner nor its group; 0: none."""
    try:
        return folder.stat().st_mode & 0o007
    except OSError:
        return 0


def _reachable(folder: Path) -> bool:
    """Check whether other users may pass all folders above this one."""
    return all(_others(parent) & 0o001 for parent in folder.parents)


def _kept(site: Site) -> Iterator[Path]:
    try:
        url = make_url(site.database_url)
    except ArgumentError:
        return
    if url.get_backend_name() == "sqlite" and url.database:
        yield Path(url.database)
    yield from sorted(site.backups.glob("*"))[:1]
    yield from sorted(site.folder.glob("*.env"))
    yield site.var / "prefect" / "login"
