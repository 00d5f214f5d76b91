"""Make docs/cli.md from the commands of `tenggat`: `make reference`.

The page lists every command with its arguments and options, as `--help` does. A test checks that
it is current.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).parent.parent
sys.path.insert(0, str(REPOSITORY))

import typer

from cli import app

PAGE = REPOSITORY / "docs" / "cli.md"

INTRODUCTION = """\
# The command line

<!-- Made by `make reference` from cli/: change it there. -->

`tenggat` is `.venv/bin/tenggat`. `--site DIR` names the site's folder. Without it, the variable
`TENGGAT_SITE` names it; without that, the example site is used.

| exit code | meaning |
|---|---|
| 0 | the command did its work and found no trouble |
| 1 | the command found trouble: a source that cannot be read, a failed step, a damaged audit |
| 2 | the call or a settings file is wrong; the message says what to write |
"""


def commands(command: Any, name: str) -> Iterator[tuple[str, Any]]:
    """Yield each command below `command` with its full name, in the order of `--help`."""
    if hasattr(command, "commands"):
        if command.invoke_without_command:  # as `tenggat summary PERIOD` beside `summary verify`
            yield name, command
        for each, child in command.commands.items():
            yield from commands(child, f"{name} {each}")
    else:
        yield name, command


def text_of(help_text: str | None) -> str:
    """Return a help text as Markdown paragraphs, each on one line."""
    paragraphs = re.split(r"\n\s*\n", (help_text or "").strip())
    return "\n\n".join(re.sub(r"\s+", " ", one).replace("|", "\\|") for one in paragraphs)


def parameters(command: Any, name: str) -> Iterator[str]:
    """Yield a table row for each argument and option of a command, as `--help` words them."""
    context = command.make_context(name, [], resilient_parsing=True)
    for parameter in command.get_params(context):
        record = parameter.get_help_record(context)
        if record is None or parameter.name == "help":
            continue
        written, help_text = record
        yield f"| `{written.strip()}` | {text_of(help_text)} |"


def page() -> str:
    """Return the whole page."""
    parts = [INTRODUCTION]
    for name, command in commands(typer.main.get_command(app), "tenggat"):
        parts.append(f"## {name}\n\n{text_of(command.help)}\n")
        rows = list(parameters(command, name))
        if rows:
            parts.append("| argument or option | meaning |\n|---|---|\n" + "\n".join(rows) + "\n")
    return "\n".join(parts)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
