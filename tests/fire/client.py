"""A client of the API under fire: it sends, notes what came, and repeats as a client should."""

import asyncio
import json
import random
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import count
from typing import Any

import httpx

from tests.fire.history import Sent, Writer
from tests.fire.scene import Scene

PATIENCE_SECONDS = 30.0
# Shorter than a worker says that it goes: one that is replaced closes what nobody uses by then, and
# a request that is under way to it at that moment is lost, as HTTP has it.
_IDLE_SECONDS = 0.5
_NUMBERS = count(1)
_TRUST = ssl.create_default_context()


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request to send: by whom, and what it is about."""

    name: str
    who: str
    method: str
    path: str
    body: Any = None
    key: str | None = None
    match: str | None = None
    about: tuple[str, ...] = ()
    token: str | None = None


class Client:
    """One of the clients of an organisation, with a connection of its own and one to double it."""

    def __init__(
        self, *, number: int, url: str, scene: Scene, writer: Writer, rng: random.Random, seed: str
    ) -> None:
        self.number = number
        self.scene = scene
        self.rng = rng
        self._writer = writer
        self._seed = seed
        self._keys = count(1)
        self._connections = [_connection(url), _connection(url)]

    def new_key(self) -> str:
        return f"{self._seed}-{self.number}-{next(self._keys)}"

    async def close(self) -> None:
        for connection in self._connections:
            await connection.aclose()

    async def send(self, call: Call) -> Sent:
        """Send once."""
        return await self._send(call, self._connections[0])

    async def send_watched(self, call: Call, read: Call) -> Sent:
        """Send it, and meanwhile read, again and again, what it is about to change."""
        sending = asyncio.create_task(self._send(call, self._connections[0]))
        while not sending.done():
            await self._send(read, self._connections[1])
        return await sending

    async def send_twice(self, call: Call) -> tuple[Sent, Sent]:
        """Send the same request over two connections at the same moment."""
        first, second = await asyncio.gather(
            *(self._send(call, connection) for connection in self._connections)
        )
        return first, second

    async def _send(self, call: Call, connection: httpx.AsyncClient) -> Sent:
        begun = time.monotonic()
        told = Sent(
            n=next(_NUMBERS),
            client=self.number,
            organisation=self.scene.slug,
            who=call.who,
            name=call.name,
            method=call.method,
            path=call.path,
            begun=begun,
            ended=begun,
            key=call.key,
            match=call.match,
            body=call.body,
            about=call.about,
        )
        try:
            answer = await connection.request(
                call.method, call.path, content=_content(call), headers=self._headers(call)
            )
        except httpx.HTTPError as error:
            told = replace(told, ended=time.monotonic(), failed=type(error).__name__)
        else:
            told = replace(
                told,
                ended=time.monotonic(),
                status=answer.status_code,
                answer=answer.text,
                etag=answer.headers.get("etag"),
                media_type=answer.headers.get("content-type"),
                replayed=answer.headers.get("idempotency-replayed") == "true",
                retry_after=answer.headers.get("retry-after"),
            )
        self._writer.add(told)
        return told

    def _headers(self, call: Call) -> Mapping[str, str]:
        token = self.scene.tokens[call.who] if call.token is None else call.token
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        if call.body is not None:
            headers["Content-Type"] = "application/json"
        if call.key is not None:
            headers["Idempotency-Key"] = call.key
        if call.match is not None:
            headers["If-Match"] = call.match
        return headers


def _connection(url: str) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        base_url=f"{url}/v1",
        timeout=httpx.Timeout(PATIENCE_SECONDS, connect=5.0),
        limits=httpx.Limits(
            max_connections=1, max_keepalive_connections=1, keepalive_expiry=_IDLE_SECONDS
        ),
        verify=_TRUST,
        trust_env=False,
    )


def _content(call: Call) -> bytes | None:
    return None if call.body is None else json.dumps(call.body, ensure_ascii=False).encode()
