"""`make faults`: small faults put into the code one at a time, and how many the tests find.

`python tests/faults.py` chooses 60 faults with a seed, records once which lines each test executes
(this runs the whole suite), then runs for each fault the tests that execute its lines until one
fails: first those of `make test`, then those that only `make thorough` runs. A test that also fails
without the fault does not count. Results go to var/faults/.

Compare two suites: run with `--suite OLD --out old.json`, then with `--faults old.json --out
new.json`, which puts the same faults into this code again, then with `--compare old.json new.json`.
That exits 1 if the new suite found fewer.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from queue import SimpleQueue
from threading import Lock
from typing import Any

from mutation.checkouts import copied, fingerprint
from mutation.coverage_map import NoMap, mapped
from mutation.fault import Fault
from mutation.report import GONE, Entry, compare, entry, line, read, table, write
from mutation.search import LEFT, Hunter, Limits, Proven, Verdict
from mutation.selection import choose, locate

REPOSITORY = Path(__file__).parent.parent
CACHE = REPOSITORY / "var" / "faults"


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the arguments ask for; 0 where all went well."""
    asked = _parser().parse_args(arguments)
    if asked.compare:
        old, new = (read(file)[1] for file in asked.compare)
        lines, code = compare(old, new)
        _say(*lines)
        return code
    suite = asked.suite.resolve()
    wanted, faults = _faults(asked, suite)
    if asked.list:
        unjudged = {number: Verdict("") for number in faults}
        _say(*map(line, _entries(wanted, faults, unjudged).values()))
        return 0
    begun = time.monotonic()
    try:
        known = mapped(suite, asked.cache, asked.workers)
    except NoMap as error:
        _say(str(error))
        return 2
    _say(
        f"{len(known.tests)} tests mapped in {time.monotonic() - begun:.0f} s;"
        f" {len(known.failed)} failed without any fault and do not count"
    )
    _say(*(f"  failed: {name}" for name in known.failed))
    if asked.map:
        return 0
    choice = str(asked.faults.resolve()) if asked.faults else f"{asked.count} by {asked.seed}"
    made = {"suite": str(suite), "code": fingerprint(suite), "choice": choice}
    verdicts = _before(asked, made) if asked.resume else {}
    hunt = _Hunt(asked, suite, made, wanted, faults, verdicts)
    limits = Limits(asked.cap, begun + 60 * asked.minutes)
    with ExitStack() as stack:
        proven = Proven()
        hunters: SimpleQueue[Hunter] = SimpleQueue()
        for _ in range(asked.jobs):
            hunters.put(Hunter(suite, stack.enter_context(copied(suite)), known, limits, proven))
        with ThreadPoolExecutor(asked.jobs) as pool:
            list(pool.map(lambda number: hunt.search(number, hunters, limits), hunt.open()))
    hunt.write()
    _say("", *table(list(hunt.entries().values())), f"written to {asked.out}")
    return 0


class _Hunt:
    """The faults of one call and what came of them so far."""

    def __init__(
        self,
        asked: argparse.Namespace,
        suite: Path,
        made: dict[str, Any],
        wanted: Mapping[int, Mapping[str, Any]],
        faults: Mapping[int, Fault | None],
        verdicts: dict[int, Verdict],
    ) -> None:
        self.out, self.suite, self.made = asked.out, suite, made
        self.wanted, self.faults, self.verdicts = wanted, faults, verdicts
        self.lock = Lock()

    def open(self) -> list[int]:
        """List the numbers of the faults that have no result yet."""
        return [n for n, fault in self.faults.items() if fault and n not in self.verdicts]

    def search(self, number: int, hunters: SimpleQueue[Hunter], limits: Limits) -> None:
        """Search for one fault with a hunter that is free, and write down the outcome."""
        if limits.over:
            return
        fault = self.faults[number]
        assert fault is not None
        hunter = hunters.get()
        try:
            verdict = hunter.search(fault)
        finally:
            hunters.put(hunter)
        with self.lock:
            self.verdicts[number] = verdict
            entries = self.entries()
            self.write()
            _say(line(entries[number]))

    def entries(self) -> dict[int, Entry]:
        """Give all faults as they stand."""
        return _entries(self.wanted, self.faults, self.verdicts)

    def write(self) -> None:
        """Write all faults as they stand."""
        write(self.out, self.made, list(self.entries().values()))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--count", type=int, default=60, help="faults to choose")
    add("--seed", type=int, default=13, help="what the choice is made with")
    add("--faults", type=Path, metavar="FILE", help="no choice: the faults of an earlier run")
    add("--only", type=_numbers, metavar="N,N", help="these numbers alone")
    add("--suite", type=Path, default=REPOSITORY, help="the checkout whose code and tests are used")
    add("--cache", type=Path, default=CACHE, help="folder for what each test executes")
    add("--out", type=Path, default=CACHE / "faults.json", help="file for the results")
    add("--jobs", type=int, default=2, help="faults at a time, each in a copy of its own")
    add("--workers", type=int, default=3, help="processes for the run that maps the suite")
    add("--cap", type=float, default=300, help="estimated seconds of tests for one fault")
    add("--minutes", type=float, default=180, help="time for everything")
    add("--resume", action="store_true", help="keep the results in --out of the same code and seed")
    add("--list", action="store_true", help="print the faults and run nothing")
    add("--map", action="store_true", help="only record what each test executes")
    add("--compare", type=Path, nargs=2, metavar=("OLD", "NEW"), help="compare two results")
    return parser


def _numbers(text: str) -> list[int]:
    return [int(part) for part in text.split(",")]


def _faults(
    asked: argparse.Namespace, suite: Path
) -> tuple[dict[int, Mapping[str, Any]], dict[int, Fault | None]]:
    """Give the faults as they are to be reported, and as they are in the code, by their numbers."""
    if asked.faults:
        wanted = {each["number"]: each for each in read(asked.faults)[1]}
        faults = dict(zip(wanted, locate(wanted.values(), suite), strict=True))
    else:
        chosen = choose(suite, asked.count, asked.seed)
        faults = dict(enumerate(chosen, start=1))
        wanted = {number: vars(fault) for number, fault in enumerate(chosen, start=1)}
    if asked.only:
        faults = {number: faults[number] for number in asked.only}
    return {number: wanted[number] for number in faults}, faults


def _entries(
    wanted: Mapping[int, Mapping[str, Any]],
    faults: Mapping[int, Fault | None],
    verdicts: Mapping[int, Verdict],
) -> dict[int, Entry]:
    """Describe each fault, also where there is no verdict. Line numbers are those of this code."""
    described = {}
    for number, fault in faults.items():
        verdict = verdicts.get(number, Verdict(LEFT if fault else GONE))
        described[number] = entry(number, wanted[number], verdict)
        if fault:
            described[number]["line"] = fault.line
    return described


def _before(asked: argparse.Namespace, made: Mapping[str, Any]) -> dict[int, Verdict]:
    """Read the verdicts of an earlier call on the same code."""
    if not asked.out.exists():
        return {}
    earlier, entries = read(asked.out)
    names = Verdict.__dataclass_fields__
    return {
        each["number"]: Verdict(**{name: each[name] for name in names})
        for each in entries
        if earlier == made and each["result"] not in (LEFT, GONE)
    }


def _say(*lines: str) -> None:
    sys.stdout.writelines(f"{each}\n" for each in lines)
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
