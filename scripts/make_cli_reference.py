"""Make docs/cli.md and docs/perintah.md from the commands of `tenggat`: `make reference`.

The pages list every command with its arguments and options, as `--help` does in that language. A
test checks that they are current.
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

from cli import app_of
from cli.language.help import notes, placeholders, prepare, translate
from cli.language.words import say, use_language

PAGES = {"en": "cli.md", "id": "perintah.md"}
"""The page of each language, in docs/."""


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
        yield f"| `{placeholders(written.strip())}` | {notes(text_of(help_text))} |"


def page(locale: str) -> str:
    """Return the whole page in a language."""
    use_language(locale)
    parts = [say("reference.commands")]
    for name, command in commands(prepare(typer.main.get_command(app_of())), "tenggat"):
        translate(command)
        parts.append(f"## {name}\n\n{text_of(command.help)}\n")
        rows = list(parameters(command, name))
        if rows:
            parts.append(f"{say('reference.options')}\n|---|---|\n" + "\n".join(rows) + "\n")
    return "\n".join(parts)


if __name__ == "__main__":
    for locale, name in PAGES.items():
        (REPOSITORY / "docs" / name).write_text(page(locale), encoding="utf-8")
