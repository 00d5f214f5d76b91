"""Render: views become text, HTML and Markdown in the language and zone of the reader."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Protocol
from zoneinfo import ZoneInfo

import css_inline

from tasks.notifications.views import AlertMail, NoticeItem, NoticeMail, QuestionsMail, WatchMail
from tasks.text.catalog import catalog
from tasks.text.formats import (
    Spanned,
    one_line,
    period_text,
    short_day_text,
)
from tasks.text.incidents import incident_text
from tasks.text.templates import render

MOST_IN_BODY = 50
"""Limit of complaints in the body of a mail; the attachment lists all of them."""

LARGEST_HTML = 102_000
"""Limit of a mail's HTML in bytes. Gmail hides everything after 102,400 bytes, and a mail ends with
the contact for questions.
"""


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
    t = catalog(locale)
    items = [*view.late, *view.coming]
    units = {item.unit for item in items}
    whose = units.pop() if len(units) == 1 else t("subject.units", n=len(units))
    if not items:
        count = len(view.corrections)
        return f"[Tenggat] {t('subject.corrections', n=count)}"
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
    return catalog(locale)(f"subject.one_{urgency}", ticket=item.ticket, n=days, day=day)


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
    t = catalog(locale)
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
    subject = f"[Tenggat] {catalog(locale)(f'alert.{view.alert}.title')}"
    return _mail("alert", subject, locale, zone, view=view)


def watch_mail(view: WatchMail, locale: str, zone: ZoneInfo) -> RenderedMail:
    """Render the mail of the watchdog: one incident by its name, or the number of incidents."""
    t = catalog(locale)
    ill = [*view.opened, *view.ongoing]
    told, form = (ill, "title") if ill else (view.resolved, "over")
    if len(told) == 1:
        text = incident_text(told[0], form, locale, zone)
    else:
        text = t("watch.many" if ill else "watch.many_well", n=len(told))
    return _mail("watch", f"[Tenggat] {text}", locale, zone, view=view)


def questions_mail(view: QuestionsMail, locale: str, zone: ZoneInfo) -> RenderedMail:
    """Render the mail with open questions: their number, or the number of rejected rows."""
    t = catalog(locale)
    asked, rows = len(view.new) + len(view.again), sum(group.rows for group in view.rejected)
    text = t("questions.subject", n=asked) if asked else t("questions.subject_rows", n=rows)
    return _mail("questions", f"[Tenggat] {text}", locale, zone, view=view)


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
