"""How the service stops, and how its workers are replaced, while somebody is using it."""

import asyncio
import signal
import time
from contextlib import suppress
from pathlib import Path

import httpx
import psutil
import pytest

from app.settings import Settings
from tests.support.process import free_port, served

SIGN_IN = {"OIDC_ISSUER": "https://issuer.example", "OIDC_AUDIENCE": "leerruimte"}
REQUESTS_EACH = 60
CLIENTS = 8


@pytest.mark.apart
@pytest.mark.invariant("D8")
def test_who_balances_the_load_is_told_before_the_service_stops(settings: Settings) -> None:
    port = free_port()
    with (
        # Long enough to be asked on a machine that is busy.
        served("serve", log=None, **_settings(settings, port, DRAIN_SECONDS="6")) as process,
        httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client,
    ):
        assert "connection" not in client.get("/health/live").headers
        process.send_signal(signal.SIGTERM)
        # It answers until it stops: one that did not tell would at last not be there.
        while (ready := client.get("/health/ready")).status_code == 200:
            time.sleep(0.01)
        assert ready.status_code == 503
        assert "stopping" in ready.json()["detail"]
        alive = client.get("/health/live")
        assert (alive.status_code, alive.headers["connection"]) == (200, "close")
        assert process.wait(timeout=60) == 0


@pytest.mark.apart
@pytest.mark.invariant("D9")
def test_an_idle_connection_is_not_closed_under_the_next_request(settings: Settings) -> None:
    port = free_port()
    kept = httpx.Limits(max_connections=1, keepalive_expiry=60)
    with (
        served("serve", log=None, **_settings(settings, port)),
        httpx.Client(base_url=f"http://127.0.0.1:{port}", limits=kept, timeout=60) as client,
    ):
        before = _own_address(client.get("/health/live"))
        # What uvicorn would wait is 5 seconds, as do clients: they would meet each other.
        time.sleep(5.5)
        assert _own_address(client.get("/health/live")) == before


@pytest.mark.apart
@pytest.mark.invariant("D8")
async def test_workers_are_replaced_under_load_without_a_request_that_fails(
    settings: Settings, tmp_path: Path
) -> None:
    port = free_port()
    address = f"http://127.0.0.1:{port}/health/live"
    with (
        (tmp_path / "log").open("w") as log,
        served("serve", log=log, **_settings(settings, port, WORKERS="2")) as supervisor,
    ):
        before = _workers(supervisor.pid)
        replaced = asyncio.Event()

        async def use() -> list[int]:
            """Ask at least so often, and until all workers are new ones."""
            statuses: list[int] = []
            async with httpx.AsyncClient(timeout=60) as client:
                while len(statuses) < REQUESTS_EACH or not replaced.is_set():
                    statuses.append((await client.get(address)).status_code)
                    await asyncio.sleep(0.02)
            return statuses

        async def replace() -> None:
            """Ask for it until it is so: on a machine that is busy a new worker may come late."""
            for tenth in range(800):
                if tenth % 150 == 0:
                    supervisor.send_signal(signal.SIGHUP)
                await asyncio.sleep(0.1)
                if not before & _workers(supervisor.pid):
                    break
            replaced.set()

        async with asyncio.timeout(100):
            replacing = asyncio.create_task(replace())
            answered = await asyncio.gather(*(use() for _ in range(CLIENTS)))
            await replacing
        assert {status for statuses in answered for status in statuses} == {200}


@pytest.mark.apart
@pytest.mark.invariant("D7")
def test_workers_do_not_outlive_the_process_that_supervises_them(settings: Settings) -> None:
    port = free_port()
    with served("serve", log=None, **_settings(settings, port, WORKERS="2")) as supervisor:
        workers = [psutil.Process(pid) for pid in _workers(supervisor.pid)]
        assert len(workers) == 2
        supervisor.kill()
        supervisor.wait(60)
        _gone, alive = psutil.wait_procs(workers, timeout=60)
        for worker in alive:
            worker.kill()
        assert alive == []


def _own_address(answer: httpx.Response) -> object:
    """Return the client's end of the connection that an answer came by."""
    assert answer.status_code == 200
    return answer.extensions["network_stream"].get_extra_info("client_addr")


def _settings(settings: Settings, port: str, **others: str) -> dict[str, str]:
    return {"APP_DATABASE_URL": settings.app_url, "PORT": port, **SIGN_IN, **others}


def _workers(supervisor: int) -> set[int]:
    """Return the processes that serve under a supervisor."""
    found: set[int] = set()
    for child in psutil.Process(supervisor).children():
        with suppress(psutil.Error):
            if "spawn_main" in " ".join(child.cmdline()):
                found.add(child.pid)
    return found
