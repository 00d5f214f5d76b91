"""A child process of the service."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from service.environment import REPOSITORY
from service.errors import Unready
from service.logs import copy_stream

STOP_SECONDS = 8.0
"""Time in seconds for a process to end by itself. With two processes in sequence the total stays
below 20 s."""


class Child:
    """A process of the service, in its own process group, with its output in a rotated log."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        environment: dict[str, str],
        log: Path,
        *,
        inherits: Sequence[int] = (),
    ) -> None:
        """Start the process. `inherits` are the file descriptors that it shares with this one."""
        self.name, self.log = name, log
        self.began = time.monotonic()
        self.process = subprocess.Popen(
            command,
            cwd=REPOSITORY,
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            pass_fds=inherits,
        )
        assert self.process.stdout is not None
        self._pouring = copy_stream(self.process.stdout, log)

    def ended(self) -> str | None:
        """Describe the end of the process; None while it runs."""
        code = self.process.poll()
        if code is None:
            return None
        if code < 0:
            with suppress(ValueError):
                return f"was ended by {signal.Signals(-code).name}"
        return f"ended with {code}"

    def check(self) -> None:
        """Raise :class:`service.errors.Unready` if the process has ended."""
        how = self.ended()
        if how is not None:
            raise Unready(f"{self.name} {how}; see {self.log}")

    def stop(self) -> None:
        """Stop the process and all its children: first by SIGTERM, then by force."""
        self._signal(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(STOP_SECONDS)
        self.kill()

    def kill(self, *, group: bool = True) -> None:
        """Stop the process at once, and with `group` all its children too."""
        if group:
            self._signal(signal.SIGKILL)
        else:
            self.process.kill()
        self.process.wait()
        self._pouring.join(1.0)

    def _signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, number)
