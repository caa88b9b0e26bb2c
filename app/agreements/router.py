"""Agreements, their signatures, departures and claims, over HTTP."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Request, Response

from app.agreements.errors import (
    AgreementActionRefused,
    AgreementFrozen,
    AgreementNotFound,
    ClaimActionRefused,
    ClaimHasNoGround,
    ClaimNotFound,
    ClauseBelowThreshold,
    ClauseNotAllowed,
    ClauseRequired,
    DocumentAltered,
    DocumentChanged,
    DocumentNotDrawnUp,
    NoManager,
    OwnClaim,
    SamePersonSigns,
    SignatureOutOfOrder,
    SubsidiesBeyondCost,
    TooLateToSign,
    WrongSigner,
)
from app.agreements.models import RepaymentClaim
from app.agreements.rules import AgreementStatus, ClaimStatus
from app.agreements.schemas import (
    AgreementOut,
    AgreementPage,
    ClaimDecisionOut,
    ClaimExportIn,
    ClaimExportOut,
    ClaimOut,
    ClaimPage,
    ClaimWithdrawalOut,
    ClassifiedOut,
    ConfirmationIn,
    DrawingUpIn,
    EmploymentEndIn,
    EmploymentEndOut,
    EmploymentEndWithdrawalOut,
    NoClaimOut,
    RepaymentOut,
    SignatureIn,
    SignatureOut,
    WaiverIn,
    steps_of,
    told,
)
from app.agreements.service import AgreementDetails, AgreementService
from app.http.deps import CurrentWork, ExpectedVersions, Paging, link_next, locate, tag
from app.http.operation import operation
from app.http.problems import language_of
from app.http.routing import area_router
from app.http.schemas import Day, id_path
from app.kernel.actors import Role
from app.kernel.errors import NamedPersonNeeded, StaleVersion
from app.kernel.quantities import Cents
from app.kernel.wording import Language
from app.people.errors import (
    EmployeeNotFound,
    EmploymentOver,
    EmploymentRunning,
    EndBeforeHiring,
    FunctionNotFound,
    ManagerCycle,
    NoEndAnnounced,
    NotEmployed,
    OwnManager,
    TeamNotFound,
)
from app.people.rules import KEEPERS
from app.people.schemas import EmployeeOut, EmploymentIn
from app.requests.errors import (
    ActionNotAllowed,
    BsnInText,
    CompletionMistimed,
    NotYourStep,
    OutcomeInconsistent,
    OwnRequest,
    ParticipantsDiffer,
    RequestNotFound,
    TwiceNamed,
)
from app.requests.rules import check_named_once
from app.requests.schemas import ClassificationIn, CompletionIn, RequestOut

agreements = area_router(prefix="/agreements", tag="agreements")
classifications = area_router(prefix="/requests", tag="requests")
completions = area_router(prefix="/requests", tag="requests")
departures = area_router(prefix="/employees", tag="repayment")
returns = area_router(prefix="/employees", tag="people")
claims = area_router(prefix="/repayment-claims", tag="repayment")

_READERS = (Role.EMPLOYEE, Role.MANAGER, Role.HR, Role.MT, Role.AUDITOR)
# The document's type, and that of any file, for a client that knows no PDF and asks for it.
_PDF, _FILE = "application/pdf", "application/octet-stream"
_SIGNERS = (Role.EMPLOYEE, Role.MANAGER, Role.HR, Role.MT)


async def _service(work: CurrentWork) -> AgreementService:
    return AgreementService(work)


async def _language(request: Request, response: Response) -> Language:
    """Return the reader's language, and say so in the answer."""
    language = language_of(request)
    response.headers["Content-Language"] = language.value
    response.headers["Vary"] = "Accept-Language"
    return language


Service = Annotated[AgreementService, Depends(_service)]
Reader = Annotated[Language, Depends(_language)]
AgreementId = Annotated[UUID, id_path("agreementId")]
ClaimId = Annotated[UUID, id_path("claimId", of="repayment claim")]
EmployeeId = Annotated[UUID, id_path("employeeId")]
RequestId = Annotated[UUID, id_path("requestId", of="training request")]


# --- Agreements ---------------------------------------------------------------------------------


@agreements.get(
    "",
    **operation(
        summary="List training agreements",
        term="opleidingsovereenkomsten",
        roles=_READERS,
    ),
)
async def list_agreements(
    *,
    service: Service,
    page: Paging,
    request: Request,
    response: Response,
    status: Annotated[
        AgreementStatus | None, Query(description="Only those in this status.")
    ] = None,
    request_id: Annotated[
        UUID | None, Query(alias="requestId", description="Only those of this training request.")
    ] = None,
    employee_id: Annotated[
        UUID | None, Query(alias="employeeId", description="Only those with this employee.")
    ] = None,
) -> AgreementPage:
    """Return the agreements you may see, oldest first: your own, your people's, or all for HR."""
    found = await service.agreements(
        page, status=status, request_id=request_id, employee_id=employee_id
    )
    return AgreementPage.model_validate(
        {"items": found.items, "next_cursor": link_next(request, response, found)}
    )


@agreements.get(
    "/{agreementId}",
    **operation(
        summary="Read a training agreement",
        term="opleidingsovereenkomst",
        roles=_READERS,
        refusals=(AgreementNotFound,),
    ),
)
async def get_agreement(
    agreement_id: AgreementId, service: Service, response: Response, language: Reader
) -> AgreementOut:
    """Return an agreement with its terms, its signatures, and whether its clause holds today."""
    return _shown(await service.agreement(agreement_id), response, language)


@agreements.post(
    "/{agreementId}/drawing-up",
    **operation(
        summary="Draw up an agreement from the grant",
        term="opleidingsovereenkomst opstellen",
        roles=(Role.HR,),
        refusals=(
            AgreementNotFound,
            AgreementFrozen,
            AgreementActionRefused,
            NamedPersonNeeded,
            OwnRequest,
            TooLateToSign,
            NoManager,
            SubsidiesBeyondCost,
            ClauseNotAllowed,
            ClauseBelowThreshold,
            ClauseRequired,
            BsnInText,
            StaleVersion,
        ),
        precondition=True,
    ),
)
async def draw_up_agreement(
    *,
    agreement_id: AgreementId,
    body: DrawingUpIn,
    service: Service,
    expected: ExpectedVersions,
    response: Response,
    language: Reader,
) -> AgreementOut:
    """Fill the agreement from what was granted (VIS-7.2) and set its document.

    Until the first signature it can be drawn up again; from then on the text is fixed. One that
    waits for a manager who no longer leads the employee is superseded, and the answer is the one in
    its place. Nobody draws up their own.
    """
    details = await service.draw_up(agreement_id, body, expected=expected)
    return _shown(details, response, language)


@agreements.get(
    "/{agreementId}/document",
    response_class=Response,
    **operation(
        summary="Read the document of an agreement",
        term="document van de opleidingsovereenkomst",
        roles=_READERS,
        refusals=(AgreementNotFound, DocumentNotDrawnUp, DocumentAltered),
        responses={
            200: {
                "description": "The agreement as PDF.",
                "content": {
                    kind: {
                        "schema": {"type": "string", "format": "binary", "maxLength": 20_000_000}
                    }
                    for kind in (_PDF, _FILE)
                },
            }
        },
    ),
)
async def get_agreement_document(
    agreement_id: AgreementId, service: Service, request: Request
) -> Response:
    """Return the agreement as a PDF. What is signed is these bytes, by their SHA-256.

    From the first signature on the bytes are the same for ever.
    """
    document = await service.document(agreement_id)
    return Response(
        document.content,
        media_type=_FILE if request.headers.get("accept") == _FILE else _PDF,
        headers={
            "Content-Disposition": f'inline; filename="opleidingsovereenkomst-{agreement_id}.pdf"',
            "ETag": f'"{document.sha256}"',
        },
    )


@agreements.post(
    "/{agreementId}/signatures",
    **operation(
        summary="Sign an agreement",
        term="opleidingsovereenkomst ondertekenen",
        roles=_SIGNERS,
        status=201,
        refusals=(
            AgreementNotFound,
            AgreementActionRefused,
            DocumentNotDrawnUp,
            DocumentChanged,
            DocumentAltered,
            TooLateToSign,
            WrongSigner,
            SignatureOutOfOrder,
            SamePersonSigns,
            NotEmployed,
        ),
    ),
)
async def sign_agreement(
    agreement_id: AgreementId,
    body: SignatureIn,
    service: Service,
    response: Response,
    language: Reader,
) -> AgreementOut:
    """Sign the document you read: the employee first, then the manager it names (VIS-7.3).

    Send the SHA-256 of the bytes you read. The training must still have to start (VIS-7.1).
    """
    details = await service.sign(agreement_id, document_sha256=body.document_sha256)
    locate(response, f"/agreements/{agreement_id}")
    return _shown(details, response, language)


@agreements.get(
    "/{agreementId}/repayment",
    **operation(
        summary="Tell what leaving on a day would cost",
        term="wat terugbetaald zou moeten worden",
        roles=_READERS,
        refusals=(AgreementNotFound, DocumentNotDrawnUp),
    ),
)
async def get_agreement_repayment(
    agreement_id: AgreementId,
    leaves_on: Annotated[
        Day, Query(alias="leavesOn", description="The last day of the employment.")
    ],
    service: Service,
    language: Reader,
) -> RepaymentOut:
    """Return what would be owed if the employee left on that day, with each step of it."""
    would_owe = await service.repayment(agreement_id, leaves_on=leaves_on)
    result = would_owe.result
    return RepaymentOut(
        agreement_id=agreement_id,
        leaves_on=leaves_on,
        in_force=would_owe.in_force,
        amount_cents=result.amount_cents,
        principal_cents=result.principal_cents,
        numerator=result.numerator,
        denominator=result.denominator,
        band=result.band,
        steps=told(result.steps, language),
        remarks=told(result.remarks, language),
    )


@classifications.post(
    "/{requestId}/classifications",
    **operation(
        summary="Classify the basis anew",
        term="grondslag vaststellen",
        roles=(Role.HR,),
        status=201,
        refusals=(RequestNotFound, StaleVersion, NamedPersonNeeded, OwnRequest, BsnInText),
        precondition=True,
        role_rule="VIS-5.4",
    ),
)
async def classify_request(
    request_id: RequestId,
    body: ClassificationIn,
    expected: ExpectedVersions,
    service: Service,
    response: Response,
) -> ClassifiedOut:
    """Classify why the training is followed; what it was before stays in the history.

    A repayment clause that the new basis makes void falls away in the same step, with claims under
    it that have not gone to payroll; the answer names the agreements it touches (LAW-1).
    """
    details, touched = await service.classify(
        request_id, body.basis, expected=expected, source=body.source, reason=body.reason
    )
    tag(response, details.version)
    return ClassifiedOut(request=RequestOut.of(details), agreement_ids=touched)


@completions.post(
    "/{requestId}/completion",
    **operation(
        summary="Record that a training was completed",
        term="opleiding afronden",
        roles=(Role.MANAGER, Role.HR),
        refusals=(
            RequestNotFound,
            StaleVersion,
            ActionNotAllowed,
            NamedPersonNeeded,
            OwnRequest,
            NotYourStep,
            CompletionMistimed,
            OutcomeInconsistent,
            ParticipantsDiffer,
            TwiceNamed,
        ),
        precondition=True,
        role_rule="VIS-5.3",
    ),
)
async def complete_request(
    request_id: RequestId,
    body: CompletionIn,
    expected: ExpectedVersions,
    service: Service,
    response: Response,
) -> RequestOut:
    """Record the day of completion, the outcome, and of each participant whether it was completed.

    The terms of repayment run from this day (VIS-7.7), so nobody records it who takes part. Claims
    on who announced to leave are reckoned anew.
    """
    check_named_once("participants", [item.employee_id for item in body.participants])
    details = await service.complete(
        request_id,
        expected=expected,
        completed_on=body.completed_on,
        outcome=None if body.outcome is None else body.outcome.as_outcome(),
        completed={item.employee_id: item.completed for item in body.participants},
    )
    tag(response, details.version)
    return RequestOut.of(details)


# --- Departures ---------------------------------------------------------------------------------


@departures.post(
    "/{employeeId}/employment-end",
    **operation(
        summary="Record the end of an employment",
        term="uitdiensttreding vastleggen",
        roles=(Role.HR, Role.HRIS),
        refusals=(EmployeeNotFound, EmploymentOver, EndBeforeHiring),
        key="required",
    ),
)
async def end_employment(
    employee_id: EmployeeId, body: EmploymentEndIn, service: Service, language: Reader
) -> EmploymentEndOut:
    """Record last day, reason and initiative, and settle what follows, all or nothing.

    Hours reserved after that day are released; under each agreement of this employment a claim is
    made, or the answer says why not. An end that was announced can be recorded anew until its day
    has passed; after it, an unknown reason or initiative can still be told with the same last day.
    """
    departure = await service.end_employment(
        employee_id, left_on=body.left_on, reason=body.reason, initiative=body.initiative
    )
    end = departure.end
    return EmploymentEndOut(
        employee_id=end.employee_id,
        employment_id=end.employment_id,
        hired_on=end.hired_on,
        left_on=end.left_on,
        reason=end.reason,
        initiative=end.initiative,
        previous_left_on=end.previous_left_on,
        claims=[_claim(claim, language) for claim in departure.claims],
        without_claim=[
            NoClaimOut(agreement_id=none.agreement_id, steps=told(none.steps, language))
            for none in departure.without_claim
        ],
    )


@departures.post(
    "/{employeeId}/employment-end/withdrawal",
    **operation(
        summary="Withdraw an announced end of an employment",
        term="aangekondigde uitdiensttreding intrekken",
        roles=(Role.HR, Role.HRIS),
        refusals=(EmployeeNotFound, NoEndAnnounced, EmploymentOver),
        key="required",
    ),
)
async def withdraw_employment_end(
    employee_id: EmployeeId, service: Service
) -> EmploymentEndWithdrawalOut:
    """Record that the employee stays, through the last day that was announced.

    Claims that the end gave rise to are withdrawn, unless they were waived or went to payroll.
    Hours that it released stay released: what takes place after all is granted anew.
    """
    end, claims = await service.withdraw_end(employee_id)
    return EmploymentEndWithdrawalOut(
        employee_id=end.employee_id,
        employment_id=end.employment_id,
        left_on=end.left_on,
        withdrawn_claim_ids=[claim.id for claim in claims],
    )


@returns.post(
    "/{employeeId}/employments",
    **operation(
        summary="Take an employee on again",
        term="opnieuw in dienst nemen",
        roles=KEEPERS,
        status=201,
        refusals=(
            EmployeeNotFound,
            TeamNotFound,
            FunctionNotFound,
            EmploymentRunning,
            OwnManager,
            ManagerCycle,
        ),
    ),
)
async def rehire_employee(
    employee_id: EmployeeId,
    body: EmploymentIn,
    service: Service,
    work: CurrentWork,
    response: Response,
) -> EmployeeOut:
    """Record a further employment of someone who has left; the number stays.

    Who is taken on again from the day after the last has not left: claims that the end of the
    earlier employment gave rise to are withdrawn, unless they were waived or went to payroll.
    """
    view = await service.rehire(employee_id, body)
    locate(response, f"/employees/{employee_id}/employments")
    tag(response, view.employee.version)
    return EmployeeOut.of(view, reader=work.actor)


# --- Claims -------------------------------------------------------------------------------------


@claims.get(
    "",
    **operation(summary="List repayment claims", term="terugvorderingen", roles=_READERS),
)
async def list_repayment_claims(
    *,
    service: Service,
    page: Paging,
    request: Request,
    response: Response,
    status: Annotated[ClaimStatus | None, Query(description="Only those in this status.")] = None,
    employee_id: Annotated[
        UUID | None, Query(alias="employeeId", description="Only those on this employee.")
    ] = None,
    agreement_id: Annotated[
        UUID | None, Query(alias="agreementId", description="Only those under this agreement.")
    ] = None,
) -> ClaimPage:
    """Return the claims you may see, oldest first; withdrawn ones too."""
    found = await service.claims(
        page, status=status, employee_id=employee_id, agreement_id=agreement_id
    )
    return ClaimPage.model_validate(
        {"items": found.items, "next_cursor": link_next(request, response, found)}
    )


@claims.get(
    "/{claimId}",
    **operation(
        summary="Read a repayment claim",
        term="terugvordering",
        roles=_READERS,
        refusals=(ClaimNotFound,),
    ),
)
async def get_repayment_claim(
    claim_id: ClaimId, service: Service, response: Response, language: Reader
) -> ClaimOut:
    """Return a claim with the steps of its amount and what was decided on it."""
    claim = await service.claim(claim_id)
    tag(response, claim.version)
    return _claim(claim, language)


@claims.post(
    "/{claimId}/confirmation",
    **operation(
        summary="Confirm a repayment claim",
        term="terugvordering bevestigen",
        roles=(Role.HR,),
        refusals=(
            ClaimNotFound,
            ClaimActionRefused,
            ClaimHasNoGround,
            NamedPersonNeeded,
            OwnClaim,
            BsnInText,
            StaleVersion,
        ),
        key="required",
        precondition=True,
    ),
)
async def confirm_repayment_claim(
    *,
    claim_id: ClaimId,
    body: ConfirmationIn,
    service: Service,
    expected: ExpectedVersions,
    response: Response,
    language: Reader,
) -> ClaimOut:
    """Confirm a claim that waits for a named person's judgement, with the reason (LAW-3)."""
    claim = await service.confirm(claim_id, reason=body.reason, expected=expected)
    tag(response, claim.version)
    return _claim(claim, language)


@claims.post(
    "/{claimId}/waiver",
    **operation(
        summary="Waive a repayment claim",
        term="terugvordering kwijtschelden",
        roles=(Role.MT,),
        refusals=(
            ClaimNotFound,
            ClaimActionRefused,
            NamedPersonNeeded,
            OwnClaim,
            BsnInText,
            StaleVersion,
        ),
        key="required",
        precondition=True,
    ),
)
async def waive_repayment_claim(
    *,
    claim_id: ClaimId,
    body: WaiverIn,
    service: Service,
    expected: ExpectedVersions,
    response: Response,
    language: Reader,
) -> ClaimOut:
    """Let a claim go, with the reason (LAW-3). It is not made again for the same agreement."""
    claim = await service.waive(claim_id, reason=body.reason, expected=expected)
    tag(response, claim.version)
    return _claim(claim, language)


@claims.post(
    "/{claimId}/export",
    **operation(
        summary="Hand a repayment claim over to payroll",
        term="terugvordering overdragen aan de salarisadministratie",
        roles=(Role.HR,),
        refusals=(
            ClaimNotFound,
            ClaimActionRefused,
            ClaimHasNoGround,
            NamedPersonNeeded,
            OwnClaim,
            BsnInText,
            StaleVersion,
        ),
        key="required",
        precondition=True,
    ),
)
async def export_repayment_claim(
    *,
    claim_id: ClaimId,
    body: ClaimExportIn,
    service: Service,
    expected: ExpectedVersions,
    response: Response,
    language: Reader,
) -> ClaimOut:
    """Record that payroll takes the claim over, on the cost really made (LAW-3).

    The amount is reckoned again from that cost and is never more than was agreed. Nothing is set
    off against pay by itself: that takes payroll's own decision within the law (7:632 BW).
    """
    claim = await service.export(
        claim_id,
        cost_made_cents=Cents(body.cost_made_cents),
        payroll_reference=body.payroll_reference,
        expected=expected,
    )
    tag(response, claim.version)
    return _claim(claim, language)


# --- How it reads -------------------------------------------------------------------------------


def _shown(details: AgreementDetails, response: Response, language: Language) -> AgreementOut:
    row = details.row
    tag(response, row.version)
    return AgreementOut(
        id=row.id,
        version=row.version,
        request_id=row.request_id,
        employee_id=row.employee_id,
        manager_id=row.manager_id,
        decision_id=row.decision_id,
        policy_version_id=row.policy_version_id,
        status=AgreementStatus(row.status),
        cost_cents=row.cost_cents,
        sign_before_on=details.starts_on,
        terms=details.terms,
        document_sha256=row.document_sha256,
        clause_in_force=details.clause_in_force,
        clause_reason=told((details.verdict.why,), language)[0],
        signatures=[SignatureOut.model_validate(signature) for signature in details.signatures],
        created_at=row.created_at,
        drawn_up_at=row.drawn_up_at,
        frozen_at=row.frozen_at,
        clause_voided_at=row.clause_voided_at,
        closed_reason=row.closed_reason,
    )


def _claim(claim: RepaymentClaim, language: Language) -> ClaimOut:
    return ClaimOut.model_validate(
        {
            "id": claim.id,
            "version": claim.version,
            "agreement_id": claim.agreement_id,
            "employee_id": claim.employee_id,
            "leaves_on": claim.leaves_on,
            "status": claim.status,
            "amount_cents": claim.amount_cents,
            "created_at": claim.created_at,
            "reason": claim.reason,
            "initiative": claim.initiative,
            "band": claim.band,
            "principal_cents": claim.principal_cents,
            "numerator": claim.numerator,
            "denominator": claim.denominator,
            "steps": told(steps_of(claim.steps), language),
            "remarks": told(steps_of(claim.remarks), language),
            "waits_for": told(steps_of(claim.waits_for), language),
            "confirmation": _decision(
                claim.confirmed_by, claim.confirmed_at, claim.confirmation_reason
            ),
            "waiver": _decision(claim.waived_by, claim.waived_at, claim.waiver_reason),
            "export": _export(claim),
            "withdrawal": _withdrawal(claim),
        }
    )


def _decision(
    by_id: UUID | None, at: datetime | None, reason: str | None
) -> ClaimDecisionOut | None:
    if by_id is None or at is None or reason is None:
        return None
    return ClaimDecisionOut(by_id=by_id, at=at, reason=reason)


def _export(claim: RepaymentClaim) -> ClaimExportOut | None:
    by_id, at, reference = claim.exported_by, claim.exported_at, claim.payroll_reference
    if by_id is None or at is None or reference is None:
        return None
    return ClaimExportOut(by_id=by_id, at=at, payroll_reference=reference)


def _withdrawal(claim: RepaymentClaim) -> ClaimWithdrawalOut | None:
    at, reason = claim.withdrawn_at, claim.withdrawal_reason
    if at is None or reason is None:
        return None
    return ClaimWithdrawalOut(at=at, reason=reason, superseded_by_id=claim.superseded_by)
