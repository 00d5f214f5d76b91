"""PostgreSQL's own programs: `pg_dump`, `pg_restore` and `psql`, found and run."""

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

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo
from sqlalchemy import URL

CONNECT_SECONDS = 30
_PROGRAMS = ("pg_dump", "pg_restore", "psql")
BY_ITSELF = ("alembic_version", "audit_head")
"""Tables that have a row in a database to which nothing has happened yet."""

_DEBIAN = Path("/usr/lib/postgresql")


class BackupError(RuntimeError):
    """A backup could not be made, read or put back; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Server:
    """A server, and the schema of it that a site's tables stand in."""

    conninfo: str
    password: str
    major: int
    schema: str
    folders: tuple[Path, ...]
    """Where its own programs lie, if it runs on this machine and tells."""

    @property
    def environment(self) -> dict[str, str]:
        """The environment of a program that talks to it: the password stands in no command line."""
        given = {**os.environ, "PGCONNECT_TIMEOUT": str(CONNECT_SECONDS), "LC_ALL": "C"}
        return {**given, "PGPASSWORD": self.password} if self.password else given


def server(url: URL) -> Server:
    """What a server says of itself; raises :class:`BackupError` where it does not answer."""
    query = {
        key: value if isinstance(value, str) else ",".join(value)
        for key, value in url.query.items()
    }
    named = {
        "host": url.host, "port": url.port, "user": url.username, "dbname": url.database,
    }  # fmt: skip
    given: dict[str, str] = {key: str(value) for key, value in named.items() if value} | query
    password = str(url.password or given.pop("password", ""))
    conninfo = make_conninfo(**given)
    try:
        with closing(_connect_to(conninfo, password)) as connection:
            row = connection.execute(  # the first of its path, also while that is not there yet
                "SELECT coalesce(current_schema(),"
                " split_part(current_setting('search_path'), ',', 1))"
            ).fetchone()
            major = connection.info.server_version // 10_000
            folders = tuple(_beside(connection))
    except psycopg.Error as error:
        raise BackupError(f"the database does not answer ({first_line(str(error))})") from None
    return Server(conninfo, password, major, str(row[0]) if row and row[0] else "public", folders)


def _connect(there: Server) -> psycopg.Connection:
    return _connect_to(there.conninfo, there.password)


def _connect_to(conninfo: str, password: str) -> psycopg.Connection:
    given = make_conninfo(conninfo, password=password) if password else conninfo
    return psycopg.connect(given, connect_timeout=CONNECT_SECONDS, autocommit=True)


def _beside(connection: psycopg.Connection) -> Iterator[Path]:
    """The folder of the server's own programs; only a superuser is told of it."""
    with suppress(psycopg.Error):
        row = connection.execute("SELECT setting FROM pg_config WHERE name = 'BINDIR'").fetchone()
        if row:
            yield Path(row[0])


def _folders(also: Sequence[Path]) -> list[Path]:
    """Where the programs may lie: PGBIN, PATH, beside the server, and each version of Debian's."""
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
    """The version of the programs in a folder."""
    done = subprocess.run(
        [folder / "pg_dump", "--version"], capture_output=True, text=True, check=False
    )
    found = re.search(r"(\d+)(?:\.\d+)*", done.stdout)
    return int(found[1]) if found else 0


def programs(major: int, also: Sequence[Path] = ()) -> Path:
    """The folder of the oldest programs that are no older than a server of this version.

    Raises :class:`BackupError`, which says what to install, where there are none.
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
    """Write the site's schema to `part`, as `pg_restore` reads it."""
    there = server(url)
    command: list[str | Path] = [
        programs(there.major, there.folders) / "pg_dump",
        "--format=custom", "--compress=0", "--no-owner", "--no-privileges",
        f"--schema={quoted(there.schema)}", f"--file={part}", f"--dbname={there.conninfo}",
    ]  # fmt: skip
    _run(command, there.environment, "pg_dump")


def read_through(path: Path, url: URL | None = None) -> tuple[str, str]:
    """The revision and the schema of a dump of which every row could be unpacked."""
    also = server(url).folders if url is not None else ()
    reader = newest(also) / "pg_restore"
    environment = {**os.environ, "LC_ALL": "C"}
    try:
        _run([reader, f"--file={os.devnull}", path], environment, "pg_restore")
        said = _run(
            [reader, "--data-only", "--table=alembic_version", "--file=-", path],
            environment, "pg_restore",
        )  # fmt: skip
    except BackupError as error:
        raise BackupError(f"damaged, or of a newer PostgreSQL ({error})") from None
    found = re.search(r"^COPY (\S+)\.alembic_version .*\n(\S+)\n", said, re.MULTILINE)
    if found is None:
        raise BackupError("no backup of Tenggat's database: it has no revision")
    return found[2], found[1].strip('"').replace('""', '"')


def newest(also: Sequence[Path] = ()) -> Path:
    """The folder of the newest programs, which read what every older one has written."""
    found = _folders(also)
    return max(found, key=_major) if found else programs(0)


def quoted(name: str) -> str:
    """A name as SQL writes it."""
    return '"' + name.replace('"', '""') + '"'


def _run(command: Sequence[str | Path], environment: Mapping[str, str], name: str) -> str:
    """What a program says; raises :class:`BackupError` with its reason where it fails."""
    done = subprocess.run(
        list(map(str, command)), env=dict(environment), stdin=subprocess.DEVNULL,
        capture_output=True, text=True, errors="replace", check=False,
    )  # fmt: skip
    if done.returncode:
        raise BackupError(reason(name, done.stderr, done.returncode))
    return done.stdout


def reason(name: str, stderr: str, code: int) -> str:
    """The first line of what a program complains of: further ones may repeat a row."""
    return f"{name}: {first_line(stderr) or f'ended with {code}'}"


def first_line(text: str) -> str:
    """The first line that is not blank, without the program's name."""
    line = next((line.strip() for line in text.splitlines() if line.strip()), "")
    return re.sub(r"^(pg_dump|pg_restore|psql):( error:)? ?", "", line)


def others(there: Server) -> int:
    """How many other connections the same user has open to the database."""
    with closing(_connect(there)) as connection:
        row = connection.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
            " AND usename = current_user AND pid <> pg_backend_pid()"
            " AND backend_type = 'client backend'"
        ).fetchone()
        return int(row[0]) if row else 0


def holds_anything(there: Server) -> bool:
    """Whether any table of the site's schema has a row."""
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
"""What stands in a schema and belongs to no extension: tables first, triggers go with them."""


def _script(*statements: str) -> bytes:
    return "".join(f"{each};\n" for each in statements).encode()


def replace(there: Server, raw: Path, afterwards: Sequence[str]) -> None:
    """Put what a dump holds in the place of all that stands in the site's schema.

    It is one transaction, with the statements `afterwards` at its end: all of it or nothing.
    """
    folder = programs(there.major, [*there.folders])
    with closing(_connect(there)) as connection:
        found = connection.execute(_OURS, {"schema": there.schema}).fetchall()
    first = ["BEGIN", "SET LOCAL lock_timeout = '30s'"]
    first += [f"DROP {kind} {name} CASCADE" for kind, name in found]
    first.append(f"CREATE SCHEMA IF NOT EXISTS {quoted(there.schema)}")
    psql = [
        str(folder / "psql"), "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--file=-",
        "--output=/dev/null", f"--dbname={there.conninfo}",
    ]  # fmt: skip
    pg_restore = [
        str(folder / "pg_restore"), "--no-owner", "--no-privileges", f"--schema={there.schema}",
        "--file=-", str(raw),
    ]  # fmt: skip
    with (
        TemporaryFile() as said,
        TemporaryFile() as complained,
        subprocess.Popen(pg_restore, stdout=subprocess.PIPE, stderr=complained) as reader,
        subprocess.Popen(psql, env=there.environment, stdin=subprocess.PIPE, stderr=said) as writer,
    ):
        assert reader.stdout is not None
        assert writer.stdin is not None
        with suppress(BrokenPipeError):  # psql ended: what it said is read below
            writer.stdin.write(_script(*first))
            for line in reader.stdout:
                if not line.startswith(b"SET transaction_timeout"):  # older servers know it not
                    writer.stdin.write(line)
            if reader.wait() == 0:  # else psql meets the end without COMMIT, and nothing happens
                writer.stdin.write(_script(*afterwards, "COMMIT"))
            writer.stdin.close()
        reader.stdout.close()
        for name, process, file in (("psql", writer, said), ("pg_restore", reader, complained)):
            if process.wait():
                file.seek(0)
                what = reason(name, file.read().decode(errors="replace"), process.returncode)
                raise BackupError(f"{what}; the database is as it was")
