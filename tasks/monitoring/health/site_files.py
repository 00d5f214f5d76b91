"""Check the site's own files: offices, holds, calendar and law."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from datetime import date, datetime
from pathlib import Path

from settings.mapping import TERMINAL, SourceMapping
from settings.site import EXAMPLE, Site
from sla.directory import Role
from sla.events import Kind
from sla.ladders import SUPERIORS
from sla.regulations.model import Law, LengthUnit, Rule
from sla.regulations.overrides import later_versions
from tasks.common.redaction import plain_name
from tasks.monitoring.health.finding import Finding
from tasks.monitoring.incidents import WARN_BEFORE_YEAR_END
from tasks.sources.folder import EXPORTS


def offices(site: Site, now: datetime) -> Iterator[Finding]:
    """Report vacancies; without any administrator there is no recipient for faults."""
    today = now.astimezone(site.zone).date()
    for unit, role in site.directory.vacancies(today):
        yield Finding(
            "note",
            f"{site.directory.name_of(unit)} ({unit}) has no {role}",
            "its notices go to the parent unit or the administrator; name one in the workbook"
            " (`tenggat directory export`, then `import`) or in officers.csv",
            counted="vacancies",
        )
    notified = {role for ladder in site.ladders for rung in ladder.rungs for role in rung.roles}
    for role in SUPERIORS:
        if role in notified and not site.directory.is_held(role, today):
            yield Finding(
                "note",
                f"nobody holds the role {role}",
                "its notices go to the administrator; name one in the workbook (`tenggat directory"
                " export`, then `import`) or in officers.csv",
                counted="superiors",
            )
    if not site.directory.holders(Role.ADMINISTRATOR, None, today).offices:
        yield Finding(
            "trouble",
            "nobody holds the role administrator",
            "add a holder in the directory (direktori.xlsx or officers.csv)",
        )


def holds(site: Site, now: datetime) -> Iterator[Finding]:
    """Report the holds in force at present."""
    today = now.astimezone(site.zone).date()
    for hold in site.holds:
        if hold.on(today):
            until = f"until {hold.last}" if hold.last else "without an end"
            yield Finding(
                "note",
                f"rungs {', '.join(hold.rungs)} are on hold for {', '.join(hold.units)} {until}"
                f" ({hold.reason})",
                "take the [[hold]] out of escalation.toml, or give it a `to`, when it is over",
            )


def calendar(site: Site, now: datetime) -> Iterator[Finding]:
    """Report how far the holidays are known, and which days are estimates."""
    known = site.evaluation_context.calendar
    today = now.astimezone(site.zone).date()
    if known.decreed_until - today < WARN_BEFORE_YEAR_END:
        yield Finding(
            "note",
            f"holidays are decreed until {known.decreed_until} only;"
            " later due dates are provisional",
            "add the new decree to holidays.toml, or update the package `holidays`",
        )
    else:
        yield Finding("good", f"working calendar known until {known.decreed_until}")
    estimates = [
        day
        for day, off in known.days_off.items()
        if off.estimate and today <= day < date(today.year + 2, 1, 1)
    ]
    for day in sorted(estimates):
        yield Finding(
            "note",
            f"{day} ({known.days_off[day].name}) is an estimate",
            "confirm or move it in holidays.toml when it is decreed",
            counted="estimates",
        )


def rules(site: Site, now: datetime) -> Iterator[Finding]:
    """Report the rules in force, to be confirmed, replaced by the site, and ending soon."""
    today = now.astimezone(site.zone).date()
    law, own_folders = site.evaluation_context.law, site.file.regulations
    in_force = [rule for rule_id in law.ids if (rule := law.on(rule_id, today))]
    yield Finding("good", f"{len(in_force)} rules in force on {today}")
    for regulation in dict.fromkeys(rule.regulation for rule in in_force):
        rules = [r for r in in_force if r.regulation is regulation and r.certainty.to_be_confirmed]
        if rules:
            names = ", ".join(f"{rule.id} ({rule.certainty})" for rule in rules)
            own = any((site.folder / each / regulation.file).is_file() for each in own_folders)
            yield Finding(
                "note",
                f"rules of {regulation.citation} to be confirmed: {names}",
                "a legal officer reads the official text, then runs `tenggat law confirm`, or"
                f" corrects {regulation.file}"
                if own
                else "a legal officer reads the official text, then runs `tenggat law confirm`, or"
                " replaces it by a rule of the site",
            )
    yield from _overrides(law, today)
    yield from _endings(law, today)


def _overrides(law: Law, today: date) -> Iterator[Finding]:
    """Report rules replaced by the site, now or in the future."""
    for rule in law.overriding:
        if rule.in_force_to is not None and rule.in_force_to < today:
            continue
        begins = rule.in_force_from or today
        replaced = law.overridden(rule.id, max(begins, today))
        days = f" from {begins} on" if begins > today else ""
        days += f" until {rule.in_force_to}" if rule.in_force_to else ""
        former = f" ({replaced.citation_in('en')})" if replaced else ""
        yield Finding(
            "note",
            f"rule {rule.id}{former} is replaced by"
            f" {rule.citation_in('en')}{days}, on the basis of {rule.basis}",
            f"a legal officer answers for it; it stands in {rule.regulation.file}",
        )
        if replaced and rule.is_longer_than(replaced):
            yield Finding(
                "note",
                f"rule {rule.id} allows {_length(rule)}, more than {replaced.citation}"
                f" ({_length(replaced)})",
                "a regulation of a site may be stricter than the national one, not laxer; check"
                f" `length` and `unit` in {rule.regulation.file}",
            )
        for version, keys in later_versions(law, rule):
            yield Finding(
                "note",
                f"the replacement of {rule.id} in {rule.regulation.file} does not follow"
                f" {version.citation_in('en')}, which from {version.in_force_from} on differs in"
                f" {', '.join(keys)} from the version before",
                "a legal officer compares both; if the change is to apply, end the replacement on"
                " the day before, and write another one from that day on",
            )


def _length(rule: Rule) -> str:
    unit = "working days" if rule.unit is LengthUnit.WORKING_DAY else "days"
    return f"{rule.length} {unit}"


def _endings(law: Law, today: date) -> Iterator[Finding]:
    """Report rules ended, or ending soon, without a later version."""
    for rule_id in law.ids:
        last = law.spans(rule_id)[-1]
        if last.last - today < WARN_BEFORE_YEAR_END and not last.rule.ended_by:
            yield Finding(
                "note",
                f"rule {rule_id} is in force until {last.last}, and no later version follows",
                f"add the text that follows, or say what ended it in {last.rule.regulation.file}:"
                ' in_force.ended_by = "..."',
            )


def first_watched_day(site: Site, now: datetime) -> Iterator[Finding]:
    """Report a first watched day in the future: until then no complaint has a deadline."""
    since = site.file.since
    if since is not None and since > now.astimezone(site.zone).date():
        yield Finding(
            "note",
            f"no complaint is watched: `since` is {since}, and only complaints received from that"
            " day on have deadlines and mails",
            "correct `since` in site.toml, unless the site is to begin on that day",
        )


def reminding_sources(site: Site) -> Iterator[Finding]:
    """Report sources of which nobody states that a complaint is settled."""
    for name, source in site.sources.items():
        completing = ", ".join(source.completed_by)
        if source.only_reminds and not completing:
            yield Finding(
                "note",
                f"source {name} can only remind, not judge: nothing tells it that a complaint is"
                " settled",
                f"write stated_by under [{name}] in sources.toml if officials state it by reply or"
                " with `tenggat complaint settle`, or completes under another source that shows it",
            )
        elif source.only_reminds:
            yield Finding(
                "note",
                f"source {name} is judged by the steps that {completing} shows; a duty without any"
                " is unknown after its deadline, never missed",
                f"write stated_by under [{name}] in sources.toml if officials state every step",
            )


def endless_sources(site: Site) -> Iterator[Finding]:
    """Report sources that do not show when a complaint ends: no deadline of it can be judged."""
    for name, source in site.sources.items():
        if not TERMINAL & source.sees:
            yield Finding(
                "note",
                f"source {name} does not show when a complaint ends: the deadlines for its"
                " settlement are not watched",
                "add a column 'Tgl Selesai', or the word 'Selesai' in the column of the status, to"
                " the file, and map it in sources.toml (`tenggat source learn FILE`)",
            )


def sources_without_unit(site: Site) -> Iterator[Finding]:
    """Report sources that never name the responsible unit: the administrator's unit has it all."""
    for name, source in site.sources.items():
        if source.is_exchange or source.completes is not None:
            continue
        if any(map(_names_units, (source, *source.completed_by.values()))):
            continue
        unit = site.directory.name_of(site.administrator_unit) or site.name
        yield Finding(
            "note",
            f"source {name} has no column of the responsible unit: all of its complaints count as"
            f" those of {unit}",
            "add a column 'OPD Penanggung Jawab' with the names of units to the file, and map it in"
            f" sources.toml (`tenggat source learn FILE`); or write constants.unit under [{name}]",
        )


def _names_units(source: SourceMapping) -> bool:
    named = source.fields.unit or "unit" in source.constants
    if source.layout == "history":  # only an assignment gives a complaint to a unit
        assigned = [event for event in source.events if event.kind == Kind.ASSIGNED]
        return any(event.unit or "unit" in source.constants for event in assigned)
    return bool(named) or any(event.unit for event in source.events)


def misplaced(site: Site) -> Iterator[Finding]:
    """Report exports beside the folders of the sources: no source reads them."""
    places = {
        place.resolve()
        for each in site.sources.values()
        if (place := each.files_in(site.folder)) is not None
    }
    for parent in sorted({place.parent for place in places} - places - {site.folder.resolve()}):
        names = ", ".join(sorted(place.name for place in places if place.parent == parent))
        for path in _files_in(parent):
            if path.suffix.lower() in EXPORTS:
                yield Finding(
                    "note",
                    f"nobody reads {plain_name(path.name)} in {parent}",
                    f"move it into the folder of its source there: {names}",
                )


def samples(site: Site) -> Iterator[Finding]:
    """Report files of the example site, with invented complaints, in the folders of another one."""
    if site.folder.resolve() == EXAMPLE.resolve():
        return
    invented = set(_names_and_sizes(EXAMPLE / "inbox"))
    for name, source in site.sources.items():
        folders = [each for each in source.folders(site.folder) if site.may_use(each)]
        found = [file for folder in folders for file in _names_and_sizes(folder)]
        copied = sum(file in invented for file in found)
        if copied:
            yield Finding(
                "trouble",
                f"source {name} has {copied} files of the example site: invented complaints",
                "delete them before the first run; after a run, begin with a new database",
            )


def _files_in(folder: Path) -> list[Path]:
    """Return the files of a folder itself; none if it cannot be read."""
    try:
        with os.scandir(folder) as entries:
            return [Path(entry.path) for entry in entries if entry.is_file()]
    except OSError:
        return []


def _names_and_sizes(folder: Path) -> Iterator[tuple[str, int]]:
    """Yield the name and the size in bytes of each file in a folder and the folders in it.

    What cannot be read, or is moved away in the meantime, is left out.
    """
    for place, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):
                yield name, Path(place, name).stat().st_size
