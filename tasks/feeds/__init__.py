"""The kinds of source, each a generator of looks: folders, Open311, SQL, IMAP."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from settings.sources import FolderSource
from tasks.feeds import folder
from tasks.feeds.batch import Batch
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
    raise NotImplementedError(source.type)
