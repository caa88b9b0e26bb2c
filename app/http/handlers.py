"""What becomes of what an endpoint or a router raises: always a problem."""

from collections.abc import Iterable
from typing import cast

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import iter_route_contexts
from starlette.exceptions import HTTPException
from starlette.routing import BaseRoute, Match
from starlette.staticfiles import StaticFiles

from app.http.problems import (
    DefectFound,
    MethodNotAllowed,
    NoSuchPath,
    input_refused,
    problem,
)
from app.kernel.errors import Refusal

_NOT_FOUND = 404
_NOT_ALLOWED = 405


def answer_with_problems(app: FastAPI) -> None:
    """Have this app answer every failure with a problem."""
    app.add_exception_handler(Refusal, _refused)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _unrouted)
    app.add_exception_handler(Exception, _defect)


async def _refused(request: Request, error: Exception) -> Response:
    return problem(request, cast("Refusal", error))


async def _invalid(request: Request, error: Exception) -> Response:
    return problem(request, input_refused(cast("RequestValidationError", error).errors()))


async def _unrouted(request: Request, error: Exception) -> Response:
    """Answer what the router itself raises; nothing of ours raises an HTTPException."""
    status = cast("HTTPException", error).status_code
    if status == _NOT_FOUND:
        return problem(request, NoSuchPath())
    if status == _NOT_ALLOWED:
        return problem(request, MethodNotAllowed(_methods_at(request)))
    return problem(request, DefectFound())


async def _defect(request: Request, _error: Exception) -> Response:
    """Answer a defect without a word about it; it is raised on, and logged by the envelope."""
    return problem(request, DefectFound())


def _methods_at(request: Request) -> list[str]:
    """Return the methods of every route at this path: the router names those of one route only."""
    # Files are under a mount, which names no methods, and they have no routes.
    if isinstance(request.scope.get("endpoint"), StaticFiles):
        return ["GET", "HEAD"]
    app = cast("FastAPI", request.app)
    found: set[str] = set()
    for route in _routes(app):
        match, _ = route.matches(request.scope)
        if match is not Match.NONE:
            found |= cast("set[str]", getattr(route, "methods", None) or set())
    return sorted(found | {"HEAD"} if "GET" in found else found)


def _routes(app: FastAPI) -> Iterable[BaseRoute]:
    return (context.original_route for context in iter_route_contexts(app.routes))
