"""Several regencies in one installation: one service, one database, and nobody sees the other."""

import json
import subprocess
import sys
import uuid

import psycopg
import pytest
from conftest import REPOSITORY
from sqlalchemy import make_url, select
from support.services import NAMES, named
from support.small_site import REPORT, TICKET

from cli.console import site_folders
from db.engine import NotReady, open_engine
from db.migrate import migrate
from db.migrations.revisions import newest_revision, revision
from db.models import Complaint
from service.errors import ServiceError
from service.supervisor import apart
from settings.errors import SettingsError
from settings.site import load_site
from tasks.common.context import SiteContext

pytestmark = pytest.mark.thorough


def tickets(context: SiteContext) -> set[str]:
    with context.transaction() as session:
        return set(session.scalars(select(Complaint.ticket)))


def test_each_site_has_its_own_deployments_and_its_first_cycle(neighbours):
    up = neighbours.up
    names = {(d["name"], d["parameters"]["site"]) for d in up.prefect("deployments")}
    assert names == {(site.name, str(site)) for site in up.sites}
    assert all(run["deployment_id"] for run in up.first_runs)
    for site in up.sites:
        assert [
            (run["name"].split()[0], run["state_type"])
            for run in up.first_runs
            if run["parameters"]["site"] == str(site)
        ] == [(flow, "COMPLETED") for flow in ("intake", "deadlines", "delivery")]
    assert len(up.first_runs) == 3 * len(up.sites)
    assert "did not finish well" not in up.first_said
    assert list((neighbours.folder / f"var-{NAMES[0]}" / "mailbox").glob("*.eml"))
    (variable,) = up.prefect("variables")
    assert set(variable["value"]) == set(NAMES)


def test_no_site_sees_the_complaints_of_the_other(neighbours):
    with neighbours.up.context(neighbours.first) as first:
        here = tickets(first)
    with neighbours.up.context(neighbours.second) as second:
        there = tickets(second)
    assert there - here == {"7000001"}
    assert REPORT[TICKET] in here & there
    with psycopg.connect(neighbours.postgres) as connection:
        found = connection.execute(
            "SELECT schemaname FROM pg_tables WHERE tablename IN ('complaint', 'alembic_version')"
            " ORDER BY schemaname"
        ).fetchall()
    assert [schema for (schema,) in found] == [NAMES[0], NAMES[0], NAMES[1], NAMES[1]]


def test_a_command_for_either_site_finds_the_service(neighbours):
    for site in neighbours.up.sites:
        file = json.loads((site.parent / f"var-{site.name}" / "service.json").read_text("utf-8"))
        assert file["api"] == f"{neighbours.up.url}/api"


def test_a_single_command_shows_its_runs_in_the_running_service(neighbours):
    with (neighbours.second / "site.toml").open("a", encoding="utf-8") as file:
        file.write("# changed, so the cycle is not idle\n")
    done = subprocess.run(
        [sys.executable, "-m", "cli", "run", "--site", str(neighbours.second), "--json"],
        cwd=REPOSITORY,
        env=neighbours.up.environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    by_hand = [run for run in neighbours.up.begun() if run["deployment_id"] is None]
    assert sorted(run["name"].split()[0] for run in by_hand) == ["deadlines", "delivery", "intake"]


def test_the_service_watches_before_it_works_and_tells_when_it_works_again(neighbours):
    """Of the second site nothing had been heard since yesterday; nothing else is told."""
    up = neighbours.up
    over = "hal sudah pulih"  # within a minute of the first cycle
    up.until(lambda: any(over in each for each in neighbours.subjects()), 90)
    told = neighbours.subjects()
    until_over = told[: next(n for n, each in enumerate(told) if over in each)]
    assert until_over[0] == "[Tenggat] 4 hal memerlukan perhatian"
    assert [each for each in until_over if "memerlukan perhatian" in each] == until_over[:1]
    assert f"{NAMES[1]}: silent/" in (up.var / "logs" / "watch.log").read_text("utf-8")


def test_a_folder_of_sites_stands_for_all_of_them(tmp_path):
    sites = [named(tmp_path, name) for name in NAMES]
    assert site_folders([tmp_path]) == sites
    assert site_folders([sites[0]]) == [sites[0]]
    assert site_folders(None) == [None]


@pytest.mark.parametrize(
    ("variables", "shared"),
    [
        ({"TENGGAT_DATABASE_URL": "postgresql+psycopg://127.0.0.1/one"}, "database"),
        ({"TENGGAT_VAR": "/nowhere/var"}, "folder of working files"),
    ],
)
def test_two_sites_that_would_share_what_is_their_own_are_refused(
    tmp_path, monkeypatch, variables, shared
):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    sites = [load_site(named(tmp_path, name)) for name in NAMES]
    with pytest.raises(ServiceError, match=f"have the same {shared}"):
        apart(sites)


def test_a_variable_with_the_site_s_name_is_that_site_s(tmp_path, monkeypatch):
    monkeypatch.setenv("TENGGAT_MAIL_URL", "smtps://all.example")
    monkeypatch.setenv("TENGGAT_MAIL_URL_TETANGGAKAB", "smtps://own.example")
    urls = [load_site(named(tmp_path, name)).mail_url for name in NAMES]
    assert urls == ["smtps://all.example", "smtps://own.example"]


def test_a_schema_without_postgresql_is_refused(tmp_path):
    with pytest.raises(SettingsError, match=r"database\.schema keeps sites apart in PostgreSQL"):
        load_site(named(tmp_path, "kab", 'schema = "kab"'))


def test_a_schema_that_the_user_may_not_make_is_named_with_what_to_do(postgres):
    """Once the owner of the database has made it, the site works in it."""
    user = f"u{uuid.uuid4().hex}"
    with psycopg.connect(postgres, autocommit=True) as owner:
        owner.execute(f"CREATE ROLE {user} LOGIN")
    base = make_url(postgres).set(drivername="postgresql+psycopg", username=user)
    url = base.update_query_dict({"options": f"-csearch_path={user}"})
    engine = open_engine(url.render_as_string(hide_password=False))
    make = f"CREATE SCHEMA {user} AUTHORIZATION {user}"
    says = rf"the schema {user} is not there and cannot be made \(permission denied.*run: {make}"
    with pytest.raises(NotReady, match=says):
        migrate(engine)
    with psycopg.connect(postgres, autocommit=True) as owner:
        owner.execute(make)
    migrate(engine)
    with engine.connect() as connection:
        assert revision(connection) == newest_revision()
    engine.dispose()
    with psycopg.connect(postgres, autocommit=True) as owner:
        owner.execute(f"DROP SCHEMA {user} CASCADE")
        owner.execute(f"DROP ROLE {user}")
