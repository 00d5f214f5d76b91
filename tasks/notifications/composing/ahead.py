"""Composing ahead: a process that only reads composes the next mails of a long delivery.

While it does, the run sends the last ones. The run stores what comes back, as far as nothing has
changed.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import Any

from db.decisions import mode
from db.decisions.mode import SiteMode
from db.mails import outbox
from tasks.common.context import RunContext, SiteContext
from tasks.common.garbage import search_new_objects
from tasks.notifications.composing.compose import compose_all
from tasks.notifications.composing.contents import KeptContents
from tasks.notifications.transport.smtp import Uncomposable

LARGEST_KEPT = 100_000
"""Limit of bytes of a composed mail that stays in memory until it is sent."""


@dataclass(frozen=True, slots=True)
class ComposeJob:
    """Mails to compose at `now`, and what the run that `began` earlier knows about the site.

    The mails of a group are composed together. What they share is released before the next group.
    """

    groups: Sequence[Sequence[int]]
    now: datetime
    began: datetime
    run_id: str
    mode: SiteMode
    ruleset: str

    @property
    def mails(self) -> list[int]:
        """Return the mails of all groups."""
        return list(chain.from_iterable(self.groups))


@dataclass(frozen=True, slots=True)
class ComposedMail:
    """A composed mail that is not stored yet.

    `mime` are the bytes to send, :class:`Uncomposable`, or None if none of its items is still true.
    `packed` are the same bytes as stored; of a mail above :data:`LARGEST_KEPT` only these are here,
    and `mime` is empty. `composed_before` is the time of an earlier composing.
    """

    id: int
    subject: str | None
    detail: Mapping[str, Any]
    mime: bytes | Uncomposable | None
    packed: bytes
    composed_before: datetime | None


@dataclass(frozen=True, slots=True)
class ComposedJob:
    """The mails of a job, and their contents."""

    mails: Sequence[ComposedMail]
    contents: KeptContents


def compose_job(context: SiteContext, job: ComposeJob) -> ComposedJob | None:
    """Compose mails without storing anything.

    Mails that are not queued any more are left out. Return None if the files of the site have
    changed since the run began.
    """
    if context.ruleset_fingerprint() != job.ruleset:
        return None
    contents = KeptContents()
    with context.consistent_read() as session:
        run = RunContext(context, session, job.now, job.run_id, {mode.of_site: job.mode})
        mails: list[ComposedMail] = []
        for group in job.groups:
            mails += _composed(run, group, job.began, contents)
            search_new_objects()
        return ComposedJob(mails, contents)


def _composed(
    run: RunContext, mails: Sequence[int], began: datetime, contents: KeptContents
) -> Iterator[ComposedMail]:
    messages = outbox.queued(run.session, mails)
    for message in messages:
        run.session.expunge(message)  # nobody writes the subject and the marks that it gets
    for message, mime in compose_all(run, messages, began, contents):
        packed = compressed(mime) if isinstance(mime, bytes) else b""
        is_large = isinstance(mime, bytes) and len(mime) > LARGEST_KEPT
        kept = b"" if is_large else mime
        yield ComposedMail(
            message.id, message.subject, message.detail, kept, packed, message.composed_at
        )
        if is_large:
            search_new_objects()


def compressed(mime: bytes) -> bytes:
    """Compress a mail fast: tables of a quarter of the usual size are enough for its few bytes."""
    packer = zlib.compressobj(1, zlib.DEFLATED, zlib.MAX_WBITS, 6)
    return packer.compress(mime) + packer.flush()
