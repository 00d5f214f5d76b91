"""Control characters, formulas and temporary folders: texts and files from outside."""

import csv
import io
import stat
import subprocess
import sys

import pytest
from rich.console import Console

from cli.console import PlainConsole
from tasks.common.plain_text import formula_safe, one_plain_line, without_control
from tasks.common.redaction import plain_name, redact
from tasks.common.work_folder import FOLDER, work_folder
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
