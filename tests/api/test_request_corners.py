"""Requests at the edge: huge amounts, long texts, and an interim request that should not go on."""

import httpx
import pytest

from app.kernel.actors import Role
from tests.conftest import OpenWork, SignIn
from tests.support.requests import (
    Cast,
    assess,
    cast_of,
    drafted,
    ratings_body,
    request_body,
    step,
    submitted,
)


@pytest.fixture
async def cast(work: OpenWork, sign_in: SignIn) -> Cast:
    return await cast_of(work(), sign_in)


async def interim(client: httpx.AsyncClient, cast: Cast, *, necessity: str = "Moet nu.") -> str:
    """Return the id of an interim request that waits for the MT."""
    request = await drafted(client, cast.as_manager, request_body(cast.employee))
    answer = await step(
        client, cast.as_manager, request["id"], "submission", {"necessity": necessity}
    )
    assert answer.status_code == 200, answer.text
    return request["id"]


# --- Figures -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("amount_cents", "vat", "status"),
    [
        pytest.param(5 * 10**11, {"vatCents": 0}, 201, id="the most that can be asked for"),
        pytest.param(5 * 10**11, {"vatCents": 1}, 422, id="two cents more, one for each"),
        pytest.param(10**12, {"vatBasisPoints": 2100}, 422, id="one line past it with its VAT"),
    ],
)
async def test_a_request_costs_no_more_than_can_be_reckoned_with(
    client: httpx.AsyncClient, cast: Cast, amount_cents: int, vat: dict[str, int], status: int
) -> None:
    line = {"what": "Alles", "amountCents": amount_cents, "perParticipant": True, **vat}
    body = request_body(cast.employee, cast.colleague, costLines=[line])

    answer = await client.post("/requests", json=body, headers=cast.as_manager)

    assert answer.status_code == status, answer.text
    if status == 422:
        assert answer.json()["type"] == "/problems/cost-beyond-reach"
        assert answer.json()["facts"]["mostCents"] == 10**12


@pytest.mark.rule("VIS-6.4")
async def test_a_necessity_may_be_as_long_as_any_text(
    client: httpx.AsyncClient, cast: Cast
) -> None:
    request_id = await interim(client, cast, necessity="n" * 4000)
    answer = await client.get(f"/requests/{request_id}", headers=cast.as_manager)
    assert len(answer.json()["necessity"]) == 4000


# --- Interim requests ----------------------------------------------------------------------------


@pytest.mark.rule("VIS-6.4")
async def test_the_mt_refuses_an_interim_request_with_its_reason(
    client: httpx.AsyncClient, cast: Cast
) -> None:
    request_id = await interim(client, cast)
    reason = {"reason": "Kan wachten tot de tranche."}

    as_hr = await step(client, cast.as_hr, request_id, "mt-refusal", reason)
    stale = await step(client, cast.as_mt, request_id, "mt-refusal", reason, if_match='"9"')
    refused = await step(client, cast.as_mt, request_id, "mt-refusal", reason)
    again = await step(client, cast.as_mt, request_id, "mt-refusal", reason)
    consent = await step(client, cast.as_mt, request_id, "mt-consent", reason)
    rated = await assess(client, cast.as_hr, request_id, ratings_body())

    assert (as_hr.status_code, stale.status_code) == (403, 412)
    assert refused.status_code == 200, refused.text
    assert refused.json()["status"] == "rejected"
    assert refused.json()["closingReason"] == reason["reason"]
    assert refused.json()["consentedAt"] is None
    for answer in (again, consent, rated):
        assert answer.status_code == 409
        assert answer.json()["type"] == "/problems/action-not-allowed"


@pytest.mark.rule("VIS-6.4")
async def test_a_request_of_a_tranche_or_one_that_was_consented_to_is_not_refused_so(
    client: httpx.AsyncClient, cast: Cast
) -> None:
    reason = {"reason": "Toch niet."}
    in_tranche = await submitted(client, cast.as_manager, request_body(cast.employee))
    consented = await interim(client, cast)
    await step(client, cast.as_mt, consented, "mt-consent", {"reason": "Ja."})

    for request_id in (in_tranche["id"], consented):
        answer = await step(client, cast.as_mt, request_id, "mt-refusal", reason)
        assert answer.status_code == 409, answer.text
        assert answer.json()["type"] == "/problems/interim-consent-not-needed"


@pytest.mark.rule("VIS-6.4")
async def test_nobody_refuses_an_own_interim_request_and_a_bsn_is_no_reason(
    client: httpx.AsyncClient, cast: Cast
) -> None:
    request_id = await interim(client, cast)
    as_applicant = cast.headers(cast.manager, Role.MT)

    own = await step(client, as_applicant, request_id, "mt-refusal", {"reason": "Nee."})
    bsn = await step(client, cast.as_mt, request_id, "mt-refusal", {"reason": "Voor 111222333."})

    assert own.json()["type"] == "/problems/own-request-step"
    assert bsn.json()["type"] == "/problems/bsn-in-text"


@pytest.mark.rule("VIS-6.4")
@pytest.mark.parametrize("moment", ["before consent", "after consent"])
async def test_an_interim_request_that_proves_not_necessary_goes_no_further(
    client: httpx.AsyncClient, cast: Cast, moment: str
) -> None:
    request_id = await interim(client, cast)
    if moment == "after consent":
        await step(client, cast.as_mt, request_id, "mt-consent", {"reason": "Ja."})
    voluntary = {"basis": "voluntary", "reason": "Bij nader inzien geen eis."}
    assert (
        await step(client, cast.as_hr, request_id, "classifications", voluntary)
    ).status_code == 201

    answer = (
        await step(client, cast.as_mt, request_id, "mt-consent", {"reason": "Ja."})
        if moment == "before consent"
        else await assess(client, cast.as_hr, request_id, ratings_body())
    )

    assert answer.status_code == 409, answer.text
    assert answer.json()["type"] == "/problems/necessity-missing"
    assert answer.json()["rule"]["id"] == "VIS-6.4"


# --- Years without a policy ---------------------------------------------------------------------


@pytest.mark.rule("VIS-8.1")
async def test_hours_of_a_year_before_the_first_policy_are_not_asked_for(
    client: httpx.AsyncClient, cast: Cast
) -> None:
    body = request_body(
        cast.employee,
        startsOn="2025-12-01",
        endsOn="2026-10-05",
        sessions=[{"heldOn": "2025-12-01", "minutes": 60, "workingTime": True}],
    )
    request = await drafted(client, cast.as_manager, body)

    answer = await step(client, cast.as_manager, request["id"], "submission")

    assert answer.status_code == 409, answer.text
    assert answer.json()["type"] == "/problems/no-policy-in-force"
    assert answer.json()["facts"]["dayOn"] == "2025-01-01"
