"""One run: a database of its own, filled; the real service on it; the load; the page of figures."""

import argparse
import asyncio
import os
import secrets
import signal
import sys
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import unquote, urlsplit
from uuid import UUID

import psutil
import psycopg
from psycopg import sql

from app.db.embedded import embedded_server, wheel_programs
from app.db.migration import migrate
from app.db.session import Database
from app.demo.clock import DemoClock
from app.http.demo_issuer import PATH as DEMO_PATH
from app.http.demo_issuer import SigningIssuer
from app.settings import Settings
from benchmarks.bare import Bare, Varying, find_pgbench, replay, run_pgbench, script
from benchmarks.calibration import look_through_routes
from benchmarks.capture import Capture, Statement, capturing
from benchmarks.document import set_documents
from benchmarks.fill import NOW, Filled, Sizes, fill
from benchmarks.growth import Place, compare
from benchmarks.history import SMALL
from benchmarks.ids import digits
from benchmarks.load import Seen
from benchmarks.machine import cpu_of, describe, server_process
from benchmarks.operations import Call, Operation, Tokens, decide, operations
from benchmarks.overload import CLIENTS as OVERLOADING
from benchmarks.overload import overload
from benchmarks.profile import Profiled, differences, read_samples
from benchmarks.profile import write as write_profile
from benchmarks.report import Decided, Figure, Measured, unexplained, write
from benchmarks.service import Running, free_port, serving

_CLIENTS = (1, 16, 64)
# Shares of what a changing operation can be done to: each number of clients, by the service and
# bare, one to warm up with, and one of two workers.
_SHARES = 2 * len(_CLIENTS) + 2
_WARMING, _BY_TWO = _SHARES - 1, _SHARES - 2
_CLIENTS_OF_TWO = 16
_FULL = Sizes(
    requests=100_000, drafts=35_001, granted=35_001, proposals=6, items=200, employees=1000
)
_QUICK = Sizes(requests=1100, drafts=513, granted=513, proposals=2, items=20, employees=50)
_TRANSFERS, _QUICK_TRANSFERS = (10_000, 1_000_000), (3000, 6000)
_RESULTS = Path(__file__).parent / "RESULTS.md"

# What is profiled, on how much data, and how statements are told apart by pgbench.
_PROFILED = ("post an hour entry", "page of 50")
_TO_PROFILE = Sizes(
    requests=30_000, drafts=1001, granted=25_001, proposals=2, items=20, employees=1000
)
_PROFILE = Path(__file__).parent / "PROFILE.md"
_PROFILE_CLIENTS, _PROFILE_ROUNDS = 16, 2


@dataclass(frozen=True, slots=True)
class _Bench:
    """The service under load, and what is beside it."""

    running: Running
    pgbench: Path | None
    seconds: float

    @property
    def settings(self) -> Settings:
        return self.running.settings


@dataclass(frozen=True, slots=True)
class _Server:
    """PostgreSQL: who owns the databases, who may do all, and where its programs are."""

    owner_url: str
    superuser_url: str
    bin_dir: Path | None

    def settings(self, database: str, data_dir: Path) -> Settings:
        """Return the settings of a service on one of its databases."""
        data_dir.mkdir(exist_ok=True)
        return Settings.model_validate(
            {
                "database_url": _at(self.owner_url, database),
                "data_dir": data_dir,
                "port": free_port(),
                "demo": True,
                "workers": 1,
            }
        )


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and write the page; 1 when a budget is missed that no profile tells about.

    A smoke run is held to none: it is too short to tell.
    """
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a smoke run: little data, 2 s each")
    parser.add_argument("--seconds", type=float, help="of each measurement; 5, or 2 when quick")
    parser.add_argument("--output", type=Path, help="the page to write")
    parser.add_argument(
        "--profile", action="store_true", help="tell instead where the CPU of a request goes"
    )
    parser.add_argument(
        "--only", metavar="WORD", help="only operations with this word in their name"
    )
    asked = parser.parse_args(arguments)
    sizes = _QUICK if asked.quick else _FULL
    transfers = _QUICK_TRANSFERS if asked.quick else _TRANSFERS
    seconds = asked.seconds or (2.0 if asked.quick else 5.0)
    with TemporaryDirectory(prefix="leerruimte-bench-") as name, _server(Path(name)) as server:
        folder = Path(name)
        pgbench = find_pgbench(server.bin_dir)
        notes = [] if pgbench else ["There is no pgbench here, so no bare figures."]
        postgres = server_process(server.owner_url)
        if asked.profile:
            output = asked.output or _PROFILE
            with _databases(server, 1) as (only,):
                settings = server.settings(only, folder / "service")
                sizes = _QUICK if asked.quick else _TO_PROFILE
                paces, profiled = asyncio.run(
                    _profile(settings, sizes, postgres, pgbench=pgbench, seconds=seconds)
                )
            day = f"{datetime.now(UTC):%Y-%m-%d}"  # noqa: TID251 - the day of the run
            output.write_text(write_profile(describe(server.owner_url), day, paces, profiled))
            _say(f"Written to {output}")
            return 0
        output = asked.output or _RESULTS
        with _databases(server, 3) as (first, *others):
            settings = server.settings(first, folder / "service")
            page = asyncio.run(
                _page(settings, sizes, postgres, pgbench=pgbench, seconds=seconds, only=asked.only)
            )
            if asked.only is None:
                places = [
                    Place(server.settings(name, folder / name), _at(server.superuser_url, name))
                    for name in others
                ]
                page.growth = asyncio.run(
                    compare(
                        (places[0], places[1]),
                        postgres,
                        sizes=SMALL,
                        transfers=transfers,
                        seconds=seconds,
                        say=_say,
                    )
                )
                _say("Documents ...")
                page.documents = asyncio.run(set_documents())
            told = _PROFILE.read_text() if _PROFILE.exists() else ""
            machine = describe(server.owner_url)
            output.write_text(write(machine, page, notes=notes, profile=told))
    _say(f"Written to {output}")
    return 0 if asked.quick else verdict(page, told)


def verdict(measured: Measured, profile: str) -> int:
    """Name each missed budget that the profile does not tell about; 1 when there is one."""
    missed = unexplained(measured, profile)
    for budget in missed:
        what, found, bound, _ = budget.cells(profile)
        _say(f"Budget missed, without a section in PROFILE.md: {what}: {found}, not {bound}")
    return 1 if missed else 0


async def _page(
    settings: Settings,
    sizes: Sizes,
    postgres: psutil.Process | None,
    *,
    pgbench: Path | None,
    seconds: float,
    only: str | None,
) -> Measured:
    """Fill a database, and measure the service on it: with one worker, and with two."""
    filled = await _fill(settings, sizes)
    folder = settings.data_dir
    with serving(settings, folder, postgres, say=_say) as running:
        bench = _Bench(running, pgbench, seconds)
        measured = await _measure(bench, filled, only)
        measured.started_in_seconds = running.started_in_seconds
        measured.memory_mib = running.memory_mib()
    with serving(settings, folder, postgres, say=_say, workers=2) as running:
        measured.of_two_workers = _by_two(_Bench(running, None, seconds), filled, only)
        measured.memory_of_two_mib = running.memory_mib()
    return measured


async def _profile(
    settings: Settings,
    sizes: Sizes,
    postgres: psutil.Process | None,
    *,
    pgbench: Path | None,
    seconds: float,
) -> tuple[list[float], list[Profiled]]:
    """Return the pace of the machine, each time, and where the CPU of the operations went."""
    filled = await _fill(settings, sizes)
    paces: list[float] = []
    profiled: list[Profiled] = []
    for word in _PROFILED:
        paces.append(look_through_routes())
        file = settings.data_dir / f"samples-{len(profiled)}.json"
        program = ("-m", "benchmarks.sampling", str(file))
        with serving(settings, settings.data_dir, postgres, say=_say, program=program) as running:
            # Twice as long as a measurement: the more looks, the nearer the shares.
            bench = _Bench(running, pgbench, 2 * seconds)
            [operation] = _operations(bench, filled, word)
            _say(f"{operation.name} ...")
            _load(bench, operation, share=_WARMING, clients=8, seconds=1.0)
            running.process.send_signal(signal.SIGUSR1)
            figure = _figure(bench, operation, share=0, clients=_PROFILE_CLIENTS, statements=0)
        async with capturing(settings) as capture:
            caught = await _caught(capture, operation.call(operation.last))
        profiled.append(
            Profiled(
                operation=operation.name,
                budget_ms=figure.budget_ms,
                service_ms=figure.service_ms,
                postgres_ms=figure.postgres_ms or 0.0,
                samples=read_samples(file),
                statements=_statements(bench, operation, caught, _constant(settings, filled)),
            )
        )
    paces.append(look_through_routes())
    return paces, profiled


def _statements(
    bench: _Bench, operation: Operation, caught: Sequence[Statement], constant: frozenset[UUID]
) -> list[tuple[Statement, float]]:
    """Return each statement with the CPU that PostgreSQL alone takes for it, in milliseconds."""
    if bench.pgbench is None or bench.running.postgres is None:
        return []
    used = cpu_of(bench.running.postgres)
    seconds = max(1, round(bench.seconds / 4))
    # Rolled back each time, so that they can be done again: those that no load has done.
    free = [operation.numbers(share, _SHARES) for share in (1, _BY_TWO - 1)]
    choose = f"\\set n random({digits(min(free[0]))}, {digits(max(free[1]))})"
    varying = _varying(operation, constant, choose)
    up_to: list[float] = []
    for count in range(1, len(caught) + 1):
        content = script(caught[:count], varying, run=count, end="ROLLBACK")
        found: list[float] = []
        for _ in range(_PROFILE_ROUNDS):
            before = used()
            bare = run_pgbench(
                bench.pgbench,
                bench.settings.app_url,
                content,
                clients=4,
                limit=["-T", f"{seconds}"],
            )
            # Its connections must have ended, as above.
            time.sleep(0.5)
            found.append((used() - before) / bare.transactions * 1000)
        # What else the machine does can only add to it.
        up_to.append(min(found))
    return list(zip(caught, differences(up_to), strict=True))


async def _fill(settings: Settings, sizes: Sizes) -> Filled:
    """Bring the schema up to date, set the clock, and fill the database."""
    _say("Bringing the schema up to date ...")
    migrate(settings.owner_url, settings.app_url)
    DemoClock(settings.data_dir / "demo-clock.json").set(NOW)
    database = Database(settings)
    try:
        return await fill(database, settings.owner_url, sizes, _say)
    finally:
        await database.close()


def _operations(bench: _Bench, filled: Filled, only: str | None) -> list[Operation]:
    settings = bench.settings
    chosen = operations(filled.sizes, _tokens(settings), settings.cursor_secret)
    return [one for one in chosen if only is None or only in one.name]


def _tokens(settings: Settings) -> Tokens:
    address = f"http://{settings.host}:{settings.port}{DEMO_PATH}"
    return Tokens(SigningIssuer.kept_in(settings.data_dir, address))


async def _measure(bench: _Bench, filled: Filled, only: str | None) -> Measured:
    settings = bench.settings
    figures: list[Figure] = []
    async with capturing(settings) as capture:
        for operation in _operations(bench, filled, only):
            _say(f"{operation.name} ...")
            # What the first requests set up (connections, the tranche) is not measured.
            _load(bench, operation, share=_WARMING, clients=8, seconds=1.0)
            caught = await _caught(capture, operation.call(operation.last))
            figures += _figures(bench, operation, caught, _constant(settings, filled))
        decided = await _decisions(bench, filled, _tokens(settings), capture)
    measured = Measured(figures, decided)
    if only is None:
        page = _operations(bench, filled, "page")[0]
        _say(f"{OVERLOADING} clients at once ...")
        calls = [page.call(number) for number in page.numbers(0, _SHARES)]
        measured.overload = overload(bench.running, page.name, calls, seconds=2 * bench.seconds)
        _say(f"  {measured.overload.seen.statuses}, health {measured.overload.health}")
    return measured


def _by_two(bench: _Bench, filled: Filled, only: str | None) -> list[Figure]:
    """Return the figures of two workers, at one number of clients, beside nothing."""
    _say("With two workers ...")
    figures: list[Figure] = []
    for operation in _operations(bench, filled, only):
        if not operation.changes:
            _load(bench, operation, share=_WARMING, clients=8, seconds=0.5)
        figures.append(
            _figure(bench, operation, share=_BY_TWO, clients=_CLIENTS_OF_TWO, statements=0)
        )
    return figures


async def _caught(capture: Capture, call: Call) -> list[Statement]:
    headers = {**call.headers, **({"Content-Type": "application/json"} if call.body else {})}
    return await capture.statements(call.method, call.path, headers=headers, body=call.body)


def _figures(
    bench: _Bench, operation: Operation, caught: Sequence[Statement], constant: frozenset[UUID]
) -> Iterator[Figure]:
    for position, clients in enumerate(_CLIENTS):
        figure = _figure(
            bench,
            operation,
            share=2 * position,
            clients=clients,
            # With the COMMIT, which is not caught.
            statements=len(caught) + 1,
        )
        before = bench.running.cpu()[1]
        bare = _bare(bench, operation, caught, constant, share=2 * position + 1, clients=clients)
        # Its connections must have ended: what one used is counted when PostgreSQL buries it.
        time.sleep(0.5)
        after = bench.running.cpu()[1]
        bare_ms = bare and _each(before, after, bare.transactions)
        _say(f"     bare {bare.transactions / bare.seconds if bare else 0:,.0f}/s")
        yield replace(figure, bare=bare, bare_postgres_ms=bare_ms)


def _figure(
    bench: _Bench, operation: Operation, *, share: int, clients: int, statements: int
) -> Figure:
    before = bench.running.cpu()
    seen = _load(bench, operation, share, clients, bench.seconds)
    after = bench.running.cpu()
    figure = Figure(
        operation=operation.name,
        clients=clients,
        statements=statements,
        busy=seen.busy,
        per_second=seen.answered / seen.seconds,
        p50_ms=seen.p50_ms,
        p99_ms=seen.p99_ms,
        service_ms=(after[0] - before[0]) / seen.answered * 1000,
        postgres_ms=_each(before[1], after[1], seen.answered),
        load_ms=seen.cpu_seconds / seen.answered * 1000,
        budget_ms=operation.budget_ms,
        bare=None,
        bare_postgres_ms=None,
    )
    _say(
        f"  {clients:2} clients: {figure.per_second:,.0f}/s, p50 {figure.p50_ms:.1f} ms, p99 "
        f"{figure.p99_ms:.1f} ms; CPU {figure.service_ms:.2f} + {figure.postgres_ms or 0:.2f} ms"
    )
    return figure


def _each(before: float | None, after: float | None, count: int) -> float | None:
    return None if before is None or after is None else (after - before) / count * 1000


def _load(bench: _Bench, operation: Operation, share: int, clients: int, seconds: float) -> Seen:
    numbers = operation.numbers(share, _SHARES)
    calls = [operation.call(number) for number in numbers]
    return bench.running.carry_out(
        calls, clients=clients, seconds=seconds, again=not operation.changes
    )


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
        limit = ["-T", str(max(2, round(bench.seconds)))]
    varying = _varying(operation, constant, choose)
    content = script(caught, varying, run=_SHARES * operation.number + share)
    return run_pgbench(bench.pgbench, bench.settings.app_url, content, clients=clients, limit=limit)


def _varying(operation: Operation, constant: frozenset[UUID], choose: str) -> Varying:
    return Varying(
        texts={digits(operation.last): "n", **operation.also(operation.last)},
        before=[choose, *operation.variables],
        constant=constant,
    )


async def _decisions(bench: _Bench, filled: Filled, tokens: Tokens, capture: Capture) -> Decided:
    call = decide(filled, tokens)
    _say(f"decide on a proposal of {filled.sizes.items} items ...")
    bare_proposal, *proposals = filled.proposal_ids
    caught = await _caught(capture, call(bare_proposal))
    began = time.perf_counter()
    replay(bench.settings.app_url, caught)
    bare_seconds = time.perf_counter() - began
    before = bench.running.cpu()
    seconds = [
        bench.running.carry_out([call(proposal)], clients=1, seconds=60, again=False).longest_ms
        / 1000
        for proposal in proposals
    ]
    after = bench.running.cpu()
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
def _server(folder: Path) -> Generator[_Server]:
    """Yield the server of ``TEST_DATABASE_URL``, or one of this run's own."""
    given = os.environ.get("TEST_DATABASE_URL")  # noqa: TID251 - the runner's own setting
    if given is not None:
        yield _Server(given, given, wheel_programs())
        return
    with embedded_server(folder, progress=_say) as server:
        yield _Server(server.owner_url, server.superuser_url, server.bin_dir)


@contextmanager
def _databases(server: _Server, count: int) -> Generator[list[str]]:
    """Make so many databases and yield their names."""
    names = [f"leerruimte_bench_{secrets.token_hex(6)}" for _ in range(count)]
    owner = sql.Identifier(unquote(urlsplit(server.owner_url).username or "postgres"))
    with psycopg.connect(server.superuser_url, autocommit=True) as connection:
        try:
            for name in names:
                create = sql.SQL("CREATE DATABASE {} OWNER {}")
                connection.execute(create.format(sql.Identifier(name), owner))
            yield names
        finally:
            for name in names:
                drop = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)")
                connection.execute(drop.format(sql.Identifier(name)))


def _at(url: str, database: str) -> str:
    return urlsplit(url)._replace(path=f"/{database}").geturl()


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
