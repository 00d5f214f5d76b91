"""Errors that say by their class whether another try may help."""

from __future__ import annotations


class TransientError(Exception):
    """Something could not be reached now; the same step may succeed later."""
