"""The metrics of a compliance report: each is defined once, for all formats.

A case is encoded after its evaluation; tables are computed from columns of encoded cases.
"""

__all__ = [
    "case",
    "columns",
    "comparison",
    "definitions",
    "duty_list",
    "encoding",
    "recount",
    "superiors",
    "table",
    "tables",
    "versions",
]
