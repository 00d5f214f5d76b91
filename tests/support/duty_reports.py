"""Reports with their list of duties, made of complaints of `metric_cases`."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

import numpy as np
from conftest import wita

from sla.metrics.case import Case
from sla.metrics.comparison import compared_periods
from sla.metrics.duty_list import DutyList
from sla.metrics.recount import recounts
from sla.metrics.tables import Tellings, UnitStatement, report
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
