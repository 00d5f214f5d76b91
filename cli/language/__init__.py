"""The language of a call: its words, its help, its errors.

The words are in `templates/words/cli/`. Each file is read when the first of its texts is printed.
"""

__all__ = ["help", "translation", "words"]
