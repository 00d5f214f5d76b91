"""Copies of the working files: which are noticed, and how one of them goes on."""

import shutil
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from conftest import ON_BOTH, ON_SQLITE_FIRST, kind_of_database, wita
from sqlalchemy import select
from support.pipeline import BREACHED, alerts, at, deliver, messages, owe
from support.site_mistakes import assert_indonesian

from db.backup.create import backup
from db.backup.restore import restore
from db.engine import NotReady
from db.installation import identity
from db.installation.identity import Location, here, read_key, write_key
from db.installation.record import belongs, claim, recorded, release
from db.models import AuditRow, InstallationRow
from flows.permitted import ELSEWHERE
from flows.run_context import flow_run_context
from service.database_upgrade import claim_database, prepare
from service.errors import ServiceError
from settings.site import load_site
from tasks.common.context import SiteContext
from tasks.monitoring.health import check
from tasks.notifications.after_restore import adopt

NOW = wita("2026-11-24 12:00")
KEY = "k" * 32
OURS = Location(machine="m", host="server", path="/var/lib/tenggat", folder="7")
IN_A_CONTAINER = replace(OURS, machine="", host="1f2e3d")


@pytest.fixture
def database_url(request: pytest.FixtureRequest) -> str:
    return kind_of_database(request)


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine that is no container; the file is its identity."""
    file = tmp_path / "machine-id"
    file.write_text("a" * 32 + "\n", encoding="ascii")
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    monkeypatch.setattr(identity, "_IN_CONTAINERS", ())
    monkeypatch.setattr(identity, "_MOUNTS", tmp_path / "no-mounts")
    monkeypatch.setattr(identity, "_MACHINE_ID", file)
    return file


def another(machine: Path) -> None:
    machine.write_text("b" * 32 + "\n", encoding="ascii")


def in_a_container(machine: Path) -> None:
    machine.with_name("no-mounts").write_text("overlay / overlay rw 0 0\n", encoding="utf-8")


def restored(context: SiteContext, made: Path) -> None:
    """The database put back from this backup, by the function behind the command."""
    site = context.site
    context.close()
    lock = site.var / "service.lock"
    restore(made, site.database_url, site.backups, NOW, lock=lock, force=True)


# --- what is a copy -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("then", "now", "key", "expected"),
    [
        pytest.param(OURS, OURS, KEY, True, id="nothing-new"),
        pytest.param(OURS, replace(OURS, host="server2"), KEY, True, id="renamed-host"),
        pytest.param(OURS, replace(OURS, folder="8"), KEY, True, id="new-disk-same-path"),
        pytest.param(OURS, replace(OURS, path="/srv/t"), KEY, True, id="moved-folder"),
        pytest.param(OURS, OURS, "", True, id="working-files-made-anew"),
        pytest.param(OURS, OURS, "other", True, id="database-put-back-by-hand"),
        pytest.param(OURS, replace(OURS, machine="n"), KEY, False, id="copy-on-another-machine"),
        pytest.param(OURS, replace(OURS, machine="n"), "", False, id="second-installation"),
        pytest.param(OURS, replace(OURS, path="/x", folder="8"), KEY, False, id="copied-folder"),
        pytest.param(OURS, replace(OURS, path="/x", folder="8"), "", False, id="second-folder"),
        pytest.param(
            IN_A_CONTAINER, replace(IN_A_CONTAINER, host="9a8b"), KEY, True, id="new-container"
        ),
        pytest.param(
            IN_A_CONTAINER,
            replace(IN_A_CONTAINER, host="9a8b", folder="8"),
            KEY,
            True,
            id="volume-with-unsteady-inodes",
        ),
        pytest.param(IN_A_CONTAINER, IN_A_CONTAINER, "", True, id="container-without-a-volume"),
        pytest.param(OURS, IN_A_CONTAINER, KEY, True, id="from-systemd-into-a-container"),
        pytest.param(
            IN_A_CONTAINER, IN_A_CONTAINER, "other", False, id="second-container-same-database"
        ),
        pytest.param(
            IN_A_CONTAINER,
            replace(IN_A_CONTAINER, path="/x", folder="8"),
            KEY,
            False,
            id="copied-volume-elsewhere",
        ),
    ],
)
def test_what_counts_as_the_same_installation(then, now, key, expected):
    row = InstallationRow(
        key=KEY, machine=then.machine, host=then.host, path=then.path, folder=then.folder
    )
    assert belongs(row, now, key) is expected


@pytest.mark.parametrize(
    ("identity_file", "mounts", "known"),
    [
        ("a" * 32, "/dev/sda1 / ext4 rw 0 0\noverlay /x overlay rw 0 0\n", True),
        ("a" * 32, "overlay / overlay rw 0 0\n", False),
        ("uninitialized", "", False),
        ("", "", False),
        (None, "", False),
    ],
)
def test_a_machine_is_known_by_its_identity_and_a_container_is_not(
    machine, tmp_path, identity_file, mounts, known
):
    if identity_file is None:
        machine.unlink()
    else:
        machine.write_text(identity_file, encoding="ascii")
    (tmp_path / "no-mounts").write_text(mounts, encoding="utf-8")
    at = here(tmp_path / "var")
    assert (len(at.machine) == 64, "a" * 32 in at.machine, at.folder) == (known, False, "")


# --- the database ---------------------------------------------------------------------------------


@ON_BOTH
def test_the_first_use_of_a_database_claims_it_and_another_machine_is_refused(context, machine):
    var = context.site.var
    claim_database(context.site, NOW)
    with context.transaction() as session:
        claim(session, var, NOW + timedelta(hours=1))  # the same one again
        row = recorded(session)
        assert (row.since, row.key, row.path) == (NOW, read_key(var), str(var))
    another(machine)
    with pytest.raises(ServiceError, match=r"belongs to the installation on .*`tenggat adopt`"):
        claim_database(context.site, NOW)
    (trouble,) = [each for each in check(context.site, NOW) if "belongs to" in each.what]
    assert (trouble.level, "`tenggat adopt`" in trouble.remedy) == ("trouble", True)


def test_no_run_decides_anything_in_a_copy(context, machine, monkeypatch):
    with flow_run_context("deadlines", str(context.site.folder), NOW):
        pass
    another(machine)
    later = NOW + timedelta(hours=1)
    with (
        pytest.raises(NotReady, match="Nothing is decided or sent here"),
        flow_run_context("deadlines", str(context.site.folder), later),
    ):
        pass
    monkeypatch.setenv(ELSEWHERE, "1")  # a separate worker has working files of its own
    with flow_run_context("deadlines", str(context.site.folder), later):
        pass


def test_a_copied_folder_is_noticed_and_a_moved_one_is_not(context, machine):
    var = context.site.var
    claim_database(context.site, NOW)
    copied, moved = var.with_name("copied"), var.with_name("moved")
    shutil.copytree(var, copied)
    var.rename(moved)
    with context.transaction() as session:
        claim(session, moved, NOW)
        with pytest.raises(NotReady):
            claim(session, copied, NOW)


@ON_BOTH
def test_an_adopted_copy_holds_its_mails_and_the_first_installation_is_refused(
    context, server, machine
):
    owe(context, BREACHED, at("Dinas Sosial"))
    claim_database(context.site, NOW)
    first = read_key(context.site.var)
    another(machine)
    queued = [row.id for row in messages(context) if row.status == "queued"]
    assert adopt(context, NOW) == len(queued) > 0
    assert read_key(context.site.var) != first
    claim_database(context.site, NOW)
    deliver(context, "2026-11-24 13:00")
    assert [letter.recipient for letter in server.letters] == ["admin.lapor@contohkab.example"]
    assert alerts(context)[-1] == "restore_hold"
    assert {row.status for row in messages(context) if row.id in queued} == {"held"}
    with context.transaction() as session:
        (row,) = session.scalars(select(AuditRow).where(AuditRow.kind == "installation.adopted"))
        assert f'"held":{len(queued)}' in row.subject
    machine.write_text("a" * 32, encoding="ascii")
    with pytest.raises(ServiceError):
        claim_database(context.site, NOW)


@ON_SQLITE_FIRST
def test_whoever_restores_a_backup_goes_on_with_it(context, machine):
    owe(context, BREACHED, at("Dinas Sosial"))
    claim_database(context.site, NOW)
    made = backup(context.site.database_url, context.site.backups, NOW)
    another(machine)
    restored(context, made)
    claim_database(context.site, NOW)


@ON_SQLITE_FIRST
def test_a_restore_into_the_same_place_is_no_copy_in_a_container(context, machine):
    in_a_container(machine)
    site = context.site
    claim_database(site, NOW)
    first = read_key(site.var)
    restored(context, backup(site.database_url, site.backups, NOW))
    claim_database(site, NOW)
    claim_database(site, NOW)  # the next run as well
    assert read_key(site.var) != first
    write_key(site.var, first)  # a second container with a copy of the first working files
    with pytest.raises(ServiceError, match="belongs to another installation"):
        claim_database(site, NOW)


def test_a_database_that_replaces_a_deleted_one_is_no_copy_in_a_container(context, machine):
    in_a_container(machine)
    claim_database(context.site, NOW)
    with context.transaction() as session:
        release(session)
    claim_database(context.site, NOW)
    with context.transaction() as session:
        assert recorded(session).key == read_key(context.site.var)


def test_a_copy_in_the_same_place_is_named_and_adopted(context, machine, call_tenggat, monkeypatch):
    """Only the key tells it from the first one: the path is that of the first one's container."""
    monkeypatch.setenv("TENGGAT_LANG", "en")
    in_a_container(machine)
    site = context.site
    claim_database(site, NOW)
    write_key(site.var, "c" * 32)
    (trouble,) = [each for each in check(site, NOW) if "belongs to" in each.what]
    assert "its key is not the one in the file `installation` there" in trouble.what
    code, out, _ = call_tenggat("adopt", "--yes", "--site", site.folder)
    assert (code, "This installation goes on" in out) == (0, True)
    claim_database(site, NOW)
    assert not [each for each in check(site, NOW) if "belongs to" in each.what]


def test_the_command_asks_and_adopts_once(context, machine, call_tenggat, monkeypatch):
    monkeypatch.setenv("TENGGAT_LANG", "en")
    site = ["--site", context.site.folder]
    claim_database(context.site, NOW)
    assert call_tenggat("adopt", *site)[1] == (
        "The database belongs to this installation already; nothing is changed.\n"
    )
    another(machine)
    code, out, _ = call_tenggat("adopt", "--yes", *site)
    assert code == 0
    assert "in " + str(context.site.var) in out
    assert "This installation goes on; there are no unsent mails." in out
    assert "tenggat mail release" not in out
    claim_database(context.site, NOW)


# --- a database that is missing -------------------------------------------------------------------


def test_a_wrong_name_of_the_file_begins_no_new_database(context, open_context, monkeypatch):
    with context.transaction() as session:
        claim(session, context.site.var, NOW)
    wrong = context.site.folder / "tengat.db"
    monkeypatch.setenv("TENGGAT_DATABASE_URL", f"sqlite:///{wrong}")
    with pytest.raises(NotReady, match=f"the database {wrong} is missing") as refused:
        open_context()
    site = load_site(context.site.folder)
    with pytest.raises(ServiceError, match="is missing"):
        prepare(site, NOW, print)
    assert not wrong.exists()
    (finding,) = (each for each in check(site, NOW) if "is missing" in each.what)
    assert f"{finding.what}; {finding.remedy}" == str(refused.value)
    assert_indonesian(str(refused.value), finding.what, finding.remedy)
    (context.site.var / identity.MARKER).unlink()  # on purpose, as the remedy says
    open_context()
    assert wrong.exists()


def test_a_lost_database_is_restored_from_its_backup(context, open_context):
    with context.transaction() as session:
        claim(session, context.site.var, NOW)
    made = backup(context.site.database_url, context.site.backups, NOW)
    Path(context.site.database_url.removeprefix("sqlite:///")).unlink()
    restored(context, made)
    open_context()
