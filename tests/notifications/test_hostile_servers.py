"""Mail servers that never finish an answer: each conversation ends soon, with little memory."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep

import pytest

from tasks.common.limited_socket import OutOfTime, ReceiveLimit, TooMuchReceived, limited_socket
from tasks.monitoring import ping
from tasks.notifications.transport.smtp import Connection, ServerUnavailable, SmtpAddress
from tasks.sources.base import SourceError
from tasks.sources.imap.connection import examined, explained, opened, way_by

Talk = Callable[[socket.socket], None]


@contextmanager
def serving(talk: Talk) -> Iterator[int]:
    """A server on loopback that speaks so with the first who connects; gives its port."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            with suppress(OSError):
                connected, _ = listening.accept()
                with connected:
                    talk(connected)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listening.getsockname()[1]
    thread.join(5)
    assert not thread.is_alive()


def endless(line: bytes) -> Talk:
    def talk(connected: socket.socket) -> None:
        while True:
            connected.sendall(line * 1000)

    return talk


def dripping(text: bytes) -> Talk:
    def talk(connected: socket.socket) -> None:
        while True:
            for byte in text:
                connected.sendall(bytes([byte]))
                sleep(0.02)

    return talk


def after(*answers: bytes, then: Talk) -> Talk:
    """Greet, answer each line of the client, and then go wrong."""

    def talk(connected: socket.socket) -> None:
        connected.sendall(answers[0])
        file = connected.makefile("rb")
        for answer in answers[1:]:
            file.readline()
            connected.sendall(answer)
        file.readline()
        then(connected)

    return talk


@pytest.mark.parametrize(
    ("talk", "timeout", "why"),
    [
        (endless(b"220-hello\r\n"), 10, "longer than any right one"),
        (dripping(b"220-hello\r\n"), 0.1, "takes longer than 0.5 seconds"),
        (after(b"220 hello\r\n", then=endless(b"250-SIZE\r\n")), 10, "longer than any right one"),
        (
            after(b"220 hello\r\n", then=dripping(b"250-SIZE\r\n")),
            0.1,
            "takes longer than 0.5 seconds",
        ),
    ],
    ids=["endless", "dripping", "endless-ehlo", "dripping-ehlo"],
)
def test_an_endless_reply_of_a_mail_server_ends_the_connection(talk, timeout, why):
    with serving(talk) as port:
        address = SmtpAddress(f"smtp+plain://127.0.0.1:{port}", timeout=timeout)
        with Connection(address) as connection, pytest.raises(ServerUnavailable, match=why):
            connection.open()


@dataclass(frozen=True)
class Access:
    timeout_seconds: float = 0.1
    most_seconds: float = 0.5
    ca_file: str | None = None
    url_variable: str = "URL"
    ca_key: str = "ca_file"


GREETING, CAPABLE = b"* OK hello\r\n", b"* CAPABILITY IMAP4rev1\r\nTAG OK done\r\n"


def tagged(*, then: Talk) -> Talk:
    """An IMAP server that answers all commands up to SELECT, and then goes wrong."""

    def talk(connected: socket.socket) -> None:
        connected.sendall(GREETING)
        for line in connected.makefile("rb"):
            tag, command, *_ = line.split()
            if command.upper() in (b"SELECT", b"EXAMINE"):
                then(connected)
            connected.sendall(b"* CAPABILITY IMAP4rev1\r\n" + tag + b" OK done\r\n")

    return talk


@pytest.mark.parametrize(
    ("talk", "access", "why"),
    [
        (
            dripping(b"* OK hello"),
            Access(),
            "takes longer than 0.5 seconds; the next run continues",
        ),
        (tagged(then=dripping(b"* 1 EXISTS\r\n")), Access(), "takes longer than 0.5 seconds"),
        (
            tagged(then=endless(b"* OK " + b"x" * 9000 + b"\r\n")),
            Access(timeout_seconds=10, most_seconds=50),
            "sends more than it was asked for",
        ),
    ],
    ids=["dripping", "dripping-later", "endless"],
)
def test_an_endless_answer_of_a_mailbox_ends_the_connection(talk, access, why, tmp_path):
    with serving(talk) as port, pytest.raises(SourceError, match=why):
        read(tmp_path, port, access)


def read(folder: Path, port: int, access: Access) -> None:
    way = way_by(f"imap+plain://u:p@127.0.0.1:{port}/INBOX", "box", "URL")
    with explained("box", access), opened(folder, way, "box", access) as client:
        examined(client, way, "box", access)


def test_a_monitor_that_never_ends_its_answer_delays_nothing(monkeypatch):
    monkeypatch.setattr(ping, "LONGEST", 0.3)
    with serving(dripping(b"HTTP/1.1 200 OK\r\nX: ")) as port:
        began = monotonic()
        text = ping.ping(f"http://127.0.0.1:{port}/", well=True)
        assert text == "the monitor does not answer (ReadTimeout)"
        assert monotonic() - began < 5


def test_a_limited_socket_counts_bytes_and_seconds():
    ours, theirs = socket.socketpair()
    limit = ReceiveLimit(size=4, seconds=60)
    with limited_socket(ours, limit) as limited, theirs, limited.makefile("rb", 0) as file:
        theirs.sendall(b"abcdef")
        assert file.read(4) == b"abcd"
        with pytest.raises(TooMuchReceived):
            file.read(1)
        limit.renew(size=10)
        assert file.read(1) == b"f"
        limit.renew(size=10, seconds=0)
        with pytest.raises(OutOfTime):
            file.read(1)
