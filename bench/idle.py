"""`make bench`: a cycle with nothing due, against two empty flows on the same Prefect server.

Prints ratios; nothing here passes or fails. The cycle is the two flows that run most often,
deadlines and delivery, on the example site with 1,000 complaints, of which none is due; that of
`tenggat run`, which looks at the sources as well, is printed beside it. The rounds take turns, the
best of them counts.

Then the same with the command `tenggat run`, as cron would start it: CPU seconds of its process,
the median of some rounds, against a process that only loads SQLAlchemy and pydantic.
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

from bench.big_site import LAST, fill, site

COMPLAINTS = 1_000
ROUNDS = 5
COMMAND_ROUNDS = 11
REPOSITORY = Path(__file__).parent.parent
LIBRARIES = "import sqlalchemy.orm, pydantic"


def main() -> None:
    """Measure, and print each figure beside its baseline."""
    from service.prefect_server import prefect_api  # noqa: PLC0415

    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as place:
        folder = Path(place)
        context = site(folder)
        fill(context, COMPLAINTS)
        var, zone, settings = context.site.var, context.site.zone, str(context.site.folder)
        context.close()
        with prefect_api(var):
            from prefect import flow  # noqa: PLC0415

            from flows.deadlines import deadlines  # noqa: PLC0415
            from flows.delivery import delivery  # noqa: PLC0415
            from flows.intake import intake  # noqa: PLC0415

            @flow
            def empty() -> None:
                pass

            start = datetime(LAST.year, LAST.month, LAST.day, 18, tzinfo=zone)
            deadlines(settings, start)
            turns = iter(range(1, 1_000))

            def ours(*flows: Callable[..., object]) -> float:
                now = start + timedelta(seconds=next(turns))
                before = time.perf_counter()
                for each in flows:
                    each(settings, now)
                return time.perf_counter() - before

            def theirs() -> float:
                before = time.perf_counter()
                empty()
                empty()
                return time.perf_counter() - before

            rounds = [
                (theirs(), ours(deadlines, delivery), ours(intake, deadlines, delivery))
                for _ in range(ROUNDS)
            ]
    library, command = _of_commands()
    baseline, two, three = (min(times) for times in zip(*rounds, strict=True))
    print(f"a cycle with nothing due, wall seconds, best of {ROUNDS}")
    print(f"  two empty Prefect flows (baseline)       {baseline:7.3f}")
    print(f"  deadlines and delivery                   {two:7.3f}   {two / baseline:5.2f} x")
    print(f"  intake, deadlines and delivery           {three:7.3f}   {three / baseline:5.2f} x")
    print(f"a command with nothing to do, CPU seconds, median of {COMMAND_ROUNDS}")
    print(f"  {LIBRARIES} (baseline) {library:7.3f}")
    print(f"  tenggat run                              {command:7.3f}   {command / library:5.2f} x")


def _of_commands() -> tuple[float, float]:
    """Return the CPU seconds of a process that only loads libraries, and of `tenggat run`.

    The command runs by the clock of this machine: for another time it never looks whether there is
    anything to do.
    """
    with tempfile.TemporaryDirectory() as place:
        context = site(Path(place))
        fill(context, COMPLAINTS)
        installed = str(Path(sys.executable).with_name("tenggat"))
        run = installed, "run", "--site", str(context.site.folder)
        context.close()
        _cpu(*run)  # the work that the time since these complaints has left
        pairs = [(_cpu("-c", LIBRARIES), _cpu(*run)) for _ in range(COMMAND_ROUNDS)]
    library, command = (statistics.median(times) for times in zip(*pairs, strict=True))
    return library, command


def _cpu(*arguments: str) -> float:
    """Run Python with these arguments; return the CPU seconds of its process."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(
        [sys.executable, *arguments],
        cwd=REPOSITORY,
        env={**os.environ, "TENGGAT_REHEARSAL": "1"},
        check=True,
        stdout=subprocess.DEVNULL,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


if __name__ == "__main__":
    os.environ["PREFECT_LOGGING_LEVEL"] = "ERROR"
    main()
