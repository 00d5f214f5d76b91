"""The English words that are left in the Indonesian form of a text."""

import re

from tasks.text.translation import translated

ENGLISH_WORDS = re.compile(
    r"(?<![\w-])(?:after|already|an|and|are|as|at|be|before|both|but|by|cannot|correct|does|each"
    r"|every|file|for|from|had|has|have|if|in|is|it|its|known|missing|more|must|names?|neither|no"
    r"|not|nothing|of|on|only|or|remove|says?|see|should|so|than|that|the|then|there|this|to|was"
    r"|were|when|which|while|with|without|write|written|wrong)(?![\w-])"
)
"""Words that no Indonesian text has."""

_QUOTED = re.compile(
    r"`[^`]*`|'[^']*'|\"[^\"]*\"|\{[^}]*\}|\[\[?\w+\]\]?|\S+://\S+|/ # .* %25|\S*/\S+"
    r"|\b\w+\.(?:to|from|at)\b|\b[\w.]+ = "
)
"""Names, examples and what a person wrote: they have no language."""


def english_words(text: str) -> list[str]:
    """The English words of a text outside its names and examples."""
    return ENGLISH_WORDS.findall(_QUOTED.sub("", text))


def assert_indonesian(*texts: str) -> None:
    """Fail if the Indonesian form of an English error has English words."""
    mixed = []
    for text in texts:
        shown = translated(text, "id")
        if shown == text or english_words(shown):
            mixed.append((text, shown))
    assert mixed == [], mixed
