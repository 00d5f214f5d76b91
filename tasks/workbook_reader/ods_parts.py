"""Read from the content of an ODS file its errors, its merged cells and its size."""

from __future__ import annotations

from tasks.workbook_reader.limits import WorkbookLimits
from tasks.workbook_reader.parts import WorkbookParts
from tasks.workbook_reader.xml_parsing import Attributes, XmlStream

_VALUES = frozenset(
    {
        "office:value-type",
        "office:value",
        "office:string-value",
        "office:date-value",
        "office:time-value",
        "office:boolean-value",
        "table:formula",
    }
)
"""The attributes of a cell in use. Sheets end with a million empty cells; those are not read."""

_ERROR_TYPE = "calcext:value-type"
_CELLS = frozenset({"table:table-cell", "table:covered-table-cell"})


class OdsScan:
    """Collects the facts of an ODS file in `parts`, and checks the corner of each sheet."""

    def __init__(self, parts: WorkbookParts, limits: WorkbookLimits) -> None:
        self._parts, self._limits = parts, limits
        self._stream = XmlStream(self._start)
        self._stream.parser.EndElementHandler = self._end
        self._table = ""
        self._row = self._column = self._width = self._columns = 0
        self._repeated = 1
        self._place = 0, 0
        self._error: list[str] | None = None

    def add(self, chunk: bytes) -> None:
        """Read the next chunk of the content."""
        self._stream.add(chunk)

    def _start(self, tag: str, attributes: Attributes) -> None:
        if tag in _CELLS:
            self._start_cell(attributes)
        elif tag == "table:table-row":
            self._column = self._width = 0
            self._repeated = _number(attributes, "rows-repeated")
        elif tag == "table:table":
            self._table = attributes.get("table:name", "")
            self._row = self._columns = 0

    def _start_cell(self, attributes: Attributes) -> None:
        rows = _number(attributes, "rows-spanned")
        if rows > 1:
            last = self._row + rows - 1, self._column + _number(attributes, "columns-spanned") - 1
            ranges = self._parts.merged.setdefault(self._table, [])
            ranges.append(((self._row, self._column), last))
        if attributes.get(_ERROR_TYPE) == "error":
            self._error = []
            self._place = self._row, self._column
            self._stream.parser.CharacterDataHandler = self._error.append
        self._column += _number(attributes, "columns-repeated")
        if not _VALUES.isdisjoint(attributes):
            self._width = self._column

    def _end(self, tag: str) -> None:
        if tag in _CELLS and self._error is not None:
            errors = self._parts.errors.setdefault(self._table, {})
            errors[self._place] = "".join(self._error).strip()
            self._error = self._stream.parser.CharacterDataHandler = None
        elif tag == "table:table-row":
            self._row += self._repeated
            if self._width:
                self._columns = max(self._columns, self._width)
                self._limits.check_corner(self._row, self._columns)


def _number(attributes: Attributes, name: str) -> int:
    text = attributes.get(f"table:number-{name}", "1")
    return int(text[:12]) if text.isdecimal() else 1
