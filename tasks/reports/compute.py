"""Metrics: the tables of a report, from every complaint evaluated as known at a moment."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

import numpy as np
from sqlalchemy.orm import Session

from db import (
    audit,
    audit_verify,
    complaints,
    imports,
    metrics,
    notices,
    quarantine,
    questions,
    rulesets,
)
from db.mailbox import replies
from db.models import Complaint
from db.notices import NotificationRecord
from sla.engine.evaluate import Evaluation, evaluate_all
from sla.events import Event
from sla.ladders import SUPERIORS, OffsetUnit, Rung, step_key
from sla.metrics.columns import CaseColumns, Flags, Gathering, distinct
from sla.metrics.comparison import compared_periods
from sla.metrics.duty_list import DutyList
from sla.metrics.encoding import LabelTable, encode_case
from sla.metrics.recount import recounts
from sla.metrics.superiors import with_superiors_apart
from sla.metrics.table import Table
from sla.metrics.tables import Tellings, UnitStatement, first_day, report
from sla.metrics.versions import DeadlineVersions
from sla.periods import Period
from sla.regulations.model import Law, Rule, Span
from tasks.common.confirmed_rules import law_as_of
from tasks.common.context import SiteContext
from tasks.common.garbage import no_search_for_cycles
from tasks.common.notified import NotifiedOffices, notified_by_role
from tasks.evaluation.coverage import with_coverage, with_undecided
from tasks.evaluation.inherited import FirstImports
from tasks.evaluation.known_words import known_words
from tasks.evaluation.loader import (
    LoadedComplaint,
    as_watched,
    load_and_evaluate,
    load_complaints,
)
from tasks.evaluation.metrics_cache import case_of
from tasks.reports.model import CHARGING_UNITS, FIRST_FORM, FORM, Duties
from tasks.reports.notified_people import notified_people
from tasks.reports.notified_text import notified_key


def compute_tables(
    session: Session,
    context: SiteContext,
    period: Period,
    as_of: datetime,
    *,
    hindsight: datetime | None = None,
    form: str = FORM,
) -> tuple[Table, ...]:
    """Return the tables of a report; see `compute_report`."""
    return compute_report(session, context, period, as_of, hindsight=hindsight, form=form).tables


@dataclass(frozen=True, slots=True)
class Computed:
    """The tables of a report, and what is needed for the list of duties behind them."""

    tables: tuple[Table, ...]
    cases: CaseColumns
    period: Period
    as_of: datetime
    tellings: Tellings
    statements: Sequence[UnitStatement]
    inherited: Flags
    data_from: date | None
    versions: DeadlineVersions


def compute_report(
    session: Session,
    context: SiteContext,
    period: Period,
    as_of: datetime,
    *,
    hindsight: datetime | None = None,
    form: str = FORM,
) -> Computed:
    """Compute all tables of a period, as known at `as_of`.

    The function evaluates complaints in batches and stores only their encoded values. With
    `hindsight` (a later moment) it returns a restatement: the tables as known at `as_of` if every
    event up to then had been recorded at once. The restatement uses the records known at the later
    moment. `form` is one of `tasks.reports.model.FORMS`.
    """
    evaluation_context = context.site.evaluation_context
    span = (
        evaluation_context.start_of(period.first.toordinal()),
        evaluation_context.end_of(period.last.toordinal()),
    )
    tellings = notices.first_notifications(session, *span, as_of)
    gathered = known_words(session, context.site, as_of).in_columns(
        _gathered(session, context, period, as_of, hindsight, tellings)
    )
    inherited = _inherited(session, context, gathered, as_of)
    notifications = _tellings(context, gathered, tellings)
    statements = _statements(session, context, gathered, as_of)
    data_from = _data_from(session, context, as_of)
    versions = DeadlineVersions(gathered, evaluation_context.law)
    if form not in CHARGING_UNITS:
        gathered = with_superiors_apart(gathered, versions, evaluation_context.law)
    if form == FORM:
        gathered = with_undecided(context, gathered)
    law = law_as_of(context.site, session, as_of)
    if form == FIRST_FORM:
        rules = _in_force_on(law, period.last)
    else:
        day = evaluation_context.day(as_of)
        occurring = _occurring(gathered, versions, period)
        spans = versions_used(law, period, date.fromordinal(day), occurring)
        rules = [span.rule for span in spans]
    findings = _findings(session, context, period, as_of, rules)
    with no_search_for_cycles():
        tables = report(
            gathered,
            period,
            evaluation_context,
            as_of,
            tellings=notifications,
            findings={"inherited": int(inherited.sum()), **findings},
            notified=_notified(
                session, context, gathered, as_of, by_unit=form not in CHARGING_UNITS
            ),
            statements=statements,
            data_from=data_from,
            nothing=data_from is None,
            versions=versions,
        )
    return Computed(
        tables, gathered, period, as_of, notifications, statements, inherited, data_from, versions
    )


def versions_used(law: Law, period: Period, today: date, occurring: Container[str]) -> list[Span]:
    """Return the versions that a report of a period rests on, in the order of the law and of time.

    These are the versions in force during the period, up to `today`, and those that occur in the
    report, by their keys.
    """
    last = max(period.first, min(period.last, today))
    return [
        span
        for rule_id in law.ids
        for span in law.spans(rule_id)
        if span.key in occurring or (span.first <= last and period.first <= span.last)
    ]


def _occurring(cases: CaseColumns, versions: DeadlineVersions, period: Period) -> frozenset[str]:
    """Return the versions of the deadlines counted in the period, or late now, by their keys."""
    first, last = period.first.toordinal(), period.last.toordinal()
    counted = (cases.d_day >= first) & (cases.d_day <= last)
    found = versions.by_rule(counted | cases.overdue)
    return frozenset(key for keys in found.values() for key in keys)


def _in_force_on(law: Law, day: date) -> list[Rule]:
    return [rule for rule_id in law.ids if (rule := law.on(rule_id, day)) is not None]


def duties_of(session: Session, context: SiteContext, computed: Computed) -> Duties:
    """Return the list of duties behind a report, and how each of its figures is counted in it."""
    evaluation_context, period = context.site.evaluation_context, computed.period
    today = evaluation_context.day(computed.as_of)
    previous, year_before = compared_periods(
        period, date.fromordinal(today), evaluation_context.calendar, computed.data_from
    )
    year_begin = evaluation_context.start_of_year(computed.as_of)
    return Duties(
        DutyList(
            computed.cases,
            period,
            evaluation_context,
            computed.as_of,
            tellings=computed.tellings,
            notified=notified_people(session, context, computed.cases, computed.as_of),
            statements=computed.statements,
            inherited=computed.inherited,
            versions=computed.versions,
        ),
        tuple(
            recounts(
                {table.key: table for table in computed.tables},
                {"value": period, "previous": previous, "year_before": year_before},
                date.fromordinal(evaluation_context.day(year_begin)),
                date.fromordinal(today),
            )
        ),
    )


def _data_from(session: Session, context: SiteContext, as_of: datetime) -> date | None:
    """Return the local day of the earliest receipt, or None if there is no complaint."""
    earliest = complaints.earliest_receipt(session, as_of)
    return None if earliest is None else context.local(earliest).date()


def _gathered(
    session: Session,
    context: SiteContext,
    period: Period,
    as_of: datetime,
    hindsight: datetime | None,
    tellings: Sequence[NotificationRecord],
) -> CaseColumns:
    """Return all complaints of the report as columns.

    If the cached metrics of a complaint are valid at `as_of`, they are only read; other complaints
    are evaluated as of that moment. All are evaluated if the ruleset has changed since the last
    deadlines run, or for a restatement.
    """
    gathering, numbered = Gathering(), LabelTable(metrics.labels(session))
    evaluation_context = context.site.evaluation_context
    if hindsight is None and _evaluated_with_this_ruleset(session, context):
        begin = first_day(period)
        told_of = sorted({telling.complaint for telling in tellings})
        with no_search_for_cycles():
            for some in metrics.kept(session, begin, as_of):
                gathering.add_packed(*some)
            for some in metrics.kept_before(session, told_of, begin, as_of):
                gathering.add_packed(*some)
        anew = metrics.complaints_of(session, metrics.to_evaluate(session, as_of))
    else:
        anew = complaints.recorded_by(session, hindsight or as_of)
    for batch in anew:
        rows = [row for row in batch if row.recorded_at <= as_of or row.received_at <= as_of]
        for known, evaluation in _evaluated(session, context, rows, as_of, hindsight):
            case = case_of(context, known, evaluation)
            gathering.add(
                known.complaint.id,
                case.ticket,
                encode_case(case, evaluation_context, numbered.number),
            )
    with no_search_for_cycles():
        cases = gathering.done(numbered.by_number())
    return with_coverage(session, context, cases, hindsight or as_of)


def _evaluated_with_this_ruleset(session: Session, context: SiteContext) -> bool:
    ruleset = rulesets.current(session)
    return ruleset is not None and ruleset.fingerprint == context.ruleset_fingerprint()


def _evaluated(
    session: Session,
    context: SiteContext,
    rows: Sequence[Complaint],
    as_of: datetime,
    hindsight: datetime | None,
) -> Iterator[tuple[LoadedComplaint, Evaluation]]:
    if hindsight is None:
        yield from load_and_evaluate(session, context, rows, as_of)
        return
    known = [
        replace(
            each,
            history=replace(
                each.history, events=_known_at_once(each.history.events, as_of, hindsight)
            ),
        )
        for each in load_complaints(session, context, rows, hindsight)
    ]
    evaluations = evaluate_all(
        [each.history for each in known], context.site.evaluation_context, as_of
    )
    for each, found in zip(known, evaluations, strict=True):
        yield each, as_watched(context, each.complaint, found)


def _known_at_once(events: Iterable[Event], as_of: datetime, hindsight: datetime) -> list[Event]:
    """Return events as if those up to `as_of`, known by `hindsight`, had been recorded in time."""
    return [
        replace(event, recorded_at=as_of)
        if event.latest <= as_of < event.recorded_at <= hindsight
        else event
        for event in events
    ]


def _tellings(
    context: SiteContext, gathered: CaseColumns, rows: Sequence[NotificationRecord]
) -> Tellings:
    """Return the first notifications of a rung in the period, each on the day of its first mail."""
    places = gathered.places(np.array([row.complaint for row in rows], dtype=np.int64))
    found = [(place, row) for place, row in zip(places.tolist(), rows, strict=True) if place >= 0]
    return Tellings(
        np.array([place for place, _ in found], dtype=np.int64),
        np.array([context.site.evaluation_context.day(row.at) for _, row in found], dtype=np.int64),
        [step_key(row.rung, row.kind, to_superiors=row.to_superiors) for _, row in found],
        [row.kind for _, row in found],
        _rungs_in_order(context),
    )


def _rungs_in_order(context: SiteContext) -> list[str]:
    """Return the rungs of all ladders in the order in which a deadline reaches them."""
    ranks: dict[str, tuple[int, float]] = {}
    for rung in (rung for ladder in context.site.ladders for rung in ladder.rungs):
        ranks.setdefault(rung.step, _rank(rung))
    return sorted(ranks, key=lambda rung: (ranks[rung], rung))


def _rank(rung: Rung) -> tuple[int, float]:
    """Return the place of a rung: by percent, before the deadline, on its day, and after it."""
    at = rung.at
    if at.unit is OffsetUnit.PERCENT:
        return 0, at.amount
    if at.unit is OffsetUnit.DUE_DAY:
        return 2, 0
    superiors = all(role in SUPERIORS for role in rung.to)
    return (1, at.amount) if at.amount < 0 else (3, at.amount + (0.5 if superiors else 0))


def _statements(
    session: Session, context: SiteContext, gathered: CaseColumns, as_of: datetime
) -> list[UnitStatement]:
    """Return the newest statements of units about complaints of the report, known at `as_of`.

    A statement that is recorded as a step of its complaint is left out.
    """
    known = replies.unrecorded_statements(session, None, as_of)
    places = gathered.places(np.array([complaint for complaint, _ in known], dtype=np.int64))
    day = context.site.evaluation_context.day
    return [
        UnitStatement(place, unit, reply.kind, day(reply.received_at))
        for place, ((_, unit), reply) in zip(places.tolist(), known.items(), strict=True)
        if place >= 0
    ]


def _findings(
    session: Session,
    context: SiteContext,
    period: Period,
    as_of: datetime,
    rules: Sequence[Rule],
) -> dict[str, int]:
    """Return counts about the quality of the data and the configuration.

    These are deadlines that were taken back in the period, complaints that are not watched, rows in
    quarantine, open questions, vacancies and those of these rules that are to be confirmed.
    """
    evaluation_context, since = context.site.evaluation_context, context.site.file.since
    begin, end = (
        evaluation_context.start_of(day)
        for day in (period.first.toordinal(), period.last.toordinal() + 1)
    )
    begun = None if since is None else evaluation_context.start_of(since.toordinal())
    open_rules = {id(rule) for rule in rules if rule.certainty.to_be_confirmed}
    return {
        "taken_back": audit_verify.count_of(
            session, audit.AuditKind.NOTICE_TAKEN_BACK, begin, min(as_of, end)
        ),
        "not_watched": 0 if begun is None else complaints.received_before(session, begun, as_of),
        "quarantined": quarantine.quarantine_count(session, as_of),
        "open_questions": questions.count_open(session, as_of),
        "vacancies": len(context.site.directory.vacancies(context.local(as_of).date())),
        "rules_to_be_confirmed": len(open_rules),
    }


def _inherited(
    session: Session, context: SiteContext, gathered: CaseColumns, as_of: datetime
) -> Flags:
    """Return a flag for each deadline: late, and missed before the first import of its source."""
    made_late = rulesets.made_late(session, as_of)
    first_imports = FirstImports(imports.first_of_each(session), context.site.evaluation_context)
    late = np.flatnonzero(gathered.overdue)
    keys = gathered.keys[gathered.d_case[late]]
    recorded, words = complaints.recordings(session, distinct(keys).tolist()), gathered.words
    inherited = np.zeros(len(gathered.d_case), np.bool_)
    inherited[late] = [
        key in recorded
        and first_imports.inherited(
            *recorded[key], due_day, made_late.get((key, words[rule], clock))
        )
        for key, rule, clock, due_day in zip(
            keys.tolist(),
            gathered.d_rule[late].tolist(),
            gathered.d_clock[late].tolist(),
            gathered.d_day[late].tolist(),
            strict=True,
        )
    ]
    return inherited


def _notified(
    session: Session,
    context: SiteContext,
    gathered: CaseColumns,
    as_of: datetime,
    *,
    by_unit: bool,
) -> Callable[[int, int], str]:
    """Return a function that gives the recipients notified of a late deadline, in the format of
    `notified_text`.
    """
    late = distinct(gathered.d_case[gathered.overdue])
    notified = notices.notified(session, gathered.keys[late].tolist(), as_of)
    site = context.site
    offices = NotifiedOffices(site.directory, site.zone)

    def said(case: int, deadline: int) -> str:
        rule = gathered.words[int(gathered.d_rule[deadline])]
        key = (int(gathered.keys[case]), rule, int(gathered.d_clock[deadline]))
        mails = notified.get(key, [])
        found = notified_by_role(mails, offices, site.zone, by_unit=by_unit)
        return notified_key(found, site.zone, gathered.words[int(gathered.d_unit[deadline])])

    return said
