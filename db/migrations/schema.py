"""The whole schema: the tables of `db.models`, and their indexes with options of one database.

SQLAlchemy loads every driver of PostgreSQL for such an index. Only what makes or compares a schema
needs them.
"""

from __future__ import annotations

from sqlalchemy import Index, text

from db.models import Base, Complaint, EventRow, QuarantineRow

SCHEMA = Base.metadata
"""All tables with all their indexes."""

_HAS_METRICS, _OPEN = text("metrics_last_day > 0"), text("resolved_at IS NULL")

Index(
    "ix_complaint_metrics_last_day",
    Complaint.metrics_last_day,
    sqlite_where=_HAS_METRICS,
    postgresql_where=_HAS_METRICS,
)
Index("ix_event_recorded_at", EventRow.recorded_at, postgresql_using="brin")
Index(
    "ux_quarantine_open",
    QuarantineRow.source,
    QuarantineRow.fingerprint,
    unique=True,
    sqlite_where=_OPEN,
    postgresql_where=_OPEN,
)
