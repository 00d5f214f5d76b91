"""What is wrong with a run that has been played, told in words; nothing where all is as it must be.

Each check looks at what the mailbox really holds and at what `ledger` says was due; the program's
own records are a third witness, not the judge.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import pairwise

from crash_tests.audit_checks import every_decision_is_in_the_audit, the_audit_is_one_unbroken_chain
from crash_tests.duplicates import why_twice
from crash_tests.evidence import Findings, told_in
from crash_tests.expected_mails import Key
from crash_tests.model import DEADLINES, DELIVERY
from crash_tests.player import SETTLED, Life
from db.lives import MessageStatus, NoticeStatus
from db.models import MessageItem, MessageKind, MessageRow, NoticeRow
from sla.directory import Role

NOT_OURS = {"IntegrityError", "OperationalError", "StaleDataError"}
"""With what the slower of two deadline runs at once may undo itself."""


def verdicts(found: Findings) -> list[str]:
    """Everything that is wrong."""
    return [wrong for check in CHECKS for wrong in check(found)]


# --- the processes --------------------------------------------------------------------------------


def every_process_ended_well_or_by_its_fate(found: Findings) -> Iterator[str]:
    """No error but that of a deadline run that met another; no death but the one that was meant."""
    for life in found.played.lives:
        kind = life.error.partition(":")[0]
        met = life.companions and life.process.work == DEADLINES and kind in NOT_OURS
        if life.error and not met:
            yield f"{_called(life)} failed: {life.error}"
        if life.ended not in ("exit 0", "SIGKILL"):
            yield f"{_called(life)} ended by {life.ended}"


def nothing_is_pending(found: Findings) -> Iterator[str]:
    """After the last restart every mail has an end, and every notice."""
    for message in found.messages:
        if message.status not in SETTLED:
            yield f"mail {message.id} to {message.recipient} is still {message.status}"
    for key, notice in found.notices.items():
        if notice.status == NoticeStatus.QUEUED:
            yield f"notice {key} is still queued"


# --- what was due ---------------------------------------------------------------------------------


def exactly_what_was_due_was_decided(found: Findings) -> Iterator[str]:
    """None missing, none made up, and only the highest rung of each clock owed."""
    debts, notices = found.ledger.debts, found.notices
    for key in debts.keys() - notices.keys():
        yield f"{key} was due at {debts[key].since} and is on no record"
    for key in notices.keys() - debts.keys():
        yield f"{key} was never due"
    for key in debts.keys() & notices.keys():
        status = notices[key].status
        if (status == NoticeStatus.SUPERSEDED) != debts[key].superseded:
            yield f"{key} is {status}, its debt was {debts[key]}"
        if status == NoticeStatus.WITHDRAWN and key in found.ledger.standing:
            yield f"{key} is withdrawn, and still due when all was judged last"


def every_debt_has_been_paid(found: Findings) -> Iterator[str]:
    """Each person was told of each notice in one mail, or the mail died and that was told.

    Nothing else settles a debt but that the clock stopped ticking at the unit.
    """
    items: dict[int, list[tuple[MessageRow, MessageItem]]] = defaultdict(list)
    for message in found.messages:
        for item in message.items:
            if not item.correction:
                items[item.notice_id].append((message, item))
    for key, debt in found.ledger.debts.items():
        notice = found.notices.get(key)
        if notice is None or debt.superseded:
            continue
        for person in found.views.people(key, debt.roles, notice.decided_at):
            mine = [(m, i) for m, i in items[notice.id] if m.recipient == person]
            yield from _person_told(found, key, notice, person, mine)


def _person_told(
    found: Findings,
    key: Key,
    notice: NoticeRow,
    person: str,
    mine: list[tuple[MessageRow, MessageItem]],
) -> Iterator[str]:
    if not mine and person not in found.views.suppressed():  # else its notices went to another
        yield f"{person} is owed no mail about {key}, due since {notice.decided_at}"
    told = [
        message for message, item in mine if message.status == MessageStatus.SENT and item.included
    ]
    if len(told) > 1:
        yield f"{person} was told of {key} in {len(told)} mails"
    if told and notice.status != NoticeStatus.SENT:
        yield f"{person} was told of {key}, which is {notice.status}"
    for message, _ in mine:
        if message in told or message.status == MessageStatus.DEAD:
            continue
        sent = message.sent_at
        tried = [sent] if sent else _deliveries(found, message.created_at)
        if all(found.views.ticks(key, moment) for moment in tried):
            yield f"{person} was not told of {key} by mail {message.id}, which is {message.status}"


def _deliveries(found: Findings, since: datetime) -> list[datetime]:
    """When deliveries judged from a moment on."""
    return [
        moment
        for life in found.played.lives
        if life.process.work == DELIVERY
        for moment in found.moments_in(life)
        if moment >= since
    ]


def a_dead_mail_is_told_to_the_administrator(found: Findings) -> Iterator[str]:
    """By an alert in the mailbox that names the address; one that died itself at least was owed."""
    administrators = {
        context.email
        for context in found.views.context.site.directory.offices
        if context.role is Role.ADMINISTRATOR
    }
    alerts = [m for m in found.messages if m.kind == MessageKind.ALERT]
    for message in found.messages:
        if message.status != MessageStatus.DEAD or message.kind == MessageKind.ALERT:
            continue
        about = [a for a in alerts if str(message.recipient) in str(a.detail)]
        for person in administrators:
            mine = [a for a in about if a.recipient == person]
            if not mine:
                yield f"mail {message.id} to {message.recipient} died and {person} is owed no alert"
            for alert in mine:
                text = "".join(
                    str(kept.letter.mail.get_body(("plain",)))
                    for kept in found.letters[alert.message_id_header]
                )
                if alert.status == MessageStatus.SENT and message.recipient not in text:
                    yield f"alert {alert.id} does not name {message.recipient}"


def no_mail_was_given_up_early(found: Findings) -> Iterator[str]:
    """Dead is what the server refused for good, or would not take for as long as the site waits."""
    limit = timedelta(hours=found.views.context.site.file.mail.give_up_after_hours)
    for message in found.messages:
        if message.status == MessageStatus.DEAD:
            first, last = message.attempts[0], message.attempts[-1]
            refused = last.code is not None and last.code >= 500
            if not refused and last.attempted_at - first.attempted_at < limit:
                yield f"mail {message.id} to {message.recipient} was given up at {last.code}"


# --- the mailbox ----------------------------------------------------------------------------------


def what_was_sent_is_in_the_mailbox(found: Findings) -> Iterator[str]:
    """And what is in the mailbox is ours, at the person to whom it was owed."""
    known = {message.message_id_header: message for message in found.messages}
    for message in found.messages:
        if message.status == MessageStatus.SENT and not found.letters[message.message_id_header]:
            yield f"mail {message.id} to {message.recipient} is sent, and in no mailbox"
    for name, copies in found.letters.items():
        for kept in copies:
            if name not in known:
                yield f"letter {kept.number} bears a Message-ID that nobody knows"
            elif kept.letter.recipient != known[name].recipient:
                yield f"letter {kept.number} went to {kept.letter.recipient}, wrongly"
            elif known[name].recipient not in str(kept.letter.mail["To"]):
                yield f"letter {kept.number} is addressed to {kept.letter.mail['To']}"


def what_did_not_go_out_is_in_no_mailbox(found: Findings) -> Iterator[str]:
    """Unless the server kept it without our hearing of it."""
    for message in found.messages:
        if message.status == MessageStatus.SENT:
            continue
        for kept in found.letters[message.message_id_header]:
            if not why_twice(found, kept, kept):
                yield f"mail {message.id} is {message.status}, and letter {kept.number} is it"


def no_mail_came_twice_without_a_reason(found: Findings) -> Iterator[str]:
    """A second copy follows only one of which the sender could not know that it had arrived."""
    for copies in found.letters.values():
        for earlier, later in pairwise(copies):
            if not why_twice(found, earlier, later):
                yield f"letter {earlier.number} was known to have arrived, {later.number} is a copy"


def each_letter_tells_what_was_true(found: Findings) -> Iterator[str]:
    """Of every notice in it with a clock that ticked at its handover, and of other open duties."""
    views = found.views
    by_id = {notice.id: key for key, notice in found.notices.items()}
    for message in found.messages:
        if message.kind != MessageKind.NOTICES:
            continue
        keys = [by_id[item.notice_id] for item in message.items]
        for kept in found.letters[message.message_id_header]:
            moments = found.moments_of(kept)
            true = [
                {
                    (views.tickets[key.complaint], key.rule)
                    for key in keys
                    if views.ticks(key, moment)
                }
                for moment in moments
            ]
            told = told_in(kept, views.context)
            if not any(
                due <= told <= due | views.open_duties(moment)
                for due, moment in zip(true, moments, strict=True)
            ):
                yield f"letter {kept.number} of {moments} tells of {told}, true was {true}"


def a_person_gets_one_mail_a_run(found: Findings) -> Iterator[str]:
    """Everything that one run decides for one person is one mail."""
    mails = Counter(
        (message.run_id, message.recipient)
        for message in found.messages
        if message.kind == MessageKind.NOTICES
    )
    for (run, person), number in mails.items():
        if number > 1:
            yield f"{run} made {number} mails to {person}"


CHECKS = (
    every_process_ended_well_or_by_its_fate,
    nothing_is_pending,
    exactly_what_was_due_was_decided,
    every_debt_has_been_paid,
    a_dead_mail_is_told_to_the_administrator,
    no_mail_was_given_up_early,
    what_was_sent_is_in_the_mailbox,
    what_did_not_go_out_is_in_no_mailbox,
    no_mail_came_twice_without_a_reason,
    each_letter_tells_what_was_true,
    a_person_gets_one_mail_a_run,
    the_audit_is_one_unbroken_chain,
    every_decision_is_in_the_audit,
)


def _called(life: Life) -> str:
    return f"{life.name} ({life.process.work} at {life.process.now:%m-%d %H:%M:%S})"
