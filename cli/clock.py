"""`tenggat clock`: the machine's clock, its witnesses, and a person's word about it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli import console
from cli.console import JsonOption, SiteOption, UsageError, escape
from cli.language.words import lookup, say
from settings.site import load_site

if TYPE_CHECKING:
    from tasks.common.context import SiteContext
    from tasks.monitoring.clock_check import ClockVerdict

clock_app = typer.Typer(
    help="The machine's clock, and what confirms it.", invoke_without_command=True
)

SAYS = {True: "confirms it", False: "contradicts it", None: "says nothing"}

YesOption = Annotated[bool, typer.Option("--yes", help="Do not ask; for a script.")]

real_time: Callable[[], datetime] = partial(datetime.now, UTC)
"""The machine's clock."""


@clock_app.callback()
def show_clock(
    command: typer.Context, site: SiteOption = None, as_json: JsonOption = False
) -> None:
    """Show the machine's clock, the last run and the witnesses.

    Exit code 1 if runs refuse this time.
    """
    if command.invoked_subcommand is not None:
        return
    from tasks.monitoring import clock_check  # noqa: PLC0415

    with console.context_of(site) as context:
        now = real_time()
        verdict = clock_check.check_clock(context, now, real_time)
        jumped = verdict.asked
        asked = verdict if jumped else _asked(context, verdict.last)
        facts = _facts(context, asked, jumped=jumped)
    if as_json:
        console.print_json(facts)
    else:
        _print(facts)
    if verdict.refused:
        raise typer.Exit(console.TROUBLE)


@clock_app.command("accept")
def accept(
    site: SiteOption = None,
    yes: YesOption = False,
    force: Annotated[
        bool, typer.Option("--force", help="Accept it although a witness contradicts.")
    ] = False,
) -> None:
    """Accept the machine's clock if nothing confirms it.

    Runs that refused the time go on. The audit records who accepted it.
    """
    from tasks.monitoring import clock_check  # noqa: PLC0415

    with console.context_of(site) as context:
        verdict = clock_check.check_clock(context, real_time(), real_time)
        _print(_facts(context, verdict, jumped=verdict.asked))
        if verdict.last is not None and verdict.now < verdict.last:
            raise UsageError(say("clock.behind"))
        if not verdict.refused:
            console.out.print(say("clock.nothing_to_accept"))
            return
        if verdict.outcome is clock_check.ClockOutcome.CONTRADICTED and not force:
            raise UsageError(say("clock.contradicted"))
        if not yes and not console.confirm(say("clock.ask_right")):
            raise typer.Exit(console.TROUBLE)
        clock_check.accept_clock(context, verdict)
        console.out.print(say("clock.accepted"))


@clock_app.command("back")
def back(
    since: Annotated[
        str | None,
        typer.Option(
            "--at",
            help="The last time at which the clock was right (else: all later than now is false).",
            metavar="ISO",
        ),
    ] = None,
    site: SiteOption = None,
    yes: YesOption = False,
) -> None:
    """Undo what runs have decided while the clock was ahead.

    Set the clock and stop the service first. Runs, unsent mails, notices and reports of the false
    time are removed; every complaint is evaluated again. Mails already sent get a correction if
    they reported a deadline that is not late.
    """
    place = load_site(site)
    from db.backup.restore import exclusive_access  # noqa: PLC0415
    from tasks.monitoring import false_time  # noqa: PLC0415

    with exclusive_access(place.var / "service.lock"), console.context_of(site) as context:
        now = real_time()
        right = console.moment(since, place) if since else false_time.last_right(context, now)
        if right > now:
            raise UsageError(say("clock.at_too_late"))
        false_since = right if since else now
        for key, time in (("clock", now), ("last_right", right), ("false_since", false_since)):
            console.out.print(
                say(f"clock.times.{key}", time=f"{context.local(time):%Y-%m-%d %H:%M}")
            )
        if not yes and not console.confirm(say("clock.ask_undo")):
            raise typer.Exit(console.TROUBLE)
        by = console.caller()
        done = false_time.set_back(context, right, now, since=false_since, by=by)
        lines = [
            say(
                "clock.undone",
                runs=done.runs,
                notices=done.notices_withdrawn,
                reports=done.reports,
            ),
            say("clock.mails", cancelled=done.mails_cancelled, sent=done.mails_sent),
            say("clock.next_run"),
        ]
        if done.imports:
            lines.append(say("clock.imports", n=done.imports))
        console.out.print(escape("\n".join(lines)), soft_wrap=True)


def _asked(context: SiteContext, last: datetime | None) -> ClockVerdict:
    from tasks.monitoring import clock_check  # noqa: PLC0415

    return clock_check.ask_witnesses(context, real_time, last)


def _facts(context: SiteContext, verdict: ClockVerdict, *, jumped: bool) -> dict[str, Any]:
    def local(moment: datetime | None) -> str | None:
        return None if moment is None else context.local(moment).isoformat(timespec="seconds")

    return {
        "clock": local(verdict.now),
        "last_run": local(verdict.last),
        "jump": jumped,
        "outcome": str(verdict.outcome),
        "witnesses": [
            {"name": each.name, "says": SAYS[each.agrees], "time": local(each.time)}
            for each in verdict.witnesses
        ],
    }


def _print(facts: dict[str, Any]) -> None:
    lines = [
        say("clock.times.clock", time=console.short_time(facts["clock"])),
        say("clock.times.last_run", time=console.short_time(facts["last_run"] or "–")),
    ]
    for each in facts["witnesses"]:
        time = f" ({console.short_time(each['time'])})" if each["time"] else ""
        name = lookup("clock", f"witnesses.{each['name']}") or each["name"]
        answer = say(f"clock.says.{each['says'].replace(' ', '_')}")
        lines.append(f"{name}: {answer}{time}")
    if facts["jump"]:
        lines.append(say("clock.jump", outcome=say(f"clock.outcomes.{facts['outcome']}")))
    console.out.print(escape("\n".join(lines)), soft_wrap=True)
