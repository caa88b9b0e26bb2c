"""The SQL that the service sends for one request, caught at the moment of its commit.

The service is run within this process for it, on the same settings; the commit is refused, so
that nothing is changed and the same statements can be run again afterwards.
"""

import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import httpx
from sqlalchemy import Connection, Engine, event

from app.main import create_app
from app.settings import Settings

_caught: ContextVar["list[Statement] | None"] = ContextVar("caught", default=None)


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement as the driver got it; several sets of parameters are several rows."""

    text: str
    parameters: Any
    many: bool


class _NotThisTime(Exception):
    """Refuses the commit."""


class Capture:
    """Sends requests to the service and returns what it asked the database for."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def statements(
        self, method: str, path: str, *, headers: dict[str, str], body: str = ""
    ) -> list[Statement]:
        """Return the statements of one request, up to its commit.

        Raises:
            ValueError: the service refused the request, so it never came to a commit.
        """
        caught: list[Statement] = []
        # Once before: what is remembered afterwards (the token, the person) is no part of it.
        for _ in range(2):
            caught = []
            reset = _caught.set(caught)
            try:
                answer = await self._client.request(method, path, headers=headers, content=body)
            finally:
                _caught.reset(reset)
            if not answer.is_server_error:
                message = f"{method} {path}: {answer.status_code} {answer.text[:500]}"
                raise ValueError(message)
        return caught


@asynccontextmanager
async def capturing(settings: Settings) -> AsyncGenerator[Capture]:
    """Yield a capture of the service as ``settings`` have it."""
    event.listen(Engine, "before_cursor_execute", _catch)
    event.listen(Engine, "commit", _refuse)
    app = create_app(settings)
    # Each refused commit would be told as a defect.
    logging.getLogger("app").setLevel(logging.CRITICAL)
    try:
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(
                transport=httpx.ASGITransport(app=app, raise_app_exceptions=False),
                base_url="http://bench",
            ) as client,
        ):
            yield Capture(client)
    finally:
        event.remove(Engine, "before_cursor_execute", _catch)
        event.remove(Engine, "commit", _refuse)


def _catch(
    _connection: Connection,
    _cursor: object,
    statement: str,
    parameters: Any,  # noqa: ANN401 - as SQLAlchemy hands them over
    _context: object,
    executemany: bool,  # noqa: FBT001 - SQLAlchemy calls this
) -> None:
    caught = _caught.get()
    if caught is not None:
        caught.append(Statement(statement, parameters, executemany))


def _refuse(connection: Connection) -> None:
    caught = _caught.get()
    if caught is not None:
        # Not left to the error: the locks must be gone before the same is asked of the service.
        connection.exec_driver_sql("ROLLBACK")
        caught.pop()
        raise _NotThisTime
