"""Which lateness is taken back from a unit: only who certainly was in charge may be called late."""

from types import SimpleNamespace

import pytest

from sla.engine.deadline import State
from sla.regulations.model import Actor
from tasks.evaluation.corrections import NOT_IN_CHARGE, PERHAPS_NOT_IN_CHARGE, revoked

CLOCK = "sp4n-guideline/information", 1


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
    rule, number = CLOCK
    before = SimpleNamespace(
        rule=rule, clock=number, state=State.BREACHED, unit="dinsos", regulation="uu-25-2009"
    )
    now = SimpleNamespace(
        key=CLOCK,
        rule=SimpleNamespace(actor=actor),
        state=state,
        unit="pupr",
        liable=frozenset(liable),
        answerable=answerable,
    )
    found = revoked([before], [now], unit_known=unit_known)
    if why is None or not unit_known or actor is Actor.SUPERIOR:
        assert found == {}
        return
    assert (found[CLOCK].why, found[CLOCK].wrong_units) == (why, {"dinsos"})
