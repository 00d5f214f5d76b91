"""`python -m bench.nation`: 550 governments and 5,000,000 complaints a year, on paper.

Simulates the run queue of a Monday morning with the times that `bench.monday` and
`bench.idle_service` measured (`bench/nation.toml`), and prints how many workers it needs, how busy
Prefect's server is, and what a year adds to the databases and to the mail.

It is a model. What it assumes is in the first table of the TOML file; what was measured, and where,
is in the others. Sites differ in size (log-normal) and lie in three time zones, so their mornings
begin an hour apart.
"""

from __future__ import annotations

import argparse
import math
import random
import statistics
import tomllib
from collections import Counter, defaultdict
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import simpy

FIGURES = Path(__file__).with_name("nation.toml")
MINUTE = 60.0
MORNING = 90 * MINUTE
"""Local 07:30, in seconds after 06:00."""

END = 4 * 60 * MINUTE
LEAST_WORKERS = 4
WINDOW = 5 * MINUTE
"""The server's load is counted in windows of this length."""


@dataclass
class Morning:
    """A simulated morning: when each site was done, and what the server had to do."""

    done: list[float] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)
    server: dict[int, float] = field(default_factory=lambda: defaultdict(float))
    """Seconds of CPU of the server in each window."""
    runs: Counter[str] = field(default_factory=Counter)


class Nation:
    """The sites, their schedules and the measured times."""

    def __init__(self, figures: dict[str, Any]) -> None:
        self.assumed, self.times = figures["assumed"], figures["times"]
        self.server, self.store, self.mail = (figures[n] for n in ("server", "store", "mail"))
        chance = random.Random(20261124)  # noqa: S311
        sites, spread = self.assumed["sites"], self.assumed["size_spread"]
        sizes = [chance.lognormvariate(0, spread) for _ in range(sites)]
        scale = self.assumed["complaints_a_year"] / sum(sizes)
        self.sizes = [size * scale for size in sizes]
        zones = self.assumed["zones"]
        self.offsets = chance.choices(range(len(zones)), zones, k=sites)

    def morning(self, slots: int) -> Morning:
        """Simulate a Monday with so many runs at a time."""
        chance = random.Random(1)  # noqa: S311
        world, seen = simpy.Environment(), Morning()
        pool = simpy.Resource(world, slots)
        for size, offset in zip(self.sizes, self.offsets, strict=True):
            begin = offset * 60 * MINUTE
            world.process(self._work(world, pool, seen, chance, size, begin + MORNING))
            for at in self._idle_ticks(begin):
                world.process(self._idle(world, pool, seen, at))
        world.run()
        return seen

    def _idle_ticks(self, begin: float) -> Iterator[float]:
        """Yield the times of the runs that find nothing: intake, delivery and watchdog."""
        for every in (15, 5, 15):
            for tick in range(0, int(END / MINUTE), every):
                yield begin + tick * MINUTE

    def _idle(
        self, world: simpy.Environment, pool: simpy.Resource, seen: Morning, at: float
    ) -> Generator[simpy.Event, Any, None]:
        yield world.timeout(at)
        yield from self._run(world, pool, seen, "idle", self.times["idle"], self.server["idle"])

    def _work(
        self,
        world: simpy.Environment,
        pool: simpy.Resource,
        seen: Morning,
        chance: random.Random,
        size: float,
        at: float,
    ) -> Generator[simpy.Event, Any, None]:
        """Evaluate the deadlines of a site at 07:30, then send its mails at the next tick."""
        yield world.timeout(at)
        larger = max(1.0, size / self.times["complaints"])
        for flow in ("deadlines", "delivery"):
            if flow == "delivery":  # scheduled every five minutes
                yield world.timeout(-world.now % (5 * MINUTE))
            taken = chance.choice(self.times[flow]) * larger ** self.times["growth"]
            yield from self._run(world, pool, seen, flow, taken, self.server["full"])
        seen.done.append(world.now - at)

    def _run(
        self,
        world: simpy.Environment,
        pool: simpy.Resource,
        seen: Morning,
        flow: str,
        taken: float,
        server: float,
    ) -> Generator[simpy.Event, Any, None]:
        asked = world.now
        with pool.request() as slot:
            yield slot
            seen.waits.append(world.now - asked)
            yield world.timeout(taken)
        seen.runs[flow] += 1
        seen.server[int(world.now // WINDOW)] += server


def main() -> None:
    """Simulate with more and more workers until enough, at least with four."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--sites", type=int, help="in the place of the nation's")
    options.add_argument("--complaints", type=int, help="a year, of all sites together")
    asked = options.parse_args()
    figures = tomllib.loads(FIGURES.read_text("utf-8"))
    given = {"sites": asked.sites, "complaints_a_year": asked.complaints}
    figures["assumed"] |= {name: value for name, value in given.items() if value}
    nation = Nation(figures)
    assumed, slots = nation.assumed, figures["times"]["slots"]
    print(f"{assumed['sites']} sites, {assumed['complaints_a_year']:,} complaints a year")
    limit, slowest = assumed["done_within_minutes"] * MINUTE, 0.0
    for workers in range(1, assumed["most_workers"] + 1):
        seen = nation.morning(workers * slots)
        late = sum(done > limit for done in seen.done)
        half, most = statistics.median(seen.done), max(seen.done)
        slowest = max(slowest, most)  # that of one worker
        print(
            f"  {workers:2} workers of {slots} runs: half of the sites done after"
            f" {half / MINUTE:4.1f} min, the last after {most / MINUTE:5.1f} min"
            f" ({slowest / most:.1f} times as fast as one), {late} too late"
        )
        if not late and workers >= LEAST_WORKERS:
            break
    busiest = max(seen.server.values()) / WINDOW
    print(f"Prefect's server in its busiest five minutes: {busiest:.0%} of one core")
    print(f"  servers needed at 60 % of a core each: {math.ceil(busiest / 0.6)}")
    _store(nation)
    _mail(nation)


def _store(nation: Nation) -> None:
    count, store = nation.assumed["complaints_a_year"], nation.store
    size = count * store["bytes_per_complaint"]
    largest = max(nation.sizes) * store["bytes_per_complaint"]
    rows = count * store["rows_per_complaint"] / (365 * 86_400)
    print(
        f"databases: {size / 1e9:.0f} GB a year together, the largest site {largest / 1e9:.1f} GB"
    )
    print(f"  {rows:.1f} rows a second on average")


def _mail(nation: Nation) -> None:
    mail, days = nation.mail, nation.assumed["working_days"]
    a_day = [size * mail["mails_per_complaint"] / days for size in nation.sizes]
    print(f"mail: {sum(a_day):,.0f} a working day together, {max(a_day):,.0f} for the largest site")
    for name, limit in mail["limits_a_day"].items():
        over = sum(each > limit for each in a_day)
        print(f"  {name}: {limit:,} a day for one sender; {over} sites send more")


if __name__ == "__main__":
    main()
