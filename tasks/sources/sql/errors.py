"""Explain errors of another system's database, without its URL and without any row."""

from __future__ import annotations

import re

from sqlalchemy.exc import DataError, DBAPIError

from settings.sources import SqlSource

_SQLSTATES = {
    "28P01": "login",
    "28000": "login",
    "3D000": "database",
    "42P01": "table",
    "42703": "column",
    "42501": "permission",
    "25006": "writes",
    "57014": "slow",
    "55P03": "slow",
    "42601": "syntax",
    "53300": "busy",
    "57P03": "busy",
}
_MYSQL_CODES = {
    1045: "login",
    1044: "database",
    1698: "login",
    1049: "database",
    1146: "table",
    1054: "column",
    1142: "permission",
    1143: "permission",
    1370: "permission",
    1792: "writes",
    3024: "slow",
    1969: "slow",
    1205: "slow",
    1064: "syntax",
    1040: "busy",
    2013: "lost",
    2006: "lost",
}
_WORDS = (  # for drivers without an error code: SQLite, and PostgreSQL while connecting
    ("no such table", "table"),
    ("no such column", "column"),
    ("readonly", "writes"),
    ("database is locked", "slow"),
    ("syntax error", "syntax"),
    ("not a database", "file"),
    ("password authentication failed", "login"),
    ("no password supplied", "login"),
    ("authentication failed", "login"),
    ("no pg_hba.conf entry", "login"),
    ("role ", "login"),
    ("database ", "database"),
    ("too many clients", "busy"),
    ("certificate verify failed", "certificate"),
    ("ssl", "certificate"),
)
_NAMES = re.compile(
    r"""no\ such\ (?:table|column):\ (?P<sqlite>[\w.]+)
    |(?:relation|column)\ "?(?P<postgresql>[\w.]+)"?\ does\ not\ exist
    |Table\ '(?:[^'.]+\.)?(?P<table>\w+)'\ doesn't\ exist
    |Unknown\ column\ '(?P<column>[\w.]+)'""",
    re.VERBOSE,
)


class UnconvertibleError(Exception):
    """The database cannot convert a value: why, and where as far as the answer shows it."""

    def __init__(self, cause: str, where: str = "") -> None:
        super().__init__(cause)
        self.cause, self.where = cause, where


def is_unconvertible(error: DBAPIError) -> bool:
    """Check whether the database cannot convert or compute a value of a row.

    That is a data exception, class 22 of SQLSTATE. PyMySQL has another type of error for some.
    """
    state = getattr(error.orig, "sqlstate", None) or ""
    return isinstance(error, DataError) or state.startswith("22")


def cause(error: DBAPIError, source: SqlSource) -> str:
    """Describe the error and the remedy; table and column names are those of the query."""
    found = _kind(error)
    variable = source.url_variable
    named = _NAMES.search(str(error.orig))
    what = f" '{next(part for part in named.groups() if part)}'" if named else ""
    texts = {
        "login": f"the database refuses the login; correct user and password in {variable}",
        "database": f"there is no such database, or the user may not open it; see {variable}",
        "table": f"there is no table{what}; correct the query in sources.toml",
        "column": f"there is no column{what}; correct the query in sources.toml",
        "permission": "the user may not read what the query asks for; grant SELECT",
        "writes": "the query would change something; it must only read",
        "slow": f"no answer within {source.timeout_seconds:g} seconds (timeout_seconds)",
        "syntax": "the database does not understand the query; correct it in sources.toml",
        "busy": "the database takes no more connections now",
        "lost": f"the connection was lost, or there was no answer within"
        f" {source.timeout_seconds:g} seconds (timeout_seconds)",
        "file": f"the file of {variable} is no SQLite database",
        "certificate": f"no secure connection; see the certificate and the options of {variable}",
    }
    if found in texts:
        return texts[found]
    code = getattr(error.orig, "sqlstate", None) or _code(error)
    mark = f" (error {code})" if code else ""
    if is_unconvertible(error):
        return (
            f"the database cannot carry out the query{mark}: it converts a value that does not"
            " allow it"
        )
    if error.statement is None:
        return f"the database cannot be reached{mark}; see {variable}"
    return f"the database cannot carry out the query{mark}; check it in sources.toml"


def _kind(error: DBAPIError) -> str:
    orig = error.orig
    code = _code(error)
    if code:
        return _MYSQL_CODES.get(code, "")
    state = getattr(orig, "sqlstate", None)
    if state:
        return _SQLSTATES.get(state, "")
    said = str(orig).casefold()
    return next((kind for words, kind in _WORDS if words in said), "")


def _code(error: DBAPIError) -> int | None:
    first = error.orig.args[0] if error.orig is not None and error.orig.args else None
    return first if isinstance(first, int) else None
