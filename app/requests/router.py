"""Training requests and their tranches over HTTP."""

from collections.abc import Iterable
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Request, Response

from app.http.deps import CurrentWork, ExpectedVersions, Paging, link_next, locate, tag
from app.http.operation import operation
from app.http.problems import language_of
from app.http.routing import area_router
from app.http.schemas import StepOut, id_path
from app.kernel.actors import Role
from app.kernel.errors import NamedPersonNeeded, StaleVersion
from app.kernel.steps import Step
from app.kernel.wording import Language, say
from app.people.errors import NotEmployed
from app.policy.errors import NoPolicyInForce
from app.requests.errors import (
    ActionNotAllowed,
    BsnInText,
    ConversationMissing,
    CostBeyondReach,
    DatesReversed,
    EndorsementMissing,
    EndorsementNotNeeded,
    InterimConsentMissing,
    InterimConsentNotNeeded,
    NecessityMissing,
    NotYourStep,
    OwnRequest,
    ParticipantNotYours,
    RatingOffScale,
    RequestNotFound,
    SessionOutsideTraining,
    SessionsMissing,
    TrancheNotFound,
    TwiceNamed,
    VatTwice,
)
from app.requests.rules import RequestFilter, RequestStatus
from app.requests.schemas import (
    AssessmentIn,
    AssessmentOut,
    ClassificationList,
    ClassificationOut,
    ConsentIn,
    RefusalIn,
    RequestIn,
    RequestOut,
    RequestPage,
    SubmissionIn,
    SubmissionOut,
    TrancheOut,
    TranchePage,
    WithdrawalIn,
)
from app.requests.service import RequestService

router = area_router(prefix="/requests", tag="requests")
assessments = area_router(prefix="/requests", tag="assessments")
tranches = area_router(prefix="/tranches", tag="tranches")

_READERS = (Role.EMPLOYEE, Role.MANAGER, Role.HR, Role.MT, Role.AUDITOR)
_DRAFTERS = (Role.EMPLOYEE, Role.MANAGER, Role.HR)
_DRAFT_REFUSALS = (
    BsnInText,
    CostBeyondReach,
    DatesReversed,
    NotEmployed,
    ParticipantNotYours,
    SessionOutsideTraining,
    TwiceNamed,
    VatTwice,
)
_STEP_REFUSALS = (RequestNotFound, StaleVersion, ActionNotAllowed)


async def _service(work: CurrentWork) -> RequestService:
    return RequestService(work)


Service = Annotated[RequestService, Depends(_service)]
RequestId = Annotated[UUID, id_path("requestId", of="training request")]
TrancheId = Annotated[UUID, id_path("trancheId")]


@router.get(
    "",
    **operation(
        summary="List training requests",
        term="opleidingsaanvragen inzien",
        roles=(*_READERS, Role.KNOWLEDGE_BROKER),
    ),
)
async def list_requests(
    *,
    service: Service,
    paging: Paging,
    request: Request,
    response: Response,
    status: Annotated[RequestStatus | None, Query(description="Only in this status.")] = None,
    tranche_id: Annotated[
        UUID | None, Query(alias="trancheId", description="Only of this tranche.")
    ] = None,
    participant_id: Annotated[
        UUID | None, Query(alias="participantId", description="Only for this employee.")
    ] = None,
    applicant_id: Annotated[
        UUID | None, Query(alias="applicantId", description="Only in this employee's name.")
    ] = None,
) -> RequestPage:
    """Return the requests you may see, newest first.

    An employee sees the requests for or by him- or herself, a manager those for the people
    managed too; HR, the MT and the auditor see all. So does the knowledge broker, to bundle
    demand: by training and number of participants, not by person.
    """
    page = await service.requests(
        RequestFilter(
            status=status,
            tranche_id=tranche_id,
            participant_id=participant_id,
            applicant_id=applicant_id,
        ),
        paging,
    )
    return RequestPage.model_validate(
        {"items": page.items, "next_cursor": link_next(request, response, page)}
    )


@router.get(
    "/{requestId}",
    **operation(
        summary="Read a training request",
        term="opleidingsaanvraag inzien",
        roles=_READERS,
        refusals=(RequestNotFound,),
    ),
)
async def get_request(request_id: RequestId, service: Service, response: Response) -> RequestOut:
    """Return a request whole: participants, sessions, costs, grounds, and what became of it."""
    details = await service.request(request_id)
    tag(response, details.version)
    return RequestOut.of(details)


@router.post(
    "",
    **operation(
        summary="Draft a training request",
        term="opleidingsaanvraag opstellen",
        roles=_DRAFTERS,
        status=201,
        refusals=(*_DRAFT_REFUSALS, NoPolicyInForce),
        role_rule="VIS-5.3",
    ),
)
async def draft_request(body: RequestIn, service: Service, response: Response) -> RequestOut:
    """Draft a request: a manager for the people managed, an employee for him- or herself.

    HR drafts for anybody, in the name of the first participant's manager. Who drafts for him- or
    herself needs the manager's endorsement before submission.
    """
    details = await service.draft(body.as_draft())
    tag(response, details.version)
    locate(response, f"/requests/{details.id}")
    return RequestOut.of(details)


@router.put(
    "/{requestId}",
    **operation(
        summary="Change a draft",
        term="concept wijzigen",
        roles=_DRAFTERS,
        refusals=(*_STEP_REFUSALS, NotYourStep, *_DRAFT_REFUSALS),
        precondition=True,
        role_rule="VIS-5.3",
    ),
)
async def change_request(
    request_id: RequestId,
    body: RequestIn,
    expected: ExpectedVersions,
    service: Service,
    response: Response,
) -> RequestOut:
    """Replace what a draft asks for. An endorsement of what it said before falls away."""
    details = await service.change(request_id, body.as_draft(), expected=expected)
    tag(response, details.version)
    return RequestOut.of(details)


@router.post(
    "/{requestId}/endorsement",
    **operation(
        summary="Endorse an employee's draft as the manager",
        term="akkoord van de leidinggevende",
        roles=(Role.MANAGER, Role.MT),
        refusals=(
            *_STEP_REFUSALS,
            EndorsementNotNeeded,
            NamedPersonNeeded,
            OwnRequest,
            NotYourStep,
        ),
        precondition=True,
        role_rule="VIS-5.3",
    ),
)
async def endorse_request(
    request_id: RequestId, expected: ExpectedVersions, service: Service, response: Response
) -> RequestOut:
    """Endorse the draft of an employee you manage; for who has no manager, the MT does."""
    details = await service.endorse(request_id, expected=expected)
    tag(response, details.version)
    return RequestOut.of(details)


@router.post(
    "/{requestId}/submission",
    **operation(
        summary="Submit a draft",
        term="opleidingsaanvraag indienen",
        roles=_DRAFTERS,
        refusals=(
            *_STEP_REFUSALS,
            NotYourStep,
            EndorsementMissing,
            ConversationMissing,
            SessionsMissing,
            NecessityMissing,
            BsnInText,
            NotEmployed,
            NoPolicyInForce,
        ),
        precondition=True,
        role_rule="VIS-5.3",
    ),
)
async def submit_request(
    *,
    request_id: RequestId,
    body: SubmissionIn,
    expected: ExpectedVersions,
    service: Service,
    request: Request,
    response: Response,
) -> SubmissionOut:
    """Submit a draft; the answer tells in which tranche it falls, and why (VIS-6.1).

    With a necessity it is submitted as an interim request, outside the tranches (VIS-6.4).
    """
    submission = await service.submit(request_id, expected=expected, necessity=body.necessity)
    tag(response, submission.details.version)
    return SubmissionOut(
        request=RequestOut.of(submission.details),
        tranche=None if submission.tranche is None else TrancheOut.of(submission.tranche),
        steps=_told(submission.steps, language_of(request)),
    )


@router.post(
    "/{requestId}/withdrawal",
    **operation(
        summary="Withdraw a request before it is decided on",
        term="opleidingsaanvraag intrekken",
        roles=_DRAFTERS,
        refusals=(*_STEP_REFUSALS, NotYourStep, BsnInText),
        precondition=True,
        role_rule="VIS-5.3",
    ),
)
async def withdraw_request(
    request_id: RequestId,
    body: WithdrawalIn,
    expected: ExpectedVersions,
    service: Service,
    response: Response,
) -> RequestOut:
    """Withdraw a request, with the reason; it stays to be read."""
    details = await service.withdraw(request_id, expected=expected, reason=body.reason)
    tag(response, details.version)
    return RequestOut.of(details)


@router.post(
    "/{requestId}/mt-consent",
    **operation(
        summary="Consent to taking up an interim request",
        term="voorafgaande instemming van het MT",
        roles=(Role.MT,),
        refusals=(
            *_STEP_REFUSALS,
            InterimConsentNotNeeded,
            NecessityMissing,
            NamedPersonNeeded,
            OwnRequest,
            BsnInText,
        ),
        precondition=True,
        role_rule="VIS-5.4",
    ),
)
async def consent_to_request(
    request_id: RequestId,
    body: ConsentIn,
    expected: ExpectedVersions,
    service: Service,
    response: Response,
) -> RequestOut:
    """Record the MT's prior consent, without which HR can not assess an interim request."""
    details = await service.consent(request_id, expected=expected, reason=body.reason)
    tag(response, details.version)
    return RequestOut.of(details)


@router.post(
    "/{requestId}/mt-refusal",
    **operation(
        summary="Refuse to take up an interim request",
        term="weigering van tussentijdse behandeling",
        roles=(Role.MT,),
        refusals=(
            *_STEP_REFUSALS,
            InterimConsentNotNeeded,
            NamedPersonNeeded,
            OwnRequest,
            BsnInText,
        ),
        precondition=True,
        role_rule="VIS-5.4",
    ),
)
async def refuse_request(
    request_id: RequestId,
    body: RefusalIn,
    expected: ExpectedVersions,
    service: Service,
    response: Response,
) -> RequestOut:
    """Record that the MT does not take up an interim request, with the reason; that is its end."""
    details = await service.refuse(request_id, expected=expected, reason=body.reason)
    tag(response, details.version)
    return RequestOut.of(details)


@router.get(
    "/{requestId}/classifications",
    **operation(
        summary="Read how the basis was classified",
        term="grondslag inzien",
        roles=_READERS,
        refusals=(RequestNotFound,),
    ),
)
async def list_classifications(request_id: RequestId, service: Service) -> ClassificationList:
    """Return each classification of the basis, oldest first: which, by whom, when and why."""
    history = await service.classifications(request_id)
    return ClassificationList(items=[ClassificationOut.model_validate(entry) for entry in history])


@assessments.get(
    "/{requestId}/assessment",
    **operation(
        summary="Read the assessment of a request",
        term="beoordeling inzien",
        roles=(Role.HR, Role.MT, Role.AUDITOR),
        refusals=(RequestNotFound,),
        role_rule="VIS-5.4",
    ),
)
async def get_assessment(
    request_id: RequestId, service: Service, response: Response
) -> AssessmentOut:
    """Return the ratings there are, what is missing, and the score once all five are there."""
    details = await service.request(request_id)
    tag(response, details.version)
    return AssessmentOut.of(details)


@assessments.put(
    "/{requestId}/assessment",
    **operation(
        summary="Assess a request by the framework",
        term="opleidingsaanvraag beoordelen",
        roles=(Role.HR,),
        refusals=(
            *_STEP_REFUSALS,
            NamedPersonNeeded,
            OwnRequest,
            InterimConsentMissing,
            NecessityMissing,
            RatingOffScale,
            TwiceNamed,
            BsnInText,
            NoPolicyInForce,
        ),
        precondition=True,
        role_rule="VIS-5.4",
    ),
)
async def assess_request(
    request_id: RequestId,
    body: AssessmentIn,
    expected: ExpectedVersions,
    service: Service,
    response: Response,
) -> AssessmentOut:
    """Rate the criteria, each with a motivation; the first time starts the assessment.

    Send every rating there is: it replaces what was there. A deferred request is taken up in the
    tranche that is assessed now.
    """
    ratings = [rating.as_rating() for rating in body.ratings]
    details = await service.assess(request_id, ratings, expected=expected)
    tag(response, details.version)
    return AssessmentOut.of(details)


@tranches.get(
    "",
    **operation(
        summary="List the tranches",
        term="tranches inzien",
        roles=(*_READERS, Role.KNOWLEDGE_BROKER),
    ),
)
async def list_tranches(
    service: Service, paging: Paging, request: Request, response: Response
) -> TranchePage:
    """Return the tranches in which requests were submitted, the latest first."""
    page = await service.tranches(paging)
    return TranchePage(
        items=[TrancheOut.of(tranche) for tranche in page.items],
        next_cursor=link_next(request, response, page),
    )


@tranches.get(
    "/{trancheId}",
    **operation(
        summary="Read a tranche",
        term="tranche inzien",
        roles=(*_READERS, Role.KNOWLEDGE_BROKER),
        refusals=(TrancheNotFound,),
    ),
)
async def get_tranche(tranche_id: TrancheId, service: Service) -> TrancheOut:
    """Return when a tranche collects requests, and by when the MT decides."""
    return TrancheOut.of(await service.tranche(tranche_id))


def _told(steps: Iterable[Step], language: Language) -> list[StepOut]:
    return [StepOut(text=say(step.text, step.facts, language), rule=step.rule) for step in steps]
