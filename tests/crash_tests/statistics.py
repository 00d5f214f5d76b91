"""What runs amount to: of one run, and of all together as lines to be read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise

from crash_tests.checks import verdicts
from crash_tests.duplicates import why_twice
from crash_tests.evidence import Findings, gather
from crash_tests.plan import plan
from crash_tests.player import Played, Stage


@dataclass(frozen=True)
class SeedResult:
    """What came of one run."""

    seed: int
    database: str
    wrong: list[str]
    seconds: float
    processes: int
    kills: Counter[str] = field(default_factory=Counter)  # by crossing
    stalls: int = 0
    together: int = 0  # processes that had company
    faults: Counter[str] = field(default_factory=Counter)  # what the mail server did wrong
    letters: int = 0
    copies: Counter[str] = field(default_factory=Counter)  # second copies, by what made them right
    notices: Counter[str] = field(default_factory=Counter)  # by what became of them
    mails: Counter[str] = field(default_factory=Counter)


def prove(stage: Stage, database: str, seed: int) -> SeedResult:
    """Play the run of a seed and look at what is wrong with it."""
    with stage.play(plan(seed)) as (played, context), context.transaction() as session:
        found = gather(session, played, context)
        return _outcome(seed, database, played, found, verdicts(found))


def _outcome(
    seed: int, database: str, played: Played, found: Findings, wrong: list[str]
) -> SeedResult:
    return SeedResult(
        seed,
        database,
        wrong,
        played.seconds,
        processes=len(played.lives),
        kills=Counter(life.at for life in played.lives if life.killed),
        stalls=sum(life.stalled for life in played.lives),
        together=sum(bool(life.companions) for life in played.lives),
        faults=Counter(
            f"{fault.answer.split()[0]} to {fault.stage}{' (kept)' if fault.keeps else ''}"
            for fault in played.faults
        ),
        letters=len(played.mailbox),
        copies=Counter(
            why_twice(found, earlier, later) or "no reason"
            for copies in found.letters.values()
            for earlier, later in pairwise(copies)
        ),
        notices=Counter(notice.status for notice in found.notices.values()),
        mails=Counter(message.status for message in found.messages),
    )


def report(outcomes: Iterable[SeedResult]) -> Iterator[str]:
    """The figures of all runs, line by line, and how to play each failure again."""
    runs = list(outcomes)
    by_database = Counter(run.database for run in runs)
    yield f"runs             {len(runs)}: {_listed(by_database)}"
    yield f"processes        {sum(r.processes for r in runs)}, of which"
    kills = _total(run.kills for run in runs)
    yield f"  killed         {kills.total()}"
    for place, number in kills.most_common():
        yield f"    {number:5}        {place}"
    yield f"  stood still    {sum(run.stalls for run in runs)}, while another ran"
    yield f"  had company    {sum(run.together for run in runs)}"
    faults = _total(run.faults for run in runs)
    yield f"faults of post   {faults.total()}: {_listed(faults)}"
    yield f"notices          {_listed(_total(run.notices for run in runs))}"
    yield f"mails owed       {_listed(_total(run.mails for run in runs))}"
    copies = _total(run.copies for run in runs)
    yield f"letters          {sum(run.letters for run in runs)}"
    yield f"  second copies  {copies.total()}: {_listed(copies)}"
    if runs:
        slowest = max(runs, key=lambda run: run.seconds)
        yield f"slowest          {slowest.seconds:.1f} s, seed {slowest.seed} on {slowest.database}"
    failed = [run for run in runs if run.wrong]
    yield f"failed           {len(failed)}"
    for run in failed:
        yield f"  python tests/prove.py --seed {run.seed} --database {run.database}"
        yield from (f"    {wrong}" for wrong in run.wrong)


def _total(counters: Iterable[Counter[str]]) -> Counter[str]:
    return sum(counters, Counter())


def _listed(counter: Counter[str]) -> str:
    return ", ".join(f"{number} {name}" for name, number in counter.most_common()) or "none"
