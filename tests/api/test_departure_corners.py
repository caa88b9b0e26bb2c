"""Leaving, and what happens before or after it: signing, completing, cancelling, returning."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from app.agreements.service import AgreementService
from app.kernel.actors import Role
from app.kernel.quantities import Cents
from app.requests.service import RequestService
from tests.conftest import OpenWork, SignIn
from tests.support.agreements import (
    COLLEAGUE,
    COST_CENTS,
    EMPLOYEE,
    HR,
    MANAGER,
    MT,
    Scene,
    actor,
    called_for,
    drawn_up,
    make_scene,
    signed,
    training,
)
from tests.support.clock import FrozenClock
from tests.support.organisations import Organisation
from tests.support.sql import connected

# A day on which the scene's training is under way.
STARTED = datetime(2026, 11, 2, 9, tzinfo=UTC)
NOT_KNOWN = ("unknown", "unknown")


@pytest.fixture
async def scene(organisation: Organisation, work: OpenWork) -> Scene:
    return await make_scene(organisation, work)


@pytest.fixture
def hr(sign_in: SignIn) -> dict[str, str]:
    return sign_in(Role.HR, person=HR)


def keyed(headers: dict[str, str]) -> dict[str, str]:
    return headers | {"Idempotency-Key": f'"{uuid4()}"', "If-Match": "*"}


async def end(
    client: httpx.AsyncClient,
    scene: Scene,
    headers: dict[str, str],
    left_on: str,
    why: tuple[str, str] = ("resignation", "employee"),
) -> httpx.Response:
    """Record an end of the employee's employment, with its reason and initiative."""
    return await client.post(
        f"/employees/{scene.staff[EMPLOYEE]}/employment-end",
        json={"leftOn": left_on, "reason": why[0], "initiative": why[1]},
        headers=keyed(headers),
    )


async def leave(
    client: httpx.AsyncClient, scene: Scene, headers: dict[str, str], left_on: str
) -> dict[str, Any]:
    answer = await end(client, scene, headers, left_on)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def stay(
    client: httpx.AsyncClient, scene: Scene, headers: dict[str, str], person: str = EMPLOYEE
) -> httpx.Response:
    return await client.post(
        f"/employees/{scene.staff[person]}/employment-end/withdrawal", headers=keyed(headers)
    )


async def claims(client: httpx.AsyncClient, headers: dict[str, str]) -> list[dict[str, Any]]:
    return (await client.get("/repayment-claims", headers=headers)).json()["items"]


async def standing(client: httpx.AsyncClient, headers: dict[str, str]) -> list[tuple[str, str]]:
    """Return of each claim its status and the last day it is for, oldest first."""
    return [(claim["status"], claim["leavesOn"]) for claim in await claims(client, headers)]


async def live_cents(client: httpx.AsyncClient, headers: dict[str, str]) -> list[int]:
    """Return the amounts of the claims that are not withdrawn."""
    found = await claims(client, headers)
    return [claim["amountCents"] for claim in found if claim["status"] != "withdrawn"]


async def sign(
    client: httpx.AsyncClient, scene: Scene, headers: dict[str, str], sha256: str
) -> httpx.Response:
    return await client.post(
        f"/agreements/{scene.agreement_id}/signatures",
        json={"documentSha256": sha256},
        headers=headers,
    )


def refused(answer: httpx.Response, status: int, slug: str) -> None:
    assert answer.status_code == status, answer.text
    assert answer.json()["type"] == f"/problems/{slug}"


# --- Signing ------------------------------------------------------------------------------------


@pytest.mark.rule("VIS-7.8")
async def test_an_agreement_signed_after_the_end_was_announced_gives_rise_to_its_claim(
    client: httpx.AsyncClient, scene: Scene, hr: dict[str, str]
) -> None:
    assert (await leave(client, scene, hr, "2026-12-31"))["claims"] == []
    await signed(scene)
    [claim] = await claims(client, hr)
    assert (claim["status"], claim["leavesOn"]) == ("due", "2026-12-31")
    assert claim["amountCents"] == 427_950


@pytest.mark.rule("VIS-7.3")
async def test_who_has_left_signs_nothing_any_more(
    client: httpx.AsyncClient,
    scene: Scene,
    hr: dict[str, str],
    clock: FrozenClock,
    sign_in: SignIn,
) -> None:
    sha256 = (await drawn_up(scene)).row.document_sha256 or ""
    employee = sign_in(Role.EMPLOYEE, person=EMPLOYEE)
    await leave(client, scene, hr, "2026-06-15")
    last_day = clock.now()
    clock.set(last_day.replace(day=16))
    refused(await sign(client, scene, employee, sha256), 409, "not-employed")
    clock.set(last_day)
    assert (await sign(client, scene, employee, sha256)).status_code == 201


# --- Another decision ---------------------------------------------------------------------------


async def decided_anew(scene: Scene, cost_cents: int) -> list[UUID]:
    """Call for an agreement on a later decision; return the ids of those that it rests on."""
    async with scene.work() as work:
        service = AgreementService(work)
        before = await service.agreement(scene.agreement_id)
        details = (await RequestService(work).details((scene.request_id,)))[scene.request_id]
        return await service.call_for(
            details,
            employee_ids=[scene.staff[EMPLOYEE]],
            decision_id=uuid4(),
            policy_version_id=before.row.policy_version_id,
            cost_cents=Cents(cost_cents),
        )


@pytest.mark.rule("LAW-3")
async def test_a_later_decision_withdraws_the_claim_under_the_agreement_it_supersedes(
    client: httpx.AsyncClient, scene: Scene, hr: dict[str, str]
) -> None:
    await signed(scene)
    [claim] = (await leave(client, scene, hr, "2026-12-31"))["claims"]
    await decided_anew(scene, COST_CENTS - 1)
    read = (await client.get(f"/repayment-claims/{claim['id']}", headers=hr)).json()
    assert read["status"] == "withdrawn"


@pytest.mark.rule("VIS-7.3")
@pytest.mark.parametrize(
    ("cost_cents", "started", "stays"),
    [
        pytest.param(COST_CENTS, False, True, id="the same cost, before the start"),
        pytest.param(COST_CENTS - 1, False, False, id="another cost, before the start"),
        pytest.param(COST_CENTS - 1, True, True, id="another cost, on the day of the start"),
    ],
)
async def test_a_signed_agreement_stays_where_a_new_one_would_say_the_same_or_come_too_late(
    scene: Scene, clock: FrozenClock, cost_cents: int, *, started: bool, stays: bool
) -> None:
    await signed(scene)
    if started:
        clock.set(clock.now().replace(month=9, day=1))

    [rests_on] = await decided_anew(scene, cost_cents)

    assert (rests_on == scene.agreement_id) is stays
    async with scene.work() as work:
        before = await AgreementService(work).agreement(scene.agreement_id)
    assert before.row.status == ("signed" if stays else "superseded")


# --- Completing ---------------------------------------------------------------------------------


async def complete(
    client: httpx.AsyncClient,
    scene: Scene,
    headers: dict[str, str],
    completed_on: str,
    *,
    completed: bool = True,
) -> None:
    answer = await client.post(
        f"/requests/{scene.request_id}/completion",
        json={
            "completedOn": completed_on,
            "participants": [{"employeeId": str(scene.staff[EMPLOYEE]), "completed": completed}],
        },
        headers=headers | {"If-Match": "*"},
    )
    assert answer.status_code == 200, answer.text


@pytest.mark.rule("VIS-7.7")
@pytest.mark.parametrize(
    ("left_on", "completed", "amount_cents"),
    [
        pytest.param("2028-02-28", True, 427_950, id="within 12 months it is all of it still"),
        pytest.param("2028-02-29", True, 213_975, id="the day after it is half"),
        pytest.param("2029-02-28", True, None, id="from 24 months on there is no claim left"),
        pytest.param("2029-02-28", False, 427_950, id="not completed, it stays what it was"),
    ],
)
async def test_a_completion_recorded_after_the_end_was_announced_reckons_the_claim_anew(
    client: httpx.AsyncClient,
    scene: Scene,
    hr: dict[str, str],
    clock: FrozenClock,
    left_on: str,
    *,
    completed: bool,
    amount_cents: int | None,
) -> None:
    await signed(scene)
    [first] = (await leave(client, scene, hr, left_on))["claims"]
    assert first["amountCents"] == 427_950
    clock.set(clock.now().replace(year=2027, month=3, day=1))

    await complete(client, scene, hr, "2027-02-28", completed=completed)

    live = [claim for claim in await claims(client, hr) if claim["status"] != "withdrawn"]
    assert [claim["amountCents"] for claim in live] == [amount_cents] * (amount_cents is not None)
    read = (await client.get(f"/repayment-claims/{first['id']}", headers=hr)).json()
    if amount_cents != 427_950:
        assert read["withdrawal"]["supersededById"] == (live[0]["id"] if live else None)


# --- Cancelling ---------------------------------------------------------------------------------


async def cancel(
    client: httpx.AsyncClient, request_id: UUID, headers: dict[str, str]
) -> httpx.Response:
    return await client.post(
        f"/requests/{request_id}/cancellation",
        json={"reason": "De opleider is gestopt."},
        headers=keyed(headers),
    )


@pytest.mark.rule("VIS-7.7")
@pytest.mark.rule("LAW-3")
@pytest.mark.parametrize(
    ("day", "stays"),
    [
        pytest.param(datetime(2026, 8, 31, 21, 59, tzinfo=UTC), False, id="the day before it"),
        pytest.param(datetime(2026, 8, 31, 22, 0, tzinfo=UTC), True, id="from the day itself on"),
    ],
)
async def test_from_the_start_on_a_cancellation_leaves_what_was_signed_and_claimed(
    client: httpx.AsyncClient,
    scene: Scene,
    sign_in: SignIn,
    hr: dict[str, str],
    clock: FrozenClock,
    *,
    day: datetime,
    stays: bool,
) -> None:
    await signed(scene)
    [claim] = (await leave(client, scene, hr, "2026-12-31"))["claims"]
    clock.set(day)

    answer = await cancel(client, scene.request_id, sign_in(Role.MANAGER, person=MANAGER))

    assert answer.status_code == 200, answer.text
    agreement = (await client.get(f"/agreements/{scene.agreement_id}", headers=hr)).json()
    assert agreement["status"] == ("signed" if stays else "void")
    read = (await client.get(f"/repayment-claims/{claim['id']}", headers=hr)).json()
    assert read["status"] == ("due" if stays else "withdrawn")


@pytest.mark.rule("VIS-7.3")
async def test_what_only_the_employee_signed_is_void_after_a_cancellation_too(
    client: httpx.AsyncClient, scene: Scene, hr: dict[str, str], clock: FrozenClock
) -> None:
    sha256 = (await drawn_up(scene)).row.document_sha256 or ""
    async with scene.work(EMPLOYEE) as work:
        await AgreementService(work).sign(scene.agreement_id, document_sha256=sha256)
    clock.set(STARTED)

    assert (await cancel(client, scene.request_id, hr)).status_code == 200

    agreement = (await client.get(f"/agreements/{scene.agreement_id}", headers=hr)).json()
    assert (agreement["status"], agreement["closedReason"]) == ("void", "De opleider is gestopt.")


@pytest.mark.rule("VIS-7.7")
@pytest.mark.parametrize(
    ("leaves_on", "amount_cents"),
    [
        pytest.param("2027-11-02", 427_950, id="12 months after the cancellation"),
        pytest.param("2027-11-03", 213_975, id="the day after that"),
        pytest.param("2028-11-02", 0, id="24 months after it"),
    ],
)
async def test_the_terms_of_a_training_that_was_stopped_run_from_its_cancellation(
    client: httpx.AsyncClient,
    scene: Scene,
    hr: dict[str, str],
    clock: FrozenClock,
    *,
    leaves_on: str,
    amount_cents: int,
) -> None:
    await signed(scene)
    clock.set(STARTED)
    assert (await cancel(client, scene.request_id, hr)).status_code == 200

    told = await client.get(
        f"/agreements/{scene.agreement_id}/repayment",
        params={"leavesOn": leaves_on},
        headers=hr | {"Accept-Language": "en"},
    )
    departure = await leave(client, scene, hr, leaves_on)

    assert told.json()["amountCents"] == amount_cents
    assert "cancelled on 2 November 2026" in told.json()["steps"][1]["text"]
    owed = [claim["amountCents"] for claim in departure["claims"]]
    assert owed == [amount_cents] * (amount_cents > 0)
    for claim in departure["claims"]:
        handed_over = await client.post(
            f"/repayment-claims/{claim['id']}/export",
            json={"costMadeCents": 300_000, "payrollReference": "SAL-1"},
            headers=keyed(hr),
        )
        assert handed_over.json()["amountCents"] == 300_000 * amount_cents // 427_950


@pytest.mark.rule("VIS-7.7")
@pytest.mark.parametrize(
    ("left_on", "amounts"),
    [
        pytest.param("2027-11-02", [427_950], id="within 12 months it is what it was"),
        pytest.param("2027-11-03", [213_975], id="the day after it is half"),
        pytest.param("2028-11-02", [], id="from 24 months on nothing is left"),
    ],
)
async def test_a_cancellation_reckons_the_claim_on_who_announced_to_leave_anew(
    client: httpx.AsyncClient,
    scene: Scene,
    hr: dict[str, str],
    clock: FrozenClock,
    *,
    left_on: str,
    amounts: list[int],
) -> None:
    await signed(scene)
    await leave(client, scene, hr, left_on)
    clock.set(STARTED)

    assert (await cancel(client, scene.request_id, hr)).status_code == 200

    assert await live_cents(client, hr) == amounts


@pytest.mark.rule("VIS-5.3")
async def test_nobody_cancels_a_training_in_which_they_take_part(
    client: httpx.AsyncClient, scene: Scene, sign_in: SignIn, hr: dict[str, str]
) -> None:
    colleague = actor(scene.organisation, scene.staff, COLLEAGUE, Role.HR)
    async with scene.open_work(colleague) as work:
        request_id, _ = await called_for(work, training(scene.staff[HR]))

    refused(await cancel(client, request_id, hr), 403, "own-request-step")
    refused(await cancel(client, request_id, sign_in(Role.HR)), 403, "named-person-needed")
    another = sign_in(Role.HR, person=COLLEAGUE)
    assert (await cancel(client, request_id, another)).status_code == 200


# --- Classifying anew ---------------------------------------------------------------------------


async def classify(
    client: httpx.AsyncClient, scene: Scene, headers: dict[str, str], basis: str
) -> list[str]:
    answer = await client.post(
        f"/requests/{scene.request_id}/classifications",
        json={"basis": basis, "reason": "Nader onderzoek."},
        headers=headers | {"If-Match": "*"},
    )
    assert answer.status_code == 201, answer.text
    return answer.json()["agreementIds"]


@pytest.mark.rule("LAW-1")
async def test_a_clause_drawn_up_anew_can_be_void_anew(
    client: httpx.AsyncClient, scene: Scene, hr: dict[str, str]
) -> None:
    await drawn_up(scene)
    await classify(client, scene, hr, "statutory")
    await drawn_up(scene)
    await classify(client, scene, hr, "voluntary")
    await signed(scene)
    agreement = (await client.get(f"/agreements/{scene.agreement_id}", headers=hr)).json()
    assert (agreement["clauseInForce"], agreement["clauseVoidedAt"]) == (True, None)
    await leave(client, scene, hr, "2026-12-31")

    assert await classify(client, scene, hr, "statutory") == [str(scene.agreement_id)]

    assert await standing(client, hr) == [("withdrawn", "2026-12-31")]


@pytest.mark.rule("LAW-1")
async def test_no_claim_is_left_under_a_clause_that_was_marked_void_before(
    client: httpx.AsyncClient, scene: Scene, hr: dict[str, str], owner_url: str
) -> None:
    await signed(scene)
    await leave(client, scene, hr, "2026-12-31")
    with connected(owner_url, scene.organisation.id) as connection:
        connection.execute(
            "UPDATE agreements SET clause_voided_at = now() WHERE id = %s", (scene.agreement_id,)
        )

    assert await classify(client, scene, hr, "statutory") == []

    assert await standing(client, hr) == [("withdrawn", "2026-12-31")]


@pytest.mark.rule("LAW-1")
async def test_a_clause_that_holds_again_brings_its_claim_back(
    client: httpx.AsyncClient, scene: Scene, hr: dict[str, str], clock: FrozenClock
) -> None:
    await signed(scene)
    await leave(client, scene, hr, "2026-12-31")
    clock.set(datetime(2027, 1, 5, 9, tzinfo=UTC))
    await classify(client, scene, hr, "statutory")
    assert await live_cents(client, hr) == []

    assert await classify(client, scene, hr, "voluntary") == [str(scene.agreement_id)]

    assert await standing(client, hr) == [("withdrawn", "2026-12-31"), ("due", "2026-12-31")]
    assert await live_cents(client, hr) == [427_950]


# --- Returning ----------------------------------------------------------------------------------


async def rehire(
    client: httpx.AsyncClient, scene: Scene, headers: dict[str, str], hired_on: str
) -> None:
    path = f"/employees/{scene.staff[EMPLOYEE]}"
    placement = (await client.get(path, headers=headers)).json()["placement"]
    names = ("teamId", "functionId", "managerId", "contractMinutesPerWeek")
    answer = await client.post(
        f"{path}/employments",
        json={name: placement[name] for name in names} | {"hiredOn": hired_on, "kind": "temporary"},
        headers=keyed(headers),
    )
    assert answer.status_code == 201, answer.text


@pytest.mark.rule("VIS-7.7")
@pytest.mark.parametrize(
    ("hired_on", "status"),
    [
        pytest.param("2027-01-01", "withdrawn", id="the day after: it is no departure"),
        pytest.param("2027-01-02", "due", id="with a day between it is one"),
    ],
)
async def test_who_is_taken_on_again_without_a_day_between_has_not_left(
    client: httpx.AsyncClient, scene: Scene, hr: dict[str, str], hired_on: str, status: str
) -> None:
    await signed(scene)
    [claim] = (await leave(client, scene, hr, "2026-12-31"))["claims"]

    await rehire(client, scene, hr, hired_on)

    assert await standing(client, hr) == [(status, "2026-12-31")]
    read = (await client.get(f"/repayment-claims/{claim['id']}", headers=hr)).json()
    if status == "withdrawn":
        assert read["withdrawal"]["reason"] == (
            "Another employment follows directly on the one that ended."
        )


@pytest.mark.rule("VIS-7.7")
async def test_an_agreement_signed_between_two_employments_that_join_gives_no_claim(
    client: httpx.AsyncClient, scene: Scene, hr: dict[str, str]
) -> None:
    await leave(client, scene, hr, "2026-12-31")
    await rehire(client, scene, hr, "2027-01-01")

    await signed(scene)

    assert await claims(client, hr) == []


@pytest.mark.rule("VIS-7.7")
async def test_the_end_of_the_last_of_joined_employments_is_the_departure(
    client: httpx.AsyncClient, scene: Scene, hr: dict[str, str], clock: FrozenClock
) -> None:
    await signed(scene)
    await leave(client, scene, hr, "2026-12-31")
    await rehire(client, scene, hr, "2027-01-01")
    clock.set(datetime(2027, 2, 1, 9, tzinfo=UTC))

    [claim] = (await leave(client, scene, hr, "2027-06-30"))["claims"]

    assert (claim["status"], claim["leavesOn"]) == ("due", "2027-06-30")
    assert (await stay(client, scene, hr)).json()["withdrawnClaimIds"] == [claim["id"]]
    assert await live_cents(client, hr) == []


@pytest.mark.rule("VIS-7.7")
async def test_a_second_end_leaves_the_claim_for_the_first_alone(
    client: httpx.AsyncClient, scene: Scene, hr: dict[str, str], clock: FrozenClock
) -> None:
    await signed(scene)
    await leave(client, scene, hr, "2026-12-31")
    clock.set(datetime(2027, 6, 1, 9, tzinfo=UTC))
    await rehire(client, scene, hr, "2027-05-01")

    second = await leave(client, scene, hr, "2027-12-31")

    assert (second["claims"], second["withoutClaim"]) == ([], [])
    assert await standing(client, hr) == [("due", "2026-12-31")]
    assert (await stay(client, scene, hr)).json()["withdrawnClaimIds"] == []
    assert await standing(client, hr) == [("due", "2026-12-31")]


@pytest.mark.rule("VIS-7.7")
async def test_who_left_before_the_start_owes_nothing_when_a_later_employment_ends(
    client: httpx.AsyncClient, scene: Scene, hr: dict[str, str], clock: FrozenClock
) -> None:
    await signed(scene)
    assert (await leave(client, scene, hr, "2026-06-30"))["claims"] == []
    clock.set(datetime(2027, 6, 1, 9, tzinfo=UTC))
    await rehire(client, scene, hr, "2027-05-01")

    await leave(client, scene, hr, "2027-12-31")

    assert await claims(client, hr) == []


# --- What was not known of an end ---------------------------------------------------------------


@pytest.mark.rule("LAW-3")
async def test_the_reason_of_an_end_that_has_passed_can_still_be_told(
    client: httpx.AsyncClient, scene: Scene, hr: dict[str, str], clock: FrozenClock
) -> None:
    await signed(scene)
    await end(client, scene, hr, "2026-10-31", NOT_KNOWN)
    assert await standing(client, hr) == [("awaiting_confirmation", "2026-10-31")]
    clock.set(STARTED)

    refused(await end(client, scene, hr, "2026-11-30"), 409, "employment-over")
    told = await end(client, scene, hr, "2026-10-31")

    assert told.status_code == 200, told.text
    assert [claim["status"] for claim in told.json()["claims"]] == ["due"]
    assert await standing(client, hr) == [("withdrawn", "2026-10-31"), ("due", "2026-10-31")]
    another = await end(client, scene, hr, "2026-10-31", ("dismissal", "employer"))
    refused(another, 409, "employment-over")


@pytest.mark.rule("LAW-3")
async def test_a_claim_that_was_waived_is_not_made_again_when_the_reason_is_told(
    client: httpx.AsyncClient, scene: Scene, hr: dict[str, str], clock: FrozenClock, sign_in: SignIn
) -> None:
    await signed(scene)
    [claim] = (await end(client, scene, hr, "2026-10-31", NOT_KNOWN)).json()["claims"]
    await client.post(
        f"/repayment-claims/{claim['id']}/waiver",
        json={"reason": "Coulance."},
        headers=keyed(sign_in(Role.MT, person=MT)),
    )
    clock.set(STARTED)

    told = (await leave(client, scene, hr, "2026-10-31"))["claims"]

    assert [(one["id"], one["status"]) for one in told] == [(claim["id"], "waived")]


# --- Staying after all --------------------------------------------------------------------------


@pytest.mark.rule("LAW-3")
async def test_who_stays_after_all_owes_nothing(
    client: httpx.AsyncClient, scene: Scene, hr: dict[str, str]
) -> None:
    await signed(scene)
    [claim] = (await leave(client, scene, hr, "2026-12-31"))["claims"]

    answer = await stay(client, scene, hr)

    assert answer.status_code == 200, answer.text
    assert answer.json()["leftOn"] == "2026-12-31"
    assert answer.json()["withdrawnClaimIds"] == [claim["id"]]
    read = (await client.get(f"/repayment-claims/{claim['id']}", headers=hr)).json()
    assert (read["status"], read["withdrawal"]["supersededById"]) == ("withdrawn", None)
    employments = await client.get(f"/employees/{scene.staff[EMPLOYEE]}/employments", headers=hr)
    [employment] = employments.json()["items"]
    assert (employment["leftOn"], employment["leavingReason"]) == (None, None)
    refused(await stay(client, scene, hr), 409, "no-end-announced")
    # The end can be announced again, and the claim comes back with it.
    assert len((await leave(client, scene, hr, "2026-12-31"))["claims"]) == 1


async def test_only_an_end_that_has_not_passed_is_withdrawn(
    client: httpx.AsyncClient, scene: Scene, hr: dict[str, str], clock: FrozenClock
) -> None:
    await leave(client, scene, hr, "2026-06-15")
    last_day = clock.now()
    clock.set(last_day.replace(day=16))
    refused(await stay(client, scene, hr), 409, "employment-over")
    clock.set(last_day)
    assert (await stay(client, scene, hr)).status_code == 200


async def test_a_claim_that_was_waived_or_exported_stays_as_it_was_decided(
    client: httpx.AsyncClient, scene: Scene, hr: dict[str, str], sign_in: SignIn
) -> None:
    await signed(scene)
    [claim] = (await leave(client, scene, hr, "2026-12-31"))["claims"]
    waived = await client.post(
        f"/repayment-claims/{claim['id']}/waiver",
        json={"reason": "Afspraak bij vertrek."},
        headers=keyed(sign_in(Role.MT, person=MT)),
    )
    assert waived.status_code == 200, waived.text
    assert (await stay(client, scene, hr)).json()["withdrawnClaimIds"] == []


async def test_hr_and_the_hris_say_who_stays_and_nobody_else(
    client: httpx.AsyncClient, scene: Scene, hr: dict[str, str], sign_in: SignIn
) -> None:
    for headers in (sign_in(Role.MANAGER, person=MANAGER), sign_in(Role.MT, person=MT)):
        assert (await stay(client, scene, headers)).status_code == 403
    refused(await stay(client, scene, sign_in(Role.HRIS), COLLEAGUE), 409, "no-end-announced")
    unknown = await client.post(
        f"/employees/{uuid4()}/employment-end/withdrawal", headers=keyed(hr)
    )
    refused(unknown, 404, "employee-not-found")
