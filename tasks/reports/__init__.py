"""Reports: tables of metrics with their notes, overview, restatement and public edition.

`builder` builds a report, `model` is its content, `verify` makes an earlier one again.
"""

__all__ = [
    "audit_heads",
    "builder",
    "diff",
    "formats",
    "labels",
    "model",
    "overview",
    "public_edition",
    "verify",
]
