"""Check the machine's clock after a jump, before a run decides or sends anything.

A run at a wrong time would report deadlines that have not passed, and later runs would refuse to
work before that time. So a run more than a day after the last one needs a witness of its time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from db import audit, runs, watch_state
from tasks.common.context import RunContext, SiteContext
from tasks.monitoring.clock_witnesses import Clock, Witness, ask_all
from tasks.monitoring.incident_log import IncidentLog, IncidentUpdates, update_incidents
from tasks.monitoring.incidents import Incident, IncidentKind
from tasks.monitoring.send_alert import send_watch_alerts
from tasks.monitoring.watch import again_after, notify

FLOW = "clock"
"""The `flow` of the record of a jump that was confirmed or accepted."""

MAX_JUMP = timedelta(days=1)
"""The longest time since the last run of any flow that needs no witness."""

TOLERANCE = timedelta(hours=1)
"""The largest difference between our time and that of a witness that agrees."""

KINDS = frozenset({IncidentKind.WRONG_CLOCK, IncidentKind.CLOCK_JUMP})

Ask = Callable[[SiteContext, Clock, timedelta], Sequence[Witness]]
"""Asks the witnesses; :func:`tasks.monitoring.clock_witnesses.ask_all`, or others in a test."""


class ClockRefused(ValueError):
    """The clock has jumped, and no witness confirms its time: the run decides and sends nothing."""


class ClockOutcome(StrEnum):
    """The result of a check of the clock."""

    STEADY = "steady"
    """There is no earlier run, or the last one is at most a day ago. No witness was asked."""
    CONFIRMED = "confirmed"
    CONTRADICTED = "contradicted"
    UNCONFIRMED = "unconfirmed"
    """No witness said anything."""


@dataclass(frozen=True, slots=True)
class ClockVerdict:
    """A check of the clock: the time of the machine, the last run and the witnesses."""

    now: datetime
    last: datetime | None
    witnesses: Sequence[Witness] = ()
    asked: bool = False

    @property
    def outcome(self) -> ClockOutcome:
        """The result: one witness confirms and none contradicts, or the time is refused."""
        if not self.asked:
            return ClockOutcome.STEADY
        if self.contradicting:
            return ClockOutcome.CONTRADICTED
        agreed = any(each.agrees for each in self.witnesses)
        return ClockOutcome.CONFIRMED if agreed else ClockOutcome.UNCONFIRMED

    @property
    def refused(self) -> bool:
        """Whether no run may decide anything at this time."""
        return self.outcome in (ClockOutcome.CONTRADICTED, ClockOutcome.UNCONFIRMED)

    @property
    def contradicting(self) -> Witness | None:
        """The first witness with another time."""
        return next((each for each in self.witnesses if each.agrees is False), None)

    @property
    def sure_time(self) -> datetime:
        """The time for the records of a refusal: that of the witness, else of the last run."""
        against = self.contradicting
        if against is not None and against.time is not None:
            return against.time
        return self.last or self.now

    def names(self) -> dict[str, list[str]]:
        """Return the names of the witnesses by what they say."""
        kinds = {"confirms": True, "contradicts": False, "silent": None}
        return {
            kind: [each.name for each in self.witnesses if each.agrees is agrees]
            for kind, agrees in kinds.items()
        }

    def text(self, context: SiteContext) -> str:
        """Return the reason of a refusal and the remedy."""

        def at(moment: datetime) -> str:
            return f"{context.local(moment):%Y-%m-%d %H:%M}"

        jump = f"the clock says {at(self.now)}, the last run was at {at(self.last or self.now)}"
        against = self.contradicting
        if against is not None and against.time is not None:
            return (
                f"{jump}, and {against.name} says {at(against.time)}; nothing was decided or"
                " sent: set the machine's clock (timedatectl)"
            )
        return (
            f"{jump}, and nothing confirms this time; nothing was decided or sent: set the"
            " machine's clock (timedatectl), or run `tenggat clock accept` if it is right; for a"
            " trial site with other times set TENGGAT_REHEARSAL=1"
        )


def check_clock(
    context: SiteContext, now: datetime, clock: Clock, *, ask: Ask = ask_all
) -> ClockVerdict:
    """Check whether a run may work at `now`, which is not later than `clock`.

    The witnesses are asked only if `now` is more than `MAX_JUMP` after the last run of any flow.
    They are never asked for a site that keeps its mails in its working files.
    """
    with context.consistent_read() as session:
        last = runs.last(session)
    if last is None or now <= last + MAX_JUMP or context.site.keeps_mail:
        return ClockVerdict(now, last)
    return ask_witnesses(context, clock, last, ask=ask)


def ask_witnesses(
    context: SiteContext, clock: Clock, last: datetime | None, *, ask: Ask = ask_all
) -> ClockVerdict:
    """Ask the witnesses about the clock."""
    witnesses = tuple(ask(context, clock, TOLERANCE))
    return ClockVerdict(clock(), last, witnesses, asked=True)


def record_jump(context: SiteContext, verdict: ClockVerdict, now: datetime, *, by: str) -> None:
    """Record that the time `now` is right, so that the next run is not asked again.

    `by` are the witnesses or the person. The alert about this jump, if there was one, is resolved.
    """
    with context.transaction() as session:
        key = runs.key_of(FLOW, now)
        before = verdict.last.isoformat() if verdict.last else None
        runs.finished(session, key, FLOW, now, {"last_run": before, "by": by})
    resolve_clock(context, now)


def accept_clock(context: SiteContext, verdict: ClockVerdict) -> None:
    """Accept the machine's clock on the word of a person, and record it in the audit."""
    with context.transaction() as session:
        audit.note(
            session,
            audit.AuditKind.CLOCK_ACCEPTED,
            verdict.now,
            "the clock is right: a person accepts the time since the last run",
            last_run=verdict.last.isoformat() if verdict.last else None,
            witnesses=verdict.names(),
        )
    who = context.by.actor if context.by is not None else ""
    record_jump(context, verdict, verdict.now, by=who)


def report_refusal(context: SiteContext, verdict: ClockVerdict, run_id: str) -> list[str]:
    """Notify the administrators once of a refused clock; return the errors of the mail server.

    A contradicted clock is reported at once, and an unconfirmed one after some minutes: a time
    service may just be starting. The mail has a time that is sure, because it would otherwise wait
    in the outbox until the wrong time.
    """
    against = verdict.contradicting
    kind = IncidentKind.CLOCK_JUMP if against is None else IncidentKind.WRONG_CLOCK
    facts = {"clock": verdict.now.isoformat(), "since": (verdict.last or verdict.now).isoformat()}
    if against is not None and against.time is not None:
        facts |= {"witness": against.name, "right": against.time.isoformat()}
    sure = verdict.sure_time
    with context.run(sure, run_id) as run:
        if not _update(run, [Incident(kind, kind, facts)], verdict.now):
            return []
    return send_watch_alerts(context, sure, run_id)


def resolve_clock(context: SiteContext, now: datetime) -> None:
    """Resolve the alert about a refused clock, if there is one."""
    with context.consistent_read() as session:
        if not watch_state.mentions(session, KINDS):
            return
    with context.run(now, FLOW) as run:
        _update(run, [], now)


def _update(run: RunContext, found: list[Incident], clock: datetime) -> IncidentUpdates:
    log = IncidentLog.read(watch_state.recall(run.session), run.now)
    updates = update_incidents(log, found, KINDS, clock, again_after(run.site))
    watch_state.remember(run.session, log.model_dump_json())
    if updates:
        notify(run, updates, clock)
    return updates
