"""The import of training requests over HTTP."""

from typing import Annotated, Any, cast

from fastapi import Depends, Query, Request

from app.http.bodies import parse_json
from app.http.deps import CurrentWork
from app.http.operation import operation
from app.http.problems import InputInvalid, language_of
from app.http.routing import area_router
from app.integrations.hris.errors import FileUnreadable, ImportRefused
from app.integrations.hris.rules import ImportMode
from app.integrations.request_imports.errors import RequestColumnsMissing, TooManyRequestRows
from app.integrations.request_imports.rules import ROW_LIMIT
from app.integrations.request_imports.schemas import RequestImportOut, RequestRowIn
from app.integrations.request_imports.service import ImportOptions, RequestImportService
from app.kernel.actors import Role

_CSV = "text/csv"
_JSON = "application/json"

router = area_router(prefix="/request-imports", tag="imports")


async def _service(work: CurrentWork) -> RequestImportService:
    return RequestImportService(work)


Service = Annotated[RequestImportService, Depends(_service)]


async def _options(
    request: Request,
    *,
    mode: Annotated[
        ImportMode,
        Query(description="`partial` takes the good rows in when others have a fault."),
    ] = ImportMode.ALL_OR_NOTHING,
    dry_run: Annotated[
        bool, Query(alias="dryRun", description="Only tell what would happen.")
    ] = False,
) -> ImportOptions:
    return ImportOptions(mode=mode, dry_run=dry_run, language=language_of(request))


def _upload() -> dict[str, Any]:
    """Return the operation, with the two kinds of body that FastAPI can not read from a type."""
    declared = operation(
        summary="Import training requests",
        term="opleidingsaanvragen importeren",
        roles=(Role.HR,),
        refusals=(FileUnreadable, RequestColumnsMissing, TooManyRequestRows, ImportRefused),
        accepts=(_CSV, _JSON),
        bulk=True,
    )
    row = RequestRowIn.model_json_schema(ref_template="#/components/schemas/{model}")
    row.pop("$defs", None)
    declared["openapi_extra"]["requestBody"] = {
        "required": True,
        "content": {
            _CSV: {"schema": {"type": "string", "maxLength": 20_000_000}},
            _JSON: {
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
    if request.headers["content-type"].partition(";")[0].strip().lower() == _CSV:
        outcome = await service.take_list(content, options)
    else:
        outcome = await service.take_records(_records(content), options)
    return RequestImportOut.model_validate(outcome)


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
