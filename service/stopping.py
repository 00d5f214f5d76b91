"""SIGINT and SIGTERM: a program for good ends in order, and a second signal does not disturb it."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from service.errors import Stopped


@contextmanager
def until_stopped(say: Callable[[str], None]) -> Iterator[None]:
    """Let a signal end the block wherever it is, and say so; what it has entered is left in order.

    Only the main thread may do so. The handlers of before are put back.
    """
    before = {number: signal.signal(number, _stop) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    except Stopped:
        say("stopped")
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _stop(number: int, frame: FrameType | None) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    raise Stopped
