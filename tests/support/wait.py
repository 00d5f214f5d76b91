"""To wait for what comes by itself: as soon as it is there, and not for ever."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def until(
    ready: Callable[[], T],
    seconds: float = 60.0,
    *,
    why: Callable[[], str] = str,
    every: float = 0.1,
) -> T:
    """What `ready` gives as soon as that is true; fails with `why` after so many seconds.

    It is asked again after `every` seconds: rarely where the answer costs a server work.
    """
    deadline = time.monotonic() + seconds
    while not (answer := ready()):
        assert time.monotonic() < deadline, why()
        time.sleep(every)
    return answer
