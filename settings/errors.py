"""What a site's files may have wrong with them."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError


class SettingsError(ValueError):
    """A site's file cannot be used; each line names file, key, mistake and remedy."""


class Strict(BaseModel):
    """A table of a settings file: an unknown key is a mistake, never ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def explained(path: Path, error: ValidationError, model: type[BaseModel] | None = None) -> str:
    """Pydantic's findings as one line each: file, key, what is wrong, nearest valid name."""
    lines = []
    for found in error.errors():
        key = ".".join(str(part) for part in found["loc"])
        text = found["msg"]
        if found["type"] == "extra_forbidden":
            text = f"unknown key{_nearest(str(found['loc'][-1]), _names(model, found['loc'][:-1]))}"
        elif found["type"] == "missing":
            text = "is missing"
        lines.append(f"{path}: {key}: {text}")
    return "\n".join(lines)


def nearest(word: str, known: Iterable[str]) -> str:
    """', did you mean ...?' where a known word is close, else the known words."""
    return _nearest(word, list(known))


def _nearest(word: str, known: list[str]) -> str:
    close = difflib.get_close_matches(word, known, n=1)
    if close:
        return f"; did you mean `{close[0]}`?"
    return f"; known are {', '.join(sorted(known))}" if known else ""


def _names(model: Any, loc: tuple[int | str, ...]) -> list[str]:
    """The keys that the table at `loc` may have, as far as the model tells."""
    for part in loc:
        fields = getattr(model, "model_fields", None)
        if fields is None or part not in fields:
            continue
        annotation = fields[part].annotation
        candidates = [annotation, *getattr(annotation, "__args__", ())]
        model = next((c for c in candidates if hasattr(c, "model_fields")), None)
    return list(getattr(model, "model_fields", {}))
