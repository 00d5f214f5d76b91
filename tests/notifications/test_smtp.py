"""The way out: addresses of mail servers, TLS, logins, refusals, and one kept connection."""

import socket
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import trustme
from support.outgoing_mail.plain_mail import LIAISON, SENDER, mail
from support.servers.smtp_servers import DROP, Server, certificate, running, trusted
from support.site_mistakes import english_words

from tasks.monitoring.health import connectivity
from tasks.notifications.transport.connection_errors import explained
from tasks.notifications.transport.smtp import (
    AddressRefused,
    AnswerLost,
    Connection,
    MailError,
    PermanentFailure,
    QuotaReached,
    RelayRefused,
    SenderLimited,
    ServerUnavailable,
    SmtpAddress,
    TemporaryFailure,
)
from tasks.text.translation import translated

PASSWORD = "s3cr3t-Kopi"

pytestmark = pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")


def send(connection: Connection, raw: bytes | None = None, to: str = LIAISON) -> str:
    return connection.send(SENDER, to, raw or mail())


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def ca_file(authority: trustme.CA, tmp_path: Path) -> str:
    return trusted(authority, tmp_path)


# --- addresses ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("smtps://mail.example", ("mail.example", 465, True, False)),
        ("smtp://mail.example", ("mail.example", 587, False, True)),
        ("smtp://mail.example:2525/", ("mail.example", 2525, False, True)),
        ("smtp+plain://127.0.0.1", ("127.0.0.1", 25, False, False)),
        ("smtp+plain://localhost:1025", ("localhost", 1025, False, False)),
        ("smtp+plain://[::1]:1025", ("::1", 1025, False, False)),
    ],
)
def test_an_address_says_host_port_and_how_the_line_is_secured(url, said):
    way = SmtpAddress(url)
    assert (way.host, way.port, way.implicit_tls, way.starttls) == said


def test_special_characters_of_a_password_are_written_in_percent():
    way = SmtpAddress("smtp://lapor%40contohkab.example:p%40ss%2Fw%23rd%25@mail.example")
    assert (way.user, way.password) == ("lapor@contohkab.example", "p@ss/w#rd%")


@pytest.mark.parametrize(
    "url",
    [
        "",
        "mail.example",
        "http://mail.example",
        "smtp://",
        "smtps://:465",
        f"SMTPX://tenggat:{PASSWORD}@mail.example",
        f"smtp://tenggat:{PASSWORD}/@mail.example",  # '/', '#' and '?' end the host
        f"smtp://tenggat:{PASSWORD}#@mail.example",
        f"smtp://tenggat:{PASSWORD}?@mail.example",
        f"smtp://tenggat:12#{PASSWORD}@mail.example",
        f"smtp://tenggat:[{PASSWORD}@mail.example",
        f"smtp://tenggat:{PASSWORD}@mail.example:mail",
        f"smtp://tenggat:{PASSWORD}@mail.example:99999",
    ],
)
def test_a_bad_address_is_answered_with_what_to_write_and_without_the_password(url):
    with pytest.raises(ValueError, match=r"smtps://user:password@host:465, smtp://") as error:
        SmtpAddress(url)
    assert PASSWORD not in str(error.value)


@pytest.mark.parametrize("host", ["mail.example", "192.0.2.1", "localhost.mail.example"])
def test_without_tls_mail_goes_to_loopback_only(host):
    with pytest.raises(ValueError, match=r"to loopback only; use smtp:// \(STARTTLS\)"):
        SmtpAddress(f"smtp+plain://tenggat:{PASSWORD}@{host}")


# --- TLS and login --------------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
def test_a_login_goes_unchanged_over_a_verified_line(scheme, authority, ca_file):
    how = {"starttls" if scheme == "smtp" else "implicit": certificate(authority)}
    with running(Server(login=("tenggat", "p@ss/w#rd%")), **how) as server:
        with Connection(SmtpAddress(server.url(scheme), ca_file=ca_file)) as connection:
            assert send(connection) == "OK"
        assert server.logins == [("tenggat", "p@ss/w#rd%")]
        assert [letter.recipient for letter in server.letters] == [LIAISON]


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
@pytest.mark.parametrize("wrong", ["authority", "host", "date"])
def test_a_certificate_that_cannot_be_verified_stops_everything_before_the_login(
    wrong, scheme, authority, ca_file
):
    shown = {
        "authority": lambda: certificate(trustme.CA()),
        "host": lambda: certificate(authority, "mail.example"),
        "date": lambda: certificate(authority, not_after=datetime(2020, 1, 1, tzinfo=UTC)),
    }[wrong]()
    how = {"starttls" if scheme == "smtp" else "implicit": shown}
    with running(Server(login=("tenggat", PASSWORD)), **how) as server:
        with pytest.raises(ServerUnavailable, match="certificate verify failed") as error:
            send(Connection(SmtpAddress(server.url(scheme), ca_file=ca_file)))
        assert (server.logins, server.letters) == ([], [])
        assert PASSWORD not in str(error.value)


def test_a_server_without_starttls_gets_neither_login_nor_mail():
    with running(Server(login=("tenggat", PASSWORD))) as server:
        with pytest.raises(ServerUnavailable, match="STARTTLS extension not supported"):
            send(Connection(SmtpAddress(server.url("smtp"))))
        assert (server.logins, server.letters) == ([], [])


def test_a_wrong_password_is_told_by_its_code_and_not_repeated(authority, ca_file):
    with running(Server(login=("tenggat", "other")), starttls=certificate(authority)) as server:
        way = SmtpAddress(f"smtp://tenggat:{PASSWORD}@127.0.0.1:{server.port}", ca_file=ca_file)
        with pytest.raises(ServerUnavailable, match=f"535 127.0.0.1:{server.port}: ") as error:
            send(Connection(way))
        assert error.value.code == 535
        assert PASSWORD not in str(error.value)


def test_a_login_beyond_ascii_says_so(authority, ca_file):
    with running(Server(login=("tenggat", "kopi-é")), starttls=certificate(authority)) as server:
        with pytest.raises(ServerUnavailable, match="cannot be sent in ASCII") as error:
            send(Connection(SmtpAddress(server.url("smtp"), ca_file=ca_file)))
        assert "é" not in str(error.value)


def test_a_server_that_wants_a_login_gets_no_mail_refused(authority):
    """530 to MAIL is about us, not about the recipient: the mail must not die of it."""
    with running(Server(login=("tenggat", PASSWORD))) as server:
        with pytest.raises(ServerUnavailable) as error:
            send(Connection(SmtpAddress(f"smtp+plain://127.0.0.1:{server.port}")))
        assert error.value.code == 530


def test_nobody_listens_there():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(ServerUnavailable, match=rf"127.0.0.1:{port}: no server listens"):
        Connection(SmtpAddress(f"smtp+plain://127.0.0.1:{port}")).open()


def test_a_server_that_never_greets_is_given_up_after_the_timeout():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"smtp+plain://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(ServerUnavailable, match="timed out"):
            Connection(SmtpAddress(url, timeout=0.1)).open()


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_an_unreadable_ca_file_is_named(content, tmp_path):
    path = tmp_path / "authority.pem"
    if content:
        path.write_text(content)
    with running() as server, pytest.raises(ServerUnavailable, match=r"ca_file .*authority.pem"):
        Connection(SmtpAddress(server.url("smtp"), ca_file=str(path))).open()


# --- what the server says -------------------------------------------------------------------------


def test_a_server_that_greets_with_421_is_unusable():
    with running(Server(greeting="421 4.3.2 Down for the night")) as server:
        with pytest.raises(ServerUnavailable, match="Down for the night") as error:
            send(Connection(SmtpAddress(server.url())))
        assert error.value.code == 421


@pytest.mark.parametrize(
    ("server", "trouble", "code"),
    [
        (Server(data_answers=["451 4.3.0 Greylisted"]), TemporaryFailure, 451),
        (Server(data_answers=["552 5.2.2 Mailbox full"]), PermanentFailure, 552),
        (Server(rcpt_answers={LIAISON: "450 4.2.1 Busy"}), TemporaryFailure, 450),
        (Server(rcpt_answers={LIAISON: "550 5.1.1 No such user"}), AddressRefused, 550),
        (Server(mail_answers=["451 4.3.0 Later"]), TemporaryFailure, 451),
        (Server(mail_answers=["552 5.3.4 Too big"]), PermanentFailure, 552),
        (Server(mail_answers=["553 5.7.1 Not your sender"]), ServerUnavailable, 553),
        (Server(data_answers=[DROP]), AnswerLost, None),
    ],
)
def test_what_to_do_next_hangs_on_the_answer_and_the_next_mail_goes(server, trouble, code):
    other = "penghubung.dinkes@contohkab.example"
    with running(server), Connection(SmtpAddress(server.url())) as connection:
        with pytest.raises(trouble) as error:
            send(connection)
        assert (type(error.value), error.value.code) == (trouble, code)
        send(connection, to=other)
        assert [letter.recipient for letter in server.letters] == [other]


AT_RECIPIENT, AT_DATA = "RCPT", "DATA"
REFUSALS = (
    (AT_RECIPIENT, "550 5.1.1 User unknown in local recipient table", AddressRefused),
    (AT_RECIPIENT, "550 5.1.2 Host or domain name not found", AddressRefused),
    (AT_RECIPIENT, "501 5.1.3 Bad recipient address syntax", AddressRefused),
    (AT_RECIPIENT, "550 5.1.6 The mailbox has moved", AddressRefused),
    (AT_RECIPIENT, "550 5.1.10 RESOLVER.ADR.RecipientNotFound; not found", AddressRefused),
    (AT_RECIPIENT, "553 sorry, no mailbox here by that name (#5.1.1)", AddressRefused),
    (AT_RECIPIENT, "550 Unknown user", AddressRefused),
    (AT_RECIPIENT, "550 no such user here", AddressRefused),
    (AT_RECIPIENT, "550 Administrative prohibition", PermanentFailure),
    (AT_RECIPIENT, "550 5.2.1 The mailbox is disabled", PermanentFailure),
    (AT_RECIPIENT, "552 5.2.2 Mailbox full: over quota, daily limit of the box", PermanentFailure),
    (AT_RECIPIENT, "554 5.7.1 <a@gmail.com>: Relay access denied", RelayRefused),  # Postfix
    (AT_RECIPIENT, "454 4.7.1 <a@gmail.com>: Relay access denied", RelayRefused),  # its default
    (AT_RECIPIENT, "550 5.7.1 <a@gmail.com>... Relaying denied", RelayRefused),  # Sendmail
    (AT_RECIPIENT, "550 relay not permitted", RelayRefused),  # Exim
    (AT_RECIPIENT, "550 kominfo is not permitted to relay through this server", RelayRefused),
    (AT_RECIPIENT, "550 5.7.1 Unable to relay", RelayRefused),  # Exchange
    (AT_RECIPIENT, "550 5.7.54 SMTP; Unable to relay recipient in other domain", RelayRefused),
    (AT_RECIPIENT, "550 5.7.1 Invalid credentials for relay", RelayRefused),  # Google
    (AT_RECIPIENT, "553 that domain isn't in my list of allowed rcpthosts (#5.7.1)", RelayRefused),
    (AT_RECIPIENT, "550 5.4.1 No answer from host", RelayRefused),
    (AT_RECIPIENT, "550 5.4.1 Recipient address rejected: Access denied", AddressRefused),
    (AT_DATA, "550 5.4.1 Recipient address rejected: Access denied", PermanentFailure),
    (AT_RECIPIENT, "550 5.7.1 Listed as an open relay", PermanentFailure),
    (AT_RECIPIENT, "553 5.7.1 <a@b>: Sender address rejected: not owned by user", SenderLimited),
    (AT_DATA, "554 5.2.252 SendAsDenied; tenggat not allowed to send as lapor", SenderLimited),
    (AT_RECIPIENT, "530 5.7.0 Authentication required", SenderLimited),
    (AT_DATA, "550 5.1.1 No such user", PermanentFailure),  # perhaps another one of a list
    (AT_DATA, "550 5.2.0 Other mailbox status", PermanentFailure),
    (AT_DATA, "550 5.7.1 Looks like spam", PermanentFailure),
    (AT_RECIPIENT, "550 5.4.5 Daily user sending limit exceeded", QuotaReached),
    (AT_DATA, "550 5.4.5 Daily SMTP relay limit exceeded for customer", QuotaReached),
    (AT_DATA, "550 5.1.8 Access denied, bad outbound sender", SenderLimited),
    (AT_RECIPIENT, "550 5.1.90 Your message can't be sent: daily limit", QuotaReached),
    (AT_DATA, "550 5.7.233 Tenant external recipient rate limit", QuotaReached),
    (
        AT_DATA,
        "554 5.2.0 STOREDRV.Submission.Exception:SubmissionQuotaExceededException",
        QuotaReached,
    ),
    (AT_DATA, "550 Domain has exceeded the max emails per hour (100/100)", QuotaReached),
    (AT_RECIPIENT, "550 5.7.1 rate", QuotaReached),
    (AT_DATA, "550 5.7.1 Message rate exceeded, try again tomorrow", QuotaReached),
    (AT_RECIPIENT, "550 Sender rate 120.4 / 1h", QuotaReached),  # Exim
    (AT_RECIPIENT, "554 5.7.1 <a@b>: Too many messages from tenggat today", QuotaReached),
    (AT_RECIPIENT, "554 5.7.1 <a@b>: Policy Rejection: Quota exceeded.", QuotaReached),  # Zimbra
    (AT_DATA, "550 5.7.501 Access denied, spam abuse detected", SenderLimited),
    (AT_RECIPIENT, "550 5.7.1 Too many invalid recipients", PermanentFailure),
    (AT_RECIPIENT, "552 Quota exceeded", PermanentFailure),
    (
        AT_RECIPIENT,
        "554 5.7.1 Recipient address rejected: Message count quota exceeded",
        QuotaReached,
    ),
)


@pytest.mark.parametrize(("stage", "answer", "error"), REFUSALS, ids=[r[1] for r in REFUSALS])
def test_what_a_permanent_answer_is_about(stage, answer, error, fresh_server):
    if stage == AT_RECIPIENT:
        fresh_server.rcpt_answers = {LIAISON: answer}
    else:
        fresh_server.data_answers = [answer]
    with (
        Connection(SmtpAddress(fresh_server.url())) as connection,
        pytest.raises(MailError) as found,
    ):
        send(connection)
    assert (type(found.value), found.value.code) == (error, int(answer[:3]))


@pytest.fixture(scope="module")
def one_server() -> Iterator[Server]:
    """One server for a table of answers."""
    with running() as server:
        yield server


@pytest.fixture
def fresh_server(one_server: Server) -> Server:
    one_server.rcpt_answers, one_server.data_answers = {}, []
    return one_server


def test_an_address_that_cannot_be_sent_is_refused_and_the_next_mail_goes():
    with running() as server, Connection(SmtpAddress(server.url())) as connection:
        with pytest.raises(PermanentFailure, match="the address or the mail cannot be sent"):
            send(connection, to="dinsös@contohkab.example")
        send(connection)
        assert [letter.recipient for letter in server.letters] == [LIAISON]


def test_a_mail_deferred_once_goes_on_the_second_try():
    with running(Server(data_answers=["451 4.3.0 Greylisted"])) as server:
        with Connection(SmtpAddress(server.url())) as connection:
            with pytest.raises(TemporaryFailure):
                send(connection)
            assert send(connection) == "OK"
        assert server.connections == 1


# --- one connection -------------------------------------------------------------------------------


def test_the_server_is_greeted_by_the_name_that_the_site_gives():
    with running() as server:
        address = SmtpAddress(server.url(), helo_name="tenggat.contohkab.example")
        with Connection(address) as connection:
            send(connection)
        assert server.letters[0].greeted_as == "tenggat.contohkab.example"


def test_one_connection_is_kept_for_a_batch():
    with running() as server, Connection(SmtpAddress(server.url())) as connection:
        for _ in range(30):
            send(connection)
        assert (server.connections, len(server.letters)) == (1, 30)


@pytest.mark.parametrize("scheme", ["smtp", "smtps", "smtp+plain"])
def test_the_last_record_of_a_mail_does_not_wait_for_an_acknowledgement(scheme, authority, ca_file):
    how = {"smtp": "starttls", "smtps": "implicit"}.get(scheme)
    with running(**{how: certificate(authority)} if how else {}) as server:
        way = SmtpAddress(server.url(scheme), ca_file=ca_file if how else None)
        with Connection(way) as connection:
            connection.open()
            line = connection._client.smtp.sock
            assert line.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) == 1


def test_after_421_the_next_mail_opens_a_new_connection():
    with running(Server(mails_per_connection=2)) as server:
        with Connection(SmtpAddress(server.url())) as connection:
            send(connection)
            send(connection)
            with pytest.raises(TemporaryFailure, match=r"421 4\.7\.0 Too many mails"):
                send(connection)
            send(connection)
        assert (server.connections, len(server.letters)) == (2, 3)


def test_a_line_that_the_server_has_closed_is_opened_again():
    with running(Server(hangs_up=True)) as server:
        with Connection(SmtpAddress(server.url())) as connection:
            for _ in range(3):
                send(connection)
                assert server.line_closed.wait(10)
                server.line_closed.clear()
        assert (server.connections, len(server.letters)) == (3, 3)


def test_a_server_gone_between_two_mails_is_unusable_and_no_mail_is_blamed():
    with running(Server(hangs_up=True)) as server:
        connection = Connection(SmtpAddress(server.url()))
        send(connection)
    with pytest.raises(ServerUnavailable):
        send(connection)


# --- what arrives ---------------------------------------------------------------------------------


def test_a_mail_arrives_byte_for_byte():
    raw = mail(".\r\n..\r\n.dot\r\nlast\r\n") + b"."
    with running() as server, Connection(SmtpAddress(server.url())) as connection:
        send(connection, raw)
        assert server.letters[0].raw == raw + b"\r\n"


def test_names_and_subjects_beyond_ascii_survive():
    raw = mail("Yth. Bapak Müller – 3 hari kerja\r\n" + "panjang " * 300, "Pengaduan – Desa Ānanda")
    with running() as server, Connection(SmtpAddress(server.url())) as connection:
        send(connection, raw)
        letter = server.letters[0]
    assert letter.mail["Subject"] == "Pengaduan – Desa Ānanda"
    assert letter.mail.get_content().startswith("Yth. Bapak Müller – 3 hari kerja")
    assert max(map(len, letter.raw.split(b"\r\n"))) <= 998


@pytest.mark.parametrize(
    ("served", "scheme", "trusts", "remedy"),
    [
        ("starttls", "smtps", True, "write smtp:// for STARTTLS"),
        ("starttls", "smtp", False, "name its certificate by ca_file"),
        ("implicit", "smtps", False, "name its certificate by ca_file"),
        ("", "smtp", True, "587 with smtp:// or 465 with smtps://"),
    ],
)
def test_a_connection_that_cannot_be_secured_has_a_remedy_in_both_languages(
    served, scheme, trusts, remedy, authority, ca_file
):
    how = {served: certificate(authority)} if served else {}
    with running(Server(), **how) as server, pytest.raises(ServerUnavailable) as refused:
        Connection(SmtpAddress(server.url(scheme), ca_file=ca_file if trusts else None)).open()
    assert remedy in str(refused.value)
    assert "_ssl" not in str(refused.value)
    shown = translated(str(refused.value), "id")
    assert not english_words(shown.partition(": ")[2])


def test_silence_has_a_remedy_by_its_port():
    error = TimeoutError("timed out")
    for port, remedy in ((465, "memakai TLS sejak awal: tulis smtps://"), (587, "firewall")):
        cause, told = explained(error, "timed out", port=port, starttls=True)
        assert cause == "timed out"
        assert remedy in translated(told, "id")
        shown = translated(f"a.example:{port}: {cause}; {told}", "id").partition(": ")[2]
        assert shown.startswith("tidak ada jawaban; ")
        assert not english_words(shown)


@pytest.mark.parametrize(
    ("url", "cause", "remedy"),
    [
        ("smtp://tenggat:wrong@127.0.0.1:{port}", "the user or the password", "the password of"),
        ("smtp://tenggat:wrong@nowhere.invalid:587", "no server has the name", "correct the host"),
        ("smtp://tenggat:wrong@127.0.0.1:1", "no server listens at", "correct host and port"),
    ],
)
def test_each_cause_has_its_own_remedy_in_doctor_and_in_the_error(
    url, cause, remedy, authority, ca_file, context
):
    with running(Server(login=("tenggat", PASSWORD)), starttls=certificate(authority)) as server:
        url = url.format(port=server.port)
        mail = context.site.file.mail.model_copy(update={"ca_file": ca_file})
        context.site.file = context.site.file.model_copy(update={"mail": mail})
        context.site.mail_url = url
        (finding,) = connectivity.mail(context.site)
        with pytest.raises(ServerUnavailable) as refused:
            Connection(SmtpAddress(url, ca_file=ca_file)).open()
    assert cause in finding.what
    assert remedy in finding.remedy
    assert "certificate" not in finding.what + finding.remedy
    assert f"mail server: {refused.value}" == f"{finding.what}; {finding.remedy}"
    for text in (finding.what.partition(": ")[2], finding.remedy, str(refused.value)):
        shown = translated(text, "id")
        assert shown != text
        answer = shown.partition("(5.7")[2].partition(")")[0]
        assert not english_words(shown.replace(answer, ""))
