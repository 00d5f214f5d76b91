"""Delivery: send the mails in the outbox, and read the sender's mailbox at the same time."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from prefect import flow, get_run_logger

from flows.heartbeat import send_heartbeat
from flows.parameters import Now, SiteFolder
from flows.run_context import flow_run_context, run_name, show_progress
from tasks.common.helpers import spare_cores
from tasks.delivery import send_owed_task
from tasks.mailbox import read_mailbox_task
from tasks.notifications.sender import DeliveryCount, IncompleteDelivery
from tasks.text.translation import translated

LONGEST_RUN = 30 * 60
"""Time limit in seconds. A delivery run leaves the rest to the next one after some minutes."""

HEAD_START = 3.0
"""Seconds that the sending waits for the mailbox: a mail that just came back may change who is to
be told. A mailbox answers in less; a slow one is read while the mails go out."""


def show_composed(done: int, total: int) -> None:
    """Say how many mails a long run has composed."""
    show_progress(f"{done} of {total} mails composed")


def _in_words_of(locale: str, counts: dict[str, Any]) -> dict[str, Any]:
    """Return the counts with the errors of both servers in a language."""
    mailbox = counts["mailbox"]
    return counts | {
        "trouble": translated(counts["trouble"], locale),
        "mailbox": mailbox | {"trouble": translated(mailbox["trouble"], locale)},
    }


def why_incomplete(count: DeliveryCount) -> str:
    """Return why mails wait for the server, and what to do."""
    if count.quota_reached:
        return (
            f"the provider's sending limit is reached: {count.trouble}. Nothing is lost: mails that"
            f" wait: {count.pending}; each run tries one of them. Lower per_minute under [mail], or"
            " ask the provider for a larger quota"
        )
    return (
        f"the mail server cannot be used: {count.trouble}. Mails that wait for it:"
        f" {count.pending}. `tenggat doctor` tests the connection to it"
    )


@flow(name="delivery", flow_run_name=run_name, timeout_seconds=LONGEST_RUN)
def delivery(site: SiteFolder = None, now: Now = None) -> dict[str, Any]:
    """Send all mails ready for delivery; the run fails if the mail server is unusable.

    Returned mail and answers are read at the same time. A slow or unreadable mailbox does not
    stop the sending of mails.
    """
    with flow_run_context("delivery", site, now) as at:
        reading = read_mailbox_task.submit(at.context, at.now, at.run_id)
        reading.wait(HEAD_START)
        count = send_owed_task(
            at.context, at.now, at.run_id, progress=show_composed, helpers=spare_cores()
        )
        mailbox = reading.result()
        if mailbox.trouble:
            get_run_logger().warning("the mailbox is not read: %s", mailbox.trouble)
        get_run_logger().info(
            "%d sent, %d deferred, %d dead, %d cancelled, %d still queued",
            count.sent,
            count.deferred,
            count.dead,
            count.cancelled,
            count.pending,
        )
        at.counts = {**asdict(count), "mailbox": asdict(mailbox)}
        at.show(**_in_words_of(at.context.site.locale, at.counts))
        send_heartbeat(at.context, at.now, well=not count.trouble)
        if count.trouble:
            raise IncompleteDelivery(why_incomplete(count), at.counts)
        return at.counts
