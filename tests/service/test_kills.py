"""Killed in mid-run: worker, flow, all. What comes back does all of it, and once.

Server and database are killed in test_outages.py, a worker elsewhere in test_two_workers.py.
"""

import signal
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from support.services import Sending, kill

from service.worker import WORKER_PROGRAM

pytestmark = pytest.mark.thorough


@pytest.fixture
def sending(troubled) -> Sending:
    """The service, and its mail server that is well by now."""
    troubled.server.greeting = ""
    return troubled.sending


def test_of_what_a_killed_flow_and_a_killed_worker_leave_the_next_runs_do_all(sending):
    """Each run finds what those that were killed before it have left.

    Without its worker Prefect's flow process may go on, or say that it has crashed. Where both are
    gone Prefect alone leaves the run Running for ever, and every later one waits for it.
    """
    run = sending.in_mid_run()
    kill(sending.up.flow(run))
    assert sending.up.ends(run) == "CRASHED"

    run = sending.in_mid_run()
    kill(sending.up.part(*WORKER_PROGRAM))
    sending.up.until(lambda: sending.up.part(*WORKER_PROGRAM) != [])
    sending.server.holds = False
    assert sending.up.ends(run) in {"COMPLETED", "CRASHED"}
    assert "worker was ended by SIGKILL; starting it again in 1 s" in sending.up.said_by_now()

    run = sending.in_mid_run()
    kill([*sending.up.part(*WORKER_PROGRAM), *sending.up.flow(run)])
    waiting = sending.deliver()
    assert sending.up.ends(run) == "CRASHED"
    sending.server.holds = False
    assert sending.up.ends(waiting) == "COMPLETED"
    sending.all_came_once()


def test_a_service_that_is_killed_whole_is_started_again_and_catches_up(sending):
    up = sending.up
    before = {run["id"] for run in up.begun()}
    run = sending.in_mid_run()
    kill([up.process])
    missed(up.var / "prefect" / "prefect.db", 3)
    up.start()
    up.until(lambda: "starting the Prefect server" in up.said_by_now())
    sending.server.holds = False  # by now the flow that waited for it has been ended
    up.ready()
    said = up.said_by_now()
    assert "nothing to register" in said
    assert "3 missed runs of delivery/delivery skipped: one catches up for all" in said
    assert "did not finish well" not in said
    assert up.ends(run) == "CRASHED"
    begun = [each for each in up.begun() if each["id"] not in before | {run}]
    cycle = [each for each in begun if each["state_name"] != "Skipped"]
    assert [(each["name"].split()[0], each["state_type"]) for each in cycle] == [
        (flow, "COMPLETED") for flow in ("intake", "deadlines", "delivery")
    ]
    sending.is_well()


def missed(database: Path, number: int) -> None:
    """As if nobody had been there when so many deliveries were due."""
    with closing(sqlite3.connect(database, timeout=30)) as connection, connection:
        changed = connection.execute(
            "UPDATE flow_run SET expected_start_time = datetime(expected_start_time, '-400 days'),"
            " next_scheduled_start_time = datetime(next_scheduled_start_time, '-400 days')"
            " WHERE id IN (SELECT r.id FROM flow_run r JOIN flow f ON f.id = r.flow_id WHERE"
            " f.name = 'delivery' AND r.state_type = 'SCHEDULED' AND r.auto_scheduled LIMIT ?)",
            [number],
        )
        assert changed.rowcount == number


def test_ctrl_c_in_the_middle_of_a_flow_stops_all_of_it(sending):
    """The last test of the shared service."""
    sending.in_mid_run()
    assert sending.up.stop(signal.SIGINT) == 0
    sending.server.holds = False
    assert sending.up.said_by_now().splitlines()[-1] == "stopped"
    assert not (sending.up.var / "service.json").exists()
