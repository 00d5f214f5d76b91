"""Doubts of a row: the questions about its cells, and the events that may have happened."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

import numpy as np

from db.models import QuestionRole
from settings.mapping import EventColumn, SourceMapping
from sla.engine.context import UNDETERMINED
from sla.events import (
    ANY_KIND,
    ASSIGNEE,
    HANDOVERS,
    PROMISED_DUE,
    QUESTION,
    Event,
    Kind,
    Knowledge,
)
from tasks.ingest.records import (
    CORRECT_ANSWER,
    EMPTY_ANSWER,
    FIRST_VALUE,
    Answers,
    ComplaintRecord,
    Step,
    UnmappedCell,
)
from tasks.ingest.swapped_dates import swapped_receipts

MOVED_RECEIPT = "moved-receipt/"
"""Prefix of the field of a question about a date of receipt far earlier than before."""

LASTING = HANDOVERS | {
    Kind.CLARIFICATION_REQUESTED,
    Kind.SECOND_CLARIFICATION_REQUESTED,
    Kind.FINDINGS_RECEIVED,
    Kind.RECOMMENDATION_RECEIVED,
    Kind.FILE_COMPLETE,
    Kind.DECIDED,
    Kind.OBJECTION_RECEIVED,
    Kind.REOPENED,
}
"""The kinds of event that put a unit in charge, or begin a duty of an official. If their date
vanishes or becomes unreadable, they count as before until an answer: such a cell does not
contradict what was told, and the duty must not vanish with it.
"""

NEIGHBOURS = 2
"""Number of rows on each side of a row to compare its date of receipt with."""


def doubts(
    record: ComplaintRecord,
    source: str,
    at: datetime,
    now: datetime,
    standing: Mapping[str, Event] | None = None,
    seen_at: datetime | None = None,
    *,
    of_spans: bool = False,
) -> list[Event]:
    """Return the doubts that follow from the unreadable cells of a row.

    The step in such a cell may have happened at any time since the receipt; if an earlier import
    (`seen_at`) showed the cell empty, since then. A step with a vanished date happened then or not
    at all; one of the kinds `LASTING` with a known date is in doubt since the last import that
    showed it. `standing` are the last events of the complaint by source field. The doubt about a
    status, and `of_spans` the one about a unit, is derived from the state spans instead.
    """
    found: dict[str, Event] = {}
    standing = standing or {}
    for cell in record.unmapped:
        if cell.answer is not None:
            continue
        source_field = cell.source_field
        earliest = record.received
        lasts = not record.history and _lasting(cell, standing) is not None
        if lasts or (cell.role is QuestionRole.UNIT and not of_spans):
            kind, source_field = _doubted(cell), f"{QUESTION}{cell.column}"
            before = standing.get(source_field)
            if before is not None and not before.retracted:
                earliest = before.first_possible
            else:
                earliest = max(seen_at or record.received, record.received)
        elif cell.role is QuestionRole.STEP:
            kind = cell.kind
            before = standing.get(source_field)
            if not cell.value and before is not None:
                earliest = before.first_possible
            elif seen_at is not None and (before is None or before.retracted):
                earliest = max(seen_at, record.received)
        elif cell.role in (QuestionRole.PROMISED_DUE, QuestionRole.RECEIPT):
            kind = PROMISED_DUE if cell.role is QuestionRole.PROMISED_DUE else ANY_KIND
            source_field = f"{QUESTION}{cell.column}"
        else:
            continue
        found[source_field] = Event(
            kind,
            at,
            now,
            source,
            min(earliest, at),
            Knowledge.UNREADABLE,
            cell.unit if cell.role is QuestionRole.STEP and not lasts else None,
            source_field,
        )
    return list(found.values())


def lasting_events(record: ComplaintRecord, standing: Mapping[str, Event]) -> list[Event]:
    """Return the events with a lost date that count as before until an answer.

    `standing` are the last events of the complaint by source field.
    """
    found = (_lasting(cell, standing) for cell in record.unmapped if cell.answer is None)
    return [event for event in found if event is not None]


def _lasting(cell: UnmappedCell, standing: Mapping[str, Event]) -> Event | None:
    """Return the event of a cell that has lost its date, if it counts as before."""
    event = standing.get(cell.source_field)
    if cell.role is not QuestionRole.STEP or event is None or event.kind not in LASTING:
        return None
    return None if event.retracted or event.is_doubt else event


def _doubted(cell: UnmappedCell) -> str:
    """Return the kind of the doubt about a cell of a unit, or about an event that lasts."""
    is_of_unit = cell.role is QuestionRole.UNIT or cell.kind in HANDOVERS
    return ASSIGNEE if is_of_unit else cell.kind


def with_known_units(
    stated: Sequence[Event], record: ComplaintRecord, standing: Mapping[str, Event]
) -> list[Event]:
    """Return the events stated by a row; those with an open question about their unit have the
    unit that an earlier import showed for this step.

    A unit that cannot be read is no statement that the earlier one was never in charge. `standing`
    are the last events of the complaint by source field.
    """
    asked = {
        cell.source_field
        for cell in record.unmapped
        if cell.role is QuestionRole.UNIT and cell.answer is None
    }
    found = []
    for event in stated:
        before = standing.get(event.source_field) if event.source_field in asked else None
        known = before is not None and not (before.retracted or before.is_doubt)
        found.append(replace(event, unit=before.unit) if before is not None and known else event)
    return found


def doubtful_receipts(
    records: Sequence[ComplaintRecord], source: SourceMapping, made: date
) -> list[int]:
    """Return the positions of the rows of a file of `made` with a doubtful date of receipt.

    It is doubtful if it is more than `suspicious_days` away from those of the two rows before and
    the two rows after it, while these are near each other; in a file that is not in the order of
    receipt none is. It is doubtful too if day and month are probably swapped.
    """
    days = source.suspicious_days
    if not days:
        return []
    far = isolated([record.received for record in records], timedelta(days=days))
    return sorted({*far, *swapped_receipts(records, source, made)})


def question_receipts(
    records: Sequence[ComplaintRecord], column: str, doubtful: Iterable[int], answers: Answers
) -> list[ComplaintRecord]:
    """Return the rows of a file; those at the positions `doubtful` have a question about their date
    of receipt, or the answer to it.
    """
    found = list(records)
    for n in doubtful:
        found[n] = _with_receipt_questioned(found[n], column, f"receipt/{column}", answers)
    return found


def question_moved_receipt(
    record: ComplaintRecord, column: str, answers: Answers
) -> ComplaintRecord:
    """Return a row with a question about a date of receipt far earlier than the one on record."""
    others = tuple(cell for cell in record.unmapped if cell.role is not QuestionRole.RECEIPT)
    found = _with_receipt_questioned(
        replace(record, unmapped=others), column, f"{MOVED_RECEIPT}{column}", answers
    )
    return replace(found, row_hash=record.content_hash)


def _with_receipt_questioned(
    record: ComplaintRecord, column: str, source_field: str, answers: Answers
) -> ComplaintRecord:
    """Return a row with a question about its date of receipt, or with the answer to it."""
    cell = UnmappedCell(QuestionRole.RECEIPT, column, record.receipt_text, source_field)
    answer = answers.get(cell.key)
    cell = replace(cell, answer=answer)
    received = record.received
    if answer and answer != CORRECT_ANSWER:
        received = datetime.fromisoformat(answer)
    return replace(record, received=received, unmapped=(*record.unmapped, cell))


def question_emptied(
    record: ComplaintRecord, before: str | None, column: str | None, answers: Answers
) -> ComplaintRecord:
    """Return a row; if it has lost the classification of its complaint, with a question about it.

    `before` is the classification on record. An emptied cell is no statement that the complaint has
    none, so the classification is undetermined until an answer.
    """
    asked = any(cell.role is QuestionRole.CLASSIFICATION for cell in record.unmapped)
    if column is None or before is None or record.classification is not None or asked:
        return record
    cell = UnmappedCell(QuestionRole.CLASSIFICATION, column, "", "classification")
    cell = replace(cell, answer=answers.get(cell.key))
    return replace(
        record,
        classification=UNDETERMINED if cell.answer is None else cell.answer or None,
        unmapped=(*record.unmapped, cell),
        row_hash=record.content_hash,
    )


def question_lost_classification(
    record: ComplaintRecord, newest: str | None, column: str | None, answers: Answers
) -> tuple[UnmappedCell, ...]:
    """Return the question about an empty classification if an older row has one.

    `newest` is the classification on record. There is none if the answer says that the cell counts
    as empty.
    """
    if column is None or newest is not None or record.classification is None:
        return ()
    cell = UnmappedCell(QuestionRole.CLASSIFICATION, column, "", "classification")
    cell = replace(cell, answer=answers.get(cell.key))
    return () if cell.answer == EMPTY_ANSWER else (cell,)


def question_vanished(
    record: ComplaintRecord, columns: Mapping[str, EventColumn], last: Mapping[str, Event]
) -> ComplaintRecord:
    """Return a row, with a question for each step whose date an earlier import showed.

    An emptied cell is no statement that the step has not happened: somebody may have deleted it, or
    the export may lack the column's content. `columns` are the columns with dates by source field,
    `last` the last events of the complaint. An answer counts for the complaints that wait, and not
    for those that lose their date later; so a text that was answered to mean an empty cell is an
    emptied cell too. A unit that stays without the date is no answer.
    """
    steps = tuple(
        step
        for step in record.steps
        if not (
            step.is_undated
            and step.place in columns
            and _had_date_or_question(last.get(step.place))
        )
    )
    shown = {f"{step.column}/{step.kind}" for step in steps}
    shown.update(
        cell.source_field
        for cell in record.unmapped
        if not _counts_as_emptied(cell, last.get(cell.source_field))
    )
    cells = [
        UnmappedCell(
            QuestionRole.STEP, column.column, "", field, column.kind, unit=last[field].unit
        )
        for field, column in columns.items()
        if field in last and not last[field].retracted and field not in shown
    ]
    if not cells and len(steps) == len(record.steps):
        return record
    unmapped = (*record.unmapped, *cells)
    return replace(record, steps=steps, unmapped=unmapped, row_hash=record.content_hash)


def question_vanished_unit(
    record: ComplaintRecord,
    columns: Mapping[str, EventColumn],
    last: Mapping[str, Event],
    answers: Answers,
) -> ComplaintRecord:
    """Return a row, with a question for each unit of an assignment without a day that an earlier
    import showed. Until an answer the unit stays in charge.

    `columns` are the columns of such assignments by source field, `last` the last events of the
    complaint.
    """
    shown = {step.place for step in record.steps}
    steps, cells = list(record.steps), list(record.unmapped)
    for field, column in columns.items():
        before = last.get(field)
        if field in shown or before is None or before.retracted:
            continue
        cell = UnmappedCell(QuestionRole.UNIT, column.unit or "", "", field)
        cell = replace(cell, answer=answers.get(cell.key))
        cells.append(cell)
        if cell.answer != EMPTY_ANSWER:
            unit = cell.answer or before.unit
            steps.append(Step(column.column, column.kind, record.received, unit, is_timed=False))
    if len(cells) == len(record.unmapped):
        return record
    return replace(record, steps=tuple(steps), unmapped=tuple(cells), row_hash=record.content_hash)


def _counts_as_emptied(cell: UnmappedCell, last: Event | None) -> bool:
    """Check whether a text that means an empty cell stands in the place of a known date."""
    is_empty = cell.role is QuestionRole.STEP and cell.answer == EMPTY_ANSWER
    return is_empty and last is not None and not last.is_doubt


def _had_date_or_question(last: Event | None) -> bool:
    """Check whether the last event of a field had a date, or was a doubt about it."""
    return last is not None and last.knowledge in (Knowledge.STATED, Knowledge.UNREADABLE)


@dataclass(frozen=True, slots=True)
class OlderRow:
    """A row of an older export, and what is known about its complaint by newer ones.

    `last` has the last events by source field, `with_text` the source fields whose cells have a
    text with a question in the newest row. `made` is the time of the older export, at the earliest
    `made_after`; `vanished` is the time of the first newer one.
    """

    record: ComplaintRecord
    last: Mapping[str, Event]
    with_text: Collection[str]
    made: datetime
    made_after: datetime
    vanished: datetime


@dataclass(frozen=True, slots=True)
class Lost:
    """What an older row adds: events, and the empty cells of the newest row to ask about."""

    events: tuple[Event, ...]
    cells: tuple[UnmappedCell, ...]


def lost_steps(
    row: OlderRow, columns: Mapping[str, EventColumn], source: str, now: datetime
) -> Lost:
    """Return the doubts about the steps that an older row shows and the newest one does not.

    `columns` are the columns with dates by source field. A doubt on record goes back as far as the
    older row requires. It never becomes smaller, because the rows between are not known. An answer
    that the step has not happened stays, unless the older row shows the step after its date had
    vanished. A date of the newest row that the older one shows before its day was a plan, and is a
    question.
    """
    events: list[Event] = []
    cells: list[UnmappedCell] = []
    lasting = _lasting_steps(row, source, now)
    plans = {cell.source_field: cell for cell in row.record.unmapped if cell.planned is not None}
    for field, (since, unit) in _steps_of(row.record).items():
        column = columns.get(field)
        before = row.last.get(field)
        if column is None:
            continue
        cell = UnmappedCell(QuestionRole.STEP, column.column, "", field, column.kind, unit=unit)
        if before is not None and not before.retracted:
            if before.is_doubt and field in lasting:
                events += _lasting_in_doubt(row, lasting[field], cell, before)
                continue
            if before.is_doubt:
                begin = row.record.received if field in row.with_text else since
                if begin < before.first_possible:
                    events.append(replace(before, earliest=begin, recorded_at=now))
                continue
            if field not in plans or plans[field].planned != before.latest:
                continue
            cell = plans[field]
        elif before is not None and row.made <= before.latest:
            continue  # an answer on record
        if field in row.with_text:
            continue
        cells.append(cell)
        begin = min(since, row.vanished)
        doubt = Event(column.kind, row.vanished, now, source, begin, Knowledge.UNREADABLE)
        doubt = replace(doubt, unit=unit, source_field=field)
        if field in lasting and field not in plans:
            events += _lasting_in_doubt(row, lasting[field], cell, doubt)
        else:
            events.append(doubt)
    return Lost((*events, *_first_values(row, source, now)), tuple(cells))


def _lasting_in_doubt(
    row: OlderRow, event: Event, cell: UnmappedCell, doubt: Event
) -> tuple[Event, Event]:
    """Return an event of an older row that counts until an answer, and the doubt about it since
    that row, in the place of the `doubt` whether it happened.
    """
    shown = min(max(row.made_after, row.record.received), doubt.latest)
    return event, replace(
        doubt,
        kind=_doubted(cell),
        earliest=shown,
        recorded_at=event.recorded_at,
        unit=None,
        source_field=f"{QUESTION}{cell.column}",
    )


def _lasting_steps(row: OlderRow, source: str, now: datetime) -> dict[str, Event]:
    """Return the events of an older row that count until an answer, by source field."""
    found = {}
    for step in row.record.steps:
        if step.kind not in LASTING:
            continue
        event = Event(step.kind, step.moment, now, source, unit=step.unit, source_field=step.place)
        if not step.is_timed:
            event = replace(
                event, latest=row.made, earliest=step.moment, knowledge=Knowledge.UNKNOWN
            )
        found[step.place] = event
    return found


def _steps_of(record: ComplaintRecord) -> dict[str, tuple[datetime, str | None]]:
    """Return the steps that a row shows by source field: the earliest possible time, and the unit.

    A step with an unreadable date may have happened at any time since the receipt.
    """
    found: dict[str, tuple[datetime, str | None]] = {}
    for step in record.steps:
        if step.place not in found or step.moment < found[step.place][0]:
            found[step.place] = step.moment, step.unit
    for cell in record.unmapped:
        if cell.role is QuestionRole.STEP and cell.answer is None:
            found[cell.source_field] = record.received, cell.unit
    return found


def _first_values(row: OlderRow, source: str, now: datetime) -> list[Event]:
    """Return the steps of columns that keep their first value, and the assignments without a date:
    they had happened at this export.
    """
    found = []
    for step in row.record.steps:
        field = f"{step.column}/{step.kind}"
        before = row.last.get(field)
        if before is not None and before.latest <= row.made:
            continue
        if step.is_undated and (before is None or before.is_doubt or before.unit != step.unit):
            continue
        if FIRST_VALUE not in field and not step.is_undated:
            continue
        begin = row.record.received
        if before is None:
            event = Event(step.kind, row.made, now, source, begin, Knowledge.UNKNOWN, step.unit)
            found.append(replace(event, source_field=field))
        elif before.earliest is not None and not before.retracted:
            begin = before.earliest if before.earliest < row.made else begin
            found.append(replace(before, latest=row.made, earliest=begin, recorded_at=now))
    return found


def is_vanished(role: str, value: str) -> bool:
    """Check whether a question is about the vanished date of a step."""
    return role == QuestionRole.STEP and not value


def isolated(moments: Sequence[datetime], far: timedelta) -> list[int]:
    """Return the positions of times that are far from all their neighbours.

    Only a list in order has such positions: apart from them, at most one step in twenty may be far.
    """
    count = len(moments)
    if not far or count <= NEIGHBOURS:
        return []
    seconds = np.array([moment.timestamp() for moment in moments])
    limit = far.total_seconds()
    if np.ptp(seconds) <= limit:
        return []
    padded = np.pad(seconds, NEIGHBOURS, constant_values=np.nan)
    around = np.stack(
        [
            padded[shift : shift + count]
            for shift in range(2 * NEIGHBOURS + 1)
            if shift != NEIGHBOURS
        ]
    )
    apart = np.nanmin(np.abs(around - seconds), axis=0) > limit
    near = np.nanmax(around, axis=0) - np.nanmin(around, axis=0) <= limit
    found = np.flatnonzero(apart & near)
    steps = int((np.abs(np.diff(seconds)) > limit).sum())
    in_order = steps - 2 * len(found) <= count // 20 and len(found) <= max(1, count // 10)
    return found.tolist() if in_order else []
