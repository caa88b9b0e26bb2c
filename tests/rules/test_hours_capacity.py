from datetime import date, timedelta
from itertools import pairwise
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.hours.errors import SpanReversed, SpanTooLong
from app.hours.rules import (
    CapacityPer,
    ContractSpan,
    Occupation,
    capacity,
    check_span,
    contract_minutes_in,
    first_contracts,
    spans_of,
)
from app.kernel.quantities import Minutes

NOOR = UUID(int=1)
IDRIS = UUID(int=2)

days = st.dates(date(2020, 1, 1), date(2035, 12, 31))


def contract(
    weekly: int = 2160,
    *,
    who: UUID = NOOR,
    valid_from: date = date(2020, 1, 1),
    valid_until: date | None = None,
) -> ContractSpan:
    return ContractSpan(who, valid_from, valid_until, Minutes(weekly))


@pytest.mark.rule("VIS-8.4")
@pytest.mark.parametrize(
    ("from_on", "until_on", "per", "spans"),
    [
        pytest.param(
            date(2026, 12, 31),
            date(2027, 1, 4),
            CapacityPer.WEEK,
            [
                (date(2026, 12, 28), date(2027, 1, 4)),
                (date(2027, 1, 4), date(2027, 1, 11)),
            ],
            id="the last week of 2026 runs into 2027",
        ),
        pytest.param(
            date(2027, 1, 3),
            date(2027, 1, 3),
            CapacityPer.WEEK,
            [(date(2026, 12, 28), date(2027, 1, 4))],
            id="a Sunday belongs to the week that began on Monday",
        ),
        pytest.param(
            date(2026, 12, 31),
            date(2027, 1, 1),
            CapacityPer.MONTH,
            [
                (date(2026, 12, 1), date(2027, 1, 1)),
                (date(2027, 1, 1), date(2027, 2, 1)),
            ],
            id="New Year's Eve and New Year's Day are two months",
        ),
        pytest.param(
            date(2028, 2, 29),
            date(2028, 2, 29),
            CapacityPer.MONTH,
            [(date(2028, 2, 1), date(2028, 3, 1))],
            id="a leap day ends its month",
        ),
        pytest.param(
            date(2026, 1, 31),
            date(2026, 4, 30),
            CapacityPer.MONTH,
            [
                (date(2026, 1, 1), date(2026, 2, 1)),
                (date(2026, 2, 1), date(2026, 3, 1)),
                (date(2026, 3, 1), date(2026, 4, 1)),
                (date(2026, 4, 1), date(2026, 5, 1)),
            ],
            id="months of unequal length",
        ),
    ],
)
def test_a_span_of_days_is_divided_in_whole_weeks_or_months(
    from_on: date, until_on: date, per: CapacityPer, spans: list[tuple[date, date]]
) -> None:
    assert spans_of(from_on=from_on, until_on=until_on, per=per) == spans


@pytest.mark.rule("VIS-8.4")
@given(from_on=days, length=st.integers(0, 400), per=st.sampled_from(CapacityPer))
def test_spans_join_and_hold_every_day_asked(from_on: date, length: int, per: CapacityPer) -> None:
    until_on = from_on + timedelta(days=length)
    spans = spans_of(from_on=from_on, until_on=until_on, per=per)
    assert spans[0][0] <= from_on < spans[0][1]
    assert spans[-1][0] <= until_on < spans[-1][1]
    assert all(left[1] == right[0] for left, right in pairwise(spans))
    for starts_on, ends_before in spans:
        if per is CapacityPer.WEEK:
            assert (starts_on.weekday(), (ends_before - starts_on).days) == (0, 7)
        else:
            assert (starts_on.day, ends_before.day) == (1, 1)


@pytest.mark.rule("VIS-8.4")
@pytest.mark.parametrize(
    ("contracts", "span", "expected"),
    [
        pytest.param([contract()], (date(2026, 6, 1), date(2026, 6, 8)), 2160, id="a whole week"),
        pytest.param([contract()], (date(2026, 6, 6), date(2026, 6, 8)), 0, id="a weekend"),
        pytest.param(
            [contract()], (date(2026, 6, 1), date(2026, 7, 1)), 9504, id="22 weekdays of June"
        ),
        pytest.param(
            [contract(valid_until=date(2026, 6, 4)), contract(1440, valid_from=date(2026, 6, 4))],
            (date(2026, 6, 1), date(2026, 6, 8)),
            1872,
            id="three days of the old contract and two of the new",
        ),
        pytest.param(
            [contract(valid_until=date(2026, 6, 1))],
            (date(2026, 6, 1), date(2026, 6, 8)),
            0,
            id="a contract that ended the day before",
        ),
        pytest.param(
            [contract(valid_from=date(2026, 6, 8))],
            (date(2026, 6, 1), date(2026, 6, 8)),
            0,
            id="a contract that begins the day after",
        ),
        pytest.param([], (date(2026, 6, 1), date(2026, 6, 8)), 0, id="nobody"),
        pytest.param(
            [contract(2163), contract(2163)],
            (date(2026, 6, 1), date(2026, 6, 2)),
            865,
            id="what is left of a minute is dropped once, not per contract",
        ),
    ],
)
def test_contract_minutes_are_those_of_the_weekdays_in_the_span(
    contracts: list[ContractSpan], span: tuple[date, date], expected: int
) -> None:
    assert contract_minutes_in(span, contracts) == expected


@given(
    starts_on=days,
    length=st.integers(0, 60),
    weekly=st.integers(0, 3600),
    valid_from=days,
    valid_for=st.none() | st.integers(0, 4000),
)
def test_contract_minutes_add_up_day_by_day(
    starts_on: date, length: int, weekly: int, valid_from: date, valid_for: int | None
) -> None:
    until = None if valid_for is None else valid_from + timedelta(days=valid_for)
    one = contract(weekly, valid_from=valid_from, valid_until=until)
    ends_before = starts_on + timedelta(days=length)
    each = (starts_on + timedelta(days=offset) for offset in range(length))
    worked = sum(day.weekday() < 5 and one.covers(day) for day in each)
    assert contract_minutes_in((starts_on, ends_before), [one]) == worked * weekly // 5


@pytest.mark.rule("VIS-8.1")
def test_the_contract_of_a_year_is_the_one_on_1_january_or_the_first_to_begin() -> None:
    contracts = [
        contract(1800, valid_from=date(2027, 5, 1)),
        contract(2160, valid_from=date(2027, 1, 1), valid_until=date(2027, 5, 1)),
        contract(1440, who=IDRIS, valid_from=date(2027, 9, 1)),
    ]
    assert first_contracts(contracts) == {NOOR: 2160, IDRIS: 1440}


@pytest.mark.parametrize(
    ("from_on", "until_on"),
    [
        pytest.param(date(2028, 1, 1), date(2028, 1, 1), id="a single day"),
        pytest.param(date(2028, 1, 1), date(2028, 12, 31), id="a leap year"),
    ],
)
def test_a_span_of_up_to_a_year_is_answered(from_on: date, until_on: date) -> None:
    check_span(from_on=from_on, until_on=until_on)


@pytest.mark.parametrize(
    ("from_on", "until_on", "refusal"),
    [
        pytest.param(date(2028, 1, 2), date(2028, 1, 1), SpanReversed, id="reversed"),
        pytest.param(date(2028, 1, 1), date(2029, 1, 1), SpanTooLong, id="a leap year and a day"),
    ],
)
def test_a_span_reversed_or_over_a_year_is_refused(
    from_on: date, until_on: date, refusal: type[Exception]
) -> None:
    with pytest.raises(refusal):
        check_span(from_on=from_on, until_on=until_on)


def occupied(who: UUID, held_on: date, **minutes: int) -> Occupation:
    return Occupation(who, held_on, **{name: Minutes(value) for name, value in minutes.items()})


WEEK = (date(2026, 6, 1), date(2026, 6, 8))


@pytest.mark.rule("VIS-8.4")
def test_a_team_is_shown_as_a_whole_and_then_by_member() -> None:
    rows = capacity(
        spans=[WEEK],
        contracts=[contract(), contract(1440, who=IDRIS)],
        occupations=[
            occupied(NOOR, date(2026, 6, 1), reserved_minutes=480),
            occupied(NOOR, date(2026, 6, 7), attended_minutes=60),
            occupied(IDRIS, date(2026, 6, 3), requested_minutes=240, reserved_minutes=30),
            occupied(IDRIS, date(2026, 6, 8), requested_minutes=999),
        ],
    )
    assert [
        (
            row.employee_id,
            row.contract_minutes,
            row.requested_minutes,
            row.reserved_minutes,
            row.attended_minutes,
        )
        for row in rows
    ] == [(None, 3600, 240, 510, 60), (NOOR, 2160, 0, 480, 60), (IDRIS, 1440, 240, 30, 0)]
    assert {(row.starts_on, row.ends_before) for row in rows} == {WEEK}


@pytest.mark.rule("VIS-8.4")
def test_what_a_member_learns_outside_the_team_is_not_the_teams() -> None:
    rows = capacity(
        spans=[WEEK],
        contracts=[contract(valid_until=date(2026, 6, 3))],
        occupations=[
            occupied(NOOR, date(2026, 6, 2), reserved_minutes=480),
            occupied(NOOR, date(2026, 6, 3), reserved_minutes=60),
            occupied(IDRIS, date(2026, 6, 2), reserved_minutes=60),
        ],
    )
    assert [row.reserved_minutes for row in rows] == [480, 480]


@pytest.mark.rule("VIS-8.4")
def test_only_the_members_shown_have_a_row_of_their_own() -> None:
    rows = capacity(
        spans=[WEEK],
        contracts=[contract(), contract(1440, who=IDRIS)],
        occupations=[occupied(NOOR, date(2026, 6, 1), reserved_minutes=480)],
        shown=frozenset({IDRIS, UUID(int=3)}),
    )
    assert [(row.employee_id, row.contract_minutes, row.reserved_minutes) for row in rows] == [
        (None, 3600, 480),
        (IDRIS, 1440, 0),
    ]
