"""Check whether a server listens at the address of a source."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import urlsplit

from tasks.sources.base import CheckResult

PORTS = {"http": 80, "https": 443, "postgresql": 5432, "mysql": 3306, "mariadb": 3306}
PORTS |= {"imap": 143, "imaps": 993}


class Endpoint(NamedTuple):
    """The parts of an address that matter for a connection; `host` is empty for a local file."""

    scheme: str
    host: str | None
    port: int | None


def endpoint_of(url: str) -> Endpoint:
    """Split a URL; raises ValueError if it is none."""
    parts = urlsplit(url)
    return Endpoint(parts.scheme, parts.hostname, parts.port)


def from_environment(variable: str | None) -> str:
    """Return the address in an environment variable, or an empty text."""
    return (os.environ.get(variable, "") if variable else "").strip()


def not_set(name: str, variable: str | None) -> CheckResult:
    """Return the result for a source without an address."""
    return CheckResult(False, f"source {name}: {variable} is not set", "set it in the environment")


def no_url(name: str, key: str) -> CheckResult:
    """Return the result for an address that cannot be read; it is not quoted: it has a password."""
    return CheckResult(False, f"source {name}: {key} is no URL", "correct it")


def check_endpoint(
    name: str, endpoint: Endpoint, *, key: str, timeout: float
) -> Iterator[CheckResult]:
    """Connect to the address of a source; `key` is where a person has set it."""
    host, port = endpoint.host, endpoint.port or PORTS.get(endpoint.scheme, 443)
    if not host:
        return
    try:
        socket.create_connection((host, port), timeout=timeout).close()
    except OSError as error:
        yield CheckResult(
            False,
            f"source {name}: nobody answers at {host}:{port} ({error.strerror or error})",
            f"check {key}, the network and the server",
        )
    else:
        yield CheckResult(True, f"source {name} answers at {host}:{port}")


def check_url(name: str, url: str, *, key: str, timeout: float) -> Iterator[CheckResult]:
    """Connect to the server of a URL."""
    try:
        endpoint = endpoint_of(url)
    except ValueError:
        yield no_url(name, key)
    else:
        yield from check_endpoint(name, endpoint, key=key, timeout=timeout)
