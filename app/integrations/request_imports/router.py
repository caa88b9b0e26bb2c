"""The import of training requests over HTTP."""

from typing import Annotated

from fastapi import Depends, Request

from app.http.deps import CurrentWork
from app.http.operation import operation
from app.http.problems import language_of
from app.http.routing import area_router
from app.integrations.request_imports.errors import RequestColumnsMissing, TooManyRequestRows
from app.integrations.request_imports.rules import ROW_LIMIT
from app.integrations.request_imports.schemas import RequestImportOut, RequestRowIn
from app.integrations.request_imports.service import ImportOptions, RequestImportService
from app.integrations.sheets.errors import FileUnreadable, ImportRefused
from app.integrations.sheets.router import (
    CSV,
    JSON,
    DryRun,
    Mode,
    is_sheet,
    records_of,
    with_upload,
)
from app.integrations.sheets.rules import ImportMode
from app.kernel.actors import Role

router = area_router(prefix="/request-imports", tag="imports")


async def _service(work: CurrentWork) -> RequestImportService:
    return RequestImportService(work)


Service = Annotated[RequestImportService, Depends(_service)]


async def _options(
    request: Request,
    *,
    mode: Mode = ImportMode.ALL_OR_NOTHING,
    dry_run: DryRun = False,
) -> ImportOptions:
    return ImportOptions(mode=mode, dry_run=dry_run, language=language_of(request))


@router.post(
    "",
    **with_upload(
        operation(
            summary="Import training requests",
            term="opleidingsaanvragen importeren",
            roles=(Role.HR,),
            refusals=(FileUnreadable, RequestColumnsMissing, TooManyRequestRows, ImportRefused),
            accepts=(CSV, JSON),
            bulk=True,
        ),
        RequestRowIn,
        most_rows=ROW_LIMIT,
    ),
)
async def import_requests(
    request: Request,
    service: Service,
    options: Annotated[ImportOptions, Depends(_options)],
) -> RequestImportOut:
    """Take in a tranche's list of requests: the CSV as HR keeps it, or a JSON list of rows.

    Rows are matched by reference: one that did not change changes nothing. The moment of
    submission in the row counts for the tranche, so that a late one falls in the next. What can
    not be submitted is kept as a draft, and the remark says why. Each fault is named by line and
    column. With `mode=all-or-nothing` one fault keeps everything out; with `dryRun=true` nothing
    is taken in at all.
    """
    content = await request.body()
    if is_sheet(request):
        outcome = await service.take_list(content, options)
    else:
        outcome = await service.take_records(records_of(content), options)
    return RequestImportOut.model_validate(outcome)
