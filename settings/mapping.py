"""The meaning of each column and word of a source: the settings shared by all kinds of source."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field, model_validator

from settings.errors import Strict, Zone
from sla.error_text import did_you_mean
from sla.events import Kind
from sla.folding import folded

TERMINAL = frozenset({Kind.SETTLED, Kind.CLOSED, Kind.ARCHIVED, Kind.WITHDRAWN})

OFFICIAL_STEPS = {
    "verify": Kind.VERIFIED,
    "assign": Kind.ASSIGNED,
    "respond": Kind.RESPONDED,
    "follow-up": Kind.FOLLOW_UP_PUBLISHED,
    "settle": Kind.SETTLED,
    "close": Kind.CLOSED,
}
"""The steps that an official can state, each by the name of its command."""

EMPTY_SIGNS = (
    "n/a",
    "na",
    "n.a.",
    "nil",
    "null",
    "none",
    "nan",
    "nat",
    "(null)",
    "(kosong)",
    "nihil",
    "kosong",
    "belum",
    "belum ada",
    "blm",
    "tidak ada",
)
"""The words by which clerks and portals write 'nothing' in a cell."""

PUBLIC_WORDS = frozenset(
    {"publik", "terbuka", "umum", "biasa", "normal", "public", "not anonymous", "not secret"}
    | {
        f"{no}{link}{word}"
        for no in ("tidak", "tdk", "tak", "bukan", "bkn", "non")
        for link in (" ", "-", " perlu ", " bersifat ", " minta ")
        for word in ("anonim", "rahasia", "dirahasiakan")
    }
)
"""The words in the column `privacy` that always mean a report neither anonymous nor secret."""

Columns = str | tuple[str, ...]


def _known_event(value: str) -> str:
    if value not in set(Kind):
        raise ValueError(f"no event '{value}'{did_you_mean(value, Kind)}")
    return value


def _time_format(value: str) -> str:
    """Check that a format reads the whole date that it has written."""
    example = datetime(2026, 11, 24, tzinfo=UTC)
    try:
        known = datetime.strptime(example.strftime(value), value).date() == example.date()  # noqa: DTZ007
    except ValueError:
        known = False
    if not known:
        raise ValueError(f"'{value}' is no format of a time; write for example %d/%m/%Y %H:%M")
    return value


EventKind = Annotated[str, AfterValidator(_known_event)]

TimeFormat = Annotated[str, AfterValidator(_time_format)]


class Fields(Strict):
    """The columns of a complaint. `received` may have several columns (date and time).

    `text` is the text of the complaint, `attachments` the names of its files, `reporter` the name
    of the complainant. They are imported only if they are mapped, and never for an anonymous or
    secret report. They are stored for the officials who answer, and shown nowhere else.
    """

    ticket: str
    """The number of the complaint."""
    received: Columns
    """The time of receipt; several columns if date and time are separate."""
    classification: str | None = None
    """The kind of report."""
    category: str | None = None
    """The subject, in the categories of the source."""
    channel: str | None = None
    """The channel of receipt."""
    place: str | None = None
    """The place that the complaint concerns: district (kecamatan) or village."""
    rating: str | None = None
    """The rating of the reporter: a whole number from 1 to 5; any other text counts as none."""
    unit: str | None = None
    """The unit to which it is assigned; the directory must have the name or an alias."""
    privacy: Columns | None = None
    """Whether the report is anonymous or secret. Of several columns each can say so."""
    status: str | None = None
    """The present state. In a history, a row without the date of an end becomes a question if its
    state is an end or an unknown word."""
    remarks: Columns | None = None
    """Remarks about the progress, read if a file has the column. A row becomes a question if a
    remark says that it ended (`SELESAI per telp`), and a history has no date of the end, or the
    status of a snapshot is no end. A remark that asks for secrecy (`Rahasia`, `nama jangan
    disebut`) hides the report. Nothing else of a remark is read or stored."""
    end_dates: Columns | None = None
    """Dates of the end, read if a file has the column. In a snapshot, a row with such a date
    becomes a question if its status is no end. The date itself is not stored."""
    title: str | None = None
    """The title; it is never stored for an anonymous or secret report."""
    text: str | None = None
    """The text of the complaint."""
    attachments: str | None = None
    """The names of the attached files."""
    reporter: str | None = None
    """The name of the complainant."""
    promised_due: str | None = None
    """A due time promised by the source itself."""

    @property
    def personal(self) -> frozenset[str]:
        """Return the columns with personal data or possible names."""
        named = (self.title, self.text, self.attachments, self.reporter, *self.optional_columns)
        return frozenset(filter(None, named))

    @property
    def remark_columns(self) -> tuple[str, ...]:
        """Return the columns with remarks."""
        return (self.remarks,) if isinstance(self.remarks, str) else self.remarks or ()

    @property
    def privacy_columns(self) -> tuple[str, ...]:
        """Return the columns that say whether a report is anonymous or secret."""
        return (self.privacy,) if isinstance(self.privacy, str) else self.privacy or ()

    @property
    def end_date_columns(self) -> tuple[str, ...]:
        """Return the columns with dates of the end beside the status of a snapshot."""
        return (self.end_dates,) if isinstance(self.end_dates, str) else self.end_dates or ()

    @property
    def optional_columns(self) -> tuple[str, ...]:
        """Return the columns that a file may lack."""
        return (*self.remark_columns, *self.end_date_columns)


class EventColumn(Strict):
    """A column with the time of an event, and the column with its unit, if any.

    With `when`, the event counts only if other columns have these values, ignoring letter case; `*`
    means any text. With `first`, the first imported time is kept: a later time in the column is the
    time of a later change, not a correction (a note of Open311 has the time of the last update).

    An assignment in the column of the receipt has no day of its own: it happened between the
    receipt and the import that shows its unit. With `at_receipt` it happened at the receipt, as it
    does in a mailbox, where the address names the unit.
    """

    column: str
    """The column with the time."""
    kind: EventKind
    """The event at that time."""
    unit: str | None = None
    """The column with the unit of the event."""
    when: dict[str, str] = Field(default_factory=dict)
    """Import the event only if other columns have these values; `*` means any text."""
    first: bool = False
    """If true, the first imported time is kept and later times in the column are ignored."""
    at_receipt: bool = False
    """If true, each complaint is assigned when it is received, as in a mailbox. Otherwise an
    assignment in the column of the receipt has no day: it is between two imports."""

    @property
    def shows_itself(self) -> bool:
        """Check whether other columns show the event, also if the one with its time is empty."""
        return self.first and bool(self.when)


class StatusWord(Strict):
    """The meaning of a status word, for a source without history.

    `enter` are the events that have happened when a complaint first has this word. `leave` are the
    events that have happened when it then has another word. `earlier_by` is, per event, the number
    of working days before the source shows the word (LAPOR! closes a report by itself ten working
    days after the follow-up, so the settlement is that much older). `at` is the column with the
    time since when the word applies, if the source has one: the time is then exact, not an
    interval.
    """

    word: str
    """The status word, as spelled by the source; letter case is ignored."""
    enter: tuple[EventKind, ...] = ()
    """The events that have happened when a complaint first has this word."""
    leave: tuple[EventKind, ...] = ()
    """The events that have happened when the complaint then has another word."""
    earlier_by: dict[EventKind, int] = Field(default_factory=dict)
    """The number of working days by which an event is older than the word."""
    at: str | None = None
    """The column with the time since when the word applies."""

    @property
    def terminal(self) -> bool:
        """Check whether the word means the end of the case."""
        return bool(TERMINAL & set(self.enter))


@dataclass(frozen=True, slots=True)
class PrivacyMeaning:
    """The words of a column, folded, for anonymous, secret and other reports."""

    anonymous: frozenset[str]
    secret: frozenset[str]
    public: frozenset[str]

    def of_cell(self, text: str) -> tuple[bool, bool]:
        """Return whether a cell means an anonymous or a secret report; an unknown word means
        both.
        """
        words = {folded(word) for word in text.split("|")} - {""}
        anonymous, secret = bool(words & self.anonymous), bool(words & self.secret)
        if words - self.public and not (anonymous or secret):
            return True, True
        return anonymous, secret

    def knows(self, text: str) -> bool:
        """Check whether a cell has no word without a meaning."""
        words = {folded(word) for word in text.split("|")} - {""}
        return words <= self.anonymous | self.secret | self.public


class Values(Strict):
    """The meaning of the source's words in Tenggat; letter case and spaces are ignored.

    A word for the privacy may name its column: `Anonim: Ya` is the word `Ya` of the column `Anonim`
    only.
    """

    classification: dict[str, str] = Field(default_factory=dict)
    """The classification in Tenggat for each word of the source; an empty one means none."""
    anonymous: tuple[str, ...] = ("anonim", "anonymous")
    """The words in the column `privacy` for an anonymous report; `Anonim: Ya` is the word `Ya` in
    the column `Anonim` only."""
    secret: tuple[str, ...] = ("rahasia", "secret")
    """The words in the column `privacy` for a secret report."""
    public: tuple[str, ...] = ()
    """Further words in the column `privacy` for a report that is neither, besides `terbuka`,
    `biasa`, `tidak rahasia` and the like. A report with any other word counts as both."""
    unit: dict[str, str] = Field(default_factory=dict)
    """The ids of units.csv for names not in the directory."""

    def privacy_of(self, column: str) -> PrivacyMeaning:
        """Return the meaning of the words in a column `privacy`."""
        start = f"{folded(column)}: "

        def meant(words: Iterable[str]) -> frozenset[str]:
            found = [folded(word) for word in words]
            return frozenset([*found, *(word.removeprefix(start) for word in found)])

        return PrivacyMeaning(
            meant(self.anonymous), meant(self.secret), meant(self.public) | PUBLIC_WORDS
        )


class SourceMapping(Strict):
    """The conversion of the rows of a source to complaints and events.

    `shows` is `everything` if each import shows every complaint of the source. A complaint missing
    from it is then no longer shown: its deadlines become unknown. With `changes`, a complaint
    without a change may be missing.

    `expected` sets the days with a new file or answer; a day without one is reported. If nothing
    new has come for `silent_after_hours`, the administrator is notified (0: never), because a
    deadline cannot count as missed without a later import. If the share of rows in quarantine is
    larger than `max_bad_share`, the whole file or answer is rejected: the fault is then in all of
    it. `empty` lists the words by which the source writes an empty cell. `mask` replaces identity
    numbers, mobile numbers and mail addresses in stored titles.
    """

    kind: ClassVar[str]
    """The name of the class in `tasks.sources` that reads the source."""
    title: ClassVar[str]
    """The heading in the reference of the settings."""
    has_files: ClassVar[bool] = False
    """Whether the source is a folder of files, which a person may have edited."""
    stand_in: ClassVar[str] = ""
    """The column by which people find a row without a ticket; empty if there is none."""
    has_addresses: ClassVar[bool] = False
    """Whether units are named by mail addresses, separated by commas."""
    is_exchange: ClassVar[bool] = False
    """Whether another installation of Tenggat writes the source."""

    def files_in(self, site: Path) -> Path | None:
        """Return the folder with the files of the source; None for a source on a server."""
        return None

    def complete_by(self, name: str, other: SourceMapping) -> bool:
        """Let another source show steps of this one; return whether this kind allows it."""
        return False

    @property
    def states_by_reply(self) -> bool:
        """Check whether officials state steps of its complaints by an answer to a mail."""
        return False

    system: str | None = None
    """The original system of the data, for rules that ask for it: `sp4n-lapor`."""
    layout: Literal["snapshot", "history", "exchange"]
    """`snapshot`: the present state of each complaint. `history`: a column for each step.
    `exchange`: the output of `tenggat export`."""
    shows: Literal["everything", "changes"] | None = None
    """`everything`: each import shows every complaint. `changes`: only new and changed ones.
    Default: `everything` for a folder and for SQL without `cursor`, else `changes`."""
    zone: Zone
    """The time zone of times without one."""
    dates: tuple[TimeFormat, ...] = Field(min_length=1)
    """The formats of times; the first one that fits is used."""
    serial: bool = False
    """If true, a bare number in a date column is the serial number of a spreadsheet (46331.25); if
    false, it is refused as not formatted as a date."""
    fields: Fields
    """The columns of a complaint."""
    constants: dict[str, str] = Field(default_factory=dict)
    """Fixed values for all complaints: classification, category, channel, unit."""
    values: Values = Values()
    """The meaning of the source's words in Tenggat."""
    status: tuple[StatusWord, ...] = ()
    """The meaning of each status word. In a history only whether it is an end counts."""
    events: tuple[EventColumn, ...] = ()
    """The columns with times of events, for a history."""
    expected: Literal["", "daily", "working_days"] = ""
    """The days with a new file or answer; a day without one is reported."""
    max_minutes: int = Field(default=60, gt=0)
    """Stop reading the source after N minutes, so that the others do not wait; the next run
    continues."""
    silent_after_hours: int = Field(default=96, ge=0)
    """Notify the administrator after N hours without anything new; 0: never."""
    max_bad_share: float = Field(default=0.5, ge=0, le=1)
    """Reject the whole file if a larger share of its rows cannot be read."""
    max_cell: int = Field(20_000, gt=0)
    """The longest cell, in characters: a longer one is shortened. A row with a longer ticket or
    date of receipt is rejected."""
    suspicious_days: int = Field(default=90, ge=0)
    """Ask the administrator about a date of receipt that is more than N days away from those of the
    neighbouring rows; 0: never."""
    empty: tuple[str, ...] = EMPTY_SIGNS
    """The words that mean an empty cell, in every mapped column except free text. Cells with only
    punctuation, and dates with only zeros, are always empty. With `belum`, so is a text without a
    digit that begins with it, in a column with dates."""
    completes: str | None = None
    """The name of a mailbox: a row with the ticket or Message-ID of one of its complaints adds its
    events to that complaint, and is no complaint of its own. Only for the layout `history`."""
    mask: bool = True
    """If true, identity numbers, mobile numbers and mail addresses in titles are replaced."""

    @model_validator(mode="after")
    def _consistent(self) -> SourceMapping:
        if self.layout == "exchange":
            raise ValueError("only files in a folder can be of the layout `exchange`")
        if self.layout == "snapshot" and not (self.status and self.fields.status):
            raise ValueError("a snapshot needs `fields.status` and at least one [[status]]")
        if self.layout == "history" and not self.events:
            raise ValueError("a history needs at least one [[events]] column")
        self._check_shows()
        if self.completes and self.layout != "history":
            raise ValueError(
                "completes: only a source of the layout `history` can complete another"
            )
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

    def _check_shows(self) -> None:
        if self.shows == "everything" and self.only_changes:
            raise ValueError(f"shows: {self.only_changes}; remove the key or write `changes`")

    def folders(self, site: Path) -> tuple[Path, ...]:
        """Return the folders in which the source has files."""
        return ()

    def not_before(self, made: datetime) -> datetime:
        """Return the earliest possible time of a snapshot with the stated time `made`."""
        return made

    @property
    def only_changes(self) -> str:
        """Return the reason why an import cannot show every complaint; empty if it can."""
        return ""

    @property
    def completed_by(self) -> Mapping[str, SourceMapping]:
        """Return the sources that show further steps of these complaints, by name."""
        return {}

    @property
    def only_reminds(self) -> bool:
        """Check whether the source shows no later step and nobody else states them.

        Then a duty can be reminded of. After its deadline it is unknown, never missed.
        """
        return False

    @property
    def shows_everything(self) -> bool:
        """Check whether each import shows every complaint of the source."""
        return (self.shows or "everything") == "everything" and not self.only_changes

    @property
    def columns(self) -> tuple[str, ...]:
        """Return every column used by the mapping that a file must have."""
        fields = self.fields.model_dump(
            exclude_none=True, exclude={"remarks", "end_dates"}
        ).values()
        named = [
            name for field in fields for name in ([field] if isinstance(field, str) else field)
        ]
        for event in self.events:
            named += [event.column, *([event.unit] if event.unit else []), *event.when]
        named += [word.at for word in self.status if word.at]
        return tuple(dict.fromkeys(named))

    @property
    def titles(self) -> tuple[str, ...]:
        """Return every column that the mapping can read, also those that a file may lack."""
        return tuple(dict.fromkeys((*self.columns, *self.fields.optional_columns)))

    def has_no_day(self, event: EventColumn) -> bool:
        """Check whether an event is an assignment whose day no column has, only that of the receipt
        before it.
        """
        received = self.fields.received
        receipt = (received,) if isinstance(received, str) else received
        is_unit_shown = event.kind == Kind.ASSIGNED and event.unit is not None
        is_known = event.at_receipt or event.first or self.has_addresses
        is_history = self.layout == "history"
        return is_history and is_unit_shown and event.column in receipt and not is_known

    @property
    def unit_columns(self) -> frozenset[str]:
        """Return the columns with names of units."""
        named = (self.fields.unit, *(event.unit for event in self.events))
        return frozenset(filter(None, named))

    @property
    def date_columns(self) -> frozenset[str]:
        """Return the columns with dates."""
        received = self.fields.received
        named = [received] if isinstance(received, str) else [*received]
        named += [event.column for event in self.events]
        named += [word.at for word in self.status if word.at]
        if self.fields.promised_due:
            named.append(self.fields.promised_due)
        return frozenset(named)

    @property
    def sees(self) -> frozenset[str]:
        """Return the kinds of event visible in the source."""
        kinds = {"received", *(event.kind for event in self.events)}
        for word in self.status if self.layout == "snapshot" else ():
            kinds.update(word.enter, word.leave)
        if self.fields.unit or "unit" in self.constants:
            kinds.add(Kind.ASSIGNED)
            if self.layout == "snapshot":
                kinds.add(Kind.RETURNED)
        return frozenset(kinds)

    @property
    def shown_later(self) -> dict[str, int]:
        """Return the number of working days by which the source may show an event late, by kind."""
        later: dict[str, int] = {}
        for word in self.status if self.layout == "snapshot" else ():
            for kind, days in word.earlier_by.items():
                later[kind] = max(days, later.get(kind, 0))
        return later
