"""Send the alerts of the watchdog to the mail server at once, without a worker."""

from __future__ import annotations

from datetime import datetime, timedelta

from db.lives import MessageStatus
from db.models import MessageRow
from settings.site import Site
from sla.directory import OfficeHolder, Role
from tasks.common.context import SiteContext
from tasks.notifications.message import WATCH, watch_mime
from tasks.notifications.send_policy import SendPolicy
from tasks.notifications.sender import Sender
from tasks.notifications.transport.choose import smtp_address
from tasks.notifications.transport.smtp import Connection

ALERTS = SendPolicy(
    alert=WATCH,
    timeout=10.0,
    rate_limited=False,
    longest_run=timedelta(seconds=10),
    longest_retry=timedelta(minutes=15),
    longest_outage=timedelta(minutes=15),
    gives_up=False,
    spread=0.0,
)
"""The watchdog's policy. It runs each minute, so it waits for less time than a delivery; and the
administrator waits for its alerts, so it tries them again sooner and keeps no send rate.
"""


def send_watch_alerts(context: SiteContext, now: datetime, run_id: str) -> list[str]:
    """Send the alerts of the watchdog in the outbox; return the errors of the mail server as
    texts.
    """
    sender = Sender(context, now, run_id, ALERTS)
    try:
        sender.run()
    except ValueError as error:  # the mail URL is wrong
        return [str(error)]
    return [str(error) for error in sender.errors]


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
    mime = watch_mime(site, message, now)
    with smtp_address(site, timeout=ALERTS.timeout) as address, Connection(address) as connection:
        connection.send(site.file.mail.sender, holder.email, mime)
