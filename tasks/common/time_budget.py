"""A budget of time: a step that may take only so long, whatever a server or a file does."""

from __future__ import annotations

from time import monotonic


class TimeBudget:
    """The seconds that a step may take from now on."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._ends = monotonic() + seconds

    @property
    def left(self) -> float:
        """Return the seconds that are left; 0 if the budget is spent."""
        return max(0.0, self._ends - monotonic())
