"""Store the acceptances of the mail server while the next mail is being sent."""

from __future__ import annotations

from collections.abc import Callable
from queue import Empty, Queue
from threading import BoundedSemaphore, Thread
from time import monotonic

MOST_UNRECORDED = 8
"""Limit of mails accepted by the server and not yet stored, in case the machine fails."""

ENOUGH = 5
"""Number of answers that are stored without waiting for more; meanwhile the next mails leave."""

TOGETHER = 0.02
"""Seconds that an answer waits for others, so that one commit stores all of them."""


class AckWriter:
    """A thread that collects answers and stores those of a short time together.

    `record` gets the answers by key of the mail and commits them. If it raises, the next call
    raises the same error, and the caller must not send any more mail. `unrecorded` has the answers
    that are not stored.
    """

    def __init__(self, record: Callable[[dict[int, str]], None]) -> None:
        self._record = record
        self.unrecorded: dict[int, str] = {}
        self._queue: Queue[tuple[int, str] | None] = Queue()
        self._room = BoundedSemaphore(MOST_UNRECORDED)
        self._error: BaseException | None = None
        self._closing = False
        self._thread = Thread(target=self._run, daemon=True)

    def __enter__(self) -> AckWriter:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing = True
        self._queue.put(None)
        self._thread.join()

    def wait_for_room(self) -> None:
        """Wait until one more mail may be accepted, because few enough are not stored yet."""
        self._room.acquire()
        self._room.release()
        self.check()

    def add(self, mail: int, answer: str) -> None:
        """Queue an answer for storing; wait while too many are not stored yet."""
        self.unrecorded[mail] = answer
        self.check()
        self._room.acquire()
        self._queue.put((mail, answer))

    def flush(self) -> None:
        """Wait until all answers are stored."""
        self._queue.put(None)
        self._queue.join()
        self.check()

    def check(self) -> None:
        """Raise the error of the thread, if any."""
        if self._error is not None:
            raise self._error

    def _run(self) -> None:
        closed = False
        while not closed:
            taken = self._gathered()
            closed = self._closing and None in taken
            answers = dict(each for each in taken if each is not None)
            try:
                if answers and self._error is None:
                    self._record(answers)
                    for mail in answers:
                        self.unrecorded.pop(mail, None)
            except BaseException as error:
                self._error = error
            for each in taken:
                self._queue.task_done()
                if each is not None:
                    self._room.release()

    def _gathered(self) -> list[tuple[int, str] | None]:
        """Return the next answer and those that follow it soon; None stops the waiting."""
        taken = [self._queue.get()]
        until = monotonic() + TOGETHER
        while None not in taken and len(taken) < ENOUGH:
            try:
                taken.append(self._queue.get(timeout=max(0.0, until - monotonic())))
            except Empty:
                break
        return taken
