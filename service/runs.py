"""Runs that cannot end by themselves: those whose process is gone, and those that piled up."""

from __future__ import annotations

import json
import socket
from collections.abc import Collection, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import psutil

from service.api import PAGE, ask, every
from service.errors import Rejected
from service.places import POOL, TAG, WORKER
from service.plans import AGAIN

OVERDUE = timedelta(seconds=60)
"""How late a planned run is when it counts as missed."""

TAKEN = timedelta(seconds=120)
"""How long a worker of this machine may need from taking a run to starting its process."""

TRIES = 3
FRESH = timedelta(days=1)
"""How often a run is begun that crashes, and for how long after its crash."""


def skip_missed(api: str, now: datetime, caught_up: Collection[str] = ()) -> Iterator[str]:
    """Of each deployment's missed runs let only the last one run: it does the work of all.

    Of the deployments in `caught_up` (by id) none is left. A run that a person has asked for is
    not touched, and one with other parameters (another period) is another matter.
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
            "message": "Missed; one later run does the work of all that were.",
        }
        if _set(api, run["id"], state):
            skipped[run["deployment_id"]] = skipped.get(run["deployment_id"], 0) + 1
    for deployment, number in skipped.items():
        yield f"{number} missed runs of {_name(api, deployment)} skipped: one catches up for all"


def bury(api: str, now: datetime) -> Iterator[str]:
    """Mark runs as crashed whose process is gone; their slots are free again.

    Only where every worker of late was on this machine: Prefect does not tell where a run's
    process is. Its own automation does so for every machine, after some missed heartbeats.
    """
    live = every(
        api,
        "flow_runs",
        flow_runs={"state": {"type": {"any_": ["RUNNING", "PENDING", "CANCELLING"]}}},
    )
    suspects = [run for run in live if _should_live(run, now)]
    if not suspects or not _alone(api, now):
        return
    alive = _working()
    for run in suspects:
        if run["id"] in alive:
            continue
        again = ask(f"{api}/flow_runs/{run['id']}")  # it may have ended well just before
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
    """Have crashed runs begun again that no later run stands in for, a few times."""
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
            yield f"run '{run['name']}' crashed and is begun again"


def _should_live(run: dict[str, Any], now: datetime) -> bool:
    """Whether a worker's process has to be there for this run."""
    if run["work_pool_name"] != POOL:
        return False  # a command's own
    since = datetime.fromisoformat(run["state"]["timestamp"]).astimezone(UTC)
    return run["state_type"] != "PENDING" or now - since > TAKEN


def _alone(api: str, now: datetime) -> bool:
    """Whether no worker but the service's own has been there while runs of today began."""
    workers = ask(f"{api}/work_pools/{POOL}/workers/filter", {"limit": PAGE})
    return all(
        worker["name"] == WORKER
        or now - datetime.fromisoformat(worker["last_heartbeat_time"]) > FRESH
        for worker in workers
    )


def _working() -> set[str]:
    """The ids of the runs that processes of this machine work on."""
    return {
        str(environment["PREFECT__FLOW_RUN_ID"])
        for process in psutil.process_iter(["environ"])
        if (environment := process.info["environ"] or {}).get("PREFECT__FLOW_RUN_ID")
    }


def _set(api: str, run: str, state: dict[str, Any]) -> bool:
    """Propose a state; whether the server has taken it."""
    try:
        answer = ask(f"{api}/flow_runs/{run}/set_state", {"state": state, "force": False})
    except Rejected:
        return False  # the run is gone
    return bool(answer["status"] == "ACCEPT")


def _name(api: str, deployment: str) -> str:
    try:
        known = ask(f"{api}/deployments/{deployment}")
        flow = ask(f"{api}/flows/{known['flow_id']}")
        return f"{flow['name']}/{known['name']}"
    except Rejected:
        return "a deployment that is gone"
