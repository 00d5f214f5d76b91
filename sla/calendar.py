"""The working calendar of a site: which days count, computed once and used over arrays of days.

A day is the proleptic Gregorian ordinal of :meth:`datetime.date.toordinal`. A million due dates are
therefore one lookup in an array. For a day that does not count, the calendar knows the reason
(weekend, or the name of the holiday), because a due date must be explained day by day.

numpy and the package `holidays` are loaded by what counts days or asks for holidays: most runs find
nothing to do, and load neither. The days off of Indonesia are in a table for this reason.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache, cached_property, lru_cache
from importlib.metadata import version
from typing import TYPE_CHECKING, TypeAlias

from sla import indonesian_holidays

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Days: TypeAlias = NDArray[np.int64]
    AnyDays: TypeAlias = NDArray[np.integer]

MONDAY_TO_FRIDAY = (True, True, True, True, True, False, False)

ESTIMATE_MARKS = ("(perkiraan)", "(estimated)")
"""The package `holidays` appends one of these to the name of a date not yet set by a decree."""


class OutsideCalendar(ValueError):
    """A day is before the first or after the last day of the calendar."""


@dataclass(frozen=True, slots=True)
class DayOff:
    """A day off in addition to weekends.

    `name` is the name of the holiday in the language of the law. `basis` is the decree for it.
    `estimate` is true while the date is expected but no decree has set it.
    """

    name: str
    basis: str = ""
    estimate: bool = False


class Calendar:
    """A calendar for counting days between two dates.

    `weekmask` has a flag for each day from Monday to Sunday: true for a working day. `days_off` are
    the holidays. `decreed_until` is the last day with holidays known from a decree. A later due
    date is provisional.
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
        self._estimated = sorted(day for day, off in self.days_off.items() if off.estimate)
        self.decreed_until = decreed_until or last
        self._base = first.toordinal()
        self._size = last.toordinal() + 1 - self._base

    @classmethod
    @cache
    def every_day(cls, first: date, last: date) -> Calendar:
        """Return a calendar in which every day counts: for lengths in calendar days (`hari`).

        The sites of a process share it.
        """
        return cls(first, last, weekmask=(True,) * 7)

    @cached_property
    def _counted(self) -> NDArray[np.bool_]:
        """For each day of the calendar: whether it counts."""
        import numpy as np  # noqa: PLC0415

        # date.toordinal() % 7: Monday is 1, Sunday is 0.
        weekdays = (np.arange(self._base, self._base + self._size, dtype=np.int64) - 1) % 7
        counted = np.array(self.weekmask, dtype=bool)[weekdays]
        for day in self.days_off:
            if self.first <= day <= self.last:
                counted[day.toordinal() - self._base] = False
        return counted

    @cached_property
    def _until(self) -> Days:
        """For each day of the calendar: the number of counted days up to and with this one."""
        import numpy as np  # noqa: PLC0415

        return np.cumsum(self._counted, dtype=np.int64)

    @cached_property
    def _nth(self) -> Days:
        """The counted days, in order."""
        import numpy as np  # noqa: PLC0415

        return np.flatnonzero(self._counted).astype(np.int64) + self._base

    def _index(self, day: AnyDays) -> Days:
        import numpy as np  # noqa: PLC0415

        index = np.asarray(day, dtype=np.int64) - self._base
        if index.size and (index.min() < 0 or index.max() >= self._size):
            wrong = int(np.asarray(day).flat[int(np.argmax((index < 0) | (index >= self._size)))])
            self._place(wrong)  # raises the error
        return index

    def _place(self, day: int) -> int:
        """Return the index of one day; much faster than an array of one."""
        index = day - self._base
        if not 0 <= index < self._size:
            raise OutsideCalendar(
                f"day {_name(day)} is outside the calendar of {self.first} to {self.last}"
            )
        return index

    def counts(self, day: date) -> bool:
        """Check whether this day is counted."""
        return bool(self._counted[self._place(day.toordinal())])

    def distance(self, after: AnyDays, until: AnyDays) -> Days:
        """Return the number of counted days in (after, until].

        The number is negative if `until` is before `after`: then the days in (until, after] are
        counted. Raises :class:`OutsideCalendar` for a day outside the calendar.
        """
        passed: Days = self._until[self._index(until)] - self._until[self._index(after)]
        return passed

    def between(self, after: AnyDays, until: AnyDays) -> Days:
        """Return the number of counted days in the half-open interval (after, until]; never
        negative.
        """
        import numpy as np  # noqa: PLC0415

        return np.maximum(self.distance(after, until), 0)

    def advance(self, start: Days, length: Days) -> Days:
        """Return the `length`-th counted day after `start`, or `start` itself if the length is 0.

        Raises :class:`OutsideCalendar` if the count goes past the last day of the calendar.
        """
        import numpy as np  # noqa: PLC0415

        length = np.asarray(length, dtype=np.int64)
        place = self._until[self._index(start)] + length - 1
        if place.size and place.max() >= self._nth.size:
            raise OutsideCalendar(f"the count runs past the calendar's last day, {self.last}")
        return np.where(length > 0, self._nth[np.maximum(place, 0)], start)

    def before(self, day: Days, length: int) -> Days:
        """Return the `length`-th counted day before `day`; `day` itself is not counted.

        Raises :class:`OutsideCalendar` if the count goes back past the first day of the calendar.
        """
        place = self._until[self._index(day - 1)] - length
        if place.size and place.min() < 0:
            raise OutsideCalendar(f"the count runs before the calendar's first day, {self.first}")
        found: Days = self._nth[place]
        return found

    def day_after(self, day: int, length: int) -> int:
        """Return the `length`-th counted day after a day, as :meth:`advance` does for arrays."""
        place = int(self._until[self._place(day)]) + length - 1
        if place >= self._nth.size:
            raise OutsideCalendar(f"the count runs past the calendar's last day, {self.last}")
        return int(self._nth[place]) if length > 0 else day

    def day_before(self, day: int, length: int) -> int:
        """Return the `length`-th counted day before a day, as :meth:`before` does for arrays."""
        place = int(self._until[self._place(day - 1)]) - length
        if place < 0:
            raise OutsideCalendar(f"the count runs before the calendar's first day, {self.first}")
        return int(self._nth[place])

    def days_between(self, after: int, until: int) -> int:
        """Return the counted days in (after, until], as :meth:`distance` does for arrays."""
        return int(self._until[self._place(until)]) - int(self._until[self._place(after)])

    def why_not(self, day: date) -> DayOff | None:
        """Return the reason why a day does not count, or None if it counts.

        The reason is the holiday, or a `DayOff` without a name for a weekend.
        """
        if day in self.days_off:
            return self.days_off[day]
        return None if self.counts(day) else DayOff("")

    def provisional(self, after: date, until: date) -> bool:
        """Check whether a count of days in (after, until] depends on holidays not yet decreed."""
        if until > self.decreed_until:
            return True
        found = bisect_right(self._estimated, after)
        return found < len(self._estimated) and self._estimated[found] <= until

    def weekly(self, weekmask: Iterable[bool]) -> Calendar:
        """Return a calendar with the same holidays and another working week.

        For example for a unit with work on Saturdays.
        """
        return Calendar(
            self.first,
            self.last,
            weekmask=weekmask,
            days_off=self.days_off,
            decreed_until=self.decreed_until,
        )


def indonesian_days_off(years: Iterable[int]) -> dict[date, DayOff]:
    """Return the national holidays and the collective leave days (cuti bersama) of these years.

    Estimated dates ('perkiraan') are marked. Source: the joint decrees of three ministers (SKB), as
    included in the package `holidays`. The site's own file corrects them.
    """
    wanted = set(years)
    if _in_table(wanted):
        return {day: off for day, off in _table().items() if day.year in wanted}
    return country_days_off("ID", years, categories=("public", "government"), language="id")


def holiday_name(day: date, off: DayOff, locale: str) -> str:
    """Return the name of a day off in a language, if the package `holidays` has it.

    A name given by the site stays as it is.
    """
    own = indonesian_days_off([day.year]).get(day)
    if locale == "id" or own is None or own.name != off.name:
        return off.name
    kinds = ("public", "government")
    return country_days_off("ID", [day.year], categories=kinds, language="en_US")[day].name


def last_indonesian_decree(years: Iterable[int]) -> date | None:
    """Return 31 December of the last of these years with collective leave days in `holidays`.

    The joint decree (SKB) sets the national holidays and the collective leave days (cuti bersama)
    of a year together. A year without collective leave days has therefore not been decreed. None if
    no year has been decreed.
    """
    wanted = set(years)
    if _in_table(wanted):
        decreed = wanted & set(indonesian_holidays.JOINT_LEAVE_YEARS)
    else:
        joint = country_days_off("ID", years, categories=("government",), language="id")
        decreed = {day.year for day in joint}
    return date(max(decreed), 12, 31) if decreed else None


def _in_table(years: set[int]) -> bool:
    """Check whether the table has these years, and is of the installed version of the package."""
    table = indonesian_holidays
    return _installed_version() == table.VERSION and all(
        table.FIRST_YEAR <= year <= table.LAST_YEAR for year in years
    )


@cache
def _installed_version() -> str:
    """Return the version of the package `holidays` without loading it."""
    return version("holidays")


@cache
def _table() -> Mapping[date, DayOff]:
    """Return the table of the days off of Indonesia."""
    return {
        date.fromisoformat(day): DayOff(name, estimate=estimate)
        for day, name, estimate in indonesian_holidays.DAYS_OFF
    }


def country_days_off(
    country: str,
    years: Iterable[int],
    *,
    subdivision: str | None = None,
    categories: tuple[str, ...] = ("public",),
    language: str | None = None,
) -> dict[date, DayOff]:
    """Return the holidays of a country (ISO code), as listed in the package `holidays`."""
    return dict(asked_days_off(country, tuple(years), subdivision, categories, language))


@lru_cache(maxsize=64)
def asked_days_off(
    country: str,
    years: tuple[int, ...],
    subdivision: str | None,
    categories: tuple[str, ...],
    language: str | None,
) -> Mapping[date, DayOff]:
    """Ask the package `holidays`, once in a process: it takes longer than all else of a site."""
    import holidays  # noqa: PLC0415

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
    """Return the holidays after the corrections of a site.

    A renamed day is no longer an estimate, because a person has looked it up. Raises ValueError if
    a day to remove or to rename is not a holiday.
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
