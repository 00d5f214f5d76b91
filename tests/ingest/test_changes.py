"""What of a stored complaint follows from its events, and which complaint a new row is."""

from pathlib import Path

import pytest
from conftest import wita
from sqlalchemy import select
from support.pipeline import at, decide, deliver, explained, recipients, register, write_register

from db import complaints, questions
from db.models import Complaint, EventRow
from settings.site import EXAMPLE
from sla.engine.deadline import LATE_STATES
from sla.events import ASSIGNEE, Event, ImpossibleHistory, Kind, events_as_of, history_as_of
from tasks.common.context import SiteContext
from tasks.ingest.answers import answer, meaning_of
from tasks.ingest.changes import unit_in_charge
from tasks.intake import pull

NOW = wita("2026-11-24 08:00")


def event(kind: Kind, day: int, unit: str | None = None) -> Event:
    return Event(kind, wita(f"2026-11-{day:02} 08:00"), NOW, "register", unit=unit)


def test_the_unit_in_charge_is_known_although_a_receipt_contradicts_the_steps():
    """It raised an error, and the whole file waited because of this row."""
    events = [
        event(Kind.RECEIVED, 5),
        event(Kind.ASSIGNED, 2, "dinsos"),
        event(Kind.ASSIGNED, 3, "disdukcapil"),
    ]
    with pytest.raises(ImpossibleHistory):
        events_as_of(events, NOW)
    assert unit_in_charge(events, NOW) == "disdukcapil"


MONDAY, WEDNESDAY, FRIDAY = "2026-11-16 08:00", "2026-11-18 08:00", "2026-11-20 08:00"
DAY = "2026-11-16 08:00", "2026-11-18 08:00", "2026-11-20 08:00"
DAY = "13/11/2026 08:00"
END = "17/11/2026 10:00"


def row(ticket: str, received: str = DAY, **cells: str) -> dict[str, str]:
    return {"No Register": ticket, "Tanggal Masuk": received, **cells}


def tickets(context: SiteContext) -> list[str]:
    with context.transaction() as session:
        return list(session.scalars(select(Complaint.ticket).order_by(Complaint.ticket)))


@pytest.mark.parametrize(
    ("first", "second"), [("fd-4", "FD-4"), ("FD-4", "fd-4"), ("Fd-4", "FD-4")]
)
def test_a_known_number_in_another_case_is_the_same_complaint(context, first, second):
    register(context, MONDAY, row(first), row("FD-5"))
    register(context, WEDNESDAY, row(second, Selesai=END), row("FD-5"))
    assert tickets(context) == sorted((first, "FD-5"))
    with context.transaction() as session:
        (found,) = complaints.by_ticket_number(session, second)
        assert found.absent_since is None
        kinds = session.scalars(select(EventRow.kind).where(EventRow.complaint_id == found.id))
        assert "settled" in set(kinds)
    register(context, FRIDAY, row(first, Selesai=END), row("FD-5"))
    assert tickets(context) == sorted((first, "FD-5"))


def test_both_spellings_in_one_file_are_two_complaints(context):
    register(context, MONDAY, row("fd-4"))
    register(context, WEDNESDAY, row("fd-4"), row("FD-4", Selesai=END))
    assert tickets(context) == ["FD-4", "fd-4"]
    register(context, FRIDAY, row("FD-4", Selesai=END))
    assert tickets(context) == ["FD-4", "fd-4"]


def test_a_number_in_another_case_of_another_day_is_another_complaint(context):
    register(context, MONDAY, row("fd-4"))
    register(context, WEDNESDAY, row("FD-4", "16/11/2026 08:00"))
    assert tickets(context) == ["FD-4", "fd-4"]


def test_two_new_spellings_of_a_known_number_are_complaints_of_their_own(context):
    register(context, MONDAY, row("fd-4"))
    register(context, WEDNESDAY, row("FD-4"), row("Fd-4"))
    assert tickets(context) == ["FD-4", "Fd-4", "fd-4"]


# --- a unit without the date of its assignment ----------------------------------------------------

NO_STEPS = {"Diteruskan": "", "Diverifikasi": "", "Tindak Lanjut Pertama": ""}
FIRST, SECOND, THIRD = "2026-11-16 09:00", "2026-11-18 07:00", "2026-11-24 07:00"


STATED = 'column = "Diteruskan"\nkind = "assigned"\n'
AT_RECEIPT = STATED.replace("Diteruskan", "Tanggal Masuk")


def mapped(site_folder: Path, assigned: str) -> None:
    """Give the register another mapping of its first assignment."""
    mapping = (EXAMPLE / "sources.toml").read_text("utf-8")
    assert STATED in mapping
    (site_folder / "sources.toml").write_text(mapping.replace(STATED, assigned), "utf-8")


@pytest.fixture(params=[STATED, AT_RECEIPT], ids=["empty-date", "no-column-with-the-date"])
def undated(request, site_folder, open_context) -> SiteContext:
    """The example site with a register without the day of the assignment."""
    mapped(site_folder, request.param)
    return open_context()


def handovers(context: SiteContext, moment: str = "2026-11-30 08:00") -> list[str]:
    """Return the events about units and doubts, each with its interval."""
    with context.transaction() as session:
        (key,) = session.scalars(select(Complaint.id))
        known, doubts = history_as_of(complaints.events_of(session, [key])[key], wita(moment))

    def local(moment) -> str:
        return f"{context.local(moment):%d %H:%M}" if moment else ""

    return [
        f"{'? ' if event.is_doubt else ''}{event.kind} {event.unit}"
        f" {local(event.earliest)}-{local(event.latest)} {event.knowledge}"
        for event in (*known, *doubts)
        if event.kind in (Kind.ASSIGNED, Kind.RETURNED)
    ]


def unit_of(context: SiteContext) -> str | None:
    with context.transaction() as session:
        return session.scalars(select(Complaint.unit)).one()


def test_the_named_unit_has_the_complaint_and_nobody_else_is_called_late(undated):
    for moment in (FIRST, THIRD):
        register(undated, moment, at("Dinas Sosial", **NO_STEPS))
    assert unit_of(undated) == "dinsos"
    decide(undated, "2026-11-24 08:00")
    deliver(undated, "2026-11-24 08:00")
    assert {name.rpartition(".")[2] for name in recipients(undated)} == {"dinsos"}
    late = {
        each.deadline.rule.id: each.deadline.unit
        for each in explained(undated, "2026-11-24 09:00").deadlines
        if each.deadline.state == "breached"
    }
    assert set(late.values()) == {"dinsos"}
    assert "sp4n/verification" not in late


def test_the_time_of_the_assignment_is_an_interval_that_later_imports_keep(undated):
    register(undated, FIRST, at("", **NO_STEPS))
    assert (handovers(undated), unit_of(undated)) == ([], None)
    for moment, subject in ((SECOND, "Satu"), (THIRD, "Dua")):
        register(undated, moment, at("Dinas Sosial", Perihal=subject, **NO_STEPS))
        assert handovers(undated) == ["assigned dinsos 16 09:00-18 07:00 observed"]


@pytest.mark.parametrize(("begun", "unit"), [("2026-11-13 08:00", ""), (None, "Dinas Sosial")])
def test_a_unit_is_late_only_counted_from_the_file_that_names_it(undated, begun, unit):
    """Since the receipt of 16 November the follow-up would be due on the 23rd."""

    def follow_up(now: str) -> str:
        found = [each.deadline for each in explained(undated, now).deadlines]
        return next(each.state for each in found if each.rule.id == "sp4n/first-follow-up")

    first = SECOND if not unit else "2026-11-24 06:00"
    register(undated, first, at(unit, **NO_STEPS), begun=begun)
    register(undated, THIRD, at("Dinas Sosial", Perihal="Dua", **NO_STEPS))
    assert follow_up("2026-11-24 09:00") not in LATE_STATES
    register(undated, "2026-12-02 07:00", at("Dinas Sosial", Perihal="Tiga", **NO_STEPS))
    assert follow_up("2026-12-02 08:00") == "breached"


def test_before_the_first_import_the_time_is_unknown(undated):
    register(undated, SECOND, at("Dinas Sosial", **NO_STEPS), begun=None)
    assert handovers(undated) == ["assigned dinsos 16 08:30-18 07:00 unknown"]


@pytest.mark.parametrize("date", ["17/11/2026 10:00", "16/11/2026 08:30"])
def test_the_date_counts_when_the_register_has_it(context, date):
    register(context, SECOND, at("Dinas Sosial", **NO_STEPS))
    register(context, THIRD, at("Dinas Sosial", **NO_STEPS | {"Diteruskan": date}))
    day = date.replace("/11/2026", "")
    assert handovers(context) == [f"assigned dinsos -{day} stated"]


@pytest.mark.parametrize("is_answered", [False, True])
@pytest.mark.parametrize("step", ["Tindak Lanjut Pertama", "Selesai"])
def test_the_assignment_was_before_the_steps_that_follow_it(undated, step, is_answered):
    """The date of the step is in the file, or in an answer; the next import changes nothing."""
    register(undated, SECOND, at("Dinas Sosial", **NO_STEPS))
    done = NO_STEPS | {step: "30/02/2026" if is_answered else "17/11/2026 10:00"}
    register(undated, THIRD, at("Dinas Sosial", **done))
    if is_answered:
        with undated.transaction() as session:
            (each,) = questions.open_questions(session)
            moment = meaning_of(undated.site, each.question, "17/11/2026 10:00")
            answer(session, undated, each.question, moment, "test", wita("2026-11-24 08:00"))
    assert handovers(undated) == ["assigned dinsos 16 08:30-17 09:59 observed"]
    register(undated, "2026-11-25 07:00", at("Dinas Sosial", Perihal="Baru", **done))
    assert handovers(undated) == ["assigned dinsos 16 08:30-17 09:59 observed"]


def test_another_name_was_right_from_the_beginning(undated):
    register(undated, SECOND, at("Dinas Sosial", **NO_STEPS))
    register(undated, THIRD, at("Dinas Kesehatan", **NO_STEPS))
    assert handovers(undated) == ["assigned dinkes 16 08:30-24 07:00 observed"]
    assert unit_of(undated) == "dinkes"


@pytest.mark.parametrize("is_late", [False, True])
def test_a_text_in_the_place_of_a_date_keeps_the_assignment_of_an_older_register(context, is_late):
    made = {SECOND: at("Dinas Sosial"), THIRD: at("Dinas Kesehatan", Diteruskan="Budi")}
    for moment in sorted(made, reverse=is_late):
        write_register(context, wita(moment), made[moment])
        pull(context, "register", wita(THIRD))
    assert handovers(context) == ["assigned dinsos -16 08:45 stated"]
    assert unit_of(context) == "dinsos"
    with context.transaction() as session:
        (asked,) = questions.open_questions(session)
        assert (asked.question.column, asked.question.value) == ("Diteruskan", "Budi")
        known = complaints.events_of(session, session.scalars(select(Complaint.id)).all())
    _, (doubt,) = history_as_of(next(iter(known.values())), wita("2026-11-30 08:00"))
    assert (doubt.kind, doubt.first_possible) == (ASSIGNEE, wita(SECOND))


def test_a_text_that_means_an_empty_cell_retracts_no_later_assignment(context):
    """The answer `kosong` was given for another complaint."""
    entries = [at("Dinas Sosial"), at("Dinas Sosial", "FD-2", Diteruskan="Budi")]
    register(context, SECOND, *entries)
    with context.transaction() as session:
        (asked,) = questions.open_questions(session)
        answer(session, context, asked.question, "", "test", wita(SECOND))
    register(context, THIRD, entries[0] | {"Diteruskan": "Budi"}, entries[1])
    with context.transaction() as session:
        units = session.execute(select(Complaint.ticket, Complaint.unit)).tuples().all()
        asked = [each.question.value for each in questions.open_questions(session)]
    assert dict(units)["FD-1"] == "dinsos"
    assert asked == [""]


DAY_OF_STEP = "16/11/2026 10:00"
BEGINS = {
    "Berkas Lengkap": "uu-25-2009/decision",
    "Keputusan": "uu-25-2009/delivery",
    "Klarifikasi Ombudsman Diminta": "uu-37-2008/clarification",
    "Rekomendasi Ombudsman": "uu-37-2008/recommendation",
    "Dibuka Kembali": "sp4n-guideline/complaint",
}
"""Columns with the begin of a duty, and the rule of that duty."""


@pytest.mark.parametrize("lost", ["", "Budi"])
@pytest.mark.parametrize(("column", "rule"), BEGINS.items())
def test_a_duty_of_which_the_begin_is_lost_runs_on_and_is_never_newly_late(
    context, column, rule, lost
):
    """The administrator is asked; the duty was removed without a word."""
    cells = {"Klasifikasi": "Pengaduan Tidak Berkadar Pengawasan", column: DAY_OF_STEP}
    cells["Selesai"] = "16/11/2026 09:00" if column == "Dibuka Kembali" else ""

    def states(moment: str, **more: str) -> list[tuple[str, str]]:
        register(context, moment, at("Dinas Sosial", **cells | more))
        decide(context, moment)
        found = [each.deadline for each in explained(context, moment).deadlines]
        return [(each.state, f"{each.due:%d/%m}") for each in found if each.rule.id == rule]

    (*earlier, (state, due)) = states(SECOND)
    assert state == "running"
    assert states(THIRD, **{column: lost}) == [*earlier, (state, due)]
    assert states("2027-02-15 08:00", **{column: lost}) == [*earlier, ("unknown", due)]
    with context.transaction() as session:
        (question,) = questions.open_questions(session)
        assert (question.question.column, question.question.value) == (column, lost)
        answer(session, context, question.question, "", "test", wita("2027-02-15 09:00"))
    found = explained(context, "2027-02-15 10:00").deadlines
    assert [each.deadline.rule.id for each in found].count(rule) == len(earlier)


def test_a_date_that_vanishes_stays_a_question(context):
    register(context, SECOND, at("Dinas Sosial", Diverifikasi=""))
    register(context, THIRD, at("Dinas Sosial", **NO_STEPS))
    assert handovers(context) == ["assigned dinsos -16 08:45 stated"]
    assert unit_of(context) == "dinsos"
    with context.transaction() as session:
        columns = {each.question.column for each in questions.open_questions(session)}
    assert "Diteruskan" in columns


def test_a_unit_after_a_return_has_the_complaint_since_then(context):
    returned = {"Dikembalikan": "17/11/2026 08:00", "Unit Pengganti": "Dinas Kesehatan"}
    register(context, SECOND, at("Dinas Sosial", Diverifikasi="", **returned))
    assert handovers(context) == [
        "assigned dinsos -16 08:45 stated",
        "returned dinsos -17 08:00 stated",
        "assigned dinkes 17 08:00-18 07:00 observed",
    ]
    assert unit_of(context) == "dinkes"


def test_files_in_another_order_give_the_same_interval(undated):
    register(undated, THIRD, at("Dinas Sosial", **NO_STEPS))
    write_register(undated, wita(SECOND), at("Dinas Sosial", **NO_STEPS))
    pull(undated, "register", wita("2026-11-24 09:00"))
    assert handovers(undated) == ["assigned dinsos 16 08:30-18 07:00 observed"]


def test_a_unit_that_vanishes_stays_in_charge_until_the_answer(site_folder, open_context):
    mapped(site_folder, AT_RECEIPT)
    context = open_context()
    register(context, SECOND, at("Dinas Sosial", **NO_STEPS))
    register(context, THIRD, at("", **NO_STEPS))
    assert handovers(context) == ["assigned dinsos 16 08:30-18 07:00 observed"]
    assert unit_of(context) == "dinsos"
    with context.transaction() as session:
        asked = [each.question for each in questions.open_questions(session)]
        assert [(each.column, each.value) for each in asked] == [("Unit", "")]
        answer(session, context, asked[0], "", "test", wita("2026-11-24 09:00"))
    register(context, "2026-11-25 07:00", at("", Perihal="Dua", **NO_STEPS))
    assert (handovers(context), unit_of(context)) == ([], None)


def test_all_steps_may_be_on_the_day_of_receipt(site_folder, open_context):
    mapped(site_folder, AT_RECEIPT)
    context = open_context()
    days = {"Tanggal Masuk": "16/11/2026", "Tindak Lanjut Pertama": "16/11/2026"}
    register(context, THIRD, at("Dinas Sosial", **NO_STEPS | days))
    assert handovers(context) == ["assigned dinsos 16 00:00-16 00:00 observed"]
    assert unit_of(context) == "dinsos"
    found = [each.deadline for each in explained(context, "2026-11-24 09:00").deadlines]
    assert [each.state for each in found if each.rule.id == "sp4n/first-follow-up"] == ["met"]


def test_a_mapping_may_say_that_complaints_are_assigned_at_the_receipt(site_folder, open_context):
    mapped(site_folder, f"{AT_RECEIPT}at_receipt = true\n")
    context = open_context()
    register(context, SECOND, at("Dinas Sosial", **NO_STEPS))
    assert handovers(context) == ["assigned dinsos -16 08:30 stated"]
    mapped(site_folder, AT_RECEIPT)
    register(open_context(), THIRD, at("Dinas Sosial", Perihal="Dua", **NO_STEPS))
    assert handovers(context) == ["assigned dinsos 16 08:30-18 07:00 unknown"]
