"""Position reached in the sender's mailbox."""

from __future__ import annotations

from sqlalchemy.orm import Session

from db.locks import advisory_lock
from db.models import MailboxPosition

MAILBOX = "bounces"
"""The name of the sender's mailbox in the table of positions."""


def lock(session: Session) -> None:
    """Acquire the lock for storing mails of the mailbox, and keep it until the transaction ends."""
    advisory_lock(session, "bounces")


def position(session: Session) -> tuple[int, int] | None:
    """Return the UIDVALIDITY and the UID of the last mail read; None if none was read."""
    found = session.get(MailboxPosition, MAILBOX)
    return (found.uid_validity, found.last_uid) if found is not None else None


def set_position(session: Session, uid_validity: int, last_uid: int) -> None:
    """Store the position reached in the mailbox."""
    session.merge(MailboxPosition(mailbox=MAILBOX, uid_validity=uid_validity, last_uid=last_uid))
