"""Simulate: the mails of a site in a time span, by its present rules and by proposed ones.

A simulation writes nothing to the site's database and sends nothing: it runs on a replica.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime

from db import rulesets
from db.engine import reading
from db.replica import replay_queue
from db.replica.build import clone, copy_done, copy_known, empty_replica
from settings.site import Site
from tasks.simulation.replay import ReplayContext, ReplayResult, replay


@dataclass(frozen=True, slots=True)
class Simulation:
    """A time span replayed with the site's files and, if given, with proposed files.

    `recorded_from` is the time of the first recorded complaint, and `recorded_until` that of the
    last record: after it, only time passes.
    """

    first: date
    last: date
    outcomes: tuple[ReplayResult, ...]
    recorded_from: datetime | None
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
    """Replay the local days from `first` to `last`, both included.

    Notices sent before the first day count as sent, with the proposed files too, as if these files
    came into use on that day. `from_scratch` ignores them. Raises `db.engine.NotReady` if the
    site's database cannot be read in its present state.
    """
    begin = site.evaluation_context.start_of(first.toordinal())
    end = site.evaluation_context.start_of(last.toordinal() + 1)
    with reading(site.database_url) as source:
        context = ReplayContext(site, empty_replica())
        with context.transaction() as session:
            derived = site.evaluation_context.law.lapsing
            copy_known(source, session, begin=begin, end=end, derived=derived)
            if not from_scratch:
                copy_done(source, session, begin=begin, send_at=context.send_after(begin))
            if rulesets.last_fingerprint(source) == context.ruleset_fingerprint():
                replay_queue.wake_restless(source, session, begin)
            else:
                replay_queue.reset_all(session, begin)
        marks = replay_queue.marks_until(source, end)
        recorded = replay_queue.first_complaint(source), replay_queue.last_recorded(source)
    offices = [context]
    if proposed is not None:
        offices.append(ReplayContext(proposed, clone(context.engine)))
        with offices[1].transaction() as session:
            if proposed.evaluation_context.law.rules != site.evaluation_context.law.rules:
                replay_queue.reset_all(session, begin)
    try:
        outcomes = tuple(replay(each, begin, end, marks, say) for each in offices)
    finally:
        for each in offices:
            each.close()
    return Simulation(first, last, outcomes, *recorded)
