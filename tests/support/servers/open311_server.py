"""An Open311 server on loopback for tests: it answers from a list of requests, or as it is told."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from xml.sax.saxutils import escape

Request = dict[str, Any]
Answer = tuple[int, dict[str, str], bytes]
Trick = Callable[["GeoServer", BaseHTTPRequestHandler], Answer | None]
"""What the server does instead of answering; None where it wrote to the connection itself."""


class GeoServer:
    """A city's server. `asked` are the questions it got, `tricks` what it does first, one each."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.asked: list[dict[str, str]] = []
        self.paths: list[str] = []
        self.tricks: list[Trick] = []
        self.pages = True
        self.most = 1_000_000
        self.updates_by: str | None = None
        self.url = ""
        self.released = threading.Event()

    def answer(self, path: str, asked: dict[str, str]) -> Answer:
        """What a well-behaved server answers."""
        if not path.startswith("/v2/requests."):
            return 404, {"Content-Type": "text/html"}, b"<html><body>Not found</body></html>"
        found = [request for request in self.requests if self._fits(request, asked)]
        found.sort(key=lambda request: request["requested_datetime"] or "", reverse=True)
        size = min(int(asked["page_size"]), self.most) if self.pages else self.most
        first = (int(asked["page"]) - 1) * size if self.pages else 0
        return reply(found[first : first + size], xml=path.endswith(".xml"))

    def _fits(self, request: Request, asked: dict[str, str]) -> bool:
        if self.updates_by in asked:
            changed = request["updated_datetime"]
            return bool(changed) and moment(changed) >= moment(asked[self.updates_by])
        if "start_date" not in asked:
            return True
        received = moment(request["requested_datetime"])
        return moment(asked["start_date"]) <= received <= moment(asked["end_date"])


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def reply(found: Any, *, xml: bool = False) -> Answer:
    """An answer with these requests."""
    if not xml:
        return 200, {"Content-Type": "application/json"}, json.dumps(found).encode()
    rows = "".join(
        f"<request>{''.join(_element(name, value) for name, value in each.items())}</request>"
        for each in found
    )
    text = f'<?xml version="1.0" encoding="utf-8"?><service_requests>{rows}</service_requests>'
    return 200, {"Content-Type": "text/xml; charset=utf-8"}, text.encode()


def _element(name: str, value: Any) -> str:
    return f"<{name}/>" if value is None else f"<{name}>{escape(str(value))}</{name}>"


def raw(body: bytes, kind: str = "application/json", status: int = 200, **more: str) -> Trick:
    """An answer as it stands."""
    headers = {"Content-Type": kind} | {key.replace("_", "-"): more[key] for key in more}
    return lambda server, handler: (status, headers, body)


def silent(server: GeoServer, handler: BaseHTTPRequestHandler) -> None:
    """No answer until the test is over."""
    server.released.wait(30)


def cut(server: GeoServer, handler: BaseHTTPRequestHandler) -> None:
    """An answer that ends before it is whole."""
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b'[{"service_request_id"')


def dripping(server: GeoServer, handler: BaseHTTPRequestHandler) -> None:
    """Headers that arrive byte by byte, for as long as somebody listens."""
    try:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Long: ")
        while not server.released.wait(0.02):
            handler.wfile.write(b"x")
    except OSError:
        pass


def endless(server: GeoServer, handler: BaseHTTPRequestHandler) -> None:
    """An answer that goes on for as long as somebody listens."""
    handler.send_response(200)
    handler.end_headers()
    try:
        while not server.released.is_set():
            handler.wfile.write(b" " * 65536)
    except OSError:
        pass


@contextmanager
def serving(tls: ssl.SSLContext | None = None) -> Iterator[GeoServer]:
    """A server on a free port."""
    city = GeoServer()

    class Handler(BaseHTTPRequestHandler):
        timeout = 30

        def do_GET(self) -> None:
            place = urlsplit(self.path)
            asked = dict(parse_qsl(place.query))
            city.asked.append(asked)
            city.paths.append(place.path)
            trick = city.tricks.pop(0) if city.tricks else None
            answer = trick(city, self) if trick else city.answer(place.path, asked)
            if answer is None:
                return
            status, headers, body = answer
            self.send_response_only(status)  # without a date of today
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

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
    scheme = "http" if tls is None else "https"
    city.url = f"{scheme}://127.0.0.1:{server.server_address[1]}/v2"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield city
    finally:
        city.released.set()
        server.shutdown()
        server.server_close()
        thread.join(10)
