"""Errors that say by their class whether another try may help, and unexpected errors in words."""

from __future__ import annotations

import traceback
from pathlib import Path

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError

from db.engine import NotReady

ROOT = Path(__file__).parent.parent.parent


class TransientError(Exception):
    """Something could not be reached now; the same step may succeed later."""


def is_lost_database(error: object) -> bool:
    """Check whether our own database could not be reached or used."""
    lost = isinstance(error, DBAPIError) and error.connection_invalidated
    return lost or isinstance(error, OperationalError | InterfaceError)


def is_unusable_database(error: object) -> bool:
    """Check whether our own database is lost, damaged or not ready."""
    return is_lost_database(error) or isinstance(error, NotReady)


def stops_every_source(error: object) -> bool:
    """Check whether an error concerns our own database or a server, and not one file or row."""
    return is_unusable_database(error) or isinstance(error, TransientError)


def place_of(error: BaseException) -> str:
    """Return the class of an unexpected error and its place in the code, without its text.

    The text of an error may quote the data that caused it.
    """
    place = ""
    for frame, line in traceback.walk_tb(error.__traceback__):
        path = Path(frame.f_code.co_filename)
        if ROOT in path.parents and "site-packages" not in path.parts:
            place = f" at {path.name}:{line}"  # the last one is nearest to the fault
    return f"{type(error).__name__}{place}"
