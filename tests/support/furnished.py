"""An organisation with one of everything in it, every text of which carries its mark."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any

import httpx

from app.db.session import Database
from app.kernel.actors import Actor, Role
from app.people.rules import EmployeeRow
from tests.support import tokens
from tests.support.clock import MONDAY, FrozenClock
from tests.support.contract import operations, specimen
from tests.support.decisions import Before, before_the_mt, keyed
from tests.support.organisations import Organisation, found_organisation
from tests.support.people import hire
from tests.support.requests import Cast, drafted, request_body
from tests.support.tokens import TOGETHER

SESSION_DAY = date(2026, 10, 5)
# Everything of the organisation happened by then, and its second session is still to come.
AFTERWARDS = datetime(2026, 10, 6, 8, 0, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Furnished:
    """The organisation, an id of each kind of thing in it, and who works there."""

    organisation: Organisation
    mark: str
    cast: Cast
    ids: Mapping[str, str]

    def headers(self, *roles: Role) -> dict[str, str]:
        """Return the headers of the director's requests in these roles, by default in all."""
        return self.cast.headers(self.cast.director, *(roles or TOGETHER))


async def furnish(
    database: Database, client: httpx.AsyncClient, clock: FrozenClock, *, mark: str
) -> Furnished:
    """Found an organisation and take it through the main job; leave the clock after it."""
    clock.set(MONDAY)
    organisation = await found_organisation(database, slug=mark.lower(), name=f"Dienst {mark}")
    cast = await _cast(database, organisation, mark)
    before = await before_the_mt(
        client,
        cast,
        clock,
        _request(mark, cast.employee),
        _request(mark, cast.colleague),
        means_cents=5_000_000,
    )
    draft = await drafted(client, cast.as_manager, _request(mark, cast.employee))
    ids = {
        "request": before.requests[0],
        "draft": draft["id"],
        "proposal": before.proposal["id"],
        "employee": str(cast.employee.id),
        "organisation": str(organisation.id),
    }
    ids |= await _decided(client, cast, before, mark)
    clock.set(AFTERWARDS)
    ids |= await _followed(client, cast, ids, mark)
    ids |= await _otherwise(client, cast, mark)
    return Furnished(organisation, mark, cast, ids)


async def _cast(database: Database, organisation: Organisation, mark: str) -> Cast:
    @cache
    def sign_in(*roles: Role, person: str | None = None) -> dict[str, str]:
        bearer = tokens.token(
            organisation=organisation.slug,
            roles=roles,
            subject=f"{mark}-{person}",
            personnel_number=person,
            lifetime=timedelta(hours=1),
        )
        return {"Authorization": f"Bearer {bearer}"}

    hr = Actor(organisation.id, f"{mark}-hr", frozenset({Role.HR}))
    async with database.work(hr, MONDAY, "test") as work:

        async def person(manager: EmployeeRow | None = None) -> EmployeeRow:
            return await hire(
                work,
                given_name=f"Noor{mark}",
                family_name=f"Meulen{mark}",
                manager=manager,
                team=f"Team {mark}",
                function=f"Functie {mark}",
            )

        director = await person()
        manager = await person(director)
        other = await person(director)
        return Cast(
            sign_in=sign_in,
            director=director,
            manager=manager,
            employee=await person(manager),
            colleague=await person(manager),
            hr=await person(director),
            other_manager=other,
            outsider=await person(other),
        )


def _request(mark: str, *participants: EmployeeRow) -> dict[str, Any]:
    told = f"Tekst {mark}."
    return request_body(
        *participants,
        title=f"Opleiding {mark}",
        provider=f"Opleider {mark}",
        motivation=told,
        basis="voluntary",
        costLines=[
            {"what": told, "amountCents": 300_000, "vatCents": 0, "perParticipant": True},
        ],
        grounds=[{"criterion": "team_and_function", "motivation": told}],
    )


async def _decided(
    client: httpx.AsyncClient, cast: Cast, before: Before, mark: str
) -> dict[str, str]:
    """Have the proposal adopted, and the agreement drawn up and signed."""
    decided = await before.decide(adoptRest=True, motivation=f"Besluit {mark}.")
    assert decided.status_code == 201, decided.text
    of_request = {"requestId": before.requests[0]}
    decision = await _first(client, "/decisions", cast.as_hr, of_request)
    agreement = await _first(client, "/agreements", cast.as_hr, of_request)
    commitment = await _first(client, "/commitments", cast.as_hr, of_request)
    path = f"/agreements/{agreement['id']}"
    conditions = {"furtherConditions": f"Voorwaarde {mark}."}
    drawn_up = await client.post(
        f"{path}/drawing-up", json=conditions, headers=keyed(cast.as_hr, "opmaken")
    )
    assert drawn_up.status_code == 200, drawn_up.text
    body = {"documentSha256": drawn_up.json()["documentSha256"]}
    for signer in (cast.as_employee, cast.as_manager):
        signed = await client.post(f"{path}/signatures", json=body, headers=signer)
        assert signed.status_code == 201, signed.text
    return {
        "decision": decision["id"],
        "agreement": agreement["id"],
        "commitment": commitment["id"],
        "tranche": before.proposal["trancheId"],
    }


async def _followed(
    client: httpx.AsyncClient, cast: Cast, ids: Mapping[str, str], mark: str
) -> dict[str, str]:
    """Have the first session held and paid, and let its participant leave."""
    request = (await client.get(f"/requests/{ids['request']}", headers=cast.as_hr)).json()
    session = request["sessions"][0]["id"]
    attendances = await client.post(
        f"/requests/{ids['request']}/sessions/{session}/attendances",
        json={"attended": [{"employeeId": ids["employee"], "attendedMinutes": 450}]},
        headers=keyed(cast.as_hr, "presentie"),
    )
    assert attendances.status_code == 201, attendances.text
    paid = await client.post(
        f"/commitments/{ids['commitment']}/actuals",
        json={
            "amountCents": 100_000,
            "invoiceReference": f"Factuur {mark}",
            "invoicedOn": "2026-10-05",
            "final": False,
        },
        headers=keyed(cast.as_hr, "factuur"),
    )
    assert paid.status_code == 201, paid.text
    left = await client.post(
        f"/employees/{ids['employee']}/employment-end",
        json={"leftOn": "2026-12-31", "reason": "resignation", "initiative": "employee"},
        headers=keyed(cast.as_hr, "vertrek"),
    )
    assert left.status_code == 200, left.text
    return {
        "session": session,
        "attendance": attendances.json()["items"][0]["id"],
        "claim": left.json()["claims"][0]["id"],
    }


async def _otherwise(client: httpx.AsyncClient, cast: Cast, mark: str) -> dict[str, str]:
    """Have an exception to the norm, and a draft of a policy."""
    exception = await client.post(
        "/hour-exceptions",
        json={
            "employeeId": str(cast.colleague.id),
            "calendarYear": 2027,
            "minutes": 600,
            "ground": "function_requirement",
            "reason": f"Reden {mark}.",
            "discussedOn": "2026-06-15",
        },
        headers=keyed(cast.as_mt, "uitzondering"),
    )
    assert exception.status_code == 201, exception.text
    policy = {
        **specimen(operations()["draftPolicyVersion"].body or {}),
        "title": f"Beleid {mark}",
        "validFrom": "2028-01-01",
    }
    version = await client.post("/policy-versions", json=policy, headers=cast.as_hr)
    assert version.status_code == 201, version.text
    team = await _first(client, "/teams", cast.as_hr)
    function = await _first(client, "/functions", cast.as_hr)
    return {
        "exception": exception.json()["id"],
        "policyVersion": version.json()["id"],
        "team": team["id"],
        "function": function["id"],
    }


async def _first(
    client: httpx.AsyncClient,
    path: str,
    headers: Mapping[str, str],
    query: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    answer = await client.get(path, headers=headers, params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()["items"][0]
