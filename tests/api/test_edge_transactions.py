import asyncio
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from typing import LiteralString

import httpx
import psycopg
import pytest
from psycopg import sql
from starlette.types import Message, Receive, Scope, Send

from app.db.session import Database
from app.http.logs import JsonLines
from app.kernel.actors import Role
from app.settings import Settings
from tests.conftest import SignIn
from tests.support.clock import FrozenClock
from tests.support.database import at_database, migrated_database
from tests.support.organisations import Organisation, enter_in_directory
from tests.support.probe import Probe, probing


def _named(statement: LiteralString, database: str) -> sql.Composed:
    return sql.SQL(statement).format(sql.Identifier(database))


# A database of its own, for here the schema is changed.
@pytest.fixture(scope="module")
def own_url(server_url: str) -> Iterator[str]:
    with migrated_database(server_url) as url:
        yield url


@pytest.fixture(scope="module")
async def probe(settings: Settings, own_url: str) -> AsyncIterator[Probe]:
    further = {"database_url": own_url, "pool_timeout_seconds": 60}
    own = Settings.model_validate({**settings.model_dump(), **further})
    async with probing(own, FrozenClock().now) as probe:
        yield probe


@pytest.fixture
async def organisation(probe: Probe) -> Organisation:
    database: Database = probe.app.state.database
    return await enter_in_directory(database)


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


def cut_off(probe: Probe, name: str) -> None:
    """End the connections that the service has to this database, so that it makes new ones."""
    with psycopg.connect(at_database(probe.settings.app_url, "postgres")) as app_role:
        app_role.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE datname = %s AND usename = current_user",
            [name],
        )


@pytest.mark.invariant("D1", "D5")
async def test_what_is_answered_is_already_committed(
    probe: Probe, sign_in: SignIn, own_url: str, organisation: Organisation
) -> None:
    """Look over another connection as the first byte of the answer is about to leave."""
    seen: list[int] = []

    async def look() -> None:
        async with await psycopg.AsyncConnection.connect(own_url) as other:
            await other.execute(
                "SELECT set_config('app.organisation_id', %s, false)", [str(organisation.id)]
            )
            found = await other.execute(
                "SELECT count(*) FROM audit_entries WHERE organisation_id = %s", [organisation.id]
            )
            row = await found.fetchone()
            seen.append(row[0] if row else -1)

    async def watched(scope: Scope, receive: Receive, send: Send) -> None:
        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                await look()
            await send(message)

        await probe.app(scope, receive, sent)

    transport = httpx.ASGITransport(app=watched)
    async with httpx.AsyncClient(transport=transport, base_url="http://test/v1") as watching:
        answer = await watching.post("/probes", json={"title": "A"}, headers=sign_in(Role.HR))
    assert answer.status_code == 201
    assert seen == [1]


@pytest.mark.invariant("D1", "D9")
async def test_a_connection_lost_in_the_commit_is_503_and_never_a_2xx(
    api: httpx.AsyncClient, sign_in: SignIn
) -> None:
    hr = sign_in(Role.HR)
    answer = await api.post("/probes/disconnections", headers=hr)
    assert answer.status_code == 503
    assert answer.json()["type"] == "/problems/too-busy"
    assert int(answer.headers["Retry-After"]) > 0
    assert await made(api, hr) == 0


@pytest.mark.invariant("D1", "D5")
async def test_a_constraint_that_fails_at_the_commit_is_no_2xx(
    api: httpx.AsyncClient, sign_in: SignIn, own_url: str
) -> None:
    hr = sign_in(Role.HR)
    with psycopg.connect(own_url, autocommit=True) as owner:
        owner.execute(
            "CREATE FUNCTION refuse_late() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
            " RAISE integrity_constraint_violation USING CONSTRAINT = 'late'; END $$"
        )
        owner.execute(
            "CREATE CONSTRAINT TRIGGER late AFTER INSERT ON audit_entries"
            " DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION refuse_late()"
        )
        try:
            answer = await api.post("/probes", json={"title": "A"}, headers=hr)
        finally:
            owner.execute("DROP TRIGGER late ON audit_entries")
    assert answer.status_code == 500
    assert "late" not in answer.text
    assert await made(api, hr) == 0


@pytest.mark.invariant("A4")
async def test_without_an_audit_trail_nothing_is_changed(
    api: httpx.AsyncClient, sign_in: SignIn, own_url: str
) -> None:
    hr = sign_in(Role.HR)
    with psycopg.connect(own_url, autocommit=True) as owner:
        owner.execute("ALTER TABLE audit_entries RENAME TO audit_entries_gone")
        try:
            answer = await api.post("/probes", json={"title": "A"}, headers=hr)
        finally:
            owner.execute("ALTER TABLE audit_entries_gone RENAME TO audit_entries")
    assert answer.status_code >= 500
    assert await made(api, hr) == 0


@pytest.mark.invariant("D5")
@pytest.mark.parametrize(
    ("path", "status"),
    [
        pytest.param("/probes/refusals", 409, id="a refusal"),
        pytest.param("/probes/defects", 500, id="a defect"),
        pytest.param("/probes/misfits", 500, id="an answer that is not what was promised"),
    ],
)
async def test_whatever_is_raised_rolls_back(
    api: httpx.AsyncClient, sign_in: SignIn, path: str, status: int
) -> None:
    hr = sign_in(Role.HR)
    answer = await api.post(path, headers=hr)
    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.headers["API-Version"]
    assert await made(api, hr) == 0


@pytest.mark.invariant("D9", "S18")
async def test_a_defect_says_nothing_of_itself_and_its_log_line_names_nobody(
    api: httpx.AsyncClient, sign_in: SignIn, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, logger="app"):
        answer = await api.post("/probes/defects", headers=sign_in(Role.HR))
    told = answer.json()
    assert told["type"] == "/problems/defect"
    assert told["instance"] == f"urn:uuid:{answer.headers['X-Request-Id']}"
    assert "jansen" not in answer.text
    logged = "\n".join(JsonLines().format(record) for record in caplog.records)
    assert "jansen" not in logged
    assert answer.headers["X-Request-Id"] in logged
    assert "RuntimeError" in logged


@pytest.mark.invariant("W4")
async def test_what_the_database_asks_to_repeat_is_repeated_as_a_whole(
    api: httpx.AsyncClient, sign_in: SignIn, probe: Probe
) -> None:
    hr = sign_in(Role.HR)
    probe.repetitions_asked = 2
    answer = await api.post("/probes/collisions", headers={**hr, "Idempotency-Key": "c"})
    assert answer.status_code == 200
    assert answer.json() == {"number": 1}
    assert len(probe.attempts) == 3
    assert await made(api, hr) == 1


@pytest.mark.invariant("W4", "D9")
async def test_what_goes_on_colliding_is_503(
    api: httpx.AsyncClient, sign_in: SignIn, probe: Probe
) -> None:
    hr = sign_in(Role.HR)
    probe.repetitions_asked = 99
    answer = await api.post("/probes/collisions", headers=hr)
    assert answer.status_code == 503
    assert len(probe.attempts) == 3
    assert await made(api, hr) == 0


async def test_a_constraint_nobody_named_is_a_defect_without_a_word_about_it(
    api: httpx.AsyncClient, sign_in: SignIn, organisation: Organisation
) -> None:
    answer = await api.post(
        "/probes/tenants", json={"title": organisation.slug}, headers=sign_in(Role.HR)
    )
    assert answer.status_code == 500
    assert "tenants" not in answer.text


async def test_a_database_that_does_not_answer_is_503_and_serves_again_when_it_is_back(
    api: httpx.AsyncClient, sign_in: SignIn, own_url: str, probe: Probe
) -> None:
    hr = sign_in(Role.HR)
    name = own_url.rpartition("/")[2]
    with psycopg.connect(at_database(own_url, "postgres"), autocommit=True) as owner:
        owner.execute(_named("ALTER DATABASE {} ALLOW_CONNECTIONS false", name))
        try:
            cut_off(probe, name)
            answer = await api.get("/probes/made", headers=hr)
            ready = await api.get("http://test/health/ready")
            live = await api.get("http://test/health/live")
        finally:
            owner.execute(_named("ALTER DATABASE {} ALLOW_CONNECTIONS true", name))
    assert answer.status_code == 503
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert (ready.status_code, live.status_code) == (503, 200)
    assert (await api.get("/probes/made", headers=hr)).status_code == 200
    assert (await api.get("http://test/health/ready")).status_code == 200


@pytest.mark.invariant("D4")
async def test_the_service_is_not_ready_when_its_own_role_may_lose_commits(
    api: httpx.AsyncClient, probe: Probe, own_url: str
) -> None:
    name = own_url.rpartition("/")[2]
    with psycopg.connect(own_url, autocommit=True) as owner:
        owner.execute(
            _named("ALTER ROLE leerruimte_app IN DATABASE {} SET synchronous_commit = off", name)
        )
        try:
            cut_off(probe, name)
            answer = await api.get("http://test/health/ready")
        finally:
            owner.execute(_named("ALTER ROLE leerruimte_app IN DATABASE {} RESET ALL", name))
            cut_off(probe, name)
    assert answer.status_code == 503
    assert answer.json()["facts"]["reasons"] == ["synchronous_commit is off"]


async def test_the_service_is_not_ready_on_the_schema_of_another_release(
    api: httpx.AsyncClient, own_url: str
) -> None:
    with psycopg.connect(own_url, autocommit=True) as owner:
        row = owner.execute("SELECT version_num FROM alembic_version").fetchone()
        assert row is not None
        owner.execute("UPDATE alembic_version SET version_num = '0000'")
        try:
            answer = await api.get("http://test/health/ready")
        finally:
            owner.execute("UPDATE alembic_version SET version_num = %s", row)
    assert answer.status_code == 503
    assert answer.json()["detail"].endswith("the schema is older than this release.")


@pytest.mark.invariant("D9")
async def test_an_overload_is_503_at_once_and_whoever_waits_in_line_is_served(
    api: httpx.AsyncClient,
    sign_in: SignIn,
    probe: Probe,
    organisation: Organisation,
    settings: Settings,
) -> None:
    hr = sign_in(Role.HR, organisation=organisation)
    await made(api, hr)
    database: Database = probe.app.state.database
    fits = settings.pool_size * 16
    async with AsyncExitStack() as held:
        for _ in range(settings.pool_size):
            await held.enter_async_context(database.transaction(organisation.id))
        asked = {asyncio.create_task(api.get("/probes/made", headers=hr)) for _ in range(fits + 20)}
        waiting = asked
        # None of the connections comes free meanwhile: who is answered now did not wait for one.
        while len(waiting) > fits:
            _, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        health = await api.get("http://test/health/ready")
        refused = [task.result() for task in asked if task.done()]
    served = await asyncio.gather(*waiting)
    assert len(refused) == 20
    assert {(answer.status_code, answer.headers["Retry-After"]) for answer in refused} == {
        (503, "2")
    }
    assert health.status_code == 200
    assert {answer.status_code for answer in served} == {200}
