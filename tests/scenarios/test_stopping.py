"""How the service stops, and how its workers are replaced, while somebody is using it."""

import asyncio
import signal
import socket
import time
from contextlib import suppress
from http.client import HTTPResponse
from pathlib import Path
from uuid import uuid4

import httpx
import psutil
import pytest

from app.kernel.actors import Role
from app.settings import Settings
from tests.support import tokens
from tests.support.organisations import Organisation
from tests.support.process import await_end, free_port, served

SIGN_IN = {"OIDC_ISSUER": "https://issuer.example", "OIDC_AUDIENCE": "leerruimte"}
REQUESTS_EACH = 60
CLIENTS = 8


@pytest.mark.apart
@pytest.mark.invariant("D8")
def test_who_balances_the_load_is_told_before_the_service_stops(settings: Settings) -> None:
    port = free_port()
    begun = time.monotonic()
    with (
        # Long enough to be asked on a machine that is busy.
        served(
            "serve",
            log=None,
            **_settings(settings, port, DRAIN_SECONDS="6", GRACEFUL_SHUTDOWN_SECONDS="10"),
        ) as process,
        httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client,
    ):
        starting = time.monotonic() - begun
        assert "connection" not in client.get("/health/live").headers
        told = time.monotonic()
        process.send_signal(signal.SIGTERM)
        # It answers until it stops: one that did not tell would at last not be there.
        while (ready := client.get("/health/ready")).status_code == 200:
            time.sleep(0.01)
        assert ready.status_code == 503
        assert "stopping" in ready.json()["detail"]
        alive = client.get("/health/live")
        assert (alive.status_code, alive.headers["connection"]) == (200, "close")
        status, seconds = await_end(process, told)
        assert status == 0
        # To end takes far less work than to start: what that took is more than it may need on top.
        assert seconds < 10 + starting


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
@pytest.mark.invariant("D8", "D9")
def test_who_has_just_connected_is_answered_at_a_stop(settings: Settings) -> None:
    port = free_port()
    told = time.monotonic()
    with (
        served("serve", log=None, **_settings(settings, port, DRAIN_SECONDS="0")) as process,
        socket.create_connection(("127.0.0.1", int(port)), timeout=60) as connection,
    ):
        starting = time.monotonic() - told
        told = time.monotonic()
        process.send_signal(signal.SIGTERM)
        while _listens(port):
            time.sleep(0.005)
        connection.sendall(b"GET /health/live HTTP/1.1\r\nHost: here\r\n\r\n")
        answer = HTTPResponse(connection)
        answer.begin()
        assert (answer.status, answer.headers["connection"]) == (200, "close")
        status, seconds = await_end(process, told)
        assert status == 0
        assert seconds < 10 + starting


@pytest.mark.apart
@pytest.mark.invariant("D8")
async def test_workers_are_replaced_under_load_without_a_request_that_fails(
    settings: Settings, organisation: Organisation, tmp_path: Path
) -> None:
    port = free_port()
    with (
        tokens.published() as issuer,
        (tmp_path / "log").open("w") as log,
        served(
            "serve",
            log=log,
            # As long a worker says that it goes, also where a client's turn comes late.
            **_settings(
                settings,
                port,
                WORKERS="2",
                DRAIN_SECONDS="3",
                RATE_LIMITS="false",
                OIDC_ISSUER=issuer,
            ),
        ) as supervisor,
    ):
        before = _workers(supervisor.pid)
        replaced = asyncio.Event()
        bearer = tokens.token(
            organisation=organisation.slug, roles=[Role.HR], claims={"iss": issuer}
        )

        def client() -> httpx.AsyncClient:
            return httpx.AsyncClient(
                base_url=f"http://127.0.0.1:{port}/v1",
                headers={"Authorization": f"Bearer {bearer}"},
                timeout=60,
            )

        async def use() -> list[str]:
            """Write and read at least so often, and until all workers are new ones."""
            added: list[str] = []
            async with client() as ours:
                while 2 * len(added) < REQUESTS_EACH or not replaced.is_set():
                    key = str(uuid4())
                    team = {"department": "Toezicht", "name": f"Team {key}"}
                    wrote = await ours.post("/teams", headers={"Idempotency-Key": key}, json=team)
                    assert wrote.status_code == 201, wrote.text
                    added.append(wrote.json()["id"])
                    read = await ours.get("/teams", params={"limit": 1})
                    assert read.status_code == 200, read.text
                    # New workers start beside it: with all of a small machine taken they never do.
                    await asyncio.sleep(0.3)
            return added

        async def replace() -> None:
            """Ask for it until it is so: on a machine that is busy a new worker may come late."""
            for tenth in range(1200):
                if tenth % 400 == 0:
                    supervisor.send_signal(signal.SIGHUP)
                await asyncio.sleep(0.1)
                if not before & _workers(supervisor.pid):
                    break
            replaced.set()

        async with asyncio.timeout(150):
            replacing = asyncio.create_task(replace())
            added = await asyncio.gather(*(use() for _ in range(CLIENTS)))
            await replacing
        assert not before & _workers(supervisor.pid)
        async with client() as ours:
            assert await _listed(ours) >= {team for teams in added for team in teams}


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


async def _listed(client: httpx.AsyncClient) -> set[str]:
    """Return the ids of all teams."""
    found: set[str] = set()
    cursor: str | None = None
    while True:
        asked = {"limit": "100"} | ({"cursor": cursor} if cursor else {})
        page = (await client.get("/teams", params=asked)).raise_for_status().json()
        found.update(team["id"] for team in page["items"])
        cursor = page["nextCursor"]
        if cursor is None:
            return found


def _listens(port: str) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", int(port)), timeout=60):
        return True
    return False


def _own_address(answer: httpx.Response) -> object:
    """Return the client's end of the connection that an answer came by."""
    assert answer.status_code == 200
    return answer.extensions["network_stream"].get_extra_info("client_addr")


def _settings(settings: Settings, port: str, **others: str) -> dict[str, str]:
    return {
        "APP_DATABASE_URL": settings.app_url,
        "PORT": port,
        "UPKEEP": "false",
        **SIGN_IN,
        **others,
    }


def _workers(supervisor: int) -> set[int]:
    """Return the processes that serve under a supervisor."""
    found: set[int] = set()
    for child in psutil.Process(supervisor).children():
        with suppress(psutil.Error):
            if "spawn_main" in " ".join(child.cmdline()):
                found.add(child.pid)
    return found
