"""The organisation and its policy on the wire."""

from calendar import monthrange
from types import MappingProxyType
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, ConfigDict, Field, JsonValue, StrictBool, model_validator

from app.http.schemas import (
    AmountCents,
    AmountMinutes,
    CanNotBe,
    Day,
    Id,
    In,
    Line,
    Moment,
    Name,
    Out,
    PageSchema,
    Prose,
    Version,
    at_most,
    json_integer,
)
from app.kernel.quantities import Cents, Minutes
from app.policy.rules import (
    ConsentKind,
    Criterion,
    DeadlineRoll,
    MonthlySliding,
    OrganisationKind,
    Policy,
    PolicyStatus,
    ProRating,
    RepaymentSchedule,
    Staircase,
    TrancheRule,
)

# A year without 29 February: a date that policy fixes comes every year.
_COMMON_YEAR = 2027

Month = Annotated[int, Field(ge=1, le=12), BeforeValidator(json_integer)]
DayOfMonth = Annotated[int, Field(ge=1, le=31), BeforeValidator(json_integer)]
Months = Annotated[int, Field(ge=1, le=120), BeforeValidator(json_integer)]
Weight = Annotated[int, Field(ge=0, le=100), BeforeValidator(json_integer)]
BandPercent = Annotated[int, Field(ge=1, le=100), BeforeValidator(json_integer)]
TrancheNumber = Annotated[int, Field(ge=1, le=12), BeforeValidator(json_integer)]
FullTime = Annotated[int, Field(ge=60, le=3600), BeforeValidator(json_integer)]
YearOffset = Annotated[int, Field(ge=0, le=1), BeforeValidator(json_integer)]


class OrganisationOut(Out):
    id: Id
    name: Name
    kind: OrganisationKind
    version: Version


class WorksCouncilConsent(In):
    """The works council's consent (instemming) to the rules on training."""

    kind: Literal[ConsentKind.WORKS_COUNCIL]
    reference: Line
    given_on: Day


class CollectiveAgreement(In):
    """The collective agreement (cao) that governs training, so that no consent is needed."""

    kind: Literal[ConsentKind.COLLECTIVE_AGREEMENT]
    reference: Line


Consent = Annotated[WorksCouncilConsent | CollectiveAgreement, Field(discriminator="kind")]


class TrancheDates(In):
    """A latest submission date of each calendar year, and by when the management team decides."""

    number: TrancheNumber
    closes_month: Month
    closes_day: DayOfMonth
    decision_by_month: Month
    decision_by_day: DayOfMonth
    decision_year_offset: YearOffset = Field(
        description="Calendar years between the closing day and the decision."
    )

    @model_validator(mode="after")
    def _check_dates(self) -> Self:
        closes = (0, self.closes_month, self.closes_day)
        decides = (self.decision_year_offset, self.decision_by_month, self.decision_by_day)
        for _, month, day in (closes, decides):
            if day > monthrange(_COMMON_YEAR, month)[1]:
                raise CanNotBe(
                    en=f"month {month} has no day {day} every year",
                    nl=f"maand {month} heeft niet elk jaar een dag {day}",
                )
        if decides <= closes:
            raise CanNotBe(
                en="the decision must come after the closing day",
                nl="het besluit moet na de sluitingsdag komen",
            )
        return self

    def as_rule(self) -> TrancheRule:
        """Return the dates as the rules know them."""
        return TrancheRule(
            number=self.number,
            closes_month=self.closes_month,
            closes_day=self.closes_day,
            decision_by_month=self.decision_by_month,
            decision_by_day=self.decision_by_day,
            decision_year_offset=self.decision_year_offset,
        )


class CriteriaWeights(In):
    """How much each of the five criteria counts; a weight of 0 leaves one out of the score."""

    legal_and_function: Weight
    organisation_goals: Weight
    team_and_function: Weight
    individual_development: Weight
    efficiency_and_feasibility: Weight

    @model_validator(mode="after")
    def _check_sum(self) -> Self:
        if not any(self.as_mapping().values()):
            raise CanNotBe(
                en="at least one criterion must have weight",
                nl="ten minste één criterium moet gewicht hebben",
            )
        return self

    def as_mapping(self) -> dict[Criterion, int]:
        """Return the weight of each criterion."""
        return {criterion: getattr(self, criterion.value) for criterion in Criterion}


class StaircaseStep(In):
    """One band: the part that is owed until so many months after completion."""

    until_months: Months
    percent: BandPercent


class StaircaseSchedule(In):
    """Repayment in bands (staffel), from the start of the training on."""

    kind: Literal["staircase"]
    steps: Annotated[list[StaircaseStep], at_most(12, at_least=1)]

    @model_validator(mode="after")
    def _check_steps(self) -> Self:
        months = [step.until_months for step in self.steps]
        percents = [step.percent for step in self.steps]
        if months != sorted(set(months)) or percents != sorted(set(percents), reverse=True):
            raise CanNotBe(
                en="each band must end later and owe less than the one before it",
                nl="elke trede moet later eindigen en minder vragen dan die ervoor",
            )
        return self


class MonthlySlidingSchedule(In):
    """Repayment that falls every month by an equal part (glijdende schaal)."""

    kind: Literal["monthly_sliding"]
    months: Months


RepaymentScheduleIn = Annotated[
    StaircaseSchedule | MonthlySlidingSchedule, Field(discriminator="kind")
]

_EXAMPLE: dict[str, JsonValue] = {
    "normMinutes": 4800,
    "normBinding": True,
    "normProRating": "none",
    "fullTimeMinutesPerWeek": 2160,
    "tranches": [
        {
            "number": 1,
            "closesMonth": 11,
            "closesDay": 15,
            "decisionByMonth": 1,
            "decisionByDay": 31,
            "decisionYearOffset": 1,
        },
        {
            "number": 2,
            "closesMonth": 7,
            "closesDay": 15,
            "decisionByMonth": 8,
            "decisionByDay": 31,
            "decisionYearOffset": 0,
        },
    ],
    "deadlineRoll": "none",
    "criteriaWeights": {
        "legalAndFunction": 5,
        "organisationGoals": 4,
        "teamAndFunction": 3,
        "individualDevelopment": 2,
        "efficiencyAndFeasibility": 2,
    },
    "ratingLabels": ["none", "slight", "clear", "strong", "decisive"],
    "agreementCostThresholdCents": 200_000,
    "agreementTimeThresholdMinutes": 2400,
    "repaymentCostThresholdCents": 200_000,
    "investmentAfterSubsidies": True,
    "repaymentSchedule": {
        "kind": "staircase",
        "steps": [{"untilMonths": 12, "percent": 100}, {"untilMonths": 24, "percent": 50}],
    },
    "reconsiderationOffered": True,
    "consent": {"kind": "works_council", "reference": "OR 2027-04", "givenOn": "2027-10-21"},
}


class PolicySettings(In):
    """Every choice that the rule book leaves to the organisation; none has a default."""

    norm_minutes: AmountMinutes = Field(
        description="Learning within working time per employee and calendar year (VIS-8.1)."
    )
    norm_binding: StrictBool = Field(
        description="True: a grant that passes the norm is refused. False: it warns (VIS-8.3)."
    )
    norm_pro_rating: ProRating = Field(
        description="Whether the norm shrinks with the contract (VIS-8.1)."
    )
    full_time_minutes_per_week: FullTime = Field(
        description="What a full contract is, for pro-rating."
    )
    tranches: Annotated[list[TrancheDates], at_most(12, at_least=1)] = Field(
        description="The latest submission dates (VIS-6.1)."
    )
    deadline_roll: DeadlineRoll = Field(
        description="Where a submission date goes that falls on a free day (VIS-6.1)."
    )
    criteria_weights: CriteriaWeights
    rating_labels: Annotated[list[Name], at_most(11, at_least=2)] = Field(
        description="The rating scale: the first label is rating 0 (VIS-4.2)."
    )
    agreement_cost_threshold_cents: AmountCents = Field(
        description="From this cost on a training needs an agreement (VIS-7.1, VIS-7.6)."
    )
    agreement_time_threshold_minutes: AmountMinutes = Field(
        description="From this working time on a training needs an agreement (VIS-7.1)."
    )
    repayment_cost_threshold_cents: AmountCents = Field(
        description="From this investment on repayment applies on leaving (VIS-7.6)."
    )
    investment_after_subsidies: StrictBool = Field(
        description="Whether subsidies received are taken off the investment first (VIS-7.6)."
    )
    repayment_schedule: RepaymentScheduleIn
    reconsideration_offered: StrictBool = Field(
        description="Whether an internal reconsideration of a decision is offered (LAW-8)."
    )
    consent: Consent | None = Field(
        description="What lets this policy go live; a draft may still lack it (LAW-11)."
    )

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    @model_validator(mode="after")
    def _check_distinct(self) -> Self:
        numbers = [tranche.number for tranche in self.tranches]
        days = [(tranche.closes_month, tranche.closes_day) for tranche in self.tranches]
        if len(set(numbers)) < len(numbers) or len(set(days)) < len(days):
            raise CanNotBe(
                en="each tranche needs its own number and its own closing day",
                nl="elke tranche moet een eigen nummer en een eigen sluitingsdag hebben",
            )
        if len(set(self.rating_labels)) < len(self.rating_labels):
            raise CanNotBe(
                en="each rating needs its own label",
                nl="elke waardering moet een eigen naam hebben",
            )
        return self

    def as_policy(self) -> Policy:
        """Return the settings as the value that rules take."""
        return Policy(
            norm_minutes=Minutes(self.norm_minutes),
            norm_binding=self.norm_binding,
            norm_pro_rating=self.norm_pro_rating,
            full_time_minutes_per_week=Minutes(self.full_time_minutes_per_week),
            tranches=tuple(tranche.as_rule() for tranche in self.tranches),
            deadline_roll=self.deadline_roll,
            criteria_weights=MappingProxyType(self.criteria_weights.as_mapping()),
            rating_labels=tuple(self.rating_labels),
            agreement_cost_threshold_cents=Cents(self.agreement_cost_threshold_cents),
            agreement_time_threshold_minutes=Minutes(self.agreement_time_threshold_minutes),
            repayment_cost_threshold_cents=Cents(self.repayment_cost_threshold_cents),
            investment_after_subsidies=self.investment_after_subsidies,
            repayment_schedule=_as_schedule(self.repayment_schedule),
            reconsideration_offered=self.reconsideration_offered,
            works_council_reference=self.consent_reference,
        )

    @property
    def consent_reference(self) -> str | None:
        """Return the reference of the consent or the cao, None as long as there is none."""
        return None if self.consent is None else self.consent.reference


def _as_schedule(schedule: StaircaseSchedule | MonthlySlidingSchedule) -> RepaymentSchedule:
    match schedule:
        case StaircaseSchedule():
            return Staircase(tuple((step.until_months, step.percent) for step in schedule.steps))
        case MonthlySlidingSchedule():
            return MonthlySliding(schedule.months)


class PolicyVersionIn(In):
    """A policy version as drafted: its title, its first day, and its choices."""

    title: Line
    valid_from: Day = Field(description="The first day on which it is in force.")
    settings: PolicySettings

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"title": "Beleid 2028", "validFrom": "2028-01-01", "settings": _EXAMPLE}]
        }
    )


class PolicyRemark(Out):
    """What a reader should know of a choice in the policy; it refuses nothing."""

    rule: Annotated[str, Field(max_length=40)]
    text: Prose


class PolicyVersionOut(Out):
    id: Id
    version: Version
    title: Line
    status: PolicyStatus
    valid_from: Day
    valid_until: Day | None = Field(
        description="First day of the live version that succeeds it; null for the last, or a draft."
    )
    settings: PolicySettings
    remarks: Annotated[list[PolicyRemark], at_most(20)]
    drafted_at: Moment
    activated_at: Moment | None


class PolicyVersionPage(PageSchema):
    items: Annotated[list[PolicyVersionOut], at_most(100)]
