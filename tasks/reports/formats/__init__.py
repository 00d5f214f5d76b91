"""Write a report as HTML, PDF, XLSX, JSON and CSV: a module or a package for each format.

`writer` writes all of them, `evidence_card` the card of one complaint. No format computes a figure.
"""

__all__ = [
    "evidence_card",
    "json_csv",
    "logo",
    "method_text",
    "restatement_text",
    "writer",
    "xlsx_rows",
]
