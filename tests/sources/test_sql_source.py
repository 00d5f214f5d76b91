"""Another system's database as a source: a real SQLite, a real PostgreSQL, a real MariaDB.

November 2026 has no holiday: 2, 9, 16 and 23 are Mondays.
"""

import logging
import os
import resource
import sqlite3
import textwrap
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
import support.servers.mariadb_server
from conftest import wita
from sqlalchemy import create_engine, select, text
from sqlalchemy.exc import OperationalError
from support.import_results import dump, history, known, quarantine, take

from db import imports
from db.models import Complaint, SourceImport
from settings.errors import SettingsError
from settings.sources import SqlSource, read_sources
from tasks import intake
from tasks.common.context import SiteContext
from tasks.sources.base import SourceError, Waiting
from tasks.sources.registry import open_source
from tasks.sources.sql.connection import reading
from tasks.sources.sql.errors import cause

PERSON = "Budi Rahasiawan"
PASSWORD = "p/w@Rahasia"
MAPPING = """
[desk]
type = "sql"
url_variable = "TENGGAT_DESK_URL"
query = '''
SELECT nomor, masuk, selesai, perihal, pelapor, diubah FROM laporan WHERE diubah >= :since
'''
cursor = "diubah"
first_cursor = 2000-01-01
layout = "history"
zone = "Asia/Makassar"

[desk.fields]
ticket = "nomor"
received = "masuk"
title = "perihal"

[[desk.events]]
column = "selesai"
kind = "settled"
"""
ALL = """
[desk]
type = "sql"
url_variable = "TENGGAT_DESK_URL"
query = "SELECT * FROM laporan"
layout = "history"
zone = "Asia/Makassar"
fields = { ticket = "nomor", received = "masuk" }
events = [{ column = "selesai", kind = "settled" }]
"""


class Desk:
    """The other system: a table of complaints, written to as its own program would."""

    def __init__(self, writes: str, reads: str, moment: str = "TIMESTAMP") -> None:
        self.url, self.kind = reads, reads.partition(":")[0]
        self._engine = create_engine(writes)
        self.run(
            "CREATE TABLE laporan (nomor VARCHAR(40), masuk TIMESTAMP NULL, selesai TIMESTAMP NULL,"
            " perihal VARCHAR(200), pelapor VARCHAR(200), diubah TIMESTAMP NULL)".replace(
                "TIMESTAMP", moment
            )
        )

    def run(self, statement: str, *values: dict[str, object]) -> None:
        with self._engine.begin() as connection:
            connection.execute(text(statement), list(values) or None)

    def put(self, *rows: tuple[str, str, str | None, str]) -> None:
        """Number, received, settled and changed: local times."""
        self.run(
            "INSERT INTO laporan VALUES (:a, :b, :c, 'Jalan rusak', :p, :d)",
            *({"a": a, "b": b, "c": c, "d": d, "p": PERSON} for a, b, c, d in rows),
        )

    def close(self) -> None:
        self._engine.dispose()


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """What is read is recorded in SQLite: here the other side counts."""
    return sqlite_url


@pytest.fixture(scope="session")
def mariadb() -> Iterator[support.servers.mariadb_server.MariaDB]:
    """A real MariaDB for this worker; skips where none is installed, never in CI."""
    if support.servers.mariadb_server.PROGRAM is None:
        assert "CI" not in os.environ, "CI installs mariadb-server-core"
        pytest.skip("no MariaDB; apt install mariadb-server-core")
    with support.servers.mariadb_server.running() as server:
        yield server


def sqlite_desk(folder: Path) -> Desk:
    return Desk(f"sqlite:///{folder}/desk.db", f"sqlite:///{folder}/desk.db", "TEXT")


def postgresql_desk(uri: str) -> Desk:
    name, user = f"d{uuid.uuid4().hex}", f"r{uuid.uuid4().hex}"
    with psycopg.connect(uri, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}" STRATEGY FILE_COPY')
        connection.execute(f"CREATE USER \"{user}\" PASSWORD '{PASSWORD}'")
        connection.execute(f'GRANT pg_read_all_data, pg_write_all_data TO "{user}"')
    place, _, options = uri.partition("?")
    base = place.rpartition("/")[0].replace("postgresql://", "")
    _, _, host = base.rpartition("@")
    writes = f"postgresql+psycopg://{base}/{name}?{options}"
    return Desk(writes, f"postgresql://{user}:p%2Fw%40Rahasia@{host}/{name}?{options}")


def mariadb_desk(server: support.servers.mariadb_server.MariaDB) -> Desk:
    name = f"d{uuid.uuid4().hex[:20]}"
    server.run(
        f"CREATE DATABASE {name} CHARACTER SET utf8mb4",
        f"CREATE USER {name}@'%' IDENTIFIED BY '{PASSWORD}'",
        f"GRANT ALL ON {name}.* TO {name}@'%'",
    )
    url = f"mysql+pymysql://{name}:p%2Fw%40Rahasia@127.0.0.1:{server.port}/{name}"
    return Desk(url, url.replace("mysql+pymysql", "mysql"), "DATETIME")


KINDS = ("sqlite", "postgresql", "mariadb")
BY_SQLITE = pytest.mark.parametrize("desk", ["sqlite"], indirect=True)
"""For what hangs on what was read, and not on who gave it."""


@pytest.fixture(params=KINDS)
def desk(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Desk]:
    """An empty table of complaints in each kind of database."""
    if request.param == "sqlite":
        made = sqlite_desk(tmp_path)
    elif request.param == "postgresql":
        made = postgresql_desk(request.getfixturevalue("postgres"))
    else:
        made = mariadb_desk(request.getfixturevalue("mariadb"))
    monkeypatch.setenv("TENGGAT_DESK_URL", made.url)
    yield made
    made.close()


Connects = Callable[..., SiteContext]


@pytest.fixture
def connect(site_folder: Path, open_context: Callable[[], SiteContext]) -> Connects:
    """Opens a site with this mapping; each pair replaces a piece of it."""

    def opened(mapping: str = MAPPING, *changes: tuple[str, str]) -> SiteContext:
        for old, new in changes:
            assert old in mapping
            mapping = mapping.replace(old, new)
        (site_folder / "sources.toml").write_text(mapping, encoding="utf-8")
        return open_context()

    return opened


def tickets(context: SiteContext) -> list[str]:
    with context.transaction() as session:
        return sorted(session.scalars(select(Complaint.ticket)))


def look_names(context: SiteContext) -> list[str]:
    with context.transaction() as session:
        return list(session.scalars(select(SourceImport.name).order_by(SourceImport.id)))


# --- what comes in --------------------------------------------------------------------------------


@pytest.mark.thorough
def test_rows_become_complaints_and_a_change_becomes_an_event(desk, connect):
    context = connect()
    desk.put(
        ("D-1", "2026-11-16 08:30:00", None, "2026-11-16 08:30:00"),
        ("D-2", "2026-11-17 09:00:00", "2026-11-18 15:00:00", "2026-11-18 15:00:00"),
    )
    count = take(context, "2026-11-19 08:00", "desk")
    assert (count.rows, count.new, count.quarantined) == (2, 2, 0)
    assert history(context, "D-2") == ["received 17 09:00 stated", "settled 18 15:00 stated"]
    assert known(context, "D-1").title == "Jalan rusak"
    desk.run(
        "UPDATE laporan SET selesai = '2026-11-19 10:00:00', diubah = '2026-11-19 10:00:00'"
        " WHERE nomor = 'D-1'"
    )
    count = take(context, "2026-11-20 08:00", "desk")
    assert (count.new, count.updated, count.unchanged) == (0, 1, 1)
    assert history(context, "D-1") == ["received 16 08:30 stated", "settled 19 10:00 stated"]


def test_reading_twice_changes_nothing(desk, connect):
    context = connect()
    desk.put(*((f"D-{n}", "2026-11-16 08:30:00", None, "2026-11-16 08:30:00") for n in range(5)))
    take(context, "2026-11-19 08:00", "desk")
    before = dump(context)
    assert take(context, "2026-11-19 08:00", "desk").new == 0
    assert take(context, "2026-11-19 08:00", "desk").files == 0
    after = dump(context)
    count = take(context, "2026-11-19 09:00", "desk")
    assert (count.files, count.new, count.updated, count.unchanged) == (1, 0, 0, 5)

    def without_looks(told: str) -> list[str]:
        return [
            line for line in told.splitlines() if not line.startswith(("source_import", "cursor"))
        ]

    assert without_looks(after) == without_looks(before)


@BY_SQLITE
def test_an_answer_without_rows_is_a_look(desk, connect):
    context = connect()
    for hour in ("08", "09"):
        assert take(context, f"2026-11-19 {hour}:00", "desk").files == 1
    with context.transaction() as session:
        assert imports.last(session, "desk") == wita("2026-11-19 09:00")


def test_without_a_cursor_all_rows_are_read_each_time_as_one_look(desk, connect):
    context = connect(ALL)
    desk.put(*((f"D-{n}", "2026-11-16 08:30:00", None, "2026-11-16 08:30:00") for n in range(7)))
    assert take(context, "2026-11-19 08:00", "desk").new == 7
    assert take(context, "2026-11-19 08:00", "desk").files == 0
    count = take(context, "2026-11-19 09:00", "desk")
    assert (count.files, count.new, count.unchanged) == (1, 0, 7)


def test_a_number_can_be_the_cursor(desk, connect):
    context = connect(
        MAPPING,
        ("SELECT nomor", "SELECT CAST(nomor AS DECIMAL(12)) AS id, nomor"),
        ("diubah >= :since", "CAST(nomor AS DECIMAL(12)) >= :since"),
        ('cursor = "diubah"', 'cursor = "id"'),
        ("first_cursor = 2000-01-01", "first_cursor = 0"),
    )
    desk.put(("9", "2026-11-16 08:30:00", None, "2026-11-16 08:30:00"))
    take(context, "2026-11-19 08:00", "desk")
    desk.put(("10", "2026-11-16 08:30:00", None, "2026-11-16 08:30:00"))
    count = take(context, "2026-11-19 09:00", "desk")
    assert (count.rows, count.new) == (2, 1)  # as a text '10' would come before '9'


def test_texts_that_look_like_a_parameter_are_texts(desk, connect):
    context = connect(
        MAPPING,
        ("WHERE", "WHERE perihal <> 'pukul 10 :since' -- :nothing\n AND"),
        ("perihal, pelapor", "perihal || ' 100%' AS perihal, pelapor")
        if desk.kind != "mysql"
        else ("perihal, pelapor", "CONCAT(perihal, ' 100%') AS perihal, pelapor"),
    )
    desk.put(("D-1", "2026-11-16 08:30:00", None, "2026-11-16 08:30:00"))
    take(context, "2026-11-19 08:00", "desk")
    assert known(context, "D-1").title == "Jalan rusak 100%"


def test_moments_with_a_zone_are_converted_and_days_begin_at_midnight(
    postgres, connect, monkeypatch
):
    desk = postgresql_desk(postgres)
    monkeypatch.setenv("TENGGAT_DESK_URL", desk.url)
    context = connect(
        ALL,
        (
            "SELECT * FROM laporan",
            "SELECT 7.50 AS nomor, TIMESTAMPTZ '2026-11-16 20:30:15.9+00' AS masuk,"
            " DATE '2026-11-18' AS selesai UNION ALL SELECT 8, '2026-11-16 20:30+08', NULL",
        ),
    )
    take(context, "2026-11-19 08:00", "desk")
    assert history(context, "7.50") == ["received 17 04:30 stated", "settled 18 00:00 stated"]
    assert history(context, "8") == ["received 16 20:30 stated"]
    desk.close()


def test_a_snapshot_can_be_asked_for_too(desk, connect):
    context = connect(
        MAPPING,
        (
            "SELECT nomor",
            "SELECT CASE WHEN selesai IS NULL THEN 'buka' ELSE 'tutup' END AS st, nomor",
        ),
        ('layout = "history"', 'layout = "snapshot"'),
        ('title = "perihal"', 'status = "st"'),
        (
            '[[desk.events]]\ncolumn = "selesai"\nkind = "settled"',
            '[[desk.status]]\nword = "buka"\n[[desk.status]]\nword = "tutup"\nenter = ["closed"]',
        ),
    )
    desk.put(("D-1", "2026-11-16 08:30:00", None, "2026-11-16 08:30:00"))
    take(context, "2026-11-17 08:00", "desk")
    desk.run("UPDATE laporan SET selesai = masuk, diubah = '2026-11-18 07:30:00'")
    desk.put(("D-2", "2026-11-17 12:00:00", "2026-11-17 13:00:00", "2026-11-17 13:00:00"))
    take(context, "2026-11-18 08:00", "desk")
    assert history(context, "D-1")[1:] == ["closed 17 08:00 - 18 08:00 observed"]
    assert history(context, "D-2")[1:] == ["closed 17 12:00 - 18 08:00 observed"]


# --- the cursor -----------------------------------------------------------------------------------

SAME = "2026-11-16 08:30:00"


@pytest.mark.parametrize(
    ("desk", "batch"),
    [*((kind, 3) for kind in KINDS), *(("sqlite", batch) for batch in (1, 2, 4, 7, 8))],
    indirect=["desk"],
)
def test_rows_that_bear_one_cursor_value_all_come_in(desk, connect, batch):
    context = connect(MAPPING, ("layout =", f"batch = {batch}\nlayout ="))
    desk.put(*((f"D-{n}", SAME, None, SAME) for n in range(7)))
    assert take(context, "2026-11-19 08:00", "desk").new == 7
    desk.put(("D-7", SAME, None, SAME), ("D-8", SAME, None, "2026-11-17 00:00:00"))
    assert take(context, "2026-11-19 09:00", "desk").new == 2


def test_the_first_reading_goes_on_where_it_broke_off(desk, connect, monkeypatch):
    context = connect(MAPPING, ("layout =", "batch = 3\nlayout ="))
    desk.put(*((f"D-{n}", SAME, None, f"2026-11-{10 + n // 2} 08:00:00") for n in range(10)))
    real, calls = intake.import_extract, []

    def breaks(*given):
        calls.append(given)
        if len(calls) == 3:
            raise SourceError("the disk is full")
        return real(*given)

    monkeypatch.setattr(intake, "import_extract", breaks)
    with pytest.raises(SourceError, match="the disk is full"):
        take(context, "2026-11-19 08:00", "desk")
    assert tickets(context) == [f"D-{n}" for n in range(6)]
    count = take(context, "2026-11-19 09:00", "desk")
    assert (count.new, count.quarantined) == (4, 0)
    assert look_names(context)[:2] == ["desk: rows 1-3", "desk: rows 4-6"]
    assert take(context, "2026-11-19 10:00", "desk").new == 0
    assert look_names(context)[-1] == "desk: changes"


@BY_SQLITE
def test_a_change_is_one_look_however_large(desk, connect):
    context = connect(MAPPING, ("layout =", "batch = 2\nlayout ="))
    desk.put(("D-0", SAME, None, SAME))
    take(context, "2026-11-19 08:00", "desk")
    desk.put(*((f"D-{n}", SAME, None, "2026-11-19 08:30:00") for n in range(1, 8)))
    count = take(context, "2026-11-19 09:00", "desk")
    assert (count.files, count.new, count.unchanged) == (1, 7, 1)


def test_a_row_without_a_cursor_value_is_taken_and_moves_nothing(desk, connect):
    context = connect(MAPPING, ("diubah >= :since", "(diubah IS NULL OR diubah >= :since)"))
    desk.put(("D-1", SAME, None, SAME))
    desk.run("INSERT INTO laporan VALUES ('D-2', :m, NULL, 'x', 'y', NULL)", {"m": SAME})
    assert take(context, "2026-11-19 08:00", "desk").new == 2
    desk.put(("D-3", SAME, None, "2026-11-17 00:00:00"))
    assert take(context, "2026-11-19 09:00", "desk").new == 1


def test_a_row_that_came_in_since_the_run_began_waits_for_the_next(desk, connect):
    context = connect()
    desk.put(
        ("D-1", "2026-11-19 07:59:00", None, "2026-11-19 07:59:00"),
        ("D-2", "2026-11-19 08:00:01", None, "2026-11-19 08:00:01"),
        ("D-3", "2026-11-16 08:30:00", None, "2026-11-19 08:00:02"),
    )
    count = take(context, "2026-11-19 08:00", "desk")
    assert (count.new, count.quarantined, count.waiting) == (
        1,
        0,
        [Waiting("desk: 1 later than this run")],
    )
    assert take(context, "2026-11-19 08:15", "desk").new == 2


NO_DATES = {
    "sqlite": ("infinity", "0000-00-00 00:00:00", "0044-03-15 12:00:00 BC"),
    "postgresql": ("infinity", "-infinity", "0044-03-15 12:00:00 BC"),
    "mysql": ("0000-00-00 00:00:00", "0000-00-00", "0000-00-00 00:00:00"),
}


def test_a_time_by_which_a_database_says_no_date_costs_no_row(desk, connect):
    context = connect(MAPPING, ("diubah >= :since", "(diubah >= :since OR nomor <> 'D-1')"))
    desk.put(("D-1", SAME, None, SAME))
    for number, no_date in enumerate(NO_DATES[desk.kind], start=2):
        desk.put((f"D-{number}", SAME, no_date, no_date))
    count = take(context, "2026-11-19 08:00", "desk")
    assert (count.new, count.quarantined, count.questions) == (4, 0, {})
    for number in range(1, 5):  # none of them counts as settled
        assert history(context, f"D-{number}") == ["received 16 08:30 stated"]
    desk.put(("D-5", SAME, SAME, "2026-11-17 00:00:00"))  # the position has not moved too far
    assert take(context, "2026-11-19 09:00", "desk").new == 1


@pytest.mark.parametrize(
    "value",
    ["TIME '24:00'", "TIMESTAMP '20026-11-18 10:00'", "TIMESTAMPTZ '9999-12-31 23:59+00'"],
)
def test_a_time_that_python_cannot_hold_is_a_question_about_its_cell(
    postgres, connect, monkeypatch, value
):
    desk = postgresql_desk(postgres)
    monkeypatch.setenv("TENGGAT_DESK_URL", desk.url)
    context = connect(MAPPING, ("selesai,", f"{value} AS selesai,"))
    desk.put(("D-1", SAME, None, SAME))
    count = take(context, "2026-11-19 08:00", "desk")
    assert (count.new, count.quarantined, count.questions) == (1, 0, {"selesai": 1})
    desk.close()


@BY_SQLITE
def test_a_row_far_ahead_goes_to_quarantine_and_holds_nothing_up(desk, connect):
    context = connect()
    desk.put(("D-1", "2062-11-19 07:59:00", None, SAME), ("D-2", SAME, None, "2026-11-18 01:00:00"))
    count = take(context, "2026-11-19 08:00", "desk")
    assert (count.new, count.reasons) == (1, {"in_the_future": 1})


@BY_SQLITE
def test_bad_rows_wait_in_quarantine(desk, connect):
    context = connect()
    desk.put(("", SAME, None, SAME), ("D-2", SAME, "2026-11-01 00:00:00", SAME))
    desk.run("INSERT INTO laporan VALUES ('D-3', NULL, NULL, 'x', 'y', :m)", {"m": SAME})
    count = take(context, "2026-11-19 08:00", "desk")
    assert {reason for _, reason, _, _ in quarantine(context, "desk")} == {
        "missing_ticket",
        "missing_date",
    }
    assert (count.new, count.questions) == (1, {"selesai": 1})  # D-2 is watched


# --- read only ------------------------------------------------------------------------------------


def test_the_database_itself_refuses_to_write(desk, connect):
    """The transaction is read only even for a statement that came past the check of settings."""
    context = connect()
    source = context.site.sources["desk"]
    with reading(context.site.folder, "desk", source) as connection:
        cursor = connection.connection.cursor()
        with pytest.raises(Exception, match=r"(?i)read-? ?only"):
            cursor.execute("DELETE FROM laporan")


def test_a_function_that_writes_is_refused_by_postgresql(postgres, connect, monkeypatch):
    desk = postgresql_desk(postgres)
    monkeypatch.setenv("TENGGAT_DESK_URL", desk.url)
    desk.run(
        "CREATE FUNCTION sly() RETURNS text LANGUAGE sql AS"
        " $$INSERT INTO laporan VALUES ('x') RETURNING nomor$$"
    )
    context = connect(
        ALL, ("SELECT * FROM laporan", "SELECT sly() AS nomor, now() AS masuk, 1 AS selesai")
    )
    with pytest.raises(SourceError, match="the query would change something"):
        take(context, "2026-11-19 08:00", "desk")
    desk.close()


@pytest.mark.parametrize(
    ("query", "why"),
    [
        ("DELETE FROM laporan", "must be one SELECT"),
        ("", "must be one SELECT"),
        ("SELECT 1; DROP TABLE laporan", "must be one statement"),
        ("WITH x AS (DELETE FROM laporan RETURNING *) SELECT * FROM x", "but it contains 'DELETE'"),
        ("SELECT * INTO lain FROM laporan", "but it contains 'INTO'"),
        ("SELECT * FROM laporan FOR UPDATE", "but it contains 'UPDATE'"),
        ("SELECT 1 /*! INTO OUTFILE '/tmp/x' */", "MySQL carries out"),
        ("SELECT * FROM laporan WHERE diubah >= :sejak", "`:sejak` is not known"),
        ("SELECT * FROM laporan WHERE diubah >= :since", "`:since` needs `cursor`"),
    ],
)
def test_a_query_that_does_more_than_read_is_refused_with_the_settings(tmp_path, query, why):
    path = tmp_path / "sources.toml"
    path.write_text(ALL.replace("SELECT * FROM laporan", query), encoding="utf-8")
    with pytest.raises(SettingsError) as error:
        read_sources(path)
    assert str(error.value).startswith(f"{path}: desk")
    assert why in str(error.value)


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        (">= :since", "> :since", "write `>= :since`"),
        (">= :since", ">= '2026-01-01'", "the query does not use it"),
        ("first_cursor = 2000-01-01\n", "", "first_cursor is missing"),
    ],
)
def test_a_cursor_that_would_lose_rows_is_refused_with_the_settings(tmp_path, old, new, why):
    path = tmp_path / "sources.toml"
    path.write_text(MAPPING.replace(old, new), encoding="utf-8")
    with pytest.raises(SettingsError, match=why):
        read_sources(path)


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM laporan;",
        "-- semua; laporan\nSELECT * FROM laporan; -- selesai;",
        "WITH x AS (SELECT * FROM laporan) SELECT * FROM x WHERE perihal <> 'DELETE; :x'",
        "SELECT replace(perihal, \"a;\", `update`) FROM laporan WHERE masuk > '10:30'",
        "SELECT masuk::text FROM laporan",
    ],
)
def test_a_query_that_reads_is_taken(tmp_path, query):
    path = tmp_path / "sources.toml"
    path.write_text(ALL.replace('"SELECT * FROM laporan"', f"'''{query}'''"), encoding="utf-8")
    assert read_sources(path)["desk"]


# --- trouble --------------------------------------------------------------------------------------


def trouble(context: SiteContext) -> str:
    with pytest.raises(SourceError) as error:
        take(context, "2026-11-19 08:00", "desk")
    told = str(error.value)
    assert [secret for secret in (PERSON, "Rahasia", "p%2Fw", "127.0.0.1") if secret in told] == []
    return told


def test_a_missing_table_or_column_is_named(desk, connect):
    desk.put(("D-1", SAME, None, SAME))
    context = connect(MAPPING, ("FROM laporan", "FROM aduan"))
    assert trouble(context).startswith("desk: there is no table 'aduan'")
    context = connect(MAPPING, ("nomor, masuk", "nomer, masuk"))
    assert trouble(context).startswith("desk: there is no column 'nomer'")
    context = connect(MAPPING, ('title = "perihal"', 'title = "judul"'))
    told = trouble(context)
    assert told.startswith("desk: the query gives no column 'judul': correct the mapping or the")
    assert "; known are diubah, " in told
    context = connect(ALL, ("SELECT *", "SELECT nomor, masuk, masuk, selesai"))
    assert trouble(context) == "desk: the query gives two columns 'masuk'; name them with AS"


REFUSED = "the database refuses the login; correct user and password in TENGGAT_DESK_URL"


def test_a_refused_login_says_so(mariadb, postgres, connect, monkeypatch):
    context = connect()
    url = mariadb_desk(mariadb).url.replace("p%2Fw%40Rahasia", "p%2FwRahasia")
    monkeypatch.setenv("TENGGAT_DESK_URL", url)
    assert trouble(context) == f"desk: {REFUSED}"
    monkeypatch.setenv(
        "TENGGAT_DESK_URL", postgres.replace("postgres:", "nobody:p%2Fw%40Rahasia", 1)
    )
    assert trouble(context) == f"desk: {REFUSED}"


def test_a_wrong_password_of_postgresql_is_known_by_its_words():
    """The server of these tests trusts everybody on this machine, so it cannot say them."""
    said = 'connection failed: FATAL:  password authentication failed for user "x"'
    error = OperationalError(None, None, psycopg.OperationalError(said))
    source = SqlSource.model_construct(url_variable="TENGGAT_DESK_URL", timeout_seconds=1.0)
    assert cause(error, source) == REFUSED


def test_a_database_that_is_not_there_says_so(desk, connect, monkeypatch):
    context = connect()
    url, _, options = desk.url.partition("?")
    monkeypatch.setenv("TENGGAT_DESK_URL", f"{url.rpartition('/')[0]}/nothing?{options}")
    told = trouble(context)
    assert "there is no such database" in told or "the file of" in told


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("", "TENGGAT_DESK_URL is not set"),
        ("postgres.example/db", "TENGGAT_DESK_URL must be postgresql://"),
        ("oracle://a:Rahasia@h/d", "TENGGAT_DESK_URL must be postgresql://"),
        ("postgresql://a:Rahasia@h:port/d", "TENGGAT_DESK_URL must be postgresql://"),
        ("sqlite://", "must name a file"),
        ("sqlite:///file:Rahasia?mode=rwc&uri=true", "must name a file"),
        ("sqlite:///Rahasia.db", "the file of TENGGAT_DESK_URL does not exist"),
        ("postgresql://a:Rahasia@127.0.0.1:1/d", "the database cannot be reached"),
        ("mysql://a:Rahasia@127.0.0.1:1/d", "the database cannot be reached"),
    ],
)
def test_a_wrong_url_is_told_without_repeating_it(connect, monkeypatch, value, told):
    context = connect()
    monkeypatch.setenv("TENGGAT_DESK_URL", value)
    assert told in trouble(context)
    assert not (context.site.folder / "Rahasia.db").exists()


def test_a_file_that_is_no_database_and_one_beside_the_site(connect, monkeypatch):
    context = connect()
    monkeypatch.setenv("TENGGAT_DESK_URL", "sqlite:///desk.db")
    place = context.site.folder / "desk.db"
    place.write_text(f"{PERSON}\n" * 100, encoding="utf-8")
    assert trouble(context) == "desk: the file of TENGGAT_DESK_URL is no SQLite database"
    place.unlink()
    Desk(f"sqlite:///{place}", "sqlite:", "TEXT").put(("D-1", SAME, None, SAME))
    assert take(context, "2026-11-19 08:00", "desk").new == 1


def test_text_that_is_no_utf8_stops_nothing(tmp_path, connect, monkeypatch):
    desk = sqlite_desk(tmp_path)
    monkeypatch.setenv("TENGGAT_DESK_URL", desk.url)
    desk.put(("D-1", SAME, None, SAME))
    with sqlite3.connect(tmp_path / "desk.db") as connection:
        connection.execute("UPDATE laporan SET perihal = CAST(x'4a616c616ee900' AS TEXT)")
    context = connect()
    take(context, "2026-11-19 08:00", "desk")
    assert known(context, "D-1").title == "Jalan�"


def unconvertible(kind: str) -> str:
    return (
        f"the database cannot carry out the query (error {kind}): it converts a value that does not"
        " allow it"
    )


def test_a_date_that_the_database_cannot_convert_is_named_by_column_and_complaint(
    postgres, connect, monkeypatch
):
    desk = postgresql_desk(postgres)
    monkeypatch.setenv("TENGGAT_DESK_URL", desk.url)
    desk.put(*((f"D-{n}", SAME, None, SAME) for n in range(40)))
    desk.run("UPDATE laporan SET pelapor = '01/02/2026'")
    desk.run("UPDATE laporan SET pelapor = '31/02/2026' WHERE nomor IN ('D-27', 'D-30')")
    told, dated = unconvertible("22008"), "to_date(pelapor, 'DD/MM/YYYY')"
    in_a_column = connect(MAPPING, ("selesai, perihal", f"{dated} AS selesai, perihal"))
    assert trouble(in_a_column) == f"desk: column 'selesai', complaint D-27: {told}"
    in_the_condition = connect(MAPPING, ("WHERE diubah", f"WHERE {dated} < now() AND diubah"))
    assert trouble(in_the_condition) == f"desk: {told}"
    desk.close()


def test_a_number_that_mariadb_cannot_compute_is_named_and_no_lost_connection(
    mariadb, connect, monkeypatch
):
    desk = mariadb_desk(mariadb)
    monkeypatch.setenv("TENGGAT_DESK_URL", desk.url)
    desk.put(*((f"D-{n}", SAME, None, SAME) for n in range(40)))
    below_zero = "CAST(0 AS UNSIGNED) - (nomor = 'D-27') AS perihal"
    said = trouble(connect(MAPPING, ("selesai, perihal", f"selesai, {below_zero}")))
    told = unconvertible("22003")
    assert said == f"desk: column 'perihal', complaint D-27: {told}"
    desk.close()


@pytest.mark.thorough
def test_a_value_that_cannot_be_read_is_not_repeated(postgres, connect, monkeypatch):
    desk = postgresql_desk(postgres)
    monkeypatch.setenv("TENGGAT_DESK_URL", desk.url)
    desk.put(("D-1", SAME, None, SAME))
    context = connect(MAPPING, ("nomor, masuk", "CAST(pelapor AS integer) AS nomor, masuk"))
    told = unconvertible("22P02")
    assert trouble(context) == f"desk: column 'nomor': {told}"
    later = "(CASE n WHEN 1400 THEN 'x' ELSE '' || n END)::int AS nomor, masuk, selesai"
    rows = "FROM laporan, generate_series(1, 1500) n"
    assert trouble(connect(ALL, ("* FROM laporan", f"{later} {rows}"))) == (
        f"desk: column 'nomor': {told}"
    )
    later = later.replace("AS nomor, masuk, selesai", "AS urut, n AS nomor, masuk, selesai")
    assert trouble(connect(ALL, ("* FROM laporan", f"{later} {rows}"))) == (
        f"desk: column 'urut', complaint 1400: {told}"
    )
    desk.close()


@BY_SQLITE
def test_a_cell_that_cannot_be_converted_is_named_by_row_and_column(desk, connect, monkeypatch):
    desk.put(("D-1", SAME, None, SAME), ("D-2", SAME, PERSON, SAME))

    def converted(value: object, _: object) -> str:
        return str(int(PERSON)) if value == PERSON else str(value or "")

    monkeypatch.setattr("tasks.sources.sql.source.as_text", converted)
    assert trouble(connect()) == (
        "desk: row 2, column 'selesai': the value cannot be read; convert the column to text in"
        " the query"
    )


@pytest.mark.thorough
def test_a_database_that_takes_too_long_is_given_up(postgres, connect, monkeypatch):
    desk = postgresql_desk(postgres)
    monkeypatch.setenv("TENGGAT_DESK_URL", desk.url)
    context = connect(
        ALL,
        ("SELECT *", "SELECT pg_sleep(20)::text, *"),
        ("layout =", "timeout_seconds = 1\nlayout ="),
    )
    desk.put(("D-1", SAME, None, SAME))
    assert trouble(context) == "desk: no answer within 1 seconds (timeout_seconds)"
    desk.close()


def test_what_is_not_mapped_is_found_nowhere(desk, connect, caplog):
    caplog.set_level(logging.DEBUG)
    context = connect()
    desk.put(
        ("D-1", SAME, None, SAME),
        ("", SAME, None, SAME),
        ("D-3", SAME, "2026-11-01 00:00:00", SAME),
    )
    count = take(context, "2026-11-19 08:00", "desk")
    assert (count.quarantined, count.questions) == (1, {"selesai": 1})
    for text_ in (dump(context), caplog.text):
        assert PERSON not in text_
        assert "Rahasia" not in text_


@pytest.mark.thorough
def test_a_large_answer_is_never_held_whole(tmp_path, connect, monkeypatch):
    """30,000 rows of 3 kB each, and less than 60 MB more memory than before."""
    desk = sqlite_desk(tmp_path)
    monkeypatch.setenv("TENGGAT_DESK_URL", desk.url)
    desk.run(
        textwrap.dedent("""
            WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 30000)
            INSERT INTO laporan SELECT 'D-' || i, '2026-11-16 08:30:00', NULL, hex(zeroblob(1500)),
                'x', strftime('%Y-%m-%d %H:%M:%S', '2026-01-01', '+' || i || ' seconds') FROM n
        """)
    )
    context = connect()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    source = open_source(context.site, "desk")
    extracts = source.extracts(context, wita("2026-11-19 08:00"))
    rows = sum(len(list(extract.rows)) for extract in extracts)
    assert rows == 30_000
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 60 << 10
