"""Login by OAuth2: the file, the provider of tokens, and a mail server that takes them."""

from __future__ import annotations

import base64
import binascii
import json
import logging
import os
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import trustme
from aiosmtpd.smtp import SMTP, AuthResult
from support.outgoing_mail.plain_mail import mail
from support.servers.smtp_servers import Server, certificate, running, trusted
from support.servers.token_server import Provider, drips, giving, hangs, raw

from tasks.notifications.transport.oauth2_file import GOOGLE, NoToken, open_to_all, read_grant
from tasks.notifications.transport.smtp import (
    Connection,
    ServerUnavailable,
    SmtpAddress,
    TemporaryFailure,
)

SENDER, LIAISON = "tenggat@contohkab.example", "penghubung.dinsos@contohkab.example"
NOW = "2026-11-24T08:00"
MAILBOX = "tenggat=lapor@contohkab.example"  # '=' also parts the login's own words

pytestmark = pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")


@dataclass
class TokenServer(Server):
    """A mail server that knows XOAUTH2: a refusal is a question first, then 535."""

    login: tuple[str, str] | None = (MAILBOX, "")
    takes: Callable[[str], bool] = lambda token: True
    question: bytes = base64.b64encode(b'{"status":"400","schemes":"Bearer","scope":"mail"}')
    refusal: str = "535 5.7.8 Username and Password not accepted"
    shown: list[tuple[str, str]] = field(default_factory=list)  # user and token of each login
    encrypted: list[bool] = field(default_factory=list)
    after_question: list[bytes] = field(default_factory=list)

    async def auth_XOAUTH2(self, server: SMTP, args: list[str]) -> AuthResult:  # noqa: N802
        words = base64.b64decode(args[1], validate=True).decode("ascii").split("\x01")
        assert [len(words), words[2:]] == [4, ["", ""]]
        user, token = words[0].removeprefix("user="), words[1].removeprefix("auth=Bearer ")
        assert [f"user={user}", f"auth=Bearer {token}"] == words[:2]
        self.shown.append((user, token))
        self.encrypted.append(server.transport.get_extra_info("ssl_object") is not None)
        if self.login and user == self.login[0] and self.takes(token):
            return AuthResult(success=True)
        if self.question:
            answer = await server.challenge_auth(self.question, encode_to_b64=False)
            assert isinstance(answer, bytes)
            self.after_question.append(answer)
        await server.push(self.refusal.format(login=args[1], token=token))
        return AuthResult(success=False, handled=True)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def ca_file(authority: trustme.CA, tmp_path: Path) -> str:
    return trusted(authority, tmp_path)


@pytest.fixture
def provider() -> Iterator[Provider]:
    with giving() as provider:
        yield provider


@pytest.fixture
def write(provider: Provider, tmp_path: Path) -> Callable[..., Path]:
    """Writes an OAuth2 file that is right for the provider, but for what a test says."""

    def write(**other: object) -> Path:
        file = tmp_path / "oauth2.json"
        known = {
            "client_id": provider.client_id,
            "client_secret": provider.client_secret,
            "refresh_token": provider.refresh_token,
            "token_url": provider.url,
        }
        said = {name: value for name, value in (known | other).items() if value is not None}
        file.write_text(json.dumps(said), encoding="utf-8")
        file.chmod(0o600)
        return file

    return write


@pytest.fixture
def server(authority: trustme.CA) -> Iterator[TokenServer]:
    with running(TokenServer(), starttls=certificate(authority)) as server:
        assert isinstance(server, TokenServer)
        yield server


@pytest.fixture
def way(server: TokenServer, ca_file: str) -> Callable[..., SmtpAddress]:
    def way(file: Path, user: str = MAILBOX, timeout: float = 10.0) -> SmtpAddress:
        who = f"{user.replace('@', '%40')}@" if user else ""
        return SmtpAddress(
            f"smtp://{who}127.0.0.1:{server.port}",
            ca_file=ca_file,
            timeout=timeout,
            oauth2_file=file,
        )

    return way


def trouble(way: SmtpAddress, *secrets: str) -> str:
    """What the administrator reads when no mail can go; no secret is in it."""
    with pytest.raises(ServerUnavailable) as error, Connection(way) as connection:
        connection.send(SENDER, LIAISON, mail())
    said = str(error.value)
    assert [secret for secret in secrets if secret in said] == []
    return said


# --- it works -------------------------------------------------------------------------------------


def test_a_mail_goes_by_a_token_over_an_encrypted_line(way, write, server, provider):
    with Connection(way(write(scope="https://mail.example/SMTP.Send"))) as connection:
        assert connection.send(SENDER, LIAISON, mail()) == "OK"
    assert provider.asked == [
        {
            "grant_type": "refresh_token",
            "client_id": provider.client_id,
            "client_secret": provider.client_secret,
            "refresh_token": provider.refresh_token,
            "scope": "https://mail.example/SMTP.Send",
        }
    ]
    assert (server.shown, server.encrypted) == ([(MAILBOX, provider.given[0])], [True])
    assert [letter.recipient for letter in server.letters] == [LIAISON]


def test_also_where_the_line_is_encrypted_from_the_first_byte(authority, ca_file, write, provider):
    with running(TokenServer(), implicit=certificate(authority)) as server:
        url = f"smtps://{MAILBOX.replace('@', '%40')}@127.0.0.1:{server.port}"
        with Connection(SmtpAddress(url, ca_file=ca_file, oauth2_file=write())) as connection:
            assert connection.send(SENDER, LIAISON, mail()) == "OK"
        assert server.encrypted == [True]


def test_a_file_of_yagmails_own_is_understood_and_names_the_mailbox(way, write, server, provider):
    file = write()
    said = json.loads(file.read_text("utf-8"))
    url = said.pop("token_url")
    yagmails = {f"google_{name}": value for name, value in said.items()}
    file.write_text(json.dumps({"email_address": MAILBOX, **yagmails}), encoding="utf-8")
    assert (read_grant(file).token_url, read_grant(file).email_address) == (GOOGLE, MAILBOX)
    file.write_text(json.dumps({"email_address": MAILBOX, "token_url": url, **yagmails}))
    with Connection(way(file, user="")) as connection:
        connection.open()
    assert server.shown == [(MAILBOX, provider.given[0])]


def test_a_client_without_a_secret_sends_none(way, write, server, provider):
    provider.client_secret = None
    with Connection(way(write())) as connection:
        connection.open()
    assert "client_secret" not in provider.asked[0]
    assert len(server.shown) == 1


def test_a_provider_is_known_by_its_certificate(way, write, server, authority, ca_file):
    with giving(tls=certificate(authority)) as safe:
        with Connection(way(write(token_url=safe.url))) as connection:
            connection.open()
        assert server.shown == [(MAILBOX, safe.given[0])]
    with giving(tls=certificate(trustme.CA())) as stranger:
        said = trouble(way(write(token_url=stranger.url)))
        assert "127.0.0.1 cannot be asked for an access token" in said
        assert "certificate verify failed" in said
        assert stranger.asked == []


def test_no_proxy_sees_what_goes_unencrypted_to_loopback(way, write, monkeypatch, provider):
    with giving() as proxy:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url.removesuffix("/token"))
        with Connection(way(write())) as connection:
            connection.open()
        assert (len(provider.asked), proxy.asked) == (1, [])


# --- one batch ------------------------------------------------------------------------------------


class Clock:
    """A clock that a test sets."""

    seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


def test_a_token_serves_a_batch_and_is_renewed_when_it_ends(way, write, server, provider):
    clock = Clock()
    server.mails_per_connection = 1
    with Connection(way(write()), clock) as connection:

        def reopened(seconds: float) -> int:
            """Which token, counted from 1, a new connection is opened with at this time."""
            clock.seconds = 1000.0 + seconds
            connection.send(SENDER, LIAISON, mail())
            with pytest.raises(TemporaryFailure, match="421"):
                connection.send(SENDER, LIAISON, mail())
            return len(provider.given)

        assert [reopened(at) for at in (0, 1, 3539, 3540, 3600)] == [1, 1, 1, 2, 2]
    tokens = [provider.given[number] for number in (0, 0, 0, 1, 1)]
    assert server.shown == [(MAILBOX, token) for token in tokens]


@pytest.mark.parametrize(
    ("told", "asked"),
    [
        ("3600", 1),
        (None, 2),
        ("soon", 2),
        (True, 2),
        (-5, 2),
        (float("nan"), 2),
        ([3600], 2),
        (10**400, 2),
    ],
)
def test_a_token_whose_end_is_unknown_serves_one_login(way, write, provider, told, asked):
    provider.expires_in = told
    with Connection(way(write()), Clock()) as connection:
        connection.open()
        connection.close()
        connection.open()
    assert len(provider.asked) == asked


def test_the_next_batch_reads_a_corrected_file(way, write, provider):
    file = write(refresh_token="1//old")
    assert "authorize the mailbox again" in trouble(way(file))
    write()
    with Connection(way(file)) as connection:
        connection.open()


@pytest.mark.parametrize("prefix", ["", "google_"])
def test_a_renewed_refresh_token_is_kept_in_the_file(way, write, provider, prefix):
    provider.renews = True
    file = write(scope="mail")
    said = json.loads(file.read_text("utf-8"))
    said[f"{prefix}refresh_token"] = said.pop("refresh_token")
    file.write_text(json.dumps(said), encoding="utf-8")
    file.chmod(0o640)
    if os.geteuid() == 0:  # what root renews must stay the service's
        os.chown(file, 4321, 4321)
    owner = (file.stat().st_uid, file.stat().st_gid)
    link = file.with_name("linked.json")
    link.symlink_to(file)
    for _ in range(3):
        with Connection(way(link)) as connection:
            connection.open()
    sent = [form["refresh_token"] for form in provider.asked]
    assert sent == ["1//r3fresh-of-the-mailbox", "1//r3newed-1", "1//r3newed-2"]
    assert json.loads(file.read_text("utf-8")) == said | {f"{prefix}refresh_token": "1//r3newed-3"}
    assert (file.stat().st_mode & 0o777, link.is_symlink()) == (0o640, True)
    assert (file.stat().st_uid, file.stat().st_gid) == owner
    assert sorted(path.name for path in file.parent.glob("*.json*")) == [link.name, file.name]


def test_a_renewed_refresh_token_that_cannot_be_kept_is_told(way, write, provider, monkeypatch):
    provider.renews = True
    file = write()
    before = file.read_bytes()

    def full(path: Path, target: Path) -> None:
        raise OSError(28, os.strerror(28))

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", full)
        said = trouble(way(file), "r3newed", provider.client_secret)
    assert f"{file}: 127.0.0.1 gives a new refresh token, which cannot be written there" in said
    assert "(No space left on device); let the user of the service write the file" in said
    assert file.read_bytes() == before
    assert [path.name for path in file.parent.glob(".oauth2*")] == []


# --- the file -------------------------------------------------------------------------------------


def test_a_missing_file_is_named_and_nobody_is_asked(way, tmp_path, monkeypatch):
    monkeypatch.setattr("builtins.input", lambda *_: pytest.fail("asked at the keyboard"))
    said = trouble(way(tmp_path / "oauth2.json"))
    place = tmp_path / "oauth2.json"
    assert said == f"{place}: no such file; [mail] oauth2_file in site.toml names it"
    (tmp_path / "oauth2.json").mkdir()
    assert "oauth2.json: cannot be read (Is a directory)" in trouble(way(place))


SECRET = "GOCSPX-s3cret"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "no JSON (line 1: Expecting value)"),
        (f'{{"client_secret": "{SECRET}",\n', "no JSON (line 2: "),
        (f'["{SECRET}"]', 'must be one JSON object, {"client_id": "...", ...}'),
        (f'{{"installed": {{"client_secret": "{SECRET}"}}}}', "without a refresh token"),
        ('{"client_id": "a", "google_client_id": "b"}', "a key is there twice"),
        (b'{"client_id": "\xe9"}', "not in UTF-8"),
    ],
)
def test_a_file_that_is_something_else_is_told(tmp_path, text, told):
    file = tmp_path / "oauth2.json"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(NoToken) as error:
        read_grant(file)
    assert str(error.value).startswith(f"{file}: ")
    assert told in str(error.value)
    assert SECRET not in str(error.value)


NO_URL = "must be https://host/path and no more (http:// is allowed to loopback only)"


@pytest.mark.parametrize(
    ("other", "told"),
    [
        ({"client_id": None}, ["client_id: is missing"]),
        (
            {"client_id": None, "client_secret": None, "refresh_token": None, "token_url": None},
            ["client_id: is missing", "client_secret: is missing", "refresh_token: is missing"],
        ),
        ({"client_secret": None, "token_url": GOOGLE}, ["client_secret: is missing"]),
        ({"refresh_token": " "}, ["refresh_token: must be a word of printable ASCII characters"]),
        ({"client_id": "a\x01b"}, ["client_id: must be a word of printable ASCII characters"]),
        ({"email_address": "é"}, ["email_address: must be a word of printable ASCII characters"]),
        ({"client_secret": [SECRET]}, ["client_secret: Input should be a valid string"]),
        (
            {"refresh_token": None, "refesh_token": SECRET},
            [
                "refesh_token: unknown key",
                "did you mean `refresh_token`?",
            ],
        ),
        ({"token_url": "http://login.example/token"}, [f"token_url: {NO_URL}"]),
        ({"token_url": "http://localhost.login.example/"}, [f"token_url: {NO_URL}"]),
        ({"token_url": f"https://ani:{SECRET}@login.example/"}, [f"token_url: {NO_URL}"]),
        ({"token_url": f"https://login.example/?key={SECRET}"}, [f"token_url: {NO_URL}"]),
        ({"token_url": "https://"}, [f"token_url: {NO_URL}"]),
        ({"token_url": "https://login.example:port/"}, [f"token_url: {NO_URL}"]),
        ({"token_url": "login.example"}, [f"token_url: {NO_URL}"]),
    ],
)
def test_each_mistake_in_the_file_is_named_and_no_value_shown(write, other, told):
    file = write(**other)
    with pytest.raises(NoToken) as error:
        read_grant(file)
    assert sorted(str(error.value).removeprefix(f"{file}: ").split("; ")) == sorted(told)


def test_nothing_is_sent_for_a_file_with_a_mistake(way, write, server, provider):
    assert "client_id: is missing" in trouble(way(write(client_id=None)))
    assert (provider.asked, server.connections) == ([], 0)


def test_what_a_file_says_does_not_show_its_secrets(write, provider):
    shown = repr(read_grant(write()))
    assert provider.client_id in shown
    assert provider.client_secret not in shown
    assert provider.refresh_token not in shown


# --- the provider ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("other", "told"),
    [
        (
            {"refresh_token": "1//v0id"},
            "refuses an access token (invalid_grant): the refresh token"
            " is void: it was withdrawn, or has expired; authorize the mailbox again",
        ),
        ({"client_secret": "wr0ng"}, "(invalid_client): client_id or client_secret is wrong"),
    ],
)
def test_what_the_provider_refuses_is_told_with_what_to_do(
    way, write, provider, server, other, told
):
    file = write(**other)
    said = trouble(way(file), *other.values(), provider.client_secret, provider.refresh_token)
    assert said.startswith(f"{file}: 127.0.0.1 ")
    assert told in said
    assert (len(provider.asked), server.connections) == (1, 0)


MICROSOFTS = {
    "error": "invalid_grant",
    "error_description": f"AADSTS700082: The refresh token {SECRET} has expired.\r\nTrace ID: 1",
    "error_codes": [700082],
}


@pytest.mark.parametrize(
    ("trick", "told"),
    [
        (raw(400, MICROSOFTS), "(invalid_grant, AADSTS700082): the refresh token is void"),
        (raw(400, {"error": SECRET}), "answers HTTP 400; is token_url right?"),
        (raw(400, {"error": {"code": 400}}), "answers HTTP 400; is token_url right?"),
        (raw(404, b"<html>"), "answers HTTP 404; is token_url right?"),
        (raw(302, b"", Location="http://127.0.0.1:9/"), "answers HTTP 302; is token_url right?"),
        (raw(429, b""), "answers HTTP 429; the next run tries again"),
        (raw(503, b"<html>"), "answers HTTP 503; the next run tries again"),
        (raw(200, b"<html>"), "answers without an access token; is token_url right?"),
        (raw(200, b"[]"), "answers without an access token"),
        (raw(200, {"access_token": ""}), "answers without an access token"),
        (raw(200, {"access_token": 5}), "answers without an access token"),
        (raw(200, {"access_token": "a\x01auth=Bearer b"}), "answers without an access token"),
        (raw(200, b" " * (2 << 20)), "answers without end"),
        (
            raw(200, b"no gzip at all", **{"Content-Encoding": "gzip"}),
            "cannot be asked for an access token",
        ),
    ],
)
def test_an_odd_answer_stops_no_more_than_this_run(way, write, provider, server, trick, told):
    provider.tricks = [trick]
    secrets = (SECRET, provider.client_secret, provider.refresh_token)
    assert told in trouble(way(write()), *secrets)
    assert server.connections == 0
    with Connection(way(write())) as connection:
        connection.open()


@pytest.mark.parametrize("trick", [hangs, drips])
def test_a_provider_that_hangs_is_given_up_after_the_timeout(way, write, provider, trick):
    provider.tricks = [trick]
    said = trouble(way(write(), timeout=0.2))
    assert said.endswith("127.0.0.1 gives no answer within 0.2 s (timeout_seconds)")


def test_nobody_listens_there(way, write):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    said = trouble(way(write(token_url=f"http://127.0.0.1:{port}/token")))
    assert "127.0.0.1 cannot be asked for an access token ([Errno 111] Connection refused)" in said


# --- the mail server ------------------------------------------------------------------------------


@pytest.mark.parametrize("question", [TokenServer.question, b"", b"e30="])
def test_a_refused_login_is_told_as_one(way, write, server, provider, question):
    server.takes = lambda token: False
    server.question = question
    said = trouble(way(write()), provider.client_secret, "access" * 4)
    assert said == (
        f"535 127.0.0.1:{server.port}: the login of {MAILBOX} by OAuth2 is refused (5.7.8 Username"
        " and Password not accepted); is it the mailbox that was authorized, for sending mail by"
        " SMTP?"
    )
    assert server.after_question == ([b""] if question else [])
    assert server.letters == []


def test_a_refusal_that_repeats_the_login_is_not_repeated(way, write, server, provider):
    server.takes = lambda token: False
    server.question = b""
    coded = base64.b64encode(f"user={MAILBOX}".encode()).decode()[:12]
    for refusal in ("535 5.7.8 AUTH XOAUTH2 {login}: no", "535 5.7.8 no token {token}"):
        server.refusal = refusal
        said = trouble(way(write()), "ya29.", coded)
        assert "is refused (5.7.8 " in said


def test_a_question_that_is_no_base64_is_told(way, write, server):
    server.takes = lambda token: False
    server.question = b"abcde"
    with pytest.raises(binascii.Error):
        base64.decodebytes(server.question)
    assert "an answer to the login is not base64" in trouble(way(write()))


def test_a_mailbox_beyond_ascii_says_so(way, write):
    assert "cannot be sent in ASCII" in trouble(way(write(), user="ténggat"))


def test_a_server_that_knows_no_tokens_is_told(write, authority, ca_file, provider):
    with running(Server(login=("tenggat", "x")), starttls=certificate(authority)) as server:
        url = f"smtp://tenggat@127.0.0.1:{server.port}"
        said = trouble(SmtpAddress(url, ca_file=ca_file, oauth2_file=write()), *provider.given)
        assert "the server does not support login by OAuth2 (XOAUTH2)" in said
        assert (server.logins, server.letters) == ([], [])


@pytest.mark.parametrize("wrong", ["certificate", "no starttls"])
def test_no_token_goes_over_a_line_that_is_not_safe(write, ca_file, provider, wrong):
    how = {"starttls": certificate(trustme.CA())} if wrong == "certificate" else {}
    with running(TokenServer(), **how) as server:
        url = f"smtp://{MAILBOX.replace('@', '%40')}@127.0.0.1:{server.port}"
        trouble(SmtpAddress(url, ca_file=ca_file, oauth2_file=write()), "access" * 4)
        assert (len(provider.given), server.shown) == (1, [])


def test_unencrypted_a_token_goes_to_loopback_only(write, provider):
    with pytest.raises(ValueError, match="to loopback only"):
        SmtpAddress("smtp+plain://tenggat@mail.example", oauth2_file=write())
    with running(TokenServer(login=("tenggat", ""))) as server:
        way = SmtpAddress(f"smtp+plain://tenggat@127.0.0.1:{server.port}", oauth2_file=write())
        with Connection(way) as connection:
            connection.open()
        assert server.shown == [("tenggat", provider.given[0])]


# --- whose mailbox --------------------------------------------------------------------------------


def test_a_login_without_a_user_asks_whose_mailbox_it_is(way, write, provider):
    said = trouble(way(write(), user=""))
    assert "oauth2.json: whose mailbox? Name the user in the mail URL, smtp://user@host" in said
    assert provider.asked == []


def test_the_user_of_the_url_wins(way, write, server):
    with Connection(way(write(email_address="other@contohkab.example"))) as connection:
        connection.open()
    assert [user for user, _ in server.shown] == [MAILBOX]


def test_a_password_beside_the_file_is_one_login_too_many(write):
    with pytest.raises(ValueError, match=r"has a password, and .* remove one of them") as error:
        SmtpAddress(f"smtp://tenggat:{SECRET}@mail.example", oauth2_file=write())
    assert SECRET not in str(error.value)


@pytest.mark.parametrize("user", ["tenggat%01auth=Bearer%20x", "tenggat%00", "a%0D%0Ab"])
def test_a_user_cannot_bear_the_marks_of_a_login(write, user):
    with pytest.raises(ValueError, match="has a character that cannot be printed"):
        SmtpAddress(f"smtp://{user}@mail.example", oauth2_file=write())


# --- the site -------------------------------------------------------------------------------------


def test_no_secret_stands_in_a_log(way, write, provider, server, caplog):
    caplog.set_level(logging.CRITICAL, logger="mail.log")  # the mail server's own
    caplog.set_level(logging.DEBUG)
    provider.renews = True
    with Connection(way(write())) as connection:
        connection.send(SENDER, LIAISON, mail())
    server.takes = lambda token: False
    trouble(way(write()))
    assert "HTTP Request: POST" in caplog.text
    for secret in (provider.client_secret, "r3fresh", "r3newed", "access" * 4):
        assert secret not in caplog.text


@pytest.fixture
def site(site_folder: Path, tmp_path: Path, monkeypatch, server, ca_file, write) -> Path:
    """The example site with its mail by OAuth2; the file stands in the site's folder."""
    monkeypatch.setenv("TENGGAT_VAR", str(tmp_path / "var"))
    monkeypatch.setenv(
        "TENGGAT_MAIL_URL", f"smtp://{MAILBOX.replace('@', '%40')}@127.0.0.1:{server.port}"
    )
    write().replace(site_folder / "oauth2.json")
    text = (site_folder / "site.toml").read_text("utf-8")
    mark = "[mail]\n"
    assert text.count(mark) == 1
    more = f'{mark}oauth2_file = "oauth2.json"\nca_file = "{ca_file}"\n'
    (site_folder / "site.toml").write_text(text.replace(mark, more), encoding="utf-8")
    return site_folder


def test_a_site_names_its_file_and_doctor_logs_in(site, call_tenggat, server, provider):
    _, out, _ = call_tenggat("doctor", "--json", "--site", site, "--now", NOW)
    found = {finding["what"]: finding for finding in json.loads(out)}
    assert found[f"mail server 127.0.0.1:{server.port} answers and takes the login"]
    assert server.shown == [(MAILBOX, provider.given[0])]
    assert not [what for what in found if "oauth2.json" in what]


@pytest.mark.thorough
def test_doctor_notes_a_file_that_everybody_may_read(site, call_tenggat):
    file = site / "oauth2.json"
    assert not open_to_all(file)
    file.chmod(0o644)
    _, out, _ = call_tenggat("doctor", "--json", "--site", site, "--now", NOW)
    (finding,) = [found for found in json.loads(out) if "oauth2.json" in found["what"]]
    assert (finding["level"], finding["do"]) == ("note", f"chmod o= {file}")
    assert not open_to_all(site / "none.json")


def test_doctor_tells_what_is_wrong_with_the_file(site, call_tenggat):
    (site / "oauth2.json").write_text("{}")
    code, out, _ = call_tenggat("doctor", "--json", "--site", site, "--now", NOW)
    (finding,) = [found for found in json.loads(out) if "oauth2.json" in found["what"]]
    assert (code, finding["level"]) == (1, "trouble")
    assert "refresh_token: is missing" in finding["what"]
