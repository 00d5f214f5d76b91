"""Statements of another installation about its sources, from an exchange file."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from db import complaints, imports
from db.models import Origin
from sla.events import Kind
from tasks.ingest.exchange.reader import LONGEST, known_as
from tasks.ingest.import_target import ImportTarget
from tasks.sources.base import RemoteSource


def record_origins(
    target: ImportTarget,
    stated: Iterable[RemoteSource],
    shown: Collection[str],
    *,
    rows_lost: bool,
) -> None:
    """Store the other installation's statements about its sources.

    `shown` are its sources with complaints in this import. A source without a statement keeps the
    one on record. Without any statement it is assumed to show every kind of event. If rows without
    a readable ticket were rejected (`rows_lost`), known sources stay known until the import before.
    """
    session, at, now = target.session, target.observed_at, target.now
    by_name = {each.source: each for each in stated}
    before = imports.origins(session, now)
    everything = frozenset(Kind)
    for origin in sorted(set(shown) - by_name.keys() - {""}):
        if known_as(target.name, origin) not in before:
            system = target.mapping.system
            by_name[origin] = RemoteSource(origin, system, everything, {}, at)
    for origin, each in by_name.items():
        name = known_as(target.name, origin)
        if not origin or len(name) > LONGEST:
            continue
        imported_until = min(each.imported_until or at, at)
        if rows_lost and name in before:
            imported_until = before[name].imported_until or imported_until
        facts = {
            "system": each.system,
            "sees": sorted(each.sees),
            "shown_later": dict(each.shown_later),
        }
        session.add(
            Origin(
                source=name,
                observed_at=at,
                recorded_at=now,
                imported_until=imported_until,
                facts=facts,
            )
        )
        if name in before and before[name].facts != facts:
            complaints.schedule_evaluation(session, name, now)
        else:
            complaints.schedule_undecided(session, name, imported_until, now)
