"""What is kept: complaints and their events, deadlines, notices, the outbox, and the looks."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, ClassVar

from sqlalchemy import (
    JSON,
    BigInteger,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Text,
    TypeDecorator,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship


class UtcDateTime(TypeDecorator[datetime]):
    """An aware moment, kept in UTC; a naive one is refused because nobody knows what it means."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """To UTC; without its zone for SQLite, which keeps none."""
        if value is None:
            return None
        value = self.in_utc(value)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    @staticmethod
    def in_utc(value: datetime) -> datetime:
        """A moment in UTC; raises ValueError for one without a zone."""
        if value.tzinfo is UTC:
            return value
        if value.tzinfo is None:
            raise ValueError(f"the time {value} has no zone")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """From the database, as UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    """All tables."""

    type_annotation_map: ClassVar = {datetime: UtcDateTime, dict[str, Any]: JSON}


FAR_OFF = datetime(9999, 1, 1, tzinfo=UTC)
"""A moment that does not come."""


class NoticeStatus(StrEnum):
    """What became of a notice."""

    QUEUED = "queued"
    SENT = "sent"
    SUPERSEDED = "superseded"
    """A higher rung was reached in the same run; this one was never owed."""
    WITHDRAWN = "withdrawn"
    """The clock stopped or paused, or the unit changed, before it was sent."""
    FAILED = "failed"
    """No recipient could be reached; the administrator was told."""
    HELD = "held"
    """The site holds this rung back for the unit; owed when the hold ends and it still holds."""
    DISCARDED = "discarded"
    """The administrator said no to the storm that it was part of; it is never owed again."""


class MessageStatus(StrEnum):
    """What became of a mail."""

    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    DEAD = "dead"
    """Refused for good or for too long; the administrator was told."""
    CANCELLED = "cancelled"
    """Nothing it was to tell was still true."""
    HELD = "held"
    """Part of a storm: it waits for the administrator's yes."""
    DISCARDED = "discarded"
    """Part of a storm to which the administrator said no."""
    BOUNCED = "bounced"
    """Taken by our server and sent back as undeliverable; the administrator was told."""


class MessageKind(StrEnum):
    """What a mail is."""

    NOTICES = "notices"
    SUMMARY = "summary"
    ALERT = "alert"


class Complaint(Base):
    """One complaint as we know it now; what happened to it stands in its events.

    `next_action_at` is when it needs to be judged again if nothing is heard until then, and null
    when time alone changes nothing. `changed_at` is when anything new was last learnt. `seen_at` is
    the newest look that showed the complaint, and `row_mark` tells whether another row says the
    same. Where the source has no history, `first_seen_at` is the oldest look with the complaint,
    `state_word` the status that it shows since the look of `shown_since`, and `status_at` since
    when by its own account; what it showed before stands in :class:`Sighting`.

    `judged_at` is when the rulebook of the last run was last applied to it, null if never.
    `figures` is what a report counts of it, as that judgment found it and as `sla.figures.line`
    packs it. It holds for any moment from `figures_since` until `next_action_at`
    (`FAR_OFF`: for none); no report asks for it about days after `figures_last_day`.
    """

    __tablename__ = "complaint"
    __table_args__ = (
        UniqueConstraint("source", "ticket"),
        Index("ix_complaint_figures_since", "figures_since"),
        Index("ix_complaint_figures_last_day", "figures_last_day"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    source: Mapped[str] = mapped_column(String(64))
    ticket: Mapped[str] = mapped_column(String(255), index=True)
    received_at: Mapped[datetime] = mapped_column(index=True)
    recorded_at: Mapped[datetime]
    classification: Mapped[str | None] = mapped_column(String(64))
    category: Mapped[str | None] = mapped_column(String(255))
    channel: Mapped[str | None] = mapped_column(String(255))
    title: Mapped[str | None] = mapped_column(Text)
    text: Mapped[str | None] = mapped_column(Text)
    attachments: Mapped[str | None] = mapped_column(Text)
    reporter: Mapped[str | None] = mapped_column(String(255))
    anonymous: Mapped[bool] = mapped_column(default=False)
    secret: Mapped[bool] = mapped_column(default=False)
    promised_due: Mapped[datetime | None]
    unit: Mapped[str | None] = mapped_column(String(64), index=True)
    state_word: Mapped[str | None] = mapped_column(String(64))
    status_at: Mapped[datetime | None]
    shown_since: Mapped[datetime | None]
    first_seen_at: Mapped[datetime | None]
    seen_at: Mapped[datetime | None]
    row_mark: Mapped[int | None] = mapped_column(BigInteger)
    next_action_at: Mapped[datetime | None] = mapped_column(index=True)
    changed_at: Mapped[datetime | None]
    judged_at: Mapped[datetime | None]
    figures: Mapped[bytes | None] = mapped_column(LargeBinary, deferred=True)
    figures_since: Mapped[datetime] = mapped_column(
        default=FAR_OFF, server_default="9999-01-01 00:00:00.000000"
    )
    figures_last_day: Mapped[int] = mapped_column(default=0, server_default="0")

    events: Mapped[list[EventRow]] = relationship(order_by="EventRow.id", viewonly=True)


class Word(Base):
    """A unit, rule, category or other word of the figures, by its number in them."""

    __tablename__ = "word"

    id: Mapped[int] = mapped_column(primary_key=True)
    word: Mapped[str] = mapped_column(String(255), unique=True)


class EventRow(Base):
    """One event, append only. See `sla.events.Event` for what the times mean."""

    __tablename__ = "event"
    __table_args__ = (
        Index("ix_event_complaint_id", "complaint_id"),
        Index("ix_event_recorded_at", "recorded_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    complaint_id: Mapped[int] = mapped_column(ForeignKey("complaint.id"))
    kind: Mapped[str] = mapped_column(String(64))
    latest: Mapped[datetime]
    earliest: Mapped[datetime | None]
    knowledge: Mapped[str] = mapped_column(String(16))
    recorded_at: Mapped[datetime]
    source: Mapped[str] = mapped_column(String(128))
    unit: Mapped[str] = mapped_column(String(64), default="")
    slot: Mapped[str] = mapped_column(String(255), default="")
    retracted: Mapped[bool] = mapped_column(default=False)


class Sighting(Base):
    """What a source without history showed of a complaint before, from one look to another.

    Equal sightings in a row are one. From all of them the observed events are derived, so that an
    old look that turns up late teaches the same as it would have in its time.
    """

    __tablename__ = "sighting"
    __table_args__ = (Index("ix_sighting_complaint_id", "complaint_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    complaint_id: Mapped[int] = mapped_column(ForeignKey("complaint.id"))
    word: Mapped[str | None] = mapped_column(String(64))
    unit: Mapped[str | None] = mapped_column(String(64))
    status_at: Mapped[datetime | None]
    first_at: Mapped[datetime]
    last_at: Mapped[datetime]


class PastFacts(Base):
    """What rules asked about a complaint until a source said otherwise: for views of the past."""

    __tablename__ = "past_facts"
    __table_args__ = (Index("ix_past_facts_complaint_id", "complaint_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    complaint_id: Mapped[int] = mapped_column(ForeignKey("complaint.id"))
    superseded_at: Mapped[datetime]
    classification: Mapped[str | None] = mapped_column(String(64))
    category: Mapped[str | None] = mapped_column(String(255))
    channel: Mapped[str | None] = mapped_column(String(255))
    promised_due: Mapped[datetime | None]


class DeadlineRow(Base):
    """The last verdict on one clock. Derived from events; a past view is judged anew."""

    __tablename__ = "deadline"
    __table_args__ = (UniqueConstraint("complaint_id", "rule", "clock"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    complaint_id: Mapped[int] = mapped_column(ForeignKey("complaint.id"))
    rule: Mapped[str] = mapped_column(String(128), index=True)
    regulation: Mapped[str] = mapped_column(String(128))
    clock: Mapped[int]
    unit: Mapped[str | None] = mapped_column(String(64), index=True)
    started: Mapped[datetime]
    due: Mapped[datetime | None] = mapped_column(index=True)
    stopped: Mapped[datetime | None]
    state: Mapped[str] = mapped_column(String(16), index=True)
    paused: Mapped[bool] = mapped_column(default=False)
    by_policy: Mapped[bool] = mapped_column(default=False)
    provisional: Mapped[bool] = mapped_column(default=False)
    judged_at: Mapped[datetime]

    complaint: Mapped[Complaint] = relationship(viewonly=True)


class Rulebook(Base):
    """A law, calendar and policy that a site has judged by, from the run that first did."""

    __tablename__ = "rulebook"

    id: Mapped[int] = mapped_column(primary_key=True)
    fingerprint: Mapped[str] = mapped_column(String(64))
    taken_at: Mapped[datetime]


class Move(Base):
    """A deadline that fell due on another day, or stood otherwise, when a rulebook took over."""

    __tablename__ = "move"
    __table_args__ = (Index("ix_move_rulebook_id", "rulebook_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    rulebook_id: Mapped[int] = mapped_column(ForeignKey("rulebook.id"))
    complaint_id: Mapped[int] = mapped_column(ForeignKey("complaint.id"))
    rule: Mapped[str] = mapped_column(String(128))
    clock: Mapped[int]
    due_before: Mapped[datetime | None]
    due_after: Mapped[datetime | None]
    state_before: Mapped[str | None] = mapped_column(String(16))
    state_after: Mapped[str | None] = mapped_column(String(16))


class NoticeRow(Base):
    """That a rung was reached at a unit. The unique key makes it happen at most once.

    A complaint that is handed over is told of to its new unit as well; `unit` is empty where it
    has none.
    """

    __tablename__ = "notice"
    __table_args__ = (
        UniqueConstraint(
            "complaint_id", "rule", "clock", "unit", "rung", "repeat", name="ux_notice_once"
        ),
        Index("ix_notice_status", "status"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    complaint_id: Mapped[int] = mapped_column(ForeignKey("complaint.id"))
    rule: Mapped[str] = mapped_column(String(128))
    clock: Mapped[int]
    rung: Mapped[str] = mapped_column(String(64))
    repeat: Mapped[int]
    kind: Mapped[str] = mapped_column(String(16))
    unit: Mapped[str] = mapped_column(String(64), default="")
    reached_at: Mapped[datetime]
    decided_at: Mapped[datetime]
    status: Mapped[str] = mapped_column(String(16))
    run: Mapped[str] = mapped_column(String(64))

    complaint: Mapped[Complaint] = relationship(viewonly=True)


class MessageRow(Base):
    """One mail owed to one recipient: the outbox.

    `message_id` never changes, so that a second copy can be known for one. `mime` is the mail as
    it was composed (zlib) at `composed_at`, kept as evidence of who was told what. `storm_id` is
    the storm that held it up, `resent_of` the mail that it sends once more.
    """

    __tablename__ = "message"
    __table_args__ = (
        Index("ix_message_pending", "status", "next_attempt_at"),
        Index("ix_message_recipient", "recipient", "status"),
        Index("ix_message_sent_at", "sent_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    message_id: Mapped[str] = mapped_column(String(255), unique=True)
    kind: Mapped[str] = mapped_column(String(16))
    recipient: Mapped[str] = mapped_column(String(320))
    recipient_name: Mapped[str] = mapped_column(String(255))
    role: Mapped[str] = mapped_column(String(32))
    unit: Mapped[str | None] = mapped_column(String(64))
    locale: Mapped[str | None] = mapped_column(String(8))
    created_at: Mapped[datetime]
    run: Mapped[str] = mapped_column(String(64))
    status: Mapped[str] = mapped_column(String(16))
    next_attempt_at: Mapped[datetime | None]
    claim: Mapped[str | None] = mapped_column(String(36))
    claimed_at: Mapped[datetime | None]
    sent_at: Mapped[datetime | None]
    subject: Mapped[str | None] = mapped_column(Text)
    mime: Mapped[bytes | None] = mapped_column(LargeBinary)
    composed_at: Mapped[datetime | None]
    storm_id: Mapped[int | None] = mapped_column(ForeignKey("storm.id"), index=True)
    resent_of: Mapped[int | None] = mapped_column(ForeignKey("message.id"))
    detail: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """What an alert or a summary is about: never anything a complainant gave."""

    items: Mapped[list[MessageItem]] = relationship(back_populates="message")
    attempts: Mapped[list[DeliveryAttempt]] = relationship(order_by="DeliveryAttempt.id")


class MessageItem(Base):
    """A notice that a mail tells of; one notice may go to several people."""

    __tablename__ = "message_item"

    message_pk: Mapped[int] = mapped_column(ForeignKey("message.id"), primary_key=True)
    notice_id: Mapped[int] = mapped_column(ForeignKey("notice.id"), primary_key=True, index=True)
    role: Mapped[str] = mapped_column(String(32))
    copied: Mapped[bool] = mapped_column(default=False)
    """Whether the role is told for its information only (cc)."""
    told: Mapped[bool | None]
    """Whether the mail as sent still told of it; null until it is composed."""

    message: Mapped[MessageRow] = relationship(back_populates="items")
    notice: Mapped[NoticeRow] = relationship()


class DeliveryAttempt(Base):
    """One try to hand a mail to the server, and what the server said."""

    __tablename__ = "delivery_attempt"

    id: Mapped[int] = mapped_column(primary_key=True)
    message_pk: Mapped[int] = mapped_column(ForeignKey("message.id"), index=True)
    attempted_at: Mapped[datetime] = mapped_column(index=True)
    outcome: Mapped[str] = mapped_column(String(16))
    code: Mapped[int | None]
    answer: Mapped[str] = mapped_column(Text)


class StormStatus(StrEnum):
    """What became of a storm."""

    WAITING = "waiting"
    RELEASED = "released"
    DISCARDED = "discarded"


class Storm(Base):
    """That a run owed more mails than the site allows: they wait for the administrator's word.

    `most` is the limit that stood then. `decided_by` names the way the word came, or the person.
    """

    __tablename__ = "storm"

    id: Mapped[int] = mapped_column(primary_key=True)
    opened_at: Mapped[datetime]
    run: Mapped[str] = mapped_column(String(64))
    mails: Mapped[int]
    most: Mapped[int]
    status: Mapped[str] = mapped_column(String(16), index=True)
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[str] = mapped_column(String(255), default="")


class Bounce(Base):
    """A mail that came back as undeliverable (RFC 3464): its address is marked until `lifted_at`.

    `report_id` is the Message-ID of the report, by which one read twice is known for one;
    `message_pk` is empty where the report does not tell which mail it is about.
    """

    __tablename__ = "bounce"
    __table_args__ = (UniqueConstraint("report_id", "address"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    address: Mapped[str] = mapped_column(String(320), index=True)
    report_id: Mapped[str] = mapped_column(String(255))
    message_pk: Mapped[int | None] = mapped_column(ForeignKey("message.id"))
    reported_at: Mapped[datetime]
    recorded_at: Mapped[datetime]
    code: Mapped[str] = mapped_column(String(16))
    answer: Mapped[str] = mapped_column(Text)
    lifted_at: Mapped[datetime | None]


class Look(Base):
    """One reading of a source: a file, known again by its content and the time it was made.

    `shown` are the complaints that it showed (see `db.sightings`), where the source has no history.
    """

    __tablename__ = "look"
    __table_args__ = (UniqueConstraint("source", "sha256", "observed_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    source: Mapped[str] = mapped_column(String(64))
    name: Mapped[str] = mapped_column(String(255))
    sha256: Mapped[str] = mapped_column(String(64))
    observed_at: Mapped[datetime]
    recorded_at: Mapped[datetime]
    rows: Mapped[int]
    new: Mapped[int]
    updated: Mapped[int]
    unchanged: Mapped[int]
    quarantined: Mapped[int]
    shown: Mapped[bytes | None] = mapped_column(LargeBinary, deferred=True)


class Origin(Base):
    """What another installation told of a source of its own, with one file that it gave us.

    `source` is its name here, `facts` are `system`, `sees` and `shown_later` as mappings have them.
    The source was looked at there until `looked_until`.
    """

    __tablename__ = "origin"
    __table_args__ = (Index("ix_origin_source", "source", "observed_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    source: Mapped[str] = mapped_column(String(64))
    observed_at: Mapped[datetime]
    recorded_at: Mapped[datetime]
    looked_until: Mapped[datetime | None]
    facts: Mapped[dict[str, Any]]


class Cursor(Base):
    """How far a source has been read, for those that go on from there."""

    __tablename__ = "cursor"

    source: Mapped[str] = mapped_column(String(64), primary_key=True)
    value: Mapped[str] = mapped_column(Text)


class QuarantineRow(Base):
    """A row that could not be read, with its place and its reason; only mapped columns are kept.

    `file`, `line` and `sha256` are where it was first seen, in the look made at `observed_at`;
    `last_observed_at` is the newest look that repeats it. `ticket_mark` tells of which ticket it is
    without showing it (`ticket` is masked). It is open until `resolved_at`, when the row, or
    a later one of the same ticket, could be read; then it stays as a record of what was.
    """

    __tablename__ = "quarantine"
    __table_args__ = (
        Index(
            "ux_quarantine_open",
            "source",
            "fingerprint",
            unique=True,
            sqlite_where=text("resolved_at IS NULL"),
            postgresql_where=text("resolved_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    source: Mapped[str] = mapped_column(String(64))
    file: Mapped[str] = mapped_column(String(255))
    line: Mapped[int]
    ticket: Mapped[str] = mapped_column(String(255))
    reason: Mapped[str] = mapped_column(String(64))
    column: Mapped[str] = mapped_column(String(255))
    value: Mapped[str] = mapped_column(Text)
    cells: Mapped[dict[str, Any]]
    fingerprint: Mapped[str] = mapped_column(String(64))
    recorded_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    sha256: Mapped[str] = mapped_column(String(64))
    observed_at: Mapped[datetime]
    last_observed_at: Mapped[datetime]
    ticket_mark: Mapped[str] = mapped_column(String(64), default="")
    resolved_at: Mapped[datetime | None]


class RunRow(Base):
    """A finished run of one flow: what it was asked to treat as now, and what it counted."""

    __tablename__ = "run"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    flow: Mapped[str] = mapped_column(String(32))
    now: Mapped[datetime] = mapped_column(index=True)
    counts: Mapped[dict[str, Any]]


class Report(Base):
    """A compliance summary that was made: its period, as-of and the SHA-256 of its figures."""

    __tablename__ = "report"
    __table_args__ = (UniqueConstraint("period", "as_of"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    period: Mapped[str] = mapped_column(String(64))
    as_of: Mapped[datetime]
    made_at: Mapped[datetime]
    path: Mapped[str] = mapped_column(Text)
    sha256: Mapped[str] = mapped_column(String(64))


class AuditRow(Base):
    """One decision, append only; see `db.audit`. The numbers have no gap.

    The ids are of complaint, mail and storm, and stay when those rows go. `subject` is a JSON
    object with what else it is about. `hash` covers all other columns, `previous` among them.
    """

    __tablename__ = "audit"
    __table_args__ = (
        Index("ix_audit_complaint_id", "complaint_id"),
        Index("ix_audit_at", "at"),
    )

    seq: Mapped[int] = mapped_column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True)
    at: Mapped[datetime]
    actor: Mapped[str] = mapped_column(String(255))
    run: Mapped[str] = mapped_column(String(64))
    what: Mapped[str] = mapped_column(String(32))
    complaint_id: Mapped[int | None]
    message_pk: Mapped[int | None]
    storm_id: Mapped[int | None]
    subject: Mapped[str] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text)
    previous: Mapped[str] = mapped_column(String(64))
    hash: Mapped[str] = mapped_column(String(64))


class AuditHead(Base):
    """The end of the audit in one row: who appends holds it, and rows cut off at the end show."""

    __tablename__ = "audit_head"

    id: Mapped[int] = mapped_column(primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger)
    hash: Mapped[str] = mapped_column(String(64))
