"""Sockets that receive only so many bytes in so much time, whatever the other side does.

The timeout of a socket is for one packet. A server that sends one byte before each timeout, or
lines without end, would hold a conversation for hours or fill the memory.
"""

from __future__ import annotations

import socket
import ssl
from typing import Any

from tasks.common.time_budget import TimeBudget


class TooMuchReceived(ConnectionError):
    """The other side has sent more than was asked for."""


class OutOfTime(TimeoutError):
    """The other side has not finished its part of a conversation in time."""


class ReceiveLimit:
    """What may still be received: bytes, and seconds from the last :meth:`renew` on."""

    def __init__(self, *, size: int, seconds: float) -> None:
        self.renew(size=size, seconds=seconds)

    def renew(self, *, size: int, seconds: float | None = None) -> None:
        """Allow so many bytes from now on; with `seconds` also so much time."""
        self._size = size
        if seconds is not None:
            self._budget = TimeBudget(seconds)

    def check_time(self) -> float:
        """Return the seconds that are left; raises :class:`OutOfTime` if there are none."""
        left = self._budget.left
        if not left:
            raise OutOfTime(f"the answer takes longer than {self._budget.seconds:g} seconds")
        return left

    def received(self, size: int) -> None:
        """Count bytes; raises :class:`TooMuchReceived`."""
        self._size -= size
        if self._size < 0:
            raise TooMuchReceived("the answer is longer than any right one")


def limited_socket(plain: socket.socket, limit: ReceiveLimit) -> socket.socket:
    """Return a socket with the connection of another one, and with a limit."""

    class LimitedSocket(socket.socket):
        def recv_into(self, *given: Any, **more: Any) -> int:
            size = _in_time(self, super().recv_into, limit, given, more)
            limit.received(size)
            return size

    timeout = plain.gettimeout()
    limited = LimitedSocket(fileno=plain.detach())
    limited.settimeout(timeout)
    return limited


def limit_tls(context: ssl.SSLContext, limit: ReceiveLimit) -> None:
    """Give all connections of a TLS context this limit."""

    class LimitedTLSSocket(ssl.SSLSocket):
        def recv_into(self, *given: Any, **more: Any) -> int:
            size = _in_time(self, super().recv_into, limit, given, more)
            limit.received(size)
            return size

    context.sslsocket_class = LimitedTLSSocket


def _in_time(
    connected: socket.socket, receive: Any, limit: ReceiveLimit, given: Any, more: Any
) -> int:
    timeout, left = connected.gettimeout(), limit.check_time()
    connected.settimeout(left if timeout is None else min(timeout, left))
    try:
        return int(receive(*given, **more))
    except TimeoutError:
        limit.check_time()
        raise
    finally:
        connected.settimeout(timeout)
