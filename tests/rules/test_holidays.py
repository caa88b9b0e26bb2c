"""The table of recognised holidays, LAW-4."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.kernel.holidays import (
    DECREED,
    TABLE_VERSION,
    YEARLY,
    easter_sunday,
    holiday_name,
    holiday_on,
    holidays_of,
    is_free_day,
    is_holiday,
    next_working_day,
)

pytestmark = pytest.mark.rule("LAW-4")

days = st.dates(date(2014, 1, 1), date(2199, 12, 31))
SUNDAY = 6


@pytest.mark.parametrize(
    ("year", "day"),
    [
        (1961, date(1961, 4, 2)),
        (2000, date(2000, 4, 23)),
        (2008, date(2008, 3, 23)),
        (2024, date(2024, 3, 31)),
        (2026, date(2026, 4, 5)),
        (2027, date(2027, 3, 28)),
        (2028, date(2028, 4, 16)),
        (2038, date(2038, 4, 25)),
        (2049, date(2049, 4, 18)),
        (2285, date(2285, 3, 22)),
    ],
)
def test_easter_falls_where_the_almanac_has_it(year: int, day: date) -> None:
    assert easter_sunday(year) == day


@given(st.integers(1583, 4099))
def test_easter_is_a_sunday_from_22_march_to_25_april(year: int) -> None:
    easter = easter_sunday(year)
    assert easter.weekday() == SUNDAY
    assert date(year, 3, 22) <= easter <= date(year, 4, 25)


def test_the_holidays_of_2026_are_those_of_the_table() -> None:
    assert list(holidays_of(2026)) == [
        date(2026, 1, 1),
        date(2026, 1, 2),
        date(2026, 4, 3),
        date(2026, 4, 6),
        date(2026, 4, 27),
        date(2026, 5, 5),
        date(2026, 5, 14),
        date(2026, 5, 15),
        date(2026, 5, 25),
        date(2026, 12, 25),
        date(2026, 12, 26),
    ]


@pytest.mark.parametrize(
    "day",
    [
        date(2026, 1, 2),
        date(2026, 5, 15),
        date(2027, 5, 7),
        date(2028, 4, 28),
        date(2028, 5, 26),
    ],
)
def test_a_day_equated_by_decree_is_a_holiday_in_its_own_year_only(day: date) -> None:
    assert is_holiday(day)
    assert day in DECREED
    holiday = holiday_on(day)
    assert holiday is not None
    assert "royal decree" in holiday.source
    assert day.replace(year=2029) not in holidays_of(2029)


@pytest.mark.parametrize(
    ("day", "is_kept"),
    [
        pytest.param(date(2026, 4, 27), True, id="27 April is King's Day"),
        pytest.param(date(2031, 4, 27), False, id="but not when it is a Sunday"),
        pytest.param(date(2031, 4, 26), True, id="then it is the Saturday before"),
        pytest.param(date(2026, 4, 26), False, id="26 April is otherwise an ordinary day"),
    ],
)
def test_kings_day_is_never_kept_on_a_sunday(day: date, *, is_kept: bool) -> None:
    assert is_holiday(day) is is_kept


def test_a_holiday_has_its_name_in_both_languages_and_a_source() -> None:
    name = holiday_name(date(2026, 4, 3))
    assert name is not None
    assert (name.en, name.nl) == ("Good Friday", "Goede Vrijdag")
    assert all(entry.holiday.source for entry in YEARLY)
    assert TABLE_VERSION


def test_where_a_decree_and_the_law_name_one_day_the_law_is_told() -> None:
    ascension = easter_sunday(2016) + timedelta(days=39)
    assert ascension == date(2016, 5, 5)
    holiday = holiday_on(ascension)
    assert holiday is not None
    assert holiday.source == "Algemene termijnenwet, art. 3(1)"


def test_an_ordinary_day_has_no_name() -> None:
    assert holiday_name(date(2026, 6, 1)) is None


@pytest.mark.parametrize(
    ("day", "is_free"),
    [
        pytest.param(date(2026, 6, 5), False, id="a Friday"),
        pytest.param(date(2026, 6, 6), True, id="a Saturday"),
        pytest.param(date(2026, 4, 5), True, id="Easter Sunday, free as a Sunday"),
        pytest.param(date(2026, 5, 5), True, id="Liberation Day on a Tuesday"),
    ],
)
def test_weekends_and_holidays_are_free(day: date, *, is_free: bool) -> None:
    assert is_free_day(day) is is_free


def test_easter_sunday_is_no_recognised_holiday_of_its_own() -> None:
    assert not is_holiday(date(2026, 4, 5))


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        pytest.param(date(2026, 4, 2), date(2026, 4, 2), id="a working day is its own"),
        pytest.param(date(2026, 4, 3), date(2026, 4, 7), id="from Good Friday past Easter Monday"),
        pytest.param(
            date(2026, 5, 14), date(2026, 5, 18), id="from Ascension past the equated day"
        ),
        pytest.param(date(2026, 12, 25), date(2026, 12, 28), id="from Christmas past the Sunday"),
        pytest.param(date(2025, 12, 31), date(2025, 12, 31), id="31 December is an ordinary day"),
        pytest.param(date(2026, 1, 1), date(2026, 1, 5), id="from New Year past 2 January 2026"),
    ],
)
def test_the_next_working_day_is_the_first_that_is_not_free(day: date, expected: date) -> None:
    assert next_working_day(day) == expected


@given(days)
def test_from_any_day_to_the_next_working_day_all_days_are_free(day: date) -> None:
    found = next_working_day(day)
    assert not is_free_day(found)
    assert all(is_free_day(day + timedelta(days=n)) for n in range((found - day).days))
