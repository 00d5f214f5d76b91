"""Used everywhere in tasks: site context, dates, redaction, retries, errors, whole files.

It knows no source, no mail and no report.
"""

__all__ = [
    "confirmed_rules",
    "context",
    "dates",
    "errors",
    "flexible_dates",
    "garbage",
    "helper_process",
    "helpers",
    "limited_http",
    "limited_socket",
    "loopback",
    "notified",
    "privacy_marks",
    "redaction",
    "remarks",
    "retry",
    "rolled_back",
    "similar_units",
    "table_lines",
    "time_budget",
    "unit_names",
    "whole_files",
    "work_folder",
]
