"""The files of a site, read and checked with pydantic: one module for each file.

A mistake is a `SettingsError` with file, key and remedy. `load_site` reads all of them as a `Site`.
"""

__all__ = [
    "calendar",
    "directory",
    "errors",
    "escalation",
    "mail_address",
    "mapping",
    "proxies",
    "report",
    "site",
    "sources",
    "sql_check",
]
