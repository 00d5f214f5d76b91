"""Which of the reached rungs cause a notice: the highest for the unit, and for superiors."""

from datetime import UTC, datetime, timedelta

import pytest

from sla.directory import Role
from sla.escalation import Reached
from sla.ladders import NoticeKind, Offset, Rung
from sla.rung_decisions import EarlierDecision, decide_rungs

START = datetime(2026, 11, 24, tzinfo=UTC)
FINAL, SUPPRESSED, WITHOUT_EFFECT = EarlierDecision


def reached(name: str, hour: int) -> Reached:
    """A rung for the unit, or for superiors if its name begins with a capital."""
    to = Role.REGIONAL_SECRETARY if name[0].isupper() else Role.LIAISON
    rung = Rung(name, Offset.parse("0"), NoticeKind.BREACH, (to,))
    return Reached(rung, 0, START + timedelta(hours=hour))


@pytest.mark.parametrize(
    ("rungs", "earlier", "held", "expected"),
    [
        ("a", {}, "", "a notify"),
        ("ab", {}, "", "a supersede b, b notify"),
        ("abS", {}, "", "a supersede b, b notify, S notify"),
        ("aRS", {}, "", "a notify, R supersede S, S notify"),
        ("ab", {"a": FINAL}, "", "b notify"),
        ("ab", {"b": FINAL}, "", "a supersede b"),
        ("ab", {"a": FINAL, "b": FINAL}, "", ""),
        ("ab", {"a": WITHOUT_EFFECT}, "", "b notify"),
        ("ab", {"b": WITHOUT_EFFECT}, "", "a supersede b, b notify"),
        ("ab", {"a": SUPPRESSED}, "", "a supersede b, b notify"),
        ("ab", {}, "b", "b suppress, a notify"),
        ("ab", {"b": FINAL}, "b", "a supersede b"),
        ("ab", {"b": WITHOUT_EFFECT}, "b", "b suppress, a notify"),
        ("ab", {"a": SUPPRESSED}, "ab", "a suppress, b suppress"),
        ("", {}, "a", ""),
    ],
)
def test_the_highest_rung_is_notified_and_the_lower_ones_are_superseded(
    rungs, earlier, held, expected
):
    found = decide_rungs(
        [reached(name, hour) for hour, name in enumerate(rungs)],
        {(name, 0): decision for name, decision in earlier.items()},
        held,
    )
    assert expected == ", ".join(
        f"{each.reached.rung.id} {each.decision}"
        + (f" {each.highest.rung.id}" if each.decision == "supersede" else "")
        for each in found
    )
