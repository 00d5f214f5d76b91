"""`tenggat` as people and programs call it: what it prints, how it fails, what it exits with."""

import csv
import json
import os
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import REPOSITORY, wita
from support.small_site import NAME, small_site

from cli import console
from tasks.common.context import SiteContext
from tasks.deadlines import evaluate_and_notify
from tasks.delivery import send_owed
from tasks.intake import pull

TENGGAT = Path(sys.executable).with_name("tenggat")
NOW = "2026-11-24T08:00"
COMMANDS = (
    "adopt",
    "directory",
    "run",
    "start",
    "stop",
    "ui",
    "up",
    "worker",
    "init",
    "due",
    "explain",
    "deadlines",
    "changes",
    "replies",
    "summary",
    "simulate",
    "source",
    "questions",
    "mail",
    "quarantine",
    "export",
    "backup",
    "restore",
    "doctor",
    "watch",
    "audit",
    "clock",
    "complaint",
    "law",
    "database",
)


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A small site after one morning, and its working files."""
    folder = tmp_path_factory.mktemp("cli")
    site, var = small_site(folder / "site"), folder / "var"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TENGGAT_VAR", str(var))
        context = SiteContext.open(site)
        for source in context.site.sources:
            pull(context, source, wita("2026-11-24 08:00"))
        evaluate_and_notify(context, wita("2026-11-24 08:00"), "a morning")
        send_owed(context, wita("2026-11-24 08:00"), "a morning")
        context.close()
    return site, var


@pytest.fixture
def tenggat(lived, monkeypatch, call_tenggat):
    """Call the command line on the small site."""
    monkeypatch.setenv("TENGGAT_SITE", str(lived[0]))
    monkeypatch.setenv("TENGGAT_VAR", str(lived[1]))
    return call_tenggat


def entry_point(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    """The installed command, as a process of its own."""
    return subprocess.run(
        [TENGGAT, *map(str, arguments)],
        cwd=REPOSITORY,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


# --- explain --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lang", "state", "expected"),
    [
        (
            "id",
            "tidak dapat dinilai",
            "Waktu peristiwa “diverifikasi” tidak diketahui: sudah terjadi sebelum impor pertama.",
        ),
        (
            "en",
            "cannot be evaluated",
            "The time of the event “verified” is unknown: it happened before the first import.",
        ),
    ],
)
def test_explain_names_the_event_from_before_the_first_import(
    tenggat, lived, tmp_path, lang, state, expected
):
    """The complaint is verified but not finished; its source shows no time of the verification."""
    site = shutil.copytree(lived[0], tmp_path / "site")
    file = site / "site.toml"
    text = file.read_text("utf-8")
    file.write_text(text.replace('locale = "id"', f'locale = "{lang}"'), encoding="utf-8")
    code, said, _ = tenggat("explain", "5010653", "--now", NOW, "--site", site)
    assert code == 0
    verification = said[said.index("(sp4n/verification)") :].split("\n\n")[0]
    assert (state in verification, expected in verification) == (True, True), verification
    assert ("selesai sebelum impor" in said, "ended before the first" in said) == (False, False)


# --- due ------------------------------------------------------------------------------------------


@pytest.mark.thorough
def test_due_tells_a_program_rule_start_and_due_and_no_more():
    """Holidays of March 2026: 18, 19 (Nyepi), 20, 23 and 24 (Idul Fitri)."""
    done = entry_point("due", "sp4n/first-follow-up", "2026-03-16", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout) == {
        "rule": "sp4n/first-follow-up",
        "start": "2026-03-16",
        "due": "2026-03-30",
    }


@pytest.mark.parametrize(
    ("pauses", "due"),
    [
        ((), "2026-11-09"),
        (("2026-11-04..2026-11-10",), "2026-11-13"),
        (("2026-11-04..2026-11-10", "2026-11-12..2026-11-16"), "2026-11-17"),
    ],
)
def test_a_pause_holds_the_clock_up(tenggat, pauses, due):
    options = [word for pause in pauses for word in ("--pause", pause)]
    code, out, _ = tenggat("due", "sp4n/first-follow-up", "2026-11-02", *options, "--json")
    assert (code, json.loads(out)["due"]) == (0, due)


def test_due_names_the_holidays_in_the_language_of_the_site(tenggat, lived, tmp_path):
    site = shutil.copytree(lived[0], tmp_path / "site")
    asked = ("due", "sp4n/first-follow-up", "2026-03-16", "--site", site)
    said = [tenggat(*asked)[1]]
    file = site / "site.toml"
    text = file.read_text("utf-8")
    file.write_text(text.replace('locale = "id"', 'locale = "en"'), encoding="utf-8")
    said.append(tenggat(*asked)[1])
    found = [("Hari Suci Nyepi" in each, "Day of Silence" in each) for each in said]
    assert found == [(True, False), (False, True)]


def test_due_tells_people_the_article_and_the_weekday(tenggat):
    code, out, _ = tenggat("due", "uu-25-2009/response", "2026-11-02")
    assert code == 0
    assert "UU 25/2009 Pasal 44 ayat (3)" in out
    assert "batas: 14 hari" in out
    assert "batas waktu: akhir Senin, 16 November 2026" in out
    assert "kepastian aturan: bunyi resmi sudah dibaca" in out


def test_due_spells_out_pauses_and_what_is_provisional(tenggat):
    pause = ("--pause", "2027-03-02..2027-03-05")
    code, out, _ = tenggat("due", "sp4n/first-follow-up", "2027-03-01", *pause)
    assert code == 0
    assert "    Rab 3 Mar 2027  ditangguhkan (ditunda), tidak dihitung" in out
    assert "    Rab 10 Mar 2027  libur: Hari Raya Idul Fitri (perkiraan)" in out
    assert "sementara: bergantung pada hari libur yang belum ditetapkan" in out


def test_an_explanation_is_written_as_a_page(tenggat, tmp_path):
    page = tmp_path / "explained.html"
    for call in (("due", "sp4n/verification", "2026-11-02"), ("explain", "5010001")):
        code, out, _ = tenggat(*call, "--html", str(page))
        assert (code, out) == (0, "")
        html = page.read_text(encoding="utf-8")
        assert '<html lang="id">' in html
        assert "Kam 5 Nov 2026" in html
        assert "Prosedur SP4N-LAPOR! Proses verifikasi" in html
    code, _, err = tenggat("due", "sp4n/verification", "2026-11-02", "--html", "/nowhere/a.html")
    assert code == 2
    assert "cannot write /nowhere/a.html" in err


def test_without_a_changed_law_nothing_has_moved(tenggat):
    code, out, _ = tenggat("changes")
    assert code == 0
    assert "0 deadlines changed" in out
    assert json.loads(tenggat("changes", "--json")[1]) == []


# --- bad usage ------------------------------------------------------------------------------------

DUE = ("due", "sp4n/first-follow-up", "2026-11-02")


@pytest.mark.parametrize(
    ("call", "says", "remedy"),
    [
        (("due", "sp4n/first-folow-up", "2026-11-02"), "no rule", "did you mean `sp4n/first-fo"),
        (("due", "first-follow-up", "2026-11-02"), "no rule", "did you mean `sp4n/first-follow-"),
        (("due", "?", "2026-11-02"), "no rule '?'", "known are ombudsman-58-2023/report"),
        (("due", "sp4n/first-follow-up", "31.11.2026"), "no day", "for example 24/11/2026"),
        (("due", "sp4n/first-follow-up", "2026-02-30"), "no day", "for example 24/11/2026"),
        (("due", "sp4n/first-follow-up", "1871-01-18"), "1871-01-18", "calendar"),
        ((*DUE, "--pause", "2026-11-04"), "no pause", "write 2026-11-04..2026-11-10"),
        ((*DUE, "--pause", "2026-11-04..x"), "no day", "for example 24/11/2026"),
        ((*DUE, "--pause", "2026-11-10..2026-11-04"), "ends before it begins", ""),
        ((*DUE, "--now", "today"), "No such option: --now", "`tenggat due --help`"),
        (("due",), "Missing argument 'RULE'", "`tenggat due --help`"),
        (("rnu",), "No such command 'rnu'", "Did you mean 'run'? See `tenggat --help`"),
        (("explain", "1"), "no complaint has the ticket '1'", "`tenggat deadlines`"),
        (("explain", "5010001", "--now", "x"), "'x' is no time", "write 2026-11-24T08:00"),
        (("deadlines", "--state", "breachd"), "no state 'breachd'", "`breached`?"),
        (("deadlines", "--unit", "dinso"), "no unit 'dinso'", "did you mean `dinsos`?"),
        (("deadlines", "--csv", "/no/folder/x.csv"), "cannot write", "a folder that exists"),
        (("summary", "Q4"), "'Q4' is no period", "write 2026"),
        (("mail", "list", "--status", "send"), "no status 'send'", "did you mean `s"),
        (("mail", "list", "--limit", "0"), "--limit", "`tenggat mail list --help`"),
        (("mail", "show", "999"), "no mail 999", "`tenggat mail list`"),
        (("doctor", "--site", "/no/site"), "/no/site/site.toml: no such file", "--site"),
    ],
)
def test_bad_usage_is_answered_in_one_line_with_a_remedy(tenggat, call, says, remedy):
    code, out, errors = tenggat(*call)
    assert (code, out) == (2, "")
    assert errors.startswith("error: ")
    assert errors.count("\n") == 1
    assert says in errors
    assert remedy in errors


def test_a_broken_site_is_named_by_file_and_key(tenggat, tmp_path):
    site = small_site(tmp_path / "site")
    file = site / "site.toml"
    file.write_text(file.read_text(encoding="utf-8").replace("locale =", "lokale ="), "utf-8")
    for command in (DUE, ("deadlines",), ("run",), ("doctor",), ("up",)):
        code, out, errors = tenggat(*command, "--site", site)
        assert (code, out) == (2, "")
        assert errors == f"error: {file}: lokale: unknown key; did you mean `locale`?\n"


@pytest.mark.parametrize(
    "url",
    [
        "postgresql+psycopg://tenggat:s3cret@127.0.0.1:1/tenggat",
        "sqlite:////dev/null/tenggat.db",
        f"sqlite:///{__file__}",
        "s3cret",
    ],
)
def test_a_database_that_cannot_be_used_is_trouble_in_one_line(tenggat, monkeypatch, url):
    monkeypatch.setenv("TENGGAT_DATABASE_URL", url)
    code, out, errors = tenggat("deadlines")
    assert (code, out, errors.count("\n")) == (1, "", 1)
    assert "s3cret" not in errors
    code, out, _ = tenggat("doctor")
    assert code == 1
    what = "is damaged, or its name is wrong" if url.endswith(".py") else "the database cannot be"
    assert out.startswith("BROKEN: 1\n  the database ")
    assert what in out.splitlines()[1]
    assert "TENGGAT_DATABASE_URL" in out
    assert "s3cret" not in out


# --- what is known --------------------------------------------------------------------------------


def test_deadlines_as_csv_have_these_columns_and_run_no_formula(tenggat, tmp_path):
    file = tmp_path / "deadlines.csv"
    assert tenggat("deadlines", "--csv", file)[0] == 0
    with file.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.reader(lines))
    assert rows[0] == ["ticket", "rule", "unit", "started", "due", "stopped", "state", "reason"]
    assert {row[0] for row in rows[1:]} == {"5010653", "5010001", "5010002", "'=1+1"}
    verification = ["5010001", "sp4n/verification", "diskominfo"]
    times = ["2026-11-02T09:00:00+08:00", "2026-11-05T23:59:59+08:00", ""]
    assert [*verification, *times, "breached", ""] in rows
    assert not [cell for row in rows for cell in row if cell[:1] in ("=", "+", "-", "@")]


def test_deadlines_are_chosen_by_state_and_unit(tenggat):
    by_id = json.loads(tenggat("deadlines", "--unit", "diskominfo", "--json")[1])
    by_name = tenggat("deadlines", "--unit", "DISKOMINFO", "--json")[1]
    late = json.loads(tenggat("deadlines", "--state", "breached", "--json")[1])
    assert json.loads(by_name) == by_id
    assert {row["unit"] for row in by_id} == {"diskominfo"}
    assert {row["state"] for row in late} == {"breached"}
    assert "2026-11-05 23:59" in tenggat("deadlines", "--state", "breached")[1]


def test_explain_counts_day_by_day_in_the_language_of_the_site(tenggat):
    code, out, _ = tenggat("explain", "5010001", "--now", NOW)
    assert code == 0
    assert "5010001 (lapor), diterima Senin, 2 November 2026 pukul 09.00 WITA" in out
    assert "status: terlambat" in out
    counted = "16 hari kerja (22 hari kalender) sejak mulai"
    late = "lewat batas waktu 13 hari kerja (19 hari kalender)"
    assert f"  hitungan sampai 24 Nov 2026: {counted}; {late}" in out
    assert out.splitlines()[-12:] == [
        "    Sen 2 Nov 2026  hari mulai, tidak dihitung",
        "    Sel 3 Nov 2026  hari ke-1",
        "    Rab 4 Nov 2026  hari ke-2",
        "    Kam 5 Nov 2026  hari ke-3  <- batas waktu",
        "    Jum 6 Nov 2026  lewat batas waktu, hari ke-1",
        "    Sab 7 Nov 2026 – Min 8 Nov 2026  akhir pekan, tidak dihitung",
        "    Sen 9 Nov 2026 – Jum 13 Nov 2026  lewat batas waktu, hari ke-2–6",
        "    Sab 14 Nov 2026 – Min 15 Nov 2026  akhir pekan, tidak dihitung",
        "    Sen 16 Nov 2026 – Jum 20 Nov 2026  lewat batas waktu, hari ke-7–11",
        "    Sab 21 Nov 2026 – Min 22 Nov 2026  akhir pekan, tidak dihitung",
        "    Sen 23 Nov 2026  lewat batas waktu, hari ke-12",
        "    Sel 24 Nov 2026  lewat batas waktu, hari ke-13",
    ]
    told = json.loads(tenggat("explain", "5010001", "--now", NOW, "--json")[1])
    days = told[0]["deadlines"][-1]["days"]
    due = {"day": "2026-11-05", "mark": "counted", "number": 3, "name": "", "pause": ""}
    assert days[3] == due
    last = {"day": "2026-11-24", "mark": "late", "number": 13, "name": "", "pause": ""}
    assert days[-1] == last
    assert told[0]["as_of"] == "2026-11-24T08:00:00+08:00"


def test_mail_is_listed_and_shown_as_it_went_out(tenggat):
    rows = json.loads(tenggat("mail", "list", "--json")[1])
    assert {row["status"] for row in rows} == {"sent"}
    assert rows == json.loads(tenggat("mail", "list", "--status", "sent", "--json")[1])
    assert json.loads(tenggat("mail", "list", "--status", "dead", "--json")[1]) == []
    code, out, _ = tenggat("mail", "show", rows[0]["id"])
    assert code == 0
    assert rows[0]["subject"] in out
    assert rows[0]["recipient"] in out
    assert "2026-11-24 08:00  sent  250" in out
    assert "Yth." in out


def test_quarantine_tells_place_and_reason_of_a_row(tenggat):
    code, out, _ = tenggat("quarantine", "list")
    assert code == 0
    assert "1 rows in quarantine" in out
    row = json.loads(tenggat("quarantine", "list", "--json")[1])[0]
    assert (row["line"], row["ticket"], row["reason"]) == ("8", "5010009", "bad_date")
    assert row["column"] == "Tanggal Laporan Masuk"


@pytest.mark.thorough
def test_a_summary_made_twice_as_of_a_moment_is_the_same_to_the_byte(tenggat, tmp_path):
    asked = ("summary", "2026-11", "--as-of", NOW, "--json", "--out")
    first = json.loads(tenggat(*asked, tmp_path / "1", "--now", "2026-11-25T08:00")[1])
    second = json.loads(tenggat(*asked, tmp_path / "2", "--now", "2026-12-25T08:00")[1])
    assert first["sha256"] == second["sha256"]
    for kind in (".json", ".html", ".pdf"):
        made = [Path(done["path"]).with_suffix(kind) for done in (first, second)]
        assert made[0].read_bytes() == made[1].read_bytes()
    mails = json.loads(tenggat("mail", "list", "--json")[1])
    assert not [mail for mail in mails if "Ringkasan" in mail["subject"]]


@pytest.mark.thorough
def test_nothing_that_is_printed_names_a_complainant(tenggat):
    calls = [
        ("deadlines",),
        ("quarantine", "list"),
        ("mail", "list"),
        ("mail", "show", "1"),
        ("explain", "5010002"),
        ("doctor",),
        ("quarantine", "list", "--json"),
        ("quarantine", "list", "--all"),
        ("quarantine", "retry", "--now", NOW),
        ("source", "check", "lapor", "--now", NOW),
        ("source", "check", "lapor", "--json"),
    ]
    for call in calls:
        assert NAME not in "".join(map(str, tenggat(*call)))


# --- doctor ---------------------------------------------------------------------------------------


def findings(tenggat, *options: object) -> tuple[int, dict[str, str]]:
    code, out, _ = tenggat("doctor", "--json", "--now", NOW, *options)
    return code, {found["what"]: found["level"] for found in json.loads(out)}


def test_doctor_finds_a_site_in_order_with_rules_to_confirm(tenggat):
    code, found = findings(tenggat)
    assert code == 0
    assert found["database in order, 4 complaints"] == "good"
    assert found["1 rows in quarantine"] == "note"
    confirm = next(what for what in found if what.startswith("rules of PermenPANRB 5/2025 to be"))
    assert "sp4n-guideline/complaint (carried_over)" in confirm
    assert not any(what.startswith("rules of UU 25/2009 to be confirmed") for what in found)


def test_doctor_finds_an_empty_database(tenggat, monkeypatch, tmp_path):
    monkeypatch.setenv("TENGGAT_VAR", str(tmp_path / "new"))
    code, found = findings(tenggat)
    assert (code, found["the database is empty"]) == (0, "note")


def test_doctor_finds_that_nobody_is_administrator(tenggat, tmp_path):
    site = small_site(tmp_path / "site")
    file = site / "officers.csv"
    lines = file.read_text(encoding="utf-8").splitlines()
    kept = [line for line in lines if ",administrator," not in line]
    file.write_text("\n".join(kept) + "\n", encoding="utf-8")
    code, found = findings(tenggat, "--site", site)
    assert (code, found["nobody holds the role administrator"]) == (1, "trouble")


def test_doctor_finds_a_mail_server_that_does_not_answer(tenggat, monkeypatch):
    with socket.socket() as nobody:  # bound and not listening: it refuses
        nobody.bind(("127.0.0.1", 0))
        port = nobody.getsockname()[1]
        monkeypatch.setenv("TENGGAT_MAIL_URL", f"smtp://tenggat:s3cret@127.0.0.1:{port}")
        code, out, _ = tenggat("doctor")
    assert code == 1
    assert "\n  mail server: " in out.partition("TO DECIDE")[0]
    assert "correct host and port in TENGGAT_MAIL_URL" in out
    assert "s3cret" not in out


# --- the command itself ---------------------------------------------------------------------------


@pytest.mark.parametrize("columns", ["60", "120"])
def test_help_tells_of_every_command_and_cuts_nothing_short(tenggat, monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", columns)
    code, text, _ = tenggat("--help")
    assert code == 0
    told = [line.split()[0] for line in text.partition("Commands:")[2].splitlines() if line.strip()]
    assert sorted(told) == sorted(COMMANDS)
    assert "..." not in text.partition("Commands:")[2]


OF_A_GROUP = (
    "source check",
    "source learn",
    "mail list",
    "mail show",
    "mail bounces",
    "mail lift",
    "mail resend",
    "mail release",
    "questions answer",
    "quarantine list",
    "quarantine retry",
    "quarantine export",
    "database copy",
    "audit list",
    "audit verify",
)


def test_every_command_has_a_help_that_tells_of_its_site(tenggat):
    for command in (*COMMANDS, *OF_A_GROUP):
        code, out, _ = tenggat(*command.split(), "--help")
        assert code == 0, command
        assert "Usage: tenggat" in out, command
        names_site = "--site" in out or command == "init"  # the argument of init is the site
        assert names_site or "Commands:" in out, command


def test_the_site_is_the_one_of_the_option_else_of_the_environment(tenggat, tmp_path, monkeypatch):
    call = ("deadlines", "--json")
    other = small_site(tmp_path / "other")
    assert len(json.loads(tenggat(*call)[1])) > 4
    monkeypatch.delenv("TENGGAT_VAR")  # beside the site then
    assert json.loads(tenggat(*call, "--site", other)[1]) == []
    assert (tmp_path / "var" / "tenggat.db").is_file()


@pytest.mark.thorough
def test_a_narrow_terminal_cuts_no_ticket_and_no_path(lived, tenggat, tmp_path, monkeypatch):
    environment = {"TENGGAT_SITE": str(lived[0]), "TENGGAT_VAR": str(lived[1]), "COLUMNS": "60"}
    listed = entry_point("deadlines", **environment).stdout
    assert listed.count("5010001") > 0
    assert "…" not in listed
    assert max(map(len, listed.splitlines())) <= 60
    place = tmp_path / ("a-long-name" * 8)
    monkeypatch.setattr(console, "out", console.Output(width=60))
    told = tenggat("summary", "2026-11", "--as-of", NOW, "--out", place)[1]
    assert str(place) in told


def test_errors_of_the_installed_command_show_no_traceback(tenggat, monkeypatch):
    monkeypatch.setenv("TENGGAT_DATABASE_URL", "sqlite:////dev/null/x.db")
    done = entry_point("deadlines")
    calls = [
        ((done.returncode, done.stdout, done.stderr), 1),
        (tenggat("frob"), 2),
        (tenggat("deadlines", "--state", "x"), 2),
        (tenggat("deadlines"), 1),
    ]
    for (ended, out, errors), code in calls:
        assert (ended, out, errors.count("\n")) == (code, "", 1)
        assert errors.startswith("error: ")


# --- in Indonesian --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        (("deadlines",), ("nomor", "batas waktu", "terlambat: ", "kewajiban")),
        (("changes",), ("berubah", "0 batas waktu berubah")),
        (("replies",), ("diterima", "0 jawaban")),
        (("mail", "list"), ("penerima", "perihal", " surel")),
        (("mail", "show", "1"), ("kepada ", "Perihal: ", "Yth.")),
        (("mail", "bounces"), ("alamat", "0 alamat")),
        (("questions",), ("kolom", "0 pertanyaan terbuka")),
        (("quarantine", "list"), ("baris di karantina", "alasan")),
        (
            ("source", "check", "lapor", "--now", NOW),
            ("peristiwa: ", "0 ke karantina"),
        ),
        (("audit", "list"), ("keputusan", "alasan", " keputusan\n")),
        (("audit", "verify"), ("tidak ada yang diubah; kepala",)),
        (("clock",), ("jam mesin", "putaran terakhir")),
        (
            ("doctor", "--now", NOW),
            ("PERLU DIPUTUSKAN: ", "basis data baik, 4 pengaduan", "lihat `tenggat"),
        ),
        (("simulate", "--from", "2026-11-24", "--to", "2026-11-25"), ("Sel", "surel berisi")),
        (("due", "sp4n/first-follow-up", "2026-11-02"), ("batas waktu: akhir",)),
    ],
)
def test_the_output_of_a_command_is_indonesian_by_the_site(tenggat, monkeypatch, call, expected):
    monkeypatch.delenv("TENGGAT_LANG")
    _, out, errors = tenggat(*call)
    assert [text for text in expected if text not in out] == [], out + errors
    assert not re.search(r"\b(rows|mails|decisions|written|none)\b", out.replace("`", ""))


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        (("rnu",), "tidak ada perintah 'rnu'. Maksud Anda 'run'? Lihat `tenggat --help`"),
        (("due",), "argumen 'ATURAN' belum diisi; lihat `tenggat due --help`"),
        (("due", "x", "2026-11-02", "--x"), "tidak ada opsi --x; lihat `tenggat due --help`"),
        (("explain", "1"), "tidak ada pengaduan bernomor '1'; lihat `tenggat deadlines`, dan"),
        (
            ("deadlines", "--state", "breachd"),
            "tidak ada keadaan 'breachd'; maksud Anda `breached`?",
        ),
        (("summary", "Q4"), "'Q4' bukan periode; tulis 2026"),
        (("mail", "show", "999"), "tidak ada surel 999; lihat `tenggat mail list`"),
        (("doctor", "--site", "/no/site"), "berkas tidak ada; sebutkan folder situs dengan --site"),
    ],
)
def test_an_error_is_indonesian_by_the_site(tenggat, monkeypatch, call, expected):
    monkeypatch.delenv("TENGGAT_LANG")
    monkeypatch.setenv("LANG", "C.UTF-8")
    code, out, errors = tenggat(*call)
    assert (code, out) == (2, "")
    assert errors.startswith("kesalahan: ")
    assert expected in errors
