"""Bulk inserts. SQLAlchemy's work for each value would take longer than the database itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import Table, func, select, text
from sqlalchemy.orm import Session

from db.models import UtcDateTime


def new_ids(session: Session, table: Table, count: int) -> Sequence[int]:
    """Return `count` ids, unused in a table and not available to other transactions."""
    if session.get_bind().dialect.name == "postgresql":
        query = text(
            "SELECT nextval(pg_get_serial_sequence(:table, 'id')) FROM generate_series(1, :count)"
        )
        return session.scalars(query, {"table": table.name, "count": count}).all()
    last = (
        session.scalar(select(func.max(table.c.id))) or 0
    )  # safe: this transaction is the only writer, see `open_engine`
    return range(last + 1, last + 1 + count)


def insert_rows(
    session: Session, table: Table, columns: Sequence[str], rows: Iterable[Sequence[Any]]
) -> None:
    """Insert rows in one call of the driver. Each row has one value for each of `columns`."""
    session.flush()
    connection = session.connection()
    mark = "?" if connection.dialect.paramstyle == "qmark" else "%s"
    names = ", ".join(connection.dialect.identifier_preparer.quote(name) for name in columns)
    places = ", ".join([mark] * len(columns))
    statement = f"INSERT INTO {table.name} ({names}) VALUES ({places})"  # noqa: S608
    moments = [n for n, name in enumerate(columns) if isinstance(table.c[name].type, UtcDateTime)]
    as_kept = _moment_for(connection.dialect.name)
    values = []
    for row in rows:
        kept = list(row)
        for place in moments:
            if (moment := kept[place]) is not None:
                kept[place] = as_kept(moment)
        values.append(tuple(kept))
    if values:
        connection.exec_driver_sql(statement, values)


def _moment_for(dialect: str) -> Callable[[datetime], object]:
    """Return the function to convert times for this database, with the result of `UtcDateTime`."""
    return _in_text if dialect == "sqlite" else UtcDateTime.in_utc


@lru_cache(maxsize=10_000)  # most rows of one import share a few times
def _in_text(moment: datetime) -> str:
    return UtcDateTime.in_utc(moment).replace(tzinfo=None).isoformat(" ", "microseconds")
