"""Patience: a step that could not reach something is taken again, later each time.

What a step had committed before is not done again: each look, each judged batch and each mail is a
transaction of its own, and the step begins by asking the database what is left.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError

from tasks.feeds.batch import SourceTrouble

WAITS = [5.0, 20.0, 60.0]
"""Seconds before each further try: a database that restarts is back within them."""


def worth_another_try(task: Any, run: Any, state: Any) -> bool:
    """Whether a step failed because of a connection: nothing else gets better by waiting."""
    error = state.result(raise_on_failure=False)
    if isinstance(error, SourceTrouble):
        return error.far
    lost = isinstance(error, DBAPIError) and error.connection_invalidated
    return lost or isinstance(error, OperationalError | InterfaceError)
