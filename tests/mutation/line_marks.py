"""Code that records which of its statements are executed, in the place of the project's own.

Python runs compiled files without a look at their source where they say so (PEP 552). The source
stays as it is, so that nothing else in the tree is different. Only the project's own functions
become slower, and only a little.
"""

from __future__ import annotations

import ast
import marshal
from collections.abc import Mapping
from importlib.util import MAGIC_NUMBER, cache_from_source
from pathlib import Path

SEEN = "tenggat_faults_seen"
UNCHECKED = (1).to_bytes(4, "little")
"""Flags of a compiled file: it bears a hash of its source, which is not to be compared."""


def first_lines(tree: Path, files: list[str]) -> dict[str, int]:
    """Give each file a number for its line 0, so that every line has a number of its own.

    The entry with an empty name is the number of all lines.
    """
    bases, next_one = {}, 0
    for file in files:
        bases[file] = next_one
        next_one += (tree / file).read_bytes().count(b"\n") + 2
    return bases | {"": next_one}


def mark(tree: Path, bases: Mapping[str, int]) -> None:
    """Compile these files of a tree so that they record their statements."""
    for file, base in bases.items():
        if file:
            path = tree / file
            code = compile(marked(path.read_bytes(), base), str(path), "exec", dont_inherit=True)
            compiled = Path(cache_from_source(str(path)))
            compiled.parent.mkdir(exist_ok=True)
            compiled.write_bytes(MAGIC_NUMBER + UNCHECKED + bytes(8) + marshal.dumps(code))


def marked(source: bytes, base: int) -> ast.Module:
    """Parse a source, and put before each statement of its functions one that records it."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            for inner in ast.walk(node):
                if not getattr(inner, "is_marked", False):
                    _mark_blocks(inner, base)
    start = next(
        (place for place, node in enumerate(tree.body) if not _comes_first(node)), len(tree.body)
    )
    line = tree.body[start].lineno if start < len(tree.body) else 1
    load = ast.parse(f"from {SEEN} import seen as __seen__").body[0]
    tree.body.insert(start, ast.increment_lineno(load, line - 1))
    return tree


def _mark_blocks(node: ast.AST, base: int) -> None:
    """Mark the blocks of statements in a node."""
    for name in ("body", "orelse", "finalbody"):
        block = getattr(node, name, None)
        if isinstance(block, list):
            setattr(node, name, [new for each in block for new in _marked(each, base)])
    node.is_marked = True  # type: ignore[attr-defined]


def _marked(statement: ast.stmt, base: int) -> list[ast.stmt]:
    if _comes_first(statement):
        return [statement]
    mark = ast.parse(f"__seen__[{base + statement.lineno}] = 1").body[0]
    for node in ast.walk(mark):
        ast.copy_location(node, statement)
    return [mark, statement]


def _comes_first(node: ast.stmt) -> bool:
    """Whether a statement must or may stay before the first mark: a docstring, an import of the
    language's future."""
    if isinstance(node, ast.ImportFrom):
        return node.module == "__future__"
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
