"""Summary: the compliance figures of a period, for the inspectorate."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from prefect import flow, get_run_logger

from flows.desk import desk, run_name
from tasks.summary import make_summary


@flow(name="summary", flow_run_name=run_name)
def summary(
    site: str | None = None,
    now: datetime | None = None,
    period: str | None = None,
    as_of: datetime | None = None,
) -> dict[str, Any]:
    """Make the summary of a period (the site's usual one if none is named) and owe it by mail."""
    with desk("summary", site, now) as at:
        chosen = period or at.office.site.file.summary.period
        made = make_summary(at.office, chosen, as_of or at.now, at.now, at.run)
        get_run_logger().info("summary of %s written, %d mails queued", chosen, made.mails)
        at.show(view=made.view, path=str(made.path))
        at.counts = {
            "period": made.view.period_key,
            "path": str(made.path),
            "sha256": made.view.sha256,
            "mails": made.mails,
            "made_before": made.made_before,
        }
        return at.counts
