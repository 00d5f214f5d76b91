"""Sets pages with Typst, the same bytes on every machine, from a template and its data.

All fonts are from matplotlib. The data are a value in a file, never a part of the program. The
pages are tagged for screen readers (PDF/UA-1) and fit for archives (PDF/A-2a).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any

import typst

from tasks.reports.formats.pdf.font_metrics import font_folder
from tasks.text.catalog import TEMPLATES

UNPRINTABLE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff"
    "\ue000-\uf8ff\U000f0000-\U0010ffff]"
)
"""Characters without a glyph or without a meaning of their own: PDF/A does not allow them."""


def typeset(template: str, data: str, moment: datetime) -> bytes:
    """Set the pages of a template in `templates/report` from their data, in JSON.

    `moment` is written into the file as its time. Raises `typst.TypstError` if a picture cannot be
    drawn.
    """
    folder = TEMPLATES / "report"
    compiler = typst.Compiler(
        (folder / template).read_bytes(),
        root=str(folder),
        font_paths=_fonts(),
        ignore_system_fonts=True,
        sys_inputs={"report": data},
    )
    made = compiler.compile(
        format="pdf", pdf_standards=["a-2a", "ua-1"], timestamp=int(moment.timestamp())
    )
    assert isinstance(made, bytes)
    return made


def printable_json(page: Mapping[str, Any]) -> str:
    """Return data as JSON, with a sign in the place of each character that PDF/A forbids."""
    return json.dumps(_printable(page), ensure_ascii=False)


def _printable(value: Any) -> Any:
    match value:
        case str():
            return UNPRINTABLE.sub("\ufffd", value)
        case dict():
            return {key: _printable(each) for key, each in value.items()}
        case list() | tuple():
            return [_printable(each) for each in value]
    return value


@lru_cache
def _fonts() -> typst.Fonts:
    return typst.Fonts(
        include_system_fonts=False, include_embedded_fonts=False, font_paths=[font_folder()]
    )
