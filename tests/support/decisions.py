"""Proposals for tests: a tranche whose requests are before the MT, with means set."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx

from app.people.rules import EmployeeRow
from tests.support.clock import FrozenClock
from tests.support.requests import Cast, assess, ratings_body, request_body, submitted

AFTER_CLOSING = datetime(2026, 7, 20, 8, 0, tzinfo=UTC)
DECISION_DAY = datetime(2026, 8, 20, 8, 0, tzinfo=UTC)
# What ``request_body`` costs one participant: the course with 21 % VAT, and the room.
COST_CENTS = 149_000 * 121 // 100 + 50_001


def keyed(headers: Mapping[str, str], key: str, if_match: str = "*") -> dict[str, str]:
    """Return headers with an idempotency key and a precondition."""
    return {**headers, "Idempotency-Key": key, "If-Match": if_match}


async def set_means(
    client: httpx.AsyncClient, cast: Cast, *, year: int = 2026, amount_cents: int = 1_000_000
) -> httpx.Response:
    """Have the MT set the means of a year."""
    return await client.post(
        f"/budgets/{year}/means",
        json={"amountCents": amount_cents, "motivation": "Begroting."},
        headers=keyed(cast.as_mt, f"means-{year}-{amount_cents}"),
    )


@dataclass(frozen=True, slots=True)
class Before:
    """A proposal before the MT, with the requests in it by the employee they are for."""

    client: httpx.AsyncClient
    cast: Cast
    proposal: dict[str, Any]
    requests: list[str]

    @property
    def path(self) -> str:
        return f"/proposals/{self.proposal['id']}"

    async def decide(
        self, key: str = "besluit", *, headers: Mapping[str, str] | None = None, **body: object
    ) -> httpx.Response:
        """Decide on the proposal, by default as the director."""
        return await self.client.post(
            f"{self.path}/decisions",
            json=body,
            headers=keyed(headers or self.cast.as_mt, key),
        )

    async def try_out(self, **body: object) -> dict[str, Any]:
        """Return what the same decision would do."""
        answer = await self.client.post(
            f"{self.path}/decision-trials", json=body, headers=self.cast.as_mt
        )
        assert answer.status_code == 200, answer.text
        return answer.json()


async def assessed(
    client: httpx.AsyncClient, cast: Cast, *participants: EmployeeRow, **members: object
) -> str:
    """Return the id of a request that is submitted and fully assessed."""
    body = await submitted(client, cast.as_manager, request_body(*participants, **members))
    answer = await assess(client, cast.as_hr, body["id"], ratings_body())
    assert answer.status_code == 200, answer.text
    return body["id"]


async def drafted_proposal(
    client: httpx.AsyncClient, cast: Cast, tranche_id: str
) -> dict[str, Any]:
    """Return a draft proposal on a tranche."""
    answer = await client.post(
        "/proposals",
        json={
            "trancheId": tranche_id,
            "title": "Voorstel tweede tranche 2026",
            "substantiation": "Wettelijk eerst, daarna naar score.",
        },
        headers=cast.as_hr,
    )
    assert answer.status_code == 201, answer.text
    return answer.json()


async def tranche_of(client: httpx.AsyncClient, cast: Cast, request_id: str) -> str:
    answer = await client.get(f"/requests/{request_id}", headers=cast.as_hr)
    return answer.json()["trancheId"]


async def before_the_mt(
    client: httpx.AsyncClient,
    cast: Cast,
    clock: FrozenClock,
    *bodies: Mapping[str, Any],
    means_cents: int | None = 1_000_000,
) -> Before:
    """Return a proposal before the MT on requests with these bodies, on the day of decision."""
    ids: list[str] = []
    for body in bodies or (request_body(cast.employee),):
        request = await submitted(client, cast.as_manager, body)
        answer = await assess(client, cast.as_hr, request["id"], ratings_body())
        assert answer.status_code == 200, answer.text
        ids.append(request["id"])
    if means_cents is not None:
        assert (await set_means(client, cast, amount_cents=means_cents)).status_code == 201
    clock.set(AFTER_CLOSING)
    proposal = await drafted_proposal(client, cast, await tranche_of(client, cast, ids[0]))
    answer = await client.post(
        f"/proposals/{proposal['id']}/submission",
        headers={**cast.as_hr, "If-Match": f'"{proposal["version"]}"'},
    )
    assert answer.status_code == 200, answer.text
    clock.set(DECISION_DAY)
    return Before(client, cast, answer.json(), ids)
