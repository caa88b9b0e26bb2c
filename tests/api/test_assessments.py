"""The assessment of a request by the framework, over HTTP."""

from datetime import UTC, datetime

import httpx
import pytest

from app.kernel.actors import Role
from app.policy.rules import Criterion
from app.requests.rules import RequestAction
from tests.api.test_requests import BSN, problem
from tests.conftest import OpenWork, SignIn
from tests.support.clock import FrozenClock
from tests.support.requests import (
    Cast,
    assess,
    cast_of,
    drafted,
    moved,
    ratings_body,
    request_body,
    step,
    submitted,
)


@pytest.fixture
async def cast(work: OpenWork, sign_in: SignIn) -> Cast:
    return await cast_of(work(), sign_in)


@pytest.mark.rule("VIS-4.1")
@pytest.mark.rule("VIS-4.2")
@pytest.mark.rule("VIS-5.2")
async def test_an_assessment_is_complete_with_all_five_criteria_and_then_has_a_score(
    client: httpx.AsyncClient, cast: Cast
) -> None:
    body = await submitted(client, cast.as_manager, request_body(cast.employee))

    before = await client.get(f"/requests/{body['id']}/assessment", headers=cast.as_hr)
    begun = await assess(
        client,
        cast.as_hr,
        body["id"],
        ratings_body(leave_out=[Criterion.ORGANISATION_GOALS]),
        if_match=before.headers["ETag"],
    )
    done = await assess(
        client, cast.as_hr, body["id"], ratings_body(3), if_match=begun.headers["ETag"]
    )

    assert len(before.json()["missingCriteria"]) == 5
    assert begun.status_code == 200, begun.text
    assert begun.json()["status"] == "under_assessment"
    assert begun.json()["missingCriteria"] == ["organisation_goals"]
    assert (begun.json()["complete"], begun.json()["score"]) == (False, None)
    assert done.json()["complete"] is True
    assert done.json()["score"] == {"points": 48, "mostPoints": 64, "basisPoints": 7500}
    assert done.json()["priority"] == 1
    again = await client.get(f"/requests/{body['id']}/assessment", headers=cast.as_mt)
    assert again.json() == done.json()


@pytest.mark.invariant("W3")
async def test_of_two_who_assess_at_once_the_second_reads_again(
    client: httpx.AsyncClient, cast: Cast
) -> None:
    body = await submitted(client, cast.as_manager, request_body(cast.employee))

    first = await assess(client, cast.as_hr, body["id"], ratings_body(), if_match='"2"')
    second = await assess(client, cast.as_hr, body["id"], ratings_body(0), if_match='"2"')

    assert first.status_code == 200
    problem(second, 412, "stale-version")


@pytest.mark.rule("VIS-5.2")
async def test_hr_does_not_assess_its_own(client: httpx.AsyncClient, cast: Cast) -> None:
    body = await drafted(client, cast.as_hr, request_body(cast.hr))
    await step(client, cast.headers(cast.director, Role.MANAGER), body["id"], "endorsement")
    await step(client, cast.as_hr, body["id"], "submission")

    answer = await assess(client, cast.as_hr, body["id"], ratings_body())

    problem(answer, 403, "own-request-step", "VIS-5.2")


@pytest.mark.rule("VIS-4.2")
async def test_a_rating_lies_on_the_scale(client: httpx.AsyncClient, cast: Cast) -> None:
    body = await submitted(client, cast.as_manager, request_body(cast.employee))

    answer = await assess(client, cast.as_hr, body["id"], ratings_body(5))

    facts = problem(answer, 422, "rating-off-scale", "VIS-4.2")
    assert (facts["rating"], facts["highestRating"]) == (5, 4)


async def test_a_criterion_is_rated_once(client: httpx.AsyncClient, cast: Cast) -> None:
    body = await submitted(client, cast.as_manager, request_body(cast.employee))
    rating = {"criterion": "team_and_function", "rating": 1, "motivation": "Enigszins."}

    answer = await assess(client, cast.as_hr, body["id"], {"ratings": [rating, rating]})

    problem(answer, 422, "twice-named")


@pytest.mark.rule("LAW-12")
async def test_a_motivation_holds_no_citizen_service_number(
    client: httpx.AsyncClient, cast: Cast
) -> None:
    body = await submitted(client, cast.as_manager, request_body(cast.employee))
    rating = {"criterion": "team_and_function", "rating": 1, "motivation": f"Van {BSN}"}

    answer = await assess(client, cast.as_hr, body["id"], {"ratings": [rating]})

    problem(answer, 422, "bsn-in-text", "LAW-12")


async def test_a_draft_is_not_assessed(client: httpx.AsyncClient, cast: Cast) -> None:
    body = await drafted(client, cast.as_manager, request_body(cast.employee))

    answer = await assess(client, cast.as_hr, body["id"], ratings_body())

    problem(answer, 409, "action-not-allowed")


@pytest.mark.parametrize("role", [Role.EMPLOYEE, Role.MANAGER, Role.MT, Role.AUDITOR])
async def test_hr_alone_assesses(client: httpx.AsyncClient, cast: Cast, role: Role) -> None:
    body = await submitted(client, cast.as_manager, request_body(cast.employee))

    answer = await assess(client, cast.headers(cast.hr, role), body["id"], ratings_body())

    problem(answer, 403, "role-refused")


@pytest.mark.rule("VIS-6.2")
async def test_a_deferred_request_is_taken_up_in_the_tranche_assessed_then(
    client: httpx.AsyncClient, cast: Cast, work: OpenWork, clock: FrozenClock
) -> None:
    body = await submitted(client, cast.as_manager, request_body(cast.employee))
    await assess(client, cast.as_hr, body["id"], ratings_body())
    await moved(work(), body["id"], RequestAction.PROPOSE, RequestAction.DEFER)
    clock.set(datetime(2026, 12, 1, 9, 0, tzinfo=UTC))

    answer = await assess(client, cast.as_hr, body["id"], ratings_body(4))

    assert answer.json()["status"] == "under_assessment"
    taken_up = (await client.get(f"/requests/{body['id']}", headers=cast.as_hr)).json()
    tranche = await client.get(f"/tranches/{taken_up['trancheId']}", headers=cast.as_hr)
    assert (tranche.json()["year"], tranche.json()["number"]) == (2027, 1)
