"""A pytest plugin that runs inside the suite under test, copied there under another name.

With FAULTS_RECORD it writes which lines each test executes, and how long that took. With
FAULTS_SELECT it runs the tests of a JSON list in that order, and writes each start and failure.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tenggat_faults_seen import CONTEXT, taken


def pytest_configure(config: pytest.Config) -> None:
    """Take part in the way that the environment asks for."""
    if "FAULTS_RECORD" in os.environ:
        config.pluginmanager.register(_Recording(Path(os.environ["FAULTS_RECORD"])))
    if "FAULTS_SELECT" in os.environ:
        selection = Path(os.environ["FAULTS_SELECT"])
        config.pluginmanager.register(_Selected(json.loads(selection.read_text()), selection))


class _Recording:
    """Attributes lines to tests and to the fixtures that several tests share.

    A fixture of a module or session runs once, in the first test that uses it. Its lines belong to
    all tests that use it, and so they have a context of their own.
    """

    def __init__(self, folder: Path) -> None:
        self.file = folder / f"tests-{os.getpid()}.jsonl"
        self.outcome = ""
        self.fixtures: set[str] = set()
        self.shared = 0.0

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        """Record one test."""
        self.outcome, self.fixtures, self.shared = "passed", set(), 0.0
        begun = time.perf_counter()
        with self._context(item.nodeid):
            yield
        seconds = max(0.0, time.perf_counter() - begun - self.shared)
        self._write(
            test=item.nodeid,
            seconds=seconds,
            outcome=self.outcome,
            fixtures=sorted(self.fixtures),
            thorough=item.get_closest_marker("thorough") is not None,
        )

    @pytest.hookimpl(hookwrapper=True)
    def pytest_fixture_setup(self, fixturedef: Any, request: Any) -> Iterator[None]:
        """Record a fixture that tests share."""
        if fixturedef.scope == "function":
            yield
            return
        before, begun = self.shared, time.perf_counter()
        with self._context(f"fixture {fixturedef.argname} {fixturedef.baseid}"):
            yield
        seconds = time.perf_counter() - begun
        own = max(0.0, seconds - (self.shared - before))
        self.shared = before + seconds
        self._write(fixture=fixturedef.argname, base=fixturedef.baseid, seconds=own)

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: Any) -> Iterator[None]:
        """Note the outcome, and the fixtures in use."""
        made: Any = yield
        report = made.get_result()
        if report.outcome != "passed" and self.outcome == "passed":
            self.outcome = report.outcome
        request = getattr(item, "_request", None)
        if request:
            self.fixtures |= set(request.fixturenames)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Note a file that could not be read."""
        if report.failed:
            self._write(test=report.nodeid, outcome="failed")

    @contextmanager
    def _context(self, name: str) -> Iterator[None]:
        """Attribute what is executed, here and in new processes, to a test or fixture."""
        before = os.environ.get(CONTEXT)
        self._write(context=before or "", lines=taken())
        os.environ[CONTEXT] = name
        try:
            yield
        finally:
            self._write(context=name, lines=taken())
            if before is None:
                os.environ.pop(CONTEXT, None)
            else:
                os.environ[CONTEXT] = before

    def _write(self, **what: Any) -> None:
        with self.file.open("a", encoding="utf-8") as file:
            file.write(json.dumps(what) + "\n")


class _Selected:
    """Runs some tests in a given order."""

    def __init__(self, wanted: list[str], selection: Path) -> None:
        self.order = {name: number for number, name in enumerate(wanted)}
        self.progress = selection.with_suffix(".progress")

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(
        self, config: pytest.Config, items: list[pytest.Item]
    ) -> None:
        """Keep what is wanted, modules in the order of their first test."""
        kept = [item for item in items if item.nodeid in self.order]
        modules: dict[Path, int] = {}
        for item in kept:
            place = self.order[item.nodeid]
            modules[item.path] = min(place, modules.get(item.path, place))
        kept.sort(key=lambda item: modules[item.path])
        config.hook.pytest_deselected(items=[i for i in items if i.nodeid not in self.order])
        items[:] = kept

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """Write down that a test starts."""
        self._write("start", nodeid)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Write down that a test failed."""
        if report.failed:
            self._write("failed", report.nodeid)

    def _write(self, what: str, test: str) -> None:
        with self.progress.open("a", encoding="utf-8") as file:
            file.write(json.dumps([what, test]) + "\n")
