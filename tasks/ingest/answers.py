"""Answers to open questions: check one, store it, and apply it to the complaints that waited."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from db import audit, complaints, imports, questions
from db.models import WORD_ROLES, Complaint, OpenQuestion, QuestionComplaint, QuestionRole
from db.questions import HIDDEN
from settings.mapping import SourceMapping
from settings.site import Site
from sla.error_text import did_you_mean
from sla.events import ANY_KIND, HANDOVERS, QUESTION, Event, Kind, Knowledge
from sla.folding import folded
from tasks.common.context import SiteContext
from tasks.common.dates import is_begin_of_day, not_before_receipt, parse_datetime, parse_iso
from tasks.common.flexible_dates import date_order, parse_flexible
from tasks.evaluation.known_words import named_in_files
from tasks.ingest.changes import past_facts, unit_in_charge
from tasks.ingest.complaint_writer import ComplaintWriter
from tasks.ingest.exchange.reader import EVENTS
from tasks.ingest.import_target import ImportTarget
from tasks.ingest.open_questions import QuestionLog
from tasks.ingest.records import (
    CORRECT_ANSWER,
    EMPTY_ANSWER,
    FIRST_VALUE,
    RECEIVED,
    UNIT_FIELD,
    Step,
    value_hash,
)
from tasks.ingest.row_doubts import is_vanished
from tasks.ingest.snapshot_diff import StateSpan
from tasks.ingest.step_order import UndatedAssignments, moment_in_day

EMPTY_WORDS = ("kosong", "ignore")
"""The answers for a value that means an empty cell, in both languages."""

CORRECT_WORDS = ("benar", CORRECT_ANSWER)
"""The answers for a date of receipt that is right as it is."""

DATES = (QuestionRole.STEP, QuestionRole.STATUS_DATE, QuestionRole.PROMISED_DUE)


class WrongAnswer(ValueError):
    """The answer does not fit the question; the message says which answers do."""


@dataclass(frozen=True, slots=True)
class AppliedAnswer:
    """An applied answer: the question, and the number of complaints that it changed."""

    question: OpenQuestion
    complaints: int


def meaning_of(site: Site, question: OpenQuestion, text: str) -> str:
    """Return the answer in the form in which it is stored.

    Raises :class:`WrongAnswer` if the field of the question cannot have this meaning.
    """
    word = " ".join(text.split())
    source = site.sources[question.source]
    if question.role in WORD_ROLES:
        return _word(site, question, word)
    receipt = question.role == QuestionRole.RECEIPT
    if word.casefold() in EMPTY_WORDS and not receipt:
        return EMPTY_ANSWER
    if word.casefold() in CORRECT_WORDS and receipt:
        return CORRECT_ANSWER
    if is_vanished(question.role, question.value):
        raise WrongAnswer(
            f"no date fits every emptied cell; `{EMPTY_WORDS[0]}` (or `{EMPTY_WORDS[1]}`) means"
            " that the step has not happened. Else enter the date again at the source"
        )
    if has_lost_unit(source, question):
        raise WrongAnswer(
            f"no unit fits every emptied cell; `{EMPTY_WORDS[0]}` (or `{EMPTY_WORDS[1]}`) means"
            " that the units have given the complaints back. Else enter the unit again at the"
            " source"
        )
    if names_no_step(source, question):
        raise WrongAnswer(
            f"no date fits a step of an unknown kind; `{EMPTY_WORDS[0]}` (or `{EMPTY_WORDS[1]}`)"
            " means that no step is missing. Else correct it at the source"
        )
    if receipt or question.role in DATES:
        return _date(source, question, word)
    if question.role == QuestionRole.UNIT:
        unit = source.values.unit.get(word) or site.directory.unit_called(word)
        names = [name for each in site.directory.units.values() for name in (each.id, each.name)]
        return unit or _no(f"no unit '{word}'{_hint(word, names)}")
    if question.role == QuestionRole.STATUS:
        words = {each.word.casefold(): each.word for each in source.status}
        return words.get(word.casefold()) or _no(f"no status '{word}'{_hint(word, words.values())}")
    meanings = {
        known.casefold(): meaning
        for known, meaning in (
            *((each, each) for each in _classifications(site, source)),
            *source.values.classification.items(),
        )
    }
    return meanings.get(word.casefold()) or _no(
        f"no classification '{word}'{_hint(word, _classifications(site, source))}"
    )


def names_no_step(source: SourceMapping, question: OpenQuestion) -> bool:
    """Check whether a question concerns an event of another installation without a known kind."""
    if not source.is_exchange or question.column != EVENTS:
        return False
    return question.value.partition(" ")[0] not in frozenset(Kind)


def has_lost_unit(source: SourceMapping, question: OpenQuestion) -> bool:
    """Check whether a question concerns cells of a snapshot that have lost their unit."""
    is_of_unit = question.role == QuestionRole.UNIT and question.column == source.fields.unit
    return is_of_unit and source.layout == "snapshot" and not question.value


def _word(site: Site, question: OpenQuestion, word: str) -> str:
    """Return the meaning of a word of a list: itself, none of the list, or a word of a file."""
    if word.casefold() in CORRECT_WORDS or folded(word) == folded(question.value):
        return question.value
    if word.casefold() in EMPTY_WORDS:
        return EMPTY_ANSWER
    named = named_in_files(site, QuestionRole(question.role))
    if folded(word) in named:
        return named[folded(word)]
    raise WrongAnswer(
        f"'{word}' is not a {question.role} of the site's files. `{CORRECT_WORDS[0]}` (or"
        f" `{CORRECT_WORDS[1]}`) confirms the value, `{EMPTY_WORDS[0]}` (or `{EMPTY_WORDS[1]}`)"
        " counts it under 'lainnya'"
    )


def _no(text: str) -> str:
    if text.endswith("?"):
        raise WrongAnswer(f"{text} `{EMPTY_WORDS[0]}` (or `{EMPTY_WORDS[1]}`) means an empty cell")
    raise WrongAnswer(f"{text}. `{EMPTY_WORDS[0]}` (or `{EMPTY_WORDS[1]}`) means an empty cell")


def _hint(word: str, known: Iterable[str]) -> str:
    """Return the nearest known word; of many words only a close one."""
    every = [each for each in known if each]  # the empty cell may be a status
    hint = did_you_mean(word, every)
    return hint if len(every) <= 20 or "did you mean" in hint else ""


def _classifications(site: Site, source: SourceMapping) -> list[str]:
    known = site.evaluation_context.law.classifications
    return sorted(known.union(source.values.classification.values()))


def _date(source: SourceMapping, question: OpenQuestion, text: str) -> str:
    for form in (*source.dates, "%Y-%m-%d %H:%M"):
        try:
            moment = parse_datetime(text, form)
            break
        except (ValueError, OverflowError):
            continue
    else:
        try:
            moment = _date_of_person(source, text)
        except (ValueError, OverflowError):
            choice = (
                f"`{CORRECT_WORDS[0]}` (or `{CORRECT_WORDS[1]}`) if it is right"
                if question.role == QuestionRole.RECEIPT
                else f"`{EMPTY_WORDS[0]}` (or `{EMPTY_WORDS[1]}`) for an empty cell"
            )
            raise WrongAnswer(
                f"'{text}' is no date; write for example 2026-11-24 08:30, or {choice}"
            ) from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=ZoneInfo(source.zone))
    return moment.astimezone(UTC).isoformat()


def _date_of_person(source: SourceMapping, text: str) -> datetime:
    """Parse a date in a form that the mapping does not have: ISO, or as people write it.

    A date in numbers is in the order of the mapping.
    """
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return parse_flexible(text, date_order(source.dates))


def answer(
    session: Session, ctx: SiteContext, question: OpenQuestion, meaning: str, by: str, now: datetime
) -> AppliedAnswer:
    """Store an answer, with a row in the audit, and apply it to the complaints that waited.

    `meaning` is in the form of :func:`meaning_of`. `by` names the author: the command line, or the
    file of the site with the answer. An earlier answer is replaced. Raises :class:`WrongAnswer` for
    a date that is impossible for a waiting complaint.
    """
    imports.lock(session, question.source)
    snapshot = ctx.site.sources[question.source].layout == "snapshot"
    linked = questions.complaints_of(session, question.id, past=snapshot)
    zone = ZoneInfo(ctx.site.sources[question.source].zone)
    _check_date(question, meaning, linked, now, zone)
    question.answer, question.answered_at, question.answered_by = meaning, now, by
    session.flush()
    changed = _apply(session, ctx, question, linked, now)
    audit.note(
        session,
        audit.AuditKind.QUESTION_ANSWERED,
        now,
        f"answered by {by}",
        question=question.id,
        source=question.source,
        column=question.column,
        answer=meaning,
        complaints=changed,
    )
    return AppliedAnswer(question, changed)


def _check_date(
    question: OpenQuestion,
    meaning: str,
    linked: Sequence[tuple[Complaint, QuestionComplaint]],
    now: datetime,
    zone: ZoneInfo,
) -> None:
    if question.role not in (*DATES, QuestionRole.RECEIPT) or meaning in ("", CORRECT_ANSWER):
        return
    moment = datetime.fromisoformat(meaning)
    if question.role == QuestionRole.PROMISED_DUE:
        return
    if moment > now:
        raise WrongAnswer("the date is in the future")
    if question.role == QuestionRole.RECEIPT:
        return
    early = {
        row.id
        for row, link in linked
        if not_before_receipt(moment, row.received_at, zone) < row.received_at
        and not link.source_field.endswith(f"/{Kind.SERVICE_RECEIVED}")
    }
    if early:
        raise WrongAnswer(f"the date is before the receipt of {len(early)} of the complaints")


def answer_from_files(session: Session, ctx: SiteContext, name: str, now: datetime) -> int:
    """Answer the open questions of a source that sources.toml or units.csv answers by now.

    Return the number of answered questions.
    """
    waiting = [each.question for each in questions.open_questions(session, source=name)]
    if not waiting:
        return 0
    words = _words_of_files(ctx.site, name)
    answered = 0
    for question in waiting:
        meaning = words.get((question.role, question.value_hash))
        if meaning is not None:
            file = "units.csv" if question.role == QuestionRole.UNIT else "sources.toml"
            answer(session, ctx, question, meaning, file, now)
            answered += 1
    return answered


def _words_of_files(site: Site, name: str) -> dict[tuple[str, str], str]:
    """Return the meaning of every word of the mapping and the directory, by role and hash."""
    source = site.sources[name]
    units = {
        spelling: unit.id
        for unit in site.directory.units.values()
        for spelling in (unit.id, unit.name, *unit.aliases)
    } | source.values.unit
    by_role: dict[str, dict[str, str]] = {
        QuestionRole.STATUS: {each.word: each.word for each in source.status},
        QuestionRole.CLASSIFICATION: source.values.classification,
        QuestionRole.UNIT: units,
    }
    return {
        (role, value_hash(word)): meaning
        for role, words in by_role.items()
        for word, meaning in words.items()
    }


def permanent_lines(site: Site, question: OpenQuestion) -> list[str]:
    """Return the lines for the site's files that give the same answer permanently.

    There are none for a date, for an empty cell, or for a value that is stored only in part.
    """
    value, source = question.value, site.sources[question.source]
    if not question.answer or not value or HIDDEN in value or "[" in value:
        return []
    quoted = value.replace("\\", "\\\\").replace('"', '\\"')
    if question.role == QuestionRole.CLASSIFICATION:
        return [f"[{question.source}.values.classification]", f'"{quoted}" = "{question.answer}"']
    if question.role == QuestionRole.UNIT:
        return [f"[{question.source}.values.unit]", f'"{quoted}" = "{question.answer}"']
    if question.role != QuestionRole.STATUS:
        return []
    like = next(each for each in source.status if each.word == question.answer)
    lines = [f"[[{question.source}.status]]", f'word = "{quoted}"']
    for key in ("enter", "leave"):
        kinds = ", ".join(f'"{kind}"' for kind in getattr(like, key))
        lines += [f"{key} = [{kinds}]"] if kinds else []
    if like.earlier_by:
        days = ", ".join(f"{kind} = {days}" for kind, days in like.earlier_by.items())
        lines.append(f"earlier_by = {{ {days} }}")
    return lines + ([f'at = "{like.at}"'] if like.at else [])


def _apply(
    session: Session,
    ctx: SiteContext,
    question: OpenQuestion,
    linked: Sequence[tuple[Complaint, QuestionComplaint]],
    now: datetime,
) -> int:
    """Change what rests on the answer; return the number of changed complaints.

    Complaints of a source of another installation have a name of their own.
    """
    target = ImportTarget(session, ctx, question.source, observed_at=now, now=now)
    by_name: dict[str, list[tuple[Complaint, QuestionComplaint]]] = {}
    for row, link in linked:
        by_name.setdefault(row.source, []).append((row, link))
    changed: set[int] = set()
    for name, some in by_name.items():
        writer = ComplaintWriter(target, QuestionLog(target), name)
        changed |= _Application(session, writer, question, now).apply(some)
    return len(changed)


@dataclass(frozen=True, slots=True)
class _Application:
    """An answer on its way to the complaints of one source."""

    session: Session
    writer: ComplaintWriter
    question: OpenQuestion
    now: datetime

    def apply(self, linked: Sequence[tuple[Complaint, QuestionComplaint]]) -> set[int]:
        """Apply the answer to these complaints; return the ids of the changed ones."""
        role = self.question.role
        if role == QuestionRole.CLASSIFICATION:
            return self._facts(linked, "classification", self.question.answer or None)
        changed: set[int] = set()
        moment = self._moment()
        if role == QuestionRole.PROMISED_DUE:
            changed |= self._facts(linked, "promised_due", moment)
        if role == QuestionRole.RECEIPT and moment is not None:
            for row, _ in linked:
                row.received_at = moment
        changed |= self._events(linked)
        if self.writer.is_snapshot:
            changed |= self._derive_again(linked)
        return changed

    def _moment(self) -> datetime | None:
        role, text = self.question.role, self.question.answer
        dated = role in (*DATES, QuestionRole.RECEIPT) and text not in ("", CORRECT_ANSWER)
        return parse_iso(text) if dated else None

    def _facts(
        self,
        linked: Sequence[tuple[Complaint, QuestionComplaint]],
        fact: str,
        value: str | datetime | None,
    ) -> set[int]:
        changed = set()
        for row, link in linked:
            if link.until is None and getattr(row, fact) != value:
                self.session.add(past_facts(row, self.now))
                setattr(row, fact, value)
                row.next_action_at = row.changed_at = self.now
                changed.add(row.id)
        return changed

    def _events(self, linked: Sequence[tuple[Complaint, QuestionComplaint]]) -> set[int]:
        """Replace the doubts, and the units of events, that rest on the question."""
        known = complaints.events_of(self.session, {row.id for row, _ in linked})
        new: list[tuple[int, Event]] = []
        for row, link in linked:
            if link.until is not None:
                continue
            old = known.get(row.id, [])
            events = self._replaced(row, link, old)
            new += [(row.id, event) for event in events]
            old += events
            if self.question.role == QuestionRole.UNIT and not self.writer.is_snapshot:
                own = link.source_field == UNIT_FIELD
                unit = self.question.answer or None
                row.unit = unit if own else unit_in_charge(old, self.now)
            elif (
                HANDOVERS.intersection(event.kind for event in events)
                and not self.writer.is_snapshot
            ):
                row.unit = unit_in_charge(old, self.now)
        complaints.add_events(self.session, new)
        return self._wake(linked, {number for number, _ in new})

    def _replaced(self, row: Complaint, link: QuestionComplaint, old: list[Event]) -> list[Event]:
        """Return the events that replace those of the field of the question."""
        standing = {event.source_field: event for event in old if event.source == row.source}
        role, field, moment = self.question.role, link.source_field, self._moment()
        if role in (QuestionRole.PROMISED_DUE, QuestionRole.RECEIPT):
            field = f"{QUESTION}{self.question.column}"
        before = standing.get(field)
        found: list[Event] = []
        if role == QuestionRole.RECEIPT and moment is not None:
            source_field = f"{RECEIVED}/{Kind.RECEIVED}"
            found.append(
                Event(Kind.RECEIVED, moment, self.now, row.source, source_field=source_field)
            )
        if role in (QuestionRole.UNIT, QuestionRole.STEP):
            doubt = standing.get(f"{QUESTION}{self.question.column}")
            if doubt is not None and not doubt.retracted:
                found.append(self._retracted(doubt))
        if before is None or before.retracted:
            return found
        if role == QuestionRole.UNIT:
            unit = self.question.answer or None
            if unit != before.unit:
                found.append(replace(before, unit=unit, recorded_at=self.now))
            return found
        if role == QuestionRole.STEP and moment is not None and before.kind != ANY_KIND:
            source_field = self._slot(before.kind)
            event = Event(
                before.kind,
                self._moment_of_step(row, before.kind, moment, standing.values()),
                self.now,
                row.source,
                unit=before.unit,
                source_field=source_field,
            )
            found += [event, *self._narrowed(event, row, standing.values())]
            return found if source_field == field else [*found, self._retracted(before)]
        if role == QuestionRole.STEP and moment is None and self._shows_itself(before):
            found.append(self._without_time(before, row.received_at))
        return [*found, self._retracted(before)] if before.is_doubt or moment is None else found

    def _moment_of_step(
        self, row: Complaint, kind: str, moment: datetime, events: Iterable[Event]
    ) -> datetime:
        """Return the time of an answered step, as the next import reads it from the answer.

        An answer without a time of day is not before the receipt, and comes after the other steps
        of its day (`events`) that come before it by procedure.
        """
        zone = ZoneInfo(self.writer.mapping.zone)
        if not is_begin_of_day(moment, zone):
            return moment
        columns = [(each.column, each.kind) for each in self.writer.mapping.events]
        own = (self.question.column, kind)
        place = columns.index(own) if own in columns else len(columns)
        steps = _stated_steps(events)
        before = [steps[each] for each in columns[:place] if each in steps]
        step = Step(
            self.question.column,
            kind,
            not_before_receipt(moment, row.received_at, zone),
            None,
            only_day=True,
        )
        others = [other for each, other in steps.items() if each in columns and each != own]
        return moment_in_day(step, others, before, zone)

    def _narrowed(
        self, answered: Event, row: Complaint, events: Iterable[Event]
    ) -> Iterator[Event]:
        """Yield the assignments without a date of which the interval is smaller with an answered
        step, as the next import finds it.

        `events` are the last ones of the complaint.
        """
        last = {event.source_field: event for event in events}
        undated = UndatedAssignments(self.writer.mapping)
        steps = list(_stated_steps([*last.values(), answered]).values())
        for column in undated.columns:
            before = last.get(f"{column.column}/{column.kind}")
            if before is None or before.earliest is None or before.retracted or before.is_doubt:
                continue
            begin, until = undated.bounds(column, steps, row.received_at)
            earliest = max(begin, before.earliest)
            latest = before.latest if until is None else min(until, before.latest)
            if earliest <= latest and (earliest, latest) != (before.earliest, before.latest):
                yield replace(before, earliest=earliest, latest=latest, recorded_at=self.now)

    def _shows_itself(self, doubt: Event) -> bool:
        """Check whether other columns show the step in doubt, so that it lacks only its time."""
        return doubt.is_doubt and any(
            each.shows_itself and each.kind == doubt.kind and each.column == self.question.column
            for each in self.writer.mapping.events
        )

    def _without_time(self, doubt: Event, received: datetime) -> Event:
        """Return the step in doubt as an event between two imports."""
        known = doubt.first_possible > received
        return replace(
            doubt,
            knowledge=Knowledge.OBSERVED if known else Knowledge.UNKNOWN,
            recorded_at=self.now,
            source_field=self._slot(doubt.kind),
        )

    def _slot(self, kind: str) -> str:
        """Return the source field of a step; a column that keeps its first value has its own.

        A status or a remark that may mean an end stands for the column of the end.
        """
        column, mapping = self.question.column, self.writer.mapping
        if column in (mapping.fields.status, *mapping.fields.remark_columns):
            column = next((each.column for each in mapping.events if each.kind == kind), column)
        first = any(
            each.first and each.column == column and each.kind == kind for each in mapping.events
        )
        return f"{column}{FIRST_VALUE if first else ''}/{kind}"

    def _retracted(self, event: Event) -> Event:
        return replace(event, recorded_at=self.now, retracted=True)

    def _derive_again(self, linked: Sequence[tuple[Complaint, QuestionComplaint]]) -> set[int]:
        """Derive the events between the snapshots of these complaints again."""
        rows = list({row.id: row for row, _ in linked}.values())
        links: dict[int, list[QuestionComplaint]] = {}
        for row, link in linked:
            links.setdefault(row.id, []).append(link)

        def dated(row: Complaint, spans: list[StateSpan]) -> list[StateSpan]:
            if self.question.role != QuestionRole.STATUS_DATE:
                return spans
            return [self._dated(span, links[row.id], row.received_at) for span in spans]

        return self.writer.derive_again(rows, dated)

    def _dated(
        self, span: StateSpan, links: Sequence[QuestionComplaint], received: datetime
    ) -> StateSpan:
        """Return a state span with the answered start of its status."""
        word = self.writer.words.word(span.state.word)
        shown = any(
            link.since <= span.last and (link.until is None or span.first < link.until)
            for link in links
        )
        if word is None or word.at != self.question.column or not shown:
            return span
        moment = self._moment()
        if moment is not None:
            moment = not_before_receipt(moment, received, ZoneInfo(self.writer.mapping.zone))
        return replace(span, state=replace(span.state, status_at=moment))

    def _wake(
        self, linked: Sequence[tuple[Complaint, QuestionComplaint]], changed: set[int]
    ) -> set[int]:
        for row, _ in linked:
            if row.id in changed:
                row.next_action_at = row.changed_at = self.now
        return changed


def _stated_steps(events: Iterable[Event]) -> dict[tuple[str, str], Step]:
    """Return the steps with a stated time among the last events of a complaint, by column and
    kind.
    """
    return {
        (event.column.removesuffix(FIRST_VALUE), event.kind): Step(
            event.column, event.kind, event.latest, event.unit
        )
        for event in events
        if event.knowledge is Knowledge.STATED and not event.retracted
    }
