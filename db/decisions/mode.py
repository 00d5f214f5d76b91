"""The mode of a site: in trial only the administrator gets mails, live the officials get theirs.

A new site is in trial until a person ends the trial. What only a digest of the trial showed was
notified to nobody: at the end of the trial those notices are withdrawn and decided again.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session, defer

from db import audit, notices
from db.lives import MessageStatus, NoticeStatus
from db.mails import outbox
from db.models import (
    Complaint,
    LeftOut,
    MessageItem,
    MessageKind,
    MessageRow,
    ModeChange,
    NoticeRow,
)


class Mode(StrEnum):
    """Who gets the mails of a site."""

    TRIAL = "trial"
    """Only the administrator, as a digest of all mails."""
    LIVE = "live"
    """The office holders."""


@dataclass(frozen=True, slots=True)
class SiteMode:
    """The mode of a site, since when, and by whom; all None or empty if nobody has decided yet.

    `starts_at` is the time of a start that was decided and lies ahead. Superiors get no mail before
    `superiors_from`.
    """

    mode: Mode = Mode.TRIAL
    since: datetime | None = None
    by: str = ""
    starts_at: datetime | None = None
    superiors_from: datetime | None = None

    @property
    def live(self) -> bool:
        """Whether office holders get mails."""
        return self.mode is Mode.LIVE

    def live_at(self, time: datetime) -> bool:
        """Check whether office holders get mails at a time ahead, as decided until now."""
        return self.live or (self.starts_at is not None and self.starts_at <= time)

    def holds_superiors(self, now: datetime) -> bool:
        """Check whether superiors get no mail yet."""
        return self.superiors_from is not None and now < self.superiors_from


def of_site(session: Session) -> SiteMode:
    """Return the present mode of the site."""
    rows = _rows(session)
    mode = SiteMode()
    for row in rows:
        if row.activated_at is None:
            continue
        goes_on = mode.live and row.mode == Mode.LIVE
        since = mode.since if goes_on else row.activated_at
        mode = SiteMode(Mode(row.mode), since, row.decided_by, None, row.superiors_from)
    if rows and rows[-1].activated_at is None:
        last = rows[-1]
        mode = SiteMode(mode.mode, mode.since, mode.by, last.effective_from, last.superiors_from)
    return mode


def start(
    session: Session,
    now: datetime,
    by: str,
    *,
    effective_from: datetime,
    superiors_from: datetime | None = None,
) -> SiteMode:
    """Record that the trial ends at `effective_from`; return the mode after it.

    If the site is live already, only the time for superiors changes.
    """
    row = ModeChange(
        mode=Mode.LIVE,
        decided_at=now,
        decided_by=by[:255],
        effective_from=effective_from,
        superiors_from=superiors_from,
    )
    goes_on = of_site(session).live
    session.add(row)
    session.flush()
    audit.note(
        session,
        audit.AuditKind.MODE_LIVE,
        now,
        "a person decided",
        effective_from=effective_from.isoformat(),
        superiors_from=superiors_from and superiors_from.isoformat(),
    )
    if goes_on:
        row.activated_at = now
        session.flush()
    else:
        activate(session, now)
    return of_site(session)


def stop(session: Session, now: datetime, by: str) -> SiteMode:
    """Put the site into trial, and forget a start that lies ahead; return the mode."""
    audit.note(session, audit.AuditKind.MODE_TRIAL, now, "a person decided")
    before = of_site(session)
    session.execute(
        delete(ModeChange)
        .where(ModeChange.activated_at.is_(None))
        .execution_options(synchronize_session="fetch")
    )
    if before.live:
        session.add(
            ModeChange(
                mode=Mode.TRIAL,
                decided_at=now,
                decided_by=by[:255],
                effective_from=now,
                activated_at=now,
            )
        )
    session.flush()
    return of_site(session)


def activate(session: Session, now: datetime) -> bool:
    """Put a start into force if its time has come; return whether this call did so.

    The ladder of every duty begins again at the unit: the notices of the trial are withdrawn, its
    unsent mails are cancelled, and all complaints are evaluated again.
    """
    rows = _rows(session)
    pending = rows[-1] if rows and rows[-1].activated_at is None else None
    if pending is None or pending.effective_from > now:
        return False
    began = (row.activated_at for row in reversed(rows[:-1]) if row.activated_at is not None)
    in_trial_since = next(began, None)  # a start that another one overtook never came into force
    pending.activated_at = now
    _end_trial(session, in_trial_since, now)
    session.flush()
    return True


def _rows(session: Session) -> list[ModeChange]:
    return list(session.scalars(select(ModeChange).order_by(ModeChange.id)))


def _end_trial(session: Session, since: datetime | None, now: datetime) -> None:
    """Withdraw what the trial since this time has shown to the administrator only."""
    query = (
        select(MessageRow)
        .where(
            MessageRow.kind != MessageKind.ALERT,
            MessageRow.status.in_((MessageStatus.TRIAL, MessageStatus.QUEUED)),
        )
        .order_by(MessageRow.id)
        .options(defer(MessageRow.mime))
    )
    if since is not None:
        query = query.where(
            (MessageRow.status == MessageStatus.TRIAL) | (MessageRow.created_at >= since)
        )
    earlier = MessageRow.message_id_header.startswith("<trial.")  # of an earlier trial
    mails = session.scalars(query.where(~earlier)).all()
    for mail in mails:
        if mail.status == MessageStatus.QUEUED:
            mail.status, mail.next_attempt_at = MessageStatus.CANCELLED, None
    concerned = outbox.withdraw(session, mails, "trial", LeftOut.TRIAL)
    session.flush()
    notices.settle(session, concerned, now)
    session.flush()
    _delete_unsent_notices(session, since)
    session.execute(
        update(Complaint).values(next_action_at=now).execution_options(synchronize_session=False)
    )
    session.expire_all()


NOT_IN_A_MAIL = (
    NoticeStatus.SUPERSEDED,
    NoticeStatus.SUPPRESSED,
    NoticeStatus.FAILED,
    NoticeStatus.MOVED,
)
"""Statuses of notices that were decided without a mail."""


def _delete_unsent_notices(session: Session, since: datetime | None) -> None:
    """Delete the decisions of the trial that led to no mail."""
    query = delete(NoticeRow).where(
        NoticeRow.status.in_(NOT_IN_A_MAIL), NoticeRow.id.not_in(select(MessageItem.notice_id))
    )
    if since is not None:
        query = query.where(NoticeRow.decided_at >= since)
    session.execute(query.execution_options(synchronize_session=False))
