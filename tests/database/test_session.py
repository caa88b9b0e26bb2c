import asyncio
import gc
import random
import warnings
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from uuid import UUID

import psycopg
import pytest
from sqlalchemy import func, insert, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncSession

from app.db.driver import fetch
from app.db.models import IdempotencyKey
from app.db.session import Database, TransactionAborted, retryable
from app.settings import Settings
from tests.support.database import app_url_of, migrated_database
from tests.support.organisations import Organisation, enter_in_directory
from tests.support.sql import connected
from tests.support.statements import ACROSS


@pytest.fixture
async def organisation(database: Database) -> Organisation:
    """Return an organisation of the directory alone, without a policy or anything else."""
    return await enter_in_directory(database)


@pytest.fixture
async def other_organisation(database: Database) -> Organisation:
    """Return another one."""
    return await enter_in_directory(database)


@dataclass(frozen=True, slots=True)
class _Pool:
    app_url: str
    pool_size: int = 1
    pool_timeout_seconds: float = 5.0


@asynccontextmanager
async def _database(url: str, *, pool_size: int = 1, wait: float = 5.0) -> AsyncGenerator[Database]:
    database = Database(_Pool(url, pool_size, wait))
    try:
        yield database
    finally:
        await database.close()


async def _put(session: AsyncSession, organisation: Organisation, key: str) -> None:
    await session.execute(
        insert(IdempotencyKey).values(
            organisation_id=organisation.id, client="client", key=key, fingerprint=b"f"
        )
    )


async def _keys(database: Database, organisation: Organisation) -> list[str]:
    async with database.transaction(organisation.id) as session:
        found = await session.scalars(
            select(IdempotencyKey.key)
            .where(IdempotencyKey.organisation_id == organisation.id)
            .order_by(IdempotencyKey.key)
        )
        return list(found)


async def _backend(session: AsyncSession) -> int:
    return (await session.execute(select(func.pg_backend_pid()))).scalar_one()


def _terminate(url: str, *backends: int) -> None:
    with psycopg.connect(url) as connection:
        for backend in backends:
            connection.execute("SELECT pg_terminate_backend(%s, 5000)", [backend])


async def test_a_transaction_is_committed_when_its_block_ends(
    database: Database, organisation: Organisation
) -> None:
    async with database.transaction(organisation.id) as session:
        await _put(session, organisation, "kept")
    assert await _keys(database, organisation) == ["kept"]


async def test_a_transaction_is_rolled_back_on_any_exception(
    database: Database, organisation: Organisation
) -> None:
    async def fail() -> None:
        async with database.transaction(organisation.id) as session:
            await _put(session, organisation, "gone")
            raise LookupError

    with pytest.raises(LookupError):
        await fail()
    assert await _keys(database, organisation) == []


async def test_a_transaction_is_rolled_back_when_its_request_is_cancelled(
    database: Database, organisation: Organisation
) -> None:
    begun = asyncio.Event()

    async def dawdle() -> None:
        async with database.transaction(organisation.id) as session:
            await _put(session, organisation, "gone")
            begun.set()
            await session.execute(text("SELECT pg_sleep(30)"))

    task = asyncio.create_task(dawdle())
    await begun.wait()
    await asyncio.sleep(0.05)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await _keys(database, organisation) == []


@pytest.mark.invariant("D1")
async def test_who_is_cancelled_in_the_commit_does_not_touch_the_next_ones_transaction(
    settings: Settings, organisation: Organisation
) -> None:
    async def put(database: Database, key: str, *, is_cancelled: bool) -> None:
        task = asyncio.current_task()
        async with database.transaction(organisation.id) as session:
            await _put(session, organisation, key)
            if is_cancelled and task is not None:
                asyncio.get_running_loop().call_later(0.0003, task.cancel)

    async with _database(settings.app_url, pool_size=3) as database:
        for turn in range(20):
            outcomes = await asyncio.gather(
                *(put(database, f"{turn}-{i}", is_cancelled=i % 2 == 0) for i in range(12)),
                return_exceptions=True,
            )
            assert {type(outcome) for outcome in outcomes[::2]} <= {
                asyncio.CancelledError,
                type(None),
            }
            assert outcomes[1::2] == [None] * 6
        kept = await _keys(database, organisation)
    assert {f"{turn}-{i}" for turn in range(20) for i in range(1, 12, 2)} <= set(kept)


@pytest.mark.invariant("D1")
async def test_a_swallowed_error_is_never_acknowledged_as_a_commit(
    database: Database, organisation: Organisation
) -> None:
    async def swallow() -> None:
        async with database.transaction(organisation.id) as session:
            await _put(session, organisation, "twice")
            with suppress(IntegrityError):
                await _put(session, organisation, "twice")

    with pytest.raises(TransactionAborted):
        await swallow()
    assert await _keys(database, organisation) == []


async def test_a_savepoint_lets_the_work_go_on_after_a_failed_statement(
    database: Database, organisation: Organisation
) -> None:
    async with database.transaction(organisation.id) as session:
        await _put(session, organisation, "kept")
        with pytest.raises(IntegrityError):
            async with session.begin_nested():
                await _put(session, organisation, "kept")
    assert await _keys(database, organisation) == ["kept"]


@pytest.mark.invariant("D7")
async def test_stale_connections_never_reach_the_caller(
    settings: Settings, organisation: Organisation
) -> None:
    async with _database(settings.app_url, pool_size=3) as database:
        held = [database.transaction(organisation.id) for _ in range(3)]
        sessions = [await transaction.__aenter__() for transaction in held]
        backends = [await _backend(session) for session in sessions]
        for transaction in held:
            await transaction.__aexit__(None, None, None)
        _terminate(settings.app_url, *backends)
        for _ in range(4):
            assert await _keys(database, organisation) == []


@pytest.mark.invariant("D7")
async def test_a_stale_connection_does_not_hide_a_tenant(
    settings: Settings, organisation: Organisation
) -> None:
    async with _database(settings.app_url) as database:
        async with database.transaction(organisation.id) as session:
            backend = await _backend(session)
        _terminate(settings.app_url, backend)
        assert await database.find_tenant(organisation.slug) == organisation.id


async def test_a_connection_lost_amid_the_work_fails_it_and_the_next_work_is_fine(
    settings: Settings, organisation: Organisation
) -> None:
    async def lose(database: Database) -> None:
        async with database.transaction(organisation.id) as session:
            await _put(session, organisation, "gone")
            _terminate(settings.app_url, await _backend(session))
            await _put(session, organisation, "gone too")

    async with _database(settings.app_url) as database:
        with pytest.raises(DBAPIError) as lost:
            await lose(database)
        assert lost.value.connection_invalidated
        assert await _keys(database, organisation) == []


async def test_a_connection_lost_before_the_commit_is_never_acknowledged(
    settings: Settings, organisation: Organisation
) -> None:
    async def lose(database: Database) -> None:
        async with database.transaction(organisation.id) as session:
            await _put(session, organisation, "gone")
            _terminate(settings.app_url, await _backend(session))

    async with _database(settings.app_url) as database:
        with pytest.raises(DBAPIError):
            await lose(database)
        assert await _keys(database, organisation) == []


async def test_waiting_for_a_connection_is_bounded(
    settings: Settings, organisation: Organisation
) -> None:
    async with _database(settings.app_url, wait=0.2) as database:
        async with database.transaction(organisation.id):
            with pytest.raises(PoolTimeout):
                await _keys(database, organisation)
        assert await _keys(database, organisation) == []


async def test_the_tenant_is_forgotten_with_the_transaction(
    settings: Settings, organisation: Organisation
) -> None:
    async with _database(settings.app_url) as database:
        async with database.transaction(organisation.id) as session:
            await _put(session, organisation, "own")
        stranger = Organisation(UUID(int=0), "stranger")
        assert await _keys(database, stranger) == []
        async with database.transaction(stranger.id) as session:
            seen = await session.scalar(
                text("SELECT count(*) FROM idempotency_keys WHERE organisation_id = :id"),
                {"id": organisation.id},
            )
        assert seen == 0


@pytest.mark.slow
@pytest.mark.invariant("T4")
async def test_one_connection_serves_two_tenants_in_turn_without_a_leak(
    settings: Settings, organisation: Organisation, other_organisation: Organisation
) -> None:
    chance = random.Random(20270101)  # noqa: S311 - a repeatable order
    tenants = (organisation, other_organisation)
    leaks: list[tuple[str, str]] = []
    served = cancelled = planned = 0
    strange: list[object] = []
    everything = f"{ACROSS} SELECT organisation_id FROM idempotency_keys"  # noqa: S608 - ours

    async def visit(database: Database, tenant: Organisation, turn: int, *, slowly: bool) -> None:
        async with database.transaction(tenant.id) as session:
            await _put(session, tenant, f"{turn}")
            seen = await session.scalars(text(everything))
            leaks.extend((tenant.slug, str(owner)) for owner in seen if owner != tenant.id)
            if slowly:
                # Until it is cancelled, however late that comes.
                await session.execute(text("SELECT pg_sleep(10)"))
            raise LookupError

    async with _database(settings.app_url) as database:
        for turn in range(2_000):
            is_cancelled = chance.random() < 0.1
            planned += is_cancelled
            tenant = tenants[turn % 2]
            task = asyncio.create_task(visit(database, tenant, turn, slowly=is_cancelled))
            if is_cancelled:
                await asyncio.sleep(chance.uniform(0, 0.01))
                task.cancel()
            outcome = (await asyncio.gather(task, return_exceptions=True))[0]
            served += isinstance(outcome, LookupError)
            cancelled += isinstance(outcome, asyncio.CancelledError)
            if not isinstance(outcome, LookupError | asyncio.CancelledError):
                strange.append(outcome)
    assert (leaks, strange) == ([], [])
    assert (served, cancelled) == (2_000 - planned, planned)
    assert planned > 100


async def test_a_tenant_is_found_by_slug_and_by_id(
    database: Database, organisation: Organisation
) -> None:
    assert await database.find_tenant(organisation.slug) == organisation.id
    assert await database.find_tenant(str(organisation.id)) == organisation.id
    assert organisation.id in await database.tenants()


async def test_an_organisation_that_is_entered_later_is_found_then(database: Database) -> None:
    slug = f"late-{random.randrange(10**9)}"  # noqa: S311 - a name
    assert await database.find_tenant(slug) is None
    organisation = await enter_in_directory(database, slug=slug)
    assert await database.find_tenant(slug) == organisation.id


async def test_a_deadlock_asks_to_be_repeated_and_other_errors_do_not(
    database: Database, organisation: Organisation
) -> None:
    async with database.transaction(organisation.id) as session:
        await _put(session, organisation, "a")
        await _put(session, organisation, "b")

    async def lock(session: AsyncSession, key: str) -> None:
        await session.execute(
            select(IdempotencyKey.key)
            .where(
                IdempotencyKey.organisation_id == organisation.id,
                IdempotencyKey.client == "client",
                IdempotencyKey.key == key,
            )
            .with_for_update()
        )

    met = asyncio.Barrier(2)

    async def cross(first: str, second: str) -> None:
        async with database.transaction(organisation.id) as session:
            await lock(session, first)
            await met.wait()
            await lock(session, second)

    outcomes = await asyncio.gather(cross("a", "b"), cross("b", "a"), return_exceptions=True)
    assert [retryable(error) for error in outcomes if error is not None] == [True]
    assert not retryable(LookupError())


async def test_what_a_migration_changed_under_a_prepared_statement_is_repeated(
    settings: Settings, organisation: Organisation
) -> None:
    changing = text("SELECT * FROM changing")
    async with _database(settings.owner_url) as database:
        async with database.transaction(organisation.id) as session:
            await session.execute(text("CREATE TEMPORARY TABLE changing (first int)"))
        for _ in range(7):
            async with database.transaction(organisation.id) as session:
                await fetch(session, changing, {})
        async with database.transaction(organisation.id) as session:
            added = "DO $$ BEGIN ALTER TABLE changing ADD COLUMN second int; END $$"
            await session.execute(text(added))
        with pytest.raises(DBAPIError) as refused:
            async with database.transaction(organisation.id) as session:
                await fetch(session, changing, {})
        assert retryable(refused.value)
        async with database.transaction(organisation.id) as session:
            assert await fetch(session, changing, {}) == []


@pytest.mark.invariant("T4")
async def test_who_is_cancelled_while_connecting_leaves_no_connection_behind(
    settings: Settings, organisation: Organisation
) -> None:
    async def work(database: Database) -> None:
        async with database.transaction(organisation.id):
            await asyncio.sleep(1)

    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        for step in range(40):
            async with _database(settings.app_url) as database:
                working = asyncio.create_task(work(database))
                await asyncio.sleep(step * 0.0005)
                working.cancel()
                await asyncio.gather(working, return_exceptions=True)
        gc.collect()
    assert [one for one in told if issubclass(one.category, ResourceWarning)] == []


async def test_what_is_in_use_when_the_service_ends_is_closed_when_it_comes_back(
    settings: Settings, organisation: Organisation
) -> None:
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        async with _database(settings.app_url) as database:
            async with database.transaction(organisation.id):
                reading = asyncio.create_task(database.tenants())
                await asyncio.sleep(0)
                await database.close()
            assert organisation.id in await reading
        del database, reading
        gc.collect()
    assert [one for one in told if issubclass(one.category, ResourceWarning)] == []


@pytest.mark.invariant("D4")
async def test_a_transaction_commits_to_disk_before_it_says_so(
    database: Database, organisation: Organisation
) -> None:
    async with database.transaction(organisation.id) as session:
        assert await session.scalar(text("SHOW synchronous_commit")) == "on"


@pytest.mark.invariant("D4")
async def test_the_service_knows_whether_its_commits_last(
    database: Database, server_url: str
) -> None:
    assert await database.check_durability() == ()
    with migrated_database(server_url) as owner_url:
        with connected(owner_url, autocommit=True) as owner:
            owner.execute(
                "DO $$ BEGIN EXECUTE format('ALTER ROLE leerruimte_app IN DATABASE %I"
                " SET synchronous_commit = off', current_database()); END $$"
            )
        async with _database(app_url_of(owner_url)) as careless:
            assert await careless.check_durability() == ("synchronous_commit",)


@pytest.mark.invariant("T5")
async def test_the_service_knows_whether_its_role_is_held_to_row_level_security(
    database: Database, owner_url: str
) -> None:
    assert await database.check_isolation()
    async with _database(owner_url) as as_owner:
        assert not await as_owner.check_isolation()


async def test_every_statement_has_its_time(settings: Settings, organisation: Organisation) -> None:
    names = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout")
    async with (
        _database(settings.app_url) as database,
        database.transaction(organisation.id) as session,
    ):
        values = [
            (await session.execute(select(func.current_setting(name)))).scalar_one()
            for name in names
        ]
    assert values == ["15s", "5s", "30s"]
