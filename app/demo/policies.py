"""The demo employer's policy: the rehearsal of 2025, advisory in 2026, binding from 2027.

The choices are those of the rule book. What differs between the versions is whether the norm binds
(VIS-8.3), and the consent of the works council each rests on (LAW-11). The procedure was rehearsed
in 2025, so that the first tranche of 2026, submitted in 2025, has a policy to fall under (VIS-6.5).
"""

from datetime import date

from app.kernel.quantities import Cents, Minutes
from app.policy.rules import ConsentKind, DeadlineRoll, ProRating
from app.policy.schemas import (
    CollectiveAgreement,
    CriteriaWeights,
    MonthlySlidingSchedule,
    PolicySettings,
    PolicyVersionIn,
    StaircaseSchedule,
    TrancheDates,
    WorksCouncilConsent,
)

# Full time of the cao, 36 hours a week; the norm, 80 hours a year (VIS-8.1).
_FULL_TIME = Minutes(36 * 60)
_NORM = Minutes(80 * 60)
# Considerable time is 40 hours (VIS-7.1), substantial cost € 2,000 (VIS-7.6).
_CONSIDERABLE = Minutes(40 * 60)
_SUBSTANTIAL = Cents(200_000)

_TRANCHES = [
    TrancheDates(
        number=1,
        closes_month=11,
        closes_day=15,
        decision_by_month=1,
        decision_by_day=31,
        decision_year_offset=1,
    ),
    TrancheDates(
        number=2,
        closes_month=7,
        closes_day=15,
        decision_by_month=8,
        decision_by_day=31,
        decision_year_offset=0,
    ),
]
_WEIGHTS = CriteriaWeights(
    legal_and_function=5,
    organisation_goals=4,
    team_and_function=3,
    individual_development=2,
    efficiency_and_feasibility=2,
)
_STAIRCASE = StaircaseSchedule.model_validate(
    {
        "kind": "staircase",
        "steps": [{"untilMonths": 12, "percent": 100}, {"untilMonths": 24, "percent": 50}],
    }
)


def _version(
    title: str, valid_from: date, *, norm_binding: bool, reference: str, given_on: date
) -> PolicyVersionIn:
    return PolicyVersionIn(
        title=title,
        valid_from=valid_from,
        settings=PolicySettings(
            norm_minutes=_NORM,
            norm_binding=norm_binding,
            norm_pro_rating=ProRating.NONE,
            full_time_minutes_per_week=_FULL_TIME,
            tranches=_TRANCHES,
            deadline_roll=DeadlineRoll.NONE,
            criteria_weights=_WEIGHTS,
            rating_labels=["geen", "licht", "duidelijk", "sterk", "doorslaggevend"],
            agreement_cost_threshold_cents=_SUBSTANTIAL,
            agreement_time_threshold_minutes=_CONSIDERABLE,
            repayment_cost_threshold_cents=_SUBSTANTIAL,
            investment_after_subsidies=True,
            repayment_schedule=_STAIRCASE,
            reconsideration_offered=True,
            consent=WorksCouncilConsent(
                kind=ConsentKind.WORKS_COUNCIL, reference=reference, given_on=given_on
            ),
        ),
    )


POLICY_2025 = _version(
    "Proefregeling leren en ontwikkelen 2025",
    date(2025, 1, 1),
    norm_binding=False,
    reference="OR 2024-21",
    given_on=date(2024, 12, 12),
)
POLICY_2026 = _version(
    "Beleid leren en ontwikkelen 2026 (overgangsjaar)",
    date(2026, 1, 1),
    norm_binding=False,
    reference="OR 2025-17",
    given_on=date(2025, 11, 27),
)
POLICY_2027 = _version(
    "Beleid leren en ontwikkelen 2027",
    date(2027, 1, 1),
    norm_binding=True,
    reference="OR 2025-18",
    given_on=date(2025, 11, 27),
)

# The other employer reclaims by the month (LAW-2) and follows its cao; it has a policy of its own.
OTHER_POLICY_2026 = PolicyVersionIn(
    title="Opleidingsbeleid 2026",
    valid_from=date(2026, 1, 1),
    settings=POLICY_2026.settings.model_copy(
        update={
            "norm_pro_rating": ProRating.CONTRACT_HOURS,
            "repayment_schedule": MonthlySlidingSchedule(kind="monthly_sliding", months=36),
            "consent": CollectiveAgreement(
                kind=ConsentKind.COLLECTIVE_AGREEMENT, reference="Cao Gemeenten"
            ),
        }
    ),
)
