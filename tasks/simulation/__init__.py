"""Replay the past under proposed rules or settings (`tenggat simulate`).

`simulate` runs the real steps on a copy of the database; `tally` counts what would have been sent.
"""

__all__ = ["simulate", "tally"]
