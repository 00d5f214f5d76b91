"""The sender's mailbox on a real IMAP server, to which returned mail and answers come."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from conftest import wita

import support.servers.imap_servers


@pytest.fixture(scope="module")
def pymap() -> Iterator[support.servers.imap_servers.Server]:
    with support.servers.imap_servers.pymap() as server:
        yield server


@pytest.fixture(scope="module")
def dovecot() -> Iterator[support.servers.imap_servers.Server]:
    with support.servers.imap_servers.dovecot() as server:
        yield server


@pytest.fixture
def imap(database_url: str, request: pytest.FixtureRequest) -> support.servers.imap_servers.Server:
    """Dovecot beside SQLite and pymap beside PostgreSQL; only pymap where there is no Dovecot."""
    if database_url.startswith("sqlite") and support.servers.imap_servers.can_run_dovecot():
        return request.getfixturevalue("dovecot")
    return request.getfixturevalue("pymap")


class Box:
    """The sender's mailbox, new and empty."""

    def __init__(self, imap: support.servers.imap_servers.Server, name: str) -> None:
        self.imap, self.name = imap, name
        self.make_anew()

    def make_anew(self) -> None:
        """As when a mailbox is rebuilt: its mails are numbered anew."""
        with self.imap.client() as client:
            if client.folder_exists(self.name):
                client.delete_folder(self.name)
            client.create_folder(self.name)

    def gets(self, moment: str, *mails: bytes) -> None:
        self.imap.deliver(self.name, *((raw, wita(moment)) for raw in mails))

    def flags(self) -> set[bytes]:
        """Those of all its mails together; it has some mails."""
        with self.imap.client() as client:
            client.select_folder(self.name, readonly=True)
            found = client.fetch(client.search(), ["FLAGS"])
        assert found
        return {flag for mail in found.values() for flag in mail[b"FLAGS"]}


@pytest.fixture
def box(imap, request, monkeypatch, server) -> Box:
    """Where mail comes back to; the environment names it, and the mail server of the module."""
    box = Box(imap, f"Kembali {request.node.name}"[:40].replace("[", " ").replace("]", ""))
    monkeypatch.setenv("TENGGAT_BOUNCES_URL", imap.url(box.name))
    monkeypatch.setenv("TENGGAT_MAIL_URL", server.url())
    return box
