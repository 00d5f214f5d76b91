"""Write a report as HTML, PDF, XLSX, JSON and CSV: one module for each format.

`writer` writes all of them. No format computes a figure.
"""

__all__ = ["json_csv", "logo", "restatement_text", "writer"]
