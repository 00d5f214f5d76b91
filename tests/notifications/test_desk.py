"""The content of a mail: everything open for its reader at that moment, whatever caused the mail.

See `support.pipeline` for the complaints: a request for information has five working days. One
received on the 16th is due on the 23rd, on the 17th on the 24th, on the 18th on the 25th.
"""

import csv
from dataclasses import replace
from datetime import date
from email import message_from_bytes

import pytest
from conftest import wita
from icalendar import Calendar
from sqlalchemy import delete, event, select
from support.outgoing_mail.sent_mails import Sent
from support.pipeline import (
    BREACHED,
    ESCALATED,
    MONDAY,
    at,
    begin,
    decide,
    deliver,
    explained,
    notices,
    owe,
    register,
    since,
)
from support.small_site import DAY, TICKET, export

from db.models import ListedDuty, MessageRow
from sla.directory import Directory, OfficeHolder, Role, Unit
from tasks.common.context import SiteContext
from tasks.intake import pull
from tasks.notifications.composing import compose
from tasks.notifications.composing.compose import compose_all
from tasks.notifications.desk import SOON_WORKING_DAYS
from tasks.notifications.mail_items import notice_views
from tasks.notifications.scope import Scopes
from tasks.notifications.views import Desk, DeskSection, UnlistedDuties

TODAY, SOON, FAR = since("17/11/2026"), since("18/11/2026"), since("20/11/2026")
DONE = {"Selesai": "23/11/2026 10:00"}


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """What is on a desk hangs on no database."""
    return sqlite_url


def desks(context: SiteContext, now: str) -> dict[str, Desk]:
    """The desks of all mails on record as of now, by the first part of the address; the newest
    mail of each person counts.
    """
    with context.run(wita(now), "a test") as run:
        rows = run.session.scalars(select(MessageRow).order_by(MessageRow.id)).all()
        found = notice_views(run, rows)
        return {
            row.recipient.partition("@")[0]: desk
            for row in rows
            if (desk := found.get(row.id)) is not None
        }


def tickets(desk: Desk, section: DeskSection) -> list[str]:
    return [item.ticket for item in desk.section(section)]


def week(context: SiteContext, *entries: dict[str, str]) -> None:
    """Let these fall due on the 24th, tell the unit, and the superiors on the Friday."""
    for now in (BREACHED, "2026-11-27 08:00"):
        register(context, now, *entries)
        decide(context, now)
        deliver(context, now)


# --- what is on a desk ----------------------------------------------------------------------------


def test_one_new_rung_shows_everything_that_is_open(context):
    """Only FD-1 has reached a rung this morning; the mail names what is due today and soon too."""
    dinsos = "Dinas Sosial"
    owe(
        context,
        BREACHED,
        at(dinsos),
        at(dinsos, "FD-2", **TODAY),
        at(dinsos, "FD-3", **SOON),
        at(dinsos, "FD-4", **FAR),
        at("DLH", "FD-5"),
    )
    desk = desks(context, BREACHED)["plt.kepala.dinsos"]
    assert tickets(desk, DeskSection.LATE) == ["FD-1"]
    assert tickets(desk, DeskSection.TODAY) == ["FD-2"]
    assert tickets(desk, DeskSection.SOON) == ["FD-3"]
    assert tickets(desk, DeskSection.LATER) == []
    assert [desk.count(section) for section in DeskSection] == [1, 0, 1, 1, 0]


def test_a_complaint_is_on_it_once_with_all_its_duties_the_worst_first(context):
    slow = {"Diteruskan": "17/11/2026 08:45", "Tindak Lanjut Pertama": ""}
    owe(context, BREACHED, at("Dinas Sosial", **slow))
    (item,) = desks(context, BREACHED)["penghubung.dinsos"].items
    found = [(duty.verb, duty.section, duty.days_left) for duty in item.duties]
    assert found == [
        ("selesaikan permintaan informasi", DeskSection.LATE, -1),
        ("publikasikan tindak lanjut pertama", DeskSection.TODAY, 0),
    ]


@pytest.mark.parametrize(
    ("now", "section"),
    [
        ("2026-12-22 08:00", DeskSection.SOON),
        ("2026-12-23 08:00", DeskSection.LAST_DAY),
        ("2026-12-24 08:00", DeskSection.SOON),  # a day off itself: the last day to act is over
        ("2026-12-25 08:00", DeskSection.TODAY),
    ],
)
def test_a_duty_due_on_a_day_off_has_its_last_working_day_before(context, now, section):
    """The first response is due 14 calendar days from 11 December, on Christmas."""
    slow = since("11/12/2026") | {"Klasifikasi": "Pengaduan Tidak Berkadar Pengawasan"}
    owe(context, now, at("Dinas Sosial", **slow))
    (item,) = desks(context, now)["penghubung.dinsos"].items
    assert (item.section, item.worst.key[0]) == (section, "uu-25-2009/response")


@pytest.mark.parametrize(
    ("now", "soon"),
    [
        ("2026-12-21 08:00", {"WED", "THU", "FRI"}),
        ("2026-12-22 08:00", {"WED", "THU", "FRI", "MON"}),
    ],
)
def test_what_has_two_working_days_left_before_days_off_is_due_soon(context, now, soon):
    """The 24th and the 25th are days off: the card of both says 2 working days on the 21st."""
    dinsos = "Dinas Sosial"
    in_days = {"Klasifikasi": "Pengaduan Tidak Berkadar Pengawasan"}
    owe(
        context,
        now,
        at(dinsos, "LATE", **since("10/12/2026")),
        at(dinsos, "WED", **since("16/12/2026")),
        at(dinsos, "THU", **since("10/12/2026"), **in_days),
        at(dinsos, "FRI", **since("11/12/2026"), **in_days),
        at(dinsos, "MON", **since("17/12/2026")),
    )
    desk = desks(context, now)["penghubung.dinsos"]
    assert set(tickets(desk, DeskSection.SOON)) == soon
    assert tickets(desk, DeskSection.LATER) == []
    left = {item.ticket: item.worst.working_days_left for item in desk.section(DeskSection.SOON)}
    assert max(left.values()) == SOON_WORKING_DAYS
    assert desk.count(DeskSection.SOON) == len(soon)


def test_what_is_due_soon_at_a_unit_with_a_shorter_week_is_on_its_desk(site_folder, open_context):
    """It works from Monday to Wednesday: on Tuesday two of its days are left until Monday."""
    week = '\n[calendar.units]\ndinsos = ["mon", "tue", "wed"]\n'
    file = site_folder / "site.toml"
    file.write_text(file.read_text("utf-8") + week, encoding="utf-8")
    context, dinsos = open_context(), "Dinas Sosial"
    late, soon = since("02/11/2026"), since("17/11/2026")
    owe(context, BREACHED, at(dinsos, **late), at(dinsos, "FD-2", **soon))
    (item,) = desks(context, BREACHED)["penghubung.dinsos"].section(DeskSection.SOON)
    assert (item.ticket, item.worst.working_days_left, item.worst.days_left) == ("FD-2", 2, 6)


def test_a_late_complaint_that_the_source_no_longer_shows_is_not_called_late(context, server):
    """Whether it is done is not known: its notice is withdrawn, and a line names it."""
    dinsos = "Dinas Sosial"
    owe(context, BREACHED, at(dinsos), at(dinsos, "FD-2", **TODAY))
    owe(context, "2026-11-25 08:00", at(dinsos, "FD-2", **TODAY))
    desk = desks(context, "2026-11-25 08:00")["penghubung.dinsos"]
    assert {item.ticket: item.section for item in desk.items} == {"FD-2": DeskSection.LATE}
    vanished = wita("2026-11-25 08:00")
    assert desk.doubtful == UnlistedDuties(1, 1, (("FD-1", vanished),), vanished)
    deliver(context, "2026-11-25 08:00")
    assert notices(context)[0] == ("breach", "withdrawn")
    said = (
        "1 pengaduan terlambat (1 kewajiban) tidak lagi tampak atau terbaca dalam sumber data: FD-1"
        " sejak 25 Nov. Keadaannya belum diketahui"
    )
    for letter in server.letters:
        if letter.recipient.startswith("penghubung"):
            page = " ".join(letter.mail.get_body(("plain",)).get_content().split())
            assert said in page
            assert "Pengaduan FD-1" not in page


@pytest.mark.parametrize(
    "asked",
    [
        {"Unit": "Dinas Sosail"},  # misspelt
        {"Unit": ""},
        {"Selesai": "kemarin"},
    ],
)
def test_a_late_complaint_with_an_open_question_is_not_said_to_have_vanished(
    context, server, asked
):
    """The source still shows it; the unit reads that an answer is missing."""
    dinsos, now = "Dinas Sosial", "2026-11-25 08:00"
    owe(context, BREACHED, at(dinsos), at(dinsos, "FD-2", **TODAY))
    deliver(context, BREACHED)
    owe(context, now, at(dinsos) | asked, at(dinsos, "FD-2", **TODAY))
    desk = desks(context, now)["penghubung.dinsos"]
    since_then = wita(now)
    assert [item.ticket for item in desk.items] == ["FD-2"]
    assert desk.doubtful == UnlistedDuties()
    assert desk.asked == UnlistedDuties(1, 1, (("FD-1", since_then),), since_then)
    deliver(context, now)
    letters = [each for each in server.letters if each.recipient.startswith("penghubung.dinsos")]
    page = " ".join(letters[-1].mail.get_body(("plain",)).get_content().split())
    assert (
        "1 pengaduan terlambat (1 kewajiban) belum dapat dinilai lebih lanjut karena pertanyaan"
        " kepada administrator tentang isiannya belum dijawab: FD-1 sejak 25 Nov. Sampai dijawab,"
        " hal ini tidak dihitung di atas; laporan tetap mencatatnya." in page
    )
    assert "tidak lagi tampak" not in page


@pytest.mark.thorough
def test_a_duty_past_its_time_that_no_import_could_show_has_a_line_and_accuses_nobody(
    context, server
):
    """It was due yesterday and the source was not read since: it must not vanish from the mail."""
    dinsos = "Dinas Sosial"
    owe(context, BREACHED, at(dinsos, "FD-2", **TODAY), at(dinsos, "FD-3", **SOON))
    deliver(context, BREACHED)
    assert all("belum dapat dinilai" not in str(letter.mail) for letter in server.letters)
    decide(context, "2026-11-25 08:00")
    desk = desks(context, "2026-11-25 08:00")["penghubung.dinsos"]
    assert [item.ticket for item in desk.items] == ["FD-3"]
    due = wita("2026-11-24 23:59:59.999999")
    assert desk.awaiting == UnlistedDuties(1, 1, (("FD-2", due),), due)
    deliver(context, "2026-11-25 08:00")
    page = " ".join(server.letters[-1].mail.get_body(("plain",)).get_content().split())
    assert (
        "1 pengaduan (1 kewajiban) telah melewati batas waktu, tetapi belum dapat dinilai karena"
        " sumber datanya belum menunjukkan apakah sudah dipenuhi tepat waktu: FD-2 (24 Nov)."
        in page
    )
    register(context, "2026-11-25 09:00", at(dinsos, "FD-2", **TODAY), at(dinsos, "FD-3", **SOON))
    decide(context, "2026-11-26 08:00")
    after = desks(context, "2026-11-26 08:00")["penghubung.dinsos"]
    assert tickets(after, DeskSection.LATE) == ["FD-2"]
    assert after.awaiting.tickets[:1] != (("FD-2", due),)


@pytest.mark.parametrize(
    ("more", "secret"),
    [({"Perihal": "Nama Rahasia"}, ""), ({"Perihal": "Nama Rahasia"}, "Rahasia")],
)
def test_a_duty_past_its_time_that_waits_for_an_answer_has_a_line_and_accuses_nobody(
    context, server, more, secret
):
    """Its unit is misspelt, so the one known before keeps it; the next day it must not vanish."""
    more = more | {"Kerahasiaan": secret} | TODAY
    fine = at("Dinas Sosial", "FD-3", **SOON)
    register(context, "2026-11-23 08:00", at("Dinas Sosial", **more), fine)
    owe(context, BREACHED, at("Dinas Sosail", **more), fine)
    desk = desks(context, BREACHED)["penghubung.dinsos"]
    assert tickets(desk, DeskSection.TODAY) == ["FD-1"]
    assert desk.awaiting_answer == UnlistedDuties()
    owe(context, "2026-11-25 08:00", at("Dinas Sosail", **more), fine)
    desk = desks(context, "2026-11-25 08:00")["penghubung.dinsos"]
    due = wita("2026-11-24 23:59:59.999999")
    assert [item.ticket for item in desk.items] == ["FD-3"]
    assert (desk.awaiting, desk.awaiting_answer) == (
        UnlistedDuties(),
        UnlistedDuties(1, 1, (("FD-1", due),), due),
    )
    deliver(context, "2026-11-25 08:00")
    (letter,) = (each for each in server.letters if "penghubung.dinsos" in each.recipient)
    for kind in ("plain", "html"):
        page = " ".join(letter.mail.get_body((kind,)).get_content().split())
        assert (
            "1 pengaduan (1 kewajiban) telah melewati batas waktu, tetapi belum dapat dinilai"
            " karena pertanyaan kepada administrator tentang isiannya belum dijawab: FD-1 (24 Nov)."
            in page
        )
        assert "Nama Rahasia" not in page
        assert "Sosail" not in page


def test_a_duty_past_its_time_whose_end_the_source_shows_later_does_not_vanish(context):
    """LAPOR! shows a settlement 10 working days later, so it is not late yet: a line names it."""
    begin(context, "lapor", wita("2026-01-05 08:00"))
    due_later = {TICKET: "5010654", DAY: "4 Nov 2026"}  # due on the 24th
    for made in ("2026-11-19 07:00", "2026-11-23 07:00"):
        export(context.site.folder, made, {}, due_later)
        pull(context, "lapor", wita(made))
        decide(context, made)
    desk = desks(context, "2026-11-23 07:00")["penghubung.dinsos"]
    assert [item.ticket for item in desk.items] == ["5010654"]
    due = wita("2026-11-20 23:59:59.999999")
    assert desk.awaiting == UnlistedDuties(1, 1, (("5010653", due),), due)


@pytest.mark.parametrize(
    "corrected",
    [
        {"Klasifikasi": "Pengaduan Tidak Berkadar Pengawasan"},
        {"Tindak Lanjut Pertama": "16/11/2026 10:00"},
    ],
    ids=["class", "date"],
)
def test_an_end_that_was_known_before_the_last_mail_is_not_counted_again(context, corrected):
    """Later the register says more about FD-1. Complaints have a duty that requests have not."""
    first = at("Dinas Sosial", **{"Tanggapan Awal": "16/11/2026 09:30"})
    other = at("Dinas Sosial", "FD-2", **TODAY)
    owe(context, "2026-11-20 08:00", first, other)
    deliver(context, "2026-11-20 08:00")
    owe(context, BREACHED, first | corrected, other)
    for desk in desks(context, BREACHED).values():
        assert (desk.settled, desk.fulfilled) == (0, ())


@pytest.mark.parametrize(
    ("done", "counted"),
    [
        ("18/11/2026", (0, ())),
        ("20/11/2026", (1, ())),
        ("23/11/2026", (1, ())),
    ],
)
def test_what_was_done_before_the_last_mail_is_not_said_to_be_done_since(context, done, counted):
    """FD-3 is new in the register, and settled; on the day of the mail perhaps after it."""
    other = at("Dinas Sosial", "FD-2", **TODAY)
    owe(context, "2026-11-20 08:00", at("Dinas Sosial"), other)
    deliver(context, "2026-11-20 08:00")
    old = at("Dinas Sosial", "FD-3", **TODAY, Selesai=f"{done} 07:00")
    owe(context, BREACHED, at("Dinas Sosial"), other, old)
    desk = desks(context, BREACHED)["penghubung.dinsos"]
    assert (desk.settled, desk.fulfilled) == counted


def test_what_was_done_since_the_last_mail_is_one_line_and_leaves_the_calendar(context, server):
    dinsos = "Dinas Sosial"
    owe(context, "2026-11-20 08:00", at(dinsos), at(dinsos, "FD-2", **TODAY))
    deliver(context, "2026-11-20 08:00")
    owe(context, BREACHED, at(dinsos, **DONE), at(dinsos, "FD-2", **TODAY))
    desk = desks(context, BREACHED)["penghubung.dinsos"]
    assert (desk.settled, tickets(desk, DeskSection.TODAY)) == (1, ["FD-2"])
    (ended,) = desk.ended
    assert (ended.ticket, ended.due) == ("FD-1", wita("2026-11-23 23:59:59.999999"))
    deliver(context, BREACHED)
    letter = server.letters[-1].mail
    assert "Sejak surel terakhir (20 Nov), 1 pengaduan telah ditindaklanjuti." in " ".join(
        letter.get_body(("plain",)).get_content().split()
    )
    parts = list(letter.iter_attachments())
    first, second = (Calendar.from_ical(each.get_content()) for each in parts)
    assert (first["method"], second["method"]) == ("PUBLISH", "CANCEL")
    said = [dict(each["Content-Type"].params) for each in parts]
    assert [(each["charset"], each["method"]) for each in said] == [
        ("utf-8", "PUBLISH"),
        ("utf-8", "CANCEL"),
    ]
    assert "\N{EN DASH}" in str(first.walk("VEVENT")[0]["summary"])
    (cancelled,) = second.walk("VEVENT")
    assert cancelled.decoded("dtstart") == date(2026, 11, 23)


def calendars(server) -> dict[str, set[str]]:
    """What is in the calendar of each reader after all mails, by the first part of the address."""
    found: dict[str, dict[str, str]] = {}
    for letter in server.letters:
        calendar = found.setdefault(letter.recipient.partition("@")[0], {})
        for part in letter.mail.iter_attachments():
            if part.get_content_type() != "text/calendar":
                continue
            file = Calendar.from_ical(part.get_content())
            for entry in file.walk("VEVENT"):
                if file["method"] == "CANCEL":
                    calendar.pop(str(entry["uid"]), None)
                else:
                    calendar[str(entry["uid"])] = str(entry["summary"])
    return {reader: set(calendar.values()) for reader, calendar in found.items()}


def test_a_handover_takes_the_entry_out_of_the_calendar_of_the_former_unit(context, server):
    dinsos, other = "Dinas Sosial", at("Dinas Sosial", "FD-2", **TODAY)
    owe(context, BREACHED, at(dinsos), other)
    deliver(context, BREACHED)
    assert len(calendars(server)["penghubung.dinsos"]) == 2
    for now in ("2026-11-25 08:00", "2026-11-26 08:00"):
        owe(context, now, at("DLH"), other)
        deliver(context, now)
    assert [each for each in calendars(server)["penghubung.dinsos"] if "FD-1" in each] == []
    assert [each for each in calendars(server)["penghubung.dinsos"] if "FD-2" in each]
    assert [each for each in calendars(server)["penghubung.dlh"] if "FD-1" in each]
    with context.transaction() as session:
        rows = session.scalars(select(ListedDuty).where(ListedDuty.cancelled_by.is_not(None)))
        assert {row.entry for row in rows} == {True}


def test_a_further_duty_of_a_superior_leaves_the_calendar_when_it_is_done(context, server):
    """The first follow-up is not late and reaches no rung for the regional secretary."""
    dinsos = "Dinas Sosial"
    slow = {"Diteruskan": "23/11/2026 08:45", "Tindak Lanjut Pertama": ""}
    other = at(dinsos, "FD-2", **SOON)
    for now in (BREACHED, "2026-11-26 08:00", ESCALATED):
        owe(context, now, at(dinsos, **slow), other)
        deliver(context, now)
    deliver(context, MONDAY)
    assert len(calendars(server)["sekda"]) == 2
    done = slow | {"Tindak Lanjut Pertama": "30/11/2026 09:00"}
    for now in ("2026-12-02 08:00", "2026-12-07 07:30"):
        owe(context, now, at(dinsos, **done), other)
        deliver(context, now)
    assert len([each for each in server.letters if each.recipient.startswith("sekda")]) == 2
    left = calendars(server)["sekda"]
    assert all(each.startswith("TERLAMBAT: pengaduan FD-") for each in left)
    assert len(left) == 2


@pytest.mark.parametrize(
    ("unclear", "returning"),
    [
        ([], 2),  # the register does not show it any more
        ([at("Dinas Entah")], 2),
        ([at("Dinas Sosial", Selesai="31/02/2026 09:00")], 0),  # an empty date is no answer
    ],
)
def test_the_calendar_accuses_nobody_of_a_duty_in_doubt(context, server, unclear, returning):
    """FD-1 is late on the 24th, and FD-3 due then; from the 25th on nobody knows their state."""
    dinsos, soon = "Dinas Sosial", since("17/11/2026")
    both, news = [at(dinsos), at(dinsos, "FD-3", **soon)], at(dinsos, "FD-2", **TODAY)
    doubtful = unclear and [unclear[0], unclear[0] | {"No Register": "FD-3"} | soon]

    def told(*days: str) -> set[str]:
        for day in days:
            owe(context, f"2026-11-{day} 08:00", *(both if day in ("24", "30") else doubtful), news)
            deliver(context, f"2026-11-{day} 08:00")
        found = calendars(server)["penghubung.dinsos"]
        return {each for each in found if "FD-2" not in each}

    assert len(told("24")) == 2
    assert told("25", "26") == set()
    back = told("30")
    assert len(back) == returning
    assert all(each.startswith("TERLAMBAT") for each in back)


@pytest.mark.parametrize("recorded", [True, False])
def test_only_entries_that_earlier_mails_brought_are_cancelled(
    context, server, monkeypatch, recorded
):
    """The body had room for one complaint; the other one was in the workbook. What mails of an
    earlier program brought is not on record: both entries are cancelled then.
    """
    dinsos = "Dinas Sosial"
    monkeypatch.setattr(compose, "most_in_body", lambda desk: 1)
    owe(context, BREACHED, at(dinsos), at(dinsos, "FD-2"))
    deliver(context, BREACHED)
    monkeypatch.undo()
    (brought,) = calendars(server)["penghubung.dinsos"]
    if not recorded:
        with context.transaction() as session:
            session.execute(delete(ListedDuty))
    done = {"Selesai": "24/11/2026 09:00"}
    now = "2026-11-25 08:00"
    owe(context, now, at(dinsos, **done), at(dinsos, "FD-2", **done), at(dinsos, "FD-3"))
    deliver(context, now)
    cancelled = [
        str(entry["summary"])
        for letter in server.letters
        for part in letter.mail.iter_attachments()
        if part.get_filename() == "tenggat-selesai.ics"
        and letter.recipient.startswith("penghubung.dinsos")
        for entry in Calendar.from_ical(part.get_content()).walk("VEVENT")
        if "FD-3" not in entry["summary"]
    ]
    assert len(cancelled) == (1 if recorded else 2)
    assert any(brought.endswith(each.partition(": ")[2]) for each in cancelled)


def test_what_a_mail_lists_is_recorded_if_the_others_are_composed_later(context):
    owe(context, BREACHED, at("Dinas Sosial"), at("DLH", "FD-2"))
    with context.run(wita(BREACHED), "a test") as run:
        query = select(MessageRow).where(MessageRow.kind == "notices").order_by(MessageRow.id)
        mails = compose_all(run, run.session.scalars(query).all())
        first, _ = next(mails)
        mails.close()
        listed = run.session.scalars(select(ListedDuty)).all()
        assert [(row.message_id, row.late, row.entry) for row in listed] == [
            (first.id, False, True)
        ]


def test_a_correction_takes_the_entry_out_of_the_calendar_of_a_former_office_holder(
    context, server
):
    owe(context, BREACHED, at("Dinas Sosial"))
    deliver(context, BREACHED)
    assert len(calendars(server)["plt.kepala.dinsos"]) == 1
    directory = context.site.directory
    last_day = date(2026, 11, 24)
    offices = [
        replace(each, until=last_day) if each.email.startswith("plt.") else each
        for each in directory.offices
    ]
    context.site.directory = Directory(directory.units.values(), offices)
    owe(context, "2026-11-25 08:00", at("Dinas Sosial", Selesai="20/11/2026 10:00"))
    deliver(context, "2026-11-25 08:00")
    assert "Ralat" in server.letters[-1].mail["Subject"]
    assert calendars(server)["plt.kepala.dinsos"] == set()


def test_a_duty_done_otherwise_than_by_a_follow_up_is_named(context, server):
    """A verification is no follow-up: the administrator reads which duty was done."""
    unverified = {"Diverifikasi": "", "Diteruskan": "", "Tindak Lanjut Pertama": "", "Unit": ""}
    entries = [{"No Register": f"FD-{n}", **unverified} for n in (1, 2)]
    owe(context, "2026-11-20 08:00", *entries)
    deliver(context, "2026-11-20 08:00")
    owe(
        context, "2026-11-27 08:00", at("Dinas Sosial", Diverifikasi="23/11/2026 09:00"), entries[1]
    )
    desk = desks(context, "2026-11-27 08:00")["admin.lapor"]
    assert (desk.settled, desk.fulfilled) == (0, (("Verifikasi dan disposisi laporan", 1),))
    deliver(context, "2026-11-27 08:00")
    (letter,) = (each for each in server.letters[-3:] if each.recipient.startswith("admin"))
    page = letter.mail.get_body(("plain",)).get_content()
    said = "kewajiban berikut telah dipenuhi: Verifikasi dan disposisi laporan (1 pengaduan)."
    assert said in " ".join(page.split())


def test_new_since_the_last_mail_is_marked_and_nothing_in_the_first_one(context):
    dinsos = "Dinas Sosial"
    owe(context, "2026-11-23 08:00", at(dinsos), at(dinsos, "FD-2", **TODAY))
    first = desks(context, "2026-11-23 08:00")["penghubung.dinsos"]
    assert [item.new for item in first.items] == [False, False]
    deliver(context, "2026-11-23 08:00")
    owe(context, BREACHED, at(dinsos), at(dinsos, "FD-2", **TODAY), at(dinsos, "FD-3", **SOON))
    desk = desks(context, BREACHED)["penghubung.dinsos"]
    assert {item.ticket: item.new for item in desk.items} == {
        "FD-1": True,  # late since this midnight
        "FD-2": False,  # was due within two working days yesterday
        "FD-3": True,
    }


GIVEN_BACK = {"Dikembalikan": "24/11/2026 10:00"}
TO_DINSOS = GIVEN_BACK | {
    "Unit Pengganti": "Dinas Sosial",
    "Diteruskan Kembali": "24/11/2026 11:00",
}
TO_HEALTH = TO_DINSOS | {"Unit Pengganti": "Dinas Kesehatan"}


@pytest.mark.parametrize(
    ("number", "unit", "after", "new"),
    [
        ("LATE", "Dinas Kesehatan", TO_DINSOS, True),
        ("SOON", "Dinas Kesehatan", TO_DINSOS, True),
        ("LATE", "Dinas Kesehatan", {"Unit": "Dinas Sosial"}, True),  # the source corrects it
        ("LATE", "", {"Unit": "Dinas Sosial", "Diteruskan": "24/11/2026 11:00"}, True),
        ("LATE", "Dinas Sosial", TO_DINSOS, False),  # given back, and assigned again at once
        ("LATE", "Dinas Sosial", {}, False),
        ("SOON", "Dinas Sosial", {}, False),
    ],
)
def test_what_was_handed_over_to_the_unit_since_the_last_mail_is_new(
    context, number, unit, after, new
):
    dates = {} if number == "LATE" else SOON
    first = at(unit, number, **dates, **({} if unit else {"Diteruskan": ""}))
    own = at("Dinas Sosial", "FD-1")
    owe(context, BREACHED, own, first)
    deliver(context, BREACHED)
    now = "2026-11-25 08:00"
    reason = at("Dinas Sosial", "FD-9", **TODAY)
    owe(context, now, own, reason, first | after)
    marks = {item.ticket: item.new for item in desks(context, now)["penghubung.dinsos"].items}
    assert marks == {"FD-1": False, "FD-9": True, number: new}


def test_what_comes_back_to_the_unit_after_a_mail_without_it_is_new(context):
    """The liaison officer has read of its delay before, and not in the last mail."""
    away = at("Dinas Sosial", **TO_HEALTH)
    back = at("Dinas Sosial", **TO_HEALTH) | {"Unit": "Dinas Sosial"} | TO_DINSOS
    days = ("2026-11-24", at("Dinas Sosial")), ("2026-11-25", away), ("2026-11-26", back)
    for number, (day, entry) in enumerate(days, start=2):
        late = at("Dinas Sosial", f"FD-{number}", **since(f"{15 + number}/11/2026"))
        owe(context, f"{day} 08:00", late, entry)
        desk = desks(context, f"{day} 08:00")["penghubung.dinsos"]
        assert ("FD-1" in {item.ticket for item in desk.items}) is (entry is not away)
        deliver(context, f"{day} 08:00")
    assert {item.ticket: item.new for item in desk.items}["FD-1"] is True


def test_a_complaint_with_a_reminder_is_new_when_it_comes_into_a_nearer_section(context):
    """Its response is due on Christmas; a reminder named it a week before."""
    dinsos, found = "Dinas Sosial", []
    fri = since("11/12/2026") | {"Klasifikasi": "Pengaduan Tidak Berkadar Pengawasan"}
    others = {"18": "10", "21": "11", "22": "14", "23": "15", "28": "17"}  # each late that day
    for day, received in others.items():
        now = f"2026-12-{day} 08:00"
        late = at(dinsos, f"FD-{day}", **since(f"{received}/12/2026"))
        owe(context, now, at(dinsos, "FRI", **fri), late)
        desk = desks(context, now)["penghubung.dinsos"]
        (item,) = [item for item in desk.items if item.ticket == "FRI"]
        found.append((item.section, item.new))
        deliver(context, now)
    assert found == [
        (DeskSection.LATER, False),  # the first mail
        (DeskSection.SOON, True),
        (DeskSection.SOON, False),
        (DeskSection.LAST_DAY, False),
        (DeskSection.LATE, True),
    ]


@pytest.mark.parametrize("unit", ["Dinas Sosial", "Dinas Sosail"])
def test_what_could_not_be_called_late_in_the_last_mail_is_new_when_it_is(context, unit):
    """No import showed it after its due time, or its unit was misspelt."""
    dinsos, marks = "Dinas Sosial", []
    now, after = "2026-11-25 08:00", ("2026-11-26 08:00", "2026-11-27 08:00")
    owe(context, BREACHED, at(dinsos), at(dinsos, "FD-2", **TODAY), at(dinsos, "FD-3", **SOON))
    deliver(context, BREACHED)
    if unit != dinsos:
        register(context, now, at(dinsos), at(unit, "FD-2", **TODAY), at(dinsos, "FD-3", **SOON))
    decide(context, now)
    assert "FD-2" not in {e.ticket for e in desks(context, now)["penghubung.dinsos"].items}
    deliver(context, now)
    for moment in after:
        late = [at(dinsos), at(dinsos, "FD-2", **TODAY), at(dinsos, "FD-3", **SOON)]
        more = at(dinsos, "FD-4", **since("19/11/2026"))
        owe(context, moment, *late, more)
        desk = desks(context, moment)["penghubung.dinsos"]
        marks.append({item.ticket: item.new for item in desk.section(DeskSection.LATE)})
        deliver(context, moment)
    assert marks == [
        {"FD-1": False, "FD-2": True, "FD-3": True},
        {"FD-1": False, "FD-2": False, "FD-3": False, "FD-4": True},
    ]


def test_what_was_put_off_at_the_time_of_the_last_mail_is_new(context):
    dinsos, put_off = "Dinas Sosial", SOON | {"Ditunda": "23/11/2026 09:00"}
    for now, dates in (
        (BREACHED, put_off),
        ("2026-11-25 08:00", put_off | {"Dilanjutkan": "24/11/2026 09:00"}),
    ):
        owe(context, now, at(dinsos), at(dinsos, "FD-2", **dates))
        desk = desks(context, now)["penghubung.dinsos"]
        deliver(context, now)
    assert {item.ticket: item.new for item in desk.items} == {"FD-1": False, "FD-2": True}


def test_a_late_complaint_is_not_new_again_when_its_assignment_gets_another_date(context):
    dinsos, slow = "Dinas Sosial", {"Tindak Lanjut Pertama": "", "Selesai": ""}
    for now, day in (("2026-11-25 08:00", "16"), ("2026-12-03 08:00", "17")):
        assigned = {"Diteruskan": f"{day}/11/2026 08:45", **slow}
        more = [at(dinsos, "FD-2", **since("25/11/2026"))] if day == "17" else []
        owe(context, now, at(dinsos, **assigned), *more)
        desk = desks(context, now)["penghubung.dinsos"]
        deliver(context, now)
    assert {item.ticket: item.new for item in desk.items} == {"FD-1": False, "FD-2": True}
    (late,) = [item for item in desk.items if item.ticket == "FD-1"]
    assert [duty.new for duty in late.duties] == [False, False]


@pytest.mark.thorough
def test_a_later_duty_beside_a_late_one_does_not_mark_the_complaint_as_new(context):
    """The duty to decide is due in January and was in no mail."""
    complaint = {
        "Klasifikasi": "Pengaduan Tidak Berkadar Pengawasan",
        "Berkas Lengkap": "03/11/2026 09:00",
    }
    late = at("Dinas Sosial", **since("30/10/2026"), **complaint)
    for now, number in (("2026-11-20 08:00", "FD-2"), ("2026-11-24 08:00", "FD-3")):
        owe(context, now, late, at("Dinas Sosial", number, **since("13/11/2026")))
        desk = desks(context, now)["penghubung.dinsos"]
        deliver(context, now)
    found = {item.ticket: (item.section, item.new, len(item.duties)) for item in desk.items}
    assert found["FD-1"] == (DeskSection.LATE, False, 2)


@pytest.mark.thorough
def test_a_late_case_is_new_for_the_superior_whom_it_reaches(context):
    """The table and the mark of the case count the same."""
    pupr = "Dinas PUPR"
    first = at(pupr, **since("13/11/2026"))  # due on the 20th
    seen = {}
    for now in ("2026-11-23 08:00", BREACHED, "2026-11-30 08:00", "2026-12-07 08:00"):
        owe(context, now, first, at(pupr, "FD-2", **TODAY))
        desk = desks(context, now).get("sekda")
        deliver(context, now)
        if desk:
            marks = {item.ticket: item.new for item in desk.items}
            seen[now[5:10]] = (marks, [line.new for line in desk.units])
    assert seen == {
        "11-30": ({"FD-1": False}, [0]),  # the first mail
        "12-07": ({"FD-1": False, "FD-2": True}, [1]),  # late since the 24th
    }


ASKED, PUT_OFF = {"Permintaan Kelengkapan": "18/11/2026 09:00"}, {"Ditunda": "18/11/2026 09:00"}


@pytest.mark.parametrize(
    ("pauses", "counts"),
    [
        (ASKED, (1, 0)),
        (PUT_OFF, (0, 1)),  # by the unit: nobody waits for the complainant
        (ASKED | PUT_OFF, (1, 0)),
        (ASKED | PUT_OFF | {"Kelengkapan Diterima": "19/11/2026 09:00"}, (0, 1)),
    ],
)
def test_what_waits_for_the_complainant_or_is_put_off_is_counted(context, pauses, counts):
    owe(context, BREACHED, at("Dinas Sosial"), at("Dinas Sosial", "FD-2", **pauses))
    desk = desks(context, BREACHED)["penghubung.dinsos"]
    assert (desk.waiting, desk.postponed, desk.total) == (*counts, 1)


def test_two_liaison_officers_told_on_one_day_are_one_occasion_with_two_names(context):
    pupr = "Dinas PUPR"
    owe(context, "2026-11-20 08:00", at(pupr))
    deliver(context, "2026-11-20 08:00")
    owe(context, BREACHED, at(pupr))
    (told,) = desks(context, BREACHED)["kepala.pupr"].items[0].notified
    assert (told.role, told.times) == ("liaison", 1)
    assert told.names == ("Arwinsah Kadere", "Melatiwati Sarang")


def test_the_notices_about_a_duty_that_ended_still_count(context):
    """The number of occasions never gets smaller from one mail to the next."""
    slow = {"Diteruskan": "17/11/2026 08:45", "Tindak Lanjut Pertama": ""}
    for day in (19, 20, 23, 24, 25):
        owe(context, f"2026-11-{day} 08:00", at("Dinas Sosial", **slow))
        deliver(context, f"2026-11-{day} 08:00")
    counts = []
    followed_up = slow | {"Tindak Lanjut Pertama": "25/11/2026 10:00"}
    for entry in (slow, followed_up):
        owe(context, "2026-11-26 08:00", at("Dinas Sosial", **entry))
        (item,) = desks(context, "2026-11-26 08:00")["plt.kepala.dinsos"].items
        counts.append((len(item.duties), {each.role: each.times for each in item.notified}))
    assert counts == [
        (2, {"liaison": 5, "head_of_unit": 2}),
        (1, {"liaison": 5, "head_of_unit": 2}),
    ]


def test_officers_of_the_former_unit_are_named_with_it(context):
    """Also to the reader who holds the same office at the present unit."""
    handed = {"Unit Pengganti": "Dinas Kesehatan", "Diteruskan Kembali": "24/11/2026 09:00"}
    owe(context, BREACHED, at("Dinas Sosial"))
    deliver(context, BREACHED)
    for now in ("2026-11-24 10:00", MONDAY):
        register(context, now, at("Dinas Sosial", **handed))
        decide(context, now)
        if now != MONDAY:
            deliver(context, now)
    with context.run(wita(MONDAY), "a test") as run:
        to_read = select(MessageRow).where(
            MessageRow.recipient.startswith("penghubung.dinkes"), MessageRow.sent_at.is_(None)
        )
        (desk,) = notice_views(run, run.session.scalars(to_read).all()).values()
        (item,) = desk.items
    assert {(each.role, each.place, each.times) for each in item.notified} == {
        ("liaison", "Dinas Sosial", 1),
        ("head_of_unit", "Dinas Sosial", 1),
        ("liaison", "", 1),
        ("head_of_unit", "", 1),
    }
    besides = [(each.role, each.place) for each in item.notified_besides("liaison")]
    assert ("liaison", "Dinas Sosial") in besides
    assert ("liaison", "") not in besides


@pytest.mark.parametrize(
    ("handed", "said"),
    [
        ({"Diteruskan Kembali": "24/11/2026 09:00"}, "diteruskan 24 Nov, sebelumnya Dinas Sosial"),
        (  # it lay with the administrator in between
            {"Dikembalikan": "24/11/2026 09:00", "Diteruskan Kembali": "25/11/2026 10:00"},
            "diteruskan 25 Nov, sebelumnya Dinas Sosial",
        ),
        # on the last day, and on the day before it
        ({"Diteruskan Kembali": "23/11/2026 15:00"}, "diteruskan 23 Nov, sebelumnya Dinas Sosial"),
        ({"Diteruskan Kembali": "20/11/2026 15:00"}, ""),
    ],
)
def test_a_late_duty_says_that_its_unit_got_it_too_late_to_be_on_time(
    context, server, handed, said
):
    """To the unit itself and to superiors, who may not blame it."""
    owe(context, BREACHED, at("Dinas Sosial"))
    deliver(context, BREACHED)
    for now in ("2026-11-25 11:00", ESCALATED, MONDAY):
        register(
            context, now, at("Dinas Sosial", **{"Unit Pengganti": "Dinas Kesehatan", **handed})
        )
        decide(context, now)
        deliver(context, now)
    mails = [each for each in server.letters if "Dinas Kesehatan" in str(each.mail["Subject"])]
    readers = {letter.recipient.partition("@")[0]: letter for letter in mails}
    assert {"penghubung.dinkes", "sekda"} <= readers.keys()
    for reader in ("penghubung.dinkes", "sekda"):
        for kind in ("plain", "html"):
            page = " ".join(readers[reader].mail.get_body((kind,)).get_content().split())
            assert "FD-1" in page
            assert page.count("sebelumnya Dinas Sosial") == bool(said)
            assert said in page
            late_in_table = (
                "1 diteruskan kepadanya pada hari kerja terakhir atau sesudahnya" in page
            )
            assert late_in_table == (bool(said) and reader == "sekda")


def test_the_day_of_a_reopening_is_on_the_desk(context):
    settled = TODAY | {"Selesai": "18/11/2026 10:00"}
    reopened = settled | {"Dibuka Kembali": "18/11/2026 14:00"}
    owe(context, BREACHED, at("Dinas Sosial"), at("Dinas Sosial", "FD-2", **reopened))
    items = desks(context, BREACHED)["penghubung.dinsos"].items
    assert {each.ticket: each.reopened for each in items} == {
        "FD-1": None,
        "FD-2": wita("2026-11-18 14:00"),
    }


@pytest.mark.thorough
def test_a_superior_who_stood_in_for_the_unit_is_not_named_to_herself(context):
    dishub = "Dinas Perhubungan"  # its head is vacant: the regional secretary gets the notices
    named = {}
    for now in (BREACHED, "2026-11-27 08:00", "2026-11-30 08:00"):
        owe(context, now, at(dishub))
        found = desks(context, now)
        deliver(context, now)
        named |= {
            who: [each.role for each in desk.items[0].notified] for who, desk in found.items()
        }
    assert named == {
        "penghubung.dishub": ["liaison", "regional_secretary"],  # by the office she holds
        "sekda": ["liaison"],
    }


def test_a_vacant_office_is_named(context):
    owe(context, BREACHED, at("Dinas Perhubungan"))
    assert desks(context, BREACHED)["penghubung.dishub"].items[0].vacant == ("head_of_unit",)


def give_a_second_office(context: SiteContext) -> None:
    """Let the head of Dinas Kesehatan be the deputy at Dinas Sosial as well."""
    directory = context.site.directory
    head = next(each for each in directory.offices if each.email.startswith("kepala.dinkes"))
    directory.offices = tuple(
        replace(each, name=head.name, email=head.email) if each.deputy else each
        for each in directory.offices
    )


@pytest.mark.parametrize("units", [("Dinas Sosial", "Dinas Kesehatan"), ("Dinas Sosial",)])
def test_a_deputy_with_a_second_office_is_addressed_the_same_in_every_mail(context, units):
    """The first mail is addressed to the office of the deputy; the definitive one comes first."""
    give_a_second_office(context)
    owe(context, BREACHED, *(at(unit, f"FD-{n}") for n, unit in enumerate(units)))
    desk = desks(context, BREACHED)["kepala.dinkes"]
    assert desk.title == "Kepala Dinas Kesehatan dan Plt. Kepala Dinas Sosial"
    assert desk.place == ("2 perangkat daerah" if len(units) == 2 else "Dinas Sosial")
    assert desk.unit == ""  # so that each complaint names its unit


def test_an_explanation_names_the_office_of_the_notice_and_not_that_of_the_mail(context):
    """One mail has the notices to both offices of a person."""
    give_a_second_office(context)
    owe(context, BREACHED, at("Dinas Sosial", "FD-0"), at("Dinas Kesehatan"))
    deliver(context, BREACHED)
    mails = explained(context, "2026-11-24 09:00").mails
    assert {(each.role, each.unit, each.name.partition(" ")[0]) for each in mails} == {
        ("liaison", "dinkes", "Hardiyanto"),
        ("head_of_unit", "dinkes", "dr."),
    }


# --- superiors ------------------------------------------------------------------------------------


@pytest.mark.thorough
def test_a_superior_acts_on_what_reached_the_rung_and_sees_the_rest_as_numbers(context):
    dinsos, young = at("Dinas Sosial"), at("DLH", "FD-2", **since("20/11/2026"))
    week(context, dinsos, young)
    register(context, MONDAY, dinsos, young)
    decide(context, MONDAY)
    deliver(context, MONDAY)  # the unit of FD-2 is notified as well
    desk = desks(context, "2026-12-01 08:00")["sekda"]
    assert [item.ticket for item in desk.items] == ["FD-1"]
    assert [(line.unit, line.late) for line in desk.units] == [("Dinas Sosial", 1), ("DLH", 1)]
    assert (desk.count(DeskSection.LATE), desk.own_count) == (2, 1)


def test_a_late_case_of_which_the_unit_has_not_heard_names_no_unit(context):
    """Only its number is given, so that all numbers together are those of the report."""
    week(context, at("Dinas Sosial"))
    register(context, MONDAY, at("Dinas Sosial"), at("DLH", "FD-2"))
    decide(context, MONDAY)
    desk = desks(context, MONDAY)["sekda"]
    assert (desk.count(DeskSection.LATE), desk.unlisted) == (1, UnlistedDuties(1, 1))
    assert [line.unit for line in desk.units] == ["Dinas Sosial"]
    assert "FD-2" not in {item.ticket for item in (*desk.items, *desk.rest)}


@pytest.mark.thorough
def test_a_reminder_to_the_unit_is_no_notice_of_its_delay(context):
    """Both had reminders; on Monday FD-2 is late, and its unit gets that mail in the same run."""
    dinsos, dlh = at("Dinas Sosial"), at("DLH", "FD-2", **since("20/11/2026"))
    for now in (BREACHED, "2026-11-26 08:00", MONDAY):
        register(context, now, dinsos, dlh)
        decide(context, now)
        if now != MONDAY:
            deliver(context, now)
    desk = desks(context, MONDAY)["sekda"]
    assert [line.unit for line in desk.units] == ["Dinas Sosial"]
    assert (desk.total, desk.late_duties, desk.unlisted) == (1, 1, UnlistedDuties(1, 1))
    deliver(context, MONDAY)
    desk = desks(context, "2026-12-01 08:00")["sekda"]
    assert [line.unit for line in desk.units] == ["Dinas Sosial", "DLH"]
    assert (desk.total, desk.late_duties, desk.unlisted) == (2, 2, UnlistedDuties())


@pytest.mark.thorough
def test_a_late_duty_of_a_listed_complaint_waits_for_the_notice_to_its_unit(context):
    """The second duty of FD-1 is late since this morning; the first has reached the secretary."""
    slow = {"Diteruskan": "20/11/2026 08:45", "Tindak Lanjut Pertama": ""}  # due on the 27th
    for now in (BREACHED, "2026-11-25 08:00", MONDAY):
        register(context, now, at("Dinas Sosial", **slow))
        decide(context, now)
        if now != MONDAY:
            deliver(context, now)
    desk = desks(context, MONDAY)["sekda"]
    (item,) = desk.items
    assert [duty.verb for duty in item.duties] == ["selesaikan permintaan informasi"]
    assert (desk.late_duties, desk.unlisted) == (1, UnlistedDuties(0, 1, of_listed=1))


# --- whose desk -----------------------------------------------------------------------------------


def test_the_scope_of_a_reader_follows_the_directory(context):
    directory = context.site.directory
    scopes = Scopes(
        directory, date(2026, 11, 24), without=frozenset(), administrator_unit="diskominfo"
    )
    domain = "@contohkab.example"
    assert scopes.of("kepala.dinkes" + domain).headed == {"dinkes", "rsud"}
    assert scopes.of("penghubung.dinkes" + domain).served == {"dinkes"}
    assert "kec-muara" in scopes.of("penghubung.setda" + domain).served  # has no liaison officer
    assert scopes.of("inspektur" + domain).superior
    administrator = scopes.of("admin.lapor" + domain)
    assert (administrator.verifies, administrator.units) == (True, {"diskominfo"})
    assert scopes.of("kepala.dinsos" + domain).offices == ()  # her office ended in October
    (deputy,) = scopes.of("plt.kepala.dinsos" + domain).offices
    assert (deputy.role, deputy.deputy) == (Role.HEAD_OF_UNIT, True)


ALL_UNITS = [
    Unit("kab", "Kabupaten", "kab", None),
    *(Unit(f"u{n}", f"Unit {n}", "dinas", "kab") for n in range(4)),
    Unit("below", "UPTD", "uptd", "u1"),
]


def holder(unit: str, role: Role, name: str, **more: bool) -> OfficeHolder:
    return OfficeHolder(unit, role, name, f"{name}@contoh.example", **more)


@pytest.mark.parametrize("without", [(), ("plt@contoh.example",), ("kepala@contoh.example",)])
def test_a_reader_has_the_units_of_which_the_notices_come_to_the_reader(without):
    """Both people hold a second office: a deputy in front of one, and offices below are vacant."""
    directory = Directory(
        ALL_UNITS,
        [
            holder("kab", Role.ADMINISTRATOR, "admin"),
            holder("u0", Role.HEAD_OF_UNIT, "kepala"),
            holder("u0", Role.HEAD_OF_UNIT, "plt", deputy=True),
            holder("u1", Role.HEAD_OF_UNIT, "kepala"),
            holder("u1", Role.LIAISON, "plt"),
            holder("u2", Role.LIAISON, "kepala"),
        ],
    )
    day = date(2026, 11, 24)
    scopes = Scopes(directory, day, without=frozenset(without), administrator_unit=None)
    for address in ("admin@contoh.example", "plt@contoh.example", "kepala@contoh.example"):
        notified = {
            role: {
                unit.id
                for unit in ALL_UNITS
                for each in directory.holders(role, unit.id, day, without).offices
                if each.email == address
            }
            for role in (Role.HEAD_OF_UNIT, Role.LIAISON)
        }
        scope, own = scopes.of(address), directory.held_by(address, day)
        below = {
            each
            for office in own
            if office.role is Role.HEAD_OF_UNIT
            for each in directory.below(office.unit)
        }
        assert scope.headed == notified[Role.HEAD_OF_UNIT] | below
        assert scope.served == notified[Role.LIAISON]


def test_a_mail_more_in_a_batch_costs_no_statement_more(context, monkeypatch):
    """What mails share is loaded for all of them: the statements of units, the keys of links."""
    monkeypatch.setattr(type(context.site), "reply_address", "jawab@contohkab.example")
    units = ("Dinas Sosial", "Dinas Kesehatan", "Dinas Pekerjaan Umum dan Penataan Ruang")
    owe(context, BREACHED, *(at(unit, f"FD-{n}") for n, unit in enumerate(units)))
    counts = {}
    for number in (2, 3):
        executed: list[object] = []

        def count(*given: object, executed: list[object] = executed) -> None:
            executed.append(given[2])

        with context.run(wita(BREACHED), "a test") as run:
            query = select(MessageRow).where(MessageRow.kind == "notices").order_by(MessageRow.id)
            rows = run.session.scalars(query.limit(number)).all()
            for row in rows:
                assert [item.notice.complaint.ticket for item in row.items]
            event.listen(context.engine, "before_cursor_execute", count)
            mails = [mime for _, mime in compose_all(run, rows)]
            event.remove(context.engine, "before_cursor_execute", count)
            assert len(mails) == number
            assert all(b"mailto" in message_from_bytes(m).as_bytes() for m in mails)
            run.session.rollback()
        counts[number] = executed
    assert len(counts[2]) == len(counts[3])


def test_a_duty_of_verification_is_on_the_administrator_s_desk_and_not_the_liaison_s(context):
    unverified = {"Diverifikasi": "", "Diteruskan": "", "Tindak Lanjut Pertama": "", "Unit": ""}
    owe(context, BREACHED, at("Diskominfo", "FD-2"), {"No Register": "FD-1", **unverified})
    found = desks(context, BREACHED)
    verbs = {
        name: {duty.verb for item in found[name].items for duty in item.duties}
        for name in ("admin.lapor", "penghubung.diskominfo")
    }
    assert verbs["admin.lapor"] == {"verifikasi dan disposisikan laporan"}
    assert "verifikasi dan disposisikan laporan" not in verbs["penghubung.diskominfo"]


def test_a_mail_names_the_unknown_unit_that_the_source_assigned(context, server):
    """The administrator's unit holds the complaint, and must read where it belongs."""
    secret = {"Kerahasiaan": "Rahasia"}
    owe(
        context,
        BREACHED,
        at("Dinas Rekaan", **TODAY),
        at("Dinas Lain", "FD-2", **TODAY, **secret),
        at("Diskominfo", "FD-3", **TODAY),
    )
    desk = desks(context, BREACHED)["penghubung.diskominfo"]
    found = {item.ticket: item.unknown_unit for item in desk.items}
    assert found == {"FD-1": "Dinas Rekaan", "FD-2": "", "FD-3": ""}
    deliver(context, BREACHED)
    (letter,) = (each for each in server.letters if "penghubung.disk" in each.recipient)
    for kind in ("plain", "html"):
        page = " ".join(letter.mail.get_body((kind,)).get_content().split())
        assert page.count("didisposisikan kepada “Dinas Rekaan” (belum dikenal)") == 1
        assert "Dinas Lain" not in page


def test_tickets_of_one_rank_are_in_the_order_of_their_numbers(context):
    owe(context, BREACHED, *(at("Dinas Sosial", f"FD-{n}") for n in (10, 2, 1, 11)))
    desk = desks(context, BREACHED)["penghubung.dinsos"]
    assert tickets(desk, DeskSection.LATE) == ["FD-1", "FD-2", "FD-10", "FD-11"]


def test_the_administrator_who_serves_a_unit_reads_what_to_assign_and_what_to_answer(
    site_folder, open_context
):
    """The officer of Diskominfo is administrator and liaison: FD-1 waits for an assignment, FD-2
    came back from Dinas Sosial, and FD-3 is Diskominfo's own.
    """
    both = one_officer_at_diskominfo(site_folder, open_context)
    unverified = {"Diverifikasi": "", "Diteruskan": "", "Tindak Lanjut Pertama": "", "Unit": ""}
    owe(
        both,
        BREACHED,
        {"No Register": "FD-1", **unverified},
        at("Dinas Sosial", "FD-2", Dikembalikan="17/11/2026 09:00"),
        at("Diskominfo", "FD-3"),
    )
    (desk,) = (each for each in desks(both, BREACHED).values() if each.assigns)
    assert {item.ticket: item.to_assign for item in desk.items} == {
        "FD-1": True,
        "FD-2": True,
        "FD-3": False,
    }
    deliver(both, BREACHED)
    sent = [Sent(path.read_bytes()) for path in (both.site.var / "mailbox").glob("*.eml")]
    (letter,) = (each for each in sent if "admin.lapor" in str(each.mail["To"]))
    for body in (letter.text, letter.html):
        page = " ".join(body.split())
        assert "segera diverifikasi dan didisposisikan kepada perangkat daerah yang" in page
        assert "tanggungan perangkat daerah Saudara mohon segera ditindaklanjuti" in page
        assert "dikembalikan 17 Nov oleh Dinas Sosial, perlu disposisi ulang" in page


def one_officer_at_diskominfo(site_folder, open_context):
    """The site where the administrator of LAPOR! is also the only liaison officer of Diskominfo."""
    path = site_folder / "officers.csv"
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    (admin,) = (row for row in rows if row["role"] == "administrator")
    for row in rows:
        if (row["unit"], row["role"]) == ("diskominfo", "liaison"):
            row |= {"name": admin["name"], "email": admin["email"]}
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return open_context()
