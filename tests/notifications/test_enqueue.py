"""What a deadline run owes to whom: each notice once, one mail a person, all of it or nothing.

See `front_desk` for the complaints. The ladder of the example site: `half`, `day-before` and
`last-day` remind the liaison, `breach` goes to liaison and head, and again every 5 working days.
After they were told, `plus-3` goes to the regional secretary, `plus-7` to the inspector, `plus-14`
to the regent and then every 5 working days.
"""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import date
from threading import Barrier

import pytest
from conftest import ON_SQLITE_FIRST, kind_of_database, wita
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError, IntegrityError
from support.pipeline import (
    BREACHED,
    ESCALATED,
    MONDAY,
    REMINDED,
    alerts,
    at,
    decide,
    deliver,
    dump,
    messages,
    notices,
    owe,
    recipients,
    register,
    since,
)

from db.models import Complaint, DeliveryAttempt, MessageRow, NoticeRow
from settings.site import StormSettings
from sla.directory import OF_A_UNIT, Directory, Role
from tasks import deadlines
from tasks.common.context import SiteContext
from tasks.notifications import enqueue
from tasks.notifications.views import vacancies_in


@pytest.fixture
def database_url(request: pytest.FixtureRequest) -> str:
    """What is tested here hangs on no database but where a test is marked."""
    return kind_of_database(request)


# --- who is told when -----------------------------------------------------------------------------


@pytest.mark.thorough
def test_the_ladder_is_climbed_a_rung_at_a_time_and_each_rung_once(context):
    for day in (16, 17, 18, 19, 20, 23, 24, 25, 26, 27, 30):
        register(context, f"2026-11-{day} 10:00", at("Dinas Sosial"))
        for hour in ("10:00", "10:00", "17:00"):  # the first twice: a run repeated
            decide(context, f"2026-11-{day} {hour}")
    assert notices(context) == [
        (rung, "queued") for rung in ("half", "day-before", "last-day", "breach")
    ]
    # nothing was delivered: what comes up joins the mail that waits, and no superior is told
    assert recipients(context) == ["penghubung.dinsos", "plt.kepala.dinsos"]


@pytest.mark.thorough
def test_superiors_follow_after_the_unit_was_told(context, server):
    owe(context, BREACHED, at("Dinas Sosial"))
    deliver(context, BREACHED)
    days = [f"2026-{day} 08:00" for day in ("11-24", "11-26", "11-27", "12-03", "12-14", "12-21")]
    told = {}
    for day in days:
        register(context, day, at("Dinas Sosial"))
        told[day] = decide(context, day).notices
        deliver(context, day)
    assert [told[day].get("escalation", 0) for day in days] == [0, 0, 1, 1, 1, 1]
    escalations = [rung for rung, _ in notices(context) if rung.startswith("plus")]
    assert escalations == ["plus-3", "plus-7", "plus-14", "plus-14#1"]
    letters = [letter.recipient.partition("@")[0] for letter in server.letters]
    assert [name for name in letters if name in ("sekda", "inspektur", "bupati")] == [
        "sekda",
        "inspektur",
        "bupati",
        "bupati",  # the 14th and the 21st are Mondays: the weekly mail leaves on the day
    ]


def test_after_an_outage_the_unit_is_told_first(context, server):
    register(context, "2026-12-02 08:00", at("Dinas Sosial"))
    count = decide(context, "2026-12-02 08:00")
    assert (count.notices, count.superseded, count.messages) == ({"breach": 1}, 0, 2)
    assert notices(context) == [("breach", "queued")]
    assert recipients(context) == ["penghubung.dinsos", "plt.kepala.dinsos"]
    deliver(context, "2026-12-02 08:00")
    register(context, "2026-12-11 08:00", at("Dinas Sosial"))
    count = decide(context, "2026-12-11 08:00")  # no run in between: only the highest is told
    assert (count.notices, count.superseded) == ({"breach": 1, "escalation": 1}, 1)
    assert notices(context)[1:] == [
        ("breach#1", "queued"),
        ("plus-3", "superseded"),
        ("plus-7", "queued"),
    ]


def test_a_repeated_rung_missed_several_times_is_told_once(context, server):
    owe(context, BREACHED, at("Dinas Sosial"))
    deliver(context, BREACHED)
    register(context, "2027-02-01 08:00", at("Dinas Sosial"))
    decide(context, "2027-02-01 08:00")
    decide(context, "2027-02-01 09:00")
    queued = [rung for rung, status in notices(context) if status == "queued"]
    assert queued == ["breach#9", "plus-14"]  # 45 working days since 24 November


def test_the_weekly_mail_waits_for_monday(context, server):
    owe(context, BREACHED, at("Dinas Sosial"))
    deliver(context, BREACHED)
    register(context, ESCALATED, at("Dinas Sosial"))
    decide(context, ESCALATED)
    assert deliver(context, ESCALATED).sent == 0
    assert waits(context) == ["Mon 07:30"]
    assert deliver(context, MONDAY).by_role == {"regional_secretary": 1}


@pytest.mark.parametrize("hour", ["07:29", "07:30", "10:05"])
def test_the_weekly_mail_leaves_on_monday_in_any_order_of_runs_and_once(context, server, hour):
    """Monday's first register shows only one of two late complaints, the next one both."""
    first, second = at("Dinas Sosial"), at("DLH", "FD-2")
    owe(context, "2026-11-25 08:00", first, second)
    deliver(context, "2026-11-25 08:00")  # +3wd is Monday the 30th
    owe(context, f"2026-11-30 {hour}", first)
    deliver(context, f"2026-11-30 {max(hour, '07:30')}")
    assert weekly_mails(server) == 1
    owe(context, "2026-11-30 11:00", first, second)
    deliver(context, "2026-11-30 11:00")
    assert (weekly_mails(server), notices(context)[-1]) == (1, ("plus-3", "queued"))
    deliver(context, "2026-12-07 07:30")
    assert (weekly_mails(server), notices(context)[-1]) == (2, ("plus-3", "sent"))


@pytest.mark.thorough
def test_the_regent_hears_at_once_of_a_new_duty_and_of_its_further_rungs_on_monday(context, server):
    """A recommendation of the Ombudsman: 60 days, to Tuesday 24 November."""
    old = since("01/09/2026")
    first = at("Dinas Sosial", **old, **{"Rekomendasi Ombudsman": "25/09/2026 08:30"})
    second = at("DLH", "FD-2", **old, **{"Rekomendasi Ombudsman": "02/10/2026 08:30"})
    mails = {}
    for day in ("19", "25", "26", "30"):
        before = len(server.letters)
        owe(context, f"2026-11-{day} 08:00", first, second)
        deliver(context, f"2026-11-{day} 08:00")
        mails[day] = [x for x in server.letters[before:] if x.recipient.startswith("bupati@")]
    # three days are left; it is late, and this waits; the second one is new; nothing is left
    assert {day: len(found) for day, found in mails.items()} == {"19": 1, "25": 0, "26": 1, "30": 0}


def weekly_mails(server) -> int:
    return sum(letter.recipient.startswith("sekda@") for letter in server.letters)


def test_the_first_import_of_a_backlog_is_one_mail_a_person(context):
    """The units get their inventory, the administrator the counts, the superiors nothing."""
    backlog = [at("Dinas Sosial", f"FD-{number}") for number in range(120)]
    started = ("02/11/2026", "16/11/2026", "17/11/2026")  # long late, just late, not yet
    entries = [e | since(started[n % 3]) for n, e in enumerate(backlog)]
    register(context, BREACHED, *entries, begun=None)
    count = decide(context, BREACHED)
    told = recipients(context)
    assert len(told) == len(set(told)) == count.messages
    assert set(told) == {"penghubung.dinsos", "plt.kepala.dinsos"}
    owed = [notice for notice in notices(context) if notice[1] == "queued"]
    assert len(owed) == 120
    assert sum(len(message.items) for message in messages(context)) == 80 + 80 + 40
    assert count.inherited == {"register": 80}
    (alert,) = messages(context, "alert")
    assert alert.detail == {"alert": "inventory", "source": "register", "late": 80}


def test_an_inventory_is_no_storm_and_a_later_backlog_is_one(context):
    storm = StormSettings(complaints=30)
    mail = context.site.file.mail.model_copy(update={"storm": storm})
    context.site.file = context.site.file.model_copy(update={"mail": mail})
    backlog = [at("Dinas Sosial", f"FD-{n}", **since("02/11/2026")) for n in range(40)]
    register(context, BREACHED, *backlog, begun=None)
    assert decide(context, BREACHED).storm is None
    later = [at("DLH", f"FD-{n}", **since("02/11/2026")) for n in range(100, 131)]
    register(context, "2026-11-24 09:00", *backlog, *later)
    assert decide(context, "2026-11-24 09:00").storm is not None
    held = [m.recipient.partition("@")[0] for m in messages(context) if m.status == "held"]
    assert held == ["penghubung.dlh", "kepala.dlh"]


def test_what_came_in_before_the_first_day_is_imported_and_not_watched(context, server):
    context.site.file = context.site.file.model_copy(update={"since": date(2026, 11, 16)})
    old = at("Dinas Sosial", "FD-2", **since("13/11/2026"))
    register(context, "2026-11-30 08:00", at("Dinas Sosial"), old, begun=None)
    decide(context, "2026-11-30 08:00")
    deliver(context, "2026-11-30 08:00")
    assert notices(context) == [("breach", "sent")]
    with context.transaction() as session:
        assert session.query(Complaint).count() == 2
        (ticket,) = {row.complaint.ticket for row in session.query(NoticeRow)}
    assert ticket == "FD-1"
    # a new ruleset: both are watched
    context.site.file = context.site.file.model_copy(update={"since": None})
    decide(context, "2026-11-30 09:00")
    assert notices(context)[1:] == [("breach", "queued")]


def test_one_person_in_two_roles_gets_one_mail(context, server):
    """The regional secretary heads the regency's own office and stands above every unit."""
    late = at("Dinas Sosial", "FD-2", **since("11/11/2026"))
    owe(context, "2026-11-19 08:00", late)
    deliver(context, "2026-11-19 08:00")
    owe(context, BREACHED, at("Pemerintah Kabupaten Contoh", "FD-1"), late)
    (mail,) = [m for m in messages(context) if m.recipient.startswith("sekda@")]
    assert sorted(item.role for item in mail.items) == ["head_of_unit", "regional_secretary"]


def test_the_deputy_is_told_in_his_time_and_the_head_before(context):
    """The head's tenure ends with October, a deputy (Plt.) acts from November."""
    old, new = at("Dinas Sosial", **since("19/10/2026")), at("Dinas Sosial", "FD-2")
    owe(context, "2026-10-27 08:00", old)
    owe(context, BREACHED, old | {"Selesai": "28/10/2026 09:00"}, new)
    heads = [name for name in recipients(context) if "kepala" in name]
    assert heads == ["kepala.dinsos", "plt.kepala.dinsos"]


def test_a_unit_without_a_head_is_told_through_its_parent_and_the_hole_is_told_once(context):
    owe(context, BREACHED, at("Dinas Perhubungan", "FD-1"), at("Dinas Perhubungan", "FD-2"))
    assert recipients(context) == ["penghubung.dishub", "sekda"]
    assert alerts(context) == ["vacancy"]
    (alert,) = messages(context, "alert")
    assert alert.recipient == "admin.lapor@contohkab.example"
    assert alert.detail == {"alert": "vacancy", "unit": "dishub", "role": "head_of_unit"}
    known = [at("Dinas Perhubungan", "FD-1"), at("Dinas Perhubungan", "FD-2")]
    owe(context, "2026-11-25 08:00", *known, at("Dinas Perhubungan", "FD-3", **since("17/11/2026")))
    assert recipients(context)[2:] == []  # it joins the mails that wait
    assert [len(message.items) for message in messages(context, "notices")] == [3, 3]
    assert alerts(context) == ["vacancy"]


@ON_SQLITE_FIRST
def test_all_vacancies_of_a_run_are_told_in_one_mail_and_each_once(context, server):
    """The directory of a new site is empty: a mail for each office would hide the others."""
    site = context.site
    site.directory = Directory(
        site.directory.units.values(),
        [o for o in site.directory.offices if o.role is Role.ADMINISTRATOR],
    )
    first = [at("Dinas Sosial", "FD-1"), at("Dinas Kesehatan", "FD-2")]
    owe(context, BREACHED, *first)
    assert alerts(context) == ["vacancies"]
    deliver(context, BREACHED)
    (mail,) = [m.mail for m in server.letters if "jabatan kosong" in str(m.mail["Subject"])]
    assert str(mail["Subject"]) == "[Tenggat] Beberapa jabatan kosong"
    text = " ".join(mail.get_body(("plain",)).get_content().split())
    for unit in ("Dinas Sosial", "Dinas Kesehatan"):
        assert f"Perangkat daerah: {unit} (" in text
    owe(context, "2026-11-25 08:00", *first, at("Dinas Perhubungan", "FD-3"))
    offices = [
        sorted(each.detail["offices"])
        for each in messages(context, "alert")
        if "offices" in each.detail
    ]
    assert offices == [
        [[unit, role] for unit in ("dinkes", "dinsos") for role in ("head_of_unit", "liaison")],
        [["dishub", "head_of_unit"], ["dishub", "liaison"]],
    ]


def test_a_vacant_office_of_the_whole_site_is_told_once_and_without_a_unit(context, server):
    """The regional secretary of the ladder is missing, and two units are late."""
    site = context.site
    kept = [
        office
        for office in site.directory.offices
        if office.role in (*OF_A_UNIT, Role.ADMINISTRATOR)
    ]
    site.directory = Directory(site.directory.units.values(), kept)
    late = [at("Dinas Sosial", "FD-1"), at("Dinas Kesehatan", "FD-2")]
    owe(context, BREACHED, *late)
    deliver(context, BREACHED)
    for now in (ESCALATED, "2026-11-30 08:00", "2026-12-04 08:00", "2026-12-11 08:00"):
        owe(context, now, *late)
        deliver(context, now)
    told = [office for each in messages(context, "alert") for office in vacancies_in(each.detail)]
    above = [office for office in told if office[1] not in OF_A_UNIT]
    assert above
    assert len(above) == len(set(above))
    assert {unit for unit, _ in above} == {""}
    (mail, *_) = [m.mail for m in server.letters if "abatan kosong" in str(m.mail["Subject"])]
    text = " ".join(mail.get_body(("plain",)).get_content().split())
    assert "Jabatan: Sekretaris Daerah" in text
    assert "Perangkat daerah" not in text


def test_where_nobody_at_all_holds_an_office_the_notice_has_failed(context):
    context.site.directory = Directory(context.site.directory.units.values(), [])
    owe(context, REMINDED, at("Dinas Sosial"))
    assert (notices(context)[-1], messages(context)) == (("day-before", "failed"), [])


def test_every_mail_of_a_run_has_its_own_lasting_name(context):
    owe(context, BREACHED, at("Dinas Sosial"), at("DLH", "FD-2"))
    keys = {message.message_id_header for message in messages(context)}
    assert len(keys) == len(messages(context)) == 4
    assert all(key.endswith("@contohkab.example>") for key in keys)


# --- clocks that do not tick ----------------------------------------------------------------------


@pytest.mark.parametrize("what", ["Ditunda", "Selesai", "Dicabut"])
def test_a_clock_that_does_not_tick_owes_nothing(what, context):
    register(context, "2026-11-18 10:00", at("Dinas Sosial", **{what: "18/11/2026 09:00"}))
    for now in (REMINDED, BREACHED, ESCALATED):
        decide(context, now)
    assert (notices(context), messages(context)) == ([], [])


def test_a_notice_withdrawn_by_a_pause_is_owed_again_when_the_clock_goes_on(context, server):
    """Paused on the 20th before its mail went; two days later the same rung is reached anew."""
    paused = at("Dinas Sosial", Ditunda="20/11/2026 08:05")
    owe(context, REMINDED, at("Dinas Sosial"))
    register(context, "2026-11-20 08:10", paused)
    deliver(context, "2026-11-20 08:10")
    decide(context, "2026-11-20 08:15")
    assert (notices(context)[-1], server.letters) == (("day-before", "withdrawn"), [])
    register(context, "2026-11-23 10:00", paused | {"Dilanjutkan": "23/11/2026 09:00"})
    decide(context, "2026-11-23 10:00")
    assert notices(context)[-1] == ("day-before", "queued")
    assert deliver(context, "2026-11-23 10:00").sent == 1


# --- all or nothing -------------------------------------------------------------------------------


@ON_SQLITE_FIRST
def test_what_was_decided_and_the_mail_it_owes_stand_or_fall_together(context, monkeypatch):
    register(context, BREACHED, at("Dinas Sosial"), at("Dinas Perhubungan", "FD-2"))
    before = dump(context)

    def fails(*arguments, **more):
        raise RuntimeError("the last step")

    with monkeypatch.context() as patch:
        patch.setattr(enqueue, "enqueue_alert", fails)  # notices and mails are written by then
        with pytest.raises(RuntimeError, match="the last step"):
            decide(context, BREACHED)
    assert dump(context) == before
    decide(context, BREACHED)
    assert recipients(context) == [
        "penghubung.dinsos",
        "plt.kepala.dinsos",
        "penghubung.dishub",
        "sekda",
    ]


@ON_SQLITE_FIRST
def test_a_run_with_nothing_due_writes_nothing_and_judges_nobody(context, monkeypatch):
    owe(context, BREACHED, at("Dinas Sosial"), at("DLH", "FD-2"))
    before = dump(context, "flow_run")
    monkeypatch.setattr(deadlines.EvaluationRun, "batch", None)
    count = decide(context, "2026-11-24 09:00")
    assert (count.evaluated, count.messages) == (0, 0)
    assert dump(context, "flow_run") == before


@ON_SQLITE_FIRST
def test_a_notice_forgotten_by_the_program_is_still_kept_by_the_database(context):
    owe(context, BREACHED, at("Dinas Sosial"))
    with context.transaction() as session:
        (row,) = session.query(NoticeRow).all()
        again = {c.key: getattr(row, c.key) for c in NoticeRow.__table__.c if c.key != "id"}
    with pytest.raises(IntegrityError), context.transaction() as session:
        session.add(NoticeRow(**again))


@ON_SQLITE_FIRST
def test_two_deadline_runs_at_once_double_nothing(context, open_context):
    units = ("Dinas Sosial", "DLH", "Dinas Perhubungan", "Dinas Kesehatan")
    register(context, BREACHED, *(at(unit, f"FD-{n}") for n, unit in enumerate(units * 10)))
    together, other = Barrier(2), open_context()

    def run(mine: SiteContext) -> int:
        together.wait(20)
        with suppress(DBAPIError):  # the slower one may find its notices taken, and undo itself
            return decide(mine, BREACHED, f"run {id(mine)}").messages
        return 0

    with ThreadPoolExecutor(2) as pool:
        assert sum(pool.map(run, (context, other))) == 8
    assert notices(context) == [("breach", "queued")] * 40
    assert len(recipients(context)) == len(set(recipients(context))) == 8
    assert alerts(context) == ["vacancy"]


# --- mail hours -----------------------------------------------------------------------------------


def waits(context) -> list[str]:
    with context.transaction() as session:
        rows = session.scalars(select(MessageRow).where(MessageRow.status == "queued"))
        return sorted(f"{context.local(row.next_attempt_at):%a %H:%M}" for row in rows)


def test_at_night_a_mail_waits_for_the_next_working_morning(context):
    register(context, "2026-11-18 07:15", {})
    decide(context, "2026-11-19 00:30")  # half of the time has passed: the liaison officer is told
    assert waits(context) == ["Thu 07:30"]
    assert deliver(context, "2026-11-19 01:00").sent == 0
    assert deliver(context, "2026-11-19 07:30").sent == 1


@ON_SQLITE_FIRST
def test_what_comes_up_while_a_mail_waits_joins_it(context):
    second = {"No Register": "FD-2", **since("17/11/2026")}  # due on Tuesday the 24th
    register(context, "2026-11-20 07:15", {}, second)
    decide(context, "2026-11-20 18:00")  # after hours on a Friday
    decide(context, "2026-11-21 09:00")
    decide(context, "2026-11-23 00:30")  # FD-2 is due tomorrow
    assert waits(context) == ["Mon 07:30"]
    assert deliver(context, "2026-11-23 07:30").sent == 1
    assert [(rung, status) for rung, status in notices(context) if rung == "day-before"] == [
        ("day-before", "sent"),
        ("day-before", "sent"),
    ]


def test_an_urgent_rung_goes_out_at_any_hour(context):
    ladder = context.site.ladders[-1]
    rungs = tuple(replace(rung, urgent=True) for rung in ladder.rungs)
    context.site.ladders = (replace(ladder, rungs=rungs),)
    register(context, "2026-11-18 07:15", {})
    decide(context, "2026-11-19 00:30")
    assert deliver(context, "2026-11-19 00:30").sent == 1


@pytest.mark.parametrize(
    ("moment", "opens"),
    [
        ("2026-11-23 07:29", "Mon 23 07:30"),
        ("2026-11-23 07:30", "Mon 23 07:30"),
        ("2026-11-23 16:59", "Mon 23 16:59"),
        ("2026-11-23 17:00", "Tue 24 07:30"),
        ("2026-11-20 20:00", "Mon 23 07:30"),
        ("2026-12-24 10:00", "Mon 28 07:30"),  # cuti bersama, Christmas, a weekend
    ],
)
def test_the_hours_are_those_of_working_days(context, moment, opens):
    found = context.site.mail_hours.next_open(wita(moment), context.site.evaluation_context)
    assert f"{context.local(found):%a %d %H:%M}" == opens


# --- what is no longer shown ----------------------------------------------------------------------


def test_the_administrator_is_told_of_a_cut_export_before_anybody_is_told_anything(context):
    register(context, "2026-11-17 08:00", *(at("Dinas Sosial", f"FD-{n}") for n in range(6)))
    register(context, REMINDED, *(at("Dinas Sosial", f"FD-{n}") for n in range(2)))
    decide(context, REMINDED)
    deliver(context, REMINDED)
    assert alerts(context) == ["fewer_rows"]
    with context.transaction() as session:
        sent = session.scalars(
            select(MessageRow.kind)
            .join(DeliveryAttempt, DeliveryAttempt.message_id == MessageRow.id)
            .order_by(DeliveryAttempt.id)
        ).all()
    assert sent[0] == "alert"
    assert set(sent[1:]) == {"notices"}


def test_nobody_is_told_of_a_complaint_that_is_no_longer_shown(context):
    both = [at("Dinas Sosial", "FD-1"), at("Dinas Sosial", "FD-2")]
    register(context, "2026-11-17 08:00", *both)
    register(context, "2026-11-18 08:00", both[0])
    owe(context, BREACHED, both[0])
    owe(context, ESCALATED, both[0])
    with context.transaction() as session:
        told = session.scalars(
            select(Complaint.ticket).join(NoticeRow, NoticeRow.complaint_id == Complaint.id)
        ).all()
    assert set(told) == {"FD-1"}


@pytest.mark.thorough
def test_a_complaint_late_before_it_vanished_climbs_no_further(context, server):
    both = [at("Dinas Sosial", "FD-1"), at("Dinas Sosial", "FD-2")]
    owe(context, BREACHED, *both)
    deliver(context, BREACHED)
    before = notices(context)
    owe(context, ESCALATED, both[0])
    climbed = notices(context)[len(before) :]
    with context.transaction() as session:
        told = session.scalars(
            select(Complaint.ticket)
            .join(NoticeRow, NoticeRow.complaint_id == Complaint.id)
            .order_by(NoticeRow.id)
        ).all()[len(before) :]
    assert climbed
    assert set(told) == {"FD-1"}
