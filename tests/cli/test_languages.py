"""The command line in Indonesian and English: which language a call has, and its words."""

from __future__ import annotations

import ast
import functools
import itertools
import re
import string
import tomllib
from pathlib import Path

import pytest
from conftest import REPOSITORY
from support.site_mistakes import assert_indonesian, english_words, mistakes
from typer.main import get_command

from cli import app_of, console
from cli.language import translation, words
from cli.language.help import placeholders, tree, words_of
from db.audit import AuditKind
from db.lives import MessageStatus
from db.models import ReplyKind, ReplyOutcome, SourceMailKind
from settings.errors import LOCALES, SettingsError, read_toml
from sla.directory import Role
from sla.engine.deadline import LATE_STATES, Reason, State
from sla.events import ANY_KIND, ASSIGNEE, PROMISED_DUE, Kind
from sla.regulations.model import Certainty
from tasks.ingest.records import RejectionReason

FILES = sorted((REPOSITORY / "templates" / "words" / "cli").glob("*.toml"))
TITLE_BACK = (
    "Give the column its title 'Tiket' back in the file. If the new title stays, correct the"
    " mapping in sources.toml (`tenggat source learn FILE` proposes it)"
)
JUDUL_KEMBALI = (
    "Kembalikan judul kolom 'Tiket' di berkas itu. Bila judul baru tetap dipakai, perbaiki"
    " pemetaan di sources.toml (`tenggat source learn BERKAS` mengusulkannya)"
)
ENGLISH, INDONESIAN = 'locale = "en"\n', 'locale = "id"\n'


@pytest.fixture
def tenggat(monkeypatch, call_tenggat):
    """Call the command line without a variable that chooses its language."""
    for name in ("TENGGAT_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    yield call_tenggat
    words.use_language("en")


@pytest.mark.parametrize(
    ("arguments", "environment", "expected"),
    [
        ((), {}, "id"),
        ((), {"LANG": "C.UTF-8"}, "id"),
        ((), {"LANG": "en_US.UTF-8"}, "en"),
        ((), {"LANG": "en_US.UTF-8", "LC_ALL": "id_ID.UTF-8"}, "id"),
        ((), {"LANG": "id_ID.UTF-8", "TENGGAT_SITE": "english"}, "en"),
        ((), {"LANG": "en_US", "TENGGAT_SITE": "absent"}, "en"),
        (("run", "--site", "english"), {"TENGGAT_SITE": "indonesian"}, "en"),
        (("run", "--site=english"), {}, "en"),
        (("run", "--site", "english"), {"TENGGAT_LANG": "id"}, "id"),
        (("--lang", "en", "run"), {"TENGGAT_LANG": "id"}, "en"),
        (("run", "--lang=id", "--site", "english"), {"LANG": "en_US"}, "id"),
    ],
)
def test_the_language_of_a_call(tenggat, monkeypatch, tmp_path, arguments, environment, expected):
    for name, text in (("english", ENGLISH), ("indonesian", INDONESIAN)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "site.toml").write_text(text, "utf-8")
    monkeypatch.chdir(tmp_path)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    rest = words.choose_language(arguments)
    assert words.language() == expected
    assert not [each for each in rest if "lang" in each or each in LOCALES]


def test_an_unknown_language_is_refused(tenggat):
    code, out, errors = tenggat("--lang", "jv", "due")
    assert (code, out) == (2, "")
    assert "'jv'" in errors
    assert "en, id" in errors


def test_every_text_has_both_languages_and_the_same_placeholders():
    def texts(table, path):
        if isinstance(table, list):
            yield from ((f"{path}: {pair['en']}", pair) for pair in table)
            return
        if any(
            isinstance(table.get(each), str) or "other" in table.get(each, ()) for each in LOCALES
        ):
            yield path, table  # a column is called `id` too
            return
        for key, value in table.items():
            yield from texts(value, f"{path}.{key}")

    def names(text):
        forms = text.values() if isinstance(text, dict) else [text]
        return {name for form in forms for _, name, _, _ in string.Formatter().parse(form) if name}

    found = [
        each for file in FILES for each in texts(tomllib.loads(file.read_text("utf-8")), file.stem)
    ]
    assert found
    incomplete = [path for path, pair in found if set(pair) != set(LOCALES)]
    differing = [path for path, pair in found if names(pair["id"]) != names(pair["en"])]
    assert (incomplete, differing) == ([], [])
    forms = [path for path, pair in found if isinstance(pair["id"], dict)]
    assert forms == []  # Indonesian has one form for any number


def test_no_indonesian_text_has_english_words_in_the_form_of_an_address():
    """The form is a part that no test of words reads, because it looks like a value."""
    english = re.compile(r"://\S*(user|password|PASSWORD|PORT/NUMBER|/database)\b|@ : and %")
    found = [
        line
        for file in FILES
        for line in file.read_text("utf-8").splitlines()
        if re.match(r"(\w+\.)?id = ", line) and english.search(line)
    ]
    assert found == []
    words.use_language("id")
    known = "write / # ? @ : and % of a password as %2F"
    for text in (
        f"the mail URL must be smtps://user:password@host:465, smtp://user:password@host:587 or,"
        f" to loopback, smtp+plain://127.0.0.1:25; {known}",
        f"MAIL must be imaps://user:password@host/INBOX, imap://... (STARTTLS) or, to loopback,"
        f" imap+plain://...; {known}",
        f"DESK must be postgresql://user:password@host/database, mysql://... or sqlite:///file;"
        f" {known}",
    ):
        shown = translation.translated(text)
        assert shown.endswith("tulis / # ? @ : dan % dalam kata sandi sebagai %2F")
    words.use_language("en")


def test_every_text_that_a_command_prints_is_there():
    """Each string of the code that is a key; of a key with a part that varies, its table."""
    key = re.compile(rf"(?:{'|'.join(file.stem for file in FILES)})(?:\.\w+)*\.?")
    found = {
        text
        for file in (REPOSITORY / "cli").rglob("*.py")
        for text in re.findall(r'"([a-z_]+\.[a-z_.]+)(?:"|(?={))', file.read_text("utf-8"))
        if key.fullmatch(text) and text != "service.lock"  # a file
    }
    assert len(found) > 50
    words.use_language("id")
    missing = [
        text
        for text in found
        if not words.lookup(*text.split(".", 1))
        and not (text.endswith((".", "_")) and in_table(*text.rpartition(".")[::2]))
    ]
    words.use_language("en")
    assert missing == []


def in_table(table: str, begin: str) -> bool:
    """Whether a table of words has a key with this beginning."""
    file, *parts = table.split(".")
    inner = functools.reduce(lambda found, part: found.get(part, {}), parts, words.table(file))
    return any(name.startswith(begin) for name in inner)


def test_every_command_and_option_has_its_words():
    """The texts of a pair are tested above: here it is enough that there is one."""
    missing = []
    for command in tree(get_command(app_of())):
        file, path = words_of(command)
        missing += [] if words.lookup(file, f"{path}.help") else [f"{file}.toml [{path}] help"]
        missing += [
            f"{file}.toml [{path}.options] {each.name}"
            for each in command.params
            if not words.lookup(file, f"{path}.options.{each.name}")
            and not words.lookup("console", f"options.{each.name}")
        ]
    assert missing == []


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("--csv FILE", "--csv BERKAS"),
        ("--limit <int range>", "--limit <angka>"),
        ("--pause <list[str]>", "--pause <teks>"),
        ("--GIS", "--GIS"),
    ],
)
def test_words_that_stand_for_a_value_are_translated(written, expected):
    words.use_language("id")
    assert placeholders(written) == expected
    words.use_language("en")
    assert placeholders(written) == written


def test_the_help_of_a_command_is_in_the_language_of_the_call(tenggat):
    code, out, _ = tenggat("mail", "list", "--help")
    assert code == 0
    assert "Cara pakai: tenggat mail list [OPSI]" in out
    assert "[baku: 30; x>=1]" in " ".join(out.split())
    assert re.search(r"--help +Tampilkan bantuan ini\.", out)
    code, out, _ = tenggat("mail", "--lang", "en", "list", "--help")
    assert "Usage: tenggat mail list [OPTIONS]" in out
    assert re.search(r"--help +Show this help\.", out)


@pytest.mark.parametrize(
    ("english", "indonesian"),
    [
        (
            "/s/site.toml: lokale: unknown key; did you mean `locale`?",
            "/s/site.toml: lokale: kunci tidak dikenal; maksud Anda `locale`?",
        ),
        (
            "/s/officers.csv, line 3: no unit 'dinso' in units.csv; did you mean `dinsos`?",
            "/s/officers.csv, baris 3: tidak ada unit 'dinso' di units.csv; maksud Anda `dinsos`?",
        ),
        (
            "/s/site.toml: timezone: 'WITA' is no time zone; write for example Asia/Makassar",
            "/s/site.toml: timezone: 'WITA' bukan zona waktu; tulis misalnya Asia/Makassar",
        ),
        (
            "No such command 'rnu'. Did you mean 'run'?",
            "tidak ada perintah 'rnu'. Maksud Anda 'run'?",
        ),
        (
            "'x' is no date; write for example 2026-11-24 08:30,"
            " or `kosong` (or `ignore`) for an empty cell",
            "'x' bukan tanggal; tulis misalnya 2026-11-24 08:30, atau `kosong` untuk sel kosong",
        ),
        (
            "register: a.xlsx: no row begins with 'Nomor'; is this the right file?",
            "register: a.xlsx: tidak ada baris judul yang diawali 'Nomor';"
            " mungkin berkas ini untuk folder sumber lain",
        ),
        (
            "lapor: A 5.xlsx: no row begins with 'Tracking ID'; is this the right file?; register:"
            " B9.xlsx: no row begins with 'NO'; is this the right file?; C.csv: no row begins with"
            " 'NO'; is this the right file?; and 3 more",
            "lapor: A 5.xlsx: tidak ada baris judul yang diawali 'Tracking ID'; mungkin berkas ini"
            " untuk folder sumber lain; register: B9.xlsx: tidak ada baris judul yang diawali 'NO';"
            " mungkin berkas ini untuk folder sumber lain; C.csv: tidak ada baris judul yang"
            " diawali 'NO'; mungkin berkas ini untuk folder sumber lain; dan 3 lagi",
        ),
        (
            "Login of the UI: in the file /v/login; `tenggat ui login` shows it",
            "Kata masuk antarmuka: di berkas /v/login; `tenggat ui login` menampilkannya",
        ),
        ("a text of tomorrow", "a text of tomorrow"),
        ("  work pool tenggat: made", "  work pool tenggat: dibuat"),
        (
            "worker has not answered for 65 s; starting it again in 1 s; see /v/worker.log",
            "worker tidak menjawab selama 65 detik; dijalankan lagi dalam 1 detik;"
            " lihat /v/worker.log",
        ),
        (
            "the database cannot be used: the database is at revision 2, not 3; `tenggat run`"
            " brings it up to date first",
            "basis data tidak dapat digunakan: basis data berada pada revisi 2, bukan 3; jalankan"
            " dulu `tenggat run`, yang meningkatkannya",
        ),
        (
            "a.xlsx, sheet 'Mei', line 1: the column 'Tgl' occurs 2 times. Rename or remove all but"
            " one of them in the file or in the system that makes it",
            "a.xlsx, lembar 'Mei', baris 1: kolom 'Tgl' muncul 2 kali. Ubah nama atau hapus selain"
            " satu, di berkasnya atau di sistem yang membuatnya",
        ),
        (
            "a.csv, line 1: the columns 'Tgl', 'TGL' differ only in letter case or spaces. Rename"
            " or remove all but one of them in the file or in the system that makes it",
            "a.csv, baris 1: kolom 'Tgl', 'TGL' hanya berbeda huruf besar atau spasi. Ubah nama"
            " atau hapus selain satu, di berkasnya atau di sistem yang membuatnya",
        ),
        (
            f"a.csv: no column 'Tiket'; did you mean `Tiket ID`? {TITLE_BACK}",
            f"a.csv: tidak ada kolom 'Tiket'; maksud Anda `Tiket ID`? {JUDUL_KEMBALI}",
        ),
        (
            "lapor: a.csv: no column 'Tiket'; the file has Status and 3 columns without a mapping."
            f" {TITLE_BACK}",
            "lapor: a.csv: tidak ada kolom 'Tiket'; berkasnya memuat Status dan 3 kolom tanpa"
            f" pemetaan. {JUDUL_KEMBALI}",
        ),
    ],
)
def test_errors_of_other_layers_are_translated_where_a_pair_fits(english, indonesian):
    words.use_language("id")
    assert translation.translated(english) == indonesian
    words.use_language("en")
    assert translation.translated(english) == english


def forms(node):
    """The texts that an expression of a string may have, with `…` for each part that varies."""
    if isinstance(node, ast.Constant):
        return [str(node.value)]
    if isinstance(node, ast.JoinedStr):
        return ["".join(parts) for parts in itertools.product(*map(forms, node.values))]
    if isinstance(node, ast.IfExp):
        return [*forms(node.body), *forms(node.orelse)]
    if isinstance(node, ast.BinOp):
        return [a + b for a in forms(node.left) for b in forms(node.right)]
    return ["…"]


def test_every_finding_of_doctor_has_an_indonesian_form():
    """What is known only while it runs, as a sentence in a variable, is not found here."""
    texts = set()
    for file in (REPOSITORY / "tasks" / "monitoring" / "health").glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Finding":
                texts |= {text for each in node.args[1:] for text in forms(each)}
    texts -= {"…"}
    assert len(texts) > 60
    assert untranslated(texts - SAME_IN_BOTH) == []


def untranslated(texts):
    """Those of these English texts without an Indonesian form."""
    words.use_language("id")
    missing = sorted(text for text in texts if translation.translated(text) == text)
    words.use_language("en")
    return missing


FOR_PEOPLE = {
    "AntedatedReceipts",
    "BackupError",
    "ClockInThePast",
    "CopyError",
    "FatalFile",
    "LadderError",
    "NoRightRun",
    "NoStorm",
    "NoToken",
    "NotReady",
    "MissingColumn",
    "NotResent",
    "NotYet",
    "RefusedWorkbook",
    "IncompleteDelivery",
    "ServerUnavailable",
    "ServiceError",
    "SettingsError",
    "SlowSource",
    "SourceError",
    "TooManyBadRows",
    "UnreadableFile",
    "Unready",
    "WrongAnswer",
    "WrongMapping",
    "WrongStep",
    "_Stumbled",
}
"""Errors with a text that a command prints. A ValueError of `settings` is one too."""


def texts_for_people():
    """The texts of these errors, and the lines that the service prints."""
    for package in ("settings", "sla", "db", "tasks", "flows", "service"):
        for file in (REPOSITORY / package).rglob("*.py"):
            code = file.read_text("utf-8")
            if "raise " not in code and package != "service":
                continue
            for node in ast.walk(ast.parse(code)):
                texts = ()
                if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
                    name = getattr(node.exc.func, "id", "")
                    in_settings = package == "settings" and name == "ValueError"
                    texts = node.exc.args[:1] if name in FOR_PEOPLE or in_settings else ()
                elif isinstance(node, ast.Yield) and package == "service":
                    texts = [node.value]
                elif isinstance(node, ast.Call) and package == "service":
                    name = getattr(node.func, "attr", getattr(node.func, "id", ""))
                    texts = node.args if name in ("say", "_say") else ()
                for text in itertools.chain.from_iterable(map(forms, texts)):
                    yield re.sub("(['a-z])…$", r"\1", text)  # the hint at its end


@pytest.mark.thorough
def test_every_error_and_line_for_people_has_an_indonesian_form():
    texts = {text for text in texts_for_people() if re.search(r"[a-z]{2}.* .*[a-z]", text)}
    assert len(texts) > 150
    assert untranslated(texts - PARTS_VARY) == []


def test_no_error_or_line_for_people_mixes_both_languages():
    """A general pair may fit a text and take English words into one of its parts."""
    words.use_language("id")
    mixed = []
    for text in set(texts_for_people()):
        shown = translation.translated(text)
        if shown != text and english_words(shown):
            mixed.append((text, shown))
    words.use_language("en")
    assert sorted(mixed) == []


@pytest.mark.parametrize(
    "file", ["site.toml", "sources.toml", "escalation.toml", "units.csv", "officers.csv"]
)
def test_an_absent_file_of_the_settings_is_named_in_one_language(tenggat, site_folder, file):
    (site_folder / file).unlink()
    _, _, errors = tenggat("--lang", "id", "deadlines", "--site", str(site_folder))
    assert file in errors
    assert not english_words(errors.replace(str(site_folder), ""))


WRONG_LINES = {
    'name = "Kabupaten': "tulis tanda kutip penutup",
    "name = 'Kabupaten": "tulis tanda kutip penutup",
    'name = """Kabupaten': "tulis tanda kutip penutup",
    "name = 'Ma'ruf'": "apostrof",
    'name = "Kab" Contoh"': "tanda kutip di dalamnya",
    "name = “Kabupaten”": "tanda kutipnya lengkung",
    "name = Kabupaten": "tulis teks di antara tanda kutip",
    "name =": "isian sesudah `=` tidak ada",
    'folder = "D:\\data"': "ganti dengan /",
    'folder = "D:\\users"': "ganti dengan /",
    'name = "a\x01"': "tulis ulang barisnya",
    "daily = 014": "tulis tanpa 0",
    "share = 0,5": "tulis titik sebelum desimalnya",
    "urgent = True": "tulis true atau false",
    "since = 31-12-2026": "tulis tanggal seperti 2026-12-31",
    "since = 2026-13-09": "tulis tanggal seperti 2026-12-31",
    "since = 2026-02-30": "tulis tanggal seperti 2026-12-31",
    "since = 2026-12-9": "tulis tanggal seperti 2026-12-31",
    "opens = 08.00 # jam": 'seperti "08:00"',
    "opens = 08:00": 'seperti "08:00"',
    "days = [1, 2\nname = 3": "daftar tidak ditutup",
    "days = [1 2]": "daftar tidak ditutup",
    "table = { a = 1": "tabel di antara kurung kurawal tidak ditutup",
    "a = 1 b = 2": "tulis satu kunci per baris",
    "[keep": "tulis [nama]",
    "[[ladder]": "tulis [[nama]]",
    "name Kabupaten": "tulis kunci = isi",
    "= 5": "bukan `kunci = isi`",
    "[= 5": "kunci tidak ada",
    "!": "bukan `kunci = isi`",
    "a = 1\na = 2": "kunci ditulis dua kali",
    "a = { b = 1, b = 2 }": "kunci ditulis dua kali",
    "[mail]\n[mail]": "`mail` ditulis dua kali",
    "[[a.b]]\n[a.b]": "ditulis dua kali",
    "a = [1]\n[[a]]": "`a` ditulis dua kali",
}


@pytest.mark.parametrize("text", WRONG_LINES)
def test_a_file_that_is_no_toml_is_explained_in_one_language(tmp_path, text):
    file = tmp_path / "site.toml"
    file.write_text(text, "utf-8")
    with pytest.raises(SettingsError) as refused:
        read_toml(file, "")
    shown = translation.translation.translated(str(refused.value), "id")
    assert re.match(re.escape(f"{file}: baris ") + r"\d: ", shown)
    assert WRONG_LINES[text] in shown
    assert_indonesian(str(refused.value))


@pytest.mark.parametrize(
    ("file", "old", "new", "expected"),
    [
        ("escalation.toml", "opens = ", 'opens = "08.00" # ', 'ditulis "08:00"'),
        ("escalation.toml", "opens = ", 'opens = "pagi" # ', 'ditulis "08:00"'),
        ("escalation.toml", "opens = ", "opens = 8 # ", 'ditulis "08:00"'),
        ("escalation.toml", "opens = ", "opens = true # ", 'ditulis "08:00"'),
        ("escalation.toml", 'kind = "reminder"', 'kind = "remainder"', "harus salah satu dari"),
        ("escalation.toml", "new_at_once = true", 'new_at_once = "iya"', "true atau"),
        ("escalation.toml", "to = ", "to = [] # ", "terlalu pendek"),
        ("holidays.toml", "date = ", 'date = "2026-12-9" # ', "ditulis 2026-12-31"),
        ("holidays.toml", "date = ", 'date = "1 Januari 2026" # ', "ditulis 2026-12-31"),
        ("holidays.toml", "date = ", "date = 2026-12-09T08:00:00 # ", "ditulis 2026-12-31"),
        ("holidays.toml", "date = ", "date = true # ", "ditulis 2026-12-31"),
        ("site.toml", "zone = ", "zona = ", "zona: kunci tidak dikenal; maksud Anda `zone`?"),
        ("site.toml", "[mail]", "[[mail]]", "mail: harus berupa tabel"),
        ("site.toml", "give_up_after_hours = ", 'give_up_after_hours = "x" # ', "bilangan bulat"),
        ("site.toml", "give_up_after_hours = ", "give_up_after_hours = 1.5 # ", "bilangan bulat"),
        ("site.toml", "give_up_after_hours = ", "give_up_after_hours = -1 # ", "tidak boleh"),
        ("sources.toml", 'type = "folder"', 'type = "open-311"', "maksud Anda `open311`"),
        ("sources.toml", 'layout = "snapshot"', 'layout = "x"', "harus salah satu dari"),
        ("sources.toml", 'layout = "snapshot"', "layout = 1", "harus salah satu dari"),
        ("sources.toml", "[lapor.fields]", "[[lapor.fields]]", "lapor.fields: harus berupa tabel"),
    ],
)
def test_a_wrong_value_of_a_setting_is_explained_in_one_language(
    site_folder, file, old, new, expected
):
    path = site_folder / file
    text = path.read_text("utf-8")
    place = re.search(rf"^(?=\s*{re.escape(old)})", text, re.MULTILINE) or text.index(old)
    at = place if isinstance(place, int) else place.start()
    path.write_text(text[:at] + text[at:].replace(old, new, 1), "utf-8")
    found = [translation.translation.translated(line, "id") for line in mistakes(site_folder)]
    assert any(expected in line for line in found), found


PARTS_VARY = {
    "'…' is no date; write for example 2026-11-24 08:30, or …",
    "'…' is not a … of the site's files. `…` (or `…`) confirms the value, `…` (or `…`)"
    " counts it under 'lainnya'",
    "a … cannot come … the deadline ('…')",
    "… and … have the same …; …",
    "… has no subdivision '…'",
    "… is outside the site's folder; …",
    "… for a decision; see `tenggat mail list --status held`",
    "… the server at …",
    "… answers; … is reached through it",
    "… does not answer (…)",
    "… …; starting it again in … s",
    "…. `…` (or `…`) means an empty cell",
    "… `…` (or `…`) means an empty cell",
    "…: it cannot be read within … seconds; …",
    "…: its reader failed (…); …",
    "…: its rows need more than … MB of memory; …",
    "…: … in it is …",
    "…: … of … rows cannot be read (…); nothing of it is imported. The first one is in line …. …",
    "…; install PostgreSQL's client programs of version … or newer (Debian:"
    " postgresql-client-…), or name their folder in PGBIN",
}
"""Texts that a pair fits only with their parts filled in."""


SAME_IN_BOTH = {
    "chmod o= …",
    "chown -R … …",
    "nothing new from source … …",  # the pairs say `yet` and `since`
    "the newest file of source …, …, has … rows…",
    "this site is in trial…: only the administrator gets mails",
}


@pytest.mark.parametrize("lang", LOCALES)
def test_the_list_of_commands_cuts_no_text_short(tenggat, monkeypatch, lang):
    monkeypatch.setenv("COLUMNS", "60")
    code, out, _ = tenggat("--lang", lang, "--help")
    assert code == 0
    assert [line for line in out.splitlines()[2:] if line.endswith("...")] == []


def test_the_help_in_the_code_is_the_english_one():
    """Engineers read it there, and callers in the words: it is one text."""
    differing = []
    words.use_language("en")
    for command in tree(get_command(app_of())):
        file, path = words_of(command)
        pairs = [("help", command.help, words.lookup(file, f"{path}.help"))]
        for each in command.params:
            text = words.lookup(file, f"{path}.options.{each.name}")
            pairs.append(
                (each.name, each.help, text or words.lookup("console", f"options.{each.name}"))
            )
        differing += [
            f"{file}.toml [{path}] {name}"
            for name, code, text in pairs
            if " ".join((code or "").split()) != " ".join((text or "").split())
        ]
    assert differing == []


@pytest.mark.parametrize(
    ("lang", "typed", "expected"),
    [
        ("id", ["ya"], True),
        ("id", ["Y"], True),
        ("id", ["tidak"], False),
        ("id", [""], False),
        ("id", ["boleh", "ya"], True),
        ("en", ["yes"], True),
        ("en", ["n"], False),
    ],
)
def test_a_question_takes_the_words_of_its_language(monkeypatch, lang, typed, expected):
    answers = iter(typed)
    words.use_language(lang)
    monkeypatch.setattr("typer.prompt", lambda text, **options: next(answers))
    assert console.confirm("?") is expected
    words.use_language("en")
    assert list(answers) == []


VALUES = {
    "state": State,
    "status": MessageStatus,
    "outcome": ReplyOutcome,
    "statement": ReplyKind,
    "kind": SourceMailKind,
    "role": Role,
    "because": Reason,
    "rejection": RejectionReason,
    "step": (*Kind, ANY_KIND, ASSIGNEE, PROMISED_DUE),
    "certainty": Certainty,
    "decision": AuditKind,
}


@pytest.mark.parametrize("kind", VALUES)
def test_each_value_of_a_list_has_a_word_of_its_own(kind):
    words.use_language("id")
    found = [words.value_word(kind, each) for each in VALUES[kind]]
    words.use_language("en")
    assert len(set(found)) == len(found)
    assert [words.value_word(kind, each) for each in VALUES[kind]] == list(VALUES[kind])
    assert all(words.table("values")[kind][each] for each in VALUES[kind])


def test_an_option_takes_the_word_that_a_table_shows():
    words.use_language("id")
    assert console.chosen(State, "state", "Selesai terlambat") is State.MET_LATE
    assert console.chosen(State, "state", "met_late") is State.MET_LATE
    with pytest.raises(console.UsageError, match="maksud Anda `terlambat`"):
        console.chosen(State, "state", "telambat")
    words.use_language("en")  # an Indonesian mail or page may name the word
    assert console.chosen(State, "state", "selesai terlambat") is State.MET_LATE
    assert console.chosen(State, "state", "met_late") is State.MET_LATE


@pytest.mark.parametrize(
    ("english", "indonesian"),
    [
        ("command line of root: Siti", "baris perintah root: Siti"),
        ("flow run deadlines 2026-11-24 08:00", "putaran deadlines 2026-11-24 08:00"),
        ("reached 2026-11-24 01:00 UTC", "tercapai 2026-11-24 01:00 UTC"),
        (
            "the higher rung last-day was reached as well; before, it was withdrawn",
            "jenjang yang lebih tinggi, last-day, juga tercapai; sebelumnya pernah ditarik",
        ),
        ("a reason of tomorrow", "a reason of tomorrow"),
    ],
)
def test_the_audit_is_read_in_the_language_of_the_call(english, indonesian):
    assert translation.translation.translated_audit(english, "id") == indonesian
    assert translation.translation.translated_audit(english, "en") == english


@pytest.mark.parametrize(
    "state",
    ["no longer applies", *(f"is {each} now" for each in State if each not in LATE_STATES)],
)
def test_the_reason_of_a_correction_has_an_indonesian_form(state):
    text = f"a deadline that counted as late {state}"
    assert not english_words(translation.translation.translated_audit(text, "id"))


def test_each_reason_of_the_audit_has_an_indonesian_form():
    """The reasons that stand in the calls themselves; those in variables are not found here."""
    texts = set()
    for package in ("db", "tasks"):
        for file in (REPOSITORY / package).rglob("*.py"):
            code = file.read_text("utf-8")
            for node in ast.walk(ast.parse(code)) if "audit.note(" in code else ():
                if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "note":
                    texts |= {text for each in node.args[3:4] for text in forms(each)}
                elif isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "why":
                    texts |= set(forms(node.value))
    texts = {text for text in texts if re.search(r"[a-z]{2}.* .*[a-z]", text)}
    assert len(texts) > 20
    (varies,) = {text for text in texts if text.endswith("late …")}
    states = [f"is {state} now" for state in State if state not in LATE_STATES]
    texts |= {varies.replace("…", end) for end in (*states, "no longer applies")}
    texts.remove(varies)
    found = {text: translation.translation.translated_audit(text, "id") for text in texts}
    assert sorted(text for text, other in found.items() if text == other) == []


SOURCE_ERRORS = Path(__file__).with_name("errors_of_sources.txt").read_text("utf-8")


@pytest.mark.parametrize("text", SOURCE_ERRORS.splitlines())
def test_the_errors_of_sources_are_in_one_language(text):
    assert_indonesian(text)


def test_every_check_of_a_source_has_an_indonesian_form():
    texts = set()
    for file in (REPOSITORY / "tasks" / "sources").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "CheckResult":
                texts |= {text for each in node.args[1:] for text in forms(each)}
    texts = {text for text in texts if re.search(r"[a-z]{2}.* .*[a-z]", text)}
    assert len(texts) > 8
    assert untranslated(texts - PARTS_VARY) == []
