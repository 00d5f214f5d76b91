"""Maintenance: a nightly backup, and deletion of data after their retention period."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any, TypeVar

from prefect import flow, get_run_logger

from flows.parameters import Now, SiteFolder
from flows.run_context import flow_run_context, run_name
from tasks.maintenance import back_up_task, forget_texts_task, remove_runs_task, tidy_databases_task

T = TypeVar("T")

LONGEST_RUN = 2 * 60 * 60


class Unfinished(RuntimeError):
    """Some steps of the maintenance failed; the others were done. The text gives the reasons."""


@flow(name="maintenance", flow_run_name=run_name, timeout_seconds=LONGEST_RUN)
def maintenance(site: SiteFolder = None, now: Now = None) -> dict[str, Any]:
    """Back up the database, clear old texts, remove old Prefect runs, and release disk space.

    A failed step does not stop the other steps; the run then fails at its end.
    """
    with flow_run_context("maintenance", site, now) as at:
        failed: list[str] = []

        def tried(what: str, step: Callable[[], T]) -> T | None:
            try:
                return step()
            except Exception as error:
                failed.append(f"{what}: {error}")
                get_run_logger().error("%s", failed[-1])
                return None

        context, keeps = at.context, at.context.site.file.keep
        made = tried("backup", lambda: back_up_task(context, at.now))
        texts = tried("texts", lambda: forget_texts_task(context, at.now))
        oldest = at.now - timedelta(days=keeps.prefect_days)
        gone = tried("Prefect's runs", lambda: remove_runs_task(oldest))
        sizes = tried("databases", lambda: tidy_databases_task(context))
        ours, theirs = sizes or (None, None)
        at.counts = {
            "backup": made and made.path.name,
            "backup_bytes": made and made.size,
            "backups_removed": made and made.removed,
            "texts": texts,
            "runs": gone and gone.runs,
            "artifacts": gone and gone.artifacts,
            "database_bytes": ours and ours.after,
            "prefect_bytes": theirs and theirs.after,
        }
        at.show(
            backup=made,
            texts=texts,
            texts_days=keeps.texts_days,
            gone=gone,
            prefect_days=keeps.prefect_days,
            ours=ours,
            theirs=theirs,
            failed=failed,
        )
        if failed:
            raise Unfinished("; ".join(failed))
        return at.counts
