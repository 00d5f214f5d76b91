"""The mailbox for returned mails: open it, and check whether it can be read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from settings.site import Site
from tasks.sources.base import SourceError
from tasks.sources.imap.connection import LimitedClient, examined, explained, opened, way_by

NAME = "mail/bounces"
"""The name of this mailbox in error texts. The slash keeps it apart from configured sources,
because a mapping cannot have such a name.
"""


MOST_SECONDS = 60.0
"""Limit of time for reading the mailbox: our own mails wait until it is read. The next run reads
on."""


@dataclass(frozen=True, slots=True)
class _Access:
    """Access to the mailbox, from the settings of a site."""

    ca_file: str | None
    timeout_seconds: float
    most_seconds: float = MOST_SECONDS
    url_variable: str = "TENGGAT_BOUNCES_URL"
    ca_key: str = "[mail] bounces_ca_file"


def mailbox_trouble(site: Site, timeout: float) -> str:
    """Return the reason the mailbox cannot be read, or '' if it can.

    `timeout` is the time limit for each answer of the server, in seconds.
    """
    try:
        with mailbox_of(site, timeout):
            return ""
    except Exception as error:
        return error_text(error)


def error_text(error: Exception) -> str:
    """Return an error text.

    For an error other than :class:`SourceError` the text names only its type, because an answer
    of the server may quote a mail.
    """
    if isinstance(error, SourceError):
        return str(error)
    return f"{NAME}: the server's answer is not understood ({type(error).__name__})"


@contextmanager
def mailbox_of(
    site: Site, timeout: float | None = None
) -> Iterator[tuple[LimitedClient, int, int | None]]:
    """Open the mailbox read-only; yield the client, the UIDVALIDITY and the UID of the next
    mail.
    """
    mail = site.file.mail
    access = _Access(mail.bounces_ca_file, timeout or mail.timeout_seconds)
    way = way_by(site.bounces_url, NAME, access.url_variable)
    with explained(NAME, access), opened(site.folder, way, NAME, access) as client:
        yield client, *examined(client, way, NAME, access)
