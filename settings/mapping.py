"""What each column and word of a source means: the part that all kinds of source share."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from settings.errors import Strict, Zone, nearest
from sla.events import Kind

TERMINAL = frozenset({Kind.SETTLED, Kind.CLOSED, Kind.ARCHIVED, Kind.WITHDRAWN})

Columns = str | tuple[str, ...]


def _known_event(value: str) -> str:
    if value not in set(Kind):
        raise ValueError(f"no event '{value}'{nearest(value, Kind)}")
    return value


def _time_format(value: str) -> str:
    example = datetime(2026, 11, 24, tzinfo=UTC)
    try:
        datetime.strptime(example.strftime(value), value)  # noqa: DTZ007
    except ValueError:
        raise ValueError(
            f"'{value}' is no format of a time; write for example %d/%m/%Y %H:%M"
        ) from None
    return value


EventKind = Annotated[str, AfterValidator(_known_event)]
TimeFormat = Annotated[str, AfterValidator(_time_format)]


class Fields(Strict):
    """Which column holds what; `received` may be spread over several columns (date and time).

    `text` is what the complaint says, `attachments` the names of what came with it, `reporter` the
    complainant's name. They are taken only where they are mapped, never of an anonymous or secret
    report; they are kept in the database for those who answer and shown nowhere.
    """

    ticket: str
    """The number of the complaint."""
    received: Columns
    """When it came in; several columns where day and hour stand apart."""
    classification: str | None = None
    """What kind of report it is."""
    category: str | None = None
    """What it is about, as the source sorts it."""
    channel: str | None = None
    """The way it came in."""
    unit: str | None = None
    """The unit that it is assigned to; the directory must know its name."""
    privacy: str | None = None
    """Whether it is anonymous or secret."""
    status: str | None = None
    """The present state, of a snapshot."""
    title: str | None = None
    """Its title; of an anonymous or secret report it is never kept."""
    text: str | None = None
    """What it says."""
    attachments: str | None = None
    """The names of what came with it."""
    reporter: str | None = None
    """The complainant's name."""
    promised_due: str | None = None
    """A due time that the source itself has promised."""

    @property
    def personal(self) -> frozenset[str]:
        """The columns whose content is a person's or may name one."""
        named = (self.title, self.text, self.attachments, self.reporter)
        return frozenset(filter(None, named))


class EventColumn(Strict):
    """A column that holds the time of an event, and the column that names its unit, if any.

    With `when` it does so only where other columns have these values, letter case aside; `*` is
    any text at all. A `first` one stands as it was first told: a later time in the column is that
    of a later change, and no correction (a note of Open311 bears the time of the last update).
    """

    column: str
    """The column with the time."""
    kind: EventKind
    """The event that happened then."""
    unit: str | None = None
    """The column that names the unit of the event."""
    when: dict[str, str] = Field(default_factory=dict)
    """Only where other columns have these values; `*` is any text."""
    first: bool = False
    """Whether the first time told stands, whatever the column says later."""


class StatusWord(Strict):
    """What a status word of a source without history tells.

    `enter` are the events that have happened when a complaint is first seen with this word,
    `leave` those when it is then seen with another. `earlier_by` gives for an event the working
    days that must have passed before the source shows the word (LAPOR! closes a report by itself
    ten working days after the follow-up, so the settlement is that much older). `at` is the column
    that tells since when the word holds, where the source has one: then nothing is left to observe.
    """

    word: str
    """The word, as the source writes it; letter case does not matter."""
    enter: tuple[EventKind, ...] = ()
    """Events that have happened when a complaint is first seen with it."""
    leave: tuple[EventKind, ...] = ()
    """Events that have happened when it is then seen with another."""
    earlier_by: dict[EventKind, int] = Field(default_factory=dict)
    """By how many working days an event is older than the word."""
    at: str | None = None
    """The column that tells since when the word holds."""

    @property
    def terminal(self) -> bool:
        """Whether the word says that the case has ended."""
        return bool(TERMINAL & set(self.enter))


class Values(Strict):
    """What the source's words mean in ours; letter case and spaces do not matter."""

    classification: dict[str, str] = Field(default_factory=dict)
    """Ours for each of the source's words."""
    anonymous: tuple[str, ...] = ("anonim", "anonymous")
    """Words of the column `privacy` that mean anonymous."""
    secret: tuple[str, ...] = ("rahasia", "secret")
    """Words that mean secret."""
    unit: dict[str, str] = Field(default_factory=dict)
    """Ids of directory.csv for names that it does not know."""


class Mapping(Strict):
    """How rows of a source become complaints and events.

    `expected` says on which days something new must come; a day without is reported. When nothing
    new has come for `silent_after_hours` the administrator is told (0: never): what a source does
    not show cannot be called late. More than `max_bad_share` rows in quarantine, and nothing of a
    file or an answer is taken: something is wrong with all of it. `mask` replaces identity
    numbers, mobile numbers and mail addresses in the titles that are kept.
    """

    system: str | None = None
    """The system that it is an export of, for rules that ask: `sp4n-lapor`."""
    layout: Literal["snapshot", "history", "exchange"]
    """`snapshot` shows the present state, `history` has a column for each step, `exchange` is what
    `tenggat export` writes."""
    zone: Zone
    """The zone of times that tell none."""
    dates: tuple[TimeFormat, ...] = Field(min_length=1)
    """How times are written; the first form that fits counts."""
    fields: Fields
    """Which column holds what."""
    constants: dict[str, str] = Field(default_factory=dict)
    """What is the same for all: classification, category, channel, unit."""
    values: Values = Values()
    """What the source's words mean in ours."""
    status: tuple[StatusWord, ...] = ()
    """What each status word tells, of a snapshot."""
    events: tuple[EventColumn, ...] = ()
    """The columns with times of events, of a history."""
    expected: Literal["", "daily", "working_days"] = ""
    """On which days something new must come; a day without is reported."""
    silent_after_hours: int = Field(default=96, ge=0)
    """After so long without anything new the administrator is told; 0: never."""
    max_bad_share: float = Field(default=0.5, ge=0, le=1)
    """With a larger share of rows that cannot be read nothing of a file is taken."""
    max_cell: int = Field(20_000, gt=0)
    """The longest cell that is taken, in characters."""
    mask: bool = True
    """Whether identity numbers, mobile numbers and mail addresses in titles are replaced."""

    @model_validator(mode="after")
    def _consistent(self) -> Mapping:
        if self.layout == "exchange":
            raise ValueError("only files in a folder can be of the layout `exchange`")
        if self.layout == "snapshot" and not (self.status and self.fields.status):
            raise ValueError("a snapshot needs `fields.status` and at least one [[status]]")
        if self.layout == "history" and not self.events:
            raise ValueError("a history needs at least one [[events]] column")
        unknown = [
            name
            for name in self.constants
            if name not in ("classification", "category", "channel", "unit")
        ]
        if unknown:
            raise ValueError(
                f"constants.{unknown[0]}: only classification, category, channel and unit"
                " can be constant"
            )
        return self

    def not_before(self, made: datetime) -> datetime:
        """The earliest moment at which what was observed at `made` can have been observed."""
        return made

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column that the mapping reads."""
        fields = self.fields.model_dump(exclude_none=True).values()
        named = [
            name for field in fields for name in ([field] if isinstance(field, str) else field)
        ]
        for event in self.events:
            named += [event.column, *([event.unit] if event.unit else []), *event.when]
        named += [word.at for word in self.status if word.at]
        return tuple(dict.fromkeys(named))

    @property
    def sees(self) -> frozenset[str]:
        """The kinds of event that the source can tell of."""
        kinds = {"received", *(event.kind for event in self.events)}
        for word in self.status:
            kinds.update(word.enter, word.leave)
        if self.fields.unit or "unit" in self.constants:
            kinds.add(Kind.ASSIGNED)
            if self.layout == "snapshot":
                kinds.add(Kind.RETURNED)
        return frozenset(kinds)

    @property
    def shown_later(self) -> dict[str, int]:
        """By how many working days the source may show an event late, by kind."""
        later: dict[str, int] = {}
        for word in self.status:
            for kind, days in word.earlier_by.items():
                later[kind] = max(days, later.get(kind, 0))
        return later
