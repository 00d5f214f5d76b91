"""Propose the units of a government from the names in its exports and registers."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from sla.directory import SUPERIOR_OFFICE, Unit
from sla.folding import folded
from tasks.common.similar_units import have_same_numbers, is_similar, likeness
from tasks.common.unit_names import (
    PLACES,
    SINGLE,
    common_unit,
    kind_of,
    plain_words,
    without_government,
)

ALIKE = 0.93
"""Two long names at least so alike are one name with a typing error."""

LONG_NAME = 20
"""A name of so many characters may have a typing error; short ones differ by a letter."""

_PARENTS = {
    "kecamatan": ("setda",),
    "bagian": ("setda",),
    "puskesmas": ("dinkes",),
    "rsud": ("dinkes",),
    "sekolah": ("disdik",),
}
"""The usual parent of a kind of unit, by id, if the government has it."""


@dataclass(slots=True)
class ProposedUnit:
    """A unit, its number of complaints, and the ids of units with a similar name."""

    unit: Unit
    complaints: int = 0
    similar: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _Group:
    """The spellings of one unit, with the number of complaints of each."""

    words: tuple[str, ...]
    kind: str
    spellings: Counter[str] = field(default_factory=Counter)
    common: str = ""
    is_government: bool = False


def propose_units(names: Mapping[str, int], government: str) -> list[ProposedUnit]:
    """Return a unit for each name, and for the government itself.

    Spellings that differ in letter case, punctuation, abbreviations or the name of the government
    are one unit; so are an abbreviation and the whole name, and long names with a typing error.
    """
    own = plain_words(government)
    place = tuple(word for word in own if word not in ("pemerintah", "daerah"))
    groups = _groups({**names, government: names.get(government, 0)}, own, place)
    ids = _ids(groups)
    top = next(ids[id(group)] for group in groups if group.is_government)
    by_kind: dict[str, str] = {group.common or group.kind: ids[id(group)] for group in groups}
    proposed = []
    for group in groups:
        usual = _PARENTS.get(group.kind, ())
        parent = next((by_kind[each] for each in usual if each in by_kind), top)
        unit_id = ids[id(group)]
        spellings = _best_first(group.spellings)
        name = spellings[0] if unit_id == top else without_government(spellings[0], place)
        aliases = tuple(each for each in spellings if folded(each) not in _folded(name, unit_id))
        above = None if unit_id == top else parent
        unit = Unit(unit_id, name, group.kind, above, aliases)
        proposed.append(ProposedUnit(unit, group.spellings.total()))
    _mark_similar(proposed, place)
    return sorted(proposed, key=lambda each: (each.unit.id != top, each.unit.kind, each.unit.name))


def _groups(names: Mapping[str, int], own: tuple[str, ...], place: tuple[str, ...]) -> list[_Group]:
    """Join the spellings of a unit; `own` is the name of the government, `place` what it rules."""
    groups: dict[tuple[str, ...], _Group] = {}
    for name, number in sorted(names.items(), key=lambda each: -len(each[0])):
        words = plain_words(name, place)
        is_own = words in (own, place) or set(words) <= {*own, "daerah", "pemkab", "pemkot"}
        kind = kind_of(own) if is_own else kind_of(words)
        common = None if is_own or kind in (*PLACES, "bagian", "rsud") else common_unit(words)
        key = _key(kind, words, common.id if common else "", own if is_own else ())
        group = groups.setdefault(key, _Group(words, kind, is_government=is_own))
        group.common = group.common or (common.id if common else "")
        group.spellings[" ".join(name.split())] += number
    return _with_typing_errors(list(groups.values()))


def _key(kind: str, words: tuple[str, ...], common: str, own: tuple[str, ...]) -> tuple[str, ...]:
    """Return what names of the same unit have in common."""
    if own:
        return ("the government", *own)
    if kind in SINGLE:
        return (kind,)
    if common:
        return (kind, common)
    return (kind, *words)


def _with_typing_errors(groups: list[_Group]) -> list[_Group]:
    """Join groups whose long names differ by a typing error; names of places never."""
    kept: list[_Group] = []
    for group in sorted(groups, key=lambda each: -each.spellings.total()):
        text = " ".join(group.words)
        same = None
        if group.kind not in PLACES and len(text) >= LONG_NAME:
            alike = (g for g in kept if g.kind == group.kind and _alike(g.words, group.words))
            same = next(alike, None)
        if same is None:
            kept.append(group)
        else:
            same.spellings += group.spellings
    return kept


def _alike(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    """Check whether two long names are one with a typing error; other numbers are other units."""
    return have_same_numbers(one, other) and likeness(one, other) >= ALIKE


def _ids(groups: list[_Group]) -> dict[int, str]:
    """Give each group an id: its usual abbreviation, else the words of its name."""
    taken = {SUPERIOR_OFFICE}
    ids = {}
    for group in groups:
        slug = group.common or _slug(group)
        unit_id, number = slug, 1
        while unit_id in taken:
            number += 1
            unit_id = f"{slug}-{number}"
        taken.add(unit_id)
        ids[id(group)] = unit_id
    return ids


def _slug(group: _Group) -> str:
    if group.is_government:
        return {"kabupaten": "kab", "provinsi": "prov"}.get(group.kind, group.kind)
    shortened = {"kecamatan": "kec", "kelurahan": "kel", "pemerintah": "", "dan": ""}
    words = [shortened.get(word, word) for word in group.words]
    return slug(" ".join(words))


def slug(text: str) -> str:
    """Return an id made of the letters and digits of a name."""
    return re.sub(r"[^a-z0-9]+", "-", text.casefold()).strip("-")[:40].strip("-") or "unit"


def _best_first(spellings: Counter[str]) -> list[str]:
    """List the spellings, the best name first; spellings equal but for letter case count once."""
    written: dict[str, list[str]] = defaultdict(list)
    for spelling in spellings:
        written[folded(spelling)].append(spelling)
    bare = [min(each, key=str.isupper) for each in written.values()]
    return sorted(bare, key=lambda each: (each.isupper(), " " not in each, -spellings[each], each))


def _folded(*names: str) -> set[str]:
    """Return names as they are compared."""
    return set(map(folded, names))


def _mark_similar(proposed: list[ProposedUnit], place: tuple[str, ...]) -> None:
    """Note units whose names are nearly the same, for the person who checks the proposal."""
    words = [plain_words(each.unit.name, place) for each in proposed]
    for at, one in enumerate(proposed):
        for offset, other in enumerate(proposed[at + 1 :], start=at + 1):
            if one.unit.kind != other.unit.kind or one.unit.kind in PLACES:
                continue
            if is_similar(words[at], words[offset]):
                one.similar.append(other.unit.id)
                other.similar.append(one.unit.id)


def administrator_unit(proposed: Iterable[ProposedUnit]) -> str:
    """Return the unit that verifies reports: for communication, else the government itself."""
    units = [each.unit for each in proposed]
    known = {unit.id for unit in units}
    return (
        "diskominfo"
        if "diskominfo" in known
        else next(unit.id for unit in units if unit.parent is None)
    )
