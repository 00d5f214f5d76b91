"""Doctor: what is well with a site, what deserves a note, what is trouble, and what to do."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from db import bounces, complaints, looks, outbox, runs, storms
from db.engine import newest_revision, open_engine, revision
from settings import Site
from sla.directory import Role
from sla.regulations import Law
from tasks.bounces import mailbox_trouble
from tasks.coverage import lately_missing
from tasks.delivery import mail_way
from tasks.oauth2_file import open_to_all
from tasks.office import Office
from tasks.reporting.pango import REMEDY, pdf_trouble
from tasks.smtp import Connection, MailTrouble

STALE_SOURCE = timedelta(days=3)
CHECK_DATABASE = "check [database] in site.toml or TENGGAT_DATABASE_URL"
WARN_BEFORE_YEAR_END = timedelta(days=60)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at: `level` is good, note or trouble; `remedy` is what to do."""

    level: str
    what: str
    remedy: str = ""


def check(site: Site, now: datetime) -> list[Finding]:
    """Look at everything once; sends no mail and changes nothing.

    (Logging in by OAuth2 may bring a new refresh token, which is kept in its file.)
    """
    findings = [Finding("good", f"settings of {site.name} read ({site.folder})")]
    findings += _offices(site, now)
    findings += _holds(site, now)
    findings += _calendar(site, now)
    findings += _rules(site, now)
    findings += _database(site, now)
    findings += _mail(site)
    findings += _returned_mail(site)
    findings += _reports()
    return findings


def _reports() -> Iterator[Finding]:
    trouble = pdf_trouble()
    if trouble:
        yield Finding("note", trouble.partition(";")[0], REMEDY)


def _offices(site: Site, now: datetime) -> Iterator[Finding]:
    today = now.astimezone(site.zone).date()
    for unit, role in site.directory.holes(today):
        yield Finding(
            "note",
            f"{site.directory.name_of(unit)} ({unit}) has no {role}",
            "its notices go to the parent unit or the administrator; name one in directory.csv",
        )
    if not site.directory.holders(Role.ADMINISTRATOR, None, today).offices:
        yield Finding(
            "trouble", "nobody holds the role administrator", "add a holder in directory.csv"
        )


def _holds(site: Site, now: datetime) -> Iterator[Finding]:
    """What people are not told of at the moment, on purpose."""
    today = now.astimezone(site.zone).date()
    for hold in site.holds:
        if hold.on(today):
            until = f"until {hold.last}" if hold.last else "without an end"
            yield Finding(
                "note",
                f"rungs {', '.join(hold.rungs)} are held back for {', '.join(hold.units)} {until}"
                f" ({hold.reason})",
                "take the [[hold]] out of escalation.toml, or give it a `to`, when it is over",
            )


def _calendar(site: Site, now: datetime) -> Iterator[Finding]:
    calendar = site.bench.calendar
    today = now.astimezone(site.zone).date()
    if calendar.decreed_until - today < WARN_BEFORE_YEAR_END:
        yield Finding(
            "note",
            f"holidays are decreed until {calendar.decreed_until} only;"
            " later due dates are provisional",
            "add the new decree to holidays.toml, or update the package `holidays`",
        )
    else:
        yield Finding("good", f"working calendar known until {calendar.decreed_until}")
    estimates = [
        day for day, off in calendar.days_off.items()
        if off.estimate and today <= day < date(today.year + 2, 1, 1)
    ]  # fmt: skip
    for day in sorted(estimates):
        yield Finding(
            "note",
            f"{day} ({calendar.days_off[day].name}) is an estimate",
            "confirm or move it in holidays.toml when it is decreed",
        )


def _rules(site: Site, now: datetime) -> Iterator[Finding]:
    today = now.astimezone(site.zone).date()
    law = site.bench.law
    in_force = [rule for rule_id in law.ids if (rule := law.on(rule_id, today))]
    yield Finding("good", f"{len(in_force)} rules in force on {today}")
    for regulation in dict.fromkeys(rule.regulation for rule in in_force):
        rules = [r for r in in_force if r.regulation is regulation and r.certainty.to_be_confirmed]
        if rules:
            names = ", ".join(f"{rule.id} ({rule.certainty})" for rule in rules)
            yield Finding(
                "note",
                f"rules of {regulation.citation} to be confirmed: {names}",
                f"a legal officer reads the official text and corrects {regulation.file}",
            )
    yield from _overrides(law, today)
    yield from _endings(law, today)


def _overrides(law: Law, today: date) -> Iterator[Finding]:
    """What a site of its own replaces, or will."""
    for rule in law.overriding:
        if rule.in_force_to is not None and rule.in_force_to < today:
            continue
        begins = rule.in_force_from or today
        replaced = law.overridden(rule.id, max(begins, today))
        days = f" from {begins} on" if begins > today else ""
        days += f" until {rule.in_force_to}" if rule.in_force_to else ""
        yield Finding(
            "note",
            f"rule {rule.id}{f' ({replaced.citation})' if replaced else ''} is replaced by"
            f" {rule.citation}{days}, on the basis of {rule.basis}",
            f"a legal officer answers for it; it stands in {rule.regulation.file}",
        )


def _endings(law: Law, today: date) -> Iterator[Finding]:
    """Rules that have ended, or soon will, and that no other version takes up."""
    for rule_id in law.ids:
        last = law.spans(rule_id)[-1]
        if last.last - today < WARN_BEFORE_YEAR_END and not last.rule.ended_by:
            yield Finding(
                "note",
                f"rule {rule_id} is in force until {last.last}, and no later version follows",
                f"add the text that follows, or say what ended it in {last.rule.regulation.file}:"
                ' in_force.ended_by = "..."',
            )


def _database(site: Site, now: datetime) -> Iterator[Finding]:
    try:
        engine = open_engine(site.database_url)
    except (SQLAlchemyError, OSError, ValueError) as error:
        yield Finding("trouble", f"the database cannot be opened ({error})", CHECK_DATABASE)
        return
    try:
        with engine.connect() as connection:
            at = revision(connection)
        newest = newest_revision()
        if at is None:
            yield Finding("note", "the database is empty", "run `tenggat run` or `make demo`")
            return
        if at != newest:
            yield Finding(
                "trouble",
                f"the database is at revision {at}, the program at {newest}",
                "run `tenggat run`, which upgrades it; back it up before",
            )
            return
        yield from _contents(Office(site, engine), now)
    except SQLAlchemyError as error:
        yield Finding(
            "trouble",
            f"the database cannot be used ({type(error).__name__})",
            CHECK_DATABASE,
        )
    finally:
        engine.dispose()


def _contents(office: Office, now: datetime) -> Iterator[Finding]:
    with office.transaction() as session:
        yield Finding("good", f"database in order, {complaints.count(session)} complaints")
        last = runs.last(session)
        if last is not None and last > now:
            yield Finding(
                "trouble",
                f"the last run was at {office.local(last):%Y-%m-%d %H:%M}, later than now",
                "check the machine's clock",
            )
        for name in office.site.sources:
            seen = looks.last(session, name)
            if seen is None or now - seen > STALE_SOURCE:
                since = f"since {office.local(seen):%Y-%m-%d %H:%M}" if seen else "yet"
                yield Finding(
                    "note", f"nothing new from source {name} {since}", "check that exports arrive"
                )
            missing = lately_missing(session, office, name, now)
            if missing:
                yield Finding(
                    "note",
                    f"source {name} shows nothing of {', '.join(map(str, missing))}",
                    "drop the exports of those days as well; until then what happened on them is"
                    " known less exactly",
                )
        waiting = len(looks.quarantined(session))
        if waiting:
            yield Finding("note", f"{waiting} rows in quarantine", "see `tenggat quarantine list`")
        dead = outbox.unheard(session)
        if dead:
            yield Finding(
                "trouble",
                f"{dead} mails could not be delivered",
                "see `tenggat mail list --status dead`; correct directory.csv and send them once"
                " more with `tenggat mail resend`",
            )
        storm = storms.waiting(session)
        if storm is not None:
            yield Finding(
                "trouble",
                f"a storm of {storm.mails} mails waits since"
                f" {office.local(storm.opened_at):%Y-%m-%d %H:%M}; none of them is sent",
                "see `tenggat mail list --status held`, then run `tenggat mail release`",
            )
        yield from _marked(session, office, now)
        pending = outbox.pending(session)
        if pending:
            yield Finding("note", f"{pending} mails wait to be sent", "see `tenggat mail list`")


def _marked(session: Session, office: Office, now: datetime) -> Iterator[Finding]:
    """Officials to whom mail does not get through."""
    today = office.local(now).date()
    held = {each.email.casefold() for each in office.site.directory.offices if each.held_on(today)}
    for bounce in bounces.waiting(session):
        if bounce.address in held:
            yield Finding(
                "trouble",
                f"mail to {bounce.address} comes back since"
                f" {office.local(bounce.reported_at):%Y-%m-%d %H:%M}"
                f" ({f'{bounce.code} {bounce.answer}'.strip()})",
                "correct directory.csv, or have the mailbox mended and run"
                f" `tenggat mail lift {bounce.address}`",
            )


def _mail(site: Site) -> Iterator[Finding]:
    if site.mail_url == "mailbox:":
        yield Finding(
            "note", "mail stays in the built-in mailbox", "set TENGGAT_MAIL_URL to send it"
        )
        return
    login = site.oauth2_file
    if login and open_to_all(login):
        yield Finding("note", f"every user of the machine may read {login}", f"chmod o= {login}")
    engine = open_engine("sqlite://")
    try:
        with mail_way(Office(site, engine)) as way, Connection(way) as connection:
            connection.open()
            yield Finding("good", f"mail server {way} answers and takes the login")
    except (MailTrouble, ValueError) as error:
        yield Finding(
            "trouble",
            f"mail server: {error}",
            "check TENGGAT_MAIL_URL and the server's certificate"
            + (f", and the login in {login}" if login else ""),
        )
    finally:
        engine.dispose()


def _returned_mail(site: Site) -> Iterator[Finding]:
    if site.bounces_url:
        trouble = mailbox_trouble(site)
        if trouble:
            yield Finding("trouble", trouble, "until then nobody learns of mail that comes back")
        else:
            yield Finding("good", "the mailbox for returned mail can be read")
    elif site.mail_url != "mailbox:":
        yield Finding(
            "note",
            "mails that come back are not looked for",
            "set TENGGAT_BOUNCES_URL to the sender's mailbox, imaps://user:password@host/INBOX",
        )
