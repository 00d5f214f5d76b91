"""Helpers of a run do its jobs in order; whatever becomes of them, each job is done once."""

import os
import subprocess
import sys
from itertools import count
from multiprocessing.connection import Pipe

import pytest
from conftest import REPOSITORY, kind_of_database
from support.run_helpers.jobs import (
    doubled,
    doubled_here,
    doubled_or_killed,
    doubled_when_told,
)

from tasks.common.helpers import Helpers, spare_cores


@pytest.fixture
def database_url(request: pytest.FixtureRequest) -> str:
    """No job here reads the database."""
    return kind_of_database(request)


def test_the_results_come_in_the_order_of_the_jobs_from_several_processes(context):
    with Helpers(context, 1) as helpers:
        found = []
        for job, (name, number, process) in helpers.results(doubled, count()):
            assert name == context.site.name
            found.append((job, number))
            if process != os.getpid():
                break
        assert found == [(job, 2 * job) for job in range(len(found))]
        (helper,) = helpers._processes
    assert helper.returncode is not None


@pytest.mark.parametrize("work", [doubled_here, doubled_or_killed])
def test_the_run_does_the_jobs_of_a_helper_that_fails_or_dies(context, work):
    jobs = [(number, os.getpid()) for number in range(20)]
    with Helpers(context, 1) as helpers:
        found = list(helpers.results(work, jobs))
    assert found == [(job, 2 * job[0]) for job in jobs]
    assert helpers.results_used == 0


def test_a_long_job_of_a_helper_keeps_no_other_result_back_unless_the_order_matters(
    context, tmp_path
):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    jobs = [(0, str(pipe)), *((number, "") for number in range(1, 20))]
    with Helpers(context, 1) as helpers:
        found = []
        for job, number in helpers.results(doubled_when_told, jobs, in_order=False):
            found.append((job[0], number))
            if len(found) == 18:  # all but the job that waits and the next one of its helper
                pipe.write_bytes(b"go on")
    assert sorted(found) == [(number, 2 * number) for number in range(20)]
    assert 0 not in {number for number, _ in found[:18]}


def test_an_error_of_a_job_is_raised_in_the_run(context):
    with Helpers(context, 1) as helpers, pytest.raises(ValueError, match="another process"):
        list(helpers.results(doubled_here, [(1, 0)]))


@pytest.mark.parametrize(("cores", "number"), [(1, 0), (2, 1), (16, 3)])
def test_each_further_core_gets_a_helper_up_to_a_limit(monkeypatch, cores, number):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(cores)), raising=False)
    assert spare_cores() == number
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: cores)
    assert spare_cores() == number


def test_a_helper_ends_when_its_run_is_killed():
    ours, theirs = Pipe()
    command = [sys.executable, "-m", "tasks.common.helper_process", str(theirs.fileno())]
    with subprocess.Popen(command, pass_fds=[theirs.fileno()], cwd=REPOSITORY) as helper:
        theirs.close()
        ours.close()
        assert helper.wait(60) == 0
