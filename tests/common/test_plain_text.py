"""Control characters, formulas and temporary folders: texts and files from outside."""

import csv
import io
import json
import re
import stat
import subprocess
import sys
import tomllib
from dataclasses import replace
from datetime import datetime
from itertools import cycle
from pathlib import Path
from threading import Event
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest
from conftest import REPOSITORY
from rich.console import Console
from support.synthetic_reports import view

from cli.console import print_json, show_rows
from cli.output.plain_console import PlainConsole
from cli.source import learn_source
from cli.watch import watch
from service.logs import copy_stream, saying
from sla.metrics.duty_list import COLUMNS, VERSION
from sla.plain_text import formula_safe, log_line, one_plain_line, without_control
from tasks.common.redaction import plain_name, redact
from tasks.common.work_folder import FOLDER, work_folder
from tasks.monitoring.external_watch import ExternalWatch
from tasks.notifications.transport.smtp import MailError
from tasks.reports.formats.duty_cells import duties_csv
from tasks.reports.formats.json_csv import report_csv
from tasks.sources.base import SourceError, UnreadableFile

ESCAPES = ("\x1b[31m", "\x1b]0;title\x07", "\x9b2J", "\x9d0;x\x9c", "\x7f", "\u202e")


@pytest.mark.parametrize("escape", ESCAPES)
def test_no_control_character_of_a_text_reaches_terminal_database_or_error(escape: str):
    text = f"jalan{escape}rusak"
    file = io.StringIO()
    console = PlainConsole(file=file, force_terminal=True, width=80, highlight=False)
    console.print(text, style="bold")
    assert isinstance(console, Console)
    plain = file.getvalue().replace("\x1b[1m", "").replace("\x1b[0m", "")
    for shown in (plain, without_control(text), redact(text), str(SourceError(text))):
        assert not any(sign in shown for sign in "\x1b\x07\x9b\x9c\x9d\x7f\u202e")
        assert shown.startswith("jalan")


@pytest.mark.parametrize("escape", [*ESCAPES, "\r\n2026-11-24 ERROR "])
def test_an_answer_of_a_mail_server_is_one_plain_line(escape: str):
    error = MailError(f"no{escape}such user", 550)
    for shown in (str(error), error.answer):
        assert is_plain(shown)
        assert "\n" not in shown


def test_a_file_name_makes_no_second_line_and_shows_no_number():
    name = "keluhan_081234567890\n2026-11-24 ERROR \x1b[2Jpalsu.csv"
    assert plain_name(name) == "keluhan_[telepon] 2026-11-24 ERROR [2Jpalsu.csv"
    assert str(UnreadableFile(f"{name}: empty")) == f"{plain_name(name)}: empty"
    assert one_plain_line("a\r\nb\u2028c\t") == "a b c"
    usual = "Laporan_Ringkas_2026-11-24_0700.xlsx"
    assert plain_name(usual) == usual


def test_a_cell_is_no_formula_with_any_separator():
    cells = {
        "=1+1": "'=1+1",
        "x;=cmd|' /C calc'!A0": "x;'=cmd|' /C calc'!A0",
        "x\t@SUM(1)": "x\t'@SUM(1)",
        "x\n+1": "x\n'+1",
        "x; -1; y": "x; '-1; y",
        "＝1": "'＝1",
        " =1": " '=1",
        "Jalan A; B - C": "Jalan A; B - C",
        "2026-11-24": "2026-11-24",
        "": "",
    }
    assert {cell: formula_safe(cell) for cell in cells} == cells
    file = io.StringIO()
    csv.writer(file).writerow([formula_safe(cell) for cell in cells])
    for separator in ";\t,":
        for row in csv.reader(io.StringIO(file.getvalue()), delimiter=separator):
            assert not any(cell.lstrip().startswith(("=", "+", "@")) for cell in row)


CELLS = ("=1", "x;=cmd|' /C calc'!A0", "x\t@SUM(1)", "x\n+A1", 'x";=1', "x,=1", "＝1", "-A1")
QUOTED = ('x;"=1;y', '";"=1', 'x; ""=1', '"=1', 'x\t"\n"@A1')
"""A quotation mark hides the start of a formula from a simple rule, but not from a spreadsheet."""

EVIL = (*CELLS, *QUOTED)


def listing(folder: Path) -> str:
    """A listing of the command line, also the export of the quarantine."""
    rows = [dict(zip("abc", (cell, cell, "2"), strict=True)) for cell in EVIL]
    show_rows(("a", "b", "c"), rows, "quarantine.rows", folder / "a.csv", as_json=False)
    return (folder / "a.csv").read_text("utf-8")


def report_tables(folder: Path) -> str:
    report, keys = view(units=3, count=20), cycle(EVIL)
    tables = tuple(
        replace(table, rows=tuple(replace(row, key=next(keys)) for row in table.rows))
        for table in report.tables
    )
    return report_csv(replace(report, tables=tables))


def duties(folder: Path) -> str:
    chunk = {name: [None] * len(EVIL) for name in (*COLUMNS, VERSION)} | {
        "ticket": EVIL,
        "category": EVIL,
    }
    rows = SimpleNamespace(chunks=lambda: [chunk])
    report = replace(view(units=3, count=20), duties=SimpleNamespace(rows=rows))
    return b"".join(duties_csv(report, ZoneInfo("Asia/Makassar"))).decode()


@pytest.mark.parametrize("written", [listing, report_tables, duties])
def test_every_csv_file_for_people_is_safe_with_every_separator(written, tmp_path):
    """Also with a separator that the program of the reader chooses by itself."""
    text = written(tmp_path)
    assert "'=1" in text
    for separator in ",;\t":
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=separator):
            cells = [cell.strip(' "') for cell in row]
            assert not any(re.match(r"[=@＝]|[+-][^\d]", cell) for cell in cells), row


def test_all_modules_that_write_csv_have_the_rule():
    """Test the files of another one above."""
    writes = re.compile(r"csv\.(writer|DictWriter)\(")
    found = {
        path.name: "formula_safe(" in text
        for part in ("cli", "flows", "service", "tasks", "db")
        for path in (REPOSITORY / part).rglob("*.py")
        if writes.search(text := path.read_text("utf-8"))
    }
    assert found == dict.fromkeys(("console.py", "json_csv.py", "duty_cells.py"), True)


def test_work_folders_are_private_and_those_of_killed_processes_are_removed(tmp_path):
    with work_folder(tmp_path / "var") as folder:
        assert not folder.is_relative_to(tmp_path)  # before the first start nothing is made there
    place = tmp_path / "var" / FOLDER
    place.parent.mkdir()
    script = "import os, sys; from pathlib import Path; from tasks.common.work_folder import *\n"
    script += "with work_folder(Path(sys.argv[1])) as f: (f / 'a.csv').write_text('x'); os._exit(9)"
    subprocess.run([sys.executable, "-c", script, str(place.parent)], check=False)
    assert len(list(place.glob("*/a.csv"))) == 1
    with work_folder(place.parent) as outer, work_folder(place.parent) as folder:
        assert set(place.iterdir()) == {outer, folder}  # one in use is kept
        modes = {stat.S_IMODE(each.stat().st_mode) for each in (place, outer, folder)}
        assert modes == {0o700}
    assert list(place.iterdir()) == []


EVIL_NAME = "a\x1b]0;title\x07\x9b2J\u202e\r\n2026-11-24 ERROR forged.csv"


def is_plain(text: str) -> bool:
    """Whether no sign of a text acts on a terminal."""
    return all(sign.isprintable() or sign in "\n\t" for sign in text)


@pytest.mark.parametrize("text", ["plain", "  indented\twith tab", EVIL_NAME, "\udcff half", ""])
def test_a_line_for_a_log_keeps_its_indentation_and_is_one(text: str):
    line = log_line(f"  {text}")
    assert line.startswith("  ")
    assert is_plain(line)
    assert "\n" not in line
    line.encode()


def test_the_output_of_a_process_is_written_without_control_characters(tmp_path):
    """A colour, a title, C1, a line that overwrites itself, wrong bytes; the indentation stays."""
    log = tmp_path / "worker.log"
    sent = b"\x1b[31mred\n  File \xc2\x9b2J\x1b]0;t\x07\n10 %\r20 %\n\xffend"
    copy_stream(io.BytesIO(sent), log).join(10)
    assert log.read_text("utf-8") == "[31mred\n  File  2J ]0;t\n10 % 20 %\n\ufffdend\n"


def test_what_the_service_says_is_one_plain_line_in_log_and_terminal(tmp_path):
    heard: list[str] = []
    saying(heard.append, tmp_path / "tenggat.log")(f"  {EVIL_NAME}")
    (line,) = (tmp_path / "tenggat.log").read_text("utf-8").splitlines()
    assert line.endswith(heard[0])
    assert is_plain(line)


def test_the_watchdog_prints_one_plain_line_for_each_fault(monkeypatch, site_folder, capsys):
    stops = Event()

    def check(watchdog: ExternalWatch, now: datetime) -> list[str]:
        stops.set()
        return [EVIL_NAME]

    monkeypatch.setattr(ExternalWatch, "check", check)
    monkeypatch.setattr("cli.watch.signal.signal", lambda *_: None)
    monkeypatch.setattr("cli.watch.Event", lambda: stops)
    watch([site_folder])
    (line,) = capsys.readouterr().out.splitlines()
    assert "forged" in line
    assert is_plain(line)


def test_json_for_a_program_has_the_stored_text_and_moves_no_cursor(monkeypatch):
    for is_terminal in (False, True):
        file = io.StringIO()
        plain = PlainConsole(file=file, highlight=False, width=80, force_terminal=is_terminal)
        monkeypatch.setattr("cli.console.out", plain)
        value = {"ticket": EVIL_NAME + "\x7f\u2028[bold]", "n": [1, None], "é": "x" * 200}
        print_json(value)
        text = re.sub(r"\x1b\[[\d;]*m", "", file.getvalue())  # the colours of the console itself
        assert is_plain(text)
        assert json.loads(text) == value


def test_a_learnt_mapping_writes_signs_of_a_header_as_toml_does(tmp_path, capsys):
    file = tmp_path / "a\udcff\x9b.csv"
    file.write_text("No Tiket\x9b\u202e,Tanggal,Status\n1,2026-11-24,Baru\n2,2026-11-24,Baru\n")
    learn_source(file, "x", None)
    out = capsys.readouterr().out
    assert is_plain(out)
    assert tomllib.loads(out)["x"]["fields"]["ticket"] == "No Tiket\x9b\u202e"
