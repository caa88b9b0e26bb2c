"""Decisions where something else happened meanwhile: withdrawn, attended, invoiced, left."""

import asyncio
from datetime import UTC, date, datetime, timedelta
from typing import Any

import httpx
import pytest

from app.agreements.service import AgreementService
from app.kernel.actors import Role
from app.people.rules import LeavingInitiative, LeavingReason
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
from tests.support.requests import Cast, assess, cast_of, ratings_body, request_body, step

AFTER_FIRST_SESSION = datetime(2026, 10, 6, 8, 0, tzinfo=UTC)
BSN = "111222333"
# Input in the right form that can not be so.
INVALID = 422


@pytest.fixture
async def cast(work: OpenWork, sign_in: SignIn) -> Cast:
    return await cast_of(work(), sign_in)


def problem(answer: httpx.Response, status: int, slug: str, rule: str | None = None) -> Any:  # noqa: ANN401
    """Check that an answer is this refusal, and return it."""
    assert answer.status_code == status, answer.text
    body = answer.json()
    assert body["type"] == f"/problems/{slug}"
    if rule is not None:
        assert body["rule"]["id"] == rule
    return body


async def means_of(cast: Cast, client: httpx.AsyncClient, year: int = 2026) -> dict[str, Any]:
    answer = await client.get("/budgets", headers=cast.as_mt)
    [found] = [item for item in answer.json()["items"] if item["budgetYear"] == year]
    return found


async def hours_of(cast: Cast, client: httpx.AsyncClient, year: int = 2026) -> dict[str, Any]:
    path = f"/employees/{cast.employee.id}/hour-ledgers/{year}"
    return (await client.get(path, headers=cast.as_hr)).json()


async def revised(before: Before, decision_id: str, key: str, **body: object) -> httpx.Response:
    return await before.client.post(
        f"/decisions/{decision_id}/revisions",
        json={"motivation": "Nader besloten.", **body},
        headers=keyed(before.cast.as_mt, key),
    )


# --- Who takes part, and how much ----------------------------------------------------------------


@pytest.mark.rule("VIS-6.6")
async def test_a_place_for_somebody_who_was_not_asked_for_is_refused(
    client: httpx.AsyncClient, cast: Cast, clock: FrozenClock
) -> None:
    before = await before_the_mt(client, cast, clock)
    people = [str(cast.employee.id), str(cast.outsider.id)]
    item = {
        "requestId": before.requests[0],
        "outcome": "granted",
        "employeeIds": people,
        "motivation": "Er is plaats voor een meer.",
    }

    trial = await before.try_out(items=[item])

    assert trial["blocked"]
    assert "not_a_participant" in {breach["kind"] for breach in trial["items"][0]["breaches"]}
    problem(await before.decide(items=[item]), 409, "not-a-participant", "VIS-6.6")


@pytest.mark.rule("VIS-6.3")
async def test_nothing_is_granted_to_nobody(
    client: httpx.AsyncClient, cast: Cast, clock: FrozenClock
) -> None:
    before = await before_the_mt(client, cast, clock)

    answer = await before.decide(
        items=[
            {
                "requestId": before.requests[0],
                "outcome": "partly_granted",
                "employeeIds": list[str](),
                "amountCents": 1_000,
                "motivation": "Zonder deelnemers.",
            }
        ]
    )

    assert answer.status_code == 400, answer.text
    assert answer.json()["errors"][0]["pointer"] == "/items/0/employeeIds"


# --- What happened to a request meanwhile --------------------------------------------------------


@pytest.mark.invariant("S7")
@pytest.mark.rule("VIS-6.3")
async def test_a_request_withdrawn_after_the_draft_is_named_when_the_proposal_is_submitted(
    client: httpx.AsyncClient, cast: Cast, clock: FrozenClock
) -> None:
    kept = await assessed(client, cast, cast.employee)
    gone = await assessed(client, cast, cast.colleague)
    clock.set(AFTER_CLOSING)
    proposal = await drafted_proposal(client, cast, await tranche_of(client, cast, kept))
    withdrawn = await step(client, cast.as_manager, gone, "withdrawal", {"reason": "Niet nodig."})
    path = f"/proposals/{proposal['id']}"

    refused = await client.post(f"{path}/submission", headers={**cast.as_hr, "If-Match": "*"})
    await client.put(
        f"{path}/items",
        json={"items": [{"requestId": kept, "advice": "granted", "motivation": "Past."}]},
        headers={**cast.as_hr, "If-Match": "*"},
    )
    accepted = await client.post(f"{path}/submission", headers={**cast.as_hr, "If-Match": "*"})

    told = problem(refused, 409, "proposal-item-gone", "VIS-6.3")
    assert told["facts"]["references"] == [withdrawn.json()["reference"]]
    assert accepted.status_code == 200, accepted.text


@pytest.mark.rule("VIS-6.6")
async def test_a_proposal_that_is_decided_whole_is_not_decided_again(
    client: httpx.AsyncClient, cast: Cast, clock: FrozenClock
) -> None:
    before = await before_the_mt(client, cast, clock)
    await before.decide(adoptRest=True)
    version = (await client.get(before.path, headers=cast.as_mt)).json()["version"]

    again = await before.decide("nog-eens", adoptRest=True)

    problem(again, 409, "proposal-not-submitted", "VIS-6.3")
    assert (await client.get(before.path, headers=cast.as_mt)).json()["version"] == version


@pytest.mark.rule("VIS-6.2")
async def test_a_deferred_request_is_decided_again_in_the_next_tranche(
    client: httpx.AsyncClient, cast: Cast, clock: FrozenClock
) -> None:
    later = {"startsOn": "2027-03-01", "endsOn": "2027-03-02"}
    sessions = [{"heldOn": "2027-03-01", "minutes": 480, "workingTime": True}]
    before = await before_the_mt(
        client, cast, clock, request_body(cast.employee, sessions=sessions, **later)
    )
    [request] = before.requests
    item = {"requestId": request, "outcome": "deferred", "motivation": "Eerst de begroting."}
    first = await before.decide(items=[item])
    assert first.status_code == 201, first.text
    await assess(client, cast.as_hr, request, ratings_body(4))
    assert (await set_means(client, cast, year=2027)).status_code == 201
    clock.set(datetime(2026, 11, 16, 8, 0, tzinfo=UTC))
    proposal = await drafted_proposal(client, cast, await tranche_of(client, cast, request))
    await client.post(
        f"/proposals/{proposal['id']}/submission", headers={**cast.as_hr, "If-Match": "*"}
    )
    next_round = Before(client, cast, proposal, [request])

    second = await next_round.decide("januari", adoptRest=True)

    assert second.status_code == 201, second.text
    [decision] = second.json()["items"]
    assert decision["budgetYear"] == 2027
    assert decision["revisesId"] is None
    listed = await client.get("/decisions", params={"requestId": request}, headers=cast.as_mt)
    assert [(one["outcome"], one["inForce"]) for one in listed.json()["items"]] == [
        ("deferred", False),
        ("granted", True),
    ]
    problem(
        await revised(before, first.json()["items"][0]["id"], "oud", outcome="rejected"),
        409,
        "already-revised",
    )
    assert (await means_of(cast, client, 2027))["committedCents"] == COST_CENTS
    assert (await means_of(cast, client, 2026))["committedCents"] == 0


@pytest.mark.rule("VIS-6.6")
async def test_the_decision_taken_last_is_in_force_also_when_the_clock_went_back(
    client: httpx.AsyncClient, cast: Cast, clock: FrozenClock
) -> None:
    before = await before_the_mt(client, cast, clock)
    [first] = (await before.decide(adoptRest=True)).json()["items"]
    clock.set(clock.now() - timedelta(hours=1))
    second = await revised(before, first["id"], "terug", outcome="rejected")
    third = await revised(before, second.json()["id"], "heen", outcome="granted")
    assert [second.status_code, third.status_code] == [201, 201], third.text
    path = f"/decisions?requestId={before.requests[0]}"
    listed = (await client.get(path, headers=cast.as_mt)).json()["items"]
    assert [one["inForce"] for one in listed] == [False, False, True]
    problem(await revised(before, first["id"], "oud", outcome="rejected"), 409, "already-revised")


# --- Revisions after the training began ----------------------------------------------------------


@pytest.mark.rule("VIS-6.6")
@pytest.mark.rule("VIS-8.1")
async def test_a_revision_leaves_what_was_attended_and_reserves_the_rest_anew(
    client: httpx.AsyncClient, cast: Cast, clock: FrozenClock
) -> None:
    before = await before_the_mt(client, cast, clock)
    [decision] = (await before.decide(adoptRest=True)).json()["items"]
    request = (await client.get(f"/requests/{before.requests[0]}", headers=cast.as_hr)).json()
    clock.set(AFTER_FIRST_SESSION)
    attended = await client.post(
        f"/requests/{request['id']}/sessions/{request['sessions'][0]['id']}/attendances",
        json={"attended": [{"employeeId": str(cast.employee.id), "attendedMinutes": 400}]},
        headers=keyed(cast.as_hr, "aanwezig"),
    )
    assert attended.status_code == 201, attended.text

    answer = await revised(
        before, decision["id"], "lager", outcome="partly_granted", amountCents=COST_CENTS - 1
    )

    assert answer.status_code == 201, answer.text
    of_2026, of_2027 = await hours_of(cast, client), await hours_of(cast, client, 2027)
    assert (of_2026["reservedMinutes"], of_2026["spentMinutes"]) == (0, 400)
    assert (of_2027["reservedMinutes"], of_2027["ownTime"]["reservedMinutes"]) == (240, 120)


@pytest.mark.rule("VIS-8.3")
async def test_a_session_that_was_attended_is_not_asked_of_the_norm_twice(
    client: httpx.AsyncClient, cast: Cast, clock: FrozenClock
) -> None:
    body = request_body(
        cast.employee,
        startsOn="2027-03-01",
        endsOn="2027-09-01",
        sessions=[
            {"heldOn": f"2027-0{month}-01", "minutes": 1_200, "workingTime": True}
            for month in (3, 5, 7, 9)
        ],
    )
    before = await before_the_mt(client, cast, clock, body)
    [decision] = (await before.decide(adoptRest=True)).json()["items"]
    request = (await client.get(f"/requests/{before.requests[0]}", headers=cast.as_hr)).json()
    clock.set(datetime(2027, 3, 2, 8, 0, tzinfo=UTC))
    await client.post(
        f"/requests/{request['id']}/sessions/{request['sessions'][0]['id']}/attendances",
        json={"attended": [{"employeeId": str(cast.employee.id), "attendedMinutes": 1_200}]},
        headers=keyed(cast.as_hr, "aanwezig"),
    )

    answer = await revised(
        before, decision["id"], "lager", outcome="partly_granted", amountCents=COST_CENTS - 1
    )

    assert answer.status_code == 201, answer.text
    hours = await hours_of(cast, client, 2027)
    assert (hours["reservedMinutes"], hours["spentMinutes"]) == (3_600, 1_200)


@pytest.mark.rule("VIS-5.1")
async def test_a_revision_counts_what_was_invoiced_towards_what_it_grants(
    client: httpx.AsyncClient, cast: Cast, clock: FrozenClock
) -> None:
    before = await before_the_mt(client, cast, clock, means_cents=COST_CENTS)
    [decision] = (await before.decide(adoptRest=True)).json()["items"]
    listed = await client.get("/commitments", headers=cast.as_hr)
    commitment = listed.json()["items"][0]["id"]
    booked = await client.post(
        f"/commitments/{commitment}/actuals",
        json={
            "amountCents": 100_000,
            "invoiceReference": "F-2026-001",
            "invoicedOn": "2026-08-20",
            "final": False,
        },
        headers=keyed(cast.as_hr, "factuur"),
    )
    assert booked.status_code == 201, booked.text

    lower = await revised(
        before, decision["id"], "lager", outcome="partly_granted", amountCents=150_000
    )
    means = await means_of(cast, client)
    under = await revised(
        before, lower.json()["id"], "onder", outcome="partly_granted", amountCents=50_000
    )

    assert lower.status_code == 201, lower.text
    assert (means["committedCents"], means["spentCents"]) == (50_000, 100_000)
    assert under.status_code == 201, under.text
    means = await means_of(cast, client)
    assert (means["committedCents"], means["spentCents"]) == (0, 100_000)


@pytest.mark.rule("VIS-9.1")
async def test_a_revision_keeps_the_year_whose_means_were_taken(
    client: httpx.AsyncClient, cast: Cast, clock: FrozenClock
) -> None:
    clock.set(DECISION_DAY)
    assert (await set_means(client, cast, year=2027)).status_code == 201
    taken = await client.post(
        "/existing-commitments",
        json={
            "items": [
                {
                    "reference": "T2025-014",
                    "title": "Hogere Veiligheidskunde",
                    "provider": "Kader",
                    "personnelNumbers": [cast.employee.personnel_number],
                    "startsOn": "2027-02-01",
                    "endsOn": "2027-06-30",
                    "amountCents": 150_000,
                    "minutesPerParticipant": 480,
                    "basis": "necessary_for_function",
                    "source": "Brief van 3 oktober 2025.",
                }
            ]
        },
        headers=keyed(cast.as_mt, "toezegging"),
    )
    assert taken.status_code == 201, taken.text

    answer = await client.post(
        f"/decisions/{taken.json()['items'][0]['id']}/revisions",
        json={
            "outcome": "partly_granted",
            "amountCents": 100_000,
            "motivation": "De opleider is goedkoper.",
        },
        headers=keyed(cast.as_mt, "goedkoper"),
    )

    assert answer.status_code == 201, answer.text
    assert answer.json()["budgetYear"] == 2027
    assert (await means_of(cast, client, 2027))["committedCents"] == 100_000


# --- Who leaves ----------------------------------------------------------------------------------


async def leaves(client: httpx.AsyncClient, cast: Cast, left_on: str) -> None:
    answer = await client.post(
        f"/employees/{cast.employee.id}/employment-end",
        json={"leftOn": left_on, "reason": "resignation", "initiative": "employee"},
        headers={**cast.as_hr, "Idempotency-Key": f"uit-dienst-{left_on}"},
    )
    assert answer.status_code == 200, answer.text


@pytest.mark.rule("VIS-5.5")
async def test_who_leaves_before_the_start_is_granted_no_place(
    client: httpx.AsyncClient, cast: Cast, clock: FrozenClock
) -> None:
    before = await before_the_mt(client, cast, clock, request_body(cast.employee, cast.colleague))
    await leaves(client, cast, "2026-10-04")

    refused = await before.decide("allen", adoptRest=True)
    granted = await before.decide(
        "een",
        items=[
            {
                "requestId": before.requests[0],
                "outcome": "partly_granted",
                "employeeIds": [str(cast.colleague.id)],
                "motivation": "De ander gaat uit dienst.",
            }
        ],
    )

    told = problem(refused, 409, "leaves-before-the-start", "VIS-5.5")
    assert told["facts"]["leftOn"] == "2026-10-04"
    assert granted.status_code == 201, granted.text


@pytest.mark.rule("VIS-8.1")
async def test_no_hours_are_reserved_after_the_last_day_of_an_employment(
    client: httpx.AsyncClient, cast: Cast, clock: FrozenClock
) -> None:
    before = await before_the_mt(client, cast, clock)
    await leaves(client, cast, "2026-12-31")

    answer = await before.decide(adoptRest=True)

    assert answer.status_code == 201, answer.text
    assert [remark["rule"] for remark in answer.json()["items"][0]["remarks"]] == ["VIS-5.5"]
    assert (await hours_of(cast, client))["reservedMinutes"] == 480
    hours = await hours_of(cast, client, 2027)
    assert (hours["reservedMinutes"], hours["ownTime"]["reservedMinutes"]) == (0, 0)


# --- Motivations, conditions, free text ----------------------------------------------------------


@pytest.mark.rule("VIS-6.6")
async def test_the_motivation_of_the_whole_is_recorded_with_what_is_adopted(
    client: httpx.AsyncClient, cast: Cast, clock: FrozenClock
) -> None:
    before = await before_the_mt(client, cast, clock)

    answer = await before.decide(adoptRest=True, motivation="Conform voorstel.")

    assert answer.status_code == 201, answer.text
    assert answer.json()["items"][0]["motivation"] == "Conform voorstel."


@pytest.mark.rule("VIS-6.3")
async def test_other_conditions_than_advised_depart_from_the_proposal(
    client: httpx.AsyncClient, cast: Cast, clock: FrozenClock
) -> None:
    before = await before_the_mt(client, cast, clock)
    item = {
        "requestId": before.requests[0],
        "outcome": "granted",
        "conditions": "Alleen buiten de zomerpiek.",
    }

    silent = await before.decide("stil", items=[item])
    told = await before.decide("verteld", items=[{**item, "motivation": "De piek gaat voor."}])

    problem(silent, 409, "motivation-missing", "VIS-6.3")
    assert told.status_code == 201, told.text
    assert told.json()["items"][0]["conditions"] == "Alleen buiten de zomerpiek."


@pytest.mark.rule("LAW-12")
async def test_a_citizen_service_number_has_no_place_in_a_proposal_or_a_decision(
    client: httpx.AsyncClient, cast: Cast, clock: FrozenClock
) -> None:
    request = await assessed(client, cast, cast.employee)
    await set_means(client, cast)
    tranche = await tranche_of(client, cast, request)
    text = f"Voor {BSN}."
    hr = {**cast.as_hr, "If-Match": "*"}
    problem(
        await client.post(
            "/proposals",
            json={"trancheId": tranche, "title": "Voorstel", "substantiation": text},
            headers=cast.as_hr,
        ),
        INVALID,
        "bsn-in-text",
        "LAW-12",
    )
    clock.set(AFTER_CLOSING)
    proposal = await drafted_proposal(client, cast, tranche)
    path = f"/proposals/{proposal['id']}"
    item = {"requestId": request, "advice": "granted", "motivation": text}
    problem(
        await client.put(f"{path}/items", json={"items": [item]}, headers=hr),
        INVALID,
        "bsn-in-text",
        "LAW-12",
    )
    await client.post(f"{path}/submission", headers=hr)
    before = Before(client, cast, proposal, [request])
    problem(await before.decide("bsn", adoptRest=True, motivation=text), INVALID, "bsn-in-text")
    [decision] = (await before.decide(adoptRest=True)).json()["items"]
    problem(
        await revised(before, decision["id"], "bsn2", outcome="rejected", conditions=text),
        INVALID,
        "bsn-in-text",
    )


@pytest.mark.rule("VIS-6.3")
async def test_sums_over_requests_may_be_more_than_one_request_may_cost(
    client: httpx.AsyncClient, cast: Cast, clock: FrozenClock
) -> None:
    lines = [{"what": "Alles", "amountCents": 10**12, "vatCents": 0, "perParticipant": True}]
    ids = [
        await assessed(client, cast, person, costLines=lines)
        for person in (cast.employee, cast.colleague)
    ]
    tranche = await tranche_of(client, cast, ids[0])
    clock.set(AFTER_CLOSING)
    proposal = await drafted_proposal(client, cast, tranche)
    path = f"/proposals/{proposal['id']}"
    items = [{"requestId": one, "advice": "granted", "motivation": "Alles."} for one in ids]

    overview = await client.get(f"/tranches/{tranche}/overview", headers=cast.as_hr)
    ranked = await client.put(
        f"{path}/items", json={"items": items}, headers={**cast.as_hr, "If-Match": "*"}
    )
    listed = await client.get("/proposals", headers=cast.as_hr)
    trial = await client.post(
        f"{path}/decision-trials", json={"adoptRest": True}, headers=cast.as_mt
    )

    assert overview.json()["requestedCents"] == 2 * 10**12
    assert ranked.json()["advisedCents"] == 2 * 10**12
    assert listed.json()["items"][0]["advisedCents"] == 2 * 10**12
    assert trial.json()["committedCents"] == 2 * 10**12


@pytest.mark.rule("VIS-5.4")
async def test_a_knowledge_broker_does_not_try_a_decision_either(
    client: httpx.AsyncClient, cast: Cast, clock: FrozenClock
) -> None:
    before = await before_the_mt(client, cast, clock)
    answer = await client.post(
        f"{before.path}/decision-trials",
        json={"adoptRest": True},
        headers=cast.headers(cast.colleague, Role.KNOWLEDGE_BROKER),
    )
    assert answer.status_code == 403


@pytest.mark.rule("VIS-8.1")
async def test_a_departure_announced_while_the_mt_decides_leaves_no_hours_behind(
    client: httpx.AsyncClient, cast: Cast, clock: FrozenClock, work: OpenWork
) -> None:
    before = await before_the_mt(client, cast, clock)

    async with work() as announced:
        await AgreementService(announced).end_employment(
            cast.employee.id,
            left_on=date(2026, 12, 31),
            reason=LeavingReason.RESIGNATION,
            initiative=LeavingInitiative.EMPLOYEE,
        )
        deciding = asyncio.create_task(before.decide(adoptRest=True))
        # Long enough for the decision to have read who leaves, were it not to wait.
        await asyncio.sleep(0.5)
        assert not deciding.done()
    answer = await deciding

    assert answer.status_code == 201, answer.text
    assert (await hours_of(cast, client))["reservedMinutes"] == 480
    assert (await hours_of(cast, client, 2027))["reservedMinutes"] == 0


@pytest.mark.rule("VIS-9.1")
async def test_a_commitment_that_began_before_the_policy_counts_from_the_policy_on(
    client: httpx.AsyncClient, cast: Cast, clock: FrozenClock
) -> None:
    clock.set(DECISION_DAY)
    assert (await set_means(client, cast, year=2025)).status_code == 201
    item = {
        "reference": "T2025-014",
        "title": "Hogere Veiligheidskunde",
        "provider": "Kader",
        "personnelNumbers": [cast.employee.personnel_number],
        "startsOn": "2025-12-01",
        "endsOn": "2026-03-31",
        "amountCents": 150_000,
        "minutesPerParticipant": 960,
        "basis": "necessary_for_function",
        "source": "Brief van 3 oktober 2025.",
    }

    answer = await client.post(
        "/existing-commitments", json={"items": [item]}, headers=keyed(cast.as_mt, "toezegging")
    )
    assert answer.status_code == 201, answer.text
    lower = await client.post(
        f"/decisions/{answer.json()['items'][0]['id']}/revisions",
        json={"outcome": "partly_granted", "amountCents": 1, "motivation": "Bijna niets."},
        headers=keyed(cast.as_mt, "lager"),
    )

    assert lower.status_code == 201, lower.text
    assert (await means_of(cast, client, 2025))["committedCents"] == 1
    assert (await hours_of(cast, client))["reservedMinutes"] == 480
