"""Databases for Prefect's servers: copied from one that was migrated once in a test run.

Its hundred migrations take a server longer than all else at its start. The one from which all
are copied begins with nothing, as on a new machine.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from service.environment import prefect_environment
from service.prefect_server import prefect_server


class Template:
    """Where the processes of a test run share the one that was migrated."""

    folder: Path

    @classmethod
    def share(cls, factory: pytest.TempPathFactory) -> None:
        """Use the folder of the whole run, which each process finds above its own."""
        base = factory.getbasetemp()
        cls.folder = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base

    @classmethod
    def made(cls) -> Path:
        """The database; who comes first makes it, the others wait."""
        ready = cls.folder / "prefect-newest.db"
        with (cls.folder / "prefect-newest.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not ready.exists():
                var = cls.folder / "prefect-newest"
                with prefect_server(var):
                    pass
                half = ready.with_suffix(".half")
                with (
                    closing(sqlite3.connect(var / "prefect" / "prefect.db")) as done,
                    closing(sqlite3.connect(half)) as copy,
                ):
                    done.backup(copy)
                half.rename(ready)
        return ready


def prefect_as_new(var: Path) -> Path:
    """Let a server that keeps its files there find a database without runs; gives the folder."""
    home = Path(prefect_environment(var)["PREFECT_HOME"])
    shutil.copyfile(Template.made(), home / "prefect.db")
    return var
