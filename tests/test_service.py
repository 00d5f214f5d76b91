"""`tenggat up`: the whole service starts with one command and stops with one signal."""

import json
import os
import re
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
import yaml
from conftest import REPOSITORY
from prefect_databases import prefect_as_new
from small_site import FAR_HOUR, FAR_SCHEDULES, runs_when_asked, small_site
from waiting import until

import service
from service.api import ask
from service.places import free_port

FLOWS = {
    told["name"]
    for told in yaml.safe_load((REPOSITORY / "prefect.yaml").read_text())["deployments"]
}
STOPS_WITHIN = 20.0


class Up:
    """A running `tenggat up`."""

    def __init__(
        self, folder: Path, *, most_mails: int = 200, options: Sequence[str] = (), **variables: str
    ) -> None:
        self.site, self.var = runs_when_asked(small_site(folder / "site")), folder / "var"
        file = self.site / "site.toml"
        text = file.read_text("utf-8").replace("most = 200\n", f"most = {most_mails}\n")
        file.write_text(text, encoding="utf-8")
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.said = folder / "said"
        self.environment = environment(self.var) | variables
        self.sites = [self.site]
        prefect_as_new(self.var)
        self.start(*options)

    @classmethod
    def of(cls, sites: list[Path], folder: Path, **variables: str) -> "Up":
        """A service for several sites as they are."""
        up = cls.__new__(cls)
        up.sites, up.site, up.var = sites, sites[0], folder / "service"
        up.port = free_port()
        up.url, up.said = f"http://127.0.0.1:{up.port}", folder / "said"
        up.environment = environment(up.var) | variables
        del up.environment["TENGGAT_VAR"]  # each has its own
        prefect_as_new(up.var)
        up.start("--var", str(up.var))
        return up

    def start(self, *options: str) -> None:
        with self.said.open("wb") as output:
            self.process = psutil.Popen(
                command(*self.sites, port=self.port, options=options), cwd=REPOSITORY,
                env=self.environment, stdout=output, stderr=subprocess.STDOUT,
                start_new_session=True,
            )  # fmt: skip

    def said_by_now(self) -> str:
        return self.said.read_text("utf-8")

    def answers(self) -> bool:
        try:
            return httpx.get(f"{self.url}/api/ready", timeout=5).status_code == 200
        except httpx.HTTPError:
            return False

    def ask_for(self, flow: str, **parameters: Any) -> str:
        """Have a deployment run by the worker; the run's id."""
        known = ask(f"{self.url}/api/deployments/name/{flow}/{flow}")["id"]
        body = {"parameters": parameters, "idempotency_key": uuid.uuid4().hex}
        return ask(f"{self.url}/api/deployments/{known}/create_flow_run", body)["id"]

    def state(self, run: str) -> str:
        return ask(f"{self.url}/api/flow_runs/{run}")["state_type"]

    def prefect(self, what: str, **filters: Any) -> list[dict[str, Any]]:
        return ask(f"{self.url}/api/{what}/filter", filters)

    def tenggat(self, *arguments: str) -> str:
        """What a command says on this site."""
        done = subprocess.run(
            [sys.executable, "-m", "cli", *arguments, "--site", str(self.site)], cwd=REPOSITORY,
            env=self.environment, capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout

    def in_a_flow(self) -> bool:
        answers = (self.var / "service.json").is_file()
        return answers and any(r["state_type"] == "RUNNING" for r in self.prefect("flow_runs"))

    def waits_for_its_schedule(self) -> bool:
        return "running on schedule" in self.said.read_text("utf-8")

    def until(self, ready: Callable[[], bool], seconds: float = 300.0) -> None:
        def ready_or_ended() -> bool:
            assert self.process.poll() is None, self.said_by_now()
            return ready()

        until(ready_or_ended, seconds, why=self.said_by_now)

    def stop(self, number: signal.Signals) -> int:
        """Send this signal; the exit code. Nothing that it started is left."""
        family = self.process.children(recursive=True)
        began = time.monotonic()
        self.process.send_signal(number)
        code = self.process.wait(2 * STOPS_WITHIN)
        assert time.monotonic() - began < STOPS_WITHIN
        _, alive = psutil.wait_procs(family, timeout=2)
        assert [process.cmdline() for process in [*alive, *self.left()]] == []
        return code

    def left(self) -> list[psutil.Process]:
        """Processes that still work in this folder, whoever their parent is."""
        return [
            process
            for process in psutil.process_iter(["environ"])
            if str(self.var) in self.marks(process.info["environ"] or {})
        ]

    @staticmethod
    def marks(environ: dict[str, str]) -> set[str | None]:
        return {environ.get("TENGGAT_VAR"), environ.get(service.MARK)}

    def kill(self) -> None:
        for process in [self.process, *self.left()]:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(self.left(), timeout=5)


def command(*sites: Path, port: int, options: Sequence[str] = ()) -> list[str]:
    named = [word for site in sites for word in ("--site", str(site))]
    return [sys.executable, "-m", "cli", "up", *named, "--port", str(port), *options]


def environment(var: Path) -> dict[str, str]:
    return {**os.environ, "TENGGAT_VAR": str(var), "PYTHONPATH": str(REPOSITORY)}


def refused(site: Path, var: Path, port: int) -> str:
    """What a service says that cannot start."""
    done = subprocess.run(
        command(site, port=port), env=environment(var), cwd=REPOSITORY,
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    return done.stderr


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    """A service that has lived through its first cycle and waits for its schedule."""
    running = Up(tmp_path_factory.mktemp("up"))
    try:
        running.until(running.waits_for_its_schedule)
        yield running
    finally:
        running.kill()


def test_it_says_where_to_look(up):
    said = up.said.read_text("utf-8")
    assert f"Prefect UI: {up.url}" in said
    assert str(up.var) in said
    assert "did not finish well" not in said


def test_the_ui_and_the_api_answer_on_loopback_only(up):
    page = httpx.get(up.url, follow_redirects=True)
    assert page.headers["content-type"].startswith("text/html")
    assert httpx.get(f"{up.url}/api/health").json() is True
    family = [up.process, *up.process.children(recursive=True)]
    listening = [c for p in family for c in p.net_connections("inet") if c.status == "LISTEN"]
    assert {c.laddr.ip for c in listening} == {"127.0.0.1"}
    assert up.port in {c.laddr.port for c in listening}


def test_every_flow_is_deployed_on_the_schedule_and_in_the_zone_of_the_site(up):
    deployed = {d["name"]: d for d in up.prefect("deployments")}
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
        assert deployment["parameters"] == {"site": str(up.site)}
        assert deployment["global_concurrency_limit"]["limit"] == 1


def test_runs_are_planned_at_the_local_hour(up):
    """Makassar is 8 hours ahead of UTC."""
    hour = f"{(FAR_HOUR - 8) % 24:02}"

    def planned() -> set[str]:
        ours = {d["id"] for d in up.prefect("deployments") if d["name"] in ("intake", "delivery")}
        scheduled = {"type": {"any_": ["SCHEDULED"]}}
        runs = up.prefect(
            "flow_runs", flow_runs={"state": scheduled}, deployments={"id": {"any_": list(ours)}}
        )
        return {run["expected_start_time"][11:16] for run in runs}

    up.until(lambda: planned() == {f"{hour}:07", f"{hour}:09"}, seconds=30)


def test_the_first_cycle_has_run_by_the_worker(up):
    done = [run for run in up.prefect("flow_runs") if run["state_type"] == "COMPLETED"]
    names = sorted(run["name"] for run in done)
    assert [name.split()[0] for name in names] == ["deadlines", "delivery", "intake"]
    assert all(re.fullmatch(r"[a-z]+ \d{4}-\d\d-\d\d \d\d:\d\d", name) for name in names)
    assert all(run["deployment_id"] for run in done)
    assert list((up.var / "mailbox").glob("*.eml"))


def test_a_single_command_shows_its_runs_in_the_running_service(up):
    done = subprocess.run(
        [sys.executable, "-m", "cli", "run", "--site", str(up.site), "--json"], cwd=REPOSITORY,
        env=environment(up.var), capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    by_hand = [run for run in up.prefect("flow_runs") if run["deployment_id"] is None]
    assert sorted(run["name"].split()[0] for run in by_hand) == ["deadlines", "delivery", "intake"]


def test_a_second_service_for_the_same_files_is_refused(up):
    assert "already runs" in refused(up.site, up.var, free_port())
    assert json.loads((up.var / "service.json").read_text("utf-8"))["pid"] == up.process.pid


def test_a_port_that_is_taken_is_refused(up, tmp_path):
    says = refused(up.site, tmp_path / "var", up.port)
    assert says == f"error: port {up.port} is taken; choose another with --port\n"


def test_sigterm_stops_all_of_it(up):
    """The last test of the shared service."""
    assert up.stop(signal.SIGTERM) == 0
    assert up.said.read_text("utf-8").splitlines()[-1] == "stopped"
    assert not (up.var / "service.json").exists()


def test_what_outlived_a_killed_service_is_ended_and_nothing_else(tmp_path):
    def waiting(var: Path) -> psutil.Popen:
        marked = {**os.environ, service.MARK: str(var)}
        return psutil.Popen(["sleep", "60"], env=marked, start_new_session=True)

    ours, others = waiting(tmp_path / "ours"), waiting(tmp_path / "others")
    try:
        service.sweep(str(tmp_path / "ours"))
        assert not ours.is_running()
        assert others.poll() is None
    finally:
        others.kill()
        others.wait(5)


def test_ctrl_c_in_the_middle_of_a_flow_stops_all_of_it(tmp_path):
    up = Up(tmp_path)
    try:
        up.until(up.in_a_flow)
        assert up.stop(signal.SIGINT) == 0
        assert not (up.var / "service.json").exists()
    finally:
        up.kill()
