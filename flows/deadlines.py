"""Deadlines: evaluate complaints that are due for it, and queue the resulting mails."""

from __future__ import annotations

from typing import Any

from prefect import flow, get_run_logger
from prefect.events import emit_event

from flows.parameters import Now, PartName, SiteFolder
from flows.run_context import flow_run_context, run_name, show_progress
from flows.storm import ask
from sla.shards import Shard
from tasks.common.helpers import spare_cores
from tasks.deadlines import evaluate_and_notify_task
from tasks.evaluation.status import site_status
from tasks.text.titles import superior_office

LONGEST_RUN = 3 * 60 * 60
"""Time limit in seconds; a first import of a million complaints stays below it."""


def show_evaluated(done: int, total: int) -> None:
    """Say how many complaints a long run has evaluated."""
    show_progress(f"{done} of {total} complaints evaluated")


@flow(name="deadlines", flow_run_name=run_name, timeout_seconds=LONGEST_RUN)
def deadlines(site: SiteFolder = None, now: Now = None, part: PartName = "") -> dict[str, Any]:
    """Evaluate every complaint with a due next action; queue reminders and escalations.

    Several runs at the same time, on one or more machines, each process one shard of the units.
    """
    with flow_run_context("deadlines", site, now, part) as at:
        decided = evaluate_and_notify_task(
            at.context,
            at.now,
            at.run_id,
            Shard.parse(part),
            progress=show_evaluated,
            helpers=spare_cores(),
        )
        status = site_status(at.context, at.now)
        get_run_logger().info(
            "%d complaints evaluated, %d notices, %d mails queued, %d superseded",
            decided.evaluated,
            sum(decided.notices.values()),
            decided.messages,
            decided.superseded,
        )
        if decided.breached:
            emit_event(
                "tenggat.deadline.breached",
                resource={"prefect.resource.id": f"tenggat.site.{at.context.site.folder.name}"},
                payload={"count": decided.breached},
            )
        settings = at.context.site
        name = settings.directory.name_of
        late_by = [(name(unit), number) for unit, number in status.late_by_unit]
        if status.late_of_superiors:
            late_by.append(
                (superior_office(settings.name, settings.locale), status.late_of_superiors)
            )
        at.show(
            evaluated=decided.evaluated,
            states=status.states,
            late=status.late,
            late_by_unit=late_by,
            due_today=status.due_today,
            due_soon=status.due_soon,
            notices=dict(decided.notices),
            superseded=decided.superseded,
            messages=decided.messages,
            moved=decided.moved,
            held=decided.messages if decided.storm else 0,
            vacancies=[(name(unit), role) for unit, role in decided.vacancies],
        )
        at.counts = {
            "evaluated": decided.evaluated,
            "notices": dict(decided.notices),
            "superseded": decided.superseded,
            "messages": decided.messages,
            "moved": decided.moved,
            "storm": decided.storm,
        }
    if decided.storm and not ask(decided.storm, site):
        get_run_logger().warning("storm %d waits; `tenggat mail release` decides", decided.storm)
    return at.counts
