"""What the process of one flow run executes (`service.runs.processes` starts it).

It does the same as `prefect.engine`, except that the code is always ours: the flow comes from this
checkout by its name, and nothing in the deployment decides what is imported or executed.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any
from uuid import UUID

from prefect._internal.control_listener import configure_from_env
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import FlowRun
from prefect.engine import handle_engine_signals
from prefect.events import related
from prefect.exceptions import ParameterTypeError
from prefect.flow_engine import load_flow_run, run_flow
from prefect.logging.loggers import flow_run_logger
from prefect.states import Failed

from flows.permitted import NotPermitted, check_site, check_times, served_sites
from flows.stored_results import refuse_stored_results
from service.deployment_specs import entrypoints, flow_of
from service.runs.processes import RUN_ID

FLOW_NAME = "PREFECT__FLOW_NAME"
DEPLOYMENT_NAME = "PREFECT__DEPLOYMENT_NAME"


def main() -> None:
    """Execute the run that the environment names; a run that is not permitted ends as failed."""
    run_id = UUID(os.environ[RUN_ID])
    refuse_stored_results()
    configure_from_env()  # the worker cancels a run through this channel
    with handle_engine_signals(run_id):
        flow_run = load_flow_run(flow_run_id=run_id)
        know_related(flow_run, os.environ)
        logger = flow_run_logger(flow_run=flow_run)
        try:
            flow, parameters = permitted_call(
                os.environ.get(FLOW_NAME, ""), flow_run.parameters, datetime.now(UTC)
            )
        except NotPermitted as error:
            logger.error("refused: %s", error)
            fail(flow_run, str(error))
            return
        run_flow(
            flow,
            flow_run=flow_run,
            parameters=parameters,
            error_logger=logger.logger,
            return_type="state",  # else Prefect loads the result that the state refers to
        )


def know_related(flow_run: FlowRun, environment: Mapping[str, str]) -> None:
    """Give Prefect what each event of the run names: its flow, deployment, queue and pool.

    Else it asks the server for these four objects, only for their names. The worker has put two of
    the names into the environment.
    """
    names = {
        ("flow", flow_run.flow_id): environment.get(FLOW_NAME),
        ("deployment", flow_run.deployment_id): environment.get(DEPLOYMENT_NAME),
        ("work-queue", flow_run.work_queue_id): flow_run.work_queue_name,
    }
    for (kind, key), name in names.items():
        if key and name:
            _know(kind, key, SimpleNamespace(id=key, name=name))
    if flow_run.work_pool_name and flow_run.work_pool_id:
        pool = SimpleNamespace(id=flow_run.work_pool_id, name=flow_run.work_pool_name)
        _know("work-pool", flow_run.work_pool_name, pool)


def _know(kind: str, key: object, known: object) -> None:
    cache: dict[str, Any] = vars(related)["RESOURCE_CACHE"]
    cache[f"{kind}.{key}"] = ({"kind": kind, "object": known}, datetime.now(UTC))


def permitted_call(
    name: str, parameters: dict[str, Any] | None, now: datetime
) -> tuple[Any, dict[str, Any]]:
    """Return our flow of this name and its parameters as the API gave them.

    Raises :class:`flows.permitted.NotPermitted` if this service does not execute such a run.
    """
    ours = entrypoints()
    if name not in ours:
        raise NotPermitted(f"Tenggat has no flow of this name; it has {', '.join(ours)}")
    served = served_sites()
    if served is None:
        raise NotPermitted("this process was not started by a worker of Tenggat")
    given = dict(parameters or {})
    check_site(given.get("site"), served)
    flow = flow_of(ours[name])
    try:
        checked = flow.validate_parameters(given)
    except (ParameterTypeError, TypeError) as error:
        raise NotPermitted(" ".join(str(error).split())) from None
    check_times(checked, now)
    return flow, given


def fail(flow_run: FlowRun, reason: str) -> None:
    """Set a run to failed, with the reason for people in the UI."""
    with get_client(sync_client=True) as client:
        client.set_flow_run_state(flow_run.id, Failed(message=f"Refused: {reason}"))
