"""A query on another system's database as a source: read only, streamed, going on by a cursor."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, CursorResult, bindparam, text
from sqlalchemy.types import NullType

from settings.errors import nearest
from settings.sources import SqlSource
from settings.statements import with_colons_kept
from tasks.feeds import resuming
from tasks.feeds.batch import Batch, Row, SourceTrouble
from tasks.feeds.sql.connection import explained, reading
from tasks.feeds.sql.values import KINDS, as_text, parameter
from tasks.months import read_time
from tasks.office import Office

SPOOLED = 8 << 20
"""How much of what has changed is held in memory; more goes to a file without a name."""


def batches(
    office: Office, name: str, source: SqlSource, now: datetime, waiting: list[str]
) -> Iterator[Batch]:
    """The rows of the query that are new or have changed since the last look.

    A deadline is called missed because the source was looked at and showed no end, so half a look
    must not count as one: what has changed is taken in as a whole or not at all. Only the first
    reading of a query with a cursor, when there is no complaint yet that could have changed, comes
    in parts of `batch` rows. A part's cursor is the largest value of which every row is in it or
    in a part before it, so that a failure later loses nothing, however many rows bear one value;
    the next reading goes on from there.

    Rows that came in after `now` are left to the next look and named in `waiting`. Raises
    :class:`SourceTrouble`, without a value of a row.
    """
    with explained(name, source), reading(office.site.folder, name, source) as connection:
        place = _Place.read(name, resuming.position(office, name), source)
        with _answer(connection, source, place.value) as result:
            answer = _Answer(result, name, source, now)
            if not source.cursor:
                yield from _everything(answer)
            elif place.filling:
                yield from _parts(answer, place.value)
            else:
                yield from _changes(answer, place.value)
            if answer.later:
                waiting.append(f"{name}: {answer.later} later than this run")


class _Answer:
    """What the database answers: the mapped columns of each row as text, and its cursor."""

    def __init__(
        self, result: CursorResult[Any], name: str, source: SqlSource, now: datetime
    ) -> None:
        self.name, self.source, self.now = name, source, now
        self.zone = ZoneInfo(source.zone)
        self.header = source.columns
        self.later = 0
        self._result = result
        names = list(result.keys())
        for column in (*self.header, *([source.cursor] if source.cursor else [])):
            if column not in names:
                raise SourceTrouble(
                    f"{name}: the query gives no column '{column}'{nearest(column, names)}."
                    " Correct the mapping or the query in sources.toml"
                )
            if names.count(column) > 1:
                raise SourceTrouble(
                    f"{name}: the query gives two columns '{column}'; name them with AS"
                )
        self._places = [names.index(column) for column in self.header]
        self._cursor = names.index(source.cursor) if source.cursor else None
        self._dated = [index for index, column in enumerate(self.header) if column in dated(source)]

    def rows(self) -> Iterator[tuple[object, Row]]:
        """The cursor and the cells of each row, in the database's order."""
        for number, values in enumerate(self._result, start=1):
            cells = tuple(as_text(values[place], self.zone) for place in self._places)
            yield (None if self._cursor is None else values[self._cursor]), (number, cells)

    def is_later(self, row: Row) -> bool:
        """Whether the row tells of a time just after `now`."""
        _, cells = row
        for index in self._dated:
            moment = self._moment(cells[index])
            if moment is not None and self.now < moment <= self.now + resuming.JUST_AFTER:
                return True
        return False

    def _moment(self, cell: str) -> datetime | None:
        if not cell:
            return None
        readers: list[Callable[[str], datetime]] = [datetime.fromisoformat]
        readers += [partial(read_time, form=form) for form in self.source.dates]
        for read in readers:
            with suppress(ValueError, OverflowError):
                moment = read(cell)
                return moment if moment.tzinfo else moment.replace(tzinfo=self.zone)
        return None


def dated(source: SqlSource) -> set[str]:
    """The columns that hold a time of their own."""
    received = source.fields.received
    columns = {received} if isinstance(received, str) else set()
    return columns | {event.column for event in source.events}


def _everything(answer: _Answer) -> Iterator[Batch]:
    """All rows of a query without a cursor, never held at once."""

    def rows() -> Iterator[Row]:
        with explained(answer.name, answer.source):
            for _, row in answer.rows():
                if answer.is_later(row):
                    answer.later += 1
                else:
                    yield row

    sha256 = resuming.mark(answer.source.query, answer.now)
    yield Batch(f"{answer.name}: all rows", sha256, answer.now, answer.header, rows())


def _parts(answer: _Answer, since: object) -> Iterator[Batch]:
    """The first reading, `batch` rows at a time."""
    taken: list[Row] = []
    progress = _Progress(since)

    def part(cursor: str) -> Batch:
        told = f"rows {taken[0][0]}-{taken[-1][0]}" if taken else "nothing new"
        sha256 = resuming.mark(cursor, told, rows=taken)
        return Batch(f"{answer.name}: {told}", sha256, answer.now, answer.header, taken, cursor)

    for value, row in answer.rows():
        if not progress.reaches(value, answer.is_later(row)):
            answer.later += 1
            break
        if len(taken) == answer.source.batch:
            yield part(_Place(progress.whole, filling=True).written())
            taken = []
        taken.append(row)
    yield part(_Place(progress.end()).written())


def _changes(answer: _Answer, since: object) -> Iterator[Batch]:
    """What has changed, as one look: it is read to its end before any of it is taken in."""
    progress = _Progress(since)
    content = hashlib.sha256()
    with tempfile.SpooledTemporaryFile(SPOOLED, "w+", encoding="utf-8") as kept:
        for value, row in answer.rows():
            if not progress.reaches(value, answer.is_later(row)):
                answer.later += 1
                break
            line = json.dumps(row)
            content.update(line.encode())
            kept.write(line + "\n")
        cursor = _Place(progress.end()).written()
        kept.seek(0)
        rows = ((number, tuple(cells)) for number, cells in map(json.loads, kept))
        sha256 = resuming.mark(cursor, content.hexdigest())
        yield Batch(f"{answer.name}: changes", sha256, answer.now, answer.header, rows, cursor)


class _Progress:
    """How far rows in the order of their cursor have come.

    `whole` is the last value of which no row is missing, `last` that of the last row.
    """

    def __init__(self, since: object) -> None:
        self.whole = self.last = since
        self._cut = False

    def reaches(self, value: object, is_later: bool) -> bool:
        """Go on to a row; False where it, and so all that follow, wait for the next look."""
        if value is not None and value != self.last:
            self.whole, self.last = self.last, value
        self._cut = is_later
        return not is_later

    def end(self) -> object:
        """The last value of which no row is missing, now that there is no further row."""
        return self.whole if self._cut else self.last


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a reading begins: `:since`, and whether the first reading has not come to its end."""

    value: object
    filling: bool = False

    @classmethod
    def read(cls, name: str, cursor: str | None, source: SqlSource) -> _Place:
        """From what is kept, or where the source begins."""
        if cursor is None:
            return cls(source.first_cursor, filling=True)
        try:
            kind, written, filling = json.loads(cursor)
            return cls(KINDS[kind](written), filling)
        except (ValueError, KeyError, TypeError):
            raise SourceTrouble(f"{name}: the position kept of it cannot be read") from None

    def written(self) -> str:
        """As it is kept, with its type: a database compares numbers unlike texts."""
        kind = type(self.value).__name__
        text = self.value.isoformat() if isinstance(self.value, date) else str(self.value)
        return json.dumps([kind if kind in KINDS else "str", text, self.filling])


@contextmanager
def _answer(
    connection: Connection, source: SqlSource, since: object
) -> Iterator[CursorResult[Any]]:
    """The running query. Its rows come in the order of the cursor, whatever order it asks for."""
    statement = with_colons_kept(source.query)
    if source.cursor:
        column = connection.dialect.identifier_preparer.quote_identifier(source.cursor)
        column = column.replace(":", r"\:")
        statement = f"SELECT * FROM (\n{statement}\n) AS tenggat ORDER BY {column}"  # noqa: S608 - the administrator's own
    query = text(statement)
    if source.cursor:
        value = parameter(since, connection.dialect.name, ZoneInfo(source.zone))
        query = query.bindparams(bindparam("since", value, type_=NullType()))
    result = connection.execute(query)
    try:
        yield result
    finally:
        with suppress(Exception):  # the connection may be gone
            result.close()
