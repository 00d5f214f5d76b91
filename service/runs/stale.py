"""Runs that cannot end by themselves: runs without a process, and missed runs that accumulated."""

from __future__ import annotations

import json
import socket
from collections.abc import Collection, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from service.automations import SILENT_SECONDS
from service.deployment_specs import AGAIN
from service.environment import POOL, TAG, WORKER
from service.errors import Rejected
from service.prefect_api import PAGE, ask, every
from service.runs.locks import live_runs

OVERDUE = timedelta(seconds=60)
"""Delay after which a scheduled run counts as missed."""

TAKEN = timedelta(seconds=120)
"""Longest time a worker on this machine needs from accepting a run to starting its process."""

SILENT = timedelta(seconds=2 * SILENT_SECONDS)
"""Time without an event after which a run of an unknown machine counts as crashed: Prefect's
automation, which needs a first heartbeat, has had time to act before."""

TRIES = 3
FRESH = timedelta(days=1)
"""A crashed run is started at most `TRIES` times in all, and only within `FRESH` after its
crash."""


def skip_missed(api: str, now: datetime, caught_up: Collection[str] = ()) -> Iterator[str]:
    """Cancel the missed runs of each deployment except the last, because it does the work of all.

    For the deployments in `caught_up` (by id) all missed runs are cancelled. Runs requested by a
    person are not changed. Runs with different parameters (such as another period) are treated
    separately. Yields lines to print.
    """
    missed = every(
        api,
        "flow_runs",
        flow_runs={
            "tags": {"all_": [TAG]},
            "state": {
                "name": {"any_": ["Scheduled", "Late", "AwaitingConcurrencySlot"]},
                "type": {"any_": ["SCHEDULED"]},
            },
            "expected_start_time": {"before_": (now - OVERDUE).isoformat()},
        },
        sort="EXPECTED_START_TIME_DESC",
    )
    seen: set[tuple[str, str]] = set()
    skipped: dict[str, int] = {}
    for run in missed:
        if not run["auto_scheduled"]:
            continue
        key = (run["deployment_id"], json.dumps(run["parameters"], sort_keys=True))
        if key not in seen and run["deployment_id"] not in caught_up:
            seen.add(key)
            continue
        state = {
            "type": "CANCELLED",
            "name": "Skipped",
            "message": "Missed; one later run does the work of all missed runs.",
        }
        if _set(api, run["id"], state):
            skipped[run["deployment_id"]] = skipped.get(run["deployment_id"], 0) + 1
    for deployment, number in skipped.items():
        yield f"{number} missed runs of {_name(api, deployment)} skipped: one catches up for all"


def mark_crashed(
    api: str, prefect_home: Path, now: datetime, heard_since: datetime | None = None
) -> Iterator[str]:
    """Mark runs as crashed if their process is gone, to release their slots; yields lines to print.

    `prefect_home` is the folder of Prefect's own files, where each process of a run on this machine
    has a lock. Prefect does not say on which machine a process runs. So a run without a lock counts
    as crashed at once only if all recent workers were on this machine.

    Else Prefect's automation counts missed heartbeats. It does not act for a run that died before
    its first one. Such a run counts as crashed when the server has had no event of it for the time
    of `SILENT`. `heard_since` is the moment since which the server has been there to receive
    events; None if this is not known.
    """
    live = every(
        api,
        "flow_runs",
        flow_runs={"state": {"type": {"any_": ["RUNNING", "PENDING", "CANCELLING"]}}},
    )
    suspects = [run for run in live if _should_live(run, now)]
    if not suspects:
        return
    alive = live_runs(prefect_home)
    alone = _alone(api, now)
    here = f"Its process on {socket.gethostname()} is gone."
    for run in suspects:
        if run["id"] in alive or not (alone or _silent(api, run, now, heard_since)):
            continue
        again = ask(f"{api}/flow_runs/{run['id']}")  # it may have ended normally just before
        if again["state"]["id"] != run["state"]["id"]:
            continue
        reason = here if alone else f"No event of it for {SILENT.seconds} seconds."
        if _set(api, run["id"], {"type": "CRASHED", "name": "Crashed", "message": reason}):
            name = run["name"]
            if alone:
                yield f"run '{name}' has crashed: its process is gone"
            else:
                yield f"run '{name}' has crashed: its machine has reported nothing of it"


def run_again(api: str, now: datetime) -> Iterator[str]:
    """Schedule crashed runs again, a few times, if no later run does their work.

    Yields lines to print.
    """
    crashed = every(
        api,
        "flow_runs",
        flow_runs={
            "tags": {"all_": [AGAIN]},
            "state": {"type": {"any_": ["CRASHED"]}},
            "end_time": {"after_": (now - FRESH).isoformat()},
        },
    )
    for run in crashed:
        if run["run_count"] >= TRIES:
            continue
        state = {
            "type": "SCHEDULED",
            "name": "AwaitingRetry",
            "message": "It crashed, and no later run does its work.",
            "state_details": {"scheduled_time": now.isoformat()},
        }
        if _set(api, run["id"], state):
            yield f"run '{run['name']}' crashed and is started again"


def _should_live(run: dict[str, Any], now: datetime) -> bool:
    """Check whether a worker's process must exist for this run."""
    if run["work_pool_name"] != POOL:
        return False  # a run of a command, without a worker
    since = datetime.fromisoformat(run["state"]["timestamp"]).astimezone(UTC)
    return run["state_type"] != "PENDING" or now - since > TAKEN


def _silent(api: str, run: dict[str, Any], now: datetime, heard_since: datetime | None) -> bool:
    """Check that a run has had its state, and the server no event of it, for the time of `SILENT`.

    False if the server has not been there for so long, because events are lost while it is away.
    """
    begin = now - SILENT
    since = datetime.fromisoformat(run["state"]["timestamp"])
    if heard_since is None or max(heard_since, since) > begin:
        return False
    ahead = now + timedelta(days=1)  # the clock of the other machine may be ahead
    events = {
        "occurred": {"since": begin.isoformat(), "until": ahead.isoformat()},
        "resource": {"id": [f"prefect.flow-run.{run['id']}"]},
    }
    return not ask(f"{api}/events/filter", {"filter": events, "limit": 1})["events"]


def _alone(api: str, now: datetime) -> bool:
    """Check that the service's own worker was the only one within the time of `FRESH`."""
    workers = ask(f"{api}/work_pools/{POOL}/workers/filter", {"limit": PAGE})
    return all(
        worker["name"] == WORKER
        or now - datetime.fromisoformat(worker["last_heartbeat_time"]) > FRESH
        for worker in workers
    )


def _set(api: str, run: str, state: dict[str, Any]) -> bool:
    """Set a proposed state of a run; returns True if the server accepted it."""
    try:
        answer = ask(f"{api}/flow_runs/{run}/set_state", {"state": state, "force": False})
    except Rejected:
        return False  # the run no longer exists
    return bool(answer["status"] == "ACCEPT")


def _name(api: str, deployment: str) -> str:
    try:
        known = ask(f"{api}/deployments/{deployment}")
        flow = ask(f"{api}/flows/{known['flow_id']}")
        return f"{flow['name']}/{known['name']}"
    except Rejected:
        return "a deployment that is gone"
