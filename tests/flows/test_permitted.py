"""Which runs a worker executes: our flows, unchanged, for its sites, at no later time."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from conftest import REPOSITORY

from flows.permitted import (
    REHEARSAL,
    SITES,
    NotPermitted,
    check_deployment,
    check_site,
    check_times,
    served_sites,
)
from flows.run_context import flow_run_context
from service.deployment_specs import entrypoints, flow_of
from service.runs.engine import permitted_call

NOW = datetime(2026, 11, 24, 8, tzinfo=UTC)
SITE = "/srv/tenggat/site"
OURS = {
    "entrypoint": "flows/intake.py:intake",
    "path": str(REPOSITORY),
    "pull_steps": [
        {"prefect.deployments.steps.set_working_directory": {"directory": str(REPOSITORY)}}
    ],
}


@pytest.fixture(autouse=True)
def _served(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SITES, json.dumps([SITE]))
    monkeypatch.delenv(REHEARSAL, raising=False)


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({}, None),
        ({"path": None, "pull_steps": None}, None),
        ({"path": "."}, None),
        ({"entrypoint": "/tmp/evil.py:intake"}, "the entrypoint"),
        ({"entrypoint": "flows/delivery.py:delivery"}, "the entrypoint"),
        ({"entrypoint": "flows.intake:intake"}, "the entrypoint"),
        ({"entrypoint": None}, "the entrypoint"),
        ({"path": "/tmp"}, "the path"),
        ({"path": ".."}, "the path"),
        (
            {"pull_steps": [{"prefect.deployments.steps.run_shell_script": {"script": "id"}}]},
            "step",
        ),
        ({"pull_steps": [OURS["pull_steps"][0] | {"prefect.deployments.steps.pip": {}}]}, "step"),
        (
            {
                "pull_steps": [
                    {"prefect.deployments.steps.set_working_directory": {"directory": "/tmp"}}
                ]
            },
            "step",
        ),
        ({"pull_steps": [{}]}, "step"),
    ],
)
def test_a_deployment_must_be_ours_and_unchanged(changed: dict[str, Any], says):
    def check() -> None:
        check_deployment("intake", entrypoints=entrypoints(), **(OURS | changed))

    if says is None:
        check()
        return
    with pytest.raises(NotPermitted, match=says):
        check()


def test_a_flow_must_be_one_of_ours():
    with pytest.raises(NotPermitted, match="no flow of this name; it has intake, deadlines"):
        check_deployment("evil", entrypoints=entrypoints(), **OURS)


@pytest.mark.parametrize(
    ("site", "good"),
    [
        (SITE, True),
        (f"{SITE}/", True),
        (f"{SITE}/../site", False),
        ("/tmp/evil", False),
        ("", False),
        (None, False),
        ([SITE], False),
        ({"$ref": SITE}, False),
    ],
)
def test_the_site_must_be_one_of_those_that_the_worker_serves(site, good):
    if good:
        check_site(site, served_sites())
        return
    with pytest.raises(NotPermitted, match=f"none of the sites of this service: {SITE}"):
        check_site(site, served_sites())


def test_a_site_of_the_checkout_may_be_named_as_prefect_yaml_names_it():
    check_site("examples/kabupaten-contoh", [str(REPOSITORY / "examples" / "kabupaten-contoh")])


def test_a_command_by_hand_is_not_limited(monkeypatch):
    monkeypatch.delenv(SITES)
    check_site("/any/where", served_sites())


@pytest.mark.parametrize("name", ["now", "as_of"])
def test_no_run_pretends_a_later_time_except_at_a_rehearsal(name, monkeypatch):
    for earlier in (NOW - timedelta(days=400), NOW, NOW + timedelta(seconds=59)):
        check_times({name: earlier, "site": SITE}, NOW)
    later = {name: NOW + timedelta(hours=1)}
    with pytest.raises(NotPermitted, match=f"`{name}` is later than the present time") as said:
        check_times(later, NOW)
    assert "set TENGGAT_REHEARSAL=1" in str(said.value)
    with pytest.raises(NotPermitted, match=f"`{name}` needs a zone"):
        check_times({name: NOW.replace(tzinfo=None)}, NOW)
    monkeypatch.setenv(REHEARSAL, "1")
    check_times(later, NOW)


@pytest.mark.parametrize(
    ("flow", "parameters", "says"),
    [
        ("evil", {"site": SITE}, "no flow of this name"),
        ("", {"site": SITE}, "no flow of this name"),
        ("intake", None, "none of the sites"),
        ("intake", {"site": "/etc"}, "none of the sites"),
        ("intake", {"site": SITE, "now": "2099-01-01T00:00:00Z"}, "later than the present"),
        ("intake", {"site": SITE, "now": "yesterday"}, "now"),
        ("intake", {"site": SITE, "command": "id"}, "command"),
        ("summary", {"site": SITE, "period": "$(id)"}, "period"),
        ("summary", {"site": SITE, "period": "2026-11", "as_of": "2099-01-01T00:00Z"}, "later"),
        ("deadlines", {"site": SITE, "part": "1/99999"}, "part"),
        ("storm", {"site": SITE, "storm": -1}, "storm"),
    ],
)
def test_a_run_with_other_parameters_is_refused(flow, parameters, says):
    with pytest.raises(NotPermitted, match=says) as refused:
        permitted_call(flow, parameters, NOW)
    assert "$(id)" not in str(refused.value)


def test_a_permitted_run_gets_our_flow_and_its_parameters():
    given = {"site": SITE, "now": "2026-11-24T08:00:00+00:00"}
    flow, parameters = permitted_call("intake", given, NOW)
    assert (flow.name, parameters) == ("intake", given)
    assert flow is flow_of("flows/intake.py:intake")


def test_a_process_without_the_list_of_the_service_executes_nothing(monkeypatch):
    monkeypatch.delenv(SITES)
    with pytest.raises(NotPermitted, match="not started by a worker of Tenggat"):
        permitted_call("intake", {"site": SITE}, NOW)


def test_a_flow_opens_no_site_that_the_service_does_not_serve(site_folder):
    """Even if the run were started in another way."""
    with pytest.raises(NotPermitted), flow_run_context("intake", str(site_folder), None):
        raise AssertionError("the site was opened")
