"""Writes the inbox of the example site: what a regency would have exported, all of it INVENTED.

No person, address, number, unit or complaint in here exists. Identity numbers begin with 9999 (no
such region), telephone numbers with 0812-0000, and mail addresses end in `.example`. Only the
layout of the exports is real.

    python scripts/make_samples.py [--out DIR] [--seed N]

Three steps, in this order:

1. *Histories*: what truly happened to each complaint, from a `Plan` in counted days. Some plans
   are drawn at random as a plausible regency would live them (`draw_lapor`, `draw_desk`); others
   are written down so that every rule of the regulations is met early, met on its last day, missed
   by a day, missed by far, and is still open in time, due soon and overdue (`lapor_cases`,
   `desk_cases`).
2. *Words*: a unit's own subjects, as citizens write them; `make_samples.toml` has them.
3. *Exports*: the histories as the two sources show them at each export; LAPOR! a daily snapshot
   that knows only the present status, the front desk its whole register with every date.

Units and their spellings come from `units.csv`, the local holiday from `holidays.toml`, both
in its folder. The same seed gives the same bytes. `--truth` prints what the simulation knows.
"""

from __future__ import annotations

import argparse
import csv
import io
import tomllib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from functools import cache
from pathlib import Path
from random import Random

import holidays
import numpy as np
import xlsxwriter

HERE = Path(__file__).parent.parent / "examples" / "kabupaten-contoh"
SEED = 20261124
FIRST_DAY, LAST_DAY = date(2026, 6, 1), date(2026, 11, 23)
FIRST_EXPORT, LAST_EXPORT = date(2026, 10, 26), date(2026, 11, 24)
FORGOTTEN_EXPORT = date(2026, 11, 12)
WITHOUT_PREAMBLE = (date(2026, 10, 30), date(2026, 11, 16))
ODD_LETTER_CASE = date(2026, 11, 5)
RESPELLED_FROM = date(2026, 11, 9)
LEGACY_ENCODING = date(2026, 11, 11)
LAPOR_TIME, REGISTER_TIME = time(7, 0), time(7, 15)
AS_OF = datetime(2026, 11, 24, 8, 0)  # the morning on which the example is looked at
FOREVER_AGO, NEVER = datetime(1, 1, 1), datetime(9999, 1, 1)
WITA = timedelta(hours=8)  # local time is UTC + 8, all year
LAPOR_COUNT, DESK_COUNT = 464, 184
AGENCY = "Pemerintah Kabupaten Contoh"

INFORMATION, ASPIRATION = "Permintaan Informasi", "Aspirasi"
ORDINARY, SUPERVISORY = "Pengaduan Tidak Berkadar Pengawasan", "Pengaduan Berkadar Pengawasan"
SETTLE_WITHIN = {INFORMATION: 5, ASPIRATION: 5, ORDINARY: 14, SUPERVISORY: 60}  # working days


# --- the site -------------------------------------------------------------------------------------


@cache
def spellings() -> dict[str, list[str]]:
    """Unit id -> its name and the other spellings under which exports know it."""
    with (HERE / "units.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return {
        r["unit"]: [r["name"], *(alias for alias in r["aliases"].split("|") if alias)] for r in rows
    }


@cache
def days_off() -> np.ndarray:
    """National holidays, cuti bersama and the site's own days off, of 2026 and the year after."""
    national = holidays.country_holidays(
        "ID", years=(2026, 2027), categories=("public", "government")
    )
    local = tomllib.loads((HERE / "holidays.toml").read_text(encoding="utf-8"))
    added = [entry["date"] for entry in local.get("add", ())]
    return np.array([*national, *added], "datetime64[D]")


def is_working(day: date) -> bool:
    """Monday to Friday and not a day off."""
    return bool(np.is_busday(day, holidays=days_off()))


def back(day: date, working_days: int) -> date:
    """The working day on which a clock of that length must start to run out on `day`."""
    return np.busday_offset(day, -working_days, roll="forward", holidays=days_off()).item()


Pause = tuple[date, date | None]


def forward(start: date, working_days: int, pauses: tuple[Pause, ...] = ()) -> date | None:
    """The last counted day, or None if a pause never ends.

    The start is not counted. The day on which a pause begins counts, the day on which it ends does
    not.
    """
    day, left = start, working_days
    while left > 0:
        day += timedelta(days=1)
        if any(begin < day and end is None for begin, end in pauses):
            return None
        if is_working(day) and not any(begin < day <= end for begin, end in pauses if end):
            left -= 1
    return day


def overdue(working_days: int) -> date:
    """The due day of what is overdue by so many working days on the last morning."""
    return back(AS_OF.date(), working_days)


# --- histories ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class SamplePlan:
    """How a complaint will go, in counted days; None: it does not happen.

    Working days: `verify`, `settle`, `withdraw` from receipt; `follow_up`, `returned`, `pause` from
    assignment; `reply` from follow-up; `end_lag` from settlement, or from receipt if archived.
    Calendar days: `service` before receipt; `respond`, `file_complete` from receipt; `material`
    from the response; `decide` from the complete file; `deliver` from the decision.
    """

    verify: int | None = 1
    assign_lag: int = 0
    returned: int | None = None
    follow_up: int | None = 3
    pause: tuple[int, int] | None = None  # begins after, lasts
    settle: int | None = None  # None with an `ending`: settled by the follow-up itself
    ending: str = ""  # the closing status in LAPOR!
    end_lag: int = 0
    reopen: tuple[int, int | None] | None = None  # after closing, until settled again
    service: int | None = None
    respond: int | None = None
    material: int | None = None  # -1: asked for and never completed
    file_complete: int | None = None
    decide: int | None = None  # None with a complete file and a settlement: on that day
    deliver: int | None = None
    reply: int | None = None
    withdraw: int | None = None
    clarification: tuple[date, int | None] | None = None  # asked on, days until sent
    recommendation: tuple[date, int | None] | None = None  # received on, days until reported
    exact: bool = False  # calendar days may fall on a weekend


@dataclass
class SampleComplaint:
    """One complaint, its true history (local times) and its words."""

    source: str  # 'lapor' or 'desk'
    received: datetime
    plan: SamplePlan
    classification: str
    unit: str
    wrong_unit: str = ""  # had it first and returned it
    events: dict[str, datetime] = field(default_factory=dict)
    number: str = ""
    category: tuple[str, str] = ("", "")
    title: str = ""
    text: str = ""
    final_text: str = ""
    secrecy: str = ""
    channel: str = ""
    reporter: str = ""
    address: str = ""
    place: tuple[str, str] = ("", "")
    spelling: int = 0

    def happened(self, kind: str, moment: datetime = AS_OF) -> bool:
        """Whether the event lies at or before the moment."""
        return kind in self.events and self.events[kind] <= moment

    def pauses(self) -> tuple[Pause, ...]:
        """The days on which the clocks of the unit stood still."""
        if "paused" not in self.events:
            return ()
        end = self.events.get("resumed")
        return ((self.events["paused"].date(), end.date() if end else None),)


HOURS = {  # office hours in which an event of a day happens; the order of a day's events follows
    "verified": (8, 10),
    "assigned": (8, 10),
    "returned": (9, 10),
    "resumed": (9, 11),
    "reassigned": (10, 11),
    "responded": (10, 12),
    "material_completed": (9, 12),
    "file_complete": (12, 13),
    "follow_up": (11, 14),
    "paused": (14, 15),
    "decided": (13, 14),
    "delivered": (14, 15),
    "settled": (15, 17),
}


class Teller:
    """Turns a plan into dated events."""

    def __init__(self, rng: Random, complaint: SampleComplaint) -> None:
        self.rng, self.complaint = rng, complaint
        self.events = complaint.events
        self.events["received"] = complaint.received

    def add(self, kind: str, day: date | None, *after: str) -> None:
        """Puts the event on the day, in its hours, and after the events it must follow."""
        if day is None:
            return
        low, high = HOURS.get(kind, (8, 16))
        moment = datetime.combine(day, time(low)) + timedelta(
            minutes=self.rng.randrange((high - low) * 60)
        )
        for other in ("received", *after):
            earliest = self.events.get(other, moment)
            if moment <= earliest:
                moment = earliest + timedelta(minutes=self.rng.randint(4, 40))
        self.events[kind] = moment

    def day(self, kind: str) -> date:
        """The local day of an event that has been told."""
        return self.events[kind].date()

    def later(self, kind: str, days: int) -> date:
        """So many calendar days later; back to a working day unless the plan is exact."""
        day = self.day(kind) + timedelta(days=days)
        while not (self.complaint.plan.exact or is_working(day)) and day > self.day(kind):
            day -= timedelta(days=1)
        return day

    def working(self, kind: str, days: int) -> date | None:
        """So many working days later, pauses left out."""
        return forward(self.day(kind), days, self.complaint.pauses())

    def tell(self) -> None:
        """All events, in the order of life."""
        plan = self.complaint.plan
        if plan.service is not None:
            self.events["service"] = self.complaint.received - timedelta(days=plan.service, hours=2)
        if plan.verify is not None and plan.ending not in STRAIGHT_TO_ARCHIVE:
            self.handing_on(plan)
        if plan.respond is not None:
            self.file(plan)
        if "assigned" in self.events:
            self.work(plan)
        self.end(plan)
        for kind, done, asked in (
            ("clarification_asked", "clarification_sent", plan.clarification),
            ("recommendation", "recommendation_reported", plan.recommendation),
        ):
            if asked:
                self.add(kind, asked[0])
                self.add(done, None if asked[1] is None else self.later(kind, asked[1]))

    def handing_on(self, plan: SamplePlan) -> None:
        """Verification, assignment, and the way back from the wrong unit."""
        self.add("verified", self.working("received", plan.verify or 0))
        self.events["assigned"] = self.events["verified"] + timedelta(minutes=3)
        if plan.assign_lag:
            self.add("assigned", self.working("verified", plan.assign_lag))
        if plan.returned is not None:
            self.add("returned", self.working("assigned", plan.returned), "assigned")
            self.add("reassigned", self.working("returned", self.rng.choice((0, 0, 1))), "returned")

    def file(self, plan: SamplePlan) -> None:
        """The provider's answer on the material, what is missing, and the complete file."""
        self.add("responded", self.later("received", plan.respond or 0), "assigned", "reassigned")
        if plan.material is not None:
            self.events["material_requested"] = self.events["responded"]
            self.events["paused"] = self.events["responded"] + timedelta(minutes=5)
            if plan.material >= 0:
                self.add("material_completed", self.later("responded", plan.material), "paused")
                self.events["resumed"] = self.events["material_completed"] + timedelta(minutes=10)
        if plan.file_complete is not None:
            earlier = ("responded", "material_completed")
            start = max(
                self.later("received", plan.file_complete), *map(self.day_or_first, earlier)
            )
            self.add("file_complete", start, *earlier)

    def day_or_first(self, kind: str) -> date:
        """The day of an event, or the first day of all if it did not happen."""
        return self.events.get(kind, datetime.combine(FIRST_DAY, time())).date()

    def work(self, plan: SamplePlan) -> None:
        """What the unit does: pause, follow-up, decision, settlement."""
        start = "reassigned" if "reassigned" in self.events else "assigned"
        if plan.pause:
            begin = self.working(start, plan.pause[0])
            self.add("paused", begin, start)
            self.add("resumed", forward(begin or FIRST_DAY, plan.pause[1]), "paused")
        if plan.follow_up is not None:
            self.add("follow_up", self.working(start, plan.follow_up), start)
            if plan.reply is not None and "follow_up" in self.events:
                self.add("replied", self.working("follow_up", plan.reply), "follow_up")
        if plan.decide is not None and "file_complete" in self.events:
            self.add("decided", self.later("file_complete", plan.decide), "file_complete")
            if plan.deliver is not None:
                self.add("delivered", self.later("decided", plan.deliver), "decided")
        if plan.settle is not None:
            self.add("settled", self.working("received", plan.settle), "follow_up", "delivered")
        elif plan.ending and "follow_up" in self.events:
            self.events["settled"] = self.events["follow_up"]
        settled = self.events.get("settled", NEVER)
        if self.events.get("paused", FOREVER_AGO) > settled:
            del self.events["paused"], self.events["resumed"]
        if self.events.get("replied", FOREVER_AGO) > settled:
            del self.events["replied"]
        if "file_complete" in self.events and plan.decide is None and "settled" in self.events:
            self.events["delivered"] = self.events["settled"] - timedelta(minutes=25)
            self.events["decided"] = self.events["settled"] - timedelta(minutes=95)

    def end(self, plan: SamplePlan) -> None:
        """How LAPOR! closes or archives it, withdrawal, and what is opened again."""
        if plan.withdraw is not None:
            self.add("withdrawn", self.working("received", plan.withdraw), "assigned")
            gone = [k for k, at in self.events.items() if at > self.events["withdrawn"]]
            for kind in gone:
                del self.events[kind]
        if plan.ending == "Ditutup oleh Sistem" and "settled" in self.events:
            last = forward(self.day("settled"), 10)
            self.events["closed"] = datetime.combine(last, time(0, 5)) + timedelta(days=1)
        elif plan.ending.startswith("Ditutup") and "settled" in self.events:
            by_reporter = plan.ending.endswith("Pelapor")
            day = self.working("settled", plan.end_lag) if by_reporter else self.day("settled")
            self.add("closed", day, "settled")
        elif plan.ending in STRAIGHT_TO_ARCHIVE:
            self.add("closed", self.working("received", plan.end_lag))
        if plan.reopen and self.complaint.source == "desk":
            self.events["closed"] = self.events["settled"]
        if plan.reopen and "closed" in self.events:
            self.add("reopened", self.working("closed", plan.reopen[0]), "closed")
            if plan.reopen[1] is not None:
                self.add("closed_again", self.working("reopened", plan.reopen[1]), "reopened")


STRAIGHT_TO_ARCHIVE = {  # statuses that come without verification, and the reason shown
    "Diarsipkan oleh Admin": "Laporan diarsipkan karena bukan merupakan laporan pelayanan publik",
    "Diarsipkan oleh Pelapor": "Laporan diarsipkan atas permintaan pelapor",
    "Diarsipkan oleh Sistem": "Laporan diarsipkan karena melewati batas waktu verifikasi",
    "Konten Terblokir": "Laporan memuat kata yang tidak pantas",
}


def live(rng: Random, case: SampleCase) -> SampleComplaint:
    """The complaint of a case, with its whole history."""
    plan = case.plan
    if case.source == "lapor" and (plan.settle or 0) - (plan.follow_up or 99) > 9:
        plan = replace(plan, reply=6)  # or the system would have closed it before
    complaint = SampleComplaint(
        case.source, case.received, plan, case.classification, case.unit, case.wrong_unit
    )
    Teller(rng, complaint).tell()
    return complaint


# --- what the law makes of a history (to draw plausibly, and to count) ---------------------------


@dataclass(frozen=True)
class Due:
    """One deadline of one complaint, as the simulation knows it."""

    rule: str
    due: date
    stopped: datetime | None
    provider: bool = True

    def late(self, as_of: datetime = AS_OF) -> bool:
        """Missed: stopped after its due day, or still running with that day over."""
        stop = self.stopped if self.stopped and self.stopped <= as_of else as_of
        return stop.date() > self.due

    def open(self, as_of: datetime = AS_OF) -> bool:
        """Still running."""
        return self.stopped is None or self.stopped > as_of


def deadlines(c: SampleComplaint, as_of: datetime = AS_OF, published: bool = True) -> Iterator[Due]:
    """The deadlines of a complaint; with `published` False as the LAPOR! export shows them.

    The export has no follow-up: it is known only once the complaint is closed.
    """
    ends = [c.events[k] for k in ("closed", "withdrawn") if k in c.events]
    end = min(ends, default=None)

    def stop(kind: str) -> datetime | None:
        return min((m for m in (c.events.get(kind), end) if m), default=None)

    def shown(kind: str) -> datetime | None:
        return stop(kind) if published or c.happened("closed", as_of) else None

    def run(
        rule: str, start: str, stop_at: datetime | None, n: int, working: bool
    ) -> Iterator[Due]:
        if not c.happened(start, as_of):
            return
        day = c.events[start].date()
        due = forward(day, n, c.pauses()) if working else day + timedelta(days=n)
        if due is not None:
            yield Due(rule, due, stop_at, rule not in ("filing", "completion", "auto-close"))

    assigned = "reassigned" if "reassigned" in c.events else "assigned"
    yield from run("verification", "received", stop("assigned"), 3, True)
    yield from run("first-follow-up", assigned, shown("follow_up"), 5, True)
    if c.classification in SETTLE_WITHIN:
        length = SETTLE_WITHIN[c.classification]
        yield from run(c.classification, "received", shown("settled"), length, True)
    if published:
        yield from run("auto-close", "follow_up", stop("replied") or stop("settled"), 10, True)
    if c.source == "lapor":
        return
    if "service" in c.events:
        yield from run("filing", "service", c.received, 30, False)
    settled = stop("settled")
    for rule, start, kind, n in (
        ("response", "received", "responded", 14),
        ("completion", "material_requested", "material_completed", 30),
        ("decision", "file_complete", "decided", 60),
        ("delivery", "decided", "delivered", 14),
    ):
        done = min((m for m in (stop(kind), settled) if m), default=None)
        yield from run(rule, start, done, n, False)
    for rule, start, kind, n in (
        ("clarification", "clarification_asked", "clarification_sent", 14),
        ("recommendation", "recommendation", "recommendation_reported", 60),
    ):
        yield from run(rule, start, c.events.get(kind), n, False)


def open_and_late(c: SampleComplaint, published: bool = True) -> list[Due]:
    """The provider's deadlines that are still open and overdue on the last morning."""
    return [d for d in deadlines(c, published=published) if d.provider and d.open() and d.late()]


# --- cases: a received moment and a plan ----------------------------------------------------------


@dataclass(frozen=True)
class SampleCase:
    """What is needed to live a complaint."""

    source: str
    received: datetime
    plan: SamplePlan
    classification: str
    unit: str
    wrong_unit: str = ""


SHARE = {  # of the complaints, of a hundred
    "pupr": 17,
    "kec-muara": 9,
    "dukcapil": 11,
    "dinsos": 9,
    "dlh": 8,
    "dishub": 8,
    "disdik": 6,
    "rsud": 7,
    "dinkes": 4,
    "satpolpp": 5,
    "perkim": 5,
    "dpmptsp": 4,
    "kec-utara": 3,
    "kec-bukit": 3,
    "diskominfo": 2,
    "inspektorat": 4,
    "setda": 2,
    "kab": 1,
}
LATENESS = {  # how often a unit misses a deadline; those not named hardly do
    "pupr": 0.42,
    "kec-muara": 0.40,
    "perkim": 0.20,
    "dishub": 0.09,
    "dinsos": 0.14,
    "dlh": 0.14,
    "rsud": 0.07,
    "disdik": 0.10,
    "inspektorat": 0.08,
    "satpolpp": 0.08,
    "dinkes": 0.05,
    "dukcapil": 0.04,
}
PERFECT = ("dpmptsp", "kec-bukit", "kec-utara", "setda", "diskominfo", "kab")
BLAMED = (  # units of the written cases that go wrong, taken in turn
    "pupr",
    "kec-muara",
    "pupr",
    "dishub",
    "pupr",
    "perkim",
    "kec-muara",
    "dinsos",
    "pupr",
    "dlh",
    "rsud",
    "kec-muara",
    "disdik",
    "pupr",
    "satpolpp",
    "inspektorat",
)


def office_hour(rng: Random, day: date) -> datetime:
    """A moment at which the front desk is open."""
    return datetime.combine(day, time(7, 40)) + timedelta(minutes=rng.randrange(440))


HOUR_WEIGHTS = (1, 1, 1, 1, 1, 2, 4, 9, 16, 20, 19, 15, 11, 14, 15, 12, 9, 6, 6, 7, 8, 6, 4, 3)


def any_hour(rng: Random, day: date) -> datetime:
    """A moment at which somebody writes to LAPOR!: a working day's curve, with nights."""
    hour = rng.choices(range(24), HOUR_WEIGHTS)[0]
    return datetime.combine(day, time(hour, rng.randrange(60), rng.randrange(60)))


def all_days() -> list[date]:
    """Every day on which a complaint may be received."""
    return [FIRST_DAY + timedelta(days=n) for n in range((LAST_DAY - FIRST_DAY).days + 1)]


def draw_classification(rng: Random, unit: str) -> str:
    """Most are ordinary complaints; the inspectorate gets misconduct; some are left empty."""
    kinds = (ORDINARY, SUPERVISORY, INFORMATION, ASPIRATION, "")
    weights = (2, 90, 5, 3, 0) if unit == "inspektorat" else (53, 11, 20, 12, 4)
    return rng.choices(kinds, weights)[0]


def draw_unit(rng: Random, other_than: tuple[str, ...] = ()) -> str:
    """A unit, as often as citizens write to it."""
    share = {unit: weight for unit, weight in SHARE.items() if unit not in other_than}
    return rng.choices(list(share), list(share.values()))[0]


def draw_progress(rng: Random, unit: str, limit: int) -> tuple[int, int, int]:
    """Working days until verified, then until followed up, and until settled from receipt."""
    verify = rng.choices((0, 1, 2, 3), (12, 50, 29, 9))[0]
    if unit in PERFECT:
        verify = min(verify, 2)
    elif rng.random() < 0.035:
        verify = rng.randint(4, 8)
    if rng.random() < LATENESS.get(unit, 0.0):
        follow_up = rng.choice((2, 4, 5, 6, 6, 7, 8, 9, 11, 14))
        settle = max(verify + follow_up, limit) + rng.choice((0, 1, 1, 2, 3, 5, 8, 12))
        return verify, follow_up, settle
    follow_up = rng.randint(1, max(1, min(5, limit - verify)))
    longest = min(limit, 45)
    slack = max(0, longest - verify - follow_up)
    settle = verify + follow_up + int(slack * rng.random() ** 2.2)
    return verify, follow_up, settle


ENDINGS = {
    "Ditutup oleh Sistem": 40,
    "Ditutup oleh Admin": 39,
    "Ditutup oleh Pelapor": 11,
    "Diarsipkan oleh Admin": 4,
    "Diarsipkan oleh Pelapor": 3,
    "Diarsipkan oleh Sistem": 2,
    "Konten Terblokir": 2,
}


def draw_lapor(rng: Random) -> SampleCase:
    """One complaint through LAPOR! as it goes on an average day."""
    days = all_days()
    day = rng.choices(days, [1.0 if is_working(d) else 0.33 for d in days])[0]
    received = any_hour(rng, day)
    unit = draw_unit(rng)
    kind = draw_classification(rng, unit)
    verify, follow_up, settle = draw_progress(rng, unit, SETTLE_WITHIN.get(kind, 14))
    if verify == 0 and (received.hour >= 14 or not is_working(day)):
        verify = 1
        settle = max(settle, verify + follow_up)
    ending = rng.choices(list(ENDINGS), list(ENDINGS.values()))[0]
    if ending in STRAIGHT_TO_ARCHIVE:
        waited = 42 if ending == "Diarsipkan oleh Sistem" else rng.randint(1, 3)
        plan = SamplePlan(verify=None, ending=ending, end_lag=waited, follow_up=None)
        return SampleCase("lapor", received, plan, kind, unit)
    plan = SamplePlan(verify=verify, follow_up=follow_up, ending=ending, end_lag=rng.randint(1, 7))
    if ending == "Ditutup oleh Admin":
        plan = replace(plan, settle=settle)
    if verify <= 2 and rng.random() < 0.04:
        plan = replace(plan, assign_lag=1)
    wrong = ""
    if rng.random() < 0.06:
        plan = replace(plan, returned=rng.randint(0, 2), follow_up=min(follow_up, 2))
        wrong, unit = unit, draw_unit(rng, (unit, *PERFECT))
    elif rng.random() < 0.09:
        plan = replace(plan, pause=(rng.randint(1, 3), rng.randint(2, 9)))
    if rng.random() < 0.03:
        plan = replace(plan, reopen=(rng.randint(1, 8), rng.randint(1, 4)))
    return SampleCase("lapor", received, plan, kind, unit, wrong)


def draw_desk(rng: Random) -> SampleCase:
    """One complaint at the front desk as it goes on an average day."""
    received = office_hour(rng, rng.choice([d for d in all_days() if is_working(d)]))
    unit = draw_unit(rng)
    kind = draw_classification(rng, unit)
    verify, follow_up, settle = draw_progress(rng, unit, SETTLE_WITHIN.get(kind, 14))
    if verify == 0 and received.hour >= 14:
        verify = 1
        settle = max(settle, verify + follow_up)
    service = rng.choices((None, rng.randint(0, 20), rng.randint(31, 75)), (35, 60, 5))[0]
    plan = SamplePlan(verify=verify, follow_up=follow_up, settle=settle, service=service, respond=4)
    if kind == SUPERVISORY:
        decided = rng.randint(12, 40)
        plan = replace(plan, respond=rng.randint(3, 13), file_complete=rng.randint(3, 18))
        plan = replace(plan, decide=decided, deliver=rng.randint(1, 9), reply=rng.randint(1, 9))
        plan = replace(plan, settle=max(settle, round((decided + 30) * 5 / 7)))
    elif kind == ORDINARY:
        plan = replace(plan, respond=rng.randint(1, 5), file_complete=0)
        if rng.random() < 0.12:
            plan = replace(plan, material=rng.randint(3, 16))
    else:
        plan = replace(plan, respond=rng.randint(1, 4))
    if settle - verify - follow_up > 8 or (plan.reply is None and rng.random() < 0.2):
        plan = replace(plan, reply=rng.randint(1, 6))
    if rng.random() < 0.04:
        plan = replace(plan, withdraw=rng.randint(2, 5), settle=None, file_complete=None)
    elif rng.random() < 0.04:
        plan = replace(plan, reopen=(rng.randint(2, 9), rng.randint(2, 6)))
    wrong = ""
    if verify <= 1 and rng.random() < 0.06:
        plan = replace(plan, returned=rng.randint(0, 2), follow_up=min(follow_up, 2))
        wrong, unit = unit, draw_unit(rng, (unit, *PERFECT))
    return SampleCase("desk", received, plan, kind, unit, wrong)


class Blame:
    """Deals out units to written cases: wrongdoers in turn, the others as citizens write."""

    def __init__(self, rng: Random) -> None:
        self.rng, self.turn = rng, 0

    def wrong(self) -> str:
        """The next unit that misses a deadline."""
        self.turn += 1
        return BLAMED[(self.turn - 1) % len(BLAMED)]

    def any(self) -> str:
        """Any unit."""
        return draw_unit(self.rng)


# The days on which the closed cases come due: within the daily exports, so that they are observed.
TARGETS = tuple(day for n in range(27) if is_working(day := date(2026, 10, 28) + timedelta(days=n)))
OVERDUE = (1, 3, 7, 15)
SOON = tuple(date(2026, 11, day) for day in (24, 25, 26, 27))


def lapor_cases(rng: Random) -> list[SampleCase]:
    """Every rule that LAPOR! shows: met early, on the last day, missed by a day, by far, open."""
    units, cases = Blame(rng), []

    def put(
        day: date, kind: str, plan: SamplePlan, wrong: bool = False, at: time | None = None
    ) -> None:
        received = datetime.combine(day, at) if at else office_hour(rng, day)
        cases.append(
            SampleCase("lapor", received, plan, kind, units.wrong() if wrong else units.any())
        )

    admin, turn = "Ditutup oleh Admin", 0
    for _ in range(2):
        for verify in (1, 3, 4, 9):
            turn += 1
            kind = SUPERVISORY if verify == 9 else ORDINARY
            plan = SamplePlan(verify=verify, follow_up=1, settle=verify + 3, ending=admin)
            put(back(TARGETS[turn % 9], verify), kind, plan, verify > 3)
        for follow_up in (1, 5, 6, 15):
            turn += 1
            plan = SamplePlan(follow_up=follow_up, settle=follow_up + 2, ending=admin)
            put(back(TARGETS[turn % 9], follow_up), SUPERVISORY, plan, follow_up > 5)
        for kind, limit in SETTLE_WITHIN.items():
            for settle in (max(2, limit // 3), limit, limit + 1, limit + 10):
                turn += 1
                plan = SamplePlan(follow_up=min(5, settle - 1), settle=settle, ending=admin)
                put(back(TARGETS[turn % len(TARGETS)], settle), kind, plan, settle > limit)
    for target in TARGETS[2:8]:  # closed by the system, by the reporter on the last day, reopened
        put(back(target, 13), ORDINARY, SamplePlan(follow_up=2, ending="Ditutup oleh Sistem"))
    for lag in (2, 9, 10):
        plan = SamplePlan(follow_up=2, ending="Ditutup oleh Pelapor", end_lag=lag)
        put(back(TARGETS[lag], lag + 3), ORDINARY, plan)
    for after, again in ((1, 3), (6, 4), (2, None), (4, None)):
        plan = SamplePlan(follow_up=2, settle=4, ending=admin, reopen=(after, again))
        put(back(overdue(2) if again is None else TARGETS[10], after + 4), ORDINARY, plan)
    put(
        back(TARGETS[9], 4), ORDINARY, SamplePlan(pause=(2, 5), follow_up=4, settle=8, ending=admin)
    )
    put(back(SOON[0], 6), ORDINARY, SamplePlan(pause=(2, 9), follow_up=4, settle=8, ending=admin))

    waiting = SamplePlan(verify=None, follow_up=None)
    for due in SOON[:3]:
        put(back(due, 3), ORDINARY, waiting)
    for late, kind in zip(
        (1, 3, 7, 16), (ORDINARY, INFORMATION, SUPERVISORY, ASPIRATION), strict=True
    ):
        put(back(overdue(late), 3), kind, waiting, True)
    silent = SamplePlan(verify=0, follow_up=None)
    for late in OVERDUE:  # follow-up and answer overdue by the same number of days
        for kind in (INFORMATION, ASPIRATION):
            put(back(overdue(late), 5), kind, silent, True, time(8, 4, late))
    for due in SOON:
        put(back(due, 6), ORDINARY, SamplePlan(verify=1, follow_up=None))
    for due, kind in zip(SOON, (INFORMATION, ASPIRATION, INFORMATION, ASPIRATION), strict=True):
        put(back(due, 5), kind, SamplePlan(verify=1, follow_up=None))
    put(back(overdue(1), 14), ORDINARY, SamplePlan(follow_up=4, reply=3), True)
    put(back(overdue(3), 60), SUPERVISORY, SamplePlan(follow_up=5, reply=3), True)
    for due in (SOON[0], SOON[2]):
        put(back(due, 13), ORDINARY, SamplePlan(follow_up=2, ending="Ditutup oleh Sistem"))
    for turn, status in enumerate(STRAIGHT_TO_ARCHIVE):
        waited = 42 if status == "Diarsipkan oleh Sistem" else 2
        plan = SamplePlan(verify=None, follow_up=None, ending=status, end_lag=waited)
        put(back(TARGETS[turn + 3], waited), "" if turn else ORDINARY, plan)
    for turn in (1, 4, 8, 11, len(TARGETS) - 2):  # handed to the wrong unit; the last one just now
        plan = SamplePlan(returned=1, follow_up=2, settle=7, ending=admin)
        put(back(TARGETS[turn], 2), ORDINARY, plan)
        cases[-1] = replace(cases[-1], wrong_unit=draw_unit(rng, (cases[-1].unit,)))
    return cases + midnight_cases(rng)


def midnight_cases(rng: Random) -> list[SampleCase]:
    """Received within minutes of local midnight: another day in UTC, another day for the clock."""
    plan = SamplePlan(verify=2, follow_up=2, settle=5, ending="Ditutup oleh Admin")
    return [
        SampleCase("lapor", datetime.combine(day, moment), plan, ORDINARY, draw_unit(rng))
        for day in (date(2026, 9, 18), date(2026, 10, 9), date(2026, 10, 30), date(2026, 11, 5))
        for moment in (time(0, 0, 31), time(0, 4, 9), time(23, 55, 12), time(23, 59, 40))
    ]


def office_run(target: date, *spans: int) -> date:
    """The latest day up to `target` from which all spans of calendar days end on working days."""
    day = target
    while not all(is_working(day + timedelta(days=span)) for span in (0, *spans)):
        day -= timedelta(days=1)
    return day


def desk_cases(rng: Random) -> list[SampleCase]:
    """Every rule that the front desk's register shows, closed and open."""
    units, cases = Blame(rng), []

    def put(day: date, kind: str, plan: SamplePlan, wrong: bool = False) -> None:
        unit = units.wrong() if wrong else units.any()
        cases.append(
            SampleCase("desk", office_hour(rng, day), replace(plan, exact=True), kind, unit)
        )

    base = SamplePlan(follow_up=3, reply=4, respond=7, file_complete=7)
    long = replace(base, decide=30, deliver=5, settle=40)
    for respond in (3, 14, 15, 30):
        day = office_run(date(2026, 9, 3), respond)
        plan = replace(long, respond=respond, file_complete=respond, settle=50)
        put(day, SUPERVISORY, plan, respond > 14)
    for material in (5, 30, 31, 45):
        day = office_run(date(2026, 8, 20), 7, 7 + material)
        put(day, SUPERVISORY, replace(long, material=material, decide=20))
    for decide in (20, 60, 61, 75):
        day = office_run(date(2026, 8, 12), 7, 7 + decide, 12 + decide)
        late = decide > 60
        put(day, SUPERVISORY, replace(long, decide=decide, settle=64 if late else 59), late)
    for deliver in (2, 14, 15, 30):
        day = office_run(date(2026, 9, 10), 7, 27, 27 + deliver)
        put(day, SUPERVISORY, replace(long, decide=20, deliver=deliver, settle=45), deliver > 14)
    for service in (5, 30, 31, 60):
        put(office_run(date(2026, 10, 22)), ORDINARY, replace(base, settle=9, service=service))
    for kind, limit in SETTLE_WITHIN.items():
        for settle in (max(2, limit // 3), limit, limit + 1, limit + 10):
            plan = SamplePlan(follow_up=min(4, settle - 1), settle=settle, respond=1, reply=1)
            if kind in (ORDINARY, SUPERVISORY):
                plan = replace(plan, file_complete=1)
            put(back(rng.choice(TARGETS), settle), kind, plan, settle > limit)
    for reply in (2, 10, 11, 18):
        put(date(2026, 10, 5), SUPERVISORY, replace(long, reply=reply, decide=20, settle=30))
    for days in (5, 14, 15, 30):
        asked = (date(2026, 10, 1) + timedelta(days=days % 2), days)
        put(date(2026, 7, 6), SUPERVISORY, replace(long, clarification=asked), days > 14)
    for days in (20, 60, 61, 80):
        received = (office_run(date(2026, 8, 20), days), days)
        put(date(2026, 6, 3), SUPERVISORY, replace(long, recommendation=received), days > 60)
    put_open_desk_cases(put)
    return cases


def put_open_desk_cases(put: Callable[[date, str, SamplePlan, bool], None]) -> None:
    """The same rules, still open on the last morning: due soon, and overdue by 1 to 15 days.

    Calendar-day deadlines that fall due on those days may begin on a weekend: a letter, the box.
    """
    base = SamplePlan(follow_up=3, reply=4, respond=7, file_complete=7)
    due_days = [(day, False) for day in SOON] + [(overdue(n), True) for n in OVERDUE]
    for due, late in due_days:
        silent = SamplePlan(follow_up=3, reply=4)
        put(due - timedelta(days=14), SUPERVISORY, silent, late)
        asked = due - timedelta(days=30 + 6)
        put(asked, SUPERVISORY, replace(silent, respond=6, material=-1), False)
        decided = due - timedelta(days=14)
        received = back(decided, 20)
        complete = (decided - received).days - 10
        plan = replace(base, file_complete=complete, decide=10)
        put(received, SUPERVISORY, plan, late)
        plan = SamplePlan(follow_up=4, reply=5, respond=3, file_complete=3)
        put(back(due, 14), ORDINARY, plan, late)
        received = back(due, 60)
        complete = (due - timedelta(days=60) - received).days
        if late:  # undecided and unsettled, both overdue by as much
            plan = replace(base, respond=10, file_complete=complete)
            put(received, SUPERVISORY, plan, True)
        else:
            put(received, SUPERVISORY, replace(base, decide=40, deliver=5), False)
            received = back(due, 52)
            complete = (due - timedelta(days=60) - received).days
            put(received, SUPERVISORY, replace(base, respond=7, file_complete=complete), False)
    for ask, report in zip((1, 3, 7, 15), (15, 7, 3, 1), strict=True):
        ombudsman = {
            "clarification": (overdue(ask) - timedelta(days=14), None),
            "recommendation": (overdue(report) - timedelta(days=60), None),
        }
        settled = replace(base, decide=30, deliver=5, settle=40, **ombudsman)
        pending = replace(base, respond=10, file_complete=25, **ombudsman)
        if ask < 7:
            put(date(2026, 6, 17 + ask), SUPERVISORY, settled, True)
        else:
            put(date(2026, 9, 8), SUPERVISORY, pending, True)
    for ask, report in zip(SOON, reversed(SOON), strict=True):
        ombudsman = {
            "clarification": (ask - timedelta(days=14), None),
            "recommendation": (report - timedelta(days=60), None),
        }
        put(
            date(2026, 6, 22),
            SUPERVISORY,
            replace(base, decide=30, deliver=5, settle=40, **ombudsman),
            False,
        )
    fresh = SamplePlan(
        clarification=(date(2026, 11, 19), None), recommendation=(date(2026, 11, 5), None)
    )
    put(date(2026, 10, 21), SUPERVISORY, replace(fresh, reply=5, respond=6, file_complete=6), False)


def coherent(c: SampleComplaint) -> bool:
    """Whether what must come before a settlement did, and a decision after the complete file."""
    at = c.events
    before = ("responded", "material_completed", "file_complete", "follow_up", "decided")
    settled = at.get("settled", NEVER)
    return (
        all(at[kind] <= settled for kind in before if kind in at)
        and at.get("file_complete", FOREVER_AGO) < at.get("decided", NEVER)
        and ("file_complete" not in at or settled > AS_OF or "delivered" in at)
    )


def all_complaints(rng: Random) -> list[SampleComplaint]:
    """The written cases, and drawn ones until the numbers are reached.

    A drawn complaint that would be open and late on the last morning is drawn again: what is late
    then is written down above. One that only *looks* late because LAPOR! shows no follow-up is kept
    now and then, as it would be seen.
    """
    complaints = [live(rng, case) for case in (*lapor_cases(rng), *desk_cases(rng))]
    for source, count, draw in (
        ("lapor", LAPOR_COUNT, draw_lapor),
        ("desk", DESK_COUNT, draw_desk),
    ):
        missing = count - sum(c.source == source for c in complaints)
        while missing > 0:
            complaint = live(rng, draw(rng))
            reopened = complaint.happened("reopened") and not complaint.happened("closed_again")
            looks_late = source == "lapor" and open_and_late(complaint, published=False)
            if open_and_late(complaint) or reopened or not coherent(complaint):
                continue
            if looks_late and rng.random() < 0.7:
                continue
            complaints.append(complaint)
            missing -= 1
    complaints.sort(key=lambda c: (c.source, c.received))
    return complaints


# --- words ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Subjects:
    """What citizens write to one unit about."""

    category: tuple[str, str]
    service: str  # as it stands in 'pungli dalam ...'
    complaints: tuple[str, ...]
    questions: tuple[str, ...]
    wishes: tuple[str, ...]


def _subjects(table: dict) -> Subjects:
    return Subjects(
        category=tuple(table["category"]),
        service=table["service"],
        complaints=tuple(table["complaints"]),
        questions=tuple(table["questions"]),
        wishes=tuple(table["wishes"]),
    )


WORDS = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))
PEOPLE, SENTENCES = WORDS["people"], WORDS["sentences"]
SUBJECTS = {unit: _subjects(table) for unit, table in WORDS["subjects"].items()}
DISTRICT = SUBJECTS.pop("district")
PLACES = {(p["province"], p["city"]): p["weight"] for p in WORDS["weights"]["places"]}


def pick(rng: Random, weighted: dict) -> object:
    """One of the keys, by weight."""
    return rng.choices(list(weighted), list(weighted.values()))[0]


def person(rng: Random) -> str:
    """A name of no real person."""
    return f"{rng.choice(PEOPLE['first_names'])} {rng.choice(PEOPLE['last_names'])}"


def fill(rng: Random, template: str, service: str = "") -> str:
    """Puts invented places, people and numbers into a template."""
    village, other = rng.sample(PEOPLE["villages"], 2)
    return template.format(
        desa=village,
        desa2=other,
        jalan=rng.choice(PEOPLE["streets"]),
        n=rng.randint(2, 9),
        rupiah=rng.choice((20, 50, 100, 150, 300)),
        layanan=service,
        nama=person(rng),
        nik=f"9999{rng.randrange(10**12):012d}",
        telepon=f"0812-0000-{rng.randrange(10**4):04d}",
    )


def citizen(rng: Random, title: str) -> str:
    """The same title as different people would type it."""
    style = rng.random()
    if style < 0.06:
        return title.upper()
    if style < 0.14:
        return title.lower()
    if style < 0.20:
        return f"{title}!!"
    if style < 0.26 and not title.startswith(("Mohon", "Usul")):
        return f"Mohon bantuan: {title[0].lower()}{title[1:]}"
    return title


def put_words(rng: Random, c: SampleComplaint) -> None:
    """Category, title, text and all else that a citizen would have brought."""
    subjects = SUBJECTS.get(c.unit, DISTRICT)
    c.category, templates = subjects.category, subjects.complaints
    if c.classification == INFORMATION:
        templates = subjects.questions
    elif c.classification == ASPIRATION:
        templates = subjects.wishes
    elif c.classification == SUPERVISORY and rng.random() < 0.8:
        c.category = tuple(WORDS["misconduct"]["category"])
        templates = WORDS["misconduct"]["complaints"]
    if rng.random() < 0.05:
        c.category = ("110", "Topik Lainnya")
    plain = fill(rng, rng.choice(templates), subjects.service)
    c.title = citizen(rng, plain)
    questions = c.classification in (INFORMATION, ASPIRATION)
    end = fill(
        rng, rng.choice(SENTENCES["other_ends"] if questions else SENTENCES["complaint_ends"])
    )
    c.text = f"{plain}{'' if plain.endswith('?') else '.'} {end}"
    if rng.random() < 0.18:
        c.text += " " + fill(rng, rng.choice(SENTENCES["leaks"]))
    if rng.random() < 0.3:
        c.final_text = plain
    c.secrecy = str(pick(rng, WORDS["weights"]["secrecy"]))
    source = "lapor" if c.source == "lapor" else "register"
    c.channel = str(pick(rng, WORDS[source]["channels"]))
    if c.source == "desk" and not is_working(c.received.date()):
        c.channel = "Kotak Saran"
    c.place = pick(rng, PLACES)
    c.reporter = person(rng)
    c.address = fill(rng, "{jalan} No. {n}, {desa}")
    c.spelling = rng.choices((0, 1, 2, 3), (20, 45, 25, 10))[0]


def number(rng: Random, complaints: list[SampleComplaint]) -> None:
    """Numbers in the order of receipt, as each source gives them."""
    lapor, desk = 9_204_113, 0
    for c in complaints:
        if c.source == "lapor":
            lapor += rng.randint(31, 900)
            c.number = str(lapor)
        else:
            desk += 1
            c.number = f"FD-2026-{desk:04d}"


def put_traps(rng: Random, complaints: list[SampleComplaint]) -> None:
    """Hostile titles on open late complaints, so that they reach a mail; leaking ones anywhere."""
    late = [c for c in complaints if c.source == "lapor" and open_and_late(c)]
    hostile, leaking = SENTENCES["hostile_titles"], SENTENCES["leaking_titles"]
    for c, title in zip(late[2:], hostile, strict=False):
        c.title, c.secrecy = title, ""
    others = [c for c in complaints if c.title not in hostile]
    for n, c in enumerate(rng.sample(others, 2 * len(leaking) - 2) + late[-2:]):
        c.title = fill(rng, leaking[n % len(leaking)])
    before = register_moment(max(d for d in register_days() if d < LEGACY_ENCODING))
    for c in complaints:
        if c.source == "desk" and changed_since(c, before, register_moment(LEGACY_ENCODING)):
            c.address = "Café D\u2019Pantai, Lorong 7, Labuan Contoh"


# --- the daily LAPOR! snapshot --------------------------------------------------------------------

LAPOR_HEADER = tuple(WORDS["lapor"]["header"])
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def lapor_days() -> list[date]:
    """Every calendar day but the forgotten one."""
    days = (LAST_EXPORT - FIRST_EXPORT).days + 1
    return [
        day for n in range(days) if (day := FIRST_EXPORT + timedelta(days=n)) != FORGOTTEN_EXPORT
    ]


def spelled(unit: str, spelling: int) -> str:
    """One of the unit's spellings."""
    known = spellings()[unit]
    return known[spelling % len(known)]


def status_at(c: SampleComplaint, moment: datetime) -> tuple[str, str, str]:
    """Status, unit and reason as LAPOR! shows them at the moment."""
    status, unit, reason = "Belum Terverifikasi", "", ""
    if c.happened("verified", moment):
        status = "Terverifikasi"
    if c.happened("assigned", moment):
        unit = c.wrong_unit or c.unit
    if c.happened("returned", moment):
        unit = c.unit if c.happened("reassigned", moment) else ""
    if c.happened("paused", moment) and not c.happened("resumed", moment):
        status, reason = "Menunggu Kelengkapan Informasi", "Menunggu foto dan lokasi dari pelapor"
    if c.happened("closed", moment):
        status, reason = c.plan.ending, STRAIGHT_TO_ARCHIVE.get(c.plan.ending, "")
    if c.happened("reopened", moment):
        again = c.happened("closed_again", moment)
        status = "Ditutup oleh Admin" if again else "Terverifikasi"
    return status, unit, reason


def utc_cells(received: datetime) -> tuple[str, str]:
    """Date and time of receipt as the export writes them, in UTC."""
    utc = received - WITA
    return f"{utc.day} {MONTHS[utc.month - 1]} {utc.year}", f"{utc:%H:%M:%S}"


def lapor_row(c: SampleComplaint, moment: datetime) -> list[str]:
    """One line of the snapshot."""
    status, unit, reason = status_at(c, moment)
    respelled = int(c.number) % 29 == 0 and moment.date() >= RESPELLED_FROM
    return [
        c.number,
        *utc_cells(c.received),
        "Anonim" if "Anonim" in c.secrecy else c.reporter,
        c.classification,
        *c.category,
        c.title,
        c.text,
        c.final_text if c.happened("verified", moment) else "",
        c.secrecy,
        c.channel,
        AGENCY,
        spelled(unit, c.spelling + respelled) if unit else "",
        status,
        reason,
        *c.place,
    ]


def dirty_lapor_rows(complaints: list[SampleComplaint]) -> list[tuple[datetime, list[str]]]:
    """Rows that cannot be read, or only with care; they come back in every snapshot.

    Each with the moment from which it is there. All but the repeated one are complaints of their
    own, closed long ago as far as they can be read.
    """
    closed = [
        c for c in complaints if c.source == "lapor" and c.plan.ending == "Ditutup oleh Admin"
    ]

    def dirty(like: int, at: datetime, cells: dict[str, str]) -> tuple[datetime, list[str]]:
        row = lapor_row(replace(closed[like], received=at), AS_OF)
        row[0] = str(9_000_000 + like)
        for name, value in cells.items():
            row[LAPOR_HEADER.index(name)] = value
        return at, row

    twice = closed[3]
    other = {
        "Tracking ID": twice.number,
        "Judul Laporan": "Isi laporan tertukar dengan laporan lain",
        "Tanggal Laporan Masuk": "2 Jul 2026",
    }
    return [
        dirty(0, datetime(2026, 7, 31, 10, 12), {"Tanggal Laporan Masuk": "31 Feb 2026"}),
        dirty(1, datetime(2026, 8, 5, 9, 30), {"Instansi Terdisposisi": "Dinas Antah Berantah"}),
        dirty(2, datetime(2026, 9, 2, 14, 2), {"Tracking ID": ""}),
        (twice.received + timedelta(seconds=1), dirty(3, twice.received, other)[1]),
        dirty(4, datetime(2026, 9, 21, 11, 45), {"Status Laporan": "Didelegasikan ke Pusat"}),
        dirty(5, datetime(2026, 10, 6, 8, 20), {"Kategori": "=SUM(A1:A3)"}),
        dirty(6, datetime(2026, 11, 3, 8, 50), {"Waktu Laporan Masuk": "25:61:00"}),
    ]


def odd_case(rng: Random, status: str) -> str:
    """The status word as another release of LAPOR! writes it."""
    return rng.choice((status.upper(), status.lower(), status.capitalize()))


def snapshot(day: date, complaints: list[SampleComplaint]) -> list[list[str]]:
    """All cells of the export of a morning."""
    moment = datetime.combine(day, LAPOR_TIME)
    rows = [
        (c.received, lapor_row(c, moment))
        for c in complaints
        if c.source == "lapor" and c.received <= moment
    ]
    rows += [(at, row) for at, row in dirty_lapor_rows(complaints) if at <= moment]
    rows.sort(key=lambda dated: dated[0])
    table = [row for _, row in rows]
    if day == ODD_LETTER_CASE:
        rng = Random(day.toordinal())
        status = LAPOR_HEADER.index("Status Laporan")
        table = [[*r[:status], odd_case(rng, r[status]), *r[status + 1 :]] for r in table]
    preamble = [
        ["Judul Laporan", "", "Laporan Ringkas"],
        [],
        ["Nama Instansi", "", AGENCY],
        [],
        ["Tanggal Generate", "", day.isoformat()],
        [],
        ["Periode Masuk", "", "(2026-01-01) - (2026-12-31)"],
        [],
        ["Pengelola"],
        [],
    ]
    return [*([] if day in WITHOUT_PREAMBLE else preamble), list(LAPOR_HEADER), *table]


def write_snapshot(path: Path, cells: list[list[str]]) -> None:
    """An XLSX in which every cell is text and nothing depends on the clock."""
    book = xlsxwriter.Workbook(path)
    book.set_properties({"created": datetime(2026, 1, 1)})
    sheet = book.add_worksheet("Laporan Ringkas")
    for row, values in enumerate(cells):
        for column, value in enumerate(values):
            if value:
                sheet.write_string(row, column, value)
    book.close()


# --- the front desk's register --------------------------------------------------------------------

REGISTER_EVENTS = WORDS["register"]["events"]  # column -> event
REGISTER_HEADER = tuple(WORDS["register"]["header"])


def register_days() -> list[date]:
    """The working days on which the register is exported."""
    days = (LAST_EXPORT - FIRST_EXPORT).days + 1
    return [day for n in range(days) if is_working(day := FIRST_EXPORT + timedelta(days=n))]


def register_moment(day: date) -> datetime:
    """When that day's export is made."""
    return datetime.combine(day, REGISTER_TIME)


def register_row(c: SampleComplaint, moment: datetime) -> list[str]:
    """One complaint with everything known at the moment."""
    values = {
        "No Register": c.number,
        "Klasifikasi": c.classification,
        "Kategori": c.category[1],
        "Perihal": c.title,
        "Kerahasiaan": c.secrecy,
        "Kanal": c.channel,
        "Nama Pelapor": c.reporter,
        "Alamat": c.address,
    }
    if c.happened("assigned", moment):
        values["Unit"] = spelled(c.wrong_unit or c.unit, c.spelling)
    if c.happened("reassigned", moment):
        values["Unit Pengganti"] = spelled(c.unit, c.spelling)
    for column, kind in REGISTER_EVENTS.items():
        if c.happened(kind, moment):
            values[column] = f"{c.events[kind]:%d/%m/%Y %H:%M}"
    return [values.get(column, "") for column in REGISTER_HEADER]


def dirty_register_rows(
    complaints: list[SampleComplaint],
) -> list[tuple[tuple[date, ...], list[str]]]:
    """Rows that cannot be read, or only with care, each with the files in which it stands."""
    ended = datetime.combine(FIRST_EXPORT, time()) - timedelta(days=30)
    desk = [c for c in complaints if c.source == "desk" and max(c.events.values()) < ended]
    first, second, third = FIRST_EXPORT, date(2026, 11, 3), date(2026, 11, 18)
    always = tuple(register_days())

    def dirty(like: int, cells: dict[str, str]) -> list[str]:
        row = register_row(desk[like], AS_OF)
        row[0] = f"FD-2026-9{like:03d}"
        for name, value in cells.items():
            row[REGISTER_HEADER.index(name)] = value
        return row

    twice = {"No Register": desk[3].number, "Perihal": "Nomor register terpakai dua kali"}
    return [
        ((first, second), dirty(0, {"Tanggal Masuk": "31/02/2026 09:00"})),
        (always, dirty(1, {"Unit": "Dinas Antah Berantah"})),
        ((first, second), dirty(2, {"No Register": ""})),
        ((first,), dirty(3, twice)),
        (always, dirty(4, {"Selesai": "02/01/2026 10:00"})),
        (always, dirty(5, {"Perihal": "=1+2"})),
        ((second, third), dirty(6, {})[:9]),
    ]


def changed_since(c: SampleComplaint, before: datetime, now: datetime) -> bool:
    """Whether the row came or changed between two exports."""
    return any(before < at <= now for at in c.events.values())


def register(day: date, complaints: list[SampleComplaint]) -> list[list[str]]:
    """The whole register of a day."""
    now = register_moment(day)
    rows = [register_row(c, now) for c in complaints if c.source == "desk" and c.received <= now]
    rows += [row for days, row in dirty_register_rows(complaints) if day in days]
    return [list(REGISTER_HEADER), *rows]


def register_bytes(day: date, rows: list[list[str]]) -> bytes:
    """Semicolons and CRLF; UTF-8 with a mark, but one file from an old machine."""
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=";", lineterminator="\r\n").writerows(rows)
    return text.getvalue().encode("cp1252" if day == LEGACY_ENCODING else "utf-8-sig")


# --- the whole inbox ------------------------------------------------------------------------------


def simulate(seed: int = SEED) -> list[SampleComplaint]:
    """All complaints with their true histories and their words."""
    rng = Random(seed)
    complaints = all_complaints(rng)
    number(rng, complaints)
    for c in complaints:
        put_words(rng, c)
    put_traps(rng, complaints)
    return complaints


def write_inbox(out: Path, complaints: list[SampleComplaint]) -> None:
    """Writes all exports below `out`."""
    for folder in ("lapor", "register"):
        (out / folder).mkdir(parents=True, exist_ok=True)
    for day in lapor_days():
        name = f"Laporan_Ringkas_{day}_{LAPOR_TIME:%H%M}.xlsx"
        write_snapshot(out / "lapor" / name, snapshot(day, complaints))
    for day in register_days():
        name = f"register_{day}_{REGISTER_TIME:%H%M}.csv"
        rows = register(day, complaints)
        (out / "register" / name).write_bytes(register_bytes(day, rows))


def truth(complaints: list[SampleComplaint]) -> str:
    """What the simulation knows on the last morning, for whoever compares a report with it."""
    lines = []
    for source in ("lapor", "desk"):
        mine = [c for c in complaints if c.source == source]
        looks = [c for c in mine if open_and_late(c, published=source == "desk")]
        lines.append(
            f"{source}: {len(mine)} complaints, open and late: "
            f"{sum(bool(open_and_late(c)) for c in mine)} in truth, "
            f"{len(looks)} as its exports show it"
        )
    rules: dict[str, Counter] = {}
    for c in complaints:
        for d in deadlines(c):
            state = ("open" if d.open() else "done") + (" late" if d.late() else "")
            rules.setdefault(d.rule, Counter())[state] += 1
    lines += [f"  {rule}: {dict(sorted(states.items()))}" for rule, states in rules.items()]
    units: dict[str, Counter] = {}
    for c in complaints:
        units.setdefault(c.unit, Counter())["all"] += 1
        if any(d.provider and d.late() for d in deadlines(c)):
            units[c.unit]["late"] += 1
        if open_and_late(c):
            units[c.unit]["open late"] += 1
    for unit, n in sorted(units.items()):
        on_time = 1 - n["late"] / n["all"]
        lines.append(
            f"  {unit}: {n['all']} complaints, {on_time:.0%} on time, {n['open late']} open late"
        )
    for c in complaints:
        rules_late = ", ".join(f"{d.rule} due {d.due}" for d in open_and_late(c))
        if rules_late:
            lines.append(f"  open late: {c.number} {c.unit}: {rules_late}")
    late = sum(n["late"] for n in units.values())
    lines.append(f"all: {1 - late / len(complaints):.0%} of complaints missed no deadline")
    return "\n".join(lines)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description="Write the invented inbox of the example site.")
    parser.add_argument("--out", type=Path, default=HERE / "inbox", help="folder to write into")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--truth", action="store_true", help="print what the simulation knows")
    arguments = parser.parse_args()
    complaints = simulate(arguments.seed)
    write_inbox(arguments.out, complaints)
    if arguments.truth:
        print(truth(complaints))


if __name__ == "__main__":
    main()
