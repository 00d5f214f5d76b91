"""Extract complaints from the sources of a site: files, Open311, SQL, IMAP.

`registry.open_source` gives a `Source` (`base`). It yields extracts: what the source shows at one
moment.
"""

__all__ = [
    "base",
    "files",
    "folder",
    "folder_state",
    "gaps",
    "imap",
    "registry",
]
