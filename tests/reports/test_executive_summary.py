"""The executive summary: every number is one of the tables, and withheld ones are not told."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, timedelta
from zoneinfo import ZoneInfo

import pytest
from conftest import wita
from support.metric_cases import BENCH, NOVEMBER, case, event_at, gathered_of
from support.synthetic_reports import view

from sla.metrics.table import WITHHELD, Row
from sla.metrics.tables import Tellings
from sla.metrics.tables import report as tables_of
from tasks.reports.formats.chart_canvas import SMALL, width_of
from tasks.reports.formats.executive_summary import executive_summary
from tasks.reports.formats.plots import plots
from tasks.reports.formats.sections import change_words, sections, tiles
from tasks.reports.model import Report
from tasks.reports.overview import overview_of
from tasks.reports.public_edition import public_edition

ZONE = ZoneInfo("Asia/Makassar")


def texts(report: Report) -> list[str]:
    return [each.text for part in executive_summary(report, ZONE).parts for each in part.sentences]


def numbers_of(report: Report) -> set[float]:
    """All figures of the tables, and the numbers behind them."""
    found: set[float] = set()
    for table in report.tables:
        for row in (*table.rows, *([table.total] if table.total else [])):
            found.update(round(c, 3) for c in row.cells if isinstance(c, int | float))
            found.update(row.of.values())
    return found


def test_the_summary_has_the_parts_of_an_official_report_and_eight_to_twelve_sentences():
    report = replace(view(), target=1.0)
    summary = executive_summary(report, ZONE)
    assert summary.title == "Ringkasan eksekutif"
    titles = [part.title for part in summary.parts]
    assert titles == ["Pendahuluan", "Hasil", "Kesimpulan", "Saran"]
    assert 8 <= len(texts(report)) <= 12


def test_the_forecast_names_the_end_of_the_week_and_only_in_the_full_report():
    said = (
        "Bila tidak ada tindak lanjut sejak waktu laporan, 12 kewajiban berakhir sampai dengan"
        " Jumat, 4 Desember 2026 dan 9 pengaduan yang sekarang belum terlambat menjadi terlambat."
    )
    assert said in texts(view())
    assert not any("Bila tidak ada tindak lanjut" in text for text in texts(public_edition(view())))


@pytest.mark.parametrize("locale", ["id", "en"])
@pytest.mark.parametrize("public", [False, True])
def test_every_number_is_one_of_the_tables_and_every_link_leads_to_one(locale, public):
    full = replace(view(locale, units=12, count=90), target=0.9)
    report = public_edition(full) if public else full
    known = numbers_of(report)
    keys = {section.key for section in sections(report, ZONE, 9)}
    late = report.table("late")
    by_unit = [row.cells[2] for row in late.rows] if late else []
    known |= {by_unit.count(unit) for unit in by_unit} | {0.9, 5}
    found = executive_summary(report, ZONE)
    assert {each.section for part in found.parts for each in part.sentences} <= keys
    for text in texts(report)[1:]:
        if "disarankan" in text or "should first" in text or "poin" in text or "points" in text:
            continue
        plain = re.sub(
            r"“[^”]*”|Jumat, 4 Desember 2026|Friday, 4 December 2026|\bDinas [\w, ]+?\d*[,:]",
            " ",
            text,
        )
        for number in re.findall(r"\d[\d.,]*%?", plain.rstrip(".")):
            value = number.rstrip(".,")
            if locale == "id":
                value = value.replace(".", "").replace(",", ".")
            figure = float(value.rstrip("%")) / (100 if value.endswith("%") else 1)
            assert any(abs(figure - each) < 0.00051 for each in known), (text, number)


FEW = {
    "id": (
        "di antara perangkat daerah dengan sedikitnya 5 kewajiban",
        "tidak dibandingkan: jumlah",
    ),
    "en": ("By unit, of those with at least 5 evaluated duties", "not compared: small number"),
}
"""What the summary says of the lowest share, and a tile of a comparison, with small numbers."""


@pytest.mark.parametrize("locale", ["id", "en"])
def test_the_lowest_share_is_claimed_only_of_units_with_enough_duties(locale):
    """Units with 2 duties have 50%; the lowest of the others is 62.5%."""
    some, none = view(locale, units=12, count=90), view(locale, units=3, count=400)
    said = FEW[locale][0]
    assert any(said in text for text in texts(some))
    assert not any(said in text for text in texts(none))
    start = {"id": "Di antara perangkat daerah dengan sedikitnya 5", "en": "Of the units with at"}
    for report, few in ((some, True), (none, False)):
        assert plots(report, ZONE)["by_unit"].says.startswith(start[locale]) is few


@pytest.mark.parametrize("locale", ["id", "en"])
@pytest.mark.parametrize(
    ("keys", "compared"),
    [(("dinkes", "pupr"), True), (("dinkes",), False), (("dinkes", ""), False)],
)
def test_a_unit_is_the_lowest_only_beside_another_one_that_is_known(locale, keys, compared):
    full = view(locale, count=90)
    units = full.table("by_unit")
    places = {column.key: place for place, column in enumerate(units.columns)}
    rows = []
    for number, key in enumerate(keys, start=1):
        cells = list(units.rows[0].cells)
        cells[places["verdicts"]], cells[places["share"]] = 10, number / 10
        rows.append(Row(key, tuple(cells)))
    table = replace(units, rows=tuple(rows))
    report = replace(full, tables=tuple(table if t is units else t for t in full.tables))
    lowest = {"id": "Menurut perangkat daerah, ketepatan", "en": "By unit, the lowest"}[locale]
    assert any(lowest in text for text in texts(report)) is compared
    says = {"id": "Terendah: ", "en": "Lowest: "}[locale]
    assert plots(report, ZONE)["by_unit"].says.startswith(says) is compared
    assert bool(overview_of(report).worst) is compared


@pytest.mark.parametrize(("equal", "named"), [(2, 2), (3, 3), (4, 0)])
def test_units_with_equal_shares_are_named_together_or_not_at_all(equal, named):
    full = view("id", units=6, count=400)
    units = full.table("by_unit")
    places = {column.key: place for place, column in enumerate(units.columns)}
    rows = []
    for number, row in enumerate(units.rows[:6]):
        cells = list(row.cells)
        share = 0.5 if number < equal else 0.6 + number / 20
        cells[places["verdicts"]], cells[places["share"]] = 10 * (number + 1), share
        rows.append(Row(row.key, tuple(cells)))
    table = replace(units, rows=tuple(rows))
    report = replace(full, tables=tuple(table if t is units else t for t in full.tables))
    names = [full.names("unit", row.key).text for row in rows[:equal]]
    said = [text for text in texts(report) if "Menurut perangkat daerah, ketepatan" in text]
    assert len(said) == bool(named)
    assert all(name in text for text in said for name in names)
    says = plots(report, ZONE)["by_unit"].says
    assert [name in says for name in names] == [bool(named)] * equal
    assert len(overview_of(report).lowest) == named


@pytest.mark.parametrize("locale", ["id", "en"])
@pytest.mark.parametrize(
    ("now", "before", "compared"), [(4, 90, False), (90, 4, False), (5, 5, True)]
)
def test_a_share_of_few_is_not_compared(locale, now, before, compared):
    full = view(locale, count=90)
    headline = full.table("headline")
    rows = tuple(
        replace(row, of={"value": now, "previous": before})
        if row.key in {"on_time", "followed_up_within_5"}
        else row
        for row in headline.rows
    )
    report = replace(
        full, tables=tuple(replace(t, rows=rows) if t is headline else t for t in full.tables)
    )
    shown = {tile.key: " ".join(tile.changes) for tile in tiles(report, ZONE)}
    for key in ("on_time", "followed_up_within_5"):
        assert (FEW[locale][1] in shown[key]) is not compared
    change = change_words(report, "on_time", "previous", ZONE)
    assert (change is not None) is compared
    said = " ".join(texts(report))
    few = {"id": "hanya dapat diukur untuk 4 pengaduan", "en": "Only 4 complaints can be measured"}
    assert (few[locale] in said) is (now < 5)


MARKS = {
    "id": (
        "dari 4 kewajiban yang dinilai; jumlah kecil",
        "dari 2 pengaduan; 5 belum terukur; jumlah kecil",
    ),
    "en": ("of 4 evaluated duties; small number", "of 2 complaints; 5 not measured; small number"),
}
"""The mark of a small number on a tile, and in the table of notices."""


@pytest.mark.parametrize("locale", ["id", "en"])
@pytest.mark.parametrize("few", [True, False])
def test_a_small_number_is_marked_on_the_tiles_and_in_the_table_of_notices(locale, few):
    full = view(locale, count=90)
    headline, notices = full.table("headline"), full.table("escalations")
    measured = {"value": 4 if few else 5}
    rows = tuple(
        replace(row, cells=(1.0, None, None), of=measured) if row.key == "on_time" else row
        for row in headline.rows
    )
    of = {"settled_within_3": 2 if few else 7, "settled_within_7": 5, "settled_within_14": 0}
    rung = Row("plus-3", ("escalation", 9, 7, 0.5, 0.2, None), of=of)
    changed = {
        "headline": replace(headline, rows=rows),
        "escalations": replace(notices, rows=(rung,)),
    }
    report = replace(full, tables=tuple(changed.get(t.key, t) for t in full.tables))
    tile = next(each for each in tiles(report, ZONE) if each.key == "on_time")
    section = next(each for each in sections(report, ZONE, 9) if each.key == "escalations")
    details = [cell.detail for cell in section.lines[0].cells][-3:]
    small, recent = MARKS[locale][0].split("; ")[1], MARKS[locale][1].split("; ")[1]
    assert (tile.changes[0] == MARKS[locale][0]) is few
    assert tile.small is few
    assert (details[0] == MARKS[locale][1]) is few
    assert small not in details[1]
    assert details[2].endswith(recent.replace("5", "7"))
    says = plots(report, ZONE)["escalations"].says
    assert ((": jumlah kecil" in says) or (": small numbers" in says)) is few


def test_a_share_says_how_much_it_leaves_out():
    """The duties without a verdict; in the public edition at least that complaints are left out."""
    full = view(units=12, count=90)
    rules, headline = full.table("by_rule"), full.table("headline")
    place = [column.key for column in rules.columns].index("unknown")
    unknown = rules.total.cells[place]
    assert unknown > 0
    shown = {tile.key: tile.changes for tile in tiles(full, ZONE)}
    assert f"{unknown} lainnya tidak dapat dinilai" in shown["on_time"]
    rows = tuple(
        replace(row, of={}) if row.key == "followed_up_within_5" else row for row in headline.rows
    )
    tables = tuple(replace(t, rows=rows) if t is headline else t for t in full.tables)
    report = replace(full, tables=tables)
    said = "hanya pengaduan yang dapat diukur"
    assert said in {tile.key: tile.changes for tile in tiles(report, ZONE)}["followed_up_within_5"]
    lines = next(each for each in sections(report, ZONE, 9) if each.key == "headline").lines
    assert said in [shown.detail for line in lines for shown in line.cells]


@pytest.mark.parametrize(("public", "interim"), [(True, True), (True, False), (False, True)])
def test_a_public_interim_report_has_no_empty_columns_of_earlier_periods(public, interim):
    full = replace(view(units=12, count=90), interim=interim)
    report = public_edition(full) if public else full
    headline = next(each for each in sections(report, ZONE, 9) if each.key == "headline")
    heads = ["Periode ini", "Periode sebelumnya", "Tahun lalu"]
    assert [head.text for head in headline.columns] == heads[: 1 if public and interim else 3]
    assert {len(line.cells) for line in headline.lines} == {len(headline.columns)}


def test_no_label_lies_across_the_line_of_the_target():
    report = view(units=8, count=400)
    line, label = r'<path d="M([\d.]+) 4.00L', r'<text x="([\d.]+)"[^>]*>([\d,]+%)</text>'
    for target in (0.3, 0.6, 0.65, 0.75):
        svg = plots(replace(report, target=target), ZONE)["by_unit"].wide
        aim = float(re.findall(line + r"[^>]*stroke-dasharray", svg)[0])
        for across, text in re.findall(label, svg):
            if f'font-size="{SMALL:g}"' in svg.partition(f'x="{across}"')[2][:60]:
                assert not float(across) < aim < float(across) + width_of(text, SMALL)


@pytest.mark.parametrize("public", [False, True])
@pytest.mark.parametrize(
    ("share", "of", "beside", "sentence"),
    [
        (0.5, 90, "dari 90 pengaduan", "Dari 90 pengaduan yang dapat diukur, 50% "),
        (
            0.5,
            30,
            "dari 30 pengaduan; 60 belum atau tidak dapat diukur",
            "60 pengaduan lainnya belum atau tidak dapat diukur.",
        ),
        (
            None,
            0,
            "dari 0 pengaduan; 90 belum atau tidak dapat diukur",
            "belum atau tidak dapat diukur untuk 90 pengaduan yang diterima.",
        ),
    ],
)
def test_the_number_of_complaints_without_a_measure_stands_beside_the_share(
    share, of, beside, sentence, public
):
    full = view(count=90)
    headline = full.table("headline")
    measured = {"followed_up_within_5": share, "followed_up_share": share}
    rows = tuple(
        replace(row, cells=(measured[row.key], None, None), of={"value": of})
        if row.key in measured
        else row
        for row in headline.rows
    )
    tables = (replace(t, rows=rows) if t is headline else t for t in full.tables)
    report = replace(full, tables=tuple(tables))
    report = public_edition(report) if public else report
    lines = next(each for each in sections(report, ZONE, 9) if each.key == "headline").lines
    assert [shown.detail for line in lines for shown in line.cells].count(beside) >= 2
    assert any(sentence in text for text in texts(report))
    assert overview_of(report).unmeasured == 90 - of


@pytest.mark.parametrize("public", [False, True])
@pytest.mark.parametrize(("days", "is_early"), [(7, True), (8, False)])
def test_a_report_of_a_week_says_why_it_has_no_share_of_five_working_days(days, is_early, public):
    """Its complaints are followed up in time until the end of the day of the report."""
    full = view(count=90)
    headline = full.table("headline")
    none = {"cells": (None, None, None), "of": {"value": 0}}
    rows = [
        replace(row, **none) if row.key == "followed_up_within_5" else row for row in headline.rows
    ]
    tables = tuple(replace(t, rows=tuple(rows)) if t is headline else t for t in full.tables)
    first = full.as_of.astimezone(UTC).date() - timedelta(days=days)
    report = replace(full, tables=tables, first=first)
    report = public_edition(report) if public else report
    lines = next(each for each in sections(report, ZONE, 9) if each.key == "headline").lines
    details = {shown.detail for line in lines for shown in line.cells}
    why = "90 belum dapat diukur: 5 hari kerja sejak diterima belum lewat"
    assert any(why in detail for detail in details) is is_early
    assert any("karena 5 hari kerja itu belum lewat" in text for text in texts(report)) is is_early
    assert overview_of(report).too_early is is_early


def test_the_public_summary_names_no_withheld_figure():
    public = public_edition(view(units=12, count=90))
    withheld = [
        row
        for key in ("by_unit", "by_rule")
        for row in public.table(key).rows
        if WITHHELD in row.cells
    ]
    assert withheld
    assert WITHHELD not in " ".join(texts(public))
    assert not any("disarankan" in text for text in texts(public))


def small_report(*cases) -> Report:
    gathered, _ = gathered_of(cases)
    tables = tables_of(
        gathered, NOVEMBER, BENCH, wita("2026-12-02 09:30"), tellings=Tellings.none(), findings={}
    )
    return replace(view(count=0), tables=tables)


@pytest.mark.parametrize(
    ("target", "said"),
    [
        (None, "(100%) dipenuhi tepat waktu."),
        (1.0, "(100%) dipenuhi tepat waktu; target 100% tercapai."),
    ],
)
def test_where_all_is_on_time_the_summary_says_so(target, said):
    one = case(
        "x", event_at("received", "2026-11-02 10:00"), event_at("settled", "2026-11-03 10:00")
    )
    found = " ".join(texts(replace(small_report(one), target=target)))
    assert said in found
    assert "Semua kewajiban yang dapat dinilai dipenuhi tepat waktu." in found
    assert "tidak ada pengaduan yang terlambat" in found
    assert "Pemantauan disarankan dilanjutkan" in found


def test_a_late_duty_is_named_with_its_unit_and_the_advice_names_its_rule():
    late = case("x", event_at("received", "2026-11-04 10:00"), as_of="2026-12-02 09:30")
    found = texts(replace(small_report(late), target=1.0))
    assert any("1 pengaduan terlambat dengan 1 kewajiban" in text for text in found)
    assert any("target 100% belum tercapai" in text for text in found)
    assert any("yaitu 1 dari 1 kewajibannya yang terlambat" in text for text in found)


def test_an_examiner_with_late_complaints_is_named():
    late = case("x", event_at("received", "2026-11-04 10:00"), as_of="2026-12-02 09:30")
    report = small_report(late)
    report = replace(report, notes=replace(report.notes, examiners=("dinkes",)))
    said = "dinkes ikut dinilai dalam laporan ini dan sekaligus memeriksanya: 1"
    assert any(text.startswith(said) for text in texts(report))
