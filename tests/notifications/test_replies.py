"""Answers to notices: from a link in a mail to the statement beside the complaint.

See `support.pipeline` for the complaints: on 24 November the breach of FD-1 goes to its liaison and
its head; on 27 November its escalation is decided, and goes to superiors on the Monday after.
Nothing that a unit states moves a deadline.
"""

import html
import json
import logging
import re
from collections.abc import Iterator
from datetime import date
from email.message import EmailMessage
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from conftest import ON_BOTH, ON_SQLITE_FIRST, REPOSITORY, kind_of_database, wita
from hypothesis import assume, given
from hypothesis import strategies as st
from sqlalchemy import select
from support.incoming_mail.answers import both, gmail_page, outlook_page, plain, quoted
from support.pipeline import (
    BREACHED,
    ESCALATED,
    MONDAY,
    at,
    decide,
    deliver,
    dump,
    messages,
    notices,
    register,
    since,
)
from support.servers.sender_mailbox import Box
from support.servers.smtp_servers import Server, running
from support.small_site import NAME

from db import retention
from db.audit import AuditKind
from db.mailbox import replies
from db.models import AuditRow, Complaint, MessageRow, Reply, ReplyKind, ReplyOutcome
from tasks.common.context import SiteContext
from tasks.evaluation.evidence import as_data
from tasks.evaluation.explain import as_html, as_text, explanations
from tasks.mailbox import ReplyCount, read_mailbox
from tasks.notifications.enqueue import UNREAD_REPLIES
from tasks.notifications.replies import match, parse
from tasks.notifications.replies.harmless import says_only_done
from tasks.notifications.replies.links import reply_links
from tasks.notifications.replies.token import Token, find_tokens, is_signed, token_text
from tasks.notifications.replies.wording import Wording, catalog_words, plain_words
from tasks.reports.builder import report_view
from tasks.reports.public_edition import public_edition

ANSWERED, LATER, NEXT_DAY = "2026-11-24 09:10", "2026-11-24 10:00", "2026-11-25 08:00"
LIAISON, HEAD = "penghubung.dinsos@contohkab.example", "plt.kepala.dinsos@contohkab.example"
OTHER_UNIT = "penghubung.dinkes@contohkab.example"
STRANGER = "warga@rumah.example"
CHOICES = list(ReplyKind)


@pytest.fixture
def database_url(request: pytest.FixtureRequest) -> str:
    """The kind of database matters only where a test is marked."""
    return kind_of_database(request)


@pytest.fixture
def server() -> Iterator[Server]:
    """A good mail server, to which the site's mail goes."""
    with running() as server:
        yield server


@pytest.fixture
def lived(box: Box, context: SiteContext) -> SiteContext:
    """A site that has sent the breach of FD-1 to the liaison and the head."""
    register(context, BREACHED, at("Dinas Sosial"))
    decide(context, BREACHED)
    assert deliver(context, BREACHED).sent == 2
    return context


def look(context: SiteContext, now: str = ANSWERED) -> ReplyCount:
    count = read_mailbox(context, wita(now), f"delivery {now}")
    assert (count.trouble, count.reports) == ("", 0)
    return count.replies


def mail_to(context: SiteContext, address: str = LIAISON) -> MessageRow:
    """The newest mail to an address."""
    return next(m for m in reversed(messages(context)) if m.recipient == address)


def stored(context: SiteContext) -> list[Reply]:
    with context.transaction() as session:
        return list(session.scalars(select(Reply).order_by(Reply.id)))


def letter_to(server: Server, address: str) -> EmailMessage:
    return next(each.mail for each in reversed(server.letters) if each.recipient == address)


def links(mail: EmailMessage) -> list[tuple[str, dict[str, str]]]:
    """The mailto links of a mail in order: the address, and the subject and body given."""
    page = mail.get_body(("html",)).get_content()
    found = []
    for url in re.findall(r'href="(mailto:[^"]+)"', page):
        parts = urlsplit(url.replace("&amp;", "&"))
        given = {key: values[0] for key, values in parse_qs(parts.query).items()}
        found.append((unquote(parts.path), given))
    return found


def token_in(text: str) -> Token:
    (found,) = find_tokens(text)
    return found


def subject_for(
    context: SiteContext, choice: int = 1, address: str = LIAISON, ticket: str = "FD-1"
) -> str:
    """The subject of an answer to the newest mail to an address; 0 chooses nothing."""
    message = mail_to(context, address)
    with context.transaction() as session:
        complaint = session.scalars(select(Complaint).where(Complaint.ticket == ticket)).one()
        named = f"{message.message_id_header}\x1f{complaint.source}\x1f{complaint.ticket}"
        token = token_text(replies.signing_key(session), message.id, complaint.id, named)
    return f"Jawaban [{token}-{choice}]" if choice else f"[{token}]"


def states(context: SiteContext, box: Box, choice: int = 1, text: str = "", **more: str) -> None:
    """The liaison answers about FD-1, and the answer is read."""
    now = more.pop("now", ANSWERED)
    sender = more.pop("sender", LIAISON)
    subject = more.pop("subject", "") or subject_for(context, choice)
    reply_id = more.pop("reply_id", f"{now.replace(' ', 'T')}@dinas.example")
    box.gets(now, plain(text, sender=sender, subject=subject, reply_id=reply_id, **more))


# --- from the link to the next mail ---------------------------------------------------------------


@pytest.mark.thorough
@ON_BOTH
def test_from_a_link_in_a_mail_to_the_mail_of_the_superior(lived, box, server):
    addresses, given = zip(*links(letter_to(server, LIAISON)), strict=True)
    assert set(addresses) == {"tenggat@contohkab.example"}
    assert [token_in(each["subject"]).choice for each in given] == CHOICES
    assert given[0]["subject"].startswith("Sudah ditindaklanjuti: FD-1 [TGT-")
    assert [each.get("body") for each in given] == [None, None, "Kendala: "]

    derived = ("reply", "audit", "audit_head", "mailbox_position")
    before = dump(lived, *derived)
    said = "Kendala: menunggu berkas dari pemohon, hubungi 0812-3456-7890"
    box.gets(ANSWERED, plain(said, sender=LIAISON, subject=given[2]["subject"]))
    assert look(lived) == ReplyCount(accepted=1)
    assert dump(lived, *derived) == before  # no deadline, no notice, no mail

    (row,) = stored(lived)
    assert (row.outcome, row.kind, row.unit, row.role) == (
        "accepted",
        "obstacle",
        "dinsos",
        "liaison",
    )
    assert (row.sender, row.message_id) == (LIAISON, mail_to(lived).id)
    assert row.text == "menunggu berkas dari pemohon, hubungi [telepon]"
    assert row.received_at == wita(ANSWERED)
    assert notices(lived) == [("breach", "sent")]

    register(lived, ESCALATED, at("Dinas Sosial"))
    decide(lived, ESCALATED)
    deliver(lived, MONDAY)
    above = next(m for m in reversed(messages(lived)) if m.role not in ("liaison", "head_of_unit"))
    mail = letter_to(server, above.recipient)
    text = " ".join(mail.get_body(("plain",)).get_content().split())
    assert (
        "Pernyataan perangkat daerah, 24 Nov 2026: terdapat kendala - "
        '"menunggu berkas dari pemohon, hubungi [telepon]" (belum tercatat di aplikasi pengaduan)'
    ) in text
    assert "terdapat kendala" in mail.get_body(("html",)).get_content()
    assert links(mail) == []  # a superior does not speak for the unit


def test_a_statement_in_english_where_the_reader_reads_english(site_folder, box, server):
    file = site_folder / "site.toml"
    text = file.read_text(encoding="utf-8")
    file.write_text(re.sub(r'(?m)^locale = "id"', 'locale = "en"', text), encoding="utf-8")
    directory = site_folder / "officers.csv"
    rows = directory.read_text(encoding="utf-8").replace(",id\n", ",en\n")
    directory.write_text(rows, encoding="utf-8")
    context = SiteContext.open(site_folder)
    try:
        register(context, BREACHED, at("Dinas Sosial"))
        decide(context, BREACHED)
        deliver(context, BREACHED)
        first = letter_to(server, LIAISON)
        assert links(first)[0][1]["subject"].startswith("Already followed up: FD-1 [TGT-")
        token = token_in(links(first)[0][1]["subject"])
        text = " ".join(first.get_body(("plain",)).get_content().split())
        assert "Answer: Already followed up / Not our authority / Obstacle" in text
        assert f"subject [TGT-{text.partition('[TGT-')[2].partition(']')[0]}]" in text
        assert token_in(text).signature == token.signature
    finally:
        context.close()


@pytest.mark.parametrize("locale", ["id", "en"])
def test_a_link_is_short_and_its_parts_are_escaped(locale):
    token = token_text(b"k", 2**31 - 1, 2**31 - 1, "m")
    found = reply_links("tenggat@contohkab.example", token, "FD-1 & \r\nBcc: x?", locale)
    assert found.token == f"[{token}]"
    for number, (label, url) in enumerate(found.choices, start=1):
        assert len(url) < 250
        assert label
        address, _, given = url.partition("?")
        assert address == "mailto:tenggat@contohkab.example"
        (subject,) = parse_qs(given)["subject"]
        assert subject.endswith(f"FD-1 & Bcc: x? [{token}-{number}]")
        assert set(given) & set('\r\n <>"') == set()


def test_without_a_mailbox_or_switched_off_no_mail_has_links(context, server):
    context.site.mail_url = server.url()
    assert context.site.reply_address == ""
    register(context, BREACHED, at("Dinas Sosial"))
    decide(context, BREACHED)
    deliver(context, BREACHED)
    assert links(letter_to(server, LIAISON)) == []
    assert "TGT-" not in letter_to(server, LIAISON).get_body(("plain",)).get_content()


def test_the_settings_name_another_address_or_switch_answers_off(site_folder, box, open_context):
    file = site_folder / "site.toml"
    text = file.read_text(encoding="utf-8")
    for line, address in (
        ('replies_to = "jawab@contohkab.example"', "jawab@contohkab.example"),
        ("replies = false", ""),
        ("", "tenggat@contohkab.example"),
    ):
        file.write_text(text.replace("[mail]\n", f"[mail]\n{line}\n"), encoding="utf-8")
        assert open_context().site.reply_address == address


# --- who is believed, and what is recorded --------------------------------------------------------

AUTO = "Auto-Submitted: auto-replied\n"
OUTCOMES: dict[str, tuple[dict[str, object], str | None]] = {
    # how the answer differs from a good one: outcome, or None if it is ignored
    "the recipient": ({}, "accepted"),
    "the recipient in capitals": ({"sender": LIAISON.upper()}, "accepted"),
    "a holder of another office of the unit": ({"sender": HEAD}, "accepted"),
    "a holder of an office of another unit": ({"sender": OTHER_UNIT}, "wrong_sender"),
    "a stranger with the token": ({"sender": STRANGER}, "wrong_sender"),
    "two senders": ({"sender": f"{LIAISON}, {STRANGER}"}, "wrong_sender"),
    "no sender": ({"sender": ""}, "wrong_sender"),
    "a name that is an address": ({"sender": f'"{LIAISON}" <{STRANGER}>'}, "wrong_sender"),
    "a failed check of the sender": (
        {"headers": "Authentication-Results: mx.contohkab.example; dmarc=fail\n"},
        "wrong_sender",
    ),
    "a passed check above a forged one": (
        {
            "headers": "Authentication-Results: mx.contohkab.example; dmarc=pass\n"
            "Authentication-Results: forged.example; dmarc=fail\n"
        },
        "accepted",
    ),
    "no choice": ({"choice": 0, "text": "Baik, terima kasih."}, "no_choice"),
    "a choice in words": ({"choice": 0, "text": "Sudah ditindaklanjuti."}, "accepted"),
    "an unknown choice": ({"choice": 7}, "no_choice"),
    "a link with words against it": ({"text": "baru sebagian, belum selesai"}, "doubtful"),
    "an absence note": ({"headers": AUTO}, None),
    "an absence note of Exchange": ({"headers": "Auto-Submitted: auto-generated\n"}, None),
    "an older absence note": ({"headers": "Precedence: bulk\n"}, None),
    "an absence note without a return path": ({"headers": "Return-Path: <>\n"}, None),
    "an automatic answer of a desk": ({"headers": "X-Autoreply: yes\n"}, None),
    "a mailing list": ({"headers": "List-Id: <semua.contohkab.example>\n"}, None),
    "a person who says so": ({"headers": "Auto-Submitted: no\n"}, "accepted"),
    "a token never issued": ({"subject": "[TGT-1-1-0123456789-1]"}, None),
    # a key too large for the database
    "no usable token": ({"subject": "[TGT-ZZZZZZZZ-1-0123456789-1]"}, None),
    "no answered mail": ({"subject": "Undangan rapat"}, None),
}


@pytest.mark.parametrize("which", OUTCOMES)
def test_each_kind_of_answer_has_its_outcome(lived, box, which):
    change, outcome = OUTCOMES[which]
    mails = len(messages(lived))
    states(lived, box, **change)
    count = look(lived)
    rows = stored(lived)
    assert [row.outcome for row in rows] == ([outcome] if outcome else [])
    assert count.read == (0 if which in ("no usable token", "no answered mail") else 1)
    if outcome == "wrong_sender":
        (row,) = rows
        assert (row.sender, row.role, row.kind, row.text) == ("", "", "", "")
    alerted = outcome in ("no_choice", "doubtful")  # nobody else is written to because of an answer
    assert len(messages(lived)) == mails + alerted


@pytest.mark.parametrize(
    ("text", "outcome"),
    [
        ("Sudah selesai tanggal 24 November 2026", "accepted"),
        ("Sudah selesai tanggal 23 November", "doubtful"),
        ("Sudah ditindaklanjuti tanggal 20 Desember", "doubtful"),
        ("Sudah ditindaklanjuti Dinas Sosial, FD-1", "accepted"),
        ("Sudah ditindaklanjuti Dinas Kesehatan", "doubtful"),
        ("Sudah selesai tanggal 31 Februari", "doubtful"),
        ("Kendala: alat datang tanggal 20 Desember", "accepted"),
    ],
)
def test_work_is_stated_as_done_only_on_the_day_of_the_answer(lived, box, text, outcome):
    states(lived, box, choice=0, text=text)
    look(lived)
    (row,) = stored(lived)
    assert (row.outcome, row.text != "") == (outcome, True)
    told = [each for each in messages(lived, "alert") if each.detail["alert"] == "unread_replies"]
    assert len(told) == (outcome == "doubtful")


def test_answers_without_a_choice_are_told_to_the_administrator_once_a_day(lived, box):
    """Without their words, and the later ones of a day on the next day."""
    for n, moment in enumerate(("2026-11-24 12:00", "2026-11-24 15:00", "2026-11-25 09:00")):
        if n < 2:
            states(lived, box, choice=0, text=f"Baik, {NAME} {n}", reply_id=f"r{n}@x.example")
        look(lived, moment)
    told = [each for each in messages(lived, "alert") if each.detail["alert"] == "unread_replies"]
    assert [each.detail["replies"] for each in told] == [1, 1]
    assert all(NAME not in str(each.detail) for each in told)


def test_the_alert_about_answers_names_their_units_and_complaints_and_when_they_came(
    lived, box, server
):
    """The mail is read hours after the answers came; two of them are about one complaint."""
    states(lived, box, choice=0, text=f"Baik, {NAME}", reply_id="r1@x.example")
    states(lived, box, choice=0, text="Baik", now="2026-11-24 09:30", reply_id="r2@x.example")
    about = mail_to(lived, HEAD)
    with lived.transaction() as session:
        session.get(MessageRow, about.id).detail = {"complaints": 2}
    states(
        lived,
        box,
        text="Sudah ditindaklanjuti",
        sender=HEAD,
        subject="Re: 2 pengaduan",
        reply_id="r3@x.example",
        headers=f"References: {about.message_id_header}\n",
    )
    look(lived, "2026-11-24 12:00")
    deliver(lived, "2026-11-24 12:00")
    (told,) = [each for each in messages(lived, "alert") if each.detail["alert"] == UNREAD_REPLIES]
    text = letter_to(server, told.recipient).get_body(("plain",)).get_content()
    lines = text.splitlines()
    assert "Jawaban yang belum jelas: 3" in lines
    assert "Diterima terakhir: Selasa, 24 November 2026 pukul 09.30 WITA" in lines
    assert "Perangkat daerah: Dinas Sosial (FD-1, surel tentang beberapa pengaduan)" in lines
    assert NAME not in text + str(told.detail)


def test_an_altered_token_is_no_token(lived, box):
    good = subject_for(lived)
    token = token_in(good)
    other = "1" if token.signature[-1] != "1" else "2"
    for n, bad in enumerate(
        (
            good.replace(token.signature, token.signature[:-1] + other),
            good.replace(f"TGT-{token.message}-", f"TGT-{token.message + 1}-", 1),
        )
    ):
        states(lived, box, subject=bad, reply_id=f"bad{n}@x.example")
    assert look(lived) == ReplyCount(ignored=2)
    assert stored(lived) == []


def test_a_second_answer_counts_only_if_it_says_something_else(lived, box):
    states(lived, box, 1)
    states(lived, box, 1, now="2026-11-24 09:20")
    states(lived, box, 3, "menunggu anggaran", now="2026-11-24 09:30")
    assert look(lived, LATER) == ReplyCount(accepted=2, repeated=1)
    with lived.transaction() as session:
        (found,) = replies.statements(session, None, wita(LATER)).values()
    assert (found.kind, found.text) == ("obstacle", "menunggu anggaran")


@ON_SQLITE_FIRST
def test_a_later_answer_that_denies_it_withdraws_a_statement(lived, box, server):
    states(lived, box, 1)
    states(lived, box, 0, "Belum, masih menunggu alat", now="2026-11-24 09:20")
    assert look(lived, LATER) == ReplyCount(accepted=1, doubtful=1)
    with lived.transaction() as session:
        assert replies.statements(session, None, wita(LATER)) == {}
        assert report_view(session, lived, "2026-11", wita(NEXT_DAY)).table("statements").rows == ()
        (found,) = explanations(session, lived, "FD-1", wita(NEXT_DAY))
    assert [each.superseded for each in found.statements] == [True]
    assert "tidak lagi dipertahankan perangkat daerah" in as_text(lived.site, found)
    register(lived, ESCALATED, at("Dinas Sosial"))
    decide(lived, ESCALATED)
    deliver(lived, MONDAY)
    above = next(m for m in reversed(messages(lived)) if m.role not in ("liaison", "head_of_unit"))
    assert "Pernyataan" not in letter_to(server, above.recipient).get_body(("plain",)).get_content()


def test_after_a_denial_the_same_statement_counts_again(lived, box):
    states(lived, box, 1)
    states(lived, box, 0, "Ralat: belum selesai", now="2026-11-24 09:20")
    states(lived, box, 1, now="2026-11-24 09:30")
    assert look(lived, LATER) == ReplyCount(accepted=2, doubtful=1)
    with lived.transaction() as session:
        (found,) = replies.statements(session, None, wita(LATER)).values()
    assert found.received_at == wita("2026-11-24 09:30")


@pytest.mark.parametrize(
    ("text", "sender"),
    [
        ("Baik, terima kasih.", LIAISON),
        ("Sudah ditindaklanjuti tanggal 23 November", LIAISON),
        ("Belum selesai", STRANGER),
    ],
)
def test_no_other_answer_withdraws_a_statement(lived, box, text, sender):
    states(lived, box, 1)
    states(lived, box, 0, text, sender=sender, now="2026-11-24 09:20")
    look(lived, LATER)
    with lived.transaction() as session:
        (found,) = replies.statements(session, None, wita(LATER)).values()
    assert found.kind == "done"


@ON_SQLITE_FIRST
def test_an_answer_read_twice_is_recorded_once(lived, box):
    states(lived, box, reply_id="same@dinas.example")
    assert look(lived) == ReplyCount(accepted=1)
    assert look(lived) == ReplyCount()
    before = dump(lived, "mailbox_position")
    box.make_anew()
    states(lived, box, reply_id="same@dinas.example")
    assert look(lived, LATER) == ReplyCount(ignored=1)
    assert dump(lived, "mailbox_position") == before


def test_a_loop_of_answers_does_not_fill_the_database(lived, box):
    subject = subject_for(lived)
    mails = [
        plain("", sender=STRANGER, subject=subject, reply_id=f"{n}@x.example") for n in range(25)
    ]
    box.gets(ANSWERED, *mails)
    assert look(lived) == ReplyCount(wrong_sender=20, ignored=5)


def test_after_a_handover_the_statement_stays_that_of_the_unit_that_made_it(lived, box):
    handed = at("Dinas Sosial") | {
        "Dikembalikan": "24/11/2026 08:20",
        "Unit Pengganti": "Dinas Kesehatan",
        "Diteruskan Kembali": "24/11/2026 08:30",
    }
    register(lived, "2026-11-24 08:40", handed)
    decide(lived, "2026-11-24 08:41")
    states(lived, box, 1)
    assert look(lived) == ReplyCount(accepted=1)
    assert [row.unit for row in stored(lived)] == ["dinsos"]
    with lived.transaction() as session:
        view = report_view(session, lived, "2026-11", wita(LATER))
        assert view.table("statements").rows == ()


@pytest.mark.parametrize(
    ("reader", "responsible", "unit"),
    [
        ("dinsos", "dinsos", "dinsos"),
        ("dinkes", "rsud", "rsud"),
        ("dinsos", "dinkes", "dinsos"),
        ("dinsos", None, "dinsos"),
        (None, "dinkes", "dinkes"),
        (None, None, ""),
    ],
)
def test_the_unit_of_a_complaint_without_a_notice_in_the_mail(context, reader, responsible, unit):
    assert match._unit_below(context, reader, responsible) == unit


# --- an answer without a link: to the mail itself -------------------------------------------------


def test_an_answer_to_a_mail_about_one_complaint_needs_no_token(lived, box):
    about = mail_to(lived).message_id_header
    states(
        lived,
        box,
        text="Telah ditindaklanjuti, mohon dicek.\n\nPada Sel, 24 Nov 2026 Tenggat menulis:\n>x",
        subject="Re: [Tenggat] 1 pengaduan",
        headers=f"In-Reply-To: {about}\nReferences: <old@x.example>\n {about}\n",
    )
    assert look(lived) == ReplyCount(accepted=1)
    (row,) = stored(lived)
    assert (row.kind, row.text) == ("done", "mohon dicek.")


@pytest.mark.parametrize("others", [("FD-2", "FD-3"), ("FD-2",)])
def test_of_a_mail_about_several_an_answer_without_a_token_names_none(lived, box, others):
    """A mail shows the whole desk: FD-1 is late since the day before, only the others have a
    notice.
    """
    more = [at("Dinas Sosial", ticket, **since("17/11/2026")) for ticket in others]
    register(lived, NEXT_DAY, at("Dinas Sosial"), *more)
    decide(lived, NEXT_DAY)
    deliver(lived, NEXT_DAY)
    message = mail_to(lived)
    assert len({item.notice.complaint_id for item in message.items}) == len(others)
    states(
        lived,
        box,
        now="2026-11-25 09:00",
        text="Sudah ditindaklanjuti",
        subject="Re: 2 pengaduan",
        headers=f"References: {message.message_id_header}\n",
    )
    assert look(lived, "2026-11-25 09:00") == ReplyCount(no_choice=1)
    (row,) = stored(lived)
    assert (row.complaint_id, row.kind, row.text) == (None, "", "")
    assert row.unit == "dinsos"


# --- an answer about several complaints -----------------------------------------------------------


@pytest.fixture
def two(lived: SiteContext) -> SiteContext:
    """The liaison has a mail about FD-1 and FD-2."""
    register(lived, NEXT_DAY, at("Dinas Sosial"), at("Dinas Sosial", "FD-2", **since("17/11/2026")))
    decide(lived, NEXT_DAY)
    deliver(lived, NEXT_DAY)
    return lived


def outcomes(context: SiteContext) -> dict[str, tuple[str, str]]:
    """The outcome and the choice of the answer about each complaint; each has one row."""
    with context.transaction() as session:
        found = session.execute(
            select(Complaint.ticket, Reply.outcome, Reply.kind).join(
                Complaint, Complaint.id == Reply.complaint_id
            )
        ).all()
    assert len(found) == len({ticket for ticket, _, _ in found})
    return {ticket: (outcome, kind) for ticket, outcome, kind in found}


def answers_about(context: SiteContext, box: Box, subject: str, text: str = "", **more: str) -> int:
    states(context, box, subject=subject, text=text, now="2026-11-25 09:00", **more)
    return look(context, "2026-11-25 09:00").read


@ON_SQLITE_FIRST
def test_each_token_in_a_subject_gets_its_row(two, box):
    done = f"Sudah ditindaklanjuti: FD-1 {subject_for(two)}; FD-2 {subject_for(two, ticket='FD-2')}"
    assert answers_about(two, box, done, "Sudah selesai pak") == 2
    assert outcomes(two) == {"FD-1": ("accepted", "done"), "FD-2": ("accepted", "done")}
    box.make_anew()
    assert answers_about(two, box, done, "Sudah selesai pak") == 1  # read before
    assert len(stored(two)) == 2


def test_another_choice_in_the_subject_leaves_done_in_doubt(two, box):
    subject = f"Sudah ditindaklanjuti: FD-1 {subject_for(two)}, "
    subject += f"Bukan kewenangan kami: FD-2 {subject_for(two, 2, ticket='FD-2')}"
    answers_about(two, box, subject)
    assert outcomes(two) == {"FD-1": ("doubtful", ""), "FD-2": ("accepted", "not_ours")}


def test_two_choices_for_one_complaint_are_none(two, box):
    answers_about(two, box, f"{subject_for(two)} {subject_for(two, 3)}", "Kendala: alat")
    assert {(row.outcome, row.kind) for row in stored(two)} == {("doubtful", "")}


@pytest.mark.parametrize(
    "text", ["Sudah ditindaklanjuti, juga FD-2.", "Sudah selesai (FD-2)", "{}"]
)
def test_a_complaint_that_only_the_words_name_is_told_to_the_administrator(two, box, text):
    other = subject_for(two, ticket="FD-2")
    answers_about(two, box, subject_for(two), text.format(other))
    assert outcomes(two) == {"FD-1": ("doubtful", "done"), "FD-2": ("no_choice", "")}
    (told,) = [each for each in messages(two, "alert") if each.detail["alert"] == UNREAD_REPLIES]
    assert told.detail["about"] == [["dinsos", "FD-1"], ["dinsos", "FD-2"]]


def test_an_obstacle_of_one_complaint_counts_and_the_other_named_one_is_unclear(two, box):
    answers_about(two, box, subject_for(two, 3), "Kendala: alat rusak, sama dengan FD-2")
    assert outcomes(two) == {"FD-1": ("accepted", "obstacle"), "FD-2": ("no_choice", "")}


def test_words_that_name_a_complaint_of_a_mail_about_several_are_kept_with_it(two, box):
    about = f"References: {mail_to(two).message_id_header}\n"
    answers_about(two, box, "Re: 2 pengaduan", "FD-2 sudah ditindaklanjuti", headers=about)
    assert outcomes(two) == {"FD-2": ("no_choice", "")}
    assert [row.text for row in stored(two)] == ["FD-2 sudah ditindaklanjuti"]


@pytest.mark.parametrize("choice", [1, 2, 3])
def test_beside_an_altered_token_nothing_is_accepted(two, box, choice):
    good = subject_for(two, choice)
    altered = subject_for(two, choice, ticket="FD-2").replace("TGT-", "TGT-1")
    answers_about(two, box, f"{good} {altered}", "Kendala: alat" if choice == 3 else "")
    assert {outcome for outcome, _ in outcomes(two).values()} == {"no_choice"}


def test_the_words_are_not_kept_if_one_of_the_complaints_is_secret(two, box):
    with two.transaction() as session:
        session.scalars(select(Complaint).where(Complaint.ticket == "FD-2")).one().secret = True
    answers_about(two, box, subject_for(two, 3), f"Kendala: {NAME}, juga FD-2")
    assert [row.text for row in stored(two)] == ["", ""]


def test_done_in_answer_to_another_mail_is_about_the_duties_of_that_mail(lived, box):
    first = subject_for(lived)
    register(
        lived, ESCALATED, at("Dinas Sosial"), at("Dinas Sosial", "FD-2", **since("17/11/2026"))
    )
    decide(lived, ESCALATED)
    deliver(lived, ESCALATED)
    second = subject_for(lived)
    assert token_in(first).message != token_in(second).message
    for number, subject in enumerate((first, second, second)):
        moment = f"2026-11-28 09:0{number}"
        states(lived, box, subject=subject, now=moment)
        look(lived, moment)
    assert [row.outcome for row in stored(lived)] == ["accepted", "accepted", "repeated"]


def test_a_stranger_names_no_other_complaint(two, box):
    answers_about(two, box, subject_for(two), "juga FD-2", sender=STRANGER)
    assert outcomes(two) == {"FD-1": ("wrong_sender", "")}


# --- how mail programs write ----------------------------------------------------------------------

OWN = "Kendala: berkas – “belum lengkap”"
STYLES: dict[str, bytes] = {
    "plain": plain(OWN, sender=LIAISON),
    "quoted-printable": plain(OWN, sender=LIAISON, encoding="quoted-printable"),
    "base64": plain(OWN, sender=LIAISON, encoding="base64"),
    "windows-1252": plain(OWN, sender=LIAISON, charset="cp1252", encoding="quoted-printable"),
    "above a quoted mail": plain(
        f"{OWN}\n\nPada Sel, 24 Nov 2026 pukul 08.00 Tenggat <tenggat@contohkab.example>\n"
        f"menulis:\n\n{quoted()}\n",
        sender=LIAISON,
    ),
    "above a quoted mail in English": plain(
        f"{OWN}\n\nOn Tue, Nov 24, 2026 at 8:00 Tenggat wrote:\n{quoted()}", sender=LIAISON
    ),
    "below a quoted mail": plain(
        f"On Tue, Nov 24, 2026 Tenggat wrote:\n{quoted()}\n\n{OWN}", sender=LIAISON
    ),
    "Outlook, plain": plain(
        f"{OWN}\n\n-----Original Message-----\nFrom: Tenggat\nSent: Tuesday\nKendala: lain",
        sender=LIAISON,
    ),
    "Outlook in Indonesian": plain(
        f"{OWN}\n\n________________________________\nDari: Tenggat\nDikirim: Selasa\nlain",
        sender=LIAISON,
    ),
    "signature": plain(f"{OWN}\n-- \nKasmirawati, NIP 1987\n", sender=LIAISON),
    "phone": plain(f"{OWN}\n\nSent from my Galaxy", sender=LIAISON),
    "Gmail": both(
        f"{OWN}\n\nPada Sel, 24 Nov 2026 pukul 08.00 Tenggat menulis:\n\n{quoted()}",
        gmail_page(OWN),
        sender=LIAISON,
    ),
    "HTML only, Gmail": plain(gmail_page(OWN), sender=LIAISON, kind="html"),
    "HTML only, Outlook": plain(outlook_page(OWN), sender=LIAISON, kind="html"),
    "an empty plain part beside HTML": both(" ", gmail_page(OWN), sender=LIAISON),
}


@pytest.mark.parametrize("style", STYLES)
def test_the_own_words_are_found_however_a_program_writes_them(style):
    reply = parse.read(STYLES[style])
    assert (reply.wording(None).choice, reply.text) == (
        ReplyKind.OBSTACLE,
        "berkas – “belum lengkap”",
    )
    assert reply.sender == LIAISON


@pytest.mark.parametrize(
    ("text", "choice"),
    [
        ("Sudah ditindaklanjuti", ReplyKind.DONE),
        ("* SUDAH DITINDAKLANJUTI *", ReplyKind.DONE),
        ("Bukan kewenangan kami, mohon ke Dinas PUPR", ReplyKind.NOT_OURS),
        ("Ada kendala: listrik", ReplyKind.OBSTACLE),
        ("Not within our authority.", ReplyKind.NOT_OURS),
        ("Belum sudah ditindaklanjuti", None),
        ("Sudah kami tindaklanjuti tanggal 9 April 2026", ReplyKind.DONE),
        ("Sdh selesai tgl 8 April. Terima kasih", ReplyKind.DONE),
        ("Sdh selesai tgl. 8/4/2026", ReplyKind.DONE),
        ("sudah selesai", ReplyKind.DONE),
        ("Belum selesai, kendala vaksin", ReplyKind.OBSTACLE),
        ("Belum selesai", None),
        ("Sudah selesai?", None),
        ("Sudah selesai sebagian", None),
        ("Sudah selesai belum", None),
        ("Sudah kami tindaklanjuti tanggal 9 April, masih menunggu RSUD", None),
        ("Akan selesai tanggal 9 April", None),
        ("Tidak ada kendala", None),
        ("", None),
        (quoted("Sudah ditindaklanjuti"), None),
    ],
)
def test_the_first_words_choose_where_the_token_does_not(text, choice):
    assert read_words(text).choice is choice


def read_words(text: str, subject: str = "[TGT-1-2-0123456789]") -> Wording:
    reply = parse.read(plain(text, sender=LIAISON, subject=subject))
    return reply.wording(reply.tokens[0].choice)


DENIED = [
    "Sudah ditindaklanjuti sebagian, belum selesai",
    "Sudah ditindaklanjuti belum ya?",
    "Sudah ditindaklanjuti, tapi belum selesai",
    "Sudah ditindaklanjuti, tp blm selesai",
    "Sudah ditindaklanjuti?",
    "Sudah ditindaklanjuti.\nKendala: alat rusak",
    "Sudah ditindaklanjuti, sisanya minggu depan",
    "Done, but not the second part",
    "Kendala tidak ada, sudah selesai",
    "Kendala: tidak ada",
    "Kendala: nihil.",
    "Kendala: -",
    "Kendalanya tidak ada lagi",
    "Kendala sudah teratasi",
    "Kendala: bukan kewenangan kami",
    "Bukan kewenangan? Sudah kami kerjakan kok",
    "Bukan kewenangan kami, tapi sudah ditindaklanjuti",
    "Bukan kewenangan kami sepenuhnya",
]
COUNTED = [
    ("Sudah ditindaklanjuti, mohon dicek.", ReplyKind.DONE),
    ("Selamat pagi pak, sudah selesai", ReplyKind.DONE),
    ("Kendala: anggaran tidak ada", ReplyKind.OBSTACLE),
    ("Kendala: tidak ada anggaran", ReplyKind.OBSTACLE),
    ("Kendala: belum ada vaksin, dijadwalkan 20 Desember", ReplyKind.OBSTACLE),
    ("Obstacle: it cannot be done before the rain ends", ReplyKind.OBSTACLE),
    ("Bukan kewenangan kami, tetapi Dinas PUPR; mohon ditindaklanjuti di sana", ReplyKind.NOT_OURS),
    ("Bukan kewenangan kami, sudah kami teruskan ke Dinas PUPR", ReplyKind.NOT_OURS),
]


@pytest.mark.parametrize("text", DENIED)
def test_a_choice_that_its_own_words_deny_limit_or_question_is_none(text):
    wording = read_words(text)
    assert (wording.choice, wording.denies) == (None, True)


@pytest.mark.parametrize(("text", "choice"), COUNTED)
def test_a_choice_with_words_that_leave_no_doubt_counts(text, choice):
    wording = read_words(text)
    assert (wording.choice, wording.denies) == (choice, False)


def test_words_contradict_a_link_and_a_choice_in_the_subject_as_well():
    link = "Sudah ditindaklanjuti: FD-1 [TGT-1-2-0123456789-1]"
    for subject in (link, link.replace("-1]", "]")):
        assert read_words("Baru sebagian", subject).denies
        assert read_words("Mohon dicek", subject).choice is ReplyKind.DONE
    assert read_words("Kendala: listrik padam", link).denies
    assert read_words("", "Sudah ditindaklanjuti? [TGT-1-2-0123456789]").denies


def test_a_disclaimer_below_an_answer_does_not_leave_it_in_doubt():
    below = "Pesan ini bersifat rahasia; bila Anda bukan penerima yang dituju, mohon dihapus."
    assert read_words(f"Sudah ditindaklanjuti.\n\n{below}").choice is ReplyKind.DONE


TODAY = date(2026, 11, 24)  # a Tuesday
SIGNED = "Kasmirawati, S.Sos\nPejabat Penghubung Dinas Sosial\nNIP. 19870101 201001 2 001"
ONLY_DONE = [
    "",
    "Sudah ditindaklanjuti, terima kasih",
    "Sdh ditindaklanjuti. Demikian disampaikan, terima kasih.",
    "Sudah selesai pak 🙏",
    "Siap, sudah selesai bu",
    "Selesai, terima kasih.",
    "Yth. Bapak Admin, assalamualaikum. Pengaduan no. FD-1 tersebut sudah kami tindak lanjuti.",
    "Alhamdulillah sudah beres pak",
    "Izin melaporkan, pengaduan FD-1 sudah ditindaklanjuti Dinas Sosial.",
    "Sudah ditindaklanjuti oleh tim kami, lihat https://contohkab.example/?id=7",
    "Sudah ditindaklanjuti, dokumentasi terlampir.",
    "Sudah ditindaklanjuti hari ini",
    "Tlh diperbaiki pagi ini, trims",
    "Sudah selesai tanggal 24 November",
    "sdh selesai tgl. 24/11/2026",
    "Sudah selesai hari Selasa, 24 Nopember 2026",
    "sudah selesai 24-11-26",
    "Sudah selesai 2026-11-24",
    "Sudah selesai tgl 24",
    "This is done, November 24, 2026. Thank you",
    "Already followed up.\nKind regards,\nJohn Doe",
    f"Sudah ditindaklanjuti, terima kasih.\n{SIGNED}\nTelp. (0473) 21-045, HP 0812-3456-7890",
    f"{SIGNED}\nJl. Contoh No. 12\nkasmira@dinsos.example",
    "Sudah selesai\nHormat kami,\nBudi Contoh\nKepala Bidang Perlindungan dan Jaminan Sosial",
    "Sudah selesai. Wassalam, Kasmirawati",
]
MORE_THAN_DONE = [
    "sudah kami selesaikan hari Jumat",
    "Sudah ditindaklanjuti hari Senin",
    "Followed up on Monday",
    "Sudah ditindaklanjuti tanggal tujuh belas November",
    "sdh dari kmrn pak",
    "2 hr yg lalu",
    "sebelum batas waktu",
    "Siap, laksanakan",
    "Siap",
    "Siap, selesai hari ini",
    "Baik, terima kasih",
    "Insya Allah selesai akhir bulan",
    "Sudah dijadwalkan kunjungan rumah",
    "Sdh 50 %",
    "Sudah selesai 50%",
    "Sudah WA pak",
    "Abaikan email ini, salah kirim",
    "Mohon maaf salah klik, ini urusan Dinas PUPR",
    "Ini ranah Dinas PUPR bu, mohon dialihkan",
    "Terima kasih sudah ditindaklanjuti",
    "Sudah kami sampaikan",
    "Sudah kami terima, terima kasih",
    "Sudah. Kami tindaklanjuti hari ini",
    "No.",
    "Hari ini",
    "Selesai akhir bulan",
    "Sudah selesai tanggal 23 November",
    "Sudah selesai tgl. 9",
    "Sudah selesai 9-11-26",
    "Sudah selesai 07-11-2026",
    "Sudah selesai tanggal 24 November 2025",
    "Sudah selesai tanggal 24 Desember",
    "Sudah selesai 24/11/25",
    "Sudah selesai 24.11.2025",
    "Sudah selesai tanggal 31 Februari",
    "Sudah selesai pukul 15.00",
    "Sudah selesai hari Selasa lalu",
    "Sudah selesai kemarin",
    "Sudah ditindaklanjuti oleh Dinas PUPR",
    "Sudah ditindaklanjuti pengaduan FD-2",
    "Petugas sudah memperbaiki lampu pagi ini",
    "Sudah Dijadwalkan Kunjungan Rumah\nDinas Sosial",
    "Sudah Ditindaklanjuti Hari Senin\nKasmirawati",
    "Sudah ditindaklanjuti\nKasmirawati\nHari Senin",
    "Sudah ditindaklanjuti\nHormat kami,\nBudi Contoh\nSenin, 23 November 2026",
]


def only_done(text: str, writer: str = "Kasmirawati", today: date = TODAY) -> bool:
    names = ("Dinas Sosial", "Dinsos", "FD-1", "no. FD-1")
    return says_only_done([text], today, names, [writer])


@pytest.mark.parametrize("text", ONLY_DONE)
def test_an_answer_of_harmless_words_says_only_that_the_work_is_done(text):
    assert only_done(text)


@pytest.mark.parametrize("text", MORE_THAN_DONE)
def test_any_other_word_may_change_the_meaning_of_done(text):
    assert not only_done(text)


@pytest.mark.parametrize("name", ["Jumat Contoh", "Agustus", "Senin"])
def test_a_writer_who_is_called_like_a_day_does_not_make_the_day_harmless(name):
    assert not only_done("Sudah selesai Jumat, Senin", name)
    assert not only_done("Sudah selesai hari Jumat", name)
    assert not only_done("Sudah selesai hari Senin", name)
    assert not only_done("Sudah selesai tanggal 17 Agustus", name)


@pytest.mark.parametrize("text", MORE_THAN_DONE)
def test_a_link_with_other_words_ends_no_duty(text):
    """The subject of the link has the words of the choice, but only the own words count."""
    wording = read_words(text, "Sudah ditindaklanjuti: FD-1 [TGT-1-2-0123456789-1]")
    accepted = wording.choice is ReplyKind.DONE and not wording.denies
    assert not (accepted and all(only_done(part) for part in wording.parts))


@given(st.text(alphabet=st.characters(categories=["L", "Nd"]), min_size=1, max_size=12))
def test_a_word_that_no_list_has_leaves_done_in_doubt(word):
    keys = ("words.done", "claims.done", "harmless.anywhere", "harmless.beside_done")
    lists = [*keys, "harmless.thanks", "harmless.closing", "harmless.titles"]
    known = {each for key in lists for each in catalog_words(f"reply.{key}")}
    assume(plain_words(word) not in known | {"dinsos", "kasmirawati", "selasa", "tuesday"})
    assert not only_done(f"Sudah selesai {word}")


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\xff\xfe\x00",
        b"Subject: [TGT-1-2-0123456789-1]\n",
        b"Subject: =?utf-8?b?!!!?= [TGT-1-2-0123456789-1]\nContent-Type: multipart/mixed\n\n",
        b"Content-Type: text/plain; charset=no-such\n\nKendala: x",
        b"From: a@b.example\nContent-Type: text/html\n\n" + b"<div " * 40_000,
    ],
)
def test_a_broken_mail_raises_nothing(raw):
    assert parse.may_be(raw, "contohkab.example") in (True, False)
    reply = parse.read(raw)
    assert reply is None or reply.sender in ("", "a@b.example")


@pytest.mark.parametrize(
    "subject",
    [
        "Re: Sudah ditindaklanjuti: FD-1 [{}]",
        "=?utf-8?q?Balas=3A_=5B{}=5D?=",
        "RE: [EKSTERNAL] Sudah\n ditindaklanjuti: FD-1\n [{}]",
        "[{}]",
    ],
)
def test_the_token_survives_mail_programs(subject):
    token = token_text(b"k", 77, 4096, "m")
    written = plain("", sender=LIAISON, subject=subject.format(f"{token.lower()}-2"))
    assert parse.may_be(written, "other.example")
    (found,) = parse.read(written).tokens
    assert (found.message, found.complaint, found.choice) == (77, 4096, ReplyKind.NOT_OURS)
    assert is_signed(found, b"k", "m")
    assert not is_signed(found, b"k", "n")
    assert not is_signed(found, b"l", "m")


# --- personal data --------------------------------------------------------------------------------

PLANTED = ("Qzxvina", "3171234567890123", "081234567890", "korban@rumah.example")


def everything_but_replies(context: SiteContext) -> str:
    return json.dumps(dump(context, "reply", "message"), default=repr)


def test_nothing_that_an_answer_says_reaches_log_audit_or_counts(lived, box, caplog):
    caplog.set_level(logging.DEBUG)
    said = f"{' '.join(PLANTED)} melapor"
    states(lived, box, 3, said)
    states(lived, box, 3, said, sender=f"{PLANTED[0]} <{STRANGER}>", now="2026-11-24 09:20")
    box.gets(ANSWERED, plain(said, sender=PLANTED[3], subject=f"{PLANTED[0]} [TGT-1-1-ABCDEFGHJK]"))
    count = look(lived, LATER)
    assert (count.accepted, count.wrong_sender, count.ignored) == (1, 1, 1)
    seen = caplog.text + repr(count) + everything_but_replies(lived)
    assert [word for word in (*PLANTED, STRANGER) if word in seen] == []
    first, second = stored(lived)
    assert first.text == f"{PLANTED[0]} [NIK] [telepon] [email] melapor"
    assert (second.text, second.sender) == ("", "")


def test_the_reporter_is_masked_and_nothing_of_a_hidden_complaint_is_kept(lived, box):
    with lived.transaction() as session:
        session.scalars(select(Complaint)).one().reporter = "Qzxvina Bte Ali"
    states(lived, box, 3, "kata QZXVINA BTE ALI dan qzxvina, berkas kurang")
    look(lived)
    with lived.transaction() as session:
        session.scalars(select(Complaint)).one().secret = True
    states(lived, box, 2, "Qzxvina tinggal di kabupaten lain", now="2026-11-24 09:20")
    assert look(lived, LATER) == ReplyCount(accepted=1)
    assert [(row.kind, row.text) for row in stored(lived)] == [
        ("obstacle", "kata [nama] dan [nama], berkas kurang"),
        ("not_ours", ""),
    ]


def test_the_words_end_with_the_texts_of_the_complaint(lived, box):
    states(lived, box, 3, "menunggu anggaran")
    look(lived)
    with lived.transaction() as session:
        complaint = session.scalars(select(Complaint)).one()
        complaint.title = None
        session.flush()
        found = retention.with_texts(session, wita("2027-12-01 08:00"), 0, 10)
        assert [each.id for each in found] == [complaint.id]
        retention.forget(session, [complaint.id])
        assert retention.with_texts(session, wita("2027-12-01 08:00"), 0, 10) == []
    assert [(row.kind, row.text) for row in stored(lived)] == [("obstacle", "")]


def test_long_words_are_cut_and_shown_as_text(lived, box, server):
    states(lived, box, 3, "<script>alert(1)</script> {{ 7*7 }} " + "x" * 900)
    look(lived)
    (row,) = stored(lived)
    assert len(row.text) == 300
    register(lived, ESCALATED, at("Dinas Sosial"))
    decide(lived, ESCALATED)
    deliver(lived, MONDAY)
    page = server.letters[-1].mail.get_body(("html",)).get_content()
    assert "<script>" not in page
    assert "{{ 7*7 }}" in page


# --- the audit, the report and the command line ---------------------------------------------------


@pytest.mark.thorough
@ON_BOTH
def test_each_recorded_answer_is_in_the_audit_and_the_statement_in_the_report(lived, box):
    states(lived, box, 1)
    states(lived, box, 1, sender=STRANGER, now="2026-11-24 09:20")
    look(lived, LATER)
    with lived.transaction() as session:
        rows = session.scalars(
            select(AuditRow).where(AuditRow.kind.startswith("reply.")).order_by(AuditRow.seq)
        ).all()
        assert [row.kind for row in rows] == [
            AuditKind.REPLY_ACCEPTED,
            AuditKind.REPLY_NOT_ACCEPTED,
        ]
        assert json.loads(rows[0].subject) == {
            "unit": "dinsos",
            "role": "liaison",
            "statement": "done",
            "outcome": "accepted",
        }
        view = report_view(session, lived, "2026-11", wita(NEXT_DAY))
        table = view.table("statements")
        keys = [column.key for column in table.columns]
        (row,) = table.rows
        assert dict(zip(keys, row.cells, strict=True)) == {
            "ticket": "FD-1",
            "statement": "done",
            "stated_on": wita(ANSWERED).date(),
            "working_days_late": 2,
            "unit": "dinsos",
        }
        assert row.tickets == ("FD-1",)
        assert view.names("statement", "done").text == "sudah ditindaklanjuti"
        assert public_edition(view).table("statements") is None
        earlier = report_view(session, lived, "2026-11", wita("2026-11-24 09:00"))
        assert earlier.table("statements").rows == ()
        again = report_view(session, lived, "2026-11", wita(NEXT_DAY))
        assert again.sha256 == view.sha256


def test_the_explanation_of_a_complaint_has_the_statement(lived, box):
    states(lived, box, 3, "Kendala: menunggu <b>berkas</b>")
    look(lived)
    line = "Pernyataan Dinas Sosial, 24 Nov 2026: terdapat kendala – “menunggu <b>berkas</b>”"
    with lived.transaction() as session:
        (before,) = explanations(session, lived, "FD-1", wita("2026-11-24 09:00"))
        (after,) = explanations(session, lived, "FD-1", wita(NEXT_DAY))
    assert before.statements == ()
    said = as_text(lived.site, after)
    assert f"{line} (belum tercatat di aplikasi pengaduan)" in said
    assert html.escape(line) in as_html(lived.site, after)
    assert as_data(lived, after)["statements"] == [
        {
            "unit": "dinsos",
            "statement": "obstacle",
            "stated_on": "2026-11-24T09:10:00+08:00",
            "text": "menunggu <b>berkas</b>",
            "recorded_in_source": False,
        }
    ]
    settled = at("Dinas Sosial", Selesai="25/11/2026 09:40")
    register(lived, "2026-11-26 07:00", settled)
    with lived.transaction() as session:
        (done,) = explanations(session, lived, "FD-1", wita("2026-11-26 08:00"))
    assert line in as_text(lived.site, done)
    assert "belum tercatat" not in as_text(lived.site, done)


def test_the_explanation_keeps_a_statement_that_a_newer_one_replaced(lived, box):
    states(lived, box, 3, "Kendala: menunggu berkas")
    states(lived, box, 1, now="2026-11-24 10:20")
    look(lived, LATER)
    with lived.transaction() as session:
        (found,) = explanations(session, lived, "FD-1", wita(NEXT_DAY))
    assert [(each.kind, each.superseded) for each in found.statements] == [
        ("obstacle", True),
        ("done", False),
    ]
    said = as_text(lived.site, found)
    assert "“menunggu berkas” (digantikan pernyataan yang lebih baru" in said
    assert [each["statement"] for each in as_data(lived, found)["statements"]] == ["done"]
    (earlier,) = as_data(lived, found)["superseded_statements"]
    assert earlier["statement"] == "obstacle"


@ON_SQLITE_FIRST
def test_a_statement_ends_when_the_source_shows_the_settlement_or_a_reopening(lived, box):
    states(lived, box, 1)
    look(lived)
    settled = at("Dinas Sosial", Selesai="24/11/2026 09:40")
    register(lived, LATER, settled)
    register(lived, "2026-11-25 07:00", settled)
    decide(lived, NEXT_DAY)

    def in_report(now: str) -> int:
        with lived.transaction() as session:
            view = report_view(session, lived, "2026-11", wita(now))
            return len(view.table("statements").rows)

    assert in_report("2026-11-25 09:00") == 0
    again = settled | {"Dibuka Kembali": "25/11/2026 10:00"}
    register(lived, "2026-11-25 11:00", again)
    with lived.transaction() as session:
        assert replies.statements(session, None, wita("2026-11-25 12:00")) == {}
        assert len(replies.statements(session, None, wita("2026-11-25 10:30"))) == 1


@pytest.mark.thorough
def test_the_command_lists_answers(lived, box, site_folder, call_tenggat):
    states(lived, box, 3, "menunggu anggaran")
    states(lived, box, sender=STRANGER, now="2026-11-24 09:20")
    look(lived, LATER)
    site = ("--site", site_folder)
    code, out, _ = call_tenggat("replies", "--json", *site)
    assert code == 0
    newest, oldest = json.loads(out)
    assert newest == {
        "received": "2026-11-24 09:20",
        "ticket": "FD-1",
        "unit": "dinsos",
        "role": "",
        "sender": "",
        "statement": "",
        "outcome": "wrong_sender",
        "text": "",
        "mail": str(mail_to(lived).id),
    }
    assert (oldest["sender"], oldest["statement"]) == (LIAISON, "obstacle")
    assert oldest["text"] == "menunggu anggaran"
    code, out, _ = call_tenggat("replies", "--outcome", "accepted", *site)
    assert (code, "1 answers" in out, "menunggu anggaran" in out) == (0, True, True)
    code, _, err = call_tenggat("replies", "--outcome", "acepted", *site)
    assert code == 2
    assert "accepted" in err


def outcomes_of_the_table(text: str) -> set[str]:
    return set(re.findall(r"`(accepted|repeated|no_choice|doubtful|wrong_sender)`", text))


@pytest.mark.thorough
def test_the_table_in_the_docs_has_every_outcome():
    page = (REPOSITORY / "docs" / "notifications.md").read_text(encoding="utf-8")
    assert outcomes_of_the_table(page) == set(ReplyOutcome)
