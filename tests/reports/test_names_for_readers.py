"""Periods and rungs as readers of a report know them."""

from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo

import pytest

from settings.site import Site, load_site
from sla.directory import Role
from sla.ladders import NoticeKind, Offset, Rung
from sla.periods import parse
from tasks.reports.labels import Names, names_of, rung_name
from tasks.text.formats import period_text

ZONE, TODAY = ZoneInfo("Asia/Makassar"), date(2026, 11, 24)


@dataclass(frozen=True)
class Span:
    period_key: str
    first: date
    last: date


@pytest.mark.parametrize(
    ("key", "indonesian", "english"),
    [
        ("2026-Q3", "Triwulan III Tahun 2026", "Quarter III of 2026"),
        ("2026-Q4", "Triwulan IV Tahun 2026", "Quarter IV of 2026"),
        ("2026-H1", "Semester I Tahun 2026", "Half-year I of 2026"),
        ("2026", "Tahun 2026", "Year 2026"),
        ("2026-11", "November 2026", "November 2026"),
        ("2026-W47", "Minggu ke-47 Tahun 2026", "Week 47 of 2026"),
        ("2026-W01", "Minggu ke-1 Tahun 2026", "Week 1 of 2026"),
        ("2026-05-02..2026-05-04", "2 Mei 2026 – 4 Mei 2026", "2 May 2026 – 4 May 2026"),
    ],
)
def test_a_period_has_its_official_name(key, indonesian, english):
    period = parse(key, TODAY)
    span = Span(period.name, period.first, period.last)
    assert period_text(span, "id", ZONE) == indonesian
    assert period_text(span, "en", ZONE) == english


UNIT, SUPERIOR = (Role.LIAISON,), (Role.INSPECTOR,)


@pytest.mark.parametrize(
    ("at", "to", "indonesian", "english"),
    [
        ("50%", UNIT, "pada 50% jangka waktu", "at 50% of the time"),
        ("-1wd", UNIT, "1 hari kerja sebelum batas waktu", "1 working day before the deadline"),
        ("-2d", UNIT, "2 hari sebelum batas waktu", "2 days before the deadline"),
        ("0d", UNIT, "pada hari batas waktu", "on the day of the deadline"),
        ("0", UNIT, "setelah batas waktu lewat", "after the deadline has passed"),
        ("+3wd", UNIT, "3 hari kerja setelah batas waktu", "3 working days after the deadline"),
        (
            "+14wd",
            SUPERIOR,
            "14 hari kerja setelah unit diberi tahu",
            "14 working days after the unit was told",
        ),
        ("+1d", SUPERIOR, "1 hari setelah unit diberi tahu", "1 day after the unit was told"),
    ],
)
def test_a_rung_is_called_by_its_time(at, to, indonesian, english):
    rung = Rung("x", Offset.parse(at), NoticeKind.ESCALATION, to)
    assert (rung_name(rung, "id"), rung_name(rung, "en")) == (indonesian, english)


def test_every_rung_of_a_site_has_a_name_and_a_former_one_is_named_as_such(site_folder):
    site: Site = load_site(site_folder)
    names = names_of(site, "id")
    rungs = {rung.step for ladder in site.ladders for rung in ladder.rungs}
    assert rungs
    for rung in rungs:
        assert names("rung", rung).text != rung
        assert "tidak lagi dipakai" not in names("rung", rung).text
    assert names("rung", "gone").text == "jenjang yang tidak lagi dipakai"
    texts = [names("rung", rung).text for rung in rungs]
    assert len(texts) == len(set(texts))
    to_the_inspector = "setelah batas waktu lewat, kepada Inspektur"
    assert names("rung", "breach-inspector").text == to_the_inspector
    # the ladder of the recommendation tells superiors at once, all others the unit
    to_the_unit = names("rung", "breach").text
    assert to_the_unit.startswith("setelah batas waktu lewat, kepada Pejabat Penghubung")
    assert "Kepala Daerah" not in to_the_unit
    to_superiors = "setelah batas waktu lewat, kepada Sekretaris Daerah, Kepala Daerah"
    assert names("rung", "breach/superiors").text == to_superiors


@pytest.mark.parametrize(
    ("of", "key", "shown"),
    [
        ("channel", "ios", "iOS"),
        ("channel", "SMS", "SMS"),
        ("channel", "WHATSAPP", "WhatsApp"),
        ("channel", "tatap muka", "Tatap muka"),
        ("channel", "Website - kementerian-sosial", "Website (Kementerian Sosial)"),
        ("channel", "website - pemerintah-kabupaten-x", "Website (Pemerintah Kabupaten X)"),
        ("channel", "Website - lain", "Website - lain"),
        ("channel", "", "tidak diketahui"),
        ("channel", "lainnya", "lainnya"),
        ("category", "air bersih", "Air bersih"),
    ],
)
def test_a_word_of_a_source_is_cleaned_for_readers(of, key, shown):
    assert Names("id")(of, key).text == shown
