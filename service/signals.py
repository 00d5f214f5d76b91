"""SIGINT and SIGTERM: an orderly end of a program, not disturbed by a second signal."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from service.errors import Stopped


@contextmanager
def until_stopped(say: Callable[[str], None]) -> Iterator[None]:
    """Stop the block on a signal at any point, and report it; its resources are closed in order.

    Works only in the main thread. The former handlers are restored afterwards.
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
