"""Proposals and decisions on the wire."""

from typing import Annotated, Any
from uuid import UUID

from pydantic import ConfigDict, Field, model_validator

from app.decisions.rules import BreachKind, Outcome, ProposalStatus
from app.http.schemas import (
    AmountCents,
    AmountMinutes,
    CanNotBe,
    Code,
    Count,
    Day,
    Flag,
    In,
    Line,
    Moment,
    Out,
    PageSchema,
    Prose,
    SignedCents,
    SignedTotalMinutes,
    StepOut,
    Subject,
    TotalCents,
    TotalMinutes,
    Version,
    Year,
    at_most,
)
from app.requests.rules import TrainingBasis

# The most requests that are put before the MT together.
_MOST_ITEMS = 5000

RuleId = Annotated[str, Field(max_length=40, description="Id of the rule book's paragraph.")]


class ProposalIn(In):
    """A proposal to the MT; HR's first ranking of the assessed requests is made with it."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "trancheId": "01890000-0000-7000-8000-000000000001",
                    "requestIds": [],
                    "title": "Voorstel opleidingen tweede tranche 2027",
                    "substantiation": "Wettelijk en functiegebonden eerst, daarna naar score.",
                }
            ]
        }
    )

    tranche_id: UUID | None = Field(
        default=None, description="The tranche; without one it is about interim requests (VIS-6.4)."
    )
    request_ids: Annotated[list[UUID], at_most(500)] = Field(
        default_factory=list[UUID],
        description="The interim requests it is about; a tranche brings its own.",
    )
    title: Line
    substantiation: Prose

    @model_validator(mode="after")
    def _about_a_tranche_or_interim(self) -> "ProposalIn":
        if (self.tranche_id is None) == (not self.request_ids):
            raise CanNotBe(
                en="name a tranche, or the interim requests, and not both",
                nl="noem een tranche, of de tussentijdse aanvragen, en niet beide",
            )
        return self


class ProposalItemIn(In):
    """What HR advises on one request."""

    request_id: UUID
    advice: Outcome
    amount_cents: AmountCents | None = Field(
        default=None, description="What to grant; the whole cost when left out."
    )
    employee_ids: Annotated[list[UUID], at_most(500, at_least=1)] | None = Field(
        default=None, description="Who may take part; every participant when left out."
    )
    conditions: Prose | None = None
    motivation: Prose


class ProposalItemsIn(In):
    """All items of a proposal in the order of their rank."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "items": [
                        {
                            "requestId": "01890000-0000-7000-8000-000000000002",
                            "advice": "granted",
                            "motivation": "Wettelijk verplicht; past in de norm.",
                        }
                    ]
                }
            ]
        }
    )

    items: Annotated[list[ProposalItemIn], at_most(_MOST_ITEMS, at_least=1)]


class ProposalItemOut(Out):
    """One request in a proposal, with HR's advice and the assessment's figures."""

    id: UUID
    request_id: UUID
    reference: Line
    training: Line
    rank: Annotated[int, Field(ge=1, le=100_000)]
    advice: Outcome
    amount_cents: AmountCents
    requested_cents: AmountCents
    employee_ids: Annotated[list[UUID], at_most(500)]
    working_minutes: TotalMinutes = Field(description="Of all participants together.")
    score: Count = Field(description="Weighted score of the assessment, in hundredths.")
    priority: bool = Field(description="Legal or function-bound necessity (VIS-3.1).")
    conditions: Prose | None
    motivation: Prose
    decision_id: UUID | None


class ProposalOut(Out):
    """A proposal without its items."""

    id: UUID
    version: Version
    tranche_id: UUID | None
    title: Line
    substantiation: Prose
    status: ProposalStatus
    policy_version_id: UUID
    created_by: Subject
    created_at: Moment
    submitted_by: Subject | None
    submitted_at: Moment | None
    decided_at: Moment | None
    item_count: Count
    decided_count: Count
    advised_cents: TotalCents = Field(description="Sum of what HR advises to grant.")


class ProposalDetailOut(ProposalOut):
    """A proposal with its items in rank order."""

    items: Annotated[list[ProposalItemOut], at_most(_MOST_ITEMS)]


class ProposalPage(PageSchema):
    """A page of proposals, oldest first."""

    items: Annotated[list[ProposalOut], at_most(100)]


class ItemDecisionIn(In):
    """What the MT decides on one request of the proposal."""

    request_id: UUID
    outcome: Outcome
    amount_cents: AmountCents | None = Field(
        default=None, description="What is granted; as advised, else the whole cost, when left out."
    )
    employee_ids: Annotated[list[UUID], at_most(500, at_least=1)] | None = Field(
        default=None,
        description="Who may take part; as advised, else every participant, when left out.",
    )
    motivation: Prose | None = Field(
        default=None,
        description="Needed when it departs from the proposal, refuses, defers or grants in part.",
    )
    conditions: Prose | None = None


class DecisionsIn(In):
    """Decisions on items one by one, and on all the rest as HR advised when `adoptRest` is true."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"adoptRest": True, "items": [], "motivation": "Conform voorstel."}]
        }
    )

    adopt_rest: Flag = Field(
        default=False, description="Decide on every item not named here as HR advised."
    )
    items: Annotated[list[ItemDecisionIn], at_most(_MOST_ITEMS)] = Field(
        default_factory=list[ItemDecisionIn]
    )
    motivation: Prose | None = Field(
        default=None, description="Of the decision as a whole; holds for items without their own."
    )

    @model_validator(mode="after")
    def _decides_something(self) -> "DecisionsIn":
        if not self.items and not self.adopt_rest:
            raise CanNotBe(
                en="name items, or adopt the rest of the proposal",
                nl="noem onderdelen, of neem de rest van het voorstel over",
            )
        return self


class RevisionIn(In):
    """A later decision on a request that was decided before; always with a motivation."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"outcome": "rejected", "motivation": "De opleider heeft de opleiding geannuleerd."}
            ]
        }
    )

    outcome: Outcome
    amount_cents: AmountCents | None = None
    employee_ids: Annotated[list[UUID], at_most(500, at_least=1)] | None = None
    motivation: Prose
    conditions: Prose | None = None


class CancellationIn(In):
    """Why a granted training does not go on."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"reason": "De opleider heeft de uitvoering geannuleerd."}]}
    )

    reason: Prose


class NeedOut(Out):
    """A training agreement that must be signed before the training starts (VIS-7.1)."""

    request_id: UUID
    employee_id: UUID
    starts_on: Day
    cost_cents: AmountCents
    working_minutes: AmountMinutes
    repayment: bool = Field(description="Whether it carries the repayment scheme (VIS-7.6, LAW-1).")


class BreachOut(Out):
    """One thing a decision runs into."""

    kind: BreachKind
    rule: RuleId
    blocking: bool = Field(description="Whether it stops the decision, or is only to be known.")
    employee_id: UUID | None
    text: Prose
    facts: dict[str, Any] = Field(
        description="The figures it rests on.", json_schema_extra={"maxProperties": 20}
    )


class ImpactOut(Out):
    """What deciding on one request would do, after those before it."""

    request_id: UUID
    reference: Line
    outcome: Outcome
    amount_cents: AmountCents
    blocked: bool
    breaches: Annotated[list[BreachOut], at_most(5000)]
    agreements: Annotated[list[NeedOut], at_most(500)]
    means_left_cents: SignedCents | None = Field(
        description="Room of the budget year after this item; null where no means are set."
    )


class TrialOut(Out):
    """A dry run: what the same decision would do and run into. Nothing was changed."""

    blocked: bool = Field(description="Whether the decision as it stands would be refused.")
    committed_cents: TotalCents = Field(description="What it would commit in all.")
    reserved_minutes: TotalMinutes = Field(description="What it would reserve in all.")
    items: Annotated[list[ImpactOut], at_most(_MOST_ITEMS)]


class DecisionOut(Out):
    """One decision of the MT on one request, as it was taken."""

    id: UUID
    kind: Annotated[str, Field(max_length=40)]
    proposal_id: UUID | None
    request_id: UUID
    outcome: Outcome
    amount_cents: AmountCents
    employee_ids: Annotated[list[UUID], at_most(500)]
    budget_year: Year
    motivation: Prose | None
    conditions: Prose | None
    repayment_applies: bool = Field(
        description="Whether the repayment scheme is part of this decision (VIS-7.9)."
    )
    agreements_needed: Annotated[list[NeedOut], at_most(500)]
    remarks: Annotated[list[StepOut], at_most(2000)] = Field(
        description="What the decision ran into without being stopped by it."
    )
    policy_version_id: UUID
    decided_by: Subject
    decided_at: Moment
    revises_id: UUID | None
    in_force: bool


class DecisionList(Out):
    """The decisions taken in one go, or those on one request, oldest first."""

    items: Annotated[list[DecisionOut], at_most(_MOST_ITEMS)]


class DecisionPage(PageSchema):
    """A page of decisions, oldest first."""

    items: Annotated[list[DecisionOut], at_most(100)]


class OverlapOut(Out):
    """Another request for the same training, in whatever tranche."""

    request_id: UUID
    reference: Line
    collective: bool = Field(description="Whether several employees take part in it.")
    tranche_id: UUID | None


class OverNormOut(Out):
    """A participant whose room in a year is too small for this request by itself."""

    employee_id: UUID
    calendar_year: Year
    asked_minutes: AmountMinutes
    room_minutes: SignedTotalMinutes
    binding: bool


class TrancheItemOut(Out):
    """One request in the overview of a tranche."""

    request_id: UUID
    reference: Line
    training: Line
    status: Line
    participants: Count
    total_cents: AmountCents
    working_minutes: TotalMinutes = Field(description="Of all participants together.")
    priority: bool = Field(description="Legal or function-bound necessity (VIS-3.1).")
    score: Count | None = Field(
        description="Weighted score in hundredths of a percent; null until fully assessed."
    )
    overlaps: Annotated[list[OverlapOut], at_most(500)]
    over_norm: Annotated[list[OverNormOut], at_most(2000)]


class VariationOut(Out):
    """What one team, or one employee, asks for in the tranche (VIS-4.3)."""

    id: UUID | None = Field(description="The team or the employee; null for those in no team.")
    requests: Count
    participations: Count
    working_minutes: TotalMinutes
    cost_cents: TotalCents


class RequestedMinutesOut(Out):
    """Working time that is asked for in one calendar year."""

    calendar_year: Year
    minutes: TotalMinutes


class TrancheOverviewOut(Out):
    """All live requests of a tranche, ranked, beside the room of means and norm (VIS-6.2)."""

    tranche_id: UUID
    budget_year: Year
    means_cents: AmountCents | None = Field(description="Null as long as the MT has set none.")
    room_cents: SignedCents | None
    requested_cents: TotalCents
    requested_minutes: Annotated[list[RequestedMinutesOut], at_most(20)]
    items: Annotated[list[TrancheItemOut], at_most(_MOST_ITEMS)]
    by_team: Annotated[list[VariationOut], at_most(5000)]
    by_employee: Annotated[list[VariationOut], at_most(50_000)]


class ExistingCommitmentIn(In):
    """A commitment from before the policy (VIS-9.1), to be settled within its frames."""

    reference: Line
    title: Line
    provider: Line
    personnel_numbers: Annotated[list[Code], at_most(200, at_least=1)]
    starts_on: Day
    ends_on: Day
    amount_cents: AmountCents = Field(description="Of all participants together, VAT included.")
    minutes_per_participant: AmountMinutes = Field(description="In working time.")
    basis: TrainingBasis = Field(description="Why the training is followed (LAW-1).")
    source: Prose = Field(description="Where the commitment was made: a letter, a mail, a plan.")

    @model_validator(mode="after")
    def _ends_after_start(self) -> "ExistingCommitmentIn":
        if self.ends_on < self.starts_on:
            raise CanNotBe(en="endsOn lies before startsOn", nl="endsOn ligt voor startsOn")
        if len(set(self.personnel_numbers)) < len(self.personnel_numbers):
            raise CanNotBe(
                en="each personnel number is named once",
                nl="elk personeelsnummer staat er één keer in",
            )
        return self


class ExistingCommitmentsIn(In):
    """Commitments from before the policy, all imported or none."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "items": [
                        {
                            "reference": "T2025-014",
                            "title": "Hogere Veiligheidskunde (HVK)",
                            "provider": "Kader",
                            "personnelNumbers": ["100150"],
                            "startsOn": "2027-02-01",
                            "endsOn": "2027-06-30",
                            "amountCents": 895_000,
                            "minutesPerParticipant": 2400,
                            "basis": "necessary_for_function",
                            "source": "Toezegging afdelingshoofd, brief van 3 oktober 2025.",
                        }
                    ]
                }
            ]
        }
    )

    items: Annotated[list[ExistingCommitmentIn], at_most(500, at_least=1)]
