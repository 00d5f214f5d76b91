"""Export: write complaints with their events in the exchange format for another installation."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from db import complaints, imports
from db.models import WORD_ROLES, Complaint
from settings.mapping import SourceMapping
from sla.events import Event, Kind
from tasks.common.context import SiteContext
from tasks.common.whole_files import whole_file
from tasks.evaluation.known_words import KnownWords, known_words


def export(
    context: SiteContext, path: Path, now: datetime, *, since: datetime | None, titles: bool
) -> int:
    """Write the complaints with any change since a moment; return their number.

    The file has first a line for each source, then one for each complaint with all its events as
    recorded. Complaints received from another installation are not exported again; that
    installation exports them itself. The file appears under its name only when it is complete.
    Titles are exported only if they are stored, and never for an anonymous or secret report. A
    category, channel or place that this site does not know is exported as 'lainnya'. A word that
    the site has learned since then counts as a change of the complaints with it.
    """
    number = 0
    with context.transaction() as session, whole_file(path) as file:
        words = known_words(session, context.site, now)
        before = words if since is None else _words_before(session, context, since)
        for about in _sources(session, context, now):
            file.write(_line(about))
        for some in complaints.changed(session, since if words == before else None):
            ours = [
                row
                for row in some
                if not _is_foreign(context, row.source)
                and (
                    since is None
                    or (row.changed_at or row.recorded_at) >= since
                    or _shown(row, before) != _shown(row, words)
                )
            ]
            events = complaints.events_of(session, (row.id for row in ours))
            for row in ours:
                line = _complaint(context, row, events.get(row.id, []), words)
                file.write(_line(line | ({"title": row.title} if titles else {})))
            number += len(ours)
    return number


def _words_before(session: Session, context: SiteContext, since: datetime) -> KnownWords:
    """Return the words known just before a moment."""
    return known_words(session, context.site, since - timedelta(microseconds=1))


def _shown(row: Complaint, words: KnownWords) -> dict[str, str | None]:
    """Return category, channel and place as another installation may know them."""
    return {role.value: words.shown(role, getattr(row, role)) or None for role in WORD_ROLES}


def _line(value: dict[str, Any]) -> bytes:
    return (json.dumps(value, ensure_ascii=False) + "\n").encode()


def _is_foreign(context: SiteContext, source: str) -> bool:
    """Check whether complaints of this source came from another installation."""
    found = context.site.sources.get(complaints.root_source(source))
    return found is not None and found.is_exchange


def _sources(session: Session, context: SiteContext, now: datetime) -> Iterator[dict[str, Any]]:
    seen = imports.last_of_each(session, now)
    for name, source in context.site.sources.items():
        if _is_foreign(context, name):
            continue
        last = seen.get(name)
        yield {
            "source": name,
            "system": source.system,
            "sees": sorted(_exported_kinds(source)),
            "shown_later": source.shown_later,
            "imported_until": _iso(source.not_before(last)) if last else None,
            "exported_at": _iso(now),
        }


def _exported_kinds(source: SourceMapping) -> frozenset[str]:
    """Return the kinds of event of a source by which the other installation may evaluate it.

    A source that can only remind shows there what its mapping names, so no duty is missed there.
    """
    mapped = {Kind.RECEIVED, *(event.kind for event in source.events)}
    return frozenset(mapped) if source.only_reminds else source.sees


def _complaint(
    context: SiteContext, row: Complaint, events: list[Event], words: KnownWords
) -> dict[str, Any]:
    return {
        "ticket": row.ticket,
        "source": row.source,
        "received": _iso(row.received_at),
        "classification": row.classification,
        **_shown(row, words),
        "rating": row.rating,
        "unit": row.unit,
        "anonymous": row.anonymous,
        "secret": row.secret,
        "promised_due": _iso(row.promised_due),
        "events": [
            _event(event)
            for event in events
            if event.source not in context.site.evaluation_context.law.lapsing
        ],
    }


def _event(event: Event) -> dict[str, Any]:
    """Return one event as data.

    The caller leaves out events caused by the law itself, because the receiver derives them again.
    """
    return {
        "kind": event.kind,
        "at": _iso(event.latest),
        "after": _iso(event.earliest),
        "knowledge": event.knowledge,
        "unit": event.unit,
        "recorded": _iso(event.recorded_at),
        "source": event.source,
        "source_field": event.source_field,
        "retracted": event.retracted,
    }


def _iso(moment: datetime | None) -> str | None:
    return moment.astimezone(UTC).isoformat() if moment else None
