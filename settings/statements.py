"""SQL that stands in a settings file: whether it only reads.

A word of warning while a site is written, not the lock on the door: that is the transaction, which
the database itself keeps read only.
"""

from __future__ import annotations

import re

_COMMENT = r"--[^\n]*|/\*(?!!).*?\*/"  # MySQL carries out what stands in /*! ... */
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
    """The query without its texts, quoted names and comments, in which anything may stand."""
    return _SILENT.sub(lambda found: " " if found["comment"] else "''", query)


def with_colons_kept(query: str) -> str:
    r"""The query for SQLAlchemy's `text`, which takes `:word` within quotes for a parameter too."""
    return _SILENT.sub(lambda found: found[0].replace(":", r"\:"), query)


def only_reads(query: str) -> str:
    """The one SELECT (or WITH ... SELECT) that this is, without comments and closing semicolon.

    Raises ValueError where it is anything else.
    """
    bare = bare_sql(query).strip().rstrip("; \t\r\n")
    first = _FIRST.match(bare)
    word = first.group(1) if first else ""
    if word.upper() not in ("SELECT", "WITH"):
        raise ValueError(f"must be one SELECT (or WITH ... SELECT), not '{word[:20]}'")
    if ";" in bare:
        raise ValueError("must be one statement; a `;` stands within it")
    if "/*!" in bare:
        raise ValueError("must not have a comment that MySQL carries out (/*! ... */)")
    writes = _WRITES.search(bare)
    if writes:
        raise ValueError(f"must only read; '{writes.group(1)}' stands in it")
    stripped = _SILENT.sub(lambda found: " " if found["comment"] else found[0], query)
    return stripped.strip().rstrip("; \t\r\n")
