"""The first hour through the command line: init, import, preview, start and the first Monday."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from sqlalchemy import func, select
from support.forked import SILENT
from support.live_sites import IN_TRIAL
from support.registers.first_hour import ANSWERS, ROWS, fill_in, mails

from db.models import Complaint
from settings.site import load_site
from sla.directory import Role
from tasks.common.context import SiteContext


@pytest.mark.thorough
def test_the_first_hour_and_the_first_monday(
    tmp_path, call_tenggat, register_file, export_file, monkeypatch, origin, shared
):
    monkeypatch.setenv(IN_TRIAL, "1")
    site = tmp_path / "kab"
    files = ("--export", export_file, "--register", register_file)
    code, said, errors = call_tenggat("--lang", "id", "init", site, *ANSWERS, *files)
    assert (code, errors) == (0, "")
    assert f"lapor: {ROWS} dari {ROWS} baris terbaca" in said
    assert "register: 5 dari 5 baris terbaca" in said
    assert site.stat().st_mode & 0o007 == 0
    assert "# Ini usulan: baca, betulkan" in (site / "sources.toml").read_text("utf-8")
    loaded = load_site(site)
    assert (loaded.zone.key, loaded.locale) == ("Asia/Makassar", "id")
    assert loaded.var == tmp_path / "kab-var"
    assert set(loaded.sources) == {"lapor", "register"}
    names = {
        "Dinas Pendidikan",
        "Disdukcapil",
        "Dinas Lingkungan Hidup",
        "Dinas Sosial Kab. Contoh",
    }
    assert {loaded.directory.unit_called(name) for name in names} >= {"disdik", "dukcapil", "dlh"}
    assert loaded.letterhead.logo is None

    workbook = fill_in(site / "direktori.xlsx", tmp_path / "diisi.xlsx")
    code, said, errors = call_tenggat("directory", "import", workbook, "--site", site)
    assert (code, errors) == (0, "")
    held = {(office.unit, office.role) for office in load_site(site).directory.offices}
    assert {("dinsos", Role.HEAD_OF_UNIT), ("dinsos", Role.LIAISON)} <= held

    now = ("--site", site, "--now", "2026-11-24T08:00")
    code, said, errors = call_tenggat("source", "check", "register", *now)
    assert (code, errors) == (0, "")
    seen = {**shared.seen(tmp_path / "kab-var"), **SILENT, IN_TRIAL: "1", "TENGGAT_LANG": "id"}
    steps = "mengambil pengaduan ...\nmenilai batas waktu ...\nmengirim surel ...\n"
    done = origin.run("-m", "cli", "run", *now, **seen)
    assert (done.returncode, done.stderr) == (0, steps)
    assert rows_by_source(site) == {"lapor": ROWS, "register": 5}
    assert mails(site) == {"admin@rekaan.example"}  # a trial

    code, said, errors = call_tenggat("run", "--preview", *now)
    assert (code, errors) == (0, "")
    assert (tmp_path / "kab-var" / "preview" / "2026-11-24_0800" / "index.html").is_file()
    trial = "This site is in trial: officials get mails only after `tenggat start`."
    assert trial in said
    assert re.search(r"mails would leave at 2026-11-25 \d\d:\d\d if the trial ended now", said)
    code, said, errors = call_tenggat("start", *now)
    assert (code, errors) == (0, "")
    code, said, errors = call_tenggat("run", "--preview", "--to", tmp_path / "live", *now)
    assert trial not in said
    assert (code, errors) == (0, "")
    assert mails(site) == {"admin@rekaan.example"}
    monday = ("--site", site, "--now", "2026-11-30T07:30")
    done = origin.run("-m", "cli", "run", *monday, **seen)
    assert (done.returncode, done.stderr) == (0, steps)
    assert re.search(
        r"surel terkirim \d+ .*[1-9]\d* Pejabat Penghubung", " ".join(done.stdout.split())
    )
    assert "surel uji coba" not in done.stdout
    assert any(mail.startswith("pejabat") for mail in mails(site))


def rows_by_source(folder: Path) -> dict[str, int]:
    """Return the number of complaints that came in from each source."""
    context = SiteContext.open(folder)
    try:
        with context.transaction() as session:
            query = select(Complaint.source, func.count()).group_by(Complaint.source)
            return {row[0]: row[1] for row in session.execute(query)}
    finally:
        context.close()
