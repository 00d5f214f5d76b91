"""Parse XML in a stream. A document that defines entities is refused: they may unfold without end.

The parser of the standard library is used as it is, because it takes less than half the time of a
parser that builds elements.
"""

from __future__ import annotations

from collections.abc import Callable
from pyexpat import ExpatError, ParserCreate, XMLParserType

from tasks.workbook_reader.limits import RefusedWorkbook

Attributes = dict[str, str]


class OtherDocument(Exception):
    """The document is not the expected one; nothing more of it is parsed."""


class XmlStream:
    """A document that arrives in chunks; the handlers are those of `parser`."""

    def __init__(self, started: Callable[[str, Attributes], None]) -> None:
        self.parser: XMLParserType = ParserCreate()
        self.parser.StartElementHandler = started
        self.parser.EntityDeclHandler = _refuse
        self.is_open = True

    def add(self, chunk: bytes) -> bool:
        """Parse the next chunk; return whether the document is well-formed so far."""
        if self.is_open:
            try:
                self.parser.Parse(chunk, False)
            except (ExpatError, OtherDocument):
                self.is_open = False
        return self.is_open


def elements(content: bytes, name: str) -> list[Attributes]:
    """Return the attributes of all elements with this name, in any namespace."""
    found: list[Attributes] = []

    def start(tag: str, attributes: Attributes) -> None:
        if local_name(tag) == name:
            found.append(attributes)

    XmlStream(start).parser.Parse(content, True)
    return found


def local_name(tag: str) -> str:
    """Return the name of an element without the prefix of its namespace."""
    return tag.rpartition(":")[2]


def _refuse(*_: object) -> None:
    raise RefusedWorkbook("no readable workbook (its XML defines entities)")
