"""One run: everything started, the load let loose on it, things broken, and all healed again."""

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from app.db.migration import migrate
from app.db.session import Database
from app.demo.clock import DemoClock
from app.http.demo_issuer import PATH as DEMO_PATH
from app.http.demo_issuer import SigningIssuer
from app.settings import Settings
from tests.fire.faults import DISK, KINDS, QUIET_SECONDS, Breaker, plan
from tests.fire.history import DONE, Fault, History, Sent, Write
from tests.fire.proxy import HOST, Relays
from tests.fire.scene import NOW, Scene, set_up
from tests.fire.service import Postgres, Service, small_disk
from tests.support.process import free_port, leerruimte

Say = Callable[[str], None]
HISTORY = "history.jsonl"
LOG = "service.log"
RESOLVED_WITHIN = 30.0
# As long it is waited for good answers after the last fault: more than any check allows.
_RECOVERED_WITHIN = 45.0
# As long the clients take to end what they are at.
_LAST_ANSWERS_SECONDS = 180.0
# How long a round of replacements is waited for, and how long the last worker takes to go.
_REPLACED_TENTHS = 200
_SETTLES_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class Options:
    """What a run is asked to be, of so many ``seconds`` at least.

    ``database_url`` is a server of somebody else's, or None.
    """

    seed: str
    seconds: float
    clients: int
    faults: Sequence[str]
    # Whether each of them has to come: they were asked for by name.
    each: bool
    # How many requests are sent while all workers are replaced; none for none.
    rolling: int
    folder: Path
    database_url: str | None = None


@dataclass(frozen=True, slots=True)
class Ran:
    """What a run left: its history, and where the service and its data can still be asked."""

    history: History
    scenes: Sequence[Scene]
    url: str
    owner_url: str
    lost: int
    verified: subprocess.CompletedProcess[str]
    asked_again: int = 0
    resolved_seconds: float = 0.0
    unresolved: Sequence[Write] = field(default_factory=tuple)


class Running:
    """The processes of a run, for as long as they are held."""

    def __init__(self, options: Options, held: ExitStack, say: Say) -> None:
        self.options = options
        self._say = say
        folder = options.folder
        self.postgres: Postgres | None = None
        if options.database_url is None:
            if DISK in options.faults:
                held.enter_context(small_disk(folder / "database"))
            say("Starting PostgreSQL ...")
            self.postgres = Postgres(folder / "database")
            held.callback(self.postgres.stop)
            self.owner_url = self.postgres.server.owner_url
        else:
            self.owner_url = options.database_url
        self.relays = Relays(
            service=lambda: self.port, database=self._database_port, seed=options.seed
        )
        self.relays.start()
        held.callback(self.relays.stop)
        self._history = folder / HISTORY
        self.port = int(free_port())
        self.settings = Settings.model_validate(
            {
                "database_url": self.owner_url,
                "data_dir": folder,
                "port": self.port,
                "demo": True,
                "workers": 2,
            }
        )
        say("Bringing the schema up to date ...")
        migrate(self.settings.owner_url, self.settings.app_url)
        clock = DemoClock(folder / "demo-clock.json")
        clock.set(NOW)
        issuer = SigningIssuer.kept_in(folder, f"http://{HOST}:{self.port}{DEMO_PATH}")
        self.scenes = asyncio.run(self._set_up(issuer))
        self.service = Service(self._environment(), folder / LOG)
        held.callback(self.service.stop)
        say("Starting the service with two workers ...")
        self.service.start()
        self.service.await_ready()
        self.breaker = Breaker(self.service, self.postgres, self.relays, clock)

    @property
    def url(self) -> str:
        """Return where the clients send to: the relay before the service."""
        return f"http://{HOST}:{self.relays.front.port}"

    def load(self, **orders: Any) -> subprocess.Popen[bytes]:  # noqa: ANN401 - JSON
        """Start the load's own process with these orders; it goes on until its input is closed."""
        told = {
            "url": self.url,
            "seed": self.options.seed,
            "clients": self.options.clients,
            "history": str(self._history),
            "scenes": [scene.as_dict() for scene in self.scenes],
            **orders,
        }
        process = subprocess.Popen([sys.executable, "-m", "tests.fire.load"], stdin=subprocess.PIPE)
        assert process.stdin is not None
        process.stdin.write(json.dumps(told).encode() + b"\n")
        process.stdin.flush()
        return process

    def await_first(self, load: subprocess.Popen[bytes]) -> float:
        """Return the time at which the first answer had come: the load has begun then."""
        while load.poll() is None and not (self._history.exists() and self._history.stat().st_size):
            time.sleep(0.02)
        return time.monotonic()

    def break_things(self, load: subprocess.Popen[bytes], began: float) -> list[Fault]:
        """Carry the plan out beside the load; return what came of it.

        Faults that were asked for by name all come once, however long that takes.
        """
        done: list[Fault] = []
        due = len(self.options.faults) if self.options.each else 0
        until = began + self.options.seconds - QUIET_SECONDS
        for planned in plan(self.options.seed, self.options.faults):
            at = (done[-1].back if done else began) + planned.after
            while load.poll() is None and time.monotonic() < at:
                time.sleep(0.02)
            if load.poll() is not None or (at > until and len(done) >= due):
                break
            fault = self.breaker.carry_out(planned)
            self._say(fault.told(began))
            done.append(fault)
        return done

    def end(self, load: subprocess.Popen[bytes], began: float, faults: Sequence[Fault]) -> None:
        """End the load: in its time, and not before it shows whether the last fault was mended.

        Raises:
            RuntimeError: the load itself failed.
        """
        back = faults[-1].back if faults else began
        until = max(began + self.options.seconds, back + QUIET_SECONDS)
        wanted = {True, False}
        rest = ""
        with self._history.open() as file:
            while load.poll() is None and (
                time.monotonic() < until or (wanted and time.monotonic() < back + _RECOVERED_WITHIN)
            ):
                time.sleep(0.2)
                *lines, rest = (rest + file.read()).split("\n")
                came = (json.loads(line) for line in lines)
                wanted -= {
                    one["method"] != "GET"
                    for one in came
                    if one["begun"] >= back and one["status"] in DONE
                }
        _finish(load, _LAST_ANSWERS_SECONDS, "the load failed")

    def roll(self) -> None:
        """Have every worker replaced, again and again, while requests are sent.

        Raises:
            RuntimeError: the load itself failed.
        """
        load = self.load(rolling=self.options.rolling)
        while load.poll() is None:
            before = {worker.pid for worker in self.service.workers()}
            self.service.replace_workers()
            for _ in range(_REPLACED_TENTHS):
                time.sleep(0.1)
                now = {worker.pid for worker in self.service.workers()}
                if load.poll() is not None or not before & now:
                    break
        if load.returncode != 0:
            message = "the load while workers are replaced failed"
            raise RuntimeError(message)
        # The last round goes to its end: nobody is asked while a worker is on its way out.
        time.sleep(_SETTLES_SECONDS)
        self.service.await_ready()

    async def _set_up(self, issuer: SigningIssuer) -> Sequence[Scene]:
        database = Database(self.settings)
        try:
            return await set_up(database, issuer)
        finally:
            await database.close()

    def _database_port(self) -> int:
        if self.postgres is not None:
            return self.postgres.server.port
        return urlsplit(self.owner_url).port or 5432

    def _environment(self) -> Mapping[str, str]:
        relayed = urlsplit(self.settings.app_url)
        credentials = relayed.netloc.rpartition("@")[0]
        netloc = f"{credentials}@{HOST}:{self.relays.back.port}"
        return {
            "APP_DATABASE_URL": relayed._replace(netloc=netloc).geturl(),
            "DATA_DIR": str(self.options.folder),
            "PORT": str(self.port),
            "DEMO": "true",
            "WORKERS": "2",
            # The load is meant to be too much.
            "RATE_LIMITS": "false",
        }


def carry_out(options: Options, held: ExitStack, say: Say) -> Ran:
    """Run it and return what it left; the service runs on while ``held`` is.

    Raises:
        RuntimeError: the load itself failed.
        NotReady: what was broken did not mend.
    """
    running = Running(options, held, say)
    say(f"{options.clients} clients for {options.seconds:.0f} s ...")
    load = running.load()
    held.callback(load.kill)
    began = running.await_first(load)
    faults = running.break_things(load, began)
    running.end(load, began, faults)
    ended = time.monotonic()
    running.service.await_ready()
    if options.rolling:
        say(f"Replacing the workers under {options.rolling} requests ...")
        running.roll()
    path = options.folder / HISTORY
    history = History.read(path, faults, began, ended)
    unknown = [write for write in history.writes if _open(write)]
    say(f"Asking {len(unknown)} requests again that had no answer ...")
    healed = time.monotonic()
    if unknown:
        again = running.load(again=_orders(unknown), patience=RESOLVED_WITHIN)
        _finish(again, RESOLVED_WITHIN * 10, "asking again failed")
    resolved_seconds = time.monotonic() - healed
    history = History.read(path, faults, began, ended)
    say("Verifying ledger and audit trail ...")
    return Ran(
        history=history,
        scenes=running.scenes,
        url=running.service.address,
        owner_url=running.owner_url,
        lost=running.relays.front.lost,
        verified=leerruimte("verify", DATABASE_URL=running.owner_url),
        asked_again=len(unknown),
        resolved_seconds=resolved_seconds,
        unresolved=[
            write for write in history.writes if write.answer is None and write.sent[-1].unknown
        ],
    )


def _finish(load: subprocess.Popen[bytes], seconds: float, says: str) -> None:
    """Tell a load that it may end, and wait until it has.

    Raises:
        RuntimeError: it failed.
    """
    assert load.stdin is not None
    load.stdin.close()
    if load.wait(seconds) != 0:
        raise RuntimeError(says)


def _open(write: Write) -> bool:
    """Tell whether a write may yet turn out to be done: it has been without an answer.

    Also when it was refused since: what was sent first may still have been on its way.
    """
    return write.answer is None and any(one.unknown for one in write.sent)


def _orders(unknown: Sequence[Write]) -> list[dict[str, Any]]:
    """Return what to ask again, in a few queues for each organisation."""
    queues: dict[tuple[str, int], list[dict[str, Any]]] = {}
    for number, write in enumerate(unknown):
        queues.setdefault((write.organisation, number % 8), []).append(_call(write.first))
    return [
        {"organisation": organisation, "calls": calls}
        for (organisation, _), calls in queues.items()
    ]


def _call(sent: Sent) -> dict[str, Any]:
    told = asdict(sent)
    return {
        name: told[name]
        for name in ("name", "who", "method", "path", "body", "key", "match", "about")
    }


__all__ = ["KINDS", "Options", "Ran", "carry_out"]
