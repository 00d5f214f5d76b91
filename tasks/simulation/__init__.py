"""Replay the past under proposed rules or settings (`tenggat simulate`), and preview the mails.

`preview` composes the next mails without a trace. `simulate` runs the real steps on a copy of the
database; `tally` counts what would have been sent.
"""

__all__ = ["preview", "simulate", "tally"]
