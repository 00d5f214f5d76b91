"""Every small fault that could be made in the project's packages."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

from mutation.changes import Reader
from mutation.fault import Fault
from mutation.writers import writers_of

PACKAGES = ("sla", "tasks", "db", "settings", "service")


def files(tree: Path) -> list[str]:
    """List the source files of a tree in which faults are made, relative to it."""
    return sorted(
        path.relative_to(tree).as_posix()
        for package in PACKAGES
        for path in (tree / package).rglob("*.py")
        if "migrations" not in path.relative_to(tree).parts
    )


def possible(file: str, source: bytes, writers: frozenset[str] = frozenset()) -> list[Fault]:
    """List the faults that could be made in a file, in the order of its text.

    `writers` are the names of functions that write to the database: a transaction is split only
    between two statements that write.

    Leaves out docstrings, annotations, assertions, log calls, f-strings, `__repr__`, decorators and
    code for type checkers.
    """
    found = sorted(
        Reader(file, source, writers).read(), key=lambda f: (f.start, f.end, f.kind, f.new)
    )
    alike: Counter[tuple[str | int, ...]] = Counter()
    numbered = []
    for fault in found:
        number = alike[fault.identity]
        alike[fault.identity] += 1
        numbered.append(replace(fault, nth=number))
    return numbered


def compiles(fault: Fault, source: bytes) -> bool:
    """Tell whether the source is still Python with the fault in it."""
    try:
        compile(fault.applied(source), fault.file, "exec", dont_inherit=True)
    except SyntaxError:
        return False
    return True


def per_file(tree: Path) -> dict[str, list[Fault]]:
    """List the possible faults of each file of a tree."""
    names = files(tree)
    known = writers_of(tree, names)
    return {file: possible(file, (tree / file).read_bytes(), known) for file in names}
