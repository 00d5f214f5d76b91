"""How every flow begins and ends: the site opened, the clock checked, the run noted."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from prefect.artifacts import create_markdown_artifact
from prefect.runtime import flow_run

from db import audit, runs
from settings import load_site
from tasks.office import ClockInThePast, Office
from tasks.rendering import render

SKEW = timedelta(minutes=1)
"""By how much the clocks of the machines that share the work may differ."""


@dataclass(slots=True)
class Desk:
    """A flow at work: the open site, its time, its id, and what it has counted so far."""

    office: Office
    flow: str
    now: datetime
    run: str
    counts: dict[str, Any] = field(default_factory=dict)

    def show(self, **values: Any) -> None:
        """Publish this flow's artifact, in the site's language; never what a complainant gave."""
        site = self.office.site
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
def desk(flow: str, site: str | None, now: datetime | None, part: str = "") -> Iterator[Desk]:
    """Open the site for one run of a flow; note the run when the block ends without an error.

    `part` is that of the units where several runs share the work. A clock that is behind that of
    the machine with the last run by `SKEW` at most counts as being at that run's time.

    Raises `tasks.office.ClockInThePast` when `now` lies before a run that has finished: verdicts
    would be taken back and mails dated before those that are out.
    """
    patience = timedelta(0) if now else SKEW
    now = now or datetime.now(UTC)
    if now.tzinfo is None:
        raise ValueError("`now` needs a zone, as in 2026-11-24T08:00+08:00")
    office = Office.open(site)
    try:
        with office.transaction() as session:
            before = runs.last(session, flow)
        if before is not None and before - patience <= now < before:
            now = before
        if before is not None and now < before:
            raise ClockInThePast(
                f"it is {office.local(now):%Y-%m-%d %H:%M}, but {flow} has already run at"
                f" {office.local(before):%Y-%m-%d %H:%M}; check the machine's clock or --now"
            )
        run = f"{flow} {now.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ} {part}".rstrip()
        at = Desk(office, flow, now, run)
        office.by = audit.By(f"flow run {flow_run.name or flow}", at.run)
        yield at
        with office.transaction() as session:
            runs.finished(session, at.run, flow, now, at.counts)
    finally:
        office.close()


def run_name() -> str:
    """What a run is called in the UI: the flow and its time at the site."""
    parameters = flow_run.parameters
    now = parameters.get("now") or datetime.now(UTC)
    if isinstance(now, str):
        now = datetime.fromisoformat(now)
    zone = load_site(parameters.get("site")).zone
    part = parameters.get("part") or ""
    return f"{flow_run.flow_name} {now.astimezone(zone):%Y-%m-%d %H:%M} {part}".rstrip()
