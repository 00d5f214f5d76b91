"""Monitor: an external one hears from every good cycle, and of every one that was not."""

from __future__ import annotations

from datetime import datetime

from prefect import get_run_logger

from tasks.office import Office
from tasks.ping import ping
from tasks.watching import stopped


def tell_monitor(office: Office, now: datetime, *, well: bool) -> None:
    """Ask for the site's `ping_url`, if it has one; never fails.

    It hears that all is well only if the watch knows of nothing that has stopped: a delivery that
    goes on while deadlines stand still is no good cycle.
    """
    url = office.site.ping_url
    if not url:
        return
    trouble = ping(url, well=well and not stopped(office, now))
    if trouble:
        get_run_logger().warning("%s", trouble)
