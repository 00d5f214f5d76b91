"""The runs that a worker of the service may execute: our flows, for the sites that it serves.

Everything in a deployment and in a run can be written by each user of Prefect's API. So a worker
takes from there only the name of a flow and its parameters, and compares both with what it was
started with.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

SITES = "TENGGAT_SERVED_SITES"
"""Environment variable of a worker and its runs: the folders of the sites, as a JSON list. The
service sets it; Prefect's API cannot change it."""

ELSEWHERE = "TENGGAT_WORKS_ELSEWHERE"
"""Environment variable of a separate worker and its runs: the installation is that of the service,
whose working files are perhaps on another machine."""

REHEARSAL = "TENGGAT_REHEARSAL"
"""Environment variable of a process with runs that may pretend a later time; their clock is not
checked."""

SKEW = timedelta(minutes=1)
"""Allowed difference between the clocks of the machines that share the work."""

REPOSITORY = Path(__file__).parent.parent
SET_DIRECTORY = "prefect.deployments.steps.set_working_directory"
TIMES = ("now", "as_of")


class NotPermitted(ValueError):
    """A run that the service does not execute. The message says why."""


def served_sites() -> list[str] | None:
    """Return the folders of the sites that this process may work for; None means all.

    A process that was started by hand, such as `tenggat run`, has no such list.
    """
    given = os.environ.get(SITES)
    return None if given is None else [str(folder) for folder in json.loads(given)]


def has_own_installation() -> bool:
    """Check whether the working files of this process are those of the installation."""
    return not os.environ.get(ELSEWHERE)


def is_rehearsal() -> bool:
    """Check whether this process may pretend any time."""
    return bool(os.environ.get(REHEARSAL))


def check_site(site: object, served: Sequence[str] | None) -> None:
    """Raise :class:`NotPermitted` unless a site is one of those that are served."""
    if served is None:
        return
    folder = site if isinstance(site, str) and site else None
    if folder is None or str(REPOSITORY / folder) not in served:
        raise NotPermitted(
            f"the parameter `site` is none of the sites of this service: {', '.join(served)}"
        )


def check_deployment(
    flow: str,
    *,
    entrypoints: Mapping[str, str],
    entrypoint: str | None,
    path: str | None,
    pull_steps: Sequence[Mapping[str, Any]] | None,
) -> None:
    """Raise :class:`NotPermitted` unless a deployment is one of ours, unchanged.

    `entrypoints` are ours by flow. A worker does not use the deployment's own entrypoint, path and
    steps. If they differ, the deployment expects another program than the one that would run.
    """
    if flow not in entrypoints:
        raise NotPermitted(f"Tenggat has no flow of this name; it has {', '.join(entrypoints)}")
    if entrypoint != entrypoints[flow]:
        raise NotPermitted(f"the entrypoint of the deployment is not {entrypoints[flow]}")
    if path is not None and (REPOSITORY / path).resolve() != REPOSITORY:
        raise NotPermitted(f"the path of the deployment is not {REPOSITORY}")
    for step in pull_steps or ():
        directory = (step.get(SET_DIRECTORY) or {}).get("directory")
        if set(step) != {SET_DIRECTORY} or Path(str(directory)) != REPOSITORY:
            raise NotPermitted("the deployment has steps that Tenggat did not write")


def check_times(parameters: Mapping[str, Any], now: datetime) -> None:
    """Raise :class:`NotPermitted` if a run pretends a later time than `now`.

    It would evaluate deadlines that have not passed and send mails about them, and later runs would
    refuse to work before that time. `parameters` are already validated by the flow.
    """
    for name in TIMES:
        time = parameters.get(name)
        if time is None:
            continue
        if time.tzinfo is None:
            raise NotPermitted(f"the parameter `{name}` needs a zone, as in 2026-11-24T08:00+08:00")
        if time > now + SKEW and not is_rehearsal():
            raise NotPermitted(
                f"the parameter `{name}` is later than the present time; only a trial site may"
                f" pretend one: set {REHEARSAL}=1"
            )
