"""The law read from its folders: every mistake told at once, with file, line and remedy.

The first folder is the national one. A later folder, a site's own, adds rules, and replaces
those of an earlier one where it says so and on what basis.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from sla.events import Kind
from sla.lawcheck import between
from sla.lawtext import LawText, Mistake, read_text
from sla.regulations import Law, RegulationError


def load(folders: Iterable[Path], *, extra_kinds: Iterable[str] = ()) -> Law:
    """Read every `*.toml` that stands directly in these folders; `cases/` below is not law.

    `extra_kinds` are a site's own kinds of event. Raises :class:`RegulationError` with every
    mistake found, one a line.
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
