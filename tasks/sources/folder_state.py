"""The state of the files that an import may read, without reading them."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

from settings.site import Site

DEEPEST = 4
"""The number of folder levels below a source's folder that count."""


def folder_state(site: Site) -> str:
    """Return a hash of the names, sizes and times of all files of the sources and of the site.

    The site's own files count because they decide how the others are read. A folder that cannot be
    read has a state of its own.
    """
    places = [site.folder]
    for source in site.sources.values():
        if (place := source.files_in(site.folder)) is not None:
            places.append(place)
    state = hashlib.sha256()
    for place in places:
        depth = 0 if place == site.folder else DEEPEST
        for line in sorted(_files(place, depth)):
            state.update(line.encode("utf-8", "surrogateescape") + b"\n")
        state.update(b"\n")
    return state.hexdigest()


def _files(folder: Path, depth: int) -> Iterator[str]:
    try:
        entries = list(os.scandir(folder))
    except OSError as error:
        yield f"{folder} {type(error).__name__}"
        return
    for entry in entries:
        if entry.is_dir(follow_symlinks=False):
            if depth:
                yield from _files(Path(entry.path), depth - 1)
            continue
        try:
            found = entry.stat()
        except OSError:
            continue  # it has just been moved
        yield f"{entry.path} {found.st_size} {found.st_mtime_ns} {found.st_ino}"
