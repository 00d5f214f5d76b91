"""A part of the proof (`make prove` plays all of it), and that it sees what is wrong.

See the package `crash_tests` for what a run is.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace

import pytest
from crash_tests.checks import verdicts
from crash_tests.databases import postgres_database, sqlite_file
from crash_tests.evidence import gather
from crash_tests.mail_server import Kept
from crash_tests.model import INTAKE
from crash_tests.plan import plan
from crash_tests.player import Played, Stage, stage
from crash_tests.statistics import SeedResult, prove, report
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from db.engine import open_engine
from db.models import MessageItem, MessageRow, NoticeRow
from tasks.common.context import SiteContext

SEEDS = {"sqlite": (1, 10), "postgresql": (29, 34, 52)}
"""Of the first sixty those whose runs have the most: places of death, faults, second copies.

The run of `SPOILT` is played as well, on SQLite.
"""
SPOILT = 2
IN_EVERY_RUN = {("sqlite", 1), ("postgresql", 34)}
"""The runs that `make test` plays too."""


@pytest.fixture(scope="module")
def sqlite_stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    folder = tmp_path_factory.mktemp("stage")
    with sqlite_file(folder) as database, stage(folder, database) as where:
        yield where


@pytest.fixture(scope="module")
def postgresql_stage(tmp_path_factory: pytest.TempPathFactory, postgres: str) -> Iterator[Stage]:
    folder = tmp_path_factory.mktemp("stage")
    with postgres_database(postgres) as database, stage(folder, database) as where:
        yield where


@pytest.fixture(scope="module")
def outcomes() -> dict[tuple[str, int], SeedResult]:
    """What came of the runs that have been played."""
    return {}


@pytest.mark.parametrize(
    ("database", "seed"),
    [
        pytest.param(
            *(database, seed),
            marks=() if (database, seed) in IN_EVERY_RUN else pytest.mark.thorough,
        )
        for database in SEEDS
        for seed in SEEDS[database]
    ],
)
def test_killed_anywhere_nothing_is_lost_and_nothing_comes_twice(seed, database, request, outcomes):
    stage = request.getfixturevalue(f"{database}_stage")
    outcomes[database, seed] = outcome = prove(stage, database, seed)
    assert outcome.wrong == []
    assert outcome.kills or outcome.stalls


def test_a_seed_makes_one_plan():
    assert plan(7) == plan(7) != plan(8)
    fates = {p.fate.kind for n in range(20) for s in plan(n).steps for p in s.processes if p.fate}
    assert fates == {"statement", "commit", "smtp"}


def test_the_figures_name_each_failure_with_its_seed(request, outcomes):
    place = "sqlite", SEEDS["sqlite"][0]
    good = outcomes.get(place) or prove(request.getfixturevalue("sqlite_stage"), *place)
    lines = "\n".join(report([good, replace(good, wrong=["FD-1 was never told"])]))
    assert "runs             2: 2 sqlite" in lines
    assert "--seed 1 --database sqlite\n    FD-1 was never told" in lines


# --- that the proof would see it ------------------------------------------------------------------


@pytest.fixture(scope="module")
def over(
    sqlite_stage: Stage, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Played, SiteContext]]:
    """A run that went well, to be spoilt, with a copy of its database."""
    path = tmp_path_factory.mktemp("over") / "run.db"
    with (
        sqlite_stage.play(plan(SPOILT)) as (played, context),
        context.engine.connect() as connection,
        closing(sqlite3.connect(path)) as copy,
    ):
        connection.connection.driver_connection.backup(copy)
    engine = open_engine(f"sqlite:///{path}")
    yield played, SiteContext(sqlite_stage.site, engine)
    engine.dispose()


def found_wrong(
    over: tuple[Played, SiteContext], spoil: Callable[[Session, Played], Played | None]
) -> str:
    """What the checks say of the run when something in it is other than it was."""
    played, context = over
    with Session(context.engine) as session:
        spoilt = spoil(session, played) or played
        session.flush()
        found = verdicts(gather(session, spoilt, context))
        session.rollback()
    return "\n".join(found)


def told(session: Session) -> MessageItem:
    """The first notice of which a mail has told."""
    query = select(MessageItem).join(MessageItem.message).where(MessageItem.included)
    item = session.scalars(query.order_by(MessageRow.id)).first()
    assert item is not None
    assert item.message.status == "sent"
    return item


def sent(session: Session) -> MessageRow:
    """The mail that has told of it."""
    return told(session).message


def test_nothing_is_wrong_with_the_run_as_it_was(over):
    assert any(life.killed for life in over[0].lives)
    assert found_wrong(over, lambda session, played: None) == ""


@pytest.mark.thorough
def test_a_letter_that_is_not_there_is_missed(over):
    def spoil(session: Session, played: Played) -> Played:
        gone = sent(session).message_id_header
        return replace(played, mailbox=[k for k in played.mailbox if k.letter.key != gone])

    assert "is sent, and in no mailbox" in found_wrong(over, spoil)


def another(session: Session, played: Played, **other: str) -> Played:
    """The mailbox with one letter more: the first one again, or like it."""
    name = sent(session).message_id_header
    first = next(kept for kept in played.mailbox if kept.letter.key == name)
    letter = replace(first.letter, **other)
    return replace(played, mailbox=[*played.mailbox, Kept(999, first.process, letter)])


@pytest.mark.thorough
def test_a_letter_that_came_twice_is_noticed(over):
    assert "was known to have arrived, 999 is a copy" in found_wrong(over, another)


@pytest.mark.thorough
def test_a_letter_to_somebody_else_is_noticed(over):
    wrong = found_wrong(over, lambda *run: another(*run, recipient="bupati@contohkab.example"))
    assert "letter 999 went to bupati@contohkab.example, wrongly" in wrong


@pytest.mark.thorough
def test_a_letter_that_tells_of_what_was_not_due_is_noticed(over):
    """As if it had come before anything was known."""

    def spoil(session: Session, played: Played) -> Played:
        early = next(life for life in played.lives if life.process.work == INTAKE)
        box = [replace(kept, process=early.name) for kept in played.mailbox]
        return replace(played, mailbox=box)

    assert "tells of" in found_wrong(over, spoil)


@pytest.mark.thorough
def test_a_notice_that_nobody_decided_is_missed(over):
    def spoil(session: Session, played: Played) -> None:
        notice = told(session).notice_id
        session.execute(delete(MessageItem).where(MessageItem.notice_id == notice))
        session.execute(delete(NoticeRow).where(NoticeRow.id == notice))

    assert "and is on no record" in found_wrong(over, spoil)


@pytest.mark.thorough
def test_a_notice_that_was_never_due_is_noticed(over):
    def spoil(session: Session, played: Played) -> None:
        told(session).notice.repeat = 99

    wrong = found_wrong(over, spoil)
    assert "was never due" in wrong
    assert "and is on no record" in wrong


@pytest.mark.thorough
def test_a_person_who_was_not_told_is_missed(over):
    def spoil(session: Session, played: Played) -> None:
        told(session).included = False

    assert "was not told of" in found_wrong(over, spoil)


@pytest.mark.thorough
def test_a_person_who_was_told_in_two_mails_is_noticed(over):
    def spoil(session: Session, played: Played) -> None:
        first = sent(session)
        copied = {c.key: getattr(first, c.key) for c in MessageRow.__table__.c if c.key != "id"}
        second = MessageRow(**copied | {"message_id_header": "<again@contohkab.example>"})
        item = told(session)
        second.items = [MessageItem(notice_id=item.notice_id, role=item.role, included=True)]
        session.add(second)

    wrong = found_wrong(over, spoil)
    assert "in 2 mails" in wrong
    assert "made 2 mails to" in wrong


def falsify_status(session: Session, status: str) -> None:
    """Give the mail another status by SQL: the model refuses to take back that it is sent."""
    key = sent(session).id
    session.execute(update(MessageRow).where(MessageRow.id == key).values(status=status))


@pytest.mark.thorough
def test_a_mail_that_still_waits_is_noticed(over):
    def spoil(session: Session, played: Played) -> None:
        falsify_status(session, "queued")

    assert "is still queued" in found_wrong(over, spoil)


@pytest.mark.thorough
def test_a_dead_mail_of_which_nobody_was_told_is_noticed(over):
    def spoil(session: Session, played: Played) -> None:
        falsify_status(session, "dead")
        for alert in session.scalars(select(MessageRow).where(MessageRow.kind == "alert")):
            alert.detail = {}

    wrong = found_wrong(over, spoil)
    assert "admin.lapor@contohkab.example is owed no alert" in wrong
    assert "is dead, and letter" in wrong


@pytest.mark.thorough
def test_a_process_that_failed_is_noticed(over):
    def spoil(session: Session, played: Played) -> Played:
        failed = replace(played.lives[0], error="KeyError: 'x'")
        hung = replace(played.lives[1], ended="SIGALRM")
        return replace(played, lives=[failed, hung, *played.lives[2:]])

    wrong = found_wrong(over, spoil)
    assert "failed: KeyError: 'x'" in wrong
    assert "ended by SIGALRM" in wrong
