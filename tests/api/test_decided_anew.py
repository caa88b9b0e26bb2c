"""A second event after a proposal or a decision: assessed, classified or granted anew, begun."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import Any, TypeAlias

import httpx
import pytest

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
from tests.support.requests import Cast, assess, cast_of, drafted, ratings_body, request_body, step

AFTER_FIRST_SESSION = datetime(2026, 10, 6, 8, 0, tzinfo=UTC)
NEXT_ROUND = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
INVOICED_CENTS = 100_000
# Of a calendar year (VIS-8.1: 80 hours).
NORM_MINUTES = 4_800

Scene: TypeAlias = Callable[[httpx.AsyncClient, Cast, FrozenClock], Awaitable[Before]]


@pytest.fixture
async def cast(work: OpenWork, sign_in: SignIn) -> Cast:
    return await cast_of(work(), sign_in)


async def means_of(client: httpx.AsyncClient, cast: Cast, year: int) -> tuple[int, int]:
    """Return what is committed and what is spent of a year's means."""
    found = (await client.get(f"/budgets/{year}", headers=cast.as_mt)).json()
    return found["committedCents"], found["spentCents"]


async def hours_of(client: httpx.AsyncClient, cast: Cast, year: int) -> tuple[int, int]:
    """Return what is reserved and what is spent of the employee's norm."""
    path = f"/employees/{cast.employee.id}/hour-ledgers/{year}"
    found = (await client.get(path, headers=cast.as_hr)).json()
    return found["reservedMinutes"], found["spentMinutes"]


async def decided(before: Before) -> dict[str, Any]:
    """Adopt a proposal on one request, and return the decision."""
    answer = await before.decide(f"besluit-{before.proposal['id']}", adoptRest=True)
    assert answer.status_code == 201, answer.text
    [decision] = answer.json()["items"]
    return decision


async def revised(before: Before, decision: str, key: str, **body: object) -> httpx.Response:
    return await before.client.post(
        f"/decisions/{decision}/revisions",
        json={"motivation": "Nader besloten.", **body},
        headers=keyed(before.cast.as_mt, key),
    )


async def invoiced(client: httpx.AsyncClient, cast: Cast) -> None:
    """Book an invoice of part of the only commitment."""
    [commitment] = (await client.get("/commitments", headers=cast.as_hr)).json()["items"]
    answer = await client.post(
        f"/commitments/{commitment['id']}/actuals",
        json={
            "amountCents": INVOICED_CENTS,
            "invoiceReference": "F-2026-001",
            "invoicedOn": "2026-08-20",
            "final": False,
        },
        headers=keyed(cast.as_hr, "factuur"),
    )
    assert answer.status_code == 201, answer.text


async def attended(before: Before, minutes: int, *, session: int = 0) -> None:
    """Record that the employee attended a session of the only request."""
    path = f"/requests/{before.requests[0]}"
    request = (await before.client.get(path, headers=before.cast.as_hr)).json()
    answer = await before.client.post(
        f"{path}/sessions/{request['sessions'][session]['id']}/attendances",
        json={
            "attended": [{"employeeId": str(before.cast.employee.id), "attendedMinutes": minutes}]
        },
        headers=keyed(before.cast.as_hr, f"aanwezig-{session}"),
    )
    assert answer.status_code == 201, answer.text


async def put_before_the_mt(client: httpx.AsyncClient, cast: Cast, proposal: str) -> httpx.Response:
    return await client.post(
        f"/proposals/{proposal}/submission", headers={**cast.as_hr, "If-Match": "*"}
    )


async def proposed_anew(before: Before, clock: FrozenClock) -> Before:
    """Return the next proposal, on the same request, assessed anew after it was deferred."""
    client, cast = before.client, before.cast
    [request] = before.requests
    answer = await assess(client, cast.as_hr, request, ratings_body())
    assert answer.status_code == 200, answer.text
    assert (await set_means(client, cast, year=2027)).status_code == 201
    clock.set(NEXT_ROUND)
    proposal = await drafted_proposal(client, cast, await tranche_of(client, cast, request))
    answer = await put_before_the_mt(client, cast, proposal["id"])
    assert answer.status_code == 200, answer.text
    return Before(client, cast, answer.json(), [request])


async def classified(client: httpx.AsyncClient, cast: Cast, request: str, basis: str) -> None:
    answer = await step(
        client, cast.as_hr, request, "classifications", {"basis": basis, "reason": "Nader bezien."}
    )
    assert answer.status_code == 201, answer.text


async def left(client: httpx.AsyncClient, cast: Cast, left_on: str) -> dict[str, Any]:
    """Announce the employee's departure, and return what it comes to."""
    answer = await client.post(
        f"/employees/{cast.employee.id}/employment-end",
        json={"leftOn": left_on, "reason": "resignation", "initiative": "employee"},
        headers=keyed(cast.as_hr, f"uit-dienst-{left_on}"),
    )
    assert answer.status_code == 200, answer.text
    return answer.json()


# --- Deferred or refused, and granted anew --------------------------------------------------------


@pytest.mark.rule("VIS-5.1")
@pytest.mark.invariant("L6")
async def test_what_was_invoiced_is_not_taken_of_the_next_years_means_again(
    client: httpx.AsyncClient, cast: Cast, clock: FrozenClock
) -> None:
    before = await before_the_mt(client, cast, clock)
    first = await decided(before)
    await invoiced(client, cast)
    deferred = await revised(before, first["id"], "aangehouden", outcome="deferred")
    assert deferred.status_code == 201, deferred.text
    assert await means_of(client, cast, 2026) == (0, INVOICED_CENTS)

    clock.set(AFTER_FIRST_SESSION)
    again = await proposed_anew(before, clock)
    trial = await again.try_out(adoptRest=True)
    decision = await decided(again)

    assert decision["amountCents"] == COST_CENTS
    assert trial["committedCents"] == COST_CENTS - INVOICED_CENTS
    assert await means_of(client, cast, 2026) == (0, INVOICED_CENTS)
    assert await means_of(client, cast, 2027) == (COST_CENTS - INVOICED_CENTS, 0)


@pytest.mark.rule("VIS-6.6")
@pytest.mark.rule("VIS-8.1")
async def test_a_request_with_a_session_attended_can_be_deferred_and_granted_anew(
    client: httpx.AsyncClient, cast: Cast, clock: FrozenClock
) -> None:
    before = await before_the_mt(client, cast, clock)
    first = await decided(before)
    clock.set(AFTER_FIRST_SESSION)
    await attended(before, 400)
    deferred = await revised(before, first["id"], "aangehouden", outcome="deferred")
    assert deferred.status_code == 201, deferred.text
    assert await hours_of(client, cast, 2027) == (0, 0)

    again = await proposed_anew(before, clock)
    trial = await again.try_out(adoptRest=True)
    await decided(again)

    assert trial["reservedMinutes"] == 240
    assert await hours_of(client, cast, 2026) == (0, 400)
    assert await hours_of(client, cast, 2027) == (240, 0)


@pytest.mark.rule("VIS-6.6")
async def test_a_refusal_that_is_revised_to_a_grant_takes_only_what_was_not_used(
    client: httpx.AsyncClient, cast: Cast, clock: FrozenClock
) -> None:
    before = await before_the_mt(client, cast, clock)
    first = await decided(before)
    await invoiced(client, cast)
    clock.set(AFTER_FIRST_SESSION)
    await attended(before, 400)
    rejected = await revised(before, first["id"], "afgewezen", outcome="rejected")
    assert rejected.status_code == 201, rejected.text
    assert await means_of(client, cast, 2026) == (0, INVOICED_CENTS)

    granted = await revised(before, rejected.json()["id"], "toch", outcome="granted")

    assert granted.status_code == 201, granted.text
    assert await means_of(client, cast, 2026) == (COST_CENTS - INVOICED_CENTS, INVOICED_CENTS)
    assert await hours_of(client, cast, 2026) == (0, 400)
    assert await hours_of(client, cast, 2027) == (240, 0)


@pytest.mark.rule("VIS-8.3")
async def test_only_what_is_still_to_be_held_is_asked_of_the_norm_anew(
    client: httpx.AsyncClient, cast: Cast, clock: FrozenClock
) -> None:
    sessions = [
        {"heldOn": f"2027-0{month}-01", "minutes": NORM_MINUTES // 4, "workingTime": True}
        for month in (3, 5, 7, 9)
    ]
    before = await before_the_mt(
        client,
        cast,
        clock,
        request_body(cast.employee, startsOn="2027-03-01", endsOn="2027-09-01", sessions=sessions),
    )
    first = await decided(before)
    clock.set(datetime(2027, 3, 2, 8, 0, tzinfo=UTC))
    await attended(before, NORM_MINUTES // 4)
    rejected = await revised(before, first["id"], "afgewezen", outcome="rejected")

    granted = await revised(before, rejected.json()["id"], "toch", outcome="granted")

    assert granted.status_code == 201, granted.text
    assert await hours_of(client, cast, 2027) == (NORM_MINUTES * 3 // 4, NORM_MINUTES // 4)


# --- Agreements after a revision, and after the start --------------------------------------------


async def agreement_of(client: httpx.AsyncClient, cast: Cast) -> dict[str, Any]:
    """Return the agreement called for first."""
    listed = (await client.get("/agreements", headers=cast.as_hr)).json()["items"]
    path = f"/agreements/{listed[0]['id']}"
    return (await client.get(path, headers=cast.as_hr)).json()


async def sign(client: httpx.AsyncClient, cast: Cast) -> None:
    """Draw the agreement up, and have both sign it."""
    path = f"/agreements/{(await agreement_of(client, cast))['id']}"
    drawn = await client.post(
        f"{path}/drawing-up", json={}, headers={**cast.as_hr, "If-Match": "*"}
    )
    assert drawn.status_code == 200, drawn.text
    for headers in (cast.as_employee, cast.as_manager):
        answer = await client.post(
            f"{path}/signatures",
            json={"documentSha256": drawn.json()["documentSha256"]},
            headers=headers,
        )
        assert answer.status_code == 201, answer.text


@pytest.mark.rule("VIS-7.1")
@pytest.mark.rule("VIS-7.6")
async def test_an_agreement_ends_when_a_revision_comes_below_the_threshold(
    client: httpx.AsyncClient, cast: Cast, clock: FrozenClock
) -> None:
    before = await before_the_mt(
        client, cast, clock, request_body(cast.employee, basis="voluntary")
    )
    first = await decided(before)
    await sign(client, cast)

    lower = await revised(
        before,
        first["id"],
        "goedkoper",
        outcome="partly_granted",
        amountCents=100_000,
        motivation="De opleider is goedkoper.",
    )

    assert lower.status_code == 201, lower.text
    assert lower.json()["agreementsNeeded"] == []
    assert not lower.json()["repaymentApplies"]
    agreement = await agreement_of(client, cast)
    assert (agreement["status"], agreement["clauseInForce"]) == ("superseded", False)
    assert agreement["closedReason"] == "De opleider is goedkoper."
    departure = await left(client, cast, "2026-12-31")
    assert departure["claims"] == []


@pytest.mark.rule("VIS-7.1")
async def test_an_agreement_that_is_needed_no_more_is_not_drawn_up(
    client: httpx.AsyncClient, cast: Cast, clock: FrozenClock
) -> None:
    before = await before_the_mt(
        client, cast, clock, request_body(cast.employee, basis="voluntary")
    )
    first = await decided(before)
    await revised(before, first["id"], "goedkoper", outcome="partly_granted", amountCents=100_000)

    agreement = await agreement_of(client, cast)

    assert agreement["status"] == "superseded"
    drawn = await client.post(
        f"/agreements/{agreement['id']}/drawing-up",
        json={},
        headers={**cast.as_hr, "If-Match": "*"},
    )
    assert drawn.status_code == 409, drawn.text


@pytest.mark.rule("VIS-7.1")
async def test_a_grant_of_a_training_that_has_begun_calls_for_no_agreement(
    client: httpx.AsyncClient, cast: Cast, clock: FrozenClock
) -> None:
    before = await begun(client, cast, clock)

    trial = await before.try_out(adoptRest=True)
    decision = await decided(before)

    assert (decision["agreementsNeeded"], decision["repaymentApplies"]) == ([], False)
    assert trial["items"][0]["agreements"] == []
    [remark] = decision["remarks"]
    assert remark["rule"] == "VIS-7.1"
    assert "no training agreement can be signed any more" in remark["text"]
    assert (await client.get("/agreements", headers=cast.as_hr)).json()["items"] == []


@pytest.mark.rule("VIS-9.1")
async def test_an_existing_commitment_that_has_begun_calls_for_no_agreement(
    client: httpx.AsyncClient, cast: Cast, clock: FrozenClock
) -> None:
    clock.set(DECISION_DAY)
    await set_means(client, cast)
    item = {
        "reference": "T2025-014",
        "title": "Hogere Veiligheidskunde",
        "provider": "Kader",
        "personnelNumbers": [cast.employee.personnel_number],
        "startsOn": "2026-02-02",
        "endsOn": "2026-12-30",
        "amountCents": 895_000,
        "minutesPerParticipant": 2_400,
        "basis": "voluntary",
        "source": "Brief van 3 oktober 2025.",
    }

    answer = await client.post(
        "/existing-commitments", json={"items": [item]}, headers=keyed(cast.as_mt, "toezegging")
    )

    assert answer.status_code == 201, answer.text
    assert answer.json()["items"][0]["agreementsNeeded"] == []
    assert (await client.get("/agreements", headers=cast.as_hr)).json()["items"] == []


@pytest.mark.rule("VIS-7.1")
@pytest.mark.parametrize("signed", [True, False], ids=["signed by both", "not signed in time"])
async def test_a_revision_after_the_start_leaves_the_agreement_that_was_signed(
    client: httpx.AsyncClient, cast: Cast, clock: FrozenClock, *, signed: bool
) -> None:
    before = await before_the_mt(
        client, cast, clock, request_body(cast.employee, basis="voluntary")
    )
    first = await decided(before)
    if signed:
        await sign(client, cast)
    clock.set(AFTER_FIRST_SESSION)

    lower = await revised(
        before, first["id"], "lager", outcome="partly_granted", amountCents=COST_CENTS - 1
    )

    assert lower.status_code == 201, lower.text
    assert (len(lower.json()["agreementsNeeded"]), lower.json()["repaymentApplies"]) == (
        int(signed),
        signed,
    )
    agreement = await agreement_of(client, cast)
    assert agreement["status"] == ("signed" if signed else "superseded")


@pytest.mark.rule("VIS-7.6")
async def test_nobody_comes_over_a_threshold_by_half_a_cent(
    client: httpx.AsyncClient, cast: Cast, clock: FrozenClock
) -> None:
    before = await before_the_mt(
        client,
        cast,
        clock,
        request_body(
            cast.employee,
            cast.colleague,
            basis="voluntary",
            costLines=[
                {"what": "Groep", "amountCents": 399_999, "vatCents": 0, "perParticipant": False}
            ],
        ),
    )

    decision = await decided(before)

    assert decision["agreementsNeeded"] == []
    request = await client.get(f"/requests/{before.requests[0]}", headers=cast.as_hr)
    assert request.json()["costPerParticipantCents"] == 199_999


# --- Classified or assessed anew before the decision ---------------------------------------------


async def consented(client: httpx.AsyncClient, cast: Cast, clock: FrozenClock) -> str:
    """Return an interim request that the MT consented to and HR assessed."""
    clock.set(DECISION_DAY)
    await set_means(client, cast)
    request = (await drafted(client, cast.as_manager, request_body(cast.employee)))["id"]
    for headers, name, body in (
        (cast.as_manager, "submission", {"necessity": "De bevoegdheid vervalt."}),
        (cast.as_mt, "mt-consent", {"reason": "De noodzaak is aangetoond."}),
    ):
        answer = await step(client, headers, request, name, body)
        assert answer.status_code == 200, answer.text
    assert (await assess(client, cast.as_hr, request, ratings_body())).status_code == 200
    return request


async def interim_proposal(client: httpx.AsyncClient, cast: Cast, request: str) -> httpx.Response:
    return await client.post(
        "/proposals",
        json={"requestIds": [request], "title": "Tussentijds", "substantiation": "Noodzaak."},
        headers=cast.as_hr,
    )


@pytest.mark.rule("VIS-6.4")
async def test_an_interim_request_without_a_necessity_is_not_put_before_the_mt(
    client: httpx.AsyncClient, cast: Cast, clock: FrozenClock
) -> None:
    request = await consented(client, cast, clock)
    proposal = (await interim_proposal(client, cast, request)).json()
    await classified(client, cast, request, "voluntary")

    submitted = await put_before_the_mt(client, cast, proposal["id"])
    again = await client.put(
        f"/proposals/{proposal['id']}/items",
        json={"items": [{"requestId": request, "advice": "granted", "motivation": "Past."}]},
        headers={**cast.as_hr, "If-Match": "*"},
    )
    another = await interim_proposal(client, cast, request)

    problem(submitted, 409, "necessity-missing", "VIS-6.4")
    problem(again, 409, "necessity-missing", "VIS-6.4")
    problem(another, 409, "necessity-missing", "VIS-6.4")


@pytest.mark.rule("VIS-6.4")
async def test_an_interim_request_that_lost_its_necessity_is_not_granted_but_can_be_refused(
    client: httpx.AsyncClient, cast: Cast, clock: FrozenClock
) -> None:
    before = await without_necessity(client, cast, clock)
    [request] = before.requests

    trial = await before.try_out(adoptRest=True)
    refused = await before.decide("over", adoptRest=True)
    rejected = await before.decide(
        "af", items=[{"requestId": request, "outcome": "rejected", "motivation": "Geen noodzaak."}]
    )

    assert [breach["kind"] for breach in trial["items"][0]["breaches"]] == ["necessity_missing"]
    assert "voluntary" in trial["items"][0]["breaches"][0]["text"]
    problem(refused, 409, "necessity-missing", "VIS-6.4")
    assert rejected.status_code == 201, rejected.text
    problem(
        await revised(before, rejected.json()["items"][0]["id"], "toch", outcome="granted"),
        409,
        "necessity-missing",
        "VIS-6.4",
    )


@pytest.mark.rule("VIS-6.4")
async def test_what_the_mt_granted_with_a_necessity_stays_to_be_lowered(
    client: httpx.AsyncClient, cast: Cast, clock: FrozenClock
) -> None:
    request = await consented(client, cast, clock)
    proposal = (await interim_proposal(client, cast, request)).json()
    assert (await put_before_the_mt(client, cast, proposal["id"])).status_code == 200
    before = Before(client, cast, proposal, [request])
    first = await decided(before)
    await classified(client, cast, request, "voluntary")

    lower = await revised(
        before, first["id"], "lager", outcome="partly_granted", amountCents=100_000
    )

    assert lower.status_code == 201, lower.text


@pytest.mark.rule("VIS-9.1")
async def test_an_existing_commitment_needs_no_necessity_also_when_it_is_decided_anew(
    client: httpx.AsyncClient, cast: Cast, clock: FrozenClock
) -> None:
    clock.set(DECISION_DAY)
    await set_means(client, cast)
    item = {
        "reference": "T2025-015",
        "title": "Hogere Veiligheidskunde",
        "provider": "Kader",
        "personnelNumbers": [cast.employee.personnel_number],
        "startsOn": "2026-11-02",
        "endsOn": "2026-12-30",
        "amountCents": 100_000,
        "minutesPerParticipant": 480,
        "basis": "voluntary",
        "source": "Brief van 3 oktober 2025.",
    }
    taken = await client.post(
        "/existing-commitments", json={"items": [item]}, headers=keyed(cast.as_mt, "toezegging")
    )
    assert taken.status_code == 201, taken.text
    first = taken.json()["items"][0]
    before = Before(client, cast, {}, [first["requestId"]])

    rejected = await revised(before, first["id"], "af", outcome="rejected")
    granted = await revised(before, rejected.json()["id"], "toch", outcome="granted")

    assert granted.status_code == 201, granted.text


@pytest.mark.rule("VIS-6.3")
@pytest.mark.parametrize("changed", ["assessed anew", "classified anew"])
async def test_a_proposal_with_old_figures_is_not_put_before_the_mt(
    client: httpx.AsyncClient, cast: Cast, clock: FrozenClock, changed: str
) -> None:
    request = await assessed(client, cast, cast.employee)
    await set_means(client, cast)
    clock.set(AFTER_CLOSING)
    proposal = await drafted_proposal(client, cast, await tranche_of(client, cast, request))
    if changed == "assessed anew":
        await assess(client, cast.as_hr, request, ratings_body(1))
    else:
        await classified(client, cast, request, "voluntary")

    refused = await put_before_the_mt(client, cast, proposal["id"])
    renewed = await client.put(
        f"/proposals/{proposal['id']}/items",
        json={"items": [{"requestId": request, "advice": "granted", "motivation": "Past."}]},
        headers={**cast.as_hr, "If-Match": "*"},
    )
    accepted = await put_before_the_mt(client, cast, proposal["id"])

    told = problem(refused, 409, "proposal-item-outdated", "VIS-6.3")
    reference = (await client.get(f"/requests/{request}", headers=cast.as_hr)).json()["reference"]
    assert told["references"] == [reference]
    assert renewed.status_code == 200, renewed.text
    [before], [after] = proposal["items"], renewed.json()["items"]
    assert (before["score"], before["priority"]) != (after["score"], after["priority"])
    assert accepted.status_code == 200, accepted.text


@pytest.mark.rule("VIS-6.3")
@pytest.mark.parametrize(
    ("advised", "slug"),
    [
        pytest.param(
            {"advice": "granted", "amountCents": COST_CENTS + 1}, "more-than-requested", id="more"
        ),
        pytest.param(
            {"advice": "granted", "amountCents": COST_CENTS - 1},
            "decision-contradicts-itself",
            id="granted, of a part",
        ),
        pytest.param(
            {"advice": "partly_granted"}, "decision-contradicts-itself", id="a part of the whole"
        ),
    ],
)
async def test_an_advice_that_could_never_be_adopted_is_not_put_in_a_proposal(
    client: httpx.AsyncClient,
    cast: Cast,
    clock: FrozenClock,
    advised: dict[str, object],
    slug: str,
) -> None:
    request = await assessed(client, cast, cast.employee)
    clock.set(AFTER_CLOSING)
    proposal = await drafted_proposal(client, cast, await tranche_of(client, cast, request))

    answer = await client.put(
        f"/proposals/{proposal['id']}/items",
        json={"items": [{"requestId": request, "motivation": "Past.", **advised}]},
        headers={**cast.as_hr, "If-Match": "*"},
    )

    problem(answer, 409, slug, "VIS-6.3")


# --- Who leaves ----------------------------------------------------------------------------------


async def leaves_halfway(
    client: httpx.AsyncClient, cast: Cast, clock: FrozenClock, *, minutes: Sequence[int]
) -> Before:
    """Return a proposal on sessions in February and on two after the employee's last day."""
    days = [f"2027-02-{day:02}" for day in range(1, len(minutes) + 1)]
    sessions = [
        {"heldOn": held_on, "minutes": asked, "workingTime": True}
        for held_on, asked in zip(
            [*days, "2027-07-01", "2027-09-01"], [*minutes, 1_300, 1_300], strict=True
        )
    ]
    before = await before_the_mt(
        client,
        cast,
        clock,
        request_body(cast.employee, startsOn="2027-02-01", endsOn="2027-09-01", sessions=sessions),
    )
    await left(client, cast, "2027-03-31")
    return before


@pytest.mark.rule("VIS-8.3")
async def test_sessions_after_the_last_day_are_not_asked_of_a_norm_that_binds(
    client: httpx.AsyncClient, cast: Cast, clock: FrozenClock
) -> None:
    before = await leaves_halfway(client, cast, clock, minutes=[1_200] * 4)

    trial = await before.try_out(adoptRest=True)
    await decided(before)

    assert (trial["blocked"], trial["reservedMinutes"]) == (False, NORM_MINUTES)
    assert await hours_of(client, cast, 2027) == (NORM_MINUTES, 0)


# --- The trial and the decision ------------------------------------------------------------------


async def granted_anew(client: httpx.AsyncClient, cast: Cast, clock: FrozenClock) -> Before:
    """Return a proposal on a request of which a part was used before it was deferred."""
    before = await before_the_mt(client, cast, clock)
    first = await decided(before)
    await invoiced(client, cast)
    clock.set(AFTER_FIRST_SESSION)
    await attended(before, 400)
    await revised(before, first["id"], "aangehouden", outcome="deferred")
    return await proposed_anew(before, clock)


async def granted_anew_beyond_the_means(
    client: httpx.AsyncClient, cast: Cast, clock: FrozenClock
) -> Before:
    """Return the same, with means one cent short of what was not invoiced yet."""
    again = await granted_anew(client, cast, clock)
    short = COST_CENTS - INVOICED_CENTS - 1
    assert (await set_means(client, cast, year=2027, amount_cents=short)).status_code == 201
    return again


async def begun(client: httpx.AsyncClient, cast: Cast, clock: FrozenClock) -> Before:
    """Return a proposal on a training that starts on the day of decision."""
    day = DECISION_DAY.date().isoformat()
    sessions = [{"heldOn": day, "minutes": 480, "workingTime": True}]
    body = request_body(cast.employee, basis="voluntary", startsOn=day, sessions=sessions)
    return await before_the_mt(client, cast, clock, body)


async def leaves_with_room(client: httpx.AsyncClient, cast: Cast, clock: FrozenClock) -> Before:
    return await leaves_halfway(client, cast, clock, minutes=[1_200] * 4)


async def leaves_without_room(client: httpx.AsyncClient, cast: Cast, clock: FrozenClock) -> Before:
    return await leaves_halfway(client, cast, clock, minutes=[*[1_200] * 4, 1])


async def without_necessity(client: httpx.AsyncClient, cast: Cast, clock: FrozenClock) -> Before:
    """Return a proposal on an interim request that was classified as voluntary afterwards."""
    request = await consented(client, cast, clock)
    proposal = (await interim_proposal(client, cast, request)).json()
    assert (await put_before_the_mt(client, cast, proposal["id"])).status_code == 200
    await classified(client, cast, request, "voluntary")
    return Before(client, cast, proposal, [request])


@pytest.mark.rule("VIS-6.6")
@pytest.mark.parametrize(
    ("scene", "kinds"),
    [
        (granted_anew, ["started_before"]),
        (granted_anew_beyond_the_means, ["means_exceeded", "started_before"]),
        (begun, ["started_before"]),
        (leaves_with_room, ["ends_employment_before"]),
        (leaves_without_room, ["norm_exceeded", "ends_employment_before"]),
        (without_necessity, ["necessity_missing"]),
    ],
)
async def test_a_trial_runs_into_what_the_decision_itself_runs_into(
    client: httpx.AsyncClient, cast: Cast, clock: FrozenClock, scene: Scene, kinds: list[str]
) -> None:
    before = await scene(client, cast, clock)

    trial = await before.try_out(adoptRest=True)
    answer = await before.decide(adoptRest=True)

    [tried] = trial["items"]
    assert [breach["kind"] for breach in tried["breaches"]] == kinds
    stopping = [breach for breach in tried["breaches"] if breach["blocking"]]
    assert (answer.status_code == 201) is (not stopping)
    assert trial["blocked"] is bool(stopping)
    if stopping:
        told = answer.json()["facts"]["breaches"]
        assert [breach["kind"] for breach in told] == [breach["kind"] for breach in stopping]
        for breach, of_trial in zip(told, stopping, strict=True):
            assert breach.items() >= of_trial["facts"].items()
    else:
        [decision] = answer.json()["items"]
        assert [remark["text"] for remark in decision["remarks"]] == [
            breach["text"] for breach in tried["breaches"]
        ]
        assert decision["agreementsNeeded"] == tried["agreements"]
