"""Reports of what a site lives through: units renamed and merged, many units, a month of nothing.

See `front_desk` for the complaints. Each was verified and followed up on its first day, which are
two deadlines met (by Diskominfo and by its unit); the third is 5 working days from its receipt.
"""

import csv
import json
from pathlib import Path

import pypdf
import pytest
from conftest import wita
from python_calamine import CalamineWorkbook
from sqlalchemy import select
from support.duty_reports import counted, rows_of
from support.outgoing_mail.sent_mails import Sent
from support.pipeline import at, decide, deliver, messages, register, send_breach, since
from support.programs import sized

from db.models import Complaint, MessageItem
from sla.metrics.table import Table
from tasks.reports.builder import report_view
from tasks.reports.formats.executive_summary import executive_summary
from tasks.reports.formats.html import report_html
from tasks.reports.formats.plots import plots
from tasks.reports.formats.sections import sections
from tasks.reports.model import FORM, THIRD_FORM
from tasks.reports.public_edition import public_edition
from tasks.summary import SummaryMade, SummaryRequest, make_summary

NOON, EVENING = "2026-11-24 12:00", "2026-11-30 18:00"
MORNING = "2026-12-01 07:30"
"""When the mails of a report of that evening leave."""
LONGEST_TITLE = 5_000
MARK = "Qzxv"
SET_IN_FULL = sized(usual=False, long=True)


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """What a report says hangs on no database: one kind is enough."""
    return sqlite_url


def tables_of(context, now=EVENING, period="2026-11") -> dict[str, Table]:
    with context.transaction() as session:
        view = report_view(session, context, period, wita(now))
        return {table.key: table for table in view.tables}


def names_in(context, now=EVENING) -> dict[str, str]:
    """The name of each unit of the report."""
    with context.transaction() as session:
        view = report_view(session, context, "2026-11", wita(now))
        return {row.key: view.names("unit", row.key).text for row in view.table("by_unit").rows}


def unit(tables: dict[str, Table], key: str) -> dict[str, object]:
    table = tables["by_unit"]
    row = table.row(key)
    assert row is not None, (key, [each.key for each in table.rows])
    return dict(zip((column.key for column in table.columns), row.cells, strict=True))


def directory(site_folder: Path, change) -> None:
    """Write both files of the directory anew; `change` gives what becomes of a row."""
    for path in (site_folder / "units.csv", site_folder / "officers.csv"):
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file)
            rows = [each for row in reader for each in change(row)]
            fields = reader.fieldnames
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, fields)
            writer.writeheader()
            writer.writerows(rows)


# --- units ---


def test_a_renamed_unit_stays_one_under_its_new_name(context, site_folder, open_context):
    """From the 24th Dinas Sosial is called otherwise; sources use the old name and the new one."""
    entries = [
        at("Dinas Sosial", "FD-1", Selesai="20/11/2026 10:00"),
        at("Dinas Sosial", "FD-2", **since("17/11/2026")),
    ]
    register(context, NOON, *entries)
    decide(context, NOON)
    before = tables_of(context, NOON)
    new = "Dinas Sosial dan Pemberdayaan Masyarakat"

    def renamed(row):
        if row["unit"] == "dinsos" and "aliases" in row:
            row |= {"name": new, "aliases": row["aliases"] + "|Dinas Sosial"}
        yield row

    directory(site_folder, renamed)
    later = open_context()
    register(later, EVENING, *entries, at(new, "FD-3", **since("18/11/2026")))
    decide(later, EVENING)
    assert names_in(later)["dinsos"] == new
    found = unit(tables_of(later), "dinsos")
    assert (found["verdicts"], found["met"], found["breached"], found["open"]) == (6, 3 + 1, 2, 2)
    assert tables_of(later, NOON) == before  # a past report keeps its figures


def test_where_a_unit_is_merged_each_bears_what_fell_due_with_it(
    context, site_folder, open_context
):
    """On the 24th Dinas Sosial becomes a part of DLH, which takes over what it has not done.

    FD-1 fell due before, on the 23rd, and is still late now; FD-2 falls due after, on the 25th;
    FD-3 had been settled in time. Dinas Sosial stays in the directory without holders.
    """
    entries = [
        at("Dinas Sosial", "FD-1"),
        at("Dinas Sosial", "FD-2", **since("18/11/2026")),
        at("Dinas Sosial", "FD-3", Selesai="20/11/2026 10:00"),
    ]
    register(context, NOON, *entries)
    decide(context, NOON)
    moved = {"Unit Pengganti": "DLH", "Diteruskan Kembali": "24/11/2026 13:00"}

    def merged(row):
        if row["unit"] == "dinsos" and "parent" in row:
            row["parent"] = "dlh"
        elif row["unit"] == "dinsos":
            row["to"] = row["to"] or "2026-11-24"
            row["to"] = min(row["to"], "2026-11-24") if row["from"] <= "2026-11-24" else row["to"]
        yield row

    directory(site_folder, merged)
    later = open_context()
    register(later, EVENING, entries[0] | moved, entries[1] | moved, entries[2])
    decide(later, EVENING)
    tables = tables_of(later)
    old, new = unit(tables, "dinsos"), unit(tables, "dlh")
    assert (old["verdicts"], old["met"], old["breached"]) == (5, 3 + 1, 1)
    assert (new["verdicts"], new["met"], new["breached"]) == (1, 0, 1)
    assert (old["open"], old["late"]) == (0, 0)  # whose it is now, it stands with
    assert (new["open"], new["late"]) == (2, 2)
    late = {row.cells[0]: row.cells[2] for row in tables["late"].rows}
    assert late == {"FD-1": "dlh", "FD-2": "dlh"}
    assert tables["headline"].value("on_time", "value") == (3 + 3 + 1) / (3 + 5 + 1)
    assert tables["by_unit"].row("dinsos").tickets == ("FD-1", "FD-2", "FD-3")
    assert tables["by_unit"].row("dlh").tickets == ("FD-1", "FD-2")


@pytest.mark.thorough
def test_a_unit_struck_from_the_directory_is_the_other_one_and_the_report_tells_that_it_moved(
    context, site_folder, open_context
):
    """The name of Dinas Sosial becomes another spelling of DLH: so it is read, the past included.

    A report of an earlier moment still has both, Dinas Sosial under its id.
    """
    entries = [at("Dinas Sosial", "FD-1"), at("DLH", "FD-2", Selesai="20/11/2026 10:00")]
    register(context, NOON, *entries)
    decide(context, NOON)
    json_only = {"formats": ("json",)}
    make_summary(context, SummaryRequest("2026-11", wita(NOON), **json_only), wita(NOON), "summary")
    before = tables_of(context, NOON)

    def struck(row):
        if row["unit"] == "dlh" and "aliases" in row:
            row["aliases"] += "|Dinas Sosial"
        if row["unit"] != "dinsos":
            yield row

    directory(site_folder, struck)
    later = open_context()
    register(later, EVENING, *entries)
    decide(later, EVENING)
    made = make_summary(
        later, SummaryRequest("2026-11", wita(EVENING), **json_only), wita(EVENING), "summary"
    )
    assert names_in(later).keys() == {"dlh", "diskominfo"}
    found = unit(tables_of(later), "dlh")
    assert (found["verdicts"], found["met"], found["breached"]) == (4, 3, 1)
    assert tables_of(later, NOON)["by_unit"] == before["by_unit"]
    assert names_in(later, NOON)["dinsos"] == "dinsos"
    earlier = made.view.earlier
    assert earlier is not None
    moved = {
        (c.row, c.column): (c.kept, c.found) for c in earlier.changes if c.column == "verdicts"
    }
    assert moved["dinsos", "verdicts"] == (2, None)
    assert moved["dlh", "verdicts"] == (2, 4)


# --- reopened and returned ---


def test_what_was_reopened_and_returned_is_counted_by_its_unit(context):
    """Settled and reopened: FD-1 (twice told, once in October) and FD-2. Returned: FD-3, to DLH."""
    register(
        context,
        EVENING,
        at(
            "Dinas Sosial",
            "FD-1",
            **since("12/10/2026"),
            Selesai="14/10/2026 10:00",
            **{"Dibuka Kembali": "20/11/2026 09:00", "Selesai Kembali": "24/11/2026 09:00"},
        ),
        at(
            "DLH",
            "FD-2",
            Selesai="18/11/2026 10:00",
            **{"Dibuka Kembali": "19/11/2026 10:00"},
        ),
        at(
            "Dinas Sosial",
            "FD-3",
            **{
                "Dikembalikan": "17/11/2026 10:00",
                "Unit Pengganti": "DLH",
                "Diteruskan Kembali": "17/11/2026 14:00",
            },
        ),
        at(
            "DLH",
            "FD-4",
            **since("12/10/2026"),
            Selesai="13/10/2026 10:00",
            **{"Dibuka Kembali": "20/10/2026 10:00", "Selesai Kembali": "21/10/2026 10:00"},
        ),
        at("DLH", "FD-0", **since("01/09/2025"), Selesai="02/09/2025 10:00"),  # so there are data
    )
    decide(context, EVENING)
    tables = tables_of(context)
    headline = tables["headline"]
    row = headline.row("reopened")
    assert (row.cells, row.tickets) == ((2, 1, 0), ("FD-1", "FD-2"))
    row = headline.row("returned")
    assert (row.cells, row.tickets) == ((1, 0, 0), ("FD-3",))
    counted = {
        key: (unit(tables, key)["reopened"], unit(tables, key)["returned"])
        for key in ("dinsos", "dlh")
    }
    assert counted == {"dinsos": (1, 1), "dlh": (1, 0)}
    assert "FD-3" in tables["by_unit"].row("dinsos").tickets


# --- settled after notices ---


@pytest.mark.parametrize(
    ("role", "copied", "rung"),
    [
        ("head_of_unit", False, "breach"),
        ("regent", False, "breach/superiors"),
        ("regent", True, "breach"),  # for information
    ],
)
def test_what_went_to_superiors_without_an_escalation_is_a_step_of_its_own(
    context, role, copied, rung
):
    send_breach(context)
    with context.transaction() as session:
        for item in session.scalars(select(MessageItem)):
            item.role, item.copied = role, copied
    (row,) = tables_of(context)["escalations"].rows
    assert (row.key, row.cells[:3]) == (rung, ("breach", 1, 1))


# --- comparisons ---


def test_a_time_before_the_first_complaint_has_no_data_and_no_arrow(context):
    register(context, EVENING, at("Dinas Sosial", "FD-1", **since("02/11/2026")))
    decide(context, EVENING)
    made = make_summary(
        context,
        SummaryRequest("2026-11", wita(EVENING), mail=False, formats=("html", "json")),
        wita(EVENING),
        "s",
    )
    headline = made.view.table("headline")
    assert headline.row("received").cells == (1, None, None)
    trend = made.view.table("trend")
    assert {row.cells for row in trend.rows[:-1]} == {(None,) * 5}
    assert trend.value("2026-11", "received") == 1
    page = made.path.read_text("utf-8")
    assert "periode sebelumnya: belum ada data" in page
    assert "periode sama tahun lalu: belum ada data" in page
    assert not {"▲", "▼"} & set(page)
    assert "belum ada data</td>" in page


def test_an_unfinished_month_is_compared_with_the_same_number_of_working_days(context):
    """On the 17th working day: of October the first 17, without the day off on the 12th."""
    register(
        context,
        NOON,
        at("DLH", "FD-0", **since("01/09/2026"), Selesai="02/09/2026 10:00"),
        *(at("DLH", f"FD-{day}", **since(f"{day}/10/2026")) for day in (1, 26, 27, 30)),
        at("DLH", "FD-N", **since("02/11/2026")),
    )
    decide(context, NOON)
    made = make_summary(
        context,
        SummaryRequest("2026-11", wita(NOON), mail=False, formats=("html",)),
        wita(NOON),
        "s",
    )
    assert made.view.table("headline").row("received").cells == (1, 2, None)
    assert made.view.table("trend").value("2026-10", "received") == 4
    page = made.path.read_text("utf-8")
    assert "▼ turun 1 dari periode sebelumnya sampai jumlah hari kerja yang sama (2)" in page
    assert "pembandingnya dihitung sampai jumlah hari kerja yang sama." in page
    public = public_edition(made.view)
    assert {row.cells[1:] for row in public.table("headline").rows} == {(None, None)}
    assert "sebelumnya: belum ada data" not in report_html(public, context.site.zone)


# --- files ---


def texts_of(made: SummaryMade) -> dict[str, str]:
    """What stands in each file of a report."""
    found = {}
    for path in made.paths:
        if path.suffix == ".xlsx":
            book = CalamineWorkbook.from_path(path)
            cells = [
                str(cell)
                for sheet in book.sheet_names
                for row in book.get_sheet_by_name(sheet).to_python()
                for cell in row
            ]
            found[path.suffix] = "\n".join([*book.sheet_names, *cells])
        elif path.read_bytes().startswith(b"%PDF"):
            found[path.suffix] = "\n".join(
                page.extract_text() for page in pypdf.PdfReader(path).pages
            )
        else:
            found[path.suffix] = path.read_text("utf-8")
    assert set(found) == {".html", ".pdf", ".xlsx", ".json", ".csv"}
    return found


@pytest.mark.thorough
def test_a_month_without_complaints_is_reported_in_every_format_and_mailed(context):
    register(context, EVENING, at("DLH", "FD-1", **since("05/10/2026"), Selesai="06/10/2026 10:00"))
    decide(context, EVENING)
    made = make_summary(context, SummaryRequest("2026-11", wita(EVENING)), wita(EVENING), "summary")
    texts = texts_of(made)
    for ending in (".html", ".pdf"):
        said = " ".join(texts[ending].split())
        assert "Tidak ada data dalam periode ini." in said
        assert "Tidak ada kewajiban yang terlambat pada waktu laporan." in said
        assert "Tidak ada pemberitahuan yang dikirim dalam periode ini." in said
    report = json.loads(texts[".json"])
    headline = next(table for table in report["tables"] if table["key"] == "headline")
    values = {row["key"]: row["cells"]["value"] for row in headline["rows"]}
    assert {key: values[key] for key in ("received", "settled", "open", "late")} == dict.fromkeys(
        ("received", "settled", "open", "late"), 0
    )
    assert {values["on_time"], values["median_days_to_settlement"]} == {None}
    deliver(context, MORNING)
    assert [mail.status for mail in messages(context, "summary")] == ["sent", "sent"]
    mails = [Sent(p.read_bytes()) for p in (context.site.var / "mailbox").glob("*.eml")]
    assert mails
    for mail in mails:
        assert {name.rpartition(".")[2] for name in mail.attached} == {"html", "pdf", "xlsx"}
        assert "\n       0  Pengaduan diterima" in mail.text
        assert "\n       –  Kewajiban yang dipenuhi tepat waktu" in mail.text


@pytest.mark.thorough
@pytest.mark.parametrize("public", [False, True])
def test_a_report_without_any_complaint_has_no_zeros_but_says_that_there_are_no_data(
    context, public
):
    register(context, EVENING)
    decide(context, EVENING)
    request = SummaryRequest("2026-11", wita(EVENING), mail=not public, public=public)
    made = make_summary(context, request, wita(EVENING), "summary")
    for table in made.view.tables:
        known = {"vacancies", "rules_to_be_confirmed"} if table.key == "quality" else ()
        cells = [cell for row in table.rows if row.key not in known for cell in row.cells]
        assert set(cells) <= {None}, table.key
    texts = texts_of(made)
    for ending in (".html", ".pdf"):
        said = " ".join(texts[ending].split())
        assert "belum ada data pengaduan, sehingga belum ada angka kepatuhan" in said
        assert said.count("belum ada data") > 30
        assert "tidak ada kewajiban yang terlambat" not in said.lower()
    deliver(context, MORNING)
    for path in (context.site.var / "mailbox").glob("*.eml"):
        mail = Sent(path.read_bytes())
        assert mail.mail["Subject"].endswith("Laporan kepatuhan November 2026: belum ada data")
        assert "\n       –  Pengaduan diterima" in mail.text


def test_the_findings_of_a_period_before_the_first_complaint_are_no_zeros(context):
    register(context, NOON, at("Dinas Sosial", "FD-1"))
    quality = tables_of(context, NOON, "2026-09")["quality"]
    found = {row.key: row.cells[0] for row in quality.rows}
    assert {key for key, cell in found.items() if cell is None} == {
        *("observed_times", "history_unknown", "absent", "by_policy", "taken_back")
    }


@pytest.mark.parametrize(
    ("now", "month"),
    [
        (NOON, "Nov 2026 (sampai 24 Nov)"),
        (EVENING, "Nov 2026 (sampai 30 Nov)"),
        ("2026-12-01 08:00", "Nov 2026"),
    ],
)
def test_the_month_of_the_report_is_marked_until_it_is_over(context, now, month):
    """In the months of the site, of each unit, and in the sentence about the chart."""
    register(context, NOON, at("Dinas Sosial", "FD-1", **since("02/11/2026")))
    decide(context, NOON)
    with context.transaction() as session:
        view = report_view(session, context, "2026-11", wita(now))
    zone = context.site.zone
    shown = {section.key: section for section in sections(view, zone, 20)}
    assert shown["trend"].lines[-1].name.text == month
    assert shown["trend"].lines[-2].name.text == "Okt 2026"
    assert shown["unit_trend"].columns[-1].text == month
    assert plots(view, zone)["trend"].says.startswith(f"{month}: 1 pengaduan diterima")


@pytest.mark.thorough
@pytest.mark.long
@pytest.mark.usefixtures(sized("plain_reports", "without_plots"))
def test_three_hundred_units_with_complaints_stand_in_every_format(site_folder, open_context):
    path = site_folder / "units.csv"
    names = [f"Balai Uji {number:03}" for number in range(300)]
    with path.open("a", encoding="utf-8") as file:
        for number, name in enumerate(names):
            file.write(f"balai{number:03},{name},upt,kab,\n")
    context = open_context()
    entries = [at(name, f"FD-{number}") for number, name in enumerate(names)]
    register(context, EVENING, *entries)
    decide(context, EVENING)
    made = make_summary(
        context, SummaryRequest("2026-11", wita(EVENING), mail=False), wita(EVENING), "s"
    )
    texts = texts_of(made)
    for ending in (".html", ".pdf", ".xlsx"):
        plain = " ".join(texts[ending].split())
        missing = [name for name in names if name not in plain]
        assert missing == []  # in the page some of them only among the late ones, as it says
    assert "Masih ada 100 baris lain" in " ".join(texts[".html"].split())
    for ending in (".json", ".csv"):
        assert all(f"balai{number:03}" in texts[ending] for number in range(300))


@pytest.mark.thorough
@pytest.mark.usefixtures("plain_reports")
def test_no_title_of_any_length_stands_in_a_report(context):
    lengths = (5, 40, 255, LONGEST_TITLE)
    titles = {
        f"FD-{length}": (MARK + "".join(chr(97 + (n * n) % 23) for n in range(length)))[:length]
        for length in lengths
    }
    register(
        context,
        EVENING,
        *(at("Dinas Sosial", ticket, Perihal=title) for ticket, title in titles.items()),
        at("Dinas Sosial", "FD-S", Perihal=f"{MARK} rahasia", Kerahasiaan="Rahasia"),
    )
    decide(context, EVENING)
    with context.transaction() as session:
        kept = dict(session.execute(select(Complaint.ticket, Complaint.title)).tuples().all())
    for ticket, title in titles.items():
        assert len(kept[ticket]) >= min(len(title), 255)
        assert title.startswith(kept[ticket])
    assert not kept["FD-S"]
    for public in (False, True):
        made = make_summary(
            context,
            SummaryRequest("2026-11", wita(EVENING), mail=False, public=public),
            wita(EVENING),
            "s",
        )
        texts = texts_of(made)
        assert [ending for ending, text in texts.items() if MARK in text] == []
        assert ("FD-255" in texts[".json"]) is not public


def test_a_period_before_the_first_complaint_has_no_figures_of_its_own(context):
    register(context, NOON, at("Dinas Sosial", "FD-1"))
    headline = tables_of(context, NOON, "2026-09")["headline"]
    values = {row.key: row.cells[0] for row in headline.rows}
    assert {key: values[key] for key in ("received", "settled", "on_time")} == dict.fromkeys(
        ("received", "settled", "on_time")
    )
    assert values["open"] == 1
    with context.transaction() as session:
        view = report_view(session, context, "2026-09", wita(NOON))
    page = report_html(view, context.site.zone, {})
    assert page.count("belum ada data") >= 15
    tables = {table.key: table for table in view.tables}
    unit = tables["by_unit"].row("dinsos")
    assert (unit.cells[:8], unit.cells[8:]) == ((None,) * 8, (1, 1, None, None))
    assert tables["by_channel"].total.cells == (*[None] * 9, 1, 1)
    assert tables["trend"].total.cells == (None,) * 5
    assert page.count("Untuk periode ini belum ada data.") == 5
    summary = executive_summary(view, context.site.zone)
    said = [sentence.text for part in summary.parts for sentence in part.sentences]
    assert any(text.startswith("Untuk periode ini belum ada data;") for text in said)
    public = public_edition(view)
    assert public.table("by_unit").total.cells[:8] == (None,) * 8


# --- until when the sources were read ---


def test_a_report_says_until_when_each_source_was_read_and_which_ends_before_the_period(
    context, plain_reports
):
    """The report of November is made at 07:10, before the register of 07:15 shows FD-1 settled."""
    register(context, "2026-11-27 07:15", at("Dinas Sosial", "FD-1"))
    decide(context, "2026-12-01 07:05")
    early = made_at(context, "2026-12-01 07:10")
    ended = [(each.source, each.until, each.ends_early) for each in early.view.notes.readings]
    assert ended == [("lapor", None, True), ("register", wita("2026-11-27 07:15"), True)]
    kept = json.loads(early.path.with_suffix(".json").read_text("utf-8"))
    assert kept["notes"]["readings"][1] == {
        "source": "register",
        "until": "2026-11-26T23:15:00Z",
        "ends_early": True,
    }
    moment = "Jumat, 27 November 2026 pukul 07.15 WITA"
    told = [
        f"Sumber dibaca sampai: register: {moment}.",
        "Sumber lapor belum pernah dibaca sampai waktu laporan.",
        f"Sumber register terakhir dibaca sebelum periode berakhir, yaitu {moment}.",
    ]
    assert deliver(context, "2026-12-01 07:40").sent
    mail = summary_mails(context)[0].text
    for text in (report_html(early.view, context.site.zone), " ".join(mail.split())):
        assert [words for words in told if words not in text] == []
    steps = {"Selesai": "30/11/2026 15:00"}
    register(context, "2026-12-01 07:15", at("Dinas Sosial", "FD-1", **steps))
    later = made_at(context, "2026-12-01 08:10")
    readings = {each.source: each.ends_early for each in later.view.notes.readings}
    assert readings == {"lapor": True, "register": False}
    assert "Sumber register terakhir" not in report_html(later.view, context.site.zone)


def test_no_source_of_an_interim_report_ends_early(context, plain_reports):
    register(context, NOON, at("Dinas Sosial", "FD-1"))
    interim = made_at(context, EVENING)
    assert [each.source for each in interim.view.notes.readings if each.ends_early] == ["lapor"]
    assert "Sumber lapor belum pernah dibaca" in report_html(interim.view, context.site.zone)


def test_the_forecast_counts_a_duty_past_its_due_time_that_the_next_import_decides(context):
    """FD-1 was due on the 23rd; the register was last read before, and shows it undone."""
    register(context, "2026-11-23 07:15", at("Dinas Sosial", "FD-1"))
    decide(context, "2026-11-24 07:05")
    unread = forecast_of(context, "2026-11-24 07:10")
    assert (unread.value("2026-11-27", "ends"), unread.value("2026-11-27", "newly_late")) == (0, 1)
    assert unread.value("2026-12-18", "late_then") == 1
    before = forecast_of(context, "2026-11-24 07:10", form=THIRD_FORM)
    assert before.value("2026-12-18", "late_then") == 0
    register(context, "2026-11-24 07:15", at("Dinas Sosial", "FD-1"))
    decide(context, "2026-11-24 07:30")
    read = forecast_of(context, "2026-11-24 07:40")
    assert (read.value("2026-11-27", "newly_late"), read.value("2026-11-27", "late_then")) == (0, 1)


def forecast_of(context, moment: str, form: str = FORM) -> Table:
    with context.transaction() as session:
        view = report_view(session, context, "2026-11", wita(moment), with_duties=True, form=form)
    (recount,) = (
        each
        for each in view.duties.recounts
        if (each.table, each.row, each.column) == ("forecast", "2026-11-27", "late_then")
    )
    found = view.table("forecast")
    assert counted(rows_of(view), recount) == found.value("2026-11-27", "late_then")
    return found


def made_at(context, moment: str) -> SummaryMade:
    return make_summary(
        context, SummaryRequest("2026-11", wita(moment)), wita(moment), f"summary {moment}"
    )


def summary_mails(context) -> list[Sent]:
    """The mails with a report."""
    sent = [Sent(path.read_bytes()) for path in (context.site.var / "mailbox").glob("*.eml")]
    return [mail for mail in sent if any(name.endswith(".html") for name in mail.attached)]
