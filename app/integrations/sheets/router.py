"""What the imports share over HTTP: a body that is CSV as HR has it, or a JSON list of rows."""

from typing import Annotated, Any, cast

from fastapi import Query, Request
from pydantic import BaseModel

from app.http.bodies import parse_json
from app.http.operation import SCHEMAS
from app.http.problems import InputImpossible, InputInvalid
from app.integrations.sheets.rules import ImportMode

CSV = "text/csv"
JSON = "application/json"

_BEYOND_SCHEMA = frozenset({"text_with_nul", "json_number", "json_too_deep", "json_too_wide"})

Mode = Annotated[
    ImportMode,
    Query(description="`partial` takes the good rows over when others have a fault."),
]
DryRun = Annotated[bool, Query(alias="dryRun", description="Only tell what would happen.")]


def with_upload(
    declared: dict[str, Any], row: type[BaseModel], *, most_rows: int
) -> dict[str, Any]:
    """Return the operation with its two kinds of body, which FastAPI can not read from a type."""
    schema = row.model_json_schema(ref_template="#/components/schemas/{model}")
    declared["openapi_extra"] |= {
        SCHEMAS: {**schema.pop("$defs", {}), row.__name__: schema},
        # Generators make of a list beside a file a client that fails: the file is told in words.
        "requestBody": {
            "description": "A list of rows; or the CSV file as it is, sent as `text/csv`.",
            "required": True,
            "content": {
                JSON: {
                    "schema": {
                        "type": "array",
                        "maxItems": most_rows,
                        # A row with a fault is taken in too: what is wrong with it is told by row.
                        "items": {
                            "anyOf": [
                                {"$ref": f"#/components/schemas/{row.__name__}"},
                                {"type": "object", "maxProperties": 1000},
                            ]
                        },
                    }
                },
            },
        },
    }
    return declared


def is_sheet(request: Request) -> bool:
    """Tell whether the body is CSV: the route lets that through, and JSON."""
    return request.headers["content-type"].partition(";")[0].strip().lower() != JSON


def records_of(content: bytes) -> list[object]:
    """Return the JSON list that was sent.

    Raises:
        InputInvalid: it is no JSON, or no list of objects.
        InputImpossible: it holds what can not be taken, and the contract has no words for: it
            lets a row be any object, for what is wrong with one is told by row.
    """
    try:
        parsed = parse_json(content)
    except InputInvalid as refusal:
        if _BEYOND_SCHEMA.issuperset(str(finding["type"]) for finding in refusal.findings):
            raise InputImpossible(refusal.findings) from None
        raise
    if not isinstance(parsed, list):
        raise InputInvalid([{"type": "list_type", "loc": ("body",)}])
    others = [number for number, row in enumerate(parsed) if not isinstance(row, dict)]
    if others:
        raise InputInvalid([{"type": "dict_type", "loc": ("body", number)} for number in others])
    return cast("list[object]", parsed)
