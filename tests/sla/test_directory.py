"""Who holds which office on which day, and who stands in."""

from datetime import date

import pytest

from sla.directory import Directory, Holders, OfficeHolder, Role, Unit

TODAY = date(2026, 11, 24)

UNITS = [
    Unit("kab", "Pemerintah Kabupaten Contoh", "kabupaten", None, ("Pemkab Contoh",)),
    Unit("dinkes", "Dinas Kesehatan", "dinas", "kab", ("Dinkes Kab. Contoh", "DINKES")),
    Unit("puskesmas", "Puskesmas Masamba", "uptd", "dinkes"),
    Unit("pupr", "Dinas Pekerjaan Umum", "dinas", "kab"),
    Unit("inspektorat", "Inspektorat Daerah", "inspektorat", "kab"),
]


def office(unit, role, name, **more):
    return OfficeHolder(unit, role, name, f"{name.lower()}@contoh.example", **more)


REGENT = office("kab", Role.REGENT, "Bupati")
SECRETARY = office("kab", Role.REGIONAL_SECRETARY, "Sekda")
INSPECTOR = office("inspektorat", Role.INSPECTOR, "Inspektur")
ADMIN = office("kab", Role.ADMINISTRATOR, "Admin")
HEAD = office("dinkes", Role.HEAD_OF_UNIT, "Kadis")
LIAISON = office("dinkes", Role.LIAISON, "Penghubung")
OFFICES = [REGENT, SECRETARY, INSPECTOR, ADMIN, HEAD, LIAISON]


def holders(role, unit, day=TODAY, offices=OFFICES):
    return Directory(UNITS, offices).holders(role, unit, day)


def test_a_unit_has_its_own_liaison_and_head():
    assert holders(Role.LIAISON, "dinkes") == Holders((LIAISON,))
    assert holders(Role.HEAD_OF_UNIT, "dinkes") == Holders((HEAD,))


def test_where_a_unit_has_none_its_parent_stands_in_and_the_hole_is_named():
    assert holders(Role.LIAISON, "puskesmas") == Holders((LIAISON,), vacancy="puskesmas")


def test_where_nobody_up_to_the_top_holds_it_the_administrator_is_told():
    assert holders(Role.LIAISON, "pupr") == Holders((ADMIN,), vacancy="pupr")


@pytest.mark.parametrize(
    ("role", "holder"),
    [
        (Role.REGIONAL_SECRETARY, SECRETARY),
        (Role.REGENT, REGENT),
        (Role.INSPECTOR, INSPECTOR),  # held at a unit that is no parent of the one concerned
        (Role.ADMINISTRATOR, ADMIN),
    ],
)
@pytest.mark.parametrize("unit", ["puskesmas", "pupr", "kab", "a unit of last year", None])
def test_an_office_held_once_for_the_site_is_found_from_everywhere(role, holder, unit):
    assert holders(role, unit) == Holders((holder,))


def test_a_complaint_without_a_unit_goes_to_the_administrator():
    assert holders(Role.LIAISON, None) == Holders((ADMIN,), vacancy="")


def test_a_unit_that_is_no_longer_in_the_directory_leaves_a_hole():
    assert holders(Role.HEAD_OF_UNIT, "a unit of last year") == Holders(
        (ADMIN,), vacancy="a unit of last year"
    )


def test_without_any_administrator_nobody_is_told_and_the_hole_remains():
    assert holders(Role.LIAISON, "pupr", offices=[HEAD]) == Holders((), vacancy="pupr")


@pytest.mark.parametrize(
    ("day", "name"),
    [
        ("2026-06-30", "Lama"),
        ("2026-07-01", "Baru"),  # from the first day of the tenure
        ("2026-12-31", "Baru"),  # to its last
        ("2027-01-01", "Admin"),
        ("2020-01-01", "Lama"),  # a tenure without a beginning
    ],
)
def test_a_tenure_covers_both_its_ends(day, name):
    before = office("pupr", Role.LIAISON, "Lama", until=date(2026, 6, 30))
    after = office("pupr", Role.LIAISON, "Baru", since=date(2026, 7, 1), until=date(2026, 12, 31))
    found = holders(Role.LIAISON, "pupr", date.fromisoformat(day), [before, after, ADMIN])
    assert [office.name for office in found.offices] == [name]


@pytest.mark.parametrize(("day", "name"), [("2026-11-10", "Plt"), ("2026-11-21", "Kadis")])
def test_a_deputy_acts_before_the_holder_while_deputising(day, name):
    deputy = office(
        "dinkes",
        Role.HEAD_OF_UNIT,
        "Plt",
        since=date(2026, 11, 1),
        until=date(2026, 11, 20),
        deputy=True,
    )
    found = holders(Role.HEAD_OF_UNIT, "dinkes", date.fromisoformat(day), [*OFFICES, deputy])
    assert [office.name for office in found.offices] == [name]


def test_a_deputy_of_one_inspector_does_not_replace_that_of_another_unit():
    other = office("kab", Role.INSPECTOR, "Pembantu")
    deputy = office("inspektorat", Role.INSPECTOR, "Plh", deputy=True)
    found = holders(Role.INSPECTOR, None, offices=[INSPECTOR, other, deputy])
    assert found.offices == (deputy, other)


def test_an_office_held_by_two_tells_both():
    second = office("dinkes", Role.LIAISON, "Kedua")
    assert holders(Role.LIAISON, "dinkes", offices=[LIAISON, second]).offices == (LIAISON, second)


@pytest.mark.parametrize(
    ("role", "unit", "without", "expected"),
    [
        (Role.LIAISON, "dinkes", {LIAISON}, Holders((ADMIN,), vacancy="dinkes")),
        (Role.LIAISON, "puskesmas", {HEAD}, Holders((LIAISON,), vacancy="puskesmas")),
        (Role.REGENT, "dinkes", {REGENT}, Holders((ADMIN,), vacancy="dinkes")),
        (Role.LIAISON, "dinkes", {LIAISON, ADMIN}, Holders((ADMIN,), vacancy="dinkes")),
        (Role.ADMINISTRATOR, None, {ADMIN}, Holders((ADMIN,), vacancy="")),
        (Role.HEAD_OF_UNIT, "dinkes", {LIAISON}, Holders((HEAD,))),
    ],
    ids=[
        "administrator",
        "parent",
        "held once",
        "nobody else is left",
        "the only administrator",
        "not concerned",
    ],
)
def test_who_cannot_be_reached_is_passed_over(role, unit, without, expected):
    addresses = frozenset(each.email for each in without)
    assert Directory(UNITS, OFFICES).holders(role, unit, TODAY, addresses) == expected


def test_of_two_holders_the_one_who_can_be_reached_is_told_and_no_hole_is_named():
    second = office("dinkes", Role.LIAISON, "Kedua")
    deputy = office("dinkes", Role.HEAD_OF_UNIT, "Plt", deputy=True)
    directory = Directory(UNITS, [LIAISON, second, HEAD, deputy])
    without = frozenset({LIAISON.email, deputy.email})
    assert directory.holders(Role.LIAISON, "dinkes", TODAY, without) == Holders((second,))
    assert directory.holders(Role.HEAD_OF_UNIT, "dinkes", TODAY, without) == Holders((HEAD,))


def test_who_cannot_be_reached_is_known_whatever_the_letters_of_the_address():
    loud = OfficeHolder("dinkes", Role.LIAISON, "Penghubung", "Penghubung@Contoh.EXAMPLE")
    found = Directory(UNITS, [loud, ADMIN]).holders(
        Role.LIAISON, "dinkes", TODAY, frozenset({"penghubung@contoh.example"})
    )
    assert found.offices == (ADMIN,)


def test_units_that_are_each_others_parent_end_with_the_administrator():
    loop = [Unit("a", "A", "dinas", "b"), Unit("b", "B", "dinas", "a")]
    found = Directory(loop, [ADMIN]).holders(Role.LIAISON, "a", TODAY)
    assert found == Holders((ADMIN,), vacancy="a")


def test_empty_offices_of_units_are_listed():
    assert Directory(UNITS[1:3], OFFICES).vacancies(TODAY) == [
        ("puskesmas", Role.LIAISON),
        ("puskesmas", Role.HEAD_OF_UNIT),
    ]


@pytest.mark.parametrize(
    ("unit", "roles"),
    [
        ("dinkes", ()),
        ("puskesmas", (Role.LIAISON, Role.HEAD_OF_UNIT)),
        ("a unit of last year", ()),
    ],
)
def test_the_empty_offices_of_one_unit(unit, roles):
    assert Directory(UNITS, OFFICES).vacancies_of(unit, TODAY) == roles


def test_new_officials_replace_the_old_ones():
    directory = Directory(UNITS, OFFICES)
    directory.offices = (ADMIN,)
    assert directory.holders(Role.LIAISON, "dinkes", TODAY) == Holders((ADMIN,), vacancy="dinkes")
    assert directory.offices_of(LIAISON.email) == ()
    assert directory.offices_of(ADMIN.email.upper()) == [ADMIN]


def test_units_of_some_kinds_may_be_without_officials():
    kind = next(unit.kind for unit in UNITS if unit.id == "puskesmas")
    directory = Directory(UNITS[1:3], [ADMIN, HEAD], [kind])
    assert directory.vacancies(TODAY) == [("dinkes", Role.LIAISON)]
    found = directory.holders(Role.HEAD_OF_UNIT, "puskesmas", TODAY)
    assert found == Holders((HEAD,), vacancy=None)  # the head of its parent


@pytest.mark.parametrize(
    "spelling",
    [
        "dinkes",
        "Dinas Kesehatan",
        "DINAS  KESEHATAN",
        " dinkes kab. contoh ",
        "Dinkes\tKab. Contoh",
    ],
)
def test_a_unit_is_known_by_its_id_name_and_aliases(spelling):
    assert Directory(UNITS, []).unit_called(spelling) == "dinkes"


def test_an_unknown_spelling_is_no_unit():
    assert Directory(UNITS, []).unit_called("Dinas Kebersihan") is None


@pytest.mark.parametrize(
    ("unit", "name"), [("pupr", "Dinas Pekerjaan Umum"), ("old", "old"), (None, "")]
)
def test_a_unit_is_shown_by_its_name(unit, name):
    assert Directory(UNITS, []).name_of(unit) == name


def test_the_kinds_of_units_are_what_rules_ask():
    assert Directory(UNITS, []).kinds()["puskesmas"] == "uptd"


@pytest.mark.parametrize(
    ("rows", "unit"),
    [
        ([], None),
        ([("kab", None)], "kab"),
        ([("kab", None), ("dinsos", None)], "kab"),
        ([("kab", date(2026, 1, 31)), ("dinsos", None)], "dinsos"),
        ([("kab", date(2026, 1, 31)), ("dinsos", date(2026, 2, 28))], "dinsos"),
    ],
)
def test_the_unit_of_the_administrator_is_that_of_the_lasting_row(rows, unit):
    offices = [office(row, Role.ADMINISTRATOR, "Siti", until=until) for row, until in rows]
    others = [office("dinsos", Role.LIAISON, "Budi")]
    assert Directory([], [*others, *offices]).administrator_unit == unit
