"""Civil days, months, years and weeks of Europe/Amsterdam."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from app.kernel.calendar import (
    Period,
    add_months,
    amsterdam_day,
    calendar_year,
    ends_at,
    starts_at,
    week_of,
    working_days,
)
from app.kernel.holidays import is_free_day

days = st.dates(date(1980, 1, 1), date(2200, 12, 31))
months = st.integers(-600, 600)


@pytest.mark.parametrize(
    ("instant", "day"),
    [
        pytest.param(
            datetime(2026, 7, 15, 21, 59, 59, tzinfo=UTC),
            date(2026, 7, 15),
            id="a second before midnight in summer is still that day",
        ),
        pytest.param(
            datetime(2026, 7, 15, 22, 0, tzinfo=UTC),
            date(2026, 7, 16),
            id="midnight in summer is the next day though UTC still has the old one",
        ),
        pytest.param(
            datetime(2026, 11, 15, 22, 59, 59, tzinfo=UTC),
            date(2026, 11, 15),
            id="a second before midnight in winter is still that day",
        ),
        pytest.param(
            datetime(2026, 12, 31, 23, 0, tzinfo=UTC),
            date(2027, 1, 1),
            id="the year begins an hour before it does in UTC",
        ),
        pytest.param(
            datetime(2026, 3, 29, 1, 0, tzinfo=UTC),
            date(2026, 3, 29),
            id="the hour that summer time skips lies on its own day",
        ),
        pytest.param(
            datetime(2026, 7, 15, 20, 0, tzinfo=timezone(timedelta(hours=-5))),
            date(2026, 7, 16),
            id="another offset is converted first",
        ),
    ],
)
@pytest.mark.rule("VIS-6.1")
def test_an_instant_falls_on_its_civil_day_in_amsterdam(instant: datetime, day: date) -> None:
    assert amsterdam_day(instant) == day


def test_an_instant_without_a_time_zone_is_not_accepted() -> None:
    with pytest.raises(ValueError, match="needs a time zone"):
        amsterdam_day(datetime(2026, 7, 15, 12, 0))  # noqa: DTZ001


@pytest.mark.rule("VIS-8.1")
def test_the_calendar_year_turns_at_midnight_in_amsterdam() -> None:
    midnight = datetime(2026, 12, 31, 23, 0, tzinfo=UTC)
    assert calendar_year(midnight - timedelta(microseconds=1)) == 2026
    assert calendar_year(midnight) == 2027


@pytest.mark.parametrize(
    ("day", "hours"),
    [
        pytest.param(date(2026, 3, 28), 24, id="an ordinary day has 24 hours"),
        pytest.param(date(2026, 3, 29), 23, id="the day on which summer time begins has 23"),
        pytest.param(date(2026, 10, 25), 25, id="the day on which it ends has 25"),
    ],
)
def test_a_civil_day_is_as_long_as_the_clock_makes_it(day: date, hours: int) -> None:
    assert ends_at(day) - starts_at(day) == timedelta(hours=hours)
    assert starts_at(day).tzinfo is UTC


@given(days)
def test_a_day_begins_and_ends_at_its_own_bounds(day: date) -> None:
    assert amsterdam_day(starts_at(day)) == day
    assert amsterdam_day(ends_at(day) - timedelta(microseconds=1)) == day
    assert amsterdam_day(ends_at(day)) == day + timedelta(days=1)


@pytest.mark.parametrize(
    ("day", "count", "expected"),
    [
        pytest.param(date(2028, 2, 29), 12, date(2029, 2, 28), id="a leap day is clamped"),
        pytest.param(date(2028, 2, 29), 48, date(2032, 2, 29), id="unless it leaps again"),
        pytest.param(date(2026, 1, 31), 1, date(2026, 2, 28), id="31 January becomes 28 February"),
        pytest.param(date(2028, 1, 31), 1, date(2028, 2, 29), id="or 29 in a leap year"),
        pytest.param(date(2026, 2, 28), 1, date(2026, 3, 28), id="a month's end is no anchor"),
        pytest.param(date(2026, 12, 31), 1, date(2027, 1, 31), id="December leads to January"),
        pytest.param(date(2026, 1, 15), -1, date(2025, 12, 15), id="a month back to December"),
        pytest.param(date(2026, 3, 31), -1, date(2026, 2, 28), id="clamped backwards too"),
        pytest.param(date(2026, 6, 15), 0, date(2026, 6, 15), id="no months is the day itself"),
    ],
)
@pytest.mark.rule("VIS-7.7")
def test_months_are_added_by_the_calendar(day: date, count: int, expected: date) -> None:
    assert add_months(day, count) == expected


@given(days, months)
def test_adding_months_keeps_the_day_or_takes_the_last_of_the_month(day: date, count: int) -> None:
    result = add_months(day, count)
    assert (result.year * 12 + result.month) - (day.year * 12 + day.month) == count
    is_last_of_month = (result + timedelta(days=1)).day == 1
    assert result.day == day.day or (result.day < day.day and is_last_of_month)


@given(days, days, months)
def test_adding_months_keeps_the_order_of_days(one: date, other: date, count: int) -> None:
    earlier, later = sorted((one, other))
    assert add_months(earlier, count) <= add_months(later, count)


@given(days, months, months)
def test_more_months_lead_to_a_later_day(day: date, one: int, other: int) -> None:
    assume(one != other)
    fewer, more = sorted((one, other))
    assert add_months(day, fewer) < add_months(day, more)


@pytest.mark.parametrize(
    ("day", "week"),
    [
        pytest.param(date(2026, 1, 1), (2026, 1), id="a Thursday opens week 1"),
        pytest.param(date(2027, 1, 3), (2026, 53), id="early January can be last year's week 53"),
        pytest.param(date(2024, 12, 30), (2025, 1), id="late December can be next year's week 1"),
    ],
)
@pytest.mark.rule("VIS-8.4")
def test_a_week_is_told_with_its_own_year(day: date, week: tuple[int, int]) -> None:
    assert week_of(day) == week


@pytest.mark.parametrize(
    ("first", "last", "count"),
    [
        pytest.param(date(2026, 6, 1), date(2026, 6, 5), 5, id="Monday to Friday, both included"),
        pytest.param(date(2026, 6, 1), date(2026, 6, 1), 1, id="a single working day"),
        pytest.param(date(2026, 6, 6), date(2026, 6, 7), 0, id="a weekend has none"),
        pytest.param(date(2026, 4, 3), date(2026, 4, 7), 1, id="Good Friday to Easter Tuesday"),
        pytest.param(date(2026, 6, 5), date(2026, 6, 1), 0, id="none when the days are reversed"),
    ],
)
@pytest.mark.rule("LAW-4")
def test_working_days_are_those_that_are_not_free(first: date, last: date, count: int) -> None:
    assert working_days(first, last) == count


@given(days, st.integers(0, 60), st.integers(0, 60))
def test_working_days_add_up_over_adjoining_runs(day: date, one: int, other: int) -> None:
    middle = day + timedelta(days=one)
    last = middle + timedelta(days=1 + other)
    total = working_days(day, middle) + working_days(middle + timedelta(days=1), last)
    assert working_days(day, last) == total
    assert working_days(day, day) == (0 if is_free_day(day) else 1)


def test_a_period_holds_its_first_day_and_not_its_end() -> None:
    period = Period(date(2026, 1, 1), date(2027, 1, 1))
    assert period == Period.of_year(2026)
    assert date(2026, 1, 1) in period
    assert date(2026, 12, 31) in period
    assert date(2025, 12, 31) not in period
    assert date(2027, 1, 1) not in period


def test_a_period_without_an_end_holds_every_later_day() -> None:
    assert date(9999, 12, 31) in Period(date(2026, 1, 1))


@pytest.mark.parametrize("until", [date(2026, 1, 1), date(2025, 12, 31)])
def test_a_period_holds_at_least_one_day(until: date) -> None:
    with pytest.raises(ValueError, match="ends after it starts"):
        Period(date(2026, 1, 1), until)


@pytest.mark.parametrize(
    ("one", "other", "do_overlap"),
    [
        pytest.param(Period.of_year(2026), Period.of_year(2026), True, id="equal periods"),
        pytest.param(Period.of_year(2026), Period.of_year(2027), False, id="touching periods"),
        pytest.param(
            Period.of_year(2026), Period(date(2026, 12, 31)), True, id="one shared day, open end"
        ),
        pytest.param(
            Period(date(2027, 1, 1)), Period.of_year(2026), False, id="open end after the other"
        ),
        pytest.param(
            Period(date(2020, 1, 1)), Period(date(2030, 1, 1)), True, id="two open ends always"
        ),
    ],
)
def test_periods_overlap_when_they_share_a_day(
    one: Period, other: Period, *, do_overlap: bool
) -> None:
    assert one.overlaps(other) is do_overlap
    assert other.overlaps(one) is do_overlap
