"""The organisation and its policy over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Request, Response

from app.http.deps import CurrentWork, ExpectedVersions, Paging, link_next, locate, tag
from app.http.operation import ANY_ROLE, operation
from app.http.problems import language_of
from app.http.routing import area_router
from app.http.schemas import Day, id_path
from app.kernel.actors import Role
from app.kernel.errors import StaleVersion
from app.kernel.wording import Language, say
from app.policy.errors import (
    ConsentMissing,
    NoPolicyInForce,
    OrganisationNotFound,
    PolicyNotSucceeding,
    PolicyVersionIsLive,
    PolicyVersionNotFound,
)
from app.policy.schemas import (
    OrganisationOut,
    PolicyRemark,
    PolicyVersionIn,
    PolicyVersionOut,
    PolicyVersionPage,
)
from app.policy.service import PolicyService, PolicyVersionRow

organisations = area_router(prefix="/organisation", tag="policy")
router = area_router(prefix="/policy-versions", tag="policy")


async def _service(work: CurrentWork) -> PolicyService:
    return PolicyService(work)


Service = Annotated[PolicyService, Depends(_service)]
PolicyVersionId = Annotated[UUID, id_path("policyVersionId")]


@organisations.get(
    "",
    **operation(
        summary="Read the organisation you sign in for",
        term="organisatie inzien",
        roles=ANY_ROLE,
        refusals=(OrganisationNotFound,),
    ),
)
async def get_organisation(service: Service, response: Response) -> OrganisationOut:
    """Return the organisation's name and whether it is an employer or a fund."""
    organisation = await service.organisation()
    tag(response, organisation.version)
    return OrganisationOut.model_validate(organisation)


@router.get(
    "",
    **operation(
        summary="List the policy versions",
        term="beleidsversies inzien",
        roles=ANY_ROLE,
    ),
)
async def list_policy_versions(
    service: Service, paging: Paging, request: Request, response: Response
) -> PolicyVersionPage:
    """Return the policy versions by their first day, drafts too."""
    page = await service.versions(paging)
    language = language_of(request)
    return PolicyVersionPage(
        items=[_out(version, language) for version in page.items],
        next_cursor=link_next(request, response, page),
    )


@router.post(
    "",
    **operation(
        summary="Draft a policy version",
        term="beleidsversie opstellen",
        roles=(Role.HR, Role.ADMIN),
        status=201,
    ),
)
async def draft_policy_version(
    body: PolicyVersionIn, service: Service, request: Request, response: Response
) -> PolicyVersionOut:
    """Record a draft with every choice of the policy; nothing rests on it until it is activated."""
    version = await service.draft(body)
    tag(response, version.version)
    locate(response, f"/policy-versions/{version.id}")
    return _out(version, language_of(request))


@router.get(
    "/in-force",
    **operation(
        summary="Read the policy in force on a day",
        term="geldend beleid inzien",
        roles=ANY_ROLE,
        refusals=(NoPolicyInForce,),
    ),
)
async def get_policy_in_force(
    service: Service,
    work: CurrentWork,
    request: Request,
    response: Response,
    on: Annotated[Day | None, Query(description="The day; today when it is left out.")] = None,
) -> PolicyVersionOut:
    """Return the live version whose first day is that day or the last one before it."""
    version = await service.version_on(on or work.today)
    tag(response, version.version)
    return _out(version, language_of(request))


@router.get(
    "/{policyVersionId:uuid}",
    **operation(
        summary="Read a policy version",
        term="beleidsversie inzien",
        roles=ANY_ROLE,
        refusals=(PolicyVersionNotFound,),
    ),
)
async def get_policy_version(
    policy_version_id: PolicyVersionId, service: Service, request: Request, response: Response
) -> PolicyVersionOut:
    """Return a policy version with its choices, and remarks on choices that carry a risk."""
    version = await service.version(policy_version_id)
    tag(response, version.version)
    return _out(version, language_of(request))


@router.put(
    "/{policyVersionId:uuid}",
    **operation(
        summary="Replace a draft policy version",
        term="concept-beleidsversie vervangen",
        roles=(Role.HR, Role.ADMIN),
        refusals=(PolicyVersionNotFound, PolicyVersionIsLive, StaleVersion),
        precondition=True,
    ),
)
async def replace_policy_version(
    policy_version_id: PolicyVersionId,
    body: PolicyVersionIn,
    *,
    service: Service,
    expected: ExpectedVersions,
    request: Request,
    response: Response,
) -> PolicyVersionOut:
    """Replace the text of a draft. A live version is succeeded by a later one, never edited."""
    version = await service.redraft(policy_version_id, body, expected=expected)
    tag(response, version.version)
    return _out(version, language_of(request))


@router.post(
    "/{policyVersionId:uuid}/activation",
    **operation(
        summary="Activate a policy version",
        term="beleidsversie vaststellen",
        roles=(Role.MT,),
        refusals=(
            PolicyVersionNotFound,
            PolicyVersionIsLive,
            ConsentMissing,
            PolicyNotSucceeding,
            StaleVersion,
        ),
        precondition=True,
        role_rule="VIS-5.1",
    ),
)
async def activate_policy_version(
    policy_version_id: PolicyVersionId,
    service: Service,
    expected: ExpectedVersions,
    request: Request,
    response: Response,
) -> PolicyVersionOut:
    """Let a draft go live from its first day on.

    It must name the works council's consent or the collective agreement (LAW-11), and begin after
    every version that is live.
    """
    version = await service.activate(policy_version_id, expected=expected)
    tag(response, version.version)
    return _out(version, language_of(request))


def _out(version: PolicyVersionRow, language: Language) -> PolicyVersionOut:
    return PolicyVersionOut(
        id=version.id,
        version=version.version,
        title=version.title,
        status=version.status,
        valid_from=version.valid_from,
        valid_until=version.valid_until,
        settings=version.settings,
        remarks=[
            PolicyRemark(rule=remark.rule, text=say(remark.text, {}, language))
            for remark in version.remarks
        ],
        drafted_at=version.drafted_at,
        activated_at=version.activated_at,
    )
