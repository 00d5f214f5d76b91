"""What `tenggat init` and `tenggat source learn` say about a mapping learned from a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from cli.language.words import language, say

if TYPE_CHECKING:  # loads much
    from tasks.ingest.inference.proposal import Learned


def remarks(learned: Learned, name: str, folder: Path | None) -> list[str]:
    """Return what a person should check in the mapping of a source, and where its other rows are.

    `folder` is the folder of the site; None without one.
    """
    lines = [each.text(language()) for each in learned.doubts]
    unread = learned.rows - learned.readable
    if unread and folder is not None:
        lines.append(say("source.left_out", n=unread, name=name, folder=folder))
    return lines
