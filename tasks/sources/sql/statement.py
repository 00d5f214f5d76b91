"""The statement that asks a database the query of a source."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from sqlalchemy import Connection, TextClause, bindparam, text
from sqlalchemy.types import NullType

from settings.sources import SqlSource
from settings.sql_check import with_colons_kept
from tasks.sources.sql.conversion import parameter


def statement(
    connection: Connection,
    source: SqlSource,
    since: object,
    wrapped: str = "",
    **values: object,
) -> TextClause:
    """Return the query of a source, with `since` as the value of its cursor.

    `wrapped` is a SELECT around the query, which stands for `{query}`; its parameters are `values`.
    """
    query = with_colons_kept(source.query)
    if wrapped:
        query = wrapped.format(query=f"(\n{query}\n) AS tenggat")
    given = dict(values)
    if source.cursor:
        given["since"] = parameter(since, connection.dialect.name, ZoneInfo(source.zone))
    bound = (bindparam(name, value, type_=NullType()) for name, value in given.items())
    return text(query).bindparams(*bound)


def quoted(connection: Connection, column: str) -> str:
    """Return the name of a column for a template of `statement`."""
    name = connection.dialect.identifier_preparer.quote_identifier(column)
    return name.replace(":", r"\:").replace("{", "{{").replace("}", "}}")
