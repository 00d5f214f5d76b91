"""Which functions write to the database, as far as their text and their calls tell.

A transaction that is split between two reads changes nothing that a test could find.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable
from pathlib import Path

UNSHARED = ("tasks/replaying.py", "tasks/simulating.py")
"""Their transactions are in a database of their own, which nobody else reads."""

STATEMENTS = {"update", "insert", "delete", "insert_rows"}
ON_SESSION = {"add", "add_all", "delete", "merge"}
GIVEN = ("session", "connection")
"""Arguments of a call that may write."""


def writers(trees: Iterable[ast.AST]) -> frozenset[str]:
    """Name the functions that write themselves, or give a session to one that does."""
    calls: dict[str, set[str]] = {}
    found: set[str] = set()
    for tree in trees:
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef):
                calls.setdefault(node.name, set()).update(_called(node))
                if _writes_itself(node):
                    found.add(node.name)
    while more := {name for name, called in calls.items() if called & found} - found:
        found |= more
    return frozenset(found)


def writers_of(folder: Path, files: Iterable[str]) -> frozenset[str]:
    """Name the functions of these files that write."""
    return writers(ast.parse((folder / file).read_bytes()) for file in files)


def writes(statements: Iterable[ast.stmt], known: frozenset[str]) -> bool:
    """Tell whether statements inside a transaction write, given the functions that do."""
    return any(_writes_itself(each) or _sets(each) or _called(each) & known for each in statements)


def _called(node: ast.AST) -> set[str]:
    """The last parts of the names of all that is called with a session."""
    return {
        _last(call.func)
        for call in ast.walk(node)
        if isinstance(call, ast.Call) and any(_last(each) in GIVEN for each in call.args)
    }


def _writes_itself(node: ast.AST) -> bool:
    for call in ast.walk(node):
        if not isinstance(call, ast.Call):
            continue
        if isinstance(call.func, ast.Name) and call.func.id in STATEMENTS:
            return True
        owner = call.func.value if isinstance(call.func, ast.Attribute) else None
        if owner is not None and _last(call.func) in ON_SESSION and "session" in _last(owner):
            return True
    return False


def _sets(node: ast.AST) -> bool:
    """Whether an attribute of something else than `self` is set: it may be a row's."""
    return any(
        isinstance(each, ast.Attribute)
        and isinstance(each.ctx, ast.Store)
        and isinstance(each.value, ast.Name)
        and each.value.id not in ("self", "count")
        for each in ast.walk(node)
    )


def _last(node: ast.AST) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""
