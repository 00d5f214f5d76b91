"""Tally: the metrics and tables of a simulation, with one value for each outcome."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeVar

from settings.site import Site
from sla.ladders import NoticeKind, Offset, OffsetUnit
from tasks.simulation.replay import ReplayResult, SimulatedNotice
from tasks.simulation.simulate import Simulation

K = TypeVar("K")

ROW = ("day", "role", "unit", "rung", "kind", "rule")

Figures = tuple[int, ...]
"""A metric: the value before, or the values before and after."""

Cells = dict[str, Figures]
"""A row of a table: metrics by column."""


@dataclass(frozen=True, slots=True)
class Tally:
    """Numbers of notices sent, of mails with them, and of recipients."""

    notices: int = 0
    mails: int = 0
    people: int = 0


def tally_by(
    simulation: Simulation, key: Callable[[SimulatedNotice], K]
) -> dict[K, tuple[Tally, ...]]:
    """Return the tallies by a key; a notice or mail with several keys counts for each."""
    tallies = [_tally(outcome.notices, key) for outcome in simulation.outcomes]
    places = dict.fromkeys(place for each in tallies for place in each)
    return {place: tuple(each.get(place, Tally()) for each in tallies) for place in places}


def _tally(
    notices: Iterable[SimulatedNotice], key: Callable[[SimulatedNotice], K]
) -> dict[K, Tally]:
    groups: dict[K, list[SimulatedNotice]] = {}
    for each in notices:
        groups.setdefault(key(each), []).append(each)
    return {
        place: Tally(
            len({each.notice for each in group}),
            len({each.mail for each in group}),
            len({each.recipient for each in group}),
        )
        for place, group in groups.items()
    }


def totals(simulation: Simulation) -> Cells:
    """Return the metrics of the whole time span."""
    nothing = (Tally(),) * len(simulation.outcomes)
    whole = tally_by(simulation, lambda notice: "").get("", nothing)
    kinds = tally_by(simulation, lambda notice: notice.kind)

    def of(each: Callable[[ReplayResult], int]) -> Figures:
        return tuple(map(each, simulation.outcomes))

    return {
        "mails": tuple(each.mails for each in whole),
        "people": tuple(each.people for each in whole),
        "notices": tuple(each.notices for each in whole),
        **{
            str(kind): tuple(each.notices for each in kinds.get(kind, nothing))
            for kind in NoticeKind
        },
        "storms": of(lambda outcome: len(outcome.storms)),
        "suppressed": of(lambda outcome: outcome.suppressed),
        "unaddressed": of(lambda outcome: outcome.unaddressed),
        "waiting": of(lambda outcome: outcome.waiting),
        "inventories": of(lambda outcome: outcome.inventories),
        "corrections": of(lambda outcome: outcome.corrections),
        "known_to_units": of(lambda outcome: outcome.known_to_units),
        "alerts": of(lambda outcome: outcome.alerts.total()),
        "due": of(lambda outcome: outcome.due),
        "missed": of(lambda outcome: outcome.missed),
    }


def table(
    simulation: Simulation,
    row: Callable[[SimulatedNotice], K],
    column: Callable[[SimulatedNotice], str],
) -> dict[K, Cells]:
    """Return, for each row, mails, notices, and the notices of each non-empty column."""
    cells = tally_by(simulation, lambda notice: (row(notice), column(notice)))
    found: dict[K, Cells] = {
        place: {
            "mails": tuple(each.mails for each in whole),
            "notices": tuple(each.notices for each in whole),
        }
        for place, whole in tally_by(simulation, row).items()
    }
    for (place, name), tallies in cells.items():
        found[place][name] = tuple(each.notices for each in tallies)
    return found


def rungs(simulation: Simulation, sites: Iterable[Site]) -> list[str]:
    """Return the rungs of the sites' ladders, earliest first; other rungs with notices come
    last.
    """
    places: dict[str, tuple[bool, float]] = {}
    for site in sites:
        for rung in (rung for ladder in site.ladders for rung in ladder.rungs):
            place = _place(rung.at)
            places[rung.id] = min(place, places.get(rung.id, place))
    sent = {each.rung for outcome in simulation.outcomes for each in outcome.notices}
    return [*sorted(places, key=lambda rung: places[rung]), *sorted(sent - places.keys())]


def _place(offset: Offset) -> tuple[bool, float]:
    days = offset.amount * 7 / 5 if offset.unit is OffsetUnit.WORKING_DAY else offset.amount
    return offset.unit is not OffsetUnit.PERCENT, days


def columns(simulation: Simulation) -> list[str]:
    """Return the columns of :func:`rows`."""
    return [*ROW, *(f"{name}{end}" for name in ("notices", "mails") for end in _ends(simulation))]


def rows(simulation: Simulation) -> list[dict[str, str]]:
    """Return the simulated notices by day, role, unit, rung, kind and rule.

    `mails` counts the mails about a row; a mail may be about several rows, so the counts do not add
    up.
    """
    tallies = tally_by(
        simulation,
        lambda notice: (
            notice.day.isoformat(),
            notice.role,
            notice.unit,
            notice.rung,
            notice.kind,
            notice.rule,
        ),
    )
    return [
        dict(
            zip(
                columns(simulation),
                (
                    *key,
                    *(str(each.notices) for each in tallies[key]),
                    *(str(each.mails) for each in tallies[key]),
                ),
                strict=True,
            )
        )
        for key in sorted(tallies)
    ]


def differs(simulation: Simulation) -> bool:
    """Check whether the proposed files would send other notices, or on other days."""
    counts = [
        Counter((t.day, t.recipient, t.role, t.unit, t.rung, t.rule) for t in outcome.notices)
        for outcome in simulation.outcomes
    ]
    return any(each != counts[0] for each in counts)


def _ends(simulation: Simulation) -> tuple[str, ...]:
    return ("",) if len(simulation.outcomes) == 1 else ("_before", "_after")
