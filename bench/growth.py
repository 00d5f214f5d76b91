"""What 30 days of runs leave in Prefect's database, with the nightly maintenance and without.

`python -m bench.growth` (some minutes). One cycle is run on a real Prefect server; then each day of
a month gets the rows that its runs would have made, copies of those of the cycle with ids and times
of their own, written into the server's SQLite. With maintenance the flow of that name runs after
each day as if it were then, against the server, which removes events by its own service; its clock
cannot be turned, so that service's own function is called with an age that fits the day.

A tenth of a site's real number of runs is enough to see the shape: `--runs` sets them for a day.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sqlite3
import subprocess
import sys
import tempfile
import uuid
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.append(str(ROOT / "tests"))

from support.small_site import small_site

from service.environment import prefect_environment
from service.prefect_server import prefect_server

DAYS, KEPT = 30, 10
TABLES = (
    "flow_run",
    "flow_run_state",
    "task_run",
    "task_run_state",
    "log",
    "artifact",
    "events",
    "event_resources",
)
STEPS = {"intake": 96, "deadlines": 25, "delivery": 288}
"""How often a site runs each in a day; `--runs` divides them by one number."""


class Template:
    """The rows that one run of each flow has left."""

    def __init__(self, database: Path) -> None:
        self.database = database
        self.columns: dict[str, list[str]] = {}
        self.rows: dict[str, dict[str, list[tuple[object, ...]]]] = {}
        self.began: dict[str, datetime] = {}
        with closing(sqlite3.connect(database, timeout=60)) as connection:
            runs = connection.execute(
                "SELECT r.id, f.name, r.created FROM flow_run r JOIN flow f ON f.id = r.flow_id"
            ).fetchall()
            for run, flow, created in runs:
                if flow in STEPS:
                    self.began[flow] = datetime.fromisoformat(created).replace(tzinfo=UTC)
                    self.rows[flow] = self._of(connection, run)

    def _of(self, connection: sqlite3.Connection, run: str) -> dict[str, list[tuple[object, ...]]]:
        found: dict[str, list[tuple[object, ...]]] = {}
        ids = {run}
        for table in TABLES:
            told = connection.execute(f"SELECT * FROM {table}")  # noqa: S608
            self.columns[table] = [column[0] for column in told.description]
            place = self.columns[table].index("id")
            found[table] = [
                row
                for row in told
                if any(isinstance(v, str) and any(key in v for key in ids) for v in row)
            ]
            if table in ("flow_run", "task_run", "events"):
                ids |= {str(row[place]) for row in found[table]}
        return found

    def day(self, day: datetime, divided: int) -> int:
        """Write the rows of a day's runs; returns how many runs."""
        made = 0
        with closing(sqlite3.connect(self.database, timeout=60)) as connection, connection:
            for flow, times in STEPS.items():
                for number in range(times // divided):
                    then = day + timedelta(days=1) * number / (times // divided)
                    self._copy(connection, flow, then)
                    made += 1
        return made

    def back_date(self, since: datetime, shift: timedelta) -> None:
        """Let the runs of maintenance since a moment have been on another day."""
        with closing(sqlite3.connect(self.database, timeout=60)) as connection, connection:
            runs = connection.execute(
                "SELECT r.id FROM flow_run r JOIN flow f ON f.id = r.flow_id"
                " WHERE f.name = 'maintenance' AND r.expected_start_time >= ?",
                [since.replace(tzinfo=None).isoformat(" ")],
            ).fetchall()
            for (run,) in runs:
                for table, rows in self._of(connection, run).items():
                    marks = ", ".join("?" for _ in self.columns[table])
                    connection.executemany(
                        f"INSERT OR REPLACE INTO {table} VALUES ({marks})",  # noqa: S608
                        [[_moved(value, {}, shift) for value in row] for row in rows],
                    )

    def _copy(self, connection: sqlite3.Connection, flow: str, then: datetime) -> None:
        shift = then - self.began[flow]
        new = {
            str(row[self.columns[table].index("id")]): str(uuid.uuid4())
            for table, rows in self.rows[flow].items()
            for row in rows
        }
        for table, rows in self.rows[flow].items():
            marks = ", ".join("?" for _ in self.columns[table])
            connection.executemany(
                f"INSERT INTO {table} VALUES ({marks})",  # noqa: S608
                [[_moved(value, new, shift) for value in row] for row in rows],
            )


def _moved(value: object, new: dict[str, str], shift: timedelta) -> object:
    """A cell with the ids of the copy, and with its time if it is one."""
    if not isinstance(value, str):
        return value
    if len(value) in (19, 26) and value[4] == "-" and value[10] == " ":
        at = datetime.fromisoformat(value) + shift
        return at.isoformat(" ", "microseconds")
    for old, fresh in new.items():
        if old in value:
            value = value.replace(old, fresh)
    return value


def size(database: Path) -> float:
    """Megabytes on disk, with the log."""
    with closing(sqlite3.connect(database, timeout=60)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    return database.stat().st_size / 1e6


async def _remove_events(age: timedelta) -> None:
    """What the server's own service does every hour, as if it were another day."""
    from prefect.server.database import provide_database_interface  # noqa: PLC0415
    from prefect.server.services.db_vacuum import vacuum_old_events  # noqa: PLC0415
    from prefect.settings import (  # noqa: PLC0415
        PREFECT_SERVER_EVENTS_RETENTION_PERIOD,
        temporary_settings,
    )

    with temporary_settings({PREFECT_SERVER_EVENTS_RETENTION_PERIOD: age}):
        await vacuum_old_events(db=provide_database_interface())


def month(folder: Path, divided: int, *, maintained: bool) -> list[float]:
    """Live through the days; the size after each."""
    folder.mkdir()
    os.environ["TENGGAT_VAR"] = str(folder)
    os.environ["TENGGAT_REHEARSAL"] = "1"  # its runs pretend the time
    site = small_site(folder / "site")
    text = (site / "site.toml").read_text("utf-8")
    text = text.replace("prefect_days = 30", f"prefect_days = {KEPT}")
    (site / "site.toml").write_text(text, encoding="utf-8")
    end = datetime.now(UTC)
    sizes = []
    with prefect_server(folder) as api:
        os.environ.update(prefect_environment(folder, api, keep_days=2 * DAYS))
        _in_its_own_process(
            "from datetime import datetime; from flows.cycle import run_cycle;"
            f"run_cycle({str(site)!r}, datetime.fromisoformat('2026-11-24T08:00+08:00'), say=str)"
        )
        database = folder / "prefect" / "prefect.db"
        template = Template(database)
        for number in range(1, DAYS + 1):
            day = end - timedelta(days=DAYS - number + 1)
            template.day(day, divided)
            template.back_date(end, day - end)  # last night's, whose events have come in by now
            if maintained:
                now = day + timedelta(days=1)
                asyncio.run(_remove_events(end - now + timedelta(days=KEPT)))
                _in_its_own_process(
                    "from datetime import datetime; from flows.maintenance import maintenance;"
                    f"maintenance({str(site)!r}, datetime.fromisoformat({now.isoformat()!r}))"
                )
            sizes.append(size(database))
    return sizes


def _in_its_own_process(script: str) -> None:
    """Run this with the environment of the server that is up now."""
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env=os.environ,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(done.stderr)


def main() -> None:
    """Print the sizes on some days, and the ratio at the end."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=20, help="runs of a day (a site has 409)")
    divided = max(1, round(sum(STEPS.values()) / parser.parse_args().runs))
    with tempfile.TemporaryDirectory() as folder:
        without = month(Path(folder) / "without", divided, maintained=False)
        kept = month(Path(folder) / "kept", divided, maintained=True)
    shown = [1, 5, 10, 15, 20, 25, 30]
    runs = sum(times // divided for times in STEPS.values())
    print(f"Prefect's database over {DAYS} days of {runs} runs, in MB; maintenance keeps {KEPT}")
    print("day                " + "".join(f"{day:8d}" for day in shown))
    for name, sizes in (("without", without), ("with maintenance", kept)):
        print(f"{name:19}" + "".join(f"{sizes[day - 1]:8.1f}" for day in shown))
    print(
        f"after {DAYS} days: without / with = {without[-1] / kept[-1]:.1f};"
        f" with, last day / day 15 = {kept[-1] / kept[14]:.2f}"
    )


if __name__ == "__main__":
    main()
