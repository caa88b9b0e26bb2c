"""What the edge leans on is broken, one at a time: nothing is let through, and nothing is done."""

from collections.abc import AsyncIterator, Generator, Iterator
from contextlib import contextmanager

import httpx
import psycopg
import pytest
from psycopg import sql

from app.db.roles import APP_ROLE, TIMEOUTS
from app.db.session import Database
from app.http.problems import SignInUnavailable
from app.kernel.actors import Role
from app.main import create_app
from app.settings import Settings
from tests.support import tokens
from tests.support.clock import FrozenClock
from tests.support.database import migrated_database
from tests.support.organisations import Organisation, enter_in_directory

TEAM = {"department": "Toezicht", "name": "Bodem"}


# A database of its own, for here tables go missing.
@pytest.fixture(scope="module")
def own_url(server_url: str) -> Iterator[str]:
    with migrated_database(server_url) as url:
        yield url


@pytest.fixture(scope="module")
def own_settings(settings: Settings, own_url: str) -> Settings:
    return Settings.model_validate({**settings.model_dump(), "database_url": own_url})


@pytest.fixture
async def own(own_settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    app = create_app(own_settings, clock=FrozenClock().now, keys=tokens.IssuerKeys())
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://test/v1") as client,
    ):
        yield client


@pytest.fixture
async def employer(own_settings: Settings) -> AsyncIterator[Organisation]:
    database = Database(own_settings)
    yield await enter_in_directory(database)
    await database.close()


def signed_in(employer: Organisation) -> dict[str, str]:
    bearer = tokens.token(organisation=employer.slug, roles=[Role.HR])
    return {"Authorization": f"Bearer {bearer}", "Idempotency-Key": "k"}


@contextmanager
def missing(own_url: str, table: str) -> Generator[None]:
    """Take a table away for as long as the block lasts."""
    away, back = (
        sql.SQL("ALTER TABLE {} RENAME TO {}").format(sql.Identifier(one), sql.Identifier(other))
        for one, other in ((table, f"{table}_gone"), (f"{table}_gone", table))
    )
    with psycopg.connect(own_url, autocommit=True) as owner:
        owner.execute(away)
        try:
            yield
        finally:
            owner.execute(back)


@pytest.mark.invariant("S23", "A4")
@pytest.mark.parametrize("table", ["tenants", "audit_entries", "idempotency_keys", "teams"])
async def test_without_a_table_it_leans_on_nothing_is_done(
    own: httpx.AsyncClient, employer: Organisation, own_url: str, table: str
) -> None:
    headers = signed_in(employer)
    with missing(own_url, table):
        refused = await own.post("/teams", headers=headers, json=TEAM)
        assert refused.status_code >= 500
        assert refused.headers["Content-Type"] == "application/problem+json"
        assert table not in refused.text
    listed = await own.get("/teams", headers=headers)
    assert listed.json()["items"] == []
    assert (await own.post("/teams", headers=headers, json=TEAM)).status_code == 201


@pytest.mark.invariant("S23")
async def test_without_the_issuers_keys_nobody_is_let_in(
    own_settings: Settings, employer: Organisation
) -> None:
    class NoKeys:
        async def key(self, key_id: str) -> None:  # noqa: ARG002 - as KeySource has it
            raise SignInUnavailable

    app = create_app(own_settings, clock=FrozenClock().now, keys=NoKeys())
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://test/v1") as client,
    ):
        answer = await client.get("/teams", headers=signed_in(employer))
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "30")


@pytest.mark.invariant("S21")
def test_the_app_role_reads_nothing_outside_the_service(own_settings: Settings) -> None:
    """Of other schemas it has PostgreSQL's own alone, and there nobody's statements or secrets."""
    with psycopg.connect(own_settings.app_url) as connection:
        schemas = connection.execute(
            "SELECT nspname FROM pg_namespace"
            " WHERE has_schema_privilege(current_user, oid, 'USAGE') ORDER BY nspname"
        ).fetchall()
        assert [name for (name,) in schemas] == ["information_schema", "pg_catalog", "public"]
        creates = connection.execute(
            "SELECT nspname FROM pg_namespace WHERE has_schema_privilege(oid, 'CREATE')"
        ).fetchall()
        assert creates == []


@pytest.mark.invariant("S21")
def test_the_timeouts_stand_on_the_role_itself(own_url: str) -> None:
    with psycopg.connect(own_url) as owner:
        found = owner.execute(
            "SELECT rolconfig FROM pg_roles WHERE rolname = %s", [APP_ROLE]
        ).fetchone()
    assert found
    assert {f"{name}={value}" for name, value in TIMEOUTS.items()} <= set(found[0])
    assert set(TIMEOUTS) == {
        "statement_timeout",
        "lock_timeout",
        "idle_in_transaction_session_timeout",
    }
