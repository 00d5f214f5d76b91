"""The process from which `forked.py` forks: it has loaded what the flows need, and has no threads.

It reads one order a line (JSON) and answers each with a line. A fork of it takes over environment,
folder, arguments and output of its order, lets Prefect read its settings again, and then is what a
fresh Python would be after its imports.
"""

from __future__ import annotations

import atexit
import gc
import json
import os
import runpy
import signal
import sys
import threading
import traceback
from typing import Any

import prefect
import prefect.context
import prefect.events.worker
import prefect.logging.configuration
import prefect.logging.handlers

import cli
import flows.backfill
import flows.cycle
import flows.maintenance
import flows.summary
import flows.watchdog
import scripts.demo
import tasks.evaluation.status
import tasks.notifications.transport.local_mailbox
import tasks.reports.formats.html
import tasks.reports.formats.json_csv
import tasks.reports.formats.pdf.report
import tasks.reports.formats.xlsx
from support import live_sites

LOADED = (cli.app_of(), scripts.demo, flows, prefect, tasks, live_sites)


def work(order: dict[str, Any]) -> None:
    """Be the process that an order asks for."""
    os.environ.clear()
    os.environ.update(order["environment"])
    os.chdir(order["folder"])
    sys.argv = order["arguments"]
    prefect.context.refresh_global_settings_context()
    prefect.logging.configuration.setup_logging(incremental=False)
    exec(order["before"], {"__name__": "before"})
    if order["arguments"][0] == "-c":
        exec(order["arguments"].pop(1), {"__name__": "__main__"})
    elif order["arguments"][0] == "-m":
        sys.modules.pop("__main__")
        module = sys.argv.pop(1)
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    else:
        sys.modules.pop("__main__")
        runpy.run_path(order["arguments"][0], run_name="__main__")


def end_of(order: dict[str, Any]) -> int:
    """Work, and end as an interpreter does; returns the exit code."""
    try:
        work(order)
    except SystemExit as ended:
        if ended.code is None or isinstance(ended.code, int):
            return ended.code or 0
        sys.stderr.write(f"{ended.code}\n")
        return 1
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


def fork(order: dict[str, Any]) -> int:
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        signal.alarm(order["patience"])
        os.setsid()
        for place, number in ((order["out"], 1), (order["err"], 2)):
            os.dup2(os.open(place, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), number)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        code = end_of(order)
        threading._shutdown()
        atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(code)


def main() -> None:
    """Serve until the orders end."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever is printed is no answer
    gc.collect()
    gc.freeze()
    for line in sys.stdin:
        order = json.loads(line)
        if "ended" in order:  # asked for how one ended, or whether
            found, status = os.waitpid(order["ended"], 0 if order["wait"] else os.WNOHANG)
            answer = os.waitstatus_to_exitcode(status) if found else None
        else:
            assert threading.active_count() == 1, threading.enumerate()
            answer = fork(order)
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
