"""What templates are given: plain values, already in the reader's time zone and words' keys.

A view holds nothing that its reader may not see: the title of an anonymous or secret report is
not in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Told:
    """A role that was told of the same deadline before: how many times, and last when."""

    role: str
    times: int
    last: datetime


def told_by_role(tellings: Iterable[tuple[str, datetime]]) -> tuple[Told, ...]:
    """Each role once, in the order in which it was last told; two people at once count once."""
    moments: dict[str, set[datetime]] = {}
    for role, sent_at in tellings:
        moments.setdefault(role, set()).add(sent_at)
    found = [Told(role, len(times), max(times)) for role, times in moments.items()]
    return tuple(sorted(found, key=lambda told: told.last))


@dataclass(frozen=True, slots=True)
class Duty:
    """One deadline of a complaint in a mail.

    `working_days_left` is negative when late. `exact` tells that the due moment is promised to the
    second and is not a day's end. `uid` names the deadline for ever, for calendars.
    """

    rule: str
    citation: str
    to_be_confirmed: bool
    consequence: str
    due: datetime
    exact: bool
    working_days_left: int
    late: bool
    by_policy: bool
    told: tuple[Told, ...]
    uid: str = ""


@dataclass(frozen=True, slots=True)
class NoticeItem:
    """One complaint at one unit in a mail, with its deadlines, the most urgent first.

    `privacy` is '', 'anonymous' or 'secret'; `classification` is a key of the words.
    """

    ticket: str
    title: str
    category: str
    classification: str
    privacy: str
    unit: str
    received: datetime
    duties: tuple[Duty, ...]
    link: str

    @property
    def worst(self) -> Duty:
        """The deadline by which the complaint is ranked."""
        return self.duties[0]


@dataclass(frozen=True, slots=True)
class NoticeMail:
    """A mail to one recipient: the complaints that are late first, then those due.

    `late_count` and `coming_count` count all complaints, also those left out of the body. `copied`
    tells that the recipient gets it for information only (cc). `units` are the holders with how
    many complaints they have here and how many of those are late, the most late first; empty where
    there is only one.
    """

    site: str
    recipient: str
    role: str
    unit: str
    now: datetime
    late: tuple[NoticeItem, ...]
    coming: tuple[NoticeItem, ...]
    late_count: int
    coming_count: int
    administrator: str
    copied: bool = False
    units: tuple[tuple[str, int, int], ...] = ()

    @property
    def shown(self) -> int:
        """How many complaints the body lists."""
        return len(self.late) + len(self.coming)

    @property
    def not_shown(self) -> int:
        """How many complaints the body leaves out."""
        return self.late_count + self.coming_count - self.shown

    def cut(self, most: int) -> NoticeMail:
        """The same mail with at most this many complaints in its body, the first of them."""
        coming = self.coming[: max(0, most - len(self.late))]
        return replace(self, late=self.late[:most], coming=coming)

    @property
    def any_to_be_confirmed(self) -> bool:
        """Whether any rule shown is still to be confirmed by a legal officer."""
        return any(
            duty.to_be_confirmed for item in (*self.late, *self.coming) for duty in item.duties
        )


def by_unit(items: Iterable[NoticeItem]) -> tuple[tuple[str, int, int], ...]:
    """Each holder with its complaints and how many of them are late; empty where it is one."""
    counts: dict[str, tuple[int, int]] = {}
    for item in items:
        all_of_it, late = counts.get(item.unit, (0, 0))
        counts[item.unit] = (all_of_it + 1, late + item.worst.late)
    ranked = sorted(counts.items(), key=lambda entry: (-entry[1][1], -entry[1][0], entry[0]))
    return tuple((unit, *numbers) for unit, numbers in ranked) if len(ranked) > 1 else ()


@dataclass(frozen=True, slots=True)
class AlertMail:
    """A mail to the administrator when the pipeline needs a hand.

    `alert` is a key of the words (dead_message, hole, ...); `facts` are label-value pairs whose
    labels are keys of the words.
    """

    site: str
    recipient: str
    now: datetime
    alert: str
    facts: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Ill:
    """One thing that is not well, or is again: `kind` is a key of the words under `watch`.

    Of the facts `flow` is a key of the words, `since` is a moment, `day` a day, `link` an
    address in the Prefect UI; numbers are digits, and `n` chooses between one and several.
    """

    kind: str
    facts: Mapping[str, str]

    @property
    def link(self) -> str:
        """Where more is to be seen; empty where nowhere."""
        return self.facts.get("link", "")


@dataclass(frozen=True, slots=True)
class WatchMail:
    """A mail to the administrator about what the watch has found.

    `new` is told for the first time, `again` lasts since it was told, `well` is over.
    """

    site: str
    recipient: str
    now: datetime
    new: tuple[Ill, ...]
    again: tuple[Ill, ...]
    well: tuple[Ill, ...]


@dataclass(frozen=True, slots=True)
class OverrideRow:
    """A rule of a site's own that replaces one: its label, what it replaces, on what basis."""

    rule: str
    replaced: str
    basis: str


@dataclass(frozen=True, slots=True)
class RegulationRow:
    """A line of the method note: a text in force, what of it replaces other, or is unconfirmed."""

    citation: str
    title: str
    note: str
    rules_to_be_confirmed: tuple[str, ...]
    overrides: tuple[OverrideRow, ...] = ()
