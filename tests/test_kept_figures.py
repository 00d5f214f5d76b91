"""The figures kept beside each complaint are those that judging it anew would give, at any moment.

See `front_desk` for these cases; test_truth.py compares them through a month of the example site.
"""

from dataclasses import replace
from datetime import date

from conftest import wita
from front_desk import at, decide, deliver, register, since
from sqlalchemy import select

from db import complaints, figures
from db.models import Complaint
from sla.deadline import Policy
from sla.figures.line import Words, line
from sla.periods import parse
from tasks import figuring
from tasks.figuring import figured
from tasks.knowing import judged_of
from tasks.ledger import case_of

ALWAYS = date(1, 1, 1)


def kept(session, as_of, first=ALWAYS) -> dict[int, bytes]:
    return {
        key: packed
        for keys, _, lines in figures.kept(session, first, as_of)
        for key, packed in zip(keys, lines, strict=True)
    }


def anew(session, office, as_of) -> dict[int, bytes]:
    """Every complaint recorded by then, judged as it stood; by the numbers of the kept words."""
    words = Words(figures.words(session))
    bench = office.site.bench
    return {
        known.complaint.id: line(case_of(office, known, judged), bench, words.number).packed()
        for rows in complaints.recorded_by(session, as_of)
        for known, judged in judged_of(session, office, rows, as_of)
    }


def wrongly_kept(office, as_of) -> tuple[int, set[int]]:
    """How many complaints have kept figures, and those of which they are not a new judgment's.

    One that has none must be known to be judged anew.
    """
    with office.transaction() as session:
        found, wanted = kept(session, as_of), anew(session, office, as_of)
        known = found.keys() | set(figures.to_judge(session, as_of))
    other = {key for key, line in found.items() if wanted.get(key) != line}
    return len(found), other | (known ^ wanted.keys())


def compare(office, as_of) -> int:
    """Kept figures agree with a new judgment; how many there are."""
    number, wrong = wrongly_kept(office, as_of)
    assert wrong == set()
    return number


def judged_anew(monkeypatch, office, period, as_of):
    """The tables as they are where nothing kept is trusted."""
    with monkeypatch.context() as patch, office.transaction() as session:
        patch.setattr(figuring, "_judged_by_this_rulebook", lambda *_: False)
        return figured(session, office, period, as_of)


def test_figures_hold_from_the_judgment_that_first_found_them(office):
    register(office, "2026-11-20 08:00", at("Dinas Sosial", Selesai="19/11/2026 10:00"))
    decide(office, "2026-11-20 08:05")
    with office.transaction() as session:
        session.scalars(select(Complaint)).one().next_action_at = wita("2026-11-21 08:00")
    decide(office, "2026-11-21 08:00")  # the same again
    with office.transaction() as session:
        row = session.scalars(select(Complaint)).one()
        assert (row.figures_since, row.judged_at) == (
            wita("2026-11-20 08:05"),
            wita("2026-11-21 08:00"),
        )
        assert kept(session, wita("2026-11-20 08:04")) == {}
        assert set(kept(session, wita("2027-03-01 08:00"))) == {row.id}
        assert kept(session, wita("2027-03-01 08:00"), date(2026, 11, 24)) == {}  # due on the 23rd


def test_what_was_learnt_in_between_may_have_been_otherwise_then(office):
    """Settled by a look and taken back by the next: judged before and after, not in between."""
    register(office, "2026-11-17 08:00", at("Dinas Sosial"))
    decide(office, "2026-11-17 08:05")
    register(office, "2026-11-17 10:00", at("Dinas Sosial", Selesai="17/11/2026 09:00"))
    register(office, "2026-11-17 12:00", at("Dinas Sosial"))
    decide(office, "2026-11-17 13:00")
    for moment in ("2026-11-17 09:00", "2026-11-17 11:00", "2026-11-17 12:30", "2026-11-17 14:00"):
        compare(office, wita(moment))


def test_another_rulebook_makes_all_of_them_doubtful(office, monkeypatch):
    """Until a run of deadlines has judged by it a report judges anew, and afterwards the past."""
    register(
        office, "2026-11-20 08:00", at("Dinas Sosial"), at("DLH", "FD-2", **since("02/11/2026"))
    )
    decide(office, "2026-11-20 08:05")
    office.site.bench = replace(office.site.bench, policy=Policy.STRICT)
    period, as_of = parse("2026-11", date(2026, 11, 20)), wita("2026-11-20 18:00")
    with office.transaction() as session:
        before = figured(session, office, period, as_of)
    assert before == judged_anew(monkeypatch, office, period, as_of)
    decide(office, "2026-11-21 08:00")
    with office.transaction() as session:
        assert kept(session, as_of) == {}
        assert len(kept(session, wita("2026-11-21 08:00"))) == 2
    assert compare(office, wita("2026-11-21 09:00")) == 2


def test_a_complaint_that_cannot_be_judged_has_none(office):
    register(office, "2026-11-20 08:00", at("Dinas Sosial"))
    decide(office, "2026-11-20 08:05")
    with office.transaction() as session:
        session.scalars(select(Complaint)).one().next_action_at = wita("2026-11-20 09:00")
    calendar = office.site.bench.calendar
    short = type(calendar)(calendar.first, date(2026, 11, 20))
    office.site.bench = replace(office.site.bench, calendar=short)
    assert decide(office, "2026-11-20 09:00").unjudged == ["FD-1"]
    with office.transaction() as session:
        assert kept(session, wita("2026-11-20 10:00")) == {}
        assert len(figures.to_judge(session, wita("2026-11-20 10:00"))) == 1


def test_who_was_told_of_a_case_long_over_still_counts(office, monkeypatch, server):
    """Its settlement was recorded too late: it was over before the first day that counts here."""
    old = at("Dinas Sosial", **since("03/02/2025"))
    register(office, "2026-11-20 08:00", old)
    decide(office, "2026-11-20 08:05")
    deliver(office, "2026-11-20 08:06")
    register(office, "2026-11-21 08:00", old | {"Selesai": "05/02/2025 10:00"})
    decide(office, "2026-11-21 08:05")
    period, as_of = parse("2026-11", date(2026, 11, 21)), wita("2026-11-21 18:00")
    with office.transaction() as session:
        tables = figured(session, office, period, as_of)
    assert tables == judged_anew(monkeypatch, office, period, as_of)
    (row,) = next(table.rows for table in tables if table.key == "escalations")
    assert row.tickets == ("FD-1",)
