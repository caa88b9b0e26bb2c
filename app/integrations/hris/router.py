"""The import of employees over HTTP."""

from typing import Annotated

from fastapi import Depends, Query, Request

from app.http.deps import CurrentWork
from app.http.operation import operation
from app.http.problems import language_of
from app.http.routing import area_router
from app.http.schemas import Day
from app.integrations.hris.errors import ColumnsMissing, TooManyRows
from app.integrations.hris.rules import ROW_LIMIT
from app.integrations.hris.schemas import EmployeeImportOut, EmployeeRowIn
from app.integrations.hris.service import EmployeeImportService, ImportOptions
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
from app.people.errors import EmailTaken, ManagerCycle

router = area_router(prefix="/employee-imports", tag="imports")


async def _service(work: CurrentWork) -> EmployeeImportService:
    return EmployeeImportService(work)


Service = Annotated[EmployeeImportService, Depends(_service)]


async def _options(
    request: Request,
    *,
    mode: Mode = ImportMode.ALL_OR_NOTHING,
    dry_run: DryRun = False,
    effective_on: Annotated[
        Day | None,
        Query(
            alias="effectiveOn",
            description="From when a change of team, function, manager or hours holds; today "
            "when it is left out.",
        ),
    ] = None,
) -> ImportOptions:
    return ImportOptions(
        mode=mode, dry_run=dry_run, effective_on=effective_on, language=language_of(request)
    )


@router.post(
    "",
    **with_upload(
        operation(
            summary="Import employees",
            term="medewerkers importeren uit het HRIS",
            roles=(Role.HRIS, Role.HR, Role.ADMIN),
            refusals=(
                FileUnreadable,
                ColumnsMissing,
                TooManyRows,
                ImportRefused,
                EmailTaken,
                ManagerCycle,
            ),
            accepts=(CSV, JSON),
            bulk=True,
        ),
        EmployeeRowIn,
        most_rows=ROW_LIMIT,
    ),
)
async def import_employees(
    request: Request,
    service: Service,
    options: Annotated[ImportOptions, Depends(_options)],
) -> EmployeeImportOut:
    """Take over people from the HRIS: a CSV export as it is, or a JSON list of rows.

    Rows are matched by personnel number: new people are added with their employment, changes of
    team, function, manager or hours are placed in the history, a last day of employment is
    recorded with reason unknown, and what did not change stays. Each fault is named by line and
    column. With `mode=all-or-nothing` one fault keeps everything out; with `dryRun=true` nothing
    is taken over at all.
    """
    content = await request.body()
    if is_sheet(request):
        outcome = await service.take_export(content, options)
    else:
        outcome = await service.take_records(records_of(content), options)
    return EmployeeImportOut.model_validate(outcome)
