"""Who was notified: the person who got a notice, by the office that readers know."""

from datetime import UTC, date, datetime, timedelta

import pytest

from db.notices import Notification
from sla.directory import Directory, OfficeHolder, Role, Unit
from tasks.common.notified import NotifiedOffices, notified_by_role
from tasks.reports.notified_text import notified_key, notified_text

AT = datetime(2026, 11, 24, tzinfo=UTC)
UNITS = (
    Unit("kab", "Kabupaten", "office", None),
    Unit("pupr", "Dinas PUPR", "office", "kab"),
    Unit("uptd", "UPTD Jalan", "office", "pupr"),
    Unit("pos", "Pos Jalan", "post", "pupr"),
    Unit("dishub", "Dinas Perhubungan", "office", "kab"),
    Unit("kominfo", "Dinas Kominfo", "office", "kab"),
)
OFFICES = (
    OfficeHolder("kab", Role.REGIONAL_SECRETARY, "Wardasari", "Sekda@contohkab.example"),
    OfficeHolder("pupr", Role.HEAD_OF_UNIT, "Tandiarang", "kepala@contohkab.example"),
    OfficeHolder("kab", Role.HEAD_OF_UNIT, "Wardasari", "sekda@contohkab.example"),
    OfficeHolder("kominfo", Role.ADMINISTRATOR, "Adi", "adi@contohkab.example"),
    OfficeHolder("kominfo", Role.LIAISON, "Adi", "adi@contohkab.example"),
    OfficeHolder("dishub", Role.LIAISON, "Adi", "adi@contohkab.example", until=date(2026, 11, 23)),
)
DIRECTORY = Directory(UNITS, OFFICES, no_officers_needed=("post",))


def notified(*mails: Notification, **more):
    return notified_by_role(mails, NotifiedOffices(DIRECTORY, UTC), UTC, **more)


@pytest.mark.parametrize(
    ("role", "recipient", "unit", "shown"),
    [
        ("head_of_unit", "sekda@contohkab.example", "dishub", "regional_secretary"),
        ("liaison", "SEKDA@contohkab.example", "pupr", "regional_secretary"),
        ("head_of_unit", "sekda@contohkab.example", "kab", "head_of_unit"),  # her own office
        ("regional_secretary", "sekda@contohkab.example", "dishub", "regional_secretary"),
        ("liaison", "kepala@contohkab.example", "pupr", "liaison"),  # no superior
    ],
)
def test_a_superior_in_the_place_of_an_office_is_named_by_the_own_one(role, recipient, unit, shown):
    told = Notification(role, AT, recipient=recipient, unit=unit)
    assert [(each.role, each.instead) for each in notified(told, people_once=True)] == [(shown, "")]


@pytest.mark.parametrize(
    ("role", "recipient", "unit", "said"),
    [
        ("inspector", "adi", "pupr", "Administrator Pengaduan (menggantikan Inspektur)"),
        ("head_of_unit", "adi", "pupr", "Administrator Pengaduan (menggantikan Kepala Perangkat"),
        ("liaison", "adi", "kominfo", "Pejabat Penghubung ("),  # his own office
        ("liaison", "adi", "dishub", "Administrator Pengaduan (menggantikan Pejabat Penghubung)"),
        ("administrator", "adi", "pupr", "Administrator Pengaduan (24"),
        ("head_of_unit", "sekda", "dishub", "Sekretaris Daerah (menggantikan Kepala Perangkat"),
        ("head_of_unit", "kepala", "pupr", "Kepala Perangkat Daerah (24"),
        ("head_of_unit", "kepala", "uptd", "Kepala Perangkat Daerah unit atasan (24"),
        ("head_of_unit", "kepala", "pos", "Kepala Perangkat Daerah (24"),  # needs none of its own
        ("inspector", "gone", "pupr", "Inspektur (24"),  # nobody knows any more whose address it is
    ],
)
def test_a_report_names_who_got_the_notice_of_a_vacant_office(role, recipient, unit, said):
    told = Notification(role, AT, recipient=f"{recipient}@contohkab.example", unit=unit)
    key = notified_key(notified(told), UTC)
    assert notified_text(key, "id", UTC).startswith(said)


def test_notices_in_the_place_of_another_office_are_no_occasions_of_the_own_one():
    mail = Notification("liaison", AT, "Adi", "adi@contohkab.example", "kominfo")
    instead = mail._replace(role="inspector")
    found = notified(mail, instead, instead)
    assert [(each.role, each.instead, each.times) for each in found] == [
        ("liaison", "", 1),
        ("administrator", "inspector", 1),
    ]


@pytest.mark.parametrize(
    ("unit", "day", "name"),
    [
        ("dishub", 20, "Plt. Sulle"),
        ("pupr", 20, "Sulle"),  # the own office at the same time
        ("pupr", 27, "Sulle"),
        ("uptd", 20, "Sulle"),  # vacant: the head above got the notice
    ],
)
def test_a_deputy_is_named_so_for_that_office_alone(unit, day, name):
    address = "sulle@contohkab.example"
    offices = (
        OfficeHolder("pupr", Role.HEAD_OF_UNIT, "Sulle", address),
        OfficeHolder(
            "dishub", Role.HEAD_OF_UNIT, "Sulle", address, until=date(2026, 11, 23), deputy=True
        ),
    )
    known = NotifiedOffices(Directory(UNITS, offices), UTC)
    at = datetime(2026, 11, day, tzinfo=UTC)
    assert known.named("Sulle", "head_of_unit", unit, address.upper(), at) == name


def test_the_offices_of_two_units_are_apart_where_a_complaint_was_at_both():
    mails = [
        Notification(role, AT, recipient=f"{name}@contohkab.example", unit=unit, name=name)
        for role, name, unit in (
            ("liaison", "Ani", "dishub"),
            ("liaison", "Budi", "pupr"),
            ("regional_secretary", "sekda", "dishub"),
            ("regional_secretary", "sekda", "pupr"),
        )
    ]
    found = notified(*mails, by_unit=True)
    assert [(each.role, each.unit, each.names) for each in found] == [
        ("liaison", "dishub", ("Ani",)),
        ("liaison", "pupr", ("Budi",)),
        ("regional_secretary", "", ("sekda",)),
    ]


def test_a_mail_lists_a_person_with_two_offices_once():
    """By the highest one, with all mails; a colleague of one of the offices is apart."""
    day = timedelta(days=1)
    mails = [
        Notification(role, AT + n * day, name, f"{address}@contohkab.example", "pupr")
        for role, n, name, address in (
            ("liaison", 0, "Rahmat", "rahmat"),
            ("liaison", 1, "Rahmat", "RAHMAT"),
            ("liaison", 1, "Ani", "ani"),
            ("head_of_unit", 1, "Plt. Rahmat", "rahmat"),
            ("head_of_unit", 2, "Plt. Rahmat", "rahmat"),
        )
    ]
    found = notified(*mails, people_once=True, by_unit=True)
    assert [(each.role, each.names, each.times) for each in found] == [
        ("liaison", ("Ani",), 1),
        ("head_of_unit", ("Plt. Rahmat",), 3),
    ]
    apart = notified(*mails, by_unit=True)
    assert [(each.role, each.times) for each in apart] == [("liaison", 2), ("head_of_unit", 2)]


def test_a_report_names_the_unit_of_an_office_of_another_unit():
    mails = [
        Notification("liaison", AT, recipient=f"{name}@contohkab.example", unit=unit, name=name)
        for name, unit in (("Ani", "dishub"), ("Budi", "pupr"))
    ]
    key = notified_key(notified(*mails, by_unit=True), UTC, "pupr")
    assert sorted(key.split(", ")) == ["liaison 1 2026-11-24", "liaison@dishub 1 2026-11-24"]
    said = notified_text(key, "id", UTC, {"dishub": "Dinas Perhubungan"}.__getitem__)
    assert sorted(said.split(", ")) == [
        "Pejabat Penghubung (24 Nov 2026)",
        "Pejabat Penghubung Dinas Perhubungan (24 Nov 2026)",
    ]
