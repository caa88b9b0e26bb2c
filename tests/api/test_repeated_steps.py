"""A step that is repeated under ever new keys, and two that exclude each other at one moment."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from app.kernel.actors import Role
from tests.conftest import OpenWork, SignIn
from tests.support.clock import FrozenClock
from tests.support.decisions import (
    COST_CENTS,
    Before,
    before_the_mt,
    keyed,
)
from tests.support.requests import (
    Cast,
    assess,
    cast_of,
    drafted,
    ratings_body,
    request_body,
    step,
)

# As many of them are under way together as the pool has connections.
TOGETHER = 10
MEANS_CENTS = 2_000_000
MINUTES_OF_2026 = 480
PAIRS = 4
TIMES = [20, pytest.param(1000, marks=[pytest.mark.apart, pytest.mark.slow])]
# A training that has begun, so that it can be completed.
BEGUN = {
    "startsOn": "2026-06-01",
    "sessions": [{"heldOn": "2026-06-01", "minutes": MINUTES_OF_2026, "workingTime": True}],
}

Send = Callable[[str], Awaitable[httpx.Response]]


@pytest.fixture
async def cast(work: OpenWork, sign_in: SignIn) -> Cast:
    return await cast_of(work(), sign_in)


async def repeated(send: Send, times: int) -> Counter[tuple[int, str]]:
    """Send a step so often, ten at a time, under a key of its own each; count the answers."""
    told: Counter[tuple[int, str]] = Counter()
    for begun in range(0, times, TOGETHER):
        keys = [f"keer-{number}" for number in range(begun, min(begun + TOGETHER, times))]
        for answer in await asyncio.gather(*(send(key) for key in keys)):
            told[answer.status_code, answer.json().get("type", "")] += 1
    return told


async def books(client: httpx.AsyncClient, cast: Cast) -> tuple[int, int]:
    """Return what is committed of the means of 2026, and reserved of the employee's hours."""
    means = await client.get("/budgets/2026", headers=cast.as_hr)
    hours = await client.get(f"/employees/{cast.employee.id}/hour-ledgers/2026", headers=cast.as_hr)
    return means.json()["committedCents"], hours.json()["reservedMinutes"]


async def status_of(client: httpx.AsyncClient, cast: Cast, request_id: str) -> str:
    answer = await client.get(f"/requests/{request_id}", headers=cast.as_hr)
    return answer.json()["status"]


async def entries_of(client: httpx.AsyncClient, sign_in: SignIn, object_id: str) -> list[str]:
    """Return the actions that the audit trail has of one object."""
    answer = await client.get(
        "/audit-entries",
        params={"objectId": object_id, "limit": 100},
        headers=sign_in(Role.AUDITOR),
    )
    return [entry["action"] for entry in answer.json()["items"]]


# --- One step, many times -----------------------------------------------------------------------


@pytest.mark.invariant("S7")
@pytest.mark.parametrize("times", TIMES)
async def test_a_submission_has_one_effect_however_often_it_is_sent(
    client: httpx.AsyncClient, cast: Cast, sign_in: SignIn, times: int
) -> None:
    request = await drafted(client, cast.as_manager, request_body(cast.employee))

    async def submit(key: str) -> httpx.Response:
        headers = {**cast.as_manager, "Idempotency-Key": key}
        return await step(client, headers, request["id"], "submission")

    told = await repeated(submit, times)

    assert told == {(200, ""): 1, (409, "/problems/action-not-allowed"): times - 1}
    assert (await entries_of(client, sign_in, request["id"])).count("request.submitted") == 1


@pytest.mark.invariant("S7", "W2")
@pytest.mark.parametrize("times", TIMES)
async def test_a_decision_has_one_effect_however_often_it_is_sent(
    client: httpx.AsyncClient, cast: Cast, clock: FrozenClock, times: int
) -> None:
    before = await before_the_mt(client, cast, clock)
    item = {"requestId": before.requests[0], "outcome": "granted"}

    told = await repeated(lambda key: before.decide(key, items=[item]), times)

    assert told == {(201, ""): 1, (409, "/problems/already-decided"): times - 1}
    assert await books(client, cast) == (COST_CENTS, MINUTES_OF_2026)
    listed = await client.get(
        "/decisions", params={"requestId": before.requests[0]}, headers=cast.as_mt
    )
    assert len(listed.json()["items"]) == 1


@pytest.mark.invariant("S7", "L4")
@pytest.mark.parametrize("times", TIMES)
async def test_a_revision_and_a_cancellation_have_one_effect_however_often_they_are_sent(
    client: httpx.AsyncClient, cast: Cast, clock: FrozenClock, times: int
) -> None:
    before = await before_the_mt(client, cast, clock)
    [decision] = (await before.decide(adoptRest=True)).json()["items"]
    half = {"outcome": "partly_granted", "amountCents": 1_000, "motivation": "Een deel."}

    revised = await repeated(
        lambda key: client.post(
            f"/decisions/{decision['id']}/revisions", json=half, headers=keyed(cast.as_mt, key)
        ),
        times,
    )
    between = await books(client, cast)
    cancelled = await repeated(
        lambda key: client.post(
            f"/requests/{before.requests[0]}/cancellation",
            json={"reason": "Gaat niet door."},
            headers=keyed(cast.as_manager, key),
        ),
        times,
    )

    assert revised == {(201, ""): 1, (409, "/problems/already-revised"): times - 1}
    assert between == (1_000, MINUTES_OF_2026)
    assert cancelled == {(200, ""): 1, (409, "/problems/action-not-allowed"): times - 1}
    assert await books(client, cast) == (0, 0)


@pytest.mark.invariant("S7", "K3")
@pytest.mark.parametrize("times", TIMES)
async def test_an_invoice_is_booked_once_however_often_it_is_sent(
    client: httpx.AsyncClient, cast: Cast, clock: FrozenClock, times: int
) -> None:
    before = await before_the_mt(client, cast, clock)
    await granted(before)
    listed = await client.get(
        "/commitments", params={"requestId": before.requests[0]}, headers=cast.as_hr
    )
    path = f"/commitments/{listed.json()['items'][0]['id']}/actuals"
    invoice = {
        "amountCents": 10_000,
        "invoiceReference": "F2026-01",
        "invoicedOn": "2026-08-14",
        "final": False,
    }

    told = await repeated(
        lambda key: client.post(path, json=invoice, headers=keyed(cast.as_hr, key)), times
    )

    assert told == {(201, ""): 1, (409, "/problems/invoice-booked-twice"): times - 1}
    means = (await client.get("/budgets/2026", headers=cast.as_hr)).json()
    assert (means["committedCents"], means["spentCents"]) == (COST_CENTS - 10_000, 10_000)


# --- Two steps at one moment --------------------------------------------------------------------


async def one_of(
    first: Awaitable[httpx.Response], second: Awaitable[httpx.Response], *, turned: bool
) -> tuple[httpx.Response, httpx.Response]:
    """Send two steps together, the second of them first when ``turned``; one of them is taken."""
    if turned:
        later, earlier = await asyncio.gather(second, first)
    else:
        earlier, later = await asyncio.gather(first, second)
    assert [earlier.is_success, later.is_success].count(True) == 1, (earlier.text, later.text)
    assert {earlier.status_code, later.status_code} & {409} == {409}
    return earlier, later


async def granted(before: Before) -> list[dict[str, Any]]:
    answer = await before.decide("toekennen", adoptRest=True)
    assert answer.status_code == 201, answer.text
    return answer.json()["items"]


@pytest.mark.invariant("S7", "W2", "L4")
async def test_of_a_completion_and_a_cancellation_at_once_one_is_taken(
    client: httpx.AsyncClient, cast: Cast, clock: FrozenClock
) -> None:
    bodies = [request_body(cast.employee, title=f"Cursus {n}", **BEGUN) for n in range(PAIRS)]
    before = await before_the_mt(client, cast, clock, *bodies, means_cents=MEANS_CENTS)
    await granted(before)
    done = {
        "completedOn": "2026-06-10",
        "participants": [{"employeeId": str(cast.employee.id), "completed": True}],
    }
    kept = 0

    for number, request_id in enumerate(before.requests):
        completed, _ = await one_of(
            step(client, cast.as_manager, request_id, "completion", done),
            client.post(
                f"/requests/{request_id}/cancellation",
                json={"reason": "Gaat niet door."},
                headers=keyed(cast.as_manager, f"annuleren-{number}"),
            ),
            turned=number % 2 == 1,
        )
        kept += completed.is_success
        ended = "completed" if completed.is_success else "cancelled"
        assert await status_of(client, cast, request_id) == ended

    # What was completed keeps its means and hours; what was cancelled holds nothing any more.
    assert await books(client, cast) == (kept * COST_CENTS, kept * MINUTES_OF_2026)


@pytest.mark.invariant("S7", "W2")
async def test_of_a_withdrawal_and_a_decision_at_once_one_is_taken(
    client: httpx.AsyncClient, cast: Cast, clock: FrozenClock
) -> None:
    """On a request that was deferred: it can be withdrawn, and decided on anew."""
    bodies = [request_body(cast.employee, title=f"Cursus {n}") for n in range(PAIRS)]
    before = await before_the_mt(client, cast, clock, *bodies, means_cents=MEANS_CENTS)
    put_off = [
        {"requestId": one, "outcome": "deferred", "motivation": "Later."} for one in before.requests
    ]
    decisions = (await before.decide("aanhouden", items=put_off)).json()["items"]
    kept = 0

    for number, decision in enumerate(decisions):
        request_id = decision["requestId"]
        decided, _ = await one_of(
            client.post(
                f"/decisions/{decision['id']}/revisions",
                json={"outcome": "granted", "motivation": "Toch nu."},
                headers=keyed(cast.as_mt, f"toch-{number}"),
            ),
            step(client, cast.as_manager, request_id, "withdrawal", {"reason": "Niet nodig."}),
            turned=number % 2 == 1,
        )
        kept += decided.is_success
        ended = "granted" if decided.is_success else "withdrawn"
        assert await status_of(client, cast, request_id) == ended

    assert await books(client, cast) == (kept * COST_CENTS, kept * MINUTES_OF_2026)


@pytest.mark.invariant("S7", "W2")
async def test_of_a_withdrawal_and_its_coming_before_the_mt_at_once_one_is_taken(
    client: httpx.AsyncClient, cast: Cast
) -> None:
    for number in range(PAIRS):
        body = request_body(cast.employee, title=f"Cursus {number}")
        request_id = (await drafted(client, cast.as_manager, body))["id"]
        necessity = {"necessity": "Het certificaat verloopt."}
        await step(client, cast.as_manager, request_id, "submission", necessity)
        await step(client, cast.as_mt, request_id, "mt-consent", {"reason": "Akkoord."})
        await assess(client, cast.as_hr, request_id, ratings_body())
        proposal = await client.post(
            "/proposals",
            json={"requestIds": [request_id], "title": "Tussentijds", "substantiation": "Nu."},
            headers=cast.as_hr,
        )
        path = f"/proposals/{proposal.json()['id']}"

        proposed, _ = await one_of(
            client.post(f"{path}/submission", headers={**cast.as_hr, "If-Match": "*"}),
            step(client, cast.as_manager, request_id, "withdrawal", {"reason": "Niet nodig."}),
            turned=number % 2 == 1,
        )

        decided = await client.post(
            f"{path}/decisions",
            json={
                "items": [{"requestId": request_id, "outcome": "rejected", "motivation": "Nee."}]
            },
            headers=keyed(cast.as_mt, f"besluit-{number}"),
        )
        ended = "rejected" if proposed.is_success else "withdrawn"
        assert decided.status_code == (201 if proposed.is_success else 409), decided.text
        assert await status_of(client, cast, request_id) == ended
