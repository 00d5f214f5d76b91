"""Intake: import new data from the sources, and quarantine rejected rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import asdict
from functools import partial
from typing import Any, Protocol

from prefect import flow, get_run_logger

from flows.parameters import Now, SiteFolder
from flows.run_context import flow_run_context, run_name, show_progress
from settings.mapping import SourceMapping
from tasks.common.errors import is_unusable_database, place_of
from tasks.ingest.source_count import (
    IncompleteIntake,
    SourceCount,
    UnreadSource,
    with_source,
)
from tasks.intake import ask_task, pull_task
from tasks.sources.base import SourceError
from tasks.sources.folder_state import folder_state
from tasks.text.translation import translated

LONGEST_RUN = 3 * 60 * 60
"""Time limit in seconds; a first import of a million complaints stays below it."""


def show_read(source: str, rows: int) -> None:
    """Say how many rows of a long file or answer are read."""
    show_progress(f"{source}: {rows} rows read")


@flow(name="intake", flow_run_name=run_name, timeout_seconds=LONGEST_RUN)
def intake(site: SiteFolder = None, now: Now = None) -> dict[str, Any]:
    """Import from every source of a site. If one fails, the others continue, and the run fails.

    Sources on other machines are read side by side, and folders at the same time: nothing waits
    for a slow server. The imports are written one after another.
    """
    log = get_run_logger()
    with flow_run_context("intake", site, now) as at:
        counts, failures = [], []
        at.notes["folders"] = folder_state(at.context.site)  # before reading: later files are new
        pulls = pull_all(
            at.context.site.sources,
            pull=partial(pull_task, at.context, now=at.now, progress=show_read),
            submit=partial(pull_task.submit, at.context, now=at.now, progress=show_read),
        )
        for name, result in pulls:
            try:
                counts.append(asdict(result()))
            except SourceError as error:
                failures.append(with_source(name, str(error)))
                if isinstance(error, UnreadSource):
                    counts.append(asdict(error.count))
            except Exception as error:
                if is_unusable_database(error):
                    raise
                failures.append(f"{name}: unexpected error ({place_of(error)}); please report it")
        ask_task(at.context, at.now, at.run_id)
        for count in counts:
            log.info(
                "%(source)s: %(files)d files, %(new)d new, %(updated)d updated,"
                " %(quarantined)d quarantined, %(absent)d no longer shown,"
                " %(questions)d open questions",
                count | {"questions": sum(count["questions"].values())},
            )
        locale = at.context.site.locale
        at.show(sources=counts, failures=[translated(failure, locale) for failure in failures])
        at.counts = {"sources": counts}
        if failures:
            raise IncompleteIntake("; ".join(failures), at.counts)
        return at.counts


def pull_all(
    sources: Mapping[str, SourceMapping],
    *,
    pull: Callable[[str], SourceCount],
    submit: Callable[[str], _Started],
) -> list[tuple[str, Callable[[], SourceCount]]]:
    """Read every source; return its name, and a function that gives its count or raises its error.

    `submit` starts to read a source on another machine; meanwhile `pull` reads the folders one
    after another. A lost or damaged database is raised at once.
    """
    folders = [name for name in sources if sources[name].has_files]
    started = [(name, submit(name).result) for name in sources if name not in folders]
    return [(name, _outcome(pull, name)) for name in folders] + started


def _outcome(pull: Callable[[str], SourceCount], name: str) -> Callable[[], SourceCount]:
    future: Future[SourceCount] = Future()
    try:
        future.set_result(pull(name))
    except Exception as error:
        if is_unusable_database(error):
            raise  # no source could be imported
        future.set_exception(error)
    return future.result


class _Started(Protocol):
    def result(self) -> SourceCount: ...
