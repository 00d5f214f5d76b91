"""The executive summary of a report (ringkasan eksekutif): sentences made from its figures.

A sentence is left out if one of its figures is missing or withheld.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo

from sla.directory import SUPERIOR_OFFICE
from sla.metrics.definitions import SMALL_NUMBER
from sla.metrics.table import Cell, Row, Table
from tasks.reports.formats.method_text import reading_sentences
from tasks.reports.formats.sections import change_words, without_data
from tasks.reports.model import Report
from tasks.reports.overview import MOST_LOWEST, is_too_early, unmeasured
from tasks.text.catalog import catalog
from tasks.text.formats import day_text, moment_text, period_text
from tasks.text.numbers import decimal_text, percent_text

MOST_ADVICE = 2
"""Most units with a suggestion, those with the most late duties."""


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence, and the section with its figures: the key and the title."""

    text: str
    section: str
    title: str


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the summary, in the order of an official report."""

    title: str
    sentences: tuple[Sentence, ...]


@dataclass(frozen=True, slots=True)
class ExecutiveSummary:
    """The summary: introduction, results, conclusion and advice."""

    title: str
    parts: tuple[Part, ...]


def executive_summary(view: Report, zone: ZoneInfo) -> ExecutiveSummary:
    """Build the summary in the language of the report."""
    made, t = _Sentences(view, zone), catalog(view.names.locale)
    parts = {
        "introduction": made.introduction(),
        "results": made.results(),
        "conclusion": made.conclusion(),
        "advice": made.advice(),
    }
    return ExecutiveSummary(
        t("report.executive.title"),
        tuple(
            Part(t(f"report.executive.{key}"), found)
            for key, sentences in parts.items()
            if (found := tuple(sentences))
        ),
    )


class _Sentences:
    def __init__(self, view: Report, zone: ZoneInfo) -> None:
        self._view, self._zone = view, zone
        self._locale, self._t = view.names.locale, catalog(view.names.locale)

    def introduction(self) -> Iterator[Sentence]:
        """Yield what the report is about, until when its sources were read, and how many complaints
        came and went.
        """
        view = self._view
        yield self._said(
            "headline",
            "scope_interim" if view.interim else "scope",
            site=view.site,
            period=period_text(view, self._locale, self._zone),
            moment=moment_text(view.as_of, self._locale, self._zone),
        )
        for text in reading_sentences(view.notes.readings, self._locale, self._zone):
            yield Sentence(text, "quality", self._t("report.section.quality"))
        numbers = {key: self._figure(key) for key in ("received", "settled", "open")}
        unknown = self._figure("settled_unknown")
        if all(isinstance(each, int) for each in numbers.values()):
            form = "flow_unknown" if isinstance(unknown, int) and unknown else "flow"
            yield self._said("headline", form, **numbers, unknown=unknown)

    def results(self) -> Iterator[Sentence]:
        """Yield the shares with their targets, what is late, and what cannot be evaluated."""
        yield from self._on_time()
        headline = self._view.table("headline")
        soon = headline.row("followed_up_within_5") if headline else None
        if soon and "value" in soon.of:
            left = unmeasured(self._view, soon.key, "value")
            if isinstance(soon.cells[0], int | float):
                share = percent_text(soon.cells[0], self._locale)
                form = "soon_partly" if left else "soon"
                if soon.of["value"] < SMALL_NUMBER:
                    form = "soon_few"
                of = soon.of["value"]
                yield self._said("headline", form, n=of, of=of, share=share, left=left)
            elif left:
                later = is_too_early(self._view, soon.key, "value")
                yield self._said("headline", "soon_later" if later else "soon_none", left=left)
        yield from self._late()
        rules = self._view.table("by_rule")
        total = rules.total if rules else None
        unknown, policy = (_cell(rules, total, key) for key in ("unknown", "by_policy"))
        if isinstance(unknown, int) and unknown:
            yield self._said("by_rule", "unknown", unknown=unknown)
        elif isinstance(policy, int) and policy:
            yield self._said("by_rule", "policy", policy=policy)
        yield from self._forecast()

    def _forecast(self) -> Iterator[Sentence]:
        """Yield what ends in the week of the report if nothing is done."""
        table = self._view.table("forecast")
        row = table.rows[0] if table and table.rows else None
        ends, newly = (_cell(table, row, key) for key in ("ends", "newly_late"))
        if row and isinstance(ends, int) and isinstance(newly, int) and (ends or newly):
            day = day_text(date.fromisoformat(row.key), self._locale, self._zone)
            yield self._said("forecast", "forecast", ends=ends, newly=newly, day=day)

    def _on_time(self) -> Iterator[Sentence]:
        rules, target = self._view.table("by_rule"), self._view.target
        total = rules.total if rules else None
        evaluated, met, share = (_cell(rules, total, key) for key in ("verdicts", "met", "share"))
        if self._figure("open") is None:
            yield self._said("headline", "empty")
        elif rules and without_data(self._view, rules):
            yield self._said("headline", "no_data")
        elif not evaluated:
            yield self._said("by_rule", "none_evaluated")
        elif isinstance(evaluated, int) and isinstance(met, int) and isinstance(share, int | float):
            aim = "" if target is None else "_reached" if share >= target else "_missed"
            yield self._said(
                "by_rule",
                f"on_time{aim}",
                evaluated=evaluated,
                met=met,
                share=percent_text(share, self._locale),
                target=percent_text(target or 0, self._locale),
            )
            change = change_words(self._view, "on_time", "previous", self._zone)
            if change is not None:
                yield self._said("headline", f"change_{change.way}", by=change.by, than=change.than)

    def _late(self) -> Iterator[Sentence]:
        late, duties = self._figure("late"), self._figure("late_duties")
        listed = self._view.table("late")
        if late == 0:
            yield self._said("headline", "late_none")
        elif isinstance(late, int) and isinstance(duties, int) and listed and listed.rows:
            oldest = listed.rows[0]
            days = _cell(listed, oldest, "working_days_late")
            unit = _cell(listed, oldest, "unit")
            yield self._said(
                "late",
                "late_superior" if unit == SUPERIOR_OFFICE else "late",
                n=late,
                late=late,
                duties=duties,
                days=decimal_text(float(days), self._locale) if isinstance(days, int) else "–",
                unit=self._name("unit", unit),
            )
        elif isinstance(late, int):
            yield self._said("headline", "late_complaints", n=late, late=late)

    def conclusion(self) -> Iterator[Sentence]:
        """Yield the rule and the unit with the lowest share, and a conflict of the examiner."""
        for key, of in (("by_rule", "rule"), ("by_unit", "unit")):
            table = self._view.table(key)
            if table:
                yield from self._lowest(table, of)
        if self._figure("on_time") == 1:
            yield self._said("by_rule", "all_on_time")
        units = self._view.table("by_unit")
        for unit in self._view.notes.examiners[:1]:
            late = units.value(unit, "late") if units else None
            if isinstance(late, int) and late:
                name = self._name("unit", unit)
                text = self._t("report.conflict", unit=name, n=late)
                yield Sentence(text, "by_unit", self._t("report.section.by_unit"))

    def _lowest(self, table: Table, of: str) -> Iterator[Sentence]:
        """Yield the row with the lowest share, or those that share the lowest place."""
        rows = _worst(table)
        if not rows:
            return
        form = f"worst_{of}_few" if any(row.small for row in table.rows) else f"worst_{of}"
        share, evaluated = (_cell(table, rows[0], each) for each in ("share", "verdicts"))
        assert isinstance(share, float)
        values = {"least": SMALL_NUMBER, "share": percent_text(share, self._locale)}
        if len(rows) == 1:
            name = self._name(of, rows[0].key)
            yield self._said(table.key, form, **values, name=name, evaluated=evaluated)
            return
        names = [
            self._t(
                f"report.executive.equal_{of}",
                name=self._name(of, row.key),
                n=_cell(table, row, "verdicts"),
            )
            for row in rows
        ]
        yield self._said(table.key, f"{form}_equal", **values, names=", ".join(names))

    def advice(self) -> Iterator[Sentence]:
        """Yield what the units with the most late duties should do first."""
        late = self._view.table("late")
        if late is None:
            return
        found: dict[str, Counter[str]] = {}
        versions: dict[tuple[str, str], set[str]] = {}
        for row in late.rows:
            unit, rule = (str(_cell(late, row, key)) for key in ("unit", "rule"))
            found.setdefault(unit, Counter())[rule] += 1
            versions.setdefault((unit, rule), set()).update(row.versions)
        for unit in sorted(found, key=lambda each: (-found[each].total(), each))[:MOST_ADVICE]:
            rule, number = min(found[unit].items(), key=lambda each: (-each[1], each[0]))
            name = self._view.names.of_rule(rule, sorted(versions[unit, rule]))
            yield self._said(
                "late",
                "advice_superior" if unit == SUPERIOR_OFFICE else "advice_unit",
                unit=self._name("unit", unit),
                n=number,
                of=found[unit].total(),
                rule=name.text,
                article=name.detail,
            )
        if not found and self._figure("late") is not None:
            yield self._said("late", "advice_none")

    def _figure(self, key: str) -> Cell:
        headline = self._view.table("headline")
        return headline.value(key, "value") if headline else None

    def _name(self, of: str, key: Cell) -> str:
        return self._view.names(of, str(key)).text

    def _said(self, section: str, key: str, **values: object) -> Sentence:
        title = self._t(f"report.section.{section}")
        return Sentence(self._t(f"report.executive.{key}", **values), section, title)


def _cell(table: Table | None, row: Row | None, column: str) -> Cell:
    if table is None or row is None:
        return None
    keys = [each.key for each in table.columns]
    return row.cells[keys.index(column)] if column in keys else None


def _worst(table: Table) -> list[Row]:
    """Return the rows with the lowest share below 100 % and enough deadlines, the largest first.

    None if a share is withheld: it may be lower. None too if no other row can be compared, or if
    too many rows share the lowest place.
    """
    place = {each.key: number for number, each in enumerate(table.columns)}

    def rank(row: Row) -> tuple[float, int, str]:
        share, evaluated = row.cells[place["share"]], row.cells[place["verdicts"]]
        assert isinstance(share, float)
        return share, -evaluated if isinstance(evaluated, int) else 0, row.key

    if any(isinstance(row.cells[place["share"]], str) for row in table.rows):
        return []
    fit = table.comparable()
    low = sorted((row for row in fit if rank(row)[0] < 1), key=rank)
    lowest = [row for row in low if rank(row)[0] == rank(low[0])[0]]
    return lowest if len(fit) > 1 and len(lowest) <= MOST_LOWEST else []
