"""Copies of a checkout in which its tests run, and the processes that run there."""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from mutation.fault import Fault
from mutation.line_marks import SEEN

LEFT_OUT = (
    ".git",
    ".venv*",
    "var",
    "node_modules",
    "__pycache__",
    ".*_cache",
    ".hypothesis",
    "*.egg-info",
)
OWN = ("tests/faults", "tests/mutation/", "tests/repository/test_mutation")
"""The files of this tool. They change no result."""

PLUGIN = "tenggat_faults_inside"
HERE = Path(__file__).parent
MARK = "FAULTS_RUN"
"""The environment variable by which the processes of one command are known."""

LAST_WORDS = 30.0
"""Seconds that a test run has to end its services, when it took too long."""


@dataclass(frozen=True)
class Ended:
    """How a command ended: its exit code, None when it took too long, and the end of its output."""

    code: int | None
    output: str


@contextmanager
def copied(suite: Path) -> Iterator[Path]:
    """Copy a checkout for as long as the block lasts, without what git does not keep."""
    with tempfile.TemporaryDirectory(prefix="faults-", ignore_cleanup_errors=True) as folder:
        tree = Path(folder) / "tree"
        shutil.copytree(suite, tree, ignore=shutil.ignore_patterns(*LEFT_OUT), symlinks=True)
        if (suite / "node_modules").exists():
            (tree / "node_modules").symlink_to((suite / "node_modules").resolve())
        shutil.copyfile(HERE / "suite_plugin.py", tree / f"{PLUGIN}.py")
        shutil.copyfile(HERE / "executed_lines.py", tree / f"{SEEN}.py")
        yield tree


def environment(suite: Path, tree: Path) -> dict[str, str]:
    """Give the environment for the processes of a copy: the copy's modules come first."""
    left_out = ("CI", "PYTEST_ADDOPTS", "PYTEST_XDIST_WORKER")
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in left_out and not name.startswith("FAULTS_")
    }
    data = os.environ.get("TENGGAT_REAL_DATA", str(suite.resolve().parent / "shared" / "data"))
    return {**kept, "PYTHONPATH": str(tree), "TENGGAT_REAL_DATA": data}


def run(command: Sequence[str], tree: Path, variables: Mapping[str, str], seconds: float) -> Ended:
    """Run a command in a copy. End everything that it leaves behind."""
    mark = uuid.uuid4().hex
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            command,
            cwd=tree,
            env={**variables, MARK: mark},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        code: int | None = None
        try:
            code = process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGINT)
            with suppress(subprocess.TimeoutExpired):
                process.wait(LAST_WORDS)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            _end_all(mark)
        output.seek(0)
        return Ended(code, output.read().decode("utf-8", "replace")[-4000:])


def pytest_command(*arguments: str) -> list[str]:
    """Give the command that runs tests with this tool's plugin."""
    return [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-p",
        PLUGIN,
        *arguments,
    ]


@contextmanager
def faulty(tree: Path, fault: Fault) -> Iterator[None]:
    """Put a fault into a copy for as long as the block lasts."""
    file = tree / fault.file
    good = file.read_bytes()
    try:
        _write(file, fault.applied(good))
        yield
    finally:
        _write(file, good)


def fingerprint(suite: Path) -> str:
    """Give a hash of the files of a checkout that can change what its tests execute."""
    digest = hashlib.sha256()
    ignored = shutil.ignore_patterns(*LEFT_OUT)
    for folder, folders, names in os.walk(suite):
        out = ignored(folder, [*folders, *names])
        folders[:] = sorted(set(folders) - out)
        for name in sorted(set(names) - out):
            path = Path(folder, name)
            place = path.relative_to(suite).as_posix()
            if place.startswith(OWN) or place == "Makefile" or place.endswith(".md"):
                continue
            digest.update(place.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def _write(file: Path, text: bytes) -> None:
    """Write a source file, and remove what Python has compiled of it.

    Python compares times in seconds and sizes, which may both be the same.
    """
    file.write_bytes(text)
    for compiled in (file.parent / "__pycache__").glob(f"{file.stem}.*.pyc"):
        compiled.unlink(missing_ok=True)


def _end_all(mark: str) -> None:
    """End the processes that carry this mark in their environment."""
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            if process.environ().get(MARK) == mark:
                process.kill()
