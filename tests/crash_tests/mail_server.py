"""The mail server of a run: what it keeps is the truth, whatever its clients think of it."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from aiosmtpd.smtp import Envelope, Session
from support.servers.smtp_servers import Letter, Server, _Talk, running

from crash_tests.model import SILENCE, Fault, Weather


@dataclass(frozen=True)
class Kept:
    """A mail in the mailbox: its number, who brought it, and whether the server said so."""

    number: int
    process: str
    letter: Letter


@dataclass
class Post(Server):
    """A server that does in each step what the weather of the step says."""

    weather: Weather = field(default_factory=Weather)
    mails: int = 0  # begun in this step
    mailbox: list[Kept] = field(default_factory=list)
    faults_met: list[Fault] = field(default_factory=list)

    def turn(self, weather: Weather) -> None:
        """Begin a step."""
        self.weather, self.mails = weather, 0
        self.greeting = weather.greeting
        self.mails_per_connection, self.hangs_up = weather.mails_per_connection, weather.hangs_up

    async def handle_MAIL(  # noqa: N802
        self, server: _Talk, session: Session, envelope: Envelope, address: str, options: Any
    ) -> str:
        self.mails += 1
        envelope.number = self.mails
        fault = self._fault("MAIL", envelope)
        if fault is not None:
            return await self._misbehave(server, fault)
        return await super().handle_MAIL(server, session, envelope, address, options)

    async def handle_RCPT(  # noqa: N802
        self, server: _Talk, session: Session, envelope: Envelope, address: str, options: Any
    ) -> str:
        fault = self._fault("RCPT", envelope)
        if fault is not None:
            return await self._misbehave(server, fault)
        if address in self.weather.gone:
            return "550 5.1.1 No such user here"
        if address in self.weather.busy:
            return "450 4.2.1 This mailbox is busy"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: _Talk, session: Session, envelope: Envelope) -> str:  # noqa: N802
        fault = self._fault("DATA", envelope)
        if fault is None or fault.keeps:
            assert isinstance(envelope.content, bytes)
            letter = Letter(envelope.mail_from or "", envelope.rcpt_tos[0], envelope.content)
            number = len(self.mailbox) + 1
            self.mailbox.append(Kept(number, session.host_name or "", letter))
        if fault is not None:
            return await self._misbehave(server, fault)
        server.taken += 1
        yes = f"250 2.0.0 OK, kept as {number}"
        return await server.cut(yes) if self.hangs_up else yes

    def _fault(self, stage: str, envelope: Envelope) -> Fault | None:
        fault = self.weather.faults.get(envelope.number)
        return fault if fault is not None and fault.stage == stage else None

    async def _misbehave(self, server: _Talk, fault: Fault) -> str:
        self.faults_met.append(fault)
        if fault.answer == SILENCE:
            await asyncio.get_running_loop().create_future()  # ends with the connection
        if fault.answer.startswith("421"):
            return await server.cut(fault.answer)
        return await server.answer(fault.answer)


@dataclass(frozen=True)
class PostOffice:
    """The server, and two addresses at which there is none: one refuses, one never speaks."""

    post: Post
    urls: dict[str, str]

    def url(self) -> str:
        """Where a process finds the mail server in the present weather."""
        return self.urls[self.post.weather.way]


@contextmanager
def post_office() -> Iterator[PostOffice]:
    """Run the server while the block lasts."""
    with socket.socket() as closed, socket.socket() as mute, running(Post()) as server:
        assert isinstance(server, Post)
        closed.bind(("127.0.0.1", 0))
        mute.bind(("127.0.0.1", 0))
        mute.listen(64)
        places = {name: s.getsockname()[1] for name, s in (("down", closed), ("mute", mute))}
        urls = {name: f"smtp+plain://127.0.0.1:{port}" for name, port in places.items()}
        yield PostOffice(server, urls | {"up": server.url()})
