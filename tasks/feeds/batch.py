"""What every kind of source hands over: rows with their header, seen at one moment."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

Row = tuple[int, tuple[str, ...]]
"""A line number, or the place in an answer, and the cells."""


class SourceTrouble(ValueError):
    """A source, or a part of it, cannot be read; the message says why and what to do.

    `far` is a source on another machine: it may answer when it is asked again.
    """

    far = False


class NotYet(SourceTrouble):
    """A file is still being written; nothing of it is taken, and the next run looks again."""


class UnreadableFile(SourceTrouble):
    """A file cannot be read at all."""


class WrongMapping(UnreadableFile):
    """A file can be read and is not laid out as the mapping in `sources.toml` says."""


@dataclass(frozen=True, slots=True)
class About:
    """What another installation tells of a source of its own, before its complaints.

    `sees` and `shown_later` are as in a mapping; it was looked at until `looked_until`.
    """

    source: str
    system: str | None
    sees: frozenset[str]
    shown_later: Mapping[str, int]
    looked_until: datetime | None


@dataclass(frozen=True, slots=True)
class Batch:
    """One look at a source: a file, or the answer to one question.

    `sha256` is that of its content, by which it is known again. `rows` is read once, in order.
    `cursor` is where the next look begins once this one is in, for sources that go on from there;
    `done` is called when it is. `about` are the sources of another installation that it tells of.
    """

    name: str
    sha256: str
    observed_at: datetime
    header: tuple[str, ...]
    rows: Iterable[Row]
    cursor: str | None = None
    done: Callable[[], None] | None = None
    about: tuple[About, ...] = ()
