"""Steps that officials state themselves, for sources that do not show them.

November 2026 has no holiday: 2, 9, 16, 23 and 30 are Mondays. The mail of the 2nd is due on the 5th
(verification), on the 16th (first response) and on the 20th (settlement).
"""

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest
from conftest import wita
from sqlalchemy import select
from support.import_results import history, known
from support.incoming_mail.mapping import UNIT_BY_ADDRESS

from db.audit_verify import verify
from db.models import AuditRow, Complaint, EventRow
from sla.engine.deadline import Deadline
from tasks.common.context import SiteContext
from tasks.deadlines import evaluate_and_notify
from tasks.evaluation.explain import as_text, explanations
from tasks.ingest.importer import import_extract
from tasks.monitoring.health import site_files
from tasks.sources.base import Extract

DOCUMENTED = (
    """
[mail]
type = "imap"
url_variable = "MAILBOX_URL"

[mail.fields]
text = "text"
attachments = "attachments"
"""
    + UNIT_BY_ADDRESS
)
STATED = DOCUMENTED.replace("[mail]\n", '[mail]\nstated_by = ["command"]\n')
TICKET = "1@warga.example"
RULES = ("sp4n-guideline/complaint", "uu-25-2009/response", "sp4n/verification")
AT, BY = ("--at", "2026-11-10T10:00"), ("--by", "Sari")

Connects = Callable[[str], SiteContext]


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """Nothing here depends on the kind of database."""
    return sqlite_url


@pytest.fixture
def connect(site_folder: Path, open_context: Callable[[], SiteContext]) -> Connects:
    """Open a site with this mapping, and a mail of 2 November that was imported at once."""

    def opened(mapping: str) -> SiteContext:
        (site_folder / "sources.toml").write_text(mapping, encoding="utf-8")
        context = open_context()
        arrives(context, "2026-11-02 09:05", "2026-11-02T09:00:00+08:00")
        return context

    return opened


def arrives(context: SiteContext, now: str, *received: str, to: str = "dinsos@contohkab.example"):
    """Import mails as the mailbox shows them; without any, the mailbox has nothing new."""
    columns = context.site.sources["mail"].columns
    mails = [
        {
            "message_id": f"{number}@warga.example",
            "received": moment,
            "subject": "Jalan rusak",
            "to": to,
        }
        for number, moment in enumerate(received, start=1)
    ]
    rows = [
        (number, tuple(mail.get(column, "") for column in columns))
        for number, mail in enumerate(mails, start=1)
    ]
    moment = wita(now)
    extract = Extract("mail", f"{now}", moment, columns, rows, cursor="1:1")
    with context.transaction() as session:
        import_extract(session, context, "mail", extract, moment)


def deadlines(context: SiteContext, now: str) -> dict[str, Deadline]:
    with context.transaction() as session:
        (found,) = explanations(session, context, known(context, TICKET).ticket, wita(now))
    return {each.deadline.rule.id: each.deadline for each in found.deadlines}


def text_of(context: SiteContext, now: str) -> str:
    with context.transaction() as session:
        (found,) = explanations(session, context, known(context, TICKET).ticket, wita(now))
    return as_text(context.site, found)


def states(context: SiteContext, now: str) -> list[str]:
    found = deadlines(context, now)
    return [found[rule].state for rule in RULES]


@pytest.fixture
def tenggat(connect: Connects, site_folder: Path, call_tenggat, monkeypatch):
    """Call the command line on a site with a mailbox too, and one complaint in it."""
    context = connect((site_folder / "sources.toml").read_text(encoding="utf-8") + STATED)
    monkeypatch.setenv("TENGGAT_SITE", str(site_folder))
    monkeypatch.setenv("TENGGAT_VAR", str(context.site.var))
    monkeypatch.setenv("TENGGAT_DATABASE_URL", context.site.database_url)

    def call(*arguments: str, now: str = "2026-11-12T08:00") -> tuple[int, str, str]:
        return call_tenggat("complaint", *arguments, "--now", now)

    return call


@pytest.fixture
def context(tenggat, open_context: Callable[[], SiteContext]) -> SiteContext:
    """The site of `tenggat`."""
    return open_context()


# --- what is known without any statement ----------------------------------------------------------


def test_a_mailbox_complaint_has_the_clocks_that_begin_with_receipt(connect):
    context = connect(DOCUMENTED)
    assert states(context, "2026-11-03 08:00") == ["running", "running", "met"]
    arrives(context, "2026-11-30 07:55")
    found = deadlines(context, "2026-11-30 08:00")
    assert [context.local(found[rule].due).day for rule in RULES[:2]] == [20, 16]
    text = text_of(context, "2026-11-30 08:00")
    assert "Sumber ini hanya dapat mengingatkan" in text
    assert "20 November 2026" in text


@pytest.mark.parametrize(
    ("mapping", "after_due"),
    [(DOCUMENTED, ["unknown", "unknown"]), (STATED, ["breached", "breached"])],
    ids=["nobody states steps", "officials state steps"],
)
def test_silence_accuses_only_where_officials_state_steps(connect, mapping, after_due):
    context = connect(mapping)
    arrives(context, "2026-11-30 07:55")
    assert states(context, "2026-11-30 08:00")[:2] == after_due


def test_a_source_that_only_reminds_costs_nothing_at_later_imports(connect):
    context = connect(DOCUMENTED)
    evaluate_and_notify(context, wita("2026-11-30 08:00"), "run")
    with context.transaction() as session:
        before = session.scalars(select(Complaint.next_action_at)).all()
    arrives(context, "2026-11-30 09:00")
    with context.transaction() as session:
        assert session.scalars(select(Complaint.next_action_at)).all() == before


@pytest.mark.parametrize(("mapping", "notes"), [(DOCUMENTED, 1), (STATED, 0)])
def test_doctor_names_a_source_that_can_only_remind(connect, mapping, notes):
    found = list(site_files.reminding_sources(connect(mapping).site))
    assert [each.what.partition(":")[0] for each in found] == [
        "source mail can only remind, not judge"
    ] * notes


# --- with a command -------------------------------------------------------------------------------


def test_a_settlement_stated_in_time_and_one_stated_late(tenggat, context):
    code, out, _ = tenggat("settle", TICKET, *AT, *BY)
    assert (code, "the next run evaluates" in out) == (0, True)
    assert states(context, "2026-11-12 09:00") == ["met", "met", "met"]
    assert states(context, "2026-11-11 09:00")[0] == "running"  # as known the day before
    assert "dinyatakan pejabat" in text_of(context, "2026-11-12 09:00")
    with context.transaction() as session:
        row = session.scalars(select(Complaint)).one()
        assert row.next_action_at == wita("2026-11-12 08:00")
        (audit,) = session.scalars(select(AuditRow).where(AuditRow.kind == "step.stated"))
        assert (audit.actor.rpartition(": ")[2], audit.complaint_id) == ("Sari", row.id)
        assert json.loads(audit.subject)["happened_at"] == "2026-11-10T02:00:00+00:00"
        (event,) = session.scalars(select(EventRow).where(EventRow.kind == "settled"))
        assert (event.source, event.knowledge) == ("officials/command", "stated")
        assert verify(session.connection()).fault is None


def test_the_same_statement_again_changes_nothing_and_a_wrong_one_is_taken_back(tenggat, context):
    tenggat("settle", TICKET, *AT, *BY)
    before = history(context, TICKET)
    code, out, _ = tenggat("settle", f"<{TICKET}>", *AT, *BY)
    assert (code, "nothing changes" in out) == (0, True)
    assert history(context, TICKET) == before

    code, _, error = tenggat("retract", TICKET, "settle", "--at", "2026-11-11T10:00", *BY)
    assert (code, "stated is 2026-11-10T10:00:00" in error) == (2, True)
    assert tenggat("retract", TICKET, "settle", *AT, *BY, now="2026-11-13T08:00")[0] == 0
    assert states(context, "2026-11-12 09:00")[0] == "met"
    assert states(context, "2026-11-13 09:00")[0] == "running"
    assert "– ditarik pada 13 Nov 2026" in text_of(context, "2026-11-13 09:00")
    assert tenggat("settle", TICKET, *AT, *BY, now="2026-11-14T08:00")[0] == 0
    assert states(context, "2026-11-14 09:00")[0] == "met"


def test_an_assignment_moves_the_duties_and_the_same_time_corrects_it(tenggat, context):
    for unit, now in (("dinkes", "2026-11-12T08:00"), ("Satpol PP", "2026-11-12T09:00")):
        assert tenggat("assign", TICKET, *AT, *BY, "--unit", unit, now=now)[0] == 0
    assert known(context, TICKET).unit == "satpolpp"
    assert deadlines(context, "2026-11-12 08:30")[RULES[0]].unit == "dinkes"
    assert deadlines(context, "2026-11-12 10:00")[RULES[0]].unit == "satpolpp"
    # a later import of the same mail leaves the assignment alone
    arrives(context, "2026-11-13 09:00", "2026-11-02T09:00:00+08:00")
    assert known(context, TICKET).unit == "satpolpp"


@pytest.mark.parametrize(
    ("step", "kind"),
    [
        ("verify", "verified"),
        ("respond", "responded"),
        ("follow-up", "follow_up_published"),
        ("close", "closed"),
    ],
)
def test_each_step_has_its_event(tenggat, context, step, kind):
    assert tenggat(step, TICKET, *AT, *BY)[0] == 0
    assert history(context, TICKET)[-1] == f"{kind} 10 10:00 stated"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("settle", "9@warga.example", *AT, *BY), ("no complaint", "tenggat deadlines")),
        (("settle", TICKET, "--at", "2026-11-13T08:00", *BY), ("in the future", "happened")),
        (("settle", TICKET, "--at", "2026-11-02T08:59", *BY), ("before the receipt", "09:00")),
        (("settle", TICKET, "--at", "kemarin", *BY), ("is no time", "2026-11-24T08:00")),
        (("settle", TICKET, *AT, "--by", " "), ("--by is empty",)),
        (("settle", TICKET, *AT, *BY, "--source", "lapor"), ("in source 'lapor'",)),
        (("assign", TICKET, *AT, *BY, "--unit", "Dinas Awan"), ("no unit 'Dinas Awan'",)),
        (("retract", TICKET, "settled", *AT, *BY), ("no step 'settled'", "settle")),
    ],
)
def test_an_impossible_statement_is_refused_with_the_remedy(tenggat, context, arguments, words):
    before = history(context, TICKET)
    code, _, error = tenggat(*arguments)
    assert code == 2
    for word in words:
        assert word in error, error
    assert history(context, TICKET) == before


def test_a_source_that_names_the_unit_itself_assigns_there(tenggat, context):
    lapor = datetime.fromisoformat("2026-11-02T09:00+08:00")
    with context.transaction() as session:
        session.add(
            Complaint(source="lapor", ticket="77", received_at=lapor, recorded_at=lapor, unit=None)
        )
    code, _, error = tenggat("assign", "77", *AT, *BY, "--unit", "dinkes")
    assert (code, "assign the complaint there" in error) == (2, True)
