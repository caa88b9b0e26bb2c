"""The means of a year, its commitments and their invoices, over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Path, Query, Request, Response

from app.budgets.errors import (
    BudgetNotFound,
    CommitmentClosed,
    CommitmentNotFound,
    InvoiceBookedTwice,
    MeansBelowCommitted,
    MeansExceeded,
)
from app.budgets.rules import MeansRoom
from app.budgets.schemas import (
    ActualIn,
    ActualPage,
    BudgetList,
    BudgetOut,
    CommitmentOut,
    CommitmentPage,
    MeansIn,
    MeansSettingPage,
)
from app.budgets.service import BudgetService
from app.http.deps import CurrentWork, ExpectedVersions, Paging, link_next, tag
from app.http.operation import operation
from app.http.routing import area_router
from app.http.schemas import id_path
from app.kernel.actors import Role
from app.kernel.errors import StaleVersion
from app.kernel.quantities import Cents
from app.requests.errors import BsnInText

budgets = area_router(prefix="/budgets", tag="budgets")
commitments = area_router(prefix="/commitments", tag="budgets")

_READERS = (Role.HR, Role.MT, Role.AUDITOR, Role.ADMIN)


async def _service(work: CurrentWork) -> BudgetService:
    return BudgetService(work)


def _shown(room: MeansRoom) -> dict[str, int]:
    return {
        "budget_year": room.year,
        "means_cents": room.means_cents,
        "committed_cents": room.committed_cents,
        "spent_cents": room.spent_cents,
        "room_cents": room.room_cents,
    }


Service = Annotated[BudgetService, Depends(_service)]
BudgetYear = Annotated[
    int,
    Path(alias="budgetYear", ge=2000, le=2199, description="Calendar year of the means."),
]
CommitmentId = Annotated[UUID, id_path("commitmentId")]


@budgets.get(
    "",
    **operation(summary="List the means of all years", term="middelen per jaar", roles=_READERS),
)
async def list_budgets(service: Service) -> BudgetList:
    """Return the means of each year for which the MT has set them, the latest year first."""
    rooms = await service.budgets()
    return BudgetList.model_validate({"items": [_shown(room) for room in rooms]})


@budgets.get(
    "/{budgetYear}",
    **operation(
        summary="Read the means of a year",
        term="middelen van een jaar",
        roles=_READERS,
        refusals=(BudgetNotFound,),
    ),
)
async def get_budget(budget_year: BudgetYear, service: Service) -> BudgetOut:
    """Return what is set, committed, spent and left of a year's means."""
    return BudgetOut.model_validate(_shown(await service.room(budget_year)))


@budgets.post(
    "/{budgetYear}/means",
    **operation(
        summary="Set the means of a year",
        term="middelen vaststellen",
        roles=(Role.MT,),
        status=201,
        refusals=(BsnInText, MeansBelowCommitted),
        key="required",
        role_rule="VIS-5.1",
    ),
)
async def set_means(budget_year: BudgetYear, body: MeansIn, service: Service) -> BudgetOut:
    """Set the total of a year; a later setting replaces it, never below what is committed."""
    room = await service.set_means(
        budget_year, amount_cents=Cents(body.amount_cents), motivation=body.motivation
    )
    return BudgetOut.model_validate(_shown(room))


@budgets.get(
    "/{budgetYear}/means",
    **operation(
        summary="List the settings of a year's means",
        term="vaststellingen van de middelen",
        roles=_READERS,
    ),
)
async def list_means(
    budget_year: BudgetYear,
    service: Service,
    paging: Paging,
    request: Request,
    response: Response,
) -> MeansSettingPage:
    """Return each decision of the management team on the means of a year, oldest first."""
    page = await service.settings_of(budget_year, paging)
    return MeansSettingPage.model_validate(
        {"items": page.items, "next_cursor": link_next(request, response, page)}
    )


@commitments.get(
    "",
    **operation(summary="List commitments", term="verplichtingen", roles=_READERS),
)
async def list_commitments(
    *,
    service: Service,
    paging: Paging,
    request: Request,
    response: Response,
    budget_year: Annotated[
        int | None,
        Query(alias="budgetYear", ge=2000, le=2199, description="Only of this year's means."),
    ] = None,
    request_id: Annotated[
        UUID | None, Query(alias="requestId", description="Only of this training request.")
    ] = None,
) -> CommitmentPage:
    """Return what grants have bound of the means, oldest first."""
    page = await service.commitments(year=budget_year, request_id=request_id, page=paging)
    return CommitmentPage.model_validate(
        {"items": page.items, "next_cursor": link_next(request, response, page)}
    )


@commitments.get(
    "/{commitmentId}",
    **operation(
        summary="Read a commitment",
        term="verplichting",
        roles=_READERS,
        refusals=(CommitmentNotFound,),
    ),
)
async def get_commitment(
    commitment_id: CommitmentId, service: Service, response: Response
) -> CommitmentOut:
    """Return one commitment, with its version as ETag."""
    commitment = await service.commitment(commitment_id)
    tag(response, commitment.version)
    return CommitmentOut.model_validate(commitment)


@commitments.post(
    "/{commitmentId}/actuals",
    **operation(
        summary="Book an invoice",
        term="factuur boeken",
        roles=(Role.HR,),
        status=201,
        refusals=(
            CommitmentNotFound,
            CommitmentClosed,
            InvoiceBookedTwice,
            MeansExceeded,
            StaleVersion,
        ),
        key="required",
        precondition=True,
        role_rule="VIS-5.2",
    ),
)
async def book_actual(
    commitment_id: CommitmentId,
    body: ActualIn,
    service: Service,
    expected: ExpectedVersions,
    response: Response,
) -> CommitmentOut:
    """Book an invoice on a commitment; the final one frees what is left of it."""
    commitment = await service.book(
        commitment_id,
        amount_cents=Cents(body.amount_cents),
        invoice_reference=body.invoice_reference,
        invoiced_on=body.invoiced_on,
        final=body.final,
        expected=expected,
    )
    tag(response, commitment.version)
    return CommitmentOut.model_validate(commitment)


@commitments.get(
    "/{commitmentId}/actuals",
    **operation(
        summary="List the invoices on a commitment",
        term="facturen op een verplichting",
        roles=_READERS,
        refusals=(CommitmentNotFound,),
    ),
)
async def list_actuals(
    commitment_id: CommitmentId,
    service: Service,
    paging: Paging,
    request: Request,
    response: Response,
) -> ActualPage:
    """Return the invoices booked on a commitment, oldest first."""
    page = await service.actuals(commitment_id, paging)
    return ActualPage.model_validate(
        {"items": page.items, "next_cursor": link_next(request, response, page)}
    )
