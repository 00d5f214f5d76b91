"""What a worker on a separate machine says about the server that it does not reach."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from test_cut_answers import answering

from service import worker
from service.gateway import UNKNOWN_HOST
from service.prefect_api import Contact, contact
from tasks.text.translation import translated


def answer(status: str, body: str) -> bytes:
    """Return the answer of a server to every request."""
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()


ANSWERS = [
    (answer("401 Unauthorized", '{"exception_message":"Unauthorized"}'), Contact.LOGIN_REFUSED),
    (answer("403 Forbidden", '{"detail":"Missing CSRF token."}'), Contact.NO_API),
    (answer("403 Forbidden", f'{{"detail":"{UNKNOWN_HOST}"}}'), Contact.NAME_REFUSED),
    (answer("404 Not Found", '{"detail":"Not Found"}'), Contact.NO_API),
    (answer("200 OK", "<html></html>"), Contact.NO_API),
    (answer("503 Service Unavailable", "locked"), Contact.AWAY),
    (answer("429 Too Many Requests", "later"), Contact.AWAY),
]


@pytest.mark.parametrize(("said", "found"), ANSWERS)
def test_an_answer_shows_whether_login_or_address_are_wrong(said, found):
    with answering(said) as api:
        assert contact(api) is found


def test_a_server_that_is_away():
    with answering(b"") as api:
        pass
    assert contact(api) is Contact.AWAY


@pytest.mark.parametrize(
    ("found", "api", "id_says"),
    [
        (
            Contact.LOGIN_REFUSED,
            "http://10.0.0.1:4200/api",
            "server di http://10.0.0.1:4200/api menolak kata masuk; perbaiki"
            " PREFECT_API_AUTH_STRING",
        ),
        (
            Contact.NO_API,
            "http://10.0.0.1:4200",
            "jawaban di http://10.0.0.1:4200 bukan dari API Prefect; alamat harus berakhir dengan"
            " /api; perbaiki PREFECT_API_URL",
        ),
        (
            Contact.NO_API,
            "http://10.0.0.1/api",
            "jawaban di http://10.0.0.1/api bukan dari API Prefect; perbaiki PREFECT_API_URL",
        ),
        (
            Contact.NAME_REFUSED,
            "http://desk:4200/api",
            "server tidak mengenal alamatnya sendiri http://desk:4200/api; tulis nama hosnya dalam"
            " TENGGAT_HOSTS di server itu",
        ),
        (Contact.AWAY, "http://10.0.0.1/api", "menunggu server di http://10.0.0.1/api"),
        (Contact.WELL, "http://10.0.0.1/api", "bekerja untuk server di http://10.0.0.1/api"),
    ],
)
def test_a_worker_says_what_to_correct(found, api, id_says):
    assert translated(worker.server_line(found, api), "id") == id_says


def test_a_worker_is_not_started_and_says_each_reason_once(monkeypatch):
    found = iter([Contact.AWAY, Contact.LOGIN_REFUSED, Contact.LOGIN_REFUSED, Contact.WELL])
    said, started = [], []
    monkeypatch.setattr(worker, "contact", lambda api: next(found))
    monkeypatch.setattr(worker, "LOOK_SECONDS", 0.0)
    monkeypatch.setattr(
        worker, "time", SimpleNamespace(monotonic=lambda: 0.0, sleep=lambda seconds: None)
    )
    part = SimpleNamespace(child=None, tend=lambda: started.append(len(said)))
    with pytest.raises(StopIteration):
        worker._tend(part, "http://10.0.0.1/api", said.append)
    assert [line.split()[0] for line in said] == ["waiting", "the", "working"]
    assert started == [3]
