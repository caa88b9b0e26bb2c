"""Tranches: in which one a submission falls, to the millisecond, and why."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.kernel.calendar import AMSTERDAM
from app.kernel.wording import Language, say
from app.requests.rules import (
    TrainingBasis,
    TrancheKey,
    interim_steps,
    later_tranche,
    tranche_for,
    tranche_on,
)
from tests.support.requests import odwh_policy

POLICY = odwh_policy()


def amsterdam(  # noqa: PLR0917 - the parts of an instant, in their order
    year: int, month: int, day: int, hour: int, minute: int, second: int = 0, microsecond: int = 0
) -> datetime:
    return datetime(year, month, day, hour, minute, second, microsecond, tzinfo=AMSTERDAM)


@pytest.mark.rule("VIS-6.1")
@pytest.mark.parametrize(
    ("submitted_at", "year", "number"),
    [
        pytest.param(
            amsterdam(2026, 7, 15, 23, 59, 59, 999_999), 2026, 2, id="last instant of 15 July"
        ),
        pytest.param(amsterdam(2026, 7, 16, 0, 0), 2027, 1, id="midnight after 15 July"),
        pytest.param(
            amsterdam(2026, 11, 15, 23, 59, 59, 999_999), 2027, 1, id="last instant of a Sunday"
        ),
        pytest.param(amsterdam(2026, 11, 16, 0, 0), 2027, 2, id="midnight after 15 November"),
        pytest.param(amsterdam(2026, 12, 31, 23, 59), 2027, 2, id="New Year's Eve"),
        pytest.param(amsterdam(2027, 1, 1, 0, 0), 2027, 2, id="New Year"),
        pytest.param(amsterdam(2027, 7, 15, 12, 0), 2027, 2, id="the same tranche in July"),
        pytest.param(
            datetime(2026, 7, 15, 21, 59, 59, tzinfo=UTC), 2026, 2, id="summer time, two hours off"
        ),
        pytest.param(datetime(2026, 7, 15, 22, 0, tzinfo=UTC), 2027, 1, id="midnight told in UTC"),
        pytest.param(
            datetime(2026, 11, 15, 22, 59, 59, tzinfo=UTC), 2027, 1, id="winter time, one hour off"
        ),
        pytest.param(datetime(2026, 11, 15, 23, 0, tzinfo=UTC), 2027, 2, id="winter midnight"),
    ],
)
def test_a_submission_falls_in_the_tranche_of_its_instant(
    submitted_at: datetime, year: int, number: int
) -> None:
    key = tranche_for(submitted_at, POLICY).key

    assert (key.year, key.number) == (year, number)


@pytest.mark.rule("VIS-6.1")
@pytest.mark.parametrize(
    ("day", "expected"),
    [
        pytest.param(
            date(2026, 7, 16),
            TrancheKey(2027, 1, date(2026, 7, 16), date(2026, 11, 15), date(2027, 1, 31)),
            id="first tranche of 2027",
        ),
        pytest.param(
            date(2026, 11, 16),
            TrancheKey(2027, 2, date(2026, 11, 16), date(2027, 7, 15), date(2027, 8, 31)),
            id="second tranche of 2027",
        ),
    ],
)
def test_a_tranche_opens_after_the_one_before_and_bears_the_year_of_its_decision(
    day: date, expected: TrancheKey
) -> None:
    assert tranche_on(day, POLICY) == expected


@pytest.mark.rule("VIS-6.1")
@given(st.dates(date(2020, 1, 1), date(2090, 1, 1)))
def test_every_day_falls_in_exactly_one_tranche_and_the_next_begins_the_day_after(
    day: date,
) -> None:
    key = tranche_on(day, POLICY)

    assert key.opens_on <= day <= key.closes_on < key.decision_by
    assert tranche_on(key.opens_on, POLICY) == tranche_on(key.closes_on, POLICY) == key
    assert tranche_on(key.closes_on + timedelta(days=1), POLICY).opens_on == (
        key.closes_on + timedelta(days=1)
    )


@pytest.mark.rule("VIS-6.1")
def test_a_weekend_moves_the_latest_day_only_where_the_policy_says_so() -> None:
    rolling = odwh_policy(deadline_roll="next_working_day")
    sunday, monday = date(2026, 11, 15), date(2026, 11, 16)

    assert tranche_on(sunday, POLICY).closes_on == sunday
    assert tranche_on(monday, rolling).closes_on == monday
    assert tranche_on(monday, POLICY).number == 2


@pytest.mark.rule("VIS-6.1")
def test_a_latest_day_that_moves_over_the_turn_of_the_year_keeps_its_tranche() -> None:
    at_the_turn = odwh_policy(
        deadline_roll="next_working_day",
        tranches=[
            {
                "number": 1,
                "closes_month": 12,
                "closes_day": 31,
                "decision_by_month": 2,
                "decision_by_day": 28,
                "decision_year_offset": 1,
            }
        ],
    )

    # 31 December 2027 is a Friday; of 2028 a Sunday, and Monday is New Year's Day.
    assert tranche_on(date(2028, 1, 1), at_the_turn).opens_on == date(2028, 1, 1)
    moved = tranche_on(date(2029, 1, 2), at_the_turn)
    assert moved == TrancheKey(2029, 1, date(2028, 1, 1), date(2029, 1, 2), date(2029, 2, 28))


@pytest.mark.rule("VIS-6.1")
def test_the_steps_tell_the_instant_the_days_and_the_tranche() -> None:
    steps = tranche_for(amsterdam(2026, 11, 15, 23, 59), POLICY).steps

    told = [say(step.text, step.facts, Language.NL) for step in steps]
    assert "15 november 2026 23:59" in told[0]
    assert "15 juli 2026" in told[1]
    assert "tranche 1 van 2027" in told[2]
    assert "31 januari 2027" in told[2]
    assert [step.rule for step in steps] == [None, "VIS-6.1", "VIS-6.1"]


@pytest.mark.rule("VIS-6.4")
def test_the_steps_of_an_interim_request_tell_its_necessity_and_what_it_waits_for() -> None:
    steps = interim_steps(
        amsterdam(2026, 9, 1, 9, 0), TrainingBasis.STATUTORY, "Het certificaat verloopt."
    )

    told = " ".join(say(step.text, step.facts, Language.EN) for step in steps)
    assert "Het certificaat verloopt." in told
    assert "MT's prior consent" in told


@pytest.mark.rule("VIS-6.2")
@pytest.mark.parametrize(
    ("today", "year", "number"),
    [
        pytest.param(date(2026, 8, 20), 2027, 1, id="the next one, on the day of the deferral"),
        pytest.param(date(2027, 1, 31), 2027, 1, id="to the last day of its decision"),
        pytest.param(date(2027, 2, 1), 2027, 2, id="a day later the one after"),
        pytest.param(date(2028, 3, 1), 2028, 2, id="long after"),
    ],
)
def test_a_deferred_request_is_taken_up_in_the_first_later_tranche_still_to_be_decided(
    today: date, year: int, number: int
) -> None:
    deferred_from = tranche_on(date(2026, 7, 1), POLICY)

    key = later_tranche(deferred_from, today=today, policy=POLICY)

    assert (key.year, key.number) == (year, number)
