"""The choice of faults by a seed, and their location in another version of the code."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from random import Random

from mutation.candidates import compiles, files, per_file
from mutation.fault import KINDS, SPLIT, Fault

SPLIT_SHARE = 10
"""One fault in so many splits a transaction."""


def choose(tree: Path, count: int, seed: int) -> list[Fault]:
    """Choose this many faults, the same ones for the same seed and text.

    The packages get shares in proportion to their lines, and the kinds within them equal ones,
    except that one fault in ten splits a transaction. No two faults change one statement.
    """
    faults = [fault for found in per_file(tree).values() for fault in found]
    shares = _shares(_lines_of_packages(tree), count)
    dice = Random(seed)
    dice.shuffle(faults)
    chosen: list[Fault] = []
    splits = [f for f in faults if f.kind == SPLIT and _sound(f, tree)]
    chosen += _spread(splits, max(1, count // SPLIT_SHARE))
    for package, share in shares.items():
        left = share - sum(_package(fault) == package for fault in chosen)
        queues = [
            [f for f in faults if f.kind == kind and _package(f) == package]
            for kind in KINDS
            if kind != SPLIT
        ]
        queues.sort(key=len)  # the rarest kind first, before others take its statements
        while left > 0 and any(queues):
            for queue in queues:
                fault = _next(queue, chosen, tree) if left else None
                if fault is not None:
                    chosen.append(fault)
                    left -= 1
    return sorted(chosen[:count], key=lambda f: (f.file, f.start, f.kind))


def locate(wanted: Iterable[Mapping[str, object]], tree: Path) -> list[Fault | None]:
    """Locate faults that were chosen in another tree; None for one that is not there again.

    A fault is the same where kind, file, function, text of its lines, old and new text agree. Where
    that text has changed, one with the same old and new text in the same function will do, if there
    are as many of them as its number requires. The last resort is a function of the same name, with
    the same text, in another file.
    """
    found = per_file(tree)
    everywhere = [fault for faults in found.values() for fault in faults]
    located: list[Fault | None] = []
    for each in wanted:
        here = found.get(str(each["file"]), [])
        same = [f for f in here if _agree(f, each, "kind", "function", "context", "old", "new")]
        if not same:
            loose = [f for f in here if _agree(f, each, "kind", "function", "old", "new")]
            same = loose if len(loose) == 1 else []
        if not same:
            moved = [f for f in everywhere if _agree(f, each, "kind", "context", "old", "new")]
            same = [f for f in moved if _last(f.function) == _last(str(each["function"]))]
            same = same if len(same) == 1 else []
        number = int(str(each["nth"])) if len(same) > 1 else 0
        located.append(same[number] if number < len(same) else None)
    return located


def _agree(fault: Fault, wanted: Mapping[str, object], *names: str) -> bool:
    return all(getattr(fault, name) == wanted[name] for name in names)


def _last(function: str) -> str:
    return function.rpartition(".")[2]


def _package(fault: Fault) -> str:
    return fault.file.partition("/")[0]


def _sound(fault: Fault, tree: Path) -> bool:
    return compiles(fault, (tree / fault.file).read_bytes())


def _taken(fault: Fault, chosen: Iterable[Fault]) -> bool:
    return any(f.file == fault.file and f.header[0] == fault.header[0] for f in chosen)


def _next(queue: list[Fault], chosen: Iterable[Fault], tree: Path) -> Fault | None:
    """Take the next fault in a statement that has none yet."""
    while queue:
        fault = queue.pop()
        if not _taken(fault, chosen) and _sound(fault, tree):
            return fault
    return None


def _spread(faults: Sequence[Fault], count: int) -> list[Fault]:
    """Take the first ones, from as many functions as there are."""
    taken: list[Fault] = []
    rest = list(faults)
    while rest and len(taken) < count:
        seen = Counter((f.file, f.function) for f in taken)
        rest.sort(key=lambda f: seen[f.file, f.function])
        taken.append(rest.pop(0))
    return taken


def _lines_of_packages(tree: Path) -> Counter[str]:
    lines: Counter[str] = Counter()
    for file in files(tree):
        lines[file.partition("/")[0]] += (tree / file).read_bytes().count(b"\n")
    return lines


def _shares(sizes: Mapping[str, int], count: int) -> dict[str, int]:
    """Divide a count in proportion to sizes, the largest remainders rounded up."""
    total = sum(sizes.values()) or 1
    exact = {name: count * size / total for name, size in sizes.items()}
    shares = {name: int(value) for name, value in exact.items()}
    by_remainder = sorted(exact, key=lambda name: (shares[name] - exact[name], name))
    for name in by_remainder[: count - sum(shares.values())]:
        shares[name] += 1
    return shares
