"""State spans of complaints in the database, and the events derived from them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from db import imports, state_history
from db.models import Complaint
from db.state_history import StoredSpan
from sla.events import Event
from tasks.ingest.import_target import ImportTarget
from tasks.ingest.snapshot_diff import (
    ObservedComplaint,
    ObservedState,
    PresentUnit,
    StateSpan,
    Vocabulary,
    history,
    is_question,
)


class SpanChanges:
    """The stored state spans of some complaints, and the changes to write.

    The last span of a complaint is stored in the complaint itself, the past ones in a table.
    `emptied` is the number of the question about cells that have lost their unit, if it was asked.
    A complaint with this question has no unit in its last span.
    """

    def __init__(
        self, target: ImportTarget, complaints: Iterable[int], emptied: int | None
    ) -> None:
        self._session, self._emptied = target.session, emptied
        self._stored = {
            key: {_past_span(each): each.id for each in spans}
            for key, spans in state_history.of(target.session, complaints).items()
        }
        self._deleted: list[int] = []
        self._inserted: list[dict[str, object]] = []

    def of(self, row: Complaint) -> list[StateSpan]:
        """Return the stored state spans of a complaint, oldest first."""
        return [*self._stored.get(row.id, ()), *_present_span(row, self._emptied)]

    def set(
        self,
        row: Complaint,
        spans: Sequence[StateSpan],
        present: PresentUnit,
        emptied: int | None = None,
    ) -> None:
        """Replace the state spans of a complaint; with `emptied`, its last one has lost the unit
        that still counts.
        """
        *past, last = spans
        stored = self._stored.get(row.id, {})
        if past != list(stored):
            kept = set(past)
            self._deleted += [key for span, key in stored.items() if span not in kept]
            self._inserted += [_past_row(row.id, span) for span in past if span not in stored]
        row.state, row.status_at = last.state.word, last.state.status_at
        number = question_number(last.state.unit) if emptied is None else emptied
        row.unit, row.unit_question_id = present.unit, number
        row.first_seen_at, row.shown_since, row.seen_at = spans[0].first, last.first, last.last

    def write(self) -> None:
        """Write the changes to the database."""
        self._session.flush()
        state_history.replace(self._session, self._deleted, self._inserted)


def _past_span(row: StoredSpan) -> StateSpan:
    return StateSpan(ObservedState(row.state, row.unit, row.status_at), row.first_at, row.last_at)


def _past_row(complaint: int, span: StateSpan) -> dict[str, object]:
    return {
        "complaint_id": complaint,
        "state": span.state.word,
        "unit": span.state.unit,
        "status_at": span.state.status_at,
        "first_at": span.first,
        "last_at": span.last,
    }


def _present_span(row: Complaint, emptied: int | None) -> list[StateSpan]:
    """Return the present state span of a complaint, since its last change."""
    if row.shown_since is None or row.seen_at is None:
        return []
    number = row.unit_question_id
    unit = row.unit if number is None else f"?{number}"
    if number is not None and number == emptied:
        unit = None
    state = ObservedState(row.state, unit, row.status_at)
    return [StateSpan(state, row.shown_since, row.seen_at)]


def question_number(text: str | None) -> int | None:
    """Return the number of the question in a state span, or None."""
    return int(text[1:]) if text is not None and is_question(text) else None


class SpanEvents:
    """Derives events from the state spans of complaints of one source.

    `name` is the source of the complaints.
    """

    def __init__(self, target: ImportTarget, name: str) -> None:
        self._target, self._name, self._mapping = target, name, target.mapping
        self._previous: dict[datetime, datetime | None] = {}

    def of(self, spans: Sequence[StateSpan], received: datetime, words: Vocabulary) -> list[Event]:
        """Return all events that follow from the state spans of a complaint."""
        complaint = ObservedComplaint(
            received,
            self._name,
            previous_import=self._previous_import(spans[0].first),
            recorded_at=self._target.now,
            context=self._target.ctx.site.evaluation_context,
        )
        return history(complaint, spans, words, self._mapping.not_before)

    def forget_imports(self) -> None:
        """Forget the times of earlier imports, after another one was stored."""
        self._previous.clear()

    def _previous_import(self, moment: datetime) -> datetime | None:
        if moment not in self._previous:
            before = imports.before(self._target.session, self._name, moment)
            self._previous[moment] = before and self._mapping.not_before(before)
        return self._previous[moment]
