"""A report tells what has become of the report before it: which figures, and what came too late.

See `front_desk` for the complaints.
"""

import html
import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from conftest import ON_SQLITE_FIRST, kind_of_database, wita
from python_calamine import CalamineWorkbook
from support.outgoing_mail.sent_mails import Sent
from support.pipeline import at, decide, deliver, register, since

from sla.engine.context import Policy
from tasks.reports.builder import report_view
from tasks.reports.formats.restatement_text import earlier_line, earlier_shown
from tasks.reports.formats.writer import FORMATS
from tasks.reports.labels import names_of
from tasks.summary import SummaryMade, SummaryRequest, make_summary
from tasks.text.catalog import catalog

PAGE = ("html", "json")
pytestmark = pytest.mark.usefixtures("plain_reports")
MADE, LATER, MUCH_LATER = "2026-11-30 18:00", "2026-12-03 08:00", "2026-12-09 08:00"
ENTRIES = [
    at("Dinas Sosial", "FD-1"),
    at("Dinas Sosial", "FD-2", Selesai="23/11/2026 10:00"),
    at("DLH", "FD-3", Selesai="25/11/2026 10:00"),
    at("DLH", "FD-4", **since("20/11/2026")),
]
SETTLED_IN_TIME = ENTRIES[0] | {"Selesai": "23/11/2026 15:00"}
NEW = at("DLH", "FD-9", **since("25/11/2026"))


def known(context, now, *entries) -> None:
    register(context, now, *entries)
    decide(context, now)


def made(context, now, period="2026-11", *, as_of="", **more) -> SummaryMade:
    """A report as JSON: the others take longer to make."""
    formats = more.pop("formats", ("json",))
    return make_summary(
        context,
        SummaryRequest(period, wita(as_of or now), formats=formats, **more),
        wita(now),
        f"summary {now}",
    )


@pytest.fixture
def database_url(request: pytest.FixtureRequest) -> str:
    """What a report says of an earlier one hangs on no database, nearly."""
    return kind_of_database(request)


@pytest.fixture
def kept(context) -> Path:
    """November's report, made and mailed on its last evening; its JSON."""
    known(context, MADE, *ENTRIES)
    return json_of(made(context, MADE))


def json_of(summary: SummaryMade) -> Path:
    return next(path for path in summary.paths if path.suffix == ".json")


def told(summary: SummaryMade):
    return json.loads(json_of(summary).read_text("utf-8"))["previous_report"]


def figures(earlier) -> dict[tuple[str, str, str], tuple[object, object]]:
    return {
        (each["table"], each["row"], each["column"]): (each["kept"], each["found"])
        for each in earlier["changes"]
    }


def test_the_first_report_has_none_before_it(kept):
    assert json.loads(kept.read_text("utf-8"))["previous_report"] is None


@pytest.mark.thorough
def test_a_later_report_of_the_same_period_tells_what_came_too_late(context, kept):
    """FD-1 had been settled in time, which is heard only in December; so is all of FD-9."""
    known(context, LATER, SETTLED_IN_TIME, *ENTRIES[1:], NEW)
    earlier = told(made(context, LATER))
    assert (earlier["period_key"], earlier["file"]) == ("2026-11", kept.name)
    assert earlier["sha256"] == json.loads(kept.read_text("utf-8"))["sha256"]
    assert (earlier["recorded"], earlier["changed"]) == (1, 1)
    changed = figures(earlier)
    assert changed["headline", "received", "value"] == (4, 5)
    assert changed["headline", "settled", "value"] == (2, 3)
    assert changed["headline", "late", "value"] == (2, 1)
    was, now = changed["by_unit", "dinsos", "met"]
    assert now == was + 1
    assert not [key for key in changed if key[0] == "headline" and key[2] != "value"]
    assert earlier["others"] > 0
    assert earlier["ruleset"] is None


@pytest.mark.thorough
def test_the_report_of_the_next_period_tells_of_the_one_before(context, kept):
    known(context, LATER, SETTLED_IN_TIME, *ENTRIES[1:])
    earlier = told(made(context, LATER, "2026-12"))
    assert earlier["period_key"] == "2026-11"
    assert figures(earlier)["headline", "settled", "value"] == (2, 3)
    assert told(made(context, LATER, "2026-W49")) is None  # no week has been reported


@pytest.mark.thorough
def test_its_own_period_comes_before_the_last_one(context, kept):
    known(context, LATER, SETTLED_IN_TIME, *ENTRIES[1:])
    first = json_of(made(context, LATER, "2026-12"))
    known(context, MUCH_LATER, SETTLED_IN_TIME, *ENTRIES[1:])
    earlier = told(made(context, MUCH_LATER, "2026-12"))
    assert (earlier["period_key"], earlier["file"]) == ("2026-12", first.name)


@pytest.mark.thorough
def test_where_nothing_came_late_the_earlier_report_stands(context, kept):
    known(context, LATER, *ENTRIES)
    earlier = told(made(context, LATER))
    assert (earlier["changes"], earlier["others"], earlier["kept"]) == ([], 0, True)
    assert (earlier["recorded"], earlier["changed"]) == (0, 0)
    assert "tetap berlaku" in made(context, LATER, formats=PAGE).path.read_text("utf-8")


def test_what_happened_after_it_does_not_touch_it(context, kept):
    """FD-1 is settled and FD-9 comes in on 2 December: the earlier report was right."""
    known(
        context,
        LATER,
        ENTRIES[0] | {"Selesai": "02/12/2026 09:00"},
        *ENTRIES[1:],
        at("DLH", "FD-9", **since("02/12/2026")),
    )
    earlier = told(made(context, LATER))
    assert (earlier["changes"], earlier["others"]) == ([], 0)
    assert (earlier["recorded"], earlier["changed"]) == (0, 0)


@ON_SQLITE_FIRST
def test_made_again_later_it_is_the_same_to_the_byte(context, kept, tmp_path):
    """What is recorded, and which reports are made, after its own moment changes nothing of it."""
    known(context, LATER, SETTLED_IN_TIME, *ENTRIES[1:])
    first = made(context, LATER)
    text = json_of(first).read_bytes()
    known(
        context,
        MUCH_LATER,
        SETTLED_IN_TIME,
        ENTRIES[1],
        ENTRIES[2] | {"Selesai": "24/11/2026 10:00"},
        ENTRIES[3],
        NEW,
    )
    made(context, MUCH_LATER)
    made(context, MUCH_LATER, "2026-12")
    late = made(context, MUCH_LATER, as_of="2026-12-01 08:00")
    assert late.mails > 0
    again = made(context, MUCH_LATER, as_of=LATER, mail=False, out=tmp_path / "again")
    assert json_of(again).read_bytes() == text
    kept.unlink()  # counted again from the database
    again = made(context, MUCH_LATER, as_of=LATER, mail=False, out=tmp_path / "again")
    assert json_of(again).read_bytes() == text


@pytest.mark.thorough
def test_it_stands_outside_of_the_figures_and_their_checksum(context, kept, tmp_path):
    known(context, LATER, SETTLED_IN_TIME, *ENTRIES[1:])
    with context.transaction() as session:
        plain = report_view(session, context, "2026-11", wita(LATER))
    full = made(context, LATER)
    assert full.view.earlier is not None
    assert full.view.sha256 == plain.sha256
    assert full.view.tables == plain.tables


def test_the_public_edition_tells_nothing_of_it(context, kept, tmp_path):
    known(context, LATER, SETTLED_IN_TIME, *ENTRIES[1:], NEW)
    public = made(context, LATER, mail=False, public=True, out=tmp_path / "public", formats=PAGE)
    assert told(public) is None
    shown = public.path.read_text("utf-8")
    assert catalog("id")("report.earlier.title") not in shown
    assert kept.name not in shown


@pytest.mark.thorough
def test_every_format_and_the_mail_tell_of_it(context, kept):
    known(context, LATER, SETTLED_IN_TIME, *ENTRIES[1:], NEW)
    summary = made(context, LATER, formats=FORMATS)
    by_ending = {path.suffix: path for path in summary.paths}
    remedy = f"dapat diminta kepada administrator dengan menyebut berkas {kept.name}."
    page, pdf = (
        re.sub(r"<[^>]*>|\s+", " ", by_ending[ending].read_text("utf-8"))
        for ending in (".html", ".pdf")
    )
    book = CalamineWorkbook.from_path(by_ending[".xlsx"])
    cover = " ".join(
        str(cell) for row in book.get_sheet_by_index(0).to_python() for cell in row if cell
    )
    for shown in (page, cover, pdf):
        assert "1 pengaduan yang saat itu sudah diterima baru tercatat kemudian." in shown
        assert "Pengaduan diterima: 4 → 5" in shown
        assert "Dinas Sosial: " in shown
        assert remedy in shown
    deliver(context, LATER)
    line = earlier_line(summary.view.earlier, "id", context.site.zone)
    assert line.startswith("Pada laporan November 2026 keadaan per Senin, 30 November 2026")
    mails = [Sent(p.read_bytes()) for p in (context.site.var / "mailbox").glob("2026-12-03_*.eml")]
    telling = [mail for mail in mails if line in " ".join(mail.text.split())]
    assert len(telling) == 2
    for mail in telling:
        assert any(name.endswith(".html") for name in mail.attached)
        assert line in " ".join(re.sub("<[^>]*>", "", html.unescape(mail.html)).split())


def test_of_many_units_some_are_told_and_the_rest_is_counted(context, kept):
    known(context, LATER, SETTLED_IN_TIME, *ENTRIES[1:], NEW)
    earlier = made(context, LATER).view.earlier
    zone = context.site.zone
    whole = earlier_shown(earlier, names_of(context.site, "en"), zone)
    some = earlier_shown(earlier, names_of(context.site, "en"), zone, most=1)
    assert whole
    assert some
    assert (some.lines, whole.more) == (whole.lines[:1], "")
    assert some.more == f"{len(whole.lines) - 1} more figures and units differ."
    units = dict(whole.lines)
    assert "Complaints open 1 → 2" in units["Dinas Lingkungan Hidup"]
    assert "Complaints open 1 → 0" in units["Dinas Sosial"]


@ON_SQLITE_FIRST
def test_a_changed_law_is_named_as_a_reason(context, kept):
    calendar = context.site.evaluation_context.calendar.weekly(
        [False, True, True, True, True, False, False]
    )
    context.site.evaluation_context = replace(
        context.site.evaluation_context, policy=Policy.STRICT, calendar=calendar
    )
    known(context, LATER, *ENTRIES)
    earlier = told(made(context, LATER))
    assert earlier["ruleset"] == "2026-12-03T00:00:00Z"
    assert earlier["changes"]


def test_a_report_that_is_lost_and_cannot_be_counted_again_is_said_to_be(context, kept):
    kept.unlink()
    calendar = context.site.evaluation_context.calendar.weekly(
        [False, True, True, True, True, False, False]
    )
    context.site.evaluation_context = replace(context.site.evaluation_context, calendar=calendar)
    known(context, LATER, *ENTRIES)
    summary = made(context, LATER, formats=PAGE)
    assert (told(summary)["kept"], told(summary)["changes"]) == (False, [])
    page = summary.path.read_text("utf-8")
    assert "tidak tersimpan lagi" in page
    assert "summary verify" not in page


def test_a_report_that_was_altered_is_not_believed(context, kept):
    """Its checksum is not the one on record: it is counted again."""
    report = json.loads(kept.read_text("utf-8")) | {"sha256": "0" * 64, "tables": []}
    kept.write_text(json.dumps(report), encoding="utf-8")
    known(context, LATER, SETTLED_IN_TIME, *ENTRIES[1:])
    assert figures(told(made(context, LATER)))["headline", "settled", "value"] == (2, 3)


def test_a_figure_that_no_version_knows_breaks_no_report(context, kept):
    """A kept file may come from an older version, or have been written in by hand."""
    report = json.loads(kept.read_text("utf-8"))
    headline = next(table for table in report["tables"] if table["key"] == "headline")
    headline["rows"][0]["cells"] = {"value": "many", "forecast": 3}
    headline["rows"].append({"key": "complexity", "cells": {"value": 5}, "tickets": []})
    report["tables"].append({"key": "by_weather", "rows": headline["rows"][-1:]})
    kept.write_text(json.dumps(report), encoding="utf-8")
    known(context, LATER, *ENTRIES)
    summary = made(context, LATER, formats=PAGE)
    assert figures(told(summary)) == {("headline", "received", "value"): ("many", 4)}
    assert "Pengaduan diterima: many → 4" in summary.path.read_text("utf-8")


def test_a_report_is_not_earlier_than_itself(context, kept):
    assert told(made(context, MADE)) is None
    assert told(made(context, MADE, mail=False)) is None
