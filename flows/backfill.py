"""Time-lapse: run past mornings one after another, each as it would have run at its time.

It is used by the demo, and to try a site on a folder of old exports. Files made after a morning are
ignored on it, so every evaluation and mail is based only on data available then.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from prefect import flow, task
from prefect.cache_policies import NO_CACHE

from db import audit, runs
from flows.permitted import check_times
from tasks.common.context import SiteContext
from tasks.deadlines import evaluate_and_notify
from tasks.delivery import send_owed
from tasks.intake import ask, pull
from tasks.notifications.transport.smtp import ServerUnavailable

FLOW = "time-lapse"


@task(name="a morning", task_run_name="{now:%Y-%m-%d}", cache_policy=NO_CACHE)
def live_through(context: SiteContext, now: datetime) -> dict[str, int]:
    """Run one morning: import, evaluate and send, by the same steps as the scheduled flows."""
    run = runs.key_of(FLOW, now)
    context.by = audit.AuditActor(f"flow run {run}", run)
    pulled = [pull(context, source, now) for source in context.site.sources]
    ask(context, now, run)
    decided = evaluate_and_notify(context, now, run)
    sent = send_owed(context, now, run)
    if sent.trouble:
        raise ServerUnavailable(sent.trouble)
    counts = {
        "new": sum(count.new for count in pulled),
        "updated": sum(count.updated for count in pulled),
        "quarantined": sum(count.quarantined for count in pulled),
        "notices": sum(decided.notices.values()),
        "sent": sent.sent,
    }
    with context.transaction() as session:
        runs.finished(session, run, FLOW, now, counts)
    return counts


@flow(name=FLOW, flow_run_name="time-lapse {first:%Y-%m-%d} to {last:%Y-%m-%d}")
def time_lapse(site: str, first: datetime, last: datetime) -> list[dict[str, Any]]:
    """Run the mornings of :func:`backfill`; Prefect shows only the first and the last of them."""
    plan = _plan.get()
    counts = []
    for morning in plan.mornings:
        counts.append(live_through(plan.context, morning))
        plan.say(morning)
    return counts


@dataclass(frozen=True, slots=True)
class _Backfill:
    """What a time-lapse runs with: objects that no parameter of a flow can hold."""

    context: SiteContext
    mornings: Sequence[datetime]
    say: Callable[[datetime], None]


_plan: ContextVar[_Backfill] = ContextVar("plan")


def backfill(
    site: str, mornings: Sequence[datetime], *, say: Callable[[datetime], None]
) -> list[dict[str, int]]:
    """Run these mornings in order, as one flow run with a task for each; returns their counts.

    Mornings not later than the last run of the site are skipped, because they are already done.
    `say` is called after each morning. Raises `flows.permitted.NotPermitted` if the last one is
    later than the clock, except in a rehearsal.
    """
    for morning in mornings[-1:]:
        check_times({"now": morning}, datetime.now(UTC))
    context = SiteContext.open(site)
    try:
        with context.transaction() as session:
            before = runs.last(session)
        coming = [morning for morning in mornings if before is None or morning > before]
        if not coming:
            return []
        _plan.set(_Backfill(context, coming, say))
        return time_lapse(site, coming[0], coming[-1])
    finally:
        context.close()
