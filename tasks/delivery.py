"""Send: deliver the mails of the outbox to the mail server; each mail is claimed first."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from db.mails import outbox_status
from tasks.common.context import SiteContext
from tasks.common.retry import retrying_task
from tasks.notifications.rate_limit import RunClock
from tasks.notifications.sender import DeliveryCount, Progress, Sender


def send_owed(
    context: SiteContext,
    now: datetime,
    run_id: str,
    clock: Callable[[datetime], RunClock] = RunClock,
    progress: Progress | None = None,
    helpers: int = 0,
) -> DeliveryCount:
    """Send every mail with a send time not later than now.

    The run works on some mails at a time, in this order: 1. evaluate their items again and compose
    them; 2. claim them, with an update that changes only unclaimed mails; 3. send each to the
    server; 4. store the answer, while the next ones are being sent. If the process dies between 3
    and 4, a later run finds the claim stale and sends a copy with the same Message-ID. If it is
    stopped while the server has the mail and has not answered, the next run sends this copy.

    If the site's rate or the server demands a slower pace, the run waits; mails that would take too
    long are left to the next run. If the server itself is unusable, the other mails stay queued and
    `trouble` gives the reason. A run that composes for long reports its `progress`. If very many
    mails are due, so many `helpers` do step 1 for the next ones during step 3.
    """
    sender = Sender(context, now, run_id, clock=clock, progress=progress, helpers=helpers)
    sender.run()
    with context.transaction() as session:
        sender.count.pending = outbox_status.pending(session)
    return sender.count


send_owed_task = retrying_task("send what is owed")(send_owed)
