"""Agreements for tests: the policy they rest on as a value."""

from app.kernel.quantities import Cents, Minutes
from app.policy.rules import (
    Criterion,
    DeadlineRoll,
    Policy,
    ProRating,
    RepaymentSchedule,
    Staircase,
    TrancheRule,
)

ODWH_STAIRCASE = Staircase(steps=((12, 100), (24, 50)))


def policy_with(
    *,
    cost_threshold_cents: int = 200_000,
    time_threshold_minutes: int = 2_400,
    repayment_threshold_cents: int = 200_000,
    after_subsidies: bool = True,
    schedule: RepaymentSchedule = ODWH_STAIRCASE,
) -> Policy:
    """Return ODWH's policy with other thresholds or another schedule."""
    return Policy(
        norm_minutes=Minutes(4_800),
        norm_binding=True,
        norm_pro_rating=ProRating.NONE,
        full_time_minutes_per_week=Minutes(2_160),
        tranches=(TrancheRule(1, 11, 15, 1, 31, 1), TrancheRule(2, 7, 15, 8, 31, 0)),
        deadline_roll=DeadlineRoll.NONE,
        criteria_weights=dict.fromkeys(Criterion, 1),
        rating_labels=("none", "slight", "clear", "strong", "decisive"),
        agreement_cost_threshold_cents=Cents(cost_threshold_cents),
        agreement_time_threshold_minutes=Minutes(time_threshold_minutes),
        repayment_cost_threshold_cents=Cents(repayment_threshold_cents),
        investment_after_subsidies=after_subsidies,
        repayment_schedule=schedule,
        reconsideration_offered=True,
        works_council_reference="OR 2026-01",
    )
