"""Slow servers stop nothing: sources are read side by side, and one thread at a time writes."""

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Barrier, Event
from types import SimpleNamespace

import pytest
from conftest import ON_SQLITE_FIRST
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from flows.intake import pull_all
from tasks.ingest.source_count import SourceCount
from tasks.sources.base import SourceError

SOURCES = {
    name: SimpleNamespace(has_files=name.startswith("folder"))
    for name in ("server-1", "folder-1", "server-2", "server-3", "folder-2")
}
ENOUGH = 20
"""Seconds in which threads meet; if they never meet, the test fails after that time."""


def test_servers_are_read_side_by_side_and_folders_meanwhile():
    """The servers answer only when all of them are asked and the folders are read."""
    asked, read = Barrier(3), Event()

    def pull(name: str) -> SourceCount:
        if name.startswith("server"):
            asked.wait(ENOUGH)
            assert read.wait(ENOUGH)
        if name == "folder-2":
            read.set()
        if name in ("server-2", "folder-1"):
            raise SourceError(f"{name} is unreadable")
        return SourceCount(name)

    with ThreadPoolExecutor(3) as threads:
        pulls = pull_all(SOURCES, pull=pull, submit=partial(threads.submit, pull))
        told = {}
        for name, result in pulls:
            try:
                told[name] = result().source
            except SourceError as error:
                told[name] = str(error)
    assert list(told.items()) == [
        ("folder-1", "folder-1 is unreadable"),
        ("folder-2", "folder-2"),
        ("server-1", "server-1"),
        ("server-2", "server-2 is unreadable"),
        ("server-3", "server-3"),
    ]


def test_a_lost_database_is_raised_before_the_next_folder_is_read():
    read = []

    def pull(name: str) -> SourceCount:
        read.append(name)
        raise OperationalError("SELECT 1", {}, Exception())

    with ThreadPoolExecutor(3) as threads, pytest.raises(OperationalError):
        pull_all(SOURCES, pull=pull, submit=partial(threads.submit, pull))
    assert "folder-2" not in read


@ON_SQLITE_FIRST
def test_the_threads_of_a_run_write_one_after_another(context):
    """Also for longer than SQLite waits for another process."""
    order, begun = [], Event()

    def second() -> None:
        begun.set()
        with context.transaction() as session:
            order.append("second")
            session.execute(text("SELECT 1"))

    with ThreadPoolExecutor(1) as threads:
        with context.transaction() as session:
            session.execute(text("SELECT 1"))
            waiting = threads.submit(second)
            assert begun.wait(ENOUGH)
            assert not waiting.done()
            order.append("first")
        waiting.result(ENOUGH)
    assert order == ["first", "second"]
