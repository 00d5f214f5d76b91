"""TOML that is parsed once: hundreds of tests open a site of the same files."""

from __future__ import annotations

import pickle
import tomllib
from functools import lru_cache
from typing import Any

_loads = tomllib.loads


@lru_cache(maxsize=256)
def _kept(text: str) -> bytes:
    return pickle.dumps(_loads(text))


def loads(text: str, /, **options: Any) -> dict[str, Any]:
    """Parse as `tomllib.loads` does; each caller has tables of its own, and errors are not kept."""
    if options or not isinstance(text, str):
        return _loads(text, **options)
    tables: dict[str, Any] = pickle.loads(_kept(text))
    return tables
