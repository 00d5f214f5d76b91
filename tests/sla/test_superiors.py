"""A duty of superiors is charged to the office that has it, never to the unit of the complaint."""

from dataclasses import replace
from datetime import date

import numpy as np
import pytest
from conftest import wita
from support.duty_reports import counted, report_of, rows_of
from support.metric_cases import AS_OF, BENCH, FIRST, LAST, SEES, case, event_at, gathered_of

from sla.calendar import Calendar
from sla.directory import SUPERIOR_OFFICE
from sla.metrics.superiors import with_superiors_apart
from sla.metrics.tables import working_days_late
from sla.metrics.versions import DeadlineVersions

RECOMMENDATION = "uu-37-2008/recommendation"
INFORMATION = "sp4n-guideline/information"
RECOMMENDED = SEES | {"recommendation_received", "recommendation_reported"}


def recommended(ticket, day, *events, **more):
    """A complaint of September with a recommendation, on which superiors report in 60 days."""
    steps = [event_at("received", "2026-09-01 10:00"), *events]
    steps.append(event_at("recommendation_received", f"{day} 10:00"))
    return case(ticket, *sorted(steps, key=lambda each: each.latest), sees=RECOMMENDED, **more)


SETTLED = event_at("settled", "2026-09-02 10:00")
CASES = (
    recommended(
        "both", "2026-09-25"
    ),  # the unit is late since 9 September, superiors since 25 Nov.
    recommended("theirs", "2026-09-25", SETTLED, unit="pupr"),
    recommended("soon", "2026-10-05", SETTLED, unit="pupr"),  # due on 4 December
    case("done", event_at("received", "2026-11-02 10:00"), event_at("settled", "2026-11-03 10:00")),
)


@pytest.fixture(scope="module")
def made():
    return report_of(CASES)


def cells(table, row):
    return dict(zip((each.key for each in table.columns), row.cells, strict=True))


def test_the_late_duty_of_superiors_counts_in_a_row_of_its_own(made):
    units = made.table("by_unit")
    late = {row.key: cells(units, row)["late"] for row in units.rows}
    assert late == {"dinkes": 1, SUPERIOR_OFFICE: 2}
    assert cells(units, units.total)["late"] == made.table("headline").value("late", "value") == 2
    assert made.table("headline").value("late_duties", "value") == 3


def test_its_verdict_is_charged_to_no_unit_and_compared_with_none(made):
    units = made.table("by_unit")
    shown = {row.key: cells(units, row) for row in units.rows}
    assert (shown[SUPERIOR_OFFICE]["verdicts"], shown[SUPERIOR_OFFICE]["breached"]) == (2, 2)
    assert (shown["dinkes"]["verdicts"], shown["dinkes"]["met"]) == (1, 1)
    assert units.rows[-1].key == SUPERIOR_OFFICE
    many = tuple(replace(row, small=False) for row in units.rows)
    compared = [row.key for row in replace(units, rows=many).comparable()]
    assert compared == ["dinkes"]
    assert cells(units, units.total)["verdicts"] == 3


@pytest.mark.parametrize(
    ("table", "column", "value"),
    [
        ("unit_rule", RECOMMENDATION, 0.0),
        ("unit_trend", "2026-11", 0.0),
        ("ahead", "2026-12-04", 1),
    ],
)
def test_the_wide_tables_have_the_row_too(made, table, column, value):
    found = made.table(table)
    assert cells(found, found.row(SUPERIOR_OFFICE))[column] == value
    others = [row for row in found.rows if row.key != SUPERIOR_OFFICE]
    assert all(cells(found, row)[column] in (None, 0) for row in others if table != "unit_trend")


def test_the_lists_name_the_office_in_the_place_of_the_unit(made):
    late = made.table("late")
    named = {
        (cells(late, row)["ticket"], cells(late, row)["rule"]): cells(late, row)["unit"]
        for row in late.rows
    }
    assert named == {
        ("both", INFORMATION): "dinkes",
        ("both", RECOMMENDATION): SUPERIOR_OFFICE,
        ("theirs", RECOMMENDATION): SUPERIOR_OFFICE,
    }
    rows = [row for row in rows_of(made) if row["rule"] == RECOMMENDATION]
    assert {(row["unit"], row["answerable"]) for row in rows} == {(SUPERIOR_OFFICE,) * 2}
    assert {row["holder"] for row in rows} == {"dinkes", "pupr"}
    late_rows = [row for row in rows_of(made) if row["late"]]
    assert [sum(row[flag] for row in late_rows) for flag in ("late_complaint", "late_at_unit")] == [
        2,
        3,
    ]


def test_the_statement_of_a_unit_is_about_its_own_duties(made):
    """The unit of the first complaint has stated that it is done."""
    (row,) = made.table("statements").rows
    assert cells(made.table("statements"), row)["unit"] == "dinkes"
    assert cells(made.table("statements"), row)["working_days_late"] > 50
    stated = {row["rule"]: row["statement"] for row in rows_of(made) if row["ticket"] == "both"}
    assert stated == {INFORMATION: "done", RECOMMENDATION: None}
    alone = report_of([CASES[1]])
    assert alone.table("statements").rows == ()


def test_every_figure_of_the_row_is_counted_again_from_the_list(made):
    rows = rows_of(made)
    found = [each for each in made.duties.recounts if each.row == SUPERIOR_OFFICE]
    assert {each.table for each in found} == {"by_unit", "unit_rule", "unit_trend", "ahead"}
    for each in found:
        table = made.table(each.table)
        assert counted(rows, each) == pytest.approx(cells(table, table.row(each.row))[each.column])


def test_the_days_late_are_counted_by_the_calendar_of_the_unit():
    """The unit works on Saturdays: 28 November is one more day late than by the site's week."""
    six = Calendar(FIRST, LAST, weekmask=(True,) * 6 + (False,))
    context = replace(BENCH, unit_calendars={"pupr": six})
    gathered, _ = gathered_of([CASES[1]])
    apart = with_superiors_apart(gathered, DeadlineVersions(gathered, BENCH.law), BENCH.law)
    until = np.where(apart.overdue, context.day(wita(AS_OF)), 0)
    assert date.fromordinal(int(apart.d_due[apart.overdue][0])) == date(2026, 11, 24)
    assert working_days_late(apart, context, until).max() == 5
    assert working_days_late(apart, BENCH, until).max() == 4
    before = working_days_late(gathered, context, until)
    assert (working_days_late(apart, context, until) == before).all()


def test_without_such_a_duty_nothing_changes():
    gathered, _ = gathered_of([CASES[3]])
    versions = DeadlineVersions(gathered, BENCH.law)
    assert with_superiors_apart(gathered, versions, BENCH.law) is gathered
