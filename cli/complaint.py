"""`tenggat complaint`: an official states a step, takes it back, or opens a hidden report."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli import console
from cli.console import NowOption, SiteOption, UsageError, escape
from cli.deadlines import unit_named
from cli.language.words import near, say
from settings.mapping import OFFICIAL_STEPS
from sla.events import BY_COMMAND

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from db.models import Complaint

complaint_app = typer.Typer(help="State a step that a source does not show.", no_args_is_help=True)

TicketArgument = Annotated[str, typer.Argument(help="The ticket number.", metavar="TICKET")]
AtOption = Annotated[
    str,
    typer.Option(
        "--at", help="When it happened, e.g. 2026-11-24T08:00 (the site's zone).", metavar="ISO"
    ),
]
ByOption = Annotated[
    str, typer.Option("--by", help="The official who says so, for the audit.", metavar="NAME")
]
FromOption = Annotated[
    str | None,
    typer.Option("--source", help="The source, if several have the ticket.", metavar="NAME"),
]

_HELP = {
    "verify": "State that a complaint was verified.",
    "respond": "State that the first response was given to the complainant.",
    "follow-up": "State that a follow-up was given.",
    "settle": "State that a complaint was settled.",
    "close": "State that a complaint was closed.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Call:
    """A call of one of the commands, as typed."""

    step: str
    ticket: str
    at: str
    by: str
    source: str | None
    site: Path | None
    now: str | None
    unit: str | None = None
    take_back: bool = False


def _command(name: str) -> Callable[..., None]:
    def state_step(
        ticket: TicketArgument,
        at: AtOption,
        by: ByOption,
        source: FromOption = None,
        site: SiteOption = None,
        now: NowOption = None,
    ) -> None:
        _run(_Call(step=name, ticket=ticket, at=at, by=by, source=source, site=site, now=now))

    state_step.__doc__ = (
        f"{_HELP[name]}\n\nThe next run evaluates the deadlines again. A second statement of the"
        " same step and time changes nothing."
    )
    return state_step


for _name in _HELP:
    complaint_app.command(_name)(_command(_name))


@complaint_app.command("assign")
def assign(
    ticket: TicketArgument,
    at: AtOption,
    by: ByOption,
    unit: Annotated[str, typer.Option(help="The unit, by id or name.", metavar="UNIT")],
    source: FromOption = None,
    site: SiteOption = None,
    now: NowOption = None,
) -> None:
    """State that a complaint was assigned to a unit.

    Its duties then belong to this unit. The same time with another unit corrects the assignment.
    """
    _run(
        _Call(
            step="assign",
            ticket=ticket,
            at=at,
            by=by,
            source=source,
            site=site,
            now=now,
            unit=unit,
        )
    )


@complaint_app.command("retract")
def retract(
    ticket: TicketArgument,
    step: Annotated[
        str, typer.Argument(help=f"The step: {', '.join(OFFICIAL_STEPS)}.", metavar="STEP")
    ],
    at: AtOption,
    by: ByOption,
    source: FromOption = None,
    site: SiteOption = None,
    now: NowOption = None,
) -> None:
    """Take back a step that was stated by mistake.

    A step that the source itself shows cannot be taken back here.
    """
    if step not in OFFICIAL_STEPS:
        raise UsageError(_say("no_step", step=step, near=near(step, OFFICIAL_STEPS)))
    _run(
        _Call(
            step=step,
            ticket=ticket,
            at=at,
            by=by,
            source=source,
            site=site,
            now=now,
            take_back=True,
        )
    )


@complaint_app.command("unhide")
def unhide(
    by: ByOption,
    ticket: Annotated[
        str | None, typer.Argument(help="The ticket number.", metavar="TICKET")
    ] = None,
    every: Annotated[
        bool, typer.Option("--all", help="All hidden reports of the source instead.")
    ] = False,
    source: FromOption = None,
    site: SiteOption = None,
    now: NowOption = None,
) -> None:
    """Open an anonymous or secret report that its source no longer marks as one.

    The next import that shows it stores its title. If its row still asks for secrecy, it stays
    hidden. --all is for a correction of the mapping, such as a new word in `public`.
    """
    _check_by(by)
    if every != (ticket is None) or (every and source is None):
        raise UsageError(_say("which"))
    with console.context_of(site) as context:
        from db import complaints  # noqa: PLC0415
        from db.audit import AuditActor  # noqa: PLC0415
        from tasks.ingest import changes  # noqa: PLC0415

        context.by = AuditActor(f"{console.caller()}: {by.strip()}")
        moment = console.moment(now, context.site)
        with context.transaction() as session:
            if ticket is None:
                rows = complaints.hidden_of_source(session, source or "")
            else:
                rows = [_complaint(session, ticket, source)]
            name = source or rows[0].source
            number = changes.unhide(session, rows, name, moment)
    text = _say("unhidden", n=number) if number else _say("not_hidden")
    console.out.print(escape(text), soft_wrap=True)


def _check_by(by: str) -> None:
    if not by.strip():
        raise UsageError(_say("nobody"))


def _run(call: _Call) -> None:
    """State or take back a step, and print the result."""
    _check_by(call.by)
    with console.context_of(call.site) as context:
        from db.audit import AuditActor  # noqa: PLC0415
        from tasks.ingest.officials import steps  # noqa: PLC0415

        context.by = AuditActor(f"{console.caller()}: {call.by.strip()}")
        at, now = console.moment(call.at, context.site), console.moment(call.now, context.site)
        step = steps.OfficialStep(
            kind=OFFICIAL_STEPS[call.step],
            at=at.astimezone(UTC),
            unit=None if call.unit is None else unit_named(context.site, call.unit),
            origin=BY_COMMAND,
        )
        with context.transaction() as session:
            complaint = _complaint(session, call.ticket, call.source)
            try:
                if call.take_back:
                    steps.retract(session, context, complaint, step, now)
                    outcome = "retracted"
                else:
                    is_new = steps.state(session, context, complaint, step, now)
                    outcome = "recorded" if is_new else "repeated"
            except steps.WrongStep as error:
                raise UsageError(str(error)) from None
        moment = f"{context.local(at):%Y-%m-%d %H:%M}"
    text = _say(outcome, step=call.step, ticket=complaint.ticket, moment=moment)
    console.out.print(escape(text), soft_wrap=True)


def _say(name: str, **values: object) -> str:
    return say(f"complaint.message.{name}", **values)


def _complaint(session: Session, ticket: str, source: str | None) -> Complaint:
    """Return the complaint with this ticket; raises :class:`UsageError` unless there is one."""
    from db import complaints  # noqa: PLC0415
    from tasks.common.redaction import plain_ticket  # noqa: PLC0415

    found = complaints.by_ticket_number(session, plain_ticket(ticket))
    if source is not None:
        found = [each for each in found if each.source == source]
    if not found and source is not None:
        raise UsageError(_say("not_in_source", ticket=ticket, source=source))
    if not found:
        raise UsageError(_say("no_ticket", ticket=ticket))
    if len(found) > 1:
        names = ", ".join(sorted(each.source for each in found))
        raise UsageError(_say("several", ticket=ticket, names=names))
    return found[0]
