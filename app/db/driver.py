"""Statements that go to the driver itself: the hot ones, past SQLAlchemy's execution.

They are still built by SQLAlchemy, once; sent this way each costs the service a third. Errors come
out as SQLAlchemy's, so that nobody above has to know which way a statement went.
"""

import json
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import date
from enum import Enum
from functools import cache
from typing import Any, TypeAlias
from uuid import UUID

import psycopg
from psycopg.rows import namedtuple_row
from sqlalchemy.dialects.postgresql.psycopg import PGDialectAsync_psycopg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession
from sqlalchemy.sql import ClauseElement
from sqlalchemy.sql.compiler import SQLCompiler

# A row by the names of its columns, which only its statement knows.
AnyRow: TypeAlias = Any

_DIALECT = PGDialectAsync_psycopg()
_HELD = "held"
LAST = "last"


@dataclass(frozen=True, slots=True)
class Held:
    """The connection of a transaction: as SQLAlchemy has it, and the driver's own within it."""

    connection: AsyncConnection
    driver: psycopg.AsyncConnection[Any]

    def put_on(self, session: AsyncSession) -> None:
        """Let the session's statements find this connection."""
        session.info[_HELD] = self

    async def as_alchemy(self, error: psycopg.Error) -> BaseException:
        """Return the driver's error as SQLAlchemy's own; a connection that is lost is dropped."""
        lost = self.driver.closed
        if lost:
            await self.connection.invalidate(error)
        return DBAPIError.instance(
            None,
            None,
            error,
            psycopg.Error,
            hide_parameters=True,
            connection_invalidated=lost,
            dialect=_DIALECT,
        )


async def fetch(
    session: AsyncSession, statement: ClauseElement, parameters: Mapping[str, Any]
) -> list[AnyRow]:
    """Run a statement that was built once, and return its rows, named as its columns are.

    What the session has still to flush is flushed before it. A list goes in as an array and JSON as
    text: what the driver has no type for is cast.

    Raises:
        DBAPIError: as ``session.execute`` would.
    """
    if session.in_transaction() and (session.new or session.dirty or session.deleted):
        await session.flush()
    held: Held = session.info[_HELD]
    sent, constants = _as_sent(statement)
    try:
        cursor = held.driver.cursor(row_factory=namedtuple_row)
        await cursor.execute(sent, {**constants, **parameters})
        result = cursor.pgresult
        return await cursor.fetchall() if result is not None and result.nfields else []
    except psycopg.Error as error:
        raise await held.as_alchemy(error) from error


def fetch_last(
    session: AsyncSession, statement: ClauseElement, parameters: Mapping[str, Any]
) -> None:
    """Have a statement run just before the commit, in one round trip with it; its rows are lost."""
    session.info.setdefault(LAST, []).append((statement, parameters))


async def commit(session: AsyncSession) -> None:
    """Run what was left for the last, and commit: all of it, or nothing.

    Raises:
        DBAPIError: one of them failed, or the connection was lost in it.
    """
    held: Held = session.info[_HELD]
    last: list[tuple[ClauseElement, Mapping[str, Any]]] = session.info.pop(LAST, [])
    try:
        # The server stops at the first that fails, and does not come to the commit then.
        async with held.driver.pipeline() if last else nullcontext():
            cursor = held.driver.cursor()
            for statement, parameters in last:
                sent, constants = _as_sent(statement)
                await cursor.execute(sent, {**constants, **parameters})
            await cursor.execute("COMMIT", prepare=False)
    except psycopg.Error as error:
        raise await held.as_alchemy(error) from error


@cache
def _as_sent(statement: ClauseElement) -> tuple[bytes, Mapping[str, Any]]:
    """Return a statement as the driver takes it, and the values that it was built with.

    Raises:
        TypeError: it holds an IN over a list, which is another statement for each length.
    """
    compiled = statement.compile(dialect=_DIALECT)
    if not isinstance(compiled, SQLCompiler) or compiled.literal_execute_params:
        message = "only a statement that is the same every time can be built once"
        raise TypeError(message)
    text = str(compiled)
    if "POSTCOMPILE" in text:
        message = "an IN over a list is not the same every time: use = ANY"
        raise TypeError(message)
    constants = {name: value for name, value in compiled.params.items() if value is not None}
    return text.encode(), constants


def as_json(value: object) -> str:
    """Return a value as JSON text: a document to store, or rows for a statement to take apart."""
    return json.dumps(value, default=_plain, ensure_ascii=False)


def _plain(value: object) -> str | int:
    """Return what JSON has no word for as text: identifiers, days, instants and status names."""
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, Enum):
        return str(value.value)
    message = f"{type(value).__name__} has no place in a stored document"
    raise TypeError(message)
