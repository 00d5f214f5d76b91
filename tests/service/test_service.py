"""`tenggat up`: one command starts the whole service. test_kills.py and test_outages.py end it."""

import json
import os
import re

import httpx
import psutil
from support.services import FLOWS
from support.small_site import FAR_HOUR, FAR_SCHEDULES

from service.environment import MARK, free_port
from service.lock import sweep


def test_it_says_where_to_look(troubled):
    said = troubled.up.said_by_now()
    assert f"Prefect UI: {troubled.up.url}\n" in said
    assert str(troubled.up.var) in said


def test_it_says_which_flow_of_the_first_cycle_did_not_finish_well(troubled):
    said = troubled.up.first_said
    assert re.findall(r"  (\w+) did not finish well", said) == ["intake", "delivery"]


def test_the_ui_and_the_api_answer_on_loopback_only(troubled):
    up = troubled.up
    page = httpx.get(up.url, follow_redirects=True)
    assert page.headers["content-type"].startswith("text/html")
    assert httpx.get(f"{up.url}/api/health").json() is True
    family = [up.process, *up.process.children(recursive=True)]
    listening = [c for p in family for c in p.net_connections("inet") if c.status == "LISTEN"]
    assert {c.laddr.ip for c in listening} == {"127.0.0.1"}
    assert up.port in {c.laddr.port for c in listening}


def test_every_flow_is_deployed_on_the_schedule_and_in_the_zone_of_the_site(troubled):
    deployed = {d["name"]: d for d in troubled.up.prefect("deployments")}
    assert set(deployed) == FLOWS
    storm = deployed.pop("storm")
    assert storm["schedules"] == []  # a run of deadlines that owes too much starts it
    crons = FAR_SCHEDULES | {"summary": f"0 {FAR_HOUR} 1 * *"}
    for name, cron in crons.items():
        deployment = deployed[name]
        (schedule,) = (entry["schedule"] for entry in deployment["schedules"])
        assert schedule["cron"] == cron
        if name == "summary":
            assert deployment["schedules"][0]["parameters"] == {"period": "last-month"}
        assert schedule["timezone"] == "Asia/Makassar"
        assert deployment["parameters"] == {"site": str(troubled.up.site)}
        assert deployment["global_concurrency_limit"]["limit"] == 1


def test_runs_are_planned_at_the_local_hour(troubled):
    """Makassar is 8 hours ahead of UTC."""
    up = troubled.up
    hour = f"{(FAR_HOUR - 8) % 24:02}"
    ours = {d["id"] for d in up.prefect("deployments") if d["name"] in ("intake", "delivery")}

    def planned() -> set[str]:
        scheduled = {"type": {"any_": ["SCHEDULED"]}}
        runs = up.prefect(
            "flow_runs", flow_runs={"state": scheduled}, deployments={"id": {"any_": list(ours)}}
        )
        return {run["expected_start_time"][11:16] for run in runs}

    up.until(lambda: planned() == {f"{hour}:07", f"{hour}:09"}, seconds=30)


def test_the_first_cycle_has_run_by_the_worker(troubled):
    begun = troubled.up.first_runs
    cycle = [run for run in begun if not run["name"].startswith("storm")]  # deadlines asked for it
    names = [run["name"] for run in cycle]
    assert [name.split()[0] for name in names] == ["intake", "deadlines", "delivery"]
    assert all(re.fullmatch(r"[a-z]+ \d{4}-\d\d-\d\d \d\d:\d\d", name) for name in names)
    assert all(run["deployment_id"] for run in cycle)


def test_a_second_service_for_the_same_files_is_refused(troubled, refused):
    up = troubled.up
    assert "already runs" in refused(up.site, up.var, "--port", free_port())
    assert json.loads((up.var / "service.json").read_text("utf-8"))["pid"] == up.process.pid


def test_a_port_that_is_taken_is_refused(troubled, refused, tmp_path):
    up = troubled.up
    says = refused(up.site, tmp_path / "var", "--port", up.port)
    assert says == f"error: port {up.port} is taken; choose another with --port\n"


def test_what_outlived_a_killed_service_is_ended_and_nothing_else(tmp_path):
    def waiting(var: object) -> psutil.Popen:
        marked = {**os.environ, MARK: str(var)}
        return psutil.Popen(["sleep", "60"], env=marked, start_new_session=True)

    ours, others = waiting(tmp_path / "ours"), waiting(tmp_path / "others")
    try:
        sweep(str(tmp_path / "ours"))
        assert not ours.is_running()
        assert others.poll() is None
    finally:
        others.kill()
        others.wait(5)
