"""Many keys or rows in one statement.

SQLAlchemy's work for each value would take longer than the database itself.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from functools import lru_cache
from itertools import islice
from typing import Any, TypeVar

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Dialect,
    String,
    Table,
    Text,
    TypeDecorator,
    bindparam,
    text,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import InstrumentedAttribute, Session
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeEngine

from db.engine import COPY
from db.models import UtcDateTime

T = TypeVar("T")

BATCH = 500
"""Number of keys in a statement with a parameter for each: below the limit of every database."""

AT_ONCE = 5_000
"""Number of keys in a statement that takes them as one parameter."""


def chunked(items: Iterable[T], size: int = BATCH) -> Iterator[list[T]]:
    """Split the items into lists of at most `size`."""
    source = iter(items)
    while batch := list(islice(source, size)):
        yield batch


class _Keys(TypeDecorator[Sequence[Any]]):
    """The type of a parameter with many keys: an array, or on SQLite a JSON text."""

    impl = Text
    cache_ok = True

    def __init__(self, kind: TypeEngine[Any]) -> None:
        super().__init__()
        self.kind = kind

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Return the type of the database."""
        known: TypeEngine[Any] = ARRAY(self.kind) if dialect.name == "postgresql" else Text()
        return dialect.type_descriptor(known)

    def process_bind_param(self, value: Sequence[Any] | None, dialect: Dialect) -> Any:
        """Return the keys as the database takes them."""
        keys = list(value or ())
        return keys if dialect.name == "postgresql" else json.dumps(keys)


class _IsOneOf(FunctionElement[bool]):
    """The condition of :func:`is_one_of`.

    It has no type: SQLAlchemy would compare a truth value with 1, and then SQLite would not use the
    index of the column.
    """

    inherit_cache = True


@compiles(_IsOneOf)
def _in_json(element: _IsOneOf, compiler: SQLCompiler, **how: Any) -> str:
    column, keys = (compiler.process(each, **how) for each in element.clauses)
    return f"{column} IN (SELECT value FROM json_each({keys}))"  # noqa: S608


@compiles(_IsOneOf, "postgresql")
def _in_array(element: _IsOneOf, compiler: SQLCompiler, **how: Any) -> str:
    column, keys = (compiler.process(each, **how) for each in element.clauses)
    return f"{column} = ANY ({keys})"


def is_one_of(
    column: ColumnElement[T] | InstrumentedAttribute[T], keys: Sequence[T] | None = None
) -> ColumnElement[bool]:
    """Return the condition that a column has one of these keys, as one parameter of a statement.

    Without keys the statement gets them as its parameter `keys`. A statement with a parameter for
    each of many keys takes longer to prepare than to execute.
    """
    kind = _Keys(Text() if isinstance(column.type, String) else column.type)
    given = bindparam("keys", type_=kind) if keys is None else bindparam(None, keys, type_=kind)
    return _IsOneOf(column, given)


def new_ids(session: Session, table: Table, count: int) -> Sequence[int]:
    """Return `count` ids, unused in a table and not available to other transactions."""
    if session.get_bind().dialect.name == "postgresql":
        query = text(
            "SELECT nextval(pg_get_serial_sequence(:table, 'id')) FROM generate_series(1, :count)"
        )
        return session.scalars(query, {"table": table.name, "count": count}).all()
    # safe: this transaction is the only writer, see `open_engine`
    session.flush()
    newest = f"SELECT max(id) FROM {table.name}"  # noqa: S608
    last = session.connection().exec_driver_sql(newest).scalar() or 0
    return range(last + 1, last + 1 + count)


def insert_rows(
    session: Session, table: Table, columns: Sequence[str], rows: Iterable[Sequence[Any]]
) -> None:
    """Insert rows in one call of the driver. Each row has one value for each of `columns`.

    On PostgreSQL several rows are one COPY: it takes a third of the time of the same INSERTs.
    Defaults, foreign keys and triggers act as they do for an INSERT.
    """
    insert_stored(session, table, columns, as_stored(table, columns, rows))


def as_stored(
    table: Table, columns: Sequence[str], rows: Iterable[Sequence[Any]]
) -> list[tuple[Any, ...]]:
    """Return rows with their values as the driver of the database gets them."""
    by_column: list[Sequence[Any]] = list(zip(*rows, strict=True))
    if not by_column:
        return []
    for place, name in enumerate(columns):
        if isinstance(table.c[name].type, UtcDateTime):
            by_column[place] = _in_text(by_column[place])
    return list(zip(*by_column, strict=True))


def insert_stored(
    session: Session, table: Table, columns: Sequence[str], values: list[tuple[Any, ...]]
) -> None:
    """Insert rows that are :func:`as_stored`, as :func:`insert_rows` does."""
    session.flush()
    if not values:
        return
    connection = session.connection()
    names = ", ".join(connection.dialect.identifier_preparer.quote(name) for name in columns)
    on_sqlite = connection.dialect.name == "sqlite"
    if not on_sqlite and len(values) > 1:
        connection.exec_driver_sql(f"{COPY}{table.name} ({names}) FROM STDIN", values)
        return
    places = ", ".join(["?" if on_sqlite else "%s"] * len(columns))
    statement = f"INSERT INTO {table.name} ({names}) VALUES ({places})"  # noqa: S608
    connection.exec_driver_sql(statement, values)


def update_stored(
    session: Session, table: Table, columns: Sequence[str], values: list[tuple[Any, ...]]
) -> None:
    """Update rows in one call of the driver. Each row has its new values :func:`as_stored`, one for
    each of `columns`, and then its id.

    On PostgreSQL it is one statement for all rows: one for each row takes three times as long.
    """
    if not values:
        return
    connection = session.connection()
    quote = connection.dialect.identifier_preparer.quote
    if connection.dialect.name == "sqlite":
        changed = ", ".join(f"{quote(name)} = ?" for name in columns)
        statement = f"UPDATE {table.name} SET {changed} WHERE id = ?"  # noqa: S608
        connection.exec_driver_sql(statement, values)
        return
    names = [*columns, "id"]
    kinds = (table.c[name].type.compile(connection.dialect) for name in names)
    arrays = ", ".join(f"%s::{kind}[]" for kind in kinds)
    changed = ", ".join(f"{quote(name)} = new.{quote(name)}" for name in columns)
    statement = (
        f"UPDATE {table.name} SET {changed}"  # noqa: S608
        f" FROM unnest({arrays}) AS new ({', '.join(map(quote, names))})"
        f" WHERE {table.name}.id = new.id"
    )
    connection.exec_driver_sql(statement, tuple(map(list, zip(*values, strict=True))))


def _in_text(moments: Sequence[datetime | None]) -> Sequence[str | None]:
    """Return times as SQLite stores them by `UtcDateTime`; PostgreSQL reads them as UTC."""
    first = moments[0]
    if moments[-1] is first and moments.count(first) == len(moments):  # as the time of recording
        return [_text(first)] * len(moments)
    return list(map(_text, moments))


def _text(moment: datetime | None) -> str | None:
    """Return a time as `isoformat` does. Put together from parts it takes a third of the time."""
    if moment is None:
        return None
    moment = UtcDateTime.in_utc(moment)
    if moment.microsecond:
        return moment.isoformat(" ", "microseconds")[:-6]
    clock = _MINUTES[moment.hour][moment.minute] + _SECONDS[moment.second]
    return _day(moment.toordinal()) + clock


_MINUTES = [[f" {hour:02}:{minute:02}" for minute in range(60)] for hour in range(24)]
_SECONDS = [f":{second:02}.000000" for second in range(60)]


@lru_cache(maxsize=10_000)
def _day(ordinal: int) -> str:
    return date.fromordinal(ordinal).isoformat()
