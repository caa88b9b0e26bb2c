"""The service's own commands: ``run``, ``serve``, ``worker``, and the contract it prints."""

import argparse
import asyncio
import gc
import json
import math
import multiprocessing
import os
import signal
import socket
import sys
import threading
from contextlib import ExitStack, suppress
from functools import partial
from multiprocessing.process import BaseProcess
from pathlib import Path
from time import time
from typing import TYPE_CHECKING, Any

from pydantic import SecretStr

from app.cli.keeping import bring_up_to_date, load_demo
from app.cli.terms import NotPossible, find_embedded, tell, with_own_server
from app.settings import SettingMissing, Settings

if TYPE_CHECKING:
    from fastapi import FastAPI

# A worker seals every two seconds: one that has not for so long does not work.
_HEARTBEAT_SECONDS = 60.0
_WORKER_SECONDS = 10
# Longer than clients and balancers keep a connection that is idle: it is theirs to close, for a
# request that meets a closing one is lost on the way.
_IDLE_SECONDS = 75


def run(settings: Settings, _asked: argparse.Namespace) -> int:
    """Do all there is to do: database, schema, demo organisation, service."""
    _check_port(settings)
    with ExitStack() as held:
        settings = with_own_server(settings, held)
        bring_up_to_date(settings)
        if settings.demo:
            load_demo(settings)
        return _serve_until_stopped(settings)


def serve(settings: Settings, _asked: argparse.Namespace) -> int:
    """Serve on a schema that is up to date."""
    _check_port(settings)
    return _serve_until_stopped(settings)


def worker(settings: Settings, asked: argparse.Namespace) -> int:
    """Do the work that goes on beside the requests, apart from whoever serves.

    With ``--check`` only tell whether the worker on this DATA_DIR did so within the last minute.
    """
    heartbeat = settings.data_dir / "worker.heartbeat"
    if asked.check:
        return _check_heartbeat(heartbeat)
    if settings.database_url is None and settings.app_database_url is None:
        server = find_embedded(settings)
        if server is None:
            message = (
                "There is no database: give DATABASE_URL or APP_DATABASE_URL, or the DATA_DIR of "
                "an embedded server that runs."
            )
            raise NotPossible(message)
        settings = settings.model_copy(update={"database_url": SecretStr(server.owner_url)})
    settings = _as_app_role(settings)
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    with suppress(asyncio.CancelledError):
        asyncio.run(_work(settings, heartbeat))
    heartbeat.unlink(missing_ok=True)
    tell("Stopped.")
    return 0


def openapi(settings: Settings, _asked: argparse.Namespace) -> int:
    """Print the contract of what would be served."""
    from app.main import create_app, document

    printed = json.dumps(document(create_app(settings)), ensure_ascii=False, indent=2)
    try:
        sys.stdout.write(f"{printed}\n")
        sys.stdout.flush()
    except BrokenPipeError:
        # Who reads has seen enough; what is left would be written, and fail again, at the exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def application() -> "FastAPI":
    """Return the service as the environment sets it: what each of several processes serves."""
    supervisor = multiprocessing.parent_process()
    if supervisor is not None:
        threading.Thread(target=_stop_after, args=[supervisor], daemon=True).start()
    return _service(Settings())


def _stop_after(supervisor: BaseProcess) -> None:
    """Stop this process when the one that supervises it is gone, however that came about.

    It would hold the port and serve on, and nobody would replace or ever stop it.
    """
    supervisor.join()
    os.kill(os.getpid(), signal.SIGTERM)


def _service(settings: Settings) -> "FastAPI":
    """Return the service, to be served by this process for as long as it lives."""
    from app.main import create_app

    app = create_app(settings)
    # What is there now stays: the garbage collector need not look through it again, which held
    # up every request for a tenth of a second each time.
    gc.collect()
    gc.freeze()
    return app


def _as_app_role(settings: Settings) -> Settings:
    """Return settings to work with as the app role: the owner's password stays here."""
    return settings.model_copy(
        update={"app_database_url": SecretStr(settings.app_url), "database_url": None}
    )


async def _work(settings: Settings, heartbeat: Path) -> None:
    """Go the rounds until SIGTERM or Ctrl-C; what is under way then rolls back, or is done."""
    from app.db.session import Database
    from app.http.logs import configure_logging
    from app.upkeep import keep_up

    configure_logging(settings.log_level)
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    if task is not None:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, task.cancel)
    database = Database(settings)
    tell("Leerruimte works beside the service. Ctrl-C stops.")
    try:
        await keep_up(database, after_each=heartbeat.touch)
    finally:
        await database.close()


def _check_heartbeat(heartbeat: Path) -> int:
    try:
        age = time() - heartbeat.stat().st_mtime
    except FileNotFoundError:
        tell("No worker has done its work here.")
        return 1
    tell(f"The worker last did its work {age:.0f} s ago.")
    return 0 if age < _HEARTBEAT_SECONDS else 1


def _check_port(settings: Settings) -> None:
    """Refuse a port that is taken, before anything else is started."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            message = f"{settings.host}:{settings.port} can not be served on ({error.strerror}): "
            raise NotPossible(message + "choose another PORT or HOST") from error


def _serve_until_stopped(settings: Settings) -> int:
    """Serve until told to stop, then let requests that were accepted end, within their time."""
    if settings.oidc_issuer is None and not settings.demo:
        message = "Nobody could sign in: set OIDC_ISSUER and OIDC_AUDIENCE, or DEMO=true to try."
        raise SettingMissing(message)
    import uvicorn

    from app.http.connections import BoundedProtocol

    settings = _as_app_role(settings)

    class Announced(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            if self.started:
                tell(_announcement(settings))

    options: dict[str, Any] = {
        "host": settings.host,
        "port": settings.port,
        "loop": "uvloop",
        "http": partial(BoundedProtocol, seconds=settings.arrival_seconds + 5),
        "ws": "none",
        "log_config": None,
        "access_log": False,
        "server_header": False,
        "proxy_headers": bool(settings.trusted_proxies),
        "forwarded_allow_ips": settings.trusted_proxies,
        "timeout_keep_alive": _IDLE_SECONDS,
        # A worker that does not answer its supervisor for so long is replaced, and a new one has as
        # long to start.
        "timeout_worker_healthcheck": _WORKER_SECONDS,
        "timeout_graceful_shutdown": max(
            settings.graceful_shutdown_seconds - math.ceil(settings.drain_seconds), 1
        ),
    }
    try:
        if settings.workers > 1:
            _export(settings)
            tell(_announcement(settings))
            uvicorn.run(
                "app.cli.serving:application", factory=True, workers=settings.workers, **options
            )
        else:
            Announced(uvicorn.Config(_service(settings), **options)).run()
    except KeyboardInterrupt:
        # How uvicorn passes on the signal that ended it, after the last request.
        tell("Stopped.")
    return 0


def _export(settings: Settings) -> None:
    """Put into the environment what each worker's own process reads its settings from."""
    os.environ.pop("DATABASE_URL", None)
    os.environ["APP_DATABASE_URL"] = settings.app_url
    os.environ["DEMO"] = str(settings.demo)


def _announcement(settings: Settings) -> str:
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    address = f"http://{host}:{settings.port}"
    lines = [f"Leerruimte serves on {address}", f"  Docs page  {address}/docs"]
    if settings.demo:
        from app.demo.personas import PERSONAS

        names = ", ".join(PERSONAS)
        lines += [
            "  DEMO MODE: anybody who reaches this address can sign in. Never with real data.",
            f"  Personas   {names}",
            "  Sign in    on the docs page by Authorize (a persona's name, any password), or by",
            f"             curl -s {address}/demo/token -d username=hr -d password=demo",
        ]
    return "\n".join([*lines, "  Ctrl-C stops."])
