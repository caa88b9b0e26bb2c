"""The commands of ``leerruimte``.

Each answers 0 when it did its work, 1 when it found or met something wrong, 2 when it was asked
wrongly, and 130 when it was interrupted.
"""

import argparse
import asyncio
import gc
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any
from uuid import UUID

from pydantic import SecretStr, ValidationError

from app.kernel.actors import Actor, Role
from app.kernel.errors import Refusal
from app.kernel.identifiers import new_id
from app.kernel.wording import Language, say
from app.settings import SettingMissing, Settings

if TYPE_CHECKING:
    from fastapi import FastAPI

    from app.db.embedded import EmbeddedServer
    from app.db.session import Database
    from app.db.work import Work
    from app.integrations.hris.service import ImportOutcome as EmployeesTaken
    from app.integrations.request_imports.service import ImportOutcome as RequestsTaken

# Whom a file of HR's comes from.
_IMPORTERS = frozenset({Role.HR, Role.HRIS})
_INTERRUPTED = 128 + signal.SIGINT


def main(arguments: Sequence[str] | None = None) -> int:
    """Carry out one command and return its exit status."""
    asked = _parser().parse_args(arguments)
    # make, Docker and a closed terminal end a program by these: leave as by Ctrl-C, step by step.
    signal.signal(signal.SIGTERM, _interrupt)
    signal.signal(signal.SIGHUP, _hang_up)
    try:
        return asked.carry_out(_settings(asked), asked)
    except KeyboardInterrupt:
        _say("Interrupted; what was done is kept.")
        return _INTERRUPTED
    except ValidationError as error:
        for problem in error.errors():
            name = "_".join(str(part) for part in problem["loc"]).upper() or "Settings"
            _say(f"{name}: {problem['msg'].removeprefix('Value error, ')}")
        return 2
    except SettingMissing as error:
        _say(str(error))
        return 2
    except _NotPossible as error:
        _say(str(error))
        return 1


def application() -> "FastAPI":
    """Return the service as the environment sets it: what each of several workers serves."""
    return _service(Settings())


def _service(settings: Settings) -> "FastAPI":
    """Return the service, to be served by this process for as long as it lives."""
    from app.main import create_app

    app = create_app(settings)
    # What is there now stays: the garbage collector need not look through it again, which held
    # up every request for a tenth of a second each time.
    gc.collect()
    gc.freeze()
    return app


class _NotPossible(Exception):
    """What was asked can not be done here and now; says why, and what to do."""


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _hang_up(_number: int, _frame: FrameType | None) -> None:
    # While the service runs, SIGTERM is uvicorn's, and means: finish what was accepted.
    signal.raise_signal(signal.SIGTERM)


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="leerruimte",
        description="The back end of a learning and development system. Settings come from the "
        "environment: DATABASE_URL, APP_DATABASE_URL, DATA_DIR, HOST, PORT, WORKERS, OIDC_ISSUER, "
        "OIDC_AUDIENCE and the others that the README lists.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, carry_out: Callable[..., int], text: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=text, description=text)
        added.set_defaults(carry_out=carry_out)
        return added

    command("run", _run, "Everything at once: database, schema, demo organisation, service.")
    command("serve", _serve, "Serve the API; the schema must be up to date.")
    command("migrate", _migrate, "Bring the schema of DATABASE_URL up to date.")
    command("demo", _demo, "Load the demo organisation, unless it is there.")
    verify = command("verify", _verify, "Recompute the ledger and the audit chain.")
    verify.add_argument("organisation", nargs="*", help="a slug or an id; without one, all of them")
    taken = command("import", _import, "Take over a file of HR's: people, or training requests.")
    taken.add_argument("kind", choices=("employees", "requests"))
    taken.add_argument("file", type=Path, help="CSV as HR has it; faults are named by line")
    taken.add_argument("--organisation", required=True, help="a slug or an id")
    taken.add_argument("--dry-run", action="store_true", help="only tell what would happen")
    taken.add_argument("--partial", action="store_true", help="take the good rows, not the others")
    taken.add_argument("--language", choices=("nl", "en"), default="nl", help="of what is told")
    command("openapi", _openapi, "Print the contract: the OpenAPI document of /v1.")
    postgres = command(
        "postgres", _postgres, "Run a command beside the embedded server: its URLs, its programs."
    )
    postgres.add_argument("argument", nargs=argparse.REMAINDER, help="the command, after --")
    return parser


def _settings(asked: argparse.Namespace) -> Settings:
    """Return the settings; ``run`` and ``demo`` are in demo mode unless ``DEMO`` says otherwise."""
    if asked.carry_out in (_run, _demo) and "DEMO" not in os.environ:
        return Settings(demo=True)
    return Settings()


def _with_database(settings: Settings, held: ExitStack) -> Settings:
    """Return settings with a database: the one that is set, or the embedded server while held."""
    if settings.database_url is not None or settings.app_database_url is not None:
        return settings
    return settings.model_copy(
        update={"database_url": SecretStr(_embedded(settings, held).owner_url)}
    )


def _embedded(settings: Settings, held: ExitStack) -> "EmbeddedServer":
    from app.db.embedded import EmbeddedServerError, embedded_server

    server = embedded_server(settings.data_dir, bin_dir=settings.pg_bin_dir, progress=_say)
    try:
        return held.enter_context(server)
    except EmbeddedServerError as error:
        raise _NotPossible(str(error)) from error


def _run(settings: Settings, _asked: argparse.Namespace) -> int:
    _check_port(settings)
    with ExitStack() as held:
        settings = _with_database(settings, held)
        _bring_up_to_date(settings)
        if settings.demo:
            _load_demo(settings)
        return _serve_until_stopped(settings)


def _serve(settings: Settings, _asked: argparse.Namespace) -> int:
    _check_port(settings)
    return _serve_until_stopped(settings)


def _migrate(settings: Settings, _asked: argparse.Namespace) -> int:
    with ExitStack() as held:
        _bring_up_to_date(_with_database(settings, held))
    return 0


def _demo(settings: Settings, _asked: argparse.Namespace) -> int:
    with ExitStack() as held:
        settings = _with_database(settings, held)
        _bring_up_to_date(settings)
        _load_demo(settings)
    return 0


def _verify(settings: Settings, asked: argparse.Namespace) -> int:
    with ExitStack() as held:
        return asyncio.run(_verify_all(_with_database(settings, held), asked.organisation))


async def _verify_all(settings: Settings, references: Sequence[str]) -> int:
    """Recompute what can be recomputed, organisation by organisation; 1 when anything differs."""
    from app.db.session import Database

    database = Database(settings)
    try:
        organisations = await _organisations(database, references)
        found = sum([await _verify_one(database, organisation) for organisation in organisations])
    finally:
        await database.close()
    _say("All is as it was recorded." if not found else f"{found} things differ.")
    return 1 if found else 0


async def _organisations(database: "Database", references: Sequence[str]) -> list[UUID]:
    if not references:
        return await database.tenants()
    found: list[UUID] = []
    for reference in references:
        organisation_id = await database.find_tenant(reference)
        if organisation_id is None:
            message = f"There is no organisation {reference}."
            raise _NotPossible(message)
        found.append(organisation_id)
    return found


async def _verify_one(database: "Database", organisation_id: UUID) -> int:
    """Say what differs in one organisation, and return how many things do."""
    from app.db.chain import verify
    from app.ledger.service import LedgerService

    _say(f"Organisation {organisation_id} ...")
    trail = await verify(database, organisation_id)
    _say(f"  its audit chain holds {trail.head.position} entries, and {trail.unsealed} wait for it")
    for finding in trail.findings:
        _say(f"  audit: {finding.kind} at {finding.position}, entry {finding.entry_id}")
    actor = Actor(organisation_id, subject="leerruimte verify", roles=frozenset())
    async with database.work(actor, datetime.now(UTC), str(new_id())) as work:
        differences = await LedgerService(work).verify()
    for difference in differences:
        _say(
            f"  ledger: {difference.counter} of account {difference.account_id} is "
            f"{difference.stored} and should be {difference.computed}"
        )
    return len(trail.findings) + len(differences)


def _import(settings: Settings, asked: argparse.Namespace) -> int:
    try:
        content = asked.file.read_bytes()
    except OSError as error:
        message = f"{asked.file}: {error.strerror}"
        raise _NotPossible(message) from error
    with ExitStack() as held:
        return asyncio.run(_import_file(_with_database(settings, held), asked, content))


async def _import_file(settings: Settings, asked: argparse.Namespace, content: bytes) -> int:
    """Take the file over in one transaction, or tell each fault and change nothing."""
    from app.db.session import Database

    database = Database(settings)
    try:
        [organisation_id] = await _organisations(database, [asked.organisation])
        actor = Actor(organisation_id, subject="leerruimte import", roles=_IMPORTERS)
        _say(f"Reading {asked.file} ...")
        async with database.work(actor, datetime.now(UTC), str(new_id())) as work:
            outcome = await _take(work, asked, content, dry_run=True)
            for error in outcome.errors:
                _say(f"  line {error.line}, {error.column}: {error.message}")
            if outcome.errors and not asked.partial:
                _say(f"{outcome.refused_count} of {outcome.row_count} rows have a fault.")
                return 1
            if not asked.dry_run:
                outcome = await _take(work, asked, content, dry_run=False)
    except Refusal as refusal:
        message = say(refusal.detail, refusal.facts, Language(asked.language))
        raise _NotPossible(message) from refusal
    finally:
        await database.close()
    counts = ", ".join(
        f"{name.removesuffix('_count')} {count}"
        for name, count in asdict(outcome).items()
        if name.endswith("_count")
    )
    _say(f"{'It would be' if asked.dry_run else 'Done'}: {counts}.")
    return 0


async def _take(
    work: "Work", asked: argparse.Namespace, content: bytes, *, dry_run: bool
) -> "EmployeesTaken | RequestsTaken":
    from app.integrations.hris import service as employees
    from app.integrations.hris.rules import ImportMode
    from app.integrations.request_imports import service as requests

    mode = ImportMode.PARTIAL if asked.partial else ImportMode.ALL_OR_NOTHING
    language = Language(asked.language)
    if asked.kind == "employees":
        return await employees.import_employees(
            work, content, employees.ImportOptions(mode=mode, dry_run=dry_run, language=language)
        )
    return await requests.import_requests(
        work, content, requests.ImportOptions(mode=mode, dry_run=dry_run, language=language)
    )


def _openapi(settings: Settings, _asked: argparse.Namespace) -> int:
    from app.main import create_app, document

    json.dump(document(create_app(settings)), sys.stdout, ensure_ascii=False, indent=2)
    sys.stdout.write("\n")
    return 0


def _postgres(settings: Settings, asked: argparse.Namespace) -> int:
    """Run a command beside the embedded server: a backup needs more than the app role."""
    given = asked.argument[1:] if asked.argument[:1] == ["--"] else asked.argument
    if not given:
        _say("Say which command to run: leerruimte postgres -- COMMAND")
        return 2
    with ExitStack() as held:
        server = _embedded(settings, held)
        environment = {
            **os.environ,
            "PATH": f"{server.bin_dir}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
            "DATABASE_URL": server.owner_url,
            "SUPERUSER_URL": server.superuser_url,
        }
        return subprocess.run(given, env=environment, check=False).returncode  # noqa: S603


def _bring_up_to_date(settings: Settings) -> None:
    import psycopg

    from app.db.migration import migrate
    from app.db.roles import RoleNotUsable

    _say("Bringing the schema up to date ...")
    try:
        migrate(settings.owner_url, settings.app_url)
    except (RoleNotUsable, psycopg.OperationalError) as error:
        message = f"The schema can not be brought up to date: {str(error).strip()}"
        raise _NotPossible(message) from error


def _load_demo(settings: Settings) -> None:
    from app.demo.load import load_demo

    load_demo(settings, _say)


def _check_port(settings: Settings) -> None:
    """Refuse a port that is taken, before anything else is started."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            message = f"{settings.host}:{settings.port} can not be served on ({error.strerror}): "
            raise _NotPossible(message + "choose another PORT or HOST") from error


def _serve_until_stopped(settings: Settings) -> int:
    """Serve until told to stop, then let requests that were accepted end, within their time."""
    if settings.oidc_issuer is None and not settings.demo:
        message = "Nobody could sign in: set OIDC_ISSUER and OIDC_AUDIENCE, or DEMO=true to try."
        raise SettingMissing(message)
    import uvicorn

    # The service works as the app role; the owner's password stays here.
    settings = settings.model_copy(
        update={"app_database_url": SecretStr(settings.app_url), "database_url": None}
    )

    class Announced(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            if self.started:
                _say(_announcement(settings))

    options: dict[str, Any] = {
        "host": settings.host,
        "port": settings.port,
        "loop": "uvloop",
        "http": "httptools",
        "ws": "none",
        "log_config": None,
        "access_log": False,
        "server_header": False,
        "timeout_graceful_shutdown": settings.graceful_shutdown_seconds,
    }
    try:
        if settings.workers > 1:
            _export(settings)
            _say(_announcement(settings))
            uvicorn.run("app.cli:application", factory=True, workers=settings.workers, **options)
        else:
            Announced(uvicorn.Config(_service(settings), **options)).run()
    except KeyboardInterrupt:
        # How uvicorn passes on the signal that ended it, after the last request.
        _say("Stopped.")
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
