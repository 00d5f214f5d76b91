"""The coat of arms in a mail: the logo of report.toml as a small picture inside the mail.

Mail programs show no SVG and load nothing from the network unasked. So the logo becomes a PNG that
the mail brings along and names by its Content-ID.
"""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from settings.report import Letterhead
from tasks.reports.formats.logo import logo_svg

HEIGHT, WIDEST = 32, 128
"""The height of the picture and its largest width, in pixels of a mail."""

DENSITY = 2
"""Dots in a pixel, so that the picture is sharp on phones."""

PROGRAM = f"""\
#set page(width: auto, height: auto, margin: 0pt, fill: none)
#context {{
  let narrow = measure(image(sys.inputs.file, height: {HEIGHT}pt)).width <= {WIDEST}pt
  if narrow {{ image(sys.inputs.file, height: {HEIGHT}pt) }}
  else {{ image(sys.inputs.file, width: {WIDEST}pt) }}
}}
"""


@dataclass(frozen=True, slots=True)
class CoatOfArms:
    """A picture in a mail; `width` and `height` are those in which the mail shows it."""

    png: bytes
    width: int
    height: int
    cid: str


def coat_of_arms(letterhead: Letterhead) -> CoatOfArms | None:
    """Return the coat of arms of a site, or None if it has none or the file is no picture."""
    if letterhead.logo is None or not letterhead.logo.is_file():
        return None
    found = letterhead.logo.stat()
    return _drawn(letterhead.logo, found.st_mtime_ns, found.st_size)


@lru_cache(maxsize=8)
def _drawn(logo: Path, changed: int, size: int) -> CoatOfArms | None:
    """Draw a file as it was at its time of change; the result is cached."""
    import typst  # noqa: PLC0415 - only where a site has a coat of arms

    vector = logo.suffix.lower() == ".svg"
    name = "logo.svg" if vector else logo.name
    files = {"main.typ": PROGRAM.encode(), name: logo_svg(Letterhead(logo=logo)).encode()}
    # An SVG must not find the files beside it. The types of Typst know no dictionary of files.
    source: Any = files if vector else PROGRAM.encode()
    try:
        png = typst.compile(
            source,
            root=None if vector else str(logo.parent),
            format="png",
            ppi=72.0 * DENSITY,
            sys_inputs={"file": name},
            ignore_system_fonts=True,
        )
    except typst.TypstError:
        return None
    assert isinstance(png, bytes)
    width, height = struct.unpack(">II", png[16:24])
    mark = hashlib.sha256(png).hexdigest()[:16]
    return CoatOfArms(png, -(-width // DENSITY), -(-height // DENSITY), f"{mark}@tenggat.invalid")
