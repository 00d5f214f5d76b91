"""Run Alembic on an engine of Tenggat."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sqlalchemy import (
    URL,
    Connection,
    Engine,
    NullPool,
    create_engine,
    inspect,
    text,
)
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.schema import CreateSchema

from db.engine import NotReady, one_state
from db.migrations.revisions import MIGRATIONS, newest_revision, revision

if TYPE_CHECKING:  # Alembic takes a tenth of a second to load: only where it is needed
    from alembic.config import Config


def alembic_config(engine: Engine) -> Config:
    """Return the configuration for Alembic's commands on this engine."""
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["engine"] = engine
    return config


def upgrade(engine: Engine) -> None:
    """Run all pending migrations of this database."""
    from alembic import command  # noqa: PLC0415

    command.upgrade(alembic_config(engine), "head")


def migrate(engine: Engine) -> None:
    """Apply all pending migrations; does nothing if the database is up to date.

    A separate schema named in the URL (`options=-csearch_path=...`) is created first. Raises
    :class:`NotReady` if it cannot be created, or if the user may not create tables.
    """
    _make_schema(engine.url)
    with one_state(engine) as connection:
        if revision(connection) == newest_revision():
            return
        missing = missing_right(connection)
    if missing is not None:
        raise NotReady("; ".join(missing))
    upgrade(engine)


def missing_right(connection: Connection) -> tuple[str, str] | None:
    """Return that the user of a PostgreSQL database may not create tables, and the remedy.

    From version 15 on only the owner of a database has this right, and who gets it from the owner.
    """
    if connection.dialect.name != "postgresql":
        return None
    path = str(connection.scalar(text("SHOW search_path")))
    schema = connection.scalar(text("SELECT current_schema()"))  # null without any right to it
    schema = schema or path.rpartition(",")[2].strip().strip('"')
    query = text(
        "SELECT has_schema_privilege(oid, 'CREATE') AND has_schema_privilege(oid, 'USAGE')"
        " FROM pg_namespace WHERE nspname = :schema"
    )
    if connection.scalar(query, {"schema": schema}) is not False:
        return None
    user = connection.scalar(text("SELECT current_user"))
    quote = connection.dialect.identifier_preparer.quote
    grant = f"GRANT USAGE, CREATE ON SCHEMA {quote(schema)} TO {quote(user)}"
    return (
        f"the user {user} may not create tables in the schema {schema} of the database",
        f"have the owner of the database run in it: {grant}",
    )


def _make_schema(url: URL) -> None:
    """Create the schema named in the URL, on a separate connection.

    On the same connection SQLAlchemy would remember the missing schema and never check again.
    """
    named = re.fullmatch(r"-csearch_path=(\w+)", str(url.query.get("options", "")))
    if named is None:
        return
    engine = create_engine(url, poolclass=NullPool, hide_parameters=True)
    with engine.begin() as connection:
        if not inspect(connection).has_schema(named[1]):
            try:
                connection.execute(CreateSchema(named[1], if_not_exists=True))
            except ProgrammingError as error:  # the database user lacks this right
                raise NotReady(
                    f"the schema {named[1]} is not there and cannot be made"
                    f" ({str(error.orig).partition(chr(10))[0]}); have the owner of the database"
                    f" run: CREATE SCHEMA {named[1]} AUTHORIZATION {url.username}"
                ) from None
