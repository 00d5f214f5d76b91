"""A source that shows the steps of a mailbox's complaints: its rows complete them.

November 2026 has no holiday: 2, 9, 16 and 23 are Mondays. The mail of the 2nd has to be settled by
the 20th.
"""

from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import wita
from sqlalchemy import select
from support.import_results import history, known

from db.models import Complaint, SourceImport
from settings.errors import SettingsError
from settings.sources import read_sources
from tasks.common.context import SiteContext
from tasks.evaluation.explain import explanations
from tasks.ingest.importer import import_extract
from tasks.monitoring.health import site_files
from tasks.sources.base import Extract

SOURCES = """
[mail]
type = "imap"
url_variable = "MAILBOX_URL"

[buku]
type = "folder"
folder = "inbox/buku"
layout = "history"
zone = "Asia/Makassar"
dates = ["%Y-%m-%d"]
completes = "mail"
fields = { ticket = "No", received = "Masuk" }
events = [{ column = "Verifikasi", kind = "verified" }, { column = "Selesai", kind = "settled" }]
"""
SNAPSHOT = SOURCES.replace(
    'layout = "history"', 'layout = "snapshot"\nstatus = [{ word = "x" }]'
).replace('received = "Masuk" }', 'received = "Masuk", status = "S" }')
HEADER = ("No", "Masuk", "Verifikasi", "Selesai")
MESSAGE_ID = "1@warga.example"
RECEIVED = "received 02 09:00 stated"


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """Nothing here depends on the kind of database."""
    return sqlite_url


@pytest.fixture
def context(site_folder: Path, open_context: Callable[[], SiteContext]) -> SiteContext:
    """A site with a complaint by mail."""
    (site_folder / "sources.toml").write_text(SOURCES, encoding="utf-8")
    context = open_context()
    columns = context.site.sources["mail"].columns
    mail = {"message_id": MESSAGE_ID, "received": "2026-11-02T09:00:00+08:00", "subject": "Jalan"}
    row = tuple(mail.get(column, "") for column in columns)
    imported(context, "mail", "2026-11-02 09:05", columns, row)
    return context


def imported(
    context: SiteContext,
    source: str,
    now: str,
    header: tuple[str, ...],
    *rows: tuple[str, ...],
    made: str = "",
) -> SourceImport:
    moment = wita(made or now)
    name = f"{source} {made} {now}"
    extract = Extract(source, name, moment, header, list(enumerate(rows, start=2)))
    with context.transaction() as session:
        return import_extract(session, context, source, extract, wita(now)).record


def state(context: SiteContext, now: str) -> str:
    with context.transaction() as session:
        (found,) = explanations(session, context, known(context, MESSAGE_ID).ticket, wita(now))
    rules = {each.deadline.rule.id: each.deadline.state for each in found.deadlines}
    return rules["sp4n-guideline/complaint"]


@pytest.mark.parametrize("written", ["message id", "brackets", "ticket"])
def test_a_row_with_its_ticket_completes_a_complaint_and_another_is_its_own(context, written):
    tickets = {
        "message id": MESSAGE_ID,
        "brackets": f"<{MESSAGE_ID}>",
        "ticket": known(context, MESSAGE_ID).ticket,
    }
    record = imported(
        context,
        "buku",
        "2026-11-11 08:00",
        HEADER,
        (tickets[written], "2026-11-02", "2026-11-02", "2026-11-10"),
        ("B-2", "2026-11-03", "2026-11-04", ""),
    )
    assert (record.new, record.updated, record.unchanged) == (1, 1, 0)
    assert history(context, MESSAGE_ID) == [
        RECEIVED,
        "verified 02 09:00 stated",  # the row has no hour: not before the receipt
        "settled 10 00:00 stated",
    ]
    with context.transaction() as session:
        assert sorted(session.scalars(select(Complaint.source))) == ["buku", "mail"]
    assert state(context, "2026-11-11 09:00") == "met"


def test_the_same_row_changes_nothing_and_a_corrected_one_replaces_its_step(context):
    row = (MESSAGE_ID, "2026-11-02", "", "2026-11-10")
    imported(context, "buku", "2026-11-11 08:00", HEADER, row)
    before = history(context, MESSAGE_ID)
    record = imported(context, "buku", "2026-11-12 08:00", HEADER, row)
    assert (record.updated, record.unchanged, history(context, MESSAGE_ID)) == (0, 1, before)
    older = (MESSAGE_ID, "2026-11-02", "", "")
    imported(context, "buku", "2026-11-12 09:00", HEADER, older, made="2026-11-10 08:00")
    assert history(context, MESSAGE_ID) == before  # an older file that came late
    imported(context, "buku", "2026-11-24 08:00", HEADER, (*row[:3], "2026-11-23"))
    assert state(context, "2026-11-24 09:00") == "met_late"
    assert state(context, "2026-11-23 09:00") == "met"  # as known then


def test_without_its_row_a_duty_is_unknown_and_never_missed(context):
    imported(context, "buku", "2026-11-24 08:00", HEADER, ("B-2", "2026-11-03", "", ""))
    imported(context, "mail", "2026-11-24 08:05", context.site.sources["mail"].columns)
    assert state(context, "2026-11-24 09:00") == "unknown"
    (note,) = site_files.reminding_sources(context.site)
    assert "judged by the steps that buku shows" in note.what


@pytest.mark.parametrize(
    ("text", "mistake"),
    [
        (SOURCES.replace('s = "mail"', 's = "mial"'), "no mailbox 'mial'; did you mean `mail`?"),
        (SOURCES.replace('s = "mail"', 's = "buku"'), "no mailbox 'buku'"),
        (SNAPSHOT, "only a source of the layout `history`"),
    ],
)
def test_only_a_mailbox_is_completed_and_only_by_a_history(tmp_path, text, mistake):
    path = tmp_path / "sources.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError) as found:
        read_sources(path)
    assert mistake in str(found.value)
