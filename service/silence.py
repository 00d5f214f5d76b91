"""What Prefect's server does when a flow falls silent: it has the watchdog look at once."""

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
    """An automation for each watched flow of each site, as Prefect's API takes them.

    It is proactive: it waits for the next run that completes, from each one on, for as long as the
    site allows, and acts when none has. So it acts once in a silence, and the runs that it asks
    for do not pile up where no worker is; then `tenggat watch` tells. `ids` are the deployments'
    ids by their names.
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
