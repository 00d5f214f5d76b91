"""Errors of the service."""

from __future__ import annotations


class ServiceError(RuntimeError):
    """The service could not be started or kept running. The message names the part to check."""


class Unready(ServiceError):
    """A part is not available yet; the service tries again."""


class Rejected(ServiceError):
    """Prefect's API understood a request and refused it; `code` is the HTTP status."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class Stopped(Exception):
    """A signal asked the service to stop."""
