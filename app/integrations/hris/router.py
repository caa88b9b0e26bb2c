"""The import of employees over HTTP."""

from typing import Annotated, Any, cast

from fastapi import Depends, Query, Request

from app.http.bodies import parse_json
from app.http.deps import CurrentWork
from app.http.operation import operation
from app.http.problems import InputInvalid, language_of
from app.http.routing import area_router
from app.http.schemas import Day
from app.integrations.hris.errors import (
    ColumnsMissing,
    FileUnreadable,
    ImportRefused,
    TooManyRows,
)
from app.integrations.hris.rules import ROW_LIMIT, ImportMode
from app.integrations.hris.schemas import EmployeeImportOut, EmployeeRowIn
from app.integrations.hris.service import EmployeeImportService, ImportOptions
from app.kernel.actors import Role
from app.people.errors import EmailTaken, ManagerCycle

CSV = "text/csv"
JSON = "application/json"

router = area_router(prefix="/employee-imports", tag="imports")


async def _service(work: CurrentWork) -> EmployeeImportService:
    return EmployeeImportService(work)


Service = Annotated[EmployeeImportService, Depends(_service)]


async def _options(
    request: Request,
    *,
    mode: Annotated[
        ImportMode,
        Query(description="`partial` takes the good rows over when others have a fault."),
    ] = ImportMode.ALL_OR_NOTHING,
    dry_run: Annotated[
        bool, Query(alias="dryRun", description="Only tell what would happen.")
    ] = False,
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


def _upload() -> dict[str, Any]:
    """Return the operation, with the two kinds of body that FastAPI can not read from a type."""
    declared = operation(
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
    )
    row = EmployeeRowIn.model_json_schema(ref_template="#/components/schemas/{model}")
    row.pop("$defs", None)
    declared["openapi_extra"]["requestBody"] = {
        "required": True,
        "content": {
            CSV: {"schema": {"type": "string", "maxLength": 20_000_000}},
            JSON: {
                "schema": {
                    "type": "array",
                    "maxItems": ROW_LIMIT,
                    # A row with a fault is taken in too: what is wrong with it is told by row.
                    "items": {"anyOf": [row, {"type": "object", "maxProperties": 1000}]},
                }
            },
        },
    }
    return declared


@router.post("", **_upload())
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
    if request.headers["content-type"].partition(";")[0].strip().lower() == CSV:
        outcome = await service.take_export(content, options)
    else:
        outcome = await service.take_records(_records(content), options)
    return EmployeeImportOut.model_validate(outcome)


def _records(content: bytes) -> list[object]:
    """Return the JSON list that was sent.

    Raises:
        InputInvalid: it is no JSON, or no list of objects.
    """
    parsed = parse_json(content)
    if not isinstance(parsed, list):
        raise InputInvalid([{"type": "list_type", "loc": ("body",)}])
    others = [number for number, row in enumerate(parsed) if not isinstance(row, dict)]
    if others:
        raise InputInvalid([{"type": "dict_type", "loc": ("body", number)} for number in others])
    return cast("list[object]", parsed)
