"""Watchdog: notify the administrator once about stopped flows, waiting mails and failed runs."""

from __future__ import annotations

from typing import Any

from prefect import flow, get_run_logger

from flows.heartbeat import send_heartbeat
from flows.parameters import Now, SiteFolder
from flows.run_context import flow_run_context, run_name
from tasks.monitoring.failed_runs import NotAsked, failed_runs
from tasks.monitoring.incident_log import IncidentRecord
from tasks.monitoring.watch import check_and_notify, runs_seen_until
from tasks.text.incidents import IncidentView


@flow(name="watchdog", flow_run_name=run_name, timeout_seconds=600)
def watchdog(site: SiteFolder = None, now: Now = None) -> dict[str, Any]:
    """Check for silent flows, failed runs, waiting mails, disk space and the end of the calendar.

    The administrator is notified of each incident once, by a mail of the outbox. The watch of
    `tenggat up` checks the same without a worker, except for Prefect's runs. Both use the same
    incident log.
    """
    with flow_run_context("watchdog", site, now) as at:
        place, log = at.context.site, get_run_logger()
        runs_until = None
        try:
            failed = failed_runs(place, runs_seen_until(at.context, at.now), at.now)
            runs_until = at.now
        except NotAsked as error:
            failed = []
            log.warning("runs are not checked: %s", error)
        book, telling = check_and_notify(
            at.context, at.now, at.run_id, failed, runs_until=runs_until
        )
        present = [book.incidents[key] for key in book.present()]
        at.counts = {
            "present": len(present),
            "notified": len(telling.opened) + len(telling.ongoing),
            "resolved": len(telling.resolved),
        }
        log.info("%d incidents present, %d notified, %d over", *at.counts.values())
        at.show(ill=list(map(_ill, present)), well=list(map(_ill, telling.resolved)))
        send_heartbeat(at.context, at.now, well=True)
        return at.counts


def _ill(known: IncidentRecord) -> IncidentView:
    return IncidentView(known.kind, known.facts)
