"""The mailbox in which mails come back: how it is reached, and whether it can be read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from imapclient import IMAPClient

from settings import Site
from tasks.feeds.batch import SourceTrouble
from tasks.feeds.imap.server import examined, explained, opened, way_by

NAME = "mail/bounces"
"""What the mailbox is called among the sources; by the slash it is none that a mapping names."""


@dataclass(frozen=True, slots=True)
class _Access:
    """How the mailbox is reached, as a site says."""

    ca_file: str | None
    timeout_seconds: float
    url_variable: str = "TENGGAT_BOUNCES_URL"
    ca_key: str = "[mail] bounces_ca_file"


def mailbox_trouble(site: Site, timeout: float) -> str:
    """Why the mailbox cannot be read within so many seconds an answer; empty where it can."""
    try:
        with mailbox_of(site, timeout):
            return ""
    except Exception as error:
        return told(error)


def told(error: Exception) -> str:
    """What is wrong; of what a server may answer besides only its kind, for it may quote a mail."""
    if isinstance(error, SourceTrouble):
        return str(error)
    return f"{NAME}: the server's answer is not understood ({type(error).__name__})"


@contextmanager
def mailbox_of(
    site: Site, timeout: float | None = None
) -> Iterator[tuple[IMAPClient, int, int | None]]:
    """The mailbox, opened to look only; its UIDVALIDITY and the UID of the next mail."""
    mail = site.file.mail
    access = _Access(mail.bounces_ca_file, timeout or mail.timeout_seconds)
    way = way_by(site.bounces_url, NAME, access.url_variable)
    with explained(NAME, access), opened(site.folder, way, NAME, access) as client:
        yield client, *examined(client, way, NAME, access)
