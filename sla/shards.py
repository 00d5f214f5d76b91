"""Shards: the units of a government divided among runs at the same time."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Shard:
    """The `number`-th of `of` shards, numbered from 1. The shard 1/1 is everything."""

    number: int = 1
    of: int = 1

    @classmethod
    def parse(cls, text: str) -> Shard:
        """Parse `2/3`; the empty text means everything. Raises ValueError for anything else."""
        if not text:
            return cls()
        found = re.fullmatch(r"([1-9]\d{0,3})/([1-9]\d{0,3})", text)
        if not found or int(found[1]) > int(found[2]):
            raise ValueError(f"'{text}' is no part; write 1/3, 2/3 or 3/3")
        return cls(int(found[1]), int(found[2]))

    @property
    def is_all(self) -> bool:
        """Check whether this is the only shard."""
        return self.of == 1

    def units(self, units: Iterable[str]) -> tuple[str, ...]:
        """Return the units that belong to this shard: each unit belongs to exactly one."""
        return tuple(sorted(units)[self.number - 1 :: self.of])

    @property
    def takes_the_rest(self) -> bool:
        """Check whether this shard also has the cases without a unit or with an unknown unit."""
        return self.number == 1

    def __str__(self) -> str:
        return "" if self.is_all else f"{self.number}/{self.of}"


EVERYTHING = Shard()
"""The single shard 1/1."""
