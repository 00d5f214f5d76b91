"""Finding: one thing that the doctor has looked at."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at: `level` is good, note or trouble; `remedy` is what to do."""

    level: str
    what: str
    remedy: str = ""
