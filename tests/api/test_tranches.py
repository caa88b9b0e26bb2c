"""Tranches over HTTP: which one a submission falls in and why, the list, the overview."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import httpx
import pytest

from app.kernel.actors import Role
from app.requests.rules import RequestAction
from app.requests.service import RequestService
from tests.api.test_requests import problem
from tests.conftest import OpenWork, SignIn
from tests.support.clock import FrozenClock
from tests.support.organisations import Organisation
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

# The end of 15 November in Amsterdam, a Sunday in 2026.
CLOSING = datetime(2026, 11, 15, 23, 0, tzinfo=UTC)


@pytest.fixture
async def cast(work: OpenWork, sign_in: SignIn) -> Cast:
    return await cast_of(work(), sign_in)


@pytest.mark.rule("VIS-6.1")
@pytest.mark.rule("VIS-6.5")
@pytest.mark.parametrize(
    ("submitted_at", "year", "number", "closes_on", "decision_by"),
    [
        pytest.param(
            CLOSING - timedelta(microseconds=1),
            2027,
            1,
            "2026-11-15",
            "2027-01-31",
            id="the last instant of 15 November",
        ),
        pytest.param(CLOSING, 2027, 2, "2027-07-15", "2027-08-31", id="the midnight after it"),
    ],
)
async def test_the_answer_to_a_submission_tells_its_tranche_and_why(
    *,
    client: httpx.AsyncClient,
    cast: Cast,
    clock: FrozenClock,
    submitted_at: datetime,
    year: int,
    number: int,
    closes_on: str,
    decision_by: str,
) -> None:
    body = await drafted(client, cast.as_manager, request_body(cast.employee))
    clock.set(submitted_at)

    headers = cast.as_manager | {"Accept-Language": "nl"}
    answer = await step(client, headers, body["id"], "submission")

    tranche = answer.json()["tranche"]
    assert (tranche["year"], tranche["number"]) == (year, number)
    assert (tranche["closesOn"], tranche["decisionBy"]) == (closes_on, decision_by)
    assert answer.json()["request"]["trancheId"] == tranche["id"]
    told = " ".join(item["text"] for item in answer.json()["steps"])
    assert f"tranche {number} van {year}" in told
    found = await client.get(f"/tranches/{tranche['id']}", headers=cast.as_employee)
    assert found.json() == tranche


async def test_requests_of_one_period_share_a_tranche_and_the_latest_is_listed_first(
    client: httpx.AsyncClient, cast: Cast, clock: FrozenClock
) -> None:
    first = await submitted(client, cast.as_manager, request_body(cast.employee))
    second = await submitted(client, cast.as_manager, request_body(cast.colleague))
    clock.set(CLOSING)
    third = await submitted(client, cast.as_manager, request_body(cast.colleague))

    page = await client.get("/tranches", headers=cast.as_hr, params={"limit": "1"})
    cursor = page.json()["nextCursor"]
    rest = await client.get("/tranches", headers=cast.as_hr, params={"cursor": cursor})

    assert first["trancheId"] == second["trancheId"] != third["trancheId"]
    assert [item["id"] for item in page.json()["items"]] == [third["trancheId"]]
    assert [item["id"] for item in rest.json()["items"]] == [first["trancheId"]]
    assert rest.json()["nextCursor"] is None


async def test_a_tranche_of_another_organisation_is_not_found(
    client: httpx.AsyncClient, cast: Cast, sign_in: SignIn, other_organisation: Organisation
) -> None:
    body = await submitted(client, cast.as_manager, request_body(cast.employee))
    theirs = sign_in(Role.HR, organisation=other_organisation)

    for tranche_id in (body["trancheId"], uuid4()):
        answer = await client.get(f"/tranches/{tranche_id}", headers=theirs)
        problem(answer, 404, "tranche-not-found")
    assert (await client.get("/tranches", headers=theirs)).json()["items"] == []


@pytest.mark.rule("VIS-4.3")
@pytest.mark.rule("VIS-6.2")
async def test_the_overview_weighs_a_tranche_as_a_whole(
    client: httpx.AsyncClient, cast: Cast, work: OpenWork
) -> None:
    alone = await submitted(client, cast.as_manager, request_body(cast.employee))
    together = await submitted(
        client,
        cast.as_manager,
        request_body(
            cast.employee, cast.colleague, title="GELUID in de Omgevingswet; rekenmethoden"
        ),
    )
    other = await submitted(
        client,
        cast.headers(cast.other_manager, Role.MANAGER),
        request_body(cast.outsider, title="Bodem", basis="voluntary"),
    )
    gone = await submitted(client, cast.as_manager, request_body(cast.employee))
    await step(client, cast.as_manager, gone["id"], "withdrawal", {"reason": "Dubbel."})

    async with work() as opened:
        overview = await RequestService(opened).overview(alone["trancheId"])

    items = {item.details.reference: item for item in overview.items}
    assert list(items)[-1] == other["reference"]
    assert set(items) == {alone["reference"], together["reference"], other["reference"]}
    [overlap] = items[alone["reference"]].overlaps
    assert (overlap.reference, overlap.collective) == (together["reference"], True)
    assert items[other["reference"]].overlaps == ()
    assert overview.total_cost_cents == sum(
        body["totalCostCents"] for body in (alone, together, other)
    )
    assert overview.minutes_by_year == {2026: 4 * 480, 2027: 4 * 240}
    assert [item.participations for item in overview.by_team] == [3, 1]
    assert [item.requests for item in overview.by_employee] == [2, 1, 1]


@pytest.mark.rule("VIS-6.2")
async def test_what_awaits_a_proposal_is_submitted_or_under_assessment(
    client: httpx.AsyncClient, cast: Cast, work: OpenWork
) -> None:
    first = await submitted(client, cast.as_manager, request_body(cast.employee))
    second = await submitted(client, cast.as_manager, request_body(cast.employee))
    third = await submitted(client, cast.as_manager, request_body(cast.employee))
    for body in (second, third):
        await assess(client, cast.as_hr, body["id"], ratings_body())
    await moved(work(), third["id"], RequestAction.PROPOSE)

    async with work() as opened:
        service = RequestService(opened)
        waiting = await service.awaiting(first["trancheId"])
        everything = await service.in_tranche(first["trancheId"])

    # What has a score goes before what has none.
    assert [item.reference for item in waiting] == [second["reference"], first["reference"]]
    assert len(everything) == 3
