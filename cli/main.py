"""`tenggat`: the command line, assembled from `cli/`."""

from __future__ import annotations

import gc

gc.disable()  # imported modules stay alive: searching them for garbage takes 1/7 of a short command

import io
import os
import sys
from functools import cache
from typing import Annotated, Any

import typer
from rich.markup import escape
from typer.main import get_command

from cli import (
    backup,
    bounces,
    console,
    deadlines,
    doctor,
    replies,
    reports,
    service,
    simulate,
    watch,
)
from cli.audit import audit_app
from cli.clock import clock_app
from cli.complaint import complaint_app
from cli.console import UsageError
from cli.database import database_app
from cli.decisions import mode
from cli.decisions.law import law_app
from cli.language import help, words
from cli.language.translation import translated
from cli.language.words import UnknownLanguage, say
from cli.mail import mail_app
from cli.quarantine import quarantine_app
from cli.questions import questions_app
from cli.setup import init
from cli.setup.directory import directory_app
from cli.source import source_app
from cli.ui import ui_app
from db.private_dirs import give_back_all
from settings import proxies
from settings.errors import SettingsError
from sla.calendar import OutsideCalendar
from sla.periods import PeriodError
from sla.regulations.model import RegulationError

gc.freeze()
gc.enable()

app = typer.Typer(
    help="Watches public-service complaints against their legal deadlines: imports them, sends"
    " reminders and escalations by mail, and reports compliance.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
)


@app.callback()
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


# the help lists the commands in this order
app.command("init")(init.init)
app.command("run")(service.run)
app.command("start")(mode.start)
app.command("stop")(mode.stop)
app.command("up")(service.up)
app.command("worker")(service.worker)
app.command("due")(deadlines.due)
app.command("explain")(deadlines.explain)
app.command("deadlines")(deadlines.list_deadlines)
app.command("replies")(replies.list_replies)
app.command("summary")(reports.summary)
app.command("simulate")(simulate.simulate)
app.command("export")(reports.export_complaints)
app.command("changes")(deadlines.list_changes)
app.command("backup")(backup.backup)
app.command("restore")(backup.restore)
app.command("adopt")(backup.adopt)
app.command("doctor")(doctor.doctor)
app.command("watch")(watch.watch)
mail_app.command("bounces")(bounces.list_bounces)
mail_app.command("lift")(bounces.lift_address)
app.add_typer(ui_app, name="ui")
app.add_typer(source_app, name="source")
app.add_typer(directory_app, name="directory")
app.add_typer(complaint_app, name="complaint")
app.add_typer(mail_app, name="mail")
app.add_typer(questions_app, name="questions")
app.add_typer(quarantine_app, name="quarantine")
app.add_typer(audit_app, name="audit")
app.add_typer(clock_app, name="clock")
app.add_typer(law_app, name="law")
app.add_typer(database_app, name="database")


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
        done = _command()(arguments, prog_name="tenggat", standalone_mode=False)
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
def _command() -> Any:
    """Build the command with all its subcommands; Typer reads their signatures each time."""
    return help.prepare(get_command(app))


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
