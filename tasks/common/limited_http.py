"""Connections of httpx with a limit of time for a whole answer, headers included.

The timeouts of httpx are for one packet: a server that sends one byte before each of them would
never end.
"""

from __future__ import annotations

import ssl
from typing import Any

import httpcore
import httpx

from tasks.common.time_budget import TimeBudget


class AnswerLimit:
    """The time that is left for the present answer."""

    def __init__(self, seconds: float = 0) -> None:
        self.budget = TimeBudget(seconds)

    def timeout(self, timeout: float | None) -> float:
        """Return the shorter of a timeout and the time that is left."""
        left = self.budget.left
        if not left:
            raise httpcore.ReadTimeout(f"the answer takes longer than {self.budget.seconds:g} s")
        return left if timeout is None else min(timeout, left)


class _LimitedStream(httpcore.NetworkStream):
    def __init__(self, stream: httpcore.NetworkStream, limit: AnswerLimit) -> None:
        self._stream, self._limit = stream, limit

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._limit.timeout(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, self._limit.timeout(timeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        timeout = self._limit.timeout(timeout)
        secured = self._stream.start_tls(ssl_context, server_hostname, timeout)
        return _LimitedStream(secured, self._limit)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class _LimitedBackend(httpcore.SyncBackend):
    def __init__(self, limit: AnswerLimit) -> None:
        self._limit = limit

    def connect_tcp(self, *given: Any, **settings: Any) -> httpcore.NetworkStream:
        return _LimitedStream(super().connect_tcp(*given, **settings), self._limit)


def limit_answers(client: httpx.Client, limit: AnswerLimit) -> None:
    """Give all connections of a client this limit, also those to a proxy."""
    for transport in (client._transport, *client._mounts.values()):
        if isinstance(transport, httpx.HTTPTransport):
            transport._pool._network_backend = _LimitedBackend(limit)
