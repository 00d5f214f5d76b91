"""What a replay would have sent is what was sent, and what a proposal changes is what it shows.

See `front_desk` for the complaints; each has a unit of its own. Registers come at 07:00, deadlines
are judged at 06:05, 12:05 and 18:05, mail goes out at 07:35, 12:35 and 18:35. November 2026 has no
holiday: 16 and 23 are Mondays.
"""

import asyncio
import csv
import errno
import json
import os
import random
import shutil
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from alembic import command
from conftest import ON_SQLITE_FIRST, example_site, kind_of_database, wita
from prefect.server.schemas.schedules import CronSchedule
from sqlalchemy import event, func, select, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session
from support.pipeline import at, decide, deliver, dump, messages, register, since
from support.servers.smtp_servers import Letter, running
from support.small_site import REPORT, STATUS, TICKET, UNIT, export

from cli import console
from db import complaints
from db.engine import NotReady, open_engine, reading
from db.mails.mail_items import MailContents, items_of
from db.migrate import alembic_config
from db.models import (
    Bounce,
    Complaint,
    DeliveryAttempt,
    MessageRow,
    NoticeRow,
    Ruleset,
    SourceImport,
)
from db.notices import acceptances
from db.replica import replay_queue
from db.replica.build import copy_known, empty_replica
from settings.errors import SettingsError
from sla.directory import Role
from sla.events import Event
from sla.ladders import NoticeKind
from tasks.common.context import RunContext, SiteContext
from tasks.evaluation.case_store import CaseStore
from tasks.intake import pull
from tasks.notifications.mail_items import notice_views
from tasks.simulation import tally
from tasks.simulation.cron import CronTimes
from tasks.simulation.replay import ReplayContext, ReplayResult, SimulatedNotice
from tasks.simulation.replay_cases import ReplayCases
from tasks.simulation.simulate import Simulation, simulate

FIRST, LAST = date(2026, 11, 16), date(2026, 11, 30)
ON_POSTGRESQL = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
"""Of what is told, some on this kind; all else is on SQLite."""
JUDGED, SENT = ("06:05", "12:05", "18:05"), ("07:35", "12:35", "18:35")


@pytest.fixture
def database_url(request: pytest.FixtureRequest) -> str:
    """What is replayed hangs on no database; that all is copied from it does."""
    return kind_of_database(request)


def few_ticks(site: Path) -> Path:
    """Let the schedules of a site have few ticks, and its last ladder few rungs."""
    place = site / "site.toml"
    text = place.read_text(encoding="utf-8")
    text = text.replace('["5 * * * *", "30 7 * * 1-5"]', '"5 6,12,18 * * *"')
    text = text.replace('delivery = "*/5 * * * *"', 'delivery = "35 7,12,18 * * *"')
    place.write_text(text, encoding="utf-8")
    place = site / "escalation.toml"
    above, star, rest = place.read_text("utf-8").partition('[[ladder]]\nrules = ["*"]')
    rungs = [rung for rung in rest.split("[[ladder.rung]]") if '"last-day"' not in rung]
    rest = "[[ladder.rung]]".join(rungs).replace('weekly = "monday"\n', "")
    rest = rest.replace('"head_of_unit"]\nrepeat = "5wd"', '"head_of_unit"]')
    place.write_text(above + star + rest, encoding="utf-8")
    return site


@pytest.fixture
def context(site_folder, open_context) -> SiteContext:
    """The example site with schedules that have few ticks."""
    few_ticks(site_folder)
    return open_context()


@pytest.fixture
def server(context):
    with running() as server:
        context.site.mail_url = server.url()
        yield server


Story = list[tuple[str, dict[str, str]]]
"""What the register says of complaints, each from a moment on."""


def known(*entries: dict[str, str]) -> Story:
    """What the register says from the 17th on, and no more."""
    return [("2026-11-17 06:00", entry) for entry in entries]


def days(first: date, last: date) -> Iterator[date]:
    yield from (first + timedelta(number) for number in range((last - first).days + 1))


def show(context: SiteContext, story: Story, day: date) -> None:
    """The register of a working morning, with what is known by then."""
    now = f"{day} 07:00"
    entries = {entry["No Register"]: entry for moment, entry in story if moment <= now}
    if day.weekday() < 5:
        register(context, now, *entries.values())


def recorded(context: SiteContext, story: Story, first: date = FIRST, last: date = LAST) -> None:
    """All registers of a time, and nothing done about them."""
    for day in days(first, last):
        show(context, story, day)


def lived(context: SiteContext, morning: Callable[[date], None], first: date, last: date) -> None:
    """A time as it really is lived through: intake at 07:00, deadlines and delivery."""
    for day in days(first, last):
        decide(context, f"{day} 06:05")
        morning(day)
        deliver(context, f"{day} 07:35")
        for hour, going in zip(JUDGED[1:], SENT[1:], strict=True):
            decide(context, f"{day} {hour}")
            deliver(context, f"{day} {going}")


def replayed(context: SiteContext, first: date = FIRST, last: date = LAST, **more) -> ReplayResult:
    (outcome,) = simulate(context.site, None, first, last, **more).outcomes
    return outcome


Telling = tuple[str, str, str, str, str, str]


def really_told(
    context: SiteContext, first: date, last: date
) -> tuple[Counter[Telling], Counter[tuple]]:
    """What went out between two days: each notice with its mail, and the mails."""
    told: Counter[Telling] = Counter()
    mails: Counter[tuple] = Counter()
    with context.transaction() as session:
        for message in session.scalars(select(MessageRow).where(MessageRow.kind == "notices")):
            if message.status != "sent":
                continue
            day = context.local(message.sent_at).date()
            if first <= day <= last:
                about = [item for item in message.items if item.included and not item.correction]
                mails[str(day), message.recipient] += bool(about)
                for item in message.items:
                    n = item.notice
                    if item in about:
                        told[str(day), message.recipient, item.role, n.unit, n.rung, n.rule] += 1
    return told, +mails


def told_by(outcome: ReplayResult) -> tuple[Counter[Telling], Counter[tuple]]:
    told = Counter(
        (str(t.day), t.recipient, t.role, t.unit, t.rung, t.rule) for t in outcome.notices
    )
    mails = {(t.mail, str(t.day), t.recipient) for t in outcome.notices}
    return told, Counter((day, recipient) for _, day, recipient in mails)


def steps(outcome: ReplayResult, unit: str | None = None) -> list[str]:
    """'20 day-before': on which days of the month which rungs were told (of a unit)."""
    found = {(t.day, t.rung) for t in outcome.notices if unit in (None, t.unit)}
    return [f"{day:%d} {rung}" for day, rung in sorted(found)]


def named(outcome: ReplayResult) -> list[tuple[str, SimulatedNotice]]:
    return [(f"{told.day:%d} {told.rung}", told) for told in outcome.notices]


SETTLED = {"Selesai": "20/11/2026 06:30"}
HANDED_ON = {
    "Dikembalikan": "20/11/2026 09:00",
    "Unit Pengganti": "Disdukcapil",
    "Diteruskan Kembali": "20/11/2026 09:10",
}
WAITING = {TICKET: "5010001", STATUS: "Belum Terverifikasi", UNIT: ""}
STORY: Story = [
    ("2026-11-16 06:00", {"No Register": "FD-0", "Unit": "Dinas Sosial", **since("13/11/2026")}),
    *(
        ("2026-11-17 06:00", at(unit, f"FD-{number}"))
        for number, unit in enumerate(
            ("Dinas Kesehatan", "DLH", "Dinas PUPR", "Satpol PP", "Dinas Perkim", "Dishub"),
            start=1,
        )
    ),
    # settled before the mail that was owed at 06:05 has gone
    ("2026-11-20 06:30", at("Dinas Kesehatan", "FD-1", **SETTLED)),
    # settled in time, as the register tells much later
    ("2026-11-25 06:00", at("DLH", "FD-2", Selesai="19/11/2026 08:00")),
    ("2026-11-19 06:00", at("Dinas PUPR", "FD-3", Ditunda="18/11/2026 15:00")),
    (
        "2026-11-24 06:00",
        at("Dinas PUPR", "FD-3", Ditunda="18/11/2026 15:00", Dilanjutkan="23/11/2026 10:00"),
    ),
    ("2026-11-23 06:00", at("Satpol PP", "FD-4", **HANDED_ON)),
    # another classification: other rules
    ("2026-11-20 06:00", at("Dinas Perkim", "FD-5", Klasifikasi="Aspirasi")),
]


# --- what is lived through once, and copied -------------------------------------------------------


@contextmanager
def elsewhere(folder: Path, template: Path) -> Iterator[SiteContext]:
    """The same site in a folder that outlives a test, on SQLite."""
    shutil.copyfile(template, folder / "tenggat.db")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("TENGGAT_VAR", str(folder / "var"))
        environment.setenv("TENGGAT_DATABASE_URL", f"sqlite:///{folder}/tenggat.db")
        context = SiteContext.open(few_ticks(example_site(folder / "site")))
        yield context
        context.close()


def copy_of(context: SiteContext, file: Path) -> Path:
    """A copy of the present state of an office's SQLite database."""
    with context.engine.connect() as connection, closing(sqlite3.connect(file)) as copy:
        connection.connection.driver_connection.backup(copy)
    return file


def given(context: SiteContext, state: Path) -> None:
    """Let this office, which is on SQLite, have this state of its database."""
    context.close()
    assert context.engine.url.database is not None
    shutil.copyfile(state, context.engine.url.database)


@dataclass(frozen=True)
class Life:
    """The story as it was lived through: the database at the end of days, and all letters."""

    states: dict[date, Path]
    letters: list[Letter]


@pytest.fixture(scope="module")
def life(tmp_path_factory, sqlite_template) -> Life:
    folder, first, states = tmp_path_factory.mktemp("life"), FIRST, {}
    with elsewhere(folder, sqlite_template) as context, running() as server:
        context.site.mail_url = server.url()
        for last in (date(2026, 11, 20), date(2026, 11, 24), LAST):
            lived(context, lambda day: show(context, STORY, day), first, last)
            states[last] = copy_of(context, folder / f"{last}.db")
            first = last + timedelta(days=1)
    return Life(states, server.letters)


@pytest.fixture(scope="module")
def story_recorded(tmp_path_factory, sqlite_template) -> Path:
    """The database with all registers of the story, and nothing done about them."""
    folder = tmp_path_factory.mktemp("recorded")
    with elsewhere(folder, sqlite_template) as context:
        recorded(context, STORY)
        return copy_of(context, folder / "recorded.db")


# --- the same as really happened ------------------------------------------------------------------


def test_a_replay_tells_just_what_was_really_told(context, life):
    """Two weeks, from the first day and from one in the middle, with a mail waiting overnight."""
    given(context, life.states[LAST])
    told, mails = really_told(context, FIRST, LAST)
    outcome = replayed(context)
    assert told_by(outcome) == (told, mails)
    arrived = Counter((f"{a.mail['Date'].datetime:%Y-%m-%d}", a.recipient) for a in life.letters)
    assert arrived - mails == {
        ("2026-11-24", "admin.lapor@contohkab.example"): 1,
        ("2026-11-25", "penghubung.dlh@contohkab.example"): 1,  # a correction
        ("2026-11-25", "kepala.dlh@contohkab.example"): 1,
    }
    assert outcome.alerts == {"vacancy": 1}  # Dinas Perhubungan has no head
    for middle in (date(2026, 11, 20), date(2026, 11, 24)):
        assert told_by(replayed(context, first=middle)) == really_told(context, middle, LAST)
    assert "cancelled" in {message.status for message in messages(context)}
    assert {rung for _, _, _, _, rung, _ in told} == {"half", "day-before", "breach", "plus-3"}


@pytest.mark.thorough
def test_a_reminder_that_a_pause_moves_is_told_again_on_its_new_day(context, server):
    """From Friday to Wednesday the clock stands still, after the reminder of its last but one day.

    A replay from the middle knows only the notice of the first day, or that it has moved.
    """
    paused = {"Ditunda": "20/11/2026 15:00"}
    story = [
        *known(at("DLH")),
        ("2026-11-23 06:00", at("DLH", **paused)),
        ("2026-11-25 06:00", at("DLH", **paused, Dilanjutkan="25/11/2026 05:00")),
    ]
    lived(context, partial(show, context, story), FIRST, LAST)
    outcome = replayed(context)
    assert steps(outcome) == ["19 half", "20 day-before", "25 day-before", "27 breach"]
    for first in (FIRST, date(2026, 11, 20), date(2026, 11, 24), date(2026, 11, 26)):
        assert told_by(replayed(context, first=first)) == really_told(context, first, LAST)


@pytest.mark.thorough
@ON_POSTGRESQL
def test_each_complaint_is_told_of_as_its_events_became_known(context):
    recorded(context, STORY)
    outcome = replayed(context)
    assert {unit: steps(outcome, unit) for unit in sorted({t.unit for t in outcome.notices})} == {
        "dinkes": ["19 half"],
        "dinsos": ["18 half", "19 day-before", "23 breach", "26 plus-3"],
        "dishub": ["19 half", "20 day-before", "24 breach", "27 plus-3"],
        "dlh": ["19 half", "20 day-before", "24 breach"],
        "dukcapil": [
            "23 day-before",
            "24 breach",
            "25 half",
            "26 day-before",
            "27 plus-3",
            "30 breach",
        ],
        "perkim": ["19 half", "20 day-before", "24 breach", "27 plus-3"],
        "pupr": ["24 half", "25 day-before", "27 breach"],
        "satpolpp": ["19 half", "20 day-before"],
    }
    rules = {(t.rung, t.rule.partition("/")[2]) for t in outcome.notices if t.unit == "perkim"}
    assert rules == {
        ("half", "information"),
        ("day-before", "aspiration"),
        ("breach", "aspiration"),
        ("plus-3", "aspiration"),
    }


@pytest.mark.thorough
def test_a_snapshot_source_is_replayed_by_its_looks(context, server):
    """Another classification from the 5th on; no export from the 6th to the 8th."""
    first, last = date(2026, 11, 2), date(2026, 11, 20)

    def morning(day: date) -> None:
        if day == first or day.day in (6, 7, 8):
            return
        more = {"Klasifikasi Laporan": "Aspirasi"} if day.day > 4 else {}
        more |= {STATUS: "Ditutup oleh Admin"} if day.day > 16 else {}
        export(context.site.folder, f"{day} 07:00", WAITING | more, REPORT | more)
        assert pull(context, "lapor", wita(f"{day} 07:00")).quarantined == 0

    lived(context, morning, first, last)
    outcome = replayed(context, first, last)
    assert told_by(outcome) == really_told(context, first, last)
    assert steps(outcome) == [
        "04 half",
        "05 half",
        "05 last-day",
        "06 day-before",
        "09 breach",
        "16 breach",
        "16 plus-3",
    ]


@pytest.mark.thorough
def test_what_was_told_before_the_first_day_stays_told_unless_it_is_forgotten(context, life):
    given(context, life.states[date(2026, 11, 24)])
    recorded(context, STORY, date(2026, 11, 25), LAST)
    first = date(2026, 11, 25)
    later = replayed(context, first)
    assert steps(later) == [
        "25 day-before",
        "25 half",
        "26 day-before",
        "26 plus-3",
        "27 breach",
        "27 plus-3",
        "30 breach",
    ]
    forgetful = replayed(context, first, from_scratch=True)
    assert set(steps(forgetful)) - set(steps(later)) == {"25 breach", "30 plus-3"}
    assert {t.unit for t in forgetful.notices if t.rung == "breach" and t.day == first} == {
        "dinsos",
        "dishub",
        "dukcapil",
        "perkim",
    }


BREACH = {("24 breach", "penghubung.dlh"), ("24 breach", "kepala.dlh")}


@pytest.mark.thorough
@ON_POSTGRESQL
def test_a_mail_that_waited_overnight_goes_when_it_really_went(context, server):
    register(context, "2026-11-23 17:30", at("DLH", **since("13/11/2026")))
    decide(context, "2026-11-23 18:05")
    deliver(context, "2026-11-24 12:35")  # the machine was off in the morning
    first = date(2026, 11, 24)
    outcome = replayed(context, first, first)
    assert told_by(outcome) == really_told(context, first, first)
    assert {(step, t.recipient.partition("@")[0]) for step, t in named(outcome)} == BREACH


@pytest.mark.parametrize("fate", ["queued", "held", "dead"])
def test_a_mail_that_waited_and_never_went_goes_on_the_first_morning(fate, context):
    """The replay has a server that takes everything."""
    register(context, "2026-11-23 17:30", at("DLH", **since("13/11/2026")))
    decide(context, "2026-11-23 18:05")
    with context.transaction() as session:
        for message in session.scalars(select(MessageRow)):
            message.status = fate
            if fate == "dead":
                at_last = wita("2026-11-25 08:00")
                refusal = DeliveryAttempt(attempted_at=at_last, outcome="refused", answer="")
                message.next_attempt_at = None
                message.attempts.append(refusal)
    outcome = replayed(context, date(2026, 11, 24))
    told = {(step, t.recipient.partition("@")[0]) for step, t in named(outcome)}
    assert {each for each in told if "breach" in each[0]} == BREACH
    if fate == "dead":  # before
        later = replayed(context, date(2026, 11, 26))
        assert not any("breach" in step for step in steps(later))


@pytest.mark.thorough
def test_what_has_come_to_rest_is_left_out_and_nothing_is_missed(context):
    """By another ruleset than the last run's everything is judged: with the same outcome."""
    for day in days(FIRST, LAST):
        decide(context, f"{day} 06:05")
        show(context, STORY, day)
    middle = date(2026, 11, 26)
    replica = empty_replica()
    begin = wita("2026-11-26 00:00")
    with reading(context.site.database_url) as source, Session(replica) as session:
        copy_known(source, session, begin=begin, end=begin, derived=())
        replay_queue.wake_restless(source, session, begin)
        asleep = select(Complaint.ticket).where(Complaint.next_action_at.is_(None))
        assert set(session.scalars(asleep)) == {"FD-1", "FD-2"}
    replica.dispose()
    spared = replayed(context, middle, from_scratch=True)
    with context.transaction() as session:
        session.execute(update(Ruleset).values(fingerprint="another"))
    assert spared == replayed(context, middle, from_scratch=True)
    assert spared.due > 0


@pytest.mark.thorough
@ON_POSTGRESQL
def test_mail_does_not_go_to_an_address_from_the_day_on_which_it_came_back(context):
    recorded(context, known(at("Dinas Sosial")))
    with context.transaction() as session:
        session.add(
            Bounce(
                address="penghubung.dinsos@contohkab.example",
                report_id="1",
                code="5.1.1",
                answer="",
                reported_at=wita("2026-11-19 12:00"),
                recorded_at=wita("2026-11-19 12:00"),
                lifted_at=wita("2026-11-23 12:00"),
            )
        )
    told = [(t.rung, t.recipient.partition("@")[0]) for t in replayed(context).notices]
    assert told[:2] == [("half", "penghubung.dinsos"), ("day-before", "penghubung.kab")]
    assert ("breach", "penghubung.dinsos") in told[2:]


@pytest.mark.thorough
def test_corrections_and_inventories_are_counted(context):
    """Both were late before the first register; one of the 26th shows that FD-1 was in time."""
    late, old = at("Dinas Sosial"), at("DLH", "FD-2", **since("02/11/2026"))
    register(context, "2026-11-24 07:00", late, old, begun=None)
    done = late | {"Selesai": "20/11/2026 09:00"}
    register(context, "2026-11-26 07:00", done, old)
    found = replayed(context, last=date(2026, 11, 26))
    assert (found.inventories, found.corrections) == (4, 2)  # to liaison and head of each unit
    assert found.known_to_units == 1
    register(context, "2026-11-27 07:00", done, old)
    found = replayed(context)  # the regional secretary hears on Monday
    assert (found.inventories, found.corrections, found.known_to_units) == (4, 2, 0)


def test_a_site_without_complaints_would_have_sent_nothing(context):
    simulation = simulate(context.site, context.site, FIRST, LAST)
    assert simulation.outcomes == (ReplayResult(), ReplayResult())
    assert simulation.recorded_from is None
    assert simulation.recorded_until is None
    assert tally.rows(simulation) == []


# --- what a proposal changes ----------------------------------------------------------------------


def ladder_with(context: SiteContext, old: str, new: str, where: Path) -> Path:
    """The site's escalation.toml with one thing changed."""
    text = (context.site.folder / "escalation.toml").read_text(encoding="utf-8")
    assert old in text
    where.write_text(text.replace(old, new), encoding="utf-8")
    return where


def compared(
    context: SiteContext, ladder: Path | None = None, law: Path | None = None
) -> Simulation:
    return simulate(context.site, context.site.proposed(ladder, law), FIRST, LAST)


def changes(simulation: Simulation) -> list[str]:
    """'25 plus-3 regional_secretary 0>1': what differs, by day, rung and role."""
    tallies = tally.tally_by(simulation, lambda told: f"{told.day:%d} {told.rung} {told.role}")
    return [
        f"{key} {before.notices}>{after.notices}"
        for key, (before, after) in sorted(tallies.items())
        if before != after
    ]


@pytest.mark.thorough
def test_a_changed_rung_changes_just_what_hangs_on_it(context, tmp_path):
    recorded(context, known(at("DLH", "FD-1"), at("Dinkes", "FD-2")))
    earlier = ladder_with(context, 'at = "+3wd"', 'at = "+2wd"', tmp_path / "earlier.toml")
    assert changes(compared(context, earlier)) == [
        "26 plus-3 regional_secretary 0>2",
        "27 plus-3 regional_secretary 2>0",
    ]


RUNG = """[[ladder.rung]]
id = "{0}"
at = "{1}"
kind = "escalation"
to = ["{2}"]

"""


@pytest.mark.thorough
def test_another_rung_tells_at_once_what_has_passed_it(context, server, tmp_path):
    """Due on the 9th and told of up to plus-3: of the new rungs only the higher one is told."""
    story = [("2026-11-09 06:00", at("DLH", **since("02/11/2026")))]
    lived(context, lambda day: show(context, story, day), date(2026, 11, 9), date(2026, 11, 15))
    recorded(context, story)
    old = RUNG.format("plus-3", "+3wd", "regional_secretary")
    new = RUNG.format("plus-1", "+1wd", "inspector") + old + RUNG.format("plus-4", "+4wd", "regent")
    assert changes(compared(context, ladder_with(context, old, new, tmp_path / "more.toml"))) == [
        "16 plus-4 regent 0>1",
    ]


@pytest.mark.thorough
def test_a_hold_is_silence_for_its_units(context, tmp_path):
    recorded(context, known(at("DLH", "FD-1"), at("Dinkes", "FD-2")))
    hold = '[[hold]]\nunits = ["dlh"]\nrungs = ["half", "plus-3"]\nreason = "pindah kantor"\n\n'
    held = ladder_with(
        context,
        '[[ladder]]\nrules = ["*"]',
        hold + '[[ladder]]\nrules = ["*"]',
        tmp_path / "held.toml",
    )
    simulation = compared(context, held)
    assert changes(simulation) == [
        "19 half liaison 2>1",
        "27 plus-3 regional_secretary 2>1",
    ]
    assert [outcome.suppressed for outcome in simulation.outcomes] == [0, 2]


LAW = """
[regulation]
key = "perbup-12-2026"
title = "Peraturan Bupati Contoh Nomor 12 Tahun 2026"
citation = "Perbup 12/2026"
in_force = { from = 2026-01-01 }

[[rule]]
id = "information"
overrides = "sp4n-guideline/information"
basis = "Peraturan Bupati Contoh Nomor 12 Tahun 2026"
article = "Pasal 7"
length = 3
certainty = "seen"
"""


@pytest.fixture
def law(tmp_path) -> Path:
    """A folder of regulations in which information is due in 3 working days instead of 5."""
    folder = tmp_path / "law"
    folder.mkdir()
    (folder / "perbup.toml").write_text(LAW, encoding="utf-8")
    return folder


@pytest.mark.thorough
def test_a_shorter_rule_moves_its_notices_and_no_others(context, law):
    """Due on Thursday the 19th instead of Monday the 23rd, when it was settled."""
    settled = at("Dinkes", Selesai="23/11/2026 09:00")
    story = known(at("Dinkes"), at("DLH", "FD-2", Klasifikasi="Aspirasi"))
    recorded(context, [*story, ("2026-11-24 06:00", settled)])
    simulation = compared(context, law=law)
    before, after = simulation.outcomes
    assert steps(before, "dlh") == ["19 half", "20 day-before", "24 breach", "27 plus-3"]
    assert steps(after, "dlh") == steps(before, "dlh")
    assert steps(before, "dinkes") == ["19 half", "20 day-before"]
    assert steps(after, "dinkes") == ["18 day-before", "20 breach"]
    assert (after.due, before.missed, after.missed) == (before.due, 1, 2)


@pytest.mark.thorough
def test_a_storm_is_named_and_what_follows_is_shown_all_the_same(context, law):
    units = ("Dinas Sosial", "DLH", "Dinas Kesehatan", "Dinas PUPR", "Satpol PP")
    recorded(context, known(*(at(unit, f"FD-{n}") for n, unit in enumerate(units))))
    free = replayed(context)
    assert free.storms == []
    guard = context.site.file.mail.storm.model_copy(update={"most": 6})
    mail = context.site.file.mail.model_copy(update={"storm": guard})
    context.site.file = context.site.file.model_copy(update={"mail": mail})
    held = replayed(context)
    assert [(f"{context.local(s.at):%d %H:%M}", s.mails, s.mail_limit) for s in held.storms] == [
        ("24 12:05", 11, 6)
    ]
    assert told_by(held) == told_by(free)


# --- the short way --------------------------------------------------------------------------------


def invented(context: SiteContext, seed: int) -> None:
    """Record some complaints by chance, each of their steps on the next morning.

    The first import is that of the 20th: some duties are late before it.
    """
    chance = random.Random(seed)
    units = ("dinsos", "dlh", "dinkes", "pupr", "satpolpp")
    mornings = [wita(f"{day} 07:00") for day in days(date(2026, 11, 20), LAST)]
    rows, events = [], []
    for number in range(20):
        moment = came = wita("2026-11-03 07:00") + timedelta(hours=chance.randrange(20 * 24))
        steps = [("received", came)]
        for kind, hours in (("verified", 30), ("assigned", 2), ("responded", 150), ("settled", 90)):
            moment += timedelta(hours=chance.expovariate(1 / hours))
            steps.append((kind, moment))
        known = [(kind, at, next((m for m in mornings if m > at), None)) for kind, at in steps]
        kinds = {"classification": chance.choice(("complaint", "information_request"))}
        hidden = {"anonymous": False, "secret": False}
        rows.append(
            {
                "source": "register",
                "ticket": f"R-{number}",
                "received_at": came,
                "recorded_at": known[0][2],
                "next_action_at": known[0][2],
                **kinds,
                **hidden,
            }
        )
        unit = chance.choice(units)
        events += [
            (
                f"R-{number}",
                Event(kind, at, m, "register", unit=unit if kind == "assigned" else None),
            )
            for kind, at, m in known
            if m is not None
        ]
    with context.transaction() as session:
        ids = complaints.add(session, rows)
        complaints.add_events(session, ((ids[ticket], event) for ticket, event in events))
        session.add_all(
            SourceImport(
                source="register",
                name=f"{number}",
                sha256=f"{number}",
                observed_at=at,
                recorded_at=at,
                **dict.fromkeys(("rows", "new", "updated", "unchanged", "quarantined"), 0),
            )
            for number, at in enumerate(mornings)
        )


class StoredCases(ReplayCases):
    """Every run reads complaints, events, notices and accepted mails from the database."""

    activate_ruleset = CaseStore.activate_ruleset
    evaluated = CaseStore.evaluated
    notices_of = CaseStore.notices_of
    accepted = CaseStore.accepted
    rungs_reached = CaseStore.rungs_reached

    def add(self, run, lapses, deadlines) -> None:
        complaints.add_events(run.session, lapses)
        super().add(run, (), deadlines)


class PlainContext(ReplayContext):
    """Every run reads all facts again and stores the metrics, as a run of the service does."""

    run = SiteContext.run

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.keeps_metrics = True

    def cases(self, session, before_decision) -> ReplayCases:
        return StoredCases(session, before_decision)


def by_whole_desks(run: RunContext, mails: MailContents, *_: object) -> dict[int, Any]:
    """The items that are still true, as the desks of real mails have them."""
    found: dict[int, Any] = {}
    views = notice_views(run, [mail for mail, _ in mails])
    stored = items_of(run.session, views)
    for key, desk in views.items():
        late = {each.complaint for each in desk.items if each.inherited} if desk else set()
        items = next(items for mail, items in mails if mail.id == key)
        for item, known in zip(items, stored[key], strict=True):
            item.included, item.left_out = known.included, known.left_out
        first = {
            item.notice.complaint_id
            for item in items
            if item.included and not item.correction
            if (item.notice.kind, item.notice.repeat) == (NoticeKind.BREACH, 0)
        }
        found[key] = None if desk is None else frozenset(late & first)
    return found


@pytest.mark.thorough
@pytest.mark.parametrize("seed", [1, 2])
def test_a_replay_leaves_out_only_work_without_effect(context, monkeypatch, seed):
    """It does not read known facts again, and it composes no desks. A returned mail counts."""
    invented(context, seed)
    address = context.site.directory.holders(Role.LIAISON, "dinkes", FIRST).offices[0].email
    back, again = wita("2026-11-21 09:00"), wita("2026-11-25 09:00")
    with context.transaction() as session:
        mail = {"address": address.casefold(), "report_id": "1", "code": "", "answer": ""}
        session.add(Bounce(reported_at=back, recorded_at=back, lifted_at=again, **mail))
    short = replayed(context)
    monkeypatch.setattr("tasks.simulation.simulate.ReplayContext", PlainContext)
    monkeypatch.setattr("tasks.simulation.replay.items_still_true", by_whole_desks)
    assert len(short.notices) > 20
    assert short.inventories
    assert replayed(context) == short


def test_a_replay_wakes_at_no_event_that_is_not_recorded_yet(context):
    """The settlement of the 18th at 14:00 comes with the register of the 20th. On the 19th half of
    the time has passed.
    """
    settled = at("DLH", "FD-2", Selesai="18/11/2026 14:00")
    story = [("2026-11-17 06:00", at("DLH", "FD-2")), ("2026-11-20 06:00", settled)]
    first, last = date(2026, 11, 17), date(2026, 11, 20)
    for day in (first, last):
        show(context, story, day)
    ticks: list[datetime] = []
    simulate(context.site, None, first, last, say=ticks.append)
    assert {context.local(tick).day for tick in ticks} == {17, 19, 20}


def test_a_replay_loads_no_notice_for_each_decision(context):
    """That would take longer than the decisions. Those of a complaint at rest come once more."""
    invented(context, 1)
    loaded: Counter[int] = Counter()

    def note(notice: NoticeRow, _context: object) -> None:
        loaded[notice.id] += 1

    event.listen(NoticeRow, "load", note)
    try:
        outcome = replayed(context)
    finally:
        event.remove(NoticeRow, "load", note)
    assert {each.notice for each in outcome.notices} <= loaded.keys()
    assert max(loaded.values()) <= 2


def test_accepted_mails_are_found_by_their_notices():
    """A database without statistics would otherwise read every sent mail again in each run."""
    replica = empty_replica()
    with Session(replica) as session:
        statements: list[tuple[str, tuple]] = []

        def note(_connection, _cursor, statement, parameters, *_more) -> None:
            statements.append((statement, parameters))

        event.listen(replica, "before_cursor_execute", note)
        assert acceptances(session, [1, 2], wita("2026-11-24 08:00")) == {}
        query, parameters = next(each for each in statements if "message_item" in each[0])
        plan = session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {query}", parameters)
        steps = " ".join(row[3] for row in plan)
    replica.dispose()
    assert "ix_message_item_notice_id" in steps
    assert "ix_message_pending" not in steps


# --- nothing is touched ---------------------------------------------------------------------------


@pytest.mark.thorough
def test_nothing_is_written_and_nothing_is_sent(context, server, life, law, tmp_path):
    given(context, life.states[date(2026, 11, 20)])
    before = dump(context)
    letters, connections = len(server.letters), server.connections
    context.close()
    files = state_of(tmp_path)
    simulation = simulate(context.site, context.site.proposed(None, law), FIRST, LAST)
    assert all(outcome.notices for outcome in simulation.outcomes)
    assert state_of(tmp_path) == files
    assert (len(server.letters), server.connections) == (letters, connections)
    assert dump(context) == before


def state_of(folder: Path) -> dict[str, tuple[int, int]]:
    """Every file below a folder, with its size and the time of its last change."""
    return {
        str(path.relative_to(folder)): (path.stat().st_size, path.stat().st_mtime_ns)
        for path in sorted(folder.rglob("*"))
    }


@ON_SQLITE_FIRST
def test_a_replica_holds_nothing_that_a_complainant_gave(context):
    recorded(context, known(at("Dinkes", Perihal="Syarat pindah alamat")))
    replica = empty_replica()
    with (
        reading(context.site.database_url) as source,
        SiteContext(context.site, replica).transaction() as s,
    ):
        assert source.scalars(select(Complaint.title)).all() == ["Syarat pindah alamat"]
        copy_known(
            source, s, begin=wita("2026-11-16 00:00"), end=wita("2026-12-01 00:00"), derived=()
        )
        (row,) = s.scalars(select(Complaint))
        assert row.ticket == "FD-1"
        assert [row.title, row.text, row.attachments, row.reporter] == [None] * 4
    replica.dispose()


@ON_SQLITE_FIRST
def test_a_database_is_read_in_one_state_while_others_write(context):
    register(context, "2026-11-17 07:00", at("Dinkes"))
    count = select(func.count()).select_from(Complaint)
    with reading(context.site.database_url) as source:
        assert source.scalar(count) == 1
        register(context, "2026-11-18 07:00", at("Dinkes"), at("DLH", "FD-2"))
        assert source.scalar(count) == 1
        with pytest.raises(DBAPIError, match=r"read-?only"):
            source.execute(update(Complaint).values(unit="dlh"))


def test_a_database_that_is_not_ready_is_left_as_it_is(
    empty_database_url, tmp_path, later_revision
):
    def refused() -> str:
        with pytest.raises(NotReady) as error, reading(empty_database_url):
            pytest.fail("was opened")
        return str(error.value)

    if empty_database_url.startswith("sqlite"):
        assert refused().startswith("no database at")
        assert list(tmp_path.iterdir()) == []
    engine = open_engine(empty_database_url)
    with engine.connect():
        assert "the database is empty; `tenggat run` brings it up to date" in refused()
    command.upgrade(alembic_config(engine), "0002")
    assert f"is at revision 0002, not {later_revision}" in refused()
    engine.dispose()


# --- when -----------------------------------------------------------------------------------------


def test_ticks_are_those_of_the_schedule_in_the_site_s_zone(context):
    with asyncio.Runner() as runner:
        ticks = CronTimes(context.site, "deadlines", runner)
        for moment, tick in (
            ("2026-11-24 06:05:00", "2026-11-24 06:05"),
            ("2026-11-24 06:05:01", "2026-11-24 12:05"),
            ("2026-11-24 18:06:00", "2026-11-25 06:05"),
        ):
            assert ticks.at_or_after(wita(moment)) == wita(tick)


@pytest.mark.parametrize(
    ("cron", "begin", "ticks"),
    [
        # 8 March has no time between 2 and 3 o'clock in Boston, 1 November has 1 to 2 twice
        ("30 2 * * *", "2026-03-07T00:00", ["07 07:30", "08 06:30", "09 06:30"]),
        ("30 2 * * *", "2026-10-31T00:00", ["31 06:30", "01 07:30", "02 07:30"]),
        ("30 1 * * *", "2026-10-31T00:00", ["31 05:30", "01 05:30", "02 06:30"]),
        ("5 * * * *", "2026-03-08T05:30", ["08 06:05", "08 07:05", "08 08:05"]),
    ],
)
def test_on_the_night_of_a_clock_change_a_schedule_runs_once(context, cron, begin, ticks):
    of_deadlines = context.site.file.schedules.model_copy(update={"deadlines": cron})
    context.site.file = context.site.file.model_copy(update={"schedules": of_deadlines})
    context.site.zone = ZoneInfo("America/New_York")
    found: set[str] = set()
    start = datetime.fromisoformat(begin).replace(tzinfo=UTC)
    end = start + timedelta(hours=72)
    with asyncio.Runner() as runner:
        schedule = CronTimes(context.site, "deadlines", runner)
        asked = start
        while len(found) < len(ticks) and asked < end:
            tick = schedule.at_or_after(asked)
            assert tick >= asked
            found.add(f"{tick:%d %H:%M}")
            asked += timedelta(minutes=15)  # whenever it is asked, the same ticks
    assert sorted(found) == sorted(ticks)


@pytest.mark.parametrize("zone", ["Asia/Makassar", "America/New_York"])
@pytest.mark.parametrize("cron", ["5 * * * *", "*/20 * * * *", "30 7 * * 1-5", "15 3 1 * *"])
def test_a_schedule_that_repeats_has_the_ticks_that_prefect_computes(context, cron, zone):
    of_deadlines = context.site.file.schedules.model_copy(update={"deadlines": cron})
    context.site.file = context.site.file.model_copy(update={"schedules": of_deadlines})
    context.site.zone = ZoneInfo(zone)
    computed = CronSchedule(cron=cron, timezone=zone)
    chance, moment = random.Random(7), datetime(2026, 2, 20, tzinfo=UTC)
    with asyncio.Runner() as runner:
        schedule = CronTimes(context.site, "deadlines", runner)
        for hours in (*[5] * 90, *[chance.randrange(1, 400) for _ in range(30)]):
            moment += timedelta(hours=hours, minutes=chance.randrange(60))
            dates = runner.run(computed.get_dates(n=9, start=moment))
            assert schedule.at_or_after(moment) == min(each for each in dates if each >= moment)


def test_a_schedule_that_is_none_is_named_with_its_file(context):
    schedules = context.site.file.schedules.model_copy(update={"delivery": "every morning"})
    context.site.file = context.site.file.model_copy(update={"schedules": schedules})
    with pytest.raises(SettingsError, match=r"site\.toml: schedules\.delivery: 'every morning'"):
        replayed(context)


# --- as people and programs call it ---------------------------------------------------------------


@pytest.fixture
def call(context, call_tenggat, monkeypatch):
    """`tenggat simulate` on this site."""
    monkeypatch.setenv("TENGGAT_SITE", str(context.site.folder))
    return lambda *arguments: call_tenggat("simulate", *arguments)


SPAN = ("--from", "2026-11-16", "--to", "2026-11-30")


def lines(text: str) -> list[str]:
    """The lines of a table, each with single spaces."""
    return [" ".join(line.split()) for line in text.splitlines()]


@pytest.mark.thorough
def test_people_see_the_time_in_tables(context, call, story_recorded):
    given(context, story_recorded)
    code, out, err = call(*SPAN)
    assert (code, err) == (0, "")
    assert set(lines(out)) >= {
        "Pemerintah Kabupaten Contoh, 2026-11-16 to 2026-11-30: what would have been sent",
        "mails with notices 35",
        "notices sent 27",
        "breaches 7",
        "missed 6",
        "most mails on one day 10 on 2026-11-24",
        "day mails notices reminder breach escalation",
        "2026-11-24 Tue 10 5 1 4",
        "role mails notices half day-before breach plus-3",
        "liaison 26 23 8 8 7",
        "Dinas Lingkungan Hidup 3 1 1 1",
        "sp4n-guideline/information 21 13 5 3",
    }
    assert "→" not in out
    assert "note:" not in out


def once(monkeypatch) -> None:
    """Let the next simulation be made, and all after it be that one."""
    made: list[Simulation] = []

    def simulate_once(*arguments, **more) -> Simulation:
        if not made:
            made.append(simulate(*arguments, **more))
        return made[0]

    monkeypatch.setattr("tasks.simulation.simulate.simulate", simulate_once)


@pytest.mark.thorough
def test_people_see_before_and_after(context, call, law, story_recorded, monkeypatch):
    """In a narrow terminal too, where no figure is cut."""
    given(context, story_recorded)
    once(monkeypatch)
    code, out, _ = call(*SPAN, "--regulations", law)
    assert code == 0
    assert set(lines(out)) >= {
        f"before → after: {law} put in place on 2026-11-16",
        "mails with notices 35→34",
        "missed 6→7",
        "most mails on one day 10 on 2026-11-24 → 7 on 2026-11-18",
        "2026-11-20 Fri 4→7 4 4→1 0→3",
        "sp4n/first-follow-up 3 2 1",
    }
    monkeypatch.setattr(console, "out", console.Output(width=50))
    _, out, _ = call(*SPAN, "--regulations", law)
    assert "…" not in out
    assert "2026-11-20 Fri" in out


@pytest.mark.thorough
def test_people_see_that_nothing_would_be_otherwise(context, call, story_recorded):
    given(context, story_recorded)
    same = context.site.folder / "escalation.toml"
    _, out, _ = call("--from", "2026-11-16", "--to", "2026-11-20", "--ladder", same)
    assert lines(out)[-1].startswith("note: no difference: by the proposed files the same")


SAME = "no difference"
NOTHING = "note: no complaint has been recorded yet, so there is nothing to replay"
TOO_LATE = "note: the first complaint was recorded on 2026-11-24, after these days"
FROM = "note: no complaint was recorded before 2026-11-24: the replay is empty until then"


@pytest.mark.parametrize(
    ("imported", "last", "note", "compared"),
    [
        (False, "2026-11-23", NOTHING, False),
        (True, "2026-11-23", TOO_LATE, False),
        (True, "2026-11-24", FROM, True),
    ],
)
def test_without_complaints_nothing_is_compared(context, call, imported, last, note, compared):
    if imported:
        register(context, "2026-11-24 07:00", at("Dinas Sosial"))
    same = context.site.folder / "escalation.toml"
    code, out, _ = call("--from", "2026-11-23", "--to", last, "--ladder", same)
    assert code == 0
    assert any(line.startswith(note) for line in lines(out)), out
    assert (SAME in out) is compared


@pytest.mark.thorough
def test_programs_get_json_and_csv(context, call, tmp_path, story_recorded, monkeypatch):
    given(context, story_recorded)
    once(monkeypatch)
    ladder = ladder_with(context, 'at = "+3wd"', 'at = "+2wd"', tmp_path / "earlier.toml")
    code, out, _ = call(*SPAN, "--ladder", ladder, "--json")
    assert code == 0
    found = json.loads(out)
    before, after = found["outcomes"]
    assert (before["files"], after["files"]) == ("current", "proposed")
    assert before["mails"] == sum(day["mails"] for day in before["days"].values()) == 35
    assert (before["days"]["2026-11-25"], after["days"]["2026-11-25"]) == (
        {"mails": 3, "notices": 2},
        {"mails": 4, "notices": 3},
    )
    file = tmp_path / "simulated.csv"
    code, out, err = call(*SPAN, "--ladder", ladder, "--csv", file)
    assert (code, out, err) == (0, "", f"{len(found['rows'])} rows written to {file}\n")
    with file.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    assert rows == found["rows"]
    moved = [row for row in rows if row["notices_before"] != row["notices_after"]]
    assert {row["rung"] for row in moved} == {"plus-3"}
    assert moved[0] == {
        "day": "2026-11-25",
        "role": "regional_secretary",
        "unit": "dinsos",
        "rung": "plus-3",
        "kind": "escalation",
        "rule": "sp4n-guideline/information",
        "notices_before": "0",
        "notices_after": "1",
        "mails_before": "0",
        "mails_after": "1",
    }


@pytest.mark.thorough
def test_a_storm_is_told_with_its_numbers(context, call, story_recorded):
    place = context.site.folder / "site.toml"
    text = place.read_text(encoding="utf-8")
    assert "most = 200" in text
    place.write_text(text.replace("most = 200", "most = 6"), encoding="utf-8")
    given(context, story_recorded)
    _, out, _ = call(*SPAN)
    storm = "the run of 2026-11-24 12:05 would be held as a storm: it has 10 mails, more than 6"
    assert f"note: {storm} (they would wait for `tenggat mail release`;" in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--from", "2026-11-30", "--to", "2026-11-16"), "would end (2026-11-16) before it begins"),
        (
            ("--from", "31.11.2026", "--to", "2026-11-30"),
            "'31.11.2026' is no day; write day, month and year, for example 24/11/2026",
        ),
        (("--from", "1999-01-01", "--to", "2026-11-30"), "leaves the site's calendar"),
        (("--from", "2026-11-16", "--to", "9999-12-31"), "leaves the site's calendar"),
        (("--from", "2026-11-16"), "--to"),
        ((*SPAN, "--ladder", "absent.toml"), "absent.toml: no such file"),
        ((*SPAN, "--regulations", "absent"), "absent: no such folder of regulations"),
        ((*SPAN, "--csv", "/nowhere/a.csv"), "cannot write /nowhere/a.csv"),
    ],
)
def test_a_wrong_call_says_what_to_write(call, arguments, message):
    code, out, err = call(*arguments)
    assert (code, out) == (2, "")
    assert message in err


def test_a_replay_that_fails_leaves_no_empty_file(call, monkeypatch, tmp_path):
    def fails(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("tasks.simulation.simulate.simulate", fails)
    code, out, err = call(*SPAN, "--csv", tmp_path / "a.csv")
    assert (code, out) == (1, "")
    assert "No space left on device" in err
    assert list(tmp_path.glob("a*")) == []


def test_a_mistake_in_a_proposal_is_named_by_its_file(context, call, law, tmp_path):
    wrong = ladder_with(context, 'to = ["regent"]', 'to = ["mayor"]', tmp_path / "wrong.toml")
    (law / "perbup.toml").write_text(LAW.replace("length = 3", "length = 0"), encoding="utf-8")
    code, _, err = call(*SPAN, "--ladder", wrong, "--regulations", law)
    assert code == 2
    assert f"{wrong}: " in err
    assert f"{law / 'perbup.toml'}:" in err


def test_what_was_not_recorded_is_not_taken_for_quiet(context, call):
    recorded(context, known(at("Dinkes")), FIRST, date(2026, 11, 19))
    code, out, _ = call(*SPAN)
    assert code == 0
    assert "note: nothing was recorded after 2026-11-19" in out
