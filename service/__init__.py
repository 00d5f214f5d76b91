"""The service: Prefect server, worker and schedules under one supervisor (`tenggat up`).

It also gives a single command a Prefect API. It starts processes, and knows nothing of complaints.
"""

__all__ = [
    "database_upgrade",
    "environment",
    "errors",
    "lock",
    "login",
    "prefect_server",
    "supervisor",
    "worker",
]
