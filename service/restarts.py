"""Supervision of a part: restart it when it ends, and a process also when it hangs."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Event, Thread

from service.errors import ServiceError
from service.process import Child

FIRST_WAIT = 1.0
LONGEST_WAIT = 60.0
WELL_AFTER = 120.0
"""Times in seconds. The wait before a restart begins with `FIRST_WAIT` and doubles up to
`LONGEST_WAIT`. After a run of `WELL_AFTER` it begins with `FIRST_WAIT` again."""

STARTING = 90.0
PATIENCE = 60.0
"""Limits in seconds for the silence of a part: while it starts (`STARTING`) and later."""

THREAD_ENDS_WITHIN = 5.0
"""Time in seconds that a thread has to end when the service stops."""


class SupervisedProcess:
    """A supervised part of the service."""

    def __init__(
        self,
        name: str,
        start: Callable[[], Child],
        say: Callable[[str], None],
        *,
        answers: Callable[[], bool] | None = None,
        every: float = 1.0,
        spares: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Set the part up without starting it.

        `answers` checks whether the part does its work. After its first success it is called at
        most once in `every` seconds. `spares`: a restart does not end the processes that the part
        has started.
        """
        self.name, self._start, self._say = name, start, say
        self._answers, self._every, self._clock = answers, every, clock
        self._spares = spares
        self.child: Child | None = None
        self._wait = FIRST_WAIT
        self._start_at = clock()
        self._began = self._heard = self._ask_at = 0.0
        self._ever = False
        self.well = False

    def tend(self) -> bool:
        """Check the part once; start or restart it if necessary. Returns True if it works now."""
        now = self._clock()
        if self.child is None:
            if now >= self._start_at:
                self._begin(now)
            return False
        how = self.child.ended() or self._silent(now)
        if how is not None:
            self.well = False
            self._again(how, now)
        return self.well

    def _silent(self, now: float) -> str | None:
        """Return a description of the silence if the part has not answered for too long."""
        if now >= self._ask_at:
            self._ask_at = now + (self._every if self._ever else 0.0)
            self.well = self._answers is None or self._answers()
            if self.well:
                self._heard, self._ever = self._clock(), True
        silent = now - self._heard
        if self.well or silent <= (PATIENCE if self._ever else STARTING):
            return None
        return f"has not answered for {silent:.0f} s"

    def stop(self) -> None:
        """Stop the part if it runs."""
        if self.child is not None:
            self.child.stop()
            self.child = None

    def _begin(self, now: float) -> None:
        self._began = self._heard = self._ask_at = now
        self._ever = self.well = False
        try:
            self.child = self._start()
        except (OSError, ServiceError) as error:
            self._again(f"did not start ({error})", now)

    def _again(self, how: str, now: float) -> None:
        if now - self._began >= WELL_AFTER:
            self._wait = FIRST_WAIT
        where = f"; see {self.child.log}" if self.child is not None else ""
        self._say(f"{self.name} {how}; starting it again in {self._wait:.0f} s{where}")
        if self.child is not None:
            self.child.kill(group=not self._spares)
            self.child = None
        self._start_at = now + self._wait
        self._wait = min(2 * self._wait, LONGEST_WAIT)


class SupervisedThread:
    """A part of the service that needs no process of its own."""

    def __init__(
        self, name: str, work: Callable[[Event], None], say: Callable[[str], None]
    ) -> None:
        """Set the part up without starting it. `work` ends soon after its event is set."""
        self.name, self._work, self._say = name, work, say
        self._ended = Event()
        self._thread: Thread | None = None

    def tend(self) -> None:
        """Start the part if it does not run, also after an error ended it."""
        if self.is_alive():
            return
        if self._thread is not None:
            self._say(f"{self.name} has ended; starting it again")
        self._thread = Thread(target=self._work, args=(self._ended,), name=self.name, daemon=True)
        self._thread.start()

    def is_alive(self) -> bool:
        """Check whether the part runs."""
        return self._thread is not None and self._thread.is_alive()

    def stop(self) -> None:
        """Let the part end, or leave it behind after `THREAD_ENDS_WITHIN`."""
        self._ended.set()
        if self._thread is not None:
            self._thread.join(THREAD_ENDS_WITHIN)
