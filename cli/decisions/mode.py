"""`tenggat start`, `tenggat stop`: end the trial of a site, or go back to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from cli import console
from cli.console import NowOption, SiteOption, UsageError, escape
from cli.language.words import language, say

if TYPE_CHECKING:
    from datetime import date, datetime

    from db.decisions.mode import SiteMode
    from tasks.common.context import SiteContext

ByOption = Annotated[str, typer.Option(help="Who decides, for the record.", metavar="NAME")]


def start(
    begin: Annotated[
        str | None,
        typer.Option(
            "--from", help="First day with mails to officials (else now).", metavar="DATE"
        ),
    ] = None,
    superiors: Annotated[
        str | None,
        typer.Option(
            "--superiors-from",
            help="First day with mails to regional secretary, inspector and regent.",
            metavar="DATE",
        ),
    ] = None,
    by: ByOption = "",
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask; for a script.")] = False,
    site: SiteOption = None,
    now: NowOption = None,
) -> None:
    """End the trial: officials get mails.

    A new site is in trial: only the administrator gets mails. The ladder of every duty begins again
    at the unit. Deadlines missed before go to each unit as one list. If nothing was imported,
    offices are vacant or no preview was written, the command says so and asks.
    """
    first_day = console.day(begin) if begin else None
    superiors_first_day = console.day(superiors) if superiors else None
    with console.context_of(site) as context:
        from tasks.notifications.trial.start import (  # noqa: PLC0415
            NotPossible,
            TooEarly,
            start_site,
        )

        moment = console.moment(now, context.site)
        _check_ready(context, moment, first_day, yes=yes)
        try:
            mode = start_site(
                context,
                moment,
                _decided_by(by),
                first_day=first_day,
                superiors_first_day=superiors_first_day,
            )
        except NotPossible as error:
            raise UsageError(say("mode.error.over", day=error.day)) from None
        except TooEarly as error:
            raise UsageError(say("mode.error.early", day=error.day, begin=error.begin)) from None
        _show(context, mode)


def stop(by: ByOption = "", site: SiteOption = None, now: NowOption = None) -> None:
    """Go back to trial.

    From now on only the administrator gets mails. Mails that the mail server has already accepted
    cannot be taken back.
    """
    with console.context_of(site) as context:
        from tasks.notifications.trial.start import stop_site  # noqa: PLC0415

        mode = stop_site(context, console.moment(now, context.site), _decided_by(by))
        _show(context, mode)


def _check_ready(context: SiteContext, now: datetime, first_day: date | None, *, yes: bool) -> None:
    """Print what a site in trial lacks, and ask whether it starts nevertheless."""
    from db.decisions import mode  # noqa: PLC0415
    from tasks.notifications.trial.readiness import preview_folder, readiness  # noqa: PLC0415

    with context.consistent_read() as session:
        if mode.of_site(session).live:
            return
    ready = readiness(context, now, first_day)
    if ready.complete:
        return
    lines = [say("mode.ready.unread", source=source) for source in ready.unread]
    if ready.vacancies:
        lines.append(say("mode.ready.vacancies", n=ready.vacancies))
    if not ready.previewed:
        lines.append(say("mode.ready.preview", folder=preview_folder(context)))
    console.out.print(escape("\n".join(lines)), soft_wrap=True)
    if not yes and not console.confirm(say("mode.ready.ask")):
        raise typer.Exit(console.TROUBLE)


def _decided_by(name: str) -> str:
    return console.caller() + (f": {name}" if name else "")


def _show(context: SiteContext, mode: SiteMode) -> None:
    from tasks.notifications.trial.mode_text import mode_text  # noqa: PLC0415

    text = mode_text(mode, language(), context.site.zone)
    console.out.print(text, soft_wrap=True, markup=False)
