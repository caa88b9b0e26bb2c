"""The provider's keys as time passes: exchanged, withdrawn, out of reach, never there, or bad."""

import asyncio
import gzip
import time
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager

import httpx
import pytest

from app.http.tokens import PublishedKeys
from app.main import create_app
from app.people.rules import EmployeeRow
from app.settings import Settings
from tests.support.clock import Seconds
from tests.support.organisations import Organisation
from tests.support.provider import (
    AUDIENCE,
    DISCOVERY,
    KEYS,
    Answer,
    Claims,
    Issuer,
    Provider,
    Publisher,
    listening,
    write,
)

HOUR, MINUTE = 3600, 60


@pytest.fixture(autouse=True)
def _patience(  # pyright: ignore[reportUnusedFunction]
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Let the service wait longer for a provider on a machine that is busy."""
    monkeypatch.setattr("app.http.tokens._FETCH_SECONDS", 60.0)


class Service:
    """The service, its clock for the keys, and the issuer whose tokens it takes."""

    def __init__(self, client: httpx.AsyncClient, clock: Seconds, issuer: Issuer) -> None:
        self._client = client
        self._issuer = issuer
        self.clock = clock

    async def ask(self, *, key_id: str = "k1", **headers: object) -> httpx.Response:
        """Ask with a new token, signed by a key of the issuer."""
        token = self._issuer.signed(key_id=key_id, headers=headers)
        return await self.ask_with(token)

    async def ask_with(self, token: str) -> httpx.Response:
        return await self._client.get("/me", headers={"Authorization": f"Bearer {token}"})


@asynccontextmanager
async def served(settings: Settings, issuer: Issuer) -> AsyncGenerator[Service]:
    clock = Seconds()
    told = {"oidc_issuer": issuer.issuer, "oidc_audience": AUDIENCE}
    app = create_app(
        settings.model_copy(update=told), keys=PublishedKeys(issuer.issuer, clock=clock)
    )
    async with (
        listening(app) as address,
        httpx.AsyncClient(base_url=f"{address}/v1", timeout=60) as client,
    ):
        yield Service(client, clock, issuer)


@pytest.fixture
async def service(settings: Settings, provider: Provider) -> AsyncIterator[Service]:
    """Return a service that takes the tokens of the real provider."""
    async with served(settings, provider) as service:
        yield service


@pytest.fixture
def told(staff: tuple[Organisation, EmployeeRow]) -> Claims:
    return {"organisation": staff[0].slug, "roles": ["hr"]}


def check_unavailable(answer: httpx.Response) -> None:
    """Check that nobody can sign in now, and that it is said when to come back."""
    assert answer.status_code == 503, answer.text
    assert answer.json()["type"] == "/problems/sign-in-unavailable"
    assert answer.headers["Retry-After"] == "30"


@pytest.mark.invariant("S2")
async def test_a_new_key_signs_without_a_restart_and_a_withdrawn_one_no_longer(
    provider: Provider, service: Service
) -> None:
    provider.start("k1")
    assert (await service.ask_with(await provider.service_token("hris"))).status_code == 200
    # The next key signs from now on; the one before is still published.
    provider.start("k2", "k1")
    renewed = await provider.service_token("hris")
    service.clock.pass_(10)
    assert (await service.ask_with(renewed)).status_code == 200
    assert (await service.ask()).status_code == 200
    # Withdrawn: known no longer than the five minutes after which keys are looked at again.
    provider.start("k2")
    service.clock.pass_(5 * MINUTE + 1)
    assert (await service.ask()).status_code == 401
    assert (await service.ask(key_id="k2")).status_code == 200


@pytest.mark.invariant("S2")
async def test_the_service_goes_on_while_the_provider_is_down_for_an_hour(
    provider: Provider, service: Service
) -> None:
    provider.start("k1")
    assert (await service.ask()).status_code == 200
    provider.stop()
    for _ in range(20):
        service.clock.pass_(HOUR / 20)
        assert (await service.ask()).status_code == 200
    # A key it can not know is refused, not waited for.
    provider.make_keys("k3")
    assert (await service.ask(key_id="k3")).status_code == 401
    # Back with another key, as after a break-in: the first look takes it, and drops the old one.
    provider.start("k3")
    service.clock.pass_(10)
    assert (await service.ask(key_id="k3")).status_code == 200
    assert (await service.ask()).status_code == 401


@pytest.mark.invariant("S2", "S23")
async def test_a_provider_that_was_never_up_is_503_until_it_is(
    provider: Provider, service: Service
) -> None:
    provider.stop()
    provider.make_keys("k1", "k4")
    for key_id in ("k1", "k4"):
        check_unavailable(await service.ask(key_id=key_id))
    # What no key could save is refused as ever.
    assert (await service.ask(jku="https://elsewhere.test/keys")).status_code == 401
    assert (await service.ask_with("no-token")).status_code == 401
    provider.start("k1")
    service.clock.pass_(10)
    assert (await service.ask()).status_code == 200
    assert (await service.ask(key_id="k4")).status_code == 401


@pytest.mark.invariant("S2", "S23")
async def test_a_provider_of_another_name_is_not_believed(
    provider: Provider, service: Service
) -> None:
    provider.start("k1", issuer=provider.issuer.replace("127.0.0.1", "localhost"))
    check_unavailable(await service.ask())
    provider.start("k1")
    service.clock.pass_(10)
    assert (await service.ask()).status_code == 200


@pytest.mark.invariant("S2", "S5")
async def test_a_storm_of_unknown_keys_does_not_reach_the_provider(
    settings: Settings, told: Claims
) -> None:
    async with Publisher.listening(told) as publisher, served(settings, publisher) as service:
        assert (await service.ask()).status_code == 200
        for _ in range(6):
            service.clock.pass_(5)
            answers = await asyncio.gather(
                *(service.ask(kid=f"unheard-of-{number}") for number in range(20)), service.ask()
            )
            assert [answer.status_code for answer in answers] == [401] * 20 + [200]
    # Once at first, and then every ten seconds of the thirty.
    assert publisher.asked == [DISCOVERY, KEYS] * 4


def redirect(path: str) -> Answer:
    """Point to where a good document is."""
    return always(b"", status=302, headers=f"Location: {path}/moved\r\n")


async def trickle(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10000\r\n\r\n{")
    for _ in range(1000):
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.2)


async def silence(writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(200)
    writer.write(b"HTTP/1.1 200 OK\r\n")


def always(content: object, *, status: int = 200, headers: str = "") -> Answer:
    async def answer(writer: asyncio.StreamWriter) -> None:
        await write(writer, content, status=status, headers=headers)

    return answer


def bad_documents(publisher: Publisher) -> Mapping[str, tuple[str, Answer]]:
    """Return answers that are none: which document each is in place of, and the answer."""
    large = {**publisher.discovery(), "filler": "x" * 300_000}
    packed = gzip.compress(b'{"filler": "' + b"x" * 10_000_000 + b'"}')
    found = publisher.discovery
    return {
        "another issuer": (DISCOVERY, always(found(issuer="https://elsewhere.test"))),
        "the issuer with a slash": (DISCOVERY, always(found(issuer=f"{publisher.issuer}/"))),
        "no issuer": (DISCOVERY, always({"jwks_uri": f"{publisher.issuer}{KEYS}"})),
        "no address of keys": (DISCOVERY, always({"issuer": publisher.issuer})),
        "keys in a file": (DISCOVERY, always(found(jwks_uri="file:///etc/hostname"))),
        "keys by another protocol": (DISCOVERY, always(found(jwks_uri="ftp://127.0.0.1/keys"))),
        "keys at no address": (DISCOVERY, always(found(jwks_uri="http://[/"))),
        "keys at a number": (DISCOVERY, always(found(jwks_uri=7))),
        "a redirect": (DISCOVERY, redirect(DISCOVERY)),
        "keys that redirect": (KEYS, redirect(KEYS)),
        "too large": (DISCOVERY, always(large)),
        "too many keys": (KEYS, always({"keys": [{"kty": "RSA", "n": "x" * 500}] * 1000})),
        "a packed bomb": (KEYS, always(packed, headers="Content-Encoding: gzip\r\n")),
        "no JSON": (DISCOVERY, always(b"<html>")),
        "no text": (DISCOVERY, always(b"\xff\xfe\x00")),
        "a list": (DISCOVERY, always([publisher.discovery()])),
        "a depth": (KEYS, always(b"[" * 100_000)),
        "no keys": (KEYS, always({})),
        "keys that are none": (KEYS, always({"keys": "k1"})),
        "a list of none": (KEYS, always({"keys": [None, 7]})),
        "not found": (KEYS, always({"keys": []}, status=404)),
        "a fault": (DISCOVERY, always({"error": "oops"}, status=500)),
        "nothing": (KEYS, always(b"")),
    }


@pytest.mark.invariant("S2", "S11", "S23")
async def test_a_provider_whose_documents_are_bad_is_503_until_they_are_good(
    settings: Settings, told: Claims
) -> None:
    async with Publisher.listening(told) as publisher, served(settings, publisher) as service:
        for name, (path, bad) in bad_documents(publisher).items():
            publisher.instead = {path: bad}
            asked = len(publisher.asked)
            assert (await service.ask()).status_code == 503, name
            assert path in publisher.asked[asked:], name
            service.clock.pass_(10)
        publisher.instead = {}
        assert (await service.ask()).status_code == 200


@pytest.mark.invariant("S2", "S5", "S23")
async def test_a_provider_that_is_too_slow_is_503_long_before_it_is_done(
    settings: Settings, told: Claims, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The service's own patience is three seconds; the provider takes 200."""
    monkeypatch.undo()

    async def check(path: str, slow: Answer) -> None:
        async with Publisher.listening(told) as publisher, served(settings, publisher) as service:
            publisher.instead[path] = slow
            began = time.monotonic()
            check_unavailable(await service.ask())
            assert time.monotonic() - began < 50

    await asyncio.gather(check(DISCOVERY, silence), check(KEYS, trickle))


@pytest.mark.invariant("S2")
async def test_what_is_no_key_of_ours_is_passed_over(settings: Settings, told: Claims) -> None:
    async with Publisher.listening(told) as publisher, served(settings, publisher) as service:
        [good] = publisher.published()
        publisher.instead[KEYS] = always(
            {
                "keys": [
                    {"kty": "oct", "kid": "k2", "k": "c2VjcmV0"},
                    {"kty": "RSA", "kid": "k3", "n": 5, "e": "AQAB"},
                    {"kty": "tulip", "kid": "k4"},
                    {**good, "kid": "k5", "use": "enc"},
                    {**good, "kid": ["k6"]},
                    good,
                ]
            }
        )
        assert (await service.ask()).status_code == 200
        for key_id in ("k2", "k3", "k4", "k5", "k6"):
            assert (await service.ask(kid=key_id)).status_code == 401


@pytest.mark.invariant("S2", "S23")
async def test_all_keys_withdrawn_is_nobody_signs_in(settings: Settings, told: Claims) -> None:
    async with Publisher.listening(told) as publisher, served(settings, publisher) as service:
        assert (await service.ask()).status_code == 200
        publisher.instead[KEYS] = always({"keys": []})
        service.clock.pass_(5 * MINUTE + 1)
        assert (await service.ask()).status_code == 401


@pytest.mark.invariant("S2")
async def test_nobody_waits_for_a_provider_that_stays_silent(
    settings: Settings, told: Claims
) -> None:
    async with Publisher.listening(told) as publisher, served(settings, publisher) as service:
        assert (await service.ask()).status_code == 200
        publisher.instead[DISCOVERY] = always({}, status=503)
        service.clock.pass_(5 * MINUTE + 1)
        assert (await service.ask()).status_code == 200
        publisher.instead[DISCOVERY] = silence
        for _ in range(3):
            service.clock.pass_(10)
            began = time.monotonic()
            assert (await service.ask()).status_code == 200
            # Well within the service's patience with the provider, which is a minute here.
            assert time.monotonic() - began < 30
