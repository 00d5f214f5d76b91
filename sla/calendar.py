"""Which days count: the working calendar of a site, once, over arrays of days.

A day is the proleptic Gregorian ordinal of :meth:`datetime.date.toordinal`, so that a million
due dates are one gather from an array. Days that do not count know why (weekend or holiday by
name), because a due date must be explained day by day.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

import holidays
import numpy as np
from numpy.typing import NDArray

Days = NDArray[np.int64]

MONDAY_TO_FRIDAY = (True, True, True, True, True, False, False)

ESTIMATE_MARKS = ("(perkiraan)", "(estimated)")
"""What the package `holidays` appends to a date that is not yet decreed."""


class OutsideCalendar(ValueError):
    """A day lies before the first or after the last day that the calendar knows."""


@dataclass(frozen=True, slots=True)
class DayOff:
    """A day on which nobody works although it is not a weekend.

    `name` is the holiday's name in the law's language, `basis` the decree that sets it,
    `estimate` tells that the date is expected and not yet decreed.
    """

    name: str
    basis: str = ""
    estimate: bool = False


class Calendar:
    """The counted days between two dates.

    `weekmask` says which of Monday to Sunday are worked; `days_off` are the holidays among
    them. `decreed_until` is the last day whose holidays are known from a decree: a due date
    after it is provisional.
    """

    def __init__(
        self,
        first: date,
        last: date,
        *,
        weekmask: Iterable[bool] = MONDAY_TO_FRIDAY,
        days_off: Mapping[date, DayOff] | None = None,
        decreed_until: date | None = None,
    ) -> None:
        if last < first:
            raise ValueError(f"a calendar cannot end ({last}) before it begins ({first})")
        self.first, self.last = first, last
        self.weekmask = tuple(weekmask)
        self.days_off = dict(days_off or {})
        self.decreed_until = decreed_until or last
        self._base = first.toordinal()
        ordinals = np.arange(self._base, last.toordinal() + 1, dtype=np.int64)
        # date.toordinal() % 7: Monday is 1, Sunday is 0.
        counted = np.array(self.weekmask, dtype=bool)[(ordinals - 1) % 7]
        for day in self.days_off:
            if first <= day <= last:
                counted[day.toordinal() - self._base] = False
        self._counted = counted
        self._until = np.cumsum(counted, dtype=np.int64)  # counted days up to and with this one
        self._nth = ordinals[counted]

    @classmethod
    def every_day(cls, first: date, last: date) -> Calendar:
        """The calendar by which calendar days (`hari`) are counted: all of them."""
        return cls(first, last, weekmask=(True,) * 7)

    def _index(self, day: Days) -> Days:
        index = np.asarray(day, dtype=np.int64) - self._base
        if index.size and (index.min() < 0 or index.max() >= self._counted.size):
            wrong = int(
                np.asarray(day).flat[int(np.argmax((index < 0) | (index >= self._counted.size)))]
            )
            raise OutsideCalendar(
                f"day {_name(wrong)} is outside the calendar of {self.first} to {self.last}"
            )
        return index

    def counts(self, day: date) -> bool:
        """Whether this day is a counted day."""
        return bool(self._counted[self._index(np.int64(day.toordinal()))])  # type: ignore[arg-type]

    def distance(self, after: Days, until: Days) -> Days:
        """Counted days in (after, until]; negative, those in (until, after], where it is before."""
        passed = self._until[self._index(until)] - self._until[self._index(after)]
        return np.asarray(passed, dtype=np.int64)

    def between(self, after: Days, until: Days) -> Days:
        """How many counted days lie in the half-open stretch (after, until]; never negative."""
        return np.asarray(np.maximum(self.distance(after, until), 0), dtype=np.int64)

    def advance(self, start: Days, length: Days) -> Days:
        """The `length`-th counted day after `start`; `start` itself where the length is 0."""
        length = np.asarray(length, dtype=np.int64)
        place = self._until[self._index(start)] + length - 1
        if place.size and place.max() >= self._nth.size:
            raise OutsideCalendar(f"the count runs past the calendar's last day, {self.last}")
        return np.where(length > 0, self._nth[np.maximum(place, 0)], start)

    def before(self, day: Days, length: int) -> Days:
        """The `length`-th counted day before `day` (which is not counted itself)."""
        place = self._until[self._index(np.asarray(day) - 1)] - length
        if place.size and place.min() < 0:
            raise OutsideCalendar(f"the count runs before the calendar's first day, {self.first}")
        return np.asarray(self._nth[place], dtype=np.int64)

    def why_not(self, day: date) -> DayOff | None:
        """Why a day does not count: the holiday, a nameless `DayOff` for a weekend, or None."""
        if day in self.days_off:
            return self.days_off[day]
        return None if self.counts(day) else DayOff("")

    def provisional(self, after: date, until: date) -> bool:
        """Whether a count of the days in (after, until] rests on holidays not yet decreed."""
        return until > self.decreed_until or any(
            after < day <= until for day, off in self.days_off.items() if off.estimate
        )

    def weekly(self, weekmask: Iterable[bool]) -> Calendar:
        """The same holidays in another week, for a unit that works on Saturdays, say."""
        return Calendar(
            self.first,
            self.last,
            weekmask=weekmask,
            days_off=self.days_off,
            decreed_until=self.decreed_until,
        )


def indonesian_days_off(years: Iterable[int]) -> dict[date, DayOff]:
    """National holidays and cuti bersama of these years, by the package `holidays`.

    Estimated dates ('perkiraan') are marked. Source: the joint decrees of three ministers
    (SKB) as carried by the package; a site's own file corrects them.
    """
    return country_days_off("ID", years, categories=("public", "government"), language="id")


def last_indonesian_decree(years: Iterable[int]) -> date | None:
    """The end of the last of these years whose cuti bersama the package `holidays` carries.

    The joint decree (SKB) sets national holidays and cuti bersama of a year together, so a year
    without cuti bersama has not been decreed.
    """
    joint = country_days_off("ID", years, categories=("government",), language="id")
    return date(max(joint).year, 12, 31) if joint else None


def country_days_off(
    country: str,
    years: Iterable[int],
    *,
    subdivision: str | None = None,
    categories: tuple[str, ...] = ("public",),
    language: str | None = None,
) -> dict[date, DayOff]:
    """The holidays of a country (ISO code) as the package `holidays` knows them."""
    return dict(_days_off(country, tuple(years), subdivision, categories, language))


@lru_cache(maxsize=64)
def _days_off(
    country: str,
    years: tuple[int, ...],
    subdivision: str | None,
    categories: tuple[str, ...],
    language: str | None,
) -> Mapping[date, DayOff]:
    """Those of `country_days_off`: they take half the time of reading a site, and never change."""
    found = holidays.country_holidays(
        country, subdiv=subdivision, years=years, categories=categories, language=language
    )
    days = {}
    for day, given in found.items():
        name = given
        for mark in ESTIMATE_MARKS:
            name = name.replace(mark, "").strip()
        days[day] = DayOff(name, estimate=name != given)
    return days


def with_corrections(
    days_off: Mapping[date, DayOff],
    *,
    add: Mapping[date, DayOff] | None = None,
    remove: Iterable[date] = (),
    rename: Mapping[date, DayOff] | None = None,
) -> dict[date, DayOff]:
    """The same holidays after a site's corrections; a removed or renamed day must exist.

    A renamed day is no longer an estimate: somebody has looked it up.
    """
    days = dict(days_off)
    for day in remove:
        if day not in days:
            raise ValueError(f"{day} cannot be removed: it is no holiday")
        del days[day]
    for day, off in (rename or {}).items():
        if day not in days:
            raise ValueError(f"{day} cannot be renamed: it is no holiday")
        days[day] = off
    days.update(add or {})
    return days


def _name(ordinal: int) -> str:
    try:
        return date.fromordinal(ordinal).isoformat()
    except ValueError:
        return f"number {ordinal}"
