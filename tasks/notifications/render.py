"""Render: views become text, HTML and Markdown in the language and zone of the reader."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from sla.directory import OfficeHolder, Role
from tasks.notifications.coat_of_arms import CoatOfArms
from tasks.notifications.views import (
    AlertMail,
    Desk,
    DeskSection,
    Duty,
    ListedHandOver,
    QuestionsMail,
    TrialMail,
    WatchMail,
)
from tasks.text.catalog import catalog
from tasks.text.formats import (
    Spanned,
    moment_text,
    one_line,
    period_text,
    short_day_text,
    weekday_day_text,
)
from tasks.text.incidents import incident_text
from tasks.text.inline_styles import inline_styles
from tasks.text.templates import render, shared_macros
from tasks.text.titles import office_title

MOST_IN_BODY = 50
"""Limit of complaints in the body of a mail; the attachment lists all of them."""

MOST_FOR_SUPERIORS = 15
"""Limit of complaints in the body of a superior's mail, which is read on a phone."""

LONGEST_SUBJECT = 60
"""Limit of the subject of a notice mail in characters."""

SHOWN_ON_A_PHONE = 40
"""Number of characters of a subject that a phone shows."""

LONGEST_TICKET = 24
"""Limit of a ticket in a subject; the mail shows the whole ticket."""

LARGEST_HTML = 100_000
"""Limit of a mail's HTML in bytes. Gmail hides everything after 102,400 bytes, and a mail ends with
the contact for questions.
"""


class Summed(Spanned, Protocol):
    """The overview of a report."""

    @property
    def late_now(self) -> int | None:
        """Number of late complaints."""


@dataclass(frozen=True, slots=True)
class RenderedMail:
    """A mail with its subject and bodies, without headers; `coat` is a picture of the HTML body."""

    subject: str
    text: str
    html: str
    coat: CoatOfArms | None = None


def most_in_body(desk: Desk) -> int:
    """Return the limit of complaints in the body of a mail."""
    return MOST_FOR_SUPERIORS if desk.superior else MOST_IN_BODY


def desk_mail(desk: Desk, locale: str, zone: ZoneInfo) -> tuple[RenderedMail, Desk]:
    """Render the mail with the desk of one reader; return it with the desk as its body shows it.

    With more complaints than :func:`most_in_body`, or with too large an HTML body,
    the least urgent complaints are in the workbook only.
    """
    subject = desk_subject(desk, locale)
    desk = desk.cut(most_in_body(desk))
    while True:
        mail = _desk_mail(desk, subject, locale, zone)
        size, shown = len(mail.html.encode()), len(desk.items)
        if size <= LARGEST_HTML or shown <= 1:
            return mail, desk
        desk = desk.cut(min(shown - 1, shown * LARGEST_HTML // size))


def _desk_mail(desk: Desk, subject: str, locale: str, zone: ZoneInfo) -> RenderedMail:
    told = {"view": desk, "texts": DutyTexts(desk.now, locale, zone)}
    parts = shared_macros("email/notices_parts.j2", locale=locale, zone=zone, **told)
    return _mail("notices", subject, locale, zone, coat=desk.coat, parts=parts, **told)


def desk_subject(desk: Desk, locale: str) -> str:
    """Return the subject: the numbers of complaints, then the unit, in at most `LONGEST_SUBJECT`
    characters.

    The subject of a mail in a thread names its complaint alone and stays the same, so that mail
    programs keep the thread together. A subject never contains a title.
    """
    t = catalog(locale)
    item = desk.thread_item
    if item is not None:
        parts = [t("subject.one", ticket=one_line(item.ticket, LONGEST_TICKET))]
    else:
        parts = _subject_parts(desk, locale)
    least = 3 if desk.corrections else 2
    while len(_joined(parts, desk.place)) > SHOWN_ON_A_PHONE and len(parts) > least:
        parts.pop()  # the least urgent number
    while len(one_line(_joined(parts, desk.place))) > LONGEST_SUBJECT and len(parts) > 2:
        parts.pop()
    return _cut(one_line(_joined(parts, desk.place)))


def _cut(subject: str) -> str:
    """Return a subject in at most `LONGEST_SUBJECT` characters, cut between two words if it has
    any in its second half, and behind no comma.
    """
    cut = one_line(subject, LONGEST_SUBJECT)
    if cut == subject or subject[len(cut) - 1] == " ":
        return cut
    whole = cut.rpartition(" ")[0].rstrip(" ,–")
    return f"{whole}…" if len(whole) >= LONGEST_SUBJECT // 2 else cut


def _subject_parts(desk: Desk, locale: str) -> list[str]:
    """Return the numbers of a subject, the most urgent first."""
    t = catalog(locale)
    numbers = {str(section): desk.count(section) for section in DeskSection}
    numbers["today"] += desk.count(DeskSection.LAST_DAY) + desk.late_and_due_today
    if desk.superior and desk.own_count and not desk.acts_on_the_late_ones:
        numbers = {"own": desk.own_count, "late": desk.count(DeskSection.LATE)}
    order = ("own", "late", "today", "soon", "later")
    parts = [t(f"subject.{key}", n=numbers[key]) for key in order if numbers.get(key)]
    if desk.corrections:
        form = "correction" if parts else f"corrections_{_correction_kind(desk)}"
        parts.insert(0, t(f"subject.{form}", n=len(desk.corrections)))
    return parts


def _correction_kind(desk: Desk) -> str:
    """Return the kind of a desk's corrections, a part of a text key."""
    undecided = desk.undecided_corrections
    if desk.corrected_units or desk.early_notices:
        return "mixed"
    if not undecided:
        return "not_late"
    return "undecided" if undecided == len(desk.corrections) else "mixed"


def _joined(parts: Sequence[str], place: str) -> str:
    text = ", ".join(parts)
    return f"{text} – {place}" if place else text


@dataclass(frozen=True, slots=True)
class DutyTexts:
    """Words about a duty at a moment: its due time and the time left, in the days of its law."""

    now: datetime
    locale: str
    zone: ZoneInfo

    def due(self, duty: Duty) -> str:
        """Return the due time: a day, or a moment if a time of day was promised."""
        if duty.exact:
            return moment_text(duty.due, self.locale, self.zone, exact=True)
        weekday = weekday_day_text(duty.due, self.locale, self.zone).partition(" ")[0]
        return f"{weekday} {self.day(duty.due)}"

    def due_of_other(self, duty: Duty) -> str:
        """Return the due time of a duty that is not the worst: it says so if today is the last day
        or the last working day.
        """
        if not duty.ends_today:
            return self.due(duty)
        today = duty.section is DeskSection.TODAY
        form = "mail.also_today" if today else "mail.also_last_working_day"
        return catalog(self.locale)(form, day=self.due(duty))

    def day(self, moment: datetime) -> str:
        """Return a short day, without the year if it is the present one: '24 Nov'."""
        text = short_day_text(moment, self.locale, self.zone)
        this_year = moment.astimezone(self.zone).year == self.now.astimezone(self.zone).year
        return text.rpartition(" ")[0] if this_year else text

    def hand_over(self, found: ListedHandOver) -> str:
        """Return when a duty came to its unit, and the unit that had it before."""
        form = "mail.returned_from" if found.returned else "mail.handed_over"
        return catalog(self.locale)(form, day=self._day_of(found), unit=found.before)

    def to_assign_again(self, found: ListedHandOver) -> str:
        """Return when a complaint came back, from which unit, and that it needs a new one."""
        form = "mail.to_assign_again_from" if found.before else "mail.to_assign_again"
        return catalog(self.locale)(form, day=self._day_of(found), unit=found.before)

    def _day_of(self, found: ListedHandOver) -> str:
        first, last = self.day(found.first), self.day(found.latest)
        between = catalog(self.locale)("mail.between_days", first=first, last=last)
        return last if first == last else between

    def left(self, duty: Duty) -> str:
        """Return how late a duty is, or how much time is left.

        Law in calendar days counts calendar days, with the working days in brackets.
        """
        t = catalog(self.locale)
        if duty.section is DeskSection.TODAY:
            return t("mail.due_today")
        if duty.late and not duty.days_left:
            return t("mail.late_today")
        if duty.section is DeskSection.LAST_DAY:
            return t("mail.last_working_day", left=self.span(duty))
        return t("mail.late_by" if duty.late else "mail.left", span=self.span(duty))

    def short_left(self, duty: Duty) -> str:
        """Return how late a duty is, or how much time is left, in the days of the law alone."""
        t = catalog(self.locale)
        if duty.section is DeskSection.TODAY:
            return t("mail.due_today")
        if duty.section is DeskSection.LAST_DAY:
            return t("mail.last_working_day", left=self.short_span(duty))
        return t("mail.late_by" if duty.late else "mail.left", span=self.short_span(duty))

    def span(self, duty: Duty) -> str:
        """Return the number of days until or since the due day."""
        t = catalog(self.locale)
        working = abs(duty.working_days_left)
        if not duty.calendar_days or not working or working == abs(duty.days_left):
            return self.short_span(duty)
        beside = t("unit.working_day", n=working)
        return t("mail.beside", span=self.short_span(duty), working=beside)

    def short_span(self, duty: Duty) -> str:
        """Return the number of days in the days of the law alone."""
        t = catalog(self.locale)
        if duty.calendar_days or not duty.working_days_left:
            return t("unit.day", n=abs(duty.days_left))
        return t("unit.working_day", n=abs(duty.working_days_left))


def summary_mail(
    view: Summed,
    recipient: str,
    title: str,
    locale: str,
    zone: ZoneInfo,
    earlier: str = "",
    coat: CoatOfArms | None = None,
    left_out: Sequence[str] = (),
    readings: Sequence[str] = (),
) -> RenderedMail:
    """Render the mail with a compliance report: its overview on one screen.

    `title` is the office of the recipient. `earlier` is a text about the changes of an earlier
    report, `coat` the coat of arms of the site. `left_out` are files too large for a mail,
    `readings` sentences on until when the sources were read.
    """
    t = catalog(locale)
    period = period_text(view, locale, zone)
    known = view.late_now is not None
    subject = t(f"subject.summary{'' if known else '_no_data'}", period=period, late=view.late_now)
    return _mail(
        "summary",
        f"[Tenggat] {subject}",
        locale,
        zone,
        coat=coat,
        view=view,
        recipient=recipient,
        title=title,
        earlier=earlier,
        left_out=t("summary.left_out", files=", ".join(left_out)) if left_out else "",
        readings=readings,
    )


def alert_mail(view: AlertMail, locale: str, zone: ZoneInfo) -> RenderedMail:
    """Render the alert to the administrator about the pipeline itself."""
    subject = f"[Tenggat] {catalog(locale)(f'alert.{view.alert}.title')}"
    return _mail("alert", subject, locale, zone, view=view, title=_administrator(view, locale))


def watch_mail(view: WatchMail, locale: str, zone: ZoneInfo) -> RenderedMail:
    """Render the mail of the watchdog: one incident by its name, or the number of incidents."""
    t = catalog(locale)
    ill = [*view.opened, *view.ongoing]
    told, form = (ill, "title") if ill else (view.resolved, "over")
    if len(told) == 1:
        text = incident_text(told[0], form, locale, zone)
    else:
        text = t("watch.many" if ill else "watch.many_well", n=len(told))
    title = _administrator(view, locale)
    return _mail("watch", f"[Tenggat] {text}", locale, zone, view=view, title=title)


def questions_mail(view: QuestionsMail, locale: str, zone: ZoneInfo) -> RenderedMail:
    """Render the mail with open questions: their number, or the number of rejected rows."""
    t = catalog(locale)
    asked, rows = len(view.new) + len(view.again), sum(group.rows for group in view.rejected)
    text = t("questions.subject", n=asked) if asked else t("questions.subject_rows", n=rows)
    title = _administrator(view, locale)
    return _mail("questions", f"[Tenggat] {text}", locale, zone, view=view, title=title)


def trial_mail(view: TrialMail, locale: str, zone: ZoneInfo) -> RenderedMail:
    """Render the digest of a trial: the mails that nobody got."""
    t = catalog(locale)
    text = t("trial.subject", n=view.number)
    if not view.number:
        text = t("trial.subject_notes", n=len(view.notes))
    title = _administrator(view, locale)
    return _mail("trial", f"[Tenggat] {text}", locale, zone, view=view, title=title)


def _administrator(view: AlertMail | WatchMail | QuestionsMail | TrialMail, locale: str) -> str:
    """Return the title of the administrator, for the salutation."""
    holder = OfficeHolder("", Role.ADMINISTRATOR, view.recipient, "")
    return office_title(holder, site=view.site, unit="", locale=locale)


def _mail(
    name: str,
    subject: str,
    locale: str,
    zone: ZoneInfo,
    coat: CoatOfArms | None = None,
    **values: Any,
) -> RenderedMail:
    subject = one_line(subject)
    more = (
        {"subject": subject, "period": period_text(values["view"], locale, zone)}
        if name == "summary"
        else {"subject": subject}
    )
    html = render(f"email/{name}.html.j2", locale=locale, zone=zone, coat=coat, **values, **more)
    text = render(f"email/{name}.txt.j2", locale=locale, zone=zone, **values, **more)
    tidy = re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"
    return RenderedMail(subject, tidy, inline_styles(html), coat)
