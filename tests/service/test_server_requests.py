"""Requests to Prefect's server find the same endpoint, and each write needs a token."""

import re

import pytest
from prefect.server.api.middleware import CsrfMiddleware
from prefect.server.api.server import create_api_app
from prefect.server.models import csrf_token
from prefect.settings import PREFECT_SERVER_CSRF_PROTECTION_ENABLED, temporary_settings
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.routing import Match, Route
from starlette.testclient import TestClient

from service.server_requests import compute_csrf_tokens, skip_other_routers

ID = "01234567-89ab-4def-8123-456789abcdef"


@pytest.fixture(scope="module")
def plain():
    """Prefect's application as it is."""
    return create_api_app(ignore_cache=True)


@pytest.fixture(scope="module")
def short():
    """Prefect's application with the shortcut."""
    api = create_api_app(ignore_cache=True)
    skip_other_routers(api)
    return api


def found(api, method: str, path: str) -> list[tuple[int, Match]]:
    """The routes of an application that match a request, by number."""
    scope = {"type": "http", "method": method, "path": f"/api{path}", "root_path": "/api"}
    matches = [(n, route.matches(dict(scope))[0]) for n, route in enumerate(api.routes)]
    return [(number, match) for number, match in matches if match is not Match.NONE]


def test_each_endpoint_is_found_as_without_the_shortcut(plain, short):
    endpoints = [
        (method, route.path)
        for router in plain.routes
        for route in getattr(getattr(router, "original_router", None), "routes", ())
        for method in getattr(route, "methods", ())
    ]
    assert len(endpoints) > 150
    for method, path in endpoints:
        given = re.sub("{[^{}]*}", ID, path)
        assert found(plain, method, given), path
        for way in (method, "TRACE"):
            assert found(short, way, given) == found(plain, way, given), path


@pytest.mark.parametrize("path", ["/flows_of_others", "/flow", "/", "/ui", "/work_pools2/x"])
def test_a_path_beside_a_router_is_found_as_without_the_shortcut(plain, short, path):
    assert found(short, "GET", path) == found(plain, "GET", path)


def test_nearly_all_routers_have_the_shortcut(short):
    """A router whose endpoints are elsewhere would go without it, and cost as much as before."""
    assert sum("matches" in vars(route) for route in short.routes) > 25


@pytest.fixture
def client(monkeypatch):
    """A client of an application with Prefect's protection and tokens made from a login."""
    for name in ("create_or_update_csrf_token", "read_token_for_client", "delete_expired_tokens"):
        monkeypatch.setattr(csrf_token, name, getattr(csrf_token, name))
    compute_csrf_tokens("tenggat:secret")

    async def give(request):
        name = request.query_params["client"]
        known = await csrf_token.create_or_update_csrf_token(session=None, client=name)
        return PlainTextResponse(known.token)

    async def write(request):
        return PlainTextResponse("written")

    routes = [Route("/token", give), Route("/write", write, methods=["POST"])]
    with temporary_settings({PREFECT_SERVER_CSRF_PROTECTION_ENABLED: True}):
        yield TestClient(Starlette(routes=routes, middleware=[Middleware(CsrfMiddleware)]))


def written(client: TestClient, name: str, token: str) -> bool:
    headers = {"Prefect-Csrf-Client": name, "Prefect-Csrf-Token": token}
    return client.post("/write", headers=headers).status_code == 200


def test_a_write_needs_the_token_of_its_client(client):
    own, other = (client.get(f"/token?client={name}").text for name in ("one", "two"))
    assert written(client, "one", own)
    assert not written(client, "one", other)
    assert not written(client, "one", "")
    assert client.post("/write").status_code == 403


def test_a_token_is_of_one_login(client):
    old = client.get("/token?client=one").text
    compute_csrf_tokens("tenggat:another")
    assert not written(client, "one", old)
    compute_csrf_tokens("tenggat:secret")  # as after a restart of the server
    assert written(client, "one", old)
