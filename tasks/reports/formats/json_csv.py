"""The tables for programs: canonical JSON, and CSV in long form, the same bytes every time.

Shares and days are rounded to six decimals: further digits of a float depend on the machine.
Moments are in UTC. A value withheld in the public edition is `"<"`.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Iterable
from dataclasses import asdict
from datetime import UTC, date, datetime
from typing import Any

from sla.metrics.table import Column, Row, Table
from sla.plain_text import formula_safe
from tasks.reports.model import Report

DECIMALS = 6
COLUMNS = ("table", "row", "column", "value")


def report_json(view: Report) -> str:
    """Format the whole report as JSON: tables with the tickets behind each row, and the notes."""
    notes = asdict(view.notes)
    whole = {
        "format": view.form,
        "site": view.site,
        "period": {"name": view.period_key, "first": view.first, "last": view.last},
        "as_of": view.as_of,
        "interim": view.interim,
        "edition": view.edition,
        "sha256": view.sha256,
        "tables": _tables(view.tables),
        "notes": notes,
        "ticket_link": view.ticket_link or None,
        "previous_report": asdict(view.earlier) if view.earlier else None,
    }
    return _canonical(whole)


def report_csv(view: Report) -> str:
    """Format a line for each cell: table, row, column, value; an empty value means none.

    The row of the sums has the key `total`. A text with the start of a spreadsheet formula gets an
    apostrophe in front.
    """
    kept = io.StringIO()
    writer = csv.writer(kept, lineterminator="\n")
    writer.writerow(COLUMNS)
    for table in view.tables:
        for row in (*table.rows, *([table.total] if table.total else [])):
            for column, cell in zip(table.columns, row.cells, strict=True):
                value = _plain(cell)
                text = formula_safe(value) if isinstance(value, str) else value
                writer.writerow((table.key, formula_safe(row.key), column.key, text))
    return kept.getvalue()


def plain_tables(tables: Iterable[Table]) -> Any:
    """Convert tables to their JSON form, without the complaints behind their rows."""
    return _plain(_tables(table.without_tickets() for table in tables))


def sha256_of(tables: Iterable[Table]) -> str:
    """Compute the checksum of figures and evidence: SHA-256 of the tables' canonical JSON."""
    return hashlib.sha256(_canonical(_tables(tables)).encode()).hexdigest()


def _tables(tables: Iterable[Table]) -> list[dict[str, Any]]:
    return [
        {
            "key": table.key,
            "of": table.of,
            "columns": [_column(column) for column in table.columns],
            "rows": [_row(table, row) for row in table.rows],
            **({"total": _row(table, table.total)} if table.total else {}),
        }
        for table in tables
    ]


def _column(column: Column) -> dict[str, Any]:
    found: dict[str, Any] = {"key": column.key, "measure": column.measure}
    return {**found, "of": column.of} if column.of else found


def _row(table: Table, row: Row) -> dict[str, Any]:
    cells = {column.key: cell for column, cell in zip(table.columns, row.cells, strict=True)}
    return {
        "key": row.key,
        "below_threshold": row.small,
        "tickets": list(row.tickets),
        "cells": cells,
        **({"measure": row.measure} if row.measure else {}),
        **({"of": dict(row.of)} if row.of else {}),
    }


def _canonical(value: Any) -> str:
    return json.dumps(_plain(value), ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def _plain(value: Any) -> Any:
    """Convert a value for JSON: rounded floats, days and moments in ISO 8601."""
    match value:
        case dict():
            return {key: _plain(each) for key, each in value.items()}
        case list() | tuple():
            return [_plain(each) for each in value]
        case float():
            rounded = round(value, DECIMALS)
            return int(rounded) if rounded.is_integer() else rounded
        case datetime():
            return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
        case date():
            return value.isoformat()
    return value
