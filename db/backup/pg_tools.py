"""PostgreSQL's own programs `pg_dump`, `pg_restore` and `psql`: find and run them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from time import sleep

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo
from sqlalchemy import URL

from db.engine import database_reason
from sla.error_text import first_line

CONNECT_SECONDS = 30
CLOSING_CHECKS = 20
CLOSING_CHECK_SECONDS = 0.1
"""How often, and after how many seconds each, connections that may be closing are counted again."""

_PROGRAMS = ("pg_dump", "pg_restore", "psql")
BY_ITSELF = ("alembic_version", "audit_head", "installation")
"""Tables with a row even in a new, unused database."""

_DEBIAN = Path("/usr/lib/postgresql")


class BackupError(RuntimeError):
    """A backup could not be made, read or restored. The message gives the reason and the remedy."""


@dataclass(frozen=True, slots=True)
class Server:
    """A PostgreSQL server, and the schema with the tables of a site."""

    conninfo: str
    password: str
    major: int
    schema: str
    folders: tuple[Path, ...]
    """Folders of the server's own programs, if it runs on this machine and reveals them."""

    @property
    def environment(self) -> dict[str, str]:
        """Return the environment for a program connecting to it.

        The password is passed here and so never appears in a command line.
        """
        given = {**os.environ, "PGCONNECT_TIMEOUT": str(CONNECT_SECONDS), "LC_ALL": "C"}
        return {**given, "PGPASSWORD": self.password} if self.password else given


def server(url: URL) -> Server:
    """Connect to a server and return its data.

    Raises :class:`BackupError` if it does not answer.
    """
    query = {
        key: value if isinstance(value, str) else ",".join(value)
        for key, value in url.query.items()
    }
    named = {
        "host": url.host,
        "port": url.port,
        "user": url.username,
        "dbname": url.database,
    }
    given: dict[str, str] = {key: str(value) for key, value in named.items() if value} | query
    password = str(url.password or given.pop("password", ""))
    conninfo = make_conninfo(**given)
    try:
        with closing(_connect_to(conninfo, password)) as connection:
            row = connection.execute(  # the first schema of the path, even if not created yet
                "SELECT coalesce(current_schema(),"
                " split_part(current_setting('search_path'), ',', 1))"
            ).fetchone()
            major = connection.info.server_version // 10_000
            folders = tuple(_beside(connection))
    except psycopg.Error as error:
        raise BackupError(f"the database does not answer ({database_reason(error)})") from None
    return Server(conninfo, password, major, str(row[0]) if row and row[0] else "public", folders)


def _connect(there: Server) -> psycopg.Connection:
    return _connect_to(there.conninfo, there.password)


def _connect_to(conninfo: str, password: str) -> psycopg.Connection:
    given = make_conninfo(conninfo, password=password) if password else conninfo
    return psycopg.connect(given, connect_timeout=CONNECT_SECONDS, autocommit=True)


def _beside(connection: psycopg.Connection) -> Iterator[Path]:
    """Yield the folder of the server's own programs; it is visible only to a superuser."""
    with suppress(psycopg.Error):
        row = connection.execute("SELECT setting FROM pg_config WHERE name = 'BINDIR'").fetchone()
        if row:
            yield Path(row[0])


def _folders(also: Sequence[Path]) -> list[Path]:
    """List possible folders of the programs.

    They are searched in this order: PGBIN, PATH, the server's own folder, and the versions
    installed by Debian.
    """
    found = [Path(os.environ["PGBIN"])] if os.environ.get("PGBIN") else []
    on_path = shutil.which("pg_dump")
    if on_path:
        found.append(Path(on_path).parent)
    found += also
    config = shutil.which("pg_config")
    if config:
        done = subprocess.run([config, "--bindir"], capture_output=True, text=True, check=False)
        found.append(Path(done.stdout.strip() or "."))
    found += _DEBIAN.glob("*/bin")
    return [folder for folder in dict.fromkeys(found) if (folder / "pg_dump").is_file()]


def _major(folder: Path) -> int:
    """Return the major version of the programs in a folder; 0 if unknown."""
    done = subprocess.run(
        [folder / "pg_dump", "--version"], capture_output=True, text=True, check=False
    )
    found = re.search(r"(\d+)(?:\.\d+)*", done.stdout)
    return int(found[1]) if found else 0


def programs(major: int, also: Sequence[Path] = ()) -> Path:
    """Find the folder of the oldest programs not older than a server of this version.

    Raises :class:`BackupError`, with the package to install, if there are none.
    """
    found = {folder: _major(folder) for folder in _folders(also)}
    fit = [folder for folder, version in found.items() if version >= major]
    fit = [folder for folder in fit if all((folder / name).is_file() for name in _PROGRAMS)]
    if fit:
        return min(fit, key=found.__getitem__)
    what = (
        f"pg_dump {max(found.values())} is older than the server ({major})"
        if found
        else "pg_dump is missing"
    )
    raise BackupError(
        f"{what}; install PostgreSQL's client programs of version {major} or newer"
        f" (Debian: postgresql-client-{major}), or name their folder in PGBIN"
    )


def dump(url: URL, part: Path) -> None:
    """Write the site's schema to `part`, in the format of `pg_restore`."""
    there = server(url)
    command: list[str | Path] = [
        programs(there.major, there.folders) / "pg_dump",
        "--format=custom",
        "--compress=0",
        "--no-owner",
        "--no-privileges",
        f"--schema={quoted(there.schema)}",
        f"--file={part}",
        f"--dbname={there.conninfo}",
    ]
    _run(command, there.environment, "pg_dump")


def read_through(path: Path, url: URL | None = None) -> tuple[str, str]:
    """Unpack every row of a dump, and return its revision and schema.

    Raises :class:`BackupError` if it is damaged or not from Tenggat.
    """
    also = server(url).folders if url is not None else ()
    reader = newest(also) / "pg_restore"
    environment = {**os.environ, "LC_ALL": "C"}
    try:
        _run([reader, f"--file={os.devnull}", path], environment, "pg_restore")
        said = _run(
            [reader, "--data-only", "--table=alembic_version", "--file=-", path],
            environment,
            "pg_restore",
        )
    except BackupError as error:
        raise BackupError(f"damaged, or of a newer PostgreSQL ({error})") from None
    found = re.search(r"^COPY (\S+)\.alembic_version .*\n(\S+)\n", said, re.MULTILINE)
    if found is None:
        raise BackupError("not a backup of Tenggat's database: it has no revision")
    return found[2], found[1].strip('"').replace('""', '"')


def newest(also: Sequence[Path] = ()) -> Path:
    """Find the folder of the newest programs: they can read the output of all older ones."""
    found = _folders(also)
    return max(found, key=_major) if found else programs(0)


def quoted(name: str) -> str:
    """Return a name quoted for SQL."""
    return '"' + name.replace('"', '""') + '"'


def _run(command: Sequence[str | Path], environment: Mapping[str, str], name: str) -> str:
    """Run a program and return its output.

    Raises :class:`BackupError` with the reason if it fails.
    """
    done = subprocess.run(
        list(map(str, command)),
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode:
        raise BackupError(reason(name, done.stderr, done.returncode))
    return done.stdout


def reason(name: str, stderr: str, code: int) -> str:
    """Return only the first line of a program's error output: later lines may repeat a row."""
    return f"{name}: {without_program(stderr) or f'ended with {code}'}"


def without_program(text: str) -> str:
    """Return the first line of a program's error output, without the name of the program."""
    return re.sub(r"^(pg_dump|pg_restore|psql):( error:)? ?", "", first_line(text))


def others(there: Server) -> int:
    """Count the other open connections of the same user to the database.

    The server lists a connection for a moment after it was closed. So while there are any, count
    again, for up to 2 s: else a restore right after the end of the service is refused.
    """
    found = _others_now(there)
    for _ in range(CLOSING_CHECKS):
        if not found:
            break
        sleep(CLOSING_CHECK_SECONDS)
        found = _others_now(there)
    return found


def _others_now(there: Server) -> int:
    """Count the other connections listed by the server now."""
    with closing(_connect(there)) as connection:
        row = connection.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
            " AND usename = current_user AND pid <> pg_backend_pid()"
            " AND backend_type = 'client backend'"
        ).fetchone()
        return int(row[0]) if row else 0


def holds_anything(there: Server) -> bool:
    """Check whether any table of the site's schema has a row."""
    with closing(_connect(there)) as connection:
        tables = connection.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = %s", [there.schema]
        ).fetchall()
        return any(
            connection.execute(
                sql.SQL("SELECT 1 FROM {} LIMIT 1").format(sql.Identifier(there.schema, table))
            ).fetchone()
            for (table,) in tables
            if table not in BY_ITSELF
        )


_OURS = """
SELECT 'TABLE', format('%%I.%%I', schemaname, tablename)
FROM pg_tables WHERE schemaname = %(schema)s
UNION ALL
SELECT 'FUNCTION', p.oid::regprocedure::text
FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
WHERE n.nspname = %(schema)s AND p.prokind = 'f'
AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')
"""
"""Query for all objects of a schema not belonging to an extension. Tables come first; their
triggers are dropped with them."""


def _script(*statements: str) -> bytes:
    return "".join(f"{each};\n" for each in statements).encode()


def replace(there: Server, raw: Path, afterwards: Sequence[str]) -> None:
    """Replace the whole content of the site's schema by the content of a dump.

    This is one transaction, with the statements `afterwards` at its end: all of it succeeds or
    nothing changes. Raises :class:`BackupError` if it fails.
    """
    folder = programs(there.major, [*there.folders])
    with closing(_connect(there)) as connection:
        found = connection.execute(_OURS, {"schema": there.schema}).fetchall()
    first = ["BEGIN", "SET LOCAL lock_timeout = '30s'"]
    first += [f"DROP {kind} {name} CASCADE" for kind, name in found]
    first.append(f"CREATE SCHEMA IF NOT EXISTS {quoted(there.schema)}")
    psql = [
        str(folder / "psql"),
        "--no-psqlrc",
        "--quiet",
        "--set=ON_ERROR_STOP=1",
        "--file=-",
        "--output=/dev/null",
        f"--dbname={there.conninfo}",
    ]
    pg_restore = [
        str(folder / "pg_restore"),
        "--no-owner",
        "--no-privileges",
        f"--schema={there.schema}",
        "--file=-",
        str(raw),
    ]
    with (
        TemporaryFile() as said,
        TemporaryFile() as complained,
        subprocess.Popen(pg_restore, stdout=subprocess.PIPE, stderr=complained) as reader,
        subprocess.Popen(psql, env=there.environment, stdin=subprocess.PIPE, stderr=said) as writer,
    ):
        assert reader.stdout is not None
        assert writer.stdin is not None
        with suppress(BrokenPipeError):  # psql ended early: its error is read below
            writer.stdin.write(_script(*first))
            for line in reader.stdout:
                if not line.startswith(b"SET transaction_timeout"):  # unknown to older servers
                    writer.stdin.write(line)
            if reader.wait() == 0:  # otherwise psql ends without COMMIT, and nothing changes
                writer.stdin.write(_script(*afterwards, "COMMIT"))
            writer.stdin.close()
        reader.stdout.close()
        for name, process, file in (("psql", writer, said), ("pg_restore", reader, complained)):
            if process.wait():
                file.seek(0)
                what = reason(name, file.read().decode(errors="replace"), process.returncode)
                raise BackupError(f"{what}; the database is as it was")
