"""What somebody with the login of the Prefect UI can do to the machine: start our flows, no more.

docs/threat-model.md lists all endpoints that change something; this tries them on a real service.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from conftest import REPOSITORY
from support.servers.caddy import proxied
from support.services import WATCH_LOGIN, Troubled, Up

from service.environment import POOL
from service.errors import Rejected, Unready
from service.prefect_api import ask

CLOSED = ("/block_documents", "/block_schemas", "/block_types", "/admin", "/collections")
READS = re.compile(r"^POST .*/(filter|paginate|count|history|lateness|count-by/.*)$|^POST /ui/")
READING = re.compile(r"/(filter|count)$")


class Attacker:
    """A person with the login, a folder of their own on the machine, and no other right there."""

    def __init__(self, up: Up, folder: Path, *, login: str = "", url: str = "") -> None:
        self.up, self.folder, self.url = up, folder, url or up.url
        self.login = login or up.login()
        self.mark = folder / "was-here"
        self.command = f"touch {self.mark}"
        evil = folder / "evil.py"
        evil.write_text(f"import pathlib; pathlib.Path({str(self.mark)!r}).touch()\n", "utf-8")

    def ask(
        self,
        where: str,
        body: Any = None,
        method: str | None = None,
        *,
        patience: float | None = None,
    ) -> Any:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("PREFECT_API_AUTH_STRING", self.login)
            return ask(f"{self.url}/api/{where}", body, method=method, patience=patience)

    def status(self, method: str, where: str, body: Any = None) -> int:
        """The status of an answer; 200 for all that is accepted, 500 if the server fails."""
        try:
            self.ask(where, body, method, patience=0)
        except Rejected as error:
            return error.code
        except Unready:
            return 500
        return 200

    def deployment(self, flow: str, **more: Any) -> str:
        """Make a deployment; the id."""
        known = self.ask("flows/", {"name": flow})["id"]
        site = {"site": str(self.up.site)}
        body = {"flow_id": known, "name": uuid.uuid4().hex, "work_pool_name": POOL}
        return str(self.ask("deployments/", body | {"parameters": site} | more)["id"])

    def ends(self, deployment: str, **more: Any) -> tuple[str, str]:
        """Run a deployment: the state at the end, and its message."""
        run = self.ask(f"deployments/{deployment}/create_flow_run", more)["id"]
        self.up.ends(run)
        state = self.ask(f"flow_runs/{run}")["state"]
        return state["type"], state["message"] or ""

    def ours(self, flow: str) -> str:
        return str(self.ask(f"deployments/name/{flow}/{flow}")["id"])


@pytest.fixture
def attacker(troubled: Troubled, tmp_path: Path) -> Iterator[Attacker]:
    found = Attacker(troubled.up, tmp_path)
    before = {each["id"] for each in found.ask("deployments/filter", {})}
    yield found
    for each in found.ask("deployments/filter", {}):
        if each["id"] not in before:
            found.ask(f"deployments/{each['id']}", method="DELETE")
    assert not found.mark.exists()


@pytest.mark.thorough
def test_job_variables_and_a_job_template_of_an_attacker_change_nothing(attacker):
    """Neither in the pool, nor in our deployment, nor in a run; our flow runs as ever."""
    variables = {
        "command": attacker.command,
        "working_dir": str(attacker.folder),
        "env": {"PYTHONPATH": str(attacker.folder), "BASH_ENV": str(attacker.folder)},
    }
    pool = attacker.ask(f"work_pools/{POOL}")["base_job_template"]
    ours = attacker.ours("watchdog")
    template = {"job_configuration": variables, "variables": {"type": "object", "properties": {}}}
    attacker.ask(f"work_pools/{POOL}", {"base_job_template": template}, "PATCH")
    try:
        attacker.ask(f"deployments/{ours}", {"job_variables": variables}, "PATCH")
        state, _ = attacker.ends(ours, job_variables=variables)
        assert state == "COMPLETED"
    finally:
        attacker.ask(f"deployments/{ours}", {"job_variables": {}}, "PATCH")
        attacker.ask(f"work_pools/{POOL}", {"base_job_template": pool}, "PATCH")


@pytest.mark.thorough
def test_other_programs_and_other_sites_are_refused_before_a_process_starts(attacker):
    shell = {"prefect.deployments.steps.run_shell_script": {"script": attacker.command}}
    evil = f"{attacker.folder / 'evil.py'}:intake"
    intake = {"entrypoint": "flows/intake.py:intake"}
    for deployment, says in (
        (attacker.deployment("intake", entrypoint=evil), "the entrypoint"),
        (attacker.deployment("intake", **intake, path=str(attacker.folder)), "the path"),
        (attacker.deployment("intake", **intake, pull_steps=[shell]), "steps"),
        (attacker.deployment("evil", entrypoint=evil), "no flow of this name"),
        (attacker.deployment("intake", **intake, parameters={}), "none of the sites"),
    ):
        state, message = attacker.ends(deployment)
        assert (state, says in message) == ("FAILED", True), message
    elsewhere = {"site": str(attacker.folder)}
    state, message = attacker.ends(attacker.ours("intake"), parameters=elsewhere)
    assert (state, "none of the sites" in message) == ("FAILED", True), message
    flow = attacker.ask("flows/", {"name": "intake"})["id"]
    alone = {"flow_id": flow, "work_pool_name": POOL, "state": {"type": "SCHEDULED"}}
    run = attacker.ask("flow_runs/", alone | {"parameters": {"site": str(attacker.up.site)}})["id"]
    assert attacker.up.ends(run) == "FAILED"


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("webhook", {"method": "POST", "url": "http://127.0.0.1:9/"}),
        ("local-file-system", {"basepath": "/"}),
        ("shell-operation", {"commands": ["id"]}),
    ],
)
def test_a_block_of_an_attacker_is_not_stored_and_an_action_without_one_does_nothing(
    attacker, kind, values
):
    block = {"name": f"evil-{kind}", "data": values, "block_type_id": str(uuid.uuid4())}
    block["block_schema_id"] = str(uuid.uuid4())
    assert attacker.status("POST", "block_documents/", block) == 403
    assert attacker.status("POST", "block_types/", {"name": kind, "slug": kind}) == 403
    storage = {"default_result_storage_block_id": str(uuid.uuid4())}
    assert attacker.status("PUT", "admin/storage", storage) == 403
    assert attacker.ask("block_documents/filter", {}) == []


def test_the_settings_that_the_server_shows_have_no_secret(attacker):
    watcher = Attacker(attacker.up, attacker.folder, login=WATCH_LOGIN)
    for each in (attacker, watcher):
        shown = str(each.ask("admin/settings"))
        assert "auth_string" in shown
        for login in (attacker.login, WATCH_LOGIN):
            assert login.partition(":")[2] not in shown


def endpoints(attacker: Attacker) -> list[tuple[str, str]]:
    """Every endpoint, as Prefect describes itself to those who have the login."""
    described = attacker.ask("openapi.json")["paths"]
    return [(method.upper(), path) for path, of_path in described.items() for method in of_path]


def filled(path: str) -> str:
    """The path with a number or word for each parameter."""
    return re.sub(r"\{[^}]*\}", lambda _: str(uuid.uuid4()), path)


def test_every_endpoint_that_writes_is_listed_in_the_threat_model_and_closed_as_it_says(attacker):
    text = (REPOSITORY / "docs" / "threat-model.md").read_text("utf-8")
    rows = re.findall(r"^\| (`/.*?`) \| (.*?) \|", text, re.MULTILINE)
    listed = {name: said for names, said in rows for name in re.findall(r"`(/[\w-]+)`", names)}
    found = [(method, path) for method, path in endpoints(attacker) if method != "GET"]
    first = {"/" + path.split("/")[1] for _, path in found}
    assert first <= set(listed), "new in Prefect: try it, and say what it can do"
    for name, said in listed.items():
        assert said.startswith("closed") == (name in CLOSED), name
    for method, path in found:
        closed = path.startswith(CLOSED) and not READING.search(path.rstrip("/"))
        if closed or path.startswith(CLOSED):
            answer = attacker.status(method, filled(path).removeprefix("/"), {})
            assert (answer == 403) == closed, f"{method} {path}: {answer}"


@pytest.mark.thorough
def test_the_login_that_may_only_watch_is_refused_at_every_other_endpoint(attacker):
    """What it may read, it reads; Prefect takes an empty request for wrong, or finds nothing."""
    watches(Attacker(attacker.up, attacker.folder, login=WATCH_LOGIN), attacker)


@pytest.mark.thorough
def test_behind_the_proxy_of_the_compose_file_the_two_logins_have_the_same_rights(
    attacker, tmp_path
):
    """A real Caddy with our Caddyfile: it asks everybody for a login, and the gateway decides."""
    up = attacker.up
    with proxied(
        tmp_path, up.url.partition("://")[2], login=attacker.login, watch_login=WATCH_LOGIN
    ) as url:
        for method, path in [*endpoints(attacker), ("GET", "/"), ("GET", "/ui-settings")]:
            answer = httpx.request(method, f"{url}/api{filled(path)}")
            assert answer.status_code == 401, path
        watches(Attacker(up, attacker.folder, login=WATCH_LOGIN, url=url), attacker)
        administrator = Attacker(up, attacker.folder, login=attacker.login, url=url)
        assert administrator.ask("flows/", {"name": "watchdog"})["id"]
        page = httpx.get(url, auth=tuple(WATCH_LOGIN.split(":", 1)))
        assert page.status_code == 200
        assert "max-age=31536000" in page.headers["strict-transport-security"]


def watches(watcher: Attacker, attacker: Attacker) -> None:
    """Check that a login reads, answers a form, and nothing else."""
    assert watcher.ask("flow_runs/filter", {})
    permitted = set()
    for method, path in endpoints(attacker):
        if method == "GET" or path.startswith(CLOSED):
            continue
        answer = watcher.status(method, filled(path).removeprefix("/"), {})
        if answer != 403:
            permitted.add(f"{method} {path}")
    writes = {each for each in permitted if not READS.search(each)}
    assert writes == {"POST /flow_runs/{id}/resume"}
    assert len(permitted) > 25


def test_without_the_login_no_endpoint_answers(attacker):
    with httpx.Client(base_url=f"{attacker.up.url}/api", timeout=60) as stranger:
        answers = {
            f"{method} {path}": stranger.request(method, filled(path)).status_code
            for method, path in endpoints(attacker)
        }
    open_to_all = {name for name, code in answers.items() if code not in (401, 403)}
    assert open_to_all == {"GET /health", "GET /ready"}
    assert len(answers) > 150
