"""Automations of Prefect's server: it marks runs without a heartbeat as crashed."""

from __future__ import annotations

from typing import Any

from service.places import HEARTBEAT_SECONDS

PREFIX = "tenggat: "
"""Prefix of the names of our automations. All others are left alone."""

SILENT_SECONDS = 3 * HEARTBEAT_SECONDS


def automations() -> list[dict[str, Any]]:
    """Return our automations in the form of Prefect's API.

    After a heartbeat, any event of the run ends the wait for the next one. This includes its
    suspension, as for a storm that waits for a person.

    No automation starts from the state Pending. That event comes in the same second as the events
    after it. On SQLite a server that counted them at once was seen to hang permanently (3.8.8,
    'database is locked' in its consume_loop). `service.runs.bury` handles such runs.
    """
    return [
        {
            "name": PREFIX + "a run that no longer lives has crashed",
            "description": "A run whose heartbeat has stopped is marked as crashed; its slot is"
            " free again.",
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
                    "message": f"No heartbeat for {SILENT_SECONDS} s: its process is gone.",
                }
            ],
            "actions_on_trigger": [],
            "actions_on_resolve": [],
        }
    ]
