"""Failed runs: a site's failed and crashed flow runs, read from Prefect's server."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

import httpx
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import (
    FlowFilter,
    FlowFilterName,
    FlowRunFilter,
    FlowRunFilterEndTime,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.client.schemas.sorting import FlowRunSort
from prefect.exceptions import PrefectHTTPStatusError
from prefect.settings import PREFECT_API_URL

from db.engine import DamagedDatabase, NotReady
from settings.errors import SettingsError
from settings.site import Site
from tasks.common.context import ClockInThePast
from tasks.ingest.source_count import IncompleteIntake
from tasks.monitoring.clock_check import ClockRefused
from tasks.monitoring.incidents import Incident, IncidentKind
from tasks.notifications.sender import IncompleteDelivery

FLOWS = ("intake", "deadlines", "delivery", "watchdog", "summary", "storm", "maintenance")
KINDS = {StateType.FAILED: IncidentKind.FAILED, StateType.CRASHED: IncidentKind.CRASHED}

FIRST_LOOK = timedelta(hours=1)
"""The time before now that the first check covers."""

PAGE = 200

QUOTABLE = {
    error.__name__
    for error in (
        IncompleteDelivery,
        ClockInThePast,
        SettingsError,
        NotReady,
        DamagedDatabase,
        IncompleteIntake,
    )
}
"""Names of the error classes with a text that alerts may quote. Tenggat wrote these texts, and they
contain nothing from a complainant. Prefect stores an error as the name of its class and its text.
"""

MOST_QUOTED = 2000
"""Number of characters of an error in a mail; a text that is cut has no Indonesian form."""

UNEXPECTED = "an unexpected error; the Prefect UI and the service's log show it"

SAID = re.compile(r"exception: (?:[\w.]*\.)?(\w+)(?:: (.*))?", re.DOTALL)


class NotAsked(Exception):
    """Prefect's server could not be queried; the text gives the reason."""


def failed_runs(site: Site, since: datetime | None, now: datetime) -> list[Incident]:
    """Return the site's runs that failed or crashed in (since, now], as one incident per flow and
    error.

    Raises :class:`NotAsked` if there is no server or it does not answer.
    """
    if not PREFECT_API_URL.value():
        raise NotAsked("there is no Prefect server (PREFECT_API_URL)")
    since = since or now - FIRST_LOOK
    try:
        with get_client(sync_client=True) as client:
            runs = list(_ended(client, since, now))
            names = {flow.id: flow.name for flow in client.read_flows(flow_filter=_OURS)}
    except (httpx.HTTPError, PrefectHTTPStatusError) as error:
        raise NotAsked(f"Prefect's server does not answer ({type(error).__name__})") from None
    found: dict[str, list[FlowRun]] = {}
    for run in runs:
        flow = names.get(run.flow_id)
        if flow is not None and run.state is not None and _of(site, run):
            if _name(run) == ClockRefused.__name__:
                continue  # it has an alert of its own
            kind = KINDS[run.state.type]
            key = f"{kind}/{flow}/{_name(run) if kind is IncidentKind.FAILED else ''}".rstrip("/")
            found.setdefault(key, []).append(run)
    return [_cause(site, key, several, names) for key, several in sorted(found.items())]


_OURS = FlowFilter(name=FlowFilterName(any_=list(FLOWS)))


def _ended(client: SyncPrefectClient, since: datetime, now: datetime) -> Iterable[FlowRun]:
    ended = FlowRunFilter(
        state=FlowRunFilterState(type=FlowRunFilterStateType(any_=list(KINDS))),
        end_time=FlowRunFilterEndTime.model_validate(
            {"after_": since + timedelta(microseconds=1), "before_": now}
        ),
    )
    offset = 0
    while page := client.read_flow_runs(
        flow_filter=_OURS,
        flow_run_filter=ended,
        sort=FlowRunSort.END_TIME_DESC,
        limit=PAGE,
        offset=offset,
    ):
        yield from page
        offset += PAGE


def _of(site: Site, run: FlowRun) -> bool:
    """Check whether a run belongs to this site, by its parameter `site` or else the default
    site.
    """
    folder = (
        run.parameters.get("site") or os.environ.get("TENGGAT_SITE") or "examples/kabupaten-contoh"
    )
    return Path(str(folder)).resolve() == site.folder


def _name(run: FlowRun) -> str:
    """Return the class name of the error that ended a run, as stored by Prefect."""
    assert run.state is not None
    said = SAID.search(run.state.message or "")
    return said[1] if said else run.state.name or "Failed"


def error_words(message: str) -> str:
    """Return the text of an error for a mail: Tenggat's own text, without the name of its class."""
    said = SAID.search(message)
    if said is None or said[1] not in QUOTABLE or not said[2]:
        return UNEXPECTED
    return " ".join(said[2].split())[:MOST_QUOTED]


def _cause(site: Site, key: str, runs: list[FlowRun], names: Mapping[UUID, str]) -> Incident:
    newest = runs[0]
    assert newest.state is not None
    at = newest.end_time or newest.state.timestamp
    facts = {
        "flow": names[newest.flow_id],
        "n": str(len(runs)),
        "since": at.isoformat(),
        "error": error_words(newest.state.message or ""),
    }
    if site.ui_url:
        facts["link"] = f"{site.ui_url}/runs/flow-run/{newest.id}"
    return Incident(KINDS[newest.state.type], key, facts)
