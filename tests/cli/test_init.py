"""`tenggat init` and `tenggat directory`: from an export and a register to the first day."""

from __future__ import annotations

import os
import re
import shutil
import tomllib
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from support.registers.first_hour import ANSWERS
from typer.testing import CliRunner

from cli import app_of
from cli.language import words
from db.models import Complaint
from settings.site import EXAMPLE, load_site
from sla.directory import Directory, OfficeHolder, Role, Unit
from tasks.common.context import SiteContext
from tasks.monitoring.health import site_files
from tasks.setup.workbook_writer import write_directory
from tasks.text.translation import translated
from tests.support.registers import registers


def test_six_questions_are_asked_and_a_mistake_is_asked_again(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    words.use_language("id")
    answers = [
        "Kabupaten Rekaan",
        "",
        "tidak",
        "t@rekaan.example",
        "a@rekaan.example",
        "lain",
        "empty.xlsx",
        "",
        "",
    ]
    (tmp_path / "empty.xlsx").touch()
    try:
        done = CliRunner().invoke(app_of(), ["init", "kab"], input="\n".join(answers) + "\n")
    finally:
        words.use_language("en")
    assert done.exit_code == 0
    asked = re.findall(r"(?m)(?<![\w.])[1-6]\. ", done.stdout.partition("Situs")[0])
    assert "".join(asked).replace(" ", "") == "1.2.3.3.4.5.5.5.6."
    assert "empty.xlsx: buku kerja tidak dapat dibaca (berkasnya kosong)" in done.stderr
    site = load_site(tmp_path / "kab")
    assert (site.name, site.zone.key, site.sources) == ("Kabupaten Rekaan", "Asia/Jakarta", {})
    (administrator,) = site.directory.offices
    assert (administrator.name, administrator.email) == (
        "Administrator Tenggat",
        "a@rekaan.example",
    )


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"--name": ""}, "the name of the government is missing"),
        ({"--zone": "WIBB"}, "the time zone is not known"),
        ({"--sender": "tenggat"}, "the sender is no mail address"),
        ({"--administrator": "Rekaan"}, "the administrator is no mail address"),
        ({"--export": "absent.xlsx"}, "no such file"),
        ({"--register": "11"}, "Add a column 'Nomor Pengaduan'"),
    ],
)
def test_an_answer_that_cannot_be_used_leaves_nothing(tmp_path, call_tenggat, options, reason):
    given = dict(zip(ANSWERS[1::2], ANSWERS[2::2], strict=True)) | options
    if given.get("--register") == "11":
        form = next(each for each in registers() if each.name.startswith("11"))
        given["--register"] = form.write(tmp_path)
    arguments = [part for pair in given.items() for part in pair]
    code, said, errors = call_tenggat("init", tmp_path / "kab", "--yes", *arguments)
    assert (code, said) == (2, "")
    assert reason in errors
    assert not (tmp_path / "kab").exists()


def test_a_fault_in_a_remark_leaves_nothing(tmp_path, call_tenggat, monkeypatch):
    path = tmp_path / "register.csv"
    path.write_text("No Tiket,Tgl,Status\nWA-1,13/10/2026,proses\n", encoding="utf-8")

    def fail(*_: object) -> list[str]:
        raise KeyError("a word that is missing")

    monkeypatch.setattr("cli.setup.init.remarks", fail)
    site = tmp_path / "kab"
    assert call_tenggat("init", site, *ANSWERS, "--register", path)[0] != 0
    assert not site.exists()


def test_an_export_is_not_taken_as_the_register_too(tmp_path, call_tenggat, export_file):
    files = (
        "--export",
        export_file,
        "--register",
        shutil.copy(export_file, tmp_path / "copy.xlsx"),
    )
    code, _, errors = call_tenggat("init", tmp_path / "kab", *ANSWERS, *files)
    assert code == 2
    assert "copy.xlsx: this file was already given as the export" in errors
    assert not (tmp_path / "kab").exists()


@pytest.mark.thorough
def test_a_file_is_named_by_what_it_is_whichever_question_it_answers(
    tmp_path, call_tenggat, export_file, register_file
):
    files = ("--export", register_file, "--register", export_file)
    code, said, errors = call_tenggat("--lang", "id", "init", tmp_path / "kab", *ANSWERS, *files)
    assert (code, errors) == (0, "")
    assert "register: 5 dari 5 baris terbaca" in said
    assert said.splitlines()[:2] == [
        f"{register_file}: ini bukan ekspor SP4N-LAPOR!; dipakai sebagai buku register",
        f"{export_file}: ini ekspor SP4N-LAPOR!, bukan buku register; dipakai sebagai sumber"
        " ekspor",
    ]
    assert list(load_site(tmp_path / "kab").sources) == ["register", "lapor"]
    assert {path.name for path in (tmp_path / "kab" / "inbox").iterdir()} == {"register", "lapor"}


def test_lines_of_text_beside_a_register_are_called_so(tmp_path, call_tenggat):
    """A text in a column with words is not called by its word in the program.

    The texts are apart from the table: directly below, one may be the rest of a unit's name.
    """
    form = tmp_path / "register.csv"
    rows = "".join(f"WA-{n},{n}/11/2026,DLH,Proses\n" for n in (2, 3, 4, 5))
    texts = "".join(f",,{text},\n" for text in ("Catatan", "Lihat lampiran", "Terima kasih", "Dst"))
    form.write_text(f"No Tiket,Tgl,OPD,Status\n{rows},,,\n{texts}", encoding="utf-8")
    site = tmp_path / "kab"
    said = call_tenggat("--lang", "id", "init", site, *ANSWERS, "--register", form)[1]
    assert "register: 4 dari 4 baris terbaca" in said
    for lang, text in (
        ("id", "4 dari 4 baris terbaca; ke karantina: baris teks di luar tabel (4)."),
        ("en", "4 of 4 rows can be read; to quarantine: line of text beside the table (4)."),
    ):
        out = call_tenggat("--lang", lang, "source", "learn", form, "--site", site)[1]
        assert text in out.splitlines()[0]


@pytest.mark.parametrize(("word", "is_watched"), [("Proses", False), ("Selesai", True)])
def test_a_register_that_shows_no_end_is_named_by_init_and_doctor(
    tmp_path, call_tenggat, word, is_watched
):
    path = tmp_path / "register.csv"
    rows = "".join(f"WA-{n},{n}/11/2026,{word}\n" for n in range(10, 22))
    path.write_text(f"No Tiket,Tgl,Status\n{rows}", encoding="utf-8")
    site = tmp_path / "kab"
    said = call_tenggat("--lang", "id", "init", site, *ANSWERS, "--register", path)[1]
    assert "Tidak ada kolom unit penanggung jawab" in said
    assert ("tidak memperlihatkan kapan pengaduan selesai" not in said) is is_watched
    found = [each.what for each in site_files.endless_sources(load_site(site))]
    assert [what.partition(":")[0] for what in found] == (
        [] if is_watched else ["source register does not show when a complaint ends"]
    )
    assert all(translated(what, "id") != what for what in found)
    (without,) = site_files.sources_without_unit(load_site(site))
    assert without.level == "note"
    assert "sumber register tidak memuat kolom unit" in translated(without.what, "id")
    assert "menjadi tanggungan Pemerintah Kabupaten Rekaan" in translated(without.what, "id")
    _, said, _ = call_tenggat("--lang", "id", "doctor", "--site", site, "--all")
    assert said.count(translated(without.what, "id")) == 1
    to_decide = said.partition("PERLU DIPUTUSKAN")[2].partition("SIAP")[0]
    assert translated(without.what, "id") in to_decide


def test_learning_a_register_says_what_init_says_of_it(tmp_path, call_tenggat):
    path = tmp_path / "register.csv"
    days = ["13/10/2026", "26/10/2026", "11/02/2026", "10/11/2026 pagi", "", "26/11/2026"]
    rows = "".join(f"WA-{n},{day},proses\n" for n, day in enumerate(days))
    path.write_text(f"No Tiket,Tgl,Status\n{rows}", encoding="utf-8")
    os.utime(path, (datetime(2026, 11, 30, tzinfo=UTC).timestamp(),) * 2)
    site = tmp_path / "kab"
    said = call_tenggat("--lang", "id", "init", site, *ANSWERS, "--register", path)[1]
    _, out, errors = call_tenggat(
        "--lang", "id", "source", "learn", path, "--name", "register", "--site", site
    )
    head, *remarks = errors.splitlines()
    assert head == "5 dari 6 baris terbaca dengan pemetaan ini"
    begun = said.splitlines().index("  sources.toml    register: 5 dari 6 baris terbaca")
    assert remarks == [line.strip() for line in said.splitlines()[begun + 1 :][: len(remarks)]]
    assert len(remarks) == 7
    assert tomllib.loads(out).keys() == {"register"}
    assert out.splitlines()[1] == (
        '# Dipelajari dari "register.csv": 6 baris di bawah judul kolom di baris 1,'
        " pemisah ',', pengodean utf-8-sig."
    )


def test_the_sources_of_the_example_name_their_units():
    assert list(site_files.sources_without_unit(load_site(EXAMPLE))) == []


def test_a_folder_with_files_is_refused_and_left_as_it_is(tmp_path, call_tenggat):
    (tmp_path / "mine.txt").write_text("keep")
    code, said, errors = call_tenggat("init", tmp_path, *ANSWERS)
    assert (code, said) == (2, "")
    assert errors == f"error: {tmp_path} exists already; choose a new folder\n"
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_the_files_of_a_site_say_the_same_in_both_languages(tmp_path, call_tenggat):
    found = {}
    for lang in ("id", "en"):
        site = tmp_path / lang / "kab"
        assert call_tenggat("--lang", lang, "init", site, *ANSWERS)[0] == 0
        found[lang] = {
            file.name: tomllib.loads(file.read_text("utf-8")) for file in site.glob("*.toml")
        }
        assert found[lang]["site.toml"].pop("locale") == lang
        assert "invented" not in "".join(file.read_text("utf-8") for file in site.glob("*.toml"))
    assert found["id"] == found["en"]
    example = tomllib.loads((EXAMPLE / "escalation.toml").read_text("utf-8"))
    assert found["id"]["escalation.toml"] == example


@pytest.mark.thorough
def test_the_directory_goes_out_and_comes_back(tmp_path, call_tenggat, export_file):
    site, book = tmp_path / "site", tmp_path / "d.xlsx"
    assert call_tenggat("init", site, *ANSWERS, "--export", export_file)[0] == 0
    before = {name: (site / name).read_text("utf-8") for name in ("units.csv", "officers.csv")}
    code, said, errors = call_tenggat("directory", "export", book, "--site", site)
    assert (code, errors) == (0, "")
    code, said, errors = call_tenggat("directory", "import", book, "--site", site)
    assert (code, errors) == (0, "")
    assert "offices are still empty" in said
    assert {name: (site / name).read_text("utf-8") for name in before} == before


@pytest.mark.thorough
def test_the_row_of_the_administrator_names_the_unit_that_verifies(
    tmp_path, call_tenggat, export_file
):
    site, book = tmp_path / "site", tmp_path / "d.xlsx"
    assert call_tenggat("init", site, *ANSWERS, "--export", export_file)[0] == 0
    assert "administrator_unit" not in (site / "site.toml").read_text("utf-8")
    before = load_site(site)
    assert before.administrator_unit == "diskominfo"
    other = [replace(each, unit="kab") for each in before.directory.offices]
    write_directory(book, Directory(before.directory.units.values(), other), "en")
    code, said, errors = call_tenggat("directory", "import", book, "--site", site)
    assert (code, errors) == (0, "")
    assert "The administrator's unit is now Pemerintah Kabupaten Rekaan: it is responsible" in said
    assert load_site(site).evaluation_context.administrator_unit == "kab"


@pytest.mark.thorough
def test_units_that_are_gone_or_merged_are_named_with_what_becomes_of_their_complaints(
    tmp_path, call_tenggat
):
    site, book = tmp_path / "site", tmp_path / "d.xlsx"
    assert call_tenggat("init", site, *ANSWERS)[0] == 0
    before = load_site(site).directory

    def imported(*units: Unit) -> list[str]:
        directory = Directory((*before.units.values(), *units), before.offices)
        write_directory(book, directory, "en")
        code, said, _ = call_tenggat("directory", "import", book, "--site", site)
        assert code == 0
        return [line for line in said.splitlines() if line.startswith("Units")]

    one, twin = (Unit(n, f"Dinas {n.title()}", "dinas", "kab") for n in ("sosial", "sosail"))
    merged = replace(one, aliases=("Dinas Sosail",))
    imported(one, twin)
    assert imported(merged) == [
        "Units that are now another spelling (1): Dinas Sosail -> Dinas Sosial."
    ]
    assert imported() == ["Units that are gone (1): Dinas Sosial."]
    context = SiteContext.open(site)
    with context.transaction() as session:
        for unit in ("sosial", "sosail"):
            moment = datetime(2026, 11, 2, tzinfo=UTC)
            session.add(
                Complaint(
                    source="register",
                    ticket=unit,
                    received_at=moment,
                    recorded_at=moment,
                    changed_at=moment,
                    content_hash=0,
                    unit=unit,
                )
            )
    context.close()
    imported(one, twin)
    (said,) = imported(merged)
    assert "Their complaints move if the sources still show them" in said
    (said,) = imported()
    assert "their notices go to the administrator" in said


@pytest.mark.thorough
def test_a_directory_without_a_unit_that_the_site_needs_changes_nothing(
    tmp_path, call_tenggat, export_file
):
    site, book = tmp_path / "site", tmp_path / "d.xlsx"
    assert call_tenggat("init", site, *ANSWERS, "--export", export_file)[0] == 0
    settings = site / "site.toml"
    text = settings.read_text("utf-8")
    settings.write_text(f'administrator_unit = "diskominfo"\n{text}', "utf-8")
    before = (site / "units.csv").read_text("utf-8")
    alone = Directory(
        [Unit("kab", "Kab", "kabupaten", None)],
        [OfficeHolder("kab", Role.ADMINISTRATOR, "A", "a@b.example")],
    )
    write_directory(book, alone, "en")
    code, _, errors = call_tenggat("directory", "import", book, "--site", site)
    assert code == 2
    assert "administrator_unit: no unit 'diskominfo'" in errors
    assert (site / "units.csv").read_text("utf-8") == before


@pytest.mark.real_data
def test_the_real_export_becomes_a_site_without_a_question(tmp_path, call_tenggat, real_data):
    file = real_data / "lapor_kab_bandung_2021_2022.xlsx"
    site = tmp_path / "site"
    code, said, _ = call_tenggat("init", site, *ANSWERS, "--export", file)
    assert code == 0
    assert "821 of 821 rows can be read" in said
    code, said, _ = call_tenggat("source", "check", "lapor", "--site", site)
    assert code == 0
    assert "open questions" not in said
