"""The project's own files, and what they import."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from conftest import REPOSITORY

LAYERS = {
    "sla": set(),
    "settings": {"sla"},
    "db": {"sla"},
    "tasks": {"sla", "settings", "db"},
    "flows": {"sla", "settings", "db", "tasks"},
    "service": {"sla", "settings", "db", "flows"},
    "cli": {"sla", "settings", "db", "tasks", "flows", "service"},
    "scripts": {"cli", "sla", "settings", "db", "tasks", "flows", "service"},
}
"""What each part may import of ours, besides itself."""


def files_of(part: str) -> list[Path]:
    single = REPOSITORY / f"{part}.py"
    return [single] if single.is_file() else sorted((REPOSITORY / part).rglob("*.py"))


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


@cache
def nodes(path: Path) -> list[ast.AST]:
    return list(ast.walk(tree(path)))


def imported(path: Path) -> Iterator[tuple[int, str]]:
    """Line and module of every import, wherever in the file it stands."""
    for node in nodes(path):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: a relative import"
            yield node.lineno, node.module or ""


EVERYTHING = [path for part in LAYERS for path in files_of(part)]
