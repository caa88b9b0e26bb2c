"""The SQL that the service sends for one request, caught at the moment of its commit.

The service is run within this process for it, on the same settings; the commit is refused, so
that nothing is changed and the same statements can be run again afterwards.
"""

import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

import httpx
from psycopg import AsyncCursor

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
    app = create_app(settings)
    # Each refused commit would be told as a defect.
    logging.getLogger("app").setLevel(logging.CRITICAL)
    with patch.multiple(
        AsyncCursor,
        execute=_caught_by(AsyncCursor.execute, many=False),
        executemany=_caught_by(AsyncCursor.executemany, many=True),
    ):
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(
                transport=httpx.ASGITransport(app=app, raise_app_exceptions=False),
                base_url="http://bench",
            ) as client,
        ):
            yield Capture(client)


def _caught_by(
    send: Callable[..., Awaitable[object]], *, many: bool
) -> Callable[..., Awaitable[object]]:
    """Return a cursor's method that notes what it sends, and refuses the commit."""

    async def catch(
        cursor: object, query: object, parameters: object = None, **options: object
    ) -> object:
        caught = _caught.get()
        if caught is not None:
            if query == "COMMIT":
                raise _NotThisTime
            text = query.decode() if isinstance(query, bytes) else str(query)
            caught.append(Statement(text, parameters, many))
        return await send(cursor, query, parameters, **options)

    return catch
