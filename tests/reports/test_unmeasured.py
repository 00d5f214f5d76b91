"""A smaller export and a silent source make nobody late in the report."""

from __future__ import annotations

from datetime import date

import pytest
from conftest import wita
from support.pipeline import at, decide, register

from sla.periods import Period
from tasks.reports.compute import compute_tables

NOVEMBER = Period("2026-11", date(2026, 11, 1), date(2026, 11, 30))
END = "2026-11-30 18:00"
OPEN = [at("Dinas Sosial", f"FD-{n}", **{"Tindak Lanjut Pertama": ""}) for n in range(4)]


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    return sqlite_url


@pytest.mark.parametrize(
    ("second", "kept", "soon", "share", "absent"),
    [
        ("2026-11-24 07:00", 4, (0, 4), (0, 4), 0),  # all shown after Monday the 23rd, the last day
        ("2026-11-24 07:00", 1, (0, 1), (0, 1), 3),  # three are shown last on the 18th
        ("2026-11-23 07:00", 4, (None, 0), (0, 4), 0),  # the source is silent since the last day
    ],
)
def test_a_complaint_not_seen_after_its_five_days_is_not_measured(
    context, second, kept, soon, share, absent
):
    """All are received on Monday 16 November and never followed up."""
    register(context, "2026-11-18 07:00", *OPEN)
    register(context, second, *OPEN[:kept], begun=None)
    for evaluated in (False, True):  # evaluated for the report, and from the stored metrics
        if evaluated:
            decide(context, END)
        with context.transaction() as session:
            tables = {t.key: t for t in compute_tables(session, context, NOVEMBER, wita(END))}
        headline = tables["headline"]
        for key, found in (("followed_up_within_5", soon), ("followed_up_share", share)):
            row = headline.row(key)
            assert (row.cells[0], row.of["value"]) == found, (key, evaluated)
        assert headline.value("received", "value") == 4
        assert tables["quality"].value("absent", "number") == absent
