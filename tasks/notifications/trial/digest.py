"""The digest of a trial: one mail to the administrator with all mails that nobody got."""

from __future__ import annotations

import email
import email.policy
import zlib
from collections import Counter
from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import defer

from db.models import MessageKind, MessageRow
from sla.directory import OfficeHolder
from tasks.common.context import RunContext
from tasks.notifications.enqueue import enqueue_alert
from tasks.notifications.import_alerts import MIXED_DATES, ODD_HOURS, UNREAD_SHEETS
from tasks.notifications.message import Attachment, alert_view, in_envelope
from tasks.notifications.render import trial_mail
from tasks.notifications.scope import office_of_mail, offices_of_reader
from tasks.notifications.views import VACANCIES, VACANCY, TrialEntry, TrialMail
from tasks.text.catalog import catalog
from tasks.text.titles import offices_title

TRIAL_DIGEST = "trial_digest"
"""The kind of an alert with the mails of a trial."""

NOTES_IN_DIGEST = (
    *(MIXED_DATES, ODD_HOURS, UNREAD_SHEETS, "inventory_in_trial", VACANCY, VACANCIES),
)
"""The kinds of alerts that a digest has: they need no act of the administrator at once."""

LONGEST_BODY = 45_000
"""Limit of the texts in the body of a digest, in characters; the attachment has all of them."""

LONGEST_BEGIN = 4_000_000
"""Limit of the bytes of a mail that are read for its text."""

LONGEST_TITLES = 1_000
"""Limit of the titles of a recipient: the digest has more space than a salutation."""

RULER = "=" * 72


def is_worth_a_digest(mails: Sequence[MessageRow]) -> bool:
    """Check whether these mails make a digest: one to an official, or two alerts to one person."""
    alerts = Counter(mail.recipient for mail in mails if mail.kind == MessageKind.ALERT)
    return alerts.total() < len(mails) or max(alerts.values(), default=0) > 1


def enqueue_digest(run: RunContext, mails: Sequence[int]) -> None:
    """Queue one mail to the administrators about these mails of a trial, by their numbers."""
    facts = {"at": run.now.isoformat(), "mails": list(mails)}
    enqueue_alert(run, TRIAL_DIGEST, facts, same=("at", "mails"))


def digest_mime(run: RunContext, message: MessageRow) -> bytes | None:
    """Compose a digest: the recipient's own alerts, and each mail with its recipient, its subject
    and its text.
    """
    site = run.site
    locale = message.locale or site.locale
    rows = run.session.scalars(
        select(MessageRow)
        .where(MessageRow.id.in_(message.detail["mails"]))
        .order_by(MessageRow.id)
        .options(defer(MessageRow.mime))
    )
    mails = [
        row for row in rows if row.kind != MessageKind.ALERT or row.recipient == message.recipient
    ]
    notes = tuple(
        alert_view(site, row, locale, run.now) for row in mails if row.kind == MessageKind.ALERT
    )
    entries = []
    for row in mails:
        if row.kind != MessageKind.ALERT:
            entries.append(entry_of(run, row, locale))
            run.session.expire(row, ["mime"])  # those of all mails over a backlog have 100 MB
    shown, length = 0, 0
    for entry in entries:
        length += len(entry.text)
        if shown and length > LONGEST_BODY:
            break
        shown += 1
    view = TrialMail(
        site.name,
        message.recipient_name,
        run.now,
        tuple(entries[:shown]),
        tuple(entries[shown:]),
        notes,
    )
    files = []
    if view.attached:
        name = catalog(locale)("trial.file", day=f"{run.today:%Y-%m-%d}")
        files.append(Attachment(name, "text", "plain", _all_texts(entries).encode()))
    return in_envelope(site, message, trial_mail(view, locale, site.zone), run.now, *files)


def entry_of(run: RunContext, row: MessageRow, locale: str) -> TrialEntry:
    """Return a composed mail for display, with the offices of its recipient."""
    site = run.site
    directory = site.directory
    offices: Sequence[OfficeHolder] = [office_of_mail(directory, row, run.today)]
    if row.kind == MessageKind.NOTICES:  # it has the notices of all offices of its recipient
        offices = offices_of_reader(directory, row, run.today)
    return TrialEntry(
        number=row.id,
        title=offices_title(
            offices,
            site=site.name,
            name_of=directory.name_of,
            locale=locale,
            today=run.today,
            longest=LONGEST_TITLES,
        ),
        name=row.recipient_name,
        address=row.recipient,
        subject=row.subject or "",
        text=plain_text(row.mime),
    )


def plain_text(mime: bytes | None) -> str:
    """Return the text body of a stored mail; empty if it is not composed yet.

    The text is the first part, so the end of a mail with a large workbook is not read.
    """
    if mime is None:
        return ""
    begin = zlib.decompressobj().decompress(mime, LONGEST_BEGIN)
    mail = email.message_from_bytes(begin, policy=email.policy.default)
    body = mail.get_body(("plain",))
    return str(body.get_content()).strip() if body is not None else ""


def _all_texts(entries: Sequence[TrialEntry]) -> str:
    return "\n\n".join(
        f"{RULER}\n{entry.title}\n{entry.name} <{entry.address}>\n{entry.subject}\n{RULER}\n\n"
        f"{entry.text}"
        for entry in entries
    )
