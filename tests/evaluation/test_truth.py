"""The example site lived through to its last morning, held against what really happened.

The script that wrote its exports knows the true history of every complaint. What Tenggat says
without leaning on the site's policy must agree with it; where it does not know, it may not say.
"""

import importlib.util
import random
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

import pytest
from conftest import REPOSITORY, WITA, wita
from sqlalchemy import select
from support.kept_metrics import judged_anew, wrongly_kept
from support.programs import sized

from db.models import Complaint, DeadlineRow
from sla.periods import parse
from tasks.common.context import SiteContext
from tasks.deadlines import evaluate_and_notify
from tasks.intake import pull
from tasks.reports.compute import compute_tables

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

pytestmark = pytest.mark.long
EVERY = sized(2, 1)
"""Of the exports of LAPOR!, the last one among them."""
PULLED, JUDGED = sized((0.6, 0.5), (1.0, 0.9))
"""On how many mornings an intake runs, and after how many of those the deadlines."""


@pytest.fixture(scope="module")
def samples():
    """The script that invents the inbox of the example site."""
    place = REPOSITORY / "scripts" / "make_samples.py"
    spec = importlib.util.spec_from_file_location("make_samples", place)
    module = importlib.util.module_from_spec(spec)
    sys.modules["make_samples"] = module
    spec.loader.exec_module(module)
    return module


@dataclass
class Month:
    """The example site after a month, and what was found wrong with its kept figures meanwhile."""

    context: SiteContext
    kept: int = 0
    wrong: dict[datetime, set[int]] = field(default_factory=dict)

    def look(self, as_of: datetime) -> None:
        number, wrong = wrongly_kept(self.context, as_of)
        self.kept += number
        if wrong:
            self.wrong[as_of] = wrong


@pytest.fixture(scope="module")
def month(tmp_path_factory) -> Iterator[Month]:
    """Until the morning of 24 November 2026; on some mornings nothing runs, or no deadlines do.

    The kept figures are looked at now, later than now, and back at earlier evenings.
    """
    folder = tmp_path_factory.mktemp("month")
    site = shutil.copytree(REPOSITORY / "examples" / "kabupaten-contoh", folder / "site")
    exports = sorted((site / "inbox" / "lapor").iterdir(), reverse=True)
    for number, export in enumerate(exports):
        if number % EVERY:
            export.unlink()
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("TENGGAT_VAR", str(folder / "var"))
        lived = Month(SiteContext.open(site))
    context, chance = lived.context, random.Random(11)
    morning, last = wita("2026-10-26 08:00"), wita("2026-11-24 08:00")
    while morning <= last:
        if chance.random() < PULLED or morning == last:
            for source in context.site.sources:
                pull(context, source, morning)
            if chance.random() < JUDGED or morning == last:
                evaluate_and_notify(context, morning, f"deadlines {morning:%F}")
        if morning.day % 8 == 0:
            lived.look(morning)
            lived.look(morning + timedelta(hours=20))
            lived.look(morning - timedelta(days=chance.randrange(1, 9), hours=3))
        morning += timedelta(days=1)
    yield lived
    context.close()


@pytest.fixture(scope="module")
def verdicts(month) -> dict[Key, tuple[DeadlineRow, Complaint]]:
    """Every provider's deadline at the end of the month."""
    with month.context.transaction() as session:
        query = select(DeadlineRow, Complaint).join(
            Complaint, Complaint.id == DeadlineRow.complaint_id
        )
        found = {
            (row.ticket, deadline.rule, deadline.due.astimezone(WITA).date()): (deadline, row)
            for deadline, row in session.execute(query.where(DeadlineRow.due.is_not(None)))
        }
    return found


@pytest.fixture(scope="module")
def simulated(samples):
    """Every complaint with its true history."""
    return list(samples.simulate())


@pytest.fixture(scope="module")
def truth(samples, simulated):
    """The simulation's own deadlines, by the same keys."""
    return {
        (c.number, RULES[due.rule], due.due): due
        for c in simulated
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


def test_nothing_late_at_the_front_desk_is_missed_and_nothing_is_made_up(
    samples, simulated, verdicts
):
    """The register tells every step with its time, so the two lists must be the same."""
    missed = {
        (c.number, RULES[due.rule])
        for c in simulated
        if c.source == "desk"
        for due in samples.open_and_late(c)
    }
    found = {
        (ticket, rule)
        for (ticket, rule, _), (deadline, row) in verdicts.items()
        if row.source == "register" and deadline.state == "breached" and deadline.stopped is None
    }
    assert found == missed


def test_what_lapor_shows_to_be_late_is_found(samples, simulated, verdicts):
    """The export shows no follow-up: only what nobody has verified is surely late there."""
    missed = {
        (c.number, "sp4n/verification")
        for c in simulated
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


def test_the_kept_figures_agree_all_the_month_with_a_new_judgment(month):
    assert month.wrong == {}
    assert month.kept > 2_000


@pytest.mark.parametrize("name", ["2026-11", "2026-W45", "2026"])
def test_a_report_of_kept_figures_is_one_that_judges_anew(month, name, monkeypatch):
    context, as_of = month.context, wita("2026-11-24 18:00")
    period = parse(name, as_of.date())
    with context.transaction() as session:
        tables = compute_tables(session, context, period, as_of)
    assert tables == judged_anew(monkeypatch, context, period, as_of)
    assert tables[0].value("received", "value") > 0
