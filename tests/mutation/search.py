"""The search for one fault: the tests that execute it, in growing chunks, until one fails."""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

from mutation.checkouts import Ended, environment, faulty, pytest_command, run
from mutation.coverage_map import Map, Test
from mutation.fault import Fault

FOUND = "found"
MISSED = "not found"
UNCOVERED = "not covered"
LEFT = "not reached"

CHUNKS = (6.0, 20.0, 60.0, 120.0)
"""Estimated seconds of the chunks; the last one is the size of all that follow."""

PATIENCE = 120.0
"""Seconds that a chunk may take beyond four times its estimate."""

IMPORT_PATIENCE = 60.0


@dataclass(frozen=True)
class Limits:
    """How much is done: estimated seconds of tests for one fault, and the moment to stop at."""

    seconds: float
    until: float

    @property
    def over(self) -> bool:
        """Whether the moment has come."""
        return time.monotonic() >= self.until


@dataclass(frozen=True)
class Verdict:
    """The outcome for one fault: its result, the test that found it, tests run and to be run.

    `thorough` tells that only a test which `make test` leaves out has found it.
    """

    result: str
    by: str = ""
    tests: int = 0
    of: int = 0
    seconds: float = 0.0
    thorough: bool = False


class Hunter:
    """Searches for faults in one copy of the tree. Several share the lists of proven tests."""

    def __init__(self, suite: Path, tree: Path, known: Map, limits: Limits, proven: Proven) -> None:
        self.tree, self.map, self.limits, self.proven = tree, known, limits, proven
        self.variables = environment(suite, tree)

    def search(self, fault: Fault) -> Verdict:
        """Search for a fault; the file is as it was afterwards."""
        begun = time.monotonic()
        tests = self.map.tests_for(fault)
        if not tests:
            return Verdict(UNCOVERED)
        if self._import(fault).code != 0:
            return Verdict(FOUND, "import", 0, len(tests), time.monotonic() - begun)
        run_so_far = 0
        for chunk in [*self._chunks(tests, thorough=False), *self._chunks(tests, thorough=True)]:
            if self.limits.over:
                return Verdict(LEFT, "", run_so_far, len(tests), time.monotonic() - begun)
            by = self._search_with(fault, chunk)
            run_so_far += len(chunk)
            if by:
                seconds = time.monotonic() - begun
                return Verdict(FOUND, by, run_so_far, len(tests), seconds, chunk[0].thorough)
        return Verdict(MISSED, "", run_so_far, len(tests), time.monotonic() - begun)

    def _chunks(self, tests: Sequence[Test], *, thorough: bool) -> Iterator[list[Test]]:
        """Divide the tests of one part into chunks, up to the limit of time."""
        sizes = iter(CHUNKS)
        size = next(sizes)
        spent = 0.0
        chunk: list[Test] = []
        for test in (test for test in tests if test.thorough == thorough):
            cost = self.map.seconds([*chunk, test])
            if chunk and cost > size:
                yield chunk
                spent += self.map.seconds(chunk)
                size = next(sizes, CHUNKS[-1])
                chunk = []
            if (spent or chunk) and spent + self.map.seconds([*chunk, test]) > self.limits.seconds:
                break
            chunk.append(test)
        if chunk:
            yield chunk

    def _import(self, fault: Fault) -> Ended:
        module = fault.file.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        with faulty(self.tree, fault):
            return run(
                [sys.executable, "-c", f"import {module}"],
                self.tree,
                self.variables,
                IMPORT_PATIENCE,
            )

    def _search_with(self, fault: Fault, chunk: Sequence[Test]) -> str:
        """Name the test of a chunk that finds a fault; empty where none does.

        A test counts only if it passes without the fault: it is run once without, and if it fails
        the others of the chunk are run again.
        """
        wanted = [test for test in chunk if test.name not in self.proven.unreliable]
        while wanted:
            found, how = self._run(wanted, fault)
            if found is None:
                return ""
            if found == "" or self._passes(found):
                return f"{found or wanted[0].name}{how}"
            wanted = [test for test in wanted if test.name != found]
        return ""

    def _passes(self, name: str) -> bool:
        """Tell whether a test passes without any fault."""
        if name not in self.proven.good and name not in self.proven.unreliable:
            failed, _how = self._run([self.map.tests[name]], None)
            with self.proven.lock:
                (self.proven.good if failed is None else self.proven.unreliable).add(name)
        return name in self.proven.good

    def _run(self, tests: Sequence[Test], fault: Fault | None) -> tuple[str | None, str]:
        """Run tests up to the first failure, and name it: None where all passed, empty where a
        file of tests could not even be read. Also say how it failed, where that is special."""
        names = [test.name for test in tests]
        with tempfile.TemporaryDirectory(prefix="faults-run-", ignore_cleanup_errors=True) as name:
            selection = Path(name) / "tests.json"
            selection.write_text(json.dumps(names), encoding="utf-8")
            files = dict.fromkeys(each.partition("::")[0] for each in names)
            with faulty(self.tree, fault) if fault else nullcontext():
                ended = run(
                    pytest_command("-x", "--no-header", "--tb=no", *files),
                    self.tree,
                    self.variables | {"FAULTS_SELECT": str(selection)},
                    PATIENCE + 4 * self.map.seconds(tests),
                )
            started, failed = _progress(selection.with_suffix(".progress"))
        if ended.code is None:
            return (started[-1] if started else ""), " (took too long)"
        if ended.code in (0, 5):
            return None, ""
        if failed:
            return failed[0], ""
        return (started[-1], " (ended the run)") if started else ("", " (could not be read)")


class Proven:
    """The tests that were run again without a fault: those that passed, and those that failed."""

    def __init__(self) -> None:
        self.good: set[str] = set()
        self.unreliable: set[str] = set()
        self.lock = Lock()


def _progress(file: Path) -> tuple[list[str], list[str]]:
    started: list[str] = []
    failed: list[str] = []
    if file.exists():
        for line in file.read_text(encoding="utf-8").splitlines():
            what, name = json.loads(line)
            (started if what == "start" else failed).append(name)
    return started, failed
