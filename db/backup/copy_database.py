"""Copying: transfer a whole database to another one, also of another kind, with all ids kept.

This is the way to move a site from SQLite to PostgreSQL. The copy is a single transaction. It
commits only after all rows were read back and found identical; otherwise nothing is written.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import (
    Connection,
    Engine,
    Row,
    Table,
    delete,
    func,
    insert,
    inspect,
    make_url,
    select,
    text,
    update,
)
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.orm import Session

from db import audit
from db.audit_verify import AuditVerification, verify
from db.backup import pg_tools
from db.backup.pg_tools import BY_ITSELF
from db.backup.restore import exclusive_access
from db.engine import database_reason, open_engine, reading
from db.installation.record import LEFT, UNFINISHED, begin_copy, end_copy, leave, recorded
from db.migrate import migrate
from db.migrations.revisions import revision
from db.models import AuditHead, Base, InstallationRow

AT_ONCE = 5_000
"""Number of rows kept in memory at a time."""

FREE_WITHIN = 5
"""Time limit, in seconds, for the old database to become free of other writers."""


class CopyError(RuntimeError):
    """The database could not be copied. The message gives the reason.

    The new database then contains no row of the old one.
    """


@dataclass(frozen=True, slots=True)
class Copied:
    """Result of a copy: number of rows by table, and the verification of the audit chain."""

    rows: dict[str, int]
    audit: AuditVerification


@dataclass(frozen=True, slots=True)
class _Content:
    """Row count of a table, and a checksum over all rows independent of their order."""

    rows: int = 0
    digest: int = 0

    def plus(self, rows: list[Row[Any]]) -> _Content:
        more = sum(int.from_bytes(hashlib.sha256(repr(tuple(r)).encode()).digest()) for r in rows)
        return _Content(self.rows + len(rows), (self.digest + more) % 2**256)


def copy(
    old: str,
    new: str,
    now: datetime,
    by: audit.AuditActor,
    *,
    lock: Path,
    say: Callable[[str], None] = lambda text: None,
) -> Copied:
    """Copy all rows of the database at the URL `old` into the empty database at `new`.

    The new database is first migrated to the newest revision. The old one must already be there at
    that revision. It is only read, and in the end marked as left: runs on it are refused until it
    is adopted, because each database would send the waiting mails. Ids stay the same, so ids kept
    outside (in mails, in the audit log) remain valid; PostgreSQL continues its sequences after
    them.

    At no moment are both databases usable, even if this process is killed: runs on the copy are
    refused until the old one is left. If that was done already and only this last step is missing,
    a second call does it.

    All rows are read back and compared. The audit chain must give the same result as before; then
    an audit row records the copy. A running service keeps the file `lock` locked, and so does this
    function. `say` receives one line for each finished table.

    Raises :class:`CopyError`, also for a database that is left itself, and
    :class:`db.engine.NotReady`. Both databases are then unchanged,
    except for empty tables in the new one.
    """
    if make_url(old) == make_url(new):
        raise CopyError("the database to copy to is the one that the site uses; name another")
    with exclusive_access(lock):
        engine = open_engine(new)
        try:
            with _still(old) as locked, reading(old) as source:
                owner, done = None, _left_before(source, engine, new)
                if done is None:
                    owner, done = _copy_to(engine, source, _Copying(old, now, by, say))
                    if locked is not None:
                        with Session(locked) as session:
                            leave(session, _place(new), now)
            with Session(engine) as session, session.begin():
                end_copy(session, owner)
        finally:
            engine.dispose()
    return done


@dataclass(frozen=True, slots=True)
class _Copying:
    """The arguments of a copy."""

    old: str
    now: datetime
    by: audit.AuditActor
    say: Callable[[str], None]


def _copy_to(
    engine: Engine, source: Connection, call: _Copying
) -> tuple[InstallationRow | None, Copied]:
    """Copy all rows; return the installation that is to own the copy, and the result."""
    with _target(engine) as target:
        _check_empty(target)
    _check_not_left(source)
    migrate(engine)
    with Session(engine, info=audit.session_info(call.by)) as session, session.begin():
        done = _copy_all(source, session.connection(), call.say)
        audit.note(
            session,
            audit.AuditKind.DATA_COPIED,
            call.now,
            "the database was copied from another",
            rows=sum(done.rows.values()),
            head=str(done.audit.head),
        )
        return begin_copy(session, _place(call.old), call.now), done


def _left_before(source: Connection, engine: Engine, new: str) -> Copied | None:
    """Return the result of a copy to `new` that lacks only its last step; else None."""
    with Session(source) as session:
        left = recorded(session)
    if left is None or left.key != LEFT or left.path != _place(new):
        return None
    with _target(engine) as target:
        if not _is_unfinished(target):
            return None
        rows = {
            table.name: target.scalar(select(func.count()).select_from(table)) or 0
            for table in Base.metadata.sorted_tables
            if table is not AuditHead.__table__
        }
        return Copied(rows, verify(target))


def _is_unfinished(target: Connection) -> bool:
    """Check whether a database is a copy that did not come to its end."""
    if not inspect(target).has_table(InstallationRow.__tablename__):
        return False
    with Session(target) as session:
        row = recorded(session)
    return row is not None and row.key == UNFINISHED


@contextmanager
def _target(engine: Engine) -> Iterator[Connection]:
    """Connect to the new database. Its error must not blame the settings of the site."""
    try:
        connection = engine.connect()
    except OperationalError as error:
        raise CopyError(
            f"the database to copy to cannot be used ({database_reason(error)}); check"
            " TENGGAT_COPY_TO or --to"
        ) from None
    with connection:
        yield connection


def _check_not_left(source: Connection) -> None:
    """Raise :class:`CopyError` if the site already goes on in another database."""
    with Session(source) as session:
        row = recorded(session)
    if row is not None and row.key == LEFT:
        raise CopyError(
            f"this database was copied to {row.path} before and is left since then; to go back to"
            " it, run `tenggat adopt` first"
        )


def _place(url: str) -> str:
    """Return the place of a database, without user and password."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        return str(parsed.database)
    return f"{parsed.host or 'localhost'}/{parsed.database}"


@contextmanager
def _still(url: str) -> Iterator[Connection | None]:
    """Prevent other processes from writing to the old database: their changes would be lost.

    Yield a connection to it with an open transaction; None if the database is missing.

    Raises :class:`CopyError` if another process uses it.
    """
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        if others := pg_tools.others(pg_tools.server(parsed)):
            raise CopyError(
                f"other connections to the database are open ({others});"
                " stop all programs that use it, on other machines too"
            )
        engine = open_engine(url)
        try:
            with engine.begin() as connection:
                yield connection
        finally:
            engine.dispose()
        return
    if not (parsed.database and Path(parsed.database).is_file()):
        yield None  # `reading` raises the error for a missing database
        return
    engine = open_engine(url, patience=FREE_WITHIN)
    try:
        with engine.connect() as connection:
            try:
                transaction = connection.begin()  # takes the write lock, see `open_engine`
            except OperationalError:
                raise CopyError(f"another process uses {parsed.database}; stop it first") from None
            with transaction:
                yield connection
    finally:
        engine.dispose()


def _check_empty(target: Connection) -> None:
    """Raise :class:`CopyError` if the new database already contains tables of others or rows."""
    there = set(inspect(target).get_table_names())
    ours = [table for table in Base.metadata.sorted_tables if table.name in there]
    if revision(target) is None and ours:
        raise CopyError(
            f"the database to copy to has a table `{ours[0].name}` of another program;"
            " name an empty database, or a schema under [database] in site.toml"
        )
    if _is_unfinished(target):
        raise CopyError(
            "an earlier copy to this database did not come to its end; name an empty one, or empty"
            " it first"
        )
    for table in ours:
        if table.name not in BY_ITSELF and target.execute(select(1).select_from(table)).first():
            raise CopyError(
                "the database to copy to is not empty; name an empty one, or empty it first"
            )


def _copy_all(source: Connection, target: Connection, say: Callable[[str], None]) -> Copied:
    rows = {}
    for table in Base.metadata.sorted_tables:
        if table is AuditHead.__table__:
            continue
        if table is InstallationRow.__table__:
            target.execute(delete(table))  # of a service that has already used the new database
        given = _copy_table(source, target, table)
        if _read(target, table) != given:
            raise CopyError(f"{table.name} differs in the new database; nothing is copied")
        _count_on(target, table)
        rows[table.name] = given.rows
        if given.rows:
            say(f"copied {table.name}: {given.rows:,} rows")
    head = source.execute(select(AuditHead.seq, AuditHead.hash)).first()
    if head is not None and head.seq:  # the row exists with seq 0; triggers only allow growth
        target.execute(update(AuditHead).values(seq=head.seq, hash=head.hash))
    before, after = verify(source), verify(target)
    if before != after:
        raise CopyError(
            "the audit chain verifies differently in the new database; nothing is copied"
        )
    return Copied(rows, after)


def _batches(connection: Connection, table: Table) -> Iterator[list[Row[Any]]]:
    """Yield all rows of a table ordered by primary key.

    A row that refers to another row of the same table therefore comes after it.
    """
    query = select(table).order_by(*table.primary_key.columns)
    found = connection.execute(query.execution_options(yield_per=AT_ONCE))
    return (list(rows) for rows in found.partitions())


def _copy_table(source: Connection, target: Connection, table: Table) -> _Content:
    given = _Content()
    for rows in _batches(source, table):
        try:
            target.execute(insert(table), [dict(row._mapping) for row in rows])
        except DBAPIError as error:
            keys = [tuple(row._mapping[key.name] for key in table.primary_key) for row in rows]
            first, last = (", ".join(map(str, keys[end])) for end in (0, -1))
            raise CopyError(
                f"{table.name}, rows {first} to {last}: the new database rejects them"
                f" ({pg_tools.without_program(str(error.orig))}); nothing is copied"
            ) from None
        given = given.plus(rows)
    return given


def _read(connection: Connection, table: Table) -> _Content:
    found = _Content()
    for rows in _batches(connection, table):
        found = found.plus(rows)
    return found


def _count_on(target: Connection, table: Table) -> None:
    """Set PostgreSQL's id sequence after the largest copied id. SQLite needs no such step."""
    key = table.autoincrement_column
    if target.dialect.name != "postgresql" or key is None:
        return
    largest = target.scalar(select(func.max(key)))
    if largest is not None:
        target.execute(
            text("SELECT setval(pg_get_serial_sequence(:table, :key), :largest)"),
            {"table": table.name, "key": key.name, "largest": largest},
        )
