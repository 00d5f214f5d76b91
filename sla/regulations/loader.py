"""The loader of the regulations: reports every mistake at once, with file, line and remedy.

The first folder has the national regulations. A later folder, the site's own, adds rules. It can
also replace rules of an earlier folder if it says so and names the legal basis. Such a rule
inherits the keys that it leaves out (:mod:`sla.regulations.overrides`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from sla.events import Kind
from sla.regulations.consistency import between
from sla.regulations.model import Law, RegulationError, Rule
from sla.regulations.overrides import complete_overrides
from sla.regulations.parser import Entry, LawText, Mistake, read_text

_MISNAMED = re.compile(r"\.(?i:toml\.txt)$|\.(?!toml$)(?i:toml)$")
"""The end of a name that an editor of Windows makes of `.toml`."""

_MOST_NAMED = 5
"""The most files that an error names."""


def load(
    folders: Iterable[Path],
    *,
    optional: Mapping[Path, frozenset[str]] | None = None,
    extra_kinds: Iterable[str] = (),
) -> Law:
    """Load every `*.toml` file directly in these folders; folders below them are not read.

    `optional` files, and the rules that override theirs, apply only to complaints of the sources
    given with them. `extra_kinds` are the site's own kinds of event. Raises
    :class:`RegulationError` with every mistake found, one per line.
    """
    limited = optional or {}
    kinds = {*map(str, Kind), *extra_kinds}
    texts: list[LawText] = []
    missing: list[Mistake] = []
    for layer, folder in enumerate(folders):
        missing += _unreadable(folder)
        texts += (read_text(path, layer, kinds) for path in sorted(folder.glob("*.toml")))
    texts += (read_text(path, 0, kinds) for path in sorted(limited))
    mistakes = [mistake for text in texts for mistake in text.mistakes]
    mistakes += complete_overrides(texts, kinds, complete=not missing)
    mistakes += between(texts, complete=not missing)
    if missing or mistakes:
        order = {text.path: place for place, text in enumerate(texts)}
        mistakes.sort(key=lambda mistake: (order[mistake.path], mistake.line or 0))
        raise RegulationError("\n".join(map(str, [*missing, *mistakes])))
    return Law(_rules([entry for text in texts for entry in text.entries], limited))


def _rules(entries: Sequence[Entry], limited: Mapping[Path, frozenset[str]]) -> Iterator[Rule]:
    """Yield the rules, each for the complaints of the sources to which its file is limited.

    An override is for the same complaints as the rule that it replaces.
    """
    plain = {each.rule.id: each for each in entries if each.rule.overrides is None}
    for each in entries:
        original = each if each.rule.overrides is None else plain[each.rule.id]
        yield _limited(each.rule, limited.get(original.text.path))


def _unreadable(folder: Path) -> Iterator[Mistake]:
    """Yield the reasons why nothing of a folder, or not every regulation in it, would be read."""
    if not folder.is_dir():
        yield Mistake(folder, None, "no such folder of regulations")
        return
    names = sorted(path.name for path in folder.iterdir() if path.is_file())
    misnamed = [name for name in names if _MISNAMED.search(name)]
    for name in misnamed:
        words = f"not read, because its name does not end in .toml; rename it to {_renamed(name)}"
        yield Mistake(folder / name, None, words)
    if not misnamed and not any(name.endswith(".toml") for name in names):
        there = ", ".join(names[:_MOST_NAMED]) or "no file"
        words = f"no regulation in this folder: no file ends in .toml, it has {there}"
        yield Mistake(folder, None, words)


def _renamed(name: str) -> str:
    return f"{name[: name.lower().index('.toml')]}.toml"


def _limited(rule: Rule, sources: frozenset[str] | None) -> Rule:
    """Return the rule, for the complaints of these sources only."""
    if sources is None:
        return rule
    return replace(rule, applies_when={**rule.applies_when, "source": sources})
