"""Requests as the areas above handle them: read whole, held, moved; and many hands at once."""

import asyncio
from uuid import UUID

import httpx
import pytest

from app.kernel.actors import Role
from app.kernel.identifiers import new_id
from app.requests.errors import ActionNotAllowed, AssessmentIncomplete, RequestNotFound
from app.requests.rules import ParticipantStatus, RequestAction, RequestStatus
from app.requests.service import RequestService
from tests.conftest import ActAs, OpenWork, SignIn
from tests.support.requests import (
    Cast,
    assess,
    cast_of,
    draft,
    drafted,
    moved,
    ratings_body,
    request_body,
    step,
    submitted,
)
from tests.support.statements import counted


@pytest.fixture
async def cast(work: OpenWork, sign_in: SignIn) -> Cast:
    return await cast_of(work(), sign_in)


async def proposed(client: httpx.AsyncClient, cast: Cast, work: OpenWork) -> str:
    body = await submitted(client, cast.as_manager, request_body(cast.employee, cast.colleague))
    await assess(client, cast.as_hr, body["id"], ratings_body())
    await moved(work(), body["id"], RequestAction.PROPOSE)
    return body["id"]


async def test_any_number_of_requests_is_read_whole_in_one_statement(
    cast: Cast, work: OpenWork
) -> None:
    async with work() as opened:
        service = RequestService(opened)
        made = [await service.draft(draft(cast.employee.id)) for _ in range(12)]

    async with work() as opened:
        service = RequestService(opened)
        with counted() as statements:
            found = await service.details([details.id for details in made])
        with counted() as none:
            nothing = await service.details([])

    assert found == {details.id: details for details in made}
    assert len(statements) == 1
    assert (nothing, none) == ({}, [])


async def test_many_steps_take_as_few_statements_as_one(cast: Cast, work: OpenWork) -> None:
    async with work() as opened:
        service = RequestService(opened)
        made = [await service.draft(draft(cast.employee.id)) for _ in range(12)]

        with counted() as statements:
            found = await service.apply_many({details.id: RequestAction.CHANGE for details in made})

    assert {details.version for details in found.values()} == {2}
    # Lock, read, move, the audit lines together, and read again.
    assert len(statements) <= 6


async def test_steps_are_taken_all_or_none(
    client: httpx.AsyncClient, cast: Cast, work: OpenWork
) -> None:
    ready = UUID(await proposed(client, cast, work))
    waiting = await submitted(client, cast.as_manager, request_body(cast.employee))
    moves = {ready: RequestAction.GRANT, UUID(waiting["id"]): RequestAction.GRANT}

    with pytest.raises(ActionNotAllowed):
        async with work() as opened:
            await RequestService(opened).apply_many(moves)
    with pytest.raises(RequestNotFound):
        async with work() as opened:
            await RequestService(opened).apply_many(
                {ready: RequestAction.GRANT, new_id(): RequestAction.GRANT}
            )

    async with work() as opened:
        found = await RequestService(opened).details(moves)
    assert found[ready].status is RequestStatus.PROPOSED


@pytest.mark.rule("VIS-4.2")
async def test_what_is_not_fully_assessed_is_not_proposed(
    client: httpx.AsyncClient, cast: Cast, work: OpenWork
) -> None:
    body = await submitted(client, cast.as_manager, request_body(cast.employee))
    await assess(client, cast.as_hr, body["id"], {"ratings": ratings_body()["ratings"][:4]})

    with pytest.raises(AssessmentIncomplete):
        await moved(work(), body["id"], RequestAction.PROPOSE)


async def test_a_grant_to_some_says_to_whom_and_a_later_one_to_all_takes_it_back(
    client: httpx.AsyncClient, cast: Cast, work: OpenWork
) -> None:
    request_id = UUID(await proposed(client, cast, work))

    async with work() as opened:
        partly = await RequestService(opened).apply(
            request_id, RequestAction.GRANT_PARTLY, participants=[cast.employee.id]
        )
    async with work() as opened:
        wholly = await RequestService(opened).apply(request_id, RequestAction.GRANT)

    assert [item.status for item in partly.participants] == [
        ParticipantStatus.ENROLLED,
        ParticipantStatus.NOT_GRANTED,
    ]
    assert partly.enrolled_ids == (cast.employee.id,)
    assert wholly.enrolled_ids == (cast.employee.id, cast.colleague.id)


async def test_a_granted_training_is_cancelled_with_its_reason(
    client: httpx.AsyncClient, cast: Cast, work: OpenWork, act_as: ActAs
) -> None:
    request_id = UUID(await proposed(client, cast, work))
    await moved(work(), str(request_id), RequestAction.GRANT)

    async with work(act_as(Role.HR, person_id=cast.hr.id)) as opened:
        cancelled = await RequestService(opened).cancel(
            request_id, expected=None, reason="De opleider heeft geannuleerd."
        )

    assert cancelled.status is RequestStatus.CANCELLED
    assert cancelled.closing_reason == "De opleider heeft geannuleerd."


async def test_who_sees_everybody_by_another_role_manages_only_those_placed_below(
    client: httpx.AsyncClient, cast: Cast
) -> None:
    director = cast.headers(cast.director, Role.MANAGER, Role.MT)

    own = await client.post("/requests", json=request_body(cast.manager), headers=director)
    further = await client.post("/requests", json=request_body(cast.employee), headers=director)

    assert own.status_code == 201, own.text
    assert further.status_code == 409


async def test_a_completion_need_not_name_an_outcome(
    client: httpx.AsyncClient, cast: Cast, work: OpenWork
) -> None:
    body = await submitted(
        client,
        cast.as_manager,
        request_body(
            cast.employee,
            startsOn="2026-06-01",
            endsOn="2026-06-12",
            sessions=[{"heldOn": "2026-06-01", "minutes": 60, "workingTime": True}],
        ),
    )
    await assess(client, cast.as_hr, body["id"], ratings_body())
    await moved(work(), body["id"], RequestAction.PROPOSE, RequestAction.GRANT)

    answer = await step(
        client,
        cast.as_manager,
        body["id"],
        "completion",
        {
            "completedOn": "2026-06-12",
            "participants": [{"employeeId": str(cast.employee.id), "completed": True}],
        },
    )

    assert answer.status_code == 200, answer.text
    assert answer.json()["outcome"] is None


# --- At once ------------------------------------------------------------------------------------


@pytest.mark.invariant("W4")
async def test_drafts_made_at_once_have_each_their_own_reference(
    client: httpx.AsyncClient, cast: Cast
) -> None:
    made = await asyncio.gather(
        *(drafted(client, cast.as_manager, request_body(cast.employee)) for _ in range(12))
    )

    assert {body["reference"] for body in made} == {f"A26-2-{n:04}" for n in range(1, 13)}


@pytest.mark.rule("VIS-6.1")
async def test_requests_submitted_at_once_open_their_tranche_together(
    client: httpx.AsyncClient, cast: Cast
) -> None:
    made = [await drafted(client, cast.as_manager, request_body(cast.employee)) for _ in range(8)]

    answers = await asyncio.gather(
        *(step(client, cast.as_manager, body["id"], "submission") for body in made)
    )

    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["tranche"]["id"] for answer in answers}) == 1


@pytest.mark.invariant("W3")
async def test_of_many_who_change_one_version_at_once_one_succeeds(
    client: httpx.AsyncClient, cast: Cast
) -> None:
    body = await drafted(client, cast.as_manager, request_body(cast.employee))

    answers = await asyncio.gather(
        *(
            client.put(
                f"/requests/{body['id']}",
                json=request_body(cast.employee, title=f"Titel {n}"),
                headers=cast.as_manager | {"If-Match": '"1"'},
            )
            for n in range(12)
        )
    )

    assert sorted(answer.status_code for answer in answers) == [200, *[412] * 11]


@pytest.mark.invariant("W2")
async def test_of_many_who_submit_at_once_one_succeeds(
    client: httpx.AsyncClient, cast: Cast
) -> None:
    body = await drafted(client, cast.as_manager, request_body(cast.employee))

    answers = await asyncio.gather(
        *(step(client, cast.as_manager, body["id"], "submission") for _ in range(8))
    )

    assert sorted(answer.status_code for answer in answers) == [200, *[409] * 7]
