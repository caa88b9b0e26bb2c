"""The route that owns the transaction, and the routers made of it."""

from typing import Any

from fastapi import APIRouter
from fastapi.routing import APIRoute
from pydantic.alias_generators import to_camel


class TransactionalRoute(APIRoute):
    """A route whose work is committed before its answer is sent."""


def _operation_id(route: APIRoute) -> str:
    return to_camel(route.name)


def area_router(*, prefix: str, tag: str, **options: Any) -> APIRouter:  # noqa: ANN401
    """Return the router of an area: transactional routes under one prefix and one tag."""
    return APIRouter(
        prefix=prefix,
        tags=[tag],
        route_class=TransactionalRoute,
        generate_unique_id_function=_operation_id,
        **options,
    )
