"""A kept report is counted again: as it was known then, and with what was recorded too late.

See `front_desk` for the complaints.
"""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from conftest import wita
from support.pipeline import at, decide, deliver, owe, register, since

from cli.language import words
from cli.reports import _event_line
from sla.engine.context import Policy
from sla.events import ANY_KIND, BY_COMMAND, Kind, Knowledge
from tasks.reports.verify import LaterEvent, NoReport, verify
from tasks.summary import SummaryRequest, make_summary

MADE, LATER = "2026-11-30 18:00", "2026-12-03 08:00"
ENTRIES = [
    at("Dinas Sosial", "FD-1"),
    at("Dinas Sosial", "FD-2", Selesai="23/11/2026 10:00"),
    at("DLH", "FD-3", Selesai="25/11/2026 10:00"),
    at("DLH", "FD-4", **since("20/11/2026")),
]


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """What a report says hangs on no database: one kind is enough."""
    return sqlite_url


@pytest.fixture
def kept(context, tmp_path) -> Path:
    """The JSON of November's report, made on its last evening."""
    return made(context, tmp_path)


def made(context, tmp_path, *, public: bool = False) -> Path:
    owe(context, "2026-11-24 08:00", *ENTRIES[:2], at("DLH", "FD-3"), ENTRIES[3])
    register(context, MADE, *ENTRIES)
    decide(context, MADE)
    now = wita(MADE)
    found = make_summary(
        context,
        SummaryRequest(
            "2026-11", now, mail=False, out=tmp_path / "reports", public=public, formats=("json",)
        ),
        now,
        "test",
    )
    return found.path


def figures(differences) -> dict[tuple[str, str, str], tuple[object, object]]:
    return {(d.table, d.row, d.column): (d.kept, d.found) for d in differences}


@pytest.mark.thorough
def test_counted_again_later_it_says_the_same(context, kept):
    register(context, LATER, *ENTRIES[1:], ENTRIES[0] | {"Selesai": "02/12/2026 09:00"})
    decide(context, LATER)
    deliver(context, LATER)
    found = verify(context, kept, wita(LATER))
    assert (found.then, found.late, found.events) == ((), (), ())
    assert (found.period, found.as_of, found.edition) == ("2026-11", wita(MADE), "full")


@pytest.mark.thorough
def test_what_was_recorded_too_late_is_told_with_its_complaint(context, kept):
    """FD-1 had been settled on the 23rd, in time; the register says so only in December."""
    late = ENTRIES[0] | {"Selesai": "23/11/2026 15:00"}
    register(context, LATER, late, *ENTRIES[1:])
    found = verify(context, kept, wita(LATER))
    assert found.then == ()
    changed = figures(found.late)
    assert changed["by_unit", "dinsos", "met"][1] == changed["by_unit", "dinsos", "met"][0] + 1
    assert changed["headline", "late", "value"] == (2, 1)
    assert changed["headline", "settled", "value"] == (2, 3)
    assert [(event.ticket, event.kind) for event in found.events] == [("FD-1", "settled")]
    (settled,) = (
        d for d in found.late if (d.table, d.row, d.column) == ("headline", "settled", "value")
    )
    assert (settled.come, settled.gone) == (("FD-1",), ())


def test_a_complaint_that_came_in_late_is_one_of_them(context, kept):
    register(context, LATER, *ENTRIES, at("DLH", "FD-9", **since("25/11/2026")))
    found = verify(context, kept, wita(LATER))
    assert found.then == ()
    assert figures(found.late)["headline", "received", "value"] == (4, 5)


def test_a_figure_that_was_altered_is_found(context, kept):
    report = json.loads(kept.read_text("utf-8"))
    (headline,) = (table for table in report["tables"] if table["key"] == "headline")
    headline["rows"][0]["cells"]["value"] = 40
    kept.write_text(json.dumps(report), encoding="utf-8")
    found = verify(context, kept, wita(LATER))
    assert figures(found.then) == {("headline", "received", "value"): (40, 4)}
    assert found.ruleset_changed is None


@pytest.mark.thorough
def test_where_the_law_has_changed_since_that_is_said(context, kept):
    context.site.evaluation_context = replace(
        context.site.evaluation_context, policy=Policy.STRICT, calendar=_longer(context)
    )
    decide(context, LATER)
    found = verify(context, kept, wita(LATER))
    assert found.then
    assert found.ruleset_changed == wita(LATER)


def _longer(context):
    """A calendar in which the 23rd was no working day."""
    calendar = context.site.evaluation_context.calendar
    return calendar.weekly([False, True, True, True, True, False, False])


def test_the_public_edition_is_counted_as_it_was_published(context, tmp_path):
    path = made(context, tmp_path, public=True)
    found = verify(context, path, wita(LATER))
    assert (found.then, found.edition) == ((), "public")
    assert "FD-" not in path.read_text("utf-8")


@pytest.mark.parametrize("content", [None, "no JSON", "[]", '{"format": "other/1"}'])
def test_what_is_no_report_is_named(content, context, tmp_path):
    path = tmp_path / "x.json"
    if content is not None:
        path.write_text(content, encoding="utf-8")
    with pytest.raises(NoReport, match=r"x\.json"):
        verify(context, path, wita(LATER))


@pytest.mark.thorough
def test_the_command_tells_by_its_exit_code(context, kept, call_tenggat):
    site = ("--site", context.site.folder, "--now", "2026-12-03T08:00")
    code, said, _ = call_tenggat("summary", "verify", kept, *site)
    assert (code, "the same figures" in said) == (0, True)
    register(context, LATER, ENTRIES[0] | {"Selesai": "23/11/2026 15:00"}, *ENTRIES[1:])
    code, said, _ = call_tenggat("summary", "verify", kept, *site)
    assert code == 0
    assert "had all been recorded in time" in said
    assert "FD-1: settled on 2026-11-23, recorded 2026-12-03 08:00 (register)" in said
    report = kept.read_text("utf-8").replace('"value": 4', '"value": 5')
    kept.write_text(report, encoding="utf-8")
    code, said, _ = call_tenggat("summary", "verify", kept, *site)
    assert (code, "figures differ" in said) == (1, True)
    code, _, said = call_tenggat("summary", "verify", *site)
    assert (code, "summary verify FILE.json" in said) == (2, True)


@pytest.mark.parametrize(
    ("kind", "source", "more", "line"),
    [
        (
            Kind.EXTENSION_NOTIFIED,
            BY_COMMAND,
            {},
            "FD-1: perpanjangan waktu diberitahukan pada 2026-11-23, dicatat 2026-12-03 08:00"
            " (dinyatakan pejabat dengan perintah)",
        ),
        (
            Kind.SETTLED,
            "register",
            {"retracted": True},
            "FD-1: diselesaikan pada 2026-11-23 ditarik kembali, dicatat 2026-12-03 08:00"
            " (register)",
        ),
        (
            ANY_KIND,
            "register",
            {"knowledge": Knowledge.UNREADABLE},
            "FD-1: tidak jelas sejak 2026-11-23: keadaan pengaduan; dicatat 2026-12-03 08:00"
            " (register)",
        ),
    ],
)
def test_a_late_record_is_told_without_words_of_the_program(context, kind, source, more, line):
    details = {"knowledge": Knowledge.STATED, "retracted": False} | more
    occurred, recorded = wita("2026-11-23 15:00"), wita(LATER)
    event = LaterEvent("FD-1", kind, occurred, recorded, source, **details)
    words.use_language("id")
    said = _event_line(context, event)
    words.use_language("en")
    assert said.strip() == line


def test_explain_proves_what_a_report_of_a_moment_says(context, kept, call_tenggat):
    """FD-1 was late as of the report; that it had been settled in time is known only later."""
    register(context, LATER, ENTRIES[0] | {"Selesai": "23/11/2026 15:00"}, *ENTRIES[1:])
    report = json.loads(kept.read_text("utf-8"))
    late = next(table for table in report["tables"] if table["key"] == "late")

    states = []
    for moment in (("--as-of", report["as_of"]), ("--now", "2026-12-03T08:00")):
        site = ("--site", context.site.folder, "--json")
        code, said, _ = call_tenggat("explain", "FD-1", *moment, *site)
        assert code == 0
        (found,) = json.loads(said)
        states.append({d["rule"]: d["state"] for d in found["deadlines"]})
    then, now = states
    rule = next(row["cells"]["rule"] for row in late["rows"] if row["cells"]["ticket"] == "FD-1")
    assert (then[rule], now[rule]) == ("breached", "met")
