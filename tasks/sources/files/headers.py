"""Recognize the mapped columns in a header that is written a little otherwise."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterable, Sequence

from sla.plain_text import INVISIBLE

SMALLEST_HEADER = 3
"""The fewest titles in the header of another table."""

LONGEST_TITLE = 5
"""The most words of a title in the header of another table."""

TIME_TITLES = frozenset({"tgl", "tanggal", "waktu", "hari", "date"})
"""The first words of the title of a column with days."""

_WITHOUT_INVISIBLE = dict.fromkeys(map(ord, INVISIBLE))


class HeaderNames:
    """The names that a mapping uses for columns.

    A cell of a header that differs from a name only in letter case, spaces, dots, characters of no
    width, or a colon or asterisk at its end is that column.
    """

    def __init__(self, names: Iterable[str | None]) -> None:
        every = {name for name in names if name}
        count = Counter(map(plain_title, every))
        self._by_plain = {
            plain_title(name): name for name in every if count[plain_title(name)] == 1
        }

    def read(self, cells: Sequence[str]) -> tuple[str, ...]:
        """Return the cells of a row, with the columns of the mapping as the mapping names them.

        Where a cell is exactly the name, no other cell is. Of several cells that are only similar,
        each gets the name, so a column that occurs twice is found.
        """
        texts = tuple(cell.strip() for cell in cells)
        exact = set(texts)
        return tuple(
            name if (name := self._by_plain.get(plain_title(text))) and name not in exact else text
            for text in texts
        )

    def read_joined(self, upper: Sequence[str], lower: Sequence[str]) -> tuple[str, ...]:
        """Return the cells of a header of two lines: each of the lower line, else the one above it.

        A cell below the heading of a group is the column 'Group Cell' if the mapping has this name.
        """
        cells, group = [], ""
        for at in range(max(len(upper), len(lower))):
            above = upper[at].strip() if at < len(upper) else ""
            below = lower[at].strip() if at < len(lower) else ""
            group = above or group
            whole = f"{group} {below}"
            cells.append(
                whole if below and plain_title(whole) in self._by_plain else below or above
            )
        return self.read(cells)


def plain_title(text: str) -> str:
    """Return the title of a column without its spelling: 'No. Aduan' and 'NO ADUAN:' are alike."""
    visible = text if text.isascii() else text.translate(_WITHOUT_INVISIBLE)
    words = visible.replace(".", " ").split()
    return " ".join(words).rstrip(":* ").casefold()


def twins(name: str, header: Sequence[str], known: Iterable[str]) -> tuple[str, ...]:
    """Return the cells of a header with the name of a column, if letter case and spaces do not
    count. A cell with another name of the mapping (`known`) is that other column.
    """
    others, wanted = set(known), _letters(name)
    return tuple(
        cell for cell in header if cell == name or (cell not in others and _letters(cell) == wanted)
    )


def _letters(text: str) -> str:
    visible = text if text.isascii() else text.translate(_WITHOUT_INVISIBLE)
    return "".join(visible.split()).casefold()


_IN_FULL = {"no": "nomor", "tgl": "tanggal", "tl": "tindak lanjut"}


def similar_title(column: str, titles: Iterable[str]) -> str | None:
    """Return the title most similar to that of a column, or None if none is similar.

    An abbreviation is similar to the word in full: `Tgl Masuk` and `Tanggal Masuk`.
    """
    by_words = {_words(title): title for title in titles if title.strip()}
    close = difflib.get_close_matches(_words(column), by_words, n=1, cutoff=0.75)
    return by_words[close[0]] if close else None


def _words(title: str) -> str:
    return " ".join(_IN_FULL.get(word, word) for word in plain_title(title).split())


def is_title(cell: str) -> bool:
    """Check whether a cell may be a title: it has letters and no digits."""
    return any(map(str.isalpha, cell)) and not any(map(str.isdigit, cell))


def is_other_header(
    cells: tuple[str, ...], header: Sequence[str], ticket: int, mapped: Sequence[int]
) -> bool:
    """Check whether a row is the header of another table, as of letters below the complaints.

    It has only titles, some of them for days or known from the header, and not the titles of this
    table in their columns. A row of a complaint has the digits of a day. `ticket` is the index of
    the column with the number, which no complaint has in words; `mapped` are those of the columns
    to compare.
    """
    if len(cells) <= ticket or not is_title(cells[ticket]):
        return False
    filled = [cell for cell in cells if cell.strip()]
    if len(filled) < SMALLEST_HEADER or not all(map(is_title, filled)):
        return False
    titles = [plain_title(cell) for cell in filled]
    words = [title.split() for title in titles]
    known = {plain_title(name) for name in header if name}
    of_days = any(each[0] in TIME_TITLES for each in words)
    if not of_days and sum(title in known for title in titles) < len(titles) / 2:
        return False
    if max(map(len, words)) > LONGEST_TITLE:
        return False
    own = [(header[at], cells[at]) for at in mapped if at < len(cells) and cells[at].strip()]
    return not all(similar_title(name, [cell]) for name, cell in own)
