"""Files that root leaves in the working files: the service, another user, must be able to open
them."""

import os
from pathlib import Path

import pytest
from conftest import kind_of_database

from db import private_dirs
from db.private_dirs import entries, give_to_owner, not_ours
from service.errors import ServiceError
from service.lock import exclusive_lock
from tasks.monitoring.health import host

NOBODY = 65534
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")


@pytest.fixture
def database_url(request: pytest.FixtureRequest) -> str:
    return kind_of_database(request)


def owners(folder: Path) -> dict[str, int]:
    return {path.name: found.st_uid for path, _, found in entries(folder)}


@as_root
def test_files_of_root_go_to_the_owner_of_the_folder_but_no_links(tmp_path):
    folder, secret = tmp_path / "var", tmp_path / "shadow"
    (folder / "backups").mkdir(parents=True)
    secret.write_text("x")
    (folder / "service.lock").touch()
    (folder / "soft").symlink_to(secret)
    os.link(secret, folder / "hard")
    (folder / "backups" / "b.gz").touch()
    (folder / "other").touch()
    os.chown(folder / "other", 1, 1)
    assert give_to_owner(folder) == 0  # it belongs to root itself
    os.chown(folder, NOBODY, NOBODY)
    assert give_to_owner(folder) == 3
    assert owners(folder) == {
        "backups": NOBODY,
        "b.gz": NOBODY,
        "service.lock": NOBODY,
        "other": 1,
        "soft": 0,
        "hard": 0,
    }
    assert secret.stat().st_uid == 0


@as_root
def test_a_backup_restored_by_root_can_be_used_by_the_service(context, call_tenggat):
    var, site = context.site.var, context.site.folder
    assert call_tenggat("backup", "--site", site)[0] == 0
    for path in (var, *(path for path, _, _ in entries(var))):
        os.chown(path, NOBODY, NOBODY)
    (made,) = context.site.backups.iterdir()
    context.close()
    assert call_tenggat("restore", "--force", made, "--site", site)[0] == 0
    assert (var / "service.lock").is_file()
    assert set(owners(var).values()) == {NOBODY}


@as_root
def test_the_doctor_names_owner_and_remedy(context):
    var = context.site.var
    assert list(host.owners(context.site)) == []
    (var / "service.lock").touch()
    os.chown(var, NOBODY, NOBODY)
    (finding,) = host.owners(context.site)
    assert (finding.level, finding.what.partition(",")[0]) == (
        "trouble",
        "1 working files belong to root and not to nobody",
    )
    assert finding.remedy == f"chown -R nobody:{private_dirs.group_name(NOBODY)} {var}"


def test_a_lock_of_another_user_is_named_with_the_remedy(tmp_path, monkeypatch):
    (tmp_path / "service.lock").touch()

    def refuse(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(Path, "open", refuse)
    me = private_dirs.user_name(os.geteuid())
    with (
        pytest.raises(ServiceError, match=f"belongs to {me}, .* run: chown {me} .*/service.lock"),
        exclusive_lock(tmp_path),
    ):
        pass
    assert not_ours(tmp_path / "new" / "file").startswith(f"{tmp_path} belongs to")
