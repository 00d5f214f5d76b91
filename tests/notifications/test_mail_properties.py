"""What mail is owed to keep true for any complaints, any outage and any runs.

The complaints are those of the front desk (see `front_desk`): one clock each, five working days.
"""

import re
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from conftest import REPOSITORY, WITA, wita
from crash_tests.databases import Database, SqliteFile, postgres_database
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError
from support.live_sites import set_live
from support.pipeline import at, decide, deliver, messages, register, since
from support.programs import sized
from support.servers.smtp_servers import Server, running

from db.engine import open_engine
from db.lives import NoticeStatus
from db.models import MessageKind, NoticeRow
from db.notices import acceptances
from settings.site import Site, load_site
from sla.ladders import NoticeKind
from tasks.common.context import SiteContext

START = wita("2026-11-16 10:00")
"""A Monday. November has no holiday, December and the months that follow have some."""

UNITS = ("Dinas Sosial", "DLH", "Dinas Perhubungan")  # the last one has no head
ENDS = ("Selesai", "Ditunda", "Dicabut")
"""What lets a clock no longer tick: settled, put off, withdrawn."""

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


pytestmark = pytest.mark.long


def modest(examples: int) -> settings:
    """So many examples, always the same; each takes too long to look for a smaller one."""
    return settings(
        max_examples=sized(examples, 10 * examples),
        phases=(Phase.explicit, Phase.generate),
        suppress_health_check=[HealthCheck.too_slow],
    )


@dataclass(frozen=True)
class Case:
    """A complaint: its number, its unit, when it came in, and perhaps what ended its clock when."""

    number: int
    unit: str
    received: date
    end: str = ""
    ended: datetime | None = None

    @property
    def ticket(self) -> str:
        return f"FD-{self.number}"

    def over(self, moment: datetime) -> bool:
        return self.ended is not None and self.ended <= moment

    def entry(self, moment: datetime) -> dict[str, str]:
        """What the register says of it at a moment."""
        ended = {self.end: f"{self.ended:%d/%m/%Y %H:%M}"} if self.over(moment) else {}
        return at(self.unit, self.ticket, **since(f"{self.received:%d/%m/%Y}"), **ended)


@st.composite
def cases(draw: st.DrawFn, *, ending: bool = False) -> list[Case]:
    """Complaints that came in over some weeks before the start."""
    found = []
    for number in range(draw(st.integers(1, 5))):
        received = START.date() - timedelta(days=draw(st.integers(0, 40)))
        unit = draw(st.sampled_from(UNITS))
        end, ended = "", None
        if ending and draw(st.booleans()):
            end = draw(st.sampled_from(ENDS))
            ended = START + draw(st.integers(0, 24 * 20)) * HOUR
        found.append(Case(number, unit, received, end, ended))
    return found


class Desk:
    """A site with a mail server, and an empty database whenever one is asked for."""

    def __init__(self, folder: Path, database: Database, server: Server) -> None:
        self.site: Site = load_site(folder)
        self.site.mail_url = server.url()
        self.database, self.server = database, server

    @contextmanager
    def empty(self, offices: int = 1) -> Iterator[list[SiteContext]]:
        """So many programs at work on one empty database."""
        inbox = self.site.folder / "inbox" / "register"
        for path in inbox.iterdir():
            path.unlink()
        self.server.letters.clear()
        self.database.empty()
        engines = [open_engine(self.database.url) for _ in range(offices)]
        try:
            set_live(engines[0])
            yield [SiteContext(self.site, engine) for engine in engines]
        finally:
            for engine in engines:
                engine.dispose()

    def told(self, context: SiteContext, first: int = 0) -> list[tuple[str, tuple[str, ...]]]:
        """To whom the mails with notices went from the `first` letter on, and their tickets."""
        about = {message.message_id_header for message in messages(context, MessageKind.NOTICES)}
        return [
            (letter.recipient.partition("@")[0], tickets(letter.mail))
            for letter in self.server.letters[first:]
            if letter.key in about
        ]


def tickets(mail) -> tuple[str, ...]:
    body = mail.get_body(("plain",)).get_content()
    return tuple(sorted(set(re.findall(r"FD-\d+", body))))


@contextmanager
def desk_of(folder: Path, database: Database) -> Iterator[Desk]:
    site = folder / "site"
    shutil.copytree(
        REPOSITORY / "examples" / "kabupaten-contoh", site, ignore=shutil.ignore_patterns("inbox")
    )
    (site / "inbox" / "register").mkdir(parents=True)
    (site / "inbox" / "lapor").mkdir()
    with running() as server, pytest.MonkeyPatch.context() as environment:
        environment.setenv("TENGGAT_VAR", str(folder / "var"))
        yield Desk(site, database, server)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    folder = tmp_path_factory.mktemp("desk")
    with desk_of(folder, SqliteFile(folder)) as found:
        yield found


@pytest.fixture(scope="module")
def postgres_desk(tmp_path_factory: pytest.TempPathFactory, postgres: str) -> Iterator[Desk]:
    with (
        postgres_database(postgres) as database,
        desk_of(tmp_path_factory.mktemp("desk"), database) as found,
    ):
        yield found


def text(moment: datetime) -> str:
    return f"{moment.astimezone(WITA):%Y-%m-%d %H:%M}"


def read(context: SiteContext, moment: datetime, known: Sequence[Case]) -> None:
    """The register of this moment, written and pulled."""
    there = [case for case in known if case.received < moment.date()]
    register(context, text(moment), *(case.entry(moment) for case in there))


def run_of(context: SiteContext, moment: datetime, known: Sequence[Case]) -> None:
    """Read, judge, and send: now, and when mails next go out."""
    read(context, moment, known)
    decide(context, text(moment))
    deliver(context, moment)
    deliver(context, context.send_after(moment))


def on_record(context: SiteContext) -> dict[tuple[object, ...], NoticeRow]:
    """All notices, by what they are about."""
    with context.transaction() as session:
        rows = session.scalars(select(NoticeRow).order_by(NoticeRow.id)).all()
        return {(n.complaint.ticket, n.rule, n.clock, n.unit, n.rung, n.repeat): n for n in rows}


def line(key: tuple[object, ...], notice: NoticeRow) -> tuple[tuple[object, ...], bool]:
    """The clock at its unit, and whether the notice is one for superiors."""
    return key[:4], notice.kind == NoticeKind.ESCALATION


# --- after an outage ------------------------------------------------------------------------------


@pytest.mark.thorough
@modest(6)
@given(known=cases(), outage=st.integers(0, 24 * 400))
@example(known=[Case(n, UNITS[0], date(2026, 11, 2 + n)) for n in range(9)], outage=24 * 400)
@example(known=[Case(0, UNITS[0], date(2026, 11, 10))], outage=0)
def test_catching_up_after_an_outage_is_one_mail_a_person(desk, known, outage):
    """And each clock tells the unit of its highest rung alone, and so the superiors.

    Superiors are told only of clocks of which the unit was told before the outage.
    """
    with desk.empty() as [context]:
        run_of(context, START, known)
        before, past = len(desk.server.letters), on_record(context)
        run_of(context, START + outage * HOUR, known)
        people = [person for person, _ in desk.told(context, before)]
        assert len(people) == len(set(people))
        new = {key: notice for key, notice in on_record(context).items() if key not in past}
        owed = Counter(
            line(key, n) for key, n in new.items() if n.status != NoticeStatus.SUPERSEDED
        )
        assert set(owed.values()) <= {1}
        waiting = {n.kind for n in new.values() if n.status == NoticeStatus.QUEUED}
        assert waiting <= {NoticeKind.ESCALATION}  # for the weekly mail
        assert {n.status for n in new.values()} <= {
            NoticeStatus.SENT,
            NoticeStatus.QUEUED,
            NoticeStatus.SUPERSEDED,
        }
        assert owed.keys() == {line(key, notice) for key, notice in new.items()}
        late = {
            key[:4]
            for key, n in past.items()
            if (n.kind, n.status) == (NoticeKind.BREACH, NoticeStatus.SENT)
        }
        assert {clock for clock, superiors in owed if superiors} <= late


# --- clocks that do not tick ----------------------------------------------------------------------


@st.composite
def runs(draw: st.DrawFn) -> list[tuple[datetime, str]]:
    """Moments of some weeks, and the steps taken at each: read, judge and send, in any order."""
    hours = draw(st.lists(st.integers(0, 24 * 25), min_size=2, max_size=6, unique=True))
    orders = st.sampled_from(("rjs", "jrs", "rs", "js", "jr", "rj"))
    return [(START + hour * HOUR, draw(orders)) for hour in sorted(hours)]


@pytest.mark.thorough
@modest(10)
@given(known=cases(ending=True), steps=runs())
@example(
    known=[Case(0, UNITS[0], date(2026, 11, 9), "Ditunda", START + 7 * HOUR)],
    steps=[(START, "rj"), (START + DAY, "rs"), (START + 9 * DAY, "rjs")],
)
def test_a_clock_that_stopped_or_paused_sends_nothing(desk, known, steps):
    """However it was queued before: once the register says so, no letter names the complaint."""
    with desk.empty() as [context]:
        read_at = None
        for moment, order in [*steps, (START + 40 * DAY, "rjs")]:
            first = len(desk.server.letters)
            for step in order:
                if step == "r":
                    read(context, moment, known)
                    read_at = moment
                elif step == "j":
                    decide(context, text(moment))
                else:
                    deliver(context, moment)
            over = {case.ticket for case in known if read_at and case.over(read_at)}
            named = {t for _, found in desk.told(context, first) for t in found}
            assert not named & over


# --- two runs at once -----------------------------------------------------------------------------


def lived(
    desk: Desk, known: Sequence[Case], moments: Sequence[datetime], offices: int
) -> list[tuple[str, tuple[str, ...]]]:
    """What is sent when so many programs judge at once, and then send at once."""
    with desk.empty(offices) as programs, ThreadPoolExecutor(offices) as pool:

        def judge(number: int) -> None:
            with suppress(DBAPIError):  # the slower one may find its notices taken, and undo itself
                decide(programs[number], text(moment), f"{text(moment)} {number}")

        for moment in moments:
            read(programs[0], moment, known)
            list(pool.map(judge, range(offices)))
            list(pool.map(lambda context: deliver(context, moment), programs))  # noqa: B023
        deliver(programs[0], programs[0].send_after(moments[-1]))
        return sorted(desk.told(programs[0]))


def interleaved(
    desk: Desk, known: Sequence[Case], moments: Sequence[datetime], order: Sequence[int]
) -> list[tuple[str, tuple[str, ...]]]:
    """What is sent when the steps of two programs follow each other in some order."""
    with desk.empty(2) as programs:
        for moment in moments:
            read(programs[0], moment, known)
            todo: list[list[Callable[[], object]]] = [
                [
                    partial(decide, context, text(moment), f"{text(moment)} {number}"),
                    partial(deliver, context, moment),
                ]
                for number, context in enumerate(programs)
            ]
            for number in order:
                todo[number].pop(0)()
        deliver(programs[0], programs[0].send_after(moments[-1]))
        return sorted(desk.told(programs[0]))


MORNINGS = st.lists(st.integers(0, 15), min_size=1, max_size=3, unique=True).map(
    lambda days: [START + day * DAY for day in sorted(days)]
)


@pytest.mark.thorough
@modest(4)
@given(known=cases(), moments=MORNINGS)
def test_two_runs_at_once_send_what_one_would(desk, known, moments):
    assert lived(desk, known, moments, 2) == lived(desk, known, moments, 1)


@modest(3)
@given(known=cases(), moments=MORNINGS)
def test_two_runs_at_once_send_what_one_would_on_postgresql(postgres_desk, known, moments):
    assert lived(postgres_desk, known, moments, 2) == lived(postgres_desk, known, moments, 1)


@pytest.mark.thorough
@modest(4)
@given(known=cases(), moments=MORNINGS, order=st.permutations([0, 0, 1, 1]))
def test_two_runs_step_by_step_send_what_one_would(desk, known, moments, order):
    assert interleaved(desk, known, moments, order) == lived(desk, known, moments, 1)


# --- however often --------------------------------------------------------------------------------


@pytest.mark.thorough
@modest(5)
@given(
    known=cases(ending=True),
    days=st.lists(st.integers(0, 30), min_size=2, max_size=6, unique=True),
    data=st.data(),
)
def test_more_runs_tell_more_steps_of_the_way_but_the_same_end(desk, known, days, data):
    """Runs in between tell of rungs that a catch-up would have left out.

    The unit ends at the same rung, perhaps repeated; superiors, whose time begins with the mail to
    the unit, are told earlier or of more. Nobody is told twice of one rung, whatever the runs.
    """
    often = [START + day * DAY for day in sorted(days)]
    kept = data.draw(st.sets(st.integers(0, len(often) - 2)), label="of which only")
    ends, found = [], []
    for moments in (often, [*(often[n] for n in sorted(kept)), often[-1]]):
        with desk.empty() as [context]:
            for moment in moments:
                run_of(context, moment, known)
            ticking = {case.ticket for case in known if not case.over(often[-1])}
            ends.append({k: v for k, v in latest(context).items() if k[0] in ticking})
            found.append({key[:5] for key in on_record(context)})
            people = Counter(
                (message.recipient, item.notice_id)
                for message in messages(context, MessageKind.NOTICES)
                for item in message.items
                if item.included
            )
            assert set(people.values()) <= {1}
            no_superior_before_the_unit(context)
    assert found[1] <= found[0]
    assert ends[0] == ends[1]


def latest(context: SiteContext) -> dict[tuple[object, ...], str]:
    """The last rung of each clock of which its unit was told, or was to be."""
    found: dict[tuple[object, ...], NoticeRow] = {}
    for key, notice in on_record(context).items():
        if notice.kind == NoticeKind.ESCALATION or notice.status == NoticeStatus.WITHDRAWN:
            continue
        best = found.get(key[:3])
        if best is None or best.reached_at <= notice.reached_at:
            found[key[:3]] = notice
    return {clock: notice.rung for clock, notice in found.items()}


def no_superior_before_the_unit(context: SiteContext) -> None:
    """Each escalation was decided after the server had accepted a mail about the breach."""
    with context.transaction() as session:
        rows = session.scalars(select(NoticeRow)).all()
        accepted = acceptances(session, [row.id for row in rows], datetime.max.replace(tzinfo=UTC))
        told = {
            (row.complaint_id, row.rule, row.clock, row.unit): accepted[row.id][0].at
            for row in rows
            if (row.kind, row.repeat) == (NoticeKind.BREACH, 0) and row.id in accepted
        }
        for row in rows:
            if row.kind == NoticeKind.ESCALATION:
                clock = row.complaint_id, row.rule, row.clock, row.unit
                assert told[clock] < row.decided_at


@pytest.mark.thorough
@modest(4)
@given(known=cases(), moments=MORNINGS, times=st.integers(2, 3))
def test_a_run_repeated_changes_nothing(desk, known, moments, times):
    def sent(repeated: int) -> list[tuple[str, tuple[str, ...]]]:
        with desk.empty() as [context]:
            for moment in moments:
                for _ in range(repeated):
                    run_of(context, moment, known)
            return sorted(desk.told(context))

    assert sent(times) == sent(1)
