"""Rows of sources become complaints and events, or wait in quarantine.

`importer` is the entry for an extract. Parsing, validation, questions about unreadable cells, and
the comparison of snapshots are internal.
"""

__all__ = [
    "answers",
    "changes",
    "counted_rows",
    "exchange",
    "importer",
    "inference",
    "officials",
    "preview",
    "quarantine_retry",
    "row_drop",
    "source_count",
]
