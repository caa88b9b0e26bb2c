"""Two organisations over one connection to the database, in turn, while clients hang up."""

import asyncio
import random
from collections import Counter
from contextlib import suppress
from uuid import uuid4

import httpx
import pytest

from tests.security.conftest import Serve
from tests.support.organisations import Organisation

REQUESTS = 10_000
CLIENTS = 4
CANCELLED = 0.1
WRITES = 0.1


@pytest.mark.apart
@pytest.mark.invariant("T4")
async def test_ten_thousand_requests_in_turn_show_nobody_what_is_anothers(
    serve: Serve, organisation: Organisation, other_organisation: Organisation
) -> None:
    marks = {organisation.slug: f"Merk {uuid4()}", other_organisation.slug: f"Merk {uuid4()}"}
    chance = random.Random(20270101)  # noqa: S311 - a repeatable order
    came: Counter[object] = Counter()
    leaks: list[str] = []

    with serve(POOL_SIZE="1", POOL_TIMEOUT_SECONDS="30", RATE_LIMITS="false") as service:
        tenants = (organisation, other_organisation)
        signed_in = {one.slug: service.headers(one) for one in tenants}

        async def ask(client: httpx.AsyncClient, tenant: Organisation, *, writes: bool) -> None:
            headers = signed_in[tenant.slug]
            if writes:
                team = {"department": "Toezicht", "name": f"{marks[tenant.slug]} {uuid4()}"}
                answer = await client.post("/v1/teams", headers=headers, json=team)
            else:
                answer = await client.get("/v1/teams?limit=20", headers=headers)
            came[answer.status_code] += 1
            theirs = [mark for slug, mark in marks.items() if slug != tenant.slug]
            leaks.extend(answer.text for mark in theirs if mark in answer.text)

        async def take_turns() -> None:
            async with httpx.AsyncClient(base_url=service.url, timeout=60) as client:
                for turn in range(REQUESTS // CLIENTS):
                    asking = asyncio.create_task(
                        ask(client, tenants[turn % 2], writes=chance.random() < WRITES)
                    )
                    if chance.random() < CANCELLED:
                        await asyncio.sleep(chance.uniform(0, 0.005))
                        asking.cancel()
                    with suppress(asyncio.CancelledError):
                        await asking
                    came["hung up"] += asking.cancelled()

        await asyncio.gather(*(take_turns() for _ in range(CLIENTS)))
        assert leaks == []
        with service.client() as client:
            for one in tenants:
                listed = client.get("/v1/teams?limit=100", headers=signed_in[one.slug])
                names = {team["name"].rpartition(" ")[0] for team in listed.json()["items"]}
                assert marks[one.slug] in names
    assert set(came) == {200, 201, "hung up"}
    assert sum(came.values()) == REQUESTS
    assert came["hung up"] > REQUESTS * CANCELLED / 2
