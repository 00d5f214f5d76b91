"""Make sla/indonesian_holidays.py from the package `holidays`: `make holidays`.

Run it after each new version of the package in requirements.lock; a test says so.
"""

from __future__ import annotations

import sys
from importlib.metadata import version
from pathlib import Path

REPOSITORY = Path(__file__).parent.parent
sys.path.insert(0, str(REPOSITORY))

from sla.calendar import asked_days_off

FILE = REPOSITORY / "sla" / "indonesian_holidays.py"

YEARS = range(2010, 2041)
"""Years of the table. A site with other years, or another version of the package, asks the package
itself."""

HEAD = '''"""The days off of Indonesia in the package `holidays`, which takes long to load.

Made by `make holidays`: change nothing here. A site corrects a day in its holidays.toml.
"""

VERSION = "{version}"
"""The version of the package that has these days. Another one is asked itself."""

FIRST_YEAR, LAST_YEAR = {first}, {last}

JOINT_LEAVE_YEARS = (
{joint}
)
"""The years with collective leave days (cuti bersama)."""

DAYS_OFF = (
{days}
)
"""Each day with its name, and whether it is an estimate."""
'''


def text() -> str:
    """Return the module."""
    days_off = asked_days_off("ID", tuple(YEARS), None, ("public", "government"), "id")
    joint = asked_days_off("ID", tuple(YEARS), None, ("government",), "id")
    return HEAD.format(
        version=version("holidays"),
        first=YEARS[0],
        last=YEARS[-1],
        joint="\n".join(f"    {year}," for year in sorted({day.year for day in joint})),
        days="\n".join(
            f'    ("{day}", "{off.name}", {off.estimate}),' for day, off in sorted(days_off.items())
        ),
    )


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
