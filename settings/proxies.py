"""Proxies of the environment: `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY`, and `NO_PROXY`.

They are for web servers outside: sources, the external monitor, the provider of logins. Prefect's
API and this machine itself are never asked through a proxy, which could not reach them.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, MutableMapping
from typing import NamedTuple
from urllib.parse import urlsplit

NAMES = ("http_proxy", "https_proxy", "all_proxy")
IGNORED = "TENGGAT_IGNORED_PROXIES"
"""Environment variable with the names of proxy variables that this process has removed."""

THIS_MACHINE = ("localhost", "127.0.0.1", "::1")
PORTS = {"http": 80, "https": 443}
"""Schemes of proxies that can be used, with their ports."""


class Proxy(NamedTuple):
    """A proxy: its address without a login, and the variable that names it."""

    host: str
    port: int
    variable: str


def prepare(environment: MutableMapping[str, str], api: str | None = None) -> None:
    """Make the variables of this process usable for Prefect and for our own requests.

    A proxy of a kind that cannot be used (SOCKS) would stop every request, also those without a
    proxy. It is removed, and its name is kept for :func:`ignored`.
    """
    for name in [*NAMES, *map(str.upper, NAMES)]:
        value = environment.get(name, "")
        if value and _parsed(value, name) is None:
            del environment[name]
            known = environment.get(IGNORED, "").split()
            environment[IGNORED] = " ".join(dict.fromkeys([*known, name.upper()]))
    environment.update(without_proxy(environment, api))


def without_proxy(environment: Mapping[str, str], api: str | None = None) -> dict[str, str]:
    """Return `NO_PROXY` with this machine and the host of Prefect's API, in both spellings.

    The result is empty if there is no proxy.
    """
    if not any(environment.get(name) or environment.get(name.upper()) for name in NAMES):
        return {}
    given = environment.get("no_proxy") or environment.get("NO_PROXY") or ""
    host = urlsplit(api).hostname if api else None
    listed = [each.strip() for each in given.split(",") if each.strip()]
    own = [*THIS_MACHINE, *([host] if host else [])]
    hosts = "*" if "*" in listed else ",".join(dict.fromkeys([*listed, *own]))
    return {"no_proxy": hosts, "NO_PROXY": hosts}


def proxy_for(url: str) -> Proxy | None:
    """Return the proxy that a request to this address uses; None if it uses none.

    Raises ValueError if the address cannot be read.
    """
    from urllib.request import getproxies_environment, proxy_bypass  # noqa: PLC0415 - loads HTTP

    parts = urlsplit(url)
    known = getproxies_environment()
    for scheme in (parts.scheme, "all"):
        if value := known.get(scheme):
            direct = proxy_bypass(parts.hostname or "", known)
            return None if direct else _parsed(value, f"{scheme}_proxy")
    return None


def ignored() -> list[str]:
    """Return the names of the proxy variables that cannot be used."""
    return os.environ.get(IGNORED, "").split()


def _parsed(value: str, name: str) -> Proxy | None:
    try:
        parts = urlsplit(value if "://" in value else f"http://{value}")
        port = parts.port or PORTS.get(parts.scheme)
    except ValueError:
        return None
    if parts.scheme not in PORTS or not parts.hostname or port is None:
        return None
    return Proxy(parts.hostname, port, name.upper())
