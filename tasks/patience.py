"""Patience: a step that could not reach something is taken again, later each time.

What a step had committed before is not done again: each look, each judged batch and each mail is a
transaction of its own, and the step begins by asking the database what is left.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

from prefect import Task, task
from prefect.cache_policies import NO_CACHE
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError

from tasks.feeds.batch import SourceTrouble

WAITS = [5.0, 20.0, 60.0]
"""Seconds before each further try: a database that restarts is back within them."""


P = ParamSpec("P")
R = TypeVar("R")


def step(name: str) -> Callable[[Callable[P, R]], Task[P, R]]:
    """Make a step of a flow of a function, as a task that is patient; `name` may name parameters.

    No result is kept by Prefect: what a step has done stands in our database.
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
    """Whether a step failed because of a connection: nothing else gets better by waiting."""
    error = state.result(raise_on_failure=False)
    if isinstance(error, SourceTrouble):
        return error.far
    lost = isinstance(error, DBAPIError) and error.connection_invalidated
    return lost or isinstance(error, OperationalError | InterfaceError)
