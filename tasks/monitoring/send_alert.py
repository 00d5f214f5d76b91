"""Alarm: send the alerts of the watchdog to the mail server at once, without a worker."""

from __future__ import annotations

import uuid
import zlib
from datetime import datetime, timedelta

from db import outbox
from db.models import MessageRow, MessageStatus
from settings import Site
from sla.directory import OfficeHolder, Role
from tasks.common.context import SiteContext
from tasks.notifications.message import WATCH, alert_mime
from tasks.notifications.transport.choose import mail_way
from tasks.notifications.transport.smtp import (
    Connection,
    MailError,
    PermanentFailure,
    ServerUnavailable,
)

FIRST_RETRY = timedelta(minutes=1)
LONGEST_RETRY = timedelta(minutes=15)
"""The longest wait before another attempt. It is shorter than for other mail, because the
administrator waits for these alerts.
"""

PATIENCE = 10.0
"""Timeout for the mail server, in seconds. The watchdog runs each minute, so it waits for less time
than a delivery.
"""


def hand_over(office: SiteContext, now: datetime) -> list[str]:
    """Send the alerts of the watchdog in the outbox; return the errors of the mail server as texts.

    The function claims a mail as a delivery does, so that only one of the two sends it. A mail that
    the server refuses for now stays in the outbox.
    """
    troubles: list[str] = []
    token = str(uuid.uuid4())
    with office.transaction() as session:
        outbox.release_stale_claims(session, now)
        ready = []
        for message in outbox.alerts_due(session, now):
            if message.detail.get("alert") == WATCH:
                message.mime = zlib.compress(alert_mime(office.site, message, now), 1)
                message.composed_at = now
                ready.append(message.id)
    if not ready:
        return troubles
    with office.transaction() as session:
        claimed = outbox.claim(session, token, ready, now)
        tried = {mail.id: outbox.attempts_of(session, mail.id) for mail in claimed}
    try:
        with (
            mail_way(office.site, timeout=PATIENCE) as way,
            Connection(way) as connection,
        ):
            for mail in claimed:
                try:
                    sender = office.site.file.mail.sender
                    answer = connection.send(sender, mail.recipient, zlib.decompress(mail.mime))
                except MailError as trouble:
                    troubles.append(str(trouble))
                    with office.transaction() as session:
                        outbox.put_off(
                            session,
                            token,
                            mail.id,
                            now,
                            _later(trouble, tried[mail.id], now),
                            {
                                "outcome": _outcome(trouble),
                                "code": trouble.code,
                                "answer": trouble.answer,
                            },
                        )
                else:
                    with office.transaction() as session:
                        outbox.sent(session, token, {mail.id: answer}, now)
    except ValueError as error:  # the mail URL is wrong
        troubles.append(str(error))
    finally:
        with office.transaction() as session:
            outbox.give_back(session, token, [mail.id for mail in claimed], now + FIRST_RETRY)
    return troubles


def _later(trouble: MailError, tried: int, now: datetime) -> datetime | None:
    """Return the time of the next attempt, or None if the server refused the mail permanently."""
    if isinstance(trouble, PermanentFailure):
        return None
    wait: timedelta = min(FIRST_RETRY * 2 ** min(tried, 8), LONGEST_RETRY)
    return now + wait


def _outcome(trouble: MailError) -> str:
    if isinstance(trouble, ServerUnavailable):
        return "unavailable"
    return "refused" if isinstance(trouble, PermanentFailure) else "deferred"


def send_without_database(
    site: Site, holder: OfficeHolder, key: str, detail: dict[str, object], now: datetime
) -> None:
    """Send one alert without the outbox, as when there is no database.

    Raises :class:`tasks.notifications.transport.smtp.MailError`, or ValueError for a wrong mail
    URL.
    """
    message = MessageRow(
        message_id_header=key,
        recipient=holder.email,
        recipient_name=holder.name,
        role=Role.ADMINISTRATOR,
        locale=holder.locale,
        status=MessageStatus.SENDING,
        detail=detail,
    )
    mime = alert_mime(site, message, now)
    with mail_way(site, timeout=PATIENCE) as way, Connection(way) as connection:
        connection.send(site.file.mail.sender, holder.email, mime)
