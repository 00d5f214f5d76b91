"""Reports with their list of duties, made of complaints of `metric_cases`."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

import numpy as np
from conftest import wita

from sla.metrics.case import Case
from sla.metrics.comparison import compared_periods
from sla.metrics.duty_list import COLUMNS, DutyList
from sla.metrics.recount import Method, recounts
from sla.metrics.superiors import with_superiors_apart
from sla.metrics.tables import Tellings, UnitStatement, report
from sla.metrics.versions import DeadlineVersions
from sla.periods import Period
from support.metric_cases import AS_OF, BENCH, NOVEMBER, gathered_of
from support.synthetic_reports import named, view
from tasks.reports.formats.json_csv import sha256_of
from tasks.reports.model import Duties, Report

PERSON = "liaison\t2026-11-24\t<a@contohkab.example>\tNirwana Pasolo, S.Sos."


def report_of(
    cases: Sequence[Case],
    period: Period = NOVEMBER,
    locale: str = "id",
    notified: Sequence[tuple[str, str, str, str]] = (),
) -> Report:
    """The report of these complaints; `notified` are (ticket, kind, rung, local day).

    The unit of the first complaint has stated that it is done.
    """
    gathered, keys = gathered_of(cases)
    versions = DeadlineVersions(gathered, BENCH.law)
    gathered = with_superiors_apart(gathered, versions, BENCH.law)
    as_of, unit = wita(AS_OF), cases[0].unit if cases else ""
    tellings = Tellings(
        gathered.places(np.array([keys[ticket] for ticket, *_ in notified], dtype=np.int64)),
        np.array([date.fromisoformat(day).toordinal() for *_, day in notified], dtype=np.int64),
        [rung for _, _, rung, _ in notified],
        [kind for _, kind, _, _ in notified],
    )
    first = next(iter(gathered.places(np.array([100]))), -1)
    statements = (
        [UnitStatement(int(first), unit or "", "done", date(2026, 11, 24).toordinal())]
        if first >= 0
        else []
    )
    inherited = gathered.overdue & (gathered.d_day < date(2026, 10, 10).toordinal())
    findings = {"inherited": int(inherited.sum()), "quarantined": 3}
    tables = report(
        gathered,
        period,
        BENCH,
        as_of,
        tellings=tellings,
        findings=findings,
        statements=statements,
    )
    listed = DutyList(
        gathered,
        period,
        BENCH,
        as_of,
        tellings=tellings,
        notified=lambda case, deadline: PERSON if case % 2 else "",
        statements=statements,
        inherited=inherited,
    )
    previous, year_before = compared_periods(period, as_of.date(), BENCH.calendar, None)
    spans = {"value": period, "previous": previous, "year_before": year_before}
    again = recounts({table.key: table for table in tables}, spans, date(2026, 1, 1), as_of.date())
    return replace(
        view(locale, count=0),
        tables=tables,
        names=named(locale, ["pupr:Dinas PUPR", "dinkes:Dinas Kesehatan", "kominfo:Kominfo"]),
        sha256=sha256_of(tables),
        period_key=period.name,
        first=period.first,
        last=period.last,
        duties=Duties(listed, tuple(again)),
    )


def rows_of(report) -> list[dict[str, object]]:
    """The rows of the list of duties behind a report."""
    return [
        dict(zip(COLUMNS, values, strict=True))
        for chunk in report.duties.rows.chunks(size=7)
        for values in zip(*(chunk[column] for column in COLUMNS), strict=True)
    ]


def fits(row, condition) -> bool:
    """Whether a row of the list fulfils a condition of a recount."""
    value = row[condition.column]
    least, most = (
        each.toordinal() if isinstance(each, date) else each
        for each in (condition.least, condition.most)
    )
    if value is None:
        return least == ""
    return (least is None or value >= least) and (most is None or value <= most)


def counted(rows, recount):
    """The figure by the filter of a recount."""

    def some(conditions):
        return [row for row in rows if all(fits(row, each) for each in conditions)]

    found = some(recount.rows)
    if recount.method is Method.COUNT:
        return len(found)
    if recount.method is Method.SHARE:
        return len(found) / len(some(recount.among))
    values = sorted(row[recount.values] for row in found)
    n = len(values)
    return {
        Method.MEAN: lambda: (20 * sum(values) + n) // (2 * n) / 10,  # the half of a tenth goes up
        Method.MEDIAN: lambda: (values[(n - 1) // 2] + values[n // 2]) / 2,
        Method.NINETIETH: lambda: values[-(-n * 9 // 10) - 1],
    }[recount.method]()
