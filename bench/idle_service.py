"""`python -m bench.idle_service --sites 1 --minutes 15`: what an idle service costs.

Starts `tenggat up` with copies of the example site, each with its own database and 1,000
complaints, and waits until the first cycle of each has ended and its mails have had their effects,
which takes until the next quarter of an hour. Then it measures the CPU of all processes of the
service, ended ones included, and their memory. Prints each part, and the whole
as seconds of CPU a day beside one core's 86,400.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

from bench.big_site import CONFIG, copied, fill, go_live
from bench.processes import parts

REPOSITORY = CONFIG.parent.parent
DAY = 86_400
READY = ("berjalan menurut jadwal", "running on schedule")


def main() -> None:
    """Measure, and print the CPU of each part and of a day."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--sites", type=int, default=1)
    options.add_argument("--minutes", type=float, default=15)
    options.add_argument("--settle", type=float, default=18, help="minutes before")
    options.add_argument("--complaints", type=int, default=1_000)
    asked = options.parse_args()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as place:
        folder = Path(place)
        sites = [_site(folder / f"kab{n:02}", asked.complaints) for n in range(asked.sites)]
        log = folder / "log"
        service = _up(sites, folder / "prefect", log)
        try:
            while not any(words in log.read_text("utf-8") for words in READY):
                if service.poll() is not None:
                    sys.exit(log.read_text("utf-8"))
                time.sleep(1)
            time.sleep(asked.settle * 60)
            _measure(service, asked.minutes * 60, asked.sites)
        finally:
            if service.is_running():
                service.terminate()
                service.wait(60)


def _site(folder: Path, count: int) -> Path:
    """Make a site with so many complaints, and nothing to import."""
    from tasks.common.context import SiteContext  # noqa: PLC0415

    copied(folder)
    context = SiteContext.open(folder)
    go_live(context)
    fill(context, count)
    context.close()
    return folder


def _up(sites: list[Path], home: Path, log: Path) -> psutil.Popen:
    from service.environment import free_port  # noqa: PLC0415

    places = [part for site in sites for part in ("--site", str(site))]
    options = ["--as-root", "--port", str(free_port()), "--var", str(home), *places]
    with log.open("wb") as output:
        return psutil.Popen(
            [sys.executable, "-m", "cli", "up", *options],
            cwd=REPOSITORY,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def _measure(service: psutil.Popen, seconds: float, sites: int) -> None:
    before, begin = parts(service, NAMES), time.monotonic()
    time.sleep(seconds)
    after, passed = parts(service, NAMES), time.monotonic() - begin
    print(f"{sites} idle sites for {passed / 60:.1f} minutes: CPU seconds, memory (MB)")
    for name, (cpu, memory) in after.items():
        print(f"  {name:16} {cpu - before.get(name, (0.0, 0))[0]:8.2f} {memory / 1e6:8.0f}")
    spent = sum(cpu for cpu, _ in after.values()) - sum(cpu for cpu, _ in before.values())
    resident = sum(memory for _, memory in after.values()) / 1e6
    daily = spent / passed * DAY
    print(f"  {'all':16} {spent:8.2f} {resident:8.0f}")
    print(f"  a day: {daily:,.0f} s of CPU, {daily / DAY:.1%} of one core")


NAMES = ("server_process", "worker_process", "forkserver", "cli up")
"""The parts of a service, by a word of their command line."""


if __name__ == "__main__":
    os.environ.pop("TENGGAT_VAR", None)
    main()
