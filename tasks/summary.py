"""Summarise: the figures of a period, as they are known at a moment, as a report and a view."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from prefect import task
from prefect.cache_policies import NO_CACHE
from sqlalchemy.orm import Session

from db import complaints, looks, outbox, runs
from db.engine import revision
from db.models import Report
from sla.compliance import Figures, OnTime, figures
from sla.deadline import Facts
from sla.events import Kind, holder
from sla.figures.case import Case
from sla.periods import parse
from sla.regulations import Rule
from tasks.coverage import missing_days
from tasks.knowing import judged_of, source_facts
from tasks.office import Office
from tasks.queueing import queue_summary
from tasks.rendering import summary_html
from tasks.views import LateRow, OnTimeRow, OverrideRow, RegulationRow, SummaryView, told_by_role


@dataclass(frozen=True, slots=True)
class SummaryMade:
    """A report on disk and the mails that are owed for it."""

    view: SummaryView
    path: Path
    mails: int
    made_before: bool


@task(name="summary {period}", task_run_name="summary {period}", cache_policy=NO_CACHE)
def make_summary(
    office: Office, period: str, as_of: datetime, now: datetime, run: str, *, mail: bool = True,
    out: Path | None = None,
) -> SummaryMade:  # fmt: skip
    """Write the summary of a period as it is known at `as_of`, and owe it to the inspectorate.

    Made again for the same period and moment it gives the same figures, and owes no second mail.
    """
    with office.transaction() as session:
        view, figured = _figured(session, office, period, as_of)
        folder = out or office.site.var / "reports"
        folder.mkdir(parents=True, exist_ok=True)
        stamp = office.local(as_of).strftime("%Y-%m-%d_%H%M")
        path = folder / f"tenggat-{view.period_key}_{stamp}.html"
        path.write_text(summary_html(view, office.site.locale, office.site.zone), encoding="utf-8")
        path.with_suffix(".json").write_text(figured, encoding="utf-8")
        report = runs.report(session, view.period_key, as_of)
        made_before = report is not None
        mails = 0
        if report is None and mail:
            report = Report(
                period=view.period_key, as_of=as_of, made_at=now, path=str(path), sha256=view.sha256
            )
            session.add(report)
            session.flush()
        if report is not None and mail:
            mails = queue_summary(session, office, report.id, now, run)
        return SummaryMade(view, path, mails, made_before)


def summary_view(session: Session, office: Office, period: str, as_of: datetime) -> SummaryView:
    """The summary of a period as templates see it."""
    return _figured(session, office, period, as_of)[0]


def cases(session: Session, office: Office, as_of: datetime) -> list[tuple[int, Case]]:
    """Every complaint recorded by `as_of`, judged at that moment; with its key."""
    found = []
    rows = complaints.everything(session, as_of)
    for known, judged in judged_of(session, office, rows, as_of):
        row, facts, events = known.complaint, known.matter.facts, judged.known
        received = next((e.latest for e in events if e.kind == Kind.RECEIVED), row.received_at)
        case = Case(
            ticket=row.ticket, source=row.source, classification=facts.classification,
            category=facts.category, channel=facts.channel,
            unit=holder(events) or office.site.file.administrator_unit, received=received,
            events=tuple(events), deadlines=tuple(judged.deadlines),
        )  # fmt: skip
        found.append((row.id, case))
    return found


def _figured(
    session: Session, office: Office, period: str, as_of: datetime
) -> tuple[SummaryView, str]:
    site = office.site
    today = office.local(as_of).date()
    span = parse(period, today)
    judged = cases(session, office, as_of)
    sums = figures([case for _, case in judged], span, site.bench, as_of)
    facts = source_facts(session, office, as_of)
    canonical = json.dumps(_plain(sums), ensure_ascii=False, indent=1, sort_keys=True)
    keys = {case.ticket: key for key, case in judged}
    told = outbox.told(session, (keys[item.ticket] for item in sums.late), as_of)
    began = site.bench.start_of(span.first.toordinal())
    ended = min(as_of, site.bench.end_of(span.last.toordinal()))
    view = SummaryView(
        site=site.name,
        period_key=span.name,
        first=span.first,
        last=span.last,
        as_of=as_of,
        interim=today <= span.last,
        received=sums.received,
        settled=sums.settled,
        followed_up_share=sums.followed_up_share,
        open_now=sums.open_now,
        late_now=sums.late_now,
        overall=sums.overall,
        rules=tuple(_rule_rows(office, sums)),
        units=tuple(_unit_rows(office, sums)),
        classifications=_counted(sums.by_classification),
        channels=_counted(sums.by_channel),
        to_follow_up=sums.to_follow_up,
        to_settlement=sums.to_settlement,
        late=tuple(
            LateRow(
                ticket=item.ticket,
                unit=site.directory.name_of(item.unit),
                category=item.category or "",
                rule=item.deadline.rule.label[site.locale],
                citation=item.deadline.rule.citation,
                due=item.deadline.due or as_of,
                working_days_late=item.working_days_late,
                told=told_by_role(
                    told.get((keys[item.ticket], item.deadline.rule.id, item.deadline.clock), [])
                ),
            )
            for item in sums.late
        ),
        history_unknown=sums.history_unknown,
        observed_times=sums.observed_times,
        missing=tuple(
            (name, tuple(days))
            for name in site.sources
            if (days := missing_days(session, office, name, span.first, span.last, as_of))
        ),
        quarantined=looks.quarantine_count(session, as_of),
        holes=tuple((site.directory.name_of(u), role) for u, role in site.directory.holes(today)),
        not_judged=tuple(_not_judged(office, facts)),
        shown_later=tuple(
            (name, max(each.shown_later.values()))
            for name, each in facts.items()
            if each.shown_later
        ),
        regulations=tuple(_regulation_rows(office, span.last)),
        holidays=tuple(
            (day, off.name, off.estimate)
            for day, off in sorted(site.bench.calendar.days_off.items())
            if span.first <= day <= span.last
        ),
        policy=site.file.policy,
        revision=revision(session.connection()) or "",
        sha256=hashlib.sha256(canonical.encode()).hexdigest(),
        mails_sent=outbox.sent_between(session, began - timedelta(microseconds=1), ended),
    )
    return view, canonical


def _plain(sums: Figures) -> dict[str, Any]:
    """The figures as JSON can hold them; the tickets behind 'late' by number only."""
    found: dict[str, Any] = {}
    for name in sums.__dataclass_fields__:
        value = getattr(sums, name)
        found[name] = value
    found["period"] = {
        "name": sums.period.name,
        "first": sums.period.first.isoformat(),
        "last": sums.period.last.isoformat(),
    }
    found["as_of"] = sums.as_of.isoformat()
    found["overall"] = _shares(sums.overall)
    for name in ("by_rule", "by_unit"):
        found[name] = {key: _shares(value) for key, value in found[name].items()}
    for name in ("to_follow_up", "to_settlement"):
        found[name] = asdict(found[name])
    found["late"] = [
        {
            "ticket": item.ticket,
            "rule": item.deadline.rule.id,
            "unit": item.unit,
            "due": item.deadline.due.isoformat() if item.deadline.due else None,
            "working_days_late": item.working_days_late,
        }
        for item in sums.late
    ]
    return found


def _shares(on_time: OnTime) -> dict[str, Any]:
    return {**asdict(on_time), "judged": on_time.judged, "share": on_time.share}


def _rule_rows(office: Office, sums: Figures) -> Iterable[OnTimeRow]:
    late: dict[str, int] = {}
    for item in sums.late:
        late[item.deadline.rule.id] = late.get(item.deadline.rule.id, 0) + 1
    for rule_id in office.site.bench.law.ids:
        if rule_id in sums.by_rule:
            rule = office.site.bench.law.on(
                rule_id, sums.period.last
            ) or office.site.bench.law.last(rule_id)
            yield OnTimeRow(
                name=rule.label[office.site.locale],
                citation=rule.citation,
                to_be_confirmed=rule.certainty.to_be_confirmed,
                on_time=sums.by_rule[rule_id],
                open_now=0,
                late_now=late.get(rule_id, 0),
            )


def _unit_rows(office: Office, sums: Figures) -> list[OnTimeRow]:
    """Every unit that had something due or has something open: worst share first, small last."""
    units = {*sums.by_unit, *sums.open_by_unit, *sums.late_by_unit}
    rows = [
        OnTimeRow(
            name=office.site.directory.name_of(unit) or "–",
            citation="",
            to_be_confirmed=False,
            on_time=sums.by_unit.get(unit, OnTime()),
            open_now=sums.open_by_unit.get(unit, 0),
            late_now=sums.late_by_unit.get(unit, 0),
        )
        for unit in units
    ]

    def rank(row: OnTimeRow) -> tuple[bool, float, int, str]:
        share = row.on_time.share
        apart = share is None or row.on_time.small
        return apart, 2.0 if share is None else share, -row.on_time.judged, row.name

    return sorted(rows, key=rank)


def _counted(counts: Mapping[str, int]) -> tuple[tuple[str, int], ...]:
    return tuple(sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])))


def _not_judged(
    office: Office, facts: Mapping[str, Facts]
) -> Iterable[tuple[str, tuple[str, ...]]]:
    """For each source, the rules that it cannot show to be kept or broken."""
    law, site = office.site.bench.law, office.site
    for name, source in facts.items():
        sees = source.sees or frozenset()
        blind = [
            rule.label[site.locale]
            for rule in map(law.last, law.ids)
            if rule.binds_provider
            and not rule.promised
            and not (rule.stops_on & sees and rule.starts_on & sees)
        ]
        if blind:
            yield name, tuple(blind)


def _regulation_rows(office: Office, day: date) -> Iterable[RegulationRow]:
    """The texts in force on a day, each with its rules that a legal officer has yet to confirm."""
    law = office.site.bench.law
    regulations: dict[Any, list[Rule]] = {}
    for rule in filter(None, map(partial(_on, office, day), law.ids)):
        regulations.setdefault(rule.regulation, []).append(rule)
    for regulation, rules in regulations.items():
        open_rules = [r.label[office.site.locale] for r in rules if r.certainty.to_be_confirmed]
        yield RegulationRow(
            regulation.citation,
            regulation.title,
            regulation.note,
            tuple(open_rules),
            tuple(_override_row(office, rule, day) for rule in rules if rule.overrides),
        )


def _override_row(office: Office, rule: Rule, day: date) -> OverrideRow:
    replaced = office.site.bench.law.overridden(rule.id, day)
    return OverrideRow(
        rule.label[office.site.locale], replaced.citation if replaced else rule.id, rule.basis
    )


def _on(office: Office, day: date, rule_id: str) -> Rule | None:
    return office.site.bench.law.on(rule_id, day)
