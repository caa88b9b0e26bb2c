"""The policy of an organisation as a value: every choice that the rule book leaves to it.

A policy version goes live once and is never edited; a later one succeeds it (LAW-11).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from uuid import UUID

from app.kernel.errors import Text
from app.kernel.quantities import Cents, Minutes, part
from app.policy.errors import ConsentMissing, PolicyNotSucceeding, PolicyVersionIsLive


class OrganisationKind(StrEnum):
    EMPLOYER = "employer"
    FUND = "fund"


class PolicyStatus(StrEnum):
    DRAFT = "draft"
    LIVE = "live"


class Criterion(StrEnum):
    """The five criteria of the framework (afwegingskader, VIS-4.1), in the order of the policy."""

    LEGAL_AND_FUNCTION = "legal_and_function"
    ORGANISATION_GOALS = "organisation_goals"
    TEAM_AND_FUNCTION = "team_and_function"
    INDIVIDUAL_DEVELOPMENT = "individual_development"
    EFFICIENCY_AND_FEASIBILITY = "efficiency_and_feasibility"


class ProRating(StrEnum):
    """Whether the norm shrinks with the contract (VIS-8.1; the rule book's choice is NONE)."""

    NONE = "none"
    CONTRACT_HOURS = "contract_hours"


class DeadlineRoll(StrEnum):
    """Where an internal date goes that falls on a free day (VIS-6.1; the choice is NONE)."""

    NONE = "none"
    NEXT_WORKING_DAY = "next_working_day"


class ConsentKind(StrEnum):
    """What lets rules on training go live (LAW-11)."""

    WORKS_COUNCIL = "works_council"
    COLLECTIVE_AGREEMENT = "collective_agreement"


@dataclass(frozen=True, slots=True)
class TrancheRule:
    """One latest submission date a calendar year, and by when the MT decides (VIS-6.1).

    ``decision_year_offset`` is the number of calendar years between the closing day and the
    decision; the tranche bears the year of its decision.
    """

    number: int
    closes_month: int
    closes_day: int
    decision_by_month: int
    decision_by_day: int
    decision_year_offset: int


@dataclass(frozen=True, slots=True)
class Staircase:
    """Repayment in bands (VIS-7.7): ``(months after completion, percent)``, in rising order.

    A band runs up to and including its last day, except the last band: from that day on nothing
    is owed, so it ends the day before. ODWH: ``((12, 100), (24, 50))``.
    """

    steps: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class MonthlySliding:
    """Repayment that falls by an equal part a month until nil after ``months`` (LAW-2)."""

    months: int


RepaymentSchedule = Staircase | MonthlySliding


@dataclass(frozen=True, slots=True)
class Policy:
    """Every choice of the rule book as one value; amounts in cents, times in minutes."""

    norm_minutes: Minutes
    norm_binding: bool
    norm_pro_rating: ProRating
    full_time_minutes_per_week: Minutes
    tranches: tuple[TrancheRule, ...]
    deadline_roll: DeadlineRoll
    criteria_weights: Mapping[Criterion, int]
    rating_labels: tuple[str, ...]
    agreement_cost_threshold_cents: Cents
    agreement_time_threshold_minutes: Minutes
    repayment_cost_threshold_cents: Cents
    investment_after_subsidies: bool
    repayment_schedule: RepaymentSchedule
    reconsideration_offered: bool
    works_council_reference: str | None

    @property
    def highest_rating(self) -> int:
        """Return the highest rating of the scale; the lowest is 0 (VIS-4.2)."""
        return len(self.rating_labels) - 1

    def norm_for(self, contract_minutes_per_week: int) -> Minutes:
        """Return the norm of someone with this contract, in minutes a calendar year.

        With pro-rating it is the contract's part of full time, half a minute rounded up, and never
        more than the norm itself.

        Source: VIS-8.1.
        """
        if self.norm_pro_rating is ProRating.NONE:
            return self.norm_minutes
        share = part(
            self.norm_minutes,
            numerator=contract_minutes_per_week,
            denominator=self.full_time_minutes_per_week,
        )
        return Minutes(min(share, self.norm_minutes))


@dataclass(frozen=True, slots=True)
class PolicyInForce:
    """A live policy version: what decisions and agreements store the id of."""

    id: UUID
    valid_from: date
    policy: Policy


@dataclass(frozen=True, slots=True)
class Remark:
    """What a reader of a policy should know of a choice in it; it refuses nothing."""

    rule: str
    text: Text


STAIRCASE_REMARK = Remark(
    rule="LAW-2",
    text=Text(
        en=(
            "A repayment in bands does not fall in proportion to service. A court may set it "
            "aside; a monthly sliding schedule carries less risk."
        ),
        nl=(
            "Een terugbetaling in staffels daalt niet evenredig met de diensttijd. Een rechter kan "
            "haar terzijde stellen; een glijdende schaal per maand draagt minder risico."
        ),
    ),
)


def remarks(policy: Policy) -> tuple[Remark, ...]:
    """Return what a reader should know of the choices made; empty when there is nothing.

    Source: LAW-2 (a repayment falls in proportion to service).
    """
    if isinstance(policy.repayment_schedule, Staircase):
        return (STAIRCASE_REMARK,)
    return ()


def check_draft(status: PolicyStatus) -> None:
    """Refuse to touch a version that is live: it is succeeded, never edited.

    Raises:
        PolicyVersionIsLive: the version has gone live.

    Source: LAW-11.
    """
    if status is PolicyStatus.LIVE:
        raise PolicyVersionIsLive


def valid_until(valid_from: date, live_from: Sequence[date]) -> date | None:
    """Return the first day of the live version that comes next, None when there is none."""
    return min((day for day in live_from if day > valid_from), default=None)


def check_activation(policy: Policy, *, valid_from: date, live_from: Sequence[date]) -> None:
    """Refuse to let a version go live without consent, or before one that is live already.

    ``live_from`` are the first days of the versions that are live. The new one begins after all
    of them, so that what was decided under an earlier version keeps its ground.

    Raises:
        ConsentMissing: the works council's consent or the cao is not named (LAW-11).
        PolicyNotSucceeding: a live version begins on the same day or later.

    Source: LAW-11.
    """
    if policy.works_council_reference is None:
        raise ConsentMissing
    latest = max(live_from, default=None)
    if latest is not None and valid_from <= latest:
        raise PolicyNotSucceeding(valid_from_on=valid_from, latest_live_on=latest)
