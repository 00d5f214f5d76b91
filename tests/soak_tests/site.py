"""The site of a soak: five sources. The offices of two of them never make a mistake."""

from __future__ import annotations

import csv
import shutil
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from random import Random

from crash_tests.complaints import Case

EXAMPLE = Path(__file__).parents[2] / "examples" / "kabupaten-contoh"
HEALTHY = ("register", "counter")
DESK_URL = "SOAK_DESK_URL"

CITY = """
[city]
type = "open311"
url = "{url}"
first_day = 2026-10-26
timeout_seconds = 0.4
attempts = 1
max_minutes = 1
"""
DESK = f"""
[desk]
type = "sql"
url_variable = "{DESK_URL}"
query = "SELECT nomor, masuk, selesai, diubah FROM laporan WHERE diubah >= :since"
cursor = "diubah"
first_cursor = 2000-01-01
layout = "history"
zone = "Asia/Makassar"
timeout_seconds = 1

[desk.fields]
ticket = "nomor"
received = "masuk"

[[desk.events]]
column = "selesai"
kind = "settled"
"""


def make_site(folder: Path, city_url: str) -> Path:
    """Make the site; no run is a storm, and its mail client is impatient."""
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns("inbox"))
    sources = (folder / "sources.toml").read_text("utf-8")
    register = sources[sources.index("[register]") :]
    blocks = [register]
    blocks += [register.replace("register", name) for name in ("counter", "torn")]
    text = "\n".join([*blocks, CITY.format(url=city_url), DESK])
    (folder / "sources.toml").write_text(text, "utf-8")
    for name in (*HEALTHY, "torn"):
        (folder / "inbox" / name).mkdir(parents=True)
    site = (folder / "site.toml").read_text("utf-8")
    for old, new in (
        ("most = 200", "most = 100000"),
        ("at_least = 50", "at_least = 100000"),
        ("give_up_after_hours", "timeout_seconds = 0.4\ngive_up_after_hours"),
    ):
        assert old in site, old
        site = site.replace(old, new, 1)
    (folder / "site.toml").write_text(site, "utf-8")
    return folder


@dataclass
class Office:
    """An office that writes every complaint into its export, day by day."""

    site: Path
    source: str
    dice: Random
    cases: list[Case] = field(default_factory=list)

    def day(self, today: date) -> None:
        """Receive some complaints."""
        for _ in range(self.dice.randint(0, 2)):
            number = len(self.cases)
            case = Case.new(self.dice, number, today)
            case.columns["No Register"] = f"{self.source.upper()}-{number}"
            self.cases.append(case)

    def export(self, now: datetime) -> None:
        """Write what has happened until now; remove older exports, as a tidy office does."""
        for case in self.cases:
            if self.dice.random() < 0.03:
                case.move(self.dice, now)
        inbox = self.site / "inbox" / self.source
        for old in sorted(inbox.iterdir())[:-3]:
            old.unlink()
        self.write(inbox / f"{self.source}_{now:%Y-%m-%d_%H%M}.csv", now)

    def write(self, path: Path, now: datetime) -> None:
        """Write the complaints that were passed on until now."""
        rows = [case.columns for case in self.cases if case.passed_on <= now]
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, COLUMNS, restval="", delimiter=";")
            writer.writeheader()
            writer.writerows(rows)


def _columns() -> list[str]:
    first = next((EXAMPLE / "inbox" / "register").glob("*.csv"))
    return first.read_text("utf-8-sig").splitlines()[0].split(";")


COLUMNS = _columns()
