"""What each mail in the mailbox of a source is: complaint, copy, reply, or nothing for an official.

The mails go through the reader and the import in this process; the server is tested with
`test_imap_source`. November 2026 has no holiday: 2, 9, 16 and 23 are Mondays.
"""

import json
from collections.abc import Callable
from datetime import datetime
from email.message import EmailMessage
from pathlib import Path

import pytest
from conftest import wita
from sqlalchemy import select
from support.import_results import dump, history, known
from support.incoming_mail.mapping import UNIT_BY_ADDRESS
from support.pipeline import BREACHED, begin, decide, deliver, send_breach

from db.mailbox import replies, source_mails
from db.models import AuditRow, Complaint, MessageRow, OpenQuestion, Reply
from tasks.common.context import SiteContext
from tasks.ingest.importer import import_extract
from tasks.notifications.replies.stated_steps import state_done
from tasks.sources.base import Extract
from tasks.sources.imap import mail_reader
from tasks.sources.imap.message import cells

MAPPING = (
    """
[mail]
type = "imap"
url_variable = "MAILBOX_URL"
stated_by = ["replies"]

[mail.fields]
text = "text"
"""
    + UNIT_BY_ADDRESS
)
REPORTER, LIAISON = "warga@rumah.example", "penghubung.dinsos@contohkab.example"
DESK, OTHER_UNIT = "admin.lapor@contohkab.example", "penghubung.dinkes@contohkab.example"
FIRST = "1@rumah.example"
RECEIVED = ["received 02 09:00 stated", "assigned 02 09:00 stated dinsos"]


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """Nothing here depends on the kind of database."""
    return sqlite_url


class Mailbox:
    """A mailbox of a source, without a server."""

    def __init__(self, context: SiteContext) -> None:
        self.context, self.validity, self.arrived = context, 1, list[tuple[datetime, bytes]]()
        self.notes: list[str] = []

    def gets(self, moment: str, *mails: EmailMessage | bytes) -> int:
        """Deliver mails, and import what is new; returns the number of new complaints."""
        first = len(self.arrived) + 1
        self.arrived += [(wita(moment), bytes(mail)) for mail in mails]
        return self.read(first)

    def read(self, first: int = 1) -> int:
        """Import the mails from this number on, as a run one day after the last one does."""
        now = self.arrived[-1][0].replace(hour=23)
        source = self.context.site.sources["mail"]
        reader = mail_reader.MailReader(self.context, self, "mail", source, now, self.validity)
        rows, mails, _ = reader.rows(list(range(first, len(self.arrived) + 1)))
        name = f"{self.validity} {first} {len(self.arrived)}"
        extract = Extract("mail", name, now, source.columns, rows, cursor="1:1", mails=mails)
        with self.context.transaction() as session:
            imported = import_extract(session, self.context, "mail", extract, now)
        self.notes = reader.notes()
        return imported.record.new

    def kinds(self) -> list[str]:
        with self.context.transaction() as session:
            mails = source_mails.recent(session, "mail", 99)
            return [mail.kind for mail, _ in reversed(mails)]


@pytest.fixture
def connect(site_folder: Path, open_context: Callable[[], SiteContext], monkeypatch):
    """Open a mailbox with this mapping."""
    monkeypatch.setattr(
        mail_reader,
        "heads",
        lambda box, wanted: {
            uid: (box.arrived[uid - 1][0], box.arrived[uid - 1][1].partition(b"\n\n")[0] + b"\n\n")
            for uid in wanted
        },
    )
    monkeypatch.setattr(mail_reader, "whole", lambda box, uid, most: box.arrived[uid - 1][1][:most])

    def opened(mapping: str = MAPPING) -> Mailbox:
        with (site_folder / "sources.toml").open("a", encoding="utf-8") as file:
            file.write(mapping)
        return Mailbox(open_context())

    return opened


@pytest.fixture
def box(connect) -> Mailbox:
    return connect()


def mail(number: int | str = 1, text: str = "Jalan rusak di Salo.", **headers: str) -> EmailMessage:
    written = EmailMessage()
    written.set_content(text)
    usual = {
        "From": REPORTER,
        "To": "dinsos@contohkab.example",
        "Subject": "Jalan rusak",
        "Date": "Mon, 02 Nov 2026 08:59:00 +0800",
    }
    if number:
        usual["Message-ID"] = f"<{number}@rumah.example>"
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    for name, value in (usual | given).items():
        written[name] = value
    return written


def reply(number: int, text: str, sender: str, to: str = FIRST, **headers: str) -> EmailMessage:
    return mail(
        number, text, From=sender, Subject="Re: Jalan rusak", In_Reply_To=f"<{to}>", **headers
    )


# --- mails that no person wrote -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("headers", "kind"),
    [
        ({"Auto_Submitted": "auto-replied"}, "automatic"),
        ({"Auto_Submitted": "auto-generated; owner=x"}, "automatic"),
        ({"X_Auto_Response_Suppress": "All"}, "automatic"),
        ({"X_Autoreply": "yes"}, "automatic"),
        ({"Precedence": "Bulk"}, "bulk"),
        ({"Precedence": "list"}, "bulk"),
        ({"List_Id": "<warta.example>"}, "list"),
        ({"Return_Path": "<>"}, "no_sender"),
        ({"Content_Class": "urn:content-classes:calendarmessage"}, "calendar"),
        ({"Content_Class": "urn:content-classes:mdn"}, "report"),
        ({"Subject": "Recall: Rapat", "Thread_Index": "AdxY"}, "recall"),
        ({"Auto_Submitted": "auto-generated", "From": "tenggat@contohkab.example"}, "own"),
        ({"Auto_Submitted": "no"}, None),
        ({"Subject": "Recall: jembatan"}, None),
        ({"Return_Path": f"<{REPORTER}>"}, None),
    ],
)
def test_a_mail_of_a_machine_is_listed_and_is_no_complaint(box, headers, kind):
    assert box.gets("2026-11-02 09:00", mail(**headers)) == (kind is None)
    assert box.kinds() == ([kind] if kind else [])
    assert box.notes == (
        ["mail: 1 mails of machines are no complaints; see `tenggat source mails mail`"]
        if kind
        else []
    )


def test_a_calendar_reply_and_a_report_are_known_by_their_parts(box):
    invitation = mail(1)
    invitation.add_alternative("BEGIN:VCALENDAR", subtype="calendar", params={"method": "REPLY"})
    report = mail(2)
    report.replace_header("Content-Type", 'multipart/report; report-type="delivery-status"')
    assert box.gets("2026-11-02 09:00", invitation, report) == 0
    assert box.kinds() == ["calendar", "report"]


def test_the_mails_of_a_web_form_are_complaints(connect):
    box = connect(MAPPING.replace("[mail]\n", '[mail]\nforms = ["Formulir@contohkab.example"]\n'))
    form = mail(From="formulir@contohkab.example", Auto_Submitted="auto-generated")
    assert box.gets("2026-11-02 09:00", form) == 1


def test_the_command_lists_the_mails_that_are_no_new_complaints(box, call_tenggat, monkeypatch):
    monkeypatch.setenv("TENGGAT_DATABASE_URL", box.context.site.database_url)
    automatic, answer = mail(2, Auto_Submitted="auto-replied"), reply(3, "[selesai]", LIAISON)
    box.gets("2026-11-02 09:00", mail(), automatic, answer)
    site = ("--site", box.context.site.folder)
    code, out, _ = call_tenggat("source", "mails", "mail", "--json", *site)
    ticket = known(box.context, FIRST).ticket
    received = "2026-11-02T09:00:00+08:00"
    assert (code, json.loads(out)) == (
        0,
        [
            {
                "uid": "3",
                "received": received,
                "kind": "official_reply",
                "ticket": ticket,
                "step": "settled",
            },
            {"uid": "2", "received": received, "kind": "automatic", "ticket": "", "step": ""},
        ],
    )
    code, out, _ = call_tenggat("source", "mails", "mail", "--kind", "automatic", *site)
    assert (code, out.splitlines()[-1]) == (0, "1 mail")
    code, _, error = call_tenggat("source", "mails", "mail", "--kind", "spam", *site)
    assert (code, "no kind 'spam'" in error) == (2, True)


# --- copies ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [1, ""], ids=["with a Message-ID", "without one"])
def test_a_moved_mailbox_brings_nothing_again(box, number):
    assert box.gets("2026-11-02 09:00", mail(number), mail(2, "Lampu mati.")) == 2
    before = len(dump(box.context).splitlines())
    box.validity = 7
    box.arrived = [
        (moment.replace(hour=20), b"X-Moved: yes\n" + content) for moment, content in box.arrived
    ]
    assert box.read() == 0
    assert len(dump(box.context).splitlines()) == before + 1  # the import itself
    assert box.notes == ["mail: 2 copies of mails known already, UID 1, 2"]


@pytest.mark.parametrize(
    ("other", "new"),
    [
        (mail(), 0),
        (mail(Received="by mx.contohkab.example"), 0),
        (mail(text="Lampu mati."), 1),
        (mail(Date="Tue, 03 Nov 2026 08:59:00 +0800"), 1),
        (mail(From="lain@rumah.example"), 1),
        (mail(2), 1),
    ],
)
def test_one_message_id_with_another_content_is_a_complaint_of_its_own(box, other, new):
    assert box.gets("2026-11-02 09:00", mail()) == 1
    assert box.gets("2026-11-03 09:00", other) == new
    assert history(box.context, FIRST) == RECEIVED


def test_mails_before_the_first_day_are_not_read(connect):
    box = connect(
        MAPPING.replace("[mail]\n", "[mail]\nfirst_day = 2026-11-02\nzone = 'Asia/Makassar'\n")
    )
    assert box.gets("2026-11-01 23:59", mail()) == 0
    assert box.gets("2026-11-02 00:00", mail(2)) == 1
    assert box.kinds() == []


# --- replies --------------------------------------------------------------------------------------


def test_a_reply_of_the_reporter_belongs_to_the_complaint(box):
    answered = reply(2, "Sudah diterima, terima kasih.", DESK)
    again = reply(3, "Belum diperbaiki.", REPORTER, to="2@rumah.example")
    assert box.gets("2026-11-02 09:00", mail()) == 1
    assert box.gets("2026-11-03 09:00", answered, again) == 0
    assert history(box.context, FIRST) == [*RECEIVED, "reporter_replied 03 09:00 stated"]
    assert box.kinds() == ["official_reply", "reporter_reply"]


QUOTED = "\n\nPada 2 Nov 2026 warga menulis:\n> [selesai]"


@pytest.mark.parametrize(
    ("sender", "text", "event"),
    [
        (LIAISON, "Sudah kami perbaiki. [Selesai]", "settled"),
        (DESK, "[settled] fixed", "settled"),
        (LIAISON, "[tindak lanjut] tim ke lokasi", "follow_up_published"),
        (LIAISON, "[tanggapan awal]", "responded"),
        (DESK, "[terverifikasi]", "verified"),
        (LIAISON, "Akan kami periksa." + QUOTED, None),
        (OTHER_UNIT, "[selesai]", None),
        (REPORTER, "[selesai]", "reporter_replied"),
    ],
)
def test_a_word_of_the_unit_or_the_desk_states_a_step(box, sender, text, event):
    box.gets("2026-11-02 09:00", mail())
    assert box.gets("2026-11-10 10:00", reply(2, text, sender)) == 0
    stated = [f"{event} 10 10:00 stated"] if event else []
    assert history(box.context, FIRST) == RECEIVED + stated
    with box.context.transaction() as session:
        audit = session.scalars(select(AuditRow).where(AuditRow.kind == "step.stated")).all()
    assert len(audit) == (event not in (None, "reporter_replied"))


def test_a_reply_of_the_desk_s_own_mailbox_is_not_one_of_the_reporter(box):
    own = box.context.site.file.mail.sender
    box.gets("2026-11-02 09:00", mail(), reply(2, "[selesai]", own))
    box.gets("2026-11-03 09:00", reply(3, "[selesai]", "aduan@" + own.partition("@")[2]))
    assert history(box.context, FIRST) == RECEIVED
    assert box.kinds() == ["official_reply", "official_reply"]


def test_a_complaint_and_its_settlement_read_in_one_run_are_both_known(box):
    box.gets("2026-11-02 09:00", mail(), reply(2, "[selesai]", LIAISON))
    assert history(box.context, FIRST) == [*RECEIVED, "settled 02 09:00 stated"]


@pytest.mark.parametrize(
    ("headers", "kind"),
    [
        ({"Authentication_Results": "mx; dmarc=fail"}, "official_reply"),
        ({"Auto_Submitted": "auto-replied"}, "automatic"),
    ],
)
def test_a_forged_or_automatic_reply_states_nothing(box, headers, kind):
    box.gets("2026-11-02 09:00", mail(), reply(2, "[selesai]", LIAISON, **headers))
    assert history(box.context, FIRST) == RECEIVED
    assert box.kinds() == [kind]


def test_words_state_nothing_unless_the_mapping_says_so(connect):
    box = connect(MAPPING.replace('stated_by = ["replies"]\n', ""))
    box.gets("2026-11-02 09:00", mail(), reply(2, "[selesai]", LIAISON))
    assert history(box.context, FIRST) == RECEIVED


def test_an_answer_to_a_mail_of_this_site_is_no_complaint(box):
    send_breach(box.context)
    with box.context.transaction() as session:
        sent = session.scalars(select(MessageRow.message_id_header)).first()
    answer = mail(1, "Sudah.", From=LIAISON, In_Reply_To=sent)
    by_token = mail(2, "Sudah.", From=LIAISON, Subject="Re: [TGT-2Y-1K3-7XQ2M4P8AB-1]")
    assert box.gets(BREACHED, answer, by_token, mail(3)) == 1
    assert box.kinds() == ["notice_reply", "notice_reply"]


def test_a_link_of_a_reminder_states_that_the_named_duties_are_done(box):
    context = box.context
    begin(context, "mail", wita("2026-10-30 08:00"))
    box.gets("2026-11-02 09:00", mail())
    decide(context, "2026-11-16 08:00")
    deliver(context, "2026-11-16 08:00")
    with context.run(wita("2026-11-16 10:00"), "delivery") as run:
        complaint = run.session.scalars(select(Complaint).where(Complaint.source == "mail")).one()
        sent = run.session.scalars(select(MessageRow).where(MessageRow.recipient == LIAISON)).one()
        named = {item.notice.rule for item in sent.items if item.included}
        row = Reply(
            reply_id="a",
            message_id=sent.id,
            complaint_id=complaint.id,
            unit="dinsos",
            role="liaison",
            sender=LIAISON,
            kind="done",
            text="Sudah.",
            received_at=wita("2026-11-16 09:00"),
            recorded_at=run.now,
            outcome="accepted",
        )
        run.session.add(row)
        run.session.flush()
        assert replies.recorded_as_steps(run.session, [row]) == set()
        state_done(run, sent, complaint, "liaison", wita("2026-11-16 09:00"))
        run.session.flush()
        assert replies.recorded_as_steps(run.session, [row]) == {row.id}
    assert named == {"sp4n-guideline/complaint", "uu-25-2009/response"}
    stated = history(context, FIRST)[len(RECEIVED) :]
    assert stated == ["responded 16 09:00 stated", "settled 16 09:00 stated"]


def test_a_link_in_a_mail_that_only_mentions_a_complaint_is_about_the_duty_due_first(box):
    begin(box.context, "mail", wita("2026-10-30 08:00"))
    box.gets("2026-11-02 09:00", mail())
    decide(box.context, "2026-11-05 08:00")
    with box.context.run(wita("2026-11-05 10:00"), "delivery") as run:
        complaint = run.session.scalars(select(Complaint).where(Complaint.source == "mail")).one()
        state_done(run, MessageRow(items=[]), complaint, "liaison", wita("2026-11-05 09:00"))
    assert history(box.context, FIRST)[-1] == "follow_up_published 05 09:00 stated"


def test_for_other_sources_a_link_states_nothing(box):
    send_breach(box.context)
    with box.context.run(wita(BREACHED), "delivery") as run:
        complaint = run.session.scalars(select(Complaint)).one()
        message = run.session.scalars(select(MessageRow)).first()
        state_done(run, message, complaint, "liaison", wita(BREACHED))
        assert not run.session.scalars(select(AuditRow).where(AuditRow.kind == "step.stated")).all()


# --- recipients -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("to", "unit", "asked"),
    [
        ("dinsos@contohkab.example", "dinsos", []),
        ("Budi <budi@rumah.example>, dinsos@contohkab.example", "dinsos", []),
        ("aduan.kota@surel.example", "diskominfo", ["aduan.kota@surel.example"]),
        (
            "bagian@contohkab.example, budi@rumah.example",
            "diskominfo",
            ["bagian@contohkab.example, [email]"],
        ),
    ],
)
def test_a_recipient_that_names_no_unit_is_a_question_that_shows_the_address(box, to, unit, asked):
    box.gets("2026-11-02 09:00", mail(To=to))
    assert known(box.context, FIRST).unit == unit
    with box.context.transaction() as session:
        assert [each.value for each in session.scalars(select(OpenQuestion))] == asked


# --- the text -------------------------------------------------------------------------------------


def test_a_forwarded_mail_keeps_its_text_and_winmail_says_that_text_is_inside(box):
    forwarded = mail(1, "Mohon ditindaklanjuti.")
    forwarded.add_attachment(mail(9, "Lampu mati.", Subject="Lampu"))
    packed = mail(2, "")
    packed.add_attachment(b"x", maintype="application", subtype="ms-tnef", filename="winmail.dat")
    box.gets("2026-11-02 09:00", forwarded, packed)
    assert known(box.context, FIRST).text == "Mohon ditindaklanjuti.\nLampu\nLampu mati."
    assert "winmail.dat" in (known(box.context, "2@rumah.example").text or "")


def test_forwarded_mails_are_read_to_a_limit(box):
    inner = mail(0, "dasar")
    for depth in range(60):
        outer = mail(0, f"tingkat {depth}")
        outer.add_attachment(inner)
        inner = outer
    text = cells(bytes(inner), frozenset({"text"}), box.context.site.zone, 20_000)["text"]
    assert text.startswith("tingkat 59")
    assert len(text.splitlines()) < 30


def test_complaints_stay_apart(box):
    box.gets("2026-11-02 09:00", mail(), mail(2), reply(3, "[selesai]", LIAISON, to=FIRST))
    with box.context.transaction() as session:
        assert len(session.scalars(select(Complaint)).all()) == 2
    assert history(box.context, "2@rumah.example") == RECEIVED
