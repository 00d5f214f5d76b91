"""The database does what the models say, alike on SQLite and on PostgreSQL."""

import traceback
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from types import SimpleNamespace
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from conftest import THIS_REVISION, create_engine, wita
from sqlalchemy import Engine, insert, inspect, make_url, select, text
from sqlalchemy.event import listen, remove
from sqlalchemy.exc import (
    ArgumentError,
    DBAPIError,
    IntegrityError,
    OperationalError,
    StatementError,
)
from sqlalchemy.orm import Session
from support.databases.migrated import migrate_step_by_step
from support.site_mistakes import assert_indonesian

import db.engine
from db import complaints, imports, quarantine, runs
from db.decisions import rules
from db.engine import NotReady, database_reason, one_state, open_engine
from db.lives import MessageStatus
from db.mails import outbox, outbox_status
from db.migrate import alembic_config, migrate, missing_right
from db.migrations.revisions import MIGRATIONS, newest_revision, revision
from db.migrations.schema import SCHEMA
from db.models import (
    Complaint,
    EventRow,
    MessageRow,
    NoticeRow,
    QuarantineRow,
    ReportRow,
    SourceImport,
)
from sla.events import Event, Knowledge
from tasks.monitoring.health import database as health

NOON = wita("2026-11-24 12:00")
FULL = 2
"""What `PRAGMA synchronous` calls a commit that waits for the disk."""


@pytest.fixture(autouse=True)
def _step_by_step(monkeypatch: pytest.MonkeyPatch) -> None:
    """Copy no database in place of the migrations."""
    monkeypatch.setattr("db.migrate.upgrade", migrate_step_by_step)


@pytest.fixture
def empty(empty_database_url: str) -> Iterator[Engine]:
    """A database without tables."""
    engine = open_engine(empty_database_url)
    yield engine
    engine.dispose()


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """A database at the newest revision."""
    engine = open_engine(database_url)
    yield engine
    engine.dispose()


@pytest.fixture
def session(engine: Engine) -> Iterator[Session]:
    with Session(engine) as session:
        yield session


def complaint(ticket: str = "1", **more: Any) -> dict[str, Any]:
    given = {"source": "lapor", "ticket": ticket, "received_at": NOON, "recorded_at": NOON}
    return given | {"anonymous": False, "secret": False} | more


def message(number: int = 1, **more: Any) -> MessageRow:
    given = {
        "message_id_header": f"<{number}@contohkab.example>",
        "kind": "alert",
        "created_at": NOON,
        "recipient": "a@contohkab.example",
        "recipient_name": "A",
        "role": "administrator",
        "run_id": "r",
        "status": MessageStatus.QUEUED,
        "next_attempt_at": NOON,
        "detail": {},
    }
    return MessageRow(**(given | more))


def tables(engine: Engine) -> set[str]:
    return set(inspect(engine).get_table_names()) - {"alembic_version"}


def at(engine: Engine) -> str | None:
    with engine.connect() as connection:
        return revision(connection)


def difference(engine: Engine) -> list[Any]:
    """What a new migration would have to do to make the database as the models say."""
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_server_default": True})
        return compare_metadata(context, SCHEMA)


def test_migrations_create_exactly_what_the_models_say(empty):
    assert at(empty) is None
    migrate(empty)
    assert difference(empty) == []
    assert tables(empty) == set(SCHEMA.tables)
    assert at(empty) == newest_revision()


def test_the_newest_revision_is_what_alembic_calls_the_head():
    assert newest_revision() == ScriptDirectory(str(MIGRATIONS)).get_current_head()


def test_migrating_again_changes_nothing(engine):
    before = at(engine)
    migrate(engine)
    assert at(engine) == before


def test_a_way_back_to_an_older_revision_is_refused_with_the_reason(engine):
    before = tables(engine)
    with pytest.raises(NotImplementedError, match="Restore the backup that was made before"):
        command.downgrade(alembic_config(engine), "base")
    assert tables(engine) == before
    assert difference(engine) == []


def test_an_upgrade_keeps_the_rows(empty, later_revision):
    command.upgrade(alembic_config(empty), THIS_REVISION)
    with empty.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO message (id, message_id_header, kind, recipient, recipient_name, role,"
                " created_at, run_id, status, detail)"
                " VALUES (3, '<a@b>', 'notices', 'a@b', 'A', 'liaison', :at, 'x', 'sent', '{}')"
            ),
            {"at": NOON},
        )
    migrate(empty)
    assert at(empty) == later_revision
    with empty.connect() as connection:
        row = connection.execute(text("SELECT id, recipient, later FROM message")).one()
    assert row == (3, "a@b", 7)
    command.downgrade(alembic_config(empty), THIS_REVISION)
    assert difference(empty) == []


def test_a_confirmation_of_before_it_could_be_taken_back_is_valid(empty):
    command.upgrade(alembic_config(empty), "0002")
    with empty.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO rule_confirmation"
                " (rule, rule_hash, confirmed_at, confirmed_by, source)"
                " VALUES ('sp4n/verification', 'x', '2026-11-24 04:00', 'A', 'B')"
            )
        )
    migrate(empty)
    with Session(empty) as session:
        assert list(rules.confirmations(session)) == [("sp4n/verification", "x")]


def test_a_time_comes_back_as_the_same_moment_in_utc(session):
    jakarta = datetime(2026, 11, 24, 23, 30, 0, 123456, tzinfo=timezone(timedelta(hours=7)))
    session.add(Complaint(**complaint(received_at=jakarta)))
    session.commit()
    session.expire_all()
    back = session.scalars(select(Complaint.received_at)).one()
    assert back == jakarta
    assert back.isoformat() == "2026-11-24T16:30:00.123456+00:00"


def test_times_are_compared_as_moments(session):
    session.add(Complaint(**complaint(next_action_at=wita("2026-11-24 07:00"))))
    session.flush()
    just_before = datetime(2026, 11, 23, 22, 59, tzinfo=UTC)
    assert complaints.due_for_evaluation(session, just_before, 9) == []
    assert len(complaints.due_for_evaluation(session, just_before + timedelta(minutes=1), 9)) == 1


def test_a_time_without_a_zone_is_refused(session):
    session.add(Complaint(**complaint(received_at=datetime(2026, 11, 24))))
    with pytest.raises(StatementError, match="has no zone"):
        session.flush()


def test_the_last_moment_of_the_calendar_can_be_read_again(engine):
    """A system without a due time may write 9999-12-31, which in Makassar is the year 10000."""
    last = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
    if engine.dialect.name == "postgresql":
        with engine.begin() as connection:
            name = f'"{engine.url.database}"'
            connection.execute(text(f"ALTER DATABASE {name} SET TIME ZONE 'Asia/Makassar'"))
        engine.dispose()
    with Session(engine) as session:
        session.add(Complaint(**complaint(promised_due=last)))
        session.commit()
        session.expire_all()
        assert session.scalars(select(Complaint.promised_due)).one() == last


def test_an_error_does_not_repeat_what_a_complainant_gave(session):
    session.execute(insert(Complaint), [complaint(title="Budi Rahasiawan melapor")])
    with pytest.raises(IntegrityError) as error:
        session.execute(insert(Complaint), [complaint(title="Budi Rahasiawan melapor")])
    assert "Budi" not in str(error.value)


def event(**more: Any) -> dict[str, Any]:
    given = {
        "complaint_id": 1,
        "kind": "verified",
        "latest": NOON,
        "earliest": None,
        "knowledge": "stated",
        "recorded_at": NOON,
        "source": "lapor",
        "unit": "",
    }
    return given | more


TWICE: dict[str, Callable[[], Any]] = {
    "complaint": lambda: Complaint(**complaint()),
    "notice": lambda: NoticeRow(
        complaint_id=1,
        rule="r",
        clock=1,
        rung="breach",
        repeat=0,
        kind="breach",
        reached_at=NOON,
        decided_at=NOON,
        status="queued",
        run_id="r",
    ),
    "message": message,
    "source_import": lambda: SourceImport(
        source="lapor",
        name="a.xlsx",
        sha256="0" * 64,
        observed_at=NOON,
        recorded_at=NOON,
        rows=0,
        new=0,
        updated=0,
        unchanged=0,
        quarantined=0,
    ),
    "quarantine": lambda: QuarantineRow(
        source="lapor",
        file="a.xlsx",
        line=2,
        ticket="",
        reason="r",
        column="",
        value="",
        cells={},
        fingerprint="0" * 64,
        recorded_at=NOON,
        last_seen_at=NOON,
        sha256="0" * 64,
        observed_at=NOON,
        last_observed_at=NOON,
    ),
    "report": lambda: ReportRow(period="2026-11", as_of=NOON, made_at=NOON, path="p", sha256="0"),
}


@pytest.mark.parametrize("table", TWICE)
def test_the_second_of_the_same_is_refused(session, table):
    session.add(Complaint(**complaint(ticket="1" if table == "complaint" else "another")))
    if table != "complaint":
        session.flush()
        assert session.scalars(select(Complaint.id)).one() == 1
        session.add(TWICE[table]())
    session.flush()
    session.add(TWICE[table]())
    with pytest.raises(IntegrityError):
        session.flush()


def test_an_event_without_a_complaint_is_refused(session):
    session.add(EventRow(**event(complaint_id=99)))
    with pytest.raises(IntegrityError):
        session.flush()


def due(session: Session, now: datetime) -> list[int]:
    return [row.id for row in outbox.take_due(session, now, 100)]


def test_only_one_of_two_takers_gets_a_mail(engine):
    with Session(engine) as session, session.begin():
        session.add_all([message(n) for n in range(20)])
        session.flush()
        keys = due(session, NOON)

    def take(token: str) -> list[int]:
        taken = []
        for key in keys:
            with Session(engine) as session, session.begin():
                taken += [mail.id for mail in outbox.claim(session, token, [key], NOON)]
        return taken

    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(take, ["first", "second"])
    assert sorted(first + second) == keys
    with Session(engine) as session:
        for token, taken in (("first", first), ("second", second)):
            assert [row.id for row in outbox.claimed(session, token, keys)] == taken
        assert outbox.claimed(session, "second", first) == []


def test_a_composed_mail_that_another_delivery_has_tried_meanwhile_waits(session):
    session.add(message(next_attempt_at=NOON + timedelta(minutes=1)))
    session.flush()
    (key,) = session.scalars(select(MessageRow.id))
    assert outbox.claim(session, "mine", [key], NOON) == []
    later = NOON + timedelta(minutes=1)
    assert [mail.id for mail in outbox.claim(session, "mine", [key], later)] == [key]


def test_a_claim_that_a_dead_process_left_is_released(session):
    session.add(message())
    session.flush()
    (key,) = due(session, NOON)
    assert [mail.id for mail in outbox.claim(session, "dead", [key], NOON)] == [key]
    assert outbox.claim(session, "quick", [key], NOON) == []
    quarter = NOON + outbox.STALE_CLAIM
    assert outbox.release_stale_claims(session, quarter) == 0
    assert outbox.release_stale_claims(session, quarter + timedelta(seconds=1)) == 1
    assert outbox.claimed(session, "dead", [key]) == []
    assert due(session, quarter + timedelta(seconds=1)) == [key]


def test_who_lost_a_claim_records_nothing(session):
    session.add_all([message(1), message(2)])
    session.flush()
    keys = due(session, NOON)
    outbox.claim(session, "slow", keys, NOON)
    outbox.give_back(session, "slow", keys[:1])
    outbox.claim(session, "quick", keys[:1], NOON)
    assert outbox.sent(session, "slow", dict.fromkeys(keys, "OK"), NOON) == {keys[1]}
    session.expire_all()
    assert [session.get_one(MessageRow, key).status for key in keys] == ["sending", "sent"]
    assert [len(session.get_one(MessageRow, key).attempts) for key in keys] == [0, 1]


def test_most_acceptances_are_stored_by_four_statements(session):
    """Each waits for the database, while the next mails wait for this record."""
    session.add_all([message(1), message(2)])
    session.flush()
    keys = due(session, NOON)
    outbox.claim(session, "mine", keys, NOON)
    statements = []

    def note(_connection, _cursor, statement, *_):
        statements.append(statement)

    bound = session.connection()
    listen(bound, "before_cursor_execute", note)
    assert outbox.sent(session, "mine", dict.fromkeys(keys, "OK"), NOON) == set(keys)
    remove(bound, "before_cursor_execute", note)
    assert len(statements) == 4, statements
    session.expire_all()
    for key in keys:
        (attempt,) = session.get_one(MessageRow, key).attempts
        assert (attempt.outcome, attempt.code, attempt.answer) == ("sent", 250, "OK")
        assert attempt.attempted_at == NOON


def test_mails_whose_turn_has_not_come_are_not_due(session):
    later = NOON + timedelta(hours=1)
    session.add_all([message(1, next_attempt_at=later), message(2), message(3, status="sent")])
    session.flush()
    assert [row.message_id_header for row in outbox.take_due(session, NOON, 9)] == [
        "<2@contohkab.example>"
    ]
    assert outbox.next_send_time(session) == NOON
    assert outbox_status.pending(session) == 2


def test_more_keys_than_a_statement_takes_are_asked_for_in_batches(session):
    tickets = [str(n) for n in range(1201)]
    keys = complaints.add(session, [complaint(ticket) for ticket in tickets])
    assert set(keys) == set(tickets)
    complaints.add_events(
        session, [(key, Event("verified", NOON, NOON, "lapor")) for key in keys.values()]
    )
    assert complaints.by_ticket(session, "lapor", iter(tickets)).keys() == keys.keys()
    assert complaints.by_ticket(session, "register", tickets) == {}
    assert complaints.events_of(session, iter(keys.values())).keys() == set(keys.values())
    complaints.touch(session, iter(keys.values()), NOON)
    assert set(session.scalars(select(Complaint.seen_at))) == {NOON}
    assert complaints.count(session) == 1201


def test_a_complaint_is_found_by_any_ticket(session):
    tickets = ["1", "01", "a'b", 'a"b', "a\\b", "{a,b}", "NULL", "ñ", "1" * 255, "😀"]
    keys = complaints.add(session, [complaint(ticket) for ticket in tickets])
    found = complaints.existing(session, "lapor", [*tickets, "2", "1" * 256])
    assert {ticket: each.id for ticket, each in found.items()} == keys
    assert {(each.seen_at, each.received_at) for each in found.values()} == {(NOON, NOON)}
    session.get_one(Complaint, keys["ñ"]).seen_at = NOON + timedelta(days=1)
    assert complaints.existing(session, "lapor", ["ñ"])["ñ"].seen_at == NOON + timedelta(days=1)


def test_an_event_comes_back_as_it_was(session):
    given = Event("assigned", NOON, NOON, "lapor", NOON - timedelta(1), Knowledge.OBSERVED, "pupr")
    (key,) = complaints.add(session, [complaint()]).values()
    complaints.add_events(session, [(key, given)])
    assert complaints.events_of(session, [key]) == {key: [given]}
    assert complaints.add(session, []) == {}


def test_many_rows_at_once_keep_every_sign_of_a_text(session):
    texts = ["a\tb", "a\nb", "a\r", r"a\b", r"\N", r"\.", "", None, "%s", "ñ'\"", "{1,2}"]
    rows = [complaint(str(n), title=text) for n, text in enumerate(texts)]
    complaints.add(session, rows)
    found = session.execute(select(Complaint.title, Complaint.received_at).order_by(Complaint.id))
    assert list(found) == [(text, NOON) for text in texts]
    assert set(session.scalars(select(Complaint.metrics_last_day))) == {0}  # its default


def test_many_rows_at_once_keep_every_time(session):
    first, last = datetime(800, 1, 2, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, 7, UTC)
    moments = [first, NOON, datetime(2026, 1, 1, 3, 4, 5, 60, wita("2026-01-01").tzinfo), last]
    rows = [complaint(str(n), received_at=moment) for n, moment in enumerate(moments)]
    complaints.add(session, rows)
    found = session.scalars(select(Complaint.received_at).order_by(Complaint.id)).all()
    assert found == moments
    assert {moment.tzinfo for moment in found} == {UTC}
    earliest = select(Complaint.id).where(Complaint.received_at <= first)
    assert session.scalars(earliest).all() == [min(session.scalars(select(Complaint.id)))]


def test_looks_are_known_by_content_and_the_newest_is_found(session):
    assert imports.last(session, "lapor") is None
    for day, sha256 in ((24, "b"), (22, "a")):
        look = TWICE["source_import"]()
        look.sha256, look.observed_at = sha256, wita(f"2026-11-{day} 07:00")
        session.add(look)
    session.flush()
    known = {("b", wita("2026-11-24 07:00")), ("a", wita("2026-11-22 07:00"))}
    assert imports.imported_files(session, "lapor") == known
    assert imports.imported_files(session, "register") == set()
    assert imports.last_of_each(session, NOON) == {"lapor": wita("2026-11-24 07:00")}
    assert imports.last(session, "lapor") == wita("2026-11-24 07:00")


def test_a_bad_row_seen_again_is_kept_once(session):
    first, again = TWICE["quarantine"](), TWICE["quarantine"]()
    again.last_seen_at = NOON + timedelta(days=1)
    assert quarantine.quarantine(session, first)
    assert not quarantine.quarantine(session, again)
    (row,) = quarantine.quarantined(session)
    assert (row.recorded_at, row.last_seen_at) == (NOON, NOON + timedelta(days=1))
    assert quarantine.quarantine_count(session, NOON - timedelta(seconds=1)) == 0
    assert quarantine.quarantine_count(session, NOON) == 1


def test_a_run_that_is_repeated_replaces_itself(session):
    runs.finished(session, "intake 1", "intake", NOON, {"new": 3})
    runs.finished(session, "intake 1", "intake", NOON, {"new": 0})
    runs.finished(session, "delivery 1", "delivery", NOON - timedelta(hours=1), {})
    session.flush()
    assert session.execute(text("SELECT count(*) FROM flow_run")).scalar() == 2
    assert runs.last(session) == NOON.astimezone(UTC)
    assert runs.last(session, "delivery") == NOON - timedelta(hours=1)
    assert runs.last(session, "summary") is None


def test_an_error_repeats_nothing_of_the_row_that_failed(engine):
    with Session(engine) as session:
        session.add(Complaint(**complaint(title="Budi Rahasiawan", received_at=None)))
        with pytest.raises(IntegrityError) as error:
            session.flush()
    told = "".join(traceback.format_exception(error.value))
    assert "received_at" in told
    assert "Rahasiawan" not in told


def test_who_reads_one_state_keeps_nobody_from_writing_and_cannot_write(engine):
    def tickets(session: Session) -> list[str]:
        return list(session.scalars(select(Complaint.ticket).order_by(Complaint.ticket)))

    with Session(engine) as session, session.begin():
        complaints.add(session, [complaint("1")])
    with one_state(engine) as connection, Session(connection) as reading:
        assert tickets(reading) == ["1"]
        with Session(engine) as session, session.begin():
            complaints.add(session, [complaint("2")])
        assert tickets(reading) == ["1"]
    with Session(engine) as session:
        assert tickets(session) == ["1", "2"]
    with pytest.raises(DBAPIError), one_state(engine) as connection:
        connection.execute(insert(Complaint).values(complaint("3")))
    with Session(engine) as session, session.begin():  # nor does the connection stay so
        complaints.add(session, [complaint("4")])


def test_a_commit_on_sqlite_waits_for_the_disk(tmp_path, monkeypatch):
    monkeypatch.setattr(db.engine, "create_engine", create_engine)  # other tests do not wait
    engine = open_engine(f"sqlite:///{tmp_path}/safe.db")
    with engine.connect() as connection:
        assert connection.scalar(text("PRAGMA synchronous")) == FULL
    engine.dispose()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (
            'connection to server at "::1", port 5432 failed: FATAL:  password authentication'
            ' failed for user "tenggat"',
            "the server does not accept the user or the password",
        ),
        ('FATAL:  role "tengat" does not exist', "the server does not accept the user or"),
        ('FATAL:  database "tengat" does not exist', "the server has no database tengat"),
        ("failed to resolve host 's14@localhost': [Errno -2]", "no server has the name in the"),
        ("port 1 failed: Connection refused", "no server listens at this host and port"),
        ("connection timeout expired", "the server does not answer in time"),
        ("could not extend file: No space left on device", "the disk of the server is full"),
    ],
)
def test_a_database_error_has_its_reason_and_no_part_of_a_password(text, reason):
    error = OperationalError("SELECT 1", None, Exception(text))
    said = database_reason(error)
    assert said.startswith(reason)
    assert "s14" not in said
    assert_indonesian(said)


@pytest.mark.parametrize("empty_database_url", ["postgresql"], indirect=True)
@pytest.mark.parametrize("revoked", ["CREATE", "ALL"])
@pytest.mark.parametrize("schema", ["public", "kabb"])
def test_a_user_who_may_not_create_tables_is_told_the_right_that_is_missing(
    empty_database_url, revoked, schema
):
    """As on PostgreSQL 15 or newer, if the user does not own the database."""
    owner = create_engine(empty_database_url)
    user = f"u{uuid.uuid4().hex[:8]}"
    with owner.begin() as connection:
        for statement in (
            f"CREATE SCHEMA IF NOT EXISTS {schema}",
            f"CREATE ROLE {user} LOGIN",
            f"GRANT USAGE ON SCHEMA {schema} TO PUBLIC",
            f"REVOKE {revoked} ON SCHEMA {schema} FROM PUBLIC",
        ):
            connection.execute(text(statement))
    url = make_url(empty_database_url).set(username=user)
    url = url.update_query_dict({"options": f"-csearch_path={schema}"})
    engine = open_engine(url.render_as_string(hide_password=False))
    with pytest.raises(NotReady) as refused:
        migrate(engine)
    grant = f"GRANT USAGE, CREATE ON SCHEMA {schema} TO {user}"
    assert str(refused.value) == (
        f"the user {user} may not create tables in the schema {schema} of the database; have the"
        f" owner of the database run in it: {grant}"
    )
    site = SimpleNamespace(database_url=str(engine.url))
    (finding,) = health.database(site, wita("2026-11-24 08:00"), clock=False)
    assert f"{finding.what}; {finding.remedy}" == str(refused.value)
    assert_indonesian(str(refused.value), finding.what, finding.remedy)
    with owner.begin() as connection:
        connection.execute(text(grant))
    migrate(engine)
    with engine.connect() as connection:
        assert revision(connection) == newest_revision()
        assert missing_right(connection) is None
    engine.dispose()
    with owner.begin() as connection:
        connection.execute(text(f"DROP OWNED BY {user} CASCADE"))
        connection.execute(text(f"DROP ROLE {user}"))
    owner.dispose()


@pytest.mark.parametrize(
    "error",
    [
        "unable to open database file",
        "database or disk is full",
        "disk I/O error",
        "attempt to write a readonly database",
        "database is locked",
    ],
)
def test_what_sqlite_says_has_a_translation(error):
    assert_indonesian(database_reason(OperationalError("SELECT 1", None, Exception(error))))


def test_an_address_that_is_no_url_is_named():
    with pytest.raises(ArgumentError) as refused:
        open_engine("tenggat:s14@localhost/tenggat")
    said = database_reason(refused.value)
    assert said.startswith("this is no URL of a database; write sqlite:///FILE or postgresql+")
    assert_indonesian(said)
