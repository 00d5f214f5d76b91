"""A client of Prefect's API by plain HTTP: it loads fast, for a process that only monitors."""

from __future__ import annotations

import base64
import json
import os
import time
import urllib.error
import urllib.request
from typing import Any

from service.errors import Rejected, Unready

ANSWER_SECONDS = 30.0
PAGE = 200


def healthy(api: str) -> bool:
    """Check whether a Prefect server answers at this address, including its database.

    Its own /health reports success even while every other request hangs on a locked database.
    """
    try:
        question = _request(f"{api}/flows/count", {})
        with urllib.request.urlopen(question, timeout=10) as answer:  # noqa: S310 - http(s) only
            return bool(answer.status == 200)
    except (OSError, ValueError):
        return False


def ask(
    url: str, body: Any = None, *, method: str | None = None, patience: float | None = None
) -> Any:
    """Call Prefect's API and return its answer; the method is POST if there is a `body`.

    A server that is busy for a moment (503: its SQLite is locked) or restarts is asked again for
    `patience` seconds, by default `ANSWER_SECONDS`. Raises :class:`service.errors.Rejected` if the
    API refuses the request, and `Unready` if there is no answer in time.
    """
    until = time.monotonic() + (ANSWER_SECONDS if patience is None else patience)
    request = _request(url, body, method)
    while True:
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310 - http(s) only
                text = answer.read()
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


def _request(url: str, body: Any = None, method: str | None = None) -> urllib.request.Request:
    headers = {"Content-Type": "application/json"}
    login = os.environ.get("PREFECT_API_AUTH_STRING")
    if login:
        headers["Authorization"] = "Basic " + base64.b64encode(login.encode()).decode()
    data = None if body is None else json.dumps(body).encode()
    return urllib.request.Request(url, data, headers, method=method)  # noqa: S310 - http(s) only
