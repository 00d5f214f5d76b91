"""The process that bears the victims: it has imported everything once, and forks.

It reads one order a line (JSON) and answers each with what became of its processes. Those that are
to come to no harm it is itself, and so has compiled statements and templates before it forks. It
has no threads, and keeps no connection, so that a fork is a clean new process.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from crash_tests.kill_points import Crossings
from db.engine import open_engine
from settings.site import load_site
from tasks.common.context import SiteContext
from tasks.common.helpers import Helpers
from tasks.deadlines import evaluate_and_notify
from tasks.delivery import send_owed
from tasks.intake import pull
from tasks.notifications import sender
from tasks.notifications.rate_limit import RunClock

PATIENCE = 60
"""Seconds after which a process that does not end is ended, which counts as a failure."""

AHEAD = {"AT_ONCE": 2, "MOST_COMPOSED": 4, "SHARED": 3, "IN_A_JOB": 2}
"""The sizes with which a delivery composes ahead of a few mails, as else of hundreds."""

USUAL = {name: getattr(sender, name) for name in AHEAD}


def deliver(context: SiteContext, now: datetime, run: str) -> object:
    """Deliver; every second run composes ahead. It does the jobs of the helpers itself: what a
    killed run has stored of them is the same, and it does not wait for a new process.
    """
    helpers = random.choice([0, 1])
    for name, number in (AHEAD if helpers else USUAL).items():
        setattr(sender, name, number)
    return send_owed(context, now, run, Hurried, helpers=helpers)


WORK: dict[str, Callable[[SiteContext, datetime, str], Any]] = {
    "intake": lambda context, now, run: pull(context, "register", now),
    "deadlines": evaluate_and_notify,
    "delivery": deliver,
}


class Hurried(RunClock):
    """A clock for which waiting takes no time; the last one is that of the process that lives."""

    last: Hurried

    def __init__(self, now: datetime) -> None:
        super().__init__(now)
        self.waited = timedelta(0)
        Hurried.last = self

    def moment(self) -> datetime:
        return super().moment() + self.waited

    def wait(self, span: timedelta) -> None:
        self.waited += span


def live(order: dict[str, Any], context: SiteContext, crossings: Crossings, pipe: int) -> None:
    """One process: a step of the program as a flow would take it, with connections of its own."""
    random.seed(order["run"])
    asleep = timedelta(seconds=order["asleep"])
    crossings.begin(order["name"], order["fate"], pipe, lambda: Hurried.last.wait(asleep))
    context.site.mail_url = order["mail_url"]
    signal.alarm(PATIENCE)
    try:
        WORK[order["work"]](context, datetime.fromisoformat(order["now"]), order["run"])
    except Exception as error:
        crossings.tell(error=f"{type(error).__name__}: {error}"[:600])
    context.close()
    signal.alarm(0)


class Victim:
    """A forked process, and what it has told so far."""

    def __init__(self, order: dict[str, Any], context: SiteContext, crossings: Crossings) -> None:
        self.reading, writing = os.pipe()
        self.ended = ""
        self.pid = os.fork()
        if self.pid == 0:
            code = 1
            try:
                os.close(self.reading)
                live(order, context, crossings, writing)
                code = 0
            finally:
                os._exit(code)
        os.close(writing)

    def wait(self, *, even_if_stalled: bool = False) -> None:
        """Until it has ended, or stands still."""
        _, status = os.waitpid(self.pid, os.WUNTRACED if even_if_stalled else 0)
        if os.WIFSTOPPED(status):
            self.ended = "stalled"
        elif os.WIFSIGNALED(status):
            self.ended = signal.Signals(os.WTERMSIG(status)).name
        else:
            self.ended = f"exit {os.WEXITSTATUS(status)}"

    def go_on(self) -> None:
        """Let one that stands still live on to its end."""
        os.kill(self.pid, signal.SIGCONT)
        self.wait()

    def told(self) -> list[dict[str, Any]]:
        """Everything that it has reported; to be asked when it has ended."""
        return _read(self.reading)


def _read(pipe: int) -> list[dict[str, Any]]:
    with os.fdopen(pipe, "rb") as lines:
        return [json.loads(line) for line in lines]


def bear(
    orders: list[dict[str, Any]], context: SiteContext, crossings: Crossings, *, overlapping: bool
) -> list[dict[str, Any]]:
    """Let these processes live, at once or the second while the first stands still."""
    victims = [Victim(orders[0], context, crossings)]
    if overlapping:
        victims[0].wait(even_if_stalled=True)
    stalled = victims[0].ended == "stalled"
    victims += [Victim(order, context, crossings) for order in orders[1:]]
    for victim in victims:
        if not victim.ended:
            victim.wait()
    if stalled:
        victims[0].go_on()
    return [
        {"ended": victim.ended, "told": victim.told(), "stalled": stalled and victim is victims[0]}
        for victim in victims
    ]


def live_here(order: dict[str, Any], context: SiteContext, crossings: Crossings) -> dict[str, Any]:
    """A process that will come to no harm needs no fork: it lives in this one, which is quicker."""
    reading, writing = os.pipe()
    live(order, context, crossings, writing)
    os.close(writing)
    return {"ended": "exit 0", "told": _read(reading), "stalled": False}


def main(folder: str, database_url: str) -> None:
    """Serve until the orders end."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # whatever is printed is no answer
    context = SiteContext(load_site(folder), open_engine(database_url))
    crossings = Crossings()
    crossings.watch_database(context.engine)
    crossings.watch_smtp()
    Helpers._start = lambda helpers: None  # type: ignore[method-assign]
    for line in sys.stdin:
        orders = json.loads(line)
        processes = orders["processes"]
        if len(processes) == 1 and processes[0]["fate"] is None:
            born = [live_here(processes[0], context, crossings)]
        else:
            born = bear(processes, context, crossings, overlapping=orders["overlapping"])
        answers.write(json.dumps(born) + "\n")
        answers.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
