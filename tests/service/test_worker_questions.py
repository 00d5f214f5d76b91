"""How often a worker asks for runs: often only while somebody waits for one."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

import pytest
from prefect.workers.process import ProcessWorker

from service import worker_process
from service.worker_process import ATTENTIVE_INTERVAL, ATTENTIVE_SECONDS, OwnFlowsWorker

LONG = ATTENTIVE_SECONDS / ATTENTIVE_INTERVAL
SCHEDULED, BY_A_PERSON = SimpleNamespace(auto_scheduled=True), SimpleNamespace(auto_scheduled=False)


@pytest.mark.parametrize(
    ("answers", "free", "questions"),
    [
        ([[]], [], 1),
        ([[SCHEDULED, SCHEDULED]], [3], 1),
        ([[BY_A_PERSON]], [], 1 + LONG),
        ([[BY_A_PERSON], [SCHEDULED]], [], 1 + LONG),
        ([[BY_A_PERSON], [], [BY_A_PERSON]], [], 3 + LONG),
        ([[SCHEDULED] * 8, [], [SCHEDULED]], [0, 0, 0, 5], 3 + LONG),
    ],
)
def test_a_worker_asks_often_while_somebody_waits_or_it_is_full(
    monkeypatch, answers, free, questions
):
    clock, asked = [0.0], []

    async def answer(worker: OwnFlowsWorker) -> list[SimpleNamespace]:
        places = dict(enumerate(free)).get(len(asked), 8)
        worker._limiter = SimpleNamespace(available_tokens=places)
        asked.append(clock[0])
        return answers[len(asked) - 1] if len(asked) <= len(answers) else []

    async def sleep(seconds: float) -> None:
        clock[0] += seconds

    monkeypatch.setattr(ProcessWorker, "get_and_submit_flow_runs", answer)
    monkeypatch.setattr(worker_process, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    monkeypatch.setattr(worker_process, "anyio", SimpleNamespace(sleep=sleep))
    monkeypatch.setenv("PREFECT_WORKER_QUERY_SECONDS", "15")
    worker = object.__new__(OwnFlowsWorker)
    started = asyncio.run(worker.get_and_submit_flow_runs())
    assert len(asked) == questions
    assert started == [run for answer in answers for run in answer]
