"""Helpers compose the next mails of a long delivery: what is sent and stored stays the same."""

import zlib
from collections.abc import Iterable

import pytest
from conftest import ON_BOTH, kind_of_database, wita
from sqlalchemy import delete, select
from support.live_sites import back_to_trial
from support.pipeline import (
    BREACHED,
    EVERYWHERE,
    UNITS,
    Hurried,
    at,
    decide,
    messages,
    notices,
    owe,
    register,
    statuses,
)
from support.run_helpers.jobs import composed_elsewhere, large_ones_elsewhere

from db.models import ListedDuty, MessageItem, MessageRow
from tasks.common import helpers
from tasks.common.context import SiteContext
from tasks.delivery import send_owed
from tasks.notifications import sender
from tasks.notifications.composing.compose import compose_all
from tasks.notifications.sender import Sender

ALL = 2 * len(UNITS)
STORED = (
    (MessageItem.message_id, MessageItem.notice_id, MessageItem.included, MessageItem.left_out),
    (ListedDuty.message_id, ListedDuty.complaint_id, ListedDuty.rule, ListedDuty.clock),
    (ListedDuty.message_id, ListedDuty.late, ListedDuty.entry, ListedDuty.cancelled_by),
)


@pytest.fixture
def database_url(request: pytest.FixtureRequest) -> str:
    return kind_of_database(request)


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """The usual way for two mails and then four; from then on helpers compose two at a time."""
    for name, number in (
        ("AT_ONCE", 2),
        ("MOST_COMPOSED", 4),
        ("SHARED", 3),
        ("IN_A_JOB", 2),
    ):
        monkeypatch.setattr(sender, name, number)


@pytest.fixture
def stored_jobs(monkeypatch) -> list[list[int]]:
    """The mails of each job that a run has stored, in order."""
    jobs, store = [], Sender._store_composed

    def storing(each, job, composed):
        jobs.append(store(each, job, composed))
        return jobs[-1]

    monkeypatch.setattr(Sender, "_store_composed", storing)
    return jobs


def send(context: SiteContext, helpers: int = 1) -> sender.DeliveryCount:
    return send_owed(context, wita(BREACHED), "helped", Hurried, helpers=helpers)


def composed_as_usual(context: SiteContext) -> tuple[dict[int, bytes], list[set[tuple]]]:
    """The bytes of all mails and what they change, as the run alone would; nothing is kept."""
    with context.run(wita(BREACHED), "helped") as run:
        rows = run.session.scalars(select(MessageRow)).all()
        mails = {message.id: mime for message, mime in compose_all(run, rows, run.now)}
        found = mails, stored(run.session)
        run.session.rollback()
    return found


def stored(session) -> list[set[tuple]]:
    named = MessageRow.detail["complaints"].as_integer()
    mails = select(MessageRow.id, MessageRow.subject, named).where(MessageRow.kind == "notices")
    queries = (*(select(*columns) for columns in STORED), mails)
    return [set(map(tuple, session.execute(query))) for query in queries]


@ON_BOTH
@pytest.mark.parametrize("work", [composed_elsewhere, large_ones_elsewhere])
def test_mails_composed_by_a_helper_are_those_that_the_run_would_compose(
    context, server, monkeypatch, stored_jobs, work
):
    """The run itself composes no job, and waits for each result."""
    monkeypatch.setattr(helpers, "AHEAD", 0)
    monkeypatch.setattr(sender, "compose_job", work)
    owe(context, BREACHED, *EVERYWHERE)
    mails, changes = composed_as_usual(context)
    assert send(context).sent == ALL
    assert sum(map(len, stored_jobs)) == ALL - 2
    with context.transaction() as session:
        assert stored(session) == changes
    assert {m.id: zlib.decompress(m.mime) for m in messages(context)} == mails
    assert {letter.raw for letter in server.letters} == set(mails.values())
    assert len(server.letters) == ALL
    assert {m.subject for m in messages(context)} == {
        letter.mail["Subject"] for letter in server.letters
    }


def test_the_run_composes_for_helpers_that_cannot_start(context, server, monkeypatch, stored_jobs):
    monkeypatch.setattr(helpers.sys, "executable", "/bin/false")
    owe(context, BREACHED, *EVERYWHERE)
    assert send(context).sent == len(set(statuses(context))) * ALL == ALL
    assert sum(map(len, stored_jobs)) == ALL - 2


def now_without_items(session, mails: Iterable[int]) -> None:
    session.execute(delete(MessageItem).where(MessageItem.message_id.in_(mails)))


def composed_again(session, mails: Iterable[int]) -> None:
    for message in session.scalars(select(MessageRow).where(MessageRow.id.in_(mails))):
        message.composed_at, message.mime = wita(BREACHED), b"by another run"


@pytest.mark.parametrize("change", [now_without_items, composed_again])
def test_a_mail_that_has_changed_meanwhile_is_composed_again(
    context, server, monkeypatch, change, stored_jobs
):
    """Another delivery has taken items out of it, or composed it; the usual way does the rest."""
    owe(context, BREACHED, *EVERYWHERE)
    store, changed = Sender._store_composed, []

    def late(each, job, composed):
        if not changed:
            changed.extend(job.mails)
            with context.transaction() as session:
                change(session, job.mails)
        return store(each, job, composed)

    monkeypatch.setattr(Sender, "_store_composed", late)
    count = send(context)
    assert stored_jobs[0] == []
    gone = len(changed) if change is now_without_items else 0
    assert (count.sent, count.cancelled) == (ALL - gone, gone)
    assert b"by another run" not in {letter.raw for letter in server.letters}
    assert len({letter.key for letter in server.letters}) == len(server.letters) == ALL - gone


def test_what_joins_a_mail_meanwhile_is_told(context, open_context, server, monkeypatch):
    """Another run of deadlines, which began earlier, ends between composing and storing."""
    owe(context, "2026-11-24 07:50", *EVERYWHERE)
    other, store, joined = open_context(), Sender._store_composed, []

    def late(each, job, composed):
        if not joined:
            joined.append("FD-99")
            entry = at(UNITS[1], "FD-99")  # the first mails that helpers compose
            register(other, "2026-11-24 07:55", *EVERYWHERE, entry)
            decide(other, "2026-11-24 07:55")
        return store(each, job, composed)

    monkeypatch.setattr(Sender, "_store_composed", late)
    send(context)
    assert joined
    assert set(statuses(context)) == {"sent"}
    assert {status for _, status in notices(context)} <= {"sent", "superseded"}
    assert any("FD-99" in letter.mail.as_string() for letter in server.letters)


def test_what_is_over_when_it_is_composed_is_not_sent(context, server, monkeypatch, stored_jobs):
    """The last unit answers while the first mails leave."""
    owe(context, BREACHED, *EVERYWHERE)
    due = Sender._due_to_units
    done = at(UNITS[-1], f"FD-{len(UNITS) - 1}", Selesai="24/11/2026 07:58")

    def late(each, moment):
        register(context, "2026-11-24 07:59", *EVERYWHERE[:-1], done)
        return due(each, moment)

    monkeypatch.setattr(Sender, "_due_to_units", late)
    count = send(context)
    assert (count.sent, count.cancelled) == (ALL - 2, 2)
    assert sorted(set(statuses(context))) == ["cancelled", "sent"]


@pytest.mark.parametrize("reason", ["few mails", "no spare core", "a rate"])
def test_helpers_are_not_started_without_need(context, server, monkeypatch, reason):
    monkeypatch.setattr(sender, "Helpers", None)
    owe(context, BREACHED, *EVERYWHERE)
    if reason == "few mails":
        monkeypatch.setattr(sender, "SHARED", ALL)
    if reason == "a rate":
        mail = context.site.file.mail.model_copy(update={"per_minute": 12})
        context.site.file = context.site.file.model_copy(update={"mail": mail})
    assert send(context, helpers=int(reason != "no spare core")).sent == ALL


def nothing(*_: object) -> None:
    """What a helper returns if the files of the site have changed."""


@ON_BOTH
@pytest.mark.parametrize(
    ("work", "most"),
    [
        (composed_elsewhere, 1000),
        (nothing, 1000),
        (composed_elsewhere, 0),
        (large_ones_elsewhere, 0),
    ],
    ids=["composed by helpers", "changed files", "large groups in one job", "large mails"],
)
def test_the_mails_of_a_trial_are_those_that_the_run_would_compose(
    context, server, monkeypatch, work, most
):
    """The first mails over a backlog, which only the administrator sees."""
    monkeypatch.setattr(sender, "MOST_SHARED", most)
    monkeypatch.setattr(helpers, "AHEAD", 0)
    monkeypatch.setattr(sender, "MANY_ITEMS", 2)
    monkeypatch.setattr("db.mails.mail_items.GROUP", 1)
    monkeypatch.setattr(sender, "compose_job", work)
    back_to_trial(context)
    owe(context, BREACHED, *EVERYWHERE)
    mails, changes = composed_as_usual(context)
    assert len(mails) > 2
    assert send(context).in_trial == len(mails)
    rows = [m for m in messages(context) if m.status == "trial"]
    assert {m.id: zlib.decompress(m.mime) for m in rows} == mails
    with context.transaction() as session:
        assert stored(session) == changes
    (digest,) = server.letters
    assert all(m.recipient_name in digest.mail.as_string() for m in rows)
