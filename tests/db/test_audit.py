"""Every decision is a row of the audit, and no row can be touched unseen.

See `front_desk` for the complaints: on 24 November each owes a mail to its liaison and its head.
"""

from __future__ import annotations

import json
import multiprocessing
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from conftest import ON_BOTH, ON_SQLITE_FIRST, kind_of_database, wita
from sqlalchemy import Engine, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session
from support.audit_appends import ENOUGH, append, append_until_both_have
from support.pipeline import (
    BREACHED,
    ESCALATED,
    REMINDED,
    at,
    decide,
    deliver,
    dump,
    messages,
    notices,
    owe,
    register,
    since,
)

from db import audit, audit_verify
from db.audit import AuditActor, AuditKind
from db.audit_verify import Head
from db.engine import open_engine
from db.mailbox import bounces
from db.migrate import migrate
from db.models import AuditHead, AuditRow, MessageRow
from settings.site import StormSettings
from sla.holds import Hold
from tasks.ingest.quarantine_retry import retry
from tasks.intake import pull
from tasks.notifications import storms
from tasks.notifications.resend import NotResent, resend
from tasks.reports.audit_heads import heads_in
from tasks.simulation.simulate import simulate
from tasks.summary import SummaryRequest, make_summary


@pytest.fixture
def database_url(request: pytest.FixtureRequest) -> str:
    """What is tested here hangs on no database but where a test is marked."""
    return kind_of_database(request)


LATER, NEXT_DAY = "2026-11-24 10:00", "2026-11-25 08:00"
FLOW = AuditActor("flow run deadlines 2026-11-24 08:00", "deadlines 2026-11-24T00:00:00Z")


def rows(context) -> list[dict[str, Any]]:
    """The audit, oldest first."""
    with context.transaction() as session:
        return audit_verify.rows(session.connection())[::-1]


def kinds(context, *of: str) -> Counter[str]:
    return Counter(row["kind"] for row in rows(context) if row["kind"].startswith(of or ("",)))


def only(context, what: AuditKind) -> dict[str, Any]:
    (row,) = [row for row in rows(context) if row["kind"] == what]
    return row | {"subject": json.loads(row["subject"])}


def verified(engine: Engine, *heads: Head) -> audit_verify.AuditVerification:
    with engine.connect() as connection:
        return audit_verify.verify(connection, heads)


def limit(context, most: int) -> None:
    mail = context.site.file.mail.model_copy(update={"storm": StormSettings(most=most)})
    context.site.file = context.site.file.model_copy(update={"mail": mail})


# --- every decision ---------------------------------------------------------------------------


def test_a_notice_that_is_owed_tells_who_decided_what_when_and_why(context):
    register(context, BREACHED, at("Dinas Sosial"))
    context.by = FLOW
    decide(context, BREACHED, FLOW.run_id)
    row = only(context, AuditKind.NOTICE_QUEUED)
    assert row["subject"].pop("rule")
    assert (row["at"], row["actor"], row["run_id"]) == (wita(BREACHED), FLOW.actor, FLOW.run_id)
    assert (row["complaint_id"], row["ticket"], row["message_id"]) == (1, "FD-1", None)
    assert row["subject"] == {
        "clock": 1,
        "unit": "dinsos",
        "rung": "breach",
        "repeat": 0,
        "episode": 0,
    }
    assert row["reason"] == "reached 2026-11-23 16:00 UTC"  # midnight in the zone of the site


def test_a_notice_that_a_higher_rung_made_needless_is_told(context):
    owe(context, REMINDED, at("Dinas Sosial"))
    superseded = [rung for rung, status in notices(context) if status == "superseded"]
    (owed,) = [rung for rung, status in notices(context) if status == "queued"]
    row = only(context, AuditKind.NOTICE_SUPERSEDED)
    assert [row["subject"]["rung"]] == superseded
    assert row["reason"] == f"the higher rung {owed} was reached as well"


@ON_BOTH
def test_what_happens_to_a_notice_is_told_once_each(context, server):
    """Owed; withdrawn before it went; the next one held, and owed when it is held no more."""
    owe(context, "2026-11-17 08:00", at("DLH"))  # the first run: a ruleset, and nothing due
    assert kinds(context) == {AuditKind.RULESET_ACTIVATED: 1}
    register(context, BREACHED, at("DLH"), at("Dinas Sosial", "FD-2"))
    decide(context, BREACHED)
    before = kinds(context, "notice")
    assert before[AuditKind.NOTICE_QUEUED] == 2
    done = at("DLH") | {"Selesai": "24/11/2026 09:00"}
    register(context, LATER, done, at("Dinas Sosial", "FD-2"))
    decide(context, LATER)
    deliver(context, LATER)
    assert kinds(context, "notice") - before == {AuditKind.NOTICE_WITHDRAWN: 1}
    gone = only(context, AuditKind.NOTICE_WITHDRAWN)
    assert (gone["ticket"], gone["at"]) == ("FD-1", wita(LATER))
    context.site.holds = (Hold(("dinsos",), "gempa bumi", last=date(2026, 11, 29)),)
    decide(context, ESCALATED)
    held = kinds(context, "notice.suppressed")[AuditKind.NOTICE_SUPPRESSED]
    assert held == 1
    for now in ("2026-11-26 09:00", "2026-11-27 08:00"):
        decide(context, now)
    assert kinds(context, "notice.suppressed")[AuditKind.NOTICE_SUPPRESSED] == held, (
        "held as before is no decision"
    )
    context.site.holds = ()
    decide(context, "2026-11-27 09:00")
    last = [row for row in rows(context) if row["kind"] == AuditKind.NOTICE_QUEUED][-1]
    assert last["reason"].endswith("; before, it was held back")
    assert verified(context.engine).fault is None


@pytest.mark.parametrize("send", [True, False], ids=["released", "dropped"])
def test_a_storm_is_told_with_who_said_so(context, send):
    limit(context, 1)
    context.by = FLOW
    owe(context, BREACHED, at("Dinas Sosial"), at("DLH", "FD-2"))
    held = only(context, AuditKind.STORM_HELD)
    assert (held["storm_id"], held["subject"], held["actor"]) == (1, {"mails": 4}, FLOW.actor)
    storms.decide(context, None, wita(LATER), "Prefect UI: Ibu Sari", send=send)
    row = only(context, AuditKind.STORM_RELEASED if send else AuditKind.STORM_DISCARDED)
    assert (row["storm_id"], row["actor"], row["at"]) == (1, "Prefect UI: Ibu Sari", wita(LATER))
    discarded = [
        row["ticket"] for row in rows(context) if row["kind"] == AuditKind.NOTICE_DISCARDED
    ]
    assert discarded == ([] if send else ["FD-1", "FD-2"])


def test_a_mail_sent_once_more_is_told_unless_it_was_refused(context, server):
    owe(context, BREACHED, at("Dinas Sosial"))
    with pytest.raises(NotResent), context.transaction() as session:
        resend(session, context, 1, wita(BREACHED))
    assert kinds(context, "mail") == {}
    deliver(context, BREACHED)
    context.by = AuditActor("command line of sari")
    with context.transaction() as session:
        again = resend(session, context, 1, wita(LATER), "other@contohkab.example").id
    row = only(context, AuditKind.MAIL_RESENT)
    assert (row["message_id"], row["subject"]) == (again, {"first": 1})
    assert (row["actor"], row["run_id"]) == ("command line of sari", "resend 1")
    assert "contohkab" not in json.dumps(row, default=str)


def test_an_address_is_told_when_it_is_marked_and_when_it_is_lifted(context, server):
    owe(context, BREACHED, at("Dinas Sosial"))
    deliver(context, BREACHED)
    address = messages(context)[0].recipient
    for report in ("a@mx", "b@mx"):  # of two reports the first one marks
        with context.transaction() as session:
            bounces.add(
                session,
                session.get_one(MessageRow, 1),
                report_id=report,
                code="5.1.1",
                reported_at=wita(LATER),
                answer=f"no such user <{address}>",
                now=wita(LATER),
            )
    for _ in range(2):
        with context.transaction() as session:
            bounces.lift(session, address, wita(NEXT_DAY))
    assert kinds(context, "bounce") == {AuditKind.BOUNCE_SUPPRESSED: 1, AuditKind.BOUNCE_LIFTED: 1}
    assert only(context, AuditKind.BOUNCE_LIFTED)["subject"] == {"bounces": [1, 2]}
    assert address not in str(rows(context))


def test_a_notice_that_nobody_can_be_told_of_is_told(context):
    context.site.directory.offices = ()
    owe(context, BREACHED, at("Dinas Sosial"))
    assert kinds(context, "notice.f", "notice.q") == {
        AuditKind.NOTICE_QUEUED: 1,
        AuditKind.NOTICE_FAILED: 1,
    }


def test_a_changed_rule_or_calendar_is_told_and_an_unchanged_one_is_not(context):
    register(context, BREACHED, at("Dinas Sosial"))
    decide(context, BREACHED)
    decide(context, LATER)
    assert kinds(context, "ruleset") == {AuditKind.RULESET_ACTIVATED: 1}
    first = only(context, AuditKind.RULESET_ACTIVATED)["subject"]
    context.site.holds = (Hold(("dlh",), "banjir"),)
    decide(context, NEXT_DAY)
    row = [row for row in rows(context) if row["kind"] == AuditKind.RULESET_ACTIVATED][-1]
    changed = json.loads(row["subject"])
    assert (changed["before"], changed["ruleset"]) == (first["fingerprint"], 2)


def test_a_report_that_is_kept_is_told_once(context):
    owe(context, BREACHED, at("Dinas Sosial"))
    for public in (False, False, True):
        make_summary(
            context,
            SummaryRequest("2026-11", wita(NEXT_DAY), public=public, formats=("json",)),
            wita(NEXT_DAY),
            "summary 1",
        )
    row = only(context, AuditKind.REPORT_MADE)
    assert (row["run_id"], row["subject"]["period"]) == ("summary 1", "2026-11")


def test_rows_of_the_quarantine_that_are_read_again_are_told(context, site_folder):
    path = register(context, BREACHED, at("Dinas Sosial"))
    assert retry(context, "register", wita(LATER)).resolved == 0
    assert kinds(context, "quarantine") == {}
    content = path.read_text("utf-8")
    row = content.splitlines()[1]
    unreadable = row.replace("16/11/2026 08:30", "31/02/2026 08:30").replace("FD-1", "FD-9")
    bad = path.with_name("register_2026-11-25_0700.csv")
    bad.write_text(f"{content}{unreadable}\n", "utf-8")
    assert pull(context, "register", wita(NEXT_DAY)).quarantined == 1
    retry(context, "register", wita(NEXT_DAY))
    assert only(context, AuditKind.QUARANTINE_RETRIED)["subject"]["source"] == "register"


@ON_BOTH
def test_a_run_that_decides_nothing_writes_nothing(context, server):
    owe(context, BREACHED, at("Dinas Sosial"))
    deliver(context, BREACHED)
    before = dump(context)["audit"]
    decide(context, LATER)
    deliver(context, LATER)
    assert dump(context)["audit"] == before != []


@ON_BOTH
def test_what_is_undone_is_not_told(context):
    with suppress(ZeroDivisionError), context.transaction() as session:
        audit.note(session, AuditKind.DATA_DELETED, wita(LATER), "older than the site keeps it")
        raise ZeroDivisionError
    with Session(context.engine) as session:
        audit.note(session, AuditKind.DATA_DELETED, wita(LATER), "older than the site keeps it")
        session.rollback()
        session.commit()
    assert rows(context) == []


def test_nothing_that_a_complainant_gave_is_in_it(context, server):
    name = "Zulaikha Tandibone"
    owe(context, BREACHED, at("Dinas Sosial", Perihal=f"Surat {name}", Nama=name))
    deliver(context, BREACHED)
    assert kinds(context)
    assert name not in str(dump(context)["audit"])


@ON_BOTH
def test_a_simulation_writes_no_audit(context, server, monkeypatch):
    owe(context, BREACHED, at("Dinas Sosial"))
    before = dump(context)["audit"]
    written = []
    monkeypatch.setattr(audit, "hash_of", written.append)
    found = simulate(context.site, None, date(2026, 11, 20), date(2026, 11, 27), from_scratch=True)
    assert found.outcomes[0].notices
    assert written == []
    monkeypatch.undo()
    assert dump(context)["audit"] == before


# --- nobody touches it -------------------------------------------------------------------------


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """A database with nine decisions."""
    engine = open_engine(database_url)
    migrate(engine)
    append(engine, 9)
    yield engine
    engine.dispose()


def tamper(engine: Engine, *statements: str) -> None:
    """What somebody who owns the database does to it behind our back."""
    if engine.dialect.name == "sqlite":
        with engine.begin() as connection:
            names = connection.execute(
                text("SELECT name FROM sqlite_master WHERE type = 'trigger'")
            )
            for name in names.scalars().all():
                connection.execute(text(f"DROP TRIGGER {name}"))
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text("SET session_replication_role = replica"))
        for statement in statements:
            connection.execute(text(statement))


@ON_BOTH
def test_triggers_that_are_gone_or_without_effect_are_named(engine):
    """The rows are good still: somebody has prepared to change them, or has put a copy back."""
    assert verified(engine).missing_triggers == ()
    kind = engine.dialect.name
    names = audit_verify.TRIGGERS[kind]
    with engine.begin() as connection:
        if kind == "sqlite":
            connection.execute(text(f"DROP TRIGGER {names[0]}"))
            connection.execute(text(f"DROP TRIGGER {names[1]}"))
            harmless = f"CREATE TRIGGER {names[1]} BEFORE DELETE ON audit BEGIN SELECT 1; END"
            connection.execute(text(harmless))
        else:
            connection.execute(text(f"DROP TRIGGER {names[1]} ON audit_head"))
            connection.execute(text(f"ALTER TABLE audit DISABLE TRIGGER {names[0]}"))
    found = verified(engine)
    assert (found.fault, found.missing_triggers) == (None, names[:2])


PUT_BACK = "UPDATE audit_head SET seq = 5, hash = (SELECT hash FROM audit WHERE seq = 5)"
COPY = (
    "INSERT INTO audit SELECT {seq}, at, actor, run_id, kind, complaint_id, message_id, storm_id,"
    " subject, reason, previous, hash FROM audit WHERE seq = {of}"
)


@ON_BOTH
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit SET reason = 'other' WHERE seq = 4",
        "UPDATE audit SET hash = hash",
        "DELETE FROM audit WHERE seq = 9",
        "DELETE FROM audit_head",
        "UPDATE audit_head SET seq = 4",
    ],
)
def test_the_database_itself_refuses(engine, statement):
    with pytest.raises(DBAPIError, match="append-only"), engine.begin() as connection:
        connection.execute(text(statement))
    assert verified(engine).fault is None


@ON_BOTH
def test_each_kind_of_database_refuses_its_own_way_round(engine):
    way = "TRUNCATE audit"
    if engine.dialect.name == "sqlite":
        way = COPY.replace("INSERT", "INSERT OR REPLACE").format(seq=4, of=5)
    with pytest.raises(DBAPIError, match="append-only"), engine.begin() as connection:
        connection.execute(text(way))


@ON_BOTH
def test_an_untouched_chain_is_good(engine):
    found = verified(engine)
    assert (found.rows, found.head.seq, found.fault) == (9, 9, None)
    with engine.connect() as connection:
        assert str(found.head) == "{}:{}".format(
            *connection.execute(select(AuditHead.seq, AuditHead.hash)).one()
        )


OTHER = {
    "seq": "44",
    "at": "at + interval '1 microsecond'",
    "actor": "'somebodY'",
    "run_id": "'run 2'",
    "kind": "'notice.suppressed'",
    "complaint_id": "4",
    "message_id": "NULL",
    "storm_id": "storm_id + 1",
    "subject": "replace(subject, ':', ': ')",
    "reason": "reason || ' '",
    "previous": "replace(previous, 'a', 'b')",
    "hash": "replace(hash, 'a', 'b')",
}
"""For each column a value that is hardly another."""


@ON_BOTH
@pytest.mark.parametrize("column", OTHER)
def test_one_changed_value_in_any_column_is_found(engine, column):
    assert set(OTHER) == set(audit.COLUMNS) == set(AuditRow.__table__.c.keys())
    value = OTHER[column]
    if engine.dialect.name == "sqlite" and column == "at":
        value = "at || '0'"
    tamper(engine, f"UPDATE audit SET {column} = {value} WHERE seq = 4")
    found = verified(engine)
    assert (found.fault.seq, found.rows) == (4, 3)


@ON_BOTH
@pytest.mark.parametrize(
    ("what", "seq", "wrong", "statements"),
    [
        ("deleted", 4, "missing; the next row", ["DELETE FROM audit WHERE seq = 4"]),
        ("the first one deleted", 1, "missing", ["DELETE FROM audit WHERE seq = 1"]),
        (
            "deleted and closed up",
            4,
            "changed",
            ["DELETE FROM audit WHERE seq = 4"]
            + [f"UPDATE audit SET seq = {n - 1} WHERE seq = {n}" for n in range(5, 10)],
        ),
        (
            "two exchanged",
            4,
            "changed",
            [
                "UPDATE audit SET seq = 99 WHERE seq = 4",
                "UPDATE audit SET seq = 4 WHERE seq = 5",
                "UPDATE audit SET seq = 5 WHERE seq = 99",
            ],
        ),
        ("put in before the first", 0, "inserted", [COPY.format(seq=0, of=1)]),
        ("appended as a copy", 10, "changed", [COPY.format(seq=10, of=9)]),
        ("appended further on", 10, "missing", [COPY.format(seq=12, of=9)]),
        ("cut off", 8, "the head of the chain is row 9", ["DELETE FROM audit WHERE seq > 7"]),
        ("all deleted", 1, "the head of the chain is row 9", ["DELETE FROM audit"]),
        ("head deleted", 10, "head of the chain is gone", ["DELETE FROM audit_head"]),
        ("head put back", 6, "head of the chain", [PUT_BACK]),
    ],
)
def test_what_was_done_to_the_chain_is_named_and_stays_visible(
    engine, what, seq, wrong, statements
):
    tamper(engine, *statements)
    found = verified(engine)
    assert found.fault.seq == seq, what
    assert wrong in found.fault.wrong
    append(engine, 3)
    assert verified(engine).fault is not None, "that work goes on must not hide it"


def forge(engine: Engine, rows_too: Callable[[int], bool]) -> None:
    """Rewrite the chain by its own rule, head and all, leaving out some rows."""
    with engine.connect() as connection:
        kept = connection.execute(audit_verify._as_kept()).all()
    seq, previous, statements = 0, audit.GENESIS, []
    for row in kept:
        if rows_too(row[0]):
            seq += 1
            values = (seq, *row[1:-2], previous)
            previous = audit.hash_of(values)
            statements.append(
                f"UPDATE audit SET seq = {seq}, previous = '{values[-1]}', hash = '{previous}'"
                f" WHERE seq = {row[0]}"
            )
        else:
            statements.append(f"DELETE FROM audit WHERE seq = {row[0]}")
    tamper(engine, *statements, f"UPDATE audit_head SET seq = {seq}, hash = '{previous}'")


@ON_BOTH
def test_who_rewrites_everything_is_convicted_by_a_head_that_was_kept_elsewhere(engine):
    kept = verified(engine).head
    append(engine, 2)
    mail = Head(kept.seq, kept.hash, "a mail")
    assert verified(engine, mail).anchors == 1
    forge(engine, lambda seq: seq != 4)
    assert verified(engine).fault is None, "that much the database alone cannot know"
    found = verified(engine, mail)
    assert (found.fault.seq, found.fault.wrong) == (9, "a mail has another hash of it")
    forge(engine, lambda seq: seq < 7)
    assert verified(engine).fault is None
    assert "it is missing; a mail has row 9" in verified(engine, mail).fault.wrong


@ON_BOTH
def test_a_new_database_without_a_head_begins_with_one(database_url):
    engine = open_engine(database_url)
    migrate(engine)
    tamper(engine, "DELETE FROM audit_head")
    append(engine, 2)
    assert verified(engine).fault is None
    engine.dispose()


# --- several at once ----------------------------------------------------------------------------


@ON_BOTH
def test_two_processes_at_once_keep_one_unbroken_chain(engine, database_url):
    spawn = multiprocessing.get_context("spawn")
    names = [("one", "two"), ("two", "one")]
    both = [
        spawn.Process(target=append_until_both_have, args=(database_url, *each)) for each in names
    ]
    for process in both:
        process.start()
    for process in both:
        process.join(120)
    assert [process.exitcode for process in both] == [0, 0]
    found = verified(engine)
    assert found.fault is None
    assert found.rows >= 9 + 2 * ENOUGH


# --- what an inspector keeps, and the command line -----------------------------------------------


@pytest.mark.thorough
@pytest.mark.usefixtures("plain_reports")
def test_a_mail_with_a_summary_and_its_json_bear_witness(context, server):
    owe(context, BREACHED, at("Dinas Sosial"), at("DLH", "FD-2") | since("02/11/2026"))
    end = verified(context.engine).head
    made = make_summary(
        context, SummaryRequest("2026-11", wita(NEXT_DAY)), wita(NEXT_DAY), "summary 1"
    )
    deliver(context, NEXT_DAY)
    inspector = [m for m in server.letters if "Tenggat" in m.mail["From"] and m.mail.is_multipart()]
    bodies = [m.mail.get_body(("plain",)).get_content() for m in inspector]
    assert any(str(end) in body for body in bodies)
    (kept,) = heads_in(made.path.parent)
    assert (kept.seq, kept.hash) == (end.seq, end.hash)
    assert verified(context.engine, kept).anchors == 1


def test_a_folder_of_other_files_has_no_heads(tmp_path: Path):
    (tmp_path / "a.json").write_text("[1", "utf-8")
    (tmp_path / "b.json").write_text('{"notes": {"revision": "0002"}}', "utf-8")
    (tmp_path / "c.json").write_text('{"notes": {"audit": "x"}}', "utf-8")
    assert list(heads_in(tmp_path)) == []


@ON_SQLITE_FIRST
def test_the_command_lists_decisions_and_verifies_them(context, server, call_tenggat, site_folder):
    limit(context, 1)
    context.by = FLOW
    owe(context, BREACHED, at("Dinas Sosial"), at("DLH", "FD-2"))
    site = ("--site", site_folder)
    code, out, _ = call_tenggat("mail", "release", "--by", "Ibu Sari", "--now", LATER, *site)
    assert code == 0
    code, out, _ = call_tenggat("audit", "list", "--ticket", "FD-2", *site)
    assert code == 0
    assert "FD-1" not in out
    for word in ("notice.queued", "storm.held", "storm.released", "Ibu Sari", "2026-11-24 10:00"):
        assert word in out
    code, out, _ = call_tenggat("audit", "list", "--what", "storm", "--json", *site)
    assert [row["kind"] for row in json.loads(out)] == [
        AuditKind.STORM_RELEASED,
        AuditKind.STORM_HELD,
    ]
    assert json.loads(out)[0]["actor"].startswith("command line of ")
    code, out, _ = call_tenggat("audit", "list", "--since", LATER, "--json", *site)
    assert [row["kind"] for row in json.loads(out)] == [AuditKind.STORM_RELEASED]
    code, out, _ = call_tenggat("audit", "verify", *site)
    assert (code, "none touched" in out) == (0, True)
    head = verified(context.engine).head
    code, out, _ = call_tenggat("audit", "verify", "--head", head, "--json", *site)
    assert (code, json.loads(out)["kept"], json.loads(out)["bad"]) == (0, 1, None)
    tamper(context.engine, "UPDATE audit SET actor = 'nobody' WHERE seq = 2")
    code, out, _ = call_tenggat("audit", "verify", *site)
    assert code == 1
    assert "row 2: it was changed" in out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ("verify", "--head", "17"),
            "'17' is not a head such as 17:9f86d0...; a mail with a summary names one",
        ),
        (("list", "--what", "notise"), "no kind 'notise'; did you mean `notice`?"),
        (("list", "--since", "soon"), "'soon' is no time"),
    ],
)
def test_what_cannot_be_understood_is_said(context, arguments, said, call_tenggat, site_folder):
    code, _, errors = call_tenggat("audit", *arguments, "--site", site_folder)
    assert (code, said in errors) == (2, True), errors


def test_where_there_is_no_database_yet_it_is_said(call_tenggat, site_folder, monkeypatch):
    monkeypatch.setenv("TENGGAT_VAR", str(site_folder / "none"))
    code, _, errors = call_tenggat("audit", "verify", "--site", site_folder)
    assert (code, "`tenggat run` makes it" in errors) == (2, True), errors
