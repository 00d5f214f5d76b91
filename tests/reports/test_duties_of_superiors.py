"""The report charges a duty of superiors to their office, as mails do; reports made before do not.

UU 37/2008 gives the report on a recommendation of the Ombudsman to the superior of the official:
the regent, through the regional secretary. The complaints are those of `pipeline`.
"""

import csv
import html
import io
import json
import re
from datetime import date

import pypdf
import pytest
from conftest import wita
from python_calamine import CalamineWorkbook
from sqlalchemy import select
from support.duty_reports import counted, rows_of
from support.outgoing_mail.sent_mails import Sent
from support.pipeline import MONDAY, at, decide, deliver, register, since

from db.models import ReportRow
from sla.directory import SUPERIOR_OFFICE
from sla.periods import parse
from tasks.evaluation.status import site_status
from tasks.reports.builder import in_language, report_view
from tasks.reports.formats.executive_summary import executive_summary
from tasks.reports.formats.json_csv import report_json
from tasks.reports.formats.sections import sections
from tasks.reports.model import FORM, SECOND_FORM
from tasks.reports.overview import overview_of
from tasks.reports.restatement import earlier_report
from tasks.reports.verify import verify
from tasks.summary import SummaryRequest, make_summary

OFFICE = {"id": "Bupati melalui Sekretaris Daerah", "en": "regent through the regional secretary"}
OLD, RECOMMENDED = since("01/09/2026"), {"Rekomendasi Ombudsman": "25/09/2026 08:30"}
DONE = {"Tindak Lanjut Pertama": "02/09/2026 09:00", "Selesai": "03/09/2026 09:00"}
ENTRIES = (
    at("Dinas Sosial", "FD-1", **OLD | RECOMMENDED),  # late at the unit and at its superiors
    at("DLH", "FD-2", **OLD | DONE | RECOMMENDED),  # late at superiors alone, since 25 November
    at("DLH", "FD-3", Selesai="18/11/2026 09:00"),
)
CHARGED_TO_UNITS = {
    "dinsos": (1, 0, 0, 1, 0, 0, 0, 0.0, 1, 1, 0, 0),
    "dlh": (3, 2, 0, 1, 0, 0, 0, 2 / 3, 0, 1, 0, 0),
    "diskominfo": (1, 1, 0, 0, 0, 0, 0, 1.0, 0, 0, 0, 0),
}
"""The table of units in the second form, as that version made it."""


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """What a report says hangs on no database: one kind is enough."""
    return sqlite_url


@pytest.fixture
def lived(context):
    """The site on Monday 30 November, when the unit and the superiors have been told."""
    for now in ("2026-11-24 08:00", "2026-11-25 08:00", MONDAY):
        register(context, now, *ENTRIES)
        decide(context, now)
    return context


def november(context, **more):
    with context.transaction() as session:
        return report_view(session, context, "2026-11", wita(MONDAY), **more)


def column(table, key) -> dict[str, object]:
    """The cells of a column by row, those other than 0."""
    place = [each.key for each in table.columns].index(key)
    return {row.key: row.cells[place] for row in table.rows if row.cells[place]}


def test_the_report_agrees_with_the_status_of_the_site(lived):
    units = november(lived).table("by_unit")
    assert column(units, "late") == {"dinsos": 1, SUPERIOR_OFFICE: 2}
    assert column(units, "breached") == {SUPERIOR_OFFICE: 2}
    status = site_status(lived, wita(MONDAY))
    assert (status.late_by_unit, status.late_of_superiors) == ([("dinsos", 1)], 2)
    assert units.total.cells[[each.key for each in units.columns].index("late")] == 2


def test_every_figure_is_counted_again_from_the_list(lived):
    view = november(lived, with_duties=True)
    rows, tables = rows_of(view), {table.key: table for table in view.tables}
    for each in view.duties.recounts:
        table = tables[each.table]
        for row in (*table.rows, *([table.total] if table.total else [])):
            cell = dict(zip((c.key for c in table.columns), row.cells, strict=True))[each.column]
            if row.key == each.row and cell is not None and table.key != "escalations":
                assert counted(rows, each) == pytest.approx(cell), each


def test_a_report_of_the_second_form_is_recomputed_as_it_was(lived, tmp_path):
    old = november(lived, form=SECOND_FORM)
    assert {row.key: row.cells for row in old.table("by_unit").rows} == CHARGED_TO_UNITS
    file = tmp_path / "kept.json"
    file.write_text(report_json(old), encoding="utf-8")
    assert json.loads(file.read_text("utf-8"))["format"] == SECOND_FORM != FORM
    found = verify(lived, file, wita("2026-12-01 08:00"))
    assert (found.then, found.late) == ((), ())


@pytest.fixture
def stored_before(lived) -> str:
    """The checksum of a report stored in the second form, all files of which are lost."""
    request = SummaryRequest("2026-11", wita(MONDAY), formats=("html", "json"))
    summary = make_summary(lived, request, wita(MONDAY), "summary")
    for path in summary.paths:
        path.unlink()
    checksum = november(lived, form=SECOND_FORM).sha256
    with lived.transaction() as session:
        session.scalars(select(ReportRow)).one().sha256 = checksum
    return checksum


@pytest.mark.usefixtures("plain_reports")
def test_a_mail_about_a_report_of_the_second_form_has_its_figures(lived, stored_before):
    deliver(lived, "2026-11-30 08:05")
    sent = [Sent(path.read_bytes()) for path in (lived.site.var / "mailbox").glob("*.eml")]
    told = [mail.text for mail in sent if any(n.endswith(".html") for n in mail.attached)]
    assert told
    assert all(stored_before in text for text in told)
    (listed,) = (lived.site.var / "reports").glob("*tenggat.csv")
    rows = list(csv.DictReader(io.StringIO(listed.read_text("utf-8"))))
    assert "dlh" in {
        row["Kode perangkat daerah"] for row in rows if "recommendation" in row["Kode aturan"]
    }


def test_a_report_of_the_second_form_is_restated_in_that_form(lived, stored_before):
    register(lived, "2026-12-01 08:00", *ENTRIES, at("DLH", "FD-4", **since("25/11/2026")))
    decide(lived, "2026-12-01 08:00")
    with lived.transaction() as session:
        found = earlier_report(
            session, lived, parse("2026-11", date(2026, 11, 30)), wita("2026-12-02 08:00")
        )
    assert found
    assert (found.kept, found.sha256, found.recorded) == (True, stored_before, 1)
    assert {each.row for each in found.changes}.isdisjoint({SUPERIOR_OFFICE, "dinsos"})


def words(page: str) -> str:
    text = re.sub(r"<style.*?</style>|<[^>]*>", " ", page, flags=re.DOTALL)
    return " ".join(html.unescape(text).split())


@pytest.mark.parametrize("public", [False, True])
def test_every_format_names_the_office_as_mails_do(lived, tmp_path, public):
    request = SummaryRequest("2026-11", wita(MONDAY), mail=False, out=tmp_path, public=public)
    paths = {
        path.suffix: path
        for path in make_summary(lived, request, wita(MONDAY), "summary").paths
        if not path.stem.endswith("tenggat")
    }
    office = OFFICE["id"]
    page = words(paths[".html"].read_text("utf-8"))
    assert f"adalah kewajiban {office}: dihitung di bawah nama itu" in page
    pdf = " ".join(each.extract_text() for each in pypdf.PdfReader(paths[".pdf"]).pages)
    assert office in " ".join(pdf.split())
    sheet = CalamineWorkbook.from_path(paths[".xlsx"]).get_sheet_by_name(
        "Rekap per perangkat daerah"
    )
    assert [row[0] for row in sheet.to_python()][-2:] == [office, "Jumlah"]
    tables = json.loads(paths[".json"].read_text("utf-8"))["tables"]
    (units,) = (table for table in tables if table["key"] == "by_unit")
    (row,) = (row for row in units["rows"] if row["key"] == SUPERIOR_OFFICE)
    assert row["cells"]["late"] == ("<" if public else 2)
    rows = list(csv.DictReader(io.StringIO(paths[".csv"].read_text("utf-8"))))
    assert {row["row"] for row in rows if row["table"] == "by_unit"} >= {SUPERIOR_OFFICE}


def test_readers_of_english_have_the_office_in_english(lived):
    with lived.transaction() as session:
        view = in_language(session, lived, november(lived), "en")
    by_key = {each.key: each for each in sections(view, lived.site.zone, 99)}
    names = [line.name.text for line in by_key["by_unit"].lines]
    assert names[-1] == OFFICE["en"]
    assert f"duties of the {OFFICE['en']}" in by_key["by_unit"].note
    units = {line.name: line for line in overview_of(view).units}
    assert (units[OFFICE["en"]].late, units[OFFICE["en"]].comparable) == (2, False)


@pytest.mark.parametrize(
    ("locale", "late", "advice"),
    [
        ("id", f"4 hari kerja, yaitu kewajiban {OFFICE['id']}.", f"{OFFICE['id']} disarankan"),
        ("en", f"4 working days late, a duty of the {OFFICE['en']}.", f"The {OFFICE['en']} should"),
    ],
)
def test_the_summary_names_the_office_in_whole_sentences(context, locale, late, advice):
    register(context, MONDAY, ENTRIES[1])
    decide(context, MONDAY)
    with context.transaction() as session:
        view = in_language(session, context, november(context), locale)
    said = [
        each.text
        for part in executive_summary(view, context.site.zone).parts
        for each in part.sentences
    ]
    assert any(each.endswith(late) for each in said)
    assert any(each.startswith(advice) for each in said)
