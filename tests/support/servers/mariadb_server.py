"""A real MariaDB on a free port of 127.0.0.1, in a folder of its own."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pymysql

from service.environment import free_port

PROGRAM = shutil.which("mariadbd", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")
TABLES = Path("/usr/share/mysql")
LIMIT = 60


@dataclass(frozen=True)
class MariaDB:
    """How to reach the server as its root, who has no password."""

    socket: str
    port: int

    def run(self, *statements: str) -> None:
        connection = pymysql.connect(unix_socket=self.socket, user="root", autocommit=True)
        with connection, connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)


@contextmanager
def running() -> Iterator[MariaDB]:
    """Let a server listen while the block lasts."""
    assert PROGRAM is not None
    with tempfile.TemporaryDirectory(prefix="tenggat-mariadb-") as name:
        folder = Path(name)
        (folder / "data").mkdir()
        base = [
            PROGRAM,
            "--no-defaults",
            "--user=root",
            f"--datadir={folder}/data",
            "--innodb-buffer-pool-size=16M",
            "--innodb-log-file-size=8M",
            "--log-warnings=0",
        ]
        tables = [
            (TABLES / f"{each}.sql").read_text(encoding="utf-8")
            for each in ("mysql_system_tables", "mysql_system_tables_data")
        ]
        subprocess.run(
            [*base, "--bootstrap"],
            input="create database mysql;\nuse mysql;\n" + "".join(tables),
            text=True,
            check=True,
            capture_output=True,
            timeout=LIMIT,
        )
        server = MariaDB(f"{folder}/socket", free_port())
        log = (folder / "log").open("w")
        process = subprocess.Popen(
            [
                *base,
                f"--socket={server.socket}",
                f"--port={server.port}",
                "--bind-address=127.0.0.1",
                f"--pid-file={folder}/pid",
            ],
            stdout=log,
            stderr=log,
        )
        try:
            end = time.monotonic() + LIMIT
            while time.monotonic() < end and process.poll() is None:
                with suppress(pymysql.err.OperationalError):
                    server.run("SELECT 1")
                    break
                time.sleep(0.05)
            else:
                raise RuntimeError((folder / "log").read_text(encoding="utf-8")[-2000:])
            yield server
        finally:
            process.terminate()
            process.wait(LIMIT)
            log.close()
