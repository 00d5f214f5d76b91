"""Tables of the database: complaints, events, deadlines, notices, outbox, imports, audit log.

Some of their indexes are in `db.migrations.schema`.
"""

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
    event,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from db.lives import MAIL_LIFE, NOTICE_LIFE, check_change


def _read_utc(text: str | None) -> datetime | None:
    """Return the time that SQLite has stored as a text without zone."""
    return None if text is None else datetime.fromisoformat(text + "+00:00")


class UtcDateTime(TypeDecorator[datetime]):
    """A column type for times with a zone, stored in UTC.

    A time without a zone is refused, because its meaning is unknown.
    """

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Convert to UTC for the database; without zone for SQLite, because it stores none."""
        if value is None:
            return None
        value = self.in_utc(value)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    @staticmethod
    def in_utc(value: datetime) -> datetime:
        """Convert a time to UTC; raises ValueError if it has no zone."""
        if value.tzinfo is UTC:
            return value
        if value.tzinfo is None:
            raise ValueError(f"the time {value} has no zone")
        return value.astimezone(UTC)

    def result_processor(self, dialect: Dialect, coltype: object) -> Any:
        """Read the text of SQLite in one step; a run over a backlog reads millions of times."""
        return _read_utc if dialect.name == "sqlite" else super().result_processor(dialect, coltype)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Convert a stored time to a datetime in UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    """Base class of all tables."""

    type_annotation_map: ClassVar = {datetime: UtcDateTime, dict[str, Any]: JSON}


FAR_OFF = datetime(9999, 1, 1, tzinfo=UTC)
"""Placeholder for a time in the far future: never reached."""


class LeftOut(StrEnum):
    """The reason why a composed mail did not contain a notice."""

    OVER = "over"
    """The clock had stopped or paused, or the unit had changed."""
    MOVED = "moved"
    """The day of the reminder had moved to a later one."""
    TAKEN_BACK = "taken_back"
    """The deadline had proved not to be late."""
    UNIT_FIRST = "unit_first"
    """Fair notice: the responsible unit was not notified yet (its mail may have been returned), or
    has not had its time."""
    FALSE_TIME = "false_time"
    """The clock was ahead when the notice was queued."""
    TRIAL = "trial"
    """The site was in trial: only a digest for the administrator showed the notice."""


class QuestionRole(StrEnum):
    """The field of a row whose cell could not be read."""

    STATUS = "status"
    UNIT = "unit"
    CLASSIFICATION = "classification"
    STEP = "step"
    """The date of a step."""
    STATUS_DATE = "status_date"
    """The date since when a status applies."""
    PROMISED_DUE = "promised_due"
    RECEIPT = "receipt"
    """A date of receipt far from those of the neighbouring rows."""
    CATEGORY = "category"
    """A category that the site does not know."""
    CHANNEL = "channel"
    """A channel that the site does not know."""
    PLACE = "place"
    """A place that the site does not know."""


WORD_ROLES = (QuestionRole.CATEGORY, QuestionRole.CHANNEL, QuestionRole.PLACE)
"""Roles of questions about the words of a list, not about cells that cannot be read."""


class MessageKind(StrEnum):
    """Kind of a mail."""

    NOTICES = "notices"
    SUMMARY = "summary"
    ALERT = "alert"


class Complaint(Base):
    """One complaint in its present state; its history is in its events.

    `next_action_at` is the time of its next evaluation if no new data arrive before. It is null if
    time alone changes nothing. `changed_at` is the time of the last new data. `seen_at` is the time
    of the newest snapshot with the complaint. `content_hash` is the hash of its row, to
    recognize an unchanged row; it is null after a person has opened a hidden complaint, until the
    next import. `absent_since` is the time of the first later import that should
    have shown the complaint and did not show it readably; null if there is none.

    Three columns serve sources without history: `first_seen_at` is the time of the oldest snapshot
    with the complaint. `state` is its status since the snapshot of `shown_since`. `status_at`
    is the start of this status as stated by the source. Earlier observed states are in
    :class:`StateSpanRow`.

    `unit_question_id` is the open question about the name of its unit, if no unit has this name.
    The unit of the administrator is then responsible.

    `evaluated_at` is the time of its last evaluation with the current ruleset; null if there was
    none. `metrics` has its metrics for reports from this evaluation, encoded by
    `sla.metrics.encoding`. They are valid from `metrics_since` until `next_action_at` (`FAR_OFF`:
    never valid). No report needs them for days after `metrics_last_day`.
    """

    __tablename__ = "complaint"
    __table_args__ = (
        UniqueConstraint("ticket", "source"),
        Index("ix_complaint_metrics_since", "metrics_since"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    source: Mapped[str] = mapped_column(String(64))
    ticket: Mapped[str] = mapped_column(String(255))
    received_at: Mapped[datetime] = mapped_column(index=True)
    recorded_at: Mapped[datetime]
    classification: Mapped[str | None] = mapped_column(String(64))
    category: Mapped[str | None] = mapped_column(String(255))
    channel: Mapped[str | None] = mapped_column(String(255))
    place: Mapped[str | None] = mapped_column(String(255))
    rating: Mapped[int | None]
    title: Mapped[str | None] = mapped_column(Text)
    text: Mapped[str | None] = mapped_column(Text)
    attachments: Mapped[str | None] = mapped_column(Text)
    reporter: Mapped[str | None] = mapped_column(String(255))
    anonymous: Mapped[bool] = mapped_column(default=False)
    secret: Mapped[bool] = mapped_column(default=False)
    promised_due: Mapped[datetime | None]
    unit: Mapped[str | None] = mapped_column(String(64), index=True)
    unit_question_id: Mapped[int | None] = mapped_column(ForeignKey("open_question.id"))
    state: Mapped[str | None] = mapped_column(String(64))
    status_at: Mapped[datetime | None]
    shown_since: Mapped[datetime | None]
    first_seen_at: Mapped[datetime | None]
    seen_at: Mapped[datetime | None]
    absent_since: Mapped[datetime | None]
    content_hash: Mapped[int | None] = mapped_column(BigInteger)
    next_action_at: Mapped[datetime | None] = mapped_column(index=True)
    changed_at: Mapped[datetime | None]
    evaluated_at: Mapped[datetime | None]
    metrics: Mapped[bytes | None] = mapped_column(LargeBinary, deferred=True)
    metrics_since: Mapped[datetime] = mapped_column(
        default=FAR_OFF, server_default="9999-01-01 00:00:00.000000"
    )
    metrics_last_day: Mapped[int] = mapped_column(default=0, server_default="0")

    events: Mapped[list[EventRow]] = relationship(order_by="EventRow.id", viewonly=True)


class Label(Base):
    """Number of a unit, rule, category or other text in the encoded metrics."""

    __tablename__ = "label"

    id: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[str] = mapped_column(String(255), unique=True)


class EventRow(Base):
    """One event, append only. See `sla.events.Event` for the meaning of its times."""

    __tablename__ = "event"
    __table_args__ = (Index("ix_event_complaint_id", "complaint_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    complaint_id: Mapped[int] = mapped_column(ForeignKey("complaint.id"))
    kind: Mapped[str] = mapped_column(String(64))
    latest: Mapped[datetime]
    earliest: Mapped[datetime | None]
    knowledge: Mapped[str] = mapped_column(String(16))
    recorded_at: Mapped[datetime]
    source: Mapped[str] = mapped_column(String(128))
    unit: Mapped[str] = mapped_column(String(64), default="")
    source_field: Mapped[str] = mapped_column(String(255), default="")
    retracted: Mapped[bool] = mapped_column(default=False)


class StateSpanRow(Base):
    """An observed state of a complaint in a source without history, from `first_at` to `last_at`.

    Equal states in consecutive snapshots are one row. The observed events are derived from all
    rows, so an old snapshot imported late has the same effect as one imported in time. A status or
    a unit that could not be read is stored as `?` with the number of its open question.
    """

    __tablename__ = "state_span"
    __table_args__ = (Index("ix_state_span_complaint_id", "complaint_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    complaint_id: Mapped[int] = mapped_column(ForeignKey("complaint.id"))
    state: Mapped[str | None] = mapped_column(String(64))
    unit: Mapped[str | None] = mapped_column(String(64))
    status_at: Mapped[datetime | None]
    first_at: Mapped[datetime]
    last_at: Mapped[datetime]


class PastFacts(Base):
    """Former facts of a complaint, for views of the past.

    The source replaced them at `superseded_at`.
    """

    __tablename__ = "past_facts"
    __table_args__ = (Index("ix_past_facts_complaint_id", "complaint_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    complaint_id: Mapped[int] = mapped_column(ForeignKey("complaint.id"))
    superseded_at: Mapped[datetime]
    classification: Mapped[str | None] = mapped_column(String(64))
    category: Mapped[str | None] = mapped_column(String(255))
    channel: Mapped[str | None] = mapped_column(String(255))
    place: Mapped[str | None] = mapped_column(String(255))
    rating: Mapped[int | None]
    promised_due: Mapped[datetime | None]


class DeadlineRow(Base):
    """The last evaluation of one clock, derived from events. Views of the past evaluate again.

    `reason` is the first reason for the state (`sla.engine.deadline.Reason`), or empty.
    `evaluated_at` is the time of the evaluation that changed the row last; of an ended one, of the
    evaluation that found its end.
    """

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
    reason: Mapped[str] = mapped_column(String(32), default="")
    paused: Mapped[bool] = mapped_column(default=False)
    by_policy: Mapped[bool] = mapped_column(default=False)
    provisional: Mapped[bool] = mapped_column(default=False)
    evaluated_at: Mapped[datetime]

    complaint: Mapped[Complaint] = relationship(viewonly=True)


class Ruleset(Base):
    """A ruleset (law, calendar, policy) used by a site since the run at `activated_at`."""

    __tablename__ = "ruleset"

    id: Mapped[int] = mapped_column(primary_key=True)
    fingerprint: Mapped[str] = mapped_column(String(64))
    activated_at: Mapped[datetime]


class DeadlineChange(Base):
    """A deadline with another due time or state after a change of the ruleset."""

    __tablename__ = "deadline_change"
    __table_args__ = (Index("ix_deadline_change_ruleset_id", "ruleset_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    ruleset_id: Mapped[int] = mapped_column(ForeignKey("ruleset.id"))
    complaint_id: Mapped[int] = mapped_column(ForeignKey("complaint.id"))
    rule: Mapped[str] = mapped_column(String(128))
    clock: Mapped[int]
    due_before: Mapped[datetime | None]
    due_after: Mapped[datetime | None]
    state_before: Mapped[str | None] = mapped_column(String(16))
    state_after: Mapped[str | None] = mapped_column(String(16))


class NoticeRow(Base):
    """A rung reached for a unit. The unique key allows each rung at most once.

    After a handover the new unit gets its own notices. `unit` is empty if the complaint has none.

    `taken_back_at` is the time at which the lateness proved wrong; everyone who got the notice gets
    one correction. If the deadline becomes late again, the ladder starts again with the next
    `episode`. A reminder due again, because the due day has moved to a later one, gets the next
    `episode` as well.

    `regulation` is the citation of the regulation by which the notice was decided; null before
    revision 0004.
    """

    __tablename__ = "notice"
    __table_args__ = (
        UniqueConstraint(
            "complaint_id",
            "rule",
            "clock",
            "unit",
            "rung",
            "repeat",
            "episode",
            name="ux_notice_once",
        ),
        Index("ix_notice_status", "status"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    complaint_id: Mapped[int] = mapped_column(ForeignKey("complaint.id"))
    rule: Mapped[str] = mapped_column(String(128))
    clock: Mapped[int]
    rung: Mapped[str] = mapped_column(String(64))
    repeat: Mapped[int]
    episode: Mapped[int] = mapped_column(default=0)
    kind: Mapped[str] = mapped_column(String(16))
    unit: Mapped[str] = mapped_column(String(64), default="")
    reached_at: Mapped[datetime]
    decided_at: Mapped[datetime]
    taken_back_at: Mapped[datetime | None]
    status: Mapped[str] = mapped_column(String(16))
    run_id: Mapped[str] = mapped_column(String(64))
    regulation: Mapped[str | None] = mapped_column(String(128))

    complaint: Mapped[Complaint] = relationship(viewonly=True)


class MessageRow(Base):
    """One mail to one recipient: a row of the outbox.

    `message_id_header` never changes, so mail programs recognize a second copy. `mime` is the
    composed mail (zlib) of `composed_at`, kept as evidence of its content. `storm_id` is the storm
    responsible for holding the mail. `resent_of` is the original of a resent mail.
    """

    __tablename__ = "message"
    __table_args__ = (
        Index("ix_message_pending", "status", "next_attempt_at"),
        Index("ix_message_recipient", "recipient", "status"),
        Index("ix_message_sent_at", "sent_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    message_id_header: Mapped[str] = mapped_column(String(255), unique=True)
    kind: Mapped[str] = mapped_column(String(16))
    recipient: Mapped[str] = mapped_column(String(320))
    recipient_name: Mapped[str] = mapped_column(String(255))
    role: Mapped[str] = mapped_column(String(32))
    unit: Mapped[str | None] = mapped_column(String(64))
    locale: Mapped[str | None] = mapped_column(String(8))
    created_at: Mapped[datetime]
    run_id: Mapped[str] = mapped_column(String(64))
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
    """Subject data of an alert or a report, or the marks of a mail with notices: `urgent`,
    `weekly`, and the number of `complaints` that it names. It never has anything entered by a
    complainant."""

    items: Mapped[list[MessageItem]] = relationship(back_populates="message")
    attempts: Mapped[list[DeliveryAttempt]] = relationship(order_by="DeliveryAttempt.id")


class MessageItem(Base):
    """A notice in a mail. One notice may go to several people."""

    __tablename__ = "message_item"

    message_id: Mapped[int] = mapped_column(ForeignKey("message.id"), primary_key=True)
    notice_id: Mapped[int] = mapped_column(ForeignKey("notice.id"), primary_key=True, index=True)
    role: Mapped[str] = mapped_column(String(32))
    copied: Mapped[bool] = mapped_column(default=False)
    """True if the role gets the notice for information only (cc)."""
    correction: Mapped[bool] = mapped_column(default=False)
    """True if the mail takes the notice back: the deadline proved not to have been late."""
    included: Mapped[bool | None]
    """True if the composed mail contained the notice, false if it was left out. It is null until
    the mail is composed."""
    left_out: Mapped[str | None] = mapped_column(String(16))
    """The reason (`LeftOut`) if a notice was left out; null for corrections."""

    message: Mapped[MessageRow] = relationship(back_populates="items")
    notice: Mapped[NoticeRow] = relationship()


class ListedDuty(Base):
    """A duty that a mail named without a notice about it: as late, or as a calendar entry.

    A row is written when a mail is composed, and counts if the mail was accepted. It is written
    only if the recipient has no earlier one: a superior's mail lists hundreds of duties. Mails sent
    before revision 0002 have none.
    """

    __tablename__ = "listed_duty"

    message_id: Mapped[int] = mapped_column(ForeignKey("message.id"), primary_key=True)
    complaint_id: Mapped[int] = mapped_column(
        ForeignKey("complaint.id"), primary_key=True, index=True
    )
    rule: Mapped[str] = mapped_column(String(128), primary_key=True)
    clock: Mapped[int] = mapped_column(primary_key=True)
    late: Mapped[bool]
    """True if the mail called the duty late and had no notice about its delay."""
    entry: Mapped[bool]
    """True if the calendar file of the mail had an entry of the duty."""
    cancelled_by: Mapped[int | None] = mapped_column(ForeignKey("message.id"), index=True)
    """The mail that cancels the entry; it counts if that mail was accepted."""


class DeliveryAttempt(Base):
    """One attempt to deliver a mail to the server, and the answer of the server."""

    __tablename__ = "delivery_attempt"

    id: Mapped[int] = mapped_column(primary_key=True)
    message_id: Mapped[int] = mapped_column(ForeignKey("message.id"), index=True)
    attempted_at: Mapped[datetime] = mapped_column(index=True)
    outcome: Mapped[str] = mapped_column(String(16))
    code: Mapped[int | None]
    answer: Mapped[str] = mapped_column(Text)


class StormStatus(StrEnum):
    """Status of a storm."""

    WAITING = "waiting"
    RELEASED = "released"
    DISCARDED = "discarded"


class Storm(Base):
    """A run with more mails than the site allows. They wait for the administrator's decision.

    `mail_limit` is the limit at that time. `decided_by` names the channel of the decision, or the
    person.
    """

    __tablename__ = "storm"

    id: Mapped[int] = mapped_column(primary_key=True)
    opened_at: Mapped[datetime]
    run_id: Mapped[str] = mapped_column(String(64))
    mails: Mapped[int]
    mail_limit: Mapped[int]
    status: Mapped[str] = mapped_column(String(16), index=True)
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[str] = mapped_column(String(255), default="")


class Bounce(Base):
    """A mail returned as undeliverable (RFC 3464), or refused by the server for its address.

    The address is suppressed until `lifted_at`. `report_id` is the Message-ID of the bounce report,
    to recognize a report read twice; for a refusal it is that of the mail itself. `message_id` is
    empty if the report does not identify the mail.
    """

    __tablename__ = "bounce"
    __table_args__ = (UniqueConstraint("report_id", "address"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    address: Mapped[str] = mapped_column(String(320), index=True)
    report_id: Mapped[str] = mapped_column(String(255))
    message_id: Mapped[int | None] = mapped_column(ForeignKey("message.id"))
    reported_at: Mapped[datetime]
    recorded_at: Mapped[datetime]
    code: Mapped[str] = mapped_column(String(16))
    answer: Mapped[str] = mapped_column(Text)
    lifted_at: Mapped[datetime | None]


class ReplyKind(StrEnum):
    """Choice in an answer to a notice: what the unit states about a complaint."""

    DONE = "done"
    NOT_OURS = "not_ours"
    OBSTACLE = "obstacle"


class ReplyOutcome(StrEnum):
    """Outcome of an answer to a notice. Only an accepted one is a statement of the unit."""

    ACCEPTED = "accepted"
    REPEATED = "repeated"
    """The unit has already stated the same; the first statement remains."""
    NO_CHOICE = "no_choice"
    """The sender is known, but the choice or the complaint is not, or the sender's office does not
    speak for a unit."""
    DOUBTFUL = "doubtful"
    """The words deny, limit or question a choice, or say more than that the work is done.

    Only an answer that says more has its `kind`. One without a kind withdraws the unit's earlier
    statement about the complaint.
    """
    WRONG_SENDER = "wrong_sender"
    """The sender did not get the mail and does not hold an office of the unit."""


class Reply(Base):
    """An answer to a notice mail, append only. It never changes a deadline or a notice.

    `reply_id` is the Message-ID of the answer, to recognize an answer read twice. An answer about
    several complaints has a row for each, from the second on with a number after the Message-ID.
    `complaint_id` is empty if the answer does not identify the complaint. `unit`, `role` and
    `sender` are those of the person who answered; `text` is masked and cut. Of a wrong sender,
    role, address, choice and text are not stored, because a stranger may be a complainant.
    """

    __tablename__ = "reply"

    id: Mapped[int] = mapped_column(primary_key=True)
    reply_id: Mapped[str] = mapped_column(String(255), unique=True)
    message_id: Mapped[int] = mapped_column(ForeignKey("message.id"), index=True)
    complaint_id: Mapped[int | None] = mapped_column(ForeignKey("complaint.id"), index=True)
    unit: Mapped[str] = mapped_column(String(64))
    role: Mapped[str] = mapped_column(String(32), default="")
    sender: Mapped[str] = mapped_column(String(320), default="")
    kind: Mapped[str] = mapped_column(String(16), default="")
    text: Mapped[str] = mapped_column(Text, default="")
    received_at: Mapped[datetime]
    recorded_at: Mapped[datetime]
    outcome: Mapped[str] = mapped_column(String(16))


class ReplyKey(Base):
    """The secret key of the tokens in notice mails, in a single row."""

    __tablename__ = "reply_key"

    id: Mapped[int] = mapped_column(primary_key=True)
    secret: Mapped[str] = mapped_column(String(64))


class SourceImport(Base):
    """One import from a source: a file, identified by its content and its time.

    `shown` contains its complaints as ids (see `db.state_history`) for sources without history.
    `absent` is the number of complaints that this import should have shown and did not show. A file
    that states its own filter is complete only for complaints received from `period_from` to
    `period_until`.
    """

    __tablename__ = "source_import"
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
    absent: Mapped[int] = mapped_column(default=0, server_default="0")
    shown: Mapped[bytes | None] = mapped_column(LargeBinary, deferred=True)
    period_from: Mapped[datetime | None]
    period_until: Mapped[datetime | None]


class Origin(Base):
    """Facts from another installation about a source of its own, received with one file.

    `source` is its local name. `facts` are `system`, `sees` and `shown_later` as in mappings. The
    other installation had imported the source up to `imported_until`.
    """

    __tablename__ = "origin"
    __table_args__ = (Index("ix_origin_source", "source", "observed_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    source: Mapped[str] = mapped_column(String(64))
    observed_at: Mapped[datetime]
    recorded_at: Mapped[datetime]
    imported_until: Mapped[datetime | None]
    facts: Mapped[dict[str, Any]]


class Cursor(Base):
    """Position reached in a source, for sources read incrementally."""

    __tablename__ = "cursor"

    source: Mapped[str] = mapped_column(String(64), primary_key=True)
    value: Mapped[str] = mapped_column(Text)


class UnreadableFileRow(Base):
    """A file in the folder of a source that cannot be read; it is not read again until it changes.

    `file` is the hash of its name. `state` is the hash of its size and times and of the settings of
    the source. `failures` is the number of times it has made its reader process fail.
    """

    __tablename__ = "unreadable_file"

    source: Mapped[str] = mapped_column(String(64), primary_key=True)
    file: Mapped[str] = mapped_column(String(64), primary_key=True)
    state: Mapped[str] = mapped_column(String(64))
    reason: Mapped[str] = mapped_column(Text)
    failures: Mapped[int]
    noted_at: Mapped[datetime]


class WatchState(Base):
    """The stored incident log of the watchdog as JSON, in a single row."""

    __tablename__ = "watch_state"

    id: Mapped[int] = mapped_column(primary_key=True)
    incident_log: Mapped[str] = mapped_column(Text)


class MailboxPosition(Base):
    """The last mail read in a mailbox: its UID, valid with this UIDVALIDITY (RFC 3501)."""

    __tablename__ = "mailbox_position"

    mailbox: Mapped[str] = mapped_column(String(64), primary_key=True)
    uid_validity: Mapped[int] = mapped_column(BigInteger)
    last_uid: Mapped[int] = mapped_column(BigInteger)


class SourceMailKind(StrEnum):
    """What a mail in the mailbox of a source is."""

    COMPLAINT = "complaint"
    REPORTER_REPLY = "reporter_reply"
    """A reply in the thread of a complaint by anybody who holds no office."""
    OFFICIAL_REPLY = "official_reply"
    """A reply in the thread of a complaint by a holder of an office."""
    NOTICE_REPLY = "notice_reply"
    """An answer to a mail of this site."""
    OWN = "own"
    """A mail that this site sent."""
    REPORT = "report"
    """A report of a mail server or of a reader's program: not delivered, delivered, read."""
    CALENDAR = "calendar"
    RECALL = "recall"
    LIST = "list"
    BULK = "bulk"
    AUTOMATIC = "automatic"
    NO_SENDER = "no_sender"
    """A mail with an empty return path."""


class SourceMail(Base):
    """A mail that was read in the mailbox of a source: hashes, and nothing of its content.

    `name_hash` is the hash of its Message-ID, empty if it has none. `content_hash` covers the
    Message-ID too; it is the same in another mailbox. `complaint_id` is the complaint that the mail
    is, or to which it belongs. `step` is the step that it states, or empty.
    """

    __tablename__ = "source_mail"
    __table_args__ = (
        UniqueConstraint("source", "content_hash"),
        Index("ix_source_mail_name_hash", "name_hash"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    source: Mapped[str] = mapped_column(String(64))
    content_hash: Mapped[str] = mapped_column(String(64))
    name_hash: Mapped[str] = mapped_column(String(32))
    kind: Mapped[str] = mapped_column(String(16))
    complaint_id: Mapped[int | None] = mapped_column(ForeignKey("complaint.id"))
    step: Mapped[str] = mapped_column(String(64), default="")
    uid_validity: Mapped[int] = mapped_column(BigInteger)
    uid: Mapped[int] = mapped_column(BigInteger)
    received_at: Mapped[datetime | None]
    recorded_at: Mapped[datetime]


class QuarantineRow(Base):
    """A rejected row with its position and the reason; only mapped columns are stored.

    `file`, `line` and `sha256` are its first position, in the import of `observed_at`.
    `last_observed_at` is the newest import with the same row. `ticket_hash` identifies the
    ticket without revealing it (`ticket` is masked).

    The row is open until `resolved_at`, when it or a later row of the same ticket was valid. After
    that it remains as a record. `notified_at` is the time of the mail to the administrator about
    it, or about an earlier row of the same source, reason and column.
    """

    __tablename__ = "quarantine"

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
    ticket_hash: Mapped[str] = mapped_column(String(64), default="")
    resolved_at: Mapped[datetime | None]
    notified_at: Mapped[datetime | None]


class OpenQuestion(Base):
    """A value of a source that could not be read, and its meaning once somebody has given it.

    There is one question for each source, column and value. `value` is masked and shortened; the
    hash of the whole value recognizes it again. `asked_at` is the time of the last mail about it.
    `answer` is the meaning; it is empty if the value means an empty cell, and null if the question
    ended without an answer because no complaint shows the value any more.
    """

    __tablename__ = "open_question"
    __table_args__ = (UniqueConstraint("source", "column", "value_hash"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    source: Mapped[str] = mapped_column(String(64))
    column: Mapped[str] = mapped_column(String(255))
    value: Mapped[str] = mapped_column(String(80))
    value_hash: Mapped[str] = mapped_column(String(64))
    role: Mapped[str] = mapped_column(String(16))
    first_seen_at: Mapped[datetime]
    recorded_at: Mapped[datetime]
    asked_at: Mapped[datetime | None]
    answered_at: Mapped[datetime | None]
    answer: Mapped[str | None] = mapped_column(String(255))
    answered_by: Mapped[str] = mapped_column(String(255), default="")


class QuestionComplaint(Base):
    """A complaint whose row has the value of an open question.

    `source_field` is the field of the complaint: a fact, or the source field of an event. `since`
    is the first import with the value, `until` the first one without it.
    """

    __tablename__ = "question_complaint"
    __table_args__ = (
        Index("ix_question_complaint_question_id", "question_id"),
        Index("ix_question_complaint_complaint_id", "complaint_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    question_id: Mapped[int] = mapped_column(ForeignKey("open_question.id"))
    complaint_id: Mapped[int] = mapped_column(ForeignKey("complaint.id"))
    source_field: Mapped[str] = mapped_column(String(255))
    since: Mapped[datetime]
    until: Mapped[datetime | None]


class FlowRunRecord(Base):
    """A finished run of one flow: its time `now`, and its counts."""

    __tablename__ = "flow_run"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    flow: Mapped[str] = mapped_column(String(32))
    now: Mapped[datetime] = mapped_column(index=True)
    counts: Mapped[dict[str, Any]]


class ModeChange(Base):
    """A decision about the mode of the site: trial, or live from `effective_from` on.

    The newest row counts. Without a row the site is in trial. `activated_at` is the time at which a
    run or the command put the decision into force; null until then. Superiors get no mail before
    `superiors_from`.
    """

    __tablename__ = "mode_change"

    id: Mapped[int] = mapped_column(primary_key=True)
    mode: Mapped[str] = mapped_column(String(16))
    decided_at: Mapped[datetime]
    decided_by: Mapped[str] = mapped_column(String(255))
    effective_from: Mapped[datetime]
    superiors_from: Mapped[datetime | None]
    activated_at: Mapped[datetime | None]


class RuleConfirmation(Base):
    """The confirmation of a rule by a person, with its source.

    It is valid for the rule with this hash: for its article and all that decides its deadline.
    `retracted_at` is the time at which it was taken back, and None while it is valid; the next two
    columns say who did it and why.
    """

    __tablename__ = "rule_confirmation"

    id: Mapped[int] = mapped_column(primary_key=True)
    rule: Mapped[str] = mapped_column(String(128))
    rule_hash: Mapped[str] = mapped_column(String(64))
    confirmed_at: Mapped[datetime]
    confirmed_by: Mapped[str] = mapped_column(String(255))
    source: Mapped[str] = mapped_column(Text)
    retracted_at: Mapped[datetime | None]
    retracted_by: Mapped[str | None] = mapped_column(String(255))
    retraction_reason: Mapped[str | None] = mapped_column(Text)


class Restore(Base):
    """A restore of this database from a backup file.

    `settled_at` is the time at which all its steps were done; None until then.
    """

    __tablename__ = "restore"

    id: Mapped[int] = mapped_column(primary_key=True)
    restored_at: Mapped[datetime]
    backup: Mapped[str] = mapped_column(String(255))
    settled_at: Mapped[datetime | None]


class InstallationRow(Base):
    """The installation that this database belongs to, in a single row (see `db.installation`).

    `key` is random and also in the working files. `machine` is a hash, or empty if unknown;
    `folder` is the inode of the working files.
    """

    __tablename__ = "installation"

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(32))
    machine: Mapped[str] = mapped_column(String(64))
    host: Mapped[str] = mapped_column(String(255))
    path: Mapped[str] = mapped_column(Text)
    folder: Mapped[str] = mapped_column(String(20))
    since: Mapped[datetime]


class ReportRow(Base):
    """A compliance report already made: its period, its `as_of`, and the SHA-256 of its metrics."""

    __tablename__ = "report"
    __table_args__ = (UniqueConstraint("period", "as_of"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    period: Mapped[str] = mapped_column(String(64))
    as_of: Mapped[datetime]
    made_at: Mapped[datetime]
    path: Mapped[str] = mapped_column(Text)
    sha256: Mapped[str] = mapped_column(String(64))


class AuditRow(Base):
    """One decision, append only; see `db.audit`. The numbers in `seq` have no gap.

    `complaint_id`, `message_id` and `storm_id` are ids and remain after the deletion of those rows.
    `subject` is a JSON object with further data. `hash` covers all other columns, including
    `previous`.
    """

    __tablename__ = "audit"
    __table_args__ = (
        Index("ix_audit_complaint_id", "complaint_id"),
        Index("ix_audit_at", "at"),
    )

    seq: Mapped[int] = mapped_column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True)
    at: Mapped[datetime]
    actor: Mapped[str] = mapped_column(String(255))
    run_id: Mapped[str] = mapped_column(String(64))
    kind: Mapped[str] = mapped_column(String(32))
    complaint_id: Mapped[int | None]
    message_id: Mapped[int | None]
    storm_id: Mapped[int | None]
    subject: Mapped[str] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text)
    previous: Mapped[str] = mapped_column(String(64))
    hash: Mapped[str] = mapped_column(String(64))


class AuditHead(Base):
    """The end of the audit chain, in a single row.

    An appending transaction locks it. It also reveals rows deleted at the end of the chain.
    """

    __tablename__ = "audit_head"

    id: Mapped[int] = mapped_column(primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger)
    hash: Mapped[str] = mapped_column(String(64))


@event.listens_for(MessageRow.status, "set", active_history=True)
def _mail_changes(_row: MessageRow, value: str, old: object, _initiator: object) -> None:
    check_change(MAIL_LIFE, old, value)


@event.listens_for(NoticeRow.status, "set", active_history=True)
def _notice_changes(_row: NoticeRow, value: str, old: object, _initiator: object) -> None:
    check_change(NOTICE_LIFE, old, value)
