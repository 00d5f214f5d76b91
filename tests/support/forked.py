"""Programs of Tenggat as processes of their own, without the seconds that their imports take.

A flow's process spends two to three seconds of work on its imports. Here one process loads them
once and forks for each program. test_flows.py and test_demo.py begin `tenggat
run` and the demo as a user does, from nothing; a service begins the flows so.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

import pytest
from conftest import REPOSITORY

PATIENCE = 180
"""Seconds after which a program that does not end is ended by SIGALRM."""


PLAIN_REPORTS = """
import tasks.reports.formats.pdf.report, tasks.reports.formats.plots
tasks.reports.formats.plots.plots = lambda view, zone: {}
tasks.reports.formats.pdf.report.report_pdf = lambda view, zone, drawn: b"%PDF-1.7"
"""
"""To run before: reports without plots and with an empty page as PDF, which takes seconds less."""

SILENT = {"PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "CRITICAL"}
"""What a command sets before it loads Prefect, which a fork has loaded already."""


class Forked:
    """A program that was begun."""

    def __init__(self, origin: Origin, pid: int, out: Path, err: Path) -> None:
        self.origin, self.pid, self.out, self.err = origin, pid, out, err
        self.code: int | None = None

    def poll(self) -> int | None:
        """Its exit code; None while it runs."""
        return self._ended(wait=False)

    def wait(self) -> subprocess.CompletedProcess[str]:
        """How it ended and what it said."""
        code = self._ended(wait=True)
        assert code is not None
        said, complained = (path.read_text("utf-8") for path in (self.out, self.err))
        return subprocess.CompletedProcess([], code, said, complained)

    def kill(self) -> None:
        if self.poll() is None:
            with suppress(ProcessLookupError):
                os.killpg(self.pid, 9)
            self.wait()

    def _ended(self, *, wait: bool) -> int | None:
        if self.code is None:
            self.code = self.origin.ask({"ended": self.pid, "wait": wait})
        return self.code


@dataclass
class Origin:
    """The process that forks; it begins when it is first needed."""

    folder: Path
    process: subprocess.Popen[str] | None = None
    begun: int = 0

    def __post_init__(self) -> None:
        self.lock = Lock()

    def begin(self, *arguments: object, before: str = "", **environment: str) -> Forked:
        """Begin a program of ours: '-c' and a text, or a file and its arguments.

        `before` is Python that is to run first, as a test's patch.
        """
        self.begun += 1
        out, err = (self.folder / f"{self.begun}.{name}" for name in ("out", "err"))
        order = {
            "arguments": [str(each) for each in arguments],
            "folder": str(REPOSITORY),
            "environment": {**os.environ, **environment},
            "before": before,
            "out": str(out),
            "err": str(err),
            "patience": PATIENCE,
        }
        return Forked(self, self.ask(order), out, err)

    def run(
        self, *arguments: object, before: str = "", **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """Run a program to its end."""
        return self.begin(*arguments, before=before, **environment).wait()

    def ask(self, order: dict[str, Any]) -> Any:
        with self.lock:
            process = self.process = self.process or self._started()
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(json.dumps(order) + "\n")
            process.stdin.flush()
            answer = process.stdout.readline()
        assert answer, (self.folder / "origin.err").read_text("utf-8")
        return json.loads(answer)

    def _started(self) -> subprocess.Popen[str]:
        quiet = {
            "PREFECT_HOME": str(self.folder / "prefect"),
            "PREFECT_LOGGING_LEVEL": "ERROR",
            "OPENBLAS_NUM_THREADS": "1",
            "DO_NOT_TRACK": "1",  # no threads before a fork
            "PYTHONPATH": os.pathsep.join([str(REPOSITORY), str(REPOSITORY / "tests")]),
        }
        with (self.folder / "origin.err").open("wb") as complaints:
            return subprocess.Popen(
                [sys.executable, REPOSITORY / "tests" / "support" / "forked_main.py"],
                cwd=REPOSITORY,
                env={**os.environ, **quiet},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=complaints,
                text=True,
            )

    def stop(self) -> None:
        if self.process is not None:
            assert self.process.stdin is not None
            assert self.process.stdout is not None
            self.process.stdin.close()
            self.process.wait(60)
            self.process.stdout.close()


@pytest.fixture(scope="session")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Origin]:
    """Begins programs of ours by forking."""
    origin = Origin(tmp_path_factory.mktemp("forked"))
    yield origin
    origin.stop()
