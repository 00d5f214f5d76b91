"""A client of Prefect's API by plain HTTP: it loads fast, for a process that only monitors."""

from __future__ import annotations

import base64
import http.client
import io
import json
import os
import time
import urllib.error
import urllib.request
import uuid
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from service.errors import Rejected, Unready
from service.gateway import UNKNOWN_HOST
from service.login import CLIENT

ANSWER_SECONDS = 30.0
PAGE = 200

TOKEN_SECONDS = 50 * 60.0
"""Interval in seconds between two CSRF tokens; the server accepts one for an hour."""

READS = (None, "GET")

_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
"""Opens connections without the proxies of the environment."""


class Contact(StrEnum):
    """What a request to an address shows about the Prefect server there."""

    WELL = "well"
    AWAY = "away"
    """Nothing answers, or a server that does not work now: it may work later."""
    LOGIN_REFUSED = "login refused"
    NAME_REFUSED = "name refused"
    """Our gateway does not serve the host name of the address."""
    NO_API = "no api"
    """A server answers that has no API of Prefect at this address."""


def healthy(api: str) -> bool:
    """Check whether a Prefect server answers at this address, including its database."""
    return contact(api) is Contact.WELL


def contact(api: str) -> Contact:
    """Ask the Prefect server at this address for something from its database.

    Its own /health reports success even while every other request hangs on a locked database.
    """
    try:
        answer = json.loads(_send(f"{api}/flows/count", {}, timeout=10))
    except urllib.error.HTTPError as error:
        return _refusal(error)
    except OSError:
        return Contact.AWAY
    except ValueError:
        return Contact.NO_API
    return Contact.WELL if isinstance(answer, int) else Contact.NO_API


def _refusal(error: urllib.error.HTTPError) -> Contact:
    if error.code == http.HTTPStatus.UNAUTHORIZED:
        return Contact.LOGIN_REFUSED
    if UNKNOWN_HOST.encode() in error.read():
        return Contact.NAME_REFUSED
    if error.code in (408, 429) or error.code >= 500:
        return Contact.AWAY
    return Contact.NO_API


def ask(
    url: str, body: Any = None, *, method: str | None = None, patience: float | None = None
) -> Any:
    """Call Prefect's API and return its answer; the method is POST if there is a `body`.

    A server that is busy for a moment (503: its SQLite is locked) or restarts is asked again for
    `patience` seconds, by default `ANSWER_SECONDS`. Raises :class:`service.errors.Rejected` if the
    API refuses the request, and `Unready` if there is no answer in time.
    """
    until = time.monotonic() + (ANSWER_SECONDS if patience is None else patience)
    while True:
        try:
            text = _send(url, body, method)
            return json.loads(text) if text else None
        except urllib.error.HTTPError as error:
            said = error.read().decode("utf-8", "replace")[:500]
            if error.code < 500 and error.code != 429:
                raise Rejected(error.code, f"{url} answers {error.code}: {said}") from None
            reason = f"{error.code} {said}"
        except (OSError, ValueError) as error:
            reason = str(error)
        if time.monotonic() > until:
            raise Unready(f"the Prefect server does not answer {url}: {reason}")
        time.sleep(0.5)


def found(url: str) -> Any:
    """Fetch an object from the API; None if it does not exist."""
    try:
        return ask(url)
    except Rejected as error:
        if error.code == 404:
            return None
        raise


def every(api: str, what: str, **filters: Any) -> list[dict[str, Any]]:
    """Fetch all objects of one kind that match a filter of the API, page by page."""
    rows: list[dict[str, Any]] = []
    while True:
        page = ask(f"{api}/{what}/filter", {**filters, "limit": PAGE, "offset": len(rows)})
        rows += page
        if len(page) < PAGE:
            return rows


@dataclass(frozen=True, slots=True)
class _CsrfToken:
    """A CSRF token of this process, with its headers; without headers if the server needs none."""

    headers: dict[str, str]
    until: float


_tokens: dict[tuple[str, int], _CsrfToken] = {}
"""Tokens by API and process. A forked process gets its own, because a new one ends the last."""


def _send(url: str, body: Any = None, method: str | None = None, *, timeout: float = 60.0) -> bytes:
    """Send a request once, with login and CSRF token, and return the body of the answer.

    Raises OSError, of which `urllib.error.HTTPError` is one, or ValueError.
    """
    if body is None and method in READS:
        return _open(url, timeout=timeout)
    try:
        return _open(url, body, method, timeout=timeout, headers=_csrf_headers(url, timeout))
    except urllib.error.HTTPError as error:
        if error.code != 403 or b"CSRF" not in error.read():
            error.fp.seek(0)
            raise
        _tokens.pop(_token_key(url), None)
    return _open(url, body, method, timeout=timeout, headers=_csrf_headers(url, timeout))


def _token_key(url: str) -> tuple[str, int]:
    api, _, _ = url.partition("/api/")
    return f"{api}/api", os.getpid()


def _csrf_headers(url: str, timeout: float) -> dict[str, str]:
    """Return the headers that prove to the server that no page of another site sends a request."""
    key = _token_key(url)
    token = _tokens.get(key)
    if token is None or time.monotonic() >= token.until:
        client = str(uuid.uuid4())
        try:
            answer = json.loads(_open(f"{key[0]}/csrf-token?client={client}", timeout=timeout))
        except urllib.error.HTTPError as error:
            if error.code not in (404, 422):
                raise
            error.close()
            headers = {}  # a server of somebody else, without this protection
        else:
            headers = {"Prefect-Csrf-Token": answer["token"], "Prefect-Csrf-Client": client}
        token = _tokens[key] = _CsrfToken(headers, time.monotonic() + TOKEN_SECONDS)
    return token.headers


def _open(
    url: str,
    body: Any = None,
    method: str | None = None,
    *,
    timeout: float,
    headers: dict[str, str] | None = None,
) -> bytes:
    """Send a request once and return the body of the answer; an error has its whole body too.

    A server that is killed leaves half an answer, which is a :class:`ConnectionError`.
    """
    sent = {"Content-Type": "application/json", **(headers or {})}
    login = os.environ.get(CLIENT)
    if login:
        sent["Authorization"] = "Basic " + base64.b64encode(login.encode()).decode()
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, sent, method=method)  # noqa: S310 - http(s) only
    try:
        return _answer(request, timeout)
    except http.client.HTTPException as error:
        raise ConnectionError(f"the answer is cut off ({type(error).__name__})") from None


def _answer(request: urllib.request.Request, timeout: float) -> bytes:
    try:
        with _opener.open(request, timeout=timeout) as answer:
            body = bytes(answer.read())
            if not body and answer.status != http.HTTPStatus.NO_CONTENT:
                raise ConnectionError("the answer is cut off in its head")
            return body
    except urllib.error.HTTPError as error:
        with error:
            whole = io.BytesIO(error.read())
        raise urllib.error.HTTPError(error.url, error.code, error.msg, error.hdrs, whole) from None
