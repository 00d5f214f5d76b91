"""Check the database: usable or not, work waiting in it, last runs."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import Connection, make_url, text
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.orm import Session

from db import complaints, imports, quarantine, questions, runs, storms
from db.audit_verify import missing_triggers
from db.backup.create import backups
from db.decisions import mode
from db.engine import DamagedDatabase, NotReady, database_reason, is_whole, open_engine, reading
from db.installation.identity import here, read_key
from db.installation.lost_database import lost_database
from db.installation.record import belongs, recorded, refusal
from db.mailbox import bounces
from db.mails import outbox_status
from db.migrate import missing_right
from db.migrations.revisions import newest_revision, revision
from settings.site import Site
from tasks.common.confirmed_rules import confirm_rules
from tasks.common.context import SiteContext
from tasks.ingest.row_drop import latest_row_drop
from tasks.monitoring import incidents
from tasks.monitoring.clock_check import FLOW, MAX_JUMP
from tasks.monitoring.health.finding import Finding
from tasks.monitoring.incidents import CLOCKS_DIFFER, IncidentKind
from tasks.notifications.transport.refusals import shown_answer
from tasks.sources.gaps import lately_missing

STALE_SOURCE = timedelta(days=3)
CHECK_DATABASE = "check [database] in site.toml or TENGGAT_DATABASE_URL"
ONLY_READ = "its disk can only be read: look whether it is damaged, then mount it for writing"
FULL = "its disk is full: make room on it"

ANSWERS_WITHIN = 5
"""Timeout in seconds for a connection to the database."""


WITNESSES = {
    "database": "the database server",
    "kernel": "the time service (NTP)",
    "mail_server": "the mail server",
    "files": "the names of the exports",
}
"""Words for the witnesses of the clock. Any other one is the address of a server."""

SHOWN_FOR = timedelta(days=7)
"""How long a confirmed jump of the clock is shown."""


def database(site: Site, now: datetime, *, clock: bool) -> Iterator[Finding]:
    """Check the database without writing to it or creating one.

    `clock` is true if `now` is the time of this machine's clock.
    """
    try:
        state = _not_there(site)
        if state:
            yield state
            return
        with reading(site.database_url, patience=ANSWERS_WITHIN) as connection:
            if clock:
                yield from _clocks(connection, now)
            if not is_whole(connection, ANSWERS_WITHIN):
                yield _damaged(site)
                return
            with Session(connection) as session:
                yield from _contents(session, SiteContext(site, connection.engine), now)
    except DamagedDatabase as error:
        yield _damaged(site, unlike=error.unlike)
    except NotReady:
        yield from _revisions(site)
    except (SQLAlchemyError, OSError, ValueError) as error:
        yield _unusable(site, error)


def _unusable(site: Site, error: Exception) -> Finding:
    """Return the finding about a database that gives an error, with the remedy for its disk."""
    what, remedy = f"the database cannot be used ({database_reason(error)})", CHECK_DATABASE
    url = None if isinstance(error, ArgumentError) else make_url(site.database_url)
    if url is not None and url.get_backend_name() == "sqlite" and url.database:
        with suppress(OSError):
            disk = os.statvfs(Path(url.database).parent)
            if disk.f_flag & os.ST_RDONLY:
                remedy = ONLY_READ
            elif not disk.f_bavail:
                remedy = FULL
    return Finding("trouble", what, remedy)


def _damaged(site: Site, *, unlike: bool = False) -> Finding:
    """Return the finding about a damaged database, with the newest backup.

    `unlike` means that the file may be another one, which is no database.
    """
    file = make_url(site.database_url).database
    found = backups(site.backups)
    remedy = f"stop the service and look for a backup elsewhere: there is none in {site.backups}"
    if found:
        remedy = f"stop the service, then run `tenggat restore {found[0]} --force`"
    if unlike:
        return Finding(
            "trouble",
            f"the database {file} is damaged, or its name is wrong",
            "check [database] in site.toml or TENGGAT_DATABASE_URL; if the name is right,"
            f" {remedy}",
        )
    return Finding("trouble", f"the database {file} is damaged", remedy)


def apply_confirmations(site: Site, as_of: datetime | None = None) -> None:
    """Mark the rules that a legal officer has confirmed, at the present or at a moment.

    :func:`database` reports the faults of the database.
    """
    with (
        suppress(NotReady, SQLAlchemyError, OSError, ValueError),
        reading(site.database_url, patience=ANSWERS_WITHIN) as connection,
        Session(connection) as session,
    ):
        confirm_rules(site, session, as_of)


def _not_there(site: Site) -> Finding | None:
    """Check for a SQLite database not created yet, or impossible to create."""
    url = make_url(site.database_url)
    if url.get_backend_name() != "sqlite" or not url.database:
        return None
    file = Path(url.database)
    if not file.parent.is_dir() and file.parent.exists():
        return Finding("trouble", f"the database cannot be made in {file.parent}", CHECK_DATABASE)
    if lost := lost_database(site.database_url, site.var):
        return Finding("trouble", *lost)
    if not file.exists():
        return Finding("note", "the database is empty", "run `tenggat run`, which makes it")
    return None


def _revisions(site: Site) -> Iterator[Finding]:
    """Explain a database with a schema this program does not expect."""
    engine = open_engine(site.database_url, patience=ANSWERS_WITHIN)
    try:
        with engine.connect() as connection:
            at, missing = revision(connection), missing_right(connection)
    except SQLAlchemyError as error:
        yield _unusable(site, error)
        return
    finally:
        engine.dispose()
    if missing is not None:
        yield Finding("trouble", *missing)
    elif at is None:
        yield Finding("note", "the database is empty", "run `tenggat run`")
    else:
        yield Finding(
            "trouble",
            f"the database is at revision {at}, the program at {newest_revision()}",
            "run `tenggat run`, which upgrades it; back it up before",
        )


def _clocks(connection: Connection, now: datetime) -> Iterator[Finding]:
    """Compare the clock of the database server with ours."""
    if connection.dialect.name != "postgresql":
        return
    theirs = connection.scalar(text("SELECT clock_timestamp()"))
    assert isinstance(theirs, datetime)
    apart = abs(theirs.astimezone(UTC) - now)
    if apart > CLOCKS_DIFFER:
        minutes = int(apart / timedelta(minutes=1))
        yield Finding(
            "trouble",
            f"the clocks of this machine and of the database server are {minutes} minutes apart",
            "let both be kept by NTP (timedatectl)",
        )
    else:
        yield Finding("good", "the clock agrees with that of the database server")


def _ran(session: Session, site: Site, now: datetime) -> Iterator[Finding]:
    """Report the last run of each flow, and flows silent for too long."""
    latest = runs.last(session)
    if latest is not None and latest > now:
        yield Finding(
            "trouble",
            f"the last run was at {_local(site, latest)}, later than now",
            "check the machine's clock; if it was ahead before and is right now, run"
            " `tenggat clock back`",
        )
        return
    yield from _jumps(session, site, now)
    silent = {
        cause.facts["flow"]
        for cause in incidents.silences(session, site, now, None)
        if cause.kind is IncidentKind.SILENT
    }
    for flow, minutes in site.file.watch.silent_minutes:
        last = runs.last(session, flow)
        if last is None:
            yield Finding(
                "note",
                f"no run of {flow} has ended well yet",
                "`tenggat up` runs it on its schedule",
                counted="never_ran",
            )
        elif flow in silent:
            yield Finding(
                "trouble",
                f"{flow} has not finished a run since {_local(site, last)}, longer than"
                f" {minutes} minutes",
                "see whether `tenggat up` runs, and its last runs in the Prefect UI; [watch] in"
                " site.toml says how long is allowed",
            )
        else:
            yield Finding("good", f"{flow} last ran at {_local(site, last)}")


def _jumps(session: Session, site: Site, now: datetime) -> Iterator[Finding]:
    """Report that the next run has to confirm the clock, and the last such time of this week."""
    latest = runs.last(session)
    if latest is not None and now - latest > MAX_JUMP and not site.keeps_mail:
        yield Finding(
            "note",
            f"the last run was at {_local(site, latest)}, more than a day ago: the next one"
            " works only if another clock confirms the time",
            "`tenggat clock` shows whether one does",
        )
    jump = runs.last_record(session, FLOW)
    if jump is not None and now - jump.now <= SHOWN_FOR:
        before, by = jump.counts.get("last_run"), jump.counts.get("by")
        since = _local(site, datetime.fromisoformat(before)) if before else "the beginning"
        yield Finding(
            "good",
            f"no run from {since} to {_local(site, jump.now)}; this time is confirmed by"
            f" {WITNESSES.get(str(by), by)}",
        )


def _local(site: Site, moment: datetime) -> str:
    return f"{moment.astimezone(site.zone):%Y-%m-%d %H:%M}"


def _contents(session: Session, context: SiteContext, now: datetime) -> Iterator[Finding]:
    """Report what waits in the database, or is missing in it."""
    site = context.site
    yield Finding("good", f"database in order, {complaints.count(session)} complaints")
    yield _mode(session, site, now)
    yield from _audit_protection(session)
    yield from _ran(session, site, now)
    for name in site.sources:
        yield from _imports(session, context, name, now)
        yield from _absent(session, site, name)
        yield from _refused_files(session, site, name)
    yield from _unreadable(session, now)
    yield from _installation(session, site)
    yield from _restores(session)
    yield from _undelivered(session)
    yield from _storm(session, site)
    yield from _marked(session, site, now)
    yield from _waiting_mails(session, site, now)


def _mode(session: Session, site: Site, now: datetime) -> Finding:
    """Report whether the site is in trial or live."""
    state = mode.of_site(session)
    superiors = ""
    if state.holds_superiors(now) and state.superiors_from is not None:
        superiors = f"; superiors get none before {_local(site, state.superiors_from)}"
    if state.live and state.since is not None:
        return Finding(
            "good", f"officials have got mails since {_local(site, state.since)}{superiors}"
        )
    planned = ""
    if state.starts_at is not None:
        planned = f" until {_local(site, state.starts_at)}{superiors}"
    return Finding(
        "note",
        f"this site is in trial{planned}: only the administrator gets mails",
        "read the digest, then end the trial with `tenggat start`",
    )


def _audit_protection(session: Session) -> Iterator[Finding]:
    """Report triggers that protect the audit and are gone."""
    gone = missing_triggers(session.connection())
    if gone:
        yield Finding(
            "trouble",
            f"the database no longer protects the audit: {', '.join(gone)} gone or disabled",
            "run `tenggat audit verify`; restore a backup to get them back (docs/threat-model.md)",
        )


def _imports(session: Session, context: SiteContext, name: str, now: datetime) -> Iterator[Finding]:
    """Report a source without imports for some time, and days for which no file came."""
    seen = imports.last(session, name)
    if seen is None or now - seen > STALE_SOURCE:
        since = f"since {_local(context.site, seen)}" if seen else "yet"
        yield Finding(
            "note", f"nothing new from source {name} {since}", "check that exports arrive"
        )
    missing = lately_missing(session, context, name, now)
    if missing:
        yield Finding(
            "note",
            f"source {name} shows nothing of {', '.join(map(str, missing))}",
            "drop the exports of those days as well; until then what happened on them is"
            " known less exactly",
        )


def _refused_files(session: Session, site: Site, name: str) -> Iterator[Finding]:
    """Report the files of a source that cannot be read as a whole."""
    for row in imports.unreadable_files(session, name).values():
        yield Finding(
            "trouble",
            f"source {name}: not imported since {_local(site, row.noted_at)}: {row.reason}",
            "put a corrected file into the folder, or take this one out; the next run reads it",
        )


def _unreadable(session: Session, now: datetime) -> Iterator[Finding]:
    """Report rows in quarantine and open questions."""
    waiting = len(quarantine.quarantined(session))
    if waiting:
        yield Finding("note", f"{waiting} rows in quarantine", "see `tenggat quarantine list`")
    asked = questions.count_open(session, now)
    if asked:
        yield Finding(
            "note",
            f"{asked} open questions about values of the sources",
            "see `tenggat questions`, and answer with `tenggat questions answer`",
        )


def _installation(session: Session, site: Site) -> Iterator[Finding]:
    """Report that the database belongs to another installation."""
    row = recorded(session)
    at = here(site.var)
    if row is not None and not belongs(row, at, read_key(site.var)):
        what, _, remedy = refusal(row, at).partition(". ")
        yield Finding("trouble", what, remedy)


def _restores(session: Session) -> Iterator[Finding]:
    """Report restores that are not finished."""
    for backup in runs.unsettled_restores(session):
        yield Finding(
            "trouble",
            f"the restore of {backup} ended before its last step",
            "the next run finishes it; its files are read again, and unsent mails are held",
        )


def _undelivered(session: Session) -> Iterator[Finding]:
    """Report mails that were given up."""
    dead = outbox_status.given_up(session)
    if dead:
        yield Finding(
            "trouble",
            f"{dead} mails could not be delivered",
            "see `tenggat mail list --status dead`; correct the directory and send them once"
            " more with `tenggat mail resend`",
        )


def _storm(session: Session, site: Site) -> Iterator[Finding]:
    """Report mails that a storm, a restore or an adoption holds for a decision."""
    storm = storms.waiting(session)
    if storm is None:
        return
    restored = runs.last_restore(session)
    held = storm.mail_limit == 0 or (restored is not None and storm.opened_at <= restored)
    if held and restored is not None:  # a storm from too many mails in a run has a limit
        since = _local(site, restored)
        yield Finding(
            "trouble",
            f"{storm.mails} mails wait since the restore or the move of {since}; perhaps they"
            " were sent after the backup, or by the other installation",
            "see `tenggat mail list --status held`; `tenggat mail release --drop` if the"
            " recipients have them (mostly so after last night's backup), `tenggat mail release`"
            " sends them once more",
        )
    else:
        yield Finding(
            "trouble",
            f"a storm of {storm.mails} mails waits since"
            f" {_local(site, storm.opened_at)}; none of them is sent",
            "see `tenggat mail list --status held`, then run `tenggat mail release`",
        )


def _waiting_mails(session: Session, site: Site, now: datetime) -> Iterator[Finding]:
    """Report mails to be sent, and those that wait for too long."""
    late = list(incidents.waiting_mail(session, site, now))
    for cause in late:
        oldest = datetime.fromisoformat(cause.facts["since"])
        yield Finding(
            "trouble",
            f"{cause.facts['n']} mails wait for too long, the oldest since {_local(site, oldest)}"
            + _answered(session),
            "see `tenggat mail list --status queued` and what the mail server answers",
        )
    pending = outbox_status.pending(session)
    if pending and not late:
        waiting = f"{pending} mails wait to be sent"
        waiting += _answered(session)
        yield Finding("note", waiting, "see `tenggat mail list`")


def _answered(session: Session) -> str:
    """Return the newest answer of the mail server to a mail that waits, as the end of a finding."""
    attempt = outbox_status.newest_refusal(session)
    if attempt is None:
        return ""
    return f" (newest answer of the mail server: {shown_answer(attempt.code, attempt.answer)})"


def _absent(session: Session, site: Site, name: str) -> Iterator[Finding]:
    """Report a newest import with fewer rows, and complaints that a source shows not readably or
    not any more.
    """
    drop = latest_row_drop(session, name, site.sources[name])
    if drop is not None:
        other = "the one before" if drop.compared_with is None else "an earlier one"
        before = "" if drop.before is None else f", {other} {drop.before}"
        yield Finding(
            "note" if drop.before is None else "trouble",
            f"the newest file of source {name}, {drop.name}, has {drop.rows} rows{before}",
            "check whether the export was cut, filtered or made for a shorter period, and drop a"
            " complete one",
        )
    absent = complaints.absent_tickets(session, name)
    unread = quarantine.count_tickets(session, name, absent)
    if unread:
        yield Finding(
            "note",
            f"{unread} complaints of source {name} have a row in quarantine, for example because"
            " their number occurs twice; their state is unknown",
            "see `tenggat quarantine list`, and correct these rows at the source",
        )
    if len(absent) > unread:
        yield Finding(
            "note",
            f"{len(absent) - unread} complaints are no longer shown by source {name}; their state"
            " is unknown",
            "see `tenggat deadlines --state unknown`",
        )


def _marked(session: Session, site: Site, now: datetime) -> Iterator[Finding]:
    """Report officials whose mail bounces."""
    today = now.astimezone(site.zone).date()
    held = {each.email.casefold() for each in site.directory.offices if each.in_office_on(today)}
    for bounce in bounces.causes_of_suppression(session):
        if bounce.address in held:
            yield Finding(
                "trouble",
                f"mail to {bounce.address} comes back since"
                f" {_local(site, bounce.reported_at)}"
                f" ({f'{bounce.code} {bounce.answer}'.strip()})",
                "correct the directory, or have the mailbox mended and run"
                f" `tenggat mail lift {bounce.address}`",
            )
