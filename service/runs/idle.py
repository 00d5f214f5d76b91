"""The question whether a scheduled run has anything to do, asked in a forked process."""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Any

import anyio
import anyio.to_thread

from flows.run_names import IdleRun

if TYPE_CHECKING:
    from multiprocessing.context import ForkServerContext

LONGEST = 60.0
"""Limit of time in seconds for the answer; the run is a full one after it."""


async def idle_run(
    context: ForkServerContext, flow: str, parameters: Mapping[str, Any]
) -> IdleRun | None:
    """Return this run if it has nothing to do; it is recorded then. None: it has.

    Also None if the process fails or does not answer in time.
    """
    receiving, sending = context.Pipe(duplex=False)
    process = context.Process(target=_answer, args=(sending, flow, dict(parameters)))
    try:
        await anyio.to_thread.run_sync(process.start)
        sending.close()
        with anyio.move_on_after(LONGEST):
            await anyio.wait_readable(receiving.fileno())
            with suppress(EOFError):
                name, reason = str(receiving.recv_bytes(), "utf-8").split("\n", 1)
                return IdleRun(name, reason) if reason else None
        return None
    finally:
        receiving.close()
        with suppress(AttributeError, ValueError):
            process.kill()
            process.join()
            process.close()


def _answer(sending: Connection, flow: str, parameters: Mapping[str, Any]) -> None:
    """Be the process that answers: with name and reason, or with nothing if there is work."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # the fork server ignores it
    from flows.idle import end_if_idle  # noqa: PLC0415 - loaded before the fork

    with suppress(Exception):  # the run itself meets the error and shows it
        run = end_if_idle(flow, parameters, datetime.now(UTC))
        sending.send_bytes((f"{run.name}\n{run.reason}" if run else "\n").encode())
    sending.close()
    os._exit(0)
