"""Read mails of a mailbox: new complaints as rows, and what every other mail is."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from email.message import Message
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from db import complaints
from db.mailbox import source_mails
from db.models import SourceMailKind
from settings.sources import MailboxSource
from tasks.common.context import SiteContext
from tasks.common.redaction import plain_ticket
from tasks.sources import cursor
from tasks.sources.base import ReadMail, Row
from tasks.sources.imap.connection import LimitedClient
from tasks.sources.imap.fetch import heads, whole
from tasks.sources.imap.machine_mail import failed_check, machine_kind
from tasks.sources.imap.message import (
    IN_THE_BODY,
    answered_ids,
    cells_of,
    content_key,
    message_id,
    parse_mail,
    sender_addresses,
)
from tasks.sources.imap.own_text import own_text
from tasks.text.catalog import catalog

READ_FOR_CONTENT = 256 << 10
"""The bytes of a mail by which its content is recognized, and by which a reply is understood. No
more is read if the mapping asks for the header only."""

PUBLIC_DOMAINS = frozenset(
    {"gmail.com", "yahoo.com", "yahoo.co.id", "ymail.com", "outlook.com", "hotmail.com", "live.com"}
)
"""Domains of providers: an address there does not belong to the site because its sender has one."""

_TOKEN = re.compile(r"\bTGT-[0-9A-Z]{1,8}-[0-9A-Z]{1,8}-[0-9A-Z]{10}\b", re.IGNORECASE)
"""A token in the subject of an answer to a mail of a site, as in `tasks.notifications`."""


def name_hash(message_id: str) -> str:
    """Return the hash of a Message-ID without brackets; empty without one."""
    return hashlib.sha256(message_id.encode()).hexdigest()[:32] if message_id else ""


@dataclass(slots=True)
class _Mail:
    """One mail: its position, its parsed form, and its row."""

    uid: int
    arrived: datetime | None
    raw: bytes
    parsed: Message
    name: str
    content_hash: str
    machine: SourceMailKind | None
    row: dict[str, str] = field(default_factory=dict)

    @property
    def answered(self) -> list[str]:
        """Return the hashes of the Message-IDs of the answered mails, the nearest first."""
        return [name_hash(each.strip("<>")) for each in answered_ids(self.parsed)]


class MailReader:
    """Reader of mails, with the counts of one run."""

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
        self.later = 0
        self.copies: list[int] = []
        self.machines = 0
        self._contents: set[str] = set()
        self._tickets: dict[str, str] = {}
        self._winmail = catalog(context.site.locale)("source.winmail")

    def rows(self, wanted: list[int]) -> tuple[list[Row], tuple[ReadMail, ...], int]:
        """Return the rows of the complaints among these mails, all mails that are no copies, and
        the last UID with every mail up to it read.
        """
        shown = heads(self.client, wanted)
        found: list[_Mail] = []
        read = 0
        for place, uid in enumerate(wanted):
            head = shown.get(uid)
            if head is not None:
                arrived, header = head
                if arrived and self.now < arrived <= self.now + cursor.JUST_AFTER:
                    self.later = len(wanted) - place
                    break
                if not self._is_too_old(arrived):
                    found.append(self._mail(uid, arrived, header))
            read = uid
        with self.context.transaction() as session:
            return (*self._sorted(session, found), read)

    def notes(self) -> list[str]:
        """Return notes for the administrator about skipped mails."""
        notes = [f"{self.name}: mails later than this run"] if self.later else []
        if self.copies:
            listed = ", ".join(map(str, self.copies[:20]))
            notes.append(
                f"{self.name}: {len(self.copies)} copies of mails known already, UID {listed}"
            )
        if self.machines:
            notes.append(
                f"{self.name}: {self.machines} mails of machines are no complaints; see"
                f" `tenggat source mails {self.name}`"
            )
        return notes

    def _is_too_old(self, arrived: datetime | None) -> bool:
        first = self.source.first_day
        return (
            first is not None
            and arrived is not None
            and arrived.astimezone(self.zone).date() < first
        )

    def _mail(self, uid: int, arrived: datetime | None, header: bytes) -> _Mail:
        parsed, raw = parse_mail(header), header
        machine = self._machine_kind(parsed)
        if machine is None:
            in_body = bool(self.wanted & IN_THE_BODY)
            most = self.source.max_mail_mb << 20 if in_body else READ_FOR_CONTENT
            raw = whole(self.client, uid, most) or header
            parsed = parse_mail(raw)
            machine = self._machine_kind(parsed)
        name = message_id(header)
        # the same whatever columns the mapping has: it is compared with mails read long before
        content = parsed if len(raw) <= READ_FOR_CONTENT else parse_mail(raw[:READ_FOR_CONTENT])
        mail = _Mail(uid, arrived, raw, parsed, name, content_key(content, name), machine)
        if not raw:
            mail.name = f"uid-{self.validity}-{uid}"
            mail.content_hash = hashlib.sha256(mail.name.encode()).hexdigest()
        if machine is None:
            mail.row = self._row(mail)
        # a whole batch waits for what follows, which needs headers and an official's first words
        mail.raw, mail.parsed = raw[:READ_FOR_CONTENT], content
        return mail

    def _row(self, mail: _Mail) -> dict[str, str]:
        row = cells_of(mail.parsed, self.wanted, self.zone, self.source.max_cell, self._winmail)
        row["message_id"] = mail.name or f"sha256-{mail.content_hash[:32]}"
        row["received"] = (
            mail.arrived.astimezone(self.zone).isoformat(timespec="seconds") if mail.arrived else ""
        )
        return row

    def _machine_kind(self, parsed: Message) -> SourceMailKind | None:
        sender = _sender(parsed)
        kind = machine_kind(parsed)
        if kind is not None and sender == self.context.site.file.mail.sender.casefold():
            return SourceMailKind.OWN
        return None if sender in self.source.forms else kind

    def _sorted(
        self, session: Session, mails: list[_Mail]
    ) -> tuple[list[Row], tuple[ReadMail, ...]]:
        """Return the rows of new complaints, and all mails that are no copies."""
        contents = {mail.content_hash for mail in mails}
        self._contents |= source_mails.known_contents(session, self.name, contents)
        names = {name_hash(mail.name) for mail in mails} - {""}
        answered = {name for mail in mails for name in mail.answered}
        self._tickets |= source_mails.tickets_by_name(session, self.name, names | answered)
        own = source_mails.own_mails(
            session, {each for mail in mails for each in answered_ids(mail.parsed)}
        )
        stored = self._stored_before(session, mails)
        rows: list[Row] = []
        read: list[ReadMail] = []
        for mail in mails:
            if mail.content_hash in self._contents or mail.name in stored:
                self.copies.append(mail.uid)
                continue
            self._contents.add(mail.content_hash)
            found = self._read(mail, own)
            if found.kind is SourceMailKind.COMPLAINT:
                found = self._complaint(mail, found)
                row = mail.row
                rows.append((mail.uid, tuple(row.get(name, "") for name in self.source.columns)))
            if mail.name:
                self._tickets.setdefault(found.name_hash, found.ticket)
            self.machines += mail.machine is not None
            read.append(found)
        return rows, tuple(read)

    def _stored_before(self, session: Session, mails: Iterable[_Mail]) -> set[str]:
        """Return the Message-IDs of complaints that were imported before mails were recorded."""
        fields = self.source.fields
        if fields.ticket != "message_id":
            return set()
        unknown = {
            plain_ticket(mail.name): mail.name
            for mail in mails
            if mail.name and name_hash(mail.name) not in self._tickets
        }
        return {unknown[ticket] for ticket in complaints.by_ticket(session, self.name, unknown)}

    def _complaint(self, mail: _Mail, found: ReadMail) -> ReadMail:
        """Return the mail with the ticket of its complaint.

        A second content with the same Message-ID is a complaint of its own.
        """
        if mail.name and found.name_hash in self._tickets:
            mail.row["message_id"] = f"sha256-{mail.content_hash[:32]}"
        return replace(found, ticket=plain_ticket(mail.row.get(self.source.fields.ticket, "")))

    def _read(self, mail: _Mail, own: set[str]) -> ReadMail:
        """Return what a mail is, and the complaint of its thread."""
        ticket = next(filter(None, map(self._tickets.get, mail.answered)), "")
        found = ReadMail(
            kind=mail.machine or SourceMailKind.COMPLAINT,
            uid=mail.uid,
            uid_validity=self.validity,
            name_hash=name_hash(mail.name),
            content_hash=mail.content_hash,
            ticket=ticket,
            received_at=mail.arrived,
        )
        if mail.machine is not None:
            return found
        subject = str(mail.parsed.get("Subject", ""))
        if own & set(answered_ids(mail.parsed)) or _TOKEN.search(subject):
            return replace(found, kind=SourceMailKind.NOTICE_REPLY)
        if not ticket:
            return found
        day = self.context.local(mail.arrived or self.now).date()
        sender = _sender(mail.parsed)
        offices = self.context.site.directory.held_by(sender, day)
        if not offices and not self._is_of_site(sender):
            return replace(found, kind=SourceMailKind.REPORTER_REPLY)
        if failed_check(mail.parsed):
            return replace(found, kind=SourceMailKind.OFFICIAL_REPLY)
        step = self._stated_step(mail)
        return replace(found, kind=SourceMailKind.OFFICIAL_REPLY, step=step, offices=offices)

    def _is_of_site(self, sender: str) -> bool:
        """Check whether an address is the site's own, as that of a desk without an office."""
        own = self.context.site.file.mail.sender.casefold()
        domain = own.rpartition("@")[2]
        return sender == own or (
            domain not in PUBLIC_DOMAINS and sender.rpartition("@")[2] == domain
        )

    def _stated_step(self, mail: _Mail) -> str:
        """Return the step that an official's own words state, or an empty text."""
        if not self.source.states_by_reply:
            return ""
        text = own_text(mail.raw).casefold()
        for kind, words in self.source.words.items():
            if any(word.casefold() in text for word in words):
                return kind
        return ""


def _sender(mail: Message) -> str:
    """Return the address in From, casefolded; empty unless there is exactly one."""
    address = sender_addresses(mail).casefold()
    return address if "," not in address else ""
