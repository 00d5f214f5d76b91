"""The registry of the kinds of source: one class for each, by the `kind` of its settings."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from typing import Any, TypeVar

from settings.site import Site
from tasks.sources.base import Source

SOURCES: dict[str, type[Source[Any]]] = {}
"""The classes that were loaded so far, by kind."""

SourceClass = TypeVar("SourceClass", bound=type[Source[Any]])


def source_kind(kind: str) -> Callable[[SourceClass], SourceClass]:
    """Register a class as the reader of a kind of source."""

    def register(found: SourceClass) -> SourceClass:
        SOURCES[kind] = found
        return found

    return register


def open_source(site: Site, name: str) -> Source[Any]:
    """Return a source of the site, ready to be read once.

    The class of a kind is in the module `tasks.sources.KIND`, or in `tasks.sources.KIND.source` if
    that is a package. It is loaded when it is first needed: a site with files only never loads the
    libraries for mail and HTTP.
    """
    settings = site.sources[name]
    if settings.kind not in SOURCES:
        module = f"tasks.sources.{settings.kind}"
        spec = find_spec(module)
        is_package = spec is not None and spec.submodule_search_locations is not None
        import_module(f"{module}.source" if is_package else module)
    return SOURCES[settings.kind](site, name, settings)
