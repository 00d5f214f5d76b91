"""The process that works: one cycle an order, for weeks; or a forked one that is killed in it.

It reads an order a line (JSON) and answers with the errors of the cycle, and what it needs itself.
"""

from __future__ import annotations

import gc
import json
import os
import random
import signal
import smtplib
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from crash_tests.fork_server import Hurried

from db.engine import open_engine
from flows.intake import pull_all
from settings.site import load_site
from tasks.common.context import SiteContext
from tasks.common.errors import is_lost_database, place_of
from tasks.deadlines import evaluate_and_notify
from tasks.delivery import send_owed
from tasks.intake import ask, pull
from tasks.sources.base import SourceError

PATIENCE = 2
"""Seconds for which a step waits for a database that another one holds, or that is away."""

LOST, FAILED, UNEXPECTED = "lost", "failed", "unexpected"
"""Kinds of errors: the database is lost; a source says what is wrong with it; a fault of ours."""

Errors = list[tuple[str, str, str]]
"""The errors of a cycle: the step or source, the kind, the text."""


class Worker:
    """A site that is worked on. It has no connection and no thread between two cycles."""

    def __init__(self, folder: Path, database_url: str) -> None:
        self.context = SiteContext(load_site(folder), open_engine(database_url, patience=PATIENCE))

    def cycle(self, order: dict[str, Any]) -> Errors:
        """Do what the schedules of a site do: import, ask, evaluate, send."""
        context, run = self.context, order["run"]
        now = datetime.fromisoformat(order["now"])
        context.site.mail_url = order["mail_url"]
        steps: dict[str, Callable[[], object]] = {
            "intake": lambda: self._intake(now, errors),
            "ask": lambda: ask(context, now, run),
            "deadlines": lambda: evaluate_and_notify(context, now, run),
            "delivery": lambda: send_owed(context, now, run, Hurried),
        }
        errors: Errors = []
        random.seed(run)
        with named(run):
            for name in order.get("steps", steps):
                note(errors, name, steps[name])
        context.close()
        return errors

    def _intake(self, now: datetime, errors: Errors) -> None:
        reading = partial(pull, self.context, now=now)
        with ThreadPoolExecutor(3) as threads:
            pulls = pull_all(
                self.context.site.sources,
                pull=reading,
                submit=partial(threads.submit, reading),
            )
            for name, result in pulls:
                note(errors, name, result)

    def killed(self, order: dict[str, Any]) -> str:
        """Do a cycle in a process that is killed after some time; return how it ended."""
        process = os.fork()
        if process == 0:
            self.context.engine.dispose(close=False)
            try:
                self.cycle(order)
            finally:
                os._exit(0)
        ends = time.monotonic() + order["kill_after"]
        while time.monotonic() < ends:
            if os.waitpid(process, os.WNOHANG)[0]:
                return "over"
            time.sleep(0.005)
        os.kill(process, signal.SIGKILL)
        os.waitpid(process, 0)
        return "killed"


def note(errors: Errors, name: str, step: Callable[[], object]) -> None:
    """Do a step, and note its error if it raises one."""
    try:
        step()
    except SourceError as error:
        errors.append((name, FAILED, str(error)[:300]))
    except Exception as error:
        kind = LOST if is_lost_database(error) else UNEXPECTED
        errors.append((name, kind, f"{type(error).__name__} at {place_of(error)}: {error}"[:300]))


@contextmanager
def named(name: str) -> Iterator[None]:
    """Let the mail server know the run from which a mail comes."""
    begin = smtplib.SMTP.__init__

    def as_run(client: Any, *arguments: Any, **more: Any) -> None:
        begin(client, *arguments, **more | {"local_hostname": name})

    smtplib.SMTP.__init__ = as_run  # type: ignore[method-assign]
    try:
        yield
    finally:
        smtplib.SMTP.__init__ = begin  # type: ignore[method-assign]


def needs() -> dict[str, int]:
    """Return what this process needs: megabytes, open files, threads."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    return {
        "megabytes": pages * os.sysconf("SC_PAGE_SIZE") >> 20,
        "files": len(os.listdir("/proc/self/fd")),  # noqa: PTH208
        "threads": threading.active_count(),
    }


def main(folder: str, database_url: str) -> None:
    """Serve until the orders end."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # whatever is printed is no answer
    worker = Worker(Path(folder), database_url)
    for line in sys.stdin:
        order = json.loads(line)
        if order["kill_after"] is None:
            answer: dict[str, Any] = {"errors": worker.cycle(order), "ended": "over"}
        else:
            answer = {"errors": [], "ended": worker.killed(order)}
        answers.write(json.dumps(answer | needs()) + "\n")
        answers.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
