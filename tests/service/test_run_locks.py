"""A run is alive as long as its process holds its lock, however the process ends."""

import fcntl
import os
import signal

import pytest

from service.runs.locks import live_runs, run_lock


def test_a_run_is_alive_in_its_block_and_leaves_nothing(tmp_path):
    assert live_runs(tmp_path) == {}
    with run_lock(tmp_path, "a"), run_lock(tmp_path, "b"):
        assert live_runs(tmp_path) == {"a": os.getpid(), "b": os.getpid()}
    assert live_runs(tmp_path) == {}
    assert list((tmp_path / "runs").iterdir()) == []


def test_a_run_that_failed_is_not_alive(tmp_path):
    with pytest.raises(ValueError, match="of the run"), run_lock(tmp_path, "a"):
        raise ValueError("of the run")
    assert live_runs(tmp_path) == {}
    assert list((tmp_path / "runs").iterdir()) == []


def test_a_killed_process_leaves_a_file_that_the_next_look_removes(tmp_path):
    ready, told = os.pipe()
    process = os.fork()
    if process == 0:
        with run_lock(tmp_path, "killed"):
            os.write(told, b".")
            signal.pause()
        os._exit(1)
    assert os.read(ready, 1) == b"."
    assert live_runs(tmp_path) == {"killed": process}
    os.kill(process, signal.SIGKILL)
    os.waitpid(process, 0)
    os.close(ready)
    os.close(told)
    assert [path.name for path in (tmp_path / "runs").iterdir()] == ["killed"]
    assert live_runs(tmp_path) == {}
    assert list((tmp_path / "runs").iterdir()) == []


def test_a_lock_outlives_the_removal_of_its_file_before_it_was_taken(tmp_path, monkeypatch):
    """A look between opening and locking takes the file for one that was left behind."""
    locked, looked = fcntl.flock, []

    def flock(file, operation):
        if not looked:
            looked.append(operation)
            assert live_runs(tmp_path) == {}
        locked(file, operation)

    monkeypatch.setattr(fcntl, "flock", flock)
    with run_lock(tmp_path, "a"):
        assert live_runs(tmp_path) == {"a": os.getpid()}
