"""Ping: a regular sign of life to an external monitor, which alerts without it."""

from __future__ import annotations

import httpx

from tasks.common.limited_http import AnswerLimit, limit_answers

LONGEST = 5.0
"""Limit of time in seconds. A monitor that does not answer must not delay a run."""


def ping(url: str, *, well: bool) -> str:
    """Call the monitor's address, or its `/fail` address after an incident; return an error text or
    ''.

    The address is a secret of the site, so the text does not contain it. Redirects are not
    followed.
    """
    try:
        with httpx.Client(timeout=LONGEST) as client:
            limit_answers(client, AnswerLimit(LONGEST))
            with client.stream("GET", url if well else f"{url}/fail") as answer:
                pass  # its text does not matter
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return f"the monitor does not answer ({type(error).__name__})"
    if not answer.is_success:
        return f"the monitor answers {answer.status_code}"
    return ""
