"""Load complaints with all data for an evaluation as of some moment."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy.orm import Session

from db import complaints, imports
from db.bulk import chunked
from db.models import Complaint, Origin, PastFacts
from sla.engine.context import ComplaintFacts
from sla.engine.evaluate import CaseHistory, Evaluation, evaluate_all
from sla.value_class import value_class
from tasks.common.context import SiteContext
from tasks.evaluation.coverage import source_coverage

AT_ONCE = 2_000
"""Number of complaints that are loaded and evaluated together."""


@value_class(frozen=True, slots=True)
class LoadedComplaint:
    """A loaded complaint with its case history: the facts and events for the evaluation.

    `place` and `rating` are facts for reports only.
    """

    complaint: Complaint
    history: CaseHistory
    place: str | None = None
    rating: int | None = None


@dataclass(frozen=True, slots=True)
class SourceKnowledge:
    """What is known about the sources at a moment: their imports, and the facts of other
    installations.
    """

    context: SiteContext
    coverage: Mapping[str, Sequence[imports.Covered]]
    origins: dict[str, Origin]

    @classmethod
    def load(
        cls, session: Session, context: SiteContext, sources: Set[str], as_of: datetime
    ) -> SourceKnowledge:
        """Load what is known about these sources. One without configuration shows no events."""
        coverage = source_coverage(session, context, as_of)
        foreign = sources - context.site.sources.keys()
        return cls(context, coverage, imports.origins(session, as_of) if foreign else {})

    def facts(self, row: Complaint, then: Complaint | PastFacts) -> ComplaintFacts:
        """Return the facts of a complaint; `then` has those that the source may correct."""
        origin = self.origins.get(row.source)
        return replace(
            _source_facts(self.context, row.source, self.origins),
            classification=then.classification,
            category=then.category,
            channel=then.channel,
            promised_due=then.promised_due,
            known_until=_known_until(row, self.coverage.get(row.source))
            or (origin.imported_until if origin is not None else None),
        )


def load_complaints(
    session: Session, context: SiteContext, rows: Sequence[Complaint], as_of: datetime
) -> Iterator[LoadedComplaint]:
    """Load these complaints with their facts as known at `as_of`."""
    keys = [row.id for row in rows]
    events = complaints.events_of(session, keys)
    past = complaints.past_facts(session, keys, as_of)
    sources = SourceKnowledge.load(session, context, {row.source for row in rows}, as_of)
    for row in rows:
        then: Complaint | PastFacts = past.get(row.id, row)
        history = CaseHistory(sources.facts(row, then), events.get(row.id, []))
        yield LoadedComplaint(row, history, then.place, then.rating)


def _known_until(row: Complaint, coverage: Sequence[imports.Covered] | None) -> datetime | None:
    """Return the time of the newest import that had to show a complaint; None without any import.

    If it did not show the complaint, there is a doubt about the complaint as well.
    """
    if coverage is None:
        return None
    moments = (each.moment for each in coverage if each.covers(row.received_at))
    return next(moments, row.received_at)


def source_facts(
    session: Session, context: SiteContext, as_of: datetime
) -> dict[str, ComplaintFacts]:
    """Return the facts about each source: the site's own ones, and those of other installations."""
    own = {
        name: facts
        for name, facts in context.source_facts.items()
        if not context.site.sources[name].is_exchange
    }
    origins = imports.origins(session, as_of)
    return own | {name: _source_facts(context, name, origins) for name in sorted(origins)}


def _source_facts(context: SiteContext, source: str, origins: dict[str, Origin]) -> ComplaintFacts:
    """Return the facts about a source, with its visible kinds of events.

    For a source of another installation these are its own statements.
    """
    name, _, origin = source.partition("/")
    if source in context.source_facts or source not in origins or name not in context.site.sources:
        return context.source_facts.get(source, ComplaintFacts(sees=frozenset()))
    facts = origins[source].facts
    return ComplaintFacts(
        source=origin,
        system=facts["system"],
        sees=frozenset(facts["sees"]),
        shown_later=facts["shown_later"],
    )


def load_and_evaluate(
    session: Session, context: SiteContext, rows: Sequence[Complaint], as_of: datetime
) -> Iterator[tuple[LoadedComplaint, Evaluation]]:
    """Evaluate these complaints as of `as_of`; see :func:`as_watched` for old ones.

    Of many only some are in memory at a time, with their events.
    """
    for some in chunked(rows, AT_ONCE):
        known = list(load_complaints(session, context, some, as_of))
        evaluations = evaluate_all(
            [each.history for each in known], context.site.evaluation_context, as_of
        )
        for each, found in zip(known, evaluations, strict=True):
            yield each, as_watched(context, each.complaint, found)


def as_watched(context: SiteContext, complaint: Complaint, found: Evaluation) -> Evaluation:
    """Return the evaluation of a complaint, without deadlines if the site does not watch it.

    A complaint received before `since` of the site has no deadlines and lapses by no law.
    """
    if context.watched(complaint.received_at):
        return found
    lapsing = context.site.evaluation_context.law.lapsing
    known = [event for event in found.known if event.source not in lapsing]
    return Evaluation(known, doubts=found.doubts)
