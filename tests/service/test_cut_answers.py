"""A Prefect server that is killed in the middle of an answer."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread

import pytest

from service.errors import Rejected, ServiceError
from service.prefect_api import ask, healthy

WHOLE = b'HTTP/1.1 200 OK\r\nContent-Length: 15\r\n\r\n{"count": 12345'
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n0"
BUSY = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 6\r\n\r\nlocked"
REFUSED = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 6\r\n\r\nnobody"


@contextmanager
def answering(answer: bytes) -> Iterator[str]:
    """Answer every request with these bytes, and close the connection; yields the API's URL."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            while True:
                try:
                    client, _ = listening.accept()
                except OSError:
                    return
                with client:
                    client.recv(65_536)
                    client.sendall(answer)

        server = Thread(target=serve, daemon=True)
        server.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/api"
        listening.shutdown(socket.SHUT_RDWR)
        server.join(10)


@pytest.mark.parametrize("whole", [WHOLE, CHUNKED, BUSY, REFUSED], ids=repr)
def test_an_answer_cut_off_at_any_byte_is_no_answer(whole):
    """Any error but a `ServiceError` would end the service that restarts this server."""
    for length in range(0, len(whole), 9):
        with answering(whole[:length]) as api:
            for body in (None, {}):
                with pytest.raises(ServiceError):
                    ask(f"{api}/flows/count", body, patience=0)
            assert not healthy(api)


def test_a_refusal_keeps_its_reason():
    with answering(REFUSED) as api, pytest.raises(Rejected, match="answers 403: nobody") as refused:
        ask(f"{api}/flows/count", patience=0)
    assert refused.value.code == 403
