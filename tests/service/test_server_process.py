"""The process of Prefect's server wakes up rarely, and ends as soon as a signal says so."""

import asyncio
import signal

import pytest
import uvicorn
from fastapi import FastAPI
from prefect.server.api import server as prefect_server
from prefect.server.api.clients import BaseClient

from service import server_process
from service.environment import free_port
from service.server_process import QuietServer


@pytest.fixture
def server(monkeypatch):
    """A server that would wake up by itself only after the test."""
    monkeypatch.setattr(server_process, "TICK_SECONDS", 3600.0)
    return QuietServer(uvicorn.Config(application, port=free_port(), log_level="error"))


async def application(scope, receive, send):
    while scope["type"] == "lifespan":
        name = (await receive())["type"]
        await send({"type": f"{name}.complete"})
        if name == "lifespan.shutdown":
            return
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body"})


async def served(server, during) -> None:
    """Serve until the server ends; `during` runs when it answers."""
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0)
    await during()
    await asyncio.wait_for(serving, 60)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_server_before_its_next_tick(server, number):
    async def stop() -> None:
        await asyncio.sleep(0)  # the main loop waits now
        signal.raise_signal(number)

    ended = []
    before = {each: signal.signal(each, lambda *_: ended.append(number)) for each in (2, 15)}
    try:
        asyncio.run(served(server, stop))
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
    assert ended == [number]  # uvicorn raises it again, so that the process ends by it


def test_a_signal_while_the_server_starts_ends_it(server):
    server.handle_exit(signal.SIGTERM, None)
    asyncio.run(asyncio.wait_for(server.main_loop(), 60))


def test_answers_have_a_date(server):
    answers = []

    async def ask() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.config.port)
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        answers.append(await reader.read())
        writer.close()
        server.handle_exit(signal.SIGTERM, None)
        server._captured_signals.clear()  # not raised again in this process

    asyncio.run(served(server, ask))
    assert b"\r\ndate: " in answers[0]


def test_an_action_of_an_automation_calls_the_application_that_is_served(monkeypatch):
    monkeypatch.setattr(prefect_server, "create_app", prefect_server.create_app)
    api = FastAPI()
    server_process.use_in_actions(api)
    assert BaseClient()._http_client._transport.app is api
