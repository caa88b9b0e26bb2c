"""The service as it really runs, and what it uses: CPU, memory, the time of its start."""

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from app.db.migration import ROOT
from app.settings import Settings
from benchmarks.load import Plan, Seen, send
from benchmarks.machine import cpu_of
from benchmarks.operations import Call

_SERVE = ("-c", "import sys; from app.cli import main; sys.exit(main(['serve']))")
# The limits are counted, and are not what is measured.
_LIMITS = {
    "CLIENT_BURST": "100000000",
    "CLIENT_REQUESTS_PER_SECOND": "1000000",
    "ORGANISATION_BURST": "100000000",
    "ORGANISATION_REQUESTS_PER_SECOND": "1000000",
}
_MIB = 2**20


@dataclass(frozen=True, slots=True)
class Running:
    """A running service, and PostgreSQL unless that is on another machine."""

    settings: Settings
    process: psutil.Process
    postgres: psutil.Process | None
    started_in_seconds: float

    def cpu(self) -> tuple[float, float | None]:
        """Return the CPU seconds used so far, by the service and by PostgreSQL."""
        return cpu_of(self.process)(), self.postgres and cpu_of(self.postgres)()

    def memory_mib(self) -> list[float]:
        """Return the memory of each of its processes: what it shares counted in part, if known."""
        processes = [self.process, *self.process.children(recursive=True)]
        return sorted((_memory(process) / _MIB for process in processes), reverse=True)

    def carry_out(
        self,
        calls: Sequence[Call],
        *,
        clients: int,
        seconds: float,
        again: bool,
        pause_seconds: float = 0,
    ) -> Seen:
        """Let the load's own process send these requests.

        Raises:
            ValueError: one was refused for another reason than too much to do.
        """
        host, port = self.settings.host, self.settings.port
        seen = send(
            Plan(
                host=host,
                port=port,
                clients=clients,
                seconds=seconds,
                again=again,
                pause_seconds=pause_seconds,
                requests=[call.on_the_wire(f"{host}:{port}") for call in calls],
            )
        )
        if seen.first_refusal is not None or not seen.answered:
            message = f"{calls[0].method} {calls[0].path}: {seen.statuses} {seen.first_refusal}"
            raise ValueError(message)
        return seen

    def status_of(self, path: str) -> int:
        """Return the status that a path answers with, 0 when it does not within 5 seconds."""
        address = f"http://{self.settings.host}:{self.settings.port}{path}"
        try:
            with urllib.request.urlopen(address, timeout=5) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code
        except OSError:
            return 0


@contextmanager
def serving(
    settings: Settings,
    folder: Path,
    postgres: psutil.Process | None,
    *,
    say: Callable[[str], None],
    workers: int = 1,
    program: Sequence[str] = _SERVE,
) -> Generator[Running]:
    """Run ``leerruimte serve`` with these settings until the block ends; its log goes to a file.

    ``program`` are the arguments of a Python that serves in another way.
    """
    environment = {
        **os.environ,  # noqa: TID251 - what the service gets besides its settings
        **_LIMITS,
        "APP_DATABASE_URL": settings.app_url,
        "DATA_DIR": str(settings.data_dir),
        "PORT": str(settings.port),
        "DEMO": "true",
        "WORKERS": str(workers),
    }
    began = time.perf_counter()
    with (
        (folder / "service.log").open("wb") as log,
        subprocess.Popen(  # noqa: S603 - our own command
            [sys.executable, *program], env=environment, stdout=log, stderr=log, cwd=ROOT
        ) as process,
    ):
        try:
            await_ready(f"http://{settings.host}:{settings.port}/health/ready", process)
            seconds = time.perf_counter() - began
            yield Running(settings, psutil.Process(process.pid), postgres, seconds)
        except BaseException:
            log.flush()
            say((folder / "service.log").read_text()[-4000:])
            raise
        finally:
            process.terminate()


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def await_ready(address: str, process: subprocess.Popen[bytes]) -> None:
    """Return when a process that was started answers there.

    Raises:
        OSError: it does not, within a minute.
    """
    for _ in range(1200):
        try:
            urllib.request.urlopen(address, timeout=5).close()  # noqa: S310 - our own service
        except OSError:
            if process.poll() is not None:
                break
            time.sleep(0.05)
        else:
            return
    message = "the service does not start"
    raise OSError(message)


def _memory(process: psutil.Process) -> int:
    try:
        return int(getattr(process.memory_full_info(), "pss", process.memory_info().rss))
    except psutil.AccessDenied:
        return int(process.memory_info().rss)
