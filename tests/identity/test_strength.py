"""What an installation may ask of a sign-in: its context, its methods, and the provider's key."""

import logging
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt import PyJWK
from jwt.algorithms import RSAAlgorithm
from pydantic import ValidationError

from app.http.tokens import KeySource
from app.kernel.actors import Role
from app.main import create_app
from app.settings import Settings
from tests.support import tokens
from tests.support.clock import FrozenClock
from tests.support.organisations import Organisation

HIGH, HIGHER = "urn:example:loa:substantial", "urn:example:loa:high"
ASKED = {"oidc_acr_values": f"{HIGH} {HIGHER}", "oidc_amr_values": "mfa hwk"}
STRONG = {"acr": HIGHER, "amr": ["pwd", "hwk", "mfa"]}


class LongKey:
    """A provider whose one key has 3072 bits, and what it signs."""

    def __init__(self) -> None:
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=3072)
        published = RSAAlgorithm.to_jwk(self._key.public_key(), as_dict=True)
        self._public = PyJWK({**published, "alg": "RS256"})

    async def key(self, key_id: str) -> PyJWK | None:
        return self._public if key_id == tokens.KEY_ID else None

    def again(self, token: str) -> str:
        """Return the same token, signed with this key."""
        claims = jwt.decode(token, options={"verify_signature": False})
        return jwt.encode(
            claims, self._key, "RS256", headers={"kid": tokens.KEY_ID, "typ": "at+jwt"}
        )


@asynccontextmanager
async def asking(
    settings: Settings,
    folder: Path,
    keys: KeySource,
    **asked: Any,  # noqa: ANN401
) -> AsyncGenerator[httpx.AsyncClient]:
    """Yield a client of a service that asks this of a sign-in."""
    own = {**settings.model_dump(), "data_dir": folder, **asked}
    app = create_app(Settings.model_validate(own), clock=FrozenClock().now, keys=keys)
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://test/v1") as client,
    ):
        yield client


def bearer(organisation: Organisation, **claims: object) -> dict[str, str]:
    signed = tokens.token(organisation=organisation.slug, roles=[Role.HR], claims=claims)
    return {"Authorization": f"Bearer {signed}"}


async def told(client: httpx.AsyncClient, headers: Mapping[str, str]) -> tuple[int, object]:
    """Return what an answer says, without what tells one request from another."""
    answer = await client.get("/teams", headers=headers)
    return answer.status_code, {**answer.json(), "instance": None}


@pytest.mark.invariant("S2")
async def test_a_sign_in_that_is_too_weak_is_refused_as_any_token_that_does_not_hold(
    settings: Settings, tmp_path: Path, organisation: Organisation, caplog: pytest.LogCaptureFixture
) -> None:
    weak: list[dict[str, object]] = [
        {},
        {"acr": HIGH},
        {"amr": ["mfa", "hwk"]},
        {**STRONG, "acr": "0"},
        {**STRONG, "acr": HIGH.upper()},
        {**STRONG, "acr": f"{HIGH} {HIGHER}"},
        {**STRONG, "acr": [HIGH]},
        {**STRONG, "acr": {HIGH: True}},
        {**STRONG, "acr": 1},
        {**STRONG, "amr": ["mfa"]},
        {**STRONG, "amr": "mfa hwk"},
        {**STRONG, "amr": [["mfa", "hwk"]]},
        {**STRONG, "amr": {"mfa": 1, "hwk": 1}},
    ]
    async with asking(settings, tmp_path, tokens.IssuerKeys(), **ASKED) as client:
        without = await told(client, {})
        with caplog.at_level(logging.INFO, "app.http.tokens"):
            for claims in weak:
                assert await told(client, bearer(organisation, **claims)) == without, claims
        reasons = [vars(record)["reason"] for record in caplog.records if "reason" in vars(record)]
        for context in (HIGH, HIGHER):
            strong = bearer(organisation, **{**STRONG, "acr": context})
            assert (await told(client, strong))[0] == 200

    assert without[0] == 401
    assert reasons == ["_TooWeak"] * len(weak)


@pytest.mark.invariant("S2")
async def test_nothing_is_asked_of_a_sign_in_when_nothing_is_set(
    settings: Settings, tmp_path: Path, organisation: Organisation
) -> None:
    async with asking(settings, tmp_path, tokens.IssuerKeys()) as client:
        for claims in ({}, {"acr": "0", "amr": ["pwd"]}, STRONG):
            assert (await told(client, bearer(organisation, **claims)))[0] == 200


@pytest.mark.invariant("S2")
async def test_a_key_shorter_than_is_asked_for_signs_nobody_in(
    settings: Settings, tmp_path: Path, organisation: Organisation
) -> None:
    """That of the test issuer has 2048 bits."""
    headers = bearer(organisation)
    long_key = LongKey()
    by_long_key = long_key.again(headers["Authorization"].removeprefix("Bearer "))
    bits = {"oidc_min_rsa_bits": 3072}
    async with asking(settings, tmp_path, tokens.IssuerKeys(), **bits) as client:
        assert await told(client, headers) == await told(client, {})
    async with asking(settings, tmp_path, long_key, **bits) as client:
        assert (await told(client, {"Authorization": f"Bearer {by_long_key}"}))[0] == 200
    with pytest.raises(ValidationError, match="2048"):
        Settings.model_validate({"oidc_min_rsa_bits": 1024})
