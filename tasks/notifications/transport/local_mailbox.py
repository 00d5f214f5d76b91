"""The built-in mailbox: a real SMTP server on loopback that stores every mail as a file.

It serves the example site and trials: no mail leaves the machine.
"""

from __future__ import annotations

import asyncio
import email
import hashlib
import logging
import secrets
import ssl
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from email import policy
from pathlib import Path
from urllib.parse import quote

import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from db.private_dirs import make_private
from tasks.notifications.transport.smtp import ServerUnavailable, SmtpAddress

USER = "tenggat"

logging.getLogger("mail.log").setLevel(logging.ERROR)  # the server logs every login


class _FileHandler:
    """Writes each accepted mail to the folder, named by date, recipient and Message-ID."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        content = envelope.content or b""
        raw = content.encode() if isinstance(content, str) else content
        head = email.message_from_bytes(raw, policy=policy.default)
        sent = head["Date"].datetime.strftime("%Y-%m-%d_%H%M") if head["Date"] else "undated"
        mark = hashlib.sha256(str(head["Message-ID"]).encode()).hexdigest()[:8]
        for recipient in envelope.rcpt_tos:
            box = "".join(c if c.isalnum() or c in ".-@" else "_" for c in recipient)[:80]
            place = self.folder / f"{sent}_{box}_{mark}.eml"
            number = 1
            while place.exists():  # a second copy gets a number
                number += 1
                place = self.folder / f"{sent}_{box}_{mark}-{number}.eml"
            try:
                place.write_bytes(raw)
            except OSError as error:
                with suppress(OSError):
                    place.unlink(missing_ok=True)
                return f"452 4.3.1 The mailbox cannot keep it: {error.strerror}"
        return "250 OK, kept"


class _OnFreePort(Controller):
    """A controller that lets the system choose the port and then stores its number."""

    def _trigger_server(self) -> None:
        assert isinstance(self.server, asyncio.Server)
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()  # type: ignore[no-untyped-call]


@contextmanager
def local_mailbox(folder: Path, *, timeout: float = 30.0) -> Iterator[SmtpAddress]:
    """Run the mailbox for the duration of a block, with STARTTLS and a login.

    It listens on a free port of 127.0.0.1. Raises :class:`ServerUnavailable` if the folder cannot
    be made.
    """
    try:
        make_private(folder)
    except OSError as error:
        raise ServerUnavailable(f"the mailbox {folder} cannot be kept: {error.strerror}") from None
    password = secrets.token_urlsafe(24)
    authority = trustme.CA()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1", "localhost").configure_cert(context)

    def login(
        server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: object
    ) -> AuthResult:
        good = (
            isinstance(data, LoginPassword)
            and data.login == USER.encode()
            and secrets.compare_digest(data.password, password.encode())
        )
        return AuthResult(success=good, handled=False)  # the server sends its own answer

    controller = _OnFreePort(
        _FileHandler(folder),
        hostname="127.0.0.1",
        port=0,
        tls_context=context,
        require_starttls=True,
        auth_required=True,
        auth_require_tls=True,
        authenticator=login,
    )
    with tempfile.NamedTemporaryFile(suffix=".pem") as trusted:
        authority.cert_pem.write_to_path(trusted.name)
        controller.start()
        try:
            url = f"smtp://{USER}:{quote(password)}@127.0.0.1:{controller.port}"
            yield SmtpAddress(url, ca_file=trusted.name, timeout=timeout)
        finally:
            controller.stop()
