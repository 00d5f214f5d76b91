"""The pure domain: calendar, directory, regulations, clocks, escalation, metrics.

Nothing here reads the system clock, the network, a database or the settings of a site. Time and
facts are arguments, and deadlines are return values.
"""

__all__ = [
    "calendar",
    "directory",
    "due_days",
    "engine",
    "error_text",
    "escalation",
    "events",
    "fair_notice",
    "fingerprint",
    "folding",
    "holds",
    "indonesian_holidays",
    "ladders",
    "mail_hours",
    "metrics",
    "periods",
    "plain_text",
    "regulations",
    "rung_decisions",
    "rung_times",
    "shards",
    "value_class",
]
