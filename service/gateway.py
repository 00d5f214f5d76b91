"""The gateway before Prefect's server: it refuses foreign hosts and origins, and unused endpoints.

Prefect itself checks the login and the CSRF token. The gateway refuses requests that no part of
Tenggat and no person at the UI needs, before Prefect sees them.
"""

from __future__ import annotations

import base64
import hmac
import ipaddress
import json
import re
from collections.abc import Awaitable, Callable, Collection, Iterable, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

UNKNOWN_HOST = "this server does not answer under this name; see TENGGAT_HOSTS"
"""Reason to refuse a request. A worker elsewhere recognizes it in the answer."""

LOOPBACK_NAMES = frozenset({"localhost"})
READS = ("GET", "HEAD", "OPTIONS")

HEADERS = (
    (b"content-security-policy", b"frame-ancestors 'none'; connect-src 'self'; object-src 'none'"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
)
"""Headers of every answer: no page of another site shows the UI in a frame, and the UI sends
requests to its own server only."""

BLOCKS = re.compile(r"^/api/(block_documents|block_schemas|block_types)(/|$)")
SEARCHES = re.compile(r"/(filter|count)/?$")
CLOSED = re.compile(
    r"^/api/(admin/storage|collections|docs|redoc)(/|$)|^/(openapi.json|docs|redoc)"
)


def is_closed(method: str, path: str) -> bool:
    """Check whether an endpoint of Prefect's API is closed.

    - Blocks have code or addresses for Prefect to use: storage of pickled results, webhooks,
      notifications. Tenggat has none, so nobody may write one. They can be listed.
    - `admin/storage` chooses the block for results.
    - `collections` lets the server fetch a list from the internet.
    - `docs` and `redoc` let the browser fetch programs from the internet. Without a login
      `openapi.json` costs a second of CPU for each request; `/api/openapi.json` needs the login.
    """
    path = re.sub("/+", "/", path)
    if BLOCKS.search(path):
        return method not in READS and not SEARCHES.search(path)
    return bool(CLOSED.search(path))


READING = re.compile(
    r"^/api/([\w-]+/)*(filter|paginate|count|history|lateness|latest/(filter|count))/?$"
    r"|^/api/events/count-by/[\w-]+$|^/api/ui/[\w/-]+$"
)
"""Requests by POST that only read."""

ANSWERING = re.compile(r"^/api/flow_runs/[0-9a-f-]{36}/resume$")
"""The answer to the form of a storm: the only change that is permitted for the `watch` login."""

LISTENING = ("/api/events/out", "/api/logs/out")
"""Websockets that only send to the browser."""


def may_watch(kind: str, method: str, path: str) -> bool:
    """Check whether the login `watch` permits a request; `kind` is 'http' or 'websocket'."""
    if kind == "websocket":
        return path in LISTENING
    if method in READS:
        return True
    return method == "POST" and bool(READING.search(path) or ANSWERING.search(path))


def basic(login: str) -> str:
    """Return the header `Authorization` for a login."""
    return "Basic " + base64.b64encode(login.encode()).decode()


def host_of(netloc: str) -> str:
    """Return the host name or address in lower case, without the port."""
    host = netloc.strip().lower()
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0]


class Gateway:
    """An ASGI application that passes permitted requests on to Prefect's."""

    def __init__(
        self, app: App, hosts: Iterable[str], *, login: str = "", watch_login: str = ""
    ) -> None:
        """Set up the gateway. `hosts` are the names under which the server may be addressed.

        IP addresses and `localhost` are always permitted: an attacker cannot let a name of its own
        refer to them without that name in the request.

        Prefect knows one `login`. The gateway also accepts `watch_login` for requests that
        :func:`may_watch` permits, and passes them on with `login`.
        """
        self.app, self.login, self.watch_login = app, login, watch_login
        self.hosts: Collection[str] = LOOPBACK_NAMES | {host.lower() for host in hosts}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse a request, or pass it on and add `HEADERS` to the answer."""
        if scope["type"] not in ("http", "websocket"):
            return await self.app(scope, receive, send)
        reason = self.refusal(
            scope.get("method", "GET"),
            scope["path"],
            {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]},
        )
        if reason is None and self.watch_login:
            reason = self._as_watcher(scope)
        if reason is None:
            if scope["type"] == "websocket" and may_watch("websocket", "", scope["path"]):
                receive = self._first_message_as_watcher(receive)
            return await self.app(scope, receive, _with_headers(send))
        if scope["type"] == "websocket":
            await receive()
            return await send({"type": "websocket.close", "code": 1008, "reason": reason})
        return await _forbid(send, reason)

    def refusal(self, method: str, path: str, headers: dict[str, str]) -> str | None:
        """Return the reason to refuse a request, or None. Names of headers are in lower case.

        A browser sends `Origin` with every write and every websocket of a page. It must be the
        address to which the request goes: the page is then one of this server.
        """
        addressed = headers.get("host", "")
        if not self._is_ours(host_of(addressed)):
            return UNKNOWN_HOST
        origin = headers.get("origin")
        if origin is not None and origin.partition("://")[2].lower() != addressed.lower():
            return "a page of another address may not use this server"
        if origin is None and headers.get("sec-fetch-site") == "cross-site" and "/api/" in path:
            return "a page of another address may not use this server"
        if is_closed(method, path):
            return "Tenggat does not use this endpoint; it is closed"
        return None

    def _as_watcher(self, scope: Scope) -> str | None:
        """Replace the `watch` login of a request by Prefect's; return the reason of a refusal."""
        watch = basic(self.watch_login).encode()
        for number, (name, value) in enumerate(scope["headers"]):
            if name == b"authorization" and hmac.compare_digest(value, watch):
                if not may_watch(scope["type"], scope.get("method", "GET"), scope["path"]):
                    return "this login may only watch"
                headers = list(scope["headers"])
                headers[number] = (name, basic(self.login).encode())
                scope["headers"] = headers
        return None

    def _first_message_as_watcher(self, receive: Receive) -> Receive:
        """Replace the `watch` login in the first message of a websocket, where Prefect reads it."""
        first = True

        async def receiving() -> MutableMapping[str, Any]:
            nonlocal first
            message = await receive()
            if message["type"] == "websocket.receive" and first:
                first = False
                message = {**message, "text": self._with_login(message.get("text"))}
            return message

        return receiving

    def _with_login(self, text: str | None) -> str | None:
        try:
            sent = json.loads(text or "")
            token = sent["token"] if sent["type"] == "auth" else ""
        except (ValueError, KeyError, TypeError):
            return text
        known = self.watch_login.encode()
        if not known or not isinstance(token, str):
            return text
        if not hmac.compare_digest(token.encode(), known):
            return text
        return json.dumps({**sent, "token": self.login})

    def _is_ours(self, host: str) -> bool:
        if host in self.hosts:
            return True
        try:
            ipaddress.ip_address(host)
        except ValueError:
            return False
        return True


def _with_headers(send: Send) -> Send:
    async def sending(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message.get("headers", []), *HEADERS]
        await send(message)

    return sending


async def _forbid(send: Send, reason: str) -> None:
    body = json.dumps({"detail": reason}).encode()
    headers = [(b"content-type", b"application/json"), *HEADERS]
    await send({"type": "http.response.start", "status": 403, "headers": headers})
    await send({"type": "http.response.body", "body": body})
