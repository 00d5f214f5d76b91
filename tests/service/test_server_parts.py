"""Several processes of Prefect's server under one address, with Redis between them."""

import os
import signal
import uuid
from datetime import UTC, datetime
from importlib.util import find_spec

import pytest
from support.databases.prefect import prefect_as_new
from support.programs import needed
from support.servers.redis_server import PASSWORD, redis_server
from support.wait import until

from service import server_parts
from service.environment import LOOPBACK, free_port
from service.errors import ServiceError, Unready
from service.login import CLIENT, make_login
from service.prefect_api import ask, healthy
from service.prefect_server import api_of
from service.restarts import SupervisedProcess
from service.server_parts import DATABASES, REDIS, ServerParts, redis_url, require_redis
from service.supervisor import up
from tasks.text.translation import translated

POSTGRES = "postgresql+asyncpg://tenggat@127.0.0.1/prefect"
PARTS = 2


def needs_package() -> None:
    needed(find_spec("prefect_redis"), "prefect-redis", "pip install prefect-redis")


@pytest.fixture(autouse=True)
def _databases(monkeypatch):
    for name in DATABASES:
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize("database", ["", "sqlite+aiosqlite:////tmp/prefect.db"])
def test_several_servers_need_postgresql(monkeypatch, database):
    monkeypatch.setenv(DATABASES[0], database)
    monkeypatch.setenv(REDIS, "redis://127.0.0.1:6379/0")
    with pytest.raises(ServiceError, match="needs PostgreSQL") as refused:
        redis_url()
    assert translated(str(refused.value), "id").startswith("--servers memerlukan PostgreSQL")


@pytest.mark.parametrize(
    "url",
    [
        "",
        "127.0.0.1:6379",
        "http://127.0.0.1:6379",
        "redis://",
        "redis://localhost/first",  # would be number 0
        "redis://192.0.2.7:6379/0",  # another machine, and no password
        "redis://:s3cret@[192.0.2.7:6379/0",
    ],
)
def test_several_servers_need_redis_with_a_password_or_on_this_machine(monkeypatch, url):
    monkeypatch.setenv(DATABASES[0], POSTGRES)
    monkeypatch.setenv(REDIS, url)
    with pytest.raises(ServiceError, match=REDIS) as refused:
        redis_url()
    assert translated(str(refused.value), "id").startswith("--servers memerlukan Redis")
    assert "s3cret" not in str(refused.value)


@pytest.mark.parametrize(
    "url", ["redis://127.0.0.1:6379/1", "redis://localhost", "rediss://:s3cret@192.0.2.7:6379/0"]
)
def test_a_suitable_redis_is_accepted(monkeypatch, url):
    needs_package()
    monkeypatch.setenv(DATABASES[1], POSTGRES)
    monkeypatch.setenv(REDIS, url)
    assert redis_url() == url


def test_several_servers_need_the_package(monkeypatch):
    monkeypatch.setenv(DATABASES[0], POSTGRES)
    monkeypatch.setenv(REDIS, "redis://localhost")
    monkeypatch.setattr(server_parts, "find_spec", lambda name: None)
    with pytest.raises(ServiceError, match="prefect-redis") as refused:
        redis_url()
    assert translated(str(refused.value), "id").startswith("--servers memerlukan paket")


def test_a_redis_that_does_not_answer_is_waited_for_and_its_password_not_shown():
    with pytest.raises(Unready, match="Redis does not answer") as error:
        require_redis(f"redis://:s3cret@127.0.0.1:{free_port()}/0")
    assert "s3cret" not in str(error.value)
    assert translated(str(error.value), "id").startswith("Redis tidak menjawab")


def test_a_redis_that_answers(tmp_path):
    with redis_server(tmp_path) as url:
        require_redis(url)


@pytest.mark.parametrize(
    ("part", "wrong", "what"),
    [
        (PASSWORD, "wrong", "Redis menolak kata sandi, atau memerlukannya; perbaiki"),
        (f":{PASSWORD}@", "", "Redis menolak kata sandi, atau memerlukannya; perbaiki"),
        ("/0", "/9999", "Redis tidak mempunyai basis data dengan nomor di akhir"),
    ],
)
def test_a_redis_that_refuses_a_wrong_address_is_not_waited_for(tmp_path, part, wrong, what):
    with redis_server(tmp_path) as url:
        assert part in url
        with pytest.raises(ServiceError) as refused:
            require_redis(url.replace(part, wrong))
    assert not isinstance(refused.value, Unready)
    assert translated(str(refused.value), "id") == f"{what} {REDIS}"


@pytest.mark.parametrize("servers", [1, 3])
@pytest.mark.parametrize(
    ("url", "driver"),
    [
        ("postgresql+psycopg://tenggat:s3cret@127.0.0.1/prefect", "postgresql+asyncpg"),
        ("postgresql://tenggat:s3cret@127.0.0.1/prefect", "postgresql+asyncpg"),
        ("sqlite:////tmp/prefect.db", "sqlite+aiosqlite"),
    ],
)
def test_a_driver_that_the_server_cannot_use_is_refused(
    tmp_path, monkeypatch, servers, url, driver
):
    monkeypatch.setenv(DATABASES[0], url)
    monkeypatch.setenv(REDIS, "redis://localhost")
    with pytest.raises(ServiceError) as refused:
        up([], port=4200, say=print, watch=print, var=tmp_path, servers=servers, as_root=True)
    kind = url.partition(":")[0]
    shown = translated(str(refused.value), "id")
    assert shown == f"{DATABASES[0]} dimulai dengan {kind}://; tulis {driver}://"


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def parts(tmp_path, said, monkeypatch):
    """Processes of a server, not started. Their database is SQLite, as they do not check it."""
    needs_package()
    prefect_as_new(tmp_path)
    monkeypatch.setenv(CLIENT, make_login(tmp_path))
    with redis_server(tmp_path) as url:
        server = ServerParts(
            tmp_path,
            free_port(),
            LOOPBACK,
            answering=PARTS,
            redis_url=url,
            say=said.append,
            healthy=healthy,
            every=0.0,
            keep_days=30,
            names=(),
        )
        try:
            yield server
        finally:
            server.stop()


def emit(api: str) -> str:
    """Send an event to a server; returns its id."""
    event = str(uuid.uuid4())
    body = {
        "id": event,
        "event": "tenggat.test",
        "occurred": datetime.now(UTC).isoformat(),
        "resource": {"prefect.resource.id": f"tenggat.{event}"},
    }
    ask(f"{api}/events", [body])
    return event


def is_recorded(api: str, event: str) -> bool:
    found = ask(f"{api}/events/filter", {"filter": {"id": {"id": [event]}}})["events"]
    return [each["id"] for each in found] == [event]


def kill(part: SupervisedProcess) -> None:
    assert part.child is not None
    os.kill(part.child.process.pid, signal.SIGKILL)
    part.child.process.wait()


@pytest.mark.thorough
def test_each_process_answers_and_each_is_started_again(parts, said):
    """An event that reaches any process is recorded, also while the loops are away."""
    until(parts.tend, 180)
    api = api_of(parts.port)
    loops, *answering = parts.parts
    assert len({part.child.process.pid for part in parts.parts}) == PARTS + 1

    events = [emit(api) for _ in range(4)]
    until(lambda: all(is_recorded(api, event) for event in events), 60)

    kill(answering[0])
    assert healthy(api)  # the other one answers
    kill(loops)
    while_away = emit(api)
    until(lambda: parts.tend() or len(said) == 2, 60)
    until(parts.tend, 180)
    until(lambda: is_recorded(api, while_away), 60)
    assert sorted(line.partition(" was ended")[0] for line in said) == [
        "Prefect server (1)",
        "Prefect server (loops)",
    ]


def test_up_refuses_several_servers_without_redis(call_tenggat, monkeypatch):
    monkeypatch.setenv(DATABASES[0], POSTGRES)
    monkeypatch.delenv(REDIS, raising=False)
    code, _, errors = call_tenggat("--lang", "id", "up", "--servers", "2", "--as-root")
    assert code != 0
    assert "--servers memerlukan Redis" in errors
