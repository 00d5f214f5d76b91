"""Numbers for people are rounded as a spreadsheet rounds them: a half goes up."""

from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

import pytest

from tasks.text.numbers import decimal_text, half_up, percent_text


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (2.25, "2,3"),
        (2.35, "2,4"),
        (-2.25, "-2,3"),
        (0.04, "0"),
        (-0.04, "0"),
        (1234.05, "1.234,1"),
        (3.0, "3"),
        (None, "–"),
    ],
)
def test_the_half_of_a_tenth_goes_up(value, shown):
    assert decimal_text(value, "id") == shown


@pytest.mark.parametrize(
    ("share", "shown"), [(1 / 16, "6.3%"), (0.0335, "3.4%"), (0.0345, "3.5%"), (1, "100%")]
)
def test_a_share_is_shown_as_by_a_spreadsheet_with_one_decimal(share, shown):
    assert percent_text(share, "en") == shown


def test_no_share_of_whole_numbers_is_rounded_otherwise_than_exact_arithmetic_does():
    for whole in range(1, 161):
        for part in range(whole + 1):
            tenths = Fraction(1000 * part, whole)
            exact = Decimal(2 * tenths.numerator + tenths.denominator) // (2 * tenths.denominator)
            assert round(half_up(100 * (part / whole), 1) * 10) == exact, (part, whole)


@pytest.mark.parametrize("value", [0.5, 1.5, 2.5, -2.5, 2.4999, 7])
def test_whole_numbers(value):
    assert half_up(value) == Decimal(str(value)).quantize(Decimal(1), ROUND_HALF_UP)
