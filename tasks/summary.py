"""Report: the report of a period as known at a moment, in every format and by mail."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from db import audit, bounces, chain, runs
from db.engine import revision
from db.models import Report
from settings import Site
from sla.deadline import Facts
from sla.periods import Period, parse
from sla.regulations import Rule
from tasks.coverage import missing_days
from tasks.figuring import figured
from tasks.hindsight import earlier_report
from tasks.knowing import source_facts
from tasks.office import Office
from tasks.patience import step
from tasks.queueing import queue_summary
from tasks.reporting.digest import Digest, digest_of
from tasks.reporting.machine import sha256_of
from tasks.reporting.names import names_of
from tasks.reporting.public import public_edition
from tasks.reporting.view import Notes, ReportView
from tasks.reporting.writing import FORMATS, READ, write_all
from tasks.views import OverrideRow, RegulationRow


@dataclass(frozen=True, slots=True)
class SummaryMade:
    """A report on disk, with its HTML file first, and the number of mails queued for it.

    `left_out` names the formats that could not be made, with the reason.
    """

    view: ReportView
    digest: Digest
    paths: tuple[Path, ...]
    left_out: tuple[str, ...]
    mails: int
    made_before: bool

    @property
    def path(self) -> Path:
        """The path of the HTML file."""
        return self.paths[0]


@step("summary {period}")
def make_summary(
    office: Office,
    period: str,
    as_of: datetime,
    now: datetime,
    run: str,
    *,
    mail: bool = True,
    out: Path | None = None,
    public: bool = False,
    formats: Collection[str] = FORMATS,
    progress: Callable[[float], None] = lambda percent: None,
) -> SummaryMade:
    """Write the report of a period as known at `as_of`, and queue it for the inspectorate.

    A report made again for the same period and moment has the same metrics and causes no second
    mail. Readers with another language than the site's also get the files in their language, with
    the same metrics and the same checksum. The public edition is only written, never mailed.
    """
    owed = mail and not public
    with office.snapshot() as session:
        view = report_view(session, office, period, as_of)
        if not public:
            view = with_earlier(session, office, view)
        made_before = runs.report(session, view.period_key, as_of) is not None
        locales = _other_languages(session, office, now) if owed else ()
        others = [(each, in_language(session, office, view, each)) for each in locales]
    shown = public_edition(view) if public else view
    place, zone = out or office.site.var / "reports", office.site.zone
    paths, left_out = write_all(shown, place, zone, progress, formats=formats)
    for locale, other in others:
        ending = language_ending(office.site, locale)
        paths += write_all(other, place, zone, formats=set(READ) & set(formats), ending=ending)[0]
    mails = _owe(office, view, paths[0], now, run) if owed else 0
    return SummaryMade(shown, digest_of(view), tuple(paths), tuple(left_out), mails, made_before)


def _owe(office: Office, view: ReportView, path: Path, now: datetime, run: str) -> int:
    """Store that a report was made, unless it is on record, and queue its mails; return their
    number.
    """
    with office.transaction() as session:
        report = runs.report(session, view.period_key, view.as_of)
        if report is None:
            report = Report(
                period=view.period_key,
                as_of=view.as_of,
                made_at=now,
                path=str(path),
                sha256=view.sha256,
            )
            session.add(report)
            session.flush()
            as_of = view.as_of.astimezone(UTC)
            why = f"{view.period_key} as of {as_of:%Y-%m-%d %H:%M} UTC was due"
            audit.note(
                session,
                audit.What.REPORT_MADE,
                now,
                why,
                run=run,
                report=report.id,
                period=view.period_key,
                sha256=view.sha256,
            )
        return queue_summary(session, office, report.id, now, run)


def report_view(
    session: Session,
    office: Office,
    period: str,
    as_of: datetime,
    *,
    hindsight: datetime | None = None,
) -> ReportView:
    """Return the report of a period as known at `as_of`; for `hindsight` see `figured`.

    Raises `sla.periods.PeriodError`.
    """
    site = office.site
    today = office.local(as_of).date()
    span = parse(period, today)
    tables = figured(session, office, span, as_of, hindsight=hindsight)
    return ReportView(
        site=site.name,
        letterhead=site.letterhead,
        period_key=span.name,
        first=span.first,
        last=span.last,
        as_of=as_of,
        interim=today <= span.last,
        edition="full",
        tables=tables,
        names=names_of(site, site.locale, span.last),
        notes=_notes(session, office, span, as_of, site.locale),
        sha256=sha256_of(tables),
        ticket_link=site.file.ticket_link,
    )


def with_earlier(session: Session, office: Office, view: ReportView) -> ReportView:
    """Return the same report with the restatement of the previous report."""
    span = Period(view.period_key, view.first, view.last)
    return replace(view, earlier=earlier_report(session, office, span, view.as_of))


def in_language(session: Session, office: Office, view: ReportView, locale: str) -> ReportView:
    """Return the same report with its names and notes in another language."""
    if locale == view.names.locale:
        return view
    span = Period(view.period_key, view.first, view.last)
    return replace(
        view,
        names=names_of(office.site, locale, view.last),
        notes=_notes(session, office, span, view.as_of, locale),
    )


def language_ending(site: Site, locale: str) -> str:
    """Return the suffix of file names for this language: empty for the site's own."""
    return "" if locale == site.locale else f"_{locale}"


def _other_languages(session: Session, office: Office, now: datetime) -> list[str]:
    """Return the languages of report readers other than the site's own."""
    site, today = office.site, office.local(now).date()
    without = bounces.marked(session)
    found = {
        holder.locale or site.locale
        for role in site.file.summary.to
        for holder in site.directory.holders(role, None, today, without).offices
    }
    return sorted(found - {site.locale})


def _notes(session: Session, office: Office, span: Period, as_of: datetime, locale: str) -> Notes:
    """Return the notes on the data and the method, in a language."""
    site = office.site
    facts = source_facts(session, office, as_of)
    holes = site.directory.holes(office.local(as_of).date())
    return Notes(
        missing=tuple(
            (name, tuple(days))
            for name in site.sources
            if (days := missing_days(session, office, name, span.first, span.last, as_of))
        ),
        holes=tuple((site.directory.name_of(unit), role) for unit, role in holes),
        not_judged=tuple(_not_judged(office, facts, locale)),
        shown_later=tuple(
            (name, max(each.shown_later.values()))
            for name, each in facts.items()
            if each.shown_later
        ),
        regulations=tuple(_regulation_rows(office, span.last, locale)),
        holidays=tuple(
            (day, off.name, off.estimate)
            for day, off in sorted(site.bench.calendar.days_off.items())
            if span.first <= day <= span.last
        ),
        policy=site.file.policy,
        revision=revision(session.connection()) or "",
        audit=str(chain.head_before(session, as_of)),
    )


def _not_judged(
    office: Office, facts: Mapping[str, Facts], locale: str
) -> Iterable[tuple[str, tuple[str, ...]]]:
    """Yield, for each source, the rules that its data cannot prove as met or missed."""
    law = office.site.bench.law
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


def _regulation_rows(office: Office, day: date, locale: str) -> Iterable[RegulationRow]:
    """Yield the regulations in force on a day, with their rules not yet confirmed by a legal
    officer.
    """
    law = office.site.bench.law
    regulations: dict[Any, list[Rule]] = {}
    for rule in filter(None, map(partial(_on, office, day), law.ids)):
        regulations.setdefault(rule.regulation, []).append(rule)
    for regulation, rules in regulations.items():
        open_rules = [r.label[locale] for r in rules if r.certainty.to_be_confirmed]
        yield RegulationRow(
            regulation.citation,
            regulation.title,
            regulation.note,
            tuple(open_rules),
            tuple(_override_row(office, rule, day, locale) for rule in rules if rule.overrides),
        )


def _override_row(office: Office, rule: Rule, day: date, locale: str) -> OverrideRow:
    replaced = office.site.bench.law.overridden(rule.id, day)
    return OverrideRow(rule.label[locale], replaced.citation if replaced else rule.id, rule.basis)


def _on(office: Office, day: date, rule_id: str) -> Rule | None:
    return office.site.bench.law.on(rule_id, day)
