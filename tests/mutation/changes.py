"""Reads from a source file every small change that could be made in it."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from mutation.fault import COMPARISON, CONDITION, OFF_BY_ONE, SPLIT, Fault
from mutation.writers import UNSHARED, writes

FLIPPED: dict[type[ast.cmpop], tuple[str, str]] = {
    ast.Lt: (r"<", "<="),
    ast.LtE: (r"<=", "<"),
    ast.Gt: (r">", ">="),
    ast.GtE: (r">=", ">"),
    ast.Eq: (r"==", "!="),
    ast.NotEq: (r"!=", "=="),
    ast.In: (r"\bin\b", "not in"),
    ast.NotIn: (r"\bnot\s+in\b", "in"),
    ast.Is: (r"\bis\b", "is not"),
    ast.IsNot: (r"\bis\s+not\b", "is"),
}
WHOLE_NUMBERS = {"len", "int"}
"""Calls that give an integer."""

LONGEST_SHOWN = 72
LOGS = {"debug", "info", "warning", "error", "exception", "critical", "log"}
NOISE = {"maxsize", "indent", "pool_size", "buffering", "stacklevel"}
"""Keyword arguments that change no result."""

COMMIT_SESSION = (
    "{0}.dispatch.before_commit({0}); {0}.flush(); (lambda c: (c._commit_impl(),"
    " c._begin_impl(c.get_transaction())))({0}.connection())"
)
COMMIT_CONNECTION = "{0}._commit_impl(); {0}._begin_impl({0}.get_transaction())"
"""Commit what was written so far and begin again, in a block that itself commits at its end.

SQLAlchemy permits no `commit()` inside `with session.begin()`.
"""


@dataclass(frozen=True)
class _Where:
    """The surroundings of a node."""

    function: str = ""
    statement: ast.stmt | None = None
    parent: ast.AST | None = None
    called: bool = False
    names: tuple[str, ...] = ()


class Reader:
    """Reads one file."""

    def __init__(self, file: str, source: bytes, writers: frozenset[str]) -> None:
        self.file, self.source, self.writers = file, source, writers
        self.rows = source.splitlines(keepends=True)
        self.starts = [0]
        for row in self.rows:
            self.starts.append(self.starts[-1] + len(row))

    def read(self) -> Iterator[Fault]:
        """Give every fault; `nth` is 0 in all of them."""
        yield from self._inside(ast.parse(self.source), _Where())

    def _inside(self, node: ast.AST, where: _Where) -> Iterator[Fault]:
        for child in ast.iter_child_nodes(node):
            yield from self._visit(child, replace(where, parent=node))

    def _visit(self, node: ast.AST, where: _Where) -> Iterator[Fault]:
        if isinstance(node, ast.stmt):
            where = replace(where, statement=node)
            if not where.called:
                where = replace(where, names=_bound(node))
        match node:
            case ast.Assert() | ast.JoinedStr():
                return
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                if node.name == "__repr__":
                    return
                for default in (*node.args.defaults, *node.args.kw_defaults):
                    if default is not None:
                        yield from self._visit(default, replace(where, parent=node.args))
                inner = replace(where, function=_within(where, node.name), called=True, parent=node)
                for statement in node.body:
                    yield from self._visit(statement, inner)
            case ast.ClassDef():
                inner = replace(where, function=_within(where, node.name), parent=node)
                for statement in node.body:
                    yield from self._visit(statement, inner)
            case ast.Lambda():
                yield from self._visit(node.body, replace(where, parent=node))
            case ast.AnnAssign():
                if node.value is not None:
                    yield from self._visit(node.value, replace(where, parent=node))
            case ast.Expr() if _is_log(node.value):
                return
            case ast.If() if _is_for_tools(node.test):
                return
            case ast.Call():
                yield from self._made(node, where)
                skipped = node.args[:1] if _name(node.func) == "cast" else []
                for child in ast.iter_child_nodes(node):
                    noise = isinstance(child, ast.keyword) and child.arg in NOISE
                    if child not in skipped and not noise:
                        yield from self._visit(child, replace(where, parent=node))
            case _:
                yield from self._made(node, where)
                yield from self._inside(node, where)

    def _made(self, node: ast.AST, where: _Where) -> Iterator[Fault]:
        """Give the faults that change this very node."""
        match node:
            case ast.Compare():
                yield from self._flipped(node, where)
            case ast.Constant() if type(node.value) is int:
                literal = self._text(node)
                plain = literal.isdecimal()
                new = str(node.value + 1) if plain else f"({literal} + 1)"
                yield self._replaced(OFF_BY_ONE, node, new, where, shown_in=where.parent)
            case ast.Call(func=ast.Name(id=name)) if name in WHOLE_NUMBERS:
                yield self._replaced(OFF_BY_ONE, node, f"({self._text(node)} + 1)", where)
            case ast.BinOp(op=ast.FloorDiv()):
                yield self._replaced(OFF_BY_ONE, node, f"({self._text(node)} + 1)", where)
            case ast.BoolOp():
                yield from self._shortened(node, where)
            case ast.UnaryOp(op=ast.Not()):
                yield self._replaced(CONDITION, node, f"({self._text(node.operand)})", where)
            case ast.If() | ast.IfExp():
                for new in ("True", "False"):
                    yield self._replaced(CONDITION, node.test, new, where, shown="if {}")
            case ast.comprehension():
                for test in node.ifs:
                    yield self._replaced(CONDITION, test, "True", where, shown="if {}")
            case ast.With():
                yield from self._split(node, where)

    def _flipped(self, node: ast.Compare, where: _Where) -> Iterator[Fault]:
        """Replace one operator by its neighbour."""
        begin, end = self._span(node)
        sides = [node.left, *node.comparators]
        for operator, left, right in zip(node.ops, sides, sides[1:], strict=False):
            pattern, new = FLIPPED[type(operator)]
            first, last = self._span(left)[1], self._span(right)[0]
            gap = self.source[first:last].decode()
            found = re.search(pattern, gap)
            if found is None or "#" in gap:
                continue
            start = first + len(gap[: found.start()].encode())
            stop = first + len(gap[: found.end()].encode())
            text = self.source[begin:start].decode() + new + self.source[stop:end].decode()
            old = self._text(node)
            yield self._fault(COMPARISON, node, (start, stop, new), (old, text), where)

    def _shortened(self, node: ast.BoolOp, where: _Where) -> Iterator[Fault]:
        """Remove one operand together with the operator beside it."""
        start, end = self._span(node)
        text = self._text(node)
        places = _operators(text, "and" if isinstance(node.op, ast.And) else "or")
        if len(places) != len(node.values) - 1:
            return  # an operator inside a lambda, which needs no parentheses around it
        bounds = [0, *(place for pair in places for place in pair), len(text)]
        operands = [text[a:b].strip() for a, b in zip(bounds[::2], bounds[1::2], strict=True)]
        word = "and" if isinstance(node.op, ast.And) else "or"
        for number in range(len(operands)):
            kept = [each for place, each in enumerate(operands) if place != number]
            new = f" {word} ".join(kept)
            yield self._fault(CONDITION, node, (start, end, new), (text, new), where)

    def _split(self, node: ast.With, where: _Where) -> Iterator[Fault]:
        """Commit between two statements of a transaction."""
        commit = _commit(node)
        if commit is None or self.file in UNSHARED:
            return
        for number, statement in enumerate(node.body[1:], start=1):
            line = statement.lineno
            before, after = node.body[:number], node.body[number:]
            if before[-1].end_lineno == line:
                continue  # two statements in one line
            if not (writes(before, self.writers) and writes(after, self.writers)):
                continue
            start = self.starts[line - 1]
            indent = self.source[start : start + statement.col_offset].decode()
            first = self.rows[line - 1].decode().strip()
            text = f"{indent}{commit}\n"
            shown = (first, f"commit; {first}")
            yield self._fault(SPLIT, statement, (start, start, text), shown, where)

    def _replaced(
        self,
        kind: str,
        node: ast.AST,
        new: str,
        where: _Where,
        *,
        shown: str = "{}",
        shown_in: ast.AST | None = None,
    ) -> Fault:
        """Replace the text of a node.

        `shown_in` is the node around it, to be shown with it: an expression, or else the line.
        """
        start, end = self._span(node)
        old = self._text(node)
        pair = (shown.format(old), shown.format(new))
        if shown_in is not None:
            line = _lines(node)[0]
            begin, stop = self.starts[line - 1], self.starts[line]
            if isinstance(shown_in, ast.expr):
                begin, stop = self._span(shown_in)
            whole = self.source[begin:stop].decode()
            if len(whole) <= LONGEST_SHOWN:
                changed = self.source[begin:start].decode() + new + self.source[end:stop].decode()
                pair = (whole, changed)
        return self._fault(kind, node, (start, end, new), pair, where)

    def _fault(
        self,
        kind: str,
        node: ast.AST,
        change: tuple[int, int, str],
        shown: tuple[str, str],
        where: _Where,
    ) -> Fault:
        first, last = _lines(node)
        if kind == SPLIT:
            last = first
        statement = where.statement or node
        context = b"".join(self.rows[first - 1 : last]).decode()
        return Fault(
            kind=kind,
            file=self.file,
            line=first,
            function=where.function,
            context=_folded(context),
            old=_folded(shown[0]),
            new=_folded(shown[1]),
            nth=0,
            start=change[0],
            end=change[1],
            text=change[2],
            header=(_lines(statement)[0], _header_end(statement)),
            called=where.called,
            names=() if where.called else where.names,
        )

    def _span(self, node: ast.AST) -> tuple[int, int]:
        """The bytes of a node, from and to."""
        place: Any = node
        first = self.starts[place.lineno - 1] + place.col_offset
        return first, self.starts[place.end_lineno - 1] + place.end_col_offset

    def _text(self, node: ast.AST) -> str:
        start, end = self._span(node)
        return self.source[start:end].decode()


def _lines(node: ast.AST) -> tuple[int, int]:
    place: Any = node
    return place.lineno, place.end_lineno


def _header_end(node: ast.AST) -> int:
    """The last line of a statement that is not a statement inside it."""
    if not hasattr(node, "body"):
        return _lines(node)[1]
    parts: list[ast.AST] = []
    for child in ast.iter_child_nodes(node):
        parts += [child] if isinstance(child, ast.expr) else []
        parts += [child.context_expr] if isinstance(child, ast.withitem) else []
    return max((_lines(part)[1] for part in parts), default=_lines(node)[0])


def _within(where: _Where, name: str) -> str:
    return f"{where.function}.{name}" if where.function else name


def _bound(node: ast.stmt) -> tuple[str, ...]:
    """The names that a statement binds at module or class level."""
    match node:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            return (name,)
        case ast.Assign(targets=targets):
            return tuple(n.id for t in targets for n in ast.walk(t) if isinstance(n, ast.Name))
        case ast.AnnAssign(target=ast.Name(id=name)):
            return (name,)
    return ()


def _name(node: ast.AST) -> str:
    """The last part of a dotted name; empty where it is none."""
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _is_log(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in LOGS
        and "log" in ast.unparse(node.func.value).lower()
    )


def _is_for_tools(test: ast.expr) -> bool:
    """Whether a condition is `TYPE_CHECKING` or `__name__ == "__main__"`."""
    return any(_name(node) in ("TYPE_CHECKING", "__name__") for node in ast.walk(test))


def _operators(text: str, word: str) -> list[tuple[int, int]]:
    """Where in an expression this operator stands outside of any parentheses."""
    places, depth = [], 0
    rows = text.splitlines(keepends=True)
    starts = [0]
    for row in rows:
        starts.append(starts[-1] + len(row))
    # In parentheses, so that an expression of several lines is read as one.
    for token in tokenize.generate_tokens(io.StringIO(f"({text})").readline):
        if token.string in ("(", "[", "{"):
            depth += 1
        elif token.string in (")", "]", "}"):
            depth -= 1
        elif depth == 1 and token.type == tokenize.NAME and token.string == word:
            number, column = token.start
            place = starts[number - 1] + column - (number == 1)
            places.append((place, place + len(word)))
    return places


def _commit(node: ast.With) -> str | None:
    """The text that commits in this block; None where it is no transaction that writes."""
    sessions = set()
    for item in node.items:
        call = item.context_expr
        if not isinstance(call, ast.Call):
            continue
        name = item.optional_vars.id if isinstance(item.optional_vars, ast.Name) else ""
        called = _name(call.func)
        if called == "transaction" and name:
            return COMMIT_SESSION.format(name)
        if called == "Session" and name:
            sessions.add(name)
        if called == "begin" and isinstance(call.func, ast.Attribute):
            if name:
                return COMMIT_CONNECTION.format(name)
            if _name(call.func.value) in sessions:
                return COMMIT_SESSION.format(_name(call.func.value))
    return None


def _folded(text: str) -> str:
    return " ".join(text.split())
