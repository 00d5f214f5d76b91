"""Runs that cannot end by themselves: runs without a process, and missed runs that accumulated."""

from __future__ import annotations

import json
import socket
from collections.abc import Collection, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from service.deployment_specs import AGAIN
from service.environment import POOL, TAG, WORKER
from service.errors import Rejected
from service.prefect_api import PAGE, ask, every
from service.runs.locks import live_runs

OVERDUE = timedelta(seconds=60)
"""Delay after which a scheduled run counts as missed."""

TAKEN = timedelta(seconds=120)
"""Longest time a worker on this machine needs from accepting a run to starting its process."""

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


def mark_crashed(api: str, prefect_home: Path, now: datetime) -> Iterator[str]:
    """Mark runs as crashed if their process is gone, to release their slots; yields lines to print.

    `prefect_home` is the folder of Prefect's own files, where each process of a run has a lock.

    This is done only if all recent workers were on this machine, because Prefect does not say on
    which machine a process runs. Prefect's automation does it for all machines, after some missed
    heartbeats.
    """
    live = every(
        api,
        "flow_runs",
        flow_runs={"state": {"type": {"any_": ["RUNNING", "PENDING", "CANCELLING"]}}},
    )
    suspects = [run for run in live if _should_live(run, now)]
    if not suspects or not _alone(api, now):
        return
    alive = live_runs(prefect_home)
    for run in suspects:
        if run["id"] in alive:
            continue
        again = ask(f"{api}/flow_runs/{run['id']}")  # it may have ended normally just before
        if again["state"]["id"] != run["state"]["id"]:
            continue
        state = {
            "type": "CRASHED",
            "name": "Crashed",
            "message": f"Its process on {socket.gethostname()} is gone.",
        }
        if _set(api, run["id"], state):
            yield f"run '{run['name']}' has crashed: its process is gone"


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
