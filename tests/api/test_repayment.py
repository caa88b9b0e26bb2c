"""What would be owed on leaving, over HTTP: to the day, by today's basis, in two languages."""

from datetime import UTC, date, datetime

import httpx
import pytest

from app.kernel.actors import Role
from app.requests.rules import TrainingBasis
from tests.conftest import OpenWork, SignIn
from tests.support.agreements import (
    EMPLOYEE,
    HR,
    Scene,
    completed,
    drawn_up,
    make_scene,
    reclassify,
    signed,
)
from tests.support.clock import FrozenClock
from tests.support.organisations import Organisation

COMPLETED_ON = date(2028, 2, 29)


@pytest.fixture
async def scene(organisation: Organisation, work: OpenWork) -> Scene:
    return await make_scene(
        organisation, work, starts_on=date(2027, 9, 1), ends_on=COMPLETED_ON, cost_cents=200_001
    )


@pytest.fixture
def hr(sign_in: SignIn) -> dict[str, str]:
    return sign_in(Role.HR, person=HR)


async def owed(
    client: httpx.AsyncClient, scene: Scene, headers: dict[str, str], leaves_on: str
) -> httpx.Response:
    return await client.get(
        f"/agreements/{scene.agreement_id}/repayment?leavesOn={leaves_on}", headers=headers
    )


@pytest.mark.rule("VIS-7.7")
async def test_what_would_be_owed_follows_the_completion_to_the_day(
    client: httpx.AsyncClient, scene: Scene, clock: FrozenClock, hr: dict[str, str]
) -> None:
    await signed(scene)
    clock.set(datetime(2028, 3, 1, 9, 0, tzinfo=UTC))
    unfinished = (await owed(client, scene, hr, "2029-03-01")).json()
    assert (unfinished["amountCents"], unfinished["band"]) == (200_001, "not_completed")
    await completed(scene, completed_on=COMPLETED_ON)
    amounts = {
        day: (await owed(client, scene, hr, day)).json()["amountCents"]
        for day in (
            "2027-08-31",
            "2027-09-01",
            "2029-02-28",
            "2029-03-01",
            "2030-02-27",
            "2030-02-28",
        )
    }
    assert amounts == {
        "2027-08-31": 0,
        "2027-09-01": 200_001,
        "2029-02-28": 200_001,
        "2029-03-01": 100_001,
        "2030-02-27": 100_001,
        "2030-02-28": 0,
    }


@pytest.mark.rule("VIS-7.7")
@pytest.mark.rule("LAW-2")
async def test_the_answer_is_explained_in_the_readers_language(
    client: httpx.AsyncClient, scene: Scene, clock: FrozenClock, hr: dict[str, str]
) -> None:
    await signed(scene)
    clock.set(datetime(2028, 3, 1, 9, 0, tzinfo=UTC))
    await completed(scene, completed_on=COMPLETED_ON)
    dutch = await owed(client, scene, hr | {"Accept-Language": "nl"}, "2029-03-01")
    english = await owed(client, scene, hr | {"Accept-Language": "en"}, "2029-03-01")
    assert dutch.headers["content-language"] == "nl"
    assert dutch.json()["steps"][-1]["text"] == "50% van € 2.000,01 is € 1.000,01."
    assert english.json()["steps"][-1]["text"] == "50% of €2,000.01 is €1,000.01."
    assert [step["rule"] for step in dutch.json()["steps"]] == ["LAW-3", "VIS-7.7", None]
    assert [remark["rule"] for remark in dutch.json()["remarks"]] == ["VIS-7.8", "LAW-2"]


@pytest.mark.rule("LAW-1")
async def test_a_reclassified_training_is_owed_for_no_longer(
    client: httpx.AsyncClient, scene: Scene, hr: dict[str, str]
) -> None:
    await signed(scene)
    assert (await owed(client, scene, hr, "2027-10-01")).json()["amountCents"] == 200_001
    await reclassify(scene, TrainingBasis.STATUTORY)
    result = (await owed(client, scene, hr, "2027-10-01")).json()
    assert (result["amountCents"], result["band"]) == (0, "no_clause")
    assert [step["rule"] for step in result["steps"]] == ["LAW-1"]
    agreement = (await client.get(f"/agreements/{scene.agreement_id}", headers=hr)).json()
    assert agreement["clauseInForce"] is False
    assert agreement["clauseReason"]["rule"] == "LAW-1"


@pytest.mark.rule("LAW-1")
async def test_a_reclassification_names_the_agreements_it_touches(
    client: httpx.AsyncClient, scene: Scene, hr: dict[str, str]
) -> None:
    await signed(scene)

    async def classify(basis: str) -> list[str]:
        answer = await client.post(
            f"/requests/{scene.request_id}/classifications",
            json={"basis": basis, "reason": "Nader onderzoek."},
            headers=hr | {"If-Match": "*"},
        )
        assert answer.status_code == 201, answer.text
        return answer.json()["agreementIds"]

    assert await classify("voluntary") == []
    assert await classify("necessary_for_function") == [str(scene.agreement_id)]
    agreement = (await client.get(f"/agreements/{scene.agreement_id}", headers=hr)).json()
    assert agreement["clauseVoidedAt"] is not None
    assert await classify("voluntary") == [str(scene.agreement_id)]
    agreement = (await client.get(f"/agreements/{scene.agreement_id}", headers=hr)).json()
    assert (agreement["clauseVoidedAt"], agreement["clauseInForce"]) == (None, True)


@pytest.mark.rule("VIS-7.3")
async def test_before_both_have_signed_it_is_an_example_only(
    client: httpx.AsyncClient, scene: Scene, hr: dict[str, str]
) -> None:
    answer = await owed(client, scene, hr, "2027-10-01")
    assert answer.status_code == 409
    assert answer.json()["type"].endswith("/document-not-drawn-up")
    await drawn_up(scene)
    example = (await owed(client, scene, hr, "2027-10-01")).json()
    assert (example["inForce"], example["amountCents"]) == (False, 200_001)
    await signed(scene)
    assert (await owed(client, scene, hr, "2027-10-01")).json()["inForce"] is True


async def test_employees_see_what_they_would_owe_themselves(
    client: httpx.AsyncClient, scene: Scene, sign_in: SignIn
) -> None:
    await signed(scene)
    own = await owed(client, scene, sign_in(Role.EMPLOYEE, person=EMPLOYEE), "2027-10-01")
    assert own.json()["amountCents"] == 200_001


@pytest.mark.parametrize("leaves_on", ["", "2027-13-01", "0", "morgen", "20271001"])
async def test_a_day_that_is_none_is_refused(
    client: httpx.AsyncClient, scene: Scene, hr: dict[str, str], leaves_on: str
) -> None:
    answer = await owed(client, scene, hr, leaves_on)
    assert answer.status_code == 400, answer.text
