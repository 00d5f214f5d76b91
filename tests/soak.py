"""`make soak`: a site with five sources, of which three misbehave, works for weeks in an hour.

`python tests/soak.py --minutes 60` soaks it half of the time on SQLite, half on PostgreSQL, and
prints the figures. Exits 1 where anything is wrong.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # or the folder tests/sla would hide sla/

from crash_tests.databases import KINDS, database_of
from soak_tests.checks import report, wrong
from soak_tests.player import for_minutes, soak


def main() -> int:
    """Soak as the arguments ask; 0 where nothing is wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=60, help="for all databases together")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--database", choices=KINDS, help="on this database alone")
    asked = parser.parse_args()
    kinds = [asked.database] if asked.database else KINDS
    failed = False
    for kind in kinds:
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
            folder = Path(name)
            os.environ["TENGGAT_VAR"] = str(folder / "var")
            with database_of(kind, folder) as database, soak(folder, database, asked.seed) as one:
                database.empty()
                one.play(go_on=for_minutes(asked.minutes / len(kinds)))
                mistakes = wrong(one)
                lines = [*report(one, kind), *(f"  WRONG: {each}" for each in mistakes)]
        sys.stdout.writelines(f"{line}\n" for line in lines)
        failed = failed or bool(mistakes)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
