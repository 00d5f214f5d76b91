"""Report mails: their text and attachments in the language of the reader."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from sqlalchemy.orm import Session

from db.models import MessageRow, ReportRow
from settings.site import Site
from sla.directory import OfficeHolder, Role
from tasks.common.context import SiteContext
from tasks.notifications.coat_of_arms import coat_of_arms
from tasks.notifications.message import Attachment
from tasks.notifications.render import RenderedMail, summary_mail
from tasks.reports.builder import in_language, language_ending, report_view, with_earlier
from tasks.reports.formats.method_text import reading_sentences
from tasks.reports.formats.restatement_text import earlier_line
from tasks.reports.formats.writer import FORMATS, READ, write_all
from tasks.reports.model import FORMS, Report
from tasks.reports.overview import overview_of
from tasks.text.titles import office_title

KINDS = {
    "html": ("text", "html"),
    "pdf": ("application", "pdf"),
    "xlsx": ("application", "vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
}


def _title(site: Site, message: MessageRow, moment: datetime, locale: str) -> str:
    """Return the title of the office in which the recipient gets a report."""
    role, address = Role(message.role), message.recipient
    day = moment.astimezone(site.zone).date()
    holders = (each for each in site.directory.held_by(address, day) if each.role is role)
    holder = next(holders, OfficeHolder("", role, message.recipient_name, address))
    unit = site.directory.name_of(holder.unit or None)
    return office_title(holder, site=site.name, unit=unit, locale=locale)


LARGEST_FILE = 8_000_000
"""The largest file in bytes that a mail brings: in a mail it is a third larger, and many servers
refuse more than 25 MB."""


class SummaryMailComposer:
    """The report mails of one delivery run. Each report is evaluated only once for all of them."""

    def __init__(self, session: Session, context: SiteContext) -> None:
        self._session, self._context = session, context
        self._views: dict[tuple[int, str], Report] = {}

    def composed(self, message: MessageRow) -> tuple[RenderedMail, list[Attachment]] | None:
        """Return a mail and its attachments, or None if its report is no longer on record."""
        site = self._context.site
        report = self._session.get(ReportRow, message.detail["report"])
        if report is None:
            return None
        locale = message.locale or site.locale
        view = self._view(report, locale)
        earlier = earlier_line(view.earlier, locale, site.zone)
        files = list(self._files(report, view))
        attached = [each for each in files if len(each.content) <= LARGEST_FILE]
        rendered = summary_mail(
            overview_of(view),
            message.recipient_name,
            _title(site, message, view.as_of, locale),
            locale,
            site.zone,
            earlier,
            coat_of_arms(site.letterhead),
            [each.name for each in files if each not in attached],
            list(reading_sentences(view.notes.readings, locale, site.zone)),
        )
        return rendered, attached

    def _view(self, report: ReportRow, locale: str) -> Report:
        """Return the report in a language, evaluated again as of its own moment and in its form."""
        session, context = self._session, self._context
        own = (report.id, context.site.locale)
        if own not in self._views:
            self._views[own] = with_earlier(session, context, self._stored(report))
        if (report.id, locale) not in self._views:
            self._views[report.id, locale] = in_language(session, context, self._views[own], locale)
        return self._views[report.id, locale]

    def _stored(self, report: ReportRow) -> Report:
        """Return the report in the form that gives its checksum, else in the newest one."""
        views: list[Report] = []
        for form in reversed(FORMS):
            view = report_view(self._session, self._context, report.period, report.as_of, form=form)
            if view.sha256 == report.sha256:
                return view
            views.append(view)
        return views[0]

    def _files(self, report: ReportRow, view: Report) -> Iterator[Attachment]:
        """Yield the report files for people in the language of the view; create them if missing."""
        site = self._context.site
        ending = language_ending(site, view.names.locale)
        kept = Path(report.path)
        first = kept.with_name(f"{kept.stem}{ending}{kept.suffix}")
        if not first.is_file():
            formats = READ if ending else FORMATS
            again = report_view(
                self._session,
                self._context,
                report.period,
                report.as_of,
                with_duties=True,
                form=view.form,
            )
            whole = replace(view, duties=again.duties)
            write_all(whole, kept.parent, site.zone, formats=formats, ending=ending)
        for form in READ:
            file = first.with_suffix(f".{form}")
            if file.is_file():
                yield Attachment(file.name, *KINDS[form], file.read_bytes())
