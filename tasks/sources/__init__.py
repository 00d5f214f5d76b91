"""Extract complaints from the four kinds of source: folders, Open311, SQL and IMAP.

Each kind yields extracts. An extract shows the source at one moment.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from settings.sources import FolderSource, Open311Source, SqlSource
from tasks.common.context import SiteContext
from tasks.sources import folder
from tasks.sources.base import Extract, Waiting
from tasks.sources.imap import source as imap
from tasks.sources.open311 import source as open311
from tasks.sources.sql import source as sql


def batches(
    office: SiteContext, name: str, now: datetime, waiting: list[Waiting], failures: list[str]
) -> Iterator[Extract]:
    """Yield the new extracts of a source, oldest first.

    Files and rows left to a later run are named in `waiting`; unreadable parts are named in
    `failures`. Raises `tasks.sources.base.SourceError` if nothing at all can be read.
    """
    source = office.site.sources[name]
    if isinstance(source, FolderSource):
        return folder.batches(office, name, source, now, waiting, failures)
    if isinstance(source, Open311Source):
        return open311.batches(office, name, source, now)
    if isinstance(source, SqlSource):
        return sql.batches(office, name, source, now, waiting)
    return imap.batches(office, name, source, now, waiting)


def sample(
    office: SiteContext,
    name: str,
    now: datetime,
    waiting: list[Waiting],
    failures: list[str],
) -> Iterator[Extract]:
    """Yield a sample of a source's layout: its newest file, or its first answer.

    The function stores nothing and moves no file. Call it with a site context on an empty database:
    then rows imported earlier are shown as well. Raises like :func:`batches`.
    """
    source = office.site.sources[name]
    if isinstance(source, FolderSource):
        return folder.newest(office, name, source, now, waiting, failures)
    return batches(office, name, now, waiting, failures)
