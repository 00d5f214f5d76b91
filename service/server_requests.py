"""Requests to Prefect's server that cost less: their way to an endpoint, and their CSRF tokens.

A run of a flow makes about thirty requests. Half of the CPU of a small one was spent on its way to
the endpoint.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRouter
from prefect.server.models import csrf_token
from prefect.server.schemas.core import CsrfToken
from prefect.settings import get_current_settings
from starlette.routing import BaseRoute, Match, Mount
from starlette.types import Scope


def skip_other_routers(application: FastAPI) -> None:
    """Let a request be compared only with the endpoints below the prefix of its path.

    FastAPI compares it with each endpoint of each router in turn, of about 190 in all.
    """
    for route, router in _routers(application):
        below = f"{router.prefix}/"
        if router.prefix and all(f"{_path(one)}/".startswith(below) for one in router.routes):
            vars(route)["matches"] = partial(_match_below, router.prefix, route.matches)


def _routers(application: FastAPI) -> Iterator[tuple[BaseRoute, APIRouter]]:
    """Yield the routers of an application and of those mounted in it, with their routes."""
    for route in application.routes:
        router = getattr(route, "original_router", None)
        if isinstance(router, APIRouter):
            yield route, router
        elif isinstance(route, Mount) and isinstance(route.app, FastAPI):
            yield from _routers(route.app)


def _path(route: BaseRoute) -> str:
    return str(getattr(route, "path", ""))


def _match_below(prefix: str, matches: Any, scope: Scope) -> tuple[Match, Scope]:
    path = scope["path"].removeprefix(scope.get("root_path", ""))
    return matches(scope) if path.startswith(prefix) else (Match.NONE, {})


def compute_csrf_tokens(login: str) -> None:
    """Let the CSRF token of a client be computed from the login, not stored in the database.

    Each process of a run asked for several tokens, and each write read one. A page of another site
    knows no login, so it can compute no token. A token is valid as long as the login.
    """
    key = login.encode()

    async def token_of(*, session: object, client: str) -> CsrfToken:
        expiration = datetime.now(UTC) + get_current_settings().server.api.csrf_token_expiration
        token = hmac.digest(key, b"csrf " + client.encode(), "sha256").hex()
        known = {"client": client, "token": token, "expiration": expiration}
        return CsrfToken.model_validate(known)

    async def none_stored(*, session: object) -> int:
        return 0

    vars(csrf_token)["create_or_update_csrf_token"] = token_of
    vars(csrf_token)["read_token_for_client"] = token_of
    vars(csrf_token)["delete_expired_tokens"] = none_stored
