"""Sender: claim the due mails, compose and send them, and store the answers of the server."""

from __future__ import annotations

import time
import uuid
import zlib
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import object_session

from db import notices
from db.bulk import chunked
from db.decisions import mode
from db.lives import MessageStatus
from db.mailbox import bounces, replies
from db.mails import earlier_mails, mail_items, outbox
from db.models import DeliveryAttempt, MessageKind, MessageRow
from sla.ladders import SUPERIORS
from tasks.common.context import RunContext, SiteContext
from tasks.common.errors import is_lost_database
from tasks.common.garbage import no_search_for_cycles, search_new_objects
from tasks.common.helpers import Helpers
from tasks.notifications.ack_writer import AckWriter
from tasks.notifications.composing.ahead import (
    LARGEST_KEPT,
    ComposedJob,
    ComposeJob,
    compose_job,
    compressed,
)
from tasks.notifications.composing.compose import compose_all, in_groups
from tasks.notifications.desk import MOST_SHARED
from tasks.notifications.enqueue import enqueue_alert, tell_of_lost_address
from tasks.notifications.import_alerts import FIRST_ALERTS
from tasks.notifications.rate_limit import MINUTE, RateLimiter, RunClock, too_fast
from tasks.notifications.readdress import join_due_mails, readdress
from tasks.notifications.send_policy import DELIVERY, SendPolicy
from tasks.notifications.transport.choose import smtp_address
from tasks.notifications.transport.refusals import shown_answer
from tasks.notifications.transport.smtp import (
    AddressRefused,
    AnswerLost,
    Connection,
    MailError,
    PermanentFailure,
    QuotaReached,
    RelayRefused,
    SenderLimited,
    ServerUnavailable,
    Uncomposable,
)
from tasks.notifications.trial.digest import (
    NOTES_IN_DIGEST,
    enqueue_digest,
    is_worth_a_digest,
)

AT_ONCE = 50
"""Number of mails claimed together, and composed together at first."""

MOST_COMPOSED = 4 * AT_ONCE
"""The largest number of mails composed together, while the server takes them fast."""

SHARED = 500
"""The least number of due mails for which helpers are started: a helper needs a second to start,
and the run alone composes some hundreds in it."""

MANY_ITEMS = 20_000
"""The least number of items of the mails of a trial for which helpers are started."""

IN_A_JOB = 100
"""Number of mails that a helper composes together."""

MOST_ITEMS = 100
"""A mail with more items is composed by the run itself."""

MOST_AHEAD = 10_000
"""Limit of mails that are composed with the same helpers."""

FRESH = timedelta(seconds=10)
"""The longest time between the first claim of mails composed together and the sending of each."""

SILENCE = timedelta(days=1)
"""If the server relays no mail, and has taken none for so long, it counts as unusable."""

RECORD_SECONDS = 20.0
"""The longest time in which a lost database is tried again for the record of accepted mails."""

RECORD_WAIT = 0.5
"""Seconds between these attempts."""

MOST_IN_TRIAL = 1000
"""Number of mails in one digest of a trial."""

SOON = timedelta(minutes=5)
"""The longest time for composing a group of mails."""

ENOUGH = timedelta(minutes=1)
"""After so much time of composing, the composed mails are sent before the others are composed."""

PROGRESS = timedelta(seconds=10)
"""The time between two reports of the progress of a run that composes long mails."""

Progress = Callable[[int, int], None]
"""It gets the number of composed mails, and the number of those composed or still due."""


@dataclass(slots=True)
class DeliveryCount:
    """The result of a run that sends mails. `trouble` is the reason if the server is unusable."""

    sent: int = 0
    deferred: int = 0
    dead: int = 0
    cancelled: int = 0
    pending: int = 0
    in_trial: int = 0
    """Number of mails shown to the administrators only, because the site is in trial."""
    by_role: dict[str, int] = field(default_factory=dict)
    trouble: str = ""
    quota_reached: bool = False
    """Whether the `trouble` is that the provider takes no more mails of our sender for now."""
    deferred_answer: str = ""
    """The newest answer of the server to a mail that waits, as administrators read it."""


class IncompleteDelivery(MailError):
    """The mail server takes no mails, or no more of them; `counts` has what was done before."""

    def __init__(self, text: str, counts: dict[str, Any]) -> None:
        super().__init__(text)
        self.counts = counts


class Sender:
    """One run that sends mails by a policy: its clock, its rate limiter, its counts and errors.

    A delivery sends every mail, the watchdog its own alerts. If both run at once, each mail is sent
    by the one that claims it. `clock` makes the clock of the run from its start. If very many mails
    are due, so many `helpers` compose the next ones while the last ones are sent.
    """

    def __init__(
        self,
        context: SiteContext,
        now: datetime,
        run_id: str,
        policy: SendPolicy = DELIVERY,
        clock: Callable[[datetime], RunClock] = RunClock,
        progress: Progress | None = None,
        helpers: int = 0,
    ) -> None:
        self.context, self.policy, self.now, self.run_id = context, policy, now, run_id
        self.helpers = helpers
        self.progress, self.composed, self.due, self.reported_at = progress, 0, 0, now
        self.clock, self.count = clock(now), DeliveryCount()
        self.errors: list[MailError] = []
        self.limiter = RateLimiter(None, {})
        self.group = AT_ONCE
        """The number of mails composed together."""
        self.roles: dict[int, str] = {}
        self.kept: dict[int, tuple[bytes, bytes]] = {}
        """The bytes of mails composed just now, by key: as stored, and as sent."""
        self.recorded: set[int] = set()
        """The mails whose acceptance is stored."""
        self.in_hand = 0
        """The mail that is being sent, until its outcome is known; 0 for none."""
        self.domain_free_at: datetime | None = None

    def run(self) -> None:
        """Send mails, and the alerts they cause, until none is due or none may be sent.

        Raises ValueError if the mail URL is wrong.
        """
        with self.context.transaction() as session:
            outbox.release_stale_claims(session, self.now)
            send_after = outbox.next_send_time(session, self.policy.alert)
            before = earlier_mails.sent_since(session, self.now - MINUTE)
            self.due = outbox.count_due(session, self.now)
        if send_after is None or send_after > self.now:
            return
        if self.policy.alert is None:
            with self.context.run(self.now, self.run_id) as run:
                join_due_mails(run)
        mail = self.context.site.file.mail
        if self.policy.rate_limited:
            self.limiter = RateLimiter(mail.per_minute, mail.per_minute_to, before)
        try:
            with (
                smtp_address(self.context.site, timeout=self.policy.timeout) as address,
                Connection(address) as connection,
                no_search_for_cycles(),
            ):
                self._send_all(connection)
                self._note_silence()
        except ServerUnavailable as error:  # the local mailbox cannot be opened
            self.errors.append(error)
            self.count.trouble = error.answer_and_remedy

    def _send_all(self, connection: Connection) -> None:
        while not self.count.trouble and self._any_due() and self._may_go_on():
            moment = self.clock.moment()
            if self._is_worth_helpers():
                self._send_ahead(connection, moment)
                continue
            ready = self._make_ready(moment)
            if ready is None:
                if not self._awaits_a_domain(moment):
                    return
                continue
            begun = self.clock.moment()
            if begun - moment > SOON:
                continue  # the machine was suspended: compose these mails again
            all_sent = self._send_ready(connection, ready, begun)
            fast = all_sent and self.clock.moment() - begun < FRESH / 4
            self.group = min(2 * self.group, MOST_COMPOSED) if fast else AT_ONCE

    def _is_worth_helpers(self) -> bool:
        """Check whether helpers would save time: many mails are due, and they leave fast."""
        fast = self.limiter.free and self.group == MOST_COMPOSED
        many = self.due - self.count.sent >= SHARED
        return bool(self.helpers) and fast and many and self.policy.alert is None

    def _send_ahead(self, connection: Connection, moment: datetime) -> None:
        """Send mails to units while helpers compose the next ones; the others take the usual way.

        A helper only reads. What it composed is stored if the mail is still the same.
        """
        self.group = AT_ONCE  # if the helpers can do nothing, the run goes on alone
        site_mode, due = self._due_to_units(moment)
        if len(due) < SHARED:
            return
        some = chunked(due, IN_A_JOB)
        jobs = (self._job([keys], self.clock.moment(), site_mode) for keys in some)
        with Helpers(self.context, self.helpers) as processes:
            for job, composed in processes.results(compose_job, jobs):
                if composed is None:
                    return
                ready = self._store_composed(job, composed)
                if not self._send_ready(connection, ready, job.now) or not self._may_go_on():
                    return
                search_new_objects()

    def _due_to_units(self, moment: datetime) -> tuple[mode.SiteMode, list[int]]:
        """Return the mode of the site, and the due mails to units that helpers can compose: none in
        a trial.
        """
        self._readdress(moment, MOST_AHEAD)
        with self.context.run(moment, self.run_id) as run:
            if not run.mode.live:
                return run.mode, []
            due = outbox.due_to_units(run.session, moment, SUPERIORS, MOST_AHEAD)
            counts = mail_items.item_counts(run.session, due)
            return run.mode, [key for key in due if counts.get(key, 0) <= MOST_ITEMS]

    def _job(
        self, groups: Sequence[Sequence[int]], now: datetime, site_mode: mode.SiteMode
    ) -> ComposeJob:
        """Return the job to compose the mails of these groups."""
        ruleset = self.context.ruleset_fingerprint()
        return ComposeJob(groups, now, self.now, self.run_id, site_mode, ruleset)

    def _readdress(self, moment: datetime, most: int) -> None:
        """Move the notices of due mails to the present holders of the offices, in the mode that the
        site has now.
        """
        with self.context.run(moment, self.run_id) as run:
            mode.activate(run.session, moment)
            readdress(run, most)
            if self.helpers and self.context.site.reply_address:
                replies.signing_key(run.session)  # helpers cannot make it

    def _store_composed(self, job: ComposeJob, composed: ComposedJob) -> list[int]:
        """Store composed mails as evidence; return the keys of those to send.

        Mails that another run has composed, and mails with other items than before, wait.
        """
        self.kept.clear()
        with self.context.run(job.now, self.run_id) as run:
            return [message.id for message in self._stored(run, job, composed)]

    def _stored(
        self, run: RunContext, job: ComposeJob, composed: ComposedJob
    ) -> Iterator[MessageRow]:
        """Store composed mails that are still the same, and yield those of them to send or show."""
        queued = outbox.locked(run.session, job.mails, skip_locked=True)
        counts = mail_items.item_counts(run.session, [message.id for message in queued])
        before = {mail.id: mail.composed_before for mail in composed.mails}
        items = composed.contents.number_of_items()
        same = {
            message.id: message
            for message in queued
            if message.id in before
            and message.composed_at == before[message.id]
            and counts.get(message.id, 0) == items.get(message.id, 0)
            and not self._waits(message, job.now, run.mode)
        }
        composed.contents.store(run.session, same)
        for mail in composed.mails:
            if (message := same.get(mail.id)) is None:
                continue
            message.subject = mail.subject
            message.detail = {**message.detail, **mail.detail}
            self._report_progress()
            if self._ready(run, message, mail.mime, mail.packed):
                yield message

    def _send_ready(self, connection: Connection, ready: Sequence[int], begun: datetime) -> bool:
        """Claim and send composed mails, some at a time; return whether none is left for later.

        What many mails share is loaded once for all that are composed together. Only few are
        claimed together: of those, no run knows whether the server has them if this one dies.
        """
        for some in chunked(ready, AT_ONCE):
            token, now = str(uuid.uuid4()), self.clock.moment()
            if now - begun > FRESH:
                return False
            with self.context.transaction() as session:
                alerts_only = not mode.of_site(session).live
                claimed = outbox.claim(session, token, some, now, alerts_only=alerts_only)
            recorder = AckWriter(partial(self._sent, token))
            try:
                with recorder:
                    all_sent = self._send(connection, token, claimed, begun, recorder)
                    recorder.flush()
            finally:
                self._release(token, claimed, recorder.unrecorded, connection)
            if not all_sent:
                return False
        return True

    def _release(
        self,
        token: str,
        claimed: Sequence[outbox.Claimed],
        unrecorded: Mapping[int, str],
        connection: Connection,
    ) -> None:
        """Release the claimed mails that were not sent, however the sending ended.

        An acceptance that could not be stored is tried once more. If that fails too, its mail stays
        claimed, because the server has it; it is tried again when the claim is stale. A mail that
        was handed over when the run was stopped may have arrived.
        """
        try:
            if unrecorded:
                self._sent(token, dict(unrecorded))
        finally:
            now = self.clock.moment()
            done = self.recorded | unrecorded.keys()
            free = [mail.id for mail in claimed if mail.id not in done]
            if free:
                self._give_back(token, free, now, connection)

    def _give_back(
        self, token: str, free: Sequence[int], now: datetime, connection: Connection
    ) -> None:
        """Release claimed mails without an accepted attempt."""
        with self.context.transaction() as session:
            if self.in_hand in free and connection.is_handed_over:
                outbox.release_unanswered(session, token, [self.in_hand], now)
            outbox.give_back(session, token, free)

    def _any_due(self) -> bool:
        """Check whether a mail is due, now or as soon as the rate of its domain allows."""
        with self.context.transaction() as session:
            send_after = outbox.next_send_time(session, self.policy.alert)
        now = self.clock.moment()
        return send_after is not None and send_after <= max(now, self.domain_free_at or now)

    def _may_go_on(self) -> bool:
        """Wait until the next mail may be sent; return False if that is too late for this run."""
        moment = self.clock.moment()
        pause = max(self.limiter.free_at(moment) - moment, self.limiter.delay)
        if self.limiter.exhausted or moment + pause - self.now > self.policy.longest_run:
            return False
        if pause:
            self.clock.wait(pause)
        return True

    def _awaits_a_domain(self, moment: datetime) -> bool:
        """Wait for the rate of a domain; return False if no mail waits for one, or for too long."""
        free, self.domain_free_at = self.domain_free_at, None
        if free is None or free - self.now > self.policy.longest_run:
            return False
        self.clock.wait(free - moment)
        return True

    def _make_ready(self, moment: datetime) -> list[int] | None:
        """Compose the due mails and store them as evidence; return their keys, or None if none is
        due.

        A mail without any item that is still true is cancelled. One mail that cannot be composed
        does not stop the others. In a trial the mails to officials go into a digest.
        """
        ready = set()
        most = self.limiter.at_once(moment, self.group)
        if self.policy.alert is None:
            self._readdress(moment, most)
            with self.context.run(moment, self.run_id) as run:
                if not run.mode.live:
                    self._show_in_trial(run, moment)
        with self.context.run(moment, self.run_id) as run:
            found = outbox.take_due(
                run.session, moment, most, self.policy.alert, FIRST_ALERTS, items=False
            )
            self.kept.clear()
            with closing(self._composed(run, found)) as composed:
                for message in composed:
                    ready.add(message.id)
                    if self.clock.moment() - moment > ENOUGH:
                        break  # the rest is composed when these are on their way
        return [message.id for message in found if message.id in ready] if found else None

    def _composed(self, run: RunContext, found: Sequence[MessageRow]) -> Generator[MessageRow]:
        """Compose those of these mails that may leave now, and yield them; settle the others."""
        for group in in_groups(run, found):
            messages = [each for each in group if not self._waits(each, run.now, run.mode)]
            with closing(compose_all(run, messages, self.now)) as composed:
                for message, mime in composed:
                    self._report_progress()
                    if self._ready(run, message, mime):
                        yield message
                    if isinstance(mime, bytes) and len(mime) > LARGEST_KEPT:
                        search_new_objects()  # a mail about thousands of complaints
            search_new_objects()

    def _report_progress(self) -> None:
        """Report how many mails are composed, if the last report was some time ago."""
        self.composed += 1
        moment = self.clock.moment()
        if self.progress is not None and moment - self.reported_at >= PROGRESS:
            self.reported_at = moment
            self.progress(self.composed, max(self.composed, self.due))

    def _ready(
        self,
        run: RunContext,
        message: MessageRow,
        mime: bytes | Uncomposable | None,
        packed: bytes = b"",
    ) -> bool:
        """Store a composed mail, or settle one that is not composed; return whether it is.

        `packed` are its bytes as stored, if they are known. Then `mime` may be empty.
        """
        if isinstance(mime, Uncomposable):
            self._settle(run, message, mime)
            return False
        if mime is None:
            message.status, message.next_attempt_at = MessageStatus.CANCELLED, None
            run.session.flush()
            notices.settle(run.session, mail_items.notices_in(run.session, [message.id]), run.now)
            self.count.cancelled += 1
            return False
        stored = packed or compressed(mime)
        message.mime, message.composed_at = stored, run.now
        if 0 < len(mime) <= LARGEST_KEPT and len(self.kept) < MOST_COMPOSED:
            self.kept[message.id] = stored, mime
        return True

    def _show_in_trial(self, run: RunContext, moment: datetime) -> None:
        """Compose all due mails to officials, and queue one digest of them for the administrators.

        The digest has also the alerts that need no act at once. The mails are never sent. They end
        as `trial`. A single alert without any other mail leaves by itself.
        """
        due = outbox.take_due(
            run.session,
            moment,
            MOST_IN_TRIAL,
            officials=True,
            notes=NOTES_IN_DIGEST,
            items=False,
        )
        if not is_worth_a_digest(due):
            return
        shown = []
        officials = 0
        for message in self._composed_for_trial(run, due):
            message.status, message.next_attempt_at = MessageStatus.TRIAL, None
            shown.append(message.id)
            officials += message.kind != MessageKind.ALERT
        run.session.flush()
        notices.settle(run.session, mail_items.notices_in(run.session, shown), moment)
        if shown:
            enqueue_digest(run, sorted(shown))
        self.count.in_trial += officials

    def _composed_for_trial(
        self, run: RunContext, due: Sequence[MessageRow]
    ) -> Iterator[MessageRow]:
        """Compose the mails of a digest, and yield them; with helpers if their items are many.

        The first mails over a backlog have hundreds of thousands. The largest groups are one job:
        two processes with such mails would take too much memory. This transaction has changed
        nothing that helpers read.
        """
        items = mail_items.item_counts(run.session, [message.id for message in due])
        if not self.helpers or sum(items.values()) < MANY_ITEMS:
            for some in chunked(due, AT_ONCE):
                yield from self._composed(run, some)
            return
        yield from self._composed(run, [each for each in due if each.id not in items])
        by_id = {message.id: message for message in due}
        groups = list(in_groups(run, [each for each in due if each.id in items]))
        large = [each for each in groups if sum(items[m.id] for m in each) > MOST_SHARED]
        together = [large] if large else []
        together += [[each] for each in groups if each not in large]
        jobs = (
            self._job([[message.id for message in group] for group in some], run.now, run.mode)
            for some in together
        )
        with Helpers(self.context, self.helpers) as processes:
            for job, composed in processes.results(compose_job, jobs, in_order=False):
                messages = [by_id[key] for key in job.mails]
                if composed is None:  # the files of the site have changed
                    yield from self._composed(run, messages)
                else:
                    yield from self._stored(run, job, composed)
                run.session.flush()
                for message in messages:
                    run.session.expire(message, ["mime"])
                search_new_objects()

    def _waits(self, message: MessageRow, moment: datetime, site_mode: mode.SiteMode) -> bool:
        """Check whether a mail has to wait for the mail hours, as retries and late mails of a long
        queue do, or for the day from which superiors get mails; set its send time then.
        """
        send_after = leaves_at(self.context, message, moment, site_mode)
        if send_after > moment:
            message.next_attempt_at = send_after
        return send_after > moment

    def _send(
        self,
        connection: Connection,
        token: str,
        claimed: Sequence[outbox.Claimed],
        begun: datetime,
        recorder: AckWriter,
    ) -> bool:
        """Send the mails one after another, while their content and the claim are fresh; return
        whether the next ones may follow.
        """
        sender = self.context.site.file.mail.sender
        for mail in claimed:
            recorder.wait_for_room()
            moment = self.clock.moment()
            free = self.limiter.free_at(moment, mail.recipient)
            if free > moment:
                self.domain_free_at = min(free, self.domain_free_at or free)
                with self.context.transaction() as session:
                    outbox.give_back(session, token, [mail.id], free)
                continue
            if moment - begun > FRESH:
                return False  # evaluated too long ago: evaluate again
            mime = self._to_send(mail)
            self.roles[mail.id] = mail.role
            self.in_hand = mail.id
            try:
                answer = connection.send(sender, mail.recipient, mime)
            except MailError as error:
                self._failed(token, mail.id, error)
                self.in_hand = 0
                if too_fast(error):
                    self.limiter.throttled()
                    return False
                if self.count.trouble:
                    return False
            else:
                recorder.add(mail.id, answer)
                self.in_hand = 0
                self.limiter.sent(moment, mail.recipient)
        return True

    def _to_send(self, mail: outbox.Claimed) -> bytes:
        """Return the bytes of a claimed mail: the kept ones, unless others are stored by now."""
        stored, mime = self.kept.get(mail.id, (b"", b""))
        return mime if stored and stored == mail.mime else zlib.decompress(mail.mime)

    def _sent(self, token: str, answers: Mapping[int, str]) -> None:
        """Store the server's acceptance of some mails.

        A database that is lost for a moment is tried again: without this record the mails would be
        sent twice.
        """
        until = time.monotonic() + RECORD_SECONDS
        while True:
            try:
                with self.context.transaction() as session:
                    ours = outbox.sent(session, token, answers, self.clock.moment())
                break
            except DBAPIError as error:
                if not is_lost_database(error) or time.monotonic() > until:
                    raise
            time.sleep(RECORD_WAIT)
        self.recorded.update(ours)
        for key in ours:  # without those with a stale claim, taken over by another run
            role = self.roles[key]
            self.count.sent += 1
            self.count.by_role[role] = self.count.by_role.get(role, 0) + 1

    def _failed(self, token: str, key: int, error: MailError) -> None:
        """Store the server's answer, or the error, of a mail that was not accepted."""
        with self.context.run(self.clock.moment(), self.run_id) as run:
            for message in outbox.claimed(run.session, token, [key]):
                self._settle(run, message, error)

    def _settle(self, run: RunContext, message: MessageRow, error: MailError) -> None:
        now, count = run.now, self.count
        self.errors.append(error)
        message.claim = None
        if isinstance(error, ServerUnavailable | RelayRefused):
            self._wait_for_server(run, message, error)
            return
        _try_again_or_give_up(self.context, self.policy, message, error, now)
        dead = message.status == MessageStatus.DEAD
        count.dead += dead
        count.deferred += not dead
        if not dead:
            count.deferred_answer = self._shown(error)
        if isinstance(error, AddressRefused):
            _suppress(run, message, error)
        elif (dead or isinstance(error, Uncomposable)) and message.kind != MessageKind.ALERT:
            facts = {
                "recipient": message.recipient,
                "answer": str(error)[:200],
                "mail": message.id,
            }
            kind = "dead_message" if dead else "uncomposable_message"
            enqueue_alert(run, kind, facts)
        run.session.flush()
        notices.settle(run.session, mail_items.notices_in(run.session, [message.id]), now)

    def _wait_for_server(
        self, run: RunContext, message: MessageRow, error: ServerUnavailable | RelayRefused
    ) -> None:
        """Let a mail wait, however long, until the server or its settings are mended.

        A server that does not relay to one domain may take the mail to others, so the run goes on.
        """
        outages = sum(each.outcome == "unavailable" for each in message.attempts)
        long = isinstance(error, SenderLimited | RelayRefused)
        wait = self.policy.retry_after if long else self.policy.outage_after
        message.status, message.next_attempt_at = MessageStatus.QUEUED, run.now + wait(outages)
        _attempt(message, run.now, "unavailable", error)
        self.count.deferred += 1
        self.count.deferred_answer = self._shown(error)
        if isinstance(error, ServerUnavailable):
            self.count.trouble = error.answer_and_remedy
            self.count.quota_reached = isinstance(error, QuotaReached)
        elif message.kind != MessageKind.ALERT:
            facts = {
                "server": error.server,
                "recipient": message.recipient,
                "answer": str(error)[:200],
                "mail": message.id,
            }
            enqueue_alert(run, "relay_refused", facts, same=["server"])

    def _shown(self, error: MailError) -> str:
        return shown_answer(error.code, error.answer, self.context.site.locale)

    def _note_silence(self) -> None:
        """Report the server as unusable if it relays none of our mails and has taken none lately.

        The alert about it cannot leave either, so the run has to fail.
        """
        refused = [each for each in self.errors if isinstance(each, RelayRefused)]
        if not refused or self.count.sent or self.count.trouble:
            return
        with self.context.transaction() as session:
            if not earlier_mails.sent_since(session, self.now - SILENCE):
                self.count.trouble = f"{refused[0].server}: {refused[0].answer}"


def _suppress(run: RunContext, message: MessageRow, error: AddressRefused) -> None:
    """Suppress an address that the server refused, as a returned mail does; notify once."""
    newly_marked = bounces.add(
        run.session,
        message,
        report_id=message.message_id_header,
        reported_at=run.now,
        code=error.enhanced_code,
        answer=str(error),
        now=run.now,
        why="the mail server knows no such address",
    )
    if newly_marked:
        tell_of_lost_address(run, "refused_address", message, str(error))


def leaves_at(
    context: SiteContext, message: MessageRow, moment: datetime, site_mode: mode.SiteMode
) -> datetime:
    """Return when a due mail may leave: now, in the mail hours, or when superiors get mails."""
    send_after = context.send_after(moment) if _bound_to_hours(message) else moment
    superiors_from = site_mode.superiors_from
    if superiors_from is not None and _only_for_superiors(message):
        send_after = max(send_after, superiors_from)
    return send_after


def _bound_to_hours(message: MessageRow) -> bool:
    """Check whether a mail leaves in the mail hours only."""
    urgent = message.detail.get("urgent") or message.resent_of is not None
    return message.kind in outbox.IN_MAIL_HOURS and not urgent


def _only_for_superiors(message: MessageRow) -> bool:
    """Check whether a mail is for a superior, and has nothing about the reader's own unit."""
    if message.kind == MessageKind.ALERT:
        return False
    session = object_session(message)
    assert session is not None, "the mail is in a transaction"
    roles = mail_items.roles_of(session, message) or [message.role]
    return all(role in SUPERIORS for role in roles)


def _waited(context: SiteContext, message: MessageRow, first: datetime, now: datetime) -> timedelta:
    """Return the time since the first attempt in which a mail was allowed to leave."""
    hours = context.site.mail_hours
    if hours is None or not _bound_to_hours(message):
        return now - first
    return hours.open_time(first, now, context.site.evaluation_context)


_TRIED = frozenset({"deferred", "unknown"})
"""The outcomes of attempts that reached the server and are repeated. After `unknown` the recipient
may have the mail already."""


def _try_again_or_give_up(
    context: SiteContext,
    policy: SendPolicy,
    message: MessageRow,
    error: MailError,
    now: datetime,
) -> None:
    """Set a mail to dead after a permanent refusal or too much time, else set its next attempt.

    Nights and days off are no time of a mail that waits for the mail hours.
    """
    limit = timedelta(hours=context.site.file.mail.give_up_after_hours)
    tried = [each.attempted_at for each in message.attempts if each.outcome in _TRIED]
    tries, first = len(tried), min(tried, default=now)  # a server out of reach was not asked
    expired = policy.gives_up and _waited(context, message, first, now) >= limit
    if isinstance(error, PermanentFailure) or expired:
        message.status, message.next_attempt_at = MessageStatus.DEAD, None
        _attempt(message, now, "refused", error)
        return
    message.status = MessageStatus.QUEUED
    message.next_attempt_at = now + policy.retry_after(tries)
    _attempt(message, now, "unknown" if isinstance(error, AnswerLost) else "deferred", error)


def _attempt(message: MessageRow, now: datetime, outcome: str, error: MailError) -> None:
    message.attempts.append(
        DeliveryAttempt(attempted_at=now, outcome=outcome, code=error.code, answer=error.answer)
    )
