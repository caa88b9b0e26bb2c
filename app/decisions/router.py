"""Proposals and decisions over HTTP."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Query, Request, Response

from app.budgets.errors import BudgetNotFound, MeansExceeded
from app.decisions.errors import (
    AlreadyDecided,
    AlreadyRevised,
    DecisionContradictsItself,
    DecisionNotFound,
    ItemGone,
    ItemOutdated,
    ItemUnknown,
    LeavesBeforeTheStart,
    MoreThanRequested,
    MotivationMissing,
    NotAParticipant,
    NothingToRevise,
    OwnRequest,
    ProposalExists,
    ProposalFrozen,
    ProposalIncomplete,
    ProposalNotFound,
    ProposalNotSubmitted,
    TrancheStillOpen,
)
from app.decisions.models import Decision, Proposal
from app.decisions.rules import SAID, Breach, BreachKind, Impact, Need
from app.decisions.schemas import (
    CancellationIn,
    DecisionList,
    DecisionOut,
    DecisionPage,
    DecisionsIn,
    ExistingCommitmentIn,
    ExistingCommitmentsIn,
    ItemDecisionIn,
    ProposalDetailOut,
    ProposalIn,
    ProposalItemIn,
    ProposalItemsIn,
    ProposalOut,
    ProposalPage,
    RevisionIn,
    TrancheOverviewOut,
    TrialOut,
)
from app.decisions.service import (
    Advised,
    DecisionService,
    Overview,
    Promise,
    ProposalView,
    Resolved,
    Trial,
)
from app.hours.errors import NormExceeded
from app.http.deps import CurrentWork, ExpectedVersions, Paging, link_next, locate, tag
from app.http.operation import operation
from app.http.problems import language_of, on_the_wire
from app.http.routing import area_router
from app.http.schemas import id_path
from app.kernel.actors import Role
from app.kernel.errors import NamedPersonNeeded, StaleVersion
from app.kernel.quantities import Cents, Minutes
from app.kernel.steps import restored
from app.kernel.wording import Language, say
from app.people.errors import EmployeeNotFound, NotEmployed
from app.policy.errors import NoPolicyInForce
from app.requests.errors import (
    ActionNotAllowed,
    AssessmentIncomplete,
    BsnInText,
    HoursDoNotFit,
    NecessityMissing,
    NotYourStep,
    ReferenceTaken,
    RequestNotFound,
    TrancheNotFound,
)
from app.requests.errors import OwnRequest as OwnRequestStep
from app.requests.rules import OverviewItem, Variation
from app.requests.schemas import RequestOut

proposals = area_router(prefix="/proposals", tag="decisions")
decisions = area_router(prefix="/decisions", tag="decisions")
tranches = area_router(prefix="/tranches", tag="decisions")
requests = area_router(prefix="/requests", tag="decisions")
existing = area_router(prefix="/existing-commitments", tag="decisions")

_READERS = (Role.HR, Role.MT, Role.AUDITOR)
_DECISION_REFUSALS = (
    NamedPersonNeeded,
    OwnRequest,
    MotivationMissing,
    NormExceeded,
    MeansExceeded,
    BudgetNotFound,
    NotAParticipant,
    MoreThanRequested,
    DecisionContradictsItself,
    LeavesBeforeTheStart,
    NecessityMissing,
    BsnInText,
)


async def _service(work: CurrentWork) -> DecisionService:
    return DecisionService(work)


Service = Annotated[DecisionService, Depends(_service)]
RequestId = Annotated[UUID, id_path("requestId")]
TrancheId = Annotated[UUID, id_path("trancheId")]
ProposalId = Annotated[UUID, id_path("proposalId")]
DecisionId = Annotated[UUID, id_path("decisionId")]


@tranches.get(
    "/{trancheId}/overview",
    **operation(
        summary="See a tranche as a whole",
        term="overzicht van een tranche",
        roles=_READERS,
        refusals=(TrancheNotFound,),
    ),
)
async def get_tranche_overview(tranche_id: TrancheId, service: Service) -> TrancheOverviewOut:
    """Return all live requests of a tranche, ranked, beside the room of means and norm."""
    return _overview(await service.overview(tranche_id))


@proposals.post(
    "",
    **operation(
        summary="Draft a proposal to the management team",
        term="voorstel opstellen",
        roles=(Role.HR,),
        status=201,
        refusals=(TrancheNotFound, ProposalExists, ItemUnknown, NecessityMissing, BsnInText),
        role_rule="VIS-5.2",
    ),
)
async def draft_proposal(
    body: ProposalIn, service: Service, response: Response
) -> ProposalDetailOut:
    """Draft a proposal on a tranche, ranked and with a first advice, for HR to work on."""
    view = await service.propose(
        tranche_id=body.tranche_id,
        request_ids=body.request_ids,
        title=body.title,
        substantiation=body.substantiation,
    )
    locate(response, f"/proposals/{view.proposal.id}")
    tag(response, view.proposal.version)
    return _detail(view)


@proposals.get(
    "",
    **operation(summary="List proposals", term="voorstellen", roles=_READERS),
)
async def list_proposals(
    service: Service,
    paging: Paging,
    request: Request,
    response: Response,
    tranche_id: Annotated[UUID | None, Query(alias="trancheId")] = None,
) -> ProposalPage:
    """Return proposals, oldest first."""
    page, counts = await service.proposals(tranche_id=tranche_id, page=paging)
    return ProposalPage.model_validate(
        {
            "items": [
                _proposal(proposal, counts.get(proposal.id, (0, 0, 0))) for proposal in page.items
            ],
            "next_cursor": link_next(request, response, page),
        }
    )


@proposals.get(
    "/{proposalId}",
    **operation(
        summary="Read a proposal",
        term="voorstel",
        roles=_READERS,
        refusals=(ProposalNotFound,),
    ),
)
async def get_proposal(
    proposal_id: ProposalId, service: Service, response: Response
) -> ProposalDetailOut:
    """Return a proposal with its items in order of rank, and its version as ETag."""
    view = await service.proposal(proposal_id)
    tag(response, view.proposal.version)
    return _detail(view)


@proposals.put(
    "/{proposalId}/items",
    **operation(
        summary="Rank the items of a proposal",
        term="voorstel rangschikken",
        roles=(Role.HR,),
        refusals=(
            ProposalNotFound,
            ProposalFrozen,
            ItemUnknown,
            NotAParticipant,
            MoreThanRequested,
            DecisionContradictsItself,
            NecessityMissing,
            BsnInText,
            StaleVersion,
        ),
        precondition=True,
        role_rule="VIS-5.2",
    ),
)
async def replace_proposal_items(
    proposal_id: ProposalId,
    body: ProposalItemsIn,
    service: Service,
    expected: ExpectedVersions,
    response: Response,
) -> ProposalDetailOut:
    """Put these items in the draft, in this order, instead of those that were in it."""
    view = await service.replace_items(
        proposal_id, [_advised(item) for item in body.items], expected=expected
    )
    tag(response, view.proposal.version)
    return _detail(view)


@proposals.post(
    "/{proposalId}/submission",
    **operation(
        summary="Put a proposal before the management team",
        term="voorstel voorleggen",
        roles=(Role.HR,),
        refusals=(
            ProposalNotFound,
            ProposalFrozen,
            ItemGone,
            TrancheStillOpen,
            ProposalIncomplete,
            AssessmentIncomplete,
            NecessityMissing,
            ItemOutdated,
            StaleVersion,
        ),
        precondition=True,
        role_rule="VIS-5.2",
    ),
)
async def submit_proposal(
    proposal_id: ProposalId, service: Service, expected: ExpectedVersions, response: Response
) -> ProposalDetailOut:
    """Submit the proposal: it freezes, and the management team can decide on it."""
    view = await service.submit(proposal_id, expected=expected)
    tag(response, view.proposal.version)
    return _detail(view)


@proposals.post(
    "/{proposalId}/decision-trials",
    **operation(
        summary="Try a decision without taking it",
        term="proefbesluit",
        roles=(Role.MT, Role.HR),
        refusals=(ProposalNotFound, ItemUnknown, AlreadyDecided, NamedPersonNeeded, BsnInText),
    ),
)
async def try_decisions(
    proposal_id: ProposalId, body: DecisionsIn, service: Service, request: Request
) -> TrialOut:
    """Return what the same decision would do and run into. Nothing changes."""
    trial = await service.rehearse(proposal_id, _resolved(body), adopt_rest=body.adopt_rest)
    return _trial(trial, language_of(request))


@proposals.post(
    "/{proposalId}/decisions",
    **operation(
        summary="Decide on a proposal",
        term="besluit nemen",
        roles=(Role.MT,),
        status=201,
        refusals=(
            ProposalNotFound,
            ProposalNotSubmitted,
            ItemUnknown,
            AlreadyDecided,
            StaleVersion,
            *_DECISION_REFUSALS,
        ),
        key="required",
        precondition=True,
        role_rule="VIS-5.1",
    ),
)
async def decide(
    proposal_id: ProposalId,
    body: DecisionsIn,
    service: Service,
    expected: ExpectedVersions,
    request: Request,
) -> DecisionList:
    """Decide on items, and on all the rest as advised if asked; all of it happens, or nothing."""
    taken = await service.decide(
        proposal_id,
        _resolved(body),
        adopt_rest=body.adopt_rest,
        motivation=body.motivation,
        expected=expected,
    )
    language = language_of(request)
    return DecisionList.model_validate(
        {"items": [_decision(decision, in_force=True, language=language) for decision in taken]}
    )


@decisions.get(
    "",
    **operation(
        summary="List decisions",
        term="besluiten",
        roles=(*_READERS, Role.MANAGER, Role.EMPLOYEE),
        refusals=(RequestNotFound,),
    ),
)
async def list_decisions(
    *,
    service: Service,
    work: CurrentWork,
    paging: Paging,
    request: Request,
    response: Response,
    proposal_id: Annotated[UUID | None, Query(alias="proposalId")] = None,
    request_id: Annotated[UUID | None, Query(alias="requestId")] = None,
) -> DecisionPage:
    """Return decisions, oldest first; a manager or employee asks for those on one request."""
    if request_id is None and not work.actor.has(*_READERS):
        raise RequestNotFound
    page = await service.decisions(proposal_id=proposal_id, request_id=request_id, page=paging)
    language = language_of(request)
    return DecisionPage.model_validate(
        {
            "items": [
                _decision(decision, in_force=in_force, language=language)
                for decision, in_force in page.items
            ],
            "next_cursor": link_next(request, response, page),
        }
    )


@decisions.get(
    "/{decisionId}",
    **operation(
        summary="Read a decision",
        term="besluit",
        roles=(*_READERS, Role.MANAGER, Role.EMPLOYEE),
        refusals=(DecisionNotFound,),
    ),
)
async def get_decision(decision_id: DecisionId, service: Service, request: Request) -> DecisionOut:
    """Return one decision as it was taken, and whether a later one revised it."""
    decision, in_force = await service.decision(decision_id)
    return DecisionOut.model_validate(
        _decision(decision, in_force=in_force, language=language_of(request))
    )


@decisions.post(
    "/{decisionId}/revisions",
    **operation(
        summary="Revise a decision",
        term="besluit herzien",
        roles=(Role.MT,),
        status=201,
        refusals=(DecisionNotFound, AlreadyRevised, NothingToRevise, *_DECISION_REFUSALS),
        key="required",
        role_rule="VIS-5.1",
    ),
)
async def revise_decision(
    decision_id: DecisionId,
    body: RevisionIn,
    service: Service,
    request: Request,
    response: Response,
) -> DecisionOut:
    """Take a later decision; what the earlier one held is released first, what was spent stays."""
    decision = await service.revise(
        decision_id,
        Resolved(
            request_id=decision_id,
            outcome=body.outcome,
            amount_cents=_cents(body.amount_cents),
            employee_ids=_people(body.employee_ids),
            motivation=body.motivation,
            conditions=body.conditions,
        ),
    )
    locate(response, f"/decisions/{decision.id}")
    return DecisionOut.model_validate(
        _decision(decision, in_force=True, language=language_of(request))
    )


@requests.post(
    "/{requestId}/cancellation",
    **operation(
        summary="Cancel a granted training",
        term="toegekende opleiding annuleren",
        roles=(Role.MANAGER, Role.HR),
        refusals=(
            RequestNotFound,
            StaleVersion,
            ActionNotAllowed,
            NamedPersonNeeded,
            OwnRequestStep,
            NotYourStep,
            BsnInText,
        ),
        key="required",
        precondition=True,
        role_rule="VIS-5.3",
    ),
)
async def cancel_request(
    request_id: RequestId,
    body: CancellationIn,
    service: Service,
    expected: ExpectedVersions,
    response: Response,
) -> RequestOut:
    """Cancel a training that was granted: what is committed and reserved for it is released.

    Its agreements are void, but for those signed by both once the training has started: under them
    the terms of repayment run from today (VIS-7.7). So nobody cancels it who takes part.
    """
    details = await service.cancel(request_id, reason=body.reason, expected=expected)
    tag(response, details.version)
    return RequestOut.of(details)


@existing.post(
    "",
    **operation(
        summary="Settle commitments from before the policy",
        term="bestaande toezeggingen afwikkelen",
        roles=(Role.MT,),
        status=201,
        refusals=(
            ReferenceTaken,
            EmployeeNotFound,
            NotEmployed,
            HoursDoNotFit,
            BsnInText,
            NamedPersonNeeded,
            OwnRequest,
            NormExceeded,
            MeansExceeded,
            BudgetNotFound,
            LeavesBeforeTheStart,
            NoPolicyInForce,
        ),
        key="required",
        role_rule="VIS-5.1",
    ),
)
async def settle_existing_commitments(
    body: ExistingCommitmentsIn, service: Service, request: Request
) -> DecisionList:
    """Take commitments over as grants that count for hours and means (VIS-9.1), all or none."""
    taken = await service.settle_existing([_promise(item) for item in body.items])
    language = language_of(request)
    return DecisionList.model_validate(
        {"items": [_decision(decision, in_force=True, language=language) for decision in taken]}
    )


def _promise(item: ExistingCommitmentIn) -> Promise:
    return Promise(
        reference=item.reference,
        title=item.title,
        provider=item.provider,
        personnel_numbers=tuple(item.personnel_numbers),
        starts_on=item.starts_on,
        ends_on=item.ends_on,
        amount_cents=Cents(item.amount_cents),
        minutes_per_participant=Minutes(item.minutes_per_participant),
        basis=item.basis,
        source=item.source,
    )


def _overview(overview: Overview) -> TrancheOverviewOut:
    found = overview.tranche
    return TrancheOverviewOut.model_validate(
        {
            "tranche_id": found.tranche.id,
            "budget_year": overview.budget_year,
            "means_cents": None if overview.means is None else overview.means.means_cents,
            "room_cents": None if overview.means is None else overview.means.room_cents,
            "requested_cents": found.total_cost_cents,
            "requested_minutes": [
                {"calendar_year": year, "minutes": minutes}
                for year, minutes in found.minutes_by_year.items()
            ],
            "items": [_overview_item(item, overview) for item in found.items],
            "by_team": [_variation(row) for row in found.by_team],
            "by_employee": [_variation(row) for row in found.by_employee],
        }
    )


def _overview_item(item: OverviewItem, overview: Overview) -> dict[str, Any]:
    details = item.details
    return {
        "request_id": details.id,
        "reference": details.reference,
        "training": details.title,
        "status": details.status.value,
        "participants": len(details.participants),
        "total_cents": details.total_cost_cents,
        "working_minutes": details.working_minutes * len(details.participants),
        "priority": details.priority == 1,
        "score": None if details.score is None else details.score.basis_points,
        "overlaps": item.overlaps,
        "over_norm": [
            {
                "employee_id": over.employee_id,
                "calendar_year": over.year,
                "asked_minutes": over.asked_minutes,
                "room_minutes": over.room.room_minutes,
                "binding": over.room.binding,
            }
            for over in overview.over_norm[details.id]
        ],
    }


def _variation(row: Variation) -> dict[str, Any]:
    return {
        "id": row.key,
        "requests": row.requests,
        "participations": row.participations,
        "working_minutes": row.working_minutes,
        "cost_cents": row.cost_cents,
    }


def _cents(amount: int | None) -> Cents | None:
    return None if amount is None else Cents(amount)


def _people(ids: list[UUID] | None) -> frozenset[UUID] | None:
    return None if ids is None else frozenset(ids)


def _advised(item: ProposalItemIn) -> Advised:
    return Advised(
        request_id=item.request_id,
        advice=item.advice,
        amount_cents=_cents(item.amount_cents),
        employee_ids=_people(item.employee_ids),
        conditions=item.conditions,
        motivation=item.motivation,
    )


def _resolved(body: DecisionsIn) -> list[Resolved]:
    def one(item: ItemDecisionIn) -> Resolved:
        return Resolved(
            request_id=item.request_id,
            outcome=item.outcome,
            amount_cents=_cents(item.amount_cents),
            employee_ids=_people(item.employee_ids),
            motivation=item.motivation or body.motivation,
            conditions=item.conditions,
        )

    return [one(item) for item in body.items]


def _proposal(proposal: Proposal, counts: tuple[int, int, int]) -> dict[str, Any]:
    item_count, decided_count, advised_cents = counts
    shown = {
        name: getattr(proposal, name)
        for name in ProposalOut.model_fields
        if hasattr(proposal, name)
    }
    return {
        **shown,
        "item_count": item_count,
        "decided_count": decided_count,
        "advised_cents": advised_cents,
    }


def _detail(view: ProposalView) -> ProposalDetailOut:
    advised = sum(item.amount_cents for item in view.items)
    return ProposalDetailOut.model_validate(
        {
            **_proposal(view.proposal, (len(view.items), len(view.decided), advised)),
            "items": [
                {
                    "id": item.id,
                    "request_id": item.request_id,
                    "reference": view.requests[item.request_id].reference,
                    "training": view.requests[item.request_id].title,
                    "rank": item.rank,
                    "advice": item.advice,
                    "amount_cents": item.amount_cents,
                    "requested_cents": view.requests[item.request_id].total_cost_cents,
                    "employee_ids": item.employee_ids,
                    "working_minutes": item.working_minutes,
                    "score": item.score,
                    "priority": item.priority,
                    "conditions": item.conditions,
                    "motivation": item.motivation,
                    "decision_id": view.decided[item.id].id if item.id in view.decided else None,
                }
                for item in view.items
            ],
        }
    )


def _trial(trial: Trial, language: Language) -> TrialOut:
    granting = [impact for impact in trial.impacts if impact.intention.outcome.grants]
    return TrialOut.model_validate(
        {
            "blocked": any(impact.blocked for impact in trial.impacts),
            "committed_cents": sum(impact.intention.still_to_commit_cents for impact in granting),
            "reserved_minutes": sum(impact.intention.minutes_to_reserve for impact in granting),
            "items": [_impact(impact, trial, language) for impact in trial.impacts],
        }
    )


def _impact(impact: Impact, trial: Trial, language: Language) -> dict[str, Any]:
    request_id = impact.intention.candidate.request_id
    return {
        "request_id": request_id,
        "reference": trial.requests[request_id].reference,
        "outcome": impact.intention.outcome,
        "amount_cents": impact.intention.amount_cents,
        "blocked": impact.blocked,
        "breaches": [_breach(breach, language) for breach in impact.breaches],
        "agreements": [_need(need) for need in impact.needs],
        "means_left_cents": impact.means_left_cents,
    }


def _breach(breach: Breach, language: Language) -> dict[str, Any]:
    return {
        "kind": breach.kind,
        "rule": breach.rule,
        "blocking": breach.blocking,
        "employee_id": breach.employee_id,
        "text": say(SAID[breach.kind], breach.facts, language),
        "facts": on_the_wire(breach.facts),
    }


def _need(need: Need) -> dict[str, Any]:
    return {
        "request_id": need.request_id,
        "employee_id": need.employee_id,
        "starts_on": need.starts_on,
        "cost_cents": need.cost_cents,
        "working_minutes": need.working_minutes,
        "repayment": need.repayment,
    }


def _decision(decision: Decision, *, in_force: bool, language: Language) -> dict[str, Any]:
    return {
        "id": decision.id,
        "kind": decision.kind,
        "proposal_id": decision.proposal_id,
        "request_id": decision.request_id,
        "outcome": decision.outcome,
        "amount_cents": decision.amount_cents,
        "employee_ids": decision.employee_ids,
        "budget_year": decision.budget_year,
        "motivation": decision.motivation,
        "conditions": decision.conditions,
        "repayment_applies": decision.repayment["applies"],
        "agreements_needed": decision.effects["agreements"],
        "remarks": [
            {
                "text": say(SAID[BreachKind(told["kind"])], restored(told["facts"]), language),
                "rule": told["rule"],
            }
            for told in decision.effects["remarks"]
        ],
        "policy_version_id": decision.policy_version_id,
        "decided_by": decision.decided_by,
        "decided_at": decision.decided_at,
        "revises_id": decision.revises_id,
        "in_force": in_force,
    }
