"""How fast this machine is, by what the budgets' machine was asked too: routes looked through.

FastAPI looks at its routes in order. What 300 of them before the one that is hit cost a request is
a figure of the measurements that the budgets come from, and a second tells it again. Run as a
program it is the application that this is measured on.
"""

import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from statistics import median

import psutil
import uvicorn
from fastapi import FastAPI

from app.db.migration import ROOT
from benchmarks.load import Plan, send
from benchmarks.machine import cpu_of
from benchmarks.operations import Call
from benchmarks.service import await_ready, free_port

ROUTES = 300
# CPU of one request, in milliseconds, that those routes took when the budgets were made.
THERE_MS = 0.6

_HOST = "127.0.0.1"
_CLIENTS = 16
_ROUNDS = 3


def look_through_routes() -> float:
    """Return the CPU that 300 routes before the one hit take now, in milliseconds a request."""
    with _served(0) as without, _served(ROUTES) as behind:
        return median(_cost(behind) - _cost(without) for _ in range(_ROUNDS))


@contextmanager
def _served(routes: int) -> Generator[tuple[int, psutil.Process]]:
    """Serve the application with so many routes before the one hit; yield its port and process."""
    port = free_port()
    command = [sys.executable, "-m", "benchmarks.calibration", str(port), str(routes)]
    with subprocess.Popen(command, cwd=ROOT) as process:  # noqa: S603 - our own module
        try:
            await_ready(f"http://{_HOST}:{port}/hit", process)
            yield port, psutil.Process(process.pid)
        finally:
            process.terminate()


def _cost(served: tuple[int, psutil.Process]) -> float:
    port, process = served
    used = cpu_of(process)
    before = used()
    seen = send(
        Plan(
            host=_HOST,
            port=port,
            clients=_CLIENTS,
            seconds=0.5,
            again=True,
            pause_seconds=0,
            requests=[Call("GET", "/hit", {}).on_the_wire(f"{_HOST}:{port}")],
        )
    )
    return (used() - before) / seen.answered * 1000


def _application(routes: int) -> FastAPI:
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)

    async def answer() -> dict[str, str]:
        return {}

    for number in range(routes):
        app.add_api_route(f"/things{number}/{{thingId}}/parts", answer)
    app.add_api_route("/hit", answer)
    return app


if __name__ == "__main__":
    uvicorn.run(
        _application(int(sys.argv[2])),
        host=_HOST,
        port=int(sys.argv[1]),
        loop="uvloop",
        http="httptools",
        log_level="critical",
    )
