"""Explain: a complaint's events, mails and deadlines, day by day, for managers and courts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from functools import partial
from itertools import groupby

from sqlalchemy.orm import Session

from db import complaints, notices, questions
from db.mailbox import replies
from db.models import Complaint
from db.notices import ComplaintMail
from settings.site import Site
from sla.engine.clocks import Clock
from sla.engine.context import ComplaintFacts
from sla.engine.deadline import LATE_STATES, Deadline
from sla.engine.evaluate import Evaluation
from sla.engine.explain import CountedDay, DayCounts, DayMark, day_counts, explain
from sla.engine.holders import Holder
from sla.engine.verdicts import ClockInput, verdicts
from sla.events import BY_OFFICIALS, Event, Kind, Knowledge, Superseded, superseded_events
from sla.regulations.model import Rule
from tasks.common.context import SiteContext
from tasks.common.notified import NotifiedOffices
from tasks.evaluation.corrections import is_right
from tasks.evaluation.loader import LoadedComplaint, load_and_evaluate
from tasks.text.catalog import catalog
from tasks.text.formats import moment_text, one_line
from tasks.text.templates import render
from tasks.text.titles import superior_office

DRAWN_TOGETHER = 4
"""The minimum number of equal days in a row (counted or paused) for one line of the text."""


@dataclass(frozen=True, slots=True)
class ExplainedDeadline:
    """A deadline with its days in order, and their counts up to today."""

    deadline: Deadline
    days: tuple[CountedDay, ...]
    counts: DayCounts

    def lines(self) -> Iterator[tuple[CountedDay, CountedDay]]:
        """Yield the days as (first, last) of each line of the text."""
        for _, group in groupby(self.days, key=_alike):
            run = list(group)
            weekend = run[0].mark is DayMark.WEEKEND and len(run) > 1
            if weekend or len(run) >= DRAWN_TOGETHER:
                yield run[0], run[-1]
            else:
                yield from ((day, day) for day in run)


@dataclass(frozen=True, slots=True)
class ComplaintQuestion:
    """An open question about a complaint: its number, the column, the value, the first import."""

    number: int
    column: str
    value: str
    since: datetime


@dataclass(frozen=True, slots=True)
class ExplainedStatement:
    """A statement of a unit about a complaint, made by reply to a mail.

    `kind` is a key of the texts, and `text` the unit's own words or empty. With `open`, the source
    does not show yet that the unit has nothing more to do. Only the newest statement of a unit can
    be open; one that is `superseded` is older, or from before a reopening.
    """

    unit: str
    kind: str
    at: datetime
    text: str
    open: bool
    superseded: bool = False


@dataclass(frozen=True, slots=True)
class Explanation:
    """A complaint evaluated at a moment, with an explanation of every deadline.

    `complaint` is None if a deadline is only computed from a date. `questions` are the open
    questions about the complaint, `undetermined` the rules that may apply, depending on the answer.
    `statements` of the units change no deadline. `events` are those known at the moment, with the
    lapses that follow from the law, and `superseded` those replaced or taken back by then. `mails`
    are those that reached a person by then.
    """

    complaint: Complaint | None
    now: datetime
    deadlines: tuple[ExplainedDeadline, ...]
    questions: tuple[ComplaintQuestion, ...] = ()
    undetermined: tuple[Rule, ...] = ()
    statements: tuple[ExplainedStatement, ...] = ()
    classification: str | None = None
    events: tuple[Event, ...] = ()
    superseded: tuple[Superseded, ...] = ()
    mails: tuple[ComplaintMail, ...] = ()

    @property
    def unit(self) -> str | None:
        """Return the unit to which the complaint was assigned last."""
        units = (event.unit for event in reversed(self.events) if event.kind == Kind.ASSIGNED)
        return next(units, None)


def explanations(
    session: Session, context: SiteContext, ticket: str, now: datetime
) -> list[Explanation]:
    """Evaluate the complaints with this ticket again and explain them.

    There are several only if two sources use the same number. Raises `sla.calendar.OutsideCalendar`
    or `sla.events.ImpossibleHistory` if one of them cannot be evaluated.
    """
    rows = complaints.by_ticket_number(session, ticket)
    return [
        _explanation(session, context.site, known, evaluation, now)
        for known, evaluation in load_and_evaluate(session, context, rows, now)
    ]


def _explanation(
    session: Session, site: Site, known: LoadedComplaint, evaluation: Evaluation, now: datetime
) -> Explanation:
    if evaluation.error is not None:
        raise evaluation.error
    complaint = known.complaint.id
    return Explanation(
        known.complaint,
        now,
        tuple(_explained(each, site, now) for each in evaluation.deadlines),
        questions=tuple(
            ComplaintQuestion(question.id, question.column, question.value, since)
            for question, since in questions.open_of_complaint(session, complaint, now)
        ),
        undetermined=tuple(evaluation.undetermined),
        statements=_statements(session, complaint, evaluation.deadlines, now),
        classification=known.history.facts.classification,
        events=tuple(event for event in evaluation.known if not event.is_doubt),
        superseded=tuple(superseded_events(known.history.events, now)),
        mails=_mails(session, site, complaint, evaluation.deadlines, now),
    )


def _mails(
    session: Session, site: Site, complaint: int, deadlines: Sequence[Deadline], now: datetime
) -> tuple[ComplaintMail, ...]:
    """Return the mails about a complaint as known at `now`, by the offices of those who got
    them. A mail that takes several notices of a duty back is one correction.

    A mail that proved true after all, and of which its reader got no correction, is not marked as
    taken back.
    """
    late = {each.key: each for each in deadlines if each.state in LATE_STATES}
    rows = notices.of_complaints(session, [complaint]).get(complaint, []) if late else []
    taken_back = {(row.rule, row.clock, row.taken_back_at): row for row in rows}
    offices = NotifiedOffices(site.directory, site.zone)
    found = []
    corrections: set[tuple[str, int, str]] = set()
    mails = notices.mails_about(session, complaint, now)
    corrected = {(mail.recipient, mail.rule, mail.clock) for mail in mails if mail.correction}
    for mail in mails:
        correction = mail.rule, mail.clock, mail.message_id_header
        if mail.correction and correction in corrections:
            continue
        if mail.correction:
            corrections.add(correction)
        notice = mail.role, mail.about, mail.recipient, mail.sent_at
        role, instead = offices.of(*notice)
        later = mail.taken_back_at is not None and mail.taken_back_at > now
        row = taken_back.get((mail.rule, mail.clock, mail.taken_back_at))
        is_true = (
            row is not None
            and is_right(late, row, mail.sent_at)
            and (mail.recipient, mail.rule, mail.clock) not in corrected
        )
        taken_back_at = None if later or is_true else mail.taken_back_at
        found.append(
            mail._replace(
                role=role,
                unit=offices.unit_of(*notice, mail.unit),
                instead=instead,
                name=offices.named(mail.name, *notice),
                taken_back_at=taken_back_at,
            )
        )
    return tuple(found)


def _statements(
    session: Session, complaint: int, deadlines: Sequence[Deadline], now: datetime
) -> tuple[ExplainedStatement, ...]:
    """Return the statements of the units about a complaint, the oldest first."""
    busy = {
        each.unit or ""
        for each in deadlines
        if each.rule.binds_provider and (each.ticking or each.late)
    }
    newest = replies.statements(session, [complaint], now)
    recorded = replies.recorded_as_steps(session, newest.values())
    current = {reply.id for reply in newest.values()}
    return tuple(
        ExplainedStatement(
            reply.unit,
            reply.kind,
            reply.received_at,
            reply.text,
            reply.id in current and reply.unit in busy and reply.id not in recorded,
            superseded=reply.id not in current,
        )
        for reply in replies.statements_about(session, complaint, now)
    )


def explain_hypothetical(
    site: Site, rule: Rule, start: date, pauses: Sequence[tuple[date, date]]
) -> Explanation:
    """Compute and explain a deadline from a start date, with pauses as (first day, last day).

    Raises `sla.calendar.OutsideCalendar` if the count leaves the calendar of the site.
    """

    def event(kind: str, day: date) -> Event:
        noon = datetime.combine(day, time(12), tzinfo=site.zone)
        return Event(kind, noon, noon, "hypothesis")

    pause_events = [
        (event(Kind.PAUSED, begins), event(Kind.RESUMED, ends)) for begins, ends in pauses
    ]
    begin = event(min(rule.starts_on), start)
    clock = Clock(begin, [Holder(begin.latest, begin.latest, None)], list(pause_events))
    now = begin.latest
    (deadline,) = verdicts(
        [ClockInput(rule, 1, clock, ComplaintFacts())], site.evaluation_context, now
    )
    return Explanation(None, now, (_explained(deadline, site, now),))


def _explained(deadline: Deadline, site: Site, now: datetime) -> ExplainedDeadline:
    today = now.astimezone(site.zone).date()
    context = site.evaluation_context
    return ExplainedDeadline(
        deadline,
        tuple(explain(deadline, context, until=today)),
        day_counts(deadline, context, today),
    )


def as_text(site: Site, explanation: Explanation) -> str:
    """Render the explanation in the site's language for a terminal."""
    return _rendered("report/explanation.txt.j2", site, explanation)


def as_html(site: Site, explanation: Explanation) -> str:
    """Render the explanation in the site's language as one HTML file."""
    return _rendered("report/explanation.html.j2", site, explanation)


def _rendered(template: str, site: Site, explanation: Explanation) -> str:
    t = catalog(site.locale)
    complaint = explanation.complaint
    if complaint is None:
        heading = t("explain.hypothetical", rule=explanation.deadlines[0].deadline.rule.id)
    else:
        received = moment_text(complaint.received_at, site.locale, site.zone)
        heading = t(
            "explain.complaint",
            ticket=one_line(complaint.ticket),
            source=complaint.source,
            moment=received,
        )
    return render(
        template,
        locale=site.locale,
        zone=site.zone,
        view=explanation,
        heading=heading,
        site=site.name,
        known_events=frozenset(Kind),
        lapsing=site.evaluation_context.law.lapsing,
        officials=BY_OFFICIALS,
        knowledge_of=partial(knowledge_of, site),
        only_reminds=_only_reminds(site, complaint),
        rules={each.deadline.rule.id: each.deadline.rule for each in explanation.deadlines},
        name_of=site.directory.name_of,
        superior_office=superior_office(site.name, site.locale),
    )


def knowledge_of(site: Site, event: Event) -> str:
    """Return the key of the text that says how an event is known.

    If the mapping has the disposition from the receipt, the source does not state its day: that is
    assumed.
    """
    source = site.sources.get(event.source)
    if source is None or event.kind != Kind.ASSIGNED or source.is_exchange:
        return event.knowledge
    received = source.fields.received
    column = received if isinstance(received, str) else received[0]
    at_receipt = event.source_field == f"{column}/{event.kind}"
    assumed = at_receipt and event.knowledge is Knowledge.STATED
    return "assumed" if assumed else event.knowledge


def _only_reminds(site: Site, complaint: Complaint | None) -> bool:
    source = None if complaint is None else site.sources.get(complaint.source)
    return source is not None and source.only_reminds


def _alike(day: CountedDay) -> object:
    """Return a grouping key: equal for days of one line, unique for a day with its own content."""
    grouped = (DayMark.COUNTED, DayMark.PAUSE, DayMark.WEEKEND, DayMark.LATE)
    plain = day.mark in grouped and not day.due
    return (day.mark, day.pause) if plain else day.day
