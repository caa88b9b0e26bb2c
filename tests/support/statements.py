"""Reads SQL as it goes out: does each statement on a tenant's table name the organisation?"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Generator, Iterator
from contextlib import contextmanager
from unittest.mock import patch

from psycopg import AsyncCursor

from app.db.base import Base

# Begins a statement by which a test tries what row-level security alone holds back.
ACROSS = "/* across organisations */ "

_WORD = r"[a-z_][a-z0-9_]*"
_SOURCE = re.compile(
    rf"\b(?:from|join|update|into)\s+(?:only\s+)?({_WORD})(?:\s+(?:as\s+)?({_WORD}))?",
)
_LISTED = re.compile(rf",\s*({_WORD})(?:\s+(?:as\s+)?({_WORD}))?")
_FROM_LIST = re.compile(
    r"\bfrom\s+(.*?)(?=\bwhere\b|\bgroup\b|\border\b|\bon\b|\bset\b|$)", re.DOTALL
)
# Words that may follow a table's name without being an alias of it.
_KEYWORD = re.compile(
    "as|on|where|set|values|select|join|left|right|inner|outer|cross|full|lateral|using|group|order"
    "|having|limit|offset|for|returning|union|except|intersect|default|with|when"
)
_LITERAL = re.compile(r"'(?:[^']|'')*'")


def tenant_tables() -> frozenset[str]:
    """Return the tables that hold an organisation's data, by the models that are loaded."""
    return frozenset(
        name
        for name, table in Base.metadata.tables.items()
        if "organisation_id" in table.columns and name != "tenants"
    )


def unnamed(statement: str) -> frozenset[str]:
    """Return the tenant tables in ``statement`` that no condition on organisation_id stands for.

    A select list that shows the column is no condition; an insert's list of columns is.
    """
    sql = _LITERAL.sub("''", statement.lower())
    tables = tenant_tables()
    return frozenset(
        table
        for table, alias in _sources(sql)
        if table in tables and not _is_named(sql, table, alias)
    )


@contextmanager
def counted() -> Generator[list[str]]:
    """Yield the statements that the present task sends meanwhile.

    The app seals its audit trail beside the tests, in a task of its own: that is not counted.
    """
    task = asyncio.current_task()
    seen: list[str] = []

    def look(statement: str) -> None:
        if asyncio.current_task() is task:
            seen.append(statement)

    with _looking(look):
        yield seen


@contextmanager
def watched() -> Generator[dict[str, frozenset[str]]]:
    """Watch every engine; yield the statements that do not name the organisation, as they come."""
    seen: set[str] = set()
    offending: dict[str, frozenset[str]] = {}

    def look(statement: str) -> None:
        if statement not in seen:
            seen.add(statement)
            if not statement.startswith(ACROSS) and (tables := unnamed(statement)):
                offending[statement] = tables

    with _looking(look):
        yield offending


@contextmanager
def _looking(look: Callable[[str], None]) -> Generator[None]:
    """Show ``look`` each statement that goes to the driver, whichever way it comes there."""

    def shown(send: Callable[..., Awaitable[object]]) -> Callable[..., Awaitable[object]]:
        async def look_and_send(
            cursor: object, query: object, *rest: object, **options: object
        ) -> object:
            look(query.decode() if isinstance(query, bytes) else str(query))
            return await send(cursor, query, *rest, **options)

        return look_and_send

    with patch.multiple(
        AsyncCursor,
        execute=shown(AsyncCursor.execute),
        executemany=shown(AsyncCursor.executemany),
    ):
        yield


def _sources(sql: str) -> Iterator[tuple[str, str]]:
    for match in _SOURCE.finditer(sql):
        yield _aliased(match[1], match[2])
    for source in _FROM_LIST.finditer(sql):
        for match in _LISTED.finditer(source[1]):
            yield _aliased(match[1], match[2])


def _aliased(table: str, alias: str | None) -> tuple[str, str]:
    return table, table if alias is None or _KEYWORD.fullmatch(alias) else alias


def _is_named(sql: str, table: str, alias: str) -> bool:
    column = rf"\b{alias}\.organisation_id\b"
    return any(
        re.search(pattern, sql)
        for pattern in (
            rf"{column}\s*(?:=|in\b)",
            rf"=\s*{column}",
            rf"\(\s*{column}\s*,",
            r"(?<![.\w])organisation_id\s*(?:=|in\b)",
            r"\busing\s*\([^)]*\borganisation_id\b",
            rf"\binsert\s+into\s+{table}\b[^(]*\([^)]*\borganisation_id\b",
        )
    )
