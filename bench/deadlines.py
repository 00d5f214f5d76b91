"""`make bench`: the deadline engine against numpy's own business-day arithmetic, same input.

Prints ratios; nothing here passes or fails. A million complaints with the lengths of the shipped
rules, received over three years, on the Indonesian calendar with its holidays.
"""

from __future__ import annotations

import resource
import time
from collections.abc import Callable
from datetime import date
from zoneinfo import ZoneInfo

import numpy as np

from sla.calendar import Calendar, indonesian_days_off
from sla.due_days import NEVER, due_days
from sla.engine.context import Policy
from sla.engine.decision_table import STATES, Clocks, DayEnds, Doubt, End, States, decide

COMPLAINTS = 1_000_000
LENGTHS = np.array([3, 5, 10, 14, 60])
FIRST, LAST = date(2023, 1, 1), date(2029, 12, 31)
ROUNDS = 5


def best(work: Callable[[], object]) -> float:
    """CPU seconds of the quickest of a few rounds."""
    taken = []
    for _ in range(ROUNDS):
        before = time.process_time()
        work()
        taken.append(time.process_time() - before)
    return min(taken)


def main() -> None:
    """Measure, and print each figure beside its baseline."""
    rng = np.random.default_rng(20261124)
    days_off = indonesian_days_off(range(FIRST.year, LAST.year + 1))
    calendar = Calendar(FIRST, LAST, days_off=days_off)
    every_day = Calendar.every_day(FIRST, LAST)
    start = rng.integers(date(2024, 1, 1).toordinal(), date(2026, 12, 31).toordinal(), COMPLAINTS)
    length = rng.choice(LENGTHS, COMPLAINTS)
    none = np.zeros((COMPLAINTS, 0, 2), dtype=np.int64)

    epoch = date(1970, 1, 1).toordinal()
    stamps = (start - epoch).astype("datetime64[D]")
    holidays = np.array(list(days_off), dtype="datetime64[D]")

    def numpy_offset() -> object:
        # an event acts from the next day on: roll back to the last working day, then forward
        return np.busday_offset(stamps, length, roll="backward", holidays=holidays)

    ours = due_days(calendar, start, length, none)
    theirs = np.asarray(numpy_offset()).astype("datetime64[D]").astype(np.int64) + epoch
    assert np.array_equal(ours, theirs)

    baseline = best(numpy_offset)
    plain = best(lambda: due_days(calendar, start, length, none))

    pauses = np.full((COMPLAINTS, 1, 2), NEVER)
    paused = rng.random(COMPLAINTS) < 0.3
    pauses[paused, 0, 0] = start[paused] + rng.integers(0, 10, paused.sum())
    pauses[paused, 0, 1] = pauses[paused, 0, 0] + rng.integers(1, 30, paused.sum())
    held = best(lambda: due_days(calendar, start, length, pauses))

    ends = DayEnds(ZoneInfo("Asia/Makassar"), FIRST, LAST)
    stopped = rng.random(COMPLAINTS) < 0.8
    end_day = np.minimum(start + rng.integers(0, 40, COMPLAINTS), LAST.toordinal() - 1)
    end = np.where(stopped, ends.at(end_day) - 3_600_000_000 * 8, NEVER)
    today = date(2026, 11, 24).toordinal()
    as_of = int(ends.at(np.array([today]))[0]) - 3_600_000_000 * 16
    off, on = np.zeros(COMPLAINTS, dtype=bool), np.ones(COMPLAINTS, dtype=bool)
    clocks = Clocks(
        counted=(rng.random(COMPLAINTS) < 0.3).astype(np.int8),
        week=np.zeros(COMPLAINTS, dtype=np.int8),
        length=length,
        start_first=start,
        start_last=start,
        shortest=pauses,
        longest=pauses,
        promised=np.full(COMPLAINTS, NEVER),
        promised_day=start,
        roll=off,
        provider=on,
        lag=np.where(rng.random(COMPLAINTS) < 0.5, 10, 0),
        end=np.where(stopped, End.STOP, End.NONE).astype(np.int8),
        end_first=end,
        end_last=end,
        end_day=np.where(stopped, end_day, today),
        vague_start=off,
        vague_end=rng.random(COMPLAINTS) < 0.1,
        shown_undone=off,
        paused=off,
        known_until=np.full(COMPLAINTS, as_of),
        doubt=np.full(COMPLAINTS, Doubt.NONE, dtype=np.int8),
        readable_until=np.full(COMPLAINTS, NEVER),
    )

    def states() -> States:
        return decide(clocks, [calendar, every_day], ends, Policy.BENEFIT_OF_DOUBT, as_of, today)

    whole = best(states)
    found = np.bincount(
        decide(clocks, [calendar, every_day], ends, Policy.BENEFIT_OF_DOUBT, as_of, today).state
    )
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

    print(f"{COMPLAINTS:,} complaints, CPU seconds, best of {ROUNDS}")
    print(f"  numpy.busday_offset (baseline)          {baseline:7.3f}")
    print(f"  due days, no pauses                     {plain:7.3f}   {plain / baseline:5.2f} x")
    print(f"  due days, one pause on 30%              {held:7.3f}   {held / baseline:5.2f} x")
    print(f"  full states, one pause on 30%           {whole:7.3f}   {whole / baseline:5.2f} x")
    print(f"  peak memory of this process             {memory:7.0f} MB")
    named = (f"{STATES[n]} {number:,}" for n, number in enumerate(found) if number)
    print("  states: " + ", ".join(named))


if __name__ == "__main__":
    main()
