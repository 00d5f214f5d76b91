"""The files of a site, read and checked with pydantic: one module for each file.

A mistake is a `SettingsError` with file, key and remedy. `load_site` reads all of them as a `Site`.
"""

from settings.errors import SettingsError
from settings.site import Site, load_site

__all__ = [
    "SettingsError",
    "Site",
    "calendar",
    "directory",
    "errors",
    "escalation",
    "load_site",
    "mail_address",
    "mapping",
    "proxies",
    "report",
    "site",
    "sources",
    "sql_check",
]
