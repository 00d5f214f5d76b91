"""Count the rows and columns of a sheet of an XLSX file from its elements."""

from __future__ import annotations

from tasks.workbook_reader.limits import WorkbookLimits
from tasks.workbook_reader.xml_parsing import Attributes, OtherDocument, XmlStream, local_name

_DIGITS = "0123456789"
_WITHOUT_CELLS = frozenset({"sst", "styleSheet", "theme", "Types", "Relationships", "workbook"})
"""The roots of the other large members; no cell is read from them."""


class SheetSize:
    """The last row and column in use of a sheet, from the references of its cells.

    A row or a cell without a reference follows the one before it. A document that is no longer
    well-formed is not counted further: then the memory of the process is the only limit.
    """

    def __init__(self, limits: WorkbookLimits) -> None:
        self.rows = self.columns = 0
        self._limits = limits
        self._stream = XmlStream(self._start)
        self._is_sheet: bool | None = None
        self._names: dict[str, str] = {}
        self._letters: set[str] = set()
        self._row = ""
        self._base, self._following = "", 0

    def add(self, chunk: bytes) -> bool:
        """Count the cells in the next chunk; return whether the member may be a sheet.

        Refuse the workbook if there are too many.
        """
        self._stream.add(chunk)
        self.columns = max([self.columns, *map(column_number, self._letters)])
        self._letters.clear()
        self._limits.check_corner(self.rows, self.columns)
        return self._is_sheet is not False

    def _start(self, tag: str, attributes: Attributes) -> None:
        name = self._names.get(tag)
        if name is None:
            name = self._names[tag] = local_name(tag)
            if self._is_sheet is None:
                self._is_sheet = name not in _WITHOUT_CELLS
                if not self._is_sheet:
                    raise OtherDocument
        if name == "c":
            self._add_cell(attributes.get("r"))
        elif name == "row":
            self._row = attributes.get("r") or str(self.rows + 1)
            self.rows = max(self.rows, _number(self._row))
            self._base, self._following = "", 0

    def _add_cell(self, reference: str | None) -> None:
        if reference is None:
            self._following += 1
            self.columns = max(self.columns, column_number(self._base) + self._following)
            return
        letters = reference.rstrip(_DIGITS)
        self._base, self._following = letters, 0
        self._letters.add(letters)
        row = reference[len(letters) :]
        if row != self._row:
            self.rows = max(self.rows, _number(row))


def column_number(letters: str) -> int:
    """Return the number of a column: A is 1, AA is 27. Any other sign counts as a letter."""
    number = 0
    for letter in letters[:8]:
        number = number * 26 + max(1, ord(letter) & 0x1F)
    return number


def _number(digits: str) -> int:
    return int(digits[:12]) if digits.isdecimal() else 0
