"""`make prove`: Tenggat killed at every step, over many seeds, on SQLite and on PostgreSQL.

`python tests/prove.py --seeds 300` plays 300 runs on each of them and prints the figures;
`--seed 123 --database sqlite` plays one run again. Exits 1 where anything is wrong.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # or the folder tests/sla would hide sla/

from crash_tests.databases import KINDS, database_of
from crash_tests.player import stage
from crash_tests.statistics import SeedResult, prove, report


def main() -> int:
    """Play what the arguments ask for; 0 where nothing is wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=300, help="runs on each database")
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--seed", type=int, help="this seed alone")
    parser.add_argument("--database", choices=KINDS, help="on this database alone")
    asked = parser.parse_args()
    seeds = range(asked.first, asked.first + asked.seeds)
    if asked.seed is not None:
        seeds = range(asked.seed, asked.seed + 1)
    kinds = [asked.database] if asked.database else KINDS
    with ThreadPoolExecutor(len(kinds)) as pool:
        outcomes = [run for runs in pool.map(lambda kind: _all(kind, seeds), kinds) for run in runs]
    sys.stdout.writelines(f"{line}\n" for line in report(outcomes))
    return int(any(run.wrong for run in outcomes))


def _all(kind: str, seeds: Sequence[int]) -> list[SeedResult]:
    """The runs of all seeds on one kind of database, with a word now and then."""
    outcomes = []
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name)
        with database_of(kind, folder) as database, stage(folder, database) as where:
            for number, seed in enumerate(seeds, start=1):
                outcomes.append(prove(where, kind, seed))
                for wrong in outcomes[-1].wrong:
                    sys.stderr.write(f"{kind} {seed}: {wrong}\n")
                if number % 50 == 0:
                    sys.stderr.write(f"{kind}: {number} of {len(seeds)}\n")
    return outcomes


if __name__ == "__main__":
    sys.exit(main())
