"""Find the column and the complaint of a value that a database cannot convert.

The error of a database names neither. So the query runs again for each column alone, and then for
the rows before a place that is halved. Only counts and one ticket are read.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from settings.sources import SqlSource
from tasks.common.redaction import plain_ticket
from tasks.sources.base import SourceError
from tasks.sources.sql.connection import reading
from tasks.sources.sql.conversion import as_text
from tasks.sources.sql.errors import is_unconvertible
from tasks.sources.sql.statement import quoted, statement


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedQuery:
    """A query that ended because a value cannot be converted.

    `check_time` is called for each question to the database.
    """

    site: Path
    name: str
    source: SqlSource
    since: object
    check_time: Callable[[], None]

    def place(self) -> str:
        """Return the place of the first value that cannot be converted; empty if it is unknown.

        It is unknown if the database converts the value in a condition, or computes every column of
        each row.
        """
        try:
            columns = self._columns()
            failing = [column for column in columns if self._fails(column)]
            if not failing or failing == columns:
                return ""
            column = failing[0]
        except (SQLAlchemyError, SourceError):
            return ""
        ticket = "" if self.source.fields.ticket in failing else self._ticket(column)
        return f"column '{column}'" + (f", complaint {ticket}" if ticket else "")

    def _columns(self) -> list[str]:
        with reading(self.site, self.name, self.source) as connection:
            asked = "SELECT * FROM {query} LIMIT 0"
            return list(connection.execute(self._statement(connection, asked)).keys())

    def _fails(self, column: str, rows: str = "FROM {query}", **values: object) -> bool:
        """Check whether the value of a column cannot be converted in one of these rows."""
        try:
            self._first("SELECT count({column}) " + rows, column, **values)
        except DBAPIError as error:
            if not is_unconvertible(error):
                raise
            return True
        return False

    def _ticket(self, column: str) -> str:
        """Return the ticket of a row that fails; empty if the rows have another order each time."""
        ticket = self.source.fields.ticket
        part = "FROM (SELECT {column} FROM {query} LIMIT :most) AS part"
        try:
            good, bad = 0, int(self._first("SELECT count(*) FROM {query}"))
            while bad - good > 1:
                middle = (good + bad) // 2
                if self._fails(column, part, most=middle):
                    bad = middle
                else:
                    good = middle
            asked = "SELECT {column} FROM {query} LIMIT 1 OFFSET :place"
            value = self._first(asked, ticket, place=bad - 1)
            if not self._fails(column, "FROM {query} WHERE {ticket} = :ticket", ticket=value):
                return ""
        except (SQLAlchemyError, SourceError):
            return ""
        return plain_ticket(as_text(value, ZoneInfo(self.source.zone)))

    def _first(self, asked: str, column: str = "", **values: object) -> Any:
        """Return the first value of an answer; `{column}` stands for the name of a column."""
        self.check_time()
        with reading(self.site, self.name, self.source) as connection:
            names = {"column": column, "ticket": self.source.fields.ticket}
            for name, value in names.items():
                asked = asked.replace(f"{{{name}}}", quoted(connection, value))
            return connection.execute(self._statement(connection, asked, **values)).scalar()

    def _statement(self, connection: Any, asked: str, **values: object) -> Any:
        return statement(connection, self.source, self.since, asked, **values)
