"""A real provider of access tokens on loopback that answers as a test asks it to."""

from __future__ import annotations

import json
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any
from urllib.parse import parse_qsl

Trick = Callable[["Provider", BaseHTTPRequestHandler], None]


@dataclass
class Provider:
    """Gives a token to whoever shows the right refresh token; `tricks` are used up first."""

    client_id: str = "tenggat-client"
    client_secret: str | None = "s3cret+of/the client"
    refresh_token: str = "1//r3fresh-of-the-mailbox"
    expires_in: object = 3600
    renews: bool = False  # each answer bears a new refresh token; the one before is void
    tricks: list[Trick] = field(default_factory=list)

    url: str = ""
    asked: list[dict[str, str]] = field(default_factory=list)
    given: list[str] = field(default_factory=list)  # access tokens
    released: Event = field(default_factory=Event)

    def answer(self, form: dict[str, str]) -> tuple[int, dict[str, Any]]:
        """Status and JSON, as RFC 6749 has them."""
        if form.get("grant_type") != "refresh_token":
            return 400, {"error": "unsupported_grant_type"}
        if (form.get("client_id"), form.get("client_secret")) != (
            self.client_id,
            self.client_secret,
        ):
            return 401, {"error": "invalid_client", "error_description": f"not {form}"}
        if form.get("refresh_token") != self.refresh_token:
            return 400, {"error": "invalid_grant", "error_description": f"not {form}"}
        # a real one has some 200 characters
        self.given.append(f"ya29.{len(self.given)}" + "access" * 32)
        told: dict[str, Any] = {"access_token": self.given[-1], "token_type": "Bearer"}
        if self.expires_in is not None:
            told["expires_in"] = self.expires_in
        if self.renews:
            self.refresh_token = f"1//r3newed-{len(self.given)}"
            told["refresh_token"] = self.refresh_token
        return 200, told


def raw(status: int, body: bytes | dict[str, Any], **headers: str) -> Trick:
    """An answer of these bytes, or of this JSON."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()

    def trick(provider: Provider, handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in {"Content-Length": str(len(data)), **headers}.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(data)

    return trick


def hangs(provider: Provider, handler: BaseHTTPRequestHandler) -> None:
    """No answer at all."""
    provider.released.wait(30)


def drips(provider: Provider, handler: BaseHTTPRequestHandler) -> None:
    """An answer that comes byte by byte and never ends."""
    handler.send_response(200)
    handler.end_headers()
    while not provider.released.wait(0.02):
        handler.wfile.write(b" ")
        handler.wfile.flush()


@contextmanager
def giving(
    provider: Provider | None = None, tls: ssl.SSLContext | None = None
) -> Iterator[Provider]:
    """Let a provider answer on a free port of 127.0.0.1 while the block lasts."""
    who = provider or Provider()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode("ascii")
            form = dict(parse_qsl(body, strict_parsing=True))
            who.asked.append(form)
            trick = who.tricks.pop(0) if who.tricks else raw(*who.answer(form))
            trick(who, self)

        def log_message(self, *_: Any) -> None:
            pass

    class Quiet(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: Any) -> None:
            pass  # a client that goes away is what some tests are about

    server = Quiet(("127.0.0.1", 0), Handler)
    if tls is not None:
        server.socket = tls.wrap_socket(
            server.socket, server_side=True, do_handshake_on_connect=False
        )
    who.url = f"{'https' if tls else 'http'}://127.0.0.1:{server.server_address[1]}/token"
    thread = Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield who
    finally:
        who.released.set()
        server.shutdown()
        server.server_close()
        thread.join(10)
