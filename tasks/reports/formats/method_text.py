"""Describe the sources, the method and the law behind a report, for HTML and PDF alike."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from zoneinfo import ZoneInfo

from sla.regulations.model import rule_of
from tasks.reports.model import Notes, RegulationRow, Report, SourceReading
from tasks.text.catalog import catalog
from tasks.text.formats import day_text, moment_text, short_day_text


@dataclass(frozen=True, slots=True)
class RegulationText:
    """A regulation in force: its text, a remark next to it, and lines below it.

    `unconfirmed` names the rules with unverified terms; it is empty if there are none.
    """

    text: str
    remark: str
    overrides: tuple[str, ...]
    unconfirmed: str


@dataclass(frozen=True, slots=True)
class MethodShown:
    """The section on method: how days are counted, the law, the holidays, and the evidence.

    `versions` has a line for each rule that changed: which version applies from which day.
    `explain` says how to verify one complaint; it is empty in a public edition.
    """

    counting: str
    regulations_title: str
    regulations: tuple[RegulationText, ...]
    versions_title: str
    versions: tuple[str, ...]
    holidays_title: str
    holidays: str
    explain: str
    evidence: str


def method_shown(view: Report, zone: ZoneInfo) -> MethodShown:
    """Build the section on method in the language of the report."""
    t, notes = catalog(view.names.locale), view.notes
    policy = t("summary.policy", policy=t(f"policy.{notes.policy}"))
    return MethodShown(
        counting=f"{t('summary.counting')} {policy}",
        regulations_title=t("summary.regulations"),
        regulations=tuple(_regulation(row, view.names.locale) for row in notes.regulations),
        versions_title=t("summary.versions"),
        versions=tuple(_versions(notes, view.names.locale, zone)),
        holidays_title=t("summary.holidays"),
        holidays=_holidays(notes, view.names.locale, zone),
        explain=t("report.explain") if view.edition == "full" else "",
        evidence=t("report.evidence", revision=notes.revision, sha256=view.sha256),
    )


def reading_sentences(
    readings: Sequence[SourceReading], locale: str, zone: ZoneInfo
) -> Iterator[str]:
    """Yield until when each source was read, and a sentence for each that ends too early."""
    t = catalog(locale)
    read = {each.source: moment_text(each.until, locale, zone) for each in readings if each.until}
    if read:
        listed = "; ".join(f"{source}: {moment}" for source, moment in read.items())
        yield t("summary.readings", listed=listed)
    for each in readings:
        if each.ends_early:
            form = "ends_early" if each.source in read else "never_read"
            yield t(f"summary.{form}", source=each.source, moment=read.get(each.source))


def source_notes(view: Report, zone: ZoneInfo) -> list[str]:
    """List what readers must know about the sources: missing days, vacancies, limits."""
    return [*_conflicts(view), *_source_notes(view.notes, view.names.locale, zone)]


def _conflicts(view: Report) -> Iterator[str]:
    """Yield a sentence for each unit that examines the report and has late complaints itself."""
    units = view.table("by_unit")
    for unit in view.notes.examiners:
        late = units.value(unit, "late") if units else None
        if isinstance(late, int) and late:
            name = view.names("unit", unit).text
            yield catalog(view.names.locale)("report.conflict", unit=name, n=late)


def _source_notes(notes: Notes, locale: str, zone: ZoneInfo) -> Iterator[str]:
    t = catalog(locale)
    for source, days in notes.missing:
        listed = ", ".join(short_day_text(day, locale, zone) for day in days)
        yield t("summary.missing", n=len(days), source=source, days=listed)
    for unit, role in notes.vacancies:
        yield t("summary.vacancy", unit=unit, role=t(f"role.{role}"))
    for source, rules in notes.not_evaluated:
        yield t("summary.not_evaluated", source=source, rules="; ".join(rules))
    for source, working_days in notes.shown_later:
        yield t("summary.shown_later", source=source, n=working_days)


def _regulation(row: RegulationRow, locale: str) -> RegulationText:
    t = catalog(locale)
    unconfirmed = "; ".join(row.rules_to_be_confirmed)
    return RegulationText(
        text=row.title if row.title == row.citation else f"{row.citation}: {row.title}",
        remark=f"({row.note})" if row.note else "",
        overrides=tuple(
            t("summary.overrides", rule=one.rule, replaced=one.replaced, basis=one.basis)
            for one in row.overrides
        ),
        unconfirmed=t("summary.to_be_confirmed", rules=unconfirmed) if unconfirmed else "",
    )


def _versions(notes: Notes, locale: str, zone: ZoneInfo) -> Iterator[str]:
    """Yield a line for each rule that changed: its versions with the days of their clocks."""
    t = catalog(locale)
    for _, group in groupby(notes.versions, key=lambda row: rule_of(row.key)):
        rows = list(group)
        said = []
        for row in rows:
            first, last = (
                day_text(day, locale, zone) if day else "" for day in (row.first, row.last)
            )
            form = "between" if first and last else "from" if first else "until"
            text = t(f"summary.version_{form}", citation=row.citation, first=first, last=last)
            said.append(text)
        yield f"{rows[-1].rule}: {'; '.join(said)}"


def _holidays(notes: Notes, locale: str, zone: ZoneInfo) -> str:
    """Format the holidays of the period as one sentence."""
    t = catalog(locale)
    days = (
        f"{day_text(day, locale, zone)}: {name}"
        + (f" ({t('summary.estimate')})" if estimate else "")
        for day, name, estimate in notes.holidays
    )
    return ("; ".join(days) or t("summary.no_holidays")) + "."
