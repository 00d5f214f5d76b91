"""Begin and end of every flow: open the site, check the clock, record the run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from prefect import get_run_logger
from prefect.artifacts import create_markdown_artifact
from prefect.runtime import flow_run

from db import audit, runs
from db.decisions import mode
from db.installation.record import claim
from flows.permitted import (
    SKEW,
    check_site,
    check_times,
    has_own_installation,
    is_rehearsal,
    served_sites,
)
from flows.run_names import run_title
from flows.stored_results import refuse_stored_results
from settings.site import load_site
from tasks.common.context import ClockInThePast, SiteContext
from tasks.monitoring import clock_check
from tasks.monitoring.clock_check import Ask, ClockOutcome, ClockRefused
from tasks.monitoring.clock_witnesses import Clock, ask_all
from tasks.monitoring.ping import ping
from tasks.notifications.after_restore import finish_restores
from tasks.notifications.trial.mode_text import mode_text
from tasks.text.incidents import witness_text
from tasks.text.templates import render

refuse_stored_results()  # also for a command that runs a flow with the API of a service


SAY: ContextVar[Callable[[str], None]] = ContextVar("say", default=lambda text: None)
"""Tells a line to the person who started a cycle by a command; without one, to nobody."""


def show_progress(text: str) -> None:
    """Say in the log, and to the person who started a cycle, how far a long run is."""
    get_run_logger().info(text)
    SAY.get()(text)


@dataclass(slots=True)
class FlowRunContext:
    """Run context of a flow: open site, time, run id, and counts so far."""

    context: SiteContext
    flow: str
    now: datetime
    run_id: str
    counts: dict[str, Any] = field(default_factory=dict)
    notes: dict[str, Any] = field(default_factory=dict)
    """Facts for later runs, stored beside the counts."""

    def show(self, **values: Any) -> None:
        """Publish this flow's artifact in the site's language, without data of complainants."""
        site = self.context.site
        markdown = render(
            f"report/{self.flow}.md.j2",
            locale=site.locale,
            zone=site.zone,
            site=site.name,
            now=self.now,
            mode=self.mode(),
            **values,
        )
        create_markdown_artifact(markdown, key=self.flow, description=site.name)

    def mode(self) -> str:
        """Return the mode of the site in words: trial or live."""
        site = self.context.site
        with self.context.consistent_read() as session:
            return mode_text(mode.of_site(session), site.locale, site.zone)


def real_time() -> datetime:
    """Return the time of the machine's clock."""
    return datetime.now(UTC)


@contextmanager
def flow_run_context(
    flow: str,
    site: str | None,
    now: datetime | None,
    part: str = "",
    *,
    clock: Clock = real_time,
    ask: Ask = ask_all,
) -> Iterator[FlowRunContext]:
    """Open the site for one run of a flow; record the run if the block ends without an error.

    `part` is the shard of the units if several runs share the work. `clock` is the machine's clock,
    and `ask` asks other clocks about it. If the clock is behind the last run by at most `SKEW`, the
    time of that run is used instead.

    Raises `db.engine.NotReady` if the database belongs to another installation. Raises
    `tasks.common.context.ClockInThePast` if `now` is before an already finished run.
    Otherwise later evaluations would be reversed, and new mails dated before mails already sent.
    Raises `flows.permitted.NotPermitted` if `now` is later than the clock, and
    `tasks.monitoring.clock_check.ClockRefused` if it is more than a day after the last run and no
    witness confirms the clock; neither if :func:`may_pretend_time`.
    """
    patience = timedelta(0) if now else SKEW
    check_site(site, served_sites())
    context = SiteContext.open(site)
    try:
        pretends = may_pretend_time(context, given=now is not None)
        if not pretends:
            check_times({"now": now}, clock())
        now = now or clock()
        if now.tzinfo is None:
            raise ValueError("`now` needs a zone, as in 2026-11-24T08:00+08:00")
        with context.transaction() as session:
            if has_own_installation():
                claim(session, context.site.var, now)
            before = runs.last(session, flow)
        if before is not None and before - patience <= now < before:
            now = before
        if before is not None and now < before:
            raise ClockInThePast(
                f"it is {context.local(now):%Y-%m-%d %H:%M}, but {flow} has already run at"
                f" {context.local(before):%Y-%m-%d %H:%M}; check the machine's clock or --now"
                " (if the clock was ahead before and is right now: `tenggat clock back`)"
            )
        if not pretends:
            _check_clock(context, now, clock, ask)
        run = runs.key_of(flow, now, part)
        at = FlowRunContext(context, flow, now, run)
        context.by = audit.AuditActor(f"flow run {flow_run.name or flow}", at.run_id)
        finish_restores(context, now)
        yield at
        with context.transaction() as session:
            runs.finished(session, at.run_id, flow, now, {**at.counts, **at.notes})
    finally:
        context.close()


def may_pretend_time(context: SiteContext, *, given: bool) -> bool:
    """Check whether a run may work at any time, without a check of the clock.

    It may in a rehearsal, and if its mails stay in the mailbox of the working files. A command with
    a time (`given`) may also if its mails go to a server on this machine at most.
    """
    by_hand = given and served_sites() is None
    return (
        is_rehearsal() or context.site.keeps_mail or (by_hand and context.site.mails_this_machine)
    )


def _check_clock(context: SiteContext, now: datetime, clock: Clock, ask: Ask) -> None:
    """Raise :class:`ClockRefused` if the clock has jumped and its time is not confirmed.

    The administrators and the external monitor are notified then. A confirmed jump is recorded.
    """
    verdict = clock_check.check_clock(context, now, clock, ask=ask)
    if verdict.refused:
        clock_check.report_refusal(context, verdict, clock_check.FLOW)
        if context.site.ping_url:
            ping(context.site.ping_url, well=False)
        raise ClockRefused(verdict.text(context))
    if verdict.outcome is ClockOutcome.CONFIRMED:
        clock_check.record_jump(context, verdict, now, by=", ".join(verdict.names()["confirms"]))
        _show_jump(context, verdict)
    else:
        clock_check.resolve_clock(context, now)


def _show_jump(context: SiteContext, verdict: clock_check.ClockVerdict) -> None:
    """Show a confirmed jump once: as an artifact and in the log of the run."""
    site, names = context.site, verdict.names()["confirms"]
    if flow_run.id is None:
        return  # not within a flow run
    facts = {
        "now": verdict.now,
        "last": verdict.last,
        "witnesses": [witness_text(name, site.locale) for name in names],
    }
    markdown = render(
        "report/clock.md.j2", locale=site.locale, zone=site.zone, site=site.name, **facts
    )
    create_markdown_artifact(markdown, key="clock", description=site.name)
    get_run_logger().warning("the time since the last run is confirmed by %s", ", ".join(names))


def run_name() -> str:
    """Return the name of a run for the UI: the flow and its time in the site's zone."""
    parameters = flow_run.parameters
    check_site(parameters.get("site"), served_sites())
    now = parameters.get("now") or datetime.now(UTC)
    if isinstance(now, str):
        now = datetime.fromisoformat(now)
    zone = load_site(parameters.get("site")).zone
    return run_title(flow_run.flow_name or "", now, zone, parameters.get("part") or "")
