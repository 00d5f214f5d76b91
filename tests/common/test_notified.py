"""Who was notified: the same person is named once, under the office that readers know."""

from datetime import UTC, datetime

import pytest

from db.notices import Notification
from sla.directory import OfficeHolder, Role
from tasks.common.notified import under_own_office

AT = datetime(2026, 11, 24, tzinfo=UTC)
OFFICES = (
    OfficeHolder("kab", Role.REGIONAL_SECRETARY, "Wardasari", "Sekda@contohkab.example"),
    OfficeHolder("pupr", Role.HEAD_OF_UNIT, "Tandiarang", "kepala@contohkab.example"),
    OfficeHolder("kab", Role.HEAD_OF_UNIT, "Wardasari", "sekda@contohkab.example"),
)


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
    assert [each.role for each in under_own_office([told], OFFICES)] == [shown]
