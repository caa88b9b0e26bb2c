"""Transactions: the one place that begins and ends them, and that tells the database the tenant."""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncGenerator, Coroutine
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

import psycopg
from psycopg.pq import TransactionStatus
from sqlalchemy import Row, bindparam, event, select, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.ext.asyncio import (
    AsyncConnection,
    AsyncEngine,
    AsyncSession,
    create_async_engine,
)
from sqlalchemy.pool import ConnectionPoolEntry
from sqlalchemy.sql import Executable

from app.db.audit import write_entries
from app.db.driver import Held, as_json, commit
from app.db.models import Tenant
from app.db.turns import Turns
from app.db.work import Work
from app.kernel.actors import Actor
from app.kernel.calendar import amsterdam_day

# serialization_failure, deadlock_detected: the database asks to do the whole transaction again. And
# feature_not_supported: a migration gave a statement that is prepared already another column. The
# rollback forgets what is prepared.
_REPEAT = frozenset({"40001", "40P01", "0A000"})
_DISCONNECTED_AT_MOST = 2
_TENANTS_REMEMBERED = 1024

_TENANT_BY_SLUG = select(Tenant.organisation_id).where(Tenant.slug == bindparam("slug"))
_TENANT_BY_ID = select(Tenant.organisation_id).where(
    Tenant.organisation_id == bindparam("organisation_id")
)
_TENANTS = select(Tenant.organisation_id).order_by(Tenant.organisation_id)
# Asked over the service's own connection: a role can carry ``synchronous_commit = off``.
_DURABILITY = text(
    "SELECT name FROM pg_catalog.pg_settings WHERE setting = 'off'"
    " AND name IN ('fsync', 'full_page_writes', 'synchronous_commit') ORDER BY name"
)
_SCHEMA_VERSION = text("SELECT version_num FROM alembic_version")
_ISOLATION = text(
    "SELECT NOT (rolsuper OR rolbypassrls OR rolcreaterole) AND NOT EXISTS ("
    " SELECT FROM pg_catalog.pg_class WHERE relkind IN ('r', 'p')"
    " AND pg_catalog.pg_has_role(current_user, relowner, 'MEMBER')"
    ") FROM pg_catalog.pg_roles WHERE rolname = current_user"
)


class DatabaseSettings(Protocol):
    """What the database needs of the settings."""

    @property
    def app_url(self) -> str: ...

    @property
    def pool_size(self) -> int: ...

    @property
    def pool_timeout_seconds(self) -> float: ...


class TransactionAborted(Exception):
    """A statement failed, its error was swallowed, and the work went on to commit: a defect.

    PostgreSQL answers such a COMMIT with a silent rollback, so it would be acknowledged and lost.
    """


class Database:
    """The service's connections, as the app role: bounded, and each transaction of one tenant."""

    def __init__(self, settings: DatabaseSettings) -> None:
        self._engine = create_engine(
            settings.app_url,
            pool_size=settings.pool_size,
            pool_timeout_seconds=settings.pool_timeout_seconds,
        )
        self._turns = Turns(settings.pool_size, seconds=settings.pool_timeout_seconds)
        # For what is asked outside any organisation, health above all: it must not wait in line.
        self._aside = create_engine(
            settings.app_url, pool_size=1, pool_timeout_seconds=settings.pool_timeout_seconds
        )
        self._tenants: OrderedDict[str, UUID] = OrderedDict()

    @property
    def is_crowded(self) -> bool:
        """Whether a transaction that is asked for now is refused, for too many wait for theirs."""
        return self._turns.are_up

    @asynccontextmanager
    async def transaction(self, organisation_id: UUID) -> AsyncGenerator[AsyncSession]:
        """Yield a session in a transaction of this organisation: commit at the end, or roll back.

        It commits when the block ends and rolls back on any exception, a cancellation too. A
        commit once begun is waited for, so that a connection never goes back in mid-air.

        Raises:
            sqlalchemy.exc.TimeoutError: no connection came free in time.
            TransactionAborted: the block swallowed a failed statement.
        """
        await self._turns.take()
        try:
            async with self._transaction(organisation_id) as session:
                yield session
        finally:
            self._turns.give()

    @asynccontextmanager
    async def _transaction(self, organisation_id: UUID) -> AsyncGenerator[AsyncSession]:
        held = await self._begin(organisation_id)
        session = AsyncSession(held.connection, expire_on_commit=False)
        held.put_on(session)
        try:
            yield session
            write_entries(session, organisation_id)
            if session.new or session.dirty or session.deleted:
                await session.flush()
        except BaseException:
            await _to_the_end(_roll_back(session, held))
            raise
        # Past it nothing is rolled back, cancelled or not: the connection is another's by then.
        await _to_the_end(_commit(session, held))

    @asynccontextmanager
    async def work(
        self, actor: Actor, now: datetime, request_id: str, *, origin: str | None = None
    ) -> AsyncGenerator[Work]:
        """Yield the actor's work in a transaction of the actor's organisation."""
        async with self.transaction(actor.organisation_id) as session:
            yield Work(
                session=session,
                actor=actor,
                now=now,
                today=amsterdam_day(now),
                request_id=request_id,
                origin=origin,
            )

    async def find_tenant(self, reference: str) -> UUID | None:
        """Return the organisation that a slug or an id names, or None when there is none.

        What was found is remembered, for the directory only grows; what was not found is not.
        """
        found = self._tenants.get(reference)
        if found is not None:
            self._tenants.move_to_end(reference)
            return found
        rows = await self._read(*_tenant_statement(reference))
        if not rows:
            return None
        self._tenants[reference] = rows[0][0]
        if len(self._tenants) > _TENANTS_REMEMBERED:
            self._tenants.popitem(last=False)
        return rows[0][0]

    async def tenants(self) -> list[UUID]:
        """Return the ids of all organisations: jobs go round them, one transaction each."""
        return [row[0] for row in await self._read(_TENANTS, {})]

    async def check_durability(self) -> tuple[str, ...]:
        """Return the settings that make an acknowledged commit losable; empty is as it must be."""
        return tuple(row[0] for row in await self._read(_DURABILITY, {}))

    async def check_isolation(self) -> bool:
        """Tell whether the service's role is held to row-level security and owns no table."""
        rows = await self._read(_ISOLATION, {})
        return bool(rows[0][0])

    async def schema_version(self) -> str | None:
        """Return the migration that the schema is at, None before the first one."""
        rows = await self._read(_SCHEMA_VERSION, {})
        return rows[0][0] if rows else None

    async def close(self) -> None:
        """Close every connection; those in use close when they are given back."""
        for engine in (self._engine, self._aside):
            # The pool that is left here would keep what comes back to it, open and unknown.
            event.listen(engine.sync_engine.pool, "checkin", _close_returned)
            await engine.dispose()

    async def _begin(self, organisation_id: UUID) -> Held:
        """Begin on a connection that answers, and set the tenant, in one round trip.

        The first statement tells a stale connection; nothing has happened yet, so it is repeated
        on a new one (SQLAlchemy then drops every connection of before) and the caller never knows.
        """
        # A literal of a validated UUID: ``set_config`` with a parameter is not passed on by Citus.
        begin = f"BEGIN; SET LOCAL app.organisation_id = '{UUID(int=organisation_id.int)}'"
        for attempt in range(1, _DISCONNECTED_AT_MOST + 1):
            connection = await _connected(self._engine)
            try:
                return await _begin_on(connection, begin)
            except BaseException as error:
                await _to_the_end(_give_back(connection))
                if attempt < _DISCONNECTED_AT_MOST and _is_disconnect(error):
                    continue
                raise
        raise AssertionError  # the last attempt returns or raises

    async def _read(self, statement: Executable, parameters: dict[str, Any]) -> list[Row[Any]]:
        """Run one statement outside any organisation; a stale connection is replaced once."""
        try:
            return await self._read_once(statement, parameters)
        except DBAPIError as error:
            if not _is_disconnect(error):
                raise
            return await self._read_once(statement, parameters)

    async def _read_once(self, statement: Executable, parameters: dict[str, Any]) -> list[Row[Any]]:
        connection = await _connected(self._aside)
        try:
            return list((await connection.execute(statement, parameters)).all())
        finally:
            await _to_the_end(_give_back(connection))


def create_engine(
    url: str, *, pool_size: int = 4, pool_timeout_seconds: float = 5.0
) -> AsyncEngine:
    """Return an engine on psycopg 3 whose connections begin nothing by themselves.

    AUTOCOMMIT here means that psycopg sends no BEGIN of its own: ``Database`` sends it together
    with the tenant, which saves a round trip in every transaction. COMMIT and ROLLBACK go out as
    ever, for the driver sees that a transaction is open.
    """
    return create_async_engine(
        make_url(url).set(drivername="postgresql+psycopg"),
        isolation_level="AUTOCOMMIT",
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=pool_timeout_seconds,
        pool_use_lifo=True,
        connect_args={
            "application_name": "leerruimte",
            "connect_timeout": 5,
            "keepalives_idle": 10,
            "keepalives_interval": 5,
            "keepalives_count": 2,
            "tcp_user_timeout": 15_000,
        },
        hide_parameters=True,  # a parameter may be personal data, and errors are logged
        json_serializer=as_json,
    )


def _close_returned(_connection: object, entry: ConnectionPoolEntry) -> None:
    entry.invalidate()


def retryable(error: BaseException) -> bool:
    """Tell whether the whole transaction is to be repeated, by the database's own word."""
    return isinstance(error, DBAPIError) and getattr(error.orig, "sqlstate", None) in _REPEAT


def _tenant_statement(reference: str) -> tuple[Executable, dict[str, Any]]:
    # A slug is at most 31 characters, so none reads as a UUID.
    try:
        return _TENANT_BY_ID, {"organisation_id": UUID(reference)}
    except ValueError:
        return _TENANT_BY_SLUG, {"slug": reference}


def _is_disconnect(error: BaseException) -> bool:
    return isinstance(error, DBAPIError) and error.connection_invalidated


async def _begin_on(connection: AsyncConnection, begin: str) -> Held:
    """Send the first statements of a transaction.

    Raises:
        DBAPIError: they failed.
    """
    if connection.sync_connection is None:
        raise AssertionError  # it was just connected
    driver: Any = connection.sync_connection.connection.driver_connection
    try:
        await driver.execute(begin)
    except psycopg.Error:
        # Sent again by SQLAlchemy, which judges what is lost with it: all of the pool, perhaps.
        await connection.exec_driver_sql(begin, execution_options={"no_parameters": True})
    return Held(connection, driver)


async def _commit(session: AsyncSession, held: Held) -> None:
    """Commit, unless the transaction is dead: then roll back. Give the connection back.

    Raises:
        TransactionAborted: it is dead.
        DBAPIError: the commit failed, or the connection was lost in it.
    """
    try:
        _check_alive(held)
        await commit(session)
    except BaseException:
        await _roll_back(session, held)
        raise
    await _leave(session)
    await held.connection.close()


def _check_alive(held: Held) -> None:
    if held.driver.info.transaction_status != TransactionStatus.INTRANS:
        message = "a statement failed and its error was swallowed: nothing can be committed"
        raise TransactionAborted(message)


async def _roll_back(session: AsyncSession, held: Held) -> None:
    """Roll back what was not committed and give the connection back, or drop it when it is dead."""
    try:
        await _leave(session)
        await held.driver.rollback()
        await held.connection.close()
    except (DBAPIError, psycopg.Error):
        await held.connection.invalidate()
        await held.connection.close()


async def _leave(session: AsyncSession) -> None:
    """Close a session that worked on the connection, without a word to the database."""
    if session.in_transaction():
        await session.close()


async def _connected(engine: AsyncEngine) -> AsyncConnection:
    """Return a connection; cancelled while it is made, it is awaited and given back.

    Let go in mid-air it would stay open, unknown to the pool, until somebody collects it.
    """
    coming = asyncio.ensure_future(engine.connect().start())
    try:
        return await asyncio.shield(coming)
    except asyncio.CancelledError:
        await _to_the_end(_return(coming))
        raise


async def _return(coming: "asyncio.Future[AsyncConnection]") -> None:
    with suppress(SQLAlchemyError):
        await _give_back(await coming)


async def _give_back(connection: AsyncConnection) -> None:
    try:
        await connection.close()
    except DBAPIError:
        await connection.invalidate()


async def _to_the_end(step: Coroutine[Any, Any, None]) -> None:
    """Await ``step`` to its end, also when cancelled meanwhile; then let the cancellation go on."""
    task = asyncio.ensure_future(step)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError as error:
            if task.cancelled():
                raise
            cancelled = error
    task.result()
    if cancelled is not None:
        raise cancelled
