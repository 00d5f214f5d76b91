"""Registration: create pool, deployments and automations on Prefect's server, or update them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from flows.ui_texts import form_in, ui_text
from service.automations import PREFIX, automations, silences
from service.deployment_specs import DeploymentSpec, flow_of, plans
from service.environment import POOL, TAG
from service.errors import Rejected, ServiceError
from service.prefect_api import ask, every, found
from settings.site import Site

NO_TEMPLATE = {
    "job_configuration": {"stream_output": True},
    "variables": {"type": "object", "properties": {}, "additionalProperties": False},
}
"""Job template of the work pool. It has no variables: neither a deployment nor a run may choose a
command, folder or environment. Our worker (`service.worker_process`) decides these itself."""

MOST_CHARACTERS = 5_000
"""Limit of Prefect for the value of a variable, as JSON."""

CONFLICT = 409


def register(api: str, sites: Sequence[Site]) -> Iterator[str]:
    """Update the server to the needs of these sites; yields one line per change.

    Schedules, deployments and automations paused in the UI stay paused. Deployments and automations
    of ours that are no longer needed are removed. Those of others are left alone.
    """
    locale = sites[0].locale  # of what the sites share
    yield from _pool(api, locale)
    yield from _variable(api, sites)
    wanted = plans(sites)
    for plan in wanted:
        yield from _deployment(api, plan)
    names = {plan.name for plan in wanted}
    yield from _no_longer_deployed(api, names)
    yield from _automations(
        api, [*automations(locale), *silences(sites, wanted, _ids(api, wanted))]
    )


def _ids(api: str, wanted: Sequence[DeploymentSpec]) -> dict[str, str]:
    """Return the ids of the existing deployments by name."""
    stand = {plan.name: found(f"{api}/deployments/name/{plan.name}") for plan in wanted}
    return {name: str(deployment["id"]) for name, deployment in stand.items() if deployment}


def _pool(api: str, locale: str) -> Iterator[str]:
    pool = found(f"{api}/work_pools/{POOL}")
    if pool is None:
        body = {
            "name": POOL,
            "type": "process",
            "description": ui_text(locale, "pool"),
            "base_job_template": NO_TEMPLATE,
            "concurrency_limit": None,
        }
        try:
            ask(f"{api}/work_pools/", body)
        except Rejected as error:
            if error.code != CONFLICT:
                raise
            pool = found(f"{api}/work_pools/{POOL}")  # another worker has created it in between
        yield f"work pool {POOL}: made"
    if pool is not None and pool["type"] != "process":
        raise ServiceError(
            f"work pool {POOL} is of type {pool['type']}, not process; remove it in the UI"
        )
    wanted = {"concurrency_limit": None, "base_job_template": NO_TEMPLATE}
    if pool is not None and any(pool[key] != value for key, value in wanted.items()):
        ask(f"{api}/work_pools/{POOL}", wanted, method="PATCH")
        yield f"work pool {POOL}: changed"


def _variable(api: str, sites: Sequence[Site]) -> Iterator[str]:
    """Store the list of served sites as a variable, for people to read in the UI."""
    name, value = "tenggat_sites", sites_value(sites)
    current = found(f"{api}/variables/name/{name}")
    if current is None:
        ask(f"{api}/variables/", {"name": name, "value": value, "tags": [TAG]})
        yield f"variable {name}: made"
    elif current["value"] != value:
        ask(f"{api}/variables/name/{name}", {"value": value}, method="PATCH")
        yield f"variable {name}: changed"


def sites_value(sites: Sequence[Site]) -> dict[str, Any]:
    """Return what people can read in the UI about the served sites, as far as Prefect stores it.

    Of many sites it has the names only, and of very many their number.
    """
    whole = {
        site.folder.name: {"name": site.name, "zone": site.file.zone, "folder": str(site.folder)}
        for site in sites
    }
    names = {site.folder.name: site.name for site in sites}
    fitting = (v for v in (whole, names) if len(json.dumps(v)) <= MOST_CHARACTERS)
    return next(fitting, {"sites": len(sites)})


def _deployment(api: str, plan: DeploymentSpec) -> Iterator[str]:
    try:
        flow = flow_of(plan.entrypoint)
    except (ImportError, AttributeError) as error:  # this must not stop the others
        yield f"deployment {plan.name}: left out, its flow cannot be loaded: {error}"
        return
    from prefect.utilities.callables import parameter_schema  # noqa: PLC0415

    form = form_in(plan.locale, parameter_schema(flow).model_dump())
    schema = {**form, "additionalProperties": False}
    body = {**plan.body, "parameter_openapi_schema": schema}
    current = found(f"{api}/deployments/name/{plan.name}")
    differs = sorted(_differences(body, current)) if current else []
    if current and not differs:
        return
    body["schedules"] = [
        {**schedule, "active": _still_active(schedule, current)} for schedule in body["schedules"]
    ]
    if current:
        body["paused"] = current["paused"]
    ask(f"{api}/deployments/", {**body, "flow_id": ask(f"{api}/flows/", {"name": flow.name})["id"]})
    yield f"deployment {plan.name}: " + ("changed: " + ", ".join(differs) if current else "made")


def _differences(body: Mapping[str, Any], current: Mapping[str, Any]) -> Iterator[str]:
    for key, value in body.items():
        if key == "concurrency_limit":
            limit = current.get("global_concurrency_limit")
            same = (limit or {}).get("limit") == value
        elif key == "schedules":
            same = _sorted(value) == _sorted(
                [
                    {name: s[name] for name in ("schedule", "slug", "parameters")}
                    for s in current[key]
                ]
            )
        elif key == "parameter_openapi_schema":
            same = value == current[key]
        elif key == "tags":
            same = sorted(value) == sorted(current[key])
        else:
            same = within(value, current.get(key))
        if not same:
            yield key


def _sorted(schedules: Sequence[Mapping[str, Any]]) -> list[str]:
    return sorted(
        f"{s['schedule']['cron']} {s['schedule'].get('timezone')} {s['slug']} {s['parameters']}"
        for s in schedules
    )


def _still_active(schedule: Mapping[str, Any], current: Mapping[str, Any] | None) -> bool:
    for other in (current or {}).get("schedules", []):
        if _sorted([other]) == _sorted([schedule]):
            return bool(other["active"])
    return True


def _no_longer_deployed(api: str, names: set[str]) -> Iterator[str]:
    ours = every(
        api,
        "deployments",
        deployments={"tags": {"all_": [TAG]}},
        work_pools={"name": {"any_": [POOL]}},
    )
    flows = {flow["id"]: flow["name"] for flow in every(api, "flows")}
    for deployment in ours:
        name = f"{flows.get(deployment['flow_id'], '?')}/{deployment['name']}"
        if name not in names:
            ask(f"{api}/deployments/{deployment['id']}", method="DELETE")
            yield f"deployment {name}: removed"


def _automations(api: str, wanted: Sequence[dict[str, Any]]) -> Iterator[str]:
    stand = {a["name"]: a for a in every(api, "automations") if a["name"].startswith(PREFIX)}
    for automation in wanted:
        there = stand.pop(automation["name"], None)
        if there is None:
            ask(f"{api}/automations/", automation)
            yield f"automation '{automation['name']}': made"
            continue
        automation["enabled"] = there["enabled"]
        if not within(automation, there):
            ask(f"{api}/automations/{there['id']}", automation, method="PUT")
            yield f"automation '{automation['name']}': changed"
    for name, there in stand.items():
        ask(f"{api}/automations/{there['id']}", method="DELETE")
        yield f"automation '{name}': removed"


def within(wanted: Any, current: Any) -> bool:
    """Check whether `current` contains all of `wanted`.

    The server adds ids and defaults of its own; these are ignored.
    """
    if isinstance(wanted, Mapping):
        return isinstance(current, Mapping) and all(
            within(value, current.get(key)) for key, value in wanted.items()
        )
    if isinstance(wanted, list):
        return (
            isinstance(current, list)
            and len(current) == len(wanted)
            and all(within(*pair) for pair in zip(wanted, current, strict=True))
        )
    return bool(wanted == current)
