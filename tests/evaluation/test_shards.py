"""Several runs of deadlines share the units: together they do what one would, and tell it once."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from threading import Barrier, Thread

import pytest
from conftest import ON_SQLITE_FIRST, kind_of_database, wita
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select
from support.pipeline import EVERYWHERE, at, decide, messages, notices, register, since

from db.models import Complaint, DeadlineChange, Ruleset
from flows.run_context import SKEW, flow_run_context
from service.deployment_specs import plans
from settings.site import load_site
from sla.directory import Role
from sla.engine.context import Policy
from sla.ladders import Ladder, NoticeKind, Offset, Rung
from sla.shards import Shard
from tasks.common.context import ClockInThePast
from tasks.deadlines import evaluate_and_notify


@pytest.fixture
def database_url(request: pytest.FixtureRequest) -> str:
    """What is tested here hangs on no database but where a test is marked."""
    return kind_of_database(request)


NOW = "2026-11-26 08:00"
LATE = [at(entry["Unit"], entry["No Register"], **since("02/11/2026")) for entry in EVERYWHERE]


@pytest.mark.thorough
@given(st.lists(st.text("abcdef", min_size=1), unique=True), st.integers(1, 9))
def test_each_unit_is_of_exactly_one_part(units, of):
    shares = [Shard(number, of).units(units) for number in range(1, of + 1)]
    assert Counter(unit for share in shares for unit in share) == Counter(units)
    assert [Shard(number, of).takes_the_rest for number in range(1, of + 1)].count(True) == 1
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


def test_a_part_is_read_as_it_is_written():
    assert Shard.parse("2/3") == Shard(2, 3)
    assert Shard.parse("") == Shard.parse("1/1") == Shard()
    assert str(Shard(2, 3)) == "2/3"
    for text in ("0/2", "3/2", "1", "1/0", "a/b", "1/2/3"):
        with pytest.raises(ValueError, match="write 1/3, 2/3 or 3/3"):
            Shard.parse(text)


def run_parts(offices, of: int, now: str = NOW) -> list:
    """All parts at the same moment, each by a process of its own as far as a thread can be one."""
    gate, counts, failures = Barrier(of), [None] * of, []

    def work(number: int) -> None:
        gate.wait()
        try:
            counts[number] = evaluate_and_notify(
                offices[number], wita(now), f"deadlines {now} {number}", Shard(number + 1, of)
            )
        except Exception as error:
            failures.append(error)

    threads = [Thread(target=work, args=(number,)) for number in range(of)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    return counts


def units_of(context) -> list[str]:
    """The unit of each complaint that has one."""
    with context.transaction() as session:
        return [unit for unit in session.scalars(select(Complaint.unit)) if unit]


@pytest.fixture
def offices(open_context: Callable) -> list:
    return [open_context() for _ in range(3)]


FOR_ONE = Rung("breach", Offset.parse("0"), NoticeKind.BREACH, (Role.ADMINISTRATOR,))


@ON_SQLITE_FIRST
def test_together_they_find_what_one_finds_and_each_person_has_one_mail(offices):
    context = offices[0]
    for each in offices:  # one person for the late complaints of all units
        each.site.ladders = (Ladder(("*",), (FOR_ONE,)),)
    stray = at(
        "", "FD-X", **since("02/11/2026") | {"Diteruskan": ""}
    )  # of no unit: the first part's
    register(context, NOW, *LATE, stray)
    counts = run_parts(offices, 3)
    units = list(context.site.directory.units)
    shares = [len(set(Shard(n, 3).units(units)) & set(units_of(context))) for n in (1, 2, 3)]
    assert [count.evaluated for count in counts] == [shares[0] + 1, shares[1], shares[2]]
    assert min(shares) > 0
    told = messages(context)
    assert max(Counter(mail.recipient for mail in told).values()) == 1
    by_mail = {mail.recipient: len(mail.items) for mail in told}
    assert max(by_mail.values()) > len(LATE)  # of all units, and the stray one
    again = decide(context, "2026-11-26 08:30")
    assert (again.evaluated, again.messages) == (0, 0)


def test_alone_it_leaves_the_other_parts_to_others(context):
    register(context, NOW, *LATE)
    evaluate_and_notify(context, wita(NOW), "one", Shard(2, 3))
    with context.transaction() as session:
        judged = session.scalars(select(Complaint.unit).where(Complaint.evaluated_at.is_not(None)))
        assert set(judged) < set(Shard(2, 3).units(sorted(context.site.directory.units)))
    assert len(notices(context)) > 0
    decide(context, "2026-11-26 08:30")  # all that is left
    with context.transaction() as session:
        left = select(func.count()).select_from(Complaint).where(Complaint.evaluated_at.is_(None))
        assert session.scalar(left) == 0


@ON_SQLITE_FIRST
def test_a_new_ruleset_is_taken_over_once_and_every_move_is_listed(offices):
    context = offices[0]
    register(context, "2026-11-16 18:00", *EVERYWHERE)
    run_parts(offices, 3, "2026-11-17 08:00")
    for each in offices:
        calendar = each.site.evaluation_context.calendar
        without_fridays = calendar.weekly([True, True, True, True, False, False, False])
        each.site.evaluation_context = replace(
            each.site.evaluation_context, calendar=without_fridays, policy=Policy.STRICT
        )
    counts = run_parts(offices, 3, "2026-11-17 09:00")
    assert sum(count.evaluated for count in counts) == len(EVERYWHERE)
    with context.transaction() as session:
        assert session.scalar(select(func.count()).select_from(Ruleset)) == 2
        moved = session.scalars(select(DeadlineChange.complaint_id).distinct()).all()
        assert len(moved) == len(EVERYWHERE)


def test_the_schedules_name_the_parts(site_folder):
    file = site_folder / "site.toml"
    text = file.read_text("utf-8")
    file.write_text(text.replace("# deadlines_at_once = 2", "deadlines_at_once = 2"), "utf-8")
    plan = next(plan for plan in plans([load_site(site_folder)]) if plan.flow == "deadlines")
    given_parts = [schedule["parameters"]["part"] for schedule in plan.body["schedules"]]
    assert given_parts == ["1/2", "2/2", "1/2", "2/2"]
    slugs = [schedule["slug"] for schedule in plan.body["schedules"]]
    assert len(set(slugs)) == len(slugs)
    assert plan.body["concurrency_limit"] == 2


def test_clocks_of_two_machines_may_differ_a_little(context, monkeypatch):
    """The other machine's clock is ahead: its run is not in the future, but this one is now."""
    from flows import run_context as module  # noqa: PLC0415

    folder = str(context.site.folder)
    other = wita("2026-11-26 08:00:30")
    with flow_run_context("delivery", folder, other) as at_work:
        at_work.counts = {}

    class Behind(module.datetime):
        ago = timedelta(seconds=20)

        @classmethod
        def now(cls, tz=None):
            return other.astimezone(tz) - cls.ago

    monkeypatch.setattr(module, "datetime", Behind)
    with flow_run_context("delivery", folder, None) as at_work:
        assert at_work.now == other
    Behind.ago = SKEW + timedelta(seconds=1)
    with pytest.raises(ClockInThePast), flow_run_context("delivery", folder, None):
        pass
    with (
        pytest.raises(ClockInThePast),
        flow_run_context("delivery", folder, other - timedelta(seconds=1)),
    ):
        pass
