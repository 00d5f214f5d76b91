"""What a run is made of: processes and their fates, steps, and how the mail server is meanwhile."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

INTAKE, DEADLINES, DELIVERY = "intake", "deadlines", "delivery"
"""What a process can do."""

SILENCE = "SILENCE"
"""As an answer: none, until the client has lost patience."""


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
