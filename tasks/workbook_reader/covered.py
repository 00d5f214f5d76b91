"""The value of a merged cell where it covers further rows."""

from __future__ import annotations


class CoveredCell(str):
    """The value of a merged cell, in a further row that it covers."""

    __slots__ = ()
