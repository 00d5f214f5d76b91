"""What a run is to be: complaints, days, processes, when each is killed and what the post does.

Everything follows from the seed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from random import Random

from crash_tests.complaints import ZONE, Case
from crash_tests.mail_faults import mishaps
from crash_tests.model import DEADLINES, DELIVERY, INTAKE, Fate, Plan, Process, Step, Weather

FIRST_DAY = date(2026, 11, 2)
"""A Monday; November has no holiday, December has some."""

SESSIONS = {
    "morning": ((INTAKE, "07:00"), (DEADLINES, "07:05"), (DELIVERY, "07:31"), (DELIVERY, "07:52")),
    "midday": ((INTAKE, "12:00"), (DEADLINES, "12:05"), (DELIVERY, "12:06"), (DELIVERY, "12:27")),
    "night": ((INTAKE, "18:00"), (DEADLINES, "18:05"), (DELIVERY, "18:10")),
}
"""Parts of a day: which process runs when. What is decided outside mail hours waits."""

KILLED = {INTAKE: 0.15, DEADLINES: 0.35, DELIVERY: 0.6}
"""How often a process of each kind is marked for death."""


def plan(seed: int) -> Plan:
    """The run of this seed."""
    dice = Random(seed)
    cases = [Case.new(dice, number, FIRST_DAY) for number in range(dice.randint(2, 8))]
    people = _unlucky(dice)
    steps: list[Step] = []
    day = FIRST_DAY + timedelta(days=dice.randint(0, 4))
    for _ in range(dice.randint(3, 5)):
        if day.weekday() < 5 and dice.random() < 0.3:
            cases.append(Case.new(dice, len(cases), day))
        for session in SESSIONS.values():
            if dice.random() < 0.5:
                steps += _session(dice, day, session, cases, people)
        # now and then nothing runs for days: an outage
        day += timedelta(days=1 if dice.random() < 0.75 else dice.randint(2, 12))
    while day.weekday() > 4:
        day += timedelta(days=1)
    end = datetime.combine(day, time(9), ZONE)
    rows = tuple(dict(case.columns) for case in cases if case.passed_on <= end)
    steps.append(Step((Process(INTAKE, end),), rows))
    return Plan(seed, tuple(steps), end)


@dataclass(frozen=True)
class _Unlucky:
    busy: tuple[str, ...]
    busy_until: date
    gone: tuple[str, ...]


def _unlucky(dice: Random) -> _Unlucky:
    """Whose mailboxes make trouble in this run."""
    names = (
        "penghubung.dinsos",
        "kepala.dlh",
        "sekda",
        "inspektur",
        "penghubung.dlh",
        "bupati",
        "penghubung.dishub",
        "admin.lapor",
    )
    everybody = [f"{name}@contohkab.example" for name in names]
    busy = tuple(dice.sample(everybody, 1 if dice.random() < 0.3 else 0))
    gone = tuple(dice.sample(everybody, 1 if dice.random() < 0.2 else 0))
    return _Unlucky(busy, FIRST_DAY + timedelta(days=dice.randint(1, 14)), gone)


def _session(
    dice: Random,
    day: date,
    session: tuple[tuple[str, str], ...],
    cases: list[Case],
    people: _Unlucky,
) -> list[Step]:
    steps: list[Step] = []
    slow: Process | None = None  # a deadline run that has begun and is not over yet
    for work, clock in session:
        now = datetime.combine(day, time.fromisoformat(clock), ZONE)
        now += timedelta(seconds=dice.randint(0, 50))
        if work == DEADLINES and len(session) == 4 and dice.random() < 0.15:
            slow = Process(work, now)
            continue
        if work != INTAKE and dice.random() < 0.12:
            continue  # a schedule that was missed
        if work == DELIVERY and slow is not None:
            # between making mails ready and handing them over
            standing = Process(work, now, Fate("commit", dice.randint(3, 6), stalls=True))
            steps.append(Step((standing, slow), overlapping=True))
            slow = None
            continue
        first = Process(work, now, _fate(dice, work))
        weather = _weather(dice, day, people) if work == DELIVERY else Weather()
        steps.append(_accompanied(dice, first, weather, cases))
    return steps


def _accompanied(dice: Random, first: Process, weather: Weather, cases: list[Case]) -> Step:
    """The step of a process: mostly it is alone, now and then a second one is there."""
    now, work = first.now, first.work
    if work == INTAKE:
        return Step((first,), _register(dice, cases, now))
    if work == DELIVERY and dice.random() < 0.12:
        later = now + timedelta(minutes=dice.choice((1, 16, 20)))
        standing = Process(work, now, _standstill(dice))
        if dice.random() < 0.35:
            rows = _register(dice, cases, later)
            return Step((standing, Process(INTAKE, later)), rows, weather, overlapping=True)
        return Step((standing, Process(work, later)), None, weather, overlapping=True)
    if dice.random() < 0.12:
        other = dice.choice((DEADLINES, DELIVERY)) if work == DELIVERY else DEADLINES
        second = Process(other, now + timedelta(seconds=1), _fate(dice, other))
        return Step((first, second), None, weather)
    return Step((first,), None, weather)


def _register(dice: Random, cases: list[Case], now: datetime) -> tuple[dict[str, str], ...]:
    """What the front desk's register says at a moment; some complaints have moved on until then."""
    for case in cases:
        if case.passed_on < now and dice.random() < 0.25:
            case.move(dice, now)
    return tuple(dict(case.columns) for case in cases if case.passed_on <= now)


def _standstill(dice: Random) -> Fate:
    if dice.random() < 0.5:
        return Fate("commit", dice.randint(2, 8), stalls=True)
    return Fate("smtp", _step_of_a_conversation(dice), stalls=True)


def _fate(dice: Random, work: str) -> Fate | None:
    if dice.random() >= KILLED[work]:
        return None
    if work == DELIVERY and dice.random() < 0.6:
        return Fate("smtp", _step_of_a_conversation(dice))
    if dice.random() < 0.6:
        return Fate("commit", _far(dice, 24 if work == DELIVERY else 6))
    return Fate("statement", _far(dice, 120))


def _step_of_a_conversation(dice: Random) -> int:
    """Mostly one with which the first mail is handed over: those are crossings 6 to 17.

    The last of them follows the server's yes, which is not on record yet.
    """
    draw = dice.random()
    if draw < 0.25:
        return 17
    return dice.randint(6, 17) if draw < 0.7 else dice.randint(1, 60)


def _far(dice: Random, most: int) -> int:
    """A number up to `most`, each order of magnitude as likely as the next."""
    return round(most ** dice.random())


def _weather(dice: Random, day: date, people: _Unlucky) -> Weather:
    lasting = {"gone": people.gone, "busy": people.busy if day < people.busy_until else ()}
    draw = dice.random()
    if draw < 0.1:
        return Weather(way="down", **lasting)
    if draw < 0.12:
        return Weather(way="mute", **lasting)
    if draw < 0.17:
        words = ("421 4.3.2 Down for the night", "554 5.3.2 No service here")
        return Weather(greeting=dice.choice(words), **lasting)
    if draw < 0.5:
        return Weather(**lasting)
    faults = mishaps(dice, 8)
    few = dice.randint(1, 4) if dice.random() < 0.2 else 0
    return Weather(faults=faults, mails_per_connection=few, hangs_up=dice.random() < 0.1, **lasting)
