"""A query on another system's database as a source: read-only, streamed, with a cursor."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from typing import IO, Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, CursorResult, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError

from settings.sources import SqlSource
from sla.error_text import did_you_mean
from tasks.common.context import SiteContext
from tasks.common.dates import parse_datetime
from tasks.sources import cursor as sources_cursor
from tasks.sources.base import CheckResult, Extract, Row, Source, SourceError, Waiting
from tasks.sources.endpoint import Endpoint, check_endpoint, from_environment, no_url, not_set
from tasks.sources.registry import source_kind
from tasks.sources.sql.connection import FETCH, explained, reading
from tasks.sources.sql.conversion import KINDS, as_cursor, as_text
from tasks.sources.sql.errors import UnconvertibleError, cause, is_unconvertible
from tasks.sources.sql.failing_value import FailedQuery
from tasks.sources.sql.statement import quoted, statement

SPOOLED = 8 << 20
"""Bytes of rows kept in memory; more go to an unnamed temporary file."""


@source_kind("sql")
class SqlQuery(Source[SqlSource]):
    """A query on the database of another system."""

    def extracts(self, context: SiteContext, now: datetime) -> Iterator[Extract]:
        """Yield the query's rows added or changed since the last import.

        A deadline is called missed because an extract showed no end of the case. Half an extract
        must not count as one, so changes are imported as a whole or not at all. Only the first
        reading of a query with a cursor comes in parts of `batch` rows: no known complaint can have
        changed yet. The cursor of a part is the largest value with every row in this part or an
        earlier one. So a later failure loses nothing, however many rows have the same value; the
        next reading continues from there.

        Rows added after `now` are left to the next run and counted in `waiting`. Raises
        :class:`SourceError`, without a value of a row.
        """
        name, source = self.name, self.settings
        place = _Place.read(name, sources_cursor.position(context, name), source)
        try:
            with explained(name, source), reading(self.site.folder, name, source) as connection:
                yield from self._extracts(connection, place, now)
        except UnconvertibleError as error:
            failed = FailedQuery(
                site=self.site.folder,
                name=name,
                source=source,
                since=place.value,
                check_time=self.check_time,
            )
            where = failed.place() or error.where
            raise SourceError(": ".join(filter(None, (name, where, error.cause)))) from None

    def _extracts(self, connection: Connection, place: _Place, now: datetime) -> Iterator[Extract]:
        name, source = self.name, self.settings
        with _answer(connection, source, place.value) as result:
            answer = _QueryResult(result, name, source, now, self.check_time)
            if not source.cursor:
                yield from _everything(answer)
            elif place.filling:
                yield from _parts(answer, place.value)
            else:
                yield from _changes(answer, place.value)
            if answer.later:
                self.waiting.append(Waiting(f"{name}: {answer.later} later than this run"))

    def check(self, timeout: float) -> Iterator[CheckResult]:
        """Check whether a database listens at the address; a file of SQLite is not checked."""
        key = self.settings.url_variable
        address = from_environment(key)
        if not address:
            yield not_set(self.name, key)
            return
        try:
            url = make_url(address)
            endpoint = Endpoint(url.get_backend_name(), url.host, url.port)
        except (ValueError, ArgumentError):  # its text would repeat a part of the password
            yield no_url(self.name, key)
            return
        if endpoint.scheme != "sqlite":
            yield from check_endpoint(self.name, endpoint, key=key, timeout=timeout)


class _QueryResult:
    """The answer of the database: the mapped columns of each row as text, and its cursor.

    `check_time` is called for each row, and may raise an error.
    """

    def __init__(
        self,
        result: CursorResult[Any],
        name: str,
        source: SqlSource,
        now: datetime,
        check_time: Callable[[], None],
    ) -> None:
        self.name, self.source, self.now = name, source, now
        self._check_time = check_time
        self.zone = ZoneInfo(source.zone)
        self.header = source.columns
        self.later = 0
        self._result = result
        names = list(result.keys())
        for column in (*self.header, *([source.cursor] if source.cursor else [])):
            if column not in names:
                raise SourceError(
                    f"{name}: the query gives no column '{column}': correct the mapping or the"
                    f" query in sources.toml{did_you_mean(column, names)}"
                )
            if names.count(column) > 1:
                raise SourceError(
                    f"{name}: the query gives two columns '{column}'; name them with AS"
                )
        self._places = [names.index(column) for column in self.header]
        self._cursor = names.index(source.cursor) if source.cursor else None
        self._dated = [index for index, column in enumerate(self.header) if column in dated(source)]

    def rows(self) -> Iterator[tuple[object, Row]]:
        """Yield the cursor and the cells of each row, in the database's order."""
        number = 0
        try:
            for number, values in enumerate(self._result, start=1):
                self._check_time()
                cursor = None if self._cursor is None else as_cursor(values[self._cursor])
                yield cursor, (number, self._cells(number, values))
        except DBAPIError as error:
            if not is_unconvertible(error):
                raise
            where = f"one of the rows {number + 1} to {number + FETCH}"
            raise UnconvertibleError(cause(error, self.source), where) from None

    def _cells(self, number: int, values: Sequence[Any]) -> tuple[str, ...]:
        cells: list[str] = []
        try:
            for place in self._places:
                cells.append(as_text(values[place], self.zone))
        except (ValueError, OverflowError, TypeError):
            column = self.header[len(cells)]
            raise SourceError(
                f"{self.name}: row {number}, column '{column}': the value cannot be read; convert"
                " the column to text in the query"
            ) from None
        return tuple(cells)

    def is_later(self, row: Row) -> bool:
        """Check whether the row contains a time just after `now`."""
        _, cells = row
        for index in self._dated:
            moment = self._moment(cells[index])
            if moment is not None and self.now < moment <= self.now + sources_cursor.JUST_AFTER:
                return True
        return False

    def _moment(self, cell: str) -> datetime | None:
        if not cell:
            return None
        readers: list[Callable[[str], datetime]] = [datetime.fromisoformat]
        readers += [partial(parse_datetime, form=form) for form in self.source.dates]
        for read in readers:
            with suppress(ValueError, OverflowError):
                moment = read(cell)
                return moment if moment.tzinfo else moment.replace(tzinfo=self.zone)
        return None


def dated(source: SqlSource) -> set[str]:
    """Return the columns with a time of their own."""
    received = source.fields.received
    columns = {received} if isinstance(received, str) else set()
    return columns | {event.column for event in source.events}


class _KeptRows:
    """Rows that are read from the server before any of them is imported.

    The import is a transaction. The other parts of Tenggat must not wait for it as long as the
    server takes.
    """

    def __init__(self, file: IO[str]) -> None:
        self._file = file
        self.content = hashlib.sha256()

    @classmethod
    @contextmanager
    def temporary(cls) -> Iterator[_KeptRows]:
        """Keep rows for a block."""
        with tempfile.SpooledTemporaryFile(SPOOLED, "w+", encoding="utf-8") as file:
            yield cls(file)

    def add(self, row: Row) -> None:
        """Keep a row after the others."""
        line = json.dumps(row)
        self.content.update(line.encode())
        self._file.write(line + "\n")

    def rows(self) -> Iterator[Row]:
        """Yield the rows in order."""
        self._file.seek(0)
        return ((number, tuple(cells)) for number, cells in map(json.loads, self._file))


def _everything(answer: _QueryResult) -> Iterator[Extract]:
    """Yield all rows of a query without a cursor; they are never in memory at once."""
    with _KeptRows.temporary() as kept:
        for _, row in answer.rows():
            if answer.is_later(row):
                answer.later += 1
            else:
                kept.add(row)
        sha256 = sources_cursor.content_hash(answer.source.query, answer.now)
        name = f"{answer.name}: all rows"
        yield Extract(name, sha256, answer.now, answer.header, kept.rows())


def _parts(answer: _QueryResult, since: object) -> Iterator[Extract]:
    """Yield the first reading, `batch` rows at a time."""
    taken: list[Row] = []
    progress = _QueryProgress(since)

    def part(cursor: str) -> Extract:
        label = f"rows {taken[0][0]}-{taken[-1][0]}" if taken else "nothing new"
        sha256 = sources_cursor.content_hash(cursor, label, rows=taken)
        return Extract(f"{answer.name}: {label}", sha256, answer.now, answer.header, taken, cursor)

    for value, row in answer.rows():
        if not progress.reaches(value, answer.is_later(row)):
            answer.later += 1
            break
        if len(taken) == answer.source.batch:
            yield part(_Place(progress.whole, filling=True).written())
            taken = []
        taken.append(row)
    yield part(_Place(progress.end()).written())


def _changes(answer: _QueryResult, since: object) -> Iterator[Extract]:
    """Yield the changes as one extract: all are read before any of them is imported."""
    progress = _QueryProgress(since)
    with _KeptRows.temporary() as kept:
        for value, row in answer.rows():
            if not progress.reaches(value, answer.is_later(row)):
                answer.later += 1
                break
            kept.add(row)
        cursor = _Place(progress.end()).written()
        sha256 = sources_cursor.content_hash(cursor, kept.content.hexdigest())
        name = f"{answer.name}: changes"
        yield Extract(name, sha256, answer.now, answer.header, kept.rows(), cursor)


class _QueryProgress:
    """Progress through rows sorted by their cursor.

    `whole` is the last value with no row missing. `last` is the value of the last row.
    """

    def __init__(self, since: object) -> None:
        self.whole = self.last = since
        self._cut = False

    def reaches(self, value: object, is_later: bool) -> bool:
        """Advance to a row; returns False if this row and all later ones wait for the next run."""
        if value is not None and value != self.last:
            self.whole, self.last = self.last, value
        self._cut = is_later
        return not is_later

    def end(self) -> object:
        """Return the last value with no row missing, after the last row was read."""
        return self.whole if self._cut else self.last


@dataclass(frozen=True, slots=True)
class _Place:
    """The start of a reading: the value of `:since`; `filling` during the first reading."""

    value: object
    filling: bool = False

    @classmethod
    def read(cls, name: str, cursor: str | None, source: SqlSource) -> _Place:
        """Parse the stored position, or return the source's own start."""
        if cursor is None:
            return cls(source.first_cursor, filling=True)
        try:
            kind, written, filling = json.loads(cursor)
            return cls(KINDS[kind](written), filling)
        except (ValueError, KeyError, TypeError):
            raise SourceError(f"{name}: the position kept of it cannot be read") from None

    def written(self) -> str:
        """Format the position for storage, with its type: databases sort numbers unlike texts."""
        kind = type(self.value).__name__
        text = self.value.isoformat() if isinstance(self.value, date) else str(self.value)
        return json.dumps([kind if kind in KINDS else "str", text, self.filling])


@contextmanager
def _answer(
    connection: Connection, source: SqlSource, since: object
) -> Iterator[CursorResult[Any]]:
    """Run the query; its rows come in the order of the cursor, not in the query's own order."""
    wrapped = ""
    if source.cursor:
        column = quoted(connection, source.cursor)
        wrapped = f"SELECT * FROM {{query}} ORDER BY {column}"  # noqa: S608 - the administrator's own
    query = statement(connection, source, since, wrapped)
    result = connection.execute(query)
    try:
        yield result
    finally:
        with suppress(Exception):  # the connection may be gone
            result.close()
