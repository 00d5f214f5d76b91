"""What came of the faults: as a table, as JSON, and compared between two suites."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from mutation.fault import KINDS, Fault
from mutation.search import FOUND, LEFT, MISSED, UNCOVERED, Verdict

GONE = "not found again"
"""The result of a fault whose text is no longer in the code."""

JUDGED = (FOUND, MISSED, UNCOVERED)
RESULTS = (*JUDGED, GONE, LEFT)
WIDEST = 70

Entry = dict[str, Any]


def entry(number: int, fault: Fault | Mapping[str, Any], verdict: Verdict) -> Entry:
    """Describe a fault and its outcome in values that JSON has."""
    names = ("kind", "file", "line", "function", "context", "old", "new", "nth")
    values = vars(fault) if isinstance(fault, Fault) else fault
    return {"number": number} | {name: values[name] for name in names} | vars(verdict)


def write(file: Path, made: Mapping[str, Any], entries: Sequence[Entry]) -> None:
    """Write the outcome; a reader never sees half of it."""
    file.parent.mkdir(parents=True, exist_ok=True)
    half = file.with_name(f"{file.name}.half")
    text = json.dumps({"made": made, "faults": entries}, indent=1, ensure_ascii=False)
    half.write_text(text + "\n", encoding="utf-8")
    half.rename(file)


def read(file: Path) -> tuple[dict[str, Any], list[Entry]]:
    """Read what `write` wrote: how it was made, and the faults."""
    found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return found["made"], found["faults"]


def line(each: Entry) -> str:
    """Describe one fault and its outcome in a line."""
    what = f"{_short(each['old'])}  ->  {_short(each['new'])}"
    place = f"{each['file']}:{each['line']}"
    by = f" by {each['by']}" if each["by"] else ""
    some = f" ({each['tests']} of {each['of']} tests)" if each["of"] else ""
    return f"{each['number']:3} {each['kind']:18} {place}  {what}  {each['result']}{by}{some}"


def table(entries: Sequence[Entry]) -> Iterator[str]:
    """Describe every fault, then count them by kind, by package and in all."""
    yield from map(line, entries)
    yield ""
    yield f"{'':20}" + "".join(f"{result:>16}" for result in RESULTS)
    present = {each["kind"] for each in entries}
    for kind in (kind for kind in KINDS if kind in present):
        yield _counted(kind, [each for each in entries if each["kind"] == kind])
    for package in sorted({package_of(each) for each in entries}):
        yield _counted(f"{package}/", [each for each in entries if package_of(each) == package])
    yield _counted("all", entries)
    judged = [each for each in entries if each["result"] in JUDGED]
    yield f"{found_in(judged)} of {len(judged)} faults found"
    rare = [str(each["number"]) for each in judged if each["thorough"]]
    if rare:
        yield f"{len(rare)} of them only by `make thorough`: {', '.join(rare)}"
    if len(judged) < len(entries):
        yield f"{len(entries) - len(judged)} of {len(entries)} were not tried"


def compare(old: Sequence[Entry], new: Sequence[Entry]) -> tuple[list[str], int]:
    """Compare two suites: lines to print, and 1 where the new one found fewer, else 0.

    Only faults that were put into both count.
    """
    of_old = {_key(each): each for each in old if each["result"] in JUDGED}
    of_new = {_key(each): each for each in new if each["result"] in JUDGED}
    both = [key for key in of_old if key in of_new]
    counts = [sum(side[key]["result"] == FOUND for key in both) for side in (of_old, of_new)]
    lines = [
        f"of {len(both)} faults put into both, the old tests found {counts[0]},"
        f" the new ones {counts[1]}"
    ]
    for title, one, other in (("old", of_old, of_new), ("new", of_new, of_old)):
        only = [
            key for key in both if one[key]["result"] == FOUND and other[key]["result"] != FOUND
        ]
        lines.append(f"only the {title} tests found: {len(only)}")
        lines += [line(one[key]) for key in only]
    missing = len({*map(_key, old), *map(_key, new)}) - len(both)
    if missing:
        lines.append(f"{missing} faults were not put into both and do not count")
    return lines, int(counts[1] < counts[0])


def found_in(entries: Sequence[Entry]) -> int:
    """Count the faults that were found."""
    return sum(each["result"] == FOUND for each in entries)


def package_of(each: Entry) -> str:
    """Give the package that a fault is in."""
    return str(each["file"]).partition("/")[0]


def _counted(title: str, entries: Sequence[Entry]) -> str:
    counts = Counter(each["result"] for each in entries)
    return f"{title:20}" + "".join(f"{counts[result]:>16}" for result in RESULTS)


def _key(each: Entry) -> tuple[Any, ...]:
    names = ("kind", "file", "function", "context", "old", "new", "nth")
    return tuple(each[name] for name in names)


def _short(text: str) -> str:
    return text if len(text) <= WIDEST else f"{text[: WIDEST - 1]}…"
