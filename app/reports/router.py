"""The audit trail over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Request, Response

from app.http.deps import CurrentWork, Paging, link_next
from app.http.operation import operation
from app.http.problems import input_refused
from app.http.routing import area_router
from app.http.schemas import Code, Moment
from app.kernel.actors import Role
from app.reports.rules import AuditFilter
from app.reports.schemas import AuditEntryOut, AuditEntryPage, AuditHeadOut
from app.reports.service import ReportService

router = area_router(prefix="/audit-entries", tag="audit")

READERS = (Role.AUDITOR, Role.ADMIN)


async def _service(work: CurrentWork) -> ReportService:
    return ReportService(work)


Service = Annotated[ReportService, Depends(_service)]


async def _asked(
    *,
    object_type: Annotated[
        Code | None, Query(alias="objectType", description="Such as `training_request`.")
    ] = None,
    object_id: Annotated[
        UUID | None, Query(alias="objectId", description="The object that was changed.")
    ] = None,
    person_id: Annotated[
        UUID | None, Query(alias="personId", description="The employee who acted.")
    ] = None,
    action: Annotated[Code | None, Query(description="Such as `request.submitted`.")] = None,
    since: Annotated[Moment | None, Query(description="From this instant on.")] = None,
    until: Annotated[Moment | None, Query(description="Up to this instant, not itself.")] = None,
) -> AuditFilter:
    """Return what is asked for.

    Raises:
        InputImpossible: it ends before it begins.
    """
    if since is not None and until is not None and until < since:
        found = {"type": "reversed", "loc": ("query", "until"), "ctx": {"first": "since"}}
        raise input_refused([found])
    return AuditFilter(
        object_type=object_type,
        object_id=object_id,
        person_id=person_id,
        action=action,
        since=since,
        until=until,
    )


@router.get(
    "",
    **operation(
        summary="List the audit trail",
        term="logregels inzien",
        roles=READERS,
    ),
)
async def list_audit_entries(
    service: Service,
    asked: Annotated[AuditFilter, Depends(_asked)],
    paging: Paging,
    request: Request,
    response: Response,
) -> AuditEntryPage:
    """Return who changed what, when, from where and why, the newest first.

    What is asked for together must all hold. An entry is never changed or deleted, and outlives
    the object it tells of.
    """
    page = await service.audit_entries(asked, paging)
    return AuditEntryPage(
        items=[AuditEntryOut.model_validate(entry) for entry in page.items],
        next_cursor=link_next(request, response, page),
    )


@router.get(
    "/head",
    **operation(
        summary="Read the end of the audit chain",
        term="einde van de logketen inzien",
        roles=READERS,
    ),
)
async def get_audit_head(service: Service) -> AuditHeadOut:
    """Return the digest that stands for all entries sealed so far, to be kept elsewhere.

    Sealing follows the changes within seconds. Kept outside this service, a head proves later that
    nothing before it was changed, rewritten or cut off.
    """
    head = await service.audit_head()
    return AuditHeadOut(position=head.position, digest=head.digest.hex())
