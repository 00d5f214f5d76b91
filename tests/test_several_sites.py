"""Several regencies in one installation: one service, one database, and nobody sees the other."""

import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from small_site import REPORT, TICKET, export, runs_when_asked, small_site
from sqlalchemy import make_url, select
from test_service import Up

from commands.service import _folders
from db.engine import NotReady, migrate, newest_revision, open_engine, revision
from db.models import Complaint
from service import ServiceError
from service.supervisor import apart
from settings import SettingsError, load_site
from tasks.office import Office

NAMES = ("contohkab", "tetanggakab")


def named(folder: Path, name: str, database: str = "") -> Path:
    """A small site called so, its working files beside it."""
    site = runs_when_asked(small_site(folder / name))
    file = site / "site.toml"
    text = file.read_text("utf-8").replace('var = "../var"', f'var = "../var-{name}"')
    text = text.replace('"Pemerintah Kabupaten Contoh"', f'"Pemerintah {name}"')
    text = text.replace("[database]\n", f"[database]\n{database}\n")
    file.write_text(text, encoding="utf-8")
    return site


def tickets(office: Office) -> set[str]:
    with office.transaction() as session:
        return set(session.scalars(select(Complaint.ticket)))


@dataclass
class Two:
    """Two sites served by one service from one PostgreSQL database."""

    up: Up
    sites: list[Path]
    url: str


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory, postgres: str) -> Iterator[Two]:
    folder = tmp_path_factory.mktemp("two")
    url = postgres.replace("postgresql://", "postgresql+psycopg://", 1)
    sites = [named(folder, name, f'schema = "{name}"') for name in NAMES]
    export(sites[1], "2026-11-25 07:00", {TICKET: "7000001"})
    up = Up.of(sites, folder, TENGGAT_DATABASE_URL=url)
    try:
        up.until(up.waits_for_its_schedule)
        yield Two(up, sites, url)
    finally:
        up.kill()


def test_each_site_has_its_own_deployments_and_its_first_cycle(two):
    names = {(d["name"], d["parameters"]["site"]) for d in two.up.prefect("deployments")}
    assert names == {(site.name, str(site)) for site in two.sites}
    completed = {"state": {"type": {"any_": ["COMPLETED"]}}}
    done = two.up.prefect("flow_runs", flow_runs=completed)
    assert sorted(run["parameters"]["site"] for run in done) == sorted(
        str(site) for site in two.sites for _ in range(3)
    )
    (variable,) = two.up.prefect("variables")
    assert set(variable["value"]) == set(NAMES)


def test_no_site_sees_the_complaints_of_the_other(two, monkeypatch):
    monkeypatch.setenv("TENGGAT_DATABASE_URL", two.url)
    first, second = (Office.open(site) for site in two.sites)
    try:
        assert tickets(second) - tickets(first) == {"7000001"}
        assert REPORT[TICKET] in tickets(first) & tickets(second)
    finally:
        first.close()
        second.close()
    with psycopg.connect(two.url.replace("+psycopg", "")) as connection:
        found = connection.execute(
            "SELECT schemaname FROM pg_tables WHERE tablename IN ('complaint', 'alembic_version')"
            " ORDER BY schemaname"
        ).fetchall()
    assert [schema for (schema,) in found] == [NAMES[0], NAMES[0], NAMES[1], NAMES[1]]


def test_a_command_for_either_site_finds_the_service(two):
    for site in two.sites:
        file = json.loads((site.parent / f"var-{site.name}" / "service.json").read_text("utf-8"))
        assert file["api"] == f"{two.up.url}/api"


def test_a_folder_of_sites_stands_for_all_of_them(tmp_path):
    sites = [named(tmp_path, name) for name in NAMES]
    assert _folders([tmp_path]) == sites
    assert _folders([sites[0]]) == [sites[0]]
    assert _folders(None) == [None]


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
