"""Recorder: writes down what the server has taken, while the next mail is on its way."""

from __future__ import annotations

from collections.abc import Callable
from queue import Queue
from threading import Thread

MOST_UNRECORDED = 8
"""How many mails may be with the server and not yet on record when a machine dies."""


class Recorder:
    """One thread that takes answers and records those that have come up meanwhile together.

    `record` is given the answers by mail and commits them. What it raises is raised again by the
    next call: then nothing more must be sent.
    """

    def __init__(self, record: Callable[[dict[int, str]], None]) -> None:
        self._record = record
        self._queue: Queue[tuple[int, str] | None] = Queue(MOST_UNRECORDED)
        self._error: BaseException | None = None
        self._thread = Thread(target=self._run, daemon=True)

    def __enter__(self) -> Recorder:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._queue.put(None)
        self._thread.join()

    def add(self, mail: int, answer: str) -> None:
        """Have an answer recorded; waits while too many are not."""
        self.check()
        self._queue.put((mail, answer))

    def flush(self) -> None:
        """Wait until all is on record."""
        self._queue.join()
        self.check()

    def check(self) -> None:
        """Raise what went wrong."""
        if self._error is not None:
            raise self._error

    def _run(self) -> None:
        taken: list[tuple[int, str] | None] = []
        while None not in taken:
            taken = [self._queue.get()]
            while not self._queue.empty():  # nobody else takes from it
                taken.append(self._queue.get())
            answers = dict(each for each in taken if each is not None)
            try:
                if answers and self._error is None:
                    self._record(answers)
            except BaseException as error:
                self._error = error
            for _ in taken:
                self._queue.task_done()
