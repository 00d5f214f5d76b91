"""The service: Prefect server, worker and schedules under one supervisor (`tenggat up`).

It also gives a single command a Prefect API. It starts processes, and knows nothing of complaints.
"""

from service.environment import MARK, prefect_environment
from service.errors import Rejected, ServiceError, Stopped
from service.lock import sweep
from service.login import known_login, source_of_login
from service.prefect_server import last_service, prefect_api, prefect_server, running_service
from service.supervisor import up
from service.worker import default_worker_name, work

__all__ = [
    "MARK",
    "Rejected",
    "ServiceError",
    "Stopped",
    "default_worker_name",
    "known_login",
    "last_service",
    "prefect_api",
    "prefect_environment",
    "prefect_server",
    "running_service",
    "source_of_login",
    "sweep",
    "up",
    "work",
]
