"""Propose a mapping for a file that has none (`tenggat source learn`).

Column types and the vocabulary of headers are internal.
"""

__all__ = ["proposal", "unlearnable"]
