"""The row of the installation in the database, and the refusal of every other one.

Two installations on one database would send each mail from two places, and a copy of the working
files would send what the first installation sends as well.
"""

from __future__ import annotations

import secrets
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

from sqlalchemy import delete, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session, make_transient

from db.engine import NotReady
from db.installation.identity import MARKER, Location, here, read_key, write_key
from db.lives import MessageStatus, statuses_before
from db.models import InstallationRow, MessageRow, Restore
from db.private_dirs import make_private

LEFT = "left"
"""The key in a database that was copied to another one; no working files have it."""

UNFINISHED = "unfinished"
"""The key in a copy until the other database is marked as left; no working files have it."""


COPY_MARKS = (LEFT, UNFINISHED)
"""The keys with which a database belongs to no working files."""


def recorded(session: Session) -> InstallationRow | None:
    """Return the installation that the database belongs to; None if none has used it yet."""
    return session.scalar(select(InstallationRow))


def copy_mark(session: Session) -> InstallationRow | None:
    """Return the mark of a copy: this database was left for another, or is unfinished itself."""
    row = recorded(session)
    return row if row is not None and row.key in COPY_MARKS else None


def claim(session: Session, var: Path, now: datetime) -> None:
    """Check that the database belongs to this installation; one without owner becomes its own.

    A database is without owner before its first use and after a restore. Then the key of an earlier
    database in the working files does not count.

    Raises :class:`db.engine.NotReady` if the database belongs to another installation.
    """
    make_private(var)
    at = here(var)
    row = recorded(session)
    if row is None:
        key = secrets.token_hex(16)
        on_sqlite = session.get_bind().dialect.name == "sqlite"
        made = (sqlite.insert if on_sqlite else postgresql.insert)(InstallationRow)
        values = {"id": 1, "key": key, "since": now, **asdict(at)}
        session.execute(made.values(values).on_conflict_do_nothing())  # another one was faster
        row = recorded(session)
        assert row is not None
        if row.key == key:
            write_key(var, key)
    key = read_key(var)
    if not belongs(row, at, key):
        raise NotReady(refusal(row, at))
    if key != row.key:
        write_key(var, row.key)


def belongs(row: InstallationRow, at: Location, key: str) -> bool:
    """Check whether these working files are those of the installation.

    They are if machine and path are the same. If the machine is unknown, as in a container, the key
    must not differ; it may be missing. A folder that was moved has the same key and inode.
    """
    if row.key in COPY_MARKS:
        return False
    unknown = not row.machine or not at.machine
    if not unknown and row.machine != at.machine:
        return False
    if row.path == at.path:
        return not unknown or key in ("", row.key)
    return key == row.key and row.folder == at.folder != ""


def refusal(row: InstallationRow, at: Location) -> str:
    """Return the reason why nothing runs here, with the remedy."""
    remedy = (
        "Nothing is decided or sent here. If the other one has ended, and this one goes on in its"
        " place: `tenggat adopt`"
    )
    if row.key in COPY_MARKS:
        return copy_refusal(row)
    if row.path == at.path and not (row.machine and at.machine):
        return (
            f"the database belongs to another installation, on {row.host} in {row.path}; its key"
            f" is not the one in the file `{MARKER}` there on {at.host}. {remedy}"
        )
    return (
        f"the database belongs to the installation on {row.host} in {row.path}; this is {at.host},"
        f" {at.path}. {remedy}"
    )


def copy_refusal(mark: InstallationRow) -> str:
    """Return the reason why a database with this mark of a copy is not used, with the remedy."""
    if mark.key == LEFT:
        return (
            f"this database was copied to {mark.path} and is left since then. Let"
            " TENGGAT_DATABASE_URL (or [database] in site.toml) name the new one, also in this"
            " shell. To go back to this one on purpose: `tenggat adopt`"
        )
    return (
        f"the copy of {mark.path} to this database did not come to its end. Nothing is decided"
        " or sent here. Let TENGGAT_DATABASE_URL (or [database] in site.toml) name the old one"
        " again, and run `tenggat database copy` once more"
    )


def take_over(session: Session, var: Path, now: datetime, reason: str) -> InstallationRow | None:
    """Let the database belong to this installation from now on; return the one before.

    As after a restore (`reason` is recorded in its place), all unsent mails are held: the other
    installation may have sent them.
    """
    before = recorded(session)
    if before is not None:
        session.expunge(before)
    session.execute(delete(InstallationRow))
    key = secrets.token_hex(16)
    session.add(InstallationRow(id=1, key=key, since=now, **asdict(here(var))))
    unsent = MessageRow.status.in_(statuses_before(MessageStatus.HELD))
    held = {"status": MessageStatus.HELD, "claim": None, "claimed_at": None}
    session.execute(update(MessageRow).where(unsent).values(held))
    session.add(Restore(restored_at=now, backup=reason[:255], settled_at=now))
    session.flush()
    write_key(var, key)
    return before


def leave(session: Session, new: str, now: datetime) -> None:
    """Let the database belong to nobody but one who adopts it: the site goes on in `new`.

    `new` names the new database, without its user and password.
    """
    _mark(session, LEFT, new, now)


def begin_copy(session: Session, old: str, now: datetime) -> InstallationRow | None:
    """Let a copy of the database `old` belong to no installation until the old one is left.

    Return the row of the installation for :func:`end_copy`.
    """
    before = recorded(session)
    if before is not None:
        session.expunge(before)
    _mark(session, UNFINISHED, old, now)
    return before


def end_copy(session: Session, owner: InstallationRow | None) -> None:
    """Let a copy belong to the installation of the database that was left; None if it is not known,
    and then the next run decides.
    """
    session.execute(delete(InstallationRow))
    if owner is not None:
        make_transient(owner)
        session.add(owner)


def _mark(session: Session, key: str, other: str, now: datetime) -> None:
    session.execute(delete(InstallationRow))
    nobody = {"machine": "", "host": "", "path": other, "folder": ""}
    session.add(InstallationRow(id=1, key=key, since=now, **nobody))
    session.flush()


def release(session: Session) -> None:
    """Let the database belong to nobody, until the next run. The mark of a copy stays."""
    if copy_mark(session) is None:
        session.execute(delete(InstallationRow))
