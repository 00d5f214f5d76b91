"""After a change of the law each duty is cited by the version of its own clock.

From 18 November the example site settles requests for information in 3 working days, by its own
regulation; see `pipeline` for the complaints. FD-1 and FD-2 came in before that day and are judged
by the national rule, which is yet to be confirmed; FD-3 came in after it.
"""

import csv
import html
import io
import json
import re

import pytest
from conftest import wita
from sqlalchemy import select
from support.outgoing_mail.sent_mails import Sent
from support.pipeline import INFORMATION, at, change_law, decide, deliver, register, since

from db.models import DeadlineRow, ReportRow
from tasks.reports.builder import report_view
from tasks.reports.model import FIRST_FORM
from tasks.reports.verify import verify
from tasks.summary import SummaryRequest, make_summary

OWN = "Perbup 3/2026 Pasal 4"
NATIONAL = (
    "PermenPANRB 5/2025 (menggantikan 62/2018 Lampiran Bab VI) · belum diverifikasi Bagian Hukum"
)
CITED = {"FD-1": NATIONAL, "FD-2": NATIONAL, "FD-3": OWN}
NOW, LATER = "2026-12-01 08:00", "2026-12-04 08:00"
ENTRIES = [
    at("Dinas Sosial"),
    at("DLH", "FD-2", **since("17/11/2026")),
    at("Dinas Sosial", "FD-3", **since("19/11/2026")),
]


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """Citations hang on no database: one kind is enough."""
    return sqlite_url


@pytest.fixture
def own_law(site_folder, open_context):
    """The example site with its own regulation."""
    change_law(site_folder)
    return open_context()


@pytest.fixture
def context(own_law):
    """The site with three complaints that are late."""
    register(own_law, NOW, *ENTRIES)
    decide(own_law, NOW)
    return own_law


def made(context, folder, period="2026-11", **more):
    """The report of a period, and its HTML page as one line of text."""
    request = SummaryRequest(
        period, wita(NOW), mail=False, out=folder, formats=("html", "json", "csv"), **more
    )
    summary = make_summary(context, request, wita(NOW), "summary")
    page = next(path for path in summary.paths if path.suffix == ".html").read_text("utf-8")
    page = re.sub(r"<style.*?</style>|<[^>]*>", " ", page, flags=re.DOTALL)
    return summary, " ".join(html.unescape(page).split())


def cited(view) -> dict[str, str]:
    """The citation of each late duty of the rule, by ticket."""
    return {
        row.tickets[0]: view.names.of_rule(INFORMATION, row.versions).detail
        for row in view.table("late").rows
        if row.cells[3] == INFORMATION
    }


def test_a_late_duty_is_cited_by_the_version_of_its_clock(context, tmp_path):
    summary, page = made(context, tmp_path)
    assert cited(summary.view) == CITED
    with context.transaction() as session:
        stored = {
            row.complaint.ticket: row.regulation
            for row in session.scalars(select(DeadlineRow).where(DeadlineRow.rule == INFORMATION))
        }
    assert stored == {t: each.split(" Pasal")[0].split(" (")[0] for t, each in CITED.items()}
    listed = next(path for path in summary.paths if path.name.endswith("tenggat.csv"))
    rows = csv.DictReader(io.StringIO(listed.read_text("utf-8")))
    assert {r["Pengaduan"]: r["Dasar"] for r in rows if r["Kode aturan"] == INFORMATION} == CITED
    assert f"“Penyelesaian permintaan informasi” ({NATIONAL}; {OWN}), yaitu 2 dari 2" in page


def test_a_report_of_a_month_before_the_change_cites_the_new_law_for_its_clocks(context, tmp_path):
    summary, _ = made(context, tmp_path, "2026-10")
    assert cited(summary.view) == CITED


@pytest.mark.parametrize("public", [False, True])
def test_a_row_of_a_rule_names_every_version_that_occurs(context, tmp_path, public):
    summary, page = made(context, tmp_path, public=public)
    (row,) = (row for row in summary.view.table("by_rule").rows if row.key == INFORMATION)
    assert summary.view.names.of_row("rule", row).detail == f"{NATIONAL}; {OWN}"
    assert f"Penyelesaian permintaan informasi {NATIONAL}; {OWN}" in page


def test_a_public_row_with_withheld_numbers_names_all_versions_of_the_period(own_law, tmp_path):
    """Only FD-1 is counted. The citations of what occurs would help to count to one or two."""
    register(own_law, NOW, ENTRIES[0])
    decide(own_law, NOW)
    named = []
    for public in (False, True):
        summary, _ = made(own_law, tmp_path, public=public)
        (row,) = (row for row in summary.view.table("by_rule").rows if row.key == INFORMATION)
        named.append(summary.view.names.of_row("rule", row).detail)
    assert named == [NATIONAL, f"{NATIONAL}; {OWN}"]


def test_the_method_tells_from_which_day_each_version_applies(context, tmp_path):
    _, page = made(context, tmp_path)
    told = (
        "Penyelesaian permintaan informasi: PermenPANRB 5/2025 (menggantikan 62/2018 Lampiran Bab"
    )
    assert f"{told} VI) sejak " in page
    assert f" sampai Selasa, 17 November 2026; {OWN} sejak Rabu, 18 November 2026 " in page
    assert "ketentuan belum diverifikasi Bagian Hukum: Penyelesaian permintaan informasi" in page


def to_be_confirmed(tables) -> int:
    (quality,) = (table for table in tables if table["key"] == "quality")
    (row,) = (row for row in quality["rows"] if row["key"] == "rules_to_be_confirmed")
    return row["cells"]["number"]


def test_a_rule_counts_as_unconfirmed_while_duties_of_that_version_are_reported(context, tmp_path):
    """In a report of December the national rule still has two late duties."""
    november, _ = made(context, tmp_path)
    december, _ = made(context, tmp_path, "2026-12")
    kept = [
        json.loads(each.path.with_suffix(".json").read_text("utf-8"))
        for each in (november, december)
    ]
    assert to_be_confirmed(kept[0]["tables"]) == to_be_confirmed(kept[1]["tables"])
    (row,) = (
        row for row in kept[1]["notes"]["regulations"] if row["citation"] == "PermenPANRB 5/2025"
    )
    assert "Penyelesaian permintaan informasi" in row["rules_to_be_confirmed"]


def test_a_report_of_the_first_form_is_verified_in_that_form(context, tmp_path):
    """It counted the rules to be confirmed by the last day of the period."""
    summary, _ = made(context, tmp_path)
    file = summary.path.with_suffix(".json")
    kept = json.loads(file.read_text("utf-8"))
    assert verify(context, file, wita(LATER)).then == ()
    kept["format"] = "tenggat-report/1"
    file.write_text(json.dumps(kept), encoding="utf-8")
    (found,) = verify(context, file, wita(LATER)).then
    assert (found.row, found.kept - found.found) == ("rules_to_be_confirmed", 1)


@pytest.mark.usefixtures("plain_reports")
def test_a_mail_about_a_report_of_the_first_form_has_its_figures(context):
    request = SummaryRequest("2026-11", wita(NOW), formats=("html",))
    make_summary(context, request, wita(NOW), "summary")
    with context.transaction() as session:
        first = report_view(session, context, "2026-11", wita(NOW), form=FIRST_FORM)
        session.scalars(select(ReportRow)).one().sha256 = first.sha256
    deliver(context, "2026-12-01 08:05")  # the notices of this run come after the report
    sent = [Sent(path.read_bytes()) for path in (context.site.var / "mailbox").glob("*.eml")]
    told = [mail.text for mail in sent if any(n.endswith(".html") for n in mail.attached)]
    assert told
    assert all(first.sha256 in text for text in told)
