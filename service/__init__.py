"""The service: a Prefect API for one command, or server, worker and schedules for good."""

from service.errors import Rejected, ServiceError, Stopped
from service.guarding import sweep
from service.places import MARK, prefect_environment
from service.server import prefect_api, prefect_server, running_service
from service.supervisor import up

__all__ = [
    "MARK",
    "Rejected",
    "ServiceError",
    "Stopped",
    "prefect_api",
    "prefect_environment",
    "prefect_server",
    "running_service",
    "sweep",
    "up",
]
