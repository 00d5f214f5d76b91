"""Signals: an orderly end of a program, not disturbed by a second signal; the end of a parent."""

from __future__ import annotations

import os
import signal
import threading
import time
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


@contextmanager
def ended_in_order() -> Iterator[None]:
    """Let SIGTERM and SIGHUP leave the block as an exit does, so that its resources are closed.

    A signal that is ignored, as SIGHUP under nohup, stays ignored. Works only in the main thread;
    in another one nothing is changed.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    ours = {
        number: handler
        for number in (signal.SIGTERM, signal.SIGHUP)
        if (handler := signal.getsignal(number)) == signal.SIG_DFL
    }
    for number in ours:
        signal.signal(number, _exit)
    try:
        yield
    finally:
        for number, handler in ours.items():
            signal.signal(number, handler)


def _exit(number: int, frame: FrameType | None) -> None:
    raise SystemExit(128 + number)


def end_with_parent(parent: int, *, seconds: float = 1.0, grace: float = 10.0) -> None:
    """End this process soon after its parent has ended, even by SIGKILL; returns at once.

    `parent` is the process id of the parent, `grace` the time in seconds for an orderly end.
    """
    threading.Thread(target=_watch, args=(parent, seconds, grace), daemon=True).start()


def _watch(parent: int, seconds: float, grace: float) -> None:
    while os.getppid() == parent:
        time.sleep(seconds)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(grace)
    os.kill(os.getpid(), signal.SIGKILL)
