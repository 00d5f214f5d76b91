"""A mailbox as a source: real IMAP servers, and mails as people and machines really write them.

November 2026 has no holiday: 2, 9, 16 and 23 are Mondays.
"""

import logging
import os
import socket
import threading
from collections.abc import Callable, Iterator
from email.message import EmailMessage
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import support.servers.imap_servers
from conftest import wita
from sqlalchemy import select
from support.import_results import dump, history, known, quarantine, take
from support.incoming_mail.mapping import UNIT_BY_ADDRESS
from support.servers.imap_servers import PASSWORD, USER

from db.models import Complaint
from settings.errors import SettingsError
from settings.sources import read_sources
from tasks.common.context import SiteContext
from tasks.common.redaction import plain_ticket
from tasks.deadlines import evaluate_and_notify
from tasks.sources.base import SourceError, Waiting
from tasks.sources.imap import fetch
from tasks.sources.imap import source as imap_feed
from tasks.sources.imap.connection import LimitedClient
from tasks.sources.imap.message import cells, message_id

MINIMAL = """
[mail]
type = "imap"
url_variable = "TENGGAT_MAILBOX_URL"
"""
PERSON, MAIL, STREET = "Budi Rahasiawan", "budi@rahasiawan.example", "Jl. Melati Tersembunyi 7"


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """What is read is recorded in SQLite: here the other side counts."""
    return sqlite_url


@pytest.fixture(scope="session")
def pymap() -> Iterator[support.servers.imap_servers.Server]:
    with support.servers.imap_servers.pymap() as server:
        yield server


@pytest.fixture(scope="session")
def dovecot() -> Iterator[support.servers.imap_servers.Server]:
    """A real Dovecot; skips where it cannot be started, never in CI."""
    if not support.servers.imap_servers.can_run_dovecot():
        assert "CI" not in os.environ, "CI runs as root and installs dovecot-imapd"
        pytest.skip("no Dovecot that root may start; apt install dovecot-imapd")
    with support.servers.imap_servers.dovecot() as server:
        yield server


@pytest.fixture(params=["pymap", "dovecot"])
def server(request: pytest.FixtureRequest) -> support.servers.imap_servers.Server:
    """Both servers in turn."""
    return request.getfixturevalue(request.param)


@pytest.fixture
def box(
    server: support.servers.imap_servers.Server, request: pytest.FixtureRequest, monkeypatch
) -> str:
    """A new, empty mailbox, named by the environment."""
    name = f"Aduan {request.node.name}"[:40].replace("[", " ").replace("]", "")
    with server.client() as client:
        if client.folder_exists(name):
            client.delete_folder(name)
        client.create_folder(name)
    monkeypatch.setenv("TENGGAT_MAILBOX_URL", server.url(name))
    return name


Connects = Callable[[str], SiteContext]


@pytest.fixture
def connect(site_folder: Path, open_context: Callable[[], SiteContext]) -> Connects:
    """Opens a site with this mapping."""

    def opened(more: str = "") -> SiteContext:
        (site_folder / "sources.toml").write_text(MINIMAL + more, encoding="utf-8")
        return open_context()

    return opened


@pytest.fixture
def context(connect: Connects) -> SiteContext:
    """A site with the smallest mapping of a mailbox."""
    return connect()


def letter(number: int, subject: str = "Jalan rusak di Salo", **headers: str) -> EmailMessage:
    mail = EmailMessage()
    mail["From"] = f"{PERSON} <{MAIL}>"
    mail["To"] = "aduan@contohkab.example"
    mail["Subject"] = subject
    mail["Message-ID"] = f"<{number}@rahasiawan.example>"
    mail["Date"] = "Thu, 19 Nov 2026 07:00:00 +0800"
    for name, value in headers.items():
        del mail[name]
        mail[name.replace("_", "-")] = value
    mail.set_content(f"Saya {PERSON}, {STREET}, melaporkan jalan rusak.")
    return mail


def raw(*lines: str | bytes) -> bytes:
    return b"\r\n".join(line if isinstance(line, bytes) else line.encode() for line in lines)


def deliver(
    server: support.servers.imap_servers.Server,
    box: str,
    arrived: str,
    *mails: EmailMessage | bytes,
):
    moment = wita(arrived)
    server.deliver(box, *((m if isinstance(m, bytes) else bytes(m), moment) for m in mails))


def titles(context: SiteContext) -> dict[str, str | None]:
    with context.transaction() as session:
        rows = session.execute(select(Complaint.ticket, Complaint.title).order_by(Complaint.id))
        return _Titles(map(tuple, rows))


class _Titles(dict[str, str]):
    """Titles by ticket; also found by the Message-ID, of which the ticket is a short hash."""

    def __missing__(self, message_id: str) -> str:
        stored = plain_ticket(message_id)
        if stored == message_id:
            raise KeyError(message_id)
        return self[stored]


# --- what comes in --------------------------------------------------------------------------------


def test_each_mail_is_a_complaint(server, box, context):
    deliver(server, box, "2026-11-19 09:00:07", letter(1), letter(2, "Lampu jalan mati"))
    count = take(context, "2026-11-19 10:00", "mail")
    assert (count.rows, count.new, count.quarantined, count.waiting) == (2, 2, 0, [])
    complaint = known(context, "1@rahasiawan.example")
    assert (complaint.title, complaint.channel) == ("Jalan rusak di Salo", "email")
    assert complaint.received_at == wita("2026-11-19 09:00:07")
    assert history(context, "2@rahasiawan.example") == ["received 19 09:00 stated"]
    evaluate_and_notify(context, wita("2026-11-19 10:05"), "run")


def test_a_second_pull_brings_only_what_is_new(server, box, context):
    deliver(server, box, "2026-11-19 09:00", letter(1), letter(2))
    take(context, "2026-11-19 10:00", "mail")
    deliver(server, box, "2026-11-19 10:30", letter(3))
    count = take(context, "2026-11-19 11:00", "mail")
    assert (count.files, count.rows, count.new) == (1, 1, 1)


def test_the_same_mailbox_twice_changes_nothing(server, box, context):
    deliver(server, box, "2026-11-19 09:00", letter(1), letter(2))
    take(context, "2026-11-19 10:00", "mail")
    before = dump(context)
    assert take(context, "2026-11-19 10:00", "mail").rows == 0
    assert take(context, "2026-11-19 10:00", "mail").files == 0
    assert take(context, "2026-11-19 10:15", "mail").rows == 0
    changed = {
        line.partition(":")[0]
        for line in set(dump(context).splitlines()) - set(before.splitlines())
    }
    assert changed == {"source_import"}


def test_an_empty_mailbox_is_a_look(server, box, context):
    count = take(context, "2026-11-19 10:00", "mail")
    assert (count.files, count.rows) == (1, 0)
    deliver(server, box, "2026-11-19 10:30", letter(1))
    assert take(context, "2026-11-19 11:00", "mail").new == 1


def test_the_mailbox_stays_as_it_was(server, box, connect):
    context = connect('fields = { ticket = "message_id", received = "received", title = "text" }')
    deliver(server, box, "2026-11-19 09:00", letter(1))
    take(context, "2026-11-19 10:00", "mail")
    with server.client() as client:
        client.select_folder(box, readonly=True)
        (mail,) = client.fetch(client.search(), ["FLAGS"]).values()
    assert b"\\Seen" not in mail[b"FLAGS"]


def test_mails_numbered_anew_are_read_again_and_none_is_doubled(server, box, context):
    """UIDVALIDITY changes when a mailbox is rebuilt; the moments of arrival may change with it."""
    deliver(server, box, "2026-11-19 09:00", letter(1), letter(2))
    take(context, "2026-11-19 10:00", "mail")
    with server.client() as client:
        old = client.folder_status(box, ["UIDVALIDITY"])[b"UIDVALIDITY"]
        client.delete_folder(box)
        client.create_folder(box)
        validity = client.folder_status(box, ["UIDVALIDITY"])[b"UIDVALIDITY"]
    assert validity != old
    deliver(server, box, "2026-11-19 09:00", letter(1))
    deliver(server, box, "2026-11-19 10:30", letter(2), letter(3))
    count = take(context, "2026-11-19 11:00", "mail")
    assert (count.rows, count.new, count.updated) == (1, 1, 0)
    assert [told.name.partition(", UID")[0] for told in count.waiting] == [
        "mail: 2 copies of mails known already"
    ]
    assert history(context, "2@rahasiawan.example") == ["received 19 09:00 stated"]


def test_a_mail_sent_again_moves_no_deadline(server, box, context):
    deliver(server, box, "2026-11-19 09:00", letter(1))
    deliver(server, box, "2026-11-19 09:30", letter(1))
    take(context, "2026-11-19 10:00", "mail")
    deliver(server, box, "2026-11-20 09:00", letter(1, X_Moved="by the server"))
    count = take(context, "2026-11-20 10:00", "mail")
    assert (count.new, count.quarantined, len(count.waiting)) == (0, 0, 1)
    assert history(context, "1@rahasiawan.example") == ["received 19 09:00 stated"]


def test_another_mail_with_the_same_number_is_a_complaint_of_its_own(server, box, context):
    deliver(server, box, "2026-11-19 09:00", letter(1))
    take(context, "2026-11-19 10:00", "mail")
    deliver(server, box, "2026-11-20 09:00", letter(1, "Lain"))
    assert take(context, "2026-11-20 10:00", "mail").new == 1
    assert sorted(titles(context).values()) == ["Jalan rusak di Salo", "Lain"]
    assert history(context, "1@rahasiawan.example") == ["received 19 09:00 stated"]


def test_the_first_import_begins_with_the_first_day(server, box, connect):
    context = connect('first_day = 2026-11-19\nzone = "Asia/Makassar"\n')
    deliver(server, box, "2026-11-01 09:00", letter(1))
    deliver(server, box, "2026-11-18 23:59", letter(2))
    deliver(server, box, "2026-11-19 00:00", letter(3), letter(4, Auto_Submitted="auto-replied"))
    count = take(context, "2026-11-19 10:00", "mail")
    assert (count.rows, count.new) == (1, 1)
    assert [told.name for told in count.waiting] == [
        "mail: 1 mails of machines are no complaints; see `tenggat source mails mail`"
    ]
    assert history(context, "3@rahasiawan.example") == ["received 19 00:00 stated"]


@pytest.mark.thorough
def test_many_mails_come_in_parts_and_none_is_lost(server, box, context, monkeypatch):
    monkeypatch.setattr(imap_feed, "BATCH", 3)
    monkeypatch.setattr(fetch, "WINDOW", 4)
    deliver(server, box, "2026-11-19 09:00", *(letter(n) for n in range(10)))
    with server.client() as client:
        client.select_folder(box)
        client.delete_messages(client.search()[3:5])
        client.expunge()
    count = take(context, "2026-11-19 10:00", "mail")
    assert (count.files, count.new) == (3, 8)


def test_a_mail_that_came_since_the_run_began_waits_for_the_next(server, box, context):
    deliver(server, box, "2026-11-19 09:59", letter(1))
    deliver(server, box, "2026-11-19 10:01", letter(2))
    count = take(context, "2026-11-19 10:00", "mail")
    assert (count.new, count.waiting) == (1, [Waiting("mail: mails later than this run")])
    assert take(context, "2026-11-19 10:15", "mail").new == 1


def test_a_mail_from_the_far_future_goes_to_quarantine(server, box, context):
    deliver(server, box, "2030-11-19 09:59", letter(1))
    deliver(server, box, "2026-11-19 09:00", letter(2))
    count = take(context, "2026-11-19 10:00", "mail")
    assert (count.new, count.reasons) == (1, {"in_the_future": 1})


# --- mails as they are ----------------------------------------------------------------------------


def test_broken_mails_stop_no_other(server, box, context):
    head = "Message-ID: <{}@x>\r\nFrom: a@b.example"
    broken = [
        raw(head.format("none"), "", "no subject at all"),
        raw(head.format("eight"), b"Subject: Jalan r\xfcsak", "", b"\xff\xfe"),
        raw(head.format("utf8"), "Subject: Jalan rüsak – dua", "", ""),
        raw(head.format("unknown"), "Subject: =?x-unknown?Q?Jalan=20r=C3=BCsak?=", "", ""),
        raw(head.format("base64"), "Subject: =?utf-8?B?SmFsYW4gcnVzYWs?=", "", ""),
        raw(head.format("notbase64"), "Subject: =?utf-8?B?A?=", "", ""),
        raw(head.format("split"), "Subject: =?utf-8?Q?Jalan_r=C3?=", " =?utf-8?Q?=BCsak?=", "", ""),
        raw(head.format("inject"), "Subject: =?utf-8?Q?Jalan=0D=0ABcc:_x@y.example?=", "", ""),
        raw(head.format("folded"), "Subject: Jalan", "\trusak", "", ""),
        raw(head.format("turned"), "Subject: Jalan \u202erusak\u0007\u200b", "", ""),
        raw(head.format("long"), "Subject: " + "a" * 40_000, "", ""),
        raw(head.format("date"), "Subject: x", "Date: 32 Foo 99999 77:88", "", ""),
        raw(
            head.format("mime"),
            "Subject: x",
            "MIME-Version: 1.0",
            'Content-Type: multipart/mixed; boundary="',
            "",
            "--x",
            "Content-Type: ;;;",
            "",
        ),
        raw("Subject: Tanpa nomor", "From: a@b.example", "", "isi"),
        raw("Message-ID: <" + "x" * 300 + "@y>", "Subject: Nomor panjang", "", "isi"),
        raw("Message-ID: <two words@y>", "Subject: Nomor aneh", "", "isi"),
        raw("Message-ID:", " <folded-id@x>", "Subject: Nomor terlipat", "", "isi"),
        b"neither header nor body",
    ]
    deliver(server, box, "2026-11-19 09:00", *broken, letter(1))
    count = take(context, "2026-11-19 10:00", "mail")
    assert (count.new, count.quarantined) == (len(broken) + 1, 0)
    found = titles(context)
    assert found["none@x"] is None
    assert found["eight@x"] == found["unknown@x"] == "Jalan rüsak"
    assert found["utf8@x"] == "Jalan rüsak – dua"
    assert found["base64@x"] == "Jalan rusak"
    assert found["notbase64@x"] == "=?utf-8?B?A?="
    assert found["split@x"] == "Jalan rüsak"
    assert found["inject@x"] == "Jalan Bcc: [email]"
    assert found["folded@x"] == found["turned@x"] == "Jalan rusak"
    assert found["long@x"] == "a" * 500
    assert found["folded-id@x"] == "Nomor terlipat"
    unnamed = {title for ticket, title in found.items() if ticket.startswith("sha256-")}
    assert unnamed == {"Tanpa nomor", "Nomor panjang", "Nomor aneh", None}
    assert take(context, "2026-11-19 11:00", "mail").rows == 0


COLUMNS = (
    """
[mail.fields]
ticket = "message_id"
received = "received"
title = "text"
category = "attachments"
channel = "from"
"""
    + UNIT_BY_ADDRESS
)


def with_attachments(number: int) -> EmailMessage:
    mail = letter(number, To="Dinas Sosial <dinsos@contohkab.example>")
    for name in ("foto jalan.jpg", "bukti–dua.pdf", "../../etc/passwd"):
        mail.add_attachment(b"\0\1secret picture", maintype="image", subtype="jpeg", filename=name)
    mail.add_attachment(letter(99, "Diteruskan"))
    return mail


def test_text_and_names_of_attachments_are_taken_where_they_are_mapped(server, box, connect):
    context = connect(COLUMNS)
    deliver(server, box, "2026-11-19 09:00", with_attachments(1))
    assert take(context, "2026-11-19 10:00", "mail").new == 1
    complaint = known(context, "1@rahasiawan.example")
    own = f"Saya {PERSON}, {STREET}, melaporkan jalan rusak."
    assert complaint.title == f"{own} Diteruskan {own}"
    assert complaint.category == "foto jalan.jpg; bukti–dua.pdf; ../../etc/passwd; message/rfc822"
    assert (complaint.unit, complaint.channel) == ("dinsos", "[email]")  # masked like all texts
    assert "secret picture" not in dump(context)


def test_a_mail_that_is_only_html_is_read_as_a_page(server, box, connect):
    context = connect(COLUMNS)
    page = (
        "<html><head><title>Judul</title><style>p { color: red }</style></head><body>"
        "<p>Jalan &amp; jembatan<br>rusak</p><script>alert(1)</script><p>di\r\n Salo</p></body>"
    )
    mail = letter(1, To="dinsos@contohkab.example")
    mail.set_content(page, subtype="html")
    deliver(server, box, "2026-11-19 09:00", mail)
    take(context, "2026-11-19 10:00", "mail")
    assert known(context, "1@rahasiawan.example").title == "Jalan & jembatan rusak di Salo"


def test_of_a_huge_mail_no_more_is_read_than_the_limit(server, box, connect):
    context = connect("max_mail_mb = 1\n" + COLUMNS)
    huge = letter(1, To="dinsos@contohkab.example")
    huge.add_attachment(
        b"x" * (3 << 20), maintype="application", subtype="zip", filename="besar.zip"
    )
    deliver(server, box, "2026-11-19 09:00", huge, letter(2, To="dinsos@contohkab.example"))
    assert take(context, "2026-11-19 10:00", "mail").new == 2
    assert known(context, "1@rahasiawan.example").category == "besar.zip"


def test_of_a_mail_no_more_is_fetched_than_recognizes_it_where_its_header_is_mapped(
    server, box, context, monkeypatch
):
    asked: list[str] = []
    real = LimitedClient.fetch

    def fetch(self, uids, data, modifiers=None):
        asked.extend(data)
        return real(self, uids, data, modifiers)

    monkeypatch.setattr(LimitedClient, "fetch", fetch)
    deliver(server, box, "2026-11-19 09:00", letter(1))
    take(context, "2026-11-19 10:00", "mail")
    head = ["INTERNALDATE", "BODY.PEEK[HEADER]<0.65536>"]
    assert asked == [*head, f"BODY.PEEK[]<0.{256 << 10}>"]
    assert STREET not in dump(context)


@pytest.mark.parametrize(
    ("mail", "column", "told"),
    [
        (b"Date: Thu, 19 Nov 2026 07:00:00 +0800\n\n", "date", "2026-11-18T23:00:00+00:00"),
        (b"Date: Fri, 31 Dec 9999 23:00:00 -1200\n\n", "date", ""),
        (b"Date: yesterday\n\n", "date", ""),
        (b'From: "a, b" <c@d.example>, e@f.example\n\n', "from", "c@d.example, e@f.example"),
        (b"From: =?utf-8?Q?x=40y.example=2C?= <c@d.example>\n\n", "from", "c@d.example"),
        (b"\n\nplain", "text", "plain"),
        (b"Content-Type: text/plain; charset=zip\n\ncaf\xe9", "text", "café"),
        (b"Content-Type: text/plain; charset=utf-7\n\n+2AA-x", "text", "x"),
        (b"Content-Transfer-Encoding: base64\n\n!!!", "text", ""),
        (b'Content-Disposition: attachment; filename="caf\xe9.pdf"\n\n', "attachments", "café.pdf"),
        (
            b"Content-Disposition: attachment; filename*=x-no'id'b%FCkti.pdf\n\n",
            "attachments",
            "bükti.pdf",
        ),
        (b'Content-Type: image/png; name="=?utf-8?Q?b=C3=BC?="\n\n', "attachments", "bü"),
        (b"Content-Type: text/html\n\n<head><p>x<body>y</p><!-- z --><!-- a", "text", "y"),
        (b"Content-Type: text/html\n\n" + b"<!--" * 200_000, "text", ""),
        (b"Content-Type: text/html\n\n" + b"<a " * 200_000, "text", None),
        (b"Content-Type: text/html\n\n" + b"<![" * 200_000, "text", None),
        (b"Content-Type: text/html\n\n" + b"<style>" * 200_000, "text", ""),
        (b"Content-Type: text/html\n\n<!DOCTYPE html><b>1</b> < 2 &lt; &x;", "text", "1 < 2 < &x;"),
        (b"Content-Type: multipart/mixed; boundary=a\n\n" + b"--a\n\n\n" * 3_000, "text", ""),
        (b"Subject: " + b"=?utf-8?q?" * 5_000 + b"\n\n", "subject", None),
        (
            b"".join(
                b"Content-Type: multipart/mixed; boundary=%d\n\n--%d\n" % (n, n)
                for n in range(3_000)
            ),
            "attachments",
            "",
        ),
    ],
)
def test_odd_mails_are_read_as_far_as_they_can_be(mail, column, told):
    (found,) = cells(mail, frozenset({column}), ZoneInfo("UTC"), 500).values()
    assert told is None or found == told


def test_a_message_id_is_the_one_of_the_header():
    assert message_id(b"Subject: x\r\nMESSAGE-ID:<a@b>\r\n") == "a@b"
    assert message_id(b"Message-ID:\r\nSubject:\r\n") == ""
    assert message_id(b"In-Reply-To: <a@b>\r\nX-Message-ID: <c@d>\r\n") == ""
    assert message_id(b"Message-ID: <a\x00\xe2\x80\xae@b>\r\n") == "a @b"


# --- whom it concerns -----------------------------------------------------------------------------


def test_what_a_sender_wrote_is_found_nowhere(server, box, context, caplog):
    caplog.set_level(logging.DEBUG)
    planted = with_attachments(1)
    deliver(server, box, "2026-11-19 09:00", planted, letter(2, f"Hubungi {MAIL}"))
    deliver(server, box, "2030-11-19 09:00", letter(3, f"Dari {PERSON}"))
    assert take(context, "2026-11-19 10:00", "mail").quarantined == 1
    assert [reason for _, reason, _, _ in quarantine(context, "mail")] == ["in_the_future"]
    for told in (dump(context), caplog.text):
        for word in (PERSON, MAIL, STREET, "foto jalan", PASSWORD, USER):
            assert word not in told


# --- the connection -------------------------------------------------------------------------------


def trouble(context: SiteContext) -> str:
    with pytest.raises(SourceError) as error:
        take(context, "2026-11-19 10:00", "mail")
    told = str(error.value)
    assert [s for s in (PASSWORD, "Rahasia", "p%2Fw", USER, "contohkab") if s in told] == []
    return told


def test_starttls_with_a_certificate_that_is_trusted(server, box, connect, monkeypatch):
    monkeypatch.setenv("TENGGAT_MAILBOX_URL", server.url(box, "imap"))
    context = connect(f'ca_file = "{server.authority}"')
    deliver(server, box, "2026-11-19 09:00", letter(1))
    assert take(context, "2026-11-19 10:00", "mail").new == 1


def test_tls_from_the_start_with_a_certificate_that_is_trusted(dovecot, connect, monkeypatch):
    monkeypatch.setenv("TENGGAT_MAILBOX_URL", dovecot.url("INBOX", "imaps"))
    assert take(connect(f'ca_file = "{dovecot.authority}"'), "2026-11-19 10:00", "mail").files == 1
    assert "certificate cannot be trusted" in trouble(connect())


def test_an_unknown_certificate_or_one_for_another_host_is_refused(
    server, box, connect, monkeypatch
):
    monkeypatch.setenv("TENGGAT_MAILBOX_URL", server.url(box, "imap"))
    assert "certificate cannot be trusted" in trouble(connect())
    monkeypatch.setenv("TENGGAT_MAILBOX_URL", server.url(box, "imap", "localhost"))
    context = connect(f'ca_file = "{server.authority}"')
    assert "certificate cannot be trusted (Hostname mismatch" in trouble(context)
    assert "ca_file nowhere.pem: No such file" in trouble(connect('ca_file = "nowhere.pem"'))


def test_a_refused_login_and_a_missing_mailbox_say_so(server, box, context, monkeypatch):
    url = server.url(box)
    monkeypatch.setenv("TENGGAT_MAILBOX_URL", url.replace("Rahasia", "Salah"))
    assert trouble(context) == (
        "mail: the mail server refuses the login; correct user and password in TENGGAT_MAILBOX_URL"
    )
    monkeypatch.setenv("TENGGAT_MAILBOX_URL", server.url("Rahasia"))
    assert trouble(context).startswith("mail: the server has no such mailbox")


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("", "TENGGAT_MAILBOX_URL is not set"),
        ("imap.example", "must be imaps://"),
        ("pop3://a:Rahasia@h", "must be imaps://"),
        ("imaps://Rahasia@h", "must be imaps://"),
        ("imaps://a:Rahasia@h:port", "must be imaps://"),
        ("imaps://a:Rahasia/x@h", "must be imaps://"),
        ("imaps://a:Rahasi%C3%A1@h", "must be in ASCII"),
        ("imaps://a:Rahasia%0D%0Ax@h", "must be in ASCII"),
        ("imap+plain://a:Rahasia@mail.example", "to loopback only"),
        ("imap+plain://a:Rahasia@127.0.0.1:1", "cannot be reached (Connection refused)"),
    ],
)
def test_a_wrong_url_is_told_without_repeating_it(context, monkeypatch, url, told):
    monkeypatch.setenv("TENGGAT_MAILBOX_URL", url)
    assert told in trouble(context)


@pytest.fixture
def odd_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """A server that says these lines, one for each that it hears, then nothing or good-bye."""
    stop: list[socket.socket] = []

    def start(*lines: str, hangs_up: bool = False) -> None:
        listener = socket.create_server(("127.0.0.1", 0))
        stop.append(listener)

        def serve() -> None:
            try:
                talk, _ = listener.accept()
            except OSError:
                return
            stop.append(talk)
            heard = talk.makefile("rb")
            tag = ""
            for number, line in enumerate(lines):
                if number:
                    tag = heard.readline().decode().partition(" ")[0]
                talk.sendall(line.replace("TAG", tag).encode() + b"\r\n")
            heard.readline()
            if hangs_up:
                talk.shutdown(socket.SHUT_RDWR)

        threading.Thread(target=serve, daemon=True).start()
        port = listener.getsockname()[1]
        monkeypatch.setenv("TENGGAT_MAILBOX_URL", f"imap+plain://a:Rahasia@127.0.0.1:{port}")

    yield start
    for each in stop:
        each.close()


CAPABLE = "* CAPABILITY IMAP4rev1\r\nTAG OK done"


@pytest.mark.thorough
def test_a_server_that_falls_silent_is_given_up(odd_server, connect):
    context = connect("timeout_seconds = 0.5")
    odd_server("* OK here")
    assert trouble(context) == (
        "mail: the mail server does not answer within 0.5 seconds (timeout_seconds)"
    )
    odd_server()
    assert "does not answer within" in trouble(context)


def test_a_server_that_is_none_or_breaks_off_says_so(odd_server, connect, monkeypatch):
    context = connect("timeout_seconds = 0.5")
    odd_server("220 mail.example ESMTP")
    assert trouble(context).startswith("mail: the mail server ")
    odd_server("* OK here", CAPABLE, hangs_up=True)
    assert trouble(context).startswith("mail: the mail server ")
    odd_server("* OK here", CAPABLE)
    url = os.environ["TENGGAT_MAILBOX_URL"].replace("imap+plain", "imap")
    monkeypatch.setenv("TENGGAT_MAILBOX_URL", url)
    assert "offers no STARTTLS" in trouble(context)


# --- settings -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (
            'fields = { title = "subjekt" }',
            "a mail has no column 'subjekt'; did you mean `subject`?",
        ),
        ('layout = "snapshot"', "mail.layout: "),
        ('constants = { chanel = "x" }', "constants.chanel: only classification"),
        ('sender = "x"', "mail.sender: unknown key"),
    ],
)
def test_a_wrong_mapping_is_refused(tmp_path, more, told):
    path = tmp_path / "sources.toml"
    path.write_text(MINIMAL + more, encoding="utf-8")
    with pytest.raises(SettingsError) as error:
        read_sources(path)
    assert told in str(error.value)
