"""A relay of TCP connections that can be told to cut, to delay, to hold back, and to lose replies.

It stands between the clients and the service, and between the service and PostgreSQL. It runs on
an event loop of its own in a thread, so that the faults, which block, do not stop it.
"""

import asyncio
import random
import threading
from collections.abc import Callable
from typing import cast

import uvloop

HOST = "127.0.0.1"


class Relay:
    """Connections to one address, passed on to another that may change."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, target: Callable[[], int], rng: random.Random
    ) -> None:
        self._loop = loop
        self._target = target
        self._rng = rng
        self._sides: set[_Side] = set()
        self.port = 0
        self.delay_seconds = 0.0
        # The share of replies that go missing, each with its connection.
        self.losing = 0.0
        self._held = False
        self.lost = 0

    async def listen(self) -> None:
        server = await self._loop.create_server(lambda: _Side(self, None), HOST, 0)
        self.port = server.sockets[0].getsockname()[1]

    def cut(self) -> None:
        """Reset every connection there is."""
        self._loop.call_soon_threadsafe(self._cut)

    def hold(self, held: bool) -> None:  # noqa: FBT001 - a switch
        """Let nothing through from here on, or everything again."""
        self._loop.call_soon_threadsafe(self._hold, held)

    @property
    def is_held(self) -> bool:
        return self._held

    def join(self, side: "_Side") -> None:
        self._sides.add(side)
        if self._held:
            side.pause()

    def leave(self, side: "_Side") -> None:
        self._sides.discard(side)

    def loses(self) -> bool:
        lost = self.losing > 0 and self._rng.random() < self.losing
        self.lost += lost
        return lost

    async def connect(self, side: "_Side") -> None:
        """Open the other half of a connection; what can not be opened is reset."""
        try:
            await self._loop.create_connection(lambda: _Side(self, side), HOST, self._target())
        except OSError:
            side.abort()

    def _cut(self) -> None:
        for side in tuple(self._sides):
            side.abort()

    def _hold(self, held: bool) -> None:  # noqa: FBT001 - a switch
        self._held = held
        for side in tuple(self._sides):
            if held:
                side.pause()
            else:
                side.resume()


class _Side(asyncio.Protocol):
    """One half of a relayed connection: the caller's, or (with a peer from the start) the other."""

    def __init__(self, relay: Relay, peer: "_Side | None") -> None:
        self._relay = relay
        self._peer = peer
        self._answers = peer is not None
        self._transport: asyncio.Transport | None = None
        self._early: list[bytes] = []
        self._next_at = 0.0
        self._opening: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._relay.join(self)
        if self._peer is None:
            self._opening = asyncio.ensure_future(self._relay.connect(self))
        else:
            self._peer.meet(self)

    def meet(self, peer: "_Side") -> None:
        """Take up the other half, and pass on what came before it was there."""
        self._peer = peer
        for data in self._early:
            self._pass_on(data)
        self._early.clear()
        if self._transport is None or self._transport.is_closing():
            peer.abort()

    def data_received(self, data: bytes) -> None:
        if self._answers and self._relay.loses():
            self.abort()
        elif self._peer is None:
            self._early.append(data)
        else:
            self._pass_on(data)

    def connection_lost(self, exc: Exception | None) -> None:
        self._relay.leave(self)
        peer = self._peer
        if peer is None:
            return
        if exc is not None:
            peer.abort()
        else:
            self._later(peer.close)

    def write(self, data: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        """Reset this half; the other follows."""
        if self._transport is not None:
            self._transport.abort()
        if self._peer is not None and self._peer._transport is not None:  # noqa: SLF001 - its twin
            self._peer._transport.abort()  # noqa: SLF001

    def pause(self) -> None:
        if self._transport is not None and self._transport.is_reading():
            self._transport.pause_reading()

    def resume(self) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()

    def _pass_on(self, data: bytes) -> None:
        peer = self._peer
        if peer is not None:
            self._later(lambda: peer.write(data))

    def _later(self, act: Callable[[], None]) -> None:
        """Do it after the delay, and never before what came earlier."""
        loop = asyncio.get_running_loop()
        now = loop.time()
        at = max(now + self._relay.delay_seconds, self._next_at)
        if at <= now:
            act()
            return
        self._next_at = at
        loop.call_at(at, act)


class Relays:
    """The two relays of a run, on their loop."""

    def __init__(
        self, *, service: Callable[[], int], database: Callable[[], int], seed: str
    ) -> None:
        self._loop = uvloop.new_event_loop()
        self.front = Relay(self._loop, service, random.Random(f"{seed}:front"))  # noqa: S311
        self.back = Relay(self._loop, database, random.Random(f"{seed}:back"))  # noqa: S311
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def start(self) -> None:
        self._thread.start()
        for relay in (self.front, self.back):
            asyncio.run_coroutine_threadsafe(relay.listen(), self._loop).result(10)

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
