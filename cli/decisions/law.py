"""`tenggat law`: the rules in force, and their confirmation by a legal officer."""

from __future__ import annotations

import sys
from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from cli import console
from cli.console import JsonOption, NowOption, SiteOption, UsageError, escape
from cli.language.words import language, near, say
from sla.regulations.model import Law, LengthUnit, Rule

if TYPE_CHECKING:
    from db.models import RuleConfirmation
    from tasks.common.context import SiteContext

law_app = typer.Typer(help="The rules, and who has confirmed them.", no_args_is_help=True)

COLUMNS = ("rule", "article", "length", "certainty", "confirmed_by", "source")


@law_app.command("list")
def list_rules(site: SiteOption = None, now: NowOption = None, as_json: JsonOption = False) -> None:
    """List the rules in force.

    Each has its article, its length and how certain its text is.
    """
    with console.context_of(site) as context:
        from tasks.common.confirmed_rules import rules_at  # noqa: PLC0415

        moment = console.moment(now, context.site)
        day = context.local(moment).date()
        with context.consistent_read() as session:
            rows = [
                _row(rule, confirmation, plain=as_json)
                for rule, confirmation in rules_at(context.site, session, moment)
            ]
        if not as_json:
            law = context.site.evaluation_context.law
            for row in rows:
                row["length"] += _laxer(law, row["rule"], day)
    if as_json:
        console.print_json(rows)
        return
    console.print_table(
        [say(f"law.columns.{name}") for name in COLUMNS], (row.values() for row in rows)
    )


@law_app.command("confirm")
def confirm(
    rule_id: Annotated[str, typer.Argument(help="Id of the rule, from `tenggat law list`.")],
    by: Annotated[str, typer.Option(help="Name of the legal officer.", metavar="NAME")],
    source: Annotated[
        str, typer.Option(help="The text that was read, with its date.", metavar="TEXT")
    ],
    site: SiteOption = None,
    now: NowOption = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask; for a script.")] = False,
) -> None:
    """Record that a legal officer has confirmed a rule.

    Its mark 'to be confirmed' goes away in mails, reports and explanations. It comes back if the
    text or the length of the rule changes. The same confirmation is recorded once. At a terminal
    the command shows the rule and asks. `tenggat law retract` takes a confirmation back.
    """
    if not by.strip() or not source.strip():
        raise UsageError(say("law.error.empty"))
    with console.context_of(site) as context:
        from tasks.common.confirmed_rules import confirm_rule  # noqa: PLC0415

        moment = console.moment(now, context.site)
        rule = _rule(context, rule_id, moment)
        if not yes and sys.stdin is not None and sys.stdin.isatty():
            facts = {"rule": rule.id, "label": rule.label[language()]}
            question = say("law.ask", **facts, citation=rule.citation, length=length_of(rule))
            if not console.confirm(question):
                raise typer.Exit(console.TROUBLE)
        with context.transaction() as session:
            row = confirm_rule(session, rule, moment, by=by.strip(), source=source.strip())
            confirmed_at = row.confirmed_at
        day = f"{context.local(confirmed_at):%Y-%m-%d}"
    key = "law.confirmed" if confirmed_at == moment else "law.confirmed_before"
    facts = {"rule": rule.id, "citation": rule.citation_in(language()), "length": length_of(rule)}
    text = say(key, **facts, by=by.strip(), day=day)
    console.out.print(escape(text), soft_wrap=True)


@law_app.command("retract")
def retract(
    rule_id: Annotated[str, typer.Argument(help="Id of the rule, from `tenggat law list`.")],
    by: Annotated[str, typer.Option(help="Who takes it back, for the audit.", metavar="NAME")],
    reason: Annotated[str, typer.Option(help="Why, for the audit.", metavar="TEXT")],
    site: SiteOption = None,
    now: NowOption = None,
) -> None:
    """Take back the confirmation of a rule.

    Its mark 'to be confirmed' comes back from the next run on. Mails that were sent and reports of
    earlier moments keep what they said. The audit keeps the confirmation and the reason.
    """
    if not by.strip() or not reason.strip():
        raise UsageError(say("law.error.no_reason"))
    with console.context_of(site) as context:
        from tasks.common.confirmed_rules import retract_confirmation  # noqa: PLC0415

        moment = console.moment(now, context.site)
        rule = _rule(context, rule_id, moment)
        with context.transaction() as session:
            row = retract_confirmation(session, rule, moment, by=by.strip(), reason=reason.strip())
            if row is None:
                raise UsageError(say("law.error.not_confirmed", rule=rule.id))
            confirmed_by, confirmed_at = row.confirmed_by, row.confirmed_at
        day = f"{context.local(confirmed_at):%Y-%m-%d}"
    text = say("law.retracted", rule=rule.id, by=confirmed_by, day=day)
    console.out.print(escape(text), soft_wrap=True)


def _rule(context: SiteContext, rule_id: str, moment: datetime) -> Rule:
    law = context.site.evaluation_context.law
    rule = law.on(rule_id, context.local(moment).date())
    if rule is None:
        raise UsageError(say("law.error.unknown", rule=rule_id, near=near(rule_id, law.ids)))
    return rule


def _row(rule: Rule, confirmation: RuleConfirmation | None, *, plain: bool) -> dict[str, str]:
    from tasks.text.catalog import catalog  # noqa: PLC0415

    certainty = str(rule.certainty)
    return {
        "rule": rule.id,
        "article": rule.citation if plain else rule.citation_in(language()),
        "length": length_of(rule),
        "certainty": certainty if plain else catalog(language())(f"certainty.{certainty}"),
        "confirmed_by": confirmation.confirmed_by if confirmation else "",
        "source": confirmation.source if confirmation else "",
    }


def _laxer(law: Law, rule_id: str, day: date) -> str:
    """Return a remark on a rule of the site that allows more time than the national one."""
    rule, replaced = law.on(rule_id, day), law.overridden(rule_id, day)
    if rule is None or replaced is None or not rule.is_longer_than(replaced):
        return ""
    return say("law.laxer", length=length_of(replaced))


def length_of(rule: Rule) -> str:
    """Return the length of a rule in words."""
    from tasks.text.catalog import catalog  # noqa: PLC0415

    t = catalog(language())
    if rule.promised:
        return t("explain.promised")
    unit = "working_day" if rule.unit is LengthUnit.WORKING_DAY else "day"
    return t(f"unit.{unit}", n=rule.length)
