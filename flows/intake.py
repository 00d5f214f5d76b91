"""Intake: import new data from the sources, and quarantine rejected rows."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from prefect import flow, get_run_logger

from flows.parameters import Now, SiteFolder
from flows.run_context import flow_run_context, run_name
from tasks.common.errors import place_of
from tasks.common.retry import is_lost_database
from tasks.ingest.source_count import IncompleteIntake, UnreadSource
from tasks.intake import ask_task, pull_task
from tasks.sources.base import SourceError
from tasks.sources.folder_state import folder_state

LONGEST_RUN = 3 * 60 * 60
"""Time limit in seconds; a first import of a million complaints stays below it."""


@flow(name="intake", flow_run_name=run_name, timeout_seconds=LONGEST_RUN)
def intake(site: SiteFolder = None, now: Now = None) -> dict[str, Any]:
    """Import from every source of a site. If one fails, the others continue, and the run fails.

    Folders come first, because they wait for no server.
    """
    log = get_run_logger()
    with flow_run_context("intake", site, now) as at:
        counts, failures = [], []
        at.notes["folders"] = folder_state(at.context.site)  # before reading: later files are new
        sources = at.context.site.sources
        for name in sorted(sources, key=lambda name: not sources[name].has_files):
            try:
                counts.append(asdict(pull_task(at.context, name, at.now)))
            except SourceError as error:
                failures.append(f"{name}: {error}")
                if isinstance(error, UnreadSource):
                    counts.append(asdict(error.count))
            except Exception as error:
                if is_lost_database(error):
                    raise  # no source could be imported
                failures.append(f"{name}: unexpected error ({place_of(error)}); please report it")
        ask_task(at.context, at.now, at.run_id)
        for count in counts:
            log.info(
                "%(source)s: %(files)d files, %(new)d new, %(updated)d updated,"
                " %(quarantined)d quarantined, %(absent)d no longer shown,"
                " %(questions)d open questions",
                count | {"questions": sum(count["questions"].values())},
            )
        at.show(sources=counts, failures=failures)
        at.counts = {"sources": counts}
        if failures:
            raise IncompleteIntake("; ".join(failures), at.counts)
        return at.counts
