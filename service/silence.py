"""Automations for flows without recent runs: Prefect's server starts the watchdog at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from service.automations import PREFIX
from service.plans import Plan
from settings import Site

WATCHED = ("deadlines", "delivery")
WATCHDOG = "watchdog"


def silences(
    sites: Sequence[Site], plans: Sequence[Plan], ids: Mapping[str, str]
) -> list[dict[str, Any]]:
    """Return an automation for each watched flow of each site, in the form of Prefect's API.

    Each one is proactive: after a completed run it waits for the next one, for the time that the
    site allows, and acts if none completes. It acts only once per silence, so the watchdog runs it
    requests do not accumulate if there is no worker. In that case `tenggat watch` reports the
    silence. `ids` are the deployments' ids by name.
    """
    found = []
    for site in sites:
        of_site = [p for p in plans if p.body["parameters"]["site"] == str(site.folder)]
        dog = next((ids.get(p.name) for p in of_site if p.flow == WATCHDOG), None)
        allowed = dict(site.file.watch.silent_minutes)
        for plan in of_site:
            if plan.flow in WATCHED and plan.name in ids and dog is not None:
                found.append(_silence(plan.name, ids[plan.name], 60 * allowed[plan.flow], dog))
    return found


def _silence(name: str, deployment: str, seconds: int, watchdog: str) -> dict[str, Any]:
    completed = ["prefect.flow-run.Completed"]
    return {
        "name": f"{PREFIX}{name} is silent",
        "description": f"No run of {name} has completed for {seconds // 60} minutes: the watchdog"
        " looks at once, and tells the administrator.",
        "enabled": True,
        "trigger": {
            "type": "event",
            "posture": "Proactive",
            "match": {"prefect.resource.id": "prefect.flow-run.*"},
            "match_related": {
                "prefect.resource.role": "deployment",
                "prefect.resource.id": f"prefect.deployment.{deployment}",
            },
            "after": completed,
            "expect": completed,
            "for_each": [],
            "threshold": 1,
            "within": seconds,
        },
        "actions": [
            {"type": "run-deployment", "source": "selected", "deployment_id": watchdog}
            | {"parameters": {}}
        ],
        "actions_on_trigger": [],
        "actions_on_resolve": [],
    }
