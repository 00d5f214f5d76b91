"""A figure that differs is named as in the report, in the language of the reader."""

from zoneinfo import ZoneInfo

import pytest

from tasks.reports.diff import Difference
from tasks.reports.formats.restatement_text import difference_text
from tasks.reports.labels import Name, Names

WITA = ZoneInfo("Asia/Makassar")
KNOWN = {("unit", "dinsos"): Name("Dinas Sosial"), ("rule", "sp4n/x"): Name("Tanggapan awal")}


@pytest.mark.parametrize(
    ("difference", "expected"),
    [
        (
            ("headline", "on_time", "value", 0.745098, 0.733333),
            "Ikhtisar · Kewajiban yang dipenuhi tepat waktu · Periode ini: 74,5% → 73,3%",
        ),
        (
            ("by_unit", "dinsos", "met", 0, None),
            "Rekap per perangkat daerah · Dinas Sosial · Kewajiban tepat waktu: 0 → –",
        ),
        (
            ("unit_rule", "dinsos", "sp4n/x", None, 0.5),
            "Ketepatan waktu per perangkat daerah dan aturan · Dinas Sosial · Tanggapan awal:"
            " – → 50%",
        ),
        (
            ("unit_trend", "dinsos", "2026-11", 1.0, 0.5),
            "Perkembangan 13 bulan per perangkat daerah · Dinas Sosial · Nov 2026: 100% → 50%",
        ),
        (
            ("late", "5010003 sp4n/x", "due", "2026-09-11", "2026-09-14"),
            "Kewajiban yang terlambat · 5010003 · Batas waktu: 11 Sep 2026 → 14 Sep 2026",
        ),
        (("headline", "former", "value", 1, None), "Ikhtisar · former · Periode ini: 1 → –"),
        (("former", "a", "b", "x\ny", None), "former · a · b: x y → –"),
    ],
)
def test_a_difference_is_named_as_in_the_report(difference, expected):
    assert difference_text(Difference(*difference), Names("id", KNOWN), WITA) == expected
