"""Hindsight: what of an earlier report would be other figures, had all been recorded in time.

A report tells it of the newest report of its own period that was kept, else of the period just
before. It hangs on nothing that was recorded after the report's own moment, so that a report made
twice tells the same.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from db import lateness
from db.models import Report
from sla.figures.shapes import HEADLINE, SHAPES
from sla.figures.table import Table
from sla.periods import Period, before, parse
from tasks.figuring import figured
from tasks.office import Office
from tasks.reporting.comparing import Difference, differences
from tasks.reporting.machine import FORMAT, plain_tables, sha256_of
from tasks.reporting.view import Changed, Earlier

COLUMNS = {
    "headline": ("value",),
    "by_unit": tuple(column.key for column in SHAPES["by_unit"][1]),
}
"""Whose changes are told: columns by table."""


def earlier_report(
    session: Session, office: Office, period: Period, as_of: datetime
) -> Earlier | None:
    """The report before one of this period and moment, and what of it would be others by then.

    Costs the figures of the earlier period once more, and twice where its file is lost. None where
    no earlier report was kept.
    """
    just_before = before(period)
    names = [period.name, *([just_before.name] if just_before else [])]
    report = lateness.kept_report(session, names, as_of)
    if report is None:
        return None
    span = parse(report.period, office.local(report.as_of).date())
    recorded, changed = lateness.recorded_late(session, report.as_of, as_of)
    looked = lateness.looked_at_later(session, report.as_of, as_of)
    rulebook = lateness.rulebook_since(session, report.as_of, as_of)
    changes: list[Changed] = []
    others = 0
    tables = _kept_tables(session, office, report, span)
    if tables is not None and (recorded or changed or looked or rulebook):
        found = figured(session, office, span, report.as_of, hindsight=as_of)
        for each in _in_order(differences(tables, plain_tables(found))):
            if each.column in COLUMNS.get(each.table, ()) and _named(each):
                change = Changed(each.table, each.row, each.column, each.kept, each.found)
                changes.append(change)
            else:
                others += 1
    return Earlier(
        period_key=span.name, first=span.first, last=span.last, as_of=report.as_of,
        file=Path(report.path).with_suffix(".json").name, sha256=report.sha256, recorded=recorded,
        changed=changed, looked=looked, rulebook=rulebook, changes=tuple(changes), others=others,
        kept=tables is not None,
    )  # fmt: skip


def _named(each: Difference) -> bool:
    """Whether this version of reports has a name for the figure; a kept one may be older."""
    return each.table != "headline" or each.row in dict(HEADLINE)


def _in_order(found: Iterable[Difference]) -> list[Difference]:
    """By table, row and column as they stand in a report; a file knows its columns by name only."""
    listed = list(found)
    tables = {key: number for number, key in enumerate(SHAPES)}
    rows = {key: number for number, key in enumerate(dict.fromkeys(each.row for each in listed))}

    def place(each: Difference) -> tuple[int, int, int]:
        columns = [column.key for column in SHAPES[each.table][1]] if each.table in SHAPES else []
        known = each.column in columns
        return (
            tables.get(each.table, len(tables)), rows[each.row],
            columns.index(each.column) if known else len(columns),
        )  # fmt: skip

    return sorted(listed, key=place)


def _kept_tables(session: Session, office: Office, report: Report, span: Period) -> Any:
    """The tables of a kept report, from its file or counted again; None where neither has them."""
    path = Path(report.path).with_suffix(".json")
    for place in (path, office.site.var / "reports" / path.name):
        kept = _read(place)
        if kept.get("format") == FORMAT and kept.get("sha256") == report.sha256:
            return kept["tables"]
    again: tuple[Table, ...] = figured(session, office, span, report.as_of)
    return plain_tables(again) if sha256_of(again) == report.sha256 else None


def _read(path: Path) -> dict[str, Any]:
    """A kept report without the complaints behind its figures, which may be many."""
    try:
        text = path.read_text(encoding="utf-8")
        kept = json.loads(text, object_hook=_without_tickets)
    except (OSError, ValueError):
        return {}
    return kept if isinstance(kept, dict) else {}


def _without_tickets(found: dict[str, Any]) -> dict[str, Any]:
    found.pop("tickets", None)
    return found
