"""The faults: what is broken, drawn beforehand from the seed, and how it is broken."""

import contextlib
import random
import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

import psutil

from app.demo.clock import DemoClock
from tests.fire.history import Fault
from tests.fire.proxy import Relays
from tests.fire.service import Postgres, Service

PAUSE_SECONDS = 3.0
# Only when asked for: it takes a small disk of its own, which not everybody may make.
DISK = "disk"
_ZEROS = bytes(1 << 16)
# So long the load goes on at least after the last fault was mended.
QUIET_SECONDS = 5.0
_FIRST_AFTER = 3.0
_BETWEEN = (3.0, 6.0)


@dataclass(frozen=True, slots=True)
class Planned:
    """A fault to come, so long after the one before was mended; ``choice`` says which worker."""

    after: float
    kind: str
    choice: float


def plan(seed: str, kinds: Sequence[str]) -> Iterator[Planned]:
    """Yield what will be broken: every kind in turn, in an order that the seed draws anew."""
    rng = random.Random(f"{seed}:faults")  # noqa: S311 - repeatable
    after = _FIRST_AFTER
    while kinds:
        for kind in reversed(rng.sample(kinds, len(kinds))):
            yield Planned(after, kind, rng.random())
            after = rng.uniform(*_BETWEEN)


class Breaker:
    """Breaks what it is told to, and mends it again."""

    def __init__(
        self, service: Service, postgres: Postgres | None, relays: Relays, clock: DemoClock
    ) -> None:
        self._service = service
        self._postgres = postgres
        self._relays = relays
        self._clock = clock
        self.kinds: Mapping[str, Callable[[float], str]] = {
            "worker": self._kill_worker,
            "service": self._kill_service,
            "supervisor": self._kill_supervisor,
            "pause-worker": self._pause_worker,
            "stop": self._stop_service,
            "replace": self._replace_workers,
            "cut": self._cut_clients,
            "cut-database": self._cut_database,
            "freeze-database": self._freeze_database,
            "lose": self._lose_replies,
            "delay": self._delay,
            "clock": self._move_clock,
            **(
                {}
                if postgres is None
                else {
                    "postgres": self._kill_postgres,
                    "both": self._kill_both,
                    "pause-postgres": self._pause_postgres,
                    DISK: self._fill_disk,
                }
            ),
        }

    def carry_out(self, planned: Planned) -> Fault:
        """Break it and mend it; return from when to when."""
        begun = time.monotonic()
        note = self.kinds[planned.kind](planned.choice)
        return Fault(planned.kind, begun, time.monotonic(), note)

    def _worker(self, choice: float) -> psutil.Process | None:
        workers = sorted(self._service.workers(), key=lambda process: process.pid)
        return workers[int(choice * len(workers))] if workers else None

    def _kill_worker(self, choice: float) -> str:
        worker = self._worker(choice)
        if worker is not None:
            with contextlib.suppress(psutil.Error):
                worker.kill()
        return "kill -9 of one worker"

    def _kill_service(self, _choice: float) -> str:
        self._service.kill()
        return self._start("kill -9 of the service")

    def _kill_supervisor(self, _choice: float) -> str:
        orphans = self._service.kill_supervisor()
        _gone, alive = psutil.wait_procs(orphans, timeout=12)
        for orphan in alive:
            orphan.kill()
        return self._start(
            "kill -9 of the parent of the workers"
            + (f"; {len(alive)} workers lived on without it" if alive else "")
        )

    def _stop_service(self, _choice: float) -> str:
        status, seconds = self._service.terminate()
        return self._start(f"SIGTERM: exit {status} after {seconds:.1f} s")

    def _start(self, note: str) -> str:
        begun = time.monotonic()
        self._service.start()
        self._service.await_ready()
        return f"{note}; ready {time.monotonic() - begun:.1f} s after its start"

    def _replace_workers(self, _choice: float) -> str:
        self._service.replace_workers()
        return "SIGHUP: the workers are replaced one by one"

    def _pause_worker(self, choice: float) -> str:
        worker = self._worker(choice)
        if worker is not None:
            with contextlib.suppress(psutil.Error):
                worker.send_signal(signal.SIGSTOP)
                time.sleep(PAUSE_SECONDS)
                worker.send_signal(signal.SIGCONT)
        return "SIGSTOP of one worker"

    def _kill_postgres(self, _choice: float) -> str:
        assert self._postgres is not None
        self._postgres.kill()
        self._postgres.restart()
        return "kill -9 of PostgreSQL"

    def _kill_both(self, _choice: float) -> str:
        assert self._postgres is not None
        self._service.kill()
        self._postgres.kill()
        self._postgres.restart()
        return self._start("kill -9 of PostgreSQL and of the service")

    def _pause_postgres(self, _choice: float) -> str:
        assert self._postgres is not None
        self._postgres.signal(signal.SIGSTOP)
        time.sleep(PAUSE_SECONDS)
        self._postgres.signal(signal.SIGCONT)
        return "SIGSTOP of PostgreSQL"

    def _cut_clients(self, _choice: float) -> str:
        self._relays.front.cut()
        return "every connection of a client reset"

    def _cut_database(self, _choice: float) -> str:
        self._relays.back.cut()
        return "every connection to PostgreSQL reset"

    def _freeze_database(self, _choice: float) -> str:
        self._relays.back.hold(True)  # noqa: FBT003 - a switch
        time.sleep(PAUSE_SECONDS)
        self._relays.back.hold(False)  # noqa: FBT003
        return "nothing gets through to PostgreSQL"

    def _lose_replies(self, _choice: float) -> str:
        before = self._relays.front.lost
        self._relays.front.losing = 0.3
        time.sleep(PAUSE_SECONDS)
        self._relays.front.losing = 0.0
        return f"{self._relays.front.lost - before} replies lost on the way"

    def _delay(self, _choice: float) -> str:
        self._relays.front.delay_seconds = self._relays.back.delay_seconds = 0.05
        time.sleep(PAUSE_SECONDS)
        self._relays.front.delay_seconds = self._relays.back.delay_seconds = 0.0
        return "50 ms more each way, before and behind the service"

    def _fill_disk(self, _choice: float) -> str:
        assert self._postgres is not None
        filler = self._postgres.folder / "filler"
        written = 0
        with filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                written += file.write(_ZEROS)
        time.sleep(PAUSE_SECONDS)
        filler.unlink()
        return f"PostgreSQL's disk is full: {written // 1_000_000} MB were left"

    def _move_clock(self, choice: float) -> str:
        hours = 1 if choice < 0.5 else -1
        now = self._clock.now()
        begun = time.monotonic()
        self._clock.set(now + timedelta(hours=hours))
        time.sleep(PAUSE_SECONDS)
        self._clock.set(now + timedelta(seconds=time.monotonic() - begun))
        return f"the service's clock is {hours:+} h off"


KINDS = (
    "worker",
    "service",
    "supervisor",
    "postgres",
    "both",
    "pause-worker",
    "pause-postgres",
    "cut",
    "cut-database",
    "freeze-database",
    "lose",
    "delay",
    "clock",
    "stop",
    "replace",
)
