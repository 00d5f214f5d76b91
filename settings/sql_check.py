"""Checks of the SQL in a settings file: a query must only read.

The check gives an early warning while an administrator writes the settings. It is not the
protection itself: that is the transaction, which the database keeps read only.
"""

from __future__ import annotations

import re

_COMMENT = r"--[^\n]*|/\*(?!!).*?\*/"  # MySQL executes the text inside /*! ... */
_QUOTED = (
    r"'(?:[^']|'')*'"  # a text
    r'|"(?:[^"]|"")*"|`[^`]*`'  # a name
    r"|\$(?P<tag>\w*)\$.*?\$(?P=tag)\$"  # a text, as PostgreSQL may have it
)
_SILENT = re.compile(f"(?P<comment>{_COMMENT})|{_QUOTED}", re.DOTALL)
_FIRST = re.compile(r"[\s(]*(\w+)")
_WRITES = re.compile(
    r"\b(insert|update|delete|merge|into|truncate|drop|alter|create|grant|revoke|call|lock)\b"
    r"(?!\s*\()",  # a function of this name
    re.IGNORECASE,
)


def bare_sql(query: str) -> str:
    """Return the query without comments and with empty strings for literals and quoted names.

    These parts may contain any characters and must not be searched.
    """
    return _SILENT.sub(lambda found: " " if found["comment"] else "''", query)


def with_colons_kept(query: str) -> str:
    """Escape the colons inside quotes and comments, for SQLAlchemy's `text`.

    SQLAlchemy would otherwise take a `:word` inside quotes for a parameter.
    """
    return _SILENT.sub(lambda found: found[0].replace(":", r"\:"), query)


def only_reads(query: str) -> str:
    """Return the query without comments and closing semicolon.

    Raises ValueError unless it is exactly one SELECT (or WITH ... SELECT).
    """
    bare = bare_sql(query).strip().rstrip("; \t\r\n")
    first = _FIRST.match(bare)
    word = first.group(1) if first else ""
    if word.upper() not in ("SELECT", "WITH"):
        raise ValueError(f"must be one SELECT (or WITH ... SELECT), not '{word[:20]}'")
    if ";" in bare:
        raise ValueError("must be one statement, but it contains a `;`")
    if "/*!" in bare:
        raise ValueError("must not have a comment that MySQL carries out (/*! ... */)")
    writes = _WRITES.search(bare)
    if writes:
        raise ValueError(f"must only read, but it contains '{writes.group(1)}'")
    stripped = _SILENT.sub(lambda found: " " if found["comment"] else found[0], query)
    return stripped.strip().rstrip("; \t\r\n")
