"""Leaving over HTTP: what is claimed, what waits for a person, what is let go or handed over."""

import asyncio
from datetime import UTC, date, datetime
from typing import Any
from uuid import uuid4

import httpx
import psycopg
import pytest

from app.agreements.service import AgreementService
from app.hours.rules import Reservation
from app.hours.service import HourService
from app.kernel.actors import Role
from app.people.rules import LeavingInitiative, LeavingReason
from app.people.service import PeopleService
from app.requests.rules import TrainingBasis
from app.requests.service import RequestService
from tests.conftest import OpenWork, SignIn
from tests.support.agreements import (
    COLLEAGUE,
    EMPLOYEE,
    HR,
    MANAGER,
    MT,
    Scene,
    completed,
    drawn_up,
    make_scene,
    reclassify,
    signed,
)
from tests.support.clock import FrozenClock
from tests.support.organisations import Organisation


@pytest.fixture
async def scene(organisation: Organisation, work: OpenWork) -> Scene:
    return await make_scene(organisation, work)


@pytest.fixture
def hr(sign_in: SignIn) -> dict[str, str]:
    return sign_in(Role.HR, person=HR)


@pytest.fixture
def mt(sign_in: SignIn) -> dict[str, str]:
    return sign_in(Role.MT, person=MT)


def keyed(headers: dict[str, str], etag: str | None = None) -> dict[str, str]:
    """Return the headers with a key of their own, and the ETag that was read."""
    return (
        headers | {"Idempotency-Key": f'"{uuid4()}"'} | ({} if etag is None else {"If-Match": etag})
    )


async def leave(
    client: httpx.AsyncClient,
    scene: Scene,
    headers: dict[str, str],
    *,
    left_on: str = "2026-12-31",
    reason: str = "resignation",
    initiative: str = "employee",
    person: str = EMPLOYEE,
) -> httpx.Response:
    return await client.post(
        f"/employees/{scene.staff[person]}/employment-end",
        json={"leftOn": left_on, "reason": reason, "initiative": initiative},
        headers=keyed(headers),
    )


async def act(
    client: httpx.AsyncClient,
    claim: dict[str, Any],
    action: str,
    headers: dict[str, str],
    **body: object,
) -> httpx.Response:
    return await client.post(
        f"/repayment-claims/{claim['id']}/{action}",
        json=body,
        headers=keyed(headers, f'"{claim["version"]}"'),
    )


def refused(answer: httpx.Response, status: int, slug: str, rule: str | None) -> None:
    """Check that the answer is this refusal, and that it names this rule."""
    assert answer.status_code == status, answer.text
    problem: dict[str, Any] = answer.json()
    assert problem["type"].endswith(f"/{slug}")
    assert problem.get("rule", {"id": None})["id"] == rule


@pytest.mark.rule("VIS-7.7")
@pytest.mark.rule("VIS-7.8")
async def test_leaving_before_completion_gives_rise_to_a_claim_on_all_of_it(
    client: httpx.AsyncClient, scene: Scene, hr: dict[str, str]
) -> None:
    await signed(scene)
    answer = await leave(client, scene, hr)
    assert answer.status_code == 200, answer.text
    [claim] = answer.json()["claims"]
    assert answer.json()["withoutClaim"] == []
    assert (claim["status"], claim["band"]) == ("due", "not_completed")
    assert (claim["amountCents"], claim["principalCents"]) == (427_950, 427_950)
    assert claim["waitsFor"] == []
    assert [step["rule"] for step in claim["steps"]] == ["LAW-3", "VIS-7.7", None]
    read = await client.get(f"/repayment-claims/{claim['id']}", headers=hr)
    assert read.json() == claim
    assert read.headers["etag"] == '"1"'


@pytest.mark.rule("VIS-7.8")
@pytest.mark.parametrize("reason", ["resignation", "retirement", "mutual_consent", "end_of_term"])
async def test_the_reason_of_leaving_does_not_change_the_amount(
    client: httpx.AsyncClient, scene: Scene, hr: dict[str, str], reason: str
) -> None:
    await signed(scene)
    [claim] = (await leave(client, scene, hr, reason=reason)).json()["claims"]
    assert claim["amountCents"] == 427_950


@pytest.mark.rule("VIS-7.7")
@pytest.mark.parametrize(
    ("left_on", "amount_cents"),
    [
        pytest.param("2028-02-28", 427_950, id="12 months after completion"),
        pytest.param("2028-02-29", 213_975, id="the day after"),
        pytest.param("2029-02-27", 213_975, id="the day before 24 months"),
        pytest.param("2029-02-28", None, id="24 months"),
    ],
)
async def test_the_claim_follows_the_bands_after_completion(
    *,
    client: httpx.AsyncClient,
    scene: Scene,
    clock: FrozenClock,
    hr: dict[str, str],
    left_on: str,
    amount_cents: int | None,
) -> None:
    await signed(scene)
    clock.set(datetime(2027, 3, 1, 9, 0, tzinfo=UTC))
    await completed(scene)
    departure = (await leave(client, scene, hr, left_on=left_on)).json()
    if amount_cents is None:
        [none] = departure["withoutClaim"]
        assert none["agreementId"] == str(scene.agreement_id)
        assert none["steps"][1]["rule"] == "VIS-7.7"
    else:
        [claim] = departure["claims"]
        assert claim["amountCents"] == amount_cents


@pytest.mark.rule("VIS-7.3")
@pytest.mark.rule("LAW-2")
async def test_without_both_signatures_nothing_is_claimed(
    client: httpx.AsyncClient, scene: Scene, hr: dict[str, str]
) -> None:
    await drawn_up(scene)
    departure = (await leave(client, scene, hr)).json()
    assert departure["claims"] == []
    [none] = departure["withoutClaim"]
    assert none["steps"][0]["rule"] == "VIS-7.3"


@pytest.mark.rule("LAW-1")
async def test_nothing_is_claimed_for_a_training_that_turned_out_to_be_obligatory(
    client: httpx.AsyncClient, scene: Scene, hr: dict[str, str]
) -> None:
    await signed(scene)
    await reclassify(scene, TrainingBasis.CAO)
    departure = (await leave(client, scene, hr)).json()
    assert departure["claims"] == []
    assert departure["withoutClaim"][0]["steps"][0]["rule"] == "LAW-1"


@pytest.mark.rule("LAW-1")
async def test_a_reclassification_withdraws_the_claim_under_a_clause_that_is_void(
    client: httpx.AsyncClient, scene: Scene, hr: dict[str, str]
) -> None:
    await signed(scene)
    [claim] = (await leave(client, scene, hr)).json()["claims"]
    answer = await client.post(
        f"/requests/{scene.request_id}/classifications",
        json={"basis": "statutory", "reason": "Nader onderzoek."},
        headers=hr | {"If-Match": "*"},
    )
    assert answer.json()["agreementIds"] == [str(scene.agreement_id)]
    withdrawn = (await client.get(f"/repayment-claims/{claim['id']}", headers=hr)).json()
    assert withdrawn["status"] == "withdrawn"
    assert withdrawn["withdrawal"]["supersededById"] is None


@pytest.mark.rule("LAW-3")
@pytest.mark.parametrize(
    ("reason", "initiative"),
    [
        ("dismissal", "employer"),
        ("end_of_term", "employer"),
        ("death", "unknown"),
        ("long_illness", "employee"),
        ("unknown", "employee"),
    ],
)
async def test_some_claims_wait_for_a_named_persons_confirmation(
    client: httpx.AsyncClient, scene: Scene, hr: dict[str, str], reason: str, initiative: str
) -> None:
    await signed(scene)
    departure = await leave(client, scene, hr, reason=reason, initiative=initiative)
    [claim] = departure.json()["claims"]
    assert claim["status"] == "awaiting_confirmation"
    assert claim["waitsFor"]
    assert {step["rule"] for step in claim["waitsFor"]} == {"LAW-3"}
    early = await act(client, claim, "export", hr, costMadeCents=1, payrollReference="SAL-1")
    refused(early, 409, "claim-action-refused", "LAW-3")
    confirmed = await act(client, claim, "confirmation", hr, reason="Besproken met de jurist.")
    assert confirmed.status_code == 200, confirmed.text
    assert confirmed.json()["status"] == "due"
    assert confirmed.json()["confirmation"]["byId"] == str(scene.staff[HR])
    assert confirmed.json()["confirmation"]["reason"] == "Besproken met de jurist."


@pytest.mark.rule("LAW-3")
async def test_an_urgent_cause_does_not_wait(
    client: httpx.AsyncClient, scene: Scene, hr: dict[str, str]
) -> None:
    await signed(scene)
    departure = await leave(client, scene, hr, reason="urgent_cause", initiative="employer")
    assert departure.json()["claims"][0]["status"] == "due"


@pytest.mark.rule("LAW-3")
async def test_nobody_decides_on_a_claim_against_themselves_and_no_service_does(
    client: httpx.AsyncClient, scene: Scene, sign_in: SignIn, hr: dict[str, str]
) -> None:
    await signed(scene)
    departure = await leave(client, scene, hr, reason="dismissal", initiative="employer")
    [claim] = departure.json()["claims"]
    own = await act(
        client, claim, "confirmation", sign_in(Role.HR, person=EMPLOYEE), reason="Goed."
    )
    refused(own, 403, "own-claim", "LAW-3")
    nameless = await act(client, claim, "confirmation", sign_in(Role.HR), reason="Goed.")
    refused(nameless, 403, "named-person-needed", "VIS-5.3")


@pytest.mark.rule("LAW-3")
async def test_the_mt_waives_a_claim_with_a_reason_and_it_is_not_made_again(
    client: httpx.AsyncClient, scene: Scene, hr: dict[str, str], mt: dict[str, str]
) -> None:
    await signed(scene)
    [claim] = (await leave(client, scene, hr)).json()["claims"]
    refused(await act(client, claim, "waiver", hr, reason="Coulance."), 403, "role-refused", None)
    waived = (await act(client, claim, "waiver", mt, reason="Coulance.")).json()
    assert waived["status"] == "waived"
    assert waived["waiver"]["reason"] == "Coulance."
    later = {**claim, "version": waived["version"]}
    again = await act(client, later, "waiver", mt, reason="Coulance.")
    refused(again, 409, "claim-action-refused", "LAW-3")
    departure = (await leave(client, scene, hr, left_on="2027-01-31")).json()
    assert [each["id"] for each in departure["claims"]] == [claim["id"]]
    assert departure["claims"][0]["status"] == "waived"


@pytest.mark.rule("LAW-3")
async def test_a_claim_goes_to_payroll_on_the_cost_really_made(
    client: httpx.AsyncClient, scene: Scene, hr: dict[str, str]
) -> None:
    await signed(scene)
    [claim] = (await leave(client, scene, hr)).json()["claims"]
    exported = await act(
        client, claim, "export", hr, costMadeCents=400_001, payrollReference="SAL-2027-01"
    )
    assert exported.status_code == 200, exported.text
    assert exported.json()["status"] == "exported"
    assert exported.json()["amountCents"] == 400_001
    assert exported.json()["export"]["payrollReference"] == "SAL-2027-01"
    # What has gone to payroll stands, also when the last day changes.
    departure = (await leave(client, scene, hr, left_on="2027-01-31")).json()
    assert [each["id"] for each in departure["claims"]] == [claim["id"]]


@pytest.mark.rule("LAW-3")
async def test_a_claim_is_never_more_than_what_was_agreed(
    client: httpx.AsyncClient, scene: Scene, hr: dict[str, str]
) -> None:
    await signed(scene)
    [claim] = (await leave(client, scene, hr)).json()["claims"]
    exported = await act(
        client, claim, "export", hr, costMadeCents=900_000, payrollReference="SAL-1"
    )
    assert exported.json()["amountCents"] == 427_950


@pytest.mark.rule("VIS-7.6")
@pytest.mark.parametrize(
    ("cost_made_cents", "status"),
    [pytest.param(199_999, 409, id="one cent less"), pytest.param(200_000, 200, id="as much")],
)
async def test_cost_that_stayed_under_the_threshold_is_not_reclaimed(
    client: httpx.AsyncClient, scene: Scene, hr: dict[str, str], cost_made_cents: int, status: int
) -> None:
    await signed(scene)
    [claim] = (await leave(client, scene, hr)).json()["claims"]
    answer = await act(
        client, claim, "export", hr, costMadeCents=cost_made_cents, payrollReference="SAL-1"
    )
    assert answer.status_code == status
    if status == 409:
        refused(answer, 409, "claim-has-no-ground", "VIS-7.6")


@pytest.mark.rule("VIS-7.7")
async def test_a_last_day_that_moves_replaces_the_claim(
    client: httpx.AsyncClient, scene: Scene, hr: dict[str, str]
) -> None:
    await signed(scene)
    [first] = (await leave(client, scene, hr, left_on="2026-12-31")).json()["claims"]
    [same] = (await leave(client, scene, hr, left_on="2026-12-31")).json()["claims"]
    assert same["id"] == first["id"]
    [second] = (await leave(client, scene, hr, left_on="2027-01-31")).json()["claims"]
    assert second["id"] != first["id"]
    withdrawn = (await client.get(f"/repayment-claims/{first['id']}", headers=hr)).json()
    assert withdrawn["status"] == "withdrawn"
    assert withdrawn["withdrawal"]["supersededById"] == second["id"]
    # Before the training starts nothing is owed, so the claim goes without a successor.
    departure = (await leave(client, scene, hr, left_on="2026-08-31")).json()
    assert departure["claims"] == []
    assert departure["withoutClaim"][0]["steps"][1]["rule"] == "VIS-7.7"
    page = (await client.get("/repayment-claims?status=withdrawn", headers=hr)).json()
    assert {each["id"] for each in page["items"]} == {first["id"], second["id"]}


async def test_the_same_key_ends_an_employment_once(
    client: httpx.AsyncClient, scene: Scene, hr: dict[str, str]
) -> None:
    await signed(scene)
    path = f"/employees/{scene.staff[EMPLOYEE]}/employment-end"
    body = {"leftOn": "2026-12-31", "reason": "resignation", "initiative": "employee"}
    assert (await client.post(path, json=body, headers=hr)).status_code == 400
    headers = keyed(hr)
    first = await client.post(path, json=body, headers=headers)
    second = await client.post(path, json=body, headers=headers)
    assert first.content == second.content
    page = (await client.get("/repayment-claims", headers=hr)).json()
    assert len(page["items"]) == 1


async def test_an_end_that_can_not_be_is_refused(
    client: httpx.AsyncClient, scene: Scene, clock: FrozenClock, hr: dict[str, str]
) -> None:
    early = await leave(client, scene, hr, left_on="2019-12-31")
    assert early.status_code == 409
    nobody = await client.post(
        f"/employees/{uuid4()}/employment-end",
        json={"leftOn": "2026-12-31", "reason": "resignation", "initiative": "employee"},
        headers=keyed(hr),
    )
    refused(nobody, 404, "employee-not-found", None)
    unknown = await leave(client, scene, hr, reason="fancy")
    assert unknown.status_code == 400
    assert (await leave(client, scene, hr, left_on="2026-06-30")).status_code == 200
    clock.set(datetime(2026, 7, 1, 9, 0, tzinfo=UTC))
    over = await leave(client, scene, hr, left_on="2026-12-31")
    assert over.status_code == 409


async def test_two_ends_at_once_leave_one_claim(
    client: httpx.AsyncClient, scene: Scene, hr: dict[str, str]
) -> None:
    await signed(scene)
    answers = await asyncio.gather(
        *(leave(client, scene, hr, left_on=f"2026-12-{day}") for day in (28, 29, 30, 31))
    )
    assert {answer.status_code for answer in answers} == {200}
    claims = (await client.get("/repayment-claims", headers=hr)).json()["items"]
    assert sorted(claim["status"] for claim in claims) == ["due", *["withdrawn"] * 3]


@pytest.mark.rule("LAW-12")
async def test_a_citizen_service_number_has_no_place_in_a_reason(
    client: httpx.AsyncClient, scene: Scene, hr: dict[str, str], mt: dict[str, str]
) -> None:
    await signed(scene)
    [claim] = (await leave(client, scene, hr)).json()["claims"]
    answer = await act(client, claim, "waiver", mt, reason="BSN 111222333, coulance.")
    assert answer.json()["rule"]["id"] == "LAW-12"


async def test_the_hris_announces_who_leaves(
    client: httpx.AsyncClient, scene: Scene, sign_in: SignIn
) -> None:
    answer = await leave(client, scene, sign_in(Role.HRIS), person=COLLEAGUE)
    assert answer.status_code == 200, answer.text
    assert answer.json()["claims"] == answer.json()["withoutClaim"] == []
    stranger = await leave(client, scene, sign_in(Role.MANAGER, person=MANAGER))
    refused(stranger, 403, "role-refused", None)


async def test_claims_are_seen_by_those_they_concern(
    client: httpx.AsyncClient,
    scene: Scene,
    sign_in: SignIn,
    hr: dict[str, str],
    elsewhere: dict[str, str],
) -> None:
    await signed(scene)
    [claim] = (await leave(client, scene, hr)).json()["claims"]
    path = f"/repayment-claims/{claim['id']}"
    own = await client.get(path, headers=sign_in(Role.EMPLOYEE, person=EMPLOYEE))
    assert own.status_code == 200
    for stranger in (sign_in(Role.EMPLOYEE, person=COLLEAGUE), elsewhere):
        refused(await client.get(path, headers=stranger), 404, "claim-not-found", None)
        assert (await client.get("/repayment-claims", headers=stranger)).json()["items"] == []
    for action in ("confirmation", "waiver"):
        answer = await act(client, claim, action, elsewhere, reason="Niet van ons.")
        refused(answer, 404, "claim-not-found", None)
    answer = await client.post(
        f"/employees/{scene.staff[EMPLOYEE]}/employment-end",
        json={"leftOn": "2026-12-31", "reason": "resignation", "initiative": "employee"},
        headers=keyed(elsewhere),
    )
    assert answer.status_code == 404


async def test_what_was_decided_on_a_claim_is_in_the_audit_trail(
    client: httpx.AsyncClient, scene: Scene, hr: dict[str, str], owner_url: str
) -> None:
    await signed(scene)
    departure = await leave(client, scene, hr, reason="dismissal", initiative="employer")
    [claim] = departure.json()["claims"]
    confirmed = (await act(client, claim, "confirmation", hr, reason="Besproken.")).json()
    await act(client, confirmed, "export", hr, costMadeCents=427_950, payrollReference="SAL-1")
    async with await psycopg.AsyncConnection.connect(owner_url) as connection:
        await connection.execute(
            "SELECT set_config('app.organisation_id', %s, true)", (str(scene.organisation.id),)
        )
        rows = await connection.execute(
            "SELECT action, reason, after ->> 'status' FROM audit_entries"
            " WHERE organisation_id = %s AND object_id = %s ORDER BY recorded_at, id",
            (scene.organisation.id, claim["id"]),
        )
        assert await rows.fetchall() == [
            ("claim.made", None, "awaiting_confirmation"),
            ("claim.confirmed", "Besproken.", "due"),
            ("claim.exported", None, "exported"),
        ]


async def test_a_stale_claim_is_not_decided_on(
    client: httpx.AsyncClient, scene: Scene, hr: dict[str, str], mt: dict[str, str]
) -> None:
    await signed(scene)
    departure = await leave(client, scene, hr, reason="dismissal", initiative="employer")
    [claim] = departure.json()["claims"]
    await act(client, claim, "confirmation", hr, reason="Besproken.")
    refused(await act(client, claim, "waiver", mt, reason="Toch niet."), 412, "stale-version", None)


@pytest.mark.rule("VIS-8.1")
async def test_hours_reserved_after_the_last_day_are_released(
    client: httpx.AsyncClient, scene: Scene, hr: dict[str, str]
) -> None:
    person = scene.staff[EMPLOYEE]
    async with scene.work() as work:
        details = (await RequestService(work).lock((scene.request_id,)))[scene.request_id]
        held = [
            Reservation(details.id, person, each.id, each.held_on, each.minutes, each.working_time)
            for each in details.sessions
        ]
        await HourService(work).reserve(held, decision_id=uuid4())
    # The first session is on 1 September 2026, the last day of employment itself.
    assert (await leave(client, scene, hr, left_on="2026-09-01")).status_code == 200
    async with scene.work() as work:
        rooms = await HourService(work).rooms([(person, 2026), (person, 2027)])
    assert rooms[person, 2026].reserved_minutes == 480
    assert rooms[person, 2027].reserved_minutes == 0


@pytest.mark.invariant("F5")
async def test_many_departures_are_settled_together_each_with_its_own_claims(
    scene: Scene,
) -> None:
    await signed(scene)
    async with scene.work() as work:
        service = AgreementService(work)
        assert await service.settle_departures(()) == []
        ends = [
            await PeopleService(work).end_employment(
                scene.staff[person],
                left_on=date(2026, 12, 31),
                reason=LeavingReason.RESIGNATION,
                initiative=LeavingInitiative.EMPLOYEE,
            )
            for person in (COLLEAGUE, EMPLOYEE)
        ]
        colleague, employee = await service.settle_departures(ends)
    assert colleague.claims == colleague.without_claim == ()
    assert [claim.amount_cents for claim in employee.claims] == [427_950]
