"""Where the service spends its CPU: in whose code it was, each time its clock of CPU went off.

Run as a program it serves, begins to look at SIGUSR1, and at its end writes what it saw to the file
that it was given.
"""

import json
import signal
import sys
import sysconfig
from collections import Counter
from pathlib import Path
from types import FrameType

from app.cli import main as command
from app.db.migration import ROOT

# The kernel looks at a clock of CPU when it ticks, which on many machines is every 4 ms.
_EVERY_SECONDS = 0.001
_UPKEEP = "rounds beside the requests: the seal of the audit"
# By path, the first that fits: what stands in none (most of Python's own library) is done for
# whoever called it.
_LAYERS = (
    ("app/http/connections.py", "event loop and HTTP protocol"),
    ("uvicorn/", "event loop and HTTP protocol"),
    ("uvloop/", "event loop and HTTP protocol"),
    ("asyncio/", "event loop and HTTP protocol"),
    ("app/http/headers.py", "envelope: headers, request id, log line"),
    ("app/http/logs.py", "envelope: headers, request id, log line"),
    ("logging/", "envelope: headers, request id, log line"),
    ("app/http/tokens.py", "sign-in and rate limits"),
    ("app/http/rates.py", "sign-in and rate limits"),
    ("app/http/schemas.py", "validation and serialisation (pydantic)"),
    ("fastapi/_compat/", "validation and serialisation (pydantic)"),
    ("pydantic/", "validation and serialisation (pydantic)"),
    ("fastapi/", "middleware, routing, dependencies (FastAPI, Starlette)"),
    ("starlette/", "middleware, routing, dependencies (FastAPI, Starlette)"),
    ("app/http/idempotency.py", "idempotency and audit"),
    ("app/db/audit.py", "idempotency and audit"),
    ("app/http/", "the route: body, query, retries, paging"),
    ("app/upkeep.py", _UPKEEP),
    ("app/db/chain.py", _UPKEEP),
    ("app/db/driver.py", "driver (psycopg)"),
    ("psycopg/", "driver (psycopg)"),
    ("psycopg_binary/", "driver (psycopg)"),
    ("app/db/", "session, pool and turns (SQLAlchemy)"),
    ("sqlalchemy/", "session, pool and turns (SQLAlchemy)"),
    ("app/cli/", "event loop and HTTP protocol"),
    ("app/", "domain"),
)
_FOLDERS = ("/site-packages/", f"{ROOT}/", f"{sysconfig.get_path('stdlib')}/")


class Sampler:
    """Counts in which layer the process was: that of the innermost code which belongs to one."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self._known: dict[str, str | None] = {}

    def begin(self) -> None:
        """Look from now on, each time some CPU was used."""
        signal.signal(signal.SIGPROF, lambda _number, frame: self.take(frame))
        signal.setitimer(signal.ITIMER_PROF, _EVERY_SECONDS, _EVERY_SECONDS)

    def end(self) -> None:
        """Look no more."""
        signal.setitimer(signal.ITIMER_PROF, 0)

    def take(self, frame: FrameType | None) -> None:
        """Count one look at what runs."""
        innermost: str | None = None
        while frame is not None:
            # By its file: code of two files can be equal.
            filename = frame.f_code.co_filename
            if filename not in self._known:
                self._known[filename] = layer_of(filename)
            layer = self._known[filename]
            innermost = innermost or layer
            if layer == _UPKEEP:
                # Whatever it uses: it is not done for a request.
                innermost = layer
                break
            frame = frame.f_back
        self.counts[innermost or "elsewhere"] += 1


def layer_of(filename: str) -> str | None:
    """Return the layer that a file of code belongs to, or None."""
    for folder in _FOLDERS:
        _, found, path = filename.rpartition(folder)
        if found:
            return next((layer for start, layer in _LAYERS if path.startswith(start)), None)
    return None


def _serve(file: Path) -> int:
    sampler = Sampler()
    signal.signal(signal.SIGUSR1, lambda _number, _frame: sampler.begin())
    try:
        return command(["serve"])
    finally:
        sampler.end()
        # At once, or not at all: whoever waits for it looks whether it is there.
        written = file.with_suffix(".part")
        written.write_text(json.dumps(sampler.counts))
        written.replace(file)


if __name__ == "__main__":
    sys.exit(_serve(Path(sys.argv[1])))
