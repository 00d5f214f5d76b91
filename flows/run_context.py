"""Begin and end of every flow: open the site, check the clock, record the run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from prefect.artifacts import create_markdown_artifact
from prefect.runtime import flow_run

from db import audit, runs
from flows.permitted import SKEW, check_site, served_sites
from flows.stored_results import refuse_stored_results
from settings import load_site
from tasks.common.context import ClockInThePast, SiteContext
from tasks.notifications.after_restore import finish_restores
from tasks.text.templates import render

refuse_stored_results()  # also for a command that runs a flow with the API of a service


@dataclass(slots=True)
class FlowRunContext:
    """Run context of a flow: open site, time, run id, and counts so far."""

    context: SiteContext
    flow: str
    now: datetime
    run_id: str
    counts: dict[str, Any] = field(default_factory=dict)

    def show(self, **values: Any) -> None:
        """Publish this flow's artifact in the site's language, without data of complainants."""
        site = self.context.site
        markdown = render(
            f"report/{self.flow}.md.j2",
            locale=site.locale,
            zone=site.zone,
            site=site.name,
            now=self.now,
            **values,
        )
        create_markdown_artifact(markdown, key=self.flow, description=site.name)


@contextmanager
def flow_run_context(
    flow: str, site: str | None, now: datetime | None, part: str = ""
) -> Iterator[FlowRunContext]:
    """Open the site for one run of a flow; record the run if the block ends without an error.

    `part` is the shard of the units if several runs share the work. If the clock is behind the last
    run by at most `SKEW`, the time of that run is used instead.

    Raises `tasks.common.context.ClockInThePast` if `now` is before an already finished run.
    Otherwise later evaluations would be reversed, and new mails dated before mails already sent.
    """
    patience = timedelta(0) if now else SKEW
    now = now or datetime.now(UTC)
    if now.tzinfo is None:
        raise ValueError("`now` needs a zone, as in 2026-11-24T08:00+08:00")
    check_site(site, served_sites())
    context = SiteContext.open(site)
    try:
        with context.transaction() as session:
            before = runs.last(session, flow)
        if before is not None and before - patience <= now < before:
            now = before
        if before is not None and now < before:
            raise ClockInThePast(
                f"it is {context.local(now):%Y-%m-%d %H:%M}, but {flow} has already run at"
                f" {context.local(before):%Y-%m-%d %H:%M}; check the machine's clock or --now"
            )
        run = f"{flow} {now.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ} {part}".rstrip()
        at = FlowRunContext(context, flow, now, run)
        context.by = audit.AuditActor(f"flow run {flow_run.name or flow}", at.run_id)
        finish_restores(context, now)
        yield at
        with context.transaction() as session:
            runs.finished(session, at.run_id, flow, now, at.counts)
    finally:
        context.close()


def run_name() -> str:
    """Return the name of a run for the UI: the flow and its time in the site's zone."""
    parameters = flow_run.parameters
    check_site(parameters.get("site"), served_sites())
    now = parameters.get("now") or datetime.now(UTC)
    if isinstance(now, str):
        now = datetime.fromisoformat(now)
    zone = load_site(parameters.get("site")).zone
    part = parameters.get("part") or ""
    return f"{flow_run.flow_name} {now.astimezone(zone):%Y-%m-%d %H:%M} {part}".rstrip()
