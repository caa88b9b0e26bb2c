"""Every operation of the contract with another organisation's ids: as if they did not exist."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from io import BytesIO
from typing import Any
from uuid import uuid4

import httpx
import jwt
import pytest
from fastapi import FastAPI
from jsonschema import Draft202012Validator
from pypdf import PdfReader

from app.db.chain import seal_all
from app.db.session import Database
from app.kernel.actors import Actor, Role
from tests.support import tokens
from tests.support.clock import FrozenClock
from tests.support.contract import (
    Operation,
    Pointer,
    completed,
    contract,
    members,
    operations,
    put,
    resolved,
    send,
    specimen,
)
from tests.support.furnished import Furnished, furnish
from tests.support.organisations import Organisation, found_organisation
from tests.support.people import hire

OURS, THEIRS, THIRD = "OWNMARK", "CANARY", "MAGPIE"
SAME_TEAM = {"department": "Zelfde", "name": "Zelfde"}
# What takes no identifier at all: that it touches nothing of theirs is tried by name, below.
WITHOUT_ID = {"addTeam", "addFunction", "setMeans", "draftPolicyVersion"}

# What each identifier of the contract names; a new one is to be added here.
_KINDS = {
    "requestId": "request",
    "requestIds": "request",
    "trancheId": "tranche",
    "employeeId": "employee",
    "employeeIds": "employee",
    "participantId": "employee",
    "participantIds": "employee",
    "applicantId": "employee",
    "managerId": "employee",
    "personId": "employee",
    "teamId": "team",
    "functionId": "function",
    "sessionId": "session",
    "attendanceId": "attendance",
    "proposalId": "proposal",
    "decisionId": "decision",
    "agreementId": "agreement",
    "claimId": "claim",
    "commitmentId": "commitment",
    "policyVersionId": "policyVersion",
    "objectId": "request",
    "managerNumber": "number",
    "personnelNumbers": "number",
}
_PLAIN = {"calendarYear": "2026", "budgetYear": "2026", "from": "2026-10-05"}
_QUERY = {"from": "2026-10-05", "until": "2026-10-30", "per": "week", "leavesOn": "2026-12-31"}


@dataclass(frozen=True, slots=True)
class Slot:
    """A place in a request where an identifier stands."""

    where: str
    at: Pointer
    kind: str


@dataclass(frozen=True, slots=True)
class World:
    """Three organisations with one of everything, and one that has nothing yet."""

    client: httpx.AsyncClient
    ours: Furnished
    theirs: Furnished
    third: Furnished
    newcomer: Organisation
    # What they asked with a key, and were answered.
    keyed: Mapping[str, httpx.Request]

    def as_newcomer(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {everybody_at(self.newcomer.slug)}"}


@pytest.fixture(scope="module")
async def world(app: FastAPI, database: Database, _clock: FrozenClock) -> AsyncIterator[World]:
    answered: list[httpx.Response] = []

    async def note(answer: httpx.Response) -> None:
        answered.append(answer)

    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test/v1") as client:
        ours = await furnish(database, client, _clock, mark=OURS + uuid4().hex[:8])
        client.event_hooks = {"response": [note]}
        theirs = await furnish(database, client, _clock, mark=THEIRS + uuid4().hex[:8])
        await add_their_team(client, theirs)
        client.event_hooks = {}
        third = await furnish(database, client, _clock, mark=THIRD + uuid4().hex[:8])
        keyed = {
            answer.request.url.path: answer.request
            for answer in answered
            if answer.is_success and "Idempotency-Key" in answer.request.headers
        }
        newcomer = await found_organisation(database)
        founder = Actor(newcomer.id, "founder", frozenset({Role.HR}))
        async with database.work(founder, _clock.now(), "test") as work:
            for namesake in (theirs.cast.director, theirs.cast.hr, theirs.cast.manager):
                await hire(work, number=namesake.personnel_number)
        # What was written is sealed now, not at some moment in between.
        await seal_all(database)
        before = [await everything_of(client, one) for one in (theirs, third)]
        yield World(client, ours, theirs, third, newcomer, keyed)
        # After all that was tried here, in whatever order.
        assert [await everything_of(client, one) for one in (theirs, third)] == before


@cache
def everybody_at(organisation: str) -> str:
    return tokens.token(
        organisation=organisation, roles=tokens.TOGETHER, lifetime=timedelta(hours=1)
    )


async def add_their_team(client: httpx.AsyncClient, theirs: Furnished) -> None:
    headers = {**theirs.headers(), "Idempotency-Key": f"same-{theirs.mark}"}
    added = await client.post("/teams", json=SAME_TEAM, headers=headers)
    assert added.status_code == 201, added.text


async def everything_of(client: httpx.AsyncClient, furnished: Furnished) -> dict[str, str]:
    """Return what there is to be read of an organisation, by operation."""
    found: dict[str, str] = {}
    for one in operations().values():
        if one.method == "GET":
            answer = await send(
                client,
                one,
                furnished.headers(),
                path=values_of(one, furnished.ids),
                query=query_of(one),
            )
            assert answer.status_code == 200, answer.text
            found[one.id] = answer.text
    return found


def slots(operation: Operation) -> Iterator[Slot]:
    """Yield where an operation takes identifiers: in its path, its query and its body."""
    for where in ("path", "query"):
        for one in operation.parameters(where):
            if one["schema"].get("format") == "uuid":
                yield Slot(where, (one["name"],), _KINDS[one["name"]])
    if operation.body is not None:
        for at, schema in members(operation.body, whole_body(operation)):
            named = [step for step in at if isinstance(step, str)]
            is_item = isinstance(at[-1], int)
            if not named:
                continue
            if (resolved(schema).get("format") == "uuid" or named[-1] in _KINDS) and (
                is_item == named[-1].endswith("s")
            ):
                yield Slot("body", at, _KINDS[named[-1]])


def whole_body(operation: Operation) -> Any:  # noqa: ANN401 - a JSON value
    """Return a body with everything in it that it may hold."""
    assert operation.body is not None
    return completed(operation.body, specimen(operation.body))


def values_of(operation: Operation, ids: Mapping[str, str]) -> dict[str, str]:
    """Return values for the parameters in the path."""
    return {
        one["name"]: _PLAIN.get(one["name"]) or ids[_KINDS[one["name"]]]
        for one in operation.parameters("path")
    }


def query_of(operation: Operation) -> dict[str, str]:
    """Return values for the parameters of the query that are required."""
    return {
        one["name"]: _QUERY[one["name"]]
        for one in operation.parameters("query")
        if one.get("required")
    }


def own_body(operation: Operation, ids: Mapping[str, str]) -> Any:  # noqa: ANN401 - a JSON value
    """Return a body whose identifiers are all of this organisation."""
    body = whole_body(operation)
    for slot in slots(operation):
        if slot.where == "body":
            body = put(body, slot.at, ids[slot.kind])
    return body


SLOTS = [
    pytest.param(operation, slot, id=f"{operation.id}-{slot.where}-{'.'.join(map(str, slot.at))}")
    for operation in operations().values()
    for slot in slots(operation)
]


IN_PATH = [
    pytest.param(operation, slot, id=f"{operation.id}-{slot.at[0]}")
    for operation in operations().values()
    for slot in slots(operation)
    if slot.where == "path"
]


def shown(answer: httpx.Response, sent: str) -> tuple[int, str, dict[str, str]]:
    """Return all of an answer that does not tell one request from another, or what was sent."""
    told = {**answer.headers, "date": "", "ratelimit": "", "x-request-id": ""}
    text = answer.text.replace(answer.headers["X-Request-Id"], "...").replace(sent, "...")
    # An identifier of another length makes a body of another length.
    told["content-length"] = str(len(text))
    return answer.status_code, text, told


def test_every_operation_is_swept() -> None:
    with_id = {operation.id for operation in operations().values() if list(slots(operation))}
    read = {operation.id for operation in operations().values() if operation.method == "GET"}
    assert set(operations()) - with_id - read == WITHOUT_ID


@pytest.mark.invariant("T1", "T2", "S1")
@pytest.mark.parametrize(("operation", "slot"), SLOTS)
async def test_an_id_of_another_organisation_is_as_one_that_nobody_has(
    world: World, operation: Operation, slot: Slot
) -> None:
    ours = numbered(world.ours)
    unknown = "999999" if slot.kind == "number" else str(uuid4())
    answers: list[httpx.Response] = []
    sent = (numbered(world.theirs)[slot.kind], numbered(world.third)[slot.kind], unknown)
    for value in sent:
        path, query = values_of(operation, ours), query_of(operation)
        body = None if operation.body is None else own_body(operation, ours)
        match slot.where:
            case "path":
                path[str(slot.at[0])] = value
            case "query":
                query[str(slot.at[0])] = value
            case _:
                body = put(body, slot.at, value)
        answers.append(await send_as_anybody(world, operation, path=path, query=query, body=body))
    told, *_ = answers
    alike = [shown(answer, value) for answer, value in zip(answers, sent, strict=True)]
    assert alike[0] == alike[1] == alike[2]
    if slot.where == "query":
        assert told.status_code in {200, 404}
        assert told.status_code == 404 or told.json()["items"] == []
    elif slot.kind == "number":
        assert told.status_code in {404, 409, 422}, told.text
    else:
        assert told.status_code in ({404} if slot.where == "path" else {404, 409, 422}), told.text
    for other, answer in zip((world.theirs, world.third), answers, strict=False):
        check_no_trace_of(other, answer)


async def send_as_anybody(world: World, operation: Operation, **request: Any) -> httpx.Response:  # noqa: ANN401
    return await send(world.client, operation, world.ours.headers(), **request)


def numbered(furnished: Furnished) -> dict[str, str]:
    return {**furnished.ids, "number": furnished.cast.colleague.personnel_number}


def text_of(answer: httpx.Response) -> str:
    """Return what there is to read in an answer, also when it is a PDF."""
    if answer.headers["Content-Type"] != "application/pdf":
        return answer.text
    return "".join(page.extract_text() for page in PdfReader(BytesIO(answer.content)).pages)


def check_no_trace_of(theirs: Furnished, answer: httpx.Response) -> None:
    """Fail when an answer or its headers hold anything of another organisation."""
    told = (text_of(answer) + str(answer.headers)).lower()
    assert theirs.mark.lower() not in told


@pytest.mark.invariant("T2", "S1")
@pytest.mark.parametrize(("operation", "slot"), IN_PATH)
async def test_it_is_so_in_every_role_and_for_who_has_nothing(
    world: World, operation: Operation, slot: Slot
) -> None:
    unknown, theirs = str(uuid4()), world.theirs.ids[slot.kind]

    async def ask(headers: Mapping[str, str], value: str) -> tuple[int, str, dict[str, str]]:
        answer = await send(
            world.client,
            operation,
            headers,
            path={**values_of(operation, world.ours.ids), str(slot.at[0]): value},
            query=query_of(operation),
            body=None if operation.body is None else own_body(operation, world.ours.ids),
        )
        return shown(answer, value)

    expected = await ask(world.ours.headers(), unknown)
    assert expected[0] == 404, expected
    for role in operation.roles:
        assert await ask(world.ours.headers(role), theirs) == expected
    assert await ask(world.as_newcomer(), theirs) == await ask(world.as_newcomer(), unknown)


# Their versions are among the first thirty.
CONDITIONS: tuple[Mapping[str, str], ...] = (
    {"If-Match": ", ".join(f'"{version}"' for version in range(1, 31))},
    {"If-Match": '"999"'},
    {},
)


@pytest.mark.invariant("T2", "S1", "W3")
@pytest.mark.parametrize(("operation", "slot"), IN_PATH)
async def test_a_condition_in_a_header_tells_nothing_of_what_is_theirs(
    world: World, operation: Operation, slot: Slot
) -> None:
    """Neither that a version fits, nor that it is stale, nor that there is one at all."""
    conditions = CONDITIONS if operation.needs_if_match else ()
    if operation.method == "GET":
        conditions = ({"If-None-Match": "*"}, {"If-None-Match": CONDITIONS[0]["If-Match"]})
    sent = (world.theirs.ids[slot.kind], str(uuid4()))
    for condition in conditions:
        told, untold = [
            await send(
                world.client,
                operation,
                {**world.ours.headers(), **condition},
                path={**values_of(operation, world.ours.ids), str(slot.at[0]): value},
                query=query_of(operation),
                body=None if operation.body is None else own_body(operation, world.ours.ids),
                without=() if condition else ("If-Match",),
            )
            for value in sent
        ]
        assert told.status_code in {404, 400, 428}, told.text
        assert shown(told, sent[0]) == shown(untold, sent[1])


@pytest.mark.invariant("T2", "K4")
async def test_their_keys_are_nobody_s_here_even_under_their_name(world: World) -> None:
    """What they asked is asked again as it was, by somebody elsewhere who has their name."""
    assert len(world.keyed) >= 8
    for path, request in world.keyed.items():
        theirs = jwt.decode(
            request.headers["Authorization"].removeprefix("Bearer "),
            options={"verify_signature": False},
        )
        ours = tokens.token(
            organisation=world.newcomer.slug,
            roles=theirs["roles"],
            subject=theirs["sub"],
            personnel_number=theirs.get("personnel_number"),
        )
        headers = {
            **{name: request.headers[name] for name in KEPT if name in request.headers},
            "Authorization": f"Bearer {ours}",
        }
        answer = await world.client.request(
            request.method, path.removeprefix("/v1"), content=request.content, headers=headers
        )
        assert "Idempotency-Replayed" not in answer.headers, path
        assert answer.json().get("type") != "/problems/idempotency-key-reused", path
        if any(value in path for value in world.theirs.ids.values() if len(value) == 36):
            assert answer.status_code == 404, (path, answer.text)
        assert answer.status_code in {201, 404, 409, 422}, (path, answer.text)


KEPT = ("Content-Type", "Idempotency-Key", "If-Match")


def check_members(operation: Operation, answer: httpx.Response) -> None:
    """Fail when an answer has a member the contract does not tell, or not all that it tells.

    Every object of an answer is told whole: its members are required, and there are no others.
    """
    content = operation.told["responses"]["200"]["content"]
    if "application/json" not in content:
        assert text_of(answer)
        return
    schema = {"components": contract()["components"], **content["application/json"]["schema"]}
    validator: Any = Draft202012Validator(schema)
    assert not [error.message for error in validator.iter_errors(answer.json())]


# What only some roles are told of somebody else; to all others it is null.
TOLD_TO = {
    ("getEmployee", "bornOn"): {Role.HR, Role.HRIS, Role.ADMIN},
    ("listEmployments", "leavingReason"): {Role.HR, Role.HRIS, Role.ADMIN, Role.MT, Role.AUDITOR},
    ("listEmployments", "leavingInitiative"): {
        *(Role.HR, Role.HRIS, Role.ADMIN, Role.MT, Role.AUDITOR),
    },
}


@pytest.mark.invariant("S4")
@pytest.mark.parametrize(("name", "member"), TOLD_TO)
async def test_a_role_is_told_what_it_needs_to_know(world: World, name: str, member: str) -> None:
    operation = operations()[name]
    told: set[Role] = set()
    for role in operation.roles:
        answer = await send(
            world.client,
            operation,
            world.ours.headers(role),
            path=values_of(operation, world.ours.ids),
        )
        if answer.status_code == 200:
            found = answer.json()
            [one] = found.get("items", [found])
            if one[member] is not None:
                told.add(role)
    assert told == TOLD_TO[name, member]


def test_every_object_of_an_answer_is_told_whole() -> None:
    for name, schema in contract()["components"]["schemas"].items():
        if schema.get("type") == "object" and name.endswith(("Out", "Page", "List", "Item")):
            assert schema["additionalProperties"] is False, name
            assert set(schema["required"]) == set(schema["properties"]), name


@pytest.mark.invariant("T1", "T7", "S1", "S4")
@pytest.mark.parametrize(
    "operation", [pytest.param(one, id=one.id) for one in operations().values()]
)
async def test_whatever_is_read_is_of_one_s_own_organisation(
    world: World, operation: Operation
) -> None:
    if operation.method != "GET":
        return
    foreign = ids_of(world.theirs) | ids_of(world.third)
    for roles in (tokens.TOGETHER, *((role,) for role in operation.roles)):
        answer = await send(
            world.client,
            operation,
            world.ours.headers(*roles),
            path=values_of(operation, world.ours.ids),
            query=query_of(operation),
        )
        # With all these roles all of it is there to be read: what is looked through is not empty.
        assert answer.status_code in ({200} if len(roles) > 1 else {200, 404}), answer.text
        check_no_trace_of(world.theirs, answer)
        check_no_trace_of(world.third, answer)
        assert not [value for value in foreign if value in answer.text]
        if answer.status_code == 200:
            check_members(operation, answer)


def ids_of(furnished: Furnished) -> set[str]:
    return {value for value in furnished.ids.values() if len(value) == 36}


@pytest.mark.invariant("T1", "S1")
async def test_of_three_organisations_each_reads_its_own_and_nothing_of_the_others(
    world: World,
) -> None:
    everybody = (world.ours, world.theirs, world.third)
    for mine in everybody:
        read = "".join((await everything_of(world.client, mine)).values())
        assert mine.mark in read
        for other in everybody:
            if other is not mine:
                assert other.mark.lower() not in read.lower()
                assert not [value for value in ids_of(other) if value in read]


@pytest.mark.invariant("T1")
@pytest.mark.parametrize(
    "operation",
    [
        pytest.param(one, id=one.id)
        for one in operations().values()
        if any(parameter["name"] == "cursor" for parameter in one.parameters("query"))
    ],
)
async def test_a_cursor_of_theirs_leads_to_nothing_of_theirs(
    world: World, operation: Operation
) -> None:
    first = await send(
        world.client,
        operation,
        world.theirs.headers(),
        path=values_of(operation, world.theirs.ids),
        query={"limit": "1"},
    )
    cursor = first.json()["nextCursor"]
    if cursor is None:
        return
    answer = await send(
        world.client,
        operation,
        world.ours.headers(),
        path=values_of(operation, world.ours.ids),
        query={"cursor": cursor, "limit": "100"},
    )
    assert answer.status_code in {200, 422}, answer.text
    check_no_trace_of(world.theirs, answer)


@pytest.mark.invariant("S3")
@pytest.mark.parametrize(
    "name", ["X-Organisation", "X-Organisation-Id", "X-Tenant", "X-Tenant-Id", "X-Forwarded-Host"]
)
async def test_the_organisation_is_the_token_s_whatever_a_header_says(
    world: World, name: str
) -> None:
    for value in (world.theirs.organisation.slug, str(world.theirs.organisation.id)):
        headers = {**world.ours.headers(), name: value}
        answer = await world.client.get("/me", headers=headers)
        assert answer.json()["organisation"]["id"] == str(world.ours.organisation.id)


@pytest.mark.invariant("T2", "K4")
async def test_a_name_a_number_and_a_key_that_they_have_too_are_free_here(world: World) -> None:
    # Not the colleague, whose number the other tests look for here in vain.
    person = world.theirs.cast.outsider
    key = {"Idempotency-Key": f"same-{world.theirs.mark}"}
    bodies = {
        "addTeam": SAME_TEAM,
        "addFunction": {"name": "Zelfde"},
        "hireEmployee": {
            **own_body(operations()["hireEmployee"], world.ours.ids),
            "personnelNumber": person.personnel_number,
            "email": f"p{person.personnel_number}@od-voorbeeld.example",
        },
    }
    for name, body in bodies.items():
        headers = {**world.ours.headers(), **(key if name == "addTeam" else {})}
        answer = await send(world.client, operations()[name], headers, path={}, body=body)
        assert answer.status_code == 201, answer.text
        assert "Idempotency-Replayed" not in answer.headers
    # Who signs in by that number is somebody else here than there.
    number = person.personnel_number
    for mine, other in ((world.theirs, world.ours), (world.ours, world.theirs)):
        me = await world.client.get("/me", headers=mine.cast.sign_in(Role.EMPLOYEE, person=number))
        assert me.json()["organisation"]["id"] == str(mine.organisation.id)
        assert (me.json()["employee"]["id"] == str(person.id)) == (mine is world.theirs)
        assert other.mark not in me.text


@pytest.mark.invariant("T8")
async def test_what_names_nothing_changes_nothing_of_theirs(world: World) -> None:
    """Means and a policy of the same year: that theirs are as they were is seen at the end."""
    for name, path in (("setMeans", {"budgetYear": "2029"}), ("draftPolicyVersion", {})):
        operation = operations()[name]
        body = own_body(operation, world.ours.ids)
        if name == "draftPolicyVersion":
            body |= {"validFrom": "2030-01-01"}
        answer = await send(world.client, operation, world.ours.headers(), path=path, body=body)
        assert answer.status_code == 201, answer.text
        check_no_trace_of(world.theirs, answer)


@pytest.mark.invariant("T4")
async def test_answers_to_two_organisations_at_once_do_not_mix(world: World) -> None:
    async def look(mine: Furnished, other: Furnished) -> None:
        answer = await world.client.get("/requests?limit=100", headers=mine.headers())
        assert re.search(mine.mark, answer.text)
        assert other.mark not in answer.text

    both = [(world.ours, world.theirs), (world.theirs, world.ours)]
    await asyncio.gather(*(look(*each) for each in both * 20))
