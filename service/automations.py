"""What Prefect's server does by itself: it gives up runs that no longer say that they live."""

from __future__ import annotations

from typing import Any

from service.places import HEARTBEAT_SECONDS

PREFIX = "tenggat: "
"""How the names of our automations begin: others are left alone."""

SILENT_SECONDS = 3 * HEARTBEAT_SECONDS


def automations() -> list[dict[str, Any]]:
    """Our automations, as Prefect's API takes them.

    Whatever a run tells after a heartbeat ends the waiting for the next one: also that it was
    suspended, as a storm is that waits for a person.

    There is none that waits from Pending on: that comes within the same second as the events that
    follow, and on SQLite a server was seen to stand still for good when it counted them at once
    (3.8.8, 'database is locked' in its consume_loop). `service.runs.bury` looks after such runs.
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
