"""`sources.toml`: where complaints come from, and what each column and word means."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, ValidationError, model_validator

from settings.errors import SettingsError, Strict, Zone, explained, nearest, read_toml
from sla.events import Kind

TERMINAL = frozenset({Kind.SETTLED, Kind.CLOSED, Kind.ARCHIVED, Kind.WITHDRAWN})

Columns = str | tuple[str, ...]


def _known_event(value: str) -> str:
    if value not in set(Kind):
        raise ValueError(f"no event '{value}'{nearest(value, Kind)}")
    return value


def _time_format(value: str) -> str:
    example = datetime(2026, 11, 24)  # noqa: DTZ001
    try:
        datetime.strptime(example.strftime(value), value)  # noqa: DTZ007
    except ValueError:
        raise ValueError(
            f"'{value}' is no format of a time; write for example %d/%m/%Y %H:%M"
        ) from None
    return value


EventKind = Annotated[str, AfterValidator(_known_event)]
TimeFormat = Annotated[str, AfterValidator(_time_format)]


class Observed(Strict):
    """Whence a file's own time is known: from its name, or from a cell of its preamble.

    With neither, it is the time at which the file was last written.
    """

    file_name: TimeFormat | None = None
    cell: str | None = None
    format: TimeFormat = "%Y-%m-%d"
    zone: Zone | None = None

    @property
    def needs_sheet(self) -> bool:
        """Whether a file must be read before it tells when it was made."""
        return self.cell is not None and self.file_name is None

    @property
    def by_day(self) -> bool:
        """Whether a file tells the day on which it was made and no hour."""
        told = self.file_name or (self.format if self.cell else "%H")
        return not any(hour in told for hour in ("%H", "%I", "%X", "%c"))


class Fields(Strict):
    """Which column holds what; `received` may be spread over several columns (date and time)."""

    ticket: str
    received: Columns
    classification: str | None = None
    category: str | None = None
    channel: str | None = None
    unit: str | None = None
    privacy: str | None = None
    status: str | None = None
    title: str | None = None
    promised_due: str | None = None


class EventColumn(Strict):
    """A column that holds the time of an event, and the column that names its unit, if any."""

    column: str
    kind: EventKind
    unit: str | None = None


class StatusWord(Strict):
    """What a status word of a source without history tells.

    `enter` are the events that have happened when a complaint is first seen with this word,
    `leave` those when it is then seen with another. `earlier_by` gives for an event the working
    days that must have passed before the source shows the word (LAPOR! closes a report by itself
    ten working days after the follow-up, so the settlement is that much older).
    """

    word: str
    enter: tuple[EventKind, ...] = ()
    leave: tuple[EventKind, ...] = ()
    earlier_by: dict[EventKind, int] = Field(default_factory=dict)

    @property
    def terminal(self) -> bool:
        """Whether the word says that the case has ended."""
        return bool(TERMINAL & set(self.enter))


class Values(Strict):
    """What the source's words mean in ours; letter case and spaces do not matter."""

    classification: dict[str, str] = Field(default_factory=dict)
    anonymous: tuple[str, ...] = ("anonim", "anonymous")
    secret: tuple[str, ...] = ("rahasia", "secret")
    unit: dict[str, str] = Field(default_factory=dict)


class Source(Strict):
    """One source: a folder of files in one layout.

    When it has brought nothing new for `silent_after_hours` the administrator is told (0: never):
    what it does not show cannot be called late.
    """

    type: Literal["folder"] = "folder"
    system: str | None = None
    folder: str
    folder_variable: str | None = None
    pattern: str = "*"
    layout: Literal["snapshot", "history"]
    zone: Zone
    header: str | None = None
    delimiter: str | None = None
    encodings: tuple[str, ...] = ("utf-8-sig", "cp1252")
    dates: tuple[TimeFormat, ...] = Field(min_length=1)
    observed: Observed = Observed()
    fields: Fields
    constants: dict[str, str] = Field(default_factory=dict)
    values: Values = Values()
    status: tuple[StatusWord, ...] = ()
    events: tuple[EventColumn, ...] = ()
    silent_after_hours: int = Field(default=96, ge=0)
    max_rows: int = Field(1_000_000, gt=0)
    max_cell: int = Field(20_000, gt=0)

    @model_validator(mode="after")
    def _consistent(self) -> Source:
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

    def place(self, site: Path) -> Path:
        """The folder of the files; a variable of the environment may name another."""
        variable = self.folder_variable
        return site / ((variable and os.environ.get(variable)) or self.folder)

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column that the mapping reads."""
        fields = self.fields.model_dump(exclude_none=True).values()
        named = [
            name for field in fields for name in ([field] if isinstance(field, str) else field)
        ]
        for event in self.events:
            named += [event.column] + ([event.unit] if event.unit else [])
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


def read_sources(path: Path) -> dict[str, Source]:
    """Read and check the mappings; raises :class:`SettingsError` with every mistake."""
    data = read_toml(path, "it says where complaints come from")
    sources: dict[str, Source] = {}
    mistakes: list[str] = []
    for name, table in data.items():
        try:
            sources[name] = Source.model_validate(table)
        except ValidationError as error:
            mistakes.append(explained(path, error, Source, (name,)))
    if mistakes:
        raise SettingsError("\n".join(mistakes))
    return sources
