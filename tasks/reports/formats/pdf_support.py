"""Check for PDF support: WeasyPrint needs the system library Pango."""

from __future__ import annotations

import io
from contextlib import redirect_stdout
from functools import lru_cache

REMEDY = "install Debian's libpango-1.0-0, libpangoft2-1.0-0 and libharfbuzz-subset0"


class PdfMissing(RuntimeError):
    """PDF cannot be made here; the message says in one line what to install."""


@lru_cache
def pdf_trouble() -> str:
    """Return the reason why PDF cannot be made here, in one line; empty if it can."""
    try:
        with redirect_stdout(io.StringIO()):  # it prints advice before it fails
            import weasyprint  # noqa: F401, PLC0415 - importing it is the test
    except OSError as error:
        library = str(error).partition(":")[0].split()
        missing = f" ({' '.join(library)[:80]})" if library else ""
        return f"no PDF: a system library of WeasyPrint is missing{missing}; {REMEDY}"
    return ""
