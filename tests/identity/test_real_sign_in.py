"""Signing in at a real OpenID provider, over the network, as a client of the service does."""

import json

import httpx
import jwt
import pytest

from app.kernel.actors import Role
from app.settings import Settings
from tests.identity.conftest import World
from tests.support.process import free_port, served
from tests.support.provider import AUDIENCE


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


@pytest.mark.invariant("S2")
async def test_a_service_signs_in_by_its_client_credentials(world: World) -> None:
    token = await world.provider.service_token("hris")
    assert jwt.get_unverified_header(token)["typ"] == "at+jwt"
    me = await world.service.get("/me", headers=bearer(token))
    assert me.status_code == 200
    assert me.json()["organisation"]["id"] == str(world.organisation.id)
    assert me.json()["roles"] == [Role.HRIS]
    assert me.json()["employee"] is None
    refused = await world.service.get("/audit-entries", headers=bearer(token))
    assert refused.status_code == 403


@pytest.mark.invariant("S2")
async def test_a_person_signs_in_by_authorization_code_with_pkce(world: World) -> None:
    granted = await world.provider.sign_in("noor")
    me = await world.service.get("/me", headers=bearer(granted["access_token"]))
    assert me.status_code == 200
    assert me.json()["roles"] == [Role.EMPLOYEE, Role.MANAGER]
    assert me.json()["employee"]["id"] == str(world.employee.id)


@pytest.mark.invariant("S2")
@pytest.mark.parametrize("client_id", ["docs", AUDIENCE], ids=["a page's", "with our own name"])
async def test_an_id_token_is_no_access_token(world: World, client_id: str) -> None:
    granted = await world.provider.sign_in("noor", client_id=client_id)
    claims = jwt.decode(granted["id_token"], options={"verify_signature": False})
    assert claims["aud"] == client_id
    refused = await world.service.get("/me", headers=bearer(granted["id_token"]))
    assert refused.status_code == 401


@pytest.mark.invariant("S2")
async def test_a_token_for_another_service_of_the_same_provider_is_refused(world: World) -> None:
    token = await world.provider.service_token("hris", audience="payroll")
    refused = await world.service.get("/me", headers=bearer(token))
    assert refused.status_code == 401


@pytest.mark.invariant("S2")
async def test_a_person_without_an_organisation_of_ours_is_refused(world: World) -> None:
    granted = await world.provider.sign_in("sam")
    refused = await world.service.get("/me", headers=bearer(granted["access_token"]))
    assert refused.status_code == 401


@pytest.mark.invariant("S2")
async def test_the_served_process_finds_claims_where_its_settings_say(
    world: World, settings: Settings
) -> None:
    """The provider's own names of things, by the environment alone, with several workers."""
    port = free_port()
    with served(
        "serve",
        APP_DATABASE_URL=settings.app_url,
        PORT=port,
        WORKERS="2",
        UPKEEP="false",
        OIDC_ISSUER=world.provider.issuer,
        OIDC_AUDIENCE=AUDIENCE,
        OIDC_CLAIM_ORGANISATION="tenant.org",
        OIDC_CLAIM_ROLES="realm_access.roles",
        OIDC_CLAIM_PERSON="https://hr.example/number",
        OIDC_ROLE_MAP=json.dumps({"learning-hr": "hr"}),
    ) as process:
        granted = await world.provider.sign_in("sam")
        # A new connection each time, so that both workers come to look for the keys.
        for _ in range(8):
            address = f"http://127.0.0.1:{port}/v1"
            async with httpx.AsyncClient(base_url=address, timeout=60) as service:
                me = await service.get("/me", headers=bearer(granted["access_token"]))
            assert me.status_code == 200, me.text
            assert me.json()["organisation"]["id"] == str(world.organisation.id)
            assert me.json()["roles"] == [Role.HR]
            assert me.json()["employee"]["id"] == str(world.employee.id)
        process.terminate()
        assert process.wait(timeout=60) == 0
