"""The canvas of the plots: ticks, labels, gaps and hatching."""

from xml.etree import ElementTree

import pytest

from tasks.reports.formats.chart_canvas import NARROW, WIDE, Canvas, Frame, cut, spread, ticks_of
from tasks.reports.formats.sparkline import sparkline


@pytest.mark.parametrize(
    ("most", "ticks"),
    [
        (0, [0, 1]),
        (1, [0, 1]),
        (5, [0, 1, 2, 3, 4, 5]),
        (6, [0, 2, 4, 6]),
        (11, [0, 5, 10, 15]),
        (178, [0, 50, 100, 150, 200]),
        (1_000, [0, 200, 400, 600, 800, 1_000]),
        (99_999, [0, 20_000, 40_000, 60_000, 80_000, 100_000]),
    ],
)
def test_the_ticks_are_round_and_reach_the_largest_value(most, ticks):
    assert ticks_of(most) == ticks


def test_a_line_has_a_gap_where_there_is_no_value():
    canvas = Canvas("k", 100, 50)
    canvas.points([(0, 1), (10, 2), None, (30, 4)], "#000")
    root = ElementTree.fromstring(canvas.svg())
    names = [node.tag.rpartition("}")[2] for node in root.iter()]
    assert (names.count("path"), names.count("circle")) == (1, 3)


def test_a_name_of_a_unit_is_text_and_a_hatch_has_an_id_of_its_own():
    canvas = Canvas("by_unit_324", 100, 50)
    canvas.text((0, 9), '<b>Dinas & "Sosial"</b>')
    canvas.rect(0, 0, 9, 9, "#123456", hatch=True)
    canvas.rect(9, 0, 18, 9, "#123456", hatch=True)
    root = ElementTree.fromstring(canvas.svg())
    texts = [node.text for node in root.iter() if node.tag.endswith("text")]
    assert texts == ['<b>Dinas & "Sosial"</b>']
    ids = [node.get("id") for node in root.iter() if node.get("id")]
    assert ids == ["by_unit_324-hatch-123456"]
    assert canvas.svg().count("url(#by_unit_324-hatch-123456)") == 2


def test_values_are_drawn_to_scale_in_their_frame():
    frame = Frame(20, 10, 120, 60, across=2, up=5)
    assert (frame.x(0), frame.x(1), frame.x(2)) == (20, 70, 120)
    assert (frame.y(0), frame.y(5)) == (60, 10)
    assert list(spread(0, 30, 3)) == [5, 15, 25]


def test_a_long_name_is_cut_to_the_width():
    name = "Dinas Pekerjaan Umum, Penataan Ruang, Perumahan dan Kawasan Permukiman"
    assert cut(name, NARROW) == "Dinas Pekerjaan Umum, Penataan Ru…"
    assert len(cut(name, WIDE)) == 68


def test_a_small_line_has_a_point_for_each_month_with_a_share():
    assert sparkline([None, None]) == ""
    root = ElementTree.fromstring(sparkline([None, 0.5, 1.0, None, 0.0]))
    dots = [(n.get("cx"), n.get("cy"), n.get("r")) for n in root.iter() if n.get("r")]
    assert dots == [("34.0", "12.0", "1.4"), ("65.0", "3.0", "1.4"), ("127.0", "21.0", "2.6")]
    lines = [n.get("d") for n in root.iter() if n.get("d")]
    assert lines[2:] == ["M34.0 12.0L65.0 3.0", "M127.0 21.0"]
