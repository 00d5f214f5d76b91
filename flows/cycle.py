"""One cycle: intake, deadlines and delivery, each as a flow run of its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from flows.deadlines import deadlines
from flows.delivery import delivery
from flows.intake import intake

STEPS: dict[str, Callable[..., dict[str, Any]]] = {
    "intake": intake,
    "deadlines": deadlines,
    "delivery": delivery,
}


@dataclass(slots=True)
class Cycle:
    """What each flow counted, and the first one that failed, with its reason."""

    counts: dict[str, Any] = field(default_factory=dict)
    failed: str = ""


def run_cycle(site: str, now: datetime, *, say: Callable[[str], None]) -> Cycle:
    """Run the three flows in order.

    A failing intake does not keep what is already known from being judged and told: the others
    still run, and the cycle counts as failed.
    """
    cycle = Cycle()
    for name, step in STEPS.items():
        say(f"{name} ...")
        try:
            cycle.counts[name] = step(site, now)
        except Exception as error:
            cycle.failed = cycle.failed or f"{name}: {str(error) or type(error).__name__}"
    return cycle
