"""The refusal to begin a new database in the place of one that is missing.

It is apart from :mod:`db.installation.record`, so that an idle run loads no dialect.
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import make_url

from db.engine import NotReady
from db.installation.identity import MARKER, read_key


def lost_database(url: str, var: Path) -> tuple[str, str] | None:
    """Return that a SQLite file is missing although the working files had a database, and what to
    do.

    A wrong name of the file must not begin a new, empty database in silence.
    """
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite" or not parsed.database or not read_key(var):
        return None
    if Path(parsed.database).exists():
        return None
    return (
        f"the database {parsed.database} is missing, and the working files in {var} had one",
        "if its name is wrong, correct [database] in site.toml or TENGGAT_DATABASE_URL; if the file"
        f" is lost, run `tenggat restore`; to begin with an empty one, delete {var / MARKER}",
    )


def refuse_lost_database(url: str, var: Path) -> None:
    """Raise :class:`db.engine.NotReady` for a :func:`lost_database`."""
    lost = lost_database(url, var)
    if lost is not None:
        raise NotReady("; ".join(lost))
