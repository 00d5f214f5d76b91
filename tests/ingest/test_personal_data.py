"""What a complainant gave, planted all over a source, and looked for in all that comes out.

Names in an open title cannot be known for names and are not looked for; see
`tasks/common/redaction.py`.
"""

import logging
import os
import zlib
from email import message_from_bytes

import pytest
from conftest import wita
from sqlalchemy import select
from support.import_results import known
from support.outputs import printed, read
from support.pipeline import ENTRY, alerts, deliver, dump, register, write_register
from support.small_site import PRIVACY, STATUS, TICKET, TITLE, export

from cli.language.words import use_language
from cli.listings import question_rows
from db import quarantine, questions
from db.models import AuditRow, Complaint, MessageRow
from db.questions import HIDDEN
from tasks.deadlines import evaluate_and_notify
from tasks.evaluation.evidence import as_data
from tasks.evaluation.explain import as_text, explanations
from tasks.ingest.answers import answer
from tasks.ingest.exchange import writer
from tasks.ingest.preview import check_source
from tasks.ingest.row_parser import ParserInputs
from tasks.ingest.row_validator import RowValidator
from tasks.intake import ask, pull
from tasks.sources.base import SheetLine
from tasks.sources.files.reader import read_sheet
from tasks.summary import SummaryRequest, make_summary

NAME, NIK, PHONE, MAIL = (
    "Budi Rahasiawan",
    "9999123456789012",
    "081234567890",
    "budi@rahasia.example",
)
TELLING = f"NIK {NIK}, HP {PHONE}, {MAIL}"
TYPED = "Pulan Contohnia"
"""A name in the column of the units: a mail names it to the unit that gets complaints of unknown
units."""

LIAISON_OF_THE_UNKNOWN = "penghubung.diskominfo@contohkab.example>"

ENTRIES = (
    {"No Register": "FD-1", "Perihal": f"Jalan rusak, {TELLING}", "Nama Pelapor": NAME},
    {"No Register": "FD-2", "Perihal": f"{NAME} melapor, {TELLING}", "Kerahasiaan": "Anonim"},
    {"No Register": "FD-3", "Perihal": f"{NAME} melapor, {TELLING}", "Kerahasiaan": "Rahasia"},
    {"No Register": "FD-4", "Unit": TYPED},
)


@pytest.fixture
def database_url(sqlite_url):
    """What comes out hangs on no database: one kind is enough."""
    return sqlite_url


@pytest.fixture
def lived(context, caplog, tmp_path):
    """All that came out: database, mails, reports, export and logs, as text by where it stood."""
    caplog.set_level(logging.DEBUG)
    register(context, "2026-11-20 07:15", *ENTRIES)
    for morning in ("2026-11-20 08:00", "2026-11-24 08:00"):
        if morning > "2026-11-21":
            register(context, "2026-11-24 07:15", *ENTRIES)
        evaluate_and_notify(context, wita(morning), morning)
        deliver(context, morning)
    now = wita("2026-11-24 09:00")
    made = make_summary(context, SummaryRequest("2026-11", now), now, "summary")
    deliver(context, "2026-11-24 09:00")
    writer.export(context, tmp_path / "given.jsonl", now, since=None, titles=True)
    with context.transaction() as session:
        kept = [zlib.decompress(mime) for mime in session.scalars(select(MessageRow.mime)) if mime]
    sent = [path.read_bytes() for path in (context.site.var / "mailbox").iterdir()]
    readers = {message_from_bytes(mail)["To"] for mail in sent if TYPED in read(mail)}
    assert {address.partition("<")[2] for address in readers} == {LIAISON_OF_THE_UNKNOWN}
    return {
        "database": str(dump(context)),
        "kept mails": "".join(map(read, kept)),
        "sent mails": "".join(map(read, sent)),
        **{f"report as {path.suffix[1:]}": printed(path) for path in made.paths},
        "export": (tmp_path / "given.jsonl").read_text(encoding="utf-8"),
        "logs": caplog.text,
    }


def test_nothing_of_it_comes_out_anywhere(lived):
    assert {place for place, text in lived.items() if not text} <= {"logs"}
    found = [
        (place, planted)
        for place, text in lived.items()
        for planted in (NAME, NIK, PHONE, MAIL)
        if planted in text
    ]
    assert found == []
    shown = {"database", "kept mails", "sent mails"}
    assert {place for place, text in lived.items() if TYPED in text} == shown
    # what is kept of an open title is masked
    assert "Jalan rusak, NIK [NIK], HP [telepon], [email]" in lived["database"]


@pytest.mark.parametrize(
    ("shifted", "kept"),
    [
        ({"Tanggal Masuk": "rusak parah", "Kategori": NAME}, False),  # a word as the date
        ({"Tanggal Masuk": "99/99/2026 08:30", "Kategori": "Jalan"}, True),  # only a wrong date
    ],
)
def test_a_row_with_a_visible_shift_is_kept_without_any_cell(context, shifted, kept):
    good = ({"No Register": f"FD-{n}"} for n in range(10, 50))
    bad = {"No Register": "FD-7", **shifted}
    path = write_register(context, wita("2026-11-20 07:15"), bad, *good)
    pull(context, "register", wita("2026-11-20 07:15"))
    with context.transaction() as session:
        (row,) = quarantine.quarantined(session)
        assert (row.line, row.file, bool(row.cells)) == (2, path.name, kept)
        assert (row.value, row.ticket) == (("99/99/2026 08:30", "FD-7") if kept else ("", ""))
        assert row.ticket_hash  # the complaint itself is known to be unreadable
    assert NAME not in str(dump(context))


def test_no_file_name_header_or_ticket_reaches_error_log_or_database_raw(context, caplog):
    """A file without the mapped columns, with planted values in its name, header and rows."""
    caplog.set_level(logging.DEBUG)
    inbox = context.site.folder / "inbox" / "register"
    forged = f"register_2026-11-20_0715.csv {PHONE}\n2026-11-20 ERROR \x1b[2Jpalsu"
    name = f"{forged.replace('/', '')}.csv"
    (inbox / name).write_text(f"No Register;{NAME};{NIK}\n1;{MAIL};x\n", encoding="utf-8")
    before = wita("2026-11-20 07:00").timestamp()
    os.utime(inbox / name, (before, before))
    write_register(context, wita("2026-11-20 07:15"), {"No Register": "FD\x1b]0;x\x07-8\x9b2J"})
    errors = ""
    try:
        pull(context, "register", wita("2026-11-20 07:15"))
    except ValueError as error:
        errors = str(error)
    with context.transaction() as session:
        tickets = list(session.scalars(select(Complaint.ticket)))
    assert tickets == ["FD]0;x-82J"]
    texts = (errors, caplog.text, str(dump(context)))
    raw = (NAME, NIK, PHONE, MAIL, "\x1b", "\\x1b", "\x9b", "\x07")
    assert [(n, each) for n, text in enumerate(texts) for each in raw if each in text] == []
    assert "[telepon]" in errors
    assert "\n" not in errors


SPOKEN = f"sdh ditelp Ibu {NAME}"
ODD = f"17/11/2026 jam ditelp Ibu {NAME}"
"""A date with a text in the place of its hour."""


@pytest.mark.parametrize("privacy", ["Anonim", "Rahasia", "Anonim|Rahasia", "tertutup"])
def test_a_text_in_a_column_with_dates_of_a_hidden_report_is_withheld(context, caplog, privacy):
    caplog.set_level(logging.DEBUG)
    hidden = {"Kerahasiaan": privacy}
    path = write_register(
        context,
        wita("2026-11-20 07:15"),
        {"No Register": "FD-1"},
        {"No Register": "FD-2", "Selesai": SPOKEN} | hidden,
        {"No Register": "FD-3", "Selesai": ODD, "Diverifikasi": f"17/11 {NAME}"} | hidden,
        {"No Register": "FD-4", "Tanggal Masuk": f"99/11/2026 {NAME}"} | hidden,
        {"No Register": "FD-5", "Tanggal Masuk": ODD.replace("17", "16")} | hidden,
        {"No Register": "FD-6", "Tanggal Masuk": "99/11/2026", "Selesai": ODD} | hidden,
        *({"No Register": f"FD-{n}"} for n in range(20, 80)),
    )
    checked = check_source(context.site, "register", wita("2026-11-20 08:00"), 9)
    pull(context, "register", wita("2026-11-20 08:00"))
    ask(context, wita("2026-11-20 08:00"), "intake")
    deliver(context, "2026-11-20 08:00")
    evaluate_and_notify(context, wita("2026-11-20 08:00"), "deadlines")
    with context.transaction() as session:
        (found,) = explanations(session, context, "FD-2", wita("2026-11-20 08:00"))
        explained = as_text(context.site, found), str(as_data(context, found))
        held = [(row.line, row.value) for row in quarantine.quarantined(session)]
    place = f"(withheld, because it may name the complainant: line {{}} of {path.name})"
    use_language("en")
    with context.transaction() as session:
        listed = [(row["column"], row["value"]) for row in question_rows(session, context)]
    assert listed == [("Selesai", place.format(3)), ("Diverifikasi", place.format(4))]
    assert held == [(5, ""), (7, "")]
    mails = [
        " ".join(read(mail.read_bytes()).split())
        for mail in (context.site.var / "mailbox").iterdir()
    ]
    assert any(f"menyebut nama pelapor: baris 3 berkas {path.name}" in mail for mail in mails)
    whole = (str(dump(context)), caplog.text, *mails, *explained, str(checked))
    assert [n for n, text in enumerate(whole) if NAME in text] == []


@pytest.mark.parametrize("privacy", [NAME, f"Rahasia|{NAME}"])
def test_a_name_in_the_column_of_privacy_is_not_kept_and_hides_the_report(context, privacy):
    cells = {"Tanggal Masuk": "99/11/2026", "Kerahasiaan": privacy}
    good = [{"No Register": f"FD-{n}", "Kerahasiaan": "-"} for n in range(20, 80)]
    bad = {"No Register": "FD-2"} | cells, {"No Register": "FD-3"} | cells | {"Kerahasiaan": "-"}
    write_register(context, wita("2026-11-20 07:15"), *bad, *good)
    pull(context, "register", wita("2026-11-20 08:00"))
    with context.transaction() as session:
        held = [row.cells["Kerahasiaan"] for row in quarantine.quarantined(session)]
    assert held == ["rahasia", "-"]
    assert NAME not in str(dump(context))


def test_a_name_in_the_column_of_units_of_a_hidden_report_is_withheld(context, caplog):
    """A name like that of a unit is shown, and so is a typing error in a known one."""
    hidden = {"Kerahasiaan": "Anonim"}
    path = write_register(
        context,
        wita("2026-11-20 07:15"),
        {"No Register": "FD-1", "Unit": TYPED} | hidden,
        {"No Register": "FD-2", "Unit": "Dinas Penerbangan"} | hidden,
        {"No Register": "FD-3", "Unit": TYPED, "Tanggal Masuk": "99/11/2026"} | hidden,
        *({"No Register": f"FD-{n}"} for n in range(20, 80)),
    )
    pull(context, "register", wita("2026-11-20 08:00"))
    ask(context, wita("2026-11-20 08:00"), "intake")
    evaluate_and_notify(context, wita("2026-11-20 08:00"), "deadlines")
    deliver(context, "2026-11-20 08:00")
    use_language("en")
    with context.transaction() as session:
        listed = [(row["column"], row["value"]) for row in question_rows(session, context)]
    place = f"(withheld, because it may name the complainant: line 2 of {path.name})"
    assert listed == [("Unit", place), ("Unit", "Dinas Penerbangan")]
    mails = [read(mail.read_bytes()) for mail in (context.site.var / "mailbox").iterdir()]
    assert TYPED not in str(dump(context)) + caplog.text + str(mails)


@pytest.mark.parametrize("column", [STATUS, "Klasifikasi Laporan"])
def test_an_unknown_word_of_a_hidden_report_is_withheld(context, caplog, column):
    """A remark on the progress is shown. The words of an open report are shown as well."""
    hidden = {"Tipe Laporan (Anonim/Rahasia)": "Rahasia"}
    bad = {"Tanggal Laporan Masuk": "2026-99-01"} | hidden
    path = export(
        context.site.folder,
        "2026-11-20 07:15",
        {TICKET: "1", column: SPOKEN} | hidden,
        {TICKET: "2", column: "sudah ditelp"} | hidden,
        {TICKET: "3", column: "di meja Kabag"},
        {TICKET: "4", column: SPOKEN} | bad,
        *({TICKET: f"{n}"} for n in range(20, 80)),
    )
    checked = check_source(context.site, "lapor", wita("2026-11-20 08:00"), 9)
    pull(context, "lapor", wita("2026-11-20 08:00"))
    ask(context, wita("2026-11-20 08:00"), "intake")
    deliver(context, "2026-11-20 08:00")
    with context.transaction() as session:
        (held,) = quarantine.quarantined(session)
        assert (held.column, column in held.cells) == ("Tanggal Laporan Masuk", False)
    use_language("en")
    with context.transaction() as session:
        listed = [(row["column"], row["value"]) for row in question_rows(session, context)]
    place = f"(withheld, because it may name the complainant: line 4 of {path.name})"
    assert listed == [(column, place), (column, "sudah ditelp"), (column, "di meja Kabag")]
    mails = [read(mail.read_bytes()) for mail in (context.site.var / "mailbox").iterdir()]
    assert NAME not in str(dump(context)) + caplog.text + str(mails) + str(checked)


def test_an_unknown_status_of_a_hidden_report_in_a_history_is_withheld(context):
    """A row without the date of an end is asked about by its status."""
    source = context.site.sources["register"]
    fields = source.fields.model_copy(update={"status": "Kanal"})
    context.site.sources["register"] = source.model_copy(update={"fields": fields})
    register(
        context,
        "2026-11-20 07:15",
        {"No Register": "FD-1", "Kanal": SPOKEN, "Kerahasiaan": "Rahasia"},
        {"No Register": "FD-2", "Kanal": "digabung ke FD-9"},
    )
    with context.transaction() as session:
        values = [each.question.value for each in questions.open_questions(session)]
    assert (values[0][:1], values[1:]) == (HIDDEN, ["digabung ke FD-9"])


def test_the_answer_to_a_withheld_text_counts_for_all_that_wait(context):
    """An open report has the same text: it was shown before, and is withheld from then on."""
    entries = (
        {"No Register": "FD-1", "Selesai": SPOKEN},
        {"No Register": "FD-2", "Selesai": SPOKEN, "Kerahasiaan": "Anonim"},
        {"No Register": "FD-3", "Selesai": "31/02/2026", "Kerahasiaan": "Anonim"},
    )
    register(context, "2026-11-20 07:15", *entries[:1])
    with context.transaction() as session:
        assert questions.get(session, 1).value == SPOKEN
    register(context, "2026-11-20 07:30", *entries)
    with context.transaction() as session:
        question = questions.get(session, 1)
        assert NAME not in question.value
        assert answer(session, context, question, "", "test", wita("2026-11-20 08:00")).complaints
    register(context, "2026-11-21 07:30", *entries)
    with context.transaction() as session:
        (waiting,) = questions.open_questions(session)
        assert (waiting.question.id, waiting.waiting) == (2, 1)


def below(text: str) -> dict[str, str]:
    """A line of the register with only a text, in the column of the ticket."""
    return dict.fromkeys(ENTRY, "") | {"No Register": text}


@pytest.mark.parametrize(
    ("note", "hidden"),
    [
        (f"Catatan: 001/ADU/XI/2026 pelapor a.n. {NAME} minta dirahasiakan", {"001/ADU/XI/2026"}),
        (f"* Nomor 2 rahasia (Ibu {NAME})", {"002/ADU/XI/2026"}),
        (f"NB: nama pelapor no. 1 dan 002 / ADU / XI / 2026 jgn disebut ({NAME})", {"001", "002"}),
        (f"Catatan: laporan Ibu {NAME} dirahasiakan", set()),
        ("PENGADUAN RAHASIA", set()),
    ],
)
def test_a_line_below_the_table_that_asks_for_secrecy_hides_the_report_it_names(
    context, note, hidden
):
    tickets = [f"00{n}/ADU/XI/2026" for n in range(1, 4)]
    entries = [{"No Register": ticket, "Perihal": "Pungli bansos"} for ticket in tickets]
    lines = map(below, ("Mengetahui,", "Kepala Bidang", note))
    path = write_register(context, wita("2026-11-20 07:15"), *entries, *lines)
    checked = check_source(context.site, "register", wita("2026-11-20 07:15"), 3)
    pull(context, "register", wita("2026-11-20 07:15"))
    with context.transaction() as session:
        rows = list(session.scalars(select(Complaint).order_by(Complaint.ticket)))
        found = quarantine.quarantined(session)
    (line,) = found
    secret = {row.ticket for row in rows if row.secret}
    assert {ticket for ticket in tickets if ticket.startswith(tuple(hidden) or "-")} == secret
    assert all((row.title is None) == row.secret for row in rows)
    assert {row["ticket"] for row in checked.shown if not row["title"]} == secret
    assert (line.reason, line.line, line.file, line.cells) == ("secrecy_line", 7, path.name, {})
    assert NAME not in str(dump(context))


def test_each_new_line_that_asks_for_secrecy_is_named_to_the_administrator(context):
    notes = [below(f"Catatan: laporan {name} rahasia") for name in ("Ani", "Adi")]
    for day, lines in (("20", notes[:1]), ("21", notes)):
        moment = wita(f"2026-11-{day} 07:15")
        write_register(context, moment, {"No Register": "FD-1"}, *lines)
        pull(context, "register", moment)
        ask(context, moment, f"run-{day}")
        deliver(context, f"2026-11-{day} 08:00")
    mails = sorted((context.site.var / "mailbox").iterdir())
    texts = [" ".join(read(mail.read_bytes()).split()) for mail in mails]
    asked = [text for text in texts if "Catatan di luar tabel meminta" in text]
    assert ["baris 3" in text for text in asked] == [True, False]
    assert "baris 4" in asked[1]
    assert not [text for text in asked if "Ani" in text or "boleh dibiarkan" in text]


SECRETLY = f"Pungli bansos, lapor {NAME}"


def facts(context, ticket: str) -> tuple[bool, bool, str | None]:
    row = known(context, ticket)
    return row.anonymous, row.secret, row.title


def outgoing(context, caplog) -> str:
    """All that is stored, logged and mailed."""
    mails = [read(mail.read_bytes()) for mail in (context.site.var / "mailbox").glob("*")]
    return str(dump(context)) + caplog.text + str(mails)


@pytest.mark.parametrize(
    ("hidden", "marks"), [("Anonim", (True, False)), ("Rahasia", (False, True))]
)
@pytest.mark.parametrize("later", ["", "Biasa"])
def test_a_report_stays_hidden_when_its_row_does_not_hide_it_any_more(
    context, caplog, hidden, marks, later
):
    caplog.set_level(logging.DEBUG)
    entry = {"No Register": "FD-2", "Perihal": SECRETLY, "Kerahasiaan": hidden}
    register(context, "2026-11-17 07:15", entry, {"No Register": "FD-1"})
    assert facts(context, "FD-2") == (*marks, None)
    opened = entry | {"Kerahasiaan": later, "Selesai": SPOKEN}
    path = write_register(context, wita("2026-11-18 07:15"), opened, {"No Register": "FD-1"})
    count = pull(context, "register", wita("2026-11-18 08:00"))
    assert facts(context, "FD-2") == (*marks, None)
    (told,) = count.still_hidden
    assert (told["file"], told["reports"], told["ticket"]) == (path.name, 1, "FD-2")
    ask(context, wita("2026-11-18 08:00"), "intake")
    evaluate_and_notify(context, wita("2026-11-24 08:00"), "deadlines")
    deliver(context, "2026-11-24 08:00")
    assert alerts(context).count("still_hidden") == 1
    assert "Pungli bansos" not in outgoing(context, caplog)
    assert NAME not in outgoing(context, caplog)
    write_register(context, wita("2026-11-24 09:15"), opened, {"No Register": "FD-1"})
    again = pull(context, "register", wita("2026-11-24 10:00"))
    assert (again.unchanged, again.updated, again.still_hidden) == (2, 0, [])


def test_a_report_stays_hidden_when_another_remark_replaces_the_request(context, caplog):
    """The column of remarks may also get another title, so that it is not read any more."""
    caplog.set_level(logging.DEBUG)
    source = context.site.sources["register"]
    fields = source.fields.model_copy(update={"remarks": "Keterangan"})
    context.site.sources["register"] = source.model_copy(update={"fields": fields})
    entry = {"No Register": "FD-2", "Perihal": SECRETLY}
    remarks = (
        {"Keterangan": f"identitas pelapor ({NAME}) dirahasiakan"},
        {"Keterangan": "sudah ditelp"},
        {"Ket": "sudah ditelp"},
    )
    told = []
    for day, remark in enumerate(remarks, start=17):
        write_register(context, wita(f"2026-11-{day} 07:15"), entry | remark)
        count = pull(context, "register", wita(f"2026-11-{day} 08:00"))
        told.append(len(count.still_hidden))
        assert facts(context, "FD-2") == (False, True, None)
    assert told == [0, 1, 0]
    assert NAME not in outgoing(context, caplog)


def test_a_person_opens_a_hidden_report_and_the_next_import_brings_its_title(
    context, call_tenggat, monkeypatch
):
    monkeypatch.setenv("TENGGAT_VAR", str(context.site.var))
    monkeypatch.setenv("TENGGAT_DATABASE_URL", context.site.database_url)
    entry = {"No Register": "FD-2", "Perihal": "Pungli bansos", "Kerahasiaan": "Rahasia"}
    opened = entry | {"Kerahasiaan": ""}
    register(context, "2026-11-17 07:15", entry)
    register(context, "2026-11-18 07:15", opened)
    call = ("complaint", "unhide", "FD-2", "--by", "Sari", "--site", str(context.site.folder))
    code, out, error = call_tenggat(*call)
    assert (code, "to be opened: 1" in out) == (0, True), error
    assert facts(context, "FD-2") == (False, True, None)
    register(context, "2026-11-19 07:15", opened)
    assert facts(context, "FD-2") == (False, False, "Pungli bansos")
    code, out, _ = call_tenggat(*call)
    assert (code, "nothing changes" in out) == (0, True)
    with context.transaction() as session:
        (audit,) = session.scalars(select(AuditRow).where(AuditRow.kind == "complaint.unhidden"))
        assert (audit.actor.rpartition(": ")[2], audit.complaint_id) == ("Sari", 1)
        assert "Pungli" not in audit.subject
    register(context, "2026-11-20 07:15", entry)
    assert facts(context, "FD-2") == (False, True, None)


def test_all_hidden_reports_of_a_source_are_opened_except_those_that_still_ask(
    context, call_tenggat, monkeypatch
):
    """The mapping did not know the word for an open report."""
    monkeypatch.setenv("TENGGAT_VAR", str(context.site.var))
    monkeypatch.setenv("TENGGAT_DATABASE_URL", context.site.database_url)
    entries = [
        {"No Register": f"FD-{n}", "Perihal": "Pungli bansos", "Kerahasiaan": word}
        for n, word in enumerate(("Lazim", "Rahasia"))
    ]
    register(context, "2026-11-17 07:15", *entries)
    source = context.site.sources["register"]
    values = source.values.model_copy(update={"public": ("Lazim",)})
    context.site.sources["register"] = source.model_copy(update={"values": values})
    register(context, "2026-11-18 07:15", *entries)
    assert facts(context, "FD-0")[2] is None
    site = ("--by", "Sari", "--site", str(context.site.folder))
    assert call_tenggat("complaint", "unhide", "--all", *site)[0] == 2
    code, out, _ = call_tenggat("complaint", "unhide", "--all", "--source", "register", *site)
    assert (code, "to be opened: 2" in out) == (0, True)
    assert facts(context, "FD-0")[2] is None
    register(context, "2026-11-19 07:15", *entries)
    assert facts(context, "FD-0") == (False, False, "Pungli bansos")
    assert facts(context, "FD-1") == (False, True, None)


def test_a_report_of_snapshots_stays_hidden(context, caplog):
    caplog.set_level(logging.DEBUG)
    report = {TICKET: "7", TITLE: SECRETLY}
    export(context.site.folder, "2026-11-17 07:15", report | {PRIVACY: "Anonim"})
    pull(context, "lapor", wita("2026-11-17 08:00"))
    for day in ("18", "19"):
        export(context.site.folder, f"2026-11-{day} 07:15", report)
        count = pull(context, "lapor", wita(f"2026-11-{day} 08:00"))
        assert len(count.still_hidden) == (day == "18")
        assert facts(context, "7") == (True, False, None)
    assert NAME not in outgoing(context, caplog)


@pytest.mark.parametrize("source", ["lapor", "register"])
def test_an_older_row_that_arrives_late_hides_its_report(context, source):
    def write(moment: str, privacy: str) -> None:
        if source == "lapor":
            export(
                context.site.folder, moment, {TICKET: "7", TITLE: "Pungli bansos", PRIVACY: privacy}
            )
        else:
            entry = {"No Register": "7", "Perihal": "Pungli bansos", "Kerahasiaan": privacy}
            write_register(context, wita(moment), entry)

    write("2026-11-19 07:15", "")
    pull(context, source, wita("2026-11-19 08:00"))
    assert facts(context, "7") == (False, False, "Pungli bansos")
    write("2026-11-18 07:15", "Rahasia")
    pull(context, source, wita("2026-11-19 09:00"))
    assert facts(context, "7") == (False, True, None)
    write("2026-11-20 07:15", "")
    assert pull(context, source, wita("2026-11-20 08:00")).still_hidden
    assert facts(context, "7") == (False, True, None)


def test_a_hidden_report_with_its_ticket_in_another_letter_case_stays_hidden(context):
    entry = {"No Register": "FD-2", "Perihal": "Pungli bansos", "Kerahasiaan": "Rahasia"}
    register(context, "2026-11-17 07:15", entry)
    register(context, "2026-11-18 07:15", entry | {"No Register": "fd-2", "Kerahasiaan": ""})
    assert facts(context, "FD-2") == (False, True, None)


@pytest.mark.parametrize(
    ("above", "hidden"),
    [
        ("Catatan: nomor FD-2 rahasia", {"FD-2"}),
        (f"REGISTER PENGADUAN RAHASIA (WHISTLEBLOWING SYSTEM) {NAME}", {"FD-1", "FD-2"}),
        ("REGISTER PENGADUAN RAHASIA TAHUN 2026", {"FD-1", "FD-2"}),
        ("Keterangan: R = Rahasia", set()),
        ("REGISTER PENGADUAN (TIDAK RAHASIA)", set()),
        ("REGISTER KETERBUKAAN INFORMASI", set()),
    ],
)
def test_a_line_above_the_table_that_asks_for_secrecy_hides_its_reports(context, above, hidden):
    entries = [{"No Register": f"FD-{n}", "Perihal": "Pungli bansos"} for n in (1, 2)]
    path = write_register(context, wita("2026-11-20 07:15"), *entries)
    path.write_text(f"{above}\n{path.read_text('utf-8')}", encoding="utf-8")
    pull(context, "register", wita("2026-11-20 08:00"))
    with context.transaction() as session:
        rows = list(session.scalars(select(Complaint)))
        assert {row.ticket for row in rows if row.secret} == hidden
        assert all((row.title is None) == row.secret for row in rows)
        lines = [(row.line, row.reason) for row in quarantine.quarantined(session)]
    assert lines == ([(1, "secrecy_line")] if hidden or "R =" in above else [])
    assert NAME not in str(dump(context))


@pytest.mark.parametrize(
    ("name", "secret"),
    [
        ("register_rahasia_{}", True),
        ("register_WBS_{}", True),
        ("register_tidak_rahasia_{}", False),
    ],
)
def test_the_name_of_a_file_may_mark_all_its_reports_as_secret(context, name, secret):
    path = write_register(context, wita("2026-11-20 07:15"), {"No Register": "FD-1"})
    sheet = context.site.sources["register"]
    validator = RowValidator(
        ParserInputs("register", sheet, context.site.directory),
        wita("2026-11-20 08:00"),
        f"{name.format('2026-11-20_0715')}.csv",
    )
    read_rows = read_sheet(path, sheet)
    ((_, record),) = validator.validate(read_rows.header, read_rows.rows)
    assert (record.secret, record.title is None) == (secret, secret)


@pytest.mark.parametrize("sheet", ["Rahasia", "WBS", "Tidak rahasia"])
def test_the_name_of_a_sheet_may_mark_all_its_reports_as_secret(context, sheet):
    source = context.site.sources["register"]
    validator = RowValidator(
        ParserInputs("register", source, context.site.directory), wita("2026-11-20 08:00"), "a.xlsx"
    )
    blank = dict.fromkeys(source.columns, "")
    rows = [
        (SheetLine.of(2, name), tuple((blank | ENTRY | {"No Register": name}).values()))
        for name in ("Umum", sheet, "November")
    ]
    header = tuple((blank | ENTRY).keys())
    found = [record.secret for _, record in validator.validate(header, rows)]
    assert found == [False, sheet != "Tidak rahasia", False]
