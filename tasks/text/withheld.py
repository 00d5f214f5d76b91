"""Values of questions that are withheld: they may name the complainant."""

from __future__ import annotations

from tasks.text.catalog import catalog

_CUT = "…"
_SIGN, _APART = f"{_CUT}\x1f", "\x1f"
_LONGEST = 80
"""Most characters of a stored value."""


def withheld(file: str, position: str) -> str:
    """Return what is stored instead of a value that may name the complainant: the file and the line
    in which it is, if need be only the end of their names.
    """
    before = f"{_SIGN}{position[-_LONGEST // 2 :]}{_APART}"
    room = _LONGEST - len(before)
    return before + (file if len(file) <= room else _CUT + file[len(file) - room + 1 :])


def withheld_place(value: str) -> tuple[str, str] | None:
    """Return the file and the line of a withheld value; None for any other value."""
    if not value.startswith(_SIGN):
        return None
    position, _, file = value.removeprefix(_SIGN).partition(_APART)
    return file, position


def question_value(value: str, locale: str) -> str:
    """Return the value of a question; for a withheld one the reason, and where the cell is."""
    found = withheld_place(value)
    if found is None:
        return value
    file, line = found
    return catalog(locale)("questions.withheld", file=file, line=line)
