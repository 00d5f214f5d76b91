"""Write the help of the commands in the language of the caller."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

import typer
from typer._click.formatting import HelpFormatter

from cli.language.words import language, lookup, say, table

_PLACEHOLDER = re.compile(r"(?<![-\w])[A-Z]+\b|<[a-z \[\]]+>")


class TranslatedFormatter(HelpFormatter):
    """Writes headings, and notes such as `[required]`, in the language of the caller."""

    def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
        """Write the line with the usage of a command."""
        super().write_usage(prog, placeholders(args), f"{say('help.usage')} ")

    def section(self, name: str) -> Any:
        """Begin a section with a heading."""
        return super().section(say(f"help.sections.{name.lower()}"))

    def write_dl(self, rows: Sequence[tuple[str, str]], *args: Any, **options: Any) -> None:
        """Write a list of names with their meanings."""
        written = [(placeholders(name), notes(text)) for name, text in rows]
        super().write_dl(written, *args, **options)


class TranslatedContext(typer.Context):
    """The call of a command; its help is in the language of the caller."""

    formatter_class = TranslatedFormatter

    def get_help(self) -> str:
        """Return the help of this command."""
        translate(self.command)
        for child in getattr(self.command, "commands", {}).values():
            translate(child)
        return super().get_help()


def prepare(command: Any) -> Any:
    """Let a command and all commands below it use the translated help; returns the command.

    An argument without a placeholder gets its name as one, because only those are translated.
    """
    for each in tree(command):
        each.context_class = TranslatedContext
        for parameter in each.params:
            if parameter.param_type_name == "argument" and not parameter.metavar:
                parameter.metavar = parameter.name.upper().partition("_")[0]
    return command


def tree(command: Any) -> Iterator[Any]:
    """Yield a command and all commands below it."""
    yield command
    for child in getattr(command, "commands", {}).values():
        yield from tree(child)


def translate(command: Any) -> None:
    """Give a command and its parameters their help in the language of the caller.

    A text without words keeps what its code says.
    """
    file, path = words_of(command)
    command.help = lookup(file, f"{path}.help") or command.help
    for parameter in command.params:
        options = f"{path}.options.{parameter.name}"
        found = lookup(file, options) or lookup("console", f"options.{parameter.name}")
        parameter.help = found or parameter.help
    if command.add_help_option:
        command.get_help_option(typer.Context(command)).help = say("help.help_option")


def words_of(command: Any) -> tuple[str, str]:
    """Return the file with the words of a command, and its table there.

    The words of `cli/mail.py` are in mail.toml, those of `tenggat mail list` there in `[list]`.
    The words of a group of commands are in `[group]`.
    """
    if hasattr(command, "commands"):
        if command.name in (None, "", "tenggat"):
            return "main", "group"
        children = (child for child in command.commands.values() if child.callback)
        return _file_of(command.callback or next(children).callback), "group"
    return _file_of(command.callback), command.name


def _file_of(function: Any) -> str:
    return str(function.__module__).rpartition(".")[2]


def placeholders(text: str) -> str:
    """Translate the words that stand for a value, such as FILE or `<int>`."""
    known = table("help")["placeholders"]
    return _PLACEHOLDER.sub(
        lambda found: known[found[0]][language()] if found[0] in known else found[0], text
    )


def notes(text: str) -> str:
    """Translate the notes in brackets that Typer adds to the help of an option."""
    before, bracket, after = text.rpartition("[")
    if not bracket or not after.endswith("]"):
        return text
    parts = [_note(part) for part in after[:-1].split("; ")]
    return f"{before}[{'; '.join(parts)}]"


def _note(part: str) -> str:
    for name in ("default", "env var"):
        if found := re.fullmatch(f"{name}: (.*)", part):
            return f"{say(f'help.notes.{name}')}: {found[1]}"
    return say("help.notes.required") if part == "required" else part
