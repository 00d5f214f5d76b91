"""An IMAP mailbox as a source: new complaints are rows; the mailbox is never changed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from settings.sources import MailboxSource
from tasks.common.context import SiteContext
from tasks.sources import cursor
from tasks.sources.base import CheckResult, Extract, Source, Waiting
from tasks.sources.endpoint import check_url, from_environment, not_set
from tasks.sources.imap.connection import examined, explained, opened, way_to
from tasks.sources.imap.fetch import uids
from tasks.sources.imap.mail_reader import MailReader
from tasks.sources.registry import source_kind

BATCH = 200
"""Number of mails requested from the server at once."""


@source_kind("imap")
class ImapMailbox(Source[MailboxSource]):
    """A mailbox: each received mail is a complaint."""

    def extracts(self, context: SiteContext, now: datetime) -> Iterator[Extract]:
        """Yield the mails received since the last import, in the order of their arrival.

        The cursor is the mailbox's UIDVALIDITY and the last UID. If the server has renumbered its
        mails, all are read again. A mail with known content and Message-ID is a copy of the known
        mail, and the first receipt stays valid: sending a mail again does not move a deadline. A
        reply in the thread of a complaint belongs to it, and a mail that no person wrote is no
        complaint. `waiting` names the copies, the mails of machines, and mails received after
        `now`. Raises :class:`SourceError`; its text never contains a password or any content of a
        mail.
        """
        name, source = self.name, self.settings
        way = way_to(name, source)
        with explained(name, source), opened(self.site.folder, way, name, source) as client:
            validity, next_uid = examined(client, way, name, source)
            kept = (cursor.position(context, name) or "").partition(":")
            last = int(kept[2]) if kept[0] == str(validity) else 0
            reader = MailReader(context, client, name, source, now, validity)
            first = source.first_day
            since = () if first is None else ("SINCE", first - timedelta(days=1))
            new = list(uids(client, last + 1, next_uid, *since))
            groups = [new[start : start + BATCH] for start in range(0, len(new), BATCH)]
            for group in groups or [[]]:
                rows, mails, read = reader.rows(group)
                last = max(read, last)
                place = f"UID {group[0]}-{last}" if read else "nothing new"
                yield Extract(
                    name=f"{name}: {place}",
                    sha256=cursor.content_hash(validity, last, place, rows=rows),
                    observed_at=now,
                    header=source.columns,
                    rows=rows,
                    cursor=f"{validity}:{last}",
                    mails=mails,
                )
                if reader.later:
                    break
            self.waiting += map(Waiting, reader.notes())

    def check(self, timeout: float) -> Iterator[CheckResult]:
        """Check whether a mail server listens at the address."""
        key = self.settings.url_variable
        url = from_environment(key)
        if url:
            yield from check_url(self.name, url, key=key, timeout=timeout)
        else:
            yield not_set(self.name, key)
