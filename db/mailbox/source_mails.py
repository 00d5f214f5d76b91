"""Mails read in the mailboxes of sources: which ones are known, and what they are."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, cast

from sqlalchemy import Table, select
from sqlalchemy.orm import Session

from db.bulk import chunked, insert_rows
from db.models import Complaint, MessageRow, SourceMail, SourceMailKind

COLUMNS = (
    "source",
    "content_hash",
    "name_hash",
    "kind",
    "complaint_id",
    "step",
    "uid_validity",
    "uid",
    "received_at",
    "recorded_at",
)


def known_contents(session: Session, source: str, contents: Iterable[str]) -> set[str]:
    """Return those of these content hashes that were read in the mailbox of a source."""
    found: set[str] = set()
    for batch in chunked(contents):
        found.update(
            session.scalars(
                select(SourceMail.content_hash).where(
                    SourceMail.source == source, SourceMail.content_hash.in_(batch)
                )
            )
        )
    return found


def tickets_by_name(session: Session, source: str, names: Iterable[str]) -> dict[str, str]:
    """Return the ticket of the complaint of each known mail, by the hash of its Message-ID.

    The ticket is empty for a mail of no complaint.
    """
    found: dict[str, str] = {}
    for batch in chunked(names):
        rows = session.execute(
            select(SourceMail.name_hash, Complaint.ticket)
            .outerjoin(Complaint, Complaint.id == SourceMail.complaint_id)
            .where(SourceMail.source == source, SourceMail.name_hash.in_(batch))
            .order_by(SourceMail.id.desc())
        )
        found.update((name, ticket or "") for name, ticket in rows)
    return found


def own_mails(session: Session, message_ids: Iterable[str]) -> set[str]:
    """Return those of these Message-IDs, in brackets, that are mails of this site."""
    found: set[str] = set()
    for batch in chunked(message_ids):
        found.update(
            session.scalars(
                select(MessageRow.message_id_header).where(MessageRow.message_id_header.in_(batch))
            )
        )
    return found


def add(session: Session, rows: Sequence[tuple[Any, ...]]) -> None:
    """Record mails; the values are in the order of :data:`COLUMNS`."""
    insert_rows(session, cast(Table, SourceMail.__table__), COLUMNS, iter(rows))


def recent(
    session: Session, source: str, limit: int, kind: SourceMailKind | None = None
) -> list[tuple[SourceMail, str | None]]:
    """Return the newest mails of a source with the tickets of their complaints, newest first.

    Without a kind the mails that are complaints themselves are left out.
    """
    wanted = (
        SourceMail.kind != SourceMailKind.COMPLAINT if kind is None else SourceMail.kind == kind
    )
    query = (
        select(SourceMail, Complaint.ticket)
        .outerjoin(Complaint, Complaint.id == SourceMail.complaint_id)
        .where(SourceMail.source == source, wanted)
        .order_by(SourceMail.id.desc())
        .limit(limit)
    )
    return [(mail, ticket) for mail, ticket in session.execute(query)]
