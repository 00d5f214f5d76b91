"""The refusal of a file from which no mapping can be learned."""

from __future__ import annotations

from tasks.sources.base import UnreadableFile
from tasks.text.catalog import catalog


class UnlearnableFile(UnreadableFile):
    """A file from which no mapping can be learned, with the change that the clerk has to make.

    `problem` is a key of `[learn]` in the catalogue of words.
    """

    def __init__(self, problem: str, **values: object) -> None:
        self.problem, self.values = problem, values
        super().__init__(self.text("en"))

    def text(self, locale: str) -> str:
        """Return the reason and the remedy in a language."""
        return catalog(locale)(f"learn.{self.problem}", **self.values)
