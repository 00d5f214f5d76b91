"""Compose: the text, HTML and headers of a mail, from the items that are still true."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from db import notices, outbox
from db.mailbox import bounces
from db.models import LeftOut, MessageItem, MessageKind, MessageRow, NoticeRow
from sla.directory import OF_A_UNIT, Holders, OfficeHolder, Role
from sla.engine.clocks import CLASS
from sla.engine.context import UNDETERMINED
from sla.engine.deadline import ClockKey, Deadline, State
from sla.ladders import SUPERIORS
from tasks.common.context import RunContext, SiteContext
from tasks.evaluation.corrections import LATE
from tasks.evaluation.notices import may_be_told
from tasks.notifications.calendar_attachment import agenda, cancellation
from tasks.notifications.desk import DeskLoader
from tasks.notifications.message import WATCH, Attachment, alert_mime, in_envelope, watch_mime
from tasks.notifications.questions import QUESTIONS, questions_mime
from tasks.notifications.render import desk_mail
from tasks.notifications.replies.links import with_replies
from tasks.notifications.summary_mail import SummaryMailComposer
from tasks.notifications.transport.smtp import Uncomposable
from tasks.notifications.views import Absence, Correction, Desk, StandIn
from tasks.notifications.workbook_attachment import notices_workbook
from tasks.text.catalog import catalog
from tasks.text.titles import office_title

XLSX = ("application", "vnd.openxmlformats-officedocument.spreadsheetml.sheet")

LONGEST_THREAD = 10
"""Limit of mails in References: a list without a limit helps no reader."""


def compose_all(
    run: RunContext,
    messages: Sequence[MessageRow],
    began: datetime | None = None,
) -> Iterator[tuple[MessageRow, bytes | Uncomposable | None]]:
    """Compose each mail; yield the bytes to send, or None if none of its items is still true.

    If a mail cannot be composed, the function yields
    :class:`tasks.notifications.transport.smtp.Uncomposable` in its place. That error names only the
    type of the cause, because an error text may contain personal data of a complainant. The
    function stores in each item whether the mail reports it. A mail of the same run, sent since
    `began`, does not count as an earlier mail.
    """
    composer = Composer(run, messages, began)
    for message in messages:
        try:
            yield message, composer.compose(message)
        except SQLAlchemyError:  # the database failed; the mail itself is not at fault
            raise
        except Exception as error:
            yield message, Uncomposable(f"cannot be composed: {type(error).__name__}")


def compose(run: RunContext, message: MessageRow) -> bytes | None:
    """Compose one mail; return the bytes to send, or None if none of its items is still true."""
    return Composer(run, [message]).compose(message)


class Composer:
    """Composes the mails of one group at `now`, and loads what they share once for all of them."""

    def __init__(
        self,
        run: RunContext,
        messages: Sequence[MessageRow],
        began: datetime | None = None,
    ) -> None:
        self.run = run
        self.desks = notice_views(run, messages, began)
        self.threads = _threads(run.session, messages, self.desks, began or run.now)
        self.reports = SummaryMailComposer(run.session, run.context)

    def compose(self, message: MessageRow) -> bytes | None:
        """Return the bytes of a mail to send, or None if nothing in it is still true."""
        return COMPOSERS[MessageKind(message.kind)](self, message)


def _notices(composer: Composer, message: MessageRow) -> bytes | None:
    desk = composer.desks.get(message.id)
    if desk is None:
        return None
    run, site = composer.run, composer.run.site
    locale, zone = message.locale or site.locale, site.zone
    items = with_replies(run, message, desk.items, offer=not desk.copied)
    rest = with_replies(run, message, desk.rest, offer=False)
    rendered, shown = desk_mail(replace(desk, items=items, rest=rest), locale, zone)
    attached = list(_attached(shown, locale, zone))
    thread = composer.threads.get(message.id, [])
    return in_envelope(site, message, rendered, run.now, *attached, thread=thread)


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


ComposeMail = Callable[[Composer, MessageRow], bytes | None]

COMPOSERS: Mapping[MessageKind, ComposeMail] = {
    MessageKind.NOTICES: _notices,
    MessageKind.SUMMARY: _summary,
    MessageKind.ALERT: _alert,
}
"""The composer of each kind of mail."""

ALERT_COMPOSERS: Mapping[str, ComposeMail] = {WATCH: _watch, QUESTIONS: _questions}
"""The composers of alerts with a content of their own; the others list their facts."""


def _attached(desk: Desk, locale: str, zone: ZoneInfo) -> Iterator[Attachment]:
    """Yield the attachments of a mail.

    These are a workbook of all complaints if the body lists only some, the calendar of the open
    duties, and the cancellation of those that ended since the last mail.
    """
    t = catalog(locale)
    if desk.not_shown:
        name = t("workbook.file", day=f"{desk.now.astimezone(zone):%Y-%m-%d}")
        yield Attachment(name, *XLSX, notices_workbook(desk, locale, zone))
    for name, content in (
        ("agenda.file", agenda(desk, locale, zone)),
        ("agenda.cancelled_file", cancellation(desk, locale, zone)),
    ):
        if content is not None:
            yield Attachment(t(name), "text", "calendar", content)


def _threads(
    session: Session,
    messages: Sequence[MessageRow],
    views: Mapping[int, Desk | None],
    now: datetime,
) -> dict[int, list[str]]:
    """Return the Message-IDs of the earlier mails that each mail answers, by key of the mail.

    A mail with a `thread_item` answers the earlier mails about this complaint to the same address.
    Its subject is the same in all of them, because Gmail asks for both. A mail to a superior
    answers the earlier ones to this person. Any other mail begins its own thread.
    """
    about = {}
    for message in messages:
        desk = views.get(message.id)
        concerned = {item.notice.complaint_id for item in message.items if item.included}
        if desk is not None and desk.thread_item is not None and len(concerned) == 1:
            about[message.id] = (message.recipient, concerned.pop())
    earlier = outbox.earlier(session, set(about.values()), now)
    threads = {key: earlier.get(pair, [])[-LONGEST_THREAD:] for key, pair in about.items()}
    superiors = {
        message.id: message.recipient
        for message in messages
        if (desk := views.get(message.id)) is not None and desk.superior
    }
    before = outbox.earlier_desks(session, set(superiors.values()), now, LONGEST_THREAD)
    return threads | {key: before[recipient] for key, recipient in superiors.items()}


def notice_views(
    run: RunContext,
    messages: Sequence[MessageRow],
    began: datetime | None = None,
) -> dict[int, Desk | None]:
    """Return the desk of each notice mail by its key, or None if no item is still true.

    The items of a mail are the reason to send it; the desk is what it says. All complaints are
    evaluated together. The function stores in each item whether the mail reports it.
    """
    messages = [message for message in messages if message.kind == MessageKind.NOTICES]
    if not messages:
        return {}
    loader = DeskLoader(run, messages, began)
    fair = _FairNotice(run, messages)
    return {message.id: _view(run, message, loader, fair) for message in messages}


class _FairNotice:
    """Checks, when a mail to superiors leaves, that the unit was notified and had its time."""

    def __init__(self, run: RunContext, messages: Sequence[MessageRow]) -> None:
        self._run = run
        concerned = {
            item.notice.complaint_id
            for message in messages
            for item in message.items
            if item.role in SUPERIORS and not item.correction
        }
        self._rows = notices.of_complaints(run.session, concerned)
        every = [row.id for rows in self._rows.values() for row in rows]
        self._accepted = notices.acceptances(run.session, every, run.now)

    def permits(self, item: MessageItem, deadline: Deadline) -> bool:
        """Check whether the recipient may hear of a duty now."""
        if item.role not in SUPERIORS:
            return True
        notice = item.notice
        rows = self._rows[notice.complaint_id]
        return may_be_told(self._run.context, notice, deadline, rows, self._accepted, self._run.now)


def _view(
    run: RunContext, message: MessageRow, loader: DeskLoader, fair: _FairNotice
) -> Desk | None:
    context = run.context
    locale = message.locale or context.site.locale
    corrections: dict[tuple[int, str, int], Correction] = {}
    triggers: dict[int, frozenset[ClockKey]] = {}
    for item in message.items:
        complaint, judged = loader.cases[item.notice.complaint_id]
        clock = (item.notice.rule, item.notice.clock)
        if item.correction:
            correction = _correction(context, item.notice, judged, locale)
            item.included = correction is not None
            if correction is not None:
                corrections[complaint.id, *clock] = correction
            continue
        item.left_out = _left_out(item, judged, fair)
        item.included = item.left_out is None
        if item.included:
            triggers[complaint.id] = triggers.get(complaint.id, frozenset()) | {clock}
    if not triggers and not corrections:
        return None
    return replace(
        loader.desk(message, triggers),
        copied=bool(triggers) and all(item.copied for item in message.items if item.included),
        corrections=tuple(sorted(corrections.values(), key=lambda each: each.ticket)),
        stand_ins=_stand_ins(run, message),
    )


def _correction(
    context: SiteContext, notice: NoticeRow, deadlines: Sequence[Deadline], locale: str
) -> Correction | None:
    """Return the correction of a notice, or None if its deadline is late again."""
    clock = (notice.rule, notice.clock)
    deadline = next((d for d in deadlines if d.key == clock), None)
    if deadline is not None and deadline.state in LATE:
        return None
    law = context.site.evaluation_context.law
    rule = law.last(notice.rule) if notice.rule in law.ids else None
    state = "" if deadline is None else str(deadline.state)
    if not state and rule is not None and CLASS in rule.applies_when:
        state = State.UNKNOWN if notice.complaint.classification == UNDETERMINED else ""
    return Correction(
        ticket=notice.complaint.ticket,
        unit=context.site.directory.name_of(notice.unit or None),
        rule=rule.label[locale] if rule else notice.rule,
        citation=rule.citation if rule else "",
        state=state,
    )


def _stand_ins(run: RunContext, message: MessageRow) -> tuple[StandIn, ...]:
    """Return the offices, vacant or out of reach, in the place of which the recipient is told."""
    if message.resent_of is not None:
        return ()
    today, directory = run.today, run.site.directory
    address = message.recipient.casefold()
    own = [h for h in directory.offices if h.email.casefold() == address and h.in_office_on(today)]
    above = next((holder for holder in own if holder.role not in OF_A_UNIT), None)
    reader = (above or own[0]).role if own else Role(message.role)

    def title_of(holder: OfficeHolder) -> str:
        return office_title(
            holder,
            site=run.site.name,
            unit=directory.name_of(holder.unit or None),
            locale=message.locale or run.site.locale,
        )

    reader_title = title_of(own[0]) if own and above is None else ""
    refused = bounces.refused_addresses(run.session)
    found: dict[StandIn, None] = {}
    for item in message.items:
        if not item.included or item.correction:
            continue
        role, unit = Role(item.role), item.notice.unit or None
        regular = directory.holders(role, unit, today)
        holds = any(holder.email.casefold() == address for holder in regular.offices)
        if regular.vacancy is not None or not holds:
            title = title_of(OfficeHolder(unit or "", role, "", ""))
            found[StandIn(title, reader, _absence(regular, refused), reader_title)] = None
    return tuple(found)


def _absence(regular: Holders, refused: frozenset[str]) -> Absence:
    """Return why none of the regular holders of an office can be notified."""
    if regular.vacancy is not None:
        return Absence.VACANT
    known = all(holder.email.casefold() in refused for holder in regular.offices)
    return Absence.REFUSED if known else Absence.UNREACHABLE


def _left_out(
    item: MessageItem, deadlines: Sequence[Deadline], fair: _FairNotice
) -> LeftOut | None:
    """Return the reason to leave a notice out of a mail, or None if the mail reports it.

    A notice that was taken back stays so, even if the deadline is late again. Any other notice is
    true while its clock runs at the same unit.
    """
    notice = item.notice
    if notice.taken_back_at is not None:
        return LeftOut.TAKEN_BACK
    for deadline in deadlines:
        if (
            deadline.key == (notice.rule, notice.clock)
            and deadline.ticking
            and (deadline.unit or "") == notice.unit
        ):
            return None if fair.permits(item, deadline) else LeftOut.UNIT_FIRST
    return LeftOut.OVER
