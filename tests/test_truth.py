"""The example site lived through to its last morning, held against what really happened.

The script that wrote its exports knows the true history of every complaint. What Tenggat says
without leaning on the site's policy must agree with it; where it does not know, it may not say.
"""

import importlib.util
import sys
from datetime import date, timedelta

import pytest
from conftest import REPOSITORY, WITA, wita
from sqlalchemy import select

from db.models import Complaint, DeadlineRow
from tasks.deadlines import judge_and_queue
from tasks.intake import pull
from tasks.office import Office

RULES = {
    "verification": "sp4n/verification",
    "first-follow-up": "sp4n/first-follow-up",
    "Pengaduan Berkadar Pengawasan": "sp4n-guideline/supervisory",
    "Pengaduan Tidak Berkadar Pengawasan": "sp4n-guideline/complaint",
    "Permintaan Informasi": "sp4n-guideline/information",
    "Aspirasi": "sp4n-guideline/aspiration",
    "response": "uu-25-2009/response",
    "decision": "uu-25-2009/decision",
    "delivery": "uu-25-2009/delivery",
    "clarification": "uu-37-2008/clarification",
    "recommendation": "uu-37-2008/recommendation",
}
Key = tuple[str, str, date]  # ticket, rule, due day


@pytest.fixture(scope="module")
def samples():
    """The script that invents the inbox of the example site."""
    place = REPOSITORY / "config" / "make_samples.py"
    spec = importlib.util.spec_from_file_location("make_samples", place)
    module = importlib.util.module_from_spec(spec)
    sys.modules["make_samples"] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory) -> dict[Key, tuple[DeadlineRow, Complaint]]:
    """Every provider's deadline on the morning of 24 November 2026, after thirty daily runs."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("TENGGAT_VAR", str(tmp_path_factory.mktemp("var")))
        office = Office.open(REPOSITORY / "config")
    morning = wita("2026-10-26 08:00")
    while morning <= wita("2026-11-24 08:00"):
        for source in office.site.sources:
            pull.fn(office, source, morning)
        judge_and_queue.fn(office, morning, f"deadlines {morning:%F}")
        morning += timedelta(days=1)
    with office.transaction() as session:
        query = select(DeadlineRow, Complaint).join(
            Complaint, Complaint.id == DeadlineRow.complaint_id
        )
        found = {
            (row.ticket, deadline.rule, deadline.due.astimezone(WITA).date()): (deadline, row)
            for deadline, row in session.execute(query.where(DeadlineRow.due.is_not(None)))
        }
    office.close()
    return found


@pytest.fixture(scope="module")
def truth(samples):
    """The simulation's own deadlines, by the same keys."""
    return {
        (c.number, RULES[due.rule], due.due): due
        for c in samples.simulate()
        for due in samples.deadlines(c)
        if due.rule in RULES
    }


def judged(verdicts, truth, *states):
    """The verdicts in these states that lean on no policy, each with the truth."""
    return [
        (key, truth[key])
        for key, (deadline, _) in verdicts.items()
        if deadline.state in states and not deadline.by_policy and key in truth
    ]


def test_the_due_days_are_the_true_ones(verdicts, truth):
    common = verdicts.keys() & truth.keys()
    assert len(common) > 1500


def test_who_is_called_late_is_late(verdicts, truth):
    late = judged(verdicts, truth, "breached", "met_late")
    assert len(late) > 60
    assert [key for key, due in late if not due.late()] == []


def test_who_is_called_on_time_was_on_time(verdicts, truth):
    met = judged(verdicts, truth, "met")
    assert len(met) > 1000
    assert [key for key, due in met if due.late()] == []


def test_nothing_late_at_the_front_desk_is_missed_and_nothing_is_made_up(samples, verdicts):
    """The register tells every step with its time, so the two lists must be the same."""
    missed = {
        (c.number, RULES[due.rule])
        for c in samples.simulate()
        if c.source == "desk"
        for due in samples.open_and_late(c)
    }
    found = {
        (ticket, rule)
        for (ticket, rule, _), (deadline, row) in verdicts.items()
        if row.source == "register" and deadline.state == "breached" and deadline.stopped is None
    }
    assert found == missed


def test_what_lapor_shows_to_be_late_is_found(samples, verdicts):
    """The export shows no follow-up: only what nobody has verified is surely late there."""
    missed = {
        (c.number, "sp4n/verification")
        for c in samples.simulate()
        if c.source == "lapor"
        for due in samples.open_and_late(c)
        if due.rule == "verification"
    }
    found = {
        (ticket, rule)
        for (ticket, rule, _), (deadline, row) in verdicts.items()
        if row.source == "lapor"
        and rule == "sp4n/verification"
        and deadline.state == "breached"
        and deadline.stopped is None
    }
    assert found == missed


def test_nobody_is_late_by_a_deadline_that_never_was(verdicts, truth):
    late = {
        key for key, (deadline, _) in verdicts.items() if deadline.state in ("breached", "met_late")
    }
    ours = {key for key in late if key[1] in RULES.values()}
    assert ours - truth.keys() == set()
