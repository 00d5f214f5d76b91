"""`tenggat init`: a new site has the example's settings and none of its complaints."""

from pathlib import Path

import pytest

from cli.init import EXAMPLE
from settings import load_site


@pytest.fixture
def begun(tmp_path, call_tenggat) -> Path:
    code, said, errors = call_tenggat("init", tmp_path / "kab")
    assert (code, errors) == (0, "")
    assert f"tenggat doctor --site {tmp_path / 'kab'}" in said
    return tmp_path / "kab"


def test_a_new_site_has_every_settings_file_and_no_complaint(begun):
    copied = {path.name for path in begun.iterdir() if path.is_file()}
    assert copied == {path.name for path in EXAMPLE.iterdir() if path.is_file()}
    inbox = begun / "inbox"
    assert {folder.name for folder in inbox.iterdir()} == {"lapor", "register"}
    assert [path for path in inbox.rglob("*") if path.is_file()] == []


def test_its_working_files_lie_beside_it_and_not_with_the_example(begun, tmp_path):
    site = load_site(begun)
    assert site.var == tmp_path / "kab-var"
    text = (begun / "site.toml").read_text("utf-8")
    example = (EXAMPLE / "site.toml").read_text("utf-8")
    assert text == example.replace('var = "../../var"', 'var = "../kab-var"')


def test_doctor_finds_it_readable(begun, call_tenggat):
    _, said, errors = call_tenggat("doctor", "--site", begun)
    assert errors == ""
    assert "settings" in said


def test_a_folder_with_files_is_refused_and_left_as_it_is(tmp_path, call_tenggat):
    (tmp_path / "mine.txt").write_text("keep")
    code, said, errors = call_tenggat("init", tmp_path)
    assert (code, said) == (2, "")
    assert errors == f"error: {tmp_path} exists already; choose a new folder\n"
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_an_empty_folder_may_become_a_site(tmp_path, call_tenggat):
    assert call_tenggat("init", tmp_path)[0] == 0
    assert (tmp_path / "inbox" / "lapor").is_dir()
