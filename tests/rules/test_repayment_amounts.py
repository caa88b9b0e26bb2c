"""What leaving costs: the bands to the day, the sliding schedule to the cent."""

from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.agreements.rules import (
    Band,
    RepaymentClause,
    example_departures,
    months_begun,
    repayment_at_recovery,
    repayment_due,
)
from app.kernel.calendar import add_months
from app.kernel.quantities import Cents
from app.kernel.wording import Language, say
from app.policy.rules import MonthlySliding, RepaymentSchedule, Staircase
from app.requests.rules import TrainingBasis
from tests.support.agreements import ODWH_STAIRCASE

STARTS_ON = date(2027, 9, 1)
COMPLETED_ON = date(2028, 2, 29)
PRINCIPAL = Cents(245_001)


def clause(
    *,
    principal_cents: int = PRINCIPAL,
    completed_on: date | None = COMPLETED_ON,
    schedule: RepaymentSchedule = ODWH_STAIRCASE,
) -> RepaymentClause:
    return RepaymentClause(Cents(principal_cents), STARTS_ON, completed_on, schedule)


@pytest.mark.rule("VIS-7.7")
@pytest.mark.parametrize(
    ("leaves_on", "amount_cents", "band"),
    [
        pytest.param(date(2027, 8, 31), 0, Band.BEFORE_START, id="the day before the start"),
        pytest.param(date(2027, 9, 1), 245_001, Band.FULL, id="the day of the start"),
        pytest.param(date(2028, 2, 28), 245_001, Band.FULL, id="the day before completion"),
        pytest.param(date(2028, 2, 29), 245_001, Band.FULL, id="the day of completion"),
        pytest.param(date(2029, 2, 27), 245_001, Band.FULL, id="a day less than 12 months"),
        pytest.param(date(2029, 2, 28), 245_001, Band.FULL, id="12 months, clamped to 28 February"),
        pytest.param(date(2029, 3, 1), 122_501, Band.REDUCED, id="the day after, half a cent up"),
        pytest.param(date(2030, 2, 27), 122_501, Band.REDUCED, id="a day less than 24 months"),
        pytest.param(date(2030, 2, 28), 0, Band.NOTHING_LEFT, id="24 months to the day"),
        pytest.param(date(2030, 3, 1), 0, Band.NOTHING_LEFT, id="the day after 24 months"),
        pytest.param(date(2099, 1, 1), 0, Band.NOTHING_LEFT, id="long after"),
    ],
)
def test_the_bands_of_the_staircase_end_on_their_days(
    leaves_on: date, amount_cents: int, band: Band
) -> None:
    result = repayment_due(clause(), leaves_on=leaves_on)
    assert (result.amount_cents, result.band) == (amount_cents, band)


@pytest.mark.rule("VIS-7.7")
@pytest.mark.parametrize(
    ("completed_on", "until"),
    [
        pytest.param(date(2027, 1, 31), date(2028, 1, 31), id="a month of 31 days"),
        pytest.param(date(2027, 2, 28), date(2028, 2, 28), id="the end of February stays the 28th"),
        pytest.param(date(2028, 2, 29), date(2029, 2, 28), id="leap day"),
        pytest.param(date(2026, 12, 31), date(2027, 12, 31), id="the last day of the year"),
    ],
)
def test_twelve_months_are_calendar_months(completed_on: date, until: date) -> None:
    finished = RepaymentClause(Cents(200_000), date(2026, 1, 1), completed_on, ODWH_STAIRCASE)
    day_after = until + timedelta(days=1)
    assert repayment_due(finished, leaves_on=until).amount_cents == 200_000
    assert repayment_due(finished, leaves_on=day_after).amount_cents == 100_000


@pytest.mark.rule("VIS-7.7")
@pytest.mark.parametrize("schedule", [ODWH_STAIRCASE, MonthlySliding(36)], ids=["stairs", "slide"])
@pytest.mark.parametrize("leaves_on", [STARTS_ON, date(2035, 1, 1)], ids=["first day", "years on"])
def test_a_training_that_is_not_completed_is_owed_in_full(
    schedule: RepaymentSchedule, leaves_on: date
) -> None:
    result = repayment_due(clause(completed_on=None, schedule=schedule), leaves_on=leaves_on)
    assert (result.amount_cents, result.band) == (PRINCIPAL, Band.NOT_COMPLETED)


@pytest.mark.rule("VIS-7.7")
def test_a_training_that_has_not_started_is_not_owed_for() -> None:
    result = repayment_due(clause(completed_on=None), leaves_on=STARTS_ON - timedelta(days=1))
    assert (result.amount_cents, result.band) == (0, Band.BEFORE_START)


@pytest.mark.rule("LAW-2")
@pytest.mark.parametrize(
    ("leaves_on", "amount_cents"),
    [
        pytest.param(date(2028, 2, 29), 240_000, id="on completion no month has begun"),
        pytest.param(date(2028, 3, 1), 230_000, id="the first month has begun"),
        pytest.param(date(2028, 3, 29), 230_000, id="the first month's last day"),
        pytest.param(date(2028, 3, 30), 220_000, id="the second month has begun"),
        pytest.param(date(2029, 2, 28), 120_000, id="a year, clamped"),
        pytest.param(date(2030, 1, 29), 10_000, id="the last day of the last but one month"),
        pytest.param(date(2030, 1, 30), 0, id="the last month has begun"),
        pytest.param(date(2030, 2, 28), 0, id="the end of the term"),
    ],
)
def test_the_sliding_schedule_falls_by_each_begun_month(leaves_on: date, amount_cents: int) -> None:
    sliding = clause(principal_cents=240_000, schedule=MonthlySliding(24))
    assert repayment_due(sliding, leaves_on=leaves_on).amount_cents == amount_cents


@pytest.mark.rule("LAW-2")
@pytest.mark.parametrize(
    ("principal_cents", "amount_cents"),
    [
        pytest.param(1, 1, id="half a cent is rounded up"),
        pytest.param(200_001, 100_001, id="half a cent of more"),
        pytest.param(200_000, 100_000, id="nothing to round"),
    ],
)
def test_half_a_cent_is_rounded_up(principal_cents: int, amount_cents: int) -> None:
    half_way = add_months(COMPLETED_ON, 12)
    sliding = clause(principal_cents=principal_cents, schedule=MonthlySliding(24))
    assert repayment_due(sliding, leaves_on=half_way).amount_cents == amount_cents


def test_a_staircase_of_one_step_ends_the_day_before_its_term() -> None:
    single = clause(principal_cents=200_000, schedule=Staircase(steps=((6, 80),)))
    end = add_months(COMPLETED_ON, 6)
    assert repayment_due(single, leaves_on=end - timedelta(days=1)).amount_cents == 160_000
    assert repayment_due(single, leaves_on=end).amount_cents == 0


@pytest.mark.rule("VIS-7.7")
def test_every_step_names_its_rule_and_its_figures() -> None:
    result = repayment_due(clause(), leaves_on=date(2029, 3, 1))
    told = [say(step.text, step.facts, Language.NL) for step in result.steps]
    assert told == [
        "De overeenkomst betreft € 2.450,01: de eigen kosten van de organisatie, zonder subsidies.",
        (
            "Het dienstverband eindigt op 1 maart 2029, minder dan 24 maanden na de afronding op "
            "29 februari 2028: vanaf 28 februari 2030 is niets verschuldigd."
        ),
        "50% van € 2.450,01 is € 1.225,01.",
    ]
    assert [step.rule for step in result.steps] == ["LAW-3", "VIS-7.7", None]


@pytest.mark.rule("LAW-2")
@pytest.mark.rule("VIS-7.8")
def test_the_staircase_tells_its_risk_and_the_sliding_schedule_has_none() -> None:
    leaves_on = date(2028, 6, 1)
    stairs = repayment_due(clause(), leaves_on=leaves_on)
    slide = repayment_due(clause(schedule=MonthlySliding(24)), leaves_on=leaves_on)
    assert [remark.rule for remark in stairs.remarks] == ["VIS-7.8", "LAW-2"]
    assert [remark.rule for remark in slide.remarks] == ["VIS-7.8"]


@pytest.mark.rule("VIS-7.7")
@pytest.mark.parametrize(
    ("leaves_on", "amount_cents", "band"),
    [
        pytest.param(date(2027, 8, 31), 0, Band.BEFORE_START, id="the day before the start"),
        pytest.param(date(2027, 9, 1), 245_001, Band.FULL, id="the day of the start"),
        pytest.param(date(2027, 11, 1), 245_001, Band.FULL, id="the day it was cancelled"),
        pytest.param(date(2028, 11, 1), 245_001, Band.FULL, id="12 months after that"),
        pytest.param(date(2028, 11, 2), 122_501, Band.REDUCED, id="the day after"),
        pytest.param(date(2029, 10, 31), 122_501, Band.REDUCED, id="a day less than 24 months"),
        pytest.param(date(2029, 11, 1), 0, Band.NOTHING_LEFT, id="24 months after that"),
    ],
)
def test_a_training_cancelled_after_its_start_counts_as_completed_on_that_day(
    leaves_on: date, amount_cents: int, band: Band
) -> None:
    stopped = replace(clause(completed_on=None), stopped_on=date(2027, 11, 1))
    result = repayment_due(stopped, leaves_on=leaves_on)
    assert (result.amount_cents, result.band) == (amount_cents, band)
    told = [say(step.text, step.facts, Language.EN) for step in result.steps]
    assert any("cancelled on 1 November 2027" in line for line in told) is (
        band is not Band.BEFORE_START
    )


@pytest.mark.rule("LAW-1")
@pytest.mark.parametrize("basis", [each for each in TrainingBasis if each != "voluntary"], ids=str)
def test_a_clause_is_void_when_the_training_turns_out_not_to_be_voluntary(
    basis: TrainingBasis,
) -> None:
    result = repayment_at_recovery(
        clause(),
        basis=basis,
        investment_cents=PRINCIPAL,
        threshold_cents=Cents(200_000),
        leaves_on=date(2028, 6, 1),
    )
    assert (result.amount_cents, result.band) == (0, Band.NO_CLAUSE)
    assert [step.rule for step in result.steps] == ["LAW-1"]


@pytest.mark.rule("VIS-7.6")
@pytest.mark.rule("LAW-3")
@pytest.mark.parametrize(
    ("principal_cents", "investment_cents", "amount_cents"),
    [
        pytest.param(199_999, 199_999, 0, id="one cent under the threshold"),
        pytest.param(200_000, 200_000, 200_000, id="the threshold itself"),
        pytest.param(27_950, 200_000, 27_950, id="with subsidies counted, on the cost less them"),
        pytest.param(27_950, 199_999, 0, id="with subsidies counted, one cent under it"),
    ],
)
def test_the_investment_really_made_is_held_against_the_threshold(
    principal_cents: int, investment_cents: int, amount_cents: int
) -> None:
    result = repayment_at_recovery(
        clause(principal_cents=principal_cents),
        basis=TrainingBasis.VOLUNTARY,
        investment_cents=Cents(investment_cents),
        threshold_cents=Cents(200_000),
        leaves_on=date(2028, 6, 1),
    )
    assert result.amount_cents == amount_cents


@pytest.mark.rule("LAW-2")
def test_the_example_shows_both_sides_of_each_boundary() -> None:
    examples = example_departures(
        principal_cents=PRINCIPAL,
        starts_on=STARTS_ON,
        ends_on=COMPLETED_ON,
        schedule=ODWH_STAIRCASE,
    )
    assert [(each.leaves_on, each.completed, each.result.amount_cents) for each in examples] == [
        (STARTS_ON, False, 245_001),
        (date(2029, 2, 28), True, 245_001),
        (date(2029, 3, 1), True, 122_501),
        (date(2030, 2, 27), True, 122_501),
        (date(2030, 2, 28), True, 0),
    ]


@pytest.mark.rule("LAW-2")
def test_the_example_of_a_sliding_schedule_runs_to_nil() -> None:
    examples = example_departures(
        principal_cents=Cents(240_000),
        starts_on=STARTS_ON,
        ends_on=COMPLETED_ON,
        schedule=MonthlySliding(24),
    )
    amounts = [each.result.amount_cents for each in examples]
    assert amounts == [240_000, 240_000, 180_000, 120_000, 60_000, 0]


principals = st.integers(0, 10**9)
days = st.dates(date(2026, 1, 1), date(2032, 12, 31))
spans = st.integers(0, 2_000)
slides = st.builds(MonthlySliding, st.integers(1, 60))


@st.composite
def staircases(draw: st.DrawFn) -> Staircase:
    """A staircase as policy allows it: later steps are longer and never dearer."""
    ends = sorted(draw(st.sets(st.integers(1, 60), min_size=1, max_size=5)))
    percents = sorted(draw(st.lists(st.integers(0, 100), min_size=len(ends), max_size=len(ends))))
    return Staircase(steps=tuple(zip(ends, reversed(percents), strict=True)))


schedules = st.one_of(slides, staircases())


@pytest.mark.invariant("F5")
@given(principals, days, spans, schedules, st.lists(spans, min_size=2, max_size=8))
def test_the_amount_is_bounded_and_never_rises_after_the_start(
    principal: int, starts_on: date, length: int, schedule: RepaymentSchedule, leaving: list[int]
) -> None:
    completed_on = starts_on + timedelta(days=length)
    finished = RepaymentClause(Cents(principal), starts_on, completed_on, schedule)
    amounts = [
        repayment_due(finished, leaves_on=starts_on + timedelta(days=after)).amount_cents
        for after in sorted(leaving)
    ]
    assert all(0 <= amount <= principal for amount in amounts)
    assert all(earlier >= later for earlier, later in pairwise(amounts))


@pytest.mark.invariant("F5")
@given(principals, days, schedules, spans)
def test_nothing_is_owed_from_the_end_of_the_term_on(
    principal: int, completed_on: date, schedule: RepaymentSchedule, after: int
) -> None:
    finished = RepaymentClause(Cents(principal), completed_on, completed_on, schedule)
    match schedule:
        case Staircase(steps=steps):
            months = steps[-1][0]
        case MonthlySliding(months=term):
            months = term
    leaves_on = add_months(completed_on, months) + timedelta(days=after)
    assert repayment_due(finished, leaves_on=leaves_on).amount_cents == 0


@pytest.mark.rule("LAW-2")
@given(st.integers(0, 10**7), st.integers(1, 60), days)
def test_the_monthly_parts_of_a_sliding_schedule_add_up_to_the_principal(
    monthly: int, months: int, completed_on: date
) -> None:
    principal = monthly * months
    sliding = RepaymentClause(Cents(principal), completed_on, completed_on, MonthlySliding(months))
    amounts = [
        repayment_due(sliding, leaves_on=add_months(completed_on, n)).amount_cents
        for n in range(months + 1)
    ]
    assert amounts[0] == principal
    assert [earlier - later for earlier, later in pairwise(amounts)] == [monthly] * months


@given(days, spans)
def test_a_begun_month_holds_the_day(since: date, after: int) -> None:
    until = since + timedelta(days=after)
    begun = months_begun(since, until)
    assert until <= add_months(since, begun)
    assert begun == 0 or until > add_months(since, begun - 1)


@given(principals, days, spans, schedules, spans)
def test_the_steps_end_with_the_amount(
    principal: int, starts_on: date, length: int, schedule: RepaymentSchedule, after: int
) -> None:
    finished = RepaymentClause(
        Cents(principal), starts_on, starts_on + timedelta(days=length), schedule
    )
    result = repayment_due(finished, leaves_on=starts_on + timedelta(days=after))
    assert result.steps[-1].facts["amount_cents"] == result.amount_cents
    assert all(
        say(step.text, step.facts, language) for step in result.steps for language in Language
    )
