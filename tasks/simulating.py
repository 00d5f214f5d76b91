"""Simulate: what a site would have sent in a time, by its own rules and by proposed ones.

Nothing is written to the site's database and nothing is sent: all of it happens on a replica.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime

from db import news, rulebooks
from db.engine import reading
from db.replica import copy_done, copy_known, empty_replica, twin
from settings import Site
from tasks.replaying import Outcome, Stage, replay


@dataclass(frozen=True, slots=True)
class Simulation:
    """A time lived through by the site's files and, where there are any, by proposed ones.

    `recorded_until` is when anything was last recorded: from then on only time passes.
    """

    first: date
    last: date
    outcomes: tuple[Outcome, ...]
    recorded_until: datetime | None


def simulate(
    site: Site,
    proposed: Site | None,
    first: date,
    last: date,
    *,
    from_scratch: bool = False,
    say: Callable[[datetime], None] = lambda moment: None,
) -> Simulation:
    """Live through the local days from `first` to `last`, both included.

    What had been told before the first day stays told, also by the proposed files: as it would be
    if they were put in place on that day. `from_scratch` forgets it. Raises `db.engine.NotReady`
    where the site's database cannot be read as it is.
    """
    begin = site.bench.start_of(first.toordinal())
    end = site.bench.start_of(last.toordinal() + 1)
    with reading(site.database_url) as source:
        office = Stage(site, empty_replica())
        with office.transaction() as session:
            derived = site.bench.law.lapsing
            copy_known(source, session, begin=begin, end=end, derived=derived)
            if not from_scratch:
                copy_done(source, session, begin=begin, turn=office.next_turn(begin))
            if rulebooks.last_fingerprint(source) == office.rulebook():
                news.wake_restless(source, session, begin)
            else:
                news.wake_all(session, begin)
        marks = news.marks_until(source, end)
        recorded_until = news.last_recorded(source)
    offices = [office]
    if proposed is not None:
        offices.append(Stage(proposed, twin(office.engine)))
        with offices[1].transaction() as session:
            if proposed.bench.law.rules != site.bench.law.rules:
                news.wake_all(session, begin)
    try:
        outcomes = tuple(replay(each, begin, end, marks, say) for each in offices)
    finally:
        for each in offices:
            each.close()
    return Simulation(first, last, outcomes, recorded_until)
