"""Forged and foreign tokens, one by one: all are answered alike, and nothing they name is fetched.

Each is a good token but for one thing; most bear the provider's own signature.
"""

import asyncio
import base64
import json
import time
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from tests.identity.conftest import World
from tests.support.provider import Provider, private_jwk

PATH = "/me"
STRANGER = rsa.generate_private_key(65537, 2048)
CURVE = ec.generate_private_key(ec.SECP256R1())


@dataclass(frozen=True, slots=True)
class Trap:
    """An address that nobody should come to, and how many came."""

    address: str
    visits: list[str]


@asynccontextmanager
async def trap() -> AsyncGenerator[Trap]:
    """Listen, and offer the stranger's keys to whoever comes."""
    visits: list[str] = []
    keys = json.dumps({"keys": [private_jwk("k1", STRANGER), private_jwk("evil", STRANGER)]})

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        visits.append((await reader.readline()).decode())
        writer.write(f"HTTP/1.1 200 OK\r\nContent-Length: {len(keys)}\r\n\r\n{keys}".encode())
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield Trap(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", visits)


def part(content: object) -> str:
    """Return a part of a token: JSON in base64url."""
    told = content if isinstance(content, bytes) else json.dumps(content).encode()
    return base64.urlsafe_b64encode(told).decode().rstrip("=")


def by_a_stranger(provider: Provider, headers: Mapping[str, object]) -> str:
    """Return a token that only its own header vouches for."""
    told: dict[str, Any] = {"kid": "k1", "typ": "at+jwt", **headers}
    return jwt.encode(provider.claims(), STRANGER, algorithm="RS256", headers=told)


def public(provider: Provider, encoding: serialization.Encoding) -> bytes:
    return (
        provider.keys["k1"]
        .public_key()
        .public_bytes(encoding, serialization.PublicFormat.SubjectPublicKeyInfo)
    )


def with_the_public_key(provider: Provider, secret: bytes) -> str:
    """Return a token signed with what everybody knows, as if it were a shared secret."""
    header = part({"alg": "HS256", "typ": "at+jwt", "kid": "k1"})
    signed = f"{header}.{part(provider.claims())}"
    algorithm = jwt.get_algorithm_by_name("HS256")
    # By hand, for the library does not want a public key here.
    key = algorithm.prepare_key(base64.b64encode(secret)) if secret[:1] == b"-" else secret
    return f"{signed}.{part(algorithm.sign(signed.encode(), key))}"


def unsigned(provider: Provider, algorithm: str, signature: str = "") -> str:
    header = {"alg": algorithm, "typ": "at+jwt", "kid": "k1"}
    return f"{part(header)}.{part(provider.claims())}.{signature}"


def parts_of(provider: Provider) -> list[str]:
    return provider.signed().split(".")


def exchanged(provider: Provider, at: int, by: object) -> str:
    """Return a good token with one of its parts exchanged."""
    parts = parts_of(provider)
    parts[at] = by if isinstance(by, str) else part(by)
    return ".".join(parts)


def in_json(provider: Provider, *, signatures: int) -> str:
    """Return a token in the JSON form of a signature, which may have several."""
    header, payload, signature = parts_of(provider)
    each = {"protected": header, "signature": signature}
    if signatures == 1:
        return json.dumps({"payload": payload, **each})
    return json.dumps({"payload": payload, "signatures": [each] * signatures})


def with_claims(**changes: object) -> Callable[[Provider, str], str]:
    return lambda provider, _: provider.signed(provider.claims(**changes))


# What the name of an algorithm, a type or a key never is.
ODD: tuple[object, ...] = ([], ["RS256"], {"a": 1}, 1, True)


def with_odd_header(name: str, value: object) -> Callable[[Provider, str], str]:
    header = {"alg": "RS256", "typ": "at+jwt", "kid": "k1", name: value}
    return lambda provider, _: exchanged(provider, 0, header)


def with_headers(**headers: object) -> Callable[[Provider, str], str]:
    return lambda provider, _: provider.signed(headers=headers)


def from_now(claim: str, seconds: int) -> Callable[[Provider, str], str]:
    return lambda provider, _: provider.signed(
        provider.claims(**{claim: int(time.time()) + seconds})
    )


# What makes each token, of the provider and the address of the trap.
FORGED: Mapping[str, Callable[[Provider, str], str]] = {
    "nothing": lambda _, __: "",
    "no token": lambda _, __: "opaque-text",
    "dots": lambda _, __: "..",
    "unsigned": lambda provider, _: unsigned(provider, "none"),
    "unsigned, spelt otherwise": lambda provider, _: unsigned(provider, "nOnE"),
    "unsigned, with a signature": lambda provider, _: unsigned(
        provider, "none", parts_of(provider)[2]
    ),
    "the PEM of the public key as a secret": lambda provider, _: with_the_public_key(
        provider, public(provider, serialization.Encoding.PEM)
    ),
    "the DER of the public key as a secret": lambda provider, _: with_the_public_key(
        provider, public(provider, serialization.Encoding.DER)
    ),
    "another algorithm of the same key": lambda provider, _: provider.signed(algorithm="RS512"),
    "another kind of key": lambda provider, _: jwt.encode(
        provider.claims(), CURVE, algorithm="ES256", headers={"kid": "k1", "typ": "at+jwt"}
    ),
    "an unknown key": with_headers(kid="k9"),
    "no key id": with_headers(kid=""),
    "a path for a key id": with_headers(kid="../../../dev/null"),
    "a statement for a key id": with_headers(kid="k1' OR '1'='1"),
    "a stranger under the key's name": lambda provider, _: by_a_stranger(provider, {}),
    "keys from elsewhere": lambda provider, at: by_a_stranger(provider, {"jku": f"{at}/keys"}),
    "keys from elsewhere, of an unknown key": lambda provider, at: by_a_stranger(
        provider, {"jku": f"{at}/keys", "kid": "evil"}
    ),
    "a chain from elsewhere": lambda provider, at: by_a_stranger(
        provider, {"x5u": f"{at}/chain", "kid": "evil"}
    ),
    "a key it brings itself": lambda provider, _: by_a_stranger(
        provider, {"jwk": private_jwk("k1", STRANGER), "kid": "evil"}
    ),
    "a chain it brings itself": lambda provider, _: by_a_stranger(
        provider, {"x5c": [part(b"a certificate")]}
    ),
    "a good signature, and keys from elsewhere": lambda provider, at: provider.signed(
        headers={"jku": f"{at}/keys"}
    ),
    "an address for an issuer": lambda provider, at: provider.signed(provider.claims(iss=at)),
    "processing we do not know": with_headers(crit=["exp"], exp=1),
    "another issuer": with_claims(iss="https://elsewhere.test"),
    "the issuer with a slash": lambda provider, _: provider.signed(
        provider.claims(iss=f"{provider.issuer}/")
    ),
    "no issuer": with_claims(iss=None),
    "another audience": with_claims(aud="payroll"),
    "a longer audience": with_claims(aud="leerruimte-test"),
    "no audience": with_claims(aud=None),
    "the type of an ID token": with_headers(typ="id+jwt"),
    "the type of a logout token": with_headers(typ="logout+jwt"),
    "no type": with_headers(typ=None),
    "an ID token that calls itself one": with_claims(typ="ID"),
    "a refresh token": with_claims(typ="Refresh"),
    "an ID token's claims": with_claims(at_hash="x"),
    "a logout token's claims": with_claims(events={"http://schemas.openid.net/event": {}}),
    "past its end by 61 seconds": from_now("exp", -61),
    "61 seconds too early": from_now("nbf", 61),
    "issued 61 seconds from now": from_now("iat", 61),
    "no end": with_claims(exp=None),
    "an end that is none": with_claims(exp="never"),
    "no beginning": with_claims(iat=None),
    "nobody": with_claims(sub=None),
    "somebody without a name": with_claims(sub=""),
    "no organisation": with_claims(organisation=None),
    "an unknown organisation": with_claims(organisation="unheard-of"),
    "all organisations": with_claims(organisation=["*"]),
    "other claims than were signed": lambda provider, _: exchanged(
        provider, 1, provider.claims(roles=["admin"])
    ),
    "another header than was signed": lambda provider, _: exchanged(
        provider, 0, {"alg": "RS256", "typ": "JWT", "kid": "k1"}
    ),
    "the signature of another token": lambda provider, _: exchanged(
        provider, 2, provider.signed().split(".")[2]
    ),
    "half a signature": lambda provider, _: provider.signed()[:-170],
    "no signature": lambda provider, _: exchanged(provider, 2, ""),
    "a signature twice": lambda provider, _: ".".join([*parts_of(provider), parts_of(provider)[2]]),
    "five parts": lambda provider, _: ".".join([*parts_of(provider), "e30", "e30"]),
    "two signatures": lambda provider, _: in_json(provider, signatures=2),
    "one signature in the JSON form": lambda provider, _: in_json(provider, signatures=1),
    "20 kilobytes": with_claims(filler="x" * 14_000),
    "two tokens": lambda provider, _: f"{provider.signed()}, Bearer {provider.signed()}",
    "a header without end": lambda provider, _: exchanged(provider, 0, b'{"a":' + b"[" * 4000),
    "claims without end": lambda provider, _: exchanged(provider, 1, b'{"a":' + b"[" * 4000),
    **{
        f"{name} of {value!r}": with_odd_header(name, value)
        for name in ("alg", "typ", "kid")
        for value in ODD
    },
    "a header that is a list": lambda provider, _: exchanged(provider, 0, ["RS256"]),
    "claims that are a list": lambda provider, _: exchanged(provider, 1, ["RS256"]),
}


def shown(answer: httpx.Response) -> tuple[int, str, dict[str, str]]:
    """Return all of an answer that does not tell one request from another."""
    request_id = answer.headers["X-Request-Id"]
    kept = {
        name: value
        for name, value in answer.headers.items()
        if name not in {"x-request-id", "date"}
    }
    return answer.status_code, answer.text.replace(request_id, "..."), kept


@pytest.mark.invariant("S2")
async def test_every_forged_token_has_the_same_answer_and_nothing_it_names_is_fetched(
    world: World,
) -> None:
    provider, service = world.provider, world.service
    expected = shown(await service.get(PATH))
    assert expected[0] == 401
    async with trap() as elsewhere:
        # But for the one thing, each of them is good.
        good = {"Authorization": f"Bearer {provider.signed()}"}
        assert (await service.get(PATH, headers=good)).status_code == 200
        for name, forge in FORGED.items():
            token = forge(provider, elsewhere.address)
            answer = await service.get(PATH, headers={"Authorization": f"Bearer {token}".strip()})
            assert shown(answer) == expected, name
        assert elsewhere.visits == []
        # The trap would have told.
        async with httpx.AsyncClient(timeout=60) as client:
            await client.get(f"{elsewhere.address}/keys")
        assert elsewhere.visits == ["GET /keys HTTP/1.1\r\n"]


@pytest.mark.invariant("S2")
async def test_a_good_token_counts_in_the_authorization_header_alone(world: World) -> None:
    service, good = world.service, world.provider.signed()
    expected = shown(await service.get(PATH))
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    content = f"access_token={good}".encode()
    elsewhere = [
        await service.get(PATH, params={"access_token": good}),
        await service.get(PATH, params={"authorization": f"Bearer {good}"}),
        await service.get(PATH, headers={"Authorization": good}),
        await service.get(PATH, headers={"Authorization": f"Basic {good}"}),
        await service.get(PATH, headers={"Authorization": f"DPoP {good}"}),
        await service.get(PATH, headers={"X-Authorization": f"Bearer {good}"}),
        await service.get(PATH, headers={"Proxy-Authorization": f"Bearer {good}"}),
        await service.get(PATH, headers={"Cookie": f"access_token={good}; Authorization={good}"}),
        await service.get(PATH, headers=[("Authorization", f"Bearer {good}")] * 2),
        await service.request("GET", PATH, content=content, headers=form),
    ]
    assert [shown(answer) for answer in elsewhere] == [expected] * len(elsewhere)
    # A word of the scheme in other letters is the same word (RFC 9110, section 11.1).
    assert (await service.get(PATH, headers={"Authorization": f"bEARER {good}"})).is_success


@pytest.mark.invariant("S2", "S3")
async def test_what_a_token_says_more_gives_no_more(world: World) -> None:
    """Names of ours in a token that is good: only those at their places count."""
    provider, service = world.provider, world.service
    token = provider.signed(
        provider.claims(
            role=["admin"],
            scope="admin",
            groups=["hr"],
            realm_access={"roles": ["hr"]},
            roles=["auditor", "ADMIN", "admin ", {"admin": True}, None],
        )
    )
    me = await service.get(PATH, headers={"Authorization": f"Bearer {token}"})
    assert me.json()["roles"] == ["auditor"]


@pytest.mark.invariant("S2")
async def test_a_token_that_was_let_in_is_refused_when_its_end_has_passed(world: World) -> None:
    """It is remembered for a minute at most, and never beyond its end (and half a minute's grace).

    So a role that is taken away at the provider ends with the token, whoever saw it before.
    """
    provider, service = world.provider, world.service

    async def answered(ends: int) -> list[tuple[float, int]]:
        """Ask until half a minute past this end; return when each was asked, and the answer."""
        token = provider.signed(provider.claims(exp=ends))
        told: list[tuple[float, int]] = []
        while not told or told[-1][0] < ends + 31:
            asked_at = time.time()
            answer = await service.get(PATH, headers={"Authorization": f"Bearer {token}"})
            told.append((asked_at, answer.status_code))
            await asyncio.sleep(0.2)
        return told

    # A machine that is busy may not come to it in three seconds: then with more of them.
    for seconds in (3, 10, 30):
        told = await answered(int(time.time()) - 30 + seconds)
        if told[0][1] == 200:
            break
    assert (told[0][1], told[-1][1]) == (200, 401)
