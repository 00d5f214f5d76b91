"""The process of each flow run: forked from one process that has loaded all flows."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import anyio
import anyio.abc
import anyio.to_thread
from prefect.runner._process_manager import ProcessHandle

from service.runs.locks import run_lock

if TYPE_CHECKING:
    from multiprocessing.context import ForkServerContext

    from prefect.client.schemas.objects import FlowRun
    from prefect.runner._control_channel import ControlChannel

RUN_ID = "PREFECT__FLOW_RUN_ID"
PRELOADED = ["service.runs.engine", "service.worker_process", "flows.preloaded"]


def fork_server() -> ForkServerContext:
    """Return the context of a fork server that has loaded all flows.

    It starts with the first process and ends with the process that called this function.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOADED)
    return context


def execute(environment: Mapping[str, str]) -> None:
    """Be the process of a run, with these variables in addition to those of the worker."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # the fork server ignores it
    os.environ.update(environment)
    from service.runs import engine  # noqa: PLC0415 - loaded before the fork, unknown to the worker

    with run_lock(Path(os.environ["PREFECT_HOME"]), environment[RUN_ID]):
        engine.main()


class ForkedRunStarter:
    """Starts the process of one run, as Prefect's `ProcessStarter` does, and waits for its end."""

    def __init__(
        self,
        context: ForkServerContext,
        environment: Mapping[str, str],
        control_channel: ControlChannel,
    ) -> None:
        self._context = context
        self._environment = environment
        self._control_channel = control_channel

    async def start(
        self,
        flow_run: FlowRun,
        task_status: anyio.abc.TaskStatus[ProcessHandle] = anyio.TASK_STATUS_IGNORED,
    ) -> None:
        """Start the process, give its handle to `task_status`, and return when it has ended."""
        environment = {
            **self._environment,
            RUN_ID: str(flow_run.id),
            "PREFECT__ENABLE_CANCELLATION_AND_CRASHED_HOOKS": "false",
        }
        with suppress(RuntimeError):  # without the channel a cancelled run is only killed
            port, token = self._control_channel.register(flow_run.id)
            environment["PREFECT__CONTROL_PORT"] = str(port)
            environment["PREFECT__CONTROL_TOKEN"] = token
        process = self._context.Process(target=execute, args=(environment,))
        try:
            await anyio.to_thread.run_sync(process.start)
        except BaseException:
            self._control_channel.unregister(flow_run.id)
            raise
        task_status.started(ProcessHandle(process))  # type: ignore[arg-type]
        await anyio.wait_readable(process.sentinel)
        process.join()
