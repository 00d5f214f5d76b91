"""Report: the report of a period as known at a moment, in every format and by mail."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import KW_ONLY, dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy.orm import Session

from db import audit, audit_verify, runs
from db.mailbox import bounces
from db.models import ReportRow
from sla.periods import parse
from tasks.common.context import SiteContext
from tasks.common.retry import retrying_task
from tasks.notifications.enqueue import enqueue_summary
from tasks.reports.builder import in_language, language_ending, report_view, with_earlier
from tasks.reports.formats.writer import FORMATS, READ, write_all
from tasks.reports.model import Report
from tasks.reports.overview import ReportOverview, overview_of
from tasks.reports.public_edition import public_edition


@dataclass(frozen=True, slots=True)
class SummaryRequest:
    """The wanted report: its period, the moment as of which it is known, and its files.

    `out` is the folder of the files, by default that of the site's reports. The `public` edition is
    only written, never mailed. `annex` asks for the annex for evaluators as well, in the site's
    language; it cites the full report, so it has no public edition.
    """

    period: str
    as_of: datetime
    _: KW_ONLY
    mail: bool = True
    out: Path | None = None
    public: bool = False
    annex: bool = False
    formats: Collection[str] = FORMATS

    def __post_init__(self) -> None:
        if self.annex and self.public:
            raise ValueError("the annex cites the full report: it has no public edition")

    @property
    def mailed(self) -> bool:
        """Check whether the report goes to the inspectorate."""
        return self.mail and not self.public


@dataclass(frozen=True, slots=True)
class SummaryMade:
    """A report on disk, with its HTML file first, and the number of mails queued for it."""

    view: Report
    overview: ReportOverview
    paths: tuple[Path, ...]
    mails: int
    made_before: bool

    @property
    def path(self) -> Path:
        """The path of the HTML file."""
        return self.paths[0]


class PublishedOtherwise(ValueError):
    """A public edition of other days that overlap with these exists; the message names it."""


def make_summary(
    context: SiteContext,
    request: SummaryRequest,
    now: datetime,
    run_id: str,
    *,
    progress: Callable[[float], None] = lambda percent: None,
) -> SummaryMade:
    """Write the report of a period as known at a moment, and queue it for the inspectorate.

    A report made again for the same period and moment has the same metrics and causes no second
    mail. Readers with another language than the site's also get the files in their language, with
    the same metrics and the same checksum. Raises :class:`PublishedOtherwise` if a public edition
    of other, overlapping days was made before: their difference would show the counts that each
    withholds.
    """
    as_of, public = request.as_of, request.public
    with context.consistent_read() as session:
        view = report_view(session, context, request.period, as_of, with_duties=not public)
        if not public:
            view = with_earlier(session, context, view)
        made_before = runs.report(session, view.period_key, as_of) is not None
        locales = _other_languages(session, context, now) if request.mailed else ()
        others = [(each, in_language(session, context, view, each)) for each in locales]
    shown = public_edition(view) if public else view
    if public:
        _publish(context, shown, now, run_id)
    place, zone = request.out or context.site.var / "reports", context.site.zone
    paths = write_all(shown, place, zone, progress, formats=request.formats, annex=request.annex)
    for locale, other in others:
        ending, read = language_ending(context.site, locale), set(READ) & set(request.formats)
        paths += write_all(other, place, zone, formats=read, ending=ending)
    mails = _owe(context, view, paths[0], now, run_id) if request.mailed else 0
    return SummaryMade(shown, overview_of(view), tuple(paths), mails, made_before)


def _publish(context: SiteContext, view: Report, now: datetime, run_id: str) -> None:
    """Record a public edition in the audit, unless it contradicts an earlier one."""
    with context.run(now, run_id) as run:
        for name in audit_verify.published_periods(run.session):
            other = parse(name, view.last)
            if name != view.period_key and other.first <= view.last and view.first <= other.last:
                raise PublishedOtherwise(
                    f"the public edition of {name} overlaps with {view.period_key}: the difference"
                    " of both would show counts of one or two. Publish periods of one kind only"
                )
        audit.note(
            run.session,
            audit.AuditKind.REPORT_PUBLISHED,
            now,
            f"public edition of {view.period_key}",
            run_id=run_id,
            period=view.period_key,
            sha256=view.sha256,
        )


def _owe(context: SiteContext, view: Report, path: Path, now: datetime, run_id: str) -> int:
    """Store that a report was made, unless it is on record, and queue its mails; return their
    number.
    """
    with context.run(now, run_id) as run:
        session = run.session
        report = runs.report(session, view.period_key, view.as_of)
        if report is None:
            report = ReportRow(
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
                audit.AuditKind.REPORT_MADE,
                now,
                why,
                run_id=run_id,
                report=report.id,
                period=view.period_key,
                sha256=view.sha256,
            )
        return enqueue_summary(run, report.id)


def _other_languages(session: Session, context: SiteContext, now: datetime) -> list[str]:
    """Return the languages of report readers other than the site's own."""
    site, today = context.site, context.local(now).date()
    without = bounces.suppressed_addresses(session)
    found = {
        holder.locale or site.locale
        for role in site.file.summary.to
        for holder in site.directory.holders(role, None, today, without).offices
    }
    return sorted(found - {site.locale})


make_summary_task = retrying_task("summary {request.period}")(make_summary)
