"""Whole cents and minutes, and how a part of them is taken."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.kernel.quantities import part, percentage

amounts = st.integers(0, 10**12)
denominators = st.integers(1, 10**6)


@pytest.mark.parametrize(
    ("whole", "numerator", "denominator", "expected"),
    [
        pytest.param(100, 1, 4, 25, id="an exact part stays exact"),
        pytest.param(1, 1, 2, 1, id="half a unit is rounded up"),
        pytest.param(5, 1, 2, 3, id="half of an odd amount is rounded up"),
        pytest.param(100, 1, 3, 33, id="less than half is dropped"),
        pytest.param(200, 1, 3, 67, id="more than half is taken up"),
        pytest.param(200_000, 0, 24, 0, id="no part of an amount is nil"),
        pytest.param(0, 7, 12, 0, id="any part of nothing is nil"),
        pytest.param(200_001, 24, 24, 200_001, id="all of an amount is the amount"),
    ],
)
def test_a_part_is_rounded_to_the_nearest_unit(
    whole: int, numerator: int, denominator: int, expected: int
) -> None:
    assert part(whole, numerator=numerator, denominator=denominator) == expected


@pytest.mark.rule("VIS-7.7")
def test_half_of_an_odd_amount_of_cents_is_rounded_up() -> None:
    assert percentage(200_001, percent=50) == 100_001
    assert percentage(200_001, percent=100) == 200_001
    assert percentage(200_001, percent=0) == 0


@given(amounts, denominators, st.data())
def test_a_part_lies_within_half_a_unit_of_the_exact_one(
    whole: int, denominator: int, data: st.DataObject
) -> None:
    numerator = data.draw(st.integers(0, denominator))
    found = part(whole, numerator=numerator, denominator=denominator)
    error = found - Fraction(whole * numerator, denominator)
    assert -Fraction(1, 2) < error <= Fraction(1, 2)
    assert 0 <= found <= whole


@given(amounts, denominators, st.data())
def test_a_part_and_its_remainder_make_the_whole(
    whole: int, denominator: int, data: st.DataObject
) -> None:
    numerator = data.draw(st.integers(0, denominator))
    owed = part(whole, numerator=numerator, denominator=denominator)
    forgiven = part(whole, numerator=denominator - numerator, denominator=denominator)
    is_exactly_half = (2 * whole * numerator) % (2 * denominator) == denominator
    assert owed + forgiven == whole + is_exactly_half


@given(amounts, denominators, st.data())
def test_a_larger_part_is_never_less(whole: int, denominator: int, data: st.DataObject) -> None:
    numerator = data.draw(st.integers(0, denominator - 1))
    smaller = part(whole, numerator=numerator, denominator=denominator)
    assert smaller <= part(whole, numerator=numerator + 1, denominator=denominator)
