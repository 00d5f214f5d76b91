"""Report: the tables of one period, from cases gathered once. See `shapes` for every formula."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

import numpy as np

from sla.deadline import Bench, State
from sla.figures.gathering import STATES, Flags, Gathered, Ints
from sla.figures.shapes import AGES, HEADLINE, SHAPES, SMALL_NUMBER, TREND_MONTHS, WITHIN
from sla.figures.table import Cell, Row, Table
from sla.periods import Period, before, months_until, year_before

MET, MET_LATE, BREACHED, UNKNOWN, WAIVED = (
    STATES.index(state)
    for state in (State.MET, State.MET_LATE, State.BREACHED, State.UNKNOWN, State.WAIVED)
)
JUDGED = (MET, MET_LATE, BREACHED)


@dataclass(frozen=True, slots=True)
class Tellings:
    """Who was told: columns of length m. `case` is the place of a case, `day` when it was told.

    `rung` and `kind` are words, one for each telling of a rung about a case.
    """

    case: Ints
    day: Ints
    rung: Sequence[str]
    kind: Sequence[str]

    @classmethod
    def none(cls) -> Tellings:
        """Nobody was told of anything."""
        return cls(np.zeros(0, np.int64), np.zeros(0, np.int64), (), ())


def report(
    gathered: Gathered,
    period: Period,
    bench: Bench,
    as_of: datetime,
    *,
    tellings: Tellings,
    findings: Mapping[str, int],
    told: Callable[[int, int], str] = lambda case, deadline: "",
) -> tuple[Table, ...]:
    """All tables of a period as it is known at `as_of`, in the order of `SHAPES`.

    `findings` are the numbers of the quality table that cases do not tell; `told` gives the words
    for who was told of a late deadline, by the places of its case and of itself.
    """
    return _Report(gathered, period, bench, as_of, tellings).tables(findings, told)


class _Report:
    def __init__(
        self, g: Gathered, period: Period, bench: Bench, as_of: datetime, tellings: Tellings
    ) -> None:
        self.g, self.period, self.bench, self.tellings = g, period, bench, tellings
        self.today = bench.day(as_of)
        self.late_cases = np.zeros(len(g.tickets), np.bool_)
        self.late_cases[g.d_case[g.overdue]] = True

    def tables(
        self, findings: Mapping[str, int], told: Callable[[int, int], str]
    ) -> tuple[Table, ...]:
        g = self.g
        made = {
            "headline": self.headline(),
            "by_rule": self.by_rule(),
            "by_unit": self.by_unit(),
            "by_classification": self.by_kind(g.classification),
            "by_category": self.by_kind(g.category),
            "by_channel": self.by_kind(g.channel),
            "ageing": self.ageing(),
            "trend": self.trend(),
            "late": self.late(told),
            "escalations": self.escalations(),
            "quality": self.quality(findings),
        }
        return tuple(
            Table(key, of, columns, tuple(made[key])) for key, (of, columns) in SHAPES.items()
        )

    # --- what a period selects ---

    def within(self, days: Ints, period: Period | None = None) -> Flags:
        span = period or self.period
        found: Flags = (days >= span.first.toordinal()) & (days <= span.last.toordinal())
        return found

    def tickets(self, *cases: Flags | Ints) -> tuple[str, ...]:
        """The tickets of the cases that are in any of these: flags over all, or places."""
        chosen = np.zeros(len(self.g.tickets), np.bool_)
        for some in cases:
            chosen[some] = True
        return tuple(self.g.tickets[chosen])

    def judged_places(self, due: Flags) -> Ints:
        return self.g.d_case[due & np.isin(self.g.d_state, JUDGED)]

    # --- sections ---

    def headline(self) -> list[Row]:
        now = self._headline(self.period)
        earlier = [
            self._headline(span) if span else {}
            for span in (before(self.period), year_before(self.period))
        ]
        standing = {"open": self.g.open, "late": self.late_cases}
        rows = []
        for key, measure in HEADLINE:
            if key in standing:
                chosen = standing[key]
                cells: tuple[Cell, ...] = (int(chosen.sum()), None, None)
                tickets = self.tickets(chosen)
            else:
                value, behind = now[key]
                cells = (value, *(each[key][0] if each else None for each in earlier))
                tickets = self.tickets(behind)
            rows.append(Row(key, cells, tickets, measure=measure))
        return rows

    def _headline(self, period: Period) -> dict[str, tuple[Cell, Flags | Ints]]:
        g = self.g
        received, settled = self.within(g.received, period), self.within(g.settled, period)
        due = self.within(g.d_day, period)
        states = g.d_state[due]
        judged = np.isin(states, JUDGED)
        found: dict[str, tuple[Cell, Flags | Ints]] = {
            "received": (int(received.sum()), received),
            "settled": (int(settled.sum()), settled),
            "followed_up_share": (_share((received & g.followed).sum(), received.sum()), received),
            "on_time": (_share((states == MET).sum(), judged.sum()), self.judged_places(due)),
        }
        for name, chosen, day in (
            ("follow_up", received & (g.follow_up > 0), g.follow_up),
            ("settlement", settled & (g.settlement > 0), g.settlement),
        ):
            days = np.sort(self.bench.calendar.between(g.received[chosen], day[chosen]))
            for which, value in zip(("mean", "median", "ninetieth"), _spread(days), strict=True):
                found[f"{which}_days_to_{name}"] = (value, chosen)
        for name, events in (("reopened", g.reopenings), ("returned", g.returns)):
            some = events[self.within(events[:, 1], period)]
            found[name] = (len(some), some[:, 0])
        return found

    def verdicts(self, chosen: Flags) -> tuple[tuple[Cell, ...], bool]:
        """The columns of `VERDICTS` over these deadlines, and whether they are few."""
        states = self.g.d_state[chosen]
        met, met_late, breached, unknown, waived = (
            int((states == state).sum()) for state in (MET, MET_LATE, BREACHED, UNKNOWN, WAIVED)
        )
        judged = met + met_late + breached
        by_policy = int(self.g.d_by_policy[chosen].sum())
        cells = (
            judged, met, met_late, breached, unknown, waived, by_policy, _share(met, judged)
        )  # fmt: skip
        return cells, 0 < judged < SMALL_NUMBER

    def by_rule(self) -> list[Row]:
        g, due = self.g, self.within(self.g.d_day)
        late = g.overdue
        rows = []
        for rule in np.unique(g.d_rule[due | late]):
            chosen, overdue = due & (g.d_rule == rule), late & (g.d_rule == rule)
            cells, small = self.verdicts(chosen)
            number = len(np.unique(g.d_case[overdue]))
            tickets = self.tickets(g.d_case[chosen], g.d_case[overdue])
            rows.append(Row(g.names.words[rule], (*cells, number), tickets, small))
        return sorted(rows, key=lambda row: row.key)

    def by_unit(self) -> list[Row]:
        """Worst share first; those with few judged deadlines after the others."""
        g, due, late = self.g, self.within(self.g.d_day), self.g.overdue
        reopened = g.reopenings[self.within(g.reopenings[:, 1])]
        returned = g.returns[self.within(g.returns[:, 1])]
        units = np.unique(
            np.concatenate(
                [
                    g.d_answerable[due], g.unit[g.open], g.d_unit[late], reopened[:, 2],
                    returned[:, 2],
                ]
            )
        )  # fmt: skip
        rows = []
        for unit in units:
            chosen, overdue = due & (g.d_answerable == unit), late & (g.d_unit == unit)
            cells, small = self.verdicts(chosen)
            still = g.open & (g.unit == unit)
            back, again = returned[returned[:, 2] == unit], reopened[reopened[:, 2] == unit]
            tickets = self.tickets(
                g.d_case[chosen], g.d_case[overdue], still, back[:, 0], again[:, 0]
            )
            standing = (int(still.sum()), len(np.unique(g.d_case[overdue])), len(again), len(back))
            rows.append(Row(g.names.words[unit], (*cells, *standing), tickets, small))

        def rank(row: Row) -> tuple[bool, float, int, str]:
            judged, share = row.cells[0], row.cells[7]
            assert isinstance(judged, int)
            worst = share if isinstance(share, float) else 2.0
            return share is None or row.small, worst, -judged, row.key

        return sorted(rows, key=rank)

    def by_kind(self, kinds: Ints) -> list[Row]:
        """By a word of the cases; the most received first."""
        g = self.g
        received, due = self.within(g.received), self.within(g.d_day)
        of_deadline = kinds[g.d_case]
        rows = []
        for kind in np.unique(np.concatenate([kinds[received | g.open], of_deadline[due]])):
            came, still = received & (kinds == kind), g.open & (kinds == kind)
            chosen = due & (of_deadline == kind)
            cells, small = self.verdicts(chosen)
            standing = (int(still.sum()), int((self.late_cases & still).sum()))
            tickets = self.tickets(came, still, g.d_case[chosen])
            values = (int(came.sum()), *cells, *standing)
            rows.append(Row(g.names.words[kind], values, tickets, small))
        return sorted(rows, key=lambda row: (-_whole(row.cells[0]), row.key))

    def ageing(self) -> list[Row]:
        g = self.g
        age = self.bench.calendar.between(g.received, np.full_like(g.received, self.today))
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
            received, settled = self.within(g.received, month), self.within(g.settled, month)
            due = self.within(g.d_day, month)
            (judged, *_, share), small = self.verdicts(due)
            cells = (int(received.sum()), int(settled.sum()), judged, share)
            tickets = self.tickets(received, settled, self.judged_places(due))
            rows.append(Row(month.name, cells, tickets, small))
        return rows

    def late(self, told: Callable[[int, int], str]) -> list[Row]:
        """Every breached deadline that is still open, the longest late first."""
        g, words = self.g, self.g.names.words
        rows = []
        for place in np.flatnonzero(g.overdue):
            case = int(g.d_case[place])
            ticket, rule = g.tickets[case], words[g.d_rule[place]]
            due = date.fromordinal(int(g.d_due[place])) if g.d_due[place] else None
            cells = (
                ticket, int(g.d_late[place]), words[g.d_unit[place]], rule,
                words[g.category[case]], due, told(case, int(place)),
            )  # fmt: skip
            rows.append(Row(f"{ticket} {rule}", cells, (ticket,)))
        return sorted(rows, key=lambda row: (-_whole(row.cells[1]), row.key))

    def escalations(self) -> list[Row]:
        """What was told in the period, and how many of those cases were settled soon after."""
        t = self.tellings
        groups: dict[tuple[str, str], list[int]] = {}
        for place in map(int, np.flatnonzero(self.within(t.day))):
            groups.setdefault((t.kind[place], t.rung[place]), []).append(place)
        rows = []
        for (kind, rung), places in sorted(groups.items()):
            first: dict[int, int] = {}
            for place in places:
                case, day = int(t.case[place]), int(t.day[place])
                first[case] = min(day, first.get(case, day))
            cases = np.array(list(first), dtype=np.int64)
            days = np.array(list(first.values()), dtype=np.int64)
            shares = self._settled_after(cases, days)
            cells = (kind, len(places), len(cases), *shares)
            rows.append(Row(rung, cells, self.tickets(cases)))
        return rows

    def _settled_after(self, cases: Ints, told: Ints) -> list[float | None]:
        """The share of cases settled within so many working days after they were told of."""
        events, calendar = self.g.settlements, self.bench.calendar
        order = np.lexsort((events[:, 1], events[:, 0]))
        keys = events[order, 0] * (1 << 22) + events[order, 1]
        at = np.searchsorted(keys, cases * (1 << 22) + told)
        padded = np.append(keys, -1)
        settled = (padded[at] >> 22) == cases
        on = np.where(settled, padded[at] & ((1 << 22) - 1), told)
        taken = calendar.between(told, on)
        passed = calendar.between(told, np.full_like(told, self.today))
        shares = []
        for most in WITHIN:
            soon = settled & (taken <= most)
            counted = soon | (passed >= most)
            shares.append(_share(soon.sum(), counted.sum()))
        return shares

    def quality(self, findings: Mapping[str, int]) -> list[Row]:
        g = self.g
        received, due = self.within(g.received), self.within(g.d_day)
        observed = received & g.observed
        behind: dict[str, Flags | Ints] = {
            "observed_times": observed,
            "history_unknown": g.unknown,
            "by_policy": g.d_case[due & g.d_by_policy],
            "provisional": g.d_case[g.d_open & g.d_provisional],
        }
        numbers = {
            "observed_times": int(observed.sum()),
            "history_unknown": int(g.unknown.sum()),
            "by_policy": int((due & g.d_by_policy).sum()),
            "provisional": int((g.d_open & g.d_provisional).sum()),
        }
        rows = [Row(key, (number,), self.tickets(behind[key])) for key, number in numbers.items()]
        return rows + [Row(key, (number,)) for key, number in findings.items()]


def _share(part: int | np.integer, whole: int | np.integer) -> float | None:
    return float(part) / float(whole) if whole else None


def _spread(days: Ints) -> tuple[float | None, float | None, float | None]:
    """Mean to one decimal, median, and the smallest value that nine tenths do not exceed."""
    if not len(days):
        return None, None, None
    ninetieth = days[max(0, -(-len(days) * 9 // 10) - 1)]
    return round(float(days.mean()), 1), float(np.median(days)), float(ninetieth)


def _whole(cell: Cell) -> int:
    assert isinstance(cell, int)
    return cell
