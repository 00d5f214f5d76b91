"""Migration of a site's database to the newest revision, after a backup."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from alembic.util import CommandError
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from db.backup.archive import BackupError
from db.backup.create import backup
from db.engine import NotReady, database_reason, open_engine
from db.installation.lost_database import lost_database
from db.installation.record import claim
from db.migrate import migrate
from db.migrations.revisions import newest_revision, revision
from service.errors import ServiceError, Unready
from settings.site import Site


def claim_database(site: Site, now: datetime) -> None:
    """Let the migrated database belong to this installation if it belongs to none.

    Raises :class:`service.errors.ServiceError` if it belongs to another one, and `Unready` while it
    cannot be reached.
    """
    engine = open_engine(site.database_url)
    try:
        with Session(engine) as session, session.begin():
            claim(session, site.var, now)
    except OperationalError as error:
        reason = database_reason(error)
        raise Unready(f"the database of {site.name} does not answer: {reason}") from None
    except NotReady as error:
        raise ServiceError(f"{site.name}: {error}") from None
    finally:
        engine.dispose()


def prepare(site: Site, now: datetime, say: Callable[[str], None], *, copy: bool = True) -> None:
    """Apply the pending migrations; an existing database is backed up first.

    Raises :class:`service.errors.Unready` while the database cannot be reached. Raises
    `ServiceError` if it is missing, cannot be backed up, or is from a newer Tenggat; nothing is
    changed then.
    """
    lost = lost_database(site.database_url, site.var)
    if lost is not None:
        raise ServiceError(f"{site.name}: {'; '.join(lost)}")
    engine = open_engine(site.database_url)
    try:
        try:
            with engine.connect() as connection:
                found = revision(connection)
        except OperationalError as error:
            reason = database_reason(error)
            raise Unready(f"the database of {site.name} does not answer: {reason}") from None
        newest = newest_revision()
        if found == newest:
            return
        if found is not None and copy:
            try:
                path = backup(site.database_url, site.backups, now, "before-upgrade")
            except BackupError as error:
                raise ServiceError(
                    f"the database of {site.name} needs an upgrade, and no backup of it could be"
                    f" made: {error}; --no-backup upgrades it without one"
                ) from None
            say(f"{site.name}: backup before the upgrade: {path}")
        try:
            migrate(engine)
        except CommandError as error:
            raise ServiceError(
                f"the database of {site.name} is at revision {found}, which this Tenggat does not"
                f" know ({error}); was it used by a newer one?"
            ) from None
        except NotReady as error:
            raise ServiceError(f"{site.name}: {error}") from None
        say(f"{site.name}: database brought from {found or 'nothing'} to revision {newest}")
    finally:
        engine.dispose()
