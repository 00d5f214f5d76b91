"""A unit's answer 'done' as a step of the complaint, for sources that leave this to officials."""

from __future__ import annotations

from datetime import datetime

from db import complaints
from db.models import Complaint, MessageRow
from settings.mapping import OFFICIAL_STEPS
from sla.events import BY_REPLY, Kind
from tasks.common.context import RunContext
from tasks.ingest.officials import steps


def state_done(
    run: RunContext, message: MessageRow, complaint: Complaint, role: str, arrived: datetime
) -> None:
    """Record that the duties which a mail named for a complaint are done, at the time of arrival.

    This applies to mailboxes with `replies` in `stated_by`. For other sources the source itself
    shows the step. If the mail named the complaint only beside its notices, the duty due first is
    meant.
    """
    source = run.site.sources.get(complaint.source)
    if source is None or not source.states_by_reply:
        return
    at = min(arrived, run.now)
    for kind in _kinds(run, message, complaint):
        step = steps.OfficialStep(kind=kind, at=at, origin=BY_REPLY, role=role)
        try:
            steps.state(run.session, run.context, complaint, step, run.now)
        except steps.WrongStep:
            continue  # the clock of the mail server is behind: the mail itself came after receipt


def _kinds(run: RunContext, message: MessageRow, complaint: Complaint) -> list[Kind]:
    """Return the kinds of step that fulfil the duties of a complaint named in a mail."""
    named = [
        item.notice.rule
        for item in message.items
        if item.included and not item.correction and item.notice.complaint_id == complaint.id
    ]
    if not named:
        stored = complaints.deadlines_of(run.session, [complaint.id]).get(complaint.id, [])
        running = [row for row in stored if row.stopped is None and row.due is not None]
        named = [row.rule for row in sorted(running, key=lambda row: (row.due, row.id))[:1]]
    law = run.site.evaluation_context.law
    rules = [law.on(rule_id, run.today) for rule_id in dict.fromkeys(named) if rule_id in law.ids]
    stops = {kind for rule in rules if rule is not None for kind in rule.stops_on}
    return [kind for kind in OFFICIAL_STEPS.values() if kind in stops and kind != Kind.ASSIGNED]
