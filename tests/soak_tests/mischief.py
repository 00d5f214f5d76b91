"""What the three bad sources do: broken files, a server with tricks, a database that changes."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing, suppress
from datetime import datetime
from pathlib import Path
from random import Random

from support.servers.open311_server import GeoServer, Trick, cut, dripping, endless, raw, silent

from soak_tests.site import Office

TRICKS: tuple[Trick, ...] = (
    cut,
    dripping,
    endless,
    silent,
    raw(b"[" * 100_000),
    raw(b"\xff\xfe not text"),
    raw(b'[{"service_request_id": null}, 5, "x"]'),
    raw(b'{"error": "\\ud83d Budi 081234567890"}', status=500),
    raw(b"<html>\x1b[31m</html>", "text/html"),
    raw(b"", status=204),
)
NAMES = (b"torn_\xff\xfe.csv", b"torn_\x1b[31m_x.csv", b"torn_a\nb.csv", b"torn_0812345678.csv")
MOST_FILES = 12


class TornFolder:
    """An office that exports damaged files."""

    def __init__(self, office: Office, dice: Random) -> None:
        self.office, self.dice = office, dice

    def misbehave(self, now: datetime) -> None:
        """Put a file into the folder, whole or damaged."""
        inbox = self.office.site / "inbox" / self.office.source
        for old in sorted(inbox.iterdir())[:-MOST_FILES]:
            old.unlink()
        path = inbox / f"torn_{now:%Y-%m-%d_%H%M}.csv"
        self.office.write(path, now)
        kind = self.dice.randrange(7)
        text = bytearray(path.read_bytes())
        if kind == 0:
            del text[self.dice.randrange(len(text)) :]
        elif kind == 1:
            for _ in range(self.dice.randint(1, 40)):
                text[self.dice.randrange(len(text))] = self.dice.randrange(256)
        elif kind == 2:
            text[:] = self.dice.randbytes(self.dice.randint(0, 5000))
        elif kind == 3:
            text[:] = b"PK\x03\x04" + self.dice.randbytes(200)
        elif kind == 4:
            text[:] = text.replace(b";", b";;", self.dice.randint(1, 30))
        elif kind == 5:
            name = self.dice.choice(NAMES)
            path.rename(Path(os.fsdecode(os.fsencode(inbox) + b"/" + name)))
            return
        path.write_bytes(text)


class City:
    """A server of another city. Most of its answers are wrong."""

    def __init__(self, server: GeoServer, dice: Random) -> None:
        self.server, self.dice = server, dice

    def misbehave(self, now: datetime) -> None:
        """Receive a request now and then, and answer the next questions wrongly, or well."""
        number = len(self.server.requests)
        if self.dice.random() < 0.3:
            self.server.requests.append(
                {
                    "service_request_id": str(number),
                    "status": "open",
                    "service_name": "Lampu jalan",
                    "service_code": "lampu",
                    "description": "",
                    "agency_responsible": "Dinas Sosial",
                    "requested_datetime": now.isoformat(),
                    "updated_datetime": now.isoformat(),
                }
            )
        self.server.tricks[:] = [
            self.dice.choice(TRICKS) for _ in range(self.dice.choice((0, 1, 1, 2, 5)))
        ]


class Desk:
    """The database of another office: without table, without file, locked, or with odd values."""

    def __init__(self, file: Path, dice: Random) -> None:
        self.file, self.dice, self.number = file, dice, 0
        self.lock: sqlite3.Connection | None = None

    def misbehave(self, now: datetime) -> None:
        """Change something."""
        if self.lock is not None:
            self.lock.close()
            self.lock = None
        kind = self.dice.randrange(7)
        if kind == 0:
            self.file.unlink(missing_ok=True)
            return
        if kind == 1:
            self.file.write_bytes(self.dice.randbytes(2000))
            return
        with suppress(sqlite3.DatabaseError), closing(sqlite3.connect(self.file)) as database:
            database.execute("SELECT 1 FROM sqlite_master")
            if kind == 2:
                database.execute("DROP TABLE IF EXISTS laporan")
                database.commit()
                return
            self._add(database, now, odd=kind == 3)
            if kind == 4:
                self.lock = sqlite3.connect(self.file, check_same_thread=False)
                self.lock.execute("BEGIN EXCLUSIVE")
            return
        self.file.unlink(missing_ok=True)

    def _add(self, database: sqlite3.Connection, now: datetime, *, odd: bool) -> None:
        database.execute("CREATE TABLE IF NOT EXISTS laporan (nomor, masuk, selesai, diubah)")
        self.number += 1
        at = f"{now:%Y-%m-%d %H:%M:%S}"
        row: tuple[object, ...] = (f"D-{self.number}", at, None, at)
        if odd:
            row = self.dice.choice(
                (
                    (None, at, None, at),
                    (f"\x1b[31m{self.number}", "kemarin", None, at),
                    (self.number, b"\xff\x00", 2**60, at),
                    ("x" * 100_000, at, "0000-00-00", at),
                    (f"D-{self.number}", at, None, "zzz"),
                )
            )
        database.execute("INSERT INTO laporan VALUES (?, ?, ?, ?)", row)
        database.commit()
