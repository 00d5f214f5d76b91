"""`python -m bench.monday --sites 50 --workers 1`: a Monday morning of many sites.

Each site is a copy of the example site with 1,000 complaints and its own database; its mails stay
in a local mailbox. On the Friday before, in this process, its backlog is evaluated and sent. Then
one Prefect server and some workers run the intake of all sites for Monday 07:15, the deadlines for
07:30 and the delivery for 07:35. Prints when the last site was done, the times of the runs, and the
CPU.

`--troubled` adds to the first site a source and a mail server that take a connection and never
answer; the morning is over when the other sites are done. When a third of the sites is done,
`--kill worker` kills the process of the first worker, and `--kill machine` all its processes, with
their runs and without a new start, as if its machine were gone.

With `--prefect-database` Prefect's own data are in an empty database of PostgreSQL, which needs its
extension pg_trgm. `--servers` starts several processes of Prefect's server on it, with the Redis of
`TENGGAT_REDIS_URL`; Redis must be empty.

The processes of the workers stand for machines, and this machine has few cores: what needs CPU
cannot become faster here by more workers. So the CPU is also printed by part, with the shortest
morning that it allows if each worker has a machine with two cores, and server and database one
each. One process of Prefect's server uses one core, and the one with its loops another.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psutil

from bench.big_site import CONFIG, LAST, copied, fill
from bench.databases import databases
from bench.processes import parts

REPOSITORY = CONFIG.parent.parent
NEVER = "0 0 1 1 *"
FINAL = {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}
STEPS = (("intake", -15), ("deadlines", 0), ("delivery", 5))
"""The runs of a site in their order, each with the minutes after 07:30 that it runs for."""

PARTS = {"server_process": "server", "worker": "workers", "forkserver": "workers"}
PARTS |= {"postgres": "database"}
"""The parts of a service, by a word of their command line."""

SILENT_SOURCE = """
[silent]
type = "open311"
url = "http://{host}:{port}"
first_day = 2026-11-01
"""

CORES = {"loops": 1, "workers": 2, "database": 2, "Redis": 1}
"""The cores that a part can use on a machine of its own; the server has one for each process."""


@dataclass(frozen=True)
class Morning:
    """A morning: its sites, its workers with so many runs at a time, and what goes wrong in it."""

    sites: Sequence[Path]
    workers: int
    at_once: int
    troubled: Path | None
    kill: str
    servers: int


def main() -> None:
    """Measure, and print."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--sites", type=int, default=50)
    options.add_argument("--workers", type=int, default=1)
    options.add_argument("--at-once", type=int, default=4, help="runs of one worker at a time")
    options.add_argument("--complaints", type=int, default=1_000)
    options.add_argument("--database", choices=("SQLite", "PostgreSQL"), default="SQLite")
    options.add_argument("--troubled", action="store_true", help="servers that never answer")
    options.add_argument("--kill", choices=("worker", "machine"), default="", help="on the way")
    options.add_argument("--servers", type=int, default=1, help="processes of Prefect's server")
    options.add_argument("--prefect-database", default="", help="URL; else an SQLite file")
    asked = options.parse_args()
    if asked.prefect_database:
        os.environ["PREFECT_SERVER_DATABASE_CONNECTION_URL"] = asked.prefect_database
    os.environ["TENGGAT_REHEARSAL"] = "1"
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as place, ExitStack() as stack:
        folder = Path(place)
        urls = [""] * asked.sites
        if asked.database == "PostgreSQL":
            urls = stack.enter_context(databases(folder, asked.sites))["PostgreSQL"]
        sites = []
        for number, url in enumerate(urls):
            sites.append(_site(folder / f"kab{number:02}", asked.complaints, url))
            print(f"\r{number + 1} sites made", end="", file=sys.stderr, flush=True)
        print(file=sys.stderr)
        troubled = sites[0] if asked.troubled else None
        if troubled is not None:
            _trouble(troubled, stack.enter_context(socket.create_server(("127.0.0.1", 0))))
        morning = Morning(sites, asked.workers, asked.at_once, troubled, asked.kill, asked.servers)
        _measure(morning, folder / "prefect")


def _site(folder: Path, count: int, url: str) -> Path:
    """Make a site whose backlog was evaluated and sent on the Friday before."""
    from tasks.common.context import SiteContext  # noqa: PLC0415
    from tasks.deadlines import evaluate_and_notify  # noqa: PLC0415
    from tasks.delivery import send_owed  # noqa: PLC0415
    from tasks.notifications.trial.start import start_site  # noqa: PLC0415

    copied(folder)
    settings = (folder / "site.toml").read_text("utf-8")
    begin, end = settings.index("[schedules]"), settings.index("silent_minutes")
    end = settings.rindex("\n[", begin, end)  # the table that has this key
    crons = [f'{flow} = "{NEVER}"' for flow in ("intake", "deadlines", "delivery", "watchdog")]
    crons += [f'maintenance = "{NEVER}"', f'summary = {{ "last-year" = "{NEVER}" }}']
    settings = settings[:begin] + "\n".join(["[schedules]", *crons]) + settings[end:]
    (folder / "site.toml").write_text(settings, "utf-8")
    if url:
        os.environ[f"TENGGAT_DATABASE_URL_{folder.name.upper()}"] = url
    context = SiteContext.open(folder)
    friday = _monday(context.site.zone) - timedelta(days=3)
    start_site(context, friday, "the benchmark")
    fill(context, count)
    for minutes in (0, 10):
        now = friday + timedelta(minutes=minutes)
        evaluate_and_notify(context, now, f"deadlines {now}")
        send_owed(context, now, f"delivery {now}")
    context.close()
    return folder


def _trouble(site: Path, silent: socket.socket) -> None:
    """Give a site a source and a mail server that never answer."""
    host, port = silent.getsockname()
    os.environ[f"TENGGAT_MAIL_URL_{site.name.upper()}"] = f"smtp+plain://{host}:{port}"
    with (site / "sources.toml").open("a", encoding="utf-8") as file:
        file.write(SILENT_SOURCE.format(host=host, port=port))


def _monday(zone: Any) -> datetime:
    return datetime(LAST.year, LAST.month, LAST.day, 7, 30, tzinfo=zone)


def _measure(morning: Morning, home: Path) -> None:
    from service.environment import prefect_environment  # noqa: PLC0415

    with ExitStack() as stack:
        api, loops = stack.enter_context(_server(home, morning.servers))
        folders = [str(site) for site in morning.sites]
        environment = {**os.environ, **prefect_environment(home, api)}
        command = [sys.executable, "-m", "service", api, *folders]
        subprocess.run(
            command, cwd=REPOSITORY, env=environment, check=True, stdout=subprocess.DEVNULL
        )
        places = [part for folder in folders for part in ("--site", folder)]
        processes = []
        for number in range(morning.workers):
            command = [sys.executable, "-m", "cli", "worker", "--as-root", *places]
            command += ["--name", f"worker {number}", "--limit", str(morning.at_once)]
            process = psutil.Popen(
                command,
                cwd=REPOSITORY,
                env={**environment, "PREFECT_WORKER_QUERY_SECONDS": "2"},
                stdout=subprocess.DEVNULL,
                stderr=subprocess.STDOUT,
            )
            stack.callback(_end, process)
            processes.append(process)
        os.environ.update(prefect_environment(home, api))
        _play(api, home, morning, processes[0] if morning.kill else None, loops)


@contextmanager
def _server(home: Path, servers: int) -> Iterator[tuple[str, int | None]]:
    """Run a server; yields the URL of its API and the id of the process with its loops, if any."""
    from service.environment import HEALTH, KEEP_DAYS, LOOPBACK, free_port, interval  # noqa: PLC0415
    from service.login import CLIENT, make_login  # noqa: PLC0415
    from service.prefect_api import healthy  # noqa: PLC0415
    from service.prefect_server import api_of, environment_variables, prefect_server  # noqa: PLC0415
    from service.server_parts import ServerParts, redis_url  # noqa: PLC0415

    if servers == 1:
        with prefect_server(home) as api:
            yield api, None
        return
    port = free_port()
    with environment_variables({CLIENT: make_login(home)}):
        parts = ServerParts(
            home,
            port,
            LOOPBACK,
            answering=servers,
            redis_url=redis_url(),
            say=print,
            healthy=healthy,
            every=interval(HEALTH),
            keep_days=KEEP_DAYS,
            names=(),
        )
        try:
            while not parts.tend():
                time.sleep(0.1)
            assert parts.child is not None
            yield api_of(port), parts.child.process.pid
        finally:
            parts.stop()


def _end(process: psutil.Popen) -> None:
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(30)
        except psutil.TimeoutExpired:  # a run of the site in trouble is still waiting
            _kill(process)


def _kill(worker: psutil.Popen) -> None:
    """Kill a worker with all its runs."""
    for process in (*worker.children(recursive=True), worker):
        process.kill()
    worker.wait(30)


def _kill_worker_process(worker: psutil.Popen) -> None:
    """Kill the process that starts the runs; `tenggat worker`, its parent, starts it again."""
    (process,) = worker.children()
    process.kill()


def _play(
    api: str, home: Path, morning: Morning, victim: psutil.Popen | None, loops: int | None
) -> None:
    from service.environment import STALE, interval  # noqa: PLC0415
    from service.prefect_api import ask  # noqa: PLC0415
    from service.runs.stale import mark_crashed  # noqa: PLC0415
    from settings.site import load_site  # noqa: PLC0415

    sites = morning.sites
    zone = load_site(sites[0]).zone
    while not [
        w for w in ask(f"{api}/work_pools/tenggat/workers/filter", {}) if w["status"] == "ONLINE"
    ]:
        time.sleep(0.5)
    begin, heard_since, cpu = time.monotonic(), datetime.now(UTC), _cpu(loops)
    looked = begin
    waiting = {site: list(STEPS) for site in sites}
    running: dict[str, tuple[Path, str]] = {}
    durations: dict[str, list[float]] = {flow: [] for flow, _ in STEPS}
    failed: dict[str, list[str]] = {}
    done: list[float] = []
    several = len(sites) > 1
    while (set(waiting) | (busy := _sites(running))) - {morning.troubled}:
        for site, steps in list(waiting.items()):
            if site not in busy and steps:
                flow, minutes = steps.pop(0)
                now = _monday(zone) + timedelta(minutes=minutes)
                name = site.name if several else flow
                known = ask(f"{api}/deployments/name/{flow}/{name}")["id"]
                body = {"parameters": {"now": now.isoformat()}}
                run = ask(f"{api}/deployments/{known}/create_flow_run", body)["id"]
                running[run] = site, flow
        if victim is not None and len(done) > len(sites) / 3:
            (_kill if morning.kill == "machine" else _kill_worker_process)(victim)
            victim = None
        time.sleep(1)
        if time.monotonic() - looked > interval(STALE):  # as `tenggat up` does
            looked = time.monotonic()
            for line in mark_crashed(api, home, datetime.now(UTC), heard_since):
                print(f"after {looked - begin:.0f} s: {line}")
        ids = {"flow_runs": {"id": {"any_": list(running)}}, "limit": 200}
        for run in ask(f"{api}/flow_runs/filter", ids):
            if run["state_type"] not in FINAL:
                continue
            site, flow = running.pop(run["id"])
            if run["state_type"] != "COMPLETED":
                failed.setdefault(site.name, []).append(f"{flow} {run['state_type'].lower()}")
            durations[flow].append(run["total_run_time"])
            if not waiting[site]:
                del waiting[site]
                if site != morning.troubled:
                    done.append(time.monotonic() - begin)
    spent = {part: seconds - cpu.get(part, 0.0) for part, seconds in _cpu(loops).items()}
    _show(morning, done, durations, failed, spent)


def _sites(running: Mapping[str, tuple[Path, str]]) -> set[Path]:
    return {site for site, _ in running.values()}


def _show(
    morning: Morning,
    done: Sequence[float],
    durations: dict[str, list[float]],
    failed: dict[str, list[str]],
    cpu: dict[str, float],
) -> None:
    sites, workers = morning.sites, morning.workers
    print(f"{len(sites)} sites, {workers} workers: the last site was done after {max(done):.0f} s")
    print(f"  half of them after {statistics.median(done):.0f} s")
    print(f"  runs that failed: {sum(map(len, failed.values()))} {failed or ''}")
    for flow, times in durations.items():
        parts = [*statistics.quantiles(times, n=20)] if len(times) > 1 else times * 20
        print(
            f"  {flow:10} median {statistics.median(times):5.2f} s,"
            f" 95 % below {parts[-1]:5.2f} s, longest {max(times):5.2f} s"
        )
    each = ", ".join(f"{part} {seconds:.1f} s" for part, seconds in cpu.items())
    print(f"  CPU: {each}; {sum(cpu.values()) / len(sites):.1f} s a site")
    least = {number: _least(cpu, number, morning.servers) for number in (1, 2, 4)}
    for number, (seconds, part) in least.items():
        faster = least[1][0] / seconds
        print(
            f"  {number} machines for workers: {seconds:.0f} s ({faster:.2f} times), by the {part}"
        )
    print(json.dumps({"workers": workers, "seconds": max(done), "durations": durations}))


def _least(cpu: dict[str, float], machines: int, servers: int) -> tuple[float, str]:
    """Return the shortest morning in seconds that the CPU allows, and the part that needs it."""
    many = {**CORES, "workers": CORES["workers"] * machines, "server": servers}
    return max((cpu[part] / cores, part) for part, cores in many.items() if part in cpu)


def _cpu(loops: int | None) -> dict[str, float]:
    """Return the CPU seconds of each part until now.

    Each PostgreSQL and Redis of this machine counts. `loops` is the id of the process that runs
    only the loops of Prefect's server.
    """
    named = [(each, each.info["name"]) for each in psutil.process_iter(["name"])]
    databases = [each for each, name in named if name == "postgres"]
    servers = [each for each in databases if (own := each.parent()) is None or own.pid == 1]
    found: dict[str, float] = {}
    for process in (psutil.Process(), *servers):
        for name, (seconds, _) in parts(process, tuple(PARTS)).items():
            if part := PARTS.get(name):
                found[part] = found.get(part, 0.0) + seconds
    if loops is not None:
        times = psutil.Process(loops).cpu_times()
        found["loops"] = times.user + times.system
        found["server"] -= found["loops"]
        redis = [each.cpu_times() for each, name in named if name == "redis-server"]
        found["Redis"] = sum(times.user + times.system for times in redis)
    return found


if __name__ == "__main__":
    os.environ.pop("TENGGAT_VAR", None)
    main()
