"""What a long history costs: the same reads and decisions on a short ledger and on a long one.

Both are served at once and asked in turn, so that what else the machine does weighs on both alike.
"""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import psutil
import psycopg
from psycopg import sql

from app.db.migration import migrate
from app.db.session import Database
from app.demo.clock import DemoClock
from app.http.demo_issuer import PATH as DEMO_PATH
from app.http.demo_issuer import SigningIssuer
from app.http.pagination import write_cursor
from app.kernel.actors import Role
from app.settings import Settings
from benchmarks.fill import NOW, Filled, Sizes, fill
from benchmarks.history import add_history
from benchmarks.ids import Of, identifier
from benchmarks.operations import Call, Tokens, decide
from benchmarks.service import Running, serving

Say = Callable[[str], None]

_ROUNDS = 5
_CLIENTS = 4
# The lines that a page is about: the last of an account, however many went before.
_PAGE = 20


@dataclass(frozen=True, slots=True)
class Grown:
    """One thing done on both: milliseconds of CPU of service and database, and of waiting."""

    what: str
    short_ms: float
    long_ms: float
    short_p50_ms: float
    long_p50_ms: float

    @property
    def ratio(self) -> float:
        return self.long_ms / self.short_ms


@dataclass(frozen=True, slots=True)
class Growth:
    """What was compared, and how many transfers there were."""

    short_transfers: int
    long_transfers: int
    grown: Sequence[Grown]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a ledger is made: an empty database, who may fill it quickest, and a folder."""

    settings: Settings
    filler_url: str

    @property
    def folder(self) -> Path:
        return self.settings.data_dir


@dataclass(frozen=True, slots=True)
class _Ledger:
    filled: Filled
    transfers: int
    running: Running
    tokens: Tokens
    lines: Sequence[int]


async def compare(
    places: tuple[Place, Place],
    postgres: psutil.Process | None,
    *,
    sizes: Sizes,
    transfers: tuple[int, int],
    seconds: float,
    say: Say,
) -> Growth:
    """Fill both databases, serve both, and return what things cost on each."""
    with ExitStack() as served:
        ledgers: list[_Ledger] = []
        for place, count in zip(places, transfers, strict=True):
            say(f"A ledger of {count:,} transfers ...")
            filled, made = await _fill(place, sizes, count)
            running = served.enter_context(serving(place.settings, place.folder, postgres, say=say))
            ledgers.append(_ledger(filled, made, running))
        short, long = ledgers
        grown = [
            _compared("read a balance", short, long, _balances, seconds),
            _compared(f"read the last {_PAGE} entries of an account", short, long, _pages, seconds),
            _decided(short, long),
        ]
    for one in grown:
        say(f"  {one.what}: {one.short_ms:.2f} and {one.long_ms:.2f} ms, ratio {one.ratio:.2f}")
    return Growth(short.transfers, long.transfers, grown)


async def _fill(place: Place, sizes: Sizes, transfers: int) -> tuple[Filled, int]:
    settings = place.settings
    migrate(settings.owner_url, settings.app_url)
    DemoClock(place.folder / "demo-clock.json").set(NOW)
    database = Database(settings)
    try:
        filled = await fill(database, settings.owner_url, sizes, _silently)
    finally:
        await database.close()
    made = await add_history(
        place.filler_url, filled.organisation_id, transfers=transfers, progress=_silently
    )
    return filled, made


def _ledger(filled: Filled, transfers: int, running: Running) -> _Ledger:
    settings = running.settings
    issuer = SigningIssuer.kept_in(
        settings.data_dir, f"http://{settings.host}:{settings.port}{DEMO_PATH}"
    )
    return _Ledger(filled, transfers, running, Tokens(issuer), _lines(settings, filled))


def _silently(_told: str) -> None:
    """Say nothing: two fills at length would hide what is measured."""


def _lines(settings: Settings, filled: Filled) -> list[int]:
    """Return how many lines each employee's account has, by the employee's number."""
    with psycopg.connect(settings.app_url) as connection:
        tenant = sql.SQL("SET LOCAL app.organisation_id = {}")
        connection.execute(tenant.format(sql.Literal(str(filled.organisation_id))))
        rows = connection.execute(
            "SELECT sequence FROM accounts"
            " WHERE organisation_id = %s AND kind = 'norm' ORDER BY id",
            [filled.organisation_id],
        ).fetchall()
    return [int(row[0]) for row in rows]


def _balances(ledger: _Ledger) -> list[Call]:
    return [Call("GET", _year(number), _hr(ledger)) for number in range(1, len(ledger.lines) + 1)]


def _pages(ledger: _Ledger) -> list[Call]:
    secret = ledger.running.settings.cursor_secret
    calls: list[Call] = []
    for number, lines in enumerate(ledger.lines, start=1):
        path = f"{_year(number)}/entries"
        cursor = write_cursor(secret, path, (str(lines - _PAGE),))
        calls.append(Call("GET", f"{path}?limit={_PAGE}&cursor={cursor}", _hr(ledger)))
    return calls


def _year(number: int) -> str:
    return f"/v1/employees/{identifier(Of.EMPLOYEE, number)}/hour-ledgers/2027"


def _hr(ledger: _Ledger) -> dict[str, str]:
    return ledger.tokens.headers(ledger.filled.sizes.hr, Role.HR, Role.EMPLOYEE)


def _compared(
    what: str,
    short: _Ledger,
    long: _Ledger,
    calls_on: Callable[[_Ledger], list[Call]],
    seconds: float,
) -> Grown:
    """Return the cost of a read on each: the median of rounds taken in turn."""
    calls = {id(ledger): calls_on(ledger) for ledger in (short, long)}
    cost: dict[int, list[tuple[float, float]]] = {id(short): [], id(long): []}
    for _round in range(_ROUNDS + 1):
        for ledger in (short, long):
            before = _cpu(ledger)
            seen = ledger.running.carry_out(
                calls[id(ledger)], clients=_CLIENTS, seconds=seconds / _ROUNDS, again=True
            )
            each = (_cpu(ledger) - before) / seen.answered * 1000
            cost[id(ledger)].append((each, seen.p50_ms))
    return _grown(what, cost[id(short)][1:], cost[id(long)][1:])


def _decided(short: _Ledger, long: _Ledger) -> Grown:
    """Return the cost of an item of a decision on each; the first decision warms up."""
    cost: dict[int, list[tuple[float, float]]] = {id(short): [], id(long): []}
    items = short.filled.sizes.items
    for number in range(short.filled.sizes.proposals):
        for ledger in (short, long):
            call = decide(ledger.filled, ledger.tokens)(ledger.filled.proposal_ids[number])
            before = _cpu(ledger)
            seen = ledger.running.carry_out([call], clients=1, seconds=60, again=False)
            each = (_cpu(ledger) - before) / items * 1000
            cost[id(ledger)].append((each, seen.longest_ms / items))
    return _grown("decide on an item of a proposal", cost[id(short)][1:], cost[id(long)][1:])


def _cpu(ledger: _Ledger) -> float:
    service, postgres = ledger.running.cpu()
    return service + (postgres or 0)


def _grown(
    what: str, short: Sequence[tuple[float, float]], long: Sequence[tuple[float, float]]
) -> Grown:
    return Grown(
        what,
        median(each for each, _p50 in short),
        median(each for each, _p50 in long),
        median(p50 for _each, p50 in short),
        median(p50 for _each, p50 in long),
    )
