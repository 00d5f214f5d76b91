"""The gateway before Prefect's server, and the login that the service makes for it."""

import asyncio
import json
import stat
from typing import Any

import httpx
import pytest

from service.errors import ServiceError
from service.gateway import Gateway, basic, is_closed, may_watch
from service.login import known_login, login_file, make_login, source_of_login, watch_login
from service.machine import refuse_root
from service.prefect_server import answered_names

OURS = "tenggat.contohkab.example"
FOREIGN_NAME = "does not answer under this name"
FOREIGN_PAGE = "a page of another address"
CLOSED = "it is closed"


def refusal(method: str = "POST", path: str = "/api/flows/filter", **headers: str) -> str:
    """Why this request is refused; nothing if it is passed on."""
    gateway = Gateway(lambda *_: None, [OURS])  # type: ignore[arg-type,return-value]
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return gateway.refusal(method, path, sent) or ""


@pytest.mark.parametrize(
    ("host", "says"),
    [
        ("127.0.0.1:4200", ""),
        ("localhost:8080", ""),  # through a tunnel with another port
        ("[::1]:4200", ""),
        ("192.0.2.7:4200", ""),  # a name can be made to mean another address, an address cannot
        (OURS, ""),
        (OURS.upper() + ":443", ""),
        ("contohkab.example", FOREIGN_NAME),
        ("evil.example:4200", FOREIGN_NAME),
        (f"{OURS}.evil.example", FOREIGN_NAME),
        ("localhost.evil.example:4200", FOREIGN_NAME),
        ("127.0.0.1.evil.example", FOREIGN_NAME),
        ("127.1", FOREIGN_NAME),
        ("", FOREIGN_NAME),
    ],
)
def test_a_foreign_host_is_refused(host, says):
    assert says in refusal(host=host)
    assert bool(says) == bool(refusal(host=host))


@pytest.mark.parametrize(
    ("host", "origin", "refused"),
    [
        ("127.0.0.1:4200", "http://127.0.0.1:4200", False),
        ("localhost:8080", "http://localhost:8080", False),
        (OURS, f"https://{OURS}", False),
        ("127.0.0.1:4200", "http://localhost:4200", True),
        ("127.0.0.1:4200", "http://127.0.0.1:8000", True),
        ("127.0.0.1:4200", "https://evil.example", True),
        ("127.0.0.1:4200", "null", True),
        ("127.0.0.1:4200", "", True),
        (OURS, f"https://{OURS}.evil.example", True),
    ],
)
def test_a_page_of_another_origin_is_refused(host, origin, refused):
    assert bool(refusal(host=host, origin=origin)) == refused


def test_a_link_from_a_mail_opens_the_ui_and_calls_no_api():
    from_elsewhere = {"host": "127.0.0.1:4200", "sec_fetch_site": "cross-site"}
    assert refusal("GET", "/runs/flow-run/1", **from_elsewhere) == ""
    assert FOREIGN_PAGE in refusal("GET", "/api/flows/1", **from_elsewhere)


@pytest.mark.parametrize(
    ("method", "path", "closed"),
    [
        ("POST", "/api/block_documents/", True),
        ("POST", "/api/block_documents", True),
        ("POST", "/api//block_documents/", True),
        ("PATCH", "/api/block_documents/1", True),
        ("DELETE", "/api/block_types/1", True),
        ("POST", "/api/block_types/install_system_block_types", True),
        ("POST", "/api/block_schemas/", True),
        ("PUT", "/api/admin/storage", True),
        ("DELETE", "/api/admin/storage", True),
        ("GET", "/api/collections/views/aggregate-worker-metadata", True),
        ("GET", "/openapi.json", True),
        ("GET", "/docs", True),
        ("GET", "/docs/oauth2-redirect", True),
        ("GET", "/api/redoc", True),
        ("GET", "/api/openapi.json", False),
        ("POST", "/api/block_documents/filter", False),
        ("POST", "/api/block_types/filter", False),
        ("GET", "/api/block_types/slug/webhook", False),
        ("GET", "/api/admin/version", False),
        ("POST", "/api/deployments/1/create_flow_run", False),
        ("GET", "/blocks/catalog", False),
    ],
)
def test_endpoints_that_could_bring_code_or_reach_the_internet_are_closed(method, path, closed):
    assert is_closed(method, path) == closed
    assert (CLOSED in refusal(method, path, host="127.0.0.1")) == closed


async def _answer(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"x-inner", b"1")]})
    await send({"type": "http.response.body", "body": b"inner"})


def test_what_is_refused_never_reaches_prefect_and_all_answers_forbid_frames():
    async def both() -> list[httpx.Response]:
        transport = httpx.ASGITransport(Gateway(_answer, []))
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            evil = {"Origin": "https://evil.example"}
            return [await client.post("/api/x"), await client.post("/api/x", headers=evil)]

    passed, refused = asyncio.run(both())
    assert (passed.status_code, passed.text, passed.headers["x-inner"]) == (200, "inner", "1")
    assert (refused.status_code, "x-inner" in refused.headers) == (403, False)
    assert FOREIGN_PAGE in json.loads(refused.text)["detail"]
    for answer in (passed, refused):
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
        assert "access-control-allow-origin" not in answer.headers


def test_a_websocket_of_another_origin_is_closed_before_it_opens():
    sent: list[dict[str, Any]] = []

    async def connect() -> None:
        async def receive() -> dict[str, Any]:
            return {"type": "websocket.connect"}

        async def send(message: Any) -> None:
            sent.append(dict(message))

        headers = [(b"host", b"127.0.0.1:4200"), (b"origin", b"https://evil.example")]
        scope = {"type": "websocket", "path": "/api/events/out", "headers": headers}
        await Gateway(_answer, [])(scope, receive, send)

    asyncio.run(connect())
    assert [message["type"] for message in sent] == ["websocket.close"]


def test_more_names_come_from_a_variable(monkeypatch):
    monkeypatch.setenv("TENGGAT_HOSTS", "server, tenggat.example,")
    names = set(answered_names("127.0.0.2"))
    assert {"127.0.0.2", "server", "tenggat.example"} < names
    assert "" not in names


# --- the login that may only watch ----------------------------------------------------------------

RUN = "/api/flow_runs/11111111-2222-3333-4444-555555555555"


@pytest.mark.parametrize(
    ("method", "path", "permitted"),
    [
        ("GET", RUN, True),
        ("GET", "/api/csrf-token", True),
        ("POST", "/api/flow_runs/filter", True),
        ("POST", "/api/flow_runs/count", True),
        ("POST", "/api/flow_runs/history", True),
        ("POST", "/api/artifacts/latest/filter", True),
        ("POST", "/api/work_pools/tenggat/queues/filter", True),
        ("POST", "/api/events/count-by/time", True),
        ("POST", "/api/ui/task_runs/dashboard/counts", True),
        ("POST", f"{RUN}/resume", True),
        ("POST", f"{RUN}/set_state", False),
        ("POST", f"{RUN}/input", False),
        ("DELETE", RUN, False),
        ("PATCH", "/api/work_pools/filter", False),
        ("POST", "/api//flow_runs/filter", False),
        ("POST", "/api/deployments/resume", False),
        ("POST", "/api/deployments/1/resume_deployment", False),
        ("POST", "/api/deployments/1/create_flow_run", False),
        ("POST", "/api/work_pools/tenggat/get_scheduled_flow_runs", False),
        ("POST", "/api/variables/", False),
    ],
)
def test_the_second_login_reads_and_answers_a_storm(method, path, permitted):
    assert may_watch("http", method, path) == permitted


async def _echo(scope: Any, receive: Any, send: Any) -> None:
    given = dict(scope["headers"]).get(b"authorization", b"")
    await send({"type": "http.response.start", "status": 200, "headers": [(b"x-sent", given)]})
    await send({"type": "http.response.body", "body": b""})


def test_prefect_sees_its_own_login_for_a_watcher_and_what_others_sent():
    async def answers() -> list[httpx.Response]:
        gateway = Gateway(_echo, [], login="a:full", watch_login="watch:only")
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(gateway), base_url="http://127.0.0.1"
        ) as client:
            return [
                await client.post("/api/flow_runs/filter", auth=("watch", "only")),
                await client.post("/api/flow_runs/", auth=("watch", "only")),
                await client.post("/api/flow_runs/", auth=("a", "full")),
                await client.post("/api/flow_runs/filter", auth=("watch", "guess")),
                await client.post("/api/flow_runs/filter"),
            ]

    read, written, full, guess, stranger = asyncio.run(answers())
    assert [each.status_code for each in (read, written, full)] == [200, 403, 200]
    assert read.headers["x-sent"] == full.headers["x-sent"] == basic("a:full")
    assert "may only watch" in written.json()["detail"]
    assert guess.headers["x-sent"] == basic("watch:guess")
    assert stranger.headers["x-sent"] == ""


@pytest.mark.parametrize(
    ("path", "sent", "seen"),
    [
        ("/api/events/out", "watch:only", "a:full"),
        ("/api/logs/out", "watch:only", "a:full"),
        ("/api/events/in", "watch:only", "watch:only"),
        ("/api/work_pools/tenggat/workers/connect", "watch:only", "watch:only"),
        ("/api/events/out", "a:full", "a:full"),
        ("/api/events/out", "guess", "guess"),
    ],
)
def test_a_watcher_hears_events_and_sends_none(path, sent, seen):
    """Prefect refuses a login that it does not know."""
    heard: list[str] = []

    async def prefect(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        heard.append(json.loads((await receive())["text"])["token"])

    async def connect() -> None:
        messages = [
            {"type": "websocket.connect"},
            {"type": "websocket.receive", "text": json.dumps({"type": "auth", "token": sent})},
        ]

        async def receive() -> dict[str, Any]:
            return messages.pop(0)

        async def send(message: Any) -> None:
            raise AssertionError(message)

        scope = {"type": "websocket", "path": path, "headers": [(b"host", b"127.0.0.1")]}
        await Gateway(prefect, [], login="a:full", watch_login="watch:only")(scope, receive, send)

    asyncio.run(connect())
    assert heard == [seen]


@pytest.mark.parametrize(
    ("watch", "good"),
    [("watch:other", True), ("", True), ("watch", False), (":other", False), ("a:full", False)],
)
def test_the_second_login_must_have_two_parts_and_differ(watch, good, monkeypatch):
    monkeypatch.setenv("TENGGAT_WATCH_LOGIN", watch)
    if good:
        assert watch_login("a:full") == (watch or None)
        return
    with pytest.raises(ServiceError, match="must have the form user:password, and differ"):
        watch_login("a:full")


# --- the user of the machine ----------------------------------------------------------------------


@pytest.mark.parametrize("command", ["up", "worker"])
def test_the_service_does_not_start_as_root_unless_told(
    command, call_tenggat, site_folder, tmp_path, monkeypatch
):
    monkeypatch.setenv("TENGGAT_VAR", str(tmp_path / "var"))
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:1/api")
    monkeypatch.setattr("os.geteuid", lambda: 0)
    code, said, errors = call_tenggat(command, "--site", site_folder)
    assert (code, said) == (1, "")
    assert "the service does not run as root" in errors
    assert not (tmp_path / "var" / "prefect").exists()
    refuse_root(as_root=True)
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    refuse_root(as_root=False)


# --- the login ------------------------------------------------------------------------------------


@pytest.fixture
def without_login(monkeypatch: pytest.MonkeyPatch) -> None:
    for side in ("PREFECT_API_AUTH_STRING", "PREFECT_SERVER_API_AUTH_STRING"):
        monkeypatch.delenv(side)


@pytest.mark.usefixtures("without_login")
def test_a_login_is_made_once_at_random_and_is_private(tmp_path):
    assert known_login(tmp_path) is None
    login = make_login(tmp_path)
    user, _, password = login.partition(":")
    assert (user, len(password)) == ("tenggat", 32)
    file = login_file(tmp_path)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [login, login] == [make_login(tmp_path), known_login(tmp_path)]
    assert make_login(tmp_path / "another") != login
    assert list(file.parent.iterdir()) == [file]
    assert source_of_login(tmp_path) == f"the file {file}"
    file.chmod(0o640)
    with pytest.raises(ServiceError, match="others can read the login"):
        make_login(tmp_path)


@pytest.mark.usefixtures("without_login")
def test_a_login_of_the_environment_comes_first_and_must_have_two_parts(tmp_path, monkeypatch):
    make_login(tmp_path)
    monkeypatch.setenv("PREFECT_API_AUTH_STRING", "admin:rahasia")
    assert known_login(tmp_path) == "admin:rahasia"
    assert "PREFECT_API_AUTH_STRING" in source_of_login(tmp_path)
    monkeypatch.setenv("PREFECT_SERVER_API_AUTH_STRING", "no-password")
    with pytest.raises(ServiceError, match="must have the form user:password"):
        make_login(tmp_path)


@pytest.mark.usefixtures("without_login")
def test_the_command_line_shows_the_login(call_tenggat, site_folder, tmp_path, monkeypatch):
    monkeypatch.setenv("TENGGAT_VAR", str(tmp_path / "var"))
    code, _, errors = call_tenggat("ui", "login", "--site", site_folder)
    assert (code, "`tenggat up` makes one" in errors) == (2, True)
    login = make_login(tmp_path / "var")
    code, said, _ = call_tenggat("ui", "login", "--site", site_folder)
    assert (code, said) == (0, f"Address: http://127.0.0.1:4200\nLogin: {login}\n")
    code, said, _ = call_tenggat("ui", "login", "--site", site_folder, "--json")
    assert json.loads(said) == {"address": "http://127.0.0.1:4200", "login": login}
