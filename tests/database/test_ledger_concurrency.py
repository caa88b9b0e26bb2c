"""The ledger under many clients at once: real commits, each on a connection of its own."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Sequence
from datetime import UTC, datetime

import pytest

from app.db.session import Database
from app.kernel.errors import Refusal
from app.kernel.pages import PageOf
from app.ledger.errors import AlreadyReversed, LimitExceeded, PendingAlreadyResolved
from app.ledger.rules import Account, Balance, Entry, Line, Transfer, Unit
from app.ledger.service import LedgerService
from app.settings import Settings
from tests.support.ledger import Book, account, pending, post, posted, reverse, uncounted, void
from tests.support.organisations import Organisation

CLIENTS = 64


@pytest.fixture(scope="module")
async def crowd(settings: Settings) -> AsyncIterator[Database]:
    """Yield the service's database with a connection for every client."""
    many = {"pool_size": CLIENTS, "pool_timeout_seconds": 60}
    database = Database(settings.model_copy(update=many))
    yield database
    await database.close()


@pytest.fixture
def book(crowd: Database, organisation: Organisation) -> Book:
    return Book(crowd, organisation.id)


async def _open(book: Book, room: int) -> tuple[Account, Account, Account]:
    """Open a limited account with ``room`` in it, and the uncounted source and sink beside it."""
    norm, source, spent = await book.do(
        lambda ledger: ledger.open_accounts([account(), uncounted("source"), uncounted("spent")])
    )
    if room:
        await book.do(lambda ledger: ledger.apply([posted(source, norm, room)]))
    return norm, source, spent


async def _apply(book: Book, *entries: Entry) -> Transfer | Refusal:
    """Record ``entries``; return the first transfer, or the refusal."""
    try:
        return (await book.do(lambda ledger: ledger.apply(entries)))[0]
    except Refusal as refused:
        return refused


async def _at_once(steps: Sequence[Awaitable[Transfer | Refusal]]) -> list[Transfer | Refusal]:
    async with asyncio.timeout(300):
        return list(await asyncio.gather(*steps))


def _recorded(outcomes: Sequence[Transfer | Refusal]) -> list[Transfer]:
    return [outcome for outcome in outcomes if isinstance(outcome, Transfer)]


async def _balance(book: Book, one: Account) -> Balance:
    return (await book.do(lambda ledger: ledger.balances([one.id])))[one.id]


async def _lines(book: Book, one: Account) -> list[Line]:
    page = await book.do(lambda ledger: ledger.entries(one.id, PageOf(limit=10_000)))
    return list(page.items)


@pytest.mark.invariant("L6", "F1", "L9")
async def test_64_clients_never_pass_a_limit_and_the_last_unit_goes_to_one(book: Book) -> None:
    norm, _, spent = await _open(book, room=100)

    async def client(number: int) -> list[Transfer | Refusal]:
        asked = [1 + (number + turn) % 3 for turn in range(4)]
        return [await _apply(book, pending(norm, spent, amount)) for amount in asked]

    async with asyncio.timeout(300):
        per_client = await asyncio.gather(*map(client, range(CLIENTS)))
    outcomes = [outcome for outcomes in per_client for outcome in outcomes]
    refused = [outcome for outcome in outcomes if isinstance(outcome, Refusal)]
    assert all(isinstance(refusal, LimitExceeded) for refusal in refused)
    left = (await _balance(book, norm)).room
    assert left >= 0
    assert sum(made.amount for made in _recorded(outcomes)) == 100 - left
    last = await _at_once([_apply(book, posted(norm, spent, max(left, 1))) for _ in range(CLIENTS)])
    assert len(_recorded(last)) == (1 if left else 0)
    assert (await _balance(book, norm)).room == 0
    numbers = [line.sequence for line in await _lines(book, norm)]
    assert numbers == list(range(1, len(numbers) + 1))
    assert await book.do(lambda ledger: ledger.verify()) == []


@pytest.mark.invariant("L6", "F1")
async def test_the_last_unit_goes_to_exactly_one_of_64(book: Book) -> None:
    norm, _, spent = await _open(book, room=1)
    outcomes = await _at_once([_apply(book, posted(norm, spent, 1)) for _ in range(CLIENTS)])
    assert len(_recorded(outcomes)) == 1
    refused = [outcome for outcome in outcomes if isinstance(outcome, LimitExceeded)]
    assert {(refusal.room, refusal.asked) for refusal in refused} == {(0, 1)}
    assert len(refused) == CLIENTS - 1


@pytest.mark.invariant("F1", "L1")
async def test_no_read_ever_shows_a_passed_limit(book: Book) -> None:
    norm, source, spent = await _open(book, room=50)
    done = asyncio.Event()
    seen: list[Balance] = []

    async def watch() -> None:
        while not done.is_set():
            seen.append(await _balance(book, norm))
            assert await book.do(lambda ledger: ledger.verify()) == []

    async def client(number: int) -> None:
        for turn in range(3):
            entry = (
                posted(source, norm, 2)
                if (number + turn) % 4 == 0
                else pending(norm, spent, 1 + turn)
            )
            await _apply(book, entry)

    async with asyncio.timeout(300), asyncio.TaskGroup() as group:
        watcher = group.create_task(watch())
        await asyncio.gather(*map(client, range(32)))
        done.set()
        await watcher
    assert seen
    assert all(balance.room >= 0 for balance in seen)


@pytest.mark.invariant("W4")
async def test_transfers_in_opposite_order_do_not_deadlock(book: Book) -> None:
    first, second, source = await book.do(
        lambda ledger: ledger.open_accounts([account("one"), account("two"), uncounted()])
    )
    await book.do(
        lambda ledger: ledger.apply([posted(source, first, 1000), posted(source, second, 1000)])
    )

    async def client(number: int) -> None:
        one, other = (first, second) if number % 2 else (second, first)
        for _ in range(5):
            there_and_back = posted(one, other, 1), posted(other, one, 1), pending(one, other, 1)
            await _apply(book, *there_and_back)

    async with asyncio.timeout(300):
        await asyncio.gather(*map(client, range(CLIENTS)))
    assert book.repeated == 0
    assert await book.do(lambda ledger: ledger.verify()) == []
    after = await book.do(lambda ledger: ledger.balances([first.id, second.id]))
    assert sum(b.credits_posted - b.debits_posted for b in after.values()) == 2000


@pytest.mark.invariant("L4")
@pytest.mark.parametrize("counted", [True, False], ids=["counted", "uncounted"])
async def test_64_posts_and_voids_of_one_reservation_have_one_winner(
    book: Book, *, counted: bool
) -> None:
    norm, source, spent = await _open(book, room=100)
    debit = norm if counted else source
    [held] = await book.do(lambda ledger: ledger.apply([pending(debit, spent, 60)]))
    race: list[Entry] = [
        post(held.id, 40) if number % 2 else void(held.id) for number in range(CLIENTS)
    ]
    outcomes = await _at_once([_apply(book, entry) for entry in race])
    [winner] = _recorded(outcomes)
    losers = [outcome for outcome in outcomes if outcome is not winner]
    assert {type(loser) for loser in losers} == {PendingAlreadyResolved}
    if counted:
        balance = await _balance(book, norm)
        assert balance.debits_pending == 0
        assert balance.debits_posted == (40 if winner.kind == "post" else 0)
    assert await book.do(lambda ledger: ledger.verify()) == []


@pytest.mark.invariant("K3")
@pytest.mark.parametrize("counted", [True, False], ids=["counted", "uncounted"])
async def test_one_key_at_the_same_moment_has_one_effect(book: Book, *, counted: bool) -> None:
    norm, source, spent = await _open(book, room=60)
    entry = posted(norm if counted else source, spent, 60)
    outcomes = await _at_once([_apply(book, entry) for _ in range(CLIENTS)])
    recorded = _recorded(outcomes)
    assert len(recorded) == CLIENTS
    assert len({made.id for made in recorded}) == 1
    assert Counter(made.replayed for made in recorded) == {False: 1, True: CLIENTS - 1}
    if counted:
        assert book.repeated == 0
    assert await book.do(lambda ledger: ledger.verify()) == []


@pytest.mark.invariant("K3")
async def test_two_batches_that_share_a_key_have_each_effect_once(book: Book) -> None:
    norm, source, spent = await _open(book, room=1000)
    [other] = await book.do(lambda ledger: ledger.open_accounts([account("other")]))
    await book.do(lambda ledger: ledger.apply([posted(source, other, 1000)]))
    shared = posted(norm, spent, 1)
    outcomes = await _at_once(
        [_apply(book, shared, posted(other, spent, 1)) for _ in range(CLIENTS)]
    )
    assert len({made.id for made in _recorded(outcomes)}) == 1
    assert (await _balance(book, norm)).debits_posted == 1
    assert (await _balance(book, other)).debits_posted == CLIENTS
    assert await book.do(lambda ledger: ledger.verify()) == []


@pytest.mark.invariant("L3")
async def test_every_entry_reversed_twice_at_once_is_reversed_once(book: Book) -> None:
    norm, _, spent = await _open(book, room=1000)
    made = await book.do(
        lambda ledger: ledger.apply([posted(norm, spent, 1 + number) for number in range(32)])
    )
    outcomes = await _at_once([_apply(book, reverse(one.id)) for one in made for _ in range(2)])
    assert Counter(type(outcome) for outcome in outcomes) == {Transfer: 32, AlreadyReversed: 32}
    assert (await _balance(book, norm)).debits_posted == 0
    assert await book.do(lambda ledger: ledger.verify()) == []


async def test_accounts_opened_at_once_in_any_order_are_opened_once(book: Book) -> None:
    openings = [account() for _ in range(500)]

    async def client(number: int) -> set[Account]:
        ordered = openings if number % 2 else openings[::-1]
        return set(await book.do(lambda ledger: ledger.open_accounts(ordered)))

    async with asyncio.timeout(300):
        found = await asyncio.gather(*map(client, range(8)))
    assert all(accounts == found[0] for accounts in found)
    assert len(found[0]) == 500
    assert book.repeated == 0


@pytest.mark.invariant("F3")
async def test_a_limit_is_judged_by_what_others_spend_meanwhile(book: Book) -> None:
    norm, source, spent = await book.do(
        lambda ledger: ledger.open_accounts(
            [account(limited=False), uncounted("source"), uncounted("spent")]
        )
    )
    await book.do(lambda ledger: ledger.apply([posted(source, norm, 40)]))
    async with book.work() as work:
        await LedgerService(work).apply([posted(norm, spent, 41)])
        binding = asyncio.ensure_future(
            book.do(lambda ledger: ledger.set_limited(norm.id, limited=True))
        )
        await asyncio.sleep(0.2)
        assert not binding.done()
    with pytest.raises(LimitExceeded) as refused:
        await binding
    assert (refused.value.room, refused.value.asked) == (40, 41)


@pytest.mark.invariant("L8")
async def test_an_as_of_read_waits_for_what_is_on_its_way(book: Book) -> None:
    norm, _, spent = await _open(book, room=100)
    async with book.work() as work:
        [late] = await LedgerService(work).apply([posted(norm, spent, 1)])
        read = asyncio.ensure_future(
            book.do(
                lambda ledger: ledger.entries(
                    norm.id, PageOf(limit=10), as_of=datetime.max.replace(tzinfo=UTC)
                )
            )
        )
        await asyncio.sleep(0.2)
        assert not read.done()
    assert late in [line.transfer for line in (await read).items]


@pytest.mark.invariant("L8")
async def test_statements_as_of_stay_what_they_were_under_load(book: Book) -> None:
    norm, source, _ = await _open(book, room=100)
    taken: list[tuple[datetime, tuple[Line, ...]]] = []

    async def statement(as_of: datetime) -> tuple[Line, ...]:
        asked = PageOf(limit=10_000)
        page = await book.do(lambda ledger: ledger.entries(norm.id, asked, as_of=as_of))
        return tuple(page.items)

    async def write(turns: int) -> None:
        for _ in range(turns):
            await _apply(book, posted(source, norm, 1))

    async def take() -> None:
        for _ in range(20):
            [made] = await book.do(lambda ledger: ledger.apply([posted(source, norm, 1)]))
            taken.append((made.recorded_at, await statement(made.recorded_at)))

    async with asyncio.timeout(300):
        await asyncio.gather(*(write(10) for _ in range(16)), *(take() for _ in range(4)))
    for as_of, lines in taken:
        assert await statement(as_of) == lines
    assert len(taken) == 80


@pytest.mark.invariant("L1")
async def test_units_are_kept_apart_and_sum_to_nothing(book: Book) -> None:
    minutes, cents, hours, money = await book.do(
        lambda ledger: ledger.open_accounts(
            [
                account("hours"),
                account("means", unit=Unit.CENTS),
                account("all hours", limited=False),
                account("all means", unit=Unit.CENTS, limited=False),
            ]
        )
    )
    await _at_once(
        [_apply(book, posted(hours, minutes, 3), posted(money, cents, 5)) for _ in range(16)]
    )
    after = await book.do(
        lambda ledger: ledger.balances([minutes.id, cents.id, hours.id, money.id])
    )
    for unit in (Unit.MINUTES, Unit.CENTS):
        rooms = [balance.room for balance in after.values() if balance.unit is unit]
        assert sum(rooms) == 0
        assert max(rooms) == 16 * (3 if unit is Unit.MINUTES else 5)
