"""Copying: a whole database into another one, also of the other kind, with every number kept.

This is how a site moves from SQLite to PostgreSQL. The copy is one transaction: all of it, read
back and found the same, or nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Row, Table, func, insert, inspect, make_url, select, text, update
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.orm import Session

from db import audit, postgres_dump
from db.chain import Verified, verify
from db.engine import migrate, open_engine, reading, revision
from db.models import AuditHead, Base
from db.postgres_dump import BY_ITSELF
from db.restoring import alone

AT_ONCE = 5_000
"""How many rows are held at once."""

FREE_WITHIN = 5
"""Seconds in which a database must be free of other writers."""


class CopyError(RuntimeError):
    """A database could not be copied; the message says why, and the new one has no row of it."""


@dataclass(frozen=True, slots=True)
class Copied:
    """What was copied: how many rows of each table, and what the audit says of itself."""

    rows: dict[str, int]
    audit: Verified


@dataclass(frozen=True, slots=True)
class _Content:
    """How many rows a table has, and a sum over all of them in which no order counts."""

    rows: int = 0
    digest: int = 0

    def plus(self, rows: list[Row[Any]]) -> _Content:
        more = sum(int.from_bytes(hashlib.sha256(repr(tuple(r)).encode()).digest()) for r in rows)
        return _Content(self.rows + len(rows), (self.digest + more) % 2**256)


def copy(
    old: str,
    new: str,
    now: datetime,
    by: audit.By,
    *,
    lock: Path,
    say: Callable[[str], None] = lambda text: None,
) -> Copied:
    """Copy all rows of the database at the URL `old` into the one at `new`, which must be empty.

    The new one is brought to the newest revision first; the old one must be there already, and is
    only read. Ids stay, so that ids which others have kept (in mails, in the audit) still hold, and
    PostgreSQL goes on counting after them. What was written is read back and compared, and the
    audit must say of itself what it said before; then a row of it tells of the copy. `lock` is held
    by a running service and, meanwhile, by this. `say` hears of each table that is done.

    Raises :class:`CopyError` and :class:`db.engine.NotReady`, with both as they were but for empty
    tables.
    """
    if make_url(old) == make_url(new):
        raise CopyError("the database to copy to is the one that the site uses; name another")
    with alone(lock), _still(old), reading(old) as source:
        engine = open_engine(new)
        try:
            with engine.connect() as target:
                _check_empty(target)
            migrate(engine)
            with Session(engine, info=audit.works(by)) as session, session.begin():
                done = _copy_all(source, session.connection(), say)
                was = done.audit.head
                audit.note(
                    session, audit.What.DATA_COPIED, now, "the database was copied from another",
                    rows=sum(done.rows.values()), head=str(was),
                )  # fmt: skip
        finally:
            engine.dispose()
    return done


@contextmanager
def _still(url: str) -> Iterator[None]:
    """Nobody writes to the old database meanwhile: that would be lost."""
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        if others := postgres_dump.others(postgres_dump.server(parsed)):
            raise CopyError(
                f"other connections to the database are open ({others}); end what works with it,"
                " on other machines too"
            )
        yield
        return
    if not (parsed.database and Path(parsed.database).is_file()):
        yield  # and `reading` says so
        return
    engine = open_engine(url, patience=FREE_WITHIN)
    try:
        with engine.connect() as connection:
            try:
                held = connection.begin()  # as a writer, see `open_engine`
            except OperationalError:
                raise CopyError(
                    f"another process works with {parsed.database}; end it first"
                ) from None
            with held:
                yield
    finally:
        engine.dispose()


def _check_empty(target: Connection) -> None:
    """Raise where anything stands that a copy would be mixed with."""
    there = set(inspect(target).get_table_names())
    ours = [table for table in Base.metadata.sorted_tables if table.name in there]
    if revision(target) is None and ours:
        raise CopyError(
            f"the database to copy to has a table `{ours[0].name}` of another program;"
            " name an empty database, or a schema under [database] in site.toml"
        )
    for table in ours:
        if table.name not in BY_ITSELF and target.execute(select(1).select_from(table)).first():
            raise CopyError(
                "the database to copy to holds something; name an empty one, or empty it first"
            )


def _copy_all(source: Connection, target: Connection, say: Callable[[str], None]) -> Copied:
    rows = {}
    for table in Base.metadata.sorted_tables:
        if table is AuditHead.__table__:
            continue
        given = _copy_table(source, target, table)
        if _read(target, table) != given:
            raise CopyError(f"{table.name} reads otherwise in the new database; nothing is copied")
        _count_on(target, table)
        rows[table.name] = given.rows
        if given.rows:
            say(f"{table.name}: {given.rows:,} rows")
    head = source.execute(select(AuditHead.seq, AuditHead.hash)).first()
    if head is not None and head.seq:  # 0 stands there already, and triggers let it only grow
        target.execute(update(AuditHead).values(seq=head.seq, hash=head.hash))
    before, after = verify(source), verify(target)
    if before != after:
        raise CopyError("the audit says otherwise of itself in the new database; nothing is copied")
    return Copied(rows, after)


def _batches(connection: Connection, table: Table) -> Iterator[list[Row[Any]]]:
    """All rows of a table by their key: what refers to a row of its own table comes after it."""
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
                f"{table.name}, rows {first} to {last}: the new database takes them not"
                f" ({postgres_dump.first_line(str(error.orig))}); nothing is copied"
            ) from None
        given = given.plus(rows)
    return given


def _read(connection: Connection, table: Table) -> _Content:
    found = _Content()
    for rows in _batches(connection, table):
        found = found.plus(rows)
    return found


def _count_on(target: Connection, table: Table) -> None:
    """Have PostgreSQL give new rows numbers that no copied one has; SQLite does by itself."""
    key = table.autoincrement_column
    if target.dialect.name != "postgresql" or key is None:
        return
    largest = target.scalar(select(func.max(key)))
    if largest is not None:
        target.execute(
            text("SELECT setval(pg_get_serial_sequence(:table, :key), :largest)"),
            {"table": table.name, "key": key.name, "largest": largest},
        )
