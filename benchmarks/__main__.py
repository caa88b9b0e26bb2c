"""One run: a database of its own, filled; the real service on it; the load; the page of figures."""

import argparse
import asyncio
import json
import os
import secrets
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import psutil
import psycopg
from psycopg import sql

from app.db.embedded import embedded_server, wheel_programs
from app.db.migration import ROOT, migrate
from app.db.session import Database
from app.demo.clock import DemoClock
from app.http.demo_issuer import PATH as DEMO_PATH
from app.http.demo_issuer import SigningIssuer
from app.settings import Settings
from benchmarks.bare import Bare, Varying, find_pgbench, replay, run_pgbench, script
from benchmarks.capture import Capture, Statement, capturing
from benchmarks.fill import NOW, Filled, Sizes, fill
from benchmarks.ids import digits
from benchmarks.load import Plan, Seen
from benchmarks.machine import cpu_of, describe, server_process
from benchmarks.operations import Call, Operation, Tokens, decide, operations
from benchmarks.report import Decided, Figure, write

_CLIENTS = (1, 16, 64)
# Shares of what a changing operation can be done to: each number of clients, by the service and
# bare, and one to warm up with.
_SHARES = 2 * len(_CLIENTS) + 1
_FULL = Sizes(
    requests=100_000, drafts=35_001, granted=35_001, proposals=6, items=200, employees=1000
)
_QUICK = Sizes(requests=1000, drafts=449, granted=449, proposals=2, items=20, employees=50)
_RESULTS = Path(__file__).parent / "RESULTS.md"


@dataclass(frozen=True, slots=True)
class _Meter:
    """The CPU seconds of the service and of PostgreSQL, which may be on another machine."""

    service: psutil.Process
    postgres: psutil.Process | None

    def read(self) -> tuple[float, float | None]:
        return cpu_of(self.service)(), self.postgres and cpu_of(self.postgres)()


@dataclass(frozen=True, slots=True)
class _Bench:
    """The service under load, and what is beside it."""

    settings: Settings
    meter: _Meter
    pgbench: Path | None
    seconds: float


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and write the page; 0 when all went as it should."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a smoke run: little data, 2 s each")
    parser.add_argument("--seconds", type=float, help="of each measurement; 10, or 2 when quick")
    parser.add_argument("--output", type=Path, default=_RESULTS, help="the page to write")
    parser.add_argument(
        "--only", metavar="WORD", help="only operations with this word in their name"
    )
    asked = parser.parse_args(arguments)
    sizes = _QUICK if asked.quick else _FULL
    seconds = asked.seconds or (2.0 if asked.quick else 10.0)
    with (
        TemporaryDirectory(prefix="leerruimte-bench-") as folder,
        _database(Path(folder)) as (owner_url, bin_dir),
    ):
        settings = Settings.model_validate(
            {
                "database_url": owner_url,
                "data_dir": Path(folder),
                "port": _free_port(),
                "demo": True,
                "workers": 1,
            }
        )
        _say("Bringing the schema up to date ...")
        migrate(settings.owner_url, settings.app_url)
        DemoClock(Path(folder) / "demo-clock.json").set(NOW)
        filled = asyncio.run(_fill(settings, sizes))
        with _served(settings, Path(folder)) as process:
            bench = _Bench(
                settings=settings,
                meter=_Meter(process, server_process(owner_url)),
                pgbench=find_pgbench(bin_dir),
                seconds=seconds,
            )
            figures, decided = asyncio.run(_measure(bench, filled, asked.only))
        notes = [] if bench.pgbench else ["There is no pgbench here, so no bare figures."]
        asked.output.write_text(write(describe(owner_url), figures, decided, notes=notes))
    _say(f"Written to {asked.output}")
    return 0


async def _fill(settings: Settings, sizes: Sizes) -> Filled:
    database = Database(settings)
    try:
        return await fill(database, settings.owner_url, sizes, _say)
    finally:
        await database.close()


async def _measure(bench: _Bench, filled: Filled, only: str | None) -> tuple[list[Figure], Decided]:
    settings = bench.settings
    issuer = SigningIssuer.kept_in(
        settings.data_dir, f"http://{settings.host}:{settings.port}{DEMO_PATH}"
    )
    tokens = Tokens(issuer)
    figures: list[Figure] = []
    async with capturing(settings) as capture:
        for operation in operations(filled.sizes, tokens, settings.cursor_secret):
            if only is None or only in operation.name:
                _say(f"{operation.name} ...")
                # What the first requests set up (connections, the tranche) is not measured.
                _load(bench, operation, share=_SHARES - 1, clients=8, seconds=1.0)
                caught = await _caught(capture, operation.call(operation.last))
                figures += _figures(bench, operation, caught, _constant(settings, filled))
        return figures, await _decisions(bench, filled, tokens, capture)


async def _caught(capture: Capture, call: Call) -> list[Statement]:
    headers = {**call.headers, **({"Content-Type": "application/json"} if call.body else {})}
    return await capture.statements(call.method, call.path, headers=headers, body=call.body)


def _figures(
    bench: _Bench, operation: Operation, caught: Sequence[Statement], constant: frozenset[UUID]
) -> Iterator[Figure]:
    for position, clients in enumerate(_CLIENTS):
        before = bench.meter.read()
        seen = _load(bench, operation, 2 * position, clients, bench.seconds)
        after = bench.meter.read()
        between = bench.meter.read()
        bare = _bare(bench, operation, caught, constant, share=2 * position + 1, clients=clients)
        # Its connections must have ended: what one used is counted when PostgreSQL buries it.
        time.sleep(0.5)
        finally_ = bench.meter.read()
        figure = Figure(
            operation=operation.name,
            clients=clients,
            # With the COMMIT, which is not caught.
            statements=len(caught) + 1,
            busy=seen.busy,
            per_second=seen.answered / seen.seconds,
            p50_ms=seen.p50_ms,
            p99_ms=seen.p99_ms,
            service_ms=(after[0] - before[0]) / seen.answered * 1000,
            postgres_ms=_each(before[1], after[1], seen.answered),
            load_ms=seen.cpu_seconds / seen.answered * 1000,
            budget_ms=operation.budget_ms,
            bare=bare,
            bare_postgres_ms=bare and _each(between[1], finally_[1], bare.transactions),
        )
        _say(
            f"  {clients:2} clients: {figure.per_second:,.0f}/s, p50 {figure.p50_ms:.1f} ms, p99 "
            f"{figure.p99_ms:.1f} ms; CPU {figure.service_ms:.2f} + {figure.postgres_ms or 0:.2f}"
            f" ms; bare {bare.transactions / bare.seconds if bare else 0:,.0f}/s"
        )
        yield figure


def _each(before: float | None, after: float | None, count: int) -> float | None:
    return None if before is None or after is None else (after - before) / count * 1000


def _load(bench: _Bench, operation: Operation, share: int, clients: int, seconds: float) -> Seen:
    numbers = operation.numbers(share, _SHARES)
    calls = [operation.call(number) for number in numbers]
    return _send(bench, calls, clients=clients, seconds=seconds, again=not operation.changes)


def _send(
    bench: _Bench, calls: Sequence[Call], *, clients: int, seconds: float, again: bool
) -> Seen:
    """Let the load's own process send these requests.

    Raises:
        ValueError: one was refused.
    """
    host, port = bench.settings.host, bench.settings.port
    plan = Plan(
        host=host,
        port=port,
        clients=clients,
        seconds=seconds,
        again=again,
        requests=[call.on_the_wire(f"{host}:{port}") for call in calls],
    )
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.load"],
        input=json.dumps(asdict(plan)),
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    seen = Seen(**json.loads(done.stdout))
    if seen.first_refusal is not None or not seen.answered:
        message = f"{calls[0].method} {calls[0].path}: {seen.statuses} {seen.first_refusal}"
        raise ValueError(message)
    return seen


def _bare(
    bench: _Bench,
    operation: Operation,
    caught: Sequence[Statement],
    constant: frozenset[UUID],
    *,
    share: int,
    clients: int,
) -> Bare | None:
    if bench.pgbench is None:
        return None
    numbers = operation.numbers(share, _SHARES)
    if operation.changes:
        each = len(numbers) // clients
        choose = f"\\set n {digits(numbers[0])} + :client_id * {each} + :i"
        limit = ["-t", str(each)]
    else:
        choose = f"\\set n random({digits(operation.first)}, {digits(operation.last)})"
        limit = ["-T", str(max(1, round(bench.seconds)))]
    varying = Varying(
        texts={digits(operation.last): "n", **operation.also(operation.last)},
        before=[choose, *operation.variables],
        constant=constant,
    )
    content = script(caught, varying, run=_SHARES * operation.number + share)
    return run_pgbench(bench.pgbench, bench.settings.app_url, content, clients=clients, limit=limit)


async def _decisions(bench: _Bench, filled: Filled, tokens: Tokens, capture: Capture) -> Decided:
    call = decide(filled, tokens)
    _say(f"decide on a proposal of {filled.sizes.items} items ...")
    bare_proposal, *proposals = filled.proposal_ids
    caught = await _caught(capture, call(bare_proposal))
    began = time.perf_counter()
    replay(bench.settings.app_url, caught)
    bare_seconds = time.perf_counter() - began
    before = bench.meter.read()
    seconds = [
        _send(bench, [call(proposal)], clients=1, seconds=60, again=False).longest_ms / 1000
        for proposal in proposals
    ]
    after = bench.meter.read()
    _say(f"  {', '.join(f'{each:.2f}' for each in seconds)} s; bare {bare_seconds:.2f} s")
    return Decided(
        items=filled.sizes.items,
        seconds=seconds,
        service_ms=(after[0] - before[0]) / len(seconds) * 1000,
        postgres_ms=_each(before[1], after[1], len(seconds)),
        bare_seconds=bare_seconds,
        bare_statements=len(caught),
    )


def _constant(settings: Settings, filled: Filled) -> frozenset[UUID]:
    """Return the identifiers that are there: the organisation, its policy and its tranches."""
    with psycopg.connect(settings.app_url) as connection:
        tenant = sql.SQL("SET LOCAL app.organisation_id = {}")
        connection.execute(tenant.format(sql.Literal(str(filled.organisation_id))))
        rows = connection.execute(
            "SELECT id FROM policy_versions UNION SELECT id FROM tranches"
        ).fetchall()
    return frozenset({filled.organisation_id, *(row[0] for row in rows)})


@contextmanager
def _database(folder: Path) -> Generator[tuple[str, Path | None]]:
    """Yield a database's owner URL: of ``TEST_DATABASE_URL``, or of a server of this run's own."""
    given = os.environ.get("TEST_DATABASE_URL")  # noqa: TID251 - the runner's own setting
    if given is None:
        with embedded_server(folder, progress=_say) as server:
            yield server.owner_url, server.bin_dir
        return
    name = f"leerruimte_bench_{secrets.token_hex(6)}"
    with psycopg.connect(given, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        try:
            yield urlsplit(given)._replace(path=f"/{name}").geturl(), wheel_programs()
        finally:
            drop = sql.SQL("DROP DATABASE {} WITH (FORCE)")
            connection.execute(drop.format(sql.Identifier(name)))


@contextmanager
def _served(settings: Settings, folder: Path) -> Generator[psutil.Process]:
    """Run ``leerruimte serve`` with these settings until the block ends; its log goes to a file."""
    environment: dict[str, Any] = {
        **os.environ,  # noqa: TID251 - what the service gets besides its settings
        "APP_DATABASE_URL": settings.app_url,
        "DATA_DIR": str(settings.data_dir),
        "PORT": str(settings.port),
        "DEMO": "true",
        "WORKERS": "1",
        # The limits are counted, and are not what is measured.
        "CLIENT_BURST": "100000000",
        "CLIENT_REQUESTS_PER_SECOND": "1000000",
        "ORGANISATION_BURST": "100000000",
        "ORGANISATION_REQUESTS_PER_SECOND": "1000000",
    }
    serve = "import sys; from app.cli import main; sys.exit(main(['serve']))"
    with (
        (folder / "service.log").open("wb") as log,
        subprocess.Popen(  # noqa: S603 - our own command
            [sys.executable, "-c", serve], env=environment, stdout=log, stderr=log, cwd=ROOT
        ) as process,
    ):
        try:
            _await_ready(f"http://{settings.host}:{settings.port}/health/ready", process)
            yield psutil.Process(process.pid)
        except BaseException:
            log.flush()
            _say((folder / "service.log").read_text()[-4000:])
            raise
        finally:
            process.terminate()


def _await_ready(address: str, process: subprocess.Popen[bytes]) -> None:
    for _ in range(600):
        try:
            urllib.request.urlopen(address, timeout=5).close()  # noqa: S310 - our own service
        except OSError:
            if process.poll() is not None:
                break
            time.sleep(0.1)
        else:
            return
    message = "the service does not start"
    raise OSError(message)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
