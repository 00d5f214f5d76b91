"""The process of a worker; :func:`main` gets its name and its limit of runs.

Prefect's own process worker starts any command, in any folder and environment, that a deployment, a
run or the work pool names. Ours starts one program, `service.runs.engine`, in a forked process.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
import traceback
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from typing import Any
from uuid import UUID

import anyio
import anyio.abc
import httpx
import uvloop
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.objects import FlowRun, State
from prefect.exceptions import ObjectNotFound
from prefect.runner._flow_run_executor import FlowRunExecutorContext
from prefect.runner._process_manager import ProcessHandle
from prefect.states import Completed, Failed
from prefect.utilities.processutils import setup_signal_handlers_worker
from prefect.workers.process import (
    ProcessJobConfiguration,
    ProcessWorker,
    ProcessWorkerResult,
)

from flows.permitted import NotPermitted, check_deployment, check_site, served_sites
from flows.stored_results import refuse_stored_results
from service.deployment_specs import entrypoints
from service.environment import POOL, REPOSITORY, interval
from service.errors import ServiceError
from service.prefect_api import ask
from service.runs.idle import idle_run
from service.runs.processes import ForkedRunStarter, fork_server

ENGINE = "service.runs.engine"
"""What a run executes. Prefect wants a command and logs it; the process is forked."""


ATTENTIVE_SECONDS = 30.0
"""For so long a worker asks often after a run that was not scheduled, or after it was full."""

ATTENTIVE_INTERVAL = 2.0
"""Seconds between its questions in this time."""


class FixedJobConfiguration(ProcessJobConfiguration):
    """How each run is started. Nothing of it comes from the API."""

    @classmethod
    async def from_template_and_values(
        cls,
        base_job_template: dict[str, Any],
        values: dict[str, Any],
        client: PrefectClient | None = None,
    ) -> FixedJobConfiguration:
        """Return the configuration; template and values of the API are not used."""
        return cls(command=ENGINE, working_dir=REPOSITORY, env={})

    @classmethod
    @cache
    def _base_environment(cls) -> dict[str, str]:
        """Return Prefect's settings as variables: they stay the same while the worker runs.

        To write them as text took a fifth of the work of a worker whose runs have nothing to do.
        """
        return super()._base_environment()

    def of(self, kind: str) -> Any:
        """Return the 'flow' or 'deployment' of the run, or None."""
        return self._related_objects.get(kind)


class NoHooks:
    """Hooks of flows after a crash or cancellation. Our flows have none.

    Prefect would load a flow from its deployment into the worker to find out.
    """

    async def run_cancellation_hooks(self, flow_run: FlowRun, state: State) -> None:
        """Do nothing."""

    async def run_crashed_hooks(self, flow_run: FlowRun, state: State) -> None:
        """Do nothing."""


class OwnFlowsWorker(ProcessWorker):
    """A worker that starts our flows from this checkout, for the sites that it serves."""

    job_configuration = FixedJobConfiguration

    async def get_and_submit_flow_runs(self) -> list[FlowRun]:
        """Ask for runs and start them, as Prefect's worker does at each interval.

        After a run that was not scheduled it asks often for a while: a person or the start of the
        service waits for it, and often another one follows. It also asks often while it executes as
        many runs as it may: others probably wait for a free place.
        """
        started: list[FlowRun] = []
        pause = min(ATTENTIVE_INTERVAL, interval("PREFECT_WORKER_QUERY_SECONDS"))
        end = time.monotonic()
        while True:
            new = await super().get_and_submit_flow_runs()
            started += new
            full = self._limiter is not None and self._limiter.available_tokens < 1
            if full or not all(run.auto_scheduled for run in new):
                end = time.monotonic() + ATTENTIVE_SECONDS
            if time.monotonic() >= end:
                return started
            await anyio.sleep(pause)

    async def _give_worker_labels_to_flow_run(self, flow_run_id: UUID) -> None:
        """Do nothing: an event of the run names its worker, and the run its pool."""

    async def _propose_submitting_state(self, flow_run: FlowRun) -> None:
        """Leave the run in Pending: its process starts at once and sets it to Running."""

    async def run(
        self,
        flow_run: FlowRun,
        configuration: ProcessJobConfiguration,
        task_status: anyio.abc.TaskStatus[int] | None = None,
    ) -> ProcessWorkerResult:
        """Start the process of a run and wait for its end; set a refused run to failed instead."""
        assert isinstance(configuration, FixedJobConfiguration)
        task_status = task_status or anyio.TASK_STATUS_IGNORED
        try:
            check_run(flow_run, configuration)
        except NotPermitted as error:
            self.get_flow_run_logger(flow_run).error("refused: %s", error)
            await self.client.set_flow_run_state(
                flow_run.id, Failed(message=f"Refused: {error}"), force=True
            )
            task_status.started(os.getpid())
            return ProcessWorkerResult(status_code=0, identifier="refused")
        if flow_run.auto_scheduled and await self._ended_idle(flow_run, configuration):
            task_status.started(os.getpid())
            return ProcessWorkerResult(status_code=0, identifier="idle")
        return await self._execute(flow_run, configuration, task_status)

    async def _ended_idle(self, flow_run: FlowRun, configuration: FixedJobConfiguration) -> bool:
        """End a scheduled run that has nothing to do without a process of its own."""
        flow = configuration.of("flow").name
        found = await idle_run(fork_server(), flow, flow_run.parameters or {})
        if found is None:
            return False
        ended: State[Any] = Completed(message=found.reason)
        await self.client.set_flow_run_state(flow_run.id, ended, force=True)
        with suppress(httpx.HTTPError, ObjectNotFound):  # it has ended, under any name
            await self.client.update_flow_run(flow_run.id, name=found.name)
        return True

    async def _execute(
        self,
        flow_run: FlowRun,
        configuration: FixedJobConfiguration,
        task_status: anyio.abc.TaskStatus[int],
    ) -> ProcessWorkerResult:
        """Run the engine, as `ProcessWorker.run` does for a configured command."""
        async with FlowRunExecutorContext() as context:
            environment = {name: value for name, value in configuration.env.items() if value}
            starter = ForkedRunStarter(fork_server(), environment, context.control_channel)
            executor = context.create_executor(
                flow_run, starter, hook_runner=NoHooks(), propose_submitting=False
            )
            found: list[Any] = []

            async def execute(*, task_status: anyio.abc.TaskStatus[ProcessHandle]) -> None:
                found.append(await executor.submit(task_status=task_status))

            async with anyio.create_task_group() as group:
                handle = await group.start(execute)
                if handle.pid is None:
                    raise RuntimeError("the process of the run has no number")
                task_status.started(handle.pid)
        result = found[0] if found else None
        if result is None or result.status_code is None:
            raise RuntimeError("the process of the run could not be started")
        return ProcessWorkerResult(
            status_code=result.status_code, identifier=str(result.handle.pid)
        )


def check_run(flow_run: FlowRun, configuration: FixedJobConfiguration) -> None:
    """Raise :class:`flows.permitted.NotPermitted` unless this worker executes such a run."""
    deployment, flow = configuration.of("deployment"), configuration.of("flow")
    if deployment is None:
        raise NotPermitted("the run has no deployment")
    check_deployment(
        flow.name,
        entrypoints=entrypoints(),
        entrypoint=deployment.entrypoint,
        path=deployment.path,
        pull_steps=deployment.pull_steps,
    )
    served = served_sites()
    if served is None:
        raise NotPermitted("this worker was started without sites")
    check_site((flow_run.parameters or {}).get("site"), served)


def main(arguments: Sequence[str]) -> None:
    """Work until SIGTERM or SIGINT, or until the server has been away for too long.

    In the last case, and if the server or the pool is not there at the start, the process ends with
    1, at once: threads of Prefect would wait for the server. The service starts a new one.
    """
    name, limit = arguments
    refuse_stored_results()  # the worker reads the state of each run before it starts a process
    try:
        ask(f"{os.environ['PREFECT_API_URL']}/work_pools/{POOL}", patience=0)
    except ServiceError as error:
        sys.exit(str(error))
    setup_signal_handlers_worker(os.getpid(), "the worker", _say)
    worker = OwnFlowsWorker(
        work_pool_name=POOL,
        name=name,
        limit=int(limit),
        create_pool_if_not_found=False,
    )
    try:
        uvloop.run(worker.start(printer=_say))
    except (asyncio.CancelledError, KeyboardInterrupt):
        return
    except Exception:
        traceback.print_exc()
        sys.stderr.flush()
        os._exit(1)


def _say(text: object) -> None:
    print(text, flush=True)  # noqa: T201 - the service writes it to the worker's log
