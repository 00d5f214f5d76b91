"""Random mornings of a site: imports, outages, vacancies and dead addresses, for fair notice.

Each complaint is a request for information at Dinas Sosial with one open duty of five working days.
A test lives through the mornings, with the real database or with a model of the outbox, and writes
down in a :class:`Diary` what was found and what the mail server accepted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta

from conftest import WITA, wita
from hypothesis import strategies as st

from sla.calendar import Calendar
from sla.directory import OF_A_UNIT, Directory, Role
from sla.ladders import SUPERIORS

UNIT = "dinsos"
INFORMATION = "sp4n-guideline/information"
STARTS = (date(2026, 11, 16), date(2026, 12, 21), date(2027, 3, 1))
"""A Monday without holidays near, one before Christmas, and one before Lebaran (8-15 March)."""

DISTANCES = {"plus-3": 3, "plus-7": 7, "plus-14": 14}
"""The working days that the ladder of the example site puts between the unit and a superior."""

HOURS = (8, 14)
"""The hours of the runs of a day; a quiet day has only the first one."""


@dataclass(frozen=True)
class Complaint:
    """A complaint: its number, the days before the start on which it came in, and how many days
    after the start it was done (None: never).
    """

    number: int
    age: int
    done_after: int | None

    @property
    def ticket(self) -> str:
        return f"FD-{self.number}"


@dataclass(frozen=True)
class Morning:
    """One day: whether programs and mail server work, the age in days of the register that is read
    (None: none is), the roles of the unit without a holder, with a mailbox that refuses mail, and
    with mail of today that comes back some days later (`after`).
    """

    works: bool = True
    server: bool = True
    register: int | None = 0
    vacant: frozenset[Role] = frozenset()
    refuses: frozenset[Role] = frozenset()
    returns: frozenset[Role] = frozenset()
    after: int = 1


SOME_OF_THE_UNIT = st.sampled_from(
    [frozenset()] * 4 + [frozenset({role}) for role in OF_A_UNIT] + [frozenset(OF_A_UNIT)] * 2
)
MORNING = st.builds(
    Morning,
    works=st.sampled_from([True, True, True, False]),
    server=st.sampled_from([True, True, False]),
    register=st.sampled_from([0, 0, 0, None, 1, 4]),
    vacant=SOME_OF_THE_UNIT,
    refuses=SOME_OF_THE_UNIT,
    returns=SOME_OF_THE_UNIT,
    after=st.sampled_from([1, 3, 5]),
)
QUIET = Morning()


@dataclass(frozen=True)
class World:
    """Complaints and the mornings from a day on; quiet mornings follow."""

    start: date
    complaints: tuple[Complaint, ...]
    mornings: tuple[Morning, ...]

    def days(self) -> Iterator[tuple[date, Morning]]:
        for number, morning in enumerate(self.mornings):
            yield self.start + timedelta(days=number), morning

    def returning(self, day: date) -> Iterator[tuple[date, Morning]]:
        """The days of which the mail comes back on a day."""
        return ((d, m) for d, m in self.days() if d + timedelta(days=m.after) == day)

    def events(self, complaint: Complaint) -> tuple[datetime, datetime | None]:
        """When a complaint came in, and when it was done."""
        begin = datetime.combine(self.start, time(8, 30), tzinfo=WITA)
        done = complaint.done_after
        return (
            begin - timedelta(days=complaint.age),
            None if done is None else begin + timedelta(days=done),
        )


def worlds(most: int, quiet: int) -> st.SearchStrategy[World]:
    """At most so many mornings with mishaps, then so many without."""
    complaints = st.lists(
        st.tuples(st.integers(0, 20), st.none() | st.integers(1, 12)), min_size=1, max_size=3
    ).map(lambda found: tuple(Complaint(n, *each) for n, each in enumerate(found)))
    mornings = st.lists(MORNING, min_size=3, max_size=most).map(
        lambda found: (*found, *[QUIET] * quiet)
    )
    return st.builds(World, st.sampled_from(STARTS), complaints, mornings)


def without(directory: Directory, vacant: frozenset[Role]) -> Directory:
    """The directory with these offices of the unit vacant."""
    offices = [o for o in directory.offices if (o.unit, o.role) not in {(UNIT, r) for r in vacant}]
    return Directory(directory.units.values(), offices)


def addresses(directory: Directory, roles: frozenset[Role]) -> frozenset[str]:
    """The addresses of these roles at the unit."""
    return frozenset(o.email for o in directory.offices if o.unit == UNIT and o.role in roles)


@dataclass(frozen=True)
class Accepted:
    """A notice that the mail server accepted for a person, and when the mail came back."""

    at: datetime
    ticket: str
    rung: str
    role: str
    episode: int
    came_back: datetime | None = None


@dataclass
class Diary:
    """When runs were, what they found late and open, when mails could leave, and what the server
    accepted.
    """

    runs: list[datetime] = field(default_factory=list)
    found: list[tuple[datetime, str]] = field(default_factory=list)
    could_leave: list[datetime] = field(default_factory=list)
    accepted: list[Accepted] = field(default_factory=list)

    def to_the_unit(self, ticket: str) -> list[Accepted]:
        return [
            each
            for each in self.accepted
            if (each.ticket, each.rung) == (ticket, "breach") and each.role in OF_A_UNIT
        ]


def no_superior_before_the_unit(diary: Diary, calendar: Calendar) -> None:
    """Each mail to a superior came the ladder's distance after an accepted mail to the unit."""
    for each in diary.accepted:
        if each.role not in SUPERIORS:
            continue
        before = [
            mail.at
            for mail in diary.to_the_unit(each.ticket)
            if mail.at <= each.at
            and mail.episode == each.episode
            and (mail.came_back is None or mail.came_back > each.at)
        ]
        assert before, f"{each} and the unit was not notified"
        days = _working_days(min(before), each.at, calendar)
        assert days >= DISTANCES[each.rung], f"{each} only {days} days after {min(before)}"


def each_unit_within_a_working_day(diary: Diary, calendar: Calendar) -> None:
    """A unit has a mail by the end of the next working day on which mail can leave."""
    days = sorted({moment.astimezone(WITA).date() for moment in diary.could_leave})
    for run, ticket in diary.found:
        day = next(
            (d for d in days if d > run.astimezone(WITA).date() and calendar.counts(d)), None
        )
        if day is None:
            continue
        end = datetime.combine(day, time.max, tzinfo=WITA)
        later = [moment for moment in diary.runs if run <= moment <= end]
        if any((moment, ticket) not in diary.found for moment in later):
            continue  # no longer late
        assert any(
            mail.at <= end and (mail.came_back is None or mail.came_back > run)
            for mail in diary.to_the_unit(ticket)
        ), f"{ticket} was found late at {run}, and the unit had no mail at {end}"


def _working_days(first: datetime, last: datetime, calendar: Calendar) -> int:
    begin, end = (moment.astimezone(WITA).date() for moment in (first, last))
    days = (begin + timedelta(days=n) for n in range(1, (end - begin).days + 1))
    return sum(calendar.counts(day) for day in days)


def live(
    world: World,
    *,
    morning: Callable[[datetime, date, Morning], None],
    run: Callable[[datetime, Morning], None],
) -> None:
    """Call `morning` at the first run of each day, and `run` at each run while programs work."""
    for day, plan in world.days():
        for hour in HOURS[:1] if plan == QUIET else HOURS:
            now = wita(f"{day} {hour:02}:00")
            if hour == HOURS[0]:
                morning(now, day, plan)
            if plan.works:
                run(now, plan)


def sent_on(moment: datetime | None, day: date) -> bool:
    """Check whether a moment is on a local day."""
    return moment is not None and moment.astimezone(WITA).date() == day
