"""The mistakes that reading a site's folder names, and the language of what people read."""

import re
from pathlib import Path

import pytest

from settings.errors import SettingsError
from settings.site import load_site
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
    r"|\b\w+\.(?:to|from|at|name)\b|\b[\w.]+ = "
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


def mistakes(folder: Path) -> list[str]:
    """The lines of the error, without the folder. Each of them has an Indonesian form."""
    with pytest.raises(SettingsError) as error:
        load_site(folder)
    assert_indonesian(*str(error.value).splitlines())
    return str(error.value).replace(f"{folder.resolve()}/", "").splitlines()
