"""Print a report: its pages, the sizes of its tables, and Typst, which sets the pages.

`report` prints a report. `typesetting`, `font_metrics` and `line_breaks` serve each printed page.
"""

__all__ = ["font_metrics", "line_breaks", "report", "tables", "typesetting"]
