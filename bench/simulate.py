"""`make bench`: what it costs to replay a year, for so many complaints (1,000, or the argument).

Prints seconds; nothing here passes or fails. Invented complaints come in through a year, most are
dealt with in time, and each step is recorded on the next morning. They are put into a new database
directly, and then replayed by the rules and the ladder of the example site.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path

from bench.big_site import FIRST, LAST, fill, site

COMPLAINTS = 1_000


def main() -> None:
    """Fill a site, replay its year, and print what it took."""
    os.environ["PREFECT_LOGGING_LEVEL"] = "WARNING"
    from tasks.simulation.simulate import simulate  # noqa: PLC0415

    count = int(sys.argv[1]) if len(sys.argv) > 1 else COMPLAINTS
    with tempfile.TemporaryDirectory() as folder:
        context = site(Path(folder))
        fill(context, count)
        before, wall = time.process_time(), time.monotonic()
        (outcome,) = simulate(context.site, None, FIRST, LAST).outcomes
        context.close()
    notices, mails = (
        len({t.notice for t in outcome.notices}),
        len({t.mail for t in outcome.notices}),
    )
    print(
        f"a year of {count:,} complaints replayed: {time.process_time() - before:.0f} s of CPU,"
        f" {time.monotonic() - wall:.0f} s in all; {notices:,} notices in {mails:,} mails,"
        f" {outcome.missed:,} of {outcome.due:,} deadlines missed"
    )


if __name__ == "__main__":
    main()
