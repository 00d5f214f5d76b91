"""Describes an incident in words: its title, what to do, and that it is over."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from tasks.text.catalog import catalog
from tasks.text.formats import day_text, moment_text
from tasks.text.translation import translated

MOMENTS = ("since", "clock", "right")
"""The facts that are moments."""


WITNESSES = ("database", "mail_server", "kernel", "files")
"""The witnesses of the time with a name in the texts; the others are names of hosts."""


@dataclass(frozen=True, slots=True)
class IncidentView:
    """The view of an incident, present or ended: `kind` is a key of the texts under `watch`.

    Among the facts, `flow` is a key of the texts, those of `MOMENTS` are moments, `day` a day,
    `error` an English text, and `link` an address in the Prefect UI. Numbers are digits, and `n`
    selects singular or plural.
    """

    kind: str
    facts: Mapping[str, str]

    @property
    def link(self) -> str:
        """The address with more details, or ''."""
        return self.facts.get("link", "")


def incident_text(ill: IncidentView, form: str, locale: str, zone: ZoneInfo) -> str:
    """Return a text about an incident.

    The forms are its title (`title`), its remedy (`text`), its end (`over`), and its former state
    (`well`).
    """
    t = catalog(locale)

    def display(key: str, value: str) -> str | int:
        if key in MOMENTS:
            return moment_text(datetime.fromisoformat(value), locale, zone)
        if value.isdecimal():
            return int(value)
        if key == "witness":
            return witness_text(value, locale)
        if key == "error":
            return translated(value, locale)
        if key == "day":
            return day_text(date.fromisoformat(value), locale, zone)
        return t(f"watch.flow.{value}") if key == "flow" else value

    facts = {key: display(key, value) for key, value in ill.facts.items()}
    return t(f"watch.{ill.kind}.{form}", **facts)


def witness_text(name: str, locale: str) -> str:
    """Return the name of a witness of the time: one of ours in words, a web server as it is."""
    return catalog(locale)(f"watch.witness.{name}") if name in WITNESSES else name
