"""The user of the machine that the service works as."""

from __future__ import annotations

import os

from service.errors import ServiceError


def refuse_root(*, as_root: bool) -> None:
    """Raise :class:`service.errors.ServiceError` if this process has all rights of the machine.

    The service reads files and mails of strangers for years, and needs none of these rights.
    """
    if os.geteuid() == 0 and not as_root:
        raise ServiceError(
            "the service does not run as root; start it as a user of its own (docs/operations.md),"
            " or with --as-root"
        )
