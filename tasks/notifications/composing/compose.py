"""Compose: the text, HTML and headers of a mail, from the items that are still true."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from db.mails import earlier_mails, listed_duties, mail_items
from db.models import MessageKind, MessageRow
from sla.engine.deadline import ClockKey
from sla.ladders import SUPERIORS
from tasks.common.context import RunContext
from tasks.common.garbage import search_new_objects
from tasks.notifications.calendar_attachment import CANCEL, PUBLISH, agenda, cancellation
from tasks.notifications.composing.contents import (
    CancelledEntry,
    ContentsSink,
    ContentsStore,
    ListChanges,
)
from tasks.notifications.mail_items import NoticeDesks
from tasks.notifications.message import WATCH, Attachment, alert_mime, in_envelope, watch_mime
from tasks.notifications.message_ids import calendar_uid
from tasks.notifications.questions import QUESTIONS, questions_mime
from tasks.notifications.render import desk_mail, most_in_body
from tasks.notifications.replies.links import MailReplies
from tasks.notifications.summary_mail import SummaryMailComposer
from tasks.notifications.transport.smtp import Uncomposable
from tasks.notifications.trial.digest import TRIAL_DIGEST, digest_mime
from tasks.notifications.views import Desk, Duty, NoticeItem
from tasks.notifications.workbook_attachment import Workbooks
from tasks.text.catalog import catalog

XLSX = ("application", "vnd.openxmlformats-officedocument.spreadsheetml.sheet")

ListedKey = tuple[int, int, ClockKey]
"""A mail, a complaint and a clock."""


@dataclass(frozen=True, slots=True)
class MailLists:
    """What a mail lists: the late duties of which its reader has no notice, each with the reader's
    address, and the new and cancelled entries of the reader's calendar.
    """

    late: Mapping[ListedKey, str]
    entries: Set[ListedKey]
    cancelled: Sequence[CancelledEntry]

    @classmethod
    def of(cls, message: MessageRow, desk: Desk) -> MailLists:
        """Return what a mail with this desk lists."""
        recipient, listed = message.recipient.casefold(), (*desk.items, *desk.rest)
        return cls(
            {
                (message.id, item.complaint, duty.key): recipient
                for item in listed
                for duty in item.duties
                if duty.late and not duty.accused
            },
            {
                (message.id, item.complaint, duty.key)
                for item in desk.items
                for duty in item.duties
                if not duty.in_calendar
            },
            [
                (message.id, brought_by, ended.complaint, *ended.key)
                for ended in desk.ended
                for brought_by in ended.brought_by
            ],
        )


LARGE = 10_000
"""The number of complaints above which the lists of a mail are released before it is built."""

LONGEST_THREAD = 10
"""Limit of mails in References: a list without a limit helps no reader."""


EVERY_UNIT = "every unit"
"""The mark of the mails to superiors, who see all complaints."""


def in_groups(run: RunContext, messages: Sequence[MessageRow]) -> Iterator[list[MessageRow]]:
    """Yield mails in groups for :func:`compose_all`, with the mails to superiors in one group.

    A superior may read a mail as the head of a unit. It needs all complaints too.
    """

    def sees(message: MessageRow) -> str | None:
        offices = run.site.directory.held_by(message.recipient.casefold(), run.today)
        return EVERY_UNIT if any(each.role in SUPERIORS for each in offices) else message.unit

    return mail_items.in_groups(run.session, messages, sees)


def compose_all(
    run: RunContext,
    messages: Sequence[MessageRow],
    began: datetime | None = None,
    sink: ContentsSink | None = None,
) -> Generator[tuple[MessageRow, bytes | Uncomposable | None]]:
    """Compose each mail; yield the bytes to send, or None if none of its items is still true.

    If a mail cannot be composed, the function yields
    :class:`tasks.notifications.transport.smtp.Uncomposable` in its place. That error names only the
    type of the cause, because an error text may contain personal data of a complainant. The
    function stores in each item whether the mail reports it, and which other duties the
    mail lists, in the database or where the `sink` keeps it; a caller that stops early closes the
    iterator. A mail of the same run, sent since `began`, does not count as an earlier mail.
    """
    composer = Composer(run, messages, began, sink)
    try:
        for message in messages:
            try:
                yield message, composer.compose(message)
            except SQLAlchemyError:  # the database failed; the mail itself is not at fault
                raise
            except Exception as error:
                yield message, Uncomposable(f"cannot be composed: {type(error).__name__}")
    except GeneratorExit:  # the caller composes the others later
        composer.record_lists()
        raise
    composer.record_lists()


def compose(run: RunContext, message: MessageRow) -> bytes | None:
    """Compose one mail; return the bytes to send, or None if none of its items is still true."""
    return Composer(run, [message]).compose(message)


class Composer:
    """Composes the mails of one group at `now`, and loads what they share once for all of them.

    The desk of a mail is in memory only while the mail is composed.
    """

    def __init__(
        self,
        run: RunContext,
        messages: Sequence[MessageRow],
        began: datetime | None = None,
        sink: ContentsSink | None = None,
    ) -> None:
        self.run, self.began = run, began or run.now
        self.sink = sink or ContentsStore(run.session)
        self.desks = NoticeDesks(run, messages, began, self.sink.items)
        self.replies = MailReplies(run, self.desks.cases)
        self.workbooks = Workbooks()
        self.reports = SummaryMailComposer(run.session, run.context)
        self._composed_before = [each.id for each in messages if each.composed_at is not None]
        self._late: dict[ListedKey, str] = {}
        self._entries: set[ListedKey] = set()
        self._cancelled: list[CancelledEntry] = []

    def compose(self, message: MessageRow) -> bytes | None:
        """Return the bytes of a mail to send, or None if nothing in it is still true."""
        return COMPOSERS[MessageKind(message.kind)](self, message)

    def note_lists(self, lists: MailLists) -> None:
        """Note what a mail lists, to be stored by :meth:`record_lists`."""
        self._late |= lists.late
        self._entries |= lists.entries
        self._cancelled += lists.cancelled

    def calendar_uid(self, item: NoticeItem, duty: Duty) -> str:
        """Return the identifier of a duty in the calendars of all readers."""
        return calendar_uid(self.run.context, item.source, item.ticket, duty.key)

    def record_lists(self) -> None:
        """Store what the mails composed so far list, as far as their readers did not know it."""
        session = self.run.session
        complaints = {complaint for _, complaint, _ in self._late}
        known = listed_duties.known_as_late(session, complaints)
        late = {
            key
            for key, recipient in self._late.items()
            if (recipient, key[1], *key[2]) not in known
        }
        new = [
            listed_duties.NewListedDuty(
                key[0], key[1], *key[2], late=key in late, entry=key in self._entries
            )
            for key in sorted(late | self._entries)
        ]
        self.sink.lists(ListChanges(self._composed_before, new, self._cancelled))


def _notices(composer: Composer, message: MessageRow) -> bytes | None:
    desk = composer.desks.get(message)
    if desk is None:
        return None
    run, site = composer.run, composer.run.site
    locale, zone = message.locale or site.locale, site.zone
    desk = desk.cut(most_in_body(desk))  # only the body has links
    items = composer.replies.added(message, desk.items, offer=not desk.copied)
    rest = composer.replies.added(message, desk.rest, offer=False)
    rendered, shown = desk_mail(replace(desk, items=items, rest=rest), locale, zone)
    attached = list(_attached(composer, shown, locale, zone))
    thread = _thread(run.session, message, desk, composer.began)
    lists, number = MailLists.of(message, shown), shown.complaints_named
    del desk, items, rest, shown
    if number > LARGE:
        search_new_objects()  # the lists take more memory than the mail, and are in cycles
    mime = in_envelope(site, message, rendered, run.now, *attached, thread=thread)
    composer.note_lists(lists)
    message.detail = {**message.detail, "complaints": number}
    return mime


def _summary(composer: Composer, message: MessageRow) -> bytes | None:
    report = composer.reports.composed(message)
    if report is None:
        return None
    rendered, files = report
    return in_envelope(composer.run.site, message, rendered, composer.run.now, *files)


def _alert(composer: Composer, message: MessageRow) -> bytes | None:
    compose_alert = ALERT_COMPOSERS.get(message.detail["alert"], _plain_alert)
    return compose_alert(composer, message)


def _plain_alert(composer: Composer, message: MessageRow) -> bytes | None:
    return alert_mime(composer.run.site, message, composer.run.now)


def _watch(composer: Composer, message: MessageRow) -> bytes | None:
    return watch_mime(composer.run.site, message, composer.run.now)


def _questions(composer: Composer, message: MessageRow) -> bytes | None:
    return questions_mime(composer.run, message)


def _trial_digest(composer: Composer, message: MessageRow) -> bytes | None:
    return digest_mime(composer.run, message)


ComposeMail = Callable[[Composer, MessageRow], bytes | None]

COMPOSERS: Mapping[MessageKind, ComposeMail] = {
    MessageKind.NOTICES: _notices,
    MessageKind.SUMMARY: _summary,
    MessageKind.ALERT: _alert,
}
"""The composer of each kind of mail."""

ALERT_COMPOSERS: Mapping[str, ComposeMail] = {
    WATCH: _watch,
    QUESTIONS: _questions,
    TRIAL_DIGEST: _trial_digest,
}
"""The composers of alerts with a content of their own; the others list their facts."""


def _attached(composer: Composer, desk: Desk, locale: str, zone: ZoneInfo) -> Iterator[Attachment]:
    """Yield the attachments of a mail.

    These are a workbook of all complaints if the body lists only some, the calendar of the open
    duties, and the cancellation of those that ended since the last mail.
    """
    t = catalog(locale)
    if desk.not_shown:
        name = t("workbook.file", day=f"{desk.now.astimezone(zone):%Y-%m-%d}")
        yield Attachment(name, *XLSX, composer.workbooks.of(desk, locale, zone))
    for name, method, content in (
        ("agenda.file", PUBLISH, agenda(desk, composer.calendar_uid, locale, zone)),
        ("agenda.cancelled_file", CANCEL, cancellation(desk, locale, zone)),
    ):
        if content is not None:  # the media type names the method too (RFC 6047, 2.4)
            yield Attachment(t(name), "text", "calendar", content, (("method", method),))


def _thread(session: Session, message: MessageRow, desk: Desk, now: datetime) -> list[str]:
    """Return the Message-IDs of the earlier mails that a mail answers.

    A mail with a `thread_item` answers the earlier mails about this complaint to the same address.
    Its subject is the same in all of them, because Gmail asks for both. A mail to a superior
    answers the earlier ones to this person. Any other mail begins its own thread.
    """
    recipient = message.recipient
    if desk.superior:
        return earlier_mails.earlier_desks(session, {recipient}, now, LONGEST_THREAD)[recipient]
    return list(desk.earlier[-LONGEST_THREAD:]) if desk.thread_item is not None else []
