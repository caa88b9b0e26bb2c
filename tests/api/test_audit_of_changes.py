"""Every operation that changes something, done once: each leaves its row, each refusal none."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import httpx
import pytest
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts

from app.http.routing import TransactionalRoute
from app.kernel.actors import Role
from tests.conftest import OpenWork, SignIn
from tests.support.clock import FrozenClock
from tests.support.people import record
from tests.support.policy import odwh_version
from tests.support.requests import (
    Cast,
    cast_of,
    list_line,
    ratings_body,
    request_body,
    tranche_list,
)

CHANGES_NOTHING = {"try_decisions"}


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of the audit trail, as an auditor reads it."""

    action: str
    object_type: str
    subject: str
    person_id: str | None


@dataclass(slots=True)
class Trail:
    """Sends changes, and tells what each of them left in the audit trail."""

    client: httpx.AsyncClient
    auditor: Mapping[str, str]
    routes: list[TransactionalRoute]
    seen: set[str] = field(default_factory=set[str])
    done: set[str] = field(default_factory=set[str])

    async def news(self) -> list[Entry]:
        """Return the rows that came since this was last asked."""
        found: list[Entry] = []
        query = {"limit": "100"}
        while True:
            answer = await self.client.get(
                "/audit-entries", params=query, headers=dict(self.auditor)
            )
            page = answer.json()
            new = [row for row in page["items"] if row["id"] not in self.seen]
            self.seen |= {row["id"] for row in new}
            found += [
                Entry(row["action"], row["objectType"], row["subject"], row["personId"])
                for row in new
            ]
            if len(new) < len(page["items"]) or page["nextCursor"] is None:
                return found
            query["cursor"] = page["nextCursor"]

    async def change(
        self,
        headers: Mapping[str, str],
        method: str,
        path: str,
        body: object = None,
        *,
        leaves: str,
        content: bytes | None = None,
    ) -> dict[str, Any]:
        """Do it; check that it left the row, and that refusing and repeating it left none."""
        route = next(
            route
            for route in self.routes
            if method in (route.methods or ()) and route.path_regex.fullmatch(path)
        )
        key = f"{route.name}-{uuid4()}"
        sent: dict[str, Any] = {"json": body} if content is None else {"content": content}
        kind = {} if content is None else {"Content-Type": "text/csv"}
        once = {**headers, **kind, "Idempotency-Key": key, "If-Match": "*"}

        refused = await self.client.request(
            method, path, headers={**once, **self.auditor, "Idempotency-Key": "auditor"}, **sent
        )
        assert refused.status_code == 403, (route.name, refused.text)
        if (route.openapi_extra or {})["x-precondition"]:
            stale = await self.client.request(
                method,
                path,
                headers={**once, "If-Match": '"99999"', "Idempotency-Key": f"{key}-stale"},
                **sent,
            )
            assert stale.status_code == 412, (route.name, stale.text)
        assert await self.news() == [], f"a refused {route.name} left a row"

        answer = await self.client.request(method, path, headers=once, **sent)
        assert answer.is_success, (route.name, answer.text)
        left = await self.news()
        assert leaves in {entry.action for entry in left}, (route.name, left)
        assert len({(entry.subject, entry.person_id) for entry in left}) == 1, (route.name, left)
        if method == "POST":
            again = await self.client.request(method, path, headers=once, **sent)
            assert again.content == answer.content, route.name
            assert await self.news() == [], f"a repeated {route.name} left a row"
        self.done.add(route.name)
        return answer.json()


@pytest.fixture
async def cast(work: OpenWork, sign_in: SignIn) -> Cast:
    return await cast_of(work(), sign_in)


@pytest.fixture
async def trail(app: FastAPI, client: httpx.AsyncClient, cast: Cast) -> Trail:
    routes = [
        context.original_route
        for context in iter_route_contexts(app.state.api.routes)
        if isinstance(context.original_route, TransactionalRoute)
    ]
    trail = Trail(client, cast.sign_in(Role.AUDITOR), routes)
    await trail.news()
    return trail


async def _people(trail: Trail, cast: Cast) -> None:
    hris = cast.sign_in(Role.HRIS)
    team = await trail.change(
        hris, "POST", "/teams", {"department": "Toezicht", "name": "Lucht"}, leaves="team.added"
    )
    function = await trail.change(
        hris, "POST", "/functions", {"name": "Adviseur lucht"}, leaves="function.added"
    )
    assignment = {
        "teamId": team["id"],
        "functionId": function["id"],
        "managerId": str(cast.manager.id),
        "contractMinutesPerWeek": 2160,
    }
    hired = await trail.change(
        hris,
        "POST",
        "/employees",
        {
            "personnelNumber": "700001",
            "givenName": "Bo",
            "infix": None,
            "bornOn": None,
            "educationLevel": None,
            "familyName": "Vos",
            "email": "p700001@od-voorbeeld.example",
            "hiredOn": "2026-01-01",
            "kind": "temporary",
            **assignment,
        },
        leaves="employee.hired",
    )
    path = f"/employees/{hired['id']}"
    await trail.change(hris, "PATCH", path, {"familyName": "Vosse"}, leaves="employee.corrected")
    await trail.change(
        hris,
        "POST",
        f"{path}/placements",
        {**assignment, "contractMinutesPerWeek": 1440, "validFrom": "2026-05-01"},
        leaves="employee.placed",
    )
    end = {"leftOn": "2026-06-30", "reason": "end_of_term", "initiative": "employer"}
    await trail.change(
        hris, "POST", f"{path}/employment-end", end, leaves="employment.end_recorded"
    )
    await trail.change(
        hris, "POST", f"{path}/employment-end/withdrawal", leaves="employment.end_withdrawn"
    )
    await trail.change(
        hris, "POST", f"{path}/employment-end", end, leaves="employment.end_recorded"
    )
    await trail.change(
        hris,
        "POST",
        f"{path}/employments",
        {"hiredOn": "2026-09-01", "kind": "permanent", **assignment},
        leaves="employee.rehired",
    )
    await trail.change(
        hris, "POST", "/employee-imports", [record("700002")], leaves="employees.imported"
    )


async def _policy(trail: Trail, cast: Cast) -> None:
    version = odwh_version(2028)
    drafted = await trail.change(
        cast.as_hr, "POST", "/policy-versions", version, leaves="policy_version.drafted"
    )
    path = f"/policy-versions/{drafted['id']}"
    await trail.change(
        cast.as_hr,
        "PUT",
        path,
        {**version, "title": "Beleid 2028"},
        leaves="policy_version.redrafted",
    )
    await trail.change(cast.as_mt, "POST", f"{path}/activation", leaves="policy_version.activated")


async def _request(
    trail: Trail, cast: Cast, headers: Mapping[str, str], **members: object
) -> dict[str, Any]:
    body = request_body(cast.employee, **members)
    return await trail.change(headers, "POST", "/requests", body, leaves="request.drafted")


async def _submitted(trail: Trail, cast: Cast, **members: object) -> dict[str, Any]:
    request = await _request(trail, cast, cast.as_manager, **members)
    return (
        await trail.change(
            cast.as_manager,
            "POST",
            f"/requests/{request['id']}/submission",
            {},
            leaves="request.submitted",
        )
    )["request"]


async def _requests(trail: Trail, cast: Cast) -> None:
    mine = await _request(trail, cast, cast.as_employee)
    path = f"/requests/{mine['id']}"
    await trail.change(
        cast.as_employee,
        "PUT",
        path,
        request_body(cast.employee, title="Geluid, vervolg"),
        leaves="request.changed",
    )
    await trail.change(
        cast.as_manager, "POST", f"{path}/endorsement", {}, leaves="request.endorsed"
    )
    await trail.change(
        cast.as_employee,
        "POST",
        f"{path}/withdrawal",
        {"reason": "Nee."},
        leaves="request.withdrawn",
    )
    for answer, leaves in (("mt-refusal", "request.refused"), ("mt-consent", "request.consented")):
        interim = await _request(trail, cast, cast.as_manager)
        path = f"/requests/{interim['id']}"
        await trail.change(
            cast.as_manager,
            "POST",
            f"{path}/submission",
            {"necessity": "Certificaat verloopt."},
            leaves="request.submitted",
        )
        await trail.change(cast.as_mt, "POST", f"{path}/{answer}", {"reason": "Zo."}, leaves=leaves)


async def _granted(
    trail: Trail, cast: Cast, clock: FrozenClock, *requests: dict[str, Any]
) -> list[dict[str, Any]]:
    """Take requests of one tranche to their grant; return the decisions, by the requests' order."""
    for request in requests:
        await trail.change(
            cast.as_hr,
            "PUT",
            f"/requests/{request['id']}/assessment",
            ratings_body(),
            leaves="request.assessed",
        )
    clock.set(datetime(2026, 7, 20, 8, 0, tzinfo=UTC))
    proposal = await trail.change(
        cast.as_hr,
        "POST",
        "/proposals",
        {"trancheId": requests[0]["trancheId"], "title": "Voorstel", "substantiation": "Zo."},
        leaves="proposal.drafted",
    )
    path = f"/proposals/{proposal['id']}"
    items = [
        {"requestId": request["id"], "advice": "granted", "motivation": "Past."}
        for request in requests
    ]
    await trail.change(
        cast.as_hr, "PUT", f"{path}/items", {"items": items}, leaves="proposal.changed"
    )
    await trail.change(cast.as_hr, "POST", f"{path}/submission", leaves="proposal.submitted")
    decided = await trail.change(
        cast.as_mt, "POST", f"{path}/decisions", {"adoptRest": True}, leaves="decision.granted"
    )
    by_request = {decision["requestId"]: decision for decision in decided["items"]}
    return [by_request[request["id"]] for request in requests]


async def _agreed(trail: Trail, cast: Cast, request_id: str) -> None:
    """Draw up and sign the agreement of a granted request."""
    listed = await trail.client.get(
        "/agreements", params={"requestId": request_id}, headers=cast.as_hr
    )
    path = f"/agreements/{listed.json()['items'][0]['id']}"
    drawn_up = await trail.change(
        cast.as_hr, "POST", f"{path}/drawing-up", {}, leaves="agreement.drawn_up"
    )
    sha256 = {"documentSha256": drawn_up["documentSha256"]}
    for headers, leaves in (
        (cast.as_employee, "agreement.signed_by_employee"),
        (cast.as_manager, "agreement.signed_by_manager"),
    ):
        await trail.change(headers, "POST", f"{path}/signatures", sha256, leaves=leaves)


async def _attended(trail: Trail, cast: Cast, request: Mapping[str, Any]) -> None:
    session = request["sessions"][0]["id"]
    recorded = await trail.change(
        cast.as_hr,
        "POST",
        f"/requests/{request['id']}/sessions/{session}/attendances",
        {"attended": [{"employeeId": str(cast.employee.id), "attendedMinutes": 480}]},
        leaves="attendance.recorded",
    )
    await trail.change(
        cast.as_hr,
        "POST",
        f"/attendances/{recorded['items'][0]['id']}/corrections",
        {"attendedMinutes": 400, "reason": "Presentielijst."},
        leaves="attendance.corrected",
    )


async def _claimed(trail: Trail, cast: Cast) -> None:
    """Have the employee leave; confirm and export one claim, waive the other."""
    await trail.change(
        cast.as_hr,
        "POST",
        f"/employees/{cast.employee.id}/employment-end",
        {"leftOn": "2026-12-31", "reason": "dismissal", "initiative": "employer"},
        leaves="claim.made",
    )
    listed = await trail.client.get("/repayment-claims", headers=cast.as_hr)
    first, second = (f"/repayment-claims/{claim['id']}" for claim in listed.json()["items"])
    reason = {"reason": "Besproken bij vertrek."}
    await trail.change(
        cast.as_hr, "POST", f"{first}/confirmation", reason, leaves="claim.confirmed"
    )
    await trail.change(
        cast.as_hr,
        "POST",
        f"{first}/export",
        {"costMadeCents": 400_000, "payrollReference": "SAL-1"},
        leaves="claim.exported",
    )
    await trail.change(cast.as_mt, "POST", f"{second}/waiver", reason, leaves="claim.waived")


async def _decisions(trail: Trail, cast: Cast, clock: FrozenClock) -> None:
    await trail.change(
        cast.as_mt,
        "POST",
        "/budgets/2026/means",
        {"amountCents": 10_000_000, "motivation": "Begroting."},
        leaves="means.set",
    )
    await trail.change(
        cast.as_mt,
        "POST",
        "/hour-exceptions",
        {
            "employeeId": str(cast.employee.id),
            "calendarYear": 2027,
            "minutes": 600,
            "ground": "legal_requirement",
            "reason": "Bevoegdheid.",
            "discussedOn": "2026-06-01",
        },
        leaves="hour_exception.granted",
    )
    costly = {
        "basis": "voluntary",
        "costLines": [
            {"what": "Leergang", "amountCents": 400_000, "vatCents": 0, "perParticipant": True}
        ],
    }
    requests = [
        await _submitted(trail, cast, title=title, **costly)
        for title in ("Leergang een", "Leergang twee", "Leergang drie")
    ]
    await trail.change(
        cast.as_hr,
        "POST",
        f"/requests/{requests[2]['id']}/classifications",
        {"basis": "improvement_plan", "reason": "Verbeterplan."},
        leaves="request.classified",
    )
    decisions = await _granted(trail, cast, clock, *requests)
    for request in requests[:2]:
        await _agreed(trail, cast, request["id"])
    await trail.change(
        cast.as_mt,
        "POST",
        f"/decisions/{decisions[2]['id']}/revisions",
        {"outcome": "partly_granted", "amountCents": 390_000, "motivation": "Lager."},
        leaves="decision.partly_granted",
    )
    commitments = await trail.client.get(
        "/commitments", params={"requestId": requests[0]["id"]}, headers=cast.as_hr
    )
    await trail.change(
        cast.as_hr,
        "POST",
        f"/commitments/{commitments.json()['items'][0]['id']}/actuals",
        {
            "amountCents": 100_000,
            "invoiceReference": "F-1",
            "invoicedOn": "2026-07-20",
            "final": False,
        },
        leaves="commitment.invoiced",
    )
    await trail.change(
        cast.as_manager,
        "POST",
        f"/requests/{requests[2]['id']}/cancellation",
        {"reason": "Gaat niet door."},
        leaves="request.cancelled",
    )
    clock.set(datetime(2026, 10, 6, 8, 0, tzinfo=UTC))
    await _attended(trail, cast, requests[0])
    await _claimed(trail, cast)
    clock.set(datetime(2027, 2, 2, 8, 0, tzinfo=UTC))
    await trail.change(
        cast.as_manager,
        "POST",
        f"/requests/{requests[0]['id']}/completion",
        {
            "completedOn": "2027-02-01",
            "participants": [{"employeeId": str(cast.employee.id), "completed": True}],
        },
        leaves="request.completed",
    )


async def _commitments(trail: Trail, cast: Cast) -> None:
    item = {
        "reference": "T2025-014",
        "title": "Hogere Veiligheidskunde",
        "provider": "Kader",
        "personnelNumbers": [cast.colleague.personnel_number],
        "startsOn": "2026-09-01",
        "endsOn": "2026-12-18",
        "amountCents": 150_000,
        "minutesPerParticipant": 480,
        "basis": "necessary_for_function",
        "source": "Brief van 3 oktober 2025.",
    }
    await trail.change(
        cast.as_mt,
        "POST",
        "/existing-commitments",
        {"items": [item]},
        leaves="request.taken_over",
    )


async def _imported(trail: Trail, cast: Cast) -> None:
    line = list_line(**{"Personeelsnummer(s)": cast.colleague.personnel_number})
    await trail.change(
        cast.as_hr,
        "POST",
        "/request-imports",
        content=tranche_list(line),
        leaves="request.imported",
    )


@pytest.mark.rule("VIS-6.6")
@pytest.mark.invariant("A1")
async def test_every_change_leaves_its_row_and_what_is_refused_or_repeated_leaves_none(
    trail: Trail, cast: Cast, clock: FrozenClock
) -> None:
    await _people(trail, cast)
    await _policy(trail, cast)
    await _requests(trail, cast)
    await _decisions(trail, cast, clock)
    await _commitments(trail, cast)
    await _imported(trail, cast)

    changing = {route.name for route in trail.routes if route.methods != {"GET"}}
    assert changing - CHANGES_NOTHING - trail.done == set()
