"""The example site's inbox: made again it is the same, and it is large and mixed enough to show."""

import csv
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import REPOSITORY
from python_calamine import CalamineWorkbook

CONFIG = REPOSITORY / "examples" / "kabupaten-contoh"
COMPLAINTS = {"Pengaduan Tidak Berkadar Pengawasan", "Pengaduan Berkadar Pengawasan"}
CLASSIFICATIONS = {"Permintaan Informasi", "Aspirasi", "", *COMPLAINTS}


def contents(folder: Path) -> dict[str, bytes]:
    """Relative path -> bytes of each export below a folder."""
    kinds = ("*.xlsx", "*.csv")
    return {
        str(file.relative_to(folder)): file.read_bytes() for k in kinds for file in folder.rglob(k)
    }


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The inboxes that the script makes, in a process of its own."""
    folder = tmp_path_factory.mktemp("inbox")
    subprocess.run(
        [sys.executable, REPOSITORY / "scripts" / "make_samples.py", "--out", folder], check=True
    )
    return folder


@pytest.mark.thorough
def test_the_same_seed_gives_the_same_bytes(made: Path) -> None:
    """As those that an earlier run has made, with other hashes of its texts."""
    kept = contents(CONFIG / "inbox")
    assert contents(made) == kept, "run scripts/make_samples.py and commit its files"


@pytest.mark.thorough
def test_the_last_morning_shows_a_whole_regency(made: Path) -> None:
    book = CalamineWorkbook.from_path(made / "lapor/Laporan_Ringkas_2026-11-24_0700.xlsx")
    table = book.get_sheet_by_name("Laporan Ringkas").to_python()
    header = next(n for n, row in enumerate(table) if row[0] == "Tracking ID")
    lapor = [dict(zip(table[header], row, strict=True)) for row in table[header + 1 :]]
    desk: dict[str, dict] = {}
    for file in sorted((made / "register").glob("*.csv")):
        text = file.read_bytes()
        lines = text.decode("utf-8-sig" if text.startswith(b"\xef\xbb\xbf") else "cp1252")
        desk |= {r["No Register"]: r for r in csv.DictReader(lines.splitlines(), delimiter=";")}
    assert len({r["Tracking ID"] for r in lapor}) + len(desk) >= 600
    units: dict[str, str] = {}
    for r in csv.DictReader((CONFIG / "units.csv").read_text("utf-8").splitlines()):
        units |= dict.fromkeys([r["name"], *r["aliases"].split("|")], r["unit"])
    assert len({units.get(r["Instansi Terdisposisi"]) for r in lapor} - {None}) >= 14
    assert {r["Klasifikasi Laporan"] for r in lapor} == CLASSIFICATIONS
    assert {r["Klasifikasi"] for r in desk.values()} >= CLASSIFICATIONS - {""}
