"""Verify: evaluate a stored report again, as known then and as known now, with reasons for
changes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from db import rulesets
from db.bulk import chunked
from db.models import Complaint, EventRow
from tasks.common.context import SiteContext
from tasks.reports.builder import report_view
from tasks.reports.diff import Difference, diff_reports
from tasks.reports.formats.json_csv import report_json
from tasks.reports.model import FORMS
from tasks.reports.public_edition import public_edition

MOST_EVENTS = 50
"""Limit of late-arriving records listed, the first ones."""


class NoReport(ValueError):
    """The file is not a verifiable report; the message names the right file."""


@dataclass(frozen=True, slots=True)
class LaterEvent:
    """A late-arriving record: an event before the report's moment, recorded only after it.

    A `retracted` record takes the event back. The knowledge `UNREADABLE` makes it a doubt.
    """

    ticket: str
    kind: str
    occurred: datetime
    recorded: datetime
    source: str
    knowledge: str
    retracted: bool


@dataclass(frozen=True, slots=True)
class Verification:
    """The result of verifying a report.

    `then` lists metrics that differ as of the same moment. That should never happen, except after a
    change of the ruleset; `ruleset_changed` is the time of such a change. `late` lists metrics
    that would differ if every event up to the moment had been recorded in time. `events` lists some
    of the late-arriving records.
    """

    period: str
    as_of: datetime
    edition: str
    sha256: str
    then: tuple[Difference, ...]
    ruleset_changed: datetime | None
    late: tuple[Difference, ...]
    events: tuple[LaterEvent, ...]


def verify(context: SiteContext, path: Path, now: datetime) -> Verification:
    """Evaluate a stored report again; raises :class:`NoReport`."""
    kept = _read(path)
    as_of = datetime.fromisoformat(kept["as_of"])
    with context.consistent_read() as session:
        then = _again(session, context, kept, as_of)
        later = _again(session, context, kept, as_of, now)
        changed = tuple(diff_reports(kept["tables"], later["tables"]))
        ruleset = rulesets.current(session)
        took_over = ruleset.activated_at if ruleset and ruleset.activated_at > as_of else None
        touched = {ticket for each in changed for ticket in (*each.come, *each.gone)}
        return Verification(
            period=kept["period"]["name"],
            as_of=as_of,
            edition=kept["edition"],
            sha256=kept["sha256"],
            then=tuple(diff_reports(kept["tables"], then["tables"])),
            ruleset_changed=took_over,
            late=changed,
            events=tuple(_later(session, sorted(touched), as_of)),
        )


def _read(path: Path) -> dict[str, Any]:
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise NoReport(f"{path}: {error.strerror}") from None
    except ValueError:
        kept = None
    if not isinstance(kept, dict) or kept.get("format") not in FORMS:
        raise NoReport(f"{path} is not a report; name the .json file next to its HTML")
    return kept


def _again(
    session: Session,
    context: SiteContext,
    kept: dict[str, Any],
    as_of: datetime,
    hindsight: datetime | None = None,
) -> Any:
    view = report_view(
        session,
        context,
        kept["period"]["name"],
        as_of,
        hindsight=hindsight,
        form=kept["format"],
    )
    return json.loads(report_json(public_edition(view) if kept["edition"] == "public" else view))


def _later(session: Session, tickets: Sequence[str], after: datetime) -> Iterator[LaterEvent]:
    """Yield the events of these complaints up to a moment that were recorded after it."""
    found: list[LaterEvent] = []
    for batch in chunked(tickets):
        rows = session.execute(
            select(
                Complaint.ticket,
                EventRow.kind,
                EventRow.latest,
                EventRow.recorded_at,
                EventRow.source,
                EventRow.knowledge,
                EventRow.retracted,
            )
            .join(EventRow, EventRow.complaint_id == Complaint.id)
            .where(
                Complaint.ticket.in_(batch),
                EventRow.recorded_at > after,
                EventRow.latest <= after,
            )
            .order_by(EventRow.id)
            .limit(MOST_EVENTS)
        )
        found += [LaterEvent(*row) for row in rows]
    found.sort(key=lambda event: (event.recorded, event.ticket))
    yield from found[:MOST_EVENTS]
