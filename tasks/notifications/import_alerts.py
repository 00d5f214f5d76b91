"""Alerts to the administrators about the imports of a source."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from db import imports
from db.mails import earlier_mails
from db.models import SourceImport
from tasks.common.context import RunContext, SiteContext
from tasks.common.redaction import redact_and_truncate
from tasks.common.remarks import CELLS_SHOWN
from tasks.ingest.row_drop import latest_row_drop
from tasks.notifications.enqueue import enqueue_alert

ROW_DROP, REPEATED_EXPORT = "fewer_rows", "repeated_export"
SILENT_SOURCE, MIXED_DATES, ODD_HOURS = "silent_source", "mixed_dates", "odd_hours"
UNREAD_SHEETS, NO_ROWS_YET = "unread_sheets", "no_rows_yet"
STILL_HIDDEN = "still_hidden"
FILE_SET_ASIDE, SOURCE_CLOCK = "file_set_aside", "source_clock"

FIRST_ALERTS = (ROW_DROP, NO_ROWS_YET, REPEATED_EXPORT)
"""Kinds of alerts that leave before any other mail: an import may show a wrong state."""

MOST_TICKETS = 10
"""The most tickets that an alert names."""

_BETWEEN = "; "
_SAME = ("source", "file", "made")


def alert_row_drop(
    run: RunContext, record: SourceImport, unread: Sequence[str] = ()
) -> list[dict[str, object]]:
    """Notify the administrators of an import with fewer rows than the one before, or than an
    earlier one if they do not know of it yet. A first import without rows has an alert of its own:
    a new register has no complaints, but an export with a wrong filter has none either.

    The alert is part of the transaction of the import, so it is queued once, and before any notice
    that could follow. It names the `unread` sheets of the file: perhaps the complaints are on one.
    Return the numbers for the artifact.
    """
    context = run.context
    run.session.flush()
    notified = _notified_of_drop(run, record) if record.absent else None
    drop = latest_row_drop(run.session, record.source, run.site.sources[record.source], notified)
    if drop is None or (drop.name, drop.made) != (record.name, record.observed_at):
        return []
    facts = _facts(context, record) | {"rows": drop.rows}
    if drop.before is not None:
        facts["rows_before"] = drop.before
    if drop.compared_with is not None:
        compared_with = context.local(drop.compared_with)
        facts["compared_with"] = compared_with.isoformat(timespec="minutes")
    facts["absent"] = drop.absent
    for key, period in (("period_shown", drop.period), ("period_before", drop.period_before)):
        if period is not None:
            first, last = (context.local(moment).date().isoformat() for moment in period)
            facts[key] = f"{first} – {last}"
    if unread:
        facts["unread"] = _BETWEEN.join(unread)
    kind = NO_ROWS_YET if drop.before is None else ROW_DROP
    enqueue_alert(run, kind, facts, same=_SAME)
    return [facts]


def _notified_of_drop(run: RunContext, record: SourceImport) -> datetime | None:
    """Return the time of the newest import of a source with an alert of fewer rows."""
    alerts = earlier_mails.details_of_alerts(run.session, ROW_DROP)
    made = [detail["made"] for detail in alerts if detail["source"] == record.source]
    return max(map(datetime.fromisoformat, made), default=None)


def alert_repeated_export(
    run: RunContext, record: SourceImport, repeats: datetime | None
) -> list[dict[str, object]]:
    """Notify the administrators of an import that shows the same as an older one (`repeats`), while
    one between them showed something else. Perhaps an old file was put into the folder again.

    Return the facts for the artifact. An import without rows changes nothing.
    """
    if repeats is None or not record.rows:
        return []
    run.session.flush()
    if imports.last(run.session, record.source) != record.observed_at:
        return []
    facts = _facts(run.context, record)
    facts["same_as"] = run.context.local(repeats).isoformat(timespec="minutes")
    enqueue_alert(run, REPEATED_EXPORT, facts, same=_SAME)
    return [facts]


def alert_mixed_dates(run: RunContext, record: SourceImport, columns: Iterable[str]) -> list[str]:
    """Notify the administrators once of each column of a source that mixes date cells and dates
    written as text, with one mail for a file. Return the file and each new column.
    """
    new = _not_named(run, MIXED_DATES, record.source, columns)
    if new:
        facts = {"source": record.source, "file": record.name, "column": _BETWEEN.join(new)}
        enqueue_alert(run, MIXED_DATES, facts, same=("source", "column"))
    return [f"{record.name}: {column}" for column in new]


def alert_odd_hours(
    run: RunContext, record: SourceImport, cells: Mapping[str, Sequence[str]]
) -> list[str]:
    """Notify the administrators once of each column of a source with an hour that cannot be read,
    with one mail for a file. `cells` are such cells for display, by column. Return the file and
    each new column.
    """
    new = _not_named(run, ODD_HOURS, record.source, cells)
    if new:
        shown = dict.fromkeys(text for column in new for text in cells[column][:CELLS_SHOWN])
        enqueue_alert(
            run,
            ODD_HOURS,
            {
                "source": record.source,
                "file": record.name,
                "column": _BETWEEN.join(new),
                "cells": _BETWEEN.join(shown),
            },
            same=("source", "column"),
        )
    return [
        f"{record.name}: {column} ({_BETWEEN.join(cells[column][:CELLS_SHOWN])})" for column in new
    ]


def alert_unread_sheets(run: RunContext, record: SourceImport, sheets: Iterable[str]) -> list[str]:
    """Notify the administrators once of each sheet of a source that has rows and is not read, with
    one mail for a file. Return the file and each new sheet.
    """
    new = _not_named(run, UNREAD_SHEETS, record.source, sheets, key="sheet")
    if new:
        facts = {"source": record.source, "file": record.name, "sheet": _BETWEEN.join(new)}
        enqueue_alert(run, UNREAD_SHEETS, facts, same=("source", "sheet"))
    return [f"{record.name}: {sheet}" for sheet in new]


def alert_still_hidden(
    run: RunContext, record: SourceImport, tickets: Sequence[str]
) -> list[dict[str, object]]:
    """Notify the administrators of hidden reports whose rows do not hide them any more: they stay
    hidden until a person opens them. Return the facts for the artifact.
    """
    if not tickets:
        return []
    named = sorted(redact_and_truncate(ticket, 80) for ticket in tickets[:MOST_TICKETS])
    more = len(tickets) - len(named)
    facts = _facts(run.context, record)
    facts["reports"] = len(tickets)
    facts["ticket"] = _BETWEEN.join(named) + (f"{_BETWEEN}… (+{more})" if more else "")
    enqueue_alert(run, STILL_HIDDEN, facts, same=_SAME)
    return [facts]


def _not_named(
    run: RunContext, kind: str, source: str, columns: Iterable[str], key: str = "column"
) -> list[str]:
    """Return the columns of a source that no alert of a kind has named yet, in order."""
    left = set(columns)
    if left:
        for detail in earlier_mails.details_of_alerts(run.session, kind):
            if detail["source"] == source:
                left -= set(detail[key].split(_BETWEEN))
    return sorted(left)


def _facts(context: SiteContext, record: SourceImport) -> dict[str, object]:
    made = context.local(record.observed_at).isoformat(timespec="minutes")
    return {"source": record.source, "file": record.name, "made": made}


def alert_silent_source(run: RunContext, name: str) -> None:
    """Notify the administrators once that a source has had nothing new for too long."""
    last = imports.last(run.session, name)
    limit = timedelta(hours=run.site.sources[name].silent_after_hours)
    if last is not None and limit and run.now - last > limit:
        since = run.context.local(last).isoformat(timespec="minutes")
        facts = {"source": name, "since": since}
        enqueue_alert(run, SILENT_SOURCE, facts)


def alert_files_set_aside(run: RunContext, name: str, files: Iterable[tuple[str, str]]) -> None:
    """Notify the administrators once of each file that is not read any more, with the time since
    then.
    """
    for file, since in files:
        enqueue_alert(run, FILE_SET_ASIDE, {"source": name, "file": file, "since": since})


def alert_wrong_clock(run: RunContext, name: str, times: tuple[datetime, datetime] | None) -> None:
    """Ask the administrators once about a source with times ahead of ours, or behind by a zone.

    `times` are ours and the newest of the source.
    """
    if times is not None:
        ours, newest = (run.context.local(time).isoformat(timespec="minutes") for time in times)
        facts = {"source": name, "our_time": ours, "newest_time": newest}
        enqueue_alert(run, SOURCE_CLOCK, facts, same=("source",))
