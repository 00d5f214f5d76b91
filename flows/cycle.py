"""One cycle: intake, deadlines and delivery, each as a separate flow run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from flows.deadlines import deadlines
from flows.delivery import delivery
from flows.intake import intake
from flows.run_context import SAY
from tasks.ingest.source_count import IncompleteIntake
from tasks.notifications.sender import IncompleteDelivery

STEPS: dict[str, Callable[..., dict[str, Any]]] = {
    "intake": intake,
    "deadlines": deadlines,
    "delivery": delivery,
}


@dataclass(slots=True)
class Cycle:
    """The counts of each flow, and the first failure with the name of its flow."""

    counts: dict[str, Any] = field(default_factory=dict)
    failed: Exception | None = None
    failed_flow: str = ""


def run_cycle(site: str, now: datetime | None, *, say: Callable[[str], None]) -> Cycle:
    """Run the three flows in order, at `now` or each by the clock.

    If intake fails, the others still run. Known complaints are then still evaluated and notices
    still sent, but the cycle counts as failed. `say` gets the name of each step, and the progress
    of a long one.
    """
    cycle = Cycle()
    SAY.set(say)
    for name, step in STEPS.items():
        say(f"{name} ...")
        try:
            cycle.counts[name] = step(site, now)
        except Exception as error:
            if isinstance(error, IncompleteIntake | IncompleteDelivery):
                cycle.counts[name] = error.counts
            if cycle.failed is None:
                cycle.failed, cycle.failed_flow = error, name
    return cycle
