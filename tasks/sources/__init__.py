"""Extract complaints from the sources of a site: folders, Open311, SQL, IMAP, other installations.

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
    "open_source",
    "source_kind",
]
