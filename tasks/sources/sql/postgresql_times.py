"""Times of PostgreSQL that Python has no type for: `infinity`, days before Christ, `24:00:00`.

psycopg raises an error for such a value, and the whole answer would be lost. Only connections to
PostgreSQL load this module.
"""

from __future__ import annotations

from typing import Any, cast

from psycopg import DataError, abc, adapters
from psycopg.adapt import Loader
from psycopg.pq import Format

from tasks.sources.sql.conversion import Unconverted

_TYPES = ("timestamp", "timestamptz", "date", "time", "timetz", "interval")


def keep_unconverted(connection: Any) -> None:
    """Let a connection of psycopg return such times as :class:`Unconverted`."""
    own = cast(abc.AdaptContext, connection).adapters
    for name in _TYPES:
        oid = adapters.types[name].oid
        usual = adapters.get_loader(oid, Format.TEXT)
        if own is not None and usual is not None:
            own.register_loader(oid, _tolerant(usual))


def _tolerant(usual: type[abc.Loader]) -> type[Loader]:
    class TolerantLoader(Loader):
        def __init__(self, oid: int, context: abc.AdaptContext | None = None) -> None:
            super().__init__(oid, context)
            self._usual = usual(oid, context)

        def load(self, data: abc.Buffer) -> object:
            try:
                return self._usual.load(data)
            except (DataError, ValueError, OverflowError):
                return Unconverted(bytes(data).decode("utf-8", "replace"))

    return TolerantLoader
