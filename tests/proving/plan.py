"""What a run is to be: complaints, days, processes, when each is killed and what the post does.

Everything follows from the seed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from random import Random

from smtp_servers import DROP

from proving.cases import ZONE, Case

SILENCE = "SILENCE"
"""As an answer: none, until the client has lost patience."""

FIRST_DAY = date(2026, 11, 2)
"""A Monday; November has no holiday, December has some."""

INTAKE, DEADLINES, DELIVERY = "intake", "deadlines", "delivery"

SESSIONS = {
    "morning": ((INTAKE, "07:00"), (DEADLINES, "07:05"), (DELIVERY, "07:31"), (DELIVERY, "07:52")),
    "midday": ((INTAKE, "12:00"), (DEADLINES, "12:05"), (DELIVERY, "12:06"), (DELIVERY, "12:27")),
    "night": ((INTAKE, "18:00"), (DEADLINES, "18:05"), (DELIVERY, "18:10")),
}  # fmt: skip
"""Parts of a day: which process runs when. What is decided outside mail hours waits."""

KILLED = {INTAKE: 0.15, DEADLINES: 0.35, DELIVERY: 0.6}
"""How often a process of each kind is marked for death."""


@dataclass(frozen=True)
class Fate:
    """Where a process ends: at the `count`-th crossing of a kind, if it gets there.

    `stalls`: there it stands still instead, as a process that is swapped out does, until another
    has run in its place.
    """

    kind: str  # statement, commit or smtp
    count: int
    stalls: bool = False


@dataclass(frozen=True)
class Fault:
    """What the mail server does wrong with one mail.

    `stage` is the command: MAIL, RCPT or DATA (after its end). `answer` is what it then says:
    a reply, DROP or SILENCE. Whether it `keeps` the mail all the same is
    what the client cannot know.
    """

    stage: str
    answer: str
    keeps: bool = False


@dataclass(frozen=True)
class Weather:
    """How the mail server is while one step lasts."""

    way: str = "up"  # up, down (nobody listens), mute (nobody answers)
    greeting: str = ""
    faults: dict[int, Fault] = field(default_factory=dict)  # by number of the mail in this step
    mails_per_connection: int = 0
    hangs_up: bool = False
    busy: tuple[str, ...] = ()  # whose mailboxes are full just now
    gone: tuple[str, ...] = ()  # who has no mailbox any more

    @property
    def fine(self) -> bool:
        """Whether nothing is wrong with it."""
        return self == Weather()


@dataclass(frozen=True)
class Process:
    """One process: what it does, at what simulated moment, and how it ends."""

    work: str
    now: datetime
    fate: Fate | None = None


@dataclass(frozen=True)
class Step:
    """One process, or two at once; before it, what the front desk has written down.

    `overlapping`: the second runs when the first stands still or has ended.
    """

    processes: tuple[Process, ...]
    register: tuple[dict[str, str], ...] | None = None
    weather: Weather = Weather()
    overlapping: bool = False


@dataclass(frozen=True)
class Plan:
    """A run. After its steps the site is well until nothing is pending."""

    seed: int
    steps: tuple[Step, ...]
    end: datetime


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
    names = ("penghubung.dinsos", "kepala.dlh", "sekda", "inspektur", "penghubung.dlh",
             "bupati", "penghubung.dishub", "admin.lapor")  # fmt: skip
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
        rows = None
        if work == INTAKE:
            for case in cases:
                if case.passed_on < now and dice.random() < 0.25:
                    case.move(dice, now)
            rows = tuple(dict(case.columns) for case in cases if case.passed_on <= now)
        first = Process(work, now, _fate(dice, work))
        weather = _weather(dice, day, people) if work == DELIVERY else Weather()
        steps.append(_accompanied(dice, first, rows, weather))
    return steps


def _accompanied(
    dice: Random, first: Process, rows: tuple[dict[str, str], ...] | None, weather: Weather
) -> Step:
    """The step of a process: mostly it is alone, now and then a second one is there."""
    now, work = first.now, first.work
    if work == DELIVERY and dice.random() < 0.08:
        later = Process(work, now + timedelta(minutes=dice.choice((1, 16, 20))))
        standing = Process(work, now, _standstill(dice))
        return Step((standing, later), rows, weather, overlapping=True)
    if work != INTAKE and dice.random() < 0.12:
        other = dice.choice((DEADLINES, DELIVERY)) if work == DELIVERY else DEADLINES
        second = Process(other, now + timedelta(seconds=1), _fate(dice, other))
        return Step((first, second), rows, weather)
    return Step((first,), rows, weather)


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
    """Mostly one with which the first mail is handed over: those are crossings 6 to 17."""
    return dice.randint(6, 17) if dice.random() < 0.6 else dice.randint(1, 60)


def _far(dice: Random, most: int) -> int:
    """A number up to `most`, each order of magnitude as likely as the next."""
    return round(most ** dice.random())


def _weather(dice: Random, day: date, people: _Unlucky) -> Weather:
    lasting = {"gone": people.gone, "busy": people.busy if day < people.busy_until else ()}
    draw = dice.random()
    if draw < 0.06:
        return Weather(way="down", **lasting)
    if draw < 0.08:
        return Weather(way="mute", **lasting)
    if draw < 0.13:
        words = ("421 4.3.2 Down for the night", "554 5.3.2 No service here")
        return Weather(greeting=dice.choice(words), **lasting)
    if draw < 0.5:
        return Weather(**lasting)
    faults = {}
    for number in range(1, 9):
        if dice.random() < 0.4:
            faults[number] = dice.choices(FAULTS, WEIGHTS)[0]
    few = dice.randint(1, 4) if dice.random() < 0.2 else 0
    return Weather(faults=faults, mails_per_connection=few, hangs_up=dice.random() < 0.1, **lasting)


MISHAPS = (
    (2, Fault("MAIL", DROP)),
    (2, Fault("MAIL", "421 4.7.0 Too much, good-bye")),
    (2, Fault("MAIL", "450 4.7.1 Slow down")),
    (1, Fault("MAIL", "552 5.3.4 Too big")),
    (1, Fault("MAIL", "553 5.7.1 Sender not allowed")),
    (1, Fault("RCPT", DROP)),
    (1, Fault("RCPT", SILENCE)),
    (2, Fault("RCPT", "421 4.3.0 Overloaded")),
    (3, Fault("RCPT", "450 4.2.1 Mailbox busy")),
    (2, Fault("RCPT", "550 5.1.1 No such user")),
    (3, Fault("DATA", DROP)),
    (6, Fault("DATA", DROP, keeps=True)),
    (1, Fault("DATA", SILENCE)),
    (2, Fault("DATA", SILENCE, keeps=True)),
    (2, Fault("DATA", "421 4.3.0 Shutting down")),
    (3, Fault("DATA", "450 4.7.1 Greylisted")),
    (1, Fault("DATA", "451 4.3.0 Error in processing")),
    (2, Fault("DATA", "550 5.7.1 Looks like spam")),
    (2, Fault("DATA", "552 5.2.2 Mailbox full")),
    (1, Fault("DATA", "554 5.6.0 Malformed")),
)  # fmt: skip
WEIGHTS = [weight for weight, _ in MISHAPS]
FAULTS = [fault for _, fault in MISHAPS]
