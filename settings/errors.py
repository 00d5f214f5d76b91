"""The mistakes in the files of a site: their type, their texts, and the strict models."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from datetime import time
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

from sla.error_text import closest, did_you_mean
from sla.regulations.toml_errors import explain

LOCALES = ("id", "en")
"""The languages available for mails and reports."""


class SettingsError(ValueError):
    """A file of a site cannot be used; each line has the file, the key, the mistake and the
    remedy.
    """


_DAY = "must be a day, as 2026-12-31"
_TIME = 'must be a time in quotes, as "08:00"'
_TABLE = "must be a table: [name] and its keys below it, or { key = value }"

_KINDS = {
    "time_parsing": _TIME,
    "time_type": _TIME,
    "date_type": _DAY,
    "date_parsing": _DAY,
    "date_from_datetime_parsing": _DAY,
    "date_from_datetime_inexact": _DAY,
    "model_type": _TABLE,
    "model_attributes_type": _TABLE,
    "dict_type": _TABLE,
    "missing": "is missing",
}
"""The texts for kinds of error of pydantic whose own text does not say what to write."""


class Strict(BaseModel):
    """A table of a settings file. An unknown key is a mistake and never ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def _known_zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (KeyError, ValueError, OSError):  # unknown; no name at all; a folder of zones
        raise ValueError(f"'{value}' is no time zone; write for example Asia/Makassar") from None
    return value


Zone = Annotated[str, AfterValidator(_known_zone)]
"""The name of a time zone."""


def _no_number(value: object) -> object:
    if isinstance(value, int | float):  # pydantic takes it as seconds after midnight in UTC
        raise ValueError(_TIME)
    return value


ClockTime = Annotated[time, BeforeValidator(_no_number)]
"""A time of the day."""


def read_toml(path: Path, purpose: str) -> dict[str, Any]:
    """Read the tables of a settings file.

    `purpose` is the text of the error for an absent file. Raises :class:`SettingsError` if the file
    is absent, not valid TOML, or not in UTF-8.
    """
    if not path.is_file():
        raise SettingsError(f"{path}: no such file; {purpose}")
    text = ""
    try:
        text = path.read_text(encoding="utf-8-sig")
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        line, mistake = explain(error, text)
        raise SettingsError(f"{path}: line {line}: {mistake}") from None
    except UnicodeDecodeError:
        raise SettingsError(f"{path}: not in UTF-8; save it as UTF-8") from None


def explained(
    path: Path,
    error: ValidationError,
    model: type[BaseModel] | None = None,
    under: tuple[str, ...] = (),
) -> str:
    """Format the errors of pydantic as one line each: file, key, mistake, and nearest valid name.

    `under` is the path of the model in the file. A required key that is only misspelt has one line.
    """
    errors = error.errors()
    meant = {place for found in errors if (place := _meant(model, found)) is not None}
    lines = []
    for found in errors:
        if found["type"] == "missing" and found["loc"] in meant:
            continue  # the line of the misspelt key names it
        key = _key((*under, *found["loc"]))
        text = found["msg"].removeprefix("Value error, ")
        if found["type"] == "extra_forbidden":
            known = _names(model, found["loc"][:-1])
            text = f"unknown key{did_you_mean(str(found['loc'][-1]), known)}"
            if _belongs_to_the_top(model, found["loc"]):
                text = (
                    "unknown key; it belongs at the beginning of the file, before the first [table]"
                )
        else:
            text = _KINDS.get(found["type"], text)
        lines.append(f"{path}: {key}: {text}" if key else f"{path}: {text}")
    return "\n".join(lines)


def _belongs_to_the_top(model: type[BaseModel] | None, loc: tuple[int | str, ...]) -> bool:
    """Check whether an unknown key of a table is one of the file itself.

    TOML reads every key below a [table] as one of that table.
    """
    *table, key = loc
    return bool(table) and key in _names(model, ()) and not _names(model, (key,))


def _meant(model: type[BaseModel] | None, found: ErrorDetails) -> tuple[int | str, ...] | None:
    """Return the key that an unknown key is most like; None for another error."""
    if found["type"] != "extra_forbidden":
        return None
    *table, written = found["loc"]
    near = closest(str(written), sorted(_names(model, tuple(table))))
    return None if near is None else (*table, near)


def _key(loc: Iterable[str | int]) -> str:
    """Format the parts of a key, with the tables of a list numbered from 1: 'status #2.enter'."""
    text = ""
    for part in loc:
        text += f" #{part + 1}" if isinstance(part, int) else f".{part}" if text else part
    return text


def _names(model: Any, loc: tuple[int | str, ...]) -> list[str]:
    """Return the keys allowed in the table at `loc`, as far as the model declares them."""
    for part in loc:
        fields = getattr(model, "model_fields", None)
        if fields is None or part not in fields:
            continue
        annotation = fields[part].annotation
        candidates = [annotation, *getattr(annotation, "__args__", ())]
        model = next((c for c in candidates if hasattr(c, "model_fields")), None)
    return list(getattr(model, "model_fields", {}))
