"""The kinds of source, each a generator of looks: folders, Open311, SQL, IMAP."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from settings.sources import FolderSource, Open311Source, SqlSource
from tasks.feeds import folder
from tasks.feeds.batch import Batch
from tasks.feeds.imap import feed as imap
from tasks.feeds.open311 import feed as open311
from tasks.feeds.sql import feed as sql
from tasks.office import Office


def batches(
    office: Office, name: str, now: datetime, waiting: list[str], failures: list[str]
) -> Iterator[Batch]:
    """What a source has to show now, oldest first.

    What is put off is named in `waiting`, what cannot be read in `failures`. Raises
    `tasks.feeds.batch.SourceTrouble` where nothing at all can be read.
    """
    source = office.site.sources[name]
    if isinstance(source, FolderSource):
        return folder.batches(office, name, source, now, waiting, failures)
    if isinstance(source, Open311Source):
        return open311.batches(office, name, source, now)
    if isinstance(source, SqlSource):
        return sql.batches(office, name, source, now, waiting)
    return imap.batches(office, name, source, now, waiting)


def sample(office: Office, name: str, now: datetime, failures: list[str]) -> Iterator[Batch]:
    """What shows how a source is laid out: its newest file, or what it answers first.

    Nothing is noted and nothing moved: ask with an office whose database is empty, so that what was
    read before is shown as well. Raises like :func:`batches`.
    """
    source = office.site.sources[name]
    if isinstance(source, FolderSource):
        return folder.newest(office, name, source, now, failures)
    return batches(office, name, now, [], failures)
