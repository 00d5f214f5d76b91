"""The cases of a replay, kept in memory: nobody else writes to a replica.

The steps of a replay decide by the code of the real runs. This module only answers what they ask
the database in reality.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from heapq import heappop, heappush
from itertools import chain, islice
from operator import is_

from sqlalchemy import select
from sqlalchemy.orm import Session, undefer

from db import complaints, notices
from db.bulk import chunked
from db.complaints import EvaluatedDeadline, StoredDeadline
from db.lives import NoticeStatus
from db.mails.mail_items import MailItem
from db.models import Complaint, NoticeRow, PastFacts, Ruleset
from db.notices import Acceptance
from db.replica import replay_queue
from sla.engine.deadline import ClockKey, Deadline
from sla.engine.evaluate import CaseHistory, Evaluation, evaluate_all
from sla.engine.timeline import Timeline
from sla.escalation import FirstTimes, Reached
from sla.events import Event
from sla.fair_notice import AcceptedNotices
from sla.shards import Shard
from sla.value_class import value_class
from tasks.common.context import RunContext
from tasks.evaluation.case_store import CaseStore
from tasks.evaluation.loader import LoadedComplaint, SourceKnowledge, as_watched
from tasks.evaluation.notices import NoticeHistory, first_times, rungs_reached

AT_ONCE = 500
"""Number of records to come, whose complaints are loaded together."""

NEVER = datetime.max.replace(tzinfo=UTC)


class _ReplayedComplaint:
    """A complaint with all its events, former facts and notices, and its last evaluation."""

    def __init__(
        self,
        row: Complaint,
        events: Sequence[Event],
        past: Sequence[PastFacts],
        rows: list[NoticeRow],
    ) -> None:
        self.row, self.notices, self._events, self._past = row, rows, events, past
        self._loaded: tuple[SourceKnowledge, Complaint | PastFacts, LoadedComplaint] | None = None
        self.timeline = Timeline(events)

    def add_notice(self, row: NoticeRow) -> None:
        """Add a notice, unless it was loaded with the complaint."""
        if not self.notices or self.notices[-1].id < row.id:
            self.notices.append(row)

    @property
    def mail_waits(self) -> bool:
        """Check whether a mail about the complaint waits: then it will be evaluated again."""
        return any(row.status == NoticeStatus.QUEUED for row in self.notices)

    def loaded(self, sources: SourceKnowledge, as_of: datetime) -> LoadedComplaint:
        """Return the complaint with its facts as known at `as_of`."""
        former = (each for each in self._past if each.superseded_at > as_of)
        then: Complaint | PastFacts = next(former, self.row)
        if self._loaded is not None and self._loaded[0] is sources and self._loaded[1] is then:
            return self._loaded[2]
        history = CaseHistory(sources.facts(self.row, then), self._events)
        loaded = LoadedComplaint(self.row, history, then.place, then.rating)
        self._loaded = sources, then, loaded
        return loaded


@value_class(frozen=True, slots=True)
class _Rungs:
    """The rungs that a deadline had reached with these notices, and the time of the next."""

    deadline: Deadline
    times: FirstTimes
    notified: AcceptedNotices
    steps: Sequence[Reached]
    next_at: datetime | None

    def holds(self, deadline: Deadline, notified: AcceptedNotices, now: datetime) -> bool:
        """Check whether they are still the same: no decision about them starts a repetition."""
        return (
            deadline is self.deadline
            and (self.next_at is None or now < self.next_at)
            and notified == self.notified
            and all(step.rung.id in notified.decided for step in self.steps)
        )


class _Sources:
    """What is known about the sources; it is loaded again only after an import."""

    def __init__(self, session: Session) -> None:
        self._imports = replay_queue.import_times(session)
        self._sources = frozenset(session.scalars(select(Complaint.source).distinct()))
        self._known: tuple[int, SourceKnowledge] | None = None

    def at(self, run: RunContext) -> SourceKnowledge:
        """Return what is known about the sources at the time of the run."""
        number = bisect_right(self._imports, run.now)
        if self._known is None or self._known[0] != number:
            loaded = SourceKnowledge.load(run.session, run.context, self._sources, run.now)
            self._known = number, loaded
        return self._known[1]


class ReplayCases(CaseStore):
    """The complaints of a replica with their deadlines, notices and next evaluations.

    Each complaint is loaded when it is due, and kept until it is at rest. Deadlines are written to
    the replica only by :meth:`store_deadlines`. `before_decision` is called when a run has decided
    about notices.
    """

    def __init__(self, session: Session, before_decision: Callable[[], None]) -> None:
        self._session, self._before_decision = session, before_decision
        self._cases: dict[int, _ReplayedComplaint] = {}
        self._sources = _Sources(session)
        self._deadlines: dict[int, list[EvaluatedDeadline]] = {}
        self._stored: dict[int, Sequence[Deadline]] = {}
        self._undecided: dict[str, set[int]] = {}
        self._decided: set[int] = set()
        """The complaints that may have newer notices than `_last_notice`."""
        every = session.scalars(select(NoticeRow.id)).all()
        self._last_notice = max(every, default=0)
        self._accepted = notices.acceptances(session, every, NEVER)
        self._rungs: dict[tuple[int, ClockKey], _Rungs] = {}
        self._ruleset: tuple[Ruleset | None, ...] = ()
        self._news = deque(replay_queue.news(session))
        self._next: dict[int, datetime] = {}
        self._queue: list[tuple[datetime, int]] = []
        for at, key in replay_queue.scheduled(session):
            self._schedule(key, at)

    # --- when complaints are due ------------------------------------------------------------------

    def next_action(self) -> datetime | None:
        """Return the time of the next scheduled evaluation."""
        while self._queue:
            at, key = self._queue[0]
            if self._next.get(key) == at:
                return at
            heappop(self._queue)  # it was scheduled for another time since then
        return None

    def next_news(self) -> datetime | None:
        """Return the time of the next data about a complaint."""
        return self._news[0][0] if self._news else None

    def release_news(self, now: datetime) -> None:
        """Schedule an evaluation at the time of all data up to a moment."""
        while self._news and self._news[0][0] <= now:
            at, key = self._news.popleft()
            self._schedule(key, at)

    def release_import(self, source: str, imported_until: datetime, now: datetime) -> None:
        """Schedule what only waited for an import: see :func:`db.complaints.schedule_undecided`."""
        for key in self._undecided.get(source, ()):
            waiting = filter(complaints.waits_for_import, self._deadlines[key])
            if any(row.due is not None and row.due < imported_until for row in waiting):
                self._schedule(key, now)

    def evaluate_again(self, keys: Iterable[int], now: datetime) -> None:
        """Schedule an evaluation of these complaints at `now`: the outcome of a mail is known."""
        for key in keys:
            self._schedule(key, now)

    def _schedule(self, key: int, at: datetime | None) -> None:
        if at is None:
            self._next.pop(key, None)
        elif self._next.get(key) != at:
            self._next[key] = at
            heappush(self._queue, (at, key))

    # --- what a run asks --------------------------------------------------------------------------

    def activate_ruleset(self, run: RunContext) -> Ruleset | None:
        """Record the ruleset in the first run; it does not change in a replay."""
        if not self._ruleset:
            self._ruleset = (super().activate_ruleset(run),)
        return self._ruleset[0]

    def due(
        self, run: RunContext, limit: int, part: Shard, units: Sequence[str]
    ) -> Sequence[Complaint]:
        """Return at most `limit` complaints that are due for an evaluation, oldest first."""
        keys: list[int] = []
        while len(keys) < limit:
            at = self.next_action()
            if at is None or at > run.now:
                break
            _, key = heappop(self._queue)
            del self._next[key]
            keys.append(key)
        return self.complaints(run, keys)

    def complaints(self, run: RunContext, keys: Iterable[int]) -> Sequence[Complaint]:
        """Return these complaints."""
        wanted = list(keys)
        self._load(wanted)
        return [self._cases[key].row for key in wanted]

    def _load(self, keys: Iterable[int]) -> None:
        """Load those of these complaints that are not loaded yet, and the next ones with them."""
        missing = {key for key in keys if key not in self._cases}
        if not missing:
            return
        coming = (key for _, key in islice(self._news, AT_ONCE) if key not in self._cases)
        for batch in chunked(missing.union(coming)):
            rows = notices.of_complaints(self._session, batch)
            events = complaints.events_of(self._session, batch)
            past = complaints.every_past_facts(self._session, batch)
            query = select(Complaint).where(Complaint.id.in_(batch))
            for row in self._session.scalars(query.options(undefer(Complaint.metrics))):
                self._session.expunge(row)
                self._cases[row.id] = _ReplayedComplaint(
                    row, events.get(row.id, []), past.get(row.id, []), rows.get(row.id, [])
                )

    def evaluated(
        self, run: RunContext, rows: Sequence[Complaint]
    ) -> Iterator[tuple[LoadedComplaint, Evaluation]]:
        """Evaluate these complaints, as far as data or time may have changed an evaluation."""
        keys = [row.id for row in rows]
        self._load(keys)
        sources = self._sources.at(run)
        loaded, found, missing = [], {}, []
        for key in keys:
            case = self._cases[key]
            each = case.loaded(sources, run.now)
            loaded.append((case, each))
            kept = case.timeline.at(each.history.facts, run.now)
            if kept is None:
                missing.append((case, each))
            else:
                found[key] = kept
        context = run.site.evaluation_context
        fresh = evaluate_all([each.history for _, each in missing], context, run.now)
        for (case, each), evaluation in zip(missing, fresh, strict=True):
            found[case.row.id] = case.timeline.keep(evaluation, each.history.facts, run.now)
        for case, each in loaded:
            yield each, as_watched(run.context, case.row, found[case.row.id])

    def deadlines_of(
        self, run: RunContext, keys: Sequence[int]
    ) -> Mapping[int, Sequence[StoredDeadline]]:
        """Return the deadlines of these complaints as evaluated last."""
        return {key: self._deadlines.get(key, []) for key in keys}

    def notices_of(self, run: RunContext, keys: Iterable[int]) -> Mapping[int, list[NoticeRow]]:
        """Return the notices about these complaints."""
        wanted = list(keys)
        self._load(wanted)
        self._load_new_notices()
        return {key: self._cases[key].notices for key in wanted}

    def _load_new_notices(self) -> None:
        """Load the notices decided since the last time, each once."""
        if not self._decided:
            return
        self._decided.clear()
        for row in notices.newer(self._session, self._last_notice):
            self._last_notice = row.id
            if (case := self._cases.get(row.complaint_id)) is not None:
                case.add_notice(row)

    def accepted(
        self, run: RunContext, rows: Mapping[int, Sequence[NoticeRow]]
    ) -> Mapping[int, Sequence[Acceptance]]:
        """Return the mails accepted so far, by the key of the notice."""
        return self._accepted

    def rungs_reached(
        self, run: RunContext, complaint: int, deadline: Deadline, history: NoticeHistory
    ) -> tuple[Sequence[Reached], datetime | None]:
        """Return the rungs that a deadline has reached, and the time of the next.

        Until then they are the same, if the evaluation is and no notice was decided or accepted.
        """
        key = complaint, deadline.key
        known = self._rungs.get(key)
        if known is not None and known.holds(deadline, history.notified, run.now):
            return known.steps, known.next_at
        if known is not None and known.deadline is deadline:
            times = known.times.with_notices(history.notified)
        else:
            times = first_times(run.context, deadline, history)
        steps, next_at = rungs_reached(run.context, deadline, run.now, history, times)
        self._rungs[key] = _Rungs(deadline, times, history.notified, steps, next_at)
        return steps, next_at

    # --- what a run writes ------------------------------------------------------------------------

    def add(
        self,
        run: RunContext,
        lapses: Iterable[tuple[int, Event]],
        deadlines: Iterable[EvaluatedDeadline],
    ) -> None:
        """Keep new deadlines. Lapses are not needed: each evaluation derives them again."""
        for each in deadlines:
            self._deadlines.setdefault(each.complaint_id, []).append(each)

    def update(self, deadline: StoredDeadline, found: EvaluatedDeadline) -> None:
        """Replace a deadline, if it was evaluated otherwise before."""
        if found._replace(evaluated_at=deadline.evaluated_at) != deadline:
            stored = self._deadlines[found.complaint_id]
            stored[self._index(deadline)] = found

    def remove(self, run: RunContext, deadline: StoredDeadline) -> None:
        """Remove the deadline of a rule that no longer applies."""
        del self._deadlines[deadline.complaint_id][self._index(deadline)]

    def _index(self, deadline: StoredDeadline) -> int:
        return next(
            index
            for index, each in enumerate(self._deadlines[deadline.complaint_id])
            if each is deadline
        )

    def stores(self, complaint: int, deadlines: Sequence[Deadline]) -> bool:
        """Check whether these deadlines are the ones stored last: the same objects, as a timeline
        keeps them.
        """
        last = self._stored.get(complaint, ())
        return len(last) == len(deadlines) > 0 and all(map(is_, last, deadlines))

    def stored(self, complaint: int, deadlines: Sequence[Deadline]) -> None:
        """Keep the deadlines stored last."""
        self._stored[complaint] = deadlines

    def decided(self, complaint: int) -> None:
        """Load the new notices of this complaint when notices are needed."""
        self._before_decision()
        self._decided.add(complaint)

    def scheduled(self, rows: Sequence[Complaint]) -> None:
        """Schedule the next evaluations of complaints that were just evaluated."""
        for row in rows:
            self._schedule(row.id, row.next_action_at)
            waits = any(map(complaints.waits_for_import, self._deadlines.get(row.id, ())))
            undecided = self._undecided.setdefault(row.source, set())
            (undecided.add if waits else undecided.discard)(row.id)
            if row.next_action_at is None and not waits and not self._mail_waits(row.id):
                self._forget(row.id)

    def _mail_waits(self, key: int) -> bool:
        return key in self._decided or self._cases[key].mail_waits

    def _forget(self, key: int) -> None:
        """Drop what can be loaded again of a complaint at rest: most are soon dealt with."""
        self._cases.pop(key, None)
        self._stored.pop(key, None)
        for row in self._deadlines.get(key, ()):
            self._rungs.pop((key, (row.rule, row.clock)), None)

    def accept(self, items: Iterable[MailItem], now: datetime) -> None:
        """Count a mail with these items as accepted by the server, as far as it reports them."""
        for item in items:
            if item.included and not item.correction:
                key = item.notice.id
                self._accepted.setdefault(key, []).append(Acceptance(key, item.role, now))

    def store_deadlines(self) -> None:
        """Write all deadlines to the replica."""
        complaints.add_deadlines(self._session, chain.from_iterable(self._deadlines.values()))
