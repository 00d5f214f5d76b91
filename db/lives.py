"""The lives of mails and notices: their statuses, and the legal changes between them."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any


class NoticeStatus(StrEnum):
    """Status of a notice."""

    QUEUED = "queued"
    SENT = "sent"
    SUPERSEDED = "superseded"
    """The same run reached a higher rung, so no mail was queued for this one."""
    WITHDRAWN = "withdrawn"
    """Left out of its mails, and so notified to nobody; the item has the reason."""
    FAILED = "failed"
    """No recipient could be reached; the administrator was notified."""
    SUPPRESSED = "suppressed"
    """A hold of the site covers this rung at the unit. The notice is queued after the hold ends if
    it still applies then."""
    DISCARDED = "discarded"
    """A person dropped the storm of this notice, or withdrew its mail. It is never queued again."""
    TRIAL = "trial"
    """Shown only in a digest of a trial, and so notified to nobody. It is withdrawn when the trial
    ends."""
    MOVED = "moved"
    """A reminder about which an earlier notice was decided for an earlier due day. It is queued on
    its new day if it still applies then."""


class MessageStatus(StrEnum):
    """Status of a mail in the outbox."""

    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    DEAD = "dead"
    """Permanently refused, or undeliverable for too long; the administrator was notified."""
    CANCELLED = "cancelled"
    """None of its notices still applied when it was composed."""
    HELD = "held"
    """Part of a storm; it waits for a release by the administrator."""
    DISCARDED = "discarded"
    """Part of a storm dropped by the administrator, or withdrawn by a person before it was sent."""
    TRIAL = "trial"
    """Composed in a trial and shown to the administrator only; it is never sent."""
    BOUNCED = "bounced"
    """Accepted by our mail server, but returned later as undeliverable; the administrator was
    notified."""


MAIL_LIFE: Mapping[MessageStatus, frozenset[MessageStatus]] = {
    MessageStatus.QUEUED: frozenset(
        {
            MessageStatus.SENDING,
            MessageStatus.CANCELLED,
            MessageStatus.DEAD,
            MessageStatus.HELD,
            MessageStatus.DISCARDED,
            MessageStatus.TRIAL,
        }
    ),
    MessageStatus.SENDING: frozenset(
        {MessageStatus.SENT, MessageStatus.QUEUED, MessageStatus.DEAD, MessageStatus.HELD}
    ),
    MessageStatus.HELD: frozenset({MessageStatus.QUEUED, MessageStatus.DISCARDED}),
    MessageStatus.SENT: frozenset({MessageStatus.BOUNCED}),
    MessageStatus.DEAD: frozenset(),
    MessageStatus.CANCELLED: frozenset(),
    MessageStatus.DISCARDED: frozenset(),
    MessageStatus.TRIAL: frozenset(),
    MessageStatus.BOUNCED: frozenset(),
}
"""The legal next statuses of a mail: its life. A new mail is queued or held."""

NOTICE_LIFE: Mapping[NoticeStatus, frozenset[NoticeStatus]] = {
    NoticeStatus.QUEUED: frozenset(
        {
            NoticeStatus.SENT,
            NoticeStatus.WITHDRAWN,
            NoticeStatus.FAILED,
            NoticeStatus.DISCARDED,
            NoticeStatus.TRIAL,
            NoticeStatus.QUEUED,
        }
    ),
    NoticeStatus.SUPPRESSED: frozenset({NoticeStatus.QUEUED, NoticeStatus.SUPERSEDED}),
    NoticeStatus.WITHDRAWN: frozenset(
        {NoticeStatus.QUEUED, NoticeStatus.SUPPRESSED, NoticeStatus.SENT, NoticeStatus.FAILED}
    ),
    NoticeStatus.FAILED: frozenset(
        {NoticeStatus.QUEUED, NoticeStatus.SUPPRESSED, NoticeStatus.SENT, NoticeStatus.WITHDRAWN}
    ),
    NoticeStatus.DISCARDED: frozenset(
        {NoticeStatus.QUEUED, NoticeStatus.SENT, NoticeStatus.WITHDRAWN, NoticeStatus.FAILED}
    ),
    NoticeStatus.SENT: frozenset(
        {NoticeStatus.QUEUED, NoticeStatus.FAILED, NoticeStatus.WITHDRAWN, NoticeStatus.DISCARDED}
    ),
    NoticeStatus.TRIAL: frozenset({NoticeStatus.WITHDRAWN, NoticeStatus.QUEUED}),
    NoticeStatus.SUPERSEDED: frozenset(),
    NoticeStatus.MOVED: frozenset({NoticeStatus.QUEUED, NoticeStatus.SUPPRESSED}),
}
"""The legal next statuses of a notice.

A failed, discarded or withdrawn notice is queued or sent again if a person resends its mail, or if
another recipient is found. A sent notice loses that status if its only accepted mail bounces.
"""


class IllegalChange(AssertionError):
    """A status would change in a way that the tables do not allow: a mistake of the program."""


def statuses_before(status: MessageStatus | NoticeStatus) -> tuple[str, ...]:
    """Return the statuses from which a mail or a notice may change to this one, for UPDATE
    statements.
    """
    life: Mapping[Any, frozenset[Any]] = MAIL_LIFE
    if isinstance(status, NoticeStatus):
        life = NOTICE_LIFE
    return tuple(old.value for old, following in life.items() if status in following)


def check_change(life: Mapping[Any, frozenset[Any]], old: object, new: object) -> None:
    """Raise :class:`IllegalChange` if a status may not follow another; equal ones are no change."""
    if old in life and new != old and new not in life[old]:
        raise IllegalChange(f"a status may not change from {old} to {new}")
