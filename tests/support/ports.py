"""Ports of 127.0.0.1."""

import socket
from contextlib import contextmanager


@contextmanager
def nobody_listens() -> int:
    """A port at which a connection is refused."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]
