"""Real SMTP servers on loopback that misbehave as a test asks them to."""

from __future__ import annotations

import asyncio
import email
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email import policy
from email.message import EmailMessage
from pathlib import Path
from threading import Event, Thread
from typing import Any
from urllib.parse import quote

import trustme
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

DROP = "DROP"
"""As an answer: the connection is cut without one."""


@dataclass(frozen=True)
class Letter:
    """A mail as it arrived."""

    sender: str
    recipient: str
    raw: bytes
    greeted_as: str = ""

    @property
    def mail(self) -> EmailMessage:
        found = email.message_from_bytes(self.raw, policy=policy.default)
        assert isinstance(found, EmailMessage)
        return found

    @property
    def key(self) -> str:
        return str(self.mail["Message-ID"])


@dataclass
class Server:
    """What the server answers, and what it saw. Answers are used up in order; then it is well."""

    greeting: str = ""
    login: tuple[str, str] | None = None
    mail_answers: list[str] = field(default_factory=list)
    rcpt_answers: dict[str, str] = field(default_factory=dict)  # by recipient, for ever
    data_answers: list[str] = field(default_factory=list)
    always: str = ""  # after DATA, when `data_answers` are used up
    mails_per_connection: int = 0  # then 421
    hangs_up: bool = False  # after each mail, as if the line had been idle for too long

    port: int = 0
    connections: int = 0
    line_closed: Event = field(default_factory=Event)
    logins: list[tuple[str, str]] = field(default_factory=list)
    letters: list[Letter] = field(default_factory=list)
    lost: list[Letter] = field(default_factory=list)  # taken, but the client never heard of it

    def url(self, scheme: str = "smtp+plain") -> str:
        user, password = (quote(part, safe="") for part in self.login or ("", ""))
        place = f"127.0.0.1:{self.port}"
        return f"{scheme}://{user}:{password}@{place}" if self.login else f"{scheme}://{place}"

    # --- what aiosmtpd asks ---

    async def handle_MAIL(  # noqa: N802
        self, server: _Talk, session: Session, envelope: Envelope, address: str, options: Any
    ) -> str:
        if self.mails_per_connection and server.taken >= self.mails_per_connection:
            return await server.cut("421 4.7.0 Too many mails, good-bye")
        if self.mail_answers:
            return await server.answer(self.mail_answers.pop(0))
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(  # noqa: N802
        self, server: _Talk, session: Session, envelope: Envelope, address: str, options: Any
    ) -> str:
        if address in self.rcpt_answers:
            return await server.answer(self.rcpt_answers[address])
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: _Talk, session: Session, envelope: Envelope) -> str:  # noqa: N802
        raw = envelope.content
        assert isinstance(raw, bytes)
        letter = Letter(
            envelope.mail_from or "", envelope.rcpt_tos[0], raw, session.host_name or ""
        )
        reply = self.data_answers.pop(0) if self.data_answers else self.always
        if reply:
            self.lost += [letter] if reply == DROP else []
            return await server.answer(reply)
        server.taken += 1
        self.letters.append(letter)
        if self.hangs_up:
            return await server.cut("250 OK")
        return "250 OK"

    def check(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any
    ) -> AuthResult:
        assert isinstance(data, LoginPassword)
        given = (data.login.decode(), data.password.decode())
        self.logins.append(given)
        return AuthResult(success=given == self.login, handled=False)


class _Talk(SMTP):
    """One connection."""

    def __init__(self, script: Server, **more: Any) -> None:
        super().__init__(script, **more)
        self.script = script
        self.taken = 0
        self.greeted = False

    def connection_made(self, transport: Any) -> None:
        if self.transport is None:  # not again after STARTTLS
            self.script.connections += 1
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        super().connection_lost(error)
        self.loop.call_soon(self.script.line_closed.set)

    async def push(self, status: Any) -> None:
        if not self.greeted:
            self.greeted = True
            if self.script.greeting:
                await self.cut(self.script.greeting)
        with suppress(ConnectionError):
            await super().push(status)

    async def answer(self, reply: str) -> str:
        return await self.cut("") if reply == DROP else reply

    async def cut(self, last_word: str) -> str:
        """Close the connection, after a last word if there is one."""
        assert self.transport is not None
        if last_word:
            await super().push(last_word)
        self.transport.close()
        return last_word or "421 closed"


@contextmanager
def running(
    server: Server | None = None,
    *,
    starttls: ssl.SSLContext | None = None,
    implicit: ssl.SSLContext | None = None,
) -> Iterator[Server]:
    """Let a server listen on a free port of 127.0.0.1 while the block lasts."""
    script = server or Server()
    more: dict[str, Any] = {"tls_context": starttls, "hostname": "localhost"}
    if script.login:
        more |= {"authenticator": script.check, "auth_required": True}
        more["auth_require_tls"] = starttls is not None
    loop = asyncio.new_event_loop()
    thread = Thread(target=loop.run_forever, daemon=True)
    thread.start()

    async def begin() -> asyncio.Server:
        return await loop.create_server(
            lambda: _Talk(script, loop=loop, **more), "127.0.0.1", 0, ssl=implicit
        )

    async def end() -> None:
        listening.close()
        tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    listening = asyncio.run_coroutine_threadsafe(begin(), loop).result(10)
    script.port = listening.sockets[0].getsockname()[1]
    try:
        yield script
    finally:
        asyncio.run_coroutine_threadsafe(end(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


def certificate(authority: trustme.CA, *names: str, **more: Any) -> ssl.SSLContext:
    """A server's TLS context with a certificate for these names; for 127.0.0.1 if none."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(*(names or ("127.0.0.1",)), **more).configure_cert(context)
    return context


def trusted(authority: trustme.CA, folder: Path) -> str:
    """The path of a file with the certificate of an authority."""
    path = folder / "authority.pem"
    authority.cert_pem.write_to_path(str(path))
    return str(path)
