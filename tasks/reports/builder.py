"""Builds the report of a period as it is known at a moment, in any language."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime

from sqlalchemy.orm import Session

from db import audit_verify, imports
from db.migrations.revisions import revision
from settings.site import Site
from sla.calendar import holiday_name
from sla.directory import Role
from sla.engine.context import ComplaintFacts
from sla.metrics.table import Table
from sla.periods import Period, parse
from sla.regulations.model import Regulation, Span
from tasks.common.confirmed_rules import law_as_of
from tasks.common.context import SiteContext
from tasks.evaluation.loader import source_facts
from tasks.reports.compute import compute_report, duties_of, versions_used
from tasks.reports.formats.json_csv import sha256_of
from tasks.reports.labels import names_of
from tasks.reports.model import (
    FORM,
    Notes,
    OverrideRow,
    RegulationRow,
    Report,
    SourceReading,
    VersionRow,
)
from tasks.reports.restatement import earlier_report
from tasks.sources.gaps import missing_days


def report_view(
    session: Session,
    context: SiteContext,
    period: str,
    as_of: datetime,
    *,
    hindsight: datetime | None = None,
    with_duties: bool = False,
    form: str = FORM,
) -> Report:
    """Return the report of a period as known at `as_of`.

    For `hindsight` and `form` see `compute_report`.

    `with_duties` also makes the list of duties behind it. Raises `sla.periods.PeriodError`.
    """
    site = context.site
    today = context.local(as_of).date()
    span = parse(period, today)
    computed = compute_report(session, context, span, as_of, hindsight=hindsight, form=form)
    tables = computed.tables
    return Report(
        site=site.name,
        letterhead=site.letterhead,
        period_key=span.name,
        first=span.first,
        last=span.last,
        as_of=as_of,
        interim=today <= span.last,
        edition="full",
        tables=tables,
        names=names_of(site, site.locale, span.last, today, law_as_of(site, session, as_of)),
        notes=_notes(session, context, span, as_of, site.locale, tables),
        sha256=sha256_of(tables),
        ticket_link=site.file.ticket_link,
        target=None if site.file.summary.target is None else site.file.summary.target / 100,
        duties=duties_of(session, context, computed) if with_duties else None,
        of_superiors=site.evaluation_context.law.of_superiors,
        form=form,
    )


def with_earlier(session: Session, context: SiteContext, view: Report) -> Report:
    """Return the same report with the restatement of the previous report."""
    span = Period(view.period_key, view.first, view.last)
    return replace(view, earlier=earlier_report(session, context, span, view.as_of))


def in_language(session: Session, context: SiteContext, view: Report, locale: str) -> Report:
    """Return the same report with its names and notes in another language."""
    if locale == view.names.locale:
        return view
    span = Period(view.period_key, view.first, view.last)
    today = context.local(view.as_of).date()
    law = law_as_of(context.site, session, view.as_of)
    return replace(
        view,
        names=names_of(context.site, locale, view.last, today, law),
        notes=_notes(session, context, span, view.as_of, locale, view.tables),
    )


def language_ending(site: Site, locale: str) -> str:
    """Return the suffix of file names for this language: empty for the site's own."""
    return "" if locale == site.locale else f"_{locale}"


def _notes(
    session: Session,
    context: SiteContext,
    span: Period,
    as_of: datetime,
    locale: str,
    tables: Sequence[Table],
) -> Notes:
    """Return the notes on the data and the method, in a language."""
    site = context.site
    facts = source_facts(session, context, as_of)
    today = context.local(as_of).date()
    vacancies = site.directory.vacancies(today)
    cited = {key for table in tables for row in table.rows for key in row.versions}
    used = versions_used(law_as_of(site, session, as_of), span, today, cited)
    examiners = site.directory.holders(Role.INSPECTOR, None, today).offices
    return Notes(
        readings=tuple(_readings(session, context, span, as_of)),
        missing=tuple(
            (name, tuple(days))
            for name in site.sources
            if (days := missing_days(session, context, name, span.first, span.last, as_of))
        ),
        vacancies=tuple((site.directory.name_of(unit), role) for unit, role in vacancies),
        not_evaluated=tuple(_not_evaluated(context, facts, locale)),
        shown_later=tuple(
            (name, max(each.shown_later.values()))
            for name, each in facts.items()
            if each.shown_later
        ),
        examiners=tuple(dict.fromkeys(o.unit for o in examiners if o.role is Role.INSPECTOR)),
        regulations=tuple(_regulation_rows(context, used, locale)),
        versions=tuple(_version_rows(used, locale)),
        holidays=tuple(
            (day, holiday_name(day, off, locale), off.estimate)
            for day, off in sorted(site.evaluation_context.calendar.days_off.items())
            if span.first <= day <= span.last
        ),
        policy=site.file.policy,
        revision=revision(session.connection()) or "",
        audit=str(audit_verify.head_before(session, as_of)),
    )


def _readings(
    session: Session, context: SiteContext, span: Period, as_of: datetime
) -> Iterable[SourceReading]:
    """Yield until when each source was read, as known at `as_of`.

    A source that another installation passes on was read until that installation had read it. A
    source that was read does not end early in an interim report, because its period goes on.
    """
    sources = context.site.sources
    newest = imports.last_of_each(session, as_of)
    until = {
        name: source.not_before(newest[name]) if name in newest else None
        for name, source in sources.items()
    } | {name: origin.imported_until for name, origin in imports.origins(session, as_of).items()}
    interim = context.local(as_of).date() <= span.last
    for name, moment in until.items():
        ends_early = moment is None or (not interim and context.local(moment).date() <= span.last)
        yield SourceReading(name, moment, ends_early)


def _not_evaluated(
    context: SiteContext, facts: Mapping[str, ComplaintFacts], locale: str
) -> Iterable[tuple[str, tuple[str, ...]]]:
    """Yield, for each source, the rules that its data cannot prove as met or missed."""
    law = context.site.evaluation_context.law
    for name, source in facts.items():
        sees = source.sees or frozenset()
        blind = [
            rule.label[locale]
            for rule in map(law.last, law.ids)
            if rule.binds_provider
            and not rule.promised
            and not (rule.stops_on & sees and rule.starts_on & sees)
        ]
        if blind:
            yield name, tuple(blind)


def _regulation_rows(
    context: SiteContext, versions: Iterable[Span], locale: str
) -> Iterable[RegulationRow]:
    """Yield the regulations of these versions of rules, with their rules not yet confirmed by a
    legal officer.
    """
    regulations: dict[Regulation, dict[int, Span]] = {}
    for span in versions:
        regulations.setdefault(span.rule.regulation, {})[id(span.rule)] = span
    for regulation, spans in regulations.items():
        rules = [span.rule for span in spans.values()]
        open_rules = [r.label[locale] for r in rules if r.certainty.to_be_confirmed]
        yield RegulationRow(
            regulation.citation,
            regulation.title,
            regulation.note.get(locale, ""),
            tuple(open_rules),
            tuple(
                _override_row(context, span, locale)
                for span in spans.values()
                if span.rule.overrides
            ),
        )


def _override_row(context: SiteContext, span: Span, locale: str) -> OverrideRow:
    rule = span.rule
    replaced = context.site.evaluation_context.law.overridden(rule.id, span.first)
    return OverrideRow(
        rule.label[locale], replaced.citation_in(locale) if replaced else rule.id, rule.basis
    )


def _version_rows(versions: Sequence[Span], locale: str) -> Iterable[VersionRow]:
    """Yield the versions of each rule of which there are several."""
    often = Counter(span.rule.id for span in versions)
    for span in versions:
        if often[span.rule.id] > 1:
            yield VersionRow(
                key=span.key,
                rule=span.rule.label[locale],
                citation=span.rule.citation_in(locale),
                first=None if span.first == date.min else span.first,
                last=None if span.last == date.max else span.last,
            )
