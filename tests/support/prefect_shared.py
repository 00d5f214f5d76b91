"""One Prefect server for all modules that only use its API, and what a server tells.

Each test looks at the runs of its own site. Who registers deployments begins and ends with a server
on which there are none.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from service.environment import POOL, prefect_environment
from service.prefect_api import ask, every
from service.prefect_server import prefect_server
from support.databases.prefect import prefect_as_new


@dataclass(frozen=True)
class Shared:
    """The server: the address of its API, and its database."""

    api: str
    database: Path

    def seen(self, var: Path) -> dict[str, str]:
        """The environment of a program whose working files are there and whose runs it sees."""
        return {**prefect_environment(var, self.api), "TENGGAT_VAR": str(var)}


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shared]:
    """The server that the modules of a process share."""
    folder = tmp_path_factory.mktemp("prefect-shared")
    with prefect_server(prefect_as_new(folder)) as api:
        yield Shared(api, folder / "prefect" / "prefect.db")


@dataclass(frozen=True)
class Told:
    """What the API tells of the runs of one site."""

    api: str
    site: Path

    def runs(self) -> list[dict[str, Any]]:
        """Its runs of flows, the oldest first."""
        found = every(self.api, "flow_runs", sort="START_TIME_ASC")
        return [run for run in found if run["parameters"].get("site") == str(self.site)]

    def states(self) -> dict[str, str]:
        return {run["name"]: run["state_type"] for run in self.runs()}

    def all(self, what: str) -> list[dict[str, Any]]:
        """All of one kind that belong to its runs: task_runs, artifacts, logs."""
        of_ours = {run["id"] for run in self.runs()}
        return [row for row in every(self.api, what) if row["flow_run_id"] in of_ours]

    def events(self) -> list[dict[str, Any]]:
        """All events of the server, of whatever site."""
        page = ask(f"{self.api}/events/filter", {"limit": 50})
        found = page["events"]
        while page["next_page"]:
            page = ask(page["next_page"])
            found += page["events"]
        return found


@contextmanager
def bare(api: str) -> Iterator[None]:
    """Let nothing be registered on a server before the block, nor after it."""
    empty(api)
    try:
        yield
    finally:
        empty(api)


def empty(api: str) -> None:
    """Remove everything that registering makes, and the runs that came of it."""
    for automation in every(api, "automations"):
        ask(f"{api}/automations/{automation['id']}", method="DELETE")
    deployments = [each["id"] for each in every(api, "deployments")]
    for known in deployments:  # first, so that the server plans no more of them
        ask(f"{api}/deployments/{known}", {"paused": True}, method="PATCH")
    body = {"deployments": {"id": {"any_": deployments}}, "limit": 50}
    while deployments and ask(f"{api}/flow_runs/bulk_delete", body)["deleted"]:
        pass
    for known in deployments:
        ask(f"{api}/deployments/{known}", method="DELETE")
    for variable in every(api, "variables"):
        ask(f"{api}/variables/{variable['id']}", method="DELETE")
    if POOL in {pool["name"] for pool in every(api, "work_pools")}:
        ask(f"{api}/work_pools/{POOL}", method="DELETE")
