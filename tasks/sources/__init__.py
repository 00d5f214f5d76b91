"""Extract complaints from the sources of a site: files, Open311, SQL, IMAP.

`open_source` gives a `Source`. It yields extracts: what the source shows at one moment.
"""

from tasks.sources.base import Extract, Row, Source, SourceError, Waiting, WaitingReason
from tasks.sources.registry import open_source, source_kind

__all__ = [
    "Extract",
    "Row",
    "Source",
    "SourceError",
    "Waiting",
    "WaitingReason",
    "base",
    "files",
    "folder",
    "folder_state",
    "gaps",
    "imap",
    "open_source",
    "source_kind",
]
