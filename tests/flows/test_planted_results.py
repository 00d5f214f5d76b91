"""A state with a result that somebody with the login has planted: no process of ours loads it."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from prefect.client.schemas.objects import FlowRun, State
from prefect.client.schemas.responses import OrchestrationResult
from prefect.results import ResultRecord, ResultRecordMetadata
from prefect.serializers import PickleSerializer
from prefect.states import get_state_result
from support.forked import SILENT
from support.prefect_shared import Shared
from support.small_site import small_site

import flows.run_context  # noqa: F401 - it refuses stored results
from flows.permitted import SITES, NotPermitted
from service.prefect_api import ask
from service.runs.engine import FLOW_NAME
from service.runs.processes import RUN_ID


class Planted:
    """A pickle that makes a file when it is loaded."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> Any:
        return Path.touch, (self.mark,)


def planted(folder: Path, mark: Path) -> dict[str, Any]:
    """The data of a state that refers to such a pickle in a file, as Prefect writes both."""
    file = folder / "result"
    metadata = ResultRecordMetadata(serializer=PickleSerializer(), storage_key=str(file))
    file.write_bytes(ResultRecord(result=Planted(mark), metadata=metadata).serialize())
    return metadata.model_dump(mode="json")


@pytest.mark.thorough
def test_the_process_of_a_run_loads_no_planted_result(shared: Shared, origin, tmp_path):
    """The state is set after the worker has started the process, and before it proposes Running.

    Prefect answers then that the run is completed already, and would load its result.
    """
    site, mark = small_site(tmp_path / "site"), tmp_path / "was-here"
    flow = ask(f"{shared.api}/flows/", {"name": "watchdog"})["id"]
    body = {"flow_id": flow, "parameters": {"site": str(site)}, "state": {"type": "PENDING"}}
    run = ask(f"{shared.api}/flow_runs/", body)["id"]
    completed = {"type": "COMPLETED", "data": planted(tmp_path, mark)}
    change = {"state": completed, "force": True}
    assert ask(f"{shared.api}/flow_runs/{run}/set_state", change)["status"] == "ACCEPT"
    environment = {
        **shared.seen(tmp_path / "var"),
        **SILENT,
        RUN_ID: run,
        FLOW_NAME: "watchdog",
        SITES: f'["{site}"]',
    }
    done = origin.run("-c", "from service.runs.engine import main; main()", **environment)
    assert not mark.exists()
    assert done.returncode == 0, done.stderr
    assert not (tmp_path / "var" / "tenggat.db").exists()  # the flow did not run either


def test_no_state_of_the_api_lets_a_process_with_our_flows_load_a_file(tmp_path):
    mark = tmp_path / "was-here"
    for kind in ("COMPLETED", "FAILED", "CRASHED"):
        state = State.model_validate({"type": kind, "data": planted(tmp_path, mark)})
        with pytest.raises(NotPermitted, match="loads no stored result"):
            asyncio.run(get_state_result(state, raise_on_failure=False, retry_result_failure=False))
    assert not mark.exists()


def serializers(name: str) -> list[dict[str, Any]]:
    """Values of a result's serializer that name a module in each of the ways that Prefect knows."""
    pickle = {"type": "pickle", "picklelib": name}
    return [
        pickle,
        {"type": "json", "jsonlib": name, "object_decoder": name, "object_encoder": name},
        {"type": "compressed", "serializer": pickle, "compressionlib": name},
        {"type": "compressed/pickle", "compressionlib": name, "serializer": pickle},
    ]


@pytest.mark.parametrize("model", [State, FlowRun, OrchestrationResult])
def test_no_state_of_the_api_lets_a_process_import_a_module(model, tmp_path, monkeypatch):
    """A worker, a run and a command read states as part of runs and of answers."""
    monkeypatch.syspath_prepend(tmp_path)
    for number, serializer in enumerate(serializers("planted_module")):
        mark = tmp_path / f"was-here-{number}"
        text = f"import pathlib\npathlib.Path({str(mark)!r}).touch()\n"
        (tmp_path / "planted_module.py").write_text(text, "utf-8")
        data = {"storage_key": "/etc/passwd", "serializer": serializer}
        state = {"type": "COMPLETED", "data": data}
        read = model.model_validate(
            {
                State: state,
                FlowRun: {"flow_id": str(uuid4()), "state": state},
                OrchestrationResult: {"state": state, "status": "ACCEPT", "details": {}},
            }[model]
        )
        assert not mark.exists()
        assert "planted_module" not in sys.modules
        assert read is not None
