"""Parts: the units of a government divided among runs that go on at the same time."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Part:
    """The `number`-th of so many parts, the first being 1. The one of one is everything."""

    number: int = 1
    of: int = 1

    @classmethod
    def parse(cls, text: str) -> Part:
        """Read `2/3`; the empty text is everything. Raises ValueError for anything else."""
        if not text:
            return cls()
        found = re.fullmatch(r"([1-9]\d{0,3})/([1-9]\d{0,3})", text)
        if not found or int(found[1]) > int(found[2]):
            raise ValueError(f"'{text}' is no part; write 1/3, 2/3 or 3/3")
        return cls(int(found[1]), int(found[2]))

    @property
    def is_all(self) -> bool:
        """Whether nothing is left to another part."""
        return self.of == 1

    def units(self, units: Iterable[str]) -> tuple[str, ...]:
        """Those of these units that are of this part: every one is of exactly one."""
        return tuple(sorted(units)[self.number - 1 :: self.of])

    @property
    def takes_the_rest(self) -> bool:
        """Whether this part has what belongs to no unit, or to one that nobody knows."""
        return self.number == 1

    def __str__(self) -> str:
        return "" if self.is_all else f"{self.number}/{self.of}"


EVERYTHING = Part()
"""The one part of one."""
