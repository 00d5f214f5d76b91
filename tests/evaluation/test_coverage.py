"""Until when the imports of a source show its complaints."""

from datetime import date

import numpy as np
import pytest
from conftest import wita
from support.metric_cases import BENCH

from db.imports import Covered
from tasks.evaluation.coverage import newest_days

WHOLE = Covered(wita("2026-11-10 07:00"), None, None)
NOVEMBER = Covered(wita("2026-11-20 07:00"), wita("2026-11-01 00:00"), wita("2026-11-30 23:59"))


@pytest.mark.parametrize(
    ("covered", "october", "november"),
    [
        ([], "2026-10-26", "2026-11-02"),  # no import that counts: known on the day of receipt
        ([WHOLE], "2026-11-10", "2026-11-10"),
        ([NOVEMBER], "2026-10-26", "2026-11-20"),
        ([NOVEMBER, WHOLE], "2026-11-10", "2026-11-20"),
    ],
)
def test_the_newest_import_that_had_to_show_a_complaint(covered, october, november):
    received = [date(2026, 10, 26), date(2026, 11, 2)]
    found = newest_days(covered, np.array([day.toordinal() for day in received]), BENCH)
    assert [date.fromordinal(day).isoformat() for day in found.tolist()] == [october, november]
