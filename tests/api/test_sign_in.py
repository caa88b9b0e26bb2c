import json
import logging
import time
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from fastapi import FastAPI
from jwt.algorithms import ECAlgorithm, RSAAlgorithm
from pydantic import ValidationError

from app.db.session import Database
from app.http.demo_issuer import SigningIssuer
from app.http.problems import SignInNeeded, SignInUnavailable
from app.http.tokens import ClaimPaths, PublishedKeys, TrustedIssuer, Verifier
from app.kernel.actors import Role
from app.main import create_app
from app.settings import Settings
from tests.conftest import SignIn
from tests.support import tokens
from tests.support.clock import FrozenClock, Seconds
from tests.support.organisations import Organisation

PATH = "/policy-versions"
ISSUER = "https://provider.test/realm"
AUDIENCE = "urn:api"
YEAR_2100 = 4_102_444_800
_RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
_EC = ec.generate_private_key(ec.SECP256R1())


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


async def test_a_valid_token_opens_the_api(client: httpx.AsyncClient, sign_in: SignIn) -> None:
    answer = await client.get(PATH, headers=sign_in(Role.HR))
    assert answer.status_code == 200


@pytest.mark.invariant("S2")
@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"claims": {"iss": "https://elsewhere.test"}}, id="another issuer"),
        pytest.param({"claims": {"aud": "the-web-client"}}, id="an ID token's audience"),
        pytest.param({"claims": {"aud": None}}, id="no audience"),
        pytest.param({"claims": {"exp": None}}, id="no end"),
        pytest.param({"claims": {"iat": None}}, id="no beginning"),
        pytest.param({"claims": {"sub": None}}, id="nobody"),
        pytest.param({"claims": {"sub": "s" * 256}}, id="a subject beyond measure"),
        # Seconds from now stand in tests/identity: these are read long before they are used.
        pytest.param({"claims": {"nbf": YEAR_2100}}, id="not yet"),
        pytest.param({"claims": {"iat": YEAR_2100}}, id="issued in the future"),
        pytest.param({"lifetime": timedelta(seconds=-61)}, id="expired a minute ago"),
        pytest.param({"claims": {"organisation": "unheard-of"}}, id="an unknown organisation"),
        pytest.param({"claims": {"organisation": None}}, id="no organisation"),
        pytest.param({"claims": {"organisation": ["a"]}}, id="a list of organisations"),
        pytest.param({"claims": {"at_hash": "x"}}, id="an ID token's claims"),
        pytest.param({"headers": {"typ": "id+jwt"}}, id="another type"),
        pytest.param({"headers": {"typ": None}}, id="no type"),
        pytest.param({"headers": {"kid": "unheard-of"}}, id="an unknown key"),
        pytest.param({"headers": {"kid": ""}}, id="no key id"),
        pytest.param({"headers": {"jku": "https://evil.test/keys"}}, id="keys from elsewhere"),
        pytest.param({"headers": {"x5u": "https://evil.test/chain"}}, id="a chain from elsewhere"),
        pytest.param({"headers": {"jwk": {"kty": "RSA"}}}, id="a key it brings itself"),
        pytest.param({"headers": {"crit": ["b64"]}}, id="processing we do not know"),
        pytest.param({"claims": {"filler": "x" * 9000}}, id="more than eight kilobytes"),
    ],
)
async def test_a_token_that_does_not_hold_is_refused_without_a_reason(
    client: httpx.AsyncClient, organisation: Organisation, changes: Mapping[str, Any]
) -> None:
    asked: dict[str, Any] = {"organisation": organisation.slug, "roles": [Role.HR], **changes}
    token = tokens.token(**asked)
    refused = await client.get(PATH, headers=bearer(token))
    without = await client.get(PATH)
    assert refused.status_code == without.status_code == 401
    assert refused.headers["WWW-Authenticate"].startswith("Bearer")
    told = [{**answer.json(), "instance": None} for answer in (refused, without)]
    assert told[0] == told[1]


@pytest.mark.invariant("S2")
async def test_an_end_beyond_all_measure_is_no_fault_of_ours(
    client: httpx.AsyncClient, organisation: Organisation
) -> None:
    token = tokens.token(organisation=organisation.slug, roles=[Role.HR], claims={"exp": 10**400})
    for _ in range(2):
        assert (await client.get(PATH, headers=bearer(token))).status_code == 200


@pytest.mark.invariant("S2")
@pytest.mark.parametrize("algorithm", ["none", "HS256"])
async def test_a_token_without_the_issuers_signature_is_refused(
    client: httpx.AsyncClient, organisation: Organisation, algorithm: str
) -> None:
    good = tokens.token(organisation=organisation.slug, roles=[Role.HR])
    claims = jwt.decode(good, options={"verify_signature": False})
    key = "" if algorithm == "none" else "the public key, taken for a secret"
    forged = jwt.encode(
        claims, key, algorithm=algorithm, headers={"kid": tokens.KEY_ID, "typ": "at+jwt"}
    )
    assert (await client.get(PATH, headers=bearer(forged))).status_code == 401


@pytest.mark.invariant("S2")
async def test_a_changed_payload_or_signature_is_refused(
    client: httpx.AsyncClient, organisation: Organisation
) -> None:
    header, payload, signature = tokens.token(
        organisation=organisation.slug, roles=[Role.EMPLOYEE]
    ).split(".")
    other = tokens.token(organisation=organisation.slug, roles=[Role.HR]).split(".")[1]
    for forged in (
        f"{header}.{other}.{signature}",
        f"{header}.{payload}.{signature[:-6]}AAAAAA",
        f"{header}.{payload}.",
        f"{header}.{payload}.{signature}.{signature}",
        "no-token",
        "",
    ):
        assert (await client.get(PATH, headers=bearer(forged))).status_code == 401


@pytest.mark.invariant("S2")
async def test_a_token_counts_in_the_header_only(
    client: httpx.AsyncClient, sign_in: SignIn
) -> None:
    good = sign_in(Role.HR)["Authorization"]
    token = good.removeprefix("Bearer ")
    assert (await client.get(f"{PATH}?access_token={token}")).status_code == 401
    assert (await client.get(PATH, headers={"Authorization": token})).status_code == 401
    assert (await client.get(PATH, headers={"Authorization": f"Basic {token}"})).status_code == 401
    twice = [("Authorization", good), ("Authorization", good)]
    assert (await client.get(PATH, headers=twice)).status_code == 401


async def test_without_a_token_the_body_is_not_even_looked_at(client: httpx.AsyncClient) -> None:
    answer = await client.post(PATH, content=b"{", headers={"Content-Type": "application/json"})
    assert answer.status_code == 401


async def test_a_role_we_do_not_know_gives_nothing(
    client: httpx.AsyncClient, organisation: Organisation
) -> None:
    token = tokens.token(organisation=organisation.slug, roles=["superuser"])
    refused = await client.get(PATH, headers=bearer(token))
    assert refused.status_code == 403
    assert refused.json()["type"] == "/problems/role-refused"
    assert refused.json()["facts"]["roles"] == []


async def test_the_organisation_may_be_named_by_its_id(
    client: httpx.AsyncClient, organisation: Organisation
) -> None:
    token = tokens.token(organisation=str(organisation.id), roles=[Role.HR])
    assert (await client.get(PATH, headers=bearer(token))).status_code == 200


@pytest.mark.invariant("S20")
@pytest.mark.parametrize(
    ("issuer", "is_taken"),
    [
        ("https://issuer.example/realm", True),
        ("http://127.0.0.1:9000", True),
        ("http://localhost:9000", True),
        ("http://issuer.example/realm", False),
        ("http://127.0.0.1.issuer.example", False),
        ("http://127.0.0.1@issuer.example", False),
        ("ftp://127.0.0.1", False),
        ("issuer.example", False),
    ],
)
def test_keys_are_trusted_over_tls_or_from_this_machine_alone(
    issuer: str, *, is_taken: bool
) -> None:
    told = {"oidc_issuer": issuer, "oidc_audience": AUDIENCE}
    if is_taken:
        assert Settings.model_validate(told).oidc_issuer == issuer
    else:
        with pytest.raises(ValidationError, match="https://"):
            Settings.model_validate(told)


class Provider:
    """A provider as the service sees it: its two documents, and whether it answers."""

    def __init__(self) -> None:
        self.keys: dict[str, Any] = {}
        self.asked: list[str] = []
        self.is_up = True
        self.issuer = ISSUER
        self.status = 200

    def publish(self, key_id: str, key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> None:
        if isinstance(key, rsa.RSAPrivateKey):
            public: dict[str, Any] = RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)
        else:
            public = ECAlgorithm.to_jwk(key.public_key(), as_dict=True)
        self.keys[key_id] = {**public, "kid": key_id}

    def transport(self) -> httpx.MockTransport:
        return httpx.MockTransport(self._answer)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(str(request.url))
        if not self.is_up:
            message = "no route to host"
            raise httpx.ConnectError(message)
        if request.url.path.endswith("openid-configuration"):
            document = {"issuer": self.issuer, "jwks_uri": "https://provider.test/keys"}
            return document_of(document, status=self.status, headers={"Location": "https://x"})
        return document_of({"keys": list(self.keys.values())})


def document_of(
    content: object, *, status: int = 200, headers: Mapping[str, str] | None = None
) -> httpx.Response:
    """Return an answer that is still to be read, as one from a network is."""
    stream = httpx.ByteStream(json.dumps(content).encode())
    return httpx.Response(status, stream=stream, headers=headers)


def issued(
    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey,
    algorithm: str,
    *,
    key_id: str,
    organisation: Organisation,
    **claims: object,
) -> list[str]:
    now = int(time.time())
    token = jwt.encode(
        {
            "iss": ISSUER,
            "aud": [AUDIENCE, "another"],
            "sub": "u-1",
            "iat": now,
            "exp": now + 300,
            "tenant": {"org": organisation.slug},
            **claims,
        },
        key,
        algorithm=algorithm,
        headers={"kid": key_id, "typ": "JWT"},
    )
    return [f"Bearer {token}"]


def verifier_of(
    provider: Provider, database: Database, *, clock: Callable[[], float] = time.monotonic
) -> Verifier:
    keys = PublishedKeys(ISSUER, transport=provider.transport(), clock=clock)
    paths = ClaimPaths(
        organisation="tenant.org",
        roles="realm_access.roles",
        person="https://hr.example/number",
        role_map={"learning-hr": Role.HR},
    )
    return Verifier([TrustedIssuer(ISSUER, AUDIENCE, keys)], paths, database)


@pytest.mark.parametrize(
    ("key", "algorithm"),
    [
        pytest.param(_RSA, "RS256", id="RS256"),
        pytest.param(_RSA, "PS256", id="PS256"),
        pytest.param(_EC, "ES256", id="ES256"),
    ],
)
async def test_keys_are_found_by_discovery_and_claims_by_their_paths(
    database: Database,
    organisation: Organisation,
    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey,
    algorithm: str,
) -> None:
    provider = Provider()
    provider.publish("k1", key)
    claims = {
        "realm_access": {"roles": ["learning-hr", "manager", "offline_access", 7]},
        "https://hr.example/number": 101056,
    }
    token = issued(key, algorithm, key_id="k1", organisation=organisation, **claims)
    identity = await verifier_of(provider, database).authenticate(token)
    assert identity.organisation_id == organisation.id
    assert identity.subject == "u-1"
    assert identity.roles == {Role.HR, Role.MANAGER}
    assert identity.personnel_number == "101056"
    assert provider.asked == [
        f"{ISSUER}/.well-known/openid-configuration",
        "https://provider.test/keys",
    ]


@pytest.mark.invariant("S2")
@pytest.mark.parametrize("number", ["", ["101056"], {"of": "101056"}, True, 1.5], ids=str)
async def test_a_person_who_is_told_in_no_way_we_know_is_refused_and_not_taken_for_nobody(
    database: Database, organisation: Organisation, number: object
) -> None:
    provider = Provider()
    provider.publish("k1", _EC)
    claims = {"https://hr.example/number": number}
    token = issued(_EC, "ES256", key_id="k1", organisation=organisation, **claims)
    with pytest.raises(SignInNeeded):
        await verifier_of(provider, database).authenticate(token)


@pytest.mark.invariant("S2")
@pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")
async def test_a_key_is_not_used_for_an_algorithm_of_another_kind(
    database: Database, organisation: Organisation
) -> None:
    weak = rsa.generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505
    provider = Provider()
    provider.publish("ec", _EC)
    provider.publish("weak", weak)
    verifier = verifier_of(provider, database)
    for token in (
        issued(_RSA, "RS256", key_id="ec", organisation=organisation),
        issued(_RSA, "RS384", key_id="ec", organisation=organisation),
        issued(weak, "RS256", key_id="weak", organisation=organisation),
    ):
        with pytest.raises(SignInNeeded):
            await verifier.authenticate(token)


@pytest.mark.invariant("S2")
async def test_a_new_key_is_taken_without_a_restart_and_looked_for_at_most_every_ten_seconds(
    database: Database, organisation: Organisation
) -> None:
    clock = Seconds()
    provider = Provider()
    provider.publish("old", _EC)
    verifier = verifier_of(provider, database, clock=clock)
    await verifier.authenticate(issued(_EC, "ES256", key_id="old", organisation=organisation))
    provider.publish("new", _RSA)
    renewed = issued(_RSA, "RS256", key_id="new", organisation=organisation)
    for _ in range(5):
        with pytest.raises(SignInNeeded):
            await verifier.authenticate(renewed)
    assert len(provider.asked) == 2
    clock.pass_(10.1)
    assert await verifier.authenticate(renewed)


@pytest.mark.invariant("S2")
async def test_known_keys_serve_on_while_the_provider_is_down_and_not_for_ever(
    database: Database, organisation: Organisation
) -> None:
    clock = Seconds()
    provider = Provider()
    provider.publish("k1", _EC)
    verifier = verifier_of(provider, database, clock=clock)

    def fresh(number: int) -> list[str]:
        return issued(_EC, "ES256", key_id="k1", organisation=organisation, jti=str(number))

    await verifier.authenticate(fresh(1))
    provider.is_up = False
    clock.pass_(4 * 3600)
    await verifier.authenticate(fresh(2))
    clock.pass_(24 * 3600)
    with pytest.raises(SignInUnavailable):
        await verifier.authenticate(fresh(3))
    provider.is_up = True
    clock.pass_(11)
    await verifier.authenticate(fresh(4))


async def test_a_withdrawn_key_is_refused_after_five_minutes(
    database: Database, organisation: Organisation
) -> None:
    clock = Seconds()
    provider = Provider()
    provider.publish("k1", _EC)
    verifier = verifier_of(provider, database, clock=clock)
    await verifier.authenticate(issued(_EC, "ES256", key_id="k1", organisation=organisation))
    del provider.keys["k1"]
    provider.publish("k2", _RSA)
    clock.pass_(301)
    with pytest.raises(SignInNeeded):
        await verifier.authenticate(
            issued(_EC, "ES256", key_id="k1", organisation=organisation, jti="2")
        )


async def test_a_provider_that_was_never_reached_is_503_and_never_200(
    database: Database, organisation: Organisation
) -> None:
    token = issued(_EC, "ES256", key_id="k1", organisation=organisation)
    down = Provider()
    down.is_up = False
    liar = Provider()
    liar.issuer = "https://elsewhere.test"
    redirecting = Provider()
    redirecting.status = 302
    for provider in (down, liar, redirecting):
        with pytest.raises(SignInUnavailable):
            await verifier_of(provider, database).authenticate(token)


async def test_a_verified_token_is_remembered_for_a_minute_and_not_beyond_its_end(
    database: Database, organisation: Organisation, monkeypatch: pytest.MonkeyPatch
) -> None:
    provider = Provider()
    provider.publish("k1", _EC)
    verifier = verifier_of(provider, database)
    long, short = (
        issued(_EC, "ES256", key_id="k1", organisation=organisation, exp=int(time.time()) + seconds)
        for seconds in (300, 20)
    )
    before = time.time()
    first = [await verifier.authenticate(token) for token in (long, short)]
    after = time.time()
    assert [await verifier.authenticate(token) for token in (long, short)] == first
    monkeypatch.setattr("app.http.tokens.time.time", lambda: before + 59)
    assert await verifier.authenticate(long) is first[0]
    assert await verifier.authenticate(short) is not first[1]
    monkeypatch.setattr("app.http.tokens.time.time", lambda: after + 61)
    assert await verifier.authenticate(long) is not first[0]


@pytest.fixture(scope="session")
def demo_settings(owner_url: str, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return Settings.model_validate(
        {"database_url": owner_url, "demo": True, "data_dir": tmp_path_factory.mktemp("demo")}
    )


@pytest.fixture
async def demo(demo_settings: Settings, clock: FrozenClock) -> AsyncIterator[httpx.AsyncClient]:
    app = create_app(demo_settings, clock=clock.now)
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            yield client


async def test_a_form_of_more_fields_than_a_sign_in_has_is_refused(demo: httpx.AsyncClient) -> None:
    form = {f"field{number}": "x" for number in range(25)}
    answer = await demo.post("/demo/token", data=form)
    assert answer.status_code == 400
    assert answer.json()["error"] == "invalid_request"


async def test_the_demo_gives_each_persona_a_token(demo: httpx.AsyncClient) -> None:
    listed = (await demo.get("/demo/personas")).json()["items"]
    assert {"employee", "manager", "hr", "mt", "auditor", "admin", "hris"} <= {
        persona["username"] for persona in listed
    }
    for persona in listed:
        form = {"grant_type": "password", "username": persona["username"], "password": "any"}
        answer = await demo.post("/demo/token", data=form)
        assert answer.status_code == 200
        told = answer.json()
        assert told["token_type"] == "Bearer"
        assert told["expires_in"] == 3600
        claims = jwt.decode(told["access_token"], options={"verify_signature": False})
        assert claims["organisation"] == persona["organisation"]
        assert claims["roles"] == persona["roles"]


async def test_a_demo_token_opens_the_api_and_can_be_renewed(
    demo: httpx.AsyncClient, database: Database
) -> None:
    known = await database.find_tenant("odwh")
    told = (await demo.post("/demo/token", data={"username": "hr"})).json()
    renewal = {"grant_type": "refresh_token", "refresh_token": told["refresh_token"]}
    renewed = await demo.post("/demo/token", data=renewal)
    assert renewed.status_code == 200
    for token in (told["access_token"], renewed.json()["access_token"]):
        answer = await demo.get("/v1/policy-versions", headers=bearer(token))
        assert answer.status_code == (401 if known is None else 200)
    # A refresh token is no access token.
    answer = await demo.get("/v1/policy-versions", headers=bearer(told["refresh_token"]))
    assert answer.status_code == 401


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"username": "nobody"}, "invalid_grant"),
        ({}, "invalid_grant"),
        ({"grant_type": "client_credentials"}, "unsupported_grant_type"),
        ({"grant_type": "refresh_token", "refresh_token": "x"}, "invalid_grant"),
    ],
)
async def test_the_demo_refuses_whom_it_does_not_know(
    demo: httpx.AsyncClient, form: dict[str, str], error: str
) -> None:
    answer = await demo.post("/demo/token", data=form)
    if not form:
        assert answer.status_code == 415
    else:
        assert answer.status_code == 400
        assert answer.json()["error"] == error


async def test_the_demo_publishes_its_key_by_discovery(
    demo: httpx.AsyncClient, demo_settings: Settings
) -> None:
    found = (await demo.get("/demo/.well-known/openid-configuration")).json()
    assert found["issuer"] == "http://127.0.0.1:8000/demo"
    keys = (await demo.get(urlsplit(str(found["jwks_uri"])).path)).json()["keys"]
    assert [set(key) & {"d", "p", "q"} for key in keys] == [set()]
    kept = demo_settings.data_dir / "demo-issuer.pem"
    assert kept.stat().st_mode & 0o777 == 0o600


def test_the_demos_key_is_kept_over_restarts(tmp_path: Path) -> None:
    folder = tmp_path / "new"
    first, second = (SigningIssuer.kept_in(folder, "http://x/demo") for _ in range(2))
    assert first.key_set() == second.key_set()
    assert [path.name for path in folder.iterdir()] == ["demo-issuer.pem"]


async def test_outside_demo_mode_there_is_no_demo_sign_in(
    app: FastAPI, client: httpx.AsyncClient
) -> None:
    for path in ("/demo/token", "/demo/personas", "/demo/jwks"):
        assert (await client.get(f"http://test{path}")).status_code == 404
    assert "demoSignIn" not in app.state.api.state.security_schemes


def test_demo_mode_is_announced_loudly(
    demo_settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, logger="app"):
        create_app(demo_settings)
    assert any("DEMO MODE" in record.getMessage() for record in caplog.records)
