"""Assertions of test modules that are rewritten once, before the processes of a run begin.

Pytest keeps a rewritten module beside its file. In a new clone there is none, and each of four
processes would rewrite all modules at the same time: 7 s of CPU each.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from _pytest.assertion import rewrite


def starts_workers(config: pytest.Config) -> bool:
    """Check whether other processes will run the tests (pytest-xdist)."""
    return bool(config.getoption("numprocesses", None)) and "PYTEST_XDIST_WORKER" not in os.environ


def named_files(config: pytest.Config) -> Iterator[Path]:
    """Yield the test modules below the paths of the command line."""
    for argument in config.args:
        path = config.invocation_params.dir / argument.partition("::")[0]
        if path.is_dir():
            yield from path.rglob("test_*.py")
        elif path.is_file():
            yield path


def keep(file: Path, config: pytest.Config) -> bool:
    """Keep the rewritten module beside its file; False where it was kept before."""
    kept = rewrite.get_cache_dir(file) / (file.stem + rewrite.PYC_TAIL)
    if rewrite._read_pyc(file, kept) is not None:
        return False
    source_hash, code = rewrite._rewrite_test(file, config)
    if not rewrite.try_makedirs(kept.parent):
        return False
    return rewrite._write_pyc(config.stash[rewrite.assertstate_key], code, source_hash, kept)
