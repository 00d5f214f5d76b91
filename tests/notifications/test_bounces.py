"""Mails that come back: from a real mail server's yes to a real mailbox, and what follows.

See `front_desk` for the complaints: on 24 November each owes a mail to its liaison and its head.
"""

import json
import logging
import shutil
import socket
import threading
from collections.abc import Iterator
from dataclasses import asdict

import pytest
from conftest import ON_BOTH, ON_SQLITE_FIRST, WITA, kind_of_database, wita
from sqlalchemy import select
from support.incoming_mail.bounce_reports import SENDER, SHAPES, exchange, postfix, qmail, sendmail
from support.pipeline import (
    BREACHED,
    alerts,
    at,
    decide,
    deliver,
    dump,
    messages,
    notices,
    register,
    since,
    statuses,
)
from support.servers.sender_mailbox import Box
from support.servers.smtp_servers import Server, running

from db.lives import MessageStatus
from db.mailbox import bounces
from db.models import AuditRow, MessageKind, MessageRow
from tasks import mailbox as steps
from tasks.common.context import SiteContext
from tasks.mailbox import MailboxCount, ReplyCount, read_mailbox
from tasks.monitoring.health import check, connectivity
from tasks.summary import SummaryRequest, make_summary
from tasks.text.templates import render
from tasks.text.translation import translated


@pytest.fixture
def database_url(request: pytest.FixtureRequest) -> str:
    """What is tested here hangs on no database but where a test is marked."""
    return kind_of_database(request)


CAME_BACK, LATER, NEXT_DAY = "2026-11-24 08:20", "2026-11-24 09:00", "2026-11-25 08:00"
LIAISON, HEAD = "penghubung.dinsos@contohkab.example", "plt.kepala.dinsos@contohkab.example"
ABOVE = "penghubung.kab@contohkab.example"
SECRETARY = "sekda@contohkab.example"
ADMINISTRATOR = "admin.lapor@contohkab.example"


@pytest.fixture
def server() -> Iterator[Server]:
    """A good mail server, to which the site's mail goes."""
    with running() as server:
        yield server


@pytest.fixture
def lived(box, context) -> SiteContext:
    """A site that has sent what a missed deadline owes: a mail to the liaison, one to the head."""
    register(context, BREACHED, at("Dinas Sosial"))
    decide(context, BREACHED)
    assert deliver(context, BREACHED).sent == 2
    return context


def look(context: SiteContext, now: str) -> MailboxCount:
    return read_mailbox(context, wita(now), f"delivery {now}")


def mail_to(context: SiteContext, address: str) -> MessageRow:
    """The newest mail to an address."""
    return next(m for m in reversed(messages(context)) if m.recipient == address)


def marked(context: SiteContext) -> frozenset[str]:
    with context.transaction() as session:
        return bounces.suppressed_addresses(session)


def next_breach(context: SiteContext, now: str, ticket: str, received: str) -> None:
    """Another complaint on the same unit becomes late, and what is owed for it is sent."""
    register(context, now, at("Dinas Sosial"), at("Dinas Sosial", ticket, **since(received)))
    decide(context, now)
    deliver(context, now)


def to(server: Server, ticket: str) -> set[str]:
    """Who was told of a complaint."""
    return {
        letter.recipient
        for letter in server.letters
        if ticket in letter.mail.get_body(("plain",)).get_content()
    }


def lift(context: SiteContext, address: str, now: str) -> bool:
    with context.transaction() as session:
        return bounces.lift(session, address, wita(now))


def comes_back(
    context: SiteContext, box: Box, address: str = LIAISON, now: str = CAME_BACK
) -> None:
    box.gets(
        now, postfix(mail_to(context, address).message_id_header, address, report_id=f"r {now}")
    )


# --- from sent to lifted --------------------------------------------------------------------------


@pytest.mark.thorough
@ON_BOTH
def test_from_a_mail_that_comes_back_to_its_address_mended(lived, box, server):
    comes_back(lived, box)
    assert look(lived, CAME_BACK) == MailboxCount(reports=1, bounced=1)
    assert statuses(lived) == ["bounced", "sent"]
    assert notices(lived) == [("breach", "sent")]  # the head was reached
    assert marked(lived) == {LIAISON}

    assert deliver(lived, CAME_BACK).sent == 1
    letter = server.letters[-1]
    assert letter.recipient == ADMINISTRATOR
    text = letter.mail.get_body(("plain",)).get_content()
    assert letter.mail["Subject"] == "[Tenggat] Surel ke sebuah alamat kembali"
    assert f"Penerima: {LIAISON}" in text
    assert f"Jawaban server: 5.1.1 550 5.1.1 <{LIAISON}>: nobody of that name is here" in text
    assert f"Nomor surel: {mail_to(lived, LIAISON).id}" in text

    next_breach(lived, NEXT_DAY, "FD-2", "17/11/2026")
    assert {LIAISON, ABOVE, HEAD} & to(server, "FD-2") == {ABOVE, HEAD}

    assert lift(lived, LIAISON.upper(), "2026-11-25 10:00")
    assert marked(lived) == frozenset()
    next_breach(lived, "2026-11-26 08:00", "FD-3", "18/11/2026")
    assert {LIAISON, ABOVE, HEAD} & to(server, "FD-3") == {LIAISON, HEAD}
    assert not lift(lived, LIAISON, "2026-11-26 09:00")
    assert alerts(lived).count("bounced_message") == 1


@pytest.mark.thorough
def test_a_notice_that_reached_nobody_has_failed(lived, box):
    for address in (LIAISON, HEAD):
        comes_back(lived, box, address)
        look(lived, CAME_BACK)
    assert (statuses(lived), notices(lived)) == (["bounced", "bounced"], [("breach", "failed")])
    assert marked(lived) == {LIAISON, HEAD}
    assert alerts(lived).count("bounced_message") == 2


@pytest.mark.thorough
@pytest.mark.usefixtures("plain_reports")
def test_a_summary_may_come_back_too(lived, box):
    now = wita(BREACHED)
    make_summary(lived, SummaryRequest("2026-11", now), now, "summary")
    deliver(lived, CAME_BACK)
    (inspector, secretary) = [m.recipient for m in messages(lived, MessageKind.SUMMARY)]
    comes_back(lived, box, secretary)
    assert look(lived, CAME_BACK).bounced == 1
    assert statuses(lived, MessageKind.SUMMARY) == ["sent", "bounced"]
    assert marked(lived) == {secretary} != {inspector}


def test_every_kind_of_server_is_understood(lived, box):
    about = mail_to(lived, LIAISON).message_id_header
    box.gets(CAME_BACK, *(report(about, LIAISON) for report in SHAPES.values()))
    assert look(lived, CAME_BACK) == MailboxCount(reports=len(SHAPES), bounced=1)
    assert marked(lived) == {LIAISON}


@pytest.mark.thorough
def test_a_superior_hears_nothing_if_the_unit_s_mail_came_back_while_the_notice_waited(
    lived, box, server
):
    """Decided on Friday for Monday's mail; on Friday evening both mails to the unit come back."""
    register(lived, "2026-11-27 08:00", at("Dinas Sosial"))
    assert decide(lived, "2026-11-27 08:00").notices == {"escalation": 1}
    for address in (LIAISON, HEAD):
        comes_back(lived, box, address, "2026-11-27 18:00")
    look(lived, "2026-11-27 18:00")
    assert deliver(lived, "2026-11-30 07:30").cancelled == 1
    assert notices(lived) == [("breach", "failed"), ("plus-3", "withdrawn")]
    with lived.transaction() as session:
        query = select(AuditRow.reason).where(AuditRow.kind == "notice.withdrawn")
        assert session.scalars(query).all() == [
            "the responsible unit was not notified before, or has not had its time"
        ]
    # those next in line are told for the unit, and the regional secretary as superior after +3wd
    for day, told in (("11-30", []), ("12-02", []), ("12-03", [1])):
        register(lived, f"2026-{day} 08:00", at("Dinas Sosial"))
        found = decide(lived, f"2026-{day} 08:00")
        assert list(filter(None, [found.notices.get("escalation")])) == told
        deliver(lived, f"2026-{day} 08:00")
    assert {ABOVE, SECRETARY} <= to(server, "FD-1")
    assert notices(lived)[:2] == [("breach", "sent"), ("plus-3", "queued")]


# --- once -----------------------------------------------------------------------------------------


@ON_SQLITE_FIRST
def test_reading_twice_changes_nothing(lived, box):
    comes_back(lived, box)
    look(lived, CAME_BACK)
    before = dump(lived)
    assert look(lived, CAME_BACK) == look(lived, LATER) == MailboxCount()
    assert dump(lived) == before
    assert b"\\Seen" not in box.flags()


@pytest.mark.thorough
def test_mails_numbered_anew_are_read_again_and_change_nothing(lived, box):
    comes_back(lived, box)
    look(lived, CAME_BACK)
    before = dump(lived, "mailbox_position")
    box.make_anew()
    comes_back(lived, box)
    assert look(lived, LATER) == MailboxCount(reports=1)
    assert dump(lived, "mailbox_position") == before
    assert lift(lived, LIAISON, LATER)
    box.make_anew()
    comes_back(lived, box)
    assert look(lived, NEXT_DAY) == MailboxCount(reports=1)
    assert marked(lived) == frozenset()


@pytest.mark.thorough
@ON_BOTH
def test_it_goes_on_from_where_it_was(lived, box, monkeypatch):
    monkeypatch.setattr(steps, "BATCH", 2)
    monkeypatch.setattr(steps, "MOST", 3)
    about = mail_to(lived, LIAISON).message_id_header
    reports = [postfix(about, LIAISON, report_id=f"{n}@x.example") for n in range(5)]
    box.gets(CAME_BACK, *reports)
    assert look(lived, CAME_BACK) == MailboxCount(reports=3, bounced=1)
    assert look(lived, CAME_BACK) == MailboxCount(reports=2)
    assert look(lived, CAME_BACK) == MailboxCount()
    box.gets(LATER, postfix(mail_to(lived, HEAD).message_id_header, HEAD))
    assert look(lived, LATER) == MailboxCount(reports=1, bounced=1)


@pytest.mark.thorough
def test_many_reports_about_an_address_are_told_once_until_it_is_lifted(lived, box):
    about = mail_to(lived, LIAISON).message_id_header
    box.gets(CAME_BACK, postfix(about, LIAISON), sendmail(about, LIAISON), qmail(about, LIAISON))
    assert look(lived, CAME_BACK) == MailboxCount(reports=3, bounced=1)
    assert alerts(lived).count("bounced_message") == 1
    lift(lived, LIAISON, LATER)
    next_breach(lived, NEXT_DAY, "FD-2", "17/11/2026")
    comes_back(lived, box, now="2026-11-25 08:10")
    assert look(lived, "2026-11-25 08:10").bounced == 1
    assert alerts(lived).count("bounced_message") == 2
    assert marked(lived) == {LIAISON}


@pytest.mark.thorough
def test_a_mail_from_before_the_mending_does_not_mark_its_address_again(lived, box):
    lift_at = "2026-11-24 12:00"
    about = mail_to(lived, LIAISON).message_id_header
    comes_back(lived, box)
    look(lived, CAME_BACK)
    lift(lived, LIAISON, lift_at)
    box.gets("2026-11-24 18:00", exchange(about, LIAISON))  # given up after hours of trying
    assert look(lived, "2026-11-24 18:00") == MailboxCount(reports=1)
    assert marked(lived) == frozenset()
    assert alerts(lived).count("bounced_message") == 1


# --- what is not believed -------------------------------------------------------------------------


def test_what_people_write_and_what_is_only_late_marks_nobody(lived, box):
    about = mail_to(lived, LIAISON).message_id_header
    header = f"From: {LIAISON}\nTo: {SENDER}\nIn-Reply-To: {about}\nReferences: {about}\n"
    box.gets(
        CAME_BACK,
        f"{header}Subject: Cuti\nAuto-Submitted: auto-replied\n\nSaya cuti.\n".encode(),
        f"{header}Subject: Re: FD-1\n\nAction: failed\nSudah dijawab.\n".encode(),
        postfix(about, LIAISON, action="delayed", status="4.4.1"),
        postfix(about, LIAISON, report_id="p2@x.example", action="delivered", status="2.0.0"),
        b"\xff\x00 broken",
    )
    others = "mailbox_position", "reply", "message", "audit", "audit_head"  # the answer is recorded
    before, alerts_before = dump(lived, *others), alerts(lived)
    answers = ReplyCount(no_choice=1, ignored=1)
    assert look(lived, CAME_BACK) == MailboxCount(reports=2, replies=answers)
    assert dump(lived, *others) == before
    assert alerts(lived) == [*alerts_before, "unread_replies"]


def test_a_report_about_mail_that_did_not_go_out_from_here_marks_nobody(lived, box):
    later = at("Dinas Sosial", "FD-2", **since("17/11/2026"))
    register(lived, NEXT_DAY, at("Dinas Sosial"), later)
    decide(lived, NEXT_DAY)
    queued = next(m for m in messages(lived) if m.status == MessageStatus.QUEUED)
    box.gets(
        NEXT_DAY,
        postfix("<forged@contohkab.example>", LIAISON),
        postfix(queued.message_id_header, queued.recipient, report_id="p2@x.example"),
        postfix("", LIAISON, report_id="p3@x.example"),
    )
    before = dump(lived, "mailbox_position")
    assert look(lived, NEXT_DAY) == MailboxCount(reports=3, unknown=3)
    assert dump(lived, "mailbox_position") == before


def test_of_a_forwarded_mail_the_address_that_we_wrote_to_is_marked(lived, box):
    about = mail_to(lived, LIAISON).message_id_header
    box.gets(CAME_BACK, postfix(about, "kasmira@rumah.example"))
    assert look(lived, CAME_BACK) == MailboxCount(reports=1, bounced=1)
    assert marked(lived) == {LIAISON}


def test_what_a_report_says_is_shown_on_one_line_and_runs_nowhere(lived, box, server):
    wicked = "smtp; 550 <script>alert(1)</script>\n\tBcc: semua@x.example\u202e"
    about = mail_to(lived, LIAISON).message_id_header
    box.gets(CAME_BACK, postfix(about, LIAISON, diagnostic=wicked))
    look(lived, CAME_BACK)
    deliver(lived, CAME_BACK)
    mail = server.letters[-1].mail
    assert mail["Bcc"] is None
    told = "Jawaban server: 5.1.1 550 <script>alert(1)</script> Bcc: semua@x.example"
    assert told in mail.get_body(("plain",)).get_content().splitlines()
    assert "<script>" not in mail.get_body(("html",)).get_content()


def test_what_came_back_long_ago_is_passed_over(lived, box):
    comes_back(lived, box, now="2026-10-01 08:00")
    assert look(lived, CAME_BACK) == MailboxCount()


# --- the administrator ----------------------------------------------------------------------------


@pytest.mark.thorough
def test_an_administrator_is_not_written_to_about_the_own_address(lived, box, server):
    comes_back(lived, box)
    look(lived, CAME_BACK)
    deliver(lived, CAME_BACK)
    comes_back(lived, box, ADMINISTRATOR, LATER)
    assert look(lived, LATER) == MailboxCount(reports=1, bounced=1)
    assert marked(lived) == {LIAISON, ADMINISTRATOR}
    assert statuses(lived, MessageKind.ALERT) == ["bounced"]
    assert deliver(lived, LATER).sent == 0


def test_another_administrator_is_told_of_it(site_folder, box, open_context):
    file = site_folder / "officers.csv"
    text = file.read_text(encoding="utf-8")
    line = next(line for line in text.splitlines() if ADMINISTRATOR in line)
    second = line.replace(ADMINISTRATOR, "kedua@contohkab.example")
    file.write_text(text + second + "\n", encoding="utf-8")
    context = open_context()
    register(context, BREACHED, at("Dinas Perhubungan"))  # has no head: an alert
    decide(context, BREACHED)
    deliver(context, BREACHED)
    alone = [m.recipient for m in messages(context, MessageKind.ALERT)]
    assert sorted(alone) == [ADMINISTRATOR, "kedua@contohkab.example"]
    comes_back(context, box, ADMINISTRATOR)
    look(context, CAME_BACK)
    told = [m.recipient for m in messages(context) if m.detail.get("alert") == "bounced_message"]
    assert "kedua@contohkab.example" in told


# --- the mailbox cannot be read -------------------------------------------------------------------


@pytest.fixture
def unreachable() -> Iterator[str]:
    """The URL of a mailbox at which nobody answers."""
    with socket.socket() as nobody:  # bound and not listening: it refuses
        nobody.bind(("127.0.0.1", 0))
        yield f"imap+plain://tenggat:s3cret@127.0.0.1:{nobody.getsockname()[1]}/INBOX"


def test_a_mailbox_that_is_down_keeps_no_mail_and_is_told_once_a_day(
    unreachable, open_context, server, monkeypatch, caplog
):
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("TENGGAT_BOUNCES_URL", unreachable)
    monkeypatch.setenv("TENGGAT_MAIL_URL", server.url())
    context = open_context()
    register(context, BREACHED, at("Dinas Sosial"))
    decide(context, BREACHED)
    for now in (BREACHED, CAME_BACK, LATER):
        trouble = look(context, now).trouble
        assert trouble.startswith("mail/bounces: the mail server cannot be reached (")
        assert "TENGGAT_BOUNCES_URL" in trouble
        deliver(context, now)
    assert [m.recipient for m in messages(context)] == [LIAISON, HEAD, ADMINISTRATOR]
    assert len(server.letters) == 3
    told = server.letters[-1].mail.get_body(("plain",)).get_content()
    assert f"Pesan galat: {translated(trouble, 'id')}" in told
    assert "server surel tidak dapat dihubungi (sambungan ditolak" in told
    assert "Hari: 2026-11-24" in told
    look(context, NEXT_DAY)
    assert alerts(context) == ["bounce_mailbox_unreadable"] * 2
    assert "s3cret" not in trouble + told + caplog.text + str(dump(context))


def test_a_server_that_talks_nonsense_keeps_no_mail(context, server, monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as odd:
        port = odd.getsockname()[1]
        thread = threading.Thread(target=nonsense, args=(odd,))
        thread.start()
        context.site.mail_url = server.url()
        context.site.bounces_url = f"imap+plain://tenggat:s3cret@127.0.0.1:{port}/INBOX"
        register(context, BREACHED, at("Dinas Sosial"))
        decide(context, BREACHED)
        count = look(context, BREACHED)
        thread.join(10)
    assert count.trouble.startswith("mail/bounces: ")
    assert "Rahasia" not in count.trouble
    assert deliver(context, BREACHED).sent == 3


def nonsense(listener: socket.socket) -> None:
    """One connection: a login that is taken, and then what no server says."""
    connection, _ = listener.accept()
    with connection, connection.makefile("rwb") as line:
        line.write(b"* OK [CAPABILITY IMAP4rev1] ready\r\n")
        line.flush()
        while asked := line.readline():
            tag, command = asked.split()[:2]
            if command.upper() in (b"EXAMINE", b"SELECT"):
                line.write(b"* OK [UIDVALIDITY Rahasia(((] \xff\r\n* FETCH ((\r\n")
            line.write(tag + b" OK done\r\n")
            line.flush()


def test_a_wrong_url_is_told_without_repeating_it(context):
    for url in ("imap://host/INBOX", "https://a:s3cret@host", "imaps://a:s3cret#@host"):
        context.site.bounces_url = url
        trouble = look(context, BREACHED).trouble
        assert "TENGGAT_BOUNCES_URL must be imaps://user:password@host/INBOX" in trouble
        assert "s3cret" not in trouble


def test_the_authority_of_the_mailbox_is_named_in_site_toml(
    site_folder, imap, open_context, monkeypatch
):
    with imap.client() as client:
        if not client.folder_exists("Kembali"):
            client.create_folder("Kembali")
    monkeypatch.setenv("TENGGAT_BOUNCES_URL", imap.url("Kembali", "imap"))
    trouble = look(open_context(), BREACHED).trouble
    assert "certificate cannot be trusted" in trouble
    assert "`[mail] bounces_ca_file`" in trouble
    file = site_folder / "site.toml"
    text = file.read_text(encoding="utf-8")
    shutil.copy(imap.authority, site_folder / "authority.pem")
    text = text.replace("[mail]\n", '[mail]\nbounces_ca_file = "authority.pem"\n')
    file.write_text(text, encoding="utf-8")
    assert look(open_context(), CAME_BACK) == MailboxCount()


def test_without_a_mailbox_nothing_is_looked_for(context, monkeypatch):
    before = dump(context)
    assert look(context, BREACHED) == MailboxCount()
    assert dump(context) == before


# --- who watches ----------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def _no_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the doctor wait for a real server: on a busy machine its 5 seconds are few."""
    monkeypatch.setattr(connectivity, "ANSWERS_WITHIN", 60.0)


def found(context: SiteContext, now: str) -> dict[str, tuple[str, str]]:
    return {each.what: (each.level, each.remedy) for each in check(context.site, wita(now))}


@pytest.mark.thorough
def test_doctor_shows_marked_addresses_and_what_to_do(lived, box):
    comes_back(lived, box)
    look(lived, CAME_BACK)
    told = found(lived, LATER)
    assert told["the mailbox for returned mail can be read"] == ("good", "")
    (marked,) = [what for what in told if what.startswith("mail to")]
    assert marked.startswith(
        f"mail to {LIAISON} comes back since 2026-11-24 08:20 (5.1.1 550 5.1.1"
    )
    level, remedy = told[marked]
    assert level == "trouble"
    assert f"`tenggat mail lift {LIAISON}`" in remedy
    lift(lived, LIAISON, LATER)
    assert not [what for what in found(lived, LATER) if what.startswith("mail to")]


@pytest.mark.thorough
def test_an_address_that_nobody_has_any_more_is_no_trouble(lived, box, site_folder, open_context):
    comes_back(lived, box)
    look(lived, CAME_BACK)
    file = site_folder / "officers.csv"
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace(LIAISON, "kasmira@contohkab.example"), encoding="utf-8")
    told = found(open_context(), LATER)
    assert not [what for what in told if what.startswith("mail to")]


@pytest.mark.thorough
def test_doctor_shows_a_mailbox_that_cannot_be_read(context, unreachable):
    context.site.mail_url = "smtp+plain://127.0.0.1:9"
    level, remedy = found(context, LATER)["mails that come back are not looked for"]
    assert (level, "TENGGAT_BOUNCES_URL" in remedy) == ("note", True)
    context.site.bounces_url = unreachable
    (what,) = [what for what in found(context, LATER) if what.startswith("mail/bounces: ")]
    assert found(context, LATER)[what][0] == "trouble"


@pytest.mark.parametrize("locale", ["id", "en"])
def test_the_artifact_of_a_delivery_shows_what_came_back(locale):
    counts = dict.fromkeys(("sent", "deferred", "dead", "cancelled", "pending"), 0)

    def shown(**told: object) -> str:
        read = asdict(MailboxCount()) | told
        return render(
            "report/delivery.md.j2",
            locale=locale,
            zone=WITA,
            now=wita(LATER),
            site="Contoh",
            mode="",
            in_trial=0,
            by_role={},
            mailbox=read,
            trouble="",
            deferred_answer="",
            quota_reached=False,
            **counts,
        )

    assert len(shown(reports=1234, bounced=7, unknown=5)) > len(shown())
    number = "1.234" if locale == "id" else "1,234"
    assert all(text in shown(reports=1234, bounced=7, unknown=5) for text in (number, "7", "5"))
    assert "mail/bounces: a \\| b" in shown(trouble="mail/bounces: a | b")


# --- the command line -----------------------------------------------------------------------------


@pytest.mark.thorough
def test_marked_addresses_are_listed_and_lifted(lived, box, call_tenggat, site_folder):
    comes_back(lived, box)
    look(lived, CAME_BACK)
    site = ("--site", site_folder)
    code, out, _ = call_tenggat("mail", "bounces", "--json", *site)
    assert code == 0
    assert json.loads(out) == [
        {
            "address": LIAISON,
            "since": "2026-11-24 08:20",
            "code": "5.1.1",
            "answer": f"550 5.1.1 <{LIAISON}>: nobody of that name is here",
            "mail": str(mail_to(lived, LIAISON).id),
        }
    ]
    code, out, _ = call_tenggat("mail", "bounces", *site)
    assert (code, "1 addresses" in out, LIAISON in out) == (0, True, True)
    code, _, errors = call_tenggat("mail", "lift", "penghubung@contohkab.example", *site)
    assert code == 2
    assert f"did you mean `{LIAISON}`?" in errors
    code, out, _ = call_tenggat("mail", "lift", LIAISON, "--now", "2026-11-24T09:00", *site)
    assert (code, out) == (0, f"mail goes to {LIAISON} again\n")
    code, _, errors = call_tenggat("mail", "lift", LIAISON, *site)
    assert (code, "none is marked" in errors) == (2, True)
    assert json.loads(call_tenggat("mail", "bounces", "--json", *site)[1]) == []
    assert len(call_tenggat("mail", "list", "--status", "bounced", *site)[1].splitlines()) == 3
