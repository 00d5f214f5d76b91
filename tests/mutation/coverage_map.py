"""The map of a suite: which lines each test executes, and how long it takes."""

from __future__ import annotations

import ast
import json
import tempfile
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from mutation.candidates import files
from mutation.checkouts import copied, environment, fingerprint, pytest_command, run
from mutation.executed_lines import numbers
from mutation.fault import Fault
from mutation.line_marks import first_lines, mark

LONGEST = 2 * 3600.0
"""Seconds after which the run that makes the map is ended."""


FORM = 2
"""The form of the file, a part of its name."""


class NoMap(Exception):
    """The suite could not be mapped; the message says why."""


@dataclass(frozen=True)
class Test:
    """A test that passed: its own seconds, the fixtures it shares with others, and its part.

    `make test` leaves out the thorough ones.
    """

    name: str
    seconds: float
    fixtures: frozenset[str]
    thorough: bool


class Map:
    """What was recorded of a suite."""

    def __init__(self, suite: Path, recorded: dict[str, Any]) -> None:
        self.suite = suite
        self.failed: list[str] = recorded["failed"]
        self.fixtures: dict[str, float] = recorded["fixtures"]
        self.tests = {
            name: Test(name, seconds, frozenset(fixtures), thorough)
            for name, (seconds, fixtures, thorough) in recorded["tests"].items()
        }
        self._contexts: list[str] = recorded["contexts"]
        self._lines: dict[str, dict[str, list[int]]] = recorded["lines"]

    def tests_for(self, fault: Fault) -> list[Test]:
        """List the tests that execute a fault, the most promising ones first.

        Those come first that take little time and do little else than to execute this file. A line
        that runs on import is executed by all that use the module: first come the tests that
        execute a function with one of the names that the line binds.
        """
        if not fault.called:
            using = self._using(fault.file)
            named = self._naming(fault.names) & using
            rest = self._ordered(using - named, fault.file)
            return [*self._ordered(named, fault.file), *rest]
        found = self._executing(fault.file, range(fault.header[0], fault.header[1] + 1))
        if found:
            return self._ordered(found, fault.file)
        return self._only_on_import(fault)

    def seconds(self, tests: Iterable[Test]) -> float:
        """Estimate how long these tests take together: they set up a shared fixture once."""
        chosen = list(tests)
        shared = {fixture for test in chosen for fixture in test.fixtures}
        return sum(test.seconds for test in chosen) + sum(self.fixtures[key] for key in shared)

    def _only_on_import(self, fault: Fault) -> list[Test]:
        """The tests of a function that ran on import alone; none where it never ran."""
        lines = self._lines.get(fault.file, {})
        ran = any(str(n) in lines for n in range(fault.header[0], fault.header[1] + 1))
        return self._ordered(self._using(fault.file), fault.file) if ran else []

    def _executing(self, file: str, numbers: Iterable[int]) -> set[str]:
        """The tests that execute one of these lines, themselves or by a fixture."""
        lines = self._lines.get(file, {})
        places = {place for number in numbers for place in lines.get(str(number), ())}
        return {test for place in places for test in self._tests_of(self._contexts[place])}

    def _tests_of(self, context: str) -> Iterable[str]:
        if context in self.tests:
            return (context,)
        return self._users.get(context, ())

    @cached_property
    def _users(self) -> dict[str, list[str]]:
        """The tests that use each shared fixture."""
        users: dict[str, list[str]] = defaultdict(list)
        for test in self.tests.values():
            for fixture in test.fixtures:
                users[fixture].append(test.name)
        return users

    @cached_property
    def _sizes(self) -> tuple[Counter[str], Counter[tuple[str, str]]]:
        """How many lines each test executes, in all and in each file."""
        total: Counter[str] = Counter()
        by_file: Counter[tuple[str, str]] = Counter()
        for file, lines in self._lines.items():
            here: Counter[str] = Counter()
            for places in lines.values():
                here.update(
                    {test for place in places for test in self._tests_of(self._contexts[place])}
                )
            total.update(here)
            by_file.update({(test, file): count for test, count in here.items()})
        return total, by_file

    def _ordered(self, names: Iterable[str], file: str) -> list[Test]:
        total, by_file = self._sizes

        def price(name: str) -> tuple[float, str]:
            share = by_file[name, file] / (total[name] or 1)
            cost = 0.01 + self.seconds([self.tests[name]])
            return cost / (0.01 + share), name

        return [self.tests[name] for name in sorted(names, key=price)]

    def _using(self, file: str) -> set[str]:
        """The tests that execute a function of a module, or else of a module that imports it."""
        seen: set[str] = set()
        level = {file}
        while level:
            found = {test for each in level for test in self._executing(each, self._inner(each))}
            if found:
                return found
            seen |= level
            level = {name for name in self._trees if self._imports(name) & level} - seen
        return set()

    def _naming(self, names: Sequence[str]) -> set[str]:
        """The tests that execute a function in which one of these names stands."""
        wanted = set(names)
        found: set[str] = set()
        for file, tree in self._trees.items():
            for node in ast.walk(tree):
                if isinstance(node, ast.FunctionDef) and (
                    node.name in wanted or not wanted.isdisjoint(_names(node))
                ):
                    found |= self._executing(file, _body(node))
        return found

    @cached_property
    def _trees(self) -> dict[str, ast.Module]:
        return {file: ast.parse((self.suite / file).read_bytes()) for file in files(self.suite)}

    def _inner(self, file: str) -> set[int]:
        """The lines of a file that are inside of functions."""
        return {
            line
            for node in ast.walk(self._trees[file])
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
            for line in _body(node)
        }

    def _imports(self, file: str) -> set[str]:
        """The files of the project that a file imports from."""
        found: set[str] = set()
        for node in ast.walk(self._trees[file]):
            if isinstance(node, ast.ImportFrom) and node.module:
                modules = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
            elif isinstance(node, ast.Import):
                modules = [alias.name for alias in node.names]
            else:
                continue
            for module in modules:
                path = module.replace(".", "/")
                found |= {f"{path}.py", f"{path}/__init__.py"} & self._trees.keys()
        return found


def mapped(suite: Path, cache: Path, workers: int) -> Map:
    """Give the map of a suite, from the cache or by a run of all its tests."""
    file = cache / f"map-{FORM}-{fingerprint(suite)[:16]}.json"
    if not file.exists():
        recorded = _record(suite, workers)
        cache.mkdir(parents=True, exist_ok=True)
        half = file.with_suffix(".half")
        half.write_text(json.dumps(recorded), encoding="utf-8")
        half.rename(file)
    return Map(suite, json.loads(file.read_text(encoding="utf-8")))


def _record(suite: Path, workers: int) -> dict[str, Any]:
    """Run all tests of a suite, and gather what was recorded."""
    with (
        copied(suite) as tree,
        tempfile.TemporaryDirectory(prefix="faults-map-", ignore_cleanup_errors=True) as name,
    ):
        folder = Path(name)
        bases = first_lines(tree, files(tree))
        mark(tree, bases)
        variables = environment(suite, tree) | {
            "FAULTS_RECORD": str(folder),
            "FAULTS_LINES": str(bases[""]),
        }
        spread = ["-n", str(workers), "--dist", "loadfile", "--no-loadscope-reorder"]
        ended = run(pytest_command(*(spread if workers > 1 else [])), tree, variables, LONGEST)
        if ended.code not in (0, 1):
            raise NoMap(f"the tests ended with {ended.code}:\n{ended.output}")
        again = [test for test in _gathered(folder, bases)["failed"] if "::" in test]
        if again:  # on a busy machine a test may fail that else passes
            selection = folder / "again.json"
            selection.write_text(json.dumps(again), encoding="utf-8")
            modules = dict.fromkeys(test.partition("::")[0] for test in again)
            selected = {"FAULTS_SELECT": str(selection)}
            run(pytest_command(*modules), tree, variables | selected, LONGEST)
        return _gathered(folder, bases)


def _gathered(folder: Path, bases: Mapping[str, int]) -> dict[str, Any]:
    """Read what the processes of a suite have recorded."""
    tests: dict[str, tuple[float, list[str], bool]] = {}
    fixtures: dict[str, float] = {}
    places: dict[str, set[str]] = defaultdict(set)
    executed: dict[str, set[int]] = defaultdict(set)
    failed = set()
    entries = list(_entries(folder))
    for entry in entries:
        if "lines" in entry:
            executed[entry["context"]].update(entry["lines"])
        if "fixture" in entry:
            key = f"fixture {entry['fixture']} {entry['base']}"
            fixtures[key] = max(entry["seconds"], fixtures.get(key, 0.0))
            places[entry["fixture"]].add(entry["base"])
    for entry in entries:
        if entry.get("outcome") == "failed":
            failed.add(entry["test"])
        if entry.get("outcome") == "passed":
            used = [
                f"fixture {fixture} {base}"
                for fixture in entry["fixtures"]
                for base in places.get(fixture, ())
                if entry["test"].startswith(base)
            ]
            tests[entry["test"]] = (round(entry["seconds"], 3), used, entry["thorough"])
    return {
        "failed": sorted(failed - tests.keys()),
        "tests": tests,
        "fixtures": fixtures,
        "contexts": sorted(executed),
        "lines": _by_file([executed[name] for name in sorted(executed)], bases),
    }


def _by_file(
    executed: Sequence[set[int]], bases: Mapping[str, int]
) -> dict[str, dict[str, list[int]]]:
    """Turn the lines of each context into the contexts of each line."""
    names, starts = list(bases), list(bases.values())
    lines: dict[str, dict[str, list[int]]] = {name: {} for name in names if name}
    for number, found in enumerate(executed):
        for line in found:
            place = bisect_right(starts, line) - 1
            lines[names[place]].setdefault(str(line - starts[place]), []).append(number)
    return lines


def _entries(folder: Path) -> Iterator[dict[str, Any]]:
    """Give what was written of tests and fixtures, and what each process has executed."""
    for file in sorted(folder.glob("tests-*.jsonl")):
        for line in file.read_text(encoding="utf-8").splitlines():
            yield json.loads(line)
    for file in folder.glob("*.seen"):
        context = json.loads(file.with_suffix(".context").read_text(encoding="utf-8"))
        yield {"context": context, "lines": numbers(file.read_bytes())}


def _names(node: ast.AST) -> Iterator[str]:
    """The names in a function: of variables, attributes and arguments in calls."""
    for each in ast.walk(node):
        if isinstance(each, ast.Name):
            yield each.id
        elif isinstance(each, ast.Attribute):
            yield each.attr
        elif isinstance(each, ast.keyword) and each.arg:
            yield each.arg


def _body(node: ast.FunctionDef | ast.AsyncFunctionDef) -> range:
    return range(node.body[0].lineno, (node.end_lineno or node.lineno) + 1)
