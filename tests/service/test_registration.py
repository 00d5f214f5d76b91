"""Registering with a real Prefect server: it changes what differs; forms say what they ask."""

import os
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from copy import copy
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import yaml
from conftest import REPOSITORY
from support.prefect_shared import Shared, bare
from support.small_site import small_site
from support.wait import until

from service.automations import PREFIX
from service.environment import POOL, prefect_environment
from service.errors import Rejected
from service.prefect_api import ask, every
from service.registration import register, sites_value
from service.runs import stale
from settings.site import load_site

SECONDS = 90.0


@dataclass
class Registered:
    """A Prefect server on which a small site is registered."""

    api: str
    folder: Path
    first: list[str]
    database: Path

    def again(self, *folders: Path) -> list[str]:
        return list(register(self.api, [load_site(f) for f in folders or (self.folder,)]))

    def deployment(self, name: str) -> dict[str, Any]:
        return self.ask(f"deployments/name/{name}")

    def ask(self, where: str, body: Any = None, **more: Any) -> Any:
        return ask(f"{self.api}/{where}", body, **more)

    def every(self, what: str, **filters: Any) -> list[dict[str, Any]]:
        return every(self.api, what, **filters)

    def change(self, old: str, new: str) -> None:
        file = self.folder / "site.toml"
        text = file.read_text("utf-8")
        assert old in text
        file.write_text(text.replace(old, new), encoding="utf-8")


@pytest.fixture(scope="module")
def registered(shared: Shared, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registered]:
    site = small_site(tmp_path_factory.mktemp("registered") / "site")
    with bare(shared.api):
        first = list(register(shared.api, [load_site(site)]))
        yield Registered(shared.api, site, first, shared.database)


@pytest.mark.thorough
def test_the_first_time_everything_is_made(registered):
    assert f"work pool {POOL}: made" in registered.first
    assert "deployment intake/intake: made" in registered.first
    assert "variable tenggat_sites: made" in registered.first
    assert any(line.startswith(f"automation '{PREFIX}") for line in registered.first)
    assert [line for line in registered.first if "left out" in line] == []


def test_the_second_time_nothing_is_touched(registered):
    before = registered.deployment("intake/intake")["updated"]
    assert registered.again() == []
    assert registered.deployment("intake/intake")["updated"] == before


@pytest.mark.parametrize(("count", "kind"), [(2, "whole"), (50, "names"), (550, "number")])
def test_the_variable_of_many_sites_has_as_much_of_them_as_prefect_stores(registered, count, kind):
    site = load_site(registered.folder)
    sites = []
    for number in range(count):
        sites.append(copy(site))
        sites[-1].folder = site.folder.with_name(f"kab-{number:03}")
    value = sites_value(sites)
    body = {"name": f"sites_{count}", "value": value}
    assert registered.ask("variables/", body)["value"] == value
    if kind == "number":
        assert value == {"sites": count}
        return
    assert list(value) == [site.folder.name for site in sites]
    whole = {"name": site.name, "zone": site.file.zone, "folder": str(sites[0].folder)}
    assert value["kab-000"] == (whole if kind == "whole" else site.name)


@pytest.mark.thorough
def test_only_what_differs_is_changed_and_what_was_paused_stays_so(registered):
    delivery = registered.deployment("delivery/delivery")
    for name in ("intake", "delivery"):
        known = registered.deployment(f"{name}/{name}")
        (schedule,) = known["schedules"]
        place = f"deployments/{known['id']}/schedules/{schedule['id']}"
        registered.ask(place, {"active": False}, method="PATCH")
    registered.ask(f"deployments/{delivery['id']}/pause_deployment", {})
    registered.change('delivery = "*/5 * * * *"', 'delivery = "*/7 * * * *"')
    assert registered.again() == ["deployment delivery/delivery: changed: schedules"]
    changed = registered.deployment("delivery/delivery")
    assert [s["schedule"]["cron"] for s in changed["schedules"]] == ["*/7 * * * *"]
    assert changed["id"] == delivery["id"]
    assert changed["paused"]
    assert not registered.deployment("intake/intake")["schedules"][0]["active"]
    assert registered.again() == []


def test_deadlines_are_judged_hourly_and_before_the_offices_open(registered):
    told = registered.deployment("deadlines/deadlines")["schedules"]
    assert {(s["schedule"]["cron"], s["schedule"]["timezone"]) for s in told} == {
        ("5 * * * *", "Asia/Makassar"),
        ("30 7 * * 1-5", "Asia/Makassar"),
    }


def test_a_deployment_and_an_automation_that_are_wanted_no_longer_go_and_others_stay(registered):
    flow = registered.ask("flows/", {"name": "intake"})["id"]
    old = {"name": "old", "flow_id": flow, "tags": ["tenggat"], "work_pool_name": "tenggat"}
    own = {"name": "own", "flow_id": flow, "tags": ["mine"], "work_pool_name": "tenggat"}
    for body in (old, own):
        registered.ask("deployments/", body)
    automation = next(a for a in registered.every("automations") if a["name"].startswith(PREFIX))
    for name in (f"{PREFIX}old", "somebody else's"):
        body = {key: automation[key] for key in ("trigger", "actions")} | {"name": name}
        registered.ask("automations/", body)
    assert registered.again() == [
        "deployment intake/old: removed",
        f"automation '{PREFIX}old': removed",
    ]
    assert "own" in {d["name"] for d in registered.every("deployments")}
    assert "somebody else's" in {a["name"] for a in registered.every("automations")}


@pytest.mark.parametrize(
    ("flow", "parameters", "what"),
    [
        ("summary", {"period": "last-moth"}, "'period'"),
        ("summary", {"as_of": 3}, "'as_of'"),
        ("deadlines", {"now": ["today"]}, "'now'"),
        ("deadlines", {"sight": "config"}, "'sight'"),
        ("storm", {"storm": 0}, "'storm'"),
    ],
)
def test_a_parameter_that_makes_no_sense_is_refused_by_its_name(registered, flow, parameters, what):
    known = registered.deployment(f"{flow}/{flow}")["id"]
    with pytest.raises(Rejected, match=what) as refused:
        registered.ask(f"deployments/{known}/create_flow_run", {"parameters": parameters})
    assert refused.value.code == 409


@pytest.mark.parametrize("flow", ["intake", "deadlines", "delivery", "summary", "storm"])
def test_each_field_of_a_form_has_a_title_and_says_what_it_asks_for(registered, flow):
    fields = registered.deployment(f"{flow}/{flow}")["parameter_openapi_schema"]["properties"]
    assert fields
    for name, field in fields.items():
        assert field["title"] != name
        assert len(field["description"]) > 20
    assert "Situs" in {field["title"] for field in fields.values()}  # the language of the site


# --- missed runs ----------------------------------------------------------------------------------


def planned(registered: Registered) -> list[dict[str, Any]]:
    scheduled = {"state": {"name": {"any_": ["Scheduled", "Late"]}}}
    return registered.every("flow_runs", flow_runs=scheduled)


def until_planned(registered: Registered, *deployments: str) -> None:
    """The server plans runs by itself, as soon as it looks."""

    def has_planned(deployment: str) -> bool:
        of_it = {"deployments": {"id": {"any_": [deployment]}}}
        return registered.ask("flow_runs/count", of_it) > 0

    for deployment in deployments:
        until(lambda known=deployment: has_planned(known), SECONDS)


def missed(registered: Registered, days: int) -> None:
    """As if nobody had been there for so long: what was planned lies in the past."""
    with closing(sqlite3.connect(registered.database, timeout=30)) as connection, connection:
        for column in ("expected_start_time", "next_scheduled_start_time"):
            connection.execute(
                f"UPDATE flow_run SET {column} = datetime({column}, ?)"
                " WHERE state_type = 'SCHEDULED' AND auto_scheduled",
                [f"-{days} days"],
            )


@pytest.mark.thorough
def test_of_missed_runs_one_does_the_work_of_all(registered):
    ids = {
        name: registered.deployment(f"{name}/{name}")["id"]
        for name in ("deadlines", "summary", "watchdog")
    }
    until_planned(registered, *ids.values())
    asked = registered.ask(f"deployments/{ids['deadlines']}/create_flow_run", {})
    before = Counter(run["deployment_id"] for run in planned(registered))
    missed(registered, 400)
    said = list(stale.skip_missed(registered.api, datetime.now(UTC), [ids["watchdog"]]))
    left = [run for run in planned(registered) if run["expected_start_time"] < a_month_ago()]
    per = Counter(run["deployment_id"] for run in left)
    assert per[ids["deadlines"]] == 1
    assert per[ids["watchdog"]] == 0
    periods = [r["parameters"]["period"] for r in left if r["deployment_id"] == ids["summary"]]
    assert len(periods) == len(set(periods)) > 1  # each period is work of its own
    skipped = registered.every("flow_runs", flow_runs={"state": {"name": {"any_": ["Skipped"]}}})
    assert all("does the work" in run["state"]["message"] for run in skipped)
    assert any("of deadlines/deadlines skipped: one catches up for all" in line for line in said)
    assert before[ids["deadlines"]] > 2
    by_hand = registered.ask(f"flow_runs/{asked['id']}")
    assert by_hand["state_type"] == "SCHEDULED"
    assert list(stale.skip_missed(registered.api, datetime.now(UTC), [ids["watchdog"]])) == []


def a_month_ago() -> str:
    return (datetime.now(UTC) - timedelta(days=30)).isoformat()


# --- runs that crashed ----------------------------------------------------------------------------


def test_a_summary_that_crashed_is_begun_again_and_a_delivery_is_not(registered):
    """The next delivery does the work of one that crashed; the next summary is of a new week."""
    crashed = {}
    for name in ("summary", "delivery"):
        known = registered.deployment(f"{name}/{name}")["id"]
        run = registered.ask(f"deployments/{known}/create_flow_run", {})["id"]
        for state in ("PENDING", "RUNNING", "CRASHED"):
            put = {"state": {"type": state}, "force": True}
            registered.ask(f"flow_runs/{run}/set_state", put)
        crashed[name] = run
    assert len(list(stale.run_again(registered.api, datetime.now(UTC)))) == 1
    states = {
        name: registered.ask(f"flow_runs/{run}")["state_name"] for name, run in crashed.items()
    }
    assert states == {"summary": "AwaitingRetry", "delivery": "Crashed"}
    later = datetime.now(UTC) + timedelta(days=2)
    assert list(stale.run_again(registered.api, later)) == []


def test_a_run_of_another_machine_without_any_event_is_given_up(registered, tmp_path):
    """It died before its first heartbeat, so the automation of heartbeats never begins."""
    begin = datetime.now(UTC)
    registered.ask(f"work_pools/{POOL}/workers/heartbeat", {"name": "worker on another machine"})
    lost, living = (running(registered) for _ in range(2))
    later = begin + stale.SILENT + timedelta(minutes=2)
    heartbeat(registered, living, later - timedelta(seconds=30))
    until(lambda: "prefect.flow-run.heartbeat" in events_of(registered, living), SECONDS)

    def given_up(now: datetime, heard_since: datetime | None) -> list[str]:
        return list(stale.mark_crashed(registered.api, tmp_path, now, heard_since))

    assert given_up(begin + stale.SILENT / 2, begin) == []
    assert given_up(later, None) == []  # a service that has just started
    assert given_up(later, later - timedelta(minutes=1)) == []  # its server was away
    (said,) = given_up(later, begin)
    assert "its machine has reported nothing of it" in said
    states = {run: registered.ask(f"flow_runs/{run}")["state_type"] for run in (lost, living)}
    assert states == {lost: "CRASHED", living: "RUNNING"}
    registered.ask(f"flow_runs/{living}", method="DELETE")


def running(registered: Registered) -> str:
    """Return a new run that a worker has started."""
    known = registered.deployment("delivery/delivery")["id"]
    run = registered.ask(f"deployments/{known}/create_flow_run", {})["id"]
    for state in ("PENDING", "RUNNING"):
        put = {"state": {"type": state}, "force": True}
        registered.ask(f"flow_runs/{run}/set_state", put)
    return str(run)


def events_of(registered: Registered, run: str) -> list[str]:
    later = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    wanted = {
        "resource": {"id": [f"prefect.flow-run.{run}"]},
        "occurred": {"until": later},
    }
    found = registered.ask("events/filter", {"filter": wanted})["events"]
    return [event["event"] for event in found]


def heartbeat(registered: Registered, run: str, at: datetime) -> None:
    event = {
        "id": str(uuid4()),
        "occurred": at.isoformat(),
        "event": "prefect.flow-run.heartbeat",
        "resource": {"prefect.resource.id": f"prefect.flow-run.{run}"},
    }
    registered.ask("events", [event])


@pytest.mark.thorough
def test_prefect_s_own_deploy_takes_the_file_as_it_stands(registered, tmp_path):
    """These deployments replace those of the site, which is registered again at the end."""
    told = yaml.safe_load((REPOSITORY / "prefect.yaml").read_text("utf-8"))["deployments"]
    done = subprocess.run(
        [sys.executable, "-m", "prefect", "deploy", "--all"],
        cwd=REPOSITORY,
        env={**os.environ, **prefect_environment(tmp_path / "var", registered.api)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    for deployment in told:
        current = registered.deployment(f"{deployment['name']}/{deployment['name']}")
        crons = {s["cron"] for s in deployment.get("schedules", [])}
        assert {s["schedule"]["cron"] for s in current["schedules"]} == crons
        assert current["parameters"] == {"site": "examples/kabupaten-contoh"}
    assert registered.again() != []
