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
from support.outputs import printed, read
from support.pipeline import ENTRY, deliver, dump, register, write_register
from support.small_site import STATUS, TICKET, export

from cli.language.words import use_language
from cli.listings import question_rows
from db import quarantine, questions
from db.models import Complaint, MessageRow
from db.questions import HIDDEN
from tasks.deadlines import evaluate_and_notify
from tasks.evaluation.evidence import as_data
from tasks.evaluation.explain import as_text, explanations
from tasks.ingest.answers import answer
from tasks.ingest.exchange import writer
from tasks.ingest.preview import check_source
from tasks.intake import ask, pull
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
