"""`tenggat`: the command line, assembled from `cli/`.

A call loads the module of its own command only: to load all of them takes longer than a run that
finds nothing to do.
"""

from __future__ import annotations

import gc

gc.disable()  # imported modules stay alive: searching them for garbage takes 1/7 of a short command

import atexit
import io
import os
import sys
from functools import cache
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.main import get_command

from cli import console
from cli.console import UsageError, escape
from cli.language import help, words
from cli.language.translation import translated
from cli.language.words import UnknownLanguage, say
from db.private_dirs import give_back_all
from settings import proxies
from settings.errors import SettingsError
from sla.calendar import OutsideCalendar
from sla.periods import PeriodError
from sla.regulations.model import RegulationError

gc.freeze()
gc.enable()
atexit.register(gc.freeze)  # else Python searches all that is loaded once more when it ends

COMMANDS = {
    "init": "cli.setup.init:init",
    "run": "cli.service:run",
    "start": "cli.decisions.mode:start",
    "stop": "cli.decisions.mode:stop",
    "up": "cli.service:up",
    "worker": "cli.service:worker",
    "due": "cli.deadlines:due",
    "explain": "cli.deadlines:explain",
    "deadlines": "cli.deadlines:list_deadlines",
    "replies": "cli.replies:list_replies",
    "summary": "cli.reports:summary",
    "simulate": "cli.simulate:simulate",
    "export": "cli.reports:export_complaints",
    "changes": "cli.deadlines:list_changes",
    "backup": "cli.backup:backup",
    "restore": "cli.backup:restore",
    "adopt": "cli.backup:adopt",
    "doctor": "cli.doctor:doctor",
    "watch": "cli.watch:watch",
    "ui": "cli.ui:ui_app",
    "source": "cli.source:source_app",
    "directory": "cli.setup.directory:directory_app",
    "complaint": "cli.complaint:complaint_app",
    "mail": "cli.mail:mail_app",
    "questions": "cli.questions:questions_app",
    "quarantine": "cli.quarantine:quarantine_app",
    "audit": "cli.audit:audit_app",
    "clock": "cli.clock:clock_app",
    "law": "cli.decisions.law:law_app",
    "database": "cli.database:database_app",
}
"""Module and name of each command, in the order of the help; a Typer app is a group of commands."""


def app_of(name: str | None = None) -> typer.Typer:
    """Return the command line with one command, or with all of them for another name."""
    app = typer.Typer(
        help="Watches public-service complaints against their legal deadlines: imports them, sends"
        " reminders and escalations by mail, and reports compliance.",
        no_args_is_help=True,
        add_completion=False,
        rich_markup_mode=None,
    )
    app.callback()(tenggat)
    for each in [name] if name in COMMANDS else COMMANDS:
        found = _load(COMMANDS[each])
        if isinstance(found, typer.Typer):
            app.add_typer(found, name=each)
        else:
            app.command(each)(found)
    return app


def tenggat(
    lang: Annotated[
        str | None,
        typer.Option(
            help="Language: id or en (else TENGGAT_LANG, the site's, or the terminal's).",
            metavar="NAME",
        ),
    ] = None,
) -> None:
    """Accept `--lang`, which `choose_language` has taken out of the arguments before."""


def _load(place: str) -> Any:
    """Return the function or the group at a place, written as `module:name`."""
    module, _, name = place.partition(":")
    return getattr(import_module(module), name)


def main() -> None:
    """Run the command line, and leave no file that the service's user cannot open."""
    try:
        _run()
    finally:
        give_back_all()


def _run() -> None:
    """Run the command. Errors are one line with the remedy; exit codes are 0, 1 and 2."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal may have no sign for a name
    proxies.prepare(os.environ, os.environ.get("PREFECT_API_URL"))
    try:
        arguments = words.choose_language(sys.argv[1:])
        command = _command(next(iter(arguments), None))
        done = command(arguments, prog_name="tenggat", standalone_mode=False)
        sys.exit(done or console.GOOD)
    except (
        UsageError,
        UnknownLanguage,
        SettingsError,
        RegulationError,
        PeriodError,
        OutsideCalendar,
    ) as error:
        _fail(str(error), console.USAGE)
    except typer.Abort:  # Ctrl-C, or the end of the input, at a question
        _fail(say("main.stopped"), console.TROUBLE)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except Exception as error:
        if hasattr(error, "format_message"):  # an error of Typer: wrong usage
            _misused(error)
        if os.environ.get("TENGGAT_DEBUG"):
            raise
        _fail(console.reason(error), console.TROUBLE)


@cache
def _command(name: str | None) -> Any:
    """Build the command line for a call whose first argument is `name`."""
    return help.prepare(get_command(app_of(name)))


def _misused(error: Any) -> None:
    """Print Typer's error in one line with the help command, or the help itself, and exit."""
    message, context = error.format_message(), getattr(error, "ctx", None)
    if "\n" in message:  # the message is the help of a command without arguments
        console.out.print(escape(message), soft_wrap=True)
        sys.exit(console.USAGE)
    command = context.command_path if context else "tenggat"
    key = "main.see_help_too" if message.endswith("?") else "main.see_help"
    text = translated(help.placeholders(message).rstrip("."))
    _fail(say(key, message=text, command=command), console.USAGE)


def _fail(text: str, code: int) -> None:
    console.err.print(f"[bold red]{say('main.error')}[/] {escape(translated(text))}")
    sys.exit(code)
