"""The watch's book: which causes are known, which were told, and what is to be told now."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from pydantic import BaseModel

from tasks.causes import ENDS_AT_ONCE, SEEN_TWICE, STOPS_ALL, Cause, Kind

REST = timedelta(days=1)
"""How long a cause whose end is not told must have been away before its return is told anew."""


class Known(BaseModel):
    """A cause that was noticed: when first, when it was last told, and since when it is gone."""

    kind: Kind
    facts: dict[str, str]
    noticed: datetime
    told: datetime | None = None
    gone: datetime | None = None


class Book(BaseModel):
    """All that the watch remembers; `runs_until` is up to when Prefect's runs were looked at."""

    began: datetime
    runs_until: datetime | None = None
    known: dict[str, Known] = {}

    @classmethod
    def read(cls, text: str | None, now: datetime) -> Book:
        """What was remembered; a new book where nothing was."""
        return cls.model_validate_json(text) if text else cls(began=now)

    def present(self, *kinds: Kind) -> list[str]:
        """The keys of what is known, has been told and is not over; of all kinds if none named."""
        return [
            key
            for key, cause in self.known.items()
            if cause.told and not cause.gone and (not kinds or cause.kind in kinds)
        ]

    @property
    def stopped(self) -> bool:
        """Whether something stands that an external monitor shall learn of."""
        return bool(self.present(*STOPS_ALL))


@dataclass(slots=True)
class Telling:
    """What is to be told: new causes, those that last, and those that are over."""

    new: list[Known] = field(default_factory=list)
    again: list[Known] = field(default_factory=list)
    well: list[Known] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.new or self.again or self.well)

    def detail(self) -> dict[str, Any]:
        """As it is kept with the mail that tells it."""
        return {
            part: [{"kind": str(each.kind), "facts": each.facts} for each in getattr(self, part)]
            for part in ("new", "again", "well")
        }


def reckon(
    book: Book, found: Iterable[Cause], looked_at: Collection[Kind], now: datetime, again: timedelta
) -> Telling:
    """Bring the book to what was found, and say what is to be told of it.

    Each cause is told once: when it has been noticed for as long as its kind asks for, and again
    where it lasts for another `again`. Kinds that were not looked at stay as they are.
    """
    telling = Telling()
    causes = {cause.key: cause for cause in found}
    for key, cause in causes.items():
        known = book.known.setdefault(
            key, Known(kind=cause.kind, facts=dict(cause.facts), noticed=now)
        )
        known.gone = None
        if known.told is None or cause.kind not in ENDS_AT_ONCE:
            known.facts = dict(cause.facts)  # else what is over would begin later than was told
        if known.told is None:
            if now - known.noticed >= SEEN_TWICE.get(cause.kind, timedelta(0)):
                known.told = now
                telling.new.append(known)
        elif now - known.told >= again:
            known.told, known.facts = now, dict(cause.facts)
            telling.again.append(known)
    for key, known in list(book.known.items()):
        if key in causes or known.kind not in looked_at:
            continue
        known.gone = known.gone or now
        if known.told is None:
            del book.known[key]
        elif known.kind in ENDS_AT_ONCE:
            telling.well.append(book.known.pop(key))
        elif now - known.gone >= REST:
            del book.known[key]
    return telling
