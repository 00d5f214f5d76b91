"""Recognize the mapped columns in a header that is written a little otherwise."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterable, Sequence

from sla.plain_text import INVISIBLE

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
