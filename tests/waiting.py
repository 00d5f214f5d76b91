"""To wait for what comes by itself: as soon as it is there, and not for ever."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def until(ready: Callable[[], T], seconds: float = 60.0, *, why: Callable[[], str] = str) -> T:
    """What `ready` gives as soon as that is true; fails with `why` after so many seconds."""
    deadline = time.monotonic() + seconds
    while not (answer := ready()):
        assert time.monotonic() < deadline, why()
        time.sleep(0.1)
    return answer
