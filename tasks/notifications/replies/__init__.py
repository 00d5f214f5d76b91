"""Answers to notices: links with a token, and the answers that come back to the mailbox.

A statement of a unit is shown with the case; it stops no clock.
"""

__all__ = ["links", "match", "parse"]
