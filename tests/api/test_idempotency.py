import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
from sqlalchemy import TextClause, func, select, text

from app.db.models import IdempotencyKey
from app.db.session import Database
from app.http.idempotency import forget_old_keys
from app.kernel.actors import Role
from app.settings import Settings
from tests.conftest import SignIn
from tests.support.clock import FrozenClock
from tests.support.organisations import Organisation
from tests.support.probe import Probe, probing
from tests.support.statements import counted


@pytest.fixture(scope="module")
async def probe(settings: Settings) -> AsyncIterator[Probe]:
    async with probing(settings, FrozenClock().now) as probe:
        yield probe


@pytest.fixture
async def api(probe: Probe) -> AsyncIterator[httpx.AsyncClient]:
    probe.attempts.clear()
    probe.repetitions_asked = 0
    transport = httpx.ASGITransport(app=probe.app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test/v1") as client:
        yield client


async def made(api: httpx.AsyncClient, headers: dict[str, str]) -> int:
    answer = await api.get("/probes/made", headers=headers)
    return answer.json()["number"]


@pytest.mark.invariant("K1")
async def test_the_same_key_gives_the_same_answer_and_does_the_work_once(
    api: httpx.AsyncClient, sign_in: SignIn
) -> None:
    hr = sign_in(Role.HR)
    headers = {**hr, "Idempotency-Key": '"8e03978e-40d5-43dd-bc93-6894a57f9324"'}
    body = {"title": "Éen aanvraag", "costCents": 120_000}
    first, again = [await api.post("/probes", json=body, headers=headers) for _ in range(2)]
    assert first.status_code == again.status_code == 201
    assert first.content == again.content
    for name in ("ETag", "Location", "Content-Type", "Content-Length"):
        assert first.headers[name] == again.headers[name]
    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.headers["API-Version"] == first.headers["API-Version"]
    assert again.headers["X-Request-Id"] != first.headers["X-Request-Id"]
    assert await made(api, hr) == 1


@pytest.mark.invariant("K1")
async def test_a_bare_key_and_a_quoted_one_are_the_same_key(
    api: httpx.AsyncClient, sign_in: SignIn
) -> None:
    hr = sign_in(Role.HR)
    for key in ('"abc-1"', "abc-1", ' "abc-1" '):
        answer = await api.post(
            "/probes", json={"title": "A"}, headers={**hr, "Idempotency-Key": key}
        )
        assert answer.status_code == 201
    assert await made(api, hr) == 1


@pytest.mark.invariant("K2")
@pytest.mark.parametrize(
    ("path", "body"),
    [
        pytest.param("/probes", {"title": "B"}, id="another body"),
        pytest.param("/probes/payments", None, id="another path"),
    ],
)
async def test_the_key_of_another_request_is_422_and_nothing_is_written(
    api: httpx.AsyncClient, sign_in: SignIn, path: str, body: dict[str, str] | None
) -> None:
    hr = sign_in(Role.HR)
    headers = {**hr, "Idempotency-Key": "k-1"}
    await api.post("/probes", json={"title": "A"}, headers=headers)
    refused = await api.post(path, json=body, headers=headers)
    assert refused.status_code == 422
    assert refused.json()["type"] == "/problems/idempotency-key-reused"
    assert await made(api, hr) == 1


@pytest.mark.invariant("K3")
async def test_the_same_key_sixteen_times_at_the_same_moment_has_one_effect(
    api: httpx.AsyncClient, sign_in: SignIn
) -> None:
    hr = sign_in(Role.HR)
    headers = {**hr, "Idempotency-Key": "at-once"}
    answers = await asyncio.gather(
        *(api.post("/probes", json={"title": "A"}, headers=headers) for _ in range(16))
    )
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert sum("Idempotency-Replayed" not in answer.headers for answer in answers) == 1
    assert await made(api, hr) == 1


@pytest.mark.invariant("K3")
async def test_two_requests_with_one_key_and_two_bodies_at_once_are_one_201_and_one_422(
    api: httpx.AsyncClient, sign_in: SignIn
) -> None:
    headers = {**sign_in(Role.HR), "Idempotency-Key": "two-bodies"}
    answers = await asyncio.gather(
        *(api.post("/probes", json={"title": title}, headers=headers) for title in "AB")
    )
    assert sorted(answer.status_code for answer in answers) == [201, 422]
    assert await made(api, sign_in(Role.HR)) == 1


@pytest.mark.invariant("K4")
async def test_another_organisation_and_another_client_have_keys_of_their_own(
    api: httpx.AsyncClient, sign_in: SignIn, other_organisation: Organisation
) -> None:
    signed_in = [
        sign_in(Role.HR, subject="a"),
        sign_in(Role.HR, subject="b"),
        sign_in(Role.HR, subject="a", organisation=other_organisation),
    ]
    for number, headers in enumerate(signed_in):
        answer = await api.post(
            "/probes",
            json={"title": f"T{number}"},
            headers={**headers, "Idempotency-Key": "shared"},
        )
        assert answer.status_code == 201
        assert answer.json()["title"] == f"T{number}"
        assert "Idempotency-Replayed" not in answer.headers


@pytest.mark.invariant("K5")
async def test_a_refused_request_leaves_its_key_unused(
    api: httpx.AsyncClient, sign_in: SignIn
) -> None:
    hr = sign_in(Role.HR)
    headers = {**hr, "Idempotency-Key": "again"}
    invalid = await api.post("/probes", json={"title": ""}, headers=headers)
    refused = await api.post("/probes/refusals", headers=headers)
    failed = await api.post("/probes/defects", headers=headers)
    assert [invalid.status_code, refused.status_code, failed.status_code] == [400, 409, 500]
    mended = await api.post("/probes", json={"title": "A"}, headers=headers)
    assert mended.status_code == 201
    assert await made(api, hr) == 1


@pytest.mark.invariant("K6")
async def test_where_money_moves_a_key_is_required(api: httpx.AsyncClient, sign_in: SignIn) -> None:
    hr = sign_in(Role.HR)
    refused = await api.post("/probes/payments", headers=hr)
    assert refused.status_code == 400
    assert refused.json()["type"] == "/problems/idempotency-key-missing"
    assert await made(api, hr) == 0


@pytest.mark.parametrize(
    "key",
    ["", '""', '"', 'a"b', "a b", "a,b", "x" * 256, '"' + "x" * 256 + '"', "\x7f"],
)
async def test_a_key_that_is_no_key_is_400(
    api: httpx.AsyncClient, sign_in: SignIn, key: str
) -> None:
    refused = await api.post(
        "/probes", json={"title": "A"}, headers={**sign_in(Role.HR), "Idempotency-Key": key}
    )
    assert refused.status_code == 400
    assert refused.json()["type"] == "/problems/idempotency-key-malformed"


async def test_two_keys_are_no_key(api: httpx.AsyncClient, sign_in: SignIn) -> None:
    headers = [*sign_in(Role.HR).items(), ("Idempotency-Key", "a"), ("Idempotency-Key", "b")]
    refused = await api.post("/probes", json={"title": "A"}, headers=headers)
    assert refused.status_code == 400


async def test_a_role_that_was_taken_away_does_not_see_the_old_answer(
    api: httpx.AsyncClient, sign_in: SignIn
) -> None:
    key = {"Idempotency-Key": "mine"}
    first = await api.post(
        "/probes", json={"title": "A"}, headers={**sign_in(Role.HR, subject="s"), **key}
    )
    assert first.status_code == 201
    again = await api.post(
        "/probes", json={"title": "A"}, headers={**sign_in(Role.EMPLOYEE, subject="s"), **key}
    )
    assert again.status_code == 403


async def test_a_key_outside_a_post_is_passed_over(api: httpx.AsyncClient, sign_in: SignIn) -> None:
    headers = {**sign_in(Role.HR), "Idempotency-Key": "a b"}
    assert (await api.get("/probes/made", headers=headers)).status_code == 200


@pytest.mark.invariant("K1")
async def test_a_key_is_forgotten_after_thirty_days_and_not_before(
    database: Database, organisation: Organisation
) -> None:
    def aged(key: str, age: str) -> TextClause:
        return text(
            "INSERT INTO idempotency_keys (organisation_id, client, key, fingerprint, created_at)"
            " VALUES (:organisation_id, 'hr', :key, 'x', now() - CAST(:age AS interval))"
        ).bindparams(organisation_id=organisation.id, key=key, age=age)

    async with database.transaction(organisation.id) as session:
        await session.execute(aged("young", "29 days 23 hours"))
        await session.execute(aged("old", "30 days 1 second"))

    await forget_old_keys(database)

    async with database.transaction(organisation.id) as session:
        left = await session.scalars(
            select(IdempotencyKey.key).where(IdempotencyKey.organisation_id == organisation.id)
        )
        assert left.all() == ["young"]


async def test_a_backlog_of_old_keys_is_forgotten_in_parts(
    database: Database, organisation: Organisation
) -> None:
    many = text(
        "INSERT INTO idempotency_keys (organisation_id, client, key, fingerprint, created_at)"
        " SELECT :organisation_id, 'hr', n::text, 'x', now() - interval '31 days'"
        " FROM generate_series(1, 2500) n"
    ).bindparams(organisation_id=organisation.id)

    async def deletions() -> int:
        with counted() as statements:
            await forget_old_keys(database)
        return sum("DELETE FROM idempotency_keys" in one for one in statements)

    without = await deletions()
    async with database.transaction(organisation.id) as session:
        await session.execute(many)
    assert await deletions() == without + 2
    async with database.transaction(organisation.id) as session:
        left = await session.scalar(
            select(func.count()).where(IdempotencyKey.organisation_id == organisation.id)
        )
    assert left == 0
