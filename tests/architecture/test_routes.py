import inspect
from collections.abc import Iterator

import pytest
from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, iter_route_contexts
from starlette.routing import Mount, Route

from app.http.operation import KEY, PRECONDITION, REFUSALS, ROLES, TERM
from app.http.preconditions import if_match
from app.http.problems import known_refusals
from app.http.routing import TransactionalRoute
from app.kernel.actors import Role
from app.main import create_app
from app.settings import Settings

# What is served without a transaction, each for its reason: it reads no organisation's data.
WITHOUT_WORK = {
    "/v1/openapi.json",
    "/",
    "/docs",
    "/docs/oauth2-redirect",
    "/docs/oauth2-redirect.js",
    "/problems",
    "/problems/{slug}",
    "/health/live",
    "/health/ready",
    "/demo/.well-known/openid-configuration",
    "/demo/jwks",
    "/demo/token",
    "/demo/personas",
}
FILES = {"/docs/swagger", "/docs/static"}


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> FastAPI:
    settings = {"demo": True, "data_dir": tmp_path_factory.mktemp("routes")}
    return create_app(Settings.model_validate(settings))


def routes(service: FastAPI) -> Iterator[tuple[str, Route]]:
    """Yield every route of the service with its whole path."""
    for app, prefix in ((service, ""), (service.state.api, "/v1")):
        for context in iter_route_contexts(app.routes):
            route = context.original_route
            if isinstance(route, Mount):
                assert route.path in {*FILES, "/v1"}
            else:
                assert isinstance(route, Route)
                yield prefix + route.path, route


def work_routes(service: FastAPI) -> list[tuple[str, TransactionalRoute]]:
    return [
        (path, route) for path, route in routes(service) if isinstance(route, TransactionalRoute)
    ]


def dependants(dependant: Dependant) -> Iterator[Dependant]:
    yield dependant
    for dependency in dependant.dependencies:
        yield from dependants(dependency)


@pytest.mark.invariant("S10")
def test_every_route_owns_its_transaction_or_stands_on_the_list(service: FastAPI) -> None:
    others = {path for path, route in routes(service) if not isinstance(route, TransactionalRoute)}
    assert others <= WITHOUT_WORK
    assert work_routes(service)


def test_no_dependency_ends_after_the_answer_has_left(service: FastAPI) -> None:
    """A dependency that yields would end after the commit, some even after the answer."""
    for path, route in work_routes(service):
        for found in dependants(route.dependant):
            assert not inspect.isasyncgenfunction(found.call), path
            assert not inspect.isgeneratorfunction(found.call), path


def test_nothing_on_a_request_path_takes_a_thread(service: FastAPI) -> None:
    for path, route in routes(service):
        if isinstance(route, APIRoute):
            for found in dependants(route.dependant):
                assert inspect.iscoroutinefunction(found.call), (path, found.call)


def test_every_operation_names_its_roles_its_dutch_name_and_what_it_refuses(
    service: FastAPI,
) -> None:
    known = known_refusals()
    for path, route in work_routes(service):
        declared = route.openapi_extra or {}
        assert set(declared[ROLES]) <= {role.value for role in Role}, path
        assert declared[ROLES], path
        assert declared[TERM].strip(), path
        assert set(declared[REFUSALS]) <= set(known), path
        assert route.summary, path
        assert (route.endpoint.__doc__ or "").strip(), path


def test_an_operation_says_that_it_needs_if_match_exactly_when_it_does(service: FastAPI) -> None:
    for path, route in work_routes(service):
        declared = route.openapi_extra or {}
        takes = any(found.call is if_match for found in dependants(route.dependant))
        assert declared[PRECONDITION] == takes, (path, route.methods)


def test_only_a_post_asks_for_an_idempotency_key(service: FastAPI) -> None:
    for path, route in work_routes(service):
        if (route.openapi_extra or {})[KEY] == "required":
            assert route.methods == {"POST"}, path


def test_every_path_and_method_is_there_once_and_reached(service: FastAPI) -> None:
    seen: set[tuple[str, str]] = set()
    for path, route in routes(service):
        for method in route.methods or ():
            assert (method, path) not in seen
            seen.add((method, path))


def test_a_fixed_path_stands_before_one_with_a_parameter_that_would_swallow_it(
    service: FastAPI,
) -> None:
    before: list[tuple[str, Route]] = []
    for path, route in routes(service):
        for earlier, other in before:
            swallowed = other.path_regex.fullmatch(route.path) and (
                set(other.methods or ()) & set(route.methods or ())
            )
            same_app = earlier.startswith("/v1") == path.startswith("/v1")
            assert not (swallowed and same_app), (earlier, path)
        before.append((path, route))
