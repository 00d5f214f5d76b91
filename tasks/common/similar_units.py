"""Compare names of units: two names that differ by a typing error are perhaps one unit."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from difflib import SequenceMatcher

from tasks.common.unit_names import plain_words

LEAST = 0.8
"""Two names less alike than this are not compared word by word."""

TYPING_ERRORS = {5: 1, 12: 2}
"""The most typing errors by the least number of letters of what differs in two similar names."""

_NUMBER = re.compile(r"\d+|[ivx]+|[a-z]", re.IGNORECASE)

Words = tuple[str, ...]
"""The words of a name, as `plain_words` gives them."""


def similar_unit(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that another one may mean, or None if none is similar."""
    words = plain_words(name)
    return next((each for each in known if is_similar(words, plain_words(each))), None)


def is_similar(one: Words, other: Words) -> bool:
    """Check whether two names differ only by a typing error, or by a further short word.

    'Dinas Kesehatan' and 'Dinas Kehutanan' share most of their letters, and are not similar.
    """
    if not have_same_numbers(one, other) or likeness(one, other) < LEAST:
        return False
    left, right = (
        " ".join((Counter(a) - Counter(b)).elements()) for a, b in ((one, other), (other, one))
    )
    if not left or not right:
        return True
    shorter = min(len(left), len(right))
    most = max((n for least, n in TYPING_ERRORS.items() if least <= shorter), default=0)
    return _typing_errors(left, right) <= most


def have_same_numbers(one: Words, other: Words) -> bool:
    """Check whether two names have the same numbers and single letters: 'SMPN 1', 'Wilayah II'."""
    numbers = ([word for word in words if _NUMBER.fullmatch(word)] for words in (one, other))
    return next(numbers) == next(numbers)


def likeness(one: Words, other: Words) -> float:
    """Return how alike two names are, from 0 to 1; 0 if they are less alike than `LEAST`."""
    matcher = SequenceMatcher(None, " ".join(one), " ".join(other), autojunk=False)
    return matcher.ratio() if matcher.quick_ratio() >= LEAST else 0.0


def _typing_errors(one: str, other: str) -> int:
    """Count the letters to add, drop, replace or exchange with their neighbour to get the other."""
    before: list[int] = []
    last = list(range(len(other) + 1))
    for at, letter in enumerate(one, start=1):
        row = [at]
        for to, wanted in enumerate(other, start=1):
            cost = min(last[to] + 1, row[-1] + 1, last[to - 1] + (letter != wanted))
            if before and to > 1 and letter == other[to - 2] and one[at - 2] == wanted:
                cost = min(cost, before[to - 2] + 1)
            row.append(cost)
        before, last = last, row
    return last[-1]
