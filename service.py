"""The service: a Prefect API for one command, or server and worker for good (`tenggat up`)."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Any

import psutil
import yaml

REPOSITORY = Path(__file__).parent
PREFECT = (sys.executable, "-m", "prefect")
POOL = "tenggat"
FIRST_CYCLE = ("intake", "deadlines", "delivery")
FINISHED = ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")
START_SECONDS = 90.0
LOOK_SECONDS = 2
"""How often the worker asks for runs: Prefect's own 10 s would make every request wait."""
QUIET = {"PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "CRITICAL"}
"""A command says itself what it does; what its flows log is read in the UI."""
ANSWER_SECONDS = 30.0
STOP_SECONDS = 15.0
MARK = "TENGGAT_SERVICE"
"""Every process of a service bears the folder of its working files in its environment."""


class ServiceError(RuntimeError):
    """The service could not be started or kept; the message says which part and what to look at."""


class Stopped(Exception):
    """Somebody asked the service to stop."""


def prefect_environment(var: Path, api: str | None = None) -> dict[str, str]:
    """The environment in which Prefect works for a site: its own folder, no calls to outside."""
    home = var / "prefect"
    home.mkdir(parents=True, exist_ok=True)
    environment = {
        "PREFECT_HOME": str(home),
        "PREFECT_PROFILES_PATH": str(home / "profiles.toml"),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
        "PREFECT_LOGGING_LEVEL": "INFO",
        "PREFECT_SERVER_LOGGING_LEVEL": "WARNING",
        "PREFECT_CLI_PROMPT": "false",
        "PREFECT_WORKER_QUERY_SECONDS": str(LOOK_SECONDS),
        "DO_NOT_TRACK": "1",
        "PYTHONPATH": os.pathsep.join([str(REPOSITORY), os.environ.get("PYTHONPATH", "")]).rstrip(
            os.pathsep
        ),
    }
    if api is not None:
        environment["PREFECT_API_URL"] = api
    return environment


class Child:
    """A process of the service, in a group of its own, its output in a log file."""

    def __init__(
        self, name: str, command: list[str], environment: dict[str, str], log: Path
    ) -> None:
        self.name, self.log = name, log
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as output:
            self.process = subprocess.Popen(
                command,
                cwd=REPOSITORY,
                env={**os.environ, **environment},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def check(self) -> None:
        """Raise :class:`ServiceError` if the process has ended."""
        code = self.process.poll()
        if code is not None:
            raise ServiceError(f"{self.name} ended with {code}; see {self.log}")

    def stop(self) -> None:
        """End the process and all that it started: a request first, then by force."""
        self._signal(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(STOP_SECONDS)
        self._signal(signal.SIGKILL)
        self.process.wait()

    def _signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, number)


@contextmanager
def prefect_server(var: Path, *, port: int = 0) -> Iterator[str]:
    """Run a Prefect server on loopback while the block lasts; gives the URL of its API.

    Its database stays under `var/prefect`, so that a later server shows the same runs.
    """
    with _server(var, port) as (api, _):
        yield api


@contextmanager
def _server(var: Path, port: int) -> Iterator[tuple[str, Child]]:
    port = port or _free_port()
    api = f"http://127.0.0.1:{port}/api"
    environment = {
        **prefect_environment(var),
        "PREFECT_API_URL": api,
        "PREFECT_UI_API_URL": api,
        "PREFECT_SERVER_UI_API_URL": api,
    }
    command = [*PREFECT, "server", "start", "--host", "127.0.0.1", "--port", str(port)]
    child = Child("prefect server", command, environment, var / "logs" / "prefect-server.log")
    try:
        _wait(lambda: _healthy(api), child)
        yield api, child
    finally:
        child.stop()


@contextmanager
def prefect_api(var: Path) -> Iterator[str]:
    """The API that a single command's runs are shown by: the one given, the service's, or an own.

    The one given is PREFECT_API_URL; the service's is that of a running `tenggat up`.
    """
    given = os.environ.get("PREFECT_API_URL") or running_service(var)
    with ExitStack() as stack:
        api = given or stack.enter_context(prefect_server(var))
        environment = prefect_environment(var, api) | QUIET
        before = {name: os.environ.get(name) for name in environment}
        os.environ.update(environment)
        try:
            yield api
        finally:
            _hand_over()
            for name, value in before.items():
                if value is None:
                    os.environ.pop(name, None)
                else:
                    os.environ[name] = value


def _hand_over() -> None:
    """Wait until the API has the logs and events of this process, which are sent in its back."""
    from prefect.events.worker import EventsWorker  # noqa: PLC0415 - takes seconds to load
    from prefect.logging.handlers import APILogWorker  # noqa: PLC0415

    for worker in (APILogWorker, EventsWorker):
        worker.drain_all(timeout=STOP_SECONDS)


def running_service(var: Path) -> str | None:
    """The API of the `tenggat up` that serves this folder, if one answers."""
    try:
        api = str(json.loads((var / "service.json").read_text(encoding="utf-8"))["api"])
    except (OSError, ValueError, KeyError):
        return None
    return api if _healthy(api) else None


def up(
    site: Path,
    *,
    var: Path,
    zone: str,
    schedules: dict[str, Any],
    port: int,
    say: Callable[[str], None],
) -> None:
    """Run the service in the foreground until SIGINT or SIGTERM: server, pool, deployments, worker.

    Runs the first cycle at once. Raises :class:`ServiceError` when a part does not start or ends.
    """
    before = {number: signal.signal(number, _stop) for number in (signal.SIGTERM, signal.SIGINT)}
    state = var / "service.json"
    try:
        with _alone(var), ExitStack() as stack:
            sweep(var)  # what a service that was killed has left
            if not _is_free(port):
                raise ServiceError(f"port {port} is taken; choose another with --port")
            os.environ[MARK] = str(var)  # its own parts inherit it
            stack.callback(os.environ.pop, MARK, None)
            stack.callback(sweep, var)
            say("starting the Prefect server ...")
            api, server = stack.enter_context(_server(var, port))
            environment = prefect_environment(var, api)
            say("registering work pool and deployments ...")
            _prefect(
                ["work-pool", "create", POOL, "--type", "process", "--overwrite"], environment, var
            )
            worker = Child(
                "prefect worker",
                [*PREFECT, "worker", "start", "--pool", POOL, "--name", "tenggat"],
                environment,
                var / "logs" / "prefect-worker.log",
            )
            stack.callback(worker.stop)
            definitions = _deployments(site, var, zone, schedules)
            _prefect(["deploy", "--all", "--prefect-file", str(definitions)], environment, var)
            stack.callback(lambda: state.unlink(missing_ok=True))
            state.write_text(json.dumps({"api": api, "pid": os.getpid()}), encoding="utf-8")
            say(f"Prefect UI: http://127.0.0.1:{port}")
            say(f"Mailbox, reports and logs: {var}")
            for flow in FIRST_CYCLE:
                say(f"first cycle: {flow} ...")
                if not _run_once(api, flow, server, worker):
                    say(f"  {flow} did not finish well; its run in the UI says why")
            say("running on schedule; Ctrl-C stops it")
            while True:
                _check(server, worker)
                time.sleep(1.0)
    except Stopped:
        say("stopped")
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _alone(var: Path) -> Iterator[None]:
    """Hold the working files against a second service, from the first moment to the last."""
    var.mkdir(parents=True, exist_ok=True)
    with (var / "service.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ServiceError(f"the service already runs for {var}; stop it first") from None
        yield


def sweep(var: Path) -> None:
    """End every process that still works for the service of these files.

    A flow outlives a worker that was killed, and all outlive a service that was.
    """
    left = [
        process
        for process in psutil.process_iter(["environ"])
        if (process.info["environ"] or {}).get(MARK) == str(var) and process.pid != os.getpid()
    ]
    for end in (psutil.Process.terminate, psutil.Process.kill):
        for process in left:
            with suppress(psutil.Error):
                end(process)
        _, left = psutil.wait_procs(left, timeout=STOP_SECONDS / 3)


def _stop(number: int, frame: FrameType | None) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    raise Stopped


def _deployments(site: Path, var: Path, zone: str, schedules: dict[str, Any]) -> Path:
    """prefect.yaml with this site, its zone and its schedules, written to the working files."""
    data: dict[str, Any] = yaml.safe_load((REPOSITORY / "prefect.yaml").read_text(encoding="utf-8"))
    for deployment in data["deployments"]:
        deployment["parameters"]["site"] = str(site)
        planned = schedules.get(deployment["name"], {})
        if isinstance(planned, str):
            deployment["schedules"] = [{"cron": planned, "timezone": zone}]
        elif planned:  # one for each period of the summary
            deployment["schedules"] = [
                {"cron": cron, "timezone": zone, "slug": name, "parameters": {"period": name}}
                for name, cron in planned.items()
            ]
        deployment["work_pool"]["job_variables"] = {"working_dir": str(REPOSITORY)}
    path = var / "prefect.yaml"
    path.write_text(yaml.safe_dump(data, sort_keys=False), encoding="utf-8")
    return path


def _prefect(arguments: list[str], environment: dict[str, str], var: Path) -> None:
    log = var / "logs" / "prefect-setup.log"
    child = Child("prefect " + arguments[0], [*PREFECT, *arguments], environment, log)
    try:
        code = child.process.wait()
    finally:
        child.stop()
    if code:
        raise ServiceError(f"`prefect {' '.join(arguments)}` ended with {code}; see {log}")


def _run_once(api: str, flow: str, *parts: Child) -> bool:
    """Let the worker run a deployment now, and wait for it; whether the run finished well."""
    deployment = _ask(f"{api}/deployments/name/{flow}/{flow}")["id"]
    once = {"idempotency_key": str(uuid.uuid4())}  # asked again it is the same run
    run = _ask(f"{api}/deployments/{deployment}/create_flow_run", once)["id"]
    while (state := _ask(f"{api}/flow_runs/{run}")["state_type"]) not in FINISHED:
        _check(*parts)
        time.sleep(0.5)
    return bool(state == "COMPLETED")


def _check(*parts: Child) -> None:
    for part in parts:
        part.check()


def _ask(url: str, body: dict[str, Any] | None = None) -> Any:
    """What Prefect's API answers; POST where there is a body.

    A server that is busy for a moment (its SQLite locked: 503) is asked again.
    """
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"})  # noqa: S310
    patience = time.monotonic() + ANSWER_SECONDS
    while True:
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310 - loopback
                return json.loads(answer.read())
        except OSError as error:
            if time.monotonic() > patience:
                raise ServiceError(f"the Prefect server does not answer {url}: {error}") from None
            time.sleep(0.5)


def _wait(ready: Callable[[], bool], child: Child) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not ready():
        child.check()
        if time.monotonic() > deadline:
            raise ServiceError(
                f"{child.name} did not answer within {START_SECONDS:.0f} s; see {child.log}"
            )
        time.sleep(0.1)


def _healthy(api: str) -> bool:
    try:
        with urllib.request.urlopen(f"{api}/health", timeout=2) as answer:  # noqa: S310
            return bool(answer.status == 200)
    except (OSError, ValueError, urllib.error.URLError):
        return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
