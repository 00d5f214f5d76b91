"""Complaints that a complete export no longer shows, and exports with fewer rows than before."""

from datetime import datetime
from itertools import permutations

import pytest
from conftest import ON_SQLITE_FIRST, kind_of_database, wita
from sqlalchemy import select
from support.import_results import take
from test_intake import DESK, STATUS, TICKET, UNIT, alerts, lapor, register

from db import complaints
from db.mails import earlier_mails
from db.models import Complaint, DeadlineRow, SourceImport
from settings.errors import SettingsError
from settings.sources import read_sources
from sla.events import ABSENT, history_as_of
from tasks.common.context import SiteContext
from tasks.deadlines import evaluate_and_notify
from tasks.evaluation.explain import as_text, explanations
from tasks.evaluation.loader import load_complaints
from tasks.ingest.quarantine_retry import retry
from tasks.ingest.source_count import SourceCount
from tasks.monitoring.health import check
from tasks.sources.files.period import stated_period
from tasks.text.templates import render
from tasks.text.translation import translated

INFORMATION = "sp4n-guideline/information"
ENTRY = {"Klasifikasi": "Permintaan Informasi", "Tanggal Masuk": "16/11/2026 08:30"}
ONE, TWO, THREE = ({**ENTRY, "No Register": f"FD-{n}"} for n in (1, 2, 3))
LATER = "2026-12-01 08:00"


@pytest.fixture
def database_url(request: pytest.FixtureRequest) -> str:
    return kind_of_database(request)


def doubts(context: SiteContext, as_of: str = LATER) -> dict[str, tuple[str, str]]:
    """Of each complaint in doubt: the local times when it was last known, and since when not."""
    with context.transaction() as session:
        rows = session.scalars(select(Complaint).order_by(Complaint.ticket)).all()
        events = complaints.events_of(session, [row.id for row in rows])
        found = {}
        for row in rows:
            for doubt in history_as_of(events[row.id], wita(as_of))[1]:
                assert doubt.source_field == ABSENT
                assert doubt.earliest is not None
                found[row.ticket] = (local(context, doubt.earliest), local(context, doubt.latest))
        if as_of == LATER:
            assert {row.ticket for row in rows if row.absent_since} == set(found)
    return found


def local(context: SiteContext, moment: datetime) -> str:
    return f"{context.local(moment):%d %H:%M}"


def evaluated(
    context: SiteContext, now: str, rule: str = INFORMATION
) -> dict[str, tuple[str, str]]:
    """The state and the reason of a rule for each complaint, after a run of deadlines."""
    evaluate_and_notify(context, wita(now), f"deadlines {now}")
    with context.transaction() as session:
        rows = session.execute(
            select(Complaint.ticket, DeadlineRow.state, DeadlineRow.reason)
            .join(DeadlineRow, DeadlineRow.complaint_id == Complaint.id)
            .where(DeadlineRow.rule == rule)
        )
        return {ticket: (state, reason) for ticket, state, reason in rows}


def told_of_drops(context: SiteContext) -> int:
    return alerts(context).count("fewer_rows")


@ON_SQLITE_FIRST
def test_what_a_register_no_longer_shows_is_unknown_until_it_shows_it_again(context):
    register(context, "2026-11-17 07:15", ONE, TWO)
    take(context, "2026-11-17 08:00", "register")
    assert evaluated(context, "2026-11-17 08:00") == {
        "FD-1": ("running", ""),
        "FD-2": ("running", ""),
    }
    register(context, "2026-11-18 07:15", ONE)
    assert take(context, "2026-11-18 08:00", "register").absent == 1
    assert doubts(context) == {"FD-2": ("17 07:15", "18 07:15")}
    assert evaluated(context, "2026-11-18 08:00")["FD-2"] == ("unknown", "not_shown")
    register(context, "2026-11-24 07:15", ONE)  # due on the 23rd
    assert take(context, "2026-11-24 08:00", "register").absent == 0
    assert evaluated(context, "2026-11-24 08:00") == {
        "FD-1": ("breached", ""),
        "FD-2": ("unknown", "not_shown"),
    }
    with context.transaction() as session:
        (explained,) = explanations(session, context, "FD-2", wita("2026-11-24 08:00"))
    text = as_text(context.site, explained)
    since = "Rabu, 18 November 2026 pukul 07.15"
    assert f"Tidak lagi ditampilkan atau terbaca di sumber data sejak {since}" in text
    register(context, "2026-11-25 07:15", ONE, TWO)
    take(context, "2026-11-25 08:00", "register")
    assert doubts(context) == {}
    assert doubts(context, "2026-11-24 08:00") == {"FD-2": ("17 07:15", "18 07:15")}
    assert evaluated(context, "2026-11-25 08:00")["FD-2"] == ("breached", "")


@pytest.mark.parametrize(("others", "told"), [(1, 1), (0, 0)])
def test_a_file_with_other_complaints_in_the_place_of_a_third_is_told(context, others, told):
    """The register of another unit or another month in the same folder."""
    every = [{**ENTRY, "No Register": f"FD-{n}"} for n in range(4)]
    register(context, "2026-11-17 07:15", *every[:3])
    take(context, "2026-11-17 08:00", "register")
    register(context, "2026-11-18 07:15", *every[others : others + 3], {"Perihal": "Lampu"})
    assert take(context, "2026-11-18 08:00", "register").absent == others
    assert told_of_drops(context) == told


def test_an_unchanged_complaint_is_not_evaluated_again(context):
    register(context, "2026-11-17 07:15", ONE, TWO)
    take(context, "2026-11-17 08:00", "register")
    assert evaluate_and_notify(context, wita("2026-11-17 08:00"), "r1").evaluated == 2
    register(context, "2026-11-17 09:15", ONE)
    take(context, "2026-11-17 09:30", "register")
    assert evaluate_and_notify(context, wita("2026-11-17 09:30"), "r2").evaluated == 1
    register(context, "2026-11-17 10:15", ONE, THREE)
    take(context, "2026-11-17 10:30", "register")
    assert evaluate_and_notify(context, wita("2026-11-17 10:30"), "r3").evaluated == 1


EXPORTS = {
    "2026-11-17 07:15": (ONE, TWO, THREE),
    "2026-11-18 07:15": (ONE, THREE),
    "2026-11-19 07:15": (ONE, TWO),
    "2026-11-20 07:15": (ONE,),
}


@pytest.mark.parametrize("order", list(permutations(EXPORTS)), ids=str)
def test_the_order_of_the_imports_makes_no_difference(context, order):
    for hour, made in enumerate(order):
        register(context, made, *EXPORTS[made])
        take(context, f"2026-11-21 {8 + hour:02}:00", "register")
    assert doubts(context) == {"FD-2": ("19 07:15", "20 07:15"), "FD-3": ("18 07:15", "19 07:15")}
    assert evaluated(context, "2026-11-21 13:00") == {
        "FD-1": ("running", ""),
        "FD-2": ("unknown", "not_shown"),
        "FD-3": ("unknown", "not_shown"),
    }


def test_a_snapshot_that_leaves_out_a_report_puts_it_in_doubt(context):
    other = {TICKET: "5010654"}
    lapor(context, "2026-11-20 07:00", {}, other)
    take(context, "2026-11-20 08:00")
    lapor(context, "2026-11-21 07:00", {STATUS: "Ditutup oleh Admin"})
    take(context, "2026-11-21 08:00")
    assert doubts(context) == {"5010654": ("20 07:00", "21 07:00")}
    lapor(
        context, "2026-11-22 07:00", {STATUS: "Ditutup oleh Admin"}, other | {UNIT: "Disdukcapil"}
    )
    take(context, "2026-11-22 08:00")
    assert doubts(context) == {}


def test_a_known_complaint_with_a_rejected_row_is_in_doubt(context):
    register(context, "2026-11-17 07:15", ONE, TWO)
    take(context, "2026-11-17 08:00", "register")
    register(context, "2026-11-18 07:15", ONE, TWO | {"Tanggal Masuk": "31/02/2026 08:30"})
    assert take(context, "2026-11-18 08:00", "register").quarantined == 1
    assert doubts(context) == {"FD-2": ("17 07:15", "18 07:15")}


def test_two_rows_with_one_number_leave_open_which_is_right(context):
    register(context, "2026-11-17 07:15", ONE, TWO)
    take(context, "2026-11-17 08:00", "register")
    settled = TWO | {"Selesai": "17/11/2026 10:00"}
    register(context, "2026-11-18 07:15", ONE, TWO, settled)
    take(context, "2026-11-18 08:00", "register")
    assert doubts(context) == {"FD-2": ("17 07:15", "18 07:15")}
    register(context, "2026-11-19 07:15", ONE, settled)
    take(context, "2026-11-19 08:00", "register")
    assert doubts(context) == {}


def changes_only(context: SiteContext, source: str = "register") -> None:
    file = context.site.folder / "sources.toml"
    text = file.read_text("utf-8")
    file.write_text(text.replace(f"[{source}]\n", f'[{source}]\nshows = "changes"\n'), "utf-8")
    context.site.sources[source] = read_sources(file)[source]


def test_a_source_of_changes_leaves_nothing_in_doubt_but_rejected_rows(context):
    changes_only(context)
    register(context, "2026-11-17 07:15", ONE, TWO)
    take(context, "2026-11-17 08:00", "register")
    register(context, "2026-11-18 07:15", ONE | {"Kategori": "Lain"})
    take(context, "2026-11-18 08:00", "register")
    bad = TWO | {"Tanggal Masuk": "31/02/2026 08:30"}
    register(context, "2026-11-19 07:15", ONE, bad)
    count = take(context, "2026-11-19 08:00", "register")
    assert (count.absent, count.drops, told_of_drops(context)) == (0, [], 0)
    assert doubts(context) == {"FD-2": ("18 07:15", "19 07:15")}
    register(context, "2026-11-20 07:15", TWO)
    take(context, "2026-11-20 08:00", "register")
    assert doubts(context) == {}


def test_a_row_read_after_a_correction_of_the_mapping_is_no_longer_in_doubt(context):
    register(context, "2026-11-17 07:15", ONE, TWO)
    take(context, "2026-11-17 08:00", "register")
    again = TWO | {"Tanggal Masuk": "08.30 16~11~2026"}
    register(context, "2026-11-18 07:15", ONE, again)
    assert take(context, "2026-11-18 08:00", "register").quarantined == 1
    assert doubts(context) == {"FD-2": ("17 07:15", "18 07:15")}
    file = context.site.folder / "sources.toml"
    text = file.read_text("utf-8").replace(
        '"%d/%m/%Y %H:%M"]', '"%d/%m/%Y %H:%M", "%H.%M %d~%m~%Y"]'
    )
    file.write_text(text, "utf-8")
    context.site.sources["register"] = read_sources(file)["register"]
    assert retry(context, "register", wita("2026-11-18 09:00")).resolved == 1
    assert doubts(context) == {}


# --- the filter of an export ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cell", "form", "expected"),
    [
        ("(2026-11-01) - (2026-11-30)", "%Y-%m-%d", ("2026-11-01 00:00", "2026-12-01 00:00")),
        ("01/11/2026 s.d. 05/11/2026", "%d/%m/%Y", ("2026-11-01 00:00", "2026-11-06 00:00")),
        ("1 Nov 2026 - 30 November 2026", "%d %B %Y", ("2026-11-01 00:00", "2026-12-01 00:00")),
        ("Semua", "%Y-%m-%d", None),
        ("", "%Y-%m-%d", None),
    ],
)
def test_the_period_of_an_export(context, cell, form, expected):
    source = with_period(context, form)
    above = (("Laporan",), ("Periode Masuk", "", cell))
    found = stated_period("x.xlsx", above, source)
    if expected is None:
        assert found is None
        return
    assert found is not None
    first, last = found
    assert first == wita(expected[0])
    assert (wita(expected[1]) - last).total_seconds() < 1
    assert stated_period("x.xlsx", (("Laporan",),), source) is None


@pytest.mark.parametrize("cell", ["2026-11-01", "2026-11-30 - 2026-11-01", "1/11/26 - 30/11/26"])
def test_a_period_that_cannot_be_read_is_refused(context, cell):
    source = with_period(context, "%Y-%m-%d")
    with pytest.raises(ValueError, match="'Periode Masuk' has no first and last day") as refused:
        stated_period("x.xlsx", (("Periode Masuk", cell),), source)
    assert cell not in str(refused.value)


def with_period(context: SiteContext, form: str):
    source = context.site.sources["lapor"]
    return source.model_copy(update={"period": source.period.model_copy(update={"format": form})})


def register_of(context: SiteContext, made: str, period: str, *entries: dict[str, str]) -> None:
    """A register with a filter above its table."""
    path = register(context, made, *entries)
    text = path.read_text("utf-8")
    path.write_text(f"Periode Masuk;{period}\n{text}", "utf-8")


def test_a_filtered_export_says_nothing_about_complaints_of_other_days(context):
    source = context.site.sources["register"]
    period = context.site.sources["lapor"].period
    context.site.sources["register"] = source.model_copy(update={"period": period})
    old = ONE | {"Tanggal Masuk": "30/10/2026 08:30"}
    register_of(context, "2026-11-05 07:15", "(2026-10-01) - (2026-11-05)", old)
    take(context, "2026-11-05 08:00", "register")
    register_of(context, "2026-11-17 07:15", "(2026-11-01) - (2026-11-17)", TWO, THREE)
    take(context, "2026-11-17 08:00", "register")
    assert doubts(context) == {}
    assert evaluated(context, "2026-11-17 08:00")["FD-1"] == ("unknown", "awaiting_source")
    with context.transaction() as session:
        rows = session.scalars(select(Complaint).order_by(Complaint.ticket)).all()
        loaded = load_complaints(session, context, rows, wita("2026-11-17 08:00"))
        until = [each.history.facts.known_until for each in loaded]
    assert until == [wita("2026-11-05 07:15"), *[wita("2026-11-17 07:15")] * 2]
    register_of(context, "2026-11-18 07:15", "(2026-10-01) - (2026-11-18)", TWO)
    assert take(context, "2026-11-18 08:00", "register").absent == 2
    assert doubts(context) == {"FD-1": ("05 07:15", "18 07:15"), "FD-3": ("17 07:15", "18 07:15")}


# --- fewer rows -----------------------------------------------------------------------------------


def rows_of(number: int) -> list[dict[str, str]]:
    return [ENTRY | {"No Register": f"FD-{n}"} for n in range(number)]


def imported_twice(context: SiteContext, before: int, now: int) -> SourceCount:
    register(context, "2026-11-17 07:15", *rows_of(before))
    take(context, "2026-11-17 08:00", "register")
    register(context, "2026-11-18 07:15", *rows_of(now))
    return take(context, "2026-11-18 08:00", "register")


@pytest.mark.parametrize(
    ("before", "now", "drops"),
    [
        (6, 4, 1),
        (6, 5, 0),
        (6, 0, 1),
        (51, 50, 1),
        (52, 51, 0),
        (50, 50, 0),
        (4, 6, 0),
        (50, 60, 0),
    ],
)
def test_a_fall_in_the_number_of_rows_is_told(context, before, now, drops):
    count = imported_twice(context, before, now)
    assert (len(count.drops), told_of_drops(context)) == (drops, drops)
    assert count.absent == max(0, before - now)


@pytest.mark.parametrize(
    ("before", "shown", "drops"),
    [
        (range(6), range(3, 9), 1),  # another filter
        (range(6), range(1, 7), 0),
        (range(45), range(1, 51), 1),  # the 50 newest
        (range(45), range(50), 0),
    ],
)
def test_as_many_rows_with_other_complaints_are_told(context, before, shown, drops):
    register(context, "2026-11-17 07:15", *(ENTRY | {"No Register": f"FD-{n}"} for n in before))
    take(context, "2026-11-17 08:00", "register")
    for day in ("18", "19"):
        made = f"2026-11-{day} 07:15"
        register(context, made, *(ENTRY | {"No Register": f"FD-{n}"} for n in shown))
        take(context, f"2026-11-{day} 08:00", "register")
    assert told_of_drops(context) == drops


def test_the_administrator_is_told_of_a_fall_once_and_with_its_numbers(context):
    count = imported_twice(context, 9, 3)
    (drop,) = count.drops
    assert drop == {
        "source": "register",
        "file": "register_2026-11-18_0715.csv",
        "made": "2026-11-18T07:15+08:00",
        "rows": 3,
        "rows_before": 9,
        "absent": 6,
    }
    take(context, "2026-11-18 09:00", "register")
    register(context, "2026-11-19 07:15", *rows_of(3), ONE | {"No Register": "FD-99"})
    assert take(context, "2026-11-19 08:00", "register").drops == []
    assert told_of_drops(context) == 1
    shown = render(
        "report/intake.md.j2",
        locale="id",
        zone=context.site.zone,
        now=wita("2026-11-18 08:00"),
        sources=[vars_of(count)],
        failures=[],
    )
    assert "register: 6 pengaduan tidak lagi ditampilkan" in shown
    assert "memuat 3 baris, sebelumnya 9" in shown


def daily(context: SiteContext, *exports: list[dict[str, str]]) -> list[int]:
    """Import an export a day from 2 November on; return the alerts so far after each."""
    found = []
    for day, entries in enumerate(exports, start=2):
        register(context, f"2026-11-{day:02} 07:15", *entries)
        take(context, f"2026-11-{day:02} 08:00", "register")
        found.append(told_of_drops(context))
    return found


def received(day: int, entries: list[dict[str, str]]) -> list[dict[str, str]]:
    """Entries of November 2026 with another day of receipt."""
    return [entry | {"Tanggal Masuk": f"{day:02}/11/2026 08:30"} for entry in entries]


def falling(*numbers: int) -> list[list[dict[str, str]]]:
    return [received(1, rows_of(number)) for number in numbers]


@ON_SQLITE_FIRST
def test_exports_that_fall_slowly_are_told_once_a_third(context):
    exports = falling(12, 10, 8, 7, 6, 5, 5, 4)
    assert daily(context, *exports) == [0, 0, 1, 1, 1, 2, 2, 2]
    with context.transaction() as session:
        found = earlier_mails.details_of_alerts(session, "fewer_rows")
    assert min(found, key=lambda alert: alert["made"]) == {
        "alert": "fewer_rows",
        "source": "register",
        "file": "register_2026-11-04_0715.csv",
        "made": "2026-11-04T07:15+08:00",
        "rows": 8,
        "rows_before": 12,
        "compared_with": "2026-11-02T07:15+08:00",
        "absent": 4,
    }


def test_exports_that_fall_slowly_are_told_alike_when_they_come_at_once(context):
    for day, entries in enumerate(falling(12, 10, 8, 7, 6), start=2):
        register(context, f"2026-11-{day:02} 07:15", *entries)
    count = take(context, "2026-11-06 08:00", "register")
    assert [drop["rows"] for drop in count.drops] == [8]
    assert told_of_drops(context) == 1


def test_a_fall_after_everything_was_shown_again_is_told_again(context):
    assert daily(context, *falling(12, 10, 8, 12, 10, 9, 8)) == [0, 0, 1, 1, 1, 1, 2]


def test_exports_that_change_between_two_numbers_are_no_fall(context):
    assert daily(context, *falling(12, 9, 12, 9, 12, 9)) == [0] * 6


def test_complaints_that_leave_the_exports_after_their_end_are_no_fall(context):
    ended = [entry | {"Selesai": "01/11/2026 09:30"} for entry in received(1, rows_of(12))]
    assert daily(context, *(ended[n:] for n in (0, 2, 4, 6, 7, 8))) == [0] * 6


def test_rows_that_cannot_be_read_are_no_fall(context):
    entries = received(1, rows_of(12))
    unreadable = [
        [
            entry | {"Tanggal Masuk": "entah"} if n < bad else entry
            for n, entry in enumerate(entries)
        ]
        for bad in range(6)
    ]
    assert daily(context, *unreadable, unreadable[-1][:-1]) == [0] * 7


def test_new_complaints_are_not_missing_from_the_exports_before_them(context):
    """Many complaints that come and are deleted again do not make the first ones incomplete."""
    entries = received(1, rows_of(6))
    others = [{**ENTRY, "No Register": f"N-{n}"} for n in range(6)]
    days = [[*entries, *received(day, others[day - 2 : day])[-1:]] for day in range(3, 8)]
    assert daily(context, entries, *days) == [0, 0, 0, 0, 0, 0]


def test_doctor_compares_with_the_largest_of_the_last_files(context):
    daily(context, *falling(12, 10, 8))
    found = {each.what for each in check(context.site, wita("2026-11-04 09:00"))}
    told = (
        "the newest file of source register, register_2026-11-04_0715.csv, has 8 rows, an earlier"
        " one 12"
    )
    assert told in found
    assert translated(told, "id") != told


def vars_of(count: SourceCount) -> dict[str, object]:
    return {name: getattr(count, name) for name in SourceCount.__slots__}


def test_doctor_tells_of_a_fall_and_of_what_is_not_shown(context):
    imported_twice(context, 9, 3)
    found = [each.what for each in check(context.site, wita("2026-11-18 09:00"))]
    assert (
        "the newest file of source register, register_2026-11-18_0715.csv, has 3 rows, the one"
        " before 9"
    ) in found
    assert "6 complaints are no longer shown by source register; their state is unknown" in found


def test_doctor_tells_of_a_ticket_that_stands_twice_as_of_a_row_to_correct(context):
    other = {**ONE, "Klasifikasi": "Aspirasi"}
    register(context, "2026-11-17 07:15", ONE, other, TWO, THREE)
    take(context, "2026-11-17 08:00", "register")
    register(context, "2026-11-18 07:15", ONE, other, TWO)
    take(context, "2026-11-18 08:00", "register")
    found = {each.what: each.remedy for each in check(context.site, wita("2026-11-18 09:00"))}
    twice = next(what for what in found if "their number occurs twice" in what)
    assert twice.startswith("1 complaints of source register have a row in quarantine")
    assert "tenggat quarantine list" in found[twice]
    assert "1 complaints are no longer shown by source register; their state is unknown" in found
    assert translated(twice, "id") != twice


def test_a_header_alone_is_imported_and_puts_everything_in_doubt(context):
    count = imported_twice(context, 2, 0)
    assert (count.files, count.absent, count.drops[0]["rows"]) == (1, 2, 0)
    assert set(doubts(context)) == {"FD-0", "FD-1"}
    with context.transaction() as session:
        assert session.scalars(select(SourceImport.absent).order_by(SourceImport.id)).all() == [
            0,
            2,
        ]


def test_a_shorter_period_is_told(context):
    source = context.site.sources["register"]
    period = context.site.sources["lapor"].period
    context.site.sources["register"] = source.model_copy(update={"period": period})
    register_of(context, "2026-11-17 07:15", "(2026-01-01) - (2026-11-17)", ONE)
    take(context, "2026-11-17 08:00", "register")
    register_of(context, "2026-11-18 07:15", "(2026-11-01) - (2026-11-18)", ONE, TWO)
    (drop,) = take(context, "2026-11-18 08:00", "register").drops
    assert drop["period_shown"] == "2026-11-01 – 2026-11-18"
    assert drop["period_before"] == "2026-01-01 – 2026-11-17"


def test_only_what_can_show_everything_may_say_so(context, tmp_path):
    file = tmp_path / "sources.toml"
    file.write_text(
        '[city]\ntype = "open311"\nurl = "https://city.example"\nfirst_day = 2026-01-01\n'
        'shows = "everything"\n',
        encoding="utf-8",
    )
    with pytest.raises(SettingsError, match="asked for periods, not for everything"):
        read_sources(file)
    assert DESK["No Register"] == "FD-1"
