"""The process of a helper: it gets jobs from a run and sends back their results.

It opens the database of the site to read only. It ends when the run has ended, however that
happened, and is the first process to end if memory is short.
"""

from __future__ import annotations

import signal
import sys
from concurrent.futures import Future, ThreadPoolExecutor
from multiprocessing.connection import Connection
from pathlib import Path

from tasks.common.context import SiteContext
from tasks.common.garbage import no_search_for_cycles, search_new_objects


def serve(connection: Connection) -> None:
    """Do jobs until the run closes the connection.

    A job that fails is sent back: the run does it itself, and finds the error. The next job begins
    while the run has not yet received the result of the last one.
    """
    folder, database_url = connection.recv()
    context = SiteContext.open_to_read(folder, database_url)
    sending: Future[None] | None = None
    with ThreadPoolExecutor(1) as sender, no_search_for_cycles():
        while True:
            work, job = connection.recv()
            try:
                answer = True, work(context, job)
            except Exception:
                answer = False, None
            if sending is not None:
                sending.result()
            sending = sender.submit(connection.send, answer)
            search_new_objects()


def main() -> None:
    """Serve the run that has the other end of the connection."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # for the run, which closes the connection
    adjustment = Path("/proc/self/oom_score_adj")
    if adjustment.exists():
        adjustment.write_text("1000")
    try:
        serve(Connection(int(sys.argv[1])))
    except (EOFError, OSError):
        return


if __name__ == "__main__":
    main()
