"""Synthetic reports for the tests of formats: complaints drawn by lot, their tables counted out."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime

from settings.report import Letterhead, Signature
from sla.metrics.definitions import (
    AGES,
    HEADLINE,
    OPTIONAL,
    RATINGS,
    SHAPES,
    SMALL_NUMBER,
)
from sla.metrics.table import Cell, Column, Measure, Row, Table
from sla.periods import months_until
from tasks.reports.formats.json_csv import sha256_of
from tasks.reports.labels import Name, Names
from tasks.reports.model import Notes, OverrideRow, RegulationRow, Report

FIRST, LAST = date(2026, 11, 1), date(2026, 11, 30)
AS_OF = datetime(2026, 12, 2, 1, 30, tzinfo=UTC)  # 09:30 in Makassar
SPLIT_BY_KIND = ("classification", "category", "channel")
STATES = ("met", "met", "met", "met", "met_late", "breached", "unknown", "waived")
RULES = {
    "sp4n/verification": {"id": "Verifikasi laporan", "en": "Verification of the report"},
    "sp4n/first-follow-up": {"id": "Tindak lanjut pertama", "en": "First follow-up"},
    "uu25/decision": {"id": "Keputusan atas pengaduan", "en": "Decision on the complaint"},
}
WIDE = {
    "unit_rule": tuple(Column(rule, Measure.SHARE, "rule") for rule in RULES),
    "unit_trend": tuple(
        Column(month.name, Measure.SHARE, "month") for month in months_until(LAST, 13)
    ),
    "ahead": tuple(Column(f"2026-12-{day:02}", Measure.COUNT, "day") for day in range(2, 16)),
}
NAMES = (
    "Dinas Pekerjaan Umum dan Penataan Ruang",
    "Dinas Sosial",
    "Dinas Kesehatan",
    "Dinas Kependudukan dan Pencatatan Sipil",
    "RSUD Contoh Sehat",
    "Dinas Perhubungan",
    "Dinas Komunikasi, Informatika dan Statistik",
    "Dinas Lingkungan Hidup",
)
SIGNED = Letterhead(
    lines=("PEMERINTAH KABUPATEN CONTOH", "INSPEKTORAT DAERAH"),
    address=("Jalan Merdeka Nomor 1, Contoh 90000", "inspektorat@contohkab.example"),
    signature=Signature(
        place="Contoh",
        title="Inspektur Kabupaten Contoh,",
        name="Drs. H. Baharintan Dolo, M.Ak.",
        rank="Pembina Utama Muda",
        nip="19680412 199403 1 004",
    ),
)


NOTES = Notes(
    missing=(("lapor", (date(2026, 11, 7), date(2026, 11, 8))),),
    vacancies=(("Dinas Perhubungan", "head_of_unit"),),
    not_evaluated=(("register", ("Verifikasi laporan",)),),
    shown_later=(("lapor", 2),),
    regulations=(
        RegulationRow(
            "Perpres 76/2013",
            "Peraturan Presiden Nomor 76 Tahun 2013",
            "",
            ("Verifikasi laporan",),
        ),
        RegulationRow(
            "Perbup 12/2026",
            "Peraturan Bupati Contoh",
            "invented",
            (),
            (OverrideRow("Tindak lanjut pertama", "Perpres 76/2013", "Perbup 12/2026"),),
        ),
    ),
    holidays=((date(2026, 11, 10), "Hari Pahlawan", True),),
    revision="0007",
)


@dataclass(frozen=True)
class Made:
    """A complaint with one evaluated deadline."""

    ticket: str
    unit: str
    rule: str
    classification: str
    category: str
    channel: str
    state: str
    open: bool
    age: str
    place: str
    rating: int


def complaints(count: int, units: Sequence[str], seed: int = 1) -> list[Made]:
    """So many complaints, the first units with the most."""
    lot = random.Random(seed)
    ages = [f"{least}-{'' if most is None else most}" for least, most in AGES]
    weights = [1 / (1 + place) for place in range(len(units))]
    found = []
    for number in range(count):
        state = lot.choice(STATES)
        found.append(
            Made(
                ticket=f"{5010000 + number}",
                unit=lot.choices(units, weights)[0],
                rule=lot.choice(list(RULES)),
                classification=lot.choice(["complaint", "complaint", "information_request", ""]),
                category=lot.choice(["Infrastruktur Jalan", "Kesehatan", "Air Bersih", "Sampah"]),
                channel=lot.choice(["Website", "SMS", "Instagram", ""]),
                state=state,
                open=state == "breached" or lot.random() < 0.2,
                age=lot.choice(ages),
                place=("Sukamaju", "Sidorejo", "", "lainnya")[number % 4],
                rating=(0, 5, 4, 0, 5, 1)[number % 6],
            )
        )
    return found


def verdicts(made: Iterable[Made]) -> tuple[tuple[Cell, ...], bool]:
    states = [each.state for each in made]
    met, met_late, breached = (states.count(state) for state in ("met", "met_late", "breached"))
    evaluated = met + met_late + breached
    more = (states.count("unknown"), states.count("waived"), 0)
    cells = (evaluated, met, met_late, breached, *more, met / evaluated if evaluated else None)
    return cells, 0 < evaluated < SMALL_NUMBER


def standing(made: Sequence[Made]) -> tuple[int, int]:
    return sum(each.open for each in made), sum(each.state == "breached" for each in made)


def tables(made: Sequence[Made], *, months: int = 13) -> tuple[Table, ...]:
    """All tables of these complaints, received and due in November 2026."""

    def split(name: str, cells: Callable[[Sequence[Made]], tuple[Cell, ...]]) -> list[Row]:
        rows = []
        for key in sorted({getattr(each, name) for each in made}):
            some = [each for each in made if getattr(each, name) == key]
            tickets = tuple(each.ticket for each in some)
            rows.append(Row(key, cells(some), tickets, verdicts(some)[1]))
        return rows

    def of_place(some: Sequence[Made]) -> tuple[Cell, ...]:
        of = verdicts(some)[0]
        opened, late = standing(some)
        return (len(some), len(some) - opened, of[0], of[7], late)

    whole, _ = verdicts(made)
    opened, late = standing(made)
    tickets = tuple(each.ticket for each in made)
    figures: dict[str, tuple[Cell, ...]] = {
        "received": (len(made), len(made) + 7, len(made) - 3 if made else None),
        "settled": (len(made) - opened, 40, None),
        "first_settled": (len(made) - opened, 41, None),
        "settled_unknown": (0, 0, None),
        "followed_up_within_5": (0.625 if made else None, 0.75, None),
        "followed_up_share": (1 - opened / len(made) if made else None, None, None),
        "on_time": (whole[7], 0.912, 0.5),
        "open": (opened, None, None),
        "late": (late, None, None),
        "late_duties": (late, None, None),
        "late_ended": (0, None, None),
        "reopened": (0, 1, 4),
        "returned": (0, 12, 0),
    }
    days: tuple[Cell, ...] = (4.2, 3.5, None) if made else (None, None, None)
    lot = random.Random(7)
    trend = []
    for month in months_until(LAST, months):
        received = lot.randrange(20, 90) if made else 0
        evaluated, met = received // 2, received // 3
        trend.append(
            Row(
                month.name,
                (
                    received,
                    received - 4 if made else 0,
                    0,
                    evaluated,
                    met / evaluated if evaluated else None,
                ),
            )
        )
    if made:
        trend[-1] = Row(
            f"{LAST:%Y-%m}", (len(made), len(made) - opened, 0, whole[0], whole[7]), tickets
        )
    overdue = [each for each in made if each.state == "breached"]
    rows: dict[str, list[Row]] = {
        "headline": [
            Row(
                key,
                figures.get(key, days),
                tickets,
                measure=measure,
                of={}
                if measure is Measure.COUNT
                else {"value": whole[0] if key == "on_time" else len(made)},
            )
            for key, measure in HEADLINE
        ],
        "by_rule": split("rule", lambda some: (*verdicts(some)[0], standing(some)[1])),
        "by_unit": sorted(
            split("unit", lambda some: (*verdicts(some)[0], *standing(some), 0, 0)),
            key=lambda row: (row.small or row.cells[7] is None, row.cells[7] or 0, row.key),
        ),
        **{
            f"by_{name}": split(name, lambda some: (len(some), *verdicts(some)[0], *standing(some)))
            for name in SPLIT_BY_KIND
        },
        "by_place": split("place", of_place) if any(each.place for each in made) else [],
        "rating": ratings([each for each in made if each.rating]),
        "ageing": [
            Row(key, standing([each for each in made if each.age == key and each.open]))
            for key in (f"{least}-{'' if most is None else most}" for least, most in AGES)
        ],
        "trend": trend,
        "late": [
            Row(
                f"{each.ticket} {each.rule}",
                (
                    each.ticket,
                    40 - place % 40,
                    each.unit,
                    each.rule,
                    each.category,
                    date(2026, 11, 1 + place % 28),
                    "pejabat penghubung (24 Nov 2026)",
                ),
                (each.ticket,),
            )
            for place, each in enumerate(overdue)
        ],
        "statements": [
            Row(
                f"{each.ticket} {each.unit}",
                (
                    each.ticket,
                    ("done", "not_ours", "obstacle")[place % 3],
                    date(2026, 11, 1 + place % 28),
                    40 - place if place else None,
                    each.unit,
                ),
                (each.ticket,),
            )
            for place, each in enumerate(overdue[:5])
        ],
        "escalations": [
            Row("-1wd", ("reminder", 60, 58, 0.5, 0.725, 0.81)),
            Row("+3wd", ("escalation", 21, 20, 0.2, 0.35, None)),
        ]
        if made
        else [],
        "quality": [
            Row("history_unknown", (12,)),
            Row("quarantined", (2,)),
            Row("vacancies", (1,)),
        ],
    }
    rows |= unit_rows(made)
    sums: dict[str, tuple[Cell, ...]] = {
        "by_rule": (*whole, late),
        "by_unit": (*whole, opened, late, 0, 0),
        "by_place": of_place(made),
        "ageing": (opened, late),
    }
    sums |= {f"by_{n}": (len(made), *whole, opened, late) for n in SPLIT_BY_KIND}
    return tuple(
        Table(
            key,
            of,
            (*(WIDE.get(key, ()) if made else ()), *cols),
            tuple(rows[key]),
            Row("total", sums[key]) if key in sums and rows[key] else None,
        )
        for key, (of, cols) in SHAPES.items()
        if rows[key] or key not in OPTIONAL
    )


def ratings(rated: Sequence[Made]) -> list[Row]:
    """The rows of the ratings of these complaints; none without any."""
    found, number = [each.rating for each in rated], len(rated)
    if not number:
        return []
    mean = ((20 * sum(found) + number) // (2 * number) / 10,)
    return [
        Row("mean", mean, measure=Measure.DAYS, of={"rated": number}),
        Row("rated", (number,)),
        *(Row(str(each), (found.count(each),)) for each in RATINGS),
    ]


def unit_rows(made: Sequence[Made]) -> dict[str, list[Row]]:
    """The tables of units by status, rule, month and day, and the forecast."""
    lot, rows = random.Random(5), dict[str, list[Row]]()

    def shares(key: str, most: int) -> tuple[tuple[Cell, ...], dict[str, int]]:
        of = {column.key: lot.randrange(most) for column in WIDE[key]}
        cells = (lot.randrange(n + 1) / n if n else None for n in of.values())
        return tuple(cells), {column: n for column, n in of.items() if n}

    for unit in sorted({each.unit for each in made}):
        some = [each for each in made if each.unit == unit]
        tickets = tuple(each.ticket for each in some)
        still = sum(each.open for each in some)
        status = (0, 0, 0, still, len(some) - still, 0, 0, 0)
        rows.setdefault("status", []).append(Row(unit, (len(some), *status), tickets))
        for key, most in (("unit_rule", 9), ("unit_trend", 40)):
            cells, of = shares(key, most)
            rows.setdefault(key, []).append(Row(unit, cells, of=of))
        days = [lot.choice((0, 0, 1, 3, 12)) for _ in WIDE["ahead"]]
        rows.setdefault("ahead", []).append(Row(unit, (*days, sum(days)), tickets))
    weeks = ("2026-12-04", "2026-12-11", "2026-12-18", "2026-12-23")
    rows["forecast"] = [Row(day, (12 * n, 9 * n, 30 + 9 * n)) for n, day in enumerate(weeks, 1)]
    return rows if made else {key: [] for key in (*WIDE, "status", "forecast")}


def named(locale: str, units: Sequence[str]) -> Names:
    """Names as a site would give them."""
    known = {("unit", unit): Name(unit.partition(":")[2] or unit) for unit in units}
    known |= {
        ("rule", rule): Name(label[locale], f"Pasal {place} Perpres 76/2013")
        for place, (rule, label) in enumerate(RULES.items(), 7)
    }
    return Names(locale, known)


def view(
    locale: str = "id", units: Sequence[str] | int = 8, count: int = 400, seed: int = 1
) -> Report:
    """A whole report; units are ids, `id:name`, or how many."""
    ids = (
        [f"u{n:03}:{NAMES[n % 8]}{f' {n // 8}' if n > 7 else ''}" for n in range(units)]
        if isinstance(units, int)
        else list(units)
    )
    made = tables(complaints(count, ids, seed))
    return Report(
        site="Pemerintah Kabupaten Contoh",
        letterhead=SIGNED,
        period_key="2026-11",
        first=FIRST,
        last=LAST,
        as_of=AS_OF,
        interim=False,
        edition="full",
        tables=made,
        names=named(locale, ids),
        notes=NOTES,
        sha256=sha256_of(made),
    )


def without_rows(report: Report) -> Report:
    """The same report of a site in which nothing ever happened."""
    empty = tuple(replace(table, rows=(), total=None) for table in report.tables)
    return replace(report, tables=empty, sha256=sha256_of(empty))
