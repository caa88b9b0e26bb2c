"""The service and PostgreSQL as processes: started, killed, paused, and brought back.

The harness stands where systemd or a container's runtime would: what it kills it starts again.
"""

import contextlib
import os
import signal
import subprocess
import time
import urllib.request
from collections.abc import Generator, Mapping
from contextlib import ExitStack
from pathlib import Path

import psutil

from app.db.embedded import EmbeddedServer, embedded_server
from tests.support.process import LEERRUIMTE, environment

_START_SECONDS = 60.0
_DISK_MEGABYTES = 300


class Postgres:
    """The embedded server, which outlives what is done to it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._held = ExitStack()
        self.server: EmbeddedServer = self._enter()

    def kill(self) -> None:
        """Kill every process of it at once; what only its memory held is gone."""
        for process in self._processes():
            with contextlib.suppress(psutil.Error):
                process.kill()

    def restart(self) -> None:
        """Bring back what was killed, on the same port."""
        self._held.close()
        self.server = self._enter()

    def signal(self, number: signal.Signals) -> None:
        for process in self._processes():
            with contextlib.suppress(psutil.Error):
                process.send_signal(number)

    def stop(self) -> None:
        self._held.close()

    def _enter(self) -> EmbeddedServer:
        return self._held.enter_context(embedded_server(self.folder, progress=lambda _line: None))

    def _processes(self) -> list[psutil.Process]:
        """Return the postmaster and its children, itself first: it starts none when it is dead."""
        pid_file = self.folder / "postgres" / "postmaster.pid"
        try:
            postmaster = psutil.Process(int(pid_file.read_text().partition("\n")[0]))
            return [postmaster, *postmaster.children(recursive=True)]
        except (OSError, ValueError, psutil.Error):
            return []


class NotReady(Exception):
    """The service does not come back; says how long it was waited for."""


class NoSmallDisk(Exception):
    """A small disk can not be made here; says why."""


@contextlib.contextmanager
def small_disk(folder: Path) -> Generator[None]:
    """Let ``folder`` be a disk of its own, in memory, small enough to be filled.

    Raises:
        NoSmallDisk: whoever runs this may not mount one.
    """
    folder.mkdir(parents=True)
    command = ["mount", "-t", "tmpfs", "-o", f"size={_DISK_MEGABYTES}m,mode=0755", "fire"]
    try:
        subprocess.run([*command, str(folder)], check=True, capture_output=True)  # noqa: S603
    except (OSError, subprocess.CalledProcessError) as error:
        message = f"the disk can not be filled: no small one can be mounted here ({error})"
        raise NoSmallDisk(message) from error
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=False)  # noqa: S603, S607


class Service:
    """``leerruimte serve`` with its workers, and its log in a file."""

    def __init__(self, settings: Mapping[str, str], log: Path) -> None:
        self._settings = settings
        self._log = log.open("ab")
        self._process: subprocess.Popen[bytes] | None = None
        self.address = f"http://127.0.0.1:{settings['PORT']}"

    @property
    def process(self) -> subprocess.Popen[bytes]:
        assert self._process is not None
        return self._process

    def start(self) -> None:
        self._process = subprocess.Popen(  # noqa: S603 - our own command
            [*LEERRUIMTE, "serve"],
            env=environment(self._settings),
            stdout=self._log,
            stderr=self._log,
            start_new_session=True,
        )

    def await_ready(self) -> None:
        """Return when it says that it can do work.

        Raises:
            NotReady: it does not come to that.
        """
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                self.start()
                time.sleep(0.2)
            with contextlib.suppress(OSError):
                _ask(f"{self.address}/health/ready")
                return
            time.sleep(0.05)
        message = f"the service was not ready {_START_SECONDS:.0f} s after it was started"
        raise NotReady(message)

    def workers(self) -> list[psutil.Process]:
        """Return the processes that serve: the children that were spawned to do so."""
        with contextlib.suppress(psutil.Error):
            return [
                child
                for child in psutil.Process(self.process.pid).children()
                if "spawn_main" in " ".join(child.cmdline())
            ]
        return []

    def kill(self) -> None:
        """Kill all of it at once."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(10)

    def kill_supervisor(self) -> list[psutil.Process]:
        """Kill the parent alone, and return the workers that it leaves."""
        orphans = self.workers()
        self.process.kill()
        self.process.wait(10)
        return orphans

    def terminate(self) -> tuple[int | None, float]:
        """Ask it to stop; return its exit status (None when it does not) and the seconds."""
        begun = time.monotonic()
        self.process.terminate()
        try:
            status = self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.kill()
            status = None
        return status, time.monotonic() - begun

    def replace_workers(self) -> None:
        """Have each worker replaced by a new one (the supervisor's SIGHUP)."""
        self.process.send_signal(signal.SIGHUP)

    def stop(self) -> None:
        if self._process is not None:
            self.kill()
        self._log.close()


def _ask(address: str) -> None:
    urllib.request.urlopen(address, timeout=2).close()  # noqa: S310 - our own service
