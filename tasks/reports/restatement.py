"""Restatement: the metrics of an earlier report that would differ with all records in time.

A report restates the newest stored report of its own period, else of the period just before. The
restatement does not depend on anything recorded after the report's own moment, so that a report
made twice shows the same.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from db import late_records
from db.models import ReportRow
from sla.metrics.definitions import HEADLINE, SHAPES
from sla.metrics.table import Table
from sla.periods import Period, before, parse
from tasks.common.context import SiteContext
from tasks.reports.compute import compute_tables
from tasks.reports.diff import Difference, diff_reports
from tasks.reports.formats.json_csv import plain_tables, sha256_of
from tasks.reports.model import FORM, FORMS, Changed, Earlier

COLUMNS = {
    "headline": ("value",),
    "by_unit": tuple(column.key for column in SHAPES["by_unit"][1]),
}
"""The columns, by table, with changes that the report lists."""


def earlier_report(
    session: Session, context: SiteContext, period: Period, as_of: datetime
) -> Earlier | None:
    """Return the report before this period and moment, and its metrics that would now differ.

    The cost is one more evaluation of the earlier period, or two if its file is lost. Returns None
    if no earlier report is stored.
    """
    just_before = before(period)
    names = [period.name, *([just_before.name] if just_before else [])]
    report = late_records.kept_report(session, names, as_of)
    if report is None:
        return None
    span = parse(report.period, context.local(report.as_of).date())
    recorded, changed = late_records.recorded_late(session, report.as_of, as_of)
    looked = late_records.looked_at_later(session, report.as_of, as_of)
    ruleset = late_records.ruleset_since(session, report.as_of, as_of)
    changes: list[Changed] = []
    others = 0
    form, tables = _kept_tables(session, context, report, span)
    if tables is not None and (recorded or changed or looked or ruleset):
        found = compute_tables(session, context, span, report.as_of, hindsight=as_of, form=form)
        for each in _in_order(diff_reports(tables, plain_tables(found))):
            if each.column in COLUMNS.get(each.table, ()) and _named(each):
                change = Changed(each.table, each.row, each.column, each.kept, each.found)
                changes.append(change)
            else:
                others += 1
    return Earlier(
        period_key=span.name,
        first=span.first,
        last=span.last,
        as_of=report.as_of,
        file=Path(report.path).with_suffix(".json").name,
        sha256=report.sha256,
        recorded=recorded,
        changed=changed,
        imported=looked,
        ruleset=ruleset,
        changes=tuple(changes),
        others=others,
        kept=tables is not None,
    )


def _named(each: Difference) -> bool:
    """Check whether this version of reports knows the metric; a stored report may be older."""
    return each.table != "headline" or each.row in dict(HEADLINE)


def _in_order(found: Iterable[Difference]) -> list[Difference]:
    """Sort by table, row and column in the order of a report; a file knows its columns only by
    name.
    """
    listed = list(found)
    tables = {key: number for number, key in enumerate(SHAPES)}
    rows = {key: number for number, key in enumerate(dict.fromkeys(each.row for each in listed))}

    def place(each: Difference) -> tuple[int, int, int]:
        columns = [column.key for column in SHAPES[each.table][1]] if each.table in SHAPES else []
        known = each.column in columns
        return (
            tables.get(each.table, len(tables)),
            rows[each.row],
            columns.index(each.column) if known else len(columns),
        )

    return sorted(listed, key=place)


def _kept_tables(
    session: Session, context: SiteContext, report: ReportRow, span: Period
) -> tuple[str, Any]:
    """Return the form and the tables of a stored report from its file, else by a new evaluation.

    The tables are None if neither gives those of the stored checksum.
    """
    path = Path(report.path).with_suffix(".json")
    for place in (path, context.site.var / "reports" / path.name):
        kept = _read(place)
        if kept.get("format") in FORMS and kept.get("sha256") == report.sha256:
            return kept["format"], kept["tables"]
    for form in reversed(FORMS):
        again: tuple[Table, ...] = compute_tables(session, context, span, report.as_of, form=form)
        if sha256_of(again) == report.sha256:
            return form, plain_tables(again)
    return FORM, None


def _read(path: Path) -> dict[str, Any]:
    """Return a stored report without the tickets behind its metrics, because they may be many."""
    try:
        text = path.read_text(encoding="utf-8")
        kept = json.loads(text, object_hook=_without_tickets)
    except (OSError, ValueError):
        return {}
    return kept if isinstance(kept, dict) else {}


def _without_tickets(found: dict[str, Any]) -> dict[str, Any]:
    found.pop("tickets", None)
    return found
