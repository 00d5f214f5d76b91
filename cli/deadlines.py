"""`tenggat due`, `explain`, `deadlines` and `changes`: due dates and their reasons."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli import console
from cli.console import CsvOption, HtmlOption, JsonOption, NowOption, SiteOption, UsageError
from cli.language.words import language, near, say
from settings.site import Site, load_site
from sla.engine.deadline import State
from sla.regulations.model import Actor, Rule

if TYPE_CHECKING:
    from tasks.common.context import SiteContext
    from tasks.evaluation.explain import Explanation


def due(
    rule: Annotated[str, typer.Argument(help="Id of the rule, e.g. sp4n/first-follow-up.")],
    start: Annotated[str, typer.Argument(help="Local day on which the clock starts, YYYY-MM-DD.")],
    pause: Annotated[
        list[str] | None, typer.Option(help="A pause FROM..TO, as local days; may be repeated.")
    ] = None,
    html: HtmlOption = None,
    site: SiteOption = None,
    as_json: JsonOption = False,
) -> None:
    """Compute the due date of a deadline.

    The clock starts on the given day and stops during pauses. The first day of a pause still
    counts; its last day does not.
    """
    from tasks.evaluation.explain import as_html, as_text, explain_hypothetical  # noqa: PLC0415

    place = load_site(site)
    began = console.day(start)
    found = _rule(place, rule, began)
    explanation = explain_hypothetical(
        place, found, began, [_stretch(text) for text in pause or []]
    )
    deadline = explanation.deadlines[0].deadline
    if html is not None:
        console.write_html(html, as_html(place, explanation))
    elif as_json:
        ends = deadline.due.astimezone(place.zone).date().isoformat() if deadline.due else None
        console.print_json({"rule": found.id, "start": began.isoformat(), "due": ends})
    else:
        console.print_text(as_text(place, explanation))


def explain(
    ticket: Annotated[str, typer.Argument(help="Ticket number, as the source gives it.")],
    as_of: Annotated[
        str | None, typer.Option(help="As it was known at this time, like a report.", metavar="T")
    ] = None,
    html: HtmlOption = None,
    pdf: Annotated[
        Path | None,
        typer.Option(help="Write an evidence card to print or to sign.", metavar="FILE"),
    ] = None,
    site: SiteOption = None,
    now: NowOption = None,
    as_json: JsonOption = False,
) -> None:
    """Explain a complaint's deadlines.

    It lists the events and the mails that reached a person. Every deadline is shown day by day,
    with its article: each day counted or not, and the reason. The counts of working days and
    calendar days go up to today.
    `--as-of` uses only records from before this time: it verifies a report of this moment.
    `--pdf` writes the facts on one page, with a verification code. A card made again with the
    time of the first one as `--as-of` has the same code; `--json` prints it as well.
    """
    with console.context_of(site) as context:
        from tasks.common.confirmed_rules import confirm_rules  # noqa: PLC0415
        from tasks.common.redaction import plain_ticket  # noqa: PLC0415
        from tasks.evaluation.evidence import as_data  # noqa: PLC0415
        from tasks.evaluation.explain import as_html, as_text, explanations  # noqa: PLC0415

        with context.transaction() as session:
            moment = console.moment(as_of or now, context.site).replace(microsecond=0)
            if as_of or now:
                confirm_rules(context.site, session, moment)
            found = explanations(session, context, plain_ticket(ticket), moment)
        if not found:
            raise UsageError(say("deadlines.no_ticket", ticket=ticket))
        if pdf is not None:
            _write_cards(context, found, pdf)
        elif html is not None:
            console.write_html(html, "\n".join(as_html(context.site, one) for one in found))
        elif as_json:
            console.print_json([as_data(context, one) for one in found])
        else:
            for one in found:
                console.print_text(as_text(context.site, one))


def _write_cards(context: SiteContext, found: Sequence[Explanation], path: Path) -> None:
    """Write an evidence card for each complaint.

    Of several complaints, each card has the name of its source at the end of its name.
    """
    from tasks.reports.formats.evidence_card import evidence_pdf  # noqa: PLC0415 - slow import

    for one in found:
        source = one.complaint.source if one.complaint is not None else ""
        named = path.with_stem(f"{path.stem}-{source.replace('/', '-')}")
        console.write_bytes(named if len(found) > 1 else path, evidence_pdf(context, one))


def list_deadlines(
    state: Annotated[
        str | None, typer.Option(help="Only this state, e.g. breached, running, met_late.")
    ] = None,
    unit: Annotated[str | None, typer.Option(help="Only this unit, by id or name.")] = None,
    csv_file: CsvOption = None,
    site: SiteOption = None,
    as_json: JsonOption = False,
) -> None:
    """List deadlines, the earliest due first.

    The states are those of the last evaluation; times are local. The last line counts the late
    complaints and duties as the mails and reports do. A duty that ended otherwise after its
    deadline is breached and no longer late; those due in the same calendar year are counted.
    """
    only = console.chosen(State, "state", state)
    with console.context_of(site) as context:
        from cli.listings import DEADLINE_COLUMNS, deadline_rows  # noqa: PLC0415
        from tasks.evaluation.stored_deadlines import last_evaluation, late_counts  # noqa: PLC0415
        from tasks.text.titles import superior_office  # noqa: PLC0415

        site_name, law = context.site.name, context.site.evaluation_context.law
        chosen = unit_named(context.site, unit) if unit is not None else None
        superior = Actor.SUPERIOR if as_json else superior_office(site_name, language())
        with context.transaction() as session:
            rows = deadline_rows(session, context, state=only, unit=chosen, superior=superior)
            evaluated = last_evaluation(session) or console.moment(None, context.site)
            begin = context.site.evaluation_context.start_of_year(evaluated)
            late = late_counts(session, begin, chosen, law)
    values = {"state": "state", "reason": "because"}
    console.show_rows(
        DEADLINE_COLUMNS, rows, "deadlines.total", csv_file, as_json=as_json, values=values
    )
    if csv_file is None and not as_json:
        console.out.print(
            say(
                "deadlines.late",
                complaints=late.complaints,
                duties=late.duties,
                ended=late.ended,
            )
        )


def list_changes(
    csv_file: CsvOption = None, site: SiteOption = None, as_json: JsonOption = False
) -> None:
    """List deadlines changed by a changed law.

    They have another due time or another state, are new, or do not apply any more. A changed
    calendar changes deadlines as well. The newest change is first. Notices sent before stay
    unchanged.
    """
    with console.context_of(site) as context:
        from cli.listings import CHANGE_COLUMNS, change_rows  # noqa: PLC0415

        with context.transaction() as session:
            rows = change_rows(session, context)
    values = {"change": "change", "state_before": "state", "state_after": "state"}
    console.show_rows(
        CHANGE_COLUMNS, rows, "deadlines.changed", csv_file, as_json=as_json, values=values
    )


def _stretch(text: str) -> tuple[date, date]:
    begins, dots, ends = text.partition("..")
    if not dots:
        raise UsageError(say("deadlines.no_pause", text=text))
    first, last = console.day(begins), console.day(ends)
    if last < first:
        raise UsageError(say("deadlines.pause_backwards", text=text))
    return first, last


def _rule(site: Site, rule_id: str, day: date) -> Rule:
    law = site.evaluation_context.law
    if rule_id not in law.ids:
        raise UsageError(say("deadlines.no_rule", rule=rule_id, near=near(rule_id, law.ids)))
    rule = law.on(rule_id, day)
    if rule is None:
        raise UsageError(say("deadlines.not_in_force", rule=rule_id, day=day))
    if rule.promised:
        raise UsageError(say("deadlines.promised", rule=rule_id))
    return rule


def unit_named(site: Site, text: str) -> str:
    """Return the id of a unit by id or name; raises :class:`UsageError` for an unknown one."""
    found = site.directory.unit_called(text)
    if found is None:
        units = site.directory.units
        names = {site.directory.name_of(unit) for unit in units}
        raise UsageError(say("deadlines.no_unit", text=text, near=near(text, units, names)))
    return found
