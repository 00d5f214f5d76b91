"""Two months of Boston's service requests, judged by us and by the city: the verdicts agree.

The city says of each case whether it was in time (`ontime`). For an open case it said so when the
data were extracted, and that day is not told; but all open cases with a verdict are OVERDUE, the
last of them was due in August 2013, and the last closing in the file is of June 2019. So at any
moment after both, the city's verdicts are the ones to be found. We take the time at which the file
was written, which is later still; a file made after `now` would wait.
"""

import csv
import gzip
import os
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest
from conftest import REPOSITORY
from sqlalchemy import func, select
from support.programs import sized

from db.models import Complaint, DeadlineRow, QuarantineRow
from tasks.common.context import SiteContext
from tasks.deadlines import evaluate_and_notify
from tasks.intake import pull

pytestmark = pytest.mark.real_data

NAME = "boston_311_2011_jul_aug.csv.gz"
EVERY = sized(10, 1)
OURS = {"met": "ONTIME", "met_late": "OVERDUE", "breached": "OVERDUE"}


@pytest.fixture(scope="module")
def cases(real_data: Path) -> list[dict[str, str]]:
    """The city's cases, read by hand."""
    with gzip.open(real_data / NAME, "rt", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_the_data_are_as_their_description_says(cases):
    verdicts = Counter((case["ontime"], bool(case["target_dt"])) for case in cases)
    assert len(cases) == 21_401
    assert verdicts == {
        ("ONTIME", True): 13_553,
        ("OVERDUE", True): 4_185,
        ("ONTIME", False): 3_619,
        ("", True): 44,
    }


def test_an_open_case_with_a_verdict_is_overdue_and_was_due_long_ago(cases):
    still_open = [case for case in cases if case["case_status"] == "Open" and case["target_dt"]]
    judged = [case for case in still_open if case["ontime"]]
    assert {case["ontime"] for case in judged} == {"OVERDUE"}
    assert max(case["target_dt"] for case in judged) < "2013-08-16"
    assert max(case["closed_dt"] for case in cases) < "2019-06-28"


def rare(case: dict[str, str]) -> bool:
    """One of a kind of which there are few: without a verdict, or open and promised nothing."""
    return not case["ontime"] or (case["case_status"] == "Open" and not case["target_dt"])


@pytest.mark.long
def test_our_verdict_is_the_citys_on_every_case(real_data: Path, cases, tmp_path, monkeypatch):
    """In its short form on every tenth case and on all rare ones."""
    cases = [case for number, case in enumerate(cases) if not number % EVERY or rare(case)]
    with gzip.open(tmp_path / NAME, "wt", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(cases[0]))
        writer.writeheader()
        writer.writerows(cases)
    monkeypatch.setenv("TENGGAT_BOSTON_DATA", str(tmp_path))
    monkeypatch.setenv("TENGGAT_VAR", str(tmp_path / "var"))
    written = (real_data / NAME).stat().st_mtime
    os.utime(tmp_path / NAME, (written, written))
    now = datetime.fromtimestamp(written + 60, tz=UTC)
    context = SiteContext.open(REPOSITORY / "examples" / "boston")
    try:
        count = pull(context, "boston311", now)
        decided = evaluate_and_notify(context, now, "run")
        with context.transaction() as session:
            query = select(Complaint.ticket, DeadlineRow.state)
            rows = session.execute(query.join(Complaint, DeadlineRow.complaint_id == Complaint.id))
            ours = {ticket: OURS.get(state, state) for ticket, state in rows.all()}
            waiting = session.scalar(select(func.count()).select_from(QuarantineRow))
    finally:
        context.close()
    theirs = {
        case["case_enquiry_id"]: case["ontime"]
        for case in cases
        if case["target_dt"] and case["ontime"]
    }
    assert now > datetime(2019, 6, 28, tzinfo=UTC)
    assert (count.new, waiting, decided.not_evaluated) == (len(cases), 0, [])
    assert len(theirs) == 13_553 + 4_185 or EVERY > 1
    assert Counter(theirs.values()).keys() == {"ONTIME", "OVERDUE"}
    assert {ticket: ours.get(ticket) for ticket in theirs} == theirs
    promised = {case["case_enquiry_id"] for case in cases if case["target_dt"]}
    assert ours.keys() == promised  # no target, no deadline
