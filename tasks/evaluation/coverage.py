"""The coverage of sources: until when the imports of a source show a complaint."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

import numpy as np
from sqlalchemy.orm import Session

from db import imports
from sla.engine.context import EvaluationContext
from sla.engine.deadline import Reason
from sla.metrics.columns import CaseColumns, Ints, distinct
from tasks.common.context import SiteContext


def source_coverage(
    session: Session, context: SiteContext, as_of: datetime
) -> dict[str, list[imports.Covered]]:
    """Return the newest import of each period of receipt, newest first, by source of the site.

    An import of a source that can only remind shows nothing after the receipt: it has none.
    """
    sources = context.site.sources
    changes = [name for name, each in sources.items() if not each.shows_everything]
    return {
        name: []
        if sources[name].only_reminds
        else [each._replace(moment=sources[name].not_before(each.moment)) for each in covered]
        for name, covered in imports.coverage(session, as_of, changes).items()
        if name in sources
    }


def with_coverage(
    session: Session, context: SiteContext, cases: CaseColumns, as_of: datetime
) -> CaseColumns:
    """Return the cases with the day of the newest import that had to show each of them."""
    coverage: Mapping[str, Sequence[imports.Covered]] = source_coverage(session, context, as_of)
    origins = imports.origins(session, as_of)
    until = cases.covered_until.copy()
    for number in distinct(cases.source).tolist():
        name, some = cases.words[number], cases.source == number
        if name in coverage:
            until[some] = newest_days(
                coverage[name], cases.received[some], context.site.evaluation_context
            )
        elif name in origins and (moment := origins[name].imported_until) is not None:
            until[some] = context.site.evaluation_context.day(moment)
    return replace(cases, covered_until=until)


DECIDED_LATER = frozenset({Reason.AWAITING_SOURCE, Reason.SHOWN_LATER, Reason.POLICY})
"""Why an open duty past its due time is undecided until a later import shows whether it is done."""


def with_undecided(context: SiteContext, cases: CaseColumns) -> CaseColumns:
    """Return the cases with a flag at each open duty past its due time that a later import decides.

    A duty of a source that can only remind stays undecided.
    """
    sources = context.site.sources
    reasons = [n for n in distinct(cases.d_reasons).tolist() if cases.words[n] in DECIDED_LATER]
    reminding = [
        n
        for n in distinct(cases.source).tolist()
        if (source := sources.get(cases.words[n])) is not None and source.only_reminds
    ]
    stays = np.isin(cases.source, reminding)[cases.d_case]
    decided_later = np.isin(cases.d_reasons, reasons) & ~stays
    return replace(cases, d_undecided=cases.open_unknown & decided_later)


def newest_days(
    covered: Sequence[imports.Covered], received: Ints, context: EvaluationContext
) -> Ints:
    """Return for each day of receipt the day of the newest import of it; without one, the day of
    receipt.
    """
    found = received.copy()
    for each in reversed(covered):
        inside = np.ones(len(received), np.bool_)
        if each.first is not None:
            inside &= received >= context.day(each.first)
        if each.last is not None:
            inside &= received <= context.day(each.last)
        found[inside] = context.day(each.moment)
    return found
