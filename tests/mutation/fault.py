"""A fault: one small change of the code."""

from __future__ import annotations

from dataclasses import dataclass

COMPARISON = "comparison flipped"
OFF_BY_ONE = "off by one"
CONDITION = "condition dropped"
SPLIT = "transaction split"
KINDS = (COMPARISON, OFF_BY_ONE, CONDITION, SPLIT)


@dataclass(frozen=True)
class Fault:
    """One fault. The fields from `start` on tell its place in the text that was read."""

    kind: str
    file: str
    line: int
    function: str
    """The qualified name of the function or class around it; empty at module level."""
    context: str
    """The text of its lines, with single blanks."""
    old: str
    new: str
    nth: int
    """Number among the faults of the file that are equal in everything above but the line."""

    start: int
    end: int
    text: str
    header: tuple[int, int]
    """First and last line of the statement around it, without the statements inside that one."""
    called: bool
    """Whether it runs when a function is called, and not when the module is imported."""
    names: tuple[str, ...]
    """The names that the statement binds, where it runs on import."""

    @property
    def identity(self) -> tuple[str | int, ...]:
        """Compares equal for the same fault in two trees."""
        place = (self.file, self.function, self.context)
        return (self.kind, *place, self.old, self.new, self.nth)

    def applied(self, source: bytes) -> bytes:
        """Return the source with the fault in it."""
        return source[: self.start] + self.text.encode() + source[self.end :]
