"""A program ends in order on a signal, and its server does not outlive it."""

import os
import signal
import subprocess
import sys
from contextlib import ExitStack

import pytest
from conftest import REPOSITORY

from service.signals import ended_in_order


def interrupted(stack: ExitStack, closed: list[bool], number: int) -> None:
    stack.callback(closed.append, True)
    os.kill(os.getpid(), number)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_leaves_the_block_as_an_exit_does(number):
    before = signal.signal(number, signal.SIG_DFL)  # under nohup it is ignored
    try:
        closed: list[bool] = []
        with pytest.raises(SystemExit) as end, ended_in_order(), ExitStack() as stack:
            interrupted(stack, closed, number)
        assert (end.value.code, closed) == (128 + number, [True])
        assert signal.getsignal(number) == signal.SIG_DFL
    finally:
        signal.signal(number, before)


def test_a_signal_that_is_ignored_stays_ignored():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with ended_in_order():
            os.kill(os.getpid(), signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, before)


CHILD = """
import sys, time
from service.signals import end_with_parent
end_with_parent(int(sys.argv[1]), seconds=0.02)
print("ready", flush=True)
time.sleep(60)
"""
PARENT = """
import os, subprocess, sys
child = subprocess.Popen([sys.executable, "-c", sys.argv[1], str(os.getpid())], stdout=1)
print(child.pid, flush=True)
child.wait()
"""


def test_a_server_ends_when_its_parent_is_killed():
    command = [sys.executable, "-c", PARENT, CHILD]
    with subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True) as parent:
        lines = sorted([parent.stdout.readline(), parent.stdout.readline()])
        assert lines[1] == "ready\n"
        parent.kill()
        assert parent.stdout.read() == ""  # ends with the last process that has it open
