"""Ping: an external monitor hears that all is well, and raises the alarm when it hears nothing."""

from __future__ import annotations

import httpx

LONGEST = 5.0
"""Seconds. A monitor that does not answer holds up nothing."""


def ping(url: str, *, well: bool) -> str:
    """Ask for the monitor's address, with `/fail` where something is wrong; why it failed, if so.

    The address is a secret of the site: what is returned does not repeat it. Redirects are
    not followed.
    """
    try:
        answer = httpx.get(url if well else f"{url}/fail", timeout=LONGEST)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return f"the monitor does not answer ({type(error).__name__})"
    if not answer.is_success:
        return f"the monitor answers {answer.status_code}"
    return ""
