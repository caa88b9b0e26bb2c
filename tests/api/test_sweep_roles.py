"""Every operation of the contract in every role: what is written down, and nothing else."""

from collections.abc import AsyncIterator, Mapping
from http import HTTPMethod

import httpx
import pytest
from fastapi import FastAPI

from app.db.session import Database
from app.kernel.actors import Role
from app.main import create_app, document
from app.settings import Settings
from tests.support import tokens
from tests.support.clock import MONDAY, FrozenClock
from tests.support.contract import Operation, contract, operations
from tests.support.role_matrix import told, written
from tests.support.sweep import (
    World,
    ask,
    found_world,
    refused,
    slug,
    some_body,
    some_ids,
    some_query,
)

EVERY = [pytest.param(one, id=one.id) for one in operations().values()]
BY_PATH: Mapping[str, Mapping[str, Operation]] = {
    path: {one.method: one for one in operations().values() if one.path == path}
    for path in contract()["paths"]
}
# What some frameworks take for the method that is meant.
OVERRIDES = ("X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override", "X-Original-Method")
OTHER_METHODS = ("PROPFIND", "TRACK", "DEBUG", "DECIDE", "PURGE")


@pytest.fixture(scope="module")
async def world(app: FastAPI, database: Database, _clock: FrozenClock) -> AsyncIterator[World]:
    _clock.set(MONDAY)
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test/v1") as client:
        yield await found_world(client, database)


@pytest.mark.invariant("S6")
def test_the_contract_gives_each_role_what_is_written_down() -> None:
    again = "a change of roles is written down: python -m tests.support.role_matrix"
    assert told() == written(), again


@pytest.mark.invariant("S6", "T3")
def test_every_operation_asks_for_a_token_and_names_its_roles() -> None:
    schemes = contract()["components"]["securitySchemes"]
    for one in operations().values():
        needed = one.told["security"]
        # No empty requirement among them: that would be an operation for nobody in particular.
        assert needed, one.id
        assert all(set(each) <= set(schemes) and each for each in needed), one.id
        assert one.roles, one.id
        assert {401, 403} <= one.statuses, one.id


@pytest.mark.invariant("S6")
@pytest.mark.parametrize("operation", EVERY)
async def test_a_role_may_do_what_is_written_down_and_nothing_else(
    world: World, operation: Operation
) -> None:
    may = written()[operation.id]
    body = {"unknown": 1} if operation.body is not None else None
    async with world.untouched():
        for role in Role:
            answer = await ask(world, operation, headers=world.headers(role), body=body)
            if role in may:
                assert answer.status_code in {200, 400, 404}, (role, answer.text)
            else:
                problem = refused(answer, operation, 403)
                assert slug(problem) == "role-refused"
                assert problem["facts"]["roles"] == [role]
        roleless = tokens.token(organisation=world.organisation.slug, roles=["director"])
        answer = await ask(world, operation, headers={"Authorization": f"Bearer {roleless}"})
        assert slug(refused(answer, operation, 403)) == "role-refused"


@pytest.mark.invariant("S6")
@pytest.mark.parametrize("operation", EVERY)
async def test_all_other_roles_together_are_not_enough(world: World, operation: Operation) -> None:
    others = [role for role in Role if role not in operation.roles]
    if not others:
        return
    async with world.untouched():
        answer = await ask(world, operation, headers=world.headers(*others))
        assert slug(refused(answer, operation, 403)) == "role-refused"


# What an operation refuses to whom it concerns.
FOR_ONESELF = {
    "exception-for-self",
    "own-attendance",
    "own-claim",
    "own-request",
    "own-request-step",
}


@pytest.mark.invariant("S6", "W2")
@pytest.mark.rule("VIS-5.1", "VIS-5.3")
@pytest.mark.parametrize("operation", EVERY)
async def test_who_may_be_anybody_does_nothing_that_nobody_does_for_oneself(
    world: World, operation: Operation
) -> None:
    """A token without a person is refused by exactly the operations that ask who it concerns."""
    asks = "named-person-needed" in operation.told["x-refusals"]
    assert asks or FOR_ONESELF.isdisjoint(operation.told["x-refusals"]), operation.id
    body = {"unknown": 1} if operation.body is not None else None
    async with world.untouched():
        for role in operation.roles:
            bearer = tokens.token(organisation=world.organisation.slug, roles=[role])
            headers = {"Authorization": f"Bearer {bearer}"}
            answer = await ask(world, operation, headers=headers, body=body)
            if asks:
                problem = refused(answer, operation, 403)
                assert (slug(problem), problem["rule"]["id"]) == ("named-person-needed", "VIS-5.3")
            else:
                assert answer.status_code in {200, 400, 404}, answer.text


@pytest.mark.invariant("S6")
@pytest.mark.parametrize("path", BY_PATH)
async def test_another_method_is_405_and_tells_which_there_are(world: World, path: str) -> None:
    """Whatever the role: a method is not tried with a role that has another one."""
    there = BY_PATH[path]
    address = next(iter(there.values())).at(some_ids(next(iter(there.values()))))
    allowed = {*there, *(("HEAD",) if "GET" in there else ())}
    async with world.untouched():
        for method in (*HTTPMethod, *OTHER_METHODS):
            if method in allowed | {HTTPMethod.OPTIONS}:
                continue
            answer = await world.client.request(method, address, headers=world.headers())
            assert answer.status_code == 405, (method, answer.text)
            assert {*answer.headers["Allow"].split(", ")} - {"OPTIONS"} == allowed


@pytest.mark.invariant("S6")
@pytest.mark.parametrize("path", BY_PATH)
async def test_a_header_that_names_another_method_is_not_listened_to(
    world: World, path: str
) -> None:
    for method, one in BY_PATH[path].items():
        reader = world.headers(Role.AUDITOR)
        async with world.untouched():
            plain = await ask(world, one, headers=reader, body=some_body(one))
            for other in {"GET", "POST", "PUT", "PATCH", "DELETE"} - {method}:
                overridden = dict.fromkeys(OVERRIDES, other)
                answer = await ask(
                    world, one, headers={**reader, **overridden}, body=some_body(one)
                )
                assert answer.status_code == plain.status_code, (other, answer.text)
                assert answer.headers.get("Content-Type") == plain.headers.get("Content-Type")


@pytest.mark.invariant("S6")
@pytest.mark.parametrize(
    "operation",
    [pytest.param(one, id=one.id) for one in operations().values() if one.method == "GET"],
)
async def test_what_may_not_be_read_may_not_be_asked_after_by_head_either(
    world: World, operation: Operation
) -> None:
    for role in Role:
        head = await world.client.head(
            operation.at(some_ids(operation)),
            headers=world.headers(role),
            params=some_query(operation),
        )
        assert not head.content
        assert (head.status_code == 403) == (role not in operation.roles), (role, head.status_code)


def test_demo_mode_adds_its_clock_for_everybody_and_nothing_else() -> None:
    settings = Settings.model_validate({"demo": True})
    added = {
        told["operationId"]: set(told["x-roles"])
        for item in document(create_app(settings))["paths"].values()
        for told in item.values()
        if "operationId" in told and told["operationId"] not in operations()
    }
    everybody = {role.value for role in Role}
    assert added == {"getDemoClock": everybody, "setDemoClock": everybody}
