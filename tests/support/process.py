"""The service's commands run as processes, with settings of the test's own."""

import os
import secrets
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Generator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

import pytest

from app.db.migration import ROOT
from app.settings import Settings

_LOOKS_EVERY = 0.05
LEERRUIMTE = (sys.executable, "-c", "import sys; from app.cli import main; sys.exit(main())")


def environment(settings: Mapping[str, str]) -> dict[str, str]:
    """Return this environment with these settings and no others of the service."""
    ours = {name.upper() for name in Settings.model_fields}
    kept = {name: value for name, value in os.environ.items() if name not in ours}  # noqa: TID251
    return kept | dict(settings)


def leerruimte(*arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - our own command
        [*LEERRUIMTE, *arguments],
        env=environment(settings),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def benchmarked(server_url: str, page: Path, *options: str) -> str:
    """Run the benchmarks quickly on this server, and return the page that they wrote."""
    done = subprocess.run(  # noqa: S603 - our own module
        [sys.executable, "-m", "benchmarks", "--quick", *options, "--output", str(page)],
        env={**os.environ, "TEST_DATABASE_URL": server_url},  # noqa: TID251 - the run's own server
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return page.read_text()


@contextmanager
def served(
    *arguments: str, log: TextIO | None = None, **settings: str
) -> Generator[subprocess.Popen[str]]:
    """Serve until the block ends; give a ``log`` where it may become more than a pipe holds."""
    with subprocess.Popen(  # noqa: S603 - our own command
        [*LEERRUIMTE, *arguments],
        env=environment(settings),
        stderr=log or subprocess.PIPE,
        text=True,
    ) as process:
        try:
            await_ready(process, settings["PORT"])
            yield process
        finally:
            process.kill()


def await_ready(process: subprocess.Popen[str], port: str) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        if process.poll() is not None:
            pytest.fail(process.stderr.read() if process.stderr else "it ended: see its log")
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/health/ready", timeout=10).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    pytest.fail("no answer")


def free_port() -> str:
    """Return a port of this machine that nothing listens on now.

    It lies below those that the system gives to outgoing connections: one of them could have it
    before it is listened on. And it is not of the tests' own order of chance, which their
    processes share.
    """
    while True:
        port = 15_000 + secrets.randbelow(15_000)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return str(port)


def await_end(process: subprocess.Popen[str], since: float) -> tuple[int, float]:
    """Wait until a process ends; return its exit status, and the seconds from ``since`` on.

    Those in which this machine kept us waiting as well are left out.
    """
    late = 0.0
    while process.poll() is None:
        before = time.monotonic()
        if before - since > 120:
            pytest.fail("it does not end")
        time.sleep(_LOOKS_EVERY)
        late += time.monotonic() - before - _LOOKS_EVERY
    return process.returncode, time.monotonic() - since - late
