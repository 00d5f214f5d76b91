"""Summary: the compliance report of a period, for the inspectorate."""

from __future__ import annotations

from typing import Any

from prefect import flow, get_run_logger
from prefect.artifacts import (
    create_progress_artifact,
    create_table_artifact,
    update_progress_artifact,
)

from flows.parameters import AsOf, Now, PeriodName, SiteFolder
from flows.run_context import flow_run_context, run_name
from tasks.reports.formats.method_text import reading_sentences
from tasks.reports.overview import ReportOverview
from tasks.summary import SummaryRequest, make_summary_task
from tasks.text.catalog import catalog
from tasks.text.numbers import percent_text

LONGEST_RUN = 3 * 60 * 60
"""Time limit in seconds; the report of a year over a million complaints stays below it."""


@flow(name="summary", flow_run_name=run_name, timeout_seconds=LONGEST_RUN)
def summary(
    site: SiteFolder = None,
    now: Now = None,
    period: PeriodName = "",
    as_of: AsOf = None,
) -> dict[str, Any]:
    """Make the report of a period and queue it by mail.

    Without a period the site's usual one is used.
    """
    log = get_run_logger()
    with flow_run_context("summary", site, now) as at:
        chosen = period or at.context.site.file.summary.period
        bar: Any = create_progress_artifact(
            0.0, key="summary-progress", description=at.context.site.name
        )

        def progress(percent: float) -> None:
            update_progress_artifact(bar, percent)

        made = make_summary_task(
            at.context,
            SummaryRequest(chosen, as_of or at.now),
            at.now,
            at.run_id,
            progress=progress,
        )
        log.info("summary of %s written, %d mails queued", chosen, made.mails)
        locale, zone = at.context.site.locale, at.context.site.zone
        readings = reading_sentences(made.view.notes.readings, locale, zone)
        paths = [str(path) for path in made.paths]
        at.show(view=made.overview, readings=list(readings), paths=paths)
        create_table_artifact(
            by_unit(made.overview, locale),
            key="summary-units",
            description=at.context.site.name,
        )
        at.counts = {
            "period": made.view.period_key,
            "path": str(made.path),
            "files": [path.name for path in made.paths],
            "sha256": made.view.sha256,
            "mails": made.mails,
            "made_before": made.made_before,
        }
        return at.counts


def by_unit(overview: ReportOverview, locale: str) -> list[dict[str, Any]]:
    """Return the units of a report as table rows for the UI, in the site's language."""
    t = catalog(locale)
    return [
        {
            t("report.of.unit"): unit.name,
            t("report.column.share"): percent_text(unit.share, locale),
            t("report.column.verdicts"): unit.evaluated,
            t("report.column.open"): unit.open,
            t("report.column.late"): unit.late,
        }
        for unit in overview.units
    ]
