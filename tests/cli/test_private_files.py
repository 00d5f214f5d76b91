"""Files that commands write, and the folder of the working files, are for their owner only."""

import os
from pathlib import Path

import pytest

from cli import console
from db import private_dirs
from settings.errors import SettingsError
from tasks.common.context import SiteContext
from tasks.common.whole_files import whole_file, whole_files


def rights(path: Path) -> int:
    return path.stat().st_mode & 0o777


@pytest.fixture(autouse=True)
def open_umask():
    """Files would be readable by everybody if nothing else was said."""
    before = os.umask(0o022)
    yield
    os.umask(before)


def by_whole_file(path: Path) -> None:
    with whole_file(path) as file:
        file.write(b"x")


def by_whole_files(path: Path) -> None:
    with whole_files() as write:
        write(path, b"x")


def by_csv(path: Path) -> None:
    console.show_rows(["a"], [{"a": "=1"}], "quarantine.rows", path, as_json=False)


def by_html(path: Path) -> None:
    console.write_html(path, "<p>x</p>")


@pytest.mark.parametrize("write", [by_whole_file, by_whole_files, by_csv, by_html])
def test_a_new_file_is_private_and_an_old_one_keeps_its_rights(tmp_path, write):
    path = tmp_path / "a"
    write(path)
    assert rights(path) == 0o600
    path.chmod(0o644)  # a web server shall read it
    write(path)
    assert rights(path) == 0o644


def test_a_csv_file_has_its_rows_and_no_formula(tmp_path):
    by_csv(tmp_path / "a.csv")
    assert (tmp_path / "a.csv").read_bytes() == b"a\r\n'=1\r\n"


@pytest.mark.parametrize(("mode", "refused"), [(0o755, True), (0o701, True), (0o750, False)])
def test_working_files_that_others_may_read_are_refused(
    site_folder, tmp_path, monkeypatch, mode, refused
):
    var = tmp_path / "var"
    var.mkdir()
    var.chmod(mode)
    monkeypatch.setenv("TENGGAT_VAR", str(var))
    SiteContext.open(site_folder).close()  # a folder above it is closed
    closed = private_dirs.is_open_to_others
    monkeypatch.setattr(
        "tasks.common.context.is_open_to_others",
        lambda folder: closed(folder) or bool(folder.stat().st_mode & 0o005),
    )
    if not refused:
        SiteContext.open(site_folder).close()
        return
    with pytest.raises(SettingsError, match=rf"run: chmod o= {var}$"):
        SiteContext.open(site_folder)


def test_a_folder_is_open_only_if_all_folders_above_it_are():
    assert private_dirs.is_open_to_others(Path("/usr/bin"))
    assert not private_dirs.is_open_to_others(Path("/usr/nothing"))
