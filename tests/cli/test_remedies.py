"""Texts with a remedy that fits the mistake, in Indonesian."""

from __future__ import annotations

import errno
import shutil
import tomllib
from datetime import UTC, datetime
from pathlib import Path

import pytest
from conftest import REPOSITORY

from cli.language import words
from db.backup import create
from db.backup.archive import BackupError
from settings.errors import SettingsError, read_toml
from settings.site import load_site
from tasks.monitoring import clock_witnesses
from tasks.monitoring.health import site_files
from tasks.monitoring.health.database import WITNESSES
from tasks.text.translation import translated


@pytest.mark.parametrize("name", ["database", "kernel", "mail_server", "files"])
def test_each_witness_of_the_clock_has_words_in_both_languages(name):
    assert f'"{name}"' in Path(clock_witnesses.__file__).read_text("utf-8")
    shown = tomllib.loads((REPOSITORY / "templates/words/cli/clock.toml").read_text("utf-8"))
    assert shown["witnesses"][name].keys() == {"id", "en"}
    finding = (
        "no run from the beginning to 2026-11-24 08:00; this time is confirmed by"
        f" {WITNESSES[name]}"
    )
    end = f"waktu itu dikuatkan oleh {shown['witnesses'][name]['id']}"
    assert translated(finding, "id").endswith(f"dari awal sampai 2026-11-24 08:00; {end}")


@pytest.mark.parametrize("port", ["0", "99999", "-1"])
def test_a_port_that_is_none_is_refused_as_an_option(call_tenggat, site_folder, port):
    code, _, errors = call_tenggat("up", "--site", site_folder, "--port", port)
    assert (code, "'--port'" in errors) == (2, True)


def test_no_value_of_an_option_is_in_english_on_the_indonesian_page():
    page = (REPOSITORY / "docs/perintah.md").read_text("utf-8")
    assert "--source TEXT" not in page
    assert "`--source NASKAH`" in page


def test_a_key_below_a_table_that_belongs_above_it_is_explained(site_folder):
    path = site_folder / "site.toml"
    text = path.read_text("utf-8").replace(
        "[mail]\n", '[mail]\nticket_link = "https://x/{ticket}"\n'
    )
    path.write_text(text, "utf-8")
    with pytest.raises(SettingsError) as refused:
        load_site(site_folder)
    assert "mail.ticket_link: kunci tidak dikenal di sini; tempatnya di awal berkas" in translated(
        str(refused.value), "id"
    )


@pytest.mark.parametrize(
    "line",
    [
        "holidays = [16-11-2026]",
        "hold = { from = 16-11-2026, until = 2026-11-20 }",
        "hold = { from = 16/11/2026 }",
    ],
)
def test_a_wrong_date_in_a_list_or_in_braces_is_called_one(tmp_path, line):
    path = tmp_path / "site.toml"
    path.write_text(f"a = 1\n{line}\n", "utf-8")
    with pytest.raises(SettingsError, match="line 2: this is no date; write a day as"):
        read_toml(path, "")


@pytest.mark.parametrize(
    ("number", "remedy"),
    [
        (errno.EROFS, "kaitkan (mount) penyimpanannya agar dapat ditulisi"),
        (errno.ENOSPC, "kosongkan ruang di sana"),
        (errno.EACCES, "sebutkan folder lain"),
    ],
)
def test_the_remedy_for_no_backup_fits_the_reason(tmp_path, monkeypatch, number, remedy):
    def refuse(*_: object) -> None:
        raise OSError(number, "reason")

    monkeypatch.setattr(create, "make_private", refuse)
    with pytest.raises(BackupError) as refused:
        create.backup(
            f"sqlite:///{tmp_path}/a.db", tmp_path / "b", datetime(2026, 11, 24, tzinfo=UTC)
        )
    shown = translated(str(refused.value), "id")
    assert f"; {remedy}" in shown
    assert ("kosongkan" in shown) is (number == errno.ENOSPC)


def test_a_running_service_is_named_as_what_to_stop():
    text = "the service runs; stop it first (end `tenggat up`)"
    assert text in (REPOSITORY / "db/backup/restore.py").read_text("utf-8")
    assert translated(text, "id") == "layanan sedang berjalan; hentikan dulu proses `tenggat up`"


def test_an_unknown_parent_does_not_advise_to_delete_the_unit():
    for locale, wrong in (("id", "hapus baris"), ("en", "delete the row")):
        file = REPOSITORY / "templates" / "words" / f"{locale}.toml"
        assert wrong not in next(
            line
            for line in file.read_text("utf-8").splitlines()
            if line.startswith("unknown_parent")
        )
    assert words.language() in ("id", "en")


def test_only_a_rule_of_the_sites_own_folder_is_to_be_corrected(site_folder):
    """The next upgrade would conflict with a change in the program's own folder."""

    def remedies() -> list[str]:
        found = site_files.rules(load_site(site_folder), datetime(2026, 11, 24, tzinfo=UTC))
        return [each.remedy for each in found if "to be confirmed" in each.what]

    assert remedies()
    assert all(each.endswith("or replaces it by a rule of the site") for each in remedies())
    assert translated(remedies()[0], "id").endswith("dengan aturan situs (`overrides`)")
    own = site_folder / "own"
    own.mkdir()
    for file in (REPOSITORY / "regulations").glob("*.toml"):
        shutil.copy(file, own)
    path = site_folder / "site.toml"
    mine = 'use_national_regulations = false\nregulations = ["own"]\n'
    path.write_text(mine + path.read_text("utf-8"), "utf-8")
    assert remedies()
    assert all(each.endswith(".toml") and "corrects" in each for each in remedies())
