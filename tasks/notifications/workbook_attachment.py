"""Workbooks: all complaints of a long mail as an XLSX file for sorting and filtering."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

import xlsxwriter

from tasks.common.notified import Notified
from tasks.notifications.desk import MOST_SHARED
from tasks.notifications.render import DutyTexts
from tasks.notifications.views import Desk, Duty, NoticeItem, Statement
from tasks.reports.formats.xlsx_rows import PlainCell, RowSheet
from tasks.text.catalog import catalog
from tasks.text.formats import short_day_text
from tasks.text.titles import notified_office

WIDTHS = {"ticket": 16, "days": 12, "due": 14, "received": 14, "privacy": 12}


class Workbooks:
    """Makes the workbooks of mails; mails that list the same complaints share the last one."""

    def __init__(self) -> None:
        self._items: tuple[NoticeItem, ...] = ()
        self._made: tuple[object, bytes] = None, b""

    def of(self, view: Desk, locale: str, zone: ZoneInfo) -> bytes:
        """Return the workbook of a mail."""
        items, key = (*view.items, *view.rest), (view.site, view.now, locale, zone)
        if self._made[0] != key or not _same_rows(items, self._items):
            self._items = items if len(items) <= MOST_SHARED else ()
            self._made = key, notices_workbook(view, locale, zone)
        return self._made[1]


def _same_rows(items: Sequence[NoticeItem], others: Sequence[NoticeItem]) -> bool:
    """Check whether two lists have the same rows in a workbook, which has no links."""
    return len(items) == len(others) and all(
        one is other or replace(one, reply_links=None) == replace(other, reply_links=None)
        for one, other in zip(items, others, strict=True)
    )


def notices_workbook(view: Desk, locale: str, zone: ZoneInfo) -> bytes:
    """Return a workbook with all complaints of a mail, one row per deadline, in the mail's order.

    Text cells are always text: a text that begins like a formula is not run. Numbers of days are
    numeric, and negative if late. Dates are days without a time of day: the minute of the receipt
    could identify the complainant of a secret report.
    """
    t = catalog(locale)
    columns = (
        ("ticket", t("summary.ticket")),
        ("days", t("workbook.days_left")),
        ("unit", t("mail.holder")),
        ("due", t("mail.due")),
        ("rule", t("mail.rule")),
        ("article", t("summary.article")),
        ("category", t("summary.category")),
        ("classification", t("summary.classification")),
        ("privacy", t("workbook.privacy")),
        ("title", t("workbook.title")),
        ("received", t("mail.received")),
        ("handed_over", t("workbook.handed_over")),
        ("told", t("mail.told")),
        ("statement", t("workbook.statement")),
    )
    texts = DutyTexts(view.now, locale, zone)
    kept = io.BytesIO()
    options = {"constant_memory": True, "strings_to_urls": False}
    with xlsxwriter.Workbook(kept, options) as book:
        # the time of the mail, so that the same view gives the same bytes
        book.set_properties({"title": view.site, "created": _local(view.now, zone)})
        sheet = book.add_worksheet(t("workbook.sheet"), RowSheet)
        bold, date = book.add_format({"bold": True, "text_wrap": True}), book.add_format()
        date.set_num_format("d mmm yyyy")
        for place, (key, label) in enumerate(columns):
            sheet.set_column(place, place, WIDTHS.get(key, 28))
            sheet.write_string(0, place, label, bold)
        row = 0
        for item in (*view.items, *view.rest):
            for duty in item.duties:
                row += 1
                sheet.write_plain_row(row, _cells(item, duty, texts), date)
        sheet.autofilter(0, 0, row, len(columns) - 1)
        sheet.freeze_panes(1, 1)
    return kept.getvalue()


def _cells(item: NoticeItem, duty: Duty, texts: DutyTexts) -> list[PlainCell]:
    """Return the cells of a deadline; an empty text leaves its cell empty."""
    locale, zone = texts.locale, texts.zone
    t = catalog(locale)
    cells: list[PlainCell] = [
        item.ticket,
        duty.working_days_left,
        duty.owed_by or item.unit,
        _day(duty.due, zone),
        duty.rule,
        duty.citation,
        item.category,
        t(f"classification.{item.classification or 'none'}"),
        t(f"privacy.{item.privacy}") if item.privacy else "",
        item.title,
        _day(item.received, zone),
        texts.hand_over(duty.handed_over) if duty.handed_over else "",
        ", ".join(dict.fromkeys(_office(each, locale) for each in duty.notified)),
        _stated(item.statement, locale, zone) if item.statement else "",
    ]
    return [None if cell == "" else cell for cell in cells]


def _office(notified: Notified, locale: str) -> str:
    """Return the office that was notified, with its unit if that is not the present one."""
    office = notified_office(notified.role, notified.instead, locale)
    return f"{office} {notified.place}" if notified.place else office


def _stated(statement: Statement, locale: str, zone: ZoneInfo) -> str:
    """Return the statement of a unit in one cell; it changes no deadline."""
    t = catalog(locale)
    form = "workbook.stated_with" if statement.text else "workbook.stated"
    values = {"text": statement.text} if statement.text else {}
    return t(
        form,
        day=short_day_text(statement.at, locale, zone),
        statement=t(f"reply.kind.{statement.kind}"),
        note=t("reply.not_visible"),
        **values,
    )


def _day(moment: datetime, zone: ZoneInfo) -> datetime:
    """Return midnight at the start of a local day, without its zone, as workbooks store it."""
    return _local(moment, zone).replace(hour=0, minute=0, second=0)


def _local(moment: datetime, zone: ZoneInfo) -> datetime:
    """Return a local time without its zone, as workbooks store it."""
    return moment.astimezone(zone).replace(tzinfo=None, microsecond=0)
