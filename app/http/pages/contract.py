"""The contract as it is served: the API's document, and what of it the pages lead to."""

import asyncio
import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from time import monotonic

from fastapi import FastAPI, Response
from sqlalchemy.exc import SQLAlchemyError

from app.http.examples import FindExamples, with_examples
from app.http.openapi import build_openapi, operations
from app.http.operation import TERM

_log = logging.getLogger(__name__)

_EXAMPLES_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Listed:
    """An operation as pages lead to it: where it stands on the docs page, and its names."""

    anchor: str
    summary: str
    term: str
    refusals: str


def operations_of(api: FastAPI) -> Mapping[str, Listed]:
    """Return the operations of an API by id, in the order of its document."""
    return {
        told["operationId"]: Listed(
            anchor=f"/docs#/{told['tags'][0]}/{told['operationId']}",
            summary=told["summary"],
            term=told[TERM],
            refusals="\n".join(answer["description"] for answer in told["responses"].values()),
        )
        for _path, told in operations(build_openapi(api))
    }


def serve_document(app: FastAPI, find_examples: FindExamples | None = None) -> None:
    """Serve the API's document at its base path: without sign-in, to any origin.

    With ``find_examples`` it is made anew every second that it is asked for, and carries what they
    are by then; when the database can not tell, it goes without.
    """
    kept: tuple[float, bytes] | None = None
    making = asyncio.Lock()

    async def made() -> bytes:
        document = build_openapi(app)
        if find_examples is not None:
            try:
                document = with_examples(document, await find_examples())
            except SQLAlchemyError as error:
                _log.warning("the contract goes without examples", exc_info=error)
        return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()

    async def document() -> Response:
        nonlocal kept
        async with making:
            if kept is None or (find_examples is not None and monotonic() > kept[0]):
                body = await made()
                kept = monotonic() + _EXAMPLES_SECONDS, body
        return Response(
            kept[1], media_type="application/json", headers={"Cache-Control": "no-cache"}
        )

    app.add_api_route("/openapi.json", document, include_in_schema=False)
