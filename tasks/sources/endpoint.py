"""Check whether a server listens at the address of a source."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import urlsplit

from settings.proxies import proxy_for
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
    failure = _connection_failure(host, port, timeout)
    if failure:
        yield CheckResult(
            False,
            f"source {name}: nobody answers at {host}:{port} ({failure})",
            f"check {key}, the network and the server",
        )
    else:
        yield CheckResult(True, f"source {name} answers at {host}:{port}")


def _connection_failure(host: str, port: int, timeout: float) -> str:
    """Connect once; return what went wrong, or ''."""
    try:
        socket.create_connection((host, port), timeout=timeout).close()
    except OSError as error:
        return error.strerror or str(error)
    return ""


def check_url(name: str, url: str, *, key: str, timeout: float) -> Iterator[CheckResult]:
    """Connect to the server of a URL, or to the proxy that its requests use."""
    try:
        endpoint, proxy = endpoint_of(url), proxy_for(url)
    except ValueError:
        yield no_url(name, key)
        return
    if proxy is not None:
        host, port, variable = proxy
        through = f"source {name}: the proxy {host}:{port} of {variable}"
        failure = _connection_failure(host, port, timeout)
        if failure:
            remedy = f"check {variable}; a server that needs no proxy belongs in NO_PROXY"
            yield CheckResult(False, f"{through} does not answer ({failure})", remedy)
        else:
            yield CheckResult(True, f"{through} answers; {endpoint.host} is reached through it")
    else:
        yield from check_endpoint(name, endpoint, key=key, timeout=timeout)
