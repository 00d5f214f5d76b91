"""The tables of a report for one period, from the columns of the cases. `shapes` has every
formula.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

import numpy as np

from sla.engine.context import EvaluationContext
from sla.engine.deadline import State
from sla.metrics.columns import CaseColumns, Flags, Ints, distinct, first_of_equals
from sla.metrics.comparison import compared_periods
from sla.metrics.definitions import (
    AGES,
    HEADLINE,
    NOT_COMPARED,
    OPTIONAL,
    RATINGS,
    SHAPES,
    SOON,
    TREND_MONTHS,
    VERDICTS,
    WITHIN,
    is_small,
)
from sla.metrics.encoding import FOR_EVER, STATES
from sla.metrics.outlook import duties_ahead, forecast
from sla.metrics.table import Cell, Column, Measure, Row, Table, after_units
from sla.metrics.unit_tables import status_by_unit, unit_rule, unit_trend
from sla.metrics.versions import DeadlineVersions
from sla.periods import Period, before, months_until, year_before

MET, MET_LATE, BREACHED, UNKNOWN, WAIVED = (
    STATES.index(state)
    for state in (State.MET, State.MET_LATE, State.BREACHED, State.UNKNOWN, State.WAIVED)
)
EVALUATED = (MET, MET_LATE, BREACHED)
"""The states that are a verdict: on time or late."""

COLUMNS = tuple(column.key for column in SHAPES["headline"][1])
"""The columns of the headline: the period itself and those that it is compared with."""


@dataclass(frozen=True, slots=True)
class _Figure:
    """A figure of the headline: its value and the cases behind it.

    `smaller` is the number of complaints behind it, of a share the smaller group. `of` is the
    number that a share, a mean or a median is computed from.
    """

    value: Cell
    cases: Flags | Ints
    smaller: int
    of: int | None = None


WITH_VERDICTS = frozenset(
    key for key, (of, columns) in SHAPES.items() if VERDICTS[0] in columns and of != "month"
)
"""Tables with columns of `VERDICTS`, one row for each group of the duties of the period."""

OF_THE_PERIOD = frozenset(
    {"received", "settled", "reopened", "returned", *(column.key for column in VERDICTS)}
)
"""Columns of these tables that are about the period. Others are about the as-of time."""

OF_COMPLAINTS = ("ageing", "forecast")
"""Tables that have all their rows also without a complaint."""

OF_A_PERIOD = frozenset({"observed_times", "history_unknown", "absent", "by_policy", "taken_back"})
"""Findings about the data of the period."""

OF_THE_SITE = frozenset({"vacancies", "rules_to_be_confirmed"})
"""Findings about the settings of the site: they are known without any data."""

MOST_FLAGS = 20_000_000
"""Flags of one byte are faster than sorting, up to so many."""


def first_day(period: Period) -> date:
    """Return the first day needed for the report of a period: the earliest day of its
    comparisons.
    """
    spans = (before(period), year_before(period), *months_until(period.last, TREND_MONTHS))
    return min([period.first, *(span.first for span in spans if span is not None)])


@dataclass(frozen=True, slots=True)
class Tellings:
    """The notifications, as columns of length m: `case` is the index of a case, `day` its day.

    `rung` and `kind` are texts. There is one entry for each notification of a rung about a case.
    `order` has the rungs in the order in which a deadline reaches them.
    """

    case: Ints
    day: Ints
    rung: Sequence[str]
    kind: Sequence[str]
    order: Sequence[str] = ()

    @classmethod
    def none(cls) -> Tellings:
        """Return an empty set of notifications."""
        return cls(np.zeros(0, np.int64), np.zeros(0, np.int64), (), ())


@dataclass(frozen=True, slots=True)
class UnitStatement:
    """The newest statement of a unit about a case: `case` is the index of the case, `day` its day.

    `kind` is a key of the texts.
    """

    case: int
    unit: str
    kind: str
    day: int


def report(
    gathered: CaseColumns,
    period: Period,
    context: EvaluationContext,
    as_of: datetime,
    *,
    tellings: Tellings,
    findings: Mapping[str, int],
    notified: Callable[[int, int], str] = lambda case, deadline: "",
    statements: Sequence[UnitStatement] = (),
    data_from: date | None = None,
    nothing: bool = False,
    versions: DeadlineVersions | None = None,
) -> tuple[Table, ...]:
    """Compute all tables of a period as known at `as_of`, in the order of `SHAPES`.

    `findings` are the rows of the quality table that cannot be computed from the cases. `notified`
    returns the recipients notified of a late deadline, as a text, for the index of its case and the
    index of the deadline. `statements` are the newest statements of units. `data_from` is the day
    of the earliest receipt: figures of times before it are None. With `nothing` there has never
    been a complaint: there are no data at all, and no figure about complaints is 0. `versions` are
    those of the deadlines, if they are known already.
    """
    made = _ReportTables(
        gathered,
        period,
        context,
        as_of,
        tellings,
        data_from,
        nothing=nothing,
        versions=versions or DeadlineVersions(gathered, context.law),
    )
    return made.tables(findings, notified, statements)


class _ReportTables:
    def __init__(
        self,
        g: CaseColumns,
        period: Period,
        context: EvaluationContext,
        as_of: datetime,
        tellings: Tellings,
        data_from: date | None,
        *,
        nothing: bool,
        versions: DeadlineVersions,
    ) -> None:
        self.versions = versions
        self.data_from, self.nothing = data_from, nothing
        self.without_data = self.nothing or (data_from is not None and period.last < data_from)
        self.g, self.period, self.context, self.tellings = g, period, context, tellings
        self.today = context.day(as_of)
        self.year_begin = context.day(context.start_of_year(as_of))
        self.late_cases = np.zeros(len(g.tickets), np.bool_)
        self.late_cases[g.d_case[g.overdue]] = True
        self.evaluated = np.isin(g.d_state, EVALUATED)
        until = np.where(g.overdue, self.today, 0)
        self.late_days = working_days_late(g, context, until)

    def tables(
        self,
        findings: Mapping[str, int],
        notified: Callable[[int, int], str],
        statements: Sequence[UnitStatement],
    ) -> tuple[Table, ...]:
        g = self.g
        rules = unit_rule(g, self.within(g.d_day) & self.evaluated)
        months = unit_trend(g, self.evaluated, self._months_with_data())
        ahead = duties_ahead(g, self.today)
        wide = {"unit_rule": rules, "unit_trend": months, "ahead": ahead}
        made = {
            "headline": self.headline(),
            "by_rule": self.by_rule(),
            "by_unit": self.by_unit(),
            "status": status_by_unit(g, self.within(g.received)),
            "unit_rule": rules.rows,
            "unit_trend": months.rows,
            "by_classification": self.by_kind(g.classification),
            "by_category": self.by_kind(g.category),
            "by_channel": self.by_kind(g.channel),
            "by_place": self.by_place(),
            "rating": self.rating(),
            "ageing": self.ageing(),
            "ahead": ahead.rows,
            "forecast": forecast(g, self.context.calendar, self.today),
            "trend": self.trend(),
            "late": self.late(notified),
            "statements": self.statements(statements),
            "escalations": self.escalations(),
            "quality": self.quality(findings),
        }
        totals = self.totals(made) | {key: each.total for key, each in wide.items()}
        if self.nothing:
            for key in OF_COMPLAINTS:
                made[key] = [_without_figures(row) for row in made[key]]
                totals.pop(key, None)
        if self.without_data:
            for key in WITH_VERDICTS:
                columns = SHAPES[key][1]
                made[key] = [_without_period(row, columns) for row in made[key]]
                totals[key] = _without_period(totals[key], columns)
        return tuple(
            Table(
                key,
                of,
                (*(wide[key].columns if key in wide else ()), *columns),
                tuple(made[key]),
                totals.get(key) if made[key] else None,
            )
            for key, (of, columns) in SHAPES.items()
            if made[key] or key not in OPTIONAL
        )

    def _months_with_data(self) -> list[Period]:
        """Return the months of the trend; those before the first receipt have no data."""
        return [
            month
            for month in months_until(self.period.last, TREND_MONTHS)
            if self.data_from is None or self.data_from <= month.last
        ]

    def totals(self, made: Mapping[str, Sequence[Row]]) -> dict[str, Row]:
        """Return the row below each table with columns that add up; a complaint counts once."""
        g = self.g
        verdicts, small = self.verdicts(self.within(g.d_day))
        duties, late, still = int(g.overdue.sum()), int(self.late_cases.sum()), int(g.open.sum())
        received = int(self.within(g.received).sum())

        def summed(key: str, column: int) -> int:
            cells = (row.cells[column] for row in made[key])
            return sum(cell for cell in cells if isinstance(cell, int))

        width = len(SHAPES["status"][1])
        months = [summed("trend", column) for column in range(4)]
        no_month = all(row.cells[0] is None for row in made["trend"])
        trend = [row.cells[3:] for row in made["trend"] if row.cells[4] is not None]
        met = sum(round(_whole(evaluated) * _part(share)) for evaluated, share in trend)
        told = self.within(self.tellings.day)
        cells: dict[str, tuple[Cell, ...]] = {
            "by_rule": (*verdicts, duties),
            "by_unit": (*verdicts, still, late, summed("by_unit", 10), summed("by_unit", 11)),
            **{
                f"by_{kind}": (received, *verdicts, still, late)
                for kind in ("classification", "category", "channel")
            },
            "by_place": (
                received,
                int(self.within(g.settled).sum()),
                verdicts[0],
                verdicts[-1],
                late,
            ),
            "status": tuple(summed("status", column) for column in range(width)),
            "ageing": (summed("ageing", 0), summed("ageing", 1)),
            "trend": (None,) * 5 if no_month else (*months, _share(met, months[3])),
            "escalations": (
                None,
                int(told.sum()),
                len(distinct(self.tellings.case[told])),
                *(None for _ in WITHIN),
            ),
        }
        return {
            key: Row("total", each, small=small and key in WITH_VERDICTS)
            for key, each in cells.items()
        }

    # --- what a period selects ---

    def within(self, days: Ints, period: Period | None = None) -> Flags:
        span = period or self.period
        found: Flags = (days >= span.first.toordinal()) & (days <= span.last.toordinal())
        return found

    def tickets(self, *cases: Flags | Ints) -> tuple[str, ...]:
        """Return the tickets of the cases in any of these selections: flags over all cases, or
        indices.
        """
        return self.g.tickets_of(*cases)

    def evaluated_places(self, due: Flags) -> Ints:
        return self.g.d_case[due & self.evaluated]

    def grouped(self, *parts: tuple[Ints, Ints]) -> dict[int, Ints]:
        """Group cases by key: each case once per key, in order. A part has keys and as many
        cases.
        """
        n = max(len(self.g.tickets), 1)
        codes = distinct(np.concatenate([codes_of(keys, n, cases) for keys, cases in parts]))
        keys = codes // n
        begins = np.flatnonzero(first_of_equals(keys))
        groups = np.split(codes % n, begins[1:])
        return {int(keys[begin]): cases for begin, cases in zip(begins, groups, strict=False)}

    # --- sections ---

    def headline(self) -> list[Row]:
        now = {} if self.without_data else self._headline(self.period)
        today, calendar = date.fromordinal(self.today), self.context.calendar
        earlier = [
            self._comparable(span) if span and not self.nothing else {}
            for span in compared_periods(self.period, today, calendar, self.data_from)
        ]
        present = self._present()
        rows = []
        for key, measure in HEADLINE:
            if key in present:
                number, behind = present[key]
                value = None if self.nothing else number
                rows.append(Row(key, (value, None, None), self.tickets(behind), measure=measure))
                continue
            compared = [{}, {}] if key in NOT_COMPARED else earlier
            found = [figures.get(key) for figures in (now, *compared)]
            rows.append(
                Row(
                    key,
                    tuple(each.value if each else None for each in found),
                    self.tickets(now[key].cases) if now else (),
                    measure=measure,
                    of={c: each.of for c, each in _by_column(found) if each.of is not None},
                    behind={column: each.smaller for column, each in _by_column(found)},
                )
            )
        return rows

    def _present(self) -> dict[str, tuple[int, Flags | Ints]]:
        """Return the numbers known only at the as-of time, each with the cases behind it."""
        g = self.g
        ended = g.ended_late(self.year_begin)
        return {
            "open": (int(g.open.sum()), g.open),
            "late": (int(self.late_cases.sum()), self.late_cases),
            "late_duties": (int(g.overdue.sum()), self.late_cases),
            "late_ended": (int(ended.sum()), g.d_case[ended]),
        }

    def _comparable(self, period: Period) -> dict[str, _Figure]:
        """Return the figures of an earlier period, without settlements if they may be incomplete.

        A complaint settled at an unknown time may have been settled in that period. The number of
        known settlements would then be too low for a comparison.
        """
        found = self._headline(period)
        if self._perhaps_settled(period).any():
            del found["settled"], found["first_settled"]
        return found

    def _headline(self, period: Period) -> dict[str, _Figure]:
        """Return each figure that a period has."""
        g = self.g
        received, due = self.within(g.received, period), self.within(g.d_day, period)
        states, evaluated = g.d_state[due], self.evaluated[due]
        came, measured = int(received.sum()), received & follow_up_measured(g)
        of, followed = int(measured.sum()), int((measured & g.followed).sum())
        on_time = self.behind_by(np.zeros(len(due), np.int64), due)[0].get("share", 0)
        found = {
            "received": _Figure(came, received, came),
            "followed_up_within_5": self._soon_followed_up(received),
            "followed_up_share": _Figure(
                _share(followed, of), measured, _smaller(followed, of), of
            ),
            "on_time": _Figure(
                _share((states == MET).sum(), evaluated.sum()),
                self.evaluated_places(due),
                on_time,
                int(evaluated.sum()),
            ),
        }
        for name, some in (
            ("settled", self.within(g.settled, period)),
            ("first_settled", self.within(g.first_settled, period)),
            ("settled_unknown", received & (g.settled_unknown > 0)),
        ):
            found[name] = _Figure(int(some.sum()), some, int(some.sum()))
        for name, chosen, day in (
            ("follow_up", self.within(g.follow_up, period), g.follow_up),
            ("settlement", self.within(g.settled, period) & (g.settlement > 0), g.settlement),
        ):
            taken = np.sort(self.context.calendar.between(g.received[chosen], day[chosen]))
            for which, value in zip(("mean", "median", "ninetieth"), _spread(taken), strict=True):
                number = len(taken)
                found[f"{which}_days_to_{name}"] = _Figure(value, chosen, number, number)
        for name, events in (("reopened", g.reopenings), ("returned", g.returns)):
            rows = events[self.within(events[:, 1], period)]
            found[name] = _Figure(len(rows), rows[:, 0], len(distinct(rows[:, 0])))
        return found

    def _perhaps_settled(self, period: Period) -> Flags:
        """Return a flag for each case: settled at an unknown time that may be in a period."""
        g = self.g
        found: Flags = (g.settled_unknown >= period.first.toordinal()) & (
            g.received <= period.last.toordinal()
        )
        return found

    def _soon_followed_up(self, received: Flags) -> _Figure:
        """Return the share of these complaints followed up within `SOON` working days."""
        counted, soon = followed_up_soon(self.g, self.context, self.today)
        of, number = int((received & counted).sum()), int((received & soon).sum())
        return _Figure(_share(number, of), received & counted, _smaller(number, of), of)

    def verdicts(self, chosen: Flags) -> tuple[tuple[Cell, ...], bool]:
        """Compute the columns of `VERDICTS` over these deadlines, and whether the number is
        small.
        """
        return self.verdicts_by(np.zeros(len(chosen), np.int64), chosen)[0]

    def verdicts_by(
        self, keys: Ints, chosen: Flags
    ) -> defaultdict[int, tuple[tuple[Cell, ...], bool]]:
        """Compute the columns of `VERDICTS` for each key of these deadlines, and whether it is
        small.
        """
        counts = np.bincount(keys[chosen] * len(STATES) + self.g.d_state[chosen])
        policy = np.bincount(keys[chosen & self.g.d_by_policy], minlength=len(counts))
        made: defaultdict[int, tuple[tuple[Cell, ...], bool]] = defaultdict(
            lambda: _verdicts(np.zeros(len(STATES), np.int64), 0)
        )
        counts = np.append(counts, np.zeros(-len(counts) % len(STATES), np.int64))
        for key, states in enumerate(counts.reshape(-1, len(STATES))):
            if states.any():
                made[key] = _verdicts(states, policy[key])
        return made

    def behind_by(self, keys: Ints, chosen: Flags) -> defaultdict[int, dict[str, int]]:
        """Count the complaints behind each column of `VERDICTS`, for each key of these deadlines.

        `not_met` counts those with a deadline met late or breached.
        """
        g, n = self.g, max(len(self.g.tickets), 1)
        found: defaultdict[int, dict[str, int]] = defaultdict(dict)
        codes = codes_of(keys, n, g.d_case)
        evaluated, met = chosen & self.evaluated, chosen & (g.d_state == MET)
        groups = {
            "verdicts": evaluated,
            "met": met,
            "met_late": chosen & (g.d_state == MET_LATE),
            "breached": chosen & (g.d_state == BREACHED),
            "not_met": evaluated & ~met,
            "unknown": chosen & (g.d_state == UNKNOWN),
            "waived": chosen & (g.d_state == WAIVED),
            "by_policy": chosen & g.d_by_policy,
        }
        for column, some in groups.items():
            for key, number in _distinct(codes[some], n).items():
                found[key][column] = number
        for each in found.values():
            parts = [each[part] for part in ("met", "not_met") if part in each]
            if parts:
                each["share"] = min(parts)
        return found

    def by_rule(self) -> list[Row]:
        g, due, late = self.g, self.within(self.g.d_day), self.g.overdue
        verdicts, counted = self.verdicts_by(g.d_rule, due), self.behind_by(g.d_rule, due)
        versions = self.versions.by_rule(due | late)
        overdue = _counts(g.d_rule[late])
        for rule, cases in self.grouped((g.d_rule[late], g.d_case[late])).items():
            counted[rule]["late_duties"] = len(cases)
        behind = self.grouped((g.d_rule[due | late], g.d_case[due | late]))
        rows = []
        for rule, cases in behind.items():
            cells, small = verdicts[rule]
            cells, tickets = (*cells, overdue[rule]), self.tickets(cases)
            row = Row(g.words[rule], cells, tickets, small, behind=counted[rule])
            rows.append(replace(row, versions=versions[rule]))
        return sorted(rows, key=lambda row: row.key)

    def by_unit(self) -> list[Row]:
        """Return the rows by unit: the worst share first, units with few evaluated deadlines at the
        end, and after them the duties of superiors and what belongs to no unit.
        """
        g, due, late = self.g, self.within(self.g.d_day), self.g.overdue
        again = g.reopenings[self.within(g.reopenings[:, 1])]
        back = g.returns[self.within(g.returns[:, 1])]
        verdicts = self.verdicts_by(g.d_answerable, due)
        counted = self.behind_by(g.d_answerable, due)
        for column, events in (("reopened", again), ("returned", back)):
            for unit, cases in self.grouped((events[:, 2], events[:, 0])).items():
                counted[unit][column] = len(cases)
        still = _counts(g.unit[g.open])
        overdue = self.grouped((g.d_unit[late], g.d_case[late]))
        reopened, returned = _counts(again[:, 2]), _counts(back[:, 2])
        behind = self.grouped(
            (g.d_answerable[due], g.d_case[due]),
            (g.d_unit[late], g.d_case[late]),
            (g.unit[g.open], np.flatnonzero(g.open)),
            (again[:, 2], again[:, 0]),
            (back[:, 2], back[:, 0]),
        )
        rows = []
        for unit, cases in behind.items():
            cells, small = verdicts[unit]
            present = (still[unit], len(overdue.get(unit, ())), reopened[unit], returned[unit])
            tickets = self.tickets(cases)
            rows.append(
                Row(g.words[unit], (*cells, *present), tickets, small, behind=counted[unit])
            )

        def rank(row: Row) -> tuple[int, bool, float, int, str]:
            evaluated, share = row.cells[0], row.cells[7]
            assert isinstance(evaluated, int)
            worst = share if isinstance(share, float) else 2.0
            return after_units(row.key), share is None or row.small, worst, -evaluated, row.key

        return sorted(rows, key=rank)

    def by_kind(self, kinds: Ints) -> list[Row]:
        """Return the rows by a text of the cases, such as the category: the most received first."""
        g, due = self.g, self.within(self.g.d_day)
        received = self.within(g.received)
        of_deadline = kinds[g.d_case]
        came, still = _counts(kinds[received]), _counts(kinds[g.open])
        late = _counts(kinds[self.late_cases])
        verdicts, counts = self.verdicts_by(of_deadline, due), self.behind_by(of_deadline, due)
        counted = received | g.open | self.late_cases
        behind = self.grouped(
            (kinds[counted], np.flatnonzero(counted)), (of_deadline[due], g.d_case[due])
        )
        rows = []
        for kind, cases in behind.items():
            cells, small = verdicts[kind]
            values = (came[kind], *cells, still[kind], late[kind])
            tickets = self.tickets(cases)
            rows.append(Row(g.words[kind], values, tickets, small, behind=counts[kind]))
        return sorted(rows, key=lambda row: (-_whole(row.cells[0]), row.key))

    def by_place(self) -> list[Row]:
        """Return the rows by place, the most received first; none if no complaint has a place."""
        g, due = self.g, self.within(self.g.d_day)
        received, settled = self.within(g.received), self.within(g.settled)
        of_deadline = g.place[g.d_case]
        counted = received | settled | self.late_cases
        groups = self.grouped(
            (g.place[counted], np.flatnonzero(counted)), (of_deadline[due], g.d_case[due])
        )
        if not any(g.words[place] for place in groups):
            return []
        came, ended = _counts(g.place[received]), _counts(g.place[settled])
        late = _counts(g.place[self.late_cases])
        verdicts, behind = self.verdicts_by(of_deadline, due), self.behind_by(of_deadline, due)
        rows = []
        for place, cases in groups.items():
            (evaluated, *_, share), small = verdicts[place]
            cells = (came[place], ended[place], evaluated, share, late[place])
            tickets = self.tickets(cases)
            rows.append(Row(g.words[place], cells, tickets, small, behind=behind[place]))
        return sorted(rows, key=lambda row: (-_whole(row.cells[0]), row.key))

    def rating(self) -> list[Row]:
        """Return the mean rating, the number behind it and that of each; none without a rating."""
        g = self.g
        rated = self.within(g.received) & (g.rating > 0)
        number, total = int(rated.sum()), int(g.rating[rated].sum())
        if not number:
            return []
        mean, of = _mean(total, number), {"rated": number}
        tickets = self.tickets(rated)
        rows = [Row("mean", (mean,), tickets, measure=Measure.DAYS, of=of)]
        rows.append(Row("rated", (number,), tickets))
        for each in RATINGS:
            some = rated & (g.rating == each)
            rows.append(Row(str(each), (int(some.sum()),), self.tickets(some)))
        return rows

    def ageing(self) -> list[Row]:
        g = self.g
        age = self.context.calendar.between(g.received, np.full_like(g.received, self.today))
        rows = []
        for least, most in AGES:
            chosen = g.open & (age >= least)
            if most is not None:
                chosen &= age <= most
            cells = (int(chosen.sum()), int((chosen & self.late_cases).sum()))
            key = f"{least}-{'' if most is None else most}"
            rows.append(Row(key, cells, self.tickets(chosen)))
        return rows

    def trend(self) -> list[Row]:
        g = self.g
        rows = []
        for month in months_until(self.period.last, TREND_MONTHS):
            if self.nothing or (self.data_from is not None and month.last < self.data_from):
                rows.append(Row(month.name, (None,) * 5))
                continue
            received, settled = self.within(g.received, month), self.within(g.settled, month)
            untimed = int((received & (g.settled_unknown > 0)).sum())
            due = self.within(g.d_day, month)
            (evaluated, *_, share), small = self.verdicts(due)
            cells = (int(received.sum()), int(settled.sum()), untimed, evaluated, share)
            tickets = self.tickets(received, settled, self.evaluated_places(due))
            behind = self.behind_by(np.zeros(len(due), np.int64), due)[0]
            rows.append(Row(month.name, cells, tickets, small, behind=behind))
        return rows

    def late(self, notified: Callable[[int, int], str]) -> list[Row]:
        """Return a row for every breached deadline that is still open, the latest first."""
        g, overdue = self.g, np.flatnonzero(self.g.overdue)
        late = self.late_days[overdue]
        rows = []
        for place, days in zip(overdue.tolist(), late.tolist(), strict=True):
            case = int(g.d_case[place])
            ticket, rule = g.tickets[case], g.words[int(g.d_rule[place])]
            due = date.fromordinal(int(g.d_due[place])) if g.d_due[place] else None
            cells = (
                ticket,
                days,
                g.words[int(g.d_unit[place])],
                rule,
                g.words[int(g.category[case])],
                due,
                notified(case, place),
            )
            key, versions = f"{ticket} {rule}", (self.versions.of(place),)
            rows.append(Row(key, cells, (ticket,), versions=versions))
        return sorted(rows, key=lambda row: (-_whole(row.cells[1]), row.key))

    def statements(self, statements: Sequence[UnitStatement]) -> list[Row]:
        """Return the statements about cases with an open deadline of the unit, the latest first.

        `working_days_late` is that of the latest deadline; None if no deadline is late.
        """
        g = self.g
        rows = []
        for stated in statements:
            mine = np.flatnonzero(g.d_open & (g.d_case == stated.case))
            mine = mine[[g.words[int(unit)] == stated.unit for unit in g.d_unit[mine]]]
            if not len(mine):
                continue
            late = self.late_days[mine[g.overdue[mine]]]
            ticket = g.tickets[stated.case]
            cells = (
                ticket,
                stated.kind,
                date.fromordinal(stated.day),
                int(late.max()) if len(late) else None,
                stated.unit,
            )
            rows.append(Row(f"{ticket} {stated.unit}", cells, (ticket,)))
        return sorted(rows, key=lambda row: (-_whole(row.cells[3] or 0), row.key))

    def escalations(self) -> list[Row]:
        """Return the notifications in the period by rung, in the order of the rungs, and the share
        of their cases settled soon after.
        """
        t = self.tellings
        groups: dict[tuple[str, str], list[int]] = {}
        for place in map(int, np.flatnonzero(self.within(t.day))):
            groups.setdefault((t.kind[place], t.rung[place]), []).append(place)
        rows = []
        rank = {rung: number for number, rung in enumerate(t.order)}
        for (kind, rung), places in sorted(
            groups.items(), key=lambda each: (rank.get(each[0][1], len(rank)), each[0])
        ):
            first: dict[int, int] = {}
            for place in places:
                case, day = int(t.case[place]), int(t.day[place])
                first[case] = min(day, first.get(case, day))
            cases = np.array(list(first), dtype=np.int64)
            days = np.array(list(first.values()), dtype=np.int64)
            soon, old = settled_after(self.g, self.context, self.today, cases, days)
            counted = [int(some.sum()) for some in old]
            shares = [_share(some.sum(), of) for some, of in zip(soon, counted, strict=True)]
            cells = (kind, len(places), len(cases), *shares)
            names = [f"settled_within_{most}" for most in WITHIN]
            of = dict(zip(names, counted, strict=True))
            often = Counter(int(t.case[place]) for place in places)
            behind = {"notified_again": sum(number > 1 for number in often.values())}
            rows.append(Row(rung, cells, self.tickets(cases), of=of, behind=behind))
        return rows

    def quality(self, findings: Mapping[str, int]) -> list[Row]:
        g = self.g
        received, due = self.within(g.received), self.within(g.d_day)
        observed, absent = received & g.observed, received & (g.absent_since > 0)
        behind: dict[str, Flags | Ints] = {
            "observed_times": observed,
            "history_unknown": received & g.unknown,
            "absent": absent,
            "by_policy": g.d_case[due & g.d_by_policy],
            "provisional": g.d_case[g.d_open & g.d_provisional],
        }
        numbers = {
            "observed_times": int(observed.sum()),
            "history_unknown": int((received & g.unknown).sum()),
            "absent": int(absent.sum()),
            "by_policy": int((due & g.d_by_policy).sum()),
            "provisional": int((g.d_open & g.d_provisional).sum()),
        }
        rows = [Row(key, (number,), self.tickets(behind[key])) for key, number in numbers.items()]
        rows += [Row(key, (number,)) for key, number in findings.items()]
        unknown: frozenset[str] = OF_A_PERIOD if self.without_data else frozenset()
        return [
            _without_figures(row)
            if row.key in unknown
            or (self.nothing and row.key not in OF_THE_SITE and not row.cells[0])
            else row
            for row in rows
        ]


def followed_up_soon(g: CaseColumns, context: EvaluationContext, today: int) -> tuple[Flags, Flags]:
    """Return flags over all cases: counted in the share followed up within `SOON` working days, and
    followed up within them.

    A case counts only when its source was read after these days: else those followed up early would
    be the only young ones. It counts as not followed up only if its own follow-ups are known until
    after them, and none can have happened within them.
    """

    def taken(day: Ints) -> Ints:
        return context.calendar.between(g.received, np.maximum(day, g.received))

    read = np.minimum(g.covered_until, today)
    known = np.minimum(g.follow_ups_until, read)
    timed = g.followed_on > 0
    over = taken(read) > SOON
    soon: Flags = over & (g.follow_ups_until > 0) & timed & (taken(g.followed_on) <= SOON)
    perhaps = g.followed & (~timed | (taken(g.followed_from) <= SOON))
    return soon | ((taken(known) > SOON) & ~perhaps), soon


def follow_up_measured(g: CaseColumns) -> Flags:
    """Return a flag for each case: it is known whether it has been followed up."""
    measured: Flags = (g.follow_ups_until > 0) & (g.followed | (g.follow_ups_until == FOR_EVER))
    return measured


def working_days_late(g: CaseColumns, context: EvaluationContext, until: Ints) -> Ints:
    """Count for each deadline the working days from its due day until a day, by the calendar of the
    responsible unit; 0 without a due day or a later day.
    """
    days = np.zeros(len(g.d_due), np.int64)
    counted = np.flatnonzero((g.d_due > 0) & (until > g.d_due))
    for unit in distinct(g.d_calendar[counted]):
        some = counted[g.d_calendar[counted] == unit]
        calendar = context.calendar_of(g.words[int(unit)])
        days[some] = calendar.distance(g.d_due[some], until[some])
    return days


def settled_after(
    g: CaseColumns, context: EvaluationContext, today: int, cases: Ints, notified: Ints
) -> tuple[list[Flags], list[Flags]]:
    """Return flags over these cases for each number of working days of `WITHIN`: settled within
    them after the notification; and counted.

    A case counts only when its source was read after these days: else the share would be too high
    while notifications are recent. It counts as not settled only if its steps are known until after
    them.
    """
    events, calendar = g.settlements, context.calendar
    order = np.lexsort((events[:, 1], events[:, 0]))
    keys = codes_of(events[order, 0], 1 << 22, events[order, 1])
    at = np.searchsorted(keys, cases * (1 << 22) + notified)
    padded = np.append(keys, -1)
    settled = (padded[at] >> 22) == cases
    on = np.where(settled, padded[at] & ((1 << 22) - 1), notified)
    taken = calendar.between(notified, on)
    read = np.minimum(g.covered_until[cases], today)
    doubted, absent = g.follow_ups_until[cases], g.absent_since[cases]
    known = np.where(doubted > 0, np.minimum(read, doubted), read)
    known = np.where(absent > 0, np.minimum(known, absent - 1), known)
    shown, sure = calendar.between(notified, read), calendar.between(notified, known)
    soon = [(shown > most) & settled & (taken <= most) for most in WITHIN]
    counted = [part | (sure > most) for part, most in zip(soon, WITHIN, strict=True)]
    return soon, counted


def _without_figures(row: Row) -> Row:
    """Return a row without any figure."""
    return replace(row, cells=(None,) * len(row.cells))


def _without_period(row: Row, columns: Sequence[Column]) -> Row:
    """Return a row without the figures of the period, as there are no data of it."""
    cells = (
        None if column.key in OF_THE_PERIOD else cell
        for column, cell in zip(columns, row.cells, strict=True)
    )
    return replace(row, cells=tuple(cells))


def _by_column(found: Sequence[_Figure | None]) -> list[tuple[str, _Figure]]:
    return [(column, each) for column, each in zip(COLUMNS, found, strict=True) if each]


def _smaller(part: int, whole: int) -> int:
    """Return the size of the smaller group inside or outside of a part that is not empty."""
    return min([number for number in (part, whole - part) if number], default=0)


def codes_of(keys: Ints, n: int, numbers: Ints) -> Ints:
    """Return each key times `n` plus its number below `n`, with 64 bits: the columns have fewer."""
    found: Ints = keys.astype(np.int64)
    found *= n
    found += numbers
    return found


def _counts(keys: Ints) -> Counter[int]:
    """Count the occurrences of each key."""
    counts = np.bincount(keys)
    return Counter({int(key): int(counts[key]) for key in np.flatnonzero(counts)})


def _distinct(codes: Ints, n: int) -> dict[int, int]:
    """Count the distinct codes of each key; a code is the key times `n` plus a number below `n`."""
    if not len(codes):
        return {}
    size = (int(codes.max()) // n + 1) * n
    if size > MOST_FLAGS:
        return _counts(distinct(codes) // n)
    flags = np.zeros(size, np.bool_)
    flags[codes] = True
    numbers = np.count_nonzero(flags.reshape(-1, n), axis=1)
    return {int(key): int(numbers[key]) for key in np.flatnonzero(numbers)}


def _verdicts(counts: Ints, by_policy: int) -> tuple[tuple[Cell, ...], bool]:
    met, met_late, breached, unknown, waived = (
        int(counts[state]) for state in (MET, MET_LATE, BREACHED, UNKNOWN, WAIVED)
    )
    evaluated = met + met_late + breached
    cells = (
        evaluated,
        met,
        met_late,
        breached,
        unknown,
        waived,
        int(by_policy),
        _share(met, evaluated),
    )
    return cells, is_small(evaluated)


def _share(part: int | np.integer, whole: int | np.integer) -> float | None:
    return float(part) / float(whole) if whole else None


def _spread(days: Ints) -> tuple[float | None, float | None, float | None]:
    """Compute the mean to one decimal, the median, and the 90th percentile.

    The 90th percentile is the smallest value not exceeded by at least nine tenths of the values.
    """
    if not len(days):
        return None, None, None
    ninetieth = days[max(0, -(-len(days) * 9 // 10) - 1)]
    return _mean(int(days.sum()), len(days)), float(np.median(days)), float(ninetieth)


def _mean(total: int, number: int) -> float:
    """Return a mean to one decimal; the half of a tenth goes up, as in spreadsheets."""
    return (20 * total + number) // (2 * number) / 10


def _whole(cell: Cell) -> int:
    assert isinstance(cell, int)
    return cell


def _part(cell: Cell) -> float:
    assert isinstance(cell, float)
    return cell
