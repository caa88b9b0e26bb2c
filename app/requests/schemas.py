"""Training requests, tranches and assessments on the wire."""

from datetime import date
from typing import Annotated, Self
from uuid import UUID

from pydantic import BeforeValidator, ConfigDict, Field, StringConstraints

from app.http.schemas import (
    AmountCents,
    AmountMinutes,
    CentsOut,
    Count,
    CountOut,
    Day,
    Flag,
    In,
    Line,
    Moment,
    MomentOut,
    Out,
    PageSchema,
    Prose,
    StepOut,
    Subject,
    Version,
    VersionOut,
    Year,
    at_most,
    json_integer,
)
from app.kernel.identifiers import new_id
from app.kernel.quantities import Cents, Minutes
from app.policy.rules import Criterion
from app.requests.errors import VatTwice
from app.requests.rules import (
    CostLine,
    Draft,
    Ground,
    Outcome,
    OutcomeKind,
    ParticipantStatus,
    Rating,
    RequestDetails,
    RequestStatus,
    TrainingBasis,
    TrainingKind,
    TrainingSession,
    Tranche,
    missing_criteria,
    vat_on,
)

Reference = Annotated[
    str, StringConstraints(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9][A-Za-z0-9._/-]*$")
]
RuleOrder = Annotated[int, Field(ge=1, le=1000), BeforeValidator(json_integer)]


class SessionIn(In):
    """One session of the training, which every participant attends."""

    held_on: Day = Field(description="Its hours count in the calendar year of this day.")
    minutes: Annotated[int, Field(ge=1, le=1440), BeforeValidator(json_integer)] = Field(
        description="How long, in whole minutes."
    )
    working_time: Flag = Field(description="False for one's own time, which the norm leaves out.")


class CostLineIn(In):
    """One cost, without VAT; the VAT as an amount or as a percentage, not both."""

    what: Line
    amount_cents: AmountCents = Field(description="Without VAT, in whole cents.")
    vat_cents: AmountCents | None = None
    vat_basis_points: (
        Annotated[int, Field(ge=0, le=10_000), BeforeValidator(json_integer)] | None
    ) = Field(default=None, description="2100 is 21 %. Half a cent is rounded up.")
    per_participant: Flag = Field(description="Whether each participant costs this much.")

    def as_cost_line(self) -> CostLine:
        """Return the line with its VAT as an amount.

        Raises:
            VatTwice: both an amount and a percentage were given.
        """
        if self.vat_cents is not None and self.vat_basis_points is not None:
            raise VatTwice(what=self.what)
        amount = Cents(self.amount_cents)
        vat = self.vat_cents
        if vat is None:
            vat = vat_on(amount, basis_points=self.vat_basis_points or 0)
        return CostLine(self.what, amount, Cents(vat), self.per_participant)


class GroundIn(In):
    """A criterion of the framework that the request serves, with the motivation."""

    criterion: Criterion
    motivation: Prose


class RequestIn(In):
    """What a training request asks for; also to replace what a draft asked for before."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "title": "Geluid in de Omgevingswet, rekenmethoden",
                    "provider": "Geluidsacademie",
                    "kind": "course",
                    "startsOn": "2027-09-06",
                    "endsOn": "2027-10-04",
                    "motivation": "Nodig om geluidrapporten zelf te kunnen toetsen.",
                    "conversationOn": "2027-02-11",
                    "basis": "necessary_for_function",
                    "basisSource": None,
                    "basisReason": "Kwaliteitscriteria VTH, deskundigheidsgebied geluid.",
                    "participantIds": ["01980000-0000-7000-8000-000000000001"],
                    "sessions": [
                        {"heldOn": "2027-09-06", "minutes": 480, "workingTime": True},
                        {"heldOn": "2027-10-04", "minutes": 480, "workingTime": True},
                    ],
                    "costLines": [
                        {
                            "what": "Cursusgeld",
                            "amountCents": 149000,
                            "vatBasisPoints": 2100,
                            "perParticipant": True,
                        }
                    ],
                    "grounds": [
                        {
                            "criterion": "legal_and_function",
                            "motivation": "Vereist voor het deskundigheidsgebied geluid.",
                        }
                    ],
                }
            ]
        }
    )

    title: Line
    provider: Line
    kind: TrainingKind
    starts_on: Day
    ends_on: Day
    motivation: Prose
    conversation_on: Day | None = Field(
        default=None, description="Day of the conversation (gesprekkencyclus) it comes from."
    )
    basis: TrainingBasis = Field(
        default=TrainingBasis.UNKNOWN,
        description="Why the training is followed; HR can classify it anew.",
    )
    basis_source: Line | None = Field(
        default=None, description="The article, cao or rule that the basis rests on."
    )
    basis_reason: Prose | None = None
    participant_ids: Annotated[list[UUID], at_most(250, at_least=1)]
    sessions: Annotated[list[SessionIn], at_most(400)] = Field(
        description="May be empty in a draft; a submission needs at least one."
    )
    cost_lines: Annotated[list[CostLineIn], at_most(50)]
    grounds: Annotated[list[GroundIn], at_most(5, at_least=1)]

    def as_draft(self) -> Draft:
        """Return what is asked for, as the rules take it.

        Raises:
            VatTwice: a cost line gives its VAT in two ways.
        """
        return Draft(
            title=self.title,
            provider=self.provider,
            kind=self.kind,
            starts_on=self.starts_on,
            ends_on=self.ends_on,
            motivation=self.motivation,
            conversation_on=self.conversation_on,
            basis=self.basis,
            basis_source=self.basis_source,
            basis_reason=self.basis_reason,
            participant_ids=tuple(self.participant_ids),
            sessions=tuple(
                TrainingSession(
                    new_id(), session.held_on, Minutes(session.minutes), session.working_time
                )
                for session in self.sessions
            ),
            cost_lines=tuple(line.as_cost_line() for line in self.cost_lines),
            grounds=tuple(Ground(ground.criterion, ground.motivation) for ground in self.grounds),
        )


class ParticipantOut(Out):
    """An employee who takes part, and how that stands."""

    employee_id: UUID
    status: ParticipantStatus


class SessionOut(Out):
    """One session; estimated when only the hours in total were known."""

    id: UUID
    held_on: Day
    minutes: AmountMinutes
    working_time: bool
    estimated: bool


class CostLineOut(Out):
    """One cost with the VAT on it, in whole cents."""

    what: Line
    amount_cents: AmountCents
    vat_cents: AmountCents
    per_participant: bool


class GroundOut(Out):
    """A criterion that the request serves."""

    criterion: Criterion
    motivation: Prose


class YearMinutesOut(Out):
    """Hours of each participant in one calendar year, in whole minutes."""

    year: Year
    working_minutes: AmountMinutes
    own_minutes: AmountMinutes


class OutcomeOut(Out):
    """What the training ended in (KB-14)."""

    kind: OutcomeKind
    nlqf_level: Annotated[int, Field(ge=1, le=8), BeforeValidator(json_integer)] | None
    credits: Annotated[int, Field(ge=3, le=30), BeforeValidator(json_integer)] | None


class RequestOut(Out):
    """A training request, whole."""

    id: UUID
    reference: Reference
    version: Version
    status: RequestStatus
    tranche_id: UUID | None
    interim: bool = Field(description="Submitted outside the tranches (VIS-6.4).")
    necessity: Prose | None
    consented_at: Moment | None = Field(description="When the MT consented to an interim request.")
    title: Line
    provider: Line
    kind: TrainingKind
    informal: bool
    collective: bool
    starts_on: Day
    ends_on: Day
    motivation: Prose
    conversation_on: Day | None
    basis: TrainingBasis
    applicant_id: UUID | None = Field(description="In whose name it was drafted.")
    endorsed_by_id: UUID | None
    endorsed_at: Moment | None
    submitted_at: Moment | None
    policy_version_id: UUID | None
    participants: Annotated[list[ParticipantOut], at_most(250)]
    sessions: Annotated[list[SessionOut], at_most(400)]
    cost_lines: Annotated[list[CostLineOut], at_most(50)]
    grounds: Annotated[list[GroundOut], at_most(5)]
    total_cost_cents: AmountCents = Field(description="For all participants, with VAT.")
    cost_per_participant_cents: AmountCents = Field(
        description="With VAT; what is for all together is divided evenly."
    )
    hours: Annotated[list[YearMinutesOut], at_most(50)] = Field(
        description="Of each participant, per calendar year."
    )
    assessment_complete: bool
    completed_on: Day | None
    cancelled_on: Day | None
    outcome: OutcomeOut | None
    closing_reason: Prose | None = Field(
        description="Why it was withdrawn, refused as an interim request, or cancelled."
    )
    created_at: Moment

    @classmethod
    def of(cls, details: RequestDetails) -> Self:
        """Return the request as it goes over the wire."""
        working, own = details.minutes_by_year, details.own_minutes_by_year
        return cls(
            id=details.id,
            reference=details.reference,
            version=details.version,
            status=details.status,
            tranche_id=details.tranche_id,
            interim=details.interim,
            necessity=details.necessity,
            consented_at=details.consented_at,
            title=details.title,
            provider=details.provider,
            kind=details.kind,
            informal=details.informal,
            collective=details.collective,
            starts_on=details.starts_on,
            ends_on=details.ends_on,
            motivation=details.motivation,
            conversation_on=details.conversation_on,
            basis=details.basis,
            applicant_id=details.applicant_id,
            endorsed_by_id=details.endorsed_by_id,
            endorsed_at=details.endorsed_at,
            submitted_at=details.submitted_at,
            policy_version_id=details.policy_version_id,
            participants=[ParticipantOut.model_validate(item) for item in details.participants],
            sessions=[SessionOut.model_validate(item) for item in details.sessions],
            cost_lines=[CostLineOut.model_validate(item) for item in details.cost_lines],
            grounds=[GroundOut.model_validate(item) for item in details.grounds],
            total_cost_cents=details.total_cost_cents,
            cost_per_participant_cents=details.cost_per_participant_cents,
            hours=[
                YearMinutesOut(
                    year=year, working_minutes=working.get(year, 0), own_minutes=own.get(year, 0)
                )
                for year in sorted({*working, *own})
            ],
            assessment_complete=details.assessment_complete,
            completed_on=details.completed_on,
            cancelled_on=details.cancelled_on,
            outcome=None if details.outcome is None else OutcomeOut.model_validate(details.outcome),
            closing_reason=details.closing_reason,
            created_at=details.created_at,
        )


class RequestSummaryOut(Out):
    """A training request as a list shows it: how many take part, and not who."""

    id: UUID
    reference: Reference
    version: VersionOut
    status: RequestStatus
    tranche_id: UUID | None
    interim: bool
    title: Line
    provider: Line
    kind: TrainingKind
    starts_on: date
    ends_on: date
    basis: TrainingBasis
    applicant_id: UUID | None = Field(description="Null for who bundles demand.")
    submitted_at: MomentOut | None
    participant_count: CountOut
    total_cost_cents: CentsOut


class RequestPage(PageSchema):
    """A page of training requests, newest first."""

    items: Annotated[list[RequestSummaryOut], at_most(100)]


class TrancheOut(Out):
    """A tranche: requests submitted until one latest day, weighed and decided on together."""

    id: UUID
    year: Year = Field(description="The calendar year in which it is decided on.")
    number: RuleOrder
    opens_on: Day
    closes_on: Day = Field(description="The latest day of submission, to midnight in Amsterdam.")
    decision_by: Day = Field(description="The last day for the MT's decision.")
    policy_version_id: UUID

    @classmethod
    def of(cls, tranche: Tranche) -> Self:
        """Return the tranche as it goes over the wire."""
        key = tranche.key
        return cls(
            id=tranche.id,
            year=key.year,
            number=key.number,
            opens_on=key.opens_on,
            closes_on=key.closes_on,
            decision_by=key.decision_by,
            policy_version_id=tranche.policy_version_id,
        )


class TranchePage(PageSchema):
    """A page of tranches, the latest first."""

    items: Annotated[list[TrancheOut], at_most(100)]


class SubmissionIn(In):
    """How a draft is submitted: for the tranche, or as an interim request with its necessity."""

    model_config = ConfigDict(json_schema_extra={"examples": [{}]})

    necessity: Prose | None = Field(
        default=None,
        description="Only for an interim request: the legal or function-bound necessity (VIS-6.4).",
    )


class SubmissionOut(Out):
    """A submitted request, the tranche it falls in, and why."""

    request: RequestOut
    tranche: TrancheOut | None = Field(description="Null for an interim request.")
    steps: Annotated[list[StepOut], at_most(20)]


class WithdrawalIn(In):
    """Why a request is withdrawn."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"reason": "De opleiding gaat dit jaar niet door."}]}
    )

    reason: Prose


class ConsentIn(In):
    """Why the MT consents to taking up an interim request."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"reason": "De certificering verloopt voor de tranche."}]}
    )

    reason: Prose


class RefusalIn(In):
    """Why the MT does not take up an interim request."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"reason": "De training kan wachten tot de tranche."}]}
    )

    reason: Prose


class OutcomeIn(In):
    """What the training ended in (KB-14); credits for a microcredential alone."""

    kind: OutcomeKind
    nlqf_level: Annotated[int, Field(ge=1, le=8), BeforeValidator(json_integer)] | None = None
    credits: Annotated[int, Field(ge=3, le=30), BeforeValidator(json_integer)] | None = None

    def as_outcome(self) -> Outcome:
        """Return the outcome as the rules take it."""
        return Outcome(self.kind, self.nlqf_level, self.credits)


class CompletionOfIn(In):
    """Whether one participant completed the training."""

    employee_id: UUID
    completed: Flag


class CompletionIn(In):
    """When the training was completed, by whom, and what it ended in."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "completedOn": "2027-10-04",
                    "outcome": {"kind": "branch_certificate", "nlqfLevel": 5},
                    "participants": [
                        {
                            "employeeId": "01980000-0000-7000-8000-000000000001",
                            "completed": True,
                        }
                    ],
                }
            ]
        }
    )

    completed_on: Day
    outcome: OutcomeIn | None = None
    participants: Annotated[list[CompletionOfIn], at_most(250, at_least=1)]


class ClassificationIn(In):
    """A new classification of the basis, with the source it rests on and the reason."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "basis": "statutory",
                    "source": "Besluit buitengewoon opsporingsambtenaar",
                    "reason": "De her- en bijscholing is voorwaarde voor de bevoegdheid.",
                }
            ]
        }
    )

    basis: TrainingBasis
    source: Line | None = None
    reason: Prose


class ClassificationOut(Out):
    """One entry in the history of the basis (LAW-1)."""

    id: UUID
    sequence: RuleOrder
    basis: TrainingBasis
    source: Line | None
    reason: Prose
    classified_by: Subject
    classified_by_id: UUID | None
    classified_at: Moment


class ClassificationList(Out):
    """The history of a request's basis, oldest first."""

    items: Annotated[list[ClassificationOut], at_most(1000)]


class RatingIn(In):
    """HR's judgement on one criterion: 0 none, 1 slight, 2 clear, 3 strong, 4 decisive."""

    criterion: Criterion
    rating: Annotated[int, Field(ge=0, le=10), BeforeValidator(json_integer)] = Field(
        description="On the policy's scale, from 0 to 4 unless it says otherwise."
    )
    motivation: Prose

    def as_rating(self) -> Rating:
        """Return the rating as the rules take it."""
        return Rating(self.criterion, self.rating, self.motivation)


class AssessmentIn(In):
    """An assessment by the framework; it is complete with all five criteria (VIS-4.2)."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "ratings": [
                        {
                            "criterion": "legal_and_function",
                            "rating": 4,
                            "motivation": "Vereist door de kwaliteitscriteria.",
                        },
                        {
                            "criterion": "organisation_goals",
                            "rating": 2,
                            "motivation": "Draagt bij aan de uitvoering van de Omgevingswet.",
                        },
                        {
                            "criterion": "team_and_function",
                            "rating": 3,
                            "motivation": "Het team mist deze deskundigheid.",
                        },
                        {
                            "criterion": "individual_development",
                            "rating": 2,
                            "motivation": "Besproken in het jaargesprek.",
                        },
                        {
                            "criterion": "efficiency_and_feasibility",
                            "rating": 3,
                            "motivation": "Twee dagen, buiten de piek in de vergunningen.",
                        },
                    ]
                }
            ]
        }
    )

    ratings: Annotated[list[RatingIn], at_most(5, at_least=1)]


class RatingOut(Out):
    """HR's judgement on one criterion."""

    criterion: Criterion
    rating: Annotated[int, Field(ge=0, le=10), BeforeValidator(json_integer)]
    motivation: Prose


class ScoreOut(Out):
    """The weighted score: points of the most that was possible under the policy's weights."""

    points: Count
    most_points: Count
    basis_points: Annotated[int, Field(ge=0, le=10_000), BeforeValidator(json_integer)] = Field(
        description="The same in hundredths of a percent, for showing."
    )


class AssessmentOut(Out):
    """The assessment of a request, complete or not yet."""

    request_id: UUID
    version: Version = Field(description="Of the request; it is the ETag here too.")
    status: RequestStatus
    complete: bool
    missing_criteria: Annotated[list[Criterion], at_most(5)]
    ratings: Annotated[list[RatingOut], at_most(5)]
    score: ScoreOut | None = Field(description="Null until all five criteria are rated.")
    priority: Annotated[int, Field(ge=1, le=2), BeforeValidator(json_integer)] = Field(
        description="1 for a legal or function-bound necessity, which goes first (VIS-3.1); else 2."
    )

    @classmethod
    def of(cls, details: RequestDetails) -> Self:
        """Return the assessment as it goes over the wire."""
        return cls(
            request_id=details.id,
            version=details.version,
            status=details.status,
            complete=details.assessment_complete,
            missing_criteria=list(missing_criteria(details.ratings)),
            ratings=[RatingOut.model_validate(rating) for rating in details.ratings],
            score=None if details.score is None else ScoreOut.model_validate(details.score),
            priority=details.priority,
        )
