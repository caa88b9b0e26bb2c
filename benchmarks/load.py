"""The load: requests over kept-alive connections, as many at once as there are clients.

A process of its own, on raw sockets, so that it costs little beside the service: it reads a plan
from standard input and writes what it saw to standard output, both as JSON.
"""

import asyncio
import json
import resource
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from time import perf_counter
from typing import cast

import uvloop

_BUSY = "503"
_LENGTH = b"\r\ncontent-length: "
# How long an answer may be waited for after the end, before the whole run is given up.
_PATIENCE_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Plan:
    """What to send, for how long. Each request goes once, or, when ``again``, round and round.

    A client that is sent away because there is too much to do pauses before its next request.
    """

    host: str
    port: int
    clients: int
    seconds: float
    again: bool
    pause_seconds: float
    requests: list[str]


@dataclass(frozen=True, slots=True)
class Seen:
    """What came of it: answers by status, times in milliseconds, and the generator's own CPU.

    The percentiles are those of what was carried out, the longest time is that of any answer.
    """

    seconds: float
    statuses: dict[str, int]
    p50_ms: float
    p99_ms: float
    busy_p99_ms: float
    longest_ms: float
    cpu_seconds: float
    first_refusal: str | None

    @property
    def answered(self) -> int:
        """Return how many requests were carried out."""
        return sum(count for status, count in self.statuses.items() if status[0] == "2")

    @property
    def busy(self) -> int:
        """Return how many were sent back because the service had too much to do."""
        return self.statuses.get(_BUSY, 0)


class _Client(asyncio.Protocol):
    """One connection: sends a request, waits for the whole answer, sends the next."""

    def __init__(self, run: "_Run") -> None:
        self._run = run
        self._buffer = b""
        self._began = 0.0
        self._transport: asyncio.Transport | None = None
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are not asyncio's by inheritance.
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head = self._buffer.find(b"\r\n\r\n")
        if head < 0:
            return
        found = self._buffer.lower().find(_LENGTH, 0, head)
        at = found + len(_LENGTH)
        length = int(self._buffer[at : self._buffer.find(b"\r\n", at)]) if found >= 0 else 0
        if len(self._buffer) < head + 4 + length:
            return
        status = self._buffer[9:12].decode()
        self._run.take(status, perf_counter() - self._began, self._buffer)
        self._buffer = b""
        if status == _BUSY and self._run.pause_seconds:
            asyncio.get_running_loop().call_later(self._run.pause_seconds, self._send)
        else:
            self._send()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(exc or ConnectionError("the service closed the connection"))

    def begin(self) -> None:
        """Send the first request: when all clients are there."""
        self._send()

    def _send(self) -> None:
        request = self._run.next()
        if self._transport is None or request is None:
            if not self.done.done():
                self.done.set_result(None)
            return
        self._began = perf_counter()
        self._transport.write(request)


class _Run:
    """The requests that are left, and the answers so far."""

    def __init__(self, plan: Plan) -> None:
        self._seconds = plan.seconds
        self._ends = 0.0
        self._requests: Iterator[bytes] = iter([text.encode() for text in plan.requests])
        self._again = [text.encode() for text in plan.requests] if plan.again else []
        self.pause_seconds = plan.pause_seconds
        self.statuses: Counter[str] = Counter()
        self.times: list[float] = []
        self.busy_times: list[float] = []
        self.first_refusal: str | None = None

    def begin(self) -> float:
        """Let the time begin, and return when it does."""
        began = perf_counter()
        self._ends = began + self._seconds
        return began

    def next(self) -> bytes | None:
        if perf_counter() >= self._ends:
            return None
        request = next(self._requests, None)
        if request is None and self._again:
            self._requests = iter(self._again)
            request = next(self._requests, None)
        return request

    def take(self, status: str, seconds: float, answer: bytes) -> None:
        self.statuses[status] += 1
        (self.busy_times if status == _BUSY else self.times).append(seconds)
        if status[0] != "2" and status != _BUSY and self.first_refusal is None:
            self.first_refusal = answer.decode("utf-8", "replace")


async def run(plan: Plan) -> Seen:
    """Carry out the plan and return what was seen."""
    state = _Run(plan)
    loop = asyncio.get_running_loop()
    connections = [
        await loop.create_connection(lambda: _Client(state), plan.host, plan.port)
        for _ in range(plan.clients)
    ]
    before = _cpu_seconds()
    began = state.begin()
    for _transport, client in connections:
        client.begin()
    async with asyncio.timeout(plan.seconds + _PATIENCE_SECONDS):
        await asyncio.gather(*(client.done for _transport, client in connections))
    seconds = perf_counter() - began
    for transport, _client in connections:
        transport.close()
    times, busy_times = sorted(state.times) or [0.0], sorted(state.busy_times) or [0.0]
    return Seen(
        seconds=seconds,
        statuses=dict(state.statuses),
        p50_ms=times[len(times) // 2] * 1000,
        p99_ms=times[len(times) * 99 // 100] * 1000,
        busy_p99_ms=busy_times[len(busy_times) * 99 // 100] * 1000,
        longest_ms=max(times[-1], busy_times[-1]) * 1000,
        cpu_seconds=_cpu_seconds() - before,
        first_refusal=state.first_refusal,
    )


def send(plan: Plan) -> Seen:
    """Carry out a plan in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.load"],
        input=json.dumps(asdict(plan)),
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parent.parent,
    )
    return Seen(**json.loads(done.stdout))


def _cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    json.dump(asdict(uvloop.run(run(Plan(**json.load(sys.stdin))))), sys.stdout)
