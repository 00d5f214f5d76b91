"""Marks places where long words may break in a narrow column of the printed report."""

from __future__ import annotations

import re
from itertools import pairwise

SOFT_HYPHEN, ZERO_WIDTH_SPACE = "\u00ad", "\u200b"
PIECE = 4
"""The characters between two places where a number or an address may break."""

_VOWELS = frozenset("aiueoAIUEO")
_LETTERS = re.compile("ng|ny|sy|kh|.", re.IGNORECASE)
"""The sounds of a word: in Indonesian two letters may stand for one consonant."""


def breakable(text: str, longest: int) -> str:
    """Return a text in which every word longer than `longest` characters may break.

    A word of letters breaks between its syllables, by the rules of Indonesian. Other words,
    such as numbers and addresses, break after every few characters.
    """
    if len(text) <= longest:
        return text
    return " ".join(
        word if len(word) <= longest else _breakable_word(word, longest) for word in text.split(" ")
    )


def _breakable_word(word: str, longest: int) -> str:
    parts = [_hyphenated(part) if part.isalpha() else part for part in re.split(r"(\W+)", word)]
    return "".join(
        part if _longest_piece(part) <= longest else _chopped(part) for part in parts if part
    )


def _hyphenated(word: str) -> str:
    """Return a word with soft hyphens between its syllables: ter-lam-bat, di-kem-ba-li-kan.

    One consonant between two vowels begins a syllable; of several the first one ends it.
    """
    sounds = _LETTERS.findall(word)
    vowels = [at for at, sound in enumerate(sounds) if sound in _VOWELS]
    breaks = {
        before + 1 + (after - before > 2)
        for before, after in pairwise(vowels)
        if after - before > 1
    }
    breaks -= {1, len(sounds) - 1}  # no letter alone
    return "".join(
        f"{SOFT_HYPHEN}{sound}" if at in breaks else sound for at, sound in enumerate(sounds)
    )


def _longest_piece(part: str) -> int:
    return max(map(len, part.split(SOFT_HYPHEN)))


def _chopped(part: str) -> str:
    plain = part.replace(SOFT_HYPHEN, "")
    return ZERO_WIDTH_SPACE.join(plain[at : at + PIECE] for at in range(0, len(plain), PIECE))
