"""Automations of Prefect's server: it marks runs without a heartbeat as crashed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flows.ui_texts import ui_text
from service.deployment_specs import DeploymentSpec
from service.environment import HEARTBEAT_SECONDS
from settings.site import Site

PREFIX = "tenggat: "
"""Prefix of the names of our automations. All others are left alone."""

SILENT_SECONDS = 3 * HEARTBEAT_SECONDS


def automations(locale: str) -> list[dict[str, Any]]:
    """Return our automations in the form of Prefect's API, with texts in a language.

    After a heartbeat, any event of the run ends the wait for the next one. This includes its
    suspension, as for a storm that waits for a person.

    No automation starts from the state Pending. That event comes in the same second as the events
    after it. On SQLite a server that counted them at once was seen to hang permanently (3.8.8,
    'database is locked' in its consume_loop). `service.runs.stale.mark_crashed` handles such runs.
    """
    return [
        {
            "name": PREFIX + ui_text(locale, "crashed"),
            "description": ui_text(locale, "crashed_text"),
            "enabled": True,
            "trigger": {
                "type": "event",
                "posture": "Proactive",
                "match": {"prefect.resource.id": "prefect.flow-run.*"},
                "match_related": {},
                "after": ["prefect.flow-run.heartbeat"],
                "expect": ["prefect.flow-run.*"],
                "for_each": ["prefect.resource.id"],
                "threshold": 1,
                "within": SILENT_SECONDS,
            },
            "actions": [
                {
                    "type": "change-flow-run-state",
                    "state": "CRASHED",
                    "name": "Crashed",
                    "message": ui_text(locale, "no_heartbeat", seconds=SILENT_SECONDS),
                }
            ],
            "actions_on_trigger": [],
            "actions_on_resolve": [],
        }
    ]


WATCHED = ("deadlines", "delivery")
WATCHDOG = "watchdog"


def silences(
    sites: Sequence[Site], plans: Sequence[DeploymentSpec], ids: Mapping[str, str]
) -> list[dict[str, Any]]:
    """Return an automation for each watched flow of each site, in the form of Prefect's API.

    Each one is proactive: after a completed run it waits for the next one, for the time that the
    site allows, and acts if none completes. It acts only once per silence, so the watchdog runs it
    requests do not accumulate if there is no worker. In that case the watch reports the
    silence. `ids` are the deployments' ids by name.
    """
    found = []
    for site in sites:
        of_site = [p for p in plans if p.body["parameters"]["site"] == str(site.folder)]
        dog = next((ids.get(p.name) for p in of_site if p.flow == WATCHDOG), None)
        allowed = dict(site.file.watch.silent_minutes)
        for plan in of_site:
            if plan.flow in WATCHED and plan.name in ids and dog is not None:
                found.append(_silence(plan, ids[plan.name], allowed[plan.flow], dog))
    return found


def _silence(plan: DeploymentSpec, deployment: str, minutes: int, watchdog: str) -> dict[str, Any]:
    completed = ["prefect.flow-run.Completed"]
    return {
        "name": PREFIX + ui_text(plan.locale, "silent", name=plan.name),
        "description": ui_text(plan.locale, "silent_text", name=plan.name, n=minutes),
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
            "within": 60 * minutes,
        },
        "actions": [
            {"type": "run-deployment", "source": "selected", "deployment_id": watchdog}
            | {"parameters": {}}
        ],
        "actions_on_trigger": [],
        "actions_on_resolve": [],
    }
