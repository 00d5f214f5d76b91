"""The login of Prefect's server: made once at random, and shared by all parts of the service.

Prefect checks one login, `user:password`. It is taken from the environment if an administrator has
set it there, otherwise from a private file of the service.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from db.private_dirs import make_private
from service.errors import ServiceError

USER = "tenggat"
CLIENT = "PREFECT_API_AUTH_STRING"
SERVER = "PREFECT_SERVER_API_AUTH_STRING"
WATCH = "TENGGAT_WATCH_LOGIN"
"""Environment variable with a second login, which may read and answer the form of a storm."""

RANDOM_BYTES = 24


def login_file(var: Path) -> Path:
    """Return the file with the login of a service that has its own files in `var`."""
    return var / "prefect" / "login"


def given_login() -> str | None:
    """Return the login from the environment, or None if there is none."""
    return os.environ.get(SERVER) or os.environ.get(CLIENT) or None


def source_of_login(var: Path) -> str:
    """Describe where an administrator finds the login."""
    for name in (SERVER, CLIENT):
        if os.environ.get(name):
            return f"the environment variable {name}"
    return f"the file {login_file(var)}"


def make_login(var: Path) -> str:
    """Return the login for a server; without one in the environment or the file, make the file.

    Only the owner can read the file. Raises :class:`service.errors.ServiceError` if others can read
    an existing file, or if a login is not of the form `user:password`.
    """
    login = known_login(var)
    if login is None:
        file = login_file(var)
        make_private(file.parent)
        login = f"{USER}:{secrets.token_urlsafe(RANDOM_BYTES)}"
        half = file.with_suffix(f".{os.getpid()}")
        half.touch(mode=0o600, exist_ok=False)
        half.write_text(login + "\n", encoding="utf-8")
        try:
            os.link(half, file)  # unlike a rename it fails if another process was first
        except FileExistsError:
            return make_login(var)
        finally:
            half.unlink()
    return login


def watch_login(login: str) -> str | None:
    """Return the second login from the environment, or None.

    Raises :class:`service.errors.ServiceError` if it is not of the form `user:password`, or the
    same as `login`.
    """
    watch = os.environ.get(WATCH) or None
    if watch is not None and (not all(watch.partition(":")) or watch == login):
        raise ServiceError(f"{WATCH} must have the form user:password, and differ from the login")
    return watch


def known_login(var: Path) -> str | None:
    """Return the login from the environment or the file; None if neither has one."""
    file = login_file(var)
    login = given_login()
    if login is None and file.is_file():
        if file.stat().st_mode & 0o077:
            raise ServiceError(f"others can read the login in {file}; delete it and start again")
        login = file.read_text(encoding="utf-8").strip()
    if login is not None and not all(login.partition(":")):
        raise ServiceError(f"{SERVER} and {CLIENT} must have the form user:password")
    return login
