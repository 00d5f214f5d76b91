"""The console of all commands. This module loads Rich: import it when something is printed."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.text import Text

from sla.plain_text import terminal_safe


class PlainConsole(Console):
    """A console that prints no control character of a text: no file or row moves the cursor."""

    def render_str(self, text: str, **options: Any) -> Text:
        """Return a text for the terminal without its control characters."""
        return super().render_str(terminal_safe(text), **options)
