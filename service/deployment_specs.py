"""Deployments of each site: those of prefect.yaml, with the site's folder, zone and schedules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

import yaml

from flows.ui_texts import ui_text
from service.environment import POOL, REPOSITORY

if TYPE_CHECKING:
    from settings.site import Site

AGAIN = "again-after-crash"
"""Tag of deployments with a restart after a crash, because no later run does the same work."""


@dataclass(frozen=True, slots=True)
class DeploymentSpec:
    """A wanted deployment: flow name, entrypoint, and request body for Prefect's API."""

    flow: str
    entrypoint: str
    locale: str
    """The language of the site, for texts in the UI."""
    body: Mapping[str, Any]

    @property
    def name(self) -> str:
        """Name of the deployment in the UI and the API."""
        return f"{self.flow}/{self.body['name']}"


def plans(sites: Sequence[Site]) -> list[DeploymentSpec]:
    """Return the deployments of these sites.

    If there are several sites, each deployment has the name of its site.
    """
    several = len(sites) > 1
    return [
        _plan(dict(spec), site, site.folder.name if several else spec["name"])
        for site in sites
        for spec in _specs()
    ]


@cache
def _specs() -> list[dict[str, Any]]:
    text = (REPOSITORY / "prefect.yaml").read_text(encoding="utf-8")
    specs: list[dict[str, Any]] = yaml.safe_load(text)["deployments"]
    return specs


def entrypoints() -> dict[str, str]:
    """Return the entrypoint of each of our flows by its name, as in 'flows/intake.py:intake'."""
    return {spec["name"]: spec["entrypoint"] for spec in _specs()}


def _plan(spec: dict[str, Any], site: Site, name: str) -> DeploymentSpec:
    limit = dict(spec.get("concurrency_limit") or {})
    if spec["name"] == "deadlines":
        limit["limit"] = site.file.schedules.deadlines_at_once
    body = {
        "name": name,
        "description": ui_text(site.locale, f"flows.{spec['name']}"),
        "entrypoint": spec["entrypoint"],
        "path": str(REPOSITORY),
        "pull_steps": [
            {"prefect.deployments.steps.set_working_directory": {"directory": str(REPOSITORY)}}
        ],
        "tags": [*spec["tags"], site.folder.name],
        "parameters": {**spec["parameters"], "site": str(site.folder)},
        "schedules": _schedules(spec, site),
        "work_pool_name": POOL,
        "job_variables": {},
        "enforce_parameter_schema": True,
        "concurrency_limit": limit.pop("limit", None),
        "concurrency_options": limit or None,
    }
    return DeploymentSpec(spec["name"], spec["entrypoint"], site.locale, body)


def _schedules(spec: dict[str, Any], site: Site) -> list[dict[str, Any]]:
    """Return the site's schedules of a flow, or those of prefect.yaml if the site sets none."""
    zone = site.file.zone
    schedules = site.file.schedules
    if spec["name"] not in type(schedules).model_fields:
        return [
            _cron(s["cron"], zone, s.get("slug"), s.get("parameters"))
            for s in spec.get("schedules", [])
        ]
    if spec["name"] == "summary":
        periods = schedules.summary.items()
        return [_cron(cron, zone, name, {"period": name}) for name, cron in periods]
    crons = schedules.of(spec["name"])
    if spec["name"] == "deadlines" and (parts := schedules.deadlines_at_once) > 1:
        return [
            _cron(cron, zone, f"{turn}-part-{number}-of-{parts}", {"part": f"{number}/{parts}"})
            for turn, cron in enumerate(crons, start=1)
            for number in range(1, parts + 1)
        ]
    return [_cron(cron, zone) for cron in crons]


def _cron(
    cron: str, zone: str, slug: str | None = None, parameters: dict[str, Any] | None = None
) -> dict[str, Any]:
    return {
        "schedule": {"cron": cron, "timezone": zone, "day_or": True},
        "slug": slug,
        "parameters": parameters or {},
    }


def flow_of(entrypoint: str) -> Any:
    """Import the flow at an entrypoint of prefect.yaml, as in 'flows/intake.py:intake'."""
    file, _, name = entrypoint.partition(":")
    return getattr(import_module(file.removesuffix(".py").replace("/", ".")), name)
