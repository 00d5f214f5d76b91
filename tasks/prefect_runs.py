"""Prefect's flow runs: delete those older than the site keeps, with all their data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import UUID

import httpx
from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.exceptions import PrefectHTTPStatusError
from prefect.settings import PREFECT_API_URL, get_current_settings
from sqlalchemy import make_url

AT_ONCE = 50
"""Limit of flow runs that Prefect deletes per request."""


class NotCleaned(RuntimeError):
    """Prefect's server could not delete the flow runs; the text gives the reason."""


@dataclass(frozen=True, slots=True)
class Removed:
    """Numbers of deleted flow runs and of their artifacts."""

    runs: int
    artifacts: int


@task(name="remove old runs", task_run_name="remove old runs", cache_policy=NO_CACHE)
def remove_runs(before: datetime) -> Removed:
    """Delete the flow runs with a planned start before a moment.

    This includes their task runs, states, logs and artifacts; Prefect itself would leave the
    artifacts. Runs that never ended are deleted too, except those that wait for a person's answer.
    Each request is a transaction of its own. The server deletes events itself (see
    `service.places`). Raises :class:`NotCleaned`.
    """
    if not PREFECT_API_URL.value():
        raise NotCleaned("there is no Prefect server (PREFECT_API_URL)")
    runs = artifacts = 0
    try:
        with get_client(sync_client=True) as client:
            for batch in _old(client, before):
                named = {"id": {"any_": [str(run) for run in batch]}}
                for artifact in _artifacts(client, named):
                    client.request("DELETE", "/artifacts/{id}", path_params={"id": artifact})
                    artifacts += 1
                body = {"flow_runs": named, "limit": AT_ONCE}
                answer = client.request(  # Prefect's list of paths lacks this one
                    "POST",
                    "/flow_runs/bulk_delete",  # type: ignore[arg-type]
                    json=body,
                )
                runs += len(answer.json()["deleted"])
    except (httpx.HTTPError, PrefectHTTPStatusError) as error:
        raise NotCleaned(
            f"Prefect's server removed {runs} runs and then did not answer ({type(error).__name__})"
        ) from None
    return Removed(runs, artifacts)


def _old(client: SyncPrefectClient, before: datetime) -> Iterator[list[UUID]]:
    """Yield the flow runs to delete in batches, always from those that remain."""
    body = {
        "flow_runs": {
            "expected_start_time": {"before_": before.isoformat()},
            "state": {"type": {"not_any_": ["PAUSED"]}},
        },
        "sort": "EXPECTED_START_TIME_ASC",
        "limit": AT_ONCE,
    }
    seen: set[UUID] = set()
    while True:
        found = [
            UUID(run["id"]) for run in client.request("POST", "/flow_runs/filter", json=body).json()
        ]
        if not found or seen.issuperset(found):  # no endless loop over runs that cannot be deleted
            return
        seen.update(found)
        yield found


def _artifacts(client: SyncPrefectClient, runs: Mapping[str, object]) -> Iterator[str]:
    body = {"flow_runs": runs, "limit": 200, "offset": 0}
    found = client.request("POST", "/artifacts/filter", json=body).json()
    yield from (artifact["id"] for artifact in found)


def own_database() -> Path | None:
    """Return the file of Prefect's database if it is SQLite on this machine, else None."""
    url = get_current_settings().server.database.connection_url
    if url is None:
        return None
    parsed = make_url(url.get_secret_value())
    if parsed.get_backend_name() != "sqlite" or not parsed.database:
        return None
    path = Path(parsed.database)
    return path if path.is_file() else None
