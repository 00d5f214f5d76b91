"""What identifies an installation outside of its database: machine, folder, and a random key.

In the normal life of a site nothing of it changes so that it would count as a copy. The machine is
known by `/etc/machine-id`, which a new host name does not change. A container has no such identity
that outlives it, so its machine is unknown. A folder that is moved on its disk keeps its inode.
"""

from __future__ import annotations

import hashlib
import os
import socket
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

MARKER = "installation"
"""Name of the file with the key, in the folder of working files. It is no secret."""

_MACHINE_ID = Path("/etc/machine-id")
_IN_CONTAINERS = (Path("/.dockerenv"), Path("/run/.containerenv"))
_MOUNTS = Path("/proc/self/mounts")


@dataclass(frozen=True, slots=True)
class Location:
    """The place of an installation. `machine` is a hash, or empty if it is unknown.

    `folder` is the inode of the working files, as text.
    """

    machine: str
    host: str
    path: str
    folder: str


def here(var: Path) -> Location:
    """Return the location of these working files on this machine."""
    path = os.path.abspath(var)  # noqa: PTH100 - a symbolic link is not followed
    folder = str(var.stat().st_ino) if var.is_dir() else ""
    return Location(_machine(), socket.gethostname(), path, folder)


def read_key(var: Path) -> str:
    """Return the key of these working files; empty if they have none."""
    try:
        return (var / MARKER).read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return ""


def write_key(var: Path, key: str) -> None:
    """Store the key, readable also for the service's user if root writes it."""
    new = var / f"{MARKER}.new"
    new.write_text(f"{key}\n", encoding="ascii")
    new.chmod(0o644)
    new.replace(var / MARKER)


def _machine() -> str:
    """Return a hash of the machine's identity; empty in a container, and if there is none."""
    if _in_container():
        return ""
    try:
        identity = _MACHINE_ID.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return ""
    if len(identity) != 32:  # `uninitialized`, or an empty file of an image
        return ""
    return hashlib.sha256(f"tenggat {identity}".encode()).hexdigest()


def _in_container() -> bool:
    """Check for a container with files of an image, which a new version replaces."""
    if any(sign.exists() for sign in _IN_CONTAINERS) or "KUBERNETES_SERVICE_HOST" in os.environ:
        return True
    with suppress(OSError):
        for line in _MOUNTS.read_text(encoding="utf-8", errors="replace").splitlines():
            _, mounted, kind, *_ = line.split(" ")
            if mounted == "/" and kind == "overlay":
                return True
    return False
