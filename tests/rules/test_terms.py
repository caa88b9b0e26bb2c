"""Terms: LAW-4 (free days), LAW-6 (suspension), LAW-7 (objection)."""

from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.kernel.calendar import Period, working_days
from app.kernel.holidays import is_free_day, next_working_day
from app.kernel.terms import (
    OBJECTION,
    Days,
    Invitation,
    Length,
    Months,
    Roll,
    Start,
    TermRule,
    Weeks,
    Years,
    reckon,
    suspension_of,
    united,
)
from app.kernel.wording import Language, say

ONE_DAY = timedelta(days=1)

days = st.dates(date(2014, 1, 1), date(2100, 12, 31))
short_lengths: st.SearchStrategy[Length] = st.one_of(
    st.builds(Days, st.integers(1, 90)),
    st.builds(Weeks, st.integers(1, 12)),
    st.builds(Months, st.integers(1, 3)),
)
lengths: st.SearchStrategy[Length] = st.one_of(
    short_lengths,
    st.builds(Days, st.integers(91, 400)),
    st.builds(Weeks, st.integers(13, 60)),
    st.builds(Months, st.integers(4, 60)),
    st.builds(Years, st.integers(1, 10)),
)
starts = st.sampled_from(Start)
rolls = st.sampled_from(Roll)


@st.composite
def closed_periods(draw: st.DrawFn) -> Period:
    since = date(2026, 1, 1) + timedelta(days=draw(st.integers(-60, 400)))
    return Period(since, since + timedelta(days=draw(st.integers(1, 60))))


def statutory(length: Length, start: Start = Start.DAY_AFTER) -> TermRule:
    return TermRule(length=length, start=start, roll=Roll.STATUTORY)


def internal(length: Length, start: Start = Start.DAY_AFTER) -> TermRule:
    return TermRule(length=length, start=start, roll=Roll.NONE)


@pytest.mark.rule("LAW-7")
def test_objection_to_a_decision_sent_on_20_february_2026_ends_after_easter() -> None:
    result = reckon(OBJECTION, date(2026, 2, 20))
    assert result.last_day == date(2026, 4, 7)
    assert [step.rule for step in result.steps] == ["LAW-7", "LAW-4"]
    told = [say(step.text, step.facts, Language.NL) for step in result.steps]
    assert told == [
        (
            "Een termijn van 6 weken, te beginnen op de dag na 20 februari 2026, "
            "heeft 3 april 2026 als laatste dag."
        ),
        (
            "3 april 2026 is een zaterdag, zondag of erkende feestdag: "
            "de termijn loopt tot en met 7 april 2026."
        ),
    ]


@pytest.mark.rule("LAW-7")
@given(days)
def test_objection_lasts_42_days_from_the_sending_and_then_to_a_working_day(sent_on: date) -> None:
    expected = next_working_day(sent_on + timedelta(days=42))
    assert reckon(OBJECTION, sent_on).last_day == expected


@pytest.mark.parametrize(
    ("length", "start", "event_on", "last_day"),
    [
        pytest.param(
            Days(1), Start.SAME_DAY, date(2026, 6, 1), date(2026, 6, 1), id="one day, from itself"
        ),
        pytest.param(
            Days(1),
            Start.DAY_AFTER,
            date(2026, 6, 1),
            date(2026, 6, 2),
            id="one day, from the next",
        ),
        pytest.param(
            Weeks(2),
            Start.SAME_DAY,
            date(2026, 6, 1),
            date(2026, 6, 14),
            id="two weeks, from itself",
        ),
        pytest.param(
            Months(1),
            Start.SAME_DAY,
            date(2026, 3, 1),
            date(2026, 3, 31),
            id="a month from the first is that month",
        ),
        pytest.param(
            Months(1),
            Start.SAME_DAY,
            date(2026, 1, 31),
            date(2026, 2, 28),
            id="a month from 31 January takes in all of February",
        ),
        pytest.param(
            Months(4),
            Start.DAY_AFTER,
            date(2026, 10, 31),
            date(2027, 2, 28),
            id="four months after 31 October end with February",
        ),
        pytest.param(
            Years(1),
            Start.SAME_DAY,
            date(2026, 1, 1),
            date(2026, 12, 31),
            id="a year from New Year is the calendar year",
        ),
        pytest.param(
            Years(1),
            Start.DAY_AFTER,
            date(2028, 2, 29),
            date(2029, 2, 28),
            id="a year after a leap day",
        ),
    ],
)
def test_a_term_without_roll_ends_by_its_length_alone(
    length: Length, start: Start, event_on: date, last_day: date
) -> None:
    assert reckon(internal(length, start), event_on).last_day == last_day


@pytest.mark.parametrize(
    ("length", "event_on", "last_day"),
    [
        pytest.param(Days(90), date(2026, 3, 8), date(2026, 6, 8), id="90 days roll"),
        pytest.param(Days(91), date(2026, 3, 7), date(2026, 6, 6), id="91 days do not"),
        pytest.param(Weeks(12), date(2026, 3, 14), date(2026, 6, 8), id="12 weeks roll"),
        pytest.param(Weeks(13), date(2026, 3, 7), date(2026, 6, 6), id="13 weeks do not"),
        pytest.param(Months(3), date(2026, 3, 6), date(2026, 6, 8), id="three months roll"),
        pytest.param(Months(4), date(2026, 2, 6), date(2026, 6, 6), id="four months do not"),
        pytest.param(Years(1), date(2025, 6, 6), date(2026, 6, 6), id="a year does not"),
    ],
)
@pytest.mark.rule("LAW-4")
def test_only_a_short_statutory_term_rolls_off_a_saturday(
    length: Length, event_on: date, last_day: date
) -> None:
    result = reckon(statutory(length), event_on)
    assert result.last_day == last_day
    assert result.steps[-1].rule == "LAW-4"


@pytest.mark.rule("LAW-4")
def test_an_internal_date_on_a_sunday_stays_and_says_so() -> None:
    result = reckon(internal(Days(1)), date(2026, 11, 14))
    assert result.last_day == date(2026, 11, 15)
    told = say(result.steps[-1].text, result.steps[-1].facts, Language.EN)
    assert told == (
        "15 November 2026 is a Saturday, Sunday or recognised holiday; "
        "a term of this kind does not move for that."
    )


@pytest.mark.rule("LAW-4")
def test_a_scheme_can_roll_a_long_term_by_its_own_terms() -> None:
    scheme = TermRule(length=Years(1), start=Start.DAY_AFTER, roll=Roll.NEXT_WORKING_DAY)
    assert reckon(scheme, date(2025, 6, 6)).last_day == date(2026, 6, 8)


@pytest.mark.parametrize(
    ("length", "event_on", "last_day"),
    [
        pytest.param(
            Days(3),
            date(2026, 6, 5),
            date(2026, 6, 9),
            id="Saturday to Monday holds one working day, so Tuesday is added",
        ),
        pytest.param(
            Days(3), date(2026, 6, 4), date(2026, 6, 8), id="Friday, and the Monday of the roll"
        ),
        pytest.param(Days(2), date(2026, 6, 5), date(2026, 6, 8), id="two days only roll"),
        pytest.param(
            Days(3),
            date(2026, 12, 24),
            date(2026, 12, 29),
            id="Christmas to Sunday holds none, so two are added",
        ),
        pytest.param(Days(4), date(2026, 6, 5), date(2026, 6, 9), id="four days hold two already"),
    ],
)
@pytest.mark.rule("LAW-4")
def test_a_statutory_term_of_three_days_holds_two_working_days(
    length: Length, event_on: date, last_day: date
) -> None:
    assert reckon(statutory(length), event_on).last_day == last_day


@pytest.mark.parametrize(
    ("length", "start", "event_on", "last_day"),
    [
        pytest.param(
            Weeks(4),
            Start.DAY_AFTER,
            date(2026, 6, 29),
            date(2026, 6, 1),
            id="four weeks before the start",
        ),
        pytest.param(
            Weeks(4),
            Start.SAME_DAY,
            date(2026, 6, 29),
            date(2026, 6, 2),
            id="four weeks back with the day itself",
        ),
        pytest.param(
            Weeks(4),
            Start.DAY_AFTER,
            date(2026, 6, 28),
            date(2026, 5, 31),
            id="a Sunday stays though the term is statutory",
        ),
        pytest.param(
            Months(1),
            Start.DAY_AFTER,
            date(2026, 3, 31),
            date(2026, 2, 28),
            id="a month before 31 March is clamped",
        ),
    ],
)
@pytest.mark.rule("LAW-4")
def test_a_term_counted_backwards_does_not_roll(
    length: Length, start: Start, event_on: date, last_day: date
) -> None:
    rule = TermRule(length=length, start=start, roll=Roll.STATUTORY, backwards=True)
    result = reckon(rule, event_on)
    assert result.last_day == last_day
    assert "counted back" in result.steps[0].text.en


def test_a_term_counted_backwards_can_not_be_suspended() -> None:
    rule = TermRule(length=Weeks(4), start=Start.DAY_AFTER, roll=Roll.NONE, backwards=True)
    with pytest.raises(ValueError, match="can not be suspended"):
        reckon(rule, date(2026, 6, 29), [Period(date(2026, 6, 1), date(2026, 6, 2))])


@pytest.mark.parametrize("count", [0, -1])
def test_a_length_is_at_least_one(count: int) -> None:
    with pytest.raises(ValueError, match="one or more"):
        Days(count)


@pytest.mark.parametrize(
    ("length", "told"),
    [(Days(1), "1 dag"), (Weeks(1), "1 week"), (Months(2), "2 maanden"), (Years(3), "3 jaar")],
)
def test_a_length_is_told_in_its_unit(length: Length, told: str) -> None:
    step = reckon(internal(length), date(2026, 6, 1)).steps[0]
    assert f"Een termijn van {told}," in say(step.text, step.facts, Language.NL)


@pytest.mark.parametrize(
    ("answer_by", "completed_on", "suspended"),
    [
        pytest.param(
            date(2026, 6, 15),
            date(2026, 6, 10),
            Period(date(2026, 6, 2), date(2026, 6, 10)),
            id="until the day of completion",
        ),
        pytest.param(
            date(2026, 6, 15),
            None,
            Period(date(2026, 6, 2), date(2026, 6, 15)),
            id="until the term's unused end",
        ),
        pytest.param(
            date(2026, 6, 15),
            date(2026, 6, 20),
            Period(date(2026, 6, 2), date(2026, 6, 15)),
            id="completion after the term does not lengthen it",
        ),
        pytest.param(
            date(2026, 6, 15), date(2026, 6, 1), None, id="completed on the day of the invitation"
        ),
        pytest.param(date(2026, 6, 15), date(2026, 6, 2), None, id="completed on the day after it"),
        pytest.param(None, date(2026, 6, 10), None, id="without a term nothing is suspended"),
    ],
)
@pytest.mark.rule("LAW-6")
@pytest.mark.rule("LAW-5")
def test_an_invitation_suspends_from_the_day_after_it(
    answer_by: date | None, completed_on: date | None, suspended: Period | None
) -> None:
    assert suspension_of(Invitation(date(2026, 6, 1), answer_by, completed_on)) == suspended


@pytest.mark.rule("LAW-6")
def test_a_decision_term_moves_by_the_days_it_stood_still() -> None:
    decision = TermRule(length=Weeks(22), start=Start.DAY_AFTER, roll=Roll.NONE, rule="ODA-8.1")
    plain = reckon(decision, date(2026, 1, 5))
    suspended = reckon(decision, date(2026, 1, 5), [Period(date(2026, 2, 3), date(2026, 2, 13))])
    assert plain.last_day == date(2026, 6, 8)
    assert suspended.last_day == date(2026, 6, 18)
    step = suspended.steps[-1]
    assert step.rule == "LAW-6"
    assert say(step.text, step.facts, Language.EN) == (
        "The term stood still from 3 February 2026 until 13 February 2026, that is 10 day(s): "
        "its last day becomes 18 June 2026."
    )


@pytest.mark.parametrize(
    ("suspensions", "last_day"),
    [
        pytest.param(
            [
                Period(date(2026, 6, 2), date(2026, 6, 6)),
                Period(date(2026, 6, 4), date(2026, 6, 8)),
            ],
            date(2026, 6, 17),
            id="overlapping ones are united",
        ),
        pytest.param(
            [
                Period(date(2026, 6, 2), date(2026, 6, 4)),
                Period(date(2026, 6, 2), date(2026, 6, 4)),
            ],
            date(2026, 6, 13),
            id="the same one twice counts once",
        ),
        pytest.param(
            [Period(date(2026, 5, 1), date(2026, 6, 2))],
            date(2026, 6, 11),
            id="one that ends as the term begins does nothing",
        ),
        pytest.param(
            [Period(date(2026, 5, 1), date(2026, 6, 3))],
            date(2026, 6, 12),
            id="one that began earlier counts from the first day",
        ),
        pytest.param(
            [Period(date(2026, 6, 11), date(2026, 6, 13))],
            date(2026, 6, 13),
            id="the last day itself can be suspended",
        ),
        pytest.param(
            [Period(date(2026, 6, 12), date(2026, 6, 20))],
            date(2026, 6, 11),
            id="one that begins after the end does nothing",
        ),
        pytest.param(
            [
                Period(date(2026, 6, 12), date(2026, 6, 20)),
                Period(date(2026, 6, 3), date(2026, 6, 5)),
            ],
            date(2026, 6, 21),
            id="an earlier one can bring a later one within the term",
        ),
    ],
)
@pytest.mark.rule("LAW-6")
def test_a_term_of_ten_days_from_2_june_2026_stands_still(
    suspensions: list[Period], last_day: date
) -> None:
    assert reckon(internal(Days(10)), date(2026, 6, 1), suspensions).last_day == last_day


@pytest.mark.rule("LAW-6")
def test_a_suspension_on_the_free_days_of_the_roll_ends_the_term_when_it_ends() -> None:
    rule = statutory(Weeks(1))
    event_on = date(2026, 5, 30)
    assert reckon(rule, event_on).last_day == date(2026, 6, 8)
    on_sunday = Period(date(2026, 6, 7), date(2026, 6, 10))
    assert reckon(rule, event_on, [on_sunday]).last_day == date(2026, 6, 10)


@pytest.mark.rule("LAW-6")
def test_a_suspension_without_an_end_can_not_be_reckoned() -> None:
    with pytest.raises(ValueError, match="no end yet"):
        reckon(internal(Days(10)), date(2026, 6, 1), [Period(date(2026, 6, 3))])


@pytest.mark.rule("LAW-6")
@given(st.lists(closed_periods(), max_size=6))
def test_united_suspensions_hold_the_same_days_apart_and_in_order(periods: list[Period]) -> None:
    result = united(periods)
    window = [date(2025, 10, 1) + timedelta(days=n) for n in range(600)]
    for day in window:
        assert any(day in period for period in periods) == any(day in period for period in result)
    for earlier, later in pairwise(result):
        assert earlier.until is not None
        assert earlier.until < later.since


@pytest.mark.rule("LAW-6")
@given(lengths, starts, st.lists(closed_periods(), max_size=4))
def test_as_many_days_run_as_the_term_is_long(
    length: Length, start: Start, suspensions: list[Period]
) -> None:
    event_on = date(2026, 1, 1)
    plain = reckon(internal(length, start), event_on).last_day
    last = reckon(internal(length, start), event_on, suspensions).last_day
    first = event_on if start is Start.SAME_DAY else event_on + ONE_DAY
    running = [
        day
        for day in (first + timedelta(days=n) for n in range((last - first).days + 1))
        if not any(day in period for period in suspensions)
    ]
    assert len(running) == (plain - first).days + 1
    assert running[-1] == last


@pytest.mark.rule("LAW-4")
@given(short_lengths, starts, days, st.lists(closed_periods(), max_size=3))
def test_a_short_statutory_term_never_ends_on_a_free_day(
    length: Length, start: Start, event_on: date, suspensions: list[Period]
) -> None:
    result = reckon(statutory(length, start), event_on, suspensions)
    assert not is_free_day(result.last_day)
    assert result.last_day >= reckon(internal(length, start), event_on).last_day


@pytest.mark.rule("LAW-4")
@given(st.integers(3, 90), days)
def test_a_statutory_term_of_three_days_or_more_always_holds_two_working_days(
    count: int, event_on: date
) -> None:
    result = reckon(statutory(Days(count)), event_on)
    assert working_days(event_on + ONE_DAY, result.last_day) >= 2


@given(lengths, starts, rolls, days)
def test_the_last_step_tells_the_last_day(
    length: Length, start: Start, roll: Roll, event_on: date
) -> None:
    result = reckon(TermRule(length=length, start=start, roll=roll), event_on)
    assert result.steps[-1].facts["last_on"] == result.last_day


@given(lengths, starts, rolls, days, days)
def test_a_later_event_never_ends_earlier(
    length: Length, start: Start, roll: Roll, one: date, other: date
) -> None:
    earlier, later = sorted((one, other))
    rule = TermRule(length=length, start=start, roll=roll)
    assert reckon(rule, earlier).last_day <= reckon(rule, later).last_day
