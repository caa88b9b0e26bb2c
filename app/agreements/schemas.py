"""Agreements, departures and claims on the wire, and the terms as they are stored."""

from collections.abc import Iterable
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from app.agreements.rules import (
    AgreementStatus,
    Band,
    ClaimStatus,
    RepaymentWish,
    SignatureRole,
)
from app.http.schemas import (
    AmountCents,
    AmountMinutes,
    Count,
    Day,
    Id,
    In,
    Line,
    Moment,
    Name,
    Out,
    PageSchema,
    Prose,
    StepOut,
    Version,
    at_most,
)
from app.kernel.errors import Text
from app.kernel.steps import Step, restored
from app.kernel.wording import Language, say
from app.people.rules import LeavingInitiative, LeavingReason
from app.policy.rules import MonthlySliding, RepaymentSchedule, Staircase
from app.policy.schemas import MonthlySlidingSchedule, RepaymentScheduleIn, StaircaseSchedule
from app.requests.rules import TrainingBasis, TrainingKind
from app.requests.schemas import RequestOut

Sha256 = Annotated[
    str,
    StringConstraints(min_length=64, max_length=64, pattern=r"^[0-9a-f]{64}$"),
]
Share = Annotated[int, Field(ge=0, le=1_000)]
Steps = Annotated[list[StepOut], at_most(20)]

_PARTICIPATION = (
    "De medewerker neemt deel aan alle bijeenkomsten en meldt verhindering vooraf aan de "
    "leidinggevende en de opleider."
)
_EXECUTION = (
    "De leidinggevende maakt de afgesproken werktijd vrij; de medewerker besteedt de afgesproken "
    "eigen tijd en bespreekt de voortgang met de leidinggevende."
)
_COMPLETION = (
    "De opleiding is afgerond wanneer aan de eisen van de opleider is voldaan. De medewerker "
    "levert het bewijs daarvan binnen twee weken in bij HR."
)


class StoredStep(BaseModel):
    """A step as it is kept: its sentence in both languages, so that it reads the same for ever."""

    en: str
    nl: str
    facts: dict[str, Any]
    rule: str | None

    @classmethod
    def of(cls, step: Step) -> Self:
        """Return the step in the form that is stored."""
        return cls(en=step.text.en, nl=step.text.nl, facts=dict(step.facts), rule=step.rule)

    def as_step(self) -> Step:
        """Return the step as it was computed: text of a fact named ``_on`` is a day again."""
        return Step(Text(en=self.en, nl=self.nl), restored(self.facts), self.rule)


def stored_steps(steps: Iterable[Step]) -> list[Any]:
    """Return steps as JSON data."""
    return [StoredStep.of(step).model_dump(mode="json") for step in steps]


def steps_of(stored: Iterable[Any]) -> tuple[Step, ...]:
    """Return stored steps as they were computed."""
    return tuple(StoredStep.model_validate(step).as_step() for step in stored)


def told(steps: Iterable[Step], language: Language) -> list[StepOut]:
    """Return steps as sentences in the reader's language."""
    return [StepOut(text=say(step.text, step.facts, language), rule=step.rule) for step in steps]


def schedule_as_terms(
    schedule: RepaymentSchedule,
) -> StaircaseSchedule | MonthlySlidingSchedule:
    """Return the policy's schedule in the form that an agreement fixes it in."""
    match schedule:
        case Staircase(steps=steps):
            return StaircaseSchedule.model_validate(
                {
                    "kind": "staircase",
                    "steps": [{"until_months": months, "percent": part} for months, part in steps],
                }
            )
        case MonthlySliding(months=months):
            return MonthlySlidingSchedule(kind="monthly_sliding", months=months)


def schedule_as_rule(terms: StaircaseSchedule | MonthlySlidingSchedule) -> RepaymentSchedule:
    """Return an agreed schedule as the rules know it."""
    match terms:
        case StaircaseSchedule(steps=steps):
            return Staircase(steps=tuple((step.until_months, step.percent) for step in steps))
        case MonthlySlidingSchedule(months=months):
            return MonthlySliding(months=months)


class PartyOut(Out):
    """One side of an agreement, as the document names it."""

    name: Name
    personnel_number: Line
    function: Name


class AgreementTerms(Out):
    """What is agreed (VIS-7.2): fixed at the first signature, and what the document is set from."""

    reference: Line = Field(description="Reference of the training request.")
    organisation: Line
    employee: PartyOut
    manager: PartyOut
    title: Line
    provider: Line
    kind: TrainingKind
    basis: TrainingBasis
    starts_on: Day
    ends_on: Day
    sessions: Count
    working_minutes: AmountMinutes
    own_minutes: AmountMinutes
    cost_cents: AmountCents = Field(
        description="Total cost for the organisation of this employee's training, VAT included."
    )
    subsidies_cents: AmountCents
    own_cost_cents: AmountCents = Field(
        description="Cost less subsidies: what repayment is reckoned from (LAW-3)."
    )
    investment_cents: AmountCents = Field(
        description="What counts towards the threshold: with or without subsidies, as the policy "
        "says (VIS-7.6)."
    )
    threshold_cents: AmountCents = Field(description="From this investment on repayment applies.")
    participation: Prose
    execution: Prose
    completion: Prose
    further_conditions: Prose | None
    repayment_schedule: RepaymentScheduleIn | None = Field(
        description="How the debt falls; null when the agreement has no repayment clause."
    )
    policy_valid_from: Day
    drawn_up_on: Day


class DrawingUpIn(In):
    """What HR adds to the grant when it draws an agreement up; the texts have a usual form."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "subsidiesCents": 50_000,
                    "furtherConditions": "Bij uitval zonder geldige reden kan de leidinggevende "
                    "latere deelname weigeren.",
                    "repayment": "as_ruled",
                }
            ]
        }
    )

    subsidies_cents: AmountCents = Field(
        default=0, description="Subsidies for this employee's training, taken off its cost."
    )
    participation: Prose = _PARTICIPATION
    execution: Prose = _EXECUTION
    completion: Prose = _COMPLETION
    further_conditions: Prose | None = None
    repayment: RepaymentWish = Field(
        default=RepaymentWish.AS_RULED,
        description="With or without a clause is refused when the rules say otherwise.",
    )


class SignatureIn(In):
    """A signature on the document that was read, named by its SHA-256."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "documentSha256": (
                        "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae"
                    )
                }
            ]
        }
    )

    document_sha256: Sha256


class SignatureOut(Out):
    role: SignatureRole
    employee_id: Id
    signed_how: Line = Field(description="How the signer was known: by what means of sign-in.")
    signed_at: Moment
    document_sha256: Sha256


class AgreementItem(Out):
    """An agreement as a list shows it."""

    id: Id
    version: Version
    request_id: Id
    employee_id: Id
    decision_id: Id
    status: AgreementStatus
    cost_cents: AmountCents
    created_at: Moment


class AgreementPage(PageSchema):
    items: Annotated[list[AgreementItem], at_most(100)]


class AgreementOut(AgreementItem):
    """A training agreement (opleidingsovereenkomst) with its terms and signatures."""

    manager_id: Id | None
    policy_version_id: Id
    sign_before_on: Day = Field(description="The training starts on this day: then it is too late.")
    terms: AgreementTerms | None = Field(description="Null until the agreement is drawn up.")
    document_sha256: Sha256 | None
    clause_in_force: bool = Field(
        description="Whether leaving can cost something: signed by both, and lawful today."
    )
    clause_reason: StepOut = Field(description="Why there is a repayment clause, or none.")
    signatures: Annotated[list[SignatureOut], at_most(2)]
    drawn_up_at: Moment | None
    frozen_at: Moment | None
    clause_voided_at: Moment | None
    closed_reason: Prose | None


class RepaymentOut(Out):
    """What would be owed on leaving (terugbetaling), and how that comes about."""

    agreement_id: Id
    leaves_on: Day
    in_force: bool = Field(
        description="False: the agreement is not signed by both, so that this is an example only."
    )
    amount_cents: AmountCents
    principal_cents: AmountCents
    numerator: Share
    denominator: Share
    band: Band
    steps: Steps
    remarks: Steps


class ClassifiedOut(Out):
    """A request classified anew, and the agreements whose clause fell away or holds again."""

    request: RequestOut
    agreement_ids: Annotated[list[Id], at_most(1_000)]


class EmploymentEndIn(In):
    """The end of an employment (uitdiensttreding): last day, reason and initiative."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"leftOn": "2028-03-31", "reason": "resignation", "initiative": "employee"}
            ]
        }
    )

    left_on: Day = Field(description="The last day of the employment.")
    reason: LeavingReason
    initiative: LeavingInitiative


class ClaimDecisionOut(Out):
    """Who confirmed or waived a claim, when and why."""

    by_id: Id
    at: Moment
    reason: Prose


class ClaimExportOut(Out):
    by_id: Id
    at: Moment
    payroll_reference: Line


class ClaimWithdrawalOut(Out):
    at: Moment
    reason: Prose
    superseded_by_id: Id | None


class ClaimItem(Out):
    """A repayment claim (terugvordering) as a list shows it."""

    id: Id
    version: Version
    agreement_id: Id
    employee_id: Id
    leaves_on: Day
    status: ClaimStatus
    amount_cents: AmountCents
    created_at: Moment


class ClaimPage(PageSchema):
    items: Annotated[list[ClaimItem], at_most(100)]


class ClaimOut(ClaimItem):
    """A repayment claim with its steps and its course."""

    reason: LeavingReason
    initiative: LeavingInitiative
    band: Band
    principal_cents: AmountCents
    numerator: Share
    denominator: Share
    steps: Steps
    remarks: Steps
    waits_for: Steps = Field(description="Why a named person confirms it first; empty if not.")
    confirmation: ClaimDecisionOut | None
    waiver: ClaimDecisionOut | None
    export: ClaimExportOut | None
    withdrawal: ClaimWithdrawalOut | None


class NoClaimOut(Out):
    """An agreement that gives rise to no new claim, and why."""

    agreement_id: Id
    steps: Steps


class EmploymentEndOut(Out):
    """The end as it was recorded, and what it set in motion."""

    employee_id: Id
    employment_id: Id
    hired_on: Day
    left_on: Day
    reason: LeavingReason
    initiative: LeavingInitiative
    previous_left_on: Day | None
    claims: Annotated[list[ClaimOut], at_most(100)]
    without_claim: Annotated[list[NoClaimOut], at_most(100)]


class EmploymentEndWithdrawalOut(Out):
    """The announced end that was taken back, and the claims that are withdrawn with it."""

    employee_id: Id
    employment_id: Id
    left_on: Day = Field(description="The last day that was announced.")
    withdrawn_claim_ids: Annotated[list[Id], at_most(100)]


class ConfirmationIn(In):
    """Why the claim holds although the law asks for a person's judgement (LAW-3)."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"reason": "Ontslag wegens verwijtbaar handelen; besproken met MT."}]
        }
    )

    reason: Prose


class WaiverIn(In):
    """Why the organisation lets the claim go (kwijtschelding)."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"reason": "Overlijden; het MT ziet af van vordering."}]}
    )

    reason: Prose


class ClaimExportIn(In):
    """The handing over of a claim to payroll: on cost really made, never on an estimate (LAW-3)."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"costMadeCents": 427_950, "payrollReference": "SAL-2028-0412"}]
        }
    )

    cost_made_cents: AmountCents = Field(
        description="Own cost really made for this employee, by invoices, less subsidies received."
    )
    payroll_reference: Line
