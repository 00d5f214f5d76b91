"""The annex for evaluators: figures of the report, their evidence, and blanks for people."""

import io
import re
from dataclasses import replace

import pypdf
import pytest
from conftest import WITA, wita
from python_calamine import CalamineWorkbook
from support.duty_reports import report_of
from support.metric_cases import case, event_at
from support.pipeline import at, decide, register

from tasks.reports.formats.annex import EVALUATIONS, annex_parts
from tasks.reports.formats.annex_files import annex_pdf, annex_xlsx
from tasks.reports.formats.html import report_html
from tasks.reports.formats.pdf.report import report_pdf
from tasks.reports.model import Report
from tasks.summary import SummaryRequest, make_summary
from tasks.text.catalog import catalog

BOOK = "tenggat-2026-11.xlsx"


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """The annex does not depend on the kind of database."""
    return sqlite_url


def november(locale: str = "id") -> Report:
    """Two of three complaints are settled, after 2 and 4 working days."""
    return report_of(
        [
            case("1", event_at("received", "2026-11-02 09:00")),
            case(
                "2",
                event_at("received", "2026-11-02 09:00"),
                event_at("settled", "2026-11-04 09:00"),
            ),
            case(
                "3",
                event_at("received", "2026-11-03 09:00"),
                event_at("settled", "2026-11-09 09:00"),
            ),
        ],
        locale=locale,
    )


def test_each_figure_is_that_of_the_report_with_its_evidence():
    view = november()
    figures = {
        each.name: each
        for part in annex_parts(view, WITA, BOOK)
        for indicator in part.indicators
        for each in indicator.figures
    }
    received, median = figures["Pengaduan diterima"], figures["Hari kerja sampai selesai, median"]
    on_time = figures["Kewajiban yang dipenuhi tepat waktu"]
    assert (received.value, median.value) == (3, 3.0)
    assert (on_time.text, on_time.behind) == (
        "66,7%",
        "dari 3 kewajiban yang dinilai; jumlah kecil",
    )
    assert received.filter == (
        "jumlah baris dengan: Hitungan pengaduan = 1; Diterima dari 1 Nov 2026 sampai 30 Nov 2026"
    )
    assert BOOK in received.evidence
    assert "Hitung ulang" in received.evidence
    assert figures["Verifikasi laporan: Kewajiban tepat waktu (%)"].text == "–"
    assert figures["Hari kerja sampai tindak lanjut pertama, rata-rata"].value is None


@pytest.mark.parametrize("locale", ["id", "en"])
def test_every_indicator_and_blank_is_in_both_files(locale):
    view, t = november(locale), catalog(locale)
    pdf = pypdf.PdfReader(io.BytesIO(annex_pdf(view, WITA, BOOK)))
    text = "".join("".join(page.extract_text() for page in pdf.pages).split())
    sheet = CalamineWorkbook.from_filelike(
        io.BytesIO(annex_xlsx(view, WITA, BOOK))
    ).get_sheet_by_index(0)
    rows = sheet.to_python(skip_empty_area=False)
    blanks = [blank for parts in EVALUATIONS.values() for each in parts for blank in each.blanks]
    for name in (
        *(t(f"annex.evaluation.{key}") for key in EVALUATIONS),
        *(t(f"annex.indicator.{each.key}") for parts in EVALUATIONS.values() for each in parts),
        *(t(f"annex.blank.{blank}") for blank in blanks),
    ):
        assert re.sub(r"\s", "", name) in re.sub("[\xad\u200b]", "", text)
        assert any(name in row for row in rows), name
    filled = [row for row in rows if len(row) > 3 and row[2] == t("report.metric.received")]
    assert [row[3] for row in filled] == [3, 3, 3]
    assert sum(row[2] in {t(f"annex.blank.{blank}") for blank in blanks} for row in rows) == len(
        blanks
    )
    assert view.sha256 in text


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("2026-11", "November 2026 (1 Nov 2026 – 30 Nov 2026)"),
        ("2026-11-01_2026-11-30", "1 Nov 2026 – 30 Nov 2026"),
    ],
)
def test_the_days_of_a_period_are_printed_once(key, said):
    view = replace(november("id"), period_key=key)
    pages = [annex_pdf(view, WITA, BOOK), report_pdf(view, WITA, {})]
    first = [pypdf.PdfReader(io.BytesIO(pdf)).pages[0].extract_text() for pdf in pages]
    page = re.sub("<[^>]*>", "", report_html(view, WITA, {}))
    for text in (*first, page):
        words = " ".join(text.split())
        assert said in words
        assert "– 30 Nov 2026 (1 Nov 2026" not in words


@pytest.mark.thorough
def test_it_is_written_beside_the_full_report_the_same_bytes_again(context, tmp_path):
    register(context, "2026-11-23 07:00", at("Dinas Sosial", "FD-1"))
    decide(context, "2026-11-23 08:00")
    now = wita("2026-12-01 07:00")

    def made(folder: str) -> dict[str, bytes]:
        found = make_summary(
            context,
            SummaryRequest("2026-11", now, mail=False, out=tmp_path / folder, annex=True),
            now,
            "r",
        )
        return {path.name: path.read_bytes() for path in found.paths[-2:]}

    first = made("a")
    stem = "tenggat-2026-11_2026-12-01_0700_lampiran"
    assert list(first) == [f"{stem}.pdf", f"{stem}.xlsx"]
    assert made("b") == first
    with pytest.raises(ValueError, match="no public edition"):
        make_summary(context, SummaryRequest("2026-11", now, public=True, annex=True), now, "r")


def test_the_command_writes_it_only_beside_the_full_report(context, tmp_path, call_tenggat):
    place = ("--site", context.site.folder, "--now", "2026-12-01T07:00", "--out", tmp_path)
    code, said, _ = call_tenggat("summary", "2026-11", "--annex", *place)
    assert (code, "xlsx" in said) == (0, True)
    assert len(list(tmp_path.glob("*_lampiran.*"))) == 2
    code, _, said = call_tenggat("summary", "2026-11", "--annex", "--public", *place)
    assert (code, "give --annex or --public, not both" in said) == (2, True)
