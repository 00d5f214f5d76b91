"""What can go wrong with the service."""

from __future__ import annotations


class ServiceError(RuntimeError):
    """The service could not be started or kept; the message says which part and what to look at."""


class Unready(ServiceError):
    """A part is not there now and may come: it is tried again."""


class Rejected(ServiceError):
    """Prefect's API understood a request and said no; `code` is that of HTTP."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class Stopped(Exception):
    """Somebody asked the service to stop."""
