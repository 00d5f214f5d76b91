"""Records: parsed rows, what could not be read in them, and the events that they state."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from functools import cached_property, lru_cache

from db.models import QuestionRole
from db.quarantine import NOTE_REASONS, TORN_REASONS
from settings.mapping import StatusWord
from sla.events import Event, Kind
from sla.folding import folded
from sla.value_class import value_class


class RejectionReason(StrEnum):
    """The reason a row went to quarantine. The texts for people are in the templates.

    Only a row without a readable ticket or date of receipt, or a torn one, is rejected. Everything
    else that cannot be read is an open question about one field (:class:`UnmappedCell`).
    """

    TEXT_LINE = "text_line"
    SECRECY_LINE = "secrecy_line"
    MISSING_TICKET = "missing_ticket"
    DUPLICATE_TICKET = "duplicate_ticket"
    MISSING_DATE = "missing_date"
    BAD_DATE = "bad_date"
    IN_THE_FUTURE = "in_the_future"
    SHORT_ROW = "short_row"
    LONG_ROW = "long_row"
    TOO_LONG = "too_long"
    TORN_ROW = "torn_row"
    OTHER_TABLE = "other_table"
    UNDECODABLE = "undecodable"
    LONG_LINE = "long_line"
    NO_OBJECT = "no_object"
    REPEATED_KEY = "repeated_key"
    UNFORMATTED_DATE = "unformatted_date"
    TICKET_AS_NUMBER = "ticket_as_number"
    ERROR_CELL = "error_cell"


NOTES = frozenset(map(RejectionReason, NOTE_REASONS))
"""Reasons of a line of text outside the table, which is no complaint."""

MISALIGNED = frozenset(map(RejectionReason, TORN_REASONS))
"""Reasons that make the position of every cell uncertain: a name may be in any of them."""

FIRST_VALUE = "#first-value"
"""Suffix of the `source_field` of an event that keeps its first stated value."""

STATUS_FIELD, UNIT_FIELD = "status", "unit"
"""The fields of a complaint that depend on its status and on its unit, for open questions."""

RECEIVED = "received"
"""The `source_field` of the receipt, also if several columns state it."""

_RECEIPT_FIELD = f"{RECEIVED}/{Kind.RECEIVED}"


class RowError(ValueError):
    """A row that cannot be read: the reason, the column and the value in it."""

    def __init__(self, reason: RejectionReason, column: str = "", value: str = "") -> None:
        super().__init__(reason)
        self.reason, self.column, self.value = reason, column, value


@dataclass(frozen=True, slots=True)
class UnmappedCell:
    """A cell that the mapping cannot read, with the answer given for it, if any.

    `value` is the raw text. `source_field` is the field of the complaint that depends on it: a
    fact, or the source field of an event of the kind `kind` with the unit `unit`. An empty answer
    means that the cell counts as empty. `withheld` is stored and shown in the place of a value that
    may name the complainant, as in an anonymous or secret report. `planned` is the date in the
    cell, if its day is after the import.
    """

    role: QuestionRole
    column: str
    value: str
    source_field: str
    kind: str = ""
    answer: str | None = None
    unit: str | None = None
    withheld: str = ""
    planned: datetime | None = None

    @property
    def key(self) -> tuple[str, str]:
        """Return the identity of the question within the source: column and hash of the value."""
        return self.column, value_hash(self.value)


Answers = Mapping[tuple[str, str], str]
"""The answers given to questions of a source, by column and hash of the value."""


EMPTY_ANSWER = ""
"""The answer for a value that means an empty cell."""

CORRECT_ANSWER = "correct"
"""The answer for a date of receipt that is right although it is far from its neighbours."""


@value_class(frozen=True, slots=True)
class Step:
    """An event with a stated time, and its column.

    `only_day` means that the source states no time of day: `moment` is 00:00, or the receipt.
    Without `is_timed` the row shows the event, but states no time: `moment` is the first possible
    one, as a rule the receipt, and `until` the last possible one by the other steps, if any.
    """

    column: str
    kind: str
    moment: datetime
    unit: str | None
    only_day: bool = False
    is_timed: bool = True
    until: datetime | None = None

    @property
    def is_undated(self) -> bool:
        """Check whether the cell with the date of the event is empty, and may have one later."""
        return not self.is_timed and FIRST_VALUE not in self.column

    @property
    def place(self) -> str:
        """Return the field of an open question about its date."""
        return f"{self.column.removesuffix(FIRST_VALUE)}/{self.kind}"


@value_class(frozen=True)
class ComplaintRecord:
    """A parsed row. `title` is empty for anonymous and secret reports.

    `still_hidden` means that the row itself does not hide the report, but an earlier one did.

    `unmapped` has the cells that the mapping cannot read, also those with an answer.

    Only the exchange format fills `origin` and `history`: the other installation's source, and the
    events as recorded there.
    """

    ticket: str
    received: datetime
    classification: str | None
    category: str | None
    channel: str | None
    unit: str | None
    title: str | None
    anonymous: bool
    secret: bool
    promised_due: datetime | None
    status: StatusWord | None
    steps: tuple[Step, ...]
    status_at: datetime | None = None
    origin: str = ""
    history: tuple[Event, ...] = ()
    unmapped: tuple[UnmappedCell, ...] = ()
    text: str | None = None
    attachments: str | None = None
    reporter: str | None = None
    place: str | None = None
    rating: int | None = None
    receipt_text: str = ""
    """The date of receipt as written in the row, for a question about it."""
    row_hash: int | None = None
    """The content hash of the row itself, if the record differs from it by an added question."""
    still_hidden: bool = False

    @property
    def key(self) -> str:
        """Return the key of a complaint within its source: the ticket, with the origin if there is
        one.
        """
        return f"{self.origin}/{self.ticket}" if self.origin else self.ticket

    @cached_property
    def content_hash(self) -> int:
        """Return the content hash of the row: equal for two rows about one complaint with equal
        content.

        It is stored, so it must never change.
        """
        if self.row_hash is not None:
            return self.row_hash
        content = (
            f"{self.ticket}\x1f{self.received.timestamp()!s}\x1f{self.classification!s}\x1f"
            f"{self.category!s}\x1f{self.channel!s}\x1f{self.unit!s}\x1f{self.title!s}\x1f"
            f"{self.anonymous!s}\x1f{self.secret!s}\x1f{self.promised_due!s}\x1f"
            f"{self.status and self.status.word!s}\x1f{self.status_at!s}\x1f{self.text!s}\x1f"
            f"{self.attachments!s}\x1f{self.reporter!s}\x1f{self.place!s}\x1f{self.rating!s}"
        )  # `!s`, because `None` and flags take longer without it
        for step in self.steps:
            moment = step.moment.timestamp()
            content += f"\x1f{step.column}/{step.kind} {moment!s} {step.unit!s}"
            if step.is_undated:
                content += f" ?{step.until!s}"
        if self.origin or self.history:
            content += "\x1f".join(("", self.origin, *map(str, map(event_identity, self.history))))
        if self.still_hidden:
            content += "\x1fstill hidden"
        for cell in self.unmapped:
            if cell.answer is None:
                content += f"\x1f{cell.source_field} ?{folded(cell.value)}"
        digest = hashlib.blake2b(content.encode(), digest_size=8).digest()
        return int.from_bytes(digest, signed=True)


@dataclass(frozen=True, slots=True)
class Secrecy:
    """Whether a report is anonymous, and whether it is secret: each hides its title and texts."""

    anonymous: bool = False
    secret: bool = False

    def __bool__(self) -> bool:
        """Check whether the report is hidden."""
        return self.anonymous or self.secret


def kept_hidden(record: ComplaintRecord, before: Secrecy) -> ComplaintRecord:
    """Return the record of a report that an earlier row has hidden.

    A report stays hidden when its row does not hide it any more: a clerk may only have written
    another remark in the place of the request. A person must open it.
    """
    if not before or record.anonymous or record.secret:
        return record
    return replace(
        record,
        anonymous=before.anonymous,
        secret=before.secret,
        title=None,
        text=None,
        attachments=None,
        reporter=None,
        still_hidden=True,
    )


def has_undated(record: ComplaintRecord) -> bool:
    """Check whether a row names a unit without the date of its assignment."""
    return any(step.is_undated for step in record.steps)


def stated_events(record: ComplaintRecord, source: str, now: datetime) -> list[Event]:
    """Return the events with a time stated in the row; in the exchange format all of its events.

    In that format `source` is our name for a source of the other installation. The sources of its
    events get names of the same form.
    """
    if record.history:
        prefix = source.removesuffix(record.origin)
        return [
            replace(event, recorded_at=now, source=f"{prefix}{event.source}"[:128])
            for event in record.history
        ]
    receipt = Event(Kind.RECEIVED, record.received, now, source, source_field=_RECEIPT_FIELD)
    return [
        receipt,
        *[
            Event(
                step.kind,
                step.moment,
                now,
                source,
                unit=step.unit,
                source_field=f"{step.column}/{step.kind}",
            )
            for step in record.steps
        ],
    ]


def event_identity(event: Event) -> tuple[object, ...]:
    """Return the identity of an event: all of its content except the time of recording."""
    return (
        event.source,
        event.source_field,
        event.kind,
        event.latest,
        event.earliest,
        event.knowledge,
        event.unit,
        event.retracted,
    )


@lru_cache(maxsize=10_000)
def value_hash(text: str) -> str:
    """Return the hash that recognizes a value again, ignoring letter case and spaces."""
    return hashlib.sha256(folded(text).encode()).hexdigest()
