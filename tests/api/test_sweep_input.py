"""Every operation of the contract with input it does not allow: a clear 4xx, and nothing changed.

What is sent is made from the OpenAPI document, so that an operation is covered by being there.
"""

import json
from collections.abc import AsyncIterator, Iterator, Mapping
from datetime import timedelta
from typing import Any, cast
from uuid import uuid4

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from fastapi import FastAPI

from app.db.session import Database
from app.http.pagination import write_cursor
from app.kernel.actors import Role
from app.settings import Settings
from tests.support import tokens
from tests.support.clock import MONDAY, FrozenClock
from tests.support.contract import (
    Operation,
    Pointer,
    Schema,
    allowed,
    completed,
    holds,
    kinds,
    members,
    operations,
    put,
    resolved,
    specimen,
    wrong_values,
)
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

SORTS = ("string", "integer", "boolean", "array", "object")
# What a caller might try to set for itself.
ASSIGNED = (
    *("organisationId", "organisation_id", "tenantId", "id", "version", "status", "state"),
    *("decidedBy", "decided_by", "createdAt", "createdBy", "recordedAt", "role", "roles"),
    *("amountGranted", "amountGrantedCents", "grantedCents", "isAdmin", "actor", "__class__"),
)
PAIRS = (("startsOn", "endsOn"), ("from", "until"), ("since", "until"))
MEGABYTE = "x" * 1_000_000
FORGER = rsa.generate_private_key(public_exponent=65537, key_size=2048)
EVERY = [pytest.param(one, id=one.id) for one in operations().values()]
WITH_BODY = [pytest.param(one, id=one.id) for one in operations().values() if one.body is not None]
WITH_PATH = [
    pytest.param(one, id=one.id) for one in operations().values() if one.parameters("path")
]


def paired(operation: Operation) -> tuple[str, str] | None:
    """Return the names of a first and a last day that an operation takes, if it does."""
    names = {one["name"] for one in operation.parameters("query")}
    if operation.body is not None:
        found = members(operation.body, completed(operation.body, specimen(operation.body)))
        names |= {str(at[-1]) for at, _ in found}
    return next((pair for pair in PAIRS if names.issuperset(pair)), None)


@pytest.fixture(scope="module")
async def world(app: FastAPI, database: Database, _clock: FrozenClock) -> AsyncIterator[World]:
    _clock.set(MONDAY)
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test/v1") as client:
        yield await found_world(client, database)


def whole_body(operation: Operation) -> Any:  # noqa: ANN401 - a JSON value
    """Return a body with everything in it that it may hold."""
    assert operation.body is not None
    return completed(operation.body, specimen(operation.body))


def places(operation: Operation, *sorts: str) -> Iterator[tuple[Pointer, Schema]]:
    """Yield each member of an operation's body that is of one of these JSON types."""
    assert operation.body is not None
    body = whole_body(operation)
    for at, schema in members(operation.body, body):
        if holds(body, at) and set(sorts) & set(kinds(schema)):
            yield at, schema


def pointer(at: Pointer) -> str:
    return "".join(f"/{step}" for step in at)


def points_at(problem: Mapping[str, Any], at: Pointer) -> bool:
    """Tell whether one of the errors stands at this place, or where it is part of.

    A pointer may have the name of an alternative among its steps.
    """
    wanted = [str(step) for step in at]
    for error in problem["errors"]:
        steps = error["pointer"].split("/")[1:]
        short, long = sorted((steps, wanted), key=len)
        remaining = iter(long)
        if all(step in remaining for step in short):
            return True
    return False


def test_every_body_that_is_tried_with_a_fault_is_one_that_the_contract_allows() -> None:
    for operation in operations().values():
        if operation.body is not None:
            assert allowed(operation, some_body(operation)), operation.id
            assert allowed(operation, whole_body(operation)), operation.id


# --- The body -----------------------------------------------------------------------------------


@pytest.mark.invariant("L7", "S4", "S12")
@pytest.mark.parametrize("operation", WITH_BODY)
async def test_a_value_of_another_sort_is_refused_where_it_stands(
    world: World, operation: Operation
) -> None:
    body = whole_body(operation)
    async with world.untouched():
        for at, schema in places(operation, *SORTS):
            for wrong in wrong_values(schema):
                answer = await ask(world, operation, body=put(body, at, wrong))
                if operation.takes_a_file:
                    refused(answer, operation, 400, 422)
                else:
                    problem = refused(answer, operation, 400)
                    assert slug(problem) == "input-invalid"
                    assert points_at(problem, at), (at, wrong, problem["errors"])


@pytest.mark.invariant("L7", "S5")
@pytest.mark.parametrize("operation", WITH_BODY)
async def test_a_number_that_is_none_is_refused(world: World, operation: Operation) -> None:
    body = whole_body(operation)
    async with world.untouched():
        for at, _ in places(operation, "integer"):
            text = json.dumps(put(body, at, "@"))
            for number in ("NaN", "-Infinity", "1e400", "9" * 5_000, "1_000", "0x10"):
                content = text.replace('"@"', number).encode()
                answer = await ask(world, operation, content=content)
                problem = refused(answer, operation, *_unreadable(operation))
                assert {error["code"] for error in problem["errors"]} <= {
                    "json_broken",
                    "json_invalid",
                    "json_number",
                }


@pytest.mark.invariant("L7")
@pytest.mark.parametrize("operation", WITH_BODY)
async def test_a_whole_number_may_be_written_with_a_point(
    world: World, operation: Operation
) -> None:
    if operation.takes_a_file:
        return
    body = {**whole_body(operation), "unknown": 1}
    async with world.untouched():
        for at, schema in places(operation, "integer"):
            number = float(resolved(schema)["minimum"])
            answer = await ask(world, operation, body=put(body, at, number))
            errors = refused(answer, operation, 400)["errors"]
            assert pointer(at) not in {error["pointer"] for error in errors}, errors


@pytest.mark.invariant("S5", "S12")
@pytest.mark.parametrize("operation", WITH_BODY)
async def test_text_that_can_not_be_kept_is_refused(world: World, operation: Operation) -> None:
    body = whole_body(operation)
    async with world.untouched():
        for at, _ in places(operation, "string"):
            for text in ("a\0b", "\ud800", "b\udfff", MEGABYTE):
                answer = await ask(world, operation, body=put(body, at, text))
                refused(answer, operation, *((400, 422) if operation.takes_a_file else (400,)))


@pytest.mark.invariant("S4")
@pytest.mark.parametrize("operation", WITH_BODY)
async def test_a_member_that_is_missing_or_unknown_is_named(
    world: World, operation: Operation
) -> None:
    body = whole_body(operation)
    statuses = (400, 422) if operation.takes_a_file else (400,)
    async with world.untouched():
        for at, schema in [((), operation.body or {}), *places(operation, "object")]:
            held: Any = body
            for step in at:
                held = held[step]
            if not isinstance(held, dict):
                continue
            members_held = cast("dict[str, object]", held)
            assigned = {name: "x" for name in ASSIGNED if name not in members_held}
            changes = [{**members_held, **assigned}]
            changes += [
                {name: value for name, value in members_held.items() if name != required}
                for required in resolved(schema).get("required", ())
            ]
            for changed in changes:
                sent = put(body, at, changed) if at else changed
                answer = await ask(world, operation, body=sent)
                problem = refused(answer, operation, *statuses)
                if not operation.takes_a_file and changed is changes[0]:
                    named = {error["pointer"].rpartition("/")[2] for error in problem["errors"]}
                    assert assigned.keys() <= named


@pytest.mark.invariant("S5", "S12")
@pytest.mark.parametrize("operation", WITH_BODY)
async def test_a_body_that_is_none_is_refused(world: World, operation: Operation) -> None:
    is_list = "items" in (operation.body or {})
    others = [b"", b"{", b"nonsense", b"\xff\xfe", b'{"a":1,"a":2}', b"[" * 10_000]
    others += [b"null", b"true", b"1", b'"text"', b"{}x", b"{}" if is_list else b"[]"]
    async with world.untouched():
        for content in others:
            answer = await ask(world, operation, content=content)
            refused(answer, operation, *_unreadable(operation))


def _unreadable(operation: Operation) -> tuple[int, ...]:
    """Return what answers JSON of which nothing can be made.

    The contract lets a row of an import be anything, so there 422 tells what is beyond its schema.
    """
    return (400, 422) if operation.takes_a_file else (400,)


@pytest.mark.invariant("S5")
@pytest.mark.parametrize("operation", WITH_BODY)
async def test_a_body_over_the_limit_or_of_another_kind_is_refused(
    world: World, operation: Operation, settings: Settings
) -> None:
    limit = settings.max_import_bytes if operation.takes_a_file else settings.max_body_bytes
    content = json.dumps(some_body(operation)).encode()
    async with world.untouched():
        said = await ask(world, operation, content=content, Content_Length=str(limit + 1))
        assert refused(said, operation, 413)["facts"] == {"limitBytes": limit}
        if not operation.takes_a_file:
            sent = await ask(world, operation, content=b" " * (limit + 1))
            refused(sent, operation, 413)
        for kind in ("application/xml", "text/plain", "application/json; charset=utf-16"):
            answer = await ask(world, operation, content=content, Content_Type=kind)
            refused(answer, operation, 415)
        if operation.takes_a_file:
            for nothing in (b"", content):
                answer = await ask(world, operation, content=nothing, without=("Content-Type",))
                refused(answer, operation, 415)
        packed = await ask(world, operation, content=content, Content_Encoding="gzip")
        refused(packed, operation, 415)


@pytest.mark.parametrize(
    "operation", [pytest.param(one, id=one.id) for one in operations().values() if paired(one)]
)
async def test_an_end_before_its_beginning_is_refused(world: World, operation: Operation) -> None:
    async with world.untouched():
        problem = refused(await between(world, operation, 2, 1), operation, 422)
    told = json.dumps([problem["type"], problem.get("errors"), problem.get("facts")])
    in_order = await between(world, operation, 1, 2)
    if not in_order.is_success:
        other = in_order.json()
        assert json.dumps([other["type"], other.get("errors"), other.get("facts")]) != told


async def between(world: World, operation: Operation, first: int, last: int) -> httpx.Response:
    """Ask for something from one day of a month to another, of things that are there."""
    begins, ends = paired(operation) or ("", "")
    stamp = "T00:00:00Z" if begins == "since" else ""
    days = {begins: f"2026-09-{first:02}{stamp}", ends: f"2026-09-{last:02}{stamp}"}
    ids = {
        **some_ids(operation),
        "teamId": str(world.employee_team),
        "requestId": world.request_id,
    }
    if operation.body is None:
        return await ask(world, operation, path=ids, query={**some_query(operation), **days})
    body = whole_body(operation)
    for at, schema in places(operation, "string"):
        if resolved(schema).get("format") == "uuid":
            body = put(body, at, str(world.employee.id))
        if "personnelNumbers" in at:
            body = put(body, at, world.employee.personnel_number)
        body = put(body, at, days[str(at[-1])]) if at[-1] in days else body
    return await ask(world, operation, path=ids, body=body)


# --- Parameters and headers ---------------------------------------------------------------------


@pytest.mark.parametrize("operation", WITH_PATH)
async def test_what_is_no_identifier_is_refused(world: World, operation: Operation) -> None:
    async with world.untouched():
        for one in operation.parameters("path"):
            for wrong in ("1", "x" * 3_000, "%00", "..%2f..%2fetc", "' OR 1=1", "-1", "2026.5"):
                ids = {**some_ids(operation), one["name"]: wrong}
                refused(await ask(world, operation, path=ids), operation, 400, 404)


@pytest.mark.invariant("T2")
@pytest.mark.parametrize("operation", WITH_PATH)
async def test_an_id_that_nobody_has_is_404(world: World, operation: Operation) -> None:
    if not any(one["schema"].get("format") == "uuid" for one in operation.parameters("path")):
        return
    async with world.untouched():
        problem = refused(await ask(world, operation), operation, 404)
    assert slug(problem).endswith("not-found")


@pytest.mark.invariant("S5", "S16")
@pytest.mark.parametrize("operation", EVERY)
async def test_a_query_that_can_not_be_read_is_refused(world: World, operation: Operation) -> None:
    query = some_query(operation)
    async with world.untouched():
        for name, value in (("unknown", "1"), ("access_token", "x"), ("organisationId", "1")):
            problem = refused(
                await ask(world, operation, query={**query, name: value}), operation, 400
            )
            assert points_at(problem, (name,))
        for one in operation.parameters("query"):
            for wrong in wrong_queries(one["schema"]):
                answer = await ask(world, operation, query={**query, one["name"]: wrong})
                problem = refused(answer, operation, 400)
                assert points_at(problem, (one["name"],)), (one["name"], wrong)
        if any(one["name"] == "cursor" for one in operation.parameters("query")):
            path = "/v1" + operation.at(some_ids(operation))
            for position in (("x",), (), ("1" * 30, "x"), ("9999-99-99", "x")):
                forged = write_cursor(b"not the secret", path, position)
                answer = await ask(world, operation, query={**query, "cursor": forged})
                assert slug(refused(answer, operation, 422)) == "cursor-invalid"


def wrong_queries(schema: Schema) -> Iterator[str]:
    """Yield values of a query that its schema does not allow."""
    yield "a\0b"
    if "enum" in schema:
        yield from ("nonsense", "")
    match kinds(schema)[0], schema.get("format"):
        case "integer", _:
            yield from ("many", "", "1.5", "-1", "1000000000", "9" * 5_000, "NaN")
        case "boolean", _:
            yield from ("maybe", "")
        case _, "uuid":
            yield from ("1", "", "' OR 1=1 --")
        case _, "date":
            yield from ("soon", "", "2027-02-30", "0")
        case _, "date-time":
            yield from ("soon", "", "2027-02-03T10:00:00", "0")
        case _, _:
            yield "x" * (schema.get("maxLength", 200) + 1)


@pytest.mark.invariant("W3")
@pytest.mark.parametrize(
    "operation",
    [pytest.param(one, id=one.id) for one in operations().values() if one.needs_if_match],
)
async def test_a_change_without_a_version_that_can_be_read_is_refused(
    world: World, operation: Operation
) -> None:
    async with world.untouched():
        missing = await ask(world, operation, without=("If-Match",))
        assert slug(refused(missing, operation, 428)) == "precondition-missing"
        for wrong in ("", "v3", '"3', "W/3", '"1" "2"', "**"):
            answer = await ask(world, operation, If_Match=wrong)
            assert slug(refused(answer, operation, 400)) == "precondition-malformed", wrong
        long = await ask(world, operation, If_Match='"' + "3" * 2_000 + '"')
        assert slug(refused(long, operation, 400)) == "input-invalid"


@pytest.mark.invariant("K6")
@pytest.mark.parametrize(
    "operation",
    [pytest.param(one, id=one.id) for one in operations().values() if one.method == "POST"],
)
async def test_a_key_that_is_missing_or_is_none_is_refused(
    world: World, operation: Operation
) -> None:
    async with world.untouched():
        if operation.needs_key:
            missing = await ask(world, operation, without=("Idempotency-Key",))
            assert slug(refused(missing, operation, 400)) == "idempotency-key-missing"
        for wrong in ("", '""', "a b", '"a', "x" * 256, "a,b"):
            answer = await ask(world, operation, Idempotency_Key=wrong)
            assert slug(refused(answer, operation, 400)) == "idempotency-key-malformed", wrong


# --- Signing in and roles -----------------------------------------------------------------------


@pytest.mark.invariant("T3", "S2")
@pytest.mark.parametrize("operation", EVERY)
async def test_without_a_token_that_holds_it_is_401_and_never_says_why(
    world: World, operation: Operation
) -> None:
    bearer = world.headers()["Authorization"].removeprefix("Bearer ")
    head, claims, signature = bearer.split(".")
    forged = jwt.encode(
        jwt.decode(bearer, options={"verify_signature": False}) | {"roles": ["admin"]},
        FORGER,
        algorithm="RS256",
        headers={"kid": tokens.KEY_ID, "typ": "at+jwt"},
    )
    expired = tokens.token(
        organisation=world.organisation.slug, roles=Role, lifetime=timedelta(minutes=-5)
    )
    elsewhere = tokens.token(organisation="nowhere", roles=Role)
    told: set[str] = set()
    async with world.untouched():
        for sent in (
            None,
            "Bearer ",
            f"Basic {bearer}",
            f"Bearer {forged}",
            f"Bearer {expired}",
            f"Bearer {elsewhere}",
            f"Bearer {head}.{claims}.",
            f"Bearer {head}.{claims}x.{signature}",
        ):
            headers = {} if sent is None else {"Authorization": sent}
            answer = await ask(world, operation, headers=headers)
            refused(answer, operation, 401)
            assert answer.headers["WWW-Authenticate"].startswith("Bearer")
            told.add(answer.text.replace(answer.headers["X-Request-Id"], ""))
    assert len(told) == 1


@pytest.mark.parametrize(
    ("claim", "value", "status"),
    [
        ("sub", "s" * 255, 201),
        ("sub", "s" * 256, 401),
        ("sub", "a\0b", 401),
        ("sub", "a\nb", 401),
        ("personnel_number", "1" * 256, 401),
        ("personnel_number", "1\0", 401),
        ("organisation", "a\0", 401),
    ],
    ids=lambda value: repr(value)[:20],
)
async def test_a_token_names_people_by_what_can_be_kept_and_shown(
    world: World, claim: str, value: str, status: int
) -> None:
    bearer = tokens.token(
        organisation=world.organisation.slug, roles=tokens.TOGETHER, claims={claim: value}
    )
    headers = {"Authorization": f"Bearer {bearer}"}
    body = {"department": "Toezicht", "name": f"Team {uuid4()}"}
    made = await world.client.post("/teams", json=body, headers=headers)
    assert made.status_code == status, made.text
    if status == 201:
        trail = await world.client.get("/audit-entries?limit=1", headers=headers)
        assert trail.json()["items"][0]["subject"] == value
