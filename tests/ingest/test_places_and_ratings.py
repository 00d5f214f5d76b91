"""The place of a complaint and the rating of its reporter: from the row to the report."""

import pytest
from conftest import wita
from sqlalchemy import select
from support.pipeline import register

from db import questions
from db.models import Complaint, PastFacts
from tasks.ingest.cell_checks import rating_of
from tasks.reports.builder import report_view
from tasks.reports.public_edition import public_edition

FIRST, SECOND = "2026-11-20 07:15", "2026-11-23 07:15"
COLUMNS = {"place": "Kecamatan", "rating": "Penilaian"}


@pytest.fixture
def database_url(sqlite_url):
    """Nothing here depends on the kind of database."""
    return sqlite_url


@pytest.fixture
def placed(context):
    """A site with a register that has columns for the place and the rating."""
    source = context.site.sources["register"]
    fields = source.fields.model_copy(update=COLUMNS)
    context.site.sources["register"] = source.model_copy(update={"fields": fields})
    return context


def entries(*places: str, rating: str = "") -> list[dict[str, str]]:
    return [
        {"No Register": f"P-{n}", "Kecamatan": place, "Penilaian": rating}
        for n, place in enumerate(places)
    ]


def view_of(context, at: str):
    with context.transaction() as session:
        return report_view(session, context, "2026-11", wita(at))


def cells(view, key: str) -> dict[str, object]:
    table = view.table(key)
    return {view.names(table.of, row.key).text: row.cells[0] for row in table.rows}


@pytest.mark.parametrize(
    ("cell", "rating"),
    [
        *(("1", 1), ("5", 5), ("4.0", 4), ("3,00", 3), ("4/5", 4), (" 2 ", 2)),
        *(("", None), ("0", None), ("6", None), ("4,5", None), ("Puas", None), ("-1", None)),
        *(("10", None), ("5/10", None)),
    ],
)
def test_a_rating_is_a_whole_number_from_1_to_5_and_anything_else_is_none(cell, rating):
    assert rating_of(cell) == rating


def test_only_known_places_are_shown_also_of_a_secret_report(placed):
    known = entries(*["Sukamaju"] * 5, "rumah Budi 081234511111", "")
    known[0]["Kerahasiaan"] = "Rahasia"
    secret = {"No Register": "S-1", "Kecamatan": "Budi Rahasiawan", "Kerahasiaan": "Rahasia"}
    register(placed, FIRST, *known, secret)
    view = view_of(placed, "2026-11-20 08:00")
    assert cells(view, "by_place") == {"Sukamaju": 5, "lainnya": 2, "tidak diketahui": 1}
    assert "Budi" not in str(view.tables)
    assert view.table("rating") is None
    public = public_edition(view)
    assert public.table("by_place") is None


def test_a_rare_place_is_a_question_of_its_own(placed):
    register(placed, FIRST, *entries(*["Sukamaju"] * 98, *["Sidorejo"] * 3))
    with placed.transaction() as session:
        waiting = questions.open_questions(session)
    assert [(each.question.role, each.question.value, each.waiting) for each in waiting] == [
        ("place", "Sidorejo", 3)
    ]


def test_a_rating_that_comes_later_counts_from_then_on(placed):
    """The report as of the time before shows no rating, also when it is made again."""
    register(placed, FIRST, *entries("Sukamaju", "Sukamaju"))
    rated = entries("Sukamaju", "Sukamaju", rating="4")
    rated[1]["Penilaian"] = "sangat puas"
    register(placed, SECOND, *rated)
    with placed.transaction() as session:
        stored = session.execute(select(Complaint.rating).order_by(Complaint.ticket)).scalars()
        assert list(stored) == [4, None]
        assert session.scalars(select(PastFacts.rating)).all() == [None]
    now, before = view_of(placed, "2026-11-23 08:00"), view_of(placed, "2026-11-20 08:00")
    assert cells(now, "rating") == {
        "Rata-rata penilaian": 4.0,
        "Pengaduan dengan penilaian": 1,
        **{f"Penilaian {n}": int(n == 4) for n in (5, 4, 3, 2, 1)},
    }
    assert before.table("rating") is None
    assert public_edition(now).table("rating") is None


def test_a_report_without_places_and_ratings_has_neither_table(context):
    register(context, FIRST, {"No Register": "P-1"})
    view = view_of(context, "2026-11-20 08:00")
    assert view.table("by_place") is None
    assert view.table("rating") is None
