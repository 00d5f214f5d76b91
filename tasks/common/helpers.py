"""Helpers: processes that share the work of one long run with it.

Python uses one core for each process. A run over a large backlog starts a helper for each further
core. Helpers only read: they compute results, and the run itself stores them. So one transaction
still has all that the run decided, and the database needs to support no concurrent writers.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from multiprocessing.connection import Connection, Pipe, wait
from pathlib import Path
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

from tasks.common.context import SiteContext

J = TypeVar("J")
R = TypeVar("R")

ROOT = Path(__file__).parent.parent.parent

QUEUED = 2
"""Number of jobs of a helper at a time: the one that it works on, and the next."""

AHEAD = 4
"""Number of results that may wait for an earlier one, for each process."""

MOST = 3
"""Limit of helpers. One process stores all results, so more of them would wait for it."""


def spare_cores() -> int:
    """Return the number of helpers that this machine has cores for."""
    if hasattr(os, "sched_getaffinity"):  # on Linux: not all cores may be for this process
        cores = len(os.sched_getaffinity(0))
    else:
        cores = os.cpu_count() or 1
    return min(cores - 1, MOST)


@dataclass(slots=True, eq=False)
class _Task(Generic[J, R]):
    """One job, and its result as soon as it is `done`. It is `lost` if its helper failed."""

    job: J
    result: R | None = None
    done: bool = False
    lost: bool = False


class Helpers:
    """The helpers of a run on one site; the block ends them.

    The run is correct without them: a job that a helper does not do is done by the run itself. The
    `context` must see no uncommitted changes that matter for the results.
    """

    def __init__(self, context: SiteContext, number: int) -> None:
        self._context, self._number = context, number
        self._processes: list[subprocess.Popen[bytes]] = []
        self._given: dict[Connection, deque[_Task[Any, Any]]] = {}
        self.results_used = 0
        """Number of results that came from helpers."""

    def __enter__(self) -> Self:
        for _ in range(self._number):
            self._start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for connection in self._given:
            connection.close()
        self._given.clear()
        for process in self._processes:
            process.kill()
            process.wait()

    def _start(self) -> None:
        ours, theirs = Pipe()
        modules = os.pathsep.join([str(ROOT), *filter(None, sys.path)])
        command = [sys.executable, "-m", "tasks.common.helper_process", str(theirs.fileno())]
        with theirs:
            self._processes.append(
                subprocess.Popen(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    pass_fds=[theirs.fileno()],
                    env={**os.environ, "PYTHONPATH": modules},
                )
            )
        site = self._context.site
        self._given[ours] = deque()
        self._send(ours, (site.folder, site.database_url))

    def results(
        self, work: Callable[[SiteContext, J], R], jobs: Iterable[J], *, in_order: bool = True
    ) -> Iterator[tuple[J, R]]:
        """Yield the result of each job, in the order of the jobs or as soon as it is there.

        `work` is a function of a module. It gets the context of the site and a job, and must not
        write. The jobs are made one after another, when a process is free for them.
        """
        coming = iter(jobs)
        waiting: deque[_Task[J, R]] = deque()

        def take() -> _Task[J, R] | None:
            for job in coming:
                waiting.append(_Task(job))
                return waiting[-1]
            return None

        most = AHEAD * (1 + self._number)
        while True:
            self._receive(0)
            self._give(work, take)
            coming_next = islice(waiting, 1) if in_order else waiting
            if task := next((each for each in coming_next if each.done), None):
                waiting.remove(task)
                yield task.job, task.result  # type: ignore[misc]  # it is done
                continue
            own = next((each for each in waiting if each.lost), None)
            if own is None and len(waiting) < most:
                own = take()
            if own is not None:
                own.result = work(self._context, own.job)
                own.done, own.lost = True, False
            elif waiting:
                self._receive(None)
            else:
                return

    def _give(self, work: Callable[..., Any], take: Callable[[], _Task[Any, Any] | None]) -> None:
        """Give each helper its next jobs."""
        for connection, tasks in list(self._given.items()):
            while len(tasks) < QUEUED and connection in self._given and (task := take()):
                tasks.append(task)
                self._send(connection, (work, task.job))

    def _send(self, connection: Connection, message: object) -> None:
        try:
            connection.send(message)
        except OSError:
            self._give_up(connection)

    def _receive(self, seconds: float | None) -> None:
        """Receive the results that have arrived; wait for one at most these seconds."""
        for connection in wait(list(self._given), seconds):
            assert isinstance(connection, Connection)
            try:
                done, result = connection.recv()
            except (EOFError, OSError):
                self._give_up(connection)
                continue
            task = self._given[connection].popleft()
            task.result, task.done, task.lost = result, done, not done
            self.results_used += done

    def _give_up(self, connection: Connection) -> None:
        """Take back the jobs of a helper that has ended."""
        for task in self._given.pop(connection):
            task.lost = True
        connection.close()
