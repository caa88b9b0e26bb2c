"""More clients than can be served: who is sent away and when, and whether health holds."""

import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.load import Seen
from benchmarks.operations import Call
from benchmarks.service import Running

CLIENTS = 512
# What a client that is sent away is told to wait, and these do.
_PAUSE_SECONDS = 2.0
_PROBE_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Overload:
    """What came of it, and how often health answered with which status meanwhile."""

    operation: str
    clients: int
    bound_seconds: float
    seen: Seen
    health: dict[int, int]


def overload(
    running: Running, operation: str, calls: Sequence[Call], *, seconds: float
) -> Overload:
    """Ask for more than can be done, and for health meanwhile."""
    health: Counter[int] = Counter()
    ended = threading.Event()

    def look() -> None:
        while not ended.wait(_PROBE_SECONDS):
            health[running.status_of("/health/ready")] += 1

    prober = threading.Thread(target=look)
    prober.start()
    try:
        seen = running.carry_out(
            calls, clients=CLIENTS, seconds=seconds, again=True, pause_seconds=_PAUSE_SECONDS
        )
    finally:
        ended.set()
        prober.join()
    bound = running.settings.pool_timeout_seconds
    return Overload(operation, CLIENTS, bound, seen, dict(health))
