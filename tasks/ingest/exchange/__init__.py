"""The exchange format, in which one installation gives complaints to another.

`reader` reads its lines, `origins` stores what the other installation states about its sources, and
`writer` exports the complaints of this one.
"""

__all__ = ["origins", "reader", "writer"]
