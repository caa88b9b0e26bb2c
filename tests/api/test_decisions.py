"""Proposals of HR and decisions of the MT, over HTTP."""

import asyncio
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import httpx
import pytest

from app.kernel.actors import Role
from app.kernel.identifiers import new_id
from tests.api.test_requests import problem
from tests.conftest import OpenWork, SignIn
from tests.support.clock import FrozenClock
from tests.support.decisions import (
    AFTER_CLOSING,
    COST_CENTS,
    DECISION_DAY,
    Before,
    assessed,
    before_the_mt,
    drafted_proposal,
    keyed,
    set_means,
    tranche_of,
)
from tests.support.requests import (
    Cast,
    assess,
    cast_of,
    ratings_body,
    request_body,
    submitted,
)


@pytest.fixture
async def cast(work: OpenWork, sign_in: SignIn) -> Cast:
    return await cast_of(work(), sign_in)


async def hours_of(client: httpx.AsyncClient, cast: Cast, year: int) -> dict[str, Any]:
    answer = await client.get(
        f"/employees/{cast.employee.id}/hour-ledgers/{year}", headers=cast.as_hr
    )
    assert answer.status_code == 200, answer.text
    return answer.json()


async def means_of(client: httpx.AsyncClient, cast: Cast, year: int = 2026) -> dict[str, Any]:
    answer = await client.get(f"/budgets/{year}", headers=cast.as_hr)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def status_of(before: Before, request_id: str) -> str:
    answer = await before.client.get(f"/requests/{request_id}", headers=before.cast.as_hr)
    return answer.json()["status"]


# --- Proposals ----------------------------------------------------------------------------------


@pytest.mark.rule("VIS-3.1")
@pytest.mark.rule("VIS-6.3")
async def test_a_proposal_ranks_necessity_first_and_advises_within_the_means(
    client: httpx.AsyncClient, cast: Cast
) -> None:
    wish = await assessed(
        client, cast, cast.colleague, title="Data-analyse met Python", basis="voluntary"
    )
    need = await assessed(client, cast, cast.employee)
    await set_means(client, cast, amount_cents=COST_CENTS)

    proposal = await drafted_proposal(client, cast, await tranche_of(client, cast, wish))

    items = proposal["items"]
    assert [(item["requestId"], item["advice"], item["priority"]) for item in items] == [
        (need, "granted", True),
        (wish, "deferred", False),
    ]
    assert [item["rank"] for item in items] == [1, 2]
    assert items[0]["amountCents"] == COST_CENTS
    assert (proposal["status"], proposal["advisedCents"]) == ("draft", COST_CENTS)


@pytest.mark.rule("VIS-6.2")
@pytest.mark.parametrize(
    ("at", "status"),
    [
        pytest.param(
            datetime(2026, 7, 15, 21, 59, 59, tzinfo=UTC), 409, id="closing day, 23:59:59"
        ),
        pytest.param(datetime(2026, 7, 15, 22, 0, tzinfo=UTC), 200, id="midnight after it"),
    ],
)
async def test_a_proposal_goes_to_the_mt_once_no_request_can_come_in(
    client: httpx.AsyncClient, cast: Cast, clock: FrozenClock, at: datetime, status: int
) -> None:
    request = await assessed(client, cast, cast.employee)
    proposal = await drafted_proposal(client, cast, await tranche_of(client, cast, request))
    clock.set(at)

    answer = await client.post(
        f"/proposals/{proposal['id']}/submission", headers={**cast.as_hr, "If-Match": '"1"'}
    )

    assert answer.status_code == status, answer.text
    if status == 409:
        facts = problem(answer, 409, "tranche-still-open", "VIS-6.2")
        assert facts["closesOn"] == "2026-07-15"


@pytest.mark.rule("VIS-6.3")
async def test_a_proposal_holds_every_request_of_its_tranche_fully_assessed(
    client: httpx.AsyncClient, cast: Cast, clock: FrozenClock
) -> None:
    ready = await assessed(client, cast, cast.employee)
    await submitted(client, cast.as_manager, request_body(cast.colleague))
    clock.set(AFTER_CLOSING)
    proposal = await drafted_proposal(client, cast, await tranche_of(client, cast, ready))

    answer = await client.post(
        f"/proposals/{proposal['id']}/submission", headers={**cast.as_hr, "If-Match": "*"}
    )

    assert len(proposal["items"]) == 1
    facts = problem(answer, 409, "proposal-incomplete", "VIS-6.3")
    assert facts["missingCount"] == 1


@pytest.mark.rule("VIS-6.3")
async def test_a_proposal_freezes_when_it_goes_to_the_mt(
    client: httpx.AsyncClient, cast: Cast, clock: FrozenClock
) -> None:
    before = await before_the_mt(client, cast, clock)

    answer = await client.put(
        f"{before.path}/items",
        json={
            "items": [
                {"requestId": before.requests[0], "advice": "rejected", "motivation": "Toch niet."}
            ]
        },
        headers={**cast.as_hr, "If-Match": "*"},
    )

    problem(answer, 409, "proposal-frozen", "VIS-6.3")
    assert await status_of(before, before.requests[0]) == "proposed"


@pytest.mark.rule("VIS-6.3")
async def test_hr_ranks_the_items_anew_and_only_requests_of_the_tranche_belong(
    client: httpx.AsyncClient, cast: Cast
) -> None:
    first = await assessed(client, cast, cast.employee)
    second = await assessed(client, cast, cast.colleague, title="Ecologie")
    proposal = await drafted_proposal(client, cast, await tranche_of(client, cast, first))
    path = f"/proposals/{proposal['id']}/items"

    def body(*ids: str) -> dict[str, Any]:
        return {
            "items": [
                {"requestId": one, "advice": "granted", "motivation": "Past in het plan."}
                for one in ids
            ]
        }

    headers = {**cast.as_hr, "If-Match": '"1"'}
    changed = await client.put(path, json=body(second, first), headers=headers)
    stale = await client.put(path, json=body(first), headers=headers)
    headers = {**cast.as_hr, "If-Match": '"2"'}
    stranger = await client.put(path, json=body(str(new_id())), headers=headers)
    twice = await client.put(path, json=body(first, first), headers=headers)
    unguarded = await client.put(path, json=body(first), headers=cast.as_hr)

    assert [item["requestId"] for item in changed.json()["items"]] == [second, first]
    problem(stale, 412, "stale-version")
    problem(stranger, 409, "proposal-item-unknown")
    problem(twice, 409, "proposal-item-unknown")
    problem(unguarded, 428, "precondition-missing")


@pytest.mark.rule("VIS-6.3")
async def test_a_tranche_has_one_open_proposal_at_a_time(
    client: httpx.AsyncClient, cast: Cast
) -> None:
    request = await assessed(client, cast, cast.employee)
    tranche = await tranche_of(client, cast, request)
    await drafted_proposal(client, cast, tranche)

    answer = await client.post(
        "/proposals",
        json={"trancheId": tranche, "title": "Nog een", "substantiation": "Dubbel."},
        headers=cast.as_hr,
    )

    problem(answer, 409, "proposal-exists")


# --- Decisions ----------------------------------------------------------------------------------


@pytest.mark.rule("VIS-5.1")
@pytest.mark.rule("VIS-6.6")
@pytest.mark.rule("VIS-8.1")
async def test_a_grant_moves_the_request_commits_means_and_reserves_hours_by_year(
    client: httpx.AsyncClient, cast: Cast, clock: FrozenClock
) -> None:
    before = await before_the_mt(client, cast, clock)

    answer = await before.decide(adoptRest=True)

    assert answer.status_code == 201, answer.text
    [decision] = answer.json()["items"]
    assert decision["outcome"] == "granted"
    assert decision["budgetYear"] == 2026
    assert decision["inForce"] is True
    assert decision["agreementsNeeded"][0]["employeeId"] == str(cast.employee.id)
    assert decision["repaymentApplies"] is False
    assert await status_of(before, before.requests[0]) == "granted"
    means = await means_of(client, cast)
    assert means["committedCents"] == decision["amountCents"] == COST_CENTS
    assert means["roomCents"] == 1_000_000 - COST_CENTS
    this_year, next_year = await hours_of(client, cast, 2026), await hours_of(client, cast, 2027)
    assert (this_year["reservedMinutes"], this_year["binding"]) == (480, False)
    assert (next_year["reservedMinutes"], next_year["binding"]) == (240, True)
    assert next_year["ownTime"]["reservedMinutes"] == 120
    proposal = (await client.get(before.path, headers=cast.as_hr)).json()
    assert (proposal["status"], proposal["decidedCount"]) == ("decided", 1)
    agreements = (await client.get("/agreements", headers=cast.as_hr)).json()["items"]
    assert [one["status"] for one in agreements] == ["required"]


@pytest.mark.rule("VIS-7.9")
async def test_a_voluntary_training_of_substantial_cost_carries_the_repayment_scheme(
    client: httpx.AsyncClient, cast: Cast, clock: FrozenClock
) -> None:
    before = await before_the_mt(
        client, cast, clock, request_body(cast.employee, basis="voluntary")
    )

    [decision] = (await before.decide(adoptRest=True)).json()["items"]

    assert decision["repaymentApplies"] is True
    assert [need["repayment"] for need in decision["agreementsNeeded"]] == [True]


async def test_a_dry_run_tells_all_that_would_break_and_changes_nothing(
    client: httpx.AsyncClient, cast: Cast, clock: FrozenClock
) -> None:
    long = request_body(
        cast.employee,
        sessions=[
            {"heldOn": f"2027-01-{day:02}", "minutes": 600, "workingTime": True}
            for day in range(4, 13)
        ],
    )
    before = await before_the_mt(client, cast, clock, long, means_cents=COST_CENTS - 1)
    item = {"requestId": before.requests[0], "outcome": "granted"}

    trial = await before.try_out(items=[item])
    taken = await before.decide(items=[item])

    breaches = {
        breach["kind"]: breach for impact in trial["items"] for breach in impact["breaches"]
    }
    assert trial["blocked"] is True
    assert breaches["norm_exceeded"]["facts"] == {
        "calendarYear": 2027,
        "askedMinutes": 5_400,
        "roomMinutes": 4_800,
        "normMinutes": 4_800,
        "exceptionMinutes": 0,
    }
    assert breaches["means_exceeded"]["facts"]["roomCents"] == COST_CENTS - 1
    assert breaches["motivation_missing"]["rule"] == "VIS-6.3"
    assert {breach["blocking"] for breach in breaches.values()} == {True}
    assert taken.status_code == 409
    assert await status_of(before, before.requests[0]) == "proposed"
    assert (await means_of(client, cast))["committedCents"] == 0
    assert (await hours_of(client, cast, 2027))["reservedMinutes"] == 0


@pytest.mark.rule("VIS-8.3")
@pytest.mark.rule("VIS-10.1")
async def test_a_grant_past_the_binding_norm_needs_an_individual_exception_first(
    client: httpx.AsyncClient, cast: Cast, clock: FrozenClock
) -> None:
    sessions = [
        {"heldOn": f"2027-01-{day:02}", "minutes": 600, "workingTime": True} for day in range(4, 13)
    ]
    before = await before_the_mt(
        client, cast, clock, request_body(cast.employee, sessions=sessions)
    )

    refused = await before.decide("eerst", adoptRest=True)
    assert problem(refused, 409, "norm-exceeded", "VIS-8.3")["askedMinutes"] == 5_400
    exception = await client.post(
        "/hour-exceptions",
        json={
            "employeeId": str(cast.employee.id),
            "calendarYear": 2027,
            "minutes": 600,
            "ground": "legal_requirement",
            "reason": "Hercertificering en kwaliteitscriteria in een jaar.",
            "discussedOn": "2026-08-19",
        },
        headers=keyed(cast.as_mt, "uitzondering"),
    )
    assert exception.status_code == 201, exception.text
    granted = await before.decide("daarna", adoptRest=True)

    assert granted.status_code == 201, granted.text
    hours = await hours_of(client, cast, 2027)
    assert (hours["reservedMinutes"], hours["roomMinutes"]) == (5_400, 0)


@pytest.mark.rule("VIS-8.3")
async def test_a_grant_past_the_advisory_norm_of_2026_goes_on_with_a_remark(
    client: httpx.AsyncClient, cast: Cast, clock: FrozenClock
) -> None:
    sessions = [
        {"heldOn": f"2026-11-{day:02}", "minutes": 600, "workingTime": True} for day in range(2, 11)
    ]
    before = await before_the_mt(
        client, cast, clock, request_body(cast.employee, sessions=sessions)
    )

    [decision] = (await before.decide(adoptRest=True)).json()["items"]

    assert [remark["rule"] for remark in decision["remarks"]] == ["VIS-8.3"]
    hours = await hours_of(client, cast, 2026)
    assert (hours["roomMinutes"], hours["binding"]) == (-600, False)


@pytest.mark.rule("VIS-6.3")
async def test_a_departure_from_the_proposal_carries_a_motivation(
    client: httpx.AsyncClient, cast: Cast, clock: FrozenClock
) -> None:
    before = await before_the_mt(client, cast, clock)
    item = {"requestId": before.requests[0], "outcome": "rejected"}

    silent = await before.decide("stil", items=[item])
    told = await before.decide(
        "gemotiveerd", items=[{**item, "motivation": "Andere prioriteit dit jaar."}]
    )

    problem(silent, 409, "motivation-missing", "VIS-6.3")
    assert told.status_code == 201
    assert told.json()["items"][0]["motivation"] == "Andere prioriteit dit jaar."
    assert await status_of(before, before.requests[0]) == "rejected"
    assert (await means_of(client, cast))["committedCents"] == 0


@pytest.mark.rule("VIS-6.3")
async def test_a_grant_in_part_takes_part_of_the_people_and_of_the_means(
    client: httpx.AsyncClient, cast: Cast, clock: FrozenClock
) -> None:
    before = await before_the_mt(client, cast, clock, request_body(cast.employee, cast.colleague))

    answer = await before.decide(
        items=[
            {
                "requestId": before.requests[0],
                "outcome": "partly_granted",
                "employeeIds": [str(cast.colleague.id)],
                "motivation": "Een plaats per team.",
            }
        ]
    )

    [decision] = answer.json()["items"]
    assert decision["employeeIds"] == [str(cast.colleague.id)]
    assert decision["amountCents"] == 149_000 * 121 // 100 + 25_000
    assert (await hours_of(client, cast, 2026))["reservedMinutes"] == 0
    assert await status_of(before, before.requests[0]) == "partly_granted"


@pytest.mark.rule("VIS-5.1")
async def test_nobody_decides_on_an_own_request(
    client: httpx.AsyncClient, cast: Cast, clock: FrozenClock
) -> None:
    before = await before_the_mt(client, cast, clock)
    as_applicant = cast.headers(cast.manager, Role.MT)

    answer = await before.decide(headers=as_applicant, adoptRest=True)

    problem(answer, 403, "own-request", "VIS-5.1")


@pytest.mark.rule("VIS-5.4")
@pytest.mark.rule("VIS-5.1")
async def test_only_the_mt_decides_and_a_knowledge_broker_is_told_why_not(
    client: httpx.AsyncClient, cast: Cast, clock: FrozenClock
) -> None:
    before = await before_the_mt(client, cast, clock)

    hr = await before.decide(headers=cast.as_hr, adoptRest=True)
    broker = await before.decide(
        headers=cast.headers(cast.hr, Role.KNOWLEDGE_BROKER), adoptRest=True
    )

    both = await before.decide(
        headers=cast.headers(cast.director, Role.MT, Role.KNOWLEDGE_BROKER), adoptRest=True
    )

    problem(hr, 403, "role-refused", "VIS-5.1")
    problem(broker, 403, "role-refused", "VIS-5.4")
    problem(both, 403, "role-refused", "VIS-5.4")


@pytest.mark.rule("VIS-6.3")
async def test_the_mt_decides_on_what_hr_has_put_before_it(
    client: httpx.AsyncClient, cast: Cast
) -> None:
    request = await assessed(client, cast, cast.employee)
    proposal = await drafted_proposal(client, cast, await tranche_of(client, cast, request))

    answer = await client.post(
        f"/proposals/{proposal['id']}/decisions",
        json={"adoptRest": True},
        headers=keyed(cast.as_mt, "te-vroeg"),
    )

    problem(answer, 409, "proposal-not-submitted")


@pytest.mark.invariant("S7")
@pytest.mark.rule("VIS-6.6")
async def test_an_item_is_decided_once_and_the_rest_later(
    client: httpx.AsyncClient, cast: Cast, clock: FrozenClock
) -> None:
    before = await before_the_mt(
        client,
        cast,
        clock,
        request_body(cast.employee),
        request_body(cast.colleague, title="Ecologie"),
    )
    item = {"requestId": before.requests[0], "outcome": "granted"}

    first = await before.decide("een", items=[item])
    again = await before.decide("nogmaals", items=[item])
    rest = await before.decide("rest", adoptRest=True)

    assert first.status_code == 201, first.text
    problem(again, 409, "already-decided")
    assert [one["requestId"] for one in rest.json()["items"]] == [before.requests[1]]
    listed = await client.get(
        "/decisions", params={"proposalId": before.proposal["id"]}, headers=cast.as_mt
    )
    assert len(listed.json()["items"]) == 2


@pytest.mark.invariant("S7", "W2")
@pytest.mark.invariant("K3")
async def test_of_two_who_decide_at_once_one_decides(
    client: httpx.AsyncClient, cast: Cast, clock: FrozenClock
) -> None:
    before = await before_the_mt(client, cast, clock)
    body = {"adoptRest": True}

    answers = await asyncio.gather(
        *(
            client.post(
                f"{before.path}/decisions",
                json=body,
                headers=keyed(cast.as_mt, f"besluit-{n}", f'"{before.proposal["version"]}"'),
            )
            for n in range(4)
        )
    )

    assert sorted(answer.status_code for answer in answers) == [201, 412, 412, 412]
    assert (await means_of(client, cast))["committedCents"] == COST_CENTS


@pytest.mark.invariant("K1")
async def test_a_decision_sent_twice_is_taken_once(
    client: httpx.AsyncClient, cast: Cast, clock: FrozenClock
) -> None:
    before = await before_the_mt(client, cast, clock)

    first = await before.decide("zelfde", adoptRest=True)
    second = await before.decide("zelfde", adoptRest=True)
    other = await before.decide("zelfde", adoptRest=True, motivation="Anders.")

    assert first.content == second.content
    assert second.headers["Idempotency-Replayed"] == "true"
    assert other.status_code == 422
    assert (await means_of(client, cast))["committedCents"] == COST_CENTS


# --- Revisions and cancellation -----------------------------------------------------------------


@pytest.mark.rule("VIS-6.6")
async def test_a_revision_releases_what_the_earlier_decision_held(
    client: httpx.AsyncClient, cast: Cast, clock: FrozenClock
) -> None:
    before = await before_the_mt(client, cast, clock, means_cents=COST_CENTS)
    [decision] = (await before.decide(adoptRest=True)).json()["items"]
    path = f"/decisions/{decision['id']}/revisions"

    answer = await client.post(
        path,
        json={"outcome": "rejected", "motivation": "De opleider is gestopt."},
        headers=keyed(cast.as_mt, "herzien"),
    )
    again = await client.post(
        path,
        json={"outcome": "granted", "motivation": "Toch wel."},
        headers=keyed(cast.as_mt, "nog-eens"),
    )
    back = await client.post(
        f"/decisions/{answer.json()['id']}/revisions",
        json={"outcome": "granted", "motivation": "De opleider gaat door."},
        headers=keyed(cast.as_mt, "terug"),
    )

    assert answer.status_code == 201, answer.text
    assert answer.json()["revisesId"] == decision["id"]
    problem(again, 409, "already-revised")
    assert back.status_code == 201, back.text
    listed = await client.get(
        "/decisions", params={"requestId": before.requests[0]}, headers=cast.as_employee
    )
    assert [one["inForce"] for one in listed.json()["items"]] == [False, False, True]
    assert (await means_of(client, cast))["roomCents"] == 0
    assert (await hours_of(client, cast, 2026))["reservedMinutes"] == 480
    agreements = (await client.get("/agreements", headers=cast.as_hr)).json()["items"]
    assert sorted(one["status"] for one in agreements) == ["required", "void"]


async def test_a_revision_within_the_same_means_counts_what_it_frees(
    client: httpx.AsyncClient, cast: Cast, clock: FrozenClock
) -> None:
    before = await before_the_mt(client, cast, clock, means_cents=COST_CENTS)
    [decision] = (await before.decide(adoptRest=True)).json()["items"]

    answer = await client.post(
        f"/decisions/{decision['id']}/revisions",
        json={
            "outcome": "partly_granted",
            "amountCents": COST_CENTS - 1,
            "motivation": "Lagere offerte.",
        },
        headers=keyed(cast.as_mt, "lager"),
    )

    assert answer.status_code == 201, answer.text
    assert (await means_of(client, cast))["roomCents"] == 1
    assert (await hours_of(client, cast, 2026))["reservedMinutes"] == 480


async def test_a_cancelled_training_frees_its_means_and_hours(
    client: httpx.AsyncClient, cast: Cast, clock: FrozenClock
) -> None:
    before = await before_the_mt(client, cast, clock)
    await before.decide(adoptRest=True)
    path = f"/requests/{before.requests[0]}/cancellation"

    answer = await client.post(
        path, json={"reason": "Opleider ziek."}, headers=keyed(cast.as_manager, "annuleer")
    )
    again = await client.post(
        path, json={"reason": "Nog eens."}, headers=keyed(cast.as_manager, "weer")
    )

    assert answer.status_code == 200, answer.text
    assert answer.json()["status"] == "cancelled"
    assert answer.json()["cancelledOn"] == clock.now().date().isoformat()
    assert (await means_of(client, cast))["committedCents"] == 0
    assert (await hours_of(client, cast, 2026))["reservedMinutes"] == 0
    problem(again, 409, "action-not-allowed")
    agreements = (await client.get("/agreements", headers=cast.as_hr)).json()["items"]
    assert [one["status"] for one in agreements] == ["void"]


# --- The tranche as a whole, and who sees what --------------------------------------------------


@pytest.mark.rule("VIS-6.2")
@pytest.mark.rule("VIS-4.3")
async def test_the_overview_shows_cost_hours_overlap_and_room(
    client: httpx.AsyncClient, cast: Cast
) -> None:
    first = await assessed(client, cast, cast.employee)
    second = await assessed(client, cast, cast.employee, cast.colleague)
    await set_means(client, cast, amount_cents=500_000)
    tranche = await tranche_of(client, cast, first)

    answer = await client.get(f"/tranches/{tranche}/overview", headers=cast.as_hr)

    body = answer.json()
    assert answer.status_code == 200, answer.text
    items = {item["requestId"]: item for item in body["items"]}
    assert [other["requestId"] for other in items[first]["overlaps"]] == [second]
    assert items[first]["overlaps"][0]["collective"] is True
    assert body["roomCents"] == 500_000
    assert body["requestedCents"] == sum(item["totalCents"] for item in items.values())
    assert {row["calendarYear"]: row["minutes"] for row in body["requestedMinutes"]} == {
        2026: 3 * 480,
        2027: 3 * 240,
    }
    assert items[first]["score"] == 7500


async def test_a_proposal_and_its_decisions_are_not_there_for_another_organisation(
    client: httpx.AsyncClient,
    cast: Cast,
    clock: FrozenClock,
    elsewhere: dict[str, str],
) -> None:
    before = await before_the_mt(client, cast, clock)
    [decision] = (await before.decide(adoptRest=True)).json()["items"]
    tranche = before.proposal["trancheId"]
    mt = keyed(elsewhere, "vreemd")

    for path in (
        before.path,
        f"/decisions/{decision['id']}",
        f"/tranches/{tranche}/overview",
    ):
        theirs = await client.get(path, headers=elsewhere)
        nobodys = path.replace(path.split("/")[2], str(uuid4()))
        unknown = await client.get(nobodys, headers=elsewhere)
        assert (theirs.status_code, unknown.status_code) == (404, 404), path
        assert theirs.json()["type"] == unknown.json()["type"]
    problem(
        await client.post(f"{before.path}/decisions", json={"adoptRest": True}, headers=mt),
        404,
        "proposal-not-found",
    )
    problem(
        await client.post(
            f"/decisions/{decision['id']}/revisions",
            json={"outcome": "rejected", "motivation": "Vreemd."},
            headers=mt,
        ),
        404,
        "decision-not-found",
    )


async def test_an_employee_sees_the_decision_on_an_own_request_and_no_other(
    client: httpx.AsyncClient, cast: Cast, clock: FrozenClock
) -> None:
    before = await before_the_mt(client, cast, clock)
    [decision] = (await before.decide(adoptRest=True)).json()["items"]
    path = f"/decisions/{decision['id']}"

    own = await client.get(path, headers=cast.as_employee)
    outsider = await client.get(path, headers=cast.headers(cast.outsider))
    everything = await client.get("/decisions", headers=cast.as_employee)

    assert own.status_code == 200
    problem(outsider, 404, "decision-not-found")
    problem(everything, 404, "request-not-found")


@pytest.mark.rule("VIS-6.4")
async def test_an_interim_request_is_decided_in_a_proposal_of_its_own(
    client: httpx.AsyncClient, cast: Cast, clock: FrozenClock
) -> None:
    clock.set(DECISION_DAY)
    await set_means(client, cast)
    draft = await client.post(
        "/requests", json=request_body(cast.employee), headers=cast.as_manager
    )
    request_id = draft.json()["id"]
    step = {**cast.as_manager, "If-Match": "*"}
    await client.post(
        f"/requests/{request_id}/submission",
        json={"necessity": "Zonder deze training vervalt de bevoegdheid per 1 november."},
        headers=step,
    )
    consent = await client.post(
        f"/requests/{request_id}/mt-consent",
        json={"reason": "Noodzaak is aangetoond."},
        headers={**cast.as_mt, "If-Match": "*"},
    )
    assert consent.status_code == 200, consent.text
    await assess(client, cast.as_hr, request_id, ratings_body())
    proposal = await client.post(
        "/proposals",
        json={
            "requestIds": [request_id],
            "title": "Tussentijds",
            "substantiation": "Functiegebonden noodzaak.",
        },
        headers=cast.as_hr,
    )
    assert proposal.status_code == 201, proposal.text
    path = f"/proposals/{proposal.json()['id']}"
    await client.post(f"{path}/submission", headers={**cast.as_hr, "If-Match": "*"})

    answer = await client.post(
        f"{path}/decisions", json={"adoptRest": True}, headers=keyed(cast.as_mt, "tussentijds")
    )

    [decision] = answer.json()["items"]
    assert (decision["kind"], decision["outcome"]) == ("interim", "granted")


@pytest.mark.rule("VIS-9.1")
async def test_existing_commitments_count_for_hours_and_means_all_or_none(
    client: httpx.AsyncClient, cast: Cast, clock: FrozenClock
) -> None:
    clock.set(DECISION_DAY)
    # A member of the MT is an employee and a manager too; the promise is not of his making.
    as_mt = cast.headers(cast.director, Role.MT, Role.MANAGER, Role.EMPLOYEE)
    await set_means(client, cast, year=2027, amount_cents=895_000)
    promise = {
        "reference": "T2025-014",
        "title": "Hogere Veiligheidskunde (HVK)",
        "provider": "Kader",
        "personnelNumbers": [cast.employee.personnel_number],
        "startsOn": "2027-02-01",
        "endsOn": "2027-06-30",
        "amountCents": 895_000,
        "minutesPerParticipant": 2_400,
        "basis": "necessary_for_function",
        "source": "Toezegging afdelingshoofd, brief van 3 oktober 2025.",
    }
    other = {**promise, "reference": "T2025-015", "amountCents": 1}

    both = await client.post(
        "/existing-commitments",
        json={"items": [promise, other]},
        headers=keyed(as_mt, "beide"),
    )
    nothing = await means_of(client, cast, 2027)
    one = await client.post(
        "/existing-commitments", json={"items": [promise]}, headers=keyed(as_mt, "een")
    )
    again = await client.post(
        "/existing-commitments",
        json={"items": [{**promise, "amountCents": 0}]},
        headers=keyed(as_mt, "weer"),
    )

    problem(both, 409, "means-exceeded", "VIS-5.1")
    assert nothing["committedCents"] == 0
    assert one.status_code == 201, one.text
    [decision] = one.json()["items"]
    assert (decision["kind"], decision["budgetYear"]) == ("existing_commitment", 2027)
    assert len(decision["agreementsNeeded"]) == 1
    assert (await means_of(client, cast, 2027))["roomCents"] == 0
    assert (await hours_of(client, cast, 2027))["reservedMinutes"] == 2_400
    problem(again, 409, "reference-taken")
