"""What goes through every operation of the contract: where it is sent, what is checked of it."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cache
from typing import Any
from uuid import UUID, uuid4

import httpx
from jsonschema import Draft202012Validator
from sqlalchemy import func, select

from app.db.models import AuditEntry, IdempotencyKey
from app.db.session import Database
from app.kernel.actors import Actor, Role
from app.people.rules import EmployeeRow
from tests.support import tokens
from tests.support.clock import MONDAY
from tests.support.contract import Operation, contract, send, specimen
from tests.support.organisations import Organisation, found_organisation
from tests.support.people import hire, team_named
from tests.support.requests import drafted, request_body

# What an answer never shows: where it was written, in what, and what the database said.
_INSIDE = (
    "Traceback",
    'File "',
    "psycopg",
    "sqlalchemy",
    "pydantic",
    "SELECT ",
    "INSERT ",
    "/app/",
)
_LONGEST = 60_000
_PROBLEM: Any = Draft202012Validator(
    {"components": contract()["components"], "$ref": "#/components/schemas/Problem"}
)


@cache
def _token(organisation: str, roles: tuple[Role, ...], person: str) -> str:
    return tokens.token(
        organisation=organisation,
        roles=roles,
        subject="sweeper",
        personnel_number=person,
        lifetime=timedelta(hours=1),
    )


@dataclass(frozen=True, slots=True)
class World:
    """An organisation that nothing must happen to, and somebody who may do everything there."""

    client: httpx.AsyncClient
    database: Database
    organisation: Organisation
    employee: EmployeeRow
    employee_team: UUID
    request_id: str

    def headers(self, *roles: Role) -> dict[str, str]:
        bearer = _token(
            self.organisation.slug, roles or tokens.TOGETHER, self.employee.personnel_number
        )
        return {"Authorization": f"Bearer {bearer}"}

    async def recorded(self) -> tuple[int, int]:
        """Return how many changes were recorded here, and how many keys were claimed."""
        async with self.database.transaction(self.organisation.id) as session:
            found = [
                await session.scalar(
                    select(func.count())
                    .select_from(model)
                    .where(model.organisation_id == self.organisation.id)
                )
                for model in (AuditEntry, IdempotencyKey)
            ]
        return found[0] or 0, found[1] or 0

    @asynccontextmanager
    async def untouched(self) -> AsyncGenerator[None]:
        """Check that what happens meanwhile changes nothing, and leaves no key behind."""
        before = await self.recorded()
        yield
        assert await self.recorded() == before


async def found_world(client: httpx.AsyncClient, database: Database) -> World:
    """Found the organisation; the clock stands at ``MONDAY``."""
    organisation = await found_organisation(database)
    founder = Actor(organisation.id, "founder", frozenset({Role.HR}))
    async with database.work(founder, MONDAY, "test") as work:
        employee = await hire(work)
        team = await team_named(work, "Toezicht Bodem")
    world = World(client, database, organisation, employee, team.id, "")
    draft = await drafted(client, world.headers(Role.HR), request_body(employee))
    return replace(world, request_id=draft["id"])


def refused(answer: httpx.Response, operation: Operation, *statuses: int) -> dict[str, Any]:
    """Check that an answer is a problem as the contract has it, and return it."""
    assert answer.status_code in statuses, answer.text
    assert answer.status_code in operation.statuses, (operation.id, answer.status_code)
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.headers["API-Version"] == contract()["info"]["version"]
    problem: dict[str, Any] = answer.json()
    assert _PROBLEM.is_valid(problem), problem
    assert problem["status"] == answer.status_code
    assert problem["instance"] == f"urn:uuid:{answer.headers['X-Request-Id']}"
    assert not [word for word in _INSIDE if word in answer.text]
    assert len(answer.content) < _LONGEST
    return problem


def slug(problem: Mapping[str, Any]) -> str:
    return problem["type"].removeprefix("/problems/")


def some_ids(operation: Operation) -> dict[str, str]:
    """Return values for the path by which nothing is found."""
    return {
        one["name"]: str(uuid4()) if one["schema"].get("format") == "uuid" else "2026"
        for one in operation.parameters("path")
    }


def some_query(operation: Operation) -> dict[str, str]:
    """Return values for the parameters of the query that are required."""
    return {
        one["name"]: str(specimen(one["schema"]))
        for one in operation.parameters("query")
        if one.get("required")
    }


def some_body(operation: Operation) -> Any:  # noqa: ANN401 - a JSON value
    """Return a body that the contract allows, None when the operation takes none."""
    return None if operation.body is None else specimen(operation.body)


async def ask(world: World, operation: Operation, **request: Any) -> httpx.Response:  # noqa: ANN401
    """Send a request of an operation, complete and allowed but for what is given here."""
    request = {
        "headers": world.headers(),
        "path": some_ids(operation),
        "query": some_query(operation),
        "body": some_body(operation),
        **request,
    }
    return await send(world.client, operation, request.pop("headers"), **request)
