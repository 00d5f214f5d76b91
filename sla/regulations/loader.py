"""The loader of the regulations: reports every mistake at once, with file, line and remedy.

The first folder has the national regulations. A later folder, the site's own, adds rules. It can
also replace rules of an earlier folder if it says so and names the legal basis.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from sla.events import Kind
from sla.regulations.consistency import between
from sla.regulations.model import Law, RegulationError
from sla.regulations.parser import LawText, Mistake, read_text


def load(folders: Iterable[Path], *, extra_kinds: Iterable[str] = ()) -> Law:
    """Load every `*.toml` file directly in these folders; `cases/` below them is not read.

    `extra_kinds` are the site's own kinds of event. Raises :class:`RegulationError` with every
    mistake found, one per line.
    """
    kinds = {*map(str, Kind), *extra_kinds}
    texts: list[LawText] = []
    missing: list[Mistake] = []
    for layer, folder in enumerate(folders):
        if not folder.is_dir():
            missing.append(Mistake(folder, None, "no such folder of regulations"))
        texts += (read_text(path, layer, kinds) for path in sorted(folder.glob("*.toml")))
    mistakes = [mistake for text in texts for mistake in text.mistakes]
    mistakes += between(texts, complete=not missing)
    if missing or mistakes:
        order = {text.path: place for place, text in enumerate(texts)}
        mistakes.sort(key=lambda mistake: (order[mistake.path], mistake.line or 0))
        raise RegulationError("\n".join(map(str, [*missing, *mistakes])))
    return Law(entry.rule for text in texts for entry in text.entries)
