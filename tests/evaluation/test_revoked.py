"""Which lateness is taken back from a unit: only who certainly was in charge may be called late."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from sla.engine.deadline import Deadline, State
from sla.ladders import NoticeKind
from sla.regulations.model import Actor
from tasks.evaluation.corrections import NOT_IN_CHARGE, NOT_YET_LATE, PERHAPS_NOT_IN_CHARGE, revoked

CLOCK = "sp4n-guideline/information", 1
DUE = datetime(2026, 11, 9, 15, 59, 59, 999999, tzinfo=UTC)


def stored(due: datetime = DUE) -> SimpleNamespace:
    """The late deadline of Dinas Sosial as an earlier run stored it."""
    rule, number = CLOCK
    return SimpleNamespace(
        rule=rule,
        clock=number,
        state=State.BREACHED,
        unit="dinsos",
        regulation="uu-25-2009",
        due=due,
    )


@pytest.mark.parametrize("state", [State.BREACHED, State.MET_LATE])
@pytest.mark.parametrize(
    ("liable", "answerable", "why"),
    [
        ({"pupr"}, "pupr", NOT_IN_CHARGE),  # handed over before the due time
        ({"pupr"}, None, PERHAPS_NOT_IN_CHARGE),  # an interval leaves it open
        ({"dinsos", "pupr"}, "dinsos", None),  # handed over after it
        ({"dinsos", "pupr"}, None, None),  # it got the complaint after it, and handed it on
    ],
)
@pytest.mark.parametrize("unit_known", [True, False])
@pytest.mark.parametrize("actor", [Actor.UNIT, Actor.SUPERIOR])
def test_a_unit_stays_late_if_it_was_certainly_in_charge_at_the_due_time_or_since(
    state, liable, answerable, why, actor, unit_known
):
    before = stored()
    now = SimpleNamespace(
        key=CLOCK,
        rule=SimpleNamespace(actor=actor),
        state=state,
        unit="pupr",
        liable=frozenset(liable),
        answerable=answerable,
        due=before.due,
    )
    found = revoked([before], [now], unit_known=unit_known)
    if why is None or not unit_known or actor is Actor.SUPERIOR:
        assert found == {}
        return
    assert (found[CLOCK].why, found[CLOCK].wrong_units) == (why, {"dinsos"})


DAY = timedelta(days=1)


def late(state: State, due: datetime) -> SimpleNamespace:
    """The deadline as it is known now, at the same unit."""
    now = SimpleNamespace(
        key=CLOCK,
        rule=SimpleNamespace(actor=Actor.UNIT),
        state=state,
        unit="dinsos",
        liable={"dinsos"},
        answerable="dinsos",
        due=due,
    )
    now.late_at = lambda moment: Deadline.late_at(now, moment)
    return now


def notice(decided: datetime, kind: str = NoticeKind.BREACH) -> SimpleNamespace:
    rule, number = CLOCK
    return SimpleNamespace(
        rule=rule,
        clock=number,
        unit="dinsos",
        kind=kind,
        rung=kind,
        decided_at=decided,
        taken_back_at=None,
    )


@pytest.mark.parametrize("state", [State.BREACHED, State.MET_LATE])
@pytest.mark.parametrize("listed", [False, True])
@pytest.mark.parametrize(
    ("moved", "told", "wrong"),
    [
        (4 * DAY, DAY, True),
        (4 * DAY, 4 * DAY, True),  # at the due time itself
        (4 * DAY, 5 * DAY, False),  # told after a pause of the service: late by then
        (timedelta(seconds=30), timedelta(hours=8), False),
        (timedelta(0), DAY, False),
        (-4 * DAY, DAY, False),
    ],
)
def test_a_later_due_time_takes_back_only_what_was_said_before_it(
    state, listed, moved, told, wrong
):
    rows, lists = [notice(DUE + told)], []
    if listed:
        rule, number = CLOCK
        rows, lists = [], [SimpleNamespace(rule=rule, clock=number, composed_at=DUE + told)]
    now = late(state, DUE + moved)
    found = revoked([stored()], [now], rows, listed=lambda: lists)
    assert set(found) == ({CLOCK} if wrong else set())
    if wrong:
        assert (found[CLOCK].why, found[CLOCK].due) == (NOT_YET_LATE, DUE + moved)


def test_of_a_duty_that_is_late_again_only_early_notices_are_taken_back():
    early, right = notice(DUE + DAY), notice(DUE + 5 * DAY)
    found = revoked([stored()], [late(State.BREACHED, DUE + 4 * DAY)], [early, right])
    assert [found[CLOCK].concerns(row) for row in (early, right)] == [True, False]
    assert [found[CLOCK].concerns_mail(row.decided_at) for row in (early, right)] == [True, False]


def test_a_reminder_before_the_due_time_is_no_lateness():
    reminder = notice(DUE - DAY, NoticeKind.REMINDER)
    assert revoked([stored()], [late(State.BREACHED, DUE + 4 * DAY)], [reminder]) == {}
