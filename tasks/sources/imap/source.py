"""An IMAP mailbox as a source: each arrived mail is a row; the mailbox is never changed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

from db import complaints
from settings.sources import MailboxSource
from tasks.common.context import SiteContext
from tasks.common.redaction import plain_ticket
from tasks.sources import cursor
from tasks.sources.base import CheckResult, Extract, Row, Source, Waiting
from tasks.sources.endpoint import check_url, from_environment, not_set
from tasks.sources.imap.connection import LimitedClient, examined, explained, opened, way_to
from tasks.sources.imap.fetch import heads, uids, whole
from tasks.sources.imap.message import IN_THE_BODY, cells, message_id, substitute_id
from tasks.sources.registry import source_kind

BATCH = 200
"""Number of mails requested from the server at once."""


@source_kind("imap")
class ImapMailbox(Source[MailboxSource]):
    """A mailbox: each received mail is a complaint."""

    def extracts(self, context: SiteContext, now: datetime) -> Iterator[Extract]:
        """Yield the mails received since the last import, in the order of their arrival.

        The cursor is the mailbox's UIDVALIDITY and the last UID. If the server has renumbered its
        mails, all are read again. A mail with a known Message-ID is a copy of the known mail, and
        the first receipt stays valid: sending a mail again does not move a deadline. `waiting`
        names the copies, and mails received after `now`. Raises :class:`SourceError`; its text
        never contains a password or any content of a mail.
        """
        name, source = self.name, self.settings
        way = way_to(name, source)
        with explained(name, source), opened(self.site.folder, way, name, source) as client:
            validity, next_uid = examined(client, way, name, source)
            kept = (cursor.position(context, name) or "").partition(":")
            last = int(kept[2]) if kept[0] == str(validity) else 0
            reader = _Mails(context, client, name, source, now, validity)
            new = list(uids(client, last + 1, next_uid))
            groups = [new[start : start + BATCH] for start in range(0, len(new), BATCH)]
            for group in groups or [[]]:
                rows, read = reader.rows(group)
                last = max(read, last)
                place = f"UID {group[0]}-{last}" if read else "nothing new"
                yield Extract(
                    name=f"{name}: {place}",
                    sha256=cursor.content_hash(validity, last, place, rows=rows),
                    observed_at=now,
                    header=source.columns,
                    rows=rows,
                    cursor=f"{validity}:{last}",
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


class _Mails:
    """Parser of mails into rows, with the counts of one run."""

    def __init__(
        self,
        context: SiteContext,
        client: LimitedClient,
        name: str,
        source: MailboxSource,
        now: datetime,
        validity: int,
    ) -> None:
        self.context, self.client, self.name, self.source = context, client, name, source
        self.now, self.validity = now, validity
        self.zone = ZoneInfo(source.zone)
        self.wanted = frozenset(source.columns)
        self.received: dict[str, datetime] = {}  # by ticket, in this extract
        self.later = 0
        self.copies: list[int] = []

    def rows(self, wanted: list[int]) -> tuple[list[Row], int]:
        """Return the rows of these mails, and the last UID with every mail up to it read."""
        shown = heads(self.client, wanted)
        found: list[tuple[int, str, datetime | None, dict[str, str]]] = []
        read = 0
        for place, uid in enumerate(wanted):
            head = shown.get(uid)
            if head is not None:
                arrived, header = head
                if arrived and self.now < arrived <= self.now + cursor.JUST_AFTER:
                    self.later = len(wanted) - place
                    break
                found.append(self._mail(uid, arrived, header))
            read = uid
        return self._first_receipts(found), read

    def notes(self) -> list[str]:
        """Return notes for the administrator about skipped mails."""
        later = [f"{self.name}: mails later than this run"] if self.later else []
        listed = ", ".join(map(str, self.copies[:20]))
        copies = f"{self.name}: {len(self.copies)} copies of mails known already, UID {listed}"
        return later + ([copies] if self.copies else [])

    def _mail(
        self, uid: int, arrived: datetime | None, header: bytes
    ) -> tuple[int, str, datetime | None, dict[str, str]]:
        ticket = message_id(header)
        mail = header
        if self.wanted & IN_THE_BODY or not ticket:
            mail = whole(self.client, uid, self.source.max_mail_mb << 20) or header
        row = cells(mail, self.wanted, self.zone, self.source.max_cell)
        if not mail:
            ticket = f"uid-{self.validity}-{uid}"
        ticket = ticket or substitute_id(mail)
        row["message_id"] = ticket
        row["received"] = (
            arrived.astimezone(self.zone).isoformat(timespec="seconds") if arrived else ""
        )
        return uid, ticket, arrived, row

    def _first_receipts(
        self, found: list[tuple[int, str, datetime | None, dict[str, str]]]
    ) -> list[Row]:
        """Return the rows, without copies received at another time than the known mail."""
        fields = self.source.fields
        has_own_receipt = (fields.ticket, fields.received) == ("message_id", "received")
        with self.context.transaction() as session:
            tickets = {plain_ticket(ticket) for _, ticket, _, _ in found}
            known = complaints.by_ticket(session, self.name, tickets)
            for ticket, complaint in known.items():
                self.received.setdefault(ticket, complaint.received_at)
        rows: list[Row] = []
        for uid, ticket, arrived, row in found:
            if arrived is not None:
                stored = plain_ticket(ticket)
                first = self.received.setdefault(stored, arrived.replace(microsecond=0))
                if has_own_receipt and first != arrived.replace(microsecond=0):
                    self.copies.append(uid)
                    continue
            rows.append((uid, tuple(row.get(column, "") for column in self.source.columns)))
        return rows
