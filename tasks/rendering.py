"""Render: views become text, HTML and Markdown in the language and zone of the reader."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, Protocol
from zoneinfo import ZoneInfo

import css_inline
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from tasks.views import AlertMail, Ill, NoticeItem, NoticeMail, WatchMail

TEMPLATES = Path(__file__).parent.parent / "templates"
LONGEST_SUBJECT = 120

MOST_IN_BODY = 50
"""Limit of complaints in the body of a mail; the attachment lists all of them."""

LARGEST_HTML = 102_000
"""Limit of a mail's HTML in bytes. Gmail hides everything after 102,400 bytes, and a mail ends with
the contact for questions.
"""

INDONESIAN_ZONES = {
    "Asia/Jakarta": "WIB",
    "Asia/Pontianak": "WIB",
    "Asia/Makassar": "WITA",
    "Asia/Jayapura": "WIT",
}


class Spanned(Protocol):
    """An object about a period: the name of the period and its local days, both ends included."""

    @property
    def period_key(self) -> str:
        """The name of the period: `2026-11`."""

    @property
    def first(self) -> date:
        """The first day of the period."""

    @property
    def last(self) -> date:
        """The last day of the period."""


class Summed(Spanned, Protocol):
    """The digest of a report."""

    @property
    def late_now(self) -> int:
        """Number of late complaints."""


@dataclass(frozen=True, slots=True)
class RenderedMail:
    """A mail with its subject and bodies, without headers."""

    subject: str
    text: str
    html: str
    left_out: int = 0
    """Number of complaints left out of the body."""


class Words:
    """The texts of one language (i18n catalogue) from `templates/words/`, by dotted key.

    A call fills `{name}` in a text from the arguments, with numbers in the language's notation. If
    a key has `one` and `other`, the argument `n` selects one of them. An unknown key raises
    `KeyError`, so that no text is ever missing silently.
    """

    def __init__(self, locale: str) -> None:
        self.locale = locale
        path = TEMPLATES / "words" / f"{locale}.toml"
        self.table: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
        self._known: dict[str, Any] = {}

    def __call__(self, key: str, **values: object) -> str:
        """Return the text of a key with its placeholders filled."""
        found = self._found(key)
        if isinstance(found, dict):
            found = found["one"] if values.get("n") == 1 and "one" in found else found["other"]
        written = {
            name: number_text(value, self.locale) if isinstance(value, int) else value
            for name, value in values.items()
        }
        return str(found).format(**written) if written else str(found)

    def names(self, key: str) -> list[str]:
        """Return a list of words, such as the names of the months."""
        return [str(word) for word in self._found(key)]

    def _found(self, key: str) -> Any:
        if key in self._known:
            return self._known[key]
        found: Any = self.table
        for part in key.split("."):
            if not isinstance(found, dict) or part not in found:
                raise KeyError(f"the texts of '{self.locale}' have no key '{key}'")
            found = found[part]
        self._known[key] = found
        return found


@lru_cache
def words(locale: str) -> Words:
    """Load the texts of a language; the result is cached."""
    return Words(locale)


def day_text(value: date | datetime, locale: str, zone: ZoneInfo) -> str:
    """Return a day in words: 'Selasa, 24 November 2026' or 'Tuesday, 24 November 2026'."""
    day = _local_day(value, zone)
    t = words(locale)
    weekday, month = t.names("date.days")[day.weekday()], t.names("date.months")[day.month - 1]
    return f"{weekday}, {day.day} {month} {day.year}"


def short_day_text(value: date | datetime, locale: str, zone: ZoneInfo) -> str:
    """Return a short day: '24 Nov 2026', with the language's short month."""
    day = _local_day(value, zone)
    return f"{day.day} {words(locale).names('date.short_months')[day.month - 1]} {day.year}"


def weekday_day_text(value: date | datetime, locale: str, zone: ZoneInfo) -> str:
    """Return a short day with its weekday, for columns of days: 'Sel 24 Nov 2026'."""
    weekday = words(locale).names("date.short_days")[_local_day(value, zone).weekday()]
    return f"{weekday} {short_day_text(value, locale, zone)}"


def moment_text(value: datetime, locale: str, zone: ZoneInfo, *, exact: bool = False) -> str:
    """Return a moment: 'Selasa, 24 November 2026 pukul 08.00 WITA'; `exact` adds seconds."""
    local = value.astimezone(zone)
    t = words(locale)
    clock = local.strftime(t("date.exact_clock" if exact else "date.clock"))
    return t(
        "date.moment", day=day_text(value, locale, zone), clock=clock, zone=zone_name(local, zone)
    )


def zone_name(moment: datetime, zone: ZoneInfo) -> str:
    """Return the usual name of a zone: WIB, WITA, WIT, or its own abbreviation."""
    return INDONESIAN_ZONES.get(zone.key) or moment.astimezone(zone).tzname() or zone.key


def percent_text(value: float | None, locale: str) -> str:
    """Return a share as '87,3%' or '87.3%'; a dash for None."""
    return "–" if value is None else decimal_text(100 * value, locale) + "%"


def decimal_text(value: float | None, locale: str) -> str:
    """Return a number with one decimal, or none if it is whole, in the language's notation."""
    if value is None:
        return "–"
    text = f"{value:,.1f}".removesuffix(".0")
    return text.translate(str.maketrans(",.", ".,")) if locale == "id" else text


def number_text(value: int, locale: str) -> str:
    """Return a whole number with separators: 1.234 or 1,234."""
    return f"{value:,}".replace(",", ".") if locale == "id" else f"{value:,}"


def size_text(count: int, locale: str) -> str:
    """Return a number of bytes as a size: '3.4 MB' or '3,4 MB'."""
    amount, units = count / 1000, ("kB", "MB", "GB", "TB")
    power = 0
    while amount >= 1000 and power < len(units) - 1:
        amount, power = amount / 1000, power + 1
    return f"{decimal_text(amount, locale)} {units[power]}"


def markdown_text(value: object) -> str:
    """Escape a value, so that Markdown and HTML show it as plain text on one line."""
    flat = " ".join(str(value).split())
    return (
        re.sub(r"([\\`*_{}\[\]<>()#+!|~$&])", r"\\\1", flat)
        .replace("\\<", "&lt;")
        .replace("\\>", "&gt;")
    )


def one_line(text: str, length: int = LONGEST_SUBJECT) -> str:
    """Return a text for a header: one line, no control or direction characters, limited length."""
    plain = "".join(c if unicodedata.category(c)[0] != "C" else " " for c in text)
    flat = " ".join(plain.split())
    return flat if len(flat) <= length else flat[: length - 1] + "…"


@lru_cache
def _environment(locale: str, zone: ZoneInfo) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=select_autoescape(["html.j2"], default=False, default_for_string=False),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    filters: dict[str, Callable[..., str]] = {
        "day": partial(day_text, locale=locale, zone=zone),
        "short_day": partial(short_day_text, locale=locale, zone=zone),
        "iso_day": lambda text: short_day_text(date.fromisoformat(text), locale, zone),
        "weekday_day": partial(weekday_day_text, locale=locale, zone=zone),
        "moment": partial(moment_text, locale=locale, zone=zone),
        "percent": partial(percent_text, locale=locale),
        "decimal": partial(decimal_text, locale=locale),
        "number": partial(number_text, locale=locale),
        "size": partial(size_text, locale=locale),
        "md": markdown_text,
        "flat": lambda text: one_line(text, 500),
        "wrap72": _wrapped,
        "ill": lambda ill, form: ill_text(ill, form, locale, zone),
    }
    environment.filters.update(filters)
    environment.globals.update(t=words(locale), locale=locale)
    return environment


def render(template: str, *, locale: str, zone: ZoneInfo, **values: Any) -> str:
    """Render one template with these values."""
    return _environment(locale, zone).get_template(template).render(**values)


def notice_mail(view: NoticeMail, locale: str, zone: ZoneInfo) -> RenderedMail:
    """Render the mail about late and coming deadlines for one recipient.

    With more than `MOST_IN_BODY` complaints, or with too large an HTML body, the least urgent
    complaints are only counted.
    """
    subject = notice_subject(view, locale, zone)
    view = view.cut(MOST_IN_BODY)
    mail = _mail("notices", subject, locale, zone, view=view)
    while (size := len(mail.html.encode())) > LARGEST_HTML and view.shown > 1:
        view = view.cut(min(view.shown - 1, view.shown * LARGEST_HTML // size))
        mail = _mail("notices", subject, locale, zone, view=view)
    return replace(mail, left_out=view.not_shown)


def notice_subject(view: NoticeMail, locale: str, zone: ZoneInfo) -> str:
    """Return the subject: the number or name of the late complaints, and their unit.

    It never contains a complaint's title.
    """
    t = words(locale)
    items = [*view.late, *view.coming]
    units = {item.unit for item in items}
    whose = units.pop() if len(units) == 1 else t("subject.units", n=len(units))
    if view.late_count + view.coming_count == 1:
        text = _subject_of_one(items[0], view.now, locale, zone)
    else:
        urgencies = Counter(_urgency(item, view.now, zone) for item in view.coming)
        urgencies["late"] = view.late_count
        urgencies["coming"] += view.coming_count - len(view.coming)
        keys = [key for key in ("late", "today", "tomorrow", "coming") if urgencies[key]]
        forms = [key if key == "late" or n else f"first_{key}" for n, key in enumerate(keys)]
        text = ", ".join(
            t(f"subject.{form}", n=urgencies[key]) for form, key in zip(forms, keys, strict=True)
        )
    return f"[Tenggat] {text} ({whose})" if whose else f"[Tenggat] {text}"


def _subject_of_one(item: NoticeItem, now: datetime, locale: str, zone: ZoneInfo) -> str:
    urgency, days = _urgency(item, now, zone), abs(item.worst.working_days_left)
    if urgency == "coming" and not days:
        urgency = "on"
    day = short_day_text(item.worst.due, locale, zone)
    return words(locale)(f"subject.one_{urgency}", ticket=item.ticket, n=days, day=day)


def _urgency(item: NoticeItem, now: datetime, zone: ZoneInfo) -> str:
    due = item.worst.due
    if item.worst.late:
        return "late"
    days = (due.astimezone(zone).date() - now.astimezone(zone).date()).days
    return {0: "today", 1: "tomorrow"}.get(days, "coming")


def summary_mail(
    view: Summed, recipient: str, role: str, locale: str, zone: ZoneInfo, earlier: str = ""
) -> RenderedMail:
    """Render the mail with a compliance report: its digest on one screen.

    `earlier` is a text about the changes of an earlier report.
    """
    t = words(locale)
    subject = t("subject.summary", period=period_text(view, locale, zone), late=view.late_now)
    return _mail(
        "summary",
        f"[Tenggat] {subject}",
        locale,
        zone,
        view=view,
        recipient=recipient,
        role=role,
        earlier=earlier,
    )


def alert_mail(view: AlertMail, locale: str, zone: ZoneInfo) -> RenderedMail:
    """Render the alert to the administrator about the pipeline itself."""
    subject = f"[Tenggat] {words(locale)(f'alert.{view.alert}.title')}"
    return _mail("alert", subject, locale, zone, view=view)


def watch_mail(view: WatchMail, locale: str, zone: ZoneInfo) -> RenderedMail:
    """Render the mail of the watchdog: one incident by its name, or the number of incidents."""
    t = words(locale)
    ill = [*view.new, *view.again]
    told, form = (ill, "title") if ill else (view.well, "over")
    if len(told) == 1:
        text = ill_text(told[0], form, locale, zone)
    else:
        text = t("watch.many" if ill else "watch.many_well", n=len(told))
    return _mail("watch", f"[Tenggat] {text}", locale, zone, view=view)


def ill_text(ill: Ill, form: str, locale: str, zone: ZoneInfo) -> str:
    """Return a text about an incident.

    The forms are its title (`title`), its remedy (`text`), its end (`over`), and its former state
    (`well`).
    """
    t = words(locale)

    def told(key: str, value: str) -> str | int:
        if key == "since":
            return moment_text(datetime.fromisoformat(value), locale, zone)
        if value.isdecimal():
            return int(value)
        if key == "day":
            return day_text(date.fromisoformat(value), locale, zone)
        return t(f"watch.flow.{value}") if key == "flow" else value

    facts = {key: told(key, value) for key, value in ill.facts.items()}
    return t(f"watch.{ill.kind}.{form}", **facts)


def period_text(view: Spanned, locale: str, zone: ZoneInfo) -> str:
    """Return a period in words: 'November 2026', or its first and last day."""
    t = words(locale)
    whole = view.first.day == 1 and (view.first.year, view.first.month) == (
        view.last.year,
        view.last.month,
    )
    if whole and re.fullmatch(r"\d{4}-\d{2}", view.period_key):
        return f"{t.names('date.months')[view.first.month - 1]} {view.first.year}"
    return f"{short_day_text(view.first, locale, zone)} – {short_day_text(view.last, locale, zone)}"


def _mail(name: str, subject: str, locale: str, zone: ZoneInfo, **values: Any) -> RenderedMail:
    subject = one_line(subject)
    more = (
        {"subject": subject, "period": period_text(values["view"], locale, zone)}
        if name == "summary"
        else {"subject": subject}
    )
    html = render(f"email/{name}.html.j2", locale=locale, zone=zone, **values, **more)
    text = render(f"email/{name}.txt.j2", locale=locale, zone=zone, **values, **more)
    tidy = re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"
    return RenderedMail(subject, tidy, _inlined(html))


def _inlined(html: str) -> str:
    """Move styles to the elements, for Outlook; rules for phones and dark mode stay."""
    inliner = css_inline.CSSInliner(keep_style_tags=True, load_remote_stylesheets=False)
    return inliner.inline(html)


def _wrapped(text: str | Markup, indent: int = 0) -> str:
    lines: list[str] = []
    current = ""
    for word in str(text).split():
        if current and len(current) + 1 + len(word) > 72 - indent:
            lines.append(current)
            current = word
        else:
            current = f"{current} {word}".strip()
    return ("\n" + " " * indent).join([*lines, current])


def _local_day(value: date | datetime, zone: ZoneInfo) -> date:
    return value.astimezone(zone).date() if isinstance(value, datetime) else value
