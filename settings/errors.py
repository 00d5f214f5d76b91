"""What a site's files may have wrong with them."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError

LOCALES = ("id", "en")
"""The languages that people can be written to in."""


class SettingsError(ValueError):
    """A site's file cannot be used; each line names file, key, mistake and remedy."""


class Strict(BaseModel):
    """A table of a settings file: an unknown key is a mistake, never ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def _known_zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (KeyError, ValueError, OSError):  # unknown; no name at all; a folder of zones
        raise ValueError(f"'{value}' is no time zone; write for example Asia/Makassar") from None
    return value


Zone = Annotated[str, AfterValidator(_known_zone)]
"""The name of a time zone."""


def read_toml(path: Path, purpose: str) -> dict[str, Any]:
    """The tables of a settings file; `purpose` tells what is missing where it is absent."""
    if not path.is_file():
        raise SettingsError(f"{path}: no such file; {purpose}")
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path}: {error}") from None
    except UnicodeDecodeError:
        raise SettingsError(f"{path}: not in UTF-8; save it as UTF-8") from None


def explained(
    path: Path,
    error: ValidationError,
    model: type[BaseModel] | None = None,
    under: tuple[str, ...] = (),
) -> str:
    """Pydantic's findings as one line each: file, key, what is wrong, nearest valid name.

    `under` is where in the file the model stands.
    """
    lines = []
    for found in error.errors():
        key = _key((*under, *found["loc"]))
        text = found["msg"].removeprefix("Value error, ")
        if found["type"] == "extra_forbidden":
            text = f"unknown key{_nearest(str(found['loc'][-1]), _names(model, found['loc'][:-1]))}"
        elif found["type"] == "missing":
            text = "is missing"
        lines.append(f"{path}: {key}: {text}" if key else f"{path}: {text}")
    return "\n".join(lines)


def _key(loc: Iterable[str | int]) -> str:
    """'status #2.enter': the parts of a key, the tables of a list numbered from 1."""
    text = ""
    for part in loc:
        text += f" #{part + 1}" if isinstance(part, int) else f".{part}" if text else part
    return text


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
