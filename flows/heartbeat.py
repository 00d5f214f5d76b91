"""External monitor: report every successful cycle to it, and every failed one."""

from __future__ import annotations

from datetime import datetime

from prefect import get_run_logger

from tasks.common.context import SiteContext
from tasks.monitoring.ping import ping
from tasks.monitoring.watch import stopped


def send_heartbeat(context: SiteContext, now: datetime, *, well: bool) -> None:
    """Call the site's `ping_url` if it has one; never fails.

    Success is reported only if the watchdog knows of no stopped flow. Otherwise a working delivery
    would hide that the deadlines flow has stopped.
    """
    url = context.site.ping_url
    if not url:
        return
    trouble = ping(url, well=well and not stopped(context, now))
    if trouble:
        get_run_logger().warning("%s", trouble)
