"""Idle runs: what a scheduled run would find is checked first, without Prefect and its cost.

A run that would find nothing is recorded here and ends at once. Nearly all runs of a day are such
runs. Whatever depends on the time alone (a weekly mail, a silent source, the numbers of an
artifact) is done by the full runs: the first one of each day, and one at least every `FULL_AFTER`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from db import complaints, rulesets, runs
from db.mailbox import position
from db.mails import outbox
from flows.permitted import check_site, served_sites
from flows.run_names import IdleRun, run_title
from sla.shards import Shard
from tasks.common.context import SiteContext
from tasks.sources.folder_state import folder_state
from tasks.text.catalog import catalog

FULL_AFTER = timedelta(hours=6)
"""A full run follows at the latest this long after the last one."""

REGULAR = timedelta(hours=2)
"""The longest time since the last run of any flow; after it a full run checks the clock."""

COUNTS = {"idle": True}
"""The counts of an idle run."""

CYCLE = ("intake", "deadlines", "delivery")
"""The flows of one cycle."""

PINGS = {"delivery", "watchdog"}
"""The flows that report to the external monitor."""


def end_if_idle(flow: str, parameters: Mapping[str, Any], now: datetime) -> IdleRun | None:
    """Record a run that has nothing to do and return it; None otherwise.

    Nothing is decided and no mail is sent here. An error during the check is raised; the run is a
    full one then, and meets the error itself.
    """
    if flow not in _CHECKS or parameters.get("now") is not None:
        return None
    check_site(parameters.get("site"), served_sites())
    context = SiteContext.open(parameters.get("site"))
    try:
        part = parameters.get("part") or ""
        reason = record_if_idle(context, flow, now, part)
        name = run_title(flow, now, context.site.zone, part)
        return None if reason is None else IdleRun(name, reason)
    finally:
        context.close()


def record_if_idle(context: SiteContext, flow: str, now: datetime, part: str = "") -> str | None:
    """Record a run of an open site that has nothing to do; return the reason, or None otherwise."""
    found = _idle_word(context, flow, now, part)
    return None if found is None else _record(context, flow, now, part, found)


def _idle_word(context: SiteContext, flow: str, now: datetime, part: str) -> str | None:
    """Return the key of the reason for which a run has nothing to do; None if it has."""
    return _CHECKS[flow](context, now, part) if _is_regular(context, flow, now) else None


def _record(context: SiteContext, flow: str, now: datetime, part: str, found: str) -> str:
    """Record an idle run, and return its reason in the site's language."""
    with context.transaction() as session:
        runs.finished(session, runs.key_of(flow, now, part), flow, now, COUNTS)
    if flow in PINGS and context.site.ping_url:
        _ping(context, now)
    return catalog(context.site.locale)(f"idle.{found}")


def _ping(context: SiteContext, now: datetime) -> None:
    from tasks.monitoring.ping import ping  # noqa: PLC0415 - few sites need it
    from tasks.monitoring.watch import stopped  # noqa: PLC0415 - it loads all of notifications

    assert context.site.ping_url
    ping(context.site.ping_url, well=not stopped(context, now))


def idle_cycle(context: SiteContext, now: datetime) -> dict[str, str] | None:
    """Record a whole cycle that has nothing to do, with the reason of each flow; None otherwise."""
    found: dict[str, str] = {}
    for flow in CYCLE:
        word = _idle_word(context, flow, now, "")
        if word is None:
            return None
        found[flow] = word
    return {flow: _record(context, flow, now, "", word) for flow, word in found.items()}


def _is_regular(context: SiteContext, flow: str, now: datetime) -> bool:
    """Check whether the last runs were recent, and no full run is due for its own sake."""
    with context.consistent_read() as session:
        last, last_any = runs.last(session, flow), runs.last(session)
        full = runs.last_full_record(session, flow)
        restoring = bool(runs.unsettled_restores(session))
    if last is None or last_any is None or full is None or restoring:
        return False
    same_day = context.local(full.now).date() == context.local(now).date()
    return last <= now and now - last_any <= REGULAR and same_day and now - full.now < FULL_AFTER


def _no_new_file(context: SiteContext, now: datetime, part: str) -> str | None:
    """Check whether the folders of all sources are as the last full run left them.

    A source that is a server is always asked. So are folders with a file that waits.
    """
    if not all(source.has_files for source in context.site.sources.values()):
        return None
    with context.consistent_read() as session:
        record = runs.last_full_record(session, "intake")
    if record is None or record.counts.get("folders") != folder_state(context.site):
        return None
    if any(source.get("waiting") for source in record.counts.get("sources", ())):
        return None
    return "no_new_file"


def _no_deadline_due(context: SiteContext, now: datetime, part: str) -> str | None:
    """Check whether no complaint is due for evaluation and the rules are those of the last run."""
    units = sorted(context.site.directory.units)
    with context.consistent_read() as session:
        ruleset = rulesets.current(session)
        if ruleset is None or ruleset.fingerprint != context.ruleset_fingerprint():
            return None
        if complaints.any_due(session, now, Shard.parse(part), units):
            return None
    return "no_deadline_due"


def _no_mail_due(context: SiteContext, now: datetime, part: str) -> str | None:
    """Check whether no mail may leave now and the mailbox has nothing new."""
    with context.consistent_read() as session:
        send_after = outbox.next_send_time(session)
        if (send_after is not None and send_after <= now) or outbox.any_stale_claim(session, now):
            return None
        stored = position.position(session)
    if context.site.bounces_url:
        from tasks.notifications.bounces.mailbox import mailbox_of  # noqa: PLC0415

        with mailbox_of(context.site) as (_client, validity, next_uid):
            if next_uid is None or stored != (validity, next_uid - 1):
                return None
        return "no_mail"
    return "no_mail_due"


def _all_is_well(context: SiteContext, now: datetime, part: str) -> str | None:
    """Check whether the watchdog would find no incident, and none is on record."""
    from tasks.monitoring.failed_runs import failed_runs  # noqa: PLC0415 - it loads Prefect
    from tasks.monitoring.watch import is_quiet, runs_seen_until  # noqa: PLC0415

    if not is_quiet(context, now):
        return None
    if failed_runs(context.site, runs_seen_until(context, now), now):
        return None
    return "no_incident"


_CHECKS: dict[str, Callable[[SiteContext, datetime, str], str | None]] = {
    "intake": _no_new_file,
    "deadlines": _no_deadline_due,
    "delivery": _no_mail_due,
    "watchdog": _all_is_well,
}
