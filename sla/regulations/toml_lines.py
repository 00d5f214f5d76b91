"""The line numbers of the keys of a TOML text: `tomllib` does not return them."""

from __future__ import annotations

import re
import tomllib
from bisect import bisect_left

Path = tuple[str | int, ...]
"""A path through the tables: ("rule", 0, "stops_on", 1) is the second stop of the first rule."""

_BLANK = re.compile(r"[ \t]*")
_GAP = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_WORD = re.compile(r"""[A-Za-z0-9_-]+|"(?:[^"\\\n]|\\.)*"|'[^'\n]*'""")
_STRING = re.compile(
    r'''"""(?:[^\\]|\\.)*?""""{0,2}|"(?:[^"\\\n]|\\.)*"'''
    r"""|'''.*?''''{0,2}|'[^'\n]*'""",
    re.DOTALL,
)
_BARE = re.compile(r"[^,\]}#\n]+")  # a number, a boolean, a time (may contain a space)


class TomlLines:
    """The line numbers of a text already parsed by `tomllib` without error."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._breaks = [place for place, letter in enumerate(text) if letter == "\n"]
        self._tables: dict[Path, int] = {}  # number of [[tables]] of each name so far
        self.known: dict[Path, int] = {}
        table: Path = ()
        while self._skip(_GAP):
            if self._text[self._at] == "[":
                table = self._header()
            else:
                self._pair(table)

    def of(self, *path: str | int) -> int | None:
        """Return the line of this path, or of the nearest enclosing table with a line."""
        while path and path not in self.known:
            path = path[:-1]
        return self.known.get(path)

    def _skip(self, pattern: re.Pattern[str]) -> bool:
        """Skip the text matched by the pattern and check whether any text is left."""
        return self._take(pattern) is not None and self._at < len(self._text)

    def _take(self, pattern: re.Pattern[str]) -> str | None:
        found = pattern.match(self._text, self._at)
        if found is None:
            return None
        self._at = found.end()
        return found.group()

    def _note(self, path: Path) -> None:
        self.known.setdefault(path, bisect_left(self._breaks, self._at) + 1)

    def _header(self) -> Path:
        brackets = 2 if self._text.startswith("[[", self._at) else 1
        line_at = self._at
        self._at += brackets
        keys = self._keys()
        after, self._at = self._at + brackets, line_at
        path: Path = ()
        for place, key in enumerate(keys, start=1):
            path += (key,)
            self._note(path)
            if brackets == 2 and place == len(keys):
                self._tables[path] = self._tables.get(path, 0) + 1
            if path in self._tables:
                path += (self._tables[path] - 1,)
                self._note(path)
        self._at = after
        return path

    def _keys(self) -> list[str]:
        """Read the parts of a dotted key."""
        found = []
        while True:
            self._skip(_BLANK)
            word = self._take(_WORD) or ""
            quoted = word[:1] in ('"', "'")
            found.append(next(iter(tomllib.loads(f"{word} = 0"))) if quoted else word)
            self._skip(_BLANK)
            if not self._text.startswith(".", self._at):
                return found
            self._at += 1

    def _pair(self, table: Path) -> None:
        begun = self._at
        keys = self._keys()
        after, self._at = self._at + len("="), begun
        path = table
        for key in keys:
            path += (key,)
            self._note(path)
        self._at = after
        self._value(path)

    def _value(self, path: Path) -> None:
        self._skip(_BLANK)
        opened = self._text[self._at : self._at + 1]
        if opened == "[":
            self._at += 1
            number = 0
            while self._inside("]"):
                self._note((*path, number))
                self._value((*path, number))
                number += 1
        elif opened == "{":
            self._at += 1
            while self._inside("}"):
                self._pair(path)
        elif self._take(_STRING) is None:
            self._take(_BARE)

    def _inside(self, closing: str) -> bool:
        """Move to the next member; at the closing bracket, move past it and return False."""
        while self._skip(_GAP):
            letter = self._text[self._at]
            if letter == closing:
                self._at += 1
                return False
            if letter != ",":
                return True
            self._at += 1
        return False
