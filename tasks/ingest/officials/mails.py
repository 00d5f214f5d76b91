"""Record the mails that a mailbox shows, and what replies in a thread state."""

from __future__ import annotations

from collections.abc import Sequence

from db import complaints
from db.mailbox import source_mails
from db.models import Complaint, SourceMailKind
from sla.directory import SPEAKING, Role
from sla.events import BY_REPLY, BY_REPORTER, Event, Kind
from tasks.ingest.import_target import ImportTarget
from tasks.ingest.officials import steps
from tasks.sources.base import ReadMail


def record_mails(target: ImportTarget, mails: Sequence[ReadMail]) -> None:
    """Record mails that are not known yet, after their complaints were written.

    A reply of the reporter becomes an event. So does the step that an official states, if the
    official holds an office of the unit in charge or is an administrator.
    """
    session, name = target.session, target.name
    known = source_mails.known_contents(session, name, {each.content_hash for each in mails})
    new = [each for each in mails if each.content_hash not in known]
    session.flush()
    tickets = {each.ticket for each in new} - {""}
    rows = complaints.by_ticket(session, name, tickets)
    stored = []
    for mail in new:
        complaint = rows.get(mail.ticket)
        step = "" if complaint is None else _apply(target, mail, complaint)
        stored.append(
            (
                name,
                mail.content_hash,
                mail.name_hash,
                mail.kind,
                None if complaint is None else complaint.id,
                step,
                mail.uid_validity,
                mail.uid,
                mail.received_at,
                target.now,
            )
        )
    source_mails.add(session, stored)


def _apply(target: ImportTarget, mail: ReadMail, complaint: Complaint) -> str:
    """Record what a reply states about its complaint; return the kind of the event, or ''."""
    at = mail.received_at
    if at is None or not complaint.received_at <= at <= target.now:
        return ""
    if mail.kind is SourceMailKind.REPORTER_REPLY:
        event = Event(
            Kind.REPORTER_REPLIED,
            at,
            target.now,
            BY_REPORTER,
            source_field=f"{Kind.REPORTER_REPLIED}/{mail.content_hash}",
        )
        complaints.add_events(target.session, [(complaint.id, event)])
        complaint.changed_at = complaint.next_action_at = target.now
        return event.kind
    role = speaking_role(mail, complaint)
    if not mail.step or role is None:
        return ""
    step = steps.OfficialStep(kind=Kind(mail.step), at=at, origin=BY_REPLY, role=role)
    steps.state(target.session, target.ctx, complaint, step, target.now)
    return mail.step


def speaking_role(mail: ReadMail, complaint: Complaint) -> Role | None:
    """Return the role in which a sender speaks for the unit in charge, or None.

    An administrator speaks for every unit.
    """
    return next(
        (
            office.role
            for office in mail.offices
            if office.role in SPEAKING
            and (office.role is Role.ADMINISTRATOR or office.unit == complaint.unit)
        ),
        None,
    )
