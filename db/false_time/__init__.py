"""Undo what runs at a false time have decided, after the machine's clock was ahead.

`undo` removes decisions and unsent mails; `shift` moves the times of records that stay.
"""

__all__ = ["shift", "undo"]
