"""The watchdog: it finds incidents, logs them and notifies the administrator.

`watch` runs next to the flows; `external_watch` needs no worker; `health` is `tenggat doctor`.
"""

__all__ = [
    "clock_check",
    "clock_witnesses",
    "external_watch",
    "failed_runs",
    "false_time",
    "health",
    "incident_log",
    "ping",
    "watch",
]
