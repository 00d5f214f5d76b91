"""What the machine must allow before the service starts: its user, and room for working files."""

from __future__ import annotations

import errno
import os
import tempfile
from pathlib import Path

from db.private_dirs import make_private
from service.errors import ServiceError

NEEDED_BYTES = 16 << 20
"""The bytes that a service needs at least for its logs and Prefect's database."""


def refuse_root(*, as_root: bool) -> None:
    """Raise :class:`service.errors.ServiceError` if this process has all rights of the machine.

    The service reads files and mails of strangers for years, and needs none of these rights.
    """
    if os.geteuid() == 0 and not as_root:
        raise ServiceError(
            "the service does not run as root; start it as a user of its own (docs/operations.md),"
            " or with --as-root"
        )


def check_disk(folder: Path) -> None:
    """Raise :class:`ServiceError` with the remedy if nothing can be written to a folder.

    The folder is made if it is not there. Without this check the parts of a service end one after
    another, or wait, and none of them can write the reason to its log.
    """
    try:
        make_private(folder)
        with tempfile.TemporaryFile(dir=folder) as file:
            os.posix_fallocate(file.fileno(), 0, NEEDED_BYTES)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise ServiceError(f"the disk of {folder} is full; make room on it") from None
        if error.errno == errno.EROFS:
            raise ServiceError(
                f"the disk of {folder} can only be read; look whether it is damaged, then mount it"
                " for writing"
            ) from None
        raise
