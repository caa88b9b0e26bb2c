"""Leaving, and what happens before or after it: signing, completing, another decision, staying."""

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
    drawn_up,
    make_scene,
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


def keyed(headers: dict[str, str]) -> dict[str, str]:
    return headers | {"Idempotency-Key": f'"{uuid4()}"', "If-Match": "*"}


async def leave(
    client: httpx.AsyncClient, scene: Scene, headers: dict[str, str], left_on: str
) -> dict[str, Any]:
    answer = await client.post(
        f"/employees/{scene.staff[EMPLOYEE]}/employment-end",
        json={"leftOn": left_on, "reason": "resignation", "initiative": "employee"},
        headers=keyed(headers),
    )
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
