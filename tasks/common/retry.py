"""Retries: a task that could not reach a server is tried again, later each time.

A retry does not repeat committed work: each extract, each evaluated batch and each mail is a
transaction of its own, and the task first asks the database for the remaining work.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

from prefect import Task, task
from prefect.cache_policies import NO_CACHE

from tasks.common.errors import TransientError, is_lost_database

WAITS = [5.0, 20.0, 60.0]
"""Seconds before each further attempt; a database that restarts is back within them."""


P = ParamSpec("P")
R = TypeVar("R")


def retrying_task(name: str) -> Callable[[Callable[P, R]], Task[P, R]]:
    """Make a function a Prefect task with retries; `name` may contain parameters of the function.

    Prefect stores no result of it, because the results are in our own database.
    """
    return task(
        name=name,
        task_run_name=name,
        cache_policy=NO_CACHE,
        retries=len(WAITS),
        retry_delay_seconds=WAITS,
        retry_jitter_factor=0.3,
        retry_condition_fn=worth_another_try,
    )


def worth_another_try(task: Any, run: Any, state: Any) -> bool:
    """Check whether a task failed because of a connection: no other error improves with time."""
    error = state.result(raise_on_failure=False)
    return isinstance(error, TransientError) or is_lost_database(error)
