"""Proxies of the environment: what they are for, and what never goes through them.

That a whole service runs beside a dead proxy is tested with `neighbours` in `tests/service`.
"""

import pytest

from service.environment import prefect_environment
from settings.proxies import IGNORED, Proxy, ignored, prepare, proxy_for, without_proxy

API = "http://server.contoh.go.id:4200/api"
THIS_MACHINE = "localhost,127.0.0.1,::1"


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy", IGNORED.lower()):
        for each in (name, name.upper()):
            monkeypatch.setenv(each, "")  # what a test itself removes comes back, too
            monkeypatch.delenv(each)


@pytest.mark.parametrize(
    ("given", "api", "expected"),
    [
        ({}, API, None),
        ({"NO_PROXY": "a.id"}, API, None),
        ({"HTTP_PROXY": "http://p:3128"}, None, THIS_MACHINE),
        ({"https_proxy": "http://p:3128"}, API, f"{THIS_MACHINE},server.contoh.go.id"),
        ({"ALL_PROXY": "p", "NO_PROXY": "a.id, ::1"}, None, "a.id,::1,localhost,127.0.0.1"),
        ({"ALL_PROXY": "p", "no_proxy": "a.id", "NO_PROXY": "b.id"}, None, f"a.id,{THIS_MACHINE}"),
        ({"ALL_PROXY": "p", "NO_PROXY": "*"}, API, "*"),
    ],
)
def test_this_machine_and_the_api_are_asked_without_a_proxy(given, api, expected):
    assert without_proxy(given, api) == (
        {} if expected is None else {"no_proxy": expected, "NO_PROXY": expected}
    )


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://lapor.go.id/api", Proxy("p.go.id", 3128, "HTTPS_PROXY")),
        ("http://lapor.go.id/api", Proxy("rahasia.go.id", 80, "HTTP_PROXY")),
        ("ftp://lapor.go.id/", Proxy("all.go.id", 8080, "ALL_PROXY")),
        ("https://direct.go.id/", None),
        ("http://127.0.0.1:8000/", None),
        ("http://[::1]:8000/", None),
    ],
)
def test_a_request_to_outside_uses_its_proxy(monkeypatch, url, expected):
    monkeypatch.setenv("HTTPS_PROXY", "p.go.id:3128")
    monkeypatch.setenv("http_proxy", "http://user:sandi@rahasia.go.id/")
    monkeypatch.setenv("ALL_PROXY", "http://all.go.id:8080")
    direct = without_proxy({"HTTPS_PROXY": "p", "NO_PROXY": "direct.go.id"})
    monkeypatch.setenv("NO_PROXY", direct["NO_PROXY"])
    assert proxy_for(url) == expected


@pytest.mark.parametrize(
    "value", ["socks5://p:1080", "socks://p:1080/", "http://", "http://p:port", "http://[p"]
)
def test_a_proxy_that_cannot_be_used_is_removed_and_named(monkeypatch, value):
    environment = {"all_proxy": value, "HTTPS_PROXY": "http://p:3128"}
    prepare(environment)
    direct = {"no_proxy": THIS_MACHINE, "NO_PROXY": THIS_MACHINE}
    assert environment == {"HTTPS_PROXY": "http://p:3128", IGNORED: "ALL_PROXY", **direct}
    prepare(environment)  # a process that this one has started
    monkeypatch.setenv(IGNORED, environment[IGNORED])
    assert ignored() == ["ALL_PROXY"]


def test_prefect_needs_neither_the_proxy_nor_room_in_the_temporary_folder(tmp_path, monkeypatch):
    assert "NO_PROXY" not in prefect_environment(tmp_path, API)
    monkeypatch.setenv("HTTP_PROXY", "http://p:3128")
    environment = prefect_environment(tmp_path, API)
    assert environment["NO_PROXY"] == f"{THIS_MACHINE},server.contoh.go.id"
    assert environment["SQLITE_TMPDIR"] == str(tmp_path / "prefect")
