"""Complaints and their events: queries, inserts and updates."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from operator import itemgetter
from typing import Any, NamedTuple, TypeVar, cast

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Integer,
    Select,
    Table,
    and_,
    bindparam,
    exists,
    func,
    or_,
    select,
    true,
    update,
)
from sqlalchemy.orm import InstrumentedAttribute, Session, defer, undefer

from db.bulk import (
    AT_ONCE,
    BATCH,
    as_stored,
    chunked,
    insert_rows,
    insert_stored,
    is_one_of,
    new_ids,
    update_stored,
)
from db.models import Complaint, DeadlineRow, EventRow, PastFacts, UtcDateTime
from sla.engine.deadline import Reason, State
from sla.events import ENDING, Event, Knowledge
from sla.folding import in_other_case
from sla.shards import EVERYTHING, Shard

T = TypeVar("T")


class Existing(NamedTuple):
    """An existing complaint: its id, the last import that showed it, the content hash of its row,
    its date of receipt, its classification, and whether it is anonymous or secret.
    """

    id: int
    seen_at: datetime
    content_hash: int | None
    absent_since: datetime | None
    received_at: datetime
    classification: str | None
    anonymous: bool
    secret: bool


def existing(session: Session, source: str, tickets: Iterable[str]) -> dict[str, Existing]:
    """Return the existing complaints among these tickets of a source, by ticket."""
    session.flush()
    table = Complaint.__table__.c
    query = select(
        table.ticket,
        table.id,
        func.coalesce(table.seen_at, table.recorded_at),
        table.content_hash,
        table.absent_since,
        table.received_at,
        table.classification,
        table.anonymous,
        table.secret,
    )
    found: dict[str, Existing] = {}
    connection = session.connection()
    for batch in chunked(tickets, AT_ONCE):
        wanted = is_one_of(table.ticket, batch)
        rows = connection.execute(query.where(table.source == source, wanted))
        found.update((row[0], Existing(*row[1:])) for row in rows)
    return found


def hidden(session: Session, source: str, tickets: Iterable[str]) -> dict[str, tuple[bool, bool]]:
    """Return whether each hidden complaint among these tickets of a source is anonymous, and
    whether it is secret.

    Those that a person has opened are left out: they have no content hash until the next import.
    """
    session.flush()
    table = Complaint.__table__.c
    query = select(table.ticket, table.anonymous, table.secret).where(
        table.source == source,
        or_(table.anonymous, table.secret),
        table.content_hash.is_not(None),
    )
    found: dict[str, tuple[bool, bool]] = {}
    for batch in chunked(tickets, AT_ONCE):
        for ticket, *marks in session.execute(query.where(is_one_of(table.ticket, batch))):
            found[ticket] = (marks[0], marks[1])
    return found


def hidden_of_source(session: Session, source: str) -> Sequence[Complaint]:
    """Load the hidden complaints of a source."""
    is_hidden = or_(Complaint.anonymous, Complaint.secret)
    return session.scalars(select(Complaint).where(Complaint.source == source, is_hidden)).all()


_BY_TICKET = select(Complaint).where(
    Complaint.source == bindparam("source"),
    is_one_of(Complaint.ticket),
)


def by_ticket(session: Session, source: str, tickets: Iterable[str]) -> dict[str, Complaint]:
    """Load the existing complaints among these tickets of a source."""
    found: dict[str, Complaint] = {}
    for batch in chunked(tickets):
        rows = session.scalars(_BY_TICKET, {"source": source, "keys": batch})
        found.update((row.ticket, row) for row in rows)
    return found


FIELDS_OF_EVENT = (
    EventRow.kind,
    EventRow.latest,
    EventRow.recorded_at,
    EventRow.source,
    EventRow.earliest,
    EventRow.knowledge,
    EventRow.unit,
    EventRow.source_field,
    EventRow.retracted,
)
"""The columns of an event of the domain, in the order of its fields."""

_EVENTS = (
    select(EventRow.complaint_id, *FIELDS_OF_EVENT)  # columns: objects of the ORM take much longer
    .where(is_one_of(EventRow.complaint_id))
    .order_by(EventRow.id)
)
"""Statements of each run are built once: to build one takes longer than to execute it."""


def events_of(session: Session, complaints: Iterable[int]) -> dict[int, list[Event]]:
    """Load all events of these complaints; those of each complaint in the order of recording.

    Equal texts and times of recording are one object: a mail over a backlog keeps hundreds of
    thousands of events.
    """
    found: dict[int, list[Event]] = {}
    same: dict[Any, Any] = {}
    one = same.setdefault
    for batch in chunked(complaints, AT_ONCE):
        for complaint, kind, latest, recorded, source, earliest, *others in session.execute(
            _EVENTS, {"keys": batch}
        ):
            knowledge, unit, source_field, retracted = others
            event = Event(
                kind=one(kind, kind),
                latest=latest,
                recorded_at=one(recorded, recorded),
                source=one(source, source),
                earliest=earliest,
                knowledge=_KNOWLEDGE[knowledge],
                unit=one(unit, unit) or None,
                source_field=one(source_field, source_field),
                retracted=retracted,
            )
            found.setdefault(complaint, []).append(event)
    return found


_KNOWLEDGE = {str(each): each for each in Knowledge}


_COMPLAINT = cast(Table, Complaint.__table__)


def add(session: Session, rows: Sequence[dict[str, Any]]) -> dict[str, int]:
    """Insert complaints of one source and return their ids by ticket.

    All rows must have the same columns.
    """
    if not rows:
        return {}
    ids = new_ids(session, _COMPLAINT, len(rows))
    columns = list(rows[0])
    cells = itemgetter(*columns)
    values = ((key, *cells(row)) for key, row in zip(ids, rows, strict=True))
    insert_rows(session, _COMPLAINT, ["id", *columns], values)
    return {row["ticket"]: key for key, row in zip(ids, rows, strict=True)}


_EVENT = cast(Table, EventRow.__table__)
EVENT_COLUMNS = (
    "complaint_id",
    "kind",
    "latest",
    "earliest",
    "knowledge",
    "recorded_at",
    "source",
    "unit",
    "source_field",
    "retracted",
)


def add_events(session: Session, events: Iterable[tuple[int, Event]]) -> None:
    """Insert events for the complaints with these ids."""
    insert_rows(session, _EVENT, EVENT_COLUMNS, _event_rows(events))


def _event_rows(events: Iterable[tuple[int, Event]]) -> Iterator[tuple[Any, ...]]:
    return (
        (
            complaint,
            str(event.kind),
            event.latest,
            event.earliest,
            event.knowledge.value,
            event.recorded_at,
            event.source,
            event.unit or "",
            event.source_field,
            event.retracted,
        )
        for complaint, event in events
    )


class EvaluatedDeadline(NamedTuple):
    """A deadline as evaluated in a run, as the columns of `DeadlineRow`."""

    complaint_id: int
    rule: str
    clock: int
    evaluated_at: datetime
    regulation: str
    unit: str | None
    started: datetime
    due: datetime | None
    stopped: datetime | None
    state: str
    reason: str
    paused: bool
    by_policy: bool
    provisional: bool

    def update(self, row: DeadlineRow) -> None:
        """Change the stored row of this deadline, if it was evaluated otherwise before."""
        for name, value in self._asdict().items():
            if name != "evaluated_at" and getattr(row, name) != value:
                setattr(row, name, value)
                row.evaluated_at = self.evaluated_at


StoredDeadline = DeadlineRow | EvaluatedDeadline
"""A deadline as stored by an earlier run: its row, or in a replay what that run found."""


_DEADLINE = cast(Table, DeadlineRow.__table__)


def add_deadlines(session: Session, deadlines: Iterable[EvaluatedDeadline]) -> None:
    """Insert deadlines."""
    insert_rows(session, _DEADLINE, EvaluatedDeadline._fields, deadlines)


class EvaluatedRow(NamedTuple):
    """The columns that an evaluation changes in the row of a complaint, and the id of the row."""

    next_action_at: datetime | None
    evaluated_at: datetime | None
    metrics: bytes | None
    metrics_since: datetime
    metrics_last_day: int
    id: int

    @classmethod
    def of(cls, row: Complaint) -> EvaluatedRow:
        """Return the present values of a row."""
        return cls(
            row.next_action_at,
            row.evaluated_at,
            row.metrics,
            row.metrics_since,
            row.metrics_last_day,
            row.id,
        )


@dataclass(frozen=True, slots=True)
class FirstEvaluations:
    """What the first evaluations of some complaints write, as the driver of the database gets it.

    Another process may have made it.
    """

    lapses: list[tuple[Any, ...]]
    deadlines: list[tuple[Any, ...]]
    complaints: list[tuple[Any, ...]]

    @classmethod
    def of(
        cls,
        lapses: Iterable[tuple[int, Event]],
        deadlines: Iterable[EvaluatedDeadline],
        rows: Iterable[EvaluatedRow],
    ) -> FirstEvaluations:
        """Return lapses by law, each with its complaint, new deadlines and changed rows."""
        return cls(
            as_stored(_EVENT, EVENT_COLUMNS, _event_rows(lapses)),
            as_stored(_DEADLINE, EvaluatedDeadline._fields, deadlines),
            as_stored(_COMPLAINT, EvaluatedRow._fields, rows),
        )

    def store(self, session: Session) -> None:
        """Insert the lapses and the deadlines, and change the rows of the complaints."""
        insert_stored(session, _EVENT, EVENT_COLUMNS, self.lapses)
        insert_stored(session, _DEADLINE, EvaluatedDeadline._fields, self.deadlines)
        update_stored(session, _COMPLAINT, EvaluatedRow._fields[:-1], self.complaints)


def touch(session: Session, complaints: Iterable[int], at: datetime) -> None:
    """Record that a snapshot of this moment still showed these complaints."""
    for batch in chunked(complaints, AT_ONCE):
        session.execute(
            update(Complaint)
            .where(is_one_of(Complaint.id, batch))
            .values(seen_at=at)
            .execution_options(synchronize_session=False)
        )


class Unshown(NamedTuple):
    """A complaint not shown by an import: its id, when it was received and last shown, and since
    when it is absent.
    """

    id: int
    received_at: datetime
    seen_at: datetime
    absent_since: datetime | None


Period = tuple[datetime | None, datetime | None]
"""The first and the last moment of receipt for which an import is complete; None means no limit."""


def _received_in(period: Period) -> Iterator[ColumnElement[bool]]:
    if period[0] is not None:
        yield Complaint.received_at >= period[0]
    if period[1] is not None:
        yield Complaint.received_at <= period[1]


_SHOWN = select(Complaint.id, Complaint.received_at, Complaint.seen_at, Complaint.absent_since)
_BY_ID = _SHOWN.where(is_one_of(Complaint.id))
_UNSHOWN = _SHOWN.where(
    Complaint.source == bindparam("source"),
    Complaint.seen_at < bindparam("at"),
    or_(Complaint.absent_since.is_(None), Complaint.absent_since > bindparam("at")),
).order_by(Complaint.id)


def newly_unshown(session: Session, source: str, at: datetime, period: Period) -> list[Unshown]:
    """Return the complaints that the import of time `at` should have shown and did not show.

    These were shown last before `at`, and are not known to be absent at `at` already.
    """
    query = _UNSHOWN.where(*_received_in(period))
    return [Unshown(*row) for row in session.execute(query, {"source": source, "at": at})]


class Missing(NamedTuple):
    """A complaint that its source no longer shows, without an end on record."""

    ticket: str
    received_at: datetime
    seen_at: datetime


_MISSING = select(Complaint.ticket, Complaint.received_at, Complaint.seen_at).where(
    Complaint.source == bindparam("source"),
    Complaint.absent_since >= bindparam("since", type_=UtcDateTime),
    ~exists().where(
        EventRow.complaint_id == Complaint.id,
        EventRow.kind.in_(sorted(map(str, ENDING))),
        ~EventRow.retracted,
    ),
)


def missing_since(session: Session, source: str, since: datetime) -> list[Missing]:
    """Return the complaints that their source has not shown since then or later.

    A complaint that has ever ended is left out.
    """
    rows = session.execute(_MISSING, {"source": source, "since": since})
    return [Missing(*row) for row in rows]


def by_id(session: Session, complaints: Iterable[int]) -> list[Unshown]:
    """Return these complaints with the times at which they were received and last shown."""
    found: list[Unshown] = []
    for batch in chunked(complaints):
        found += (Unshown(*row) for row in session.execute(_BY_ID, {"keys": batch}))
    return found


def set_absent(
    session: Session, complaints: Iterable[int], since: datetime | None, now: datetime
) -> None:
    """Store since when these complaints are absent (None: shown again), and schedule them."""
    for batch in chunked(complaints):
        session.execute(
            update(Complaint)
            .where(Complaint.id.in_(batch))
            .values(absent_since=since, changed_at=now, next_action_at=now)
            .execution_options(synchronize_session=False)
        )


def open_since(session: Session, source: str, ended: Iterable[str]) -> list[datetime]:
    """Return the distinct times of receipt of those complaints of a source that are still open.

    A complaint counts as open if its last status is none of the words in `ended`.
    """
    words = list(ended)
    query = select(Complaint.received_at).where(
        Complaint.source == source,
        or_(Complaint.state.is_(None), Complaint.state.not_in(words)),
    )
    return list(session.scalars(query.distinct()))


def due_for_evaluation(
    session: Session, now: datetime, limit: int, part: Shard = EVERYTHING, units: Sequence[str] = ()
) -> list[Complaint]:
    """Return at most `limit` complaints with `next_action_at` not later than `now`, oldest first.

    They are found by the index. `part` limits them to one shard of `units`. The rows are locked if
    the database supports it, so two concurrent runs evaluate different complaints.
    """
    query = _due_for_evaluation(part, tuple(units))
    return list(session.scalars(query, {"now": now, "most": limit}))


def ids_never_evaluated(
    session: Session, now: datetime, part: Shard = EVERYTHING, units: Sequence[str] = ()
) -> array[int]:
    """Return the ids of all due complaints not evaluated yet with the current ruleset, in the order
    of :func:`due_for_evaluation`.

    Their rows are locked if the database supports it.
    """
    query = (
        select(Complaint.id)
        .where(_is_due(now, part, units), Complaint.evaluated_at.is_(None))
        .order_by(Complaint.next_action_at, Complaint.id)
        .with_for_update(skip_locked=True)
    )
    return array("q", session.scalars(query.execution_options(yield_per=AT_ONCE)))


_TO_EVALUATE = select(Complaint).where(is_one_of(Complaint.id)).options(undefer(Complaint.metrics))


def to_evaluate(session: Session, complaints: Sequence[int]) -> list[Complaint]:
    """Load these complaints for an evaluation, in this order."""
    found = {
        row.id: row
        for batch in chunked(complaints, AT_ONCE)
        for row in session.scalars(_TO_EVALUATE, {"keys": batch})
    }
    return [found[key] for key in complaints]


@lru_cache(maxsize=32)
def _due_for_evaluation(part: Shard, units: tuple[str, ...]) -> Select[tuple[Complaint]]:
    return (
        select(Complaint)
        .where(_is_due(bindparam("now"), part, units))
        .order_by(Complaint.next_action_at, Complaint.id)
        .limit(bindparam("most", type_=Integer))
        .options(undefer(Complaint.metrics))
        .with_for_update(skip_locked=True)
    )


def any_due(
    session: Session, now: datetime, part: Shard = EVERYTHING, units: Sequence[str] = ()
) -> bool:
    """Check whether :func:`due_for_evaluation` would return a complaint; nothing is locked."""
    due = select(Complaint.id).where(_is_due(now, part, units))
    return session.scalar(due.limit(1)) is not None


def count_due(
    session: Session, now: datetime, part: Shard = EVERYTHING, units: Sequence[str] = ()
) -> int:
    """Count the complaints that :func:`due_for_evaluation` would return without a limit."""
    query = select(func.count()).select_from(Complaint).where(_is_due(now, part, units))
    return session.scalar(query) or 0


def _is_due(
    now: datetime | BindParameter[datetime], part: Shard, units: Sequence[str]
) -> ColumnElement[bool]:
    return and_(Complaint.next_action_at <= now, _of_part(part, units))


def _of_part(part: Shard, units: Sequence[str]) -> ColumnElement[bool]:
    if part.is_all:
        return true()
    own = Complaint.unit.in_(part.units(units))
    if part.takes_the_rest:
        return or_(own, Complaint.unit.is_(None), Complaint.unit.not_in(units))
    return own


_WITHOUT_TEXTS = (
    select(Complaint)
    .where(is_one_of(Complaint.id))
    .order_by(Complaint.id)
    .options(defer(Complaint.text), defer(Complaint.attachments), defer(Complaint.reporter))
)


def without_texts(session: Session, complaints: Iterable[int]) -> Iterator[Sequence[Complaint]]:
    """Yield these complaints in chunks, without their longest texts."""
    for batch in chunked(complaints, 4 * BATCH):
        yield session.scalars(_WITHOUT_TEXTS, {"keys": batch}).all()


def everything(session: Session, as_of: datetime) -> Sequence[Complaint]:
    """Load all complaints recorded until `as_of`, in the order of their receipt."""
    return session.scalars(
        select(Complaint)
        .where(Complaint.recorded_at <= as_of)
        .order_by(Complaint.received_at, Complaint.id)
    ).all()


def recorded_by(session: Session, as_of: datetime) -> Iterator[list[Complaint]]:
    """Yield all complaints recorded until `as_of`, in chunks ordered by id.

    Each chunk is removed from the session before the next, to limit memory.
    """
    last = 0
    while True:
        found = list(
            session.scalars(
                select(Complaint)
                .where(Complaint.id > last, Complaint.recorded_at <= as_of)
                .order_by(Complaint.id)
                .limit(4 * BATCH)
            )
        )
        if not found:
            return
        last = found[-1].id
        yield found
        for row in found:
            session.expunge(row)


def by_ticket_number(session: Session, ticket: str) -> list[Complaint]:
    """Find the complaints with this ticket; without any, those with it in another letter case.

    There are several only if sources share numbers.
    """
    found = list(session.scalars(select(Complaint).where(Complaint.ticket == ticket)))
    if found:
        return found
    others = in_other_case(ticket)
    return list(session.scalars(select(Complaint).where(Complaint.ticket.in_(others))))


def changed(session: Session, since: datetime | None) -> Iterator[list[Complaint]]:
    """Yield the complaints changed since a moment (None: all), in chunks ordered by id.

    Each chunk is removed from the session before the next.
    """
    last = 0
    while True:
        query = select(Complaint).where(Complaint.id > last).order_by(Complaint.id).limit(BATCH)
        if since is not None:
            query = query.where(func.coalesce(Complaint.changed_at, Complaint.recorded_at) >= since)
        found = list(session.scalars(query))
        if not found:
            return
        last = found[-1].id
        yield found
        session.expunge_all()


def count(session: Session) -> int:
    """Count all complaints."""
    return session.scalar(select(func.count()).select_from(Complaint)) or 0


def absent_tickets(session: Session, source: str) -> Sequence[str]:
    """Return the tickets of the complaints that the newest imports of a source do not show readably
    any more.
    """
    absent = (Complaint.source == source, Complaint.absent_since.is_not(None))
    return session.scalars(select(Complaint.ticket).where(*absent)).all()


def units_with_complaints(session: Session, units: Iterable[str]) -> frozenset[str]:
    """Return those of these units that are responsible for any complaint."""
    query = select(Complaint.unit).where(Complaint.unit.in_(list(units))).distinct()
    return frozenset(unit for unit in session.scalars(query) if unit is not None)


def earliest_receipt(session: Session, as_of: datetime) -> datetime | None:
    """Return the earliest receipt of the complaints recorded until `as_of`."""
    query = select(func.min(Complaint.received_at)).where(Complaint.recorded_at <= as_of)
    return session.scalar(query)


def at_least(session: Session, number: int) -> bool:
    """Check whether the database has at least this many complaints."""
    return len(session.scalars(select(Complaint.id).limit(number)).all()) == number


def count_words(session: Session, column: str, words: Sequence[str]) -> dict[str, int]:
    """Count the complaints with each of these texts in a column."""
    kind: InstrumentedAttribute[str | None] = getattr(Complaint, column)
    found: dict[str, int] = {}
    for batch in chunked(words):
        query = select(kind, func.count()).where(kind.in_(batch)).group_by(kind)
        found |= {text: number for text, number in session.execute(query) if text}
    return found


def received_before(session: Session, moment: datetime, as_of: datetime) -> int:
    """Count the complaints recorded until `as_of` and received before a moment."""
    query = select(func.count()).where(
        Complaint.received_at < moment, Complaint.recorded_at <= as_of
    )
    return session.scalar(query) or 0


def root_source(source: str) -> str:
    """Return the source of this site through which complaints came: `kab` for `kab/lapor`."""
    return source.partition("/")[0]


def recordings(session: Session, complaints: Iterable[int]) -> dict[int, tuple[str, datetime]]:
    """Return the source of each of these complaints, and the time of its recording."""
    found: dict[int, tuple[str, datetime]] = {}
    for batch in chunked(complaints):
        rows = session.execute(
            select(Complaint.id, Complaint.source, Complaint.recorded_at).where(
                Complaint.id.in_(batch)
            )
        )
        found.update({key: (source, recorded_at) for key, source, recorded_at in rows})
    return found


_DEADLINES = select(DeadlineRow).where(is_one_of(DeadlineRow.complaint_id))


def deadlines_of(session: Session, complaints: Iterable[int]) -> dict[int, list[DeadlineRow]]:
    """Load the stored deadlines of these complaints, by complaint id."""
    found: dict[int, list[DeadlineRow]] = {}
    for batch in chunked(complaints, AT_ONCE):
        for row in session.scalars(_DEADLINES, {"keys": batch}):
            found.setdefault(row.complaint_id, []).append(row)
    return found


_PAST_FACTS = (
    select(PastFacts)
    .where(
        is_one_of(PastFacts.complaint_id),
        PastFacts.superseded_at > bindparam("as_of"),
    )
    .order_by(PastFacts.superseded_at, PastFacts.id)
)


def past_facts(
    session: Session, complaints: Iterable[int], as_of: datetime
) -> dict[int, PastFacts]:
    """Load the facts valid at `as_of` for those of the complaints with a later correction."""
    found: dict[int, PastFacts] = {}
    for batch in chunked(complaints, AT_ONCE):
        for row in session.scalars(_PAST_FACTS, {"keys": batch, "as_of": as_of}):
            found.setdefault(row.complaint_id, row)
    return found


def every_past_facts(session: Session, complaints: Iterable[int]) -> dict[int, list[PastFacts]]:
    """Load all former facts of these complaints, oldest first."""
    found: dict[int, list[PastFacts]] = {}
    for batch in chunked(complaints):
        query = select(PastFacts).where(PastFacts.complaint_id.in_(batch))
        for row in session.scalars(query.order_by(PastFacts.superseded_at, PastFacts.id)):
            found.setdefault(row.complaint_id, []).append(row)
    return found


def schedule_evaluation(session: Session, source: str, now: datetime) -> None:
    """Schedule a new evaluation of all complaints of a source at `now`.

    This is needed when the set of facts that the source is known to report has changed.
    """
    session.execute(
        update(Complaint)
        .where(Complaint.source == source)
        .values(next_action_at=now)
        .execution_options(synchronize_session=False)
    )


WITHOUT_IMPORT = (Reason.NOT_SHOWN, Reason.OPEN_QUESTION)
"""The reasons of undecided deadlines in doubt: they wait for other data, not for an import."""


def waits_for_import(deadline: StoredDeadline) -> bool:
    """Check whether a stored deadline waits for a newer import: :func:`schedule_undecided`."""
    waits = deadline.state == State.UNKNOWN and deadline.stopped is None
    return waits and deadline.reason not in WITHOUT_IMPORT


_SCHEDULE_UNDECIDED = (
    update(Complaint)
    .where(
        Complaint.source == bindparam("of"),
        Complaint.id.in_(
            select(DeadlineRow.complaint_id).where(
                DeadlineRow.state == State.UNKNOWN,
                DeadlineRow.reason.not_in(WITHOUT_IMPORT),
                DeadlineRow.stopped.is_(None),
                DeadlineRow.due < bindparam("until"),
            )
        ),
    )
    .values(next_action_at=bindparam("now"))
    .execution_options(synchronize_session=False)
)


def schedule_undecided(
    session: Session,
    source: str,
    imported_until: datetime,
    now: datetime,
    period: Period = (None, None),
) -> None:
    """Schedule an evaluation at `now` of complaints that only waited for a newer import.

    These have a deadline in state `unknown`, not stopped, and due before `imported_until`, the time
    up to which their source has now been imported. The import says something only about complaints
    received in `period`. A deadline in doubt waits for other data, not for the next import.
    """
    query = _SCHEDULE_UNDECIDED.where(*_received_in(period))
    session.execute(query, {"of": source, "until": imported_until, "now": now})
