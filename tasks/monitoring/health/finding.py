"""The result of one check."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check, with the remedy."""

    level: str
    """Severity: good, note or trouble."""
    what: str
    """The observation, in one line."""
    remedy: str = ""
    """What the administrator should do."""
    counted: str = ""
    """The kind of findings that a short list counts and does not list, e.g. `vacancies`."""
