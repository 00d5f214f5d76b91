"""A run asks Prefect's server nothing that it or its worker knows already."""

import asyncio
from types import SimpleNamespace
from uuid import uuid4

import pytest
from prefect.client.schemas.objects import FlowRun
from prefect.context import FlowRunContext
from prefect.events import related

from service.runs import engine
from service.worker_process import OwnFlowsWorker


@pytest.fixture
def run() -> FlowRun:
    """A run of a deployment, as the server describes it."""
    return FlowRun(
        flow_id=uuid4(),
        deployment_id=uuid4(),
        work_queue_id=uuid4(),
        work_queue_name="default",
        work_pool_id=uuid4(),
        work_pool_name="tenggat",
        tags=["tenggat"],
    )


def test_the_events_of_a_run_name_its_objects_without_a_question(monkeypatch, run):
    monkeypatch.setattr(related, "RESOURCE_CACHE", {})
    monkeypatch.setattr(FlowRunContext, "get", lambda: SimpleNamespace(flow_run=run))
    names = {engine.FLOW_NAME: "delivery", engine.DEPLOYMENT_NAME: "kab-a"}
    engine.know_related(run, names)
    unable = SimpleNamespace(
        **dict.fromkeys(("read_flow", "read_deployment", "read_work_queue", "read_work_pool"))
    )
    found = asyncio.run(related.related_resources_from_run_context(unable))
    assert {(each.role, each.id, each.name) for each in found if each.role != "flow-run"} == {
        ("flow", f"prefect.flow.{run.flow_id}", "delivery"),
        ("deployment", f"prefect.deployment.{run.deployment_id}", "kab-a"),
        ("work-queue", f"prefect.work-queue.{run.work_queue_id}", "default"),
        ("work-pool", f"prefect.work-pool.{run.work_pool_id}", "tenggat"),
        ("tag", "prefect.tag.tenggat", None),
    }


def test_a_run_without_deployment_is_left_to_prefect(monkeypatch):
    monkeypatch.setattr(related, "RESOURCE_CACHE", {})
    engine.know_related(FlowRun(flow_id=uuid4()), {})
    assert related.RESOURCE_CACHE == {}


def test_a_worker_sets_no_labels_and_no_state_between_pending_and_running(run):
    worker = object.__new__(OwnFlowsWorker)
    worker._client = SimpleNamespace()  # it can be asked nothing
    asyncio.run(worker._give_worker_labels_to_flow_run(run.id))
    asyncio.run(worker._propose_submitting_state(run))
    assert vars(worker._client) == {}
